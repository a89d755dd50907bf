/* inbox_notices.c - see inbox_notices.h.
 *
 * The store's answers cannot be called off: each operation is memory of its own, which its last answer frees,
 * and which forgets the inbox when it was cancelled. */
#include "adapters/inbox_notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const cw_time settled = CW_HOUR; /* by then every notice with a lower number is in sight */
enum { ADVANCE_MAX = 500, NUMBER_MAX = 24, KEY_MAX = 64 };

#define IS_TAKEN                                                                                             \
    "EXISTS (SELECT 1 FROM state s WHERE s.cart = w.cart AND s.key = '" CW_TAKEN_STATE ".' || w.id)"

static const char select_entries[] =
    "SELECT w.id, w.topic, w.received_at, length(w.bytes) FROM webhooks w WHERE w.cart = $1 AND w.id > $2 "
    "AND NOT " IS_TAKEN " ORDER BY w.id LIMIT 10000";
static const char select_bytes[] =
    "SELECT w.bytes FROM webhooks w WHERE w.cart = $1 AND w.id = $2 AND NOT " IS_TAKEN;
/* Of those that are taken, the first ones. */
static const char select_settled[] =
    "SELECT w.id FROM webhooks w WHERE w.cart = $1 AND w.id > $2 AND w.id < $3 AND w.received_at < $4 "
    "ORDER BY w.id LIMIT 500";

struct notices {
    struct cw_inbox inbox; /* first: &inbox converts back */
    struct cw_inbox_notices config;
    char *cart;
    struct op *op; /* under way; NULL = none */
};

enum asked { ASKED_LIST, ASKED_READ, ASKED_FINISH };

struct op {
    struct notices *notices; /* NULL = cancelled */
    struct cw_later later;
    enum asked asked;
    char name[NUMBER_MAX];
    cw_inbox_entry_fn *on_entry;
    cw_inbox_done_fn *on_done;
    cw_inbox_body_fn *on_body;
    void *arg;

    bool has_cursor;
    int64_t cursor, first;        /* first: the lowest number that is not taken */
    int64_t advance[ADVANCE_MAX]; /* numbers that the cursor passes */
    size_t advance_count;
    struct cw_body *body;
    struct cw_error err;
};

/* --- the end of an operation --- */

/* The caller's function comes last. */
static void end(struct op *op, const struct cw_error *err)
{
    struct op ended = *op;
    if (op->notices != NULL)
        op->notices->op = NULL;
    if (op->notices == NULL)
        cw_body_free(op->body);
    free(op);
    if (ended.notices == NULL)
        return;
    if (ended.asked == ASKED_READ)
        ended.on_body(ended.arg, err == NULL ? ended.body : NULL, err);
    else
        ended.on_done(ended.arg, err);
}

static void fail(struct op *op, const struct cw_error *err)
{
    struct cw_error copy = *err;
    cw_body_free(op->body);
    op->body = NULL;
    end(op, &copy);
}

static struct cw_slice cart_of(const struct op *op)
{
    return cw_slice(op->notices->cart);
}

static struct cw_fence fence_of(const struct notices *notices)
{
    return notices->config.fence != NULL ? notices->config.fence(notices->config.arg, notices->cart)
                                         : (struct cw_fence){ cw_slice(notices->cart), 0 };
}

/* False when the answer has no taker, or is an error; then the operation has ended. */
static bool goes_on(struct op *op, const struct cw_error *err)
{
    if (op->notices == NULL) {
        end(op, NULL);
        return false;
    }
    if (err != NULL)
        fail(op, err);
    return err == NULL;
}

static int64_t number_of(struct cw_slice text)
{
    char digits[NUMBER_MAX];
    snprintf(digits, sizeof digits, "%.*s", CW_SLICE_ARG(cw_slice_clip(text, sizeof digits - 1)));
    return strtoll(digits, NULL, 10);
}

static struct cw_slice put_number(char out[NUMBER_MAX], int64_t number)
{
    return (struct cw_slice){ out, (size_t)snprintf(out, NUMBER_MAX, "%" PRId64, number) };
}

static struct cw_slice taken_key(char out[KEY_MAX], int64_t number)
{
    return (struct cw_slice){ out, (size_t)snprintf(out, KEY_MAX, CW_TAKEN_STATE ".%" PRId64, number) };
}

/* --- marking --- */

static void marked(void *arg, const struct cw_error *err)
{
    struct op *op = arg;
    if (goes_on(op, err))
        end(op, NULL);
}

static void put_cursor(struct op *op, struct cw_txn *txn)
{
    char number[NUMBER_MAX], key[KEY_MAX];
    int64_t cursor = op->advance_count > 0 ? op->advance[op->advance_count - 1] : op->cursor;
    cw_txn_put_state(txn, cart_of(op), cw_slice(CW_TAKEN_STATE), put_number(number, cursor));
    for (size_t i = 0; i < op->advance_count; i++)
        cw_txn_put_state(txn, cart_of(op), taken_key(key, op->advance[i]), (struct cw_slice){ NULL, 0 });
}

static void put_taken(const struct op *op, struct cw_txn *txn)
{
    char key[KEY_MAX];
    cw_txn_put_state(txn, cart_of(op), taken_key(key, number_of(cw_slice(op->name))), cw_slice("1"));
}

static void txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct op *op = arg;
    if (op->notices == NULL && txn != NULL)
        cw_txn_rollback(txn);
    if (!goes_on(op, err))
        return;
    if (op->asked == ASKED_LIST)
        put_cursor(op, txn);
    else
        put_taken(op, txn);
    cw_txn_commit(txn, marked, op);
}

static void mark(struct op *op)
{
    cw_txn_begin(op->notices->config.store, fence_of(op->notices), txn_ready, op);
}

/* --- listing --- */

static bool take_settled(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct op *op = arg;
    (void)columns, (void)names;
    if (op->advance_count < ADVANCE_MAX)
        op->advance[op->advance_count++] = number_of(row[0]);
    return op->notices != NULL;
}

/* The mark of a cart that takes its notices is made at the first listing. */
static void settled_found(void *arg, const struct cw_error *err)
{
    struct op *op = arg;
    if (!goes_on(op, err))
        return;
    if (op->has_cursor && op->advance_count == 0)
        end(op, NULL);
    else
        mark(op);
}

static void advance(struct op *op)
{
    char from[NUMBER_MAX], first[NUMBER_MAX], until[CW_TIME_TEXT_MAX];
    const struct cw_clock *clock = cw_loop_clock(op->notices->config.loop);
    cw_time_iso(cw_now(clock) - settled, until);
    const struct cw_slice params[] = { cart_of(op), put_number(from, op->cursor),
                                       put_number(first, op->first), cw_slice(until) };
    cw_store_query(op->notices->config.store, select_settled, params, 4, take_settled, settled_found, op);
}

static bool take_entry(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct op *op = arg;
    (void)columns, (void)names;
    if (op->notices == NULL)
        return false;
    if (op->first == INT64_MAX)
        op->first = number_of(row[0]);
    struct cw_inbox_entry entry = {
        .name = row[0], .topic = row[1], .size = (uint64_t)number_of(row[3]), .at = CW_TIME_NONE
    };
    if (!cw_time_parse(row[2], NULL, &entry.at, NULL))
        entry.at = CW_TIME_NONE;
    op->on_entry(op->arg, &entry);
    return true;
}

static void entries_found(void *arg, const struct cw_error *err)
{
    struct op *op = arg;
    if (!goes_on(op, err))
        return;
    if (op->notices->config.only_look)
        end(op, NULL);
    else
        advance(op);
}

static void cursor_found(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct op *op = arg;
    char number[NUMBER_MAX];
    if (!goes_on(op, err))
        return;
    op->has_cursor = value.data != NULL;
    op->cursor = op->has_cursor ? number_of(value) : 0;
    op->first = INT64_MAX;
    const struct cw_slice params[] = { cart_of(op), put_number(number, op->cursor) };
    cw_store_query(op->notices->config.store, select_entries, params, 2, take_entry, entries_found, op);
}

/* --- reading --- */

static bool take_bytes(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct op *op = arg;
    (void)columns, (void)names;
    if (op->notices == NULL || op->body != NULL)
        return false;
    op->body = cw_body_create(row[0].len, &op->err);
    if (op->body != NULL && !cw_body_write(op->body, row[0], &op->err)) {
        cw_body_free(op->body);
        op->body = NULL;
    }
    return op->body != NULL;
}

static void bytes_found(void *arg, const struct cw_error *err)
{
    struct op *op = arg;
    if (!goes_on(op, err))
        return;
    if (op->body == NULL && op->err.code == CW_OK)
        cw_fail(&op->err, CW_NOT_FOUND, "notice %s: it was taken meanwhile", op->name);
    if (op->body == NULL)
        fail(op, &op->err);
    else
        end(op, NULL);
}

/* --- beginning --- */

static void begin(void *arg)
{
    struct op *op = arg;
    struct cw_store *store = op->notices->config.store;
    if (op->asked == ASKED_LIST) {
        cw_store_get_state(store, cart_of(op), cw_slice(CW_TAKEN_STATE), cursor_found, op);
    } else if (op->asked == ASKED_READ) {
        const struct cw_slice params[] = { cart_of(op), cw_slice(op->name) };
        cw_store_query(store, select_bytes, params, 2, take_bytes, bytes_found, op);
    } else if (op->notices->config.only_look) {
        end(op, NULL);
    } else {
        mark(op);
    }
}

static struct op *ask(struct notices *notices, enum asked asked, struct cw_slice name, void *arg,
                      struct cw_error *err)
{
    bool is_number = name.len > 0 && name.len < NUMBER_MAX;
    for (size_t i = 0; i < name.len; i++)
        is_number = is_number && name.data[i] >= '0' && name.data[i] <= '9';
    struct op *op = NULL;
    if (notices->op != NULL)
        cw_fail(err, CW_USAGE, "an inbox does one thing at a time");
    else if (asked != ASKED_LIST && !is_number)
        cw_fail(err, CW_USAGE, "%.*s is no number of a notice", CW_SLICE_ARG(cw_slice_clip(name, 100)));
    else if ((op = calloc(1, sizeof *op)) == NULL)
        cw_fail(err, CW_NOMEM, "no memory for an inbox");
    if (op == NULL)
        return NULL;
    *op = (struct op){ .notices = notices, .asked = asked, .arg = arg };
    snprintf(op->name, sizeof op->name, "%.*s", CW_SLICE_ARG(name));
    notices->op = op;
    cw_loop_later(notices->config.loop, &op->later, begin, op);
    return op;
}

static bool ask_list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                     struct cw_error *err)
{
    struct op *op = ask((struct notices *)inbox, ASKED_LIST, (struct cw_slice){ "", 0 }, arg, err);
    if (op == NULL)
        return false;
    op->on_entry = entry;
    op->on_done = done;
    return true;
}

static bool ask_read(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                     struct cw_error *err)
{
    struct op *op = ask((struct notices *)inbox, ASKED_READ, name, arg, err);
    if (op != NULL)
        op->on_body = done;
    return op != NULL;
}

static bool ask_finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end how,
                       cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    (void)how; /* what is set aside is told by a note; both stay in the store */
    struct op *op = ask((struct notices *)inbox, ASKED_FINISH, name, arg, err);
    if (op != NULL)
        op->on_done = done;
    return op != NULL;
}

/* One that has not begun has no answer to come. */
static void cancel(struct cw_inbox *inbox)
{
    struct notices *notices = (struct notices *)inbox;
    struct op *op = notices->op;
    if (op == NULL)
        return;
    notices->op = NULL;
    op->notices = NULL;
    if (op->later.waiting) {
        cw_later_cancel(notices->config.loop, &op->later);
        free(op);
    }
}

static void free_notices(struct cw_inbox *inbox)
{
    struct notices *notices = (struct notices *)inbox;
    cancel(inbox);
    free(notices->cart);
    free(notices);
}

struct cw_inbox *cw_inbox_notices_open(const struct cw_inbox_notices *config, struct cw_error *err)
{
    struct notices *notices = calloc(1, sizeof *notices);
    char *cart = strdup(config->cart);
    if (notices == NULL || cart == NULL) {
        free(notices);
        free(cart);
        cw_fail(err, CW_NOMEM, "no memory for an inbox");
        return NULL;
    }
    notices->inbox = (struct cw_inbox){ false, ask_list, ask_read, ask_finish, cancel, free_notices, NULL };
    notices->config = *config;
    notices->cart = cart;
    return &notices->inbox;
}
