/* store_outbox.c - the part of the store's front that is about messages to carts, see store.h. */
#include "adapters/store_outbox.h"
#include "adapters/store_engine.h"

/* --- what callers give --- */

static bool is_stream(struct cw_slice cart, struct cw_slice stream, struct cw_error *err)
{
    return cw_store_is_name(cart, "the cart's name", err) &&
           cw_store_is_name(stream, "the stream's name", err);
}

static bool is_message(const struct cw_message *message, struct cw_error *err)
{
    return is_stream(message->key.cart, message->key.stream, err) &&
           cw_store_is_name(message->key.external_id, "the message's key", err) &&
           cw_store_fits(message->lane, "the message's lane", err) &&
           cw_store_fits(message->event, "the message's event", err) &&
           cw_store_fits(message->payload, "the message", err);
}

static bool are_limits(const struct cw_outbox_limits *limits, struct cw_error *err)
{
    return (limits->threshold > 0 && limits->batch > 0) ||
           cw_fail(err, CW_USAGE, "messages are sent in batches of 1 at least, from a threshold of 1 on");
}

/* Sending is what claiming makes of a message. */
static bool is_settlement(const struct cw_settlement *settlement, struct cw_error *err)
{
    if (settlement->state == CW_MESSAGE_SENDING)
        return cw_fail(err, CW_USAGE, "message %lld becomes sending when it is claimed, not by a settlement",
                       (long long)settlement->id);
    return cw_store_fits(settlement->answer, "the cart's answer", err) &&
           cw_store_fits(settlement->error, "the message's error", err);
}

bool cw_outbox_fail_settled(const struct cw_settlement *settlement, struct cw_slice is, struct cw_error *err)
{
    const char *was = cw_message_state_name(settlement->was);
    if (is.len == 0)
        return cw_fail(
            err, CW_CONFLICT,
            "message %lld is not %s any more, or not there: somebody else has settled it meanwhile",
            (long long)settlement->id, was);
    return cw_fail(err, CW_CONFLICT, "message %lld is %.*s, not %s: somebody else has settled it meanwhile",
                   (long long)settlement->id, CW_SLICE_ARG(is), was);
}

/* --- calls --- */

bool cw_txn_put_message(struct cw_txn *txn, const struct cw_message *message)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_message(message, &err) && txn->store->engine->put_message(txn, message, &err);
    return cw_store_settle(txn, ok, message->key.external_id, &err);
}

bool cw_txn_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                          struct cw_slice external_id)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_stream(cart, stream, &err) && cw_store_fits(external_id, "the message's key", &err) &&
              txn->store->engine->forget_levels(txn, cart, stream, external_id, &err);
    return cw_store_settle(txn, ok, external_id, &err);
}

bool cw_txn_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                      struct cw_slice why)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_stream(key->cart, key->stream, &err) &&
              cw_store_fits(key->external_id, "the message's key", &err) &&
              cw_store_fits(event, "the message's event", &err) && cw_store_fits(why, "the reason", &err) &&
              txn->store->engine->take_back(txn, key, event, why, &err);
    return cw_store_settle(txn, ok, key->external_id, &err);
}

bool cw_txn_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_stream(cart, stream, &err) && txn->store->engine->wake_sender(txn, cart, stream, at, &err);
    return cw_store_settle(txn, ok, cart, &err);
}

void cw_txn_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                           const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg)
{
    struct cw_error err;
    if (!txn->lost)
        cw_store_settle(txn, is_stream(cart, stream, &err) && are_limits(limits, &err), cart, &err);
    if (txn->lost)
        claimed(arg, NULL, 0, CW_TIME_NONE, &txn->error);
    else
        txn->store->engine->claim_messages(txn, cart, stream, now, limits, claimed, arg);
}

bool cw_txn_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_settlement(settlement, &err) && txn->store->engine->settle_message(txn, settlement, &err);
    return cw_store_settle(txn, ok, (struct cw_slice){ "", 0 }, &err);
}

bool cw_txn_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time due_at)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok =
        is_stream(cart, stream, &err) && txn->store->engine->orphan_messages(txn, cart, stream, due_at, &err);
    return cw_store_settle(txn, ok, cart, &err);
}

void cw_store_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                            cw_message_fn *message, cw_store_done_fn *done, void *arg)
{
    store->engine->read_messages(store, filter, message, done, arg);
}

void cw_store_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                           cw_time since, int64_t approved, cw_level_changes_fn *counted, void *arg)
{
    struct cw_error err;
    if (is_stream(cart, stream, &err))
        store->engine->count_levels(store, cart, stream, since, approved, counted, arg);
    else
        counted(arg, NULL, &err);
}
