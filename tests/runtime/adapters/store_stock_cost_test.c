/* What reading stock costs: as much as what is read, however large the store is, and no table is read whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

/* SKUs of the small and the large store, and of one page. One SKU in five is a kit of the two behind it. */
enum { FEW = 200, MANY = 2400, PAGE = 50 };

static const struct cw_slice office = { "", 0 };

static struct cw_document *new_document(struct cw_arena *arena, const struct cw_kind *kind, const char *sku)
{
    struct cw_document *doc = cw_document_create(arena, kind);
    doc->external_id = cw_arena_copy(arena, cw_slice(sku));
    if (cw_kind_field(kind, cw_slice("sku")) >= 0)
        set(doc, "sku")->text = doc->external_id;
    if (cw_kind_field(kind, cw_slice("quantity")) >= 0)
        set_money(doc, "quantity", "5");
    return doc;
}

static void add_row(struct cw_arena *arena, struct cw_document *doc, const char *list, int sku)
{
    struct cw_document *row = add_to(arena, doc, list);
    char *text = cw_arena_bytes(arena, 16);
    snprintf(text, 16, "%06d", sku);
    set_text(row, "sku", text);
    set_money(row, "quantity", "2");
}

static void put_sku(struct cw_txn *txn, struct cw_arena *arena, int i)
{
    static const struct cw_kind *const kinds[] = { &cw_kind_stock_level, &cw_kind_vendor_level,
                                                   &cw_kind_price, &cw_kind_item };
    char sku[16];
    snprintf(sku, sizeof sku, "%06d", i);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct cw_document *doc = new_document(arena, kinds[k], sku);
        if (kinds[k] == &cw_kind_price)
            set_money(doc, "amount", "1.00");
        if (kinds[k] == &cw_kind_item && i % 5 == 0) {
            add_row(arena, doc, "components", i + 1);
            add_row(arena, doc, "components", i + 2);
        }
        assert_true((cw_txn_put_document)(txn, office, doc, 1, 1));
    }
    struct cw_document *order = new_document(arena, &cw_kind_purchase_order, sku);
    add_row(arena, order, "lines", i);
    assert_true((cw_txn_put_document)(txn, office, order, 1, 1));
    struct cw_document *shipment = new_document(arena, &cw_kind_shipment, sku);
    set(shipment, "order_id")->text = shipment->external_id;
    add_row(arena, shipment, "lines", i);
    assert_true((cw_txn_put_document)(txn, cw_slice("shop"), shipment, 1, 1));
    const struct cw_order_demand demand = { cw_slice(sku), office, CW_DEMAND_ALLOCATED, money("1") };
    const struct cw_record_key key = { cw_slice("shop"), office, cw_slice(sku) };
    assert_true((cw_txn_put_demands)(txn, key, &demand, 1));
}

static void put_skus(struct store_bed *bed, int from, int to)
{
    struct cw_txn *txn = begin(bed);
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (int i = from; i < to; i++) {
        put_sku(txn, &arena, i);
        cw_store_wait(bed->store);
        cw_arena_reset(&arena);
    }
    commit(txn);
    cw_arena_fini(&arena);
}

/* --- what is read --- */

static bool count_fact(void *arg, const struct cw_stock_fact *fact)
{
    (void)fact;
    ++*(int *)arg;
    return true;
}

static bool count_price(void *arg, const struct cw_price_row *price)
{
    (void)price;
    ++*(int *)arg;
    return true;
}

static bool count_shipped(void *arg, const struct cw_shipped *shipped)
{
    (void)shipped;
    ++*(int *)arg;
    return true;
}

static void count_skus(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    (void)skus;
    assert_ok(err == NULL, *err);
    *(int *)arg += (int)count;
}

static void no_error(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_ok(err == NULL, *err);
}

/* A page from the middle of FEW; the rows that came. */
static int read_page(struct store_bed *bed)
{
    char names[PAGE][16];
    struct cw_slice skus[PAGE];
    int rows = 0;
    for (int i = 0; i < PAGE; i++) {
        snprintf(names[i], sizeof names[i], "%06d", 100 + i);
        skus[i] = cw_slice(names[i]);
    }
    struct cw_txn *txn = begin(bed);
    const struct cw_order_demand demand = { skus[0], office, CW_DEMAND_PENDING, money("1") };
    const struct cw_record_key key = { cw_slice("shop"), office, skus[0] };
    assert_true(cw_txn_put_demands(txn, key, &demand, 1) && cw_txn_mark_skus(txn, skus, PAGE));
    cw_txn_take_marks(txn, 10, count_skus, &rows);
    cw_txn_read_stock(txn, skus, PAGE, count_fact, no_error, &rows);
    cw_txn_read_prices(txn, skus, PAGE, count_price, no_error, &rows);
    cw_txn_read_shipped(txn, cw_slice("shop"), skus, PAGE, count_shipped, no_error, &rows);
    cw_store_read_skus(bed->store, skus[0], PAGE, count_skus, &rows);
    cw_txn_rollback(txn);
    return rows;
}

/* --- what that costs --- */

static bool take_nothing(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                         struct cw_error *err)
{
    (void)arg, (void)names, (void)values, (void)count, (void)err;
    return true;
}

/* In PostgreSQL rows that were read without an index since the server began. */
static long rows_scanned(struct store_bed *bed)
{
    struct cw_error err;
    bool ok = bed->store->engine->read_rows(bed->store, "SELECT pg_stat_force_next_flush()", NULL, 0,
                                            take_nothing, NULL, &err);
    assert_ok(ok, err);
    return atol(pg_server_ask(bed->schema, "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE "
                                           "schemaname = current_schema() AND relname <> 'stock_marks'"));
}

static void a_page_costs_the_same_in_a_large_store(void **state)
{
    struct store_bed *bed = *state;
    store_bed_needs_sqlite();
    put_skus(bed, 0, FEW);
    assert_int_equal(read_page(bed), 10 + 50 * 5 + 10 * 2 + 50 + 50 + 50);
    store_bed_steps(bed);
    read_page(bed);
    int few = store_bed_steps(bed);
    put_skus(bed, FEW, MANY);
    store_bed_steps(bed);
    read_page(bed);
    int many = store_bed_steps(bed);
    assert_in_range(many, few - few / 10, few + few / 10);
}

static void no_table_is_read_whole_by_plans_of_small_tables(void **state)
{
    struct store_bed *bed = *state;
    if (!pg_server_is_wanted())
        skip();
    put_skus(bed, 0, FEW);
    for (int i = 0; i < 10; i++) /* PostgreSQL keeps a plan after the fifth time */
        read_page(bed);
    put_skus(bed, FEW, MANY);
    read_page(bed);
    long before = rows_scanned(bed);
    for (int i = 0; i < 10; i++)
        read_page(bed);
    assert_in_range(rows_scanned(bed) - before, 0, 100);
}

static void no_table_is_read_whole_by_plans_that_know_the_tables(void **state)
{
    struct store_bed *bed = *state;
    if (!pg_server_is_wanted())
        skip();
    put_skus(bed, 0, MANY);
    pg_server_execute(bed->schema, "ANALYZE");
    read_page(bed);
    long before = rows_scanned(bed);
    for (int i = 0; i < 10; i++)
        read_page(bed);
    assert_in_range(rows_scanned(bed) - before, 0, 100);
}

#define COST_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COST_TEST(a_page_costs_the_same_in_a_large_store),
        COST_TEST(no_table_is_read_whole_by_plans_of_small_tables),
        COST_TEST(no_table_is_read_whole_by_plans_that_know_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
