/* quantity_test.c - which decimals are quantities, and how they are written back. */
#include "shelf.h"

static bool read(const char *text, cw_quantity *quantity, struct cw_error *err)
{
    struct cw_decimal decimal;
    assert_ok(cw_decimal_parse(cw_slice(text), &decimal, err), *err);
    return cw_quantity_from(&decimal, quantity, err);
}

static void quantities_are_millionths(void **state)
{
    (void)state;
    assert_int_equal(q("0"), 0);
    assert_int_equal(q("12"), 12000000);
    assert_int_equal(q("-0.5"), -500000);
    assert_int_equal(q("0.000001"), 1);
    assert_int_equal(q("1.50000000000000000000"), 1500000);
    assert_true(q("1000000000") == CW_QUANTITY_MAX);
    assert_true(q("-1000000000.000000") == -CW_QUANTITY_MAX);
}

static void what_is_too_fine_is_refused_not_rounded(void **state)
{
    struct cw_error err;
    cw_quantity quantity = 77;
    (void)state;
    assert_false(read("0.0000001", &quantity, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_non_null(strstr(err.text, "0.0000001"));
    assert_non_null(strstr(err.text, "more than six digits after the point"));
    assert_false(read("2.50000000000000000000000000001", &quantity, &err));
    assert_int_equal(quantity, 77);
}

static void what_nobody_can_have_meant_is_refused(void **state)
{
    static const char *const absurd[] = { "1000000000.000001", "-1000000001", "9223372036854775808",
                                          "99999999999999999999999999999999999999",
                                          "340282366920938463463374607431.768211" };
    struct cw_error err;
    cw_quantity quantity = 77;
    (void)state;
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        assert_false(read(absurd[i], &quantity, &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_non_null(strstr(err.text, "absurd: more than 10^9"));
    }
    assert_int_equal(quantity, 77);
}

static void quantities_are_written_as_short_as_can_be(void **state)
{
    (void)state;
    assert_quantity(12000000, "12");
    assert_quantity(500000, "0.5");
    assert_quantity(-1, "-0.000001");
    assert_quantity(0, "0");
    assert_quantity(INT64_MAX, "9223372036854.775807");
    assert_quantity(INT64_MIN, "-9223372036854.775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_millionths),
        cmocka_unit_test(what_is_too_fine_is_refused_not_rounded),
        cmocka_unit_test(what_nobody_can_have_meant_is_refused),
        cmocka_unit_test(quantities_are_written_as_short_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
