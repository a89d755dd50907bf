/* sqlite_prune.c - removing what was kept long enough: ended runs, notices, messages, old versions of
 * raw records.
 *
 * Each call looks at no more rows than it may remove. A superseded version is looked at once: it goes, or
 * leaves the queue, and is found again when a later version of its record leaves it. */
#include "adapters/inbox_notices.h"
#include "adapters/sqlite_engine.h"
#include "adapters/store_outbox.h"

/* What a call has removed so far. */
struct pruning {
    struct cw_sqlite *s;
    uint64_t left, removed;
    struct cw_error *err;
};

static bool remove_rows(struct pruning *p, const char *sql, const struct cw_bind *binds, size_t count)
{
    if (!cw_sqlite_run(p->s, sql, binds, count, p->err))
        return false;
    uint64_t rows = (uint64_t)sqlite3_changes(p->s->db);
    p->removed += rows;
    p->left -= rows < p->left ? rows : p->left;
    return true;
}

/* --- runs --- */

/* A run that left records waiting stays as long as they wait. */
#define OLD_RUNS                                                                                             \
    "SELECT id FROM runs WHERE ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM staged_records s WHERE s.run_id " \
    "= runs.id) ORDER BY ended_at LIMIT ?2"
static const char delete_notes[] = "DELETE FROM run_notes WHERE id IN (SELECT n.id FROM (" OLD_RUNS
                                   ") o CROSS JOIN run_notes n ON n.run_id = "
                                   "o.id LIMIT ?2)";
static const char delete_runs[] = "DELETE FROM runs WHERE id IN (" OLD_RUNS ")";

/* Runs go when the last note of those that are oldest has gone. */
static bool prune_runs(struct pruning *p, cw_time until)
{
    return remove_rows(p, delete_notes, CW_BINDS(cw_bind_time(until), cw_bind_int((int64_t)p->left))) &&
           (p->left == 0 ||
            remove_rows(p, delete_runs, CW_BINDS(cw_bind_time(until), cw_bind_int((int64_t)p->left))));
}

/* --- notices --- */

static const char delete_webhooks[] =
    "DELETE FROM webhooks WHERE id IN (SELECT w.id FROM webhooks w "
    "WHERE w.received_at < ?1 AND " CW_TAKEN_NOTICE " ORDER BY w.received_at LIMIT ?2)";

static bool prune_webhooks(struct pruning *p, cw_time until)
{
    return p->left == 0 ||
           remove_rows(p, delete_webhooks, CW_BINDS(cw_bind_time(until), cw_bind_int((int64_t)p->left)));
}

/* --- messages --- */

/* An event keeps its row: the same one may come again, and is not to be put again. */
static const char empty_events[] =
    "UPDATE messages SET payload = '', answer = '' WHERE id IN (SELECT id FROM messages WHERE " CW_SETTLED
    "AND changed_at < $1 ORDER BY changed_at LIMIT $2) AND event <> ''";
static const char delete_levels[] =
    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE " CW_SETTLED
    "AND changed_at < $1 ORDER BY changed_at LIMIT $2) AND event = ''";

/* Of the oldest ones first what is events, then what is left. */
static bool prune_messages(struct pruning *p, cw_time until)
{
    return p->left == 0 ||
           (remove_rows(p, empty_events, CW_BINDS(cw_bind_time(until), cw_bind_int((int64_t)p->left))) &&
            remove_rows(p, delete_levels, CW_BINDS(cw_bind_time(until), cw_bind_int((int64_t)p->left))));
}

/* --- versions --- */

/* The first in the queue, and up to which version of its record all may go. */
static const char oldest_version[] =
    "SELECT q.raw_id, min(r.version, (SELECT max(n.version) FROM raw_records n WHERE n.cart = r.cart "
    "AND n.stream = r.stream AND n.external_id = r.external_id) - max(?2, 1)) "
    "FROM (SELECT raw_id FROM raw_superseded WHERE superseded_at < ?1 ORDER BY superseded_at LIMIT 1) q "
    "CROSS JOIN raw_records r ON r.id = q.raw_id";
static const char delete_versions[] =
    "DELETE FROM raw_records WHERE id IN (SELECT o.id FROM raw_records r JOIN raw_records o "
    "ON o.cart = r.cart AND o.stream = r.stream AND o.external_id = r.external_id AND o.version <= ?2 "
    "WHERE r.id = ?1 ORDER BY o.version LIMIT ?3)";
static const char leave_queue[] = "DELETE FROM raw_superseded WHERE raw_id = ?1";

/* *raw_id 0: none is old enough. */
static bool find_version(struct pruning *p, const struct cw_prune *prune, int64_t *raw_id, int64_t *last)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        p->s, oldest_version, CW_BINDS(cw_bind_time(prune->raw_until), cw_bind_int(prune->raw_versions)),
        &row, p->err);
    *raw_id = 0;
    if (found == CW_ROW_FOUND) {
        *raw_id = sqlite3_column_int64(row, 0);
        *last = sqlite3_column_int64(row, 1);
        sqlite3_reset(row);
    }
    return found != CW_ROW_FAILED;
}

static bool prune_versions(struct pruning *p, const struct cw_prune *prune)
{
    int64_t raw_id, last;
    while (p->left > 0) {
        if (!find_version(p, prune, &raw_id, &last) || raw_id == 0)
            return raw_id == 0;
        if (last > 0 &&
            !remove_rows(p, delete_versions,
                         CW_BINDS(cw_bind_int(raw_id), cw_bind_int(last), cw_bind_int((int64_t)p->left))))
            return false;
        if (p->left > 0 && !remove_rows(p, leave_queue, CW_BINDS(cw_bind_int(raw_id))))
            return false;
    }
    return true;
}

void cw_sqlite_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg)
{
    struct cw_error err;
    struct pruning p = { .s = cw_sqlite_of(txn->store), .left = prune->limit, .err = &err };
    bool ok = (prune->runs_until == CW_TIME_NONE || prune_runs(&p, prune->runs_until)) &&
              (prune->webhooks_until == CW_TIME_NONE || prune_webhooks(&p, prune->webhooks_until)) &&
              (prune->messages_until == CW_TIME_NONE || prune_messages(&p, prune->messages_until)) &&
              (prune->raw_until == CW_TIME_NONE || prune_versions(&p, prune));
    if (!ok)
        cw_txn_lose(txn, &err);
    pruned(arg, p.removed, ok ? NULL : &err);
}
