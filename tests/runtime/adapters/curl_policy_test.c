/* Tests of the libcurl transport: whom it shows credentials, where it goes, how it is cancelled; and of the
 * client above it over real sockets. */
#include "transport_client.h"

#include <stdio.h>
#include <stdlib.h>

static void basic_and_bearer_credentials_reach_the_server(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = client_request(&client, "GET");
    request.auth = CW_HTTP_BASIC;
    request.user = "KEY";
    request.secret = "";
    cw_http_response_free(client_ask(&client, request).response);
    assert_non_null(strstr(client.server->seen[0], "\r\nAuthorization: Basic S0VZOg==\r\n"));
    request.auth = CW_HTTP_BEARER;
    request.secret = "token-1";
    cw_http_response_free(client_ask(&client, request).response);
    assert_non_null(strstr(client.server->seen[1], "\r\nAuthorization: Bearer token-1\r\n"));
    cw_http_response_free(client_ask(&client, client_request(&client, "GET")).response);
    assert_null(strstr(client.server->seen[2], "Authorization"));
    client_close(&client);
}

static void digest_answers_the_challenge_and_sends_a_write_once(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = {
        { .bytes = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"shop\", nonce=\"abc\", qop=\"auth\", "
                   "algorithm=SHA-256\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno" },
        { .bytes = HELLO }
    };
    static const char *const methods[] = { "GET", "POST" };
    for (size_t i = 0; i < 2; i++) {
        struct client client;
        client_open(&client, 0);
        client.server = hostile_start(steps, 2);
        struct cw_http_request request = client_request(&client, methods[i]);
        request.auth = CW_HTTP_DIGEST;
        request.user = "user";
        request.secret = "password";
        request.body = i == 1 ? cw_slice("stock=1") : (struct cw_slice){ 0 };
        struct result result = client_ask(&client, request);
        assert_ok(result.status == 200, result.err);
        assert_int_equal(client.server->requests, 2);
        assert_null(strstr(client.server->seen[0], "Authorization: Basic"));
        assert_non_null(strstr(client.server->seen[1], "\r\nAuthorization: Digest username=\"user\""));
        assert_null(strstr(client.server->seen[1], "password"));
        assert_null(strstr(client.server->seen[0], "stock=1"));
        assert_int_equal(strstr(client.server->seen[1], "stock=1") != NULL, i == 1);
        cw_http_response_free(result.response);
        client_close(&client);
    }
}

static void a_wrong_password_is_an_answer(void **state)
{
    (void)state;
    struct client client;
    const struct hostile_step step = { .bytes =
                                           "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"shop\", "
                                           "nonce=\"abc\", qop=\"auth\"\r\nContent-Length: 2\r\n\r\nno" };
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct cw_http_request request = client_request(&client, "GET");
    request.auth = CW_HTTP_DIGEST;
    request.user = "user";
    request.secret = "wrong";
    struct result result = client_ask(&client, request);
    assert_ok(result.status == 401, result.err);
    assert_int_equal(client.server->requests, 2);
    cw_http_response_free(result.response);
    client_close(&client);
}

static struct result ask_under(struct client *client, const struct cw_egress *egress, const char *url)
{
    struct cw_error err = { 0 };
    struct cw_http_request request = { .method = "GET", .url = url };
    struct result result = { .client = client };
    assert_ok(client->transport->start(client->transport, &request, egress, client_on_done, &result, &err) !=
                  NULL,
              err);
    cw_loop_run(client->loop);
    return result;
}

static void a_name_that_leads_to_this_machine_is_refused_after_resolving(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    char url[64];
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    snprintf(url, sizeof url, "http://localhost:%u/", client.server->port);
    assert_true(cw_egress_allow_url(client.closed, url, NULL)); /* the cart's own address opens no loopback */
    struct result result = ask_under(&client, client.closed, url);
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->connections, 0);
    client_close(&client);
}

static void a_connection_kept_by_one_cart_is_no_way_around_the_rules_of_another(void **state)
{
    (void)state;
    const struct hostile_step step = { .bytes = HELLO };
    struct client client;
    char url[64];
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", client.server->port);
    struct result result = ask_under(&client, client.open, url);
    assert_ok(result.status == 200, result.err);
    cw_http_response_free(result.response);
    result = ask_under(&client, client.closed, url);
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->requests, 1);
    client_close(&client);
}

static struct cw_http *client_over(struct client *client, struct cw_random *random)
{
    struct cw_error err = { 0 };
    struct cw_http_config config = { .loop = client->loop,
                                     .transport = client->transport,
                                     .egress = client->open,
                                     .random = random,
                                     .label = "shop" };
    cw_random_seed(random, 3);
    struct cw_http *http = cw_http_create(&config, &err);
    assert_ok(http != NULL, err);
    return http;
}

static struct result send_politely(struct client *client, struct cw_http_request request)
{
    struct cw_error err = { 0 };
    struct cw_random random;
    struct cw_http *http = client_over(client, &random);
    struct result result = { .client = client };
    assert_ok(cw_http_send(http, &request, client_on_done, &result, &err) != NULL, err);
    cw_loop_run(client->loop);
    assert_int_equal(result.calls, 1);
    cw_http_free(http);
    return result;
}

static void a_redirect_takes_no_credentials_to_another_server(void **state)
{
    (void)state;
    const struct hostile_step good = { .bytes = HELLO };
    struct hostile *other = hostile_start(&good, 1);
    static const char *const targets[] = { "http://127.0.0.1", "http://localhost", "//127.0.0.1" };
    for (size_t i = 0; i < 3; i++) {
        char to[64], answer[256];
        snprintf(to, sizeof to, "%s:%u/x", targets[i], other->port);
        snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                 to);
        const struct hostile_step redirect = { .bytes = answer };
        struct client client;
        client_open(&client, 0);
        client.server = hostile_start(&redirect, 1);
        struct cw_http_request request = client_request(&client, "GET");
        request.auth = CW_HTTP_BASIC;
        request.user = "user";
        request.secret = "password";
        struct result result = send_politely(&client, request);
        assert_int_equal(result.err.code, CW_REFUSED);
        assert_null(strstr(result.err.text, "topsecret"));
        assert_int_equal(client.server->requests, 1);
        client_close(&client);
    }
    assert_int_equal(other->connections, 0);
    hostile_stop(other);
}

static void a_redirect_loop_ends(void **state)
{
    (void)state;
    const struct hostile_step step = {
        .bytes = "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = send_politely(&client, client_request(&client, "GET"));
    assert_int_equal(result.err.code, CW_REFUSED);
    assert_int_equal(client.server->requests, 6);
    client_close(&client);
}

static void a_post_whose_answer_is_lost_is_sent_exactly_once(void **state)
{
    (void)state;
    static const struct hostile_step losses[] = {
        { .end = HOSTILE_CLOSE },
        { .end = HOSTILE_RESET },
        { .bytes = HELLO, .cut = 30, .end = HOSTILE_CLOSE },
        { .bytes = "HTTP/1.1 503 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        struct client client;
        client_open(&client, 0);
        client.server = hostile_start(&losses[i], 1);
        struct cw_http_request request = client_request(&client, "POST");
        request.body = cw_slice("ship=1");
        struct result result = send_politely(&client, request);
        assert_int_equal(client.server->requests, 1);
        assert_true(result.err.code == CW_IO || result.status == 503);
        cw_http_response_free(result.response);
        client_close(&client);
    }
}

static void a_get_survives_a_lost_answer(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .bytes = HELLO, .cut = 40, .end = HOSTILE_RESET },
                                                 { .bytes = HELLO } };
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(steps, 2);
    struct result result = send_politely(&client, client_request(&client, "GET"));
    assert_ok(result.status == 200, result.err);
    assert_int_equal(result.response->attempts, 2);
    cw_http_response_free(result.response);
    client_close(&client);
}

static void a_request_can_be_cancelled_at_every_stage(void **state)
{
    (void)state;
    static const struct hostile_step stages[] = {
        { .read_most = -1, .end = HOSTILE_STALL },
        { .end = HOSTILE_STALL },
        { .bytes = HELLO, .cut = 20, .end = HOSTILE_STALL },
        { .bytes = HELLO, .cut = sizeof HELLO - 3, .end = HOSTILE_STALL },
        { .bytes = HELLO },
    };
    static const cw_time times[] = { 0, CW_MILLISECOND / 2, 20 * CW_MILLISECOND };
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
            struct client client;
            client_open(&client, 1);
            client.server = hostile_start(&stages[s], 1);
            struct cw_http_request request = client_request(&client, "GET");
            struct result running = { 0 }, queued = { 0 };
            void *first = client.transport->start(client.transport, &request, client.open, client_on_done,
                                                  &running, NULL);
            void *second = client.transport->start(client.transport, &request, client.open, client_on_done,
                                                   &queued, NULL);
            if (times[t] > 0)
                client_run_for(&client, times[t]);
            if (queued.calls == 0)
                client.transport->cancel(client.transport, second);
            if (running.calls == 0)
                client.transport->cancel(client.transport, first);
            int calls = running.calls + queued.calls;
            cw_loop_run(client.loop);
            assert_int_equal(running.calls + queued.calls, calls);
            cw_http_response_free(running.response);
            cw_http_response_free(queued.response);
            client_close(&client);
        }
}

static void cancelling_the_running_request_lets_the_next_one_go(void **state)
{
    (void)state;
    static const struct hostile_step steps[] = { { .end = HOSTILE_STALL }, { .bytes = HELLO } };
    struct client client;
    client_open(&client, 1);
    client.server = hostile_start(steps, 2);
    struct cw_http_request request = client_request(&client, "GET");
    struct result running = { 0 }, queued = { 0 };
    void *first =
        client.transport->start(client.transport, &request, client.open, client_on_done, &running, NULL);
    assert_non_null(
        client.transport->start(client.transport, &request, client.open, client_on_done, &queued, NULL));
    client_run_for(&client, 50 * CW_MILLISECOND);
    assert_int_equal(queued.calls, 0);
    client.transport->cancel(client.transport, first);
    cw_loop_run(client.loop);
    assert_int_equal(running.calls, 0);
    assert_int_equal(queued.status, 200);
    cw_http_response_free(queued.response);
    client_close(&client);
}

static void cancelling_during_a_name_look_up_does_not_block(void **state)
{
    (void)state;
    struct client client;
    client_open(&client, 0);
    struct cw_http_request request = { .method = "GET", .url = "http://no-such-host.invalid/" };
    struct result result = { 0 };
    void *handle =
        client.transport->start(client.transport, &request, client.open, client_on_done, &result, NULL);
    struct cw_later now = { 0 };
    cw_loop_later(client.loop, &now, (cw_loop_fn *)cw_loop_stop, client.loop);
    cw_loop_run(client.loop);
    int64_t before = cw_elapsed_ns(cw_loop_clock(client.loop));
    if (result.calls == 0)
        client.transport->cancel(client.transport, handle);
    assert_true(cw_elapsed_ns(cw_loop_clock(client.loop)) - before < 500000000);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_and_bearer_credentials_reach_the_server),
        cmocka_unit_test(digest_answers_the_challenge_and_sends_a_write_once),
        cmocka_unit_test(a_wrong_password_is_an_answer),
        cmocka_unit_test(a_name_that_leads_to_this_machine_is_refused_after_resolving),
        cmocka_unit_test(a_connection_kept_by_one_cart_is_no_way_around_the_rules_of_another),
        cmocka_unit_test(a_redirect_takes_no_credentials_to_another_server),
        cmocka_unit_test(a_redirect_loop_ends),
        cmocka_unit_test(a_post_whose_answer_is_lost_is_sent_exactly_once),
        cmocka_unit_test(a_get_survives_a_lost_answer),
        cmocka_unit_test(a_request_can_be_cancelled_at_every_stage),
        cmocka_unit_test(cancelling_the_running_request_lets_the_next_one_go),
        cmocka_unit_test(cancelling_during_a_name_look_up_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
