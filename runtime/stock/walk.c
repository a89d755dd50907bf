/* walk.c - see walk.h. */
#include "stock/walk.h"

#include <stdlib.h>

enum { FIRST_ITEMS = 32 };

bool cw_walk_begin(struct cw_walk *walk, uint32_t limit)
{
    size_t words = (size_t)limit / 64 + 1;
    for (size_t i = 0; i < walk->count; i++)
        walk->seen[walk->items[i] / 64] = 0;
    walk->count = 0;
    if (words <= walk->words)
        return true;
    uint64_t *seen = calloc(words, sizeof *seen);
    if (seen == NULL)
        return false;
    free(walk->seen);
    walk->seen = seen;
    walk->words = words;
    return true;
}

void cw_walk_fini(struct cw_walk *walk)
{
    free(walk->items);
    free(walk->seen);
    *walk = (struct cw_walk){ 0 };
}

bool cw_walk_visit(struct cw_walk *walk, uint32_t item)
{
    if (cw_walk_has(walk, item))
        return true;
    if (walk->count == walk->cap) {
        size_t cap = walk->cap > 0 ? walk->cap * 2 : FIRST_ITEMS;
        uint32_t *items = realloc(walk->items, cap * sizeof *items);
        if (items == NULL)
            return false;
        walk->items = items;
        walk->cap = cap;
    }
    walk->seen[item / 64] |= (uint64_t)1 << item % 64;
    walk->items[walk->count++] = item;
    return true;
}

bool cw_walk_follow(struct cw_walk *walk, const struct cw_cells *edges)
{
    for (size_t i = 0; i < walk->count; i++) {
        struct cw_cells_list list = cw_cells_at(edges, walk->items[i]);
        for (uint32_t j = 0; j < list.count; j++)
            if (!cw_walk_visit(walk, edges->keys[list.start + j]))
                return false;
    }
    return true;
}
