/* emit.h - the runs that pages emitted by scripts belong to.
 *
 * A sync opens a run for its stream and closes it. A script run by `exec` opens none: the first page it emits
 * for a stream starts one, which ends with the script.
 */
#ifndef CW_ENGINE_EMIT_H
#define CW_ENGINE_EMIT_H

#include "engine/pipeline.h"

struct cw_emitter;

/* `pipeline` (called for each page) says with which store and rules. `job` names runs that are started here;
 * NULL = none are, and a page without an open run is refused. */
struct cw_emitter *cw_emitter_create(struct cw_pipeline (*pipeline)(void *arg), void *arg, const char *job,
                                     struct cw_error *err);
/* No page may be on its way. Accepts NULL. */
void cw_emitter_free(struct cw_emitter *emitter);

/* While `run` is open, pages of `stream` belong to it; `cursor` goes with them (its position is set by each
 * page) unless NULL. Both are borrowed until cw_emitter_end. */
bool cw_emitter_begin(struct cw_emitter *emitter, const struct cw_lua_stream *stream, struct cw_run *run,
                      struct cw_cursor *cursor, struct cw_error *err);
/* Who looks on while pages of the open run are stored: `seen` as of cw_pipeline; with `only_look` nothing is
 * stored. */
struct cw_emit_watch {
    cw_seen_fn *seen;
    void *arg;
    bool only_look;
};
void cw_emitter_watch(struct cw_emitter *emitter, const struct cw_lua_stream *stream,
                      struct cw_emit_watch watch);
void cw_emitter_end(struct cw_emitter *emitter, const struct cw_lua_stream *stream);
/* Why a page of the open run could not be stored, the first one; NULL when all were. A script may catch the
 * error that it gets for it, but its run has failed all the same: the page's records are not in the store. */
const struct cw_error *cw_emitter_error(struct cw_emitter *emitter, const struct cw_lua_stream *stream);

/* The open run of the stream; NULL when there is none. */
struct cw_run *cw_emitter_run(struct cw_emitter *emitter, const struct cw_lua_stream *stream);

/* Calls `idle` once, from the loop, as soon as no page of the stream is on its way; forgotten when the run
 * ends before. */
void cw_emitter_when_idle(struct cw_emitter *emitter, const struct cw_lua_stream *stream, cw_loop_fn *idle,
                          void *arg);

/* As cw_lua_carts_host.emit and .cancel_emit. */
void *cw_emitter_emit(struct cw_emitter *emitter, const struct cw_lua_stream *stream,
                      struct cw_records *records, struct cw_slice position, cw_emit_done_fn *done, void *arg,
                      struct cw_error *err);
void cw_emitter_cancel(void *handle);

/* Ends the runs that were started here, each told by `ended`: failed with the script when `err` is not NULL.
 * Blocks. */
typedef void cw_run_ended_fn(void *arg, const struct cw_run *run);
void cw_emitter_finish(struct cw_emitter *emitter, const struct cw_error *err, cw_run_ended_fn *ended,
                       void *arg);

#endif
