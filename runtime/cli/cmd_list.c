/* cmd_list.c - `cartwright list KIND`: what the store holds. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/rows.h"

#define WHAT_TO_DO                                                                                           \
    "\nparked: mend the shop, the script or a table; then: cartwright retry CART [ID]\n"                     \
    "held (totals, limits, duplicates, unknown customers and items, own rules): that too, or let it pass "   \
    "with:\n"                                                                                                \
    "  cartwright release CART ID --reason TEXT"

#define WHAT_TO_DO_WITH_MESSAGES                                                                             \
    "\nlook at one with: cartwright show message ID\n"                                                       \
    "failed: the shop refuses it; mend the cause, then: cartwright retry CART --messages [ID]\n"             \
    "unknown: its answer was lost, and only the shop knows; look there, then: cartwright settle ID --sent\n" \
    "  (it has it), --again (it has it not) or --drop (never send it), with --reason TEXT"

/* $1 is the cart or '', $2 how many rows, $3 and $4 the times from and before which, or '', $5 a state or '',
 * $6 a stream or ''.
 * Of lists that grow for ever the newest rows are shown. */
#define RUNS(columns)                                                                                        \
    "SELECT " columns                                                                                        \
    " FROM (SELECT * FROM runs WHERE ($1 = '' OR cart = $1) AND ($3 = '' OR started_at >= "                  \
    "$3) AND ($4 = '' OR started_at < $4) AND ($5 = '' OR state = $5) ORDER BY id DESC LIMIT $2) AS newest " \
    "ORDER BY id"

enum params { PLAIN = 2, TIMED = 4, BY_STATE = 5, BY_STREAM = 6 }; /* how many its SQL has */

/* Documents of the back office have no cart. */
#define SHOWN_CART "CASE cart WHEN '' THEN 'office' ELSE cart END AS cart"
#define OF_CART    "($1 = '' OR cart = $1 OR ($1 = 'office' AND cart = ''))"

/* SKUs of which there is a level, and which several items of a cart have that is told of levels. A variant
 * stands for its item. */
#define AMBIGUOUS_SKUS                                                                                       \
    "SELECT o.cart, 'stock_out', 'sku-ambiguous', o.sku, COUNT(*), MIN(o.external_id), "                     \
    "MAX(o.first_stored_at), 'sku', 'several items of the cart have this SKU, so that none of them is "      \
    "told; "                                                                                                 \
    "give each its own, or say which one is gone: cartwright edit CART item ID active=false --reason TEXT' " \
    "FROM (SELECT i.cart, i.sku, i.external_id, i.first_stored_at FROM items i WHERE coalesce(i.active, 1) " \
    "= 1 AND NOT EXISTS (SELECT 1 FROM item_variants v WHERE v.item_id = i.id AND v.sku = i.sku) UNION ALL " \
    "SELECT i.cart, v.sku, i.external_id, i.first_stored_at FROM item_variants v JOIN items i ON i.id = "    \
    "v.item_id WHERE coalesce(i.active, 1) = 1 AND coalesce(v.active, 1) = 1) AS o WHERE o.cart <> '' AND "  \
    "o.sku IS NOT NULL AND ($1 = '' OR o.cart = $1) AND EXISTS (SELECT 1 FROM message_levels t WHERE "       \
    "t.cart = o.cart) GROUP BY o.cart, o.sku HAVING COUNT(*) > 1 AND EXISTS (SELECT 1 FROM stock_levels l "  \
    "WHERE l.cart = '' AND l.sku = o.sku) "

static const struct list {
    const char *kind, *sql, *empty;
    enum params params;
    const char *then; /* what to do with what is listed; may be NULL */
} lists[] = {
    { "orders",
      "SELECT * FROM (SELECT id, cart, external_id, number, status, placed_at, currency, total, email FROM "
      "orders "
      "WHERE ($1 = '' OR cart = $1) AND ($3 = '' OR placed_at >= $3) AND ($4 = '' OR placed_at < $4) "
      "ORDER BY placed_at DESC NULLS LAST, id DESC LIMIT $2) AS newest ORDER BY placed_at NULLS FIRST, id",
      "no orders", TIMED, NULL },
    { "customers",
      "SELECT id, " SHOWN_CART ", external_id, email, first_name, last_name, company FROM customers "
      "WHERE " OF_CART " ORDER BY id LIMIT $2",
      "no customers", PLAIN, NULL },
    { "items",
      "SELECT id, " SHOWN_CART ", external_id, sku, name, price, active FROM items WHERE " OF_CART " "
      "ORDER BY id LIMIT $2",
      "no items", PLAIN, NULL },
    { "stock",
      "SELECT id, " SHOWN_CART
      ", external_id, sku, item_id, variant_id, warehouse, quantity FROM stock_levels "
      "WHERE " OF_CART " ORDER BY id LIMIT $2",
      "no stock levels", PLAIN, NULL },
    { "levels",
      "SELECT id, external_id, sku, warehouse, quantity, last_stored_at FROM stock_levels WHERE cart = '' "
      "AND "
      "($1 = '' OR $1 = 'office') ORDER BY sku, warehouse, id LIMIT $2",
      "the back office has told no levels; see: cartwright put --help", PLAIN, NULL },
    { "vendor_levels",
      "SELECT id, external_id, sku, vendor, quantity, changed_at FROM vendor_levels WHERE cart = '' AND "
      "($1 = '' OR $1 = 'office') ORDER BY sku, vendor, id LIMIT $2",
      "the back office has told no vendor levels", PLAIN, NULL },
    { "prices",
      "SELECT id, external_id, sku, list, currency, amount, valid_from, valid_until FROM prices WHERE cart = "
      "'' AND "
      "($1 = '' OR $1 = 'office') ORDER BY sku, list, currency, id LIMIT $2",
      "the back office has told no prices", PLAIN, NULL },
    { "purchase_orders",
      "SELECT p.id, p.external_id, p.number, p.vendor, p.closed, p.ordered_at, l.sku, l.quantity, "
      "l.received, "
      "l.warehouse, l.expected_at FROM purchase_orders p LEFT JOIN purchase_order_lines l ON "
      "l.purchase_order_id = "
      "p.id WHERE p.cart = '' AND ($1 = '' OR $1 = 'office') ORDER BY p.id, l.position LIMIT $2",
      "the back office has told no purchase orders", PLAIN, NULL },
    { "invoices",
      "SELECT id, external_id, number, order_cart, order_id, released, invoiced_at, currency, total FROM "
      "invoices "
      "WHERE cart = '' AND ($1 = '' OR $1 = 'office') ORDER BY id LIMIT $2",
      "the back office has told no invoices", PLAIN, NULL },
    { "parked",
      "SELECT s.cart, s.stream, s.external_id, s.state, s.staged_at, i.field, i.code, i.message FROM "
      "staged_records s "
      "JOIN staged_issues i ON i.staged_id = s.id WHERE ($1 = '' OR s.cart = $1) "
      "AND ($3 = '' OR s.staged_at >= $3) AND ($4 = '' OR s.staged_at < $4) "
      "ORDER BY s.cart, s.stream, s.id, i.position LIMIT $2",
      "nothing is parked", TIMED, WHAT_TO_DO },
    { "work",
      "SELECT * FROM (SELECT s.cart, s.stream, i.code, i.subject AS about, COUNT(DISTINCT s.id) AS records, "
      "MIN(s.external_id) AS such_as, MIN(s.staged_at) AS waiting_since_at, MIN(i.field) AS field, "
      "MIN(i.message) AS message FROM "
      "staged_records s JOIN staged_issues i ON i.staged_id = s.id WHERE ($1 = '' OR s.cart = $1) "
      "GROUP BY s.cart, s.stream, i.code, i.subject, CASE WHEN i.subject = '' THEN i.field ELSE '' END "
      "UNION ALL " AMBIGUOUS_SKUS
      "UNION ALL SELECT m.cart, m.stream, 'message-' || m.state, '', COUNT(*), MIN(m.external_id), "
      "MIN(m.changed_at), '', m.error FROM messages m WHERE m.state IN ('unknown', 'failed') AND ($1 = '' OR "
      "m.cart = $1) GROUP BY m.cart, m.stream, m.state, m.error "
      "UNION ALL SELECT c.cart, c.stream, 'stream-stopped', '', (SELECT COUNT(*) FROM messages q WHERE "
      "q.cart = "
      "c.cart AND (c.stream = '' OR q.stream = c.stream) AND q.state = 'queued'), '', c.changed_at, '', CASE "
      "c.why WHEN '' THEN 'stopped by ' || c.who ELSE c.who || ': ' || c.why END FROM controls c WHERE "
      "c.state = "
      "'stopped' AND ($1 = '' OR c.cart = $1) "
      "UNION ALL SELECT l.cart, l.stream, 'no-level', '', COUNT(*), MIN(l.external_id), MIN(l.sent_at), '', "
      "'no level of it is left, so that the cart keeps what it was told last: put it with quantity=0, or "
      "leave "
      "it' FROM message_levels l WHERE l.payload = '' AND l.stream = 'stock_out' AND l.sent_at IS NOT NULL "
      "AND ($1 = '' OR l.cart = $1) GROUP BY l.cart, l.stream) AS waiting "
      "ORDER BY records DESC, cart, stream, code, about LIMIT $2",
      "nothing waits", PLAIN,
      WHAT_TO_DO "\nmessages: cartwright list messages --state unknown, or failed"
                 "\nstopped: cartwright start CART STREAM --reason TEXT" },
    { "pending",
      "SELECT id, cart, external_id, number, type, status, placed_at, currency, total FROM orders WHERE "
      "state = "
      "'pending' AND ($1 = '' OR cart = $1) AND ($3 = '' OR placed_at >= $3) AND ($4 = '' OR placed_at < $4) "
      "ORDER BY placed_at NULLS FIRST, id LIMIT $2",
      "no order is pending", TIMED, "\nrelease one with: cartwright release CART ID --reason TEXT" },
    { "shipments",
      "SELECT id, " SHOWN_CART
      ", external_id, number, order_id, shipped_at, carrier, tracking_number FROM shipments "
      "WHERE " OF_CART " ORDER BY id LIMIT $2",
      "no shipments", PLAIN, NULL },
    { "edits",
      "SELECT cart, kind, external_id, field, value, cart_value, is_contested AS contested, who, edited_at, "
      "reason "
      "FROM document_edits WHERE ($1 = '' OR cart = $1) ORDER BY edited_at, cart, kind, external_id, field "
      "LIMIT $2",
      "nothing was edited", PLAIN, NULL },
    { "messages",
      "SELECT * FROM (SELECT id, cart, stream, external_id, state, attempts, created_at, due_at, error, "
      "payload "
      "FROM messages WHERE ($1 = '' OR cart = $1) AND ($3 = '' OR created_at >= $3) AND ($4 = '' OR "
      "created_at < "
      "$4) AND ($5 = '' OR state = $5) AND ($6 = '' OR stream = $6) "
      "ORDER BY id DESC LIMIT $2) AS newest ORDER BY id",
      "no messages", BY_STREAM, WHAT_TO_DO_WITH_MESSAGES },
    { "audit",
      "SELECT * FROM (SELECT id, happened_at, who, action, object, value_before, value_after, reason FROM "
      "audit "
      "WHERE "
      "($1 = '' OR substr(object, 1, length($1) + 1) = $1 || ' ') AND ($3 = '' OR happened_at >= $3) AND ($4 "
      "= '' OR happened_at < "
      "$4) "
      "ORDER BY id DESC LIMIT $2) AS newest ORDER BY id",
      "the audit trail is empty", TIMED, NULL },
    { "raw",
      "SELECT cart, stream, external_id, version, outcome, reason, received_at, run_id FROM "
      "(SELECT * FROM raw_records WHERE ($1 = '' OR cart = $1) "
      "AND ($3 = '' OR received_at >= $3) AND ($4 = '' OR received_at < $4) ORDER BY id DESC LIMIT $2) AS "
      "newest "
      "ORDER BY id",
      "no raw records", TIMED, NULL },
    { "runs",
      RUNS("id, cart, CASE job WHEN 'sync' THEN stream ELSE job || ' ' || stream END AS work, state, "
           "started_at, "
           "started_at || ' ' || ended_at AS seconds, records_read AS read, records_posted AS posted, "
           "records_unchanged AS unchanged, records_parked AS parked, records_skipped AS skipped, message"),
      "no runs", BY_STATE, "\nlook at one with: cartwright show run ID" },
};

/* More than a terminal has room for. */
static const char runs_json[] = RUNS(
    "id, cart, stream, job, state, began_by, worker, started_at, ended_at, started_at || ' ' || ended_at "
    "AS seconds, records_read AS read, records_posted AS posted, records_unchanged AS unchanged, "
    "records_parked AS parked, records_held AS held, records_skipped AS skipped, records_stored AS "
    "stored, warnings, errors, pages, requests, bytes_in, fetch_us, store_us, message");

static const struct list *find(const char *kind)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].kind, kind) == 0)
            return &lists[i];
    return NULL;
}

struct options {
    char *cart, *since, *until, *state, *stream;
    int limit;
    gboolean failed;
};

static bool is_of_runs(const struct list *list)
{
    return strcmp(list->kind, "runs") == 0;
}

/* A day or a time in the zone of the site, as the store writes times; "" for none. */
static bool read_time(const struct cw_cli *cli, const char *option, const char *text, char *out, size_t cap)
{
    struct cw_error err;
    cw_time time;
    out[0] = '\0';
    if (text == NULL)
        return true;
    struct cw_zone *zone = cw_zone_open(cli->site->config.zone, &err);
    bool ok = zone != NULL && cw_time_parse(cw_slice(text), zone, &time, &err) &&
              cw_time_format(time, NULL, "%Y-%m-%dT%H:%M:%S.%fZ", out, cap, &err) > 0;
    cw_zone_free(zone);
    if (!ok) {
        cw_fail_in(&err, "--%s", option);
        cw_cli_fail(cli, &err);
    }
    return ok;
}

/* A name that is wrong must not look as if nothing were there. What carts left behind that site.lua has no
 * more is listed as ever. */
static bool is_cart(struct cw_cli *cli, const struct list *list, const char *name)
{
    const struct cw_site_config *config = &cli->site->config;
    const struct cw_slice param = cw_slice(name);
    struct cw_error err;
    char found[8];
    bool is_known = strcmp(name, "office") == 0 || strcmp(list->kind, "audit") == 0;
    for (size_t i = 0; i < config->cart_count && !is_known; i++)
        is_known = strcmp(config->carts[i].name, name) == 0;
    if (is_known)
        return true;
    bool ok = cw_cli_ask(cli,
                         "SELECT 1 WHERE EXISTS (SELECT 1 FROM raw_records WHERE cart = $1) OR EXISTS "
                         "(SELECT 1 FROM runs WHERE cart = $1) OR EXISTS (SELECT 1 FROM messages WHERE cart "
                         "= $1)",
                         &param, 1, found, sizeof found, &err) &&
              (found[0] != '\0' || cw_fail(&err, CW_USAGE, "site.lua has no cart %s", name));
    if (!ok)
        cw_cli_fail(cli, &err);
    return ok;
}

static int print(struct cw_cli *cli, const struct list *list, const struct options *options)
{
    char number[16], since[CW_TIME_TEXT_MAX], until[CW_TIME_TEXT_MAX];
    if (options->cart != NULL && *options->cart != '\0' && !is_cart(cli, list, options->cart))
        return 1;
    if (!read_time(cli, "since", options->since, since, sizeof since) ||
        !read_time(cli, "until", options->until, until, sizeof until))
        return 1;
    snprintf(number, sizeof number, "%d", options->limit);
    struct cw_slice params[] = { cw_slice(options->cart != NULL ? options->cart : ""),
                                 cw_slice(number),
                                 cw_slice(since),
                                 cw_slice(until),
                                 cw_slice(options->failed          ? "failed"
                                          : options->state != NULL ? options->state
                                                                   : ""),
                                 cw_slice(options->stream != NULL ? options->stream : "") };
    const char *sql = cli->json && is_of_runs(list) ? runs_json : list->sql;
    int code = cw_cli_print_rows(cli, sql, params, list->params, list->empty);
    if (code == 0 && cli->rows == (size_t)options->limit && !cli->json)
        fprintf(stderr, "%d rows are shown, and there may be more: --limit N\n", options->limit);
    if (code == 0 && cli->rows > 0 && !cli->json && list->then != NULL)
        puts(list->then);
    return code;
}

static bool is_state(const char *name)
{
    for (int state = CW_MESSAGE_QUEUED; state <= CW_MESSAGE_SUPERSEDED; state++)
        if (strcmp(cw_message_state_name((enum cw_message_state)state), name) == 0)
            return true;
    return false;
}

static bool is_out(const char *name)
{
    enum cw_out out;
    return cw_out_find(cw_slice(name), &out);
}

/* -1 to go on, else the exit code. */
static int check(const struct list *list, const char *kind, const struct options *options)
{
    if (list == NULL)
        fprintf(
            stderr,
            "cartwright list: there is no list \"%s\"; there are orders, customers, items, stock, shipments, "
            "levels, vendor_levels, prices, purchase_orders, invoices, parked, work, pending, edits, "
            "messages, audit, raw and runs\n",
            kind);
    else if (options->limit < 1)
        fprintf(stderr, "cartwright list: --limit is at least 1\n");
    else if (list->params < TIMED && (options->since != NULL || options->until != NULL))
        fprintf(stderr, "cartwright list: --since and --until are for orders, pending, parked, messages, "
                        "audit, raw and runs\n");
    else if (options->failed && !is_of_runs(list))
        fprintf(stderr, "cartwright list: --failed is for runs\n");
    else if ((options->state != NULL || options->stream != NULL) && list->params != BY_STREAM)
        fprintf(stderr, "cartwright list: --state and --stream are for messages\n");
    else if (options->state != NULL && !is_state(options->state))
        fprintf(stderr,
                "cartwright list: a message is never %s; it is queued, sending, sent, unknown, failed or "
                "superseded\n",
                options->state);
    else if (options->stream != NULL && !is_out(options->stream))
        fprintf(stderr, "cartwright list: \"%s\" is no stream out such as stock_out\n", options->stream);
    else
        return -1;
    return 2;
}

int cw_cmd_list(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct options options = { .limit = 100 };
    const GOptionEntry entries[] = {
        { "cart", 'c', 0, G_OPTION_ARG_STRING, &options.cart, "Only this cart", "NAME" },
        { "since", 0, 0, G_OPTION_ARG_STRING, &options.since, "Only from this day or time on", "TIME" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &options.until, "Only before this day or time", "TIME" },
        { "failed", 0, 0, G_OPTION_ARG_NONE, &options.failed, "Of runs: only those that failed", NULL },
        { "state", 0, 0, G_OPTION_ARG_STRING, &options.state,
          "Of messages: queued, unknown, failed, sent ...", "STATE" },
        { "stream", 0, 0, G_OPTION_ARG_STRING, &options.stream, "Of messages: stock_out ...", "STREAM" },
        { "limit", 'l', 0, G_OPTION_ARG_INT, &options.limit, "At most so many rows (default 100)", "N" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "KIND [CART]",
        "Lists orders, customers, items, stock, shipments; of the back office levels, "
        "vendor_levels, prices,\n"
        "purchase_orders and invoices, and with --cart office the others; parked: every record "
        "that waits, work: what\n"
        "must be done, with the number of records or messages that wait for it; pending: orders to be\n"
        "released; edits, messages (to carts), audit, raw or runs. TIME is such as\n"
        "2024-03-31 or \"2024-03-31 14:00\", in the site's zone as all times that are shown:\n"
        "when an order was placed, a record parked or received, a run started.",
        entries, 1, 2);
    const struct list *list = code < 0 ? find(argv[1]) : NULL;
    if (code < 0 && argc > 2 && options.cart == NULL)
        options.cart = g_strdup(argv[2]);
    if (code < 0)
        code = check(list, argv[1], &options);
    if (code < 0)
        code = cw_cli_open(&cli, CW_CLI_STORE) ? print(&cli, list, &options) : 1;
    cw_cli_close(&cli);
    g_free(options.cart);
    g_free(options.since);
    g_free(options.until);
    g_free(options.state);
    g_free(options.stream);
    return code;
}
