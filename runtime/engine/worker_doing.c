/* worker_doing.c - what a job does: fetch, compare, send, and the site's own. */
#include <stdio.h>
#include <string.h>

#include "engine/worker_private.h"

/* --- what waits --- */

static void waiting_ran(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    (void)report;
    struct work *work = arg;
    if (err != NULL && work->err.code == CW_OK)
        work->err = *err;
}

static void waiting_done(void *arg)
{
    struct work *work = arg;
    work->waiting = NULL;
    work->place->seen = work->stamps;
    work->place->has_seen = true;
    cw_work_finish(work, work->err.code != CW_OK ? &work->err : NULL);
}

/* What of the cart may be mapped again because something has come since it was the last time. */
static int what_came(const struct work *work)
{
    const struct place *place = work->place;
    bool brings_orders = cw_lua_plan_kind(work->stream->plan) == &cw_kind_order;
    if (!brings_orders && place->has_seen)
        return 0;
    if (!place->has_seen)
        return CW_WAITING_MATCHES | CW_WAITING_ROWS;
    return (strcmp(place->seen.news, work->stamps.news) != 0 ? CW_WAITING_MATCHES : 0) |
           (strcmp(place->seen.rows, work->stamps.rows) != 0 ? CW_WAITING_ROWS : 0);
}

static void map_waiting(struct work *work)
{
    struct cw_error err;
    const struct cw_waiting_config config = {
        .what = what_came(work), .ran = waiting_ran, .done = waiting_done, .arg = work
    };
    if (config.what == 0 || work->stopping) {
        cw_work_finish(work, NULL);
        return;
    }
    work->waiting = cw_waiting_start(work->place->session, work->place->scripts, &config, &err);
    if (work->waiting == NULL)
        cw_work_finish(work, &err);
}

/* --- what a job does --- */

static void count_run(const struct work *work, const struct cw_run *run)
{
    struct cw_pulse *pulse = work->place->worker->config.pulse;
    if (pulse != NULL)
        cw_metrics_run_ended(pulse->metrics, run);
}

static void synced(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct work *work = arg;
    work->sync = NULL;
    work->had_run = true;
    count_run(work, report->run);
    if (err != NULL)
        cw_work_finish(work, err);
    else
        map_waiting(work);
}

static void reconciled(void *arg, const struct cw_reconcile_report *report, const struct cw_error *err)
{
    struct work *work = arg;
    work->reconcile = NULL;
    work->had_run = true;
    count_run(work, report->run);
    cw_work_finish(work, err);
}

static void tidied(void *arg, uint64_t removed, const struct cw_error *err)
{
    (void)removed;
    struct work *work = arg;
    work->tidy = NULL;
    cw_work_finish(work, err);
}

/* --- what a run out leaves --- */

/* The terms of the indexes, word for word, which SQLite uses for nothing else. */
static const char left_sql[] =
    "SELECT 'queued' AS state, COUNT(*) AS messages FROM messages WHERE cart = $1 AND stream = $2 AND state "
    "= "
    "'queued' UNION ALL SELECT state, COUNT(*) FROM messages WHERE cart = $1 AND stream = $2 AND state <> "
    "'queued' AND state NOT IN ('sent', 'superseded') GROUP BY state";

static bool take_left(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct cw_metrics_messages *messages = &((struct work *)arg)->messages;
    char number[24];
    (void)columns, (void)names;
    snprintf(number, sizeof number, "%.*s", CW_SLICE_ARG(row[1]));
    uint64_t count = g_ascii_strtoull(number, NULL, 10);
    if (cw_slice_is(row[0], "queued"))
        messages->queued = count;
    else if (cw_slice_is(row[0], "unknown"))
        messages->unknown = count;
    else if (cw_slice_is(row[0], "failed"))
        messages->failed = count;
    return true;
}

static void left_counted(void *arg, const struct cw_error *err)
{
    struct work *work = arg;
    work->in_store = false;
    if (work->lost) {
        cw_work_free(work);
        return;
    }
    if (err == NULL)
        cw_metrics_set_messages(work->place->worker->config.pulse->metrics, work->cart, work->name,
                                &work->messages);
    cw_work_finish(work, work->err.code != CW_OK ? &work->err : NULL);
}

/* Also of a run that failed or was stopped: then it is most worth knowing. */
static void count_left(struct work *work)
{
    const struct cw_slice params[] = { cw_slice(work->cart), cw_slice(work->name) };
    work->in_store = true;
    cw_store_query(work->place->worker->config.store, left_sql, params, 2, take_left, left_counted, work);
}

static void sent(void *arg, const struct cw_run *run, cw_time next_at, const struct cw_error *err)
{
    struct work *work = arg;
    work->outbox = NULL;
    work->had_run = true;
    work->next_at = next_at;
    count_run(work, run);
    if (work->place->worker->config.pulse == NULL) {
        cw_work_finish(work, err);
        return;
    }
    if (err != NULL)
        work->err = *err;
    count_left(work);
}

static void recounted(void *arg, uint64_t skus, const struct cw_error *err)
{
    struct work *work = arg;
    (void)skus;
    work->recount = NULL;
    cw_work_finish(work, err);
}

/* Jobs of a cart run one after another, which is kind to the shop, and lets customers and items come before
 * the orders that are matched to them. Only one that takes long has others beside it, but for those of its
 * own stream. */
static bool must_wait(const struct work *work)
{
    cw_time now = cw_now(work->place->worker->clock);
    for (guint i = 0; i < work->place->works->len; i++) {
        const struct work *other = g_ptr_array_index(work->place->works, i);
        if (other->run_began_at == CW_TIME_NONE)
            continue;
        bool is_same =
            work->stream != NULL ? other->stream == work->stream : strcmp(other->name, work->name) == 0;
        if (is_same || now - other->run_began_at < TAKES_LONG)
            return true;
    }
    return false;
}

static bool begin_sync(struct work *work, struct cw_error *err)
{
    work->sync = cw_sync_start(work->place->session, work->stream, synced, work, err);
    return work->sync != NULL;
}

static bool begin_reconcile(struct work *work, const char *job, struct cw_error *err)
{
    const struct cw_reconcile_config config = { .job = job, .from = CW_TIME_NONE, .to = CW_TIME_NONE };
    work->reconcile =
        cw_reconcile_start(work->place->session, work->stream, &config, NULL, reconciled, work, err);
    return work->reconcile != NULL;
}

static bool begin_tidy(struct work *work, struct cw_error *err)
{
    const struct cw_worker_config *worker = &work->place->worker->config;
    const struct cw_tidy_config config = {
        .site = worker->site,
        .loop = worker->loop,
        .store = worker->store,
        .fence = { cw_slice(CW_SITE_LEASE), work->place->token },
        .metrics = worker->pulse != NULL ? worker->pulse->metrics : NULL,
        .worker = worker->holder,
    };
    work->tidy = cw_tidy_start(&config, tidied, work, err);
    return work->tidy != NULL;
}

static bool begin_recount(struct work *work, struct cw_error *err)
{
    const struct cw_worker_config *worker = &work->place->worker->config;
    const struct cw_fence fence = { cw_slice(CW_SITE_LEASE), work->place->token };
    work->recount = cw_recount_all_start(worker->store, &worker->site->config, work->place->worker->clock,
                                         worker->loop, fence, recounted, work, err);
    return work->recount != NULL;
}

static bool begin_of_site(struct work *work, struct cw_error *err)
{
    return strcmp(work->name, "recount") == 0 ? begin_recount(work, err) : begin_tidy(work, err);
}

/* "reconcile orders": what comes before the stream; "sync" for a stream alone. */
static const char *kind_of(const struct work *work, const char **stream)
{
    static const char *const kinds[] = { "reconcile", "refresh" };
    *stream = work->name;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(work->name, kinds[i], len) == 0 && work->name[len] == ' ') {
            *stream = work->name + len + 1;
            return kinds[i];
        }
    }
    return "sync";
}

/* Fetching is woken by what shops send, sending by what is queued. */
static const char *woken_by(const struct work *work)
{
    enum cw_out out;
    return cw_out_find(cw_slice(work->name), &out) ? "change" : "webhook";
}

/* Whether it is its turn; else it is tried again later. */
static bool is_its_turn(struct work *work, const char *stream)
{
    struct cw_pulse *pulse = work->place->worker->config.pulse;
    work->waits = must_wait(work);
    if (work->waits) {
        cw_timer_set(work->again, TAKES_LONG);
        return false;
    }
    work->run_began_at = cw_now(work->place->worker->clock);
    cw_session_set_began_by(work->place->session, work->is_woken ? woken_by(work) : "schedule");
    if (pulse != NULL)
        cw_metrics_run_began(pulse->metrics, work->cart, stream);
    return true;
}

static bool begin_out(struct work *work, enum cw_out out, struct cw_error *err)
{
    if (!is_its_turn(work, work->name))
        return true;
    work->outbox = cw_outbox_start(work->place->session, work->place->scripts, out, sent, work, err);
    return work->outbox != NULL;
}

static bool begin_in_cart(struct work *work, bool *has_nothing, struct cw_error *err)
{
    const char *stream, *kind = kind_of(work, &stream);
    enum cw_out out;
    if (!cw_place_open(work->place, err))
        return false;
    if (cw_out_find(cw_slice(work->name), &out))
        return begin_out(work, out, err);
    work->stream = cw_lua_cart_need_stream(work->place->scripts, stream, err);
    if (work->stream == NULL)
        return false;
    *has_nothing = work->stream->is_off;
    if (*has_nothing || !is_its_turn(work, stream))
        return true;
    return strcmp(kind, "sync") == 0 ? begin_sync(work, err) : begin_reconcile(work, kind, err);
}

static bool has_cart(const struct cw_site_config *config, const char *name)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (strcmp(config->carts[i].name, name) == 0)
            return true;
    return false;
}

void cw_work_do(struct work *work)
{
    struct cw_error err;
    bool has_nothing = false;
    const struct cw_site_config *config = &work->place->worker->config.site->config;
    work->is_foreign = work->is_foreign || (work->cart[0] != '\0' && !has_cart(config, work->cart));
    if (work->is_foreign) {
        cw_work_finish(work, NULL);
        return;
    }
    bool ok = work->cart[0] == '\0' ? begin_of_site(work, &err) : begin_in_cart(work, &has_nothing, &err);
    if (!ok)
        cw_work_finish(work, &err);
    else if (has_nothing)
        cw_work_finish(work, NULL);
}

bool cw_work_call_off(struct work *work)
{
    bool any = work->reconcile != NULL || work->tidy != NULL || work->recount != NULL;
    if (work->reconcile != NULL)
        cw_reconcile_cancel(work->reconcile);
    if (work->tidy != NULL)
        cw_tidy_cancel(work->tidy);
    if (work->recount != NULL)
        cw_recount_all_cancel(work->recount);
    work->reconcile = NULL;
    work->tidy = NULL;
    work->recount = NULL;
    return any;
}
