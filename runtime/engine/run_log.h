/* run_log.h - what the log says of runs: every event, its level and its fields, in this one place.
 *
 *   run-began         info     cart stream job run began_by
 *   page-stored       debug    cart stream job run, counts of the page
 *   run-ended         info     cart stream job run, counts and times of the run
 *   run-failed        error    the same, code, error
 *   run-fails         error    cart stream job code error, failures: since the last line, since: the first
 * one run-recovered     warning  cart stream job, failures, since tidied            info     removed
 *   cart-quiet        warning  cart last_order_at expected check
 *   cart-lively       warning  cart last_order_at
 *
 * Equal errors are told once: a run that fails with the same code as the one before it (of its cart, stream
 * and job) is only counted, the count is told at most once a minute, and the run that is done at last tells
 * how many there were.
 */
#ifndef CW_ENGINE_RUN_LOG_H
#define CW_ENGINE_RUN_LOG_H

#include "adapters/store.h"

struct cw_run_log;

/* One of a process; `loop` for the minute after which a count is told. */
struct cw_run_log *cw_run_log_create(struct cw_loop *loop, struct cw_error *err);
void cw_run_log_free(struct cw_run_log *log); /* tells counts that were not yet told; accepts NULL */

/* Nothing happens where `log` is NULL. */
void cw_run_log_began(struct cw_run_log *log, const struct cw_run *run);
void cw_run_log_page(struct cw_run_log *log, const struct cw_run *run, const struct cw_run_counts *page);
/* `err` NULL = it was done. The error's text must hold no secret. */
void cw_run_log_ended(struct cw_run_log *log, const struct cw_run *run, const struct cw_error *err);

/* These need no log of runs: each is told once by whoever calls. */
void cw_log_tidied(uint64_t removed, cw_time took);
void cw_log_quiet(const char *cart, cw_time last_order_at, double expected);
void cw_log_lively(const char *cart, cw_time last_order_at);

#endif
