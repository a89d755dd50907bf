/* sqlite_outbox.c - messages to carts: how they get into the outbox, and what became of them. */
#include "adapters/sqlite_engine.h"
#include "adapters/store_outbox.h"

/* --- putting --- */

static const char put_event[] = CW_PUT_EVENT;
static const char queue_level[] = CW_MESSAGE_INTO "VALUES (" CW_MESSAGE_VALUES ")";
static const char put_level[] = CW_PUT_LEVEL;
static const char select_level[] =
    "SELECT payload IS $1, sent_payload IS $1 FROM message_levels WHERE cart = $2 AND stream = $3 "
    "AND external_id = $4";
/* By its number: changed by what they are found by, rows would take a temporary table each time. */
static const char select_waiting[] =
    "SELECT id FROM messages WHERE cart = $1 AND stream = $2 AND external_id = $3 AND " CW_IS_LEVEL(
        "") "AND state IN ('queued', 'failed') LIMIT 1";
static const char supersede[] = "UPDATE messages SET state = 'superseded', changed_at = $1, answer = CASE "
                                "WHEN $2 = '' THEN answer ELSE $2 END WHERE id = $3";
static const char select_away[] = "SELECT id FROM messages WHERE cart = $1 AND stream = $2 "
                                  "AND external_id = $3 AND " CW_IS_LEVEL("") "LIMIT 1";

static bool queue(struct cw_sqlite *s, const char *sql, const struct cw_message *message,
                  struct cw_error *err)
{
    cw_time now = cw_now(s->store.clock);
    return cw_sqlite_run(s, sql,
                         CW_BINDS(cw_bind_text(message->key.cart), cw_bind_text(message->key.stream),
                                  cw_bind_text(message->key.external_id), cw_bind_text(message->lane),
                                  cw_bind_text(message->event), cw_bind_text(message->payload),
                                  cw_bind_int(message->is_zero), cw_bind_int(message->company),
                                  cw_bind_time(message->due_at != CW_TIME_NONE ? message->due_at : now),
                                  cw_bind_time(now)),
                         err);
}

/* What is known of the level of a message. */
struct level {
    bool is_known, is_same, is_sent; /* same payload as the newest one, as the one sent last */
};

static bool find_level(struct cw_sqlite *s, const struct cw_message *message, struct level *level,
                       struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found =
        cw_sqlite_find(s, select_level,
                       CW_BINDS(cw_bind_text(message->payload), cw_bind_text(message->key.cart),
                                cw_bind_text(message->key.stream), cw_bind_text(message->key.external_id)),
                       &row, err);
    *level = (struct level){ .is_known = found == CW_ROW_FOUND };
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    level->is_same = sqlite3_column_int(row, 0) == 1;
    level->is_sent = sqlite3_column_int(row, 1) == 1;
    sqlite3_reset(row);
    return true;
}

/* The first message of that level; *id 0 = there is none. */
static bool find_first(struct cw_sqlite *s, const char *sql, struct cw_record_key key, int64_t *id,
                       struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, sql, CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id)),
        &row, err);
    *id = found == CW_ROW_FOUND ? sqlite3_column_int64(row, 0) : 0;
    if (found == CW_ROW_FOUND)
        sqlite3_reset(row);
    return found != CW_ROW_FAILED;
}

static bool supersede_waiting(struct cw_sqlite *s, struct cw_record_key key, struct cw_slice why,
                              struct cw_error *err)
{
    const struct cw_bind now = cw_bind_time(cw_now(s->store.clock));
    int64_t id;
    while (find_first(s, select_waiting, key, &id, err)) {
        if (id == 0)
            return true;
        if (!cw_sqlite_run(s, supersede, CW_BINDS(now, cw_bind_text(why), cw_bind_int(id)), err))
            return false;
    }
    return false;
}

static bool replace_level(struct cw_sqlite *s, const struct cw_message *message, const struct level *level,
                          struct cw_error *err)
{
    const struct cw_record_key key = message->key;
    int64_t away = 0;
    if (level->is_known && !supersede_waiting(s, key, (struct cw_slice){ "", 0 }, err))
        return false;
    if (level->is_sent && !find_first(s, select_away, key, &away, err))
        return false;
    bool is_needless = level->is_sent && away == 0;
    return (is_needless || queue(s, queue_level, message, err)) &&
           cw_sqlite_run(s, put_level,
                         CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                  cw_bind_text(key.external_id), cw_bind_text(message->payload)),
                         err);
}

bool cw_sqlite_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct level level;
    if (message->event.len > 0)
        return queue(s, put_event, message, err);
    return find_level(s, message, &level, err) && (level.is_same || replace_level(s, message, &level, err));
}

static const char forget_one[] = CW_FORGET_ONE;
static const char forget_all[] = CW_FORGET_ALL;

bool cw_sqlite_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                             struct cw_slice external_id, struct cw_error *err)
{
    const struct cw_bind binds[] = { cw_bind_text(cart), cw_bind_text(stream), cw_bind_text(external_id) };
    bool is_one = external_id.len > 0;
    return cw_sqlite_run(cw_sqlite_of(txn->store), is_one ? forget_one : forget_all, binds, is_one ? 3 : 2,
                         err);
}

static const char silence_level[] = CW_SILENCE_LEVEL;
static const char take_back_event[] = CW_TAKE_BACK_EVENT;

bool cw_sqlite_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                         struct cw_slice why, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct cw_bind cart = cw_bind_text(key->cart), stream = cw_bind_text(key->stream);
    if (event.len > 0)
        return cw_sqlite_run(s, take_back_event,
                             CW_BINDS(cw_bind_text(why), cw_bind_time(cw_now(s->store.clock)), cart, stream,
                                      cw_bind_text(event)),
                             err);
    return cw_sqlite_run(s, silence_level, CW_BINDS(cart, stream, cw_bind_text(key->external_id)), err) &&
           supersede_waiting(s, *key, why, err);
}

static const char wake_sender[] = CW_WAKE_SENDER;

bool cw_sqlite_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at,
                           struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    if (!cw_sqlite_run(s, wake_sender, CW_BINDS(cw_bind_time(at), cw_bind_text(cart), cw_bind_text(stream)),
                       err))
        return false;
    if (sqlite3_changes(s->db) > 0)
        cw_sqlite_tell(s);
    return true;
}

/* --- settling --- */

static const char settle[] = CW_SETTLE;
static const char level_sent[] = CW_LEVEL_SENT;
static const char level_not_sent[] = CW_LEVEL_NOT_SENT;
static const char level_unsure[] = CW_LEVEL_UNSURE;
static const char select_state[] = "SELECT state FROM messages WHERE id = $1";

/* CW_CONFLICT, with what it is instead. Always false. */
static bool fail_settled(struct cw_sqlite *s, const struct cw_settlement *settlement, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(s, select_state, CW_BINDS(cw_bind_int(settlement->id)), &row, err);
    if (found == CW_ROW_FAILED)
        return false;
    cw_outbox_fail_settled(settlement, found == CW_ROW_FOUND ? cw_sqlite_slice(row, 0) : cw_slice(""), err);
    if (found == CW_ROW_FOUND)
        sqlite3_reset(row);
    return false;
}

bool cw_sqlite_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement,
                              struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct cw_bind id = cw_bind_int(settlement->id), now = cw_bind_time(cw_now(txn->store->clock));
    const struct cw_bind due = settlement->due_at != CW_TIME_NONE ? cw_bind_time(settlement->due_at) : now;
    if (!cw_sqlite_run(s, settle,
                       CW_BINDS(cw_bind_word(cw_message_state_name(settlement->state)),
                                cw_bind_int(settlement->takes_back), due, cw_bind_int(settlement->company),
                                cw_bind_text(settlement->answer), cw_bind_text(settlement->error), now, id,
                                cw_bind_word(cw_message_state_name(settlement->was))),
                       err))
        return false;
    if (sqlite3_changes(s->db) == 0)
        return fail_settled(s, settlement, err);
    if (settlement->state == CW_MESSAGE_SENT)
        return cw_sqlite_run(s, level_sent, CW_BINDS(now, id), err);
    if (settlement->state == CW_MESSAGE_UNKNOWN)
        return cw_sqlite_run(s, level_unsure, &id, 1, err);
    return !cw_outbox_is_news_again(settlement) || cw_sqlite_run(s, level_not_sent, &id, 1, err);
}

static const char levels_unsure[] = CW_LEVELS_UNSURE;
static const char orphan[] = CW_ORPHAN;
static const char too_late_queued[] = CW_DUE_TOO_LATE_QUEUED;
static const char too_late_unknown[] = CW_DUE_TOO_LATE_UNKNOWN;

bool cw_sqlite_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                               cw_time due_at, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct cw_bind latest = cw_bind_time(cw_now(txn->store->clock) + CW_MESSAGE_DUE_MAX);
    const struct cw_bind now = cw_bind_time(cw_now(txn->store->clock)), of_cart = cw_bind_text(cart),
                         of_stream = cw_bind_text(stream);
    return cw_sqlite_run(s, levels_unsure, CW_BINDS(of_cart, of_stream), err) &&
           cw_sqlite_run(s, orphan, CW_BINDS(now, cw_bind_time(due_at), of_cart, of_stream), err) &&
           cw_sqlite_run(s, too_late_queued, CW_BINDS(now, of_cart, of_stream, latest), err) &&
           cw_sqlite_run(s, too_late_unknown, CW_BINDS(now, of_cart, of_stream, latest), err);
}
