/* tidy_test.c - the site's own job: what it removes, and which carts it finds quiet. */
#include "engine/tidy.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg_server.h"
#include "adapters/store_bed.h"
#include "adapters/store_engine.h"
#include "base/log.h"
#include "engine/quiet.h"
#include "site_bed.h"

static struct site_bed bed;
static struct cw_metrics_page *page;
static struct cw_store_engine engine; /* the store's, with a prune of ours */
static FILE *log_file;
static char *log_text;
static size_t log_len, log_seen;

static struct {
    bool ended, failed;
    struct cw_error err;
    uint64_t removed;
} end;

/* What the faked engine is asked, and has to remove. */
static struct {
    struct cw_prune last;
    unsigned calls;
    uint64_t rows;
    bool fails;
} pruning;

static void fake_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg)
{
    struct cw_error err;
    uint64_t now = pruning.rows < prune->limit ? pruning.rows : prune->limit;
    pruning.last = *prune;
    pruning.calls++;
    pruning.rows -= now;
    if (pruning.fails)
        cw_txn_lose(txn, (cw_fail(&err, CW_IO, "the disk is broken"), &err));
    pruned(arg, pruning.fails ? 0 : now, pruning.fails ? &err : NULL);
}

static int open_bed(void **state)
{
    (void)state;
    static char uri[200];
    site_bed_init(&bed, 1);
    if (pg_server_is_wanted()) {
        pg_server_create("tidy");
        snprintf(uri, sizeof uri, "%s", pg_server_uri("tidy"));
        bed.store_path = uri;
    }
    site_bed_write(&bed, "site.lua",
                   "return { zone = 'Europe/Berlin', allow = { 'shop.test' },\n"
                   "  carts = { shop = { type = 'fake', url = 'http://shop.test' },\n"
                   "            tea = { type = 'fake', url = 'http://shop.test', quiet = false } } }\n");
    site_bed_open(&bed);
    engine = *bed.store->engine;
    engine.prune = fake_prune;
    bed.store->engine = &engine;
    memset(&pruning, 0, sizeof pruning);
    log_seen = 0;
    page = calloc(1, cw_metrics_page_size());
    log_file = open_memstream(&log_text, &log_len);
    cw_log_configure((struct cw_log_config){ .out = log_file, .clock = cw_loop_clock(bed.loop) });
    return page == NULL || log_file == NULL;
}

static int close_bed(void **state)
{
    (void)state;
    cw_log_configure((struct cw_log_config){ .out = NULL });
    fclose(log_file);
    free(log_text);
    free(page);
    site_bed_fini(&bed);
    if (pg_server_is_wanted())
        pg_server_drop("tidy");
    return 0;
}

static const char *logged(void)
{
    fflush(log_file);
    return log_text + log_seen;
}

static void forget_log(void)
{
    fflush(log_file);
    log_seen = log_len;
}

/* --- one run --- */

static void tidied(void *arg, uint64_t removed, const struct cw_error *err)
{
    (void)arg;
    end.ended = true;
    end.failed = err != NULL;
    if (err != NULL)
        end.err = *err;
    end.removed = removed;
    cw_loop_stop(bed.loop);
}

static struct cw_tidy *start(void)
{
    struct cw_error err;
    const struct cw_tidy_config config = {
        .site = bed.site, .loop = bed.loop, .store = bed.store, .metrics = page, .worker = "host/1"
    };
    memset(&end, 0, sizeof end);
    struct cw_tidy *tidy = cw_tidy_start(&config, tidied, NULL, &err);
    assert_ok(tidy != NULL, err);
    return tidy;
}

static bool tidy_up(void)
{
    start();
    while (!end.ended)
        cw_loop_run(bed.loop);
    return !end.failed;
}

/* --- orders --- */

static struct cw_arena arena;
static int next_id;

static struct cw_txn *begin_here(void)
{
    struct answer answer = { 0 };
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, answer_ready, &answer);
    cw_store_wait(bed.store);
    assert_non_null(answer.txn);
    return answer.txn;
}

static void commit_here(struct cw_txn *txn)
{
    struct answer answer = { 0 };
    cw_txn_commit(txn, answer_done, &answer);
    cw_store_wait(bed.store);
    assert_ok(answer.calls == 1 && !answer.failed, answer.err);
}

static void put_order(struct cw_txn *txn, const char *cart, cw_time placed_at)
{
    char id[16];
    snprintf(id, sizeof id, "%d", ++next_id);
    struct cw_document *doc = order_of(&arena, id, 0);
    set(doc, "placed_at")->time = placed_at;
    cw_txn_put_document(txn, cw_slice(cart), doc, placed_at, 1);
}

static cw_time now(void)
{
    return cw_now(cw_loop_clock(bed.loop));
}

/* An order every hour of `days` days, up to now. */
static void put_orders(const char *cart, int days)
{
    cw_arena_init(&arena, 0);
    struct cw_txn *txn = begin_here();
    for (int hour = days * 24; hour >= 0; hour--)
        put_order(txn, cart, now() - hour * CW_HOUR);
    commit_here(txn);
    cw_arena_fini(&arena);
}

static void put_one(const char *cart, cw_time placed_at)
{
    cw_arena_init(&arena, 0);
    struct cw_txn *txn = begin_here();
    put_order(txn, cart, placed_at);
    commit_here(txn);
    cw_arena_fini(&arena);
}

/* A sync that found nothing new. */
static void sync_until(const char *cart, cw_time done_until)
{
    struct cw_txn *txn = begin_here();
    const struct cw_cursor cursor = { done_until, CW_TIME_NONE, CW_TIME_NONE, { "", 0 } };
    cw_txn_put_cursor(txn, cw_slice(cart), cw_slice("orders"), &cursor);
    commit_here(txn);
}

static void add_run(enum cw_run_state how)
{
    struct answer answer = { 0 };
    struct cw_run run = { .cart = cw_slice("shop"),
                          .stream = cw_slice("orders"),
                          .job = cw_slice("sync"),
                          .state = how,
                          .started_at = now(),
                          .ended_at = now(),
                          .message = { "", 0 },
                          .script_version = { "", 0 },
                          .began_by = { "", 0 },
                          .worker = { "", 0 } };
    cw_store_start_run(bed.store, (struct cw_fence){ 0 }, &run, answer_number, &answer);
    cw_store_wait(bed.store);
    assert_ok(!answer.failed, answer.err);
}

static void pass(cw_time time)
{
    site_bed_wait(&bed, time);
    sync_until("shop", now());
}

#define NOTES                                                                                                \
    "SELECT r.job, r.cart, r.state, r.worker, r.warnings, n.level, n.cart, n.stream, n.message FROM runs r " \
    "JOIN run_notes n ON n.run_id = r.id ORDER BY n.id"
#define STATE "SELECT cart, key, substr(value, 1, 5) FROM state"

static struct cw_slice metrics_text(struct cw_buffer *out)
{
    struct cw_error err;
    const struct cw_metrics_process process = { 0 };
    cw_buffer_clear(out);
    assert_ok(cw_metrics_write(&page, 1, &process, out, &err), err);
    return cw_buffer_slice(out);
}

static void assert_metric(const char *line)
{
    struct cw_buffer text = { 0 };
    metrics_text(&text);
    if (strstr(text.data, line) == NULL)
        fail_msg("no %s", line);
    cw_buffer_fini(&text);
}

/* --- quiet --- */

static void a_cart_that_falls_silent_is_told_once(void **state)
{
    (void)state;
    put_orders("shop", 30);
    pass(6 * CW_HOUR);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    assert_rows(&bed, "SELECT count(*) FROM runs", "0");
    assert_metric("cartwright_cart_quiet{cart=\"shop\"} 0\n");

    pass(8 * CW_HOUR);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(),
                        "time=2024-03-31T16:30:00Z level=warning event=cart-quiet cart=shop "
                        "last_order_at=2024-03-31T02:30:00Z expected=14.1 check=\"does the shop take "
                        "orders? cartwright test-connection shop\"\n");
    assert_rows(
        &bed, NOTES,
        "tidy||done|host/1|1|warning|shop|orders|no order has come since 2024-03-31 04:30, where about 14 "
        "were to be expected; does the shop take orders? See: cartwright test-connection shop");
    assert_rows(&bed, STATE, "shop|cartwright.quiet|quiet");
    assert_metric("cartwright_cart_quiet{cart=\"shop\"} 1\n");

    forget_log();
    for (int i = 0; i < 50; i++) {
        pass(CW_HOUR);
        assert_ok(tidy_up(), end.err);
    }
    assert_string_equal(logged(), "");
    assert_rows(&bed, "SELECT count(*) FROM runs", "1");
    assert_metric("cartwright_cart_quiet{cart=\"shop\"} 1\n");
}

static void orders_that_come_again_are_told_once(void **state)
{
    (void)state;
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    assert_ok(tidy_up(), end.err);
    forget_log();
    pass(CW_HOUR);
    put_one("shop", now());
    pass(CW_MINUTE);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "time=2024-03-31T23:31:00Z level=warning event=cart-lively cart=shop "
                                  "last_order_at=2024-03-31T23:30:00Z\n");
    assert_rows(&bed, "SELECT message FROM run_notes ORDER BY id DESC LIMIT 1",
                "orders come again, the last one at 2024-04-01 01:30");
    assert_rows(&bed, STATE, "shop|cartwright.quiet|livel");
    assert_metric("cartwright_cart_quiet{cart=\"shop\"} 0\n");
    forget_log();
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
}

/* One order in the midst of silence is no reason to call again the next hour. */
static void a_cart_that_flickers_is_told_once_a_day(void **state)
{
    (void)state;
    put_orders("shop", 30);
    pass(16 * CW_HOUR);
    assert_ok(tidy_up(), end.err);
    put_one("shop", now());
    int alarms[2] = { 0 };
    for (int hour = 0; hour < 120; hour++) {
        pass(CW_HOUR);
        forget_log();
        assert_ok(tidy_up(), end.err);
        alarms[hour >= 23] += strstr(logged(), "event=cart-quiet") != NULL;
    }
    assert_int_equal(alarms[0], 0);
    assert_int_equal(alarms[1], 1);
}

static void a_cart_whose_syncs_fail_is_not_called_quiet(void **state)
{
    (void)state;
    put_orders("shop", 30);
    sync_until("shop", now());
    site_bed_wait(&bed, 5 * CW_DAY);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    assert_rows(&bed, STATE, "");
}

static void a_cart_that_was_told_to_be_quiet_by_nature_is_left_alone(void **state)
{
    (void)state;
    put_orders("tea", 30);
    site_bed_wait(&bed, 5 * CW_DAY);
    sync_until("tea", now());
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    assert_rows(&bed, STATE, "");
}

static void a_stream_that_is_read_whole_is_complete_up_to_its_last_run(void **state)
{
    (void)state;
    put_orders("shop", 30);
    site_bed_wait(&bed, CW_DAY);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    add_run(CW_RUN_FAILED);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    add_run(CW_RUN_DONE);
    assert_ok(tidy_up(), end.err);
    assert_has(logged(), "event=cart-quiet");
}

static void an_order_that_waits_is_a_sign_of_life(void **state)
{
    (void)state;
    put_orders("shop", 30);
    pass(10 * CW_HOUR);
    struct cw_txn *txn = begin_here();
    const struct cw_issue issue = {
        cw_slice("totals"), { "", 0 }, { "", 0 }, { "", 0 }, cw_slice("off by 0.01")
    };
    const struct cw_staged staged = { .key = { cw_slice("shop"), cw_slice("orders"), cw_slice("x") },
                                      .kind = &cw_kind_order,
                                      .document = { "", 0 },
                                      .issues = &issue,
                                      .issue_count = 1,
                                      .at = now(),
                                      .run = 1 };
    cw_txn_put_staged(txn, &staged);
    commit_here(txn);
    pass(8 * CW_HOUR);
    assert_ok(tidy_up(), end.err);
    assert_string_equal(logged(), "");
    assert_metric("cartwright_waiting_records{cart=\"shop\",stream=\"orders\"} 1\n");
    txn = begin_here();
    cw_txn_drop_staged(txn, staged.key);
    commit_here(txn);
    assert_ok(tidy_up(), end.err);
    assert_has(logged(), "event=cart-quiet");
    assert_metric("cartwright_waiting_records{cart=\"shop\",stream=\"orders\"} 0\n");
}

static void take_quiet(void *arg, const struct cw_quiet *quiet)
{
    snprintf(arg, 100, "%.*s since %lld, told %lld, %.1f", CW_SLICE_ARG(quiet->cart),
             (long long)((quiet->last_order_at - BED_START) / CW_HOUR),
             (long long)((quiet->told_at - BED_START) / CW_HOUR), quiet->expected);
}

static void read_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void status_can_ask_which_carts_are_quiet(void **state)
{
    (void)state;
    char text[100] = "";
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    cw_quiet_read(bed.store, bed.site, take_quiet, read_done, text);
    cw_store_wait(bed.store);
    assert_string_equal(text, "");
    assert_ok(tidy_up(), end.err);
    cw_quiet_read(bed.store, bed.site, take_quiet, read_done, text);
    cw_store_wait(bed.store);
    assert_string_equal(text, "shop since 0, told 20, 20.1");
}

/* A script may write what it likes under any key. */
static void a_state_that_makes_no_sense_is_like_none(void **state)
{
    (void)state;
    static const char *const values[] = { "quiet", "quiet yesterday today 3", "", "lively - - nan",
                                          "quietquietquietquietquietquietquiet quiet quiet quiet" };
    char text[100] = "";
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct cw_txn *txn = begin_here();
        cw_txn_put_state(txn, cw_slice("shop"), cw_slice(CW_QUIET_KEY), cw_slice(values[i]));
        commit_here(txn);
        cw_quiet_read(bed.store, bed.site, take_quiet, read_done, text);
        cw_store_wait(bed.store);
        assert_string_equal(text, "");
        forget_log();
        assert_ok(tidy_up(), end.err);
        assert_has(logged(), "event=cart-quiet cart=shop");
    }
}

/* --- what may go --- */

static void keep(cw_time runs, cw_time raw, cw_time webhooks, unsigned raw_versions)
{
    bed.site->config.keep = (struct cw_site_keep){
        .runs = runs, .raw = raw, .webhooks = webhooks, .messages = 90 * CW_DAY, .raw_versions = raw_versions
    };
}

static void what_was_kept_long_enough_goes_in_small_pieces(void **state)
{
    (void)state;
    keep(90 * CW_DAY, 400 * CW_DAY, 30 * CW_DAY, 3);
    pruning.rows = 1234;
    assert_ok(tidy_up(), end.err);
    assert_int_equal(end.removed, 1234);
    assert_int_equal(pruning.calls, 4); /* 500, 500, 234, none */
    assert_int_equal(pruning.last.limit, 500);
    assert_int_equal(pruning.last.runs_until, BED_START - 90 * CW_DAY);
    assert_int_equal(pruning.last.raw_until, BED_START - 400 * CW_DAY);
    assert_int_equal(pruning.last.webhooks_until, BED_START - 30 * CW_DAY);
    assert_int_equal(pruning.last.messages_until, BED_START - 90 * CW_DAY);
    assert_int_equal(pruning.last.raw_versions, 3);
    assert_has(logged(), "level=info event=tidied removed=1234 ");
    assert_rows(&bed, NOTES, "tidy||done|host/1|0|info|||1234 rows that were kept long enough were removed");
}

static void what_is_kept_for_ever_is_not_asked_for(void **state)
{
    (void)state;
    keep(CW_TIME_NONE, CW_TIME_NONE, CW_TIME_NONE, 1);
    assert_ok(tidy_up(), end.err);
    assert_int_equal(pruning.last.runs_until, CW_TIME_NONE);
    assert_int_equal(pruning.last.raw_until, CW_TIME_NONE);
    assert_int_equal(pruning.last.webhooks_until, CW_TIME_NONE);
    assert_rows(&bed, "SELECT count(*) FROM runs", "0");
}

static struct cw_later meanwhile;
static unsigned turns;

static void take_turn(void *arg)
{
    (void)arg;
    turns++;
    if (pruning.rows > 0)
        cw_loop_later(bed.loop, &meanwhile, take_turn, NULL);
}

static void others_have_their_turn_between_two_pieces(void **state)
{
    (void)state;
    pruning.rows = 5000;
    turns = 0;
    cw_loop_later(bed.loop, &meanwhile, take_turn, NULL);
    assert_ok(tidy_up(), end.err);
    assert_true(turns >= 10);
}

static void a_disk_that_fails_does_not_hide_a_quiet_cart(void **state)
{
    (void)state;
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    pruning.fails = true;
    assert_false(tidy_up());
    assert_int_equal(end.err.code, CW_IO);
    assert_string_equal(end.err.text, "the disk is broken");
    assert_has(logged(), "event=cart-quiet cart=shop");
}

static void a_job_whose_lease_is_lost_writes_nothing(void **state)
{
    (void)state;
    struct cw_error err;
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    pruning.rows = 10;
    const struct cw_tidy_config config = {
        .site = bed.site, .loop = bed.loop, .store = bed.store, .fence = { cw_slice("site"), 7 }
    };
    memset(&end, 0, sizeof end);
    assert_ok(cw_tidy_start(&config, tidied, NULL, &err) != NULL, err);
    while (!end.ended)
        cw_loop_run(bed.loop);
    assert_int_equal(end.err.code, CW_CONFLICT);
    assert_string_equal(logged(), "");
    assert_rows(&bed, "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM state)", "0|0");
}

static void stop_loop(void *arg)
{
    (void)arg;
    cw_loop_stop(bed.loop);
}

/* Called off after each number of turns of the loop: nothing comes any more, nothing is left allocated. */
static void it_can_be_called_off_at_any_moment(void **state)
{
    (void)state;
    struct cw_later later = { 0 };
    unsigned cancelled = 0;
    if (pg_server_is_wanted())
        skip(); /* steps of a server do not come by turns of the loop */
    put_orders("shop", 30);
    pass(20 * CW_HOUR);
    for (int steps = 0; steps < 100; steps++) {
        pruning.rows = 1200;
        struct cw_tidy *tidy = start();
        for (int i = 0; i < steps && !end.ended; i++) {
            cw_loop_later(bed.loop, &later, stop_loop, NULL);
            cw_loop_run(bed.loop);
        }
        cw_later_cancel(bed.loop, &later);
        if (end.ended)
            break;
        cw_tidy_cancel(tidy);
        cancelled++;
        cw_loop_run(bed.loop);
        assert_false(end.ended);
    }
    assert_true(end.ended && cancelled > 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_cart_that_falls_silent_is_told_once),
        TEST(orders_that_come_again_are_told_once),
        TEST(a_cart_that_flickers_is_told_once_a_day),
        TEST(a_cart_whose_syncs_fail_is_not_called_quiet),
        TEST(a_cart_that_was_told_to_be_quiet_by_nature_is_left_alone),
        TEST(a_stream_that_is_read_whole_is_complete_up_to_its_last_run),
        TEST(an_order_that_waits_is_a_sign_of_life),
        TEST(status_can_ask_which_carts_are_quiet),
        TEST(a_state_that_makes_no_sense_is_like_none),
        TEST(what_was_kept_long_enough_goes_in_small_pieces),
        TEST(what_is_kept_for_ever_is_not_asked_for),
        TEST(others_have_their_turn_between_two_pieces),
        TEST(a_disk_that_fails_does_not_hide_a_quiet_cart),
        TEST(a_job_whose_lease_is_lost_writes_nothing),
        TEST(it_can_be_called_off_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
