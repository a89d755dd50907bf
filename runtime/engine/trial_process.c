/* trial_process.c - the process that a trial is about: started with nothing but the store, killed at any
 * step.
 */
#include <glib.h>
#include <stdio.h>

#include "engine/session.h"
#include "engine/trial_private.h"

/* Of virtual time. The longest wait that a shop may ask for is 4 h, see http.h. */
static const cw_time job_max = 48 * CW_HOUR;
enum { STEPS_MAX = 100 * 1000 }; /* of one job: some hundred pages */

/* --- starting and killing --- */

static bool open_store(struct cw_trial *trial, struct cw_error *err)
{
    char path[sizeof trial->folder + 16];
    snprintf(path, sizeof path, "%s/store.db", trial->folder);
    struct cw_store_config config = { .uri = path, .create = true, .clock = cw_loop_clock(trial->loop) };
    trial->store = cw_store_open(&config, trial->loop, err);
    return trial->store != NULL;
}

static void print_line(void *arg, struct cw_slice line)
{
    struct cw_trial *trial = arg;
    if (trial->config.print != NULL)
        trial->config.print(trial->config.arg, line);
}

static bool open_session(struct cw_trial *trial, bool is_dry, struct cw_error *err)
{
    struct cw_session_config config = { .site = trial->site,
                                        .loop = trial->loop,
                                        .transport = trial->transport,
                                        .store = trial->store,
                                        .cart = trial->config.cart,
                                        .seed = trial->config.seed,
                                        .dry_run = is_dry,
                                        .who = "test",
                                        .print = print_line,
                                        .inbox = trial->fake != NULL ? cw_trial_inbox : NULL,
                                        .arg = trial };
    trial->is_dry = is_dry;
    trial->session = cw_session_open(&config, err);
    trial->cart = trial->session != NULL ? cw_session_cart(trial->session, trial->config.cart, err) : NULL;
    return trial->cart != NULL;
}

static bool open_site(struct cw_trial *trial, struct cw_error *err)
{
    const struct cw_site *from = trial->config.site;
    if (trial->site_text == NULL)
        return cw_fail(err, CW_USAGE, "the trial was not configured");
    trial->site = cw_site_bare(from->folder, from->home, trial->site_text, cw_loop_clock(trial->loop), err);
    if (trial->site != NULL)
        cw_site_seal(trial->site, (const char *const *)trial->secrets->pdata);
    return trial->site != NULL;
}

bool cw_trial_start(struct cw_trial *trial, bool is_dry, struct cw_error *err)
{
    if (trial->session != NULL && trial->is_dry == is_dry)
        return true;
    cw_trial_stop(trial);
    if (open_site(trial, err) && open_store(trial, err) && open_session(trial, is_dry, err))
        return true;
    cw_trial_stop(trial);
    return false;
}

void cw_trial_stop(struct cw_trial *trial)
{
    struct cw_trial_job *job = &trial->job;
    if (job->handle != NULL)
        job->cancel(job->handle);
    job->handle = NULL;
    cw_session_close(trial->session);
    cw_store_close(trial->store);
    cw_site_free(trial->site);
    trial->session = NULL;
    trial->store = NULL;
    trial->site = NULL;
    trial->cart = NULL;
}

/* Only steps of a job count: what the test itself does in between is no process'. */
void cw_trial_turn_ended(void *arg)
{
    struct cw_trial *trial = arg;
    if (trial->job.handle != NULL && ++trial->steps >= STEPS_MAX)
        cw_loop_stop(trial->loop);
    if (trial->steps_left == 0 || trial->job.handle == NULL || --trial->steps_left > 0)
        return;
    trial->was_killed = true;
    cw_loop_stop(trial->loop);
}

/* --- jobs --- */

void cw_trial_begin_job(struct cw_trial *trial)
{
    struct cw_trial_job *job = &trial->job;
    cw_buffer_clear(&job->text);
    *job = (struct cw_trial_job){ .text = job->text };
    trial->was_killed = false;
    trial->steps = 0;
}

void cw_trial_end_job(struct cw_trial *trial, const struct cw_error *err)
{
    struct cw_trial_job *job = &trial->job;
    job->handle = NULL;
    job->ended = true;
    job->failed = err != NULL;
    if (err != NULL)
        job->err = *err;
    cw_loop_stop(trial->loop);
}

bool cw_trial_wait_job(struct cw_trial *trial, struct cw_error *err)
{
    struct cw_trial_job *job = &trial->job;
    cw_time began = cw_now(cw_loop_clock(trial->loop));
    cw_timer_set(trial->patience, job_max);
    while (!job->ended && !trial->was_killed && trial->steps < STEPS_MAX &&
           cw_now(cw_loop_clock(trial->loop)) - began < job_max)
        cw_loop_run(trial->loop);
    cw_timer_clear(trial->patience);
    if (trial->was_killed) {
        cw_trial_stop(trial);
        return cw_fail(err, CW_CANCELLED, "the process was killed");
    }
    if (!job->ended) {
        cw_trial_stop(trial);
        return cw_fail(err, CW_TIMEOUT,
                       "the job does not end: it went on for %llu steps and %lld s of the shop's time",
                       (unsigned long long)trial->steps,
                       (long long)((cw_now(cw_loop_clock(trial->loop)) - began) / CW_SECOND));
    }
    if (job->failed && err != NULL)
        *err = job->err;
    return !job->failed;
}

/* --- time --- */

bool cw_trial_pass_time(struct cw_trial *trial, cw_time time, struct cw_error *err)
{
    (void)err;
    trial->has_paused = false;
    cw_timer_set(trial->pause, time);
    while (!trial->has_paused)
        cw_loop_run(trial->loop);
    return true;
}
