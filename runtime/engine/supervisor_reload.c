/* supervisor_reload.c - HUP: the site is checked anew, then its workers are replaced one by one. */
#include "engine/supervisor_private.h"

#include <time.h>

#include "adapters/notify.h"
#include "base/log.h"

static const char *const reason = "the site was read anew";

/* The manager measures by CLOCK_MONOTONIC, whatever clock the loop has. */
static void notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    cw_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * CW_SECOND + now.tv_nsec / 1000);
}

static void end_reload(struct supervisor *supervisor)
{
    supervisor->reload = NO_RELOAD;
    supervisor->roll_waits = NULL;
    if (supervisor->phase != RUNNING)
        return;
    if (supervisor->reload_again) {
        reload_begin(supervisor);
        return;
    }
    if (supervisor->is_ready_told)
        cw_notify("READY=1");
    supervisor_tell_state(supervisor);
}

void reload_failed(struct supervisor *supervisor, const char *why)
{
    cw_log_pairs(CW_LOG_ERROR, "reload-failed", "error", why, NULL);
    end_reload(supervisor);
}

void reload_begin(struct supervisor *supervisor)
{
    struct cw_error err = { 0 };
    supervisor->reload_again = supervisor->reload != NO_RELOAD;
    if (supervisor->reload_again)
        return;
    notify_reloading();
    supervisor->reload = CHECKING;
    if (!supervisor_settings_ask(supervisor, &err))
        reload_failed(supervisor, err.text);
}

/* --- one by one --- */

static void drop_slot(struct supervisor *supervisor)
{
    struct slot *slot = supervisor->slots[--supervisor->slot_count];
    if (slot->now != NULL)
        worker_stop(slot->now);
    if (slot->coming != NULL)
        worker_stop(slot->coming);
    slot_free(slot);
}

static struct slot *roll_slot(struct supervisor *supervisor, struct cw_error *err)
{
    if (supervisor->roll_at < supervisor->slot_count)
        return supervisor->slots[supervisor->roll_at];
    struct slot *slot = slot_create(supervisor, (unsigned)supervisor->roll_at + 1, err);
    if (slot != NULL)
        supervisor->slots[supervisor->slot_count++] = slot;
    return slot;
}

static void roll_next(struct supervisor *supervisor)
{
    struct cw_error err = { 0 };
    if (supervisor->roll_at < supervisor->settings.workers) {
        struct slot *slot = roll_slot(supervisor, &err);
        if (slot != NULL && slot_fill_beside(slot, reason, &err))
            return;
        if (slot != NULL && slot->now == NULL)
            slot_fill(slot, reason);
        reload_failed(supervisor, err.text);
        return;
    }
    while (supervisor->slot_count > supervisor->settings.workers)
        drop_slot(supervisor);
    cw_log_pairs(CW_LOG_INFO, "site-reloaded", NULL);
    end_reload(supervisor);
}

/* --- */

/* An address that cannot be had is no reason to run by the old site. */
static void apply_settings(struct supervisor *supervisor, const struct settings *settings)
{
    struct cw_error err = { 0 };
    if (!supervisor_serve(supervisor, settings->metrics, &err))
        cw_log_pairs(CW_LOG_ERROR, "address-refused", "for", "metrics", "error", err.text, NULL);
    if (!supervisor_take_webhooks(supervisor, settings->webhooks, &err))
        cw_log_pairs(CW_LOG_ERROR, "address-refused", "for", "webhooks", "error", err.text, NULL);
    supervisor->settings = *settings;
}

void reload_checked(struct supervisor *supervisor, const struct settings *settings)
{
    if (settings == NULL) {
        reload_failed(supervisor, "the site is not sound; the workers go on as before");
        return;
    }
    apply_settings(supervisor, settings);
    supervisor->reload = ROLLING;
    supervisor->roll_at = 0;
    roll_next(supervisor);
}

/* The slot's old worker is told to stop, and waited for, so that never more than one is too many. */
void reload_worker_ready(struct supervisor *supervisor, struct worker *before)
{
    supervisor->roll_waits = before;
    if (before != NULL) {
        worker_stop(before);
        return;
    }
    supervisor->roll_at++;
    roll_next(supervisor);
}

void reload_go_on(struct supervisor *supervisor)
{
    supervisor->roll_waits = NULL;
    supervisor->roll_at++;
    roll_next(supervisor);
}
