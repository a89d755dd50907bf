/* process.h - starting, watching and ending other processes, and being told to end: the seam for process
 * control.
 *
 * What stands behind it is the system's, or a test's, which has processes without any.
 */
#ifndef CW_ADAPTERS_PROCESS_H
#define CW_ADAPTERS_PROCESS_H

#include <sys/types.h>

#include "adapters/loop.h"

enum { CW_SPAWN_FDS_MAX = 8 };

struct cw_spawn {
    char *const *argv; /* argv[0] is the program's path */
    const int
        *fds; /* inherited as descriptors 3, 4, ..., where -1 leaves a gap; nothing else but 0 to 2 is */
    size_t fd_count; /* at most CW_SPAWN_FDS_MAX */
    int output;      /* what it writes to standard output goes here; 0 = where ours goes */
};

struct cw_ended {
    pid_t pid;
    bool was_killed; /* by signal `number`; else it ended with exit code `number` */
    int number;
};

/* Both come from the loop, and must not unwatch. */
struct cw_process_events {
    void (*ended)(void *arg, const struct cw_ended *ended); /* a child, told once */
    void (*told)(void *arg, int signal_number);             /* this process: TERM, INT, HUP or USR1 */
    void *arg;
};

struct cw_processes {
    void *arg;
    /* -1 and *err when there is no such process; one that was started and cannot run the program counts as
     * none. */
    pid_t (*spawn)(void *arg, const struct cw_spawn *spawn, struct cw_error *err);
    bool (*signal)(void *arg, pid_t pid, int number);
    /* Before the first spawn, and one at a time. NULL and *err on failure. */
    void *(*watch)(void *arg, struct cw_loop *loop, const struct cw_process_events *events,
                   struct cw_error *err);
    void (*unwatch)(void *watch); /* accepts NULL */
};

/* The system's. A child dies with its parent, by SIGKILL, and begins with the signals of a new program. The
 * watch takes the exit codes of all children of this process, also of those that came to it as orphans. */
extern const struct cw_processes cw_system_processes;

/* "ended with exit code 1", "was killed by signal 11 (Segmentation fault)" */
void cw_ended_describe(const struct cw_ended *ended, char *out, size_t cap);

#endif
