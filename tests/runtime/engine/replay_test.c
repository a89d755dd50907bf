/* A recording served over real HTTP on loopback, asked with the real client. */
#include <stdio.h>

#include "engine/replay.h"
#include "testing.h"

static const char folder[] = "tests/fixtures/woocommerce/own";
static const char path[] = "/wp-json/wc/v3/orders?status=any&dp=6&orderby=id&order=asc&per_page=100&offset=6";

struct bed {
    struct cw_loop *loop;
    struct cw_transport *transport;
    struct cw_egress *egress;
    struct cw_replay *replay;
    struct cw_http_response *response;
    struct cw_buffer misses;
};

static void note_miss(void *arg, struct cw_slice text)
{
    struct bed *bed = arg;
    assert_true(cw_buffer_add(&bed->misses, text.data, text.len, NULL));
}

static void take_response(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct bed *bed = arg;
    if (err != NULL)
        fail_msg("%s", err->text);
    bed->response = response;
    cw_loop_stop(bed->loop);
}

static int set_up(void **state)
{
    static struct bed bed;
    struct cw_error err = { 0 };
    bed = (struct bed){ .loop = cw_loop_create(&err) };
    assert_ok(bed.loop != NULL, err);
    bed.transport = cw_curl_create(bed.loop, 0, &err);
    assert_ok(bed.transport != NULL, err);
    bed.egress = cw_egress_create();
    assert_ok(cw_egress_allow(bed.egress, "127.0.0.1:*", &err), err);
    bed.replay = cw_replay_open(bed.loop, folder, "127.0.0.1", 0, note_miss, &bed, &err);
    assert_ok(bed.replay != NULL, err);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    cw_http_response_free(bed->response);
    cw_replay_close(bed->replay);
    bed->transport->free(bed->transport);
    cw_egress_free(bed->egress);
    cw_buffer_fini(&bed->misses);
    cw_loop_free(bed->loop);
    return 0;
}

static const struct cw_http_response *ask(struct bed *bed, const char *target, const char *secret)
{
    char url[512];
    struct cw_error err = { 0 };
    struct cw_http_request request = {
        .method = "GET", .url = url, .auth = CW_HTTP_BASIC, .user = "ck_own", .secret = secret
    };
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", cw_replay_port(bed->replay), target);
    cw_http_response_free(bed->response);
    bed->response = NULL;
    assert_ok(bed->transport->start(bed->transport, &request, bed->egress, take_response, bed, &err) != NULL,
              err);
    cw_loop_run(bed->loop);
    assert_non_null(bed->response);
    return bed->response;
}

static void a_recorded_answer_arrives_byte_for_byte(void **state)
{
    struct bed *bed = *state;
    struct cw_buffer expected = test_fixture("woocommerce/own/orders-from-6.json");
    const struct cw_http_response *response = ask(bed, path, "cs_own");
    assert_int_equal(response->status, 200);
    assert_string_equal(cw_http_header(response, "x-wp-total"), "9");
    struct cw_slice body = cw_body_memory(response->body);
    assert_int_equal(body.len, expected.len);
    assert_memory_equal(body.data, expected.data, body.len);
    assert_int_equal(cw_replay_counts(bed->replay).served, 1);
    cw_buffer_fini(&expected);
}

static void another_key_is_answered_as_the_shop_does(void **state)
{
    struct bed *bed = *state;
    const struct cw_http_response *response = ask(bed, path, "cs_other");
    assert_int_equal(response->status, 401);
    struct cw_slice body = cw_body_memory(response->body);
    assert_non_null(memmem(body.data, body.len, "woocommerce_rest_cannot_view", 28));
    assert_int_equal(cw_replay_counts(bed->replay).refused, 1);
}

static void a_request_without_answer_is_told_the_nearest(void **state)
{
    struct bed *bed = *state;
    const struct cw_http_response *response = ask(bed, "/wp-json/wc/v3/orders?offset=7", "cs_own");
    assert_int_equal(response->status, 404);
    struct cw_slice body = cw_body_memory(response->body);
    assert_non_null(
        memmem(body.data, body.len, "GET /wp-json/wc/v3/orders?offset=7\nthe nearest is GET ", 54));
    assert_int_equal(bed->misses.len, body.len);
    assert_memory_equal(bed->misses.data, body.data, body.len);
    assert_int_equal(cw_replay_counts(bed->replay).unmatched, 1);
}

static void a_folder_without_exchanges_is_an_error(void **state)
{
    struct bed *bed = *state;
    struct cw_error err = { 0 };
    assert_null(cw_replay_open(bed->loop, "tests/fixtures/no-such", "127.0.0.1", 0, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "tests/fixtures/no-such/exchanges.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_recorded_answer_arrives_byte_for_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_key_is_answered_as_the_shop_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_without_answer_is_told_the_nearest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_without_exchanges_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
