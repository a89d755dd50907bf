/* cli.c - see cli.h. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/writer.h"
#include "base/log.h"
#include "engine/site_store.h"

/* --- options --- */

static int wrong_use(const char *command, const char *text)
{
    fprintf(stderr, "cartwright %s: %s; see: cartwright %s --help\n", command, text, command);
    return 2;
}

static void add_entries(GOptionContext *context, struct cw_cli *cli, const GOptionEntry *entries,
                        gboolean *help)
{
    const GOptionEntry common[] = {
        { "site", 's', 0, G_OPTION_ARG_FILENAME, &cli->folder, "Folder of the site (default: this one)",
          "DIR" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &cli->json, "Print JSON", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &cli->verbose, "Log what happens on standard error", NULL },
        { "time-limit", 0, 0, G_OPTION_ARG_INT, &cli->time_limit_s, "End the command after so many seconds",
          "N" },
        { "help", 'h', 0, G_OPTION_ARG_NONE, help, "Show this help", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    if (entries != NULL)
        g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    g_option_context_set_help_enabled(context, FALSE); /* GLib's prints and exits */
}

static void (*clean_at_end)(void); /* NULL = there is nothing to clean */

static void time_is_up(int number)
{
    (void)number;
    if (clean_at_end != NULL)
        clean_at_end();
    static const char text[] =
        "cartwright: the time limit of this command is over; what was stored stays stored\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(1);
}

/* It ends as it would have without this. */
static void ended_by(int number)
{
    clean_at_end();
    signal(number, SIG_DFL);
    raise(number);
}

void cw_cli_clean_at_end(void (*clean)(void))
{
    clean_at_end = clean;
    signal(SIGTERM, ended_by);
    signal(SIGINT, ended_by);
}

/* GLib leaves the "--" that ends the options where it stood. */
static void drop_separator(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof *argv);
            --*argc;
            return;
        }
}

static int check_rest(const char *command, int argc, int least, int most)
{
    if (argc - 1 < least)
        return wrong_use(command, "an argument is missing");
    if (most >= 0 && argc - 1 > most)
        return wrong_use(command, "too many arguments");
    return -1;
}

int cw_cli_parse(struct cw_cli *cli, int *argc, char ***argv, const char *usage, const char *about,
                 const GOptionEntry *entries, int least, int most)
{
    gboolean help = FALSE;
    GError *error = NULL;
    int result = -1;
    const char *command = (*argv)[0];
    char *name = g_strdup_printf("cartwright %s", command);
    GOptionContext *context = g_option_context_new(usage);
    g_set_prgname(name);
    g_option_context_set_summary(context, about);
    add_entries(context, cli, entries, &help);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        result = wrong_use(command, error->message);
        g_error_free(error);
    } else if (help) {
        char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        g_free(text);
        result = 0;
    } else {
        drop_separator(argc, *argv);
        result = check_rest(command, *argc, least, most);
    }
    g_option_context_free(context);
    g_free(name);
    if (result < 0 && cli->time_limit_s < 0)
        result = wrong_use(command, "--time-limit is a number of seconds, or 0 for none");
    if (cli->time_limit_s > 0) {
        signal(SIGALRM, time_is_up);
        alarm((unsigned)cli->time_limit_s);
    }
    return result;
}

/* --- opening --- */

/* What was installed with this very program, wherever that is; NULL when it was not installed. */
static char *installed_home(void)
{
    char *program = g_file_read_link("/proc/self/exe", NULL);
    char *home = program != NULL ? g_canonicalize_filename(CW_INSTALLED_HOME, program) : NULL;
    g_free(program);
    if (home != NULL && !g_file_test(home, G_FILE_TEST_IS_DIR))
        g_clear_pointer(&home, g_free);
    return home;
}

char *cw_cli_home(void)
{
    const char *wanted = getenv("CARTWRIGHT_HOME");
    char *home = wanted != NULL ? g_strdup(wanted) : installed_home();
    return home != NULL ? home : g_strdup(CW_SOURCE_HOME);
}

/* For tests that soak: see cw_loop_create_scaled. */
static struct cw_loop *create_loop(struct cw_error *err)
{
    unsigned factor = 0;
    long long origin_s = 0;
    int used = 0;
    const char *scale = getenv("CARTWRIGHT_TIME_SCALE");
    if (scale == NULL || *scale == '\0')
        return cw_loop_create(err);
    if (sscanf(scale, "%5u@%11lld%n", &factor, &origin_s, &used) == 2 && scale[used] == '\0' && factor > 0 &&
        origin_s >= 0)
        return cw_loop_create_scaled(factor, origin_s * CW_SECOND, err);
    cw_fail(err, CW_USAGE, "CARTWRIGHT_TIME_SCALE is \"%.40s\"; it is FACTOR@SECONDS, such as 60@1760000000",
            scale);
    return NULL;
}

static struct cw_site *open_site(const struct cw_cli *cli, int needs, struct cw_error *err)
{
    char *home = cw_cli_home();
    const char *folder = cli->folder != NULL ? cli->folder : ".";
    const struct cw_clock *clock = cw_loop_clock(cli->loop);
    char *config = g_build_filename(folder, "site.lua", NULL);
    bool is_bare = (needs & CW_CLI_NO_SITE) && !g_file_test(config, G_FILE_TEST_EXISTS);
    struct cw_site *site =
        is_bare ? cw_site_bare(cli->folder, home, NULL, clock, err) : cw_site_open(folder, home, clock, err);
    g_free(config);
    g_free(home);
    return site;
}

static bool open_store(struct cw_cli *cli, bool create, struct cw_error *err)
{
    cli->store = cw_site_open_store(cli->site, cli->loop, create, err);
    return cli->store != NULL;
}

bool cw_cli_open(struct cw_cli *cli, int needs)
{
    struct cw_error err;
    struct cw_log_config log = { .out = stderr,
                                 .level = cli->verbose ? CW_LOG_DEBUG : CW_LOG_WARNING,
                                 .style = cli->json ? CW_LOG_JSON : CW_LOG_LOGFMT,
                                 .clock = &cw_system_clock };
    if (!cli->log_is_set)
        cw_log_configure(log);
    cli->loop = create_loop(&err);
    if (cli->loop != NULL)
        cli->site = open_site(cli, needs, &err);
    bool ok = cli->site != NULL;
    if (ok && (needs & (CW_CLI_STORE | CW_CLI_STORE_CREATE)))
        ok = open_store(cli, needs & CW_CLI_STORE_CREATE, &err);
    if (ok && (needs & CW_CLI_STORE_IF_THERE))
        ok = open_store(cli, false, &err) || err.code == CW_NOT_FOUND;
    if (ok && (needs & CW_CLI_NETWORK)) {
        cli->transport = cw_curl_create(cli->loop, 0, &err);
        ok = cli->transport != NULL;
    }
    if (!ok)
        cw_cli_fail(cli, &err);
    return ok;
}

void cw_cli_close(struct cw_cli *cli)
{
    cw_store_close(cli->store);
    if (cli->transport != NULL)
        cli->transport->free(cli->transport);
    cw_loop_free(cli->loop);
    cw_site_free(cli->site);
    g_free(cli->folder);
    cw_secret_forget_all();
}

struct cw_session_config cw_cli_session_config(struct cw_cli *cli, bool dry_run)
{
    return (struct cw_session_config){ .site = cli->site,
                                       .loop = cli->loop,
                                       .transport = cli->transport,
                                       .store = cli->store,
                                       .seed = cw_random_system_seed(),
                                       .dry_run = dry_run };
}

struct cw_session *cw_cli_session(struct cw_cli *cli, const char *cart, bool dry_run, struct cw_error *err)
{
    struct cw_session_config config = cw_cli_session_config(cli, dry_run);
    config.cart = cart;
    return cw_session_open(&config, err);
}

/* --- talking --- */

/* A terminal may take what begins with one of the C1 characters (U+0080 to U+009F) for a command, as it does
 * with those below the blank. U+202A to U+202E and U+2066 to U+2069 make a line read in another order than it
 * is. */
static bool is_command(gunichar c, const char *kept)
{
    if (c < 0x80)
        return (c < ' ' || c == 0x7f) && strchr(kept, (int)c) == NULL;
    return c < 0xa0 || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *cw_cli_harmless(struct cw_slice text, const char *kept)
{
    char *made = g_utf8_make_valid(text.len > 0 ? text.data : "", (gssize)text.len);
    for (char *c = made; *c != '\0'; c = g_utf8_next_char(c))
        if (is_command(g_utf8_get_char(c), kept))
            memset(c, ' ', (size_t)(g_utf8_next_char(c) - c));
    return made;
}

void cw_cli_json_text(struct cw_slice text)
{
    struct cw_buffer out = { 0 };
    char *valid = NULL;
    if (!cw_json_write_text(&out, text, NULL)) {
        valid = g_utf8_make_valid(text.data, (gssize)text.len);
        cw_json_write_text(&out, cw_slice(valid), NULL);
    }
    fwrite(out.data, 1, out.len, stdout);
    cw_buffer_fini(&out);
    g_free(valid);
}

int cw_cli_fail(const struct cw_cli *cli, const struct cw_error *err)
{
    char text[1200];
    cw_cli_progress(NULL);
    cw_error_format(err, text, sizeof text - 16);
    size_t len = cw_redact(text, strlen(text), sizeof text);
    if (cli->json) {
        printf("{\"error\":");
        cw_cli_json_text((struct cw_slice){ text, len });
        printf(",\"code\":\"%s\"}\n", cw_code_name(err->code));
    }
    char *shown = cw_cli_harmless((struct cw_slice){ text, len }, "\n");
    fprintf(stderr, "cartwright: %s\n", shown);
    g_free(shown);
    return 1;
}

bool cw_cli_is_interactive(void)
{
    return isatty(STDERR_FILENO);
}

void cw_cli_progress(const char *text)
{
    static bool shown;
    if (!cw_cli_is_interactive() || (text == NULL && !shown))
        return;
    fprintf(stderr, "\r\033[K%s", text != NULL ? text : "");
    fflush(stderr);
    shown = text != NULL;
}

static bool wants_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0');
}

const char *cw_cli_bold(void)
{
    return wants_colour() ? "\033[1m" : "";
}

const char *cw_cli_plain(void)
{
    return wants_colour() ? "\033[0m" : "";
}
