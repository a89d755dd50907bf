/* worker_job.c - one job, from its claim to the transaction that ends it. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "engine/plan_jobs.h"
#include "engine/worker_private.h"

static const cw_time first_delay = CW_MINUTE, longest_delay = 15 * CW_MINUTE, end_again = 5 * CW_SECOND;

enum { SOON_AGAIN = 4 }; /* times, where the store was at fault */

void cw_work_free(struct work *work)
{
    if (work == NULL)
        return;
    g_free(work->cart);
    g_free(work->name);
    g_free(work);
}

static void detach(struct work *work)
{
    g_ptr_array_remove(work->place->works, work);
    cw_timer_free(work->again);
    cw_later_cancel(work->place->worker->config.loop, &work->later);
}

/* --- the end of a job --- */

static void store_end(void *arg);

/* It failed: after a minute, then after ever longer, whatever its schedule says. */
static cw_time delay_after(unsigned failures)
{
    cw_time delay = first_delay;
    for (unsigned i = 1; i < failures && delay < longest_delay; i++)
        delay *= 2;
    return delay < longest_delay ? delay : longest_delay;
}

/* A full disk, a server that was away, a lease that was lost meanwhile. */
static bool is_of_store(const struct work *work)
{
    cw_time failed_at = cw_store_failed_at(work->place->worker->config.store);
    return work->err.code == CW_CONFLICT ||
           (work->err.code == CW_UNAVAILABLE && failed_at != CW_TIME_NONE && failed_at >= work->job.began_at);
}

/* A shop that is down is asked ever less often. Where the store was at fault nobody is spared by waiting
 * longer; and since this end is being stored, it may be over. */
static cw_time delay_of(const struct work *work, unsigned failures)
{
    if (work->ending > 0)
        return end_again; /* even this end could not be stored until now */
    if (is_of_store(work))
        return failures <= SOON_AGAIN ? end_again : first_delay;
    return delay_after(failures);
}

/* When the job is due next, and what is remembered of it. */
static struct cw_job outcome(struct work *work, char message[CW_ERROR_TEXT_MAX])
{
    struct cw_worker *worker = work->place->worker;
    cw_time now = cw_now(worker->clock);
    struct cw_job job = work->job;
    job.ended_at = now;
    message[0] = '\0';
    if (work->is_foreign)
        job.due_at = now + end_again;
    if (work->is_foreign || (work->stopping && work->err.code == CW_OK))
        return job; /* still due: whoever may claims it */
    if (work->err.code == CW_OK) {
        job.failures = 0;
        job.served_at = cw_job_served(&work->job);
        job.due_at = cw_jobs_next(&worker->config.site->config, job.cart, job.name, job.served_at, now);
        if (work->next_at != CW_TIME_NONE && (job.due_at == CW_TIME_NONE || work->next_at < job.due_at))
            job.due_at = work->next_at > now ? work->next_at : now;
    } else {
        job.failures++;
        cw_error_format(&work->err, message, CW_ERROR_TEXT_MAX);
        job.due_at = now + delay_of(work, job.failures);
    }
    job.message = cw_slice(message);
    return job;
}

static void wake_next(struct place *place)
{
    for (guint i = 0; i < place->works->len; i++) {
        struct work *other = g_ptr_array_index(place->works, i);
        if (other->waits) {
            cw_timer_set(other->again, 0);
            return;
        }
    }
}

static void leave(struct work *work)
{
    struct place *place = work->place;
    struct cw_worker *worker = place->worker;
    detach(work);
    cw_work_free(work);
    wake_next(place);
    cw_place_rest(place);
    cw_worker_work_ended(worker);
}

static void ended(void *arg, const struct cw_error *err)
{
    struct work *work = arg;
    work->in_store = false;
    if (work->lost) {
        cw_work_free(work);
        return;
    }
    if (err == NULL) {
        leave(work);
    } else if (err->code == CW_CONFLICT) {
        cw_place_lose(work->place); /* and this work with it */
    } else {
        if (work->ending++ == 0)
            cw_log_pairs(CW_LOG_ERROR, "job-end-not-stored", "cart", work->cart, "job", work->name, "error",
                         err->text, NULL);
        cw_timer_set(work->again, end_again);
    }
}

static void forgive(struct work *work, struct cw_txn *txn)
{
    struct place *place = work->place;
    if (place->deaths == 0 || work->err.code != CW_OK || work->stopping)
        return;
    struct cw_control control = { .cart = work->job.cart,
                                  .stream = { "", 0 },
                                  .who = cw_slice("worker"),
                                  .at = cw_now(place->worker->clock) };
    place->deaths = 0;
    cw_txn_put_control(txn, &control);
}

static void end_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct work *work = arg;
    char message[CW_ERROR_TEXT_MAX];
    if (work->lost && txn != NULL)
        cw_txn_rollback(txn);
    if (work->lost || err != NULL) {
        ended(work, err);
        return;
    }
    struct cw_job job = outcome(work, message);
    cw_txn_end_job(txn, &job);
    forgive(work, txn);
    cw_txn_commit(txn, ended, work);
}

static void store_end(void *arg)
{
    struct work *work = arg;
    struct cw_fence fence = { cw_slice(cw_place_lease(work->place)), work->place->token };
    work->in_store = true;
    cw_txn_begin(work->place->worker->config.store, fence, end_ready, work);
}

/* What failed without a run that could say so. */
static void tell_failure(const struct work *work)
{
    const struct cw_run run = { .cart = work->job.cart,
                                .stream = work->job.name,
                                .job = cw_slice("job"),
                                .state = CW_RUN_FAILED,
                                .started_at = work->job.began_at,
                                .ended_at = cw_now(work->place->worker->clock) };
    cw_run_log_ended(work->place->worker->log, &run, &work->err);
}

void cw_work_finish(struct work *work, const struct cw_error *err)
{
    if (err != NULL) {
        work->err = *err;
        cw_redact_error(&work->err);
    }
    if (work->err.code != CW_OK && !work->had_run)
        tell_failure(work);
    cw_loop_later(work->place->worker->config.loop, &work->later, store_end, work);
}

/* --- the beginning --- */

/* Scripts know the rows of translation tables as they were when they were opened. */
static void stamps_read(void *arg, const struct cw_stamps *stamps, const struct cw_error *err)
{
    struct work *work = arg;
    struct place *place = work->place;
    work->in_store = false;
    if (work->lost) {
        cw_work_free(work);
        return;
    }
    if (err != NULL) {
        cw_work_finish(work, err);
        return;
    }
    work->stamps = *stamps;
    bool has_rows = place->has_seen && strcmp(place->opened_with, stamps->rows) != 0;
    if (has_rows && place->works->len == 1 && place->held == 0)
        cw_place_close(place);
    if (place->session == NULL)
        snprintf(place->opened_with, sizeof place->opened_with, "%s", stamps->rows);
    if (work->stopping)
        cw_work_finish(work, NULL);
    else
        cw_work_do(work);
}

static void prepare(void *arg)
{
    struct work *work = arg;
    if (work->cart[0] == '\0') {
        cw_work_do(work);
        return;
    }
    work->in_store = true;
    cw_waiting_read_stamps(work->place->worker->config.store, stamps_read, work);
}

/* What it waited for may be over: another job of the cart, or a store that could not be written. */
static void go_on(void *arg)
{
    struct work *work = arg;
    work->waits = false;
    if (work->ending > 0)
        store_end(work);
    else if (work->stopping)
        cw_work_finish(work, NULL);
    else
        cw_work_do(work);
}

static void count_late(const struct work *work)
{
    const struct cw_worker *worker = work->place->worker;
    cw_time late = cw_now(worker->clock) - work->job.due_at;
    if (worker->config.pulse != NULL && work->job.due_at != CW_TIME_NONE && late > 0)
        cw_metrics_late(worker->config.pulse->metrics, late);
}

/* Counted by a site.lua that is not the newest, the job would be done all the same, until the next day. */
static bool is_by_other_rules(const struct cw_worker *worker, const struct cw_job *job)
{
    return job->cart.len == 0 && cw_slice_is(job->name, "recount") &&
           !cw_jobs_has_rules(&worker->config.site->config, job->schedule);
}

struct work *cw_work_create(const struct cw_worker *worker, const struct cw_job *job)
{
    struct work *work = g_new0(struct work, 1);
    cw_time now = cw_now(worker->clock);
    work->cart = g_strndup(job->cart.data, job->cart.len);
    work->name = g_strndup(job->name.data, job->name.len);
    work->is_woken = job->woken_at != CW_TIME_NONE && (job->due_at == CW_TIME_NONE || job->due_at > now);
    work->job = *job;
    work->job.cart = cw_slice(work->cart);
    work->job.name = cw_slice(work->name);
    work->is_foreign = is_by_other_rules(worker, job);
    work->job.schedule = work->job.message = (struct cw_slice){ "", 0 }; /* nobody asks for them here */
    work->job.began_at = now;
    work->run_began_at = work->next_at = CW_TIME_NONE;
    return work;
}

void cw_work_begin(struct place *place, struct work *work)
{
    struct cw_worker *worker = place->worker;
    struct cw_error err;
    work->place = place;
    g_ptr_array_add(place->works, work);
    worker->working++;
    count_late(work);
    work->again = cw_timer_create(worker->config.loop, go_on, work, &err);
    if (work->again == NULL)
        cw_work_finish(work, &err);
    else
        cw_loop_later(worker->config.loop, &work->later, prepare, work);
}

void cw_work_stop(struct work *work)
{
    if (work->stopping)
        return;
    work->stopping = true;
    if (work->waits)
        cw_timer_set(work->again, 0);
    if (work->sync != NULL)
        cw_sync_stop(work->sync);
    if (work->waiting != NULL)
        cw_waiting_stop(work->waiting);
    if (work->outbox != NULL)
        cw_outbox_stop(work->outbox);
    if (cw_work_call_off(work))
        cw_work_finish(work, NULL);
}

void cw_work_abandon(struct work *work)
{
    if (work->sync != NULL)
        cw_sync_cancel(work->sync);
    if (work->outbox != NULL)
        cw_outbox_cancel(work->outbox);
    if (work->waiting != NULL)
        cw_waiting_cancel(work->waiting);
    cw_work_call_off(work);
    detach(work);
    work->lost = true;
    if (!work->in_store) /* else it is freed when the store has answered */
        cw_work_free(work);
}
