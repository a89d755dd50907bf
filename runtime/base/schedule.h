/* schedule.h - when work is due: every so often, at times of day or week, or by a cron expression.
 *
 * Times of day and cron expressions are read on the clock of their zone. Where clocks go forward, a time that
 * is skipped fires once, at the instant at which the clock would have shown it; where they go back, a fixed
 * hour fires at its first occurrence only, and an hour field of "*" or with a step fires in both. Nothing is
 * computed from a chain of earlier times: each answer depends on the clock and on what was served last alone,
 * so a process that was down finds at most one due time behind it.
 */
#ifndef CW_BASE_SCHEDULE_H
#define CW_BASE_SCHEDULE_H

#include "base/time.h"

struct cw_schedule {
    cw_time every;    /* an interval; 0 = by the fields below */
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours, days, months;
    uint8_t weekdays;      /* bit 0: Sunday */
    bool any_hour;         /* the hour field is "*" or has a step */
    bool days_or_weekdays; /* both are restricted: either will do, as in cron */
    cw_time
        jitter; /* added: less than this, and never past the next time; the same for the same key and time */
    const struct cw_zone *zone; /* NULL = UTC; borrowed */
};

#define CW_SCHEDULE_EVERY_LEAST CW_SECOND
#define CW_SCHEDULE_EVERY_MOST  (366 * CW_DAY)
#define CW_SCHEDULE_JITTER_MOST CW_DAY /* more counts as this */

/* "90s", "5m", "2h", "1d": a whole number and a unit; up to ten years. */
bool cw_schedule_parse_time(struct cw_slice text, cw_time *out, struct cw_error *err);
/* Each sets the schedule's times only. CW_INVALID names what is wrong and what is possible. */
bool cw_schedule_parse_every(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err);
bool cw_schedule_parse_daily(struct cw_slice text, struct cw_schedule *schedule,
                             struct cw_error *err); /* "03:30" */
bool cw_schedule_parse_weekly(struct cw_slice text, struct cw_schedule *schedule,
                              struct cw_error *err); /* "sun 03:30" */
/* Five fields: minute, hour, day, month, weekday; lists, ranges, steps, names of months and weekdays, 7 as
 * Sunday; @hourly, @daily, @weekly, @monthly, @yearly. A day that never comes (February 30) is CW_INVALID. */
bool cw_schedule_parse_cron(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err);

/* The first due time that is later than `served` (CW_TIME_NONE = never served) as seen at `now`, jitter
 * included; `key` tells jobs apart. It may lie before `now`: then one or more times were missed, and this
 * stands for all of them once `served` is the time at which the job began. An interval that was never served
 * is due now; one that was, so long after. Once the clock was set back by up to three hours no time of day
 * fires twice; by more, what was served counts as a fault of the clock, and only `now` does. Intervals then
 * begin anew at `now`. CW_TIME_NONE past the year 9999. */
cw_time cw_schedule_next(const struct cw_schedule *schedule, cw_time served, cw_time now, uint64_t key);

#endif
