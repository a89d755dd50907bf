/* pg_leases.c - leases: one holder at a time, and a number that shuts out the late one. All by the server's
 * clock. */
#include <stdlib.h>

#include "adapters/pg_link.h"

#define UNTIL CW_PG_CLOCK("$3")

const char cw_pg_select_holder[] =
    "SELECT holder, expires_at, " CW_PG_IN_FORCE " FROM leases l WHERE name = $1";
static const char take_new[] =
    "INSERT INTO leases AS l (name, holder, token, expires_at) VALUES ($1, $2, 1, " UNTIL ") "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = l.token + 1, "
    "expires_at = excluded.expires_at WHERE l.holder = excluded.holder OR NOT " CW_PG_IN_FORCE " "
    "RETURNING token";
static const char renew[] = "UPDATE leases l SET expires_at = " UNTIL " WHERE name = $1 AND token = $2 "
                            "AND " CW_PG_IN_FORCE " RETURNING token";
static const char give_back[] =
    "UPDATE leases SET holder = '' WHERE name = $1 AND token = $2 RETURNING token";

bool cw_pg_fail_held(struct cw_slice name, const PGresult *result, struct cw_error *err)
{
    bool is_known = result != NULL && PQntuples(result) == 1;
    struct cw_slice holder = is_known ? cw_pg_slice(result, 0, 0) : (struct cw_slice){ "", 0 };
    struct cw_slice until = is_known ? cw_pg_slice(result, 0, 1) : holder;
    holder = cw_slice_clip(holder, 128);
    if (holder.len == 0)
        return cw_fail(err, CW_CONFLICT, "the lease %.*s was given back", CW_SLICE_ARG(name));
    if (cw_pg_int(result, 0, 2) == 0)
        return cw_fail(err, CW_CONFLICT, "the time of the lease %.*s of %.*s was over at %.*s",
                       CW_SLICE_ARG(name), CW_SLICE_ARG(holder), CW_SLICE_ARG(until));
    return cw_fail(err, CW_CONFLICT,
                   "%.*s holds the lease %.*s until %.*s; wait until it is done, or stop it",
                   CW_SLICE_ARG(holder), CW_SLICE_ARG(name), CW_SLICE_ARG(until));
}

/* A lease that waits for its turn to be taken or given back. */
struct claim {
    struct cw_slice name, holder; /* copied behind this struct */
    int64_t token;
    cw_time time;
    cw_lease_fn *taken; /* NULL = it is given back */
    cw_store_done_fn *dropped;
    void *arg;
    struct cw_txn *txn;
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

static void lose(struct claim *claim, const struct cw_error *err)
{
    cw_txn_lose(claim->txn, err);
    cw_txn_commit(claim->txn, finish_claim, claim);
}

static void note_holder(void *arg, PGresult *result, const struct cw_error *err)
{
    struct claim *claim = arg;
    struct cw_error held;
    if (err == NULL)
        cw_pg_fail_held(claim->name, result, &held);
    lose(claim, err != NULL ? err : &held);
}

static void note_token(void *arg, PGresult *result, const struct cw_error *err)
{
    struct claim *claim = arg;
    struct cw_error fault;
    const struct cw_bind name = cw_bind_text(claim->name);
    if (err != NULL) {
        lose(claim, err);
    } else if (PQntuples(result) == 1) {
        claim->token = cw_pg_int(result, 0, 0);
        cw_txn_commit(claim->txn, finish_claim, claim);
    } else if (!cw_pg_send(cw_pg_of(claim->txn->store), cw_pg_select_holder, &name, 1, note_holder, claim,
                           &fault)) {
        lose(claim, &fault);
    }
}

static bool send_claim(struct cw_pg *pg, struct claim *claim, struct cw_error *err)
{
    const struct cw_bind name = cw_bind_text(claim->name), token = cw_bind_int(claim->token);
    const struct cw_bind time = cw_bind_int(claim->time);
    if (claim->taken == NULL)
        return cw_pg_send(pg, give_back, CW_BINDS(name, token), note_token, claim, err);
    if (claim->token != 0)
        return cw_pg_send(pg, renew, CW_BINDS(name, token, time), note_token, claim, err);
    return cw_pg_send(pg, take_new, CW_BINDS(name, cw_bind_text(claim->holder), time), note_token, claim,
                      err);
}

static void write_claim(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct claim *claim = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_claim(claim, err);
        return;
    }
    claim->txn = txn;
    if (!send_claim(cw_pg_of(txn->store), claim, &fault))
        lose(claim, &fault);
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

void cw_pg_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
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

void cw_pg_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
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
