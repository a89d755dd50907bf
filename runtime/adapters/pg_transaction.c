/* pg_transaction.c - begin, commit with its fence, rollback, and what became of a commit whose answer was
 * lost.
 *
 * Each transaction that commits leaves its number in the store's row of the table commits, so that the store
 * can look, over the next connection, whether it was the last one to be done. The number of the transaction
 * in the server (xid) only tells whether it is still running: after a crash it may be given to another one.
 */
#include "adapters/pg_link.h"

#include "base/log.h"

static const char begin[] = "BEGIN";
static const char commit[] = "COMMIT";
static const char rollback[] = "ROLLBACK";
static const char lock_lease[] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
static const char select_xid[] = "SELECT pg_current_xact_id()::text";

/* An error where the lease is not ours: then nothing behind it is done. The lock keeps it ours to the end. */
static const char check_fence[] =
    "SELECT 1 / (SELECT count(*) FROM (SELECT 1 FROM leases l WHERE name = $1 AND token = $2 "
    "AND " CW_PG_IN_FORCE " FOR SHARE) held)";

static const char mark[] =
    "INSERT INTO commits (session, number, committed_at) VALUES ($1, $2, " CW_PG_NOW ") "
    "ON CONFLICT (session) DO UPDATE SET number = excluded.number, committed_at = excluded.committed_at";
static const char select_mark[] = "SELECT number FROM commits WHERE session = $1";
/* A number that the server does not know (any more) was never committed. */
static const char select_status[] =
    "SELECT CASE WHEN $1::xid8 < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status($1::xid8) END";

enum { ASK_MIN_MS = 20, ASK_MAX_MS = 1000 };

static bool send_control(struct cw_pg_link *link, unsigned flags, const char *sql, cw_pg_answer_fn *answer,
                         struct cw_error *err)
{
    return cw_pg_send_with(link->pg, flags | CW_PG_ONCE | CW_PG_APART, sql, NULL, 0, answer, link, err);
}

/* --- the stages --- */

uint64_t cw_pg_turn_serial(const struct cw_pg_link *link)
{
    const struct cw_pg_turn *turn = &link->turn;
    bool is_open =
        turn->stage == CW_PG_BEGINNING || turn->stage == CW_PG_OPEN || turn->stage == CW_PG_SETTLING;
    return is_open ? turn->serial : 0;
}

bool cw_pg_turn_is_busy(const struct cw_pg_link *link)
{
    const struct cw_pg_turn *turn = &link->turn;
    return turn->stage != CW_PG_NONE && turn->stage != CW_PG_OPEN &&
           (turn->stage != CW_PG_LOST || turn->is_ending);
}

bool cw_pg_turn_holds(const struct cw_pg_link *link)
{
    return cw_pg_turn_serial(link) != 0 || link->turn.stage == CW_PG_COMMITTING;
}

int64_t cw_pg_turn_wake_ns(const struct cw_pg_link *link)
{
    const struct cw_pg_turn *turn = &link->turn;
    if (turn->stage == CW_PG_WAITING)
        return turn->deadline_ns;
    if (turn->stage != CW_PG_RESOLVING)
        return CW_PG_NEVER;
    bool can_ask = link->state == CW_PG_UP && !turn->is_asking;
    return can_ask && turn->ask_ns < turn->deadline_ns ? turn->ask_ns : turn->deadline_ns;
}

static struct cw_txn *release(struct cw_pg_turn *turn)
{
    struct cw_txn *txn = turn->txn;
    *turn = (struct cw_pg_turn){ .stage = CW_PG_NONE };
    return txn;
}

static void end(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_error why;
    if (err != NULL)
        why = *err; /* it may be the transaction's own, which is freed */
    cw_txn_ended(release(&link->turn), err != NULL ? &why : NULL);
}

/* What was sent before may have failed, and would take the ROLLBACK along; so it stands alone. */
static void send_rollback(struct cw_pg_link *link)
{
    if (link->state != CW_PG_UP)
        return;
    if (link->unsynced > 0)
        cw_pg_sync(link);
    if (!send_control(link, 0, rollback, NULL, NULL))
        cw_pg_lose_link(link); /* no memory even for that; without a connection there is no transaction */
}

/* --- begin --- */

static void fail_begin(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_error why = *err;
    cw_txn_began(release(&link->turn), &why);
}

static void note_begun(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    struct cw_pg_turn *turn = &link->turn;
    if (turn->stage != CW_PG_BEGINNING)
        return; /* the link was lost: it begins anew */
    if (err != NULL) {
        turn->stage = CW_PG_LOST;
        send_rollback(link);
        fail_begin(link, err);
        return;
    }
    struct cw_slice xid = cw_pg_slice(result, 0, 0);
    snprintf(turn->xid, sizeof turn->xid, "%.*s", CW_SLICE_ARG(xid));
    turn->stage = CW_PG_OPEN;
    cw_txn_began(turn->txn, NULL);
}

static bool lock_for(struct cw_pg_link *link, const struct cw_fence *fence, struct cw_error *err)
{
    const struct cw_bind name = cw_bind_text(fence->lease);
    return fence->lease.len == 0 || cw_pg_send_with(link->pg, CW_PG_ONCE | CW_PG_APART | CW_PG_MORE,
                                                    lock_lease, &name, 1, NULL, NULL, err);
}

static void send_begin(struct cw_pg_link *link)
{
    struct cw_error err;
    bool ok = send_control(link, CW_PG_MORE, begin, NULL, &err) &&
              lock_for(link, &link->turn.txn->fence, &err) &&
              send_control(link, 0, select_xid, note_begun, &err);
    if (ok) {
        link->turn.stage = CW_PG_BEGINNING;
        return;
    }
    send_rollback(link);
    fail_begin(link, &err);
}

static void step_waiting(struct cw_pg_link *link)
{
    if (link->state == CW_PG_UP)
        send_begin(link);
    else if (cw_pg_clock_ns() >= link->turn.deadline_ns)
        fail_begin(link, &link->why);
}

void cw_pg_begin(struct cw_txn *txn)
{
    struct cw_pg_link *link = cw_pg_of(txn->store)->link;
    struct cw_error err;
    if (txn->store->read_only) {
        cw_fail(&err, CW_REFUSED, "%s was opened for reading only", link->pg->place);
        cw_txn_began(txn, &err);
        return;
    }
    link->turn = (struct cw_pg_turn){ .stage = CW_PG_WAITING,
                                      .txn = txn,
                                      .serial = ++link->serials,
                                      .deadline_ns = cw_pg_clock_ns() + link->wait_ns };
    cw_pg_turn_step(link);
    cw_pg_pump_later(link);
}

/* --- commit --- */

static void note_fence(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_turn *turn = &((struct cw_pg_link *)arg)->turn;
    if (turn->stage == CW_PG_COMMITTING && err != NULL && strcmp(cw_pg_sqlstate(result), "22012") == 0)
        turn->is_fenced_out = true;
}

static void note_holder(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    struct cw_error why;
    if (link->turn.stage != CW_PG_REFUSED)
        return;
    cw_pg_fail_held(link->turn.txn->fence.lease, err == NULL ? result : NULL, &why);
    cw_fail_in(&why, "this process came too late and has written nothing");
    end(link, &why);
}

/* Nothing was written; who has the lease is only asked for the message. */
static void ask_for_holder(struct cw_pg_link *link)
{
    const struct cw_bind name = cw_bind_text(link->turn.txn->fence.lease);
    struct cw_error err;
    if (!cw_pg_send_with(link->pg, 0, cw_pg_select_holder, &name, 1, note_holder, link, &err))
        end(link, &err);
}

static void fail_commit(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_error why = link->turn.txn->lost ? link->turn.txn->error : *err;
    link->turn.stage = CW_PG_REFUSED;
    send_rollback(link);
    if (link->turn.is_fenced_out && !link->turn.txn->lost)
        ask_for_holder(link);
    else
        end(link, &why);
}

static void note_committed(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    struct cw_error why;
    if (link->turn.stage != CW_PG_COMMITTING)
        return; /* the link was lost: it is found out */
    if (err != NULL)
        fail_commit(link, err);
    else if (strcmp(PQcmdStatus(result), "COMMIT") == 0)
        end(link, NULL);
    else { /* of a transaction that had failed already the server makes a ROLLBACK */
        cw_fail(&why, CW_CONFLICT, "%s rolled the transaction back", link->pg->place);
        fail_commit(link, &why);
    }
}

static bool send_fence(struct cw_pg_link *link, const struct cw_fence *fence, struct cw_error *err)
{
    return fence->token == 0 || fence->lease.len == 0 ||
           cw_pg_send_with(link->pg, CW_PG_ONCE | CW_PG_APART | CW_PG_MORE, check_fence,
                           CW_BINDS(cw_bind_text(fence->lease), cw_bind_int(fence->token)), note_fence, link,
                           err);
}

static bool send_mark(struct cw_pg_link *link, struct cw_error *err)
{
    return cw_pg_send_with(link->pg, CW_PG_ONCE | CW_PG_APART | CW_PG_MORE, mark,
                           CW_BINDS(cw_bind_word(link->session), cw_bind_int((int64_t)link->turn.serial)),
                           NULL, NULL, err);
}

static void send_commit(struct cw_pg_link *link)
{
    struct cw_error err;
    link->turn.stage = CW_PG_COMMITTING;
    if (!send_fence(link, &link->turn.txn->fence, &err) || !send_mark(link, &err) ||
        !send_control(link, 0, commit, note_committed, &err))
        fail_commit(link, &err);
}

static void step_settling(struct cw_pg_link *link)
{
    if (link->turn.txn->lost)
        fail_commit(link, &link->turn.txn->error);
    else if (link->turn.deciding == 0)
        send_commit(link);
}

void cw_pg_commit(struct cw_txn *txn)
{
    struct cw_pg_link *link = cw_pg_of(txn->store)->link;
    link->turn.stage = CW_PG_SETTLING;
    cw_pg_turn_step(link);
    cw_pg_pump_later(link);
}

/* --- rollback --- */

void cw_pg_rollback(struct cw_txn *txn)
{
    struct cw_pg_link *link = cw_pg_of(txn->store)->link;
    bool is_there = cw_pg_turn_serial(link) != 0;
    release(&link->turn);
    if (is_there)
        send_rollback(link);
    cw_pg_pump_later(link);
}

/* --- a commit whose answer was lost --- */

static void note_status(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    link->turn.in_progress = err != NULL || cw_slice_is(cw_pg_slice(result, 0, 0), "in progress");
}

static void end_undone(struct cw_pg_link *link)
{
    struct cw_error err;
    cw_fail(
        &err, CW_UNAVAILABLE,
        "the connection to %s was lost during a commit: nothing of this transaction was stored; it can be "
        "repeated",
        link->pg->place);
    end(link, &err);
}

static void ask_again(struct cw_pg_turn *turn)
{
    const int64_t max_ns = ASK_MAX_MS * INT64_C(1000000);
    turn->ask_ns = cw_pg_clock_ns() + turn->pause_ns;
    turn->pause_ns = turn->pause_ns * 2 < max_ns ? turn->pause_ns * 2 : max_ns;
}

static void note_mark(void *arg, PGresult *result, const struct cw_error *err)
{
    struct cw_pg_link *link = arg;
    struct cw_pg_turn *turn = &link->turn;
    if (turn->stage != CW_PG_RESOLVING)
        return;
    turn->is_asking = false;
    bool is_done = err == NULL && PQntuples(result) == 1 && (uint64_t)cw_pg_int(result, 0, 0) >= turn->serial;
    if (is_done)
        end(link, NULL);
    else if (err != NULL || turn->in_progress)
        ask_again(turn);
    else
        end_undone(link);
}

/* The mark is asked for after the status: of a transaction that has ended it says how. */
static void ask_for_outcome(struct cw_pg_link *link)
{
    const struct cw_bind session = cw_bind_word(link->session), xid = cw_bind_word(link->turn.xid);
    struct cw_pg *pg = link->pg;
    link->turn.is_asking = cw_pg_send_with(pg, CW_PG_ONCE, select_status, &xid, 1, note_status, link, NULL) &&
                           cw_pg_send_with(pg, CW_PG_ONCE, select_mark, &session, 1, note_mark, link, NULL);
    if (!link->turn.is_asking)
        ask_again(&link->turn);
}

static void step_resolving(struct cw_pg_link *link)
{
    int64_t now_ns = cw_pg_clock_ns();
    struct cw_error err;
    if (link->state == CW_PG_UP && !link->turn.is_asking && now_ns >= link->turn.ask_ns) {
        ask_for_outcome(link);
    } else if (now_ns >= link->turn.deadline_ns) {
        cw_fail(
            &err, CW_UNAVAILABLE,
            "the connection to %s was lost during a commit, and it is not known whether it was done; what "
            "was stored is seen when the work is repeated",
            link->pg->place);
        end(link, &err);
    }
}

static void begin_resolving(struct cw_pg_link *link)
{
    struct cw_pg_turn *turn = &link->turn;
    int64_t now_ns = cw_pg_clock_ns();
    turn->stage = CW_PG_RESOLVING;
    turn->is_asking = false;
    turn->in_progress = true;
    turn->ask_ns = now_ns;
    turn->pause_ns = ASK_MIN_MS * INT64_C(1000000);
    turn->deadline_ns = now_ns + CW_PG_RESOLVE_NS;
    cw_log_pairs(CW_LOG_WARNING, "store-commit-unknown", "store", link->pg->place, NULL);
}

/* --- all stages --- */

void cw_pg_turn_lost(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_pg_turn *turn = &link->turn;
    switch (turn->stage) {
    case CW_PG_BEGINNING: /* nothing was done yet */
        turn->stage = CW_PG_WAITING;
        turn->serial = ++link->serials;
        turn->deciding = 0;
        break;
    case CW_PG_OPEN:
    case CW_PG_SETTLING:
        cw_txn_lose(turn->txn, err);
        turn->is_ending = turn->stage == CW_PG_SETTLING;
        turn->stage = CW_PG_LOST;
        break;
    case CW_PG_COMMITTING:
        begin_resolving(link);
        break;
    case CW_PG_RESOLVING:
        turn->is_asking = false;
        break;
    default:
        break;
    }
}

void cw_pg_turn_step(struct cw_pg_link *link)
{
    switch (link->turn.stage) {
    case CW_PG_WAITING:
        step_waiting(link);
        break;
    case CW_PG_SETTLING:
        step_settling(link);
        break;
    case CW_PG_RESOLVING:
        step_resolving(link);
        break;
    case CW_PG_LOST:
        if (link->turn.is_ending)
            end(link, &link->turn.txn->error);
        break;
    default:
        break;
    }
}
