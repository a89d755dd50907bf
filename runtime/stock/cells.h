/* cells.h - for each number from 0 a short list of (key, quantity), each key once: the levels of an item by
 * warehouse, the components of a kit, the kits of a component.
 *
 * All lists lie in two arrays, one of keys and one of quantities, and nearly in order, so that to sum them up
 * is to read memory from front to back. A list moves when it grows; pointers into it last until the next
 * change.
 */
#ifndef CW_STOCK_CELLS_H
#define CW_STOCK_CELLS_H

#include "stock/exact.h"

enum { CW_CELLS_CLASSES = 64 };

struct cw_cells_list {
    uint32_t start, count;
};

struct cw_cells {
    struct cw_cells_list *lists;
    uint32_t list_count; /* lists past it are empty */
    uint32_t *keys;
    cw_quantity *quantities;
    size_t used, cap; /* cells; what lies in free blocks counts as used */
    size_t free_cells;
    uint32_t free_blocks[CW_CELLS_CLASSES]; /* first cell + 1; the key there leads on */
    uint64_t largest;                       /* no quantity was ever farther from 0 */
};

void cw_cells_fini(struct cw_cells *cells);

static inline struct cw_cells_list cw_cells_at(const struct cw_cells *cells, uint32_t list)
{
    return list < cells->list_count ? cells->lists[list] : (struct cw_cells_list){ 0, 0 };
}

/* False = no memory; nothing changed. */
bool cw_cells_put(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity);
/* Without looking whether the key is there: it must not be. */
bool cw_cells_append(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity);
/* What becomes 0 is dropped. */
bool cw_cells_add(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity);
void cw_cells_drop(struct cw_cells *cells, uint32_t list, uint32_t key);
/* A whole list at once, each key once. */
bool cw_cells_replace(struct cw_cells *cells, uint32_t list, const uint32_t *keys,
                      const cw_quantity *quantities, uint32_t count);

/* After it, to append `added` keys to each of `lists`, each named once, or to replace one of them by so many,
 * cannot fail. */
bool cw_cells_reserve(struct cw_cells *cells, const uint32_t *lists, size_t count, uint32_t added);

/* The sum of a list; of the keys only that `wanted` has a 1 for, NULL = all. */
cw_quantity cw_cells_sum(const struct cw_cells *cells, struct cw_cells_list list, const uint8_t *wanted);

#endif
