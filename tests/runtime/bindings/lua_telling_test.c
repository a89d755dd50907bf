/* lua_telling_test.c - what a cart's script gets to tell, what it may say of it, and what its requests may
 * have done. */
#include "telling_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"

/* A stream whose functions are these. */
static void open_statuses(const char *functions)
{
    char script[8192];
    snprintf(script, sizeof script, "shop.statuses_out = { %s }", functions);
    telling_bed_open(script, "");
}

static void open_send(const char *body)
{
    char functions[4096];
    snprintf(functions, sizeof functions, "send = function(self, message) %s end", body);
    open_statuses(functions);
}

/* --- what the script gets --- */

static void assert_gets(enum cw_out out, const char *payload, const char *expression, const char *expected)
{
    char script[2048];
    snprintf(script, sizeof script,
             "shop.%s = { send = function(self, message) local m, d = message, message.data "
             "m:needless(table.concat({ %s }, ' ')) end }",
             cw_out_name(out), expression);
    telling_bed_open(script, "");
    telling_bed_tell(out, CW_TELL_ONE, &payload, 1);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_string_equal(tells.words[0], expected);
}

static void a_message_has_the_fields_of_the_page(void **state)
{
    (void)state;
    assert_gets(CW_OUT_STATUSES, "{\"order_id\":\"101\",\"status\":\"paid\"}",
                "m.id, m.key, m.about, m.attempts, tostring(m.link), d.order_id, d.status, self.stream",
                "11 cw--11 A-1 2 nil 101 paid statuses_out");
}

static void a_key_names_the_store_and_the_message(void **state)
{
    (void)state;
    struct cw_error err;
    char path[] = "/tmp/cw-telling-XXXXXX";
    struct cw_store_config config = { .uri = path, .create = true };
    close(mkstemp(path));
    struct cw_loop *loop = cw_loop_create_virtual(0, &err);
    tells.cart.store = cw_store_open(&config, loop, &err);
    assert_ok(tells.cart.store != NULL, err);
    open_send("message:needless(message.key)");
    telling_bed_say(CW_TELL_ONE);
    char expected[64];
    snprintf(expected, sizeof expected, "cw-%s-11", cw_store_id(tells.cart.store));
    assert_string_equal(tells.words[0], expected);
    struct cw_store *store = tells.cart.store;
    tells.cart.store = NULL;
    cart_bed_close(&tells.cart);
    tells.cart.store = NULL;
    cw_store_close(store);
    cw_loop_free(loop);
    unlink(path);
}

static void quantities_are_decimals_and_times_are_times(void **state)
{
    (void)state;
    assert_gets(CW_OUT_STOCK,
                "{\"sku\":\"A-1\",\"item_id\":\"7\",\"quantity\":\"0.30\",\"vendor_quantity\":\"2\"}",
                "d.sku, d.item_id, (d.quantity + 1):round(1) .. '', tostring(D.is(d.vendor_quantity)), "
                "tostring(d.variant_id)",
                "A-1 7 1.3 true nil");
    assert_gets(
        CW_OUT_PRICES,
        "{\"sku\":\"A-1\",\"list\":\"sale\",\"price\":\"19.990\",\"currency\":\"EUR\","
        "\"valid_from\":\"2026-01-02T03:04:05Z\",\"valid_until\":null}",
        "d.price .. '', tostring(D.is(d.price)), d.valid_from:format '%Y %H', tostring(d.valid_until)",
        "19.990 true 2026 03 nil");
    assert_gets(CW_OUT_SHIPMENTS,
                "{\"id\":\"S-1\",\"order_id\":\"101\",\"shipped_at\":\"2026-01-02T03:04:05Z\","
                "\"completes\":true,\"lines\":[{\"sku\":\"A\",\"quantity\":\"2\"},{\"line_id\":\"9\","
                "\"quantity\":\"0.5\"}]}",
                "d.shipped_at:format '%d', tostring(d.completes), #d.lines, (d.lines[1].quantity + "
                "d.lines[2].quantity) .. '', d.lines[2].line_id",
                "02 true 2 2.5 9");
}

static void a_carrier_is_named_as_the_cart_knows_it(void **state)
{
    (void)state;
    static const char *const shipments[][2] = {
        { "{\"carrier_name\":\"dhl\"}", "DHL Paket" },
        { "{\"carrier_name\":\"Truck\"}", "nil" },
        { "{\"carrier_name\":\"DHL\",\"vendor\":\"ACME\"}", "ACME direct" },
        { "{\"carrier_name\":\"DHL\",\"vendor\":\"Other\"}", "DHL Paket" },
        { "{\"vendor\":\"ACME\"}", "nil" },
    };
    for (size_t i = 0; i < sizeof shipments / sizeof *shipments; i++) {
        telling_bed_open("shop.tables.carrier_out = { DHL = 'DHL Paket' }\n"
                         "shop.tables.dropship_carrier_out = { ['ACME/DHL'] = 'ACME direct' }\n"
                         "shop.shipments_out = { send = function(self, message) "
                         "message:needless(tostring(message.data.carrier)) end }",
                         "");
        telling_bed_tell(CW_OUT_SHIPMENTS, CW_TELL_ONE, &shipments[i][0], 1);
        assert_string_equal(tells.words[0], shipments[i][1]);
    }
}

/* A number that a double cannot hold. */
static void no_digit_is_lost(void **state)
{
    (void)state;
    assert_gets(CW_OUT_STOCK, "{\"sku\":\"A\",\"quantity\":\"9007199254740993.000001\"}", "d.quantity .. ''",
                "9007199254740993.000001");
    assert_gets(CW_OUT_STOCK, "{\"sku\":\"A\",\"quantity\":9007199254740993}", "d.quantity .. ''",
                "9007199254740993");
}

static void documents_come_with_typed_fields_to_any_depth(void **state)
{
    (void)state;
    assert_gets(CW_OUT_CUSTOMERS,
                "{\"external_id\":\"C-7\",\"email\":\"a@b.example\",\"taxable\":true,"
                "\"created_at\":\"2026-01-02T03:04:05Z\",\"addresses\":[{\"city\":\"Bonn\"}],"
                "\"custom\":{\"tier\":\"gold\"}}",
                "d.id, tostring(d.external_id), d.email, tostring(d.taxable), d.created_at:format '%Y', "
                "d.addresses[1].city, d.custom.tier",
                "C-7 nil a@b.example true 2026 Bonn gold");
    assert_gets(
        CW_OUT_ITEMS,
        "{\"id\":\"A-1\",\"price\":\"1.10\",\"variants\":[{\"external_id\":\"9\",\"price\":\"2.20\"}],"
        "\"components\":[{\"sku\":\"B\",\"quantity\":\"3\"}]}",
        "d.id, (d.price + d.variants[1].price) .. '', d.variants[1].external_id, "
        "tostring(D.is(d.components[1].quantity))",
        "A-1 3.30 9 true");
}

static void a_link_is_handed_over(void **state)
{
    (void)state;
    const char *payload = "{\"id\":\"C-1\"}", *link = "shop-77";
    telling_bed_open("shop.customers_out = { send = function(_, m) m:needless(m.link) end }", "");
    telling_bed_start(CW_OUT_CUSTOMERS, CW_TELL_ONE, &payload, &link, 1);
    telling_bed_run();
    assert_string_equal(tells.words[0], "shop-77");
}

static void a_damaged_payload_reaches_no_script(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "{\"quantity\":", "the payload of message 11" },
        { "[]", "the stock is no object" },
        { "{\"quantity\":\"many\"}", "quantity is \"many\", which is no decimal" },
    };
    telling_bed_open("shop.stock_out = { send = function() error 'asked' end }", "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(telling_bed_start(CW_OUT_STOCK, CW_TELL_ONE, &wrong[i][0], NULL, 1));
        assert_int_equal(tells.cart.err.code, CW_CORRUPT);
        assert_contains(tells.cart.err.text, wrong[i][1]);
    }
}

/* --- what it says --- */

static void sent_needs_an_answer_of_the_cart_and_keeps_it_in_short(void **state)
{
    (void)state;
    open_send(
        "message:sent(self:write('POST', 'orders/101', { state = message.data.status }), { link = 77 })");
    telling_bed_answer(201, "{\"ok\":true,\n \"id\":77}");
    telling_bed_say(CW_TELL_ONE);
    assert_false(tells.failed);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_string_equal(tells.words[0], "POST http://h:80/orders/101: HTTP 201: {\"ok\":true,  \"id\":77}");
    assert_string_equal(tells.links[0], "77");
    assert_string_equal(
        tells.shop.log,
        "POST http://h/orders/101 Content-Type: application/json body={\"state\":\"paid\"}\n");
    assert_effects(1, 0, 0, 1);
}

static void evidence_shows_no_secret_and_is_valid_text(void **state)
{
    (void)state;
    static char body[600];
    memset(body, 'x', sizeof body - 1);
    memcpy(body, "key=canary-55aa \xff\x01 ", 19);
    cw_secret_remember(cw_slice("canary-55aa"));
    open_send("message:sent(self:write('POST', 'a'))");
    telling_bed_answer(200, body);
    telling_bed_say(CW_TELL_ONE);
    assert_contains(tells.words[0], "POST http://h:80/a: HTTP 200: key=*** ?  xxx");
    assert_true(strlen(tells.words[0]) < 250);
    open_send("message:refused 'canary-55aa is not mine \\xff'");
    telling_bed_say(CW_TELL_ONE);
    assert_string_equal(tells.words[0], "*** is not mine ?");
    cw_secret_forget_all();
}

static void what_is_no_answer_of_this_call_proves_nothing(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "message:sent()", "not a nil" },
        { "message:sent 'ok'", "not a string" },
        { "message:sent { status = 200 }", "not a table" },
        { "message:sent(self.client)", "not one of another call" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_send(wrong[i][0]);
        telling_bed_say(CW_TELL_ONE);
        assert_true(tells.failed);
        assert_int_equal(tells.said[0], CW_SAID_NOTHING);
        assert_contains(tells.err.text, wrong[i][1]);
        assert_effects(0, 0, 0, 0);
    }
    telling_bed_open("local kept shop.statuses_out = { send = function(self, message) if kept then "
                     "message:sent(kept) end kept = self:write('POST', 'a') message:sent(kept) end }",
                     "");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    telling_bed_say(CW_TELL_ONE);
    assert_contains(tells.err.text, "one of another call");
    assert_effects(0, 0, 0, 0);
}

static void an_answer_that_is_no_success_is_none(void **state)
{
    (void)state;
    open_send("message:sent((self:request { method = 'POST', path = 'a' }))");
    telling_bed_answer(404, "no such order");
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_NOTHING);
    assert_int_equal(tells.err.code, CW_NOT_FOUND);
    assert_int_equal(tells.status, 404);
    assert_contains(tells.err.text, "POST http://h:80/a: HTTP 404");
    assert_effects(1, 0, 1, 0);
}

/* 200 with an error inside. */
static void a_success_that_the_cart_refuses_is_none(void **state)
{
    (void)state;
    telling_bed_open("function shop:refuses(response) return response:json().error end\n"
                     "shop.statuses_out = { send = function(self, message)\n"
                     "  message:sent((self:request { method = 'POST', path = 'a' })) end }",
                     "");
    telling_bed_answer(200, "{\"error\":\"no rights\"}");
    telling_bed_answer(200, "{\"done\":1}");
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_NOTHING);
    assert_string_equal(tells.err.text, "POST http://h:80/a: HTTP 200, but the shop refuses it: no rights");
    assert_int_equal(tells.status, 200);
    assert_effects(1, 0, 1, 0);
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_effects(1, 0, 0, 1);
}

/* What the shop has taken is not called refused because a script reads its answer carelessly. */
static void a_refusal_that_is_no_words_is_a_fault_of_the_script(void **state)
{
    (void)state;
    static const char *const answers[] = { "{\"error\":0}", "{\"error\":[]}", "{\"error\":true}" };
    telling_bed_open("function shop:refuses(response) return response:json().error end\n"
                     "shop.statuses_out = { send = function(self, message)\n"
                     "  message:sent((self:request { method = 'POST', path = 'a' })) end }",
                     "");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        telling_bed_answer(200, answers[i]);
        telling_bed_say(CW_TELL_ONE);
        assert_int_equal(tells.said[0], CW_SAID_NOTHING);
        assert_non_null(strstr(tells.err.text, "refuses must return the shop's words, or nil"));
        assert_effects(1, 0, 0, 1);
    }
    telling_bed_answer(200, "{\"error\":\"\"}");
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
}

static void an_answer_that_was_read_as_records_is_still_evidence(void **state)
{
    (void)state;
    open_send("local answer = self:write('POST', 'a') answer:records 'orders' message:sent(answer)");
    telling_bed_answer(200, "{\"orders\":[]}");
    telling_bed_say(CW_TELL_ONE);
    assert_string_equal(tells.words[0], "POST http://h:80/a: HTTP 200");
}

static void one_message_is_said_one_thing_of(void **state)
{
    (void)state;
    open_send("message:refused 'no' message:needless 'no'");
    telling_bed_say(CW_TELL_ONE);
    assert_contains(tells.err.text, "message 11: refused was said of it already, and now needless");
    assert_int_equal(tells.said[0], CW_SAID_REFUSED);
    assert_string_equal(tells.words[0], "no");
}

static void what_may_be_said_where_is_told(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "message:arrived()",
          "message:arrived is for probe; in send and send_batch there are sent, refused and needless" },
        { "message:missing()", "message:missing is for probe" },
        { "message:refused()", "message:refused takes the words why, a text" },
        { "message:needless(5)", "message:needless takes the words why, a text" },
        { "message.refused({}, 'x')", "refused is called on a message: message:refused(...)" },
        { "message:sent(self:write('POST', 'a'), { lnik = 1 })",
          "a message has no option lnik; there is link" },
        { "message:sent(self:write('POST', 'a'), { link = 1.5 })",
          "link is the cart's id, a text or an integer" },
        { "message:sent(self:write('POST', 'a'), 'x')", "the options of a message are a table" },
        { "self:emit()", "records are stored by streams that come in" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_send(wrong[i][0]);
        telling_bed_answer(200, "");
        telling_bed_say(CW_TELL_ONE);
        assert_true(tells.failed);
        assert_contains(tells.err.text, wrong[i][1]);
        assert_int_equal(tells.said[0], CW_SAID_NOTHING);
    }
}

static void a_batch_is_told_in_one_call_and_answered_one_by_one(void **state)
{
    (void)state;
    open_statuses(
        "send_batch = function(self, messages)\n"
        "  local answer = self:write('POST', 'batch', { n = #messages })\n"
        "  messages[1]:sent(answer) messages[2]:refused('unknown ' .. messages[2].data.order_id) end");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_BATCH);
    assert_false(tells.failed);
    assert_int_equal(tells.count, 2);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_int_equal(tells.said[1], CW_SAID_REFUSED);
    assert_string_equal(tells.words[1], "unknown 102");
    assert_effects(1, 0, 0, 1);
}

static void what_was_said_before_the_script_failed_is_not_lost(void **state)
{
    (void)state;
    open_statuses("send_batch = function(self, messages) messages[1]:sent(self:write('POST', 'a'))\n"
                  "  error('broken', 0) end, send = function(self, message)\n"
                  "  message:sent(self:write('POST', 'a')) while true do end end");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_BATCH);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_int_equal(tells.said[1], CW_SAID_NOTHING);
    assert_string_equal(tells.err.text, "broken");
    assert_int_equal(tells.err.code, CW_SCRIPT);
    assert_int_equal(tells.status, 0);
    telling_bed_say(CW_TELL_ONE); /* a limit that no script survives */
    assert_int_equal(tells.err.code, CW_LIMIT);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_effects(1, 0, 0, 1);
}

static void nothing_can_be_said_behind_the_end_of_a_call(void **state)
{
    (void)state;
    telling_bed_open("local old shop.statuses_out = { send = function(self, message)\n"
                     "  if old then old:needless 'late' end old = message end }",
                     "");
    telling_bed_say(CW_TELL_ONE);
    assert_false(tells.failed);
    telling_bed_say(CW_TELL_ONE);
    assert_contains(tells.err.text, "message 11 was of an earlier call; nothing can be said of it now");
    assert_int_equal(tells.said[0], CW_SAID_NOTHING);
}

/* --- probes --- */

static void a_probe_says_what_arrived_and_what_is_missing(void **state)
{
    (void)state;
    open_statuses("send = function() end, probe = function(self, messages)\n"
                  "  assert(self:get('orders').status == 200)\n"
                  "  messages[1]:arrived('state is paid', { link = 'L' }) messages[2]:missing() end");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_PROBE);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_string_equal(tells.words[0], "state is paid");
    assert_string_equal(tells.links[0], "L");
    assert_int_equal(tells.said[1], CW_SAID_MISSING);
    assert_string_equal(tells.words[1], "");
    assert_effects(0, 0, 0, 0);
}

static void a_probe_may_only_read(void **state)
{
    (void)state;
    open_statuses("send = function() end, probe = function(self, messages)\n"
                  "  local _, words, code = self:request { method = 'POST', path = 'a' }\n"
                  "  messages[1]:missing(code .. ' ' .. words) messages[2]:sent() end");
    telling_bed_say(CW_TELL_PROBE);
    assert_string_equal(tells.words[0],
                        "refused POST http://h:80/a: not sent, because a probe may only read");
    assert_contains(tells.err.text, "message:sent is for send and send_batch; in probe there are arrived and "
                                    "missing");
    assert_effects(0, 0, 0, 0);
    assert_int_equal(tells.shop.asked, 0);
}

static void what_reads_by_post_is_no_write(void **state)
{
    (void)state;
    static const char ask[] =
        "self:get('a', nil, { method = 'POST', json = { query = '{a}' }, reads = true })";
    char script[300];
    snprintf(script, sizeof script,
             "send = function(self, message) message:sent(%s) end, "
             "probe = function(self, messages) messages[1]:arrived(%s:text()) end",
             ask, ask);
    open_statuses(script);
    telling_bed_answer(200, "yes");
    telling_bed_say(CW_TELL_PROBE);
    assert_string_equal(tells.words[0], "yes");
    assert_effects(0, 0, 0, 0);
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.said[0], CW_SAID_SENT);
    assert_effects(0, 0, 0, 0);
}

static bool may_write_never(void *arg, const char *cart, struct cw_error *err)
{
    (void)arg;
    return cw_fail(err, CW_REFUSED, "the lease of %s is over", cart);
}

static void without_the_right_to_write_requests_only_read(void **state)
{
    (void)state;
    tells.cart.may_write = may_write_never;
    open_send("self:get 'a' self:write('POST', 'b')");
    telling_bed_answer(200, "{}");
    telling_bed_say(CW_TELL_ONE);
    tells.cart.may_write = NULL;
    assert_int_equal(tells.shop.asked, 1);
    assert_effects(1, 0, 1, 0);
    assert_int_equal(tells.err.code, CW_REFUSED);
    assert_contains(tells.err.text, "POST http://h:80/b: not sent: the lease of shop is over");
}

/* --- what requests may have done --- */

static void effects_follow_from_the_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum cw_code code;
        unsigned uncertain, refused, taken;
    } cases[] = {
        { 200, CW_OK, 0, 0, 1 },    { 204, CW_OK, 0, 0, 1 },    { 301, CW_OK, 1, 0, 0 },
        { 303, CW_OK, 1, 0, 0 },    { 400, CW_OK, 0, 1, 0 },    { 401, CW_OK, 0, 1, 0 },
        { 408, CW_OK, 1, 0, 0 },    { 409, CW_OK, 0, 1, 0 },    { 429, CW_OK, 0, 1, 0 },
        { 500, CW_OK, 1, 0, 0 },    { 502, CW_OK, 1, 0, 0 },    { 503, CW_OK, 1, 0, 0 },
        { 504, CW_OK, 1, 0, 0 },    { 0, CW_TIMEOUT, 1, 0, 0 }, { 0, CW_IO, 1, 0, 0 },
        { 0, CW_LIMIT, 1, 0, 0 },   { 0, CW_INVALID, 1, 0, 0 }, { 0, CW_UNAVAILABLE, 0, 1, 0 },
        { 0, CW_REFUSED, 0, 1, 0 }, { 0, CW_AUTH, 0, 1, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_send("pcall(self.write, self, 'POST', 'a')"); /* whatever the script makes of it */
        if (cases[i].status != 0)
            telling_bed_answer(cases[i].status, "");
        else
            telling_bed_break(cases[i].code);
        telling_bed_say(CW_TELL_ONE);
        assert_false(tells.failed);
        assert_effects(1, cases[i].uncertain, cases[i].refused, cases[i].taken);
        assert_int_equal(tells.shop.asked, 1);
    }
}

static void every_method_but_get_and_head_writes(void **state)
{
    (void)state;
    static const char *const methods[] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MERGE"
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char body[128];
        snprintf(body, sizeof body, "self:request { method = '%s', path = 'a' }", methods[i]);
        open_send(body);
        telling_bed_answer(200, "");
        telling_bed_say(CW_TELL_ONE);
        assert_int_equal(tells.effects.writes, i < 2 ? 0 : 1);
    }
}

static void all_ways_to_ask_are_counted(void **state)
{
    (void)state;
    open_send(
        "self:get 'a' self:all { { path = 'b' }, { method = 'PUT', path = 'c' }, { method = 'POST', path = "
        "'d' } } "
        "local co = coroutine.wrap(function() self.client:send { method = 'DELETE', path = 'e' } end) co() "
        "getmetatable(self).__index.client:send { method = 'PATCH', path = 'f' }");
    telling_bed_answer(200, "");
    telling_bed_say(CW_TELL_ONE);
    if (tells.failed)
        fail_msg("%s", tells.err.text);
    assert_int_equal(tells.shop.asked, 6);
    assert_effects(4, 0, 0, 4);
}

static void a_request_that_never_left_is_refused(void **state)
{
    (void)state;
    open_send("self:request { method = 'POST', path = 'http://elsewhere.example/' }");
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.shop.asked, 0);
    assert_effects(1, 0, 1, 0);
}

static void a_write_goes_out_once_whatever_the_script_says_of_it(void **state)
{
    (void)state;
    open_send("self:request { method = 'POST', path = 'a', repeatable = true } "
              "pcall(self.write, self, 'POST', 'b', nil, { repeatable = true })");
    telling_bed_break(CW_TIMEOUT);
    telling_bed_say(CW_TELL_ONE);
    assert_int_equal(tells.shop.asked, 2);
    assert_effects(2, 2, 0, 0);
}

static void pass_by(void *arg, struct cw_slice text, const struct cw_error *err)
{
    (void)arg, (void)text, (void)err;
}

static void other_fibers_of_the_cart_are_not_counted(void **state)
{
    (void)state;
    telling_bed_open("function shop:test() self:request { method = 'POST', path = 'other' } return {} end\n"
                     "shop.statuses_out = { send = function(self, message) self:write('PUT', 'mine') end }",
                     "");
    shop_answer(&tells.shop, (struct shop_answer){ .status = 200, .body = "", .takes = CW_SECOND });
    static const char *payload = "{}";
    struct cw_error err;
    assert_non_null(telling_bed_start(CW_OUT_STATUSES, CW_TELL_ONE, &payload, NULL, 1));
    assert_non_null(cw_lua_start_test(tells.cart.shop, pass_by, NULL, &err));
    telling_bed_run();
    assert_int_equal(tells.shop.asked, 2);
    assert_effects(1, 0, 0, 1);
}

static void a_killed_call_says_nothing_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *payload = "{}";
    open_send("self:write('POST', 'a')");
    shop_answer(&tells.shop, (struct shop_answer){ .status = 200, .body = "", .hangs = true });
    struct cw_fiber *fiber = telling_bed_start(CW_OUT_STATUSES, CW_TELL_ONE, &payload, NULL, 1);
    cw_script_run(tells.cart.script);
    cw_loop_run(tells.cart.loop);
    assert_int_equal(tells.shop.running, 1);
    cw_fiber_kill(fiber);
    assert_int_equal(tells.shop.running, 0);
    cw_script_run(tells.cart.script);
    assert_false(tells.ended);
}

static void a_stream_without_the_function_says_so(void **state)
{
    (void)state;
    open_statuses("send = function() end");
    telling_bed_say(CW_TELL_BATCH);
    assert_string_equal(tells.err.text, "the script of cart shop has no statuses_out.send_batch");
}

/* True when nothing failed. */
static bool tell_failing_at(uint64_t n)
{
    static const char *const payloads[] = { "{\"sku\":\"A\",\"quantity\":\"1\"}",
                                            "{\"sku\":\"B\",\"quantity\":\"2\"}" };
    tells.fail_allocation = n;
    bool ok =
        telling_bed_try_open("shop.stock_out = { send_batch = function(self, messages)\n"
                             "  local answer = self:write('POST', 'a', { rows = { messages[1].data } })\n"
                             "  messages[1]:sent(answer) messages[2]:refused(answer:json().why) end }",
                             "");
    telling_bed_answer(200, "{\"why\":\"none left\"}");
    struct cw_fiber *fiber = ok ? telling_bed_start(CW_OUT_STOCK, CW_TELL_BATCH, payloads, NULL, 2) : NULL;
    if (fiber == NULL)
        return false;
    telling_bed_run();
    assert_int_equal(tells.effects.writes, tells.shop.asked);
    if (!tells.failed)
        assert_string_equal(tells.words[1], "none left");
    return !tells.failed;
}

static void want_of_memory_loses_nothing(void **state)
{
    (void)state;
    if (test_collector_always())
        return; /* the same again, very slowly */
    uint64_t n = 1000;
    while (!tell_failing_at(n) && n < 1000000)
        n += n / 300;
    assert_true(n > 5000 && n < 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_message_has_the_fields_of_the_page, telling_bed_close),
        cmocka_unit_test_teardown(a_key_names_the_store_and_the_message, telling_bed_close),
        cmocka_unit_test_teardown(quantities_are_decimals_and_times_are_times, telling_bed_close),
        cmocka_unit_test_teardown(a_carrier_is_named_as_the_cart_knows_it, telling_bed_close),
        cmocka_unit_test_teardown(no_digit_is_lost, telling_bed_close),
        cmocka_unit_test_teardown(documents_come_with_typed_fields_to_any_depth, telling_bed_close),
        cmocka_unit_test_teardown(a_link_is_handed_over, telling_bed_close),
        cmocka_unit_test_teardown(a_damaged_payload_reaches_no_script, telling_bed_close),
        cmocka_unit_test_teardown(sent_needs_an_answer_of_the_cart_and_keeps_it_in_short, telling_bed_close),
        cmocka_unit_test_teardown(evidence_shows_no_secret_and_is_valid_text, telling_bed_close),
        cmocka_unit_test_teardown(what_is_no_answer_of_this_call_proves_nothing, telling_bed_close),
        cmocka_unit_test_teardown(an_answer_that_is_no_success_is_none, telling_bed_close),
        cmocka_unit_test_teardown(a_success_that_the_cart_refuses_is_none, telling_bed_close),
        cmocka_unit_test_teardown(a_refusal_that_is_no_words_is_a_fault_of_the_script, telling_bed_close),
        cmocka_unit_test_teardown(an_answer_that_was_read_as_records_is_still_evidence, telling_bed_close),
        cmocka_unit_test_teardown(one_message_is_said_one_thing_of, telling_bed_close),
        cmocka_unit_test_teardown(what_may_be_said_where_is_told, telling_bed_close),
        cmocka_unit_test_teardown(a_batch_is_told_in_one_call_and_answered_one_by_one, telling_bed_close),
        cmocka_unit_test_teardown(what_was_said_before_the_script_failed_is_not_lost, telling_bed_close),
        cmocka_unit_test_teardown(nothing_can_be_said_behind_the_end_of_a_call, telling_bed_close),
        cmocka_unit_test_teardown(a_probe_says_what_arrived_and_what_is_missing, telling_bed_close),
        cmocka_unit_test_teardown(a_probe_may_only_read, telling_bed_close),
        cmocka_unit_test_teardown(what_reads_by_post_is_no_write, telling_bed_close),
        cmocka_unit_test_teardown(without_the_right_to_write_requests_only_read, telling_bed_close),
        cmocka_unit_test_teardown(effects_follow_from_the_answers, telling_bed_close),
        cmocka_unit_test_teardown(every_method_but_get_and_head_writes, telling_bed_close),
        cmocka_unit_test_teardown(all_ways_to_ask_are_counted, telling_bed_close),
        cmocka_unit_test_teardown(a_request_that_never_left_is_refused, telling_bed_close),
        cmocka_unit_test_teardown(a_write_goes_out_once_whatever_the_script_says_of_it, telling_bed_close),
        cmocka_unit_test_teardown(other_fibers_of_the_cart_are_not_counted, telling_bed_close),
        cmocka_unit_test_teardown(a_killed_call_says_nothing_and_leaves_nothing, telling_bed_close),
        cmocka_unit_test_teardown(a_stream_without_the_function_says_so, telling_bed_close),
        cmocka_unit_test_teardown(want_of_memory_loses_nothing, telling_bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
