/* store_txn.c - the queue of transactions: one at a time, in order, whatever the engine. */
#include "adapters/store_engine.h"

#include <stdlib.h>

static void append(struct cw_store *store, struct cw_txn *txn)
{
    if (store->waiting == NULL)
        store->waiting = txn;
    else
        store->last->next = txn;
    store->last = txn;
}

static struct cw_txn *take_first(struct cw_store *store)
{
    struct cw_txn *txn = store->waiting;
    if (txn != NULL)
        store->waiting = txn->next;
    return txn;
}

/* One loop however deep the callbacks nest: a caller that begins its next transaction in the callback of the
 * last one must not use up the stack. */
static void start_waiting(struct cw_store *store)
{
    if (store->starting)
        return;
    store->starting = true;
    while (store->current == NULL && store->waiting != NULL) {
        store->current = take_first(store);
        store->engine->begin(store->current);
    }
    store->starting = false;
}

void cw_txn_begin(struct cw_store *store, struct cw_fence fence, cw_txn_ready_fn *ready, void *arg)
{
    struct cw_txn *txn = calloc(1, sizeof *txn + fence.lease.len);
    if (txn == NULL) {
        struct cw_error err;
        cw_fail(&err, CW_NOMEM, "out of memory for a transaction");
        ready(arg, NULL, &err);
        return;
    }
    txn->store = store;
    txn->ready = ready;
    txn->arg = arg;
    txn->fence = (struct cw_fence){ { (char *)(txn + 1), fence.lease.len }, fence.token };
    if (fence.lease.len > 0)
        memcpy(txn + 1, fence.lease.data, fence.lease.len);
    append(store, txn);
    start_waiting(store);
}

static void note_failure(struct cw_store *store, const struct cw_error *err)
{
    if (err == NULL || err->code != CW_UNAVAILABLE)
        return;
    store->has_failed = true;
    store->failed_at = cw_now(store->clock);
}

cw_time cw_store_failed_at(const struct cw_store *store)
{
    return store->has_failed ? store->failed_at : CW_TIME_NONE;
}

void cw_txn_began(struct cw_txn *txn, const struct cw_error *err)
{
    if (err == NULL) {
        txn->ready(txn->arg, txn, NULL);
        return;
    }
    struct cw_txn failed = *txn;
    note_failure(txn->store, err);
    free(txn);
    failed.store->current = NULL;
    failed.ready(failed.arg, NULL, err);
    start_waiting(failed.store);
}

void cw_txn_commit(struct cw_txn *txn, cw_store_done_fn *done, void *arg)
{
    txn->done = done;
    txn->arg = arg;
    if (!txn->lost) {
        txn->store->engine->commit(txn);
        return;
    }
    txn->store->engine->rollback(txn);
    struct cw_error err = txn->error;
    cw_txn_ended(txn, &err);
}

void cw_txn_ended(struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_txn ended = *txn;
    note_failure(txn->store, err);
    free(txn);
    ended.store->current = NULL;
    ended.done(ended.arg, err);
    start_waiting(ended.store);
}

void cw_txn_rollback(struct cw_txn *txn)
{
    struct cw_store *store = txn->store;
    note_failure(store, cw_txn_error(txn));
    store->engine->rollback(txn);
    free(txn);
    store->current = NULL;
    start_waiting(store);
}

bool cw_txn_lose(struct cw_txn *txn, const struct cw_error *err)
{
    if (!txn->lost)
        txn->error = *err;
    txn->lost = true;
    return false;
}

bool cw_store_fail_at(struct cw_error *err, struct cw_slice record)
{
    char name[CW_ERROR_NAME_MAX];
    if (record.len == 0 || err->record[0] != '\0')
        return false;
    size_t len = record.len < sizeof name ? record.len : sizeof name - 1;
    memcpy(name, record.data, len);
    name[len] = '\0';
    return cw_fail_at(err, name, NULL, NULL);
}

const struct cw_error *cw_txn_error(const struct cw_txn *txn)
{
    return txn->lost ? &txn->error : NULL;
}

struct cw_store *cw_txn_store(const struct cw_txn *txn)
{
    return txn->store;
}

static void cancel(struct cw_txn *txn)
{
    struct cw_error err;
    cw_fail(&err, CW_CANCELLED, "the store was closed before the transaction could begin");
    txn->ready(txn->arg, NULL, &err);
    free(txn);
}

void cw_store_close(struct cw_store *store)
{
    if (store == NULL)
        return;
    store->starting = true; /* whoever is told now and begins again is only queued, and told in turn */
    if (store->current != NULL) {
        store->engine->rollback(store->current);
        free(store->current);
    }
    for (struct cw_txn *txn; (txn = take_first(store)) != NULL;)
        cancel(txn);
    store->engine->close(store);
}
