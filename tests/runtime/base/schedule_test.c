/* schedule_test.c - what schedules are due at: their texts, months and years, jitter, and clocks that are
 * set. The nights in which clocks change are in schedule_night_test.c, ten years of them in
 * schedule_model_test.c. */
#include "testing.h"

#include <stdio.h>

#include "base/schedule.h"

static struct cw_error err;
static struct cw_zone *utc; /* of the texts below */

static int open_zone(void **state)
{
    (void)state;
    utc = cw_zone_open("UTC", &err);
    return utc != NULL ? 0 : -1;
}

static int close_zone(void **state)
{
    (void)state;
    cw_zone_free(utc);
    return 0;
}

static cw_time at(const char *text)
{
    cw_time time = 0;
    assert_ok(cw_time_parse(cw_slice(text), utc, &time, &err), err);
    return time;
}

static const char *shown(cw_time time)
{
    static char text[CW_TIME_TEXT_MAX];
    if (time == CW_TIME_NONE)
        return "never";
    cw_time_iso(time, text);
    return text;
}

static struct cw_schedule cron(const char *text)
{
    struct cw_schedule schedule = { 0 };
    if (!cw_schedule_parse_cron(cw_slice(text), &schedule, &err))
        fail_msg("%s: %s", text, err.text);
    return schedule;
}

/* The next due times after `from`, joined by blanks, without their dates where these are that of `from`. */
static const char *times(const struct cw_schedule *schedule, const char *from, int count)
{
    static char text[2048];
    cw_time time = at(from);
    size_t len = 0;
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        time = cw_schedule_next(schedule, time, time, 0);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.16s", i > 0 ? " " : "", shown(time));
    }
    return text;
}

#define assert_cron(text, from, count, expected)                                                             \
    do {                                                                                                     \
        struct cw_schedule schedule_ = cron(text);                                                           \
        assert_string_equal(times(&schedule_, from, count), expected);                                       \
    } while (0)

/* --- texts --- */

static void lengths_of_time_are_a_number_and_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        cw_time time;
    } good[] = { { "90s", 90 * CW_SECOND }, { "5m", 5 * CW_MINUTE },    { "2h", 2 * CW_HOUR },
                 { "1d", CW_DAY },          { "3660d", 3660 * CW_DAY }, { "0s", 0 },
                 { " 7m ", 7 * CW_MINUTE } };
    static const char *const bad[] = { "",   "m",    "5",    "5 m",   "5x",      "-5m",        "5m5s",
                                       "m5", "1.5h", "5min", "3661d", "999999d", "1000000000s" };
    cw_time time;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(cw_schedule_parse_time(cw_slice(good[i].text), &time, &err), err);
        assert_int_equal(time, good[i].time);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (cw_schedule_parse_time(cw_slice(bad[i]), &time, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, CW_INVALID);
        assert_non_null(strstr(err.text, "is no length of time: a whole number and s, m, h or d"));
    }
    assert_false(cw_schedule_parse_time((struct cw_slice){ NULL, 0 }, &time, &err));
}

static bool parse(const char *kind, const char *text)
{
    struct cw_schedule schedule = { 0 };
    struct cw_slice slice = cw_slice(text);
    err = (struct cw_error){ 0 };
    if (kind[0] == 'e')
        return cw_schedule_parse_every(slice, &schedule, &err);
    if (kind[0] == 'd')
        return cw_schedule_parse_daily(slice, &schedule, &err);
    if (kind[0] == 'w')
        return cw_schedule_parse_weekly(slice, &schedule, &err);
    return cw_schedule_parse_cron(slice, &schedule, &err);
}

static void what_is_wrong_is_named_with_what_is_possible(void **state)
{
    (void)state;
    static const char *const bad[][3] = {
        { "every", "0s", "\"0s\" is no interval: from \"1s\" to \"366d\"" },
        { "every", "367d", "\"367d\" is no interval: from \"1s\" to \"366d\"" },
        { "every", "often",
          "\"often\" is no length of time: a whole number and s, m, h or d, such as \"5m\"; up to "
          "\"3660d\"" },
        { "daily", "", "\"\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "3", "\"3\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "03:3", "\"03:3\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "003:30", "\"003:30\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "03:30:00", "\"03:30:00\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "3pm", "\"3pm\" is no time of day: hours and minutes, such as \"03:30\"" },
        { "daily", "24:00", "hour 24 is out of range: 0 to 23" },
        { "daily", "23:60", "minute 60 is out of range: 0 to 59" },
        { "weekly", "03:30", "\"03:30\" is no time of the week: a day and a time, such as \"sun 03:30\"" },
        { "weekly", "sun", "\"sun\" is no time of the week: a day and a time, such as \"sun 03:30\"" },
        { "weekly", "day 03:30", "\"day\" is no day of the week: sun, mon, tue, wed, thu, fri, sat" },
        { "weekly", "sun 25:30", "hour 25 is out of range: 0 to 23" },
        { "cron", "",
          "a cron expression has five fields: minute, hour, day, month, weekday, such as "
          "\"30 3 * * *\"; this one has 0" },
        { "cron", "* * * *",
          "a cron expression has five fields: minute, hour, day, month, weekday, such as "
          "\"30 3 * * *\"; this one has 4" },
        { "cron", "0 * * * * *",
          "a cron expression has five fields: minute, hour, day, month, weekday, such "
          "as \"30 3 * * *\"; this one has 6" },
        { "cron", "75 * * * *", "minute 75 is out of range: 0 to 59" },
        { "cron", "0 24 * * *", "hour 24 is out of range: 0 to 23" },
        { "cron", "0 0 0 * *", "day 0 is out of range: 1 to 31" },
        { "cron", "0 0 32 * *", "day 32 is out of range: 1 to 31" },
        { "cron", "0 0 * 13 *", "month 13 is out of range: 1 to 12, or jan to dec" },
        { "cron", "0 0 * 0 *", "month 0 is out of range: 1 to 12, or jan to dec" },
        { "cron", "0 0 * * 8", "weekday 8 is out of range: 0 to 7 (0 and 7 are Sunday), or sun to sat" },
        { "cron", "0 0 * june *", "month june is no number or name: 1 to 12, or jan to dec" },
        { "cron", "mon * * * *", "minute mon is no number or name: 0 to 59" },
        { "cron", "-5 * * * *", "a value is missing in the field minute: 0 to 59" },
        { "cron", "5- * * * *", "a value is missing in the field minute: 0 to 59" },
        { "cron", "5, * * * *", "a value is missing in the field minute: 0 to 59" },
        { "cron", ",5 * * * *", "a value is missing in the field minute: 0 to 59" },
        { "cron", "30-10 * * * *",
          "minute 30-10 is a range that ends before it begins; possible are: 0 to 59" },
        { "cron", "0 0 * * fri-mon",
          "weekday fri-mon is a range that ends before it begins; possible are: 0 "
          "to 7 (0 and 7 are Sunday), or sun to sat" },
        { "cron", "*/0 * * * *", "step /0 of minute is out of range: /1 to /59" },
        { "cron", "* */99 * * *", "step /99 of hour is out of range: /1 to /23" },
        { "cron", "*/ * * * *", "step / of minute is out of range: /1 to /59" },
        { "cron", "*/2/3 * * * *", "step /2/3 of minute is out of range: /1 to /59" },
        { "cron", "0 0 30 2 *", "\"30\" is a day that none of these months has; this would never be due" },
        { "cron", "0 0 31 4,6,9,11 *",
          "\"31\" is a day that none of these months has; this would never be due" },
        { "cron", "@reboot",
          "\"@reboot\" is unknown; there are @hourly, @daily, @weekly, @monthly, @yearly" },
        { "cron", "* * ? * *", "day ? is no number or name: 1 to 31" },
        { "cron", "** * * * *", "minute ** is no number or name: 0 to 59" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i][0], bad[i][1]))
            fail_msg("%s \"%s\" was taken", bad[i][0], bad[i][1]);
        assert_int_equal(err.code, CW_INVALID);
        assert_string_equal(err.text, bad[i][2]);
    }
}

/* --- times --- */

static void times_of_day_and_week_are_due_each_day_and_week(void **state)
{
    (void)state;
    struct cw_schedule schedule = { 0 };
    assert_ok(cw_schedule_parse_daily(cw_slice("03:30"), &schedule, &err), err);
    assert_string_equal(times(&schedule, "2024-05-01 03:29", 2), "2024-05-01T03:30 2024-05-02T03:30");
    assert_string_equal(times(&schedule, "2024-05-01 03:30", 1), "2024-05-02T03:30");
    assert_ok(cw_schedule_parse_weekly(cw_slice("Sun  2:05"), &schedule, &err), err);
    assert_string_equal(times(&schedule, "2024-05-01 00:00", 2), "2024-05-05T02:05 2024-05-12T02:05");
    assert_ok(cw_schedule_parse_weekly(cw_slice("wed 23:59"), &schedule, &err), err);
    assert_string_equal(times(&schedule, "2024-05-01 23:59", 1), "2024-05-08T23:59");
}

static void cron_fields_are_lists_ranges_steps_and_names(void **state)
{
    (void)state;
    assert_cron("17 4 * * *", "2024-05-01 00:00", 2, "2024-05-01T04:17 2024-05-02T04:17");
    assert_cron("*/20 * * * *", "2024-05-01 00:05", 3, "2024-05-01T00:20 2024-05-01T00:40 2024-05-01T01:00");
    assert_cron("5/25 7 * * *", "2024-05-01 00:00", 4,
                "2024-05-01T07:05 2024-05-01T07:30 2024-05-01T07:55 2024-05-02T07:05");
    assert_cron("10-30/10,59 7 * * *", "2024-05-01 00:00", 5,
                "2024-05-01T07:10 2024-05-01T07:20 2024-05-01T07:30 2024-05-01T07:59 2024-05-02T07:10");
    assert_cron("0 8-10,20 * * *", "2024-05-01 09:00", 3,
                "2024-05-01T10:00 2024-05-01T20:00 2024-05-02T08:00");
    assert_cron("0 0 * Jan,jul *", "2024-01-31 00:00", 2, "2024-07-01T00:00 2024-07-02T00:00");
    assert_cron("0 0 * * mon-FRI", "2024-05-03 00:00", 2, "2024-05-06T00:00 2024-05-07T00:00");
    assert_cron("0 0 * * 7", "2024-05-01 00:00", 1, "2024-05-05T00:00");
    assert_cron("0 0 * * 5-7", "2024-05-03 12:00", 3, "2024-05-04T00:00 2024-05-05T00:00 2024-05-10T00:00");
    assert_cron("@hourly", "2024-05-01 23:10", 2, "2024-05-02T00:00 2024-05-02T01:00");
    assert_cron("@daily", "2024-05-01 23:10", 1, "2024-05-02T00:00");
    assert_cron(" @weekly ", "2024-05-01 23:10", 1, "2024-05-05T00:00");
    assert_cron("@monthly", "2024-05-01 00:00", 1, "2024-06-01T00:00");
    assert_cron("@yearly", "2024-05-01 00:00", 1, "2025-01-01T00:00");
}

static void days_and_weekdays_that_are_both_given_are_alternatives(void **state)
{
    (void)state;
    assert_cron("0 0 13 * fri", "2024-09-01 00:00", 4,
                "2024-09-06T00:00 2024-09-13T00:00 2024-09-20T00:00 2024-09-27T00:00");
    assert_cron("0 0 15 * fri", "2024-09-13 00:00", 2, "2024-09-15T00:00 2024-09-20T00:00");
    assert_cron("0 0 */10 * fri", "2024-01-01 00:00", 2, "2024-03-01T00:00 2024-05-31T00:00");
    assert_cron("0 0 13 * */5", "2024-01-01 00:00", 2, "2024-09-13T00:00 2024-10-13T00:00");
}

static void months_without_the_day_are_left_out(void **state)
{
    (void)state;
    assert_cron("0 5 31 * *", "2024-01-31 05:00", 3, "2024-03-31T05:00 2024-05-31T05:00 2024-07-31T05:00");
    assert_cron("0 5 30 * *", "2024-01-30 05:00", 1, "2024-03-30T05:00");
    assert_cron("0 0 29 2 *", "2024-02-29 00:00", 2, "2028-02-29T00:00 2032-02-29T00:00");
    assert_cron("0 0 29 2 *", "2096-03-01 00:00", 1, "2104-02-29T00:00"); /* 2100 has none */
    assert_cron("0 0 29 * *", "2023-01-29 00:00", 1, "2023-03-29T00:00");
    assert_cron("0 0 29 2 */6", "2024-03-01 00:00", 2, "2032-02-29T00:00 2048-02-29T00:00");
}

static void the_year_ends_in_between(void **state)
{
    (void)state;
    assert_cron("59 23 31 12 *", "2023-12-31 23:58", 2, "2023-12-31T23:59 2024-12-31T23:59");
    assert_cron("*/30 * * * *", "2023-12-31 23:30", 2, "2024-01-01T00:00 2024-01-01T00:30");
    assert_cron("0 0 1 1 *", "2023-12-31 23:59", 1, "2024-01-01T00:00");
    assert_cron("* * * * *", "2023-12-31 23:59:59", 1, "2024-01-01T00:00");
    struct cw_schedule yearly = cron("@yearly");
    assert_string_equal(shown(cw_schedule_next(&yearly, at("9998-06-01"), at("9998-06-01"), 0)),
                        "9999-01-01T00:00:00Z");
    assert_int_equal(cw_schedule_next(&yearly, at("9999-06-01"), at("9999-06-01"), 0), CW_TIME_NONE);
}

static void due_times_are_those_of_the_zone(void **state)
{
    (void)state;
    struct cw_zone *kolkata = cw_zone_open("Asia/Kolkata", &err);
    assert_ok(kolkata != NULL, err);
    struct cw_schedule schedule = cron("30 3 1 * *");
    schedule.zone = kolkata;
    assert_string_equal(times(&schedule, "2024-05-01 00:00", 1), "2024-05-31T22:00");
    cw_zone_free(kolkata);
    struct cw_zone *fixed = cw_zone_open("-09:30", &err);
    schedule.zone = fixed;
    assert_string_equal(times(&schedule, "2024-05-01 00:00", 1), "2024-05-01T13:00");
    cw_zone_free(fixed);
}

/* --- what was served, and what the clock says --- */

static void an_interval_is_due_at_once_and_then_so_long_after_it_was_served(void **state)
{
    (void)state;
    struct cw_schedule schedule = { 0 };
    cw_time now = at("2024-05-01 12:00:07.5");
    assert_ok(cw_schedule_parse_every(cw_slice("5m"), &schedule, &err), err);
    assert_int_equal(cw_schedule_next(&schedule, CW_TIME_NONE, now, 1), now);
    assert_int_equal(cw_schedule_next(&schedule, now, now + CW_MINUTE, 1), now + 5 * CW_MINUTE);
    assert_int_equal(cw_schedule_next(&schedule, now, now + CW_DAY, 1), now + 5 * CW_MINUTE);
}

static void what_was_missed_is_due_once(void **state)
{
    (void)state;
    struct cw_schedule schedule = cron("0 * * * *");
    cw_time served = at("2024-05-01 12:00"), now = at("2024-05-02 15:20");
    assert_string_equal(shown(cw_schedule_next(&schedule, served, now, 0)), "2024-05-01T13:00:00Z");
    assert_string_equal(shown(cw_schedule_next(&schedule, now, now, 0)), "2024-05-02T16:00:00Z");
}

static void one_that_was_never_served_is_due_at_its_next_time(void **state)
{
    (void)state;
    struct cw_schedule schedule = cron("30 3 * * *");
    assert_string_equal(shown(cw_schedule_next(&schedule, CW_TIME_NONE, at("2024-05-01 03:31"), 0)),
                        "2024-05-02T03:30:00Z");
}

/* The clock says `wrong` for a while, and each time a minute later a job that is due begins: how often it ran
 * from noon to the next noon, by the right time. */
static const char *ran_through(const struct cw_schedule *schedule, const char *from, const char *wrong,
                               const char *right)
{
    static char text[512];
    size_t len = 0;
    cw_time clocks[] = { at(from), at(wrong), at(right) }, served = at(from);
    cw_time due = cw_schedule_next(schedule, served, served, 7);
    text[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        for (cw_time now = clocks[i]; now < clocks[i] + 90 * CW_MINUTE; now += CW_MINUTE) {
            if (now == clocks[i] && i > 0) /* told of the step */
                due = cw_schedule_next(schedule, served, now, 7);
            if (due > now)
                continue;
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu:%.5s", len > 0 ? " " : "", i,
                                    shown(now) + 11);
            served = now;
            due = cw_schedule_next(schedule, served, now, 7);
        }
    }
    return text;
}

static void a_clock_that_is_set_neither_doubles_nor_skips_a_time(void **state)
{
    (void)state;
    struct cw_schedule daily = cron("30 12 * * *"), half = cron("*/30 * * * *");
    /* an hour back after it fired: not again */
    assert_string_equal(ran_through(&daily, "2024-05-01 12:00", "2024-05-01 12:10", "2024-05-01 12:50"),
                        "0:12:30");
    /* an hour on before it fired: at once, and not again when it is set right */
    assert_string_equal(ran_through(&daily, "2024-05-01 11:00", "2024-05-01 13:00", "2024-05-01 12:00"),
                        "1:13:00");
    /* a day on: what lies in between once, then again by the right clock */
    assert_string_equal(ran_through(&daily, "2024-05-01 10:00", "2024-05-02 11:00", "2024-05-01 12:10"),
                        "1:11:00 2:12:30");
    /* a day back, and right again */
    assert_string_equal(ran_through(&daily, "2024-05-02 11:30", "2024-05-01 12:00", "2024-05-02 13:30"),
                        "0:12:30 1:12:30 2:13:30");
    /* 1970, as a machine without a battery starts */
    assert_string_equal(ran_through(&half, "1970-01-01 00:10", "1970-01-01 01:40", "2024-05-01 12:10"),
                        "0:00:30 0:01:00 0:01:30 1:02:00 1:02:30 1:03:00 2:12:10 2:12:30 2:13:00 2:13:30");
    /* 2038 */
    assert_string_equal(ran_through(&half, "2024-05-01 12:00", "2038-01-19 03:14", "2024-05-01 15:05"),
                        "0:12:30 0:13:00 1:03:14 1:03:30 1:04:00 1:04:30 2:15:30 2:16:00 2:16:30");
}

static void an_interval_begins_anew_when_the_clock_was_set_back(void **state)
{
    (void)state;
    struct cw_schedule schedule = { .every = 5 * CW_MINUTE };
    cw_time served = at("2024-05-01 12:00"), back = at("2024-05-01 11:00");
    assert_int_equal(cw_schedule_next(&schedule, served, back, 0), back + 5 * CW_MINUTE);
    assert_int_equal(cw_schedule_next(&schedule, served, at("1970-01-01"), 0), 5 * CW_MINUTE);
    assert_int_equal(cw_schedule_next(&schedule, served, at("2038-01-19"), 0), served + 5 * CW_MINUTE);
}

static void no_clock_is_so_wrong_that_something_overflows(void **state)
{
    (void)state;
    static const cw_time clocks[] = { INT64_MIN + 1, INT64_MIN / 2, -1, 0, INT64_MAX / 2, INT64_MAX };
    struct cw_schedule schedules[] = { cron("30 3 * * *"), cron("0 0 29 2 *"), { .every = CW_MINUTE } };
    struct cw_zone *zones[] = { NULL, cw_zone_open("Europe/Berlin", &err), cw_zone_open("+05:45", &err) };
    for (size_t i = 0; i < 54 * 3; i++) {
        struct cw_schedule schedule = schedules[i % 3];
        cw_time served = clocks[i / 3 % 6], now = clocks[i / 18 % 6];
        schedule.zone = zones[i / 54 % 3];
        cw_time due = cw_schedule_next(&schedule, served, now, i);
        schedule.jitter = INT64_MAX;
        cw_time late = cw_schedule_next(&schedule, served, now, i);
        assert_true(due == CW_TIME_NONE || late <= due + CW_DAY);
    }
    cw_zone_free(zones[1]);
    cw_zone_free(zones[2]);
}

/* --- jitter --- */

static void jitter_is_the_same_for_the_same_key_and_time_and_below_its_bound(void **state)
{
    (void)state;
    struct cw_schedule schedule = cron("30 3 * * *");
    schedule.jitter = 10 * CW_MINUTE;
    cw_time day = at("2024-05-01"), sum = 0, least = INT64_MAX, most = 0;
    enum { KEYS = 400 };
    for (uint64_t key = 0; key < KEYS; key++) {
        cw_time due = cw_schedule_next(&schedule, day, day, key), late = due - day - 210 * CW_MINUTE;
        assert_true(late >= 0 && late < 10 * CW_MINUTE);
        assert_int_equal(due, cw_schedule_next(&schedule, day + CW_HOUR, day + 2 * CW_HOUR, key));
        assert_int_equal(due, cw_schedule_next(&schedule, due - 1, due, key));
        assert_true(cw_schedule_next(&schedule, due, due, key) >= day + CW_DAY + 210 * CW_MINUTE);
        sum += late;
        least = late < least ? late : least;
        most = late > most ? late : most;
    }
    assert_true(least < CW_MINUTE && most > 9 * CW_MINUTE);
    assert_true(sum / KEYS > 4 * CW_MINUTE && sum / KEYS < 6 * CW_MINUTE);
    cw_time first = cw_schedule_next(&schedule, day, day, 1);
    cw_time second = cw_schedule_next(&schedule, first, first, 1);
    assert_int_not_equal(second - first, CW_DAY); /* another time, another jitter */
}

static void jitter_that_is_longer_than_the_gap_keeps_the_order(void **state)
{
    (void)state;
    struct cw_schedule schedule = cron("*/10 * * * *");
    schedule.jitter = 2 * CW_HOUR;
    cw_time due = at("2024-05-01");
    for (int i = 0; i < 1000; i++) {
        cw_time slot = at("2024-05-01") + i * 10 * CW_MINUTE;
        if (i == 0)
            due = cw_schedule_next(&schedule, slot - 1, slot, 3);
        assert_true(due >= slot && due < slot + 10 * CW_MINUTE);
        due = cw_schedule_next(&schedule, due, due, 3);
    }
}

static void jitter_of_an_interval_is_added_to_it(void **state)
{
    (void)state;
    struct cw_schedule schedule = { .every = 5 * CW_MINUTE, .jitter = CW_MINUTE };
    cw_time served = at("2024-05-01");
    bool differs = false;
    for (uint64_t key = 0; key < 100; key++) {
        cw_time late = cw_schedule_next(&schedule, served, served, key) - served - 5 * CW_MINUTE;
        assert_true(late >= 0 && late < CW_MINUTE);
        differs = differs || late > CW_SECOND;
    }
    assert_true(differs);
    assert_int_equal(cw_schedule_next(&schedule, CW_TIME_NONE, served, 5), served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_time_are_a_number_and_a_unit),
        cmocka_unit_test(what_is_wrong_is_named_with_what_is_possible),
        cmocka_unit_test(times_of_day_and_week_are_due_each_day_and_week),
        cmocka_unit_test(cron_fields_are_lists_ranges_steps_and_names),
        cmocka_unit_test(days_and_weekdays_that_are_both_given_are_alternatives),
        cmocka_unit_test(months_without_the_day_are_left_out),
        cmocka_unit_test(the_year_ends_in_between),
        cmocka_unit_test(due_times_are_those_of_the_zone),
        cmocka_unit_test(an_interval_is_due_at_once_and_then_so_long_after_it_was_served),
        cmocka_unit_test(what_was_missed_is_due_once),
        cmocka_unit_test(one_that_was_never_served_is_due_at_its_next_time),
        cmocka_unit_test(a_clock_that_is_set_neither_doubles_nor_skips_a_time),
        cmocka_unit_test(an_interval_begins_anew_when_the_clock_was_set_back),
        cmocka_unit_test(no_clock_is_so_wrong_that_something_overflows),
        cmocka_unit_test(jitter_is_the_same_for_the_same_key_and_time_and_below_its_bound),
        cmocka_unit_test(jitter_that_is_longer_than_the_gap_keeps_the_order),
        cmocka_unit_test(jitter_of_an_interval_is_added_to_it),
    };
    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
