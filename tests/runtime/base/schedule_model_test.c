/* schedule_model_test.c - ten years of due times against a walk over every minute of them. */
#include "testing.h"

#include <stdlib.h>
#include <time.h>

#include "base/schedule.h"

enum { MINUTE_S = 60, DAY_S = 86400 };

/* 2020-01-01 to 2030-01-01; the calendar is that of the C library. */
#define FROM_S 1577836800
#define TO_S   1893456000

struct model {
    unsigned char *due; /* a bit for each minute from FROM_S */
    size_t count;
};

/* A plain reading of the five fields, once more. */
static bool allows(const struct cw_schedule *schedule, int64_t local)
{
    struct tm tm;
    time_t t = (time_t)local;
    gmtime_r(&t, &tm);
    bool day = schedule->days >> tm.tm_mday & 1, weekday = schedule->weekdays >> tm.tm_wday & 1;
    return (schedule->minutes >> tm.tm_min & 1) && (schedule->hours >> tm.tm_hour & 1) &&
           (schedule->months >> (tm.tm_mon + 1) & 1) &&
           (schedule->days_or_weekdays ? day || weekday : day && weekday);
}

static void mark(struct model *model, int64_t utc)
{
    int64_t minute = (utc - FROM_S) / MINUTE_S;
    if (utc < FROM_S || utc >= TO_S || (model->due[minute / 8] & 1 << minute % 8))
        return;
    model->due[minute / 8] |= (unsigned char)(1 << minute % 8);
    model->count++;
}

/* Every local time that the schedule allows is due at its first instant, or at that at which the clock would
 * have shown it; with any hour, at every instant at which the clock shows it. */
static struct model walk(const struct cw_schedule *schedule)
{
    struct model model = { calloc((TO_S - FROM_S) / MINUTE_S / 8 + 1, 1), 0 };
    assert_non_null(model.due);
    for (int64_t at = FROM_S - DAY_S; at < TO_S + DAY_S; at += MINUTE_S) {
        if (allows(schedule, at))
            mark(&model, cw_zone_to_utc(schedule->zone, at));
        if (schedule->any_hour && allows(schedule, at + cw_zone_offset(schedule->zone, at)))
            mark(&model, at);
    }
    return model;
}

static void compare(const char *zone_name, const char *text)
{
    struct cw_error err;
    struct cw_schedule schedule = { .zone = cw_zone_open(zone_name, &err) };
    assert_ok(schedule.zone != NULL && cw_schedule_parse_cron(cw_slice(text), &schedule, &err), err);
    struct model model = walk(&schedule);
    size_t count = 0;
    cw_time time = FROM_S * CW_SECOND - 1;
    while ((time = cw_schedule_next(&schedule, time, time, 0)) < TO_S * CW_SECOND) {
        int64_t minute = (time / CW_SECOND - FROM_S) / MINUTE_S;
        char shown[CW_TIME_TEXT_MAX];
        cw_time_iso(time, shown);
        if (time % CW_MINUTE != 0 || !(model.due[minute / 8] & 1 << minute % 8))
            fail_msg("%s in %s: not due at %s", text, zone_name, shown);
        count++;
    }
    if (count != model.count)
        fail_msg("%s in %s: due %zu times, not %zu", text, zone_name, count, model.count);
    free(model.due);
    cw_zone_free((struct cw_zone *)schedule.zone);
}

static void ten_years_of_due_times_are_those_that_every_minute_tells(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "Europe/Berlin", "30 2 * * *" },
        { "Europe/Berlin", "0 * * * *" },
        { "Europe/Berlin", "*/10 1-3 * * sun" },
        { "America/New_York", "*/10 * * * *" },
        { "America/New_York", "0,30 1,2,3 * * *" },
        { "Australia/Lord_Howe", "*/10 * * * *" },
        { "Australia/Lord_Howe", "15 2 * * *" },
        { "Asia/Tehran", "30 */2 * * *" },
        { "Asia/Tehran", "15 0 21,22 3,9 *" },
        { "Atlantic/Azores", "0 0 31 * fri" },
        { "Africa/Casablanca", "30 2 * * *" }, /* for Ramadan, two more changes a year */
        { "Asia/Gaza", "0 0-2 * * *" },
        { "America/Santiago", "0 0 1-7 4,9 sat,sun" },
        { "Antarctica/Troll", "*/30 1,2 * * *" }, /* two hours at once */
        { "UTC", "7,17 5 29 2 *" },
        { "+05:45", "0 0 1 1 *" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        compare(cases[i][0], cases[i][1]);
}

/* A few bits of each field, and hours that are fixed or not. */
static struct cw_schedule draw(struct cw_random *chance)
{
    struct cw_schedule schedule = { .minutes = (uint64_t)1 << cw_random_below(chance, 60),
                                    .any_hour = cw_random_below(chance, 2),
                                    .days_or_weekdays = cw_random_below(chance, 2) };
    for (int i = 0; i < 3; i++) {
        schedule.minutes |= (uint64_t)1 << cw_random_below(chance, 12) * 5;
        schedule.hours |= 1u << cw_random_below(chance, 5);
        schedule.days |= 1u << (1 + cw_random_below(chance, 31));
        schedule.months |= 1u << (1 + cw_random_below(chance, 12));
        schedule.weekdays |= (uint8_t)(1u << cw_random_below(chance, 7));
    }
    return schedule;
}

static void due_times_do_not_depend_on_where_one_begins_to_look(void **state)
{
    (void)state;
    static const char *const names[] = { "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns",
                                         "Pacific/Apia", "UTC" };
    struct cw_random chance;
    cw_random_seed(&chance, 11);
    for (int i = 0; i < 300; i++) {
        struct cw_schedule schedule = draw(&chance);
        struct cw_zone *zone = cw_zone_open(names[i % 5], NULL);
        schedule.zone = zone;
        schedule.jitter = (cw_time)cw_random_below(&chance, 3) * CW_HOUR;
        cw_time from = (cw_time)(cw_random_below(&chance, 1900000000)) * CW_SECOND;
        cw_time due = cw_schedule_next(&schedule, from, from, 5), again = due;
        assert_true(due > from);
        for (int j = 0; j < 20; j++) { /* any moment between gives the same answer */
            cw_time between = from + (cw_time)cw_random_below(&chance, (uint64_t)(due - from));
            again = cw_schedule_next(&schedule, between, between, 5);
            assert_int_equal(again, due);
        }
        cw_zone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_years_of_due_times_are_those_that_every_minute_tells),
        cmocka_unit_test(due_times_do_not_depend_on_where_one_begins_to_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
