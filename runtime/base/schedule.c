/* schedule.c - see schedule.h: when a schedule is due. Its texts are read in schedule_parse.c.
 *
 * A period between two clock changes is a stretch of local time that runs evenly: in it the next local time
 * that the fields allow is the next due time. What is special about a change is said where its period begins.
 */
#include "base/schedule.h"

#include "base/calendar.h"

enum {
    DAY_S = 86400,
    SET_BACK_MOST_H = 3,
    /* Between two days that a schedule allows: February 29 on a given day of the week comes after 40 years at
     * the latest. */
    FARTHEST_YEARS = 45
};

#define NEVER INT64_MAX

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- local time --- */

static bool has(uint64_t bits, unsigned bit)
{
    return (bits >> bit) & 1;
}

static bool is_day(const struct cw_schedule *schedule, int64_t days, unsigned day)
{
    bool by_day = has(schedule->days, day), by_weekday = has(schedule->weekdays, cw_weekday(days));
    return schedule->days_or_weekdays ? by_day || by_weekday : by_day && by_weekday;
}

/* The first day at or after `days` that the schedule allows. */
static int64_t next_day(const struct cw_schedule *schedule, int64_t days)
{
    struct cw_date date = cw_date_from_days(days);
    int64_t last_year = date.year + FARTHEST_YEARS;
    while (date.year <= last_year) {
        unsigned count = cw_days_in_month(date.year, date.month);
        for (; has(schedule->months, date.month) && date.day <= count; date.day++, days++)
            if (is_day(schedule, days, date.day))
                return days;
        days += count + 1 - date.day;
        date.day = 1;
        date.year += date.month == 12;
        date.month = date.month % 12 + 1;
    }
    return NEVER;
}

/* The first minute of a day at or after `minute` that the schedule allows; -1 when there is none. */
static int next_minute(const struct cw_schedule *schedule, int minute)
{
    for (int hour = minute / 60; hour < 24; hour++)
        for (int in_hour = hour == minute / 60 ? minute % 60 : 0;
             has(schedule->hours, (unsigned)hour) && in_hour < 60; in_hour++)
            if (has(schedule->minutes, (unsigned)in_hour))
                return hour * 60 + in_hour;
    return -1;
}

/* The first local time in [from, to) that the schedule allows, in seconds as if the clock ran in UTC. */
static int64_t next_local(const struct cw_schedule *schedule, int64_t from, int64_t to)
{
    int64_t days = cw_floor_divide(from, DAY_S);
    int minute = (int)((from - days * DAY_S + 59) / 60); /* 1440 belongs to the next day */
    int64_t day = next_day(schedule, days);
    int found = day == days ? next_minute(schedule, minute) : -1;
    if (found < 0) {
        day = day == days ? next_day(schedule, days + 1) : day;
        found = next_minute(schedule, 0);
    }
    if (found < 0 || day == NEVER)
        return NEVER;
    int64_t local = day * DAY_S + found * 60;
    return local < to ? local : NEVER;
}

/* --- instants --- */

static struct cw_zone_period period_at(const struct cw_schedule *schedule, int64_t utc)
{
    if (schedule->zone == NULL)
        return (struct cw_zone_period){ CW_FIRST_SECOND, CW_LAST_SECOND + 1, 0 };
    struct cw_zone_period period = cw_zone_period(schedule->zone, utc);
    period.start = later(period.start, CW_FIRST_SECOND); /* a fixed offset has no ends */
    period.end = earlier(period.end, CW_LAST_SECOND + 1);
    return period;
}

/* The first due time in [from, period.end), which lies in the period, or of those that the clock skipped
 * where the period began: these may lie behind its end. */
static int64_t next_in_period(const struct cw_schedule *schedule, struct cw_zone_period period, int64_t from)
{
    int32_t before = period_at(schedule, period.start - 1).offset;
    int64_t skipped = NEVER, shown_until = period.start + before, begin = from + period.offset;
    if (before < period.offset)
        skipped = next_local(schedule, from + before, period.start + period.offset);
    if (before > period.offset && !schedule->any_hour) /* what the clock shows for the second time */
        begin = later(begin, shown_until);
    int64_t shown = next_local(schedule, begin, period.end + period.offset);
    return earlier(skipped == NEVER ? NEVER : skipped - before,
                   shown == NEVER ? NEVER : shown - period.offset);
}

/* The first due time at or after `from`, jitter left out, in seconds. */
static int64_t next_time(const struct cw_schedule *schedule, int64_t from)
{
    int64_t last = earlier(from + (int64_t)FARTHEST_YEARS * 366 * DAY_S, CW_LAST_SECOND);
    for (int64_t at = from; at <= last;) {
        struct cw_zone_period period = period_at(schedule, at);
        int64_t found = next_in_period(schedule, period, at);
        if (found != NEVER)
            return found;
        at = period.end;
    }
    return NEVER;
}

/* --- jitter --- */

/* The finishing steps of splitmix64: near numbers give unlike ones. */
static uint64_t scatter(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Less than `most`, and always the same for the same key and time. */
static cw_time jitter_of(cw_time most, uint64_t key, cw_time time)
{
    return most > 0 ? (cw_time)(scatter(key + scatter((uint64_t)time)) % (uint64_t)most) : 0;
}

static cw_time most_jitter(const struct cw_schedule *schedule)
{
    return earlier(later(schedule->jitter, 0), CW_SCHEDULE_JITTER_MOST);
}

/* --- next --- */

/* The first due time after `after`. Jitter never carries a time past the next one, so their order stays. */
static cw_time next_by_clock(const struct cw_schedule *schedule, cw_time after, uint64_t key)
{
    cw_time most = most_jitter(schedule);
    int64_t time = next_time(schedule, cw_floor_divide(after - most, CW_SECOND) + 1);
    while (time != NEVER) {
        int64_t follows = most > 0 ? next_time(schedule, time + 1) : NEVER;
        cw_time gap = follows == NEVER ? most : earlier(most, (follows - time) * CW_SECOND);
        cw_time due = time * CW_SECOND + jitter_of(gap, key, time);
        if (due > after)
            return due;
        time = most > 0 ? follows : next_time(schedule, time + 1);
    }
    return CW_TIME_NONE;
}

/* How long ago does not matter: an interval has no times of its own that could be fired twice. */
static cw_time next_interval(const struct cw_schedule *schedule, cw_time served, cw_time now, uint64_t key)
{
    if (served == CW_TIME_NONE)
        return now;
    served = earlier(served, now);
    return served + schedule->every + jitter_of(earlier(most_jitter(schedule), schedule->every), key, served);
}

/* Within the years that a calendar has, so that nothing overflows. */
static cw_time within_calendar(cw_time time)
{
    return later(CW_FIRST_SECOND * CW_SECOND + 2 * CW_DAY, earlier(time, CW_LAST_SECOND * CW_SECOND));
}

cw_time cw_schedule_next(const struct cw_schedule *schedule, cw_time served, cw_time now, uint64_t key)
{
    now = within_calendar(now);
    if (served != CW_TIME_NONE)
        served = within_calendar(served);
    if (schedule->every > 0)
        return next_interval(schedule, served, now, key);
    bool is_fault = served != CW_TIME_NONE && served > now + SET_BACK_MOST_H * CW_HOUR;
    return next_by_clock(schedule, served == CW_TIME_NONE || is_fault ? now : served, key);
}
