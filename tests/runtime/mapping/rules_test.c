/* rules_test.c - steps on a document: conditions, values, skips, holds, moves; and what is refused when rules
 * are built. */
#include "ruled.h"

static const struct cw_slice paid[] = { TEXT("paid") };
static const struct cw_slice paid_or_processing[] = { TEXT("paid"), TEXT("processing") };
static const struct cw_slice yes[] = { TEXT("yes") };
static const struct cw_slice unset_text[] = { TEXT("") };

static const struct cw_condition only_paid = { "status", paid, 1, true };
static const struct cw_condition is_paid = { "status", paid, 1, false };
static const struct cw_condition is_archived = { "archived", yes, 1, false };

static void take_before(void)
{
    of.before = cw_document_copy(&arena, mapped.doc);
    assert_non_null(of.before);
}

/* --- conditions and skips --- */

static void a_record_is_skipped_by_name_when_all_conditions_hold(void **state)
{
    (void)state;
    step(CW_SKIP, .name = "orders.only status", .when = &only_paid, .when_count = 1);
    set("status", "paid");
    run();
    assert_non_null(mapped.doc);
    set("status", "pending");
    cw_mapped_add_issue(&mapped, &arena, "totals", "total", "off");
    run();
    assert_null(mapped.doc);
    assert_null(mapped.issues);
    assert_string_equal(mapped.skipped_by, "orders.only status");
}

static void what_the_store_has_already_is_never_skipped(void **state)
{
    (void)state;
    step(CW_SKIP, .when = &only_paid, .when_count = 1);
    set("status", "pending");
    take_before();
    run();
    assert_non_null(mapped.doc);
    assert_null(mapped.skipped_by);
}

static void a_field_that_could_not_be_mapped_skips_nothing(void **state)
{
    (void)state;
    step(CW_SKIP, .when = &only_paid, .when_count = 1);
    cw_mapped_add_issue(&mapped, &arena, "unknown-status", "status", "no row");
    run();
    assert_non_null(mapped.doc);
    assert_slice(mapped.issues->code, "unknown-status");
}

static void an_unset_field_is_the_empty_text(void **state)
{
    (void)state;
    const struct cw_condition no_status = { "status", unset_text, 1, false };
    step(CW_SET, .target = "note", .text = cw_slice("no status"), .when = &no_status, .when_count = 1);
    set("status", "paid");
    run();
    assert_text("note", NULL);
    set("status", NULL);
    run();
    assert_text("note", "no status");
}

static void numbers_and_booleans_are_compared_by_value(void **state)
{
    (void)state;
    const struct cw_slice ten[] = { TEXT("10.0") };
    const struct cw_condition is_ten = { "total", ten, 1, false }, both[] = { is_archived, is_ten };
    step(CW_SET, .target = "note", .text = cw_slice("x"), .when = both, .when_count = 2);
    set("archived", "true");
    set("total", "10.00");
    run();
    assert_text("note", "x");
    begin(&cw_kind_order);
    set("archived", "true");
    set("total", "10.01");
    run();
    assert_text("note", NULL);
}

static void conditions_reach_into_records_and_fields_of_the_site(void **state)
{
    (void)state;
    const struct cw_slice us[] = { TEXT("US") }, two[] = { TEXT("2.50") };
    const struct cw_condition when[] = { { "billing.country", us, 1, false },
                                         { "custom.weight", two, 1, false } };
    struct cw_custom weight = { .name = cw_slice("weight"), .type = CW_DECIMAL, .value = { .is_set = true } };
    assert_true(cw_decimal_parse(cw_slice("2.50"), &weight.value.decimal, &err));
    step(CW_SET, .target = "note", .text = cw_slice("x"), .when = when, .when_count = 2);
    run();
    assert_text("note", NULL);
    set("billing.country", "US");
    run();
    assert_text("note", NULL);
    mapped.doc->custom = &weight;
    run();
    assert_text("note", "x");
}

/* --- values --- */

static void a_set_value_has_the_field_s_type(void **state)
{
    (void)state;
    step(CW_SET, .target = "taxable", .text = cw_slice("no"));
    step(CW_SET, .target = "billing.country", .text = cw_slice("DE"));
    step(CW_SET, .target = "custom.gift", .text = cw_slice("7"));
    step(CW_SET, .target = "total", .text = cw_slice("1.50"));
    run();
    assert_text("taxable", "false");
    assert_text("billing.country", "DE");
    assert_text("custom.gift", "7");
    assert_text("total", "1.50");
}

static void filling_leaves_what_is_set(void **state)
{
    (void)state;
    step(CW_SET, .target = "note", .text = cw_slice("default"), .fill = true);
    step(CW_SET, .target = "class", .text = cw_slice("web"), .fill = true);
    set("note", "ring twice");
    run();
    assert_text("note", "ring twice");
    assert_text("class", "web");
}

static void a_copy_is_a_text_where_the_types_differ(void **state)
{
    (void)state;
    step(CW_COPY, .source = "total", .target = "note");
    step(CW_COPY, .source = "total", .target = "paid_total");
    step(CW_COPY, .source = "number", .target = "custom.web_number");
    step(CW_COPY, .source = "reference", .target = "class");
    refused("site.lua:12: orders.test: number is text, and total is money", CW_COPY, .source = "number",
            .target = "total");
    set("currency", "EUR");
    set("total", "12.500");
    set("number", "A-7");
    set("class", "kept");
    run();
    assert_text("note", "12.50");
    assert_text("paid_total", "12.50");
    assert_text("custom.web_number", "A-7");
    assert_text("class", "kept");
    assert_text("total", "12.50");
    assert_no_issues();
}

static void a_copy_into_a_field_of_words_is_checked(void **state)
{
    (void)state;
    step(CW_COPY, .source = "cart_status", .target = "payment_status");
    set("cart_status", "payed");
    run();
    assert_issue(
        0, "choice", "payment_status", "payed", false,
        "payment_status is \"payed\", which is none of: unpaid, authorised, partly_paid, paid, refunded, "
        "partly_refunded, failed (rule \"orders.test\")");
    assert_text("payment_status", NULL);
}

static void a_table_translates_and_asks_for_rows_it_lacks(void **state)
{
    (void)state;
    add_row("shipping", "ups", "UPS Ground");
    add_row("shipping", "none", NULL);
    step(CW_TRANSLATE, .source = "shipping_method", .target = "shipping_method", .table = "shipping",
         .unknown = CW_UNKNOWN_HOLD);
    run();
    assert_text("shipping_method", NULL);
    set("shipping_method", " UPS ");
    run();
    assert_text("shipping_method", "UPS Ground");
    set("shipping_method", "none");
    run();
    assert_text("shipping_method", NULL);
    assert_no_issues();
    set("shipping_method", "dhl");
    run();
    assert_text("shipping_method", "dhl");
    assert_issue(0, "unknown-shipping", "shipping_method", "dhl", false,
                 "shipping_method \"dhl\" has no row in table shipping; add one: cartwright table set shop "
                 "shipping \"dhl\" VALUE");
}

static void a_fallback_stands_for_a_missing_row_and_a_missing_source(void **state)
{
    (void)state;
    add_row("shipping", "ups", "UPS Ground");
    step(CW_TRANSLATE, .source = "shipping_method", .target = "shipping_method", .table = "shipping",
         .fallback = cw_slice("Post"), .unknown = CW_UNKNOWN_HOLD);
    run();
    assert_text("shipping_method", "Post");
    set("shipping_method", "dhl");
    run();
    assert_text("shipping_method", "Post");
    assert_no_issues();
}

static void a_quiet_look_up_says_nothing_without_row_or_table(void **state)
{
    (void)state;
    step(CW_TRANSLATE, .source = "shipping_method", .target = "carrier", .table = "shipping.carrier",
         .unknown = CW_UNKNOWN_KEEP);
    set("shipping_method", "ups");
    set("carrier", "someone");
    run();
    add_row("shipping.carrier", "dhl", "DHL");
    run();
    assert_no_issues();
    assert_text("carrier", "someone");
    set("shipping_method", "dhl");
    run();
    assert_text("carrier", "DHL");
}

static void a_row_that_does_not_fit_the_field_is_an_issue(void **state)
{
    (void)state;
    add_row("term", "later", "soon");
    step(CW_TRANSLATE, .source = "payment_method", .target = "paid_at", .table = "term");
    set("payment_method", "later");
    run();
    assert_issue(
        0, "invalid", "paid_at", "soon", false,
        "paid_at is \"soon\", which is no date and time with an offset; if the cart writes local times, "
        "set its zone (rule \"orders.test\")");
}

static void type_and_state_are_decided_once(void **state)
{
    (void)state;
    const struct cw_slice lead[] = { TEXT("lead") };
    const struct cw_condition is_lead = { "type", lead, 1, false };
    step(CW_SET, .target = "type", .text = cw_slice("sales_order"));
    step(CW_SET, .target = "state", .text = cw_slice("released"));
    step(CW_SET, .target = "note", .text = cw_slice("a lead"), .when = &is_lead, .when_count = 1);
    set("type", "lead");
    take_before();
    begin(&cw_kind_order);
    run();
    assert_text("type", "lead");
    assert_text("note", "a lead");
    assert_text("state", "released"); /* the store had none */
    of.before = NULL;
    begin(&cw_kind_order);
    run();
    assert_text("type", "sales_order");
}

/* --- functions --- */

struct called {
    const char *text; /* NULL = no value */
    enum cw_code fails;
    enum cw_type want;
    bool may_change;
};

static bool call(void *arg, int number, struct cw_document *doc, bool may_change, enum cw_type want,
                 struct cw_arena *texts, struct cw_value *out, struct cw_error *why)
{
    struct called *called = arg;
    assert_int_equal(number, 3);
    assert_ptr_equal(texts, &arena);
    called->want = want;
    called->may_change = may_change;
    if (called->fails != CW_OK)
        return cw_fail(why, called->fails, "site.lua:30: boom");
    if (may_change) {
        set_in(doc, "note", "changed");
        set_in(doc, "type", "invoice");
    }
    if (called->text != NULL && want == CW_TEXT)
        *out = (struct cw_value){ .is_set = true, .text = cw_slice(called->text) };
    else if (called->text != NULL)
        *out = (struct cw_value){ .is_set = true, .boolean = true };
    return true;
}

static struct called called;
static const struct cw_rules_host host = { .arg = &called, .call = call };

static void with_host(struct called behaviour)
{
    called = behaviour;
    of.host = &host;
}

static void a_function_gives_the_value_of_its_target(void **state)
{
    (void)state;
    with_host((struct called){ .text = "north" });
    step(CW_CALL, .target = "location", .call = 3);
    run();
    assert_text("location", "north");
    assert_false(called.may_change);
    with_host((struct called){ .text = NULL });
    set("location", "kept");
    run();
    assert_text("location", "kept");
    step(CW_CALL, .target = "taxable", .call = 3);
    with_host((struct called){ .text = "" });
    run();
    assert_text("taxable", "true");
    assert_int_equal(called.want, CW_BOOLEAN);
}

static void what_a_function_gives_must_fit(void **state)
{
    (void)state;
    with_host((struct called){ .text = "soon" });
    step(CW_CALL, .target = "status", .call = 3);
    run();
    assert_slice(mapped.issues->code, "choice");
    assert_text("status", NULL);
}

static void a_function_may_change_the_document_but_not_what_is_decided(void **state)
{
    (void)state;
    with_host((struct called){ .text = NULL });
    step(CW_CALL, .call = 3);
    set("type", "lead");
    take_before();
    run();
    assert_true(called.may_change);
    assert_text("note", "changed");
    assert_text("type", "lead");
}

static void a_function_that_fails_is_an_issue(void **state)
{
    (void)state;
    with_host((struct called){ .fails = CW_SCRIPT });
    step(CW_CALL, .target = "location", .call = 3);
    run();
    assert_issue(0, "script", "location", "", false, "rule \"orders.test\": site.lua:30: boom");
    mapped.issues = NULL;
    with_host((struct called){ .fails = CW_LIMIT });
    run();
    assert_slice(mapped.issues->code, "limit");
    mapped.issues = NULL;
    of.host = NULL;
    run();
    assert_issue(0, "script", "location", "", false, "rule \"orders.test\": no function can run here");
}

/* --- holds --- */

static void a_rule_of_the_site_holds_with_its_reason(void **state)
{
    (void)state;
    step(CW_HOLD, .name = "holds.no tax", .text = cw_slice("who pays no tax is looked at first"),
         .when = &is_paid, .when_count = 1);
    run();
    assert_no_issues();
    set("status", "paid");
    run();
    assert_issue(0, "held-no tax", "", "", true, "who pays no tax is looked at first");
}

static void a_function_says_why_it_holds(void **state)
{
    (void)state;
    step(CW_HOLD, .name = "holds.fraud", .call = 3);
    with_host((struct called){ .text = "card and country differ" });
    run();
    assert_issue(0, "held-fraud", "", "", true, "card and country differ");
    mapped.issues = NULL;
    with_host((struct called){ .text = "true" });
    run();
    assert_issue(0, "held-fraud", "", "", true, "held by the site's rule \"fraud\" (site.lua:12)");
    mapped.issues = NULL;
    with_host((struct called){ .text = "false" });
    run();
    with_host((struct called){ .text = NULL });
    run();
    assert_no_issues();
}

static void more_than_the_limit_holds(void **state)
{
    (void)state;
    const struct cw_slice euro[] = { TEXT("EUR") };
    const struct cw_condition in_euro = { "currency", euro, 1, false };
    step(CW_HOLD_ABOVE, .source = "total", .text = cw_slice("1000"), .when = &in_euro, .when_count = 1);
    run();
    set("currency", "EUR");
    run();
    set("total", "1000.00");
    run();
    assert_no_issues();
    set("total", "1200");
    run();
    assert_issue(0, "over-limit", "total", "", true, "total 1200.00 EUR is above the limit of 1000");
    begin(&cw_kind_order);
    set("currency", "JPY");
    set("total", "150000");
    run();
    assert_no_issues();
}

static void another_order_with_the_number_holds(void **state)
{
    (void)state;
    step(CW_HOLD_DUPLICATE, .name = "holds.duplicates");
    ask();
    assert_int_equal(question_count, 0);
    set("number", "A-7");
    mapped.doc->external_id = cw_slice("101");
    ask();
    assert_int_equal(question_count, 1);
    assert_question(0, "shop", "number", "A-7");
    assert_ptr_equal(questions[0].kind, &cw_kind_order);
    answer(0, "101");
    run();
    assert_no_issues();
    answer(0, "99");
    run();
    assert_issue(0, "duplicate", "number", "A-7", true, "another order of shop has the number \"A-7\" too");
}

static void another_source_that_says_something_else_holds(void **state)
{
    (void)state;
    step(CW_HOLD_SOURCE, .name = "holds.source", .target = "reference", .source = "note");
    set("reference", "mail 1");
    set("note", "two cups");
    run();
    take_before();
    begin(&cw_kind_order);
    set("reference", "mail 2");
    set("note", "two cups");
    run();
    assert_no_issues();
    assert_text("reference", "mail 1");
    begin(&cw_kind_order);
    set("reference", "mail 1");
    set("note", "three cups"); /* of the same source: a form that was mended */
    run();
    assert_no_issues();
    begin(&cw_kind_order);
    set("reference", "mail 2");
    set("note", "three cups");
    run();
    assert_issue(0, "other-source", "reference", "mail 2", true,
                 "\"mail 2\" says something else than \"mail 1\", which brought this before; release it if "
                 "that is right");
}

static void the_cart_is_told_once(void **state)
{
    (void)state;
    step(CW_TELL_CART, .text = cw_slice("processing"));
    run();
    assert_slice(mapped.tell_cart, "processing");
    take_before();
    begin(&cw_kind_order);
    run();
    assert_int_equal(mapped.tell_cart.len, 0);
}

/* --- moves --- */

static void add_move(const char *field, const char *from, const char *to)
{
    assert_ok(cw_rules_add_move(rules, field, cw_slice(from), cw_slice(to), cw_slice("site.lua:20"), &err),
              err);
}

static void goes(const char *from, const char *to)
{
    begin(&cw_kind_order);
    set("status", from);
    take_before();
    set("status", to);
    run();
}

static void a_status_moves_along_its_graph(void **state)
{
    (void)state;
    add_move("status", "pending", "paid");
    add_move("status", "shipped", "completed");
    add_move("status", "shipped", "refunded");
    goes("pending", "paid");
    goes("pending", "pending");
    goes(NULL, "shipped");
    goes("shipped", NULL);
    assert_no_issues();
    goes("shipped", "pending");
    assert_text("status", "pending");
    assert_issue(0, "status-step", "status", "shipped to pending", true,
                 "status goes from \"shipped\" to \"pending\", which is no step of the graph (from shipped: "
                 "completed, refunded); mend it in the shop");
    goes("completed", "pending");
    assert_issue(
        0, "status-step", "status", "completed to pending", true,
        "status goes from \"completed\" to \"pending\", which is no step of the graph (from completed: "
        "nowhere); mend it in the shop");
}

static void a_field_without_a_graph_goes_anywhere(void **state)
{
    (void)state;
    add_move("payment_status", "unpaid", "paid");
    goes("completed", "pending");
    assert_no_issues();
    set("payment_status", "paid");
    take_before();
    set("payment_status", "unpaid");
    run();
    assert_slice(mapped.issues->field, "payment_status");
}

/* --- explanations --- */

static const struct cw_trace *trace_of(const char *field)
{
    const struct cw_trace *trace = mapped.trace;
    while (trace != NULL && !cw_slice_is(trace->field, field))
        trace = trace->next;
    return trace;
}

static void values_of_rules_are_explained(void **state)
{
    (void)state;
    struct cw_trace first = { .field = cw_slice("shipping_method"), .raw = cw_slice("UPS") };
    add_row("shipping", "ups", "UPS Ground");
    step(CW_SET, .name = "orders.class", .target = "class", .text = cw_slice("web"));
    step(CW_TRANSLATE, .name = "shipping.table", .source = "shipping_method", .target = "shipping_method",
         .table = "shipping");
    step(CW_SET, .target = "type", .text = cw_slice("lead"));
    set("type", "invoice");
    take_before();
    set("shipping_method", "UPS");
    mapped.trace = &first;
    of.trace = true;
    run();
    assert_slice(trace_of("class")->value, "web");
    assert_slice(trace_of("class")->rule, "orders.class");
    assert_slice(trace_of("class")->rule_where, "site.lua:12");
    assert_slice(trace_of("shipping_method")->value, "UPS Ground");
    assert_slice(trace_of("shipping_method")->rule_table, "shipping");
    assert_slice(trace_of("shipping_method")->rule_row, "ups");
    assert_slice(trace_of("type")->value, "invoice");
    assert_slice(trace_of("type")->rule, "as it was decided when it first came");
}

/* --- building --- */

static void faults_of_steps_are_refused_with_their_place(void **state)
{
    (void)state;
    const struct cw_slice wrong[] = { TEXT("payed") }, words[] = { TEXT("x") };
    const struct cw_condition bad_value = { "payment_status", wrong, 1, false },
                              bad_field = { "billing.contry", words, 1, false },
                              in_list = { "lines[1].sku", words, 1, false };
    refused(
        "site.lua:12: orders.test: the condition on payment_status is \"payed\", which is none of: unpaid, "
        "authorised, partly_paid, paid, refunded, partly_refunded, failed",
        CW_SKIP, .when = &bad_value, .when_count = 1);
    refused("site.lua:12: orders.test: \"billing.contry\": unknown field \"contry\" of address; did you mean "
            "\"country\"?",
            CW_SKIP, .when = &bad_field, .when_count = 1);
    refused(
        "site.lua:12: orders.test: \"lines[1].sku\": rules name no members of lists; a function can change "
        "them",
        CW_SKIP, .when = &in_list, .when_count = 1);
    refused("site.lua:12: orders.test: type is \"order\", which is none of: sales_order, cash_sale, invoice, "
            "shipping_document, lead",
            CW_SET, .target = "type", .text = cw_slice("order"));
    refused("site.lua:12: orders.test: taxable is \"perhaps\", which is neither true nor false", CW_SET,
            .target = "taxable", .text = cw_slice("perhaps"));
    refused("site.lua:12: orders.test: \"custmer\": unknown field \"custmer\" of order; did you mean "
            "\"customer\"?",
            CW_SET, .target = "custmer", .text = cw_slice("x"));
    refused("site.lua:12: orders.test: note has no value", CW_SET, .target = "note");
    refused("site.lua:12: orders.test: no field is named that it sets", CW_SET, .text = cw_slice("x"));
    refused("site.lua:12: orders.test: no field is named that it reads", CW_COPY, .target = "note");
    refused("site.lua:12: orders.test: no table is named", CW_TRANSLATE, .target = "note", .source = "note");
    refused("site.lua:12: orders.test: the default of total is \"none\", which is no amount", CW_TRANSLATE,
            .target = "total", .source = "note", .table = "t", .fallback = cw_slice("none"));
    refused("site.lua:12: orders.test: there is no function", CW_CALL, .target = "note");
    refused("site.lua:12: orders.test: there is no reason", CW_HOLD);
    refused("site.lua:12: orders.test: the limit of total is \"a lot\", which is no amount", CW_HOLD_ABOVE,
            .source = "total", .text = cw_slice("a lot"));
    refused("site.lua:12: orders.test: note is no amount", CW_HOLD_ABOVE, .source = "note",
            .text = cw_slice("1"));
    refused("site.lua:12: orders.test: this is for items, not for orders", CW_SPLIT_VARIANTS);
    refused("site.lua:12: orders.test: there is no SKU for the line", CW_FREIGHT_LINE);
    refused("site.lua:12: orders.test: taxes go by the address \"shipping\" or \"billing\"", CW_TAX,
            .source = "note", .table = "tax");
}

static void faults_of_matches_are_refused(void **state)
{
    (void)state;
    const char *const keys[] = { "link", "mail" }, *const good[] = { "link" };
    refused(
        "site.lua:12: orders.test: unknown key \"mail\"; there are: link, email, phone, vat_number, number, "
        "company",
        CW_MATCH_CUSTOMER, .keys = keys, .key_count = 2);
    refused("site.lua:12: orders.test: there are no keys to match by", CW_MATCH_ITEMS);
    refused("site.lua:12: orders.test: nothing is named that stands for what is unknown", CW_MATCH_ITEMS,
            .keys = good, .key_count = 1, .unknown = CW_UNKNOWN_FALLBACK);
    refused("site.lua:12: orders.test: \"4711\" is no link; write CART:ID", CW_MATCH_CUSTOMER, .keys = good,
            .key_count = 1, .unknown = CW_UNKNOWN_FALLBACK, .fallback = cw_slice("4711"));
    refused("site.lua:12: orders.test: only customers can be made of an order", CW_MATCH_ITEMS, .keys = good,
            .key_count = 1, .unknown = CW_UNKNOWN_CREATE);
    refused("site.lua:12: orders.test: unknown key \"link\"; there are: id, address", CW_MATCH_ADDRESS,
            .keys = good, .key_count = 1);
}

static void steps_of_a_graph_are_checked(void **state)
{
    (void)state;
    struct cw_slice where = cw_slice("site.lua:20"), from = cw_slice("pending"), to = cw_slice("paid");
    assert_false(cw_rules_add_move(rules, "statuss", from, to, where, &err));
    assert_string_equal(err.text,
                        "site.lua:20: \"statuss\": unknown field \"statuss\" of order; did you mean "
                        "\"status\"?");
    assert_false(cw_rules_add_move(rules, "total", from, to, where, &err));
    assert_string_equal(err.text,
                        "site.lua:20: total is no status; steps are for text fields of the order itself");
    assert_false(cw_rules_add_move(rules, "status", from, cw_slice("payd"), where, &err));
    assert_string_equal(err.text,
                        "site.lua:20: a step of status is \"payd\", which is none of: draft, pending, "
                        "on_hold, paid, processing, backorder, shipped, completed, cancelled, refunded, "
                        "failed");
}

static void contradictions_are_told_with_both_places(void **state)
{
    (void)state;
    const struct cw_condition only = { "status", paid_or_processing, 2, true };
    step(CW_SKIP, .name = "orders.only status", .when = &only, .when_count = 1);
    step(CW_SKIP, .name = "orders.skip status", .when = &is_paid, .when_count = 1,
         .where = cw_slice("site.lua:14"));
    step(CW_SET, .name = "orders.class", .target = "class", .text = cw_slice("web"));
    step(CW_SET, .name = "orders.set", .target = "class", .text = cw_slice("shop"),
         .where = cw_slice("site.lua:16"));
    assert_false(cw_rules_finish(rules, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_string_equal(
        err.text,
        "site.lua:12: orders.only status demands status \"paid\", which orders.skip status at site.lua:14 "
        "skips\n"
        "site.lua:12: orders.class sets class, which orders.set at site.lua:16 sets too, whatever happens");
}

static void what_depends_on_something_is_no_contradiction(void **state)
{
    (void)state;
    const struct cw_slice cancelled[] = { TEXT("cancelled") };
    const struct cw_condition not_cancelled = { "status", cancelled, 1, false };
    step(CW_SKIP, .when = &only_paid, .when_count = 1);
    step(CW_SKIP, .when = &not_cancelled, .when_count = 1);
    step(CW_SKIP, .when = &is_archived, .when_count = 1);
    step(CW_SET, .target = "class", .text = cw_slice("web"));
    step(CW_SET, .target = "class", .text = cw_slice("shop"), .when = &is_paid, .when_count = 1);
    step(CW_COPY, .target = "class", .source = "channel");
    step(CW_SET, .target = "class", .text = cw_slice("shop"), .fill = true);
    assert_ok(cw_rules_finish(rules, &err), err);
}

static void a_site_without_rules_does_nothing(void **state)
{
    (void)state;
    set("status", "paid");
    assert_ok(cw_rules_ask(NULL, mapped.doc, of.cart, &arena, &questions, &question_count, &err), err);
    assert_int_equal(question_count, 0);
    assert_ok(cw_rules_run(NULL, &of, &arena, &mapped, &err), err);
    mapped.doc = NULL;
    run();
    assert_no_issues();
}

static void a_step_is_copied_whole(void **state)
{
    (void)state;
    char name[] = "orders.class", target[] = "class", text[] = "web", field[] = "status", value[] = "paid";
    struct cw_slice values[] = { cw_slice(value) };
    struct cw_condition when[] = { { field, values, 1, false } };
    step(CW_SET, .name = name, .target = target, .text = cw_slice(text), .when = when, .when_count = 1);
    memset(name, 'x', 5);
    memset(target, 'x', 5);
    memset(text, 'x', 3);
    memset(value, 'x', 4);
    values[0].len = 0;
    when[0].field = NULL;
    set("status", "paid");
    run();
    assert_text("class", "web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_skipped_by_name_when_all_conditions_hold),
        TEST(what_the_store_has_already_is_never_skipped),
        TEST(a_field_that_could_not_be_mapped_skips_nothing),
        TEST(an_unset_field_is_the_empty_text),
        TEST(numbers_and_booleans_are_compared_by_value),
        TEST(conditions_reach_into_records_and_fields_of_the_site),
        TEST(a_set_value_has_the_field_s_type),
        TEST(filling_leaves_what_is_set),
        TEST(a_copy_is_a_text_where_the_types_differ),
        TEST(a_copy_into_a_field_of_words_is_checked),
        TEST(a_table_translates_and_asks_for_rows_it_lacks),
        TEST(a_fallback_stands_for_a_missing_row_and_a_missing_source),
        TEST(a_quiet_look_up_says_nothing_without_row_or_table),
        TEST(a_row_that_does_not_fit_the_field_is_an_issue),
        TEST(type_and_state_are_decided_once),
        TEST(a_function_gives_the_value_of_its_target),
        TEST(what_a_function_gives_must_fit),
        TEST(a_function_may_change_the_document_but_not_what_is_decided),
        TEST(a_function_that_fails_is_an_issue),
        TEST(a_rule_of_the_site_holds_with_its_reason),
        TEST(a_function_says_why_it_holds),
        TEST(more_than_the_limit_holds),
        TEST(another_order_with_the_number_holds),
        TEST(another_source_that_says_something_else_holds),
        TEST(the_cart_is_told_once),
        TEST(a_status_moves_along_its_graph),
        TEST(a_field_without_a_graph_goes_anywhere),
        TEST(values_of_rules_are_explained),
        TEST(faults_of_steps_are_refused_with_their_place),
        TEST(faults_of_matches_are_refused),
        TEST(steps_of_a_graph_are_checked),
        TEST(contradictions_are_told_with_both_places),
        TEST(what_depends_on_something_is_no_contradiction),
        TEST(a_site_without_rules_does_nothing),
        TEST(a_step_is_copied_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
