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
#define PAGE_OF(from)                                                                                        \
    "(SELECT left(sku, 200) AS head, sku FROM " from " AND sku IS NOT NULL AND left(sku, 200) >= "           \
    "left($1::text, 200) AND sku > $1 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $2)"
#define OF_LEVELS   PAGE_OF("stock_levels WHERE cart = ''")
#define OF_DEMANDS  PAGE_OF("demands WHERE true")
#define OF_INCOMING PAGE_OF("purchase_order_lines WHERE true")
#define OF_VENDORS  PAGE_OF("vendor_levels WHERE cart = ''")
#define OF_PRICES   PAGE_OF("prices WHERE cart = ''")
#define OF_ITEMS    PAGE_OF("items WHERE cart = ''")
#define OR          " UNION "
#define PAGES       OF_LEVELS OR OF_DEMANDS OR OF_INCOMING OR OF_VENDORS OR OF_PRICES OR OF_ITEMS
static const char select_skus[] = "SELECT sku FROM (" PAGES ") p ORDER BY sku LIMIT $2";

void cw_pg_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                     void *arg)
{
    const struct listing listing = { store, NULL, read, arg };
    list_skus(&listing, select_skus, CW_BINDS(cw_bind_text(after), cw_bind_int(limit)));
}

/* --- facts --- */

/* Of each SKU k; OFFSET 0 keeps the look-ups single, whatever the planner thinks of the tables' sizes. */
#define LOOK_UP(columns) " CROSS JOIN LATERAL (SELECT " columns " FROM "
#define SINGLE           " OFFSET 0) "
#define ITEM_OF_SKU                                                                                          \
    LOOK_UP("i.id, i.active")                                                                                \
    "items i WHERE i.cart = '' AND " CW_PG_SAME("i.sku", "k.sku") SINGLE "i"
#define ITEM_OF_COMPONENT                                                                                    \
    LOOK_UP("i.sku")                                                                                         \
    "items i WHERE i.id = c.item_id AND i.cart = '' AND i.sku IS NOT NULL" SINGLE "i"
#define ITEM_OF_VARIANT LOOK_UP("i.active") "items i WHERE i.id = v.item_id AND i.cart = ''" SINGLE "i"
#define COMPONENT_OF_ITEM                                                                                    \
    LOOK_UP("c.sku, c.quantity")                                                                             \
    "item_components c WHERE c.item_id = i.id" SINGLE "c"
#define COMPONENT_OF_SKU                                                                                     \
    LOOK_UP("c.item_id")                                                                                     \
    "item_components c WHERE " CW_PG_SAME("c.sku", "k.sku") SINGLE "c"
#define VARIANT_OF_SKU                                                                                       \
    LOOK_UP("v.active, v.item_id")                                                                           \
    "item_variants v WHERE lower(left(v.sku, 200)) = lower(left(k.sku, 200)) AND v.sku = k.sku "             \
    "AND v.sku IS NOT NULL" SINGLE "v"
#define LEVEL_OF_SKU                                                                                         \
    LOOK_UP("l.warehouse, l.quantity")                                                                       \
    "stock_levels l WHERE l.cart = '' AND l.quantity IS NOT NULL AND " CW_PG_SAME("l.sku", "k.sku") SINGLE "l"
#define DEMAND_OF_SKU                                                                                        \
    LOOK_UP("d.warehouse, d.quantity, d.state")                                                              \
    "demands d WHERE " CW_PG_SAME("d.sku", "k.sku") SINGLE "d"
#define LINE_OF_SKU                                                                                          \
    LOOK_UP("l.*")                                                                                           \
    "purchase_order_lines l WHERE l.quantity IS NOT NULL AND " CW_PG_SAME("l.sku", "k.sku") SINGLE "l"
#define ORDER_OF_LINE                                                                                        \
    LOOK_UP("p.id")                                                                                          \
    "purchase_orders p WHERE p.id = l.purchase_order_id AND p.cart = '' "                                    \
    "AND coalesce(p.closed, 0) <> 1" SINGLE "p"
#define VENDOR_OF_SKU                                                                                        \
    LOOK_UP("v.vendor, v.quantity")                                                                          \
    "vendor_levels v WHERE v.cart = '' AND v.quantity IS NOT NULL AND " CW_PG_SAME("v.sku", "k.sku") SINGLE  \
        "v"

/* Whose figures change with those of the SKUs in $1, and all that these depend on. */
#define DOWN(from) "SELECT c.sku FROM " from " k" ITEM_OF_SKU COMPONENT_OF_ITEM " WHERE c.sku IS NOT NULL"
#define UP(from)   "SELECT i.sku FROM " from " k" COMPONENT_OF_SKU ITEM_OF_COMPONENT
#define BELOW      "below(sku) AS (SELECT k.text FROM " CW_PG_EACH " UNION " DOWN("below") ")"
#define AFFECTED   "affected(sku) AS (SELECT sku FROM below UNION " UP("affected") ")"
#define NEEDED     "needed(sku) AS (SELECT sku FROM affected UNION " DOWN("needed") ")"
#define KNOWN      "known(sku) AS (SELECT sku FROM needed UNION " UP("known") ")"

/* Of each known SKU: fact, sku, other, quantity, word, at. A component without a SKU is one nobody has. */
#define COMPONENTS                                                                                           \
    "SELECT 0::bigint, k.sku, coalesce(c.sku, ''), coalesce(c.quantity, ''), NULL, NULL FROM known "         \
    "k" ITEM_OF_SKU COMPONENT_OF_ITEM
#define ITEMS                                                                                                \
    "SELECT 1, k.sku, '', NULL, CASE i.active WHEN 0 THEN '0' ELSE '1' END, NULL FROM known k" ITEM_OF_SKU
#define VARIANTS                                                                                             \
    "SELECT 1, k.sku, '', NULL, CASE WHEN i.active = 0 OR v.active = 0 THEN '0' ELSE '1' END, NULL "         \
    "FROM known k" VARIANT_OF_SKU ITEM_OF_VARIANT
#define LEVELS  "SELECT 2, k.sku, coalesce(l.warehouse, ''), l.quantity, NULL, NULL FROM known k" LEVEL_OF_SKU
#define DEMANDS "SELECT 3, k.sku, d.warehouse, d.quantity, d.state, NULL FROM known k" DEMAND_OF_SKU
#define INCOMING                                                                                             \
    "SELECT 4, k.sku, coalesce(l.warehouse, ''), l.quantity, l.received, l.expected_at FROM known "          \
    "k" LINE_OF_SKU ORDER_OF_LINE
#define VENDORS "SELECT 5, k.sku, coalesce(v.vendor, ''), v.quantity, NULL, NULL FROM known k" VENDOR_OF_SKU
#define AND     " UNION ALL "
#define FACTS   COMPONENTS AND ITEMS AND VARIANTS AND LEVELS AND DEMANDS AND INCOMING AND VENDORS

static const char select_facts[] =
    "WITH RECURSIVE " BELOW ", " AFFECTED ", " NEEDED ", " KNOWN " " FACTS " ORDER BY 1, 2";

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

#define PRICES_OF_SKU                                                                                        \
    LOOK_UP("p.*")                                                                                           \
    "prices p WHERE p.cart = '' AND p.amount IS NOT NULL AND " CW_PG_SAME("p.sku", "k.text") SINGLE "p"

static const char select_prices[] =
    "SELECT p.sku, coalesce(p.list, ''), coalesce(p.currency, ''), p.amount, p.valid_from, p.valid_until "
    "FROM " CW_PG_EACH PRICES_OF_SKU " ORDER BY p.sku, p.external_id";

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
