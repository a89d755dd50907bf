/* pipeline.c - see pipeline.h. A page is worked on in slices: parse and hash up to SLICE_RECORDS, ask the
 * store for all of them at once, then map and put what is new. */
#include "engine/pipeline.h"

#include <stdlib.h>

#include "adapters/document_json.h"
#include "mapping/totals.h"

enum {
    SLICE_RECORDS = 128,
    SLICE_BYTES = 256 * 1024,       /* with trees and documents, what fits a cache of the processor */
    ARENA_LIMIT = 256 * 1024 * 1024 /* bytes; what one slice may need in the worst case */
};

struct item {
    struct cw_record_key key;
    struct cw_slice bytes;
    struct cw_scope scope;
    struct cw_raw_part *parts; /* what is attached to it */
    size_t part_count;
    struct cw_hash hash;
    bool damaged;
    struct cw_error err; /* of a damaged record */
};

struct cw_page_job {
    struct cw_pipeline pipeline;
    struct cw_page page;
    cw_emit_done_fn *done;
    void *arg;
    struct cw_txn *txn;
    struct cw_later later;
    struct cw_arena arena;
    struct cw_buffer json;
    size_t next;                 /* record */
    size_t in_txn;               /* records put since the last begin */
    struct cw_run_counts stored; /* counts of committed transactions of this page */
    struct cw_run_counts counts; /* of the transaction in hand */
    bool cancelled, failed, last;
    struct cw_error err;
    struct item items[SLICE_RECORDS];
    size_t count;
};

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

static void add_counts(struct cw_run_counts *to, const struct cw_run_counts *from)
{
    to->read += from->read;
    to->posted += from->posted;
    to->unchanged += from->unchanged;
    to->parked += from->parked;
    to->skipped += from->skipped;
    to->pages += from->pages;
}

/* --- mapping --- */

bool cw_pipeline_map(const struct cw_lua_stream *stream, const struct cw_scope *scope, struct cw_slice id,
                     bool trace, struct cw_arena *arena, struct cw_mapped *mapped, struct cw_error *err)
{
    struct cw_plan_host host = cw_lua_plan_host(stream->plan);
    *mapped = (struct cw_mapped){ 0 };
    if (!cw_plan_run(cw_lua_plan_get(stream->plan), scope, id, &host, trace, arena, mapped, err))
        return false;
    return mapped->doc == NULL || cw_totals_check(mapped, arena, err);
}

/* A record that cannot even be read, or whose mapping needs more memory than there is, is parked with that
 * reason. */
static void map_item(struct cw_page_job *job, const struct item *item, struct cw_mapped *mapped)
{
    struct cw_error err = item->err;
    *mapped = (struct cw_mapped){ 0 };
    if (!item->damaged && cw_pipeline_map(job->page.stream, &item->scope, item->key.external_id, false,
                                          &job->arena, mapped, &err))
        return;
    *mapped = (struct cw_mapped){ 0 };
    cw_mapped_add_issue(mapped, &job->arena, item->damaged ? "malformed" : "limit", "", "%s", err.text);
}

/* --- putting --- */

static bool is_held(const struct cw_mapped *mapped)
{
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        if (!cw_slice_is(issue->code, "totals"))
            return false;
    return true;
}

static bool put_staged(struct cw_page_job *job, const struct item *item, const struct cw_mapped *mapped)
{
    enum { ISSUES_MAX = 100 };
    struct cw_issue issues[ISSUES_MAX];
    size_t count = 0;
    for (const struct cw_found_issue *i = mapped->issues; i != NULL && count < ISSUES_MAX; i = i->next)
        issues[count++] = (struct cw_issue){ i->code, i->subject, i->field, i->path, i->message };
    cw_buffer_clear(&job->json);
    if (mapped->doc != NULL && !cw_document_json(&job->json, mapped->doc, 0, &job->err))
        return false;
    struct cw_staged staged = { .key = item->key,
                                .kind = cw_lua_plan_kind(job->page.stream->plan),
                                .state = is_held(mapped) ? CW_STAGED_HELD : CW_STAGED_PARKED,
                                .document = cw_buffer_slice(&job->json),
                                .issues = issues,
                                .issue_count = count,
                                .at = cw_now(job->pipeline.clock),
                                .run = job->page.run->id };
    return cw_txn_put_staged(job->txn, &staged);
}

static bool put_raw(struct cw_page_job *job, const struct item *item, enum cw_outcome outcome,
                    struct cw_slice reason)
{
    const struct cw_records *records = job->page.records;
    struct cw_raw raw = { .key = item->key,
                          .hash = item->hash,
                          .format = cw_slice(cw_format_name(cw_records_format(records))),
                          .encoding = cw_slice(cw_records_encoding(records)),
                          .bytes = item->bytes,
                          .parts = item->parts,
                          .part_count = item->part_count,
                          .received_at = cw_now(job->pipeline.clock),
                          .run = job->page.run->id,
                          .outcome = outcome,
                          .reason = reason,
                          .script_version = cw_slice(job->pipeline.script_version) };
    return cw_txn_put_raw(job->txn, &raw);
}

static bool put_outcome(struct cw_page_job *job, const struct item *item, bool same_bytes,
                        enum cw_outcome outcome, struct cw_slice reason)
{
    if (same_bytes)
        return cw_txn_set_outcome(job->txn, item->key, outcome, reason,
                                  cw_slice(job->pipeline.script_version));
    return put_raw(job, item, outcome, reason);
}

static bool store_item(struct cw_page_job *job, const struct item *item, const struct cw_raw_known *known,
                       bool same_bytes)
{
    struct cw_mapped mapped;
    bool was_staged = known->exists && known->outcome == CW_PARKED;
    map_item(job, item, &mapped);
    if (mapped.skipped_by != NULL) {
        job->counts.skipped++;
        return put_outcome(job, item, same_bytes, CW_SKIPPED, cw_slice(mapped.skipped_by)) &&
               (!was_staged || cw_txn_drop_staged(job->txn, item->key));
    }
    if (mapped.issues != NULL) {
        job->counts.parked++;
        return put_outcome(job, item, same_bytes, CW_PARKED, mapped.issues->code) &&
               put_staged(job, item, &mapped);
    }
    job->counts.posted++;
    return put_outcome(job, item, same_bytes, CW_POSTED, (struct cw_slice){ "", 0 }) &&
           cw_txn_put_document(job->txn, item->key.cart, mapped.doc, cw_now(job->pipeline.clock),
                               job->page.run->id) &&
           (!was_staged || cw_txn_drop_staged(job->txn, item->key));
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

/* False when the page itself cannot be read any more; a damaged record is not that. */
static bool read_item(struct cw_page_job *job, size_t index, struct item *item)
{
    struct cw_records *records = job->page.records;
    struct cw_slice id;
    *item = (struct item){ .key = { .cart = cw_slice(job->page.stream->cart->name),
                                    .stream = cw_slice(job->page.stream->name) } };
    if (!cw_records_bytes(records, index, &job->arena, &item->bytes, &job->err))
        return false;
    item->damaged = !cw_records_scope(records, index, &job->arena, item->bytes, &item->scope, &item->err);
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

static void fail(struct cw_page_job *job, const struct cw_error *err)
{
    if (err != NULL)
        job->err = *err;
    job->failed = true;
    end(job);
}

static void committed(void *arg, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (job->cancelled) {
        free_job(job);
        return;
    }
    if (err != NULL) {
        fail(job, err);
        return;
    }
    add_counts(&job->stored, &job->counts);
    job->counts = (struct cw_run_counts){ 0 };
    if (job->last)
        end(job);
    else
        begin(job);
}

/* Ends the transaction in hand: with the cursor when it is the page's last one. */
static void finish_txn(struct cw_page_job *job)
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

static void known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    if (job->cancelled) {
        cw_txn_rollback(job->txn);
        free_job(job);
        return;
    }
    if (err != NULL) {
        fail(job, err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &job->items[i];
        bool same = known[i].exists && cw_hash_equal(&known[i].hash, &item->hash);
        job->counts.read++;
        if (same && is_settled(job, &known[i])) {
            job->counts.unchanged++;
        } else if (!store_item(job, item, &known[i], same)) {
            fail(job, job->err.code == CW_OK ? cw_txn_error(job->txn) : NULL);
            return;
        }
    }
    job->in_txn += count;
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
        fail(job, NULL);
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
        fail(job, err);
        return;
    }
    job->txn = txn;
    cw_loop_later(job->pipeline.loop, &job->later, next_slice, job);
}

static void begin(struct cw_page_job *job)
{
    job->in_txn = 0;
    cw_txn_begin(job->pipeline.store, (struct cw_fence){ 0 }, ready, job);
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
