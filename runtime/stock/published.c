/* published.c - from what is free of an item to what of it is published, and every term of that; see stock.h.
 */
#include "stock/view.h"

/* What is kept back of a supply, rounded up. */
static cw_quantity buffer_of(const struct cw_stock_rule *rule, cw_quantity supply)
{
    if (supply <= 0 || rule->buffer_percent == 0)
        return rule->buffer;
    return cw_exact_clamp(rule->buffer + ((cw_wide)supply * rule->buffer_percent + 99) / 100);
}

static cw_quantity free_of(const struct cw_stock_view *view, uint32_t item)
{
    cw_quantity balance = view->balance[item];
    return view->bits[item] & CW_VIEW_IS_KIT ? cw_exact_at_least_0(balance) : balance;
}

static cw_quantity buildable_of(const struct cw_stock_view *view, uint32_t item)
{
    if (!(view->bits[item] & CW_VIEW_IS_KIT))
        return 0;
    return view->capacity[item] - view->capacity[item] % CW_QUANTITY_ONE;
}

static cw_quantity published_of(const struct cw_stock_rule *rule, cw_quantity supply)
{
    cw_quantity step = rule->step > 0 ? rule->step : CW_QUANTITY_ONE;
    cw_quantity left = cw_exact_clamp((cw_wide)supply - buffer_of(rule, supply));
    if (left <= 0 || left < rule->minimum)
        return 0;
    if (rule->maximum > 0 && left > rule->maximum)
        left = rule->maximum;
    return left - left % step;
}

static cw_quantity supply_of(const struct cw_stock_view *view, uint32_t item)
{
    return cw_exact_add(free_of(view, item), buildable_of(view, item));
}

struct cw_stock_published cw_stock_view_get(const struct cw_stock_view *view, uint32_t item)
{
    struct cw_stock_published published = { 0 };
    if (item >= view->count)
        return published;
    published.has_source = view->bits[item] & CW_VIEW_HAS_SOURCE;
    if (!(view->bits[item] & CW_VIEW_IS_ACTIVE))
        return published;
    published.quantity = published_of(&view->rule, supply_of(view, item));
    if (view->vendor != NULL)
        published.vendor = cw_exact_at_least_0(view->vendor[item]);
    return published;
}

/* What has been made since the last count is in none of the arrays of the view. */
static bool is_current(const struct cw_stock_view *view)
{
    const struct cw_stock *stock = view->stock;
    return stock->skus.count == view->count && stock->warehouses.count == view->place_count &&
           stock->arrivals.count == view->arrival_count;
}

static void add_terms(const struct cw_stock_view *view, uint32_t item, struct cw_stock_sum *sum)
{
    struct cw_view_terms terms;
    cw_view_terms(view, item, &terms);
    sum->on_hand = terms.on_hand;
    sum->on_order = terms.on_order;
    sum->vendor = terms.vendor;
    memcpy(sum->taken, terms.taken, sizeof sum->taken);
    sum->for_kits = cw_exact_clamp(cw_view_for_kits(view, item));
}

struct cw_stock_sum cw_stock_view_sum(const struct cw_stock_view *view, uint32_t item)
{
    struct cw_stock_sum sum = { 0 };
    if (item >= view->count)
        return sum;
    if (is_current(view))
        add_terms(view, item, &sum);
    sum.has_source = view->bits[item] & CW_VIEW_HAS_SOURCE;
    sum.is_active = view->bits[item] & CW_VIEW_IS_ACTIVE;
    sum.is_kit = view->bits[item] & CW_VIEW_IS_KIT;
    sum.free = free_of(view, item);
    sum.buildable = buildable_of(view, item);
    sum.supply = supply_of(view, item);
    sum.buffer = buffer_of(&view->rule, sum.supply);
    sum.published = cw_stock_view_get(view, item).quantity;
    return sum;
}
