/* pipeline_test.c - a page of records on its way into the store, record by record. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    fault_vfs_format();
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    site_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_fini(&bed);
    return 0;
}

/* --- pages --- */

#define ORDER(id, status, total)                                                                             \
    "{\"id\":" id ",\"number\":\"N\",\"status\":\"" status "\",\"currency\":\"EUR\",\"total\":\"" total      \
    "\",\"lines\":[{\"id\":1,\"quantity\":2,\"price\":\"1.50\",\"total\":\"3.00\"}]}"
#define PAGE(orders) "{\"orders\":[" orders "]}"

static void store(const char *json)
{
    assert_ok(site_bed_batch(&bed, site_bed_records(json), false), bed.err);
}

static void assert_counts(uint64_t posted, uint64_t unchanged, uint64_t parked, uint64_t skipped)
{
    assert_int_equal(bed.counts.posted, posted);
    assert_int_equal(bed.counts.unchanged, unchanged);
    assert_int_equal(bed.counts.parked, parked);
    assert_int_equal(bed.counts.skipped, skipped);
    assert_int_equal(bed.counts.read, posted + unchanged + parked + skipped);
}

#define RAW "SELECT external_id, version, outcome, reason FROM raw_records ORDER BY id"
#define STAGED                                                                                               \
    "SELECT s.external_id, s.state, i.code, i.field FROM staged_records s JOIN staged_issues i ON "          \
    "i.staged_id = s.id ORDER BY s.id, i.position"
#define ORDERS "SELECT external_id, status, total FROM orders ORDER BY external_id"

static void each_record_is_posted_parked_held_or_skipped_by_a_named_rule(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "paid", "3.00") "," ORDER("2", "mystery", "3.00") "," ORDER(
        "3", "paid", "3.01") "," ORDER("4", "test", "3.00")));
    assert_counts(1, 0, 2, 1);
    assert_rows(&bed, RAW, "1|1|posted|\n2|1|parked|unknown-status\n3|1|parked|totals\n4|1|skipped|test");
    assert_rows(&bed, STAGED, "2|parked|unknown-status|status\n3|held|totals|total");
    assert_rows(&bed, ORDERS, "1|paid|3.00");
}

static void the_same_bytes_again_change_nothing(void **state)
{
    (void)state;
    const char *page =
        PAGE(ORDER("1", "paid", "3.00") "," ORDER("2", "mystery", "3.00") "," ORDER("3", "test", "3.00"));
    store(page);
    store(page);
    assert_counts(0, 3, 0, 0);
    assert_rows(&bed, RAW, "1|1|posted|\n2|1|parked|unknown-status\n3|1|skipped|test");
    assert_rows(&bed, "SELECT count(*) FROM orders WHERE last_run = 1", "1");
}

static void changed_bytes_are_a_new_version_of_the_same_document(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "paid", "3.00")));
    store(PAGE(ORDER("1", "shipped", "3.00")));
    assert_counts(1, 0, 0, 0);
    assert_rows(&bed, RAW, "1|1|posted|\n1|2|posted|");
    assert_rows(&bed, ORDERS, "1|shipped|3.00");
    assert_rows(&bed, "SELECT first_run, last_run FROM orders", "1|2");
}

static void an_id_twice_in_a_page_is_two_versions_of_one_record(void **state)
{
    (void)state;
    store(
        PAGE(ORDER("1", "paid", "3.00") "," ORDER("1", "shipped", "3.00") "," ORDER("1", "shipped", "3.00")));
    assert_counts(2, 1, 0, 0);
    assert_rows(&bed, RAW, "1|1|posted|\n1|2|posted|");
    assert_rows(&bed, ORDERS, "1|shipped|3.00");
}

static void a_record_without_an_id_is_parked_alone(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "paid", "3.00") ",{\"number\":\"N\"}," ORDER("3", "paid", "3.00")));
    assert_counts(2, 0, 1, 0);
    assert_rows(&bed, "SELECT substr(external_id, 1, 8), outcome, reason FROM raw_records ORDER BY id",
                "1|posted|\ndamaged:|parked|malformed\n3|posted|");
    assert_rows(&bed, "SELECT code, message FROM staged_issues",
                "malformed|there is no id at id; name the right path in the stream's id");
}

static void a_record_whose_id_is_too_long_is_parked_alone(void **state)
{
    char page[2048], id[512], message[256];
    (void)state;
    memset(id, 'x', 501);
    id[501] = '\0';
    snprintf(page, sizeof page, PAGE(ORDER("\"%s\"", "paid", "3.00") "," ORDER("\"%s\"", "paid", "3.00")), id,
             id + 1);
    store(page);
    assert_counts(1, 0, 1, 0);
    assert_rows(&bed, "SELECT substr(external_id, 1, 8), outcome FROM raw_records ORDER BY id",
                "damaged:|parked\nxxxxxxxx|posted");
    snprintf(message, sizeof message,
             "the id at id has 501 bytes, and an id at most 500; name the right path in the stream's id");
    assert_rows(&bed, "SELECT message FROM staged_issues", message);
}

static void a_damaged_record_is_parked_alone_under_its_own_id(void **state)
{
    (void)state;
    store(PAGE(
        ORDER("1", "paid", "3.00") "," ORDER("2", "pa\\ud800id", "3.00") "," ORDER("3", "paid", "3.00")));
    assert_counts(2, 0, 1, 0);
    assert_rows(&bed, RAW, "1|1|posted|\n2|1|parked|malformed\n3|1|posted|");
    store(PAGE(ORDER("2", "paid", "3.00"))); /* mended */
    assert_rows(&bed, "SELECT count(*) FROM staged_records", "0");
    assert_rows(&bed, "SELECT count(*) FROM orders", "3");
}

static void a_record_that_waits_takes_nothing_from_the_document_it_had(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "paid", "3.00")));
    store(PAGE(ORDER("1", "mystery", "3.00")));
    assert_counts(0, 0, 1, 0);
    assert_rows(&bed, ORDERS, "1|paid|3.00");
    assert_rows(&bed, STAGED, "1|parked|unknown-status|status");
    store(PAGE(ORDER("1", "shipped", "3.00")));
    assert_rows(&bed, ORDERS, "1|shipped|3.00");
    assert_rows(&bed, STAGED, "");
}

static void a_record_that_waits_and_is_then_skipped_waits_no_more(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "mystery", "3.00")));
    store(PAGE(ORDER("1", "test", "3.00")));
    assert_counts(0, 0, 0, 1);
    assert_rows(&bed, STAGED, "");
    assert_rows(&bed, RAW, "1|1|parked|unknown-status\n1|2|skipped|test");
}

/* The script with `with` in the place of `part`, in a process of its own. */
static void change_script(const char *part, const char *with)
{
    char script[8192];
    const char *at = strstr(fake_cart_script, part);
    assert_non_null(at);
    snprintf(script, sizeof script, "%.*s%s%s", (int)(at - fake_cart_script), fake_cart_script, with,
             at + strlen(part));
    site_bed_close(&bed);
    site_bed_write(&bed, "carts/fake.lua", script);
    site_bed_open(&bed);
}

static void a_skip_rule_decides_only_about_records_without_a_document(void **state)
{
    (void)state;
    store(PAGE(ORDER("1", "paid", "3.00") "," ORDER("2", "shipped", "3.00")));
    change_script("values = { 'test' }", "values = { 'shipped', 'lost' }");
    store(
        PAGE(ORDER("1", "shipped", "3.00") "," ORDER("2", "lost", "3.00") "," ORDER("3", "shipped", "3.00")));
    assert_counts(1, 0, 1, 1);
    assert_rows(&bed, ORDERS, "1|shipped|3.00\n2|shipped|3.00");
    assert_rows(&bed, STAGED, "2|parked|unknown-status|status");
    assert_rows(&bed, RAW,
                "1|1|posted|\n2|1|posted|\n1|2|posted|\n2|2|parked|unknown-status\n3|1|skipped|test");
}

static void what_waits_is_mapped_again_once_the_script_has_changed(void **state)
{
    (void)state;
    const char *page = PAGE(ORDER("1", "paid", "3.00") "," ORDER("2", "mystery", "3.00"));
    store(page);
    change_script("shipped = 'shipped' }", "shipped = 'shipped', mystery = 'on_hold' }");
    store(page);
    assert_counts(1, 1, 0, 0);
    assert_rows(&bed, RAW, "1|1|posted|\n2|1|posted|"); /* no new version: the bytes are the same */
    assert_rows(&bed, STAGED, "");
    assert_rows(&bed, ORDERS, "1|paid|3.00\n2|on_hold|3.00");
    assert_rows(&bed, "SELECT count(DISTINCT script_version) FROM raw_records", "2");
}

static void what_still_waits_after_that_is_not_tried_again_by_the_same_script(void **state)
{
    (void)state;
    const char *page = PAGE(ORDER("2", "mystery", "3.00"));
    store(page);
    change_script("title = 'fake shop'", "title = 'another shop'");
    store(page);
    assert_counts(0, 0, 1, 0);
    store(page);
    assert_counts(0, 1, 0, 0);
    assert_rows(&bed, STAGED, "2|parked|unknown-status|status");
}

static void asked_to_everything_is_mapped_again(void **state)
{
    (void)state;
    const char *page = PAGE(ORDER("1", "paid", "3.00") "," ORDER("2", "test", "3.00"));
    store(page);
    change_script("paid = 'paid'", "paid = 'completed'");
    assert_ok(site_bed_batch(&bed, site_bed_records(page), true), bed.err);
    assert_counts(1, 0, 0, 1);
    assert_rows(&bed, ORDERS, "1|completed|3.00");
    assert_rows(&bed, RAW, "1|1|posted|\n2|1|skipped|test");
}

static void ids_and_amounts_keep_every_digit(void **state)
{
    (void)state;
    store(PAGE(
        ORDER("9007199254740993", "paid", "3.00") "," ORDER("9223372036854775808", "paid", "3.00") "," ORDER(
            "123456789012345678901234567890", "paid",
            "3.00") "," ORDER("\"007\"", "paid", "3.00") "," ORDER("\"7\"", "paid", "3.0")));
    assert_counts(5, 0, 0, 0);
    assert_rows(&bed, "SELECT external_id FROM orders ORDER BY id",
                "9007199254740993\n9223372036854775808\n123456789012345678901234567890\n007\n7");
}

/* --- large pages --- */

/* `count` orders in the order that `step` (prime to count) gives; record i has the id i + 1. */
static char *large_page(int count, int step)
{
    char *text = malloc((size_t)count * 220 + 64), *end = text;
    assert_non_null(text);
    end += sprintf(end, "{\"orders\":[");
    for (int i = 0; i < count; i++)
        end += sprintf(end,
                       "%s{\"id\":%d,\"status\":\"%s\",\"currency\":\"EUR\",\"total\":\"3.00\",\"lines\":[{"
                       "\"quantity\":1,\"price\":\"3.00\"}]}",
                       i > 0 ? "," : "", 1 + (int)((long)i * step % count),
                       (long)i * step % count % 10 == 9 ? "mystery" : "paid");
    sprintf(end, "]}");
    return text;
}

static void a_page_of_many_slices_is_stored_whole(void **state)
{
    (void)state;
    char *page = large_page(300, 1);
    store(page);
    free(page);
    assert_counts(270, 0, 30, 0);
    assert_int_equal(bed.counts.pages, 1);
    assert_rows(&bed, "SELECT count(*), sum(outcome = 'posted') FROM raw_records", "300|270");
}

static void records_in_any_order_and_twice_end_in_the_same_store(void **state)
{
    (void)state;
    char first[4096];
    const char *sql =
        "SELECT count(*), sum(version), sum(outcome = 'parked'), min(external_id), max(external_id), "
        "(SELECT group_concat(external_id, ' ') FROM (SELECT external_id FROM orders ORDER BY external_id)) "
        "FROM raw_records";
    char *page = large_page(200, 1);
    store(page);
    free(page);
    snprintf(first, sizeof first, "%s", site_bed_ask(&bed, sql));
    site_bed_close(&bed);
    fault_vfs_format();
    site_bed_open(&bed);
    const int steps[] = { 77, 3, 199, 1 };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        page = large_page(200, steps[i]);
        store(page);
        free(page);
    }
    assert_rows(&bed, sql, first);
}

/* A file of several transactions on a disk that is full before the end: what was committed stays, the run
 * says how much, and the next one brings the rest. */
static void what_was_committed_before_a_failure_stays_and_is_counted(void **state)
{
    (void)state;
    char *page = large_page(2000, 1);
    bed.ended = false;
    assert_ok(site_bed_try_cart(&bed, &bed.err), bed.err);
    fault_vfs_arm((struct fault_plan){ .operations = FAULT_WRITE, .at = 250, .effect = FAULT_DISK_FULL });
    assert_false(site_bed_batch(&bed, site_bed_records(page), false));
    assert_true(fault_vfs_fired());
    assert_int_equal(bed.state, CW_RUN_FAILED);
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    assert_true(bed.counts.read >= 500 && bed.counts.read < 2000 && bed.counts.read % 500 == 0);
    assert_rows(&bed,
                "SELECT state, records_read = (SELECT count(*) FROM raw_records), records_posted = (SELECT "
                "count(*) FROM orders) FROM runs",
                "failed|1|1");
    uint64_t stored = bed.counts.read;
    store(page);
    free(page);
    assert_int_equal(bed.counts.unchanged, stored);
    assert_rows(&bed, "SELECT count(*) FROM raw_records", "2000");
}

static void a_dry_run_counts_but_stores_nothing(void **state)
{
    (void)state;
    site_bed_close(&bed);
    bed.config.dry_run = true;
    site_bed_open(&bed);
    char *page = large_page(1200, 1); /* of several transactions */
    store(page);
    free(page);
    assert_counts(1080, 0, 120, 0);
    assert_rows(&bed,
                "SELECT (SELECT count(*) FROM raw_records) + (SELECT count(*) FROM orders) + (SELECT "
                "count(*) FROM runs)",
                "0");
}

/* --- calling a page off --- */

static struct cw_later tick;
static int ticks;

static void count_tick(void *arg)
{
    (void)arg;
    if (ticks-- > 0)
        cw_loop_later(bed.loop, &tick, count_tick, NULL);
    else
        cw_loop_stop(bed.loop);
}

static void page_done(void *arg, const struct cw_run_counts *counts, const struct cw_error *err)
{
    (void)counts;
    assert_null(err);
    *(bool *)arg = true;
}

static void started(void *arg, int64_t id, const struct cw_error *err)
{
    assert_null(err);
    *(int64_t *)arg = id;
}

static bool cancel_after(int turns, struct cw_records *records)
{
    struct cw_error err;
    bool done = false;
    struct cw_run run = { .cart = cw_slice("shop"),
                          .stream = cw_slice("orders"),
                          .job = cw_slice("test"),
                          .started_at = BED_START,
                          .ended_at = CW_TIME_NONE };
    cw_store_start_run(bed.store, (struct cw_fence){ 0 }, &run, started, &run.id);
    struct cw_pipeline pipeline = cw_session_pipeline(bed.session);
    struct cw_page page = { .stream = bed.orders,
                            .records = records,
                            .run = &run,
                            .has_cursor = true,
                            .cursor = { CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, cw_slice("x") },
                            .commit_every = 150 };
    struct cw_page_job *job = cw_pipeline_store(&pipeline, &page, page_done, &done, &err);
    assert_ok(job != NULL, err);
    ticks = turns;
    tick = (struct cw_later){ 0 };
    count_tick(NULL);
    cw_loop_run(bed.loop);
    if (!done)
        cw_pipeline_cancel(job);
    return done;
}

static void a_page_called_off_at_any_turn_leaves_whole_transactions_and_a_free_store(void **state)
{
    (void)state;
    char *page = large_page(400, 1);
    struct cw_records *records = site_bed_records(page);
    assert_ok(site_bed_try_cart(&bed, &bed.err), bed.err);
    int turns = 0, stored = -1;
    for (bool done = false; !done; turns++) {
        done = cancel_after(turns, records);
        stored = atoi(site_bed_ask(&bed, "SELECT count(*) FROM raw_records"));
        assert_true(stored % 150 == 0 || stored == 400);
        assert_rows(&bed, "SELECT count(*) FROM cursors", stored == 400 ? "1" : "0");
        assert_rows(&bed,
                    "SELECT count(*) FROM runs r WHERE records_read <> records_posted + records_parked + "
                    "records_unchanged",
                    "0");
    }
    assert_true(turns > 6);
    assert_int_equal(stored, 400);
    assert_rows(&bed, "SELECT position FROM cursors", "x");
    cw_records_free(records);
    free(page);
}

static void counts_that_do_not_add_up_are_an_error_that_shows_them(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_run_counts counts = { .read = 10, .posted = 4, .unchanged = 3, .parked = 2, .skipped = 1 };
    assert_true(cw_counts_check(&counts, &err));
    counts.posted = 3;
    assert_false(cw_counts_check(&counts, &err));
    assert_int_equal(err.code, CW_CORRUPT);
    assert_string_equal(
        err.text, "the run does not add up: 10 read, but 3 posted + 3 unchanged + 2 parked + 1 skipped");
}

int main(void)
{
    fault_vfs_register();
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(each_record_is_posted_parked_held_or_skipped_by_a_named_rule),
        TEST(the_same_bytes_again_change_nothing),
        TEST(changed_bytes_are_a_new_version_of_the_same_document),
        TEST(an_id_twice_in_a_page_is_two_versions_of_one_record),
        TEST(a_record_without_an_id_is_parked_alone),
        TEST(a_record_whose_id_is_too_long_is_parked_alone),
        TEST(a_damaged_record_is_parked_alone_under_its_own_id),
        TEST(a_record_that_waits_takes_nothing_from_the_document_it_had),
        TEST(a_skip_rule_decides_only_about_records_without_a_document),
        TEST(a_record_that_waits_and_is_then_skipped_waits_no_more),
        TEST(what_waits_is_mapped_again_once_the_script_has_changed),
        TEST(what_still_waits_after_that_is_not_tried_again_by_the_same_script),
        TEST(asked_to_everything_is_mapped_again),
        TEST(ids_and_amounts_keep_every_digit),
        TEST(a_page_of_many_slices_is_stored_whole),
        TEST(records_in_any_order_and_twice_end_in_the_same_store),
        TEST(what_was_committed_before_a_failure_stays_and_is_counted),
        TEST(a_dry_run_counts_but_stores_nothing),
        TEST(a_page_called_off_at_any_turn_leaves_whole_transactions_and_a_free_store),
        TEST(counts_that_do_not_add_up_are_an_error_that_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
