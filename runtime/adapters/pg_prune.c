/* pg_prune.c - removing what was kept long enough: ended runs, notices, messages, old versions of raw
 * records. See sqlite_prune.c, which removes the same.
 *
 * One statement after the other, each with the limit that the ones before have left. Each says how many rows
 * it has removed. */
#include "adapters/inbox_notices.h"
#include "adapters/pg_engine.h"
#include "adapters/store_outbox.h"

#include <stdlib.h>

/* $1 is the time, $2 the limit. Ids are collected first: so they are looked up one by one, whatever the
 * planner thinks of the tables' sizes. */
#define OLD_RUNS                                                                                             \
    "SELECT id FROM runs WHERE ended_at < $1 AND NOT EXISTS (SELECT FROM staged_records s WHERE s.run_id = " \
    "runs.id) ORDER BY ended_at LIMIT $2"
static const char prune_notes[] =
    "WITH old AS (" OLD_RUNS "), "
    "notes AS (SELECT n.id FROM old CROSS JOIN LATERAL (SELECT id FROM run_notes WHERE run_id = old.id "
    "LIMIT $2) n LIMIT $2), "
    "gone AS (DELETE FROM run_notes WHERE id = ANY (ARRAY(SELECT id FROM notes)) RETURNING 1) "
    "SELECT count(*) FROM gone";
/* Comes behind prune_notes, which has left none of these where its limit was not reached. */
static const char prune_runs[] = "WITH gone AS (DELETE FROM runs WHERE id = ANY (ARRAY(" OLD_RUNS
                                 ")) RETURNING 1) SELECT count(*) FROM gone";
static const char prune_webhooks[] =
    "WITH gone AS (DELETE FROM webhooks WHERE id = ANY (ARRAY(SELECT w.id FROM webhooks w WHERE "
    "w.received_at < $1 AND " CW_TAKEN_NOTICE
    " ORDER BY w.received_at LIMIT $2)) RETURNING 1) SELECT count(*) FROM gone";
static const char prune_messages[] =
    "WITH old AS (SELECT id, event FROM messages WHERE " CW_SETTLED
    "AND changed_at < $1 ORDER BY changed_at LIMIT $2), "
    "emptied AS (UPDATE messages SET payload = '', answer = '' "
    "WHERE id = ANY (ARRAY(SELECT id FROM old WHERE event <> '')) RETURNING 1), "
    "gone AS (DELETE FROM messages WHERE id = ANY (ARRAY(SELECT id FROM old WHERE event = '')) RETURNING 1) "
    "SELECT (SELECT count(*) FROM emptied) + (SELECT count(*) FROM gone)";
/* $3: so many newer ones stay. */
static const char prune_versions[] =
    "WITH queue AS (SELECT raw_id FROM raw_superseded WHERE superseded_at < $1 ORDER BY superseded_at "
    "LIMIT $2), "
    "old AS (SELECT o.id FROM queue CROSS JOIN LATERAL (SELECT cart, stream, external_id, version, "
    "(SELECT max(version) FROM raw_records n WHERE n.cart = r.cart AND n.stream = r.stream "
    "AND n.external_id = r.external_id) AS newest FROM raw_records r WHERE id = queue.raw_id OFFSET 0) r "
    "CROSS JOIN LATERAL (SELECT id FROM raw_records o WHERE o.cart = r.cart AND o.stream = r.stream "
    "AND o.external_id = r.external_id AND o.version <= least(r.version, r.newest - greatest($3, 1)) "
    "OFFSET 0) o), "
    "records AS (DELETE FROM raw_records WHERE id = ANY (ARRAY(SELECT id FROM old))), "
    "gone AS (DELETE FROM raw_superseded WHERE raw_id = ANY (ARRAY(SELECT raw_id FROM queue)) RETURNING 1) "
    "SELECT count(*) FROM gone";

enum { STEPS = 5 };

struct pruning {
    struct cw_pg *pg;
    struct step {
        const char *sql;
        cw_time until;
    } steps[STEPS];
    size_t next;
    int64_t versions;
    uint64_t left, removed;
    cw_pruned_fn *pruned;
    void *arg;
};

static void end(struct pruning *p, const struct cw_error *err)
{
    struct pruning ended = *p;
    free(p);
    ended.pruned(ended.arg, ended.removed, err);
}

static void take_step(struct pruning *p);

static void step_taken(void *arg, PGresult *result, const struct cw_error *err)
{
    struct pruning *p = arg;
    if (err != NULL) {
        end(p, err);
        return;
    }
    uint64_t removed = (uint64_t)cw_pg_int(result, 0, 0);
    p->removed += removed;
    p->left -= removed < p->left ? removed : p->left;
    take_step(p);
}

static void take_step(struct pruning *p)
{
    struct cw_error err;
    while (p->next < STEPS && p->steps[p->next].until == CW_TIME_NONE)
        p->next++;
    if (p->next == STEPS || p->left == 0) {
        end(p, NULL);
        return;
    }
    const struct step *step = &p->steps[p->next++];
    const struct cw_bind binds[] = { cw_bind_time(step->until), cw_bind_int((int64_t)p->left),
                                     cw_bind_int(p->versions) };
    size_t count = step->sql == prune_versions ? 3 : 2;
    if (!cw_pg_send(p->pg, step->sql, binds, count, step_taken, p, &err))
        end(p, &err);
}

void cw_pg_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg)
{
    struct cw_error err;
    struct pruning *p = calloc(1, sizeof *p);
    if (p == NULL) {
        cw_fail(&err, CW_NOMEM, "out of memory for removing what is old");
        cw_txn_lose(txn, &err);
        pruned(arg, 0, &err);
        return;
    }
    *p = (struct pruning){ .pg = cw_pg_of(txn->store),
                           .steps = { { prune_notes, prune->runs_until },
                                      { prune_runs, prune->runs_until },
                                      { prune_webhooks, prune->webhooks_until },
                                      { prune_messages, prune->messages_until },
                                      { prune_versions, prune->raw_until } },
                           .versions = prune->raw_versions,
                           .left = prune->limit,
                           .pruned = pruned,
                           .arg = arg };
    take_step(p);
}
