/* process.c - see process.h: fork and exec with nothing inherited by chance, SIGCHLD through the loop. */
#include "adapters/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

/* --- in the child, between fork and exec: only what is safe after a fork --- */

/* A handler of ours in the child would write into pipes that it shares with its parent. */
static void reset_signals(void)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &by_default, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A copy above all numbers that are given away, so that no move overwrites what is moved next. */
static bool lift(int *fd, size_t count)
{
    if (*fd < 0)
        return true;
    *fd = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)count);
    return *fd >= 0;
}

static bool place_output(int output)
{
    return output <= 0 || dup2(output, STDOUT_FILENO) == STDOUT_FILENO;
}

static bool place_fds(const struct cw_spawn *spawn, int *report)
{
    int lifted[CW_SPAWN_FDS_MAX];
    int output = spawn->output > 0 ? spawn->output : -1;
    if (!lift(report, spawn->fd_count) || !lift(&output, spawn->fd_count))
        return false;
    for (size_t i = 0; i < spawn->fd_count; i++) {
        lifted[i] = spawn->fds[i];
        if (!lift(&lifted[i], spawn->fd_count))
            return false;
    }
    for (int i = 0; i < (int)spawn->fd_count; i++) {
        if (lifted[i] < 0)
            close(FIRST_FD + i);
        else if (dup2(lifted[i], FIRST_FD + i) < 0)
            return false;
    }
    return place_output(output);
}

/* Kernels before 5.11 and some containers refuse close_range. */
static void close_others_on_exec(unsigned first)
{
    if (close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = (int)first; fd < most; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* A parent that ended before the wish to die with it was known sends no signal any more. */
static bool die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static _Noreturn void become(const struct cw_spawn *spawn, pid_t parent, int report)
{
    if (die_with(parent) && place_fds(spawn, &report)) {
        close_others_on_exec((unsigned)(FIRST_FD + spawn->fd_count));
        reset_signals();
        execv(spawn->argv[0], spawn->argv);
    }
    int why = errno;
    ssize_t n = report >= 0 ? write(report, &why, sizeof why) : 0;
    (void)n; /* there is nobody else to tell */
    _exit(127);
}

/* --- in the parent --- */

/* Signals wait meanwhile: one that came to the child with the parent's handlers would be told to the parent.
 */
static pid_t fork_quietly(const struct cw_spawn *spawn, int report)
{
    sigset_t all, before;
    pid_t parent = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(spawn, parent, report);
    int why = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return pid;
}

/* 0 when the program runs; else why it does not. The pipe closes when it begins. */
static int await_exec(int fd)
{
    int why = 0;
    ssize_t n;
    do
        n = read(fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof why ? (why != 0 ? why : ECHILD) : 0;
}

static pid_t spawn_process(void *arg, const struct cw_spawn *spawn, struct cw_error *err)
{
    (void)arg;
    int report[2];
    if (spawn->fd_count > CW_SPAWN_FDS_MAX || pipe2(report, O_CLOEXEC) != 0) {
        cw_fail(err, CW_IO, "cannot start %s: %s", spawn->argv[0],
                spawn->fd_count > CW_SPAWN_FDS_MAX ? "too many descriptors to inherit" : strerror(errno));
        return -1;
    }
    pid_t pid = fork_quietly(spawn, report[1]);
    int why = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0 && (why = await_exec(report[0])) != 0)
        waitpid(pid, NULL, 0);
    close(report[0]);
    if (why == 0)
        return pid;
    cw_fail(err, CW_IO, "cannot start %s: %s", spawn->argv[0], strerror(why));
    return -1;
}

static bool signal_process(void *arg, pid_t pid, int number)
{
    (void)arg;
    return pid > 0 && kill(pid, number) == 0;
}

/* --- watching --- */

static const int watched[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
enum { WATCHED = sizeof watched / sizeof *watched };

struct watch {
    struct cw_process_events events;
    struct cw_watch *signals[WATCHED];
};

static void reap(struct watch *watch)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        const struct cw_ended ended = { .pid = pid,
                                        .was_killed = WIFSIGNALED(status),
                                        .number =
                                            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) };
        watch->events.ended(watch->events.arg, &ended);
    }
}

static void on_signal(void *arg, int number, int events)
{
    (void)events;
    struct watch *watch = arg;
    if (number == SIGCHLD)
        reap(watch);
    else
        watch->events.told(watch->events.arg, number);
}

static void unwatch(void *arg)
{
    struct watch *watch = arg;
    if (watch == NULL)
        return;
    for (size_t i = 0; i < WATCHED; i++)
        cw_watch_free(watch->signals[i]);
    free(watch);
}

static void *watch_processes(void *arg, struct cw_loop *loop, const struct cw_process_events *events,
                             struct cw_error *err)
{
    (void)arg;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to watch processes");
        return NULL;
    }
    watch->events = *events;
    for (size_t i = 0; i < WATCHED; i++) {
        watch->signals[i] = cw_watch_signal(loop, watched[i], on_signal, watch, err);
        if (watch->signals[i] == NULL) {
            unwatch(watch);
            return NULL;
        }
    }
    return watch;
}

const struct cw_processes cw_system_processes = {
    .spawn = spawn_process,
    .signal = signal_process,
    .watch = watch_processes,
    .unwatch = unwatch,
};

void cw_ended_describe(const struct cw_ended *ended, char *out, size_t cap)
{
    if (ended->was_killed)
        snprintf(out, cap, "was killed by signal %d (%s)", ended->number, strsignal(ended->number));
    else
        snprintf(out, cap, "ended with exit code %d", ended->number);
}
