/* pg_demands.c - what orders have still to get, what has left for them, and the carts' ids of what the back
 * office has. See pg_engine.h. */
#include <stdlib.h>

#include "adapters/pg_array.h"
#include "adapters/pg_stock.h"
#include "adapters/store_facts.h"

/* --- demands --- */

static const char drop_old[] = "WITH old AS (DELETE FROM demands WHERE cart = $1 AND order_id = $2 "
                               "RETURNING sku) INSERT INTO stock_marks (sku) SELECT DISTINCT sku FROM old";
static const char insert_new[] =
    "WITH new AS (INSERT INTO demands (cart, order_id, position, sku, warehouse, state, quantity) "
    "SELECT $1, $2, k.n, k.sku, k.warehouse, k.state, k.quantity FROM unnest($3::text[], $4::text[], "
    "$5::text[], $6::text[]) WITH ORDINALITY k (sku, warehouse, state, quantity, n) RETURNING sku) "
    "INSERT INTO stock_marks (sku) SELECT DISTINCT sku FROM new";

enum { SKUS, WAREHOUSES, STATES, QUANTITIES, COLUMNS };

static bool add_demand(struct cw_buffer columns[COLUMNS], const struct cw_order_demand *demand,
                       struct cw_error *err)
{
    char quantity[CW_DECIMAL_TEXT_MAX];
    size_t len = cw_decimal_format(&demand->quantity, quantity);
    return cw_pg_array_add(&columns[SKUS], demand->sku, err) &&
           cw_pg_array_add(&columns[WAREHOUSES], demand->warehouse, err) &&
           cw_pg_array_add(&columns[STATES], cw_slice(cw_store_demand_name(demand->state)), err) &&
           cw_pg_array_add(&columns[QUANTITIES], (struct cw_slice){ quantity, len }, err);
}

static bool insert_all(struct cw_pg *pg, struct cw_record_key key, const struct cw_order_demand *demands,
                       size_t count, struct cw_error *err)
{
    struct cw_bind binds[2 + COLUMNS] = { cw_bind_text(key.cart), cw_bind_text(key.external_id) };
    struct cw_buffer columns[COLUMNS] = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_demand(columns, &demands[i], err);
    for (size_t i = 0; ok && i < COLUMNS; i++)
        ok = cw_pg_array_end(&columns[i], &binds[2 + i], err);
    ok = ok && cw_pg_run(pg, insert_new, binds, 2 + COLUMNS, err);
    for (size_t i = 0; i < COLUMNS; i++)
        cw_buffer_fini(&columns[i]);
    return ok;
}

bool cw_pg_put_demands(struct cw_txn *txn, struct cw_record_key key, const struct cw_order_demand *demands,
                       size_t count, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    return cw_pg_run(pg, drop_old, CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.external_id)), err) &&
           (count == 0 || insert_all(pg, key, demands, count, err));
}

/* --- shipped --- */

/* $1 are the orders, $2 is their cart. */
#define SHIPMENT         "SELECT s.id, s.order_id, s.cart, s.external_id FROM shipments s WHERE "
#define OF_ORDER         CW_PG_SAME("s.order_id", "k.text")
#define OF_CART          SHIPMENT "s.cart = $2 AND coalesce(s.confirmed, 1) <> 0 AND " OF_ORDER
#define OF_OFFICE        SHIPMENT "s.order_cart = $2 AND s.cart = '' AND s.confirmed = 1 AND " OF_ORDER
#define LINE_OF_SHIPMENT "SELECT * FROM shipment_lines l WHERE l.shipment_id = s.id OFFSET 0"

static const char select_shipped[] =
    "SELECT s.order_id, s.cart, s.external_id, l.position, l.line_id, l.sku, l.quantity FROM " CW_PG_EACH
    " CROSS JOIN LATERAL (" OF_CART " UNION ALL " OF_OFFICE " OFFSET 0) s "
    "LEFT JOIN LATERAL (" LINE_OF_SHIPMENT ") l ON true ORDER BY 1, 2, 3, 4";

static bool take_shipped(const struct cw_pg_each *each, PGresult *result, int row, bool *ok,
                         struct cw_error *err)
{
    struct cw_slice quantity = cw_pg_slice(result, row, 6);
    struct cw_shipped shipped = { .order_id = cw_pg_slice(result, row, 0),
                                  .shipment_cart = cw_pg_slice(result, row, 1),
                                  .shipment_id = cw_pg_slice(result, row, 2),
                                  .is_whole = cw_pg_is_null(result, row, 3),
                                  .line_id = cw_pg_slice(result, row, 4),
                                  .sku = cw_pg_slice(result, row, 5) };
    *ok = true;
    if (!shipped.is_whole && quantity.data == NULL)
        return true;
    *ok = shipped.is_whole || cw_store_take_decimal(quantity, cw_pg_place(each), "shipment_lines",
                                                    shipped.shipment_id, &shipped.quantity, err);
    return *ok && each->shipped(each->arg, &shipped);
}

void cw_pg_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders, size_t count,
                        cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg)
{
    const struct cw_pg_each each = {
        .txn = txn, .take = take_shipped, .shipped = shipped, .done = done, .arg = arg
    };
    cw_pg_read_each(&each, select_shipped, orders, count, cart);
}

/* --- links --- */

static const char upsert_link[] =
    "INSERT INTO links (cart, kind, external_id, link, linked_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (cart, kind, external_id) DO UPDATE SET link = excluded.link, linked_at = "
    "excluded.linked_at";
static const char delete_link[] = "DELETE FROM links WHERE cart = $1 AND kind = $2 AND external_id = $3";
static const char select_link[] = "SELECT link FROM links WHERE cart = $1 AND kind = $2 AND external_id = $3";

bool cw_pg_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                    struct cw_slice external_id, struct cw_slice link, struct cw_error *err)
{
    const struct cw_bind binds[] = { cw_bind_text(cart), cw_bind_text(kind), cw_bind_text(external_id),
                                     cw_bind_text(link), cw_bind_time(cw_now(txn->store->clock)) };
    bool forget = link.len == 0;
    return cw_pg_run(cw_pg_of(txn->store), forget ? delete_link : upsert_link, binds, forget ? 3 : 5, err);
}

struct finding {
    cw_link_fn *found;
    void *arg;
};

static void note_link(void *arg, PGresult *result, const struct cw_error *err)
{
    struct finding finding = *(struct finding *)arg;
    free(arg);
    bool is_there = err == NULL && PQntuples(result) == 1;
    finding.found(finding.arg, is_there ? cw_pg_slice(result, 0, 0) : (struct cw_slice){ NULL, 0 }, err);
}

void cw_pg_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                    struct cw_slice external_id, cw_link_fn *found, void *arg)
{
    struct finding *finding = malloc(sizeof *finding);
    struct cw_error err;
    bool ok = finding != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read a link");
    if (ok) {
        *finding = (struct finding){ found, arg };
        ok = cw_pg_send(cw_pg_of(txn->store), select_link,
                        CW_BINDS(cw_bind_text(cart), cw_bind_text(kind), cw_bind_text(external_id)),
                        note_link, finding, &err);
    }
    if (ok)
        return;
    free(finding);
    cw_txn_lose(txn, &err);
    found(arg, (struct cw_slice){ NULL, 0 }, &err);
}
