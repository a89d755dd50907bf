/* store.c - the store's front: chooses the engine, checks what callers give, hands it on. See store.h. */
#include "adapters/store_engine.h"

/* "postgresql" of "postgresql://host/db"; empty for a path. */
static struct cw_slice scheme_of(const char *uri)
{
    const char *end = strstr(uri, "://");
    return (struct cw_slice){ uri, end != NULL ? (size_t)(end - uri) : 0 };
}

struct cw_store *cw_store_open(const struct cw_store_config *config, struct cw_loop *loop,
                               struct cw_error *err)
{
    struct cw_slice scheme = scheme_of(config->uri);
    (void)loop; /* for engines that answer later */
    if (scheme.len == 0)
        return cw_sqlite_open(config, err);
    cw_fail(err, CW_USAGE,
            "this program has no store for \"%.*s://\"; give the path of a file, such as store.db",
            CW_SLICE_ARG(scheme)); /* never the whole of it: it may hold a password */
    return NULL;
}

void cw_store_wait(struct cw_store *store)
{
    store->engine->wait(store);
}

bool cw_store_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err)
{
    return store->engine->check(store, report, err);
}

/* --- what callers give --- */

static bool fits(struct cw_slice text, const char *what, struct cw_error *err)
{
    return text.len <= CW_STORE_TEXT_MAX ||
           cw_fail(err, CW_LIMIT, "%s has %zu bytes; the store takes at most %d", what, text.len,
                   CW_STORE_TEXT_MAX);
}

static bool is_name(struct cw_slice name, const char *what, struct cw_error *err)
{
    return name.len > 0 ? fits(name, what, err) : cw_fail(err, CW_USAGE, "%s is empty", what);
}

static bool is_key(struct cw_record_key key, struct cw_error *err)
{
    return is_name(key.cart, "the cart's name", err) && is_name(key.stream, "the stream's name", err) &&
           is_name(key.external_id, "the record's id", err);
}

static bool is_raw(const struct cw_raw *raw, struct cw_error *err)
{
    if (!is_key(raw->key, err) || !fits(raw->bytes, "the record", err))
        return false;
    for (size_t i = 0; i < raw->part_count; i++)
        if (!fits(raw->parts[i].bytes, "a part of the record", err))
            return false;
    return true;
}

static bool is_staged(const struct cw_staged *staged, struct cw_error *err)
{
    if (!is_key(staged->key, err) || !fits(staged->document, "the staged document", err))
        return false;
    for (size_t i = 0; i < staged->issue_count; i++)
        if (!fits(staged->issues[i].message, "the text of an issue", err))
            return false;
    return true;
}

static bool is_document(struct cw_slice cart, const struct cw_document *doc, struct cw_error *err)
{
    if (!doc->kind->is_document)
        return cw_fail(err, CW_USAGE, "a record of kind %s is stored only inside a document",
                       doc->kind->name);
    return is_name(cart, "the cart's name", err) && is_name(doc->external_id, "the document's id", err);
}

/* each record that was read is accounted for. */
static bool is_run(const struct cw_run *run, struct cw_error *err)
{
    const struct cw_run_counts *c = &run->counts;
    uint64_t sum = c->posted + c->unchanged + c->parked + c->skipped;
    if (run->state != CW_RUN_DONE || c->read == sum)
        return true;
    return cw_fail(
        err, CW_INVALID,
        "run %lld read %llu records but accounts for %llu; this is a fault of the program, please report it",
        (long long)run->id, (unsigned long long)c->read, (unsigned long long)sum);
}

/* Ends a put: true stays true, false loses the transaction, naming the record. */
static bool settle(struct cw_txn *txn, bool ok, struct cw_slice record, struct cw_error *err)
{
    char name[CW_ERROR_NAME_MAX];
    if (ok)
        return true;
    if (record.len > 0 && err->record[0] == '\0') {
        size_t len = record.len < sizeof name ? record.len : sizeof name - 1;
        memcpy(name, record.data, len);
        name[len] = '\0';
        cw_fail_at(err, name, NULL, NULL);
    }
    return cw_txn_lose(txn, err);
}

static const struct cw_slice no_record = { "", 0 };

/* --- raw and staged records, documents --- */

void cw_txn_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                     cw_raw_known_fn *found, void *arg)
{
    struct cw_error err;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = settle(txn, is_key(keys[i], &err), keys[i].external_id, &err);
    if (txn->lost)
        found(arg, NULL, 0, &txn->error);
    else
        txn->store->engine->find_raw(txn, keys, count, found, arg);
}

bool cw_txn_put_raw(struct cw_txn *txn, const struct cw_raw *raw)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_raw(raw, &err) && txn->store->engine->put_raw(txn, raw, &err);
    return settle(txn, ok, raw->key.external_id, &err);
}

bool cw_txn_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                        struct cw_slice reason, struct cw_slice script_version)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok =
        is_key(key, &err) && txn->store->engine->set_outcome(txn, key, outcome, reason, script_version, &err);
    return settle(txn, ok, key.external_id, &err);
}

void cw_store_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                       cw_store_done_fn *done, void *arg)
{
    store->engine->read_raw(store, filter, row, done, arg);
}

bool cw_txn_put_staged(struct cw_txn *txn, const struct cw_staged *staged)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_staged(staged, &err) && txn->store->engine->put_staged(txn, staged, &err);
    return settle(txn, ok, staged->key.external_id, &err);
}

bool cw_txn_drop_staged(struct cw_txn *txn, struct cw_record_key key)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_key(key, &err) && txn->store->engine->drop_staged(txn, key, &err);
    return settle(txn, ok, key.external_id, &err);
}

bool cw_txn_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                         int64_t run)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_document(cart, doc, &err) && txn->store->engine->put_document(txn, cart, doc, at, run, &err);
    return settle(txn, ok, doc->external_id, &err);
}

/* --- cursors, runs, leases --- */

void cw_store_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                         cw_cursor_fn *found, void *arg)
{
    store->engine->get_cursor(store, cart, stream, found, arg);
}

bool cw_txn_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                       const struct cw_cursor *cursor)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_name(cart, "the cart's name", &err) && is_name(stream, "the stream's name", &err) &&
              fits(cursor->position, "the cursor's position", &err) &&
              txn->store->engine->put_cursor(txn, cart, stream, cursor, &err);
    return settle(txn, ok, no_record, &err);
}

bool cw_txn_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream)
{
    struct cw_error err;
    return !txn->lost &&
           settle(txn, txn->store->engine->reset_cursor(txn, cart, stream, &err), no_record, &err);
}

void cw_store_start_run(struct cw_store *store, const struct cw_run *run, cw_run_started_fn *started,
                        void *arg)
{
    store->engine->start_run(store, run, started, arg);
}

bool cw_txn_put_run(struct cw_txn *txn, const struct cw_run *run)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_run(run, &err) && fits(run->message, "the run's message", &err) &&
              txn->store->engine->put_run(txn, run, &err);
    return settle(txn, ok, no_record, &err);
}

bool cw_txn_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                         struct cw_record_key key)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = fits(message, "the note", &err) &&
              txn->store->engine->put_run_note(txn, run, level, message, key, &err);
    return settle(txn, ok, key.external_id, &err);
}

void cw_store_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                         cw_time time, cw_lease_fn *taken, void *arg)
{
    struct cw_error err;
    if (is_name(name, "the lease's name", &err) && is_name(holder, "the lease's holder", &err))
        store->engine->take_lease(store, name, holder, token, time, taken, arg);
    else
        taken(arg, 0, &err);
}

void cw_store_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                         void *arg)
{
    store->engine->drop_lease(store, name, token, done, arg);
}

/* --- outbox, tables, state, users, audit --- */

bool cw_txn_put_message(struct cw_txn *txn, const struct cw_message *message)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_key(message->key, &err) && fits(message->payload, "the message", &err) &&
              txn->store->engine->put_message(txn, message, &err);
    return settle(txn, ok, message->key.external_id, &err);
}

bool cw_txn_set_message(struct cw_txn *txn, int64_t id, enum cw_message_state state, struct cw_slice error)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = fits(error, "the message's error", &err) &&
              txn->store->engine->set_message(txn, id, state, error, &err);
    return settle(txn, ok, no_record, &err);
}

bool cw_txn_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_slice value)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_name(cart, "the cart's name", &err) && is_name(table, "the table's name", &err) &&
              fits(key, "the table's key", &err) && fits(value, "the table's value", &err) &&
              txn->store->engine->put_table_row(txn, cart, table, key, value, &err);
    return settle(txn, ok, no_record, &err);
}

bool cw_txn_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                           struct cw_slice key)
{
    struct cw_error err;
    return !txn->lost &&
           settle(txn, txn->store->engine->drop_table_row(txn, cart, table, key, &err), no_record, &err);
}

void cw_store_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key, cw_state_fn *found,
                        void *arg)
{
    store->engine->get_state(store, cart, key, found, arg);
}

bool cw_txn_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_name(cart, "the cart's name", &err) && is_name(key, "the key", &err) &&
              fits(value, "the value", &err) && txn->store->engine->put_state(txn, cart, key, value, &err);
    return settle(txn, ok, no_record, &err);
}

void cw_store_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg)
{
    store->engine->get_user(store, name, found, arg);
}

bool cw_txn_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                     struct cw_slice groups)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_name(name, "the user's name", &err) && is_name(password_hash, "the password's hash", &err) &&
              txn->store->engine->put_user(txn, name, password_hash, groups, &err);
    return settle(txn, ok, no_record, &err);
}

bool cw_txn_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                  struct cw_slice before, struct cw_slice after, cw_time at)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = fits(before, "the value before", &err) && fits(after, "the value after", &err) &&
              txn->store->engine->audit(txn, who, action, object, before, after, at, &err);
    return settle(txn, ok, no_record, &err);
}

void cw_store_query(struct cw_store *store, const char *sql, const struct cw_slice *params,
                    size_t param_count, cw_query_row_fn *row, cw_store_done_fn *done, void *arg)
{
    store->engine->query(store, sql, params, param_count, row, done, arg);
}
