/* outbox_look.c - whether a run of a stream out has anything to do, and may do it. */
#include <stdio.h>

#include <glib.h>

#include "base/log.h"
#include "engine/outbox_private.h"
#include "engine/plan_jobs.h"
#include "engine/recount.h"

static void end_idle(struct cw_outbox_run *run)
{
    cw_time sleep = run->sending->sleep > CW_SECOND ? run->sending->sleep : CW_SECOND;
    cw_time window_end = run->run.started_at + run->sending->check;
    if (!run->stopping && cw_outbox_now(run) + sleep <= window_end)
        cw_outbox_wait(run, sleep, cw_outbox_look);
    else
        cw_outbox_end(run, NULL);
}

void cw_outbox_rest(struct cw_outbox_run *run, cw_time next_at)
{
    /* What is due, and could not be claimed, waits for something before it, not for a time. */
    run->next_at = next_at != CW_TIME_NONE && next_at > cw_outbox_now(run) ? next_at : CW_TIME_NONE;
    end_idle(run);
}

cw_time cw_outbox_held(const struct cw_outbox_run *run)
{
    uint64_t held = cw_lua_cart_stats(run->cart).held_us;
    return held > CW_SECOND ? (cw_time)held : 0;
}

void cw_outbox_rest_held(struct cw_outbox_run *run)
{
    cw_time held = cw_outbox_held(run);
    snprintf(run->message, sizeof run->message, "the shop wants to be left alone for %lld s",
             (long long)((held + CW_SECOND - 1) / CW_SECOND));
    run->run.message = cw_slice(run->message);
    cw_outbox_rest(run, cw_outbox_now(run) + held);
}

/* --- what is due --- */

/* The condition of the index, word for word, which SQLite uses for nothing else. */
#define UNDECIDED "state <> 'queued' AND state NOT IN ('sent', 'superseded') "
static const char due_sql[] =
    "SELECT 'queued' AS state, MIN(due_at) AS due_at FROM messages WHERE cart = $1 AND stream = $2 "
    "AND state = 'queued' UNION ALL "
    "SELECT 'unknown', MIN(due_at) FROM messages WHERE cart = $1 AND stream = $2 AND " UNDECIDED
    "AND state = 'unknown' UNION ALL "
    "SELECT 'sending', MIN(changed_at) FROM messages WHERE cart = $1 AND stream = $2 AND " UNDECIDED
    "AND state = 'sending'";

static bool take_due(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_outbox_run *run = arg;
    cw_time due;
    (void)columns;
    (void)names;
    if (row[1].data == NULL || !cw_time_parse(row[1], NULL, &due, NULL))
        return true;
    if (cw_slice_is(row[0], "queued"))
        run->due.queued = due;
    else if (cw_slice_is(row[0], "unknown"))
        run->due.unknown = due;
    else
        run->due.has_sending = true;
    return true;
}

/* Or meant to be: a clock that was ahead put off what it touched for as long. */
static bool is_over(cw_time due, cw_time now)
{
    return due != CW_TIME_NONE && (due <= now || cw_outbox_is_put_off(due, now));
}

static cw_time earlier(cw_time a, cw_time b)
{
    return a == CW_TIME_NONE || (b != CW_TIME_NONE && b < a) ? b : a;
}

static void due_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    cw_time now = cw_outbox_now(run);
    if (cw_outbox_was_cancelled(run))
        return;
    bool is_any = run->due.has_sending || is_over(run->due.queued, now) || is_over(run->due.unknown, now);
    run->run.message = (struct cw_slice){ "", 0 };
    if (err != NULL)
        cw_outbox_end(run, err);
    else if (is_any && cw_outbox_held(run) > 0)
        cw_outbox_rest_held(run);
    else if (is_any)
        cw_outbox_begin(run);
    else
        cw_outbox_rest(
            run, earlier(run->due.queued, cw_outbox_looks_at_unknown(run) ? run->due.unknown : CW_TIME_NONE));
}

static void read_due(struct cw_outbox_run *run)
{
    const struct cw_slice params[] = { run->run.cart, run->run.stream };
    run->due = (struct cw_outbox_due){ CW_TIME_NONE, CW_TIME_NONE, false };
    run->probed_until = run->probe_singly = 0;
    run->in_store = true;
    cw_store_query(cw_outbox_store(run), due_sql, params, 2, take_due, due_read, run);
}

/* --- what is not counted yet --- */

/* Carts that wait for a count: told once, however often they look. */
static bool set_waiting(const struct cw_outbox_run *run, bool waits)
{
    static GHashTable *carts;
    if (carts == NULL)
        carts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return waits ? g_hash_table_add(carts, g_strdup(run->cart->name))
                 : g_hash_table_remove(carts, run->cart->name);
}

static void rest_uncounted(struct cw_outbox_run *run)
{
    cw_outbox_rest(run, cw_outbox_now(run) + CW_MINUTE);
}

static void recount_woken(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL)
        cw_outbox_end(run, err);
    else
        rest_uncounted(run);
}

static void wake_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
        return;
    }
    cw_txn_wake_job(txn, cw_slice(""), cw_slice("recount"), cw_outbox_now(run));
    cw_outbox_commit(run, recount_woken);
}

static void job_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL)
        cw_outbox_end(run, err);
    else if (run->wakes_recount)
        cw_outbox_begin_txn(run, wake_ready);
    else
        rest_uncounted(run);
}

/* Not while it is at work or tried again anyway, nor where it is for workers that know other rules. */
static bool take_recount(void *arg, const struct cw_job *job)
{
    struct cw_outbox_run *run = arg;
    cw_time now = cw_outbox_now(run);
    bool is_near = (job->due_at != CW_TIME_NONE && job->due_at <= now) ||
                   (job->woken_at != CW_TIME_NONE && job->woken_at <= now);
    if (cw_slice_is(job->name, "recount"))
        run->wakes_recount =
            !job->is_running && !is_near && job->failures == 0 &&
            cw_jobs_has_rules(&cw_session_settings(run->session)->site->config, job->schedule);
    return true;
}

/* The count that it waits for is asked for, whatever became of the one that was planned. */
static void wait_for_count(struct cw_outbox_run *run)
{
    static const char what[] = "waits until stock has been counted once: cartwright stock recount";
    run->run.message = cw_slice(what);
    run->wakes_recount = false;
    if (set_waiting(run, true))
        cw_log_pairs(CW_LOG_WARNING, "stock-not-counted", "cart", run->cart->name, "stream",
                     cw_out_name(run->out), "error", what, NULL);
    run->in_store = true;
    cw_store_read_jobs(cw_outbox_store(run), cw_slice(""), take_recount, job_read, run);
}

/* --- whether it may --- */

static void recounted_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    char version[CW_HASH_TEXT_MAX];
    if (cw_outbox_was_cancelled(run))
        return;
    cw_recount_version(&cw_session_settings(run->session)->site->config, version);
    if (err != NULL) {
        cw_outbox_end(run, err);
    } else if (!cw_slice_is(value, version)) {
        wait_for_count(run);
    } else {
        set_waiting(run, false);
        read_due(run);
    }
}

static void controls_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err == NULL && run->err.code != CW_OK)
        err = &run->err;
    if (err != NULL) {
        struct cw_error copy = *err;
        cw_outbox_end(run, &copy);
    } else if (run->out == CW_OUT_STOCK) {
        run->in_store = true;
        cw_store_get_state(cw_outbox_store(run), (struct cw_slice){ "", 0 }, cw_slice(CW_RECOUNT_STATE),
                           recounted_read, run);
    } else {
        read_due(run);
    }
}

static bool take_control(void *arg, const struct cw_control *control)
{
    struct cw_outbox_run *run = arg;
    bool is_ours = control->stream.len == 0 || cw_slice_equal(control->stream, run->run.stream);
    if (!control->is_stopped || !is_ours || !cw_slice_equal(control->cart, run->run.cart))
        return true;
    cw_fail(&run->err, CW_REFUSED, "%.*s%s%.*s is stopped%s%.*s; to go on: cartwright start %.*s%s%.*s",
            CW_SLICE_ARG(run->run.cart), control->stream.len > 0 ? " " : "", CW_SLICE_ARG(control->stream),
            control->why.len > 0 ? ": " : "", CW_SLICE_ARG(cw_slice_clip(control->why, 300)),
            CW_SLICE_ARG(run->run.cart), control->stream.len > 0 ? " " : "", CW_SLICE_ARG(control->stream));
    return false;
}

void cw_outbox_read_controls(struct cw_outbox_run *run, cw_store_done_fn *read)
{
    run->controls_at = cw_outbox_now(run);
    run->in_store = true;
    cw_store_read_controls(cw_outbox_store(run), run->run.cart, take_control, read, run);
}

void cw_outbox_look(void *arg)
{
    struct cw_outbox_run *run = arg;
    if (run->stopping) {
        cw_outbox_end(run, NULL);
        return;
    }
    cw_outbox_read_controls(run, controls_read);
}
