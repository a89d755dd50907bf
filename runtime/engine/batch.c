/* batch.c - see batch.h. */
#include "engine/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/run_log.h"
#include "engine/run_notes.h"

enum { BATCH = 500 }; /* records a transaction */

struct cw_batch {
    struct cw_session *session;
    const struct cw_lua_stream *stream;
    struct cw_batch_config config;
    struct cw_records *page; /* in hand */
    cw_sync_done_fn *done;
    void *arg;
    struct cw_run run;
    bool stopping, cancelled, in_store;
    struct cw_page_job *job; /* on its way */
    struct cw_later later;
    char version[CW_HASH_TEXT_MAX];
    char message[CW_ERROR_TEXT_MAX];
    struct cw_error err;
};

const struct cw_run_counts *cw_batch_counts(const struct cw_batch *batch)
{
    return &batch->run.counts;
}

void cw_batch_stop(struct cw_batch *batch)
{
    batch->stopping = true;
}

static void free_batch(struct cw_batch *batch)
{
    cw_records_free(batch->page);
    cw_records_free(batch->config.records);
    cw_stored_free(batch->config.pages);
    free(batch);
}

void cw_batch_cancel(struct cw_batch *batch)
{
    batch->cancelled = true;
    if (batch->job != NULL)
        cw_pipeline_cancel(batch->job);
    cw_later_cancel(cw_session_settings(batch->session)->loop, &batch->later);
    if (!batch->in_store)
        free_batch(batch);
}

/* Whether it was called off while the store worked on an answer; then it is gone. */
static bool was_cancelled(struct cw_batch *batch)
{
    batch->in_store = false;
    if (!batch->cancelled)
        return false;
    free_batch(batch);
    return true;
}

static void report(void *arg)
{
    struct cw_batch *batch = arg;
    struct cw_sync_report report = { .run = &batch->run };
    if (batch->run.id != 0)
        cw_run_log_ended(cw_session_settings(batch->session)->log, &batch->run,
                         batch->err.code != CW_OK ? &batch->err : NULL);
    batch->done(batch->arg, &report, batch->err.code != CW_OK ? &batch->err : NULL);
    free_batch(batch);
}

static void note_failure(struct cw_batch *batch, const struct cw_error *err)
{
    batch->err = *err;
    cw_redact_error(&batch->err);
    cw_error_format(&batch->err, batch->message, sizeof batch->message);
    batch->run.message = cw_slice(batch->message);
    batch->run.state = CW_RUN_FAILED;
}

static void run_stored(void *arg, const struct cw_error *err)
{
    struct cw_batch *batch = arg;
    if (was_cancelled(batch))
        return;
    if (err != NULL && batch->err.code == CW_OK)
        note_failure(batch, err);
    cw_loop_later(cw_session_settings(batch->session)->loop, &batch->later, report, batch);
}

static void end_txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_batch *batch = arg;
    if (batch->cancelled && txn != NULL)
        cw_txn_rollback(txn);
    if (batch->cancelled || err != NULL) {
        run_stored(batch, err);
        return;
    }
    cw_run_put_end(txn, &batch->run);
    cw_txn_commit(txn, run_stored, batch);
}

static void finish(struct cw_batch *batch, const struct cw_error *err)
{
    const struct cw_session_config *config = cw_session_settings(batch->session);
    struct cw_error sum;
    batch->run.ended_at = cw_now(cw_loop_clock(config->loop));
    batch->run.state = CW_RUN_DONE;
    if (err == NULL && !cw_counts_check(&batch->run.counts, &sum))
        err = &sum;
    if (err != NULL)
        note_failure(batch, err);
    if (batch->config.dry_run) {
        run_stored(batch, NULL);
    } else {
        batch->in_store = true;
        cw_txn_begin(config->store, cw_session_fence(batch->session, batch->stream->cart->name),
                     end_txn_ready, batch);
    }
}

static void next_page(void *arg);

static void stored(void *arg, const struct cw_run_counts *counts, const struct cw_error *err)
{
    struct cw_batch *batch = arg;
    (void)counts; /* already in the run's */
    batch->job = NULL;
    if (err != NULL || batch->config.pages == NULL || batch->stopping)
        finish(batch, err);
    else
        cw_loop_later(cw_session_settings(batch->session)->loop, &batch->later, next_page, batch);
}

/* False with err->code CW_OK when there is no other. */
static bool take_page(struct cw_batch *batch, struct cw_error *err)
{
    *err = (struct cw_error){ .code = CW_OK };
    cw_records_free(batch->page);
    batch->page = batch->config.records;
    batch->config.records = NULL;
    if (batch->page == NULL && batch->config.pages != NULL)
        batch->page = cw_stored_next(batch->config.pages, err);
    return batch->page != NULL;
}

static void store_page(struct cw_batch *batch)
{
    struct cw_error err;
    struct cw_pipeline pipeline = cw_session_pipeline(batch->session);
    pipeline.again = batch->config.again;
    pipeline.dry_run = batch->config.dry_run;
    pipeline.compared = batch->config.compared;
    pipeline.arg = batch->config.compared_arg;
    struct cw_page page = {
        .stream = batch->stream, .records = batch->page, .run = &batch->run, .commit_every = BATCH
    };
    batch->job = cw_pipeline_store(&pipeline, &page, stored, batch, &err);
    if (batch->job == NULL)
        finish(batch, &err);
}

static void next_page(void *arg)
{
    struct cw_batch *batch = arg;
    struct cw_error err;
    if (take_page(batch, &err))
        store_page(batch);
    else
        finish(batch, err.code != CW_OK ? &err : NULL);
}

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct cw_batch *batch = arg;
    if (was_cancelled(batch))
        return;
    batch->run.id = id;
    if (err != NULL) {
        note_failure(batch, err);
        run_stored(batch, NULL);
        return;
    }
    cw_run_log_began(cw_session_settings(batch->session)->log, &batch->run);
    store_page(batch);
}

/* What there is nothing of leaves no line in the sync log. */
static void end_before_start(struct cw_batch *batch, const struct cw_error *err)
{
    batch->run.ended_at = batch->run.started_at;
    batch->run.state = CW_RUN_DONE;
    if (err->code != CW_OK)
        note_failure(batch, err);
    run_stored(batch, NULL);
}

struct cw_batch *cw_batch_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                const struct cw_batch_config *config, cw_sync_done_fn *done, void *arg,
                                struct cw_error *err)
{
    const struct cw_session_config *settings = cw_session_settings(session);
    struct cw_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        cw_records_free(config->records);
        cw_stored_free(config->pages);
        cw_fail(err, CW_NOMEM, "no memory for a run");
        return NULL;
    }
    *batch = (struct cw_batch){
        .session = session, .stream = stream, .config = *config, .done = done, .arg = arg
    };
    batch->config.dry_run = config->dry_run || settings->dry_run;
    struct cw_pipeline pipeline = cw_session_pipeline(session);
    snprintf(batch->version, sizeof batch->version, "%s", pipeline.script_version);
    pipeline.script_version = batch->version;
    batch->run = cw_pipeline_run(&pipeline, stream, config->job);
    struct cw_error first;
    if (!take_page(batch, &first))
        end_before_start(batch, &first);
    else if (batch->config.dry_run)
        run_started(batch, 0, NULL);
    else {
        batch->in_store = true;
        cw_store_start_run(settings->store, cw_session_fence(session, stream->cart->name), &batch->run,
                           run_started, batch);
    }
    return batch;
}
