/* What has left for orders, and the carts' ids of what the back office has. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

struct demands_bed {
    struct store_bed store;
    struct cw_arena arena;
    struct cw_txn *txn;
};

static int set_up(void **state)
{
    struct demands_bed *bed = calloc(1, sizeof *bed);
    store_bed_init(&bed->store);
    store_bed_open(&bed->store);
    cw_arena_init(&bed->arena, 0);
    bed->txn = begin(&bed->store);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct demands_bed *bed = *state;
    cw_txn_rollback(bed->txn);
    store_bed_fini(&bed->store);
    cw_arena_fini(&bed->arena);
    free(bed);
    return 0;
}

/* --- shipments --- */

enum confirmed { UNSAID, CONFIRMED, NOT_CONFIRMED };

static struct cw_document *shipment_of(struct demands_bed *bed, const char *id, const char *order,
                                       const char *order_cart, enum confirmed confirmed)
{
    struct cw_document *doc = cw_document_create(&bed->arena, &cw_kind_shipment);
    doc->external_id = cw_slice(id);
    set_text(doc, "order_id", order);
    if (order_cart != NULL)
        set_text(doc, "order_cart", order_cart);
    if (confirmed != UNSAID)
        set(doc, "confirmed")->boolean = confirmed == CONFIRMED;
    return doc;
}

static void add_line(struct demands_bed *bed, struct cw_document *shipment, const char *line_id,
                     const char *sku, const char *quantity)
{
    struct cw_document *line = add_to(&bed->arena, shipment, "lines");
    if (line_id != NULL)
        set_text(line, "line_id", line_id);
    if (sku != NULL)
        set_text(line, "sku", sku);
    if (quantity != NULL)
        set_money(line, "quantity", quantity);
}

static void put(struct demands_bed *bed, const char *cart, const struct cw_document *doc)
{
    bool ok = cw_txn_put_document(bed->txn, cw_slice(cart), doc, bed->store.time.now, 1);
    assert_ok(ok, *cw_txn_error(bed->txn));
}

struct told {
    char text[1024];
    int rows, stop_at, calls;
    struct cw_error err;
    bool failed;
};

static bool take_shipped(void *arg, const struct cw_shipped *shipped)
{
    struct told *told = arg;
    size_t len = strlen(told->text);
    char quantity[CW_DECIMAL_TEXT_MAX] = "all";
    if (!shipped->is_whole)
        cw_decimal_format(&shipped->quantity, quantity);
    snprintf(told->text + len, sizeof told->text - len, "%.*s by [%.*s] %.*s: [%.*s] [%.*s] %s\n",
             CW_SLICE_ARG(shipped->order_id), CW_SLICE_ARG(shipped->shipment_cart),
             CW_SLICE_ARG(shipped->shipment_id), CW_SLICE_ARG(shipped->line_id), CW_SLICE_ARG(shipped->sku),
             quantity);
    return ++told->rows != told->stop_at;
}

static void told_done(void *arg, const struct cw_error *err)
{
    struct told *told = arg;
    told->calls++;
    told->failed = err != NULL;
    if (err != NULL)
        told->err = *err;
}

static struct told read_shipped(struct demands_bed *bed, const char *first, const char *second)
{
    struct told told = { 0 };
    const struct cw_slice orders[] = { cw_slice(first), cw_slice(second) };
    cw_txn_read_shipped(bed->txn, cw_slice("shop"), orders, second != NULL ? 2 : 1, take_shipped, told_done,
                        &told);
    assert_int_equal(told.calls, 1);
    return told;
}

static void assert_shipped(struct demands_bed *bed, const char *first, const char *second,
                           const char *expected)
{
    struct told told = read_shipped(bed, first, second);
    assert_ok(!told.failed, told.err);
    assert_string_equal(told.text, expected);
}

static void what_has_left_is_what_the_cart_and_the_back_office_know(void **state)
{
    struct demands_bed *bed = *state;
    struct cw_document *theirs = shipment_of(bed, "S1", "101", NULL, UNSAID);
    add_line(bed, theirs, "7", "A", "2");
    add_line(bed, theirs, NULL, "B", "1.5");
    put(bed, "shop", theirs);
    struct cw_document *ours = shipment_of(bed, "W1", "101", "shop", CONFIRMED);
    add_line(bed, ours, "8", NULL, "3");
    put(bed, "", ours);
    put(bed, "", shipment_of(bed, "W2", "102", "shop", CONFIRMED));
    assert_shipped(bed, "102", "101",
                   "101 by [] W1: [8] [] 3\n101 by [shop] S1: [7] [A] 2\n101 by [shop] S1: [] [B] 1.5\n"
                   "102 by [] W2: [] [] all\n");
    assert_shipped(bed, "101", "101",
                   "101 by [] W1: [8] [] 3\n101 by [shop] S1: [7] [A] 2\n101 by [shop] S1: [] [B] 1.5\n");
    assert_shipped(bed, "999", NULL, "");
}

static void shipments_of_other_carts_or_that_have_not_left_do_not_count(void **state)
{
    struct demands_bed *bed = *state;
    put(bed, "tea", shipment_of(bed, "S1", "101", NULL, UNSAID));
    put(bed, "", shipment_of(bed, "W1", "101", "tea", CONFIRMED));
    put(bed, "", shipment_of(bed, "W2", "101", "shop", UNSAID));
    put(bed, "", shipment_of(bed, "W3", "101", "shop", NOT_CONFIRMED));
    put(bed, "shop", shipment_of(bed, "S2", "101", NULL, NOT_CONFIRMED));
    assert_shipped(bed, "101", NULL, "");
    put(bed, "shop", shipment_of(bed, "S2", "101", NULL, CONFIRMED));
    assert_shipped(bed, "101", NULL, "101 by [shop] S2: [] [] all\n");
}

static void lines_without_a_quantity_are_left_out(void **state)
{
    struct demands_bed *bed = *state;
    struct cw_document *shipment = shipment_of(bed, "S1", "101", NULL, UNSAID);
    add_line(bed, shipment, "7", "A", NULL);
    add_line(bed, shipment, "8", "B", "1");
    put(bed, "shop", shipment);
    assert_shipped(bed, "101", NULL, "101 by [shop] S1: [8] [B] 1\n");
}

static void reading_what_has_left_can_be_stopped(void **state)
{
    struct demands_bed *bed = *state;
    struct told told = { .stop_at = 1 };
    const struct cw_slice order = cw_slice("101");
    put(bed, "shop", shipment_of(bed, "S1", "101", NULL, UNSAID));
    put(bed, "shop", shipment_of(bed, "S2", "101", NULL, UNSAID));
    cw_txn_read_shipped(bed->txn, cw_slice("shop"), &order, 1, take_shipped, told_done, &told);
    assert_int_equal(told.calls, 1);
    assert_false(told.failed);
    assert_int_equal(told.rows, 1);
}

static void a_shipped_quantity_that_is_no_number_names_the_shipment(void **state)
{
    struct demands_bed *bed = *state;
    struct cw_document *shipment = shipment_of(bed, "S1", "101", NULL, UNSAID);
    add_line(bed, shipment, "7", "A", "1");
    put(bed, "shop", shipment);
    commit(bed->txn);
    store_bed_execute(&bed->store, "UPDATE shipment_lines SET quantity = 'one'");
    bed->txn = begin(&bed->store);
    struct told told = read_shipped(bed, "101", NULL);
    assert_true(told.failed);
    assert_int_equal(told.err.code, CW_CORRUPT);
    assert_non_null(strstr(told.err.text, "shipment_lines of S1 has \"one\""));
}

/* --- links --- */

struct found {
    int calls;
    char link[64]; /* "none" = there is none */
    bool failed;
    struct cw_error err;
};

static void take_link(void *arg, struct cw_slice link, const struct cw_error *err)
{
    struct found *found = arg;
    found->calls++;
    found->failed = err != NULL;
    if (err != NULL)
        found->err = *err;
    snprintf(found->link, sizeof found->link, "%.*s",
             CW_SLICE_ARG(link.data != NULL ? link : cw_slice("none")));
}

static void assert_link(struct demands_bed *bed, const char *cart, const char *kind, const char *id,
                        const char *expected)
{
    struct found found = { 0 };
    cw_txn_get_link(bed->txn, cw_slice(cart), cw_slice(kind), cw_slice(id), take_link, &found);
    assert_int_equal(found.calls, 1);
    assert_ok(!found.failed, found.err);
    assert_string_equal(found.link, expected);
}

static bool put_link(struct demands_bed *bed, const char *cart, const char *kind, const char *id,
                     const char *link)
{
    return cw_txn_put_link(bed->txn, cw_slice(cart), cw_slice(kind), cw_slice(id), cw_slice(link));
}

static void a_link_is_kept_replaced_and_forgotten(void **state)
{
    struct demands_bed *bed = *state;
    assert_link(bed, "shop", "item", "SKU-1", "none");
    assert_true(put_link(bed, "shop", "item", "SKU-1", "4711"));
    assert_true(put_link(bed, "tea", "item", "SKU-1", "9"));
    assert_true(put_link(bed, "shop", "customer", "SKU-1", "12"));
    assert_link(bed, "shop", "item", "SKU-1", "4711");
    assert_true(put_link(bed, "shop", "item", "SKU-1", "4712"));
    assert_link(bed, "shop", "item", "SKU-1", "4712");
    assert_true(put_link(bed, "shop", "item", "SKU-1", ""));
    assert_link(bed, "shop", "item", "SKU-1", "none");
    assert_link(bed, "tea", "item", "SKU-1", "9");
    assert_link(bed, "shop", "customer", "SKU-1", "12");
}

static void a_link_of_no_cart_is_refused(void **state)
{
    struct demands_bed *bed = *state;
    assert_false(put_link(bed, "", "item", "SKU-1", "4711"));
    assert_int_equal(cw_txn_error(bed->txn)->code, CW_USAGE);
    assert_string_equal(cw_txn_error(bed->txn)->record, "SKU-1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_has_left_is_what_the_cart_and_the_back_office_know),
        TEST(shipments_of_other_carts_or_that_have_not_left_do_not_count),
        TEST(lines_without_a_quantity_are_left_out),
        TEST(reading_what_has_left_can_be_stopped),
        TEST(a_shipped_quantity_that_is_no_number_names_the_shipment),
        TEST(a_link_is_kept_replaced_and_forgotten),
        TEST(a_link_of_no_cart_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
