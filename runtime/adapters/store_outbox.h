/* store_outbox.h - private to the store: the outbox's SQL, as far as it is the same in every engine.
 *
 * Parameters are $1, $2 in the order in which they first appear, which both engines count alike. The terms
 * about states are those of the indexes, word for word: SQLite uses a partial index for nothing else. They
 * list two states at most: for more SQLite makes a temporary table each time that a row changes.
 */
#ifndef CW_ADAPTERS_STORE_OUTBOX_H
#define CW_ADAPTERS_STORE_OUTBOX_H

#include "adapters/store_words.h"

#define CW_UNSETTLED(m) m "state NOT IN ('sent', 'superseded') "
#define CW_IS_LEVEL(m)  m "event = '' AND " CW_UNSETTLED(m)
#define CW_UNDECIDED(m) m "state <> 'queued' AND " CW_UNSETTLED(m)
#define CW_SETTLED      "state IN ('sent', 'superseded') AND (event = '' OR payload <> '') "

/* None of the lane of m stands before it. With `as_is` "OFFSET 0" PostgreSQL looks for each one in the index,
 * and makes no join of it that reads the whole table. */
#define CW_FIRST_OF_LANE(as_is)                                                                              \
    "NOT EXISTS (SELECT 1 FROM messages e WHERE e.cart = m.cart AND e.lane = m.lane AND e.id < m.id "        \
    "AND " CW_UNSETTLED("e.") as_is ") "

/* As both engines read them. */
#define CW_MESSAGE_COLUMNS(m)                                                                                \
    m "id, " m "cart, " m "stream, " m "external_id, " m "lane, " m "event, " m "payload, " m "is_zero, " m  \
      "state, " m "attempts, " m "company, " m "call_number, " m "created_at, " m "changed_at, " m           \
      "due_at, " m "answer, " m "error "

/* --- putting; $1 cart, $2 stream, $3 key --- */

#define CW_MESSAGE_INTO                                                                                      \
    "INSERT INTO messages (cart, stream, external_id, lane, event, payload, is_zero, company, due_at, "      \
    "created_at, changed_at, state, attempts, error) "
/* A message that names no lane has that of its key. */
#define CW_MESSAGE_VALUES                                                                                    \
    "$1, $2, $3, CASE WHEN $4 = '' THEN $2 || '/' || $3 ELSE $4 END, $5, $6, $7, $8, $9, $10, $10, "         \
    "'queued', 0, '' "
#define CW_PUT_EVENT                                                                                         \
    CW_MESSAGE_INTO "VALUES (" CW_MESSAGE_VALUES ") ON CONFLICT (cart, stream, event) WHERE event <> '' "    \
                    "DO NOTHING"
#define CW_PUT_LEVEL                                                                                         \
    "INSERT INTO message_levels (cart, stream, external_id, payload, sent_zero) VALUES ($1, $2, $3, $4, 0) " \
    "ON CONFLICT (cart, stream, external_id) DO UPDATE SET payload = excluded.payload"
#define CW_FORGET_ONE                                                                                        \
    "UPDATE message_levels SET payload = NULL, sent_payload = NULL WHERE cart = $1 AND stream = $2 "         \
    "AND external_id = $3"
#define CW_FORGET_ALL                                                                                        \
    "UPDATE message_levels SET payload = NULL, sent_payload = NULL WHERE cart = $1 AND stream = $2"

/* A level that was taken back says nothing, which is not the same as one that nobody knows (NULL). */
#define CW_SILENCE_LEVEL                                                                                     \
    "UPDATE message_levels SET payload = '' WHERE cart = $1 AND stream = $2 AND external_id = $3 "           \
    "AND (payload IS NULL OR payload <> '')"
/* $1 why, $2 now, $3 cart, $4 stream, $5 event: its name is for who puts it next. */
#define CW_TAKE_BACK_EVENT                                                                                   \
    "UPDATE messages SET state = 'superseded', event = 'taken-back/' || CAST(id AS TEXT) || '/' || event, "  \
    "answer = $1, changed_at = $2 WHERE cart = $3 AND stream = $4 AND event = $5 AND event <> '' "           \
    "AND state IN ('queued', 'failed')"

/* $1 when, $2 cart, $3 stream */
#define CW_WAKE_SENDER                                                                                       \
    "UPDATE jobs SET woken_at = $1, ready_at = CASE WHEN ready_at < $1 THEN ready_at ELSE $1 END "           \
    "WHERE cart = $2 AND name = $3 AND EXISTS (SELECT 1 FROM messages m WHERE m.cart = $2 AND m.stream = "   \
    "$3 "                                                                                                    \
    "AND m.state = 'queued')"

/* --- sending and settling --- */

#define CW_NEXT_CALL                                                                                         \
    "ON CONFLICT (cart, stream) DO UPDATE SET number = message_calls.number + 1 RETURNING number"

/* A later message of the level that m is. */
#define CW_NEWER_LEVEL(m)                                                                                    \
    "EXISTS (SELECT 1 FROM messages n WHERE n.cart = " m "cart AND n.stream = " m                            \
    "stream AND n.external_id = " m "external_id AND n.id > " m "id AND " CW_IS_LEVEL("n.") ") "

#define CW_SILENCED(m)                                                                                       \
    "EXISTS (SELECT 1 FROM message_levels l WHERE l.cart = " m "cart AND l.stream = " m                      \
    "stream AND l.external_id = " m "external_id AND l.payload = '') "

/* $1 state, $2 taken back, $3 due, $4 company, $5 answer, $6 error, $7 now, $8 id, $9 was. A level that is
 * not sent while a newer one waits behind it, or once it was taken back, has no reason to stay. */
#define CW_SETTLE                                                                                            \
    "UPDATE messages SET state = CASE WHEN $1 IN ('queued', 'failed') AND event = '' "                       \
    "AND (" CW_NEWER_LEVEL("messages.") "OR " CW_SILENCED(                                                   \
        "messages.") ") THEN 'superseded' ELSE $1 END, "                                                     \
                     "attempts = CASE WHEN attempts > $2 THEN attempts - $2 ELSE 0 END, "                    \
                     "due_at = CASE WHEN $1 IN ('queued', 'unknown') THEN $3 ELSE due_at END, "              \
                     "company = CASE WHEN $4 = 0 THEN company ELSE $4 END, "                                 \
                     "answer = CASE WHEN $5 = '' THEN answer ELSE $5 END, error = $6, changed_at = $7 "      \
                     "WHERE id = $8 AND state = $9"

/* $1 now, $2 id: what the cart has from now on. */
#define CW_LEVEL_SENT                                                                                        \
    "INSERT INTO message_levels (cart, stream, external_id, sent_payload, sent_zero, sent_id, sent_at) "     \
    "SELECT cart, stream, external_id, payload, is_zero, id, $1 FROM messages WHERE id = $2 AND event = '' " \
    "ON CONFLICT (cart, stream, external_id) DO UPDATE SET sent_payload = excluded.sent_payload, "           \
    "sent_zero = excluded.sent_zero, sent_id = excluded.sent_id, sent_at = excluded.sent_at"

/* $1 id: the cart did not take it; when it is counted again it is news, also with the same payload. */
#define CW_LEVEL_NOT_SENT                                                                                    \
    "UPDATE message_levels AS l SET payload = NULL FROM messages m WHERE m.id = $1 AND m.event = '' "        \
    "AND l.cart = m.cart AND l.stream = m.stream AND l.external_id = m.external_id AND l.payload <> '' "     \
    "AND NOT " CW_NEWER_LEVEL("m.")

/* $1 id: nobody knows what the cart has from now on, so that the next one is put also where it says what was
 * sent last. */
#define CW_LEVEL_UNSURE                                                                                      \
    "UPDATE message_levels AS l SET sent_payload = NULL FROM messages m WHERE m.id = $1 AND m.event = '' "   \
    "AND l.cart = m.cart AND l.stream = m.stream AND l.external_id = m.external_id"

/* $1 cart, $2 stream */
#define CW_LEVELS_UNSURE                                                                                     \
    "UPDATE message_levels AS l SET sent_payload = NULL FROM messages m WHERE m.cart = $1 AND m.stream = "   \
    "$2 "                                                                                                    \
    "AND " CW_UNDECIDED(                                                                                     \
        "m.") "AND m.state = 'sending' AND m.event = '' "                                                    \
              "AND l.cart = m.cart AND l.stream = m.stream AND l.external_id = m.external_id"

/* $1 now, $2 due, $3 cart, $4 stream */
#define CW_ORPHAN                                                                                            \
    "UPDATE messages SET state = 'unknown', changed_at = $1, due_at = $2, error = 'whoever sent it ended "   \
    "before it could tell what became of it' WHERE cart = $3 AND stream = $4 AND " CW_UNDECIDED(             \
        "") "AND state = 'sending'"

/* $1 now, $2 cart, $3 stream, $4 the latest time that can be meant: what is due later was put by a clock that
 * was ahead. */
#define CW_DUE_TOO_LATE_QUEUED                                                                               \
    "UPDATE messages SET due_at = $1 WHERE cart = $2 AND stream = $3 AND state = 'queued' AND due_at > $4"
#define CW_DUE_TOO_LATE_UNKNOWN                                                                              \
    "UPDATE messages SET due_at = $1 WHERE cart = $2 AND stream = $3 AND " CW_UNDECIDED(                     \
        "") "AND state = 'unknown' AND due_at > $4"

/* Whether the level of a message is news again when it is put with the same payload: the cart has not taken
 * it. One that the script called needless while it was being sent is not: it would be sent for ever. */
static inline bool cw_outbox_is_news_again(const struct cw_settlement *settlement)
{
    return settlement->state == CW_MESSAGE_FAILED ||
           (settlement->state == CW_MESSAGE_SUPERSEDED && settlement->was != CW_MESSAGE_SENDING);
}

/* CW_CONFLICT: it is not what the settlement takes it for; `is` empty = there is none, or who knows.
 * Always false. */
bool cw_outbox_fail_settled(const struct cw_settlement *settlement, struct cw_slice is, struct cw_error *err);

/* --- reading --- */

/* $1 cart, $2 stream, $3 after, $4 state, $5 due until, $6 id. */
#define CW_MESSAGES_FILTER                                                                                   \
    "($1 = '' OR cart = $1) AND ($2 = '' OR stream = $2) AND id > $3 AND ($4 = '' OR state = $4) "           \
    "AND ($5 = '' OR due_at <= $5) "
#define CW_READ_MESSAGES "SELECT " CW_MESSAGE_COLUMNS("") "FROM messages WHERE " CW_MESSAGES_FILTER
#define CW_READ_ALL      CW_READ_MESSAGES "ORDER BY id"
#define CW_READ_ONE      CW_READ_MESSAGES "AND id = $6"

/* $1 cart, $2 stream, $3 approved, $4 since */
#define CW_COUNT_LEVELS                                                                                      \
    "SELECT (SELECT count(*) FROM message_levels WHERE cart = $1 AND stream = $2 AND sent_at IS NOT NULL), " \
    "q.changes, q.zeros, s.changes, s.zeros FROM "                                                           \
    "(SELECT count(*) AS changes, coalesce(sum(CASE WHEN m.is_zero = 1 AND coalesce(l.sent_zero, 0) = 0 "    \
    "THEN 1 ELSE 0 END), 0) AS zeros FROM messages m LEFT JOIN message_levels l ON l.cart = m.cart "         \
    "AND l.stream = m.stream AND l.external_id = m.external_id WHERE m.cart = $1 AND m.stream = $2 "         \
    "AND m.state = 'queued' AND m.event = '' AND m.id > $3 "                                                 \
    "AND (l.sent_payload IS NULL OR l.sent_payload <> m.payload)) q, "                                       \
    "(SELECT count(*) AS changes, CAST(coalesce(sum(sent_zero), 0) AS BIGINT) AS zeros FROM message_levels " \
    "WHERE cart = $1 "                                                                                       \
    "AND stream = $2 AND sent_at >= $4 AND sent_id > $3) s"

#endif
