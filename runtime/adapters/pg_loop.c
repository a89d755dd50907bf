/* pg_loop.c - what drives the connection: the loop, or somebody who waits. */
#include "adapters/pg_link.h"

#include <errno.h>
#include <poll.h>

/* --- what is waited for --- */

static int events_of(const struct cw_pg_link *link)
{
    if (link->state == CW_PG_CONNECTING)
        return link->polling == PGRES_POLLING_READING ? CW_READABLE : CW_WRITABLE;
    if (link->state != CW_PG_UP)
        return 0;
    return (link->sent.first != NULL || link->is_listening ? CW_READABLE : 0) |
           (link->wants_writing ? CW_WRITABLE : 0);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wake_ns_of(const struct cw_pg_link *link)
{
    int64_t wake_ns = cw_pg_turn_wake_ns(link);
    if (link->unsent.first != NULL)
        wake_ns = earlier(wake_ns, link->unsent.first->deadline_ns);
    if (link->state == CW_PG_CONNECTING)
        wake_ns = earlier(wake_ns, link->started_ns + CW_PG_OPEN_SECONDS * INT64_C(1000000000));
    if (link->state == CW_PG_DOWN && cw_pg_wants_link(link))
        wake_ns = earlier(wake_ns, link->retry_ns);
    return wake_ns;
}

/* --- the loop --- */

static void on_later(void *arg)
{
    cw_pg_pump(arg);
}

static void on_ready(void *arg, int fd, int events)
{
    (void)fd, (void)events;
    cw_pg_pump(arg);
}

void cw_pg_unwatch(struct cw_pg_link *link)
{
    cw_watch_free(link->watch);
    link->watch = NULL;
    link->watch_fd = -1;
}

/* Only what can happen is watched, so that a loop with nothing else to do ends. */
static void watch(struct cw_pg_link *link)
{
    int events = events_of(link), fd = events != 0 ? PQsocket(link->conn) : -1;
    if (link->watch_fd == fd && link->watch_events == events)
        return;
    cw_pg_unwatch(link);
    if (fd < 0)
        return;
    link->watch = cw_watch_create(link->pg->store.loop, fd, events, on_ready, link, NULL);
    if (link->watch == NULL) /* out of memory: tried again with the next step */
        return;
    link->watch_fd = fd;
    link->watch_events = events;
}

static void arm(struct cw_pg_link *link)
{
    int64_t wake_ns = wake_ns_of(link);
    if (link->pg->store.loop == NULL)
        return;
    watch(link);
    if (wake_ns == CW_PG_NEVER)
        cw_timer_clear(link->timer);
    else
        cw_timer_set(link->timer, (wake_ns - cw_pg_clock_ns()) / 1000 + 1);
}

void cw_pg_pump_later(struct cw_pg_link *link)
{
    if (link->pg->store.loop != NULL)
        cw_loop_later(link->pg->store.loop, &link->later, on_later, link);
}

bool cw_pg_loop_open(struct cw_pg_link *link, struct cw_error *err)
{
    link->watch_fd = -1;
    if (link->pg->store.loop == NULL)
        return true;
    link->timer = cw_timer_create(link->pg->store.loop, on_later, link, err);
    return link->timer != NULL;
}

void cw_pg_loop_close(struct cw_pg_link *link)
{
    cw_pg_unwatch(link);
    cw_timer_free(link->timer);
    if (link->pg->store.loop != NULL)
        cw_later_cancel(link->pg->store.loop, &link->later);
}

/* --- one step --- */

static void step(struct cw_pg_link *link)
{
    cw_pg_link_step(link);
    cw_pg_turn_step(link);
    cw_pg_listen_step(link);
    if (link->state == CW_PG_UP && !cw_pg_flush(link))
        cw_pg_lose_link(link);
}

void cw_pg_pump(struct cw_pg_link *link)
{
    step(link);
    if (link->state == CW_PG_UP && !cw_pg_receive(link))
        cw_pg_lose_link(link);
    cw_pg_expire_unsent(link, cw_pg_clock_ns());
    step(link); /* what the answers asked for */
    arm(link);
}

/* --- waiting --- */

static bool is_outstanding(const struct cw_pg_link *link)
{
    return link->sent.first != NULL || link->unsent.first != NULL || cw_pg_turn_is_busy(link);
}

static int poll_ms(int64_t wake_ns)
{
    if (wake_ns == CW_PG_NEVER)
        return -1;
    int64_t left_ms = (wake_ns - cw_pg_clock_ns()) / 1000000 + 1;
    return left_ms < 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms;
}

static void wait_once(struct cw_pg_link *link)
{
    int events = events_of(link);
    struct pollfd fd = { .fd = events != 0 ? PQsocket(link->conn) : -1 };
    fd.events = (short)((events & CW_READABLE ? POLLIN : 0) | (events & CW_WRITABLE ? POLLOUT : 0));
    poll(&fd, 1, poll_ms(wake_ns_of(link)));
}

void cw_pg_wait(struct cw_store *store)
{
    struct cw_pg_link *link = cw_pg_of(store)->link;
    for (cw_pg_pump(link); is_outstanding(link); cw_pg_pump(link))
        wait_once(link);
}
