/* view_terms.c - what a rule takes of an item's figures, before kits; see stock.h. */
#include <stdlib.h>

#include "stock/view.h"

/* --- what is chosen --- */

static bool choose_places(struct cw_stock_view *view)
{
    const struct cw_names *warehouses = &view->stock->warehouses;
    if (view->names == NULL)
        return true;
    uint8_t *places = calloc((size_t)warehouses->count + 1, 1);
    if (places == NULL)
        return false;
    places[0] = 1; /* what names no warehouse counts in every choice */
    for (size_t i = 0; view->names[i] != NULL; i++) {
        uint32_t warehouse = cw_names_find(warehouses, cw_slice(view->names[i]));
        if (warehouse != CW_NAMES_NONE)
            places[warehouse + 1] = 1;
    }
    free(view->places);
    view->places = places;
    return true;
}

static bool choose_arrivals(struct cw_stock_view *view)
{
    const struct cw_stock *stock = view->stock;
    if (!view->rule.adds_incoming)
        return true;
    uint8_t *arrivals = calloc((size_t)stock->arrivals.count + 1, 1);
    if (arrivals == NULL)
        return false;
    for (uint32_t i = 0; i < stock->arrivals.count; i++) {
        struct cw_arrival arrival = stock->arrival[i];
        arrivals[i] = arrival.expected_at != CW_TIME_NONE && arrival.expected_at <= view->until &&
                      (view->places == NULL || view->places[arrival.place]);
    }
    free(view->arrivals);
    view->arrivals = arrivals;
    return true;
}

bool cw_view_choose(struct cw_stock_view *view)
{
    if (!choose_places(view) || !choose_arrivals(view))
        return false;
    view->place_count = view->stock->warehouses.count;
    view->arrival_count = view->stock->arrivals.count;
    return true;
}

/* --- terms --- */

static bool has_any(const struct cw_cells *cells, struct cw_cells_list list, const uint8_t *wanted)
{
    uint32_t i = 0;
    while (i < list.count && wanted != NULL && !wanted[cells->keys[list.start + i]])
        i++;
    return i < list.count;
}

static void add_own(const struct cw_stock_view *view, uint32_t item, struct cw_view_terms *terms)
{
    const struct cw_stock *stock = view->stock;
    struct cw_cells_list levels = cw_cells_at(&stock->levels, item);
    terms->on_hand = cw_cells_sum(&stock->levels, levels, view->places);
    terms->has_source = has_any(&stock->levels, levels, view->places);
    if (view->rule.adds_incoming && stock->bits[item] & CW_ITEM_HAD_INCOMING) {
        struct cw_cells_list incoming = cw_cells_at(&stock->incoming, item);
        terms->on_order = cw_cells_sum(&stock->incoming, incoming, view->arrivals);
        terms->has_source = terms->has_source || has_any(&stock->incoming, incoming, view->arrivals);
    }
    if (view->rule.vendor != CW_VENDOR_LEFT_OUT && stock->bits[item] & CW_ITEM_HAS_VENDOR) {
        terms->vendor = stock->vendor[item];
        terms->has_source = terms->has_source || view->rule.vendor == CW_VENDOR_ADDED;
    }
}

static bool is_taken(enum cw_stock_figure figure, int demand)
{
    static const bool taken[][CW_DEMANDS] = {
        [CW_FIGURE_ON_HAND] = { [CW_DEMAND_PENDING] = true },
        [CW_FIGURE_AVAILABLE] = { true, true, true },
        [CW_FIGURE_AVAILABLE_FOR_SHIPPING] = { [CW_DEMAND_PENDING] = true, [CW_DEMAND_SHIPPING] = true },
    };
    return taken[figure][demand];
}

void cw_view_terms(const struct cw_stock_view *view, uint32_t item, struct cw_view_terms *terms)
{
    *terms = (struct cw_view_terms){ 0 };
    add_own(view, item, terms);
    if (!(view->stock->bits[item] & CW_ITEM_HAD_DEMAND))
        return;
    for (int i = 0; i < CW_DEMANDS; i++) {
        const struct cw_cells *demand = &view->stock->demand[i];
        if (is_taken(view->rule.figure, i))
            terms->taken[i] = cw_cells_sum(demand, cw_cells_at(demand, item), view->places);
    }
}
