/* stock_bench.c - what it costs to count stock: all of it, and a change of some levels, beside the same sums
 * and minima over bare arrays of 64 bits that know no rules, no demand and no names. In CPU time, best of
 * several runs, and in bytes. Arguments: [ITEMS [WAREHOUSES [KITS]]], usually 100000 10 50000. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stock/stock.h"

enum { RUNS = 15, CHANGED = 1000, COMPONENTS_MAX = 5 };

/* Of the kits, the last tenth is made of kits too; of these one in four shares components with them. */
struct shape {
    uint32_t items, warehouses, kits, deep, parts; /* parts: plain items, which come first */
};

/* The plain arrays: levels by item and warehouse; components of kits, in order of their kits. */
struct bare {
    int64_t *levels, *sums, *published;
    uint32_t *components, *first; /* `first` of the kits, and one more */
    int64_t *pieces;
};

static struct cw_error err;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "stock_bench: %s\n", err.code != CW_OK ? err.text : "no memory");
    exit(1);
}

static void *get(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    check(memory != NULL);
    return memory;
}

static uint32_t roll(uint32_t below)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((state >> 32) * below) >> 32);
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- what is counted --- */

static uint32_t add_components(const struct shape *shape, struct bare *bare, uint32_t kit, uint32_t at)
{
    uint32_t count = 2 + roll(COMPONENTS_MAX - 1);
    bool is_deep = kit >= shape->kits - shape->deep;
    uint32_t part = roll(shape->parts);
    for (uint32_t i = 0; i < count; i++, at++) {
        bare->components[at] = (part + i) % shape->parts;
        bare->pieces[at] = (1 + roll(3)) * CW_QUANTITY_ONE;
    }
    if (!is_deep)
        return at;
    uint32_t below = roll(shape->kits - shape->deep);
    if (kit % 4 == 0) /* the same part as the kit below has */
        bare->components[at - 1] = bare->components[bare->first[below]];
    for (uint32_t i = at - count; i + 1 < at; i++)
        if (bare->components[i] == bare->components[at - 1])
            bare->components[at - 1] = (bare->components[i] + COMPONENTS_MAX) % shape->parts;
    bare->components[at] = shape->parts + below;
    bare->pieces[at] = CW_QUANTITY_ONE;
    return at + 1;
}

static struct bare make_bare(const struct shape *shape)
{
    size_t levels = (size_t)shape->items * shape->warehouses;
    struct bare bare = { .levels = get(levels, sizeof *bare.levels),
                         .sums = get(shape->items, sizeof *bare.sums),
                         .published = get(shape->items, sizeof *bare.published),
                         .components = get((size_t)shape->kits * (COMPONENTS_MAX + 1), sizeof(uint32_t)),
                         .pieces = get((size_t)shape->kits * (COMPONENTS_MAX + 1), sizeof *bare.pieces),
                         .first = get((size_t)shape->kits + 1, sizeof *bare.first) };
    for (size_t i = 0; i < levels; i++)
        bare.levels[i] = roll(50) * CW_QUANTITY_ONE;
    for (uint32_t kit = 0; kit < shape->kits; kit++)
        bare.first[kit + 1] = add_components(shape, &bare, kit, bare.first[kit]);
    return bare;
}

static void add_items(struct cw_stock *stock, const struct shape *shape, const struct bare *bare)
{
    char name[32];
    for (uint32_t i = 0; i < shape->items; i++) {
        snprintf(name, sizeof name, "SKU-%06u", (unsigned)i);
        check(cw_stock_item(stock, cw_slice(name)) == i);
    }
    for (uint32_t i = 0; i < shape->warehouses; i++) {
        snprintf(name, sizeof name, "warehouse %u", (unsigned)i);
        check(cw_stock_warehouse(stock, cw_slice(name)) == i);
    }
    for (uint32_t i = 0; i < shape->items; i++)
        for (uint32_t at = 0; at < shape->warehouses; at++)
            check(cw_stock_set_level(stock, i, at, bare->levels[(size_t)i * shape->warehouses + at]));
}

static void add_kits(struct cw_stock *stock, const struct shape *shape, const struct bare *bare)
{
    struct cw_stock_component components[COMPONENTS_MAX + 1];
    for (uint32_t kit = 0; kit < shape->kits; kit++) {
        uint32_t first = bare->first[kit], count = bare->first[kit + 1] - first;
        for (uint32_t i = 0; i < count; i++)
            components[i] =
                (struct cw_stock_component){ bare->components[first + i], bare->pieces[first + i] };
        check(cw_stock_set_kit(stock, shape->parts + kit, components, count, &err));
    }
}

/* An item in ten is promised to somebody, one in twenty expected. */
static void add_orders(struct cw_stock *stock, const struct shape *shape)
{
    for (uint32_t i = 0; i < shape->items / 10; i++)
        check(cw_stock_add_demand(stock, roll(shape->items), CW_STOCK_NONE, (enum cw_demand)roll(3),
                                  CW_QUANTITY_ONE));
    for (uint32_t i = 0; i < shape->items / 20; i++)
        check(cw_stock_add_incoming(stock, roll(shape->items), roll(shape->warehouses),
                                    (cw_time)roll(60) * CW_DAY, CW_QUANTITY_ONE));
}

/* --- the plain loops --- */

__attribute__((noinline)) static void sum_bare(const struct shape *shape, const struct bare *bare)
{
    for (uint32_t i = 0; i < shape->items; i++) {
        const int64_t *levels = bare->levels + (size_t)i * shape->warehouses;
        int64_t sum = 0;
        for (uint32_t at = 0; at < shape->warehouses; at++)
            sum += levels[at];
        bare->sums[i] = bare->published[i] = sum;
    }
}

/* Shared components are counted twice here, and pieces by a division each. */
__attribute__((noinline)) static void build_bare(const struct shape *shape, const struct bare *bare)
{
    for (uint32_t kit = 0; kit < shape->kits; kit++) {
        int64_t least = INT64_MAX;
        for (uint32_t i = bare->first[kit]; i < bare->first[kit + 1]; i++) {
            int64_t enough = bare->published[bare->components[i]] / (bare->pieces[i] / CW_QUANTITY_ONE);
            least = enough < least ? enough : least;
        }
        bare->published[shape->parts + kit] += least - least % CW_QUANTITY_ONE;
    }
}

/* --- measuring --- */

struct best {
    double ms;
    bool is_set;
};

static void end_run(struct best *best, double start)
{
    double used = cpu_ms() - start;
    if (!best->is_set || used < best->ms)
        *best = (struct best){ used, true };
}

static int64_t read_all(const struct cw_stock_view *view, const struct shape *shape)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < shape->items; i++)
        sum += cw_stock_view_get(view, i).quantity / CW_QUANTITY_ONE;
    return sum;
}

static void measure_rule(const char *name, const struct cw_stock *stock, const struct shape *shape,
                         const struct cw_stock_rule *rule, double bare_ms)
{
    struct best count = { 0 }, read = { 0 };
    int64_t sum = 0;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    struct cw_stock_view *view = cw_stock_view_create(stock, rule, 0);
    check(view != NULL);
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_ms();
        check(cw_stock_view_count(view));
        end_run(&count, start);
        start = cpu_ms();
        sum += read_all(view, shape);
        end_run(&read, start);
    }
    size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    printf("  %-44s %7.2f ms = %5.2f times bare; read all %5.2f ms; %5.1f bytes an item (%lld)\n", name,
           count.ms, count.ms / bare_ms, read.ms, (double)bytes / shape->items, (long long)sum / RUNS);
    cw_stock_view_free(view);
}

static double measure_bare(const struct shape *shape, const struct bare *bare)
{
    struct best sums = { 0 }, all = { 0 };
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_ms();
        sum_bare(shape, bare);
        end_run(&sums, start);
        build_bare(shape, bare);
        end_run(&all, start);
    }
    printf("  %-44s %7.2f ms, of which sums %.2f ms\n", "bare arrays", all.ms, sums.ms);
    return all.ms;
}

static void measure_change(struct cw_stock *stock, const struct shape *shape,
                           const struct cw_stock_rule *rule)
{
    struct best set = { 0 }, count = { 0 };
    uint32_t changed[CHANGED];
    size_t affected_count = 0;
    struct cw_stock_view *view = cw_stock_view_create(stock, rule, 0);
    check(view != NULL && cw_stock_view_count(view));
    for (int run = 0; run < RUNS; run++) {
        for (uint32_t i = 0; i < CHANGED; i++)
            changed[i] = roll(shape->items);
        double start = cpu_ms();
        for (uint32_t i = 0; i < CHANGED; i++)
            check(cw_stock_set_level(stock, changed[i], roll(shape->warehouses), roll(50) * CW_QUANTITY_ONE));
        end_run(&set, start);
        start = cpu_ms();
        check(cw_stock_view_recount(view, changed, CHANGED));
        end_run(&count, start);
        uint32_t *affected = cw_stock_affected(stock, changed, CHANGED, &affected_count);
        check(affected != NULL);
        free(affected);
    }
    printf("%d levels changed: set %.3f ms, counted %.3f ms; about %zu items depend on them, %.0f ns each\n",
           CHANGED, set.ms, count.ms, affected_count, count.ms * 1e6 / (double)affected_count);
    cw_stock_view_free(view);
}

static void measure_counts(struct cw_stock *stock, const struct shape *shape, const struct bare *bare)
{
    static char first[] = "warehouse 0", second[] = "warehouse 3", third[] = "warehouse 7";
    static char *some[] = { first, second, third, NULL };
    const struct cw_stock_rule plain = { .figure = CW_FIGURE_ON_HAND, .adds_kits = true };
    const struct cw_stock_rule usual = { .figure = CW_FIGURE_AVAILABLE,
                                         .adds_kits = true,
                                         .adds_incoming = true,
                                         .incoming_within = 14 * CW_DAY,
                                         .vendor = CW_VENDOR_ADDED,
                                         .buffer_percent = 5 };
    struct cw_stock_rule chosen = usual;
    chosen.warehouses = some;
    double bare_ms = measure_bare(shape, bare);
    measure_rule("on hand, with kits", stock, shape, &plain, bare_ms);
    measure_rule("available, kits, incoming, vendors", stock, shape, &usual, bare_ms);
    measure_rule("the same of three warehouses", stock, shape, &chosen, bare_ms);
    measure_change(stock, shape, &usual);
}

int main(int argc, char **argv)
{
    struct shape shape = { .items = 100000, .warehouses = 10, .kits = 50000 };
    if (argc > 1)
        shape.items = (uint32_t)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        shape.warehouses = (uint32_t)strtoul(argv[2], NULL, 10);
    if (argc > 3)
        shape.kits = (uint32_t)strtoul(argv[3], NULL, 10);
    shape.parts = shape.items - shape.kits;
    shape.deep = shape.kits / 10;
    struct bare bare = make_bare(&shape);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    struct cw_stock *stock = cw_stock_create();
    check(stock != NULL);
    double start = cpu_ms();
    add_items(stock, &shape, &bare);
    double with_items = cpu_ms();
    add_kits(stock, &shape, &bare);
    add_orders(stock, &shape);
    double end = cpu_ms();
    size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    printf("%u items in %u warehouses, %u of them kits\n", (unsigned)shape.items, (unsigned)shape.warehouses,
           (unsigned)shape.kits);
    printf("filled: items and levels %.1f ms, kits and orders %.1f ms; %.1f MB, bare levels are %.1f MB\n",
           with_items - start, end - with_items, (double)bytes / 1e6,
           (double)shape.items * shape.warehouses * sizeof(int64_t) / 1e6);
    measure_counts(stock, &shape, &bare);
    cw_stock_free(stock);
    free(bare.levels);
    free(bare.sums);
    free(bare.published);
    free(bare.components);
    free(bare.pieces);
    free(bare.first);
    return 0;
}
