/* sync.h - one run of a stream: its windows from the cursor to now, and the line it leaves in the sync log.
 *
 * A window that an earlier run began is finished first, with the bound it was begun with; then the next one
 * goes up to now. The cursor moves to a window's end in the transaction that ends the run's window, after the
 * script returned without an error. A run that fails leaves cursor and position where the last stored page
 * put them.
 */
#ifndef CW_ENGINE_SYNC_H
#define CW_ENGINE_SYNC_H

#include "engine/session.h"

struct cw_sync_report {
    const struct cw_run *run; /* state, counts, times */
    unsigned windows;
};

/* Once, from the loop. `err` is why the run failed; the report is there in any case, valid during the call.
 */
typedef void cw_sync_done_fn(void *arg, const struct cw_sync_report *report, const struct cw_error *err);

struct cw_sync;

/* NULL and *err when it cannot begin. Freed after its callback. */
struct cw_sync *cw_sync_start(struct cw_session *session, const struct cw_lua_stream *stream,
                              cw_sync_done_fn *done, void *arg, struct cw_error *err);
/* Ends the run behind the page in hand: it is done, says that it was stopped, and the next one goes on where
 * this one was. The callback comes as ever. */
void cw_sync_stop(struct cw_sync *sync);
void cw_sync_cancel(struct cw_sync *sync); /* no callback */
const struct cw_run_counts *cw_sync_counts(const struct cw_sync *sync);

/* Nothing that was changed before is asked for; CW_TIME_NONE = no such limit. */
cw_time cw_sync_first_moment(const struct cw_lua_stream *stream);

/* The window after `cursor` (NULL = the stream has none yet) at `now`. An interrupted window comes first;
 * `is_last` tells whether the stream is up to date after this one. A cursor that lies
 * ahead of `now` was written by a clock that was ahead: then the stream is read anew. */
struct cw_lua_window cw_sync_window(const struct cw_lua_stream *stream, const struct cw_cursor *cursor,
                                    cw_time now, bool *is_last);

#endif
