/* supervisor_slot.c - the places of workers: who fills them, and how soon one that died is replaced. */
#include "engine/supervisor_private.h"

#include <stdlib.h>

#include "base/log.h"

static const cw_time young =
    10 * CW_SECOND; /* a worker that dies sooner died of something that is still there */
enum { PUT_OFF_MOST_S = 30 };

static void on_again(void *arg)
{
    struct slot *slot = arg;
    slot->again_ns = 0;
    slot_fill(slot, slot->last_end);
}

struct slot *slot_create(struct supervisor *supervisor, unsigned number, struct cw_error *err)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a worker");
        return NULL;
    }
    slot->supervisor = supervisor;
    slot->number = number;
    slot->again = cw_timer_create(supervisor->loop, on_again, slot, err);
    if (slot->again == NULL) {
        free(slot);
        return NULL;
    }
    return slot;
}

void slot_free(struct slot *slot)
{
    if (slot->now != NULL)
        slot->now->slot = NULL;
    if (slot->coming != NULL)
        slot->coming->slot = NULL;
    cw_timer_free(slot->again);
    free(slot);
}

/* --- filling --- */

static void log_start(const struct slot *slot, const struct worker *worker, const char *why)
{
    char number[16], pid[16];
    snprintf(number, sizeof number, "%u", slot->number);
    snprintf(pid, sizeof pid, "%d", (int)worker->pid);
    if (why == NULL)
        cw_log_pairs(CW_LOG_INFO, "worker-started", "worker", number, "pid", pid, NULL);
    else
        cw_log_pairs(CW_LOG_INFO, "worker-replaced", "worker", number, "pid", pid, "why", why, "blamed",
                     worker->blame.cart, NULL);
}

/* That of this slot goes first; one whose own slot is filled already is told by whoever starts next. */
static struct blame *find_blame(struct slot *slot)
{
    struct supervisor *supervisor = slot->supervisor;
    if (slot->blame.cart[0] != '\0')
        return &slot->blame;
    for (size_t i = 0; i < supervisor->slot_count; i++) {
        struct slot *other = supervisor->slots[i];
        if (other->blame.cart[0] != '\0' && (other->now != NULL || other->coming != NULL))
            return &other->blame;
    }
    return &slot->blame;
}

static struct worker *start(struct slot *slot, const char *why, struct cw_error *err)
{
    struct blame *blame = find_blame(slot);
    cw_timer_clear(slot->again);
    slot->again_ns = 0;
    struct worker *worker = worker_start(slot, blame, err);
    if (worker == NULL)
        return NULL;
    *blame = (struct blame){ 0 };
    log_start(slot, worker, why);
    return worker;
}

bool slot_fill_beside(struct slot *slot, const char *why, struct cw_error *err)
{
    slot->coming = start(slot, why, err);
    return slot->coming != NULL;
}

/* 0 the first time, and a second time for a death inside a script: then the cart is stopped, and it cannot
 * happen again. Else 1 s, 2 s, 4 s, ... */
static cw_time put_off(const struct slot *slot)
{
    unsigned free_of_charge = slot->blame.cart[0] != '\0' ? 2 : 1;
    if (slot->failures <= free_of_charge)
        return 0;
    unsigned doublings = slot->failures - free_of_charge - 1;
    return (doublings < 5 ? 1u << doublings : PUT_OFF_MOST_S) * CW_SECOND;
}

static void fill_later(struct slot *slot, cw_time delay)
{
    char number[16], seconds[16], failures[16];
    snprintf(number, sizeof number, "%u", slot->number);
    snprintf(seconds, sizeof seconds, "%d", (int)(delay / CW_SECOND));
    snprintf(failures, sizeof failures, "%u", slot->failures);
    cw_log_pairs(CW_LOG_WARNING, "worker-put-off", "worker", number, "seconds", seconds, "failures", failures,
                 "why", slot->last_end, NULL);
    slot->again_ns = elapsed(slot->supervisor) + delay * 1000;
    cw_timer_set(slot->again, delay);
}

void slot_fill_again(struct slot *slot)
{
    cw_time delay = put_off(slot);
    slot->restarts++;
    if (delay > 0)
        fill_later(slot, delay);
    else
        slot_fill(slot, slot->last_end);
}

void slot_fill(struct slot *slot, const char *why)
{
    struct cw_error err = { 0 };
    slot->now = start(slot, why, &err);
    if (slot->now != NULL)
        return;
    slot->failures += slot->failures == 0 ? 2 : 1; /* trying again at once would fail for the same reason */
    snprintf(slot->last_end, sizeof slot->last_end, "%.*s", HOW_MAX - 1, err.text);
    if (slot->missing_since_ns == 0)
        slot->missing_since_ns = elapsed(slot->supervisor);
    fill_later(slot, put_off(slot));
}

/* --- what becomes of workers --- */

static void log_death(const struct worker *worker, const char *how, const char *cart)
{
    char number[16], pid[16], lived[32];
    int64_t lived_ns = elapsed(worker->supervisor) - worker->started_ns;
    snprintf(number, sizeof number, "%u", worker->number);
    snprintf(pid, sizeof pid, "%d", (int)worker->pid);
    snprintf(lived, sizeof lived, "%.1f", (double)lived_ns / 1e9);
    cw_log_pairs(CW_LOG_ERROR, "worker-died", "worker", number, "pid", pid, "how", how, "cart", cart,
                 "lived_s", lived, NULL);
}

static void keep_blame(struct slot *slot, const struct worker *worker, const char *how)
{
    struct blame own = { 0 };
    cw_pulse_cart(worker->page->pulse, own.cart);
    if (own.cart[0] == '\0')
        own = worker->blame; /* told, but perhaps not yet written down */
    else
        snprintf(own.how, sizeof own.how, "%s", how);
    if (own.cart[0] != '\0')
        slot->blame = own;
}

static bool died_young(const struct worker *worker)
{
    return elapsed(worker->supervisor) - worker->started_ns < young * 1000;
}

bool slot_worker_ended(struct slot *slot, const struct worker *worker, const char *how)
{
    bool was_coming = slot->coming == worker;
    char cart[CW_PULSE_CART_MAX];
    cw_pulse_cart(worker->page->pulse, cart);
    log_death(worker, how, cart);
    slot->supervisor->died++;
    *(was_coming ? &slot->coming : &slot->now) = NULL;
    keep_blame(slot, worker, how);
    snprintf(slot->last_end, sizeof slot->last_end, "%s", how);
    if (slot->now != NULL || slot->coming != NULL) /* the other one is there */
        return false;
    slot->failures = died_young(worker) ? slot->failures + 1 : 0;
    if (slot->missing_since_ns == 0)
        slot->missing_since_ns = elapsed(slot->supervisor);
    return true;
}

/* One that comes takes the place of the one that works, which is told to stop by whoever manages the reload.
 */
void slot_worker_ready(struct slot *slot, struct worker *worker)
{
    if (slot->coming == worker) {
        slot->now = worker;
        slot->coming = NULL;
    }
    worker->blame = (struct blame){ 0 }; /* it is in the books */
    slot->missing_since_ns = 0;
}
