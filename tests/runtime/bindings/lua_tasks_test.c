/* lua_tasks_test.c - the fibers in which a cart's functions run: what goes in, and how they end. */
#include "cart_bed.h"

#include <stdio.h>

static struct cart_bed bed;
static char cart[4096], ids[1024], said[CW_ERROR_TEXT_MAX], text[CW_ERROR_TEXT_MAX];
static enum cw_code code;
static bool ended;

static int close_bed(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

/* A cart whose orders have these functions. */
static const struct cw_lua_stream *open_with(const char *functions)
{
    cart_bed_close(&bed);
    snprintf(cart, sizeof cart,
             "local cart, map = require 'cartwright.cart', require 'cartwright.map'\n"
             "local shop = cart.new { title = 't' }\n"
             "shop.orders = { map = map.order { number = 'number' }, %s }\nreturn shop\n",
             functions);
    bed = (struct cart_bed){ .site = "return { zone = 'UTC', carts = { shop = { type = 'test' } } }",
                             .cart = cart };
    assert_ok(cart_bed_open(&bed), bed.err);
    return cw_lua_cart_stream(bed.shop, "orders");
}

static void take_id(void *arg, struct cw_slice id)
{
    (void)arg;
    size_t len = strlen(ids);
    snprintf(ids + len, sizeof ids - len, "%s%.*s", len > 0 ? " " : "", CW_SLICE_ARG(id));
}

static void done(void *arg, struct cw_slice told, const struct cw_error *err)
{
    (void)arg;
    ended = true;
    snprintf(text, sizeof text, "%.*s", CW_SLICE_ARG(told));
    code = err != NULL ? err->code : CW_OK;
    snprintf(said, sizeof said, "%s", err != NULL ? err->text : "");
}

static void run(const struct cw_fiber *fiber)
{
    assert_non_null(fiber);
    ended = false;
    while (!ended)
        cw_script_run(bed.script);
}

static const struct cw_lua_window window = { .from = CW_TIME_NONE, .to = CW_MINUTE };

static void list(const char *functions)
{
    struct cw_error err;
    ids[0] = '\0';
    run(cw_lua_start_ids(open_with(functions), &window, take_id, done, NULL, &err));
}

static void fetch(const char *functions, struct cw_lua_window of)
{
    struct cw_error err;
    run(cw_lua_start_fetch(open_with(functions), &of, done, NULL, &err));
}

static void listed_ids_come_as_texts_in_their_order(void **state)
{
    (void)state;
    list("ids = function(self) self:list { '10', 7 } self:list {} self:list { '0009', '7', 9007199254740993 "
         "} end,"
         "read = function() end");
    assert_int_equal(code, CW_OK);
    assert_string_equal(ids, "10 7 0009 7 9007199254740993");
}

static void what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = { { "1.0", "not a float" },
                                            { "true", "not a boolean" },
                                            { "''", "not a string" } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char functions[160];
        snprintf(functions, sizeof functions,
                 "ids = function(self) self:list { '1', %s } end, read = function() end", wrong[i][0]);
        list(functions);
        assert_int_equal(code, CW_SCRIPT);
        assert_non_null(strstr(said, wrong[i][1]));
        assert_string_equal(ids, "");
        assert_string_equal(text, "");
    }
}

static void reading_gets_its_ids(void **state)
{
    (void)state;
    struct cw_error err;
    const struct cw_slice wanted[] = { cw_slice("17"), cw_slice("A-9") };
    const struct cw_lua_stream *stream =
        open_with("read = function(self, ids) error(self.stream .. ' ' .. table.concat(ids, ' '), 0) end");
    assert_true(stream->has_read);
    assert_false(stream->has_ids || stream->has_fetch);
    run(cw_lua_start_read(stream, wanted, 2, done, NULL, &err));
    assert_string_equal(said, "orders 17 A-9");
}

static void a_window_says_by_which_time_and_what_is_searched(void **state)
{
    (void)state;
    static const char fetching[] = "fetch = function(_, w) error(table.concat({ tostring(w.from), w.by, "
                                   "tostring(w.search) }, ' '), 0) end";
    fetch(fetching, window);
    assert_string_equal(said, "nil changed nil");
    fetch(fetching,
          (struct cw_lua_window){ .from = 0, .to = 1, .by_placed = true, .search = CW_SEARCH_HALVE });
    assert_non_null(strstr(said, "placed halve"));
    fetch(fetching, (struct cw_lua_window){ .from = 0, .to = 1, .search = CW_SEARCH_STEP });
    assert_non_null(strstr(said, "changed step"));
}

/* Only where one record can be the cause the text is given apart. */
static void failures_that_one_record_can_cause_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *raise;
        enum cw_code code;
        bool may_be_one;
    } cases[] = {
        { "cart.fail('unavailable', 'no', nil, 500)", CW_UNAVAILABLE, true },
        { "cart.fail('unavailable', 'no', nil, 502)", CW_UNAVAILABLE, true },
        { "cart.fail('unavailable', 'no', nil, 504)", CW_UNAVAILABLE, true },
        { "cart.fail('invalid', 'no')", CW_INVALID, true },
        { "cart.fail('not-expected', 'no')", CW_UNEXPECTED, true },
        { "cart.fail('limit', 'no')", CW_LIMIT, true },
        { "cart.fail('unavailable', 'no', nil, 503)", CW_UNAVAILABLE, false },
        { "cart.fail('unavailable', 'no', nil, 429)", CW_UNAVAILABLE, false },
        { "cart.fail('auth', 'no', nil, 401)", CW_AUTH, false },
        { "cart.fail('permission', 'no', nil, 403)", CW_PERMISSION, false },
        { "cart.fail('invalid', 'no', nil, 400)", CW_INVALID, false },
        { "cart.fail('timeout', 'no')", CW_TIMEOUT, false },
        { "cart.fail('unavailable', 'no')", CW_UNAVAILABLE, false },
        { "error('no', 0)", CW_SCRIPT, false },
        { "error({ code = 'invalid' })", CW_INVALID, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char functions[160];
        snprintf(functions, sizeof functions, "fetch = function() %s end", cases[i].raise);
        fetch(functions, window);
        if (code != cases[i].code || (text[0] != '\0') != cases[i].may_be_one)
            fail_msg("%s ended as %s, \"%s\"", cases[i].raise, cw_code_name(code), text);
        assert_true(text[0] == '\0' || strcmp(text, said) == 0);
    }
}

static void what_was_passed_by_is_told(void **state)
{
    (void)state;
    fetch("fetch = function(self) self.passed_by = 'the page with 17' end", window);
    assert_int_equal(code, CW_OK);
    assert_string_equal(text, "the page with 17");
    fetch("fetch = function() return 'invalid', 'said by the script' end", window);
    assert_int_equal(code, CW_OK);
    assert_string_equal(text, "");
}

static void a_script_without_the_function_says_so(void **state)
{
    (void)state;
    fetch("records = '.'", window);
    assert_string_equal(said,
                        "orders cannot be fetched: its script has no fetch function; files can be imported");
}

static void what_ends_an_order_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *field, *rules, *expected;
    } cases[] = {
        { "id = 'id'", "", "cancelled completed refunded " },
        { "final = { 'shipped' }", "", "shipped " },
        { "final = {}", "", "" },
        { "id = 'id'",
          "R.statuses { status = { pending = { 'paid', 'cancelled' }, paid = { 'shipped' }, shipped = {} } }",
          "cancelled shipped " },
        { "id = 'id'", "R.statuses { status = false }", "cancelled completed refunded " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char site[400], got[200] = "";
        open_with(cases[i].field);
        cart_bed_close(&bed);
        snprintf(site, sizeof site,
                 "local R = require 'cartwright.rules' return { zone = 'UTC', rules = { %s }, carts = { shop "
                 "= { type = "
                 "'test' } } }",
                 cases[i].rules);
        bed = (struct cart_bed){ .site = site, .cart = cart };
        assert_ok(cart_bed_open(&bed), bed.err);
        const struct cw_lua_stream *stream = cw_lua_cart_stream(bed.shop, "orders");
        for (size_t k = 0; k < stream->final_count; k++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", stream->final[k]);
        assert_string_equal(got, cases[i].expected);
        assert_int_equal(stream->reconcile, 14 * CW_DAY);
        assert_int_equal(stream->refresh, 60 * CW_DAY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_teardown(test, close_bed)
        WITH(listed_ids_come_as_texts_in_their_order),
        WITH(what_is_no_id_is_refused),
        WITH(reading_gets_its_ids),
        WITH(a_window_says_by_which_time_and_what_is_searched),
        WITH(failures_that_one_record_can_cause_are_told_apart),
        WITH(what_was_passed_by_is_told),
        WITH(a_script_without_the_function_says_so),
        WITH(what_ends_an_order_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
