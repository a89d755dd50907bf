/* store_stock.c - the part of the store's front that is about stock, prices and links, see store.h. */
#include "adapters/store_engine.h"

static const struct cw_slice no_record = { "", 0 };

/* --- what callers give --- */

static bool are_names(const struct cw_slice *names, size_t count, const char *what, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_store_is_name(names[i], what, err))
            return false;
    return true;
}

static bool is_demand(const struct cw_order_demand *demand, struct cw_error *err)
{
    if (!cw_store_is_name(demand->sku, "a SKU", err) ||
        !cw_store_fits(demand->warehouse, "the warehouse's name", err))
        return false;
    bool is_positive = !demand->quantity.negative && !cw_decimal_is_zero(&demand->quantity);
    return is_positive ||
           cw_fail(err, CW_USAGE, "an order takes more than 0 pieces of a SKU, or it is not put at all");
}

static bool is_ordered(struct cw_record_key key, const struct cw_order_demand *demands, size_t count,
                       struct cw_error *err)
{
    if (!cw_store_is_name(key.cart, "the cart's name", err) ||
        !cw_store_is_name(key.external_id, "the order's id", err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_demand(&demands[i], err))
            return false;
    return true;
}

static bool is_link(struct cw_slice cart, struct cw_slice kind, struct cw_slice external_id,
                    struct cw_error *err)
{
    return cw_store_is_name(cart, "the cart's name", err) && cw_store_is_name(kind, "the link's kind", err) &&
           cw_store_is_name(external_id, "the document's id", err);
}

/* --- stock --- */

bool cw_txn_put_demands(struct cw_txn *txn, struct cw_record_key key, const struct cw_order_demand *demands,
                        size_t count)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_ordered(key, demands, count, &err) &&
              txn->store->engine->put_demands(txn, key, demands, count, &err);
    return cw_store_settle(txn, ok, key.external_id, &err);
}

void cw_txn_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders,
                         size_t count, cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg)
{
    struct cw_error err;
    if (!txn->lost)
        cw_store_settle(txn,
                        cw_store_is_name(cart, "the cart's name", &err) &&
                            are_names(orders, count, "the order's id", &err),
                        no_record, &err);
    if (txn->lost)
        done(arg, &txn->error);
    else
        txn->store->engine->read_shipped(txn, cart, orders, count, shipped, done, arg);
}

bool cw_txn_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = are_names(skus, count, "a SKU", &err) && txn->store->engine->mark_skus(txn, skus, count, &err);
    return cw_store_settle(txn, ok, no_record, &err);
}

void cw_txn_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg)
{
    if (txn->lost)
        taken(arg, NULL, 0, &txn->error);
    else
        txn->store->engine->take_marks(txn, limit, taken, arg);
}

static bool may_read(struct cw_txn *txn, const struct cw_slice *skus, size_t count)
{
    struct cw_error err;
    return !txn->lost && cw_store_settle(txn, are_names(skus, count, "a SKU", &err), no_record, &err);
}

void cw_txn_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_stock_fact_fn *fact,
                       cw_store_done_fn *done, void *arg)
{
    if (!may_read(txn, skus, count))
        done(arg, &txn->error);
    else
        txn->store->engine->read_stock(txn, skus, count, fact, done, arg);
}

void cw_store_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                        void *arg)
{
    store->engine->read_skus(store, after, limit, read, arg);
}

void cw_txn_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                        cw_store_done_fn *done, void *arg)
{
    if (!may_read(txn, skus, count))
        done(arg, &txn->error);
    else
        txn->store->engine->read_prices(txn, skus, count, price, done, arg);
}

/* --- links --- */

bool cw_txn_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, struct cw_slice link)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_link(cart, kind, external_id, &err) && cw_store_fits(link, "the cart's id", &err) &&
              txn->store->engine->put_link(txn, cart, kind, external_id, link, &err);
    return cw_store_settle(txn, ok, external_id, &err);
}

void cw_txn_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, cw_link_fn *found, void *arg)
{
    struct cw_error err;
    if (!txn->lost)
        cw_store_settle(txn, is_link(cart, kind, external_id, &err), external_id, &err);
    if (txn->lost)
        found(arg, (struct cw_slice){ NULL, 0 }, &txn->error);
    else
        txn->store->engine->get_link(txn, cart, kind, external_id, found, arg);
}
