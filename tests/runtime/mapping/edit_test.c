/* edit_test.c - values of documents are found, set, compared and copied by their names. */
#include "testing.h"

#include <stdio.h>

#include "mapping/edit.h"

static struct cw_arena arena;
static struct cw_error err;
static struct cw_document *order;

static struct cw_document *add_member(struct cw_document *doc, const char *list, const char *id)
{
    int i = cw_kind_field(doc->kind, cw_slice(list));
    struct cw_value *value = &doc->values[i];
    struct cw_document *member = cw_document_create(&arena, doc->kind->fields[i].kind);
    assert_non_null(member);
    member->external_id = cw_slice(id);
    if (!value->is_set)
        *value = (struct cw_value){ .is_set = true };
    if (value->list.last != NULL)
        value->list.last->next = member;
    else
        value->list.first = member;
    value->list.last = member;
    value->list.count++;
    return member;
}

static int set_up(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    order = cw_document_create(&arena, &cw_kind_order);
    return order != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

static void set_in(struct cw_document *doc, const char *name, const char *text)
{
    assert_ok(cw_document_set(doc, cw_slice(name), cw_slice(text), NULL, &arena, &err), err);
}

static void set(const char *name, const char *text)
{
    set_in(order, name, text);
}

static void assert_text(const char *name, const char *expected)
{
    struct cw_slice text;
    assert_ok(cw_document_text(order, cw_slice(name), &arena, &text, &err), err);
    assert_int_equal(text.data == NULL, expected == NULL);
    if (expected != NULL)
        assert_slice(text, expected);
}

static void assert_refused(const char *name, const char *text, enum cw_code code, const char *message)
{
    assert_false(cw_document_set(order, cw_slice(name), cw_slice(text), NULL, &arena, &err));
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, code);
}

static void two_lines(void)
{
    add_member(order, "lines", "1001");
    add_member(order, "lines", "1002");
    set("lines[1].sku", "MUG");
    set("lines[2].sku", "CUP");
}

static void values_are_set_by_name_as_their_type(void **state)
{
    (void)state;
    two_lines();
    set("currency", "EUR");
    set("note", "ring twice");
    set("total", "12.5000");
    set("archived", "yes");
    set("placed_at", "2024-03-28 11:02:57+01:00");
    set("billing.street", "Main street 1");
    set("lines[id=1002].quantity", "3");
    assert_text("note", "ring twice");
    assert_text("total", "12.50");
    assert_text("archived", "true");
    assert_text("placed_at", "2024-03-28T10:02:57Z");
    assert_text("billing.street", "Main street 1");
    assert_text("billing.city", NULL);
    assert_text("shipping.city", NULL);
    assert_text("lines[2].quantity", "3");
    assert_text("lines[1].quantity", NULL);
}

static void an_empty_text_is_not_an_unset_one(void **state)
{
    (void)state;
    set("note", "");
    assert_text("note", "");
    set("note", NULL);
    assert_text("note", NULL);
}

static void unsetting_makes_no_record(void **state)
{
    (void)state;
    set("billing.street", NULL);
    assert_false(cw_document_get(order, "billing")->is_set);
}

static void fields_of_the_site_s_own_are_made_and_taken_away(void **state)
{
    (void)state;
    struct cw_place place;
    assert_ok(cw_document_place(order, cw_slice("custom.gift"), &place, &err), err);
    assert_null(place.value);
    set("custom.gift", "yes");
    set("custom.first.second", "2");
    assert_text("custom.gift", "yes");
    assert_text("custom.first.second", "2");
    set("custom.gift", NULL);
    assert_text("custom.gift", NULL);
    assert_slice(order->custom->name, "first.second");
    assert_null(order->custom->next);
}

static void a_custom_field_keeps_its_type(void **state)
{
    (void)state;
    struct cw_custom *custom = cw_arena_alloc(&arena, sizeof *custom);
    *custom = (struct cw_custom){ .name = cw_slice("weight"), .type = CW_DECIMAL };
    order->custom = custom;
    assert_refused("custom.weight", "heavy", CW_INVALID,
                   "custom.weight is \"heavy\", which is no decimal number");
    set("custom.weight", "1.50");
    assert_text("custom.weight", "1.50");
}

static void what_does_not_fit_leaves_the_document_as_it_was(void **state)
{
    (void)state;
    set("status", "paid");
    set("currency", "EUR");
    assert_refused(
        "status", "paidd", CW_INVALID,
        "status is \"paidd\", which is none of: draft, pending, on_hold, paid, processing, backorder, "
        "shipped, completed, cancelled, refunded, failed");
    assert_refused("total", "much", CW_INVALID, "total is \"much\", which is no amount");
    assert_refused("currency", "EURO", CW_INVALID,
                   "currency is \"EURO\", which is no ISO 4217 code such as EUR");
    assert_refused(
        "shipping.external_id.x", "1", CW_USAGE,
        "\"shipping.external_id.x\": external_id holds a single value, so nothing can stand behind it");
    assert_text("status", "paid");
    assert_text("currency", "EUR");
    assert_text("total", NULL);
    assert_false(cw_document_get(order, "shipping")->is_set);
}

static void unknown_names_are_refused_with_a_suggestion(void **state)
{
    (void)state;
    two_lines();
    assert_refused("custmer", "x", CW_USAGE,
                   "\"custmer\": unknown field \"custmer\" of order; did you mean \"customer\"?");
    assert_refused("billing.stret", "x", CW_USAGE,
                   "\"billing.stret\": unknown field \"stret\" of address; did you mean \"street\"?");
    assert_refused(
        "xylophone", "x", CW_USAGE,
        "\"xylophone\": unknown field \"xylophone\" of order; fields of your own are named custom.NAME");
    assert_refused("", "x", CW_USAGE,
                   "\"\": unknown field \"\" of order; fields of your own are named custom.NAME");
    assert_refused("custom.", "x", CW_USAGE, "\"custom.\": the field of your own has no name");
}

static void whole_lists_and_records_are_no_place(void **state)
{
    (void)state;
    two_lines();
    assert_refused("lines", "x", CW_USAGE,
                   "\"lines\": lines is a list; name a member and its field: lines[1].parent_id");
    assert_refused("lines[1]", "x", CW_USAGE,
                   "\"lines[1]\": this is a whole line; name one of its fields: lines[1].parent_id");
    assert_refused("billing", "x", CW_USAGE,
                   "\"billing\": this is a whole address; name one of its fields: billing.name");
    assert_refused("billing[1].city", "x", CW_USAGE,
                   "\"billing[1].city\": billing is no list, so it has no members");
    assert_refused("lines[0].sku", "x", CW_USAGE,
                   "\"lines[0].sku\": members are named by their number, from 1, or as lines[id=1001]");
    assert_refused("lines[1", "x", CW_USAGE,
                   "\"lines[1\": \"[\" is not closed; a member is named lines[2] or lines[id=1001]");
}

static void a_member_or_record_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct cw_place place;
    two_lines();
    assert_refused("lines[3].sku", "x", CW_NOT_FOUND,
                   "\"lines[3].sku\": lines has 2 members, and none of them is this one");
    assert_refused("lines[id=7].sku", "x", CW_NOT_FOUND,
                   "\"lines[id=7].sku\": lines has 2 members, and none of them is this one");
    assert_false(cw_document_place(order, cw_slice("billing.city"), &place, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    assert_string_equal(err.text, "\"billing.city\": this order has no such address");
}

static void places_lead_to_the_value(void **state)
{
    (void)state;
    struct cw_place place;
    two_lines();
    assert_ok(cw_document_place(order, cw_slice("lines[id=1002].sku"), &place, &err), err);
    assert_slice(place.value->text, "CUP");
    assert_slice(place.owner->external_id, "1002");
    assert_string_equal(place.field->name, "sku");
    assert_int_equal(place.type, CW_TEXT);
}

static void names_are_checked_without_a_document(void **state)
{
    (void)state;
    enum cw_type type;
    assert_ok(cw_kind_check_name(&cw_kind_order, cw_slice("lines[99].quantity"), &type, &err), err);
    assert_int_equal(type, CW_DECIMAL);
    assert_ok(cw_kind_check_name(&cw_kind_order, cw_slice("lines[id=a.b].custom.x"), &type, &err), err);
    assert_int_equal(type, CW_TEXT);
    assert_false(cw_kind_check_name(&cw_kind_order, cw_slice("lines[1].quantiy"), &type, &err));
    assert_string_equal(
        err.text, "\"lines[1].quantiy\": unknown field \"quantiy\" of line; did you mean \"quantity\"?");
}

static void assert_stable(const char *name, const char *expected)
{
    struct cw_slice stable;
    assert_ok(cw_document_stable_name(order, cw_slice(name), &arena, &stable, &err), err);
    assert_slice(stable, expected);
}

static void names_that_last_tell_members_by_their_id(void **state)
{
    (void)state;
    two_lines();
    add_member(order, "lines", "");
    add_member(order, "lines", "a].b");
    add_member(order, "lines", "5");
    add_member(order, "lines", "5");
    assert_stable("lines[2].sku", "lines[id=1002].sku");
    assert_stable("lines[id=1001].sku", "lines[id=1001].sku");
    assert_stable("lines[2].custom.colour", "lines[id=1002].custom.colour");
    assert_stable("lines[3].sku", "lines[3].sku");
    assert_stable("lines[4].sku", "lines[4].sku");
    assert_stable("lines[5].sku", "lines[5].sku");
    assert_stable("billing.city", "billing.city");
    assert_stable("note", "note");
}

static void ids_with_points_and_brackets_name_their_member(void **state)
{
    (void)state;
    add_member(order, "lines", "a.b[c");
    set("lines[1].sku", "MUG");
    assert_stable("lines[1].sku", "lines[id=a.b[c].sku");
    assert_text("lines[id=a.b[c].sku", "MUG");
}

static void a_new_id_of_a_member_is_its_own_at_once(void **state)
{
    (void)state;
    two_lines();
    set("lines[2].external_id", "2002");
    assert_text("lines[id=2002].sku", "CUP");
    set("lines[2].external_id", NULL);
    assert_int_equal(cw_document_get(order, "lines")->list.last->external_id.len, 0);
}

/* --- differences --- */

static char told[2048];

static bool tell(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    size_t len = strlen(told);
    int *left = arg;
    snprintf(told + len, sizeof told - len, "%.*s: %s%.*s%s -> %s%.*s%s\n", CW_SLICE_ARG(name),
             before.data != NULL ? "\"" : "unset", CW_SLICE_ARG(before), before.data != NULL ? "\"" : "",
             after.data != NULL ? "\"" : "unset", CW_SLICE_ARG(after), after.data != NULL ? "\"" : "");
    return left == NULL || --*left > 0;
}

static void assert_differences(const struct cw_document *before, const struct cw_document *after,
                               const char *expected)
{
    told[0] = '\0';
    assert_true(cw_document_differences(before, after, &arena, tell, NULL));
    assert_string_equal(told, expected);
}

static void a_copy_shares_nothing_and_differs_in_nothing(void **state)
{
    (void)state;
    struct cw_arena other;
    two_lines();
    set("currency", "EUR");
    set("total", "1.00");
    set("billing.city", "Bern");
    set("custom.gift", "yes");
    set("lines[1].custom.colour", "red");
    cw_arena_init(&other, 0);
    struct cw_document *copy = cw_document_copy(&other, order);
    assert_non_null(copy);
    assert_differences(order, copy, "");
    set("billing.city", "Basel");
    set("lines[1].custom.colour", "blue");
    assert_differences(copy, order,
                       "billing.city: \"Bern\" -> \"Basel\"\n"
                       "lines[id=1001].custom.colour: \"red\" -> \"blue\"\n");
    cw_arena_reset(&arena); /* the copy must stand alone */
    set_in(copy, "note", "x");
    assert_slice(cw_document_get(copy, "billing")->record->values[9].text, "Bern");
    cw_arena_fini(&other);
}

static void differences_come_in_the_order_of_the_fields(void **state)
{
    (void)state;
    set("currency", "EUR");
    set("number", "7");
    set("total", "10");
    set("note", "");
    set("billing.city", "Bern");
    set("custom.gift", "yes");
    struct cw_document *after = cw_document_copy(&arena, order);
    set_in(after, "number", "8");
    set_in(after, "total", "10.000");
    set_in(after, "note", NULL);
    set_in(after, "custom.gift", NULL);
    set_in(after, "custom.other", "1");
    set_in(after, "shipping.city", "Basel");
    *(struct cw_value *)cw_document_get(after, "billing") = (struct cw_value){ .is_set = false };
    assert_differences(order, after,
                       "number: \"7\" -> \"8\"\n"
                       "billing.city: \"Bern\" -> unset\n"
                       "shipping.city: unset -> \"Basel\"\n"
                       "note: \"\" -> unset\n"
                       "custom.gift: \"yes\" -> unset\n"
                       "custom.other: unset -> \"1\"\n");
}

static void members_are_paired_by_id_then_by_position(void **state)
{
    (void)state;
    struct cw_document *after = cw_document_create(&arena, &cw_kind_order);
    two_lines();
    add_member(order, "lines", "");
    set("lines[3].sku", "BAG");
    add_member(after, "lines", "1002");
    add_member(after, "lines", "1003");
    add_member(after, "lines", "");
    set_in(after, "lines[1].sku", "CUP");
    set_in(after, "lines[1].quantity", "2");
    set_in(after, "lines[2].sku", "HAT");
    set_in(after, "lines[2].quantity", "1");
    set_in(after, "lines[3].sku", "BAG2");
    assert_differences(order, after,
                       "lines[id=1002].quantity: unset -> \"2\"\n"
                       "lines[id=1003]: unset -> \"sku HAT, quantity 1\"\n"
                       "lines[3].sku: \"BAG\" -> \"BAG2\"\n"
                       "lines[id=1001]: \"sku MUG\" -> unset\n");
    assert_differences(after, after, "");
}

static void the_reader_of_differences_may_stop(void **state)
{
    (void)state;
    int left = 1;
    struct cw_document *after = cw_document_create(&arena, &cw_kind_order);
    set_in(after, "number", "8");
    set_in(after, "note", "x");
    told[0] = '\0';
    assert_true(cw_document_differences(order, after, &arena, tell, &left));
    assert_string_equal(told, "number: unset -> \"8\"\n");
}

/* Everything that allocates, in an arena of `limit` bytes; false when that was too little. */
static bool work_within(size_t limit)
{
    struct cw_arena small;
    struct cw_slice stable;
    struct cw_error why = { .code = CW_OK };
    cw_arena_init(&small, limit);
    struct cw_document *copy = cw_document_copy(&small, order);
    bool ok = copy != NULL;
    ok = ok && cw_document_set(copy, cw_slice("shipping.city"), cw_slice("Basel"), NULL, &small, &why);
    ok = ok && cw_document_set(copy, cw_slice("custom.new"), cw_slice("x"), NULL, &small, &why);
    ok = ok && cw_document_stable_name(copy, cw_slice("lines[2].sku"), &small, &stable, &why);
    ok = ok && cw_document_text(copy, cw_slice("total"), &small, &stable, &why);
    told[0] = '\0';
    ok = ok && cw_document_differences(order, copy, &small, tell, NULL);
    assert_true(why.code == CW_OK || why.code == CW_LIMIT);
    cw_arena_fini(&small);
    return ok;
}

static void every_exhausted_arena_is_told(void **state)
{
    (void)state;
    size_t limit = 1;
    two_lines();
    set("total", "5");
    set("billing.city", "Bern");
    set("custom.gift", "yes");
    while (!work_within(limit))
        limit++;
    assert_true(limit > sizeof(struct cw_document));
    assert_string_equal(told, "shipping.city: unset -> \"Basel\"\ncustom.new: unset -> \"x\"\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_set_by_name_as_their_type),
        TEST(an_empty_text_is_not_an_unset_one),
        TEST(unsetting_makes_no_record),
        TEST(fields_of_the_site_s_own_are_made_and_taken_away),
        TEST(a_custom_field_keeps_its_type),
        TEST(what_does_not_fit_leaves_the_document_as_it_was),
        TEST(unknown_names_are_refused_with_a_suggestion),
        TEST(whole_lists_and_records_are_no_place),
        TEST(a_member_or_record_that_is_not_there_is_not_found),
        TEST(places_lead_to_the_value),
        TEST(names_are_checked_without_a_document),
        TEST(names_that_last_tell_members_by_their_id),
        TEST(ids_with_points_and_brackets_name_their_member),
        TEST(a_new_id_of_a_member_is_its_own_at_once),
        TEST(a_copy_shares_nothing_and_differs_in_nothing),
        TEST(differences_come_in_the_order_of_the_fields),
        TEST(members_are_paired_by_id_then_by_position),
        TEST(the_reader_of_differences_may_stop),
        TEST(every_exhausted_arena_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
