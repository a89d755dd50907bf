/* lua_http_token_test.c - clients that log in for a token, and those that sign each request. */
#include "lua_bed.h"

#include <stdio.h>

#include "base/secret.h"

static struct lua_bed bed;

#define TOKEN "token = { path = 'oauth/token', form = { grant_type = 'client_credentials', secret = key } "
#define C                                                                                                    \
    "local m = ... local key = m.secret 'shop.key' "                                                         \
    "local c = m.http.client('shop', { base = 'https://shop.example/api', "
#define PLAIN C TOKEN "} }) "

#define ASKED                                                                                                \
    "POST https://shop.example/api/oauth/token Content-Type: application/x-www-form-urlencoded "             \
    "body=grant_type=client_credentials&secret=" BED_SECRET "\n"

static int start(void **state)
{
    (void)state;
    bed = (struct lua_bed){ 0 };
    cw_secret_remember(cw_slice(BED_SECRET));
    return lua_bed_open(&bed) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    lua_bed_close(&bed);
    cw_secret_forget_all();
    return 0;
}

static void answer(int status, const char *body)
{
    lua_bed_answer(&bed, (struct shop_answer){ .status = status, .body = body, .takes = CW_SECOND });
}

static void requests_wait_for_the_one_token(void **state)
{
    (void)state;
    answer(200, "{}");
    answer(200, "{\"access_token\":\"tok-first\",\"expires_in\":3600}");
    answer(200, "{}");
    lua_bed_fiber(&bed,
                  PLAIN "local r = c:all { { path = 'a' }, { path = 'b' }, { method = 'PUT', path = 'c' }, "
                        "{ path = 'https://other.example/x' } } "
                        "return r[1].status, r[2].status, r[3].status, r[4].status, c:stats().requests");
    assert_string_equal(bed.result, "200|200|200|200|5");
    /* The other host is asked at once, and never sees the token. */
    assert_string_equal(bed.shop.log, "GET https://other.example/x\n" ASKED
                                      "GET https://shop.example/api/a Authorization: Bearer tok-first\n"
                                      "GET https://shop.example/api/b Authorization: Bearer tok-first\n"
                                      "PUT https://shop.example/api/c Authorization: Bearer tok-first\n");
}

static void a_token_is_renewed_before_its_time_is_over(void **state)
{
    (void)state;
    answer(200, "{\"access_token\":\"tok-first\",\"expires_in\":\"200\"}");
    answer(200, "{}");
    answer(200, "{}");
    answer(200, "{\"access_token\":\"tok-second\"}");
    answer(200, "{}");
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "{}" });
    bed.shop.answers[2].takes = 180 * CW_SECOND; /* a tenth of its life, 20 s, is left after it */
    lua_bed_fiber(&bed, PLAIN "for _, path in ipairs { 'a', 'b', 'c', 'd' } do c:send { path = path } end");
    assert_string_equal(bed.shop.log,
                        ASKED "GET https://shop.example/api/a Authorization: Bearer tok-first\n"
                              "GET https://shop.example/api/b Authorization: Bearer tok-first\n" ASKED
                              "GET https://shop.example/api/c Authorization: Bearer tok-second\n"
                              "GET https://shop.example/api/d Authorization: Bearer tok-second\n");
}

static void a_token_that_is_not_taken_is_replaced_once(void **state)
{
    (void)state;
    answer(200, "{\"access_token\":\"tok-first\"}");
    answer(401, "expired");
    answer(200, "{\"access_token\":\"tok-second\"}");
    answer(200, "{}");
    answer(401, "no");
    answer(200, "{\"access_token\":\"tok-third\"}");
    answer(401, "no");
    lua_bed_fiber(&bed, PLAIN "local a = c:send { method = 'POST', path = 'a', json = { n = 1 } } "
                              "local b = c:send { path = 'b' } return a.status, b.status, b:text()");
    assert_string_equal(bed.result, "200|401|no");
    assert_string_equal(
        bed.shop.log, ASKED
        "POST https://shop.example/api/a Content-Type: application/json Authorization: Bearer tok-first "
        "body={\"n\":1}\n" ASKED
        "POST https://shop.example/api/a Content-Type: application/json Authorization: Bearer tok-second "
        "body={\"n\":1}\n"
        "GET https://shop.example/api/b Authorization: Bearer tok-second\n" ASKED
        "GET https://shop.example/api/b Authorization: Bearer tok-third\n");
}

static void a_bare_text_may_be_the_token(void **state)
{
    (void)state;
    answer(200, "\"tok-magento\"");
    answer(200, "{}");
    lua_bed_fiber(&bed, C
                  "token = { path = 'V1/integration/admin/token', json = { username = 'ann', password = key "
                  "}, at = '.', lifetime = 14400, header = 'X-Auth', prefix = '' } }) c:send { path = 'a' }");
    assert_string_equal(
        bed.shop.log,
        "POST https://shop.example/api/V1/integration/admin/token Content-Type: application/json "
        "body={\"password\":\"" BED_SECRET "\",\"username\":\"ann\"}\n"
        "GET https://shop.example/api/a X-Auth: tok-magento\n");
}

static void a_dry_run_may_log_in(void **state)
{
    (void)state;
    bed.host.read_only = true;
    answer(200, "{\"access_token\":\"tok-first\"}");
    answer(200, "{}");
    lua_bed_fiber(&bed, PLAIN "return c:send({ path = 'a' }).status, select(3, c:send { method = 'POST' })");
    assert_string_equal(bed.result, "200|refused");
}

static void a_request_with_a_proof_of_its_own_keeps_it(void **state)
{
    (void)state;
    answer(200, "{\"access_token\":\"tok-first\"}");
    answer(200, "{}");
    lua_bed_fiber(&bed, PLAIN "c:send { path = 'a', headers = { authorization = 'Other x' } }");
    assert_string_equal(bed.shop.log, ASKED "GET https://shop.example/api/a authorization: Other x\n");
}

static void why_there_is_no_token_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct shop_answer answer;
        const char *code, *words;
    } cases[] = {
        { { .status = 401, .body = "{\"error\":\"invalid_client\",\n\"was\":\"" BED_SECRET "\"}" },
          "auth|key",
          "HTTP 401: the shop gives no token for these credentials; look at key; it said: "
          "{\"error\":\"invalid_client\"" },
        { { .status = 403, .body = "" }, "auth|key", "or a firewall before it, refuses" },
        { { .status = 404, .body = "" }, "auth|nil", "look at the shop's address" },
        { { .status = 200, .body = "<html>log in</html>" }, "auth|key", "but not with a token" },
        { { .status = 200, .body = "{\"token\":\"x\"}" }, "auth|key", "no token where it is looked for" },
        { { .status = 200, .body = "{\"access_token\":\"two words\"}" }, "auth|nil", "holds blanks" },
        { { .status = 503, .body = "" }, "unavailable|nil", "gives no tokens just now" },
        { { .code = CW_UNAVAILABLE }, "unavailable|nil", "the shop is broken" },
        { { .code = CW_TIMEOUT }, "unavailable|nil", "the shop is broken" },
        { { .code = CW_AUTH }, "auth|nil", "the shop is broken" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64];
        bed.shop.answer_count = bed.shop.asked = 0;
        bed.shop.log[0] = '\0';
        lua_bed_answer(&bed, cases[i].answer);
        lua_bed_fiber(&bed, C "attempts = 1, " TOKEN "} }) "
                              "local r, why, code, setting = c:send { method = 'PUT', path = 'a' } "
                              "return code, setting, r, why");
        snprintf(expected, sizeof expected, "%s|nil|shop: not sent, for want of a token: ", cases[i].code);
        assert_contains(bed.result, expected);
        assert_contains(bed.result, cases[i].words);
        assert_null(strstr(bed.result, BED_SECRET));
        assert_null(strstr(bed.shop.log, "PUT"));
    }
}

static void the_token_is_a_secret(void **state)
{
    (void)state;
    char text[] = "tok-first, and tok-second";
    answer(200, "{\"access_token\":\"tok-first\"}");
    answer(401, "no");
    answer(200, "{\"access_token\":\"tok-second\"}");
    answer(200, "Bearer tok-second is yours");
    lua_bed_fiber(&bed, PLAIN "local r = c:send { path = 'a' } "
                              "return select(2, pcall(r.records, r, 'orders')).message");
    assert_contains(bed.result, "***");
    assert_null(strstr(bed.result, "tok-second"));
    cw_redact(text, strlen(text), sizeof text);
    assert_string_equal(text, "tok-first, and ***"); /* the one that ended is none any more */
}

static void wrong_tokens_are_named(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        { "token = 'x'", "token = { path" },
        { "token = { path = 'x', url = 'y' }", "url" },
        { "token = { path = 'x', form = {} }, bearer = 'x'", "only one of" },
        { "token = { path = '../x' }", "leaves the cart's base" },
        { "token = { path = 'x', at = 'a[' }", "http: token: at" },
        { "token = { path = 'x', lifetime = -1 }", "lifetime" },
        { "token = { path = 'x', prefix = 5 }", "prefix" },
        { "oauth1 = { consumer_key = 'k' }", "consumer_secret" },
        { "oauth1 = { consumer_key = 'k', consumer_secret = 's', method = 'PLAINTEXT' }", "HMAC-SHA256" },
        { "oauth1 = {}, basic = { 'a', 'b' }", "only one of" },
    };
    char chunk[400];
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        snprintf(chunk, sizeof chunk, C "%s })", settings[i][0]);
        assert_lua_error(&bed, chunk, settings[i][1]);
    }
}

static void each_request_is_signed_anew(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 503, .body = "" });
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "{}" });
    lua_bed_fiber(&bed, C "oauth1 = { consumer_key = 'ck', consumer_secret = key } }) "
                          "c:send { path = 'orders', query = { page = 1 } }");
    const char *first = strstr(bed.shop.log, "oauth_nonce="), *second = strstr(first + 1, "oauth_nonce=");
    assert_contains(bed.shop.log, "GET https://shop.example/api/orders?page=1 Authorization: OAuth "
                                  "oauth_consumer_key=\"ck\", oauth_signature_method=\"HMAC-SHA256\", "
                                  "oauth_timestamp=\"1700000000\", oauth_nonce=\"");
    assert_non_null(second);
    assert_int_not_equal(strncmp(first, second, 45), 0);
    assert_null(strstr(bed.shop.log, BED_SECRET));
}

static void a_state_that_is_closed_while_it_asks_for_a_token_is_fine(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .hangs = true });
    struct cw_fiber *fiber = lua_bed_start(&bed, PLAIN "c:send { path = 'a' }");
    lua_bed_run(&bed);
    assert_int_equal(bed.shop.running, 1);
    cw_fiber_kill(fiber);
    lua_bed_run(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_wait_for_the_one_token, start, stop),
        cmocka_unit_test_setup_teardown(a_token_is_renewed_before_its_time_is_over, start, stop),
        cmocka_unit_test_setup_teardown(a_token_that_is_not_taken_is_replaced_once, start, stop),
        cmocka_unit_test_setup_teardown(a_bare_text_may_be_the_token, start, stop),
        cmocka_unit_test_setup_teardown(a_dry_run_may_log_in, start, stop),
        cmocka_unit_test_setup_teardown(a_request_with_a_proof_of_its_own_keeps_it, start, stop),
        cmocka_unit_test_setup_teardown(why_there_is_no_token_is_told_apart, start, stop),
        cmocka_unit_test_setup_teardown(the_token_is_a_secret, start, stop),
        cmocka_unit_test_setup_teardown(wrong_tokens_are_named, start, stop),
        cmocka_unit_test_setup_teardown(each_request_is_signed_anew, start, stop),
        cmocka_unit_test_setup_teardown(a_state_that_is_closed_while_it_asks_for_a_token_is_fine, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
