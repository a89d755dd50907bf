/* lua_sending_test.c - streams out of cart scripts: what they may declare, writing, the last word about
 * quantities, and carts that extend others. */
#include "telling_bed.h"

#include <stdio.h>

#define STATUSES "shop.statuses_out = { send = function() end }\n"

/* --- what a script declares --- */

static void the_engine_learns_what_a_stream_can(void **state)
{
    (void)state;
    telling_bed_open("shop.stock_out = { batch = 50, send_batch = function() end, probe = function() end }\n"
                     "shop.prices_out = { send = function() end }",
                     "");
    const struct cw_lua_out *outs = tells.cart.shop->outs;
    assert_true(outs[CW_OUT_STOCK].is_there && outs[CW_OUT_STOCK].has_batch && outs[CW_OUT_STOCK].has_probe);
    assert_false(outs[CW_OUT_STOCK].has_send);
    assert_int_equal(outs[CW_OUT_STOCK].batch, 50);
    assert_true(outs[CW_OUT_PRICES].is_there && outs[CW_OUT_PRICES].has_send);
    assert_false(outs[CW_OUT_PRICES].has_batch || outs[CW_OUT_PRICES].has_probe);
    assert_int_equal(outs[CW_OUT_PRICES].batch, 0);
    assert_false(outs[CW_OUT_ITEMS].is_there);
}

static void what_is_wrong_with_a_stream_is_told_when_the_cart_is_opened(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "shop.stock_out = { sent = print }",
          "stock_out.sent is no field of a stream out; did you mean \"send\"?" },
        { "shop.stock_out = {}",
          "stock_out has neither send nor send_batch; add stock_out.send = function(self, "
          "message) ... end" },
        { "shop.stock_out = { probe = function() end }", "stock_out has neither send nor send_batch" },
        { "shop.items_out = { send = 'x' }", "items_out.send is a string; it is a function" },
        { "shop.items_out = { send = print, batch = 0 }",
          "items_out.batch is 0; it is the most messages that one call takes" },
        { "shop.items_out = { send = print, batch = '9' }", "items_out.batch is 9; it is the most messages" },
        { "shop.items_out = true", "items_out is a boolean; a stream out is a table" },
        { "shop.refuses = 'no'",
          "refuses is a string; it is a function: function shop:refuses(response) ... end" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(telling_bed_try_open(wrong[i][0], ""));
        assert_int_equal(tells.cart.err.code, CW_USAGE);
        assert_contains(tells.cart.err.text, "carts/test.lua: ");
        assert_contains(tells.cart.err.text, wrong[i][1]);
    }
}

static void a_cart_that_is_told_what_its_script_cannot_tell_is_refused(void **state)
{
    (void)state;
    static const char expected[] = "cart shop is told stock by site.lua, but its script carts/test.lua has "
                                   "no stock_out; add it there, or "
                                   "take stock out of `out` (or switch stock_out off) in site.lua";
    assert_false(telling_bed_try_open(STATUSES, "out = { stock = {}, statuses = {} }"));
    assert_string_equal(tells.cart.err.text, expected);
    assert_false(telling_bed_try_open(STATUSES, "switches = { stock_out = true }"));
    assert_string_equal(tells.cart.err.text, expected);
    assert_true(telling_bed_try_open(STATUSES, "out = { stock = {} }, switches = { stock_out = false }"));
    assert_true(telling_bed_try_open(STATUSES, "out = { statuses = {} }"));
}

/* --- self:write --- */

static void send_with(const char *body)
{
    char script[4096];
    snprintf(script, sizeof script, "shop.statuses_out = { send = function(self, message) %s end }", body);
    telling_bed_open(script, "");
}

static void tables_are_written_as_json_with_decimals_as_they_are(void **state)
{
    (void)state;
    send_with(
        "self:write('PUT', 'a', { price = D.new '19.990', n = 9007199254740993 }) "
        "self:write('PATCH', 'b', { 1 }, { headers = { ['content-type'] = 'application/x', X = 'y' } }) "
        "self:write('POST', 'c', '<a/>', { query = { q = 1 } }) self:write('DELETE', 'd')");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_ONE);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_string_equal(tells.shop.log, "PUT http://h/a Content-Type: application/json "
                                        "body={\"n\":9007199254740993,\"price\":19.990}\n"
                                        "PATCH http://h/b X: y content-type: application/x body=[1]\n"
                                        "POST http://h/c?q=1 body=<a/>\nDELETE http://h/d\n");
}

static void writing_raises_what_the_answer_means(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum cw_code broken, code;
        const char *text;
    } cases[] = {
        { 403, CW_OK, CW_PERMISSION, "POST a: HTTP 403: the credentials lack the permission" },
        { 500, CW_OK, CW_UNAVAILABLE, "POST a: HTTP 500: the shop failed inside" },
        { 302, CW_OK, CW_INVALID, "POST a: HTTP 302: unexpected status" },
        { 0, CW_TIMEOUT, CW_TIMEOUT, "the shop is broken" },
        { 0, CW_UNAVAILABLE, CW_UNAVAILABLE, "the shop is broken" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        send_with("self:write('POST', 'a')");
        if (cases[i].status != 0)
            telling_bed_answer(cases[i].status, "");
        else
            telling_bed_break(cases[i].broken);
        telling_bed_say(CW_TELL_ONE);
        assert_true(tells.failed);
        assert_int_equal(tells.err.code, cases[i].code);
        assert_int_equal(tells.status, cases[i].status);
        assert_contains(tells.err.text, cases[i].text);
        assert_int_equal(tells.shop.asked, 1);
    }
}

static void writing_raises_what_the_cart_refuses_with_a_success(void **state)
{
    (void)state;
    telling_bed_open("function shop:refuses(response) return response:text():match 'error: (.*)' end\n"
                     "shop.statuses_out = { send = function(self) self:write('POST', 'a') end }",
                     "");
    telling_bed_answer(200, "error: no stock");
    telling_bed_say(CW_TELL_ONE);
    assert_string_equal(tells.err.text, "POST a: HTTP 200, but the shop refuses it: no stock");
    assert_int_equal(tells.status, 200);
    assert_effects(1, 0, 1, 0);
}

static void reading_is_not_written(void **state)
{
    (void)state;
    send_with("self:write('GET', 'a')");
    telling_bed_say(CW_TELL_ONE);
    assert_contains(tells.err.text, "write is for POST, PUT, PATCH and DELETE, not for GET");
    assert_int_equal(tells.shop.asked, 0);
}

/* --- the last word about quantities --- */

#define FIGURES                                                                                              \
    "\"figures\":{\"sku\":\"A-1\",\"on_hand\":\"9\",\"on_order\":\"0\",\"vendor\":\"0\",\"pending\":\"1\","  \
    "\"allocated\":\"2\",\"for_kits\":\"0\",\"free\":\"6\",\"buildable\":\"0\",\"quantity\":\"6\"}"

static const char *const levels[] = { "{\"sku\":\"A-1\",\"quantity\":\"6\"," FIGURES "}",
                                      "{\"sku\":\"A-2\",\"quantity\":\"6\"," FIGURES "}" };

static void ask_with(const char *body, enum cw_lua_telling how)
{
    char site[2048];
    snprintf(site, sizeof site, "out = { stock = { quantity = function(f) %s end } }", body);
    telling_bed_open(
        "local function send(self, m) m:refused(tostring(m.data.quantity) .. ' ' .. "
        "tostring(m.data.figures)) self:write('POST', 'a') end\n"
        "shop.stock_out = { send = send, probe = function(self, ms) ms[1]:missing(#ms .. '') end,\n"
        "  send_batch = function(self, ms) for _, m in ipairs(ms) do send(self, m) end end }",
        site);
    telling_bed_answer(200, "");
    telling_bed_tell(CW_OUT_STOCK, how, levels, how == CW_TELL_ONE ? 1 : 2);
}

static void the_function_of_the_site_has_the_last_word(void **state)
{
    (void)state;
    ask_with("return f.on_hand - f.pending - f.allocated + #f.sku", CW_TELL_ONE);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_string_equal(tells.words[0], "9 nil");
    ask_with("return f.quantity", CW_TELL_ONE);
    assert_string_equal(tells.words[0], "6 nil");
    ask_with("return 0", CW_TELL_ONE);
    assert_string_equal(tells.words[0], "0 nil");
}

static void nil_says_nothing_about_the_quantity(void **state)
{
    (void)state;
    ask_with("return nil", CW_TELL_ONE);
    assert_false(tells.failed);
    assert_int_equal(tells.said[0], CW_SAID_NEEDLESS);
    assert_string_equal(tells.words[0], "`quantity` of site.lua says nothing about it");
    assert_int_equal(tells.shop.asked, 0);
}

static void of_a_batch_only_what_has_a_quantity_is_sent(void **state)
{
    (void)state;
    telling_bed_open(
        "shop.stock_out = { send_batch = function(self, ms) ms[1]:refused(#ms .. ' ' .. ms[1].id) end }",
        "out = { stock = { quantity = (function() local n = 0 return function() n = n + 1 "
        "if n == 2 then return 4 end end end)() } }");
    telling_bed_tell(CW_OUT_STOCK, CW_TELL_BATCH, levels, 2);
    assert_int_equal(tells.said[0], CW_SAID_NEEDLESS);
    assert_string_equal(tells.words[1], "1 12");
}

static void a_function_that_fails_leaves_everything_as_it_is(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "error('no idea', 0)", "no idea" },
        { "return 1.5",
          "`quantity` of site.lua gave a float for A-1; it returns an integer, a Decimal or nil" },
        { "return '5'", "gave a string for A-1" },
        { "return -1", "gave -1 for A-1; a cart cannot be told less than 0" },
        { "return f.on_hand - 10", "gave -1 for A-1" },
    };
    for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
        ask_with(wrong[i / 2][0], i % 2 == 0 ? CW_TELL_ONE : CW_TELL_BATCH);
        assert_true(tells.failed);
        assert_contains(tells.err.text, wrong[i / 2][1]);
        assert_int_equal(tells.said[0], CW_SAID_NOTHING);
        assert_int_equal(tells.shop.asked, 0);
        assert_effects(0, 0, 0, 0);
    }
}

static void probes_are_not_asked_for_a_quantity(void **state)
{
    (void)state;
    ask_with("error 'asked'", CW_TELL_PROBE);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_string_equal(tells.words[0], "2");
}

static void a_quantity_counted_without_figures_is_not_told_past_the_function(void **state)
{
    (void)state;
    static const char *payload = "{\"sku\":\"A-1\",\"quantity\":\"6\"}";
    telling_bed_open("shop.stock_out = { send = function() error 'sent' end }",
                     "out = { stock = { quantity = function() return 1 end } }");
    telling_bed_tell(CW_OUT_STOCK, CW_TELL_ONE, &payload, 1);
    assert_contains(tells.err.text, "was counted before site.lua had a function `quantity`");
}

/* --- carts that extend others --- */

static void streams_out_are_wrapped_and_told_of(void **state)
{
    (void)state;
    telling_bed_open(
        "local base = shop\n"
        "base.statuses_out = { send = function(self, m) m:refused(m.data.status) end }\n"
        "shop = base:extend()\n"
        "shop:before('statuses_out.send', function(self, m) m.data.status = m.data.status .. '!' end)\n"
        "shop.prices_out = { send = function() end }\n"
        "assert(base.prices_out == nil)",
        "");
    telling_bed_say(CW_TELL_ONE);
    assert_string_equal(tells.words[0], "paid!");
    assert_string_equal(
        cart_bed_eval(&tells.cart,
                      "local out = {} for _, c in ipairs(require('cartwright.changes').of 'test') do "
                      "out[#out + 1] = c.name .. ' ' .. c.change .. ' ' .. c.value end "
                      "return table.concat(out, ', ')"),
        "prices_out added stream out, statuses_out.send wrapped before");
}

static void a_slip_in_a_wrapped_name_is_told(void **state)
{
    (void)state;
    assert_false(
        telling_bed_try_open(STATUSES "shop = shop:extend() shop:after('statuses_out.sent', print)", ""));
    assert_contains(tells.cart.err.text,
                    "the cart has no statuses_out.sent; did you mean statuses_out.send?");
    assert_false(
        telling_bed_try_open(STATUSES "shop = shop:extend() shop:after('statuses_out.whatever', print)", ""));
    assert_contains(tells.cart.err.text, "its functions are statuses_out.send");
}

/* --- the tea shop of the README --- */

/* The first piece of Lua behind the heading. */
static const char *read_example(const char *heading)
{
    static char text[131072], *example, *end;
    FILE *in = fopen("README.md", "rb");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    example = strstr(text, heading);
    assert_non_null(example);
    example = strstr(example, "```lua\n");
    assert_non_null(example);
    example += strlen("```lua\n");
    end = strstr(example, "```");
    assert_non_null(end);
    *end = '\0';
    return example;
}

static void the_example_of_the_readme_tells_stock(void **state)
{
    (void)state;
    telling_bed_open(read_example("### Streams out"), "out = { stock = {} }");
    telling_bed_answer(200,
                       "{\"rows\":[{\"ok\":true},{\"ok\":false,\"why\":\"no such tea\"}],\"error\":null}");
    telling_bed_answer(200, "{\"error\":\"closed\"}");
    telling_bed_tell(CW_OUT_STOCK, CW_TELL_BATCH, levels, 2);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_int_equal(tells.said[1], CW_SAID_REFUSED);
    assert_string_equal(tells.words[1], "no such tea");
    assert_contains(tells.shop.log,
                    "body={\"rows\":[{\"count\":6,\"sku\":\"A-1\"},{\"count\":6,\"sku\":\"A-2\"}]}");
    telling_bed_tell(CW_OUT_STOCK, CW_TELL_BATCH, levels, 2);
    assert_contains(tells.err.text, "PUT stock.json: HTTP 200, but the shop refuses it: closed");
    assert_effects(1, 0, 1, 0);
}

static void the_example_of_the_readme_tells_shipments_and_finds_them_again(void **state)
{
    (void)state;
    static const char *const parcels[] = {
        "{\"id\":\"S-1\",\"order_id\":\"101\",\"carrier\":\"post\",\"tracking_number\":\"T1\",\"lines\":[]}",
        "{\"id\":\"S-2\",\"order_id\":\"102\",\"lines\":[]}"
    };
    telling_bed_open(read_example("### Streams out"), "");
    telling_bed_answer(200, "{}");
    telling_bed_answer(200, "{\"parcels\":[{\"reference\":\"cw--11\"}]}");
    telling_bed_answer(200, "{\"parcels\":[{\"reference\":\"cw--11\"}]}");
    telling_bed_tell(CW_OUT_SHIPMENTS, CW_TELL_ONE, parcels, 1);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_contains(tells.shop.log, "POST http://h/orders/101/parcels.json Content-Type: application/json "
                                    "body={\"carrier\":\"post\",\"code\":\"T1\",\"reference\":\"cw--11\"}");
    telling_bed_tell(CW_OUT_SHIPMENTS, CW_TELL_PROBE, parcels, 2);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_int_equal(tells.said[1], CW_SAID_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_engine_learns_what_a_stream_can, telling_bed_close),
        cmocka_unit_test_teardown(what_is_wrong_with_a_stream_is_told_when_the_cart_is_opened,
                                  telling_bed_close),
        cmocka_unit_test_teardown(a_cart_that_is_told_what_its_script_cannot_tell_is_refused,
                                  telling_bed_close),
        cmocka_unit_test_teardown(tables_are_written_as_json_with_decimals_as_they_are, telling_bed_close),
        cmocka_unit_test_teardown(writing_raises_what_the_answer_means, telling_bed_close),
        cmocka_unit_test_teardown(writing_raises_what_the_cart_refuses_with_a_success, telling_bed_close),
        cmocka_unit_test_teardown(reading_is_not_written, telling_bed_close),
        cmocka_unit_test_teardown(the_function_of_the_site_has_the_last_word, telling_bed_close),
        cmocka_unit_test_teardown(nil_says_nothing_about_the_quantity, telling_bed_close),
        cmocka_unit_test_teardown(of_a_batch_only_what_has_a_quantity_is_sent, telling_bed_close),
        cmocka_unit_test_teardown(a_function_that_fails_leaves_everything_as_it_is, telling_bed_close),
        cmocka_unit_test_teardown(probes_are_not_asked_for_a_quantity, telling_bed_close),
        cmocka_unit_test_teardown(a_quantity_counted_without_figures_is_not_told_past_the_function,
                                  telling_bed_close),
        cmocka_unit_test_teardown(streams_out_are_wrapped_and_told_of, telling_bed_close),
        cmocka_unit_test_teardown(a_slip_in_a_wrapped_name_is_told, telling_bed_close),
        cmocka_unit_test_teardown(the_example_of_the_readme_tells_stock, telling_bed_close),
        cmocka_unit_test_teardown(the_example_of_the_readme_tells_shipments_and_finds_them_again,
                                  telling_bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
