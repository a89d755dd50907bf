/* bisect_private.h - a window that is read around records which break its list: what bisect.c (stretches of
 * it, and calls), bisect_time.c (halving by time) and bisect_ids.c (by ids, where the cart lists them) share.
 */
#ifndef CW_ENGINE_BISECT_PRIVATE_H
#define CW_ENGINE_BISECT_PRIVATE_H

#include "engine/bisect.h"
#include "engine/ids.h"
#include "engine/reading.h"

struct cw_bisect {
    struct cw_bisect_config config;
    cw_time at;          /* all before it is read; CW_TIME_NONE = nothing is */
    cw_time segment_end; /* of the stretch in hand, up to the next known break or the window's end */
    size_t known;        /* the next one of the known breaks */
    bool is_before_known;
    cw_time base, lo, hi; /* a search: from base to lo can be read, to hi it cannot */
    bool alive;           /* the shop answered since the search began */
    bool was_unbounded;
    unsigned failures, parked, searches; /* failures: in a row */
    uint64_t read_before;                /* records of the run */
    bool broke;                          /* the answer: a single record can be the cause */
    void (*next)(struct cw_bisect *bisect);
    struct cw_lua_window window;
    struct cw_fiber *fiber;
    struct cw_reading *reading;
    struct cw_break_change *change;
    struct cw_ids ids;
    size_t suspects;   /* at the end of ids: known to break the list */
    bool lacks_memory; /* for ids */
    struct cw_later later;
    bool may_be_one;
    struct cw_error err;
};

static inline struct cw_loop *cw_bisect_loop(const struct cw_bisect *bisect)
{
    return cw_session_settings(bisect->config.session)->loop;
}

/* --- bisect.c --- */

void cw_bisect_end(struct cw_bisect *bisect, bool may_be_one, const struct cw_error *err);
/* Fetches a part of the window, and goes on with `next`, which finds in `broke` how that went. */
void cw_bisect_ask(struct cw_bisect *bisect, cw_time from, cw_time to, enum cw_lua_search search,
                   void (*next)(struct cw_bisect *bisect));
/* Takes in how a call ended; false when that was the end of all. */
bool cw_bisect_take_answer(struct cw_bisect *bisect, struct cw_slice text, const struct cw_error *err);
/* The stretch in hand, or what is left of it, was asked for. */
void cw_bisect_segment_read(struct cw_bisect *bisect);
void cw_bisect_segment_done(struct cw_bisect *bisect);
void cw_bisect_next_segment(struct cw_bisect *bisect);
bool cw_bisect_can_use_ids(const struct cw_lua_stream *stream);

/* Look for the records that break the stretch in hand; both go on behind it. */
void cw_bisect_by_time(struct cw_bisect *bisect);
void cw_bisect_by_ids(struct cw_bisect *bisect);

#endif
