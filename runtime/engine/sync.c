/* sync.c - see sync.h. */
#include "engine/sync.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "engine/bisect.h"
#include "engine/run_log.h"
#include "engine/run_notes.h"

struct cw_sync {
    struct cw_session *session;
    const struct cw_lua_stream *stream;
    cw_sync_done_fn *done;
    void *arg;
    struct cw_run run;
    struct cw_cursor cursor;
    bool has_cursor;
    struct cw_buffer position; /* the bytes of cursor.position */
    struct cw_lua_window window;
    bool is_last, run_is_open, cancelled, in_store;
    bool stopping, stopped; /* to be ended early; ended early */
    bool goes_back;         /* the cursor: it was written by a clock that was ahead */
    unsigned windows;
    struct cw_http_stats http_before; /* what the cart's client had done when the run began */
    struct cw_breaks *breaks;         /* records known to break the list; NULL = not asked for */
    bool was_begun;                   /* the window in hand: by an earlier run, which did not end it */
    uint64_t pages_before;            /* of the run, when the window began */
    bool has_searched; /* for records that break the list; what it found is not asked for again at once */
    bool keeps_window; /* its failure is stored with the window: the next run tries the same */
    struct cw_fiber *fiber;
    struct cw_bisect *bisect;
    struct cw_later later;
    char version[CW_HASH_TEXT_MAX];
    char message[CW_ERROR_TEXT_MAX];
    struct cw_error err; /* OK = the run did not fail */
};

/* Only orders have a first moment: the customers and items that they name may be older. */
cw_time cw_sync_first_moment(const struct cw_lua_stream *stream)
{
    return strcmp(stream->name, "orders") == 0 ? stream->cart->orders_from : CW_TIME_NONE;
}

/* Small corrections of the clock are none of this. */
static const cw_time clock_slack = CW_MINUTE;

/* What a clock that was ahead has called complete was not: nobody knows what has come since the true time. */
static bool lies_ahead(cw_time time, cw_time now)
{
    return time != CW_TIME_NONE && time > now + clock_slack;
}

struct cw_lua_window cw_sync_window(const struct cw_lua_stream *stream, const struct cw_cursor *cursor,
                                    cw_time now, bool *is_last)
{
    struct cw_lua_window window = { .from = cw_sync_first_moment(stream), .to = now - stream->settle };
    *is_last = true;
    if (stream->full) {
        window.from = CW_TIME_NONE;
        if (cursor != NULL)
            window.position = cursor->position;
        return window;
    }
    if (cursor != NULL && (lies_ahead(cursor->done_until, now) || lies_ahead(cursor->window_to, now)))
        return window; /* read anew; what is known costs a look-up each */
    if (cursor != NULL && cursor->window_to != CW_TIME_NONE) {
        *is_last = false;
        return (struct cw_lua_window){ .from = cursor->window_from,
                                       .to = cursor->window_to,
                                       .position = cursor->position };
    }
    if (cursor != NULL && cursor->done_until != CW_TIME_NONE) {
        /* Where our clock was set back, one of the two times was wrong. Had it been the earlier one, what
         * came since would lie before it: so the overlap is counted from the time that is less. */
        cw_time until = window.to < cursor->done_until ? window.to : cursor->done_until;
        if (window.from == CW_TIME_NONE || window.from < until - stream->overlap)
            window.from = until - stream->overlap;
        if (window.to < cursor->done_until)
            window.to = cursor->done_until; /* a cursor never goes back */
    }
    return window;
}

const struct cw_run_counts *cw_sync_counts(const struct cw_sync *sync)
{
    return &sync->run.counts;
}

static void free_sync(struct cw_sync *sync)
{
    cw_buffer_fini(&sync->position);
    free(sync->breaks);
    free(sync);
}

/* Lets go of the session, which may be closed before a cancelled run is freed. */
static void leave_session(struct cw_sync *sync)
{
    if (sync->run_is_open)
        cw_emitter_end(cw_session_emitter(sync->session), sync->stream);
    sync->run_is_open = false;
    cw_later_cancel(cw_session_settings(sync->session)->loop, &sync->later);
}

static void report(void *arg)
{
    struct cw_sync *sync = arg;
    struct cw_sync_report report = { &sync->run, sync->windows };
    cw_run_log_ended(cw_session_settings(sync->session)->log, &sync->run,
                     sync->err.code != CW_OK ? &sync->err : NULL);
    leave_session(sync); /* so that the callback may start the next run of the stream */
    sync->done(sync->arg, &report, sync->err.code != CW_OK ? &sync->err : NULL);
    free_sync(sync);
}

static void end(struct cw_sync *sync)
{
    cw_loop_later(cw_session_settings(sync->session)->loop, &sync->later, report, sync);
}

/* --- the end of a run --- */

static void begin_window(void *arg);
static void store_end(struct cw_sync *sync);

static void note_failure(struct cw_sync *sync, const struct cw_error *err)
{
    sync->err = *err;
    cw_redact_error(&sync->err);
    cw_error_format(&sync->err, sync->message, sizeof sync->message);
    sync->run.message = cw_slice(sync->message);
    sync->run.state = CW_RUN_FAILED;
}

static void window_stored(void *arg, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    sync->in_store = false;
    if (sync->cancelled) {
        free_sync(sync);
        return;
    }
    if (err != NULL && sync->err.code == CW_OK) {
        note_failure(sync, err);
        store_end(sync); /* the end was not stored: then at least why */
        return;
    }
    if (sync->err.code != CW_OK || sync->is_last || sync->stopped)
        end(sync);
    else
        cw_loop_later(cw_session_settings(sync->session)->loop, &sync->later, begin_window, sync);
}

/* The cursor after a window that was read to its end. */
static void advance(struct cw_sync *sync)
{
    sync->windows++;
    sync->goes_back = lies_ahead(sync->cursor.done_until, sync->run.ended_at);
    if (!sync->stream->full && (sync->goes_back || sync->window.to > sync->cursor.done_until))
        sync->cursor.done_until = sync->window.to;
    sync->cursor.window_from = sync->cursor.window_to = CW_TIME_NONE;
    sync->cursor.position = (struct cw_slice){ "", 0 };
    sync->has_cursor = true;
}

static void end_txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    struct cw_slice cart = cw_slice(sync->stream->cart->name), stream = cw_slice(sync->stream->name);
    if (sync->cancelled && txn != NULL)
        cw_txn_rollback(txn);
    if (err != NULL || sync->cancelled) {
        window_stored(sync, err);
        return;
    }
    if (sync->goes_back)
        cw_txn_reset_cursor(txn, cart, stream);
    if (sync->err.code == CW_OK ? !sync->stopped : sync->keeps_window)
        cw_txn_put_cursor(txn, cart, stream, &sync->cursor);
    if (sync->run.state == CW_RUN_OPEN) /* other windows follow */
        cw_txn_put_run(txn, &sync->run);
    else
        cw_run_put_end(txn, &sync->run);
    cw_txn_commit(txn, window_stored, sync);
}

static void store_end(struct cw_sync *sync)
{
    sync->in_store = true;
    cw_txn_begin(cw_session_settings(sync->session)->store,
                 cw_session_fence(sync->session, sync->stream->cart->name), end_txn_ready, sync);
}

/* The script is done with its window, well or not. */
static void finish_window(struct cw_sync *sync, const struct cw_error *err)
{
    struct cw_http_stats http = cw_lua_cart_stats(sync->stream->cart);
    struct cw_error sum;
    sync->run.ended_at = cw_now(cw_loop_clock(cw_session_settings(sync->session)->loop));
    sync->run.counts.requests = http.requests - sync->http_before.requests;
    sync->run.counts.bytes_in = http.bytes_in - sync->http_before.bytes_in;
    sync->run.counts.fetch_us = http.wait_us - sync->http_before.wait_us;
    if (err == NULL) /* a script that caught the error of a page has not read its window for that */
        err = cw_emitter_error(cw_session_emitter(sync->session), sync->stream);
    if (err == NULL && !cw_counts_check(&sync->run.counts, &sum))
        err = &sum;
    if (err != NULL)
        note_failure(sync, err);
    else if (sync->stopped)
        sync->run.message = cw_slice("stopped; the next run goes on from here");
    else
        advance(sync);
    if (err == NULL && (sync->is_last || sync->stopped))
        sync->run.state = CW_RUN_DONE;
    if (cw_session_settings(sync->session)->dry_run)
        window_stored(sync, NULL);
    else
        store_end(sync);
}

/* --- windows --- */

static void call_off(struct cw_sync *sync)
{
    if (sync->fiber != NULL)
        cw_fiber_kill(sync->fiber);
    cw_bisect_cancel(sync->bisect);
    sync->fiber = NULL;
    sync->bisect = NULL;
}

static void stop_here(void *arg)
{
    struct cw_sync *sync = arg;
    call_off(sync);
    sync->stopped = true;
    finish_window(sync, NULL);
}

/* The next run tries the same window again. One that an earlier run began stays as that left it. */
static void keep_window(struct cw_sync *sync, bool may_be_one)
{
    sync->keeps_window = may_be_one && !sync->stream->full && sync->run.counts.pages == sync->pages_before;
}

static bool may_search(const struct cw_sync *sync)
{
    bool has_known = sync->breaks != NULL && sync->breaks->count > 0;
    return (sync->was_begun || has_known) && !sync->stream->full &&
           !cw_session_settings(sync->session)->dry_run;
}

/* Pages of a part of the window say nothing about how far the window has come. */
static void reopen_run(struct cw_sync *sync, struct cw_cursor *cursor)
{
    struct cw_emitter *emitter = cw_session_emitter(sync->session);
    cw_emitter_end(emitter, sync->stream);
    cw_emitter_begin(emitter, sync->stream, &sync->run, cursor, NULL);
}

static void read_around(void *arg, bool may_be_one, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    sync->bisect = NULL;
    free(sync->breaks); /* others may be known now */
    sync->has_searched = true;
    sync->breaks = NULL;
    sync->keeps_window = may_be_one && !sync->was_begun;
    reopen_run(sync, &sync->cursor); /* what could not be stored is in `err` */
    finish_window(sync, err);
}

/* `failed` NULL: it was not asked for yet, but holds records that are known to break the list. */
static void read_window_around(struct cw_sync *sync, const struct cw_error *failed)
{
    struct cw_error err;
    if (sync->stopping) {
        stop_here(sync);
        return;
    }
    const struct cw_bisect_config config = { .session = sync->session,
                                             .stream = sync->stream,
                                             .run = &sync->run,
                                             .from = sync->window.from,
                                             .to = sync->window.to,
                                             .breaks = sync->breaks,
                                             .may_retry = !sync->has_searched,
                                             .may_search = may_search(sync),
                                             .failed = failed,
                                             .done = read_around,
                                             .arg = sync };
    reopen_run(sync, NULL);
    sync->bisect = cw_bisect_start(&config, &err);
    if (sync->bisect == NULL)
        finish_window(sync, &err);
}

static void fetched(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    struct cw_error passed_by;
    bool may_be_one =
        text.len > 0 && cw_emitter_error(cw_session_emitter(sync->session), sync->stream) == NULL;
    sync->fiber = NULL;
    if (err == NULL && text.len > 0) { /* unasked */
        cw_fail(&passed_by, CW_UNEXPECTED, "%.*s", CW_SLICE_ARG(text));
        err = &passed_by;
    }
    keep_window(sync, may_be_one);
    if (may_be_one && may_search(sync))
        read_window_around(sync, err);
    else
        finish_window(sync, err);
}

void cw_sync_stop(struct cw_sync *sync)
{
    bool was_stopping = sync->stopping;
    sync->stopping = true;
    if (!was_stopping && (sync->fiber != NULL || sync->bisect != NULL))
        cw_emitter_when_idle(cw_session_emitter(sync->session), sync->stream, stop_here, sync);
}

static void next_window(struct cw_sync *sync)
{
    struct cw_error err;
    if (sync->stopping) {
        stop_here(sync);
        return;
    }
    cw_time now = cw_now(cw_loop_clock(cw_session_settings(sync->session)->loop));
    sync->was_begun = sync->has_cursor && sync->cursor.window_to != CW_TIME_NONE;
    sync->pages_before = sync->run.counts.pages;
    sync->window = cw_sync_window(sync->stream, sync->has_cursor ? &sync->cursor : NULL, now, &sync->is_last);
    sync->cursor.window_from = sync->stream->full ? CW_TIME_NONE : sync->window.from;
    sync->cursor.window_to = sync->stream->full ? CW_TIME_NONE : sync->window.to;
    if (!sync->stream->full && !cw_session_settings(sync->session)->dry_run &&
        cw_breaks_touch(sync->breaks, sync->stream, sync->window.from, sync->window.to)) {
        read_window_around(sync, NULL);
        return;
    }
    sync->fiber = cw_lua_start_fetch(sync->stream, &sync->window, fetched, sync, &err);
    if (sync->fiber == NULL)
        finish_window(sync, &err);
}

static void breaks_found(void *arg, struct cw_breaks *breaks, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    sync->in_store = false;
    sync->breaks = breaks;
    if (sync->cancelled)
        free_sync(sync);
    else if (err != NULL)
        finish_window(sync, err);
    else
        next_window(sync);
}

static void begin_window(void *arg)
{
    struct cw_sync *sync = arg;
    if (sync->breaks != NULL) {
        next_window(sync);
        return;
    }
    sync->in_store = true;
    cw_breaks_read(cw_session_settings(sync->session)->store, sync->stream, breaks_found, sync);
}

static void cursor_found(void *arg, const struct cw_cursor *cursor, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    struct cw_error copy;
    sync->in_store = false;
    if (sync->cancelled) {
        free_sync(sync);
        return;
    }
    sync->cursor = (struct cw_cursor){ CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, { "", 0 } };
    if (err == NULL && cursor != NULL) {
        sync->has_cursor = true;
        sync->cursor = *cursor;
        if (!cw_buffer_add(&sync->position, cursor->position.data, cursor->position.len, &copy))
            err = &copy;
        sync->cursor.position = cw_buffer_slice(&sync->position);
    }
    if (err != NULL)
        finish_window(sync, err);
    else
        cw_loop_later(cw_session_settings(sync->session)->loop, &sync->later, begin_window, sync);
}

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct cw_sync *sync = arg;
    sync->in_store = false;
    if (sync->cancelled) {
        free_sync(sync);
        return;
    }
    sync->run.id = id;
    if (err != NULL) {
        note_failure(sync, err);
        end(sync);
        return;
    }
    cw_run_log_began(cw_session_settings(sync->session)->log, &sync->run);
    sync->in_store = true;
    cw_store_get_cursor(cw_session_settings(sync->session)->store, cw_slice(sync->stream->cart->name),
                        cw_slice(sync->stream->name), cursor_found, sync);
}

struct cw_sync *cw_sync_start(struct cw_session *session, const struct cw_lua_stream *stream,
                              cw_sync_done_fn *done, void *arg, struct cw_error *err)
{
    const struct cw_session_config *config = cw_session_settings(session);
    struct cw_sync *sync = calloc(1, sizeof *sync);
    if (sync == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a run");
        return NULL;
    }
    sync->session = session;
    sync->stream = stream;
    sync->done = done;
    sync->arg = arg;
    struct cw_pipeline pipeline = cw_session_pipeline(session);
    snprintf(sync->version, sizeof sync->version, "%s", pipeline.script_version);
    pipeline.script_version = sync->version;
    sync->run = cw_pipeline_run(&pipeline, stream, "sync");
    if (!cw_emitter_begin(cw_session_emitter(session), stream, &sync->run, &sync->cursor, err)) {
        free(sync);
        return NULL;
    }
    sync->run_is_open = true;
    sync->http_before = cw_lua_cart_stats(stream->cart);
    sync->in_store = true;
    if (config->dry_run)
        run_started(sync, 0, NULL);
    else
        cw_store_start_run(config->store, cw_session_fence(session, stream->cart->name), &sync->run,
                           run_started, sync);
    return sync;
}

void cw_sync_cancel(struct cw_sync *sync)
{
    sync->cancelled = true;
    call_off(sync);
    leave_session(sync);
    if (!sync->in_store)
        free_sync(sync);
}
