/* joined.c - see joined.h. A number of kits is tried: what it needs goes down from kits to components, ready
 * made ones are taken first, and no plain item may be needed beyond what is free of it. What is needed never
 * falls when the number rises, so the largest that is possible can be searched for. */
#include "stock/joined.h"

#include <stdlib.h>

struct cw_joined_node {
    cw_quantity ready;  /* what is free of it */
    cw_quantity needed; /* by the number tried */
    size_t first_edge;
    uint32_t edge_count; /* 0 = no kit */
};

struct cw_joined_edge {
    uint32_t to; /* node; behind its kit */
    cw_quantity pieces;
};

void cw_joined_fini(struct cw_joined *joined)
{
    cw_walk_fini(&joined->walk);
    free(joined->number);
    free(joined->sorted);
    free(joined->nodes);
    free(joined->edges);
}

/* --- which kits need it --- */

/* Walks down from the kit; an item that is met again is reached by two ways. */
static bool look(struct cw_joined *joined, const struct cw_stock *stock, uint32_t kit, bool *is_joined)
{
    struct cw_walk *walk = &joined->walk;
    *is_joined = false;
    if (!cw_walk_begin(walk, stock->skus.count) || !cw_walk_visit(walk, kit))
        return false;
    for (size_t i = 0; i < walk->count; i++) {
        struct cw_cells_list list = cw_cells_at(&stock->made_of, walk->items[i]);
        for (uint32_t j = 0; j < list.count; j++) {
            uint32_t item = stock->made_of.keys[list.start + j];
            *is_joined = *is_joined || cw_walk_has(walk, item);
            if (*is_joined)
                return true;
            if (!cw_walk_visit(walk, item))
                return false;
        }
    }
    return true;
}

bool cw_joined_is(struct cw_joined *joined, const struct cw_stock *stock, uint32_t kit, bool *is_joined)
{
    uint8_t *bits = &stock->bits[kit]; /* what has been seen of a shape is no change of the stock */
    *is_joined = *bits & CW_ITEM_IS_JOINED;
    if (stock->heights[kit] <= 1 || (*bits & (CW_ITEM_IS_ORDINARY | CW_ITEM_IS_JOINED)) != 0)
        return true;
    if (!look(joined, stock, kit, is_joined))
        return false;
    *bits |= *is_joined ? CW_ITEM_IS_JOINED : CW_ITEM_IS_ORDINARY;
    return true;
}

/* --- the kit and all below it, as a small graph --- */

static bool grow(void **array, size_t *cap, size_t needed, size_t size)
{
    if (needed <= *cap)
        return true;
    size_t grown_cap = needed + needed / 2;
    void *grown = realloc(*array, grown_cap * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = grown_cap;
    return true;
}

static bool make_room(struct cw_joined *joined, const struct cw_stock *stock)
{
    const struct cw_walk *walk = &joined->walk;
    size_t edges = 0, sorted_cap = joined->node_cap, number_cap = joined->number_cap;
    for (size_t i = 0; i < walk->count; i++)
        edges += cw_cells_at(&stock->made_of, walk->items[i]).count;
    if (!grow((void **)&joined->sorted, &sorted_cap, walk->count, sizeof *joined->sorted) ||
        !grow((void **)&joined->nodes, &joined->node_cap, walk->count, sizeof *joined->nodes) ||
        !grow((void **)&joined->edges, &joined->edge_cap, edges, sizeof *joined->edges) ||
        !grow((void **)&joined->number, &number_cap, stock->skus.count, sizeof *joined->number))
        return false;
    joined->number_cap = (uint32_t)number_cap;
    return true;
}

static void add_node(struct cw_joined *joined, const struct cw_stock *stock, const cw_quantity *balance,
                     uint32_t item)
{
    struct cw_cells_list list = cw_cells_at(&stock->made_of, item);
    joined->nodes[joined->node_count++] =
        (struct cw_joined_node){ .ready = cw_exact_at_least_0(balance[item]),
                                 .first_edge = joined->edge_count,
                                 .edge_count = list.count };
    for (uint32_t i = 0; i < list.count; i++)
        joined->edges[joined->edge_count++] =
            (struct cw_joined_edge){ joined->number[stock->made_of.keys[list.start + i]],
                                     stock->made_of.quantities[list.start + i] };
}

/* The kit is the first node, since nothing below it is as high. */
static bool build(struct cw_joined *joined, const struct cw_stock *stock, const cw_quantity *balance,
                  uint32_t kit)
{
    struct cw_walk *walk = &joined->walk;
    if (!cw_walk_begin(walk, stock->skus.count) || !cw_walk_visit(walk, kit) ||
        !cw_walk_follow(walk, &stock->made_of) || !make_room(joined, stock))
        return false;
    joined->node_count = joined->edge_count = 0;
    cw_kits_sort(stock, walk->items, walk->count, joined->sorted);
    for (size_t i = 0; i < walk->count; i++)
        joined->number[joined->sorted[i]] = (uint32_t)i;
    for (size_t i = 0; i < walk->count; i++)
        add_node(joined, stock, balance, joined->sorted[i]);
    joined->nodes[0].ready = 0; /* more of them are to be made, whatever lies ready */
    return true;
}

/* --- the search --- */

static void pass_on(struct cw_joined *joined, const struct cw_joined_node *node)
{
    cw_quantity to_build = node->needed - node->ready;
    const struct cw_joined_edge *edges = joined->edges + node->first_edge;
    for (uint32_t i = 0; i < node->edge_count; i++) {
        cw_quantity *needed = &joined->nodes[edges[i].to].needed;
        *needed = cw_exact_add(*needed, cw_exact_taken(to_build, edges[i].pieces));
    }
}

/* Whether so many can be made. Else `part` says which part of them, roughly: since needs rise ever faster the
 * more of what lies ready is used up, such a part of the number can be. */
static bool is_possible(struct cw_joined *joined, cw_quantity number, double *part)
{
    bool possible = true;
    *part = 1;
    for (size_t i = 0; i < joined->node_count; i++)
        joined->nodes[i].needed = 0;
    joined->nodes[0].needed = number;
    for (size_t i = 0; i < joined->node_count; i++) {
        const struct cw_joined_node *node = &joined->nodes[i];
        if (node->needed <= node->ready)
            continue;
        if (node->edge_count > 0) {
            pass_on(joined, node);
            continue;
        }
        double there_is = (double)node->ready / (double)node->needed;
        *part = there_is < *part ? there_is : *part;
        possible = false;
    }
    return possible;
}

/* In steps of `unit`; a guess, which the search corrects when it is none of use. */
static cw_quantity guess(cw_quantity number, double part, cw_quantity unit)
{
    double units = (double)number * part / (double)unit;
    return units < (double)(INT64_MAX / 2 / unit) ? (cw_quantity)units * unit : 0;
}

/* Below `number`, which cannot be made. As long as no ready made kits are used up, the first guess is right,
 * and the number behind it proves that. */
static cw_quantity search(struct cw_joined *joined, cw_quantity number, double part, cw_quantity unit)
{
    cw_quantity can = 0, cannot = number, next = guess(number, part, unit);
    bool is_first = true;
    while (cannot - can > unit) {
        if (next <= can || next >= cannot)
            next = can + (cannot - can) / unit / 2 * unit;
        if (is_possible(joined, next, &part)) {
            can = next;
            next = is_first ? can + unit : 0;
        } else {
            cannot = next;
            next = guess(cannot, part, unit);
        }
        is_first = false;
    }
    return can;
}

bool cw_joined_capacity(struct cw_joined *joined, const struct cw_stock *stock, const cw_quantity *balance,
                        uint32_t kit, cw_quantity most, bool whole, cw_quantity *capacity)
{
    const cw_quantity unit = whole ? CW_QUANTITY_ONE : 1;
    *capacity = most - most % unit;
    if (*capacity <= 0)
        return true;
    if (!build(joined, stock, balance, kit))
        return false;
    double part;
    if (!is_possible(joined, *capacity, &part))
        *capacity = search(joined, *capacity, part, unit);
    return true;
}
