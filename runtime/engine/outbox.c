/* outbox.c - see outbox.h: how a run of a stream out begins and ends. */
#include "engine/outbox_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/run_log.h"

/* --- steps --- */

static void free_run(struct cw_outbox_run *run)
{
    cw_arena_fini(&run->call.arena);
    cw_arena_fini(&run->next.arena);
    free(run);
}

static void leave_loop(struct cw_outbox_run *run)
{
    cw_later_cancel(cw_outbox_loop(run), &run->later);
    cw_timer_free(run->timer);
    run->timer = NULL;
}

void cw_outbox_go_on(struct cw_outbox_run *run, cw_loop_fn *step)
{
    cw_loop_later(cw_outbox_loop(run), &run->later, step, run);
}

static void waited(void *arg)
{
    struct cw_outbox_run *run = arg;
    cw_loop_fn *step = run->after_wait;
    run->after_wait = NULL;
    step(run);
}

void cw_outbox_wait(struct cw_outbox_run *run, cw_time time, cw_loop_fn *step)
{
    run->after_wait = step;
    cw_timer_set(run->timer, time);
}

bool cw_outbox_was_cancelled(struct cw_outbox_run *run)
{
    run->in_store = false;
    if (!run->cancelled)
        return false;
    if (run->txn != NULL)
        cw_txn_rollback(run->txn);
    free_run(run);
    return true;
}

void cw_outbox_begin_txn(struct cw_outbox_run *run, cw_txn_ready_fn *ready)
{
    run->in_store = true;
    cw_txn_begin(cw_outbox_store(run), cw_session_fence(run->session, run->cart->name), ready, run);
}

void cw_outbox_commit(struct cw_outbox_run *run, cw_store_done_fn *done)
{
    struct cw_txn *txn = run->txn;
    run->txn = NULL;
    run->in_store = true;
    cw_txn_commit(txn, done, run);
}

/* --- the end --- */

static void report(void *arg)
{
    struct cw_outbox_run *run = arg;
    const struct cw_error *err = run->err.code != CW_OK ? &run->err : NULL;
    if (run->is_begun || err != NULL)
        cw_run_log_ended(cw_session_settings(run->session)->log, &run->run, err);
    leave_loop(run); /* so that the callback may start the next run of the stream */
    run->done(run->arg, &run->run, run->next_at, err);
    free_run(run);
}

static void note_failure(struct cw_outbox_run *run, const struct cw_error *err)
{
    run->err = *err;
    cw_redact_error(&run->err);
    cw_error_format(&run->err, run->message, sizeof run->message);
    run->run.message = cw_slice(run->message);
    run->run.state = CW_RUN_FAILED;
}

static void end_stored(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL && run->err.code == CW_OK)
        note_failure(run, err);
    cw_outbox_go_on(run, report);
}

static void end_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        end_stored(run, err);
        return;
    }
    cw_run_put_end(txn, &run->run);
    cw_outbox_commit(run, end_stored);
}

void cw_outbox_note_unknown(struct cw_outbox_run *run, cw_time due)
{
    if (run->first_unknown == CW_TIME_NONE || due < run->first_unknown)
        run->first_unknown = due;
}

/* What is unknown then is to be asked about, or gives way to a newer one, whatever the schedule says. */
static void come_back_for_unknown(struct cw_outbox_run *run)
{
    if (cw_outbox_looks_at_unknown(run) && run->first_unknown != CW_TIME_NONE &&
        (run->next_at == CW_TIME_NONE || run->first_unknown < run->next_at))
        run->next_at = run->first_unknown;
}

void cw_outbox_end(struct cw_outbox_run *run, const struct cw_error *err)
{
    struct cw_http_stats http = cw_lua_cart_stats(run->cart);
    struct cw_error sum;
    run->run.ended_at = cw_outbox_now(run);
    run->run.counts.requests = http.requests - run->http_before.requests;
    run->run.counts.bytes_in = http.bytes_in - run->http_before.bytes_in;
    run->run.counts.fetch_us = http.wait_us - run->http_before.wait_us;
    run->run.state = CW_RUN_DONE;
    if (err == NULL && !cw_counts_check(&run->run.counts, &sum))
        err = &sum;
    if (err != NULL)
        note_failure(run, err);
    else if (run->stopping)
        run->run.message = cw_slice("stopped; the next run goes on from here");
    come_back_for_unknown(run);
    if (run->is_begun)
        cw_outbox_begin_txn(run, end_ready);
    else
        cw_outbox_go_on(run, report);
}

/* --- the beginning --- */

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
        return;
    }
    run->run.id = id;
    run->is_begun = true;
    cw_run_log_began(cw_session_settings(run->session)->log, &run->run);
    cw_outbox_go_on(run, cw_outbox_orphan);
}

void cw_outbox_begin(struct cw_outbox_run *run)
{
    if (run->is_begun) {
        cw_outbox_go_on(run, cw_outbox_orphan);
        return;
    }
    run->in_store = true;
    cw_store_start_run(cw_outbox_store(run), cw_session_fence(run->session, run->cart->name), &run->run,
                       run_started, run);
}

static struct cw_run run_of(const struct cw_outbox_run *run)
{
    const struct cw_session_config *config = cw_session_settings(run->session);
    return (struct cw_run){ .cart = cw_slice(run->cart->name),
                            .stream = cw_slice(cw_out_name(run->out)),
                            .job = cw_slice("send"),
                            .state = CW_RUN_OPEN,
                            .started_at = cw_outbox_now(run),
                            .ended_at = CW_TIME_NONE,
                            .message = { "", 0 },
                            .script_version = cw_slice(run->version),
                            .began_by = cw_slice(config->began_by != NULL ? config->began_by : "command"),
                            .worker = cw_slice(config->worker != NULL ? config->worker : "") };
}

static const struct cw_out_config *config_of(const struct cw_site_config *site, const char *cart)
{
    for (size_t i = 0; i < site->cart_count; i++)
        if (strcmp(site->carts[i].name, cart) == 0)
            return &site->carts[i].out;
    return NULL;
}

/* Whether the site and the script both have the stream. */
static bool may_start(const struct cw_session_config *config, const struct cw_lua_cart *cart, enum cw_out out,
                      struct cw_error *err)
{
    const struct cw_out_config *told = config_of(&config->site->config, cart->name);
    const char *name = cw_out_name(out);
    if (!cart->outs[out].is_there)
        return cw_fail(err, CW_USAGE, "the script of cart %s (type %s) has no stream %s", cart->name,
                       cart->type, name);
    if (told == NULL || !told->sending[out].is_on)
        return cw_fail(err, CW_REFUSED,
                       "cart %s is not told of %.*s; name it in `out` of the cart in site.lua, and not in "
                       "`switches`",
                       cart->name, (int)(strlen(name) - 4), name);
    if (config->dry_run)
        return cw_fail(err, CW_REFUSED, "%s writes to the cart, which a dry run does not", name);
    return true;
}

struct cw_outbox_run *cw_outbox_start(struct cw_session *session, const struct cw_lua_cart *cart,
                                      enum cw_out out, cw_outbox_done_fn *done, void *arg,
                                      struct cw_error *err)
{
    const struct cw_session_config *config = cw_session_settings(session);
    struct cw_outbox_run *run;
    if (!may_start(config, cart, out, err))
        return NULL;
    run = calloc(1, sizeof *run);
    if (run == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a run");
        return NULL;
    }
    *run = (struct cw_outbox_run){ .session = session, .cart = cart, .out = out, .done = done, .arg = arg };
    run->script = &cart->outs[out];
    run->config = config_of(&config->site->config, cart->name);
    run->sending = &run->config->sending[out];
    run->next_at = run->first_unknown = CW_TIME_NONE;
    snprintf(run->version, sizeof run->version, "%s", cw_session_script_version(session));
    run->run = run_of(run);
    run->http_before = cw_lua_cart_stats(cart);
    cw_arena_init(&run->call.arena, 0);
    cw_arena_init(&run->next.arena, 0);
    run->timer = cw_timer_create(config->loop, waited, run, err);
    if (run->timer == NULL) {
        free_run(run);
        return NULL;
    }
    cw_outbox_go_on(run, cw_outbox_look);
    return run;
}

static void end_stopped(void *arg)
{
    cw_outbox_end(arg, NULL);
}

/* A call that waits for its turn, or only reads, is over at once. */
static void stop_call(struct cw_outbox_run *run)
{
    if (run->fiber == NULL || cw_lua_telling_has_left(run->cart, run->fiber))
        return;
    cw_fiber_kill(run->fiber);
    run->fiber = NULL;
    cw_outbox_go_on(run, run->is_sending ? cw_outbox_put_back : end_stopped);
}

void cw_outbox_stop(struct cw_outbox_run *run)
{
    run->stopping = true;
    stop_call(run);
    if (run->after_wait == NULL)
        return;
    run->after_wait = NULL;
    cw_timer_clear(run->timer);
    cw_outbox_go_on(run, run->call.outcomes != NULL ? cw_outbox_send : end_stopped);
}

void cw_outbox_cancel(struct cw_outbox_run *run)
{
    run->cancelled = true;
    if (run->fiber != NULL)
        cw_fiber_kill(run->fiber);
    run->fiber = NULL;
    leave_loop(run);
    if (!run->in_store)
        free_run(run);
}
