/* sqlite_runs.c - runs and their notes: the sync log. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

static const char insert_run[] =
    "INSERT INTO runs (cart, stream, job, state, started_at, ended_at, records_read, records_posted, "
    "records_unchanged, records_parked, records_skipped, pages, requests, bytes_in, message, script_version, "
    "records_stored, records_held, warnings, errors, fetch_us, store_us, began_by, worker) VALUES "
    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, "
    "?23, ?24)";
/* A run that is open although the next one of its stream begins was killed, and could not say so. */
static const char close_killed[] =
    "UPDATE runs SET state = 'failed', ended_at = ?3, message = 'the process was stopped before the run "
    "ended; "
    "what it had stored stays stored' WHERE cart = ?1 AND stream = ?2 AND job = ?4 AND "
    "state = 'open'";
static const char update_run[] =
    "UPDATE runs SET cart = ?1, stream = ?2, job = ?3, state = ?4, started_at = ?5, ended_at = ?6, "
    "records_read = ?7, "
    "records_posted = ?8, records_unchanged = ?9, records_parked = ?10, records_skipped = ?11, pages = ?12, "
    "requests = ?13, bytes_in = ?14, message = ?15, script_version = ?16, records_stored = ?17, "
    "records_held = ?18, warnings = ?19, errors = ?20, fetch_us = ?21, store_us = ?22, began_by = ?23, "
    "worker = ?24 WHERE id = ?25";
static const char insert_note[] =
    "INSERT INTO run_notes (run_id, level, message, cart, stream, external_id, noted_at) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

#define RUN_BINDS(run)                                                                                       \
    cw_bind_text((run)->cart), cw_bind_text((run)->stream), cw_bind_text((run)->job),                        \
        cw_bind_word(cw_run_state_name((run)->state)), cw_bind_time((run)->started_at),                      \
        cw_bind_time((run)->ended_at), cw_bind_int((int64_t)(run)->counts.read),                             \
        cw_bind_int((int64_t)(run)->counts.posted), cw_bind_int((int64_t)(run)->counts.unchanged),           \
        cw_bind_int((int64_t)(run)->counts.parked), cw_bind_int((int64_t)(run)->counts.skipped),             \
        cw_bind_int((int64_t)(run)->counts.pages), cw_bind_int((int64_t)(run)->counts.requests),             \
        cw_bind_int((int64_t)(run)->counts.bytes_in), cw_bind_text((run)->message),                          \
        cw_bind_text((run)->script_version), cw_bind_int((int64_t)(run)->counts.stored),                     \
        cw_bind_int((int64_t)(run)->counts.held), cw_bind_int((int64_t)(run)->counts.warnings),              \
        cw_bind_int((int64_t)(run)->counts.errors), cw_bind_int((int64_t)(run)->counts.fetch_us),            \
        cw_bind_int((int64_t)(run)->counts.store_us), cw_bind_text((run)->began_by),                         \
        cw_bind_text((run)->worker)

/* A run that waits for its turn to be written; the caller's texts are copied. */
struct start {
    struct cw_run run;
    struct cw_arena texts;
    cw_run_started_fn *started;
    void *arg;
    int64_t id;
};

static void finish_start(void *arg, const struct cw_error *err)
{
    struct start start = *(struct start *)arg;
    cw_arena_fini(&start.texts);
    free(arg);
    start.started(start.arg, err == NULL ? start.id : 0, err);
}

static void write_start(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct start *start = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_start(start, err);
        return;
    }
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct cw_run *run = &start->run;
    if (!cw_sqlite_run(s, close_killed,
                       CW_BINDS(cw_bind_text(run->cart), cw_bind_text(run->stream),
                                cw_bind_time(run->started_at), cw_bind_text(run->job)),
                       &fault) ||
        !cw_sqlite_run(s, insert_run, CW_BINDS(RUN_BINDS(run)), &fault))
        cw_txn_lose(txn, &fault);
    start->id = sqlite3_last_insert_rowid(s->db);
    cw_txn_commit(txn, finish_start, start);
}

static bool copy_texts(struct start *start)
{
    struct cw_run *run = &start->run;
    struct cw_slice *texts[] = { &run->cart,           &run->stream,   &run->job,   &run->message,
                                 &run->script_version, &run->began_by, &run->worker };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = cw_arena_copy(&start->texts, *texts[i]);
        if (texts[i]->data == NULL)
            return false;
    }
    return true;
}

void cw_sqlite_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                         cw_run_started_fn *started, void *arg)
{
    struct start *start = calloc(1, sizeof *start);
    struct cw_error err;
    if (start != NULL) {
        *start = (struct start){ .run = *run, .started = started, .arg = arg };
        cw_arena_init(&start->texts, 0);
        if (copy_texts(start)) {
            cw_txn_begin(store, fence, write_start, start);
            return;
        }
        cw_arena_fini(&start->texts);
    }
    free(start);
    cw_fail(&err, CW_NOMEM, "out of memory for a new run");
    started(arg, 0, &err);
}

bool cw_sqlite_put_run(struct cw_txn *txn, const struct cw_run *run, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    return cw_sqlite_run(s, update_run, CW_BINDS(RUN_BINDS(run), cw_bind_int(run->id)), err) &&
           (sqlite3_changes(s->db) == 1 ||
            cw_fail(err, CW_NOT_FOUND, "there is no run %lld in %s", (long long)run->id, s->path));
}

bool cw_sqlite_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                            struct cw_record_key key, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), insert_note,
                         CW_BINDS(cw_bind_int(run), cw_bind_text(level), cw_bind_text(message),
                                  cw_bind_text(key.cart), cw_bind_text(key.stream),
                                  cw_bind_text(key.external_id), cw_bind_time(cw_now(txn->store->clock))),
                         err);
}
