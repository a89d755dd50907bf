/* loop_event.c - the loop of real life, on libevent. */
#include "adapters/loop_private.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

struct event_loop {
    struct cw_loop loop;
    struct event_base *base;
};

struct event_timer {
    struct cw_timer timer;
    struct event *event;
};

struct event_watch {
    struct cw_watch watch;
    struct event *event;
};

static struct event_base *base_of(struct cw_loop *loop)
{
    return ((struct event_loop *)loop)->base;
}

static bool pass(struct cw_loop *loop, bool wait)
{
    return event_base_loop(base_of(loop), EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK)) == 0;
}

static void stop(struct cw_loop *loop)
{
    event_base_loopbreak(base_of(loop));
}

static void free_loop(struct cw_loop *loop)
{
    if (base_of(loop) != NULL)
        event_base_free(base_of(loop));
    free(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct cw_timer *timer = arg;
    timer->fn(timer->arg);
}

static void free_timer(struct cw_timer *timer)
{
    struct event_timer *own = (struct event_timer *)timer;
    if (own->event != NULL)
        event_free(own->event);
    free(own);
}

static struct cw_timer *create_timer(struct cw_loop *loop, struct cw_error *err)
{
    struct event_timer *own = calloc(1, sizeof *own);
    if (own != NULL)
        own->event = evtimer_new(base_of(loop), on_timer, own);
    if (own != NULL && own->event != NULL)
        return &own->timer;
    free(own);
    cw_fail(err, CW_NOMEM, "no memory for a timer");
    return NULL;
}

static void set_timer(struct cw_timer *timer, cw_time delay)
{
    struct timeval tv = { .tv_sec = delay / CW_SECOND, .tv_usec = delay % CW_SECOND };
    evtimer_add(((struct event_timer *)timer)->event, &tv);
}

static void clear_timer(struct cw_timer *timer)
{
    evtimer_del(((struct event_timer *)timer)->event);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct cw_watch *watch = arg;
    watch->fn(watch->arg, fd, (what & EV_READ ? CW_READABLE : 0) | (what & EV_WRITE ? CW_WRITABLE : 0));
}

static void free_watch(struct cw_watch *watch)
{
    struct event_watch *own = (struct event_watch *)watch;
    if (own->event != NULL)
        event_free(own->event);
    free(own);
}

static struct cw_watch *create_event(struct cw_loop *loop, int fd, short what, struct cw_error *err)
{
    struct event_watch *own = calloc(1, sizeof *own);
    if (own == NULL)
        goto nomem;
    own->event = event_new(base_of(loop), fd, what | EV_PERSIST, on_watch, own);
    if (own->event == NULL)
        goto nomem;
    if (event_add(own->event, NULL) != 0) {
        cw_fail(err, CW_IO, "cannot wait for %s %d: %s", what & EV_SIGNAL ? "signal" : "descriptor", fd,
                strerror(errno));
        free_watch(&own->watch);
        return NULL;
    }
    return &own->watch;
nomem:
    free(own);
    cw_fail(err, CW_NOMEM, "no memory for a watch");
    return NULL;
}

static struct cw_watch *create_watch(struct cw_loop *loop, int fd, int events, struct cw_error *err)
{
    short what = (events & CW_READABLE ? EV_READ : 0) | (events & CW_WRITABLE ? EV_WRITE : 0);
    return create_event(loop, fd, what, err);
}

static struct cw_watch *create_signal(struct cw_loop *loop, int signal_number, struct cw_error *err)
{
    return create_event(loop, signal_number, EV_SIGNAL, err);
}

static const struct cw_loop_maker event_maker = {
    .pass = pass,
    .stop = stop,
    .free = free_loop,
    .timer_create = create_timer,
    .timer_set = set_timer,
    .timer_clear = clear_timer,
    .timer_free = free_timer,
    .watch_create = create_watch,
    .watch_signal = create_signal,
    .watch_free = free_watch,
};

/* By default libevent reads a coarse clock once per pass: a timer set late in a long callback would fire
 * early. */
static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* TLS writes to sockets whose other end may be gone; a handler that the program chose is kept. */
static void ignore_broken_pipes(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

struct cw_loop *cw_loop_create(struct cw_error *err)
{
    struct event_loop *own = calloc(1, sizeof *own);
    if (own != NULL)
        own->base = create_base();
    if (own == NULL || own->base == NULL) {
        cw_fail(err, CW_IO, "the event loop cannot be created: out of memory or of descriptors");
        free(own);
        return NULL;
    }
    ignore_broken_pipes();
    own->loop.maker = &event_maker;
    own->loop.clock = cw_system_clock;
    return &own->loop;
}
