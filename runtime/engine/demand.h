/* demand.h - what an order takes of stock, from its document alone and what has left for it; see recount.h.
 */
#ifndef CW_ENGINE_DEMAND_H
#define CW_ENGINE_DEMAND_H

#include "adapters/store.h"
#include "bindings/site_config.h"

/* A lead, archived, in a closed status, or delivered: it takes nothing. */
bool cw_order_is_closed(const struct cw_document *order, const struct cw_stock_config *config);

/* Pieces of the order's line that are to be sent, or were: those ordered less those cancelled, never below
 * zero. */
struct cw_decimal cw_order_line_rest(const struct cw_document *line);

/* What of the order is still to come, a line each, in the arena; quantities are such that the stock
 * arithmetic can count them, rounded up where they must be. `shipped` is what has left for this order;
 * `is_waiting`: it is parked or held. False when the arena is exhausted. */
struct cw_order_demands {
    struct cw_order_demand *list;
    size_t count;
};
bool cw_order_demands(const struct cw_document *order, bool is_waiting, const struct cw_shipped *shipped,
                      size_t shipped_count, const struct cw_site_config *config, struct cw_arena *arena,
                      struct cw_order_demands *demands);

/* Of each SKU what the one of them takes that takes more; `into` becomes that, in the arena. All of it is
 * pending. */
bool cw_order_demands_join(struct cw_order_demands *into, const struct cw_order_demands *other,
                           struct cw_arena *arena);

#endif
