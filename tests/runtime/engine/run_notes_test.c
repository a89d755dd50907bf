/* run_notes_test.c - what a run leaves in the sync log besides its counts of records. */
#include "engine/run_notes.h"

#include <stdio.h>
#include <stdlib.h>

#include "site_bed.h"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

static void begin_with(int posts, int parks, int holds, int skips)
{
    const struct {
        int count;
        enum fake_fate fate;
    } orders[] = {
        { posts, FAKE_POSTS }, { parks, FAKE_PARKS }, { holds, FAKE_HOLDS }, { skips, FAKE_SKIPS }
    };
    for (size_t i = 0; i < 4; i++)
        for (int n = 0; n < orders[i].count; n++)
            assert_non_null(fake_shop_add(&bed.shop, orders[i].fate, 0));
    site_bed_wait(&bed, CW_MINUTE);
    site_bed_open(&bed);
}

#define NOTES                                                                                                \
    "SELECT run_id, level, cart, stream, external_id, substr(message, 1, 16) FROM run_notes ORDER BY id"
#define COUNTS                                                                                               \
    "SELECT records_read, records_stored, records_parked, records_held, warnings, errors FROM runs ORDER "   \
    "BY id"

static void each_record_that_waits_is_noted_once(void **state)
{
    (void)state;
    begin_with(3, 1, 1, 1);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, COUNTS, "6|6|2|1|2|0");
    assert_rows(&bed, NOTES,
                "1|warning|shop|orders|1004|status \"mystery\"\n"
                "1|warning|shop|orders|1005|goods 254.53 mak");
    site_bed_wait(&bed, CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, COUNTS, "6|6|2|1|2|0\n6|0|0|0|0|0");
    assert_rows(&bed, "SELECT count(*) FROM run_notes", "2");
}

static void a_new_version_that_waits_as_well_is_noted_again(void **state)
{
    (void)state;
    begin_with(0, 1, 0, 0);
    assert_ok(site_bed_sync(&bed), bed.err);
    fake_shop_change(&bed.shop, &bed.shop.orders[0], FAKE_HOLDS, 0);
    site_bed_wait(&bed, CW_MINUTE);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, COUNTS, "1|1|1|0|1|0\n1|1|1|1|1|0");
    assert_rows(&bed, "SELECT run_id, external_id FROM run_notes ORDER BY id", "1|1001\n2|1001");
}

static void what_began_a_run_and_who_did_it_is_kept(void **state)
{
    (void)state;
    bed.config.worker = "host/12/ab";
    begin_with(1, 0, 0, 0);
    cw_session_set_began_by(bed.session, "webhook");
    assert_ok(site_bed_sync(&bed), bed.err);
    cw_session_set_began_by(bed.session, NULL);
    assert_ok(site_bed_batch(&bed, site_bed_records("{\"orders\":[]}"), false), bed.err);
    assert_rows(&bed, "SELECT job, began_by, worker FROM runs ORDER BY id",
                "sync|webhook|host/12/ab\nimport|command|host/12/ab");
}

static void the_time_in_which_the_shop_was_waited_for_is_counted(void **state)
{
    (void)state;
    begin_with(30, 0, 0, 0);
    bed.shop.next = FAKE_503_LATER;
    cw_time began = cw_now(cw_loop_clock(bed.loop));
    assert_ok(site_bed_sync(&bed), bed.err);
    /* virtual time passes nowhere else */
    assert_int_equal(bed.counts.fetch_us, cw_now(cw_loop_clock(bed.loop)) - began);
    assert_true(bed.counts.fetch_us > 500000);
    assert_rows(&bed, "SELECT fetch_us > 500000, store_us FROM runs", "1|0");
}

static char *many_orders(int count)
{
    char *json = malloc((size_t)count * 32 + 32);
    assert_non_null(json);
    size_t len = (size_t)sprintf(json, "{\"orders\":[");
    for (int i = 1; i <= count; i++)
        len += (size_t)sprintf(json + len, "%s{\"id\":%d}", i > 1 ? "," : "", i);
    sprintf(json + len, "]}");
    return json;
}

static void a_thousand_notes_are_written_and_the_others_counted(void **state)
{
    (void)state;
    char *json = many_orders(1234);
    site_bed_open(&bed);
    assert_ok(site_bed_batch(&bed, site_bed_records(json), false), bed.err);
    free(json);
    assert_rows(&bed, COUNTS, "1234|1234|1234|0|1234|0");
    assert_rows(&bed, "SELECT count(*), max(id) - min(id) FROM run_notes", "1001|1000");
    assert_rows(&bed,
                "SELECT level, cart, stream, external_id, message FROM run_notes ORDER BY id DESC LIMIT 1",
                "warning|shop|orders||234 more notes were left out; see: cartwright list parked --cart shop");
}

static void a_thousand_notes_are_all_written(void **state)
{
    (void)state;
    char *json = many_orders(1000);
    site_bed_open(&bed);
    assert_ok(site_bed_batch(&bed, site_bed_records(json), false), bed.err);
    free(json);
    assert_rows(&bed,
                "SELECT count(*), count(DISTINCT external_id), sum(message LIKE '%left out%') FROM run_notes",
                "1000|1000|0");
}

static void a_record_with_several_issues_says_so_in_one_note(void **state)
{
    (void)state;
    site_bed_open(&bed);
    assert_ok(site_bed_batch(&bed, site_bed_records("{\"orders\":[{\"id\":1}]}"), false), bed.err);
    assert_rows(
        &bed,
        "SELECT (SELECT count(*) FROM run_notes), (SELECT message FROM run_notes) = (SELECT message FROM "
        "staged_issues WHERE position = (SELECT min(position) FROM staged_issues)) || CASE WHEN (SELECT "
        "count(*) FROM staged_issues) > 1 THEN ' "
        "(and ' || ((SELECT count(*) FROM staged_issues) - 1) || ' more)' ELSE '' END",
        "1|1");
}

static void a_run_that_fails_counts_its_error(void **state)
{
    (void)state;
    begin_with(1, 0, 0, 0);
    bed.shop.fail_status = 401;
    assert_false(site_bed_sync(&bed));
    assert_rows(&bed, "SELECT state, warnings, errors FROM runs", "failed|0|1");
    assert_rows(&bed, "SELECT level, external_id, message FROM run_notes",
                "error||orders: HTTP 401: the shop does not accept the credentials");
}

static void a_dry_run_leaves_no_note(void **state)
{
    (void)state;
    bed.config.dry_run = true;
    begin_with(0, 2, 0, 0);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_int_equal(bed.counts.parked, 2);
    assert_int_equal(bed.counts.warnings, 0);
    assert_rows(&bed, "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM run_notes)", "0|0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(each_record_that_waits_is_noted_once),
        TEST(a_new_version_that_waits_as_well_is_noted_again),
        TEST(what_began_a_run_and_who_did_it_is_kept),
        TEST(the_time_in_which_the_shop_was_waited_for_is_counted),
        TEST(a_thousand_notes_are_written_and_the_others_counted),
        TEST(a_thousand_notes_are_all_written),
        TEST(a_record_with_several_issues_says_so_in_one_note),
        TEST(a_run_that_fails_counts_its_error),
        TEST(a_dry_run_leaves_no_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
