/* run_log.c - see run_log.h. */
#include "engine/run_log.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

enum { NUMBER_BYTES = 24, CODES = CW_CORRUPT + 1 };
static const cw_time told_every = CW_MINUTE;

/* What fails with one code. */
struct failing {
    uint64_t total, untold; /* since it ran well; since the last line */
    cw_time since;
};

/* A stream's job that did not run well the last time. */
struct trouble {
    char *cart, *stream, *job;
    struct failing by_code[CODES];
    char error[CW_ERROR_TEXT_MAX]; /* the last one */
};

struct cw_run_log {
    const struct cw_clock *clock;
    struct cw_timer *timer;
    bool is_waiting;      /* for the timer */
    GHashTable *troubles; /* "cart/stream/job" -> struct trouble */
};

/* --- lines --- */

struct line {
    struct cw_log_field fields[CW_LOG_PAIRS_MAX + 1];
    char numbers[CW_LOG_PAIRS_MAX][CW_TIME_TEXT_MAX];
    size_t count, number_count;
};

static void add(struct line *line, const char *name, struct cw_slice value)
{
    if (line->count < CW_LOG_PAIRS_MAX)
        line->fields[line->count++] = (struct cw_log_field){ name, value };
}

static void add_number(struct line *line, const char *name, uint64_t value)
{
    if (line->number_count == CW_LOG_PAIRS_MAX)
        return;
    char *text = line->numbers[line->number_count++];
    snprintf(text, CW_TIME_TEXT_MAX, "%" PRIu64, value);
    add(line, name, cw_slice(text));
}

static void add_time(struct line *line, const char *name, cw_time time)
{
    if (line->number_count == CW_LOG_PAIRS_MAX || time == CW_TIME_NONE)
        return;
    char *text = line->numbers[line->number_count++];
    cw_time_iso(time, text);
    add(line, name, cw_slice(text));
}

static void write_line(struct line *line, enum cw_log_level level, const char *event)
{
    line->fields[line->count].name = NULL;
    cw_log(level, event, line->fields);
}

static void add_run(struct line *line, const struct cw_run *run)
{
    add(line, "cart", run->cart);
    add(line, "stream", run->stream);
    add(line, "job", run->job);
    add_number(line, "run", (uint64_t)run->id);
}

static void add_counts(struct line *line, const struct cw_run_counts *counts)
{
    add_number(line, "read", counts->read);
    add_number(line, "posted", counts->posted);
    add_number(line, "unchanged", counts->unchanged);
    add_number(line, "parked", counts->parked);
    add_number(line, "skipped", counts->skipped);
    add_number(line, "stored", counts->stored);
    add_number(line, "held", counts->held);
    add_number(line, "warnings", counts->warnings);
    add_number(line, "store_ms", counts->store_us / 1000);
}

static void add_end(struct line *line, const struct cw_run *run)
{
    const struct cw_run_counts *counts = &run->counts;
    cw_time took = run->ended_at == CW_TIME_NONE ? 0 : run->ended_at - run->started_at;
    add_run(line, run);
    add_counts(line, counts);
    add_number(line, "fetch_ms", counts->fetch_us / 1000);
    add_number(line, "pages", counts->pages);
    add_number(line, "requests", counts->requests);
    add_number(line, "bytes_in", counts->bytes_in);
    add_number(line, "took_ms", took > 0 ? (uint64_t)(took / CW_MILLISECOND) : 0);
}

/* --- errors that repeat --- */

static void free_trouble(void *value)
{
    struct trouble *trouble = value;
    g_free(trouble->cart);
    g_free(trouble->stream);
    g_free(trouble->job);
    g_free(trouble);
}

static char *key_of(const struct cw_run *run)
{
    return g_strdup_printf("%.*s/%.*s/%.*s", CW_SLICE_ARG(run->cart), CW_SLICE_ARG(run->stream),
                           CW_SLICE_ARG(run->job));
}

static struct trouble *trouble_of(struct cw_run_log *log, const struct cw_run *run)
{
    char *key = key_of(run);
    struct trouble *trouble = g_hash_table_lookup(log->troubles, key);
    if (trouble != NULL) {
        g_free(key);
        return trouble;
    }
    trouble = g_new0(struct trouble, 1);
    trouble->cart = g_strndup(run->cart.data, run->cart.len);
    trouble->stream = g_strndup(run->stream.data, run->stream.len);
    trouble->job = g_strndup(run->job.data, run->job.len);
    g_hash_table_insert(log->troubles, key, trouble);
    return trouble;
}

static void begin_trouble_line(struct line *line, const struct trouble *trouble)
{
    add(line, "cart", cw_slice(trouble->cart));
    add(line, "stream", cw_slice(trouble->stream));
    add(line, "job", cw_slice(trouble->job));
}

static void tell_untold(struct trouble *trouble, enum cw_code code)
{
    struct failing *failing = &trouble->by_code[code];
    struct line line = { .count = 0 };
    begin_trouble_line(&line, trouble);
    add_number(&line, "failures", failing->untold);
    add_time(&line, "since", failing->since);
    add(&line, "code", cw_slice(cw_code_name(code)));
    add(&line, "error", cw_slice(trouble->error));
    write_line(&line, CW_LOG_ERROR, "run-fails");
    failing->untold = 0;
}

static void tell_all_untold(void *arg)
{
    struct cw_run_log *log = arg;
    GHashTableIter each;
    void *trouble;
    log->is_waiting = false;
    g_hash_table_iter_init(&each, log->troubles);
    while (g_hash_table_iter_next(&each, NULL, &trouble))
        for (size_t code = 0; code < CODES; code++)
            if (((struct trouble *)trouble)->by_code[code].untold > 0)
                tell_untold(trouble, (enum cw_code)code);
}

static void tell_failed(const struct cw_run *run, const struct cw_error *err)
{
    struct line line = { .count = 0 };
    add_end(&line, run);
    add(&line, "code", cw_slice(cw_code_name(err->code)));
    add(&line, "error", run->message.len > 0 ? run->message : cw_slice(err->text));
    write_line(&line, CW_LOG_ERROR, "run-failed");
}

static void failed(struct cw_run_log *log, const struct cw_run *run, const struct cw_error *err)
{
    struct trouble *trouble = trouble_of(log, run);
    struct failing *failing = &trouble->by_code[err->code];
    snprintf(trouble->error, sizeof trouble->error, "%s", err->text);
    if (failing->total++ == 0) {
        failing->since = cw_now(log->clock);
        tell_failed(run, err);
        return;
    }
    failing->untold++;
    if (!log->is_waiting)
        cw_timer_set(log->timer, told_every);
    log->is_waiting = true;
}

static void recovered(struct cw_run_log *log, const struct cw_run *run)
{
    char *key = key_of(run);
    const struct trouble *trouble = g_hash_table_lookup(log->troubles, key);
    if (trouble != NULL) {
        struct line line = { .count = 0 };
        uint64_t failures = 0;
        cw_time since = CW_TIME_NONE;
        for (size_t code = 0; code < CODES; code++) {
            const struct failing *failing = &trouble->by_code[code];
            failures += failing->total;
            if (failing->total > 0 && (since == CW_TIME_NONE || failing->since < since))
                since = failing->since;
        }
        begin_trouble_line(&line, trouble);
        add_number(&line, "failures", failures);
        add_time(&line, "since", since);
        write_line(&line, CW_LOG_WARNING, "run-recovered");
        g_hash_table_remove(log->troubles, key);
    }
    g_free(key);
}

/* --- runs --- */

void cw_run_log_began(struct cw_run_log *log, const struct cw_run *run)
{
    struct line line = { .count = 0 };
    if (log == NULL)
        return;
    add_run(&line, run);
    add(&line, "began_by", run->began_by);
    write_line(&line, CW_LOG_INFO, "run-began");
}

void cw_run_log_page(struct cw_run_log *log, const struct cw_run *run, const struct cw_run_counts *page)
{
    struct line line = { .count = 0 };
    if (log == NULL)
        return;
    add_run(&line, run);
    add_counts(&line, page);
    write_line(&line, CW_LOG_DEBUG, "page-stored");
}

void cw_run_log_ended(struct cw_run_log *log, const struct cw_run *run, const struct cw_error *err)
{
    struct line line = { .count = 0 };
    if (log == NULL)
        return;
    if (err != NULL) {
        failed(log, run, err);
        return;
    }
    add_end(&line, run);
    write_line(&line, CW_LOG_INFO, "run-ended");
    recovered(log, run);
}

/* --- life --- */

struct cw_run_log *cw_run_log_create(struct cw_loop *loop, struct cw_error *err)
{
    struct cw_run_log *log = g_new0(struct cw_run_log, 1);
    log->clock = cw_loop_clock(loop);
    log->troubles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_trouble);
    log->timer = cw_timer_create(loop, tell_all_untold, log, err);
    if (log->timer != NULL)
        return log;
    cw_run_log_free(log);
    return NULL;
}

void cw_run_log_free(struct cw_run_log *log)
{
    if (log == NULL)
        return;
    tell_all_untold(log);
    cw_timer_free(log->timer);
    g_hash_table_destroy(log->troubles);
    g_free(log);
}

/* --- the site's own job --- */

void cw_log_tidied(uint64_t removed, cw_time took)
{
    struct line line = { .count = 0 };
    add_number(&line, "removed", removed);
    add_number(&line, "took_ms", took > 0 ? (uint64_t)(took / CW_MILLISECOND) : 0);
    write_line(&line, CW_LOG_INFO, "tidied");
}

void cw_log_quiet(const char *cart, cw_time last_order_at, double expected)
{
    struct line line = { .count = 0 };
    char number[NUMBER_BYTES], check[2 * CW_TIME_TEXT_MAX + 64];
    snprintf(number, sizeof number, "%.1f", expected);
    add(&line, "cart", cw_slice(cart));
    add_time(&line, "last_order_at", last_order_at);
    add(&line, "expected", cw_slice(number));
    snprintf(check, sizeof check, "does the shop take orders? cartwright test-connection %s", cart);
    add(&line, "check", cw_slice(check));
    write_line(&line, CW_LOG_WARNING, "cart-quiet");
}

void cw_log_lively(const char *cart, cw_time last_order_at)
{
    struct line line = { .count = 0 };
    add(&line, "cart", cw_slice(cart));
    add_time(&line, "last_order_at", last_order_at);
    write_line(&line, CW_LOG_WARNING, "cart-lively");
}
