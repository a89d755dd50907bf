/* outbox_lease_test.c - a process whose lease ran out while it stood still tells the cart nothing more. */
#include "told_bed.h"

static struct told_bed bed;

static int open_bed(void **state)
{
    (void)state;
    told_bed_init(&bed, 1, "shipments = {}");
    told_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    told_bed_fini(&bed);
    return 0;
}

static void take_lease(cw_time time)
{
    cw_session_set_lease(bed.site.session, cw_elapsed_ns(cw_loop_clock(bed.site.loop)), time);
}

static void nothing_leaves_once_the_lease_is_nearly_over_and_nothing_is_lost(void **state)
{
    (void)state;
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "1", "s1");
    take_lease(CW_MINUTE);
    site_bed_wait(&bed.site, 56 * CW_SECOND);
    const struct told_run *run = told_bed_send(&bed, CW_OUT_SHIPMENTS);
    assert_true(run->failed);
    assert_int_equal(run->err.code, CW_REFUSED);
    assert_non_null(strstr(run->message, "the lease of cart shop ran out 1.0 s ago"));
    assert_int_equal(bed.shop.writes, 0);
    assert_rows(&bed.site, "SELECT state, attempts FROM messages", "queued|0");
    take_lease(CW_MINUTE);
    assert_false(told_bed_send(&bed, CW_OUT_SHIPMENTS)->failed);
    assert_int_equal(bed.shop.writes, 1);
}

static void a_lease_that_is_renewed_in_time_stops_nobody(void **state)
{
    (void)state;
    take_lease(CW_MINUTE);
    for (int i = 0; i < 10; i++) {
        site_bed_wait(&bed.site, 20 * CW_SECOND);
        take_lease(CW_MINUTE);
    }
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "1", "s1");
    assert_false(told_bed_send(&bed, CW_OUT_SHIPMENTS)->failed);
    assert_int_equal(bed.shop.writes, 1);
}

static void a_session_without_a_lease_is_not_limited(void **state)
{
    (void)state;
    take_lease(CW_MINUTE);
    take_lease(0);
    site_bed_wait(&bed.site, CW_HOUR);
    assert_true(cw_session_may_write(bed.site.session, "shop", NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(nothing_leaves_once_the_lease_is_nearly_over_and_nothing_is_lost),
        TEST(a_lease_that_is_renewed_in_time_stops_nobody),
        TEST(a_session_without_a_lease_is_not_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
