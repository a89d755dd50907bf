/* reconcile_private.h - one run of a job that looks twice: what reconcile.c (its beginning and end),
 * reconcile_compare.c and reconcile_refresh.c (what is asked for), and reconcile_read.c (how it is fetched)
 * share.
 */
#ifndef CW_ENGINE_RECONCILE_PRIVATE_H
#define CW_ENGINE_RECONCILE_PRIVATE_H

#include "engine/bisect.h"
#include "engine/reading.h"
#include "engine/reconcile.h"
#include "engine/reconcile_ask.h"

struct cw_reconcile {
    struct cw_session *session;
    const struct cw_lua_stream *stream;
    struct cw_reconcile_config config;
    bool is_refresh, by_ids;
    cw_reconcile_found_fn *found;
    cw_reconcile_done_fn *done;
    void *arg;

    struct cw_run run;
    struct cw_reconcile_report report;
    cw_time done_until;   /* of the stream's cursor */
    struct cw_ids listed; /* what the cart has in the window; marked: the store lacks it */
    struct cw_ids stored; /* what the store has in the window */
    struct cw_unfinished unfinished;
    struct cw_ids wanted; /* to be read */
    struct cw_ids broken; /* what broke the list before, by its name */
    cw_loop_fn *fetched_window;
    struct cw_ids gone, not_sent;
    uint64_t fetched;
    size_t next; /* of listed: to be looked up */
    struct cw_breaks *breaks;
    size_t next_break;
    uint64_t read_before; /* by refreshes before this one that were interrupted */

    struct cw_txn *txn;
    struct cw_fiber *fiber;
    struct cw_reading *reading;
    struct cw_bisect *bisect;
    struct cw_break_change *change;
    struct cw_later later;
    bool run_is_open, in_store, cancelled;
    struct cw_http_stats http_before;
    char version[CW_HASH_TEXT_MAX], message[CW_ERROR_TEXT_MAX];
    struct cw_error err;
};

static inline struct cw_loop *cw_reconcile_loop(const struct cw_reconcile *reconcile)
{
    return cw_session_settings(reconcile->session)->loop;
}

static inline struct cw_store *cw_reconcile_store(const struct cw_reconcile *reconcile)
{
    return cw_session_settings(reconcile->session)->store;
}

/* In reconcile.c. The run is over; `err` NULL = well. */
void cw_reconcile_end(struct cw_reconcile *reconcile, const struct cw_error *err);
/* Tells whoever wants to know. */
void cw_reconcile_tell(struct cw_reconcile *reconcile, struct cw_slice id, enum cw_reconcile_find find);
/* First in each callback of the store: whether the run was called off meanwhile, and is gone now. */
bool cw_reconcile_was_cancelled(struct cw_reconcile *reconcile);

/* What the jobs begin with; they end with cw_reconcile_read, cw_reconcile_fetch or cw_reconcile_end. */
void cw_reconcile_compare(struct cw_reconcile *reconcile);
void cw_reconcile_refresh(struct cw_reconcile *reconcile);

/* Reads `wanted`, each told by `read`, then what broke the list before, and ends. */
void cw_reconcile_read(struct cw_reconcile *reconcile, cw_read_fn *read);
/* Fetches what was changed since `from`, and goes on with `done`; `seen` as of cw_pipeline, or NULL. */
void cw_reconcile_fetch(struct cw_reconcile *reconcile, cw_time from, cw_seen_fn *seen, cw_loop_fn *done);
/* Asks again for what broke the list before, and ends. */
void cw_reconcile_heal(struct cw_reconcile *reconcile);

#endif
