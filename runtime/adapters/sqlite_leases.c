/* sqlite_leases.c - leases: one holder at a time, and a number that shuts out the late one. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

static const char select_lease[] = "SELECT holder, token, expires_at FROM leases WHERE name = ?1";
static const char upsert_lease[] =
    "INSERT INTO leases (name, holder, token, expires_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO "
    "UPDATE SET "
    "holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at";
static const char renew_lease[] = "UPDATE leases SET expires_at = ?2 WHERE name = ?1";
static const char free_lease[] = "UPDATE leases SET holder = '' WHERE name = ?1 AND token = ?2";

enum { HOLDER_MAX = 128 };

/* A lease as it stands. holder empty: nobody's, or given back. */
struct lease {
    char holder[HOLDER_MAX]; /* cut, for messages */
    bool is_holders;         /* of the one who asks */
    int64_t token;           /* 0 = nobody ever had it */
    cw_time expires_at;
};

static bool read_lease(struct cw_sqlite *s, struct cw_slice name, struct cw_slice asking, struct lease *lease,
                       struct cw_error *err)
{
    sqlite3_stmt *row;
    *lease = (struct lease){ .expires_at = CW_TIME_NONE };
    enum cw_row found = cw_sqlite_find(s, select_lease, CW_BINDS(cw_bind_text(name)), &row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    struct cw_slice holder = cw_sqlite_slice(row, 0);
    lease->is_holders = cw_slice_equal(holder, asking);
    sqlite3_snprintf(sizeof lease->holder, lease->holder, "%.*s", (int)holder.len, holder.data);
    lease->token = sqlite3_column_int64(row, 1);
    lease->expires_at = cw_sqlite_time(row, 2);
    sqlite3_reset(row);
    return true;
}

static bool is_in_force(const struct lease *lease, cw_time now)
{
    return lease->holder[0] != '\0' && lease->expires_at > now &&
           lease->expires_at <= now + CW_LEASE_TIME_MAX;
}

static bool fail_held(struct cw_slice name, const struct lease *lease, cw_time now, struct cw_error *err)
{
    char until[CW_STORE_TIME_LEN + 1];
    if (lease->holder[0] == '\0')
        return cw_fail(err, CW_CONFLICT, "the lease %.*s was given back", CW_SLICE_ARG(name));
    cw_store_time_text(lease->expires_at, until);
    if (!is_in_force(lease, now))
        return cw_fail(err, CW_CONFLICT, "the time of the lease %.*s of %s was over at %s",
                       CW_SLICE_ARG(name), lease->holder, until);
    return cw_fail(err, CW_CONFLICT, "%s holds the lease %.*s until %s; wait until it is done, or stop it",
                   lease->holder, CW_SLICE_ARG(name), until);
}

/* A lease that waits for its turn to be taken or given back. */
struct claim {
    struct cw_slice name, holder; /* copied behind this struct */
    int64_t token;
    cw_time time;
    cw_lease_fn *taken;
    cw_store_done_fn *dropped;
    void *arg;
};

static void finish_claim(void *arg, const struct cw_error *err)
{
    struct claim claim = *(struct claim *)arg;
    free(arg);
    if (claim.taken != NULL)
        claim.taken(claim.arg, err == NULL ? claim.token : 0, err);
    else
        claim.dropped(claim.arg, err);
}

static bool take(struct cw_sqlite *s, struct claim *claim, struct cw_error *err)
{
    struct lease lease;
    cw_time now = cw_now(s->store.clock);
    if (!read_lease(s, claim->name, claim->holder, &lease, err))
        return false;
    bool is_over = !is_in_force(&lease, now);
    if (claim->token == 0 ? !is_over && !lease.is_holders : claim->token != lease.token || is_over)
        return fail_held(claim->name, &lease, now, err);
    const struct cw_bind name = cw_bind_text(claim->name), until = cw_bind_time(now + claim->time);
    if (claim->token != 0)
        return cw_sqlite_run(s, renew_lease, CW_BINDS(name, until), err);
    claim->token = lease.token + 1;
    return cw_sqlite_run(s, upsert_lease,
                         CW_BINDS(name, cw_bind_text(claim->holder), cw_bind_int(claim->token), until), err);
}

static bool drop(struct cw_sqlite *s, const struct claim *claim, struct cw_error *err)
{
    struct lease lease;
    if (!cw_sqlite_run(s, free_lease, CW_BINDS(cw_bind_text(claim->name), cw_bind_int(claim->token)), err))
        return false;
    if (sqlite3_changes(s->db) == 1)
        return true;
    return read_lease(s, claim->name, (struct cw_slice){ NULL, 0 }, &lease, err) &&
           fail_held(claim->name, &lease, cw_now(s->store.clock), err);
}

static void write_claim(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct claim *claim = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_claim(claim, err);
        return;
    }
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    if (!(claim->taken != NULL ? take(s, claim, &fault) : drop(s, claim, &fault)))
        cw_txn_lose(txn, &fault);
    cw_txn_commit(txn, finish_claim, claim);
}

/* NULL when memory is exhausted. */
static struct claim *claim_create(struct cw_slice name, struct cw_slice holder)
{
    struct claim *claim = calloc(1, sizeof *claim + name.len + holder.len);
    if (claim == NULL)
        return NULL;
    char *texts = (char *)(claim + 1);
    memcpy(texts, name.data, name.len);
    if (holder.len > 0)
        memcpy(texts + name.len, holder.data, holder.len);
    claim->name = (struct cw_slice){ texts, name.len };
    claim->holder = (struct cw_slice){ texts + name.len, holder.len };
    return claim;
}

void cw_sqlite_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                          cw_time time, cw_lease_fn *taken, void *arg)
{
    struct claim *claim = claim_create(name, holder);
    struct cw_error err;
    if (claim == NULL) {
        cw_fail(&err, CW_NOMEM, "out of memory for a lease");
        taken(arg, 0, &err);
        return;
    }
    claim->token = token;
    claim->time = time < CW_LEASE_TIME_MAX ? time : CW_LEASE_TIME_MAX;
    claim->taken = taken;
    claim->arg = arg;
    cw_txn_begin(store, (struct cw_fence){ 0 }, write_claim, claim);
}

void cw_sqlite_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                          void *arg)
{
    struct claim *claim = claim_create(name, (struct cw_slice){ NULL, 0 });
    struct cw_error err;
    if (claim == NULL) {
        cw_fail(&err, CW_NOMEM, "out of memory for a lease");
        done(arg, &err);
        return;
    }
    claim->token = token;
    claim->dropped = done;
    claim->arg = arg;
    cw_txn_begin(store, (struct cw_fence){ 0 }, write_claim, claim);
}

bool cw_sqlite_check_fence(struct cw_sqlite *s, const struct cw_fence *fence, struct cw_error *err)
{
    struct lease lease;
    if (fence->token == 0)
        return true;
    if (!read_lease(s, fence->lease, (struct cw_slice){ NULL, 0 }, &lease, err))
        return false;
    cw_time now = cw_now(s->store.clock);
    if (lease.token == fence->token && is_in_force(&lease, now))
        return true;
    return fail_held(fence->lease, &lease, now, err) ||
           cw_fail_in(err, "this process came too late and has written nothing");
}
