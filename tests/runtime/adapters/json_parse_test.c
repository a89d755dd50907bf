/* json_parse_test.c - one JSON record, strictly, to a tree. */
#include "reading.h"

#define TREE(text, expected)  assert_tree(CW_JSON, NULL, text, expected)
#define REFUSED(text, needle) assert_refused(CW_JSON, NULL, NULL, cw_slice(text), CW_INVALID, needle)

static void values_become_a_tree(void **state)
{
    (void)state;
    TREE("{}", "{}");
    TREE("[]", "[]");
    TREE(" {\"a\" : 1 , \"b\":[true,false,null,\"x\",{}] } ", "{a#1 b[!true !false ~ \"x\" {}]}");
    TREE("\xEF\xBB\xBF[1]", "[#1]");
    TREE("\"x\"", "\"x\"");
    TREE("{\"\":{\"a\":{}}}", "{{a{}}}");
    TREE("[[],[[]],{}]", "[[] [[]] {}]");
}

static void numbers_keep_their_text(void **state)
{
    (void)state;
    TREE("[0,-0,820982911946154508,19.990,1e400,-1.5E-7,1e+2,123456789012345.67]",
         "[#0 #-0 #820982911946154508 #19.990 #1e400 #-1.5E-7 #1e+2 #123456789012345.67]");
    static const char *const wrong[] = { "01",       "-",    "+1",   ".5",          "1.",  "1.e5",
                                         "1e",       "1e+",  "0x10", "NaN",         "-01", "1_0",
                                         "Infinity", "-NaN", "1,5",  "\xEF\xBC\x91" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        REFUSED(wrong[i], "line 1, column");
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    TREE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\"\\/\b\f\n\r\t\"");
    TREE("\"a\\u0041\\u00e9\\u20AC\\ud83d\\uDE00z\"", "\"aAé€😀z\"");
    TREE("{\"\\u0061\\n\":1}", "{a\n#1}");
    TREE("\"12345678\\n12345678é1234567\"", "\"12345678\n12345678é1234567\"");
    REFUSED("\"\\u0000\"", "\\u0000");
    REFUSED("\"\\ud83d\"", "half of a surrogate pair");
    REFUSED("\"\\ude00\\ud83d\"", "half of a surrogate pair");
    REFUSED("\"\\ud83dx\\ude00\"", "half of a surrogate pair");
    REFUSED("\"\\ud83d\\u0041\"", "half of a surrogate pair");
    REFUSED("\"\\u12g4\"", "hexadecimal");
    REFUSED("\"\\u12\"", "hexadecimal");
    REFUSED("\"\\x41\"", "an escape that JSON does not have");
    REFUSED("\"\\", "closing quote");
    REFUSED("\"\\\"", "closing quote");
    REFUSED("\"abc", "closing quote");
}

static void texts_without_escapes_are_not_copied(void **state)
{
    (void)state;
    const char *bytes = "{\"key\":\"value\",\"n\":12}";
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &err);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree = cw_parse(parser, cw_slice(bytes), NULL, &arena, &err);
    assert_ptr_equal(tree->first->name.data, bytes + 2);
    assert_ptr_equal(tree->first->text.data, bytes + 8);
    assert_ptr_equal(tree->first->next->text.data, bytes + 19);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void control_characters_and_foreign_bytes_are_refused_at_every_place(void **state)
{
    (void)state;
    static const char *const bytes[] = { "\x01",
                                         "\n",
                                         "\t",
                                         "\x1F",
                                         "\xFF",
                                         "\xE9",
                                         "\xC3",
                                         "\xC0\xAF",
                                         "\xE0\x80\xAF",
                                         "\xED\xA0\x80",
                                         "\xF4\x90\x80\x80",
                                         "\xF0\x80\x80\xAF",
                                         "\x80" };
    char text[64];
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        for (int before = 0; before < 20; before++) {
            snprintf(text, sizeof text, "\"%.*s%s%.*s\"", before, "12345678901234567890", bytes[i],
                     19 - before, "12345678901234567890");
            REFUSED(text, i < 4 ? "control character" : "not UTF-8");
            snprintf(text, sizeof text, "\"\\n%.*s%s\"", before, "12345678901234567890", bytes[i]);
            REFUSED(text, i < 4 ? "control character" : "not UTF-8");
        }
    assert_refused(CW_JSON, NULL, NULL, (struct cw_slice){ "\"a\0\"", 4 }, CW_INVALID, "control character");
    assert_refused(CW_JSON, NULL, NULL, (struct cw_slice){ "[1\0]", 4 }, CW_INVALID, "expected");
}

static void characters_of_every_width_are_kept(void **state)
{
    (void)state;
    TREE("\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF"
         "\xBF\"",
         "\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF"
         "\xBF\"");
}

static void what_json_does_not_have_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          " ",          "[1,]",
        "[,1]",      "{\"a\":1,}", "{,}",
        "{a:1}",     "{'a':1}",    "[1 2]",
        "[1",        "{\"a\":1",   "[1}",
        "{\"a\" 1}", "{\"a\":}",   "tru",
        "TRUE",      "nul",        "[1]]",
        "{} {}",     "[1]//x",     "/**/[]",
        "[1/**/]",   "#\n[]",      "[1]\xEF\xBB\xBF",
        "\xEF\xBB",  "undefined",  "{\"a\":1\"b\":2}",
        "{1:2}",     "{\"a\"}",    "]",
        "}",         "[\"a\":1]",  "\f[]",
        "[\v1]",     "[\xC2\xA0]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        REFUSED(texts[i], "line ");
}

static void a_fault_is_named_with_line_and_column(void **state)
{
    (void)state;
    REFUSED("{\n \"a\": 1,\n \"b\": NaN\n}", "line 3, column 7: not a JSON value");
    REFUSED("[1] x", "line 1, column 5: something follows");
    REFUSED("{\"a\":1,\"a\":2}", "line 1, column 8: the key \"a\" comes twice");
}

static void a_key_may_come_only_once(void **state)
{
    (void)state;
    REFUSED("{\"a\":1,\"b\":2,\"\\u0061\":3}", "the key \"a\" comes twice");
    REFUSED("[{\"x\":{\"\":1,\"\":1}}]", "the key \"\" comes twice");
    TREE("{\"a\":{\"a\":1},\"A\":2,\"__proto__\":3,\"constructor\":4}",
         "{a{a#1} A#2 __proto__#3 constructor#4}");
    for (unsigned count = 2; count < 200; count++) {
        struct cw_buffer text = { 0 };
        cw_buffer_print(&text, NULL, "{");
        for (unsigned i = 0; i < count; i++)
            cw_buffer_print(&text, NULL, "\"k%u\":%u,", i, i);
        struct cw_buffer good = { 0 };
        cw_buffer_print(&good, NULL, "%s\"k\":0}", text.data);
        cw_buffer_print(&text, NULL, "\"k%u\":0}", count / 2);
        assert_refused(CW_JSON, NULL, NULL, cw_buffer_slice(&text), CW_INVALID, "comes twice");
        struct cw_error err;
        struct cw_arena arena;
        struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &err);
        cw_arena_init(&arena, 0);
        bool ok = cw_parse(parser, cw_buffer_slice(&good), NULL, &arena, &err) != NULL;
        assert_ok(ok, err);
        cw_arena_fini(&arena);
        cw_parser_free(parser);
        cw_buffer_fini(&text);
        cw_buffer_fini(&good);
    }
}

static void assert_parses(const struct cw_reader_limits *limits, struct cw_slice text)
{
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_JSON, limits, &err);
    cw_arena_init(&arena, 0);
    bool ok = cw_parse(parser, text, NULL, &arena, &err) != NULL;
    assert_ok(ok, err);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

/* Accepts n times `piece`, refuses one more. */
static void assert_count_limit(const struct cw_reader_limits *limits, const char *before, const char *piece,
                               const char *after, size_t n, const char *needle)
{
    struct cw_buffer fits = repeated(before, piece, n, after), over = repeated(before, piece, n + 1, after);
    assert_parses(limits, cw_buffer_slice(&fits));
    assert_refused(CW_JSON, limits, NULL, cw_buffer_slice(&over), CW_LIMIT, needle);
    cw_buffer_fini(&fits);
    cw_buffer_fini(&over);
}

static void sizes_are_allowed_up_to_their_limits(void **state)
{
    (void)state;
    struct cw_reader_limits small = { .record_bytes = 1000, .text_bytes = 20, .depth = 5, .children = 10 };
    assert_count_limit(&small, "\"", "x", "\"", 20, "longer than the limit");
    assert_count_limit(&small, "[\"\\n", "x", "\"]", 18, "longer than the limit");
    assert_count_limit(&small, "{\"", "x", "\":1}", 20, "longer than the limit");
    assert_count_limit(&small, "", "1", "", 20, "longer than the limit");
    assert_count_limit(&small, "[", "1,", "1]", 9, "more members than the limit");
    assert_count_limit(&small, "[1]", " ", "", 997, "the limit is 1000");
    assert_count_limit(NULL, "\"", "x", "\"", 8 * 1024 * 1024, "longer than the limit");
    assert_count_limit(NULL, "[", "1,", "1]", 99999, "more members than the limit");
    struct cw_buffer key = repeated("{\"", "k", 100 * 1024 * 1024, "\":1}");
    assert_refused(CW_JSON, NULL, NULL, cw_buffer_slice(&key), CW_LIMIT, "limit");
    cw_buffer_fini(&key);
}

static void members_of_an_object_are_counted(void **state)
{
    (void)state;
    struct cw_reader_limits small = cw_reader_defaults;
    small.children = 3;
    assert_parses(&small, cw_slice("{\"a\":1,\"b\":2,\"c\":3}"));
    assert_refused(CW_JSON, &small, NULL, cw_slice("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), CW_LIMIT,
                   "more members");
}

static void depth_is_allowed_up_to_the_limit(void **state)
{
    (void)state;
    for (unsigned depth = 99; depth <= 102; depth++) {
        struct cw_buffer text = { 0 };
        for (unsigned i = 0; i < depth; i++)
            cw_buffer_print(&text, NULL, i % 2 == 0 ? "[" : "{\"a\":");
        cw_buffer_print(&text, NULL, "1");
        for (unsigned i = depth; i-- > 0;)
            cw_buffer_print(&text, NULL, i % 2 == 0 ? "]" : "}");
        if (depth <= 100)
            assert_parses(NULL, cw_buffer_slice(&text));
        else
            assert_refused(CW_JSON, NULL, NULL, cw_buffer_slice(&text), CW_LIMIT, "deeper than the limit");
        cw_buffer_fini(&text);
    }
    struct cw_buffer deep = repeated("", "[", 1000000, "");
    struct cw_reader_limits limits = cw_reader_defaults;
    assert_refused(CW_JSON, NULL, NULL, cw_buffer_slice(&deep), CW_LIMIT, "deeper than the limit");
    limits.depth = 1000000; /* more than the stack takes */
    assert_refused(CW_JSON, &limits, NULL, cw_buffer_slice(&deep), CW_LIMIT, "deeper than the limit");
    cw_buffer_fini(&deep);
}

static void siblings_do_not_add_to_the_depth(void **state)
{
    (void)state;
    struct cw_buffer text = repeated("[", "{\"a\":[]},", 300, "{}]");
    assert_parses(NULL, cw_buffer_slice(&text));
    cw_buffer_fini(&text);
}

static void every_prefix_of_a_record_is_refused(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1,-2.5e+3,\"é\\u00e9\\ud83d\\ude00\\n\",true],\"b\":null}";
    assert_parses(NULL, cw_slice(text));
    for (size_t len = 0; len < strlen(text); len++)
        assert_refused(CW_JSON, NULL, NULL, (struct cw_slice){ text, len }, CW_INVALID, "line 1");
}

static void an_arena_that_is_full_ends_the_record(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &err);
    size_t refused = 0, accepted = 0;
    for (size_t limit = 1; limit < 1000; limit += 7) {
        cw_arena_init(&arena, limit);
        bool ok = cw_parse(parser, cw_slice("{\"a\":[1,{}],\"b\\n\":\"\\n\"}"), NULL, &arena, &err) != NULL;
        refused += !ok;
        accepted += ok;
        if (!ok)
            assert_int_equal(err.code, CW_LIMIT);
        cw_arena_fini(&arena);
    }
    assert_true(refused > 20 && accepted > 20);
    cw_parser_free(parser);
}

static void the_records_of_the_fixtures_are_read(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_record record;
    struct cw_buffer text = test_fixture("woocommerce/docs/orders-list.json");
    struct cw_body *body = cw_body_borrow(cw_buffer_slice(&text), &err);
    struct cw_splitter *splitter = cw_splitter_create(CW_JSON, body, ".", NULL, &err);
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &err);
    static const char *const ids[] = { "727", "723" };
    cw_arena_init(&arena, 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_RECORD);
        const struct cw_node *order =
            cw_parse(parser, record.bytes, cw_splitter_encoding(splitter), &arena, &err);
        assert_ok(order != NULL, err);
        const struct cw_node *id = cw_node_child(order, cw_slice("id"));
        assert_slice(id->text, ids[i]);
        assert_int_equal(id->kind, CW_NODE_NUMBER);
        assert_int_equal(cw_node_child(order, cw_slice("line_items"))->kind, CW_NODE_ARRAY);
    }
    assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_END);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
    cw_splitter_free(splitter);
    cw_body_free(body);
    cw_buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_a_tree),
        cmocka_unit_test(numbers_keep_their_text),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(texts_without_escapes_are_not_copied),
        cmocka_unit_test(control_characters_and_foreign_bytes_are_refused_at_every_place),
        cmocka_unit_test(characters_of_every_width_are_kept),
        cmocka_unit_test(what_json_does_not_have_is_refused),
        cmocka_unit_test(a_fault_is_named_with_line_and_column),
        cmocka_unit_test(a_key_may_come_only_once),
        cmocka_unit_test(sizes_are_allowed_up_to_their_limits),
        cmocka_unit_test(members_of_an_object_are_counted),
        cmocka_unit_test(depth_is_allowed_up_to_the_limit),
        cmocka_unit_test(siblings_do_not_add_to_the_depth),
        cmocka_unit_test(every_prefix_of_a_record_is_refused),
        cmocka_unit_test(an_arena_that_is_full_ends_the_record),
        cmocka_unit_test(the_records_of_the_fixtures_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
