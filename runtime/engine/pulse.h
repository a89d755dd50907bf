/* pulse.h - memory that a worker and its supervisor share: what the worker does right now, and its counters.
 *
 * The worker writes, the supervisor reads, nobody locks. While the worker waits for events it is at rest and
 * nobody looks. When work begins while the supervisor does not watch, one byte through the worker's pipe
 * makes it watch until the worker rests again: so idle processes wake nobody. The memory outlives the worker:
 * its replacement goes on counting in it.
 */
#ifndef CW_ENGINE_PULSE_H
#define CW_ENGINE_PULSE_H

#include "base/clock.h"
#include "base/error.h"

enum { CW_PULSE_CART_MAX = 128 };

struct cw_metrics_page; /* engine/metrics.h */

struct cw_pulse {
    struct cw_pulse_page *page;      /* shared */
    struct cw_metrics_page *metrics; /* shared, behind it */
    int wake_fd;                     /* the worker's end of the pipe; -1 in the supervisor */
    struct cw_clock clock; /* both sides must have the same one; the system's, unless a test has its own */
};

void cw_pulse_close(struct cw_pulse *pulse); /* this side's view of it; accepts NULL */

/* --- for the worker; all but the first accept NULL, and do nothing then --- */

/* Of what the supervisor gave: *fd is used up, `wake_fd` is not. The worker counts as busy until
 * cw_pulse_end. */
struct cw_pulse *cw_pulse_open(int fd, int wake_fd, struct cw_error *err);
/* The store is open and jobs are claimed. */
void cw_pulse_set_ready(struct cw_pulse *pulse);
/* Around every callback of the worker's loop (cw_loop_watch_turns); cheap. */
void cw_pulse_begin(struct cw_pulse *pulse);
void cw_pulse_end(struct cw_pulse *pulse);
/* Around scripts of a cart, which never nest: whom to blame if this is the end. */
void cw_pulse_enter(struct cw_pulse *pulse, const char *cart);
void cw_pulse_leave(struct cw_pulse *pulse);

/* --- for the supervisor --- */

/* For a worker to be; *fd is to be inherited by it. Its size cannot be changed any more, by nobody. */
struct cw_pulse *cw_pulse_create(int *fd, struct cw_error *err);
/* Before a worker is started in it: busy since now, watched, not ready. Its counters stay. */
void cw_pulse_reset(struct cw_pulse *pulse);
bool cw_pulse_is_ready(const struct cw_pulse *pulse);
/* When the callback in hand began, by the monotonic clock; 0 = at rest. */
int64_t cw_pulse_busy_since(const struct cw_pulse *pulse);
/* True when the worker rests, and will tell when it begins again; false when it must be watched further. */
bool cw_pulse_let_rest(struct cw_pulse *pulse);
/* The cart whose script runs or was running; empty = none. Also of a worker that died while it wrote it. */
void cw_pulse_cart(const struct cw_pulse *pulse, char out[CW_PULSE_CART_MAX]);

#endif
