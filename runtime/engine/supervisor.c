/* supervisor.c - see supervisor.h: from the first question to the last worker's end. */
#include "engine/supervisor_private.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/notify.h"
#include "base/log.h"

/* --- what the manager and the log are told --- */

static unsigned count_ready(const struct supervisor *supervisor)
{
    unsigned ready = 0;
    for (size_t i = 0; i < supervisor->slot_count; i++)
        ready += supervisor->slots[i]->now != NULL && supervisor->slots[i]->now->is_ready;
    return ready;
}

void supervisor_tell_state(struct supervisor *supervisor)
{
    unsigned ready = count_ready(supervisor);
    if (supervisor->phase != RUNNING)
        return;
    cw_notify("STATUS=%u of %zu workers are ready", ready, supervisor->slot_count);
    if (supervisor->is_ready_told || ready < supervisor->slot_count)
        return;
    supervisor->is_ready_told = true;
    cw_notify("READY=1");
    cw_log_pairs(CW_LOG_INFO, "ready", NULL);
}

static void log_worker(const struct worker *worker)
{
    char number[16], pid[16], since[CW_TIME_TEXT_MAX], busy[32], restarts[16], cart[CW_PULSE_CART_MAX];
    int64_t busy_ns = worker_busy_ns(worker);
    snprintf(number, sizeof number, "%u", worker->number);
    snprintf(pid, sizeof pid, "%d", (int)worker->pid);
    snprintf(busy, sizeof busy, "%.3f", (double)busy_ns / 1e9);
    snprintf(restarts, sizeof restarts, "%u", worker->slot != NULL ? worker->slot->restarts : 0);
    cw_time_iso(worker->started_at, since);
    cw_pulse_cart(worker->page->pulse, cart);
    const char *state = worker->slot == NULL ? "stopping"
                        : !worker->is_ready  ? "starting"
                        : busy_ns == 0       ? "at rest"
                                             : "busy";
    cw_log_pairs(CW_LOG_INFO, "worker-state", "worker", number, "pid", pid, "state", state, "since", since,
                 "busy_s", busy, "cart", cart, "restarts", restarts, NULL);
}

static void log_missing(const struct slot *slot)
{
    char number[16], restarts[16], seconds[32];
    snprintf(number, sizeof number, "%u", slot->number);
    snprintf(restarts, sizeof restarts, "%u", slot->restarts);
    snprintf(seconds, sizeof seconds, "%.1f", (double)(slot->again_ns - elapsed(slot->supervisor)) / 1e9);
    cw_log_pairs(CW_LOG_INFO, "worker-state", "worker", number, "state", "put off", "seconds", seconds, "why",
                 slot->last_end, "restarts", restarts, NULL);
}

static void log_state(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->slot_count; i++)
        if (supervisor->slots[i]->again_ns != 0)
            log_missing(supervisor->slots[i]);
    for (const struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
        log_worker(worker);
}

static void on_watchdog(void *arg)
{
    struct supervisor *supervisor = arg;
    cw_notify("WATCHDOG=1");
    cw_timer_set(supervisor->watchdog, cw_notify_watchdog() / 2);
}

/* --- beginning --- */

static bool fill_slots(struct supervisor *supervisor, struct cw_error *err)
{
    while (supervisor->slot_count < supervisor->settings.workers) {
        struct slot *slot = slot_create(supervisor, (unsigned)supervisor->slot_count + 1, err);
        if (slot == NULL)
            return false;
        supervisor->slots[supervisor->slot_count++] = slot;
        slot_fill(slot, NULL);
    }
    return true;
}

static void give_up(struct supervisor *supervisor, const struct cw_error *err)
{
    if (err != NULL)
        cw_log_pairs(CW_LOG_ERROR, "not-started", "error", err->text, NULL);
    supervisor->result = 1;
    cw_loop_stop(supervisor->loop);
}

static void begin(struct supervisor *supervisor, const struct settings *settings)
{
    struct cw_error err = { 0 };
    if (settings == NULL) {
        give_up(supervisor, NULL);
        return;
    }
    supervisor->settings = *settings;
    if (!supervisor_serve(supervisor, settings->metrics, &err) ||
        !supervisor_take_webhooks(supervisor, settings->webhooks, &err) || !fill_slots(supervisor, &err)) {
        give_up(supervisor, &err);
        return;
    }
    supervisor->phase = RUNNING;
    supervisor_tell_state(supervisor);
    if (supervisor->reload_again)
        reload_begin(supervisor);
}

/* --- ending --- */

static void stop_when_empty(struct supervisor *supervisor)
{
    if (supervisor->workers != NULL || supervisor->question.pid > 0)
        return;
    cw_log_pairs(CW_LOG_INFO, "stopped", NULL);
    cw_loop_stop(supervisor->loop);
}

static void kill_all(struct supervisor *supervisor)
{
    for (struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
        worker_kill(worker);
}

static void begin_stop(struct supervisor *supervisor)
{
    cw_notify("STOPPING=1\nSTATUS=waiting for the pages in hand");
    cw_log_pairs(CW_LOG_INFO, "stopping", NULL);
    supervisor->phase = STOPPING;
    supervisor->reload = NO_RELOAD;
    supervisor_settings_cancel(supervisor);
    while (supervisor->slot_count > 0)
        slot_free(supervisor->slots[--supervisor->slot_count]);
    for (struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
        worker_stop(worker);
    stop_when_empty(supervisor);
}

/* --- events --- */

void supervisor_settings_told(struct supervisor *supervisor, const struct settings *settings)
{
    if (settings != NULL && !supervisor->config->log_is_set)
        cw_log_set_style(settings->json ? CW_LOG_JSON : CW_LOG_LOGFMT);
    if (supervisor->phase == STOPPING)
        stop_when_empty(supervisor);
    else if (supervisor->phase == BEGINNING)
        begin(supervisor, settings);
    else
        reload_checked(supervisor, settings);
}

void supervisor_worker_ready(struct worker *worker)
{
    struct supervisor *supervisor = worker->supervisor;
    struct slot *slot = worker->slot;
    if (slot == NULL)
        return;
    struct worker *before = slot->coming == worker ? slot->now : NULL;
    bool comes = slot->coming == worker;
    slot_worker_ready(slot, worker);
    if (comes)
        reload_worker_ready(supervisor, before);
    supervisor_tell_state(supervisor);
}

static struct worker *find_worker(const struct supervisor *supervisor, pid_t pid)
{
    struct worker *worker = supervisor->workers;
    while (worker != NULL && worker->pid != pid)
        worker = worker->next;
    return worker;
}

static void describe_end(const struct worker *worker, const struct cw_ended *ended, char out[HOW_MAX])
{
    if (worker->is_hung)
        snprintf(out, HOW_MAX, "stayed in one callback for too long and was killed");
    else
        cw_ended_describe(ended, out, HOW_MAX);
}

static void on_worker_ended(struct supervisor *supervisor, struct worker *worker, const char *how)
{
    struct slot *slot = worker->slot;
    bool came = slot != NULL && slot->coming == worker;
    bool made_room = supervisor->reload == ROLLING && supervisor->roll_waits == worker;
    bool is_empty = slot != NULL && slot_worker_ended(slot, worker, how);
    worker_free(worker);
    if (is_empty)
        slot_fill_again(slot);
    if (made_room)
        reload_go_on(supervisor);
    if (came)
        reload_failed(supervisor, "the first worker with the new site ended before it was ready");
    supervisor_tell_state(supervisor);
    if (supervisor->phase == STOPPING)
        stop_when_empty(supervisor);
}

static void on_ended(void *arg, const struct cw_ended *ended)
{
    struct supervisor *supervisor = arg;
    struct worker *worker = find_worker(supervisor, ended->pid);
    char how[HOW_MAX];
    if (worker == NULL) {
        supervisor_settings_ended(supervisor, ended);
        return;
    }
    describe_end(worker, ended, how);
    on_worker_ended(supervisor, worker, how);
}

static void on_told(void *arg, int number)
{
    struct supervisor *supervisor = arg;
    if (number == SIGUSR1)
        log_state(supervisor);
    else if (number == SIGHUP && supervisor->phase == BEGINNING)
        supervisor->reload_again = true;
    else if (number == SIGHUP && supervisor->phase == RUNNING)
        reload_begin(supervisor);
    else if (number == SIGTERM || number == SIGINT) {
        if (supervisor->phase == STOPPING)
            kill_all(supervisor);
        else
            begin_stop(supervisor);
    }
}

static void on_look(void *arg)
{
    workers_look(arg);
}

/* --- life --- */

static void close_supervisor(struct supervisor *supervisor)
{
    while (supervisor->slot_count > 0)
        slot_free(supervisor->slots[--supervisor->slot_count]);
    while (supervisor->workers != NULL)
        worker_free(supervisor->workers);
    pages_free(supervisor);
    supervisor_settings_free(supervisor);
    cw_http_server_close(supervisor->http);
    if (supervisor->webhooks >= 0)
        close(supervisor->webhooks);
    cw_buffer_fini(&supervisor->answer);
    cw_timer_free(supervisor->look);
    cw_timer_free(supervisor->watchdog);
    supervisor->processes->unwatch(supervisor->events);
    free(supervisor);
}

static bool open_timers(struct supervisor *supervisor, struct cw_error *err)
{
    cw_time patience = cw_notify_watchdog();
    supervisor->look = cw_timer_create(supervisor->loop, on_look, supervisor, err);
    supervisor->watchdog = cw_timer_create(supervisor->loop, on_watchdog, supervisor, err);
    if (supervisor->look == NULL || supervisor->watchdog == NULL)
        return false;
    if (patience > 0)
        cw_timer_set(supervisor->watchdog, patience / 2);
    return true;
}

static struct supervisor *create_supervisor(const struct cw_supervisor_config *config, struct cw_error *err)
{
    struct supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (supervisor == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a supervisor");
        return NULL;
    }
    supervisor->config = config;
    supervisor->loop = config->loop;
    supervisor->clock = cw_loop_clock(config->loop);
    supervisor->processes = config->processes;
    supervisor->started_at = cw_now(supervisor->clock);
    supervisor->question.pipe = supervisor->webhooks = -1;
    return supervisor;
}

static bool open_supervisor(struct supervisor *supervisor, struct cw_error *err)
{
    const struct cw_process_events events = { on_ended, on_told, supervisor };
    supervisor->events =
        supervisor->processes->watch(supervisor->processes->arg, supervisor->loop, &events, err);
    return supervisor->events != NULL && open_timers(supervisor, err) &&
           supervisor_settings_ask(supervisor, err);
}

int cw_supervisor_run(const struct cw_supervisor_config *config)
{
    struct cw_error err = { 0 };
    struct supervisor *supervisor = create_supervisor(config, &err);
    int result = 1;
    if (supervisor != NULL && open_supervisor(supervisor, &err)) {
        cw_loop_run(supervisor->loop);
        result = supervisor->result;
    } else
        cw_log_pairs(CW_LOG_ERROR, "not-started", "error", err.text, NULL);
    if (supervisor != NULL)
        close_supervisor(supervisor);
    return result;
}
