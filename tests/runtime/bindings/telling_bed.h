/* telling_bed.h - a cart whose script tells it messages, beside a shop that answers from a list. */
#ifndef CW_TESTS_TELLING_BED_H
#define CW_TESTS_TELLING_BED_H

#include "cart_bed.h"
#include "lua_bed.h"

enum { TOLD_MAX = 8, TOLD_TEXT_MAX = 1100 };

struct telling_bed {
    struct cart_bed cart;
    struct shop shop;
    uint64_t fail_allocation; /* of the next cart; 0 = none */
    bool ended;
    /* Of the call that ended last. */
    size_t count;
    enum cw_lua_said said[TOLD_MAX];
    char words[TOLD_MAX][TOLD_TEXT_MAX], links[TOLD_MAX][64];
    struct cw_lua_effects effects;
    bool failed;
    struct cw_error err;
    int status;
};
extern struct telling_bed tells;

/* A cart whose script has these lines between cart.new and its end; `J`, `D` and `T` are json, decimal and
 * time there. `cart`: what stands in its entry of site.lua besides its type. Fails the test when it cannot be
 * opened. */
void telling_bed_open(const char *script, const char *cart);
bool telling_bed_try_open(const char *script, const char *cart); /* false with tells.cart.err */
int telling_bed_close(void **state);

/* Messages with these payloads and the ids 11, 12, ...; `links` NULL = none. The fiber, not run yet. */
struct cw_fiber *telling_bed_start(enum cw_out out, enum cw_lua_telling how, const char *const *payloads,
                                   const char *const *links, size_t count);
void telling_bed_run(void); /* until it ended */
/* Start and run. */
void telling_bed_tell(enum cw_out out, enum cw_lua_telling how, const char *const *payloads, size_t count);
/* The same with one message of statuses_out, or for how == CW_TELL_BATCH and CW_TELL_PROBE two. */
void telling_bed_say(enum cw_lua_telling how);

void telling_bed_answer(int status, const char *body);
void telling_bed_break(enum cw_code code); /* no answer, but an error */

#define assert_effects(wanted_writes, wanted_uncertain, wanted_refused, wanted_taken)                        \
    do {                                                                                                     \
        assert_int_equal(tells.effects.writes, wanted_writes);                                               \
        assert_int_equal(tells.effects.uncertain, wanted_uncertain);                                         \
        assert_int_equal(tells.effects.refused, wanted_refused);                                             \
        assert_int_equal(tells.effects.taken, wanted_taken);                                                 \
    } while (0)

#endif
