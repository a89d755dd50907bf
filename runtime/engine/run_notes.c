/* run_notes.c - see run_notes.h. A put that fails loses the transaction, which says so at its commit. */
#include "engine/run_notes.h"

#include <inttypes.h>
#include <stdio.h>

void cw_run_note(struct cw_txn *txn, int64_t run, uint64_t before, struct cw_run_counts *counts,
                 struct cw_slice message, struct cw_record_key key)
{
    if (before + counts->warnings < CW_RUN_NOTES_MAX)
        cw_txn_put_run_note(txn, run, cw_slice("warning"), message, key);
    counts->warnings++;
}

static void put_rest(struct cw_txn *txn, const struct cw_run *run, struct cw_record_key key)
{
    char text[160];
    snprintf(text, sizeof text,
             "%" PRIu64 " more notes were left out; see: cartwright list parked --cart %.*s",
             run->counts.warnings - CW_RUN_NOTES_MAX, CW_SLICE_ARG(cw_slice_clip(run->cart, 64)));
    cw_txn_put_run_note(txn, run->id, cw_slice("warning"), cw_slice(text), key);
}

void cw_run_put_end(struct cw_txn *txn, struct cw_run *run)
{
    const struct cw_record_key key = { run->cart, run->stream, { "", 0 } };
    if (run->counts.warnings > CW_RUN_NOTES_MAX)
        put_rest(txn, run, key);
    if (run->state == CW_RUN_FAILED) {
        run->counts.errors = 1;
        cw_txn_put_run_note(txn, run->id, cw_slice("error"), run->message, key);
    }
    cw_txn_put_run(txn, run);
}
