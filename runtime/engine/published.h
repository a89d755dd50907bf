/* published.h - what is published of one SKU to one cart, asked for out of turn. */
#ifndef CW_ENGINE_PUBLISHED_H
#define CW_ENGINE_PUBLISHED_H

#include "adapters/store.h"
#include "bindings/site_config.h"

/* By the cart's rule in site.lua, whether it is told of stock or not; `quantity` functions of site.lua are
 * not asked. *is_known false: no level says anything of it by this rule, which is not the same as 0. Waits
 * for the store; the transaction stays as it is. */
bool cw_published_quantity(struct cw_txn *txn, const struct cw_site_config *config, const char *cart,
                           struct cw_slice sku, cw_time now, bool *is_known, struct cw_decimal *quantity,
                           struct cw_error *err);

#endif
