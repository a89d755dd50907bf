/* cmd_status.c - `cartwright status`: how far each stream has come, how its last run ended, what waits. */
#include "cli/commands.h"
#include "cli/parameters.h"
#include "cli/rows.h"

static const char sql[] =
    "SELECT r.cart, r.stream, r.state AS last_run, r.started_at, r.records_posted AS posted, "
    "r.records_unchanged AS unchanged, r.records_parked AS parked, r.records_skipped AS skipped, "
    "c.done_until AS complete_until, "
    "(SELECT count(*) FROM staged_records s WHERE s.cart = r.cart AND s.stream = r.stream) AS waiting, "
    "r.message FROM runs r LEFT JOIN cursors c ON c.cart = r.cart AND c.stream = r.stream "
    "WHERE r.id = (SELECT max(id) FROM runs n WHERE n.cart = r.cart AND n.stream = r.stream) "
    "ORDER BY r.cart, r.stream";

int cw_cmd_status(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    char *parameters = NULL;
    const GOptionEntry entries[] = {
        { "parameters", 0, 0, G_OPTION_ARG_STRING, &parameters,
          "Show the cart's jobs, when they are due, and what may stand in its schedules", "CART" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "", "Shows the streams that have run.", entries, 0, 0);
    if (code >= 0)
        return code;
    code = 1;
    if (parameters != NULL && cw_cli_open(&cli, CW_CLI_STORE_IF_THERE))
        code = cw_cli_print_parameters(&cli, parameters);
    else if (parameters == NULL && cw_cli_open(&cli, CW_CLI_STORE))
        code = cw_cli_print_rows(&cli, sql, NULL, 0, "nothing has run yet; start with: cartwright sync");
    cw_cli_close(&cli);
    g_free(parameters);
    return code;
}
