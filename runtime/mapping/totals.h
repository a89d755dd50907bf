/* totals.h - does an order add up, to the smallest unit of its currency?
 *
 * With r() = rounding to the currency's digits by the order's rounding_mode (half-up when unset):
 *
 * Line: one without a total gets it: with rounding "item" r(unit_price) * quantity - discount, with "line"
 * (the default) r(unit_price * quantity) - discount, with "total" unit_price * quantity - discount unrounded.
 * A total that the cart gives is not recomputed, and contains the line's discount already.
 *
 * Goods: r() of the sum of the line totals equals goods_total, where that is mapped. Where lines are not
 * mapped, goods is goods_total.
 *
 * Fees: the sum of the fees' amounts equals fee_total, r() of both, where both are mapped, the list is not
 * empty and each fee has its amount. Taxes likewise with tax_total, but only where each amount is a whole
 * number of smallest units: how a cart rounded finer ones cannot be known from the list. Discounts are not
 * compared with discount_total: carts list also those that line totals contain.
 *
 * Total: goods + shipping_total + fee_total - discount_total (+ tax_total when tax_included is false) equals
 * total. With rounding "total" and no goods_total nothing is rounded before: r() of the whole sum equals
 * total.
 *
 * Unset amounts count as zero; an order without total is the issue "missing". Nothing is tolerated; a
 * difference is the issue "totals" of the stated amount, a hold, which shows the arithmetic, lists of more
 * than 8 entries not spelt out. An order whose figures already have issues is not added up: the sums would
 * only repeat them.
 *
 * "lines 2 x 15.75 + 1 x 31.86 add up to 63.36 EUR, but goods_total is 63.35: off by 0.01"
 *
 * "goods 63.36 + shipping 7.00 - discount 5.00 make 65.36 EUR, but total is 65.35: off by 0.01"
 */
#ifndef CW_MAPPING_TOTALS_H
#define CW_MAPPING_TOTALS_H

#include "mapping/plan.h"

/* For documents of kind order; others are left alone. false only when the arena is exhausted. */
bool cw_totals_check(struct cw_mapped *mapped, struct cw_arena *arena, struct cw_error *err);

#endif
