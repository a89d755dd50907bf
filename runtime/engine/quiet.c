/* quiet.c - see quiet.h. The orders of four weeks are counted week by week, with a turn of the loop in
 * between. */
#include "engine/quiet.h"

#include <glib.h>
#include <stdio.h>

#include "engine/rhythm.h"

static const cw_time ahead = CW_HOUR; /* a shop's clock may be before ours by so much */
static const cw_time told_every = CW_DAY;

enum { TIME_TEXT = 32 };

struct cw_quiet_look {
    struct cw_store *store;
    struct cw_loop *loop;
    const struct cw_zone *zone;
    char *cart;
    cw_quiet_found_fn *found;
    void *arg;
    struct cw_later later;
    bool cancelled, in_store;
    cw_time now, first, last, until; /* orders; up to when the stream is complete; CW_TIME_NONE = none */
    struct cw_quiet before;          /* as it was told last */
    struct cw_rhythm rhythm;
    cw_time week; /* the next one to be counted */
};

static void time_text(cw_time time, char out[TIME_TEXT])
{
    cw_time_format(time, NULL, "%Y-%m-%dT%H:%M:%S.%fZ", out, TIME_TEXT, NULL);
}

static cw_time time_of(struct cw_slice text)
{
    cw_time time;
    return text.data != NULL && cw_time_parse(text, NULL, &time, NULL) ? time : CW_TIME_NONE;
}

static void free_look(struct cw_quiet_look *look)
{
    cw_later_cancel(look->loop, &look->later);
    g_free(look->cart);
    g_free(look);
}

static void tell(struct cw_quiet_look *look, const struct cw_quiet *quiet, enum cw_quiet_news news,
                 const struct cw_error *err)
{
    cw_quiet_found_fn *found = look->found;
    void *arg = look->arg;
    found(arg, quiet, news, err);
    free_look(look);
}

/* --- what was told --- */

/* "quiet" or "lively", the last order, when it was told, orders expected then. */
static struct cw_quiet read_state(struct cw_slice value)
{
    char word[8] = "", last[TIME_TEXT] = "", told[TIME_TEXT] = "", text[128];
    struct cw_quiet quiet = { .is_quiet = false };
    snprintf(text, sizeof text, "%.*s", CW_SLICE_ARG(value));
    int count = sscanf(text, "%7s %31s %31s %lf", word, last, told, &quiet.expected);
    quiet.last_order_at = count >= 2 ? time_of(cw_slice(last)) : CW_TIME_NONE;
    quiet.told_at = count >= 3 ? time_of(cw_slice(told)) : CW_TIME_NONE;
    quiet.is_quiet = strcmp(word, "quiet") == 0 && quiet.told_at != CW_TIME_NONE;
    return quiet;
}

bool cw_quiet_put(struct cw_txn *txn, const struct cw_quiet *quiet)
{
    char last[TIME_TEXT], told[TIME_TEXT], value[128];
    time_text(quiet->last_order_at, last);
    time_text(quiet->told_at, told);
    snprintf(value, sizeof value, "%s %s %s %.1f", quiet->is_quiet ? "quiet" : "lively", last, told,
             quiet->expected);
    return cw_txn_put_state(txn, quiet->cart, cw_slice(CW_QUIET_KEY), cw_slice(value));
}

/* --- the look --- */

static void weigh(struct cw_quiet_look *look)
{
    struct cw_quiet quiet = look->before;
    struct cw_silence silence = { .is_known = false };
    enum cw_quiet_news news = CW_QUIET_NO_NEWS;
    bool may_tell = quiet.told_at == CW_TIME_NONE || look->now - quiet.told_at >= told_every;
    if (look->until != CW_TIME_NONE)
        silence = cw_rhythm_judge(&look->rhythm, look->until);
    quiet.cart = cw_slice(look->cart);
    if (quiet.is_quiet && look->last > quiet.last_order_at) {
        news = CW_QUIET_LIVELY;
        quiet.is_quiet = false;
        quiet.last_order_at = look->last;
    } else if (!quiet.is_quiet && silence.is_quiet && may_tell) {
        news = CW_QUIET_ALARM;
        quiet = (struct cw_quiet){ quiet.cart, true, look->last, look->now, silence.expected };
    }
    tell(look, &quiet, news, NULL);
}

static void next_week(void *arg);

static bool take_hour(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_quiet_look *look = arg;
    char hour[TIME_TEXT];
    (void)columns;
    (void)names;
    snprintf(hour, sizeof hour, "%.*s:00:00Z", CW_SLICE_ARG(cw_slice_clip(row[0], 13)));
    cw_time at = time_of(cw_slice(hour));
    char count[TIME_TEXT];
    snprintf(count, sizeof count, "%.*s", CW_SLICE_ARG(cw_slice_clip(row[1], 20)));
    if (at != CW_TIME_NONE)
        cw_rhythm_add(&look->rhythm, at, g_ascii_strtoull(count, NULL, 10));
    return true;
}

/* The answer of the store to a look that may have been called off meanwhile. */
static bool may_go_on(struct cw_quiet_look *look, const struct cw_error *err)
{
    bool is_cancelled = look->cancelled;
    look->in_store = false;
    if (is_cancelled)
        free_look(look);
    else if (err != NULL)
        tell(look, NULL, CW_QUIET_NO_NEWS, err);
    return !is_cancelled && err == NULL;
}

static void week_counted(void *arg, const struct cw_error *err)
{
    struct cw_quiet_look *look = arg;
    if (may_go_on(look, err))
        cw_loop_later(look->loop, &look->later, next_week, look);
}

static const char orders_by_hour[] =
    "SELECT substr(placed_at, 1, 13), COUNT(*) FROM orders WHERE cart = $1 AND placed_at >= $2 AND placed_at "
    "< $3 GROUP BY substr(placed_at, 1, 13)";

static void next_week(void *arg)
{
    struct cw_quiet_look *look = arg;
    char from[TIME_TEXT], to[TIME_TEXT];
    if (look->week > look->last) {
        weigh(look);
        return;
    }
    time_text(look->week, from);
    look->week += 7 * CW_DAY;
    time_text(look->week <= look->last ? look->week : look->last + CW_MICROS, to);
    const struct cw_slice params[] = { cw_slice(look->cart), cw_slice(from), cw_slice(to) };
    look->in_store = true;
    cw_store_query(look->store, orders_by_hour, params, 3, take_hour, week_counted, look);
}

static bool take_facts(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_quiet_look *look = arg;
    (void)columns;
    (void)names;
    cw_time staged = time_of(row[2]), until = time_of(row[3]);
    look->first = time_of(row[0]);
    look->last = time_of(row[1]);
    if (look->last != CW_TIME_NONE && staged > look->last)
        look->last = staged;
    look->until = until != CW_TIME_NONE ? until : time_of(row[4]);
    look->before = read_state(row[5].data != NULL ? row[5] : cw_slice(""));
    return false;
}

static void facts_read(void *arg, const struct cw_error *err)
{
    struct cw_quiet_look *look = arg;
    if (!may_go_on(look, err))
        return;
    if (look->first == CW_TIME_NONE || look->last == CW_TIME_NONE) {
        const struct cw_quiet nothing = { .cart = cw_slice(look->cart) };
        tell(look, &nothing, CW_QUIET_NO_NEWS, NULL);
        return;
    }
    cw_rhythm_init(&look->rhythm, look->first, look->last, look->zone);
    look->week = cw_rhythm_since(&look->rhythm);
    cw_loop_later(look->loop, &look->later, next_week, look);
}

/* A stream that is read whole each time has no time up to which it is complete, but its last run has. */
static const char facts[] =
    "SELECT (SELECT placed_at FROM orders WHERE cart = $1 AND placed_at > '' ORDER BY placed_at LIMIT 1), "
    "(SELECT placed_at FROM orders WHERE cart = $1 AND placed_at <= $2 ORDER BY placed_at DESC LIMIT 1), "
    "(SELECT MAX(staged_at) FROM staged_records WHERE cart = $1 AND stream = 'orders'), "
    "(SELECT done_until FROM cursors WHERE cart = $1 AND stream = 'orders'), "
    "(SELECT MAX(started_at) FROM (SELECT state, started_at FROM runs WHERE cart = $1 AND stream = 'orders' "
    "ORDER BY id DESC LIMIT 100) AS newest WHERE state = 'done'), "
    "(SELECT value FROM state WHERE cart = $1 AND key = '" CW_QUIET_KEY "')";

static void begin(void *arg)
{
    struct cw_quiet_look *look = arg;
    char latest[TIME_TEXT];
    time_text(look->now + ahead, latest);
    const struct cw_slice params[] = { cw_slice(look->cart), cw_slice(latest) };
    look->in_store = true;
    cw_store_query(look->store, facts, params, 2, take_facts, facts_read, look);
}

struct cw_quiet_look *cw_quiet_look(struct cw_store *store, struct cw_loop *loop, const struct cw_zone *zone,
                                    const char *cart, cw_quiet_found_fn *found, void *arg)
{
    struct cw_quiet_look *look = g_new0(struct cw_quiet_look, 1);
    look->store = store;
    look->loop = loop;
    look->zone = zone;
    look->cart = g_strdup(cart);
    look->found = found;
    look->arg = arg;
    look->now = cw_now(cw_loop_clock(loop));
    look->first = look->last = look->until = CW_TIME_NONE;
    cw_loop_later(loop, &look->later, begin, look);
    return look;
}

void cw_quiet_cancel(struct cw_quiet_look *look)
{
    look->cancelled = true;
    cw_later_cancel(look->loop, &look->later);
    if (!look->in_store)
        free_look(look);
}

/* --- reading --- */

struct reading {
    const struct cw_site *site;
    cw_quiet_fn *quiet;
    cw_store_done_fn *done;
    void *arg;
};

static bool is_watched(const struct cw_site *site, struct cw_slice cart)
{
    for (size_t i = 0; i < site->config.cart_count; i++)
        if (cw_slice_is(cart, site->config.carts[i].name))
            return !site->config.carts[i].is_quiet_fine;
    return false;
}

static bool take_state(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    const struct reading *reading = arg;
    (void)columns;
    (void)names;
    struct cw_quiet quiet = read_state(row[1]);
    quiet.cart = row[0];
    if (quiet.is_quiet && is_watched(reading->site, quiet.cart))
        reading->quiet(reading->arg, &quiet);
    return true;
}

static void states_read(void *arg, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    g_free(arg);
    reading.done(reading.arg, err);
}

void cw_quiet_read(struct cw_store *store, const struct cw_site *site, cw_quiet_fn *quiet,
                   cw_store_done_fn *done, void *arg)
{
    struct reading *reading = g_new(struct reading, 1);
    *reading = (struct reading){ site, quiet, done, arg };
    cw_store_query(store, "SELECT cart, value FROM state WHERE key = '" CW_QUIET_KEY "' ORDER BY cart", NULL,
                   0, take_state, states_read, reading);
}
