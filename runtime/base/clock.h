/* clock.h - the seams for time and chance. Nothing else in the runtime asks the system for either.
 *
 * A site holds one of each; tests give it a clock they move and a seed they know, and so replay a run
 * exactly.
 */
#ifndef CW_BASE_CLOCK_H
#define CW_BASE_CLOCK_H

#include "base/time.h"

struct cw_clock {
    cw_time (*now)(void *arg);        /* wall clock; may step */
    int64_t (*elapsed_ns)(void *arg); /* monotonic; origin unknown, never goes back */
    void *arg;
};

static inline cw_time cw_now(const struct cw_clock *clock)
{
    return clock->now(clock->arg);
}
static inline int64_t cw_elapsed_ns(const struct cw_clock *clock)
{
    return clock->elapsed_ns(clock->arg);
}

extern const struct cw_clock cw_system_clock;

/* xoshiro256**, seeded by splitmix64: for jitter and tests, never for secrets. */
struct cw_random {
    uint64_t state[4];
};

void cw_random_seed(struct cw_random *random, uint64_t seed);
/* A seed nobody can guess, from the system. */
uint64_t cw_random_system_seed(void);
uint64_t cw_random_next(struct cw_random *random);
/* Uniform in [0, bound); bound > 0. */
uint64_t cw_random_below(struct cw_random *random, uint64_t bound);

#endif
