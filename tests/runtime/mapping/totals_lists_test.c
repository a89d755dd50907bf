/* totals_lists_test.c - lines with discounts, lists beside their totals, and how a wrong sum is told. */
#include "totals_order.h"

static void a_line_s_discount_is_taken_off_after_rounding(void **state)
{
    (void)state;
    static const char *const cases[][3] = { { "item", "0.92", "0.92" },
                                            { "line", "0.91", "0.91" },
                                            { "total", "0.905", "0.91" } };
    for (size_t i = 0; i < 3; i++) {
        char text[CW_DECIMAL_TEXT_MAX];
        begin_order();
        set_text("currency", "EUR");
        set_text("rounding", cases[i][0]);
        struct cw_document *line = add_priced_line("3", "0.335");
        set_amount_in(line, "discount", "0.1");
        set_amount("goods_total", cases[i][2]);
        set_amount("total", cases[i][2]);
        assert_sound();
        cw_decimal_format(&cw_document_get(line, "total")->decimal, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void a_line_s_own_total_contains_its_discount(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    struct cw_document *line = add_priced_line("3", "10.00");
    set_amount_in(line, "discount", "3.00");
    set_amount_in(line, "total", "27.00");
    set_amount("total", "27.00");
    assert_sound();
}

/* Lines that make `goods` instead of one unit more; the message is for goods_total. */
static void assert_goods_message(const char *goods, const char *message)
{
    set_amount("goods_total", goods);
    check();
    assert_issue(mapped.issues, "totals", "goods_total", message);
    assert_true(mapped.issues->is_hold);
}

static void the_arithmetic_of_lines_is_shown(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_priced_line("2.000", "15.750000");
    add_priced_line("1", "31.86");
    set_amount("total", "63.36");
    assert_goods_message(
        "63.35", "lines 2 x 15.75 + 1 x 31.86 add up to 63.36 EUR, but goods_total is 63.35: off by 0.01");
    begin_order();
    set_text("currency", "EUR");
    set_amount_in(add_priced_line("2", "15.75"), "discount", "1.5");
    add_priced_line("3", "0.335");
    set_amount_in(add_priced_line("-1", "4.00"), "discount", "-0.5");
    set_amount_in(add_priced_line("1", "9.00"), "total", "8.00");
    add_line_total("-2.00");
    add_line();
    set_amount("total", "33.51");
    assert_goods_message("33.52",
                         "lines (2 x 15.75 - 1.50) + (3 x 0.335 = 1.01) + (-1 x 4.00 + 0.50) + 8.00 - "
                         "2.00 add up to 33.51 EUR, but goods_total is 33.52: off by 0.01");
}

static void a_price_that_is_rounded_first_is_shown_rounded(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    set_text("rounding", "item");
    add_priced_line("3", "0.335");
    set_amount("total", "1.02");
    assert_goods_message("1.03", "lines 3 x 0.34 add up to 1.02 EUR, but goods_total is 1.03: off by 0.01");
}

static void the_arithmetic_is_the_same_when_an_order_is_checked_again(void **state)
{
    (void)state;
    static const char message[] =
        "lines (3 x 0.335 = 1.01) add up to 1.01 EUR, but goods_total is 1.02: off by 0.01";
    set_text("currency", "EUR");
    add_priced_line("3", "0.335");
    set_amount("total", "1.01");
    assert_goods_message("1.02", message);
    mapped.issues = NULL;
    assert_goods_message("1.02", message);
}

static void eight_lines_are_spelt_out_and_nine_are_not(void **state)
{
    (void)state;
    set_text("currency", "JPY");
    for (int i = 1; i <= 8; i++)
        add_priced_line("1", "5");
    set_amount("total", "40");
    assert_goods_message("41",
                         "lines 1 x 5 + 1 x 5 + 1 x 5 + 1 x 5 + 1 x 5 + 1 x 5 + 1 x 5 + 1 x 5 add up to 40 "
                         "JPY, but goods_total is 41: off by 1");
    mapped.issues = NULL;
    add_priced_line("1", "5");
    set_amount("total", "45");
    assert_goods_message("46", "lines add up to 45 JPY, but goods_total is 46: off by 1");
}

static void figures_that_would_not_fit_a_message_are_left_out(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    for (int i = 1; i <= 8; i++)
        set_amount_in(add_priced_line("1.000000000000000001", "1.000000000000000001"), "discount",
                      "0.000000000000000000000000000000000001");
    set_amount("total", "8");
    assert_goods_message("9", "lines add up to 8.00 EUR, but goods_total is 9.00: off by 1.00");
}

static void fees_add_up_to_fee_total(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("10.00");
    add_entry("fees", &cw_kind_fee, "1.50");
    add_entry("fees", &cw_kind_fee, "-0.5");
    set_amount("fee_total", "1");
    set_amount("total", "11.00");
    assert_sound();
    set_amount("fee_total", "1.01");
    set_amount("total", "11.01");
    check();
    assert_issue(mapped.issues, "totals", "fee_total",
                 "fees 1.50 - 0.50 add up to 1.00 EUR, but fee_total is 1.01: off by 0.01");
    assert_true(mapped.issues->is_hold);
    assert_null(mapped.issues->next);
}

static void taxes_add_up_to_tax_total_whether_included_or_not(void **state)
{
    (void)state;
    for (int included = 0; included < 2; included++) {
        begin_order();
        set_text("currency", "KWD");
        set_tax_included(included == 1);
        add_line_total("10.000");
        add_entry("taxes", &cw_kind_tax, "1.5");
        add_entry("taxes", &cw_kind_tax, "0.255");
        set_amount("tax_total", "1.755");
        set_amount("total", included == 1 ? "10.000" : "11.755");
        assert_sound();
        set_amount("tax_total", "1.754");
        set_amount("total", included == 1 ? "10.000" : "11.754");
        check();
        assert_issue(mapped.issues, "totals", "tax_total",
                     "taxes 1.500 + 0.255 add up to 1.755 KWD, but tax_total is 1.754: off by 0.001");
        assert_null(mapped.issues->next);
    }
}

/* 1.004 of goods and 1.004 of freight, each rounded: 2.00; the sum rounded would be 2.01. */
static void taxes_finer_than_the_smallest_unit_are_not_compared(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    set_tax_included(false);
    add_line_total("10.00");
    add_entry("taxes", &cw_kind_tax, "1.004");
    add_entry("taxes", &cw_kind_tax, "1.004");
    set_amount("tax_total", "2.00");
    set_amount("total", "12.00");
    assert_sound();
}

static void fees_finer_than_the_smallest_unit_are_rounded_as_a_sum(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    set_text("rounding", "total");
    add_line_total("10.00");
    add_entry("fees", &cw_kind_fee, "0.826446");
    add_entry("fees", &cw_kind_fee, "0.004");
    set_amount("fee_total", "0.830446");
    set_amount("total", "10.83");
    assert_sound();
}

static void lists_that_do_not_tell_every_amount_are_not_compared(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("10.00");
    value_of(mapped.doc, "taxes");
    set_amount("tax_total", "2.00");
    add_entry("fees", &cw_kind_fee, "1.00");
    add_entry("fees", &cw_kind_fee, NULL);
    set_amount("fee_total", "3.00");
    set_amount("total", "13.00");
    assert_sound();
}

/* Shops list coupons that have been taken off the lines already. */
static void listed_discounts_are_not_compared(void **state)
{
    (void)state;
    set_text("currency", "EUR");
    add_line_total("10.00");
    add_entry("discounts", &cw_kind_discount, "4.00");
    set_amount("discount_total", "1.00");
    set_amount("total", "9.00");
    assert_sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_s_discount_is_taken_off_after_rounding),
        TEST(a_line_s_own_total_contains_its_discount),
        TEST(the_arithmetic_of_lines_is_shown),
        TEST(a_price_that_is_rounded_first_is_shown_rounded),
        TEST(the_arithmetic_is_the_same_when_an_order_is_checked_again),
        TEST(eight_lines_are_spelt_out_and_nine_are_not),
        TEST(figures_that_would_not_fit_a_message_are_left_out),
        TEST(fees_add_up_to_fee_total),
        TEST(taxes_add_up_to_tax_total_whether_included_or_not),
        TEST(taxes_finer_than_the_smallest_unit_are_not_compared),
        TEST(fees_finer_than_the_smallest_unit_are_rounded_as_a_sum),
        TEST(lists_that_do_not_tell_every_amount_are_not_compared),
        TEST(listed_discounts_are_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
