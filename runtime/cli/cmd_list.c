/* cmd_list.c - `cartwright list KIND`: what the store holds. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/rows.h"

static const struct list {
    const char *kind, *sql, *empty;
} lists[] = {
    { "orders",
      "SELECT id, cart, external_id, number, status, placed_at, currency, total, email FROM orders "
      "WHERE ($1 = '' OR cart = $1) ORDER BY placed_at, id LIMIT $2",
      "no orders" },
    { "customers",
      "SELECT id, cart, external_id, email, first_name, last_name, company FROM customers "
      "WHERE ($1 = '' OR cart = $1) ORDER BY id LIMIT $2",
      "no customers" },
    { "items",
      "SELECT id, cart, external_id, sku, name, price, active FROM items WHERE ($1 = '' OR cart = $1) "
      "ORDER BY id LIMIT $2",
      "no items" },
    { "stock",
      "SELECT id, cart, external_id, sku, item_id, variant_id, warehouse, quantity FROM stock_levels "
      "WHERE ($1 = '' OR cart = $1) ORDER BY id LIMIT $2",
      "no stock levels" },
    { "parked",
      "SELECT s.cart, s.stream, s.external_id, s.state, i.code, i.field, i.message FROM staged_records s "
      "JOIN staged_issues i ON i.staged_id = s.id WHERE ($1 = '' OR s.cart = $1) "
      "ORDER BY s.cart, s.stream, s.id, i.position LIMIT $2",
      "nothing is parked" },
    { "raw",
      "SELECT cart, stream, external_id, version, outcome, reason, received_at, run_id FROM raw_records "
      "WHERE ($1 = '' OR cart = $1) ORDER BY id LIMIT $2",
      "no raw records" },
    { "runs",
      "SELECT id, cart, stream, job, state, started_at, ended_at, records_read AS read, "
      "records_posted AS posted, records_unchanged AS unchanged, records_parked AS parked, "
      "records_skipped AS skipped, requests, "
      "message FROM runs WHERE ($1 = '' OR cart = $1) ORDER BY id DESC LIMIT $2",
      "no runs" },
};

static const struct list *find(const char *kind)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].kind, kind) == 0)
            return &lists[i];
    return NULL;
}

int cw_cmd_list(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    char *cart = NULL;
    int limit = 100;
    const GOptionEntry entries[] = {
        { "cart", 'c', 0, G_OPTION_ARG_STRING, &cart, "Only this cart", "NAME" },
        { "limit", 'l', 0, G_OPTION_ARG_INT, &limit, "At most so many rows (default 100)", "N" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "KIND",
                            "Lists orders, customers, items, stock, parked, raw or runs.", entries, 1, 1);
    const struct list *list = code < 0 ? find(argv[1]) : NULL;
    if (code < 0 && (list == NULL || limit < 1)) {
        fprintf(stderr, "cartwright list: there are orders, customers, items, stock, parked, raw and runs, "
                        "and --limit is at least 1\n");
        code = 2;
    }
    if (code < 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", limit);
        struct cw_slice params[] = { cw_slice(cart != NULL ? cart : ""), cw_slice(number) };
        code =
            cw_cli_open(&cli, CW_CLI_STORE) ? cw_cli_print_rows(&cli, list->sql, params, 2, list->empty) : 1;
    }
    cw_cli_close(&cli);
    g_free(cart);
    return code;
}
