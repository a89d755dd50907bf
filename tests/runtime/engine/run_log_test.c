/* run_log_test.c - what the log says of runs, and how often. */
#include "engine/run_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "site_bed.h"

static struct cw_loop *loop;
static struct cw_run_log *run_log;
static FILE *file;
static char *text;
static size_t len, seen;

static void configure(enum cw_log_level level, enum cw_log_style style)
{
    cw_log_configure(
        (struct cw_log_config){ .out = file, .level = level, .style = style, .clock = cw_loop_clock(loop) });
}

static int open_log(void **state)
{
    (void)state;
    struct cw_error err;
    loop = cw_loop_create_virtual(BED_START, &err);
    run_log = loop != NULL ? cw_run_log_create(loop, &err) : NULL;
    file = open_memstream(&text, &len);
    seen = 0;
    configure(CW_LOG_INFO, CW_LOG_LOGFMT);
    return run_log == NULL || file == NULL;
}

static int close_log(void **state)
{
    (void)state;
    cw_run_log_free(run_log);
    cw_loop_free(loop);
    cw_log_configure((struct cw_log_config){ .out = NULL });
    fclose(file);
    free(text);
    cw_secret_forget_all();
    return 0;
}

/* What was written since the last question. */
static const char *news(void)
{
    fflush(file);
    const char *from = text + seen;
    seen = len;
    return from;
}

static int lines(const char *of)
{
    int count = 0;
    for (; *of != '\0'; of++)
        count += *of == '\n';
    return count;
}

static void pass(cw_time time)
{
    struct site_bed only = { .loop = loop };
    site_bed_wait(&only, time);
}

static struct cw_run run_of(const char *cart, const char *stream)
{
    return (struct cw_run){ .id = 7,
                            .cart = cw_slice(cart),
                            .stream = cw_slice(stream),
                            .job = cw_slice("sync"),
                            .state = CW_RUN_DONE,
                            .started_at = BED_START,
                            .ended_at = BED_START + 1500 * CW_MILLISECOND,
                            .counts = { .read = 10,
                                        .posted = 4,
                                        .unchanged = 3,
                                        .parked = 2,
                                        .skipped = 1,
                                        .stored = 7,
                                        .held = 1,
                                        .warnings = 2,
                                        .pages = 1,
                                        .requests = 5,
                                        .bytes_in = 1234,
                                        .fetch_us = 900000,
                                        .store_us = 250000 },
                            .began_by = cw_slice("schedule") };
}

static void fail_run(const char *cart, const char *stream, enum cw_code code, const char *message)
{
    struct cw_run run = run_of(cart, stream);
    struct cw_error err;
    cw_fail(&err, code, "%s", message);
    run.state = CW_RUN_FAILED;
    run.message = cw_slice(message);
    cw_run_log_ended(run_log, &run, &err);
}

static void end_run(const char *cart, const char *stream)
{
    struct cw_run run = run_of(cart, stream);
    cw_run_log_ended(run_log, &run, NULL);
}

#define COUNTS "read=10 posted=4 unchanged=3 parked=2 skipped=1 stored=7 held=1 warnings=2 store_ms=250"

static void a_run_is_told_at_its_beginning_and_its_end(void **state)
{
    (void)state;
    struct cw_run run = run_of("shop", "orders");
    cw_run_log_began(run_log, &run);
    assert_string_equal(news(),
                        "time=2024-03-31T02:30:00Z level=info event=run-began cart=shop stream=orders "
                        "job=sync run=7 began_by=schedule\n");
    cw_run_log_page(run_log, &run, &run.counts);
    assert_string_equal(news(), "");
    end_run("shop", "orders");
    assert_string_equal(news(),
                        "time=2024-03-31T02:30:00Z level=info event=run-ended cart=shop stream=orders "
                        "job=sync run=7 " COUNTS " fetch_ms=900 pages=1 requests=5 bytes_in=1234 "
                        "took_ms=1500\n");
}

static void pages_are_told_to_those_who_look_closely(void **state)
{
    (void)state;
    struct cw_run run = run_of("shop", "orders");
    configure(CW_LOG_DEBUG, CW_LOG_JSON);
    cw_run_log_page(run_log, &run, &run.counts);
    assert_string_equal(news(),
                        "{\"time\":\"2024-03-31T02:30:00Z\",\"level\":\"debug\",\"event\":\"page-stored\","
                        "\"cart\":\"shop\",\"stream\":\"orders\",\"job\":\"sync\",\"run\":\"7\","
                        "\"read\":\"10\",\"posted\":\"4\",\"unchanged\":\"3\",\"parked\":\"2\","
                        "\"skipped\":\"1\",\"stored\":\"7\",\"held\":\"1\",\"warnings\":\"2\","
                        "\"store_ms\":\"250\"}\n");
}

static void a_failure_says_why(void **state)
{
    (void)state;
    fail_run("shop", "orders", CW_AUTH, "HTTP 401: the shop does not accept the credentials");
    const char *told = news();
    assert_has(told, "level=error event=run-failed cart=shop stream=orders job=sync run=7 " COUNTS);
    assert_has(told, " code=auth error=\"HTTP 401: the shop does not accept the credentials\"\n");
    assert_int_equal(lines(told), 1);
}

/* T-O2, over ten minutes: a line at once, one a minute, one when it is over. */
static void ten_thousand_equal_errors_are_told_once_a_minute(void **state)
{
    (void)state;
    int told = 0, failures = 1;
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    assert_int_equal(lines(news()), 1);
    for (int i = 1; i < 10000; i++) {
        fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
        pass(60 * CW_MILLISECOND);
    }
    pass(2 * CW_MINUTE);
    const char *all = news();
    for (const char *at = all; (at = strstr(at, "failures=")) != NULL; at++, told++)
        failures += atoi(at + strlen("failures="));
    assert_int_equal(failures, 10000);
    assert_int_equal(lines(all), told);
    assert_in_range(told, 10, 11);
    assert_has(all, "level=error event=run-fails cart=shop stream=orders job=sync failures=");
    assert_has(all, "since=2024-03-31T02:30:00Z code=unavailable error=\"no connection\"\n");
    pass(CW_DAY);
    assert_string_equal(news(), "");

    end_run("shop", "orders");
    all = news();
    assert_int_equal(lines(all), 2);
    assert_has(all, "level=warning event=run-recovered cart=shop stream=orders job=sync failures=10000 "
                    "since=2024-03-31T02:30:00Z\n");
    end_run("shop", "orders");
    assert_int_equal(lines(news()), 1);
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    assert_has(news(), "event=run-failed");
}

static void other_errors_carts_and_streams_are_told_by_themselves(void **state)
{
    (void)state;
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    fail_run("shop", "orders", CW_AUTH, "wrong key");
    fail_run("shop", "items", CW_UNAVAILABLE, "no connection");
    fail_run("tea", "orders", CW_UNAVAILABLE, "no connection");
    assert_int_equal(lines(news()), 4);
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    fail_run("shop", "orders", CW_AUTH, "wrong key");
    assert_string_equal(news(), "");
    end_run("shop", "items");
    assert_has(news(), "event=run-recovered cart=shop stream=items job=sync failures=1 ");
    end_run("shop", "orders");
    assert_has(news(), "event=run-recovered cart=shop stream=orders job=sync failures=4 ");
    pass(CW_HOUR);
    assert_string_equal(news(), "");
}

static void what_was_not_told_yet_is_told_when_the_process_ends(void **state)
{
    (void)state;
    struct cw_error err;
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection, still");
    news();
    cw_run_log_free(run_log);
    assert_has(news(),
               "failures=1 since=2024-03-31T02:30:00Z code=unavailable error=\"no connection, still\"");
    run_log = cw_run_log_create(loop, &err);
    assert_ok(run_log != NULL, err);
}

static void a_process_at_rest_is_not_woken(void **state)
{
    (void)state;
    fail_run("shop", "orders", CW_UNAVAILABLE, "no connection");
    cw_loop_run(loop); /* returns when nothing is registered that could ever fire */
    assert_int_equal(cw_now(cw_loop_clock(loop)), BED_START);
}

static void no_secret_and_no_forged_line_comes_through(void **state)
{
    (void)state;
    cw_secret_remember(cw_slice("hunter2-hunter2"));
    struct cw_run run = run_of("shop\nlevel=error event=forged", "hunter2-hunter2");
    struct cw_error err;
    cw_fail(&err, CW_INVALID, "the shop says \"hunter2-hunter2\"\ntime=x event=forged");
    run.began_by = cw_slice("hunter2-hunter2");
    run.message = cw_slice(err.text);
    for (int style = CW_LOG_LOGFMT; style <= CW_LOG_JSON; style++) {
        configure(CW_LOG_DEBUG, (enum cw_log_style)style);
        cw_run_log_began(run_log, &run);
        cw_run_log_page(run_log, &run, &run.counts);
        cw_run_log_ended(run_log, &run, &err);
        cw_run_log_ended(run_log, &run, &err);
        pass(2 * CW_MINUTE);
        cw_run_log_ended(run_log, &run, NULL);
        cw_log_quiet("hunter2-hunter2", BED_START, 12);
        cw_log_lively("hunter2-hunter2", BED_START);
    }
    cw_log_tidied(5, CW_SECOND);
    const char *all = news();
    assert_int_equal(lines(all), 17);
    assert_null(strstr(all, "hunter2"));
    assert_null(strstr(all, "\ntime=x"));
    assert_null(strstr(all, "\nlevel=error"));
    assert_has(all, "\"event\":\"tidied\",\"removed\":\"5\",\"took_ms\":\"1000\"}\n");
}

static void commands_that_print_their_runs_log_nothing(void **state)
{
    (void)state;
    struct cw_run run = run_of("shop", "orders");
    struct cw_error err;
    cw_fail(&err, CW_IO, "broken");
    cw_run_log_began(NULL, &run);
    cw_run_log_page(NULL, &run, &run.counts);
    cw_run_log_ended(NULL, &run, &err);
    cw_run_log_ended(NULL, &run, NULL);
    assert_string_equal(news(), "");
}

/* --- a whole sync --- */

static void a_sync_tells_its_run_and_its_failure(void **state)
{
    (void)state;
    struct site_bed bed;
    struct cw_error err;
    site_bed_init(&bed, 1);
    for (int i = 0; i < 8; i++)
        assert_non_null(fake_shop_add(&bed.shop, i == 0 ? FAKE_PARKS : FAKE_POSTS, 0));
    site_bed_wait(&bed, CW_MINUTE);
    struct cw_run_log *log = cw_run_log_create(bed.loop, &err);
    assert_ok(log != NULL, err);
    bed.config.log = log;
    bed.config.began_by = "schedule";
    bed.config.worker = "host/1/2";
    site_bed_open(&bed);
    configure(CW_LOG_DEBUG, CW_LOG_LOGFMT);
    assert_ok(site_bed_sync(&bed), bed.err);
    const char *told = news();
    assert_has(told, "event=run-began cart=shop stream=orders job=sync run=1 began_by=schedule\n");
    assert_has(told, "event=page-stored cart=shop stream=orders job=sync run=1 read=7 posted=6 unchanged=0 "
                     "parked=1 skipped=0 stored=7 held=0 warnings=1 store_ms=");
    assert_has(told, "event=run-ended cart=shop stream=orders job=sync run=1 read=9 posted=7 unchanged=1 "
                     "parked=1 skipped=0 stored=8 held=0 warnings=1 store_ms=");
    assert_rows(&bed, "SELECT began_by, worker FROM runs", "schedule|host/1/2");
    bed.shop.fail_status = 401;
    assert_false(site_bed_sync(&bed));
    assert_has(news(), "code=auth error=\"orders: HTTP 401: the shop does not accept the credentials\"");
    site_bed_close(&bed);
    cw_run_log_free(log);
    site_bed_fini(&bed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_told_at_its_beginning_and_its_end),
        TEST(pages_are_told_to_those_who_look_closely),
        TEST(a_failure_says_why),
        TEST(ten_thousand_equal_errors_are_told_once_a_minute),
        TEST(other_errors_carts_and_streams_are_told_by_themselves),
        TEST(what_was_not_told_yet_is_told_when_the_process_ends),
        TEST(a_process_at_rest_is_not_woken),
        TEST(no_secret_and_no_forged_line_comes_through),
        TEST(commands_that_print_their_runs_log_nothing),
        TEST(a_sync_tells_its_run_and_its_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
