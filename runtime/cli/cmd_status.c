/* cmd_status.c - `cartwright status`: how far each stream has come, how its last run ended, what waits, when
 * it runs next, and what is stopped or fails. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/parameters.h"
#include "cli/rows.h"

static const char streams_sql[] =
    "SELECT s.cart, s.stream, CASE WHEN (SELECT count(*) FROM controls c WHERE c.cart = s.cart AND c.state = "
    "'stopped' AND (c.stream = '' OR c.stream = s.stream)) > 0 THEN 'stopped' WHEN (SELECT count(*) FROM "
    "jobs "
    "j JOIN leases l ON l.name = j.cart AND l.token = j.lease_token WHERE j.cart = s.cart AND l.holder <> '' "
    "AND (j.name = s.stream OR j.name LIKE '% ' || s.stream)) > 0 THEN 'at work' ELSE 'running' END AS "
    "state, "
    "r.state AS last_run, r.ended_at, r.records_posted AS posted, r.records_unchanged AS unchanged, "
    "r.records_parked AS parked, (SELECT count(*) FROM staged_records w WHERE w.cart = s.cart AND w.stream = "
    "s.stream) AS waiting, c.done_until AS complete_until, (SELECT min(j.ready_at) FROM jobs j WHERE j.cart "
    "= "
    "s.cart AND j.name = s.stream) AS next_at FROM (SELECT cart, stream FROM runs UNION SELECT cart, name "
    "FROM "
    "jobs WHERE cart <> '' AND name NOT LIKE '% %') s LEFT JOIN runs r ON r.id = (SELECT max(n.id) FROM runs "
    "n "
    "WHERE n.cart = s.cart AND n.stream = s.stream) LEFT JOIN cursors c ON c.cart = s.cart AND c.stream = "
    "s.stream ORDER BY s.cart, s.stream";
static const char stopped_sql[] =
    "SELECT cart, stream, changed_at AS stopped_at, who, why FROM controls WHERE state = 'stopped' ORDER BY "
    "cart, stream";
static const char failing_sql[] =
    "SELECT cart, name AS job, failures, ended_at AS failed_at, due_at AS tried_again_at, message FROM jobs "
    "WHERE failures > 0 ORDER BY cart, name";

static const char messages_sql[] =
    "SELECT cart, stream, SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END) AS queued, SUM(CASE WHEN state = "
    "'sending' THEN 1 ELSE 0 END) AS sending, SUM(CASE WHEN state = 'unknown' THEN 1 ELSE 0 END) AS unknown, "
    "SUM(CASE "
    "WHEN state = 'failed' THEN 1 ELSE 0 END) AS failed, MIN(created_at) AS waiting_since_at FROM messages "
    "WHERE state "
    "IN ('queued', 'sending', 'unknown', 'failed') GROUP BY cart, stream ORDER BY cart, stream";

static int print_status(struct cw_cli *cli)
{
    int code =
        cw_cli_print_rows(cli, streams_sql, NULL, 0, "nothing has run yet; start with: cartwright sync");
    if (code == 0)
        code = cw_cli_print_section(cli, "Stopped; to go on: cartwright start CART", stopped_sql, NULL, 0);
    if (code == 0)
        code =
            cw_cli_print_section(cli, "Messages to carts; see: cartwright list messages CART --state STATE",
                                 messages_sql, NULL, 0);
    return code != 0 ? code : cw_cli_print_section(cli, "Failing", failing_sql, NULL, 0);
}

int cw_cmd_status(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    char *cart = NULL;
    const GOptionEntry entries[] = {
        { "parameters", 'p', 0, G_OPTION_ARG_STRING, &cart,
          "List what the schedules of a cart can name, and when each job is due", "CART" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "",
                            "Shows how far each stream has come, what waits, when it runs next, and what is\n"
                            "stopped or fails.",
                            entries, 0, 0);
    if (code < 0) {
        bool ok = cw_cli_open(&cli, cart != NULL ? CW_CLI_STORE_IF_THERE : CW_CLI_STORE);
        if (ok)
            code = cart != NULL ? cw_cli_print_parameters(&cli, cart) : print_status(&cli);
        else
            code = 1;
        cw_cli_close(&cli);
    }
    g_free(cart);
    return code;
}
