/* calendar.h - days and dates of the Gregorian calendar, which is taken to hold at all times. */
#ifndef CW_BASE_CALENDAR_H
#define CW_BASE_CALENDAR_H

#include <stdint.h>

#define CW_FIRST_SECOND (-62135596800) /* 0001-01-01T00:00:00Z */
#define CW_LAST_SECOND  253402300799   /* 9999-12-31T23:59:59Z */

struct cw_date {
    int64_t year;
    unsigned month, day; /* from 1 */
};

unsigned cw_days_in_month(int64_t year, unsigned month);

/* Days since 1970-01-01. The year is at least 0, the month 1 to 12; the day may lie outside its month. */
int64_t cw_days_from_date(struct cw_date date);
struct cw_date cw_date_from_days(int64_t days);

/* 0 = Sunday. */
unsigned cw_weekday(int64_t days);

/* Rounds towards the past, also where the value is negative. */
int64_t cw_floor_divide(int64_t value, int64_t by);

#endif
