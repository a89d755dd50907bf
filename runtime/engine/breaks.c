/* breaks.c - see breaks.h. The time stands in the path of the issue, "FROM/TO". */
#include "engine/breaks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/run_notes.h"

enum { TEXT_MAX = 1024, PATH_MAX_LEN = 2 * CW_TIME_TEXT_MAX };

static const char nameless[] = "changed ";

bool cw_break_is_nameless(struct cw_slice external_id)
{
    size_t len = sizeof nameless - 1;
    return external_id.len > len && memcmp(external_id.data, nameless, len) == 0;
}

/* --- those that are known --- */

struct question {
    cw_breaks_fn *got;
    void *arg;
    struct cw_breaks *breaks;
};

static void read_time(struct cw_slice text, cw_time *time)
{
    if (!cw_time_parse(text, NULL, time, NULL))
        *time = CW_TIME_NONE;
}

static void read_times(struct cw_slice path, struct cw_break *found)
{
    const char *slash = memchr(path.data, '/', path.len);
    size_t first = slash != NULL ? (size_t)(slash - path.data) : 0;
    found->from = found->to = CW_TIME_NONE;
    if (slash == NULL)
        return;
    read_time((struct cw_slice){ path.data, first }, &found->from);
    read_time((struct cw_slice){ slash + 1, path.len - first - 1 }, &found->to);
}

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_breaks *breaks = ((struct question *)arg)->breaks;
    (void)columns, (void)names;
    char *id = breaks->ids[breaks->count];
    if (row[0].len >= CW_BREAK_ID_MAX)
        return true;
    snprintf(id, CW_BREAK_ID_MAX, "%.*s", CW_SLICE_ARG(row[0]));
    breaks->items[breaks->count].external_id = cw_slice(id);
    read_times(row[1], &breaks->items[breaks->count]);
    return ++breaks->count < CW_BREAKS_MAX;
}

static void answered(void *arg, const struct cw_error *err)
{
    struct question question = *(struct question *)arg;
    free(arg);
    if (err != NULL) {
        free(question.breaks);
        question.breaks = NULL;
    }
    question.got(question.arg, question.breaks, err);
}

void cw_breaks_read(struct cw_store *store, const struct cw_lua_stream *stream, cw_breaks_fn *got, void *arg)
{
    static const char sql[] =
        "SELECT s.external_id, i.path FROM staged_issues i JOIN staged_records s ON s.id = i.staged_id "
        "WHERE i.code = '" CW_BREAKS_LIST
        "' AND i.cart = $1 AND i.stream = $2 ORDER BY i.path, s.external_id";
    const struct cw_slice params[] = { cw_slice(stream->cart->name), cw_slice(stream->name) };
    struct question *question = malloc(sizeof *question);
    struct cw_breaks *breaks = calloc(1, sizeof *breaks);
    struct cw_error err;
    if (question == NULL || breaks == NULL) {
        free(question);
        free(breaks);
        cw_fail(&err, CW_NOMEM, "no memory for the records that break a list");
        got(arg, NULL, &err);
        return;
    }
    *question = (struct question){ got, arg, breaks };
    cw_store_query(store, sql, params, 2, take_row, answered, question);
}

/* --- changes --- */

struct cw_break_change {
    struct cw_break_change **place; /* where the caller keeps it */
    struct cw_session *session;
    const struct cw_lua_stream *stream;
    struct cw_run *run;          /* NULL = it waits no more */
    struct cw_run_counts counts; /* of the run, with it */
    struct cw_txn *txn;
    cw_store_done_fn *done; /* NULL = cancelled: what belongs to the caller may be gone */
    void *arg;
    char id[CW_BREAK_ID_MAX], path[PATH_MAX_LEN], message[TEXT_MAX];
};

static struct cw_record_key key_of(const struct cw_break_change *change)
{
    return (struct cw_record_key){ cw_slice(change->stream->cart->name), cw_slice(change->stream->name),
                                   cw_slice(change->id) };
}

static void finish(struct cw_break_change *change, const struct cw_error *err)
{
    cw_store_done_fn *done = change->done;
    void *arg = change->arg;
    if (done != NULL)
        *change->place = NULL;
    free(change);
    if (done != NULL)
        done(arg, err);
}

static bool was_cancelled(struct cw_break_change *change, struct cw_txn *txn)
{
    if (change->done != NULL)
        return false;
    if (txn != NULL)
        cw_txn_rollback(txn);
    free(change);
    return true;
}

static void stored(void *arg, const struct cw_error *err)
{
    struct cw_break_change *change = arg;
    if (err == NULL && change->done != NULL && change->run != NULL)
        change->run->counts = change->counts;
    finish(change, err);
}

/* --- parking --- */

/* An empty script version is older than any: the same bytes are mapped again once they come. */
static bool put_raw(struct cw_break_change *change, bool is_known, cw_time now)
{
    struct cw_hasher hasher;
    cw_hasher_init(&hasher);
    struct cw_slice code = cw_slice(CW_BREAKS_LIST), none = { "", 0 };
    if (is_known)
        return cw_txn_set_outcome(change->txn, key_of(change), CW_PARKED, code, none);
    struct cw_raw raw = { .key = key_of(change),
                          .hash = cw_hasher_end(&hasher),
                          .format = none,
                          .encoding = none,
                          .bytes = none,
                          .received_at = now,
                          .run = change->run->id,
                          .outcome = CW_PARKED,
                          .reason = code,
                          .script_version = none };
    return cw_txn_put_raw(change->txn, &raw);
}

static bool put_staged(struct cw_break_change *change, cw_time now)
{
    struct cw_slice none = { "", 0 };
    struct cw_issue issue = { .code = cw_slice(CW_BREAKS_LIST),
                              .subject = none,
                              .field = none,
                              .path = cw_slice(change->path),
                              .message = cw_slice(change->message) };
    struct cw_staged staged = { .key = key_of(change),
                                .kind = cw_lua_plan_kind(change->stream->plan),
                                .state = CW_STAGED_PARKED,
                                .document = none,
                                .issues = &issue,
                                .issue_count = 1,
                                .at = now,
                                .run = change->run->id };
    return cw_txn_put_staged(change->txn, &staged);
}

static void known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct cw_break_change *change = arg;
    (void)count;
    if (was_cancelled(change, change->txn))
        return;
    if (err != NULL) {
        cw_txn_rollback(change->txn);
        finish(change, err);
        return;
    }
    struct cw_run run = *change->run;
    cw_time now = cw_now(cw_loop_clock(cw_session_settings(change->session)->loop));
    run.counts.read++;
    run.counts.parked++;
    run.counts.stored += known->exists ? 0 : 1;
    if (put_raw(change, known->exists, now) && put_staged(change, now)) {
        cw_run_note(change->txn, run.id, 0, &run.counts, cw_slice(change->message), key_of(change));
        cw_txn_put_run(change->txn, &run);
    }
    change->counts = run.counts;
    cw_txn_commit(change->txn, stored, change);
}

static void heal(struct cw_break_change *change)
{
    if (cw_txn_set_outcome(change->txn, key_of(change), CW_SKIPPED, cw_slice("came under its own id"),
                           (struct cw_slice){ "", 0 }))
        cw_txn_drop_staged(change->txn, key_of(change));
    cw_txn_commit(change->txn, stored, change);
}

static void ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_break_change *change = arg;
    if (was_cancelled(change, txn))
        return;
    if (err != NULL) {
        finish(change, err);
        return;
    }
    change->txn = txn;
    struct cw_record_key key = key_of(change);
    if (change->run != NULL)
        cw_txn_find_raw(txn, &key, 1, known, change);
    else
        heal(change);
}

/* What is told of it, and its name where it has none of its own. */
static void describe(struct cw_break_change *change, const struct cw_break *found, const char *why)
{
    char from[CW_TIME_TEXT_MAX] = "", to[CW_TIME_TEXT_MAX] = "";
    bool is_named = found->external_id.len > 0;
    if (found->to != CW_TIME_NONE) {
        cw_time_iso(found->from, from);
        cw_time_iso(found->to, to);
        snprintf(change->path, sizeof change->path, "%s/%s", from, to);
    }
    if (is_named)
        snprintf(change->id, sizeof change->id, "%.*s", CW_SLICE_ARG(found->external_id));
    else
        snprintf(change->id, sizeof change->id, "%s%s", nameless, to);
    snprintf(change->message, sizeof change->message,
             "%s breaks the cart's list: %s; the others go on without it, and it is asked for again by "
             "`cartwright reconcile %s %s`",
             is_named ? "this record" : "a record that was changed at this time", why,
             change->stream->cart->name, change->stream->name);
    cw_redact(change->message, strlen(change->message), sizeof change->message);
}

static struct cw_break_change *create(const struct cw_break_change *template)
{
    struct cw_break_change *change = malloc(sizeof *change);
    struct cw_error err;
    if (change == NULL) {
        cw_fail(&err, CW_NOMEM, "no memory to park a record");
        template->done(template->arg, &err);
        return NULL;
    }
    *change = *template;
    *change->place = change;
    return change;
}

void cw_break_park(struct cw_session *session, const struct cw_lua_stream *stream, struct cw_run *run,
                   const struct cw_break *found, const char *why, struct cw_break_change **place,
                   cw_store_done_fn *done, void *arg)
{
    struct cw_break_change *change = create(&(struct cw_break_change){
        .place = place, .session = session, .stream = stream, .run = run, .done = done, .arg = arg });
    if (change == NULL)
        return;
    describe(change, found, why);
    cw_txn_begin(cw_session_settings(session)->store, cw_session_fence(session, stream->cart->name), ready,
                 change);
}

void cw_break_heal(struct cw_session *session, const struct cw_lua_stream *stream,
                   struct cw_slice external_id, struct cw_break_change **place, cw_store_done_fn *done,
                   void *arg)
{
    struct cw_break_change *change = create(&(struct cw_break_change){
        .place = place, .session = session, .stream = stream, .done = done, .arg = arg });
    if (change == NULL)
        return;
    snprintf(change->id, sizeof change->id, "%.*s", CW_SLICE_ARG(external_id));
    cw_txn_begin(cw_session_settings(session)->store, cw_session_fence(session, stream->cart->name), ready,
                 change);
}

void cw_break_cancel(struct cw_break_change *change)
{
    if (change != NULL)
        change->done = NULL;
}
