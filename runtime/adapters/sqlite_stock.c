/* sqlite_stock.c - what is known of stock and prices, and which SKUs are to be counted again. */
#include "adapters/sqlite_stock.h"

#include <stdlib.h>

#include "adapters/store_facts.h"
#include "adapters/writer.h"

bool cw_sqlite_bind_list(const struct cw_slice *texts, size_t count, struct cw_buffer *json,
                         struct cw_bind *bind, struct cw_error *err)
{
    bool ok = cw_buffer_add(json, "[", 1, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || cw_buffer_add(json, ",", 1, err)) && cw_json_write_text(json, texts[i], err);
    if (!ok || !cw_buffer_add(json, "]", 1, err))
        return false;
    *bind = cw_bind_text(cw_buffer_slice(json));
    return true;
}

/* --- marks --- */

static const char insert_mark[] = "INSERT INTO stock_marks (sku) SELECT ?1 "
                                  "WHERE NOT EXISTS (SELECT 1 FROM stock_marks WHERE sku = ?1)";
static const char select_marks[] = "SELECT DISTINCT sku FROM stock_marks ORDER BY sku LIMIT ?1";
static const char delete_marks[] = "DELETE FROM stock_marks WHERE sku <= ?1";

bool cw_sqlite_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_sqlite_run(cw_sqlite_of(txn->store), insert_mark, CW_BINDS(cw_bind_text(skus[i])), err))
            return false;
    return true;
}

/* SKUs that were read, kept until they have been handed out. */
struct list {
    struct cw_arena arena;
    struct cw_slice *skus;
    size_t count;
};

static void free_list(struct list *list)
{
    cw_arena_fini(&list->arena);
    free(list->skus);
}

static bool add_sku(struct list *list, struct cw_slice sku, struct cw_error *err)
{
    bool is_full = (list->count & (list->count - 1)) == 0; /* of the powers of two that it grows by */
    size_t cap = list->count == 0 ? 1 : 2 * list->count;
    struct cw_slice *skus = is_full ? realloc(list->skus, cap * sizeof *skus) : list->skus;
    if (skus != NULL) {
        list->skus = skus;
        skus[list->count] = cw_arena_copy(&list->arena, sku);
    }
    if (skus == NULL || skus[list->count].data == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for %zu SKUs", list->count + 1);
    list->count++;
    return true;
}

static bool read_list(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds, size_t count,
                      struct list *list, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(s, sql, binds, count, &row, err);
    cw_arena_init(&list->arena, 0);
    while (found == CW_ROW_FOUND) {
        if (!add_sku(list, cw_sqlite_slice(row, 0), err)) {
            sqlite3_reset(row);
            return false;
        }
        found = cw_sqlite_next(s, row, err);
    }
    return found == CW_ROW_NONE;
}

void cw_sqlite_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct list list = { 0 };
    struct cw_error err;
    bool ok = read_list(s, select_marks, CW_BINDS(cw_bind_int(limit)), &list, &err) &&
              (list.count == 0 ||
               cw_sqlite_run(s, delete_marks, CW_BINDS(cw_bind_text(list.skus[list.count - 1])), &err));
    if (!ok)
        cw_txn_lose(txn, &err);
    taken(arg, ok ? list.skus : NULL, ok ? list.count : 0, ok ? NULL : &err);
    free_list(&list);
}

/* --- all SKUs --- */

/* ?1 is the last one of the page before, ?2 the size of a page. SQLite would sooner read all of an index that
 * has every column it needs. */
#define PAGE_OF(from) "SELECT sku FROM (SELECT DISTINCT sku FROM " from " AND sku > ?1 ORDER BY sku LIMIT ?2)"
#define OF_LEVELS     PAGE_OF("stock_levels WHERE cart = ''")
#define OF_DEMANDS    PAGE_OF("demands WHERE true")
#define OF_INCOMING   PAGE_OF("purchase_order_lines WHERE true")
#define OF_VENDORS    PAGE_OF("vendor_levels WHERE cart = ''")
#define OF_PRICES     PAGE_OF("prices WHERE cart = ''")
#define OF_ITEMS      PAGE_OF("items INDEXED BY items_office_sku WHERE cart = ''")
#define OR            " UNION "
static const char select_skus[] =
    OF_LEVELS OR OF_DEMANDS OR OF_INCOMING OR OF_VENDORS OR OF_PRICES OR OF_ITEMS " ORDER BY sku LIMIT ?2";

void cw_sqlite_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                         void *arg)
{
    struct list list = { 0 };
    struct cw_error err;
    bool ok = read_list(cw_sqlite_of(store), select_skus, CW_BINDS(cw_bind_text(after), cw_bind_int(limit)),
                        &list, &err);
    read(arg, ok ? list.skus : NULL, ok ? list.count : 0, ok ? NULL : &err);
    free_list(&list);
}

/* --- facts --- */

#define OFFICE_ITEMS "items i INDEXED BY items_office_sku"

/* One step from SKUs to what they are made of, and to what is made of them. */
#define DOWN(from)                                                                                           \
    "SELECT c.sku FROM " from " CROSS JOIN " OFFICE_ITEMS " CROSS JOIN item_components c WHERE i.cart = '' " \
    "AND i.sku = " from ".sku AND c.item_id = i.id AND c.sku IS NOT NULL"
#define UP(from)                                                                                             \
    "SELECT i.sku FROM " from " CROSS JOIN item_components c CROSS JOIN items i WHERE c.sku = " from ".sku " \
    "AND i.id = c.item_id AND i.cart = '' AND i.sku IS NOT NULL"

/* Whose figures change with those of the SKUs in ?1, and all that these depend on. */
#define BELOW    "below(sku) AS MATERIALIZED (SELECT value FROM json_each(?1) UNION " DOWN("below") ")"
#define AFFECTED "affected(sku) AS MATERIALIZED (SELECT sku FROM below UNION " UP("affected") ")"
#define NEEDED   "needed(sku) AS MATERIALIZED (SELECT sku FROM affected UNION " DOWN("needed") ")"
#define KNOWN    "known(sku) AS MATERIALIZED (SELECT sku FROM needed UNION " UP("known") ")"

/* Of each known SKU k: fact, sku, other, quantity, word, at. A component without a SKU is one nobody has. */
#define COMPONENTS                                                                                           \
    "SELECT 0, k.sku, coalesce(c.sku, ''), coalesce(c.quantity, ''), NULL, NULL FROM known k "               \
    "CROSS JOIN " OFFICE_ITEMS " CROSS JOIN item_components c WHERE i.cart = '' AND i.sku = k.sku "          \
    "AND c.item_id = i.id"
#define ITEMS                                                                                                \
    "SELECT 1, k.sku, '', NULL, CASE i.active WHEN 0 THEN '0' ELSE '1' END, NULL FROM known k "              \
    "CROSS JOIN " OFFICE_ITEMS " WHERE i.cart = '' AND i.sku = k.sku"
#define VARIANTS                                                                                             \
    "SELECT 1, k.sku, '', NULL, CASE WHEN i.active = 0 OR v.active = 0 THEN '0' ELSE '1' END, NULL "         \
    "FROM known k CROSS JOIN item_variants v CROSS JOIN items i WHERE v.sku = k.sku COLLATE NOCASE "         \
    "AND v.sku = k.sku AND i.id = v.item_id AND i.cart = ''"
#define LEVELS                                                                                               \
    "SELECT 2, k.sku, coalesce(l.warehouse, ''), l.quantity, NULL, NULL FROM known k "                       \
    "CROSS JOIN stock_levels l WHERE l.cart = '' AND l.sku = k.sku AND l.quantity IS NOT NULL"
#define DEMANDS                                                                                              \
    "SELECT 3, k.sku, d.warehouse, d.quantity, d.state, NULL FROM known k CROSS JOIN demands d "             \
    "WHERE d.sku = k.sku"
#define INCOMING                                                                                             \
    "SELECT 4, k.sku, coalesce(l.warehouse, ''), l.quantity, l.received, l.expected_at FROM known k "        \
    "CROSS JOIN purchase_order_lines l CROSS JOIN purchase_orders p WHERE l.sku = k.sku "                    \
    "AND l.quantity IS NOT NULL AND p.id = l.purchase_order_id AND p.cart = '' "                             \
    "AND coalesce(p.closed, 0) <> 1"
#define VENDORS                                                                                              \
    "SELECT 5, k.sku, coalesce(v.vendor, ''), v.quantity, NULL, NULL FROM known k "                          \
    "CROSS JOIN vendor_levels v WHERE v.cart = '' AND v.sku = k.sku AND v.quantity IS NOT NULL"
#define AND   " UNION ALL "
#define FACTS COMPONENTS AND ITEMS AND VARIANTS AND LEVELS AND DEMANDS AND INCOMING AND VENDORS

static const char select_facts[] = "WITH RECURSIVE " BELOW ", " AFFECTED ", " NEEDED ", " KNOWN " " FACTS;

struct stock_reading {
    const char *place;
    cw_stock_fact_fn *fact;
    void *arg;
};

/* False without an error: the caller has had enough. */
static bool take_fact(void *arg, sqlite3_stmt *row, bool *ok, struct cw_error *err)
{
    const struct stock_reading *reading = arg;
    const struct cw_fact_row in = { .fact = sqlite3_column_int64(row, 0),
                                    .sku = cw_sqlite_slice(row, 1),
                                    .other = cw_sqlite_slice(row, 2),
                                    .quantity = cw_sqlite_slice(row, 3),
                                    .word = cw_sqlite_slice(row, 4),
                                    .at = cw_sqlite_time(row, 5) };
    struct cw_stock_fact fact;
    bool is_one;
    *ok = cw_store_take_fact(&in, reading->place, &fact, &is_one, err);
    return *ok && (!is_one || reading->fact(reading->arg, &fact));
}

void cw_sqlite_read_each(struct cw_txn *txn, const char *sql, const struct cw_slice *texts, size_t count,
                         struct cw_slice cart, cw_sqlite_row_fn *take, void *arg, cw_store_done_fn *done,
                         void *done_arg)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_buffer json = { 0 };
    struct cw_bind binds[2] = { { 0 }, cw_bind_text(cart) };
    struct cw_error err;
    sqlite3_stmt *row = NULL;
    bool ok = cw_sqlite_bind_list(texts, count, &json, &binds[0], &err);
    enum cw_row found = ok ? cw_sqlite_find(s, sql, binds, cart.len > 0 ? 2 : 1, &row, &err) : CW_ROW_FAILED;
    ok = found != CW_ROW_FAILED;
    while (found == CW_ROW_FOUND && take(arg, row, &ok, &err))
        found = cw_sqlite_next(s, row, &err);
    if (found == CW_ROW_FOUND)
        sqlite3_reset(row);
    ok = ok && found != CW_ROW_FAILED;
    cw_buffer_fini(&json);
    if (!ok)
        cw_txn_lose(txn, &err);
    done(done_arg, ok ? NULL : &err);
}

void cw_sqlite_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count,
                          cw_stock_fact_fn *fact, cw_store_done_fn *done, void *arg)
{
    struct stock_reading reading = { cw_sqlite_of(txn->store)->path, fact, arg };
    cw_sqlite_read_each(txn, select_facts, skus, count, (struct cw_slice){ 0 }, take_fact, &reading, done,
                        arg);
}

/* --- prices --- */

static const char select_prices[] =
    "SELECT sku, coalesce(list, ''), coalesce(currency, ''), amount, valid_from, valid_until FROM prices "
    "WHERE cart = '' AND sku IN (SELECT value FROM json_each(?1)) AND amount IS NOT NULL "
    "ORDER BY sku, external_id";

struct price_reading {
    const char *place;
    cw_price_fn *price;
    void *arg;
};

static bool take_price(void *arg, sqlite3_stmt *row, bool *ok, struct cw_error *err)
{
    const struct price_reading *reading = arg;
    struct cw_price_row price = { .sku = cw_sqlite_slice(row, 0),
                                  .list = cw_sqlite_slice(row, 1),
                                  .currency = cw_sqlite_slice(row, 2),
                                  .from = cw_sqlite_time(row, 4),
                                  .until = cw_sqlite_time(row, 5) };
    *ok = cw_store_take_decimal(cw_sqlite_slice(row, 3), reading->place, "prices", price.sku, &price.amount,
                                err);
    return *ok && reading->price(reading->arg, &price);
}

void cw_sqlite_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                           cw_store_done_fn *done, void *arg)
{
    struct price_reading reading = { cw_sqlite_of(txn->store)->path, price, arg };
    cw_sqlite_read_each(txn, select_prices, skus, count, (struct cw_slice){ 0 }, take_price, &reading, done,
                        arg);
}
