/* run_notes.h - what a run leaves in the sync log besides its counts: notes, linked to their records, and its
 * end.
 *
 * At most CW_RUN_NOTES_MAX warnings of a run are written; the last note counts those that were left out.
 */
#ifndef CW_ENGINE_RUN_NOTES_H
#define CW_ENGINE_RUN_NOTES_H

#include "adapters/store.h"

enum { CW_RUN_NOTES_MAX = 1000 };

/* A warning about a record. It is counted in `counts`; `before` = those of the run that are counted elsewhere
 * already. */
void cw_run_note(struct cw_txn *txn, int64_t run, uint64_t before, struct cw_run_counts *counts,
                 struct cw_slice message, struct cw_record_key key);

/* The run's last notes (what was left out, why it failed), and the run itself with the error counted. */
void cw_run_put_end(struct cw_txn *txn, struct cw_run *run);

#endif
