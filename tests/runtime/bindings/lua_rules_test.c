/* lua_rules_test.c - what rules of a site, given as Lua text, make of records. */
#include <stdio.h>

#include "cart_bed.h"

static struct cart_bed bed;

static int tear_down(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

static void open_with(const char *site_rules, const char *cart_rules)
{
    if (!cart_bed_open_rules(&bed, site_rules, cart_rules))
        fail_msg("%s %s: %s", site_rules, cart_rules, bed.err.text);
}

static void assert_order(const char *rules, const char *json, const char *field, const char *expected)
{
    char list[2048];
    snprintf(list, sizeof list, "{ %s }", rules);
    open_with("nil", list);
    cart_bed_decide(&bed, "orders", json, NULL);
    const char *got = cart_bed_field(&bed, field);
    if (strcmp(got, expected) != 0)
        fail_msg("%s\n%s: %s, not %s", rules, field, got, expected);
}

static void orders_are_taken_in_or_skipped(void **state)
{
    (void)state;
    assert_order("", "{\"id\":1,\"archived\":true}", "type", "skipped by archived");
    assert_order("", "{\"id\":1}", "type", "sales_order");
    assert_order("", "{\"id\":1}", "state", "released");
    assert_order("", "{\"id\":1,\"type\":\"invoice\"}", "type", "invoice");
    const char *only = "R.orders { only = { status = { 'paid' } }, skip = { channel = { '9', '' } } }";
    assert_order(only, "{\"id\":1,\"status\":\"pending\",\"channel\":1}", "type",
                 "skipped by orders.only status");
    assert_order(only, "{\"id\":1,\"channel\":1}", "type", "skipped by orders.only status");
    assert_order(only, "{\"id\":1,\"status\":\"paid\",\"channel\":9}", "type",
                 "skipped by orders.skip channel");
    assert_order(only, "{\"id\":1,\"status\":\"paid\"}", "type", "skipped by orders.skip channel");
    assert_order(only, "{\"id\":1,\"status\":\"paid\",\"channel\":1}", "type", "sales_order");
    open_with("nil", "{ R.orders { only = { status = { 'paid' } } } }");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"status\":\"shipped\"}", "{\"id\":1,\"status\":\"paid\"}");
    assert_field(&bed, "status", "shipped");
}

static void values_are_fixed_chosen_by_a_text_or_made_by_a_function(void **state)
{
    (void)state;
    const char *by = "R.orders { class = R.by('channel', { ['1'] = 'A', b = 'B', ['*'] = 'other' }) }";
    assert_order(by, "{\"id\":1,\"channel\":1}", "class", "A");
    assert_order(by, "{\"id\":1,\"channel\":\"B\"}", "class", "B");
    assert_order(by, "{\"id\":1,\"channel\":\"x\"}", "class", "other");
    assert_order(by, "{\"id\":1}", "class", "other");
    const char *exact = "R.orders { class = R.by('channel', { ['1'] = 'A' }) }";
    assert_order(exact, "{\"id\":1,\"channel\":1}", "class", "A");
    assert_order(exact, "{\"id\":1}", "class", "-");
    assert_order(
        exact, "{\"id\":1,\"channel\":2}", "class",
        "unknown-rules.orders.class class: channel \"2\" has no row in table rules.orders.class; add one: "
        "cartwright table set shop rules.orders.class \"2\" VALUE");
    const char *tabled = "R.orders { location = R.table('site', 'channel', 'HQ') }";
    assert_order(tabled, "{\"id\":1,\"channel\":2}", "location", "South");
    assert_order(tabled, "{\"id\":1,\"channel\":3}", "location", "HQ");
    assert_order("R.orders { class = function(o) return o.number .. '!' end }", "{\"id\":1,\"number\":\"7\"}",
                 "class", "7!");
    assert_order("R.orders { class = function(o) return nil end }", "{\"id\":1,\"class\":\"x\"}", "class",
                 "x");
    assert_order(
        "R.orders { set = { total = function(o) return o.total * 2 end, taxable = function() return false "
        "end } }",
        "{\"id\":1,\"currency\":\"EUR\",\"total\":\"1.50\"}", "total", "3.00");
    assert_order("R.orders { set = { ['billing.city'] = 'Rome' } }", "{\"id\":1}", "billing.city", "Rome");
    assert_order("R.orders { number_into = 'custom.web' }", "{\"id\":1,\"number\":\"W7\"}", "custom.web",
                 "W7");
    assert_order("R.orders { sales_rep = 'Ann' }", "{\"id\":1,\"rep\":\"Bob\"}", "sales_rep", "Bob");
    assert_order("R.orders { sales_rep = 'Ann' }", "{\"id\":1}", "sales_rep", "Ann");
}

static void functions_that_fail_are_issues_with_their_place(void **state)
{
    (void)state;
    assert_order(
        "R.orders { class = function(o) return o.nothing end }", "{\"id\":1}", "class",
        "script class: rule \"orders.class\": site.lua:5: order has no field \"nothing\"; fields of your own "
        "stand under custom");
    assert_order("R.orders { class = function(o) return {} end }", "{\"id\":1}", "class",
                 "script class: rule \"orders.class\": site.lua:5: the function returned a table where text "
                 "is needed");
    assert_order(
        "R.orders { set = { total = function(o) return 1.5 end } }", "{\"id\":1}", "class",
        "script total: rule \"orders.set total\": site.lua:5: the function returned the float 1.5 for money; "
        "floats are not exact: use cartwright.decimal");
    assert_order(
        "R.orders { class = function(o) o.class = 'x' end }", "{\"id\":1}", "class",
        "script class: rule \"orders.class\": site.lua:5: this function may not change the document; it "
        "returns a value, and only `change` of rules.orders assigns fields");
    assert_order("R.orders { class = function(o) while true do end end }", "{\"id\":1}", "class",
                 "limit class: rule \"orders.class\": instruction limit of 50000000 reached at site.lua:5");
    assert_order("R.orders { change = function(o) error 'no' end }", "{\"id\":1}", "class",
                 "script : rule \"orders.change\": site.lua:5: no");
    assert_order("R.holds { odd = function(o) return {} end }", "{\"id\":1}", "class",
                 "script : rule \"holds.odd\": site.lua:5: the function of rules.holds.odd returned a table; "
                 "it returns "
                 "a text that says why, or nil");
}

static void change_may_change_the_document_before_the_other_sections(void **state)
{
    (void)state;
    const char *rules =
        "R.orders { change = function(o) o.channel = o.channel:upper() o.lines[1].sku = 'S-' .. "
        "o.lines[1].sku return 'ignored' end, class = R.by('channel', { WEB = 'w' }) }";
    const char *json = "{\"id\":1,\"channel\":\"web\",\"lines\":[{\"id\":1,\"sku\":\"A\"}]}";
    assert_order(rules, json, "class", "w");
    assert_order(rules, json, "lines[1].sku", "S-A");
    open_with(
        "nil",
        "{ R.orders { state = 'pending', change = function(o) o.type = 'lead' o.state = 'released' end } }");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"type\":\"invoice\"}", "{\"id\":1,\"type\":\"cash_sale\"}");
    assert_field(&bed, "type", "cash_sale");
}

static void methods_are_translated_with_what_hangs_on_them(void **state)
{
    (void)state;
    const char *ship = "R.shipping { table = 'ship', default = 'Post', carrier = 'Other' }";
    assert_order(ship, "{\"id\":1,\"method\":\"UPS\"}", "shipping_method", "Ground");
    assert_order(ship, "{\"id\":1,\"method\":\"UPS\"}", "carrier", "UPS");
    assert_order(ship, "{\"id\":1,\"method\":\"dhl\"}", "carrier", "Other");
    assert_order(ship, "{\"id\":1,\"method\":\"dhl\",\"carrier\":\"DHL\"}", "carrier", "DHL");
    assert_order(ship, "{\"id\":1}", "shipping_method", "Post");
    assert_order(ship, "{\"id\":1,\"method\":\"none\"}", "shipping_method", "-");
    assert_order("R.shipping { table = 'ship' }", "{\"id\":1,\"method\":\"fedex\"}", "shipping_method",
                 "unknown-ship shipping_method: shipping_method \"fedex\" has no row in table ship; add one: "
                 "cartwright table set shop ship \"fedex\" VALUE");
    assert_order("R.shipping { freight = 'line', item = 'FRT' }",
                 "{\"id\":1,\"currency\":\"EUR\",\"freight\":\"4.90\",\"lines\":[]}", "lines[1].sku", "FRT");
    const char *pay = "R.payments { table = 'pay', term = 'NET30', on_account = { 'NET30' } }";
    assert_order(pay, "{\"id\":1,\"pay\":\"wire\"}", "payment_method", "Transfer");
    assert_order(pay, "{\"id\":1,\"pay\":\"wire\"}", "payment_term", "PREPAID");
    assert_order("R.payments { term = 'NET30' }", "{\"id\":1,\"pay\":\"wire\"}", "payment_term", "NET30");
    assert_order("R.payments { import = false }",
                 "{\"id\":1,\"currency\":\"EUR\",\"payments\":[{\"method\":\"x\",\"amount\":\"1\"}]}",
                 "payments[1].method",
                 "\"payments[1].method\": payments has 0 members, and none of them is this one");
}

static void taxes_and_discounts_get_the_systems_codes(void **state)
{
    (void)state;
    const char *tax = "R.taxes { not_taxable = 'NONE', shipping = 'F' }";
    const char *us = "{\"id\":1,\"shipping\":{\"country\":\"US\",\"region\":\"CA\"},\"taxable\":true}";
    assert_order(tax, us, "tax_code", "CA");
    assert_order(tax, us, "shipping_tax_code", "F");
    assert_order(tax, "{\"id\":1,\"taxable\":true,\"billing\":{\"country\":\"US\"}}", "tax_code", "USA");
    assert_order(tax, "{\"id\":1,\"taxable\":false,\"billing\":{\"country\":\"US\"}}", "tax_code", "NONE");
    const char *discounted =
        "{\"id\":1,\"currency\":\"EUR\",\"discounts\":[{\"code\":\"spring\",\"amount\":\"1\"}]}";
    assert_order("R.discounts {}", discounted, "discounts[1].item", "D-10");
}

static void what_is_held_waits_for_a_person(void **state)
{
    (void)state;
    const char *dear = "{\"id\":1,\"currency\":\"EUR\",\"total\":\"1000.01\",\"gift\":\"yes\"}";
    assert_order("R.holds { above = '1000' }", dear, "",
                 "held over-limit total: total 1000.01 EUR is above the limit of 1000");
    open_with("nil", "{ R.holds { above = { USD = '5' } } }");
    cart_bed_decide(&bed, "orders", dear, NULL);
    assert_string_equal(cart_bed_issues(&bed), "");
    assert_order(
        "R.holds { gifts = { ['custom.gift'] = 'yes', currency = 'EUR' } }", dear, "",
        "held held-gifts : the site's rule \"gifts\" holds orders whose currency is EUR and custom.gift is "
        "yes");
    assert_order("R.holds { odd = function(o) return o.total > 1000 and 'dear: ' .. o.total end }", dear, "",
                 "held held-odd : dear: 1000.01");
    assert_order("R.holds { odd = function(o) return true end }", dear, "",
                 "held held-odd : held by the site's rule \"odd\" (site.lua:5)");
    assert_order("R.holds { odd = function(o) return false end, none = function() end }", dear, "number",
                 "-");
}

static void statuses_move_along_their_graph(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool held;
    } cases[] = {
        { "pending", "completed", false },  { "paid", "shipped", false },
        { "processing", "on_hold", false }, { "on_hold", "processing", false },
        { "backorder", "paid", false },     { "failed", "pending", false },
        { "shipped", "paid", true },        { "cancelled", "paid", true },
        { "refunded", "cancelled", true },  { "completed", "refunded", false },
        { "paid", "pending", true },        { "failed", "shipped", true },
    };
    open_with("nil", "nil");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char before[64], after[64];
        snprintf(before, sizeof before, "{\"id\":1,\"status\":\"%s\"}", cases[i].before);
        snprintf(after, sizeof after, "{\"id\":1,\"status\":\"%s\"}", cases[i].after);
        cart_bed_decide(&bed, "orders", after, before);
        const char *issues = cart_bed_issues(&bed);
        if ((strncmp(issues, "held status-step status: ", 25) == 0) != cases[i].held)
            fail_msg("%s to %s: \"%s\"", cases[i].before, cases[i].after, issues);
    }
    open_with("{ R.statuses { status = false } }", "nil");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"status\":\"paid\"}", "{\"id\":1,\"status\":\"cancelled\"}");
    assert_string_equal(cart_bed_issues(&bed), "");
}

static void customers_and_items_are_filled_where_the_cart_says_nothing(void **state)
{
    (void)state;
    open_with("{ R.customers { only = { group = { '3' } }, type = 'retail', taxable = R.by('group', { ['3'] "
              "= false }), "
              "attributes = { region = 'EU' } }, R.items { group = 'web', options = 'items' } }",
              "nil");
    cart_bed_decide(&bed, "customers", "{\"id\":1,\"group\":3}", NULL);
    assert_field(&bed, "type", "retail");
    assert_field(&bed, "taxable", "false");
    assert_field(&bed, "custom.region", "EU");
    cart_bed_decide(&bed, "customers", "{\"id\":1,\"group\":3,\"type\":\"b2b\",\"region\":\"US\"}", NULL);
    assert_field(&bed, "type", "b2b");
    assert_field(&bed, "custom.region", "US");
    cart_bed_decide(&bed, "customers", "{\"id\":1,\"group\":4}", NULL);
    assert_field(&bed, "type", "skipped by customers.only group");
    cart_bed_decide(
        &bed, "items",
        "{\"id\":1,\"sku\":\"T\",\"variants\":[{\"id\":5,\"sku\":\"T-5\"},{\"id\":6,\"sku\":\"T-6\"}]}",
        NULL);
    assert_field(&bed, "group", "web");
    assert_field(&bed, "sku", "T-5");
    assert_slice(bed.mapped.doc->external_id, "1/5");
    assert_slice(bed.mapped.also->external_id, "1/6");
    cart_bed_decide(&bed, "shipments", "{\"id\":1,\"number\":\"S1\",\"order\":7}", NULL);
    assert_field(&bed, "order_id", "7");
}

static void shipments_are_taken_in_with_our_word_for_the_carrier(void **state)
{
    (void)state;
    open_with("{ R.shipments { skip = { number = { 'S9' } }, table = 'ship', default = 'Post' } }", "nil");
    cart_bed_decide(&bed, "shipments", "{\"id\":1,\"carrier\":\"UPS\"}", NULL);
    assert_field(&bed, "carrier", "Ground");
    cart_bed_decide(&bed, "shipments", "{\"id\":1,\"carrier\":\"snail\"}", NULL);
    assert_field(&bed, "carrier", "Post");
    cart_bed_decide(&bed, "shipments", "{\"id\":1,\"number\":\"S9\"}", NULL);
    assert_field(&bed, "carrier", "skipped by shipments.skip number");
}

#define TOLD(status) "{ R.orders { tell_cart = " status " } }, out = { statuses = {} }"

static void the_cart_is_told_a_status_when_an_order_first_comes(void **state)
{
    (void)state;
    open_with("nil", TOLD("'processing'"));
    cart_bed_decide(&bed, "orders", "{\"id\":1}", NULL);
    assert_slice(bed.mapped.tell_cart, "processing");
    cart_bed_decide(&bed, "orders", "{\"id\":1}", "{\"id\":1}");
    assert_int_equal(bed.mapped.tell_cart.len, 0);
    open_with("nil", TOLD("R.by('status', { paid = 'sent soon', draft = false })"));
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"status\":\"paid\"}", NULL);
    assert_slice(bed.mapped.tell_cart, "sent soon");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"status\":\"pending\"}", NULL);
    assert_int_equal(bed.mapped.tell_cart.len, 0);
    open_with("nil", TOLD("function(o) if o.number == '7' then return 'seven' end end"));
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"number\":\"7\"}", NULL);
    assert_slice(bed.mapped.tell_cart, "seven");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"number\":\"8\"}", NULL);
    assert_int_equal(bed.mapped.tell_cart.len, 0);
}

static void matching_asks_the_store(void **state)
{
    (void)state;
    struct cw_question *questions;
    size_t count;
    open_with(
        "{ R.customers { match = { 'link', 'email' }, among = { 'other' } }, R.items { match = { 'sku' } }, "
        "R.holds { duplicates = true } }",
        "nil");
    const char *json =
        "{\"id\":1,\"number\":\"N\",\"customer\":5,\"email\":\"a@b.c\",\"lines\":[{\"id\":1,\"sku\":\"A\"}]}";
    cart_bed_decide(&bed, "orders", json, NULL);
    const struct cw_lua_stream *orders = cw_lua_cart_stream(bed.shop, "orders");
    assert_ok(cw_rules_ask(orders->rules, bed.mapped.doc, cw_slice("shop"), &bed.arena, &questions, &count,
                           &bed.err),
              bed.err);
    char asked[256] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%s %.*s %s=%.*s;",
                 questions[i].kind->name, CW_SLICE_ARG(questions[i].cart), questions[i].field,
                 CW_SLICE_ARG(questions[i].value));
    assert_non_null(strstr(asked, "customer other email=a@b.c;"));
    assert_non_null(strstr(asked, "item shop sku=A;"));
    assert_non_null(strstr(asked, "order shop number=N;"));
}

/* --- memory --- */

static void rules_that_meet_the_end_of_memory_leave_nothing_behind(void **state)
{
    (void)state;
    bed.site =
        "local R = require 'cartwright.rules' return { rules = { R.orders { class = R.by('channel', { a = "
        "'b' }), "
        "only = { status = { 'paid' } }, change = function(o) o.note = 'x' end }, R.holds { above = '5' } }, "
        "carts = { shop = { type = 'test' } } }";
    unsigned passed = 0;
    for (uint64_t n = 1; passed < 3; n += n < 200 || passed > 0 ? 1 : 37) {
        cart_bed_close(&bed);
        bed.fail_allocation = n;
        bool ok = cart_bed_open(&bed);
        if (ok)
            cart_bed_decide(&bed, "orders", "{\"id\":1,\"status\":\"paid\",\"channel\":\"a\"}", NULL);
        passed = ok && bed.mapped.issues == NULL ? passed + 1 : 0;
        assert_true(n < 1000000);
    }
    bed.fail_allocation = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(orders_are_taken_in_or_skipped),
        TEST(values_are_fixed_chosen_by_a_text_or_made_by_a_function),
        TEST(functions_that_fail_are_issues_with_their_place),
        TEST(change_may_change_the_document_before_the_other_sections),
        TEST(methods_are_translated_with_what_hangs_on_them),
        TEST(taxes_and_discounts_get_the_systems_codes),
        TEST(what_is_held_waits_for_a_person),
        TEST(statuses_move_along_their_graph),
        TEST(customers_and_items_are_filled_where_the_cart_says_nothing),
        TEST(shipments_are_taken_in_with_our_word_for_the_carrier),
        TEST(the_cart_is_told_a_status_when_an_order_first_comes),
        TEST(matching_asks_the_store),
        TEST(rules_that_meet_the_end_of_memory_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
