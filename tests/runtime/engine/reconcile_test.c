/* reconcile_test.c - the jobs that look twice: what the cart and the store have of a window, and orders that
 * are read again until they are final. */
#include "engine/reconcile.h"

#include <stdio.h>
#include <stdlib.h>

#include "site_bed.h"

static struct site_bed bed;
static struct cw_reconcile *running;
static struct cw_reconcile_report report;
static char found[8192], message[512];
static bool ended, failed;
static struct cw_error failure;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 7);
    running = NULL;
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static void add_script(const char *more)
{
    char script[8192];
    fake_cart_with(more, script);
    site_bed_write(&bed, "carts/fake.lua", script);
}

/* With `more` behind what lists and reads by ids. */
static void begin_by_ids(const char *more)
{
    char script[8192];
    snprintf(script, sizeof script, "%s%s", fake_ids_script, more);
    add_script(script);
}

static void note_find(void *arg, struct cw_slice id, enum cw_reconcile_find find)
{
    (void)arg;
    size_t len = strlen(found);
    snprintf(found + len, sizeof found - len, "%s%.*s %s", len > 0 ? ", " : "", CW_SLICE_ARG(id),
             cw_reconcile_find_name(find));
}

static void reconciled(void *arg, const struct cw_reconcile_report *told, const struct cw_error *err)
{
    (void)arg;
    running = NULL;
    ended = true;
    report = *told;
    snprintf(message, sizeof message, "%.*s", CW_SLICE_ARG(told->run->message));
    bed.counts = told->run->counts;
    failed = err != NULL;
    if (failed)
        failure = *err;
    cw_loop_stop(bed.loop);
}

static bool start_job(const char *job, struct cw_reconcile_config config)
{
    config.job = job;
    found[0] = '\0';
    ended = false;
    if (bed.orders == NULL)
        assert_ok(site_bed_try_cart(&bed, &failure), failure);
    running = cw_reconcile_start(bed.session, bed.orders, &config, note_find, reconciled, NULL, &failure);
    return running != NULL;
}

static bool run_job(const char *job, struct cw_reconcile_config config)
{
    if (!start_job(job, config))
        return false;
    while (!ended)
        cw_loop_run(bed.loop);
    return !failed;
}

static const struct cw_reconcile_config usual = { .from = CW_TIME_NONE, .to = CW_TIME_NONE };
static const struct cw_reconcile_config only_tell = { .from = CW_TIME_NONE,
                                                      .to = CW_TIME_NONE,
                                                      .only_tell = true };

/* So many orders, one each minute, stamped as the time goes. */
static void place_orders(int count)
{
    for (int i = 0; i < count; i++) {
        assert_non_null(fake_shop_add(&bed.shop, FAKE_POSTS, 0));
        site_bed_wait(&bed, CW_MINUTE);
    }
}

/* Orders that the shop listed too late for any window of sync: they are stamped far before they show. */
static void place_late(int count)
{
    for (int i = 0; i < count; i++)
        fake_shop_add(&bed.shop, FAKE_POSTS, 5 * CW_HOUR);
}

static void sync_once(void)
{
    assert_ok(site_bed_sync(&bed), bed.err);
}

static void assert_ledger(void)
{
    char sql[200], total[32], expected[64];
    for (int i = 0; i < bed.shop.count; i++) {
        const struct fake_order *order = &bed.shop.orders[i];
        fake_order_total(order, total);
        snprintf(
            sql, sizeof sql,
            "SELECT total, json_extract(custom, '$.version'), status FROM orders WHERE external_id = '%d'",
            order->id);
        snprintf(expected, sizeof expected, "%s|%d|%s", total, order->version,
                 order->fate == FAKE_HOLDS ? "shipped" : "paid");
        if (!order->is_gone && strcmp(site_bed_ask(&bed, sql), expected) != 0)
            fail_msg("order %d is %s in the store, and %s in the shop", order->id, bed.text, expected);
    }
}

#define CURSOR "SELECT done_until, window_from, window_to, position FROM cursors"

/* --- reconcile --- */

/* A shop with 20 orders that sync saw, and 3 that it could not see. */
static void miss_three(void)
{
    place_orders(10);
    place_late(3);
    place_orders(10);
    site_bed_open(&bed);
    for (int i = 0; i < 3; i++) {
        sync_once();
        site_bed_wait(&bed, 3 * CW_HOUR); /* more than windows overlap */
    }
    assert_rows(&bed, "SELECT count(*) FROM orders", "20");
}

static void what_is_missing_is_found_and_fetched(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (by_ids)
            begin_by_ids("");
        miss_three();
        char cursor[256];
        snprintf(cursor, sizeof cursor, "%s", site_bed_ask(&bed, CURSOR));
        assert_ok(run_job("reconcile", usual), failure);
        assert_string_equal(found, "1011 fetched, 1012 fetched, 1013 fetched");
        assert_string_equal(message, "cart has 23, store had 20, 3 fetched, 0 gone");
        assert_int_equal(report.in_cart, 23);
        assert_int_equal(report.in_store, 20);
        assert_int_equal(report.missing, 3);
        assert_int_equal(report.gone, 0);
        assert_ledger();
        assert_rows(&bed, CURSOR, cursor);
        assert_rows(&bed, "SELECT job, state, records_posted, message FROM runs WHERE id = 4",
                    "reconcile|done|3|cart has 23, store had 20, 3 fetched, 0 gone");

        assert_ok(run_job("reconcile", usual), failure);
        assert_string_equal(found, "");
        assert_string_equal(message, "cart has 23, store had 23, 0 fetched, 0 gone");
        assert_rows(&bed, "SELECT max(version) FROM raw_records", "1");
        site_bed_close(&bed);
    }
}

static void only_asked_it_tells_and_leaves_no_trace(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (by_ids)
            begin_by_ids("");
        miss_three();
        bed.shop.orders[4].is_gone = true;
        assert_ok(run_job("reconcile", only_tell), failure);
        assert_string_equal(found, "1011 missing, 1012 missing, 1013 missing, 1005 gone");
        assert_int_equal(report.missing, 3);
        assert_int_equal(report.gone, 1);
        assert_rows(&bed, "SELECT count(*) FROM orders", "20");
        assert_rows(&bed, "SELECT count(*) FROM runs WHERE job <> 'sync'", "0");
        site_bed_close(&bed);
    }
}

static void what_the_cart_shows_no_more_is_listed(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (by_ids)
            begin_by_ids("");
        place_orders(12);
        site_bed_open(&bed);
        sync_once();
        bed.shop.orders[3].is_gone = bed.shop.orders[8].is_gone = true;
        assert_ok(run_job("reconcile", usual), failure);
        assert_string_equal(found, "1004 gone, 1009 gone");
        assert_string_equal(message, "cart has 10, store had 12, 0 fetched, 2 gone");
        assert_rows(&bed, "SELECT level, external_id, message FROM run_notes ORDER BY external_id",
                    "warning|1004|the store has this record, but the cart shows it no more\n"
                    "warning|1009|the store has this record, but the cart shows it no more");
        assert_rows(&bed, "SELECT warnings FROM runs WHERE job = 'reconcile'", "2");
        assert_rows(&bed, "SELECT count(*) FROM orders", "12");
        site_bed_close(&bed);
    }
}

static void a_window_has_both_its_ends(void **state)
{
    (void)state;
    begin_by_ids("");
    miss_three(); /* at 02:40; orders 1 to 10 came before, one each minute */
    struct cw_reconcile_config config = { .from = BED_START + 5 * CW_MINUTE,
                                          .to = BED_START + 8 * CW_MINUTE };
    assert_ok(run_job("reconcile", config), failure);
    assert_string_equal(found, "");
    assert_int_equal(report.in_cart, 4); /* at 5, 6, 7 and 8 minutes */
    config.to = BED_START + CW_HOUR;
    assert_ok(run_job("reconcile", config), failure);
    assert_int_equal(report.missing, 3);
}

/* Ids that come twice, in any order, and of other times: nothing is fetched twice, nothing is gone. */
static void a_cart_that_lists_badly_does_no_harm(void **state)
{
    (void)state;
    begin_by_ids("");
    miss_three();
    bed.shop.lists_badly = true;
    struct cw_reconcile_config config = { .from = BED_START, .to = BED_START + 12 * CW_MINUTE };
    assert_ok(run_job("reconcile", config), failure);
    assert_string_equal(found, "1011 fetched, 1012 fetched, 1013 fetched");
    assert_int_equal(report.in_cart, 23);
    assert_int_equal(report.gone, 0);
    assert_ledger();
    assert_rows(&bed, "SELECT max(version) FROM raw_records", "1");
}

/* A list that leaves out what the shop has: asked for by id, it comes. */
static void what_is_only_not_listed_is_not_gone(void **state)
{
    (void)state;
    begin_by_ids(
        "local ids = shop.orders.ids\n"
        "shop.orders.ids = function(self, window)\n"
        "  local list = self.list\n"
        "  self.list = function(cart, all)\n"
        "    for _, id in ipairs(all) do if id ~= '1003' and id ~= '1004' then list(cart, { id }) end end\n"
        "  end\n"
        "  ids(self, window)\n"
        "end\n");
    place_orders(6);
    site_bed_open(&bed);
    sync_once();
    bed.shop.orders[3].is_gone = true;
    assert_ok(run_job("reconcile", usual), failure);
    assert_string_equal(found, "1004 gone");
}

static void what_is_listed_but_not_sent_is_told(void **state)
{
    (void)state;
    begin_by_ids("local read = shop.orders.read\n"
                 "shop.orders.read = function(self, ids)\n"
                 "  local some = {}\n"
                 "  for _, id in ipairs(ids) do if id ~= '1012' then some[#some + 1] = id end end\n"
                 "  read(self, some)\n"
                 "end\n");
    miss_three();
    assert_ok(run_job("reconcile", usual), failure);
    assert_string_equal(found, "1011 fetched, 1012 not sent, 1013 fetched");
    assert_rows(&bed, "SELECT external_id, message FROM run_notes",
                "1012|the cart lists this record, but does not send it");
}

static void a_missing_record_that_breaks_is_parked_and_healed_by_the_next_one(void **state)
{
    (void)state;
    begin_by_ids("");
    miss_three();
    bed.shop.orders[11].poison = FAKE_FAILS;
    assert_ok(run_job("reconcile", usual), failure);
    assert_string_equal(found, "1011 fetched, 1012 not sent, 1013 fetched");
    assert_rows(
        &bed, "SELECT s.external_id, i.code FROM staged_records s JOIN staged_issues i ON i.staged_id = s.id",
        "1012|breaks-list");
    assert_ok(run_job("reconcile", usual), failure);
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "1");
    bed.shop.orders[11].poison = FAKE_SOUND;
    assert_ok(run_job("reconcile", usual), failure);
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
    assert_ledger();
}

/* The record was found by its time; days later the shop is mended. */
static void a_nameless_record_is_asked_for_again(void **state)
{
    (void)state;
    place_orders(10);
    bed.shop.orders[4].poison = FAKE_UNREADABLE;
    site_bed_write(&bed, "site.lua",
                   "return { allow = { 'shop.test' }, zone = 'UTC', carts = { shop = { type = 'fake', url = "
                   "'http://shop.test', orders_from = '2024-03-31 02:30' } } }\n");
    site_bed_open(&bed);
    assert_false(site_bed_sync(&bed));
    sync_once();
    assert_rows(&bed, "SELECT external_id FROM staged_records", "changed 2024-03-31T02:34:00Z");
    site_bed_wait(&bed, 3 * CW_DAY);
    sync_once();
    bed.shop.orders[4].poison = FAKE_SOUND;
    assert_ok(run_job("reconcile", usual), failure);
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
    assert_rows(&bed, "SELECT outcome FROM raw_heads WHERE external_id LIKE 'changed%'", "skipped");
    assert_ledger();
}

static void a_failure_is_told_and_leaves_a_failed_run(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (by_ids)
            begin_by_ids("");
        miss_three();
        bed.shop.fail_status = 401;
        assert_false(run_job("reconcile", usual));
        assert_has(failure.text, "HTTP 401");
        assert_rows(&bed, "SELECT state, message LIKE '%HTTP 401%' FROM runs WHERE job = 'reconcile'",
                    "failed|1");
        bed.shop.fail_status = 0;
        site_bed_close(&bed);
    }
}

static void no_more_than_a_thousand_notes_are_written(void **state)
{
    (void)state;
    begin_by_ids("shop.orders.ids = function(self)\n"
                 "  local ids = {}\n"
                 "  for i = 1, 1500 do ids[i] = 'x' .. i end\n"
                 "  self:list(ids)\n"
                 "end\n"
                 "shop.orders.read = function() end\n");
    site_bed_open(&bed);
    assert_ok(run_job("reconcile", usual), failure);
    assert_int_equal(report.missing, 1500);
    assert_rows(&bed, "SELECT count(*) FROM run_notes", "1001");
    assert_rows(&bed, "SELECT message LIKE '500 more notes%' FROM run_notes ORDER BY id DESC LIMIT 1", "1");
}

/* --- refresh --- */

/* A shop that does not stamp changes: sync never sees them. */
static void a_change_without_a_stamp_is_found_by_reading_again(void **state)
{
    (void)state;
    for (int by_ids = 0; by_ids < 2; by_ids++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (by_ids)
            begin_by_ids("");
        place_orders(8);
        site_bed_open(&bed);
        sync_once();
        site_bed_wait(&bed, 3 * CW_DAY);
        sync_once();
        fake_shop_change_silently(&bed.shop, &bed.shop.orders[2], FAKE_POSTS);
        fake_shop_change_silently(&bed.shop, &bed.shop.orders[5], FAKE_POSTS);
        sync_once();
        assert_rows(&bed, "SELECT count(*) FROM raw_records WHERE version > 1", "0");
        assert_ok(run_job("refresh", usual), failure);
        assert_ledger();
        assert_rows(&bed, "SELECT count(*) FROM raw_records WHERE version > 1", "2");
        assert_string_equal(message, "8 were not final, 2 of them changed, 0 gone");
        site_bed_close(&bed);
    }
}

static void what_is_final_or_old_is_not_read_again(void **state)
{
    (void)state;
    begin_by_ids("shop.orders.final = { 'completed', 'shipped' }\n"
                 "shop.tables.status = { paid = 'paid', shipped = 'shipped', test = 'completed' }\n"
                 "shop.orders.skip = nil\n"
                 "shop.orders.refresh = '10d'\n");
    fake_shop_add(&bed.shop, FAKE_POSTS, 0);
    site_bed_wait(&bed, 8 * CW_DAY);
    fake_shop_add(&bed.shop, FAKE_POSTS, 0);
    fake_shop_add(&bed.shop, FAKE_SKIPS, 0); /* completed */
    site_bed_wait(&bed, CW_HOUR);
    site_bed_open(&bed);
    sync_once();
    uint64_t before = bed.shop.requests;
    assert_ok(run_job("refresh", usual), failure);
    assert_int_equal(report.in_store, 2);
    assert_int_equal(bed.counts.read, 2);
    assert_int_equal(bed.shop.requests - before, 1);
    site_bed_wait(&bed, 3 * CW_DAY); /* the first one is older than ten days */
    assert_ok(run_job("refresh", usual), failure);
    assert_int_equal(bed.counts.read, 1);
    site_bed_wait(&bed, 10 * CW_DAY);
    before = bed.shop.requests;
    assert_ok(run_job("refresh", usual), failure);
    assert_int_equal(bed.shop.requests - before, 0);
}

static void what_waits_is_read_again_too(void **state)
{
    (void)state;
    begin_by_ids("");
    fake_shop_add(&bed.shop, FAKE_PARKS, 0);
    fake_shop_add(&bed.shop, FAKE_HOLDS, 0);
    site_bed_wait(&bed, CW_HOUR);
    site_bed_open(&bed);
    sync_once();
    assert_rows(&bed, "SELECT count(*) FROM orders", "0");
    site_bed_wait(&bed, CW_DAY);
    fake_shop_change_silently(&bed.shop, &bed.shop.orders[0], FAKE_POSTS);
    fake_shop_change_silently(&bed.shop, &bed.shop.orders[1], FAKE_POSTS);
    assert_ok(run_job("refresh", usual), failure);
    assert_ledger();
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
}

static void an_order_that_was_deleted_is_told(void **state)
{
    (void)state;
    begin_by_ids("");
    place_orders(5);
    site_bed_open(&bed);
    sync_once();
    bed.shop.orders[1].is_gone = true;
    assert_ok(run_job("refresh", usual), failure);
    assert_string_equal(found, "1002 gone");
    assert_int_equal(report.gone, 1);
}

static void only_orders_are_read_again(void **state)
{
    (void)state;
    add_script("shop.customers = { map = map.customer { email = 'email' }, fetch = function() end }\n");
    site_bed_open(&bed);
    assert_ok(site_bed_try_cart(&bed, &failure), failure);
    bed.orders = cw_lua_cart_stream(bed.orders->cart, "customers");
    assert_false(run_job("refresh", usual));
    assert_string_equal(failure.text, "only orders are read again until they are final, not customers");
}

/* Each refresh gets through two batches; each begins behind the one before. */
static int answers_left;

static void give_up(void *arg)
{
    (void)arg;
    bed.shop.fail_status = answers_left-- > 0 ? 0 : 503;
}

static void one_that_is_interrupted_goes_on_behind_what_it_read(void **state)
{
    (void)state;
    begin_by_ids("shop.orders.overlap = '1s'\n");
    place_orders(230);
    site_bed_open(&bed);
    sync_once();
    for (int i = 0; i < bed.shop.count; i++)
        fake_shop_change_silently(&bed.shop, &bed.shop.orders[i], FAKE_POSTS);
    for (int i = 0; i < 3; i++) {
        answers_left = 2;
        bed.shop.answered = give_up;
        assert_false(run_job("refresh", usual));
        bed.shop.answered = NULL;
        bed.shop.fail_status = 0;
        site_bed_wait(&bed, CW_HOUR);
    }
    assert_rows(&bed, "SELECT count(*) FROM raw_records WHERE version = 2", "230");
    assert_rows(&bed, "SELECT max(version) FROM raw_records", "2");
    assert_ok(run_job("refresh", usual), failure);
    assert_ledger();
}

/* --- called off --- */

static struct cw_later passes;
static int passes_left;

static void count_pass(void *arg)
{
    (void)arg;
    if (passes_left-- > 0)
        cw_loop_later(bed.loop, &passes, count_pass, NULL);
    else
        cw_loop_stop(bed.loop);
}

static void stop_after_answers(void *arg)
{
    if (answers_left-- == 0)
        count_pass(arg);
}

static void it_may_be_called_off_at_any_moment(void **state)
{
    (void)state;
    int cancelled = 0;
    for (int i = 0; i < 40; i++) {
        site_bed_fini(&bed);
        site_bed_init(&bed, 7);
        if (i % 2 == 0)
            begin_by_ids("");
        miss_three();
        answers_left = i / 2 % 4;
        passes_left = i / 4;
        bed.shop.answered = stop_after_answers;
        assert_true(start_job(i % 3 == 0 ? "refresh" : "reconcile", usual));
        cw_loop_run(bed.loop);
        bed.shop.answered = NULL;
        cancelled += running != NULL;
        if (running != NULL)
            cw_reconcile_cancel(running);
        running = NULL;
        cw_later_cancel(bed.loop, &passes);
        assert_ok(run_job("reconcile", usual), failure);
        assert_ledger();
    }
    print_message("%d of 40 were called off\n", cancelled);
    assert_true(cancelled > 15);
}

static void hold(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    *(struct cw_txn **)arg = txn;
}

static void one_that_waits_for_the_store_may_be_called_off(void **state)
{
    (void)state;
    struct cw_txn *other = NULL;
    miss_three();
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, hold, &other);
    assert_non_null(other);
    assert_true(start_job("reconcile", usual));
    cw_reconcile_cancel(running);
    running = NULL;
    cw_txn_rollback(other);
    site_bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_bed, close_bed)
        WITH(what_is_missing_is_found_and_fetched),
        WITH(only_asked_it_tells_and_leaves_no_trace),
        WITH(what_the_cart_shows_no_more_is_listed),
        WITH(a_window_has_both_its_ends),
        WITH(a_cart_that_lists_badly_does_no_harm),
        WITH(what_is_only_not_listed_is_not_gone),
        WITH(what_is_listed_but_not_sent_is_told),
        WITH(a_missing_record_that_breaks_is_parked_and_healed_by_the_next_one),
        WITH(a_nameless_record_is_asked_for_again),
        WITH(a_failure_is_told_and_leaves_a_failed_run),
        WITH(no_more_than_a_thousand_notes_are_written),
        WITH(a_change_without_a_stamp_is_found_by_reading_again),
        WITH(what_is_final_or_old_is_not_read_again),
        WITH(what_waits_is_read_again_too),
        WITH(an_order_that_was_deleted_is_told),
        WITH(only_orders_are_read_again),
        WITH(one_that_is_interrupted_goes_on_behind_what_it_read),
        WITH(it_may_be_called_off_at_any_moment),
        WITH(one_that_waits_for_the_store_may_be_called_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
