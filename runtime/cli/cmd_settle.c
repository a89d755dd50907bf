/* cmd_settle.c - `cartwright settle ID...`: a person's word about messages of which nobody knows whether they
 * arrived. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/messages.h"

static bool settle_all(struct cw_cli *cli, char **ids, int count, enum cw_settle settle, const char *reason)
{
    struct cw_error err;
    bool ok = true;
    for (int i = 0; i < count; i++) {
        int64_t id = cw_cli_message_id(ids[i], &err);
        if (id == 0)
            cw_cli_fail(cli, &err);
        ok = id != 0 && cw_cli_settle_message(cli, id, settle, reason) && ok;
    }
    return ok;
}

int cw_cmd_settle(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    gboolean sent = FALSE, again = FALSE, drop = FALSE;
    char *reason = NULL;
    const GOptionEntry entries[] = {
        { "sent", 0, 0, G_OPTION_ARG_NONE, &sent, "The shop has it: it counts as sent", NULL },
        { "again", 0, 0, G_OPTION_ARG_NONE, &again, "The shop does not have it: it is sent again", NULL },
        { "drop", 0, 0, G_OPTION_ARG_NONE, &drop, "It is never to be sent", NULL },
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "Why; kept in the audit trail", "TEXT" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "ID...",
        "Decides about messages to carts that are unknown: the answer of the shop was lost, and nothing\n"
        "is sent again before somebody has looked. Also for those that failed, or are queued. IDs are\n"
        "those of: cartwright list messages --state unknown",
        entries, 1, -1);
    if (code < 0 && sent + again + drop != 1) {
        fputs("cartwright settle: say one of --sent, --again and --drop\n", stderr);
        code = 2;
    }
    if (code < 0 && (reason == NULL || reason[0] == '\0')) {
        fputs("cartwright settle: say why with --reason TEXT\n", stderr);
        code = 2;
    }
    if (code < 0) {
        enum cw_settle settle = sent ? CW_SETTLE_SENT : again ? CW_SETTLE_AGAIN : CW_SETTLE_DROP;
        bool ok = cw_cli_open(&cli, CW_CLI_STORE) && settle_all(&cli, argv + 1, argc - 1, settle, reason);
        code = ok ? 0 : 1;
        cw_cli_close(&cli);
    }
    g_free(reason);
    return code;
}
