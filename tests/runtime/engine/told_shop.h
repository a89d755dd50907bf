/* told_shop.h - a shop in virtual time that is told things, as a transport: it keeps books of everything that
 * arrived, and answers in every bad way, drawn from a seed.
 *
 * POST put: lines "MESSAGE LANE VALUE". Answered with a line each: "MESSAGE ok", or "MESSAGE no WHY". A lane
 * that ends in "BAD" is always refused: of a strict shop together with the whole call.
 * GET has?ids=1,2: lines with those messages that arrived. GET levels?lanes=A,B: lines "LANE VALUE".
 */
#ifndef CW_TESTS_TOLD_SHOP_H
#define CW_TESTS_TOLD_SHOP_H

#include "adapters/http.h"
#include "base/hash.h"

enum { TOLD_ARRIVALS_MAX = 4096 };

enum told_fault {
    TOLD_FINE,
    TOLD_NO_CONNECTION,
    TOLD_LOST_BEFORE, /* no answer; nothing was done */
    TOLD_LOST_AFTER,  /* no answer; all was done */
    TOLD_500_BEFORE,
    TOLD_500_AFTER,
    TOLD_502_AFTER,
    TOLD_HALF_LOST, /* the first half was done, then nothing came */
    TOLD_HALF_500,
    TOLD_HALF_SAID, /* the first half was done, and the answer says which */
    TOLD_503,
    TOLD_429,          /* with Retry-After */
    TOLD_ERROR_INSIDE, /* 200, and the body says that it failed */
    TOLD_SLOW,
    TOLD_FAULTS
};
const char *told_fault_name(enum told_fault fault);

struct told_arrival {
    int64_t message;
    char lane[40], value[32];
};

struct told_shop {
    struct cw_transport transport; /* first */
    struct cw_loop *loop;
    struct cw_random random;
    unsigned faults_per_1000;
    enum told_fault next;   /* the next answer to a write; TOLD_FINE = drawn */
    enum told_fault always; /* every answer to a write; TOLD_FINE = drawn */
    bool is_strict;
    struct told_arrival arrivals[TOLD_ARRIVALS_MAX];
    size_t count;
    uint64_t writes, reads, faults[TOLD_FAULTS];
    uint64_t lines;             /* in all writes */
    void (*touched)(void *arg); /* when a request comes, and before each answer; NULL = nobody */
    void *arg;
    struct cw_hasher trace;
    bool is_traced; /* also on standard output */
    struct told_request *running;
};

void told_shop_init(struct told_shop *shop, struct cw_loop *loop, uint64_t seed);
void told_shop_fini(struct told_shop *shop);
void told_shop_note(struct told_shop *shop, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How often the message arrived; what came last in a lane, NULL = nothing. */
unsigned told_shop_arrived(const struct told_shop *shop, int64_t message);
const char *told_shop_value(const struct told_shop *shop, const char *lane);

/* carts/told.lua, with or without probes, and with batches or without. */
void told_cart(bool has_probe, bool has_send, bool has_batch, char out[8192]);

#endif
