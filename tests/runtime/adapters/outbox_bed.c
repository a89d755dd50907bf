/* outbox_bed.c - see outbox_bed.h. */
#include "outbox_bed.h"

#include <stdio.h>

/* --- messages --- */

struct cw_message level_of(const char *key, const char *payload)
{
    static char lanes[8][64];
    static int next;
    char *lane = lanes[next++ % 8];
    snprintf(lane, sizeof lanes[0], "stock_out/%s", key);
    return (struct cw_message){ .key = { cw_slice("shop"), cw_slice("stock_out"), cw_slice(key) },
                                .lane = cw_slice(lane),
                                .payload = cw_slice(payload),
                                .due_at = CW_TIME_NONE };
}

struct cw_message event_of(const char *event, const char *lane, const char *payload)
{
    return (struct cw_message){ .key = { cw_slice("shop"), cw_slice("shipments_out"), cw_slice("101") },
                                .lane = cw_slice(lane),
                                .event = cw_slice(event),
                                .payload = cw_slice(payload),
                                .due_at = CW_TIME_NONE };
}

void put(struct store_bed *bed, const struct cw_message *message)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_message(txn, message));
    commit(txn);
}

void put_level(struct store_bed *bed, const char *key, const char *payload)
{
    const struct cw_message message = level_of(key, payload);
    put(bed, &message);
}

void put_event(struct store_bed *bed, const char *event, const char *lane, const char *payload)
{
    const struct cw_message message = event_of(event, lane, payload);
    put(bed, &message);
}

void forget(struct store_bed *bed, const char *key)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_forget_levels(txn, cw_slice("shop"), cw_slice("stock_out"), cw_slice(key)));
    commit(txn);
}

void settle_as(struct store_bed *bed, const struct cw_settlement *settlement)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_settle_message(txn, settlement));
    commit(txn);
}

bool try_settle(struct store_bed *bed, int64_t id, enum cw_message_state was, enum cw_message_state state,
                struct cw_error *err)
{
    const struct cw_settlement settlement = { .id = id, .was = was, .state = state, .due_at = CW_TIME_NONE };
    struct cw_txn *txn = begin(bed);
    cw_txn_settle_message(txn, &settlement);
    return try_commit(txn, err);
}

void settle(struct store_bed *bed, int64_t id, enum cw_message_state was, enum cw_message_state state)
{
    struct cw_error err;
    bool ok = try_settle(bed, id, was, state, &err);
    assert_ok(ok, err);
}

void send_level(struct store_bed *bed, const char *key, const char *payload)
{
    put_level(bed, key, payload);
    const struct got_messages *got = claim(bed, 1, 1);
    assert_int_equal(got->count, 1);
    settle(bed, got->first.id, CW_MESSAGE_SENDING, CW_MESSAGE_SENT);
}

void force_state(struct store_bed *bed, int64_t id, enum cw_message_state state)
{
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE messages SET state = '%s' WHERE id = %lld",
             cw_message_state_name(state), (long long)id);
    store_bed_execute(bed, sql);
}

/* --- claims --- */

void take_messages(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                   const struct cw_error *err)
{
    struct got_messages *got = arg;
    assert_ok(err == NULL, *err);
    size_t len = 0;
    got->calls++;
    got->count = count;
    got->next_at = next_at;
    got->ids[0] = '\0';
    for (size_t i = 0; i < count && len < sizeof got->ids - 8; i++) {
        assert_int_equal(messages[i].state, CW_MESSAGE_SENDING);
        assert_int_equal(messages[i].call, messages[0].call);
        len += (size_t)snprintf(got->ids + len, sizeof got->ids - len, i > 0 ? " %lld" : "%lld",
                                (long long)messages[i].id);
    }
    if (count == 0)
        return;
    got->first = messages[0];
    snprintf(got->text, sizeof got->text, "%.*s|%.*s|%.*s", CW_SLICE_ARG(messages[0].key.external_id),
             CW_SLICE_ARG(messages[0].lane), CW_SLICE_ARG(messages[0].payload));
}

const struct got_messages *claim_of(struct store_bed *bed, const char *cart, const char *stream,
                                    unsigned threshold, unsigned batch)
{
    static struct got_messages got;
    const struct cw_outbox_limits limits = { threshold, batch, 0 };
    struct cw_txn *txn = begin(bed);
    got = (struct got_messages){ 0 };
    cw_txn_claim_messages(txn, cw_slice(cart), cw_slice(stream), bed->time.now, &limits, take_messages, &got);
    assert_int_equal(got.calls, 1);
    commit(txn);
    return &got;
}

const struct got_messages *claim(struct store_bed *bed, unsigned threshold, unsigned batch)
{
    const struct got_messages *got = claim_of(bed, "shop", "stock_out", threshold, batch);
    bool is_nothing = got->count == 0 && got->next_at == CW_TIME_NONE;
    return is_nothing ? claim_of(bed, "shop", "shipments_out", threshold, batch) : got;
}

/* --- looking --- */

const char *messages(struct store_bed *bed)
{
    return ask(bed, "SELECT id || ' ' || external_id || ' ' || payload || ' ' || state FROM messages "
                    "ORDER BY id");
}

const char *levels(struct store_bed *bed)
{
    return ask(bed, "SELECT external_id, payload, sent_payload FROM message_levels ORDER BY external_id");
}
