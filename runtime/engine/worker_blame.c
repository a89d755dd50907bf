/* worker_blame.c - the books on carts whose scripts end their worker: see worker.h. */
#include <stdio.h>

#include "base/log.h"
#include "engine/worker.h"

enum { DEATHS_MAX = 2 /* of workers, until their cart is stopped */ };

struct blame {
    const char *cart, *how;
    cw_time now;
    unsigned deaths;
    bool ok;
    struct cw_error *err;
};

static bool add_deaths(void *arg, const struct cw_control *control)
{
    struct blame *blame = arg;
    if (control->stream.len == 0)
        blame->deaths = control->deaths;
    return true;
}

static void blamed(void *arg, const struct cw_error *err)
{
    struct blame *blame = arg;
    blame->ok = err == NULL;
    if (err != NULL)
        *blame->err = *err;
}

static void put_blame(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct blame *blame = arg;
    if (err != NULL) {
        blamed(blame, err);
        return;
    }
    char why[256] = "";
    bool is_last = ++blame->deaths >= DEATHS_MAX;
    if (is_last)
        snprintf(why, sizeof why,
                 "its scripts ended their worker process %u times, the last time by %s; look at what it does "
                 "with: cartwright list runs --cart %s; then: cartwright start %s",
                 blame->deaths, blame->how, blame->cart, blame->cart);
    struct cw_control control = { .cart = cw_slice(blame->cart),
                                  .stream = { "", 0 },
                                  .is_stopped = is_last,
                                  .why = cw_slice(why),
                                  .who = cw_slice("supervisor"),
                                  .at = blame->now,
                                  .deaths = blame->deaths };
    cw_txn_put_control(txn, &control);
    if (is_last)
        cw_txn_audit(txn, cw_slice("supervisor"), cw_slice("stop"), cw_slice(blame->cart),
                     cw_slice("running"), cw_slice("stopped"), cw_slice(why), blame->now);
    cw_txn_commit(txn, blamed, blame);
}

bool cw_worker_blame(struct cw_store *store, const char *cart, const char *how, cw_time now,
                     struct cw_error *err)
{
    struct blame blame = { .cart = cart, .how = how, .now = now, .err = err };
    cw_store_read_controls(store, cw_slice(cart), add_deaths, blamed, &blame);
    cw_store_wait(store);
    if (!blame.ok)
        return false;
    cw_txn_begin(store, (struct cw_fence){ 0 }, put_blame, &blame);
    cw_store_wait(store);
    if (blame.ok)
        cw_log_pairs(CW_LOG_ERROR, blame.deaths >= DEATHS_MAX ? "cart-stopped" : "cart-blamed", "cart", cart,
                     "how", how, NULL);
    return blame.ok;
}
