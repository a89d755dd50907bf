/* stock_read_bench.c - what reading stock costs: pages of 500 SKUs out of many, each with two levels, an
 * item, a demand, and a purchase order line; one in ten is a kit of three others. Prints microseconds a SKU.
 *
 *   stock_read_bench [SKUS [URI]]     default 100000, in SQLite; a URI names a new store in PostgreSQL */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "adapters/store.h"

enum { PAGE = 500, KIT_OF = 3, ONE_KIT_IN = 10, PAGES_MAX = 40, SKU_MAX = 16 };

static const struct cw_slice office = { "", 0 };
static struct cw_store *store;
static struct cw_txn *txn;

static void fail(const char *what)
{
    fprintf(stderr, "stock_read_bench: %s\n", what);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void take_txn(void *arg, struct cw_txn *began, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->text);
    txn = began;
}

static void done(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->text);
}

static void begin(void)
{
    cw_txn_begin(store, (struct cw_fence){ 0 }, take_txn, NULL);
    cw_store_wait(store);
}

static void commit(void)
{
    cw_txn_commit(txn, done, NULL);
    cw_store_wait(store);
}

/* --- what there is --- */

static struct cw_value *set(struct cw_document *doc, const char *field)
{
    struct cw_value *value = &doc->values[cw_kind_field(doc->kind, cw_slice(field))];
    value->is_set = true;
    return value;
}

static struct cw_document *new_document(struct cw_arena *arena, const struct cw_kind *kind, const char *id)
{
    struct cw_document *doc = cw_document_create(arena, kind);
    doc->external_id = cw_arena_copy(arena, cw_slice(id));
    return doc;
}

static void add_row(struct cw_arena *arena, struct cw_document *doc, const char *list,
                    const struct cw_kind *kind, const char *sku)
{
    struct cw_document *row = new_document(arena, kind, "");
    struct cw_value *rows = set(doc, list);
    set(row, "sku")->text = cw_arena_copy(arena, cw_slice(sku));
    set(row, "quantity")->decimal = cw_decimal_from_int(2);
    if (rows->list.first == NULL)
        rows->list.first = row;
    else
        rows->list.last->next = row;
    rows->list.last = row;
    rows->list.count++;
}

static void put_level(struct cw_arena *arena, const char *sku, const char *warehouse)
{
    char id[SKU_MAX + 8];
    snprintf(id, sizeof id, "%s/%s", warehouse, sku);
    struct cw_document *doc = new_document(arena, &cw_kind_stock_level, id);
    set(doc, "sku")->text = cw_slice(sku);
    set(doc, "warehouse")->text = cw_slice(warehouse);
    set(doc, "quantity")->decimal = cw_decimal_from_int(5);
    cw_txn_put_document(txn, office, doc, 1, 1);
}

static void put_sku(struct cw_arena *arena, int i, int skus)
{
    char sku[SKU_MAX], other[SKU_MAX];
    snprintf(sku, sizeof sku, "SKU-%07d", i);
    put_level(arena, sku, "north");
    put_level(arena, sku, "south");
    struct cw_document *item = new_document(arena, &cw_kind_item, sku);
    set(item, "sku")->text = cw_slice(sku);
    for (int k = 1; i % ONE_KIT_IN == 0 && k <= KIT_OF; k++) {
        snprintf(other, sizeof other, "SKU-%07d", (i + 37 * k) % skus);
        add_row(arena, item, "components", &cw_kind_component, other);
    }
    cw_txn_put_document(txn, office, item, 1, 1);
    struct cw_document *order = new_document(arena, &cw_kind_purchase_order, sku);
    add_row(arena, order, "lines", &cw_kind_purchase_order_line, sku);
    cw_txn_put_document(txn, office, order, 1, 1);
    const struct cw_order_demand demand = { cw_slice(sku), office, CW_DEMAND_ALLOCATED,
                                            cw_decimal_from_int(1) };
    const struct cw_record_key key = { cw_slice("shop"), office, cw_slice(sku) };
    cw_txn_put_demands(txn, key, &demand, 1);
}

static void fill(int skus)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    for (int i = 0; i < skus; i++) {
        if (i % PAGE == 0)
            begin();
        put_sku(&arena, i, skus);
        if (i % PAGE == PAGE - 1 || i == skus - 1) {
            commit();
            cw_arena_reset(&arena);
        }
    }
    cw_arena_fini(&arena);
}

/* --- reading it --- */

static bool count_fact(void *arg, const struct cw_stock_fact *fact)
{
    (void)fact;
    ++*(long *)arg;
    return true;
}

/* Every `step`-th SKU from `first` on. */
static long read_page(int first, int step, int skus)
{
    static char names[PAGE][SKU_MAX];
    struct cw_slice list[PAGE];
    long facts = 0;
    for (int i = 0; i < PAGE; i++) {
        snprintf(names[i], SKU_MAX, "SKU-%07d", (first + i * step) % skus);
        list[i] = cw_slice(names[i]);
    }
    cw_txn_read_stock(txn, list, PAGE, count_fact, done, &facts);
    cw_store_wait(store);
    return facts;
}

static void time_pages(const char *name, int step, int skus)
{
    int pages = skus / PAGE < PAGES_MAX ? skus / PAGE : PAGES_MAX;
    long facts = 0;
    begin();
    read_page(0, step, skus);
    double from = seconds();
    for (int i = 0; i < pages; i++)
        facts += read_page(i * (skus / pages), step, skus);
    double us = (seconds() - from) * 1e6 / ((double)pages * PAGE);
    printf("%s: %.1f us a SKU, %.1f facts a SKU\n", name, us, (double)facts / ((double)pages * PAGE));
    cw_txn_rollback(txn);
}

static void count_skus(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err)
{
    struct cw_slice *after = arg;
    static char last[SKU_MAX];
    done(NULL, err);
    after->len = 0;
    if (count > 0)
        *after =
            (struct cw_slice){ memcpy(last, skus[count - 1].data, skus[count - 1].len), skus[count - 1].len };
}

static void time_all_skus(int skus)
{
    struct cw_slice after = office;
    double from = seconds();
    do {
        cw_store_read_skus(store, after, PAGE, count_skus, &after);
        cw_store_wait(store);
    } while (after.len > 0);
    printf("names of all SKUs: %.1f us a SKU\n", (seconds() - from) * 1e6 / skus);
}

int main(int argc, char **argv)
{
    int skus = argc > 1 ? atoi(argv[1]) : 100000;
    struct cw_store_config config = { .uri = argc > 2 ? argv[2] : "stock-read-bench.db", .create = true };
    struct cw_error err;
    if (skus < PAGE)
        fail("give at least 500 SKUs");
    store = cw_store_open(&config, NULL, &err);
    if (store == NULL)
        fail(err.text);
    double from = seconds();
    fill(skus);
    printf("%d SKUs put: %.1f us a SKU\n", skus, (seconds() - from) * 1e6 / skus);
    time_pages("neighbours", 1, skus);
    time_pages("far apart", 193, skus);
    time_all_skus(skus);
    cw_store_close(store);
    if (argc <= 2) {
        unlink("stock-read-bench.db");
        unlink("stock-read-bench.db-wal");
        unlink("stock-read-bench.db-shm");
    }
    return 0;
}
