/* tables.c - the changing half of tables.h: one transaction, in which the carts are tried before it is kept.
 */
#include "cli/tables.h"

#include <stdio.h>
#include <string.h>

#include "cli/again.h"
#include "cli/who.h"

struct cw_cli_change *cw_cli_change_create(const char *cart, const char *table, const char *key,
                                           const char *value)
{
    struct cw_cli_change *change = g_new0(struct cw_cli_change, 1);
    change->cart = g_strdup(cart);
    change->table = g_strdup(table);
    change->key = g_strdup(key);
    change->value = g_strdup(value);
    return change;
}

void cw_cli_change_free(gpointer data)
{
    struct cw_cli_change *change = data;
    g_free(change->cart);
    g_free(change->table);
    g_free(change->key);
    g_free(change->value);
    g_free(change->where);
    g_free(change->before);
    g_free(change);
}

/* A cart that the changes concern. */
struct tried {
    const char *name;
    GHashTable *tables; /* names of those it has without the changes; NULL: it does not open without them */
};

struct changing {
    struct cw_cli *cli;
    const GPtrArray *changes;
    const char *action;
    struct tried *carts;
    size_t cart_count;
};

/* Names the change that is at fault. Always false. */
static bool fail_at(const struct cw_cli_change *change, struct cw_error *err)
{
    return change->where != NULL ? cw_fail_in(err, "%s", change->where)
                                 : cw_fail_in(err, "table %s, key \"%s\"", change->table, change->key);
}

/* --- carts --- */

static bool concerns(const GPtrArray *changes, const char *cart)
{
    for (guint i = 0; i < changes->len; i++) {
        const struct cw_cli_change *change = g_ptr_array_index(changes, i);
        if (change->cart[0] == '\0' || strcmp(change->cart, cart) == 0)
            return true;
    }
    return false;
}

static void take_name(void *arg, const struct cw_lua_table_row *row)
{
    g_hash_table_add(arg, g_strndup(row->table.data, row->table.len));
}

/* The names of its tables; NULL and *err when it does not open. */
static GHashTable *open_cart(struct cw_cli *cli, const char *name, struct cw_error *err)
{
    GHashTable *tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct cw_session *session = cw_cli_session(cli, name, true, err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, err) : NULL;
    if (cart == NULL || !cw_lua_cart_read_tables(cart, take_name, tables, err))
        g_clear_pointer(&tables, g_hash_table_unref);
    cw_session_close(session);
    return tables;
}

static void find_carts(struct changing *changing)
{
    const struct cw_site_config *config = &changing->cli->site->config;
    struct cw_error ignored;
    changing->carts = g_new0(struct tried, config->cart_count);
    for (size_t i = 0; i < config->cart_count; i++)
        if (concerns(changing->changes, config->carts[i].name))
            changing->carts[changing->cart_count++] =
                (struct tried){ config->carts[i].name,
                                open_cart(changing->cli, config->carts[i].name, &ignored) };
}

static void forget_carts(struct changing *changing)
{
    for (size_t i = 0; i < changing->cart_count; i++)
        if (changing->carts[i].tables != NULL)
            g_hash_table_unref(changing->carts[i].tables);
    g_free(changing->carts);
}

/* "fulfilment, status" */
static char *table_names(const struct changing *changing)
{
    GString *names = g_string_new(NULL);
    GHashTable *all = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < changing->cart_count; i++) {
        GHashTableIter each;
        gpointer name;
        if (changing->carts[i].tables == NULL)
            continue;
        g_hash_table_iter_init(&each, changing->carts[i].tables);
        while (g_hash_table_iter_next(&each, &name, NULL))
            g_hash_table_add(all, name);
    }
    GList *sorted = g_list_sort(g_hash_table_get_keys(all), (GCompareFunc)strcmp);
    for (const GList *name = sorted; name != NULL; name = name->next)
        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", (const char *)name->data);
    g_list_free(sorted);
    g_hash_table_unref(all);
    return g_string_free(names, FALSE);
}

/* A cart that does not open without the changes may need just these rows: then only opening it will tell. */
static bool is_known(const struct changing *changing, const struct cw_cli_change *change)
{
    for (size_t i = 0; i < changing->cart_count; i++) {
        const struct tried *cart = &changing->carts[i];
        if ((change->cart[0] == '\0' || strcmp(change->cart, cart->name) == 0) &&
            (cart->tables == NULL || g_hash_table_contains(cart->tables, change->table)))
            return true;
    }
    return false;
}

static bool check_names(const struct changing *changing, struct cw_error *err)
{
    for (guint i = 0; i < changing->changes->len; i++) {
        const struct cw_cli_change *change = g_ptr_array_index(changing->changes, i);
        if (change->is_drop || is_known(changing, change))
            continue;
        char *names = table_names(changing);
        cw_fail(err, CW_USAGE, "%s%s has no table \"%s\"; there %s %s",
                change->cart[0] != '\0' ? "cart " : "", change->cart[0] != '\0' ? change->cart : "no cart",
                change->table, names[0] != '\0' ? "are" : "is none", names);
        g_free(names);
        return fail_at(change, err);
    }
    return true;
}

/* Every cart that opened before must open with the changes; a single one must in any case. */
static bool try_carts(const struct changing *changing, struct cw_error *err)
{
    for (size_t i = 0; i < changing->cart_count; i++) {
        struct cw_error refused;
        GHashTable *tables = open_cart(changing->cli, changing->carts[i].name, &refused);
        if (tables != NULL) {
            g_hash_table_unref(tables);
        } else if (changing->carts[i].tables != NULL || changing->cart_count == 1) {
            *err = refused;
            return false;
        }
    }
    return true;
}

/* --- the transaction --- */

struct waited { /* an answer of the store, which is here once cw_store_wait returns */
    struct cw_txn *txn;
    bool ok;
    struct cw_error err;
};

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct waited *waited = arg;
    waited->txn = txn;
    if (err != NULL)
        waited->err = *err;
}

static void committed(void *arg, const struct cw_error *err)
{
    struct waited *waited = arg;
    waited->ok = err == NULL;
    if (err != NULL)
        waited->err = *err;
}

/* The rows of all carts that the changes concern, as they are now; NULL and *err on failure. */
static GPtrArray *read_before(const struct changing *changing, struct cw_error *err)
{
    GPtrArray *all = NULL;
    for (size_t i = 0; i < changing->cart_count; i++) {
        GPtrArray *rows = cw_cli_stored_rows(changing->cli, changing->carts[i].name, err);
        if (rows == NULL && all != NULL)
            g_ptr_array_unref(all);
        if (rows == NULL)
            return NULL;
        if (all == NULL)
            all = rows;
        else
            g_ptr_array_extend_and_steal(all, rows);
    }
    return all;
}

static bool find_before(GHashTable *index, struct cw_cli_change *change, struct cw_error *err)
{
    const struct cw_cli_row *row = cw_cli_find_row(index, change->cart, change->table, change->key);
    g_clear_pointer(&change->before, g_free);
    change->was_set = row != NULL;
    change->before = row != NULL ? g_strdup(row->value) : NULL;
    change->is_changed = change->is_drop || row == NULL || g_strcmp0(row->value, change->value) != 0;
    if (!change->is_drop || row != NULL)
        return true;
    cw_fail(err, CW_NOT_FOUND,
            "no such row is set in the store; a row of the script is replaced by: cartwright table set");
    return fail_at(change, err);
}

/* What the audit trail says of a row: "" = there is none. */
static struct cw_slice audit_text(bool is_set, const char *value)
{
    return cw_slice(!is_set ? "" : value != NULL ? value : "(no value)");
}

static bool put_change(const struct changing *changing, struct cw_txn *txn,
                       const struct cw_cli_change *change)
{
    struct cw_slice cart = cw_slice(change->cart), table = cw_slice(change->table),
                    key = cw_slice(change->key);
    char *object =
        g_strdup_printf("%s %s %s", change->cart[0] != '\0' ? change->cart : "*", change->table, change->key);
    bool ok = change->is_drop ? cw_txn_drop_table_row(txn, cart, table, key)
                              : cw_txn_put_table_row(txn, cart, table, key,
                                                     cw_slice(change->value != NULL ? change->value : ""));
    ok = ok && cw_txn_audit(txn, cw_slice(cw_cli_who()), cw_slice(changing->action), cw_slice(object),
                            audit_text(change->was_set, change->before),
                            audit_text(!change->is_drop, change->value), cw_slice(""),
                            cw_now(cw_loop_clock(changing->cli->loop)));
    g_free(object);
    return ok;
}

static bool put_changes(const struct changing *changing, struct cw_txn *txn, guint count,
                        struct cw_error *err)
{
    GPtrArray *rows = read_before(changing, err);
    if (rows == NULL)
        return false;
    GHashTable *index = cw_cli_index_rows(rows);
    bool ok = true;
    for (guint i = 0; i < count && ok; i++) {
        struct cw_cli_change *change = g_ptr_array_index(changing->changes, i);
        ok = find_before(index, change, err);
        if (ok && change->is_changed && !put_change(changing, txn, change)) {
            *err = *cw_txn_error(txn);
            ok = false;
        }
    }
    g_hash_table_unref(index);
    g_ptr_array_unref(rows);
    return ok;
}

enum outcome { APPLIED, REFUSED /* by a cart */, FAILED };

/* The first `count` changes, tried, and kept where `keep` says so. */
static enum outcome apply(const struct changing *changing, guint count, bool keep, struct cw_error *err)
{
    struct cw_store *store = changing->cli->store;
    struct waited waited = { .ok = true };
    cw_txn_begin(store, (struct cw_fence){ 0 }, begun, &waited);
    cw_store_wait(store);
    if (waited.txn == NULL) {
        *err = waited.err;
        return FAILED;
    }
    enum outcome outcome = FAILED;
    if (put_changes(changing, waited.txn, count, err))
        outcome = try_carts(changing, err) ? APPLIED : REFUSED;
    if (outcome != APPLIED || !keep) {
        cw_txn_rollback(waited.txn);
        return outcome;
    }
    cw_txn_commit(waited.txn, committed, &waited);
    cw_store_wait(store);
    if (!waited.ok)
        *err = waited.err;
    return waited.ok ? APPLIED : FAILED;
}

/* The carts refuse all changes together: names the first one with which they do. */
static void find_culprit(const struct changing *changing, struct cw_error *err)
{
    struct cw_error other = { .code = CW_OK };
    guint accepted = 0, refused = changing->changes->len;
    if (apply(changing, 0, false, &other) == REFUSED)
        return; /* something else is wrong with the cart, and *err says so */
    while (refused - accepted > 1) {
        guint middle = accepted + (refused - accepted) / 2;
        other = (struct cw_error){ .code = CW_OK };
        if (apply(changing, middle, false, &other) == REFUSED) {
            refused = middle;
            *err = other;
        } else {
            accepted = middle;
        }
    }
    fail_at(g_ptr_array_index(changing->changes, refused - 1), err);
}

/* --- what waited --- */

struct waiting {
    GPtrArray *found; /* cart and subject in turn */
    struct cw_error err;
};

static bool take_waiting(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct waiting *waiting = arg;
    (void)columns;
    (void)names;
    for (size_t i = 0; i < 2; i++)
        g_ptr_array_add(waiting->found, g_strndup(row[i].data != NULL ? row[i].data : "", row[i].len));
    return true;
}

static void query_done(void *arg, const struct cw_error *err)
{
    struct waiting *waiting = arg;
    if (err != NULL)
        waiting->err = *err;
}

/* Records wait for the key as their cart wrote it; that of the row may be in another case, or stand for all.
 */
static bool release_change(struct cw_cli *cli, const struct cw_cli_change *change, struct cw_error *err)
{
    static const char sql[] =
        "SELECT cart, subject FROM staged_issues WHERE code = $1 AND ($2 = '' OR cart = $2) AND ($3 = '*' "
        "OR lower(subject) = $3) GROUP BY cart, subject ORDER BY cart, subject";
    struct waiting waiting = { .found = g_ptr_array_new_with_free_func(g_free) };
    char *code = g_strdup_printf("unknown-%s", change->table);
    char *key = g_ascii_strdown(change->key, -1);
    struct cw_slice params[] = { cw_slice(code), cw_slice(change->cart), cw_slice(key) };
    cw_store_query(cli->store, sql, params, 3, take_waiting, query_done, &waiting);
    cw_store_wait(cli->store);
    bool ok = waiting.err.code == CW_OK;
    if (!ok)
        *err = waiting.err;
    for (guint i = 0; ok && i + 1 < waiting.found->len; i += 2)
        ok = cw_cli_release_waiting(cli, g_ptr_array_index(waiting.found, i), change->table,
                                    g_ptr_array_index(waiting.found, i + 1)) ||
             cw_fail(err, CW_UNAVAILABLE,
                     "the rows are set, but not all records that wait for them could be mapped again; see "
                     "above, then: cartwright retry %s",
                     (const char *)g_ptr_array_index(waiting.found, i));
    g_ptr_array_unref(waiting.found);
    g_free(code);
    g_free(key);
    return ok;
}

/* Also for rows that were set before: whoever set them may have been killed before the records had come in.
 */
static bool release_all(const struct changing *changing, struct cw_error *err)
{
    for (guint i = 0; i < changing->changes->len; i++) {
        const struct cw_cli_change *change = g_ptr_array_index(changing->changes, i);
        if (!change->is_drop && !release_change(changing->cli, change, err))
            return false;
    }
    return true;
}

bool cw_cli_change_tables(struct cw_cli *cli, const GPtrArray *changes, const char *action,
                          struct cw_error *err)
{
    struct changing changing = { .cli = cli, .changes = changes, .action = action };
    enum outcome outcome = FAILED;
    find_carts(&changing);
    *err = (struct cw_error){ .code = CW_OK };
    if (check_names(&changing, err)) {
        outcome = apply(&changing, changes->len, true, err);
        if (outcome == REFUSED)
            find_culprit(&changing, err);
    }
    forget_carts(&changing);
    return outcome == APPLIED && release_all(&changing, err);
}
