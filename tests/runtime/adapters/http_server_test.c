/* Tests of the HTTP server: recordings come out as they went in, and strangers get nowhere. */
#include "served.h"

#include <stdio.h>
#include <stdlib.h>

static void a_recording_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const int statuses[] = { 200, 201, 206, 400, 401, 404, 410, 429, 451, 500, 503, 599 };
    static const struct cw_header headers[] = { { "Content-Type", "application/xml;charset=utf-8" },
                                                { "PSWS-Version", "8.1.0" },
                                                { "X-WP-Total", "1234" },
                                                { "Content-Encoding", "gzip" },
                                                { "Set-Cookie", "a=1" },
                                                { "Set-Cookie", "b=2" },
                                                { "Content-Length", "999" },
                                                { "Transfer-Encoding", "chunked" } };
    static const char body[] = "\x1f\x8b\0raw bytes";
    struct site site;
    open_site(&site, 0, 0);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct raw raw;
        char line[32];
        site.answer = (struct cw_served_answer){
            .status = statuses[i], .headers = headers, .header_count = 8, .body = { body, sizeof body - 1 }
        };
        raw_exchange(&raw, &site, "GET /x HTTP/1.1\r\n" CLOSING);
        snprintf(line, sizeof line, "HTTP/1.1 %d ", statuses[i]);
        assert_memory_equal(raw.got, line, strlen(line));
        for (size_t h = 0; h < 6; h++) {
            char header[96];
            snprintf(header, sizeof header, "\r\n%s: %s\r\n", headers[h].name, headers[h].value);
            assert_non_null(strstr(raw.got, header));
        }
        assert_non_null(strstr(raw.got, "\r\nContent-Length: 12\r\n"));
        assert_null(strstr(raw.got, "999"));
        assert_null(strstr(raw.got, "chunked"));
        assert_memory_equal(raw.got + raw.len - (sizeof body - 1), body, sizeof body - 1);
        assert_true(raw.closed);
    }
    close_site(&site);
}

static void nothing_is_added_that_was_not_recorded(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_exchange(&raw, &site, "GET / HTTP/1.1\r\n" CLOSING);
    assert_null(strcasestr(raw.got, "content-type"));
    close_site(&site);
}

static void the_request_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_exchange(&raw, &site,
                 "PATCH /api/orders?limit=0%2C100&a[]=%25 HTTP/1.1\r\nX-Test: yes: no\r\nContent-Length: "
                 "7\r\n" CLOSING "<a>b/a>");
    assert_string_equal(site.method, "PATCH");
    assert_string_equal(site.target, "/api/orders?limit=0%2C100&a[]=%25");
    assert_string_equal(site.header, "yes: no");
    assert_string_equal(site.body, "<a>b/a>");
    raw_exchange(&raw, &site,
                 "POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSING
                 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_string_equal(site.body, "abcde");
    assert_int_equal(site.served, 2);
    close_site(&site);
}

static void head_tells_the_length_and_sends_no_body(void **state)
{
    (void)state;
    static const struct cw_header recorded = { "Content-Length", "1234" };
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_exchange(&raw, &site, "HEAD / HTTP/1.1\r\n" CLOSING);
    assert_string_equal(site.method, "HEAD");
    assert_non_null(strstr(raw.got, "\r\nContent-Length: 5\r\n"));
    assert_string_equal(strstr(raw.got, "\r\n\r\n"), "\r\n\r\n");
    site.answer = (struct cw_served_answer){ .status = 200, .headers = &recorded, .header_count = 1 };
    raw_exchange(&raw, &site, "HEAD / HTTP/1.1\r\n" CLOSING);
    assert_non_null(strstr(raw.got, "\r\nContent-Length: 1234\r\n"));
    close_site(&site);
}

static void answers_without_body_have_none(void **state)
{
    (void)state;
    static const int statuses[] = { 204, 304 };
    struct site site;
    open_site(&site, 0, 0);
    for (size_t i = 0; i < 2; i++) {
        struct raw raw;
        site.answer.status = statuses[i];
        raw_exchange(&raw, &site, "GET / HTTP/1.1\r\n" CLOSING);
        assert_string_equal(strstr(raw.got, "\r\n\r\n"), "\r\n\r\n");
    }
    close_site(&site);
}

static void a_line_break_in_a_recorded_header_splits_no_answer(void **state)
{
    (void)state;
    static const struct cw_header split = { "X-A", "b\r\nX-Evil: 1" };
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    site.answer.headers = &split;
    site.answer.header_count = 1;
    raw_exchange(&raw, &site, "GET / HTTP/1.1\r\n" CLOSING);
    assert_null(strstr(raw.got, "X-Evil"));
    close_site(&site);
}

static void expect_refusal(const char *bytes, const char *status)
{
    struct site site;
    struct raw raw;
    open_site(&site, 0, 1000);
    raw_exchange(&raw, &site, bytes);
    if (strncmp(raw.got, status, strlen(status)) != 0 || !raw.closed || site.served != 0)
        fail_msg("%.80s: closed %d, served %u, got %.200s", bytes, raw.closed, site.served, raw.got);
    close_site(&site);
}

static void ambiguous_requests_are_answered_400_and_closed(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a%0a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: \x02\r\n\r\n",
        "\x16\x03\x01\x02\x01\xfc\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        expect_refusal(requests[i], "HTTP/1.1 400 ");
}

static void too_much_is_refused_before_it_is_read(void **state)
{
    (void)state;
    static char head[20000];
    memset(head, 'x', sizeof head - 1);
    memcpy(head, "GET / HTTP/1.1\r\nX-A: ", 21);
    expect_refusal(head, "HTTP/1.1 431 ");
    expect_refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413 ");
    expect_refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n",
                   "HTTP/1.1 413 ");
}

static void bad_and_endless_chunks_are_refused(void **state)
{
    (void)state;
    static const char *const chunks[] = { "zz\r\nabc\r\n0\r\n\r\n", "-5\r\nabc\r\n",
                                          "fffffffffffffffff\r\nabc", "7fffffffffffffff\r\nabc",
                                          "3e9\r\nabc" };
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct site site;
        struct raw raw;
        char request[256];
        open_site(&site, 0, 1000);
        snprintf(request, sizeof request,
                 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s", chunks[i]);
        raw_exchange(&raw, &site, request);
        if (!raw.closed || site.served != 0)
            fail_msg("%s: closed %d, served %u, got %.100s", chunks[i], raw.closed, site.served, raw.got);
        close_site(&site);
    }
}

static void requests_in_one_piece_are_answered_in_order(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n" CLOSING,
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxxGET /b HTTP/1.1\r\n" CLOSING,
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /b "
        "HTTP/1.1\r\n" CLOSING,
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct site site;
        struct raw raw;
        open_site(&site, 0, 0);
        raw_exchange(&raw, &site, requests[i]);
        assert_int_equal(site.served, 2);
        assert_string_equal(site.target, "/b");
        assert_string_equal(site.body, "");
        assert_true(raw.closed);
        close_site(&site);
    }
}

static void nothing_is_served_after_the_last_request_of_a_connection(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /a HTTP/1.1\r\n" CLOSING "GET /b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct site site;
        struct raw raw;
        open_site(&site, 0, 0);
        raw_exchange(&raw, &site, requests[i]);
        assert_int_equal(site.served, 1);
        assert_string_equal(site.target, "/a");
        assert_true(raw.closed);
        close_site(&site);
    }
}

static void a_large_answer_arrives_whole(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    struct site site;
    static struct raw raw;
    open_site(&site, 0, 0);
    char *bytes = malloc(SIZE);
    memset(bytes, 'x', SIZE);
    site.answer.body = (struct cw_slice){ bytes, SIZE };
    raw_open(&raw, &site);
    raw_send(&raw, "GET / HTTP/1.1\r\n" CLOSING, strlen("GET / HTTP/1.1\r\n" CLOSING));
    size_t total = 0;
    while (!raw.closed) {
        run_for(&site, CW_MILLISECOND);
        total += raw.len;
        raw.len = 0;
    }
    assert_in_range(total, SIZE + 50, SIZE + 100);
    raw_close(&raw);
    free(bytes);
    close_site(&site);
}

static void a_request_may_arrive_byte_by_byte(void **state)
{
    (void)state;
    static const char request[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_open(&raw, &site);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_int_equal(site.served, 0);
        raw_send(&raw, &request[i], 1);
        run_for(&site, 2 * CW_MILLISECOND);
    }
    run_for(&site, 50 * CW_MILLISECOND);
    assert_int_equal(site.served, 1);
    assert_string_equal(site.body, "hello");
    raw_close(&raw);
    close_site(&site);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    (void)state;
    static const char request[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct site site;
    struct raw raw;
    open_site(&site, 0, 0);
    raw_open(&raw, &site);
    for (unsigned i = 1; i <= 100; i++) {
        raw.len = 0;
        raw_send(&raw, request, sizeof request - 1);
        for (int n = 0; n < 100 && (raw.len < 5 || strcmp(raw.got + raw.len - 5, "hello") != 0); n++)
            run_for(&site, CW_MILLISECOND);
        assert_int_equal(site.served, i);
        assert_false(raw.closed);
    }
    raw_send(&raw, "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 40); /* strict to the last */
    run_for(&site, 300 * CW_MILLISECOND);
    assert_int_equal(site.served, 100);
    assert_non_null(strstr(raw.got, "HTTP/1.1 400 "));
    assert_true(raw.closed);
    raw_close(&raw);
    close_site(&site);
}

static void connections_beyond_the_limit_wait_until_one_ends(void **state)
{
    (void)state;
    struct site site;
    static struct raw idle[3];
    struct raw late;
    open_site(&site, 3, 0);
    for (size_t i = 0; i < 3; i++)
        raw_open(&idle[i], &site);
    run_for(&site, 20 * CW_MILLISECOND);
    raw_open(&late, &site);
    raw_send(&late, "GET / HTTP/1.1\r\n" CLOSING, strlen("GET / HTTP/1.1\r\n" CLOSING));
    run_for(&site, 100 * CW_MILLISECOND);
    assert_int_equal(site.served, 0);
    raw_close(&idle[1]);
    run_for(&site, 200 * CW_MILLISECOND);
    assert_int_equal(site.served, 1);
    assert_true(late.closed);
    raw_close(&late);
    raw_close(&idle[0]);
    raw_close(&idle[2]);
    close_site(&site);
}

/* Heads and bodies that drip in, silence, and a kept connection: none stays. */
static void a_request_must_arrive_within_ten_seconds(void **state)
{
    (void)state;
    enum { SLOW = 16 };
    static const char *const starts[] = { "", "GET / HTTP/1.1\r\nX-A: ",
                                          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n",
                                          "GET / HTTP/1.1\r\nHost: a\r\n\r\n" };
    struct site site;
    static struct raw slow[SLOW];
    open_site(&site, 0, 1000);
    for (size_t i = 0; i < SLOW; i++) {
        raw_open(&slow[i], &site);
        raw_send(&slow[i], starts[i % 4], strlen(starts[i % 4]));
    }
    int64_t before = cw_elapsed_ns(cw_loop_clock(site.loop)), passed = 0;
    size_t open = SLOW;
    while (open > 0 && passed < 13000000000) {
        run_for(&site, 500 * CW_MILLISECOND);
        passed = cw_elapsed_ns(cw_loop_clock(site.loop)) - before;
        open = 0;
        for (size_t i = 0; i < SLOW; i++) {
            open += !slow[i].closed;
            if (!slow[i].closed && (i % 4 == 1 || i % 4 == 2))
                raw_send(&slow[i], "x", 1);
        }
        assert_true(open == SLOW || passed > 9500000000);
    }
    assert_int_equal(open, 0);
    assert_int_equal(site.served, SLOW / 4);
    for (size_t i = 0; i < SLOW; i++)
        raw_close(&slow[i]);
    close_site(&site);
}

static void the_server_may_close_at_any_stage_of_a_request(void **state)
{
    (void)state;
    static const char request[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t cut = 0; cut < sizeof request; cut += 5)
        for (int run = 0; run < 2; run++) {
            struct site site;
            struct raw raw;
            open_site(&site, 0, 0);
            raw_open(&raw, &site);
            raw_send(&raw, request, cut);
            if (run == 1)
                run_for(&site, CW_MILLISECOND);
            cw_watch_free(raw.watch);
            raw.watch = NULL;
            close_site(&site);
            raw_close(&raw);
        }
}

static void a_client_may_leave_at_any_stage_of_a_request(void **state)
{
    (void)state;
    static const char request[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct site site;
    open_site(&site, 2, 0);
    for (size_t cut = 0; cut < sizeof request;
         cut++) { /* a connection not counted down would block the next ones */
        struct raw raw;
        raw_open(&raw, &site);
        raw_send(&raw, request, cut);
        run_for(&site, CW_MILLISECOND);
        raw_close(&raw);
        run_for(&site, 2 * CW_MILLISECOND);
    }
    struct raw raw;
    unsigned before = site.served;
    raw_exchange(&raw, &site, "GET / HTTP/1.1\r\n" CLOSING);
    assert_int_equal(site.served, before + 1);
    close_site(&site);
}

static void opening_says_why_it_cannot(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    struct site site;
    open_site(&site, 0, 0);
    const struct cw_http_server_config config = { .loop = site.loop, .serve = on_request, .arg = &site };
    assert_null(cw_http_server_open(&config, "shop.example.com", 0, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_null(cw_http_server_open(&config, "127.0.0.1", cw_http_server_port(site.server), &err));
    assert_int_equal(err.code, CW_IO);
    cw_http_server_close(NULL);
    close_site(&site);
}

static void on_answer(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    unsigned *good = arg;
    if (err != NULL)
        fail_msg("%s", err->text);
    *good += response->status == 200 && cw_body_size(response->body) == 5;
    cw_http_response_free(response);
}

static void check_done(void *arg)
{
    cw_loop_stop(arg);
}

static void our_own_client_understands_it(void **state)
{
    (void)state;
    struct site site;
    struct cw_error err = { 0 };
    open_site(&site, 4, 0);
    struct cw_egress *egress = cw_egress_create();
    assert_true(cw_egress_allow(egress, "127.0.0.1:*", &err));
    struct cw_transport *transport = cw_curl_create(site.loop, 4, &err);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/x", cw_http_server_port(site.server));
    struct cw_http_request request = { .method = "PUT", .url = url, .body = cw_slice("level=3") };
    unsigned good = 0;
    for (int i = 0; i < 200; i++)
        assert_non_null(transport->start(transport, &request, egress, on_answer, &good, &err));
    struct cw_timer *tick = cw_timer_create(site.loop, check_done, site.loop, NULL);
    for (int i = 0; i < 500 && good < 200; i++) {
        cw_timer_set(tick, 10 * CW_MILLISECOND);
        cw_loop_run(site.loop);
    }
    assert_int_equal(good, 200);
    assert_int_equal(site.served, 200);
    cw_timer_free(tick);
    transport->free(transport);
    cw_egress_free(egress);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_comes_out_as_it_went_in),
        cmocka_unit_test(nothing_is_added_that_was_not_recorded),
        cmocka_unit_test(the_request_arrives_as_it_was_sent),
        cmocka_unit_test(head_tells_the_length_and_sends_no_body),
        cmocka_unit_test(answers_without_body_have_none),
        cmocka_unit_test(a_line_break_in_a_recorded_header_splits_no_answer),
        cmocka_unit_test(ambiguous_requests_are_answered_400_and_closed),
        cmocka_unit_test(too_much_is_refused_before_it_is_read),
        cmocka_unit_test(bad_and_endless_chunks_are_refused),
        cmocka_unit_test(requests_in_one_piece_are_answered_in_order),
        cmocka_unit_test(nothing_is_served_after_the_last_request_of_a_connection),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(a_request_may_arrive_byte_by_byte),
        cmocka_unit_test(a_connection_serves_one_request_after_another),
        cmocka_unit_test(connections_beyond_the_limit_wait_until_one_ends),
        cmocka_unit_test(a_request_must_arrive_within_ten_seconds),
        cmocka_unit_test(the_server_may_close_at_any_stage_of_a_request),
        cmocka_unit_test(a_client_may_leave_at_any_stage_of_a_request),
        cmocka_unit_test(opening_says_why_it_cannot),
        cmocka_unit_test(our_own_client_understands_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
