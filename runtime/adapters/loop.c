/* loop.c - what both kinds of loop have in common: work for later, and the order in which things run. */
#include <stdlib.h>

#include "adapters/loop_private.h"

static void list_add(struct cw_later_list *list, struct cw_later *later)
{
    later->next = NULL;
    if (list->last != NULL)
        list->last->next = later;
    else
        list->first = later;
    list->last = later;
}

static struct cw_later *list_take(struct cw_later_list *list)
{
    struct cw_later *later = list->first;
    if (later == NULL)
        return NULL;
    list->first = later->next;
    if (list->first == NULL)
        list->last = NULL;
    return later;
}

static bool list_remove(struct cw_later_list *list, struct cw_later *later)
{
    struct cw_later *before = NULL;
    for (struct cw_later *at = list->first; at != NULL; before = at, at = at->next) {
        if (at != later)
            continue;
        if (before != NULL)
            before->next = at->next;
        else
            list->first = at->next;
        if (list->last == at)
            list->last = before;
        return true;
    }
    return false;
}

void cw_loop_later(struct cw_loop *loop, struct cw_later *later, cw_loop_fn *fn, void *arg)
{
    if (later->waiting)
        return;
    *later = (struct cw_later){ .fn = fn, .arg = arg, .waiting = true };
    list_add(&loop->waiting, later);
}

void cw_later_cancel(struct cw_loop *loop, struct cw_later *later)
{
    if (!later->waiting)
        return;
    if (!list_remove(&loop->due, later))
        list_remove(&loop->waiting, later);
    later->waiting = false;
}

/* --- calling --- */

static void begin_turn(const struct cw_loop *loop)
{
    if (loop->turns.begin != NULL)
        loop->turns.begin(loop->turns.arg);
}

static void end_turn(const struct cw_loop *loop)
{
    if (loop->turns.end != NULL)
        loop->turns.end(loop->turns.arg);
}

void cw_loop_watch_turns(struct cw_loop *loop, struct cw_turns turns)
{
    loop->turns = turns;
}

void cw_loop_call(struct cw_loop *loop, cw_loop_fn *fn, void *arg)
{
    begin_turn(loop);
    fn(arg);
    end_turn(loop);
}

void cw_timer_call(struct cw_timer *timer)
{
    cw_loop_call(timer->loop, timer->fn, timer->arg);
}

void cw_watch_call(struct cw_watch *watch, int fd, int events)
{
    struct cw_loop *loop = watch->loop;
    begin_turn(loop);
    watch->fn(watch->arg, fd, events);
    end_turn(loop);
}

/* --- running --- */

/* What is scheduled meanwhile waits for the next pass, so that descriptors and timers get their turn. False
 * when there was nothing to run. */
static bool run_laters(struct cw_loop *loop)
{
    if (loop->due.first == NULL) {
        loop->due = loop->waiting;
        loop->waiting = (struct cw_later_list){ 0 };
    }
    bool any = false;
    for (struct cw_later *later; !loop->stopping && (later = list_take(&loop->due)) != NULL; any = true) {
        later->waiting = false;
        cw_loop_call(loop, later->fn, later->arg); /* may free `later` */
    }
    return any;
}

void cw_loop_run(struct cw_loop *loop)
{
    bool alive = true;
    while (alive && !loop->stopping) {
        bool idle = loop->due.first == NULL && loop->waiting.first == NULL;
        alive = loop->maker->pass(loop, idle);
        alive = run_laters(loop) || alive;
    }
    loop->stopping = false;
}

void cw_loop_stop(struct cw_loop *loop)
{
    loop->stopping = true;
    loop->maker->stop(loop);
}

void cw_loop_free(struct cw_loop *loop)
{
    if (loop != NULL)
        loop->maker->free(loop);
}

const struct cw_clock *cw_loop_clock(struct cw_loop *loop)
{
    return &loop->clock;
}

struct cw_timer *cw_timer_create(struct cw_loop *loop, cw_loop_fn *fn, void *arg, struct cw_error *err)
{
    struct cw_timer *timer = loop->maker->timer_create(loop, err);
    if (timer != NULL)
        *timer = (struct cw_timer){ loop, fn, arg };
    return timer;
}

void cw_timer_set(struct cw_timer *timer, cw_time delay)
{
    timer->loop->maker->timer_set(timer, delay > 0 ? delay : 0);
}

void cw_timer_clear(struct cw_timer *timer)
{
    timer->loop->maker->timer_clear(timer);
}

void cw_timer_free(struct cw_timer *timer)
{
    if (timer != NULL)
        timer->loop->maker->timer_free(timer);
}

static struct cw_watch *fill_watch(struct cw_watch *watch, struct cw_loop *loop, cw_watch_fn *fn, void *arg)
{
    if (watch != NULL)
        *watch = (struct cw_watch){ loop, fn, arg };
    return watch;
}

struct cw_watch *cw_watch_create(struct cw_loop *loop, int fd, int events, cw_watch_fn *fn, void *arg,
                                 struct cw_error *err)
{
    return fill_watch(loop->maker->watch_create(loop, fd, events, err), loop, fn, arg);
}

struct cw_watch *cw_watch_signal(struct cw_loop *loop, int signal_number, cw_watch_fn *fn, void *arg,
                                 struct cw_error *err)
{
    return fill_watch(loop->maker->watch_signal(loop, signal_number, err), loop, fn, arg);
}

void cw_watch_free(struct cw_watch *watch)
{
    if (watch != NULL)
        watch->loop->maker->watch_free(watch);
}

/* --- the clock --- */

struct cw_clock_watch *cw_loop_watch_clock(struct cw_loop *loop, cw_loop_fn *fn, void *arg,
                                           struct cw_error *err)
{
    struct cw_clock_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to watch the clock");
        return NULL;
    }
    if (loop->clock_watches == NULL && !loop->maker->clock_begin(loop, err)) {
        free(watch);
        return NULL;
    }
    /* As if told: one that begins in a callback of another hears of the next time. */
    *watch = (struct cw_clock_watch){ loop, loop->clock_watches, fn, arg, .was_told = true };
    loop->clock_watches = watch;
    return watch;
}

void cw_clock_watch_free(struct cw_clock_watch *watch)
{
    if (watch == NULL)
        return;
    struct cw_clock_watch **at = &watch->loop->clock_watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    if (watch->loop->clock_watches == NULL)
        watch->loop->maker->clock_end(watch->loop);
    free(watch);
}

static struct cw_clock_watch *first_untold(const struct cw_loop *loop)
{
    struct cw_clock_watch *at = loop->clock_watches;
    while (at != NULL && at->was_told)
        at = at->next;
    return at;
}

/* Any of them may free any other. */
void cw_loop_tell_clock(struct cw_loop *loop)
{
    for (struct cw_clock_watch *at = loop->clock_watches; at != NULL; at = at->next)
        at->was_told = false;
    for (struct cw_clock_watch *at; (at = first_untold(loop)) != NULL;) {
        at->was_told = true;
        at->fn(at->arg);
    }
}
