/* run_worker.c - one worker process: opens what it needs, gives up what it does not, and works until it is
 * told to stop. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/run.h"
#include "engine/holder.h"
#include "engine/inbox_watches.h"
#include "engine/supervisor.h"
#include "engine/webhooks.h"
#include "engine/worker.h"

struct working {
    struct cw_cli *cli;
    struct cw_worker *worker;
    struct cw_webhooks *webhooks;
    struct cw_inbox_watches *inboxes;
    struct cw_pulse *pulse;
    char holder[CW_HOLDER_MAX];
    bool has_webhooks; /* the supervisor gave a socket for them */
    bool failed;
};

static void stopped(void *arg, const struct cw_error *err)
{
    struct working *working = arg;
    if (err != NULL) {
        cw_log_pairs(CW_LOG_ERROR, "worker-gives-up", "error", err->text, NULL);
        working->failed = true;
    }
    cw_loop_stop(working->cli->loop);
}

static void stop(void *arg, int number, int events)
{
    struct working *working = arg;
    (void)number, (void)events;
    cw_webhooks_close(working->webhooks);
    working->webhooks = NULL;
    cw_inbox_watches_close(working->inboxes);
    working->inboxes = NULL;
    cw_worker_stop(working->worker);
}

static struct cw_session *session_of(void *arg, const char *cart, struct cw_error *err)
{
    return cw_worker_session(((struct working *)arg)->worker, cart, err);
}

static void release_session(void *arg, const char *cart)
{
    cw_worker_release(((struct working *)arg)->worker, cart);
}

/* One of the site's workers does; which of the machines has the folders is theirs to know. */
static void watch_inboxes(struct working *working, const struct cw_cli_run *run)
{
    const struct cw_inbox_watches_config config = { .loop = working->cli->loop,
                                                    .store = working->cli->store,
                                                    .session = session_of,
                                                    .release = release_session,
                                                    .arg = working };
    GPtrArray *carts = cw_cli_inbox_values(run->inboxes, "inbox");
    if (run->worker == 1 && carts->len > 1)
        working->inboxes = cw_inbox_watches_open(&config, (const char *const *)carts->pdata);
    g_ptr_array_free(carts, TRUE);
}

static bool confine(const struct cw_cli *cli, const struct cw_cli_run *run, struct cw_error *err)
{
    GPtrArray *drops = cw_cli_inbox_values(run->inboxes, "drop");
    bool ok = cw_cli_confine(cli, (const char *const *)drops->pdata, err);
    g_ptr_array_free(drops, TRUE);
    return ok;
}

static void turn_begins(void *arg)
{
    cw_pulse_begin(arg);
}

static void turn_ends(void *arg)
{
    cw_pulse_end(arg);
}

static bool begin_work(struct working *working, struct cw_error *err)
{
    struct cw_cli *cli = working->cli;
    const struct cw_worker_config config = { .site = cli->site,
                                             .loop = cli->loop,
                                             .transport = cli->transport,
                                             .store = cli->store,
                                             .holder = working->holder,
                                             .pulse = working->pulse,
                                             .lease_time = cli->site->config.run.lease,
                                             .seed = cw_random_system_seed(),
                                             .stopped = stopped,
                                             .arg = working };
    working->worker = cw_worker_start(&config, err);
    if (working->worker == NULL || !working->has_webhooks)
        return working->worker != NULL;
    const struct cw_webhooks_config webhooks = { .loop = cli->loop,
                                                 .store = cli->store,
                                                 .session = session_of,
                                                 .release = release_session,
                                                 .arg = working,
                                                 .holder = working->holder,
                                                 .metrics = working->pulse->metrics };
    working->webhooks = cw_webhooks_open(&webhooks, CW_SUPERVISED_WEBHOOKS_FD, err);
    return working->webhooks != NULL;
}

/* "CART:HOW", of the worker before this one. */
static bool blame(struct working *working, const char *died, struct cw_error *err)
{
    char *cart = g_strdup(died);
    char *how = strrchr(cart, ':');
    bool ok = true;
    if (how != NULL) {
        *how++ = '\0';
        ok = cw_worker_blame(working->cli->store, cart, how, cw_now(cw_loop_clock(working->cli->loop)), err);
    }
    g_free(cart);
    return ok;
}

static bool work(struct working *working, const struct cw_cli_run *run, struct cw_error *err)
{
    struct cw_cli *cli = working->cli;
    struct cw_watch *signals[2] = { NULL };
    if (run->died != NULL && !blame(working, run->died, err))
        return false;
    if (!cw_holder_release_dead(cli->store, err) || !confine(cli, run, err) || !begin_work(working, err))
        return false;
    watch_inboxes(working, run);
    signals[0] = cw_watch_signal(cli->loop, SIGTERM, stop, working, err);
    signals[1] = cw_watch_signal(cli->loop, SIGINT, stop, working, err);
    bool ok = signals[0] != NULL && signals[1] != NULL;
    if (ok) {
        cw_loop_watch_turns(cli->loop, (struct cw_turns){ turn_begins, turn_ends, working->pulse });
        cw_pulse_set_ready(working->pulse);
        cw_pulse_end(working->pulse);
        cw_loop_run(cli->loop);
    }
    cw_watch_free(signals[0]);
    cw_watch_free(signals[1]);
    return ok;
}

int cw_cli_run_worker(struct cw_cli *cli, const struct cw_cli_run *run)
{
    /* Asked before anything is opened, which would get that number where there is no such socket. */
    struct working working = { .cli = cli, .has_webhooks = fcntl(CW_SUPERVISED_WEBHOOKS_FD, F_GETFD) >= 0 };
    struct cw_error err;
    int pulse_fd = CW_SUPERVISED_PULSE_FD;
    working.pulse = cw_pulse_open(pulse_fd, CW_SUPERVISED_WAKE_FD, &err);
    cw_holder_name(working.holder);
    if (working.pulse == NULL) {
        cw_fail_in(&err, "--worker is for the supervisor, which cartwright run starts");
        return cw_cli_fail(cli, &err);
    }
    if (!cw_cli_open(cli, CW_CLI_STORE | CW_CLI_NETWORK)) {
        working.failed = true;
    } else if (!work(&working, run, &err)) {
        cw_log_pairs(CW_LOG_ERROR, "worker-failed", "error", err.text, NULL);
        working.failed = true;
    }
    cw_webhooks_close(working.webhooks);
    cw_inbox_watches_close(working.inboxes);
    cw_worker_free(working.worker);
    cw_cli_close(cli);
    cw_pulse_close(working.pulse);
    return working.failed ? 1 : 0;
}
