/* outbox_count_test.c - nothing is sent of stock before all of it was counted, and the count that is waited
 * for comes.
 */
#include <stdio.h>

#include "engine/recount.h"
#include "told_bed.h"

static struct told_bed bed;

static int open_bed(void **state)
{
    (void)state;
    told_bed_init(&bed, 1, "stock = { brake = false }, prices = { brake = false }");
    told_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    told_bed_fini(&bed);
    return 0;
}

static void put_stock(const char *sku, const char *quantity)
{
    assert_true(told_bed_put_level(&bed, CW_OUT_STOCK, sku, quantity));
}

static struct told_run *send_ok(enum cw_out out)
{
    struct told_run *run = told_bed_send(&bed, out);
    if (run->failed)
        fail_msg("%s", run->err.text);
    return run;
}

static void committed(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void forget_count(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    assert_null(err);
    cw_txn_put_state(txn, (struct cw_slice){ "", 0 }, cw_slice("cartwright.recounted"),
                     cw_slice("of other rules"));
    cw_txn_commit(txn, committed, arg);
}

static void stock_is_not_sent_before_all_of_it_was_counted_by_the_rules_in_force(void **state)
{
    (void)state;
    put_stock("A", "1");
    assert_true(told_bed_put_level(&bed, CW_OUT_PRICES, "A", "9.90"));
    cw_txn_begin(bed.site.store, (struct cw_fence){ 0 }, forget_count, NULL);
    cw_store_wait(bed.site.store);
    struct told_run *run = send_ok(CW_OUT_STOCK);
    assert_int_equal(bed.shop.writes, 0);
    assert_has(run->message, "until stock has been counted");
    assert_int_equal(run->next_at - BED_START, CW_MINUTE);
}

static void plan_recount(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    const char *rules = arg;
    char version[CW_HASH_TEXT_MAX], schedule[64];
    cw_recount_version(&bed.site.site->config, version);
    snprintf(schedule, sizeof schedule, "daily 03:30 UTC rules %.8s", rules != NULL ? rules : version);
    const struct cw_job job = { .cart = cw_slice(""),
                                .name = cw_slice("recount"),
                                .schedule = cw_slice(schedule),
                                .due_at = BED_START + CW_DAY,
                                .woken_at = CW_TIME_NONE,
                                .served_at = CW_TIME_NONE,
                                .began_at = CW_TIME_NONE,
                                .ended_at = CW_TIME_NONE };
    assert_null(err);
    assert_true(cw_txn_plan_jobs(txn, &job, 1));
    cw_txn_commit(txn, committed, NULL);
}

static void assert_woken_by_waiting(const char *rules, const char *expected)
{
    cw_txn_begin(bed.site.store, (struct cw_fence){ 0 }, plan_recount, (void *)rules);
    cw_store_wait(bed.site.store);
    assert_has(send_ok(CW_OUT_STOCK)->message, "until stock has been counted");
    assert_rows(&bed.site, "SELECT count(woken_at) FROM jobs", expected);
}

static void who_waits_for_the_count_asks_for_it_whoever_knows_its_rules(void **state)
{
    (void)state;
    put_stock("A", "1");
    cw_txn_begin(bed.site.store, (struct cw_fence){ 0 }, forget_count, NULL);
    cw_store_wait(bed.site.store);
    assert_woken_by_waiting("of others", "0");
    assert_woken_by_waiting(NULL, "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stock_is_not_sent_before_all_of_it_was_counted_by_the_rules_in_force),
        TEST(who_waits_for_the_count_asks_for_it_whoever_knows_its_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
