/* sync_test.c - runs of a stream: cursor, windows, and what a failure leaves behind. */
#include "site_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    return 0;
}

static int open_fault_bed(void **state)
{
    open_bed(state);
    fault_vfs_format();
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static void add_orders(int count)
{
    for (int i = 0; i < count; i++)
        assert_non_null(fake_shop_add(&bed.shop, FAKE_POSTS, 0));
}

static void begin_with(int orders)
{
    add_orders(orders);
    site_bed_wait(&bed, CW_MINUTE);
    site_bed_open(&bed);
}

#define RUNS                                                                                                 \
    "SELECT state, records_read, records_posted, records_unchanged, records_parked, records_skipped FROM "   \
    "runs ORDER BY id"
#define CURSOR "SELECT substr(done_until, 1, 19), window_from, window_to, position FROM cursors"

static void the_first_run_stores_everything_and_moves_the_cursor(void **state)
{
    (void)state;
    begin_with(20);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_int_equal(bed.windows, 1);
    /* each page begins with the last record of the one before */
    assert_rows(&bed, RUNS, "done|23|20|3|0|0");
    assert_rows(&bed, "SELECT count(*) FROM orders", "20");
    assert_rows(&bed, CURSOR, "2024-03-31T02:30:50|NULL|NULL|");
}

static void a_second_run_changes_nothing(void **state)
{
    (void)state;
    begin_with(5);
    assert_ok(site_bed_sync(&bed), bed.err);
    site_bed_wait(&bed, CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, RUNS, "done|5|5|0|0|0\ndone|5|0|5|0|0");
    assert_rows(&bed, "SELECT count(*) FROM raw_records", "5");
    assert_rows(&bed, "SELECT count(*) FROM orders WHERE last_run = 1", "5");
}

static void an_order_committed_after_its_own_stamp_is_found_by_the_overlap(void **state)
{
    (void)state;
    add_orders(3);
    fake_shop_add(&bed.shop, FAKE_POSTS, 120 * CW_SECOND);
    site_bed_wait(&bed, CW_MINUTE);
    site_bed_open(&bed);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT count(*) FROM orders", "3");
    site_bed_wait(&bed, 5 * CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT count(*) FROM orders", "4");
}

static void many_orders_of_one_second_at_the_edge_of_a_window_come_once_each(void **state)
{
    (void)state;
    add_orders(200);
    site_bed_wait(&bed, 10 * CW_SECOND);
    add_orders(200); /* stamped in the second that the first window ends in, or after it */
    site_bed_open(&bed);
    assert_ok(site_bed_sync(&bed), bed.err);
    site_bed_wait(&bed, CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT count(*), count(DISTINCT external_id) FROM orders", "400|400");
    assert_rows(&bed, "SELECT max(version) FROM raw_records", "1");
}

static void a_failed_fetch_leaves_no_cursor_but_a_failed_run_and_why(void **state)
{
    (void)state;
    begin_with(5);
    bed.shop.fail_status = 401;
    assert_false(site_bed_sync(&bed));
    assert_int_equal(bed.state, CW_RUN_FAILED);
    assert_has(bed.err.text, "orders: HTTP 401: the shop does not accept the credentials");
    assert_rows(&bed, CURSOR, "");
    assert_rows(&bed,
                "SELECT state, records_read, message = 'orders: HTTP 401: the shop does not accept the "
                "credentials' FROM runs",
                "failed|0|1");
    assert_rows(&bed, "SELECT run_id, level, cart, stream, external_id FROM run_notes",
                "1|error|shop|orders|");
}

static void fail_from_third_answer(void *arg)
{
    struct site_bed *b = arg;
    if (b->shop.requests >= 3)
        b->shop.fail_status = 404;
}

static void an_interrupted_window_is_resumed_where_its_last_stored_page_ended(void **state)
{
    (void)state;
    begin_with(30);
    bed.shop.answered = fail_from_third_answer;
    bed.shop.arg = &bed;
    assert_false(site_bed_sync(&bed));
    assert_rows(&bed, "SELECT count(*) FROM orders", "13");
    assert_rows(&bed, CURSOR,
                "NULL|NULL|2024-03-31T02:30:50.000000Z|{\"last\":\"1013\",\"offset\":12,\"steady\":true}");
    assert_rows(&bed, RUNS, "failed|14|13|1|0|0");

    bed.shop.answered = NULL;
    bed.shop.fail_status = 0;
    site_bed_wait(&bed, CW_HOUR);
    site_bed_close(&bed);
    site_bed_open(&bed); /* another process */
    uint64_t before = bed.shop.requests;
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_int_equal(bed.windows, 2);
    assert_rows(&bed, "SELECT count(*) FROM orders", "30");
    assert_rows(&bed, CURSOR, "2024-03-31T03:30:50|NULL|NULL|");
    /* three pages of the first window were left; the second one, an hour later, lists all 30 once more */
    assert_int_equal(bed.shop.requests - before, 3 + 5);
}

static void a_run_may_be_started_from_the_callback_of_the_one_before(void **state)
{
    (void)state;
    begin_with(3);
    for (int i = 0; i < 3; i++)
        assert_ok(site_bed_sync(&bed), bed.err);
    struct cw_error err;
    site_bed_start_sync(&bed);
    assert_null(cw_sync_start(bed.session, bed.orders, NULL, NULL, &err));
    assert_string_equal(err.text, "shop orders runs already");
    cw_loop_run(bed.loop);
    assert_true(bed.ended);
}

static void a_dry_run_reads_and_maps_but_stores_nothing(void **state)
{
    (void)state;
    bed.config.dry_run = true;
    begin_with(20);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_int_equal(bed.counts.read, 23);
    assert_int_equal(bed.counts.posted, 23);
    assert_rows(&bed,
                "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM raw_records) + (SELECT "
                "count(*) FROM runs) + (SELECT count(*) FROM cursors)",
                "0");
}

/* The script takes the error of a page for nothing, and goes on to the end. */

static void a_page_that_cannot_be_stored_fails_the_run_whatever_the_script_makes_of_it(void **state)
{
    (void)state;
    char script[8192];
    snprintf(script, sizeof script, "%s", fake_cart_script);
    char *end = strstr(script, "return shop\n");
    snprintf(end, sizeof script - (size_t)(end - script),
             "local fetch = shop.orders.fetch\n"
             "shop.orders.fetch = function(self, window)\n"
             "  local emit = self.emit\n"
             "  self.emit = function(...) pcall(emit, ...) end\n"
             "  fetch(self, window)\n"
             "end\n"
             "return shop\n");
    site_bed_write(&bed, "carts/fake.lua", script);
    begin_with(20);
    site_bed_start_sync(&bed);
    fault_vfs_arm((struct fault_plan){ .operations = FAULT_WRITE, .at = 40, .effect = FAULT_DISK_FULL });
    cw_loop_run(bed.loop);
    assert_true(fault_vfs_fired());
    assert_true(bed.failed);
    assert_rows(&bed, "SELECT count(*) FROM cursors WHERE done_until IS NOT NULL", "0");
    assert_has(bed.err.text, "full");
    assert_rows(&bed, "SELECT state FROM runs", "failed");
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT count(*) FROM orders", "20");
}

/* At each disk operation of a run in turn: it fails, says so, and the next one makes up for it. */
static void a_disk_that_fails_at_any_operation_costs_no_order(void **state)
{
    (void)state;
    int failed_runs = 0;
    long n = 1;
    for (bool fired = true; fired; n++) {
        enum fault_effect effect = n % 2 == 0 ? FAULT_DISK_FULL : FAULT_IO_ERROR;
        fault_vfs_format();
        bed.shop.count = 0;
        begin_with(20);
        site_bed_start_sync(&bed);
        fault_vfs_arm((struct fault_plan){ .operations = FAULT_ANY, .at = n, .effect = effect });
        cw_loop_run(bed.loop);
        assert_true(bed.ended);
        fired = fault_vfs_fired();
        failed_runs += bed.failed;
        fault_vfs_arm((struct fault_plan){ .at = 0 });
        site_bed_close(&bed);
        fault_vfs_power_on(FAULT_KEEP, 1);
        site_bed_open(&bed);
        assert_ok(site_bed_sync(&bed), bed.err);
        assert_rows(&bed, "SELECT count(*), count(DISTINCT external_id) FROM orders", "20|20");
        assert_rows(&bed,
                    "SELECT count(*) FROM runs WHERE state = 'done' AND records_read <> records_posted + "
                    "records_unchanged + records_parked + records_skipped",
                    "0");
        site_bed_close(&bed);
    }
    print_message("%ld operations, %d runs failed\n", n - 1, failed_runs);
    assert_true(failed_runs > 20);
}

struct countdown {
    struct cw_later later;
    int passes;
};

static void count_down(void *arg)
{
    struct countdown *countdown = arg;
    if (countdown->passes-- > 0)
        cw_loop_later(bed.loop, &countdown->later, count_down, countdown);
    else
        cw_loop_stop(bed.loop);
}

static int wanted_answer, wanted_passes;
static struct countdown countdown;

static void count_from_answer(void *arg)
{
    (void)arg;
    if (--wanted_answer != 0)
        return;
    countdown = (struct countdown){ .passes = wanted_passes };
    count_down(&countdown);
}

/* Cancelled after each answer, at each turn of the loop; then the process ends, or goes on. */
static void a_run_cancelled_at_any_moment_leaves_a_store_to_go_on_from(void **state)
{
    (void)state;
    int cancelled = 0;
    for (int answer = 1; answer <= 3; answer++) {
        for (int passes = 0; passes < 12; passes++) {
            fault_vfs_format();
            bed.shop.count = 0;
            begin_with(15);
            wanted_answer = answer;
            wanted_passes = passes;
            bed.shop.answered = count_from_answer;
            site_bed_start_sync(&bed);
            cw_loop_run(bed.loop);
            bed.shop.answered = NULL;
            if (bed.sync != NULL) {
                cancelled++;
                cw_sync_cancel(bed.sync);
                bed.sync = NULL;
            }
            cw_later_cancel(bed.loop, &countdown.later);
            if (passes % 2 == 0) {
                site_bed_close(&bed);
                site_bed_open(&bed);
            }
            assert_ok(site_bed_sync(&bed), bed.err);
            assert_rows(&bed, "SELECT count(*), count(DISTINCT external_id) FROM orders", "15|15");
            site_bed_close(&bed);
        }
    }
    assert_true(cancelled > 25);
}

static void hold(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    *(struct cw_txn **)arg = txn;
}

static void a_run_that_waits_for_the_store_may_be_cancelled_and_its_session_closed(void **state)
{
    (void)state;
    struct cw_txn *other = NULL;
    begin_with(3);
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, &other);
    assert_non_null(other);
    site_bed_start_sync(&bed); /* its run cannot be started before the other transaction has ended */
    site_bed_close(&bed);
}

static void step_our_clock(cw_time by)
{
    cw_loop_step_clock(bed.loop, cw_now(cw_loop_clock(bed.loop)) + by);
    bed.shop.skew -= by;
}

static void a_clock_that_was_ahead_for_a_while_costs_no_order(void **state)
{
    (void)state;
    begin_with(5);
    assert_ok(site_bed_sync(&bed), bed.err);
    step_our_clock(CW_DAY);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT substr(done_until, 1, 10) FROM cursors", "2024-04-01");
    step_our_clock(-CW_DAY);
    add_orders(3);
    site_bed_wait(&bed, 4 * CW_HOUR); /* longer than windows overlap */
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, "SELECT count(*) FROM orders", "8");
    assert_rows(&bed, "SELECT substr(done_until, 1, 10) FROM cursors", "2024-03-31");
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_int_equal(bed.counts.posted, 0);
}

int main(void)
{
    fault_vfs_register();
    const struct CMUnitTest tests[] = {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, close_bed)
        WITH(open_bed, the_first_run_stores_everything_and_moves_the_cursor),
        WITH(open_bed, a_second_run_changes_nothing),
        WITH(open_bed, an_order_committed_after_its_own_stamp_is_found_by_the_overlap),
        WITH(open_bed, many_orders_of_one_second_at_the_edge_of_a_window_come_once_each),
        WITH(open_bed, a_failed_fetch_leaves_no_cursor_but_a_failed_run_and_why),
        WITH(open_bed, a_clock_that_was_ahead_for_a_while_costs_no_order),
        WITH(open_bed, an_interrupted_window_is_resumed_where_its_last_stored_page_ended),
        WITH(open_bed, a_run_may_be_started_from_the_callback_of_the_one_before),
        WITH(open_bed, a_dry_run_reads_and_maps_but_stores_nothing),
        WITH(open_fault_bed, a_page_that_cannot_be_stored_fails_the_run_whatever_the_script_makes_of_it),
        WITH(open_fault_bed, a_disk_that_fails_at_any_operation_costs_no_order),
        WITH(open_fault_bed, a_run_cancelled_at_any_moment_leaves_a_store_to_go_on_from),
        WITH(open_fault_bed, a_run_that_waits_for_the_store_may_be_cancelled_and_its_session_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
