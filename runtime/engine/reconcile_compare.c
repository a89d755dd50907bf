/* reconcile_compare.c - which records of a window are in the cart and in the store, and which of them are
 * missing on either side. */
#include <stdlib.h>
#include <string.h>

#include "engine/reconcile_private.h"

enum { LOOK_UP = 500 }; /* ids in one transaction */

static void compared(struct cw_reconcile *reconcile);

static bool add(struct cw_reconcile *reconcile, struct cw_ids *ids, struct cw_slice id)
{
    struct cw_error err;
    if (cw_ids_add(ids, id, &err))
        return true;
    cw_reconcile_end(reconcile, &err);
    return false;
}

/* --- what the store has in the window, and the cart does not list --- */

static void stored_known(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else
        compared(reconcile);
}

static void ask_stored(struct cw_reconcile *reconcile)
{
    bool is_all = reconcile->stream->full;
    reconcile->in_store = true;
    cw_ask_placed(cw_reconcile_store(reconcile), reconcile->stream,
                  is_all ? CW_TIME_NONE : reconcile->report.from,
                  is_all ? CW_TIME_NONE : reconcile->report.to, &reconcile->stored, stored_known, reconcile);
}

/* --- by ids: which of the listed ones the store lacks --- */

static void look_up(void *arg);

static void known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    for (size_t i = 0; err == NULL && i < count; i++)
        reconcile->listed.marks[reconcile->next++] = !known[i].exists;
    struct cw_error copy;
    if (err != NULL)
        copy = *err;
    cw_txn_rollback(reconcile->txn);
    reconcile->txn = NULL;
    if (err != NULL)
        cw_reconcile_end(reconcile, &copy);
    else
        cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, look_up, reconcile);
}

static void find(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    struct cw_record_key keys[LOOK_UP];
    size_t left = reconcile->listed.count - reconcile->next, count = left < LOOK_UP ? left : LOOK_UP;
    reconcile->txn = txn;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err != NULL) {
        cw_reconcile_end(reconcile, err);
        return;
    }
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct cw_record_key){ reconcile->run.cart, reconcile->run.stream,
                                          reconcile->listed.items[reconcile->next + i] };
    reconcile->in_store = true;
    cw_txn_find_raw(txn, keys, count, known, reconcile);
}

static void look_up(void *arg)
{
    struct cw_reconcile *reconcile = arg;
    if (reconcile->next == reconcile->listed.count) {
        ask_stored(reconcile);
        return;
    }
    reconcile->in_store = true;
    cw_txn_begin(cw_reconcile_store(reconcile),
                 cw_session_fence(reconcile->session, reconcile->stream->cart->name), find, reconcile);
}

static void take_id(void *arg, struct cw_slice id)
{
    struct cw_reconcile *reconcile = arg;
    if (reconcile->err.code == CW_OK)
        cw_ids_add(&reconcile->listed, id, &reconcile->err);
}

static void listed(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    (void)text;
    reconcile->fiber = NULL;
    if (err == NULL && reconcile->err.code != CW_OK)
        err = &reconcile->err;
    if (err != NULL) {
        cw_reconcile_end(reconcile, err);
        return;
    }
    cw_ids_sort(&reconcile->listed);
    cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, look_up, reconcile);
}

/* --- by fetching: the pages tell --- */

static void take_seen(void *arg, struct cw_slice id, bool is_known)
{
    struct cw_reconcile *reconcile = arg;
    if (reconcile->err.code != CW_OK)
        return;
    cw_ids_add(&reconcile->listed, id, &reconcile->err);
    if (!is_known)
        cw_ids_add(&reconcile->wanted, id, &reconcile->err);
}

static void fetched(void *arg)
{
    struct cw_reconcile *reconcile = arg;
    if (reconcile->err.code != CW_OK) {
        cw_reconcile_end(reconcile, &reconcile->err);
        return;
    }
    cw_ids_sort(&reconcile->listed);
    cw_ids_sort(&reconcile->wanted);
    for (size_t i = 0; i < reconcile->wanted.count; i++)
        reconcile->listed.marks[cw_ids_find(&reconcile->listed, reconcile->wanted.items[i])] = true;
    ask_stored(reconcile);
}

/* --- the outcome --- */

/* By ids they are read later, and told then; a fetch has brought them already. */
static bool each_missing(struct cw_reconcile *reconcile, enum cw_reconcile_find missing)
{
    for (size_t i = 0; i < reconcile->listed.count; i++) {
        if (!reconcile->listed.marks[i])
            continue;
        reconcile->report.missing++;
        if (!reconcile->by_ids || reconcile->config.only_tell)
            cw_reconcile_tell(reconcile, reconcile->listed.items[i], missing);
        else if (!add(reconcile, &reconcile->wanted, reconcile->listed.items[i]))
            return false;
    }
    return true;
}

static bool note_gone(struct cw_reconcile *reconcile, struct cw_slice id)
{
    reconcile->report.gone++;
    cw_reconcile_tell(reconcile, id, CW_FIND_GONE);
    return add(reconcile, &reconcile->gone, id);
}

/* What the cart does not list is asked for first, where that can be done. */
static bool each_unlisted(struct cw_reconcile *reconcile)
{
    bool ask_first = reconcile->by_ids && !reconcile->config.only_tell;
    for (size_t i = 0; i < reconcile->stored.count; i++) {
        struct cw_slice id = reconcile->stored.items[i];
        if (cw_ids_find(&reconcile->listed, id) >= 0)
            continue;
        if (!(ask_first ? add(reconcile, &reconcile->wanted, id) : note_gone(reconcile, id)))
            return false;
    }
    return true;
}

static void read_one(void *arg, struct cw_slice id, enum cw_read_outcome outcome, bool was_known)
{
    struct cw_reconcile *reconcile = arg;
    bool was_listed = cw_ids_find(&reconcile->listed, id) >= 0;
    (void)was_known;
    if (was_listed && outcome == CW_READ_STORED) {
        reconcile->fetched++;
        cw_reconcile_tell(reconcile, id, CW_FIND_FETCHED);
    } else if (was_listed) {
        cw_reconcile_tell(reconcile, id, CW_FIND_NOT_SENT);
        if (outcome == CW_READ_ABSENT && reconcile->err.code == CW_OK)
            cw_ids_add(&reconcile->not_sent, id, &reconcile->err);
    } else if (outcome == CW_READ_ABSENT) {
        reconcile->report.gone++;
        reconcile->report.in_store++;
        cw_reconcile_tell(reconcile, id, CW_FIND_GONE);
        if (reconcile->err.code == CW_OK)
            cw_ids_add(&reconcile->gone, id, &reconcile->err);
    }
}

static void compared(struct cw_reconcile *reconcile)
{
    struct cw_reconcile_report *report = &reconcile->report;
    bool only_tell = reconcile->config.only_tell;
    if (!each_missing(reconcile, only_tell ? CW_FIND_MISSING : CW_FIND_FETCHED) || !each_unlisted(reconcile))
        return;
    report->in_cart = reconcile->listed.count;
    report->in_store = report->in_cart - report->missing + report->gone;
    if (!reconcile->by_ids)
        reconcile->fetched = only_tell ? 0 : report->missing;
    if (only_tell)
        cw_reconcile_end(reconcile, NULL);
    else if (reconcile->by_ids)
        cw_reconcile_read(reconcile, read_one);
    else
        cw_reconcile_heal(reconcile);
}

/* --- the window --- */

/* Sync says that everything up to its cursor is there: that is what is checked. */
static void set_window(struct cw_reconcile *reconcile)
{
    const struct cw_lua_stream *stream = reconcile->stream;
    const struct cw_reconcile_config *config = &reconcile->config;
    struct cw_reconcile_report *report = &reconcile->report;
    cw_time first = cw_sync_first_moment(stream);
    cw_time now = cw_now(cw_loop_clock(cw_reconcile_loop(reconcile)));
    report->to = config->to;
    if (report->to == CW_TIME_NONE)
        report->to = reconcile->done_until;
    if (report->to == CW_TIME_NONE)
        report->to = now - stream->settle;
    report->from = config->from;
    if (report->from == CW_TIME_NONE)
        report->from = (report->to < now ? report->to : now) - stream->reconcile;
    if (stream->full || report->from < first)
        report->from = stream->full ? CW_TIME_NONE : first;
}

void cw_reconcile_compare(struct cw_reconcile *reconcile)
{
    struct cw_error err;
    set_window(reconcile);
    if (!reconcile->by_ids) {
        cw_reconcile_fetch(reconcile, reconcile->report.from, take_seen, fetched);
        return;
    }
    const struct cw_lua_window window = { .from = reconcile->report.from,
                                          .to = reconcile->report.to,
                                          .by_placed = true };
    reconcile->fiber = cw_lua_start_ids(reconcile->stream, &window, take_id, listed, reconcile, &err);
    if (reconcile->fiber == NULL)
        cw_reconcile_end(reconcile, &err);
}
