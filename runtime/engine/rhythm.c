/* rhythm.c - see rhythm.h. */
#include "engine/rhythm.h"

#include <math.h>
#include <string.h>

enum { WEEK_HOURS = 7 * 24 };

static const double by_chance = 0.001; /* at most so often ... */
static const double spans = 39;        /* ... and at most once in so many times four weeks: three years */
static const double level_orders = 50; /* expected in the days that tell the present level */
static const cw_time longest = 35 * CW_DAY; /* of a silence: what is expected of more makes no difference */

struct rates {
    unsigned weeks;
    double orders; /* in these weeks, without what stands out */
    double of_hour[WEEK_HOURS];
};

static int64_t hour_of(cw_time time)
{
    return time / CW_HOUR - (time % CW_HOUR < 0);
}

static unsigned class_of(const struct cw_rhythm *rhythm, int64_t hour)
{
    int64_t seconds = hour * 3600;
    if (rhythm->zone != NULL)
        seconds += cw_zone_offset(rhythm->zone, seconds);
    int64_t local = seconds / 3600 - (seconds % 3600 < 0);
    return (unsigned)((local % WEEK_HOURS + WEEK_HOURS) % WEEK_HOURS);
}

void cw_rhythm_init(struct cw_rhythm *rhythm, cw_time first, cw_time last, const struct cw_zone *zone)
{
    *rhythm = (struct cw_rhythm){ .first = first, .last = last, .zone = zone };
}

cw_time cw_rhythm_since(const struct cw_rhythm *rhythm)
{
    return (hour_of(rhythm->last) - CW_RHYTHM_HOURS + 1) * CW_HOUR;
}

void cw_rhythm_add(struct cw_rhythm *rhythm, cw_time at, uint64_t orders)
{
    int64_t index = hour_of(rhythm->last) - hour_of(at);
    if (index >= 0 && index < CW_RHYTHM_HOURS)
        rhythm->hours[index] += (uint32_t)orders;
}

/* --- rates --- */

/* The orders of one hour of the week in all weeks: the largest number may lie above the next one by as much
 * as chance does, and by no more. */
static double orders_of_class(const uint32_t *weeks, unsigned count)
{
    double sum = 0, most = 0, next = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += weeks[i];
        if (weeks[i] > most) {
            next = most;
            most = weeks[i];
        } else if (weeks[i] > next) {
            next = weeks[i];
        }
    }
    return sum - most + fmin(most, next + 3 * sqrt(next) + 3);
}

/* Smoothed downwards only, as a shop that opens or closes an hour later than in other weeks is not quiet for
 * that; what this takes away is added to all hours. */
static void smooth(struct rates *rates, const double *orders)
{
    double sum = 0, smoothed = 0;
    for (unsigned i = 0; i < WEEK_HOURS; i++) {
        double beside = fmin(orders[(i + 1) % WEEK_HOURS], orders[(i + WEEK_HOURS - 1) % WEEK_HOURS]);
        rates->of_hour[i] = (orders[i] + fmin(orders[i], beside)) / 2;
        sum += orders[i];
        smoothed += rates->of_hour[i];
    }
    for (unsigned i = 0; i < WEEK_HOURS && smoothed > 0; i++)
        rates->of_hour[i] *= sum / smoothed / rates->weeks;
    rates->orders = sum;
}

static struct rates rates_of(const struct cw_rhythm *rhythm)
{
    struct rates rates = { .weeks = CW_RHYTHM_WEEKS };
    uint32_t weeks[WEEK_HOURS][CW_RHYTHM_WEEKS] = { { 0 } };
    double orders[WEEK_HOURS];
    cw_time history = (rhythm->last - rhythm->first) / (7 * CW_DAY);
    if (history < CW_RHYTHM_WEEKS)
        rates.weeks = history > 0 ? (unsigned)history : 0;
    int64_t last = hour_of(rhythm->last);
    for (unsigned i = 0; i < rates.weeks * WEEK_HOURS; i++)
        weeks[class_of(rhythm, last - i)][i / WEEK_HOURS] += rhythm->hours[i];
    for (unsigned i = 0; i < WEEK_HOURS; i++)
        orders[i] = orders_of_class(weeks[i], rates.weeks);
    if (rates.weeks > 0)
        smooth(&rates, orders);
    return rates;
}

static double expect(const struct cw_rhythm *rhythm, const struct rates *rates, cw_time from, cw_time to)
{
    double sum = 0;
    for (int64_t hour = hour_of(from); hour * CW_HOUR < to; hour++) {
        cw_time begin = hour * CW_HOUR > from ? hour * CW_HOUR : from;
        cw_time end = (hour + 1) * CW_HOUR < to ? (hour + 1) * CW_HOUR : to;
        sum += rates->of_hour[class_of(rhythm, hour)] * (double)(end - begin) / (double)CW_HOUR;
    }
    return sum;
}

/* --- silence --- */

/* How probable it is that nothing comes while `expected` orders should, its logarithm: of a shop whose level
 * is known by nothing but what came in its last days. */
static double chance_of_none(const struct cw_rhythm *rhythm, const struct rates *rates, double expected)
{
    double should = 0, came = 0;
    int64_t last = hour_of(rhythm->last);
    for (unsigned i = 0; i < rates->weeks * WEEK_HOURS && should < level_orders; i++) {
        double part = i > 0 ? 1 : (double)(rhythm->last - last * CW_HOUR) / (double)CW_HOUR;
        should += part * rates->of_hour[class_of(rhythm, last - i)];
        came += rhythm->hours[i];
    }
    if (should <= 0)
        return 0;
    expected *= rates->weeks * log1p(1.0 / rates->weeks);
    return -fmin(came, should) * log1p(expected / should);
}

static double limit(const struct rates *rates)
{
    double orders = rates->orders * CW_RHYTHM_WEEKS / rates->weeks;
    double chances = fmin(orders, CW_RHYTHM_HOURS); /* a cart is looked at no more than once an hour */
    return fmin(log(by_chance), -log(spans * chances));
}

struct cw_silence cw_rhythm_judge(const struct cw_rhythm *rhythm, cw_time until)
{
    struct rates rates = rates_of(rhythm);
    struct cw_silence silence = { .is_known = rates.weeks >= CW_RHYTHM_WEEKS_MIN &&
                                              rates.orders >= CW_RHYTHM_ORDERS_MIN };
    if (!silence.is_known || until <= rhythm->last)
        return silence;
    if (until - rhythm->last > longest)
        until = rhythm->last + longest;
    silence.expected = expect(rhythm, &rates, rhythm->last, until);
    silence.is_quiet = chance_of_none(rhythm, &rates, silence.expected) < limit(&rates);
    return silence;
}
