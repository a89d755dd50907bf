/* Tests of the libcurl transport against a server that breaks every promise: cuts, stalls, connections,
 * requests. */
#include "transport_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static void an_answer_is_delivered_with_its_headers_and_bytes(void **state)
{
    (void)state;
    struct result result = client_get((struct hostile_step){ .bytes = HELLO });
    assert_ok(result.response != NULL, result.err);
    assert_int_equal(result.status, 200);
    assert_string_equal(cw_http_header(result.response, "x-shop"), "a");
    assert_slice(cw_body_memory(result.response->body), "hello");
    cw_http_response_free(result.response);
}

static void cutting_an_exchange_at_any_byte_gives_no_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        HELLO, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    };
    static const enum hostile_end ends[] = { HOSTILE_CLOSE, HOSTILE_RESET };
    for (size_t a = 0; a < 2; a++)
        for (size_t e = 0; e < 2; e++) /* the line feed that ends the last chunk says nothing new */
            for (size_t cut = 0; cut < strlen(answers[a]) - a; cut++)
                client_expect_error(
                    (struct hostile_step){
                        .bytes = answers[a], .cut = cut, .cut_all = cut == 0, .end = ends[e] },
                    CW_IO);
}

static void a_connection_lost_while_the_request_is_read_gives_no_answer(void **state)
{
    (void)state;
    for (int read_most = -1; read_most < 40; read_most += read_most < 0 ? 2 : 13)
        client_expect_error((struct hostile_step){ .read_most = read_most, .end = HOSTILE_RESET }, CW_IO);
}

static void answers_short_of_what_they_announce_are_refused(void **state)
{
    (void)state;
    static const char *const cut[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"orders\":[]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"orders\":[]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "nothing like HTTP\r\n\r\n",
        "",
    };
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        client_expect_error((struct hostile_step){ .bytes = cut[i], .end = HOSTILE_CLOSE }, CW_IO);
}

static void bytes_beyond_the_announced_length_are_no_part_of_the_answer(void **state)
{
    (void)state;
    client_expect_body((struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello" },
                       "he");
}

static void an_answer_without_length_ends_with_its_connection(void **state)
{
    (void)state;
    client_expect_body((struct hostile_step){ .bytes = "HTTP/1.1 200 OK\r\n\r\nhello", .end = HOSTILE_CLOSE },
                       "hello");
}

static struct result ask_in_haste(struct hostile_step step, cw_time stall, cw_time total)
{
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = client_request(&client, "GET");
    request.stall_timeout = stall;
    request.total_timeout = total;
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    struct result result = client_ask(&client, request);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before < 2000000000);
    client_close(&client);
    cw_http_response_free(result.response);
    return result;
}

static void a_stalled_server_is_given_up(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 60; cut += 14) {
        struct hostile_step step = { .bytes = HELLO, .cut = cut, .cut_all = cut == 0, .end = HOSTILE_STALL };
        if (cut >= strlen(HELLO))
            break;
        struct result result = ask_in_haste(step, 200 * CW_MILLISECOND, 10 * CW_SECOND);
        assert_int_equal(result.err.code, CW_TIMEOUT);
        assert_non_null(strstr(result.err.text, "stalled"));
    }
}

static void a_slow_drip_is_given_up(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO,
                                 .pause_ms = 100 }; /* ten bytes a second, where sixteen are due */
    struct result result = ask_in_haste(step, 500 * CW_MILLISECOND, 10 * CW_SECOND);
    assert_int_equal(result.err.code, CW_TIMEOUT);
    assert_non_null(strstr(result.err.text, "stalled"));
}

static void a_server_that_is_merely_slow_is_waited_for(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO, .delay_ms = 300, .pause_ms = 2 };
    struct result result = ask_in_haste(step, 400 * CW_MILLISECOND, 10 * CW_SECOND);
    assert_ok(result.status == 200, result.err);
}

static void the_total_time_limit_ends_a_steady_trickle(void **state)
{
    (void)state;
    struct hostile_step step = { .bytes = HELLO, .pause_ms = 10 };
    struct result result = ask_in_haste(step, 400 * CW_MILLISECOND, 450 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_TIMEOUT);
    assert_non_null(strstr(result.err.text, "time limit"));
}

static struct result ask_url(struct client *client, const char *url, cw_time connect_timeout)
{
    struct cw_http_request request = {
        .method = "GET", .url = url, .connect_timeout = connect_timeout, .total_timeout = 5 * CW_SECOND
    };
    return client_ask(client, request);
}

static void dns_tcp_and_tls_are_told_apart(void **state)
{
    (void)state;
    const struct hostile_step garbage = { .bytes = "no TLS here", .read_most = 10, .end = HOSTILE_CLOSE };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&garbage, 1);
    struct hostile_full full = hostile_start_full();
    char url[64];

    struct result result = ask_url(&client, "http://no-such-host.invalid/", 500 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "DNS"));

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", hostile_closed_port());
    result = ask_url(&client, url, CW_SECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TCP"));
    assert_non_null(strstr(result.err.text, url));

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", full.port);
    result = ask_url(&client, url, 200 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TCP"));

    snprintf(url, sizeof url, "https://127.0.0.1:%u/", client.server->port);
    result = ask_url(&client, url, CW_SECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TLS"));
    hostile_stop_full(&full);
    client_close(&client);
}

static void a_slow_tls_handshake_is_given_up(void **state)
{
    (void)state;
    const struct hostile_step silent = { .read_most = 10, .end = HOSTILE_STALL };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&silent, 1);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", client.server->port);
    struct result result = ask_url(&client, url, 200 * CW_MILLISECOND);
    assert_int_equal(result.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(result.err.text, "TLS"));
    client_close(&client);
}

/* A TLS server whose certificate nobody signed; -1 when there is no openssl to run. */
static pid_t start_tls(unsigned port, const char *folder)
{
    char command[512];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s/key -out "
             "%s/cert "
             "-days 1 -subj /CN=127.0.0.1 >/dev/null 2>&1",
             folder, folder);
    if (system(command) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(
            command, sizeof command,
            "exec openssl s_server -quiet -accept 127.0.0.1:%u -key %s/key -cert %s/cert >/dev/null 2>&1 "
            "</dev/null",
            port, folder, folder);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void stop_tls(pid_t pid, const char *folder)
{
    static const char *const files[] = { "key", "cert" };
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", folder, files[i]);
        unlink(name);
    }
    rmdir(folder);
}

static void a_certificate_that_nobody_signed_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/cartwright-tls-XXXXXX", url[64];
    struct client client;
    struct result result = { 0 };
    unsigned port = hostile_closed_port();
    assert_non_null(mkdtemp(folder));
    pid_t pid = start_tls(port, folder);
    client_open(&client, 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    for (int i = 0; pid > 0 && i < 100 && result.err.code != CW_AUTH; i++) { /* until the server listens */
        result = ask_url(&client, url, CW_SECOND);
        client_run_for(&client, 20 * CW_MILLISECOND);
    }
    client_close(&client);
    stop_tls(pid, folder);
    if (pid < 0)
        skip();
    assert_int_equal(result.err.code, CW_AUTH);
    assert_non_null(strstr(result.err.text, "certificate"));
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    for (int i = 0; i < 10; i++)
        cw_http_response_free(client_ask(&client, client_request(&client, "GET")).response);
    assert_int_equal(client.server->requests, 10);
    assert_int_equal(client.server->connections, 1);
    client_close(&client);
}

static void twenty_requests_at_once_share_the_permitted_connections(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO, .delay_ms = 5 };
    struct client client;
    client_open(&client, 3);
    client.server = hostile_start(&step, 1);
    struct result results[20] = { 0 };
    struct cw_http_request request = client_request(&client, "GET");
    for (int i = 0; i < 20; i++)
        assert_non_null(client.transport->start(client.transport, &request, client.open, client_on_done,
                                                &results[i], NULL));
    cw_loop_run(client.loop);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(results[i].calls, 1);
        assert_int_equal(results[i].status, 200);
        cw_http_response_free(results[i].response);
    }
    assert_int_equal(client.server->requests, 20);
    assert_int_equal(client.server->open_most, 3);
    assert_int_equal(client.server->connections, 3);
    client_close(&client);
}

static void start_one(struct client *client, const struct hostile_step *step, struct result *result)
{
    client->server = hostile_start(step, 1);
    struct cw_http_request request = client_request(client, "GET");
    request.stall_timeout = 2 * CW_SECOND;
    assert_non_null(
        client->transport->start(client->transport, &request, client->open, client_on_done, result, NULL));
}

static void servers_that_stall_hold_up_no_other(void **state)
{
    (void)state;
    const struct hostile_step stalls = { .bytes = HELLO, .cut_all = true, .end = HOSTILE_STALL };
    const struct hostile_step answers = { .bytes = HELLO };
    struct hostile *stalled[5];
    struct result results[5] = { 0 }, answer = { 0 };
    struct client client;
    client_open(&client, 1);
    for (int i = 0; i < 5; i++) {
        start_one(&client, &stalls, &results[i]);
        stalled[i] = client.server;
    }
    start_one(&client, &answers, &answer);
    client_run_for(&client, CW_SECOND);
    assert_int_equal(answer.status, 200);
    cw_http_response_free(answer.response);
    for (int i = 0; i < 5; i++)
        assert_int_equal(results[i].calls, 0);
    cw_loop_run(client.loop);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(results[i].err.code, CW_TIMEOUT);
        hostile_stop(stalled[i]);
    }
    client_close(&client);
}

static void a_read_on_a_connection_that_died_is_sent_again_and_a_write_is_not(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .bytes = HELLO },
                                                 { .end = HOSTILE_CLOSE },
                                                 { .bytes = HELLO } };
    static const struct {
        const char *method;
        bool repeatable;
        unsigned requests;
        int status;
    } cases[] = { { "GET", false, 3, 200 },
                  { "POST", false, 2, 0 },
                  { "DELETE", false, 2, 0 },
                  { "PATCH", false, 2, 0 },
                  { "PUT", true, 3, 200 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client client;
        client_open(&client, 0);
        client.server = hostile_start(steps, 3);
        cw_http_response_free(client_ask(&client, client_request(&client, "GET")).response);
        struct cw_http_request request = client_request(&client, cases[i].method);
        request.repeatable = cases[i].repeatable;
        struct result result = client_ask(&client, request);
        assert_int_equal(client.server->requests, cases[i].requests);
        assert_int_equal(result.status, cases[i].status);
        if (cases[i].status == 0)
            assert_int_equal(result.err.code, CW_IO);
        cw_http_response_free(result.response);
        client_close(&client);
    }
}

static void head_has_headers_and_no_body(void **state)
{
    (void)state;
    const struct hostile_step step = {
        .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nContent-Encoding: "
                 "gzip\r\n\r\n"
    };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = client_ask(&client, client_request(&client, "HEAD"));
    assert_ok(result.response != NULL, result.err);
    assert_string_equal(cw_http_header(result.response, "content-length"), "99999999999");
    assert_int_equal(cw_body_size(result.response->body), 0);
    assert_memory_equal(client.server->seen[0], "HEAD /path?key=topsecret HTTP/1.1\r\n", 35);
    cw_http_response_free(result.response);
    client_close(&client);
}

static void a_request_says_what_it_was_told_and_nothing_else(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    const struct cw_header headers[] = { { "Content-Type", "application/xml" },
                                         { "X-Empty", "" },
                                         { "X-A", "b" } };
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    struct client client;
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not matter */
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    for (size_t i = 0; i < 4; i++) {
        struct cw_http_request request = client_request(&client, methods[i]);
        request.headers = headers;
        request.header_count = 3;
        request.body = cw_slice("<a/>");
        struct result result = client_ask(&client, request);
        assert_ok(result.response != NULL, result.err);
        cw_http_response_free(result.response);
        const char *seen = client.server->seen[i];
        assert_memory_equal(seen, methods[i], strlen(methods[i]));
        assert_non_null(strstr(seen, "\r\nContent-Type: application/xml\r\n"));
        assert_non_null(strstr(seen, "\r\nX-Empty:\r\n"));
        assert_non_null(strstr(seen, "\r\nX-A: b\r\n"));
        assert_non_null(strstr(seen, "\r\nAccept-Encoding: gzip, deflate\r\n"));
        assert_non_null(strstr(seen, "\r\nContent-Length: 4\r\n"));
        assert_null(strcasestr(seen, "expect:"));
        assert_null(strcasestr(seen, "cookie"));
        assert_string_equal(strstr(seen, "\r\n\r\n"), "\r\n\r\n<a/>");
    }
    unsetenv("http_proxy");
    client_close(&client);
}

static void an_empty_post_has_a_length_and_no_type(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    cw_http_response_free(client_ask(&client, client_request(&client, "POST")).response);
    assert_non_null(strstr(client.server->seen[0], "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(client.server->seen[0], "content-type"));
    client_close(&client);
}

static void a_large_upload_arrives_whole_and_without_delay(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    char *bytes = calloc(1, SIZE);
    struct cw_http_request request = client_request(&client, "PUT");
    request.body = (struct cw_slice){ bytes, SIZE };
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    struct result result = client_ask(&client, request);
    assert_ok(result.status == 200, result.err);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before <
                900000000); /* no wait for 100 Continue */
    cw_http_response_free(result.response);
    free(bytes);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_delivered_with_its_headers_and_bytes),
        cmocka_unit_test(cutting_an_exchange_at_any_byte_gives_no_answer),
        cmocka_unit_test(a_connection_lost_while_the_request_is_read_gives_no_answer),
        cmocka_unit_test(answers_short_of_what_they_announce_are_refused),
        cmocka_unit_test(bytes_beyond_the_announced_length_are_no_part_of_the_answer),
        cmocka_unit_test(an_answer_without_length_ends_with_its_connection),
        cmocka_unit_test(a_stalled_server_is_given_up),
        cmocka_unit_test(a_slow_drip_is_given_up),
        cmocka_unit_test(a_server_that_is_merely_slow_is_waited_for),
        cmocka_unit_test(the_total_time_limit_ends_a_steady_trickle),
        cmocka_unit_test(dns_tcp_and_tls_are_told_apart),
        cmocka_unit_test(a_slow_tls_handshake_is_given_up),
        cmocka_unit_test(a_certificate_that_nobody_signed_is_refused),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(twenty_requests_at_once_share_the_permitted_connections),
        cmocka_unit_test(servers_that_stall_hold_up_no_other),
        cmocka_unit_test(a_read_on_a_connection_that_died_is_sent_again_and_a_write_is_not),
        cmocka_unit_test(head_has_headers_and_no_body),
        cmocka_unit_test(a_request_says_what_it_was_told_and_nothing_else),
        cmocka_unit_test(an_empty_post_has_a_length_and_no_type),
        cmocka_unit_test(a_large_upload_arrives_whole_and_without_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
