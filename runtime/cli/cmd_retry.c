/* cmd_retry.c - `cartwright retry CART [ID]`: stored raw records that are parked, mapped again with today's
 * script. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/stored.h"
#include "engine/batch.h"

struct retry {
    struct cw_cli *cli;
    bool failed, dry_run;
};

static void retried(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct retry *retry = arg;
    cw_cli_print_run(retry->cli, report, err, retry->dry_run);
    if (err != NULL || report->run->counts.parked > 0)
        retry->failed = true;
    if (err != NULL)
        cw_cli_fail_in(retry->cli, err, "retry");
    cw_loop_stop(retry->cli->loop);
}

/* True when there was something to do. */
static bool retry_stream(struct retry *retry, struct cw_session *session, const struct cw_lua_stream *stream,
                         const char *id)
{
    struct cw_error err;
    struct cw_records *records = cw_cli_stored_records(retry->cli, stream, id, true, &err);
    if (records == NULL && err.code == CW_NOT_FOUND)
        return false;
    if (records == NULL ||
        cw_batch_start(session, stream, "retry", records, true, retried, retry, &err) == NULL) {
        retry->failed = true;
        cw_cli_fail(retry->cli, &err);
        return true;
    }
    cw_loop_run(retry->cli->loop);
    return true;
}

static void retry_cart(struct retry *retry, struct cw_session *session, const struct cw_lua_cart *cart,
                       const char *only, const char *id)
{
    bool any = false;
    for (size_t i = 0; i < cart->stream_count; i++)
        if (only == NULL || g_strcmp0(cart->streams[i].name, only) == 0)
            any = retry_stream(retry, session, &cart->streams[i], id) || any;
    if (!any && !retry->cli->json)
        puts("nothing is parked there");
}

int cw_cmd_retry(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct retry retry = { .cli = &cli };
    struct cw_error err;
    char *only = NULL;
    gboolean dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "stream", 0, 0, G_OPTION_ARG_STRING, &only, "Only this stream", "STREAM" },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Store nothing", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART [ID]",
        "Maps parked records again, from their stored bytes, after the script or the shop's data\n"
        "were mended. Exit status 1 when some are parked still.",
        entries, 1, 2);
    if (code >= 0)
        return code;
    retry.dry_run = dry_run;
    if (cw_cli_open(&cli, CW_CLI_STORE | CW_CLI_NETWORK)) {
        struct cw_session *session = cw_cli_session(&cli, argv[1], dry_run, &err);
        struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, argv[1], &err) : NULL;
        retry.failed = cart == NULL;
        if (cart != NULL)
            retry_cart(&retry, session, cart, only, argc > 2 ? argv[2] : NULL);
        else
            cw_cli_fail(&cli, &err);
        cw_session_close(session);
    } else {
        retry.failed = true;
    }
    cw_cli_close(&cli);
    g_free(only);
    return retry.failed ? 1 : 0;
}
