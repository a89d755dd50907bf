/* stock_private.h - how a stock lies in memory; for the files of this ring alone. */
#ifndef CW_STOCK_PRIVATE_H
#define CW_STOCK_PRIVATE_H

#include "stock/names.h"
#include "stock/stock.h"
#include "stock/walk.h"

/* What is known of an item beside its figures. */
enum cw_item_bit {
    CW_ITEM_INACTIVE = 1,
    CW_ITEM_HAS_VENDOR = 2,
    CW_ITEM_IS_ORDINARY = 4,  /* of a kit: no component is reached by two ways */
    CW_ITEM_IS_JOINED = 8,    /* of a kit: one is; with neither bit nobody has looked yet */
    CW_ITEM_HAD_DEMAND = 16,  /* without it there is nothing to look for, */
    CW_ITEM_HAD_INCOMING = 32 /* which is so of most items */
};

/* A key of levels and of demand: 0 = no warehouse in particular, else the warehouse + 1. */
enum { CW_DEMANDS = CW_DEMAND_SHIPPING + 1 };

/* Purchase orders are told apart by place and time alone: each pair that occurs has a number. */
struct cw_arrival {
    cw_time expected_at;
    uint32_t place; /* as a key of levels */
};

struct cw_stock {
    struct cw_names skus, warehouses;
    struct cw_names arrivals;   /* by the bytes of the pair */
    struct cw_arrival *arrival; /* by number */
    uint32_t arrival_cap;

    struct cw_cells levels, demand[CW_DEMANDS], incoming; /* by item */
    struct cw_cells made_of;                              /* of a kit: component, pieces */
    struct cw_cells part_of;                              /* of a component: kit, pieces */

    /* By item; `item_cap` of each. */
    cw_quantity *vendor;
    uint8_t *bits;
    uint8_t *heights; /* 0 = no kit; else one more than the highest of its components */
    uint32_t item_cap;

    struct cw_walk walk; /* of whoever changes a kit */
};

static inline bool cw_stock_has(const struct cw_stock *stock, uint32_t item)
{
    return item < stock->skus.count;
}

/* Copies `items` to `sorted`, kits before what they are made of. */
void cw_kits_sort(const struct cw_stock *stock, const uint32_t *items, size_t count, uint32_t *sorted);

#endif
