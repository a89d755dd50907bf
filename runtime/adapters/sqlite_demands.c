/* sqlite_demands.c - what orders have still to get, what has left for them, and the carts' ids of what the
 * back office has. */
#include "adapters/sqlite_stock.h"
#include "adapters/store_facts.h"

/* --- demands --- */

static const char mark_old[] =
    "INSERT INTO stock_marks (sku) SELECT DISTINCT d.sku FROM demands d WHERE d.cart = ?1 "
    "AND d.order_id = ?2 AND NOT EXISTS (SELECT 1 FROM stock_marks m WHERE m.sku = d.sku)";
static const char delete_demands[] = "DELETE FROM demands WHERE cart = ?1 AND order_id = ?2";
static const char insert_demand[] =
    "INSERT INTO demands (cart, order_id, position, sku, warehouse, state, quantity) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static bool insert(struct cw_sqlite *s, struct cw_record_key key, int64_t position,
                   const struct cw_order_demand *demand, struct cw_error *err)
{
    char quantity[CW_DECIMAL_TEXT_MAX];
    size_t len = cw_decimal_format(&demand->quantity, quantity);
    return cw_sqlite_run(s, insert_demand,
                         CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.external_id),
                                  cw_bind_int(position), cw_bind_text(demand->sku),
                                  cw_bind_text(demand->warehouse),
                                  cw_bind_word(cw_store_demand_name(demand->state)),
                                  cw_bind_text((struct cw_slice){ quantity, len })),
                         err);
}

bool cw_sqlite_put_demands(struct cw_txn *txn, struct cw_record_key key,
                           const struct cw_order_demand *demands, size_t count, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct cw_bind order[] = { cw_bind_text(key.cart), cw_bind_text(key.external_id) };
    if (!cw_sqlite_run(s, mark_old, order, 2, err) || !cw_sqlite_run(s, delete_demands, order, 2, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!insert(s, key, (int64_t)i + 1, &demands[i], err))
            return false;
    return cw_sqlite_run(s, mark_old, order, 2, err);
}

/* --- shipped --- */

/* ?1 are the orders, ?2 is their cart. */
#define SHIPPED                                                                                              \
    "SELECT s.order_id, s.cart, s.external_id, l.position, l.line_id, l.sku, l.quantity FROM shipments s "   \
    "LEFT JOIN shipment_lines l ON l.shipment_id = s.id WHERE s.order_id IN (SELECT value FROM "             \
    "json_each(?1)) AND "
#define OF_CART   SHIPPED "s.cart = ?2 AND coalesce(s.confirmed, 1) <> 0"
#define OF_OFFICE SHIPPED "s.cart = '' AND s.order_cart = ?2 AND s.confirmed = 1"

static const char select_shipped[] = OF_CART " UNION ALL " OF_OFFICE " ORDER BY 1, 2, 3, 4";

struct shipped_reading {
    const char *place;
    cw_shipped_fn *shipped;
    void *arg;
};

static bool take_shipped(void *arg, sqlite3_stmt *row, bool *ok, struct cw_error *err)
{
    const struct shipped_reading *reading = arg;
    struct cw_slice quantity = cw_sqlite_slice(row, 6);
    struct cw_shipped shipped = { .order_id = cw_sqlite_slice(row, 0),
                                  .shipment_cart = cw_sqlite_slice(row, 1),
                                  .shipment_id = cw_sqlite_slice(row, 2),
                                  .is_whole = sqlite3_column_type(row, 3) == SQLITE_NULL,
                                  .line_id = cw_sqlite_slice(row, 4),
                                  .sku = cw_sqlite_slice(row, 5) };
    *ok = true;
    if (!shipped.is_whole && quantity.data == NULL)
        return true;
    *ok = shipped.is_whole || cw_store_take_decimal(quantity, reading->place, "shipment_lines",
                                                    shipped.shipment_id, &shipped.quantity, err);
    return *ok && reading->shipped(reading->arg, &shipped);
}

void cw_sqlite_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders,
                            size_t count, cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg)
{
    struct shipped_reading reading = { cw_sqlite_of(txn->store)->path, shipped, arg };
    cw_sqlite_read_each(txn, select_shipped, orders, count, cart, take_shipped, &reading, done, arg);
}

/* --- links --- */

static const char upsert_link[] =
    "INSERT INTO links (cart, kind, external_id, link, linked_at) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (cart, kind, external_id) DO UPDATE SET link = excluded.link, linked_at = "
    "excluded.linked_at";
static const char delete_link[] = "DELETE FROM links WHERE cart = ?1 AND kind = ?2 AND external_id = ?3";
static const char select_link[] = "SELECT link FROM links WHERE cart = ?1 AND kind = ?2 AND external_id = ?3";

bool cw_sqlite_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                        struct cw_slice external_id, struct cw_slice link, struct cw_error *err)
{
    const struct cw_bind binds[] = { cw_bind_text(cart), cw_bind_text(kind), cw_bind_text(external_id),
                                     cw_bind_text(link), cw_bind_time(cw_now(txn->store->clock)) };
    bool forget = link.len == 0;
    return cw_sqlite_run(cw_sqlite_of(txn->store), forget ? delete_link : upsert_link, binds, forget ? 3 : 5,
                         err);
}

void cw_sqlite_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                        struct cw_slice external_id, cw_link_fn *found, void *arg)
{
    struct cw_buffer link = { 0 };
    struct cw_error err;
    sqlite3_stmt *row;
    enum cw_row there = cw_sqlite_find(
        cw_sqlite_of(txn->store), select_link,
        CW_BINDS(cw_bind_text(cart), cw_bind_text(kind), cw_bind_text(external_id)), &row, &err);
    if (there == CW_ROW_FOUND) {
        struct cw_slice text = cw_sqlite_slice(row, 0);
        if (!cw_buffer_add(&link, text.data, text.len, &err))
            there = CW_ROW_FAILED;
        sqlite3_reset(row);
    }
    if (there == CW_ROW_FAILED)
        cw_txn_lose(txn, &err);
    found(arg, there == CW_ROW_FOUND ? cw_buffer_slice(&link) : (struct cw_slice){ NULL, 0 },
          there == CW_ROW_FAILED ? &err : NULL);
    cw_buffer_fini(&link);
}
