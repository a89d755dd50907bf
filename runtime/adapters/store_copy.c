/* store_copy.c - see store_copy.h. */
#include "adapters/store_copy.h"

#include <stdio.h>

#include "adapters/store_engine.h"
#include "adapters/store_words.h"

/* Parents before what refers to them. The texts of the statements are made once, of the columns that the
 * first store has which is copied: all stores of one version have the same. They stay, because a store keeps
 * what it has prepared by their address. */
static struct table {
    const char *name, *key;
    const char *count, *first; /* all rows, and one to learn the columns from */
    char *select, *insert;
} tables[] = {
#define TABLE(name, key)                                                                                     \
    {                                                                                                        \
        name, key, "SELECT count(*) FROM " name, "SELECT * FROM " name " LIMIT 1", NULL, NULL                \
    }
    TABLE("raw_records", "id"),
    TABLE("raw_parts", "raw_id, position"),
    TABLE("raw_heads", "cart, stream, sort_key"),
    TABLE("raw_superseded", "raw_id"),
    TABLE("staged_records", "id"),
    TABLE("staged_issues", "staged_id, position"),
    TABLE("orders", "id"),
    TABLE("order_lines", "order_id, position"),
    TABLE("order_discounts", "order_id, position"),
    TABLE("order_payments", "order_id, position"),
    TABLE("order_fees", "order_id, position"),
    TABLE("order_taxes", "order_id, position"),
    TABLE("customers", "id"),
    TABLE("customer_addresses", "customer_id, position"),
    TABLE("items", "id"),
    TABLE("item_variants", "item_id, position"),
    TABLE("item_components", "item_id, position"),
    TABLE("stock_levels", "id"),
    TABLE("shipments", "id"),
    TABLE("shipment_lines", "shipment_id, position"),
    TABLE("purchase_orders", "id"),
    TABLE("purchase_order_lines", "purchase_order_id, position"),
    TABLE("invoices", "id"),
    TABLE("invoice_lines", "invoice_id, position"),
    TABLE("prices", "id"),
    TABLE("vendor_levels", "id"),
    TABLE("demands", "cart, order_id, position"),
    TABLE("stock_marks", "sku"),
    TABLE("document_edits", "cart, kind, external_id, field"),
    TABLE("releases", "cart, stream, external_id, code, field, message"),
    TABLE("cursors", "cart, stream"),
    TABLE("runs", "id"),
    TABLE("run_notes", "id"),
    TABLE("leases", "name"),
    TABLE("jobs", "cart, name"),
    TABLE("controls", "cart, stream"),
    TABLE("webhooks", "id"),
    TABLE("messages", "id"),
    TABLE("message_levels", "cart, stream, external_id"),
    TABLE("message_calls", "cart, stream"),
    TABLE("links", "cart, kind, external_id"),
    TABLE("tables", "cart, table_name, key"),
    TABLE("state", "cart, key"),
    TABLE("users", "name"),
    TABLE("audit", "id"),
    TABLE("meta", "name"), /* a new store has rows in it already */
};
#undef TABLE
enum { TABLES = sizeof tables / sizeof *tables };
_Static_assert((int)TABLES <= (int)CW_COPY_TABLES_MAX, "callers have room for all tables");

/* --- statements --- */

static bool print_names(struct cw_buffer *sql, const char *const *names, size_t count, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_buffer_print(sql, err, "%s%s", i > 0 ? ", " : "", names[i]))
            return false;
    return true;
}

static bool print_parameters(struct cw_buffer *sql, size_t count, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_buffer_print(sql, err, "%s$%zu", i > 0 ? ", " : "", i + 1))
            return false;
    return true;
}

/* What a new store has in meta is replaced. */
static bool print_insert(struct cw_buffer *sql, const struct table *table, const char *const *names,
                         size_t count, struct cw_error *err)
{
    return cw_buffer_print(sql, err, "INSERT INTO %s (", table->name) &&
           print_names(sql, names, count, err) && cw_buffer_print(sql, err, ") VALUES (") &&
           print_parameters(sql, count, err) &&
           cw_buffer_print(sql, err, ")%s",
                           strcmp(table->name, "meta") == 0
                               ? " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                               : "");
}

static bool print_select(struct cw_buffer *sql, const struct table *table, const char *const *names,
                         size_t count, struct cw_error *err)
{
    return cw_buffer_print(sql, err, "SELECT ") && print_names(sql, names, count, err) &&
           cw_buffer_print(sql, err, " FROM %s ORDER BY %s", table->name, table->key);
}

static bool learn_columns(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                          struct cw_error *err)
{
    struct table *table = arg;
    struct cw_buffer select = { 0 }, insert = { 0 };
    (void)values;
    if (print_select(&select, table, names, count, err) && print_insert(&insert, table, names, count, err)) {
        table->select = select.data;
        table->insert = insert.data;
        return true;
    }
    cw_buffer_fini(&select);
    cw_buffer_fini(&insert);
    return false;
}

/* --- reading --- */

static bool take_number(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                        struct cw_error *err)
{
    (void)names, (void)count, (void)err;
    *(int64_t *)arg = values[0].integer;
    return true;
}

static bool count_rows(struct cw_store *store, const struct table *table, int64_t *out, struct cw_error *err)
{
    *out = 0;
    return store->engine->read_rows(store, table->count, NULL, 0, take_number, out, err);
}

/* One table on its way. */
struct copying {
    const struct cw_copy *copy;
    const struct table *table;
    struct cw_store *to; /* NULL: only read, for comparing */
    struct cw_hasher hasher;
    uint64_t rows, total;
    size_t bytes; /* sent since the target was waited for */
};

/* The type goes with each value, so that NULL and an empty text differ. */
static void hash_value(struct cw_hasher *hasher, const struct cw_bind *value)
{
    char number[32];
    char type = (char)('0' + (int)value->type);
    struct cw_slice text = value->slice;
    if (value->type == CW_BIND_INTEGER) {
        snprintf(number, sizeof number, "%lld", (long long)value->integer);
        text = cw_slice(number);
    }
    cw_hasher_add(hasher, (struct cw_slice){ &type, 1 });
    cw_hasher_add(hasher, text);
}

/* So much may be on its way before the target is waited for. */
enum { SENT_ROWS_MAX = 500, SENT_BYTES_MAX = 4 * 1024 * 1024 };

static const struct cw_error *lost(const struct cw_store *store)
{
    return store->current != NULL ? cw_txn_error(store->current) : NULL;
}

static bool send_row(struct copying *c, const struct cw_bind *values, size_t count, struct cw_error *err)
{
    if (!c->to->engine->put_row(c->to, c->table->insert, values, count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        c->bytes += values[i].slice.len;
    if (c->rows % SENT_ROWS_MAX != 0 && c->bytes < SENT_BYTES_MAX)
        return true;
    c->bytes = 0;
    cw_store_wait(c->to);
    if (lost(c->to) == NULL)
        return true;
    *err = *lost(c->to);
    return false;
}

static bool take_row(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                     struct cw_error *err)
{
    struct copying *c = arg;
    (void)names;
    for (size_t i = 0; i < count; i++)
        hash_value(&c->hasher, &values[i]);
    c->rows++;
    if (c->copy->progress != NULL && (c->rows % SENT_ROWS_MAX == 0 || c->rows == c->total))
        c->copy->progress(c->copy->arg, c->table->name, c->rows, c->total);
    return c->to == NULL || send_row(c, values, count, err);
}

/* Reads a table to its end, and sends it on to `to` where there is one. */
static bool read_table(const struct cw_copy *copy, struct cw_store *from, struct cw_store *to,
                       const struct table *table, uint64_t total, struct cw_copied *out, struct cw_error *err)
{
    struct copying c = { .copy = copy, .table = table, .to = to, .total = total };
    cw_hasher_init(&c.hasher);
    if (table->select != NULL && !from->engine->read_rows(from, table->select, NULL, 0, take_row, &c, err))
        return cw_fail_in(err, "the table %s", table->name);
    *out = (struct cw_copied){ table->name, c.rows, cw_hasher_end(&c.hasher) };
    return true;
}

/* --- copying --- */

static bool prepare_table(struct cw_store *from, struct table *table, struct cw_error *err)
{
    return table->select != NULL ||
           from->engine->read_rows(from, table->first, NULL, 0, learn_columns, table, err);
}

static bool copy_tables(const struct cw_copy *copy, struct cw_copied *out, struct cw_error *err)
{
    for (size_t i = 0; i < TABLES; i++) {
        int64_t total;
        if (!prepare_table(copy->from, &tables[i], err) || !count_rows(copy->from, &tables[i], &total, err) ||
            !read_table(copy, copy->from, copy->to, &tables[i], (uint64_t)total, &out[i], err))
            return false;
    }
    cw_store_wait(copy->to);
    if (lost(copy->to) == NULL)
        return copy->to->engine->settle_ids(copy->to, err);
    *err = *lost(copy->to);
    return false;
}

/* Tables without rows have no statements to read them with. */
static bool compare_table(const struct cw_copy *copy, const struct table *table, const struct cw_copied *sent,
                          struct cw_error *err)
{
    const struct cw_copy quiet = { copy->from, copy->to, NULL, NULL };
    struct cw_copied arrived;
    int64_t rows;
    if (!count_rows(copy->to, table, &rows, err) ||
        !read_table(&quiet, copy->to, NULL, table, 0, &arrived, err))
        return false;
    return ((uint64_t)rows == sent->rows && cw_hash_equal(&arrived.content, &sent->content)) ||
           cw_fail(err, CW_CORRUPT,
                   "the table %s has %llu rows in the source and %lld in the target, or not the same in "
                   "them; nothing was copied",
                   table->name, (unsigned long long)sent->rows, (long long)rows);
}

static bool compare_tables(const struct cw_copy *copy, const struct cw_copied *sent, struct cw_error *err)
{
    for (size_t i = 0; i < TABLES; i++)
        if (!compare_table(copy, &tables[i], &sent[i], err))
            return false;
    return true;
}

static bool must_be_empty(struct cw_store *to, struct cw_error *err)
{
    int64_t has_rows;
    for (size_t i = 0; i + 1 < TABLES; i++) { /* all but meta */
        if (!count_rows(to, &tables[i], &has_rows, err))
            return false;
        if (has_rows > 0)
            return cw_fail(err, CW_CONFLICT,
                           "the target is in use: its table %s has rows; give the address of an empty store, "
                           "or of none yet",
                           tables[i].name);
    }
    return true;
}

/* --- leases --- */

struct holder {
    char text[160];
};

static bool take_holder(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                        struct cw_error *err)
{
    struct holder *holder = arg;
    (void)names, (void)count, (void)err;
    snprintf(holder->text, sizeof holder->text, "%.*s by %.*s",
             CW_SLICE_ARG(cw_slice_clip(values[0].slice, 60)),
             CW_SLICE_ARG(cw_slice_clip(values[1].slice, 80)));
    return true;
}

static const char select_holder[] = "SELECT name, holder FROM leases WHERE holder <> '' AND expires_at > $1";

static bool must_be_free(struct cw_store *from, struct cw_error *err)
{
    struct holder holder = { "" };
    const struct cw_bind now = cw_bind_time(cw_now(from->clock));
    if (!from->engine->read_rows(from, select_holder, &now, 1, take_holder, &holder, err))
        return false;
    return holder.text[0] == '\0' ||
           cw_fail(err, CW_CONFLICT,
                   "the source is in use: the lease %s is held; end `cartwright run` everywhere first",
                   holder.text);
}

/* --- all of it --- */

struct begun {
    struct cw_txn *txn;
    struct cw_error err;
};

static void ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct begun *begun = arg;
    begun->txn = txn;
    if (err != NULL)
        begun->err = *err;
}

static struct cw_txn *begin(struct cw_store *store, struct cw_error *err)
{
    struct begun begun = { 0 };
    cw_txn_begin(store, (struct cw_fence){ 0 }, ready, &begun);
    cw_store_wait(store);
    if (begun.txn == NULL)
        *err = begun.err;
    return begun.txn;
}

struct committed {
    bool ok;
    struct cw_error err;
};

static void done(void *arg, const struct cw_error *err)
{
    struct committed *committed = arg;
    committed->ok = err == NULL;
    if (err != NULL)
        committed->err = *err;
}

static bool commit(struct cw_txn *txn, struct cw_error *err)
{
    struct committed committed = { 0 };
    struct cw_store *store = txn->store;
    cw_txn_commit(txn, done, &committed);
    cw_store_wait(store);
    if (!committed.ok)
        *err = committed.err;
    return committed.ok;
}

static bool copy_into(const struct cw_copy *copy, struct cw_copied *out, struct cw_error *err)
{
    struct cw_txn *txn = begin(copy->to, err);
    if (txn == NULL)
        return false;
    if (must_be_empty(copy->to, err) && copy_tables(copy, out, err) && compare_tables(copy, out, err))
        return commit(txn, err);
    cw_txn_rollback(txn);
    return false;
}

bool cw_store_copy(const struct cw_copy *copy, struct cw_copied *out, size_t *count, struct cw_error *err)
{
    struct cw_error failed = { 0 };
    struct cw_txn *txn = begin(copy->from, &failed); /* which holds it still */
    bool ok = txn != NULL && copy->from->engine->hold(copy->from, &failed) &&
              must_be_free(copy->from, &failed) && copy_into(copy, out, &failed);
    if (txn != NULL)
        cw_txn_rollback(txn);
    *count = ok ? (size_t)TABLES : 0;
    if (!ok && err != NULL)
        *err = failed;
    return ok;
}
