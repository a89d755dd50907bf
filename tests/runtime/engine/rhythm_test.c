/* rhythm_test.c - shops with known rhythms, simulated over years. */
#include "engine/rhythm.h"

#include <math.h>
#include <stdlib.h>

#include "testing.h"

enum { YEARS = 3, DAYS = YEARS * 365, HOURS = DAYS * 24 };
#define START ((cw_time)1704067200 * CW_SECOND) /* 2024-01-01T00:00:00Z, a Monday */

/* Orders by the hour, and when the last one of each hour came. */
struct shop {
    struct cw_random random;
    cw_time last[HOURS]; /* in or before that hour */
    uint32_t orders[HOURS];
    cw_time first;
};
static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = calloc(1, sizeof *shop);
    cw_random_seed(&shop->random, 42);
    shop->first = CW_TIME_NONE;
    return shop == NULL;
}

static int close_shop(void **state)
{
    (void)state;
    free(shop);
    return 0;
}

static double uniform(void)
{
    return ((double)(cw_random_next(&shop->random) >> 11) + 0.5) / 9007199254740992.0;
}

/* Orders as chance brings them, `rate` in an hour. */
static void open_hour(int hour, double rate)
{
    cw_time start = START + hour * CW_HOUR;
    shop->last[hour] = hour > 0 ? shop->last[hour - 1] : CW_TIME_NONE;
    for (double at = rate > 0 ? -log(uniform()) / rate : 2; at < 1; at -= log(uniform()) / rate) {
        shop->orders[hour]++;
        shop->last[hour] = start + (cw_time)(at * (double)CW_HOUR);
        if (shop->first == CW_TIME_NONE)
            shop->first = shop->last[hour];
    }
}

static double by_day(int hour)
{
    int clock = hour % 24;
    return clock >= 8 && clock < 20 ? 200.0 / 12 : 0;
}

static double on_working_days(int hour)
{
    return hour / 24 % 7 < 5 ? by_day(hour) : 0;
}

static double a_day_and_night(int hour)
{
    (void)hour;
    return 3.0 / 24;
}

static double one_a_day(int hour)
{
    return hour % 24 >= 8 && hour % 24 < 20 ? 1.0 / 12 : 0;
}

static double two_a_week(int hour)
{
    (void)hour;
    return 2.0 / 168;
}

static double large(int hour)
{
    return 200 + 190 * sin((hour % 24 - 8) * M_PI / 12);
}

/* Level and seasons move: a sine over the year, and weeks that are better or worse than others. */
static double moving(int hour)
{
    return by_day(hour) * (0.6 + 0.4 * sin(hour * 2 * M_PI / (365 * 24))) *
           (0.75 + 0.5 * (hour / 168 * 7 % 5) / 4);
}

static void run_shop(double (*rate)(int hour), int from, int to)
{
    for (int hour = from; hour < to; hour++)
        open_hour(hour, rate(hour));
}

/* What is known at the end of an hour. */
static struct cw_silence look(int hour)
{
    struct cw_rhythm rhythm;
    cw_time last = shop->last[hour];
    if (last == CW_TIME_NONE)
        return (struct cw_silence){ .is_known = false };
    cw_rhythm_init(&rhythm, shop->first, last, NULL);
    for (int h = hour; h >= 0 && START + h * CW_HOUR >= cw_rhythm_since(&rhythm); h--)
        cw_rhythm_add(&rhythm, START + h * CW_HOUR, shop->orders[h]);
    return cw_rhythm_judge(&rhythm, START + (hour + 1) * CW_HOUR);
}

/* Spells of quiet that a look every hour would have told. */
static int count_spells(int from, int to)
{
    int spells = 0;
    bool was_quiet = false;
    for (int hour = from; hour < to; hour++) {
        bool is_quiet = look(hour).is_quiet;
        spells += is_quiet && !was_quiet;
        was_quiet = is_quiet;
    }
    return spells;
}

/* The hours from `from` until a look tells that it is quiet. */
static int hours_until_quiet(int from, int most)
{
    for (int hour = from; hour < from + most; hour++)
        if (look(hour).is_quiet)
            return hour - from + 1;
    return most;
}

/* After the hour `dies` nothing comes any more. */
static void die(int dies, int hours)
{
    for (int hour = dies; hour < dies + hours; hour++) {
        shop->orders[hour] = 0;
        shop->last[hour] = shop->last[dies - 1];
    }
}

static void report(const char *what, double (*rate)(int hour), int most)
{
    run_shop(rate, 0, HOURS);
    int spells = count_spells(0, HOURS);
    print_message("%s: %d false alarms in %d years\n", what, spells, YEARS);
    assert_true(spells <= most);
}

static void a_shop_of_200_orders_a_day_is_not_quiet_at_night(void **state)
{
    (void)state;
    report("200 a day, by day only", by_day, 1);
}

static void a_shop_that_rests_at_weekends_is_not_quiet_then(void **state)
{
    (void)state;
    report("200 a working day", on_working_days, 1);
}

static void a_shop_of_three_orders_a_day_is_never_quiet_by_chance(void **state)
{
    (void)state;
    report("3 a day", a_day_and_night, 1);
}

static void a_shop_of_one_order_a_day_is_never_quiet_by_chance(void **state)
{
    (void)state;
    report("1 a day", one_a_day, 1);
}

static void a_shop_of_two_orders_a_week_is_not_judged(void **state)
{
    (void)state;
    report("2 a week", two_a_week, 0);
}

static void a_large_shop_is_never_quiet_by_chance(void **state)
{
    (void)state;
    report("4,800 a day", large, 1);
}

static void a_shop_whose_level_moves_is_seldom_quiet(void **state)
{
    (void)state;
    report("100 to 250 a day, moving", moving, 3);
}

/* --- what is quiet --- */

/* Hours until the shop should have brought so many orders. */
static int hours_until(double (*rate)(int hour), int from, double orders)
{
    int hour = from;
    for (double sum = 0; sum < orders; hour++)
        sum += rate(hour);
    return hour - from;
}

/* A thousandth is the chance of none where 6.9 are expected: twice as long, and up to the next look. */
static void dies(double (*rate)(int hour), int at)
{
    run_shop(rate, 0, at);
    die(at, 60 * 24);
    int took = hours_until_quiet(at, 60 * 24), most = hours_until(rate, at, 2 * 6.9) + 1;
    print_message("told after %d hours, at most %d\n", took, most);
    assert_true(look(at - 1).is_known);
    assert_false(look(at - 1).is_quiet);
    assert_true(took <= most);
    for (int hour = at + took; hour < at + 60 * 24; hour++) /* and stays so, however long */
        assert_true(look(hour).is_quiet);
}

enum { A_FRIDAY = (40 * 7 + 4) * 24 };

static void a_shop_that_dies_on_friday_evening_is_told_in_time(void **state)
{
    (void)state;
    dies(by_day, A_FRIDAY + 17);
}

static void a_shop_that_dies_before_its_weekend_is_told_on_monday(void **state)
{
    (void)state;
    dies(on_working_days, A_FRIDAY + 20);
    assert_false(look(A_FRIDAY + 3 * 24 + 8).is_quiet && look(A_FRIDAY + 3 * 24 + 7).is_quiet);
}

static void a_small_shop_that_dies_is_told_within_days(void **state)
{
    (void)state;
    dies(a_day_and_night, A_FRIDAY);
}

static void a_shop_of_one_order_a_day_that_dies_is_told_within_weeks(void **state)
{
    (void)state;
    dies(one_a_day, A_FRIDAY);
}

static double holiday(int hour)
{
    return hour / 24 == 40 * 7 ? 0 : by_day(hour);
}

static double poor_holiday(int hour)
{
    return hour / 24 == 40 * 7 ? by_day(hour) * 0.3 : by_day(hour);
}

static void a_public_holiday_without_orders_is_told_once(void **state)
{
    (void)state;
    run_shop(holiday, 0, HOURS / 2);
    assert_int_equal(count_spells(39 * 7 * 24, 46 * 7 * 24), 1);
}

static void a_public_holiday_with_some_orders_is_not_told(void **state)
{
    (void)state;
    run_shop(poor_holiday, 0, HOURS / 2);
    assert_int_equal(count_spells(39 * 7 * 24, 46 * 7 * 24), 0);
}

static double january(int hour)
{
    return hour / 24 < 40 * 7 ? by_day(hour) : by_day(hour) * 0.35;
}

static void a_season_that_ends_is_not_told(void **state)
{
    (void)state;
    run_shop(january, 0, 60 * 7 * 24);
    assert_int_equal(count_spells(39 * 7 * 24, 60 * 7 * 24), 0);
}

static double one_hour_later(int hour)
{
    return by_day(hour / 24 < 40 * 7 ? hour : hour + 23);
}

static void a_shop_whose_clock_changes_is_not_told(void **state)
{
    (void)state;
    run_shop(one_hour_later, 0, 60 * 7 * 24);
    assert_int_equal(count_spells(39 * 7 * 24, 60 * 7 * 24), 0);
}

static void a_thousand_renewals_at_night_are_not_missed_the_week_after(void **state)
{
    (void)state;
    for (int hour = 0; hour < 60 * 7 * 24; hour++) {
        open_hour(hour, by_day(hour));
        if (hour % (28 * 24) != 3)
            continue;
        shop->orders[hour] += 1000;
        shop->last[hour] = START + (hour + 1) * CW_HOUR - CW_SECOND;
    }
    assert_int_equal(count_spells(10 * 7 * 24, 60 * 7 * 24), 0);
}

static void a_new_shop_is_judged_after_two_weeks(void **state)
{
    (void)state;
    run_shop(by_day, 0, 20 * 24);
    for (int day = 1; day <= 20; day++)
        assert_int_equal(look(day * 24 - 1).is_known, shop->last[day * 24 - 1] - shop->first >= 14 * CW_DAY);
    assert_true(look(20 * 24 - 1).is_known);
}

static void a_cart_without_orders_in_sight_is_not_judged(void **state)
{
    (void)state;
    struct cw_rhythm rhythm;
    cw_rhythm_init(&rhythm, START - 365 * CW_DAY, START, NULL);
    struct cw_silence silence = cw_rhythm_judge(&rhythm, START + 365 * CW_DAY);
    assert_false(silence.is_known || silence.is_quiet);
    cw_rhythm_add(&rhythm, START, 1000000); /* all at once: a file that was imported */
    silence = cw_rhythm_judge(&rhythm, START + 365 * CW_DAY);
    assert_false(silence.is_quiet);
}

static void the_rhythm_is_that_of_the_sites_clock(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_zone *zone = cw_zone_open("Europe/Berlin", &err);
    assert_ok(zone != NULL, err);
    /* 100 orders at noon in Berlin each day, up to March 30th; then the clocks go forward */
    const cw_time noon = (cw_time)1711796400 * CW_SECOND;
    struct cw_rhythm rhythm;
    cw_rhythm_init(&rhythm, noon - 100 * CW_DAY, noon + CW_MINUTE, zone);
    for (int day = 0; day < 28; day++)
        cw_rhythm_add(&rhythm, noon - day * CW_DAY, 100);
    double before = cw_rhythm_judge(&rhythm, noon + 23 * CW_HOUR).expected;
    double after = cw_rhythm_judge(&rhythm, noon + 24 * CW_HOUR).expected;
    rhythm.zone = NULL;
    double elsewhere = cw_rhythm_judge(&rhythm, noon + 24 * CW_HOUR).expected;
    cw_zone_free(zone);
    assert_true(after - before > 99 && after - before < 101);
    assert_true(fabs(elsewhere - before) < 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(a_shop_of_200_orders_a_day_is_not_quiet_at_night),
        TEST(a_shop_that_rests_at_weekends_is_not_quiet_then),
        TEST(a_shop_of_three_orders_a_day_is_never_quiet_by_chance),
        TEST(a_shop_of_one_order_a_day_is_never_quiet_by_chance),
        TEST(a_shop_of_two_orders_a_week_is_not_judged),
        TEST(a_large_shop_is_never_quiet_by_chance),
        TEST(a_shop_whose_level_moves_is_seldom_quiet),
        TEST(a_shop_that_dies_on_friday_evening_is_told_in_time),
        TEST(a_shop_that_dies_before_its_weekend_is_told_on_monday),
        TEST(a_small_shop_that_dies_is_told_within_days),
        TEST(a_shop_of_one_order_a_day_that_dies_is_told_within_weeks),
        TEST(a_public_holiday_without_orders_is_told_once),
        TEST(a_public_holiday_with_some_orders_is_not_told),
        TEST(a_season_that_ends_is_not_told),
        TEST(a_shop_whose_clock_changes_is_not_told),
        TEST(a_thousand_renewals_at_night_are_not_missed_the_week_after),
        TEST(a_new_shop_is_judged_after_two_weeks),
        TEST(a_cart_without_orders_in_sight_is_not_judged),
        TEST(the_rhythm_is_that_of_the_sites_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
