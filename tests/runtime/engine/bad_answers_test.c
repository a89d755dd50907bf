/* bad_answers_test.c - each kind of bad answer alone, at each request of a run, once or for as long as the
 * client is patient: the run gets through or fails, and never takes it for the end of the list. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"

enum { ORDERS = 20, REQUESTS = 4 };

static struct site_bed bed;
static int request_number, bad_from, bad_count;
static enum fake_fault bad;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 3);
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    for (int i = 0; i < ORDERS; i++)
        fake_shop_add(&bed.shop, FAKE_POSTS, 0);
    site_bed_wait(&bed, CW_MINUTE);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    site_bed_fini(&bed);
    return 0;
}

/* Called before an answer, of which the fault is drawn when the next request comes. */
static void plan_next(void *arg)
{
    (void)arg;
    request_number++;
    bed.shop.next = bad;
    bed.shop.next_count = request_number >= bad_from && request_number < bad_from + bad_count ? 1 : 0;
}

static void run_with(enum fake_fault fault, int from, int count)
{
    bad = fault;
    bad_from = from;
    bad_count = count;
    request_number = -1;
    bed.shop.answered = plan_next;
    bed.shop.impatient = 0;
    bed.shop.quiet_until = CW_TIME_NONE;
    plan_next(NULL);
    site_bed_sync(&bed);
    bed.shop.answered = NULL;
    bed.shop.next_count = 0;
}

static bool is_certain_to_fail(enum fake_fault fault)
{
    return fault == FAKE_HTML || fault == FAKE_EMPTY || fault == FAKE_PREFIX;
}

static void assert_nothing_lost(enum fake_fault fault, int from, int count)
{
    char moved[8];
    snprintf(moved, sizeof moved, "%s",
             site_bed_ask(&bed, "SELECT count(*) FROM cursors WHERE done_until IS NOT NULL"));
    if (strcmp(moved, bed.failed ? "0" : "1") != 0)
        fail_msg("%s, %d times from request %d: the run %s, but %s cursor moved", fake_fault_name(fault),
                 count, from, bed.failed ? "failed" : "passed", moved);
    if (bed.failed && bed.err.text[0] == '\0')
        fail_msg("%s: no reason was given", fake_fault_name(fault));
    if (bed.failed) {
        bed.shop.quiet_until = CW_TIME_NONE;
        assert_ok(site_bed_sync(&bed), bed.err);
    }
    const char *stored =
        site_bed_ask(&bed, "SELECT count(*), count(DISTINCT external_id), max(version) FROM raw_records");
    if (strcmp(stored, "20|20|1") != 0)
        fail_msg("%s, %d times from request %d: the store has %s", fake_fault_name(fault), count, from,
                 stored);
    assert_int_equal(bed.shop.impatient, 0);
}

static void no_bad_answer_is_taken_for_the_end_of_the_list(void **state)
{
    (void)state;
    static const int counts[] = { 1, 4, 40 };
    int failed = 0, passed = 0;
    for (enum fake_fault fault = FAKE_NO_CONNECTION; fault < FAKE_FAULTS; fault++) {
        for (int from = 0; from < REQUESTS; from++) {
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
                fault_vfs_format();
                site_bed_open(&bed);
                run_with(fault, from, counts[i]);
                if (is_certain_to_fail(fault) && !bed.failed)
                    fail_msg("%s at request %d was taken for an answer", fake_fault_name(fault), from);
                failed += bed.failed;
                passed += !bed.failed;
                assert_nothing_lost(fault, from, counts[i]);
                site_bed_close(&bed);
            }
        }
    }
    print_message("%d runs failed, %d got through\n", failed, passed);
}

/* A page that cannot be trusted leaves none of its records. */
static void half_of_a_page_is_no_page(void **state)
{
    (void)state;
    for (int try = 0; try < 20; try++) {
        fault_vfs_format();
        site_bed_open(&bed);
        run_with(FAKE_PREFIX, 1, 1);
        assert_true(bed.failed);
        assert_rows(&bed, "SELECT count(*) FROM raw_records", "7"); /* the first page */
        site_bed_close(&bed);
    }
}

static void a_shop_that_wants_patience_gets_it(void **state)
{
    (void)state;
    static const struct {
        enum fake_fault fault;
        int count;
        bool passes;
    } cases[] = {
        { FAKE_429_SECONDS, 20, true },                               /* what was told is no attempt */
        { FAKE_429_DATE, 20, true },    { FAKE_429_ABSURD, 3, true }, /* an hour each, and not a century */
        { FAKE_429, 3, true },          { FAKE_429, 40, false },      { FAKE_503_LATER, 20, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_vfs_format();
        site_bed_open(&bed);
        cw_time before = cw_now(cw_loop_clock(bed.loop));
        run_with(cases[i].fault, 1, cases[i].count);
        if (bed.failed == cases[i].passes)
            fail_msg("%s, %d times: the run %s", fake_fault_name(cases[i].fault), cases[i].count,
                     bed.failed ? bed.err.text : "passed");
        cw_time took = cw_now(cw_loop_clock(bed.loop)) - before;
        if (cases[i].fault == FAKE_429_ABSURD)
            assert_true(took >= 3 * CW_HOUR && took < 4 * CW_HOUR);
        assert_int_equal(bed.shop.impatient, 0);
        site_bed_close(&bed);
    }
}

int main(void)
{
    fault_vfs_register();
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(no_bad_answer_is_taken_for_the_end_of_the_list),
        TEST(half_of_a_page_is_no_page),
        TEST(a_shop_that_wants_patience_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
