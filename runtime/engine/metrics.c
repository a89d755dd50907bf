/* metrics.c - see metrics.h: what a worker counts in its page. metrics_text.c reads it. */
#include "engine/metrics.h"

#include "adapters/utf8.h"
#include "engine/metrics_page.h"

const struct bounds cw_metrics_durations = {
    5, { CW_SECOND, 5 * CW_SECOND, 30 * CW_SECOND, 2 * CW_MINUTE, 10 * CW_MINUTE }
};
const struct bounds cw_metrics_delays = {
    5, { CW_SECOND / 10, CW_SECOND, 10 * CW_SECOND, CW_MINUTE, 10 * CW_MINUTE }
};

size_t cw_metrics_page_size(void)
{
    return sizeof(struct cw_metrics_page);
}

/* --- series --- */

/* As much of a name as there is room for, and nothing that is no text. */
static void copy_name(char *out, size_t cap, struct cw_slice name)
{
    uint32_t point;
    name = cw_slice_clip(name, cap - 1);
    for (size_t at = 0; at < name.len;) {
        unsigned len = cw_utf8_read(name.data + at, cw_slice_end(name), &point);
        if (len == 0 || point == 0)
            out[at++] = '?';
        else
            for (size_t end = at + len; at < end; at++)
                out[at] = name.data[at];
    }
    out[name.len] = '\0';
}

static uint32_t slot_of(const char *cart, const char *stream)
{
    uint32_t hash = cw_slice_hash(cw_slice(cart)) * 31 ^ cw_slice_hash(cw_slice(stream));
    return (hash ^ hash >> 15) % INDEX_SLOTS;
}

static bool is_of(const struct series *series, const char *cart, const char *stream)
{
    return strcmp(series->cart, cart) == 0 && strcmp(series->stream, stream) == 0;
}

static struct series *add_series(struct cw_metrics_page *page, uint32_t slot, const char *cart,
                                 const char *stream)
{
    uint32_t number = atomic_load_explicit(&page->count, memory_order_relaxed);
    if (number >= CW_METRICS_SERIES) {
        atomic_store_explicit(&page->overflowed, 1, memory_order_relaxed);
        return &page->series[OVERFLOW];
    }
    struct series *series = &page->series[number];
    strcpy(series->cart, cart);
    strcpy(series->stream, stream);
    page->index[slot] = (uint16_t)(number + 1);
    atomic_store_explicit(&page->count, number + 1, memory_order_release);
    return series;
}

static struct series *series_of(struct cw_metrics_page *page, struct cw_slice cart_name,
                                struct cw_slice stream_name)
{
    char cart[CW_PULSE_CART_MAX], stream[STREAM_MAX];
    copy_name(cart, sizeof cart, cart_name);
    copy_name(stream, sizeof stream, stream_name);
    uint32_t slot = slot_of(cart, stream);
    uint32_t count = atomic_load_explicit(&page->count, memory_order_relaxed);
    while (page->index[slot] != 0 && page->index[slot] <= count) {
        struct series *series = &page->series[page->index[slot] - 1];
        if (is_of(series, cart, stream))
            return series;
        slot = (slot + 1) % INDEX_SLOTS;
    }
    return add_series(page, slot, cart, stream);
}

/* One writer: no read-modify-write is needed, only that a reader never sees half a word. */
static void add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static void add_micros(_Atomic uint64_t *counter, cw_time more)
{
    add(counter, more > 0 ? (uint64_t)more : 0); /* a clock that was set back takes nothing away */
}

static void add_to_bucket(_Atomic uint64_t *buckets, const struct bounds *bounds, cw_time value)
{
    size_t at = 0;
    while (at < bounds->count && value > bounds->upper[at])
        at++;
    add(&buckets[at], 1);
}

static void set_gauge(struct cw_metrics_page *page, struct series *series, enum gauge gauge, uint64_t value)
{
    const uint64_t most = (1u << GAUGE_VALUE_BITS) - 1;
    if (series == &page->series[OVERFLOW]) /* one value cannot stand for many carts */
        return;
    uint64_t ticks = ((uint64_t)cw_elapsed_ns(&cw_system_clock) >> GAUGE_TICK_BITS) + 1;
    atomic_store_explicit(&series->gauges[gauge], ticks << GAUGE_VALUE_BITS | (value < most ? value : most),
                          memory_order_relaxed);
}

/* --- what is counted --- */

void cw_metrics_run_began(struct cw_metrics_page *page, const char *cart, const char *stream)
{
    if (page != NULL)
        add(&series_of(page, cw_slice(cart), cw_slice(stream))->counters[STARTED], 1);
}

static void add_run_counts(struct series *series, const struct cw_run_counts *counts)
{
    _Atomic uint64_t *to = series->counters;
    add(&to[POSTED], counts->posted);
    add(&to[UNCHANGED], counts->unchanged);
    add(&to[PARKED], counts->parked);
    add(&to[SKIPPED], counts->skipped);
    add(&to[HELD], counts->held);
    add(&to[STORED], counts->stored);
    add(&to[WARNINGS], counts->warnings);
    add(&to[ERRORS], counts->errors);
    add(&to[PAGES], counts->pages);
    add(&to[REQUESTS], counts->requests);
    add(&to[BYTES_IN], counts->bytes_in);
    add(&to[FETCH_US], counts->fetch_us);
    add(&to[STORE_US], counts->store_us);
}

void cw_metrics_run_ended(struct cw_metrics_page *page, const struct cw_run *run)
{
    if (page == NULL)
        return;
    struct series *series = series_of(page, run->cart, run->stream);
    cw_time took = run->ended_at == CW_TIME_NONE ? 0 : run->ended_at - run->started_at;
    add_run_counts(series, &run->counts);
    add(&series->counters[run->state == CW_RUN_DONE ? DONE : FAILED], 1);
    add_micros(&series->counters[DURATION_US], took);
    add_to_bucket(series->durations, &cw_metrics_durations, took);
    if (run->state == CW_RUN_DONE && series != &page->series[OVERFLOW])
        atomic_store_explicit(&series->last_success, run->ended_at, memory_order_relaxed);
}

void cw_metrics_set_waiting(struct cw_metrics_page *page, const char *cart, const char *stream,
                            uint64_t records)
{
    if (page != NULL)
        set_gauge(page, series_of(page, cw_slice(cart), cw_slice(stream)), WAITING, records);
}

void cw_metrics_set_messages(struct cw_metrics_page *page, const char *cart, const char *stream,
                             const struct cw_metrics_messages *messages)
{
    if (page == NULL)
        return;
    struct series *series = series_of(page, cw_slice(cart), cw_slice(stream));
    set_gauge(page, series, QUEUED_MESSAGES, messages->queued);
    set_gauge(page, series, UNKNOWN_MESSAGES, messages->unknown);
    set_gauge(page, series, FAILED_MESSAGES, messages->failed);
}

void cw_metrics_set_quiet(struct cw_metrics_page *page, const char *cart, bool is_quiet)
{
    if (page != NULL)
        set_gauge(page, series_of(page, cw_slice(cart), cw_slice("")), QUIET, is_quiet);
}

void cw_metrics_webhook(struct cw_metrics_page *page, const char *cart, enum cw_webhook_end end)
{
    if (page != NULL)
        add(&series_of(page, cw_slice(cart), cw_slice(""))->counters[WEBHOOKS_STORED + end], 1);
}

void cw_metrics_late(struct cw_metrics_page *page, cw_time late)
{
    if (page == NULL)
        return;
    add_micros(&page->delay_us, late);
    add_to_bucket(page->delays, &cw_metrics_delays, late);
}
