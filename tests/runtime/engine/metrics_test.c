/* metrics_test.c - what workers count, and its text. */
#include "engine/metrics.h"

#include <stdatomic.h>
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "exposition.h"

static struct cw_metrics_page *pages[2];
static struct cw_buffer text;
static const struct cw_metrics_process process = { 4, 3, 7, 2, 1711852200 * CW_SECOND };

static int open_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        pages[i] = calloc(1, cw_metrics_page_size());
    return pages[0] == NULL || pages[1] == NULL;
}

static int close_pages(void **state)
{
    (void)state;
    free(pages[0]);
    free(pages[1]);
    cw_buffer_fini(&text);
    return 0;
}

/* The text of the first `count` pages, which is sound. */
static struct cw_slice write_text(size_t count)
{
    struct cw_error err;
    char why[EXPOSITION_WHY_MAX];
    cw_buffer_clear(&text);
    assert_ok(cw_metrics_write(pages, count, &process, &text, &err), err);
    if (!exposition_check(cw_buffer_slice(&text), why))
        fail_msg("%s", why);
    return cw_buffer_slice(&text);
}

static double value(const char *series)
{
    return exposition_value(cw_buffer_slice(&text), series);
}

#define assert_value(series, expected)                                                                       \
    do {                                                                                                     \
        if (value(series) != (expected))                                                                     \
            fail_msg("%s is %g, not %g", series, value(series), (double)(expected));                         \
    } while (0)
#define assert_none(series) assert_true(isnan(value(series)))

static struct cw_run run_of(const char *cart, const char *stream, enum cw_run_state state, cw_time took)
{
    cw_time start = 1711852200 * CW_SECOND;
    return (struct cw_run){ .cart = cw_slice(cart),
                            .stream = cw_slice(stream),
                            .job = cw_slice("sync"),
                            .state = state,
                            .started_at = start,
                            .ended_at = start + took,
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
                                        .fetch_us = 1500000,
                                        .store_us = 250000 } };
}

static void end_run(struct cw_metrics_page *page, const char *cart, const char *stream,
                    enum cw_run_state state, cw_time took)
{
    struct cw_run run = run_of(cart, stream, state, took);
    cw_metrics_run_began(page, cart, stream);
    cw_metrics_run_ended(page, &run);
}

static void workers_that_counted_nothing_still_say_who_they_are(void **state)
{
    (void)state;
    write_text(0);
    assert_value("cartwright_build_info{version=\"" CW_VERSION "\"}", 1);
    assert_value("process_start_time_seconds", 1711852200);
    assert_value("cartwright_workers_wanted", 4);
    assert_value("cartwright_workers_ready", 3);
    assert_value("cartwright_workers_died_total", 7);
    assert_value("cartwright_workers_hung_total", 2);
    assert_value("cartwright_job_delay_seconds_count", 0);
    write_text(2);
    assert_value("cartwright_job_delay_seconds_bucket{le=\"+Inf\"}", 0);
}

static void a_run_is_counted_in_all_its_parts(void **state)
{
    (void)state;
    end_run(pages[0], "shop", "orders", CW_RUN_DONE, 3 * CW_SECOND);
    end_run(pages[0], "shop", "orders", CW_RUN_FAILED, 31 * CW_SECOND);
    cw_metrics_run_began(pages[0], "shop", "orders"); /* still on its way */
    write_text(1);
#define OF "{cart=\"shop\",stream=\"orders\""
    assert_value("cartwright_runs_started_total" OF "}", 3);
    assert_value("cartwright_runs_total" OF ",state=\"done\"}", 1);
    assert_value("cartwright_runs_total" OF ",state=\"failed\"}", 1);
    assert_value("cartwright_records_total" OF ",outcome=\"posted\"}", 8);
    assert_value("cartwright_records_total" OF ",outcome=\"unchanged\"}", 6);
    assert_value("cartwright_records_total" OF ",outcome=\"parked\"}", 4);
    assert_value("cartwright_records_total" OF ",outcome=\"skipped\"}", 2);
    assert_value("cartwright_records_held_total" OF "}", 2);
    assert_value("cartwright_raw_versions_total" OF "}", 14);
    assert_value("cartwright_run_notes_total" OF ",level=\"warning\"}", 4);
    assert_value("cartwright_run_notes_total" OF ",level=\"error\"}", 0);
    assert_value("cartwright_pages_total" OF "}", 2);
    assert_value("cartwright_requests_total" OF "}", 10);
    assert_value("cartwright_received_bytes_total" OF "}", 2468);
    assert_value("cartwright_fetch_seconds_total" OF "}", 3);
    assert_value("cartwright_store_seconds_total" OF "}", 0.5);
    assert_value("cartwright_run_duration_seconds_bucket" OF ",le=\"1\"}", 0);
    assert_value("cartwright_run_duration_seconds_bucket" OF ",le=\"5\"}", 1);
    assert_value("cartwright_run_duration_seconds_bucket" OF ",le=\"30\"}", 1);
    assert_value("cartwright_run_duration_seconds_bucket" OF ",le=\"120\"}", 2);
    assert_value("cartwright_run_duration_seconds_bucket" OF ",le=\"+Inf\"}", 2);
    assert_value("cartwright_run_duration_seconds_sum" OF "}", 34);
    assert_value("cartwright_run_duration_seconds_count" OF "}", 2);
    assert_value("cartwright_last_success_timestamp_seconds" OF "}", 1711852203);
}

static void pages_are_added_up_and_the_newest_gauge_holds(void **state)
{
    (void)state;
    end_run(pages[0], "shop", "orders", CW_RUN_DONE, CW_SECOND);
    end_run(pages[1], "shop", "orders", CW_RUN_DONE, 2 * CW_SECOND);
    end_run(pages[1], "tea", "orders", CW_RUN_FAILED, CW_SECOND);
    cw_metrics_set_waiting(pages[1], "shop", "orders", 9);
    cw_metrics_set_quiet(pages[1], "tea", true);
    g_usleep(40000); /* two workers never end runs of one stream within the ticks of a gauge */
    cw_metrics_set_waiting(pages[0], "shop", "orders", 4);
    cw_metrics_late(pages[0], CW_SECOND / 2);
    cw_metrics_late(pages[1], 0);
    cw_metrics_late(pages[1], CW_HOUR);
    write_text(2);
    assert_value("cartwright_runs_total" OF ",state=\"done\"}", 2);
    assert_value("cartwright_last_success_timestamp_seconds" OF "}", 1711852202);
    assert_value("cartwright_waiting_records" OF "}", 4);
    assert_value("cartwright_runs_total{cart=\"tea\",stream=\"orders\",state=\"failed\"}", 1);
    assert_none("cartwright_last_success_timestamp_seconds{cart=\"tea\",stream=\"orders\"}");
    assert_none("cartwright_waiting_records{cart=\"tea\",stream=\"orders\"}");
    assert_value("cartwright_cart_quiet{cart=\"tea\"}", 1);
    assert_value("cartwright_job_delay_seconds_bucket{le=\"0.1\"}", 1);
    assert_value("cartwright_job_delay_seconds_bucket{le=\"1\"}", 2);
    assert_value("cartwright_job_delay_seconds_bucket{le=\"600\"}", 2);
    assert_value("cartwright_job_delay_seconds_count", 3);
    assert_value("cartwright_job_delay_seconds_sum", 3600.5);
    cw_metrics_set_quiet(pages[1], "tea", false);
    write_text(2);
    assert_value("cartwright_cart_quiet{cart=\"tea\"}", 0);
}

static void a_gauge_that_fell_to_zero_is_told_as_zero(void **state)
{
    (void)state;
    cw_metrics_set_waiting(pages[0], "shop", "orders", 1);
    cw_metrics_set_waiting(pages[0], "shop", "orders", 0);
    write_text(1);
    assert_value("cartwright_waiting_records" OF "}", 0);
    cw_metrics_set_waiting(pages[0], "shop", "orders", UINT64_MAX);
    write_text(1);
    assert_value("cartwright_waiting_records" OF "}", (1 << 28) - 1);
}

static void messages_are_told_by_state_as_the_last_run_left_them(void **state)
{
    (void)state;
    cw_metrics_set_messages(pages[0], "shop", "stock_out", &(struct cw_metrics_messages){ 8, 2, 1 });
    cw_metrics_set_messages(pages[0], "shop", "stock_out", &(struct cw_metrics_messages){ 0, 2, 3 });
    cw_metrics_set_messages(NULL, "shop", "stock_out", &(struct cw_metrics_messages){ 9, 9, 9 });
    write_text(1);
    assert_value("cartwright_messages{cart=\"shop\",stream=\"stock_out\",state=\"queued\"}", 0);
    assert_value("cartwright_messages{cart=\"shop\",stream=\"stock_out\",state=\"unknown\"}", 2);
    assert_value("cartwright_messages{cart=\"shop\",stream=\"stock_out\",state=\"failed\"}", 3);
    assert_none("cartwright_messages{cart=\"tea\",stream=\"stock_out\",state=\"queued\"}");
}

static void notices_are_counted_by_cart_and_end(void **state)
{
    (void)state;
    cw_metrics_webhook(pages[0], "shop", CW_WEBHOOK_STORED);
    cw_metrics_webhook(pages[0], "shop", CW_WEBHOOK_REFUSED);
    cw_metrics_webhook(pages[1], "shop", CW_WEBHOOK_REFUSED);
    write_text(2);
    assert_value("cartwright_webhooks_total{cart=\"shop\",result=\"stored\"}", 1);
    assert_value("cartwright_webhooks_total{cart=\"shop\",result=\"repeated\"}", 0);
    assert_value("cartwright_webhooks_total{cart=\"shop\",result=\"refused\"}", 2);
    assert_value("cartwright_webhooks_total{cart=\"shop\",result=\"busy\"}", 0);
    assert_none("cartwright_runs_started_total{cart=\"shop\",stream=\"\"}");
}

static void hostile_names_can_forge_nothing(void **state)
{
    (void)state;
    char long_name[400];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    memcpy(long_name + 126, "\xC3\xA9", 2); /* where it is cut */
    const char *const names[] = { "a\"} 1\ncartwright_forged_total{x=\"",
                                  "back\\slash",
                                  "new\nline",
                                  "\xFF\xFE",
                                  "\xFF?",
                                  "{}",
                                  "",
                                  "other",
                                  "\xE2\x82\xAC uro",
                                  long_name };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        end_run(pages[i % 2], names[i], names[(i + 3) % 10], CW_RUN_DONE, CW_SECOND);
    write_text(2);
    assert_none("cartwright_forged_total{x=\"\"}");
    assert_null(strstr(text.data, "\ncartwright_forged"));
}

static void names_that_are_alike_after_cleaning_are_one_series(void **state)
{
    (void)state;
    end_run(pages[0], "\xFF\xFE", "orders", CW_RUN_DONE, CW_SECOND);
    end_run(pages[1], "??", "orders", CW_RUN_DONE, CW_SECOND);
    end_run(pages[0], "a\"b\\c\nd", "orders", CW_RUN_DONE, CW_SECOND);
    write_text(2);
    assert_value("cartwright_runs_started_total{cart=\"??\",stream=\"orders\"}", 2);
    assert_value("cartwright_runs_started_total{cart=\"a\\\"b\\\\c\\nd\",stream=\"orders\"}", 1);
}

static void what_does_not_fit_is_counted_under_other(void **state)
{
    (void)state;
    char cart[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(cart, sizeof cart, "cart%d", i);
            end_run(pages[0], cart, "orders", CW_RUN_DONE, CW_SECOND);
            cw_metrics_set_waiting(pages[0], cart, "orders", 3);
        }
    cw_metrics_webhook(pages[0], "cart4999", CW_WEBHOOK_STORED);
    write_text(1);
    assert_value("cartwright_runs_started_total{cart=\"cart0\",stream=\"orders\"}", 2);
    assert_value("cartwright_runs_started_total{cart=\"cart4095\",stream=\"orders\"}", 2);
    assert_none("cartwright_runs_started_total{cart=\"cart4096\",stream=\"orders\"}");
    assert_value("cartwright_runs_started_total{cart=\"other\",stream=\"other\"}", 2 * (5000 - 4096));
    assert_value("cartwright_run_duration_seconds_count{cart=\"other\",stream=\"other\"}", 2 * (5000 - 4096));
    assert_value("cartwright_webhooks_total{cart=\"other\",result=\"stored\"}", 1);
    assert_none("cartwright_waiting_records{cart=\"other\",stream=\"other\"}");
    assert_none("cartwright_last_success_timestamp_seconds{cart=\"other\",stream=\"other\"}");
    print_message("4097 series: %zu bytes of text, a page of %zu bytes\n", text.len, cw_metrics_page_size());
}

/* A worker may die with its memory in any state. */
static void a_damaged_page_harms_nobody(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_random random;
    cw_random_seed(&random, 7);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i + 8 <= cw_metrics_page_size(); i += 8) {
            uint64_t noise = cw_random_next(&random);
            memcpy((char *)pages[0] + i, &noise, 8);
        }
        cw_buffer_clear(&text);
        assert_ok(cw_metrics_write(pages, 2, &process, &text, &err), err);
    }
}

static void nothing_happens_without_a_page(void **state)
{
    (void)state;
    struct cw_run run = run_of("shop", "orders", CW_RUN_DONE, CW_SECOND);
    cw_metrics_run_began(NULL, "shop", "orders");
    cw_metrics_run_ended(NULL, &run);
    cw_metrics_set_waiting(NULL, "shop", "orders", 1);
    cw_metrics_set_quiet(NULL, "shop", true);
    cw_metrics_webhook(NULL, "shop", CW_WEBHOOK_BUSY);
    cw_metrics_late(NULL, CW_SECOND);
}

/* --- written while it is read --- */

enum { WRITES = 10000 };
static _Atomic int writers;

static void *write_page(void *arg)
{
    char cart[32];
    for (int i = 0; i < WRITES; i++) {
        snprintf(cart, sizeof cart, "cart%d", i % 200);
        end_run(arg, cart, "orders", i % 3 == 0 ? CW_RUN_FAILED : CW_RUN_DONE, CW_SECOND * (i % 40));
        cw_metrics_late(arg, CW_MILLISECOND * i);
    }
    atomic_fetch_sub(&writers, 1);
    return NULL;
}

static void sums_never_go_backwards_while_workers_write(void **state)
{
    (void)state;
    static const char *const watched[] = {
        "cartwright_runs_started_total{cart=\"cart7\",stream=\"orders\"}",
        "cartwright_received_bytes_total{cart=\"cart7\",stream=\"orders\"}",
        "cartwright_run_duration_seconds_bucket{cart=\"cart7\",stream=\"orders\",le=\"30\"}",
        "cartwright_run_duration_seconds_count{cart=\"cart7\",stream=\"orders\"}",
        "cartwright_job_delay_seconds_count",
    };
    double last[5] = { 0 };
    pthread_t threads[2];
    atomic_store(&writers, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_page, pages[i]), 0);
    for (int rounds = 0; atomic_load(&writers) > 0 || rounds < 2; rounds += atomic_load(&writers) == 0) {
        write_text(2);
        for (size_t i = 0; i < 5; i++) {
            double now = isnan(value(watched[i])) ? 0 : value(watched[i]);
            assert_true(now >= last[i]);
            last[i] = now;
        }
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    write_text(2);
    assert_value(watched[0], 2 * WRITES / 200);
    assert_value(watched[3], 2 * WRITES / 200);
    assert_value(watched[4], 2 * WRITES);
}

/* --- the checker itself --- */

#define HEAD(name, type) "# HELP " name " Help.\n# TYPE " name " " type "\n"

static void the_checker_finds_what_is_broken(void **state)
{
    (void)state;
    static const char *const sound[] = {
        HEAD("a_total", "counter") "a_total 1\na_total{x=\"\\\"\\\\\\n\",y=\"\"} 2.5\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
        HEAD("g", "gauge") "g -1\n# a comment\n",
    };
    static const char *const broken[] = {
        "a_total 1\n",                                                         /* no HELP and TYPE */
        HEAD("a_total", "counter") "a_total 1",                                /* no end */
        HEAD("a_total", "counter") "a_total{x=\"1\"} 1\na_total{x=\"1\"} 2\n", /* twice */
        HEAD("a_total", "counter") "a_total{x=\"1\" 1\n",
        HEAD("a_total", "counter") "a_total{x=1} 1\n",
        HEAD("a_total", "counter") "a_total{x=\"a\"b\"} 1\n",
        HEAD("a_total", "counter") "a_total{x=\"\\t\"} 1\n",
        HEAD("a_total", "counter") "a_total{} 1\n",
        HEAD("a_total", "counter") "a_total one\n",
        HEAD("a_total", "counter") "a_total  1\n",
        HEAD("a_total", "counter") "a_total -1\n",
        HEAD("a_total", "counter") "b_total 1\n",
        HEAD("a_total", "counter") "0a 1\n",
        HEAD("a_total", "counter") "a_total 1\n" HEAD("g", "gauge") "g 1\na_total 2\n",
        HEAD("a_total", "counter") HEAD("a_total", "counter"),
        HEAD("a", "counter"),
        HEAD("a_total", "gauge"),
        HEAD("a", "sum"),
        HEAD("g", "gauge") "g{x=\"\xFF\"} 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 3\nh_count 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 3\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n",
        HEAD("h", "histogram") "h_sum 3\nh_count 1\n",
    };
    char why[EXPOSITION_WHY_MAX];
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
        if (!exposition_check(cw_slice(sound[i]), why))
            fail_msg("%s, in %s", why, sound[i]);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (exposition_check(cw_slice(broken[i]), why))
            fail_msg("taken for sound: %s", broken[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pages, close_pages)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checker_finds_what_is_broken),
        TEST(workers_that_counted_nothing_still_say_who_they_are),
        TEST(a_run_is_counted_in_all_its_parts),
        TEST(pages_are_added_up_and_the_newest_gauge_holds),
        TEST(a_gauge_that_fell_to_zero_is_told_as_zero),
        TEST(messages_are_told_by_state_as_the_last_run_left_them),
        TEST(notices_are_counted_by_cart_and_end),
        TEST(hostile_names_can_forge_nothing),
        TEST(names_that_are_alike_after_cleaning_are_one_series),
        TEST(what_does_not_fit_is_counted_under_other),
        TEST(a_damaged_page_harms_nobody),
        TEST(nothing_happens_without_a_page),
        TEST(sums_never_go_backwards_while_workers_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
