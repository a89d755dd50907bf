/* lua_plan_test.c - from a cart script's mapping to a plan: what is refused and how it is said, what
 * functions may return, and overriding parts of a cart. */
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
    const struct cw_lua_stream *orders;
    char text[8192];  /* carts/test.lua */
    const char *base; /* carts/base.lua */
    struct cw_error err;
} bed;

/* --- a script state with the library and a cart --- */

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
    snprintf(chunk_name, 128, "%s.lua", module);
    if (strcmp(module, "site") == 0) {
        *source = cw_slice("return { carts = { shop = { type = 'test' } } }");
    } else if (strcmp(module, "carts.test") == 0) {
        *source = cw_slice(bed.text);
        snprintf(chunk_name, 128, "carts/test.lua");
    } else if (strcmp(module, "carts.base") == 0 && bed.base != NULL) {
        *source = cw_slice(bed.base);
        snprintf(chunk_name, 128, "carts/base.lua");
    } else if (strncmp(module, "cartwright.", 11) != 0 || !read_library(module + 11, source)) {
        return cw_fail(err, CW_NOT_FOUND, "no module %s", module);
    } else {
        snprintf(chunk_name, 128, "scripts/cartwright/%s.lua", module + 11);
    }
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
    (void)arg, (void)line;
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
    snprintf(bed.text, sizeof bed.text, "%s", script);
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
    struct cw_lua_cart *cart = cw_lua_cart_open(bed.carts, "shop", &bed.err);
    bed.orders = cart != NULL ? cw_lua_cart_stream(cart, "orders") : NULL;
    return cart != NULL;
}

#define HEAD                                                                                                 \
    "local cart, map = require 'cartwright.cart', require 'cartwright.map' local shop = cart.new { title = " \
    "'t' }\n"

/* A cart whose orders are mapped by `fields`, which begin in line 3; `rest` follows. */
static bool open_with(const char *fields, const char *rest)
{
    char script[8192];
    snprintf(script, sizeof script, HEAD "shop.orders = { map = map.order {\n%s\n} }\n%s\nreturn shop",
             fields, rest);
    return open_script(script);
}

static void assert_fault(const char *fields, const char *rest, const char *expected)
{
    if (open_with(fields, rest))
        fail_msg("was taken: %s %s", fields, rest);
    assert_int_equal(bed.err.code, CW_USAGE);
    assert_string_equal(bed.err.text, expected);
}

static int tear_down(void **state)
{
    (void)state;
    close_cart();
    bed.base = NULL;
    return 0;
}

/* --- mapping a record --- */

static struct cw_arena arena;
static struct cw_records *records;
static struct cw_mapped mapped;

static void map_record(const char *json)
{
    struct cw_body *body = cw_body_create(1 << 20, &bed.err);
    struct cw_scope scope;
    struct cw_slice bytes;
    cw_body_write(body, cw_slice(json), NULL);
    records = cw_records_open(body, ".", "id", &bed.err);
    assert_ok(records != NULL, bed.err);
    cw_arena_init(&arena, 0);
    assert_ok(cw_records_bytes(records, 0, &arena, &bytes, &bed.err) &&
                  cw_records_scope(records, 0, &arena, bytes, &scope, &bed.err),
              bed.err);
    struct cw_plan_host host = cw_lua_plan_host(bed.orders->plan);
    assert_ok(cw_plan_run(cw_lua_plan_get(bed.orders->plan), &scope, cw_slice("1"), &host,
                          (struct cw_plan_how){ 0 }, &arena, &mapped, &bed.err),
              bed.err);
}

static void forget_record(void)
{
    cw_arena_fini(&arena);
    cw_records_free(records);
}

/* A field of the document as text; "-" when unset, the issues when there are any. */
static const char *field_of(const char *field)
{
    static char out[1024];
    char scratch[CW_VALUE_TEXT_MAX];
    if (mapped.issues != NULL) {
        snprintf(out, sizeof out, "%.*s: %.*s", CW_SLICE_ARG(mapped.issues->code),
                 CW_SLICE_ARG(mapped.issues->message));
        return out;
    }
    if (mapped.skipped_by != NULL) {
        snprintf(out, sizeof out, "skipped by %s", mapped.skipped_by);
        return out;
    }
    for (const struct cw_custom *custom = mapped.doc->custom; custom != NULL; custom = custom->next)
        if (strncmp(field, "custom.", 7) == 0 && cw_slice_is(custom->name, field + 7)) {
            struct cw_slice text = custom->value.is_set
                                       ? cw_value_text(custom->type, &custom->value, -1, scratch)
                                       : cw_slice("-");
            snprintf(out, sizeof out, "%.*s", CW_SLICE_ARG(text));
            return out;
        }
    const struct cw_value *value = cw_document_get(mapped.doc, field);
    if (value == NULL)
        return "no such field";
    if (!value->is_set)
        return "-";
    enum cw_type type = mapped.doc->kind->fields[cw_kind_field(mapped.doc->kind, cw_slice(field))].type;
    if (type == CW_LIST)
        snprintf(out, sizeof out, "%zu", value->list.count);
    else
        snprintf(out, sizeof out, "%.*s", CW_SLICE_ARG(cw_value_text(type, value, -1, scratch)));
    return out;
}

static void assert_maps(const char *json, const char *field, const char *expected)
{
    map_record(json);
    assert_string_equal(field_of(field), expected);
    forget_record();
}

/* `source` is the mapping of `field`, which gives `expected` for the record { id = 1, a = "x" }. */
static void assert_source(const char *field, const char *source, const char *expected)
{
    char fields[512];
    snprintf(fields, sizeof fields, "currency = map.constant 'EUR', %s = %s", field, source);
    if (!open_with(fields, ""))
        fail_msg("%s", bed.err.text);
    assert_maps("{\"id\":1,\"a\":\"x\",\"n\":12.50}", field, expected);
}

static void mistakes_in_fields_are_named_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *expected;
    } cases[] = {
        { "numbr = 'a'", "carts/test.lua:2: unknown field \"numbr\" of order; did you mean \"number\"?" },
        { "zzzzzzz = 'a'",
          "carts/test.lua:2: unknown field \"zzzzzzz\" of order; fields of your own go under custom" },
        { "number = 5", "carts/test.lua:2: number is a number; a fixed value is map.constant(...)" },
        { "number = true", "carts/test.lua:2: number is a boolean; a fixed value is map.constant(...)" },
        { "number = { 'a' }", "carts/test.lua:2: number is a plain table; a field comes from a path, a "
                              "function, or what map.NAME(...) makes" },
        { "number = 'a['", "carts/test.lua:2: path \"a[\", character 3: in brackets stands [NUMBER], "
                           "[child=VALUE] or [@attribute=VALUE]" },
        { "number = map.first {}", "carts/test.lua:3: number has no path" },
        { "number = map.first { 'a', map.text 'b' }",
          "carts/test.lua:3: paths holds a table where a text belongs" },
        { "number = map.decimal 'a'", "carts/test.lua:3: number is text, so map.decimal does not fit; leave "
                                      "the type out or use map.text" },
        { "number = map.sum 'a'", "carts/test.lua:3: number is a text and cannot come from a sum" },
        { "status = map.constant 'payed'",
          "carts/test.lua:3: the constant of status is \"payed\", which is none of: draft, pending, on_hold, "
          "paid, processing, backorder, shipped, completed, cancelled, refunded, failed" },
        { "status = map.value('a', { default = 'payed' })",
          "carts/test.lua:3: the default of status is \"payed\", which is none of: draft, pending, on_hold, "
          "paid, processing, backorder, shipped, completed, cancelled, refunded, failed" },
        { "placed_at = map.time('a', { zone = 'Mars/Base' })",
          "carts/test.lua:3: \"Mars/Base\" is no time zone; use a name such as Europe/Paris, UTC, or an "
          "offset such as +02:00" },
        { "lines = 'a'", "carts/test.lua:2: lines is a list and cannot come from a path; it is "
                         "map.each(path, map.KIND { ... })" },
        { "lines = map.each('a', map.address {})",
          "carts/test.lua:3: lines needs a mapping of line, not of address" },
        { "lines = map.each('a', { sku = 'b' })", "carts/test.lua:3: a mapping is made with map.order { ... "
                                                  "} or one of its siblings, at most 64 in a stream" },
        { "billing = map.each('a', map.address {})",
          "carts/test.lua:3: billing is a record and cannot come from a list of records; it is map.at(path, "
          "map.KIND { ... })" },
        { "number = map.each('a', map.line {})",
          "carts/test.lua:3: number is a text and cannot come from a list of records" },
        { "lines = map.each('a', map.line { skuu = 'b' })",
          "carts/test.lua:3: unknown field \"skuu\" of line; did you mean \"sku\"?" },
        { "custom = 'a'",
          "carts/test.lua:2: custom is a table of fields: custom = { gift_note = \"gift_message\" }" },
        { "custom = { 'a' }", "carts/test.lua:2: custom fields have names, and there are at most 200" },
        { "custom = { x = map.each('a', map.line {}) }",
          "carts/test.lua:3: x is a text and cannot come from a list of records" },
        { "'number'", "carts/test.lua:2: fields have names, and there are at most 200" },
        { "number = map.translate('none', 'a')",
          "carts/test.lua:3: number is translated by table none, which has no rows" },
        { "total = 'a'",
          "carts/test.lua:2: total is an amount of money, but carts/test.lua orders does not map currency" },
        { "numbr = 'a', statsu = 'b', lines = 'c'",
          "carts/test.lua:2: unknown field \"numbr\" of order; did you mean \"number\"?\ncarts/test.lua:2: "
          "unknown field \"statsu\" of order; did you mean \"status\"?\ncarts/test.lua:2: lines is a list "
          "and cannot come from a path; it is map.each(path, map.KIND { ... })" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fault(cases[i].fields, "", cases[i].expected);
    }
}

static void mistakes_in_tables_and_skip_rules_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *expected;
    } cases[] = {
        { "shop.tables = 'x'",
          "carts/test.lua orders: tables is a table of tables: tables = { status = { paid = \"paid\" } "
          "}\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.tables.status = 'x'",
          "carts/test.lua:5: table status is a string; it holds rows: { [\"2\"] = \"paid\" "
          "}\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.tables.status = { a = {} }",
          "carts/test.lua:5: row \"a\" of table status is a table; it is a text, or false for no "
          "value\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.tables.status = { a = print }",
          "carts/test.lua:5: row \"a\" of table status is a function; it is a text, or false for no "
          "value\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.tables.status = { [1] = 'paid', ['1'] = 'paid' }",
          "carts/test.lua:5: table status has the row \"1\" twice, as a number and as a text; keep one of "
          "them, and set the other to nil" },
        { "shop.tables.status = { a = 'payed' }",
          "carts/test.lua:5: in table status, row \"a\", the value for status is \"payed\", which is "
          "none of: draft, pending, on_hold, paid, processing, backorder, shipped, completed, cancelled, "
          "refunded, failed" },
        { "shop.orders.skip = 'x'",
          "carts/test.lua:5: skip is a table of rules: skip = { drafts = { path = ..., values = { ... } "
          "} }\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.orders.skip = { 'x' }",
          "carts/test.lua:5: skip rules have names, and there are at most 200\ncarts/test.lua:3: status "
          "is translated by table status, which has no rows" },
        { "shop.orders.skip = { a = 'x' }",
          "carts/test.lua:5: skip rule a is { path = ..., values = { ... } } or a "
          "function\ncarts/test.lua:3: status is translated by table status, which has no rows" },
        { "shop.orders.skip = { a = { path = 'b' } }",
          "carts/test.lua:5: skip rule a needs path and values\ncarts/test.lua:3: status is translated "
          "by table status, which has no rows" },
        { "shop.orders.skip = { a = { path = 'b[', values = 'c' } }",
          "carts/test.lua:5: carts/test.lua orders: skip rule \"a\": path \"b[\", character 3: in brackets "
          "stands [NUMBER], "
          "[child=VALUE] or [@attribute=VALUE]\ncarts/test.lua:3: status is translated by table status, "
          "which has no rows" },
        { "shop.orders.skip = { a = { path = 'b', values = { {} } } }",
          "carts/test.lua:5: values holds a table where a text belongs\ncarts/test.lua:3: status is "
          "translated by table status, which has no rows" },
        { "local v = {} for i = 1, 65 do v[i] = tostring(i) end shop.orders.skip = { a = { path = 'b', "
          "values = v } }",
          "carts/test.lua:5: values holds more than 64 texts\ncarts/test.lua:3: status is translated by "
          "table status, which has no rows" },
        { "shop.orders.map = nil",
          "carts/test.lua: orders.map must be made with map.order { ... } or one of its siblings" },
        { "shop.orders.map = { number = 'a' }",
          "carts/test.lua: orders.map must be made with map.order { ... } or one of its siblings" },
        { "shop.orders.map = map.line { sku = 'a' }", "carts/test.lua:5: a stream brings orders, customers, "
                                                      "items, stock levels or shipments; a line is only part "
                                                      "of one" },
        { "shop.orders.overlap = 'soon'",
          "carts/test.lua: orders.overlap is a duration like \"10s\", \"2h\" or \"14d\"" },
        { "shop.orders.refresh = 60",
          "carts/test.lua: orders.refresh is a duration like \"10s\", \"2h\" or \"14d\"" },
        { "shop.orders.ids = function() end",
          "carts/test.lua: orders.ids is of no use without orders.read, which "
          "fetches what is found missing" },
        { "shop.orders.read = 'orders'", "carts/test.lua: orders.read is a string; it is a function" },
        { "shop.orders.final = { 'canceled' }",
          "carts/test.lua: orders.final: there is no status canceled; did you mean \"cancelled\"?" },
        { "shop.orders.final = 'completed'",
          "carts/test.lua: orders.final is a string; it is a list of statuses: "
          "{ \"completed\", \"cancelled\" }" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fields = "status = map.translate('status', 'a')";
        assert_fault(fields, cases[i].rest, cases[i].expected);
    }
}

static void functions_may_return_what_fits_and_anything_else_is_an_issue_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *field, *body, *expected;
    } cases[] = {
        { "number", "r:text 'a'", "x" },
        { "number", "nil", "-" },
        { "number", "17", "17" },
        { "number", "9007199254740993", "9007199254740993" },
        { "number", "D '1.50'", "1.50" },
        { "number", "''", "-" },
        { "number", "true",
          "script: number: carts/test.lua:4: the function returned a boolean where text is needed" },
        { "number", "1.5",
          "script: number: carts/test.lua:4: the function returned the float 1.5 for text; floats are not "
          "exact: use cartwright.decimal" },
        { "number", "{}",
          "script: number: carts/test.lua:4: the function returned a table where text is needed" },
        { "total", "'12.50'", "12.50" },
        { "total", "12", "12" },
        { "total", "D '12.5'", "12.5" },
        { "total", "r:decimal 'n'", "12.50" },
        { "total", "12.5",
          "script: total: carts/test.lua:4: the function returned the float 12.5 for money; floats are not "
          "exact: use cartwright.decimal" },
        { "total", "'a lot'",
          "script: total: carts/test.lua:4: the function returned \"a lot\": \"a lot\" is not a number; "
          "expected such as -12.50" },
        { "total", "true",
          "script: total: carts/test.lua:4: the function returned a boolean where money is needed" },
        { "tax_included", "true", "true" },
        { "tax_included", "false", "false" },
        { "tax_included", "nil", "-" },
        { "tax_included", "'yes'",
          "script: tax_included: carts/test.lua:4: the function returned \"yes\": a text where boolean is "
          "needed" },
        { "tax_included", "1",
          "script: tax_included: carts/test.lua:4: the function returned \"1\": a text where boolean is "
          "needed" },
        { "placed_at", "T.parse '2024-01-31T08:00:00Z'", "2024-01-31T08:00:00Z" },
        { "placed_at", "'2024-01-31T08:00:00+01:00'", "2024-01-31T07:00:00Z" },
        { "placed_at", "'2024-01-31'",
          "script: placed_at: carts/test.lua:4: the function returned \"2024-01-31\": \"2024-01-31\" says no "
          "zone; set the zone that the shop writes its times in" },
        { "placed_at", "12",
          "script: placed_at: carts/test.lua:4: the function returned \"12\": \"12\" is not a date and time; "
          "expected such as 2024-03-31 14:30:00" },
        { "status", "'paid'", "paid" },
        { "status", "'payed'",
          "choice: status is \"payed\", which is none of: draft, pending, on_hold, paid, processing, "
          "backorder, shipped, completed, cancelled, refunded, failed" },
        { "number", "error('by hand')", "script: number: carts/test.lua:5: by hand" },
        { "number", "error({ code = 1 })",
          "script: number: the script raised a table as its error, which says nothing; raise a text: "
          "error(\"why\")" },
        { "number", "nil + 1",
          "script: number: carts/test.lua:5: attempt to perform arithmetic on a nil value" },
        { "number", "(function() while true do end end)()",
          "limit: number: instruction limit of 50000000 reached at carts/test.lua:5" },
        { "number", "('x'):rep(1e9)",
          "script: number: carts/test.lua:5: string.rep would make more than the 65536 KiB of memory the "
          "script may use" },
        { "number", "coroutine.yield(1)",
          "script: number: carts/test.lua:5: attempt to yield from outside a coroutine" },
        { "number", "T.sleep(1)",
          "script: number: carts/test.lua:5: waiting is impossible in a function that must answer at once, "
          "such as one of a mapping" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char source[256];
        snprintf(source, sizeof source,
                 "\nfunction(r) local D, T = require 'cartwright.decimal'.new, require "
                 "'cartwright.time'\nreturn %s end",
                 cases[i].body);
        assert_source(cases[i].field, source, cases[i].expected);
    }
}

/* --- sources, tables, skip rules --- */

static void sources_are_paths_functions_and_what_map_makes(void **state)
{
    (void)state;
    assert_source("number", "'a'", "x");
    assert_source("number", "map.first { 'b', 'a' }", "x");
    assert_source("number", "map.join({ 'a', 'b', 'id' }, '-')", "x-1");
    assert_source("number", "map.value('b', { default = 7 })", "7");
    assert_source("number", "map.value('a', { none = 'x' })", "-");
    assert_source("number", "map.value('b', { required = true })",
                  "missing: number is missing: the record has nothing at b");
    assert_source("number", "map.text(function(r) return r:text 'a' .. '!' end)", "x!");
    assert_source("total", "map.sum { 'n', 'id' }", "13.50");
    assert_source("total", "map.value('n', { negate = true })", "-12.50");
    assert_source("total", "map.constant '1.20'", "1.20");
    assert_source("tax_included", "map.constant(true)", "true");
    assert_source("lines", "map.each('b', map.line { sku = 'c' })", "0");
}

static void custom_fields_have_the_type_that_they_name(void **state)
{
    (void)state;
    if (!open_with("custom = { note = 'a', weight = map.decimal 'n', first = map.boolean 'id', "
                   "own = function(r) return r:text 'a' end, number = map.constant 'c' }",
                   ""))
        fail_msg("%s", bed.err.text);
    const char *json = "{\"id\":1,\"a\":\"x\",\"n\":12.50}";
    assert_maps(json, "custom.note", "x");
    assert_maps(json, "custom.weight", "12.50");
    assert_maps(json, "custom.first", "true");
    assert_maps(json, "custom.own", "x");
    assert_maps(json, "custom.number", "c"); /* beside the field of that name */
    assert_maps(json, "number", "-");
    map_record(json);
    assert_slice(mapped.doc->custom->name, "first"); /* in the order of their names */
    forget_record();
}

static void tables_translate_exactly_then_without_case_then_by_the_default(void **state)
{
    (void)state;
    if (!open_with("number = map.translate('t', 'a')",
                   "shop.tables.t = { A = 'upper', a = 'lower', B = 'b', [7] = 'seven', "
                   "gone = false, empty = '', ['*'] = 'other' }"))
        fail_msg("%s", bed.err.text);
    assert_maps("{\"id\":1,\"a\":\"A\"}", "number", "upper");
    assert_maps("{\"id\":1,\"a\":\"a\"}", "number", "lower");
    assert_maps("{\"id\":1,\"a\":\"b\"}", "number", "b");
    assert_maps("{\"id\":1,\"a\":7}", "number", "seven");
    assert_maps("{\"id\":1,\"a\":\"gone\"}", "number", "-");
    assert_maps("{\"id\":1,\"a\":\"new\"}", "number", "other");
    assert_maps("{\"id\":1}", "number", "-");
    for (int i = 0; i < 8; i++) { /* the same one of two rows that differ in case, in every state */
        if (!open_with("number = map.translate('t', 'a')",
                       "shop.tables.t = { pAID = '1', PAID = '2', Paid = '3' }"))
            fail_msg("%s", bed.err.text);
        map_record("{\"id\":1,\"a\":\"paid\"}");
        static char first[8];
        if (i == 0)
            snprintf(first, sizeof first, "%s", field_of("number"));
        assert_string_equal(field_of("number"), first);
        forget_record();
    }
}

static void skip_rules_are_tried_in_the_order_of_their_names(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        if (!open_with("number = 'a'",
                       "shop.orders.skip = { drafts = { path = 'a', values = { 'draft', 'new' } }, "
                       "z = function(r) return r:text 'a' == 'z' or r:text 'a' == 'new' end, "
                       "b = { path = 'a', values = 'new' } }"))
            fail_msg("%s", bed.err.text);
        assert_maps("{\"id\":1,\"a\":\"draft\"}", "number", "skipped by drafts");
        assert_maps("{\"id\":1,\"a\":\"new\"}", "number", "skipped by b");
        assert_maps("{\"id\":1,\"a\":\"z\"}", "number", "skipped by z");
        assert_maps("{\"id\":1,\"a\":\"x\"}", "number", "x");
    }
}

static void a_skip_rule_that_fails_is_an_issue(void **state)
{
    (void)state;
    if (!open_with("number = 'a'", "shop.orders.skip = { odd = function(r) return r.nothing.there end }"))
        fail_msg("%s", bed.err.text);
    map_record("{\"id\":1}");
    assert_null(mapped.skipped_by);
    assert_contains(field_of("number"), "carts/test.lua:5:");
    forget_record();
}

/* --- overriding --- */

static const char base[] =
    HEAD "shop.orders = { map = map.order {\n"
         "number = 'a', status = map.translate('status', 's'), note = function(r) return r:text 'a' end,\n"
         "lines = map.each('l', map.line { sku = 'k', name = 'k' }),\n"
         "} }\nshop.tables.status = { p = 'paid', s = 'shipped' }\nreturn shop";

static void open_override(const char *changes)
{
    char script[2048];
    bed.base = base;
    snprintf(
        script, sizeof script,
        "local map = require 'cartwright.map' local shop = require('carts.base'):extend()\n%s\nreturn shop",
        changes);
    if (!open_script(script))
        fail_msg("%s", bed.err.text);
}

static void a_site_overrides_one_field_one_row_or_one_function(void **state)
{
    (void)state;
    const char *json = "{\"id\":1,\"a\":\"x\",\"b\":\"y\",\"s\":\"p\",\"l\":[{\"k\":\"K\"}]}";
    open_override("");
    assert_maps(json, "number", "x");
    open_override("shop.orders.map.number = 'b' shop.orders.map.custom.gift = 'a'");
    assert_maps(json, "number", "y");
    assert_maps(json, "custom.gift", "x");
    assert_maps(json, "status", "paid");
    open_override("shop.tables.status.p = 'completed'");
    assert_maps(json, "status", "completed");
    open_override(
        "shop.orders.map.note = function(r) return r:text 'b' .. '?' end shop.orders.map.number = nil");
    assert_maps(json, "note", "y?");
    assert_maps(json, "number", "-");
    open_override("shop.orders.map.lines.plan.sku = map.constant 'S'");
    map_record(json);
    struct cw_document *line = cw_document_get(mapped.doc, "lines")->list.first;
    assert_slice(cw_document_get(line, "sku")->text, "S");
    assert_slice(cw_document_get(line, "name")->text, "K");
    forget_record();
    open_override("shop.orders.skip = { x = { path = 'a', values = { 'x' } } }");
    assert_maps(json, "number", "skipped by x");
}

static void what_overrides_leaves_the_original_alone(void **state)
{
    (void)state;
    open_override("shop.orders.map.lines.plan.sku = map.constant 'S' shop.tables.status.p = 'completed' "
                  "shop.orders.map.custom.gift = 'a'\n"
                  "local base = require 'carts.base' assert(base.tables.status.p == 'paid' and "
                  "base.orders.map.lines.plan.sku == 'k' "
                  "and next(base.orders.map.custom) == nil)");
}

static void a_mistake_in_an_override_is_named_with_its_own_place(void **state)
{
    (void)state;
    bed.base = base;
    assert_false(
        open_script("local shop = require('carts.base'):extend() shop.orders.map.numbr = 'b' return shop"));
    assert_string_equal(bed.err.text,
                        "carts/test.lua:1: unknown field \"numbr\" of order; did you mean \"number\"?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(mistakes_in_fields_are_named_with_file_and_line),
        TEST(mistakes_in_tables_and_skip_rules_are_named),
        TEST(functions_may_return_what_fits_and_anything_else_is_an_issue_with_their_place),
        TEST(sources_are_paths_functions_and_what_map_makes),
        TEST(custom_fields_have_the_type_that_they_name),
        TEST(tables_translate_exactly_then_without_case_then_by_the_default),
        TEST(skip_rules_are_tried_in_the_order_of_their_names),
        TEST(a_skip_rule_that_fails_is_an_issue),
        TEST(a_site_overrides_one_field_one_row_or_one_function),
        TEST(what_overrides_leaves_the_original_alone),
        TEST(a_mistake_in_an_override_is_named_with_its_own_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
