/* totals_test.c - orders add up to the smallest unit, for every way that carts round. */
#include "totals_order.h"

static void an_order_that_adds_up_is_sound(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("41.36");
    add_line_total("22.00");
    set_amount("goods_total", "63.360000");
    set_amount("shipping_total", "7");
    set_amount("fee_total", "1.5");
    set_amount("discount_total", "5.86");
    set_amount("tax_total", "12.00");
    set_amount("total", "66.00");
    set_tax_included(true);
    assert_sound();
}

static void tax_is_added_only_when_it_is_not_included(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("100.00");
    set_amount("tax_total", "20.00");
    set_amount("total", "120.00");
    set_tax_included(false);
    assert_sound();
    set_tax_included(true);
    check();
    assert_issue(mapped.issues, "totals", "total",
                 "goods 100.00 make 100.00 EUR, but total is 120.00: off by 20.00");
}

static void a_cent_of_difference_is_reported_with_both_figures(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("63.36");
    set_amount("goods_total", "63.35");
    set_amount("shipping_total", "7.00");
    set_amount("discount_total", "5.00");
    set_amount("fee_total", "0.5");
    set_amount("tax_total", "10.00");
    set_amount("total", "75.85");
    set_tax_included(false);
    check();
    assert_issue(mapped.issues, "totals", "goods_total",
                 "lines 63.36 add up to 63.36 EUR, but goods_total is 63.35: off by 0.01");
    assert_issue(
        mapped.issues->next, "totals", "total",
        "goods 63.36 + shipping 7.00 + fees 0.50 - discount 5.00 + tax 10.00 make 75.86 EUR, but total is "
        "75.85: off by 0.01");
    assert_null(mapped.issues->next->next);
}

static void a_refund_s_negative_figures_add_up(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("-10.00");
    set_amount("shipping_total", "-2.00");
    set_amount("total", "-12.00");
    assert_sound();
    set_amount("total", "-12.01");
    check();
    assert_issue(mapped.issues, "totals", "total",
                 "goods -10.00 - shipping 2.00 make -12.00 EUR, but total is -12.01: off by 0.01");
}

/* 3 pieces at 0.335: by item 0.34 * 3, by line r(1.005), by total the sum of two such lines. */
static void each_rounding_level_rounds_where_it_says(void **state)
{
    (void)state;
    static const char *const cases[][3] = { { "item", "1.02", "2.04" },
                                            { "line", "1.01", "2.02" },
                                            { "total", "1.005", "2.01" } };
    for (size_t i = 0; i < 3; i++) {
        char text[CW_DECIMAL_TEXT_MAX];
        begin_order();
        set_text("currency", "EUR");
        set_text("rounding", cases[i][0]);
        struct cw_document *line = add_priced_line("3", "0.335");
        add_priced_line("3", "0.335");
        set_amount("goods_total", cases[i][2]);
        set_amount("total", cases[i][2]);
        assert_sound();
        assert_true(cw_document_get(line, "total")->is_set);
        cw_decimal_format(&cw_document_get(line, "total")->decimal, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void rounding_the_total_rounds_nothing_before_it(void **state)
{
    (void)state;
    for (int cents = 0; cents < 2; cents++) {
        begin_order();
        set_text("currency", "EUR");
        set_text("rounding", "total");
        set_tax_included(false);
        add_line_total("24.793389");
        add_line_total("9.917355");
        set_amount("shipping_total", "4.132231");
        set_amount("fee_total", "0.826446");
        set_amount("tax_total", "8.330000");
        set_amount("total", cents == 0 ? "48.00" : "48.01");
        check();
        assert_int_equal(mapped.issues != NULL, cents);
    }
    assert_issue(
        mapped.issues, "totals", "total",
        "goods 34.710744 + shipping 4.132231 + fees 0.826446 + tax 8.33 make 48.00 EUR, but total is "
        "48.01: off by 0.01");
}

static void lines_are_rounded_when_the_order_does_not_say(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_priced_line("3", "0.335");
    add_priced_line("3", "0.335");
    set_amount("total", "2.02");
    assert_sound();
}

static void each_rounding_mode_is_followed(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        /* mode, 0.125 and -0.125 to cents */
        { "up", "0.13", "-0.13" },        { "down", "0.12", "-0.12" },    { "ceiling", "0.13", "-0.12" },
        { "floor", "0.12", "-0.13" },     { "half-up", "0.13", "-0.13" }, { "half-down", "0.12", "-0.12" },
        { "half-even", "0.12", "-0.12" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int sign = 1; sign <= 2; sign++) {
            begin_order();
            set_text("currency", "EUR");
            set_text("rounding_mode", cases[i][0]);
            add_priced_line(sign == 1 ? "1" : "-1", "0.125");
            set_amount("total", cases[i][sign]);
            assert_sound();
        }
}

static void currencies_have_their_own_smallest_unit(void **state)
{
    (void)state;
    static const char *const cases[][2] = { { "JPY", "34" }, { "EUR", "33.50" }, { "KWD", "33.500" } };
    for (size_t i = 0; i < 3; i++) {
        begin_order();
        set_text("currency", cases[i][0]);
        add_priced_line("1", "33.5");
        set_amount("total", cases[i][1]);
        assert_sound();
    }
    begin_order();
    set_text("currency", "JPY");
    add_priced_line("1", "33.5");
    set_amount("total", "35");
    check();
    assert_issue(mapped.issues, "totals", "total", "goods 34 make 34 JPY, but total is 35: off by 1");
    begin_order();
    set_text("currency", "KWD");
    add_line_total("1.234");
    set_amount("total", "1.235");
    check();
    assert_issue(mapped.issues, "totals", "total",
                 "goods 1.234 make 1.234 KWD, but total is 1.235: off by 0.001");
}

static void a_line_s_own_total_is_not_recomputed(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    struct cw_document *line = add_priced_line("3", "10.00");
    set_amount_in(line, "total", "27.00");
    set_amount("total", "27.00");
    assert_sound();
}

static void a_line_without_figures_counts_as_nothing(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line();
    set_amount_in(add_line(), "unit_price", "5.00");
    add_line_total("1.00");
    set_amount("total", "1.00");
    assert_sound();
}

static void without_mapped_lines_the_goods_total_counts(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    set_amount("goods_total", "10.00");
    set_amount("shipping_total", "2.00");
    set_amount("total", "12.00");
    assert_sound();
}

static void an_order_without_lines_is_worth_nothing(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    value_of(mapped.doc, "lines");
    set_amount("goods_total", "10.00");
    set_amount("total", "10.00");
    check();
    assert_issue(mapped.issues, "totals", "goods_total",
                 "lines add up to 0.00 EUR, but goods_total is 10.00: off by 10.00");
}

static void an_order_without_total_is_missing_it(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("5.00");
    check();
    assert_issue(mapped.issues, "missing", "total", "total is missing, so nothing says what the buyer owes");
    assert_null(mapped.issues->next);
}

static void figures_that_are_at_fault_already_are_not_added_up(void **state)
{
    (void)state;
    static const char *const fields[] = { "total", "lines[1].quantity", "currency", "rounding_mode",
                                          "lines" };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        begin_order();
        set_text("currency", "EUR");
        add_line_total("5.00");
        set_amount("total", "6.00");
        assert_true(cw_mapped_add_issue(&mapped, &arena, "invalid", fields[i], "is wrong"));
        check();
        assert_null(mapped.issues->next);
    }
}

static void issues_of_other_fields_do_not_hide_a_wrong_sum(void **state)
{
    (void)state;
    static const char *const fields[] = { "status", "lines[1].sku", "payments[1].amount", "custom.total" };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        begin_order();
        set_text("currency", "EUR");
        add_line_total("5.00");
        set_amount("total", "6.00");
        assert_true(cw_mapped_add_issue(&mapped, &arena, "invalid", fields[i], "is wrong"));
        check();
        assert_non_null(mapped.issues->next);
        assert_slice(mapped.issues->next->code, "totals");
    }
}

static void an_unknown_currency_is_not_added_up(void **state)
{
    (void)state;
    set_text("currency", "XXQ");
    add_line_total("5.00");
    set_amount("total", "6.00");
    assert_sound();
}

static void amounts_too_large_to_add_are_an_issue(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("99999999999999999999999999999999999999");
    add_line_total("1");
    set_amount("total", "1");
    check();
    assert_issue(mapped.issues, "overflow", "total", "the amounts are too large to be added up exactly");
}

static void other_kinds_and_skipped_records_are_left_alone(void **state)
{
    (void)state;
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, &cw_kind_item) };
    assert_sound();
    mapped = (struct cw_mapped){ .skipped_by = "drafts" };
    assert_sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_that_adds_up_is_sound),
        TEST(tax_is_added_only_when_it_is_not_included),
        TEST(a_cent_of_difference_is_reported_with_both_figures),
        TEST(a_refund_s_negative_figures_add_up),
        TEST(each_rounding_level_rounds_where_it_says),
        TEST(rounding_the_total_rounds_nothing_before_it),
        TEST(lines_are_rounded_when_the_order_does_not_say),
        TEST(each_rounding_mode_is_followed),
        TEST(currencies_have_their_own_smallest_unit),
        TEST(a_line_s_own_total_is_not_recomputed),
        TEST(a_line_without_figures_counts_as_nothing),
        TEST(without_mapped_lines_the_goods_total_counts),
        TEST(an_order_without_lines_is_worth_nothing),
        TEST(an_order_without_total_is_missing_it),
        TEST(figures_that_are_at_fault_already_are_not_added_up),
        TEST(issues_of_other_fields_do_not_hide_a_wrong_sum),
        TEST(an_unknown_currency_is_not_added_up),
        TEST(amounts_too_large_to_add_are_an_issue),
        TEST(other_kinds_and_skipped_records_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
