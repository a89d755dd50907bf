/* reconcile.h - the jobs that look twice: "reconcile STREAM" and "refresh STREAM".
 *
 * Reconcile asks the cart which records it has in a stretch of time and fetches those that the store lacks;
 * what the store has and the cart no longer shows is listed in the notes of the run. Refresh reads those
 * orders again that are not final yet, because live shops do not always stamp their changes. Both are runs of
 * the stream, with counts and notes, through the same pipeline as a sync, and leave its cursor alone.
 *
 * How a cart is asked: by `stream.ids(self, window)` and `stream.read(self, ids)` where its script has them,
 * else by `stream.fetch` over the same window, which costs a look-up for each record that is known.
 */
#ifndef CW_ENGINE_RECONCILE_H
#define CW_ENGINE_RECONCILE_H

#include "engine/sync.h"

struct cw_reconcile_config {
    const char *job;  /* "reconcile" or "refresh" */
    cw_time from, to; /* CW_TIME_NONE: as the stream's script says, else the last 14 days */
    bool only_tell;   /* report, fetch nothing */
};

struct cw_reconcile_report {
    const struct cw_run *run;
    uint64_t in_cart, in_store; /* records in the window */
    uint64_t missing, gone;     /* from the store; from the cart */
};

typedef void cw_reconcile_done_fn(void *arg, const struct cw_reconcile_report *report,
                                  const struct cw_error *err);
/* One that is missing (is_gone false) or that the cart shows no more. */
typedef void cw_reconcile_found_fn(void *arg, struct cw_slice external_id, bool is_gone);

struct cw_reconcile;
struct cw_reconcile *cw_reconcile_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                        const struct cw_reconcile_config *config,
                                        cw_reconcile_found_fn *found, cw_reconcile_done_fn *done, void *arg,
                                        struct cw_error *err);
void cw_reconcile_cancel(struct cw_reconcile *reconcile); /* no callback */

#endif
