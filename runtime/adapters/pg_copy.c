/* pg_copy.c - rows as they are, for moving a store to another engine; see store_copy.h. */
#include "adapters/pg_engine.h"

#include <stdlib.h>

enum { INT8 = 20, BYTEA = 17 }; /* types of PostgreSQL by number; all others are text here */

/* --- statements that are waited for --- */

struct waited {
    bool done;
    struct cw_error *err;
    bool ok;
};

static void end_waiting(void *arg, PGresult *result, const struct cw_error *err)
{
    struct waited *w = arg;
    (void)result;
    w->ok = err == NULL;
    if (err != NULL)
        *w->err = *err;
}

static bool run_and_wait(struct cw_store *store, const char *sql, struct cw_error *err)
{
    struct waited w = { .err = err };
    if (!cw_pg_send(cw_pg_of(store), sql, NULL, 0, end_waiting, &w, err))
        return false;
    cw_store_wait(store);
    return w.ok;
}

/* All that is written is in one of these; who writes waits for the copy, or gives up. */
static const char lock[] =
    "LOCK TABLE raw_records, raw_heads, staged_records, orders, customers, items, stock_levels, shipments, "
    "purchase_orders, invoices, prices, vendor_levels, demands, stock_marks, document_edits, releases, "
    "cursors, runs, run_notes, leases, jobs, controls, webhooks, messages, message_levels, message_calls, "
    "links, "
    "tables, state, users, audit IN SHARE MODE";

bool cw_pg_hold(struct cw_store *store, struct cw_error *err)
{
    return run_and_wait(store, lock, err);
}

/* The next number of each table is behind its largest. */
static const char settle[] =
    "SELECT setval(pg_get_serial_sequence(t.name, 'id'), t.last) FROM ("
    "SELECT 'raw_records', max(id) FROM raw_records UNION ALL "
    "SELECT 'staged_records', max(id) FROM staged_records UNION ALL "
    "SELECT 'orders', max(id) FROM orders UNION ALL SELECT 'customers', max(id) FROM customers UNION ALL "
    "SELECT 'items', max(id) FROM items UNION ALL SELECT 'stock_levels', max(id) FROM stock_levels UNION ALL "
    "SELECT 'shipments', max(id) FROM shipments UNION ALL "
    "SELECT 'purchase_orders', max(id) FROM purchase_orders UNION ALL "
    "SELECT 'invoices', max(id) FROM invoices UNION ALL SELECT 'prices', max(id) FROM prices UNION ALL "
    "SELECT 'vendor_levels', max(id) FROM vendor_levels UNION ALL SELECT 'runs', max(id) FROM runs UNION ALL "
    "SELECT 'run_notes', max(id) FROM run_notes UNION ALL SELECT 'webhooks', max(id) FROM webhooks UNION ALL "
    "SELECT 'messages', max(id) FROM messages UNION ALL SELECT 'audit', max(id) FROM audit) t (name, last) "
    "WHERE t.last IS NOT NULL";

bool cw_pg_settle_ids(struct cw_store *store, struct cw_error *err)
{
    return run_and_wait(store, settle, err);
}

bool cw_pg_put_row(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                   struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(store), sql, binds, count, err);
}

/* --- reading --- */

struct reading {
    cw_store_row_fn *taken;
    void *arg;
    struct cw_error *err;
    bool ok; /* no more rows are handed on once it is false */
};

static struct cw_bind value_of(const PGresult *result, int column)
{
    if (cw_pg_is_null(result, 0, column))
        return (struct cw_bind){ .type = CW_BIND_NULL };
    switch (PQftype(result, column)) {
    case INT8:
        return cw_bind_int(cw_pg_int(result, 0, column));
    case BYTEA:
        return cw_bind_bytes(cw_pg_slice(result, 0, column));
    }
    return cw_bind_text(cw_pg_slice(result, 0, column));
}

static bool hand_on(struct reading *r, const PGresult *result)
{
    struct cw_bind values[CW_PG_BINDS_MAX];
    const char *names[CW_PG_BINDS_MAX];
    size_t count = (size_t)PQnfields(result);
    if (count > CW_PG_BINDS_MAX)
        return cw_fail(r->err, CW_LIMIT, "a table has %zu columns", count);
    for (size_t i = 0; i < count; i++) {
        values[i] = value_of(result, (int)i);
        names[i] = PQfname(result, (int)i);
    }
    return r->taken(r->arg, names, values, count, r->err);
}

static void row_read(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading *r = arg;
    if (err != NULL) {
        if (r->ok)
            *r->err = *err;
        r->ok = false;
    } else if (r->ok && PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
        r->ok = hand_on(r, result);
    }
}

bool cw_pg_read_rows(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                     cw_store_row_fn *taken, void *arg, struct cw_error *err)
{
    struct reading r = { .taken = taken, .arg = arg, .err = err, .ok = true };
    if (!cw_pg_send_rows(cw_pg_of(store), sql, binds, count, row_read, &r, err))
        return false;
    cw_store_wait(store);
    return r.ok;
}
