/* json_split_test.c - where JSON records begin and end; each document is split under windows of every size.
 */
#include "reading.h"

#include <unistd.h>

#define SPLIT(path, text, expected) assert_split(CW_JSON, path, text, expected)
#define FAILS(path, text, needle)   assert_split_fails(CW_JSON, path, cw_slice(text), "invalid", needle)

static void members_are_found_byte_for_byte(void **state)
{
    (void)state;
    SPLIT("orders", "{\"orders\" : [ {\"id\":1} ,\n{ \"id\" : 2 }]}", "[{\"id\":1}][{ \"id\" : 2 }]END");
    SPLIT(".", "[{\"a\":[1,{\"b\":[]}]},{}]", "[{\"a\":[1,{\"b\":[]}]}][{}]END");
    SPLIT("data/page/orders", "{\"data\":{\"page\":{\"orders\":[1]}}}", "[1]END");
    SPLIT("o", "{\"o\":[1,-2.5e3,\"x\",true,null,[],[[]]]}", "[1][-2.5e3][\"x\"][true][null][[]][[[]]]END");
}

static void an_offset_is_the_place_in_the_body(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    split_under_all_windows(CW_JSON, cw_slice("\xEF\xBB\xBF [ {} , {\"é\":1}\n]"), ".", NULL, &out);
    assert_string_equal(out.data, "6[{}]11[{\"é\":1}]END");
    cw_buffer_fini(&out);
}

static void what_is_not_on_the_path_is_passed_over(void **state)
{
    (void)state;
    SPLIT("b/c", "{\"a\":{\"c\":[1]},\"x\":\"]}\\\"\",\"b\":{\"b\":[0],\"c\":[2],\"d\":[3]},\"c\":[4]}",
          "[2]END");
    SPLIT("c", "{\"a\":[[{\"c\":[9]}]],\"n\":-1.5,\"t\":true,\"c\":[1],\"z\":null}", "[1]END");
}

static void an_object_where_a_list_was_expected_is_one_record(void **state)
{
    (void)state;
    SPLIT("order", "{\"order\":{\"id\":1},\"x\":2}", "[{\"id\":1}]END");
    SPLIT(".", " {\"id\":1} ", "[{\"id\":1}]END");
}

static void a_star_stands_for_every_member_value(void **state)
{
    (void)state;
    SPLIT("data/*", "{\"data\":{\"7\":{\"id\":7},\"8\" : {\"id\":8}},\"x\":1}",
          "[{\"id\":7}][{\"id\":8}]END");
    SPLIT("*", "{\"a\":1,\"b\":[2]}", "[1][[2]]END");
    SPLIT("*", "{}", "END");
    SPLIT("data/*", "{\"data\":[]}", "END"); /* PHP's empty map */
    SPLIT("*", "[1,2]", "[1][2]END");
}

static void empty_lists_are_empty(void **state)
{
    (void)state;
    SPLIT(".", "[]", "END");
    SPLIT(".", " [ \n] ", "END");
    SPLIT("orders", "{\"orders\":[]}", "END");
    SPLIT("orders", "[]", "END"); /* PrestaShop */
    SPLIT("a/b/c", "[ ]\n", "END");
}

static void an_answer_without_the_list_is_not_an_empty_list(void **state)
{
    (void)state;
    FAILS("orders", "{}", "holds no \"orders\"");
    FAILS("orders", "{\"errors\":[{\"code\":18}]}", "it begins: \"{\"errors\":[{");
    FAILS("orders", "{\"orders\":null}", "a list of records was expected: \"null}\"");
    FAILS("orders", "{\"orders\":\"none\"}", "a list of records was expected");
    FAILS("a/b", "{\"a\":null}", "an object was expected");
    FAILS("a/b", "{\"a\":[]}", "an object was expected");
    FAILS("a/b", "{\"a\":{}}", "holds no \"a/b\"");
    FAILS("orders", "[1]", "not a list");
    FAILS(".", "null", "begins: \"null\"");
    FAILS(".", "\"error\"", "begins");
    FAILS(".", "12", "begins");
    FAILS(".", "", "empty");
    FAILS(".", "\xEF\xBB\xBF \n", "empty");
}

static void web_pages_and_notices_are_not_data(void **state)
{
    (void)state;
    struct cw_buffer notice = test_fixture("woocommerce/handmade/body-with-php-notice.txt");
    assert_split_fails(CW_JSON, ".", cw_buffer_slice(&notice), "invalid", "<b>Notice</b>");
    cw_buffer_fini(&notice);
    FAILS(".", "<!doctype html><html>", "<!doctype html>");
    FAILS(".", "{\"a\":1} Warning: x", "follows the end of the document: \"Warning: x\"");
}

static void a_key_on_the_path_may_come_only_once(void **state)
{
    (void)state;
    FAILS("orders", "{\"orders\":[],\"orders\":[1]}", "the key \"orders\" comes twice");
    FAILS("orders", "{\"orders\":[],\"ord\\u0065rs\":[1]}", "the key \"orders\" comes twice");
    FAILS("a/b", "{\"a\":{\"b\":[]},\"a\":{\"b\":[]}}", "the key \"a\" comes twice");
    SPLIT("orders", "{\"\\u006frders\":[1]}", "[1]END");
    SPLIT("a", "{\"x\":{\"a\":[0],\"a\":[0]},\"a\":[1]}", "[1]END"); /* not on the way */
}

static void a_damaged_record_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "{\"a\":NaN}", "{\"a\":0x10}", "{a:1}",   "{\"a\" 1}", "{\"a\":1,}",       "{'a':1}",
        "{\"a\":1}",   "NaN",          "+1",      "01",        "\"\\x\"",          "\"\x01\"",
        "\xFF",        "[1 2]",        "{/* */}", "[1}",       "{\"a\":\"\\\\\"}",
    };
    char text[200], expected[200];
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        snprintf(text, sizeof text, "[{\"id\":1},%s,{\"id\":3}]", damaged[i]);
        snprintf(expected, sizeof expected, "[{\"id\":1}][%s][{\"id\":3}]END", damaged[i]);
        SPLIT(".", text, expected);
    }
}

static void the_list_itself_must_be_right(void **state)
{
    (void)state;
    FAILS(".", "[1 2]", "a comma or the end of the list was expected: \"2]\"");
    FAILS(".", "[1,]", "a value is missing");
    FAILS(".", "[,1]", "a value is missing");
    FAILS(".", "[{}}", "a comma or the end");
    FAILS("a", "{\"a\":[1],}", "a key was expected");
    FAILS("a", "{a:[1]}", "a key was expected");
    FAILS("a", "{\"a\" [1]}", "a colon was expected");
    FAILS("a", "{\"b\":,\"a\":[]}", "a value is missing");
    FAILS(".", "[] []", "follows the end");
    FAILS(".", "{}{}", "follows the end");
    assert_split_fails(CW_JSON, ".", (struct cw_slice){ "[]\0", 3 }, "invalid", "follows the end");
    assert_split_fails(CW_JSON, ".", (struct cw_slice){ "[1\0]", 4 }, "invalid", "a comma or the end");
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *text =
        "{\"n\":1,\"data\":{\"x\":\"é\\\"\",\"orders\":[{\"id\":\"\\u00e9\"},[1,{}],2]},\"more\":{}}";
    for (size_t len = 0; len < strlen(text); len++) {
        struct cw_buffer out = { 0 };
        split_under_all_windows(CW_JSON, (struct cw_slice){ text, len }, "data/orders", NULL, &out);
        assert_null(strstr(out.data, "END"));
        assert_non_null(strstr(out.data, "invalid"));
        cw_buffer_fini(&out);
    }
    SPLIT("data/orders", text, "[{\"id\":\"\\u00e9\"}][[1,{}]][2]END");
    FAILS(".", "[{\"a\":1", "ends in the middle of the record that begins at byte 1");
    FAILS(".", "[{\"a\":1},", "ends in the middle of the");
    FAILS(".", "[{\"a\":1}", "ends in the middle of the list that begins at byte 0");
}

static void wide_charsets_are_refused_with_advice(void **state)
{
    (void)state;
    assert_split_fails(CW_JSON, ".", (struct cw_slice){ "[\0]\0", 4 }, "invalid", "iconv -f UTF-16 -t UTF-8");
    assert_split_fails(CW_JSON, ".", (struct cw_slice){ "\xFF\xFE[\0]\0", 6 }, "invalid", "UTF-16");
    assert_split_fails(CW_JSON, ".", (struct cw_slice){ "\0\0\0[", 4 }, "invalid", "UTF-32");
}

static void a_record_may_be_as_large_as_the_limit(void **state)
{
    (void)state;
    struct cw_reader_limits limits = cw_reader_defaults;
    struct cw_buffer out = { 0 };
    struct cw_slice text =
        cw_slice("{\"skip\":\"a text that is longer than that\",\"a\":[{\"id\":\"4567890\"},1]}");
    limits.record_bytes = 16;
    split_under_all_windows(CW_JSON, text, "a", &limits, &out);
    assert_string_equal(out.data, "47[{\"id\":\"4567890\"}]64[1]END");
    limits.record_bytes = 15;
    split_under_all_windows(CW_JSON, text, "a", &limits, &out);
    assert_non_null(strstr(out.data, "limit: byte 47, line 1"));
    split_under_all_windows(CW_JSON, cw_slice("{\"a\":[{\"id\":\"456789012345"), "a", &limits, &out);
    assert_non_null(strstr(out.data, "limit: byte 6, line 1"));
    split_under_all_windows(CW_JSON, cw_slice("{\"a key that is longer than that\":[]}"), "a", &limits, &out);
    assert_non_null(strstr(out.data, "limit: byte 1, line 1"));
    cw_buffer_fini(&out);
}

static void depth_does_not_matter_to_the_splitter(void **state)
{
    (void)state;
    struct cw_buffer deep = repeated("[", "[{\"a\":", 10000, "1");
    for (int i = 0; i < 10000; i++)
        cw_buffer_print(&deep, NULL, "}]");
    cw_buffer_print(&deep, NULL, ",2]");
    struct cw_buffer out = { 0 };
    split_to_text(CW_JSON, cw_buffer_slice(&deep), ".", NULL, 100, &out);
    assert_string_equal(out.data + out.len - 6, "[2]END");
    cw_buffer_fini(&deep);
    cw_buffer_fini(&out);
}

static void a_large_file_is_split_in_flat_memory(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_record record;
    char path[64], expected[64];
    size_t count = 0;
    enum cw_split answer;
    snprintf(path, sizeof path, "/tmp/cw-json-split-%d.json", (int)getpid());
    FILE *file = fopen(path, "wb");
    fputs("{\"orders\":[", file);
    for (size_t i = 0; i < 40000; i++)
        fprintf(file, "%s{\"id\":%zu,\"note\":\"%0*d\"}\n", i > 0 ? "," : "", i, (int)(i % 700), 7);
    fputs("]}", file);
    fclose(file);
    struct cw_body *body = cw_body_open_file(path, &err);
    struct cw_splitter *splitter = cw_splitter_create(CW_JSON, body, "orders", NULL, &err);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        snprintf(expected, sizeof expected, "{\"id\":%zu,\"note\":\"0", count++);
        assert_memory_equal(record.bytes.data, expected, strlen(expected) - 1);
        assert_memory_equal(record.bytes.data + record.bytes.len - 3, "7\"}", 3);
    }
    assert_ok(answer == CW_SPLIT_END, err);
    assert_int_equal(count, 40000);
    cw_splitter_free(splitter);
    cw_body_free(body);
    unlink(path);
}

static void every_fixture_is_split_the_same_under_all_windows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *path;
        unsigned records;
    } files[] = {
        { "woocommerce/docs/orders-list.json", ".", 2 },
        { "woocommerce/docs/orders-batch.json", "create", 2 },
        { "woocommerce/docs/order-create.json", ".", 1 },
        { "prestashop/hand-ps8-orders-full-page1.json", "orders", 3 },
        { "prestashop/hand-ps8-orders-empty.json", "orders", 0 },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct cw_buffer text = test_fixture(files[i].name), out = { 0 };
        struct cw_error err;
        struct cw_record record;
        unsigned records = 0;
        split_under_all_windows(CW_JSON, cw_buffer_slice(&text), files[i].path, NULL, &out);
        struct cw_body *body = cw_body_borrow(cw_buffer_slice(&text), &err);
        struct cw_splitter *splitter = cw_splitter_create(CW_JSON, body, files[i].path, NULL, &err);
        while (cw_splitter_next(splitter, &record, &err) == CW_SPLIT_RECORD)
            records++;
        assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_END);
        assert_int_equal(records, files[i].records);
        cw_splitter_free(splitter);
        cw_body_free(body);
        cw_buffer_fini(&text);
        cw_buffer_fini(&out);
    }
}

static void malformed_paths_are_wrong_use(void **state)
{
    (void)state;
    static const char *const paths[] = { "",     "/",   "/orders", "orders/",
                                         "a//b", "a/.", "*/a",     "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q" };
    struct cw_error err;
    struct cw_body *body = cw_body_borrow(cw_slice("[]"), &err);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(cw_splitter_create(CW_JSON, body, paths[i], NULL, &err));
        assert_int_equal(err.code, CW_USAGE);
    }
    cw_body_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_byte_for_byte),
        cmocka_unit_test(an_offset_is_the_place_in_the_body),
        cmocka_unit_test(what_is_not_on_the_path_is_passed_over),
        cmocka_unit_test(an_object_where_a_list_was_expected_is_one_record),
        cmocka_unit_test(a_star_stands_for_every_member_value),
        cmocka_unit_test(empty_lists_are_empty),
        cmocka_unit_test(an_answer_without_the_list_is_not_an_empty_list),
        cmocka_unit_test(web_pages_and_notices_are_not_data),
        cmocka_unit_test(a_key_on_the_path_may_come_only_once),
        cmocka_unit_test(a_damaged_record_leaves_its_neighbours_alone),
        cmocka_unit_test(the_list_itself_must_be_right),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(wide_charsets_are_refused_with_advice),
        cmocka_unit_test(a_record_may_be_as_large_as_the_limit),
        cmocka_unit_test(depth_does_not_matter_to_the_splitter),
        cmocka_unit_test(a_large_file_is_split_in_flat_memory),
        cmocka_unit_test(every_fixture_is_split_the_same_under_all_windows),
        cmocka_unit_test(malformed_paths_are_wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
