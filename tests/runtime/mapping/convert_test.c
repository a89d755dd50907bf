/* convert_test.c - from text to typed values: digits survive, anything doubtful is refused. */
#include "testing.h"

#include "mapping/convert.h"

static struct cw_value value;

static enum cw_conversion convert(enum cw_type type, const char *text)
{
    return cw_convert(type, cw_slice(text), NULL, &value);
}

static void assert_decimal(const char *text, const char *expected)
{
    char plain[CW_DECIMAL_TEXT_MAX];
    assert_int_equal(convert(CW_DECIMAL, text), CW_CONVERTED);
    assert_true(value.is_set);
    cw_decimal_format(&value.decimal, plain);
    assert_string_equal(plain, expected);
}

static void decimals_keep_every_digit(void **state)
{
    (void)state;
    assert_decimal("63.010000", "63.010000");
    assert_decimal("  9007199254740993 ", "9007199254740993");
    assert_decimal("123456789012345678901234567890", "123456789012345678901234567890");
    assert_decimal("1.2e3", "1200");
    assert_decimal("-0", "0");
}

static void what_is_no_number_is_invalid(void **state)
{
    (void)state;
    static const char *const texts[] = { "two pieces", "12,50", "1 000", "0x10", "NaN", "1.2.3", "-", "" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(convert(CW_MONEY, texts[i]), CW_CONVERT_INVALID);
        assert_false(value.is_set);
    }
}

static void numbers_beyond_38_digits_overflow(void **state)
{
    (void)state;
    assert_int_equal(convert(CW_DECIMAL, "123456789012345678901234567890123456789"), CW_CONVERT_OVERFLOW);
    assert_false(value.is_set);
}

static void assert_integer(const char *text, int64_t expected)
{
    assert_int_equal(convert(CW_INTEGER, text), CW_CONVERTED);
    assert_true(value.integer == expected);
}

static void integers_reach_to_the_last_of_64_bits(void **state)
{
    (void)state;
    assert_integer("9223372036854775807", INT64_MAX);
    assert_integer("-9223372036854775808", INT64_MIN);
    assert_integer("9007199254740993", 9007199254740993);
    assert_integer("007", 7);
    assert_integer("3.00", 3);
    assert_integer("12e2", 1200);
    assert_int_equal(convert(CW_INTEGER, "9223372036854775808"), CW_CONVERT_OVERFLOW);
    assert_int_equal(convert(CW_INTEGER, "3.5"), CW_CONVERT_INVALID);
    assert_int_equal(convert(CW_INTEGER, "99999999999999999999999.5"), CW_CONVERT_INVALID);
    assert_int_equal(convert(CW_INTEGER, "many"), CW_CONVERT_INVALID);
}

static void booleans_have_four_spellings_in_any_case(void **state)
{
    (void)state;
    static const char *const yes[] = { "1", "true", "TRUE", "yes", "On" };
    static const char *const no[] = { "0", "false", "No", "off", " OFF " };
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(convert(CW_BOOLEAN, yes[i]), CW_CONVERTED);
        assert_true(value.boolean);
        assert_int_equal(convert(CW_BOOLEAN, no[i]), CW_CONVERTED);
        assert_false(value.boolean);
    }
    assert_int_equal(convert(CW_BOOLEAN, "2"), CW_CONVERT_INVALID);
    assert_int_equal(convert(CW_BOOLEAN, "maybe"), CW_CONVERT_INVALID);
}

static void a_local_time_needs_a_zone(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_zone *zone = cw_zone_open("Europe/Paris", &err);
    assert_non_null(zone);
    assert_int_equal(convert(CW_TIME, "2024-03-28 11:02:57"), CW_CONVERT_INVALID);
    assert_int_equal(cw_convert(CW_TIME, cw_slice("2024-03-28 11:02:57"), zone, &value), CW_CONVERTED);
    assert_true(value.time == 1711620177 * CW_SECOND);
    assert_int_equal(convert(CW_TIME, "2024-03-28T10:02:57Z"), CW_CONVERTED);
    assert_true(value.time == 1711620177 * CW_SECOND);
    assert_int_equal(cw_convert(CW_TIME, cw_slice("0000-00-00 00:00:00"), zone, &value), CW_CONVERT_INVALID);
    cw_zone_free(zone);
}

static void text_is_left_as_it_is(void **state)
{
    (void)state;
    static const char *const ids[] = { "9007199254740993",
                                       "9223372036854775808",
                                       "123456789012345678901234567890",
                                       "00042",
                                       "1e5",
                                       "-0",
                                       " x " };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(convert(CW_TEXT, ids[i]), CW_CONVERTED);
        assert_slice(value.text, ids[i]);
    }
}

static void every_fault_has_words(void **state)
{
    (void)state;
    assert_string_equal(cw_convert_why(CW_DECIMAL, CW_CONVERT_INVALID, NULL), "is no decimal number");
    assert_string_equal(cw_convert_why(CW_INTEGER, CW_CONVERT_OVERFLOW, NULL),
                        "is outside the whole numbers of 64 bits");
    assert_non_null(strstr(cw_convert_why(CW_TIME, CW_CONVERT_INVALID, NULL), "set its zone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_keep_every_digit),
        cmocka_unit_test(what_is_no_number_is_invalid),
        cmocka_unit_test(numbers_beyond_38_digits_overflow),
        cmocka_unit_test(integers_reach_to_the_last_of_64_bits),
        cmocka_unit_test(booleans_have_four_spellings_in_any_case),
        cmocka_unit_test(a_local_time_needs_a_zone),
        cmocka_unit_test(text_is_left_as_it_is),
        cmocka_unit_test(every_fault_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
