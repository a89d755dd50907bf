/* outbox_held_test.c - a shop that wants to be left alone, and runs that are stopped while they wait for it.
 */
#include "told_bed.h"

static struct told_bed bed;

static int open_bed(void **state)
{
    (void)state;
    told_bed_init(&bed, 1, "shipments = {}, statuses = {}");
    told_bed_open(&bed);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    told_bed_fini(&bed);
    return 0;
}

static void a_shop_that_wants_to_be_left_alone_is_sent_nothing_and_nothing_is_claimed(void **state)
{
    (void)state;
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "1", "s1");
    bed.shop.next = TOLD_429; /* for 30 s */
    assert_true(told_bed_send(&bed, CW_OUT_SHIPMENTS)->failed);
    cw_time now = cw_now(cw_loop_clock(bed.site.loop));
    const struct told_run *run = told_bed_send(&bed, CW_OUT_SHIPMENTS);
    assert_false(run->failed);
    assert_int_equal(run->id, 0);
    assert_string_equal(run->message, "the shop wants to be left alone for 30 s");
    assert_in_range(run->next_at - now, 29 * CW_SECOND, 30 * CW_SECOND);
    assert_int_equal(cw_now(cw_loop_clock(bed.site.loop)), now);
    assert_rows(&bed.site, "SELECT state, attempts FROM messages", "queued|0");
    site_bed_wait(&bed.site, 30 * CW_SECOND);
    run = told_bed_send(&bed, CW_OUT_SHIPMENTS);
    assert_false(run->failed);
    assert_string_equal(run->message, "");
    assert_rows(&bed.site, "SELECT state FROM messages", "sent");
}

/* One request in ten seconds, so that the second message waits in the client. */
static void reopen_slowly(void)
{
    static const char usual[] = "rate = '50/s', burst = 50 ", slow[] = "rate = '0.1/s', burst = 1 ";
    char script[8192];
    told_bed_close(&bed);
    told_cart(true, true, true, script);
    char *at = strstr(script, usual);
    assert_non_null(at);
    memset(at, ' ', sizeof usual - 1);
    memcpy(at, slow, sizeof slow - 1);
    site_bed_write(&bed.site, "carts/told.lua", script);
    told_bed_open(&bed);
}

static void a_run_that_is_stopped_while_its_call_waits_in_the_client_puts_it_back_at_once(void **state)
{
    (void)state;
    reopen_slowly();
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "1", "s1");
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "2", "s2");
    told_bed_start(&bed, CW_OUT_SHIPMENTS);
    site_bed_wait(&bed.site, 5 * CW_SECOND);
    assert_string_equal(told_bed_messages(&bed), "1 1 sent\n2 2 sending");
    cw_time now = cw_now(cw_loop_clock(bed.site.loop));
    cw_outbox_stop(bed.runs[CW_OUT_SHIPMENTS].run);
    told_bed_wait_runs(&bed);
    assert_int_equal(cw_now(cw_loop_clock(bed.site.loop)), now);
    assert_false(bed.runs[CW_OUT_SHIPMENTS].failed);
    assert_rows(&bed.site, "SELECT state, attempts FROM messages ORDER BY id", "sent|1\nqueued|0");
    assert_int_equal(bed.shop.writes, 1);
}

static void a_run_that_is_stopped_while_its_probe_waits_ends_at_once(void **state)
{
    (void)state;
    reopen_slowly();
    told_bed_put_event(&bed, CW_OUT_SHIPMENTS, "1", "s1");
    bed.shop.next = TOLD_LOST_AFTER;
    told_bed_send(&bed, CW_OUT_SHIPMENTS);
    site_bed_wait(&bed.site, 3 * CW_MINUTE);
    told_bed_put_event(&bed, CW_OUT_STATUSES, "2", "paid");
    told_bed_send(&bed, CW_OUT_STATUSES); /* takes the request of these ten seconds */
    told_bed_start(&bed, CW_OUT_SHIPMENTS);
    cw_time now = cw_now(cw_loop_clock(bed.site.loop));
    site_bed_wait(&bed.site, CW_MILLISECOND);
    cw_outbox_stop(bed.runs[CW_OUT_SHIPMENTS].run);
    told_bed_wait_runs(&bed);
    assert_true(cw_now(cw_loop_clock(bed.site.loop)) - now < CW_SECOND);
    assert_rows(&bed.site, "SELECT state FROM messages ORDER BY id", "unknown\nsent");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_shop_that_wants_to_be_left_alone_is_sent_nothing_and_nothing_is_claimed),
        TEST(a_run_that_is_stopped_while_its_call_waits_in_the_client_puts_it_back_at_once),
        TEST(a_run_that_is_stopped_while_its_probe_waits_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
