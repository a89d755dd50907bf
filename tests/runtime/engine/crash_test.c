/* crash_test.c - a run that is killed, or whose machine stops, at each step in turn, also while it recovers
 * from the step before; and one whose script runs out of memory at each allocation. Afterwards the store is
 * that of a run that nobody disturbed. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"
#include "testing.h"

enum { ORDERS = 16 };

static struct site_bed bed;
static char undisturbed[sizeof bed.text];

/* All that does not tell when and by which run it came. */
#define CONTENT                                                                                              \
    "SELECT 'raw', external_id, version, outcome, reason, bytes FROM raw_records UNION ALL SELECT "          \
    "'staged', "                                                                                             \
    "external_id, state, kind, document, '' FROM staged_records UNION ALL SELECT 'order', external_id, "     \
    "number, "                                                                                               \
    "status, total, custom FROM orders UNION ALL SELECT 'line', order_id IN (SELECT id FROM orders), "       \
    "position, sku, quantity, total FROM order_lines ORDER BY 1, 2, 3, 4, 5, 6"

static void fill_shop(void)
{
    static const enum fake_fate fates[] = { FAKE_POSTS, FAKE_POSTS, FAKE_PARKS,
                                            FAKE_POSTS, FAKE_HOLDS, FAKE_SKIPS };
    for (int i = 0; i < ORDERS; i++)
        fake_shop_add(&bed.shop, fates[i % 6], 0);
    site_bed_wait(&bed, CW_MINUTE);
}

/* The same shop and an empty store, each time: how a store is made is tested where it belongs. */
static void begin_again(void)
{
    struct fake_order orders[ORDERS];
    memcpy(orders, bed.shop.orders, sizeof orders);
    fault_vfs_restore();
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    memcpy(bed.shop.orders, orders, sizeof orders);
}

/* Without an overlap, so that what one window loses is not found by the next one. */
static void write_script(void)
{
    char script[8192];
    const char *overlap = strstr(fake_cart_script, "'1h'");
    assert_non_null(overlap);
    snprintf(script, sizeof script, "%.*s'0s'%s", (int)(overlap - fake_cart_script), fake_cart_script,
             overlap + strlen("'1h'"));
    site_bed_write(&bed, "carts/fake.lua", script);
}

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 5);
    write_script();
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    fill_shop();
    fault_vfs_format();
    site_bed_open(&bed);
    site_bed_close(&bed);
    fault_vfs_save();
    site_bed_open(&bed);
    assert_ok(site_bed_sync(&bed), bed.err);
    snprintf(undisturbed, sizeof undisturbed, "%s", site_bed_ask(&bed, CONTENT));
    assert_true(strlen(undisturbed) > 1000 && strlen(undisturbed) < sizeof undisturbed - 1);
    site_bed_close(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_fini(&bed);
    return 0;
}

static void stop_machine_at(long operation)
{
    fault_vfs_arm((struct fault_plan){
        .operations = FAULT_ANY, .at = operation, .sticky = true, .effect = FAULT_STOP });
}

static void power_on(enum fault_loss loss, uint64_t seed)
{
    site_bed_close(&bed);
    fault_vfs_power_on(loss, seed);
    fault_vfs_arm((struct fault_plan){ .at = 0 });
}

/* As a process does: opens everything and runs. Whether it came to its end is not asked. */
static void live_once(void)
{
    struct cw_error err;
    if (site_bed_try_open(&bed, &err) && site_bed_try_cart(&bed, &err))
        site_bed_sync(&bed);
}

static void assert_recovers(void)
{
    site_bed_open(&bed);
    assert_ok(site_bed_sync(&bed), bed.err);
    assert_rows(&bed, CONTENT, undisturbed);
    assert_rows(
        &bed,
        "SELECT count(*) FROM runs r WHERE records_posted + records_parked + records_skipped <> (SELECT "
        "count(*) FROM raw_records w WHERE w.run_id = r.id)",
        "0");
    site_bed_close(&bed);
}

static void a_machine_that_stops_at_any_disk_operation_loses_and_doubles_nothing(void **state)
{
    (void)state;
    long n = 1;
    for (bool fired = true; fired; n++) {
        for (int loss = FAULT_KEEP; loss <= FAULT_LOSE; loss++) {
            begin_again();
            stop_machine_at(n);
            live_once();
            fired = fault_vfs_fired();
            power_on((enum fault_loss)loss, (uint64_t)n);
            stop_machine_at(1 + n % 37); /* once more, while it recovers */
            live_once();
            power_on((enum fault_loss)loss, (uint64_t)n + 1);
            assert_recovers();
        }
    }
    print_message("%ld disk operations, each stopped at twice\n", n - 2);
    assert_true(n > 60);
}

/* --- between the turns of the loop --- */

static struct cw_later later;
static int answers_left, turns_left;
static bool killed;

static void take_turn(void *arg)
{
    (void)arg;
    if (turns_left-- > 0) {
        cw_loop_later(bed.loop, &later, take_turn, NULL);
        return;
    }
    killed = true;
    cw_loop_stop(bed.loop);
}

static void answered(void *arg)
{
    (void)arg;
    if (--answers_left == 0)
        take_turn(NULL);
}

/* False when the run ended before. */
static bool kill_at(int answer, int turns)
{
    answers_left = answer;
    turns_left = turns;
    killed = false;
    bed.shop.answered = answered;
    site_bed_open(&bed);
    site_bed_start_sync(&bed);
    while (!bed.ended && !killed)
        cw_loop_run(bed.loop);
    bed.shop.answered = NULL;
    cw_later_cancel(bed.loop, &later);
    later = (struct cw_later){ 0 };
    if (!killed)
        return false;
    stop_machine_at(1);
    power_on(turns % 2 == 0 ? FAULT_KEEP : FAULT_LOSE, (uint64_t)turns);
    return true;
}

static void a_process_killed_at_any_turn_of_the_loop_loses_and_doubles_nothing(void **state)
{
    (void)state;
    int steps = 0;
    for (int answer = 1; answer <= 3; answer++) {
        for (int turns = 0; turns < 20; turns++) {
            begin_again();
            if (kill_at(answer, turns))
                steps++;
            site_bed_close(&bed);
            if (turns % 3 == 0) {
                kill_at(1, turns / 3); /* and again in the next run */
                site_bed_close(&bed);
            }
            assert_recovers();
        }
    }
    print_message("killed at %d turns\n", steps);
    assert_true(steps > 40);
}

/* --- memory --- */

static void a_script_without_memory_at_any_allocation_fails_its_run_and_nothing_else(void **state)
{
    (void)state;
    if (test_collector_always()) /* hours, for what is the same */
        skip();
    unsigned failed = 0, passed = 0, not_opened = 0;
    uint64_t step = 97;
    for (uint64_t n = 1; passed < 20; n += step) {
        struct cw_error err;
        begin_again();
        bed.config.fail_allocation = n;
        if (!site_bed_try_open(&bed, &err) || !site_bed_try_cart(&bed, &err)) {
            assert_true(err.code == CW_NOMEM || err.code == CW_USAGE || err.code == CW_SCRIPT);
            not_opened++;
        } else if (!site_bed_sync(&bed)) {
            assert_int_equal(bed.state, CW_RUN_FAILED);
            failed++;
            passed = 0;
        } else {
            passed++;
        }
        if (step > 1 && failed + passed > 0) { /* while it opens, some; while it runs, all */
            n -= step;
            step = 1;
            failed = passed = 0;
        }
        site_bed_close(&bed);
        bed.config.fail_allocation = 0;
        if (n % 5 == 0)
            assert_recovers();
    }
    print_message("%u starts and %u runs failed\n", not_opened, failed);
    assert_true(not_opened > 20 && failed > 20);
}

int main(void)
{
    fault_vfs_register();
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_machine_that_stops_at_any_disk_operation_loses_and_doubles_nothing),
        TEST(a_process_killed_at_any_turn_of_the_loop_loses_and_doubles_nothing),
        TEST(a_script_without_memory_at_any_allocation_fails_its_run_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
