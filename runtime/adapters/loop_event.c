/* loop_event.c - the loop of real life, on libevent. */
#include "adapters/loop_private.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/calendar.h"

struct event_loop {
    struct cw_loop loop;
    struct event_base *base;
    struct event *clock_event; /* NULL = nobody watches the clock */
    int clock_fd;
    unsigned factor; /* how many times as fast as the machine's clock */
    cw_time origin;  /* since when */
};

struct event_timer {
    struct cw_timer timer;
    struct event *event;
};

struct event_watch {
    struct cw_watch watch;
    struct event *event;
};

static struct event_loop *own_loop(struct cw_loop *loop)
{
    return (struct event_loop *)loop;
}

static struct event_base *base_of(struct cw_loop *loop)
{
    return own_loop(loop)->base;
}

/* Who only watches the clock waits for nothing. */
static bool only_clock_is_left(struct cw_loop *loop)
{
    return own_loop(loop)->clock_event != NULL &&
           event_base_get_num_events(base_of(loop), EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) == 1;
}

static bool pass(struct cw_loop *loop, bool wait)
{
    wait = wait && !only_clock_is_left(loop);
    return event_base_loop(base_of(loop), EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK)) == 0 &&
           !only_clock_is_left(loop);
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
    cw_timer_call(arg);
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
    cw_time factor = own_loop(timer->loop)->factor;
    delay = delay / factor + (delay % factor != 0);
    struct timeval tv = { .tv_sec = delay / CW_SECOND, .tv_usec = delay % CW_SECOND };
    evtimer_add(((struct event_timer *)timer)->event, &tv);
}

static void clear_timer(struct cw_timer *timer)
{
    evtimer_del(((struct event_timer *)timer)->event);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    cw_watch_call(arg, fd, (what & EV_READ ? CW_READABLE : 0) | (what & EV_WRITE ? CW_WRITABLE : 0));
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

/* --- the clock --- */

/* A time that never comes; the kernel calls the timer off when the clock is set or the machine wakes up. */
static bool arm_clock(int fd)
{
    struct itimerspec never = { .it_value.tv_sec = CW_LAST_SECOND };
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void tell_clock(void *loop)
{
    cw_loop_tell_clock(loop);
}

static void on_clock(evutil_socket_t fd, short what, void *arg)
{
    uint64_t expirations;
    (void)what;
    ssize_t got = read(fd, &expirations, sizeof expirations);
    if (got < 0 && errno == ECANCELED && arm_clock(fd))
        cw_loop_call(arg, tell_clock, arg);
}

static void end_clock(struct cw_loop *loop)
{
    struct event_loop *own = own_loop(loop);
    if (own->clock_event != NULL)
        event_free(own->clock_event);
    if (own->clock_fd >= 0)
        close(own->clock_fd);
    own->clock_event = NULL;
    own->clock_fd = -1;
}

static bool begin_clock(struct cw_loop *loop, struct cw_error *err)
{
    struct event_loop *own = own_loop(loop);
    own->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (own->clock_fd >= 0 && arm_clock(own->clock_fd))
        own->clock_event = event_new(own->base, own->clock_fd, EV_READ | EV_PERSIST, on_clock, loop);
    if (own->clock_event != NULL && event_add(own->clock_event, NULL) == 0)
        return true;
    cw_fail(err, CW_IO, "cannot watch the clock: %s", strerror(errno));
    end_clock(loop);
    return false;
}

/* Every process with the same factor and origin reads the same time from these. */
static cw_time scaled_now(void *arg)
{
    const struct event_loop *own = arg;
    cw_time now = cw_now(&cw_system_clock);
    return now > own->origin ? own->origin + (now - own->origin) * own->factor : now;
}

static int64_t scaled_elapsed(void *arg)
{
    const struct event_loop *own = arg;
    return cw_elapsed_ns(&cw_system_clock) * own->factor;
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
    .clock_begin = begin_clock,
    .clock_end = end_clock,
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
    own->clock_fd = -1;
    own->factor = 1;
    return &own->loop;
}

struct cw_loop *cw_loop_create_scaled(unsigned factor, cw_time origin, struct cw_error *err)
{
    struct cw_loop *loop = cw_loop_create(err);
    if (loop == NULL)
        return NULL;
    own_loop(loop)->factor = factor > 0 ? factor : 1;
    own_loop(loop)->origin = origin;
    loop->clock = (struct cw_clock){ scaled_now, scaled_elapsed, loop };
    return loop;
}
