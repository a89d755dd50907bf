/* recount_test.c - what a transaction changes of stock and prices becomes messages before it commits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stock_bed.h"

static struct stock_bed bed;
static char *chosen[] = { STOCK_TEXT("W"), NULL };
static char *more[] = { STOCK_TEXT("cancelled"), STOCK_TEXT("paid"), NULL };
static char list_name[] = "default", dollars[] = "USD";

static int open_bed(void **state)
{
    (void)state;
    stock_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    stock_bed_close(&bed);
    return 0;
}

static const char *payload(const char *cart, const char *sku)
{
    return stock_payload(&bed, cart, "stock_out", sku);
}

#define MESSAGES                  "SELECT cart, lane, external_id, event, is_zero, state, payload FROM messages ORDER BY id"
#define assert_messages(expected) assert_string_equal(ask(&bed.store, MESSAGES), expected)

/* --- levels --- */

static void a_level_becomes_a_message_to_each_cart(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "12.000000"));
    assert_messages("shop|stock_out/A|A||0|queued|{\"sku\":\"A\",\"quantity\":\"12\"}\n"
                    "tea|stock_out/A|A||0|queued|{\"sku\":\"A\",\"quantity\":\"12\"}");
}

static void what_is_as_it_was_is_told_to_nobody(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "12"));
    stock_do(&bed, stock_level(&bed, "A", "W", "12.0"));
    assert_string_equal(ask(&bed.store, "SELECT count(*) FROM messages"), "2");
    stock_do(&bed, stock_level(&bed, "A", "W", "11"));
    assert_string_equal(ask(&bed.store, "SELECT count(*) FROM messages"), "4");
    assert_string_equal(ask(&bed.store, "SELECT count(*) FROM messages WHERE state = 'queued'"), "2");
}

static void a_zero_needs_a_source(void **state)
{
    (void)state;
    stock_do(&bed, stock_order(&bed, "shop", "1", "paid", "A=2"));
    assert_string_equal(ask(&bed.store, "SELECT count(*) FROM messages"), "0");
    stock_do(&bed, stock_level(&bed, "A", "W", "0"));
    assert_string_equal(ask(&bed.store, "SELECT is_zero, payload FROM messages WHERE cart = 'tea'"),
                        "1|{\"sku\":\"A\",\"quantity\":\"0\"}");
}

static void a_level_that_is_lost_takes_back_what_waits(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "5"));
    stock_do(&bed, stock_level(&bed, "A", "W", NULL));
    assert_string_equal(ask(&bed.store, "SELECT count(*), min(state), max(state) FROM messages"),
                        "2|superseded|superseded");
    assert_told(&bed, "shop", "A", "");
}

static void part_of_the_levels_changes_only_what_depends_on_it(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "5");
    stock_level(&bed, "B", "W", "6");
    stock_commit(&bed);
    stock_do(&bed, stock_level(&bed, "B", "W", "0"));
    assert_told(&bed, "shop", "A", "5");
    assert_told(&bed, "shop", "B", "0");
}

static void inactive_items_are_told_as_zero(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "5"));
    stock_do(&bed, stock_item(&bed, "", "A", "A", "", false));
    assert_told(&bed, "shop", "A", "0");
    stock_do(&bed, stock_item(&bed, "", "A", "A", "", true));
    assert_told(&bed, "shop", "A", "5");
}

static void a_quantity_that_is_absurd_is_told_to_nobody(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "1000000001");
    stock_level(&bed, "A", "V", "3");
    stock_level(&bed, "B", "W", "0.1234567");
    stock_level(&bed, "C", "W", "-4");
    stock_commit(&bed);
    assert_told(&bed, "shop", "A", "");
    assert_told(&bed, "shop", "B", "");
    assert_told(&bed, "shop", "C", "0");
}

static void zeros_are_marked_so_that_a_brake_can_count_them(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "5");
    stock_level(&bed, "B", "W", "6");
    stock_commit(&bed);
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "0");
    stock_level(&bed, "B", "W", "0");
    stock_commit(&bed);
    assert_string_equal(ask(&bed.store, "SELECT cart, external_id, is_zero FROM messages WHERE state = "
                                        "'queued' ORDER BY cart, external_id"),
                        "shop|A|1\nshop|B|1\ntea|A|1\ntea|B|1");
}

static void what_cannot_be_counted_is_not_committed(void **state)
{
    struct cw_error err;
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "5"));
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "4");
    assert_false(cw_txn_put_state(bed.txn, cw_slice("shop"), cw_slice(""), cw_slice("1"))); /* it is lost */
    assert_false(stock_try_count(&bed, &err));
    assert_string_not_equal(err.text, "");
    cw_txn_rollback(bed.txn);
    assert_told(&bed, "shop", "A", "5");
}

/* --- orders --- */

static void orders_take_in_the_transaction_that_brings_them(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    stock_do(&bed, stock_order(&bed, "shop", "1", "paid", "A=3"));
    assert_told(&bed, "tea", "A", "7");
    stock_do(&bed, stock_order(&bed, "tea", "1", "on_hold", "A=2"));
    assert_told(&bed, "shop", "A", "5");
    stock_do(&bed, stock_order(&bed, "shop", "1", "cancelled", "A=3"));
    assert_told(&bed, "shop", "A", "8");
}

static void an_order_that_waits_takes_and_one_that_is_gone_does_not(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    bed.carts[0].out.stock.rule.figure = CW_FIGURE_ON_HAND;
    stock_do(&bed, stock_demand(&bed, "tea", "7", stock_order_of(&bed, "7", "paid", "A=4"), true));
    assert_told(&bed, "shop", "A", "6");
    assert_told(&bed, "tea", "A", "6");
    stock_do(&bed, stock_demand(&bed, "tea", "7", stock_order_of(&bed, "7", "paid", "A=4"), false));
    assert_told(&bed, "shop", "A", "10");
    assert_told(&bed, "tea", "A", "6");
    stock_do(&bed, stock_demand(&bed, "tea", "7", NULL, false));
    assert_told(&bed, "tea", "A", "10");
}

static void an_order_that_loses_a_line_gives_back_what_it_took(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    stock_level(&bed, "B", "W", "10");
    stock_order(&bed, "shop", "1", "paid", "A=3 B=4");
    stock_commit(&bed);
    stock_do(&bed, stock_order(&bed, "shop", "1", "paid", "B=1"));
    assert_told(&bed, "shop", "A", "10");
    assert_told(&bed, "shop", "B", "9");
}

/* --- kits --- */

static void a_kit_is_told_when_what_it_is_made_of_changes(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "", "K", "K", "A=2 B=1", true);
    stock_item(&bed, "", "L", "L", "B=3", true);
    stock_level(&bed, "A", "W", "10");
    stock_level(&bed, "B", "W", "9");
    stock_commit(&bed);
    assert_told(&bed, "shop", "K", "5");
    assert_told(&bed, "shop", "L", "3");
    stock_do(&bed, stock_order(&bed, "shop", "1", "paid", "B=7"));
    assert_told(&bed, "shop", "K", "2");
    assert_told(&bed, "shop", "L", "0");
    stock_do(&bed, stock_order(&bed, "shop", "2", "paid", "K=1"));
    assert_told(&bed, "shop", "A", "8");
    assert_told(&bed, "shop", "B", "1");
    assert_told(&bed, "shop", "K", "1");
}

static void a_component_that_leaves_a_kit_is_free_again(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "", "K", "K", "A=1 B=1", true);
    stock_level(&bed, "A", "W", "10");
    stock_level(&bed, "B", "W", "10");
    stock_order(&bed, "shop", "1", "paid", "K=4");
    stock_commit(&bed);
    assert_told(&bed, "shop", "A", "6");
    stock_do(&bed, stock_item(&bed, "", "K", "K", "B=1", true));
    assert_told(&bed, "shop", "A", "10");
    assert_told(&bed, "shop", "B", "6");
}

static void a_kit_of_which_one_part_is_unknown_is_not_told(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "", "K", "K", "A=1 B=1", true);
    stock_level(&bed, "A", "W", "10");
    stock_commit(&bed);
    assert_told(&bed, "shop", "K", "");
    assert_told(&bed, "shop", "A", "10");
}

static void kits_in_a_ring_are_not_told_and_the_others_are(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "", "K", "K", "L=1", true);
    stock_item(&bed, "", "L", "L", "K=1", true);
    stock_level(&bed, "A", "W", "10");
    stock_commit(&bed);
    assert_told(&bed, "shop", "K", "");
    assert_told(&bed, "shop", "L", "");
    assert_told(&bed, "shop", "A", "10");
}

/* --- rules of the cart --- */

static void each_cart_is_told_by_its_own_rule(void **state)
{
    (void)state;
    bed.carts[0].out.stock.rule.warehouses = chosen;
    bed.carts[0].out.stock.rule.buffer = 2 * CW_QUANTITY_ONE;
    bed.carts[1].out.stock.rule.adds_incoming = true;
    bed.carts[1].out.stock.rule.incoming_within = 14 * CW_DAY;
    bed.carts[1].out.stock.rule.vendor = CW_VENDOR_SEPARATE;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    stock_level(&bed, "A", "V", "5");
    stock_vendor(&bed, "A", "ACME", "100");
    stock_incoming(&bed, "PO1", "A", "W", "8", "1", bed.store.time.now + CW_DAY);
    stock_incoming(&bed, "PO2", "A", "W", "50", "0", bed.store.time.now + 30 * CW_DAY);
    stock_commit(&bed);
    assert_told(&bed, "shop", "A", "8");
    assert_string_equal(payload("tea", "A"),
                        "{\"sku\":\"A\",\"quantity\":\"22\",\"vendor_quantity\":\"100\"}");
}

static void figures_go_along_where_a_function_has_the_last_word(void **state)
{
    (void)state;
    bed.carts[0].out.stock.has_function = true;
    strcpy(bed.carts[0].out.stock.function, "ab");
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    stock_order(&bed, "shop", "1", "paid", "A=3");
    stock_commit(&bed);
    assert_string_equal(
        payload("shop", "A"),
        "{\"sku\":\"A\",\"quantity\":\"7\",\"figures\":{\"sku\":\"A\",\"on_hand\":\"10\","
        "\"on_order\":\"0\",\"vendor\":\"0\",\"pending\":\"0\",\"allocated\":\"3\","
        "\"for_kits\":\"0\",\"free\":\"7\",\"buildable\":\"0\",\"quantity\":\"7\"},\"function\":\"ab\"}");
    assert_string_equal(payload("tea", "A"), "{\"sku\":\"A\",\"quantity\":\"7\"}");
}

static void a_cart_that_is_not_told_gets_nothing(void **state)
{
    (void)state;
    bed.carts[1].out.sending[CW_OUT_STOCK].is_on = false;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    assert_told(&bed, "shop", "A", "10");
    assert_told(&bed, "tea", "A", "");
}

/* --- whose item it is --- */

static void a_cart_with_items_is_told_of_those_with_its_ids(void **state)
{
    (void)state;
    stock_do(&bed, stock_item(&bed, "shop", "101", "A", "", true));
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    stock_level(&bed, "B", "W", "4");
    stock_commit(&bed);
    assert_string_equal(payload("shop", "A"), "{\"sku\":\"A\",\"item_id\":\"101\",\"quantity\":\"10\"}");
    assert_told(&bed, "shop", "B", "");
    assert_told(&bed, "tea", "B", "4");
    stock_do(&bed, stock_item(&bed, "shop", "102", "B", "", true));
    assert_string_equal(payload("shop", "B"), "{\"sku\":\"B\",\"item_id\":\"102\",\"quantity\":\"4\"}");
}

static void unlisted_skus_are_told_where_site_lua_says_so(void **state)
{
    (void)state;
    bed.carts[0].out.stock.unlisted = true;
    stock_do(&bed, stock_item(&bed, "shop", "101", "A", "", true));
    stock_do(&bed, stock_level(&bed, "B", "W", "4"));
    assert_string_equal(payload("shop", "B"), "{\"sku\":\"B\",\"quantity\":\"4\"}");
}

static void a_sku_of_two_items_is_told_to_neither(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "shop", "101", "A", "", true);
    stock_item(&bed, "shop", "102", "A", "", true);
    stock_level(&bed, "A", "W", "10");
    stock_commit(&bed);
    assert_told(&bed, "shop", "A", "");
    assert_told(&bed, "tea", "A", "10");
}

/* Orders of the item take of "a", and nothing of "A": told of it, the shop would sell the same pieces again.
 */
static void a_sku_that_the_cart_writes_in_another_case_is_not_told(void **state)
{
    (void)state;
    bed.carts[0].out.stock.unlisted = true;
    stock_do(&bed, stock_item(&bed, "shop", "101", "a", "", true));
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    assert_told(&bed, "shop", "A", "");
    assert_told(&bed, "tea", "A", "10");
    stock_do(&bed, stock_level(&bed, "a", "W", "3"));
    assert_string_equal(payload("shop", "a"), "{\"sku\":\"a\",\"item_id\":\"101\",\"quantity\":\"3\"}");
    stock_do(&bed, stock_item(&bed, "shop", "102", "A", "", true));
    assert_string_equal(payload("shop", "A"), "{\"sku\":\"A\",\"item_id\":\"102\",\"quantity\":\"10\"}");
}

static void of_items_with_the_same_sku_the_one_that_is_sold_is_told(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_item(&bed, "shop", "101", "A", "", false);
    stock_item(&bed, "shop", "102", "A", "", false);
    stock_item(&bed, "shop", "107", "A", "", true);
    stock_level(&bed, "A", "W", "10");
    stock_commit(&bed);
    assert_string_equal(payload("shop", "A"), "{\"sku\":\"A\",\"item_id\":\"107\",\"quantity\":\"10\"}");
    stock_begin(&bed);
    stock_item(&bed, "shop", "102", "A", "", true);
    stock_level(&bed, "A", "W", "9");
    stock_commit(&bed);
    assert_told(&bed, "shop", "A", "10");
}

/* --- prices --- */

#define PRICE(cart, sku) stock_payload(&bed, cart, "prices_out", sku)

static void tell_prices(char *currency)
{
    bed.carts[0].out.sending[CW_OUT_PRICES].is_on = true;
    bed.carts[0].out.prices.list = list_name;
    bed.carts[0].out.prices.currency = currency;
}

static void the_price_of_the_list_that_holds_now_is_told(void **state)
{
    (void)state;
    cw_time now = bed.store.time.now;
    tell_prices(NULL);
    stock_begin(&bed);
    stock_price(&bed, "A", "default", "EUR", "9.9000", CW_TIME_NONE, CW_TIME_NONE);
    stock_price(&bed, "A", "sale", "EUR", "5.00", CW_TIME_NONE, CW_TIME_NONE);
    stock_price(&bed, "B", "default", "EUR", "3", now + CW_DAY, CW_TIME_NONE);
    stock_price(&bed, "C", "default", "EUR", "3", CW_TIME_NONE, now);
    stock_commit(&bed);
    assert_string_equal(PRICE("shop", "A"),
                        "{\"sku\":\"A\",\"list\":\"default\",\"price\":\"9.90\",\"currency\":\"EUR\"}");
    assert_string_equal(PRICE("shop", "B"), "");
    assert_string_equal(PRICE("shop", "C"), "");
    assert_string_equal(PRICE("tea", "A"), "");
}

static void a_price_in_two_currencies_needs_the_one_that_site_lua_names(void **state)
{
    (void)state;
    tell_prices(NULL);
    stock_begin(&bed);
    stock_price(&bed, "A", "default", "EUR", "9.90", CW_TIME_NONE, CW_TIME_NONE);
    stock_price(&bed, "A", "default", "USD", "10.90", CW_TIME_NONE, CW_TIME_NONE);
    stock_commit(&bed);
    assert_string_equal(PRICE("shop", "A"), "");
    tell_prices(dollars);
    stock_recount_all(&bed, NULL);
    assert_string_equal(PRICE("shop", "A"),
                        "{\"sku\":\"A\",\"list\":\"default\",\"price\":\"10.90\",\"currency\":\"USD\"}");
}

static void plan_recount(void)
{
    struct cw_job job = { .cart = cw_slice(""),
                          .name = cw_slice("recount"),
                          .schedule = cw_slice("daily"),
                          .due_at = bed.store.time.now + 10 * CW_DAY };
    struct cw_txn *txn = begin(&bed.store);
    assert_true(cw_txn_plan_jobs(txn, &job, 1));
    commit(txn);
}

static void a_price_that_begins_later_is_told_then(void **state)
{
    (void)state;
    cw_time now = bed.store.time.now;
    tell_prices(NULL);
    plan_recount();
    stock_begin(&bed);
    stock_price(&bed, "A", "default", "EUR", "9", CW_TIME_NONE, CW_TIME_NONE);
    stock_price(&bed, "A", "default", "EUR", "7", now + 2 * CW_DAY, now + 3 * CW_DAY);
    stock_commit(&bed);
    assert_string_equal(ask(&bed.store, "SELECT woken_at FROM jobs"), "2024-04-02T02:30:00.000000Z");
    bed.store.time.now += 2 * CW_DAY;
    stock_recount_all(&bed, NULL);
    assert_string_equal(PRICE("shop", "A"),
                        "{\"sku\":\"A\",\"list\":\"default\",\"price\":\"7.00\",\"currency\":\"EUR\","
                        "\"valid_from\":\"2024-04-02T02:30:00Z\",\"valid_until\":\"2024-04-03T02:30:00Z\"}");
    bed.store.time.now += CW_DAY;
    stock_recount_all(&bed, NULL);
    assert_string_equal(PRICE("shop", "A"),
                        "{\"sku\":\"A\",\"list\":\"default\",\"price\":\"9.00\",\"currency\":\"EUR\"}");
}

/* --- the job --- */

#define STATE "SELECT count(*) FROM state WHERE cart = '' AND key = 'cartwright.recounted'"

/* What a site has that was never told to tell of stock: documents without demand or messages. */
static void put_untold(void)
{
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    for (int i = 0; i < 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        struct cw_document *doc = stock_order_of(&bed, id, i == 2 ? "cancelled" : "paid", "A=1");
        assert_true(cw_txn_put_document(bed.txn, cw_slice("tea"), doc, 0, 0));
    }
    struct cw_staged staged = { .key = { cw_slice("shop"), cw_slice("orders"), cw_slice("9") },
                                .kind = &cw_kind_order,
                                .state = CW_STAGED_HELD,
                                .document = cw_slice("{\"external_id\":\"9\",\"status\":\"paid\",\"lines\":"
                                                     "[{\"sku\":\"A\",\"quantity\":\"4\"}]}"),
                                .at = 0,
                                .run = 0 };
    struct cw_raw raw = raw_of("9", "x");
    raw.key = staged.key;
    raw.outcome = CW_PARKED;
    assert_true(cw_txn_put_raw(bed.txn, &raw));
    assert_true(cw_txn_put_staged(bed.txn, &staged));
    commit(bed.txn);
}

static void a_site_that_begins_to_tell_counts_the_orders_it_has(void **state)
{
    uint64_t messages;
    (void)state;
    put_untold();
    assert_string_equal(ask(&bed.store, STATE), "0");
    assert_int_equal(stock_recount_all(&bed, &messages), 1);
    assert_int_equal(messages, 2); /* a cart and SKU each, though orders were counted before */
    assert_told(&bed, "shop", "A", "4");
    assert_string_equal(ask(&bed.store, STATE), "1");
    assert_string_equal(ask(&bed.store, "SELECT cart, order_id, state, quantity FROM demands ORDER BY cart, "
                                        "order_id"),
                        "shop|9|pending|4\ntea|0|shipping|1\ntea|1|shipping|1");
    stock_recount_all(&bed, &messages);
    assert_int_equal(messages, 0);
}

static void other_closed_statuses_make_the_demands_anew(void **state)
{
    (void)state;
    stock_begin(&bed);
    stock_level(&bed, "A", "W", "10");
    stock_order(&bed, "shop", "1", "paid", "A=1");
    stock_order(&bed, "shop", "2", "on_hold", "A=2");
    stock_commit(&bed);
    stock_recount_all(&bed, NULL);
    assert_told(&bed, "tea", "A", "7");
    bed.config.stock.closed = more;
    stock_recount_all(&bed, NULL);
    assert_told(&bed, "tea", "A", "8");
}

static void a_site_that_tells_nobody_forgets_that_it_counted(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    stock_recount_all(&bed, NULL);
    assert_string_equal(ask(&bed.store, STATE), "1");
    bed.carts[0].out.sending[CW_OUT_STOCK].is_on = bed.carts[1].out.sending[CW_OUT_STOCK].is_on = false;
    assert_false(cw_recount_is_needed(&bed.config));
    assert_int_equal(stock_recount_all(&bed, NULL), 0);
    assert_string_equal(ask(&bed.store, STATE), "0");
}

static void what_other_rules_put_makes_all_be_counted_anew(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    stock_recount_all(&bed, NULL);
    bed.config.stock.closed = more;
    stock_do(&bed, stock_order(&bed, "shop", "1", "paid", "A=4"));
    assert_told(&bed, "tea", "A", "10");
    assert_string_equal(ask(&bed.store, STATE), "0");
    bed.config.stock.closed = NULL;
    stock_begin(&bed);
    assert_true(
        cw_txn_put_document(bed.txn, cw_slice("shop"), stock_order_of(&bed, "1", "paid", "A=4"), 0, 0));
    commit(bed.txn);
    stock_recount_all(&bed, NULL);
    assert_told(&bed, "tea", "A", "6");
}

static void what_is_put_while_nobody_is_told_makes_all_be_counted_anew(void **state)
{
    (void)state;
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    stock_recount_all(&bed, NULL);
    bed.carts[0].out.sending[CW_OUT_STOCK].is_on = bed.carts[1].out.sending[CW_OUT_STOCK].is_on = false;
    stock_do(&bed, stock_level(&bed, "A", "W", "7"));
    assert_string_equal(ask(&bed.store, STATE), "0");
}

static void what_these_rules_put_leaves_the_count_as_it_is(void **state)
{
    (void)state;
    stock_recount_all(&bed, NULL);
    stock_do(&bed, stock_level(&bed, "A", "W", "10"));
    assert_string_equal(ask(&bed.store, STATE), "1");
}

static void a_rule_that_changed_is_another_version(void **state)
{
    char before[CW_HASH_TEXT_MAX], after[CW_HASH_TEXT_MAX];
    (void)state;
    cw_recount_version(&bed.config, before);
    cw_recount_version(&bed.config, after);
    assert_string_equal(before, after);
    bed.carts[1].out.stock.rule.buffer = 1;
    cw_recount_version(&bed.config, after);
    assert_string_not_equal(before, after);
    strcpy(bed.carts[1].out.stock.function, "ab");
    cw_recount_version(&bed.config, before);
    assert_string_not_equal(before, after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_level_becomes_a_message_to_each_cart),
        TEST(what_is_as_it_was_is_told_to_nobody),
        TEST(a_zero_needs_a_source),
        TEST(a_level_that_is_lost_takes_back_what_waits),
        TEST(part_of_the_levels_changes_only_what_depends_on_it),
        TEST(inactive_items_are_told_as_zero),
        TEST(a_quantity_that_is_absurd_is_told_to_nobody),
        TEST(zeros_are_marked_so_that_a_brake_can_count_them),
        TEST(what_cannot_be_counted_is_not_committed),
        TEST(orders_take_in_the_transaction_that_brings_them),
        TEST(an_order_that_waits_takes_and_one_that_is_gone_does_not),
        TEST(an_order_that_loses_a_line_gives_back_what_it_took),
        TEST(a_kit_is_told_when_what_it_is_made_of_changes),
        TEST(a_component_that_leaves_a_kit_is_free_again),
        TEST(a_kit_of_which_one_part_is_unknown_is_not_told),
        TEST(kits_in_a_ring_are_not_told_and_the_others_are),
        TEST(each_cart_is_told_by_its_own_rule),
        TEST(figures_go_along_where_a_function_has_the_last_word),
        TEST(a_cart_that_is_not_told_gets_nothing),
        TEST(a_cart_with_items_is_told_of_those_with_its_ids),
        TEST(unlisted_skus_are_told_where_site_lua_says_so),
        TEST(a_sku_of_two_items_is_told_to_neither),
        TEST(a_sku_that_the_cart_writes_in_another_case_is_not_told),
        TEST(of_items_with_the_same_sku_the_one_that_is_sold_is_told),
        TEST(the_price_of_the_list_that_holds_now_is_told),
        TEST(a_price_in_two_currencies_needs_the_one_that_site_lua_names),
        TEST(a_price_that_begins_later_is_told_then),
        TEST(a_site_that_begins_to_tell_counts_the_orders_it_has),
        TEST(other_closed_statuses_make_the_demands_anew),
        TEST(a_site_that_tells_nobody_forgets_that_it_counted),
        TEST(what_other_rules_put_makes_all_be_counted_anew),
        TEST(what_is_put_while_nobody_is_told_makes_all_be_counted_anew),
        TEST(what_these_rules_put_leaves_the_count_as_it_is),
        TEST(a_rule_that_changed_is_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
