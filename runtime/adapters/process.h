/* process.h - starting, watching and ending other processes: the seam for process control.
 */
#ifndef CW_ADAPTERS_PROCESS_H
#define CW_ADAPTERS_PROCESS_H

#include <sys/types.h>

#include "adapters/loop.h"

struct cw_spawn {
    char *const *argv; /* argv[0] is the program's path */
    const int *fds;    /* inherited as descriptors 3, 4, ...; nothing else but 0 to 2 is */
    size_t fd_count;
};

struct cw_ended {
    pid_t pid;
    bool was_killed; /* by signal `number`; else it ended with exit code `number` */
    int number;
};

typedef void cw_ended_fn(void *arg, const struct cw_ended *ended);

struct cw_processes {
    void *arg;
    pid_t (*spawn)(void *arg, const struct cw_spawn *spawn, struct cw_error *err); /* -1 on failure */
    bool (*signal)(void *arg, pid_t pid, int number);
};

/* The system's. A child dies with its parent. */
extern const struct cw_processes cw_system_processes;

/* Tells of each child that ended, from the loop. */
struct cw_watch *cw_process_watch(struct cw_loop *loop, cw_ended_fn *ended, void *arg, struct cw_error *err);

#endif
