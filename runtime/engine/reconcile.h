/* reconcile.h - the jobs that look twice: "reconcile STREAM" and "refresh STREAM".
 *
 * Reconcile asks the cart which records it has in a stretch of time (orders: placed in it) and fetches those
 * that the store lacks; what the store has and the cart no longer shows is listed in the notes of the run.
 * Refresh reads those orders again that are not final yet, because live shops do not always stamp their
 * changes. Both are runs of the stream, with counts and notes, through the same pipeline as a sync, and leave
 * its cursor alone. Both ask again for records that broke the list before.
 *
 * How a cart is asked: by `stream.ids(self, window)` and `stream.read(self, ids)` where its script has them,
 * else by `stream.fetch` over all that was changed since the window began, which costs a look-up for each
 * record that is known. With `read`, what the cart does not list is asked for before it counts as gone.
 */
#ifndef CW_ENGINE_RECONCILE_H
#define CW_ENGINE_RECONCILE_H

#include "engine/sync.h"

struct cw_reconcile_config {
    const char *job; /* "reconcile" or "refresh" */
    /* CW_TIME_NONE: from as the stream's script says, else 14 days back; to as far as sync says that all is
     * there. Of a refresh `from` bounds when orders were placed, `to` is not used. */
    cw_time from, to;
    bool only_tell; /* report, fetch nothing, and leave no trace; so does a dry run */
};

struct cw_reconcile_report {
    const struct cw_run *run;
    cw_time from, to;           /* of the window; CW_TIME_NONE = without a beginning */
    uint64_t in_cart, in_store; /* records in the window; of a refresh: those that are not final */
    uint64_t missing, gone;     /* from the store before; from the cart */
};

typedef void cw_reconcile_done_fn(void *arg, const struct cw_reconcile_report *report,
                                  const struct cw_error *err);

enum cw_reconcile_find {
    CW_FIND_MISSING,  /* from the store; nothing was done about it */
    CW_FIND_FETCHED,  /* it was missing */
    CW_FIND_NOT_SENT, /* the cart lists it, but does not send it, or breaks over it */
    CW_FIND_GONE      /* the store has it, the cart shows it no more */
};
const char *cw_reconcile_find_name(enum cw_reconcile_find find);
typedef void cw_reconcile_found_fn(void *arg, struct cw_slice external_id, enum cw_reconcile_find find);

struct cw_reconcile;
/* `found` may be NULL. */
struct cw_reconcile *cw_reconcile_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                        const struct cw_reconcile_config *config,
                                        cw_reconcile_found_fn *found, cw_reconcile_done_fn *done, void *arg,
                                        struct cw_error *err);
void cw_reconcile_cancel(struct cw_reconcile *reconcile); /* no callback */

#endif
