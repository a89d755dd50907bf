/* metrics_page.h - private to metrics: how a page of counters lies in memory.
 *
 * Series are taken in order and never given back. A series is visible once `count` covers it; what a writer
 * that died left half made lies behind `count` and is written over by the next one.
 */
#ifndef CW_ENGINE_METRICS_PAGE_H
#define CW_ENGINE_METRICS_PAGE_H

#include <stdatomic.h>

#include "engine/metrics.h"

enum {
    STREAM_MAX = 64,             /* bytes of a stream's name, terminator included; longer ones are cut */
    INDEX_SLOTS = 16384,         /* a power of two, well above CW_METRICS_SERIES */
    OVERFLOW = CW_METRICS_SERIES /* the series of what does not fit */
};

enum counter {
    STARTED,
    DONE,
    FAILED,
    POSTED,
    UNCHANGED,
    PARKED,
    SKIPPED,
    HELD,
    STORED,
    WARNINGS,
    ERRORS,
    PAGES,
    REQUESTS,
    BYTES_IN,
    FETCH_US, /* microseconds */
    STORE_US,
    DURATION_US,
    WEBHOOKS_STORED, /* in the order of enum cw_webhook_end */
    WEBHOOKS_REPEATED,
    WEBHOOKS_REFUSED,
    WEBHOOKS_BUSY,
    COUNTERS
};

/* A value with the moment at which it was set, in one word: of several pages the newest one holds. 0 = never
 * set. */
enum gauge { WAITING, QUIET, QUEUED_MESSAGES, UNKNOWN_MESSAGES, FAILED_MESSAGES, GAUGES };
enum {
    GAUGE_VALUE_BITS = 28,
    GAUGE_TICK_BITS = 24 /* of nanoseconds: ticks of 17 ms, of which 36 bits last 36 years */
};

enum { BUCKETS_MAX = 6 }; /* of a histogram, the one without a bound included */
struct bounds {
    size_t count; /* finite ones */
    cw_time upper[BUCKETS_MAX - 1];
};
extern const struct bounds cw_metrics_durations, cw_metrics_delays;

struct series {
    char cart[CW_PULSE_CART_MAX], stream[STREAM_MAX]; /* stream "" = what belongs to the cart as a whole */
    _Atomic uint64_t counters[COUNTERS];
    _Atomic uint64_t durations[BUCKETS_MAX]; /* runs in each bucket alone; their sum is the number of runs */
    _Atomic uint64_t gauges[GAUGES];
    _Atomic int64_t last_success; /* cw_time; 0 = none */
};

struct cw_metrics_page {
    _Atomic uint32_t count; /* series in use */
    _Atomic uint32_t overflowed;
    _Atomic uint64_t delays[BUCKETS_MAX], delay_us;
    uint16_t index[INDEX_SLOTS]; /* the writer's alone: number of a series plus 1 */
    struct series series[CW_METRICS_SERIES + 1];
};

/* One cart and stream, over all pages. */
struct cw_metrics_total {
    struct cw_slice cart, stream; /* in the first page that has them */
    uint64_t counters[COUNTERS], durations[BUCKETS_MAX];
    uint64_t gauges[GAUGES]; /* with their moments in the high bits; 0 = never set */
    int64_t last_success;    /* 0 = none */
};

/* In order of cart and stream, each once; to be freed. NULL and *err when memory is short. */
struct cw_metrics_total *cw_metrics_sum(struct cw_metrics_page *const *pages, size_t page_count,
                                        size_t *count, struct cw_error *err);

#endif
