/* bisect.h - one window of a stream, read around records that break the cart's list call.
 *
 * Where a window cannot be read, the longest beginning of it that can be is looked for, by halving; what
 * comes behind that, within a second, is the record. It is parked alone (breaks.h), and reading goes on
 * behind it. A cart that lists ids and reads by them is asked that way instead, and the record has its name.
 *
 * First an empty window is asked for: a shop that cannot even answer that is out, no record is blamed, and
 * that was the only call more. With W seconds in the window, one record costs at most log2(W) + 3 calls more
 * than reading the window.
 */
#ifndef CW_ENGINE_BISECT_H
#define CW_ENGINE_BISECT_H

#include "engine/breaks.h"

/* Once, from the loop. err NULL: all of the window is stored or parked. `may_be_one` with an error: a single
 * record can be the cause, but was not searched for. */
typedef void cw_bisect_done_fn(void *arg, bool may_be_one, const struct cw_error *err);

struct cw_bisect_config {
    struct cw_session *session;
    const struct cw_lua_stream *stream;
    struct cw_run *run;             /* open in the session's emitter, without a cursor */
    cw_time from, to;               /* of the window */
    const struct cw_breaks *breaks; /* known before; borrowed */
    bool may_retry;                 /* ask for the known ones too */
    bool may_search;                /* else a failure ends it: one failure alone is no proof */
    const struct cw_error *failed;  /* how the window failed just now; NULL = it was not asked for yet */
    cw_bisect_done_fn *done;
    void *arg;
};

struct cw_bisect;

struct cw_bisect *cw_bisect_start(const struct cw_bisect_config *config, struct cw_error *err);
void cw_bisect_cancel(struct cw_bisect *bisect); /* no callback; accepts NULL */

/* Whether one of the breaks lies in the window, or may as far as is known. */
bool cw_breaks_touch(const struct cw_breaks *breaks, const struct cw_lua_stream *stream, cw_time from,
                     cw_time to);

#endif
