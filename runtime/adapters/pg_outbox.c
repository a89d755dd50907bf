/* pg_outbox.c - messages to carts: how they get into the outbox, and what became of them.
 *
 * Whatever changes levels of a stream waits for its turn first (lock_stream): who counts quantities puts many
 * of them in one order, who sends settles many in another, and each would wait for the other. */
#include "adapters/pg_link.h"
#include "adapters/store_outbox.h"

/* --- one at a time --- */

static const char lock_stream[] = "SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))";
static const char lock_stream_of[] = "SELECT pg_advisory_xact_lock(hashtext(cart), hashtext(stream)) FROM "
                                     "messages WHERE id = $1 AND event = ''";

/* Tells streams from each other, well enough for whether to ask for the lock once more. */
static uint64_t mark_of(struct cw_slice cart, struct cw_slice stream)
{
    struct cw_hasher hasher;
    struct cw_hash hash;
    uint64_t mark;
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, cart);
    cw_hasher_add(&hasher, stream);
    hash = cw_hasher_end(&hasher);
    memcpy(&mark, hash.bytes, sizeof mark);
    return mark;
}

bool cw_pg_lock_stream(struct cw_pg *pg, struct cw_slice cart, struct cw_slice stream, struct cw_error *err)
{
    struct cw_pg_turn *turn = &pg->link->turn;
    uint64_t mark = mark_of(cart, stream);
    for (unsigned i = 0; i < turn->locked_count; i++)
        if (turn->locked[i] == mark)
            return true;
    if (!cw_pg_run(pg, lock_stream, CW_BINDS(cw_bind_text(cart), cw_bind_text(stream)), err))
        return false;
    if (turn->locked_count < CW_PG_LOCKED_MAX)
        turn->locked[turn->locked_count++] = mark;
    return true;
}

/* --- putting --- */

#define OF_KEY(m, cart, stream, id)                                                                          \
    m "cart = " cart " AND " m "stream = " stream " AND " m "external_id = " id " "

static const char put_event[] = CW_PUT_EVENT;
/* The newest payload of the level stays until both of these have compared theirs with it. */
static const char supersede[] = "UPDATE messages SET state = 'superseded', changed_at = $1 WHERE " OF_KEY(
    "", "$2", "$3", "$4") "AND " CW_IS_LEVEL("") "AND state IN ('queued', 'failed') AND NOT EXISTS (SELECT "
                                                 "FROM message_levels l "
                                                 "WHERE " OF_KEY("l.", "$2", "$3",
                                                                 "$4") "AND l.payload = $5)";
static const char queue_level[] = CW_MESSAGE_INTO
    "SELECT " CW_MESSAGE_VALUES "WHERE NOT EXISTS (SELECT FROM message_levels l "
    "WHERE " OF_KEY("l.", "$1", "$2",
                    "$3") "AND (l.payload = $6 OR (l.sent_payload = $6 AND NOT EXISTS "
                          "(SELECT FROM messages m WHERE " OF_KEY("m.", "$1", "$2", "$3") "AND " CW_IS_LEVEL(
                              "m.") "AND m.state IN ('sending', 'unknown')))))";
static const char put_level[] =
    CW_PUT_LEVEL " WHERE message_levels.payload IS DISTINCT FROM excluded.payload";

static bool queue(struct cw_pg *pg, const char *sql, const struct cw_message *message, cw_time now,
                  struct cw_error *err)
{
    return cw_pg_run(pg, sql,
                     CW_BINDS(cw_bind_text(message->key.cart), cw_bind_text(message->key.stream),
                              cw_bind_text(message->key.external_id), cw_bind_text(message->lane),
                              cw_bind_text(message->event), cw_bind_text(message->payload),
                              cw_bind_int(message->is_zero), cw_bind_int(message->company),
                              cw_bind_time(message->due_at != CW_TIME_NONE ? message->due_at : now),
                              cw_bind_time(now)),
                     err);
}

bool cw_pg_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    cw_time now = cw_now(txn->store->clock);
    const struct cw_bind cart = cw_bind_text(message->key.cart), stream = cw_bind_text(message->key.stream),
                         key = cw_bind_text(message->key.external_id),
                         payload = cw_bind_text(message->payload);
    if (message->event.len > 0)
        return queue(pg, put_event, message, now, err);
    return cw_pg_lock_stream(pg, message->key.cart, message->key.stream, err) &&
           cw_pg_run(pg, supersede, CW_BINDS(cw_bind_time(now), cart, stream, key, payload), err) &&
           queue(pg, queue_level, message, now, err) &&
           cw_pg_run(pg, put_level, CW_BINDS(cart, stream, key, payload), err);
}

static const char forget_one[] = CW_FORGET_ONE;
static const char forget_all[] = CW_FORGET_ALL;

bool cw_pg_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                         struct cw_slice external_id, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind binds[] = { cw_bind_text(cart), cw_bind_text(stream), cw_bind_text(external_id) };
    bool is_one = external_id.len > 0;
    return cw_pg_lock_stream(pg, cart, stream, err) &&
           cw_pg_run(pg, is_one ? forget_one : forget_all, binds, is_one ? 3 : 2, err);
}

static const char silence_level[] = CW_SILENCE_LEVEL;
static const char take_back_level[] =
    "UPDATE messages SET state = 'superseded', answer = $1, changed_at = $2 WHERE " OF_KEY(
        "", "$3", "$4", "$5") "AND " CW_IS_LEVEL("") "AND state IN ('queued', 'failed')";
static const char take_back_event[] = CW_TAKE_BACK_EVENT;

bool cw_pg_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                     struct cw_slice why, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind now = cw_bind_time(cw_now(txn->store->clock)), cart = cw_bind_text(key->cart),
                         stream = cw_bind_text(key->stream), because = cw_bind_text(why),
                         id = cw_bind_text(key->external_id);
    if (event.len > 0)
        return cw_pg_run(pg, take_back_event, CW_BINDS(because, now, cart, stream, cw_bind_text(event)), err);
    return cw_pg_lock_stream(pg, key->cart, key->stream, err) &&
           cw_pg_run(pg, silence_level, CW_BINDS(cart, stream, id), err) &&
           cw_pg_run(pg, take_back_level, CW_BINDS(because, now, cart, stream, id), err);
}

static const char wake_sender[] =
    "WITH woken AS (" CW_WAKE_SENDER " RETURNING 1) SELECT pg_notify('cartwright', '') FROM woken";

bool cw_pg_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at,
                       struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), wake_sender,
                     CW_BINDS(cw_bind_time(at), cw_bind_text(cart), cw_bind_text(stream)), err);
}

/* --- settling --- */

static const char settle[] = CW_PG_MUST(CW_SETTLE " RETURNING 1");
static const char level_sent[] = CW_LEVEL_SENT;
static const char level_not_sent[] = CW_LEVEL_NOT_SENT;
static const char level_unsure[] = CW_LEVEL_UNSURE;

static bool settle_state(struct cw_pg *pg, const struct cw_settlement *settlement, struct cw_bind now,
                         struct cw_error *err)
{
    const struct cw_bind due = settlement->due_at != CW_TIME_NONE ? cw_bind_time(settlement->due_at) : now;
    struct cw_error otherwise;
    cw_outbox_fail_settled(settlement, (struct cw_slice){ "", 0 }, &otherwise);
    return cw_pg_send_one(pg, settle,
                          CW_BINDS(cw_bind_word(cw_message_state_name(settlement->state)),
                                   cw_bind_int(settlement->takes_back), due, cw_bind_int(settlement->company),
                                   cw_bind_text(settlement->answer), cw_bind_text(settlement->error), now,
                                   cw_bind_int(settlement->id),
                                   cw_bind_word(cw_message_state_name(settlement->was))),
                          &otherwise, err);
}

bool cw_pg_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind id = cw_bind_int(settlement->id), now = cw_bind_time(cw_now(txn->store->clock));
    if (!cw_pg_run(pg, lock_stream_of, &id, 1, err) || !settle_state(pg, settlement, now, err))
        return false;
    if (settlement->state == CW_MESSAGE_SENT)
        return cw_pg_run(pg, level_sent, CW_BINDS(now, id), err);
    if (settlement->state == CW_MESSAGE_UNKNOWN)
        return cw_pg_run(pg, level_unsure, &id, 1, err);
    return !cw_outbox_is_news_again(settlement) || cw_pg_run(pg, level_not_sent, &id, 1, err);
}

static const char levels_unsure[] = CW_LEVELS_UNSURE;
static const char orphan[] = CW_ORPHAN;
static const char too_late_queued[] = CW_DUE_TOO_LATE_QUEUED;
static const char too_late_unknown[] = CW_DUE_TOO_LATE_UNKNOWN;

bool cw_pg_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time due_at,
                           struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind latest = cw_bind_time(cw_now(txn->store->clock) + CW_MESSAGE_DUE_MAX);
    const struct cw_bind now = cw_bind_time(cw_now(txn->store->clock)), of_cart = cw_bind_text(cart),
                         of_stream = cw_bind_text(stream);
    return cw_pg_lock_stream(pg, cart, stream, err) &&
           cw_pg_run(pg, levels_unsure, CW_BINDS(of_cart, of_stream), err) &&
           cw_pg_run(pg, orphan, CW_BINDS(now, cw_bind_time(due_at), of_cart, of_stream), err) &&
           cw_pg_run(pg, too_late_queued, CW_BINDS(now, of_cart, of_stream, latest), err) &&
           cw_pg_run(pg, too_late_unknown, CW_BINDS(now, of_cart, of_stream, latest), err);
}
