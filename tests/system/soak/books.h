/* books.h - what one shop of the soak test has: orders that come and change by a seed, stamped as badly as
 * live shops do. They depend on the seed and the time alone, never on who asks when. */
#ifndef CW_TESTS_SOAK_BOOKS_H
#define CW_TESTS_SOAK_BOOKS_H

#include "base/buffer.h"
#include "base/clock.h"

/* How an order ends in the store when the cart script of the test maps it. */
enum fate {
    FATE_POSTS,
    FATE_PARKS, /* a status without a row */
    FATE_HOLDS, /* the total is off by a cent */
    FATE_SKIPS, /* the rule "test" */
    FATES
};
const char *fate_name(enum fate fate);

struct order {
    int id, version;
    uint64_t content; /* what lines and amounts are made from */
    enum fate fate;
    int stage;       /* paid, shipped, done: it never goes back, and once done changes only with a stamp */
    cw_time placed;  /* by the shop's clock, as the next */
    cw_time stamp;   /* of the last change that was stamped */
    cw_time visible; /* from when it is listed: later than its change where that was committed late */
};

struct books {
    struct cw_random random;
    struct order *orders;
    int count, cap;
    cw_time skew;       /* the shop's clock less ours */
    cw_time next_event; /* CW_TIME_NONE = none any more */
    cw_time until;      /* from then on nothing happens */
    unsigned versions, silent, late, very_late;
};

/* Orders of the day before `begin`; what happens until `until`. */
void books_init(struct books *books, uint64_t seed, cw_time begin, cw_time until);
void books_fini(struct books *books);
/* Everything up to `now` happens. */
void books_advance(struct books *books, cw_time now);

/* The bytes of an order as the shop sends it, and its total. */
void order_print(const struct order *order, struct cw_buffer *out);
void order_total(const struct order *order, char out[32]);

#endif
