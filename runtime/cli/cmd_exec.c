/* cmd_exec.c - `cartwright exec SCRIPT.lua [ARG...]`: a scripted one-off with the whole script API. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/who.h"

struct exec {
    struct cw_cli *cli;
    struct cw_session *session;
    bool failed, dry_run;
};

static void print_line(void *arg, struct cw_slice line)
{
    (void)arg;
    cw_cli_progress(NULL);
    fwrite(line.data, 1, line.len, stdout);
    putchar('\n');
}

static void show_progress(void *arg, int64_t done, int64_t total)
{
    char text[80];
    (void)arg;
    if (total > 0)
        snprintf(text, sizeof text, "%lld of %lld", (long long)done, (long long)total);
    else
        snprintf(text, sizeof text, "%lld", (long long)done);
    cw_cli_progress(text);
}

static void print_run(void *arg, const struct cw_run *run)
{
    const struct exec *exec = arg;
    struct cw_sync_report report = { .run = run };
    cw_cli_print_run(exec->cli, &report, NULL, exec->dry_run);
}

static void ended(void *arg, struct cw_slice text, const struct cw_error *err)
{
    (void)text;
    struct exec *exec = arg;
    exec->failed = err != NULL;
    cw_emitter_finish(cw_session_emitter(exec->session), err, print_run, exec);
    if (err != NULL)
        cw_cli_fail(exec->cli, err);
    cw_loop_stop(exec->cli->loop);
}

static void run(struct exec *exec, const char *script, struct cw_session *session)
{
    struct cw_error err;
    struct cw_slice source = { NULL, 0 };
    char *chunk = g_strconcat("@", script, NULL);
    bool ok = cw_site_read_file(AT_FDCWD, script, true, &source, &err) &&
              cw_lua_start_script(cw_session_carts(session), source, chunk, ended, exec, &err) != NULL;
    exec->session = session;
    if (ok)
        cw_loop_run(exec->cli->loop);
    else
        cw_cli_fail(exec->cli, &err);
    cw_site_release_module(source);
    g_free(chunk);
}

/* Options end at the script: what follows is the script's own. */
static int split_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            return i + 1;
        if (strcmp(argv[i], "--site") == 0 || strcmp(argv[i], "-s") == 0 ||
            strcmp(argv[i], "--time-limit") == 0)
            i++;
    }
    return argc;
}

/* Behind the script an option is the script's own; this one somebody would miss badly. */
static int check_arguments(int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--dry-run") == 0) {
            fprintf(stderr, "cartwright exec: --dry-run stands before the script: cartwright exec --dry-run "
                            "SCRIPT.lua [ARG...]; nothing was run\n");
            return 2;
        }
    return -1;
}

int cw_cmd_exec(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct exec exec = { .cli = &cli, .failed = true };
    struct cw_error err;
    gboolean dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Store nothing, and refuse requests that write",
          NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int own = split_arguments(argc, argv), rest = argc - own;
    char **rest_argv = argv + own;
    int code = cw_cli_parse(
        &cli, &own, &argv, "SCRIPT.lua [ARG...]",
        "Runs a Lua script with the script API: require \"cartwright.site\" gives the site's carts, the\n"
        "store for reading, and the files named as ARGs. Options stand before the script: what follows is\n"
        "the script's own.",
        entries, 1, 1);
    if (code < 0)
        code = check_arguments(rest, rest_argv);
    if (code >= 0)
        return code;
    exec.dry_run = dry_run;
    if (cw_cli_open(&cli, CW_CLI_STORE_CREATE | CW_CLI_NETWORK)) {
        struct cw_session_config config = cw_cli_session_config(&cli, dry_run);
        config.job = "exec";
        config.who = cw_cli_who();
        config.argc = rest;
        config.argv = rest_argv;
        config.print = print_line;
        config.progress = show_progress;
        struct cw_session *session = cw_session_open(&config, &err);
        if (session != NULL)
            run(&exec, argv[1], session);
        else
            cw_cli_fail(&cli, &err);
        cw_session_close(session);
    }
    cw_cli_close(&cli);
    return exec.failed ? 1 : 0;
}
