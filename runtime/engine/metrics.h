/* metrics.h - counters and gauges of the workers of one machine, and their text for Prometheus.
 *
 * A worker writes its own page (in the memory of its pulse), without locks; the supervisor adds the pages up
 * when it is asked. Series are told apart by cart and stream; a page has room for CW_METRICS_SERIES of them,
 * and what does not fit is counted under cart "other". Counters of all pages are added up; of a gauge the
 * value that was set last holds, whichever worker set it. Nothing in a page is a pointer, so that a worker's
 * replacement goes on in the page of the one before.
 */
#ifndef CW_ENGINE_METRICS_H
#define CW_ENGINE_METRICS_H

#include "adapters/store.h"
#include "engine/pulse.h"

enum { CW_METRICS_SERIES = 4096 };

struct cw_metrics_page;
size_t cw_metrics_page_size(void);

/* All accept a page that is NULL, and do nothing then. Names of carts are those of the site: what strangers
 * may choose would fill the page. */
void cw_metrics_run_began(struct cw_metrics_page *page, const char *cart, const char *stream);
/* Counts, duration, outcome and the time of the last success. */
void cw_metrics_run_ended(struct cw_metrics_page *page, const struct cw_run *run);
void cw_metrics_set_waiting(struct cw_metrics_page *page, const char *cart, const char *stream,
                            uint64_t records);
/* Of a stream out: what was left when its last run ended. */
struct cw_metrics_messages {
    uint64_t queued, unknown, failed;
};
void cw_metrics_set_messages(struct cw_metrics_page *page, const char *cart, const char *stream,
                             const struct cw_metrics_messages *messages);
void cw_metrics_set_quiet(struct cw_metrics_page *page, const char *cart, bool is_quiet);
enum cw_webhook_end { CW_WEBHOOK_STORED, CW_WEBHOOK_REPEATED, CW_WEBHOOK_REFUSED, CW_WEBHOOK_BUSY };
void cw_metrics_webhook(struct cw_metrics_page *page, const char *cart, enum cw_webhook_end end);
void cw_metrics_late(struct cw_metrics_page *page, cw_time late); /* a job began so long after it was due */

/* The sum of all pages, and what the supervisor knows of its workers. */
struct cw_metrics_process {
    unsigned workers_wanted, workers_ready;
    uint64_t workers_died, workers_hung;
    cw_time started_at;
};
bool cw_metrics_write(struct cw_metrics_page *const *pages, size_t count,
                      const struct cw_metrics_process *process, struct cw_buffer *out, struct cw_error *err);

#endif
