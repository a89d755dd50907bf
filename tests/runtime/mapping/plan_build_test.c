/* plan_build_test.c - what is wrong with a mapping is refused when it is built, in words that mend it. */
#include "testing.h"

#include <stdio.h>

#include "mapping/plan.h"

static struct cw_error err;
static struct cw_plan *order, *line;

static int set_up(void **state)
{
    (void)state;
    order = cw_plan_create(&cw_kind_order, "orders.map", &err);
    line = cw_plan_create(&cw_kind_line, "orders.map.lines", &err);
    return order != NULL && line != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cw_plan_free(order);
    cw_plan_free(line);
    return 0;
}

static const struct cw_slice path_x = { "x", 1 };

/* A rule from path "x" at line 41. */
static struct cw_field_rule rule_for(const char *target)
{
    return (struct cw_field_rule){ .target = target,
                                   .paths = &path_x,
                                   .path_count = 1,
                                   .call = -1,
                                   .where = cw_slice("carts/shop.lua:41") };
}

static void add(struct cw_plan *plan, const struct cw_field_rule *rule)
{
    assert_ok(cw_plan_add(plan, rule, &err), err);
}

static void assert_refused(struct cw_plan *plan, const struct cw_field_rule *rule, const char *expected)
{
    err.code = CW_OK;
    assert_false(cw_plan_add(plan, rule, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_string_equal(err.text, expected);
}

static void an_unknown_field_is_refused_with_a_suggestion(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("quantiy");
    assert_refused(line, &rule,
                   "carts/shop.lua:41: unknown field \"quantiy\" of line; did you mean \"quantity\"?");
    rule.target = "xylophone_tuning";
    assert_refused(
        line, &rule,
        "carts/shop.lua:41: unknown field \"xylophone_tuning\" of line; fields of your own stand under "
        "custom");
}

static void a_rule_without_a_place_is_named_by_the_plan(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("quantiy");
    rule.where = (struct cw_slice){ NULL, 0 };
    assert_refused(line, &rule,
                   "orders.map.lines: unknown field \"quantiy\" of line; did you mean \"quantity\"?");
}

static void a_field_is_mapped_once(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("number");
    add(order, &rule);
    rule.where = cw_slice("carts/shop.lua:50");
    assert_refused(order, &rule,
                   "carts/shop.lua:50: field \"number\" of order is mapped twice; the first time at "
                   "carts/shop.lua:41");
    rule = rule_for("gift");
    rule.is_custom = true;
    add(order, &rule);
    assert_refused(order, &rule,
                   "carts/shop.lua:41: custom field \"gift\" of order is mapped twice; the first time at "
                   "carts/shop.lua:41");
}

static void a_custom_field_holds_a_single_value(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("boxes");
    rule.is_custom = true;
    rule.custom_type = CW_LIST;
    assert_refused(
        order, &rule,
        "carts/shop.lua:41: custom field \"boxes\" cannot be a list; own fields hold single values");
    rule.target = "";
    assert_refused(order, &rule, "carts/shop.lua:41: a custom field of order has no name");
}

static void a_malformed_path_is_refused_with_the_rule_s_place(void **state)
{
    (void)state;
    struct cw_slice path = cw_slice("a//b");
    struct cw_field_rule rule = rule_for("number");
    rule.paths = &path;
    assert_refused(order, &rule, "carts/shop.lua:41: path \"a//b\", character 3: a step is empty");
    rule = rule_for("number"); /* what was refused has left nothing behind */
    add(order, &rule);
}

static void a_source_must_fit_the_field(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("lines");
    assert_refused(order, &rule,
                   "carts/shop.lua:41: lines is a list and cannot come from a path; it is map.each(path, "
                   "map.KIND { ... })");
    rule = rule_for("number");
    rule.source = CW_FROM_SUM;
    assert_refused(order, &rule, "carts/shop.lua:41: number is a text and cannot come from a sum");
    rule.source = CW_FROM_EACH;
    assert_refused(order, &rule,
                   "carts/shop.lua:41: number is a text and cannot come from a list of records");
    rule = rule_for("billing");
    rule.source = CW_FROM_CALL;
    assert_refused(order, &rule,
                   "carts/shop.lua:41: billing is a record and cannot come from a function; it is "
                   "map.at(path, map.KIND { ... })");
    rule = rule_for("count");
    rule.is_custom = true;
    rule.custom_type = CW_INTEGER;
    rule.source = CW_FROM_RECORD;
    assert_refused(order, &rule,
                   "carts/shop.lua:41: count is an integer and cannot come from a nested record");
}

static void a_list_needs_a_plan_of_its_kind_and_one_path(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("lines");
    rule.source = CW_FROM_EACH;
    assert_refused(order, &rule, "carts/shop.lua:41: lines needs a mapping of line");
    rule.plan = order;
    assert_refused(order, &rule, "carts/shop.lua:41: lines needs a mapping of line, not of order");
    rule.plan = line;
    rule.path_count = 0;
    assert_refused(order, &rule, "carts/shop.lua:41: lines needs exactly one path, not 0");
    rule.path_count = 1;
    add(order, &rule);
}

static void a_value_needs_somewhere_to_come_from(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("number");
    rule.path_count = 0;
    assert_refused(order, &rule, "carts/shop.lua:41: number has no path");
    rule.source = CW_FROM_CALL;
    assert_refused(order, &rule, "carts/shop.lua:41: number has no function");
    rule.source = CW_FROM_CONSTANT;
    assert_refused(order, &rule,
                   "carts/shop.lua:41: the constant of number is empty; leave the field out instead");
}

static void a_constant_is_read_when_it_is_added(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("quantity");
    rule.source = CW_FROM_CONSTANT;
    rule.text = cw_slice("two");
    assert_refused(line, &rule,
                   "carts/shop.lua:41: the constant of quantity is \"two\", which is no decimal number");
    rule.text = cw_slice("2");
    add(line, &rule);
}

static void a_constant_is_one_of_the_field_s_words(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("rounding");
    rule.source = CW_FROM_CONSTANT;
    rule.text = cw_slice("lines");
    assert_refused(order, &rule,
                   "carts/shop.lua:41: the constant of rounding is \"lines\", which is none of: item, line, "
                   "total");
}

static void a_default_is_read_when_it_is_added(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("tax_included");
    rule.has_default = true;
    rule.default_text = cw_slice("perhaps");
    assert_refused(order, &rule,
                   "carts/shop.lua:41: the default of tax_included is \"perhaps\", which is neither true nor "
                   "false");
    rule = rule_for("status");
    rule.has_default = true;
    rule.default_text = cw_slice("payed");
    assert_refused(order, &rule,
                   "carts/shop.lua:41: the default of status is \"payed\", which is none of: draft, pending, "
                   "on_hold, paid, processing, backorder, shipped, completed, cancelled, refunded, failed");
}

static void flags_must_make_sense(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("total");
    rule.source = CW_FROM_SUM;
    rule.table = "amounts";
    assert_refused(order, &rule,
                   "carts/shop.lua:41: total comes from a sum, which cannot be translated by table amounts");
    rule.table = NULL;
    rule.has_default = true;
    assert_refused(order, &rule, "carts/shop.lua:41: total comes from a sum, which takes no default");
    rule = rule_for("number");
    rule.negate = true;
    assert_refused(order, &rule,
                   "carts/shop.lua:41: number is text; only decimals and amounts of money can be negated");
}

static void assert_unfinished(const char *expected)
{
    assert_false(cw_plan_finish(order, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_string_equal(err.text, expected);
}

static void a_table_without_rows_is_found_at_the_end(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("status");
    rule.table = "status";
    add(order, &rule);
    assert_unfinished("carts/shop.lua:41: status is translated by table status, which has no rows");
    assert_ok(cw_plan_add_row(order, "status", cw_slice("2"), cw_slice("paid"), false, cw_slice(""), &err),
              err);
    assert_ok(cw_plan_finish(order, &err), err);
}

static void table_values_must_fit_the_field(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("status");
    rule.table = "status";
    add(order, &rule);
    struct cw_slice where = cw_slice("carts/shop.lua:7");
    assert_ok(cw_plan_add_row(order, "status", cw_slice("2"), cw_slice("payed"), false, where, &err), err);
    assert_ok(cw_plan_add_row(order, "status", cw_slice("3"), cw_slice(""), true, where, &err), err);
    assert_unfinished(
        "carts/shop.lua:7: in table status, row \"2\", the value for status is \"payed\", which is "
        "none of: draft, pending, on_hold, paid, processing, backorder, shipped, completed, "
        "cancelled, refunded, failed");
}

static void tables_of_nested_rules_are_those_of_the_outermost_plan(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("tax_rate");
    rule.table = "rates";
    add(line, &rule);
    rule = rule_for("lines");
    rule.source = CW_FROM_EACH;
    rule.plan = line;
    add(order, &rule);
    assert_unfinished("carts/shop.lua:41: tax_rate is translated by table rates, which has no rows");
    assert_ok(cw_plan_add_row(order, "rates", cw_slice("A"), cw_slice("x"), false, cw_slice(""), &err), err);
    assert_unfinished(
        "carts/shop.lua:41: in table rates, row \"A\", the value for tax_rate is \"x\", which is no "
        "decimal number");
    assert_ok(cw_plan_add_row(order, "rates", cw_slice("A"), cw_slice("20"), false, cw_slice(""), &err), err);
    assert_ok(cw_plan_finish(order, &err), err);
}

static void money_without_a_currency_is_found_at_the_end(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("unit_price");
    add(line, &rule);
    rule = rule_for("lines");
    rule.source = CW_FROM_EACH;
    rule.plan = line;
    add(order, &rule);
    assert_unfinished(
        "carts/shop.lua:41: unit_price is an amount of money, but orders.map does not map currency");
    rule = rule_for("currency");
    add(order, &rule);
    assert_ok(cw_plan_finish(order, &err), err);
}

static void a_kind_without_currency_takes_no_money(void **state)
{
    (void)state;
    struct cw_plan *customer = cw_plan_create(&cw_kind_customer, "customers.map", &err);
    struct cw_field_rule rule = rule_for("credit");
    rule.is_custom = true;
    rule.custom_type = CW_MONEY;
    add(customer, &rule);
    assert_false(cw_plan_finish(customer, &err));
    assert_string_equal(err.text, "carts/shop.lua:41: credit is an amount of money, but a customer has no "
                                  "currency; make it a decimal");
    cw_plan_free(customer);
}

static void all_faults_are_reported_at_once(void **state)
{
    (void)state;
    struct cw_field_rule rule = rule_for("status");
    rule.table = "status";
    add(order, &rule);
    rule = rule_for("payment_method");
    rule.table = "payment";
    add(order, &rule);
    rule = rule_for("total");
    add(order, &rule);
    assert_unfinished("carts/shop.lua:41: status is translated by table status, which has no rows\n"
                      "carts/shop.lua:41: total is an amount of money, but orders.map does not map currency\n"
                      "carts/shop.lua:41: payment_method is translated by table payment, which has no rows");
}

static void a_hundred_faults_do_not_overflow_the_message(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "own%d", i);
        struct cw_field_rule rule = rule_for(name);
        rule.is_custom = true;
        rule.table = name;
        add(order, &rule);
    }
    assert_false(cw_plan_finish(order, &err));
    assert_true(strlen(err.text) < CW_ERROR_TEXT_MAX);
    assert_non_null(strstr(err.text, "table own0,"));
}

static void a_skip_rule_with_a_malformed_path_is_refused(void **state)
{
    (void)state;
    struct cw_slice value = cw_slice("draft");
    assert_false(cw_plan_add_skip(order, "drafts", cw_slice("a["), &value, 1, &err));
    assert_string_equal(err.text,
                        "orders.map: skip rule \"drafts\": path \"a[\", character 3: in brackets stands "
                        "[NUMBER], [child=VALUE] or [@attribute=VALUE]");
}

static void freeing_no_plan_is_fine(void **state)
{
    (void)state;
    cw_plan_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_field_is_refused_with_a_suggestion),
        TEST(a_rule_without_a_place_is_named_by_the_plan),
        TEST(a_field_is_mapped_once),
        TEST(a_custom_field_holds_a_single_value),
        TEST(a_malformed_path_is_refused_with_the_rule_s_place),
        TEST(a_source_must_fit_the_field),
        TEST(a_list_needs_a_plan_of_its_kind_and_one_path),
        TEST(a_value_needs_somewhere_to_come_from),
        TEST(a_constant_is_read_when_it_is_added),
        TEST(a_constant_is_one_of_the_field_s_words),
        TEST(a_default_is_read_when_it_is_added),
        TEST(flags_must_make_sense),
        TEST(a_table_without_rows_is_found_at_the_end),
        TEST(table_values_must_fit_the_field),
        TEST(tables_of_nested_rules_are_those_of_the_outermost_plan),
        TEST(money_without_a_currency_is_found_at_the_end),
        TEST(a_kind_without_currency_takes_no_money),
        TEST(all_faults_are_reported_at_once),
        TEST(a_hundred_faults_do_not_overflow_the_message),
        TEST(a_skip_rule_with_a_malformed_path_is_refused),
        TEST(freeing_no_plan_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
