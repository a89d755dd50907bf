/* pipeline.c - see pipeline.h. A page is worked on in slices: parse and hash up to SLICE_RECORDS, ask the
 * store for all of them at once, decide about what is new, and put it. */
#include <stdlib.h>

#include "engine/page.h"
#include "engine/run_log.h"

static void next_slice(void *arg);
static void begin(struct cw_page_job *job);

bool cw_counts_check(const struct cw_run_counts *c, struct cw_error *err)
{
    if (c->read == c->posted + c->unchanged + c->parked + c->skipped)
        return true;
    return cw_fail(
        err, CW_CORRUPT,
        "the run does not add up: %llu read, but %llu posted + %llu unchanged + %llu parked + %llu skipped",
        (unsigned long long)c->read, (unsigned long long)c->posted, (unsigned long long)c->unchanged,
        (unsigned long long)c->parked, (unsigned long long)c->skipped);
}

struct cw_fence cw_pipeline_fence(const struct cw_pipeline *pipeline, const struct cw_lua_cart *cart)
{
    return (struct cw_fence){ cw_slice(cart->name), pipeline->token };
}

static void add_counts(struct cw_run_counts *to, const struct cw_run_counts *from)
{
    to->read += from->read;
    to->posted += from->posted;
    to->unchanged += from->unchanged;
    to->parked += from->parked;
    to->skipped += from->skipped;
    to->stored += from->stored;
    to->held += from->held;
    to->warnings += from->warnings;
    to->pages += from->pages;
    to->store_us += from->store_us;
}

struct cw_run cw_pipeline_run(const struct cw_pipeline *pipeline, const struct cw_lua_stream *stream,
                              const char *job)
{
    return (struct cw_run){ .cart = cw_slice(stream->cart->name),
                            .stream = cw_slice(stream->name),
                            .job = cw_slice(job),
                            .state = CW_RUN_OPEN,
                            .started_at = cw_now(pipeline->clock),
                            .ended_at = CW_TIME_NONE,
                            .script_version = cw_slice(pipeline->script_version),
                            .began_by = cw_slice(pipeline->began_by != NULL ? pipeline->began_by : "command"),
                            .worker = cw_slice(pipeline->worker != NULL ? pipeline->worker : "") };
}

/* The same bytes again are done with, unless they wait for a better script and there is another one now. */
static bool is_settled(const struct cw_page_job *job, const struct cw_raw_known *known)
{
    if (job->pipeline.again)
        return false;
    return known->outcome != CW_PARKED || strcmp(known->script_version, job->pipeline.script_version) == 0;
}

/* --- slices --- */

static struct cw_hash hash_of(const struct item *item)
{
    struct cw_hasher hasher;
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, item->bytes);
    for (size_t i = 0; i < item->part_count; i++) {
        cw_hasher_add(&hasher, item->parts[i].name);
        cw_hasher_add(&hasher, item->parts[i].bytes);
    }
    return cw_hasher_end(&hasher);
}

/* An id that stands in a derived part needs that part now. */
static bool derive_id(struct cw_page_job *job, struct item *item)
{
    const struct cw_lua_stream *stream = job->page.stream;
    if (stream->id[0] != '$')
        return true;
    cw_pulse_enter(job->pipeline.pulse, stream->cart->name);
    bool ok = cw_lua_plan_derive(stream->plan, cw_slice(stream->id), &item->scope, &job->arena, &item->err);
    cw_pulse_leave(job->pipeline.pulse);
    return ok;
}

/* False when the page itself cannot be read any more; a damaged record is not that. */
static bool read_item(struct cw_page_job *job, size_t index, struct item *item)
{
    struct cw_records *records = job->page.records;
    struct cw_slice id;
    *item = (struct item){ .key = { .cart = cw_slice(job->page.stream->cart->name),
                                    .stream = cw_slice(job->page.stream->name) } };
    if (!cw_records_bytes(records, index, &job->arena, &item->bytes, &job->err))
        return false;
    item->damaged = !cw_records_scope(records, index, &job->arena, item->bytes, &item->scope, &item->err) ||
                    !derive_id(job, item);
    if (!item->damaged && !cw_records_id(records, index, &item->scope, &job->arena, &id, &item->err))
        item->damaged = true;
    if (item->damaged && !cw_records_id(records, index, NULL, &job->arena, &id, &job->err))
        return false;
    item->key.external_id = id;
    if (!cw_records_parts(records, index, &job->arena, &item->parts, &item->part_count, &job->err))
        return false;
    item->hash = hash_of(item);
    return true;
}

/* A record that comes twice in one slice would be looked up before its first copy was put. */
static bool is_in_slice(const struct cw_page_job *job, struct cw_slice id)
{
    for (size_t i = 0; i < job->count; i++)
        if (cw_slice_equal(job->items[i].key.external_id, id))
            return true;
    return false;
}

static bool slice_is_full(const struct cw_page_job *job)
{
    return job->count == SLICE_RECORDS || job->arena.used > SLICE_BYTES ||
           (job->page.commit_every > 0 && job->in_txn + job->count >= job->page.commit_every);
}

static bool read_slice(struct cw_page_job *job)
{
    size_t total = cw_records_count(job->page.records), bytes = 0;
    job->count = 0;
    while (job->next < total && !slice_is_full(job) && bytes < SLICE_BYTES) {
        struct item *item = &job->items[job->count];
        if (!read_item(job, job->next, item))
            return false;
        if (is_in_slice(job, item->key.external_id))
            break;
        bytes += item->bytes.len;
        job->count++;
        job->next++;
    }
    return true;
}

/* --- ends --- */

static void free_job(struct cw_page_job *job)
{
    cw_later_cancel(job->pipeline.loop, &job->later);
    cw_arena_fini(&job->arena);
    cw_buffer_fini(&job->json);
    free(job);
}

static void finish(void *arg)
{
    struct cw_page_job *job = arg;
    cw_emit_done_fn *done = job->done;
    void *done_arg = job->arg;
    bool failed = job->failed;
    struct cw_error err = job->err;
    struct cw_run_counts counts = job->stored;
    if (!failed)
        cw_run_log_page(job->pipeline.log, job->page.run, &counts);
    add_counts(&job->page.run->counts, &counts); /* of a failed page too: what was committed stays */
    free_job(job);
    done(done_arg, failed ? NULL : &counts, failed ? &err : NULL);
}

static void end(struct cw_page_job *job)
{
    if (job->txn != NULL)
        cw_txn_rollback(job->txn);
    job->txn = NULL;
    cw_loop_later(job->pipeline.loop, &job->later, finish, job);
}

void cw_page_fail(struct cw_page_job *job, const struct cw_error *err)
{
    if (err != NULL)
        job->err = *err;
    job->failed = true;
    end(job);
}

/* Since the transaction in hand was asked for. */
static uint64_t store_us(const struct cw_page_job *job)
{
    return (uint64_t)(cw_elapsed_ns(job->pipeline.clock) - job->began_ns) / 1000;
}

static void committed(void *arg, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (job->cancelled) {
        free_job(job);
        return;
    }
    if (err != NULL) {
        cw_page_fail(job, err);
        return;
    }
    job->counts.store_us = store_us(job);
    add_counts(&job->stored, &job->counts);
    job->counts = (struct cw_run_counts){ 0 };
    if (job->last)
        end(job);
    else
        begin(job);
}

/* Ends the transaction in hand: with the cursor when it is the page's last one. */
static void end_txn(struct cw_page_job *job)
{
    struct cw_run run = *job->page.run;
    job->last = job->next == cw_records_count(job->page.records);
    job->counts.pages = job->last ? 1 : 0;
    add_counts(&run.counts, &job->stored);
    add_counts(&run.counts, &job->counts);
    if (job->pipeline.dry_run) {
        cw_txn_rollback(job->txn);
        job->txn = NULL;
        committed(job, NULL);
        return;
    }
    const struct cw_lua_stream *stream = job->page.stream;
    if (job->last && job->page.has_cursor)
        cw_txn_put_cursor(job->txn, cw_slice(stream->cart->name), cw_slice(stream->name), &job->page.cursor);
    cw_txn_put_run(job->txn, &run);
    struct cw_txn *txn = job->txn;
    job->txn = NULL;
    cw_txn_commit(txn, committed, job);
}

static void counted(void *arg, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (cw_page_was_cancelled(job))
        return;
    if (err != NULL)
        cw_page_fail(job, err);
    else
        end_txn(job);
}

static void finish_txn(struct cw_page_job *job)
{
    const struct cw_pipeline *pipeline = &job->pipeline;
    if (job->has_changed)
        cw_recount_run(job->txn, pipeline->config, pipeline->clock, counted, job);
    else
        end_txn(job);
}

bool cw_page_was_cancelled(struct cw_page_job *job)
{
    if (!job->cancelled)
        return false;
    cw_txn_rollback(job->txn);
    free_job(job);
    return true;
}

static void known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (cw_page_was_cancelled(job))
        return;
    if (err != NULL) {
        cw_page_fail(job, err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct item *item = &job->items[i];
        item->was_known = known[i].exists;
        item->was_staged = known[i].exists && known[i].outcome == CW_PARKED;
        item->same_bytes = known[i].exists && cw_hash_equal(&known[i].hash, &item->hash);
        item->is_settled = item->same_bytes && is_settled(job, &known[i]);
        if (job->pipeline.seen != NULL)
            job->pipeline.seen(job->pipeline.seen_arg, item->key.external_id, item->was_known);
    }
    cw_page_decide(job);
}

static bool has_news(const struct cw_page_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->items[i].is_settled)
            return true;
    return false;
}

void cw_page_put_slice(struct cw_page_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        job->counts.read++;
        if (job->items[i].is_settled) {
            job->counts.unchanged++;
        } else if (!cw_page_put(job, &job->items[i])) {
            cw_page_fail(job, job->err.code == CW_OK ? cw_txn_error(job->txn) : NULL);
            return;
        }
    }
    job->in_txn += job->count;
    if (job->recounts) {
        cw_page_mark(job);
    } else {
        job->has_changed = job->has_changed || (job->pipeline.config != NULL && has_news(job));
        cw_page_slice_put(job);
    }
}

void cw_page_slice_put(struct cw_page_job *job)
{
    cw_loop_later(job->pipeline.loop, &job->later, next_slice, job);
}

static void next_slice(void *arg)
{
    struct cw_page_job *job = arg;
    struct cw_record_key keys[SLICE_RECORDS];
    cw_arena_reset(&job->arena);
    bool txn_is_full = job->page.commit_every > 0 && job->in_txn >= job->page.commit_every;
    if (txn_is_full || job->next == cw_records_count(job->page.records)) {
        finish_txn(job);
        return;
    }
    if (!read_slice(job)) {
        cw_page_fail(job, NULL);
        return;
    }
    for (size_t i = 0; i < job->count; i++)
        keys[i] = job->items[i].key;
    cw_txn_find_raw(job->txn, keys, job->count, known, job);
}

static void ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (job->cancelled) {
        if (txn != NULL)
            cw_txn_rollback(txn);
        free_job(job);
        return;
    }
    if (err != NULL) {
        cw_page_fail(job, err);
        return;
    }
    job->txn = txn;
    cw_loop_later(job->pipeline.loop, &job->later, next_slice, job);
}

static void begin(struct cw_page_job *job)
{
    job->in_txn = 0;
    job->has_changed = false;
    job->began_ns = cw_elapsed_ns(job->pipeline.clock);
    cw_txn_begin(job->pipeline.store, cw_pipeline_fence(&job->pipeline, job->page.stream->cart), ready, job);
}

struct cw_page_job *cw_pipeline_store(const struct cw_pipeline *pipeline, const struct cw_page *page,
                                      cw_emit_done_fn *done, void *arg, struct cw_error *err)
{
    struct cw_page_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to store a page");
        return NULL;
    }
    job->pipeline = *pipeline;
    job->page = *page;
    job->recounts = pipeline->config != NULL && cw_recount_is_needed(pipeline->config);
    job->done = done;
    job->arg = arg;
    cw_arena_init(&job->arena, ARENA_LIMIT);
    begin(job);
    return job;
}

/* Where the store still holds a callback of ours, the job lives until that has come. */
void cw_pipeline_cancel(struct cw_page_job *job)
{
    job->cancelled = true;
    if (!job->later.waiting)
        return;
    if (job->txn != NULL)
        cw_txn_rollback(job->txn);
    free_job(job);
}
