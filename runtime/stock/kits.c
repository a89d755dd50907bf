/* kits.c - what kits are made of: rings and excessive depth are refused here, so that nobody else need think
 * of them. See stock.h. */
#include <stdio.h>
#include <stdlib.h>

#include "stock/stock_private.h"

enum { SKU_SHOWN = 60 }; /* bytes of a SKU in a message */

#define SHOWN(stock, item) CW_SLICE_ARG(cw_slice_clip(cw_stock_sku(stock, item), SKU_SHOWN))

/* What a kit is to be made of, each item once, in order. */
struct parts {
    uint32_t *items;
    cw_quantity *pieces;
    uint32_t count;
};

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "no memory for the components of a kit");
}

/* --- order by height --- */

void cw_kits_sort(const struct cw_stock *stock, const uint32_t *items, size_t count, uint32_t *sorted)
{
    size_t next[CW_KIT_DEPTH_MAX + 1] = { 0 }, start = 0;
    for (size_t i = 0; i < count; i++)
        next[stock->heights[items[i]]]++;
    for (size_t height = CW_KIT_DEPTH_MAX + 1; height-- > 0;) {
        size_t there_are = next[height];
        next[height] = start;
        start += there_are;
    }
    for (size_t i = 0; i < count; i++)
        sorted[next[stock->heights[items[i]]]++] = items[i];
}

/* --- the components given --- */

static bool check_component(const struct cw_stock *stock, uint32_t kit,
                            const struct cw_stock_component *component, struct cw_error *err)
{
    char text[CW_DECIMAL_TEXT_MAX];
    if (!cw_stock_has(stock, component->item))
        return cw_fail(err, CW_USAGE, "kit %.*s: a component is no item of this stock", SHOWN(stock, kit));
    if (component->quantity > 0 && component->quantity <= CW_QUANTITY_MAX)
        return true;
    struct cw_decimal quantity = cw_quantity_decimal(component->quantity);
    cw_decimal_format(&quantity, text);
    if (component->quantity <= 0)
        return cw_fail(err, CW_INVALID,
                       "%.*s is made of %s pieces of %.*s; the quantity of a component must be above 0",
                       SHOWN(stock, kit), text, SHOWN(stock, component->item));
    return cw_fail(err, CW_INVALID, "%.*s is made of %s pieces of %.*s, which is absurd: more than 10^9",
                   SHOWN(stock, kit), text, SHOWN(stock, component->item));
}

static bool check_components(const struct cw_stock *stock, uint32_t kit,
                             const struct cw_stock_component *components, size_t count, struct cw_error *err)
{
    if (!cw_stock_has(stock, kit))
        return cw_fail(err, CW_USAGE, "a kit is no item of this stock");
    if (count > CW_KIT_COMPONENTS_MAX)
        return cw_fail(err, CW_INVALID, "%.*s has %zu components; a kit may have %d", SHOWN(stock, kit),
                       count, CW_KIT_COMPONENTS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!check_component(stock, kit, &components[i], err))
            return false;
    return true;
}

static int compare_items(const void *a, const void *b)
{
    uint32_t first = ((const struct cw_stock_component *)a)->item;
    uint32_t second = ((const struct cw_stock_component *)b)->item;
    return first < second ? -1 : first > second;
}

static void merge(struct parts *parts, const struct cw_stock_component *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || sorted[i].item != sorted[i - 1].item) {
            parts->items[parts->count] = sorted[i].item;
            parts->pieces[parts->count++] = 0;
        }
        cw_quantity *pieces = &parts->pieces[parts->count - 1];
        *pieces = cw_exact_add(*pieces, sorted[i].quantity);
    }
}

static bool gather(struct parts *parts, const struct cw_stock_component *components, size_t count)
{
    struct cw_stock_component *sorted = malloc((count + 1) * sizeof *sorted);
    parts->items = malloc((count + 1) * sizeof *parts->items);
    parts->pieces = malloc((count + 1) * sizeof *parts->pieces);
    bool ok = sorted != NULL && parts->items != NULL && parts->pieces != NULL;
    if (ok && count > 0) {
        memcpy(sorted, components, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_items);
        merge(parts, sorted, count);
    }
    free(sorted);
    return ok;
}

/* --- rings --- */

/* A search for the kit below what it is to be made of. A way down has at most one item of each height. */
struct search {
    struct cw_stock *stock;
    uint32_t kit;
    bool no_memory;
    size_t length;
    uint32_t way[CW_KIT_DEPTH_MAX + 2];
};

static bool finds(struct search *search, uint32_t from)
{
    struct cw_stock *stock = search->stock;
    search->way[search->length++] = from;
    if (from == search->kit)
        return true;
    if (stock->heights[from] > stock->heights[search->kit] && !cw_walk_has(&stock->walk, from)) {
        struct cw_cells_list list = cw_cells_at(&stock->made_of, from);
        search->no_memory = search->no_memory || !cw_walk_visit(&stock->walk, from);
        for (uint32_t i = 0; i < list.count && !search->no_memory; i++)
            if (finds(search, stock->made_of.keys[list.start + i]))
                return true;
    }
    search->length--;
    return false;
}

static bool name_ring(const struct search *search, struct cw_error *err)
{
    char text[(CW_KIT_DEPTH_MAX + 2) * (SKU_SHOWN + 32)];
    size_t len = (size_t)snprintf(text, sizeof text, "%.*s", SHOWN(search->stock, search->kit));
    for (size_t i = 0; i < search->length; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s is made of %.*s", i > 0 ? ", which" : "",
                                SHOWN(search->stock, search->way[i]));
    return cw_fail(err, CW_INVALID, "%s; take one of them out of what it is made of", text);
}

static bool check_ring(struct cw_stock *stock, uint32_t kit, const struct parts *parts, struct cw_error *err)
{
    struct search search = { .stock = stock, .kit = kit };
    if (!cw_walk_begin(&stock->walk, stock->skus.count))
        return no_memory(err);
    for (uint32_t i = 0; i < parts->count; i++) {
        if (finds(&search, parts->items[i]))
            return name_ring(&search, err);
        if (search.no_memory)
            return no_memory(err);
    }
    return true;
}

/* --- depth --- */

static unsigned height_over(const struct cw_stock *stock, const uint32_t *items, uint32_t count)
{
    unsigned height = 0;
    for (uint32_t i = 0; i < count; i++)
        if (stock->heights[items[i]] >= height)
            height = stock->heights[items[i]] + 1u;
    return height;
}

/* Sets the height of a kit, and then of all `above` it, which has the highest first; returns the highest. */
static unsigned set_heights(struct cw_stock *stock, uint32_t kit, unsigned height, const uint32_t *above,
                            size_t count)
{
    unsigned highest = height;
    stock->heights[kit] = (uint8_t)height;
    for (size_t i = count; i-- > 0;) {
        struct cw_cells_list list = cw_cells_at(&stock->made_of, above[i]);
        unsigned now = height_over(stock, stock->made_of.keys + list.start, list.count);
        stock->heights[above[i]] = (uint8_t)now;
        highest = now > highest ? now : highest;
    }
    return highest;
}

/* Nothing is known any more of which ways lead through the kit. */
static void forget_shapes(struct cw_stock *stock, uint32_t kit, const uint32_t *above, size_t count)
{
    const uint8_t shape = CW_ITEM_IS_ORDINARY | CW_ITEM_IS_JOINED;
    stock->bits[kit] &= (uint8_t)~shape;
    for (size_t i = 0; i < count; i++)
        stock->bits[above[i]] &= (uint8_t)~shape;
}

/* Raises or lowers the kit and all above it; when that would be too high, all stays. */
static bool change_heights(struct cw_stock *stock, uint32_t kit, unsigned height, struct cw_error *err)
{
    bool ok = true;
    unsigned old = stock->heights[kit];
    if (!cw_walk_begin(&stock->walk, stock->skus.count) || !cw_walk_visit(&stock->walk, kit) ||
        !cw_walk_follow(&stock->walk, &stock->part_of))
        return no_memory(err);
    size_t count = stock->walk.count - 1; /* the kit itself came first */
    uint32_t *above = malloc((count + 1) * sizeof *above);
    if (above == NULL)
        return no_memory(err);
    cw_kits_sort(stock, stock->walk.items + 1, count, above);
    unsigned highest = set_heights(stock, kit, height, above, count);
    if (highest > CW_KIT_DEPTH_MAX) {
        set_heights(stock, kit, old, above, count);
        ok = cw_fail(err, CW_INVALID,
                     "%.*s would make kits of kits %u deep; %d is the most; make some of plain items instead",
                     SHOWN(stock, kit), highest, CW_KIT_DEPTH_MAX);
    } else {
        forget_shapes(stock, kit, above, count);
    }
    free(above);
    return ok;
}

/* --- the change --- */

static bool reserve(struct cw_stock *stock, uint32_t kit, const struct parts *parts)
{
    return cw_cells_reserve(&stock->made_of, &kit, 1, parts->count) &&
           cw_cells_reserve(&stock->part_of, parts->items, parts->count, 1);
}

static bool has_part(const struct parts *parts, uint32_t item)
{
    uint32_t from = 0, to = parts->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (parts->items[middle] < item)
            from = middle + 1;
        else
            to = middle;
    }
    return from < parts->count && parts->items[from] == item;
}

/* Cannot fail, after reserve(). */
static void replace(struct cw_stock *stock, uint32_t kit, const struct parts *parts)
{
    struct cw_cells_list old = cw_cells_at(&stock->made_of, kit);
    for (uint32_t i = 0; i < old.count; i++) {
        uint32_t item = stock->made_of.keys[old.start + i];
        if (!has_part(parts, item))
            cw_cells_drop(&stock->part_of, item, kit);
    }
    for (uint32_t i = 0; i < parts->count; i++)
        if (old.count > 0)
            cw_cells_put(&stock->part_of, parts->items[i], kit, parts->pieces[i]);
        else
            cw_cells_append(&stock->part_of, parts->items[i], kit, parts->pieces[i]);
    cw_cells_replace(&stock->made_of, kit, parts->items, parts->pieces, parts->count);
}

bool cw_stock_set_kit(struct cw_stock *stock, uint32_t kit, const struct cw_stock_component *components,
                      size_t count, struct cw_error *err)
{
    struct parts parts = { 0 };
    bool ok = false;
    if (!check_components(stock, kit, components, count, err))
        return false;
    if (!gather(&parts, components, count) || !reserve(stock, kit, &parts)) {
        no_memory(err);
        goto out;
    }
    if (!check_ring(stock, kit, &parts, err) ||
        !change_heights(stock, kit, height_over(stock, parts.items, parts.count), err))
        goto out;
    replace(stock, kit, &parts);
    ok = true;
out:
    free(parts.items);
    free(parts.pieces);
    return ok;
}
