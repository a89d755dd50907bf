/* lua_override_test.c - carts that extend carts: whose line is named, how deep copies are, functions run
 * before and after those of the base, and what is told of the changes. */
#include <stdio.h>
#include <stdlib.h>

#include "bindings/carts.h"
#include "lua_bed.h"

static struct {
    struct cw_loop *loop;
    struct cw_random random;
    struct cw_lua_host host;
    struct cw_script *script;
    struct cw_lua_carts *carts;
    struct cw_lua_cart *cart;
    const char *test, *middle;
    char printed[1024];
    char told[4096]; /* the changes, a line each */
    struct cw_error err;
} bed;

static const char base[] =
    "local cart, map = require 'cartwright.cart', require 'cartwright.map'\n"
    "local shop = cart.new { title = 't', settings = { url = cart.url { help = 'x' } }, own = { { 1 } } }\n"
    "function shop.row(r) return r:text 's' end\n"
    "shop.orders = { fetch = function(self, window) return 'fetched ' .. window end, map = map.order {\n"
    "number = 'a', status = map.translate('status', shop.row), note = function(r) return r:text 'a' end,\n"
    "lines = map.each('l', map.line { sku = 'k', custom = { c = 'd' } }),\n"
    "}, skip = { drafts = function(r) return r:text 'a' == 'draft' end } }\n"
    "shop.tables.status = { p = 'paid', s = 'shipped', [1] = 'pending' }\n"
    "return shop";

static bool read_library(const char *module, struct cw_slice *source)
{
    static char text[65536];
    char path[128];
    snprintf(path, sizeof path, "scripts/cartwright/%s.lua", module);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    source->len = fread(text, 1, sizeof text, in);
    source->data = text;
    fclose(in);
    return true;
}

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    (void)arg;
    const char *dot = strchr(module, '.');
    snprintf(chunk_name, 128, "carts/%.100s.lua", dot != NULL ? dot + 1 : module);
    if (strcmp(module, "site") == 0)
        *source = cw_slice("return { carts = { shop = { type = 'test', url = 'http://h' } } }");
    else if (strcmp(module, "carts.test") == 0)
        *source = cw_slice(bed.test);
    else if (strcmp(module, "carts.middle") == 0)
        *source = cw_slice(bed.middle);
    else if (strcmp(module, "carts.base") == 0)
        *source = cw_slice(base);
    else if (strncmp(module, "cartwright.", 11) != 0 || !read_library(module + 11, source))
        return cw_fail(err, CW_NOT_FOUND, "no module %s", module);
    else
        snprintf(chunk_name, 128, "scripts/cartwright/%s.lua", module + 11);
    return true;
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg, (void)source;
}

static void wake(void *arg)
{
    (void)arg;
}

static void print(void *arg, struct cw_slice line)
{
    size_t len = strlen(bed.printed);
    (void)arg;
    snprintf(bed.printed + len, sizeof bed.printed - len, "%.*s\n", CW_SLICE_ARG(line));
}

static bool has_secret(void *arg, const char *name)
{
    (void)arg, (void)name;
    return false;
}

static void close_cart(void)
{
    cw_script_free(bed.script);
    cw_lua_carts_free(bed.carts);
    cw_loop_free(bed.loop);
    bed.script = NULL;
    bed.carts = NULL;
    bed.loop = NULL;
}

static bool open_script(const char *script)
{
    close_cart();
    bed.test = script;
    bed.printed[0] = '\0';
    bed.loop = cw_loop_create_virtual(1700000000 * CW_SECOND, &bed.err);
    struct cw_script_host host = { .name = "shop",
                                   .clock = cw_loop_clock(bed.loop),
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print,
                                   .collector_always = test_collector_always() };
    bed.host = (struct cw_lua_host){ .loop = bed.loop, .random = &bed.random, .cart = "shop" };
    struct cw_lua_carts_host carts = { .site_zone = "UTC", .has_secret = has_secret };
    bed.script = cw_script_create(&host, &bed.err);
    assert_ok(bed.script != NULL && cw_lua_provide_all(bed.script, &bed.host, &bed.err), bed.err);
    bed.carts = cw_lua_carts_create(bed.script, &carts, &bed.err);
    bed.cart = cw_lua_cart_open(bed.carts, "shop", &bed.err);
    return bed.cart != NULL;
}

/* Line 2 and following of a cart that extends `from`. */
static bool try_override(const char *from, const char *changes)
{
    static char script[4096];
    snprintf(
        script, sizeof script,
        "local map = require 'cartwright.map' local shop = require('carts.%s'):extend()\n%s\nreturn shop",
        from, changes);
    return open_script(script);
}

static void override(const char *changes)
{
    if (!try_override("base", changes))
        fail_msg("%s", bed.err.text);
}

static void assert_fault(const char *changes, const char *expected)
{
    if (try_override("base", changes))
        fail_msg("was taken: %s", changes);
    assert_string_equal(bed.err.text, expected);
    assert_int_equal(bed.err.code, CW_USAGE);
}

static int tear_down(void **state)
{
    (void)state;
    close_cart();
    return 0;
}

/* --- mapping a record --- */

static char mapped_text[2048];

static void show(const struct cw_mapped *mapped)
{
    char *out = mapped_text;
    size_t cap = sizeof mapped_text, len = 0;
    out[0] = '\0';
    if (mapped->skipped_by != NULL)
        len += (size_t)snprintf(out, cap, "skipped by %s;", mapped->skipped_by);
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        len += (size_t)snprintf(out + len, cap - len, "%.*s;", CW_SLICE_ARG(issue->message));
    for (const struct cw_trace *trace = mapped->trace; trace != NULL; trace = trace->next)
        len += (size_t)snprintf(out + len, cap - len, "%.*s=%.*s @%.*s;", CW_SLICE_ARG(trace->field),
                                CW_SLICE_ARG(trace->value), CW_SLICE_ARG(trace->where));
}

/* Each field of { a = "x", b = "y", s = "p", l = { { k = "K", d = "D" } } } with its value and place. */
static const char *map_record(void)
{
    static const char json[] =
        "{\"id\":1,\"a\":\"x\",\"b\":\"y\",\"s\":\"p\",\"l\":[{\"k\":\"K\",\"d\":\"D\"}]}";
    struct cw_lua_plan *plan = cw_lua_cart_stream(bed.cart, "orders")->plan;
    struct cw_body *body = cw_body_create(1 << 20, &bed.err);
    struct cw_scope scope;
    struct cw_slice bytes;
    struct cw_arena arena;
    struct cw_mapped mapped;
    cw_body_write(body, cw_slice(json), NULL);
    struct cw_records *records = cw_records_open(body, ".", "id", &bed.err);
    assert_ok(records != NULL, bed.err);
    cw_arena_init(&arena, 0);
    assert_ok(cw_records_bytes(records, 0, &arena, &bytes, &bed.err) &&
                  cw_records_scope(records, 0, &arena, bytes, &scope, &bed.err),
              bed.err);
    struct cw_plan_host host = cw_lua_plan_host(plan);
    assert_ok(cw_plan_run(cw_lua_plan_get(plan), &scope, cw_slice("1"), &host,
                          (struct cw_plan_how){ .trace = true }, &arena, &mapped, &bed.err),
              bed.err);
    show(&mapped);
    cw_arena_fini(&arena);
    cw_records_free(records);
    return mapped_text;
}

static void assert_mapped(const char *part)
{
    assert_contains(map_record(), part);
}

/* --- places --- */

static void every_value_names_the_line_that_set_it(void **state)
{
    (void)state;
    override("shop.orders.map.number = 'b'\n"
             "shop.orders.map.custom.gift = 'a'\n"
             "shop.orders.map.note = shop.row\n"
             "shop.orders.map.lines.plan.sku =\n map.text 'd'\n"
             "shop.orders.map.lines.plan.custom.c = 'k'");
    assert_mapped("number=y @carts/test.lua:2;");
    assert_mapped("custom.gift=x @carts/test.lua:3;");
    assert_mapped("note=p @carts/test.lua:4;");
    assert_mapped("status=paid @carts/base.lua:5;");
    assert_mapped("lines[1].custom.c=K @carts/test.lua:7;");
    override("\nshop.orders.map.custom = { gift = 'a' }");
    assert_mapped("custom.gift=x @carts/test.lua:3;");
    override("");
    assert_mapped("number=x @carts/base.lua:4;");
}

static void mistakes_begin_with_the_line_of_the_override(void **state)
{
    (void)state;
    static const struct {
        const char *changes, *expected;
    } cases[] = {
        { "shop.orders.map.numbr = 'b'",
          "carts/test.lua:2: unknown field \"numbr\" of order; did you mean \"number\"?" },
        { "\nshop.orders.map.lines.plan.skuu = 'b'",
          "carts/test.lua:3: unknown field \"skuu\" of line; did you mean \"sku\"?" },
        { "shop.orders.map.lines.skuu = 'b'",
          "carts/test.lua:2: skuu is no option of what map.NAME(...) "
          "makes; the fields of its records are in its plan: .plan.skuu" },
        { "shop.orders.map.status.tabel = 'b'", "carts/test.lua:2: tabel is no option of what map.NAME(...) "
                                                "makes; give the field another source instead" },
        { "shop.orders.map.number = 5",
          "carts/test.lua:2: number is a number; a fixed value is map.constant(...)" },
        { "shop.orders.map.number = 'a['", "carts/test.lua:2: path \"a[\", character 3: in brackets stands "
                                           "[NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "shop.orders.map.number = shop.orders.map.lines",
          "carts/test.lua:2: number is a text and cannot come from a list of records" },
        { "shop.orders.map.custom = 'a'",
          "carts/test.lua:2: custom is a table of fields: custom = { gift_note = \"gift_message\" }" },
        { "shop.orders.map.custom.x = true",
          "carts/test.lua:2: x is a boolean; a fixed value is map.constant(...)" },
        { "shop.tables.status.p = 'payed'",
          "carts/test.lua:2: in table status, row \"p\", the value for status is \"payed\", which is none "
          "of: "
          "draft, pending, on_hold, paid, processing, backorder, shipped, completed, cancelled, refunded, "
          "failed" },
        { "\nshop.tables.status = { p = 'payed' }",
          "carts/test.lua:3: in table status, row \"p\", the value for status is \"payed\", which is none "
          "of: "
          "draft, pending, on_hold, paid, processing, backorder, shipped, completed, cancelled, refunded, "
          "failed" },
        { "shop.tables.status.p = {}",
          "carts/test.lua:2: row \"p\" of table status is a table; it is a text, or false for no value" },
        { "\nshop.tables.status['1'] = 'paid'",
          "carts/test.lua:3: table status has the row \"1\" twice, as a number and as a text (the other one: "
          "carts/base.lua:8); keep one of them, and set the other to nil" },
        { "shop.tables.statsu.x = 'paid'",
          "carts/test.lua:2: there is no table statsu; did you mean status? A "
          "new one is made whole: shop.tables.statsu = { ... }" },
        { "shop.tables.statsu = { x = 'paid' }",
          "carts/test.lua:2: no field is translated by the table statsu; did you mean status?" },
        { "shop.orders.skip.drafts = 'x'",
          "carts/test.lua:2: skip rule drafts is { path = ..., values = { ... } } or a function" },
        { "shop.orders.skip = { a = { path = 'b[', values = 'c' } }",
          "carts/test.lua:2: carts/test.lua orders: skip rule \"a\": path \"b[\", character 3: in brackets "
          "stands [NUMBER], [child=VALUE] or [@attribute=VALUE]" },
        { "shop.extend()",
          "carts/test.lua:2: extend is called with a colon, on a cart: require(\"shipped.NAME\"):extend()" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fault(cases[i].changes, cases[i].expected);
}

/* --- copies --- */

static void an_extension_of_an_extension_changes_neither(void **state)
{
    (void)state;
    bed.middle = "local shop = require('carts.base'):extend()\n"
                 "shop.orders.map.number = 'b' shop.tables.status.p = 'completed' shop.own[1][1] = 2\n"
                 "return shop";
    static const char changes[] =
        "shop.orders.map.lines.plan.sku = 'd' shop.orders.map.lines.plan.custom.c = nil "
        "shop.orders.map.custom.gift = 'a' shop.tables.status.p = 'pending' shop.settings.url.required = "
        "true "
        "shop.orders.skip.drafts = nil shop.own[1][1] = 3 shop.orders.fetch = nil\n"
        "for name, was in pairs { middle = 'completed', base = 'paid' } do\n"
        "local b = require('carts.' .. name)\n"
        "assert(b.tables.status.p == was and b.orders.map.lines.plan.sku == 'k' and "
        "b.orders.map.lines.plan.custom.c == 'd' and next(b.orders.map.custom) == nil and "
        "b.settings.url.required == nil and b.orders.skip.drafts and b.orders.fetch)\n"
        "print(b.own[1][1], b.orders.map.number)\n"
        "end";
    if (!try_override("middle", changes))
        fail_msg("%s", bed.err.text);
    assert_string_equal(bed.printed, "1\ta\n2\tb\n");
    assert_mapped("number=y @carts/middle.lua:2;");
    assert_mapped("status=pending");
    assert_mapped("lines[1].sku=D @carts/test.lua:2;");
}

static void tables_of_a_cart_are_read_as_any_other(void **state)
{
    (void)state;
    override(
        "local names = {} for name in pairs(shop.orders.map) do names[#names + 1] = name end\n"
        "print(table.concat(names, ' '), shop.orders.map.number, shop.orders.map.email)\n"
        "local rows = {} for key, value in pairs(shop.tables.status) do rows[#rows + 1] = key .. value end\n"
        "print(table.concat(rows, ' '), next(shop.tables.status))\n"
        "for key in pairs(shop.tables.status) do shop.tables.status[key] = nil end\n"
        "print(next(shop.tables.status), #shop.tables.status)\n"
        "shop.tables.status = { 'paid', 'shipped' } print(#shop.tables.status, shop.tables.status[2])\n"
        "shop.circle = shop");
    assert_string_equal(bed.printed, "custom lines note number status\ta\tnil\n"
                                     "1pending ppaid sshipped\t1\tpending\n"
                                     "nil\t0\n2\tshipped\n");
}

/* --- before and after --- */

static void functions_run_before_and_after_those_of_the_base(void **state)
{
    (void)state;
    override(
        "shop:before('orders.fetch', function(self, window) return self, window .. '!' end)\n"
        "shop:after('orders.fetch', function(result, self, window) return result .. ' of ' .. window end)\n"
        "print(shop.orders.fetch(shop, 'w'))\n"
        "shop:before('row', function() end) shop:after('row', function() end)\n"
        "shop:after('orders.map.note', function(note, r) return note .. r:text 'b' end)\n"
        "shop:after('orders.map.status', function(row) return row == 'p' and 's' or row end)\n"
        "shop:after('orders.skip.drafts', function() return true end)");
    assert_string_equal(bed.printed, "fetched w! of w\n");
    assert_mapped("skipped by drafts;");
    override("shop:after('orders.map.note', function(note, r) return note .. r:text 'b' end)\n"
             "shop:after('orders.map.status', function(row) return row == 'p' and 's' or row end)\n");
    assert_mapped("note=xy @carts/test.lua:2;");
    assert_mapped("status=shipped @carts/test.lua:3;");
}

static void nothing_returned_leaves_what_was_and_nil_takes_it_away(void **state)
{
    (void)state;
    override("shop:after('orders.map.note', function() end)");
    assert_mapped("note=x ");
    override("shop:after('orders.map.note', function() return nil end)");
    assert_null(strstr(map_record(), "note=x"));
    override("shop:after('orders.map.note',\nfunction() return {} end)");
    assert_mapped("note: carts/test.lua:2: the function returned a table where text is needed");
    override("function shop.three() return 1, 2, 3 end\n"
             "shop:after('three', function(one) return one + 10 end) print(shop.three())\n"
             "shop:after('three', function() return nil, nil, nil, 4 end) print(shop.three())\n"
             "function shop.args(...) return select('#', ...), ... end\n"
             "shop:before('args', function(a) return a + 1 end) print(shop.args(1, nil))");
    assert_string_equal(bed.printed, "11\t2\t3\nnil\tnil\tnil\t4\n2\t2\tnil\n");
}

static void the_last_layer_is_the_outermost(void **state)
{
    (void)state;
    bed.middle = "local shop = require('carts.base'):extend()\n"
                 "shop:before('row', function() print 'middle before' end)\n"
                 "shop:after('row', function() print 'middle after' end)\n"
                 "return shop";
    if (!try_override("middle", "shop:before('row', function() print 'before' end)\n"
                                "shop:after('row', function() print 'after' end)\n"
                                "print(shop.row { text = function() return 'r' end })"))
        fail_msg("%s", bed.err.text);
    assert_string_equal(bed.printed, "before\nmiddle before\nmiddle after\nafter\nr\n");
}

static void names_that_lead_to_no_function_are_refused_with_what_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *changes, *expected;
    } cases[] = {
        { "shop:before('orders.map.number', print)",
          "carts/test.lua:2: orders.map.number is no function but path a: assign a function or another path "
          "instead" },
        { "shop:after('orders.map.lines', print)",
          "carts/test.lua:2: orders.map.lines is no function but each "
          "l as line: assign a function or another path instead" },
        { "shop:after('orders', print)",
          "carts/test.lua:2: orders is no function but stream of order: name a "
          "function in it, such as orders.NAME" },
        { "shop:after('title', print)",
          "carts/test.lua:2: title is no function but t: assign another value instead" },
        { "shop:after('tables.status.p', print)",
          "carts/test.lua:2: tables.status.p is no function but paid: assign another value instead" },
        { "shop:before('orders.fetsh', print)",
          "carts/test.lua:2: the cart has no orders.fetsh; did you mean orders.fetch?" },
        { "shop:before('orders.map.email', print)",
          "carts/test.lua:2: the cart has no orders.map.email; its functions are orders.fetch, "
          "orders.map.note, orders.map.status, orders.skip.drafts" },
        { "shop:before('orders.fetch')",
          "carts/test.lua:2: before takes the name of a function of the cart, and a function: "
          "shop:before(\"orders.fetch\", function(...) end)" },
        { "shop.after('orders.fetch', print)",
          "carts/test.lua:2: after takes the name of a function of the cart, and a function: "
          "shop:after(\"orders.fetch\", function(...) end)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fault(cases[i].changes, cases[i].expected);
}

/* --- what is told --- */

static void tell(void *arg, const struct cw_lua_change *change)
{
    size_t len = strlen(bed.told);
    (void)arg;
    snprintf(bed.told + len, sizeof bed.told - len, "%.*s %.*s|%.*s|%.*s|%.*s|%.*s\n",
             CW_SLICE_ARG(change->name), CW_SLICE_ARG(change->change), CW_SLICE_ARG(change->value),
             CW_SLICE_ARG(change->was), CW_SLICE_ARG(change->note), CW_SLICE_ARG(change->where));
}

static void assert_told(const char *from, const char *changes, const char *expected)
{
    if (!try_override(from, changes))
        fail_msg("%s", bed.err.text);
    bed.told[0] = '\0';
    assert_ok(cw_lua_cart_changes(bed.cart, tell, NULL, &bed.err), bed.err);
    assert_string_equal(bed.told, expected);
}

static void each_difference_to_the_base_is_told_in_words(void **state)
{
    (void)state;
    assert_told("base", "", "");
    assert_told("base", "shop.orders.map.number = 'a' shop.tables.status.p = 'paid'", "");
    assert_told("base",
                "shop.orders.map.number = nil\n"
                "shop.orders.map.custom['a b'] = map.decimal('c', { required = true, none = { '-', '0' } })\n"
                "shop.orders.map.lines.plan.sku = map.constant 'S'\n"
                "shop.orders.map.lines.plan.custom = nil\n"
                "shop.tables.status.p = false\n"
                "shop.tables.status[1] = nil\n"
                "shop.tables.own = { a = 'b' }\n"
                "shop.settings.url.required = true\n"
                "shop.orders.overlap = '2h'\n"
                "shop:after('orders.fetch', print) shop:before('orders.map.status', print)\n"
                "function shop.row() end",
                "orders.fetch wrapped|after|||carts/test.lua:11\n"
                "orders.map.custom[\"a b\"] added|path c as decimal, required, none -, 0|||carts/test.lua:3\n"
                "orders.map.lines.plan.custom removed||1 field||carts/test.lua:5\n"
                "orders.map.lines.plan.sku changed|constant S|path k||carts/test.lua:4\n"
                "orders.map.number removed||path a||carts/test.lua:2\n"
                "orders.map.status wrapped|before|||carts/test.lua:11\n"
                "orders.overlap added|2h|||carts/test.lua:10\n"
                "row changed|function at carts/test.lua:12|function at carts/base.lua:3||carts/test.lua:12\n"
                "settings.url.required added|true|||carts/test.lua:9\n"
                "tables.own added|1 row||no field and no rule asks it|carts/test.lua:8\n"
                "tables.status[1] removed||pending||carts/test.lua:7\n"
                "tables.status.p changed|no value|paid||carts/test.lua:6\n");
    assert_told(
        "base", "function shop.row() end",
        "row changed|function at carts/test.lua:2|function at carts/base.lua:3|orders.map.status still "
        "calls the one of the base|carts/test.lua:2\n");
}

static void of_several_levels_the_last_change_is_told(void **state)
{
    (void)state;
    bed.middle = "local shop = require('carts.base'):extend()\n"
                 "shop.orders.map.number = 'b' shop.orders.map.note = 'b' shop.tables.status.p = 'failed'\n"
                 "shop:after('row', print) shop.title = 'm'\n"
                 "return shop";
    assert_told("middle",
                "shop.orders.map.number = 'c' shop.tables.status.p = 'paid' shop:before('row', print)",
                "orders.map.note changed|path b|function at carts/base.lua:5||carts/middle.lua:2\n"
                "orders.map.number changed|path c|path a||carts/test.lua:2\n"
                "row wrapped|after, before||orders.map.status still calls the one of the "
                "base|carts/test.lua:2\n"
                "title changed|m|t||carts/middle.lua:3\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_value_names_the_line_that_set_it),
        TEST(mistakes_begin_with_the_line_of_the_override),
        TEST(an_extension_of_an_extension_changes_neither),
        TEST(tables_of_a_cart_are_read_as_any_other),
        TEST(functions_run_before_and_after_those_of_the_base),
        TEST(nothing_returned_leaves_what_was_and_nil_takes_it_away),
        TEST(the_last_layer_is_the_outermost),
        TEST(names_that_lead_to_no_function_are_refused_with_what_is_there),
        TEST(each_difference_to_the_base_is_told_in_words),
        TEST(of_several_levels_the_last_change_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
