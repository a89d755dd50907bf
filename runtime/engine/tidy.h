/* tidy.h - the site's own job: removes what is kept long enough, and looks whether a cart is too quiet.
 *
 * Removing goes in small transactions, so that nobody waits long. Quiet is judged by the cart's own rhythm:
 * how many orders came in the same hours of the last weeks; a cart that should have brought several and
 * brought none raises one alarm (log, metric, a note of the run), and one notice when orders come again; see
 * quiet.h. A run that removed nothing and has nothing to tell leaves no line in the sync log.
 */
#ifndef CW_ENGINE_TIDY_H
#define CW_ENGINE_TIDY_H

#include "engine/metrics.h"
#include "engine/site.h"

struct cw_tidy_config {
    const struct cw_site *site;
    struct cw_loop *loop;
    struct cw_store *store;
    struct cw_fence fence;
    struct cw_metrics_page *metrics; /* may be NULL */
    const char *worker;              /* which one does it, as in leases; may be NULL */
};

/* `err` NULL = done. Once, from the loop. */
typedef void cw_tidy_done_fn(void *arg, uint64_t removed, const struct cw_error *err);
struct cw_tidy;
struct cw_tidy *cw_tidy_start(const struct cw_tidy_config *config, cw_tidy_done_fn *done, void *arg,
                              struct cw_error *err);
void cw_tidy_cancel(struct cw_tidy *tidy); /* no callback */

#endif
