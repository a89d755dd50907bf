/* published.c - see published.h. */
#include "engine/published.h"

#include <string.h>

#include "engine/figures.h"

struct reading {
    struct cw_error err;
};

static void figures_read(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        ((struct reading *)arg)->err = *err;
}

static const struct cw_stock_rule *rule_of(const struct cw_site_config *config, const char *cart)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (strcmp(config->carts[i].name, cart) == 0)
            return &config->carts[i].out.stock.rule;
    return NULL;
}

/* False only for want of memory. */
static bool count(const struct cw_figures *figures, const struct cw_stock_rule *rule, struct cw_slice sku,
                  cw_time now, struct cw_stock_published *published)
{
    const struct cw_stock *stock = cw_figures_stock(figures);
    uint32_t item = cw_stock_find(stock, sku);
    *published = (struct cw_stock_published){ 0 };
    if (item == CW_STOCK_NONE || cw_figures_is_broken(figures, item))
        return true;
    struct cw_stock_view *view = cw_stock_view_create(stock, rule, now);
    bool ok = view != NULL && cw_stock_view_count(view);
    if (ok)
        *published = cw_stock_view_get(view, item);
    cw_stock_view_free(view);
    return ok;
}

bool cw_published_quantity(struct cw_txn *txn, const struct cw_site_config *config, const char *cart,
                           struct cw_slice sku, cw_time now, bool *is_known, struct cw_decimal *quantity,
                           struct cw_error *err)
{
    const struct cw_stock_rule *rule = rule_of(config, cart);
    struct cw_figures *figures = rule != NULL ? cw_figures_create() : NULL;
    struct cw_stock_published published = { 0 };
    struct reading reading = { { .code = CW_OK } };
    char scratch[CW_DECIMAL_TEXT_MAX];
    if (figures == NULL)
        return cw_fail(err, CW_NOMEM, "no memory to count %.*s", CW_SLICE_ARG(sku));
    cw_figures_read(figures, txn, &sku, 1, figures_read, &reading);
    cw_store_wait(cw_txn_store(txn));
    bool ok = reading.err.code == CW_OK;
    if (!ok)
        *err = reading.err;
    else if (!count(figures, rule, sku, now, &published))
        ok = cw_fail(err, CW_NOMEM, "no memory to count %.*s", CW_SLICE_ARG(sku));
    cw_figures_free(figures);
    *is_known = published.has_source;
    return ok && cw_decimal_parse(cw_quantity_text(published.quantity, scratch), quantity, err);
}
