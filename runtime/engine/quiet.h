/* quiet.h - whether a cart brings fewer orders than its rhythm makes likely, and since when somebody knows.
 *
 * Judged by the times at which orders were placed (rhythm.h) and by how far the stream of orders is complete:
 * a cart whose syncs fail is not quiet, it fails. An order that waits, parked or held, is a sign of life.
 * What was told of a cart stands in its state under CW_QUIET_KEY.
 */
#ifndef CW_ENGINE_QUIET_H
#define CW_ENGINE_QUIET_H

#include "adapters/store.h"
#include "engine/site.h"

#define CW_QUIET_KEY CW_STATE_OWN "quiet"

enum cw_quiet_news { CW_QUIET_NO_NEWS, CW_QUIET_ALARM, CW_QUIET_LIVELY };

struct cw_quiet {
    struct cw_slice cart;
    bool is_quiet; /* it was told, and no order has come since */
    cw_time last_order_at, told_at;
    double expected; /* orders since the last one, when it was told */
};

/* Looks at one cart. `err` NULL: `quiet` is how it stands now and `news` what is to be told and remembered.
 * Once, from the loop; valid during the call. */
typedef void cw_quiet_found_fn(void *arg, const struct cw_quiet *quiet, enum cw_quiet_news news,
                               const struct cw_error *err);
struct cw_quiet_look;
struct cw_quiet_look *cw_quiet_look(struct cw_store *store, struct cw_loop *loop, const struct cw_zone *zone,
                                    const char *cart, cw_quiet_found_fn *found, void *arg);
void cw_quiet_cancel(struct cw_quiet_look *look); /* no callback */

/* Remembers how a cart stands; belongs into the transaction that leaves the note of it. */
bool cw_quiet_put(struct cw_txn *txn, const struct cw_quiet *quiet);

/* The carts of the site that are quiet, as it was told last; `quiet` is valid during the call. */
typedef void cw_quiet_fn(void *arg, const struct cw_quiet *quiet);
void cw_quiet_read(struct cw_store *store, const struct cw_site *site, cw_quiet_fn *quiet,
                   cw_store_done_fn *done, void *arg);

#endif
