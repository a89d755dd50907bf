/* http_rate.h - how fast a client may ask: a token bucket that slows down when it is told to, and recovers.
 * Private to the HTTP client. */
#ifndef CW_ADAPTERS_HTTP_RATE_H
#define CW_ADAPTERS_HTTP_RATE_H

#include "base/clock.h"

struct cw_rate {
    const struct cw_clock *clock;
    double set; /* requests a second; 0 = no limit of our own */
    double now; /* the same, after adaptation */
    double burst, tokens;
    int64_t filled_ns;    /* when tokens were last counted */
    int64_t paused_ns;    /* nothing goes before */
    int64_t throttled_ns; /* when it last slowed down */
    unsigned successes;   /* since the last step */
};

void cw_rate_init(struct cw_rate *rate, const struct cw_clock *clock, double per_second, unsigned burst);

/* 0 when one request may go now, else how long to wait before asking again. */
cw_time cw_rate_wait(struct cw_rate *rate);
/* For how long nothing goes at all, because it was told to slow down. */
cw_time cw_rate_pause(const struct cw_rate *rate);
void cw_rate_take(struct cw_rate *rate); /* after cw_rate_wait gave 0 */

void cw_rate_succeed(struct cw_rate *rate);

/* Stops all for `wait`; the rate stays. */
void cw_rate_hold(struct cw_rate *rate, cw_time wait);

/* Stops all for `wait` and halves the rate, once for all requests that were under way together: one that
 * started before the last slowing down tells nothing new about the present rate. */
void cw_rate_throttle(struct cw_rate *rate, int64_t started_ns, cw_time wait);

#endif
