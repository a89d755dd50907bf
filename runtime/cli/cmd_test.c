/* cmd_test.c - `cartwright test CART`: the standard tests of a cart, and the site's own, against a fake shop
 * in virtual time. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/trial.h"

struct options {
    char *type, *recording;
    char **only;
    gint64 seed;
    gboolean list;
};

struct work {
    struct cw_cli *cli;
    const struct options *options;
    struct cw_trial_config config;
    GPtrArray *names, *abouts;
    unsigned ok, failed, lacks;
    size_t width; /* of the longest name */
};

/* --- which tests --- */

static bool is_wanted(const struct options *options, const char *name)
{
    if (options->only == NULL)
        return true;
    for (size_t i = 0; options->only[i] != NULL; i++)
        if (g_pattern_match_simple(options->only[i], name))
            return true;
    return false;
}

/* A name that no test has is a mistake, however many the others have. */
static bool check_names(const struct work *work, struct cw_error *err)
{
    char **only = work->options->only;
    for (size_t i = 0; only != NULL && only[i] != NULL; i++) {
        bool is_met = false;
        for (guint n = 0; n < work->names->len && !is_met; n++)
            is_met = g_pattern_match_simple(only[i], g_ptr_array_index(work->names, n));
        if (!is_met)
            return cw_fail(err, CW_USAGE, "no test is called %s; see: cartwright test %s%s --list", only[i],
                           work->options->type != NULL ? "--type " : "", work->config.cart);
    }
    return true;
}

static void take_name(void *arg, struct cw_slice name, struct cw_slice about)
{
    struct work *work = arg;
    char *text = g_strndup(name.data, name.len);
    if (!is_wanted(work->options, text)) {
        g_free(text);
        return;
    }
    g_ptr_array_add(work->names, text);
    g_ptr_array_add(work->abouts, g_strndup(about.data, about.len));
    work->width = name.len > work->width ? name.len : work->width;
}

static bool find_tests(struct work *work, struct cw_error *err)
{
    struct cw_trial *trial = cw_trial_open(&work->config, err);
    bool ok = trial != NULL && cw_trial_list(trial, take_name, work, err);
    cw_trial_close(trial);
    return ok && check_names(work, err);
}

/* --- telling --- */

static void print_json(const char *name, const char *key, struct cw_slice value, const char *verdict)
{
    printf("{\"test\":");
    cw_cli_json_text(cw_slice(name));
    if (verdict != NULL)
        printf(",\"verdict\":\"%s\"", verdict);
    printf(",\"%s\":", key);
    cw_cli_json_text(value);
    puts("}");
}

/* What follows a line break stands below the first line's words. */
static void print_words(const struct work *work, const char *verdict, const char *name, struct cw_slice words)
{
    char *shown = cw_cli_harmless(words, "\n"), *rest = shown, *line;
    printf("%-7s %-*s", verdict, words.len > 0 ? (int)work->width : 0, name);
    for (bool is_first = true; (line = strsep(&rest, "\n")) != NULL; is_first = false)
        if (*line != '\0')
            printf("%s%*s%s", is_first ? "" : "\n", is_first ? 2 : (int)work->width + 10, "", line);
    putchar('\n');
    g_free(shown);
}

static void tell(const struct work *work, enum cw_trial_verdict verdict, const char *name,
                 struct cw_slice words)
{
    static const char *const shown[] = { "ok", "FAILED", "lacks" };
    static const char *const keys[] = { "ok", "failed", "lacks" };
    if (work->cli->json)
        print_json(name, "words", words, keys[verdict]);
    else
        print_words(work, shown[verdict], name, words);
    fflush(stdout);
}

static void list(const struct work *work)
{
    for (guint i = 0; i < work->names->len; i++) {
        const char *name = g_ptr_array_index(work->names, i), *about = g_ptr_array_index(work->abouts, i);
        if (work->cli->json)
            print_json(name, "about", cw_slice(about), NULL);
        else
            printf("%-*s  %s\n", (int)work->width, name, about);
    }
}

static void print_sum(const struct work *work)
{
    if (work->cli->json)
        printf("{\"tests\":%u,\"ok\":%u,\"failed\":%u,\"lacks\":%u,\"seed\":%" G_GINT64_FORMAT "}\n",
               work->names->len, work->ok, work->failed, work->lacks, work->options->seed);
    else
        printf("%s: %u tests: %u ok, %u failed, %u that it lacks\n", work->config.cart, work->names->len,
               work->ok, work->failed, work->lacks);
}

/* --- running --- */

static bool run_one(struct work *work, const char *name, struct cw_error *err)
{
    enum cw_trial_verdict verdict = CW_TRIAL_FAILED;
    struct cw_buffer words = { 0 };
    struct cw_trial *trial = cw_trial_open(&work->config, err);
    if (trial == NULL)
        return false;
    if (!cw_trial_run(trial, name, &verdict, &words, err)) { /* a limit, or no memory: the next one goes on */
        verdict = CW_TRIAL_FAILED;
        cw_buffer_print(&words, NULL, "%s", err->text);
    }
    bool fake_loops = cw_trial_fake_loops(trial);
    cw_trial_close(trial);
    tell(work, verdict, name, cw_buffer_slice(&words));
    cw_buffer_fini(&words);
    work->ok += verdict == CW_TRIAL_OK;
    work->failed += verdict == CW_TRIAL_FAILED;
    work->lacks += verdict == CW_TRIAL_LACKS;
    return !fake_loops ||
           cw_fail(err, CW_LIMIT,
                   "the script of the fake does not come to an end; mend it, then run the tests again");
}

static bool run(struct work *work, struct cw_error *err)
{
    if (!find_tests(work, err))
        return false;
    if (work->options->list) {
        list(work);
        return true;
    }
    for (guint i = 0; i < work->names->len; i++)
        if (!run_one(work, g_ptr_array_index(work->names, i), err))
            return false;
    print_sum(work);
    return true;
}

static void print_line(void *arg, struct cw_slice line)
{
    const struct cw_cli *cli = arg;
    if (cli->verbose)
        fprintf(stderr, "%.*s\n", CW_SLICE_ARG(line));
}

/* The cart of the site, or one of the type alone. */
static bool choose_cart(struct work *work, const char *cart, struct cw_error *err)
{
    const struct cw_site_config *config = &work->cli->site->config;
    work->config.site = work->cli->site;
    work->config.cart = work->config.type = work->options->type;
    if (cart == NULL)
        return true;
    work->config.cart = cart;
    for (size_t i = 0; i < config->cart_count && work->config.type == NULL; i++)
        if (strcmp(config->carts[i].name, cart) == 0)
            work->config.type = config->carts[i].type;
    return work->config.type != NULL || cw_fail(err, CW_USAGE, "site.lua has no cart %s", cart);
}

static int test(struct cw_cli *cli, const struct options *options, const char *cart)
{
    struct cw_error err;
    struct work work = { .cli = cli, .options = options };
    work.config = (struct cw_trial_config){
        .recording = options->recording, .seed = (uint64_t)options->seed, .print = print_line, .arg = cli
    };
    cw_trial_clean_up();
    cw_cli_clean_at_end(cw_trial_abandon);
    work.names = g_ptr_array_new_with_free_func(g_free);
    work.abouts = g_ptr_array_new_with_free_func(g_free);
    bool ok = choose_cart(&work, cart, &err) && run(&work, &err);
    if (!ok)
        cw_cli_fail(cli, &err);
    g_ptr_array_unref(work.names);
    g_ptr_array_unref(work.abouts);
    return ok && work.failed == 0 ? 0 : 1;
}

int cw_cmd_test(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 3600 };
    struct options options = { .seed = 1 };
    const GOptionEntry entries[] = {
        { "type", 't', 0, G_OPTION_ARG_STRING, &options.type,
          "A cart script, shipped or the site's; needs no site", "TYPE" },
        { "only", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &options.only,
          "Only tests of this name, with * and ?; may be given several times", "NAME" },
        { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "What chance does is drawn from it (default: 1)",
          "N" },
        { "list", 'l', 0, G_OPTION_ARG_NONE, &options.list, "Say which tests there are, and run none", NULL },
        { "recording", 0, 0, G_OPTION_ARG_FILENAME, &options.recording,
          "Test against recorded answers (see serve-replay), as far as these go", "DIR" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "[CART]",
        "Runs the standard tests of a cart against a fake of its shop (fakes/TYPE.lua), each with an empty\n"
        "store in virtual time, then those of tests/CART.lua. Nobody is called, nothing of the site is\n"
        "changed, its store and secrets are not read. Exit status 1 when a test failed.",
        entries, 0, 1);
    if (code < 0 && argc < 2 && options.type == NULL) {
        fputs("cartwright test: name a cart of the site, or give --type TYPE\n", stderr);
        code = 2;
    }
    cw_log_configure((struct cw_log_config){ .out = stderr,
                                             .level = cli.verbose ? CW_LOG_DEBUG : CW_LOG_ERROR,
                                             .style = CW_LOG_LOGFMT,
                                             .clock = &cw_system_clock });
    cli.log_is_set = true; /* a shop that fails as it is told to is no news */
    if (code < 0)
        code = cw_cli_open(&cli, argc < 2 ? CW_CLI_NO_SITE : 0)
                   ? test(&cli, &options, argc > 1 ? argv[1] : NULL)
                   : 1;
    cw_cli_close(&cli);
    g_free(options.type);
    g_free(options.recording);
    g_strfreev(options.only);
    return code;
}
