/* transport_client.c - see transport_client.h. */
#include "transport_client.h"

#include <stdio.h>
#include <stdlib.h>

void client_open(struct client *client, unsigned connections)
{
    struct cw_error err = { 0 };
    *client = (struct client){ .loop = cw_loop_create(&err) };
    client->open = cw_egress_create();
    client->closed = cw_egress_create();
    assert_ok(cw_egress_allow(client->open, "127.0.0.1:*", &err), err);
    assert_ok(cw_egress_allow(client->open, "localhost:*", &err), err);
    client->transport = cw_curl_create(client->loop, connections, &err);
    assert_ok(client->transport != NULL, err);
}

void client_close(struct client *client)
{
    client->transport->free(client->transport);
    cw_egress_free(client->open);
    cw_egress_free(client->closed);
    cw_loop_free(client->loop);
    if (client->server != NULL)
        hostile_stop(client->server);
}

void client_on_done(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct result *result = arg;
    assert_true((response == NULL) != (err == NULL));
    result->calls++;
    result->response = response;
    result->status = response != NULL ? response->status : 0;
    result->err = err != NULL ? *err : (struct cw_error){ 0 };
}

struct cw_http_request client_request(const struct client *client, const char *method)
{
    static char url[96];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/path?key=topsecret", client->server->port);
    return (struct cw_http_request){ .method = method,
                                     .url = url,
                                     .connect_timeout = 2 * CW_SECOND,
                                     .stall_timeout = 5 * CW_SECOND,
                                     .total_timeout = 10 * CW_SECOND,
                                     .body_limit = 4 * 1024 * 1024 };
}

struct result client_ask(struct client *client, struct cw_http_request request)
{
    struct cw_error err = { 0 };
    struct result result = { .client = client };
    assert_ok(client->transport->start(client->transport, &request, client->open, client_on_done, &result,
                                       &err) != NULL,
              err);
    assert_int_equal(result.calls, 0); /* never from inside start */
    cw_loop_run(client->loop);
    assert_int_equal(result.calls, 1);
    assert_null(strstr(result.err.text, "topsecret"));
    return result;
}

struct result client_get(struct hostile_step step)
{
    struct client client;
    client_open(&client, 0);
    client.server = hostile_start(&step, 1);
    struct result result = client_ask(&client, client_request(&client, "GET"));
    client_close(&client);
    return result;
}

void client_expect_error(struct hostile_step step, enum cw_code code)
{
    struct result result = client_get(step);
    if (result.err.code != code)
        fail_msg("expected %s, got status %d, %s: %s; cut at %zu", cw_code_name(code), result.status,
                 cw_code_name(result.err.code), result.err.text, step.cut);
    cw_http_response_free(result.response);
}

void client_expect_body(struct hostile_step step, const char *text)
{
    struct result result = client_get(step);
    assert_ok(result.response != NULL, result.err);
    assert_slice(cw_body_memory(result.response->body), text);
    cw_http_response_free(result.response);
}

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

void client_run_for(struct client *client, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(client->loop, stop_loop, client->loop, NULL);
    cw_timer_set(stop, time);
    cw_loop_run(client->loop);
    cw_timer_free(stop);
}
