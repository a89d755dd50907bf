/* decimal.c - see decimal.h. One 128-bit integer and a scale; wider intermediate results are never stored,
 * only recognised. */
#include "base/decimal.h"

typedef unsigned __int128 wide;

#define E19    ((wide)10000000000000000000u)
#define P19(n) (E19 * (n##u))

static const wide power_of_ten[CW_DECIMAL_DIGITS_MAX + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    E19,
    P19(10),
    P19(100),
    P19(1000),
    P19(10000),
    P19(100000),
    P19(1000000),
    P19(10000000),
    P19(100000000),
    P19(1000000000),
    P19(10000000000),
    P19(100000000000),
    P19(1000000000000),
    P19(10000000000000),
    P19(100000000000000),
    P19(1000000000000000),
    P19(10000000000000000),
    P19(100000000000000000),
    P19(1000000000000000000),
    P19(10000000000000000000),
};

/* The first value that has too many digits. */
#define LIMIT (power_of_ten[CW_DECIMAL_DIGITS_MAX])

static struct cw_decimal make(wide digits, unsigned scale, bool negative)
{
    return (struct cw_decimal){ digits, (uint8_t)scale, negative && digits != 0 };
}

static bool overflow(struct cw_error *err, const char *what)
{
    return cw_fail(err, CW_OVERFLOW, "%s needs more than %d digits, or more than %d of them after the point",
                   what, CW_DECIMAL_DIGITS_MAX, CW_DECIMAL_SCALE_MAX);
}

/* *digits times 10^zeros; false when that does not fit 128 bits (it may still be past LIMIT). */
static bool append_zeros(wide *digits, unsigned zeros)
{
    if (*digits == 0 || zeros == 0)
        return true;
    if (zeros > CW_DECIMAL_DIGITS_MAX)
        return false;
    return !__builtin_mul_overflow(*digits, power_of_ten[zeros], digits);
}

/* ---- text ---- */

struct scan {
    const char *at, *end;
    wide digits;
    int64_t fraction; /* digits after the point, less the exponent */
    bool any;         /* at least one digit was there */
    bool fits;
};

static bool at_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool skip(struct scan *scan, char a, char b)
{
    if (scan->at == scan->end || (*scan->at != a && *scan->at != b))
        return false;
    scan->at++;
    return true;
}

/* A run of digits; returns how many. */
static int64_t scan_digits(struct scan *scan)
{
    const char *start = scan->at;
    for (; at_digit(scan); scan->at++) {
        if (scan->digits >= LIMIT / 10)
            scan->fits = false;
        else
            scan->digits = scan->digits * 10 + (unsigned)(*scan->at - '0');
    }
    return scan->at - start;
}

static bool scan_exponent(struct scan *scan)
{
    enum { ENOUGH = 1000000 }; /* beyond every scale; keeps the sum from overflowing */
    int64_t exponent = 0;
    bool negative = skip(scan, '-', '-');
    if (!negative)
        skip(scan, '+', '+');
    if (!at_digit(scan))
        return false;
    for (; at_digit(scan); scan->at++)
        if (exponent < ENOUGH)
            exponent = exponent * 10 + (*scan->at - '0');
    scan->fraction -= negative ? -exponent : exponent;
    return true;
}

static bool scan_number(struct scan *scan)
{
    int64_t whole = scan_digits(scan);
    if (skip(scan, '.', '.'))
        scan->fraction = scan_digits(scan);
    if (whole + scan->fraction == 0)
        return false;
    if (skip(scan, 'e', 'E') && !scan_exponent(scan))
        return false;
    return scan->at == scan->end;
}

bool cw_decimal_parse(struct cw_slice text, struct cw_decimal *out, struct cw_error *err)
{
    struct cw_slice shown = cw_slice_clip(text, 60);
    struct scan scan = { .at = text.data, .end = cw_slice_end(text), .fits = true };
    bool negative = skip(&scan, '-', '-');
    if (!negative)
        skip(&scan, '+', '+');
    if (!scan_number(&scan))
        return cw_fail(err, CW_INVALID, "\"%.*s\" is not a number; expected such as -12.50",
                       CW_SLICE_ARG(shown));
    if (scan.fraction < 0) {
        uint64_t zeros = (uint64_t)-scan.fraction;
        scan.fits =
            scan.fits && append_zeros(&scan.digits, zeros > CW_DECIMAL_DIGITS_MAX ? 99 : (unsigned)zeros);
        scan.fraction = 0;
    }
    if (!scan.fits || scan.digits >= LIMIT || scan.fraction > CW_DECIMAL_SCALE_MAX)
        return cw_fail(err, CW_OVERFLOW,
                       "the number \"%.*s\" has more than %d digits, or more than %d of them after the point",
                       CW_SLICE_ARG(shown), CW_DECIMAL_DIGITS_MAX, CW_DECIMAL_SCALE_MAX);
    *out = make(scan.digits, (unsigned)scan.fraction, negative);
    return true;
}

/* The low 64 bits' worth of digits at a time: a 128-bit division costs ten times a 64-bit one. */
static char *write_digits(wide digits, unsigned at_least, char *end)
{
    char *p = end;
    while (digits > UINT64_MAX) {
        uint64_t low = (uint64_t)(digits % E19);
        digits /= E19;
        for (int i = 0; i < 19; i++, low /= 10)
            *--p = (char)('0' + low % 10);
    }
    for (uint64_t low = (uint64_t)digits; low != 0; low /= 10)
        *--p = (char)('0' + low % 10);
    while (end - p < (ptrdiff_t)at_least)
        *--p = '0';
    return p;
}

size_t cw_decimal_format(const struct cw_decimal *value, char *out)
{
    char text[CW_DECIMAL_TEXT_MAX];
    char *end = text + sizeof text;
    char *start = write_digits(value->digits, value->scale + 1u, end);
    size_t whole = (size_t)(end - start) - value->scale;
    char *p = out;
    if (value->negative)
        *p++ = '-';
    memcpy(p, start, whole);
    p += whole;
    if (value->scale > 0) {
        *p++ = '.';
        memcpy(p, start + whole, value->scale);
        p += value->scale;
    }
    *p = '\0';
    return (size_t)(p - out);
}

/* ---- whole numbers ---- */

struct cw_decimal cw_decimal_from_int(int64_t value)
{
    return make(value < 0 ? -(wide)value : (wide)value, 0, value < 0);
}

bool cw_decimal_to_int(const struct cw_decimal *value, int64_t *out)
{
    wide whole = value->digits / power_of_ten[value->scale];
    if (whole * power_of_ten[value->scale] != value->digits)
        return false;
    if (whole > (wide)INT64_MAX + (value->negative ? 1u : 0u))
        return false;
    *out = (int64_t)(value->negative ? 0 - (uint64_t)whole : (uint64_t)whole);
    return true;
}

/* ---- arithmetic ---- */

static int compare_magnitudes(const struct cw_decimal *a, const struct cw_decimal *b)
{
    wide x = a->digits, y = b->digits;
    if (a->scale < b->scale && !append_zeros(&x, (unsigned)(b->scale - a->scale)))
        return 1;
    if (b->scale < a->scale && !append_zeros(&y, (unsigned)(a->scale - b->scale)))
        return -1;
    return (x > y) - (x < y);
}

int cw_decimal_compare(const struct cw_decimal *a, const struct cw_decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

bool cw_decimal_add(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                    struct cw_error *err)
{
    unsigned scale = a->scale > b->scale ? a->scale : b->scale;
    wide x = a->digits, y = b->digits, sum;
    /* One of the two may pass LIMIT here and the difference still fit; past 128 bits it cannot. */
    if (!append_zeros(&x, scale - a->scale) || !append_zeros(&y, scale - b->scale))
        return overflow(err, "the sum");
    bool negative = a->negative;
    if (a->negative == b->negative) {
        if (__builtin_add_overflow(x, y, &sum))
            return overflow(err, "the sum");
    } else if (x >= y) {
        sum = x - y;
    } else {
        sum = y - x;
        negative = b->negative;
    }
    if (sum >= LIMIT)
        return overflow(err, "the sum");
    *out = make(sum, scale, negative);
    return true;
}

bool cw_decimal_subtract(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                         struct cw_error *err)
{
    struct cw_decimal minus_b = cw_decimal_negate(*b);
    return cw_decimal_add(a, &minus_b, out, err);
}

bool cw_decimal_multiply(const struct cw_decimal *a, const struct cw_decimal *b, struct cw_decimal *out,
                         struct cw_error *err)
{
    unsigned scale = (unsigned)a->scale + b->scale;
    wide product;
    if (scale > CW_DECIMAL_SCALE_MAX || __builtin_mul_overflow(a->digits, b->digits, &product) ||
        product >= LIMIT)
        return overflow(err, "the product");
    *out = make(product, scale, a->negative != b->negative);
    return true;
}

struct cw_decimal cw_decimal_negate(struct cw_decimal value)
{
    return make(value.digits, value.scale, !value.negative);
}

struct cw_decimal cw_decimal_trim(struct cw_decimal value, unsigned scale)
{
    while (value.scale > scale && value.digits % 10 == 0) {
        value.digits = value.digits > UINT64_MAX ? value.digits / 10 : (uint64_t)value.digits / 10;
        value.scale--;
    }
    while (value.scale < scale && value.scale < CW_DECIMAL_SCALE_MAX && value.digits < LIMIT / 10) {
        value.digits *= 10;
        value.scale++;
    }
    return value;
}

/* ---- division and rounding ---- */

/* Whether a quotient with a remainder goes away from zero; `order` is the remainder compared with half of the
 * divisor. */
static bool goes_up(enum cw_rounding rounding, int order, bool odd, bool negative)
{
    switch (rounding) {
    case CW_ROUND_UP:
        return true;
    case CW_ROUND_DOWN:
        return false;
    case CW_ROUND_CEILING:
        return !negative;
    case CW_ROUND_FLOOR:
        return negative;
    case CW_ROUND_HALF_UP:
        return order >= 0;
    case CW_ROUND_HALF_DOWN:
        return order > 0;
    case CW_ROUND_HALF_EVEN:
        return order > 0 || (order == 0 && odd);
    }
    return false;
}

static bool settle(wide quotient, wide remainder, wide divisor, enum cw_rounding rounding, unsigned scale,
                   bool negative, struct cw_decimal *out, struct cw_error *err)
{
    if (remainder != 0) {
        wide rest = divisor - remainder; /* twice the remainder might not fit */
        int order = (remainder > rest) - (remainder < rest);
        quotient += goes_up(rounding, order, quotient & 1, negative);
    }
    if (quotient >= LIMIT)
        return overflow(err, "the result");
    *out = make(quotient, scale, negative);
    return true;
}

/* sum modulo divisor for a sum below twice the divisor, counting into *quotient. */
static wide fold(wide sum, wide divisor, unsigned *quotient)
{
    if (sum < divisor)
        return sum;
    ++*quotient;
    return sum - divisor;
}

/* The next digit of a long division: ten times the remainder may pass 128 bits, so it is built from sums that
 * cannot (both are below 10^38). */
static unsigned next_digit(wide *remainder, wide divisor)
{
    wide r = *remainder, x;
    unsigned digit = 0;
    x = fold(r + r, divisor, &digit);
    digit *= 2;
    x = fold(x + x, divisor, &digit);
    x = fold(x + r, divisor, &digit);
    digit *= 2;
    *remainder = fold(x + x, divisor, &digit);
    return digit;
}

bool cw_decimal_divide(const struct cw_decimal *a, const struct cw_decimal *b, unsigned scale,
                       enum cw_rounding rounding, struct cw_decimal *out, struct cw_error *err)
{
    if (b->digits == 0)
        return cw_fail(err, CW_INVALID, "division by zero");
    if (scale > CW_DECIMAL_SCALE_MAX)
        return overflow(err, "the quotient");
    bool negative = a->negative != b->negative;
    wide divisor = b->digits;
    int zeros = (int)scale + b->scale - a->scale;               /* to append to a's digits */
    if (zeros < 0 && !append_zeros(&divisor, (unsigned)-zeros)) /* so large that a is less than half of it */
        return settle(0, a->digits, ~(wide)0, rounding, scale, negative, out, err);
    wide quotient = a->digits / divisor;
    wide remainder = a->digits % divisor;
    for (; zeros > 0; zeros--) {
        if (quotient >= LIMIT / 10)
            return overflow(err, "the quotient");
        quotient = quotient * 10 + next_digit(&remainder, divisor);
    }
    return settle(quotient, remainder, divisor, rounding, scale, negative, out, err);
}

bool cw_decimal_round(const struct cw_decimal *value, unsigned scale, enum cw_rounding rounding,
                      struct cw_decimal *out, struct cw_error *err)
{
    wide digits = value->digits;
    if (scale > CW_DECIMAL_SCALE_MAX)
        return overflow(err, "the result");
    if (scale >= value->scale) {
        if (!append_zeros(&digits, scale - value->scale))
            return overflow(err, "the result");
        return settle(digits, 0, 1, rounding, scale, value->negative, out, err);
    }
    wide divisor = power_of_ten[value->scale - scale];
    return settle(digits / divisor, digits % divisor, divisor, rounding, scale, value->negative, out, err);
}

bool cw_rounding_parse(struct cw_slice name, enum cw_rounding *out)
{
    static const char *const names[] = {
        [CW_ROUND_UP] = "up",
        [CW_ROUND_DOWN] = "down",
        [CW_ROUND_CEILING] = "ceiling",
        [CW_ROUND_FLOOR] = "floor",
        [CW_ROUND_HALF_UP] = "half-up",
        [CW_ROUND_HALF_DOWN] = "half-down",
        [CW_ROUND_HALF_EVEN] = "half-even",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (cw_slice_is(name, names[i])) {
            *out = (enum cw_rounding)i;
            return true;
        }
    }
    return false;
}
