/* worker.h - one process at work: claims jobs as they come due, runs them, and keeps its leases alive.
 *
 * What is due stands in the store, so any number of workers on any number of machines share it. A worker
 * opens a session for a cart when it claims the cart's first job, keeps it for the next ones, and closes
 * those that lay idle longest when it has many. Between jobs nothing runs: one timer for the next due time,
 * the store's ear, and the clock's.
 *
 * A job that fails is tried again after a minute, then ever later up to a quarter of an hour, and by its
 * schedule again once it ran well; one that failed for want of the store, a few times within seconds, then
 * each minute. A worker that lost a lease drops what it did for the cart without a trace:
 * the fence in every commit sees to that.
 */
#ifndef CW_ENGINE_WORKER_H
#define CW_ENGINE_WORKER_H

#include "engine/pulse.h"
#include "engine/session.h"

struct cw_worker_config {
    const struct cw_site *site;
    struct cw_loop *loop;
    struct cw_transport *transport;
    struct cw_store *store;
    const char *holder;     /* unlike any other worker's, on any machine: "host/1234/5f3a" */
    struct cw_pulse *pulse; /* NULL = nobody watches */
    cw_time lease_time;     /* 0 = one minute */
    unsigned carts_at_once; /* jobs that run side by side, besides those that take longer than a minute, of
                               which there may be seven times as many; 0 = 16 */
    uint64_t seed;
    struct cw_script_limits limits;
    /* Called from the loop, once: after cw_worker_stop, when every page in hand was stored and every lease
     * given back, with err NULL; or when the store cannot be written any more until it is opened anew. */
    void (*stopped)(void *arg, const struct cw_error *err);
    void *arg;
};

struct cw_worker;

/* Begins to claim; the jobs have been planned (plan_jobs.h). */
struct cw_worker *cw_worker_start(const struct cw_worker_config *config, struct cw_error *err);
/* Ends runs behind the page in hand; they go on at their cursors next time. */
void cw_worker_stop(struct cw_worker *worker);
/* Calls off what still runs. Accepts NULL. */
void cw_worker_free(struct cw_worker *worker);

/* The session in which the cart's scripts run here, opened when it is not yet: for notices of the cart. It
 * stays open until it is released, as often as it was asked for. CW_NOT_FOUND for a cart that the site does
 * not have. */
struct cw_session *cw_worker_session(struct cw_worker *worker, const char *cart, struct cw_error *err);
void cw_worker_release(struct cw_worker *worker, const char *cart);

/* A worker died while it ran the cart's scripts: counted, and at the second time the cart is stopped, with
 * `how` as the reason. Waits for the store. */
bool cw_worker_blame(struct cw_store *store, const char *cart, const char *how, cw_time now,
                     struct cw_error *err);

#endif
