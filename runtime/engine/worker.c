/* worker.c - see worker.h. Claims, timers, and the way to the end. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/plan_jobs.h"
#include "engine/worker_private.h"

static const cw_time lease_time = CW_MINUTE;
static const cw_time look_at_least = CW_MINUTE; /* who heard nothing may have missed it */
static const cw_time try_again = 5 * CW_SECOND;
enum { AT_ONCE = 16, LONG_ONES = 8, CLAIM_FAILURES_TOLD = 1, RENEWALS = 3 /* in the time of a lease */ };

/* --- the end --- */

static void tell_stopped(void *arg)
{
    struct cw_worker *worker = arg;
    worker->config.stopped(worker->config.arg, worker->fault.code != CW_OK ? &worker->fault : NULL);
}

static bool holds_leases(const struct cw_worker *worker)
{
    GHashTableIter each;
    void *place;
    g_hash_table_iter_init(&each, worker->places);
    while (g_hash_table_iter_next(&each, NULL, &place))
        if (((struct place *)place)->token != 0)
            return true;
    return false;
}

void cw_worker_end_when_done(struct cw_worker *worker)
{
    bool is_done =
        worker->working == 0 && !worker->claiming && worker->asked->len == 0 && !holds_leases(worker);
    if (!worker->stopping || worker->told || !is_done)
        return;
    worker->told = true;
    cw_loop_later(worker->config.loop, &worker->stopped_later, tell_stopped, worker);
}

static void stop_place(const struct place *place)
{
    for (guint i = place->works->len; i > 0; i--)
        cw_work_stop(g_ptr_array_index(place->works, i - 1));
}

void cw_worker_stop(struct cw_worker *worker)
{
    GHashTableIter each;
    void *place;
    worker->stopping = true;
    g_hash_table_iter_init(&each, worker->places);
    while (g_hash_table_iter_next(&each, NULL, &place))
        stop_place(place);
    cw_worker_end_when_done(worker);
}

/* A disk that failed to write stays so until the store is opened anew: by a worker that replaces this one. */
static void give_up(struct cw_worker *worker, const struct cw_error *err)
{
    if (worker->fault.code == CW_OK)
        worker->fault = *err;
    cw_worker_stop(worker);
}

/* --- claims --- */

static void claim_when_due(struct cw_worker *worker, cw_time next_at)
{
    cw_time now = cw_now(worker->clock);
    cw_time delay = next_at == CW_TIME_NONE || next_at - now > look_at_least ? look_at_least : next_at - now;
    cw_timer_set(worker->next, delay);
}

static void claim_failed(struct cw_worker *worker, const struct cw_error *err)
{
    if (++worker->claim_failures == CLAIM_FAILURES_TOLD)
        cw_log_pairs(CW_LOG_ERROR, "store-failed", "error", err->text, NULL);
    if (err->code == CW_IO || err->code == CW_CORRUPT)
        give_up(worker, err);
    else
        cw_timer_set(worker->next, try_again);
}

static void claim_worked(struct cw_worker *worker)
{
    if (worker->claim_failures > 0)
        cw_log_pairs(CW_LOG_WARNING, "store-recovered", NULL);
    worker->claim_failures = 0;
}

/* The worker may have been told to stop while the claim was on its way. */
static void take(struct cw_worker *worker)
{
    struct work *work = worker->claimed;
    struct place *place = cw_place_of(worker, work->cart);
    worker->claimed = NULL;
    cw_place_hold(place, worker->claimed_token, worker->claim_asked_ns);
    cw_work_begin(place, work);
    if (worker->stopping)
        stop_place(place);
    worker->claim_again = true;
}

static void take_answer(void *arg)
{
    struct cw_worker *worker = arg;
    if (worker->claim_err.code != CW_OK) {
        claim_failed(worker, &worker->claim_err);
    } else {
        claim_worked(worker);
        if (worker->claimed != NULL)
            take(worker);
        else
            claim_when_due(worker, worker->next_at);
    }
    worker->claiming = false;
    cw_place_rest_all(worker);
    if (worker->claim_again)
        cw_worker_claim(worker);
    cw_worker_end_when_done(worker);
}

/* While one job waits for the store, answers to others come, and must not take its place from it: what they
 * change is changed from the loop. */
static void claimed(void *arg, const struct cw_claim *claim, cw_time next_at, const struct cw_error *err)
{
    struct cw_worker *worker = arg;
    worker->claimed = claim != NULL ? cw_work_create(worker, &claim->job) : NULL;
    worker->claimed_token = claim != NULL ? claim->token : 0;
    worker->next_at = next_at;
    worker->claim_err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    cw_loop_later(worker->config.loop, &worker->claimed_later, take_answer, worker);
}

/* Jobs that have not taken long yet; *first_at is when the first of them will have. */
static unsigned count_short(const struct cw_worker *worker, cw_time *first_at)
{
    GHashTableIter each;
    void *value;
    unsigned count = 0;
    cw_time now = cw_now(worker->clock);
    *first_at = CW_TIME_NONE;
    g_hash_table_iter_init(&each, worker->places);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct place *place = value;
        for (guint i = 0; i < place->works->len; i++) {
            const struct work *work = g_ptr_array_index(place->works, i);
            cw_time long_at = work->job.began_at + TAKES_LONG;
            if (long_at <= now)
                continue;
            count++;
            if (*first_at == CW_TIME_NONE || long_at < *first_at)
                *first_at = long_at;
        }
    }
    return count;
}

/* Shops that are slow, or told us to wait for an hour, must not keep the others from their turn: a job that
 * takes long gives up its place among those that run side by side, within reason. */
static bool has_room(struct cw_worker *worker)
{
    cw_time first_at;
    unsigned at_once = worker->config.carts_at_once > 0 ? worker->config.carts_at_once : AT_ONCE;
    if (worker->working < at_once)
        return true;
    if (worker->working >= at_once * LONG_ONES)
        return false;
    if (count_short(worker, &first_at) < at_once)
        return true;
    claim_when_due(worker, first_at);
    return false;
}

static void claim_now(void *arg)
{
    struct cw_worker *worker = arg;
    worker->claim_again = false;
    if (worker->stopping || !has_room(worker))
        return;
    worker->claiming = true;
    worker->claim_asked_ns = cw_elapsed_ns(worker->clock);
    cw_store_claim_job(worker->config.store, cw_slice(worker->config.holder), cw_now(worker->clock),
                       worker->config.lease_time, claimed, worker);
}

void cw_worker_claim(struct cw_worker *worker)
{
    worker->claim_again = true;
    if (!worker->claiming)
        cw_loop_later(worker->config.loop, &worker->claim_later, claim_now, worker);
}

void cw_worker_work_ended(struct cw_worker *worker)
{
    worker->working--;
    cw_worker_claim(worker);
    cw_worker_end_when_done(worker);
}

/* --- what wakes it --- */

static void heard(void *arg)
{
    struct cw_worker *worker = arg;
    cw_place_read_controls(worker);
    cw_worker_claim(worker);
}

static void is_due(void *arg)
{
    cw_worker_claim(arg);
}

static void renew(void *arg)
{
    struct cw_worker *worker = arg;
    cw_place_renew_all(worker);
    worker->renewing = holds_leases(worker);
    if (worker->renewing)
        cw_timer_set(worker->renew, worker->config.lease_time / RENEWALS);
}

void cw_worker_keep_leases(struct cw_worker *worker)
{
    if (!worker->renewing)
        cw_timer_set(worker->renew, worker->config.lease_time / RENEWALS);
    worker->renewing = true;
}

/* --- the clock was set --- */

struct correction {
    struct cw_worker *worker;
    GPtrArray *cart, *name;
    GArray *due;
    size_t next;
};

static void free_correction(struct correction *correction)
{
    g_ptr_array_unref(correction->cart);
    g_ptr_array_unref(correction->name);
    g_array_unref(correction->due);
    g_free(correction);
}

static bool note_late(void *arg, const struct cw_job *job)
{
    struct correction *correction = arg;
    struct cw_worker *worker = correction->worker;
    cw_time now = cw_now(worker->clock);
    cw_time due = cw_jobs_next(&worker->config.site->config, job->cart, job->name, job->served_at, now);
    if (due == CW_TIME_NONE || job->due_at == CW_TIME_NONE || job->is_running || due >= job->due_at)
        return true;
    g_ptr_array_add(correction->cart, g_strndup(job->cart.data, job->cart.len));
    g_ptr_array_add(correction->name, g_strndup(job->name.data, job->name.len));
    g_array_append_val(correction->due, due);
    return true;
}

static void corrected(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        cw_log_pairs(CW_LOG_WARNING, "schedule-not-corrected", "error", err->text, NULL);
    free_correction(arg);
}

static void put_corrections(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct correction *correction = arg;
    if (err != NULL) {
        corrected(correction, err);
        return;
    }
    for (guint i = 0; i < correction->due->len; i++)
        cw_txn_wake_job(txn, cw_slice(g_ptr_array_index(correction->cart, i)),
                        cw_slice(g_ptr_array_index(correction->name, i)),
                        g_array_index(correction->due, cw_time, i));
    cw_txn_commit(txn, corrected, correction);
}

static void jobs_read(void *arg, const struct cw_error *err)
{
    struct correction *correction = arg;
    if (err != NULL || correction->due->len == 0)
        corrected(correction, err);
    else
        cw_txn_begin(correction->worker->config.store, (struct cw_fence){ 0 }, put_corrections, correction);
}

/* Set back, the clock makes what is due lie further ahead than its schedule says: such jobs are woken in
 * time. Set forward, it makes them due early, which needs no help. */
static void correct_dues(struct cw_worker *worker)
{
    struct correction *correction = g_new0(struct correction, 1);
    correction->worker = worker;
    correction->cart = g_ptr_array_new_with_free_func(g_free);
    correction->name = g_ptr_array_new_with_free_func(g_free);
    correction->due = g_array_new(FALSE, FALSE, sizeof(cw_time));
    cw_store_read_jobs(worker->config.store, (struct cw_slice){ NULL, 0 }, note_late, jobs_read, correction);
}

static void clock_was_set(void *arg)
{
    struct cw_worker *worker = arg;
    cw_log_pairs(CW_LOG_WARNING, "clock-set", NULL);
    correct_dues(worker);
    cw_place_renew_all(worker);
    cw_worker_claim(worker);
}

/* --- life --- */

static bool watch(struct cw_worker *worker, struct cw_error *err)
{
    struct cw_loop *loop = worker->config.loop;
    worker->log = cw_run_log_create(loop, err);
    worker->next = worker->log != NULL ? cw_timer_create(loop, is_due, worker, err) : NULL;
    worker->renew = worker->next != NULL ? cw_timer_create(loop, renew, worker, err) : NULL;
    worker->clock_watch =
        worker->renew != NULL ? cw_loop_watch_clock(loop, clock_was_set, worker, err) : NULL;
    return worker->clock_watch != NULL && cw_store_listen(worker->config.store, heard, worker, err);
}

struct cw_worker *cw_worker_start(const struct cw_worker_config *config, struct cw_error *err)
{
    struct cw_worker *worker = g_new0(struct cw_worker, 1);
    worker->config = *config;
    worker->clock = cw_loop_clock(config->loop);
    if (worker->config.lease_time <= 0)
        worker->config.lease_time = lease_time;
    worker->asked = g_ptr_array_new();
    worker->places = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, cw_place_free);
    if (!watch(worker, err)) {
        cw_worker_free(worker);
        return NULL;
    }
    cw_place_read_controls(worker);
    correct_dues(worker); /* the clock may have been ahead when they were written */
    cw_worker_claim(worker);
    return worker;
}

void cw_worker_free(struct cw_worker *worker)
{
    if (worker == NULL)
        return;
    cw_store_listen(worker->config.store, NULL, NULL, NULL);
    cw_timer_free(worker->next);
    cw_timer_free(worker->renew);
    cw_clock_watch_free(worker->clock_watch);
    cw_later_cancel(worker->config.loop, &worker->claim_later);
    cw_later_cancel(worker->config.loop, &worker->claimed_later);
    cw_later_cancel(worker->config.loop, &worker->lose_later);
    cw_later_cancel(worker->config.loop, &worker->stopped_later);
    cw_work_free(worker->claimed);
    g_hash_table_destroy(worker->places);
    cw_place_forget_asked(worker);
    g_ptr_array_free(worker->asked, TRUE);
    cw_run_log_free(worker->log);
    g_free(worker);
}

static bool has_cart(const struct cw_site *site, const char *cart)
{
    for (size_t i = 0; i < site->config.cart_count; i++)
        if (strcmp(site->config.carts[i].name, cart) == 0)
            return true;
    return false;
}

struct cw_session *cw_worker_session(struct cw_worker *worker, const char *cart, struct cw_error *err)
{
    if (!has_cart(worker->config.site, cart)) {
        cw_fail(err, CW_NOT_FOUND, "site.lua has no cart %s", cart);
        return NULL;
    }
    struct place *place = cw_place_of(worker, cart);
    if (!cw_place_open(place, err))
        return NULL;
    place->held++;
    return place->session;
}

void cw_worker_release(struct cw_worker *worker, const char *cart)
{
    cw_place_of(worker, cart)->held--;
    cw_place_close_idle(worker);
}
