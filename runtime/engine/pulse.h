/* pulse.h - a page of memory that a worker and its supervisor share: what the worker does right now, and its
 * counters.
 *
 * The worker writes, the supervisor reads, nobody locks. While the worker waits for events `busy_since_ns` is
 * 0 and nobody looks. When work begins while the supervisor does not watch, one byte through the worker's
 * pipe makes it watch until the worker rests again: so idle processes wake nobody. The page outlives the
 * worker: its replacement goes on counting in it.
 */
#ifndef CW_ENGINE_PULSE_H
#define CW_ENGINE_PULSE_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"

enum { CW_PULSE_CART_MAX = 128 };

struct cw_pulse {
    _Atomic int64_t busy_since_ns; /* when the callback in hand began, by the monotonic clock; 0 = at rest */
    _Atomic int watched;
    _Atomic int ready;               /* the store is open and jobs are claimed */
    char cart[CW_PULSE_CART_MAX];    /* whose script runs; empty = none */
    int wake_fd;                     /* the worker's end; not shared */
    struct cw_metrics_page *metrics; /* engine/metrics.h, in the same memory */
};

/* A page for a worker to be; *fd is to be inherited by it. */
struct cw_pulse *cw_pulse_create(int *fd, struct cw_error *err);
struct cw_pulse *cw_pulse_open(int fd, int wake_fd, struct cw_error *err); /* in the worker */
void cw_pulse_close(struct cw_pulse *pulse);                               /* accepts NULL */

/* Around every turn of the worker's loop, and around scripts of a cart; cheap. */
void cw_pulse_begin(struct cw_pulse *pulse);
void cw_pulse_end(struct cw_pulse *pulse);
void cw_pulse_enter(struct cw_pulse *pulse, const char *cart); /* accepts NULL */
void cw_pulse_leave(struct cw_pulse *pulse);                   /* accepts NULL */

#endif
