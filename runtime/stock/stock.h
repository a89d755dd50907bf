/* stock.h - how much there is, and how much of it a cart is told: arithmetic over arrays, no I/O.
 *
 * The one place where the figures are defined. For an item i, and a rule that names warehouses (none = all):
 *
 *   on hand(i)       what lies in those warehouses: the sum of i's levels
 *   on order(i)      what purchase orders have still to bring there
 *   pending(i)       what orders will take that were fetched but are not released yet: parked, held, pending
 *   allocated(i)     what released orders have still to get
 *   in shipping(i)   the part of allocated that may be shipped now: its orders are paid or being processed
 *   taken(i)         pending(i) + what the rule's figure says: "on_hand" nothing, "available_for_shipping" in
 *                    shipping(i), "available" allocated(i)
 *   own(i)           on hand(i) + on order(i) until the rule's day + vendor stock(i) if the rule adds it
 *   need(i)          taken(i) + for each kit k made of i: pieces of i in k * short(k)
 *   short(k)         of a kit: max(0, need(k) - own(k)), which must be built; of any other item 0
 *   free(i)          own(i) - need(i), below 0 when more is promised than there is; of a kit at least 0,
 *                    because its shortage is a need of its components
 *   buildable(k)     the most whole kits that can be made of what is free of its components: those that are
 *                    kits themselves are taken ready made first, then built, in the fraction that is
 *                    needed, as short() is. Shared components count once.
 *   supply(i)        free(i), and buildable(i) where the rule adds kits
 *   published(i)     0 when i is inactive; else supply(i) - buffer, 0 when that is below the rule's minimum,
 *                    at most its maximum, rounded down to its step, at least 0
 *
 * Demand and purchase orders that name no warehouse count in every choice of warehouses; vendor stock lies in
 * none. Need is rounded up to a millionth, and buildable down, so that rounding never promises too much.
 *
 * No answer is not zero. An item has a source when it has a level in the chosen warehouses, or vendor stock
 * or purchase orders that the rule adds; a kit, where the rule adds kits, when each of its components has
 * one. Without a source nothing is published, whatever the figures. A vendor's 0 is an answer: from the first
 * mention on an item has vendor stock. A purchase order of which nothing is left is none.
 *
 * Items, warehouses and vendors are numbers from 0 in order of their first mention.
 */
#ifndef CW_STOCK_STOCK_H
#define CW_STOCK_STOCK_H

#include "base/document.h"
#include "base/time.h"
#include "stock/quantity.h"

#define CW_STOCK_NONE UINT32_MAX /* no item; no warehouse in particular; no memory */
enum { CW_KIT_DEPTH_MAX = 64, CW_KIT_COMPONENTS_MAX = 10000 };

/* --- what there is --- */

struct cw_stock;

struct cw_stock *cw_stock_create(void);     /* NULL = no memory */
void cw_stock_free(struct cw_stock *stock); /* accepts NULL */

/* The number of a SKU, a warehouse, by its exact bytes; made at first mention. CW_STOCK_NONE = no memory. */
uint32_t cw_stock_item(struct cw_stock *stock, struct cw_slice sku);
uint32_t cw_stock_warehouse(struct cw_stock *stock, struct cw_slice name);
uint32_t cw_stock_find(const struct cw_stock *stock, struct cw_slice sku); /* CW_STOCK_NONE = not there */
struct cw_slice cw_stock_sku(const struct cw_stock *stock, uint32_t item);
uint32_t cw_stock_item_count(const struct cw_stock *stock);

/* False = no memory, or an item or warehouse that was never made. A level replaces that of its item and
 * warehouse; the others are added to what is there, so that a negative quantity takes away. */
bool cw_stock_set_level(struct cw_stock *stock, uint32_t item, uint32_t warehouse, cw_quantity on_hand);
bool cw_stock_drop_level(struct cw_stock *stock, uint32_t item, uint32_t warehouse);
bool cw_stock_add_demand(struct cw_stock *stock, uint32_t item, uint32_t warehouse, enum cw_demand demand,
                         cw_quantity quantity);
/* CW_TIME_NONE = nobody knows when: such orders are never added. */
bool cw_stock_add_incoming(struct cw_stock *stock, uint32_t item, uint32_t warehouse, cw_time expected_at,
                           cw_quantity quantity);
bool cw_stock_add_vendor(struct cw_stock *stock, uint32_t item, cw_quantity quantity);
void cw_stock_set_active(struct cw_stock *stock, uint32_t item, bool is_active); /* true at first */

/* Replaces what an item is made of; count 0 = it is no kit. CW_INVALID for a quantity that is not above 0,
 * for a ring, which it names ("KIT-A is made of KIT-B, which is made of KIT-A"), and past the limits; then
 * the item stays what it was. */
struct cw_stock_component {
    uint32_t item;
    cw_quantity quantity; /* pieces in one kit */
};
bool cw_stock_set_kit(struct cw_stock *stock, uint32_t kit, const struct cw_stock_component *components,
                      size_t count, struct cw_error *err);

/* The items whose published quantity may differ once figures of `changed` do, under any rule: those
 * themselves, what is built from them, and what shares components with them. When a kit is made of other
 * things, its former components have changed too. In order, each once; the array is the caller's to free().
 * NULL = no memory. */
uint32_t *cw_stock_affected(const struct cw_stock *stock, const uint32_t *changed, size_t count,
                            size_t *affected_count);

/* --- what of it is published --- */

enum cw_stock_figure { CW_FIGURE_ON_HAND, CW_FIGURE_AVAILABLE, CW_FIGURE_AVAILABLE_FOR_SHIPPING };
enum cw_stock_vendor { CW_VENDOR_LEFT_OUT, CW_VENDOR_ADDED, CW_VENDOR_SEPARATE };

struct cw_stock_rule {
    enum cw_stock_figure figure;
    char **warehouses; /* NULL-terminated; NULL = all */
    bool adds_kits;
    bool adds_incoming;
    cw_time incoming_within; /* how long from now on; only with adds_incoming */
    enum cw_stock_vendor vendor;
    cw_quantity buffer;      /* pieces kept back */
    unsigned buffer_percent; /* of supply, rounded up; beside `buffer` */
    cw_quantity minimum;     /* fewer are published as 0; 0 = no such limit */
    cw_quantity maximum;     /* 0 = no such limit */
    cw_quantity step;        /* published in multiples of it; 0 = one piece */
};

/* Every term of one item's figure, for explaining it. */
struct cw_stock_sum {
    bool has_source, is_active, is_kit;
    cw_quantity on_hand, on_order, vendor; /* as the rule adds them; vendor also when separate */
    cw_quantity taken[3];                  /* by enum cw_demand; what the rule's figure leaves out is 0 */
    cw_quantity for_kits;                  /* the part of need that kits cause */
    cw_quantity free, buildable, supply, buffer; /* buildable 0 where the rule adds no kits */
    cw_quantity published;
};

/* A rule over a stock, counted. The stock is borrowed; it is read only in cw_stock_view_count, recount, and,
 * for terms that are not kept, sum. */
struct cw_stock_view;

/* Nothing is counted yet. The rule is copied. NULL = no memory. */
struct cw_stock_view *cw_stock_view_create(const struct cw_stock *stock, const struct cw_stock_rule *rule,
                                           cw_time now);
void cw_stock_view_free(struct cw_stock_view *view); /* accepts NULL */

/* Counts all items. False = no memory; then count again before anything is read. */
bool cw_stock_view_count(struct cw_stock_view *view);
/* Counts what cw_stock_affected names for `changed`, and nothing else; items added since the last count must
 * be among them. The result is the same as counting all. */
bool cw_stock_view_recount(struct cw_stock_view *view, const uint32_t *changed, size_t count);

struct cw_stock_published {
    bool has_source; /* else there is no answer */
    cw_quantity quantity;
    cw_quantity vendor; /* with CW_VENDOR_SEPARATE, at least 0; else, and when inactive, 0 */
};
struct cw_stock_published cw_stock_view_get(const struct cw_stock_view *view, uint32_t item);
/* As get, with every term; to be asked before the stock changes again, else terms are missing or differ. */
struct cw_stock_sum cw_stock_view_sum(const struct cw_stock_view *view, uint32_t item);

#endif
