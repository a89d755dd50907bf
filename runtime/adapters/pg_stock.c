/* pg_stock.c - what is known of stock and prices, and which SKUs are to be counted again. See pg_engine.h. */
#include "adapters/pg_stock.h"

#include <stdlib.h>

#include "adapters/pg_array.h"
#include "adapters/store_facts.h"

/* --- many keys at once --- */

static bool bind_list(const struct cw_slice *texts, size_t count, struct cw_buffer *array,
                      struct cw_bind *bind, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_pg_array_add(array, texts[i], err))
            return false;
    return cw_pg_array_end(array, bind, err);
}

/* The transaction may be gone when the store closes. */
static void lose(struct cw_store *store, struct cw_txn *txn, const struct cw_error *err)
{
    if (store->current == txn)
        cw_txn_lose(txn, err);
}

struct reading {
    struct cw_store *store;
    struct cw_pg_each each;
};

static void take_rows(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    const struct cw_pg_each *each = &reading.each;
    struct cw_error failed;
    bool ok = true;
    free(arg);
    for (int row = 0; err == NULL && row < PQntuples(result); row++)
        if (!each->take(each, result, row, &ok, &failed))
            break;
    if (!ok) {
        lose(reading.store, each->txn, &failed);
        err = &failed;
    }
    each->done(each->arg, err);
}

void cw_pg_read_each(const struct cw_pg_each *each, const char *sql, const struct cw_slice *texts,
                     size_t count, struct cw_slice cart)
{
    struct reading *reading = malloc(sizeof *reading);
    struct cw_bind binds[2] = { { 0 }, cw_bind_text(cart) };
    struct cw_buffer array = { 0 };
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read of %zu keys", count);
    if (ok) {
        *reading = (struct reading){ each->txn->store, *each };
        ok = bind_list(texts, count, &array, &binds[0], &err) &&
             cw_pg_send(cw_pg_of(each->txn->store), sql, binds, cart.len > 0 ? 2 : 1, take_rows, reading,
                        &err);
    }
    cw_buffer_fini(&array);
    if (ok)
        return;
    free(reading);
    cw_txn_lose(each->txn, &err);
    each->done(each->arg, &err);
}

/* --- marks --- */

/* One counts at a time, from what all before it have committed: what is read after the lock was waited for
 * sees that ("CWsv"). */
static const char lock_marks[] = "SELECT pg_advisory_xact_lock(1129804662)";
static const char insert_marks[] = "INSERT INTO stock_marks (sku) SELECT k.text FROM " CW_PG_EACH;
static const char take_marks[] =
    "WITH page AS (SELECT left(sku, 200) AS head, sku FROM stock_marks GROUP BY 1, 2 ORDER BY 1, 2 LIMIT "
    "$1), "
    "gone AS (DELETE FROM stock_marks m USING page p WHERE left(m.sku, 200) = p.head AND m.sku = p.sku) "
    "SELECT sku FROM page ORDER BY head, sku";

bool cw_pg_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count, struct cw_error *err)
{
    struct cw_buffer array = { 0 };
    struct cw_bind list;
    bool ok = count == 0 || (bind_list(skus, count, &array, &list, err) &&
                             cw_pg_run(cw_pg_of(txn->store), insert_marks, &list, 1, err));
    cw_buffer_fini(&array);
    return ok;
}

struct listing {
    struct cw_store *store;
    struct cw_txn *txn; /* NULL = of none */
    cw_marks_fn *taken;
    void *arg;
};

static void hand_out(void *arg, PGresult *result, const struct cw_error *err)
{
    struct listing listing = *(struct listing *)arg;
    size_t count = err == NULL ? (size_t)PQntuples(result) : 0;
    struct cw_slice *skus = calloc(count + 1, sizeof *skus);
    struct cw_error failed;
    free(arg);
    if (skus == NULL) {
        cw_fail(&failed, CW_NOMEM, "out of memory for %zu SKUs", count);
        if (listing.txn != NULL)
            lose(listing.store, listing.txn, &failed);
        err = &failed;
    }
    for (size_t i = 0; skus != NULL && i < count; i++)
        skus[i] = cw_pg_slice(result, (int)i, 0);
    listing.taken(listing.arg, err == NULL ? skus : NULL, err == NULL ? count : 0, err);
    free(skus);
}

/* `taken` is called in any case. */
static void list_skus(const struct listing *listing, const char *sql, const struct cw_bind *binds,
                      size_t count)
{
    struct listing *copy = malloc(sizeof *copy);
    struct cw_error err;
    bool ok = copy != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read SKUs");
    if (ok) {
        *copy = *listing;
        ok = cw_pg_send(cw_pg_of(listing->store), sql, binds, count, hand_out, copy, &err);
    }
    if (ok)
        return;
    free(copy);
    if (listing->txn != NULL)
        cw_txn_lose(listing->txn, &err);
    listing->taken(listing->arg, NULL, 0, &err);
}

void cw_pg_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg)
{
    const struct listing listing = { txn->store, txn, taken, arg };
    struct cw_error err;
    if (cw_pg_run(cw_pg_of(txn->store), lock_marks, NULL, 0, &err)) {
        list_skus(&listing, take_marks, CW_BINDS(cw_bind_int(limit)));
        return;
    }
    cw_txn_lose(txn, &err);
    taken(arg, NULL, 0, &err);
}

/* --- all SKUs --- */

/* $1 is the last one of the page before, $2 the size of a page. */
#define PAGE_OF(table, where)                                                                                \
    "(SELECT left(sku, 200) AS head, sku FROM " table " WHERE " where " sku IS NOT NULL "                    \
    "AND left(sku, 200) >= left($1::text, 200) AND sku > $1 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $2)"
static const char
    select_skus[] = "SELECT sku FROM (" PAGE_OF("stock_levels", "cart = '' AND") " UNION " PAGE_OF("demands", "") " UNION " PAGE_OF(
        "purchase_order_lines",
        "") " UNION " PAGE_OF("vendor_levels",
                              "cart = '' AND") " UNION " PAGE_OF("prices",
                                                                 "cart = '' AND") " UNION " PAGE_OF("items",
                                                                                                    "cart = "
                                                                                                    "'' AND") ") p ORDER BY sku LIMIT $2";

void cw_pg_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                     void *arg)
{
    const struct listing listing = { store, NULL, read, arg };
    list_skus(&listing, select_skus, CW_BINDS(cw_bind_text(after), cw_bind_int(limit)));
}

/* --- facts --- */

/* OFFSET 0 keeps the look-ups single, whatever the planner thinks of the tables' sizes. */
#define LOOK_UP(columns, table, where)                                                                       \
    " CROSS JOIN LATERAL (SELECT " columns " FROM " table " WHERE " where " OFFSET 0) "

/* One step from SKUs to what they are made of, and to what is made of them. */
#define DOWN(from)                                                                                           \
    "SELECT c.sku FROM " from                                                                                \
    " k" LOOK_UP("i.id", "items i", "i.cart = '' AND " CW_PG_SAME("i.sku", "k.sku")) "i" LOOK_UP(            \
        "c.sku", "item_components c", "c.item_id = i.id AND c.sku IS NOT NULL") "c"
#define UP(from)                                                                                             \
    "SELECT i.sku FROM " from                                                                                \
    " k" LOOK_UP("c.item_id", "item_components c", CW_PG_SAME("c.sku", "k.sku")) "c" LOOK_UP(                \
        "i.sku", "items i", "i.id = c.item_id AND i.cart = '' AND i.sku IS NOT NULL") "i"
#define OF_SKU(fact, columns) " SELECT " fact "::bigint, k.sku, " columns " FROM known k"
#define AND_OF                " UNION ALL"

static const char select_facts[] =
    "WITH RECURSIVE below(sku) AS (SELECT k.text FROM " CW_PG_EACH " UNION " DOWN(
        "below") "), "
                 "affected(sku) AS (SELECT sku FROM below UNION " UP(
                     "affected") "), "
                                 "needed(sku) AS (SELECT sku FROM affected UNION " DOWN(
                                     "needed") "), "
                                               "known(sku) AS (SELECT sku FROM needed UNION " UP(
                                                   "known") ")" OF_SKU("0",
                                                                       "coalesce(c.sku, '') AS other, "
                                                                       "coalesce(c.quantity, '') AS "
                                                                       "quantity, NULL AS word, NULL AS at")
                                                   LOOK_UP(
                                                       "i.id", "items i",
                                                       "i.cart = '' AND " CW_PG_SAME(
                                                           "i.sku",
                                                           "k.sku")) "i" LOOK_UP("c.sku, c.quantity",
                                                                                 "item_components c",
                                                                                 "c.item_id = i.id") "c" AND_OF
                                                       OF_SKU("1", "'', NULL, CASE i.active WHEN 0 THEN '0' "
                                                                   "ELSE '1' END, NULL") LOOK_UP(
                                                           "i.active", "items i",
                                                           "i.cart = '' AND " CW_PG_SAME("i.sku",
                                                                                         "k.sku")) "i" AND_OF
                                                           OF_SKU("1", "'', NULL, CASE WHEN i.active = 0 OR "
                                                                       "v.active = 0 THEN '0' ELSE '1' END, "
                                                                       "NULL") LOOK_UP("v.active, v.item_id",
                                                                                       "item_variants v",
                                                                                       "lower(left(v.sku, "
                                                                                       "200)) = "
                                                                                       "lower(left(k.sku, "
                                                                                       "200)) "
                                                                                       "AND v.sku = k.sku "
                                                                                       "AND v.sku IS NOT "
                                                                                       "NULL") "v" LOOK_UP("i"
                                                                                                           "."
                                                                                                           "a"
                                                                                                           "c"
                                                                                                           "t"
                                                                                                           "i"
                                                                                                           "v"
                                                                                                           "e",
                                                                                                           "i"
                                                                                                           "t"
                                                                                                           "e"
                                                                                                           "m"
                                                                                                           "s"
                                                                                                           " "
                                                                                                           "i",
                                                                                                           "i"
                                                                                                           "."
                                                                                                           "i"
                                                                                                           "d"
                                                                                                           " "
                                                                                                           "="
                                                                                                           " "
                                                                                                           "v"
                                                                                                           "."
                                                                                                           "i"
                                                                                                           "t"
                                                                                                           "e"
                                                                                                           "m"
                                                                                                           "_"
                                                                                                           "i"
                                                                                                           "d"
                                                                                                           " "
                                                                                                           "A"
                                                                                                           "N"
                                                                                                           "D"
                                                                                                           " "
                                                                                                           "i"
                                                                                                           "."
                                                                                                           "c"
                                                                                                           "a"
                                                                                                           "r"
                                                                                                           "t"
                                                                                                           " "
                                                                                                           "="
                                                                                                           " "
                                                                                                           "'"
                                                                                                           "'") "i" AND_OF
                                                               OF_SKU("2", "coalesce(l.warehouse, ''), "
                                                                           "l.quantity, NULL, NULL") LOOK_UP(
                                                                   "l.warehouse, l.quantity",
                                                                   "stock_levels l",
                                                                   "l.cart = '' AND " CW_PG_SAME(
                                                                       "l.sku", "k.sku") " AND l.quantity IS "
                                                                                         "NOT NULL") "l" AND_OF
                                                                   OF_SKU("3", "d.warehouse, d.quantity, "
                                                                               "d.state, NULL") LOOK_UP(
                                                                       "d.warehouse, d.quantity, d.state",
                                                                       "demands d",
                                                                       CW_PG_SAME("d.sku",
                                                                                  "k.sku")) "d" AND_OF
                                                                       OF_SKU("4", "coalesce(l.warehouse, "
                                                                                   "''), l.quantity, "
                                                                                   "l.received, "
                                                                                   "l.expected_at") LOOK_UP(
                                                                           "l.*", "purchase_order_lines l",
                                                                           CW_PG_SAME(
                                                                               "l.sku",
                                                                               "k.sku") " AND l.quantity IS "
                                                                                        "NOT NULL") "l" LOOK_UP("p.id",
                                                                                                                "purchase_orders p",
                                                                                                                "p.id = l.purchase_order_id AND p.cart = '' "
                                                                                                                "AND coalesce(p.closed, 0) <> 1") "p" AND_OF
                                                                           OF_SKU("5", "coalesce(v.vendor, "
                                                                                       "''), v.quantity, "
                                                                                       "NULL, NULL") LOOK_UP(
                                                                               "v.vendor, v.quantity",
                                                                               "vendor_levels v",
                                                                               "v.cart = '' AND " CW_PG_SAME(
                                                                                   "v.sku",
                                                                                   "k.sku") " AND v.quantity "
                                                                                            "IS NOT NULL") "v"
                                                                                                           " "
                                                                                                           "O"
                                                                                                           "R"
                                                                                                           "D"
                                                                                                           "E"
                                                                                                           "R"
                                                                                                           " "
                                                                                                           "B"
                                                                                                           "Y"
                                                                                                           " "
                                                                                                           "1"
                                                                                                           ","
                                                                                                           " "
                                                                                                           "2";

static bool take_fact(const struct cw_pg_each *each, PGresult *result, int row, bool *ok,
                      struct cw_error *err)
{
    const struct cw_fact_row in = { .fact = cw_pg_int(result, row, 0),
                                    .sku = cw_pg_slice(result, row, 1),
                                    .other = cw_pg_slice(result, row, 2),
                                    .quantity = cw_pg_slice(result, row, 3),
                                    .word = cw_pg_slice(result, row, 4),
                                    .at = cw_pg_time(result, row, 5) };
    struct cw_stock_fact fact;
    bool is_one;
    *ok = cw_store_take_fact(&in, cw_pg_place(each), &fact, &is_one, err);
    return *ok && (!is_one || each->fact(each->arg, &fact));
}

void cw_pg_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_stock_fact_fn *fact,
                      cw_store_done_fn *done, void *arg)
{
    const struct cw_pg_each each = { .txn = txn, .take = take_fact, .fact = fact, .done = done, .arg = arg };
    cw_pg_read_each(&each, select_facts, skus, count, (struct cw_slice){ 0 });
}

/* --- prices --- */

static const char select_prices[] =
    "SELECT p.sku, coalesce(p.list, ''), coalesce(p.currency, ''), p.amount, p.valid_from, p.valid_until "
    "FROM " CW_PG_EACH LOOK_UP(
        "p.*", "prices p",
        "p.cart = '' AND " CW_PG_SAME(
            "p.sku", "k.text") " AND p.amount IS NOT NULL") "p ORDER BY p.sku, p.external_id";

static bool take_price(const struct cw_pg_each *each, PGresult *result, int row, bool *ok,
                       struct cw_error *err)
{
    struct cw_price_row price = { .sku = cw_pg_slice(result, row, 0),
                                  .list = cw_pg_slice(result, row, 1),
                                  .currency = cw_pg_slice(result, row, 2),
                                  .from = cw_pg_time(result, row, 4),
                                  .until = cw_pg_time(result, row, 5) };
    *ok = cw_store_take_decimal(cw_pg_slice(result, row, 3), cw_pg_place(each), "prices", price.sku,
                                &price.amount, err);
    return *ok && each->price(each->arg, &price);
}

void cw_pg_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                       cw_store_done_fn *done, void *arg)
{
    const struct cw_pg_each each = {
        .txn = txn, .take = take_price, .price = price, .done = done, .arg = arg
    };
    cw_pg_read_each(&each, select_prices, skus, count, (struct cw_slice){ 0 });
}
