/* site_out_test.c - what site.lua says carts are told: defaults, rules, switches; and everything that can be
 * wrong with it. */
#include "config_bed.h"

#include <stdio.h>

static const struct cw_out_config *read_cart(const char *cart, const char *stock)
{
    static char text[4096];
    snprintf(text, sizeof text, "return {\n%s carts = { web = { type = 'fake',\n%s\n} } }", stock, cart);
    config_bed_must_read(text);
    return &config_bed.carts[0].out;
}

static const struct cw_out_config *read_out(const char *out)
{
    char cart[2048];
    snprintf(cart, sizeof cart, "out = { %s }", out);
    return read_cart(cart, "");
}

/* "A B" */
static const char *joined(char *const *list)
{
    static char out[1024];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i > 0 ? " " : "", list[i]);
    return out;
}

/* --- what is read --- */

static void names_of_streams_are_found_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = { "stock_out",    "prices_out",    "shipments_out",
                                         "statuses_out", "customers_out", "items_out" };
    static const bool is_level[] = { true, true, false, false, true, true };
    enum cw_out found;
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        assert_string_equal(cw_out_name((enum cw_out)i), names[i]);
        assert_true(cw_out_find(cw_slice(names[i]), &found));
        assert_int_equal(found, i);
        assert_int_equal(cw_out_is_level(found), is_level[i]);
    }
    assert_false(cw_out_find(cw_slice("stock"), &found));
}

static void a_cart_is_told_nothing_unless_site_lua_says_so(void **state)
{
    (void)state;
    const struct cw_out_config *out = read_cart("", "");
    for (size_t i = 0; i < CW_OUT_STREAMS; i++)
        assert_false(out->sending[i].is_on);
}

static void every_stream_has_the_defaults_of_the_page(void **state)
{
    (void)state;
    const struct cw_out_config *out =
        read_out("stock = {}, prices = {}, shipments = {}, statuses = {}, customers = {}, items = {}");
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        assert_true(out->sending[i].is_on);
        assert_int_equal(out->sending[i].threshold, 10);
        assert_int_equal(out->sending[i].batch, 100);
        assert_int_equal(out->sending[i].attempts, 5);
        assert_int_equal(out->sending[i].check, 0);
        assert_int_equal(out->sending[i].sleep, 0);
    }
    const struct cw_stock_rule *rule = &out->stock.rule;
    assert_int_equal(rule->figure, CW_FIGURE_AVAILABLE);
    assert_null(rule->warehouses);
    assert_true(rule->adds_kits);
    assert_false(rule->adds_incoming);
    assert_int_equal(rule->vendor, CW_VENDOR_LEFT_OUT);
    assert_int_equal(rule->buffer + rule->minimum + rule->maximum + rule->step, 0);
    assert_int_equal(rule->buffer_percent, 0);
    assert_false(out->stock.unlisted || out->stock.has_function);
    assert_true(out->stock.brake.is_on && out->prices.brake.is_on);
    assert_int_equal(out->stock.brake.share_percent, 20);
    assert_int_equal(out->stock.brake.least, 50);
    assert_int_equal(out->stock.brake.zeros, 50);
    assert_int_equal(out->prices.brake.zeros, 0);
    assert_string_equal(out->prices.list, "default");
    assert_null(out->prices.currency);
    assert_false(out->shipments.by_invoice);
    assert_null(out->customers.groups);
    assert_null(out->items.fields);
    assert_string_equal(joined(config_bed.stock.closed), "cancelled completed failed refunded shipped draft");
    assert_string_equal(joined(config_bed.stock.shipping), "paid processing");
    assert_int_equal(config_bed.keep.messages, 90 * CW_DAY);
}

static void how_a_stream_is_sent_is_read(void **state)
{
    (void)state;
    const struct cw_out_sending *sending =
        &read_out("statuses = { threshold = 3, batch = 7, attempts = 2, check = 59, sleep = 2 }")
             ->sending[CW_OUT_STATUSES];
    assert_int_equal(sending->threshold, 3);
    assert_int_equal(sending->batch, 7);
    assert_int_equal(sending->attempts, 2);
    assert_int_equal(sending->check, 59 * CW_SECOND);
    assert_int_equal(sending->sleep, 2 * CW_SECOND);
}

static void the_rule_of_quantities_is_read_exactly(void **state)
{
    (void)state;
    const struct cw_out_config *out = read_out(
        "stock = { figure = 'available_for_shipping', kits = false, incoming = '14d', vendor = 'add',"
        "buffer = '2.5', minimum = 3, maximum = '1000000000', step = '0.000001', unlisted = true,"
        "quantity = function() end, brake = { share = '5%', least = 1, zeros = 2 } }");
    const struct cw_stock_rule *rule = &out->stock.rule;
    assert_int_equal(rule->figure, CW_FIGURE_AVAILABLE_FOR_SHIPPING);
    assert_false(rule->adds_kits);
    assert_true(rule->adds_incoming);
    assert_int_equal(rule->incoming_within, 14 * CW_DAY);
    assert_int_equal(rule->vendor, CW_VENDOR_ADDED);
    assert_int_equal(rule->buffer, 2500000);
    assert_int_equal(rule->buffer_percent, 0);
    assert_int_equal(rule->minimum, 3000000);
    assert_int_equal(rule->maximum, CW_QUANTITY_MAX);
    assert_int_equal(rule->step, 1);
    assert_true(out->stock.unlisted && out->stock.has_function && out->stock.brake.is_on);
    assert_int_equal(out->stock.brake.share_percent, 5);
    assert_int_equal(out->stock.brake.least, 1);
    assert_int_equal(out->stock.brake.zeros, 2);
    out = read_out("stock = { figure = 'on_hand', buffer = '10%', vendor = 'separate', brake = false }");
    assert_int_equal(out->stock.rule.figure, CW_FIGURE_ON_HAND);
    assert_int_equal(out->stock.rule.buffer_percent, 10);
    assert_int_equal(out->stock.rule.buffer, 0);
    assert_int_equal(out->stock.rule.vendor, CW_VENDOR_SEPARATE);
    assert_false(out->stock.brake.is_on);
}

static void branches_stand_for_their_warehouses_each_once(void **state)
{
    (void)state;
    const struct cw_out_config *out =
        read_cart("out = { stock = { warehouses = { 'N2', 'north', 'elsewhere', 'south' } } }",
                  "stock = { branches = { north = { 'N1', 'N2' }, south = { 'S1', 'N1' } } },");
    assert_string_equal(joined(out->stock.rule.warehouses), "N2 N1 elsewhere S1");
}

static void prices_shipments_customers_and_items_are_read(void **state)
{
    (void)state;
    const struct cw_out_config *out = read_out(
        "prices = { list = 'sale', currency = 'EUR', brake = { share = '50%' } },"
        "shipments = { trigger = 'invoice' },"
        "customers = { groups = { 'retail', 'vip' }, fields = { 'email', 'addresses', 'custom.tier' } },"
        "items = { groups = { 'tea' }, fields = { 'name', 'variants' } }");
    assert_string_equal(out->prices.list, "sale");
    assert_string_equal(out->prices.currency, "EUR");
    assert_int_equal(out->prices.brake.share_percent, 50);
    assert_int_equal(out->prices.brake.least, 50);
    assert_true(out->shipments.by_invoice);
    assert_string_equal(joined(out->customers.groups), "retail vip");
    assert_string_equal(joined(out->customers.fields), "email addresses custom.tier");
    assert_string_equal(joined(out->items.groups), "tea");
    assert_string_equal(joined(out->items.fields), "name variants");
}

static void a_switch_has_the_last_word(void **state)
{
    (void)state;
    const struct cw_out_config *out =
        read_cart("switches = { stock_out = false, items_out = true, orders = false },"
                  "out = { stock = { batch = 9 }, prices = {} }",
                  "");
    assert_false(out->sending[CW_OUT_STOCK].is_on);
    assert_int_equal(out->sending[CW_OUT_STOCK].batch, 9);
    assert_true(out->sending[CW_OUT_PRICES].is_on);
    assert_true(out->sending[CW_OUT_ITEMS].is_on); /* with the defaults */
    assert_int_equal(out->sending[CW_OUT_ITEMS].batch, 100);
    assert_false(out->sending[CW_OUT_CUSTOMERS].is_on);
}

static void what_holds_for_all_carts_is_read(void **state)
{
    (void)state;
    read_cart("",
              "keep = { messages = false }, stock = { closed = { 'cancelled' }, shipping = { 'paid' } },");
    assert_string_equal(joined(config_bed.stock.closed), "cancelled");
    assert_string_equal(joined(config_bed.stock.shipping), "paid");
    assert_int_equal(config_bed.keep.messages, CW_TIME_NONE);
}

static void each_cart_has_its_own(void **state)
{
    (void)state;
    config_bed_must_read("return { carts = { b = { type = 'fake', out = { stock = { batch = 2 } } },\n"
                         "['a-1'] = { type = 'fake', out = { prices = { batch = 1 } } } } }");
    assert_string_equal(config_bed.carts[0].name, "a-1");
    assert_true(config_bed.carts[0].out.sending[CW_OUT_PRICES].is_on);
    assert_false(config_bed.carts[0].out.sending[CW_OUT_STOCK].is_on);
    assert_int_equal(config_bed.carts[1].out.sending[CW_OUT_STOCK].batch, 2);
}

static void the_site_of_the_readme_is_read(void **state)
{
    (void)state;
    static char text[131072];
    FILE *in = fopen("README.md", "rb");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    char *example = strstr(strstr(text, "## What carts are told"), "```lua\n") + strlen("```lua\n");
    *strstr(example, "```") = '\0';
    config_bed_must_read(example);
    const struct cw_out_config *out = &config_bed.carts[0].out;
    assert_string_equal(joined(out->stock.rule.warehouses), "N1 N2");
    assert_true(out->stock.has_function && out->shipments.by_invoice);
    assert_true(out->sending[CW_OUT_CUSTOMERS].is_on);
    assert_false(out->sending[CW_OUT_ITEMS].is_on);
}

/* --- the function --- */

static const char *function_of(const char *before, const char *quantity)
{
    static char text[1024];
    snprintf(
        text, sizeof text,
        "%s\nlocal function least(f) return f.quantity end\nreturn { carts = { shop = { type = 'x', url = "
        "'http://a', out = { stock = {\n  quantity = %s\n} } } } }",
        before, quantity);
    config_bed_must_read(text);
    return config_bed.carts[0].out.stock.function;
}

static void a_function_is_another_one_when_it_or_what_it_uses_changes(void **state)
{
    (void)state;
    static const char list[] = "local sold_out = { A = true, B = 2 }",
                      body[] = "function(f) return sold_out[f.sku] and 0 or least(f) end";
    char first[CW_HASH_TEXT_MAX];
    snprintf(first, sizeof first, "%s", function_of(list, body));
    assert_int_equal(strlen(first), CW_HASH_TEXT_MAX - 1);
    assert_string_equal(function_of("-- a line before it\nlocal sold_out = { B = 2, A = true }", body),
                        first);
    assert_string_not_equal(function_of("local sold_out = { A = true, B = 3 }", body), first);
    assert_string_not_equal(function_of("local sold_out = { A = true, B = 2, C = 1 }", body), first);
    assert_string_not_equal(function_of(list, "function(f) return sold_out[f.sku] and 1 or least(f) end"),
                            first);
    assert_string_not_equal(function_of(list, "least"), first);
}

/* --- what is wrong --- */

static void assert_wrong(const char *text, const char *expected)
{
    if (config_bed_read(text, 0))
        fail_msg("taken: %s", text);
    assert_int_equal(config_bed_err.code, CW_USAGE);
    if (strcmp(config_bed_err.text, expected) != 0)
        fail_msg("%s:\n%s\nnot\n%s", text, config_bed_err.text, expected);
}

/* What stands in `out` of a cart, in line 3 of site.lua. */
static void what_is_wrong_with_a_stream_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *out, *message;
    } wrong[] = {
        { "stok = {}", "out of cart web has no field stok; did you mean \"stock\"?" },
        { "stock = true", "out.stock must be a table such as { attempts = ... }, not true" },
        { "statuses = { colour = 1 }",
          "out.statuses has no field colour; there are attempts, batch, check, sleep, threshold" },
        { "stock = { treshold = 1 }", "out.stock has no field treshold; did you mean \"threshold\"?" },
        { "statuses = { batch = 0 }",
          "out.statuses.batch must be a whole number from 1 to 10000, not the number 0" },
        { "statuses = { threshold = '5' }",
          "out.statuses.threshold must be a whole number from 1 to 1000000, not the text 5" },
        { "statuses = { check = 60 }",
          "out.statuses.check must be a whole number from 1 to 59, not the number 60" },
        { "statuses = { sleep = 60 }",
          "out.statuses.sleep must be a whole number from 0 to 59, not the number 60" },
        { "stock = { figure = 'availible' }",
          "out.stock.figure is \"availible\"; did you mean \"available\"?" },
        { "stock = { kits = 'yes' }", "out.stock.kits must be true or false, not the text yes" },
        { "stock = { incoming = 14 }",
          "out.stock.incoming must be a text such as \"14d\", not the number 14" },
        { "stock = { vendor = 'ad' }", "out.stock.vendor is \"ad\"; did you mean \"add\"?" },
        { "stock = { buffer = 2.5 }",
          "out.stock.buffer is the float 2.5, which is not exact; write it in quotes: \"2.5\"" },
        { "stock = { buffer = '101%' }",
          "out.stock.buffer must be a whole share such as \"20%\", from 0% to 100%, not the text 101%" },
        { "stock = { minimum = -1 }", "out.stock.minimum is -1; it cannot be below 0" },
        { "stock = { minimum = {} }",
          "out.stock.minimum must be a quantity such as 3 or \"2.5\", not a table" },
        { "stock = { maximum = 0 }", "out.stock.maximum is 0; leave it out" },
        { "stock = { step = '0' }", "out.stock.step is 0; leave it out" },
        { "stock = { minimum = 5, maximum = 4 }",
          "out.stock.minimum is more than its maximum: nothing but 0 would ever be told" },
        { "stock = { maximum = 3, step = 5 }",
          "out.stock.maximum is less than its step: nothing but 0 would ever be told" },
        { "stock = { maximum = '0.5' }", "out.stock.maximum is less than its step (1, where none is given): "
                                         "nothing but 0 would ever be told" },
        { "stock = { warehouses = 'MAIN' }",
          "out.stock.warehouses must be a list such as { \"MAIN\" }, not the text MAIN" },
        { "stock = { warehouses = {} }",
          "out.stock.warehouses must be a list such as { \"MAIN\" }, not an empty one; leave it out" },
        { "stock = { quantity = 5 }",
          "out.stock.quantity must be a function of figures that returns the quantity "
          "to tell, not the number 5" },
        { "stock = { brake = { zero = 1 } }", "out.stock.brake has no field zero; did you mean \"zeros\"?" },
        { "stock = { brake = { share = 20 } }",
          "out.stock.brake.share must be a whole share such as \"20%\", from 1% to 100%, not the number 20" },
        { "stock = { brake = true }", "out.stock.brake must be a table such as { least = ... }, not true" },
        { "prices = { brake = { zeros = 1 } }",
          "out.prices.brake has no field zeros; there are least, share" },
        { "prices = { currency = 'Euro' }",
          "out.prices.currency must be an ISO 4217 code such as \"EUR\", not the text Euro" },
        { "prices = { list = '' }", "out.prices.list must be a text such as \"default\", not an empty text" },
        { "shipments = { trigger = 'invoices' }",
          "out.shipments.trigger is \"invoices\"; did you mean \"invoice\"?" },
        { "customers = { fields = { 'emial' } }",
          "out.customers.fields names \"emial\", which is no field of customers; did you mean \"email\"?" },
        { "items = { fields = { 'custom.' } }",
          "out.items.fields names \"custom.\", which is no field of items; "
          "fields of your own are \"custom.NAME\"" },
        { "items = { groups = { 5 } }", "out.items.groups holds the number 5 where a text belongs" },
        { "items = { groups = { a = 'b' } }",
          "out.items.groups must be a list such as { \"tea\" }, not a table of names" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1024], expected[1024];
        snprintf(text, sizeof text, "return { carts = { web = {\ntype = 'fake',\nout = { %s } } } }",
                 wrong[i].out);
        snprintf(expected, sizeof expected, "site.lua:3: %s", wrong[i].message);
        assert_wrong(text, expected);
    }
}

static void what_is_wrong_with_stock_of_the_site_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *stock, *message;
    } wrong[] = {
        { "branch = {}", "stock has no field branch; did you mean \"branches\"?" },
        { "branches = { north = {} }",
          "branch north names no warehouse; write such as north = { \"N1\", \"N2\" }" },
        { "branches = { north = 'N1' }", "branch north must be a list such as { \"N1\" }, not the text N1" },
        { "branches = 'N1'",
          "stock.branches must be a table such as { north = { \"N1\", \"N2\" } }, not the text N1" },
        { "branches = { { 'N1' } }", "stock.branches: a branch has a name; 1 is none" },
        { "branches = { north = { 'N1', 'south' }, south = { 'S1' } }",
          "branch north names south, which is a branch itself; name the warehouses" },
        { "closed = { 'canceled' }",
          "stock.closed holds \"canceled\": there is no status canceled; did you mean \"cancelled\"?" },
        { "shipping = 'paid'", "stock.shipping must be a list such as { \"completed\" }, not the text paid" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1024], expected[1024];
        snprintf(text, sizeof text, "return { carts = {},\nstock = { %s } }", wrong[i].stock);
        snprintf(expected, sizeof expected, "site.lua:2: %s", wrong[i].message);
        assert_wrong(text, expected);
    }
}

static void everything_that_is_wrong_is_told_at_once(void **state)
{
    (void)state;
    assert_wrong(
        "return {\n  keep = { messages = 'soon' },\n  carts = {\n    web = { type = 'fake', out = {\n"
        "      stock = { step = 0 },\n      prices = { batch = 1.5 },\n    } } } }",
        "site.lua:2: keep.messages \"soon\" is no length of time: a whole number and s, m, h or d, "
        "such as \"5m\"; up to \"3660d\", or false to keep all\n"
        "site.lua:5: out.stock.step is 0; leave it out\n"
        "site.lua:6: out.prices.batch must be a whole number from 1 to 10000, not the number 1.5");
}

static void nothing_is_lost_when_memory_runs_out(void **state)
{
    (void)state;
    static const char text[] =
        "return { stock = { branches = { n = { 'N1' } } }, carts = { web = { type = 'fake', out = { stock = {"
        "warehouses = { 'n' } }, customers = { groups = { 'a', 'b' } }, prices = { currency = 'EUR' } } } } "
        "}";
    uint64_t n = 1;
    for (; !config_bed_read(text, n); n += 37) /* reading asks for memory thousands of times */
        assert_int_equal(config_bed_err.code, CW_NOMEM);
    assert_true(n > 1000);
    assert_true(config_bed_read(text, 0));
    assert_string_equal(joined(config_bed.carts[0].out.customers.groups), "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_streams_are_found_both_ways),
        cmocka_unit_test_teardown(a_cart_is_told_nothing_unless_site_lua_says_so, config_bed_close),
        cmocka_unit_test_teardown(every_stream_has_the_defaults_of_the_page, config_bed_close),
        cmocka_unit_test_teardown(how_a_stream_is_sent_is_read, config_bed_close),
        cmocka_unit_test_teardown(the_rule_of_quantities_is_read_exactly, config_bed_close),
        cmocka_unit_test_teardown(branches_stand_for_their_warehouses_each_once, config_bed_close),
        cmocka_unit_test_teardown(prices_shipments_customers_and_items_are_read, config_bed_close),
        cmocka_unit_test_teardown(a_switch_has_the_last_word, config_bed_close),
        cmocka_unit_test_teardown(what_holds_for_all_carts_is_read, config_bed_close),
        cmocka_unit_test_teardown(each_cart_has_its_own, config_bed_close),
        cmocka_unit_test_teardown(the_site_of_the_readme_is_read, config_bed_close),
        cmocka_unit_test_teardown(a_function_is_another_one_when_it_or_what_it_uses_changes,
                                  config_bed_close),
        cmocka_unit_test_teardown(what_is_wrong_with_a_stream_is_told_with_its_line, config_bed_close),
        cmocka_unit_test_teardown(what_is_wrong_with_stock_of_the_site_is_told, config_bed_close),
        cmocka_unit_test_teardown(everything_that_is_wrong_is_told_at_once, config_bed_close),
        cmocka_unit_test_teardown(nothing_is_lost_when_memory_runs_out, config_bed_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
