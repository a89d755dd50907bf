/* rhythm.h - how many orders a cart brings in which hours of the week, and whether it brings too few.
 *
 * The rhythm is that of the four weeks up to the last order, by the clock of the site: the rate of each of
 * the 168 hours of a week, smoothed over the hours beside it. An hour that stands out from the same hour of
 * other weeks (a sale, renewals on the first of a month) counts little more than they do.
 *
 * Silence is judged by the orders that the rhythm lets expect in it. The level of the last days (as many as
 * should have brought 50 orders) may be lower than that of the rhythm, which is how a public holiday or the
 * weeks after Christmas look: then as much more is waited for. A cart is quiet when so long a silence would
 * come by chance less than once in a thousand times, and less than about once in three years of its orders.
 */
#ifndef CW_ENGINE_RHYTHM_H
#define CW_ENGINE_RHYTHM_H

#include <stdbool.h>

#include "base/time.h"

enum {
    CW_RHYTHM_WEEKS = 4,
    CW_RHYTHM_HOURS = CW_RHYTHM_WEEKS * 7 * 24,
    CW_RHYTHM_ORDERS_MIN = 20, /* in four weeks; fewer tell nothing */
    CW_RHYTHM_WEEKS_MIN = 2    /* of history, of which whole weeks are used */
};

struct cw_rhythm {
    cw_time first, last;             /* orders */
    const struct cw_zone *zone;      /* borrowed; NULL = UTC */
    uint32_t hours[CW_RHYTHM_HOURS]; /* orders; the hour of the last one first, then backwards */
};

/* `first`: the oldest order of all that are known. */
void cw_rhythm_init(struct cw_rhythm *rhythm, cw_time first, cw_time last, const struct cw_zone *zone);
/* From when on orders are to be added. */
cw_time cw_rhythm_since(const struct cw_rhythm *rhythm);
/* Orders that came in the hour of `at`. Those outside the four weeks do not matter. */
void cw_rhythm_add(struct cw_rhythm *rhythm, cw_time at, uint64_t orders);

struct cw_silence {
    bool is_known; /* there are enough orders to judge by */
    bool is_quiet;
    double expected; /* orders since the last one */
};
/* `until`: up to when it is known that none has come. */
struct cw_silence cw_rhythm_judge(const struct cw_rhythm *rhythm, cw_time until);

#endif
