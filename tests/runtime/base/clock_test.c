/* clock_test.c - the system's clock, the test's clock, and chance that can be repeated. */
#include "testing.h"

#include "base/clock.h"

static void the_system_clock_shows_this_century_and_never_runs_back(void **state)
{
    (void)state;
    int64_t before = cw_elapsed_ns(&cw_system_clock);
    cw_time now = cw_now(&cw_system_clock);
    assert_true(now > 1700000000 * CW_SECOND && now < 4102444800 * CW_SECOND);
    for (int i = 0; i < 1000; i++) {
        int64_t after = cw_elapsed_ns(&cw_system_clock);
        assert_true(after >= before);
        before = after;
    }
}

static void a_tests_clock_moves_only_when_told(void **state)
{
    (void)state;
    struct test_clock hands = { .now = 5 * CW_SECOND };
    struct cw_clock clock = test_clock(&hands);
    assert_true(cw_now(&clock) == 5 * CW_SECOND);
    test_clock_advance(&hands, CW_MINUTE);
    assert_true(cw_now(&clock) == 65 * CW_SECOND);
    assert_true(cw_elapsed_ns(&clock) == 60000000000);
}

static void the_generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    struct cw_random random = { { 1, 2, 3, 4 } };
    static const uint64_t published[] = { 11520, 0, 1509978240, 1215971899390074240 };
    for (size_t i = 0; i < 4; i++)
        assert_true(cw_random_next(&random) == published[i]);
}

static void seeds_are_spread_by_splitmix64(void **state)
{
    (void)state;
    struct cw_random random, other;
    cw_random_seed(&random, 0);
    assert_true(random.state[0] == 0xE220A8397B1DCDAF);
    assert_true(random.state[1] == 0x6E789E6AA1B965F4);
    cw_random_seed(&other, 0);
    assert_true(cw_random_next(&random) == cw_random_next(&other));
    cw_random_seed(&other, 1);
    assert_true(cw_random_next(&random) != cw_random_next(&other));
}

static void draws_below_a_bound_reach_each_value_about_as_often(void **state)
{
    (void)state;
    enum { SIDES = 7, DRAWS = 70000 };
    int count[SIDES] = { 0 };
    struct cw_random random;
    cw_random_seed(&random, 42);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t draw = cw_random_below(&random, SIDES);
        assert_true(draw < SIDES);
        count[draw]++;
    }
    for (int i = 0; i < SIDES; i++)
        assert_in_range(count[i], DRAWS / SIDES - 500, DRAWS / SIDES + 500);
    assert_true(cw_random_below(&random, 1) == 0);
    /* A bound of 3/4 of the range would show twice as many small values if draws were not rejected. */
    int small = 0;
    for (int i = 0; i < DRAWS; i++)
        small += cw_random_below(&random, (uint64_t)3 << 62) < (uint64_t)1 << 62;
    assert_in_range(small, DRAWS / 3 - 700, DRAWS / 3 + 700);
}

static void the_systems_seeds_differ(void **state)
{
    (void)state;
    assert_true(cw_random_system_seed() != cw_random_system_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_shows_this_century_and_never_runs_back),
        cmocka_unit_test(a_tests_clock_moves_only_when_told),
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(seeds_are_spread_by_splitmix64),
        cmocka_unit_test(draws_below_a_bound_reach_each_value_about_as_often),
        cmocka_unit_test(the_systems_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
