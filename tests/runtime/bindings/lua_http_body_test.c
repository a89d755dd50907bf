/* lua_http_body_test.c - forms, JSON and reading by POST, as carts ask for them. */
#include "lua_bed.h"

#include <stdio.h>

static struct lua_bed bed;

#define C                                                                                                    \
    "local m = ... local key = m.secret 'shop.key' "                                                         \
    "local c = m.http.client('shop', { base = 'https://shop.example/api' }) "

static int start(void **state)
{
    (void)state;
    bed = (struct lua_bed){ 0 };
    if (!lua_bed_open(&bed))
        return -1;
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "{}" });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    lua_bed_close(&bed);
    return 0;
}

static void a_form_is_written_as_browsers_write_it(void **state)
{
    (void)state;
    lua_bed_fiber(&bed, C
                  "c:send { method = 'POST', path = 'x', form = { ['a b'] = 'c & d=\\xc3\\xa9', "
                  "z = '-._*~', n = 5, yes = true, price = m.decimal.new '1.50', key = key, empty = '' } }");
    assert_string_equal(bed.shop.log,
                        "POST https://shop.example/api/x Content-Type: application/x-www-form-urlencoded "
                        "body=a+b=c+%26+d%3D%C3%A9&empty=&key=" BED_SECRET
                        "&n=5&price=1.50&yes=true&z=-._*%7E\n");
}

static void a_list_of_pairs_keeps_its_order_and_its_doubles(void **state)
{
    (void)state;
    lua_bed_fiber(&bed,
                  C "c:send { method = 'POST', form = { { 'setifunction', 'sendversion' }, { 'b', key }, "
                    "{ 'a', 1 }, { 'a', 2 } }, headers = { ['content-type'] = 'text/x' } }");
    assert_string_equal(bed.shop.log, "POST https://shop.example/api content-type: text/x "
                                      "body=setifunction=sendversion&b=" BED_SECRET "&a=1&a=2\n");
}

static void an_empty_form_is_still_one(void **state)
{
    (void)state;
    lua_bed_fiber(&bed, C "c:send { method = 'POST', form = {} }");
    assert_string_equal(bed.shop.log, "POST https://shop.example/api "
                                      "Content-Type: application/x-www-form-urlencoded\n");
}

static void json_takes_secrets_that_no_script_reads(void **state)
{
    (void)state;
    lua_bed_fiber(
        &bed, C "c:send { method = 'POST', json = { username = 'ann', password = key, list = { 1, key } } }");
    assert_string_equal(bed.shop.log, "POST https://shop.example/api Content-Type: application/json "
                                      "body={\"list\":[1,\"" BED_SECRET "\"],\"password\":\"" BED_SECRET
                                      "\",\"username\":\"ann\"}\n");
    lua_bed_fiber(&bed,
                  C "local ok, why = pcall(m.json.encode, { password = key }) return ok, tostring(why)");
    assert_contains(bed.result, "false|");
    assert_contains(bed.result, "a secret cannot be written");
    assert_null(strstr(bed.result, BED_SECRET));
}

static void a_body_is_one_thing(void **state)
{
    (void)state;
    static const char *const requests[][2] = {
        { "{ body = 'x', form = {} }", "only one of body, form and json" },
        { "{ json = {}, form = {} }", "only one of body, form and json" },
        { "{ form = 'a=b' }", "names and values" },
        { "{ form = { { 'a' } } }", "nil" },
        { "{ form = { 'a' } }", "a list of { name, value }" },
        { "{ form = { a = {} } }", "a table" },
        { "{ form = { a = 1.5 } }", "not exact" },
        { "{ json = { a = 1.5 } }", "not exact" },
        { "{ json = { password = m.secret 'shop.none' } }", "shop.none" },
    };
    char chunk[400];
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        snprintf(chunk, sizeof chunk, C "c:send(%s)", requests[i][0]);
        lua_bed_start(&bed, chunk);
        lua_bed_run(&bed);
        if (!bed.failed)
            fail_msg("no error for %s", requests[i][0]);
        assert_contains(bed.err.text, requests[i][1]);
    }
    assert_int_equal(bed.shop.asked, 0);
}

static void what_reads_is_repeated_and_passes_a_dry_run(void **state)
{
    (void)state;
    bed.shop.answer_count = 0;
    lua_bed_answer(&bed, (struct shop_answer){ .code = CW_IO });
    lua_bed_answer(&bed, (struct shop_answer){ .status = 503, .body = "" });
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200, .body = "{}" });
    bed.host.read_only = true;
    lua_bed_fiber(&bed, C "local a = c:send { method = 'POST', json = { query = '{orders}' }, reads = true } "
                          "local b, why, code = c:send { method = 'POST', json = {}, repeatable = true } "
                          "return a.status, b, code");
    assert_string_equal(bed.result, "200|nil|refused");
    assert_int_equal(bed.shop.asked, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_form_is_written_as_browsers_write_it, start, stop),
        cmocka_unit_test_setup_teardown(a_list_of_pairs_keeps_its_order_and_its_doubles, start, stop),
        cmocka_unit_test_setup_teardown(an_empty_form_is_still_one, start, stop),
        cmocka_unit_test_setup_teardown(json_takes_secrets_that_no_script_reads, start, stop),
        cmocka_unit_test_setup_teardown(a_body_is_one_thing, start, stop),
        cmocka_unit_test_setup_teardown(what_reads_is_repeated_and_passes_a_dry_run, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
