/* loop.c - what both kinds of loop have in common: work for later, and the order in which things run. */
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
        later->fn(later->arg); /* may free `later` */
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
