/* time_test.c - stamps as shops write them, and the calendar. */
#include "testing.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/time.h"

static struct cw_zone *paris;

static int open_paris(void **state)
{
    (void)state;
    paris = cw_zone_open("Europe/Paris", NULL);
    return paris == NULL;
}

static int close_paris(void **state)
{
    (void)state;
    cw_zone_free(paris);
    return 0;
}

static void assert_reads(const char *text, const struct cw_zone *zone, const char *expected)
{
    cw_time time;
    struct cw_error err;
    char iso[CW_TIME_TEXT_MAX];
    assert_ok(cw_time_parse(cw_slice(text), zone, &time, &err), err);
    size_t len = cw_time_iso(time, iso);
    assert_string_equal(iso, expected);
    assert_int_equal(len, strlen(iso));
}

static void stamps_of_shops_are_read_in_their_zone(void **state)
{
    (void)state;
    assert_reads("2024-03-30 14:30:05", paris, "2024-03-30T13:30:05Z");
    assert_reads("2024-07-01T00:00:00", paris, "2024-06-30T22:00:00Z");
    assert_reads("2024-07-01t08:15", paris, "2024-07-01T06:15:00Z");
    assert_reads("2024-02-29", paris, "2024-02-28T23:00:00Z");
    assert_reads("  2024-02-29\r\n", paris, "2024-02-28T23:00:00Z");
    assert_reads("2024-03-31 02:30:00", paris, "2024-03-31T01:30:00Z");
    assert_reads("2024-10-27 02:30:00", paris, "2024-10-27T00:30:00Z");
    assert_reads("1999-12-31 23:59:59", paris, "1999-12-31T22:59:59Z");
    assert_reads("2023-12-31 23:59:59.999999", paris, "2023-12-31T22:59:59.999999Z");
}

static void an_offset_in_the_text_wins(void **state)
{
    (void)state;
    static const char *const same[] = { "2024-03-31T02:30:00Z",      "2024-03-31T02:30:00z",
                                        "2024-03-31 04:30:00+02:00", "2024-03-31 04:30:00 +0200",
                                        "2024-03-31T04:30+02",       "2024-03-30T21:00:00-05:30",
                                        "2024-03-31T02:30:00.000Z",  "2024-03-31T02:30:00-00:00" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_reads(same[i], paris, "2024-03-31T02:30:00Z");
        assert_reads(same[i], NULL, "2024-03-31T02:30:00Z");
    }
}

static void fractions_keep_six_digits_and_are_never_rounded(void **state)
{
    (void)state;
    assert_reads("2024-03-31T02:30:00.5Z", NULL, "2024-03-31T02:30:00.500000Z");
    assert_reads("2024-03-31T02:30:00,123456789Z", NULL, "2024-03-31T02:30:00.123456Z");
    assert_reads("2024-03-31T02:30:59.9999999999999999999Z", NULL, "2024-03-31T02:30:59.999999Z");
    assert_reads("2024-03-31T02:30:00.000001Z", NULL, "2024-03-31T02:30:00.000001Z");
    assert_reads("1969-12-31T23:59:59.999999Z", NULL, "1969-12-31T23:59:59.999999Z");
}

static void dates_of_mails_are_read(void **state)
{
    (void)state;
    assert_reads("Sun, 31 Mar 2024 02:30:00 +0200", NULL, "2024-03-31T00:30:00Z");
    assert_reads("Sun, 31 Mar 2024 02:30:00 +0200 (CEST)", NULL, "2024-03-31T00:30:00Z");
    assert_reads("Sun,  31  Mar  2024  02:30 -0530", NULL, "2024-03-31T08:00:00Z");
    assert_reads("1 Jan 2024 00:00:00 GMT", NULL, "2024-01-01T00:00:00Z");
    assert_reads("Sun, 06 Nov 1994 08:49:37 GMT", paris, "1994-11-06T08:49:37Z");
    assert_reads("06 Nov 94 08:49:37 EST", NULL, "1994-11-06T13:49:37Z");
    assert_reads("06 Nov 24 08:49:37 PDT", NULL, "2024-11-06T15:49:37Z");
    assert_reads("Fri, 5 Jan 2024 10:00:00", paris, "2024-01-05T09:00:00Z");
}

static void the_end_of_a_day_and_a_leap_second_are_the_next_day(void **state)
{
    (void)state;
    assert_reads("2024-12-31T24:00:00Z", NULL, "2025-01-01T00:00:00Z");
    assert_reads("2016-12-31T23:59:60Z", NULL, "2017-01-01T00:00:00Z");
}

static void years_one_and_9999_are_the_last(void **state)
{
    (void)state;
    assert_reads("0001-01-01T00:00:00Z", NULL, "0001-01-01T00:00:00Z");
    assert_reads("9999-12-31T23:59:59.999999Z", NULL, "9999-12-31T23:59:59.999999Z");
    assert_reads("0001-01-01 00:10:00", paris, "0001-01-01T00:00:39Z"); /* local mean time: 9 min 21 s */
    static const char *const outside[] = { "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
                                           "9999-12-31T24:00:00Z", "0000-12-31T23:00:00-05:00" };
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        cw_time time;
        struct cw_error err;
        assert_false(cw_time_parse(cw_slice(outside[i]), NULL, &time, &err));
        assert_int_equal(err.code, CW_INVALID);
    }
}

static void what_is_no_time_is_refused_and_quoted(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "now",
        "2024",
        "2024-03",
        "2024-3-1",
        "24-03-01",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "2024-01-32",
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-01-01 24:00:01",
        "2024-01-01 25:00:00",
        "2024-01-01 10:60:00",
        "2024-01-01 10:00:61",
        "2024-01-01 10:00:60",
        "2024-01-01 10",
        "2024-01-01 10:",
        "2024-01-01 10:00:",
        "2024-01-01 10:00:00.",
        "2024-01-01 10:00:00.x",
        "2024-01-01 10:00:00 ",
        "2024-01-01T",
        "2024-01-01  10:00:00",
        "2024-01-01T10:00:00+",
        "2024-01-01T10:00:00+2",
        "2024-01-01T10:00:00+24:00",
        "2024-01-01T10:00:00+02:60",
        "2024-01-01T10:00:00+02:",
        "2024-01-01T10:00:00+02:00x",
        "2024-01-01T10:00:00ZZ",
        "2024-01-01T10:00:00 CET",
        "2024-01-01x10:00:00",
        "-2024-01-01",
        "31/03/2024",
        "03/31/2024 10:00",
        "Sun 31 Mar 2024 02:30:00 +0200",
        "Sun, 31 mar 2024 02:30:00 +0200",
        "Sun, 31 Mar 2024",
        "Sun, 31 Mar 2024 02:30:00 CET",
        "Sun, 31 Mar 2024 02:30:00 A",
        "Sun, 31 Mar 2024 02:30:00 +0200 CEST",
        "Sun, 31 Mar 2024 02:30:00 +0200 (CEST",
        "Sun, 31 Mar 2024 02:30:00 +0200 (a) (b)",
        "Sun, 31 Mar 202 02:30:00 +0200",
        "Sun, 30 Feb 2024 02:30:00 +0200",
        "Sun, 0 Feb 2024 02:30:00 +0200",
        "\xC3\xA9t\xC3\xA9",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cw_time time = 42;
        struct cw_error err = { 0 };
        bool read = cw_time_parse(cw_slice(cases[i]), paris, &time, &err);
        if (strcmp(cases[i], "2024-01-01 10:00:00 ") == 0) { /* blanks around a stamp are nobody's fault */
            assert_true(read);
            continue;
        }
        if (read)
            fail_msg("\"%s\" was read", cases[i]);
        assert_int_equal(err.code, CW_INVALID);
        assert_non_null(strstr(err.text, cases[i]));
        assert_true(time == 42);
    }
    assert_false(cw_time_parse((struct cw_slice){ "2024-01-01\0", 11 }, paris, &(cw_time){ 0 }, NULL));
    assert_false(cw_time_parse((struct cw_slice){ NULL, 0 }, paris, &(cw_time){ 0 }, NULL));
}

static void mysqls_empty_date_has_a_message_of_its_own(void **state)
{
    (void)state;
    cw_time time;
    struct cw_error err;
    assert_false(cw_time_parse(cw_slice("0000-00-00 00:00:00"), paris, &time, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_non_null(strstr(err.text, "no date"));
    assert_false(cw_time_parse(cw_slice("0000-00-00"), paris, &time, &err));
    assert_non_null(strstr(err.text, "no date"));
}

static void a_time_without_zone_or_offset_is_refused(void **state)
{
    (void)state;
    cw_time time;
    struct cw_error err;
    assert_false(cw_time_parse(cw_slice("2024-03-31 02:30:00"), NULL, &time, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_non_null(strstr(err.text, "zone"));
}

static void assert_formats(const char *iso, const struct cw_zone *zone, const char *format,
                           const char *expected)
{
    cw_time time;
    char out[128];
    struct cw_error err = { 0 };
    assert_true(cw_time_parse(cw_slice(iso), NULL, &time, NULL));
    size_t len = cw_time_format(time, zone, format, out, sizeof out, &err);
    assert_ok(err.code == CW_OK, err);
    assert_string_equal(out, expected);
    assert_int_equal(len, strlen(expected));
}

static void times_are_written_in_any_zone(void **state)
{
    (void)state;
    struct cw_zone *fixed = cw_zone_open("-03:30", NULL);
    const char *summer = "2024-07-05T22:04:09.000120Z", *winter = "2024-01-05T22:04:09Z";
    assert_formats(summer, NULL, "%Y-%m-%d %H:%M:%S.%f", "2024-07-05 22:04:09.000120");
    assert_formats(summer, paris, "%Y-%m-%d %H:%M:%S %z %Z", "2024-07-06 00:04:09 +0200 CEST");
    assert_formats(winter, paris, "%H:%M %z %Z", "23:04 +0100 CET");
    assert_formats(winter, fixed, "%H:%M %z %Z", "18:34 -0330 -03:30");
    assert_formats(winter, NULL, "%a, %d %b %Y %H:%M:%S %z %Z", "Fri, 05 Jan 2024 22:04:09 +0000 UTC");
    assert_formats(winter, NULL, "%j %s %%", "005 1704492249 %");
    assert_formats("2024-12-31T12:00:00Z", NULL, "%j", "366");
    assert_formats("1969-12-31T23:59:59.5Z", NULL, "%s.%f %a", "-1.500000 Wed");
    assert_formats("0001-01-01T00:00:00Z", NULL, "%Y %a %j", "0001 Mon 001");
    assert_formats("0001-01-01T00:00:00Z", fixed, "%Y-%m-%d %a", "0000-12-31 Sun");
    assert_formats("9999-12-31T23:59:59Z", paris, "%Y-%m-%d %H:%M", "10000-01-01 00:59");
    assert_formats(winter, NULL, "", "");
    cw_zone_free(fixed);
}

static void an_unknown_conversion_is_named(void **state)
{
    (void)state;
    static const char *const formats[] = { "%y", "%", "%Y %", "%e", "%\xC3\xA9", "%-", "%E" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char out[64] = "untouched";
        struct cw_error err = { 0 };
        assert_int_equal(cw_time_format(0, NULL, formats[i], out, sizeof out, &err), 0);
        assert_int_equal(err.code, CW_USAGE);
        assert_non_null(strstr(err.text, strrchr(formats[i], '%')));
        assert_string_equal(out, "");
    }
}

static void a_time_that_does_not_fit_is_an_error_and_writes_nothing_outside(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 20; cap++) {
        char out[32];
        struct cw_error err = { 0 };
        memset(out, 'x', sizeof out);
        size_t len = cw_time_format(0, NULL, "%Y-%m-%dT%H:%M:%S", out, cap, &err);
        assert_int_equal(len, cap == 20 ? 19 : 0);
        assert_int_equal(err.code, CW_LIMIT);
        assert_int_equal(out[cap], 'x');
    }
    char out[20];
    assert_int_equal(cw_time_format(0, NULL, "%Y-%m-%dT%H:%M:%S", out, sizeof out, NULL), 19);
}

static void no_time_is_never_written_as_one(void **state)
{
    (void)state;
    char out[CW_TIME_TEXT_MAX] = "x";
    struct cw_error err = { 0 };
    assert_int_equal(cw_time_iso(CW_TIME_NONE, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(cw_time_format(CW_TIME_NONE, paris, "%Y", out, sizeof out, &err), 0);
    assert_int_equal(err.code, CW_INVALID);
    assert_int_equal(cw_time_format(INT64_MAX, paris, "%Y", out, sizeof out, &err), 0);
    assert_int_equal(cw_time_iso(INT64_MAX, out), 0);
}

static void the_calendar_agrees_with_the_c_library_on_every_day(void **state)
{
    (void)state;
    char expected[80], text[CW_TIME_TEXT_MAX]; /* room for any int: the compiler does not know the calendar */
    for (int64_t day = -719162; day <= 2932896; day += 13) { /* 13 meets every day of a month and of a week */
        time_t seconds = (time_t)(day * 86400 + (day + 719162) % 86400);
        struct tm tm;
        cw_time back;
        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        size_t len = cw_time_iso(seconds * CW_SECOND, text);
        assert_string_equal(text, expected);
        assert_true(cw_time_parse((struct cw_slice){ text, len }, NULL, &back, NULL));
        assert_true(back == seconds * CW_SECOND);
        cw_time_format(seconds * CW_SECOND, NULL, "%a %j", text, sizeof text, NULL);
        strftime(expected, sizeof expected, "%a %j", &tm);
        assert_string_equal(text, expected);
    }
}

static void any_instant_survives_its_iso_text(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 3);
    for (int i = 0; i < 100000; i++) {
        cw_time time = (cw_time)cw_random_below(&chance, 315537897600000000u) - 62135596800000000, back;
        char text[CW_TIME_TEXT_MAX];
        size_t len = cw_time_iso(time, text);
        assert_true(cw_time_parse((struct cw_slice){ text, len }, paris, &back, NULL));
        assert_true(back == time);
    }
}

static void any_local_stamp_shows_itself_again_unless_no_clock_showed_it(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 4);
    int differing = 0;
    for (int i = 0; i < 100000; i++) {
        char text[80], again[32];
        cw_time time;
        snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", 1990 + (int)cw_random_below(&chance, 47),
                 1 + (int)cw_random_below(&chance, 12), 1 + (int)cw_random_below(&chance, 28),
                 (int)cw_random_below(&chance, 24), (int)cw_random_below(&chance, 60),
                 (int)cw_random_below(&chance, 60));
        assert_true(cw_time_parse(cw_slice(text), paris, &time, NULL));
        assert_true(cw_time_format(time, paris, "%Y-%m-%d %H:%M:%S", again, sizeof again, NULL) > 0);
        differing += strcmp(text, again) != 0;
    }
    assert_true(differing < 40); /* one hour in a year, when it falls on a day up to the 28th */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_of_shops_are_read_in_their_zone),
        cmocka_unit_test(an_offset_in_the_text_wins),
        cmocka_unit_test(fractions_keep_six_digits_and_are_never_rounded),
        cmocka_unit_test(dates_of_mails_are_read),
        cmocka_unit_test(the_end_of_a_day_and_a_leap_second_are_the_next_day),
        cmocka_unit_test(years_one_and_9999_are_the_last),
        cmocka_unit_test(what_is_no_time_is_refused_and_quoted),
        cmocka_unit_test(mysqls_empty_date_has_a_message_of_its_own),
        cmocka_unit_test(a_time_without_zone_or_offset_is_refused),
        cmocka_unit_test(times_are_written_in_any_zone),
        cmocka_unit_test(an_unknown_conversion_is_named),
        cmocka_unit_test(a_time_that_does_not_fit_is_an_error_and_writes_nothing_outside),
        cmocka_unit_test(no_time_is_never_written_as_one),
        cmocka_unit_test(the_calendar_agrees_with_the_c_library_on_every_day),
        cmocka_unit_test(any_instant_survives_its_iso_text),
        cmocka_unit_test(any_local_stamp_shows_itself_again_unless_no_clock_showed_it),
    };
    return cmocka_run_group_tests(tests, open_paris, close_paris);
}
