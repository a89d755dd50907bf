/* trial_jobs.c - what the process of a trial does when a test asks for it: the jobs of `cartwright sync`,
 * `reconcile` and `test-connection`. */
#include <string.h>

#include "engine/outbox.h"
#include "engine/reconcile.h"
#include "engine/recount.h"
#include "engine/trial_private.h"
#include "engine/waiting.h"

static struct cw_trial_job *begin(struct cw_trial *trial, void (*cancel)(void *handle))
{
    cw_trial_begin_job(trial);
    trial->job.cancel = cancel;
    return &trial->job;
}

/* `handle` NULL: it could not begin. */
static bool wait_for(struct cw_trial *trial, void *handle, struct cw_error *err)
{
    if (handle == NULL)
        return false;
    if (!trial->job.ended)
        trial->job.handle = handle;
    return cw_trial_wait_job(trial, err);
}

/* --- in --- */

static void cancel_sync(void *handle)
{
    cw_sync_cancel(handle);
}

static void synced(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct cw_trial *trial = arg;
    trial->job.counts = report->run->counts;
    cw_trial_end_job(trial, err);
}

static void mapped_again(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct cw_trial *trial = arg;
    (void)report;
    if (err != NULL && !trial->job.failed) {
        trial->job.failed = true;
        trial->job.err = *err;
    }
}

static void waited(void *arg)
{
    struct cw_trial *trial = arg;
    struct cw_error err = trial->job.err;
    cw_trial_end_job(trial, trial->job.failed ? &err : NULL);
}

static void cancel_waiting(void *handle)
{
    cw_waiting_cancel(handle);
}

bool cw_trial_map_waiting(struct cw_trial *trial, int what, struct cw_error *err)
{
    const struct cw_waiting_config config = {
        .what = what, .ran = mapped_again, .done = waited, .arg = trial
    };
    if (!cw_trial_start(trial, false, err))
        return false;
    struct cw_run_counts counts = trial->job.counts;
    begin(trial, cancel_waiting);
    trial->job.counts = counts;
    return wait_for(trial, cw_waiting_start(trial->session, trial->cart, &config, err), err);
}

/* Orders wait for customers and items. */
static bool is_waited_for(const struct cw_lua_stream *stream)
{
    const struct cw_kind *kind = cw_lua_plan_kind(stream->plan);
    return kind == &cw_kind_customer || kind == &cw_kind_item;
}

static bool sync_in(struct cw_trial *trial, const char *name, struct cw_error *err)
{
    const struct cw_lua_stream *stream = cw_lua_cart_need_stream(trial->cart, name, err);
    if (stream == NULL)
        return false;
    begin(trial, cancel_sync);
    if (!wait_for(trial, cw_sync_start(trial->session, stream, synced, trial, err), err))
        return false;
    return !is_waited_for(stream) || trial->job.counts.posted == 0 || trial->is_dry ||
           cw_trial_map_waiting(trial, CW_WAITING_MATCHES, err);
}

/* --- out --- */

static void cancel_outbox(void *handle)
{
    cw_outbox_cancel(handle);
}

static void sent(void *arg, const struct cw_run *run, cw_time next_at, const struct cw_error *err)
{
    struct cw_trial *trial = arg;
    (void)next_at;
    trial->job.counts = run->counts;
    cw_trial_end_job(trial, err);
}

static void cancel_recount(void *handle)
{
    cw_recount_all_cancel(handle);
}

static void recounted(void *arg, uint64_t skus, const struct cw_error *err)
{
    (void)skus;
    cw_trial_end_job(arg, err);
}

static void state_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    char *state = arg; /* one that cannot be read is counted anew, which says what is wrong */
    snprintf(state, CW_HASH_TEXT_MAX, "%.*s", err == NULL ? (int)value.len : 0, value.data);
}

/* Until all was counted once, senders of stock tell nothing. */
static bool count_once(struct cw_trial *trial, struct cw_error *err)
{
    char version[CW_HASH_TEXT_MAX], state[CW_HASH_TEXT_MAX] = "";
    const struct cw_site_config *config = &trial->site->config;
    if (!cw_recount_is_needed(config))
        return true;
    cw_recount_version(config, version);
    cw_store_get_state(trial->store, (struct cw_slice){ "", 0 }, cw_slice(CW_RECOUNT_STATE), state_read,
                       state);
    cw_store_wait(trial->store);
    if (strcmp(state, version) == 0)
        return true;
    begin(trial, cancel_recount);
    return wait_for(trial,
                    cw_recount_all_start(trial->store, config, cw_loop_clock(trial->loop), trial->loop,
                                         (struct cw_fence){ { "", 0 }, 0 }, recounted, trial, err),
                    err);
}

static bool sync_out(struct cw_trial *trial, enum cw_out out, struct cw_error *err)
{
    if (!trial->cart->outs[out].is_there)
        return cw_fail(err, CW_USAGE, "the script of type %s has no stream %s", trial->config.type,
                       cw_out_name(out));
    if (!count_once(trial, err))
        return false;
    begin(trial, cancel_outbox);
    return wait_for(trial, cw_outbox_start(trial->session, trial->cart, out, sent, trial, err), err);
}

bool cw_trial_sync(struct cw_trial *trial, const char *stream, bool is_dry, struct cw_error *err)
{
    enum cw_out out;
    if (!cw_trial_start(trial, is_dry, err))
        return false;
    return cw_out_find(cw_slice(stream), &out) ? sync_out(trial, out, err) : sync_in(trial, stream, err);
}

/* --- looking twice --- */

static void cancel_reconcile(void *handle)
{
    cw_reconcile_cancel(handle);
}

static void reconciled(void *arg, const struct cw_reconcile_report *report, const struct cw_error *err)
{
    struct cw_trial *trial = arg;
    trial->job.counts = report->run->counts;
    trial->job.missing = report->missing;
    trial->job.gone = report->gone;
    cw_trial_end_job(trial, err);
}

bool cw_trial_look_twice(struct cw_trial *trial, const char *job, struct cw_error *err)
{
    const char *blank = strchr(job, ' ');
    struct cw_reconcile_config config = { .from = CW_TIME_NONE, .to = CW_TIME_NONE };
    if (blank != NULL && strncmp(job, "reconcile ", 10) == 0)
        config.job = "reconcile";
    else if (blank != NULL && strncmp(job, "refresh ", 8) == 0)
        config.job = "refresh";
    else
        return cw_fail(err, CW_USAGE,
                       "there is no job \"%s\"; there are \"reconcile STREAM\" and \"refresh "
                       "STREAM\"",
                       job);
    if (!cw_trial_start(trial, false, err))
        return false;
    const struct cw_lua_stream *stream = cw_lua_cart_need_stream(trial->cart, blank + 1, err);
    if (stream == NULL)
        return false;
    begin(trial, cancel_reconcile);
    return wait_for(trial, cw_reconcile_start(trial->session, stream, &config, NULL, reconciled, trial, err),
                    err);
}

/* --- connection --- */

static void cancel_fiber(void *handle)
{
    cw_fiber_kill(handle);
}

static void tested(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct cw_trial *trial = arg;
    if (err == NULL)
        cw_buffer_add(&trial->job.text, text.data, text.len, NULL);
    cw_trial_end_job(trial, err);
}

bool cw_trial_test_connection(struct cw_trial *trial, struct cw_error *err)
{
    if (!cw_trial_start(trial, true, err))
        return false;
    begin(trial, cancel_fiber);
    return wait_for(trial, cw_lua_start_test(trial->cart, tested, trial, err), err);
}
