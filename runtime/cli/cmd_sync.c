/* cmd_sync.c - `cartwright sync [CART [STREAM]]`: every stream of a cart one after the other, carts side by
 * side. Customers and items of all carts come first: orders are matched to them, also across carts. What
 * waited for one of them is mapped again in between. What carts are told is sent last. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/again.h"
#include "cli/commands.h"
#include "cli/leases.h"
#include "cli/report.h"
#include "cli/rows.h"
#include "cli/stock.h"
#include "engine/outbox.h"
#include "engine/waiting.h"

struct work;

/* One cart and the stream it is at. */
struct lane {
    struct work *work;
    struct cw_session *session;
    struct cw_lua_cart *cart;
    const char *only; /* stream, or NULL */
    size_t next;      /* stream */
    struct cw_sync *sync;
    struct cw_waiting *waiting;
    int next_out;
    struct cw_outbox_run *outbox;
};

enum { STAMP_MAX = 96 };

struct work {
    struct cw_cli *cli;
    struct lane *lanes;
    size_t lane_count, open;
    struct cw_cli_leases *leases; /* NULL in a dry run */
    bool failed, dry_run, stopped, is_running;
    bool at_rest;  /* of customers and items: now the other streams */
    bool has_news; /* some of them were stored */
    struct cw_timer *tick;
};

static void next_stream(struct lane *lane);

static void synced(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct lane *lane = arg;
    struct work *work = lane->work;
    lane->sync = NULL;
    work->has_news = work->has_news || report->run->counts.posted > 0;
    cw_cli_print_run(work->cli, report, err, work->dry_run);
    if (err != NULL) {
        char context[200];
        snprintf(context, sizeof context, "cart %s: %.*s", lane->cart->name,
                 CW_SLICE_ARG(report->run->stream));
        work->failed = true;
        cw_cli_fail_in(work->cli, err, context);
    }
    next_stream(lane);
}

static void end_lane(struct lane *lane)
{
    if (--lane->work->open == 0 && lane->work->is_running)
        cw_loop_stop(lane->work->cli->loop);
}

/* Whether it is the stream's turn. */
static bool is_due(const struct lane *lane, const struct cw_lua_stream *stream)
{
    const struct cw_kind *kind = cw_lua_plan_kind(stream->plan);
    bool is_first = kind == &cw_kind_customer || kind == &cw_kind_item;
    return is_first != lane->work->at_rest && !stream->is_off &&
           (lane->only == NULL || strcmp(stream->name, lane->only) == 0);
}

static void next_stream(struct lane *lane)
{
    struct cw_error err;
    while (lane->next < lane->cart->stream_count) {
        const struct cw_lua_stream *stream = &lane->cart->streams[lane->next++];
        if (!is_due(lane, stream))
            continue;
        lane->sync = cw_sync_start(lane->session, stream, synced, lane, &err);
        if (lane->sync != NULL)
            return;
        lane->work->failed = true;
        cw_cli_fail(lane->work->cli, &err);
    }
    end_lane(lane);
}

/* --- what carts are told --- */

static void next_out(struct lane *lane);

/* A stream out that a person or the brake stopped is told, and is no failure of the others. */
static bool is_only_stopped(const struct lane *lane, const struct cw_run *run, const struct cw_error *err)
{
    return lane->only == NULL && run->id == 0 && err->code == CW_REFUSED;
}

static void sent(void *arg, const struct cw_run *run, cw_time next_at, const struct cw_error *err)
{
    struct lane *lane = arg;
    char context[200];
    (void)next_at;
    lane->outbox = NULL;
    cw_cli_print_sent(lane->work->cli, run, err);
    if (err != NULL) {
        snprintf(context, sizeof context, "cart %s: %.*s", lane->cart->name, CW_SLICE_ARG(run->stream));
        lane->work->failed = lane->work->failed || !is_only_stopped(lane, run, err);
        cw_cli_fail_in(lane->work->cli, err, context);
    }
    next_out(lane);
}

static const struct cw_out_config *told(const struct lane *lane)
{
    const struct cw_site_config *config = &lane->work->cli->site->config;
    size_t i = 0;
    while (i + 1 < config->cart_count && strcmp(config->carts[i].name, lane->cart->name) != 0)
        i++;
    return &config->carts[i].out;
}

static bool is_wanted(const struct lane *lane, enum cw_out out)
{
    if (lane->only != NULL)
        return strcmp(lane->only, cw_out_name(out)) == 0;
    return lane->cart->outs[out].is_there && told(lane)->sending[out].is_on;
}

static void next_out(struct lane *lane)
{
    struct cw_error err;
    while (lane->next_out < CW_OUT_STREAMS) {
        enum cw_out out = (enum cw_out)lane->next_out++;
        if (!is_wanted(lane, out))
            continue;
        lane->outbox = cw_outbox_start(lane->session, lane->cart, out, sent, lane, &err);
        if (lane->outbox != NULL)
            return;
        lane->work->failed = true;
        cw_cli_fail(lane->work->cli, &err);
    }
    end_lane(lane);
}

/* --- what waits --- */

static void mapped_again(void *arg, const struct cw_sync_report *report, const struct cw_error *err)
{
    struct lane *lane = arg;
    cw_cli_print_run(lane->work->cli, report, err, false);
    if (err != NULL) {
        lane->work->failed = true;
        cw_cli_fail_in(lane->work->cli, err, "retry");
    }
}

static void waited(void *arg)
{
    struct lane *lane = arg;
    lane->waiting = NULL;
    next_stream(lane);
}

/* Orders that wait for a customer or an item get another chance when some have come. */
static void begin_waiting(struct lane *lane)
{
    struct cw_error err;
    const struct cw_waiting_config config = {
        .what = CW_WAITING_MATCHES, .ran = mapped_again, .done = waited, .arg = lane
    };
    if (!lane->work->has_news || lane->work->dry_run) {
        next_stream(lane);
        return;
    }
    lane->waiting = cw_waiting_start(lane->session, lane->cart, &config, &err);
    if (lane->waiting != NULL)
        return;
    lane->work->failed = true;
    cw_cli_fail(lane->work->cli, &err);
    next_stream(lane);
}

static void show_progress(void *arg)
{
    struct work *work = arg;
    char text[160];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < work->lane_count && len < sizeof text - 1; i++)
        if (work->lanes[i].sync != NULL)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s: %llu read", len > 0 ? "; " : "",
                                    work->lanes[i].cart->name,
                                    (unsigned long long)cw_sync_counts(work->lanes[i].sync)->read);
    cw_cli_progress(text);
    cw_timer_set(work->tick, CW_SECOND / 5);
}

/* What the lane writes is the cart's, and nobody else's meanwhile. */
static bool hold(struct lane *lane, struct cw_error *err)
{
    if (lane->work->leases == NULL)
        return true;
    return cw_cli_leases_take(lane->work->leases, lane->session, lane->cart->name, err) != 0;
}

static bool open_lane(struct work *work, const char *name, const char *only, struct cw_error *err)
{
    struct lane *lane = &work->lanes[work->lane_count];
    *lane = (struct lane){ .work = work, .only = only };
    lane->session = cw_cli_session(work->cli, name, work->dry_run, err);
    lane->cart = lane->session != NULL ? cw_session_cart(lane->session, name, err) : NULL;
    bool ok = lane->cart != NULL || cw_fail_in(err, "cart %s", name);
    enum cw_out out;
    bool is_in = only != NULL && !cw_out_find(cw_slice(only), &out);
    const struct cw_lua_stream *stream = ok && is_in ? cw_lua_cart_need_stream(lane->cart, only, err) : NULL;
    if (ok && is_in)
        ok = stream != NULL && (!stream->is_off || cw_fail(err, CW_REFUSED,
                                                           "%s of cart %s is switched off; take it out of "
                                                           "`switches` in site.lua",
                                                           only, name));
    ok = ok && hold(lane, err);
    if (ok)
        work->lane_count++;
    else
        cw_session_close(lane->session);
    return ok;
}

/* A cart that cannot be opened is told, and keeps no other from its orders. */
static void open_all_lanes(struct work *work)
{
    struct cw_error err;
    const struct cw_site_config *config = &work->cli->site->config;
    for (size_t i = 0; i < config->cart_count; i++)
        if (!open_lane(work, config->carts[i].name, NULL, &err)) {
            work->failed = true;
            cw_cli_fail(work->cli, &err);
        }
}

static bool open_lanes(struct work *work, int argc, char **argv, struct cw_error *err)
{
    const struct cw_site_config *config = &work->cli->site->config;
    work->lanes = calloc(config->cart_count + 1, sizeof *work->lanes);
    if (work->lanes == NULL)
        return cw_fail(err, CW_NOMEM, "no memory");
    if (!work->dry_run && (work->leases = cw_cli_leases_create(work->cli, err)) == NULL)
        return false;
    if (argc > 1)
        return open_lane(work, argv[1], argc > 2 ? argv[2] : NULL, err);
    open_all_lanes(work);
    return true;
}

static void stop(void *arg, int number, int events)
{
    (void)number;
    (void)events;
    struct work *work = arg;
    work->failed = work->stopped = true;
    cw_cli_progress(NULL);
    fputs("cartwright: stopped; what was stored stays stored, the next sync goes on from there\n", stderr);
    cw_loop_stop(work->cli->loop);
}

/* All lanes to the end of what is due in this phase. */
static void run_phase(struct work *work, void (*begin)(struct lane *))
{
    work->open = work->lane_count;
    for (size_t i = 0; i < work->lane_count; i++) {
        work->lanes[i].next = 0;
        begin(&work->lanes[i]);
    }
    work->is_running = true; /* a lane with nothing to do has ended by now, and must not stop a later run */
    if (work->open > 0)
        cw_loop_run(work->cli->loop);
    work->is_running = false;
}

/* Of the translation rows in the store: another one when a row was set since. One that cannot be read is like
 * one that did not change. */
static void read_stamp(struct cw_cli *cli, char stamp[STAMP_MAX])
{
    cw_cli_ask(cli, "SELECT COUNT(*) || ' ' || COALESCE(MAX(changed_at), '') FROM tables", NULL, 0, stamp,
               STAMP_MAX, NULL);
}

/* Rows that were set while carts worked with those of before: what waits may wait for one of them. */
static void map_waiting(struct work *work)
{
    const struct cw_cli_again again = {
        .job = "retry", .filter = { .only_parked = true, .since = CW_TIME_NONE, .until = CW_TIME_NONE }
    };
    uint64_t left = 0;
    for (size_t i = 0; i < work->lane_count; i++)
        if (!cw_cli_map_again(work->cli, work->lanes[i].cart->name, &again, &left))
            work->failed = true;
}

static void call_off(struct lane *lane)
{
    if (lane->sync != NULL)
        cw_sync_cancel(lane->sync);
    if (lane->waiting != NULL)
        cw_waiting_cancel(lane->waiting);
    if (lane->outbox != NULL)
        cw_outbox_cancel(lane->outbox);
}

/* A dry run of all sends nothing; of a stream out alone it says why. */
static bool is_of_out(const struct work *work)
{
    enum cw_out out;
    return work->lane_count == 1 && work->lanes[0].only != NULL &&
           cw_out_find(cw_slice(work->lanes[0].only), &out);
}

static void send_all(struct work *work)
{
    bool tells_stock = false;
    for (size_t i = 0; i < work->lane_count; i++)
        tells_stock = tells_stock || is_wanted(&work->lanes[i], CW_OUT_STOCK);
    if (tells_stock && cw_cli_stock_count_once(work->cli) != 0)
        work->failed = true;
    run_phase(work, next_out);
}

static void run_lanes(struct work *work)
{
    char before[STAMP_MAX], now[STAMP_MAX];
    read_stamp(work->cli, before);
    struct cw_watch *signals[] = { cw_watch_signal(work->cli->loop, SIGINT, stop, work, NULL),
                                   cw_watch_signal(work->cli->loop, SIGTERM, stop, work, NULL) };
    work->tick = cw_cli_is_interactive() ? cw_timer_create(work->cli->loop, show_progress, work, NULL) : NULL;
    if (work->tick != NULL)
        cw_timer_set(work->tick, CW_SECOND / 5);
    run_phase(work, next_stream);
    work->at_rest = true;
    if (!work->stopped)
        run_phase(work, begin_waiting);
    read_stamp(work->cli, now);
    if (!work->stopped && !work->dry_run && strcmp(before, now) != 0)
        map_waiting(work);
    if (!work->stopped && (!work->dry_run || is_of_out(work)))
        send_all(work);
    for (size_t i = 0; i < work->lane_count; i++)
        call_off(&work->lanes[i]);
    cw_timer_free(work->tick);
    cw_watch_free(signals[0]);
    cw_watch_free(signals[1]);
}

int cw_cmd_sync(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct work work = { .cli = &cli };
    struct cw_error err;
    gboolean dry_run = FALSE;
    const GOptionEntry entries[] = {
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Store nothing, and refuse requests that write",
          NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "[CART [STREAM]]",
        "Fetches what changed since the last time: raw, mapped, checked, stored; then sends what the\n"
        "cart is told (stock_out, shipments_out ...). Without CART, all carts of the site; without\n"
        "STREAM, all streams of the cart. It may be killed at any\n"
        "moment and started again. Exit status 1 when a stream could not be read or sent to its end; not\n"
        "for records that are parked, and messages that failed or are unknown: these wait in list work.",
        entries, 0, 2);
    if (code >= 0)
        return code;
    work.dry_run = dry_run;
    work.failed = !cw_cli_open(&cli, CW_CLI_STORE_CREATE | CW_CLI_NETWORK);
    if (!work.failed && open_lanes(&work, argc, argv, &err)) {
        run_lanes(&work);
    } else if (!work.failed) {
        work.failed = true;
        cw_cli_fail(&cli, &err);
    }
    for (size_t i = 0; i < work.lane_count; i++)
        cw_session_close(work.lanes[i].session);
    cw_cli_leases_free(work.leases);
    free(work.lanes);
    cw_cli_close(&cli);
    return work.failed ? 1 : 0;
}
