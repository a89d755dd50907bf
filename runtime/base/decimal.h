/* decimal.h - exact decimal numbers for money and quantities: sign, up to 38 digits, scale 0 to 38.
 *
 * The scale is kept as written: "1.50" stays 1.50. Addition and subtraction keep the larger scale,
 * multiplication adds scales. A result that does not fit is CW_OVERFLOW, never a wrapped or rounded value;
 * rounding happens only where the caller names it. There is no NaN, no infinity, no negative zero.
 */
#ifndef CW_BASE_DECIMAL_H
#define CW_BASE_DECIMAL_H

#include "base/error.h"

enum {
    CW_DECIMAL_DIGITS_MAX = 38, /* what an unsigned 128-bit integer always holds */
    CW_DECIMAL_SCALE_MAX = 38,
    CW_DECIMAL_TEXT_MAX = 48 /* bytes of the longest text, terminator included */
};

struct cw_decimal {
    unsigned __int128 digits; /* the value without sign and point; below 10^38 */
    uint8_t scale;            /* digits after the point */
    bool negative;            /* false when digits is 0 */
};

/* IEEE 754 and Java names; "half" decides only exact ties. */
enum cw_rounding {
    CW_ROUND_UP,        /* away from zero */
    CW_ROUND_DOWN,      /* towards zero */
    CW_ROUND_CEILING,   /* towards plus infinity */
    CW_ROUND_FLOOR,     /* towards minus infinity */
    CW_ROUND_HALF_UP,   /* ties away from zero */
    CW_ROUND_HALF_DOWN, /* ties towards zero */
    CW_ROUND_HALF_EVEN  /* ties to the even digit */
};

/* "-12.340", "+5", ".5", "5.", "1.2e3", "12E-2". CW_INVALID for anything else (blanks, grouping, hex, NaN);
 * CW_OVERFLOW past 38 digits or scale 38. A positive exponent appends zeros, a negative one moves the point.
 */
bool cw_decimal_parse(struct cw_slice text, struct cw_decimal *out, struct cw_error *err);

/* Plain notation without exponent, at least one digit before the point; returns the length. `out` has
 * CW_DECIMAL_TEXT_MAX bytes and ends in NUL. parse(format(x)) is x, scale included. */
size_t cw_decimal_format(const struct cw_decimal *value, char *out);

struct cw_decimal cw_decimal_from_int(int64_t value);
/* false when the value has a fraction (1.00 has none) or does not fit. */
bool cw_decimal_to_int(const struct cw_decimal *value, int64_t *out);

/* -1, 0, 1 by value: 1.5 equals 1.50. */
int cw_decimal_compare(const struct cw_decimal *a, const struct cw_decimal *b);
static inline bool cw_decimal_is_zero(const struct cw_decimal *value)
{
    return value->digits == 0;
}

bool cw_decimal_add(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                    struct cw_error *err);
bool cw_decimal_subtract(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                         struct cw_error *err);
bool cw_decimal_multiply(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                         struct cw_error *err);
/* The quotient with exactly `scale` digits after the point. CW_INVALID when b is zero. */
bool cw_decimal_divide(const struct cw_decimal *a, const struct cw_decimal *b, unsigned scale,
                       enum cw_rounding rounding, struct cw_decimal *out, struct cw_error *err);
/* The same value with exactly `scale` digits after the point. */
bool cw_decimal_round(const struct cw_decimal *value, unsigned scale, enum cw_rounding rounding,
                      struct cw_decimal *out, struct cw_error *err);
struct cw_decimal cw_decimal_negate(struct cw_decimal value);
/* The same value with trailing zeros after the point removed, but not below `scale` digits, and with zeros
 * appended up to `scale` where they fit: 63.010000 at 2 is 63.01, 9.9999990 at 2 is 9.999999, 5 at 2 is 5.00.
 */
struct cw_decimal cw_decimal_trim(struct cw_decimal value, unsigned scale);

/* "half-up" and so on; false for a name that is none. */
bool cw_rounding_parse(struct cw_slice name, enum cw_rounding *out);

#endif
