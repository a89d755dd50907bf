/* walk.h - a walk over items that visits each once, in the order of their first mention. */
#ifndef CW_STOCK_WALK_H
#define CW_STOCK_WALK_H

#include "stock/cells.h"

struct cw_walk {
    uint32_t *items;
    size_t count, cap;
    uint64_t *seen; /* a bit for each item */
    size_t words;
};

/* Begins a new walk, over items below `limit`; of the memory of the last one what can be is used again.
 * False = no memory. A zeroed walk is a walk; cw_walk_fini ends its use. */
bool cw_walk_begin(struct cw_walk *walk, uint32_t limit);
void cw_walk_fini(struct cw_walk *walk);

static inline bool cw_walk_has(const struct cw_walk *walk, uint32_t item)
{
    return walk->seen[item / 64] >> item % 64 & 1;
}

/* False = no memory. */
bool cw_walk_visit(struct cw_walk *walk, uint32_t item);
/* Visits what can be reached from the items visited: by the keys of their lists. */
bool cw_walk_follow(struct cw_walk *walk, const struct cw_cells *edges);

#endif
