/* quantity.c - see quantity.h. */
#include "stock/quantity.h"

enum { DIGITS_AFTER_POINT = 6 };

static bool refuse(const struct cw_decimal *value, const char *what, struct cw_error *err)
{
    char text[CW_DECIMAL_TEXT_MAX];
    cw_decimal_format(value, text);
    return cw_fail(err, CW_INVALID, "the quantity %s is refused, %s; correct it where it comes from", text,
                   what);
}

bool cw_quantity_from(const struct cw_decimal *value, cw_quantity *out, struct cw_error *err)
{
    struct cw_decimal shortest = cw_decimal_trim(*value, 0);
    if (shortest.scale > DIGITS_AFTER_POINT)
        return refuse(value, "it has more than six digits after the point", err);
    unsigned __int128 millionths = shortest.digits;
    for (unsigned i = shortest.scale; i < DIGITS_AFTER_POINT && millionths <= CW_QUANTITY_MAX; i++)
        millionths *= 10;
    if (millionths > CW_QUANTITY_MAX)
        return refuse(value, "it is absurd: more than 10^9", err);
    *out = value->negative ? -(cw_quantity)millionths : (cw_quantity)millionths;
    return true;
}

struct cw_decimal cw_quantity_decimal(cw_quantity value)
{
    struct cw_decimal exact = { .scale = DIGITS_AFTER_POINT, .negative = value < 0 };
    exact.digits = value < 0 ? -(uint64_t)value : (uint64_t)value;
    return cw_decimal_trim(exact, 0);
}
