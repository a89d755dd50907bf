/* loop_clock_test.c - clocks that are set, and time that runs faster. */
#include "testing.h"

#include <errno.h>
#include <sys/timex.h>

#include "adapters/loop.h"

static struct cw_error err;

struct story { /* what happened, one letter each */
    struct cw_loop *loop;
    char text[64];
    struct cw_clock_watch *a, *b;
    struct cw_timer *timer;
};

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

static void say_t(void *arg)
{
    tell(arg, "t");
}

static struct story make_virtual(void)
{
    struct story story = { .loop = cw_loop_create_virtual(1000 * CW_SECOND, &err) };
    assert_ok(story.loop != NULL, err);
    return story;
}

static void step_back(void *arg)
{
    struct story *story = arg;
    tell(story, "s");
    cw_loop_step_clock(story->loop, 10 * CW_SECOND);
    tell(story, ".");
}

/* --- watching --- */

static void who_watches_the_clock_is_told_from_the_loop_when_it_is_set(void **state)
{
    (void)state;
    struct story story = make_virtual();
    story.a = cw_loop_watch_clock(story.loop, say_a, &story, &err);
    story.b = cw_loop_watch_clock(story.loop, say_b, &story, &err);
    story.timer = cw_timer_create(story.loop, step_back, &story, &err);
    cw_timer_set(story.timer, 5 * CW_SECOND);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "s.ba");
    assert_int_equal(cw_now(cw_loop_clock(story.loop)), 10 * CW_SECOND);
    assert_int_equal(cw_elapsed_ns(cw_loop_clock(story.loop)), 5000000000);
    cw_clock_watch_free(story.a);
    cw_timer_set(story.timer, CW_SECOND);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "s.bas.b");
    cw_clock_watch_free(story.b);
    cw_timer_set(story.timer, CW_SECOND);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "s.bas.bs.");
    cw_clock_watch_free(NULL);
    cw_timer_free(story.timer);
    cw_loop_free(story.loop);
}

static void timers_keep_to_their_delays_when_the_clock_is_set(void **state)
{
    (void)state;
    struct story story = make_virtual();
    story.timer = cw_timer_create(story.loop, say_t, &story, &err);
    cw_timer_set(story.timer, 5 * CW_SECOND);
    cw_loop_step_clock(story.loop, 2000 * CW_SECOND);
    cw_loop_run(story.loop);
    assert_int_equal(cw_now(cw_loop_clock(story.loop)), 2005 * CW_SECOND);
    cw_timer_free(story.timer);
    cw_loop_free(story.loop);
}

static void free_both(void *arg)
{
    struct story *story = arg;
    tell(story, "f");
    cw_clock_watch_free(story->a);
    cw_clock_watch_free(story->b);
    story->a = story->b = NULL;
}

static void a_watcher_may_end_all_watching_when_it_is_told(void **state)
{
    (void)state;
    struct story story = make_virtual();
    story.a = cw_loop_watch_clock(story.loop, free_both, &story, &err);
    story.b = cw_loop_watch_clock(story.loop, free_both, &story, &err);
    cw_loop_step_clock(story.loop, 0);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "f");
    story.a = cw_loop_watch_clock(story.loop, say_a, &story, &err); /* called off while it waits */
    cw_loop_step_clock(story.loop, 0);
    cw_clock_watch_free(story.a);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "f");
    cw_loop_free(story.loop);
}

static void watching_the_clock_keeps_no_loop_running(void **state)
{
    (void)state;
    struct cw_loop *loops[] = { cw_loop_create(&err), cw_loop_create_virtual(0, &err) };
    for (size_t i = 0; i < 2; i++) {
        struct story story = { .loop = loops[i] };
        story.a = cw_loop_watch_clock(story.loop, say_a, &story, &err);
        assert_ok(story.a != NULL, err);
        cw_loop_run(story.loop);
        story.timer = cw_timer_create(story.loop, say_t, &story, &err);
        cw_timer_set(story.timer, CW_MILLISECOND);
        cw_loop_run(story.loop);
        assert_string_equal(story.text, "t");
        cw_timer_free(story.timer);
        cw_clock_watch_free(story.a);
        cw_loop_free(story.loop);
    }
}

/* By one microsecond, there and back. */
static bool set_clock(bool back)
{
    struct timex timex = { .modes = ADJ_SETOFFSET };
    timex.time = back ? (struct timeval){ -1, 999999 } : (struct timeval){ 0, 1 };
    return adjtimex(&timex) >= 0;
}

static void tell_and_stop(void *arg)
{
    struct story *story = arg;
    tell(story, "a");
    cw_loop_stop(story->loop);
}

static void the_kernel_tells_when_the_clock_of_the_machine_is_set(void **state)
{
    (void)state;
    struct story story = { .loop = cw_loop_create(&err) };
    assert_ok(story.loop != NULL, err);
    story.a = cw_loop_watch_clock(story.loop, tell_and_stop, &story, &err);
    assert_ok(story.a != NULL, err);
    story.timer = cw_timer_create(story.loop, say_t, &story, &err);
    for (int i = 0; i < 2; i++) {
        cw_timer_set(story.timer, 20 * CW_SECOND); /* so that a test that fails ends */
        if (!set_clock(i == 1)) {
            assert_int_equal(errno, EPERM);
            strcpy(story.text, "aa"); /* who may not set it cannot try */
            break;
        }
        cw_loop_run(story.loop);
    }
    assert_string_equal(story.text, "aa");
    cw_timer_free(story.timer);
    cw_clock_watch_free(story.a);
    cw_loop_free(story.loop);
}

/* --- scaled time --- */

static void scaled_time_runs_faster_from_its_origin_on(void **state)
{
    (void)state;
    cw_time origin = cw_now(&cw_system_clock) - 10 * CW_SECOND;
    struct cw_loop *loop = cw_loop_create_scaled(60, origin, &err);
    assert_ok(loop != NULL, err);
    const struct cw_clock *clock = cw_loop_clock(loop);
    cw_time now = cw_now(clock), least = origin + 60 * 10 * CW_SECOND;
    assert_true(now >= least && now < least + 60 * 10 * CW_SECOND);
    struct story story = { .loop = loop };
    story.timer = cw_timer_create(loop, say_t, &story, &err);
    cw_timer_set(story.timer, 3 * CW_SECOND);
    int64_t elapsed = cw_elapsed_ns(clock), real = cw_elapsed_ns(&cw_system_clock);
    cw_loop_run(loop);
    real = cw_elapsed_ns(&cw_system_clock) - real;
    elapsed = cw_elapsed_ns(clock) - elapsed;
    assert_true(real >= 50 * 1000000 && real < (int64_t)3000 * 1000000);
    assert_true(elapsed >= (int64_t)3000 * 1000000 && elapsed >= real * 59);
    cw_timer_free(story.timer);
    cw_loop_free(loop);
}

static void before_its_origin_scaled_time_is_that_of_the_machine(void **state)
{
    (void)state;
    cw_time real = cw_now(&cw_system_clock);
    struct cw_loop *loop = cw_loop_create_scaled(1000, real + CW_DAY, &err);
    assert_ok(loop != NULL, err);
    cw_time now = cw_now(cw_loop_clock(loop));
    assert_true(now >= real && now < real + CW_MINUTE);
    cw_loop_free(loop);
}

static void before(void *arg)
{
    tell(arg, "(");
}

static void after(void *arg)
{
    tell(arg, ")");
}

static void telling_of_the_clock_is_one_turn(void **state)
{
    (void)state;
    struct story story = make_virtual();
    story.a = cw_loop_watch_clock(story.loop, say_a, &story, &err);
    story.b = cw_loop_watch_clock(story.loop, say_b, &story, &err);
    cw_loop_watch_turns(story.loop, (struct cw_turns){ before, after, &story });
    cw_loop_step_clock(story.loop, 0);
    cw_loop_run(story.loop);
    assert_string_equal(story.text, "(ba)");
    cw_clock_watch_free(story.a);
    cw_clock_watch_free(story.b);
    cw_loop_free(story.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_watches_the_clock_is_told_from_the_loop_when_it_is_set),
        cmocka_unit_test(timers_keep_to_their_delays_when_the_clock_is_set),
        cmocka_unit_test(a_watcher_may_end_all_watching_when_it_is_told),
        cmocka_unit_test(watching_the_clock_keeps_no_loop_running),
        cmocka_unit_test(the_kernel_tells_when_the_clock_of_the_machine_is_set),
        cmocka_unit_test(scaled_time_runs_faster_from_its_origin_on),
        cmocka_unit_test(before_its_origin_scaled_time_is_that_of_the_machine),
        cmocka_unit_test(telling_of_the_clock_is_one_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
