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
    if (scheme.len == 0) {
        struct cw_store *store = cw_sqlite_open(config, err);
        if (store != NULL)
            store->loop = loop;
        return store;
    }
    if (cw_slice_is(scheme, "postgresql") || cw_slice_is(scheme, "postgres"))
        return cw_pg_open(config, loop, err);
    cw_fail(err, CW_USAGE,
            "this program has no store for \"%.*s://\"; give the path of a file, such as store.db, or "
            "postgresql://user@host/database",
            CW_SLICE_ARG(scheme)); /* never the whole of it: it may hold a password */
    return NULL;
}

const char *cw_store_id(const struct cw_store *store)
{
    return store->id;
}

bool cw_store_is_new(const struct cw_store *store)
{
    return store->is_new;
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

bool cw_store_fits(struct cw_slice text, const char *what, struct cw_error *err)
{
    return text.len <= CW_STORE_TEXT_MAX ||
           cw_fail(err, CW_LIMIT, "%s has %zu bytes; the store takes at most %d", what, text.len,
                   CW_STORE_TEXT_MAX);
}

bool cw_store_is_name(struct cw_slice name, const char *what, struct cw_error *err)
{
    return name.len > 0 ? cw_store_fits(name, what, err) : cw_fail(err, CW_USAGE, "%s is empty", what);
}

bool cw_store_settle(struct cw_txn *txn, bool ok, struct cw_slice record, struct cw_error *err)
{
    if (ok)
        return true;
    cw_store_fail_at(err, record);
    return cw_txn_lose(txn, err);
}

static bool is_key(struct cw_record_key key, struct cw_error *err)
{
    return cw_store_is_name(key.cart, "the cart's name", err) &&
           cw_store_is_name(key.stream, "the stream's name", err) &&
           cw_store_is_name(key.external_id, "the record's id", err);
}

static bool is_raw(const struct cw_raw *raw, struct cw_error *err)
{
    if (!is_key(raw->key, err) || !cw_store_fits(raw->bytes, "the record", err))
        return false;
    for (size_t i = 0; i < raw->part_count; i++)
        if (!cw_store_fits(raw->parts[i].bytes, "a part of the record", err))
            return false;
    return true;
}

static bool is_staged(const struct cw_staged *staged, struct cw_error *err)
{
    if (!is_key(staged->key, err) || !cw_store_fits(staged->document, "the staged document", err))
        return false;
    for (size_t i = 0; i < staged->issue_count; i++)
        if (!cw_store_fits(staged->issues[i].message, "the text of an issue", err) ||
            !cw_store_fits(staged->issues[i].subject, "the subject of an issue", err))
            return false;
    return true;
}

static bool is_release(const struct cw_release *release, struct cw_error *err)
{
    return cw_store_is_name(release->code, "the issue's code", err) &&
           cw_store_fits(release->field, "the issue's field", err) &&
           cw_store_fits(release->message, "the issue's text", err) &&
           cw_store_fits(release->who, "the name of who releases", err) &&
           cw_store_fits(release->reason, "the reason", err);
}

static bool is_filter(const struct cw_raw_filter *filter, struct cw_error *err)
{
    bool in_stream = filter->key.cart.len > 0 && filter->key.stream.len > 0;
    if (filter->after.len > 0 && !in_stream)
        return cw_fail(err, CW_USAGE, "records behind another are read in one stream; name cart and stream");
    return filter->subject.len == 0 || filter->code.len > 0 ||
           cw_fail(err, CW_USAGE, "the subject of an issue is looked for with its code");
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

static const struct cw_slice no_record = { "", 0 };

/* --- raw and staged records --- */

void cw_txn_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                     cw_raw_known_fn *found, void *arg)
{
    struct cw_error err;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_store_settle(txn, is_key(keys[i], &err), keys[i].external_id, &err);
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
    return cw_store_settle(txn, ok, raw->key.external_id, &err);
}

bool cw_txn_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                        struct cw_slice reason, struct cw_slice script_version)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok =
        is_key(key, &err) && txn->store->engine->set_outcome(txn, key, outcome, reason, script_version, &err);
    return cw_store_settle(txn, ok, key.external_id, &err);
}

void cw_store_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                       cw_store_done_fn *done, void *arg)
{
    struct cw_error err;
    if (is_filter(filter, &err))
        store->engine->read_raw(store, filter, row, done, arg);
    else
        done(arg, &err);
}

bool cw_txn_put_staged(struct cw_txn *txn, const struct cw_staged *staged)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_staged(staged, &err) && txn->store->engine->put_staged(txn, staged, &err);
    return cw_store_settle(txn, ok, staged->key.external_id, &err);
}

bool cw_txn_drop_staged(struct cw_txn *txn, struct cw_record_key key)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_key(key, &err) && txn->store->engine->drop_staged(txn, key, &err);
    return cw_store_settle(txn, ok, key.external_id, &err);
}

bool cw_txn_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_key(key, &err) && is_release(release, &err) &&
              txn->store->engine->put_release(txn, key, release, &err);
    return cw_store_settle(txn, ok, key.external_id, &err);
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
    bool ok = cw_store_is_name(cart, "the cart's name", &err) &&
              cw_store_is_name(stream, "the stream's name", &err) &&
              cw_store_fits(cursor->position, "the cursor's position", &err) &&
              txn->store->engine->put_cursor(txn, cart, stream, cursor, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

bool cw_txn_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream)
{
    struct cw_error err;
    return !txn->lost &&
           cw_store_settle(txn, txn->store->engine->reset_cursor(txn, cart, stream, &err), no_record, &err);
}

void cw_store_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                        cw_run_started_fn *started, void *arg)
{
    store->engine->start_run(store, fence, run, started, arg);
}

bool cw_txn_put_run(struct cw_txn *txn, const struct cw_run *run)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_run(run, &err) && cw_store_fits(run->message, "the run's message", &err) &&
              txn->store->engine->put_run(txn, run, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

bool cw_txn_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                         struct cw_record_key key)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = cw_store_fits(message, "the note", &err) &&
              txn->store->engine->put_run_note(txn, run, level, message, key, &err);
    return cw_store_settle(txn, ok, key.external_id, &err);
}

void cw_store_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                         cw_time time, cw_lease_fn *taken, void *arg)
{
    struct cw_error err;
    if (cw_store_is_name(name, "the lease's name", &err) &&
        cw_store_is_name(holder, "the lease's holder", &err))
        store->engine->take_lease(store, name, holder, token, time, taken, arg);
    else
        taken(arg, 0, &err);
}

void cw_store_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                         void *arg)
{
    store->engine->drop_lease(store, name, token, done, arg);
}

/* --- jobs, controls, notices --- */

static bool is_job(const struct cw_job *job, struct cw_error *err)
{
    return cw_store_fits(job->cart, "the cart's name", err) &&
           cw_store_is_name(job->name, "the job's name", err) &&
           cw_store_fits(job->schedule, "the job's schedule", err) &&
           cw_store_fits(job->message, "the job's message", err);
}

bool cw_txn_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count)
{
    struct cw_error err;
    bool ok = !txn->lost;
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_store_settle(txn, is_job(&jobs[i], &err), jobs[i].cart, &err);
    return ok && cw_store_settle(txn, txn->store->engine->plan_jobs(txn, jobs, count, &err), no_record, &err);
}

void cw_store_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                        void *arg)
{
    store->engine->read_jobs(store, cart, job, done, arg);
}

void cw_store_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                        cw_claim_fn *claimed, void *arg)
{
    if (lease_time > CW_LEASE_TIME_MAX)
        lease_time = CW_LEASE_TIME_MAX;
    store->engine->claim_job(store, holder, now, lease_time, claimed, arg);
}

bool cw_txn_end_job(struct cw_txn *txn, const struct cw_job *job)
{
    struct cw_error err;
    return !txn->lost &&
           cw_store_settle(txn, is_job(job, &err) && txn->store->engine->end_job(txn, job, &err), job->cart,
                           &err);
}

bool cw_txn_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at)
{
    struct cw_error err;
    return !txn->lost &&
           cw_store_settle(txn, txn->store->engine->wake_job(txn, cart, name, at, &err), cart, &err);
}

bool cw_store_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err)
{
    return store->engine->listen(store, heard, arg, err);
}

bool cw_txn_put_control(struct cw_txn *txn, const struct cw_control *control)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = cw_store_is_name(control->cart, "the cart's name", &err) &&
              cw_store_fits(control->why, "the reason", &err) &&
              txn->store->engine->put_control(txn, control, &err);
    return cw_store_settle(txn, ok, control->cart, &err);
}

void cw_store_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                            cw_store_done_fn *done, void *arg)
{
    store->engine->read_controls(store, cart, control, done, arg);
}

void cw_txn_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put, void *arg)
{
    struct cw_error err;
    bool ok = txn->lost || (cw_store_is_name(webhook->cart, "the cart's name", &err) &&
                            cw_store_is_name(webhook->delivery_id, "the delivery's id", &err) &&
                            cw_store_fits(webhook->bytes, "the notice", &err));
    if (!ok)
        cw_store_settle(txn, false, webhook->delivery_id, &err);
    if (txn->lost)
        put(arg, false, &txn->error);
    else
        txn->store->engine->put_webhook(txn, webhook, put, arg);
}

void cw_txn_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg)
{
    if (txn->lost)
        pruned(arg, 0, &txn->error);
    else
        txn->store->engine->prune(txn, prune, pruned, arg);
}

/* --- tables, state, users, audit --- */

void cw_store_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                          cw_store_done_fn *done, void *arg)
{
    store->engine->read_tables(store, cart, entry, done, arg);
}

bool cw_txn_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_slice value)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = (cart.len == 0 || cw_store_is_name(cart, "the cart's name", &err)) &&
              cw_store_is_name(table, "the table's name", &err) &&
              cw_store_fits(key, "the table's key", &err) &&
              cw_store_fits(value, "the table's value", &err) &&
              txn->store->engine->put_table_row(txn, cart, table, key, value, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

bool cw_txn_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                           struct cw_slice key)
{
    struct cw_error err;
    return !txn->lost && cw_store_settle(txn, txn->store->engine->drop_table_row(txn, cart, table, key, &err),
                                         no_record, &err);
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
    bool ok = cw_store_fits(cart, "the cart's name", &err) && cw_store_is_name(key, "the key", &err) &&
              cw_store_fits(value, "the value", &err) &&
              txn->store->engine->put_state(txn, cart, key, value, &err);
    return cw_store_settle(txn, ok, no_record, &err);
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
    bool ok = cw_store_is_name(name, "the user's name", &err) &&
              cw_store_is_name(password_hash, "the password's hash", &err) &&
              txn->store->engine->put_user(txn, name, password_hash, groups, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

bool cw_txn_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                  struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = cw_store_fits(before, "the value before", &err) &&
              cw_store_fits(after, "the value after", &err) && cw_store_fits(reason, "the reason", &err) &&
              txn->store->engine->audit(txn, who, action, object, before, after, reason, at, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

void cw_store_query(struct cw_store *store, const char *sql, const struct cw_slice *params,
                    size_t param_count, cw_query_row_fn *row, cw_store_done_fn *done, void *arg)
{
    store->engine->query(store, sql, params, param_count, row, done, arg);
}
