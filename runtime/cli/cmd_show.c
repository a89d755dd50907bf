/* cmd_show.c - `cartwright show KIND ID`: one thing whole. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/rows.h"

struct section {
    const char *title, *sql;
};

/* $1 is the id as given, $2 the cart or ''. A document is found by its number here, its id in the cart, or
 * (orders) the number the buyer knows. */
static const struct kind {
    const char *name, *sql;
    struct section sections[6];
} kinds[] = {
    { "order",
      "SELECT * FROM orders WHERE (external_id = $1 OR number = $1) AND ($2 = '' OR cart = $2) ORDER BY id "
      "LIMIT 1",
      { { "lines",
          "SELECT position, sku, name, quantity, unit_price, total, tax FROM order_lines WHERE order_id = $1 "
          "ORDER BY position" },
        { "discounts",
          "SELECT code, name, amount FROM order_discounts WHERE order_id = $1 ORDER BY position" },
        { "payments", "SELECT method, amount, reference, paid_at FROM order_payments WHERE order_id = $1 "
                      "ORDER BY position" },
        { "fees", "SELECT name, amount, tax FROM order_fees WHERE order_id = $1 ORDER BY position" },
        { "taxes", "SELECT name, rate, amount FROM order_taxes WHERE order_id = $1 ORDER BY position" } } },
    { "customer",
      "SELECT * FROM customers WHERE (external_id = $1 OR email = $1) AND ($2 = '' OR cart = $2) ORDER BY id "
      "LIMIT 1",
      { { "addresses", "SELECT external_id, first_name, last_name, company, street, postcode, city, country "
                       "FROM customer_addresses "
                       "WHERE customer_id = $1 ORDER BY position" } } },
    { "item",
      "SELECT * FROM items WHERE (external_id = $1 OR sku = $1) AND ($2 = '' OR cart = $2) ORDER BY id LIMIT "
      "1",
      { { "variants", "SELECT external_id, sku, name, barcode, price FROM item_variants WHERE item_id = $1 "
                      "ORDER BY position" } } },
    { "stock",
      "SELECT * FROM stock_levels WHERE (external_id = $1 OR sku = $1) AND ($2 = '' OR cart = $2) ORDER BY "
      "id LIMIT 1",
      { { NULL, NULL } } },
    { "run",
      "SELECT * FROM runs WHERE CAST(id AS TEXT) = $1 AND ($2 = '' OR cart = $2)",
      { { "notes", "SELECT level, external_id, message FROM run_notes WHERE run_id = $1 ORDER BY id" } } },
    { "parked",
      "SELECT * FROM staged_records WHERE external_id = $1 AND ($2 = '' OR cart = $2) ORDER BY id LIMIT 1",
      { { "issues",
          "SELECT code, field, path, message FROM staged_issues WHERE staged_id = $1 ORDER BY position" } } },
    { "raw",
      "SELECT cart, stream, external_id, version, outcome, reason, received_at, script_version, "
      "CAST(bytes AS TEXT) AS bytes FROM raw_records WHERE external_id = $1 AND ($2 = '' OR cart = $2) "
      "ORDER BY version DESC LIMIT 1",
      { { NULL, NULL } } },
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

struct id {
    char text[32];
};

static bool take_id(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct id *id = arg;
    for (size_t i = 0; i < columns; i++)
        if (cw_slice_is(names[i], "id"))
            snprintf(id->text, sizeof id->text, "%.*s", CW_SLICE_ARG(row[i]));
    return false;
}

static void ignore_end(void *arg, const struct cw_error *err)
{
    (void)arg;
    (void)err; /* the same statement was run and judged before */
}

/* The lists of a document, by its number in the store. */
static int print_sections(struct cw_cli *cli, const struct kind *kind, const struct cw_slice *params)
{
    struct id id = { "" };
    int code = 0;
    cw_store_query(cli->store, kind->sql, params, 2, take_id, ignore_end, &id);
    cw_store_wait(cli->store);
    struct cw_slice param = cw_slice(id.text);
    for (const struct section *section = kind->sections; section->title != NULL && code == 0; section++) {
        if (!cli->json)
            printf("\n%s%s%s\n", cw_cli_bold(), section->title, cw_cli_plain());
        code = cw_cli_print_rows(cli, section->sql, &param, 1, "none");
        if (section == &kind->sections[5])
            break;
    }
    return code;
}

static int show(struct cw_cli *cli, const struct kind *kind, const char *id, const char *cart)
{
    struct cw_error err;
    struct cw_slice params[] = { cw_slice(id), cw_slice(cart) };
    bool found;
    int code = cw_cli_print_record(cli, kind->sql, params, 2, &found);
    if (code != 0)
        return code;
    if (found)
        return print_sections(cli, kind, params);
    cw_fail(&err, CW_NOT_FOUND, "no %s %s; see: cartwright list", kind->name, id);
    return cw_cli_fail(cli, &err);
}

int cw_cmd_show(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    char *cart = NULL;
    const GOptionEntry entries[] = {
        { "cart", 'c', 0, G_OPTION_ARG_STRING, &cart, "Only this cart", "NAME" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "KIND ID",
        "Shows one order, customer, item, stock level, parked record, raw record or run. ID is the\n"
        "cart's id; orders are found by their number too, customers by e-mail, items by SKU.",
        entries, 2, 2);
    const struct kind *kind = code < 0 ? find(argv[1]) : NULL;
    if (code < 0 && kind == NULL) {
        fprintf(stderr, "cartwright show: there are order, customer, item, stock, parked, raw and run\n");
        code = 2;
    }
    if (code < 0)
        code = cw_cli_open(&cli, CW_CLI_STORE) ? show(&cli, kind, argv[2], cart != NULL ? cart : "") : 1;
    cw_cli_close(&cli);
    g_free(cart);
    return code;
}
