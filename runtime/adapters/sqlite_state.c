/* sqlite_state.c - what people and scripts keep: translation tables, state of scripts, users, the audit
 * trail. */
#include "adapters/sqlite_engine.h"

/* --- translation tables --- */

static const char upsert_table_row[] =
    "INSERT INTO tables (cart, table_name, key, value, changed_at) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (cart, table_name, key) DO UPDATE SET value = excluded.value, changed_at = "
    "excluded.changed_at";
static const char delete_table_row[] = "DELETE FROM tables WHERE cart = ?1 AND table_name = ?2 AND key = ?3";

bool cw_sqlite_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                             struct cw_slice key, struct cw_slice value, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), upsert_table_row,
                         CW_BINDS(cw_bind_text(cart), cw_bind_text(table), cw_bind_text(key),
                                  cw_bind_text(value), cw_bind_time(cw_now(txn->store->clock))),
                         err);
}

bool cw_sqlite_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                              struct cw_slice key, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), delete_table_row,
                         CW_BINDS(cw_bind_text(cart), cw_bind_text(table), cw_bind_text(key)), err);
}

#define TABLE_ROWS "SELECT cart, table_name, key, value, changed_at FROM tables "
static const char select_all_rows[] = TABLE_ROWS "ORDER BY cart, table_name, key";
static const char select_cart_rows[] = TABLE_ROWS "WHERE cart = ?1 ORDER BY table_name, key";

static struct cw_table_entry entry_of(sqlite3_stmt *row)
{
    return (struct cw_table_entry){ .cart = cw_sqlite_slice(row, 0),
                                    .table = cw_sqlite_slice(row, 1),
                                    .key = cw_sqlite_slice(row, 2),
                                    .value = cw_sqlite_slice(row, 3),
                                    .changed_at = cw_sqlite_time(row, 4) };
}

/* A statement of its own, so that an entry's reader may read tables itself. */
void cw_sqlite_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                           cw_store_done_fn *done, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    const struct cw_bind only = cw_bind_text(cart);
    struct cw_error err;
    sqlite3_stmt *row = NULL;
    bool ok = sqlite3_prepare_v2(s->db, cart.len > 0 ? select_cart_rows : select_all_rows, -1, &row, NULL) ==
                  SQLITE_OK ||
              cw_sqlite_fail(s, &err);
    ok = ok && (cart.len == 0 || cw_sqlite_bind(s, row, 1, &only, &err));
    enum cw_row found = ok ? cw_sqlite_next(s, row, &err) : CW_ROW_FAILED;
    while (found == CW_ROW_FOUND) {
        const struct cw_table_entry read = entry_of(row);
        if (!entry(arg, &read))
            break;
        found = cw_sqlite_next(s, row, &err);
    }
    sqlite3_finalize(row);
    done(arg, found == CW_ROW_FAILED ? &err : NULL);
}

/* --- state of scripts --- */

static const char select_state[] = "SELECT value FROM state WHERE cart = ?1 AND key = ?2";
static const char upsert_state[] = "INSERT INTO state (cart, key, value, changed_at) VALUES (?1, ?2, ?3, ?4) "
                                   "ON CONFLICT (cart, key) DO UPDATE SET value = excluded.value, "
                                   "changed_at = excluded.changed_at";
static const char count_state[] =
    "SELECT count(*) FROM state WHERE cart = ?1 AND key <> ?2 AND key NOT LIKE '" CW_STATE_OWN "%'";
static const char delete_state[] = "DELETE FROM state WHERE cart = ?1 AND key = ?2";

/* Copies a column out of a row that is about to be reset. */
static bool copy_column(sqlite3_stmt *row, int column, struct cw_buffer *out, struct cw_error *err)
{
    struct cw_slice text = cw_sqlite_slice(row, column);
    return cw_buffer_add(out, text.data, text.len, err);
}

void cw_sqlite_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key,
                         cw_state_fn *found, void *arg)
{
    struct cw_buffer value = { 0 };
    struct cw_error err;
    sqlite3_stmt *row;
    enum cw_row state = cw_sqlite_find(cw_sqlite_of(store), select_state,
                                       CW_BINDS(cw_bind_text(cart), cw_bind_text(key)), &row, &err);
    if (state == CW_ROW_FOUND) {
        if (!copy_column(row, 0, &value, &err))
            state = CW_ROW_FAILED;
        sqlite3_reset(row);
    }
    found(arg, state == CW_ROW_FOUND ? cw_buffer_slice(&value) : (struct cw_slice){ NULL, 0 },
          state == CW_ROW_FAILED ? &err : NULL);
    cw_buffer_fini(&value);
}

static bool check_state_count(struct cw_sqlite *s, struct cw_slice cart, struct cw_slice key,
                              struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row state =
        cw_sqlite_find(s, count_state, CW_BINDS(cw_bind_text(cart), cw_bind_text(key)), &row, err);
    if (state == CW_ROW_FAILED)
        return false;
    int64_t others = state == CW_ROW_FOUND ? sqlite3_column_int64(row, 0) : 0;
    if (state == CW_ROW_FOUND)
        sqlite3_reset(row);
    return others < CW_STATE_KEYS_MAX ||
           cw_fail(err, CW_LIMIT, "cart %.*s remembers %d keys already, and no more; let it forget some",
                   CW_SLICE_ARG(cart), CW_STATE_KEYS_MAX);
}

bool cw_sqlite_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value,
                         struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    if (value.data == NULL)
        return cw_sqlite_run(s, delete_state, CW_BINDS(cw_bind_text(cart), cw_bind_text(key)), err);
    return (cw_state_is_own(key) || check_state_count(s, cart, key, err)) &&
           cw_sqlite_run(s, upsert_state,
                         CW_BINDS(cw_bind_text(cart), cw_bind_text(key), cw_bind_text(value),
                                  cw_bind_time(cw_now(s->store.clock))),
                         err);
}

/* --- users --- */

static const char select_user[] = "SELECT password_hash, user_groups FROM users WHERE name = ?1";
static const char upsert_user[] =
    "INSERT INTO users (name, password_hash, user_groups, changed_at) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, user_groups = "
    "excluded.user_groups, "
    "changed_at = excluded.changed_at";

void cw_sqlite_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg)
{
    struct cw_buffer hash = { 0 }, groups = { 0 };
    const struct cw_slice none = { NULL, 0 };
    struct cw_error err;
    sqlite3_stmt *row;
    enum cw_row user =
        cw_sqlite_find(cw_sqlite_of(store), select_user, CW_BINDS(cw_bind_text(name)), &row, &err);
    if (user == CW_ROW_FOUND) {
        if (!copy_column(row, 0, &hash, &err) || !copy_column(row, 1, &groups, &err))
            user = CW_ROW_FAILED;
        sqlite3_reset(row);
    }
    if (user == CW_ROW_FOUND)
        found(arg, cw_buffer_slice(&hash), cw_buffer_slice(&groups), NULL);
    else
        found(arg, none, none, user == CW_ROW_FAILED ? &err : NULL);
    cw_buffer_fini(&hash);
    cw_buffer_fini(&groups);
}

bool cw_sqlite_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                        struct cw_slice groups, struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), upsert_user,
                         CW_BINDS(cw_bind_text(name), cw_bind_text(password_hash), cw_bind_text(groups),
                                  cw_bind_time(cw_now(txn->store->clock))),
                         err);
}

/* --- audit --- */

static const char insert_audit[] = "INSERT INTO audit (happened_at, who, action, object, value_before, "
                                   "value_after, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

bool cw_sqlite_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                     struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at,
                     struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), insert_audit,
                         CW_BINDS(cw_bind_time(at), cw_bind_text(who), cw_bind_text(action),
                                  cw_bind_text(object), cw_bind_text(before), cw_bind_text(after),
                                  cw_bind_text(reason)),
                         err);
}
