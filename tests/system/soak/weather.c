/* weather.c - see weather.h. */
#include "weather.h"

const char *fault_name(enum fault fault)
{
    static const char *const names[] = { "fine",
                                         "connection reset",
                                         "no answer",
                                         "cut inside the body",
                                         "stalled inside the body",
                                         "500",
                                         "500 that repeats the secret",
                                         "502",
                                         "503",
                                         "503 with Retry-After",
                                         "429",
                                         "429 with seconds",
                                         "429 with a date",
                                         "429 with an absurd time",
                                         "an HTML page",
                                         "an empty body",
                                         "half of the JSON",
                                         "another page",
                                         "a short page",
                                         "a shuffled page",
                                         "a doubled record",
                                         "slow" };
    return names[fault];
}

/* What may happen in each kind of weather, and to how many of a hundred requests. */
enum { ANY_MAX = FAULTS - 1 };
static const struct kind {
    unsigned weight; /* of a hundred stretches */
    unsigned per_100;
    size_t count; /* 0 = any fault */
    enum fault faults[6];
} kinds[] = {
    { 55, 3, 0, { FAULT_NONE } },
    { 25, 35, 0, { FAULT_NONE } },
    { 8, 100, 4, { FAULT_500, FAULT_502, FAULT_503, FAULT_RESET } },
    { 6, 60, 3, { FAULT_429, FAULT_429_SECONDS, FAULT_429_DATE } },
    { 6, 60, 3, { FAULT_SLOW, FAULT_LOST, FAULT_STALLED } },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

unsigned weather_below(struct weather *weather, size_t bound)
{
    return (unsigned)cw_random_below(&weather->random, bound > 0 ? bound : 1);
}

static void change(struct weather *weather)
{
    unsigned n = weather_below(weather, 100);
    for (weather->kind = 0; weather->kind < KINDS - 1 && n >= kinds[weather->kind].weight; weather->kind++)
        n -= kinds[weather->kind].weight;
    weather->changes += CW_MINUTE + (cw_time)cw_random_below(&weather->random, 7 * CW_MINUTE);
}

void weather_init(struct weather *weather, uint64_t seed, cw_time begin, cw_time until)
{
    *weather = (struct weather){ .changes = begin, .begin = begin, .until = until };
    cw_random_seed(&weather->random, seed);
}

/* A wait of an hour early on, and seldom: so that it is over when the test is. */
static bool may_be_absurd(struct weather *weather, cw_time now)
{
    return now < weather->begin + 10 * CW_MINUTE && weather_below(weather, 100) < 40;
}

enum fault weather_draw(struct weather *weather, cw_time now)
{
    if (now >= weather->until)
        return FAULT_NONE;
    while (weather->changes <= now)
        change(weather);
    const struct kind *kind = &kinds[weather->kind];
    if (weather_below(weather, 100) >= kind->per_100)
        return FAULT_NONE;
    if (kind->count > 0)
        return kind->faults[weather_below(weather, kind->count)];
    enum fault fault = (enum fault)(1 + weather_below(weather, ANY_MAX));
    return fault == FAULT_429_ABSURD && !may_be_absurd(weather, now) ? FAULT_429_SECONDS : fault;
}
