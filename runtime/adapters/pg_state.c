/* pg_state.c - what people and scripts keep: translation tables, state of scripts, users, the audit trail. */
#include <stdlib.h>

#include "adapters/pg_engine.h"

/* --- translation tables --- */

static const char upsert_table_row[] =
    "INSERT INTO tables (cart, table_name, key, value, changed_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (cart, table_name, key) DO UPDATE SET value = excluded.value, changed_at = "
    "excluded.changed_at";
static const char delete_table_row[] = "DELETE FROM tables WHERE cart = $1 AND table_name = $2 AND key = $3";
static const char select_rows[] = "SELECT cart, table_name, key, value, changed_at FROM tables "
                                  "WHERE $1 = '' OR cart = $1 ORDER BY cart, table_name, key";

bool cw_pg_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table, struct cw_slice key,
                         struct cw_slice value, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), upsert_table_row,
                     CW_BINDS(cw_bind_text(cart), cw_bind_text(table), cw_bind_text(key), cw_bind_text(value),
                              cw_bind_time(cw_now(txn->store->clock))),
                     err);
}

bool cw_pg_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), delete_table_row,
                     CW_BINDS(cw_bind_text(cart), cw_bind_text(table), cw_bind_text(key)), err);
}

struct reading {
    cw_table_entry_fn *entry;
    cw_store_done_fn *done;
    void *arg;
};

static void hand_out(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    free(arg);
    for (int i = 0; err == NULL && i < PQntuples(result); i++) {
        struct cw_table_entry each = { .cart = cw_pg_slice(result, i, 0),
                                       .table = cw_pg_slice(result, i, 1),
                                       .key = cw_pg_slice(result, i, 2),
                                       .value = cw_pg_slice(result, i, 3),
                                       .changed_at = cw_pg_time(result, i, 4) };
        if (!reading.entry(reading.arg, &each))
            break;
    }
    reading.done(reading.arg, err);
}

void cw_pg_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                       cw_store_done_fn *done, void *arg)
{
    struct reading *reading = malloc(sizeof *reading);
    const struct cw_bind of = cw_bind_text(cart);
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read tables");
    if (ok) {
        *reading = (struct reading){ entry, done, arg };
        ok = cw_pg_send(cw_pg_of(store), select_rows, &of, 1, hand_out, reading, &err);
    }
    if (ok)
        return;
    free(reading);
    done(arg, &err);
}

/* --- state of scripts --- */

static const char select_state[] = "SELECT value FROM state WHERE cart = $1 AND key = $2";
static const char upsert_state[] = CW_PG_MUST(
    "INSERT INTO state (cart, key, value, changed_at) SELECT $1, $2, $3, $4 "
    "WHERE (SELECT count(*) FROM state WHERE cart = $1 AND key <> $2 AND key NOT LIKE '" CW_STATE_OWN
    "%') < $5 "
    "ON CONFLICT (cart, key) DO UPDATE SET value = excluded.value, "
    "changed_at = excluded.changed_at RETURNING 1");
static const char delete_state[] = "DELETE FROM state WHERE cart = $1 AND key = $2";

struct finding {
    cw_state_fn *found;
    cw_user_fn *user; /* of the two the one that is asked for */
    void *arg;
};

static void note_state(void *arg, PGresult *result, const struct cw_error *err)
{
    struct finding finding = *(struct finding *)arg;
    free(arg);
    bool is_there = err == NULL && PQntuples(result) == 1;
    finding.found(finding.arg, is_there ? cw_pg_slice(result, 0, 0) : (struct cw_slice){ NULL, 0 }, err);
}

void cw_pg_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key, cw_state_fn *found,
                     void *arg)
{
    struct finding *finding = malloc(sizeof *finding);
    struct cw_error err;
    bool ok = finding != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read state");
    if (ok) {
        *finding = (struct finding){ .found = found, .arg = arg };
        ok = cw_pg_send(cw_pg_of(store), select_state, CW_BINDS(cw_bind_text(cart), cw_bind_text(key)),
                        note_state, finding, &err);
    }
    if (ok)
        return;
    free(finding);
    found(arg, (struct cw_slice){ NULL, 0 }, &err);
}

bool cw_pg_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value,
                     struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_error full;
    int64_t most = cw_state_is_own(key) ? INT64_MAX : CW_STATE_KEYS_MAX;
    if (value.data == NULL)
        return cw_pg_run(pg, delete_state, CW_BINDS(cw_bind_text(cart), cw_bind_text(key)), err);
    cw_fail(&full, CW_LIMIT, "cart %.*s remembers %d keys already, and no more; let it forget some",
            CW_SLICE_ARG(cart), CW_STATE_KEYS_MAX);
    return cw_pg_send_one(pg, upsert_state,
                          CW_BINDS(cw_bind_text(cart), cw_bind_text(key), cw_bind_text(value),
                                   cw_bind_time(cw_now(txn->store->clock)), cw_bind_int(most)),
                          &full, err);
}

/* --- users --- */

static const char select_user[] = "SELECT password_hash, user_groups FROM users WHERE name = $1";
static const char upsert_user[] =
    "INSERT INTO users (name, password_hash, user_groups, changed_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, user_groups = "
    "excluded.user_groups, changed_at = excluded.changed_at";

static void note_user(void *arg, PGresult *result, const struct cw_error *err)
{
    struct finding finding = *(struct finding *)arg;
    const struct cw_slice none = { NULL, 0 };
    free(arg);
    bool is_there = err == NULL && PQntuples(result) == 1;
    finding.user(finding.arg, is_there ? cw_pg_slice(result, 0, 0) : none,
                 is_there ? cw_pg_slice(result, 0, 1) : none, err);
}

void cw_pg_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg)
{
    struct finding *finding = malloc(sizeof *finding);
    const struct cw_slice none = { NULL, 0 };
    const struct cw_bind of = cw_bind_text(name);
    struct cw_error err;
    bool ok = finding != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read a user");
    if (ok) {
        *finding = (struct finding){ .user = found, .arg = arg };
        ok = cw_pg_send(cw_pg_of(store), select_user, &of, 1, note_user, finding, &err);
    }
    if (ok)
        return;
    free(finding);
    found(arg, none, none, &err);
}

bool cw_pg_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                    struct cw_slice groups, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), upsert_user,
                     CW_BINDS(cw_bind_text(name), cw_bind_text(password_hash), cw_bind_text(groups),
                              cw_bind_time(cw_now(txn->store->clock))),
                     err);
}

/* --- audit --- */

static const char insert_audit[] = "INSERT INTO audit (happened_at, who, action, object, value_before, "
                                   "value_after, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)";

bool cw_pg_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                 struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at,
                 struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), insert_audit,
                     CW_BINDS(cw_bind_time(at), cw_bind_text(who), cw_bind_text(action), cw_bind_text(object),
                              cw_bind_text(before), cw_bind_text(after), cw_bind_text(reason)),
                     err);
}
