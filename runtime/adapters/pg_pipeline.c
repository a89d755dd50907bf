/* pg_pipeline.c - statements on their way: sent without waiting, answered in order.
 *
 * An entry stands in the queue `sent` for each thing that libpq will report, in its order: a statement, its
 * being prepared, a sync. Answers may make further calls, and even wait: the queue is looked at anew after
 * each, and what comes meanwhile for a statement whose answer is running is kept until that has returned.
 */
#include "adapters/pg_link.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

int64_t cw_pg_clock_ns(void)
{
    return cw_elapsed_ns(&cw_system_clock);
}

static struct cw_pg_entry *take_first(struct cw_pg_queue *queue)
{
    struct cw_pg_entry *entry = queue->first;
    if (entry != NULL)
        queue->first = entry->next;
    return entry;
}

/* --- sending --- */

void cw_pg_sync(struct cw_pg_link *link)
{
    struct cw_pg_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return; /* it stays unsynced: tried again before anybody waits */
    entry->kind = CW_PG_SYNC;
    PQpipelineSync(link->conn); /* where it fails the connection is gone, which is seen later */
    cw_pg_append(&link->sent, entry);
    link->unsynced = 0;
    if (cw_pg_turn_serial(link) == 0)
        link->segment++;
}

static bool transmit_apart(struct cw_pg_link *link, struct cw_pg_entry *entry, const char *sql,
                           const struct cw_bind *binds, size_t count, struct cw_error *err)
{
    unsigned flags = entry->flags;
    bool ok = cw_pg_transmit(link, entry, sql, binds, count, err);
    if (ok && cw_pg_turn_serial(link) == 0 && (flags & CW_PG_MORE) == 0)
        cw_pg_sync(link);
    return ok;
}

/* Of statements outside of transactions: they can be sent when there is a link again. */
static bool keep_copy(struct cw_pg_link *link, struct cw_pg_entry *entry, const char *sql,
                      const struct cw_bind *binds, size_t count, struct cw_error *err)
{
    bool is_needed = link->state != CW_PG_UP || (entry->flags & CW_PG_ONCE) == 0;
    entry->deadline_ns = cw_pg_clock_ns() + link->wait_ns;
    if (is_needed)
        entry->copy = cw_pg_copy_create(sql, (entry->flags & CW_PG_FOREIGN) != 0, binds, count);
    return !is_needed || entry->copy != NULL || cw_fail(err, CW_NOMEM, "out of memory for a statement");
}

static bool send_entry(struct cw_pg_link *link, struct cw_pg_entry *entry, const char *sql,
                       const struct cw_bind *binds, size_t count, struct cw_error *err)
{
    if (entry->txn == 0 && !keep_copy(link, entry, sql, binds, count, err))
        return false;
    if (link->state == CW_PG_UP)
        return transmit_apart(link, entry, sql, binds, count, err);
    cw_pg_append(&link->unsent, entry);
    return true;
}

bool cw_pg_send_with(struct cw_pg *pg, unsigned flags, const char *sql, const struct cw_bind *binds,
                     size_t count, cw_pg_answer_fn *answer, void *arg, struct cw_error *err)
{
    struct cw_pg_link *link = pg->link;
    struct cw_pg_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for a statement");
    entry->flags = flags;
    entry->answer = answer;
    entry->arg = arg;
    entry->txn = cw_pg_turn_serial(link);
    bool decides = entry->txn != 0 && (flags & CW_PG_DECIDES) != 0;
    if (!send_entry(link, entry, sql, binds, count, err)) {
        cw_pg_entry_free(entry);
        return false;
    }
    if (decides)
        link->turn.deciding++;
    cw_pg_pump_later(link);
    return true;
}

bool cw_pg_send(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                cw_pg_answer_fn *answer, void *arg, struct cw_error *err)
{
    return cw_pg_send_with(pg, answer != NULL ? CW_PG_DECIDES : 0, sql, binds, count, answer, arg, err);
}

bool cw_pg_send_rows(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                     cw_pg_answer_fn *answer, void *arg, struct cw_error *err)
{
    return cw_pg_send_with(pg, CW_PG_DECIDES | CW_PG_ROWS, sql, binds, count, answer, arg, err);
}

void cw_pg_send_unsent(struct cw_pg_link *link)
{
    struct cw_pg_queue queue = link->unsent;
    struct cw_pg_entry *entry;
    struct cw_error err;
    link->unsent = (struct cw_pg_queue){ 0 };
    while ((entry = take_first(&queue)) != NULL) {
        struct cw_pg_entry sent = *entry;
        if (cw_pg_transmit_copy(link, entry, &err)) {
            if ((sent.flags & CW_PG_MORE) == 0)
                cw_pg_sync(link);
            continue;
        }
        cw_pg_entry_free(entry);
        if (sent.answer != NULL)
            sent.answer(sent.arg, NULL, &err);
    }
}

/* --- statements that must change something --- */

struct must {
    struct cw_pg_turn *turn;
    uint64_t serial;
    struct cw_error otherwise;
};

/* The server raises the error itself, so that what stands behind it is not done either. */
static void check_changed(void *arg, PGresult *result, const struct cw_error *err)
{
    struct must *must = arg;
    bool is_in_hand = must->turn->serial == must->serial && must->turn->txn != NULL;
    if (err != NULL && is_in_hand && strcmp(cw_pg_sqlstate(result), "22012") == 0)
        cw_txn_lose(must->turn->txn, &must->otherwise);
    free(must);
}

bool cw_pg_send_one(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                    const struct cw_error *otherwise, struct cw_error *err)
{
    struct must *must = malloc(sizeof *must);
    if (must == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for a statement");
    *must = (struct must){ &pg->link->turn, pg->link->turn.serial, *otherwise };
    if (cw_pg_send_with(pg, 0, sql, binds, count, check_changed, must, err))
        return true;
    free(must);
    return false;
}

/* --- answers --- */

static void note_failure(struct cw_pg_link *link, const struct cw_error *err)
{
    if (!link->segment_failed)
        link->segment_why = *err;
    link->segment_failed = true;
}

static bool is_in_failed_transaction(const PGresult *result)
{
    return strcmp(cw_pg_sqlstate(result), "25P02") == 0;
}

/* Whether the result is a good one; else *err. What was passed over fails with the error of what was not. */
static bool judge(struct cw_pg_link *link, const PGresult *result, struct cw_error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        return true;
    case PGRES_PIPELINE_ABORTED:
        if (link->segment_failed)
            *err = link->segment_why;
        else
            cw_fail(err, CW_UNAVAILABLE, "%s passed over a statement", link->pg->place);
        return false;
    default:
        cw_pg_fail(link->pg, result, err);
        if (!link->segment_failed)
            link->segment_is_stray = is_in_failed_transaction(result);
        note_failure(link, err);
        return false;
    }
}

/* The last call for an entry, which is in no queue any more. */
static void answer(struct cw_pg_link *link, struct cw_pg_entry *entry, const struct cw_error *err)
{
    struct cw_pg_turn *turn = &link->turn;
    bool is_in_hand = entry->txn != 0 && entry->txn == turn->serial;
    if (is_in_hand && (entry->flags & CW_PG_DECIDES) != 0)
        turn->deciding--;
    if (entry->answer != NULL)
        entry->answer(entry->arg, entry->last, err);
    is_in_hand = entry->txn != 0 && entry->txn == turn->serial && turn->txn != NULL;
    if (err != NULL && is_in_hand && (entry->flags & CW_PG_APART) == 0)
        cw_txn_lose(turn->txn, err);
    cw_pg_entry_free(entry);
}

static bool is_good(struct cw_pg_link *link, const struct cw_pg_entry *entry, struct cw_error *err)
{
    if (entry->is_starved)
        return cw_fail(err, CW_NOMEM, "out of memory for rows");
    if (!entry->is_forsaken)
        return judge(link, entry->last, err);
    *err = link->why;
    return false;
}

static void settle_prepared(struct cw_pg_link *link, struct cw_pg_entry *entry)
{
    struct cw_error err;
    bool ok = judge(link, entry->last, &err);
    if (entry->slot->number == entry->number) {
        entry->slot->is_ready = ok;
        entry->slot->is_sent = ok;
    }
    cw_pg_entry_free(entry);
}

static bool is_repeatable(const struct cw_pg_entry *entry)
{
    return entry->copy != NULL && !entry->has_rows && (entry->flags & CW_PG_ONCE) == 0;
}

static void reset(struct cw_pg_entry *entry)
{
    PQclear(entry->last);
    entry->last = NULL;
}

/* Sent behind a COMMIT that was refused, before its ROLLBACK: the server passed over a statement that had
 * nothing to do with that transaction. */
static bool is_stray(const struct cw_pg_link *link, const struct cw_pg_entry *entry)
{
    if (entry->kind != CW_PG_STATEMENT || entry->txn != 0 || entry->is_forsaken || !is_repeatable(entry))
        return false;
    return is_in_failed_transaction(entry->last) ||
           (PQresultStatus(entry->last) == PGRES_PIPELINE_ABORTED && link->segment_is_stray);
}

/* As if it were sent now. The ROLLBACK is on its way, since the refusal was heard before this. */
static bool send_again(struct cw_pg_link *link, struct cw_pg_entry *entry, struct cw_error *err)
{
    unsigned flags = entry->flags;
    reset(entry);
    entry->txn = cw_pg_turn_serial(link);
    if (!cw_pg_transmit_copy(link, entry, err)) {
        entry->txn = 0;
        return false;
    }
    if (entry->txn != 0 && (flags & CW_PG_DECIDES) != 0)
        link->turn.deciding++;
    if (entry->txn == 0)
        cw_pg_sync(link);
    cw_pg_pump_later(link);
    return true;
}

/* All of its results are here. */
static void conclude(struct cw_pg_link *link, struct cw_pg_entry *entry)
{
    struct cw_error err;
    if (entry->busy)
        entry->ended = true;
    else if (entry->kind == CW_PG_PREPARE)
        settle_prepared(link, entry);
    else if (!is_stray(link, entry))
        answer(link, entry, is_good(link, entry, &err) ? NULL : &err);
    else if (!send_again(link, entry, &err))
        answer(link, entry, &err);
}

static void keep_late(struct cw_pg_entry *entry, PGresult *row)
{
    struct cw_pg_late **end = &entry->late, *late = calloc(1, sizeof *late);
    while (*end != NULL)
        end = &(*end)->next;
    if (late == NULL) {
        entry->is_starved = true;
        PQclear(row);
        return;
    }
    late->result = row;
    *end = late;
}

static PGresult *take_late(struct cw_pg_entry *entry)
{
    struct cw_pg_late *late = entry->late;
    if (late == NULL)
        return NULL;
    PGresult *row = late->result;
    entry->late = late->next;
    free(late);
    return row;
}

static void deliver_row(struct cw_pg_link *link, struct cw_pg_entry *entry, PGresult *row)
{
    if (entry->busy) {
        keep_late(entry, row);
        return;
    }
    entry->busy = true;
    entry->has_rows = true;
    for (; row != NULL; row = take_late(entry)) {
        entry->answer(entry->arg, row, NULL);
        PQclear(row);
    }
    entry->busy = false;
    if (entry->ended)
        conclude(link, entry);
}

/* --- receiving --- */

static struct cw_pg_entry *pop(struct cw_pg_link *link)
{
    struct cw_pg_entry *entry = take_first(&link->sent);
    cw_pg_focus(link);
    return entry;
}

/* What libpq gives for the first entry; NULL is the end of its results. */
static void take(struct cw_pg_link *link, PGresult *result)
{
    struct cw_pg_entry *entry = link->sent.first;
    if (result == NULL) {
        conclude(link, pop(link));
        return;
    }
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        deliver_row(link, entry, result);
        break;
    case PGRES_PIPELINE_SYNC:
        assert(entry->kind == CW_PG_SYNC);
        PQclear(result);
        cw_pg_entry_free(pop(link));
        link->segment_failed = link->segment_is_stray = false;
        break;
    default:
        PQclear(entry->last);
        entry->last = result;
    }
}

/* The server says that it ends the session, or libpq that it has: nothing more will come, and what was said
 * goes with the loss. */
static bool is_farewell(struct cw_pg_link *link, const PGresult *result)
{
    if (PQresultStatus(result) != PGRES_FATAL_ERROR || result == NULL)
        return false;
    if (cw_pg_sqlstate(result)[0] == '\0' && PQstatus(link->conn) == CONNECTION_BAD)
        return true;
    if (!cw_pg_is_link_error(result))
        return false;
    cw_pg_fail(link->pg, result, &link->why);
    return link->is_ending = true;
}

/* A broken connection has no results for what could not be sent. */
static bool is_out_of_step(const struct cw_pg_link *link, const PGresult *result)
{
    return result == NULL && link->sent.first->last == NULL;
}

static void read_notifications(struct cw_pg_link *link)
{
    for (PGnotify *notice; (notice = PQnotifies(link->conn)) != NULL; PQfreemem(notice))
        cw_pg_hear(link);
}

bool cw_pg_receive(struct cw_pg_link *link)
{
    (void)PQconsumeInput(link->conn); /* where it fails, what came before the end is still to be read */
    while (link->state == CW_PG_UP && link->sent.first != NULL && !PQisBusy(link->conn)) {
        PGresult *result = PQgetResult(link->conn);
        if (is_farewell(link, result)) {
            PQclear(result);
            return false;
        }
        if (is_out_of_step(link, result))
            break;
        take(link, result);
    }
    if (link->state != CW_PG_UP)
        return true; /* an answer waited, and lost it meanwhile */
    read_notifications(link);
    return PQstatus(link->conn) == CONNECTION_OK && !link->is_ending;
}

bool cw_pg_flush(struct cw_pg_link *link)
{
    if (link->unsynced > 0)
        cw_pg_sync(link);
    int left = PQflush(link->conn);
    link->wants_writing = left == 1;
    return left >= 0 && PQstatus(link->conn) == CONNECTION_OK;
}

/* --- when there is no link --- */

void cw_pg_forget_statements(struct cw_pg_link *link)
{
    memset(link->statements, 0, sizeof link->statements);
    link->statement_count = 0;
    link->unsynced = 0;
    link->segment_failed = link->segment_is_stray = false;
    link->segment++;
}

void cw_pg_forsake(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_pg_queue failed = { 0 }, again = { 0 };
    struct cw_pg_entry *entry;
    while ((entry = take_first(&link->sent)) != NULL) {
        reset(entry);
        if (entry->busy)
            entry->is_forsaken = entry->ended = true;
        else if (entry->kind != CW_PG_STATEMENT)
            cw_pg_entry_free(entry);
        else
            cw_pg_append(is_repeatable(entry) ? &again : &failed, entry);
    }
    while ((entry = take_first(&link->unsent)) != NULL)
        cw_pg_append(&again, entry);
    link->unsent = again;
    while ((entry = take_first(&failed)) != NULL)
        answer(link, entry, err);
}

void cw_pg_expire_unsent(struct cw_pg_link *link, int64_t now_ns)
{
    struct cw_error err = link->why;
    while (link->unsent.first != NULL && link->unsent.first->deadline_ns <= now_ns)
        answer(link, take_first(&link->unsent), &err);
}

void cw_pg_cancel_all(struct cw_pg_link *link, const struct cw_error *err)
{
    struct cw_pg_entry *entry;
    cw_pg_forsake(link, err);
    while ((entry = take_first(&link->unsent)) != NULL)
        answer(link, entry, err);
}
