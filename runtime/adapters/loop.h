/* loop.h - the event loop: timers, work for later, descriptors. One loop, one thread.
 *
 * Two makers: libevent for real life, and virtual time for tests, in which the clock jumps to the next due
 * timer whenever nothing else is left to do. Code above cannot tell them apart.
 *
 * Callbacks run from cw_loop_run only, never from inside the call that registered them, one at a time. A
 * callback may free its own timer or watch, and may stop the loop.
 */
#ifndef CW_ADAPTERS_LOOP_H
#define CW_ADAPTERS_LOOP_H

#include "base/clock.h"
#include "base/error.h"

struct cw_loop;
struct cw_timer;
struct cw_watch;

typedef void cw_loop_fn(void *arg);

struct cw_loop *cw_loop_create(struct cw_error *err);

/* Virtual time: starts at `start`; cw_loop_clock then shows the virtual time. Watches work, but while any
 * timer is due no descriptor is waited for: tests of virtual time use none. */
struct cw_loop *cw_loop_create_virtual(cw_time start, struct cw_error *err);

/* Scaled time, for tests that soak: as cw_loop_create, but from `origin` on the clock of the loop runs
 * `factor` times as fast as the machine's (both of its hands), and timers come so much sooner. All processes
 * of a machine with the same factor and origin see the same time. The program does so, for its tests alone,
 * when CARTWRIGHT_TIME_SCALE says FACTOR@ORIGIN, in seconds since 1970. */
struct cw_loop *cw_loop_create_scaled(unsigned factor, cw_time origin, struct cw_error *err);

/* All timers and watches must be freed before. Accepts NULL. */
void cw_loop_free(struct cw_loop *loop);

/* The clock that belongs to this loop; valid as long as the loop. */
const struct cw_clock *cw_loop_clock(struct cw_loop *loop);

/* Runs until cw_loop_stop or until nothing is registered that could ever fire. */
void cw_loop_run(struct cw_loop *loop);
void cw_loop_stop(struct cw_loop *loop);

/* Around every callback from now on, for those who watch how long one takes: `begin` before it, `end` behind
 * it, never nested. Both NULL = nobody. */
struct cw_turns {
    void (*begin)(void *arg);
    void (*end)(void *arg);
    void *arg;
};
void cw_loop_watch_turns(struct cw_loop *loop, struct cw_turns turns);

/* Calls fn once, from the loop, after the callbacks that are due now. Cannot fail: `later` is the caller's
 * memory, cleared to { 0 } before its first use, and must stay valid until it has run or was cancelled.
 * Scheduling one that waits already does nothing. */
struct cw_later {
    struct cw_later *next;
    cw_loop_fn *fn;
    void *arg;
    bool waiting;
};
void cw_loop_later(struct cw_loop *loop, struct cw_later *later, cw_loop_fn *fn, void *arg);
void cw_later_cancel(struct cw_loop *loop, struct cw_later *later);

/* A timer is created idle; setting it again replaces the earlier time; it fires once. Monotonic: clock steps
 * do not matter. Delays below 0 count as 0. */
struct cw_timer *cw_timer_create(struct cw_loop *loop, cw_loop_fn *fn, void *arg, struct cw_error *err);
void cw_timer_set(struct cw_timer *timer, cw_time delay);
void cw_timer_clear(struct cw_timer *timer);
void cw_timer_free(struct cw_timer *timer); /* accepts NULL; also from its own callback */

enum { CW_READABLE = 1, CW_WRITABLE = 2 };
typedef void cw_watch_fn(void *arg, int fd, int events);

/* Level-triggered until freed. Does not own fd; free the watch before closing fd. */
struct cw_watch *cw_watch_create(struct cw_loop *loop, int fd, int events, cw_watch_fn *fn, void *arg,
                                 struct cw_error *err);
void cw_watch_free(struct cw_watch *watch); /* accepts NULL; also from its own callback */

/* Told, from the loop, after the wall clock was set or the machine woke from sleep: whoever computed a delay
 * from times of day computes it anew. Nothing is polled. It keeps no loop running. */
struct cw_clock_watch;
struct cw_clock_watch *cw_loop_watch_clock(struct cw_loop *loop, cw_loop_fn *fn, void *arg,
                                           struct cw_error *err);
void cw_clock_watch_free(struct cw_clock_watch *watch); /* accepts NULL; also from its own callback */

/* Sets the wall clock of a virtual loop to another time, as a person or a time server would; watchers are
 * told from the loop. What is elapsed, and timers, go on as before. */
void cw_loop_step_clock(struct cw_loop *loop, cw_time to);

/* SIGINT and the like, delivered as an ordinary callback. NULL when the loop is virtual. */
struct cw_watch *cw_watch_signal(struct cw_loop *loop, int signal_number, cw_watch_fn *fn, void *arg,
                                 struct cw_error *err);

#endif
