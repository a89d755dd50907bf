/* supervisor_death_test.c - a supervisor in virtual time: workers that die, and workers that hang. */
#include "supervisor_bed.h"

static bool between(cw_time time, cw_time least, cw_time most)
{
    return time >= least && time <= most;
}

/* --- death --- */

static void kill_first(struct bed *bed)
{
    fake_end(bed_worker(bed, 0), true, SIGKILL);
}

static void a_dead_worker_is_replaced_at_once_and_goes_on_counting(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 5 * CW_SECOND, kill_first);
    bed_at(&bed, 9 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_string_equal(bed_worker(&bed, 2)->args, "run --worker=1");
    assert_int_equal(bed_worker(&bed, 2)->started, 5 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 2)->memory, bed_worker(&bed, 0)->memory);
    assert_true(bed_worker(&bed, 1)->memory != bed_worker(&bed, 0)->memory);
    assert_non_null(strstr(bed_log(&bed), "event=worker-died worker=1 pid=1002 how=\"was killed by signal 9 "
                                          "(Killed)\" cart=\"\" lived_s=5.0"));
    assert_non_null(strstr(bed_log(&bed), "event=worker-replaced worker=1 pid=1004"));
    bed_close(&bed);
}

static void workers_that_die_young_are_started_ever_more_slowly(void **state)
{
    (void)state;
    static const cw_time gaps[] = { 0, 1, 2, 4, 8, 16, 30, 30 };
    struct bed bed;
    bed_open(&bed);
    bed.die_after = 10 * CW_MILLISECOND;
    bed_at(&bed, 100 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 9);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(bed_worker(&bed, i + 1)->started - bed_worker(&bed, i)->ended, gaps[i] * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "worker-put-off"), 8); /* the last one is still put off */
    assert_non_null(strstr(bed_log(&bed),
                           "event=worker-put-off worker=1 seconds=4 failures=4 why=\"ended with "
                           "exit code 1\""));
    assert_null(strstr(bed_notes(&bed), "READY=1"));
    bed_close(&bed);
}

static void become_healthy(struct bed *bed)
{
    bed->die_after = -1;
}

static void kill_last(struct bed *bed)
{
    fake_end(bed_worker(bed, bed_workers(bed) - 1), true, SIGKILL);
}

static void one_that_lived_is_replaced_at_once_again(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.die_after = 10 * CW_MILLISECOND;
    bed_at(&bed, 5 * CW_SECOND, become_healthy); /* the fifth one starts at 7 s */
    bed_at(&bed, 30 * CW_SECOND, kill_last);
    bed_at(&bed, 31 * CW_SECOND, kill_last);
    bed_at(&bed, 40 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    size_t count = bed_workers(&bed);
    assert_int_equal(bed_worker(&bed, count - 2)->started, 30 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, count - 1)->started, 31 * CW_SECOND);
    bed_close(&bed);
}

static void recover_spawn(struct bed *bed)
{
    bed->spawn_fails = false;
}

static void a_process_that_cannot_be_started_is_tried_again(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.spawn_fails = true;
    bed_at(&bed, 2 * CW_SECOND, recover_spawn);
    bed_at(&bed, 10 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    assert_true(between(bed_worker(&bed, 0)->started, 2 * CW_SECOND, 4 * CW_SECOND));
    assert_non_null(strstr(bed_log(&bed), "why=\"cannot start /usr/bin/cartwright: Resource temporarily"));
    bed_close(&bed);
}

static void crash_in_a_script(struct bed *bed)
{
    struct fake *fake = bed_worker(bed, bed_workers(bed) - 1);
    cw_pulse_enter(fake->pulse, "poison");
    fake_end(fake, true, SIGSEGV);
}

static void die_without_a_script(struct bed *bed)
{
    fake_end(bed_worker(bed, bed_workers(bed) - 1), false, 3);
}

static void die_before_being_ready(struct bed *bed)
{
    bed->ready_after = CW_SECOND;
    crash_in_a_script(bed);
}

#define POISON "run --worker=1 --died=poison:was killed by signal 11 (Segmentation fault)"

static void the_cart_in_hand_is_told_to_the_replacement(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, 20 * CW_SECOND, crash_in_a_script);
    bed_at(&bed, 40 * CW_SECOND, die_without_a_script);
    bed_at(&bed, 50 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_string_equal(bed_worker(&bed, 1)->args, POISON);
    assert_string_equal(bed_worker(&bed, 2)->args, "run --worker=1");
    bed_close(&bed);
}

static void what_was_not_yet_in_the_books_is_told_again(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, 20 * CW_SECOND, die_before_being_ready);
    bed_at(&bed, 20 * CW_SECOND + 500 * CW_MILLISECOND, die_without_a_script);
    bed_at(&bed, 50 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_string_equal(bed_worker(&bed, 1)->args, POISON);
    assert_string_equal(bed_worker(&bed, 2)->args, POISON);
    bed_close(&bed);
}

/* The second time the cart is stopped by the replacement, so waiting would help nobody. */
static void a_second_death_in_a_script_is_replaced_at_once_a_third_is_not(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    for (int i = 1; i <= 3; i++)
        bed_at(&bed, i * CW_SECOND, crash_in_a_script);
    bed_at(&bed, 10 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_worker(&bed, 1)->started, CW_SECOND);
    assert_int_equal(bed_worker(&bed, 2)->started, 2 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 3)->started, 4 * CW_SECOND);
    bed_close(&bed);
}

/* --- hanging --- */

static void hang_in_a_script(struct bed *bed)
{
    struct fake *fake = bed_worker(bed, 0);
    cw_pulse_begin(fake->pulse);
    cw_pulse_enter(fake->pulse, "backtracker");
}

static void a_worker_that_hangs_is_killed_and_replaced(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\nhang_us 30000000\n";
    bed_at(&bed, CW_HOUR, hang_in_a_script);
    bed_at(&bed, CW_HOUR + CW_MINUTE, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    struct fake *hung = bed_worker(&bed, 0), *next = bed_worker(&bed, 2);
    assert_true(between(hung->killed - CW_HOUR, 30 * CW_SECOND, 31 * CW_SECOND + 1000));
    assert_int_equal(next->started, hung->ended);
    assert_string_equal(next->args,
                        "run --worker=1 --died=backtracker:stayed in one callback for too long and "
                        "was killed");
    assert_non_null(
        strstr(bed_log(&bed), "event=worker-hung worker=1 pid=1002 seconds=31.0 cart=backtracker"));
    assert_int_equal(bed_workers(&bed), 3);
    assert_int_equal(bed_worker(&bed, 1)->killed, -1);
    bed_close(&bed);
}

static void a_short_limit_is_looked_after_more_often(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "hang_us 2000000\n";
    bed_at(&bed, CW_HOUR, hang_in_a_script);
    bed_at(&bed, CW_HOUR + CW_MINUTE, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_true(between(bed_worker(&bed, 0)->killed - CW_HOUR, 2 * CW_SECOND, 2200 * CW_MILLISECOND + 1000));
    bed_close(&bed);
}

static void begin_another(struct bed *bed)
{
    cw_pulse_end(bed_worker(bed, 0)->pulse);
    cw_pulse_begin(bed_worker(bed, 0)->pulse);
}

static void a_worker_that_is_busy_without_hanging_is_left_alone(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    for (int i = 1; i <= 20; i++)
        bed_at(&bed, i * 29 * CW_SECOND, begin_another);
    bed_at(&bed, 20 * 29 * CW_SECOND + CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    assert_int_equal(bed_worker(&bed, 0)->killed, -1);
    bed_close(&bed);
}

static void a_slow_start_has_ten_times_as_long(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.ready_after = 299 * CW_SECOND;
    bed_at(&bed, 300 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    bed_close(&bed);

    bed_open(&bed);
    bed.ready_after = -1;
    bed_at(&bed, 310 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_true(between(bed_worker(&bed, 0)->killed, 300 * CW_SECOND, 302 * CW_SECOND));
    assert_int_equal(bed_workers(&bed), 2);
    bed_close(&bed);
}

/* A machine that sleeps: its clock jumps while nobody runs. */
static struct cw_clock awake;
static int64_t slept_ns;

static cw_time sleepers_now(void *arg)
{
    (void)arg;
    return cw_now(&awake) + slept_ns / 1000;
}

static int64_t sleepers_elapsed(void *arg)
{
    (void)arg;
    return cw_elapsed_ns(&awake) + slept_ns;
}

static void sleep_for_an_hour(struct bed *bed)
{
    (void)bed;
    slept_ns = CW_HOUR * 1000;
}

static void time_that_nobody_had_is_not_held_against_a_worker(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    awake = *cw_loop_clock(bed.loop);
    slept_ns = 0;
    *(struct cw_clock *)cw_loop_clock(bed.loop) =
        (struct cw_clock){ .now = sleepers_now, .elapsed_ns = sleepers_elapsed };
    bed_at(&bed, 10 * CW_SECOND, hang_in_a_script);
    bed_at(&bed, 20 * CW_SECOND, sleep_for_an_hour);
    bed_at(&bed, 100 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    /* 30 s from when it woke */
    assert_true(between(bed_worker(&bed, 0)->killed - CW_HOUR, 50 * CW_SECOND, 52 * CW_SECOND));
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_worker_is_replaced_at_once_and_goes_on_counting),
        cmocka_unit_test(workers_that_die_young_are_started_ever_more_slowly),
        cmocka_unit_test(one_that_lived_is_replaced_at_once_again),
        cmocka_unit_test(a_process_that_cannot_be_started_is_tried_again),
        cmocka_unit_test(the_cart_in_hand_is_told_to_the_replacement),
        cmocka_unit_test(what_was_not_yet_in_the_books_is_told_again),
        cmocka_unit_test(a_second_death_in_a_script_is_replaced_at_once_a_third_is_not),
        cmocka_unit_test(a_worker_that_hangs_is_killed_and_replaced),
        cmocka_unit_test(a_short_limit_is_looked_after_more_often),
        cmocka_unit_test(a_worker_that_is_busy_without_hanging_is_left_alone),
        cmocka_unit_test(a_slow_start_has_ten_times_as_long),
        cmocka_unit_test(time_that_nobody_had_is_not_held_against_a_worker),
    };
    return cmocka_run_group_tests_name("supervisor, death", tests, NULL, NULL);
}
