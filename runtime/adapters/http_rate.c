/* http_rate.c - see http_rate.h. */
#include "adapters/http_rate.h"

/* What a client without a limit is taken to have run at when it is first told to slow down. */
static const double assumed_rate = 10, slowest_rate = 0.1, raise_factor = 1.1;
enum { SUCCESSES_PER_STEP = 20 };

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void cw_rate_init(struct cw_rate *rate, const struct cw_clock *clock, double per_second, unsigned burst)
{
    double size = burst > 0 ? burst : 1;
    int64_t now_ns = cw_elapsed_ns(clock);
    *rate = (struct cw_rate){ .clock = clock,
                              .set = per_second > 0 ? per_second : 0,
                              .now = per_second > 0 ? per_second : 0,
                              .burst = size,
                              .tokens = size,
                              .filled_ns = now_ns,
                              .paused_ns = now_ns,
                              .throttled_ns = INT64_MIN };
}

static void fill(struct cw_rate *rate, int64_t now_ns)
{
    if (now_ns <= rate->filled_ns)
        return;
    rate->tokens = smaller(rate->burst, rate->tokens + (double)(now_ns - rate->filled_ns) * rate->now / 1e9);
    rate->filled_ns = now_ns;
}

cw_time cw_rate_pause(const struct cw_rate *rate)
{
    int64_t now_ns = cw_elapsed_ns(rate->clock);
    return now_ns < rate->paused_ns ? (rate->paused_ns - now_ns + 999) / 1000 : 0;
}

cw_time cw_rate_wait(struct cw_rate *rate)
{
    cw_time pause = cw_rate_pause(rate);
    if (pause > 0)
        return pause;
    if (rate->now <= 0)
        return 0;
    fill(rate, cw_elapsed_ns(rate->clock));
    if (rate->tokens > 1 - 1e-9)
        return 0;
    return (cw_time)((1 - rate->tokens) / rate->now * 1e6) + 1; /* rounded up: asking early would only cost */
}

void cw_rate_take(struct cw_rate *rate)
{
    if (rate->now > 0)
        rate->tokens = larger(0, rate->tokens - 1);
}

void cw_rate_succeed(struct cw_rate *rate)
{
    if (rate->now == rate->set || ++rate->successes < SUCCESSES_PER_STEP)
        return;
    rate->successes = 0;
    fill(rate, cw_elapsed_ns(rate->clock));
    rate->now *= raise_factor;
    if (rate->set > 0)
        rate->now = smaller(rate->now, rate->set);
    else if (rate->now >= assumed_rate)
        rate->now = 0;
}

void cw_rate_hold(struct cw_rate *rate, cw_time wait)
{
    int64_t until_ns = cw_elapsed_ns(rate->clock) + wait * 1000;
    if (until_ns > rate->paused_ns)
        rate->paused_ns = until_ns;
}

void cw_rate_throttle(struct cw_rate *rate, int64_t started_ns, cw_time wait)
{
    int64_t now_ns = cw_elapsed_ns(rate->clock);
    cw_rate_hold(rate, wait);
    rate->successes = 0;
    rate->tokens = 1; /* one goes when the wait is over, the others at the new rate after it */
    rate->filled_ns = rate->paused_ns;
    if (started_ns < rate->throttled_ns)
        return;
    rate->throttled_ns = now_ns;
    double floor = rate->set > 0 ? smaller(slowest_rate, rate->set) : slowest_rate;
    rate->now = larger((rate->now > 0 ? rate->now : assumed_rate) / 2, floor);
}
