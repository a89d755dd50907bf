/* exact.h - sums and products of quantities: 128 bits wide inside, saturated outside, rounded one way only.
 */
#ifndef CW_STOCK_EXACT_H
#define CW_STOCK_EXACT_H

#include "stock/quantity.h"

typedef __int128 cw_wide; /* of quantities: millionths */

static inline cw_quantity cw_exact_clamp(cw_wide value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < -(cw_wide)INT64_MAX ? -INT64_MAX : (cw_quantity)value;
}

static inline cw_quantity cw_exact_add(cw_quantity a, cw_quantity b)
{
    return cw_exact_clamp((cw_wide)a + b);
}

static inline cw_quantity cw_exact_at_least_0(cw_quantity value)
{
    return value > 0 ? value : 0;
}

/* What `count` kits take of a component, rounded up; neither is negative. */
static inline cw_quantity cw_exact_taken(cw_quantity count, cw_quantity pieces)
{
    uint64_t narrow;
    if (!__builtin_mul_overflow((uint64_t)count, (uint64_t)pieces, &narrow))
        return (cw_quantity)(narrow / CW_QUANTITY_ONE + (narrow % CW_QUANTITY_ONE != 0));
    return cw_exact_clamp(((cw_wide)count * pieces + CW_QUANTITY_ONE - 1) / CW_QUANTITY_ONE);
}

/* For how many kits, in millionths, what there is of a component is enough: the largest count of which
 * cw_exact_taken is not more. `pieces` is above 0. */
static inline cw_quantity cw_exact_enough_for(cw_quantity there_is, cw_quantity pieces)
{
    uint64_t narrow;
    if (!__builtin_mul_overflow((uint64_t)there_is, (uint64_t)CW_QUANTITY_ONE, &narrow))
        return (cw_quantity)(narrow / (uint64_t)pieces > INT64_MAX ? INT64_MAX : narrow / (uint64_t)pieces);
    return cw_exact_clamp((cw_wide)there_is * CW_QUANTITY_ONE / pieces);
}

/* Whether what there is of a component is less than so many kits take. */
static inline bool cw_exact_is_less_than(cw_quantity there_is, cw_quantity count, cw_quantity pieces)
{
    return (cw_wide)there_is * CW_QUANTITY_ONE < (cw_wide)count * pieces;
}

#endif
