/* batch.h - one run that stores records which are at hand already: a file, or stored raw records mapped
 * again.
 *
 * A transaction every BATCH records, so that memory and the store's lock stay small whatever the size;
 * interrupted, it is simply started again: what was stored costs one look-up a record.
 */
#ifndef CW_ENGINE_BATCH_H
#define CW_ENGINE_BATCH_H

#include "engine/sync.h"

struct cw_batch;

/* Takes over `records`, also on failure. `job` ("import") names the run in the sync log. `again`: map also
 * what is known and unchanged. `done` as for cw_sync_start. */
struct cw_batch *cw_batch_start(struct cw_session *session, const struct cw_lua_stream *stream,
                                const char *job, struct cw_records *records, bool again,
                                cw_sync_done_fn *done, void *arg, struct cw_error *err);
const struct cw_run_counts *cw_batch_counts(const struct cw_batch *batch);

#endif
