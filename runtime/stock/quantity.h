/* quantity.h - quantities as the stock arithmetic counts them: exact, in millionths, in 64 bits.
 *
 * A decimal with at most six digits after the point and an absolute value of at most CW_QUANTITY_MAX is a
 * quantity; any other is refused, never rounded. Sums of quantities saturate at plus or minus INT64_MAX
 * millionths.
 */
#ifndef CW_STOCK_QUANTITY_H
#define CW_STOCK_QUANTITY_H

#include "base/decimal.h"

typedef int64_t cw_quantity;

#define CW_QUANTITY_ONE INT64_C(1000000)
#define CW_QUANTITY_MAX (INT64_C(1000000000) * CW_QUANTITY_ONE) /* what a person can have meant */

/* CW_INVALID says what is wrong with it: "more than six digits after the point", "absurd: more than 10^9". */
bool cw_quantity_from(const struct cw_decimal *value, cw_quantity *out, struct cw_error *err);
/* As short as it can be written: 12, 0.5. */
struct cw_decimal cw_quantity_decimal(cw_quantity value);

#endif
