/* supervisor_test.c - a supervisor in virtual time: how it starts and stops, and what it tells. */
#include "supervisor_bed.h"

#include <stdlib.h>

/* --- start --- */

static void workers_are_started_as_the_site_says_and_stopped_when_told(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\nhang_us 30000000\nlog logfmt\n";
    bed_at(&bed, 5 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed.fake_count, 3);
    assert_string_equal(bed.fakes[0].args, "run --settings");
    assert_string_equal(bed.fakes[1].args, "run --worker=1");
    assert_string_equal(bed.fakes[2].args, "run --worker=2");
    assert_int_equal(bed_alive(&bed), 0);
    assert_int_equal(bed_worker(&bed, 0)->stopped, 5 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 1)->stopped, 5 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 0)->killed, -1);
    assert_int_equal(bed_log_count(&bed, "worker-started"), 2);
    assert_int_equal(bed_log_count(&bed, "ready"), 1);
    assert_int_equal(bed_log_count(&bed, "stopped"), 1);
    assert_int_equal(bed_log_count(&bed, "worker-died"), 0);
    assert_string_equal(bed_notes(&bed), "STATUS=0 of 2 workers are ready\n"
                                         "STATUS=1 of 2 workers are ready\n"
                                         "STATUS=2 of 2 workers are ready\n"
                                         "READY=1\n"
                                         "STOPPING=1\nSTATUS=waiting for the pages in hand\n");
    bed_close(&bed);
}

static void the_command_line_goes_before_the_site(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed.config.workers = 3;
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    bed_close(&bed);
}

static void a_site_that_says_nothing_has_one_worker(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    bed_close(&bed);
}

static void the_log_is_written_as_the_site_says(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "log json\n";
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_non_null(strstr(bed_log(&bed), "\"event\":\"worker-started\",\"worker\":\"1\",\"pid\":\"1002\""));
    bed_close(&bed);

    bed_open(&bed);
    bed.settings = "log json\n";
    bed.config.log_is_set = true; /* by the command line, to logfmt */
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_log_count(&bed, "worker-started"), 1);
    bed_close(&bed);
}

static void a_site_that_is_not_sound_is_not_started(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings_exit = 1;
    assert_int_equal(bed_run(&bed), 1);
    assert_int_equal(bed_workers(&bed), 0);
    assert_non_null(strstr(bed_log(&bed), "event=site-refused error=\"the process that checks the site ended "
                                          "with exit code 1; what it said stands above\""));
    bed_close(&bed);
}

static void settings_that_cannot_be_read_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "workers\n",       "workers 0\n",        "workers 257\n",
        "workers many\n",  "workers 2x\n",       "colour blue\n",
        "hang_us 10\n",    "hang_us -1\n",       "metrics here\n",
        "metrics :9464\n", "metrics ::1:9\n",    "metrics 127.0.0.1:\n",
        "metrics [::1]\n", "metrics a.b:9464\n", "webhooks 127.0.0.1:65536\n"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bed bed;
        bed_open(&bed);
        bed.settings = bad[i];
        bed_at(&bed, CW_SECOND, bed_term); /* if it should run all the same */
        if (bed_run(&bed) != 1)
            fail_msg("not refused: %s", bad[i]);
        assert_true(bed_log_count(&bed, "site-refused") + bed_log_count(&bed, "not-started") >= 1);
        assert_int_equal(bed_workers(&bed), 0);
        bed_close(&bed);
    }
}

static void a_site_that_prints_without_end_is_refused(void **state)
{
    (void)state;
    struct bed bed;
    char *endless = malloc(60000);
    memset(endless, 'x', 59999);
    endless[59999] = '\0';
    bed_open(&bed);
    bed.settings = endless;
    bed.settings_take = -1;
    assert_int_equal(bed_run(&bed), 1);
    assert_int_equal(bed.fakes[0].killed, 0);
    assert_non_null(strstr(bed_log(&bed), "printed more than settings can be"));
    bed_close(&bed);
    free(endless);
}

static void a_site_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings_take = -1;
    assert_int_equal(bed_run(&bed), 1);
    assert_int_equal(bed.fakes[0].killed, CW_MINUTE);
    assert_non_null(strstr(bed_log(&bed), "did not answer within a minute"));
    bed_close(&bed);
}

static void being_told_to_stop_while_the_site_is_asked_is_no_failure(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings_take = 10 * CW_SECOND;
    bed_at(&bed, CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 0);
    assert_int_equal(bed.fakes[0].killed, CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "site-refused"), 0);
    bed_close(&bed);
}

static size_t turns;

static void count_turn(void *arg)
{
    (void)arg;
    turns++;
}

static void start_counting(struct bed *bed)
{
    turns = 0;
    cw_loop_watch_turns(bed->loop, (struct cw_turns){ .begin = count_turn });
}

static void stop_counting(struct bed *bed)
{
    cw_loop_watch_turns(bed->loop, (struct cw_turns){ 0 });
}

static void idle_workers_wake_nobody(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 4\n";
    bed_at(&bed, 10 * CW_SECOND, start_counting);
    bed_at(&bed, 24 * CW_HOUR, stop_counting);
    bed_at(&bed, 24 * CW_HOUR, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(turns, 1); /* the one that ends the counting */
    bed_close(&bed);
}

static void kill_first(struct bed *bed)
{
    fake_end(bed_worker(bed, 0), true, SIGKILL);
}

/* --- stop --- */

static void a_worker_that_does_not_stop_is_killed_after_a_minute(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.stop_after = -1;
    bed_at(&bed, 5 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_worker(&bed, 0)->killed, 65 * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "worker-killed"), 1);
    bed_close(&bed);
}

static void told_twice_to_stop_it_kills_at_once(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed.stop_after = -1;
    bed_at(&bed, 5 * CW_SECOND, bed_term);
    bed_at(&bed, 7 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_worker(&bed, 0)->killed, 7 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 1)->killed, 7 * CW_SECOND);
    bed_close(&bed);
}

static void one_that_dies_while_all_stop_is_not_replaced(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed.stop_after = 3 * CW_SECOND;
    bed_at(&bed, 5 * CW_SECOND, bed_term);
    bed_at(&bed, 6 * CW_SECOND, kill_first);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 2);
    bed_close(&bed);
}

static void stopping_ends_what_is_put_off(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.die_after = 10 * CW_MILLISECOND;
    bed_at(&bed, 20 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_true(bed_now(&bed) < 21 * CW_SECOND);
    bed_close(&bed);
}

/* --- what is told --- */

static void work_and_tell(struct bed *bed)
{
    cw_pulse_begin(bed_worker(bed, 1)->pulse);
    cw_pulse_enter(bed_worker(bed, 1)->pulse, "shop");
}

static void the_state_of_each_worker_is_told_when_asked(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 4 * CW_SECOND, kill_first);
    bed_at(&bed, 10 * CW_SECOND, work_and_tell);
    bed_at(&bed, 12 * CW_SECOND, bed_usr1);
    bed_at(&bed, 13 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_log_count(&bed, "worker-state"), 2);
    assert_non_null(strstr(bed_log(&bed), "event=worker-state worker=1 pid=1004 state=\"at rest\" "
                                          "since=2024-03-31T02:30:04Z busy_s=0.000 cart=\"\" restarts=1\n"));
    assert_non_null(strstr(bed_log(&bed),
                           "event=worker-state worker=2 pid=1003 state=busy "
                           "since=2024-03-31T02:30:00.010000Z busy_s=2.000 cart=shop restarts=0\n"));
    bed_close(&bed);
}

static void the_watchdog_of_the_manager_is_fed(void **state)
{
    (void)state;
    struct bed bed;
    size_t fed = 0;
    setenv("WATCHDOG_USEC", "20000000", 1);
    bed_open(&bed);
    bed_at(&bed, 55 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    for (const char *at = bed_notes(&bed); (at = strstr(at, "WATCHDOG=1")) != NULL; at++)
        fed++;
    assert_int_equal(fed, 5);
    unsetenv("WATCHDOG_USEC");
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_started_as_the_site_says_and_stopped_when_told),
        cmocka_unit_test(the_command_line_goes_before_the_site),
        cmocka_unit_test(a_site_that_says_nothing_has_one_worker),
        cmocka_unit_test(the_log_is_written_as_the_site_says),
        cmocka_unit_test(a_site_that_is_not_sound_is_not_started),
        cmocka_unit_test(settings_that_cannot_be_read_are_refused),
        cmocka_unit_test(a_site_that_prints_without_end_is_refused),
        cmocka_unit_test(a_site_that_does_not_answer_is_given_up),
        cmocka_unit_test(being_told_to_stop_while_the_site_is_asked_is_no_failure),
        cmocka_unit_test(idle_workers_wake_nobody),
        cmocka_unit_test(a_worker_that_does_not_stop_is_killed_after_a_minute),
        cmocka_unit_test(told_twice_to_stop_it_kills_at_once),
        cmocka_unit_test(one_that_dies_while_all_stop_is_not_replaced),
        cmocka_unit_test(stopping_ends_what_is_put_off),
        cmocka_unit_test(the_state_of_each_worker_is_told_when_asked),
        cmocka_unit_test(the_watchdog_of_the_manager_is_fed),
    };
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
