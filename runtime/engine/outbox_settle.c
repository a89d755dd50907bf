/* outbox_settle.c - what a person says about a message that is unknown, failed or queued. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/outbox.h"

struct settling {
    const struct cw_clock *clock;
    int64_t id;
    enum cw_settle settle;
    struct cw_slice who, reason;
    bool is_there;
    enum cw_message_state was;
    char cart[96], stream[32], about[96];
    bool is_of_order;
    bool ok;
    struct cw_error *err;
};

static bool take(void *arg, const struct cw_message *message)
{
    struct settling *settling = arg;
    settling->is_there = true;
    settling->was = message->state;
    snprintf(settling->cart, sizeof settling->cart, "%.*s", CW_SLICE_ARG(message->key.cart));
    snprintf(settling->stream, sizeof settling->stream, "%.*s", CW_SLICE_ARG(message->key.stream));
    snprintf(settling->about, sizeof settling->about, "%.*s",
             CW_SLICE_ARG(cw_slice_clip(message->key.external_id, sizeof settling->about - 1)));
    settling->is_of_order = message->lane.len >= 6 && memcmp(message->lane.data, "order/", 6) == 0;
    return false;
}

static void done(void *arg, const struct cw_error *err)
{
    struct settling *settling = arg;
    settling->ok = err == NULL;
    if (err != NULL && settling->err != NULL)
        *settling->err = *err;
}

static enum cw_message_state state_of(enum cw_settle settle)
{
    return settle == CW_SETTLE_SENT    ? CW_MESSAGE_SENT
           : settle == CW_SETTLE_AGAIN ? CW_MESSAGE_QUEUED
                                       : CW_MESSAGE_SUPERSEDED;
}

/* What waits behind it in its lane may go, and it may itself. */
static void wake(const struct settling *settling, struct cw_txn *txn, cw_time now)
{
    const enum cw_out of_orders[] = { CW_OUT_SHIPMENTS, CW_OUT_STATUSES };
    cw_txn_wake_sender(txn, cw_slice(settling->cart), cw_slice(settling->stream), now);
    for (size_t i = 0; settling->is_of_order && i < 2; i++)
        if (strcmp(settling->stream, cw_out_name(of_orders[i])) != 0)
            cw_txn_wake_sender(txn, cw_slice(settling->cart), cw_slice(cw_out_name(of_orders[i])), now);
}

static void put(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct settling *settling = arg;
    char object[256], words[400];
    if (err != NULL) {
        done(settling, err);
        return;
    }
    cw_time now = cw_now(settling->clock);
    snprintf(words, sizeof words, "%.*s: %.*s", CW_SLICE_ARG(cw_slice_clip(settling->who, 80)),
             CW_SLICE_ARG(cw_slice_clip(settling->reason, 300)));
    snprintf(object, sizeof object, "%s message %" PRId64 " %s %s", settling->cart, settling->id,
             settling->stream, settling->about);
    const struct cw_settlement settlement = { .id = settling->id,
                                              .was = settling->was,
                                              .state = state_of(settling->settle),
                                              .due_at = now,
                                              .answer = cw_slice(words),
                                              .error = { "", 0 } };
    cw_txn_settle_message(txn, &settlement);
    cw_txn_audit(txn, settling->who, cw_slice("settle"), cw_slice(object),
                 cw_slice(cw_message_state_name(settling->was)),
                 cw_slice(cw_message_state_name(settlement.state)), settling->reason, now);
    wake(settling, txn, now);
    cw_txn_commit(txn, done, settling);
}

static bool may_settle(const struct settling *settling, struct cw_error *err)
{
    if (!settling->is_there)
        return cw_fail(err, CW_NOT_FOUND, "there is no message %" PRId64 "; see: cartwright list messages",
                       settling->id);
    if (settling->was == CW_MESSAGE_UNKNOWN || settling->was == CW_MESSAGE_FAILED ||
        settling->was == CW_MESSAGE_QUEUED)
        return true;
    return cw_fail(err, CW_CONFLICT, "message %" PRId64 " is %s%s, so that nothing is to be decided about it",
                   settling->id, cw_message_state_name(settling->was),
                   settling->was == CW_MESSAGE_SENDING ? " at this moment" : "");
}

bool cw_outbox_settle(struct cw_store *store, const struct cw_clock *clock, int64_t message,
                      enum cw_settle settle, struct cw_slice who, struct cw_slice reason,
                      struct cw_error *err)
{
    struct settling settling = {
        .clock = clock, .id = message, .settle = settle, .who = who, .reason = reason, .err = err
    };
    const struct cw_message_filter filter = {
        .cart = { "", 0 }, .stream = { "", 0 }, .id = message, .due_until = CW_TIME_NONE
    };
    cw_store_read_messages(store, &filter, take, done, &settling);
    cw_store_wait(store);
    if (!settling.ok || !may_settle(&settling, err))
        return false;
    cw_txn_begin(store, (struct cw_fence){ 0 }, put, &settling);
    cw_store_wait(store);
    return settling.ok;
}
