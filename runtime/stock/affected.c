/* affected.c - what depends on changed figures; see stock.h. A figure of an item reaches down, since a kit
 * that runs short needs its components, and from all of those up, since what is free of them may be built in.
 */
#include <stdlib.h>

#include "stock/stock_private.h"

static bool walk_from(struct cw_walk *walk, const struct cw_stock *stock, const uint32_t *items, size_t count,
                      const struct cw_cells *edges)
{
    if (!cw_walk_begin(walk, stock->skus.count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (cw_stock_has(stock, items[i]) && !cw_walk_visit(walk, items[i]))
            return false;
    return cw_walk_follow(walk, edges);
}

/* Reads them off the walk's bits, which is faster than sorting unless they are very few. */
static void put_in_order(struct cw_walk *walk)
{
    size_t count = 0;
    for (size_t word = 0; word < walk->words; word++)
        for (uint64_t left = walk->seen[word]; left != 0; left &= left - 1)
            walk->items[count++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(left));
}

uint32_t *cw_stock_affected(const struct cw_stock *stock, const uint32_t *changed, size_t count,
                            size_t *affected_count)
{
    struct cw_walk down = { 0 }, up = { 0 };
    uint32_t *affected = NULL;
    *affected_count = 0;
    if (!walk_from(&down, stock, changed, count, &stock->made_of) ||
        !walk_from(&up, stock, down.items, down.count, &stock->part_of))
        goto out;
    put_in_order(&up);
    *affected_count = up.count;
    affected = up.items != NULL ? up.items : malloc(sizeof *affected); /* none is no failure */
    up.items = NULL;
    up.count = 0;
out:
    cw_walk_fini(&down);
    cw_walk_fini(&up);
    return affected;
}
