/* outbox_brake.c - a run that would change too much of what the cart shows stops its stream, and says so. */
#include "engine/outbox_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/outbox_brake.h"

static const cw_time looked_back = CW_HOUR;

/* --- figures --- */

bool cw_outbox_brake_trips(const struct cw_out_brake *brake, bool has_zeros, int64_t approved,
                           const struct cw_level_changes *changes)
{
    uint64_t all = changes->queued + changes->sent, zeros = changes->queued_zeros + changes->sent_zeros;
    if (!brake->is_on || changes->queued == 0)
        return false;
    if (changes->known == 0 && approved == 0)
        return true;
    if (has_zeros && changes->queued_zeros > 0 && zeros > brake->zeros)
        return true;
    return all >= brake->least && all * 100 > changes->known * brake->share_percent;
}

static size_t put_figures(const struct cw_out_brake *brake, enum cw_out out,
                          const struct cw_level_changes *changes, char words[CW_ERROR_TEXT_MAX])
{
    const char *what = out == CW_OUT_STOCK ? "quantities" : "prices";
    uint64_t zeros = changes->queued_zeros + changes->sent_zeros;
    char to_zero[80] = "";
    if (out == CW_OUT_STOCK && (zeros > 0 || changes->known > 0))
        snprintf(to_zero, sizeof to_zero, ", %" PRIu64 " set to 0 (allowed: %u)", zeros, brake->zeros);
    int len =
        changes->known == 0
            ? snprintf(words, CW_ERROR_TEXT_MAX, "would set %" PRIu64 " %s for the first time%s",
                       changes->queued, what, to_zero)
            : snprintf(words, CW_ERROR_TEXT_MAX,
                       "would make it %" PRIu64 " changes within an hour, of %" PRIu64
                       " %s that the cart knows (allowed: %u %%)%s",
                       changes->queued + changes->sent, changes->known, what, brake->share_percent, to_zero);
    return (size_t)len;
}

size_t cw_outbox_brake_words(const struct cw_out_brake *brake, enum cw_out out, const char *cart,
                             const struct cw_level_changes *changes, char words[CW_ERROR_TEXT_MAX])
{
    const char *stream = cw_out_name(out);
    bool compares = out == CW_OUT_STOCK && changes->known == 0;
    size_t len = put_figures(brake, out, changes, words);
    snprintf(words + len, CW_ERROR_TEXT_MAX - len,
             "%s%s; look at them with: cartwright list messages %s --stream %s --state queued; to let them "
             "go: cartwright start %s %s --reason TEXT",
             compares ? "; beside what the cart has: cartwright stock compare " : "", compares ? cart : "",
             cart, stream, cart, stream);
    return len;
}

/* --- in a run --- */

static const struct cw_out_brake *brake_of(const struct cw_outbox_run *run)
{
    if (run->out == CW_OUT_STOCK)
        return &run->config->stock.brake;
    return run->out == CW_OUT_PRICES ? &run->config->prices.brake : NULL;
}

static void stream_stopped(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    struct cw_error why;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
        return;
    }
    cw_log_pairs(CW_LOG_ERROR, "brake", "cart", run->cart->name, "stream", cw_out_name(run->out), "why",
                 run->message, NULL);
    cw_fail(&why, CW_REFUSED, "the stream is stopped: it %s", run->message);
    cw_outbox_end(run, &why);
}

static void put_held(struct cw_outbox_run *run)
{
    char key[64], held[CW_ERROR_TEXT_MAX + 24];
    cw_outbox_held_key(run->out, key);
    snprintf(held, sizeof held, "%" PRId64 " %.*s", run->counted_until, (int)run->figures_len, run->message);
    cw_txn_put_state(run->txn, run->run.cart, cw_slice(key), cw_slice(held));
}

static void stop_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
        return;
    }
    cw_time now = cw_outbox_now(run);
    const struct cw_control control = { .cart = run->run.cart,
                                        .stream = run->run.stream,
                                        .is_stopped = true,
                                        .why = cw_slice(run->message),
                                        .who = cw_slice("brake"),
                                        .at = now };
    char object[200];
    snprintf(object, sizeof object, "%s %s", run->cart->name, cw_out_name(run->out));
    cw_txn_put_control(txn, &control);
    put_held(run);
    cw_txn_audit(txn, control.who, cw_slice("stop"), cw_slice(object), (struct cw_slice){ "", 0 },
                 cw_slice("stopped"), control.why, now);
    cw_outbox_commit(run, stream_stopped);
}

/* Up to what was approved, whatever came behind it, and then counts again. */
static void let_go(struct cw_outbox_run *run)
{
    run->let_go = run->counted_until = run->approved;
    run->has_claimed = true;
    cw_outbox_go_on(run, cw_outbox_send);
}

static void stop(struct cw_outbox_run *run, const struct cw_level_changes *changes)
{
    run->counted_until = changes->newest;
    run->figures_len = cw_outbox_brake_words(brake_of(run), run->out, run->cart->name, changes, run->message);
    cw_outbox_begin_txn(run, stop_ready);
}

static void counted(void *arg, const struct cw_level_changes *changes, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
    } else if (cw_outbox_brake_trips(brake_of(run), run->out == CW_OUT_STOCK, run->approved, changes)) {
        if (run->approved > run->let_go)
            let_go(run);
        else
            stop(run, changes);
    } else if (changes->newest == 0) {
        cw_outbox_rest(run, CW_TIME_NONE);
    } else {
        run->counted_until = changes->newest;
        run->has_claimed = false;
        cw_outbox_go_on(run, cw_outbox_send);
    }
}

static void approved_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        cw_outbox_end(run, err);
        return;
    }
    run->approved = 0;
    for (size_t i = 0; i < value.len && i < 18 && value.data[i] >= '0' && value.data[i] <= '9'; i++)
        run->approved = run->approved * 10 + (value.data[i] - '0');
    run->in_store = true;
    cw_store_count_levels(cw_outbox_store(run), run->run.cart, run->run.stream,
                          cw_outbox_now(run) - looked_back, run->approved, counted, run);
}

void cw_outbox_brake(void *arg)
{
    struct cw_outbox_run *run = arg;
    char key[64];
    const struct cw_out_brake *brake = brake_of(run);
    if (brake == NULL || !brake->is_on) {
        cw_outbox_send(run);
        return;
    }
    cw_outbox_approved_key(run->out, key);
    run->in_store = true;
    cw_store_get_state(cw_outbox_store(run), run->run.cart, cw_slice(key), approved_read, run);
}
