/* cmd_fake.c - `cartwright fake TYPE`: a shop of one's own making on a port of this machine, until it is told
 * to stop. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "adapters/writer.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/ready_file.h"
#include "engine/fake.h"

struct options {
    char *address, *ready_file, **troubles;
    int port, orders, items, customers;
    gint64 seed;
};

static void stop(void *loop, int fd, int events)
{
    (void)fd;
    (void)events;
    cw_loop_stop(loop);
}

static void print_line(void *arg, struct cw_slice line)
{
    (void)arg;
    fprintf(stderr, "%.*s\n", CW_SLICE_ARG(line));
}

/* --- what it begins with --- */

static bool invent(struct cw_fake *fake, const char *kind, int count, struct cw_error *err)
{
    struct cw_buffer answer = { 0 };
    char path[64];
    bool ok = true;
    snprintf(path, sizeof path, "/_fake/invent/%s", kind);
    for (int i = 0; ok && i < count; i++)
        ok = cw_fake_ask(fake, "POST", path, cw_slice(""), &answer, err);
    cw_buffer_fini(&answer);
    return ok;
}

static bool add_troubles(struct cw_fake *fake, char **troubles, struct cw_error *err)
{
    bool ok = true;
    for (; ok && troubles != NULL && *troubles != NULL; troubles++) {
        struct cw_buffer words = { 0 }, answer = { 0 };
        ok = cw_json_write_text(&words, cw_slice(*troubles), err) &&
             cw_fake_ask(fake, "POST", "/_fake/trouble", cw_buffer_slice(&words), &answer, err);
        cw_buffer_fini(&words);
        cw_buffer_fini(&answer);
    }
    return ok;
}

static bool prepare(struct cw_fake *fake, const struct options *options, struct cw_error *err)
{
    return invent(fake, "items", options->items, err) && invent(fake, "customers", options->customers, err) &&
           invent(fake, "orders", options->orders, err) && add_troubles(fake, options->troubles, err);
}

/* --- what it says --- */

static bool print_text(struct cw_fake *fake, const char *path, FILE *out, struct cw_error *err)
{
    struct cw_buffer text = { 0 };
    bool ok = cw_fake_ask(fake, "GET", path, cw_slice(""), &text, err);
    fwrite(text.data, 1, text.len, out);
    fflush(out);
    cw_buffer_fini(&text);
    return ok;
}

/* With --json standard output is for the ledger alone. */
static bool announce(const struct cw_cli *cli, struct cw_fake *fake, const struct options *options,
                     struct cw_error *err)
{
    FILE *out = cli->json ? stderr : stdout;
    const char *address = options->address != NULL ? options->address : "127.0.0.1";
    bool is_ipv6 = strchr(address, ':') != NULL;
    char *path = g_strdup_printf("/_fake/words?host=%s%s%s:%u", is_ipv6 ? "[" : "", address,
                                 is_ipv6 ? "]" : "", cw_fake_port(fake));
    bool ok = print_text(fake, path, out, err);
    fprintf(out, "Tests ask it under /_fake/, as scripts/types/fake.lua says. Seed %" PRIi64 ".\n",
            (int64_t)options->seed);
    fflush(out);
    g_free(path);
    return ok && cw_cli_write_ready_file(options->ready_file, cw_fake_port(fake), err);
}

static bool conclude(const struct cw_cli *cli, struct cw_fake *fake, struct cw_error *err)
{
    struct cw_error first;
    if (!cli->json)
        printf("%" PRIu64 " requests; its books:\n", cw_fake_requests(fake));
    bool ok = print_text(fake, cli->json ? "/_fake/ledger?form=json" : "/_fake/ledger", stdout, err);
    unsigned errors = cw_fake_errors(fake, &first);
    return ok && (errors == 0 ||
                  cw_fail(err, CW_SCRIPT, "the fake's script failed %u times, the first time with: %s",
                          errors, first.text));
}

static bool serve(struct cw_cli *cli, const char *type, const struct options *options, struct cw_error *err)
{
    struct cw_watch *interrupt = cw_watch_signal(cli->loop, SIGINT, stop, cli->loop, err);
    struct cw_watch *terminate =
        interrupt != NULL ? cw_watch_signal(cli->loop, SIGTERM, stop, cli->loop, err) : NULL;
    const struct cw_fake_config config = { .site = cli->site,
                                           .loop = cli->loop,
                                           .type = type,
                                           .seed = (uint64_t)options->seed,
                                           .has_door = true,
                                           .print = print_line };
    struct cw_fake *fake = terminate != NULL ? cw_fake_open(&config, err) : NULL;
    bool ok = fake != NULL && prepare(fake, options, err) &&
              cw_fake_serve(fake, options->address != NULL ? options->address : "127.0.0.1",
                            (unsigned)options->port, err) &&
              announce(cli, fake, options, err);
    if (ok) {
        cw_loop_run(cli->loop);
        ok = conclude(cli, fake, err);
    }
    cw_fake_close(fake);
    cw_watch_free(terminate);
    cw_watch_free(interrupt);
    return ok;
}

static int run(struct cw_cli *cli, const char *type, const struct options *options)
{
    struct cw_error err;
    if (options->port < 0 || options->port > 65535) {
        fputs("cartwright fake: --port is a number from 0 to 65535\n", stderr);
        return 2;
    }
    int code = 1;
    if (cw_cli_open(cli, CW_CLI_NO_SITE))
        code = serve(cli, type, options, &err) ? 0 : cw_cli_fail(cli, &err);
    cw_cli_close(cli);
    return code;
}

int cw_cmd_fake(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct options options = { .seed = 1 };
    const GOptionEntry entries[] = {
        { "port", 0, 0, G_OPTION_ARG_INT, &options.port, "Port to listen on (default: a free one)", "N" },
        { "address", 0, 0, G_OPTION_ARG_STRING, &options.address, "Address to listen on (default: 127.0.0.1)",
          "ADDRESS" },
        { "ready-file", 0, 0, G_OPTION_ARG_FILENAME, &options.ready_file,
          "Written, with the port in it, once it listens", "FILE" },
        { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Of all that is drawn (default: 1)", "N" },
        { "orders", 0, 0, G_OPTION_ARG_INT, &options.orders, "Begins with so many orders", "N" },
        { "items", 0, 0, G_OPTION_ARG_INT, &options.items, "Begins with so many items", "N" },
        { "customers", 0, 0, G_OPTION_ARG_INT, &options.customers, "Begins with so many customers", "N" },
        { "trouble", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.troubles,
          "Such as \"on=write what=lost times=2\"; may come several times", "WORDS" },
        { 0 },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "TYPE",
        "Serves a fake of a shop until it is stopped (SIGTERM, Ctrl-C), and prints its books then.\n"
        "TYPE is that of fakes/TYPE.lua in the site, or of one that comes with Cartwright.",
        entries, 1, 1);
    if (code < 0)
        code = run(&cli, argv[1], &options);
    g_free(options.address);
    g_free(options.ready_file);
    g_strfreev(options.troubles);
    return code;
}
