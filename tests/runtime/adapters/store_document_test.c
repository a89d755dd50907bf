/* Documents as rows: columns, numbers, lists, money, own fields. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/store_words.h"
#include "store_bed.h"

static void put(struct store_bed *bed, const struct cw_document *doc, int64_t run)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), doc, bed->time.now, run));
    commit(txn);
}

/* --- the schema and the kinds --- */

static void add_name(struct cw_buffer *names, const char *name)
{
    assert_true(cw_buffer_print(names, NULL, "%s\n", name));
}

static void add_fields(struct cw_buffer *names, const struct cw_kind *kind)
{
    char column[CW_COLUMN_MAX];
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct cw_field *field = &kind->fields[i];
        for (size_t j = 0; field->type == CW_RECORD && j < field->kind->field_count; j++) {
            cw_store_flat_column(field, &field->kind->fields[j], column);
            add_name(names, column);
        }
        if (field->type != CW_RECORD && field->type != CW_LIST) {
            cw_store_column(kind, field, column);
            add_name(names, column);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of `names`, sorted; each once. */
static void sort_lines(struct cw_buffer *names)
{
    char *lines[256], text[8192] = "";
    size_t count = 0;
    for (char *line = strtok(names->data, "\n"); line != NULL; line = strtok(NULL, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_name);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(lines[i - 1], lines[i]) != 0);
        strcat(strcat(text, lines[i]), "\n");
    }
    cw_buffer_clear(names);
    assert_true(cw_buffer_add(names, text, strlen(text), NULL));
}

static bool take_names(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)row;
    for (size_t i = 0; i < columns; i++)
        assert_true(cw_buffer_print(arg, NULL, "%.*s\n", CW_SLICE_ARG(names[i])));
    return true;
}

static void no_error(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void assert_columns(struct store_bed *bed, const char *table, struct cw_buffer *expected)
{
    struct cw_buffer actual = { 0 };
    char sql[128]; /* one row of NULLs, also from an empty table */
    snprintf(sql, sizeof sql, "SELECT t.* FROM (SELECT 1 AS one) o LEFT JOIN %s t ON o.one = 0", table);
    cw_store_query(bed->store, sql, NULL, 0, take_names, no_error, &actual);
    sort_lines(expected);
    sort_lines(&actual);
    assert_string_equal(actual.data, expected->data);
    cw_buffer_fini(&actual);
    cw_buffer_clear(expected);
}

static void assert_list_columns(struct store_bed *bed, const struct cw_kind *parent,
                                const struct cw_field *list)
{
    struct cw_buffer expected = { 0 };
    char table[64], id[64];
    snprintf(table, sizeof table, "%s_%s", parent->name, list->name);
    snprintf(id, sizeof id, "%s_id", parent->name);
    add_name(&expected, id);
    add_name(&expected, "position");
    add_name(&expected, "custom");
    add_fields(&expected, list->kind);
    assert_columns(bed, table, &expected);
    cw_buffer_fini(&expected);
}

static void the_tables_have_exactly_the_columns_of_the_kinds(void **state)
{
    static const char *const ours[] = { "id",        "cart",     "external_id",     "custom",
                                        "first_run", "last_run", "first_stored_at", "last_stored_at" };
    struct cw_buffer expected = { 0 };
    int documents = 0;
    for (size_t i = 0; cw_kinds[i] != NULL; i++) {
        const struct cw_kind *kind = cw_kinds[i];
        if (!kind->is_document)
            continue;
        documents++;
        for (size_t j = 0; j < sizeof ours / sizeof *ours; j++)
            add_name(&expected, ours[j]);
        add_fields(&expected, kind);
        assert_columns(*state, kind->plural, &expected);
        for (size_t j = 0; j < kind->field_count; j++)
            if (kind->fields[j].type == CW_LIST)
                assert_list_columns(*state, kind, &kind->fields[j]);
    }
    assert_int_equal(documents, 9);
    cw_buffer_fini(&expected);
}

/* --- writing --- */

static void a_document_replaced_keeps_its_number_and_gets_new_lists(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    put(bed, order_of(&arena, "1000", 1), 1);
    put(bed, order_of(&arena, "1001", 3), 1);
    test_clock_advance(&bed->time, CW_HOUR);
    put(bed, order_of(&arena, "1001", 2), 7);
    assert_string_equal(ask(bed,
                            "SELECT id, external_id, first_run, last_run, first_stored_at, last_stored_at "
                            "FROM orders ORDER BY id"),
                        "1|1000|1|1|2024-03-31T02:30:00.000000Z|2024-03-31T02:30:00.000000Z\n"
                        "2|1001|1|7|2024-03-31T02:30:00.000000Z|2024-03-31T03:30:00.000000Z");
    assert_string_equal(ask(bed, "SELECT order_id, position, sku, quantity FROM order_lines ORDER BY 1, 2"),
                        "1|1|SKU-1|2\n2|1|SKU-1|2\n2|2|SKU-2|2");
    cw_arena_fini(&arena);
}

static void a_field_that_is_gone_from_the_document_is_gone_from_its_row(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 0);
    set_text(order, "note", "leave at the door");
    put(*state, order, 1);
    put(*state, order_of(&arena, "1001", 0), 2);
    assert_string_equal(ask(*state, "SELECT note, number FROM orders"), "NULL|1001");
    cw_arena_fini(&arena);
}

static void money_has_the_digits_of_its_currency_and_never_loses_any(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *euro = order_of(&arena, "1", 0), *yen = order_of(&arena, "2", 0);
    struct cw_document *none = order_of(&arena, "3", 0);
    set_money(euro, "goods_total", "9.9999990");
    set_money(euro, "tax_total", "5");
    set_text(yen, "currency", "JPY");
    set_money(yen, "total", "1200.00");
    set(none, "currency")->is_set = false;
    put(*state, euro, 1);
    put(*state, yen, 1);
    put(*state, none, 1);
    assert_string_equal(ask(*state, "SELECT total, goods_total, tax_total FROM orders ORDER BY id"),
                        "63.01|9.999999|5.00\n1200|NULL|NULL\n63.010000|NULL|NULL");
    cw_arena_fini(&arena);
}

static void every_type_of_field_comes_back_as_it_was(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 1);
    set(order, "tax_included")->boolean = true;
    set(order, "placed_at")->time = bed->time.now + 123456;
    set(order, "paid_at")->time = bed->time.now;
    set_text(order, "email", "");
    struct cw_document *line = order->values[cw_kind_field(order->kind, cw_slice("lines"))].list.first;
    set_money(line, "tax_rate", "19.600");
    line->external_id = cw_slice("L-1");
    put(bed, order, 1);
    assert_string_equal(ask(bed, "SELECT tax_included, placed_at, paid_at, email, note FROM orders"),
                        "1|2024-03-31T02:30:00.123456Z|2024-03-31T02:30:00.000000Z||NULL");
    assert_string_equal(ask(bed, "SELECT external_id, tax_rate FROM order_lines"), "L-1|19.600");
    cw_arena_fini(&arena);
}

static void addresses_of_an_order_are_columns_of_it(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 0);
    struct cw_document *billing = cw_document_create(&arena, &cw_kind_address);
    struct cw_document *shipping = cw_document_create(&arena, &cw_kind_address);
    set(order, "billing")->record = billing;
    set(order, "shipping")->record = shipping;
    set_text(billing, "city", "Linz");
    set_text(shipping, "city", "Graz");
    set_text(shipping, "name", "Ada Lovelace");
    set_text(order, "shipping_name", "Express");
    shipping->external_id = cw_slice("77");
    put(*state, order, 1);
    assert_string_equal(
        ask(*state, "SELECT billing_city, billing_address_name, shipping_city, shipping_address_name, "
                    "shipping_name, shipping_external_id FROM orders"),
        "Linz|NULL|Graz|Ada Lovelace|Express|77");
    cw_arena_fini(&arena);
}

static void own_fields_are_one_json_object(void **state)
{
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 1);
    struct cw_document *billing = cw_document_create(&arena, &cw_kind_address);
    struct cw_custom gift = { .name = cw_slice("gift"), .type = CW_TEXT };
    struct cw_custom door = { .name = cw_slice("door"), .type = CW_TEXT };
    gift.value = (struct cw_value){ .is_set = true, .text = cw_slice("say \"hi\"") };
    door.value = (struct cw_value){ .is_set = true, .text = cw_slice("7b") };
    order->custom = &gift;
    billing->custom = &door;
    set(order, "billing")->record = billing;
    put(*state, order, 1);
    assert_string_equal(ask(*state, pg_server_is_wanted()
                                        ? "SELECT custom::json ->> 'gift', custom::json -> 'billing' ->> "
                                          "'door' FROM orders"
                                        : "SELECT custom ->> '$.gift', custom ->> '$.billing.door' FROM "
                                          "orders"),
                        "say \"hi\"|7b");
    assert_string_equal(ask(*state, "SELECT custom FROM order_lines"), "NULL");
    put(*state, order_of(&arena, "1001", 0), 1);
    assert_string_equal(ask(*state, "SELECT custom FROM orders"), "NULL");
    cw_arena_fini(&arena);
}

static void lists_of_any_length_keep_what_each_of_their_members_has(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    static const char *const ids[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" };
    for (int count = 1; count <= 9; count++) {
        char name[32];
        int n = 0;
        struct cw_document *order = order_of(&arena, ids[count - 1], count);
        for (struct cw_document *line =
                 order->values[cw_kind_field(order->kind, cw_slice("lines"))].list.first;
             line != NULL; line = line->next) {
            struct cw_custom *own = cw_arena_alloc(&arena, sizeof *own);
            snprintf(name, sizeof name, "%d of %d", ++n, count);
            *own = (struct cw_custom){ .name = cw_slice("n"), .type = CW_TEXT };
            own->value = (struct cw_value){ .is_set = true, .text = cw_arena_copy(&arena, cw_slice(name)) };
            if (n != 2)
                line->custom = own;
            snprintf(name, sizeof name, "%d.%02d", n, count);
            set_money(line, "unit_price", name);
        }
        put(bed, order, 1);
    }
    assert_string_equal(ask(bed, "SELECT count(*), count(custom), count(DISTINCT order_id) FROM order_lines"),
                        "45|37|9");
    assert_string_equal(
        ask(bed, "SELECT position, sku, unit_price, custom FROM order_lines "
                 "WHERE order_id = 7 ORDER BY position"),
        "1|SKU-1|1.07|{\"n\":\"1 of 7\"}\n2|SKU-2|2.07|NULL\n3|SKU-3|3.07|{\"n\":\"3 of "
        "7\"}\n4|SKU-4|4.07|{\"n\":\"4 of 7\"}\n"
        "5|SKU-5|5.07|{\"n\":\"5 of 7\"}\n6|SKU-1|6.07|{\"n\":\"6 of 7\"}\n7|SKU-2|7.07|{\"n\":\"7 of 7\"}");
    cw_arena_fini(&arena);
}

static void every_kind_of_document_with_all_its_fields_is_stored(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    char sql[64];
    cw_arena_init(&arena, 0);
    for (size_t i = 0; cw_kinds[i] != NULL; i++) {
        if (!cw_kinds[i]->is_document)
            continue;
        struct cw_document *doc = cw_document_create(&arena, cw_kinds[i]);
        doc->external_id = cw_slice("x");
        for (size_t j = 0; j < doc->kind->field_count; j++) {
            const struct cw_field *field = &doc->kind->fields[j];
            if (field->type == CW_LIST)
                add_to(&arena, doc, field->name);
            else if (field->type == CW_TEXT)
                set_text(doc, field->name, "text");
            else if (field->type != CW_RECORD)
                set(doc, field->name)->integer = 0;
        }
        put(bed, doc, 1);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", doc->kind->plural);
        assert_string_equal(ask(bed, sql), "1");
    }
    assert_string_equal(ask(bed,
                            "SELECT (SELECT count(*) FROM item_variants), "
                            "(SELECT count(*) FROM customer_addresses), (SELECT count(*) FROM order_taxes)"),
                        "1|1|1");
    cw_arena_fini(&arena);
}

static void the_same_id_in_two_carts_is_two_documents(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 1);
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_document(txn, cw_slice("shop"), order, bed->time.now, 1));
    assert_true(cw_txn_put_document(txn, cw_slice("other"), order, bed->time.now, 1));
    commit(txn);
    assert_string_equal(ask(bed, "SELECT cart FROM orders ORDER BY cart"), "other\nshop");
    cw_arena_fini(&arena);
}

static void a_document_without_an_id_or_inside_another_is_refused(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    struct cw_error err;
    cw_arena_init(&arena, 0);
    struct cw_txn *txn = begin(bed);
    assert_false(cw_txn_put_document(txn, cw_slice("shop"), order_of(&arena, "", 0), 0, 1));
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_USAGE);
    txn = begin(bed);
    assert_false(cw_txn_put_document(txn, cw_slice("shop"), cw_document_create(&arena, &cw_kind_line), 0, 1));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    cw_txn_rollback(txn);
    cw_arena_fini(&arena);
}

static void a_text_that_is_too_long_names_its_record_and_field(void **state)
{
    struct store_bed *bed = *state;
    struct cw_arena arena;
    cw_arena_init(&arena, 0);
    struct cw_document *order = order_of(&arena, "1001", 1);
    char *text = malloc(CW_STORE_TEXT_MAX + 1);
    memset(text, 'x', CW_STORE_TEXT_MAX + 1);
    set(order, "note")->text = (struct cw_slice){ text, CW_STORE_TEXT_MAX + 1 };
    struct cw_txn *txn = begin(bed);
    assert_false(cw_txn_put_document(txn, cw_slice("shop"), order, bed->time.now, 1));
    assert_int_equal(cw_txn_error(txn)->code, CW_LIMIT);
    assert_string_equal(cw_txn_error(txn)->record, "1001");
    assert_string_equal(cw_txn_error(txn)->field, "note");
    cw_txn_rollback(txn);
    set(order, "note")->text.len = CW_STORE_TEXT_MAX;
    put(bed, order, 1);
    assert_string_equal(ask(bed, "SELECT length(note) FROM orders"), "16777216");
    free(text);
    cw_arena_fini(&arena);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_tables_have_exactly_the_columns_of_the_kinds),
        STORE_TEST(a_document_replaced_keeps_its_number_and_gets_new_lists),
        STORE_TEST(a_field_that_is_gone_from_the_document_is_gone_from_its_row),
        STORE_TEST(money_has_the_digits_of_its_currency_and_never_loses_any),
        STORE_TEST(every_type_of_field_comes_back_as_it_was),
        STORE_TEST(addresses_of_an_order_are_columns_of_it),
        STORE_TEST(own_fields_are_one_json_object),
        STORE_TEST(lists_of_any_length_keep_what_each_of_their_members_has),
        STORE_TEST(every_kind_of_document_with_all_its_fields_is_stored),
        STORE_TEST(the_same_id_in_two_carts_is_two_documents),
        STORE_TEST(a_document_without_an_id_or_inside_another_is_refused),
        STORE_TEST(a_text_that_is_too_long_names_its_record_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
