/* map_bench.c - what mapping costs: 10,000 orders of 50 fields with 3 lines, in CPU seconds; then with the
 * check of their totals; then with the document as JSON too.
 *
 * Trees are built once and mapped again and again, so that only the plan is measured. Arguments: [ORDERS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adapters/document_json.h"
#include "mapping/plan.h"
#include "mapping/totals.h"

enum { FILLERS = 15, TREES = 64, RUNS = 5 }; /* a cart sends more than a mapping asks for */

static struct cw_arena records;
static struct cw_error err;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "map_bench: %s\n", err.text);
    exit(1);
}

static struct cw_node *add(struct cw_node *parent, const char *name, const char *text, enum cw_node_kind kind)
{
    struct cw_node *node = cw_arena_alloc(&records, sizeof *node);
    *node = (struct cw_node){ .name = cw_arena_copy(&records, cw_slice(name)),
                              .text = cw_arena_copy(&records, cw_slice(text)),
                              .name_hash = cw_slice_hash(cw_slice(name)),
                              .kind = kind };
    if (parent == NULL)
        return node;
    struct cw_node **end = &parent->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = node;
    return node;
}

struct pair {
    const char *target, *key, *value;
};

static const struct pair order_pairs[] = {
    { "number", "reference", "XKBKNABJK" },
    { "status", "current_state", "2" },
    { "cart_status", "current_state", "2" },
    { "placed_at", "date_add", "2024-03-28 11:02:57" },
    { "changed_at", "date_upd", "2024-03-28 11:04:12" },
    { "channel", "id_shop", "1" },
    { "language", "id_lang", "2" },
    { "currency", "currency", "EUR" },
    { "tax_included", "tax_included", "1" },
    { "goods_total", "total_products_wt", "61.800000" },
    { "discount_total", "total_discounts", "2.000000" },
    { "shipping_total", "total_shipping", "7.000000" },
    { "fee_total", "total_wrapping", "0.000000" },
    { "tax_total", "total_tax", "10.150000" },
    { "total", "total_paid", "66.800000" },
    { "paid_total", "total_paid_real", "66.800000" },
    { "rounding", "round_type", "line" },
    { "rounding_mode", "round_mode", "half-up" },
    { "customer_id", "id_customer", "4711" },
    { "email", "email", "marie.curie@example.com" },
    { "payment_method", "module", "ps_wirepayment" },
    { "payment_name", "payment", "Bank transfer" },
    { "shipping_method", "id_carrier", "3" },
    { "shipping_name", "carrier", "My carrier" },
    { "tracking_number", "shipping_number", "1Z999AA10123456784" },
    { "note", "note", "Please ring twice" },
};

static const struct pair address_pairs[] = {
    { "first_name", "firstname", "Marie" },
    { "last_name", "lastname", "Curie" },
    { "company", "company", "Radium SARL" },
    { "street", "address1", "16, Main street" },
    { "street2", "address2", "2nd floor" },
    { "postcode", "postcode", "75002" },
    { "city", "city", "Paris" },
    { "country", "country", "FR" },
    { "phone", "phone", "0102030405" },
    { "mobile", "phone_mobile", "0602030405" },
    { "vat_number", "vat", "FR12345678901" },
    { "external_id", "id", "8" },
};

static const struct pair line_pairs[] = {
    { "external_id", "id", "17" },
    { "sku", "product_reference", "demo_13" },
    { "name", "product_name", "The best is yet to come framed poster" },
    { "barcode", "product_ean13", "4006381333931" },
    { "item_id", "product_id", "4" },
    { "variant_id", "product_attribute_id", "16" },
    { "quantity", "product_quantity", "2" },
    { "unit_price", "unit_price_tax_incl", "10.300000" },
    { "total", "total_price_tax_incl", "20.600000" },
    { "tax_rate", "tax_rate", "20.000" },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_pairs(struct cw_node *parent, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(parent, pairs[i].key, pairs[i].value, CW_NODE_OBJECT);
}

static void add_fillers(struct cw_node *parent)
{
    char name[32];
    for (int i = 0; i < FILLERS; i++) {
        snprintf(name, sizeof name, "unused_%d", i);
        add(parent, name, "something nobody maps", CW_NODE_OBJECT);
    }
}

static struct cw_node *make_order(void)
{
    struct cw_node *order = add(NULL, "order", "", CW_NODE_OBJECT);
    add_fillers(order);
    add_pairs(order, order_pairs, COUNT(order_pairs));
    add_pairs(add(order, "invoice_address", "", CW_NODE_OBJECT), address_pairs, COUNT(address_pairs));
    add_pairs(add(order, "delivery_address", "", CW_NODE_OBJECT), address_pairs, COUNT(address_pairs));
    struct cw_node *rows =
        add(add(order, "associations", "", CW_NODE_OBJECT), "order_rows", "", CW_NODE_OBJECT);
    for (int i = 0; i < 3; i++) {
        struct cw_node *row = add(rows, "order_row", "", CW_NODE_OBJECT);
        add_pairs(row, line_pairs, COUNT(line_pairs));
        row->first->text = cw_slice(i == 0 ? "17" : i == 1 ? "18" : "19");
    }
    return order;
}

static void add_rules(struct cw_plan *plan, const struct pair *pairs, size_t count,
                      const struct cw_zone *zone)
{
    for (size_t i = 0; i < count; i++) {
        struct cw_slice path = cw_slice(pairs[i].key);
        struct cw_field_rule rule = {
            .target = pairs[i].target, .paths = &path, .path_count = 1, .call = -1, .zone = zone
        };
        if (strcmp(rule.target, "status") == 0)
            rule.table = "status";
        check(cw_plan_add(plan, &rule, &err));
    }
}

static void add_nested(struct cw_plan *plan, const char *target, enum cw_source source, const char *path,
                       const struct cw_plan *nested)
{
    struct cw_slice slice = cw_slice(path);
    struct cw_field_rule rule = {
        .target = target, .source = source, .paths = &slice, .path_count = 1, .plan = nested
    };
    check(cw_plan_add(plan, &rule, &err));
}

static void add_custom(struct cw_plan *plan)
{
    struct cw_slice paths[] = { cw_slice("id_cart"), cw_slice("unused_3") };
    struct cw_field_rule rule = { .target = "gift",
                                  .is_custom = true,
                                  .custom_type = CW_TEXT,
                                  .paths = paths,
                                  .path_count = 2,
                                  .has_default = true,
                                  .default_text = cw_slice("none") };
    check(cw_plan_add(plan, &rule, &err));
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How far an order is taken. */
enum stage { MAPPED, TOTALS, JSON };

static double run(const struct cw_plan *plan, struct cw_node **trees, size_t orders, enum stage stage)
{
    struct cw_arena arena;
    struct cw_buffer json = { 0 };
    cw_arena_init(&arena, 0);
    double start = cpu_seconds();
    for (size_t i = 0; i < orders; i++) {
        struct cw_scope scope = { .record = trees[i % TREES] };
        struct cw_mapped mapped;
        cw_arena_reset(&arena);
        check(cw_plan_run(plan, &scope, cw_slice("101"), NULL, (struct cw_plan_how){ 0 }, &arena, &mapped,
                          &err));
        check(stage < TOTALS || cw_totals_check(&mapped, &arena, &err));
        cw_buffer_clear(&json);
        check(stage < JSON || cw_document_json(&json, mapped.doc, 0, &err));
        if (mapped.issues != NULL) {
            fprintf(stderr, "map_bench: %.*s\n", CW_SLICE_ARG(mapped.issues->message));
            exit(1);
        }
    }
    double used = cpu_seconds() - start;
    cw_arena_fini(&arena);
    cw_buffer_fini(&json);
    return used;
}

static double best(const struct cw_plan *plan, struct cw_node **trees, size_t orders, enum stage stage)
{
    double least = run(plan, trees, orders, stage);
    for (int i = 1; i < RUNS; i++) {
        double used = run(plan, trees, orders, stage);
        least = used < least ? used : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    size_t orders = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    struct cw_node *trees[TREES];
    struct cw_zone *zone = cw_zone_open("Europe/Paris", &err);
    check(zone != NULL);
    struct cw_plan *address = cw_plan_create(&cw_kind_address, "address", &err);
    struct cw_plan *line = cw_plan_create(&cw_kind_line, "line", &err);
    struct cw_plan *plan = cw_plan_create(&cw_kind_order, "order", &err);
    cw_arena_init(&records, 0);
    for (size_t i = 0; i < TREES; i++)
        trees[i] = make_order();
    add_rules(address, address_pairs, COUNT(address_pairs), NULL);
    add_rules(line, line_pairs, COUNT(line_pairs), NULL);
    add_rules(plan, order_pairs, COUNT(order_pairs), zone);
    add_nested(plan, "billing", CW_FROM_RECORD, "invoice_address", address);
    add_nested(plan, "shipping", CW_FROM_RECORD, "delivery_address", address);
    add_nested(plan, "lines", CW_FROM_EACH, "associations/order_rows/order_row", line);
    add_custom(plan);
    check(cw_plan_add_row(plan, "status", cw_slice("2"), cw_slice("paid"), false, cw_slice(""), &err));
    check(cw_plan_finish(plan, &err));
    printf("%zu orders of %zu fields and 3 lines of %zu, CPU s: mapped %.4f, totals checked %.4f, as JSON "
           "%.4f\n",
           orders, COUNT(order_pairs) + 2 * COUNT(address_pairs) + 1, COUNT(line_pairs),
           best(plan, trees, orders, MAPPED), best(plan, trees, orders, TOTALS),
           best(plan, trees, orders, JSON));
    cw_plan_free(plan);
    cw_plan_free(line);
    cw_plan_free(address);
    cw_zone_free(zone);
    cw_arena_fini(&records);
    return 0;
}
