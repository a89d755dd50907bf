/* outbox_test.c - single runs of streams out: what is sent, how, and what becomes of it. */
#include <stdio.h>

#include "told_bed.h"

#define ALL "stock = { brake = false }, prices = { brake = false }, shipments = {}, statuses = {}"

static struct told_bed bed;

static int open_bed(void **state)
{
    (void)state;
    told_bed_init(&bed, 1, ALL);
    told_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    told_bed_fini(&bed);
    return 0;
}

static void reopen(const char *out, bool has_probe, bool has_send, bool has_batch)
{
    char script[8192];
    told_bed_close(&bed);
    told_bed_write_site(&bed, out);
    told_cart(has_probe, has_send, has_batch, script);
    site_bed_write(&bed.site, "carts/told.lua", script);
    told_bed_open(&bed);
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

static void committed(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void put_shipment(const char *order, const char *id)
{
    assert_true(told_bed_put_event(&bed, CW_OUT_SHIPMENTS, order, id));
}

static struct told_run *send_ok(enum cw_out out)
{
    struct told_run *run = told_bed_send(&bed, out);
    if (run->failed)
        fail_msg("%s", run->err.text);
    return run;
}

static void assert_counts(const struct told_run *run, const char *expected)
{
    char text[120];
    snprintf(text, sizeof text, "%d = %d sent %d again %d parked %d needless", (int)run->counts.read,
             (int)run->counts.posted, (int)run->counts.unchanged, (int)run->counts.parked,
             (int)run->counts.skipped);
    assert_string_equal(text, expected);
}

/* --- how --- */

static void fewer_than_the_threshold_are_sent_one_by_one_and_more_in_batches(void **state)
{
    (void)state;
    char sku[16];
    put_stock("A", "5");
    put_stock("B", "0");
    assert_counts(send_ok(CW_OUT_STOCK), "2 = 2 sent 0 again 0 parked 0 needless");
    assert_int_equal(bed.shop.writes, 2);
    for (int i = 0; i < 16; i++) {
        snprintf(sku, sizeof sku, "S%d", i);
        put_stock(sku, "1");
    }
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.writes, 2 + 1 + 9); /* 7, which the script allows, and then fewer than 10 */
    assert_int_equal(bed.shop.lines, 18);
    assert_string_equal(told_shop_value(&bed.shop, "S15"), "1");
    assert_rows(&bed.site, "SELECT DISTINCT state FROM messages", "sent");
}

static void a_cart_without_send_gets_batches_of_one_and_one_without_batches_single_messages(void **state)
{
    (void)state;
    reopen(ALL, true, false, true);
    put_stock("A", "1");
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.writes, 1);
    reopen("stock = { brake = false, threshold = 1 }", true, true, false);
    put_stock("A", "2");
    put_stock("B", "2");
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.writes, 3);
    assert_string_equal(told_shop_value(&bed.shop, "A"), "2");
}

static void a_run_with_nothing_to_do_leaves_no_line_in_the_sync_log(void **state)
{
    (void)state;
    struct told_run *run = send_ok(CW_OUT_STOCK);
    assert_int_equal(run->id, 0);
    assert_int_equal(run->next_at, CW_TIME_NONE);
    assert_rows(&bed.site, "SELECT count(*) FROM runs", "0");
    put_stock("A", "1");
    assert_int_equal(send_ok(CW_OUT_STOCK)->id, 1);
    assert_rows(&bed.site, "SELECT job, stream, state, records_read, records_posted, requests FROM runs",
                "send|stock_out|done|1|1|1");
}

static void within_the_check_time_a_run_looks_again_for_what_has_come(void **state)
{
    (void)state;
    reopen("stock = { brake = false, check = 30, sleep = 5 }", true, true, true);
    told_bed_start(&bed, CW_OUT_STOCK);
    site_bed_wait(&bed.site, 12 * CW_SECOND);
    put_stock("A", "1");
    put_stock("A", "2");
    site_bed_wait(&bed.site, 6 * CW_SECOND);
    assert_string_equal(told_shop_value(&bed.shop, "A"), "2");
    assert_int_equal(bed.shop.count, 1);
    assert_int_equal(bed.running, 1);
    told_bed_wait_runs(&bed);
    assert_true(cw_now(cw_loop_clock(bed.site.loop)) - BED_START <= 31 * CW_SECOND);
    assert_counts(&bed.runs[CW_OUT_STOCK], "1 = 1 sent 0 again 0 parked 0 needless");
}

static void a_run_that_is_stopped_while_it_waits_ends_at_once(void **state)
{
    (void)state;
    reopen("stock = { brake = false, check = 59, sleep = 20 }", true, true, true);
    told_bed_start(&bed, CW_OUT_STOCK);
    site_bed_wait(&bed.site, CW_SECOND);
    cw_outbox_stop(bed.runs[CW_OUT_STOCK].run);
    told_bed_wait_runs(&bed);
    assert_true(cw_now(cw_loop_clock(bed.site.loop)) - BED_START < 2 * CW_SECOND);
}

static void a_run_that_is_stopped_settles_the_call_in_hand_and_sends_no_more(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    put_shipment("2", "s2");
    told_bed_start(&bed, CW_OUT_SHIPMENTS);
    while (bed.shop.writes == 0)
        site_bed_wait(&bed.site, CW_MILLISECOND);
    cw_outbox_stop(bed.runs[CW_OUT_SHIPMENTS].run);
    told_bed_wait_runs(&bed);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent\n2 2 queued");
}

/* --- what becomes of it --- */

static void stop_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    const struct cw_control control = { .cart = cw_slice("shop"),
                                        .stream = cw_slice("stock_out"),
                                        .is_stopped = true,
                                        .why = cw_slice("wrong figures"),
                                        .who = cw_slice("ann") };
    assert_null(err);
    assert_true(cw_txn_put_control(txn, &control));
    cw_txn_commit(txn, committed, arg);
}

static void stop_at_the_third(void *arg)
{
    if (bed.shop.writes != 3)
        return;
    bed.shop.touched = NULL;
    cw_txn_begin(bed.site.store, (struct cw_fence){ 0 }, stop_ready, arg);
}

static void a_stream_that_a_person_stops_ends_the_run_that_sends(void **state)
{
    (void)state;
    reopen("stock = { brake = false, threshold = 100 }", true, true, true);
    put_many(0, 30, "5");
    bed.shop.touched = stop_at_the_third;
    bed.shop.always = TOLD_SLOW;
    struct told_run *run = told_bed_send(&bed, CW_OUT_STOCK);
    assert_true(run->failed);
    assert_has(run->err.text, "shop stock_out is stopped: wrong figures");
    assert_in_range(bed.shop.lines, 3, 6);
    assert_rows(&bed.site, "SELECT count(*) FROM messages WHERE state NOT IN ('queued', 'sent')", "0");
}

static void a_lost_answer_is_asked_about_before_anything_is_sent_again(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    bed.shop.next = TOLD_LOST_AFTER;
    struct told_run *run = send_ok(CW_OUT_SHIPMENTS);
    assert_counts(run, "1 = 0 sent 0 again 1 parked 0 needless");
    assert_string_equal(told_bed_messages(&bed), "1 1 unknown");
    assert_int_equal(run->next_at - cw_now(cw_loop_clock(bed.site.loop)), CW_OUTBOX_SETTLES);
    assert_counts(send_ok(CW_OUT_SHIPMENTS), "0 = 0 sent 0 again 0 parked 0 needless");
    assert_int_equal(bed.shop.reads, 0); /* the shop may still be at work */
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    assert_counts(send_ok(CW_OUT_SHIPMENTS), "1 = 1 sent 0 again 0 parked 0 needless");
    assert_int_equal(bed.shop.writes, 1);
    assert_rows(&bed.site, "SELECT state, answer, error FROM messages", "sent|the shop lists it|");
}

static void five_lost_answers_in_a_row_end_the_run(void **state)
{
    (void)state;
    for (int i = 1; i <= 7; i++) {
        char order[2] = { (char)('0' + i), '\0' }, shipment[3] = { 's', order[0], '\0' };
        put_shipment(order, shipment);
    }
    bed.shop.always = TOLD_LOST_AFTER;
    struct told_run *run = told_bed_send(&bed, CW_OUT_SHIPMENTS);
    assert_true(run->failed);
    assert_int_equal(run->err.code, CW_TIMEOUT);
    assert_int_equal(bed.shop.writes, 5);
    bed.shop.always = TOLD_FINE;
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    assert_counts(send_ok(CW_OUT_SHIPMENTS), "7 = 7 sent 0 again 0 parked 0 needless");
    assert_int_equal(bed.shop.writes, 7);
}

static void what_the_probe_calls_missing_is_sent_again_later(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    bed.shop.next = TOLD_500_BEFORE;
    assert_counts(send_ok(CW_OUT_SHIPMENTS), "1 = 0 sent 0 again 1 parked 0 needless");
    assert_string_equal(told_bed_messages(&bed), "1 1 unknown");
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    struct told_run *run = send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 queued");
    assert_int_equal(run->next_at - cw_now(cw_loop_clock(bed.site.loop)), CW_MINUTE);
    site_bed_wait(&bed.site, CW_MINUTE);
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent");
    assert_int_equal(told_shop_arrived(&bed.shop, 1), 1);
}

static void without_a_probe_it_stays_unknown_until_a_person_decides(void **state)
{
    (void)state;
    struct cw_error err;
    const struct cw_clock *clock = cw_loop_clock(bed.site.loop);
    const struct cw_slice who = cw_slice("ann"), why = cw_slice("looked into the shop");
    reopen(ALL, false, true, true);
    put_shipment("1", "s1");
    put_shipment("1", "s2");
    bed.shop.next = TOLD_500_AFTER;
    send_ok(CW_OUT_SHIPMENTS);
    for (int i = 0; i < 5; i++) {
        site_bed_wait(&bed.site, CW_HOUR);
        send_ok(CW_OUT_SHIPMENTS);
    }
    assert_string_equal(told_bed_messages(&bed), "1 1 unknown\n2 1 queued");
    assert_int_equal(bed.shop.writes, 1);
    assert_ok(cw_outbox_settle(bed.site.store, clock, 1, CW_SETTLE_SENT, who, why, &err), err);
    assert_false(cw_outbox_settle(bed.site.store, clock, 1, CW_SETTLE_AGAIN, who, why, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_has(err.text, "message 1 is sent");
    assert_false(cw_outbox_settle(bed.site.store, clock, 9, CW_SETTLE_AGAIN, who, why, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent\n2 1 sent");
    assert_rows(&bed.site, "SELECT who, action, object, value_before, value_after, reason FROM audit",
                "ann|settle|shop message 1 shipments_out 1|unknown|sent|looked into the shop");
}

static void an_unknown_level_gives_way_to_a_newer_one_and_an_older_value_is_told_again(void **state)
{
    (void)state;
    reopen(ALL, false, true, true);
    put_stock("A", "1");
    send_ok(CW_OUT_STOCK);
    put_stock("A", "2");
    bed.shop.next = TOLD_500_AFTER;
    send_ok(CW_OUT_STOCK);
    put_stock("A", "3");
    put_stock("A", "1");
    send_ok(CW_OUT_STOCK); /* 2 may arrive yet, and would be what the shop has in the end */
    assert_string_equal(told_bed_messages(&bed), "1 A sent\n2 A unknown\n3 A superseded\n4 A queued");
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    send_ok(CW_OUT_STOCK);
    assert_string_equal(told_bed_messages(&bed), "1 A sent\n2 A superseded\n3 A superseded\n4 A sent");
    assert_string_equal(told_shop_value(&bed.shop, "A"), "1");
}

static void a_level_that_is_given_up_does_not_count_as_what_the_cart_has(void **state)
{
    (void)state;
    reopen(ALL, false, true, true);
    put_stock("A", "1");
    send_ok(CW_OUT_STOCK);
    put_stock("A", "2");
    bed.shop.next = TOLD_500_AFTER;
    send_ok(CW_OUT_STOCK);
    put_stock("A", "3");
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    bed.shop.next = TOLD_503;
    assert_true(told_bed_send(&bed, CW_OUT_STOCK)->failed);
    assert_string_equal(told_bed_messages(&bed), "1 A sent\n2 A superseded\n3 A queued");
    put_stock("A", "1"); /* what it had before 2, which did arrive */
    send_ok(CW_OUT_STOCK);
    assert_string_equal(told_shop_value(&bed.shop, "A"), "1");
}

static void a_probe_that_says_nothing_is_asked_ever_less_often(void **state)
{
    (void)state;
    char script[8192];
    told_bed_close(&bed);
    told_cart(true, true, true, script);
    char *end = strstr(script, "return shop");
    snprintf(
        end, sizeof script - (size_t)(end - script),
        "shop.shipments_out.probe = function(self) self:get('levels', { lanes = '' }) end\nreturn shop\n");
    site_bed_write(&bed.site, "carts/told.lua", script);
    told_bed_open(&bed);
    put_shipment("1", "s1");
    bed.shop.next = TOLD_500_AFTER;
    send_ok(CW_OUT_SHIPMENTS);
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    cw_time expected[] = { 4, 8, 16, 32, 60, 60 };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        uint64_t before = bed.shop.reads;
        struct told_run *run = send_ok(CW_OUT_SHIPMENTS);
        assert_int_equal(bed.shop.reads, before + 1);
        cw_time wait = run->next_at - cw_now(cw_loop_clock(bed.site.loop));
        assert_int_equal((wait + CW_SECOND) / CW_MINUTE, expected[i]);
        send_ok(CW_OUT_SHIPMENTS);
        assert_int_equal(bed.shop.reads, before + 1); /* not at every run */
        site_bed_wait(&bed.site, wait);
    }
    assert_string_equal(told_bed_messages(&bed), "1 1 unknown");
}

static void a_refused_batch_is_halved_until_the_one_at_fault_stands_alone(void **state)
{
    (void)state;
    char sku[16];
    reopen("stock = { brake = false, attempts = 2, threshold = 2 }", true, true, true);
    bed.shop.is_strict = true;
    for (int i = 0; i < 7; i++) {
        snprintf(sku, sizeof sku, i == 4 ? "S%dBAD" : "S%d", i);
        put_stock(sku, "1");
    }
    send_ok(CW_OUT_STOCK);
    assert_rows(&bed.site, "SELECT state, count(*) FROM messages GROUP BY state ORDER BY state",
                "queued|1\nsent|6");
    assert_rows(&bed.site, "SELECT attempts, company FROM messages WHERE state = 'queued'", "1|1");
    site_bed_wait(&bed.site, 2 * CW_MINUTE);
    assert_counts(send_ok(CW_OUT_STOCK), "1 = 0 sent 0 again 1 parked 0 needless");
    assert_rows(&bed.site, "SELECT external_id, state, attempts FROM messages WHERE state <> 'sent'",
                "S4BAD|failed|2");
    assert_has(site_bed_ask(&bed.site, "SELECT error FROM messages WHERE state = 'failed'"), "422");
    assert_has(site_bed_ask(&bed.site, "SELECT message FROM run_notes"), "message 5 about S4BAD is failed");
}

static void of_a_batch_that_succeeds_in_part_each_message_is_settled_by_what_was_said_of_it(void **state)
{
    (void)state;
    char sku[16];
    reopen("stock = { brake = false, threshold = 2 }", true, true, true);
    for (int i = 0; i < 6; i++) {
        snprintf(sku, sizeof sku, "S%d", i);
        put_stock(sku, "1");
    }
    bed.shop.next = TOLD_HALF_SAID;
    assert_counts(send_ok(CW_OUT_STOCK), "6 = 3 sent 3 again 0 parked 0 needless");
    assert_rows(&bed.site, "SELECT external_id, state, error FROM messages WHERE state <> 'sent'",
                "S3|queued|time now\nS4|queued|time now\nS5|queued|time now");
    site_bed_wait(&bed.site, 2 * CW_MINUTE);
    send_ok(CW_OUT_STOCK);
    for (int64_t id = 1; id <= 6; id++)
        assert_int_equal(told_shop_arrived(&bed.shop, id), 1);
}

static void a_cart_that_cannot_be_reached_ends_the_run_and_costs_no_attempt(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    put_shipment("2", "s2");
    bed.shop.next = TOLD_NO_CONNECTION;
    struct told_run *run = told_bed_send(&bed, CW_OUT_SHIPMENTS);
    assert_true(run->failed);
    assert_int_equal(run->err.code, CW_UNAVAILABLE);
    assert_counts(run, "1 = 0 sent 1 again 0 parked 0 needless");
    assert_rows(&bed.site, "SELECT state, attempts FROM messages ORDER BY id", "queued|0\nqueued|0");
    assert_rows(&bed.site, "SELECT state, errors FROM runs", "failed|1");
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent\n2 2 sent");
}

static void a_success_with_an_error_inside_is_a_failure(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    bed.shop.next = TOLD_ERROR_INSIDE;
    send_ok(CW_OUT_SHIPMENTS);
    assert_int_equal(told_shop_arrived(&bed.shop, 1), 0);
    assert_string_equal(told_bed_messages(&bed), "1 1 queued");
    assert_has(site_bed_ask(&bed.site, "SELECT error FROM messages"), "try again");
}

static void a_run_that_was_killed_leaves_its_message_to_the_probe(void **state)
{
    (void)state;
    put_shipment("1", "s1");
    told_bed_start(&bed, CW_OUT_SHIPMENTS);
    while (bed.shop.writes == 0)
        site_bed_wait(&bed.site, CW_MILLISECOND);
    assert_string_equal(told_bed_messages(&bed), "1 1 sending"); /* the intent stands before the call */
    told_bed_close(&bed);
    told_bed_open(&bed);
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 unknown");
    site_bed_wait(&bed.site, CW_OUTBOX_SETTLES);
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 queued"); /* it had not arrived */
    site_bed_wait(&bed.site, CW_MINUTE);
    send_ok(CW_OUT_SHIPMENTS);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent");
    assert_int_equal(told_shop_arrived(&bed.shop, 1), 1);
}

/* --- lanes --- */

static void plan_job(struct cw_txn *txn)
{
    const struct cw_job job = { .cart = cw_slice("shop"),
                                .name = cw_slice("statuses_out"),
                                .schedule = { "", 0 },
                                .due_at = CW_TIME_NONE,
                                .woken_at = CW_TIME_NONE,
                                .served_at = CW_TIME_NONE,
                                .began_at = CW_TIME_NONE,
                                .ended_at = CW_TIME_NONE,
                                .message = { "", 0 } };
    cw_txn_plan_jobs(txn, &job, 1);
}

static void plan_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    plan_job(txn);
    cw_txn_commit(txn, committed, arg);
}

static void what_waits_behind_in_another_stream_is_woken(void **state)
{
    (void)state;
    cw_txn_begin(bed.site.store, (struct cw_fence){ 0 }, plan_ready, NULL);
    cw_store_wait(bed.site.store);
    put_shipment("1", "s1");
    assert_true(told_bed_put_event(&bed, CW_OUT_STATUSES, "1", "shipped"));
    send_ok(CW_OUT_STATUSES);
    assert_string_equal(told_bed_messages(&bed), "1 1 queued\n2 1 queued");
    assert_rows(&bed.site, "SELECT woken_at IS NULL FROM jobs", "1");
    send_ok(CW_OUT_SHIPMENTS);
    assert_rows(&bed.site, "SELECT woken_at IS NULL FROM jobs", "0");
    send_ok(CW_OUT_STATUSES);
    assert_string_equal(bed.shop.arrivals[0].value, "s1");
    assert_string_equal(bed.shop.arrivals[1].value, "shipped");
}

/* --- only what changed --- */

static void only_changed_values_are_sent_and_none_twice(void **state)
{
    (void)state;
    enum { SKUS = 300 };
    reopen("stock = { brake = false, threshold = 1 }", true, true, true);
    put_many(0, SKUS, "5");
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.lines, SKUS);
    put_many(0, 30, "6");
    put_many(0, 30, "7"); /* the newest wins */
    put_many(30, SKUS - 30, "5");
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.lines, SKUS + 30);
    put_many(0, 30, "7");
    put_many(0, 10, "8");
    put_many(0, 10, "7"); /* and back */
    send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.lines, SKUS + 30);
    assert_int_equal(bed.shop.writes, (SKUS + 6) / 7 + (30 + 6) / 7);
    assert_rows(&bed.site, "SELECT DISTINCT state FROM messages WHERE state NOT IN ('sent', 'superseded')",
                "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(fewer_than_the_threshold_are_sent_one_by_one_and_more_in_batches),
        TEST(a_cart_without_send_gets_batches_of_one_and_one_without_batches_single_messages),
        TEST(a_run_with_nothing_to_do_leaves_no_line_in_the_sync_log),
        TEST(within_the_check_time_a_run_looks_again_for_what_has_come),
        TEST(a_run_that_is_stopped_while_it_waits_ends_at_once),
        TEST(a_run_that_is_stopped_settles_the_call_in_hand_and_sends_no_more),
        TEST(a_stream_that_a_person_stops_ends_the_run_that_sends),
        TEST(a_lost_answer_is_asked_about_before_anything_is_sent_again),
        TEST(five_lost_answers_in_a_row_end_the_run),
        TEST(what_the_probe_calls_missing_is_sent_again_later),
        TEST(without_a_probe_it_stays_unknown_until_a_person_decides),
        TEST(an_unknown_level_gives_way_to_a_newer_one_and_an_older_value_is_told_again),
        TEST(a_level_that_is_given_up_does_not_count_as_what_the_cart_has),
        TEST(a_probe_that_says_nothing_is_asked_ever_less_often),
        TEST(a_refused_batch_is_halved_until_the_one_at_fault_stands_alone),
        TEST(of_a_batch_that_succeeds_in_part_each_message_is_settled_by_what_was_said_of_it),
        TEST(a_cart_that_cannot_be_reached_ends_the_run_and_costs_no_attempt),
        TEST(a_success_with_an_error_inside_is_a_failure),
        TEST(a_run_that_was_killed_leaves_its_message_to_the_probe),
        TEST(what_waits_behind_in_another_stream_is_woken),
        TEST(only_changed_values_are_sent_and_none_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
