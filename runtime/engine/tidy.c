/* tidy.c - see tidy.h. In this order: what may go is removed, what waits is counted, each cart is looked at,
 * and what there is to tell is written down in a run of the site's own. */
#include "engine/tidy.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/quiet.h"
#include "engine/run_log.h"

enum { ROWS_AT_ONCE = 500 };

/* A cart of which there is something to tell. */
struct news {
    const char *cart; /* the site's */
    struct cw_quiet quiet;
    enum cw_quiet_news what;
};

struct cw_tidy {
    struct cw_tidy_config config;
    cw_tidy_done_fn *done;
    void *arg;
    struct cw_prune prune;
    struct cw_zone *zone; /* of the site */
    cw_time began_at;
    struct cw_later later;
    bool cancelled, in_store;
    struct cw_txn *txn;
    uint64_t removed, removed_now;
    size_t next_cart;
    struct cw_quiet_look *look;
    GArray *news;
    struct cw_run run;
    struct cw_error err; /* the first one; OK = none */
};

static void free_tidy(struct cw_tidy *tidy)
{
    cw_later_cancel(tidy->config.loop, &tidy->later);
    cw_zone_free(tidy->zone);
    g_array_unref(tidy->news);
    g_free(tidy);
}

static void finish(void *arg)
{
    struct cw_tidy *tidy = arg;
    cw_tidy_done_fn *done = tidy->done;
    void *done_arg = tidy->arg;
    uint64_t removed = tidy->removed;
    struct cw_error err = tidy->err;
    free_tidy(tidy);
    done(done_arg, removed, err.code != CW_OK ? &err : NULL);
}

static void go_on(struct cw_tidy *tidy, cw_loop_fn *step)
{
    cw_loop_later(tidy->config.loop, &tidy->later, step, tidy);
}

/* One thing that cannot be done keeps nobody from the others; the first error is that of the job. */
static void remember(struct cw_tidy *tidy, const struct cw_error *err)
{
    if (err != NULL && tidy->err.code == CW_OK)
        tidy->err = *err;
}

/* Whether it was called off while the store worked on an answer; then it is gone. */
static bool was_cancelled(struct cw_tidy *tidy, struct cw_txn *txn)
{
    tidy->in_store = false;
    if (!tidy->cancelled)
        return false;
    if (txn != NULL)
        cw_txn_rollback(txn);
    free_tidy(tidy);
    return true;
}

static void begin_txn(struct cw_tidy *tidy, cw_txn_ready_fn *ready)
{
    tidy->in_store = true;
    cw_txn_begin(tidy->config.store, tidy->config.fence, ready, tidy);
}

static void commit(struct cw_tidy *tidy, struct cw_txn *txn, cw_store_done_fn *done)
{
    tidy->in_store = true;
    cw_txn_commit(txn, done, tidy);
}

/* --- what may go --- */

static void remove_some(void *arg);
static void count_waiting(void *arg);

static void removal_stored(void *arg, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, NULL))
        return;
    remember(tidy, err);
    tidy->removed += err == NULL ? tidy->removed_now : 0;
    go_on(tidy, err == NULL && tidy->removed_now > 0 ? remove_some : count_waiting);
}

static void pruned(void *arg, uint64_t removed, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    struct cw_txn *txn = tidy->txn;
    tidy->txn = NULL;
    tidy->removed_now = removed;
    if (was_cancelled(tidy, txn))
        return;
    if (err == NULL && removed > 0) {
        commit(tidy, txn, removal_stored);
    } else {
        cw_txn_rollback(txn);
        removal_stored(tidy, err);
    }
}

static void removal_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, txn))
        return;
    if (err != NULL) {
        removal_stored(tidy, err);
        return;
    }
    tidy->txn = txn;
    tidy->in_store = true;
    cw_txn_prune(txn, &tidy->prune, pruned, tidy);
}

static void remove_some(void *arg)
{
    begin_txn(arg, removal_ready);
}

static cw_time until(const struct cw_tidy *tidy, cw_time keep)
{
    return keep > 0 ? tidy->began_at - keep : CW_TIME_NONE;
}

/* --- what waits --- */

static void look_at_next(void *arg);

static void set_waiting(const struct cw_tidy *tidy, struct cw_slice cart, struct cw_slice stream,
                        struct cw_slice count)
{
    char *texts[] = { g_strndup(cart.data, cart.len), g_strndup(stream.data, stream.len),
                      g_strndup(count.data, count.len) };
    cw_metrics_set_waiting(tidy->config.metrics, texts[0], texts[1], g_ascii_strtoull(texts[2], NULL, 10));
    for (size_t i = 0; i < 3; i++)
        g_free(texts[i]);
}

static bool take_waiting(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)columns;
    (void)names;
    set_waiting(arg, row[0], row[1], row[2]);
    return true;
}

static void waiting_counted(void *arg, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, NULL))
        return;
    remember(tidy, err);
    go_on(tidy, look_at_next);
}

/* Streams of which nothing waits any more are told as well. */
static const char waiting[] =
    "SELECT c.cart, c.stream, COUNT(s.id) FROM cursors c LEFT JOIN staged_records s ON s.cart = c.cart AND "
    "s.stream = c.stream GROUP BY c.cart, c.stream";

static void count_waiting(void *arg)
{
    struct cw_tidy *tidy = arg;
    if (tidy->config.metrics == NULL) {
        look_at_next(tidy);
        return;
    }
    tidy->in_store = true;
    cw_store_query(tidy->config.store, waiting, NULL, 0, take_waiting, waiting_counted, tidy);
}

/* --- which carts are quiet --- */

static void tell(void *arg);

static void looked(void *arg, const struct cw_quiet *quiet, enum cw_quiet_news what,
                   const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    const char *cart = tidy->config.site->config.carts[tidy->next_cart++].name;
    tidy->look = NULL;
    remember(tidy, err);
    if (err == NULL)
        cw_metrics_set_quiet(tidy->config.metrics, cart, quiet->is_quiet);
    if (err == NULL && what != CW_QUIET_NO_NEWS) {
        struct news news = { cart, *quiet, what };
        news.quiet.cart = cw_slice(cart);
        g_array_append_val(tidy->news, news);
    }
    go_on(tidy, look_at_next);
}

static void look_at_next(void *arg)
{
    struct cw_tidy *tidy = arg;
    const struct cw_site_config *site = &tidy->config.site->config;
    while (tidy->next_cart < site->cart_count && site->carts[tidy->next_cart].is_quiet_fine)
        tidy->next_cart++;
    if (tidy->next_cart < site->cart_count)
        tidy->look = cw_quiet_look(tidy->config.store, tidy->config.loop, tidy->zone,
                                   site->carts[tidy->next_cart].name, looked, tidy);
    else
        tell(tidy);
}

/* --- what there is to tell --- */

static void print_time(const struct cw_tidy *tidy, cw_time time, char out[CW_TIME_TEXT_MAX])
{
    if (cw_time_format(time, tidy->zone, "%Y-%m-%d %H:%M", out, CW_TIME_TEXT_MAX, NULL) == 0)
        cw_time_iso(time, out);
}

static void put_news(const struct cw_tidy *tidy, struct cw_txn *txn, const struct news *news)
{
    char last[CW_TIME_TEXT_MAX], text[400];
    const struct cw_record_key key = { news->quiet.cart, cw_slice("orders"), { "", 0 } };
    print_time(tidy, news->quiet.last_order_at, last);
    if (news->what == CW_QUIET_ALARM)
        snprintf(
            text, sizeof text,
            "no order has come since %s, where about %.0f were to be expected; does the shop take orders? "
            "See: cartwright test-connection %s",
            last, news->quiet.expected, news->cart);
    else
        snprintf(text, sizeof text, "orders come again, the last one at %s", last);
    cw_txn_put_run_note(txn, tidy->run.id, cw_slice("warning"), cw_slice(text), key);
    cw_quiet_put(txn, &news->quiet);
}

static void put_removed(const struct cw_tidy *tidy, struct cw_txn *txn)
{
    char text[120];
    snprintf(text, sizeof text, "%" PRIu64 " rows that were kept long enough were removed", tidy->removed);
    cw_txn_put_run_note(txn, tidy->run.id, cw_slice("info"), cw_slice(text),
                        (struct cw_record_key){ { "", 0 }, { "", 0 }, { "", 0 } });
}

static void log_all(const struct cw_tidy *tidy)
{
    if (tidy->removed > 0)
        cw_log_tidied(tidy->removed, tidy->run.ended_at - tidy->began_at);
    for (guint i = 0; i < tidy->news->len; i++) {
        const struct news *news = &g_array_index(tidy->news, struct news, i);
        if (news->what == CW_QUIET_ALARM)
            cw_log_quiet(news->cart, news->quiet.last_order_at, news->quiet.expected);
        else
            cw_log_lively(news->cart, news->quiet.last_order_at);
    }
}

static void told(void *arg, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, NULL))
        return;
    remember(tidy, err);
    if (err == NULL) /* else it is found and told again the next time */
        log_all(tidy);
    go_on(tidy, finish);
}

static void telling_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, txn))
        return;
    if (err != NULL) {
        told(tidy, err);
        return;
    }
    if (tidy->removed > 0)
        put_removed(tidy, txn);
    for (guint i = 0; i < tidy->news->len; i++)
        put_news(tidy, txn, &g_array_index(tidy->news, struct news, i));
    tidy->run.state = CW_RUN_DONE;
    tidy->run.ended_at = cw_now(cw_loop_clock(tidy->config.loop));
    tidy->run.counts.warnings = tidy->news->len;
    cw_txn_put_run(txn, &tidy->run);
    commit(tidy, txn, told);
}

static void run_started(void *arg, int64_t id, const struct cw_error *err)
{
    struct cw_tidy *tidy = arg;
    if (was_cancelled(tidy, NULL))
        return;
    tidy->run.id = id;
    if (err != NULL)
        told(tidy, err);
    else
        begin_txn(tidy, telling_ready);
}

/* A run that found nothing to do leaves no line in the sync log. */
static void tell(void *arg)
{
    struct cw_tidy *tidy = arg;
    if (tidy->removed == 0 && tidy->news->len == 0) {
        go_on(tidy, finish);
        return;
    }
    tidy->in_store = true;
    cw_store_start_run(tidy->config.store, tidy->config.fence, &tidy->run, run_started, tidy);
}

/* --- life --- */

struct cw_tidy *cw_tidy_start(const struct cw_tidy_config *config, cw_tidy_done_fn *done, void *arg,
                              struct cw_error *err)
{
    struct cw_tidy *tidy = g_new0(struct cw_tidy, 1);
    const struct cw_site_keep *keep = &config->site->config.keep;
    tidy->config = *config;
    tidy->done = done;
    tidy->arg = arg;
    tidy->news = g_array_new(FALSE, FALSE, sizeof(struct news));
    tidy->began_at = cw_now(cw_loop_clock(config->loop));
    tidy->prune = (struct cw_prune){ .runs_until = until(tidy, keep->runs),
                                     .webhooks_until = until(tidy, keep->webhooks),
                                     .raw_until = until(tidy, keep->raw),
                                     .messages_until = until(tidy, keep->messages),
                                     .raw_versions = keep->raw_versions,
                                     .limit = ROWS_AT_ONCE };
    tidy->run = (struct cw_run){ .job = cw_slice("tidy"),
                                 .cart = { "", 0 },
                                 .stream = { "", 0 },
                                 .message = { "", 0 },
                                 .script_version = { "", 0 },
                                 .began_by = cw_slice("schedule"),
                                 .worker = cw_slice(config->worker != NULL ? config->worker : ""),
                                 .state = CW_RUN_OPEN,
                                 .started_at = tidy->began_at,
                                 .ended_at = CW_TIME_NONE };
    tidy->zone = cw_zone_open(config->site->config.zone, err);
    if (tidy->zone == NULL) {
        free_tidy(tidy);
        return NULL;
    }
    go_on(tidy, remove_some);
    return tidy;
}

void cw_tidy_cancel(struct cw_tidy *tidy)
{
    tidy->cancelled = true;
    if (tidy->look != NULL)
        cw_quiet_cancel(tidy->look);
    tidy->look = NULL;
    cw_later_cancel(tidy->config.loop, &tidy->later);
    if (!tidy->in_store)
        free_tidy(tidy);
}
