/* outbox_orphan.c - what an earlier run has left behind: messages whose sender died, and levels whose answer
 * was lost while a newer one of the same key waits.
 *
 * Of a level only the newest value counts: where one follows, nobody needs to know what became of the lost
 * one. */
#include "engine/outbox_private.h"

/* --- levels with a newer one behind them --- */

/* The conditions of the indexes, word for word, which SQLite uses for nothing else. */
#define UNSETTLED(m) m "state NOT IN ('sent', 'superseded') "
static const char stale_sql[] =
    "SELECT u.id FROM messages u WHERE u.cart = $1 AND u.stream = $2 AND u.state = 'unknown' "
    "AND u.state <> 'queued' AND " UNSETTLED(
        "u.") "AND u.event = '' "
              "AND u.due_at <= $3 AND EXISTS (SELECT 1 FROM messages q WHERE q.cart = u.cart AND q.lane = "
              "u.lane AND q.id > "
              "u.id "
              "AND " UNSETTLED("q.") "AND q.state = 'queued' AND q.stream = u.stream "
                                     "AND q.external_id = u.external_id) ORDER BY u.id LIMIT 500";

static bool take_stale(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_outbox_run *run = arg;
    int64_t id = 0;
    (void)columns;
    (void)names;
    for (size_t i = 0; i < row[0].len && row[0].data[i] >= '0' && row[0].data[i] <= '9'; i++)
        id = id * 10 + (row[0].data[i] - '0');
    if (run->stale_count < CW_OUTBOX_STALE_MAX)
        run->stale[run->stale_count++] = id;
    return true;
}

static void supersede_stale(void *arg);

static void stale_stored(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    bool was_full = run->stale_count == CW_OUTBOX_STALE_MAX;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL && err->code != CW_CONFLICT) /* a person has decided about one of them meanwhile */
        cw_outbox_end(run, err);
    else
        cw_outbox_go_on(run, was_full && err == NULL ? supersede_stale : cw_outbox_probe);
}

static void stale_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        stale_stored(run, err);
        return;
    }
    for (size_t i = 0; i < run->stale_count; i++) {
        const struct cw_settlement settlement = { .id = run->stale[i],
                                                  .was = CW_MESSAGE_UNKNOWN,
                                                  .state = CW_MESSAGE_SUPERSEDED,
                                                  .due_at = CW_TIME_NONE,
                                                  .answer = { "", 0 },
                                                  .error =
                                                      cw_slice("its answer was lost; a newer one follows") };
        cw_txn_settle_message(txn, &settlement);
    }
    cw_outbox_commit(run, stale_stored);
}

static void stale_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL)
        cw_outbox_end(run, err);
    else if (run->stale_count > 0)
        cw_outbox_begin_txn(run, stale_ready);
    else
        cw_outbox_go_on(run, cw_outbox_probe);
}

static void supersede_stale(void *arg)
{
    struct cw_outbox_run *run = arg;
    char now[CW_TIME_TEXT_MAX];
    const struct cw_slice params[] = { run->run.cart,
                                       run->run.stream,
                                       { now, cw_time_iso(cw_outbox_now(run), now) } };
    if (!cw_out_is_level(run->out) || (run->due.unknown == CW_TIME_NONE && !run->due.has_sending)) {
        cw_outbox_probe(run);
        return;
    }
    run->stale_count = 0;
    run->in_store = true;
    cw_store_query(cw_outbox_store(run), stale_sql, params, 3, take_stale, stale_read, run);
}

/* --- messages whose sender died --- */

static void orphans_stored(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL)
        cw_outbox_end(run, err);
    else
        cw_outbox_go_on(run, supersede_stale);
}

static void orphans_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        orphans_stored(run, err);
        return;
    }
    cw_time due_at = cw_outbox_now(run) + CW_OUTBOX_SETTLES;
    cw_txn_orphan_messages(txn, run->run.cart, run->run.stream, due_at);
    if (run->due.has_sending)
        cw_outbox_note_unknown(run, due_at);
    cw_outbox_commit(run, orphans_stored);
}

void cw_outbox_orphan(void *arg)
{
    struct cw_outbox_run *run = arg;
    cw_time now = cw_outbox_now(run);
    if (run->due.has_sending || cw_outbox_is_put_off(run->due.queued, now) ||
        cw_outbox_is_put_off(run->due.unknown, now))
        cw_outbox_begin_txn(run, orphans_ready);
    else
        supersede_stale(run);
}
