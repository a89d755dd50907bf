/* cmd_retry.c - `cartwright retry CART [ID]`: stored raw records that are parked, mapped again with today's
 * script; with --messages those to the cart that failed, queued again. */
#include <stdio.h>

#include "cli/again.h"
#include "cli/commands.h"
#include "cli/messages.h"

static int retry_messages(struct cw_cli *cli, const char *stream, bool dry_run, int argc, char **argv)
{
    enum cw_out out;
    if (stream != NULL && !cw_out_find(cw_slice(stream), &out)) {
        fprintf(stderr, "cartwright retry: \"%s\" is no stream out such as stock_out\n", stream);
        return 2;
    }
    return cw_cli_open(cli, CW_CLI_STORE) &&
                   cw_cli_retry_messages(cli, argv[1], stream, argv + 2, (size_t)(argc - 2), dry_run)
               ? 0
               : 1;
}

int cw_cmd_retry(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    char *stream = NULL, *issue = NULL, *about = NULL;
    gboolean dry_run = FALSE, messages = FALSE;
    const GOptionEntry entries[] = {
        { "stream", 0, 0, G_OPTION_ARG_STRING, &stream, "Only this stream", "STREAM" },
        { "code", 0, 0, G_OPTION_ARG_STRING, &issue, "Only records with such an issue (see: list work)",
          "CODE" },
        { "about", 0, 0, G_OPTION_ARG_STRING, &about, "Only records whose issue is about this", "TEXT" },
        { "messages", 'm', 0, G_OPTION_ARG_NONE, &messages,
          "Messages to the cart that failed are sent again: those named, or all", NULL },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Store nothing", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    uint64_t left = 0;
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART [ID...]",
        "Maps parked records again, from their stored bytes, after the script, a table or the shop's\n"
        "data were mended. Exit status 1 when some are parked still.",
        entries, 1, -1);
    if (code < 0 && !messages && argc > 3) {
        fputs("cartwright retry: name one record, or give --messages\n", stderr);
        code = 2;
    }
    if (code < 0 && messages) {
        code = retry_messages(&cli, stream, dry_run, argc, argv);
    } else if (code < 0) {
        struct cw_cli_again again = { .job = "retry",
                                      .stream = stream,
                                      .filter = { .id = argc > 2 ? argv[2] : NULL,
                                                  .only_parked = true,
                                                  .code = issue,
                                                  .subject = about,
                                                  .since = CW_TIME_NONE,
                                                  .until = CW_TIME_NONE },
                                      .dry_run = dry_run,
                                      .nothing = "nothing is parked there" };
        bool ok = cw_cli_open(&cli, CW_CLI_STORE | CW_CLI_NETWORK) &&
                  cw_cli_map_again(&cli, argv[1], &again, &left);
        code = ok && left == 0 ? 0 : 1;
    }
    cw_cli_close(&cli);
    g_free(stream);
    g_free(issue);
    g_free(about);
    return code;
}
