/* decimal_model_test.c - decimals against a slow second implementation that knows only digits on paper. */
#include "testing.h"

#include "base/clock.h"
#include "base/decimal.h"

enum { CASES = 100000, PAPER_DIGITS = 200 };

/* A natural number, one decimal digit a byte, the least first. Long enough for every intermediate result. */
struct paper {
    unsigned char digit[PAPER_DIGITS];
};

struct exact { /* what the contract says the result is, before it must fit */
    struct paper digits;
    unsigned scale;
    bool negative;
};

static struct paper paper_of(const struct cw_decimal *value)
{
    struct paper out = { { 0 } };
    unsigned __int128 rest = value->digits;
    for (int i = 0; rest != 0; i++, rest /= 10)
        out.digit[i] = (unsigned char)(rest % 10);
    return out;
}

static int paper_compare(const struct paper *a, const struct paper *b)
{
    for (int i = PAPER_DIGITS - 1; i >= 0; i--)
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    return 0;
}

static struct paper paper_add(const struct paper *a, const struct paper *b)
{
    struct paper out;
    int carry = 0;
    for (int i = 0; i < PAPER_DIGITS; i++) {
        int sum = a->digit[i] + b->digit[i] + carry;
        out.digit[i] = (unsigned char)(sum % 10);
        carry = sum / 10;
    }
    return out;
}

/* a >= b */
static struct paper paper_subtract(const struct paper *a, const struct paper *b)
{
    struct paper out;
    int borrow = 0;
    for (int i = 0; i < PAPER_DIGITS; i++) {
        int rest = a->digit[i] - b->digit[i] - borrow;
        borrow = rest < 0;
        out.digit[i] = (unsigned char)(rest + 10 * borrow);
    }
    return out;
}

static struct paper paper_shift(const struct paper *a, unsigned zeros)
{
    struct paper out = { { 0 } };
    for (unsigned i = zeros; i < PAPER_DIGITS; i++)
        out.digit[i] = a->digit[i - zeros];
    return out;
}

static struct paper paper_multiply(const struct paper *a, const struct paper *b)
{
    struct paper out = { { 0 } };
    for (unsigned i = 0; i < PAPER_DIGITS; i++) {
        struct paper row = paper_shift(a, i);
        for (int times = 0; times < b->digit[i]; times++)
            out = paper_add(&out, &row);
    }
    return out;
}

static struct paper paper_divide(const struct paper *a, const struct paper *b, struct paper *remainder)
{
    struct paper out = { { 0 } };
    *remainder = (struct paper){ { 0 } };
    for (int i = PAPER_DIGITS - 1; i >= 0; i--) {
        *remainder = paper_shift(remainder, 1);
        remainder->digit[0] = a->digit[i];
        while (paper_compare(remainder, b) >= 0) {
            *remainder = paper_subtract(remainder, b);
            out.digit[i]++;
        }
    }
    return out;
}

static bool paper_is_zero(const struct paper *a)
{
    static const struct paper zero;
    return paper_compare(a, &zero) == 0;
}

static bool fits(const struct exact *exact)
{
    for (int i = CW_DECIMAL_DIGITS_MAX; i < PAPER_DIGITS; i++)
        if (exact->digits.digit[i] != 0)
            return false;
    return exact->scale <= CW_DECIMAL_SCALE_MAX;
}

/* The operation must succeed exactly when the model's result fits, and then be it. */
static void assert_agrees(const struct exact *exact, bool ok, const struct cw_decimal *got,
                          const struct cw_error *err)
{
    assert_int_equal(ok, fits(exact));
    if (!ok) {
        assert_int_equal(err->code, CW_OVERFLOW);
        return;
    }
    struct paper digits = paper_of(got);
    assert_int_equal(paper_compare(&digits, &exact->digits), 0);
    assert_int_equal(got->scale, exact->scale);
    assert_int_equal(got->negative, exact->negative && !paper_is_zero(&digits));
}

/* ---- random decimals: every length, and often the ends of ranges ---- */

static struct cw_random chance;

static struct cw_decimal any_decimal(void)
{
    struct cw_decimal out = { .scale = (uint8_t)cw_random_below(&chance, 39) };
    uint64_t count = cw_random_below(&chance, 39), style = cw_random_below(&chance, 6);
    for (uint64_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)cw_random_below(&chance, 10);
        if (style == 0)
            digit = 9;
        if (style == 1)
            digit = i == 0;
        if (style == 2)
            digit = i == 0 ? 5 : 0;
        out.digits = out.digits * 10 + digit;
    }
    if (cw_random_below(&chance, 3) == 0)
        out.scale = (uint8_t)cw_random_below(&chance, 5); /* money */
    out.negative = out.digits != 0 && cw_random_below(&chance, 2) == 0;
    return out;
}

static struct exact model_add(const struct cw_decimal *a, const struct cw_decimal *b)
{
    struct exact out = { .scale = a->scale > b->scale ? a->scale : b->scale, .negative = a->negative };
    struct paper x = paper_of(a), y = paper_of(b);
    x = paper_shift(&x, out.scale - a->scale);
    y = paper_shift(&y, out.scale - b->scale);
    if (a->negative == b->negative) {
        out.digits = paper_add(&x, &y);
    } else if (paper_compare(&x, &y) >= 0) {
        out.digits = paper_subtract(&x, &y);
    } else {
        out.digits = paper_subtract(&y, &x);
        out.negative = b->negative;
    }
    return out;
}

static void sums_agree_with_paper(void **state)
{
    (void)state;
    cw_random_seed(&chance, 1);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal(), got, back;
        struct cw_error err = { 0 };
        struct exact sum = model_add(&a, &b);
        bool ok = cw_decimal_add(&a, &b, &got, &err);
        assert_agrees(&sum, ok, &got, &err);
        if (ok && cw_decimal_subtract(&got, &b, &back, NULL))
            assert_int_equal(cw_decimal_compare(&back, &a), 0);
        struct cw_decimal minus_b = cw_decimal_negate(b);
        struct exact difference = model_add(&a, &minus_b);
        ok = cw_decimal_subtract(&a, &b, &got, &err);
        assert_agrees(&difference, ok, &got, &err);
    }
}

static void adding_and_taking_away_gives_back_the_same(void **state)
{
    (void)state;
    cw_random_seed(&chance, 2);
    int done = 0;
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal(), sum, back;
        if (!cw_decimal_add(&a, &b, &sum, NULL))
            continue;
        assert_true(cw_decimal_subtract(&sum, &b, &back, NULL) || sum.scale > a.scale);
        if (cw_decimal_subtract(&sum, &b, &back, NULL)) {
            assert_int_equal(cw_decimal_compare(&back, &a), 0);
            done++;
        }
    }
    assert_true(done > CASES / 4);
}

static void products_agree_with_paper_and_commute(void **state)
{
    (void)state;
    cw_random_seed(&chance, 3);
    for (int i = 0; i < CASES / 10; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal(), got, other;
        struct cw_error err = { 0 };
        struct paper x = paper_of(&a), y = paper_of(&b);
        struct exact product = { paper_multiply(&x, &y), (unsigned)a.scale + b.scale,
                                 a.negative != b.negative };
        bool ok = cw_decimal_multiply(&a, &b, &got, &err);
        assert_agrees(&product, ok, &got, &err);
        assert_int_equal(cw_decimal_multiply(&b, &a, &other, NULL), ok);
        if (ok)
            assert_int_equal(cw_decimal_compare(&got, &other), 0);
    }
}

static void products_commute(void **state)
{
    (void)state;
    cw_random_seed(&chance, 4);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal(), ab, ba;
        a.scale /= 2;
        b.scale /= 2;
        bool ok = cw_decimal_multiply(&a, &b, &ab, NULL);
        assert_int_equal(cw_decimal_multiply(&b, &a, &ba, NULL), ok);
        if (ok)
            assert_int_equal(cw_decimal_compare(&ab, &ba), 0);
    }
}

/* Says in words what each mode does; `half` is twice the remainder compared with the divisor. */
static bool model_goes_up(enum cw_rounding mode, int half, bool odd, bool negative)
{
    bool toward_sign[] = { true, false, !negative, negative };
    if (mode <= CW_ROUND_FLOOR)
        return toward_sign[mode];
    if (half != 0)
        return half > 0;
    return mode == CW_ROUND_HALF_UP || (mode == CW_ROUND_HALF_EVEN && odd);
}

static struct exact model_divide(const struct cw_decimal *a, const struct cw_decimal *b, unsigned scale,
                                 enum cw_rounding mode)
{
    static const struct paper one = { { 1 } };
    struct exact out = { .scale = scale, .negative = a->negative != b->negative };
    struct paper x = paper_of(a), y = paper_of(b), remainder;
    x = paper_shift(&x, scale + b->scale);
    y = paper_shift(&y, a->scale);
    out.digits = paper_divide(&x, &y, &remainder);
    struct paper twice = paper_add(&remainder, &remainder);
    if (!paper_is_zero(&remainder) &&
        model_goes_up(mode, paper_compare(&twice, &y), out.digits.digit[0] & 1, out.negative))
        out.digits = paper_add(&out.digits, &one);
    return out;
}

static void quotients_agree_with_paper_in_every_mode(void **state)
{
    (void)state;
    cw_random_seed(&chance, 5);
    for (int i = 0; i < CASES / 10; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal(), got;
        struct cw_error err = { 0 };
        unsigned scale = (unsigned)cw_random_below(&chance, 39);
        enum cw_rounding mode = (enum cw_rounding)(i % 7);
        if (cw_decimal_is_zero(&b))
            continue;
        struct exact quotient = model_divide(&a, &b, scale, mode);
        bool ok = cw_decimal_divide(&a, &b, scale, mode, &got, &err);
        assert_agrees(&quotient, ok, &got, &err);
    }
}

static void exact_ties_of_quotients_agree_with_paper(void **state)
{
    (void)state;
    cw_random_seed(&chance, 6);
    for (int i = 0; i < CASES / 20; i++) {
        /* (2n+1)*m / 2m is half way between two integers. */
        uint64_t m = 1 + cw_random_below(&chance, 1000000), n = cw_random_below(&chance, 1000000);
        struct cw_decimal a = { (unsigned __int128)(2 * n + 1) * m, 0, i % 2 == 0 },
                          b = { 2 * m, 0, i % 3 == 0 };
        struct cw_decimal got;
        struct cw_error err = { 0 };
        enum cw_rounding mode = (enum cw_rounding)(i % 7);
        struct exact quotient = model_divide(&a, &b, 0, mode);
        assert_agrees(&quotient, cw_decimal_divide(&a, &b, 0, mode, &got, &err), &got, &err);
    }
}

static void rounding_agrees_with_paper_and_changes_nothing_twice(void **state)
{
    (void)state;
    static const struct cw_decimal one = { 1, 0, false };
    cw_random_seed(&chance, 7);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), got, again;
        struct cw_error err = { 0 };
        unsigned scale = (unsigned)cw_random_below(&chance, 39);
        enum cw_rounding mode = (enum cw_rounding)(i % 7);
        bool ok = cw_decimal_round(&a, scale, mode, &got, &err);
        if (i % 10 == 0) {
            struct exact rounded = model_divide(&a, &one, scale, mode);
            assert_agrees(&rounded, ok, &got, &err);
        }
        if (!ok)
            continue;
        assert_true(cw_decimal_round(&got, scale, mode, &again, NULL));
        assert_true(again.digits == got.digits && again.scale == got.scale && again.negative == got.negative);
    }
}

static void text_gives_back_the_same_decimal(void **state)
{
    (void)state;
    cw_random_seed(&chance, 8);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), back;
        char text[CW_DECIMAL_TEXT_MAX];
        size_t len = cw_decimal_format(&a, text);
        assert_true(len < sizeof text && text[len] == '\0');
        assert_true(cw_decimal_parse((struct cw_slice){ text, len }, &back, NULL));
        assert_true(a.digits == back.digits && a.scale == back.scale && a.negative == back.negative);
    }
}

static void order_agrees_with_the_sign_of_the_difference(void **state)
{
    (void)state;
    cw_random_seed(&chance, 9);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal(), b = any_decimal();
        struct cw_decimal minus_b = cw_decimal_negate(b);
        struct exact difference = model_add(&a, &minus_b);
        int expected = paper_is_zero(&difference.digits) ? 0 : difference.negative ? -1 : 1;
        assert_int_equal(cw_decimal_compare(&a, &b), expected);
        assert_int_equal(cw_decimal_compare(&b, &a), -expected);
    }
}

static void trimming_never_changes_the_value(void **state)
{
    (void)state;
    cw_random_seed(&chance, 10);
    for (int i = 0; i < CASES; i++) {
        struct cw_decimal a = any_decimal();
        unsigned scale = (unsigned)cw_random_below(&chance, 7);
        struct cw_decimal trimmed = cw_decimal_trim(a, scale);
        assert_int_equal(cw_decimal_compare(&a, &trimmed), 0);
        assert_true(trimmed.scale == scale || (trimmed.scale > scale && trimmed.digits % 10 != 0) ||
                    (trimmed.scale < scale &&
                     trimmed.digits >= (unsigned __int128)1000000000000000000u * 10000000000000000000u));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_agree_with_paper),
        cmocka_unit_test(adding_and_taking_away_gives_back_the_same),
        cmocka_unit_test(products_agree_with_paper_and_commute),
        cmocka_unit_test(products_commute),
        cmocka_unit_test(quotients_agree_with_paper_in_every_mode),
        cmocka_unit_test(exact_ties_of_quotients_agree_with_paper),
        cmocka_unit_test(rounding_agrees_with_paper_and_changes_nothing_twice),
        cmocka_unit_test(text_gives_back_the_same_decimal),
        cmocka_unit_test(order_agrees_with_the_sign_of_the_difference),
        cmocka_unit_test(trimming_never_changes_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
