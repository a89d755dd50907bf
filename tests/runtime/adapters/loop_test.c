/* Tests of adapters/loop.h: the same behaviour from both makers, and what virtual time adds. */
#include "testing.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/loop.h"

struct story { /* what happened, one letter each */
    struct cw_loop *loop;
    char text[64];
    struct cw_timer *a, *b, *c;
    struct cw_later later, other;
    struct cw_watch *watch;
    int pipe[2];
    int count;
};

static struct cw_loop *make_event(void)
{
    struct cw_error err = { 0 };
    struct cw_loop *loop = cw_loop_create(&err);
    assert_ok(loop != NULL, err);
    return loop;
}

static struct cw_loop *make_virtual(void)
{
    struct cw_error err = { 0 };
    struct cw_loop *loop = cw_loop_create_virtual(1000 * CW_SECOND, &err);
    assert_ok(loop != NULL, err);
    return loop;
}

static void tell(struct story *story, const char *word)
{
    assert_true(strlen(story->text) + strlen(word) < sizeof story->text);
    strcat(story->text, word);
}

static void say_a(void *arg)
{
    tell(arg, "a");
}

static void say_b(void *arg)
{
    tell(arg, "b");
}

static void say_c(void *arg)
{
    tell(arg, "c");
}

static void both(void (*test)(struct cw_loop *loop, struct story *story))
{
    struct cw_loop *(*makers[])(void) = { make_event, make_virtual };
    for (size_t i = 0; i < 2; i++) {
        struct story story = { .loop = makers[i]() };
        test(story.loop, &story);
        cw_loop_free(story.loop);
    }
}

static void order_of_timers(struct cw_loop *loop, struct story *story)
{
    struct cw_timer *a = cw_timer_create(loop, say_a, story, NULL);
    struct cw_timer *b = cw_timer_create(loop, say_b, story, NULL);
    struct cw_timer *c = cw_timer_create(loop, say_c, story, NULL);
    cw_timer_set(c, 30 * CW_MILLISECOND);
    cw_timer_set(b, 20 * CW_MILLISECOND);
    cw_timer_set(a, 10 * CW_MILLISECOND);
    int64_t before = cw_elapsed_ns(cw_loop_clock(loop));
    cw_loop_run(loop);
    assert_string_equal(story->text, "abc");
    assert_true(cw_elapsed_ns(cw_loop_clock(loop)) - before >= 30 * 1000000);
    cw_timer_free(a);
    cw_timer_free(b);
    cw_timer_free(c);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
    (void)state;
    both(order_of_timers);
}

static void set_again_and_cleared(struct cw_loop *loop, struct story *story)
{
    struct cw_timer *a = cw_timer_create(loop, say_a, story, NULL);
    struct cw_timer *b = cw_timer_create(loop, say_b, story, NULL);
    struct cw_timer *c = cw_timer_create(loop, say_c, story, NULL);
    cw_timer_set(a, CW_MILLISECOND);
    cw_timer_set(b, 5 * CW_MILLISECOND);
    cw_timer_set(a, 10 * CW_MILLISECOND);
    cw_timer_set(c, CW_MILLISECOND);
    cw_timer_clear(c);
    cw_loop_run(loop);
    assert_string_equal(story->text, "ba");
    cw_timer_free(a);
    cw_timer_free(b);
    cw_timer_free(c);
}

static void setting_a_timer_again_replaces_its_time_and_clearing_stops_it(void **state)
{
    (void)state;
    both(set_again_and_cleared);
}

static void free_own_timer(void *arg)
{
    struct story *story = arg;
    cw_timer_free(story->a);
    story->a = NULL;
    tell(story, "x");
}

static void freed_in_callback(struct cw_loop *loop, struct story *story)
{
    story->a = cw_timer_create(loop, free_own_timer, story, NULL);
    cw_timer_set(story->a, -5);
    cw_loop_run(loop);
    assert_string_equal(story->text, "x");
    assert_null(story->a);
}

static void a_timer_may_free_itself_and_a_negative_delay_is_none(void **state)
{
    (void)state;
    both(freed_in_callback);
}

static void again_at_once(void *arg)
{
    struct story *story = arg;
    tell(story, "t");
    if (++story->count < 3)
        cw_timer_set(story->a, 0);
}

static void later_again(void *arg)
{
    struct story *story = arg;
    tell(story, "l");
    if (story->count < 3)
        cw_loop_later(story->loop, &story->later, later_again, story);
}

static void fair_passes(struct cw_loop *loop, struct story *story)
{
    story->a = cw_timer_create(loop, again_at_once, story, NULL);
    cw_timer_set(story->a, 0);
    cw_loop_later(loop, &story->later, later_again, story);
    cw_loop_run(loop);
    assert_int_equal(story->count, 3); /* work that always comes again does not keep timers from running */
    assert_non_null(strchr(story->text, 'l'));
    cw_timer_free(story->a);
}

static void timers_and_later_work_take_turns(void **state)
{
    (void)state;
    both(fair_passes);
}

static void schedule_other(void *arg)
{
    struct story *story = arg;
    tell(story, "1");
    cw_loop_later(story->loop, &story->other, say_b, story);
    cw_loop_later(story->loop, &story->other, say_c, story); /* waits already: nothing happens */
}

static void later_twice(struct cw_loop *loop, struct story *story)
{
    struct cw_later cancelled = { 0 };
    cw_loop_later(loop, &story->later, schedule_other, story);
    cw_loop_later(loop, &cancelled, say_a, story);
    cw_later_cancel(loop, &cancelled);
    assert_string_equal(story->text, "");
    cw_loop_run(loop);
    assert_string_equal(story->text, "1b");
    cw_loop_later(loop, &cancelled, say_a, story);
    cw_loop_run(loop);
    assert_string_equal(story->text, "1ba");
}

static void later_work_runs_once_in_order_and_can_be_cancelled(void **state)
{
    (void)state;
    both(later_twice);
}

static void cancel_other(void *arg)
{
    struct story *story = arg;
    tell(story, "1");
    cw_later_cancel(story->loop, &story->other);
}

static void cancelled_in_the_same_pass(struct cw_loop *loop, struct story *story)
{
    struct cw_later last = { 0 };
    cw_loop_later(loop, &story->later, cancel_other, story);
    cw_loop_later(loop, &story->other, say_b, story);
    cw_loop_later(loop, &last, say_c, story);
    cw_loop_run(loop);
    assert_string_equal(story->text, "1c");
}

static void later_work_can_cancel_its_neighbour(void **state)
{
    (void)state;
    both(cancelled_in_the_same_pass);
}

static void stop_now(void *arg)
{
    struct story *story = arg;
    tell(story, "s");
    cw_loop_stop(story->loop);
}

static void stopped(struct cw_loop *loop, struct story *story)
{
    struct cw_timer *b = cw_timer_create(loop, say_b, story, NULL);
    story->a = cw_timer_create(loop, stop_now, story, NULL);
    cw_timer_set(story->a, CW_MILLISECOND);
    cw_timer_set(b, 2 * CW_MILLISECOND);
    cw_loop_later(loop, &story->later, stop_now, story);
    cw_loop_later(loop, &story->other, say_c, story);
    cw_loop_run(loop);
    assert_string_equal(story->text, "s");
    cw_loop_run(loop);
    assert_string_equal(story->text, "scs");
    cw_loop_run(loop);
    assert_string_equal(story->text, "scsb");
    cw_timer_free(story->a);
    cw_timer_free(b);
}

static void a_stopped_loop_runs_nothing_more_and_goes_on_when_run_again(void **state)
{
    (void)state;
    both(stopped);
}

static void read_one(void *arg, int fd, int events)
{
    struct story *story = arg;
    char byte;
    assert_int_equal(events, CW_READABLE);
    if (read(fd, &byte, 1) == 1) {
        tell(story, (char[]){ byte, '\0' });
        return;
    }
    cw_watch_free(story->watch); /* end of file */
    story->watch = NULL;
}

static void watched(struct cw_loop *loop, struct story *story)
{
    struct cw_error err = { 0 };
    assert_int_equal(pipe(story->pipe), 0);
    story->watch = cw_watch_create(loop, story->pipe[0], CW_READABLE, read_one, story, &err);
    assert_ok(story->watch != NULL, err);
    assert_int_equal(write(story->pipe[1], "xyz", 3), 3);
    close(story->pipe[1]);
    cw_loop_run(loop);
    assert_string_equal(story->text, "xyz");
    assert_null(story->watch);
    close(story->pipe[0]);
}

static void a_watch_is_called_until_it_is_freed(void **state)
{
    (void)state;
    both(watched);
}

static void got_signal(void *arg, int fd, int events)
{
    (void)fd;
    (void)events;
    struct story *story = arg;
    tell(story, "u");
    cw_watch_free(story->watch);
}

static void a_signal_arrives_as_a_callback(void **state)
{
    (void)state;
    struct story story = { .loop = make_event() };
    story.watch = cw_watch_signal(story.loop, SIGUSR1, got_signal, &story, NULL);
    assert_non_null(story.watch);
    kill(getpid(), SIGUSR1);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "u");
    cw_loop_free(story.loop);
}

static void virtual_time_refuses_signals(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    struct cw_loop *loop = make_virtual();
    assert_null(cw_watch_signal(loop, SIGUSR1, got_signal, NULL, &err));
    assert_int_equal(err.code, CW_USAGE);
    cw_loop_free(loop);
}

static void next_day(void *arg)
{
    struct story *story = arg;
    if (++story->count < 365)
        cw_timer_set(story->a, CW_DAY);
}

static void a_virtual_year_passes_at_once(void **state)
{
    (void)state;
    struct story story = { .loop = make_virtual() };
    story.a = cw_timer_create(story.loop, next_day, &story, NULL);
    cw_timer_set(story.a, CW_DAY);
    cw_loop_run(story.loop);
    assert_int_equal(story.count, 365);
    assert_int_equal(cw_now(cw_loop_clock(story.loop)), 1000 * CW_SECOND + 365 * CW_DAY);
    assert_int_equal(cw_elapsed_ns(cw_loop_clock(story.loop)), 365 * CW_DAY * 1000);
    cw_timer_free(story.a);
    cw_loop_free(story.loop);
}

static void a_loop_without_anything_to_do_ends(struct cw_loop *loop, struct story *story)
{
    struct cw_timer *idle = cw_timer_create(loop, say_a, story, NULL);
    cw_loop_run(loop);
    assert_string_equal(story->text, "");
    cw_timer_free(idle);
}

static void an_idle_timer_keeps_no_loop_running(void **state)
{
    (void)state;
    both(a_loop_without_anything_to_do_ends);
}

static void turn_begins(void *arg)
{
    tell(arg, "<");
}

static void turn_ends(void *arg)
{
    tell(arg, ">");
}

static void read_and_stop(void *arg, int fd, int events)
{
    struct story *story = arg;
    char byte;
    assert_int_equal(events, CW_READABLE);
    assert_int_equal(read(fd, &byte, 1), 1);
    tell(story, "w");
    cw_watch_free(story->watch);
}

static void turns_of_all_kinds(struct cw_loop *loop, struct story *story)
{
    struct cw_later later = { 0 };
    assert_int_equal(pipe(story->pipe), 0);
    assert_int_equal(write(story->pipe[1], "x", 1), 1);
    cw_loop_watch_turns(loop, (struct cw_turns){ turn_begins, turn_ends, story });
    story->watch = cw_watch_create(loop, story->pipe[0], CW_READABLE, read_and_stop, story, NULL);
    story->a = cw_timer_create(loop, free_own_timer, story, NULL);
    cw_timer_set(story->a, 50 * CW_MILLISECOND);
    cw_loop_later(loop, &later, say_b, story);
    cw_loop_run(loop);
    assert_int_equal(strlen(story->text), 9);
    assert_non_null(strstr(story->text, "<w>"));
    assert_non_null(strstr(story->text, "<b>"));
    assert_non_null(strstr(story->text, "<x>"));
    close(story->pipe[0]);
    close(story->pipe[1]);
}

static void whoever_watches_turns_is_called_around_each_callback(void **state)
{
    (void)state;
    both(turns_of_all_kinds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(setting_a_timer_again_replaces_its_time_and_clearing_stops_it),
        cmocka_unit_test(a_timer_may_free_itself_and_a_negative_delay_is_none),
        cmocka_unit_test(timers_and_later_work_take_turns),
        cmocka_unit_test(later_work_runs_once_in_order_and_can_be_cancelled),
        cmocka_unit_test(later_work_can_cancel_its_neighbour),
        cmocka_unit_test(a_stopped_loop_runs_nothing_more_and_goes_on_when_run_again),
        cmocka_unit_test(a_watch_is_called_until_it_is_freed),
        cmocka_unit_test(a_signal_arrives_as_a_callback),
        cmocka_unit_test(virtual_time_refuses_signals),
        cmocka_unit_test(a_virtual_year_passes_at_once),
        cmocka_unit_test(whoever_watches_turns_is_called_around_each_callback),
        cmocka_unit_test(an_idle_timer_keeps_no_loop_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
