/* loop_private.h - what loop.c and the two makers of loops share; nobody else includes it. */
#ifndef CW_ADAPTERS_LOOP_PRIVATE_H
#define CW_ADAPTERS_LOOP_PRIVATE_H

#include "adapters/loop.h"

/* The first member of each maker's own timer, watch and loop. */
struct cw_timer {
    struct cw_loop *loop;
    cw_loop_fn *fn;
    void *arg;
};

struct cw_watch {
    struct cw_loop *loop;
    cw_watch_fn *fn;
    void *arg;
};

struct cw_clock_watch {
    struct cw_loop *loop;
    struct cw_clock_watch *next;
    cw_loop_fn *fn;
    void *arg;
    bool was_told; /* of the last time that the clock was set */
};

/* Makers return cleared memory of their own type; loop.c fills the common part in before anything can fire.
 */
struct cw_loop_maker {
    /* Runs the callbacks that are due, after waiting for one when `wait` is set; returns early when the loop
     * is told to stop. False when nothing is registered that could ever fire. */
    bool (*pass)(struct cw_loop *loop, bool wait);
    void (*stop)(struct cw_loop *loop);
    void (*free)(struct cw_loop *loop);
    struct cw_timer *(*timer_create)(struct cw_loop *loop, struct cw_error *err);
    void (*timer_set)(struct cw_timer *timer, cw_time delay);
    void (*timer_clear)(struct cw_timer *timer);
    void (*timer_free)(struct cw_timer *timer);
    struct cw_watch *(*watch_create)(struct cw_loop *loop, int fd, int events, struct cw_error *err);
    struct cw_watch *(*watch_signal)(struct cw_loop *loop, int signal_number, struct cw_error *err);
    void (*watch_free)(struct cw_watch *watch);
    /* Begins to call cw_loop_tell_clock when the clock was set, and ends it. */
    bool (*clock_begin)(struct cw_loop *loop, struct cw_error *err);
    void (*clock_end)(struct cw_loop *loop);
};

struct cw_later_list {
    struct cw_later *first, *last;
};

struct cw_loop {
    const struct cw_loop_maker *maker;
    struct cw_clock clock;
    struct cw_turns turns;
    struct cw_later_list waiting; /* for the next pass */
    struct cw_later_list due;     /* being run in this one */
    struct cw_clock_watch *clock_watches;
    bool stopping;
};

/* The only ways in which callbacks are called. What is called may free `timer` or `watch`. */
void cw_loop_call(struct cw_loop *loop, cw_loop_fn *fn, void *arg);
void cw_timer_call(struct cw_timer *timer);
void cw_watch_call(struct cw_watch *watch, int fd, int events);

/* Runs the callbacks of all that watch the clock; from a callback of the loop. */
void cw_loop_tell_clock(struct cw_loop *loop);

#endif
