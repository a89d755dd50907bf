/* decimal_test.c - decimals by example: what is read, what is refused, where digits end, how ties fall. */
#include "testing.h"

#include "base/decimal.h"

#define NINES38      "99999999999999999999999999999999999999"
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct cw_decimal decimal(const char *text)
{
    struct cw_decimal value;
    struct cw_error err;
    assert_ok(cw_decimal_parse(cw_slice(text), &value, &err), err);
    return value;
}

static void assert_decimal(struct cw_decimal value, const char *expected)
{
    char text[CW_DECIMAL_TEXT_MAX];
    size_t len = cw_decimal_format(&value, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void what_people_and_shops_write_is_read(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "0", "0" },
        { "1.50", "1.50" },
        { "-12.340", "-12.340" },
        { "+5", "5" },
        { ".5", "0.5" },
        { "-.5", "-0.5" },
        { "5.", "5" },
        { "007.10", "7.10" },
        { "000000000000000000000000000000000000000000000012", "12" },
        { "1.2e3", "1200" },
        { "1.2345e2", "123.45" },
        { "12E-2", "0.12" },
        { "1E+2", "100" },
        { "1e0", "1" },
        { "5.e-1", "0.5" },
        { "0e100", "0" },
        { "0.000e2", "0.0" },
        { "1e37", "10000000000000000000000000000000000000" },
        { "1e-38", "0.00000000000000000000000000000000000001" },
        { "0.00000000000000000000000000000000000000001e3", "0.00000000000000000000000000000000000001" },
        { "820982911946154508", "820982911946154508" },
        { "9007199254740993", "9007199254740993" },
        { "9223372036854775808", "9223372036854775808" },
        { "18446744073709551616", "18446744073709551616" },
        { "123456789012345.67", "123456789012345.67" },
        { "123456789012345678901234567890", "123456789012345678901234567890" },
        { NINES38, NINES38 },
        { "-0." NINES38, "-0." NINES38 },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_decimal(decimal(cases[i][0]), cases[i][1]);
}

static void minus_zero_is_zero_and_keeps_its_scale(void **state)
{
    (void)state;
    assert_decimal(decimal("-0"), "0");
    assert_decimal(decimal("-0.00"), "0.00");
    assert_decimal(cw_decimal_negate(decimal("0.000")), "0.000");
    assert_false(decimal("-0.0").negative);
}

static void what_is_no_number_is_refused_and_quoted(void **state)
{
    (void)state;
    static const char *const cases[] = { "",      "-",          "+",     ".",     "-.",      "e5",
                                         ".e5",   "1e",         "1e+",   "1 ",    " 1",      "1,5",
                                         "1.2.3", "1_0",        "0x10",  "NaN",   "nan",     "inf",
                                         "--1",   "+-1",        "1-",    "1e5.0", "1e5e",    "abc",
                                         "1.2a",  "\xC2\xA0-1", "1'000", "1e--2", "\xD9\xA1" };
    struct cw_decimal value = decimal("7");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cw_error err = { 0 };
        assert_false(cw_decimal_parse(cw_slice(cases[i]), &value, &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_non_null(strstr(err.text, cases[i]));
        assert_false(cw_decimal_parse(cw_slice(cases[i]), &value, NULL));
    }
    assert_decimal(value, "7");
    assert_false(cw_decimal_parse((struct cw_slice){ "1\0"
                                                     "2",
                                                     3 },
                                  &value, NULL));
    assert_false(cw_decimal_parse((struct cw_slice){ NULL, 0 }, &value, NULL));
}

static void numbers_past_the_limits_overflow_and_are_never_cut(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "100000000000000000000000000000000000000", /* 39 digits */
        "340282366920938463463374607431768211456", /* 2^128 */
        "1" NINES38,
        "-" NINES38 "9",
        "1e38",
        "1.5e38",
        "1e-39",
        "10e-39", /* scale 39, although 1e-38 would fit */
        "0.000000000000000000000000000000000000000",
        "0e-39",
        "1e1000000000000000000000000000000",
        "1e-1000000000000000000000000000000",
        "1e9223372036854775808",
        "1e-9223372036854775808",
        "99999999999999999999999999999999999999.5",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cw_decimal value;
        struct cw_error err = { 0 };
        assert_false(cw_decimal_parse(cw_slice(cases[i]), &value, &err));
        assert_int_equal(err.code, CW_OVERFLOW);
    }
}

static void a_long_text_is_quoted_in_part(void **state)
{
    (void)state;
    char text[301];
    struct cw_decimal value;
    struct cw_error err;
    memset(text, 'x', 300);
    text[300] = '\0';
    assert_false(cw_decimal_parse(cw_slice(text), &value, &err));
    assert_true(strlen(err.text) < 160);
}

static void whole_numbers_convert_both_ways(void **state)
{
    (void)state;
    int64_t cases[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993 }, back;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cw_decimal value = cw_decimal_from_int(cases[i]);
        assert_true(cw_decimal_to_int(&value, &back));
        assert_true(back == cases[i]);
    }
    assert_decimal(cw_decimal_from_int(INT64_MIN), "-9223372036854775808");
}

static bool to_int(const char *text, int64_t *out)
{
    struct cw_decimal value = decimal(text);
    return cw_decimal_to_int(&value, out);
}

static void a_fraction_or_too_large_a_number_is_no_integer(void **state)
{
    (void)state;
    int64_t out = 5;
    assert_false(to_int("1.5", &out));
    assert_false(to_int("0.00000000000000000000000000000000000001", &out));
    assert_false(to_int("9223372036854775808", &out));
    assert_false(to_int("-9223372036854775809", &out));
    assert_false(to_int(NINES38, &out));
    assert_int_equal(out, 5);
    assert_true(to_int("-9223372036854775808.00", &out));
    assert_true(out == INT64_MIN);
    assert_true(to_int("1.00", &out));
    assert_int_equal(out, 1);
}

static int compare(const char *a, const char *b)
{
    struct cw_decimal x = decimal(a), y = decimal(b);
    assert_int_equal(cw_decimal_compare(&x, &y), -cw_decimal_compare(&y, &x));
    return cw_decimal_compare(&x, &y);
}

static void comparison_is_by_value_also_where_scales_cannot_meet(void **state)
{
    (void)state;
    assert_int_equal(compare("1.5", "1.50"), 0);
    assert_int_equal(compare("0", "-0.000"), 0);
    assert_int_equal(compare("-1", "1"), -1);
    assert_int_equal(compare("-1", "-2"), 1);
    assert_int_equal(compare("0", "-0.1"), 1);
    assert_int_equal(compare(NINES38, "0." NINES38), 1);
    assert_int_equal(compare("-" NINES38, "-0." NINES38), -1);
    assert_int_equal(compare("1", "1.00000000000000000000000000000000000"), 0);
    assert_int_equal(compare("0", "0.00000000000000000000000000000000000001"), -1);
}

typedef bool operation(const struct cw_decimal *, const struct cw_decimal *, struct cw_decimal *,
                       struct cw_error *);

static void assert_result(operation *run, const char *a, const char *b, const char *expected)
{
    struct cw_decimal x = decimal(a), y = decimal(b), out;
    struct cw_error err;
    assert_ok(run(&x, &y, &out, &err), err);
    assert_decimal(out, expected);
}

static void assert_overflow(operation *run, const char *a, const char *b)
{
    struct cw_decimal x = decimal(a), y = decimal(b), out = decimal("7");
    struct cw_error err = { 0 };
    assert_false(run(&x, &y, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
    assert_decimal(out, "7");
}

static void sums_keep_the_larger_scale(void **state)
{
    (void)state;
    assert_result(cw_decimal_add, "0.1", "0.2", "0.3");
    assert_result(cw_decimal_add, "1.50", "1", "2.50");
    assert_result(cw_decimal_add, "1.5", "-1.50", "0.00");
    assert_result(cw_decimal_add, "-1", "0.25", "-0.75");
    assert_result(cw_decimal_subtract, "1", "1.001", "-0.001");
    assert_result(cw_decimal_subtract, "0", "0.00", "0.00");
    assert_result(cw_decimal_add, NINES38, "0", NINES38);
}

static void a_sum_overflows_exactly_where_its_digits_end(void **state)
{
    (void)state;
    assert_overflow(cw_decimal_add, NINES38, "1");
    assert_overflow(cw_decimal_add, NINES38, NINES38);
    assert_overflow(cw_decimal_subtract, "-" NINES38, "1");
    assert_overflow(cw_decimal_add, NINES38, "0.1");
    assert_overflow(cw_decimal_add, NINES38, "0.0");
    assert_overflow(cw_decimal_add, "1", "0." NINES38);
    assert_overflow(cw_decimal_add, "3.4", "0." NINES38); /* past 128 bits only after widening */
    assert_result(cw_decimal_add, "99999999999999999999999999999999999998", "1", NINES38);
    assert_result(cw_decimal_subtract, "10000000000000000000000000000000000000",
                  "9999999999999999999999999999999999999.9", "0.1");
    assert_result(cw_decimal_subtract, "1", "0." NINES38, "0.00000000000000000000000000000000000001");
    assert_overflow(cw_decimal_subtract, "2", "0.00000000000000000000000000000000000001");
}

static void products_add_their_scales_and_never_lose_a_digit(void **state)
{
    (void)state;
    assert_result(cw_decimal_multiply, "19.99", "100", "1999.00");
    assert_result(cw_decimal_multiply, "-1.5", "1.5", "-2.25");
    assert_result(cw_decimal_multiply, "-3", "0.0", "0.0");
    assert_result(cw_decimal_multiply, "9999999999999999999", "9999999999999999999",
                  "99999999999999999980000000000000000001");
    assert_overflow(cw_decimal_multiply, "10000000000000000000", "10000000000000000000");
    assert_overflow(cw_decimal_multiply, NINES38, NINES38);
    assert_overflow(cw_decimal_multiply, "0.00000000000000000001", "0.0000000000000000001");
}

static void divide(const char *a, const char *b, unsigned scale, enum cw_rounding rounding,
                   const char *expected)
{
    struct cw_decimal x = decimal(a), y = decimal(b), out;
    struct cw_error err;
    assert_ok(cw_decimal_divide(&x, &y, scale, rounding, &out, &err), err);
    assert_decimal(out, expected);
}

static void quotients_have_the_digits_that_were_asked_for(void **state)
{
    (void)state;
    divide("1", "3", 2, CW_ROUND_HALF_UP, "0.33");
    divide("2", "3", 2, CW_ROUND_HALF_UP, "0.67");
    divide("-2", "3", 0, CW_ROUND_DOWN, "0");
    divide("10", "4", 1, CW_ROUND_DOWN, "2.5");
    divide("1", "3", 38, CW_ROUND_DOWN, "0.33333333333333333333333333333333333333");
    divide("0", "7", 3, CW_ROUND_UP, "0.000");
    divide("1", NINES38, 38, CW_ROUND_DOWN, "0.00000000000000000000000000000000000001");
    divide(NINES38, NINES38, 37, CW_ROUND_DOWN, "1.0000000000000000000000000000000000000");
    divide("0." NINES38, "0.3", 37, CW_ROUND_DOWN, "3.3333333333333333333333333333333333333");
}

static void a_tiny_quotient_rounds_by_its_sign(void **state)
{
    (void)state;
    const char *tiny = "0.00000000000000000000000000000000000001";
    divide(tiny, NINES38, 0, CW_ROUND_UP, "1");
    divide(tiny, NINES38, 0, CW_ROUND_DOWN, "0");
    divide(tiny, NINES38, 0, CW_ROUND_HALF_UP, "0");
    divide(tiny, "-" NINES38, 2, CW_ROUND_FLOOR, "-0.01");
    divide(tiny, "-" NINES38, 2, CW_ROUND_CEILING, "0.00");
}

static void division_by_zero_and_quotients_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    struct cw_decimal one = decimal("1"), zero = decimal("0.00"), tiny = decimal("0.001"),
                      big = decimal(NINES38);
    struct cw_decimal out;
    struct cw_error err;
    assert_false(cw_decimal_divide(&one, &zero, 2, CW_ROUND_DOWN, &out, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_false(cw_decimal_divide(&big, &tiny, 0, CW_ROUND_DOWN, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
    assert_false(cw_decimal_divide(&one, &one, 38, CW_ROUND_DOWN, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
    assert_false(cw_decimal_divide(&one, &big, 39, CW_ROUND_DOWN, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
}

static void each_mode_rounds_as_its_name_says(void **state)
{
    (void)state;
    static const char *const values[] = { "5.5",  "2.5",  "1.6",  "1.1",  "1.0",
                                          "-1.0", "-1.1", "-1.6", "-2.5", "-5.5" };
    static const char *const expected[][COUNT(values)] = {
        [CW_ROUND_UP] = { "6", "3", "2", "2", "1", "-1", "-2", "-2", "-3", "-6" },
        [CW_ROUND_DOWN] = { "5", "2", "1", "1", "1", "-1", "-1", "-1", "-2", "-5" },
        [CW_ROUND_CEILING] = { "6", "3", "2", "2", "1", "-1", "-1", "-1", "-2", "-5" },
        [CW_ROUND_FLOOR] = { "5", "2", "1", "1", "1", "-1", "-2", "-2", "-3", "-6" },
        [CW_ROUND_HALF_UP] = { "6", "3", "2", "1", "1", "-1", "-1", "-2", "-3", "-6" },
        [CW_ROUND_HALF_DOWN] = { "5", "2", "2", "1", "1", "-1", "-1", "-2", "-2", "-5" },
        [CW_ROUND_HALF_EVEN] = { "6", "2", "2", "1", "1", "-1", "-1", "-2", "-2", "-6" },
    };
    for (size_t mode = 0; mode < COUNT(expected); mode++) {
        for (size_t i = 0; i < COUNT(values); i++) {
            struct cw_decimal value = decimal(values[i]), out;
            assert_true(cw_decimal_round(&value, 0, (enum cw_rounding)mode, &out, NULL));
            assert_decimal(out, expected[mode][i]);
        }
    }
}

static void rounding_to_more_digits_appends_zeros_where_they_fit(void **state)
{
    (void)state;
    struct cw_decimal value = decimal("5"), big = decimal(NINES38), small = decimal("0." NINES38), out;
    struct cw_error err = { 0 };
    assert_true(cw_decimal_round(&value, 3, CW_ROUND_UP, &out, NULL));
    assert_decimal(out, "5.000");
    assert_false(cw_decimal_round(&big, 1, CW_ROUND_UP, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
    assert_false(cw_decimal_round(&value, 39, CW_ROUND_UP, &out, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
    assert_true(cw_decimal_round(&small, 0, CW_ROUND_UP, &out, NULL));
    assert_decimal(out, "1");
    assert_true(cw_decimal_round(&small, 37, CW_ROUND_HALF_UP, &out, NULL));
    assert_decimal(out, "1.0000000000000000000000000000000000000");
}

static void trimming_keeps_the_value_and_the_least_digits(void **state)
{
    (void)state;
    assert_decimal(cw_decimal_trim(decimal("63.010000"), 2), "63.01");
    assert_decimal(cw_decimal_trim(decimal("9.9999990"), 2), "9.999999");
    assert_decimal(cw_decimal_trim(decimal("5"), 2), "5.00");
    assert_decimal(cw_decimal_trim(decimal("100"), 0), "100");
    assert_decimal(cw_decimal_trim(decimal("-1.500"), 0), "-1.5");
    assert_decimal(cw_decimal_trim(decimal("0.0000"), 2), "0.00");
    assert_decimal(cw_decimal_trim(decimal(NINES38), 2), NINES38);
    assert_decimal(cw_decimal_trim(decimal("1234567890123456789012345.6000000000"), 2),
                   "1234567890123456789012345.60");
    assert_decimal(cw_decimal_trim(decimal("1"), 200), "1.0000000000000000000000000000000000000");
}

static void roundings_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "up", "down", "ceiling", "floor", "half-up", "half-down", "half-even"
    };
    enum cw_rounding rounding = CW_ROUND_UP;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(cw_rounding_parse(cw_slice(names[i]), &rounding));
        assert_int_equal(rounding, i);
    }
    assert_false(cw_rounding_parse(cw_slice("bankers"), &rounding));
    assert_false(cw_rounding_parse(cw_slice(""), &rounding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_and_shops_write_is_read),
        cmocka_unit_test(minus_zero_is_zero_and_keeps_its_scale),
        cmocka_unit_test(what_is_no_number_is_refused_and_quoted),
        cmocka_unit_test(numbers_past_the_limits_overflow_and_are_never_cut),
        cmocka_unit_test(a_long_text_is_quoted_in_part),
        cmocka_unit_test(whole_numbers_convert_both_ways),
        cmocka_unit_test(a_fraction_or_too_large_a_number_is_no_integer),
        cmocka_unit_test(comparison_is_by_value_also_where_scales_cannot_meet),
        cmocka_unit_test(sums_keep_the_larger_scale),
        cmocka_unit_test(a_sum_overflows_exactly_where_its_digits_end),
        cmocka_unit_test(products_add_their_scales_and_never_lose_a_digit),
        cmocka_unit_test(quotients_have_the_digits_that_were_asked_for),
        cmocka_unit_test(a_tiny_quotient_rounds_by_its_sign),
        cmocka_unit_test(division_by_zero_and_quotients_that_do_not_fit_are_errors),
        cmocka_unit_test(each_mode_rounds_as_its_name_says),
        cmocka_unit_test(rounding_to_more_digits_appends_zeros_where_they_fit),
        cmocka_unit_test(trimming_keeps_the_value_and_the_least_digits),
        cmocka_unit_test(roundings_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
