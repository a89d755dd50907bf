/* reconcile.c - see reconcile.h: how such a run begins and ends. */
#include "engine/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/reconcile_private.h"
#include "engine/run_log.h"
#include "engine/run_notes.h"

const char *cw_reconcile_find_name(enum cw_reconcile_find find)
{
    static const char *const names[] = { "missing", "fetched", "not sent", "gone" };
    return names[find];
}

void cw_reconcile_tell(struct cw_reconcile *reconcile, struct cw_slice id, enum cw_reconcile_find find)
{
    if (reconcile->found != NULL)
        reconcile->found(reconcile->arg, id, find);
}

static void free_reconcile(struct cw_reconcile *reconcile)
{
    cw_ids_fini(&reconcile->listed);
    cw_ids_fini(&reconcile->stored);
    cw_ids_fini(&reconcile->unfinished.ids);
    cw_ids_fini(&reconcile->wanted);
    cw_ids_fini(&reconcile->broken);
    cw_ids_fini(&reconcile->gone);
    cw_ids_fini(&reconcile->not_sent);
    free(reconcile->breaks);
    free(reconcile);
}

bool cw_reconcile_was_cancelled(struct cw_reconcile *reconcile)
{
    reconcile->in_store = false;
    if (!reconcile->cancelled)
        return false;
    if (reconcile->txn != NULL)
        cw_txn_rollback(reconcile->txn);
    free_reconcile(reconcile);
    return true;
}

/* --- the end --- */

static void leave_session(struct cw_reconcile *reconcile)
{
    if (reconcile->run_is_open)
        cw_emitter_end(cw_session_emitter(reconcile->session), reconcile->stream);
    reconcile->run_is_open = false;
    cw_later_cancel(cw_reconcile_loop(reconcile), &reconcile->later);
}

static void finish(void *arg)
{
    struct cw_reconcile *reconcile = arg;
    const struct cw_error *err = reconcile->err.code != CW_OK ? &reconcile->err : NULL;
    reconcile->report.run = &reconcile->run;
    if (!reconcile->config.only_tell)
        cw_run_log_ended(cw_session_settings(reconcile->session)->log, &reconcile->run, err);
    leave_session(reconcile); /* so that the callback may start the next run of the stream */
    reconcile->done(reconcile->arg, &reconcile->report, err);
    free_reconcile(reconcile);
}

static void note_failure(struct cw_reconcile *reconcile, const struct cw_error *err)
{
    reconcile->err = *err;
    cw_redact_error(&reconcile->err);
    cw_error_format(&reconcile->err, reconcile->message, sizeof reconcile->message);
    reconcile->run.state = CW_RUN_FAILED;
}

static void end_stored(void *arg, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    reconcile->txn = NULL;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err != NULL && reconcile->err.code == CW_OK)
        note_failure(reconcile, err);
    cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, finish, reconcile);
}

static void put_notes(struct cw_reconcile *reconcile, const struct cw_ids *ids, const char *what)
{
    struct cw_run *run = &reconcile->run;
    for (size_t i = 0; i < ids->count; i++)
        cw_run_note(reconcile->txn, run->id, 0, &run->counts, cw_slice(what),
                    (struct cw_record_key){ run->cart, run->stream, ids->items[i] });
}

/* What a cart no longer has may be back tomorrow; only a person knows that an item is given up. */
static const char *gone_note(const struct cw_reconcile *reconcile)
{
    return cw_lua_plan_kind(reconcile->stream->plan) == &cw_kind_item
               ? "the store has this item, but the cart shows it no more; so that another one with its SKU "
                 "is "
                 "told of stock: cartwright edit CART item ID active=false --reason TEXT"
               : "the store has this record, but the cart shows it no more";
}

static void end_txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    reconcile->txn = txn;
    if (err != NULL || reconcile->cancelled) {
        if (!cw_reconcile_was_cancelled(reconcile))
            end_stored(reconcile, err);
        return;
    }
    put_notes(reconcile, &reconcile->gone, gone_note(reconcile));
    put_notes(reconcile, &reconcile->not_sent, "the cart lists this record, but does not send it");
    cw_run_put_end(txn, &reconcile->run);
    reconcile->txn = NULL;
    cw_txn_commit(txn, end_stored, reconcile);
}

/* What came of it, in the words that the sync log keeps. */
static void describe(struct cw_reconcile *reconcile)
{
    const struct cw_reconcile_report *report = &reconcile->report;
    if (reconcile->is_refresh)
        snprintf(reconcile->message, sizeof reconcile->message,
                 "%" PRIu64 " were not final, %" PRIu64 " of them changed, %" PRIu64 " gone",
                 report->in_store, reconcile->run.counts.read - reconcile->run.counts.unchanged,
                 report->gone);
    else
        snprintf(reconcile->message, sizeof reconcile->message,
                 "cart has %" PRIu64 ", store had %" PRIu64 ", %" PRIu64 " fetched, %" PRIu64 " gone",
                 report->in_cart, report->in_store, reconcile->fetched, report->gone);
}

void cw_reconcile_end(struct cw_reconcile *reconcile, const struct cw_error *err)
{
    struct cw_http_stats http = cw_lua_cart_stats(reconcile->stream->cart);
    struct cw_run *run = &reconcile->run;
    struct cw_error sum;
    run->ended_at = cw_now(cw_loop_clock(cw_reconcile_loop(reconcile)));
    run->counts.requests = http.requests - reconcile->http_before.requests;
    run->counts.bytes_in = http.bytes_in - reconcile->http_before.bytes_in;
    run->counts.fetch_us = http.wait_us - reconcile->http_before.wait_us;
    if (err == NULL)
        err = cw_emitter_error(cw_session_emitter(reconcile->session), reconcile->stream);
    if (err == NULL && !cw_counts_check(&run->counts, &sum))
        err = &sum;
    run->state = CW_RUN_DONE;
    if (err != NULL)
        note_failure(reconcile, err);
    else
        describe(reconcile);
    run->message = cw_slice(reconcile->message);
    if (reconcile->config.only_tell) {
        cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, finish, reconcile);
        return;
    }
    reconcile->in_store = true;
    cw_txn_begin(cw_reconcile_store(reconcile),
                 cw_session_fence(reconcile->session, reconcile->stream->cart->name), end_txn_ready,
                 reconcile);
}

/* --- the beginning --- */

static void breaks_found(void *arg, struct cw_breaks *breaks, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    reconcile->breaks = breaks;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err != NULL)
        cw_reconcile_end(reconcile, err);
    else if (reconcile->is_refresh)
        cw_reconcile_refresh(reconcile);
    else
        cw_reconcile_compare(reconcile);
}

static void cursor_found(void *arg, const struct cw_cursor *cursor, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    if (err != NULL) {
        cw_reconcile_end(reconcile, err);
        return;
    }
    reconcile->done_until = cursor != NULL ? cursor->done_until : CW_TIME_NONE;
    reconcile->in_store = true;
    cw_breaks_read(cw_reconcile_store(reconcile), reconcile->stream, breaks_found, reconcile);
}

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct cw_reconcile *reconcile = arg;
    if (cw_reconcile_was_cancelled(reconcile))
        return;
    reconcile->run.id = id;
    if (err != NULL) {
        note_failure(reconcile, err);
        cw_loop_later(cw_reconcile_loop(reconcile), &reconcile->later, finish, reconcile);
        return;
    }
    if (!reconcile->config.only_tell)
        cw_run_log_began(cw_session_settings(reconcile->session)->log, &reconcile->run);
    reconcile->in_store = true;
    cw_store_get_cursor(cw_reconcile_store(reconcile), cw_slice(reconcile->stream->cart->name),
                        cw_slice(reconcile->stream->name), cursor_found, reconcile);
}

static bool check(const struct cw_lua_stream *stream, bool is_refresh, struct cw_error *err)
{
    if (is_refresh && cw_lua_plan_kind(stream->plan) != &cw_kind_order)
        return cw_fail(err, CW_USAGE, "only orders are read again until they are final, not %s",
                       stream->name);
    return stream->has_fetch || (stream->has_read && (stream->has_ids || is_refresh)) ||
           cw_fail(
               err, CW_USAGE,
               "%s of cart %s cannot be asked for: its script has no fetch function; files can be imported",
               stream->name, stream->cart->name);
}

static struct cw_reconcile *create(struct cw_session *session, const struct cw_lua_stream *stream,
                                   const struct cw_reconcile_config *config)
{
    struct cw_reconcile *reconcile = calloc(1, sizeof *reconcile);
    if (reconcile == NULL)
        return NULL;
    reconcile->session = session;
    reconcile->stream = stream;
    reconcile->config = *config;
    reconcile->config.only_tell = config->only_tell || cw_session_settings(session)->dry_run;
    reconcile->is_refresh = strcmp(config->job, "refresh") == 0;
    reconcile->by_ids = stream->has_read && (stream->has_ids || reconcile->is_refresh);
    struct cw_pipeline pipeline = cw_session_pipeline(session);
    snprintf(reconcile->version, sizeof reconcile->version, "%s", pipeline.script_version);
    pipeline.script_version = reconcile->version;
    reconcile->run = cw_pipeline_run(&pipeline, stream, reconcile->is_refresh ? "refresh" : "reconcile");
    cw_ids_init(&reconcile->listed);
    cw_ids_init(&reconcile->stored);
    cw_ids_init(&reconcile->unfinished.ids);
    cw_ids_init(&reconcile->wanted);
    cw_ids_init(&reconcile->broken);
    cw_ids_init(&reconcile->gone);
    cw_ids_init(&reconcile->not_sent);
    return reconcile;
}

struct cw_reconcile *cw_reconcile_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                        const struct cw_reconcile_config *config,
                                        cw_reconcile_found_fn *found, cw_reconcile_done_fn *done, void *arg,
                                        struct cw_error *err)
{
    if (!check(stream, strcmp(config->job, "refresh") == 0, err))
        return NULL;
    struct cw_reconcile *reconcile = create(session, stream, config);
    if (reconcile == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a run");
        return NULL;
    }
    reconcile->found = found;
    reconcile->done = done;
    reconcile->arg = arg;
    if (!cw_emitter_begin(cw_session_emitter(session), stream, &reconcile->run, NULL, err)) {
        free_reconcile(reconcile);
        return NULL;
    }
    reconcile->run_is_open = true;
    reconcile->http_before = cw_lua_cart_stats(stream->cart);
    reconcile->in_store = true;
    if (reconcile->config.only_tell)
        run_started(reconcile, 0, NULL);
    else
        cw_store_start_run(cw_session_settings(session)->store, cw_session_fence(session, stream->cart->name),
                           &reconcile->run, run_started, reconcile);
    return reconcile;
}

void cw_reconcile_cancel(struct cw_reconcile *reconcile)
{
    reconcile->cancelled = true;
    if (reconcile->fiber != NULL)
        cw_fiber_kill(reconcile->fiber);
    cw_reading_cancel(reconcile->reading);
    cw_bisect_cancel(reconcile->bisect);
    cw_break_cancel(reconcile->change);
    leave_session(reconcile);
    if (!reconcile->in_store)
        free_reconcile(reconcile);
}
