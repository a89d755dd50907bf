/* clock.c - see clock.h. */
#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

static cw_time system_now(void *arg)
{
    (void)arg;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (cw_time)ts.tv_sec * CW_SECOND + ts.tv_nsec / 1000;
}

static int64_t system_elapsed(void *arg)
{
    (void)arg;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const struct cw_clock cw_system_clock = { system_now, system_elapsed, NULL };

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* splitmix64: spreads a seed of few bits over the whole state, which must not be all zero. */
void cw_random_seed(struct cw_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t x = seed;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        random->state[i] = x ^ (x >> 31);
    }
}

uint64_t cw_random_system_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        return seed;
    /* A kernel without getrandom: times are all that is left, and good enough for jitter. */
    return (uint64_t)system_now(NULL) ^ rotate((uint64_t)system_elapsed(NULL), 32);
}

uint64_t cw_random_next(struct cw_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t cw_random_below(struct cw_random *random, uint64_t bound)
{
    uint64_t excess = (0 - bound) % bound; /* 2^64 modulo bound: draws below it would favour small results */
    uint64_t draw = cw_random_next(random);
    while (draw < excess)
        draw = cw_random_next(random);
    return draw % bound;
}
