/* batch.h - one run that stores records which are at hand already: a file, or stored raw records mapped
 * again.
 *
 * A transaction every BATCH records, so that memory and the store's lock stay small whatever the size;
 * interrupted, it is simply started again: what was stored costs one look-up a record.
 */
#ifndef CW_ENGINE_BATCH_H
#define CW_ENGINE_BATCH_H

#include "engine/stored.h"
#include "engine/sync.h"

struct cw_batch;

struct cw_batch_config {
    const char *job;               /* names the run in the sync log: "import" */
    struct cw_records *records;    /* what is stored; or */
    struct cw_stored_pages *pages; /* stored records, page by page */
    bool again;                    /* map also what is known and unchanged */
    bool dry_run;                  /* store nothing; a session for dry runs never does */
    void (*compared)(void *arg, const struct cw_comparison *comparison); /* as of cw_pipeline; may be NULL */
    void *compared_arg;
};

/* Takes over records or pages, also on failure. `done` as for cw_sync_start. */
struct cw_batch *cw_batch_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                const struct cw_batch_config *config, cw_sync_done_fn *done, void *arg,
                                struct cw_error *err);
/* Ends the run behind the page in hand; the callback comes as ever. */
void cw_batch_stop(struct cw_batch *batch);
void cw_batch_cancel(struct cw_batch *batch); /* no callback */
const struct cw_run_counts *cw_batch_counts(const struct cw_batch *batch);

#endif
