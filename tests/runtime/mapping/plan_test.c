/* plan_test.c - records into documents: values, absent ones, faults, translations, skips. */
#include "mapped.h"

#include <stdio.h>

static void values_are_found_and_trimmed(void **state)
{
    (void)state;
    add(plan, "number", "reference");
    add(plan, "note", "message/text", .keep_space = true);
    add(plan, "tax_included", "incl");
    run("{reference:' XK \n' message:{text:'  hello '} incl:'Yes'}");
    assert_slice(mapped.doc->external_id, "101");
    assert_field("number", "XK");
    assert_field("note", "  hello ");
    assert_field("tax_included", "true");
    assert_field("email", NULL);
    assert_issue_count(0);
    assert_null(mapped.trace);
    assert_null(mapped.skipped_by);
}

static void ids_and_texts_survive_byte_for_byte(void **state)
{
    (void)state;
    static const char *const ids[] = { "9007199254740993",
                                       "9223372036854775808",
                                       "9223372036854775807",
                                       "123456789012345678901234567890",
                                       "000042",
                                       "1e5",
                                       "1E-7",
                                       "-0",
                                       "3.10" };
    char record[80];
    add(plan, "number", "id");
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        snprintf(record, sizeof record, "{id:%s}", ids[i]);
        run(record);
        assert_field("number", ids[i]);
    }
}

static void the_first_path_with_a_value_wins(void **state)
{
    (void)state;
    struct cw_slice paths[] = { cw_slice("a"), cw_slice("b"), cw_slice("c") };
    add(plan, "number", NULL, .paths = paths, .path_count = 3);
    run("{a:null b:'' c:'third'}");
    assert_field("number", "third");
    run("{c:'third' b:'second' a:'  '}");
    assert_field("number", "second");
    run("{}");
    assert_field("number", NULL);
}

static void words_for_nothing_are_absent(void **state)
{
    (void)state;
    struct cw_slice none[] = { cw_slice("0000-00-00 00:00:00"), cw_slice("--") };
    add(plan, "paid_at", "paid", .none = none, .none_count = 2);
    add(plan, "number", "n", .none = none, .none_count = 2, .has_default = true,
        .default_text = cw_slice("new"));
    run("{paid:'0000-00-00 00:00:00' n:' -- '}");
    assert_field("paid_at", NULL);
    assert_field("number", "new");
    assert_issue_count(0);
}

static void empty_elements_and_lists_are_absent(void **state)
{
    (void)state;
    add(plan, "number", "n", .has_default = true, .default_text = cw_slice("none"));
    run("{n:[]}");
    assert_field("number", "none");
    run("{n:{}}");
    assert_field("number", "none");
    run("{n:{@nil:'true'}}");
    assert_field("number", "none");
    assert_issue_count(0);
}

static void a_list_or_group_instead_of_a_value_is_invalid(void **state)
{
    (void)state;
    add(plan, "number", "n");
    run("{n:['a' 'b']}");
    assert_issue(0, "invalid", "number", "n",
                 "number is to come from n, but there stands a list instead of a value");
    run("{n:{a:'1'}}");
    assert_issue(0, "invalid", "number", "n",
                 "number is to come from n, but there stands a group of fields instead of a value");
    assert_field("number", NULL);
    run("{n:{@id:'1' b:'x' 'own text'}}");
    assert_field("number", "own text");
}

static void a_required_field_that_is_missing_is_an_issue_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct cw_slice paths[] = { cw_slice("n"), cw_slice("m") };
    add(plan, "number", "reference", .required = true);
    add(plan, "email", NULL, .paths = paths, .path_count = 2, .required = true);
    add(plan, "note", "note");
    run("{note:'hello' new_field:'whatever'}");
    assert_issue(0, "missing", "number", "reference",
                 "number is missing: the record has nothing at reference");
    assert_issue(1, "missing", "email", "n",
                 "email is missing: the record has nothing at n or its other paths");
    assert_issue_count(2);
    assert_field("note", "hello");
}

static void what_cannot_be_read_is_invalid(void **state)
{
    (void)state;
    add(plan, "currency", "cur");
    add(plan, "total", "total");
    add(plan, "placed_at", "at");
    add(plan, "tax_included", "incl");
    add(plan, "boxes", "boxes", .is_custom = true, .custom_type = CW_INTEGER);
    run("{cur:'EUR' total:'12,50' at:'yesterday' incl:'maybe' boxes:'99999999999999999999'}");
    assert_issue(
        0, "invalid", "placed_at", "at",
        "placed_at is \"yesterday\", which is no date and time with an offset; if the cart writes local "
        "times, set its zone");
    assert_issue(1, "invalid", "tax_included", "incl",
                 "tax_included is \"maybe\", which is neither true nor false");
    assert_issue(2, "invalid", "total", "total", "total is \"12,50\", which is no amount");
    assert_issue(3, "overflow", "custom.boxes", "boxes",
                 "boxes is \"99999999999999999999\", which is outside the whole numbers of 64 bits");
    assert_issue_count(4);
    assert_field("total", NULL);
    assert_null(mapped.doc->custom);
}

static void a_long_value_is_cut_in_the_message(void **state)
{
    (void)state;
    add(line, "quantity", "q");
    add(plan, "lines", "l", .source = CW_FROM_EACH, .plan = line);
    run("{l:{q:'äääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää'}}");
    assert_issue(0, "invalid", "lines[1].quantity", "l[1]/q",
                 "quantity is \"ääääääääääääääääääääääääääääääääääääääääää...\", which is no decimal number");
}

static void exact_amounts_come_through(void **state)
{
    (void)state;
    add(plan, "currency", "cur");
    add(plan, "total", "total");
    add(plan, "discount_total", "off", .negate = true);
    run("{total:66.800000 cur:'EUR' off:'-2.50'}");
    assert_field("total", "66.800000");
    assert_field("discount_total", "2.50");
    run("{total:12345678901234567890123456.789 cur:'EUR' off:'0.00'}");
    assert_field("total", "12345678901234567890123456.789");
    assert_field("discount_total", "0.00");
    run("{total:1.5e3 cur:'EUR'}");
    assert_field("total", "1500");
    run("{total:'123456789012345678901234567890123456789' cur:'EUR'}");
    assert_issue(
        0, "overflow", "total", "total",
        "total is \"123456789012345678901234567890123456789\", which has more digits than a number can keep "
        "(38)");
}

static void an_unknown_currency_is_one_issue_for_all_amounts(void **state)
{
    (void)state;
    add(plan, "total", "total");
    add(plan, "paid_total", "total");
    add(plan, "currency", "cur");
    add(plan, "number", "n", .required = true);
    run("{total:'5' cur:'EURO'}");
    assert_issue(0, "missing", "number", "n", "number is missing: the record has nothing at n");
    assert_issue(1, "currency", "currency", "cur",
                 "currency is \"EURO\", which is no ISO 4217 code such as EUR");
    assert_issue_count(2);
    run("{n:'1' total:'5'}");
    assert_issue(0, "currency", "total", "", "total is an amount, but the record has no currency");
    assert_issue_count(1);
    run("{n:'1'}");
    assert_issue_count(0);
}

static void a_missing_currency_is_said_once(void **state)
{
    (void)state;
    add(plan, "total", "total");
    add(plan, "currency", "cur", .required = true);
    run("{total:'5'}");
    assert_issue(0, "missing", "currency", "cur", "currency is missing: the record has nothing at cur");
    assert_issue_count(1);
}

static void joined_texts_leave_out_what_is_absent(void **state)
{
    (void)state;
    struct cw_slice name[] = { cw_slice("first"), cw_slice("middle"), cw_slice("last") };
    struct cw_slice time[] = { cw_slice("date"), cw_slice("time") };
    add(plan, "note", NULL, .source = CW_FROM_JOIN, .paths = name, .path_count = 3, .text = cw_slice(" "));
    add(plan, "placed_at", NULL, .source = CW_FROM_JOIN, .paths = time, .path_count = 2,
        .text = cw_slice("T"));
    run("{first:'Marie' middle:' ' last:' Curie' date:'2024-03-28' time:'10:02:57Z'}");
    assert_field("note", "Marie Curie");
    assert_field("placed_at", "2024-03-28T10:02:57Z");
    run("{last:'Curie'}");
    assert_field("note", "Curie");
    run("{}");
    assert_field("note", NULL);
    assert_issue_count(0);
}

static void sums_take_every_match_of_every_path(void **state)
{
    (void)state;
    struct cw_slice paths[] = { cw_slice("l/tax"), cw_slice("extra") };
    add(plan, "currency", NULL, .source = CW_FROM_CONSTANT, .text = cw_slice("EUR"));
    add(plan, "tax_total", NULL, .source = CW_FROM_SUM, .paths = paths, .path_count = 2);
    add(plan, "boxes", "l/boxes", .is_custom = true, .custom_type = CW_INTEGER, .source = CW_FROM_SUM);
    run("{l:[{tax:'1.10' boxes:1} {tax:'2.205' boxes:2} {tax:null}] extra:[1 2]}");
    assert_field("tax_total", "6.305");
    assert_true(mapped.doc->custom->value.integer == 3);
    run("{}");
    assert_field("tax_total", "0");
    run("{l:[{tax:'1.10'} {tax:'x'}]}");
    assert_issue(0, "invalid", "tax_total", "l/tax", "tax_total is \"x\", which is no amount");
    assert_issue_count(1);
    run("{extra:[99999999999999999999999999999999999999 1]}");
    assert_issue(0, "overflow", "tax_total", "extra",
                 "tax_total is a sum that has more digits than a number can keep (38)");
}

static void a_translation_finds_its_row(void **state)
{
    (void)state;
    add(plan, "status", "state", .table = "status");
    add(plan, "cart_status", "state");
    add_row("status", "Payé", "paid");
    add_row("status", "draft", NULL);
    run("{state:' PAYÉ'}");
    assert_field("status", "paid");
    assert_field("cart_status", "PAYÉ");
    run("{state:'draft'}");
    assert_field("status", NULL);
    assert_issue_count(0);
    run("{state:''}");
    assert_field("status", NULL);
    assert_issue_count(0);
}

static void an_unknown_key_is_an_issue_that_says_where_the_row_belongs(void **state)
{
    (void)state;
    add(plan, "status", "state", .table = "status", .has_default = true, .default_text = cw_slice("pending"));
    add_row("status", "2", "paid");
    run("{state:'awaiting-stock'}");
    assert_issue(
        0, "unknown-status", "status", "state",
        "status \"awaiting-stock\" has no row in table status; add one: cartwright table set CART status "
        "\"awaiting-stock\" VALUE");
    assert_field("status", NULL);
    run("{}");
    assert_field("status", "pending");
}

static void a_required_field_translated_to_nothing_is_missing(void **state)
{
    (void)state;
    add(plan, "status", "state", .table = "status", .required = true);
    add_row("status", "2", NULL);
    run("{state:2}");
    assert_issue(0, "missing", "status", "state", "status is missing: the record has nothing at state");
}

static void a_word_that_is_no_choice_is_an_issue(void **state)
{
    (void)state;
    add(plan, "rounding", "r");
    run("{r:'lines'}");
    assert_issue(0, "choice", "rounding", "r", "rounding is \"lines\", which is none of: item, line, total");
    assert_field("rounding", NULL);
}

static void html_is_decoded_once_and_tags_stay(void **state)
{
    (void)state;
    add(plan, "note", "n", .html = true);
    add(plan, "number", "n");
    run("{n:' caf&eacute; &amp;lt; <b>&nbsp;'}");
    assert_field("note", "café &lt; <b>\xC2\xA0");
    assert_field("number", "caf&eacute; &amp;lt; <b>&nbsp;");
    run("{n:'&#32;'}");
    assert_field("note", NULL);
}

static void custom_fields_keep_their_order(void **state)
{
    (void)state;
    add(plan, "zeta", "z", .is_custom = true, .custom_type = CW_TEXT);
    add(plan, "absent", "none", .is_custom = true, .custom_type = CW_TEXT);
    add(plan, "alpha", "a", .is_custom = true, .custom_type = CW_BOOLEAN);
    run("{a:'1' z:'last'}");
    const struct cw_custom *first = mapped.doc->custom;
    assert_slice(first->name, "zeta");
    assert_slice(first->value.text, "last");
    assert_slice(first->next->name, "alpha");
    assert_true(first->next->value.boolean);
    assert_null(first->next->next);
}

static void issues_come_in_the_order_of_the_kind_s_fields(void **state)
{
    (void)state;
    add(plan, "own", "n", .is_custom = true, .custom_type = CW_TEXT, .required = true);
    add(plan, "note", "n", .required = true);
    add(plan, "currency", "n", .required = true);
    add(plan, "number", "n", .required = true);
    run("{}");
    assert_slice(issue_at(0)->field, "number");
    assert_slice(issue_at(1)->field, "currency");
    assert_slice(issue_at(2)->field, "note");
    assert_slice(issue_at(3)->field, "custom.own");
}

static void skipped_records_make_no_document(void **state)
{
    (void)state;
    struct cw_slice values[] = { cw_slice("draft"), cw_slice("test") };
    assert_ok(cw_plan_add_skip(plan, "drafts", cw_slice("state"), values, 2, &err), err);
    add(plan, "number", "n");
    run("{n:'1' state:' test '}");
    assert_string_equal(mapped.skipped_by, "drafts");
    assert_null(mapped.doc);
    run("{n:'1' state:'paid'}");
    assert_null(mapped.skipped_by);
    assert_field("number", "1");
    run("{n:'1'}");
    assert_non_null(mapped.doc);
}

static void more_names_than_are_looked_up_together_are_found_too(void **state)
{
    (void)state;
    static char record[100 * 16];
    char name[32], member[64];
    strcpy(record, "{");
    for (int i = 0; i < 90; i++) {
        snprintf(name, sizeof name, "field%d", i);
        add(plan, name, name, .is_custom = true, .custom_type = CW_INTEGER);
        snprintf(member, sizeof member, "field%d:%d ", i, i);
        strcat(record, member);
    }
    strcat(record, "}");
    run(record);
    int expected = 0;
    for (const struct cw_custom *custom = mapped.doc->custom; custom != NULL; custom = custom->next)
        assert_int_equal(custom->value.integer, expected++);
    assert_int_equal(expected, 90);
}

static void an_issue_can_be_added_afterwards(void **state)
{
    (void)state;
    add(plan, "number", "n", .required = true);
    run("{}");
    assert_true(cw_mapped_add_issue(&mapped, &arena, "match", "customer_id", "no customer %d", 7));
    assert_issue(1, "match", "customer_id", "", "no customer 7");
    assert_issue_count(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_found_and_trimmed),
        TEST(ids_and_texts_survive_byte_for_byte),
        TEST(the_first_path_with_a_value_wins),
        TEST(words_for_nothing_are_absent),
        TEST(empty_elements_and_lists_are_absent),
        TEST(a_list_or_group_instead_of_a_value_is_invalid),
        TEST(a_required_field_that_is_missing_is_an_issue_and_the_rest_goes_on),
        TEST(what_cannot_be_read_is_invalid),
        TEST(a_long_value_is_cut_in_the_message),
        TEST(exact_amounts_come_through),
        TEST(an_unknown_currency_is_one_issue_for_all_amounts),
        TEST(a_missing_currency_is_said_once),
        TEST(joined_texts_leave_out_what_is_absent),
        TEST(sums_take_every_match_of_every_path),
        TEST(a_translation_finds_its_row),
        TEST(an_unknown_key_is_an_issue_that_says_where_the_row_belongs),
        TEST(a_required_field_translated_to_nothing_is_missing),
        TEST(a_word_that_is_no_choice_is_an_issue),
        TEST(html_is_decoded_once_and_tags_stay),
        TEST(custom_fields_keep_their_order),
        TEST(issues_come_in_the_order_of_the_kind_s_fields),
        TEST(skipped_records_make_no_document),
        TEST(more_names_than_are_looked_up_together_are_found_too),
        TEST(an_issue_can_be_added_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
