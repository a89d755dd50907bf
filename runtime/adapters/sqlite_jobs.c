/* sqlite_jobs.c - jobs: the list of what is due, and claiming from it. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

#define JOB_COLUMNS                                                                                          \
    "j.cart, j.name, j.schedule, j.due_at, j.woken_at, j.served_at, j.began_at, j.ended_at, j.failures, "    \
    "j.message, l.token, l.token = j.lease_token AND l.holder <> '' AND l.expires_at > ?1 "                  \
    "AND l.expires_at <= ?2 "
#define WITH_LEASE                                                                                           \
    "LEFT JOIN leases l ON l.name = CASE j.cart WHEN '' THEN '" CW_SITE_LEASE "' ELSE j.cart END "

enum { COLUMN_TOKEN = 10, COLUMN_RUNNING = 11, TEXTS_MAX = 4 };

static const char select_jobs[] =
    "SELECT " JOB_COLUMNS "FROM jobs j " WITH_LEASE "WHERE ?3 IS NULL OR j.cart = ?3 ORDER BY j.cart, j.name";
/* Free: nobody's, over, or ours already and the job is not the one that runs. A stopped stream stops what is
 * named after it as well ("reconcile orders"). */
static const char select_ready[] =
    "SELECT " JOB_COLUMNS "FROM jobs j " WITH_LEASE
    "WHERE j.ready_at <= ?3 AND (l.name IS NULL OR l.holder = '' OR l.expires_at <= ?1 OR l.expires_at > ?2 "
    "OR (l.holder = ?4 AND j.lease_token <> l.token)) AND NOT EXISTS (SELECT 1 FROM controls c "
    "WHERE c.cart = j.cart AND c.state = 'stopped' AND (c.stream = '' OR c.stream = j.name "
    "OR j.name LIKE '% ' || c.stream)) ORDER BY j.ready_at, j.cart, j.name LIMIT 1";
static const char select_next[] =
    "SELECT min(t) FROM (SELECT min(ready_at) AS t FROM jobs WHERE ready_at > ?3 UNION ALL "
    "SELECT min(l.expires_at) FROM jobs j " WITH_LEASE
    "WHERE j.ready_at <= ?3 AND l.holder <> '' AND l.holder <> ?4 AND l.expires_at > ?1 "
    "AND l.expires_at <= ?2)";
static const char keep_lease[] =
    "UPDATE leases SET expires_at = ?4 WHERE name = ?1 AND holder = ?2 AND expires_at > ?3 "
    "AND expires_at <= ?5 RETURNING token";
static const char take_lease[] =
    "INSERT INTO leases (name, holder, token, expires_at) VALUES (?1, ?2, 1, ?3) ON CONFLICT (name) DO "
    "UPDATE SET holder = excluded.holder, token = token + 1, expires_at = excluded.expires_at "
    "RETURNING token";
/* A wake-up for later is not what begins now. */
static const char begin_job[] =
    "UPDATE jobs SET began_at = ?3, woken_at = CASE WHEN woken_at > ?3 THEN woken_at END, lease_token = ?4 "
    "WHERE cart = ?1 AND name = ?2";
static const char end_job[] =
    "UPDATE jobs SET served_at = ?3, due_at = ?4, ended_at = ?5, failures = ?6, message = ?7, "
    "lease_token = 0, ready_at = CASE WHEN woken_at IS NULL THEN ?4 WHEN ?4 IS NULL THEN woken_at "
    "ELSE min(woken_at, ?4) END WHERE cart = ?1 AND name = ?2";
static const char wake_job[] =
    "UPDATE jobs SET woken_at = ?3, ready_at = min(coalesce(ready_at, ?3), ?3) WHERE cart = ?1 "
    "AND (?2 = '' OR name = ?2)";
/* What runs keeps its place in time until it ends. */
static const char put_job[] =
    "INSERT INTO jobs (cart, name, schedule, ready_at, due_at, lease_token, failures, message) "
    "VALUES (?1, ?2, ?3, ?4, ?4, 0, 0, '') ON CONFLICT (cart, name) DO UPDATE SET schedule = "
    "excluded.schedule, due_at = excluded.due_at, ready_at = CASE WHEN woken_at IS NULL THEN "
    "excluded.due_at WHEN excluded.due_at IS NULL THEN woken_at ELSE min(woken_at, excluded.due_at) END "
    "WHERE schedule <> excluded.schedule";
static const char select_names[] = "SELECT cart, name FROM jobs ORDER BY cart, name";
static const char delete_job[] = "DELETE FROM jobs WHERE cart = ?1 AND name = ?2";

/* --- reading --- */

/* The texts are the statement's, valid until it moves on. */
static struct cw_job read_job(sqlite3_stmt *row)
{
    return (struct cw_job){ .cart = cw_sqlite_slice(row, 0),
                            .name = cw_sqlite_slice(row, 1),
                            .schedule = cw_sqlite_slice(row, 2),
                            .due_at = cw_sqlite_time(row, 3),
                            .woken_at = cw_sqlite_time(row, 4),
                            .served_at = cw_sqlite_time(row, 5),
                            .began_at = cw_sqlite_time(row, 6),
                            .ended_at = cw_sqlite_time(row, 7),
                            .failures = (unsigned)sqlite3_column_int64(row, 8),
                            .message = cw_sqlite_slice(row, 9),
                            .is_running = sqlite3_column_int(row, COLUMN_RUNNING) == 1 };
}

/* The two bounds between which a lease is in force. */
#define IN_FORCE(now) cw_bind_time(now), cw_bind_time((now) + CW_LEASE_TIME_MAX)

void cw_sqlite_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                         void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    struct cw_error err;
    sqlite3_stmt *row;
    struct cw_bind of = cart.data != NULL ? cw_bind_text(cart) : (struct cw_bind){ .type = CW_BIND_NULL };
    cw_time now = cw_now(store->clock);
    enum cw_row found = cw_sqlite_find(s, select_jobs, CW_BINDS(IN_FORCE(now), of), &row, &err);
    while (found == CW_ROW_FOUND) {
        struct cw_job each = read_job(row);
        if (!job(arg, &each)) {
            sqlite3_reset(row);
            break;
        }
        found = cw_sqlite_next(s, row, &err);
    }
    done(arg, found == CW_ROW_FAILED ? &err : NULL);
}

/* --- claiming --- */

struct claiming {
    cw_time now, lease_time;
    cw_claim_fn *claimed;
    void *arg;
    struct cw_slice holder; /* copied behind this struct */
    struct cw_arena texts;
    struct cw_claim claim;
    bool is_found;
    cw_time next_at;
};

static void finish_claim(void *arg, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    bool is_claimed = err == NULL && claiming->is_found;
    claiming->claimed(claiming->arg, is_claimed ? &claiming->claim : NULL, claiming->next_at, err);
    cw_arena_fini(&claiming->texts);
    free(claiming);
}

/* The statement is reset before anybody sees the job. */
static bool keep_texts(struct claiming *claiming, struct cw_error *err)
{
    struct cw_job *job = &claiming->claim.job;
    struct cw_slice *texts[TEXTS_MAX] = { &job->cart, &job->name, &job->schedule, &job->message };
    for (size_t i = 0; i < TEXTS_MAX; i++) {
        *texts[i] = cw_arena_copy(&claiming->texts, *texts[i]);
        if (texts[i]->data == NULL)
            return cw_fail(err, CW_NOMEM, "out of memory for a job");
    }
    return true;
}

static bool find_ready(struct cw_sqlite *s, struct claiming *claiming, cw_time store_now,
                       struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, select_ready,
        CW_BINDS(IN_FORCE(store_now), cw_bind_time(claiming->now), cw_bind_text(claiming->holder)), &row,
        err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    claiming->claim.job = read_job(row);
    claiming->is_found = keep_texts(claiming, err);
    sqlite3_reset(row);
    return claiming->is_found;
}

static bool find_next(struct cw_sqlite *s, struct claiming *claiming, cw_time store_now, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, select_next,
        CW_BINDS(IN_FORCE(store_now), cw_bind_time(claiming->now), cw_bind_text(claiming->holder)), &row,
        err);
    if (found != CW_ROW_FOUND)
        return false;
    claiming->next_at = cw_sqlite_time(row, 0);
    sqlite3_reset(row);
    return true;
}

/* The token of the cart's lease: the one that is held, else a new one. */
static bool hold_lease(struct cw_sqlite *s, struct claiming *claiming, cw_time store_now,
                       struct cw_error *err)
{
    struct cw_slice cart = claiming->claim.job.cart;
    struct cw_bind name = cw_bind_text(cart.len > 0 ? cart : cw_slice(CW_SITE_LEASE));
    struct cw_bind holder = cw_bind_text(claiming->holder);
    struct cw_bind until = cw_bind_time(store_now + claiming->lease_time);
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, keep_lease,
        CW_BINDS(name, holder, cw_bind_time(store_now), until, cw_bind_time(store_now + CW_LEASE_TIME_MAX)),
        &row, err);
    if (found == CW_ROW_NONE)
        found = cw_sqlite_find(s, take_lease, CW_BINDS(name, holder, until), &row, err);
    if (found != CW_ROW_FOUND)
        return false;
    claiming->claim.token = sqlite3_column_int64(row, 0);
    return cw_sqlite_next(s, row, err) != CW_ROW_FAILED;
}

static bool claim(struct cw_sqlite *s, struct claiming *claiming, struct cw_error *err)
{
    cw_time store_now = cw_now(s->store.clock);
    const struct cw_job *job = &claiming->claim.job;
    if (!find_ready(s, claiming, store_now, err))
        return false;
    if (!claiming->is_found)
        return find_next(s, claiming, store_now, err);
    return hold_lease(s, claiming, store_now, err) &&
           cw_sqlite_run(s, begin_job,
                         CW_BINDS(cw_bind_text(job->cart), cw_bind_text(job->name),
                                  cw_bind_time(claiming->now), cw_bind_int(claiming->claim.token)),
                         err);
}

static void write_claim(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct claiming *claiming = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_claim(claiming, err);
        return;
    }
    if (!claim(cw_sqlite_of(txn->store), claiming, &fault))
        cw_txn_lose(txn, &fault);
    if (claiming->is_found || cw_txn_error(txn) != NULL) {
        cw_txn_commit(txn, finish_claim, claiming);
        return;
    }
    cw_txn_rollback(txn); /* nothing was written */
    finish_claim(claiming, NULL);
}

void cw_sqlite_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
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
    cw_arena_init(&claiming->texts, 0);
    cw_txn_begin(store, (struct cw_fence){ 0 }, write_claim, claiming);
}

/* --- writing --- */

bool cw_sqlite_end_job(struct cw_txn *txn, const struct cw_job *job, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), end_job,
                         CW_BINDS(cw_bind_text(job->cart), cw_bind_text(job->name),
                                  cw_bind_time(job->served_at), cw_bind_time(job->due_at),
                                  cw_bind_time(job->ended_at), cw_bind_int(job->failures),
                                  cw_bind_text(job->message)),
                         err);
}

bool cw_sqlite_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at,
                        struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    if (!cw_sqlite_run(s, wake_job, CW_BINDS(cw_bind_text(cart), cw_bind_text(name), cw_bind_time(at)), err))
        return false;
    if (sqlite3_changes(s->db) == 0)
        return cw_fail(err, CW_NOT_FOUND,
                       "cart %.*s has no job %.*s; cartwright status --parameters %.*s lists what it has",
                       CW_SLICE_ARG(cart), CW_SLICE_ARG(name), CW_SLICE_ARG(cart));
    cw_sqlite_tell(s);
    return true;
}

static bool is_planned(const struct cw_job *jobs, size_t count, struct cw_slice cart, struct cw_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (cw_slice_equal(jobs[i].cart, cart) && cw_slice_equal(jobs[i].name, name))
            return true;
    return false;
}

/* One that no longer stands in the plan; false when there is none or the search failed. */
static bool drop_one(struct cw_sqlite *s, const struct cw_job *jobs, size_t count, bool *dropped,
                     struct cw_error *err)
{
    sqlite3_stmt *row;
    *dropped = false;
    enum cw_row found = cw_sqlite_find(s, select_names, NULL, 0, &row, err);
    while (found == CW_ROW_FOUND && is_planned(jobs, count, cw_sqlite_slice(row, 0), cw_sqlite_slice(row, 1)))
        found = cw_sqlite_next(s, row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    *dropped = true;
    bool ok = cw_sqlite_run(
        s, delete_job, CW_BINDS(cw_bind_text(cw_sqlite_slice(row, 0)), cw_bind_text(cw_sqlite_slice(row, 1))),
        err);
    sqlite3_reset(row);
    return ok;
}

bool cw_sqlite_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    bool dropped = true;
    for (size_t i = 0; i < count; i++)
        if (!cw_sqlite_run(s, put_job,
                           CW_BINDS(cw_bind_text(jobs[i].cart), cw_bind_text(jobs[i].name),
                                    cw_bind_text(jobs[i].schedule), cw_bind_time(jobs[i].due_at)),
                           err))
            return false;
    while (dropped)
        if (!drop_one(s, jobs, count, &dropped, err))
            return false;
    cw_sqlite_tell(s);
    return true;
}
