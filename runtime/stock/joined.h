/* joined.h - how many kits can be made where a component is reached by two ways, so that the least over the
 * components, each looked at alone, may be too many. */
#ifndef CW_STOCK_JOINED_H
#define CW_STOCK_JOINED_H

#include "stock/stock_private.h"

struct cw_joined_node;
struct cw_joined_edge;

/* Memory that is used for one kit after the other; a zeroed one is one. */
struct cw_joined {
    struct cw_walk walk;
    uint32_t *number; /* by item: its node */
    uint32_t number_cap;
    uint32_t *sorted;
    struct cw_joined_node *nodes;
    size_t node_count, node_cap;
    struct cw_joined_edge *edges;
    size_t edge_count, edge_cap;
};

void cw_joined_fini(struct cw_joined *joined);

/* Whether any component of the kit, at any depth, is reached by two ways. It is looked up once, until a kit
 * below is made of other things. False = no memory. */
bool cw_joined_is(struct cw_joined *joined, const struct cw_stock *stock, uint32_t kit, bool *is_joined);

/* The largest number of kits, at most `most`, and in whole kits when `whole`, that can be made. `balance` is
 * by item: what is free of it, if not below 0. False = no memory. */
bool cw_joined_capacity(struct cw_joined *joined, const struct cw_stock *stock, const cw_quantity *balance,
                        uint32_t kit, cw_quantity most, bool whole, cw_quantity *capacity);

#endif
