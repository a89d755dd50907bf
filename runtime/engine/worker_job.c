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

/* `err` NULL = it ran well. */
static void finish(struct work *work, const struct cw_error *err)
{
    if (err != NULL) {
        work->err = *err;
        cw_redact_error(&work->err);
    }
    if (work->err.code != CW_OK && !work->had_run)
        tell_failure(work);
    cw_loop_later(work->place->worker->config.loop, &work->later, store_end, work);
}

/* --- what waits --- */

static void waiting_ran(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    (void)report;
    struct work *work = arg;
    if (err != NULL && work->err.code == CW_OK)
        work->err = *err;
}

static void waiting_done(void *arg)
{
    struct work *work = arg;
    work->waiting = NULL;
    work->place->seen = work->stamps;
    work->place->has_seen = true;
    finish(work, work->err.code != CW_OK ? &work->err : NULL);
}

/* What of the cart may be mapped again because something has come since it was the last time. */
static int what_came(const struct work *work)
{
    const struct place *place = work->place;
    bool brings_orders = cw_lua_plan_kind(work->stream->plan) == &cw_kind_order;
    if (!brings_orders && place->has_seen)
        return 0;
    if (!place->has_seen)
        return CW_WAITING_MATCHES | CW_WAITING_ROWS;
    return (strcmp(place->seen.news, work->stamps.news) != 0 ? CW_WAITING_MATCHES : 0) |
           (strcmp(place->seen.rows, work->stamps.rows) != 0 ? CW_WAITING_ROWS : 0);
}

static void map_waiting(struct work *work)
{
    struct cw_error err;
    const struct cw_waiting_config config = {
        .what = what_came(work), .ran = waiting_ran, .done = waiting_done, .arg = work
    };
    if (config.what == 0 || work->stopping) {
        finish(work, NULL);
        return;
    }
    work->waiting = cw_waiting_start(work->place->session, work->place->scripts, &config, &err);
    if (work->waiting == NULL)
        finish(work, &err);
}

/* --- what a job does --- */

static void count_run(const struct work *work, const struct cw_run *run)
{
    struct cw_pulse *pulse = work->place->worker->config.pulse;
    if (pulse != NULL)
        cw_metrics_run_ended(pulse->metrics, run);
}

static void synced(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct work *work = arg;
    work->sync = NULL;
    work->had_run = true;
    count_run(work, report->run);
    if (err != NULL)
        finish(work, err);
    else
        map_waiting(work);
}

static void reconciled(void *arg, const struct cw_reconcile_report *report, const struct cw_error *err)
{
    struct work *work = arg;
    work->reconcile = NULL;
    work->had_run = true;
    count_run(work, report->run);
    finish(work, err);
}

static void tidied(void *arg, uint64_t removed, const struct cw_error *err)
{
    (void)removed;
    struct work *work = arg;
    work->tidy = NULL;
    finish(work, err);
}

static void sent(void *arg, const struct cw_run *run, cw_time next_at, const struct cw_error *err)
{
    struct work *work = arg;
    work->outbox = NULL;
    work->had_run = true;
    work->next_at = next_at;
    count_run(work, run);
    finish(work, err);
}

static void recounted(void *arg, uint64_t skus, const struct cw_error *err)
{
    struct work *work = arg;
    (void)skus;
    work->recount = NULL;
    finish(work, err);
}

/* Jobs of a cart run one after another, which is kind to the shop, and lets customers and items come before
 * the orders that are matched to them. Only one that takes long has others beside it, but for those of its
 * own stream. */
static bool must_wait(const struct work *work)
{
    cw_time now = cw_now(work->place->worker->clock);
    for (guint i = 0; i < work->place->works->len; i++) {
        const struct work *other = g_ptr_array_index(work->place->works, i);
        if (other->run_began_at == CW_TIME_NONE)
            continue;
        bool is_same =
            work->stream != NULL ? other->stream == work->stream : strcmp(other->name, work->name) == 0;
        if (is_same || now - other->run_began_at < TAKES_LONG)
            return true;
    }
    return false;
}

static bool begin_sync(struct work *work, struct cw_error *err)
{
    work->sync = cw_sync_start(work->place->session, work->stream, synced, work, err);
    return work->sync != NULL;
}

static bool begin_reconcile(struct work *work, const char *job, struct cw_error *err)
{
    const struct cw_reconcile_config config = { .job = job, .from = CW_TIME_NONE, .to = CW_TIME_NONE };
    work->reconcile =
        cw_reconcile_start(work->place->session, work->stream, &config, NULL, reconciled, work, err);
    return work->reconcile != NULL;
}

static bool begin_tidy(struct work *work, struct cw_error *err)
{
    const struct cw_worker_config *worker = &work->place->worker->config;
    const struct cw_tidy_config config = {
        .site = worker->site,
        .loop = worker->loop,
        .store = worker->store,
        .fence = { cw_slice(CW_SITE_LEASE), work->place->token },
        .metrics = worker->pulse != NULL ? worker->pulse->metrics : NULL,
        .worker = worker->holder,
    };
    work->tidy = cw_tidy_start(&config, tidied, work, err);
    return work->tidy != NULL;
}

static bool begin_recount(struct work *work, struct cw_error *err)
{
    const struct cw_worker_config *worker = &work->place->worker->config;
    const struct cw_fence fence = { cw_slice(CW_SITE_LEASE), work->place->token };
    work->recount = cw_recount_all_start(worker->store, &worker->site->config, work->place->worker->clock,
                                         worker->loop, fence, recounted, work, err);
    return work->recount != NULL;
}

static bool begin_of_site(struct work *work, struct cw_error *err)
{
    return strcmp(work->name, "recount") == 0 ? begin_recount(work, err) : begin_tidy(work, err);
}

/* "reconcile orders": what comes before the stream; "sync" for a stream alone. */
static const char *kind_of(const struct work *work, const char **stream)
{
    static const char *const kinds[] = { "reconcile", "refresh" };
    *stream = work->name;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(work->name, kinds[i], len) == 0 && work->name[len] == ' ') {
            *stream = work->name + len + 1;
            return kinds[i];
        }
    }
    return "sync";
}

/* Fetching is woken by what shops send, sending by what is queued. */
static const char *woken_by(const struct work *work)
{
    enum cw_out out;
    return cw_out_find(cw_slice(work->name), &out) ? "change" : "webhook";
}

/* Whether it is its turn; else it is tried again later. */
static bool is_its_turn(struct work *work, const char *stream)
{
    struct cw_pulse *pulse = work->place->worker->config.pulse;
    work->waits = must_wait(work);
    if (work->waits) {
        cw_timer_set(work->again, TAKES_LONG);
        return false;
    }
    work->run_began_at = cw_now(work->place->worker->clock);
    cw_session_set_began_by(work->place->session, work->is_woken ? woken_by(work) : "schedule");
    if (pulse != NULL)
        cw_metrics_run_began(pulse->metrics, work->cart, stream);
    return true;
}

static bool begin_out(struct work *work, enum cw_out out, struct cw_error *err)
{
    if (!is_its_turn(work, work->name))
        return true;
    work->outbox = cw_outbox_start(work->place->session, work->place->scripts, out, sent, work, err);
    return work->outbox != NULL;
}

static bool begin_in_cart(struct work *work, bool *has_nothing, struct cw_error *err)
{
    const char *stream, *kind = kind_of(work, &stream);
    enum cw_out out;
    if (!cw_place_open(work->place, err))
        return false;
    if (cw_out_find(cw_slice(work->name), &out))
        return begin_out(work, out, err);
    work->stream = cw_lua_cart_need_stream(work->place->scripts, stream, err);
    if (work->stream == NULL)
        return false;
    *has_nothing = work->stream->is_off;
    if (*has_nothing || !is_its_turn(work, stream))
        return true;
    return strcmp(kind, "sync") == 0 ? begin_sync(work, err) : begin_reconcile(work, kind, err);
}

static bool has_cart(const struct cw_site_config *config, const char *name)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (strcmp(config->carts[i].name, name) == 0)
            return true;
    return false;
}

static void begin(struct work *work)
{
    struct cw_error err;
    bool has_nothing = false;
    work->is_foreign =
        work->cart[0] != '\0' && !has_cart(&work->place->worker->config.site->config, work->cart);
    if (work->is_foreign) {
        finish(work, NULL);
        return;
    }
    bool ok = work->cart[0] == '\0' ? begin_of_site(work, &err) : begin_in_cart(work, &has_nothing, &err);
    if (!ok)
        finish(work, &err);
    else if (has_nothing)
        finish(work, NULL);
}

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
        finish(work, err);
        return;
    }
    work->stamps = *stamps;
    bool has_rows = place->has_seen && strcmp(place->opened_with, stamps->rows) != 0;
    if (has_rows && place->works->len == 1 && place->held == 0)
        cw_place_close(place);
    if (place->session == NULL)
        snprintf(place->opened_with, sizeof place->opened_with, "%s", stamps->rows);
    if (work->stopping)
        finish(work, NULL);
    else
        begin(work);
}

static void prepare(void *arg)
{
    struct work *work = arg;
    if (work->cart[0] == '\0') {
        begin(work);
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
        finish(work, NULL);
    else
        begin(work);
}

static void count_late(const struct work *work)
{
    const struct cw_worker *worker = work->place->worker;
    cw_time late = cw_now(worker->clock) - work->job.due_at;
    if (worker->config.pulse != NULL && work->job.due_at != CW_TIME_NONE && late > 0)
        cw_metrics_late(worker->config.pulse->metrics, late);
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
        finish(work, &err);
    else
        cw_loop_later(worker->config.loop, &work->later, prepare, work);
}

/* What can be begun again as well as gone on with. */
static bool call_off(struct work *work)
{
    bool any = work->reconcile != NULL || work->tidy != NULL || work->recount != NULL;
    if (work->reconcile != NULL)
        cw_reconcile_cancel(work->reconcile);
    if (work->tidy != NULL)
        cw_tidy_cancel(work->tidy);
    if (work->recount != NULL)
        cw_recount_all_cancel(work->recount);
    work->reconcile = NULL;
    work->tidy = NULL;
    work->recount = NULL;
    return any;
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
    if (call_off(work))
        finish(work, NULL);
}

void cw_work_abandon(struct work *work)
{
    if (work->sync != NULL)
        cw_sync_cancel(work->sync);
    if (work->outbox != NULL)
        cw_outbox_cancel(work->outbox);
    if (work->waiting != NULL)
        cw_waiting_cancel(work->waiting);
    call_off(work);
    detach(work);
    work->lost = true;
    if (!work->in_store) /* else it is freed when the store has answered */
        cw_work_free(work);
}
