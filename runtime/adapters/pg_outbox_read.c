/* pg_outbox_read.c - messages to carts: claiming what is to be sent next, reading, counting. */
#include <stdlib.h>

#include "adapters/pg_link.h"
#include "adapters/store_outbox.h"

enum { COLUMN_STATE = 8, COLUMN_NEXT = 17 };

static struct cw_message message_of(const PGresult *result, int row)
{
    struct cw_message message = { .id = cw_pg_int(result, row, 0),
                                  .key = { cw_pg_slice(result, row, 1), cw_pg_slice(result, row, 2),
                                           cw_pg_slice(result, row, 3) },
                                  .lane = cw_pg_slice(result, row, 4),
                                  .event = cw_pg_slice(result, row, 5),
                                  .payload = cw_pg_slice(result, row, 6),
                                  .is_zero = cw_pg_int(result, row, 7) == 1,
                                  .attempts = (unsigned)cw_pg_int(result, row, 9),
                                  .company = (unsigned)cw_pg_int(result, row, 10),
                                  .call = cw_pg_int(result, row, 11),
                                  .created_at = cw_pg_time(result, row, 12),
                                  .changed_at = cw_pg_time(result, row, 13),
                                  .due_at = cw_pg_time(result, row, 14),
                                  .answer = cw_pg_slice(result, row, 15),
                                  .error = cw_pg_slice(result, row, 16) };
    cw_message_state_parse(cw_pg_slice(result, row, COLUMN_STATE), &message.state);
    return message;
}

/* --- claiming --- */

/* $1 cart, $2 stream, $3 now, $4 threshold, $5 batch, $6 greatest id. What another one just supersedes is
 * locked, and passed by. `cap`: the smallest company so far, which only shrinks, so that those chosen are the
 * first ones. */
#define FIRST_OF_LANE CW_FIRST_OF_LANE("OFFSET 0")
static const char claim_all[] =
    "WITH next AS (SELECT m.due_at FROM messages m WHERE m.cart = $1 AND m.stream = $2 "
    "AND m.state = 'queued' AND m.due_at > $3 AND " FIRST_OF_LANE "ORDER BY m.due_at, m.id LIMIT 1), "
    "sendable AS (SELECT m.id, m.company FROM messages m WHERE m.cart = $1 AND m.stream = $2 "
    "AND m.state = 'queued' AND m.due_at <= $3 AND m.id <= $6 AND " FIRST_OF_LANE "ORDER BY m.due_at, m.id "
    "LIMIT greatest($4, $5) FOR UPDATE OF m SKIP LOCKED), "
    "counted AS (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS total, "
    "min(nullif(company, 0)) OVER (ORDER BY id) AS cap FROM sendable), "
    "chosen AS (SELECT id FROM counted WHERE place <= CASE WHEN total < $4 THEN 1 ELSE $5 END "
    "AND (cap IS NULL OR place <= cap)), "
    "called AS (INSERT INTO message_calls (cart, stream, number) SELECT $1, $2, 1 "
    "WHERE EXISTS (SELECT FROM chosen) " CW_NEXT_CALL "), "
    "claimed AS (UPDATE messages m SET state = 'sending', attempts = m.attempts + 1, "
    "call_number = (SELECT number FROM called), changed_at = $3 FROM chosen WHERE m.id = chosen.id "
    "RETURNING " CW_MESSAGE_COLUMNS("m.") ") "
                                          "SELECT claimed.*, next.due_at FROM (SELECT) one LEFT JOIN next ON "
                                          "true LEFT JOIN claimed ON true "
                                          "ORDER BY claimed.id";

struct claiming {
    struct cw_txn *txn;
    cw_messages_fn *claimed;
    void *arg;
};

static void hand_out_claimed(void *arg, PGresult *result, const struct cw_error *err)
{
    struct claiming claiming = *(struct claiming *)arg;
    struct cw_error fault;
    free(arg);
    if (err != NULL) {
        claiming.claimed(claiming.arg, NULL, 0, CW_TIME_NONE, err);
        return;
    }
    cw_time next_at = cw_pg_time(result, 0, COLUMN_NEXT);
    size_t count = cw_pg_is_null(result, 0, 0) ? 0 : (size_t)PQntuples(result);
    struct cw_message *messages = calloc(count + 1, sizeof *messages);
    if (messages == NULL) {
        cw_fail(&fault, CW_NOMEM, "out of memory for %zu messages", count);
        cw_txn_lose(claiming.txn, &fault);
        claiming.claimed(claiming.arg, NULL, 0, CW_TIME_NONE, &fault);
        return;
    }
    for (size_t i = 0; i < count; i++)
        messages[i] = message_of(result, (int)i);
    claiming.claimed(claiming.arg, messages, count, next_at, NULL);
    free(messages);
}

void cw_pg_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                          const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct claiming *claiming = malloc(sizeof *claiming);
    struct cw_error err;
    bool ok = claiming != NULL || cw_fail(&err, CW_NOMEM, "out of memory to claim messages");
    if (ok) {
        *claiming = (struct claiming){ txn, claimed, arg };
        ok = cw_pg_lock_stream(pg, cart, stream, &err) &&
             cw_pg_send(pg, claim_all,
                        CW_BINDS(cw_bind_text(cart), cw_bind_text(stream), cw_bind_time(now),
                                 cw_bind_int(limits->threshold), cw_bind_int(limits->batch),
                                 cw_bind_int(cw_outbox_until(limits))),
                        hand_out_claimed, claiming, &err);
    }
    if (ok)
        return;
    free(claiming);
    cw_txn_lose(txn, &err);
    claimed(arg, NULL, 0, CW_TIME_NONE, &err);
}

/* --- reading --- */

static const char read_all[] = CW_READ_ALL;
static const char read_one[] = CW_READ_ONE;

struct reading {
    cw_message_fn *message;
    cw_store_done_fn *done;
    void *arg;
    bool is_stopped;
};

static void hand_out(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading *reading = arg;
    for (int i = 0; err == NULL && !reading->is_stopped && i < PQntuples(result); i++) {
        const struct cw_message each = message_of(result, i);
        reading->is_stopped = !reading->message(reading->arg, &each);
    }
    if (err == NULL && PQresultStatus(result) == PGRES_SINGLE_TUPLE)
        return;
    struct reading ended = *reading;
    free(reading);
    ended.done(ended.arg, err);
}

static bool send_reading(struct cw_pg *pg, const struct cw_message_filter *filter, struct reading *reading,
                         struct cw_error *err)
{
    const char *state = filter->by_state ? cw_message_state_name(filter->state) : "";
    const struct cw_bind binds[] = { cw_bind_text(filter->cart),
                                     cw_bind_text(filter->stream),
                                     cw_bind_int(filter->after),
                                     cw_bind_word(state),
                                     filter->due_until != CW_TIME_NONE ? cw_bind_time(filter->due_until)
                                                                       : cw_bind_word(""),
                                     cw_bind_int(filter->id) };
    size_t count = sizeof binds / sizeof *binds - (filter->id == 0);
    return cw_pg_send_rows(pg, filter->id != 0 ? read_one : read_all, binds, count, hand_out, reading, err);
}

void cw_pg_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                         cw_message_fn *message, cw_store_done_fn *done, void *arg)
{
    struct reading *reading = malloc(sizeof *reading);
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read messages");
    if (ok) {
        *reading = (struct reading){ message, done, arg, false };
        ok = send_reading(cw_pg_of(store), filter, reading, &err);
    }
    if (ok)
        return;
    free(reading);
    done(arg, &err);
}

/* --- counting --- */

static const char count_levels[] = CW_COUNT_LEVELS;

struct counting {
    cw_level_changes_fn *counted;
    void *arg;
};

static void hand_out_counts(void *arg, PGresult *result, const struct cw_error *err)
{
    struct counting counting = *(struct counting *)arg;
    free(arg);
    if (err != NULL) {
        counting.counted(counting.arg, NULL, err);
        return;
    }
    const struct cw_level_changes changes = { .known = (uint64_t)cw_pg_int(result, 0, 0),
                                              .queued = (uint64_t)cw_pg_int(result, 0, 1),
                                              .queued_zeros = (uint64_t)cw_pg_int(result, 0, 2),
                                              .sent = (uint64_t)cw_pg_int(result, 0, 3),
                                              .sent_zeros = (uint64_t)cw_pg_int(result, 0, 4),
                                              .newest = cw_pg_int(result, 0, 5) };
    counting.counted(counting.arg, &changes, NULL);
}

void cw_pg_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream, cw_time since,
                        int64_t approved, cw_level_changes_fn *counted, void *arg)
{
    struct counting *counting = malloc(sizeof *counting);
    struct cw_error err;
    bool ok = counting != NULL || cw_fail(&err, CW_NOMEM, "out of memory to count messages");
    if (ok) {
        *counting = (struct counting){ counted, arg };
        ok = cw_pg_send(
            cw_pg_of(store), count_levels,
            CW_BINDS(cw_bind_text(cart), cw_bind_text(stream), cw_bind_int(approved), cw_bind_time(since)),
            hand_out_counts, counting, &err);
    }
    if (ok)
        return;
    free(counting);
    counted(arg, NULL, &err);
}
