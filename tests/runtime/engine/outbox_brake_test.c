/* outbox_brake_test.c - what stops a stream before a cart is told too much at once, and what does not. */
#include <stdio.h>

#include "engine/outbox_brake.h"
#include "told_bed.h"

static struct told_bed bed;

static int open_bed(void **state)
{
    (void)state;
    told_bed_init(&bed, 1, "stock = {}");
    told_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    told_bed_fini(&bed);
    return 0;
}

static void reopen(const char *out)
{
    char script[8192];
    told_bed_close(&bed);
    told_bed_write_site(&bed, out);
    told_cart(true, true, true, script);
    site_bed_write(&bed.site, "carts/told.lua", script);
    told_bed_open(&bed);
}

static void send_ok(void)
{
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    if (run->failed)
        fail_msg("%s", run->err.text);
}

static void committed(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void put_stock(const char *sku, const char *quantity)
{
    assert_true(told_bed_put_level(&bed, CW_OUT_STOCK, sku, quantity));
}

static void put_many(int from, int count, const char *quantity)
{
    char sku[16];
    for (int i = from; i < from + count; i++) {
        snprintf(sku, sizeof sku, "S%d", i);
        put_stock(sku, quantity);
    }
}

static void approved_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    char key[64];
    assert_null(err);
    cw_outbox_approved_key(CW_OUT_STOCK, key);
    assert_true(cw_txn_put_state(txn, cw_slice("shop"), cw_slice(key), cw_slice(arg)));
    cw_txn_commit(txn, committed, NULL);
}

static void approve(const char *id)
{
    cw_txn_begin(bed.site.store, (struct cw_fence){ cw_slice("shop"), 0 }, approved_ready, (void *)id);
    cw_store_wait(bed.site.store);
}

static void the_brake_stops_a_stream_that_would_change_too_much_and_a_person_lets_it_go(void **state)
{
    (void)state;
    reopen("stock = { brake = { least = 5, share = '20%', zeros = 3 } }");
    approve("1"); /* of the first run */
    put_many(0, 4, "7");
    send_ok();
    put_many(4, 10, "7"); /* with 3 that were not approved */
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text, "would make it 13 changes within an hour, of 4 quantities that the cart knows");
    assert_has(run->err.text, "cartwright start shop stock_out --reason TEXT");
    assert_int_equal(bed.shop.lines, 4);
    assert_rows(&bed.site, "SELECT cart, stream, state, who FROM controls", "shop|stock_out|stopped|brake");
    run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text, "is stopped");
    assert_int_equal(bed.shop.lines, 4);
}

static void the_first_run_of_all_asks_beforehand(void **state)
{
    (void)state;
    reopen("stock = {}");
    put_many(0, 2, "7");
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text,
               "would set 2 quantities for the first time; beside what the cart has: cartwright "
               "stock compare shop; look at them with");
    assert_int_equal(bed.shop.lines, 0);
}

static void what_was_approved_goes_whatever_has_come_behind_it(void **state)
{
    (void)state;
    reopen("stock = { brake = { least = 5 } }");
    put_many(0, 12, "7");
    approve("2");
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text, "would make it 10 changes within an hour, of 2 quantities");
    assert_int_equal(bed.shop.lines, 2);
    assert_rows(
        &bed.site, "SELECT value FROM state WHERE key = 'cartwright.held stock_out'",
        "12 would make it 10 changes within an hour, of 2 quantities that the cart knows (allowed: 20 "
        "%), 0 set to 0 (allowed: 50)");
}

/* --- while it sends --- */

static void put_zeros_once(void *arg)
{
    (void)arg;
    bed.shop.touched = NULL;
    put_many(0, 40, "0");
}

static void what_comes_while_a_run_sends_is_counted_before_it_is_told(void **state)
{
    (void)state;
    reopen("stock = { brake = { zeros = 3, least = 1000 } }");
    put_many(0, 41, "7");
    approve("41");
    send_ok();
    put_stock("S40", "6");
    bed.shop.touched = put_zeros_once;
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text, "40 set to 0 (allowed: 3)");
    assert_int_equal(bed.shop.lines, 41 + 1);
}

static void put_one_once(void *arg)
{
    (void)arg;
    bed.shop.touched = NULL;
    put_stock("S1", "5");
}

static void what_comes_while_a_run_sends_and_is_little_is_told_by_the_same_run(void **state)
{
    (void)state;
    reopen("stock = { brake = { least = 5 } }");
    put_many(0, 10, "7");
    approve("10");
    send_ok();
    put_stock("S0", "6");
    bed.shop.touched = put_one_once;
    send_ok();
    assert_string_equal(told_shop_value(&bed.shop, "S1"), "5");
    assert_rows(&bed.site, "SELECT DISTINCT state FROM messages", "sent");
}

/* --- figures --- */

static void figures_of_the_brake(void **state)
{
    (void)state;
    const struct cw_out_brake brake = { true, 20, 50, 50 }, off = { false, 20, 50, 50 };
    static const struct {
        struct cw_level_changes changes;
        bool trips, trips_prices;
    } cases[] = {
        { { 1000, 200, 0, 0, 0, 0 }, false, false }, /* just the share */
        { { 1000, 201, 0, 0, 0, 0 }, true, true },   /* more */
        { { 1000, 101, 0, 100, 0, 0 }, true, true }, /* with what was sent within the hour */
        { { 1, 49, 0, 0, 0, 0 }, false, false },     /* fewer than `least` */
        { { 1, 50, 0, 0, 0, 0 }, true, true },
        { { 0, 1, 0, 0, 0, 0 }, true, true },         /* the first run of all */
        { { 1000, 60, 50, 0, 0, 0 }, false, false },  /* just the zeros */
        { { 1000, 60, 51, 0, 0, 0 }, true, false },   /* more */
        { { 1000, 60, 1, 60, 50, 0 }, true, false },  /* with those within the hour */
        { { 1000, 60, 0, 60, 60, 0 }, false, false }, /* none of those to be sent */
        { { 10, 0, 0, 500, 500, 0 }, false, false },  /* nothing is to be sent */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cw_outbox_brake_trips(&brake, true, 0, &cases[i].changes), cases[i].trips);
        assert_int_equal(cw_outbox_brake_trips(&brake, false, 0, &cases[i].changes), cases[i].trips_prices);
        assert_true(cases[i].changes.known > 0 ||
                    !cw_outbox_brake_trips(&brake, true, 1, &cases[i].changes)); /* approved beforehand */
        assert_false(cw_outbox_brake_trips(&off, true, 0, &cases[i].changes));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(the_brake_stops_a_stream_that_would_change_too_much_and_a_person_lets_it_go),
        TEST(the_first_run_of_all_asks_beforehand),
        TEST(what_was_approved_goes_whatever_has_come_behind_it),
        TEST(what_comes_while_a_run_sends_is_counted_before_it_is_told),
        TEST(what_comes_while_a_run_sends_and_is_little_is_told_by_the_same_run),
        TEST(figures_of_the_brake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
