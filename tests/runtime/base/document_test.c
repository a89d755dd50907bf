/* document_test.c - the kinds of documents, their fields, and values as people see them. */
#include "testing.h"

#include <ctype.h>

#include "base/document.h"

static bool is_identifier(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return len > 0 && name[len] == '\0' && islower((unsigned char)name[0]);
}

static void kinds_and_fields_have_names_that_columns_can_have(void **state)
{
    (void)state;
    for (size_t k = 0; cw_kinds[k] != NULL; k++) {
        const struct cw_kind *kind = cw_kinds[k];
        assert_true(is_identifier(kind->name) && is_identifier(kind->plural));
        assert_string_not_equal(kind->name, kind->plural);
        assert_true(kind->field_count > 0);
        for (size_t f = 0; f < kind->field_count; f++) {
            assert_true(is_identifier(kind->fields[f].name));
            assert_int_equal(cw_kind_field(kind, cw_slice(kind->fields[f].name)), f); /* no name twice */
        }
    }
}

static void each_field_has_help_and_what_its_type_needs(void **state)
{
    (void)state;
    for (size_t k = 0; cw_kinds[k] != NULL; k++) {
        for (size_t f = 0; f < cw_kinds[k]->field_count; f++) {
            const struct cw_field *field = &cw_kinds[k]->fields[f];
            bool nested = field->type == CW_RECORD || field->type == CW_LIST;
            assert_true(field->help != NULL && field->help[0] != '\0');
            assert_int_equal(field->kind != NULL, nested);
            if (nested)
                assert_false(field->kind->is_document);
            if (field->choices != NULL) {
                assert_int_equal(field->type, CW_TEXT);
                assert_non_null(field->choices[0]);
            }
        }
    }
}

static void kinds_are_found_by_either_name(void **state)
{
    (void)state;
    for (size_t k = 0; cw_kinds[k] != NULL; k++) {
        assert_ptr_equal(cw_kind_find(cw_slice(cw_kinds[k]->name)), cw_kinds[k]);
        assert_ptr_equal(cw_kind_find(cw_slice(cw_kinds[k]->plural)), cw_kinds[k]);
    }
    assert_null(cw_kind_find(cw_slice("receipt")));
    assert_null(cw_kind_find(cw_slice("")));
    assert_int_equal(cw_kind_field(&cw_kind_order, cw_slice("nothing")), -1);
}

static void each_rounding_an_order_may_name_exists(void **state)
{
    (void)state;
    int field = cw_kind_field(&cw_kind_order, cw_slice("rounding_mode"));
    assert_true(field >= 0);
    for (const char *const *name = cw_kind_order.fields[field].choices; *name != NULL; name++)
        assert_true(cw_rounding_parse(cw_slice(*name), &(enum cw_rounding){ 0 }));
}

static void a_misspelt_field_is_suggested_and_nonsense_is_not(void **state)
{
    (void)state;
    assert_string_equal(cw_kind_suggest(&cw_kind_line, cw_slice("quantiy")), "quantity");
    assert_string_equal(cw_kind_suggest(&cw_kind_order, cw_slice("placed")), "placed_at");
    assert_string_equal(cw_kind_suggest(&cw_kind_order, cw_slice("statsu")), "status"); /* not "state" */
    assert_string_equal(cw_kind_suggest(&cw_kind_order, cw_slice("total")), "total");
    assert_null(cw_kind_suggest(&cw_kind_order, cw_slice("zzzzzzzz")));
    assert_null(cw_kind_suggest(&cw_kind_order, cw_slice("a_very_long_name_that_no_field_could_have")));
    cw_kind_suggest(&cw_kind_order, cw_slice("exactly_thirty_two_bytes_long_xx"));
    cw_kind_suggest(&cw_kind_order, cw_slice(""));
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(cw_type_name(CW_TEXT), "text");
    assert_string_equal(cw_type_name(CW_MONEY), "money");
    assert_string_equal(cw_type_name(CW_LIST), "list");
}

static void a_new_document_has_no_value_set(void **state)
{
    (void)state;
    struct cw_arena arena, small;
    cw_arena_init(&arena, 0);
    memset(cw_arena_alloc(&arena, 60000), 0xA5, 60000); /* used memory */
    cw_arena_reset(&arena);
    struct cw_document *doc = cw_document_create(&arena, &cw_kind_order);
    assert_non_null(doc);
    for (size_t i = 0; i < cw_kind_order.field_count; i++)
        assert_false(doc->values[i].is_set);
    assert_null(doc->next);
    assert_null(doc->custom);
    assert_ptr_equal(cw_document_get(doc, "total"),
                     &doc->values[cw_kind_field(&cw_kind_order, cw_slice("total"))]);
    assert_null(cw_document_get(doc, "nothing"));
    cw_arena_init(&small, 64);
    assert_null(cw_document_create(&small, &cw_kind_order));
    cw_arena_fini(&small);
    cw_arena_fini(&arena);
}

static void assert_text(enum cw_type type, struct cw_value value, int money_digits, const char *expected)
{
    char scratch[CW_VALUE_TEXT_MAX];
    assert_slice(cw_value_text(type, &value, money_digits, scratch), expected);
}

static struct cw_value decimal_value(const char *text)
{
    struct cw_value value = { .is_set = true };
    assert_true(cw_decimal_parse(cw_slice(text), &value.decimal, NULL));
    return value;
}

static void values_are_shown_as_people_write_them(void **state)
{
    (void)state;
    assert_text(CW_TEXT, (struct cw_value){ .is_set = true, .text = cw_slice("a b") }, 2, "a b");
    assert_text(CW_DECIMAL, decimal_value("1.500"), 2, "1.500");
    assert_text(CW_MONEY, decimal_value("63.010000"), 2, "63.01");
    assert_text(CW_MONEY, decimal_value("9.9999990"), 2, "9.999999");
    assert_text(CW_MONEY, decimal_value("5"), 2, "5.00");
    assert_text(CW_MONEY, decimal_value("63.010000"), -1, "63.010000");
    assert_text(CW_MONEY, decimal_value("500.00"), 0, "500");
    assert_text(CW_DECIMAL, decimal_value("-0.99999999999999999999999999999999999999"), 2,
                "-0.99999999999999999999999999999999999999");
    assert_text(CW_INTEGER, (struct cw_value){ .is_set = true, .integer = INT64_MIN }, 2,
                "-9223372036854775808");
    assert_text(CW_BOOLEAN, (struct cw_value){ .is_set = true, .boolean = true }, 2, "true");
    assert_text(CW_BOOLEAN, (struct cw_value){ .is_set = true, .boolean = false }, 2, "false");
    assert_text(CW_TIME, (struct cw_value){ .is_set = true, .time = 1711852200 * CW_SECOND + 5 }, 2,
                "2024-03-31T02:30:00.000005Z");
}

static void what_is_not_set_has_no_text(void **state)
{
    (void)state;
    for (int type = CW_TEXT; type <= CW_LIST; type++)
        assert_text((enum cw_type)type, (struct cw_value){ 0 }, 2, "");
    assert_text(CW_RECORD, (struct cw_value){ .is_set = true }, 2, "");
    assert_text(CW_LIST, (struct cw_value){ .is_set = true }, 2, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_fields_have_names_that_columns_can_have),
        cmocka_unit_test(each_field_has_help_and_what_its_type_needs),
        cmocka_unit_test(kinds_are_found_by_either_name),
        cmocka_unit_test(each_rounding_an_order_may_name_exists),
        cmocka_unit_test(a_misspelt_field_is_suggested_and_nonsense_is_not),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(a_new_document_has_no_value_set),
        cmocka_unit_test(values_are_shown_as_people_write_them),
        cmocka_unit_test(what_is_not_set_has_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
