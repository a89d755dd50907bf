/* figures.c - see figures.h. */
#include "engine/figures.h"

#include <glib.h>

#include "base/log.h"

struct cw_figures {
    struct cw_stock *stock;
    GHashTable *broken; /* items, by number */
    uint32_t kit;       /* whose components are being gathered; CW_STOCK_NONE = none */
    bool kit_is_broken;
    GArray *components; /* struct cw_stock_component */
    cw_stock_fact_fn *watch;
    void *watch_arg;
    bool is_lost; /* for want of memory */
    cw_store_done_fn *done;
    void *arg;
};

struct cw_figures *cw_figures_create(void)
{
    struct cw_figures *figures = g_new0(struct cw_figures, 1);
    figures->kit = CW_STOCK_NONE;
    figures->broken = g_hash_table_new(NULL, NULL);
    figures->components = g_array_new(FALSE, FALSE, sizeof(struct cw_stock_component));
    return figures;
}

void cw_figures_free(struct cw_figures *figures)
{
    if (figures == NULL)
        return;
    cw_stock_free(figures->stock);
    g_hash_table_destroy(figures->broken);
    g_array_free(figures->components, TRUE);
    g_free(figures);
}

/* --- facts --- */

static void tell_unusable(const char *event, struct cw_slice sku, struct cw_slice other,
                          const struct cw_error *err)
{
    const struct cw_log_field fields[] = {
        { "sku", sku }, { "of", other }, { "error", cw_slice(err->text) }, { NULL, { NULL, 0 } }
    };
    cw_log(CW_LOG_WARNING, event, fields);
}

static void break_item(struct cw_figures *figures, uint32_t item)
{
    g_hash_table_add(figures->broken, GUINT_TO_POINTER(item));
}

static void end_kit(struct cw_figures *figures)
{
    struct cw_error err;
    if (figures->kit == CW_STOCK_NONE)
        return;
    const struct cw_stock_component *components = (const void *)figures->components->data;
    if (figures->kit_is_broken) {
        break_item(figures, figures->kit);
    } else if (!cw_stock_set_kit(figures->stock, figures->kit, components, figures->components->len, &err)) {
        figures->is_lost = figures->is_lost || err.code == CW_NOMEM;
        break_item(figures, figures->kit);
        tell_unusable("kit-unusable", cw_stock_sku(figures->stock, figures->kit), cw_slice(""), &err);
    }
    figures->kit = CW_STOCK_NONE;
    g_array_set_size(figures->components, 0);
}

static bool add_component(struct cw_figures *figures, uint32_t kit, const struct cw_stock_fact *fact)
{
    struct cw_stock_component component;
    struct cw_error err;
    if (figures->kit != kit) {
        end_kit(figures);
        figures->kit = kit;
        figures->kit_is_broken = false;
    }
    component.item = cw_stock_item(figures->stock, fact->other);
    if (component.item == CW_STOCK_NONE)
        return false;
    if (fact->other.len > 0 && cw_quantity_from(&fact->quantity, &component.quantity, &err)) {
        g_array_append_val(figures->components, component);
        return true;
    }
    if (fact->other.len == 0)
        cw_fail(&err, CW_INVALID, "a component has no SKU");
    figures->kit_is_broken = true;
    tell_unusable("kit-unusable", fact->sku, fact->other, &err);
    return true;
}

/* Demand that cannot be counted takes all there could be; supply that cannot is none. */
static bool quantity_of(const struct cw_stock_fact *fact, cw_quantity *quantity)
{
    struct cw_error err;
    if (cw_quantity_from(&fact->quantity, quantity, &err))
        return true;
    tell_unusable("quantity-unusable", fact->sku, fact->other, &err);
    *quantity = CW_QUANTITY_MAX;
    return fact->fact == CW_FACT_DEMAND;
}

static bool add_quantity(struct cw_figures *figures, uint32_t item, const struct cw_stock_fact *fact)
{
    struct cw_stock *stock = figures->stock;
    cw_quantity quantity;
    uint32_t warehouse = CW_STOCK_NONE;
    if (!quantity_of(fact, &quantity)) {
        if (fact->fact == CW_FACT_LEVEL)
            break_item(figures, item);
        return true;
    }
    if (fact->fact != CW_FACT_VENDOR && fact->other.len > 0) {
        warehouse = cw_stock_warehouse(stock, fact->other);
        if (warehouse == CW_STOCK_NONE)
            return false;
    }
    switch (fact->fact) {
    case CW_FACT_LEVEL:
        return warehouse == CW_STOCK_NONE || cw_stock_set_level(stock, item, warehouse, quantity);
    case CW_FACT_DEMAND:
        return cw_stock_add_demand(stock, item, warehouse, fact->demand, quantity);
    case CW_FACT_INCOMING:
        return cw_stock_add_incoming(stock, item, warehouse, fact->at, quantity);
    case CW_FACT_VENDOR:
        return cw_stock_add_vendor(stock, item, quantity);
    case CW_FACT_COMPONENT:
    case CW_FACT_ITEM:
        break;
    }
    return true;
}

static bool add_fact(struct cw_figures *figures, const struct cw_stock_fact *fact)
{
    uint32_t item = cw_stock_item(figures->stock, fact->sku);
    if (item == CW_STOCK_NONE)
        return false;
    if (fact->fact == CW_FACT_COMPONENT)
        return add_component(figures, item, fact);
    end_kit(figures);
    if (fact->fact != CW_FACT_ITEM)
        return add_quantity(figures, item, fact);
    cw_stock_set_active(figures->stock, item, fact->is_active);
    return true;
}

static bool take_fact(void *arg, const struct cw_stock_fact *fact)
{
    struct cw_figures *figures = arg;
    if (figures->watch != NULL)
        figures->watch(figures->watch_arg, fact);
    figures->is_lost = figures->is_lost || !add_fact(figures, fact);
    return !figures->is_lost;
}

static void facts_read(void *arg, const struct cw_error *err)
{
    struct cw_figures *figures = arg;
    struct cw_error lost;
    if (err == NULL)
        end_kit(figures);
    if (err == NULL && figures->is_lost) {
        cw_fail(&lost, CW_NOMEM, "no memory to count stock");
        err = &lost;
    }
    figures->done(figures->arg, err);
}

/* Each SKU that is asked for gets a number, also one that nothing is known of. */
void cw_figures_read(struct cw_figures *figures, struct cw_txn *txn, const struct cw_slice *skus,
                     size_t count, cw_store_done_fn *done, void *arg)
{
    struct cw_error err;
    cw_stock_free(figures->stock);
    g_hash_table_remove_all(figures->broken);
    figures->kit = CW_STOCK_NONE;
    figures->is_lost = false;
    figures->done = done;
    figures->arg = arg;
    figures->stock = cw_stock_create();
    for (size_t i = 0; figures->stock != NULL && i < count; i++)
        figures->is_lost = figures->is_lost || cw_stock_item(figures->stock, skus[i]) == CW_STOCK_NONE;
    if (figures->stock == NULL || figures->is_lost) {
        cw_fail(&err, CW_NOMEM, "no memory to count stock");
        done(arg, &err);
        return;
    }
    cw_txn_read_stock(txn, skus, count, take_fact, facts_read, figures);
}

void cw_figures_watch(struct cw_figures *figures, cw_stock_fact_fn *fact, void *arg)
{
    figures->watch = fact;
    figures->watch_arg = arg;
}

const struct cw_stock *cw_figures_stock(const struct cw_figures *figures)
{
    return figures->stock;
}

bool cw_figures_is_broken(const struct cw_figures *figures, uint32_t item)
{
    return g_hash_table_contains(figures->broken, GUINT_TO_POINTER(item));
}

struct cw_slice cw_quantity_text(cw_quantity quantity, char scratch[CW_DECIMAL_TEXT_MAX])
{
    struct cw_decimal value = cw_quantity_decimal(quantity);
    return (struct cw_slice){ scratch, cw_decimal_format(&value, scratch) };
}
