/* metrics_sum.c - the pages of all workers, added up by cart and stream. What a worker wrote is not trusted:
 * it may have been anything that happened to its memory. */
#include <stdlib.h>

#include "engine/metrics_page.h"

static struct cw_slice name_of(const char *name, size_t cap)
{
    const char *end = memchr(name, '\0', cap);
    return (struct cw_slice){ name, end != NULL ? (size_t)(end - name) : cap };
}

static void take(struct cw_metrics_total *total, const struct series *series)
{
    for (size_t i = 0; i < COUNTERS; i++)
        total->counters[i] += atomic_load_explicit(&series->counters[i], memory_order_relaxed);
    for (size_t i = 0; i < BUCKETS_MAX; i++)
        total->durations[i] += atomic_load_explicit(&series->durations[i], memory_order_relaxed);
    for (size_t i = 0; i < GAUGES; i++) {
        uint64_t gauge = atomic_load_explicit(&series->gauges[i], memory_order_relaxed);
        if (gauge > total->gauges[i]) /* its moment stands in the high bits */
            total->gauges[i] = gauge;
    }
    int64_t last = atomic_load_explicit(&series->last_success, memory_order_relaxed);
    if (last > total->last_success)
        total->last_success = last;
}

static int compare_slices(struct cw_slice a, struct cw_slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_totals(const void *left, const void *right)
{
    const struct cw_metrics_total *a = left, *b = right;
    int order = compare_slices(a->cart, b->cart);
    return order != 0 ? order : compare_slices(a->stream, b->stream);
}

static uint32_t series_in(const struct cw_metrics_page *page)
{
    uint32_t count = atomic_load_explicit(&page->count, memory_order_acquire);
    return count < CW_METRICS_SERIES ? count : CW_METRICS_SERIES;
}

static size_t collect(struct cw_metrics_page *const *pages, size_t page_count,
                      struct cw_metrics_total *totals)
{
    size_t next = 0;
    for (size_t p = 0; p < page_count; p++) {
        uint32_t count = series_in(pages[p]);
        for (uint32_t i = 0; i < count; i++) {
            const struct series *series = &pages[p]->series[i];
            totals[next] =
                (struct cw_metrics_total){ .cart = name_of(series->cart, sizeof series->cart),
                                           .stream = name_of(series->stream, sizeof series->stream) };
            take(&totals[next++], series);
        }
        if (atomic_load_explicit(&pages[p]->overflowed, memory_order_relaxed) != 0) {
            totals[next] =
                (struct cw_metrics_total){ .cart = cw_slice("other"), .stream = cw_slice("other") };
            take(&totals[next++], &pages[p]->series[OVERFLOW]);
        }
    }
    return next;
}

static void merge(struct cw_metrics_total *to, const struct cw_metrics_total *from)
{
    for (size_t i = 0; i < COUNTERS; i++)
        to->counters[i] += from->counters[i];
    for (size_t i = 0; i < BUCKETS_MAX; i++)
        to->durations[i] += from->durations[i];
    for (size_t i = 0; i < GAUGES; i++)
        if (from->gauges[i] > to->gauges[i])
            to->gauges[i] = from->gauges[i];
    if (from->last_success > to->last_success)
        to->last_success = from->last_success;
}

static size_t unite(struct cw_metrics_total *totals, size_t count)
{
    size_t last = 0;
    if (count == 0)
        return 0;
    qsort(totals, count, sizeof *totals, compare_totals);
    for (size_t i = 1; i < count; i++)
        if (compare_totals(&totals[last], &totals[i]) == 0)
            merge(&totals[last], &totals[i]);
        else
            totals[++last] = totals[i];
    return last + 1;
}

struct cw_metrics_total *cw_metrics_sum(struct cw_metrics_page *const *pages, size_t page_count,
                                        size_t *count, struct cw_error *err)
{
    struct cw_metrics_total *totals = calloc(page_count * (CW_METRICS_SERIES + 1) + 1, sizeof *totals);
    if (totals == NULL)
        cw_fail(err, CW_NOMEM, "no memory to add up the metrics of %zu workers", page_count);
    else
        *count = unite(totals, collect(pages, page_count, totals));
    return totals;
}
