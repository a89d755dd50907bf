/* pg_runs.c - runs and their notes: the sync log. */
#include <stdlib.h>

#include "adapters/pg_engine.h"

#define COLUMNS                                                                                              \
    "cart, stream, job, state, started_at, ended_at, records_read, records_posted, records_unchanged, "      \
    "records_parked, records_skipped, records_stored, records_held, warnings, errors, pages, requests, "     \
    "bytes_in, fetch_us, store_us, message, script_version, began_by, worker"
#define VALUES                                                                                               \
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "  \
    "$23, $24"

static const char insert_run[] = "INSERT INTO runs (" COLUMNS ") VALUES (" VALUES ") RETURNING id";
static const char update_run[] =
    CW_PG_MUST("UPDATE runs SET (" COLUMNS ") = ROW(" VALUES ") WHERE id = $25 RETURNING 1");
/* A run that is open although the next one of its stream begins was killed, and could not say so. */
static const char close_killed[] =
    "UPDATE runs SET state = 'failed', ended_at = $3, message = 'the process was stopped before the run "
    "ended; what it had stored stays stored' WHERE cart = $1 AND stream = $2 AND job = $4 AND "
    "state = 'open'";
static const char insert_note[] =
    "INSERT INTO run_notes (run_id, level, message, cart, stream, external_id, noted_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)";

#define COUNT(run, name) cw_bind_int((int64_t)(run)->counts.name)
#define RUN_BINDS(run)                                                                                       \
    cw_bind_text((run)->cart), cw_bind_text((run)->stream), cw_bind_text((run)->job),                        \
        cw_bind_word(cw_run_state_name((run)->state)), cw_bind_time((run)->started_at),                      \
        cw_bind_time((run)->ended_at), COUNT(run, read), COUNT(run, posted), COUNT(run, unchanged),          \
        COUNT(run, parked), COUNT(run, skipped), COUNT(run, stored), COUNT(run, held), COUNT(run, warnings), \
        COUNT(run, errors), COUNT(run, pages), COUNT(run, requests), COUNT(run, bytes_in),                   \
        COUNT(run, fetch_us), COUNT(run, store_us), cw_bind_text((run)->message),                            \
        cw_bind_text((run)->script_version), cw_bind_text((run)->began_by), cw_bind_text((run)->worker)

/* A run that waits for its turn to be written; the caller's texts are copied. */
struct start {
    struct cw_run run;
    struct cw_arena texts;
    cw_run_started_fn *started;
    void *arg;
    struct cw_txn *txn;
    int64_t id;
};

static void finish_start(void *arg, const struct cw_error *err)
{
    struct start start = *(struct start *)arg;
    cw_arena_fini(&start.texts);
    free(arg);
    start.started(start.arg, err == NULL ? start.id : 0, err);
}

static void note_started(void *arg, PGresult *result, const struct cw_error *err)
{
    struct start *start = arg;
    if (err != NULL)
        cw_txn_lose(start->txn, err);
    else
        start->id = cw_pg_int(result, 0, 0);
    cw_txn_commit(start->txn, finish_start, start);
}

static bool send_start(struct cw_pg *pg, struct start *start, struct cw_error *err)
{
    const struct cw_run *run = &start->run;
    return cw_pg_run(pg, close_killed,
                     CW_BINDS(cw_bind_text(run->cart), cw_bind_text(run->stream),
                              cw_bind_time(run->started_at), cw_bind_text(run->job)),
                     err) &&
           cw_pg_send(pg, insert_run, CW_BINDS(RUN_BINDS(run)), note_started, start, err);
}

static void write_start(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct start *start = arg;
    struct cw_error fault;
    if (txn == NULL) {
        finish_start(start, err);
        return;
    }
    start->txn = txn;
    if (send_start(cw_pg_of(txn->store), start, &fault))
        return;
    cw_txn_lose(txn, &fault);
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

void cw_pg_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
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

bool cw_pg_put_run(struct cw_txn *txn, const struct cw_run *run, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_error none;
    cw_fail(&none, CW_NOT_FOUND, "there is no run %lld in %s", (long long)run->id, pg->place);
    return cw_pg_send_one(pg, update_run, CW_BINDS(RUN_BINDS(run), cw_bind_int(run->id)), &none, err);
}

bool cw_pg_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                        struct cw_record_key key, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), insert_note,
                     CW_BINDS(cw_bind_int(run), cw_bind_text(level), cw_bind_text(message),
                              cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id),
                              cw_bind_time(cw_now(txn->store->clock))),
                     err);
}
