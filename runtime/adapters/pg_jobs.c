/* pg_jobs.c - jobs: the list of what is due, and claiming from it without waiting for each other. */
#include <stdlib.h>

#include "adapters/pg_array.h"
#include "adapters/pg_link.h"

#define LEASE "CASE j.cart WHEN '' THEN '" CW_SITE_LEASE "' ELSE j.cart END"
#define JOB_COLUMNS                                                                                          \
    "j.cart, j.name, j.schedule, j.due_at, j.woken_at, j.served_at, j.began_at, j.ended_at, j.failures, "    \
    "j.message"
/* Free: nobody's, over, or ours ($2) already and the job is not the one that runs. A stopped stream stops
 * what is named after it as well ("reconcile orders"). */
#define MAY_BEGIN                                                                                            \
    "j.ready_at <= $1 AND (NOT " CW_PG_IN_FORCE " OR (l.holder = $2 AND j.lease_token <> l.token)) "         \
    "AND NOT EXISTS (SELECT 1 FROM controls c WHERE c.cart = j.cart AND c.state = 'stopped' AND "            \
    "(c.stream = '' OR c.stream = j.name OR j.name LIKE '% ' || c.stream)) "
#define UNTIL CW_PG_CLOCK("$3")

static const char select_jobs[] =
    "SELECT " JOB_COLUMNS ", coalesce(l.token = j.lease_token AND " CW_PG_IN_FORCE ", false) "
    "FROM jobs j LEFT JOIN leases l ON l.name = " LEASE " WHERE $1::text IS NULL OR j.cart = $1 "
    "ORDER BY j.cart, j.name";

/* Everything in one statement. What another one is just claiming is locked, and passed by. A wake-up for
 * later is not what begins now. */
static const char claim_one[] =
    "WITH picked AS (SELECT " JOB_COLUMNS ", l.name AS lease FROM jobs j JOIN leases l ON l.name = " LEASE " "
    "WHERE " MAY_BEGIN "ORDER BY j.ready_at, j.cart, j.name LIMIT 1 FOR UPDATE OF j, l SKIP LOCKED), "
    "held AS (UPDATE leases l SET holder = $2, expires_at = " UNTIL ", token = l.token + "
    "CASE WHEN " CW_PG_IN_FORCE " THEN 0 ELSE 1 END FROM picked p WHERE l.name = p.lease RETURNING l.token), "
    "began AS (UPDATE jobs j SET began_at = $1, lease_token = held.token, "
    "woken_at = CASE WHEN j.woken_at > $1 THEN j.woken_at END "
    "FROM picked p, held WHERE j.cart = p.cart AND j.name = p.name RETURNING 1) "
    "SELECT p.cart, p.name, p.schedule, p.due_at, p.woken_at, p.served_at, p.began_at, p.ended_at, "
    "p.failures, p.message, held.token FROM picked p, held, began";

/* $3: when to look again at what another one was just claiming: it may let go. */
static const char select_next[] =
    "SELECT min(t) FROM (SELECT min(ready_at) AS t FROM jobs WHERE ready_at > $1 "
    "UNION ALL SELECT min(l.expires_at) FROM jobs j JOIN leases l ON l.name = " LEASE " "
    "WHERE j.ready_at <= $1 AND l.holder <> $2 AND " CW_PG_IN_FORCE " "
    "UNION ALL (SELECT $3 FROM jobs j JOIN leases l ON l.name = " LEASE " WHERE " MAY_BEGIN "LIMIT 1)) n";

static const char end_job[] =
    "UPDATE jobs SET served_at = $3, due_at = $4, ended_at = $5, failures = $6, message = $7, "
    "lease_token = 0, ready_at = least(woken_at, $4::text) WHERE cart = $1 AND name = $2";
static const char wake_job[] =
    CW_PG_MUST("UPDATE jobs SET woken_at = $3, ready_at = least(ready_at, $3) WHERE cart = $1 "
               "AND ($2 = '' OR name = $2) RETURNING 1");
static const char notify[] = "SELECT pg_notify('cartwright', '')";

/* Two supervisors that plan at once do so one after the other. */
static const char lock_plan[] = "SELECT pg_advisory_xact_lock(1129804661)";
/* What runs keeps its place in time until it ends. */
static const char put_job[] =
    "INSERT INTO jobs AS j (cart, name, schedule, ready_at, due_at, lease_token, failures, message) "
    "VALUES ($1, $2, $3, $4, $4, 0, 0, '') ON CONFLICT (cart, name) DO UPDATE SET schedule = "
    "excluded.schedule, due_at = excluded.due_at, ready_at = least(j.woken_at, excluded.due_at) "
    "WHERE j.schedule <> excluded.schedule";
static const char drop_others[] =
    "DELETE FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM unnest($1::text[], $2::text[]) k (cart, name) "
    "WHERE k.cart = j.cart AND k.name = j.name)";
/* A lease that nobody ever had is a row as well, which can be locked. */
static const char make_leases[] =
    "INSERT INTO leases (name, holder, token, expires_at) SELECT DISTINCT " LEASE ", '', 0, '' FROM jobs j "
    "ON CONFLICT (name) DO NOTHING";

/* --- reading --- */

static struct cw_job job_of(const PGresult *result, int row)
{
    return (struct cw_job){ .cart = cw_pg_slice(result, row, 0),
                            .name = cw_pg_slice(result, row, 1),
                            .schedule = cw_pg_slice(result, row, 2),
                            .due_at = cw_pg_time(result, row, 3),
                            .woken_at = cw_pg_time(result, row, 4),
                            .served_at = cw_pg_time(result, row, 5),
                            .began_at = cw_pg_time(result, row, 6),
                            .ended_at = cw_pg_time(result, row, 7),
                            .failures = (unsigned)cw_pg_int(result, row, 8),
                            .message = cw_pg_slice(result, row, 9) };
}

struct reading {
    cw_job_fn *job;
    cw_store_done_fn *done;
    void *arg;
};

static void hand_out_jobs(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    free(arg);
    for (int i = 0; err == NULL && i < PQntuples(result); i++) {
        struct cw_job job = job_of(result, i);
        job.is_running = cw_pg_int(result, i, 10) == 1;
        if (!reading.job(reading.arg, &job))
            break;
    }
    reading.done(reading.arg, err);
}

void cw_pg_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                     void *arg)
{
    struct reading *reading = malloc(sizeof *reading);
    struct cw_bind of = cart.data != NULL ? cw_bind_text(cart) : (struct cw_bind){ .type = CW_BIND_NULL };
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read jobs");
    if (ok) {
        *reading = (struct reading){ job, done, arg };
        ok = cw_pg_send(cw_pg_of(store), select_jobs, &of, 1, hand_out_jobs, reading, &err);
    }
    if (ok)
        return;
    free(reading);
    done(arg, &err);
}

/* --- claiming --- */

struct claiming {
    struct cw_txn *txn;
    cw_time now, lease_time;
    cw_claim_fn *claimed;
    void *arg;
    struct cw_slice holder; /* copied behind this struct */
    PGresult *found;        /* what the claim's texts are in; NULL = nothing may begin */
    cw_time next_at;
};

static void finish_claim(void *arg, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    struct cw_claim claim;
    bool is_claimed = err == NULL && claiming->found != NULL;
    if (is_claimed)
        claim = (struct cw_claim){ job_of(claiming->found, 0), cw_pg_int(claiming->found, 0, 10) };
    claiming->claimed(claiming->arg, is_claimed ? &claim : NULL, claiming->next_at, err);
    PQclear(claiming->found);
    free(claiming);
}

static void lose(struct claiming *claiming, const struct cw_error *err)
{
    cw_txn_lose(claiming->txn, err);
    cw_txn_commit(claiming->txn, finish_claim, claiming);
}

static void note_next(void *arg, PGresult *result, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    if (err != NULL) {
        lose(claiming, err);
        return;
    }
    claiming->next_at = cw_pg_time(result, 0, 0);
    cw_txn_rollback(claiming->txn); /* nothing was written */
    finish_claim(claiming, NULL);
}

static bool keep_found(struct claiming *claiming, const PGresult *result, struct cw_error *err)
{
    claiming->found = PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    return claiming->found != NULL || cw_fail(err, CW_NOMEM, "out of memory for a job");
}

static void note_found(void *arg, PGresult *result, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    struct cw_error fault;
    const struct cw_bind now = cw_bind_time(claiming->now), holder = cw_bind_text(claiming->holder);
    if (err != NULL) {
        lose(claiming, err);
    } else if (PQntuples(result) == 0) {
        if (!cw_pg_send(cw_pg_of(claiming->txn->store), select_next,
                        CW_BINDS(now, holder, cw_bind_time(claiming->now + CW_SECOND)), note_next, claiming,
                        &fault))
            lose(claiming, &fault);
    } else if (keep_found(claiming, result, &fault)) {
        cw_txn_commit(claiming->txn, finish_claim, claiming);
    } else {
        lose(claiming, &fault);
    }
}

static void write_claim(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_claim(claiming, err);
        return;
    }
    claiming->txn = txn;
    if (!cw_pg_send(cw_pg_of(txn->store), claim_one,
                    CW_BINDS(cw_bind_time(claiming->now), cw_bind_text(claiming->holder),
                             cw_bind_int(claiming->lease_time)),
                    note_found, claiming, &fault))
        lose(claiming, &fault);
}

void cw_pg_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                     cw_claim_fn *claimed, void *arg)
{
    struct claiming *claiming = calloc(1, sizeof *claiming + holder.len);
    if (claiming == NULL) {
        struct cw_error err;
        cw_fail(&err, CW_NOMEM, "out of memory to claim a job");
        claimed(arg, NULL, CW_TIME_NONE, &err);
        return;
    }
    *claiming = (struct claiming){ .now = now,
                                   .lease_time = lease_time,
                                   .claimed = claimed,
                                   .arg = arg,
                                   .holder = { (char *)(claiming + 1), holder.len },
                                   .next_at = CW_TIME_NONE };
    memcpy(claiming + 1, holder.data, holder.len);
    cw_txn_begin(store, (struct cw_fence){ 0 }, write_claim, claiming);
}

/* --- writing --- */

bool cw_pg_end_job(struct cw_txn *txn, const struct cw_job *job, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), end_job,
                     CW_BINDS(cw_bind_text(job->cart), cw_bind_text(job->name), cw_bind_time(job->served_at),
                              cw_bind_time(job->due_at), cw_bind_time(job->ended_at),
                              cw_bind_int(job->failures), cw_bind_text(job->message)),
                     err);
}

bool cw_pg_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at,
                    struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_error none;
    cw_fail(&none, CW_NOT_FOUND,
            "cart %.*s has no job %.*s; cartwright status --parameters %.*s lists what it has",
            CW_SLICE_ARG(cart), CW_SLICE_ARG(name), CW_SLICE_ARG(cart));
    return cw_pg_send_one(pg, wake_job, CW_BINDS(cw_bind_text(cart), cw_bind_text(name), cw_bind_time(at)),
                          &none, err) &&
           cw_pg_run(pg, notify, NULL, 0, err);
}

static bool put_jobs(struct cw_pg *pg, const struct cw_job *jobs, size_t count, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_pg_run(pg, put_job,
                       CW_BINDS(cw_bind_text(jobs[i].cart), cw_bind_text(jobs[i].name),
                                cw_bind_text(jobs[i].schedule), cw_bind_time(jobs[i].due_at)),
                       err))
            return false;
    return true;
}

static bool drop_other_jobs(struct cw_pg *pg, const struct cw_job *jobs, size_t count, struct cw_error *err)
{
    struct cw_buffer carts = { 0 }, names = { 0 };
    struct cw_bind binds[2];
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_pg_array_add(&carts, jobs[i].cart, err) && cw_pg_array_add(&names, jobs[i].name, err);
    ok = ok && cw_pg_array_end(&carts, &binds[0], err) && cw_pg_array_end(&names, &binds[1], err) &&
         cw_pg_run(pg, drop_others, binds, 2, err);
    cw_buffer_fini(&carts);
    cw_buffer_fini(&names);
    return ok;
}

bool cw_pg_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    return cw_pg_run(pg, lock_plan, NULL, 0, err) && put_jobs(pg, jobs, count, err) &&
           drop_other_jobs(pg, jobs, count, err) && cw_pg_run(pg, make_leases, NULL, 0, err) &&
           cw_pg_run(pg, notify, NULL, 0, err);
}
