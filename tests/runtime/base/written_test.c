/* written_test.c - numbers and times in a shop's own way of writing; what does not fit it is refused, never
 * guessed. */
#include "testing.h"

#include "base/written.h"

static struct cw_error err;

static void assert_number(const char *format, const char *text, const char *expected)
{
    struct cw_decimal value;
    char plain[CW_DECIMAL_TEXT_MAX];
    assert_ok(cw_number_format_check(cw_slice(format), &err), err);
    assert_ok(cw_decimal_parse_as(cw_slice(text), cw_slice(format), &value, &err), err);
    cw_decimal_format(&value, plain);
    assert_string_equal(plain, expected);
}

static void refuse_number(const char *format, const char *text)
{
    struct cw_decimal value;
    assert_false(cw_decimal_parse_as(cw_slice(text), cw_slice(format), &value, &err));
    assert_int_equal(err.code, CW_INVALID);
}

static void numbers_are_read_by_the_marks_of_their_format(void **state)
{
    (void)state;
    assert_number("1.234,56", "1.234.567,89", "1234567.89");
    assert_number("1.234,56", "-1234,5", "-1234.5");
    assert_number("1.234,56", "12", "12");
    assert_number("1,234.56", "+1,234.50", "1234.50");
    assert_number("1'234.56", "1'234.56", "1234.56");
    assert_number("1 234,56",
                  "1\xc2\xa0"
                  "234,56",
                  "1234.56");
    assert_number("1 234,56",
                  "12\xe2\x80\xaf"
                  "345,00",
                  "12345.00");
    assert_number("1234,56", "1234,56", "1234.56");
}

static void a_mark_in_the_wrong_place_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = { "1.5",      "12.50",    "1.2345,00", "1234.567,00", "1,2,3",
                                         "1,234.56", ",5",       "5,",        "1.234.,5",    "",
                                         "-",        "1 234,56", "12e3",      ".234",        "1..234" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refuse_number("1.234,56", texts[i]);
    refuse_number("1234,56", "1.234,56");
}

static void a_number_without_end_overflows(void **state)
{
    (void)state;
    struct cw_decimal value;
    char text[400];
    memset(text, '7', sizeof text);
    assert_false(
        cw_decimal_parse_as((struct cw_slice){ text, sizeof text }, cw_slice("1.234,56"), &value, &err));
    assert_int_equal(err.code, CW_OVERFLOW);
}

static void a_format_of_numbers_is_an_example(void **state)
{
    (void)state;
    static const char *const formats[] = { "",     "1.234.56", "1,234,56", "#.##0,00",
                                           "1234", "1-234,56", "2.345,67" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        assert_false(cw_number_format_check(cw_slice(formats[i]), &err));
        assert_int_equal(err.code, CW_USAGE);
    }
}

static void assert_time(const char *format, const char *text, const char *expected)
{
    cw_time time;
    char iso[CW_TIME_TEXT_MAX];
    struct cw_zone *zone = cw_zone_open("Europe/Berlin", NULL);
    assert_ok(cw_time_format_check(cw_slice(format), &err), err);
    assert_ok(cw_time_parse_as(cw_slice(text), cw_slice(format), zone, &time, &err), err);
    cw_time_iso(time, iso);
    assert_string_equal(iso, expected);
    cw_zone_free(zone);
}

static void times_are_read_by_their_format(void **state)
{
    (void)state;
    assert_time("%d.%m.%Y %H:%M", "31.12.2026 14:05", "2026-12-31T13:05:00Z");
    assert_time("%d.%m.%Y %H:%M", "1.7.2026  9:05", "2026-07-01T07:05:00Z");
    assert_time("%m/%d/%Y %I:%M %p", "12/31/2026 12:05 am", "2026-12-30T23:05:00Z");
    assert_time("%d-%b-%y", "05-Feb-26", "2026-02-04T23:00:00Z");
    assert_time("%Y%m%d%H%M%S", "20260204120000", "2026-02-04T11:00:00Z");
    assert_time("%Y/%m/%d %H:%M:%S.%f%z", "2026/02/04 12:00:00.25+0500", "2026-02-04T07:00:00.250000Z");
    assert_time("%s", "1767182700", "2025-12-31T12:05:00Z");
    assert_time("%Q", "1767182700123", "2025-12-31T12:05:00.123000Z");
    assert_time("/Date(%Q)/", "/Date(1767182700123)/", "2025-12-31T12:05:00.123000Z");
}

static void what_does_not_fit_its_format_is_no_time(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text;
    } cases[] = { { "%d.%m.%Y", "31.02.2026" },
                  { "%d.%m.%Y", "2026-12-31" },
                  { "%d.%m.%Y", "1.2.2026 9:00" },
                  { "%d.%m.%Y %H:%M", "1.2.2026" },
                  { "%I %p %d.%m.%Y", "13 PM 1.2.2026" },
                  { "%s", "31.12.2026" },
                  { "%s", "99999999999999" },
                  { "%s", "" },
                  { "%s", "-" },
                  { "%d.%m.%Y %z", "1.2.2026 +25:00" } };
    cw_time time;
    struct cw_zone *zone = cw_zone_open("UTC", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_false(cw_time_parse_as(cw_slice(cases[i].text), cw_slice(cases[i].format), zone, &time, &err));
    assert_false(cw_time_parse_as(cw_slice("1.2.2026"), cw_slice("%d.%m.%Y"), NULL, &time, &err));
    cw_zone_free(zone);
}

static void a_format_of_times_names_a_day_or_an_instant(void **state)
{
    (void)state;
    static const char *const formats[] = { "", "%H:%M", "%d.%m.", "%d.%m.%Y %q", "%d.%m.%Y %", "dd.mm.yyyy" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        assert_false(cw_time_format_check(cw_slice(formats[i]), &err));
        assert_int_equal(err.code, CW_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_by_the_marks_of_their_format),
        cmocka_unit_test(a_mark_in_the_wrong_place_is_no_number),
        cmocka_unit_test(a_number_without_end_overflows),
        cmocka_unit_test(a_format_of_numbers_is_an_example),
        cmocka_unit_test(times_are_read_by_their_format),
        cmocka_unit_test(what_does_not_fit_its_format_is_no_time),
        cmocka_unit_test(a_format_of_times_names_a_day_or_an_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
