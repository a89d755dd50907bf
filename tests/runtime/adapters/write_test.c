/* write_test.c - whatever goes in, a well-formed document comes out, and reading it gives the same tree. */
#include "reading.h"

#include "adapters/writer.h"

/* Reads `text`, writes the tree with both layouts, reads that: the same tree each time. */
static void assert_round_trip(enum cw_format format, struct cw_slice text)
{
    struct cw_error err;
    struct cw_arena arena;
    struct cw_buffer first = { 0 }, again = { 0 }, written = { 0 };
    struct cw_parser *parser = cw_parser_create(format, NULL, &err);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree = cw_parse(parser, text, "UTF-8", &arena, &err);
    assert_ok(tree != NULL, err);
    show_node(&first, tree);
    for (unsigned indent = 0; indent <= 2; indent += 2) {
        cw_buffer_clear(&written);
        cw_buffer_clear(&again);
        bool ok = format == CW_XML ? cw_xml_write(&written, tree, indent, &err)
                                   : cw_json_write(&written, tree, indent, &err);
        assert_ok(ok, err);
        assert_int_equal(written.data[written.len], '\0');
        const struct cw_node *copy = cw_parse(parser, cw_buffer_slice(&written), "UTF-8", &arena, &err);
        assert_ok(copy != NULL, err);
        show_node(&again, copy);
        assert_string_equal(again.data, first.data);
    }
    cw_buffer_fini(&first);
    cw_buffer_fini(&again);
    cw_buffer_fini(&written);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void assert_written(enum cw_format format, const char *text, unsigned indent, const char *expected)
{
    struct cw_error err;
    struct cw_arena arena;
    struct cw_buffer written = { 0 };
    struct cw_parser *parser = cw_parser_create(format, NULL, &err);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree = cw_parse(parser, cw_slice(text), "UTF-8", &arena, &err);
    bool ok = format == CW_XML ? cw_xml_write(&written, tree, indent, &err)
                               : cw_json_write(&written, tree, indent, &err);
    assert_ok(ok, err);
    assert_string_equal(written.data, expected);
    cw_buffer_fini(&written);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void xml_is_written_on_one_line_or_indented(void **state)
{
    (void)state;
    assert_written(CW_XML, "<a b='1'> <c>x</c>\n<d/></a>", 0, "<a b=\"1\"><c>x</c><d/></a>");
    assert_written(CW_XML, "<a b='1'><c>x</c><d><e/></d></a>", 2,
                   "<a b=\"1\">\n  <c>x</c>\n  <d>\n    <e/>\n  </d>\n</a>");
    assert_written(CW_XML, "<a>text<c><d/></c></a>", 2, "<a>text<c><d/></c></a>");
    assert_written(CW_XML, "<a b='1'></a>", 4, "<a b=\"1\"/>");
}

static void json_is_written_on_one_line_or_indented(void **state)
{
    (void)state;
    assert_written(CW_JSON, "{ \"a\" : [1.50, {}, [] ], \"b\":null}", 0, "{\"a\":[1.50,{},[]],\"b\":null}");
    assert_written(CW_JSON, "{\"a\":[1,true],\"b\":{}}", 2,
                   "{\n  \"a\": [\n    1,\n    true\n  ],\n  \"b\": {}\n}");
}

static void xml_as_json_keeps_every_text(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_buffer written = { 0 };
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree =
        cw_parse(parser, cw_slice("<a n='1'>t<b>x</b><c d='2'>y</c><e/></a>"), "UTF-8", &arena, &err);
    bool ok = cw_json_write(&written, tree, 0, &err);
    assert_ok(ok, err);
    assert_string_equal(
        written.data,
        "{\"n\":\"1\",\"b\":\"x\",\"c\":{\"d\":\"2\",\"#text\":\"y\"},\"e\":{},\"#text\":\"t\"}");
    cw_buffer_fini(&written);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void what_was_read_is_written_so_that_it_reads_the_same(void **state)
{
    (void)state;
    static const char *const xml[] = {
        "<a/>",
        "<a b='&lt;&gt;&amp;&quot;&apos;&#10;&#13;&#9; é'>&lt;&gt;&amp;]]&gt;\"'&#13;&#10;\n\t é😀</a>",
        "<a>x<b> y </b>z<c><d/>w</c></a>",
        "<a> <b>  </b> </a>",
        "<s:a t:b='1' b:1='2'/>",
        "<a><![CDATA[]]]]><![CDATA[>]]></a>",
    };
    static const char *const json[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "{\"\":{\"\":[]}}",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u2028é😀\",-0,1e400,true,false,null]",
        "{\"a\\\"\\n\":1,\"é\":[{\"b\":{}},[[]]]}",
    };
    for (size_t i = 0; i < sizeof xml / sizeof *xml; i++)
        assert_round_trip(CW_XML, cw_slice(xml[i]));
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        assert_round_trip(CW_JSON, cw_slice(json[i]));
}

static void the_fixtures_survive_the_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {
        "prestashop/hand-ps8-orders-full-page1.xml",
        "prestashop/hand-ps8-products-full-two-languages.xml",
        "prestashop/hand-ps8-stock_availables-full.xml",
        "woocommerce/docs/orders-batch.json",
        "woocommerce/docs/products-batch.json",
        "woocommerce/handmade/order-kwd.json",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct cw_buffer text = test_fixture(names[i]);
        assert_round_trip(strstr(names[i], ".xml") != NULL ? CW_XML : CW_JSON, cw_buffer_slice(&text));
        cw_buffer_fini(&text);
    }
}

static void text_is_escaped(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    struct cw_error err;
    assert_ok(cw_xml_write_text(&out, cw_slice("a<b>&\"]]>\r\n"), &err), err);
    assert_string_equal(out.data, "a&lt;b&gt;&amp;\"]]&gt;&#13;\n");
    cw_buffer_clear(&out);
    assert_ok(cw_xml_write_attribute(&out, cw_slice("a"), cw_slice("<\"'\t\n"), &err), err);
    assert_string_equal(out.data, " a=\"&lt;&quot;'&#9;&#10;\"");
    cw_buffer_clear(&out);
    assert_ok(cw_json_write_text(&out, (struct cw_slice){ "a\"\\\n\x01\0é", 8 }, &err), err);
    assert_string_equal(out.data, "\"a\\\"\\\\\\n\\u0001\\u0000é\"");
    cw_buffer_clear(&out);
    assert_ok(cw_json_write_text(&out, (struct cw_slice){ NULL, 0 }, &err), err);
    assert_ok(cw_xml_write_text(&out, (struct cw_slice){ NULL, 0 }, &err), err);
    assert_string_equal(out.data, "\"\"");
    cw_buffer_fini(&out);
}

static void what_no_document_can_hold_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = { "ab\x01", "\x1F", "ab\xFF", "a\xC3", "\xED\xA0\x80", "\xEF\xBF\xBE" };
    struct cw_buffer out = { 0 };
    struct cw_error err;
    cw_buffer_print(&out, NULL, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(cw_xml_write_text(&out, cw_slice(bad[i]), &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_false(cw_xml_write_attribute(&out, cw_slice("a"), cw_slice(bad[i]), &err));
        if (i >= 2 && i < 5)
            assert_false(cw_json_write_text(&out, cw_slice(bad[i]), &err));
    }
    assert_false(cw_xml_write_text(&out, (struct cw_slice){ "a\0b", 3 }, &err));
    assert_non_null(strstr(err.text, "U+0000"));
    assert_string_equal(out.data, "kept");
    cw_buffer_fini(&out);
}

static struct cw_node node_of(const char *name, enum cw_node_kind kind, const char *text)
{
    return (struct cw_node){ .name = cw_slice(name),
                             .name_hash = cw_slice_hash(cw_slice(name)),
                             .kind = kind,
                             .text = cw_slice(text) };
}

static void names_that_xml_does_not_have_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "1a", "a b", "a>", "-a", "a\xFF", "a&", "\xC2\xB7x" };
    static const char *const good[] = { "a", "_", "a-1.b", "é", "a:b", "\xE4\xB8\xAD" };
    struct cw_buffer out = { 0 };
    struct cw_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cw_node node = node_of(bad[i], CW_NODE_OBJECT, "x");
        assert_false(cw_xml_write(&out, &node, 0, &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_false(cw_xml_write_attribute(&out, cw_slice(bad[i]), cw_slice("x"), &err));
    }
    assert_int_equal(out.len, 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct cw_node node = node_of(good[i], CW_NODE_TEXT, "x");
        assert_ok(cw_xml_write(&out, &node, 0, &err), err);
    }
    cw_buffer_fini(&out);
}

static void an_attribute_may_come_only_once(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    struct cw_error err;
    struct cw_node a = node_of("a", CW_NODE_OBJECT, ""), x = node_of("x", CW_NODE_ATTRIBUTE, "1"), y = x;
    a.first = &x;
    x.next = &y;
    assert_false(cw_xml_write(&out, &a, 0, &err));
    assert_non_null(strstr(err.text, "\"x\" comes twice"));
    assert_int_equal(out.len, 0);
    cw_buffer_fini(&out);
}

static void numbers_that_json_does_not_have_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "01", "1.", "NaN", "1 ", "0x1", "+1" };
    struct cw_buffer out = { 0 };
    struct cw_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cw_node number = node_of("", CW_NODE_NUMBER, bad[i]), list = node_of("", CW_NODE_ARRAY, "");
        list.first = &number;
        assert_false(cw_json_write(&out, &list, 0, &err));
        assert_int_equal(err.code, CW_INVALID);
        assert_int_equal(out.len, 0);
    }
    cw_buffer_fini(&out);
}

static void trees_without_end_are_refused(void **state)
{
    (void)state;
    enum { DEPTH = 1001 };
    static struct cw_node nodes[DEPTH + 1];
    struct cw_buffer out = { 0 };
    struct cw_error err;
    for (size_t i = 0; i <= DEPTH; i++) {
        nodes[i] = node_of("a", CW_NODE_OBJECT, "");
        nodes[i].first = i < DEPTH ? &nodes[i + 1] : NULL;
    }
    assert_false(cw_xml_write(&out, nodes, 0, &err));
    assert_int_equal(err.code, CW_LIMIT);
    assert_false(cw_json_write(&out, nodes, 0, &err));
    assert_int_equal(err.code, CW_LIMIT);
    assert_ok(cw_xml_write(&out, nodes + 2, 0, &err), err);
    assert_ok(cw_json_write(&out, nodes + 2, 0, &err), err);
    cw_buffer_fini(&out);
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_node a = node_of("a", CW_NODE_OBJECT, "x<y"), b = node_of("b", CW_NODE_TEXT, "1");
    a.first = &b;
    for (size_t limit = 1; limit < 20; limit++) {
        struct cw_buffer out = { .limit = limit };
        assert_ok(cw_buffer_add(&out, "k", 1, &err), err);
        if (cw_xml_write(&out, &a, 2, &err) || cw_json_write(&out, &a, 2, &err))
            fail_msg("fits into %zu bytes", limit);
        assert_int_equal(err.code, CW_LIMIT);
        assert_string_equal(out.data, "k");
        cw_buffer_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_is_written_on_one_line_or_indented),
        cmocka_unit_test(json_is_written_on_one_line_or_indented),
        cmocka_unit_test(xml_as_json_keeps_every_text),
        cmocka_unit_test(what_was_read_is_written_so_that_it_reads_the_same),
        cmocka_unit_test(the_fixtures_survive_the_round_trip),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(what_no_document_can_hold_is_refused_and_leaves_nothing),
        cmocka_unit_test(names_that_xml_does_not_have_are_refused),
        cmocka_unit_test(an_attribute_may_come_only_once),
        cmocka_unit_test(numbers_that_json_does_not_have_are_refused),
        cmocka_unit_test(trees_without_end_are_refused),
        cmocka_unit_test(a_full_buffer_keeps_what_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
