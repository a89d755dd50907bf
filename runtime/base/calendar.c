/* calendar.c - see calendar.h. */
#include "base/calendar.h"

#include <stdbool.h>

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned cw_days_in_month(int64_t year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days before the first of a month of a year that begins in March, so that the leap day comes last. */
static int64_t days_before(unsigned month_from_march)
{
    return (153 * (int64_t)month_from_march + 2) / 5;
}

/* The year is at least 0: all divisions round down. */
int64_t cw_days_from_date(struct cw_date date)
{
    int64_t year = date.month < 3 ? date.year - 1 : date.year;
    int64_t leaps = year < 0 ? -1 : year / 4 - year / 100 + year / 400;
    return 365 * year + leaps + days_before((date.month + 9) % 12) + date.day - 719469;
}

struct cw_date cw_date_from_days(int64_t days)
{
    int64_t shifted = days + 719468 + 146097; /* from March of the year -400, so that nothing is negative */
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (unsigned)((5 * day_of_year + 2) / 153);
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct cw_date){ .year = (era - 1) * 400 + year_of_era + (month < 3),
                             .month = month,
                             .day = (unsigned)(day_of_year - days_before(month_from_march)) + 1 };
}

unsigned cw_weekday(int64_t days)
{
    return (unsigned)(days - 7 * cw_floor_divide(days, 7) + 4) % 7; /* 1970-01-01 was a Thursday */
}

int64_t cw_floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}
