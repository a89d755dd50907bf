/* reconcile_ask.h - what reconcile.c asks the store: which records it has in a window, which orders are not
 * final. Private to it. */
#ifndef CW_ENGINE_RECONCILE_ASK_H
#define CW_ENGINE_RECONCILE_ASK_H

#include "bindings/carts.h"
#include "engine/ids.h"

/* Adds to `ids`, oldest first, the records that have a document placed (made, shipped) in [from, to), or at
 * any time where both are CW_TIME_NONE or the stream's documents have no such time. `ids` must live until
 * done. */
void cw_ask_placed(struct cw_store *store, const struct cw_lua_stream *stream, cw_time from, cw_time to,
                   struct cw_ids *ids, cw_store_done_fn *done, void *arg);

struct cw_unfinished {
    struct cw_ids ids;
    cw_time oldest; /* when the first of them was placed; CW_TIME_NONE = there is none */
};

/* Orders placed since `from` whose status is not final, oldest first; then those that wait to be mapped. */
void cw_ask_unfinished(struct cw_store *store, const struct cw_lua_stream *stream, cw_time from,
                       struct cw_unfinished *unfinished, cw_store_done_fn *done, void *arg);

/* How many records were read by the refreshes of the stream since the last one that came to its end. */
void cw_ask_interrupted(struct cw_store *store, const struct cw_lua_stream *stream, uint64_t *read,
                        cw_store_done_fn *done, void *arg);

#endif
