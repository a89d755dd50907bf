/* document_json_test.c - documents as JSON: order of fields, exact figures, nesting, escaping, indentation.
 */
#include "testing.h"

#include "adapters/document_json.h"
#include "adapters/reader.h"

static struct cw_arena arena;
static struct cw_error err;
static struct cw_document *order;
static struct cw_buffer out;

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
    cw_buffer_fini(&out);
    out.limit = 0;
    cw_arena_fini(&arena);
    return 0;
}

static struct cw_value *set(struct cw_document *doc, const char *field)
{
    int i = cw_kind_field(doc->kind, cw_slice(field));
    assert_true(i >= 0);
    doc->values[i].is_set = true;
    return &doc->values[i];
}

static void set_text(struct cw_document *doc, const char *field, const char *text)
{
    set(doc, field)->text = cw_slice(text);
}

static void set_decimal(struct cw_document *doc, const char *field, const char *text)
{
    assert_ok(cw_decimal_parse(cw_slice(text), &set(doc, field)->decimal, &err), err);
}

static struct cw_document *append(const char *list, const struct cw_kind *kind)
{
    struct cw_value *value = set(order, list);
    struct cw_document *doc = cw_document_create(&arena, kind);
    if (value->list.first == NULL)
        value->list.first = doc;
    else
        value->list.last->next = doc;
    value->list.last = doc;
    value->list.count++;
    return doc;
}

static void assert_json(unsigned indent, const char *expected)
{
    cw_buffer_clear(&out);
    assert_ok(cw_document_json(&out, order, indent, &err), err);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected));
}

static void an_empty_document_is_an_empty_object(void **state)
{
    (void)state;
    assert_json(0, "{}");
    assert_json(2, "{}");
}

static void fields_come_in_the_order_of_the_kind_after_the_id(void **state)
{
    (void)state;
    set_text(order, "note", "");
    set_text(order, "number", "R1");
    order->external_id = cw_slice("00042");
    assert_json(0, "{\"external_id\":\"00042\",\"number\":\"R1\",\"note\":\"\"}");
}

static void money_is_a_string_with_the_digits_of_its_currency(void **state)
{
    (void)state;
    set_decimal(order, "total", "63.010000");
    set_decimal(order, "goods_total", "9.9999990");
    set_decimal(order, "shipping_total", "5");
    assert_json(0, "{\"goods_total\":\"9.9999990\",\"shipping_total\":\"5\",\"total\":\"63.010000\"}");
    set_text(order, "currency", "EUR");
    assert_json(0, "{\"currency\":\"EUR\",\"goods_total\":\"9.999999\",\"shipping_total\":\"5.00\",\"total\":"
                   "\"63.01\"}");
    set_text(order, "currency", "JPY");
    assert_json(
        0,
        "{\"currency\":\"JPY\",\"goods_total\":\"9.999999\",\"shipping_total\":\"5\",\"total\":\"63.01\"}");
}

static void long_ids_and_amounts_are_written_whole(void **state)
{
    (void)state;
    order->external_id = cw_slice("123456789012345678901234567890");
    set_text(order, "number", "9007199254740993");
    set_decimal(order, "total", "12345678901234567890123456.789");
    assert_json(0, "{\"external_id\":\"123456789012345678901234567890\",\"number\":\"9007199254740993\","
                   "\"total\":\"12345678901234567890123456.789\"}");
}

static void times_and_booleans_have_their_forms(void **state)
{
    (void)state;
    set(order, "placed_at")->time = 1711620177 * CW_SECOND;
    set(order, "tax_included")->boolean = false;
    assert_json(0, "{\"placed_at\":\"2024-03-28T10:02:57Z\",\"tax_included\":false}");
}

static void lists_and_records_are_nested(void **state)
{
    (void)state;
    struct cw_document *line = append("lines", &cw_kind_line);
    set_text(line, "external_id", "17");
    line->external_id = cw_slice("17");
    set_decimal(line, "quantity", "2.000");
    append("lines", &cw_kind_line);
    set(order, "fees");
    set(order, "billing")->record = cw_document_create(&arena, &cw_kind_address);
    set_text(cw_document_get(order, "billing")->record, "city", "Paris");
    assert_json(
        0, "{\"billing\":{\"city\":\"Paris\"},\"lines\":[{\"external_id\":\"17\",\"quantity\":\"2.000\"},{}],"
           "\"fees\":[]}");
    assert_json(2, "{\n"
                   "  \"billing\": {\n"
                   "    \"city\": \"Paris\"\n"
                   "  },\n"
                   "  \"lines\": [\n"
                   "    {\n"
                   "      \"external_id\": \"17\",\n"
                   "      \"quantity\": \"2.000\"\n"
                   "    },\n"
                   "    {}\n"
                   "  ],\n"
                   "  \"fees\": []\n"
                   "}");
}

static void own_fields_stand_under_custom(void **state)
{
    (void)state;
    struct cw_custom flag = { .name = cw_slice("gift \"wrap\""),
                              .type = CW_BOOLEAN,
                              .value = { .is_set = true, .boolean = true } };
    struct cw_custom unset = { .next = &flag, .name = cw_slice("unset"), .type = CW_TEXT };
    struct cw_custom boxes = { .next = &unset,
                               .name = cw_slice("boxes"),
                               .type = CW_INTEGER,
                               .value = { .is_set = true, .integer = INT64_MIN } };
    order->custom = &boxes;
    assert_json(0, "{\"custom\":{\"boxes\":-9223372036854775808,\"gift \\\"wrap\\\"\":true}}");
    cw_buffer_clear(&out);
    assert_ok(cw_custom_json(&out, order, &err), err);
    assert_string_equal(out.data, "{\"boxes\":-9223372036854775808,\"gift \\\"wrap\\\"\":true}");
    cw_buffer_clear(&out);
    order->custom = NULL;
    assert_ok(cw_custom_json(&out, order, &err), err);
    assert_int_equal(out.len, 0);
}

static void own_fields_of_a_record_stand_under_its_name(void **state)
{
    (void)state;
    struct cw_custom gift = { .name = cw_slice("gift"),
                              .value = { .is_set = true, .text = cw_slice("yes") } };
    struct cw_custom door = { .name = cw_slice("door"), .value = { .is_set = true, .text = cw_slice("7b") } };
    struct cw_document *billing = cw_document_create(&arena, &cw_kind_address);
    set(order, "billing")->record = billing;
    billing->custom = &door;
    order->custom = &gift;
    assert_ok(cw_custom_json(&out, order, &err), err);
    assert_string_equal(out.data, "{\"billing\":{\"door\":\"7b\"},\"gift\":\"yes\"}");
    cw_buffer_clear(&out);
    order->custom = NULL;
    assert_ok(cw_custom_json(&out, order, &err), err);
    assert_string_equal(out.data, "{\"billing\":{\"door\":\"7b\"}}");
}

static void an_own_field_named_like_a_record_with_own_fields_is_refused(void **state)
{
    (void)state;
    struct cw_custom same = { .name = cw_slice("billing"),
                              .value = { .is_set = true, .text = cw_slice("x") } };
    struct cw_custom door = { .name = cw_slice("door"), .value = { .is_set = true, .text = cw_slice("7b") } };
    struct cw_document *billing = cw_document_create(&arena, &cw_kind_address);
    set(order, "billing")->record = billing;
    order->custom = &same;
    assert_ok(cw_custom_json(&out, order, &err), err);
    assert_string_equal(out.data, "{\"billing\":\"x\"}");
    billing->custom = &door;
    assert_false(cw_custom_json(&out, order, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_string_equal(err.field, "billing");
}

static void a_shipment_has_its_lines(void **state)
{
    (void)state;
    struct cw_document *shipment = cw_document_create(&arena, &cw_kind_shipment);
    struct cw_document *line = cw_document_create(&arena, &cw_kind_shipment_line);
    shipment->external_id = cw_slice("S-1");
    set_text(shipment, "order_id", "1001");
    set_text(line, "sku", "A");
    struct cw_value *lines = set(shipment, "lines");
    lines->list.first = lines->list.last = line;
    assert_ok(cw_document_json(&out, shipment, 0, &err), err);
    assert_string_equal(out.data,
                        "{\"external_id\":\"S-1\",\"order_id\":\"1001\",\"lines\":[{\"sku\":\"A\"}]}");
}

static void any_text_comes_back_from_the_parser(void **state)
{
    (void)state;
    static const char text[] = "quote \" back \\ line\n tab\t bell\x07 </script> é 😀 \x7f";
    set_text(order, "note", text);
    assert_ok(cw_document_json(&out, order, 4, &err), err);
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &err);
    const struct cw_node *root = cw_parse(parser, cw_buffer_slice(&out), "UTF-8", &arena, &err);
    if (root == NULL)
        fail_msg("%s", err.text);
    assert_slice(cw_node_child(root, cw_slice("note"))->text, text);
    cw_parser_free(parser);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct cw_document *line = append("lines", &cw_kind_line);
    set_decimal(line, "quantity", "2");
    set_text(order, "number", "R1");
    assert_ok(cw_document_json(&out, order, 2, &err), err);
    size_t whole = out.len;
    for (size_t limit = 1; limit <= whole; limit++) {
        cw_buffer_fini(&out);
        out.limit = limit;
        bool ok = cw_document_json(&out, order, 2, &err);
        assert_int_equal(ok, limit == whole);
        if (!ok)
            assert_int_equal(err.code, CW_LIMIT);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_document_is_an_empty_object),
        TEST(fields_come_in_the_order_of_the_kind_after_the_id),
        TEST(money_is_a_string_with_the_digits_of_its_currency),
        TEST(long_ids_and_amounts_are_written_whole),
        TEST(times_and_booleans_have_their_forms),
        TEST(lists_and_records_are_nested),
        TEST(own_fields_stand_under_custom),
        TEST(own_fields_of_a_record_stand_under_its_name),
        TEST(an_own_field_named_like_a_record_with_own_fields_is_refused),
        TEST(a_shipment_has_its_lines),
        TEST(any_text_comes_back_from_the_parser),
        TEST(a_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
