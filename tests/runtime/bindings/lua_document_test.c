/* lua_document_test.c - documents as functions of rules see them: every type read and written, what is
 * refused and how it is said, and handles that outlive their document. */
#include <stdio.h>

#include "cart_bed.h"

static struct cart_bed bed;

static int tear_down(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

static const char record[] =
    "{\"id\":1,\"number\":\"W7\",\"currency\":\"EUR\",\"total\":\"12.50\",\"taxable\":\"yes\","
    "\"placed\":\"2024-01-31T08:00:00Z\",\"billing\":{\"street\":\"High 1\",\"country\":\"GB\"},"
    "\"lines\":[{\"id\":10,\"sku\":\"A\",\"qty\":\"2.500\",\"total\":\"5\"},{\"id\":11,\"sku\":\"B\",\"qty\":"
    "1}],"
    "\"gift\":\"card\",\"weight\":\"1.250\",\"rush\":\"no\"}";

/* Puts the record to rules whose function has `body`, in line 3 of site.lua. */
static void run(const char *rule, const char *body)
{
    static char site[4096];
    cart_bed_close(&bed);
    snprintf(site, sizeof site,
             "local R, D, T = require 'cartwright.rules', require 'cartwright.decimal', require "
             "'cartwright.time'\n"
             "local kept return { carts = { shop = { type = 'test', rules = { R.orders { %s = "
             "function(o)\n%s\nend "
             "} } } } }",
             rule, body);
    bed.site = site;
    if (!cart_bed_open(&bed))
        fail_msg("%s: %s", body, bed.err.text);
    cart_bed_decide(&bed, "orders", record, NULL);
}

/* The expression as text, worked out by a function that may only read. */
static void assert_reads(const char *expression, const char *expected)
{
    char body[1024];
    snprintf(body, sizeof body, "return tostring(%s)", expression);
    run("class", body);
    const char *got = cart_bed_field(&bed, "class");
    if (strcmp(got, expected) != 0)
        fail_msg("%s: %s, not %s", expression, got, expected);
}

static void assert_refuses(const char *rule, const char *body, const char *message)
{
    char expected[1024];
    run(rule, body);
    bool changes = strcmp(rule, "change") == 0;
    snprintf(expected, sizeof expected, "script %s: rule \"orders.%s\": site.lua:3: %s", changes ? "" : rule,
             rule, message);
    if (strcmp(cart_bed_issues(&bed), expected) != 0)
        fail_msg("%s:\n%s, not\n%s", body, bed.text, expected);
}

/* What a field is after `statement`, run by a function that may change. */
static void assert_writes(const char *statement, const char *field, const char *expected)
{
    run("change", statement);
    const char *got = cart_bed_field(&bed, field);
    if (strcmp(got, expected) != 0)
        fail_msg("%s: %s is %s, not %s", statement, field, got, expected);
}

static void every_type_is_read_as_scripts_know_it(void **state)
{
    (void)state;
    assert_reads("o.kind", "order");
    assert_reads("o.external_id", "1");
    assert_reads("o.number", "W7");
    assert_reads("o.note", "nil");
    assert_reads("D.is(o.total) and o.total + 1", "13.50");
    assert_reads("o.taxable == true", "true");
    assert_reads("o.archived", "nil");
    assert_reads("o.placed_at:add(60)", "2024-01-31T08:01:00Z");
    assert_reads("o.lines[1].quantity * o.lines[1].total", "12.500");
}

static void records_lists_and_own_fields_are_read(void **state)
{
    (void)state;
    assert_reads("o.billing.street .. o.billing.kind", "High 1address");
    assert_reads("o['billing.country']", "GB");
    assert_reads("o['lines[2].sku'] .. o['lines[id=10].sku']", "BA");
    assert_reads("o.shipping", "nil");
    assert_reads("o['shipping.city']", "nil");
    assert_reads("o['lines[9].sku']", "nil");
    assert_reads("#o.lines", "2");
    assert_reads("o.lines[2].sku .. o.lines[1].sku .. o.lines[2].external_id", "BA11");
    assert_reads("tostring(o.lines[0]) .. tostring(o.lines[3]) .. tostring(o.lines[-1])", "nilnilnil");
    assert_reads(
        "(function() local out = '' for i, line in ipairs(o.lines) do out = out .. i .. line.sku end return "
        "out end)()",
        "1A2B");
    assert_reads("#o.fees .. tostring(o.fees[1])", "0nil");
    assert_reads("o.custom.gift .. o.custom.weight .. tostring(o.custom.rush)", "card1.250false");
    assert_reads("o.custom.nothing", "nil");
    assert_reads("o['custom.gift']", "card");
}

static void reading_what_is_not_there_is_an_error_with_a_suggestion(void **state)
{
    (void)state;
    assert_refuses("class", "return o.totl", "order has no field \"totl\"; did you mean \"total\"?");
    assert_refuses("class", "return o.zzzzzzzz",
                   "order has no field \"zzzzzzzz\"; fields of your own stand under custom");
    assert_refuses("class", "return o.lines[1].skuu", "line has no field \"skuu\"; did you mean \"sku\"?");
    assert_refuses("class", "return o[1]", "fields of a document have names; this is an integer");
    assert_refuses("class", "return o.custom[1]", "fields of a document have names; this is an integer");
    assert_refuses("class", "return o.lines.sku", "members of a list have numbers, from 1; this is a string");
    assert_refuses("class", "return o.lines[1.5]", "members of a list have numbers, from 1; this is a float");
}

static void change_assigns_what_fits_the_field(void **state)
{
    (void)state;
    assert_writes("o.note = 'hello'", "note", "hello");
    assert_writes("o.note = 17", "note", "17");
    assert_writes("o.note = D.new '1.50'", "note", "1.50");
    assert_writes("o.note = o.placed_at", "note", "2024-01-31T08:00:00Z");
    assert_writes("o.number = nil", "number", "-");
    assert_writes("o.total = o.total * 2", "total", "25.00");
    assert_writes("o.total = '7.25'", "total", "7.25");
    assert_writes("o.total = 7", "total", "7.00");
    assert_writes("o.taxable = false", "taxable", "false");
    assert_writes("o.taxable = 'no'", "taxable", "false");
    assert_writes("o.placed_at = '2024-02-01T00:00:00+01:00'", "placed_at", "2024-01-31T23:00:00Z");
    assert_writes("o.placed_at = o.placed_at:add(1)", "placed_at", "2024-01-31T08:00:01Z");
    assert_writes("o.status = 'paid'", "status", "paid");
    assert_writes("o.lines[2].quantity = '3'", "lines[2].quantity", "3");
    assert_writes("o.billing.city = 'Leeds'", "billing.city", "Leeds");
    assert_writes("o['shipping.city'] = 'York'", "shipping.city", "York");
    assert_writes("o.billing = nil", "billing.city", "-");
    assert_writes("o.custom.gift = 'none'", "custom.gift", "none");
    assert_writes("o.custom.new = 5", "custom.new", "5");
    assert_writes("o.custom.weight = D.new '2.5'", "custom.weight", "2.5");
    assert_writes("o.custom.rush = true", "custom.rush", "true");
    assert_writes("o.custom.gift = nil", "custom.gift", "-");
    assert_writes("o.note = ('x'):rep(3) o.note = o.note .. o.note", "note", "xxxxxx");
}

static void what_does_not_fit_is_refused_and_leaves_the_document_as_it_was(void **state)
{
    (void)state;
    assert_refuses("change", "o.total = 1.5",
                   "total cannot be the float 1.500000: floats are not exact; use cartwright.decimal");
    assert_refuses("change", "o.note = true", "note is text and cannot be a boolean");
    assert_refuses("change", "o.note = {}", "note is text and cannot be a table");
    assert_refuses("change", "o.total = print", "total is money and cannot be a function");
    assert_refuses("change", "o.totl = 1", "order has no field \"totl\"; did you mean \"total\"?");
    assert_refuses("change", "o.kind = 'x'", "kind of a document cannot be assigned");
    assert_refuses("change", "o.external_id = 'x'", "external_id of a document cannot be assigned");
    assert_refuses("change", "o.custom = {}", "custom of a document cannot be assigned");
    assert_refuses("change", "o.billing = 'x'",
                   "billing is a record: assign its fields, such as document[\"billing.external_id\"]");
    assert_refuses("change", "o.lines = nil",
                   "lines is a list: assign fields of its members, such as document.lines[1].external_id");
    assert_refuses("change", "o.lines[1] = nil",
                   "members of a list cannot be assigned; assign their fields: order.lines[1].sku = \"A-1\"");
    assert_refuses("change", "o.note = '\\xff'", "note cannot be a text that is not UTF-8 from byte 1 on");
    assert_refuses("change", "o.custom.gift = 'a\\0b'",
                   "gift cannot be a text with a zero byte, which no document can hold");
    assert_refuses("change", "o.custom.gift = {}", "gift is text and cannot be a table");
    run("change", "o.status = 'payed'");
    assert_non_null(strstr(cart_bed_issues(&bed), "site.lua:3: status "));
    assert_non_null(strstr(bed.text, "payed"));
    assert_false(cw_document_get(bed.mapped.doc, "status")->is_set);
    run("change", "o.total = 'a lot'");
    assert_non_null(strstr(cart_bed_issues(&bed), "site.lua:3: total "));
    run("change", "o.taxable = 'perhaps'");
    assert_non_null(strstr(cart_bed_issues(&bed), "site.lua:3: taxable "));
    run("change", "o['lines[9].sku'] = 'x'");
    assert_non_null(strstr(cart_bed_issues(&bed), "lines has 2 members"));
}

static void only_change_may_assign(void **state)
{
    (void)state;
    const char *refused =
        "this function may not change the document; it returns a value, and only `change` of "
        "rules.orders assigns fields";
    assert_refuses("class", "o.note = 'x'", refused);
    assert_refuses("class", "o.lines[1].sku = 'x'", refused);
    assert_refuses("class", "o.billing.city = nil", refused);
    assert_refuses("class", "o.custom.gift = 'x'", refused);
}

static void a_document_that_was_kept_is_gone_when_the_function_returns(void **state)
{
    (void)state;
    static const char *const kept[] = { "o", "o.billing", "o.lines", "o.lines[1]", "o.custom" };
    static const char *const uses[] = { "kept.number", "kept.street", "#kept", "kept.sku", "kept.gift" };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char body[256];
        snprintf(body, sizeof body, "if kept then return %s end kept = %s return 'first'", uses[i], kept[i]);
        run("class", body);
        assert_field(&bed, "class", "first");
        cart_bed_decide(&bed, "orders", record, NULL);
        assert_string_equal(
            cart_bed_issues(&bed),
            "script class: rule \"orders.class\": site.lua:3: this document is gone: it could be used "
            "only in the function that it was given to; keep its texts instead");
    }
}

static void a_document_is_closed_also_when_the_function_fails(void **state)
{
    (void)state;
    run("class", "if kept then return kept.number end kept = o error 'no'");
    assert_string_equal(cart_bed_issues(&bed), "script class: rule \"orders.class\": site.lua:3: no");
    cart_bed_decide(&bed, "orders", record, NULL);
    assert_non_null(strstr(cart_bed_issues(&bed), "this document is gone"));
}

static void a_long_list_is_gone_through_in_one_walk(void **state)
{
    (void)state;
    static char json[200000];
    size_t len = (size_t)snprintf(json, sizeof json, "{\"id\":1,\"lines\":[");
    for (int i = 1; i <= 3000; i++)
        len += (size_t)snprintf(json + len, sizeof json - len, "%s{\"id\":%d,\"sku\":\"S%d\",\"qty\":%d}",
                                i > 1 ? "," : "", i, i, i);
    snprintf(json + len, sizeof json - len, "]}");
    run("class",
        "local sum = 0 for i = #o.lines, 1, -1 do if i > #o.lines - 3 then sum = sum + o.lines[i].quantity "
        "end "
        "end local lines = o.lines for _, line in ipairs(lines) do sum = sum + line.quantity end return "
        "tostring(sum)");
    cart_bed_decide(&bed, "orders", json, NULL);
    assert_field(&bed, "class", "4510497");
}

static void functions_that_meet_the_end_of_memory_leave_nothing_behind(void **state)
{
    (void)state;
    bed.site =
        "local R = require 'cartwright.rules' return { carts = { shop = { type = 'test', rules = { R.orders "
        "{ "
        "change = function(o) o.note = o.number .. '!' o.custom.new = 'x' o['shipping.city'] = 'York' "
        "pcall(function() return o.totl end) for i, line in ipairs(o.lines) do line.sku = line.sku .. i end "
        "end } } } } }";
    unsigned passed = 0;
    for (uint64_t n = 200; passed<3; n += passed> 0 ? 1 : 13) {
        cart_bed_close(&bed);
        bed.fail_allocation = n;
        bool ok = cart_bed_open(&bed);
        if (ok)
            cart_bed_decide(&bed, "orders", record, NULL);
        passed = ok && bed.mapped.issues == NULL ? passed + 1 : 0;
        assert_true(n < 1000000);
    }
    bed.fail_allocation = 0;
    assert_field(&bed, "lines[2].sku", "B2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_type_is_read_as_scripts_know_it),
        TEST(records_lists_and_own_fields_are_read),
        TEST(reading_what_is_not_there_is_an_error_with_a_suggestion),
        TEST(change_assigns_what_fits_the_field),
        TEST(what_does_not_fit_is_refused_and_leaves_the_document_as_it_was),
        TEST(only_change_may_assign),
        TEST(a_document_that_was_kept_is_gone_when_the_function_returns),
        TEST(a_document_is_closed_also_when_the_function_fails),
        TEST(a_long_list_is_gone_through_in_one_walk),
        TEST(functions_that_meet_the_end_of_memory_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
