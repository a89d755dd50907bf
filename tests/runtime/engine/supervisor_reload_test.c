/* supervisor_reload_test.c - a supervisor in virtual time: what HUP does, and what it does not. */
#include "supervisor_bed.h"

static size_t count_in(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

static void slow_down(struct bed *bed)
{
    bed->ready_after = 2 * CW_SECOND;
    bed->stop_after = 5 * CW_SECOND;
}

static void workers_are_replaced_one_by_one_each_new_one_ready_first(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 9 * CW_SECOND, slow_down);
    bed_at(&bed, 10 * CW_SECOND, bed_hup);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 4);
    const struct fake *old[] = { bed_worker(&bed, 0), bed_worker(&bed, 1) };
    const struct fake *new[] = { bed_worker(&bed, 2), bed_worker(&bed, 3) };
    assert_string_equal(bed.fakes[3].args, "run --settings --reload");
    assert_string_equal(new[0]->args, "run --worker=1");
    assert_string_equal(new[1]->args, "run --worker=2");
    assert_true(old[0]->stopped >= new[0]->started + 2 * CW_SECOND);
    assert_true(new[1]->started >= old[0]->ended);
    assert_true(old[1]->stopped >= new[1]->started + 2 * CW_SECOND);
    assert_true(old[1]->ended < 60 * CW_SECOND);
    assert_int_equal(old[0]->killed, -1);
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 1);
    assert_int_equal(bed_log_count(&bed, "worker-died"), 0);
    assert_int_equal(count_in(bed_notes(&bed), "RELOADING=1\nMONOTONIC_USEC="), 1);
    assert_int_equal(count_in(bed_notes(&bed), "READY=1\n"), 2);
    bed_close(&bed);
}

/* Of 2 workers never more than 3 are there at once, and the third page is used again. */
static void no_counter_is_shared_by_two_and_none_is_lost(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 10 * CW_SECOND, bed_hup);
    bed_at(&bed, 20 * CW_SECOND, bed_hup);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 6);
    ino_t first = bed_worker(&bed, 0)->memory, second = bed_worker(&bed, 1)->memory,
          third = bed_worker(&bed, 2)->memory;
    assert_true(third != first && third != second);
    assert_int_equal(bed_worker(&bed, 3)->memory, first);
    assert_int_equal(bed_worker(&bed, 4)->memory, second);
    assert_int_equal(bed_worker(&bed, 5)->memory, third);
    bed_close(&bed);
}

static void break_site(struct bed *bed)
{
    bed->settings_exit = 1;
}

static void a_site_that_is_not_sound_changes_nothing(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 9 * CW_SECOND, break_site);
    bed_at(&bed, 10 * CW_SECOND, bed_hup);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 2);
    assert_int_equal(bed_worker(&bed, 0)->stopped, 60 * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "site-refused"), 1);
    assert_non_null(strstr(bed_log(&bed),
                           "event=reload-failed error=\"the site is not sound; the workers go on "
                           "as before\""));
    assert_int_equal(count_in(bed_notes(&bed), "READY=1\n"), 2); /* the manager does not wait for ever */
    bed_close(&bed);
}

static void want_three(struct bed *bed)
{
    bed->settings = "workers 3\n";
    bed_hup(bed);
}

static void want_one(struct bed *bed)
{
    bed->settings = "workers 1\n";
    bed_hup(bed);
}

static void the_new_site_may_have_more_workers_or_fewer(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, 10 * CW_SECOND, want_three);
    bed_at(&bed, 30 * CW_SECOND, want_one);
    bed_at(&bed, 50 * CW_SECOND, bed_usr1);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1 + 3 + 1);
    assert_string_equal(bed_worker(&bed, 3)->args, "run --worker=3");
    for (size_t i = 0; i < 4; i++)
        assert_true(bed_worker(&bed, i)->ended < 40 * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "worker-state"), 1);
    assert_int_equal(bed_log_count(&bed, "worker-died"), 0);
    assert_non_null(strstr(bed_notes(&bed), "STATUS=3 of 3 workers are ready"));
    bed_close(&bed);
}

static void break_workers(struct bed *bed)
{
    bed->die_after = 10 * CW_MILLISECOND;
    bed_hup(bed);
}

static void the_old_workers_go_on_when_the_first_new_one_dies(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed_at(&bed, 10 * CW_SECOND, break_workers);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_int_equal(bed_worker(&bed, 0)->stopped, 60 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 1)->stopped, 60 * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "reload-failed"), 1);
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 0);
    bed_close(&bed);
}

static void hang_in_the_start(struct bed *bed)
{
    bed->ready_after = -1;
    bed_hup(bed);
}

static void a_new_one_that_is_never_ready_is_killed_and_the_old_ones_go_on(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, 10 * CW_SECOND, hang_in_the_start);
    bed_at(&bed, 400 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 2);
    assert_true(bed_worker(&bed, 1)->killed > 300 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 0)->stopped, 400 * CW_SECOND);
    bed_close(&bed);
}

static void fail_spawns(struct bed *bed)
{
    bed->spawn_fails = true;
    bed_hup(bed);
}

static void a_new_one_that_cannot_be_started_leaves_the_old_ones(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed_at(&bed, 10 * CW_SECOND, fail_spawns);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 1);
    assert_int_equal(bed_worker(&bed, 0)->stopped, 60 * CW_SECOND);
    assert_int_equal(bed_log_count(&bed, "reload-failed"), 1);
    bed_close(&bed);
}

static void told_again_meanwhile_it_reads_the_site_once_more(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.ready_after = CW_SECOND;
    for (int i = 0; i < 3; i++)
        bed_at(&bed, 10 * CW_SECOND + i * 100 * CW_MILLISECOND, bed_hup);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 2);
    bed_close(&bed);
}

static void told_before_it_runs_it_reloads_once_it_does(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings_take = CW_SECOND;
    bed_at(&bed, 500 * CW_MILLISECOND, bed_hup);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 2);
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 1);
    bed_close(&bed);
}

static void crash_the_old_one(struct bed *bed)
{
    cw_pulse_enter(bed_worker(bed, 0)->pulse, "poison");
    fake_end(bed_worker(bed, 0), true, SIGSEGV);
}

/* The one that comes was started before: it takes the place, and the next one is told of the cart. */
static void an_old_one_that_dies_while_the_new_one_starts_is_not_replaced_twice(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.settings = "workers 2\n";
    bed.ready_after = 2 * CW_SECOND;
    bed_at(&bed, 10 * CW_SECOND, bed_hup);
    bed_at(&bed, 11 * CW_SECOND, crash_the_old_one);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 4);
    assert_string_equal(bed_worker(&bed, 2)->args, "run --worker=1");
    assert_string_equal(bed_worker(&bed, 3)->args,
                        "run --worker=2 --died=poison:was killed by signal 11 (Segmentation fault)");
    assert_int_equal(bed_log_count(&bed, "site-reloaded"), 1);
    bed_close(&bed);
}

static void crash_both(struct bed *bed)
{
    fake_end(bed_worker(bed, 0), true, SIGKILL);
    fake_end(bed_worker(bed, 1), true, SIGKILL);
}

static void when_both_die_the_place_is_filled_again(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.ready_after = 2 * CW_SECOND;
    bed_at(&bed, 10 * CW_SECOND, bed_hup);
    bed_at(&bed, 11 * CW_SECOND, crash_both);
    bed_at(&bed, 60 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_workers(&bed), 3);
    assert_true(bed_worker(&bed, 2)->started < 12 * CW_SECOND);
    assert_int_equal(bed_worker(&bed, 2)->stopped, 60 * CW_SECOND);
    bed_close(&bed);
}

static void a_place_that_was_put_off_is_filled_by_the_reload(void **state)
{
    (void)state;
    struct bed bed;
    bed_open(&bed);
    bed.die_after = 10 * CW_MILLISECOND;
    bed_at(&bed, 20 * CW_SECOND, bed_hup); /* whose new one dies, too */
    bed_at(&bed, 40 * CW_SECOND, bed_term);
    assert_int_equal(bed_run(&bed), 0);
    assert_int_equal(bed_log_count(&bed, "reload-failed"), 1);
    assert_int_equal(bed_alive(&bed), 0);
    bed_close(&bed);
}

static void being_told_to_stop_goes_before_a_reload(void **state)
{
    (void)state;
    static const cw_time moments[] = { 5 * CW_MILLISECOND, 500 * CW_MILLISECOND, 1200 * CW_MILLISECOND,
                                       3000 * CW_MILLISECOND };
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct bed bed;
        bed_open(&bed);
        bed.settings = "workers 2\n";
        bed.ready_after = CW_SECOND;
        bed.stop_after = CW_SECOND;
        bed_at(&bed, 10 * CW_SECOND, bed_hup);
        bed_at(&bed, 10 * CW_SECOND + moments[i], bed_term);
        assert_int_equal(bed_run(&bed), 0);
        assert_int_equal(bed_alive(&bed), 0);
        assert_true(bed_now(&bed) < 15 * CW_SECOND);
        assert_int_equal(bed_log_count(&bed, "worker-died"), 0);
        bed_close(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_replaced_one_by_one_each_new_one_ready_first),
        cmocka_unit_test(no_counter_is_shared_by_two_and_none_is_lost),
        cmocka_unit_test(a_site_that_is_not_sound_changes_nothing),
        cmocka_unit_test(the_new_site_may_have_more_workers_or_fewer),
        cmocka_unit_test(the_old_workers_go_on_when_the_first_new_one_dies),
        cmocka_unit_test(a_new_one_that_is_never_ready_is_killed_and_the_old_ones_go_on),
        cmocka_unit_test(a_new_one_that_cannot_be_started_leaves_the_old_ones),
        cmocka_unit_test(told_again_meanwhile_it_reads_the_site_once_more),
        cmocka_unit_test(told_before_it_runs_it_reloads_once_it_does),
        cmocka_unit_test(an_old_one_that_dies_while_the_new_one_starts_is_not_replaced_twice),
        cmocka_unit_test(when_both_die_the_place_is_filled_again),
        cmocka_unit_test(a_place_that_was_put_off_is_filled_by_the_reload),
        cmocka_unit_test(being_told_to_stop_goes_before_a_reload),
    };
    return cmocka_run_group_tests_name("supervisor reload", tests, NULL, NULL);
}
