/* view.c - a rule over a stock, counted: balances from kits down to what they are made of, then what can be
 * built, from plain items up. See stock.h for the formulas. */
#include "stock/view.h"

#include <stdlib.h>

/* --- life --- */

static size_t count_names(char **names)
{
    size_t count = 0;
    while (names != NULL && names[count] != NULL)
        count++;
    return count;
}

static void free_names(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}

static bool copy_names(struct cw_stock_view *view, char **names)
{
    size_t count = count_names(names);
    if (names == NULL)
        return true;
    view->names = calloc(count + 1, sizeof *view->names);
    for (size_t i = 0; view->names != NULL && i < count; i++)
        if ((view->names[i] = strdup(names[i])) == NULL)
            return false;
    view->rule.warehouses = view->names;
    return view->names != NULL;
}

struct cw_stock_view *cw_stock_view_create(const struct cw_stock *stock, const struct cw_stock_rule *rule,
                                           cw_time now)
{
    struct cw_stock_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->stock = stock;
    view->rule = *rule;
    if (__builtin_add_overflow(now, rule->incoming_within, &view->until))
        view->until = INT64_MAX;
    if (!copy_names(view, rule->warehouses)) {
        cw_stock_view_free(view);
        return NULL;
    }
    return view;
}

void cw_stock_view_free(struct cw_stock_view *view)
{
    if (view == NULL)
        return;
    free_names(view->names);
    free(view->balance);
    free(view->capacity);
    free(view->bits);
    free(view->vendor);
    free(view->places);
    free(view->arrivals);
    free(view->kits);
    cw_joined_fini(&view->joined);
    free(view);
}

static bool grow_quantities(cw_quantity **array, size_t old, size_t cap)
{
    cw_quantity *grown = realloc(*array, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + old, 0, (cap - old) * sizeof *grown);
    *array = grown;
    return true;
}

/* Room for all items there are now, which begin at 0. */
static bool grow(struct cw_stock_view *view)
{
    size_t count = view->stock->skus.count, old = view->cap;
    size_t cap = count < 2 * old ? 2 * old : count;
    if (count > old) {
        uint8_t *bits = realloc(view->bits, cap);
        if (bits == NULL)
            return false;
        memset(bits + old, 0, cap - old);
        view->bits = bits;
        if (!grow_quantities(&view->balance, old, cap) || !grow_quantities(&view->capacity, old, cap) ||
            (view->rule.vendor == CW_VENDOR_SEPARATE && !grow_quantities(&view->vendor, old, cap)))
            return false;
        view->cap = (uint32_t)cap;
    }
    view->count = (uint32_t)count;
    return true;
}

static bool make_room_for_kits(struct cw_stock_view *view, size_t count)
{
    if (count <= view->kit_cap)
        return true;
    uint32_t *kits = realloc(view->kits, count * sizeof *kits);
    if (kits == NULL)
        return false;
    view->kits = kits;
    view->kit_cap = count;
    return true;
}

/* --- one item --- */

/* Its balance is less what is needed `for_kits`, if that is known already. */
static void count_own(struct cw_stock_view *view, uint32_t item, cw_wide for_kits)
{
    const struct cw_stock *stock = view->stock;
    struct cw_view_terms terms;
    cw_view_terms(view, item, &terms);
    cw_wide balance = (cw_wide)terms.on_hand + terms.on_order - for_kits;
    if (view->rule.vendor == CW_VENDOR_ADDED)
        balance += terms.vendor;
    for (int i = 0; i < CW_DEMANDS; i++)
        balance -= terms.taken[i];
    view->balance[item] = cw_exact_clamp(balance);
    if (stock->heights[item] > 0)
        view->capacity[item] = 0;
    view->bits[item] = (uint8_t)((terms.has_source ? CW_VIEW_HAS_SOURCE : 0) |
                                 (stock->bits[item] & CW_ITEM_INACTIVE ? 0 : CW_VIEW_IS_ACTIVE) |
                                 (stock->heights[item] > 0 ? CW_VIEW_IS_KIT : 0));
    if (view->vendor != NULL)
        view->vendor[item] = terms.vendor;
}

/* Takes what a kit is short of from what it is made of. */
static void take_components(struct cw_stock_view *view, uint32_t kit)
{
    const struct cw_cells *made_of = &view->stock->made_of;
    struct cw_cells_list list = cw_cells_at(made_of, kit);
    for (uint32_t i = 0; i < list.count; i++) {
        cw_quantity *balance = &view->balance[made_of->keys[list.start + i]];
        cw_quantity taken = cw_exact_taken(-view->balance[kit], made_of->quantities[list.start + i]);
        *balance = cw_exact_clamp((cw_wide)*balance - taken);
    }
}

cw_wide cw_view_for_kits(const struct cw_stock_view *view, uint32_t item)
{
    const struct cw_cells *part_of = &view->stock->part_of;
    struct cw_cells_list list = cw_cells_at(part_of, item);
    cw_wide sum = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        cw_quantity balance = view->balance[part_of->keys[list.start + i]];
        if (balance < 0)
            sum += cw_exact_taken(-balance, part_of->quantities[list.start + i]);
    }
    return sum;
}

/* What of a component is ready, or can be built. */
static cw_quantity there_is_of(const struct cw_stock_view *view, uint32_t item)
{
    cw_quantity ready = cw_exact_at_least_0(view->balance[item]);
    return view->bits[item] & CW_VIEW_IS_KIT ? cw_exact_add(ready, view->capacity[item]) : ready;
}

/* The most kits that each component alone is enough for; whether all have a source. */
static cw_quantity least(const struct cw_stock_view *view, struct cw_cells_list list, bool *have_source)
{
    const uint32_t *items = view->stock->made_of.keys + list.start;
    const cw_quantity *pieces = view->stock->made_of.quantities + list.start;
    cw_quantity least = INT64_MAX;
    uint8_t bits = CW_VIEW_HAS_SOURCE;
    for (uint32_t i = 0; i < list.count; i++) {
        cw_quantity there_is = there_is_of(view, items[i]);
        if (cw_exact_is_less_than(there_is, least, pieces[i])) /* dividing is dear */
            least = cw_exact_enough_for(there_is, pieces[i]);
        bits &= view->bits[items[i]];
    }
    *have_source = bits != 0;
    return least;
}

static bool count_buildable(struct cw_stock_view *view, uint32_t kit)
{
    const struct cw_stock *stock = view->stock;
    bool have_source, is_joined;
    cw_quantity most = least(view, cw_cells_at(&stock->made_of, kit), &have_source);
    view->capacity[kit] = most;
    view->bits[kit] |= have_source ? CW_VIEW_HAS_SOURCE : 0;
    if (!cw_joined_is(&view->joined, stock, kit, &is_joined))
        return false;
    if (!is_joined)
        return true;
    bool whole = cw_cells_at(&stock->part_of, kit).count == 0;
    return cw_joined_capacity(&view->joined, stock, view->balance, kit, most, whole, &view->capacity[kit]);
}

/* --- counting --- */

static bool sort_all_kits(struct cw_stock_view *view, size_t *count)
{
    const struct cw_stock *stock = view->stock;
    size_t next[CW_KIT_DEPTH_MAX + 1] = { 0 }, start = 0;
    for (uint32_t i = 0; i < view->count; i++)
        next[stock->heights[i]]++;
    for (size_t height = CW_KIT_DEPTH_MAX; height > 0; height--) {
        size_t there_are = next[height];
        next[height] = start;
        start += there_are;
    }
    *count = start;
    if (!make_room_for_kits(view, start))
        return false;
    for (uint32_t i = 0; i < view->count; i++)
        if (stock->heights[i] > 0)
            view->kits[next[stock->heights[i]]++] = i;
    return true;
}

static bool build_all(struct cw_stock_view *view, size_t count)
{
    for (size_t i = count; i-- > 0 && view->rule.adds_kits;)
        if (view->stock->heights[view->kits[i]] > 0 && !count_buildable(view, view->kits[i]))
            return false;
    return true;
}

bool cw_stock_view_count(struct cw_stock_view *view)
{
    size_t count;
    if (!grow(view) || !cw_view_choose(view) || !sort_all_kits(view, &count))
        return false;
    for (uint32_t i = 0; i < view->count; i++)
        count_own(view, i, 0);
    for (size_t i = 0; i < count; i++)
        if (view->balance[view->kits[i]] < 0)
            take_components(view, view->kits[i]);
    return build_all(view, count);
}

bool cw_stock_view_recount(struct cw_stock_view *view, const uint32_t *changed, size_t count)
{
    size_t affected_count;
    bool ok = false;
    uint32_t *affected = cw_stock_affected(view->stock, changed, count, &affected_count);
    if (affected == NULL || !grow(view) || !cw_view_choose(view) || !make_room_for_kits(view, affected_count))
        goto out;
    cw_kits_sort(view->stock, affected, affected_count, view->kits);
    for (size_t i = 0; i < affected_count; i++) {
        uint32_t item = view->kits[i];
        count_own(view, item, cw_view_for_kits(view, item));
    }
    ok = build_all(view, affected_count);
out:
    free(affected);
    return ok;
}
