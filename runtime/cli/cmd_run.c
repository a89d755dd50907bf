/* cmd_run.c - `cartwright run`: everything the site is to do, unattended. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "engine/supervisor.h"

enum { WORKERS_MAX = CW_WORKERS_MAX, NOT_GIVEN = INT_MIN, ARGS_MAX = 16 };

static bool read_level(const char *name, enum cw_log_level *level)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *level = (enum cw_log_level)i;
            return true;
        }
    return false;
}

static int wrong_use(const char *text)
{
    fprintf(stderr, "cartwright run: %s; see: cartwright run --help\n", text);
    return 2;
}

/* Settings of the log come first: whatever follows may have something to say. */
static int configure_log(struct cw_cli *cli, const struct cw_cli_run *run)
{
    enum cw_log_level level = cli->verbose ? CW_LOG_DEBUG : CW_LOG_INFO;
    bool is_json = run->log_format != NULL && strcmp(run->log_format, "json") == 0;
    if (run->log_format != NULL && !is_json && strcmp(run->log_format, "logfmt") != 0)
        return wrong_use("--log-format is logfmt or json");
    if (run->log_level != NULL && !read_level(run->log_level, &level))
        return wrong_use("--log-level is debug, info, warning or error");
    cw_log_configure((struct cw_log_config){ .out = stderr,
                                             .level = level,
                                             .style = is_json ? CW_LOG_JSON : CW_LOG_LOGFMT,
                                             .clock = &cw_system_clock });
    cli->log_is_set = true;
    return -1;
}

static int supervise(const struct cw_cli *cli, const struct cw_cli_run *run)
{
    struct cw_error err;
    char *program = g_file_read_link("/proc/self/exe", NULL);
    const char *argv[ARGS_MAX] = { program != NULL ? program : "/proc/self/exe", "run", "--site",
                                   cli->folder != NULL ? cli->folder : "." };
    size_t count = 4;
    if (run->log_format != NULL) {
        argv[count++] = "--log-format";
        argv[count++] = run->log_format;
    }
    if (run->log_level != NULL) {
        argv[count++] = "--log-level";
        argv[count++] = run->log_level;
    }
    if (cli->verbose)
        argv[count++] = "--verbose";
    struct cw_supervisor_config config = { .loop = cw_loop_create(&err),
                                           .processes = &cw_system_processes,
                                           .argv = (char *const *)argv, /* execv does not change them */
                                           .workers = (unsigned)run->workers,
                                           .metrics = run->metrics,
                                           .webhooks = run->webhooks,
                                           .log_is_set = run->log_format != NULL };
    if (config.loop == NULL)
        return cw_cli_fail(cli, &err);
    int code = cw_supervisor_run(&config);
    cw_loop_free(config.loop);
    g_free(program);
    return code;
}

static int act(struct cw_cli *cli, struct cw_cli_run *run)
{
    if (run->workers == NOT_GIVEN)
        run->workers = 0;
    else if (run->workers < 1 || run->workers > WORKERS_MAX)
        return wrong_use("--workers is a number from 1 to 256");
    int code = configure_log(cli, run);
    if (code >= 0)
        return code;
    if (run->settings)
        return cw_cli_run_settings(cli, run);
    return run->worker > 0 ? cw_cli_run_worker(cli, run) : supervise(cli, run);
}

int cw_cmd_run(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct cw_cli_run run = { .workers = NOT_GIVEN };
    const int hidden = G_OPTION_FLAG_HIDDEN;
    const GOptionEntry entries[] = {
        { "workers", 'w', 0, G_OPTION_ARG_INT, &run.workers,
          "Processes that work (default: run.workers, else 1)", "N" },
        { "metrics", 0, 0, G_OPTION_ARG_STRING, &run.metrics,
          "Serve /metrics, /healthz and /readyz there (127.0.0.1:9464)", "ADDRESS" },
        { "webhooks", 0, 0, G_OPTION_ARG_STRING, &run.webhooks,
          "Take notices from shops there (127.0.0.1:8085), at /webhooks/CART", "ADDRESS" },
        { "log-format", 0, 0, G_OPTION_ARG_STRING, &run.log_format, "logfmt (default) or json", "FORMAT" },
        { "log-level", 0, 0, G_OPTION_ARG_STRING, &run.log_level, "debug, info (default), warning or error",
          "LEVEL" },
        { "settings", 0, hidden, G_OPTION_ARG_NONE, &run.settings, NULL, NULL },
        { "reload", 0, hidden, G_OPTION_ARG_NONE, &run.reload, NULL, NULL },
        { "worker", 0, hidden, G_OPTION_ARG_INT, &run.worker, NULL, NULL },
        { "inboxes", 0, hidden, G_OPTION_ARG_STRING, &run.inboxes, NULL, NULL },
        { "died", 0, hidden, G_OPTION_ARG_STRING, &run.died, NULL, NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "",
        "Runs the site unattended: each cart's jobs as its schedules say, in worker processes that\n"
        "are watched and replaced. Any number of machines may run the same site on one PostgreSQL\n"
        "store. SIGTERM ends it behind the pages in hand, SIGHUP reads the site anew, SIGUSR1 tells\n"
        "what the workers do.",
        entries, 0, 0);
    if (code < 0)
        code = act(&cli, &run);
    g_free(run.metrics);
    g_free(run.webhooks);
    g_free(run.log_format);
    g_free(run.log_level);
    g_free(run.inboxes);
    g_free(run.died);
    return code;
}
