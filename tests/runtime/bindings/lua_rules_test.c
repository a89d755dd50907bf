/* lua_rules_test.c - rules of a site from their Lua text to steps, to what is said of mistakes, and to what
 * they make of records. */
#include <stdio.h>

#include "cart_bed.h"

static struct cart_bed bed;

static int tear_down(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

/* The site's rules begin in line 3 of site.lua, those of the cart in line 5. */
static bool try_open(const char *site_rules, const char *cart_rules)
{
    static char site[16384];
    cart_bed_close(&bed);
    snprintf(site, sizeof site,
             "local R = require 'cartwright.rules'\nreturn { rules =\n%s,\ncarts = { shop = { type = 'test', "
             "rules "
             "=\n%s\n}, other = { type = 'test' } } }",
             site_rules, cart_rules);
    bed.site = site;
    return cart_bed_open(&bed);
}

static void open_with(const char *site_rules, const char *cart_rules)
{
    if (!try_open(site_rules, cart_rules))
        fail_msg("%s: %s", site_rules, bed.err.text);
}

/* --- steps --- */

/* Steps of a kind, without those that are in force anyhow: "NAME ACTION FIELD=VALUE ...", a line each; then
 * the tables that they need. */
static const char show[] =
    "local rules = require 'cartwright.rules' local R = rules\n"
    "local function text(v) if type(v) ~= 'table' then return type(v) == 'function' and 'f' or tostring(v) "
    "end\n"
    "  local out = {} for _, item in ipairs(v) do out[#out + 1] = type(item) == 'table' and item.field ..\n"
    "  (item.is_not and '!=' or '=') .. table.concat(item.values, ',') or item end return '{' .. "
    "table.concat(out, ' ') "
    ".. '}' end\n"
    "local function show(kind, ...) local steps, tables = rules.compile({ ... }, nil, kind)\n"
    "  local out = {} for _, step in ipairs(steps) do if step.where ~= 'scripts/cartwright/rules.lua' then\n"
    "    local line = { step.move and 'move ' .. step.move or step.name .. ' ' .. step.action }\n"
    "    for key, value in pairs(step) do if key ~= 'name' and key ~= 'action' and key ~= 'where' and key ~= "
    "'move'\n"
    "      then line[#line + 1] = key .. '=' .. text(value) end end out[#out + 1] = table.concat(line, ' ') "
    "end end\n"
    "  for name, rows in pairs(tables) do for key, value in pairs(rows) do\n"
    "    out[#out + 1] = name .. '.' .. key .. '=' .. value end end\n"
    "  return table.concat(out, '\\n') end\n";

static void assert_steps(const char *kind, const char *sections, const char *expected)
{
    char chunk[8192];
    snprintf(chunk, sizeof chunk, "%s return show('%s', %s)", show, kind, sections);
    assert_string_equal(cart_bed_eval(&bed, chunk), expected);
}

static void sections_for_orders_become_steps(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_steps("order", "nil", "");
    assert_steps(
        "order", "R.orders { only = { status = { 'paid', 'processing' }, channel = 1 } }",
        "orders.only channel skip when={channel!=1}\norders.only status skip when={status!=paid,processing}");
    assert_steps("order", "R.orders { skip = { status = 'draft', archived = false, channel = { '' } } }",
                 "orders.skip archived skip when={archived=false}\norders.skip channel skip when={channel=}\n"
                 "orders.skip status skip when={status=draft}");
    assert_steps("order", "R.orders { change = function() end, state = 'pending' }",
                 "orders.change call call=f\norders.state set fill=false target=state text=pending");
    assert_steps(
        "order",
        "R.orders { type = R.by('channel', { ['1'] = 'invoice', [2] = 'cash_sale', ['*'] = 'lead' }) }",
        "orders.type translate fallback=lead fill=false source=channel table=rules.orders.type target=type "
        "unknown=hold\nrules.orders.type.*=lead\nrules.orders.type.1=invoice\nrules.orders.type.2=cash_sale");
    assert_steps(
        "order",
        "R.orders { location = R.table('site', 'channel', 'HQ'), class = R.table('site', 'channel') }",
        "orders.location translate fallback=HQ fill=false source=channel table=site target=location "
        "unknown=hold\norders.class translate fill=false source=channel table=site target=class "
        "unknown=hold");
    assert_steps("order",
                 "R.orders { number_into = 'reference', sales_rep = 'Ann', tell_cart = 'processing' }",
                 "orders.number_into copy source=number target=reference\n"
                 "orders.sales_rep set fill=true target=sales_rep text=Ann\n"
                 "orders.tell_cart tell_cart text=processing");
    assert_steps(
        "order", "R.orders { set = { taxable = false, ['custom.src'] = R.by('channel', { a = true }) } }",
        "orders.set custom.src translate fill=false source=channel table=rules.orders.set.custom.src "
        "target=custom.src unknown=hold\norders.set taxable set fill=false target=taxable text=false\n"
        "rules.orders.set.custom.src.a=true");
}

static void customers_and_items_of_orders_are_matched(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_steps("order", "R.customers { type = 'retail', match = { 'link', 'email' } }",
                 "customers.match match_customer among={} keys={link email} unknown=keep");
    assert_steps(
        "order",
        "R.customers { match = { 'email' }, unknown = 'proxy', proxy = 'shop:17', among = { 'shop', 'b2b' }, "
        "ship_to = { 'id', 'address' }, unknown_address = 'hold' }",
        "customers.match match_customer among={shop b2b} fallback=shop:17 keys={email} unknown=fallback\n"
        "customers.ship_to match_address keys={id address} unknown=hold");
    assert_steps("order", "R.customers { match = { 'email' }, unknown = 'create' }",
                 "customers.match match_customer among={} keys={email} unknown=create");
    assert_steps("order",
                 "R.items { match = { 'sku', 'barcode' }, unknown = 'default', default = 'shop:misc' }",
                 "items.match match_items among={} fallback=shop:misc keys={sku barcode} unknown=fallback");
    assert_steps(
        "order",
        "R.items { match = { 'link', 'vendor_sku' }, unknown = 'hold', group = 'x', options = 'items' }",
        "items.match match_items among={} keys={link vendor_sku} unknown=hold");
}

static void taxes_methods_payments_and_discounts_become_steps(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_steps("order", "R.taxes {}", "taxes tax source=shipping table=tax");
    assert_steps(
        "order",
        "R.taxes { by = 'billing', table = 'vat', taxable = 'T', not_taxable = 'N', shipping = 'F' }",
        "taxes tax freight=F not_taxable=N source=billing table=vat taxable=T");
    assert_steps(
        "order",
        "R.shipping { table = 'ship', default = 'Ground', carrier = 'Other', freight = 'line', item = 'FR' }",
        "shipping.carrier translate source=shipping_method table=ship.carrier target=carrier unknown=keep\n"
        "shipping.carrier set fill=true target=carrier text=Other\n"
        "shipping.table translate fallback=Ground source=shipping_method table=ship target=shipping_method "
        "unknown=hold\nshipping.freight freight_line text=FR");
    assert_steps("order", "R.shipping { default = 'Ground', freight = 'field' }",
                 "shipping.default set fill=true target=shipping_method text=Ground");
    assert_steps(
        "order", "R.payments { table = 'pay', term = 'NET30', on_account = { 'NET30', 'NET60' } }",
        "payments.term translate source=payment_method table=pay.term target=payment_term unknown=keep\n"
        "payments.term set fill=true target=payment_term text=NET30\n"
        "payments.table translate source=payment_method table=pay target=payment_method unknown=hold\n"
        "payments.on_account payments values={NET30 NET60}");
    assert_steps("order", "R.payments { import = false, on_account = { 'x' } }",
                 "payments.import payments drop=true");
    assert_steps("order", "R.payments { import = true }", "");
    assert_steps("order", "R.discounts {}", "discounts discounts table=discount unknown=hold");
    assert_steps("order", "R.discounts { table = 'd', default = 'D-0' }",
                 "discounts discounts fallback=D-0 table=d unknown=hold");
}

static void holds_and_statuses_become_steps(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_steps("order", "R.holds { above = '1000.50', duplicates = true }",
                 "holds.above hold_above source=total text=1000.50\nholds.duplicates hold_duplicate");
    assert_steps("order", "R.holds { above = { EUR = 1000, JPY = '150000' }, duplicates = false }",
                 "holds.above hold_above source=total text=1000 when={currency=EUR}\n"
                 "holds.above hold_above source=total text=150000 when={currency=JPY}");
    assert_steps(
        "order",
        "R.holds { gifts = { ['custom.gift'] = { 'yes', 'maybe' }, status = 'paid' }, odd = function() end }",
        "holds.gifts hold text=the site's rule \"gifts\" holds orders whose custom.gift is yes or maybe and "
        "status is paid when={custom.gift=yes,maybe status=paid}\nholds.odd hold call=f");
    assert_steps("order", "R.statuses { payment_status = { unpaid = { 'paid', 'failed' }, paid = {} } }",
                 "move payment_status from=unpaid to=paid\nmove payment_status from=unpaid to=failed");
}

static void sections_for_customers_and_items_become_steps(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_steps(
        "customer",
        "R.customers { only = { group = { '3', '4' } }, type = 'retail', sales_rep = R.table('site', "
        "'group'), "
        "taxable = false, payment_term = 'NET30', attributes = { region = 'EU' }, set = { note = 'web' }, "
        "match = { 'email' } }",
        "customers.only group skip when={group!=3,4}\ncustomers.type set fill=true target=type text=retail\n"
        "customers.sales_rep translate fill=true source=group table=site target=sales_rep unknown=hold\n"
        "customers.taxable set fill=true target=taxable text=false\n"
        "customers.payment_term set fill=true target=payment_term text=NET30\n"
        "customers.attributes region set fill=true target=custom.region text=EU\n"
        "customers.set note set fill=false target=note text=web");
    assert_steps(
        "item",
        "R.items { skip = { type = 'virtual' }, group = 'web', set = { vendor_sku = 'V' }, options = 'items' "
        "}",
        "items.skip type skip when={type=virtual}\nitems.group set fill=true target=group text=web\n"
        "items.set vendor_sku set fill=false target=vendor_sku text=V\nitems.options split_variants");
    assert_steps("item", "R.items { options = 'variants' }", "");
    assert_steps("stock_level", "R.items { group = 'web' }, R.orders { state = 'pending' }", "");
}

/* What is in force without being declared. */
static void without_rules_orders_are_sales_orders_that_are_released(void **state)
{
    (void)state;
    open_with("nil", "nil");
    const char *chunk =
        "local steps = require 'cartwright.rules'.compile(nil, nil, 'order')\n"
        "local out, moves = {}, {} for _, s in ipairs(steps) do\n"
        "if s.move then moves[s.move] = (moves[s.move] or 0) + 1 else\n"
        "out[#out + 1] = s.name .. ':' .. s.action .. ':' .. (s.text or s.when[1].values[1]) end end\n"
        "return table.concat(out, ' '), moves.status > 50, moves.payment_status > 15, "
        "moves.fulfilment_status > 5";
    assert_string_equal(
        cart_bed_eval(&bed, chunk),
        "archived:skip:true orders.type:set:sales_order orders.state:set:released|true|true|true");
}

/* --- a cart's sections over the site's --- */

static void assert_merged(const char *site, const char *cart, const char *expected)
{
    char chunk[8192];
    snprintf(
        chunk, sizeof chunk,
        "%s local steps = rules.compile({ %s }, { %s }, 'order') local out = {}\n"
        "for _, s in ipairs(steps) do if s.where and s.where ~= 'scripts/cartwright/rules.lua' and s.name "
        "then\n"
        "out[#out + 1] = s.name .. '=' .. tostring(s.text or s.table or s.fallback or s.action) end end\n"
        "local moves = 0 for _, s in ipairs(steps) do moves = moves + (s.move == 'status' and 1 or 0) end\n"
        "return table.concat(out, ' '), moves",
        show, site, cart);
    char *moves = strrchr(cart_bed_eval(&bed, chunk), '|');
    if (strcmp(moves, "|0") != 0)
        *moves = '\0';
    assert_string_equal(bed.text, expected);
}

static void a_field_of_the_cart_takes_the_place_of_the_sites_and_false_takes_it_away(void **state)
{
    (void)state;
    open_with("nil", "nil");
    assert_merged("R.orders { class = 'a', location = 'b' }", "R.orders { class = 'c' }",
                  "orders.location=b orders.class=c");
    assert_merged("R.orders { class = 'a', location = 'b' }", "R.orders { class = false }",
                  "orders.location=b");
    assert_merged("R.orders { class = 'a' }, R.discounts {}", "R.taxes {}",
                  "orders.class=a taxes=tax discounts=discount");
    assert_merged("R.taxes {}, R.discounts {}", "R.taxes { table = false }, R.discounts { table = false }",
                  "");
    assert_merged(
        "R.customers { match = { 'email' }, unknown = 'proxy', proxy = 'shop:1', ship_to = { 'id' } }",
        "R.customers { match = false }", "");
    assert_merged("R.holds { above = '5', odd = function() end }", "R.holds { above = false, odd = false }",
                  "");
    assert_merged("R.payments { import = false }", "R.payments { import = true }", "");
    assert_merged("R.statuses { status = { a = { 'b' } } }", "R.statuses { status = false }", "|0");
    assert_merged("R.shipping { freight = 'line', item = 'A' }", "R.shipping { item = 'B' }",
                  "shipping.freight=B");
}

/* --- mistakes --- */

static void assert_fault(const char *site_rules, const char *cart_rules, const char *expected)
{
    if (try_open(site_rules, cart_rules))
        fail_msg("was taken: %s %s", site_rules, cart_rules);
    assert_int_equal(bed.err.code, CW_USAGE);
    assert_string_equal(bed.err.text, expected);
}

static void mistakes_in_sections_are_named_with_place_section_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *expected;
    } cases[] = {
        { "R.orders { onyl = {} }", "rules.orders: there is no field \"onyl\"; did you mean \"only\"?" },
        { "R.taxes { zzzzzzzzz = 1 }",
          "rules.taxes: there is no field \"zzzzzzzzz\"; there are by, not_taxable, "
          "shipping, table, taxable" },
        { "R.orders { 'paid' }", "rules.orders: there is no field \"1\"; there are change, class, location, "
                                 "number_into, only, sales_rep, set, skip, state, tell_cart, type" },
        { "R.orders { only = 'paid' }",
          "rules.orders: only must be a table of fields with their texts, such as { "
          "status = { \"paid\" } }, not a text" },
        { "R.orders { only = {} }",
          "rules.orders: only names no field; write such as { status = { \"paid\" } }, or "
          "leave it out" },
        { "R.orders { only = { status = {} } }",
          "rules.orders: only status is an empty list; write such as { \"paid\" }, or leave it out" },
        { "R.orders { only = { status = { {} } } }",
          "rules.orders: only status holds a table where a text belongs" },
        { "R.orders { only = { status = { paid = true } } }",
          "rules.orders: only status must be a list such as { \"paid\" }, not a table of names" },
        { "R.orders { skip = { status = print } }",
          "rules.orders: skip status must be a list such as { \"paid\" }, not a function" },
        { "R.orders { state = {} }", "rules.orders: state must be a fixed value, rules.by(field, rows), "
                                     "rules.table(name, field) or a function, not a table" },
        { "R.orders { class = 1.5 }",
          "rules.orders: class is the float 1.5; floats are not exact: write it in quotes" },
        { "R.orders { class = '' }",
          "rules.orders: class is an empty text; leave the rule out where nothing is to be set" },
        { "R.orders { number_into = true }",
          "rules.orders: number_into must be a text in quotes, not true or false" },
        { "R.orders { change = 'x' }", "rules.orders: change must be a function, not a text" },
        { "R.orders { set = { class = {} } }", "rules.orders: set class must be a fixed value, "
                                               "rules.by(field, rows), rules.table(name, field) or a "
                                               "function, not a table" },
        { "R.orders { type = R.by('channel') }",
          "rules.orders: type must have rows: rules.by(\"channel\", { [\"1\"] = \"invoice\", [\"*\"] = "
          "\"sales_order\" })" },
        { "R.orders { type = R.by(5, {}) }",
          "rules.orders: type must name a field: rules.by(\"channel\", { ... })" },
        { "R.orders { type = R.by('channel', { a = {} }) }",
          "rules.orders: type has a table in the row \"a\"; a row is a fixed value" },
        { "R.orders { type = R.by('channel', { [1] = 'lead', ['1'] = 'invoice' }) }",
          "rules.orders: type has the row \"1\" twice, as a number and as a text" },
        { "R.orders { type = R.table('x') }",
          "rules.orders: type must name a table and a field: rules.table(\"location\", \"channel\")" },
        { "R.customers { match = { 'mail' } }",
          "rules.customers: match names \"mail\", which is no key to match "
          "by; did you mean \"email\"?" },
        { "R.customers { match = {} }",
          "rules.customers: match is an empty list; write such as { \"link\" }, or leave it out" },
        { "R.customers { match = 'email' }",
          "rules.customers: match must be a list such as { \"link\" }, not a text" },
        { "R.customers { match = { 'email' }, unknown = 'proxy' }",
          "rules.customers: unknown = \"proxy\" needs proxy: add proxy = \"CART:ID\", the customer of such "
          "orders" },
        { "R.customers { match = { 'email' }, unknown = 'ask' }",
          "rules.customers: unknown is \"ask\"; there are create, hold, proxy, keep" },
        { "R.customers { proxy = '17' }",
          "rules.customers: proxy must be a document of the store, \"CART:ID\", such "
          "as \"shop:17\"" },
        { "R.customers { proxy = 'shopp:17' }",
          "rules.customers: proxy names the cart \"shopp\", which site.lua "
          "does not have; did you mean \"shop\"?" },
        { "R.customers { among = { 'nowhere' } }", "rules.customers: among names the cart \"nowhere\", which "
                                                   "site.lua does not have; there are other, shop" },
        { "R.customers { ship_to = { 'id' } }",
          "rules.customers: ship_to looks among the addresses of the matched customer, so it needs match = { "
          "\"link\", \"email\" }" },
        { "R.items { match = { 'ean' } }",
          "rules.items: match names \"ean\", which is no key to match by; there are "
          "link, sku, barcode, vendor_sku" },
        { "R.items { match = { 'sku' }, unknown = 'default' }",
          "rules.items: unknown = \"default\" needs default: add default = \"CART:ID\", the item of such "
          "lines" },
        { "R.shipping { freight = 'line' }",
          "rules.shipping: freight = \"line\" needs item: add item = \"SKU\", that of the line" },
        { "R.shipping { freight = true }",
          "rules.shipping: freight is true or false; there are field, line" },
        { "R.payments { on_account = {} }",
          "rules.payments: on_account is an empty list; write such as { \"NET30\" }, or leave it out" },
        { "R.payments { import = 'no' }", "rules.payments: import must be true or false, not a text" },
        { "R.holds { above = 'much' }",
          "rules.holds: above is \"much\", which is no decimal; write such as \"1000.00\"" },
        { "R.holds { above = 1000.5 }",
          "rules.holds: above is the float 1000.5, which is not exact; write it in quotes" },
        { "R.holds { above = { euro = '5' } }",
          "rules.holds: above names the currency euro; currencies are like EUR: { EUR = \"1000\" }" },
        { "R.holds { above = { EUR = 'x' } }",
          "rules.holds: above for EUR is \"x\", which is no decimal; write such as \"1000.00\"" },
        { "R.holds { abov = '5' }",
          "rules.holds: abov must be a table of fields with the texts that hold, or a "
          "function, not a text" },
        { "R.holds { ['big one'] = { status = 'paid' } }",
          "rules.holds: the name \"big one\" of a rule is made of letters, digits, _ and -" },
        { "R.statuses { status = {} }", "rules.statuses: status names no step, so that nothing could move; "
                                        "write false to let everything move" },
        { "R.statuses { status = { paid = 'shipped' } }",
          "rules.statuses: status paid must be a list of the words that may follow, not a text" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rules[512], expected[1024];
        snprintf(rules, sizeof rules, "{ %s }", cases[i].rules);
        snprintf(expected, sizeof expected, "site.lua:3: %s", cases[i].expected);
        assert_fault(rules, "nil", expected);
        snprintf(expected, sizeof expected, "site.lua:5: %s", cases[i].expected);
        assert_fault("nil", rules, expected);
    }
}

static void mistakes_in_the_list_of_sections_are_named(void **state)
{
    (void)state;
    assert_fault("'strict'", "nil",
                 "site.lua: rules is a text; it is a list of sections: rules = { rules.orders { ... } }");
    assert_fault(
        "nil", "R.holds { above = '5' }",
        "site.lua: carts.shop.rules is the section rules.holds alone; it is a list of sections: rules = { "
        "rules.holds { ... } }");
    assert_fault(
        "{ { only = {} } }", "nil",
        "site.lua: rules[1] is a table; the list holds what rules.orders { ... } and its siblings make");
    assert_fault(
        "nil", "{ orders = R.orders {} }",
        "site.lua: carts.shop.rules.orders is a table; the list holds what rules.orders { ... } and its "
        "siblings make");
    assert_fault(
        "{ R.taxes {},\nR.taxes { table = 'x' } }", "nil",
        "site.lua:4: rules.taxes: there is another in the same list, at site.lua:3; put them into one");
    assert_fault("{ R.order {} }", "nil", "site.lua:3: there is no rules.order; did you mean \"orders\"?");
    assert_fault("{ R.orders 'paid' }", "nil",
                 "site.lua:3: rules.orders takes a table: rules.orders { ... }");
}

static void all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    assert_fault(
        "{ R.orders { clas = 'a' }, R.holds { above = 'x' } }", "{ R.items { match = {} } }",
        "site.lua:3: rules.orders: there is no field \"clas\"; did you mean \"class\"?\n"
        "site.lua:3: rules.holds: above is \"x\", which is no decimal; write such as \"1000.00\"\n"
        "site.lua:5: rules.items: match is an empty list; write such as { \"link\" }, or leave it out");
}

/* What only the documents' fields can tell, told where the rule stands. */
static void fields_and_values_that_documents_do_not_have_are_named_with_the_rules_place(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *part;
    } cases[] = {
        { "R.orders { only = { statsu = 'paid' } }", "\"statsu\"" },
        { "R.orders { only = { status = 'payed' } }", "payed" },
        { "R.orders { state = 'parked' }", "parked" },
        { "R.orders { set = { clas = 'x' } }", "did you mean \"class\"" },
        { "R.orders { set = { total = 'much' } }", "much" },
        { "R.statuses { status = { payed = { 'paid' } } }", "payed" },
        { "R.customers { set = { total = '1' } }", "\"total\"" },
        { "R.holds { own = { nowhere = 'x' } }", "\"nowhere\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rules[256];
        snprintf(rules, sizeof rules, "{ %s }", cases[i].rules);
        if (try_open(rules, "nil"))
            fail_msg("was taken: %s", rules);
        assert_int_equal(bed.err.code, CW_USAGE);
        if (strncmp(bed.err.text, "site.lua:3: ", 12) != 0 || strstr(bed.err.text, cases[i].part) == NULL)
            fail_msg("%s: %s", rules, bed.err.text);
    }
}

/* --- what rules make of records --- */

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
        "cartwright table set CART rules.orders.class \"2\" VALUE");
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
                 "cartwright table set CART ship \"fedex\" VALUE");
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

static void the_cart_is_told_a_status_when_an_order_first_comes(void **state)
{
    (void)state;
    open_with("nil", "{ R.orders { tell_cart = 'processing' } }");
    cart_bed_decide(&bed, "orders", "{\"id\":1}", NULL);
    assert_slice(bed.mapped.tell_cart, "processing");
    cart_bed_decide(&bed, "orders", "{\"id\":1}", "{\"id\":1}");
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
        TEST(sections_for_orders_become_steps),
        TEST(customers_and_items_of_orders_are_matched),
        TEST(taxes_methods_payments_and_discounts_become_steps),
        TEST(holds_and_statuses_become_steps),
        TEST(sections_for_customers_and_items_become_steps),
        TEST(without_rules_orders_are_sales_orders_that_are_released),
        TEST(a_field_of_the_cart_takes_the_place_of_the_sites_and_false_takes_it_away),
        TEST(mistakes_in_sections_are_named_with_place_section_and_field),
        TEST(mistakes_in_the_list_of_sections_are_named),
        TEST(all_mistakes_are_told_at_once),
        TEST(fields_and_values_that_documents_do_not_have_are_named_with_the_rules_place),
        TEST(orders_are_taken_in_or_skipped),
        TEST(values_are_fixed_chosen_by_a_text_or_made_by_a_function),
        TEST(functions_that_fail_are_issues_with_their_place),
        TEST(change_may_change_the_document_before_the_other_sections),
        TEST(methods_are_translated_with_what_hangs_on_them),
        TEST(taxes_and_discounts_get_the_systems_codes),
        TEST(what_is_held_waits_for_a_person),
        TEST(statuses_move_along_their_graph),
        TEST(customers_and_items_are_filled_where_the_cart_says_nothing),
        TEST(the_cart_is_told_a_status_when_an_order_first_comes),
        TEST(matching_asks_the_store),
        TEST(rules_that_meet_the_end_of_memory_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
