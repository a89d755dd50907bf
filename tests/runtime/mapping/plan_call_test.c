/* plan_call_test.c - functions of the script as sources and skip rules. */
#include "mapped.h"

/* What the fake script was asked, and what it answers. */
static struct {
    int calls, number;
    enum cw_type want;
    const struct cw_node *record;
    struct cw_value answer;
    enum cw_code fails;
} script;

static bool fake_call(void *arg, int number, const struct cw_scope *scope, enum cw_type want,
                      struct cw_arena *in, struct cw_value *out, struct cw_error *fault)
{
    (void)arg;
    (void)in;
    script.calls++;
    script.number = number;
    script.want = want;
    script.record = scope->record;
    if (script.fails != CW_OK)
        return cw_fail(fault, script.fails, "carts/shop.lua:12: attempt to index a nil value");
    *out = script.answer;
    return true;
}

static const struct cw_plan_host fake_host = { .call = fake_call };

static int with_script(void **state)
{
    memset(&script, 0, sizeof script);
    int result = set_up(state);
    host = &fake_host;
    return result;
}

static void answer_text(const char *text)
{
    script.answer = (struct cw_value){ .is_set = true, .text = cw_slice(text) };
}

static void a_function_gives_a_value_of_the_field_s_type(void **state)
{
    (void)state;
    add(plan, "tax_included", NULL, .source = CW_FROM_CALL, .call = 3);
    script.answer = (struct cw_value){ .is_set = true, .boolean = true };
    run("{a:1}");
    assert_field("tax_included", "true");
    assert_int_equal(script.number, 3);
    assert_int_equal(script.want, CW_BOOLEAN);
}

static void its_text_is_trimmed_and_checked_like_the_cart_s(void **state)
{
    (void)state;
    add(plan, "rounding", NULL, .source = CW_FROM_CALL, .call = 0);
    answer_text(" line ");
    run("{}");
    assert_field("rounding", "line");
    answer_text("lines");
    run("{}");
    assert_issue(0, "choice", "rounding", "", "rounding is \"lines\", which is none of: item, line, total");
    answer_text("  ");
    run("{}");
    assert_field("rounding", NULL);
    assert_issue_count(0);
}

static void a_translated_function_is_asked_for_text(void **state)
{
    (void)state;
    add(plan, "paid_at", NULL, .source = CW_FROM_CALL, .table = "dates");
    add_row("dates", "never", "1970-01-01T00:00:00Z");
    answer_text("Never");
    run("{}");
    assert_int_equal(script.want, CW_TEXT);
    assert_field("paid_at", "1970-01-01T00:00:00Z");
}

static void no_value_takes_the_default_or_is_missing(void **state)
{
    (void)state;
    add(plan, "number", NULL, .source = CW_FROM_CALL, .has_default = true, .default_text = cw_slice("none"));
    add(plan, "email", NULL, .source = CW_FROM_CALL, .required = true);
    run("{}");
    assert_field("number", "none");
    assert_issue(0, "missing", "email", "", "email is missing: its function gives no value");
}

static void a_function_that_fails_is_an_issue_of_its_field(void **state)
{
    (void)state;
    add(plan, "note", "n");
    add(plan, "number", NULL, .source = CW_FROM_CALL);
    script.fails = CW_SCRIPT;
    run("{n:'hello'}");
    assert_issue(0, "script", "number", "", "number: carts/shop.lua:12: attempt to index a nil value");
    assert_field("note", "hello");
    script.fails = CW_LIMIT;
    run("{}");
    assert_slice(issue_at(0)->code, "limit");
}

static void without_a_host_there_is_an_issue(void **state)
{
    (void)state;
    add(plan, "number", NULL, .source = CW_FROM_CALL);
    host = NULL;
    run("{}");
    assert_issue(0, "script", "number", "", "number needs a function, but none can run here");
}

static void money_of_a_function_is_negated_and_needs_a_currency(void **state)
{
    (void)state;
    struct cw_error ignored;
    add(plan, "discount_total", NULL, .source = CW_FROM_CALL, .negate = true);
    script.answer = (struct cw_value){ .is_set = true };
    assert_true(cw_decimal_parse(cw_slice("-2.50"), &script.answer.decimal, &ignored));
    run("{}");
    assert_field("discount_total", "2.50");
    assert_issue(0, "currency", "discount_total", "",
                 "discount_total is an amount, but the record has no currency");
}

static void a_function_of_a_line_sees_the_line(void **state)
{
    (void)state;
    add(line, "sku", NULL, .source = CW_FROM_CALL);
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    answer_text("A");
    run("{l:[{sku:'x'}]}");
    assert_int_equal(script.calls, 1);
    assert_slice(script.record->first->text, "x");
    assert_value(line_at(0), "sku", "A");
}

static void currency_is_asked_for_once(void **state)
{
    (void)state;
    add(plan, "total", "t");
    add(plan, "currency", NULL, .source = CW_FROM_CALL);
    answer_text("EUR");
    run("{t:5}");
    assert_int_equal(script.calls, 1);
    assert_field("currency", "EUR");
    assert_issue_count(0);
}

static void a_skip_function_answers_true(void **state)
{
    (void)state;
    assert_ok(cw_plan_add_skip_call(plan, "too old", 9, &err), err);
    add(plan, "number", "n");
    script.answer = (struct cw_value){ .is_set = true, .boolean = true };
    run("{n:'1'}");
    assert_string_equal(mapped.skipped_by, "too old");
    assert_int_equal(script.want, CW_BOOLEAN);
    script.answer.boolean = false;
    run("{n:'1'}");
    assert_field("number", "1");
}

static void a_skip_function_that_fails_keeps_the_record_with_an_issue(void **state)
{
    (void)state;
    assert_ok(cw_plan_add_skip_call(plan, "too old", 9, &err), err);
    add(plan, "number", "n");
    script.fails = CW_SCRIPT;
    run("{n:'1'}");
    assert_null(mapped.skipped_by);
    assert_field("number", "1");
    assert_issue(0, "script", "", "",
                 "skip rule \"too old\": carts/shop.lua:12: attempt to index a nil value");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, with_script, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_function_gives_a_value_of_the_field_s_type),
        TEST(its_text_is_trimmed_and_checked_like_the_cart_s),
        TEST(a_translated_function_is_asked_for_text),
        TEST(no_value_takes_the_default_or_is_missing),
        TEST(a_function_that_fails_is_an_issue_of_its_field),
        TEST(without_a_host_there_is_an_issue),
        TEST(money_of_a_function_is_negated_and_needs_a_currency),
        TEST(a_function_of_a_line_sees_the_line),
        TEST(currency_is_asked_for_once),
        TEST(a_skip_function_answers_true),
        TEST(a_skip_function_that_fails_keeps_the_record_with_an_issue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
