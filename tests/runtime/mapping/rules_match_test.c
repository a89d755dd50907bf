/* rules_match_test.c - whose order it is, where it goes, which items its lines are; items made of variants.
 */
#include "ruled.h"

static const char *const by_link_and_email[] = { "link", "email" };
static const char *const by_email[] = { "email" };
static const char *const two_carts[] = { "erp", "shop" };
static const char *const by_link_and_sku[] = { "link", "sku" };

/* --- customers --- */

static void match_customer(enum cw_unknown unknown, const char *fallback)
{
    step(CW_MATCH_CUSTOMER, .name = "customers.match", .keys = by_link_and_email, .key_count = 2,
         .unknown = unknown, .fallback = cw_slice(fallback));
}

static void questions_follow_keys_and_carts(void **state)
{
    (void)state;
    step(CW_MATCH_CUSTOMER, .keys = by_link_and_email, .key_count = 2, .among = two_carts, .among_count = 2);
    ask();
    assert_int_equal(question_count, 0);
    set("customer_id", "17");
    set("email", " Ann@Example.com ");
    ask();
    assert_int_equal(question_count, 4);
    assert_question(0, "erp", "external_id", "17");
    assert_question(1, "shop", "external_id", "17");
    assert_question(2, "erp", "email", "Ann@Example.com");
    assert_question(3, "shop", "email", "Ann@Example.com");
    assert_true(questions[0].whole);
    assert_ptr_equal(questions[0].kind, &cw_kind_customer);
}

static void every_key_asks_what_the_order_says_of_the_buyer(void **state)
{
    (void)state;
    static const char *const all[] = { "phone", "vat_number", "company", "number", "email" };
    step(CW_MATCH_CUSTOMER, .keys = all, .key_count = 5);
    set("customer_id", "17");
    set("billing.mobile", "079");
    set("shipping.company", "Radium SARL");
    set("billing.vat_number", "FR1");
    set("billing.email", "b@example.com");
    ask();
    assert_int_equal(question_count, 5);
    assert_question(0, "shop", "phone", "079");
    assert_question(1, "shop", "vat_number", "FR1");
    assert_question(2, "shop", "company", "Radium SARL");
    assert_question(3, "shop", "number", "17");
    assert_question(4, "shop", "email", "b@example.com");
}

static void the_first_key_and_the_first_cart_that_answer_are_taken(void **state)
{
    (void)state;
    step(CW_MATCH_CUSTOMER, .keys = by_link_and_email, .key_count = 2, .among = two_carts, .among_count = 2);
    set("customer_id", "17");
    set("email", "a@example.com");
    ask();
    answer(1, "17");
    answer(2, "C9");
    run();
    assert_text("customer", "shop:17");
    begin(&cw_kind_order);
    set("customer_id", "17");
    set("email", "a@example.com");
    answer(2, "C9");
    answer(3, "18");
    run();
    assert_text("customer", "erp:C9");
    assert_no_issues();
}

static void two_customers_are_never_guessed(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_KEEP, NULL);
    set("email", "a@example.com");
    ask();
    assert_question(0, "shop", "external_id", "email:a@example.com");
    answer(1, "12");
    answer(1, "14");
    run();
    assert_text("customer", NULL);
    assert_issue(0, "ambiguous-customer", "customer", "a@example.com", true,
                 "several customers of shop have email \"a@example.com\": 12 and 14; merge them");
}

static void the_order_takes_what_the_customer_has(void **state)
{
    (void)state;
    struct cw_document *customer = cw_document_create(&arena, &cw_kind_customer);
    match_customer(CW_UNKNOWN_KEEP, NULL);
    set_in(customer, "sales_rep", "Bob");
    set_in(customer, "payment_term", "NET30");
    set_in(customer, "taxable", "no");
    set("customer_id", "17");
    set("payment_term", "cash");
    ask();
    answer(0, "17")->doc = customer;
    run();
    assert_text("customer", "shop:17");
    assert_text("sales_rep", "Bob");
    assert_text("taxable", "false");
    assert_text("payment_term", "cash");
}

static void a_customer_that_is_set_is_kept(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_HOLD, NULL);
    set("customer_id", "17");
    set("customer", "erp:1");
    ask();
    answer(0, "17");
    run();
    assert_text("customer", "erp:1");
}

static void nobody_is_kept_held_or_replaced(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_KEEP, NULL);
    set("customer_id", "17");
    run();
    assert_text("customer", NULL);
    assert_no_issues();
    step(CW_MATCH_CUSTOMER, .keys = by_email, .key_count = 1, .unknown = CW_UNKNOWN_HOLD);
    run();
    assert_issue(0, "unknown-customer", "customer", "17", true,
                 "no customer fits \"17\" (asked for: email); take the customer in");
    step(CW_MATCH_CUSTOMER, .keys = by_email, .key_count = 1, .unknown = CW_UNKNOWN_FALLBACK,
         .fallback = cw_slice("erp:WEB"));
    mapped.issues = NULL;
    run();
    assert_issue(0, "unknown-customer", "customer", "17", true,
                 "no customer fits \"17\" (asked for: email); take the customer in");
    assert_issue(
        1, "unknown-customer", "customer", "erp:WEB", true,
        "nobody fits, and the proxy \"erp:WEB\" that should stand in is not in the store; take it in, or "
        "name another in the site's rules");
    mapped.issues = NULL;
    store_has("erp", "WEB");
    run();
    assert_text("customer", "erp:WEB");
}

static void a_customer_is_made_of_the_order(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_CREATE, NULL);
    set("customer_id", "17");
    set("email", "Ann@example.com");
    set("language", "fr");
    set("billing.external_id", "900");
    set("billing.first_name", "Ann");
    set("billing.last_name", "Lee");
    set("billing.company", "Radium SARL");
    set("billing.vat_number", "FR1");
    set("billing.mobile", "079");
    set("shipping.street", "Main street 1");
    ask();
    assert_int_equal(question_count, 3);
    run();
    assert_text("customer", "shop:17");
    struct cw_document *made = mapped.also;
    assert_non_null(made);
    assert_null(made->next);
    assert_ptr_equal(made->kind, &cw_kind_customer);
    assert_slice(made->external_id, "17");
    assert_text_in(made, "email", "Ann@example.com");
    assert_text_in(made, "first_name", "Ann");
    assert_text_in(made, "last_name", "Lee");
    assert_text_in(made, "company", "Radium SARL");
    assert_text_in(made, "vat_number", "FR1");
    assert_text_in(made, "phone", "079");
    assert_text_in(made, "language", "fr");
    assert_text_in(made, "guest", "false");
    assert_text_in(made, "addresses[id=900].first_name", "Ann");
    assert_text_in(made, "addresses[id=shipping].street", "Main street 1");
    assert_text("shipping.external_id", NULL);
}

static void one_guest_is_one_customer(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_CREATE, NULL);
    set("email", "Ann@Example.COM");
    set("billing.name", "Ann Lee");
    ask();
    assert_question(0, "shop", "external_id", "email:ann@example.com");
    run();
    assert_text("customer", "shop:email:ann@example.com");
    assert_slice(mapped.also->external_id, "email:ann@example.com");
    assert_text_in(mapped.also, "guest", "true");
    assert_text_in(mapped.also, "last_name", "Ann Lee");
}

static void who_is_there_already_is_not_made_over(void **state)
{
    (void)state;
    step(CW_MATCH_CUSTOMER, .keys = by_email, .key_count = 1, .unknown = CW_UNKNOWN_CREATE,
         .among = two_carts, .among_count = 1);
    set("customer_id", "17");
    set("email", "new@example.com");
    ask();
    assert_int_equal(question_count, 2);
    assert_question(0, "erp", "email", "new@example.com");
    assert_question(1, "shop", "external_id", "17");
    answer(1, "17");
    run();
    assert_text("customer", "shop:17");
    assert_null(mapped.also);
}

static void nobody_is_made_of_nothing(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_CREATE, NULL);
    set("billing.last_name", "Lee");
    run();
    assert_null(mapped.also);
    assert_issue(0, "unknown-customer", "customer", "", true,
                 "the order names neither a customer nor an e-mail, and nobody fits by link, email");
    mapped.issues = NULL;
    cw_rules_free(rules);
    rules = cw_rules_create(&cw_kind_order, &err);
    match_customer(CW_UNKNOWN_CREATE, "erp:WEB");
    store_has("erp", "WEB");
    run();
    assert_text("customer", "erp:WEB");
    assert_no_issues();
}

static void an_address_that_comes_twice_is_one(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_CREATE, NULL);
    set("customer_id", "17");
    set("billing.external_id", "900");
    set("shipping.external_id", "900");
    run();
    assert_int_equal(cw_document_get(mapped.also, "addresses")->list.count, 1);
}

/* --- addresses --- */

static struct cw_document *known_customer(void)
{
    struct cw_document *customer = cw_document_create(&arena, &cw_kind_customer);
    match_customer(CW_UNKNOWN_KEEP, NULL);
    set("customer_id", "17");
    ask();
    answer(0, "17")->doc = customer;
    add_member(customer, "addresses");
    add_member(customer, "addresses");
    set_in(customer, "addresses[1].external_id", "900");
    set_in(customer, "addresses[2].external_id", "901");
    set_in(customer, "addresses[2].street", "Rue de l'\xc3\x89glise 5");
    set_in(customer, "addresses[2].postcode", "75 001");
    set_in(customer, "addresses[2].city", "Paris");
    set_in(customer, "addresses[2].country", "FR");
    return customer;
}

static void match_address(enum cw_unknown unknown)
{
    static const char *const keys[] = { "id", "address" };
    step(CW_MATCH_ADDRESS, .name = "customers.ship_to", .keys = keys, .key_count = 2, .unknown = unknown);
}

static void an_address_is_found_by_its_id(void **state)
{
    (void)state;
    known_customer();
    match_address(CW_UNKNOWN_HOLD);
    set("shipping.external_id", "900");
    run();
    assert_text("ship_to", "900");
    assert_no_issues();
}

static void an_address_is_found_without_case_and_blanks(void **state)
{
    (void)state;
    known_customer();
    match_address(CW_UNKNOWN_HOLD);
    set("shipping.external_id", "4711");
    set("shipping.street", "RUE DE L'\xc3\xa9GLISE  5");
    set("shipping.postcode", "75001");
    set("shipping.city", "paris");
    set("shipping.country", "FR");
    run();
    assert_text("ship_to", "901");
    set("ship_to", NULL);
    set("customer", NULL);
    set("shipping.postcode", "75002");
    run();
    assert_text("ship_to", NULL);
    assert_issue(0, "unknown-address", "ship_to", "RUE DE L'\xc3\xa9GLISE  5", true,
                 "customer shop:17 has no address \"RUE DE L'\xc3\xa9GLISE  5, paris\"; add it there");
}

static void an_unknown_address_may_stay(void **state)
{
    (void)state;
    known_customer();
    match_address(CW_UNKNOWN_KEEP);
    set("shipping.street", "elsewhere");
    run();
    assert_text("ship_to", NULL);
    assert_no_issues();
}

static void the_address_of_a_customer_just_made_is_found(void **state)
{
    (void)state;
    match_customer(CW_UNKNOWN_CREATE, NULL);
    match_address(CW_UNKNOWN_HOLD);
    set("customer_id", "17");
    set("shipping.street", "Main street 1");
    run();
    assert_text("ship_to", "shipping");
    assert_no_issues();
}

/* --- items --- */

static void match_items(enum cw_unknown unknown, const char *fallback)
{
    step(CW_MATCH_ITEMS, .name = "items.match", .keys = by_link_and_sku, .key_count = 2, .unknown = unknown,
         .fallback = cw_slice(fallback));
}

static void two_lines(void)
{
    add_member(mapped.doc, "lines");
    add_member(mapped.doc, "lines");
    set("lines[1].type", "freight");
    set("lines[1].sku", "POST");
    set("lines[2].item_id", "5");
    set("lines[2].variant_id", "7");
    set("lines[2].sku", "MUG-B");
}

static void lines_that_are_goods_are_asked_for(void **state)
{
    (void)state;
    match_items(CW_UNKNOWN_KEEP, NULL);
    two_lines();
    ask();
    assert_int_equal(question_count, 3);
    assert_question(0, "shop", "external_id", "5/7");
    assert_question(1, "shop", "external_id", "5");
    assert_question(2, "shop", "sku", "MUG-B");
    assert_false(questions[0].whole);
    assert_ptr_equal(questions[0].kind, &cw_kind_item);
    answer(1, "5");
    answer(2, "9");
    run();
    assert_text("lines[2].item", "shop:5");
    assert_text("lines[2].variant", "7");
    assert_text("lines[1].item", NULL);
}

static void split_variants_are_items_of_their_own(void **state)
{
    (void)state;
    match_items(CW_UNKNOWN_KEEP, NULL);
    two_lines();
    ask();
    answer(0, "5/7");
    answer(1, "5");
    run();
    assert_text("lines[2].item", "shop:5/7");
    assert_text("lines[2].variant", NULL);
}

static void a_variant_is_found_by_its_sku(void **state)
{
    (void)state;
    match_items(CW_UNKNOWN_KEEP, NULL);
    two_lines();
    ask();
    answer(2, "9")->variant_id = cw_slice("b");
    run();
    assert_text("lines[2].item", "shop:9");
    assert_text("lines[2].variant", "b");
}

static void two_items_are_never_guessed(void **state)
{
    (void)state;
    match_items(CW_UNKNOWN_FALLBACK, "erp:MISC");
    two_lines();
    ask();
    answer(2, "8");
    answer(2, "9")->variant_id = cw_slice("b");
    run();
    assert_text("lines[2].item", NULL);
    assert_issue(0, "ambiguous-item", "lines[2].item", "MUG-B", true,
                 "several items of shop have sku \"MUG-B\": 8 and 9 (variant b); mend one of them");
}

static void an_unknown_item_is_held_or_replaced(void **state)
{
    (void)state;
    match_items(CW_UNKNOWN_HOLD, NULL);
    two_lines();
    run();
    assert_issue(0, "unknown-item", "lines[2].item", "MUG-B", true,
                 "no item fits \"MUG-B\" of line 2; take the item in");
    assert_null(mapped.issues->next);
    mapped.issues = NULL;
    match_items(CW_UNKNOWN_FALLBACK, "erp:MISC");
    store_has("erp", "MISC");
    run();
    assert_text("lines[2].item", "erp:MISC");
}

static void a_record_has_so_many_issues_and_no_more(void **state)
{
    (void)state;
    size_t count = 0;
    match_items(CW_UNKNOWN_HOLD, NULL);
    for (int i = 0; i < CW_PLAN_ISSUES_MAX + 50; i++)
        add_member(mapped.doc, "lines");
    run();
    const struct cw_found_issue *issue = mapped.issues;
    for (; issue->next != NULL; issue = issue->next)
        count++;
    assert_int_equal(count, CW_PLAN_ISSUES_MAX);
    assert_slice(issue->code, "limit");
    assert_false(issue->is_hold);
}

static void matches_of_lines_are_explained(void **state)
{
    (void)state;
    struct cw_trace first = { .field = cw_slice("lines[2].sku") };
    match_items(CW_UNKNOWN_FALLBACK, "erp:MISC");
    two_lines();
    mapped.trace = &first;
    of.trace = true;
    store_has("erp", "MISC");
    run();
    assert_non_null(first.next);
    assert_slice(first.next->field, "lines[2].item");
    assert_slice(first.next->value, "erp:MISC");
    assert_slice(first.next->rule, "items.match by default");
}

/* --- variants --- */

static int set_up_item(void **state)
{
    (void)state;
    return set_up_kind(&cw_kind_item);
}

static void each_variant_becomes_an_item(void **state)
{
    (void)state;
    step(CW_SPLIT_VARIANTS, .name = "items.options");
    mapped.doc->external_id = cw_slice("5");
    set("sku", "MUG");
    set("name", "Mug");
    set("type", "variants");
    set("currency", "EUR");
    set("price", "9.00");
    set("custom.brand", "Acme");
    add_member(mapped.doc, "variants");
    add_member(mapped.doc, "variants");
    add_member(mapped.doc, "variants");
    set("variants[1].external_id", "7");
    set("variants[1].sku", "MUG-B");
    set("variants[1].name", "blue");
    set("variants[1].price", "9.50");
    set("variants[2].sku", "MUG-R");
    set("variants[2].barcode", "400");
    run();
    assert_slice(mapped.doc->external_id, "5/7");
    assert_text("sku", "MUG-B");
    assert_text("name", "Mug, blue");
    assert_text("type", "simple");
    assert_text("price", "9.50");
    assert_text("custom.brand", "Acme");
    assert_false(cw_document_get(mapped.doc, "variants")->is_set);
    struct cw_document *second = mapped.also, *third = second->next;
    assert_slice(second->external_id, "5/MUG-R");
    assert_text_in(second, "name", "Mug");
    assert_text_in(second, "price", "9.00");
    assert_text_in(second, "barcode", "400");
    assert_slice(third->external_id, "5/3");
    assert_text_in(third, "sku", "MUG");
    assert_null(third->next);
}

static void an_item_without_variants_stays_what_it_is(void **state)
{
    (void)state;
    step(CW_SPLIT_VARIANTS, .name = "items.options");
    mapped.doc->external_id = cw_slice("5");
    set("type", "kit");
    run();
    assert_slice(mapped.doc->external_id, "5");
    assert_text("type", "kit");
    assert_null(mapped.also);
}

#define ITEM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_item, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(questions_follow_keys_and_carts),
        TEST(every_key_asks_what_the_order_says_of_the_buyer),
        TEST(the_first_key_and_the_first_cart_that_answer_are_taken),
        TEST(two_customers_are_never_guessed),
        TEST(the_order_takes_what_the_customer_has),
        TEST(a_customer_that_is_set_is_kept),
        TEST(nobody_is_kept_held_or_replaced),
        TEST(a_customer_is_made_of_the_order),
        TEST(one_guest_is_one_customer),
        TEST(who_is_there_already_is_not_made_over),
        TEST(nobody_is_made_of_nothing),
        TEST(an_address_that_comes_twice_is_one),
        TEST(an_address_is_found_by_its_id),
        TEST(an_address_is_found_without_case_and_blanks),
        TEST(an_unknown_address_may_stay),
        TEST(the_address_of_a_customer_just_made_is_found),
        TEST(lines_that_are_goods_are_asked_for),
        TEST(split_variants_are_items_of_their_own),
        TEST(a_variant_is_found_by_its_sku),
        TEST(two_items_are_never_guessed),
        TEST(an_unknown_item_is_held_or_replaced),
        TEST(a_record_has_so_many_issues_and_no_more),
        TEST(matches_of_lines_are_explained),
        ITEM_TEST(each_variant_becomes_an_item),
        ITEM_TEST(an_item_without_variants_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
