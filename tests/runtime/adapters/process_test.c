/* process_test.c - the system's processes: what they inherit, how their end is told, whom they die with. */
#include "testing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/process.h"

struct bed {
    struct cw_loop *loop;
    void *watch;
    struct cw_timer *limit;
    struct cw_ended ended[8];
    size_t ended_count, ended_wanted;
    int told[8];
    size_t told_count;
};

static void on_ended(void *arg, const struct cw_ended *ended)
{
    struct bed *bed = arg;
    assert_true(bed->ended_count < 8);
    bed->ended[bed->ended_count++] = *ended;
    if (bed->ended_count == bed->ended_wanted)
        cw_loop_stop(bed->loop);
}

static void on_told(void *arg, int number)
{
    struct bed *bed = arg;
    assert_true(bed->told_count < 8);
    bed->told[bed->told_count++] = number;
    cw_loop_stop(bed->loop);
}

static void stop(void *arg)
{
    cw_loop_stop(arg);
}

static void open_bed(struct bed *bed)
{
    struct cw_error err = { 0 };
    memset(bed, 0, sizeof *bed);
    bed->ended_wanted = 1;
    bed->loop = cw_loop_create(&err);
    assert_ok(bed->loop != NULL, err);
    const struct cw_process_events events = { on_ended, on_told, bed };
    bed->watch = cw_system_processes.watch(NULL, bed->loop, &events, &err);
    assert_ok(bed->watch != NULL, err);
    bed->limit = cw_timer_create(bed->loop, stop, bed->loop, &err);
    assert_ok(bed->limit != NULL, err);
}

static void run_bed(struct bed *bed)
{
    cw_timer_set(bed->limit, 20 * CW_SECOND);
    cw_loop_run(bed->loop);
}

static void close_bed(struct bed *bed)
{
    cw_timer_free(bed->limit);
    cw_system_processes.unwatch(bed->watch);
    cw_loop_free(bed->loop);
}

static pid_t start_shell(const char *script, const int *fds, size_t fd_count, int output)
{
    char *argv[] = { (char *)"/bin/bash", (char *)"-c", (char *)script, NULL };
    struct cw_spawn spawn = { .argv = argv, .fds = fds, .fd_count = fd_count, .output = output };
    struct cw_error err = { 0 };
    pid_t pid = cw_system_processes.spawn(NULL, &spawn, &err);
    assert_ok(pid > 0, err);
    return pid;
}

/* What the script prints, and to wait for its end. */
static void shell_prints(struct bed *bed, const char *script, const int *fds, size_t fd_count, char *out,
                         size_t cap)
{
    int output[2];
    size_t len = 0;
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    start_shell(script, fds, fd_count, output[1]);
    close(output[1]);
    for (ssize_t n; (n = read(output[0], out + len, cap - 1 - len)) > 0;)
        len += (size_t)n;
    out[len] = '\0';
    close(output[0]);
    run_bed(bed);
    assert_int_equal(bed->ended_count, 1);
}

static void an_exit_code_and_a_signal_are_told_apart(void **state)
{
    (void)state;
    struct bed bed;
    char text[64];
    open_bed(&bed);
    bed.ended_wanted = 2;
    pid_t exits = start_shell("exit 7", NULL, 0, 0);
    pid_t dies = start_shell("kill -SEGV $$; sleep 20", NULL, 0, 0);
    run_bed(&bed);
    assert_int_equal(bed.ended_count, 2);
    const struct cw_ended *exited = &bed.ended[bed.ended[0].pid == exits ? 0 : 1];
    const struct cw_ended *died = &bed.ended[bed.ended[0].pid == exits ? 1 : 0];
    assert_int_equal(exited->pid, exits);
    assert_false(exited->was_killed);
    assert_int_equal(exited->number, 7);
    cw_ended_describe(exited, text, sizeof text);
    assert_string_equal(text, "ended with exit code 7");
    assert_int_equal(died->pid, dies);
    assert_true(died->was_killed);
    assert_int_equal(died->number, SIGSEGV);
    cw_ended_describe(died, text, sizeof text);
    assert_string_equal(text, "was killed by signal 11 (Segmentation fault)");
    close_bed(&bed);
}

static void many_that_end_at_once_are_all_told(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    bed.ended_wanted = 8;
    for (int i = 0; i < 8; i++)
        start_shell("exit 0", NULL, 0, 0);
    usleep(200 * 1000); /* the signals become one */
    run_bed(&bed);
    assert_int_equal(bed.ended_count, 8);
    close_bed(&bed);
}

static void descriptors_arrive_in_order_and_nothing_else_does(void **state)
{
    (void)state;
    struct bed bed;
    char out[256];
    int first[2], leaky = open("/dev/null", O_RDONLY), second[2]; /* leaky: without O_CLOEXEC */
    open_bed(&bed);
    assert_int_equal(pipe(first), 0);
    assert_int_equal(pipe(second), 0);
    assert_int_equal(write(first[1], "one\n", 4), 4);
    assert_int_equal(write(second[1], "two\n", 4), 4);
    const int fds[] = { second[0], -1, first[0] };
    shell_prints(&bed,
                 "read a <&3; read b <&5; echo $a $b; "
                 "for i in {0..99}; do [ -e /proc/$$/fd/$i ] && echo -n $i,; done",
                 fds, 3, out, sizeof out);
    assert_string_equal(out, "two one\n0,1,2,3,5,");
    close(leaky);
    for (int i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
    close_bed(&bed);
}

/* The numbers 3 and 4 stand crosswise before. */
static void descriptors_may_be_exchanged(void **state)
{
    (void)state;
    struct bed bed;
    char out[64];
    open_bed(&bed);
    int three = -1, four = -1, pipes[2][2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe(pipes[i]), 0);
    three = fcntl(pipes[0][0], F_DUPFD, 3);
    four = fcntl(pipes[1][0], F_DUPFD, 3);
    assert_int_equal(write(pipes[0][1], "one\n", 4), 4);
    assert_int_equal(write(pipes[1][1], "two\n", 4), 4);
    const int fds[] = { four, three };
    shell_prints(&bed, "read a <&3; read b <&4; echo $a $b", fds, 2, out, sizeof out);
    assert_string_equal(out, "two one\n");
    close(three);
    close(four);
    for (int i = 0; i < 2; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    close_bed(&bed);
}

static void a_child_begins_with_the_signals_of_a_new_program(void **state)
{
    (void)state;
    struct bed bed;
    char out[512];
    sigset_t mask, before;
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, &before);
    open_bed(&bed);
    shell_prints(&bed, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status", NULL, 0, out, sizeof out);
    assert_string_equal(out, "SigBlk:\t0000000000000000\n"
                             "SigIgn:\t0000000000000000\n");
    close_bed(&bed);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGUSR2, SIG_DFL);
}

static void a_program_that_is_not_there_is_an_error_of_the_spawn(void **state)
{
    (void)state;
    struct bed bed;
    struct cw_error err = { 0 };
    char *argv[] = { (char *)"/nowhere/cartwright", NULL };
    struct cw_spawn spawn = { .argv = argv };
    open_bed(&bed);
    assert_int_equal(cw_system_processes.spawn(NULL, &spawn, &err), -1);
    assert_string_equal(err.text, "cannot start /nowhere/cartwright: No such file or directory");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no child is left */
    close_bed(&bed);
}

static void signals_to_this_process_come_from_the_loop(void **state)
{
    (void)state;
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
    struct bed bed;
    open_bed(&bed);
    for (size_t i = 0; i < 4; i++) {
        raise(numbers[i]);
        assert_int_equal(bed.told_count, i);
        run_bed(&bed);
        assert_int_equal(bed.told_count, i + 1);
        assert_int_equal(bed.told[i], numbers[i]);
    }
    close_bed(&bed);
}

static void a_signal_reaches_the_child_and_never_process_0(void **state)
{
    (void)state;
    struct bed bed;
    open_bed(&bed);
    pid_t pid = start_shell("exec sleep 20", NULL, 0, 0);
    assert_true(cw_system_processes.signal(NULL, pid, SIGTERM));
    run_bed(&bed);
    assert_int_equal(bed.ended_count, 1);
    assert_true(bed.ended[0].was_killed);
    assert_int_equal(bed.ended[0].number, SIGTERM);
    assert_false(cw_system_processes.signal(NULL, 0, SIGTERM)); /* would be the whole group */
    assert_false(cw_system_processes.signal(NULL, -1, SIGTERM));
    close_bed(&bed);
}

/* The grandchild holds the pipe open as long as it lives. */
static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    int alive[2], started[2];
    char byte = 0;
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    assert_int_equal(pipe2(started, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const int fds[] = { alive[1], started[1] };
        start_shell("trap '' TERM HUP INT; echo >&4; while :; do sleep 1 3>&- 4>&-; done", fds, 2, 0);
        pause();
    }
    close(alive[1]);
    close(started[1]);
    assert_int_equal(read(started[0], &byte, 1), 1);
    struct pollfd end = { .fd = alive[0], .events = POLLIN };
    assert_int_equal(poll(&end, 1, 100), 0); /* it lives */
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_int_equal(poll(&end, 1, 10000), 1);
    assert_int_equal(read(alive[0], &byte, 1), 0);
    close(alive[0]);
    close(started[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_code_and_a_signal_are_told_apart),
        cmocka_unit_test(many_that_end_at_once_are_all_told),
        cmocka_unit_test(descriptors_arrive_in_order_and_nothing_else_does),
        cmocka_unit_test(descriptors_may_be_exchanged),
        cmocka_unit_test(a_child_begins_with_the_signals_of_a_new_program),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_of_the_spawn),
        cmocka_unit_test(signals_to_this_process_come_from_the_loop),
        cmocka_unit_test(a_signal_reaches_the_child_and_never_process_0),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
