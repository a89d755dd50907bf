/* recount_page_test.c - pages of records and edits on their way into the store change, before they commit,
 * what carts are told of stock. */
#include <stdio.h>

#include "engine/recount.h"
#include "ruled_bed.h"

/* Closes the rules of the cart, and says what it is told. */
#define PLAIN "}, out = { stock = { unlisted = true }"

static struct site_bed bed;

static void settled(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
}

static void put_level(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_arena *arena = arg;
    struct cw_document *doc = cw_document_create(arena, &cw_kind_stock_level);
    struct cw_decimal ten = cw_decimal_from_int(10);
    assert_null(err);
    doc->external_id = cw_slice("W/A");
    *(struct cw_value *)cw_document_get(doc, "sku") =
        (struct cw_value){ .is_set = true, .text = cw_slice("A") };
    *(struct cw_value *)cw_document_get(doc, "warehouse") =
        (struct cw_value){ .is_set = true, .text = cw_slice("W") };
    *(struct cw_value *)cw_document_get(doc, "quantity") =
        (struct cw_value){ .is_set = true, .decimal = ten };
    assert_true(cw_txn_put_document(txn, cw_slice(""), doc, 0, 0));
    cw_txn_commit(txn, settled, NULL);
}

static int open_bed(void **state)
{
    struct cw_arena arena;
    (void)state;
    ruled_bed_init(&bed, PLAIN);
    cw_arena_init(&arena, 0);
    cw_txn_begin(bed.store, (struct cw_fence){ { "", 0 }, 0 }, put_level, &arena);
    cw_store_wait(bed.store);
    cw_arena_fini(&arena);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

#define NEWEST                  "SELECT payload FROM message_levels WHERE external_id = 'A'"
#define assert_quantity(number) assert_rows(&bed, NEWEST, "{\"sku\":\"A\",\"quantity\":\"" number "\"}")

static void an_order_that_is_posted_takes_at_once(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    assert_quantity("8");
    assert_rows(&bed, "SELECT cart, order_id, sku, state, quantity FROM demands", "shop|1|A|shipping|2");
}

static void one_that_waits_takes_what_could_be_mapped(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "mystery", ""));
    assert_rows(&bed, "SELECT state, quantity FROM demands", "pending|2");
    assert_quantity("8");
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "cancelled", ""));
    assert_rows(&bed, "SELECT count(*) FROM demands", "0");
    assert_quantity("10");
}

static void an_order_whose_lines_change_takes_otherwise(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    ruled_bed_store(&bed, "orders",
                    "{'id':1,'number':'N1','status':'paid','currency':'EUR','total':'4.50',"
                    "'lines':[{'id':7,'sku':'A','quantity':3,'price':'1.50','total':'4.50'}]}");
    assert_quantity("7");
}

static void an_edit_of_the_status_gives_back_what_was_taken(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    assert_quantity("8");
    ruled_bed_set(&bed, "1", "status", "cancelled");
    assert_quantity("10");
}

static void the_same_bytes_again_count_nothing(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    assert_rows(&bed, "SELECT count(*) FROM messages", "1");
}

static void a_replay_that_is_only_tried_changes_nothing(void **state)
{
    (void)state;
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    struct cw_stored_filter all = { .since = CW_TIME_NONE, .until = CW_TIME_NONE };
    struct cw_batch_config config = { .job = "replay", .again = true, .dry_run = true };
    assert_true(ruled_bed_replay(&bed, &all, &config));
    assert_rows(&bed, "SELECT count(*) FROM messages", "1");
    assert_quantity("8");
    config.dry_run = false;
    assert_true(ruled_bed_replay(&bed, &all, &config));
    assert_rows(&bed, "SELECT count(*) FROM messages", "1");
}

static void a_site_that_tells_nobody_keeps_no_demand(void **state)
{
    (void)state;
    ruled_bed_rules(&bed, "");
    ruled_bed_store(&bed, "orders", ORDER("1", "N1", "paid", ""));
    assert_rows(&bed, "SELECT count(*) FROM demands", "0");
    assert_rows(&bed, "SELECT count(*) FROM stock_marks", "0");
    assert_rows(&bed, "SELECT count(*) FROM messages", "0");
}

static void many_orders_in_one_page_are_all_counted(void **state)
{
    char page[40000] = "";
    size_t len = 0;
    (void)state;
    for (int i = 1; i <= 70; i++)
        len +=
            (size_t)snprintf(page + len, sizeof page - len,
                             "%s{'id':%d,'number':'N%d','status':'paid','currency':'EUR','total':'0.15',"
                             "'lines':[{'id':7,'sku':'A','quantity':'0.1','price':'1.50','total':'0.15'}]}",
                             i > 1 ? "," : "", i, i);
    ruled_bed_store(&bed, "orders", page);
    assert_rows(&bed, "SELECT count(*) FROM demands", "70");
    assert_quantity("3");
}

/* Also of a full recount: what is told does not depend on the way that led there. */
static void an_item_that_leaves_its_sku_leaves_it_to_the_other_one(void **state)
{
    (void)state;
    ruled_bed_script(
        &bed, "return shop\n",
        "shop.items = { id = 'id', records = 'orders', fetch = function() end, map = map.item {\n"
        "  sku = 'sku', variants = map.each('variants', map.variant { external_id = 'id', sku = "
        "'sku' }) } }\n"
        "return shop\n");
    ruled_bed_store(&bed, "items", "{'id':1,'sku':'A'},{'id':2,'sku':'A'}");
    assert_rows(&bed, "SELECT count(*) FROM messages", "0");
    ruled_bed_store(&bed, "items", "{'id':2,'sku':'B'}");
    assert_rows(&bed, NEWEST, "{\"sku\":\"A\",\"item_id\":\"1\",\"quantity\":\"10\"}");
    ruled_bed_store(
        &bed, "items",
        "{'id':1,'sku':'C'},{'id':2,'sku':'B','variants':[{'id':5,'sku':'A'},{'id':6,'sku':'A'}]}");
    ruled_bed_store(&bed, "items", "{'id':2,'sku':'B','variants':[{'id':6,'sku':'A'}]}");
    assert_rows(&bed, NEWEST, "{\"sku\":\"A\",\"item_id\":\"2\",\"variant_id\":\"6\",\"quantity\":\"10\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_that_is_posted_takes_at_once),
        TEST(one_that_waits_takes_what_could_be_mapped),
        TEST(an_order_whose_lines_change_takes_otherwise),
        TEST(an_edit_of_the_status_gives_back_what_was_taken),
        TEST(the_same_bytes_again_count_nothing),
        TEST(a_replay_that_is_only_tried_changes_nothing),
        TEST(a_site_that_tells_nobody_keeps_no_demand),
        TEST(many_orders_in_one_page_are_all_counted),
        TEST(an_item_that_leaves_its_sku_leaves_it_to_the_other_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
