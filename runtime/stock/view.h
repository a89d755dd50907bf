/* view.h - how a counted rule lies in memory; for the files of this ring alone. */
#ifndef CW_STOCK_VIEW_H
#define CW_STOCK_VIEW_H

#include "stock/joined.h"

enum { CW_VIEW_HAS_SOURCE = 1, CW_VIEW_IS_ACTIVE = 2, CW_VIEW_IS_KIT = 4 };

struct cw_stock_view {
    const struct cw_stock *stock;
    struct cw_stock_rule rule; /* its warehouses are `names` */
    char **names;
    cw_time until; /* purchase orders expected later are not added */

    /* By item; what the last count found. */
    uint32_t count, cap;
    cw_quantity *balance;  /* own - need: of a kit below 0 what must be built */
    cw_quantity *capacity; /* of kits: how many can be built, parts included, where the rule adds them */
    uint8_t *bits;
    cw_quantity *vendor; /* NULL unless it is told separately */

    /* During a count: which keys of levels and demand, and which of purchase orders, the rule wants. */
    uint8_t *places, *arrivals;          /* places NULL = all */
    uint32_t place_count, arrival_count; /* that there were */
    uint32_t *kits;                      /* the highest first */
    size_t kit_cap;
    struct cw_joined joined;
};

/* What an item has of its own, and what orders take of it, as the rule adds them. */
struct cw_view_terms {
    bool has_source;
    cw_quantity on_hand, on_order, vendor;
    cw_quantity taken[CW_DEMANDS];
};

/* Which keys the rule wants, by what the stock knows now. False = no memory. */
bool cw_view_choose(struct cw_stock_view *view);
void cw_view_terms(const struct cw_stock_view *view, uint32_t item, struct cw_view_terms *terms);
/* What of a component goes into the kits that must be built of it. */
cw_wide cw_view_for_kits(const struct cw_stock_view *view, uint32_t item);

#endif
