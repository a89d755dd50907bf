/* weather.h - how a shop of the soak test fails: stretches of time in which it works, stumbles, is down,
 * limits or stalls, drawn from a seed, and in them one fault after the other. */
#ifndef CW_TESTS_SOAK_WEATHER_H
#define CW_TESTS_SOAK_WEATHER_H

#include "base/clock.h"

enum fault {
    FAULT_NONE,
    FAULT_RESET,   /* the connection, before anything is sent */
    FAULT_LOST,    /* no answer, the connection stays */
    FAULT_CUT,     /* the connection, inside the body */
    FAULT_STALLED, /* no more bytes, inside the body */
    FAULT_500,
    FAULT_ECHO, /* 500, and the body repeats the secret that came with the request */
    FAULT_502,
    FAULT_503,
    FAULT_503_LATER, /* with Retry-After */
    FAULT_429,       /* without */
    FAULT_429_SECONDS,
    FAULT_429_DATE,
    FAULT_429_ABSURD, /* counts as an hour */
    FAULT_HTML,       /* 200 with a page for people */
    FAULT_EMPTY,      /* 200 with no body */
    FAULT_PREFIX,     /* 200 with the beginning of the JSON, as announced */
    FAULT_REPEATED,   /* another page of the same list */
    FAULT_SHORT,      /* the last records of the page are missing */
    FAULT_SHUFFLED,
    FAULT_DOUBLED, /* a record twice in the page */
    FAULT_SLOW,
    FAULTS
};
const char *fault_name(enum fault fault);

struct weather {
    struct cw_random random;
    unsigned kind;
    cw_time changes; /* when the next kind begins */
    cw_time begin, until;
};

/* From `until` on it is fair and nothing fails. */
void weather_init(struct weather *weather, uint64_t seed, cw_time begin, cw_time until);
enum fault weather_draw(struct weather *weather, cw_time now);
/* In [0, bound), from the same seed. */
unsigned weather_below(struct weather *weather, size_t bound);

#endif
