/* sqlite_outbox_read.c - messages to carts: claiming what is to be sent next, reading, counting. */
#include "adapters/sqlite_engine.h"
#include "adapters/store_outbox.h"

#include <stdlib.h>

enum { COLUMN_STATE = 8, TEXTS_MAX = 8 };

/* The texts are the statement's, valid until it moves on. */
static struct cw_message message_of(sqlite3_stmt *row)
{
    struct cw_message message = { .id = sqlite3_column_int64(row, 0),
                                  .key = { cw_sqlite_slice(row, 1), cw_sqlite_slice(row, 2),
                                           cw_sqlite_slice(row, 3) },
                                  .lane = cw_sqlite_slice(row, 4),
                                  .event = cw_sqlite_slice(row, 5),
                                  .payload = cw_sqlite_slice(row, 6),
                                  .is_zero = sqlite3_column_int(row, 7) == 1,
                                  .attempts = (unsigned)sqlite3_column_int64(row, 9),
                                  .company = (unsigned)sqlite3_column_int64(row, 10),
                                  .call = sqlite3_column_int64(row, 11),
                                  .created_at = cw_sqlite_time(row, 12),
                                  .changed_at = cw_sqlite_time(row, 13),
                                  .due_at = cw_sqlite_time(row, 14),
                                  .answer = cw_sqlite_slice(row, 15),
                                  .error = cw_sqlite_slice(row, 16) };
    cw_message_state_parse(cw_sqlite_slice(row, COLUMN_STATE), &message.state);
    return message;
}

/* --- claiming --- */

static const char select_sendable[] =
    "SELECT m.id, m.company FROM messages m WHERE m.cart = $1 AND m.stream = $2 AND m.state = 'queued' "
    "AND m.due_at <= $3 AND m.id <= $4 AND " CW_FIRST_OF_LANE("") "ORDER BY m.due_at, m.id LIMIT $5";
static const char select_next[] =
    "SELECT m.due_at FROM messages m WHERE m.cart = $1 AND m.stream = $2 AND m.state = 'queued' "
    "AND m.due_at > $3 AND " CW_FIRST_OF_LANE("") "ORDER BY m.due_at, m.id LIMIT 1";
static const char next_call[] =
    "INSERT INTO message_calls (cart, stream, number) VALUES ($1, $2, 1) " CW_NEXT_CALL;
static const char select_one[] = "SELECT " CW_MESSAGE_COLUMNS("") "FROM messages WHERE id = $1";
/* Without RETURNING, which would take a temporary table for each message. */
static const char claim_one[] =
    "UPDATE messages SET state = 'sending', attempts = attempts + 1, call_number = $1, changed_at = $2 "
    "WHERE id = $3";

struct sendable {
    int64_t id, company;
};

struct claiming {
    struct cw_sqlite *s;
    struct cw_bind cart, stream, now;
    const struct cw_outbox_limits *limits;
    struct cw_buffer sendable; /* of struct sendable */
    size_t count;
    int64_t call;
    cw_time next_at;
    struct cw_arena arena;
    struct cw_message *messages; /* in the arena */
};

static bool find_sendable(struct claiming *c, struct cw_error *err)
{
    const struct cw_outbox_limits *limits = c->limits;
    unsigned most = limits->threshold > limits->batch ? limits->threshold : limits->batch;
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        c->s, select_sendable,
        CW_BINDS(c->cart, c->stream, c->now, cw_bind_int(cw_outbox_until(limits)), cw_bind_int(most)), &row,
        err);
    while (found == CW_ROW_FOUND) {
        struct sendable each = { sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1) };
        if (!cw_buffer_add(&c->sendable, (const char *)&each, sizeof each, err)) {
            sqlite3_reset(row);
            return false;
        }
        found = cw_sqlite_next(c->s, row, err);
    }
    return found == CW_ROW_NONE;
}

static bool find_next(struct claiming *c, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(c->s, select_next, CW_BINDS(c->cart, c->stream, c->now), &row, err);
    if (found == CW_ROW_FOUND) {
        c->next_at = cw_sqlite_time(row, 0);
        sqlite3_reset(row);
    }
    return found != CW_ROW_FAILED;
}

static int by_id(const void *a, const void *b)
{
    const struct sendable *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

/* How many of the first ones go together. */
static size_t choose(const struct claiming *c, const struct sendable *sendable, size_t count)
{
    size_t most = count < c->limits->threshold ? 1 : c->limits->batch, chosen = 0;
    while (chosen < count && chosen < most) {
        int64_t company = sendable[chosen].company;
        if (company > 0 && (size_t)company < most)
            most = (size_t)company;
        if (chosen < most)
            chosen++;
    }
    return chosen;
}

static bool take_number(struct claiming *c, struct cw_error *err)
{
    sqlite3_stmt *row;
    if (cw_sqlite_find(c->s, next_call, CW_BINDS(c->cart, c->stream), &row, err) != CW_ROW_FOUND)
        return false;
    c->call = sqlite3_column_int64(row, 0);
    return cw_sqlite_next(c->s, row, err) != CW_ROW_FAILED;
}

static bool keep_texts(struct claiming *c, struct cw_message *m, struct cw_error *err)
{
    struct cw_slice *texts[TEXTS_MAX] = { &m->key.cart, &m->key.stream, &m->key.external_id, &m->lane,
                                          &m->event,    &m->payload,    &m->answer,          &m->error };
    for (size_t i = 0; i < TEXTS_MAX; i++) {
        *texts[i] = cw_arena_copy(&c->arena, *texts[i]);
        if (texts[i]->data == NULL)
            return cw_fail(err, CW_NOMEM, "out of memory for a message");
    }
    return true;
}

static bool read_claimed(struct claiming *c, int64_t id, struct cw_message *out, struct cw_error *err)
{
    sqlite3_stmt *row;
    if (cw_sqlite_find(c->s, select_one, CW_BINDS(cw_bind_int(id)), &row, err) != CW_ROW_FOUND)
        return false;
    *out = message_of(row);
    bool ok = keep_texts(c, out, err);
    sqlite3_reset(row);
    return ok;
}

static bool claim_message(struct claiming *c, int64_t id, struct cw_message *out, struct cw_error *err)
{
    return cw_sqlite_run(c->s, claim_one, CW_BINDS(cw_bind_int(c->call), c->now, cw_bind_int(id)), err) &&
           read_claimed(c, id, out, err);
}

static bool claim(struct claiming *c, struct cw_error *err)
{
    if (!find_next(c, err) || !find_sendable(c, err))
        return false;
    struct sendable *sendable = (struct sendable *)(void *)c->sendable.data;
    size_t count = c->sendable.len / sizeof *sendable;
    if (count == 0)
        return true;
    qsort(sendable, count, sizeof *sendable, by_id);
    size_t chosen = choose(c, sendable, count);
    c->messages = cw_arena_alloc(&c->arena, chosen * sizeof *c->messages);
    if (c->messages == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for %zu messages", chosen);
    if (!take_number(c, err))
        return false;
    for (; c->count < chosen; c->count++)
        if (!claim_message(c, sendable[c->count].id, &c->messages[c->count], err))
            return false;
    return true;
}

void cw_sqlite_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                              const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg)
{
    struct cw_error err;
    struct claiming c = { .s = cw_sqlite_of(txn->store),
                          .cart = cw_bind_text(cart),
                          .stream = cw_bind_text(stream),
                          .now = cw_bind_time(now),
                          .limits = limits,
                          .next_at = CW_TIME_NONE };
    cw_arena_init(&c.arena, 0);
    bool ok = claim(&c, &err);
    if (!ok)
        cw_txn_lose(txn, &err);
    claimed(arg, ok ? c.messages : NULL, ok ? c.count : 0, c.next_at, ok ? NULL : &err);
    cw_arena_fini(&c.arena);
    cw_buffer_fini(&c.sendable);
}

/* --- reading --- */

static const char read_all[] = CW_READ_ALL;
static const char read_one[] = CW_READ_ONE;
/* Those that are in these states are few, and in an index of their own. */
static const char read_of_state[] =
    "SELECT " CW_MESSAGE_COLUMNS("") "FROM messages INDEXED BY messages_of_state WHERE " CW_MESSAGES_FILTER
                                     "AND " CW_UNDECIDED("") "ORDER BY id";

static bool is_rare(const struct cw_message_filter *filter)
{
    return filter->by_state && (filter->state == CW_MESSAGE_SENDING || filter->state == CW_MESSAGE_UNKNOWN ||
                                filter->state == CW_MESSAGE_FAILED);
}

/* A statement of its own, with a time of its own, so that who is given a message may read others. */
static sqlite3_stmt *prepare_reading(struct cw_sqlite *s, const struct cw_message_filter *filter,
                                     char due[CW_STORE_TIME_LEN + 1], struct cw_error *err)
{
    const char *sql = filter->id != 0 ? read_one : is_rare(filter) ? read_of_state : read_all;
    const char *state = filter->by_state ? cw_message_state_name(filter->state) : "";
    if (filter->due_until != CW_TIME_NONE)
        cw_store_time_text(filter->due_until, due);
    const struct cw_bind binds[] = { cw_bind_text(filter->cart), cw_bind_text(filter->stream),
                                     cw_bind_int(filter->after), cw_bind_word(state),
                                     cw_bind_word(due),          cw_bind_int(filter->id) };
    size_t count = sizeof binds / sizeof *binds - (filter->id == 0);
    sqlite3_stmt *row = NULL;
    bool ok = sqlite3_prepare_v2(s->db, sql, -1, &row, NULL) == SQLITE_OK || cw_sqlite_fail(s, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_sqlite_bind(s, row, (int)i + 1, &binds[i], err);
    if (ok)
        return row;
    sqlite3_finalize(row);
    return NULL;
}

void cw_sqlite_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                             cw_message_fn *message, cw_store_done_fn *done, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    struct cw_error err;
    char due[CW_STORE_TIME_LEN + 1] = "";
    sqlite3_stmt *row = prepare_reading(s, filter, due, &err);
    enum cw_row found = row != NULL ? cw_sqlite_next(s, row, &err) : CW_ROW_FAILED;
    while (found == CW_ROW_FOUND) {
        const struct cw_message each = message_of(row);
        if (!message(arg, &each))
            break;
        found = cw_sqlite_next(s, row, &err);
    }
    sqlite3_finalize(row);
    done(arg, found == CW_ROW_FAILED ? &err : NULL);
}

/* --- counting --- */

static const char count_levels[] = CW_COUNT_LEVELS;

void cw_sqlite_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                            cw_time since, int64_t approved, cw_level_changes_fn *counted, void *arg)
{
    struct cw_error err;
    sqlite3_stmt *row;
    if (cw_sqlite_find(
            cw_sqlite_of(store), count_levels,
            CW_BINDS(cw_bind_text(cart), cw_bind_text(stream), cw_bind_int(approved), cw_bind_time(since)),
            &row, &err) != CW_ROW_FOUND) {
        counted(arg, NULL, &err);
        return;
    }
    const struct cw_level_changes changes = { .known = (uint64_t)sqlite3_column_int64(row, 0),
                                              .queued = (uint64_t)sqlite3_column_int64(row, 1),
                                              .queued_zeros = (uint64_t)sqlite3_column_int64(row, 2),
                                              .sent = (uint64_t)sqlite3_column_int64(row, 3),
                                              .sent_zeros = (uint64_t)sqlite3_column_int64(row, 4),
                                              .newest = sqlite3_column_int64(row, 5) };
    sqlite3_reset(row);
    counted(arg, &changes, NULL);
}
