/* cmd_show.c - `cartwright show KIND ID`: one thing whole. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/rows.h"

struct section {
    const char *title, *sql;
};

enum { SECTIONS_MAX = 10 };

/* What the shop sent over time, and what of it waits: for the document $1 of a table, with its stream. */
#define WAITING(table, stream)                                                                               \
    {                                                                                                        \
        "waiting", "SELECT s.state, s.staged_at, i.field, i.code, i.message FROM " table                     \
                   " d JOIN staged_records s ON "                                                            \
                   "s.cart = d.cart AND s.stream = '" stream                                                 \
                   "' AND s.external_id = d.external_id JOIN staged_issues i "                               \
                   "ON i.staged_id = s.id WHERE d.id = $1 ORDER BY i.position"                               \
    }
/* What people changed here, and what the cart says instead. */
#define EDITS(table, kind)                                                                                   \
    {                                                                                                        \
        "edits", "SELECT e.field, e.value, e.cart_value, e.is_contested AS contested, e.who, e.edited_at, "  \
                 "e.reason FROM " table " d JOIN document_edits e ON e.cart = d.cart AND e.kind = '" kind    \
                 "' AND e.external_id = d.external_id WHERE d.id = $1 ORDER BY e.field"                      \
    }
#define VERSIONS(table, stream)                                                                              \
    {                                                                                                        \
        "versions", "SELECT r.version, r.outcome, r.reason, r.received_at, r.run_id FROM " table             \
                    " d JOIN raw_records r "                                                                 \
                    "ON r.cart = d.cart AND r.stream = '" stream                                             \
                    "' AND r.external_id = d.external_id WHERE d.id = $1 "                                   \
                    "ORDER BY r.version"                                                                     \
    }

/* Documents of the back office have no cart. */
#define OF_OFFICE "cart = '' AND ($2 = '' OR $2 = 'office')"
#define OF_CART   "($2 = '' OR cart = $2 OR ($2 = 'office' AND cart = ''))"

/* $1 is the id as given, $2 the cart or '', $3 (raw only) the version or ''. A document is found by its
 * number here, its id in the cart, or (orders) the number the buyer knows. */
static const struct kind {
    const char *name, *stream, *sql; /* stream: of documents, which may wait or be skipped instead */
    struct section sections[SECTIONS_MAX + 1];
} kinds[] = {
    { "order",
      "orders",
      "SELECT * FROM orders WHERE (external_id = $1 OR number = $1) AND ($2 = '' OR cart = $2) ORDER BY id "
      "LIMIT 1",
      { { "lines", "SELECT position, type, sku, name, item, variant, quantity, cancelled, unit_price, "
                   "discount, total, tax, tax_code FROM "
                   "order_lines WHERE order_id = $1 "
                   "ORDER BY position" },
        { "discounts",
          "SELECT code, name, amount, item FROM order_discounts WHERE order_id = $1 ORDER BY position" },
        { "payments", "SELECT method, amount, reference, paid_at FROM order_payments WHERE order_id = $1 "
                      "ORDER BY position" },
        { "fees", "SELECT name, amount, tax FROM order_fees WHERE order_id = $1 ORDER BY position" },
        { "taxes", "SELECT name, rate, amount FROM order_taxes WHERE order_id = $1 ORDER BY position" },
        EDITS("orders", "order"),
        { "released",
          "SELECT r.code, r.field, r.message, r.who, r.released_at, r.reason FROM orders d JOIN releases r "
          "ON "
          "r.cart = d.cart AND r.stream = 'orders' AND r.external_id = d.external_id WHERE d.id = $1 "
          "ORDER BY r.released_at, r.code" },
        WAITING("orders", "orders"),
        VERSIONS("orders", "orders") } },
    { "customer",
      "customers",
      "SELECT * FROM customers WHERE (external_id = $1 OR email = $1) AND " OF_CART " ORDER BY id "
      "LIMIT 1",
      { { "addresses",
          "SELECT external_id, first_name, last_name, company, street, postcode, city, region, country "
          "FROM customer_addresses "
          "WHERE customer_id = $1 ORDER BY position" },
        EDITS("customers", "customer"),
        WAITING("customers", "customers"),
        VERSIONS("customers", "customers") } },
    { "item",
      "items",
      "SELECT * FROM items WHERE (external_id = $1 OR sku = $1) AND " OF_CART " ORDER BY id LIMIT "
      "1",
      { { "variants", "SELECT external_id, sku, name, barcode, price FROM item_variants WHERE item_id = $1 "
                      "ORDER BY position" },
        { "components", "SELECT sku, component_item_id AS item_id, variant_id, quantity FROM item_components "
                        "WHERE item_id = $1 "
                        "ORDER BY position" },
        EDITS("items", "item"),
        WAITING("items", "items"),
        VERSIONS("items", "items") } },
    { "stock",
      "stock",
      "SELECT * FROM stock_levels WHERE (external_id = $1 OR sku = $1) AND " OF_CART " ORDER BY "
      "id LIMIT 1",
      { EDITS("stock_levels", "stock_level"), WAITING("stock_levels", "stock"),
        VERSIONS("stock_levels", "stock") } },
    { "shipment",
      "shipments",
      "SELECT * FROM shipments WHERE (external_id = $1 OR number = $1 OR tracking_number = $1) AND " OF_CART
      " ORDER BY id LIMIT 1",
      { { "lines",
          "SELECT position, line_id, sku, quantity FROM shipment_lines WHERE shipment_id = $1 ORDER BY "
          "position" },
        EDITS("shipments", "shipment"),
        WAITING("shipments", "shipments"),
        VERSIONS("shipments", "shipments") } },
    { "level",
      NULL,
      "SELECT * FROM stock_levels WHERE (external_id = $1 OR sku = $1) AND " OF_OFFICE " ORDER BY id LIMIT 1",
      { { NULL, NULL } } },
    { "vendor_level",
      NULL,
      "SELECT * FROM vendor_levels WHERE (external_id = $1 OR sku = $1) AND " OF_OFFICE
      " ORDER BY id LIMIT 1",
      { { NULL, NULL } } },
    { "price",
      NULL,
      "SELECT * FROM prices WHERE (external_id = $1 OR sku = $1) AND " OF_OFFICE " ORDER BY id LIMIT 1",
      { { NULL, NULL } } },
    { "purchase_order",
      NULL,
      "SELECT * FROM purchase_orders WHERE (external_id = $1 OR number = $1) AND " OF_OFFICE
      " ORDER BY id LIMIT 1",
      { { "lines", "SELECT position, external_id, sku, quantity, received, warehouse, expected_at FROM "
                   "purchase_order_lines WHERE purchase_order_id = $1 ORDER BY position" } } },
    { "invoice",
      NULL,
      "SELECT * FROM invoices WHERE (external_id = $1 OR number = $1) AND " OF_OFFICE " ORDER BY id LIMIT 1",
      { { "lines", "SELECT position, line_id, sku, quantity FROM invoice_lines WHERE invoice_id = $1 ORDER "
                   "BY position" } } },
    { "run",
      NULL,
      "SELECT id, cart, stream, job, state, message, began_by, worker, started_at, ended_at, started_at || ' "
      "' || "
      "ended_at AS seconds, records_read, records_posted, records_unchanged, records_parked, records_held, "
      "records_skipped, records_stored, pages, requests, bytes_in, fetch_us, store_us, warnings, errors, "
      "script_version FROM runs WHERE CAST(id AS TEXT) = $1 AND ($2 = '' OR cart = $2)",
      { { "notes",
          "SELECT level, cart, external_id, message FROM run_notes WHERE run_id = $1 ORDER BY id" } } },
    { "message",
      NULL,
      "SELECT id, cart, stream, external_id, state, attempts, created_at, changed_at, due_at, "
      "NULLIF(call_number, 0) AS sent_in_call, NULLIF(company, 0) AS in_batches_of_at_most, "
      "lane AS in_turn_with, event, answer, error, payload FROM messages WHERE CAST(id AS TEXT) = $1 AND ($2 "
      "= '' OR cart = "
      "$2)",
      { { "waits behind", "SELECT b.id, b.stream, b.external_id, b.state, b.error FROM messages m JOIN "
                          "messages b ON b.cart = m.cart "
                          "AND b.lane = m.lane AND b.id < m.id AND b.state IN ('queued', 'sending', "
                          "'unknown', 'failed') WHERE m.id = "
                          "$1 AND m.state = 'queued' ORDER BY b.id" },
        { "decisions", "SELECT a.happened_at, a.who, a.value_before, a.value_after, a.reason FROM messages m "
                       "JOIN audit a ON "
                       "a.action = 'settle' AND a.object = m.cart || ' message ' || CAST(m.id AS TEXT) || ' "
                       "' || m.stream || ' ' "
                       "|| m.external_id WHERE m.id = $1 ORDER BY a.id" } } },
    { "parked",
      NULL,
      "SELECT * FROM staged_records WHERE external_id = $1 AND ($2 = '' OR cart = $2) ORDER BY id LIMIT 1",
      { { "issues",
          "SELECT code, field, path, message FROM staged_issues WHERE staged_id = $1 ORDER BY position" } } },
    { "raw",
      NULL,
      "SELECT id, cart, stream, external_id, version, outcome, reason, received_at, run_id, script_version, "
      "bytes FROM raw_records WHERE external_id = $1 AND ($2 = '' OR cart = $2) "
      "AND ($3 = '' OR CAST(version AS TEXT) = $3) ORDER BY CASE stream WHEN 'orders' THEN 0 ELSE 1 END, "
      "version "
      "DESC LIMIT 1",
      { { "versions",
          "SELECT r.version, r.outcome, r.reason, r.received_at, r.run_id FROM raw_records d JOIN "
          "raw_records r ON r.cart = d.cart AND r.stream = d.stream AND r.external_id = d.external_id "
          "WHERE d.id = $1 ORDER BY r.version" } } },
};

static const struct kind *find(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t own = strlen(kinds[i].name);
        if (strncmp(kinds[i].name, name, own) == 0 && (len == own || (len == own + 1 && name[own] == 's')))
            return &kinds[i];
    }
    return NULL;
}

/* What is found: its number here, and its key. */
struct id {
    char text[32], cart[96], external_id[256];
};

static bool take_id(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct id *id = arg;
    for (size_t i = 0; i < columns; i++) {
        if (cw_slice_is(names[i], "id"))
            snprintf(id->text, sizeof id->text, "%.*s", CW_SLICE_ARG(row[i]));
        else if (cw_slice_is(names[i], "cart"))
            snprintf(id->cart, sizeof id->cart, "%.*s", CW_SLICE_ARG(row[i]));
        else if (cw_slice_is(names[i], "external_id"))
            snprintf(id->external_id, sizeof id->external_id, "%.*s", CW_SLICE_ARG(row[i]));
    }
    return false;
}

static void ignore_end(void *arg, const struct cw_error *err)
{
    (void)arg;
    (void)err; /* the same statement was run and judged before */
}

struct wanted {
    const struct kind *kind;
    const char *id, *cart, *version;
};

static size_t params_of(const struct wanted *wanted, struct cw_slice params[3])
{
    params[0] = cw_slice(wanted->id);
    params[1] = cw_slice(wanted->cart);
    params[2] = cw_slice(wanted->version);
    return strcmp(wanted->kind->name, "raw") == 0 ? 3 : 2;
}

static struct id find_id(struct cw_cli *cli, const struct wanted *wanted)
{
    struct id id = { "", "", "" };
    struct cw_slice params[3];
    size_t count = params_of(wanted, params);
    cw_store_query(cli->store, wanted->kind->sql, params, count, take_id, ignore_end, &id);
    cw_store_wait(cli->store);
    return id;
}

/* The lists of a document, by its number in the store. */
static int print_sections(struct cw_cli *cli, const struct wanted *wanted)
{
    struct id id = find_id(cli, wanted);
    int code = 0;
    struct cw_slice param = cw_slice(id.text);
    const struct section *section = wanted->kind->sections;
    for (; section->title != NULL && code == 0; section++) {
        code = cw_cli_print_section(cli, section->title, section->sql, &param, 1);
        if (code == 0 && cli->rows > 0 && !cli->json && strcmp(section->title, "notes") == 0)
            puts("\nlook at a record with: cartwright show raw ID --cart CART\n"
                 "what it waits for:     cartwright show parked ID --cart CART");
    }
    return code;
}

struct hint {
    char id[128], word[64];
};

static bool take_hint(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct hint *hint = arg;
    (void)names;
    if (columns >= 2) {
        snprintf(hint->id, sizeof hint->id, "%.*s", CW_SLICE_ARG(row[0]));
        snprintf(hint->word, sizeof hint->word, "%.*s", CW_SLICE_ARG(row[1]));
    }
    return false;
}

static struct hint ask(struct cw_cli *cli, const struct wanted *wanted, const char *sql, const char *third)
{
    struct hint hint = { "", "" };
    struct cw_slice params[] = { cw_slice(wanted->kind->stream), cw_slice(wanted->id), cw_slice(third),
                                 cw_slice(wanted->cart) };
    cw_store_query(cli->store, sql, params, 4, take_hint, ignore_end, &hint);
    cw_store_wait(cli->store);
    return hint;
}

/* No such document: perhaps its record waits, or was skipped. */
static int explain_absence(struct cw_cli *cli, const struct wanted *wanted)
{
    struct cw_error err;
    const char *name = wanted->kind->name, *id = wanted->id;
    char *number = g_strdup_printf("\"number\":\"%s\"", id);
    struct hint waits = { "", "" }, received = { "", "" };
    if (wanted->kind->stream != NULL) {
        waits =
            ask(cli, wanted,
                "SELECT external_id, state FROM staged_records WHERE stream = $1 AND (external_id = $2 OR "
                "replace(document, $3, '') <> document) AND ($4 = '' OR cart = $4) ORDER BY id LIMIT 1",
                number);
        received =
            ask(cli, wanted,
                "SELECT external_id, reason FROM raw_records WHERE stream = $1 AND external_id = $2 AND "
                "$3 = '' AND ($4 = '' OR cart = $4) ORDER BY version DESC LIMIT 1",
                "");
    }
    g_free(number);
    if (waits.id[0] != '\0')
        cw_fail(&err, CW_NOT_FOUND, "no %s %s yet: its record is %s; see: cartwright show parked %s", name,
                id, waits.word, waits.id);
    else if (received.id[0] != '\0')
        cw_fail(&err, CW_NOT_FOUND,
                "no %s %s: its record was skipped by the rule \"%s\"; see: cartwright show raw %s", name, id,
                received.word, id);
    else if (wanted->kind->stream != NULL)
        cw_fail(&err, CW_NOT_FOUND,
                "no %s %s has been received; see: cartwright list %s, and cartwright status for how far each "
                "stream has come",
                name, id, wanted->kind->stream);
    else
        cw_fail(&err, CW_NOT_FOUND, "no %s %s; see: cartwright list %s%s", name, id, name,
                strcmp(name, "run") == 0 || strcmp(name, "message") == 0 ? "s" : "");
    return cw_cli_fail(cli, &err);
}

/* Where each value of a document comes from: its raw record, mapped as a run would map it now. */
static int explain(struct cw_cli *cli, const struct wanted *wanted)
{
    struct cw_error err;
    bool has_issue = false;
    struct id id = find_id(cli, wanted);
    if (id.external_id[0] == '\0')
        return explain_absence(cli, wanted);
    if (id.cart[0] == '\0') {
        cw_fail(&err, CW_USAGE,
                "%s %s is the back office's, and was mapped from nothing; see: cartwright list audit --cart "
                "office",
                wanted->kind->name, wanted->id);
        return cw_cli_fail(cli, &err);
    }
    struct cw_session *session = cw_cli_session(cli, id.cart, true, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, id.cart, &err) : NULL;
    const struct cw_lua_stream *stream =
        cart != NULL ? cw_lua_cart_need_stream(cart, wanted->kind->stream, &err) : NULL;
    struct cw_records *records =
        stream != NULL ? cw_cli_stored_record(cli, stream, id.external_id, &err) : NULL;
    if (records == NULL)
        cw_cli_fail(cli, &err);
    bool ok = records != NULL && cw_cli_explain(cli, stream, records, &has_issue);
    cw_records_free(records);
    cw_session_close(session);
    return ok ? 0 : 1;
}

struct others {
    size_t count;
    char ids[256];
};

static bool take_other(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct others *others = arg;
    size_t len = strlen(others->ids);
    for (size_t i = 0; i < columns; i++)
        if (cw_slice_is(names[i], "external_id"))
            snprintf(others->ids + len, sizeof others->ids - len, "%s%.*s", others->count > 0 ? ", " : "",
                     CW_SLICE_ARG(row[i]));
    return ++others->count < 10;
}

/* Numbers and e-mails may be those of several; only one of them was shown. */
static void tell_others(struct cw_cli *cli, const struct wanted *wanted)
{
    struct others others = { 0, "" };
    struct cw_slice params[3];
    size_t count = params_of(wanted, params);
    const char *limit = strstr(wanted->kind->sql, " LIMIT 1");
    if (limit == NULL || wanted->kind->stream == NULL)
        return;
    char *sql = g_strndup(wanted->kind->sql, (gsize)(limit - wanted->kind->sql));
    cw_store_query(cli->store, sql, params, count, take_other, ignore_end, &others);
    cw_store_wait(cli->store);
    g_free(sql);
    if (others.count > 1)
        fprintf(
            stderr,
            "several are found by \"%s\": those with the ids %s; the first is shown, name one by its id\n",
            wanted->id, others.ids);
}

static int show(struct cw_cli *cli, const struct wanted *wanted)
{
    struct cw_slice params[3];
    size_t count = params_of(wanted, params);
    bool found;
    cli->names_office = strcmp(wanted->kind->name, "run") != 0;
    int code = cw_cli_print_record(cli, wanted->kind->sql, params, count, &found);
    if (code != 0)
        return code;
    if (found)
        tell_others(cli, wanted);
    return found ? print_sections(cli, wanted) : explain_absence(cli, wanted);
}

int cw_cmd_show(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    char *cart = NULL, *version = NULL;
    gboolean origin = FALSE;
    const GOptionEntry entries[] = {
        { "cart", 'c', 0, G_OPTION_ARG_STRING, &cart, "Only this cart", "NAME" },
        { "version", 0, 0, G_OPTION_ARG_STRING, &version,
          "This version of a raw record (default: the newest)", "N" },
        { "explain", 'e', 0, G_OPTION_ARG_NONE, &origin,
          "Of a document: where each value comes from, by path, table, rule and edit", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "KIND ID",
        "Shows one order, customer, item, stock level, shipment, of the back office also level,\n"
        "vendor_level, price, purchase_order and invoice; a parked record, raw record, "
        "message or run. ID is the\n"
        "cart's id; orders are found by their number too, customers by e-mail, items by SKU.",
        entries, 2, 2);
    struct wanted wanted = { code < 0 ? find(argv[1]) : NULL, NULL, cart != NULL ? cart : "",
                             version != NULL ? version : "" };
    if (code < 0 && wanted.kind == NULL) {
        fprintf(stderr,
                "cartwright show: there is no kind \"%s\"; there are order, customer, item, stock, shipment, "
                "level, vendor_level, price, purchase_order, invoice, parked, raw, message and run\n",
                argv[1]);
        code = 2;
    }
    if (code < 0 && origin && wanted.kind->stream == NULL) {
        fprintf(stderr,
                "cartwright show: --explain is for documents: order, customer, item, stock, shipment\n");
        code = 2;
    }
    if (code < 0) {
        wanted.id = argv[2];
        bool opened = cw_cli_open(&cli, CW_CLI_STORE | (origin ? CW_CLI_NETWORK : 0));
        code = !opened ? 1 : origin ? explain(&cli, &wanted) : show(&cli, &wanted);
    }
    cw_cli_close(&cli);
    g_free(cart);
    g_free(version);
    return code;
}
