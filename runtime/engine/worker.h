/* worker.h - one process at work: claims jobs as they come due, runs them, and keeps its leases alive.
 *
 * What is due stands in the store, so any number of workers on any number of machines share it. A worker
 * opens a session for a cart when it claims the cart's first job, keeps it for the next ones, and closes
 * those that lay idle longest when it has more than SESSIONS_KEPT. Between jobs nothing runs: one timer for
 * the next due time, the store's ear, and the clock's.
 */
#ifndef CW_ENGINE_WORKER_H
#define CW_ENGINE_WORKER_H

#include "bindings/site_config.h"
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
    unsigned carts_at_once; /* 0 = 16 */
    uint64_t seed;
    struct cw_script_limits limits;
};

struct cw_worker;

/* Brings the store's list of jobs in line with the site, and begins to claim. `stopped` comes once, from the
 * loop, after cw_worker_stop: every page in hand was stored and every lease given back. */
struct cw_worker *cw_worker_start(const struct cw_worker_config *config, cw_loop_fn *stopped, void *arg,
                                  struct cw_error *err);
/* Ends runs behind the page in hand; they are told as stopped, and go on at their cursors next time. */
void cw_worker_stop(struct cw_worker *worker);
void cw_worker_free(struct cw_worker *worker); /* calls off what runs; accepts NULL */

/* The session in which the cart's scripts run here, opened when it is not yet: for notices of the cart. */
struct cw_session *cw_worker_session(struct cw_worker *worker, const char *cart, struct cw_error *err);

/* A worker died while it ran the cart's scripts: counted, and at the second time the cart is stopped. */
bool cw_worker_blame(struct cw_store *store, const char *cart, const char *how, cw_time now,
                     struct cw_error *err);

#endif
