/* demand.c - see demand.h. */
#include "engine/demand.h"

#include "stock/quantity.h"

/* A line, and what of it has not left yet. */
struct line {
    struct cw_slice id, sku;
    struct cw_decimal left;
};

static struct cw_slice text_of(const struct cw_document *doc, const char *field)
{
    const struct cw_value *value = cw_document_get(doc, field);
    return value != NULL && value->is_set ? value->text : (struct cw_slice){ "", 0 };
}

static bool is_true(const struct cw_document *doc, const char *field)
{
    const struct cw_value *value = cw_document_get(doc, field);
    return value != NULL && value->is_set && value->boolean;
}

static bool is_listed(char *const *list, struct cw_slice text)
{
    for (; list != NULL && *list != NULL; list++)
        if (cw_slice_is(text, *list))
            return true;
    return false;
}

bool cw_order_is_closed(const struct cw_document *order, const struct cw_stock_config *config)
{
    struct cw_slice fulfilment = text_of(order, "fulfilment_status");
    return is_listed(config->closed, text_of(order, "status")) ||
           cw_slice_is(text_of(order, "type"), "lead") || is_true(order, "archived") ||
           cw_slice_is(fulfilment, "shipped") || cw_slice_is(fulfilment, "delivered");
}

static enum cw_demand state_of(const struct cw_document *order, bool is_waiting,
                               const struct cw_stock_config *config)
{
    if (is_waiting || cw_slice_is(text_of(order, "state"), "pending"))
        return CW_DEMAND_PENDING;
    return is_listed(config->shipping, text_of(order, "status")) ? CW_DEMAND_SHIPPING : CW_DEMAND_ALLOCATED;
}

/* --- where from --- */

static bool is_warehouse(const struct cw_site_config *config, struct cw_slice name)
{
    for (size_t i = 0; i < config->stock.branch_count; i++)
        if (is_listed(config->stock.branches[i].warehouses, name))
            return true;
    for (size_t i = 0; i < config->cart_count; i++)
        if (is_listed(config->carts[i].out.stock.rule.warehouses, name))
            return true;
    return false;
}

/* A branch of several warehouses does not say which of them it is taken from. */
static struct cw_slice warehouse_of(const struct cw_document *order, const struct cw_site_config *config)
{
    struct cw_slice location = text_of(order, "location");
    if (location.len == 0 || is_warehouse(config, location))
        return location;
    for (size_t i = 0; i < config->stock.branch_count; i++) {
        const struct cw_stock_branch *branch = &config->stock.branches[i];
        if (cw_slice_is(location, branch->name) && branch->warehouses != NULL &&
            branch->warehouses[0] != NULL && branch->warehouses[1] == NULL)
            return cw_slice(branch->warehouses[0]);
    }
    return (struct cw_slice){ "", 0 };
}

/* --- what has left --- */

static bool is_above_zero(const struct cw_decimal *value)
{
    return !value->negative && !cw_decimal_is_zero(value);
}

/* Takes what it can from the line, and leaves the rest in *quantity. */
static void take(struct line *line, struct cw_decimal *quantity)
{
    struct cw_decimal left = line->left, rest = *quantity;
    if (!is_above_zero(quantity) || !is_above_zero(&line->left))
        return;
    if (cw_decimal_compare(quantity, &line->left) >= 0) {
        if (cw_decimal_subtract(quantity, &line->left, &rest, NULL))
            *quantity = rest;
        line->left = cw_decimal_from_int(0);
    } else if (cw_decimal_subtract(&line->left, quantity, &left, NULL)) {
        line->left = left;
        *quantity = cw_decimal_from_int(0);
    }
}

static void take_all(struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        lines[i].left = cw_decimal_from_int(0);
}

/* A line of a shipment belongs to the line it names, else to those with its SKU, in their order. */
static void take_shipped(struct line *lines, size_t count, const struct cw_shipped *shipped)
{
    struct cw_decimal quantity = shipped->quantity;
    for (size_t i = 0; shipped->line_id.len > 0 && i < count; i++)
        if (cw_slice_equal(lines[i].id, shipped->line_id)) {
            take(&lines[i], &quantity);
            return;
        }
    for (size_t i = 0; shipped->sku.len > 0 && i < count; i++)
        if (cw_slice_equal(lines[i].sku, shipped->sku))
            take(&lines[i], &quantity);
}

/* The back office knows best what it has shipped; only where it knows of nothing the cart is believed. */
static void take_all_shipped(struct line *lines, size_t count, const struct cw_shipped *shipped,
                             size_t shipped_count)
{
    bool office = false;
    for (size_t i = 0; i < shipped_count; i++)
        office = office || shipped[i].shipment_cart.len == 0;
    for (size_t i = 0; i < shipped_count; i++) {
        if (office && shipped[i].shipment_cart.len > 0)
            continue;
        if (shipped[i].is_whole)
            take_all(lines, count);
        else
            take_shipped(lines, count, &shipped[i]);
    }
}

/* --- lines --- */

struct cw_decimal cw_order_line_rest(const struct cw_document *line)
{
    const struct cw_value *quantity = cw_document_get(line, "quantity"),
                          *cancelled = cw_document_get(line, "cancelled");
    struct cw_decimal rest = quantity->is_set ? quantity->decimal : cw_decimal_from_int(0);
    if (cancelled->is_set && is_above_zero(&cancelled->decimal) &&
        !cw_decimal_subtract(&rest, &cancelled->decimal, &rest, NULL))
        return quantity->decimal;
    return is_above_zero(&rest) ? rest : cw_decimal_from_int(0);
}

static size_t read_lines(const struct cw_value *list, struct line *lines)
{
    size_t count = 0;
    for (const struct cw_document *doc = list->list.first; doc != NULL; doc = doc->next) {
        struct cw_decimal rest = cw_order_line_rest(doc);
        struct cw_slice sku = text_of(doc, "sku");
        if (sku.len > 0 && is_above_zero(&rest))
            lines[count++] = (struct line){ doc->external_id, sku, rest };
    }
    return count;
}

/* What is more than anybody can have meant is as much as can be counted: nothing is left to sell then. */
static struct cw_decimal countable(struct cw_decimal quantity)
{
    enum { DIGITS = 6 };
    struct cw_decimal rounded = quantity, most = cw_decimal_from_int(CW_QUANTITY_MAX / CW_QUANTITY_ONE);
    if (cw_decimal_compare(&quantity, &most) > 0)
        return most;
    if (quantity.scale > DIGITS && !cw_decimal_round(&quantity, DIGITS, CW_ROUND_CEILING, &rounded, NULL))
        return most;
    return cw_decimal_trim(rounded, 0);
}

bool cw_order_demands(const struct cw_document *order, bool is_waiting, const struct cw_shipped *shipped,
                      size_t shipped_count, const struct cw_site_config *config, struct cw_arena *arena,
                      struct cw_order_demands *demands)
{
    const struct cw_value *list = cw_document_get(order, "lines");
    *demands = (struct cw_order_demands){ NULL, 0 };
    if (!list->is_set || list->list.count == 0 || cw_order_is_closed(order, &config->stock))
        return true;
    struct line *lines = cw_arena_alloc(arena, list->list.count * sizeof *lines);
    demands->list = cw_arena_alloc(arena, list->list.count * sizeof *demands->list);
    if (lines == NULL || demands->list == NULL)
        return false;
    size_t count = read_lines(list, lines);
    take_all_shipped(lines, count, shipped, shipped_count);
    for (size_t i = 0; i < count; i++)
        if (is_above_zero(&lines[i].left))
            demands->list[demands->count++] =
                (struct cw_order_demand){ .sku = lines[i].sku,
                                          .warehouse = warehouse_of(order, config),
                                          .state = state_of(order, is_waiting, &config->stock),
                                          .quantity = countable(lines[i].left) };
    return true;
}

/* --- of two versions the larger --- */

static struct cw_decimal sum_of(const struct cw_order_demands *demands, struct cw_slice sku)
{
    struct cw_decimal sum = cw_decimal_from_int(0);
    for (size_t i = 0; i < demands->count; i++)
        if (cw_slice_equal(demands->list[i].sku, sku))
            cw_decimal_add(&sum, &demands->list[i].quantity, &sum, NULL);
    return sum;
}

static void add_larger(struct cw_order_demands *joined, const struct cw_order_demands *from,
                       const struct cw_order_demands *beside, bool also_equal)
{
    for (size_t i = 0; i < from->count; i++) {
        struct cw_decimal own = sum_of(from, from->list[i].sku), theirs = sum_of(beside, from->list[i].sku);
        int order = cw_decimal_compare(&own, &theirs);
        if (order < 0 || (order == 0 && !also_equal))
            continue;
        joined->list[joined->count] = from->list[i];
        joined->list[joined->count++].state = CW_DEMAND_PENDING;
    }
}

bool cw_order_demands_join(struct cw_order_demands *into, const struct cw_order_demands *other,
                           struct cw_arena *arena)
{
    size_t most = into->count + other->count;
    struct cw_order_demands joined = { cw_arena_alloc(arena, (most + 1) * sizeof *joined.list), 0 };
    if (joined.list == NULL)
        return false;
    add_larger(&joined, into, other, true);
    add_larger(&joined, other, into, false);
    *into = joined;
    return true;
}
