/* cmd_reconcile.c - `cartwright reconcile CART [STREAM]`: do we have all orders of yesterday? Says what is
 * missing on either side, and fetches what is missing here. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/leases.h"
#include "cli/report.h"
#include "cli/rows.h"
#include "engine/reconcile.h"

struct work {
    struct cw_cli *cli;
    const char *stream;
    struct cw_session *session;
    struct cw_lua_cart *cart;
    struct cw_cli_leases *leases; /* NULL where nothing is stored */
    struct cw_reconcile *reconcile;
    struct cw_reconcile_config config;
    struct cw_zone *zone;
    GPtrArray *cells;
    uint64_t not_sent;
    bool ok, has_all;
};

static void note_find(void *arg, struct cw_slice id, enum cw_reconcile_find find)
{
    struct work *work = arg;
    g_ptr_array_add(work->cells, g_strndup(id.data, id.len));
    g_ptr_array_add(work->cells, g_strdup(cw_reconcile_find_name(find)));
    work->not_sent += find == CW_FIND_NOT_SENT;
}

/* --- what is printed --- */

static void time_text(const struct work *work, cw_time time, char out[CW_TIME_TEXT_MAX])
{
    out[0] = '\0';
    if (time != CW_TIME_NONE)
        cw_time_format(time, work->zone, "%Y-%m-%d %H:%M:%S", out, CW_TIME_TEXT_MAX, NULL);
}

static void print_json(const struct work *work, const struct cw_reconcile_report *report,
                       const struct cw_error *err)
{
    char from[CW_TIME_TEXT_MAX] = "", to[CW_TIME_TEXT_MAX] = "";
    if (report->from != CW_TIME_NONE)
        cw_time_iso(report->from, from);
    cw_time_iso(report->to, to);
    printf("{\"run\":%lld,\"cart\":\"%s\",\"stream\":\"%s\",\"ok\":%s,\"from\":", (long long)report->run->id,
           work->cart->name, work->stream, err == NULL ? "true" : "false");
    printf(from[0] != '\0' ? "\"%s\"" : "null", from);
    printf(",\"to\":\"%s\",\"in_cart\":%" PRIu64 ",\"in_store\":%" PRIu64 ",\"missing\":%" PRIu64
           ",\"gone\":%" PRIu64 ",\"not_sent\":%" PRIu64 ",\"requests\":%" PRIu64,
           to, report->in_cart, report->in_store, report->missing, report->gone, work->not_sent,
           report->run->counts.requests);
    if (err != NULL) {
        printf(",\"code\":\"%s\",\"error\":", cw_code_name(err->code));
        cw_cli_json_text(cw_slice(err->text));
    }
    puts("}");
}

static void print_window(const struct work *work, const struct cw_reconcile_report *report)
{
    char from[CW_TIME_TEXT_MAX], to[CW_TIME_TEXT_MAX];
    time_text(work, report->from, from);
    time_text(work, report->to, to);
    printf("%s%s %s%s %s%sto %s: ", cw_cli_bold(), work->cart->name, work->stream, cw_cli_plain(), from,
           from[0] != '\0' ? " " : "up ", to);
}

static void print_text(const struct work *work, const struct cw_reconcile_report *report)
{
    char from[CW_TIME_TEXT_MAX], to[CW_TIME_TEXT_MAX];
    print_window(work, report);
    if (!work->config.only_tell) {
        printf("%.*s\n", CW_SLICE_ARG(report->run->message));
        if (report->run->counts.parked > 0)
            puts("  some are parked; see: cartwright list parked");
        return;
    }
    printf("cart has %" PRIu64 ", store has %" PRIu64 ", %" PRIu64 " missing, %" PRIu64
           " not listed by the cart\n",
           report->in_cart, report->in_store, report->missing, report->gone);
    if (report->missing == 0)
        return;
    time_text(work, report->from, from);
    time_text(work, report->to, to);
    printf("  fetch what is missing: cartwright reconcile %s %s", work->cart->name, work->stream);
    printf(from[0] != '\0' ? " --since \"%s\"" : "%s", from);
    printf(" --until \"%s\"\n", to);
}

static void reconciled(void *arg, const struct cw_reconcile_report *report, const struct cw_error *err)
{
    static const char *const names[] = { "external_id", "found" };
    struct work *work = arg;
    work->reconcile = NULL;
    work->ok = err == NULL;
    work->has_all = work->config.only_tell ? report->missing == 0 : work->not_sent == 0;
    cw_cli_progress(NULL);
    if (work->cells->len > 0)
        cw_cli_print_cells(work->cli, names, G_N_ELEMENTS(names), work->cells, "");
    if (work->cli->json)
        print_json(work, report, err);
    else if (err == NULL)
        print_text(work, report);
    if (err != NULL)
        cw_cli_fail_in(work->cli, err, "reconcile");
    fflush(stdout);
    cw_loop_stop(work->cli->loop);
}

/* --- the run --- */

static void stop(void *arg, int number, int events)
{
    (void)number;
    (void)events;
    struct work *work = arg;
    cw_cli_progress(NULL);
    fputs("cartwright: stopped; what was stored stays stored\n", stderr);
    cw_loop_stop(work->cli->loop);
}

static bool read_time(struct work *work, const char *option, const char *text, cw_time *time,
                      struct cw_error *err)
{
    *time = CW_TIME_NONE;
    return text == NULL || cw_time_parse(cw_slice(text), work->zone, time, err) ||
           cw_fail_in(err, "--%s", option);
}

static bool hold(struct work *work, struct cw_error *err)
{
    if (work->config.only_tell)
        return true;
    work->leases = cw_cli_leases_create(work->cli, err);
    return work->leases != NULL &&
           cw_cli_leases_take(work->leases, work->session, work->cart->name, err) != 0;
}

static bool begin(struct work *work, const char *cart, struct cw_error *err)
{
    work->session = cw_cli_session(work->cli, cart, work->config.only_tell, err);
    work->cart = work->session != NULL ? cw_session_cart(work->session, cart, err) : NULL;
    if (work->cart == NULL)
        return cw_fail_in(err, "cart %s", cart);
    const struct cw_lua_stream *stream = cw_lua_cart_need_stream(work->cart, work->stream, err);
    if (stream == NULL || !hold(work, err))
        return false;
    work->reconcile =
        cw_reconcile_start(work->session, stream, &work->config, note_find, reconciled, work, err);
    return work->reconcile != NULL;
}

static void run(struct work *work)
{
    struct cw_watch *signals[] = { cw_watch_signal(work->cli->loop, SIGINT, stop, work, NULL),
                                   cw_watch_signal(work->cli->loop, SIGTERM, stop, work, NULL) };
    cw_loop_run(work->cli->loop);
    if (work->reconcile != NULL)
        cw_reconcile_cancel(work->reconcile);
    cw_watch_free(signals[0]);
    cw_watch_free(signals[1]);
}

static bool is_window(const struct cw_reconcile_config *config, struct cw_error *err)
{
    return config->from == CW_TIME_NONE || config->to == CW_TIME_NONE || config->from < config->to ||
           cw_fail(err, CW_USAGE, "--until must be later than --since");
}

static bool open_and_run(struct work *work, const char *cart, const char *since, const char *until)
{
    struct cw_error err;
    int store = work->config.only_tell ? CW_CLI_STORE : CW_CLI_STORE_CREATE;
    if (!cw_cli_open(work->cli, store | CW_CLI_NETWORK))
        return false;
    work->zone = cw_zone_open(work->cli->site->config.zone, &err);
    if (work->zone == NULL || !read_time(work, "since", since, &work->config.from, &err) ||
        !read_time(work, "until", until, &work->config.to, &err) || !is_window(&work->config, &err) ||
        !begin(work, cart, &err)) {
        cw_cli_fail(work->cli, &err);
        return false;
    }
    run(work);
    return work->ok && work->has_all;
}

int cw_cmd_reconcile(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct work work = { .cli = &cli, .config = { .job = "reconcile" } };
    char *since = NULL, *until = NULL;
    gboolean only_tell = FALSE;
    const GOptionEntry entries[] = {
        { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Only from this day or time on", "TIME" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &until, "Only before this day or time", "TIME" },
        { "only-tell", 0, 0, G_OPTION_ARG_NONE, &only_tell, "Fetch and store nothing", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART [STREAM]",
        "Compares which records the shop has with those in the store, lists what is missing on either\n"
        "side, and fetches what is missing here; STREAM is orders when not given. TIME is such as\n"
        "2024-03-31 or \"2024-03-31 14:00\", in the site's zone: when orders were placed. Without it,\n"
        "the last 14 days (or what the script says) up to where sync has come. Exit status 1 when\n"
        "something is missing still.",
        entries, 1, 2);
    if (code < 0) {
        work.stream = argc > 2 ? argv[2] : "orders";
        work.config.only_tell = only_tell;
        work.cells = g_ptr_array_new_with_free_func(g_free);
        code = open_and_run(&work, argv[1], since, until) ? 0 : 1;
        g_ptr_array_unref(work.cells);
    }
    cw_session_close(work.session);
    cw_cli_leases_free(work.leases);
    cw_zone_free(work.zone);
    cw_cli_close(&cli);
    g_free(since);
    g_free(until);
    return code;
}
