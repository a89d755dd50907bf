/* figures.h - what the store knows of stock, read into the arrays of the arithmetic.
 *
 * What cannot be counted is no figure. An item with such a level, and a kit whose components make no sense,
 * are broken: nothing is told about them, and the log says why. Such supply that is still to come is left
 * out; such demand takes as much as can be counted.
 */
#ifndef CW_ENGINE_FIGURES_H
#define CW_ENGINE_FIGURES_H

#include "adapters/store.h"
#include "stock/stock.h"

struct cw_figures;

struct cw_figures *cw_figures_create(void);
void cw_figures_free(struct cw_figures *figures); /* accepts NULL */

/* All that the figures of these SKUs depend on, in the place of what was read before. */
void cw_figures_read(struct cw_figures *figures, struct cw_txn *txn, const struct cw_slice *skus,
                     size_t count, cw_store_done_fn *done, void *arg);

/* The facts as they come, besides; each is valid during the call. For explanations. */
void cw_figures_watch(struct cw_figures *figures, cw_stock_fact_fn *fact, void *arg);

const struct cw_stock *cw_figures_stock(const struct cw_figures *figures);
bool cw_figures_is_broken(const struct cw_figures *figures, uint32_t item);

/* The text of a quantity, as short as it can be written. */
struct cw_slice cw_quantity_text(cw_quantity quantity, char scratch[CW_DECIMAL_TEXT_MAX]);

#endif
