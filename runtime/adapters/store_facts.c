/* store_facts.c - see store_facts.h. */
#include "adapters/store_facts.h"

bool cw_store_take_decimal(struct cw_slice text, const char *place, const char *table, struct cw_slice of,
                           struct cw_decimal *out, struct cw_error *err)
{
    if (cw_decimal_parse(text, out, NULL))
        return true;
    struct cw_slice name = cw_slice_clip(of, 80), quoted = cw_slice_clip(text, 40);
    return cw_fail(err, CW_CORRUPT, "%s: %s of %.*s has \"%.*s\", which is no number; put it again", place,
                   table, CW_SLICE_ARG(name), CW_SLICE_ARG(quoted));
}

static const char *const tables[] = { [CW_FACT_COMPONENT] = "item_components",
                                      [CW_FACT_ITEM] = "items",
                                      [CW_FACT_LEVEL] = "stock_levels",
                                      [CW_FACT_DEMAND] = "demands",
                                      [CW_FACT_INCOMING] = "purchase_order_lines",
                                      [CW_FACT_VENDOR] = "vendor_levels" };

static bool take_demand(const struct cw_fact_row *row, const char *place, struct cw_stock_fact *out,
                        struct cw_error *err)
{
    return cw_store_demand_parse(row->word, &out->demand) ||
           cw_fail(err, CW_CORRUPT, "%s: demands of %.*s have the state \"%.*s\", which is none", place,
                   CW_SLICE_ARG(cw_slice_clip(row->sku, 80)), CW_SLICE_ARG(cw_slice_clip(row->word, 40)));
}

static bool take_incoming(const struct cw_fact_row *row, const char *place, struct cw_stock_fact *out,
                          bool *is_one, struct cw_error *err)
{
    struct cw_decimal received;
    out->at = row->at;
    if (row->word.len > 0 &&
        !(cw_store_take_decimal(row->word, place, tables[row->fact], row->sku, &received, err) &&
          cw_decimal_subtract(&out->quantity, &received, &out->quantity, err)))
        return false;
    *is_one = !out->quantity.negative && !cw_decimal_is_zero(&out->quantity);
    return true;
}

bool cw_store_take_fact(const struct cw_fact_row *row, const char *place, struct cw_stock_fact *out,
                        bool *is_one, struct cw_error *err)
{
    *out = (struct cw_stock_fact){
        .fact = (enum cw_fact)row->fact, .sku = row->sku, .other = row->other, .at = CW_TIME_NONE
    };
    *is_one = true;
    if (out->fact == CW_FACT_ITEM) {
        out->is_active = !cw_slice_is(row->word, "0");
        return true;
    }
    if (!cw_store_take_decimal(row->quantity, place, tables[out->fact], row->sku, &out->quantity, err))
        return false;
    if (out->fact == CW_FACT_DEMAND)
        return take_demand(row, place, out, err);
    return out->fact != CW_FACT_INCOMING || take_incoming(row, place, out, is_one, err);
}
