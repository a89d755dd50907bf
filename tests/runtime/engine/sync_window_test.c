/* sync_window_test.c - which window comes next. */
#include "engine/sync.h"
#include "testing.h"

static const cw_time now = 1711852200 * CW_SECOND;
static struct cw_lua_cart cart;
static struct cw_lua_stream stream;
static char orders[] = "orders", customers[] = "customers";
static bool is_last;

static int reset(void **state)
{
    (void)state;
    cart = (struct cw_lua_cart){ .orders_from = CW_TIME_NONE };
    stream =
        (struct cw_lua_stream){ .cart = &cart, .name = orders, .overlap = CW_HOUR, .settle = 10 * CW_SECOND };
    return 0;
}

static struct cw_cursor done_until(cw_time time)
{
    return (struct cw_cursor){ time, CW_TIME_NONE, CW_TIME_NONE, { "", 0 } };
}

static void assert_window(const struct cw_cursor *cursor, cw_time from, cw_time to, const char *position,
                          bool last)
{
    struct cw_lua_window window = cw_sync_window(&stream, cursor, now, &is_last);
    assert_int_equal(window.from, from);
    assert_int_equal(window.to, to);
    assert_slice(window.position, position);
    assert_int_equal(is_last, last);
}

static void the_first_window_has_no_beginning_and_ends_a_little_before_now(void **state)
{
    (void)state;
    struct cw_cursor cursor = done_until(CW_TIME_NONE);
    assert_window(NULL, CW_TIME_NONE, now - 10 * CW_SECOND, "", true);
    assert_window(&cursor, CW_TIME_NONE, now - 10 * CW_SECOND, "", true);
}

static void later_windows_overlap_the_one_before(void **state)
{
    (void)state;
    struct cw_cursor cursor = done_until(now - CW_DAY);
    assert_window(&cursor, now - CW_DAY - CW_HOUR, now - 10 * CW_SECOND, "", true);
    stream.overlap = 0;
    assert_window(&cursor, now - CW_DAY, now - 10 * CW_SECOND, "", true);
}

static void an_interrupted_window_comes_first_with_its_own_bounds(void **state)
{
    (void)state;
    struct cw_cursor cursor = { now - CW_DAY, now - 25 * CW_HOUR, now - CW_HOUR, cw_slice("page 7") };
    assert_window(&cursor, now - 25 * CW_HOUR, now - CW_HOUR, "page 7", false);
    cursor.done_until = cursor.window_from = CW_TIME_NONE;
    assert_window(&cursor, CW_TIME_NONE, now - CW_HOUR, "page 7", false);
}

static void orders_before_the_first_moment_are_never_asked_for(void **state)
{
    (void)state;
    struct cw_cursor cursor = done_until(now - CW_HOUR);
    cart.orders_from = now - 90 * CW_MINUTE;
    assert_window(NULL, cart.orders_from, now - 10 * CW_SECOND, "", true);
    assert_window(&cursor, cart.orders_from, now - 10 * CW_SECOND, "", true);
    cursor = done_until(now - CW_MINUTE);
    assert_window(&cursor, now - 61 * CW_MINUTE, now - 10 * CW_SECOND, "", true);
}

static void customers_and_items_of_those_orders_may_be_older(void **state)
{
    (void)state;
    cart.orders_from = now - CW_HOUR;
    stream.name = customers;
    assert_window(NULL, CW_TIME_NONE, now - 10 * CW_SECOND, "", true);
}

static void a_cursor_of_a_clock_that_was_ahead_has_the_stream_read_anew(void **state)
{
    (void)state;
    cart.orders_from = now - CW_DAY;
    struct cw_cursor cursor = done_until(now + CW_HOUR);
    assert_window(&cursor, now - CW_DAY, now - 10 * CW_SECOND, "", true);
    cursor = (struct cw_cursor){ now - CW_HOUR, now - CW_HOUR, now + CW_HOUR, cw_slice("500") };
    assert_window(&cursor, now - CW_DAY, now - 10 * CW_SECOND, "", true);
}

static void a_clock_set_back_a_little_reads_what_came_since(void **state)
{
    (void)state;
    struct cw_cursor cursor = done_until(now);
    assert_window(&cursor, now - 10 * CW_SECOND - CW_HOUR, now, "", true);
}

static void a_stream_without_change_times_is_read_whole_from_where_it_was_left(void **state)
{
    (void)state;
    stream.full = true;
    struct cw_cursor cursor = { CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, cw_slice("500") };
    cart.orders_from = now - CW_DAY;
    assert_window(NULL, CW_TIME_NONE, now - 10 * CW_SECOND, "", true);
    assert_window(&cursor, CW_TIME_NONE, now - 10 * CW_SECOND, "500", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_window_has_no_beginning_and_ends_a_little_before_now, reset),
        cmocka_unit_test_setup(later_windows_overlap_the_one_before, reset),
        cmocka_unit_test_setup(an_interrupted_window_comes_first_with_its_own_bounds, reset),
        cmocka_unit_test_setup(orders_before_the_first_moment_are_never_asked_for, reset),
        cmocka_unit_test_setup(customers_and_items_of_those_orders_may_be_older, reset),
        cmocka_unit_test_setup(a_cursor_of_a_clock_that_was_ahead_has_the_stream_read_anew, reset),
        cmocka_unit_test_setup(a_clock_set_back_a_little_reads_what_came_since, reset),
        cmocka_unit_test_setup(a_stream_without_change_times_is_read_whole_from_where_it_was_left, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
