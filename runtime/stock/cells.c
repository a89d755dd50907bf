/* cells.c - see cells.h. Blocks have 1, 2, 3, 4, 6, 8, 12, 16, 24 ... cells, the least that holds the list,
 * so that the length of a list says the size of its block. What a list leaves is a block of such a size
 * again. */
#include "stock/cells.h"

#include <stdlib.h>

enum { FIRST_CELLS = 64, FIRST_LISTS = 16 };

/* Rebuilding is worth it once this many cells lie idle, and more than are in use. */
enum { TIDY_FROM = 4096 };

#define CELLS_MAX ((size_t)UINT32_MAX - 1)

/* --- blocks --- */

/* The class of the least block of at least `count` cells, which is not 0. */
static unsigned class_of(uint32_t count)
{
    if (count <= 2)
        return count - 1;
    unsigned exponent = 31 - (unsigned)__builtin_clz(count - 1);
    return count <= 3u << (exponent - 1) ? 2 * exponent : 2 * exponent + 1;
}

static size_t size_of_class(unsigned class)
{
    if (class == 0)
        return 1;
    return class % 2 == 1 ? (size_t)2 << (class / 2) : (size_t)3 << (class / 2 - 1);
}

static size_t block_size(uint32_t count)
{
    return count > 0 ? size_of_class(class_of(count)) : 0;
}

static void release(struct cw_cells *cells, size_t start, size_t size)
{
    if (size == 0)
        return;
    unsigned class = class_of((uint32_t)size);
    cells->keys[start] = cells->free_blocks[class];
    cells->free_blocks[class] = (uint32_t)start + 1;
    cells->free_cells += size;
}

static bool grow(struct cw_cells *cells, size_t needed)
{
    size_t cap = cells->cap > 0 ? cells->cap : FIRST_CELLS;
    if (needed > CELLS_MAX)
        return false;
    if (needed <= cells->cap)
        return true;
    while (cap < needed)
        cap += cap / 2;
    cw_quantity *quantities = realloc(cells->quantities, cap * sizeof *quantities);
    if (quantities == NULL)
        return false;
    cells->quantities = quantities;
    uint32_t *keys = realloc(cells->keys, cap * sizeof *keys);
    if (keys == NULL)
        return false;
    cells->keys = keys;
    cells->cap = cap;
    return true;
}

/* The first cell of a block for `count` cells, or CELLS_MAX. */
static size_t take(struct cw_cells *cells, uint32_t count)
{
    unsigned class = class_of(count);
    size_t size = size_of_class(class), start = cells->used;
    if (cells->free_blocks[class] != 0) {
        start = cells->free_blocks[class] - 1;
        cells->free_blocks[class] = cells->keys[start];
        cells->free_cells -= size;
        return start;
    }
    if (!grow(cells, start + size))
        return CELLS_MAX;
    cells->used += size;
    return start;
}

/* --- room --- */

static bool grow_lists(struct cw_cells *cells, uint32_t list)
{
    if (list < cells->list_count)
        return true;
    size_t count = cells->list_count > 0 ? cells->list_count : FIRST_LISTS;
    while (count <= list)
        count += count / 2;
    count = count < UINT32_MAX ? count : UINT32_MAX;
    struct cw_cells_list *lists = realloc(cells->lists, count * sizeof *lists);
    if (lists == NULL)
        return false;
    memset(lists + cells->list_count, 0, (count - cells->list_count) * sizeof *lists);
    cells->lists = lists;
    cells->list_count = (uint32_t)count;
    return true;
}

static void copy_list(struct cw_cells *to, const struct cw_cells *from, uint32_t list)
{
    struct cw_cells_list *at = &to->lists[list];
    if (at->count == 0)
        return;
    memcpy(to->keys + to->used, from->keys + at->start, at->count * sizeof *to->keys);
    memcpy(to->quantities + to->used, from->quantities + at->start, at->count * sizeof *to->quantities);
    at->start = (uint32_t)to->used;
    to->used += block_size(at->count);
}

/* Puts all lists in order again, without idle blocks between them, and leaves as much room behind them as
 * there was. Without memory for that all stays. */
static void tidy(struct cw_cells *cells)
{
    size_t in_use = cells->used - cells->free_cells;
    if (cells->free_cells < TIDY_FROM || cells->free_cells < in_use)
        return;
    struct cw_cells tidied = { .lists = cells->lists, .list_count = cells->list_count };
    tidied.largest = cells->largest;
    if (!grow(&tidied, in_use + cells->cap - cells->used)) {
        free(tidied.quantities);
        free(tidied.keys);
        return;
    }
    for (uint32_t i = 0; i < cells->list_count; i++)
        copy_list(&tidied, cells, i);
    free(cells->keys);
    free(cells->quantities);
    *cells = tidied;
}

bool cw_cells_reserve(struct cw_cells *cells, const uint32_t *lists, size_t count, uint32_t added)
{
    size_t needed = cells->used;
    for (size_t i = 0; i < count; i++) {
        if (!grow_lists(cells, lists[i]))
            return false;
        needed += block_size(cells->lists[lists[i]].count + added);
    }
    return grow(cells, needed);
}

void cw_cells_fini(struct cw_cells *cells)
{
    free(cells->lists);
    free(cells->keys);
    free(cells->quantities);
    *cells = (struct cw_cells){ 0 };
}

/* --- lists --- */

static void note_size(struct cw_cells *cells, cw_quantity quantity)
{
    uint64_t size = quantity < 0 ? -(uint64_t)quantity : (uint64_t)quantity;
    if (size > cells->largest)
        cells->largest = size;
}

/* The place of a key in its list, or its length. */
static uint32_t find(const struct cw_cells *cells, struct cw_cells_list list, uint32_t key)
{
    uint32_t i = 0;
    if (list.count == 0)
        return 0;
    const uint32_t *keys = cells->keys + list.start;
    while (i < list.count && keys[i] != key)
        i++;
    return i;
}

static bool make_room(struct cw_cells *cells, struct cw_cells_list *list)
{
    size_t size = block_size(list->count);
    if (block_size(list->count + 1) == size)
        return true;
    size_t start = take(cells, list->count + 1);
    if (start == CELLS_MAX)
        return false;
    if (list->count > 0) {
        memcpy(cells->keys + start, cells->keys + list->start, list->count * sizeof *cells->keys);
        memcpy(cells->quantities + start, cells->quantities + list->start,
               list->count * sizeof *cells->quantities);
    }
    release(cells, list->start, size);
    list->start = (uint32_t)start;
    return true;
}

bool cw_cells_append(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity)
{
    if (!grow_lists(cells, list) || !make_room(cells, &cells->lists[list]))
        return false;
    struct cw_cells_list *at = &cells->lists[list];
    cells->keys[at->start + at->count] = key;
    cells->quantities[at->start + at->count] = quantity;
    at->count++;
    note_size(cells, quantity);
    tidy(cells);
    return true;
}

bool cw_cells_put(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity)
{
    struct cw_cells_list at = cw_cells_at(cells, list);
    uint32_t i = find(cells, at, key);
    if (i == at.count)
        return cw_cells_append(cells, list, key, quantity);
    cells->quantities[at.start + i] = quantity;
    note_size(cells, quantity);
    return true;
}

static void drop_at(struct cw_cells *cells, uint32_t list, uint32_t i)
{
    struct cw_cells_list *at = &cells->lists[list];
    size_t size = block_size(at->count), last = at->start + --at->count, left = block_size(at->count);
    cells->keys[at->start + i] = cells->keys[last];
    cells->quantities[at->start + i] = cells->quantities[last];
    release(cells, at->start + left, size - left);
}

void cw_cells_drop(struct cw_cells *cells, uint32_t list, uint32_t key)
{
    struct cw_cells_list at = cw_cells_at(cells, list);
    uint32_t i = find(cells, at, key);
    if (i < at.count)
        drop_at(cells, list, i);
}

bool cw_cells_add(struct cw_cells *cells, uint32_t list, uint32_t key, cw_quantity quantity)
{
    struct cw_cells_list at = cw_cells_at(cells, list);
    uint32_t i = find(cells, at, key);
    if (i == at.count)
        return quantity == 0 || cw_cells_append(cells, list, key, quantity);
    cw_quantity sum = cw_exact_add(cells->quantities[at.start + i], quantity);
    cells->quantities[at.start + i] = sum;
    note_size(cells, sum);
    if (sum == 0)
        drop_at(cells, list, i);
    return true;
}

bool cw_cells_replace(struct cw_cells *cells, uint32_t list, const uint32_t *keys,
                      const cw_quantity *quantities, uint32_t count)
{
    size_t start = 0;
    if (!grow_lists(cells, list))
        return false;
    if (count > 0 && (start = take(cells, count)) == CELLS_MAX)
        return false;
    struct cw_cells_list *at = &cells->lists[list];
    release(cells, at->start, block_size(at->count));
    *at = (struct cw_cells_list){ (uint32_t)start, count };
    for (uint32_t i = 0; i < count; i++) {
        cells->keys[start + i] = keys[i];
        cells->quantities[start + i] = quantities[i];
        note_size(cells, quantities[i]);
    }
    tidy(cells);
    return true;
}

/* --- sums --- */

static cw_quantity sum_narrow(const cw_quantity *quantities, uint32_t count)
{
    cw_quantity sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += quantities[i];
    return sum;
}

static cw_quantity sum_wanted(const cw_quantity *quantities, const uint32_t *keys, uint32_t count,
                              const uint8_t *wanted)
{
    cw_quantity sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += quantities[i] & -(cw_quantity)wanted[keys[i]];
    return sum;
}

cw_quantity cw_cells_sum(const struct cw_cells *cells, struct cw_cells_list list, const uint8_t *wanted)
{
    if (list.count == 0)
        return 0;
    const cw_quantity *quantities = cells->quantities + list.start;
    const uint32_t *keys = cells->keys + list.start;
    if (cells->largest <= CW_QUANTITY_MAX && list.count <= INT64_MAX / CW_QUANTITY_MAX)
        return wanted == NULL ? sum_narrow(quantities, list.count)
                              : sum_wanted(quantities, keys, list.count, wanted);
    cw_wide sum = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (wanted == NULL || wanted[keys[i]])
            sum += quantities[i];
    return cw_exact_clamp(sum);
}
