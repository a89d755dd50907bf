/* supervisor_real_test.c - a supervisor with real processes, in real time: this very program, as its workers.
 */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/pulse.h"
#include "engine/supervisor.h"

/* --- as a worker --- */

static struct cw_loop *worker_loop;
static struct cw_pulse *worker_pulse;

static void on_term(void *arg, int number, int events)
{
    (void)arg;
    (void)number;
    (void)events;
    cw_loop_stop(worker_loop);
}

/* Tells by SIGUSR2 to loop without end in a script, by SIGQUIT to crash in one. */
static void on_misbehave(void *arg, int number, int events)
{
    (void)arg;
    (void)events;
    cw_pulse_enter(worker_pulse, "shop");
    if (number == SIGQUIT)
        abort();
    for (volatile int forever = 1; forever;)
        ;
}

static void begin_turn(void *arg)
{
    cw_pulse_begin(arg);
}

static void end_turn(void *arg)
{
    cw_pulse_end(arg);
}

static int be_worker(void)
{
    static const int misbehaviour[] = { SIGUSR2, SIGQUIT };
    struct cw_watch *watches[3];
    signal(SIGABRT, SIG_DFL);
    worker_loop = cw_loop_create(NULL);
    worker_pulse = cw_pulse_open(CW_SUPERVISED_PULSE_FD, CW_SUPERVISED_WAKE_FD, NULL);
    if (worker_loop == NULL || worker_pulse == NULL)
        return 1;
    watches[0] = cw_watch_signal(worker_loop, SIGTERM, on_term, NULL, NULL);
    for (size_t i = 0; i < 2; i++)
        watches[i + 1] = cw_watch_signal(worker_loop, misbehaviour[i], on_misbehave, NULL, NULL);
    cw_loop_watch_turns(worker_loop, (struct cw_turns){ begin_turn, end_turn, worker_pulse });
    cw_pulse_set_ready(worker_pulse);
    cw_pulse_end(worker_pulse);
    cw_loop_run(worker_loop);
    for (size_t i = 0; i < 3; i++)
        cw_watch_free(watches[i]);
    cw_pulse_close(worker_pulse);
    cw_loop_free(worker_loop);
    return 0;
}

static int be_process(const char *role)
{
    if (strcmp(role, "--settings") != 0)
        return be_worker();
    puts("workers 2\nhang_us 300000");
    return 0;
}

/* --- the supervisor, in this process --- */

struct bed {
    struct cw_loop *loop;
    struct cw_timer *step, *limit;
    void (*on_step)(struct bed *bed);
    char *log;
    size_t log_len;
    FILE *log_file;
    int stage;
    int64_t began_ns, took_ns;
    long switches;
    pid_t pid;
};

static const char *log_of(struct bed *bed)
{
    fflush(bed->log_file);
    return bed->log;
}

/* The process that the n-th line about `event` of worker 1 names, from 0; 0 = not yet. */
static pid_t find_pid(struct bed *bed, const char *event)
{
    char line[64];
    int pid = 0;
    snprintf(line, sizeof line, "event=%s worker=1 pid=", event);
    const char *at = strstr(log_of(bed), line);
    if (at != NULL)
        sscanf(at + strlen(line), "%d", &pid);
    return pid;
}

static bool is_logged(struct bed *bed, const char *text)
{
    return strstr(log_of(bed), text) != NULL;
}

static void on_step(void *arg)
{
    struct bed *bed = arg;
    cw_timer_set(bed->step, 5 * CW_MILLISECOND);
    bed->on_step(bed);
}

static void on_limit(void *arg)
{
    (void)arg;
    raise(SIGTERM);
    raise(SIGTERM);
}

static void run_bed(struct bed *bed, void (*step)(struct bed *bed))
{
    static char *const argv[] = { (char *)"/proc/self/exe", (char *)"as-process", NULL };
    struct cw_error err = { 0 };
    memset(bed, 0, sizeof *bed);
    bed->loop = cw_loop_create(&err);
    assert_ok(bed->loop != NULL, err);
    bed->on_step = step;
    bed->log_file = open_memstream(&bed->log, &bed->log_len);
    cw_log_configure(
        (struct cw_log_config){ .out = bed->log_file, .level = CW_LOG_INFO, .clock = &cw_system_clock });
    bed->step = cw_timer_create(bed->loop, on_step, bed, NULL);
    bed->limit = cw_timer_create(bed->loop, on_limit, bed, NULL);
    cw_timer_set(bed->step, 0);
    cw_timer_set(bed->limit, 60 * CW_SECOND);
    const struct cw_supervisor_config config = { .loop = bed->loop,
                                                 .processes = &cw_system_processes,
                                                 .argv = argv };
    assert_int_equal(cw_supervisor_run(&config), 0);
    fflush(bed->log_file);
}

static void close_bed(struct bed *bed)
{
    cw_timer_free(bed->step);
    cw_timer_free(bed->limit);
    cw_loop_free(bed->loop);
    cw_log_configure((struct cw_log_config){ 0 });
    fclose(bed->log_file);
    free(bed->log);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    assert_int_equal(errno, ECHILD);
}

static int64_t now_ns(void)
{
    return cw_elapsed_ns(&cw_system_clock);
}

static void misbehave_and_time(struct bed *bed, int number, const char *noticed)
{
    if (bed->stage == 0 && is_logged(bed, "event=ready")) {
        bed->pid = find_pid(bed, "worker-started");
        kill(bed->pid, number);
        bed->began_ns = now_ns();
        bed->stage = 1;
    } else if (bed->stage == 1 && is_logged(bed, noticed) && find_pid(bed, "worker-replaced") != 0) {
        bed->took_ns = now_ns() - bed->began_ns;
        bed->stage = 2;
        raise(SIGTERM);
    }
}

static void kill_step(struct bed *bed)
{
    misbehave_and_time(bed, SIGKILL, "event=worker-died");
}

static void a_killed_worker_is_replaced_at_once(void **state)
{
    (void)state;
    struct bed bed;
    run_bed(&bed, kill_step);
    assert_int_equal(bed.stage, 2);
    print_message("replaced after %.1f ms\n", (double)bed.took_ns / 1e6);
    assert_true(bed.took_ns < 1000 * 1000000LL); /* a busy machine; an idle one takes 20 ms */
    assert_true(find_pid(&bed, "worker-replaced") != bed.pid);
    close_bed(&bed);
}

static void crash_step(struct bed *bed)
{
    misbehave_and_time(bed, SIGQUIT, "event=worker-died");
}

static void the_cart_of_a_crash_is_known(void **state)
{
    (void)state;
    struct bed bed;
    run_bed(&bed, crash_step);
    assert_int_equal(bed.stage, 2);
    assert_non_null(strstr(bed.log, "how=\"was killed by signal 6 (Aborted)\" cart=shop"));
    assert_non_null(strstr(bed.log, "blamed=shop"));
    close_bed(&bed);
}

static void hang_step(struct bed *bed)
{
    misbehave_and_time(bed, SIGUSR2, "event=worker-hung");
}

/* The limit is 300 ms, and it is looked after every 100 ms. */
static void a_worker_that_hangs_is_replaced_soon_after_its_time(void **state)
{
    (void)state;
    struct bed bed;
    run_bed(&bed, hang_step);
    assert_int_equal(bed.stage, 2);
    print_message("replaced %.1f ms after it began to hang for longer than 300 ms\n",
                  (double)bed.took_ns / 1e6 - 300);
    assert_true(bed.took_ns > 300 * 1000000LL);
    assert_true(bed.took_ns < 2000 * 1000000LL);
    assert_non_null(strstr(bed.log, "event=worker-hung worker=1"));
    assert_non_null(strstr(bed.log, "cart=shop"));
    close_bed(&bed);
}

static void stop_step(struct bed *bed)
{
    if (bed->stage++ == 0 || !is_logged(bed, "event=ready"))
        return;
    bed->stage = 1000000;
    bed->on_step = kill_step; /* which has nothing to do at this stage */
    raise(SIGTERM);
}

static void told_to_stop_all_end(void **state)
{
    (void)state;
    struct bed bed;
    run_bed(&bed, stop_step);
    assert_non_null(strstr(bed.log, "event=stopped"));
    assert_null(strstr(bed.log, "event=worker-died"));
    close_bed(&bed);
}

static long switches_so_far(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static void idle_step(struct bed *bed)
{
    if (bed->stage == 0 && is_logged(bed, "event=ready")) {
        bed->stage = 1;
        cw_timer_set(bed->step, 2 * CW_SECOND); /* until the last look after the start is over */
    } else if (bed->stage == 1) {
        bed->stage = 2;
        bed->switches = switches_so_far();
        cw_timer_set(bed->step, 3 * CW_SECOND);
    } else if (bed->stage == 2) {
        bed->stage = 3;
        bed->switches = switches_so_far() - bed->switches;
        raise(SIGTERM);
    }
}

static void nobody_wakes_while_nothing_is_to_do(void **state)
{
    (void)state;
    struct bed bed;
    run_bed(&bed, idle_step);
    assert_int_equal(bed.stage, 3);
    print_message("woke %ld times in 3 s\n", bed.switches);
    assert_true(bed.switches <= 5); /* one of them for the end of the 3 s */
    close_bed(&bed);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "as-process") == 0)
        return be_process(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_worker_is_replaced_at_once),
        cmocka_unit_test(the_cart_of_a_crash_is_known),
        cmocka_unit_test(a_worker_that_hangs_is_replaced_soon_after_its_time),
        cmocka_unit_test(told_to_stop_all_end),
        cmocka_unit_test(nobody_wakes_while_nothing_is_to_do),
    };
    return cmocka_run_group_tests_name("supervisor, for real", tests, NULL, NULL);
}
