/* reconcile_refresh.c - which orders are not final yet, so that they are read again. */
#include "engine/reconcile_private.h"

static void read_one(void *arg, struct cw_slice id, enum cw_read_outcome outcome, bool was_known)
{
    struct cw_reconcile *reconcile = arg;
    (void)was_known;
    reconcile->report.in_cart += outcome != CW_READ_ABSENT;
    if (outcome != CW_READ_ABSENT)
        return;
    reconcile->report.gone++;
    cw_reconcile_tell(reconcile, id, CW_FIND_GONE);
    if (reconcile->err.code == CW_OK)
        cw_ids_add(&reconcile->gone, id, &reconcile->err);
}

static void fetched(void *arg)
{
    cw_reconcile_heal(arg);
}

static bool is_broken(const struct cw_breaks *breaks, struct cw_slice id)
{
    for (size_t i = 0; i < breaks->count; i++)
        if (cw_slice_equal(breaks->items[i].external_id, id))
            return true;
    return false;
}

/* Those that were looked at longest ago first: behind what refreshes that were interrupted had read. */
static bool order_wanted(struct cw_reconcile *reconcile, struct cw_error *err)
{
    const struct cw_ids *ids = &reconcile->unfinished.ids;
    for (size_t i = 0; i < ids->count; i++) {
        struct cw_slice id = ids->items[(i + reconcile->read_before) % ids->count];
        if (!is_broken(reconcile->breaks, id) && !cw_ids_add(&reconcile->wanted, id, err))
            return false;
    }
    return true;
}

static void interrupted_known(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    struct cw_error full;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err == NULL && !order_wanted(reconcile, &full))
        err = &full;
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else
        cw_reconcile_read(reconcile, read_one);
}

/* A cart that does not read by ids is asked for all that was changed since the oldest of them was placed. */
static void fetch_since_oldest(struct cw_reconcile *reconcile)
{
    cw_time oldest = reconcile->unfinished.oldest;
    if (oldest == CW_TIME_NONE) {
        cw_reconcile_heal(reconcile);
        return;
    }
    reconcile->report.in_cart = reconcile->report.in_store;
    cw_reconcile_fetch(reconcile, oldest - reconcile->stream->overlap, NULL, fetched);
}

static void unfinished_known(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    reconcile->report.in_store = reconcile->unfinished.ids.count;
    if (err != NULL) {
        cw_reconcile_end(reconcile, err);
    } else if (reconcile->config.only_tell) {
        cw_reconcile_end(reconcile, NULL);
    } else if (!reconcile->by_ids) {
        fetch_since_oldest(reconcile);
    } else {
        reconcile->in_store = true;
        cw_ask_interrupted(cw_reconcile_store(reconcile), reconcile->stream, &reconcile->read_before,
                           interrupted_known, reconcile);
    }
}

void cw_reconcile_refresh(struct cw_reconcile *reconcile)
{
    cw_time now = cw_now(cw_loop_clock(cw_reconcile_loop(reconcile)));
    cw_time from = reconcile->config.from;
    reconcile->report.from = from != CW_TIME_NONE ? from : now - reconcile->stream->refresh;
    reconcile->report.to = now;
    reconcile->in_store = true;
    cw_ask_unfinished(cw_reconcile_store(reconcile), reconcile->stream, reconcile->report.from,
                      &reconcile->unfinished, unfinished_known, reconcile);
}
