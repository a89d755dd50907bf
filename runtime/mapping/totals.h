/* totals.h - does an order add up, to the smallest unit of its currency?
 *
 * With r() = rounding to the currency's digits by the order's rounding_mode (half-up when unset):
 *   line   a line without a total gets one: rounding "item" r(unit_price) * quantity, "line" (the default)
 *          r(unit_price * quantity), "total" unit_price * quantity unrounded.
 *   goods  sum of the line totals, r() of it, equals goods_total, where that is mapped. Where lines are not
 * mapped, goods is goods_total. total  goods + shipping_total + fee_total - discount_total (+ tax_total when
 * tax_included is false) equals total. With rounding "total" and no goods_total nothing is rounded before:
 * r() of the whole sum equals total. Unset amounts count as zero; an order without total is the issue
 * "missing". Nothing is tolerated; a difference is the issue "totals", which says which sum, both figures and
 * the difference: "lines add up to 63.36 EUR, but goods_total is 63.35: off by 0.01" "goods 63.36 +
 * shipping 7.00 - discount 5.00 make 65.36 EUR, but total is 65.35: off by 0.01" An order whose figures
 * already have issues is not added up: the sums would only repeat them.
 */
#ifndef CW_MAPPING_TOTALS_H
#define CW_MAPPING_TOTALS_H

#include "mapping/plan.h"

/* For documents of kind order; others are left alone. false only when the arena is exhausted. */
bool cw_totals_check(struct cw_mapped *mapped, struct cw_arena *arena, struct cw_error *err);

#endif
