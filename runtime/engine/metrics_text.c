/* metrics_text.c - the sums of metrics_sum.c in the text format of Prometheus (version 0.0.4). */
#include "engine/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/utf8.h"
#include "engine/metrics_page.h"

struct text {
    struct cw_buffer *out;
    struct cw_error *err;
    const struct cw_metrics_total *totals;
    size_t count;
    bool has_label; /* the line in hand */
    bool ok;
};

static void put(struct text *text, const char *data, size_t len)
{
    text->ok = text->ok && cw_buffer_add(text->out, data, len, text->err);
}

static void put_word(struct text *text, const char *word)
{
    put(text, word, strlen(word));
}

/* For numbers. */
__attribute__((format(printf, 2, 3))) static void print(struct text *text, const char *fmt, ...)
{
    char part[64];
    va_list args;
    va_start(args, fmt);
    vsnprintf(part, sizeof part, fmt, args);
    va_end(args);
    put_word(text, part);
}

/* --- lines --- */

static void head(struct text *text, const char *name, const char *type, const char *help)
{
    const char *const words[] = { "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        put_word(text, words[i]);
}

/* What stands for a character that may not stand in a label's value as it is; NULL = it may. */
static const char *escape(char c)
{
    return c == '\n' ? "\\n" : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

static void put_escaped(struct text *text, struct cw_slice value)
{
    uint32_t point;
    for (size_t at = 0; at < value.len;) {
        unsigned len = cw_utf8_read(value.data + at, cw_slice_end(value), &point);
        const char *instead = len == 0 ? "\xEF\xBF\xBD" : escape(value.data[at]);
        if (instead != NULL)
            put_word(text, instead);
        else
            put(text, value.data + at, len);
        at += len > 0 ? len : 1;
    }
}

static void label(struct text *text, const char *name, struct cw_slice value)
{
    put_word(text, text->has_label ? "," : "{");
    put_word(text, name);
    put_word(text, "=\"");
    put_escaped(text, value);
    put_word(text, "\"");
    text->has_label = true;
}

/* Up to where more labels may follow. `total` NULL = what is counted once; without its stream what belongs to
 * a cart as a whole. */
static void begin_line(struct text *text, const char *name, const char *suffix,
                       const struct cw_metrics_total *total, bool of_cart)
{
    put_word(text, name);
    put_word(text, suffix);
    text->has_label = false;
    if (total != NULL)
        label(text, "cart", total->cart);
    if (total != NULL && !of_cart)
        label(text, "stream", total->stream);
}

static void end_line(struct text *text, uint64_t value)
{
    print(text, "%s %" PRIu64 "\n", text->has_label ? "}" : "", value);
}

/* From microseconds, exactly: a sum of them may have more digits than a double. */
static void end_line_seconds(struct text *text, uint64_t micros)
{
    print(text, "%s %" PRIu64 ".%06" PRIu64 "\n", text->has_label ? "}" : "", micros / CW_SECOND,
          micros % CW_SECOND);
}

/* --- counters --- */

struct member {
    const char *word;
    enum counter counter;
};
struct family {
    const char *name, *help;
    const char *label; /* tells the members apart; NULL = there is one */
    bool is_micros, of_cart;
    struct member members[5]; /* ends with a word that is NULL */
};

static const struct family families[] = {
    { "cartwright_runs_started_total", "Runs that began.", NULL, 0, 0, { { "", STARTED } } },
    { "cartwright_runs_total",
      "Runs that ended, by how.",
      "state",
      0,
      0,
      { { "done", DONE }, { "failed", FAILED } } },
    { "cartwright_records_total",
      "Records that were read, by what became of them.",
      "outcome",
      0,
      0,
      { { "posted", POSTED }, { "unchanged", UNCHANGED }, { "parked", PARKED }, { "skipped", SKIPPED } } },
    { "cartwright_records_held_total",
      "Records that were parked because a person is to decide.",
      NULL,
      0,
      0,
      { { "", HELD } } },
    { "cartwright_raw_versions_total", "New versions of raw records.", NULL, 0, 0, { { "", STORED } } },
    { "cartwright_run_notes_total",
      "Notes of runs, by level.",
      "level",
      0,
      0,
      { { "warning", WARNINGS }, { "error", ERRORS } } },
    { "cartwright_pages_total", "Pages of records that were stored.", NULL, 0, 0, { { "", PAGES } } },
    { "cartwright_requests_total", "Requests sent to the cart.", NULL, 0, 0, { { "", REQUESTS } } },
    { "cartwright_received_bytes_total",
      "Bytes of answers from the cart, decompressed.",
      NULL,
      0,
      0,
      { { "", BYTES_IN } } },
    { "cartwright_fetch_seconds_total",
      "Time in which an answer of the cart was waited for.",
      NULL,
      1,
      0,
      { { "", FETCH_US } } },
    { "cartwright_store_seconds_total",
      "Time from the beginning of transactions to the answer to their commit.",
      NULL,
      1,
      0,
      { { "", STORE_US } } },
    { "cartwright_webhooks_total",
      "Notices from the cart, by what became of them.",
      "result",
      0,
      1,
      { { "stored", WEBHOOKS_STORED },
        { "repeated", WEBHOOKS_REPEATED },
        { "refused", WEBHOOKS_REFUSED },
        { "busy", WEBHOOKS_BUSY } } },
};

/* Runs are of streams, notices of carts; both are under "other". */
static bool has(const struct family *family, const struct cw_metrics_total *total)
{
    const uint64_t *counters = total->counters;
    return family->of_cart ? counters[WEBHOOKS_STORED] + counters[WEBHOOKS_REPEATED] +
                                     counters[WEBHOOKS_REFUSED] + counters[WEBHOOKS_BUSY] >
                                 0
                           : counters[STARTED] + counters[DONE] + counters[FAILED] > 0;
}

static void print_members(struct text *text, const struct family *family,
                          const struct cw_metrics_total *total)
{
    for (const struct member *member = family->members; member->word != NULL; member++) {
        begin_line(text, family->name, "", total, family->of_cart);
        if (family->label != NULL)
            label(text, family->label, cw_slice(member->word));
        if (family->is_micros)
            end_line_seconds(text, total->counters[member->counter]);
        else
            end_line(text, total->counters[member->counter]);
    }
}

static void print_family(struct text *text, const struct family *family)
{
    head(text, family->name, "counter", family->help);
    for (size_t i = 0; i < text->count; i++)
        if (has(family, &text->totals[i]))
            print_members(text, family, &text->totals[i]);
}

/* --- histograms --- */

/* Each bucket is told with all smaller ones in it, and the number of all is that of the last one: so they fit
 * together whatever was counted while they were read. */
static void print_histogram(struct text *text, const char *name, const struct cw_metrics_total *total,
                            const struct bounds *bounds, const uint64_t *buckets, uint64_t sum_us)
{
    uint64_t so_far = 0;
    char bound[32];
    for (size_t i = 0; i <= bounds->count; i++) {
        so_far += buckets[i];
        snprintf(bound, sizeof bound, "%g", i < bounds->count ? (double)bounds->upper[i] / CW_SECOND : 0);
        begin_line(text, name, "_bucket", total, false);
        label(text, "le", cw_slice(i < bounds->count ? bound : "+Inf"));
        end_line(text, so_far);
    }
    begin_line(text, name, "_sum", total, false);
    end_line_seconds(text, sum_us);
    begin_line(text, name, "_count", total, false);
    end_line(text, so_far);
}

static void print_durations(struct text *text)
{
    const char *name = "cartwright_run_duration_seconds";
    head(text, name, "histogram", "How long runs took.");
    for (size_t i = 0; i < text->count; i++) {
        const struct cw_metrics_total *total = &text->totals[i];
        if (total->counters[DONE] + total->counters[FAILED] > 0)
            print_histogram(text, name, total, &cw_metrics_durations, total->durations,
                            total->counters[DURATION_US]);
    }
}

static void print_delays(struct text *text, struct cw_metrics_page *const *pages, size_t count)
{
    uint64_t buckets[BUCKETS_MAX] = { 0 }, sum_us = 0;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < BUCKETS_MAX; i++)
            buckets[i] += atomic_load_explicit(&pages[p]->delays[i], memory_order_relaxed);
        sum_us += atomic_load_explicit(&pages[p]->delay_us, memory_order_relaxed);
    }
    const char *name = "cartwright_job_delay_seconds";
    head(text, name, "histogram", "How long after it was due a job began.");
    print_histogram(text, name, NULL, &cw_metrics_delays, buckets, sum_us);
}

/* --- gauges --- */

static void end_gauge(struct text *text, const struct cw_metrics_total *total, enum gauge gauge)
{
    end_line(text, total->gauges[gauge] & ((1u << GAUGE_VALUE_BITS) - 1));
}

static void print_gauge(struct text *text, enum gauge gauge, const char *name, bool of_cart, const char *help)
{
    head(text, name, "gauge", help);
    for (size_t i = 0; i < text->count; i++) {
        const struct cw_metrics_total *total = &text->totals[i];
        if (total->gauges[gauge] == 0)
            continue;
        begin_line(text, name, "", total, of_cart);
        end_gauge(text, total, gauge);
    }
}

static void print_messages(struct text *text)
{
    static const struct {
        enum gauge gauge;
        const char *state;
    } states[] = { { QUEUED_MESSAGES, "queued" },
                   { UNKNOWN_MESSAGES, "unknown" },
                   { FAILED_MESSAGES, "failed" } };
    const char *name = "cartwright_messages";
    head(text, name, "gauge", "Messages to the cart that were left when the last run of their stream ended.");
    for (size_t i = 0; i < text->count; i++)
        for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
            if (text->totals[i].gauges[states[s].gauge] == 0)
                continue;
            begin_line(text, name, "", &text->totals[i], false);
            label(text, "state", cw_slice(states[s].state));
            end_gauge(text, &text->totals[i], states[s].gauge);
        }
}

static void print_successes(struct text *text)
{
    const char *name = "cartwright_last_success_timestamp_seconds";
    head(text, name, "gauge", "When a run was done without an error last.");
    for (size_t i = 0; i < text->count; i++) {
        if (text->totals[i].last_success <= 0)
            continue;
        begin_line(text, name, "", &text->totals[i], false);
        end_line_seconds(text, (uint64_t)text->totals[i].last_success);
    }
}

static void print_one(struct text *text, const char *name, const char *type, uint64_t value, const char *help)
{
    head(text, name, type, help);
    begin_line(text, name, "", NULL, false);
    end_line(text, value);
}

static void print_process(struct text *text, const struct cw_metrics_process *process)
{
    head(text, "cartwright_build_info", "gauge", "Always 1; the version stands in its label.");
    begin_line(text, "cartwright_build_info", "", NULL, false);
    label(text, "version", cw_slice(CW_VERSION));
    end_line(text, 1);
    head(text, "process_start_time_seconds", "gauge", "When the supervisor began.");
    begin_line(text, "process_start_time_seconds", "", NULL, false);
    end_line_seconds(text, process->started_at > 0 ? (uint64_t)process->started_at : 0);
    print_one(text, "cartwright_workers_wanted", "gauge", process->workers_wanted,
              "Workers that there should be.");
    print_one(text, "cartwright_workers_ready", "gauge", process->workers_ready, "Workers that claim jobs.");
    print_one(text, "cartwright_workers_died_total", "counter", process->workers_died,
              "Workers that ended without being told to.");
    print_one(text, "cartwright_workers_hung_total", "counter", process->workers_hung,
              "Workers that were killed because they answered no more.");
}

bool cw_metrics_write(struct cw_metrics_page *const *pages, size_t count,
                      const struct cw_metrics_process *process, struct cw_buffer *out, struct cw_error *err)
{
    struct text text = { .out = out, .err = err, .ok = true };
    struct cw_metrics_total *totals = cw_metrics_sum(pages, count, &text.count, err);
    if (totals == NULL)
        return false;
    text.totals = totals;
    print_process(&text, process);
    print_delays(&text, pages, count);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        print_family(&text, &families[i]);
    print_durations(&text);
    print_successes(&text);
    print_gauge(&text, WAITING, "cartwright_waiting_records", false, "Records that wait, parked or held.");
    print_messages(&text);
    print_gauge(&text, QUIET, "cartwright_cart_quiet", true,
                "1 while a cart brings fewer orders than its rhythm makes likely.");
    free(totals);
    return text.ok;
}
