/* tables_read.c - the reading half of tables.h. */
#include "cli/tables.h"

#include <string.h>

#include "base/time.h"

static void free_row(gpointer data)
{
    struct cw_cli_row *row = data;
    g_free(row->cart);
    g_free(row->table);
    g_free(row->key);
    g_free(row->value);
    g_free(row->changed_at);
    g_free(row);
}

static char *text_of(struct cw_slice text)
{
    return text.data != NULL ? g_strndup(text.data, text.len) : NULL;
}

static int compare_rows(gconstpointer a, gconstpointer b)
{
    const struct cw_cli_row *x = *(struct cw_cli_row *const *)a, *y = *(struct cw_cli_row *const *)b;
    int order = strcmp(x->table, y->table);
    if (order == 0)
        order = g_strcmp0(x->key, y->key);
    return order != 0 ? order : g_strcmp0(x->cart, y->cart);
}

/* --- rows of the store --- */

struct stored {
    GPtrArray *rows;
    const char *cart;
    bool failed;
    struct cw_error err;
};

static bool take_entry(void *arg, const struct cw_table_entry *entry)
{
    struct stored *stored = arg;
    char at[CW_TIME_TEXT_MAX];
    if (!cw_slice_is(entry->cart, stored->cart))
        return true;
    struct cw_cli_row *row = g_new0(struct cw_cli_row, 1);
    row->cart = text_of(entry->cart);
    row->table = text_of(entry->table);
    row->key = text_of(entry->key);
    row->value = entry->value.len > 0 ? text_of(entry->value) : NULL;
    if (cw_time_format(entry->changed_at, NULL, "%Y-%m-%dT%H:%M:%S.%fZ", at, sizeof at, NULL) > 0)
        row->changed_at = g_strdup(at);
    g_ptr_array_add(stored->rows, row);
    return true;
}

static void entries_done(void *arg, const struct cw_error *err)
{
    struct stored *stored = arg;
    if (err == NULL)
        return;
    stored->failed = true;
    stored->err = *err;
}

static void read_stored(struct cw_cli *cli, struct stored *stored, const char *cart)
{
    stored->cart = cart;
    if (!stored->failed)
        cw_store_read_tables(cli->store, cw_slice(cart), take_entry, entries_done, stored);
    cw_store_wait(cli->store);
}

GPtrArray *cw_cli_stored_rows(struct cw_cli *cli, const char *cart, struct cw_error *err)
{
    struct stored stored = { .rows = g_ptr_array_new_with_free_func(free_row) };
    read_stored(cli, &stored, "");
    if (cart[0] != '\0')
        read_stored(cli, &stored, cart);
    if (stored.failed) {
        *err = stored.err;
        g_ptr_array_unref(stored.rows);
        return NULL;
    }
    g_ptr_array_sort(stored.rows, compare_rows);
    return stored.rows;
}

/* --- finding --- */

/* No name or key holds this character. */
static char *index_key(const char *cart, const char *table, const char *key)
{
    return g_strjoin("\x1f", cart, table, key, NULL);
}

GHashTable *cw_cli_index_rows(const GPtrArray *rows)
{
    GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < rows->len; i++) {
        struct cw_cli_row *row = g_ptr_array_index(rows, i);
        g_hash_table_insert(index, index_key(row->cart, row->table, row->key), row);
    }
    return index;
}

struct cw_cli_row *cw_cli_find_row(GHashTable *index, const char *cart, const char *table, const char *key)
{
    char *text = index_key(cart, table, key);
    struct cw_cli_row *row = g_hash_table_lookup(index, text);
    g_free(text);
    return row;
}

/* --- rows in force --- */

static void take_row(void *arg, const struct cw_lua_table_row *in_force)
{
    GPtrArray *rows = arg;
    struct cw_cli_row *row = g_new0(struct cw_cli_row, 1);
    row->table = text_of(in_force->table);
    row->key = text_of(in_force->key);
    row->value = text_of(in_force->value);
    g_ptr_array_add(rows, row);
}

/* Says of the rows that the store has so; the cart's own go before those of all carts. */
static void mark_stored(const GPtrArray *rows, const GPtrArray *stored, const char *cart)
{
    GHashTable *index = cw_cli_index_rows(stored);
    for (guint i = 0; i < rows->len; i++) {
        struct cw_cli_row *row = g_ptr_array_index(rows, i);
        const struct cw_cli_row *found = NULL;
        if (row->key != NULL)
            found = cw_cli_find_row(index, cart, row->table, row->key);
        if (row->key != NULL && found == NULL)
            found = cw_cli_find_row(index, "", row->table, row->key);
        if (found == NULL)
            continue;
        row->cart = g_strdup(found->cart);
        row->changed_at = g_strdup(found->changed_at);
    }
    g_hash_table_unref(index);
}

GPtrArray *cw_cli_rows_in_force(struct cw_cli *cli, const char *cart, struct cw_error *err)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(free_row), *stored = NULL;
    struct cw_session *session = cw_cli_session(cli, cart, true, err);
    struct cw_lua_cart *opened = session != NULL ? cw_session_cart(session, cart, err) : NULL;
    bool ok = opened != NULL && cw_lua_cart_read_tables(opened, take_row, rows, err);
    cw_session_close(session);
    if (ok)
        stored = cw_cli_stored_rows(cli, cart, err);
    if (stored == NULL) {
        g_ptr_array_unref(rows);
        return NULL;
    }
    g_ptr_array_sort(rows, compare_rows);
    mark_stored(rows, stored, cart);
    g_ptr_array_unref(stored);
    return rows;
}
