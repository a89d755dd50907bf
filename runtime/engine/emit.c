/* emit.c - see emit.h. */
#include "engine/emit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/run_notes.h"

enum { RUNS_MAX = 64 };

struct open_run {
    const struct cw_lua_stream *stream;
    struct cw_run *run;
    struct cw_cursor *cursor;
    struct cw_emit_watch watch;
    bool is_own; /* started here */
    unsigned on_their_way;
    cw_loop_fn *idle; /* waits for the last of them; NULL = nobody does */
    void *idle_arg;
    struct cw_error err; /* of the first page that failed; OK = none did */
};

struct cw_emitter {
    struct cw_pipeline (*pipeline)(void *arg);
    void *arg;
    const char *job;
    struct open_run runs[RUNS_MAX];
    size_t count;
};

/* A page on its way: to the pipeline, or first to a run that is being started for it. */
struct emission {
    struct cw_emitter *emitter;
    const struct cw_lua_stream *stream;
    struct cw_records *records;
    struct cw_slice position;
    cw_emit_done_fn *done;
    void *arg;
    struct cw_run *new_run;
    struct cw_page_job *job;
    struct cw_later later;
    struct cw_error err;
    bool cancelled;
};

struct cw_emitter *cw_emitter_create(struct cw_pipeline (*pipeline)(void *arg), void *arg, const char *job,
                                     struct cw_error *err)
{
    struct cw_emitter *emitter = calloc(1, sizeof *emitter);
    if (emitter == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for the runs of a script");
        return NULL;
    }
    emitter->pipeline = pipeline;
    emitter->arg = arg;
    emitter->job = job;
    return emitter;
}

void cw_emitter_free(struct cw_emitter *emitter)
{
    for (size_t i = 0; emitter != NULL && i < emitter->count; i++)
        if (emitter->runs[i].is_own)
            free(emitter->runs[i].run);
    free(emitter);
}

static struct open_run *find(struct cw_emitter *emitter, const struct cw_lua_stream *stream)
{
    for (size_t i = 0; i < emitter->count; i++)
        if (emitter->runs[i].stream == stream)
            return &emitter->runs[i];
    return NULL;
}

bool cw_emitter_begin(struct cw_emitter *emitter, const struct cw_lua_stream *stream, struct cw_run *run,
                      struct cw_cursor *cursor, struct cw_error *err)
{
    if (emitter->count == RUNS_MAX || find(emitter, stream) != NULL)
        return cw_fail(err, CW_CONFLICT, "%s %s runs already", stream->cart->name, stream->name);
    emitter->runs[emitter->count++] =
        (struct open_run){ .stream = stream, .run = run, .cursor = cursor, .err = { .code = CW_OK } };
    return true;
}

void cw_emitter_watch(struct cw_emitter *emitter, const struct cw_lua_stream *stream,
                      struct cw_emit_watch watch)
{
    struct open_run *open = find(emitter, stream);
    if (open != NULL)
        open->watch = watch;
}

struct cw_run *cw_emitter_run(struct cw_emitter *emitter, const struct cw_lua_stream *stream)
{
    struct open_run *open = find(emitter, stream);
    return open != NULL ? open->run : NULL;
}

const struct cw_error *cw_emitter_error(struct cw_emitter *emitter, const struct cw_lua_stream *stream)
{
    struct open_run *open = find(emitter, stream);
    return open != NULL && open->err.code != CW_OK ? &open->err : NULL;
}

void cw_emitter_end(struct cw_emitter *emitter, const struct cw_lua_stream *stream)
{
    struct open_run *open = find(emitter, stream);
    if (open != NULL)
        *open = emitter->runs[--emitter->count];
}

/* --- pages --- */

static void tell_idle(struct open_run *open)
{
    if (open == NULL || open->idle == NULL || open->on_their_way > 0)
        return;
    cw_loop_fn *idle = open->idle;
    open->idle = NULL;
    idle(open->idle_arg); /* may end the run */
}

void cw_emitter_when_idle(struct cw_emitter *emitter, const struct cw_lua_stream *stream, cw_loop_fn *idle,
                          void *arg)
{
    struct open_run *open = find(emitter, stream);
    open->idle = idle;
    open->idle_arg = arg;
    tell_idle(open);
}

static void finish(struct emission *emission, const struct cw_run_counts *counts, const struct cw_error *err)
{
    cw_emit_done_fn *done = emission->done;
    void *arg = emission->arg;
    struct open_run *open = find(emission->emitter, emission->stream);
    struct cw_emitter *emitter = emission->emitter;
    const struct cw_lua_stream *stream = emission->stream;
    if (err != NULL && open != NULL && open->err.code == CW_OK)
        open->err = *err;
    if (open != NULL)
        open->on_their_way--;
    free(emission);
    done(arg, counts, err);
    tell_idle(find(emitter, stream));
}

static void stored(void *arg, const struct cw_run_counts *counts, const struct cw_error *err)
{
    finish(arg, counts, err);
}

static void failed(void *arg)
{
    struct emission *emission = arg;
    struct cw_error err = emission->err;
    finish(emission, NULL, &err);
}

static void store(struct emission *emission)
{
    struct cw_pipeline pipeline = emission->emitter->pipeline(emission->emitter->arg);
    struct open_run *open = find(emission->emitter, emission->stream);
    struct cw_page page = { .stream = emission->stream, .records = emission->records, .run = open->run };
    open->on_their_way++;
    if (open->cursor != NULL) {
        page.has_cursor = true;
        page.cursor = *open->cursor;
        page.cursor.position = emission->position;
    }
    pipeline.seen = open->watch.seen;
    pipeline.seen_arg = open->watch.arg;
    pipeline.dry_run = pipeline.dry_run || open->watch.only_look;
    emission->job = cw_pipeline_store(&pipeline, &page, stored, emission, &emission->err);
    if (emission->job == NULL)
        cw_loop_later(pipeline.loop, &emission->later, failed, emission);
}

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct emission *emission = arg;
    struct cw_emitter *emitter = emission->emitter;
    struct cw_run *run = emission->new_run;
    emission->new_run = NULL;
    if (emission->cancelled) {
        free(run);
        free(emission);
        return;
    }
    run->id = id;
    if (err == NULL && !cw_emitter_begin(emitter, emission->stream, run, NULL, &emission->err))
        err = &emission->err;
    if (err != NULL) {
        struct cw_error copy = *err;
        emission->err = copy;
        free(run);
        cw_loop_later(emitter->pipeline(emitter->arg).loop, &emission->later, failed, emission);
        return;
    }
    find(emitter, emission->stream)->is_own = true;
    store(emission);
}

static bool start_run(struct emission *emission, struct cw_error *err)
{
    const struct cw_lua_stream *stream = emission->stream;
    struct cw_pipeline pipeline = emission->emitter->pipeline(emission->emitter->arg);
    if (emission->emitter->job == NULL)
        return cw_fail(err, CW_USAGE, "no run of %s %s is open here, so nothing can be stored",
                       stream->cart->name, stream->name);
    emission->new_run = calloc(1, sizeof *emission->new_run);
    if (emission->new_run == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a run");
    *emission->new_run = cw_pipeline_run(&pipeline, stream, emission->emitter->job);
    if (pipeline.dry_run)
        run_started(emission, 0, NULL);
    else
        cw_store_start_run(pipeline.store, cw_pipeline_fence(&pipeline, stream->cart), emission->new_run,
                           run_started, emission);
    return true;
}

void *cw_emitter_emit(struct cw_emitter *emitter, const struct cw_lua_stream *stream,
                      struct cw_records *records, struct cw_slice position, cw_emit_done_fn *done, void *arg,
                      struct cw_error *err)
{
    struct emission *emission = calloc(1, sizeof *emission);
    if (emission == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to store a page");
        return NULL;
    }
    *emission = (struct emission){ .emitter = emitter,
                                   .stream = stream,
                                   .records = records,
                                   .position = position,
                                   .done = done,
                                   .arg = arg };
    if (find(emitter, stream) != NULL) {
        store(emission);
    } else if (!start_run(emission, err)) {
        free(emission);
        return NULL;
    }
    return emission;
}

void cw_emitter_cancel(void *handle)
{
    struct emission *emission = handle;
    struct open_run *open = find(emission->emitter, emission->stream);
    emission->cancelled = true;
    if (emission->new_run != NULL)
        return; /* run_started frees it */
    if (open != NULL)
        open->on_their_way--;
    if (emission->job != NULL)
        cw_pipeline_cancel(emission->job);
    else
        cw_later_cancel(emission->emitter->pipeline(emission->emitter->arg).loop, &emission->later);
    free(emission);
}

/* --- the end of a script --- */

struct ending {
    struct cw_run *run;
};

static void ignore(void *arg, const struct cw_error *err)
{
    (void)arg;
    (void)err; /* the counts of every page are stored with it; only the run's end is missing then */
}

static void end_txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct ending *ending = arg;
    if (err != NULL)
        return;
    cw_run_put_end(txn, ending->run);
    cw_txn_commit(txn, ignore, NULL);
}

void cw_emitter_finish(struct cw_emitter *emitter, const struct cw_error *err, cw_run_ended_fn *ended,
                       void *arg)
{
    struct cw_pipeline pipeline = emitter->pipeline(emitter->arg);
    for (size_t i = 0; i < emitter->count; i++) {
        struct cw_run *run = emitter->runs[i].run;
        struct ending ending = { run };
        struct cw_error shown;
        const struct cw_error *why = err != NULL ? err : cw_emitter_error(emitter, emitter->runs[i].stream);
        if (!emitter->runs[i].is_own)
            continue;
        run->ended_at = cw_now(pipeline.clock);
        run->state = why != NULL ? CW_RUN_FAILED : CW_RUN_DONE;
        if (why != NULL) {
            shown = *why;
            cw_redact_error(&shown);
            run->message = cw_slice(shown.text);
        }
        if (!pipeline.dry_run) {
            cw_txn_begin(pipeline.store, cw_pipeline_fence(&pipeline, emitter->runs[i].stream->cart),
                         end_txn_ready, &ending);
            cw_store_wait(pipeline.store);
        }
        ended(arg, run);
    }
}
