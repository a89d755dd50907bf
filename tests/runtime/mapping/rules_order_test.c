/* rules_order_test.c - tax codes, freight lines, payments and discounts by rule; and every rule with too
 * little memory. */
#include "ruled.h"

#include <stdio.h>

#include "mapping/totals.h"

/* --- tax --- */

static void tax(const char *taxable)
{
    step(CW_TAX, .name = "taxes", .source = "shipping", .table = "tax", .taxable = cw_slice(taxable),
         .not_taxable = cw_slice("EXEMPT"));
}

static void rows(void)
{
    add_row("tax", "US-CA", "CA");
    add_row("tax", "US", "US");
    add_row("tax", "CH", NULL);
}

static void the_region_s_row_comes_before_the_country_s(void **state)
{
    (void)state;
    rows();
    tax(NULL);
    add_member(mapped.doc, "lines");
    set("shipping.country", "US");
    set("shipping.region", "CA");
    run();
    assert_text("tax_code", "CA");
    assert_text("shipping_tax_code", "CA");
    assert_text("lines[1].tax_code", "CA");
    set("shipping.region", "NY");
    run();
    assert_text("tax_code", "US");
    add_row("tax", "*", "WORLD");
    set("shipping.region", "TX");
    run();
    assert_text("tax_code", "US");
    set("shipping.country", "AU");
    run();
    assert_text("tax_code", "WORLD");
    assert_no_issues();
}

static void a_place_without_a_row_takes_the_default_or_is_an_issue(void **state)
{
    (void)state;
    rows();
    tax(NULL);
    set("shipping.country", "AU");
    set("shipping.region", "NSW");
    run();
    assert_text("tax_code", NULL);
    assert_issue(
        0, "unknown-tax", "tax_code", "AU-NSW", false,
        "the address's country \"AU-NSW\" has no row in table tax; add one: cartwright table set shop tax "
        "\"AU-NSW\" VALUE");
    mapped.issues = NULL;
    cw_rules_free(rules);
    rules = cw_rules_create(&cw_kind_order, &err);
    tax("STANDARD");
    run();
    assert_text("tax_code", "STANDARD");
    set("shipping.country", "CH");
    run();
    assert_text("tax_code", NULL);
    assert_no_issues();
}

static void billing_stands_in_for_a_missing_delivery_address(void **state)
{
    (void)state;
    rows();
    tax(NULL);
    set("billing.country", "US");
    run();
    assert_text("tax_code", "US");
}

static void who_pays_no_tax_gets_the_other_code(void **state)
{
    (void)state;
    rows();
    tax(NULL);
    set("shipping.country", "US");
    set("taxable", "no");
    run();
    assert_text("tax_code", "EXEMPT");
    assert_text("shipping_tax_code", "EXEMPT");
    set("taxable", "yes");
    set("tax_total", "0.00");
    run();
    assert_text("tax_code", "EXEMPT");
    set("tax_total", "1");
    run();
    assert_text("tax_code", "US");
    set("tax_total", NULL);
    add_member(mapped.doc, "taxes");
    set("taxes[1].amount", "0");
    run();
    assert_text("tax_code", "EXEMPT");
    set("taxes[1].amount", "0.01");
    run();
    assert_text("tax_code", "US");
}

static void the_matched_customer_may_pay_no_tax(void **state)
{
    (void)state;
    const char *const keys[] = { "link" };
    struct cw_document *customer = cw_document_create(&arena, &cw_kind_customer);
    step(CW_MATCH_CUSTOMER, .keys = keys, .key_count = 1);
    rows();
    tax(NULL);
    set_in(customer, "taxable", "no");
    set("taxable", "yes");
    set("customer_id", "17");
    set("shipping.country", "US");
    ask();
    answer(0, "17")->doc = customer;
    run();
    assert_text("tax_code", "EXEMPT");
}

static void lines_without_tax_and_freight_have_codes_of_their_own(void **state)
{
    (void)state;
    rows();
    step(CW_TAX, .source = "shipping", .table = "tax", .not_taxable = cw_slice("EXEMPT"),
         .freight = cw_slice("FREIGHT"));
    set("shipping.country", "US");
    set("tax_total", "2.00");
    for (int i = 0; i < 5; i++)
        add_member(mapped.doc, "lines");
    set("lines[1].tax", "2.00");
    set("lines[2].tax_rate", "0");
    set("lines[3].tax", "0");
    set("lines[3].total", "5.00");
    set("lines[4].tax", "0");
    set("lines[4].total", "0");
    set("lines[5].type", "freight");
    run();
    assert_text("lines[1].tax_code", "US");
    assert_text("lines[2].tax_code", "EXEMPT");
    assert_text("lines[3].tax_code", "EXEMPT");
    assert_text("lines[4].tax_code", "US");
    assert_text("lines[5].tax_code", "FREIGHT");
    assert_text("shipping_tax_code", "FREIGHT");
    assert_text("tax_code", "US");
}

/* --- freight --- */

static void freight_line(void)
{
    step(CW_FREIGHT_LINE, .name = "shipping.freight", .text = cw_slice("POST"));
}

static void an_order_of_63_euro(void)
{
    set("currency", "EUR");
    add_member(mapped.doc, "lines");
    set("lines[1].total", "63.36");
    set("goods_total", "63.36");
    set("shipping_total", "7.00");
    set("total", "70.36");
}

static void freight_becomes_a_line(void **state)
{
    (void)state;
    freight_line();
    an_order_of_63_euro();
    set("shipping_name", "My carrier");
    set("tax_code", "US");
    run();
    assert_text("shipping_total", NULL);
    assert_text("goods_total", "70.36");
    assert_text("lines[2].type", "freight");
    assert_text("lines[2].sku", "POST");
    assert_text("lines[2].name", "My carrier");
    assert_text("lines[2].quantity", "1");
    assert_text("lines[2].unit_price", "7.00");
    assert_text("lines[2].total", "7.00");
    assert_text("lines[2].tax_code", "US");
    assert_ok(cw_totals_check(&mapped, &arena, &err), err);
    assert_no_issues();
}

static void no_freight_and_no_lines_change_nothing(void **state)
{
    (void)state;
    freight_line();
    set("currency", "EUR");
    set("goods_total", "63.36");
    set("shipping_total", "7.00");
    run();
    assert_text("shipping_total", "7.00");
    assert_false(cw_document_get(mapped.doc, "lines")->is_set);
    begin(&cw_kind_order);
    an_order_of_63_euro();
    set("shipping_total", "0.00");
    run();
    assert_int_equal(cw_document_get(mapped.doc, "lines")->list.count, 1);
    assert_text("shipping_total", "0.00");
}

static void totals_that_were_wrong_are_no_reason_to_wait(void **state)
{
    (void)state;
    freight_line();
    an_order_of_63_euro();
    set("total", "99.00");
    run();
    assert_text("lines[2].total", "7.00");
    assert_no_issues();
}

static void freight_that_would_spoil_the_sums_stays_and_is_told(void **state)
{
    (void)state;
    freight_line();
    an_order_of_63_euro();
    set("rounding_mode", "half-even");
    set("lines[1].total", "0.125");
    set("goods_total", "0.12");
    set("shipping_total", "0.01");
    set("total", "0.13");
    run();
    assert_text("shipping_total", "0.01");
    assert_text("goods_total", "0.12");
    assert_int_equal(cw_document_get(mapped.doc, "lines")->list.count, 1);
    assert_null(cw_document_get(mapped.doc, "lines")->list.first->next);
    assert_issue(
        0, "freight-line", "shipping_total", "0.01", true,
        "freight of 0.01 cannot become a line: the lines' totals have fractions of the smallest unit, so "
        "that with it they round to another sum");
}

/* Any sums at all: fractions, negative amounts, every way to round; whatever is right stays right. */
static void put_amount(const char *name, int64_t value, unsigned digits)
{
    char text[40];
    snprintf(text, sizeof text, "%llde-%u", (long long)value, digits);
    set(name, text);
}

static int64_t below(struct cw_random *random, uint64_t bound)
{
    return (int64_t)cw_random_below(random, bound);
}

static void random_lines(struct cw_random *random, size_t count)
{
    char name[32];
    *value_of(mapped.doc, "lines") = (struct cw_value){ .is_set = true };
    for (size_t i = 1; i <= count; i++) {
        add_member(mapped.doc, "lines");
        snprintf(name, sizeof name, "lines[%zu].total", i);
        if (below(random, 2) == 0) {
            put_amount(name, below(random, 20000) - 5000, 2 + (unsigned)below(random, 2));
            continue;
        }
        snprintf(name, sizeof name, "lines[%zu].unit_price", i);
        put_amount(name, below(random, 100000) - 10000, 3);
        snprintf(name, sizeof name, "lines[%zu].quantity", i);
        put_amount(name, 1 + below(random, 5), 0);
    }
}

/* The figure that makes the order right, from what the check says it should be. */
static bool mend(const char *field)
{
    struct cw_mapped alone = { .doc = mapped.doc };
    assert_ok(cw_totals_check(&alone, &arena, &err), err);
    if (alone.issues == NULL)
        return true;
    char message[512];
    snprintf(message, sizeof message, "%.*s", CW_SLICE_ARG(alone.issues->message));
    const char *is = strstr(message, " EUR, but ");
    assert_non_null(is);
    const char *figure = is;
    while (figure > message && figure[-1] != ' ')
        figure--;
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(is - figure), figure);
    assert_true(cw_slice_is(alone.issues->field, field));
    set(field, text);
    return false;
}

static void random_order(struct cw_random *random)
{
    static const char *const levels[] = { "item", "line", "total" };
    static const char *const modes[] = {
        "up", "down", "ceiling", "floor", "half-up", "half-down", "half-even"
    };
    begin(&cw_kind_order);
    set("currency", "EUR");
    set("rounding", levels[below(random, 3)]);
    set("rounding_mode", modes[below(random, 7)]);
    set("tax_included", below(random, 2) == 0 ? "yes" : "no");
    random_lines(random, (size_t)below(random, 5));
    put_amount("shipping_total", below(random, 3000) - 300, 2 + (unsigned)(below(random, 8) == 0));
    put_amount("tax_total", below(random, 5000), 2);
    put_amount("discount_total", below(random, 3000), 2);
    set("total", "0");
    if (below(random, 2) == 0) {
        set("goods_total", "123456");
        mend("goods_total");
    }
    mend("total");
    assert_true(mend("total"));
}

static void totals_that_were_right_stay_right_with_freight_as_a_line(void **state)
{
    (void)state;
    enum { ORDERS = 20000 };
    struct cw_random random;
    size_t made = 0, kept = 0;
    freight_line();
    cw_random_seed(&random, 20261122);
    for (int i = 0; i < ORDERS; i++) {
        cw_arena_reset(&arena);
        random_order(&random);
        size_t lines = cw_document_get(mapped.doc, "lines")->list.count;
        bool had_freight = !cw_decimal_is_zero(&cw_document_get(mapped.doc, "shipping_total")->decimal);
        run();
        bool has_line = cw_document_get(mapped.doc, "lines")->list.count == lines + 1;
        if (had_freight != (has_line || mapped.issues != NULL))
            fail_msg("order %d: freight is neither a line nor told", i);
        made += has_line;
        kept += mapped.issues != NULL;
        mapped.issues = NULL;
        assert_ok(cw_totals_check(&mapped, &arena, &err), err);
        if (mapped.issues != NULL)
            fail_msg("order %d: %.*s", i, CW_SLICE_ARG(mapped.issues->message));
    }
    assert_true(made > ORDERS / 2);
    assert_true(kept > 0);
}

/* --- payments and discounts --- */

static void payments_are_dropped_by_term_or_always(void **state)
{
    (void)state;
    const struct cw_slice terms[] = { TEXT("NET30"), TEXT("NET60") };
    step(CW_PAYMENTS, .values = terms, .value_count = 2);
    add_member(mapped.doc, "payments");
    run();
    set("payment_term", "cash");
    run();
    assert_true(cw_document_get(mapped.doc, "payments")->is_set);
    set("payment_term", "NET60");
    run();
    assert_false(cw_document_get(mapped.doc, "payments")->is_set);
    step(CW_PAYMENTS, .drop = true);
    begin(&cw_kind_order);
    add_member(mapped.doc, "payments");
    run();
    assert_false(cw_document_get(mapped.doc, "payments")->is_set);
}

static void discounts_are_looked_up_by_code_then_name(void **state)
{
    (void)state;
    step(CW_DISCOUNTS, .table = "discount");
    add_row("discount", "XMAS", "DISC10");
    add_row("discount", "Staff", "DISC20");
    add_row("discount", "ignore", NULL);
    for (int i = 0; i < 5; i++)
        add_member(mapped.doc, "discounts");
    set("discounts[1].code", "xmas");
    set("discounts[1].name", "Staff");
    set("discounts[2].name", "Staff");
    set("discounts[3].code", "ignore");
    set("discounts[4].code", "SUMMER");
    run();
    assert_text("discounts[1].item", "DISC10");
    assert_text("discounts[2].item", "DISC20");
    assert_text("discounts[3].item", NULL);
    assert_text("discounts[5].item", NULL);
    assert_issue(
        0, "unknown-discount", "discounts[4].item", "SUMMER", false,
        "discount \"SUMMER\" has no row in table discount; add one: cartwright table set shop discount "
        "\"SUMMER\" VALUE");
    assert_null(mapped.issues->next);
    step(CW_DISCOUNTS, .table = "discount", .fallback = cw_slice("DISC"));
    mapped.issues = NULL;
    run();
    assert_text("discounts[4].item", "DISC");
    assert_text("discounts[5].item", "DISC");
}

/* --- too little memory --- */

static void every_rule(void)
{
    static const char *const keys[] = { "link", "email" }, *const item_keys[] = { "link", "sku" },
                             *const address_keys[] = { "id", "address" };
    add_row("shipping", "ups", "UPS Ground");
    step(CW_SET, .target = "custom.gift", .text = cw_slice("yes"));
    step(CW_SET, .target = "shipping.note", .text = cw_slice("ring"));
    step(CW_COPY, .source = "total", .target = "note");
    step(CW_TRANSLATE, .source = "shipping_method", .target = "shipping_method", .table = "shipping");
    step(CW_TRANSLATE, .source = "number", .target = "class", .table = "none", .unknown = CW_UNKNOWN_HOLD);
    step(CW_MATCH_CUSTOMER, .keys = keys, .key_count = 2, .unknown = CW_UNKNOWN_CREATE);
    step(CW_MATCH_ADDRESS, .keys = address_keys, .key_count = 2, .unknown = CW_UNKNOWN_HOLD);
    step(CW_MATCH_ITEMS, .keys = item_keys, .key_count = 2, .unknown = CW_UNKNOWN_HOLD);
    step(CW_TAX, .source = "shipping", .table = "tax", .taxable = cw_slice("STANDARD"));
    step(CW_FREIGHT_LINE, .text = cw_slice("POST"));
    step(CW_DISCOUNTS, .table = "discount", .fallback = cw_slice("DISC"));
    step(CW_HOLD, .name = "holds.all", .text = cw_slice("all"));
    step(CW_HOLD_ABOVE, .source = "total", .text = cw_slice("1"));
    assert_ok(cw_rules_add_move(rules, "status", cw_slice("pending"), cw_slice("paid"), cw_slice(""), &err),
              err);
}

static void an_order_for_every_rule(void)
{
    an_order_of_63_euro();
    set("number", "A-7");
    set("state", "pending");
    set("status", "shipped");
    of.before = cw_document_copy(&arena, mapped.doc);
    set("status", "paid");
    set("email", "a@example.com");
    set("billing.city", "Bern");
    set("shipping.street", "Main street 1");
    set("shipping_method", "UPS");
    set("lines[1].sku", "MUG");
    set("lines[1].item_id", "5");
    set("lines[1].variant_id", "7");
    add_member(mapped.doc, "discounts");
}

/* All rules in an arena of `limit` bytes; false when that was too little. */
static bool ruled_within(size_t limit, const struct cw_document *order)
{
    struct cw_arena small;
    struct cw_trace first = { .field = cw_slice("number") };
    struct cw_error why = { .code = CW_OK };
    cw_arena_init(&small, limit);
    mapped = (struct cw_mapped){ .doc = cw_document_copy(&arena, order), .trace = &first };
    bool ok = cw_rules_ask(rules, mapped.doc, of.cart, &small, &questions, &question_count, &why) &&
              cw_rules_run(rules, &of, &small, &mapped, &why);
    assert_true(ok ? why.code == CW_OK : why.code == CW_LIMIT);
    if (ok) {
        assert_int_equal(question_count, 6);
        assert_slice(mapped.also->external_id, "email:a@example.com");
        assert_slice(issue_at(0)->code, "unknown-none");
        assert_slice(issue_at(1)->code, "unknown-item");
        assert_slice(issue_at(2)->code, "held-all");
        assert_slice(issue_at(3)->code, "over-limit");
        assert_slice(issue_at(4)->code, "status-step");
        assert_null(issue_at(5));
        assert_text("ship_to", "shipping");
        assert_text("lines[2].tax_code", "STANDARD");
        assert_text("discounts[1].item", "DISC");
        assert_text("note", "70.36");
    }
    cw_arena_fini(&small);
    return ok;
}

static void every_exhausted_arena_is_told(void **state)
{
    (void)state;
    size_t limit = 1;
    every_rule();
    an_order_for_every_rule();
    const struct cw_document *order = mapped.doc;
    of.trace = true;
    while (!ruled_within(limit, order))
        limit += limit < 400 ? 1 : 7;
    assert_true(limit > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_region_s_row_comes_before_the_country_s),
        TEST(a_place_without_a_row_takes_the_default_or_is_an_issue),
        TEST(billing_stands_in_for_a_missing_delivery_address),
        TEST(who_pays_no_tax_gets_the_other_code),
        TEST(the_matched_customer_may_pay_no_tax),
        TEST(lines_without_tax_and_freight_have_codes_of_their_own),
        TEST(freight_becomes_a_line),
        TEST(no_freight_and_no_lines_change_nothing),
        TEST(totals_that_were_wrong_are_no_reason_to_wait),
        TEST(freight_that_would_spoil_the_sums_stays_and_is_told),
        TEST(totals_that_were_right_stay_right_with_freight_as_a_line),
        TEST(payments_are_dropped_by_term_or_always),
        TEST(discounts_are_looked_up_by_code_then_name),
        TEST(every_exhausted_arena_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
