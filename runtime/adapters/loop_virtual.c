/* loop_virtual.c - the loop of tests: whenever nothing else is left to do, time jumps to the next due timer.
 */
#include "adapters/loop_private.h"

#include <poll.h>
#include <stdlib.h>

struct virtual_timer {
    struct cw_timer timer;
    struct virtual_timer *before, *after; /* among the set ones, by due time, then in the order of setting */
    cw_time due;
    uint64_t number; /* of its setting */
    bool is_set;
};

struct virtual_watch {
    struct cw_watch watch;
    struct virtual_watch *next;
    struct pollfd poll;
};

struct virtual_loop {
    struct cw_loop loop;
    cw_time start;
    cw_time elapsed;
    uint64_t settings; /* of timers, so far */
    struct virtual_timer *first, *last;
    struct virtual_watch *watches;
    size_t watch_count;
    struct cw_later clock_was_set;
};

static struct virtual_loop *own_loop(struct cw_loop *loop)
{
    return (struct virtual_loop *)loop;
}

static cw_time clock_now(void *arg)
{
    struct virtual_loop *own = arg;
    return own->start + own->elapsed;
}

static int64_t clock_elapsed(void *arg)
{
    return ((struct virtual_loop *)arg)->elapsed * 1000;
}

static void clear_timer(struct cw_timer *timer)
{
    struct virtual_timer *own = (struct virtual_timer *)timer;
    struct virtual_loop *loop = own_loop(timer->loop);
    if (!own->is_set)
        return;
    *(own->before != NULL ? &own->before->after : &loop->first) = own->after;
    *(own->after != NULL ? &own->after->before : &loop->last) = own->before;
    own->before = own->after = NULL;
    own->is_set = false;
}

static void set_timer(struct cw_timer *timer, cw_time delay)
{
    struct virtual_timer *own = (struct virtual_timer *)timer;
    struct virtual_loop *loop = own_loop(timer->loop);
    clear_timer(timer);
    own->due = loop->elapsed + delay;
    own->number = ++loop->settings;
    own->is_set = true;

    struct virtual_timer *before = loop->last;
    while (before != NULL && before->due > own->due)
        before = before->before;
    own->before = before;
    own->after = before != NULL ? before->after : loop->first;
    *(own->before != NULL ? &own->before->after : &loop->first) = own;
    *(own->after != NULL ? &own->after->before : &loop->last) = own;
}

static struct cw_timer *create_timer(struct cw_loop *loop, struct cw_error *err)
{
    (void)loop;
    struct virtual_timer *own = calloc(1, sizeof *own);
    if (own == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a timer");
        return NULL;
    }
    return &own->timer;
}

static void free_timer(struct cw_timer *timer)
{
    clear_timer(timer);
    free(timer);
}

/* Only what was set before the pass began: a timer that sets itself to 0 must not keep the rest from running.
 */
static void run_timers(struct virtual_loop *loop, bool wait)
{
    uint64_t settings = loop->settings;
    if (wait && loop->first != NULL && loop->first->due > loop->elapsed)
        loop->elapsed = loop->first->due;
    while (!loop->loop.stopping && loop->first != NULL && loop->first->due <= loop->elapsed &&
           loop->first->number <= settings) {
        struct cw_timer *timer = &loop->first->timer;
        clear_timer(timer);
        cw_timer_call(timer);
    }
}

static struct virtual_watch *ready_watch(struct virtual_loop *loop)
{
    struct virtual_watch *at = loop->watches;
    while (at != NULL && at->poll.revents == 0)
        at = at->next;
    return at;
}

static void call_watch(struct virtual_watch *own)
{
    short got = own->poll.revents, failed = got & (POLLERR | POLLHUP | POLLNVAL);
    own->poll.revents = 0;
    int events = ((got & POLLIN) || (failed && (own->poll.events & POLLIN)) ? CW_READABLE : 0) |
                 ((got & POLLOUT) || (failed && (own->poll.events & POLLOUT)) ? CW_WRITABLE : 0);
    cw_watch_call(&own->watch, own->poll.fd, events);
}

static void run_watches(struct virtual_loop *loop, bool wait)
{
    size_t count = 0;
    struct pollfd *polls = loop->watch_count > 0 ? calloc(loop->watch_count, sizeof *polls) : NULL;
    if (polls == NULL)
        return;
    for (struct virtual_watch *at = loop->watches; at != NULL; at = at->next)
        polls[count++] = at->poll;
    bool any = poll(polls, count, wait ? -1 : 0) > 0;
    count = 0;
    for (struct virtual_watch *at = loop->watches; at != NULL; at = at->next)
        at->poll.revents = any ? polls[count++].revents : 0;
    free(polls);
    for (struct virtual_watch *at; !loop->loop.stopping && (at = ready_watch(loop)) != NULL;)
        call_watch(at);
}

static bool pass(struct cw_loop *loop, bool wait)
{
    struct virtual_loop *own = own_loop(loop);
    if (own->first == NULL && own->watches == NULL)
        return false;
    run_watches(own, wait && own->first == NULL);
    run_timers(own, wait);
    return true;
}

static struct cw_watch *create_watch(struct cw_loop *loop, int fd, int events, struct cw_error *err)
{
    struct virtual_watch *own = calloc(1, sizeof *own);
    if (own == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a watch");
        return NULL;
    }
    own->poll.fd = fd;
    own->poll.events = (events & CW_READABLE ? POLLIN : 0) | (events & CW_WRITABLE ? POLLOUT : 0);
    own->next = own_loop(loop)->watches;
    own_loop(loop)->watches = own;
    own_loop(loop)->watch_count++;
    return &own->watch;
}

static struct cw_watch *no_signals(struct cw_loop *loop, int signal_number, struct cw_error *err)
{
    (void)loop;
    cw_fail(err, CW_USAGE, "a loop in virtual time cannot wait for signal %d", signal_number);
    return NULL;
}

static void free_watch(struct cw_watch *watch)
{
    struct virtual_loop *loop = own_loop(watch->loop);
    struct virtual_watch **at = &loop->watches;
    while (&(*at)->watch != watch)
        at = &(*at)->next;
    *at = (*at)->next;
    loop->watch_count--;
    free(watch);
}

static void stop(struct cw_loop *loop)
{
    (void)loop; /* pass looks at loop->stopping */
}

static void free_loop(struct cw_loop *loop)
{
    free(loop);
}

static bool begin_clock(struct cw_loop *loop, struct cw_error *err)
{
    (void)loop; /* only cw_loop_step_clock sets it */
    (void)err;
    return true;
}

static void end_clock(struct cw_loop *loop)
{
    cw_later_cancel(loop, &own_loop(loop)->clock_was_set);
}

static void tell_clock(void *arg)
{
    cw_loop_tell_clock(arg);
}

static const struct cw_loop_maker virtual_maker = {
    .pass = pass,
    .stop = stop,
    .free = free_loop,
    .timer_create = create_timer,
    .timer_set = set_timer,
    .timer_clear = clear_timer,
    .timer_free = free_timer,
    .watch_create = create_watch,
    .watch_signal = no_signals,
    .watch_free = free_watch,
    .clock_begin = begin_clock,
    .clock_end = end_clock,
};

void cw_loop_step_clock(struct cw_loop *loop, cw_time to)
{
    if (loop->maker != &virtual_maker)
        return;
    struct virtual_loop *own = own_loop(loop);
    own->start = to - own->elapsed;
    if (loop->clock_watches != NULL)
        cw_loop_later(loop, &own->clock_was_set, tell_clock, loop);
}

struct cw_loop *cw_loop_create_virtual(cw_time start, struct cw_error *err)
{
    struct virtual_loop *own = calloc(1, sizeof *own);
    if (own == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for an event loop");
        return NULL;
    }
    own->loop.maker = &virtual_maker;
    own->loop.clock = (struct cw_clock){ clock_now, clock_elapsed, own };
    own->start = start;
    return &own->loop;
}
