/* plan_format_test.c - numbers and times that a shop writes in its own way, and amounts in another unit. */
#include "mapped.h"

static const struct cw_slice german[] = { { "1.234,56", 8 } };

static void set_currency(void)
{
    add(plan, "currency", NULL, .source = CW_FROM_CONSTANT, .text = cw_slice("EUR"));
}

static void numbers_and_times_are_read_by_their_format(void **state)
{
    (void)state;
    struct cw_slice times[] = { cw_slice("%s"), cw_slice("%d.%m.%Y %H:%M") };
    struct cw_zone *zone = cw_zone_open("Europe/Berlin", NULL);
    set_currency();
    add(plan, "total", "total", .formats = german, .format_count = 1);
    add(plan, "placed_at", "at", .formats = times, .format_count = 2, .zone = zone);
    run("{total:' 1.234,50 ' at:'31.12.2026 14:05'}");
    assert_field("total", "1234.50");
    assert_field("placed_at", "2026-12-31T13:05:00Z");
    run("{total:'-0,5' at:1767182700}");
    assert_field("total", "-0.5");
    assert_field("placed_at", "2025-12-31T12:05:00Z");
    assert_issue_count(0);
    cw_zone_free(zone);
}

static void what_does_not_fit_the_format_is_an_issue_that_shows_it(void **state)
{
    (void)state;
    set_currency();
    add(plan, "total", "total", .formats = german, .format_count = 1);
    run("{total:'12.5'}");
    assert_issue(0, "invalid", "total", "total",
                 "total is \"12.5\", which is no amount written like 1.234,56");
    assert_field("total", NULL);
}

static void cents_become_amounts_and_sums_of_them_too(void **state)
{
    (void)state;
    struct cw_slice path = cw_slice("fees/fee");
    set_currency();
    add(plan, "total", "total", .times = cw_slice("0.01"));
    add(plan, "discount_total", "saved", .times = cw_slice("0.01"), .negate = true);
    add(plan, "fee_total", NULL, .source = CW_FROM_SUM, .paths = &path, .path_count = 1, .formats = german,
        .format_count = 1, .times = cw_slice("0.01"));
    run("{total:1999 saved:-250 fees:{fee:['1.000' '50']}}");
    assert_field("total", "19.99");
    assert_field("discount_total", "2.50");
    assert_field("fee_total", "10.50");
    assert_issue_count(0);
}

static void a_default_is_in_the_fields_own_unit(void **state)
{
    (void)state;
    set_currency();
    add(plan, "total", "total", .times = cw_slice("0.01"), .has_default = true,
        .default_text = cw_slice("7.50"));
    run("{}");
    assert_field("total", "7.50");
}

static void a_product_that_does_not_fit_is_an_issue(void **state)
{
    (void)state;
    set_currency();
    add(plan, "total", "total", .times = cw_slice("1000"));
    run("{total:12345678901234567890123456789012345678}");
    assert_issue(
        0, "overflow", "total", "total",
        "total is \"12345678901234567890123456789012345678\", which has more digits than a number can keep "
        "(38)");
}

static void refuse(struct cw_field_rule rule, const char *message)
{
    struct cw_slice path = cw_slice("x");
    rule.paths = &path;
    rule.path_count = 1;
    rule.where = cw_slice("carts/x.lua:7");
    assert_false(cw_plan_add(plan, &rule, &err));
    assert_string_equal(err.text, message);
}

static void formats_that_do_not_fit_their_field_are_refused(void **state)
{
    (void)state;
    struct cw_slice wrong = cw_slice("%H:%M");
    refuse((struct cw_field_rule){ .target = "number", .formats = german, .format_count = 1 },
           "carts/x.lua:7: number is text; only numbers and times have a format");
    refuse((struct cw_field_rule){ .target = "placed_at", .formats = &wrong, .format_count = 1 },
           "carts/x.lua:7: placed_at: \"%H:%M\" is no format of times; it names year, month and day "
           "(\"%d.%m.%Y %H:%M\"), or seconds (%s) or milliseconds (%Q) since 1970");
    refuse(
        (struct cw_field_rule){
            .target = "total", .source = CW_FROM_CALL, .formats = german, .format_count = 1 },
        "carts/x.lua:7: total comes from a function, which takes no format");
    refuse((struct cw_field_rule){ .target = "placed_at", .times = cw_slice("2") },
           "carts/x.lua:7: placed_at is time; only decimals and amounts of money can be multiplied");
    refuse((struct cw_field_rule){ .target = "total", .times = cw_slice("1/100") },
           "carts/x.lua:7: total is to be multiplied by \"1/100\", which is no number; cents are times = "
           "\"0.01\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_and_times_are_read_by_their_format, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_the_format_is_an_issue_that_shows_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cents_become_amounts_and_sums_of_them_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_default_is_in_the_fields_own_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_product_that_does_not_fit_is_an_issue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formats_that_do_not_fit_their_field_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
