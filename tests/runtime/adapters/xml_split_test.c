/* xml_split_test.c - where XML records begin and end; each document is split under windows of every size. */
#include "reading.h"

#include <fcntl.h>
#include <unistd.h>

#define LIST "orders/order"

static void records_are_found_byte_for_byte(void **state)
{
    (void)state;
    assert_split(
        CW_XML, LIST,
        "<?xml version='1.0'?><r>\n<orders>\n <order><id>1</id></order>\n<order  a='b' />x</orders></r>\n",
        "[<order><id>1</id></order>][<order  a='b' />]END");
    assert_split(CW_XML, "order", "<r><order>1</order><order/></r>", "[<order>1</order>][<order/>]END");
    assert_split(CW_XML, ".", " <order a=\"1\"><b/></order> ", "[<order a=\"1\"><b/></order>]END");
    assert_split(CW_XML, ".", "<order/>", "[<order/>]END");
    assert_split(CW_XML, "a/b/c/d", "<r><a><b><c><d>1</d></c><c/><c><d>2</d></c></b></a></r>",
                 "[<d>1</d>][<d>2</d>]END");
}

static void an_offset_is_the_place_in_the_body(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    split_under_all_windows(CW_XML, cw_slice("\xEF\xBB\xBF<r><a/> <a>é</a></r>"), "a", NULL, &out);
    assert_string_equal(out.data, "6[<a/>]11[<a>é</a>]END");
    cw_buffer_fini(&out);
}

static void what_is_not_on_the_path_is_passed_over(void **state)
{
    (void)state;
    assert_split(CW_XML, LIST,
                 "<r><meta><order>no</order></meta><orders><page><order>no</order></page><order>1</order>"
                 "<summary/></orders><order>no</order></r>",
                 "[<order>1</order>]END");
}

static void empty_lists_are_empty(void **state)
{
    (void)state;
    assert_split(CW_XML, LIST, "<r><orders/></r>", "END");
    assert_split(CW_XML, LIST, "<r><orders  a='1' ></orders ></r>", "END");
    assert_split(CW_XML, LIST, "<r><orders><!-- <order/> --></orders></r>", "END");
    assert_split(CW_XML, "order", "<orders/>", "END");
    assert_split(CW_XML, "order", "<orders>\n<!-- none -->\n</orders>\n", "END");
}

static void a_document_without_the_list_is_not_an_empty_list(void **state)
{
    (void)state;
    assert_split_fails(CW_XML, LIST, cw_slice("<r><errors><error>18</error></errors></r>"), "invalid",
                       "<r><errors>");
    assert_split_fails(CW_XML, LIST, cw_slice("<r/>"), "invalid", "no <orders>");
    assert_split_fails(CW_XML, "a/b/c", cw_slice("<r><a/></r>"), "invalid", "no <a/b>");
    assert_split_fails(CW_XML, "order", cw_slice("<error><code>18</code></error>"), "invalid",
                       "stands no <order> but something else");
    assert_split_fails(CW_XML, "order", cw_slice("<error> no access</error>"), "invalid",
                       "<error> no access");
    assert_split_fails(CW_XML, "order", cw_slice("<e><![CDATA[no access]]></e>"), "invalid", "no <order>");
    assert_split(CW_XML, "order", "<r>2<count/><order/>x</r>", "[<order/>]END");
    assert_split_fails(CW_XML, LIST, cw_slice(""), "invalid", "empty");
    assert_split_fails(CW_XML, LIST, cw_slice(" \n "), "invalid", "empty");
}

static void what_looks_like_markup_is_not_mistaken_for_it(void **state)
{
    (void)state;
    assert_split(CW_XML, "a", "<r><a><![CDATA[</a><a>]]]]></a><a b='>' c=\"/a>'/>\">x</a></r>",
                 "[<a><![CDATA[</a><a>]]]]></a>][<a b='>' c=\"/a>'/>\">x</a>]END");
    assert_split(CW_XML, "a", "<r><a><!-- </a> -- > --></a><a><?php </a> ?></a></r>",
                 "[<a><!-- </a> -- > --></a>][<a><?php </a> ?></a>]END");
    assert_split(CW_XML, "a", "<r><a><![CDATA[]]></a><a><!----></a><ab>no</ab></r>",
                 "[<a><![CDATA[]]></a>][<a><!----></a>]END");
}

static void elements_of_the_records_own_name_may_stand_in_it(void **state)
{
    (void)state;
    assert_split(
        CW_XML, "products/product",
        "<r><products><product><products><product>1</product></products></product>"
        "<product><product/></product></products></r>",
        "[<product><products><product>1</product></products></product>][<product><product/></product>]END");
    assert_split(CW_XML, "c/c", "<c><c><c><c/></c></c></c>", "[<c><c/></c>]END");
}

static void prefixes_do_not_hide_names(void **state)
{
    (void)state;
    assert_split(CW_XML, LIST, "<s:r xmlns:s='x'><s:orders><s:order><t:order/></s:order></s:orders></s:r>",
                 "[<s:order><t:order/></s:order>]END");
}

static void a_damaged_record_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "<order><a><![CDATA[<s>//<![CDATA[ x //]]></s>]]></a></order>", /* a CDATA section closed early */
        "<order><a><b></a></order>",                                    /* an end tag is missing */
        "<order><b>1</order>",
        "<order></b></a>1</order>", /* and one too many */
        "<order>1 < 2 <3 && <</order>",
        "<order>&eacute;\x01\xFF</order>",
        "<order><a b=\"1>x</a></order>", /* quotes that do not pair */
        "<order><a b='1></a><c d=\"2'></c></order>",
        "<order <a></order>",
        "<order><a/ ></order>",
        "<order><!DOCTYPE x><!x></order>",
        "<order></></order>",
    };
    char text[400], expected[400];
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        snprintf(text, sizeof text, "<r><orders><order>1</order>%s<order>3</order></orders></r>", damaged[i]);
        snprintf(expected, sizeof expected, "[<order>1</order>][%s][<order>3</order>]END", damaged[i]);
        assert_split(CW_XML, LIST, text, expected);
    }
}

static void a_record_without_its_end_tag_ends_with_the_list(void **state)
{
    (void)state;
    assert_split(CW_XML, LIST, "<r><orders><order>1</order><order><a></orders></r>",
                 "[<order>1</order>][<order><a>]END");
    assert_split(CW_XML, "order", "<r><order><a></r>", "[<order><a>]END");
}

static void an_end_tag_too_many_between_records_is_refused(void **state)
{
    (void)state;
    assert_split_fails(CW_XML, LIST, cw_slice("<r><orders><order/></order></orders></r>"), "invalid",
                       "belongs to nothing");
    assert_split(CW_XML, LIST, "<r><orders><order><a></order></a><order/></orders></r>",
                 "[<order><a></order>][<order/>]END");
}

/* There is no record to park it with, and what it swallowed would be missing from the list. */
static void damage_outside_of_the_records_is_refused(void **state)
{
    (void)state;
    assert_split_fails(CW_XML, LIST, cw_slice("<r><orders><a><a></orders></r>"), "invalid",
                       "none of the records");
    assert_split_fails(CW_XML, LIST, cw_slice("<r><orders><a><order>1</order></orders></r>"), "invalid",
                       "none of the records");
    assert_split_fails(CW_XML, LIST, cw_slice("<r><meta><b></meta><orders><order>1</order></orders></r>"),
                       "invalid", "none of the records");
}

static void the_fixture_with_nested_cdata_is_one_damaged_record(void **state)
{
    (void)state;
    struct cw_buffer text = test_fixture("prestashop/hand-nested-cdata-not-wellformed.xml"), out = { 0 };
    split_under_all_windows(CW_XML, cw_buffer_slice(&text), "product", NULL, &out);
    assert_non_null(strstr(out.data, "</description>\n</product>]END"));
    cw_buffer_fini(&text);
    cw_buffer_fini(&out);
}

static void document_types_are_refused_before_anything_is_read(void **state)
{
    (void)state;
    struct cw_slice bomb =
        cw_slice("<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]>"
                 "<orders><order>&b;</order></orders>");
    assert_split_fails(CW_XML, "order", bomb, "invalid", "line 2: document type declarations are refused");
    assert_split_fails(CW_XML, ".", cw_slice("<!DOCTYPE a SYSTEM 'a.dtd' [ ]><a/>"), "invalid", "refused");
    assert_split_fails(CW_XML, ".", cw_slice("<!ENTITY a 'b'><a/>"), "invalid", "refused");
    assert_split_fails(CW_XML, ".", cw_slice("<!DOCTYPE a SYSTEM 'a.dtd"), "invalid", "refused");
}

static void a_document_type_that_is_only_named_is_passed_by(void **state)
{
    (void)state;
    assert_split(CW_XML, ".",
                 "<?xml version='1.0'?>\n<!DOCTYPE cXML SYSTEM \"http://xml.cxml.org/[1]/cXML.dtd\">\n<a/>",
                 "[<a/>]END");
    assert_split(CW_XML, ".", "<!DOCTYPE a><a/>", "[<a/>]END");
}

static void web_pages_and_notices_are_not_data(void **state)
{
    (void)state;
    assert_split_fails(CW_XML, "order", cw_slice("<!doctype HTML><html></html>"), "invalid", "HTML page");
    assert_split_fails(CW_XML, "order", cw_slice("\n<html><body>Log in</body></html>"), "invalid",
                       "HTML page");
    assert_split_fails(CW_XML, LIST, cw_slice("Notice: x\n<r><orders/></r>"), "invalid",
                       "line 1: text before the root element: \"Notice: x <r>");
    struct cw_buffer notice = test_fixture("prestashop/hand-notice-before-xml.txt");
    assert_split_fails(CW_XML, LIST, cw_buffer_slice(&notice), "invalid", "");
    cw_buffer_fini(&notice);
}

static void what_follows_the_document_is_refused(void **state)
{
    (void)state;
    assert_split(CW_XML, "a", "<r><a/></r> <!-- fine --> <?fine?>\n", "[<a/>]END");
    assert_split_fails(CW_XML, "a", cw_slice("<r><a/></r>x"), "invalid", "follows the end");
    assert_split_fails(CW_XML, "a", cw_slice("<r><a/></r><r/>"), "invalid", "follows the end");
    assert_split_fails(CW_XML, "a", cw_slice("<r><a/></r><!-- x"), "invalid", "follows the end");
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "<r><a/></r>\0", 12 }, "invalid", "follows the end");
    assert_split_fails(CW_XML, ".", cw_slice("<r><a/></r></r>"), "invalid", "follows the end");
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *text = "<?xml version='1.0'?><r><orders><order a='b'><![CDATA[x]]><c/></order>"
                       "<!-- x --><order>é</order></orders></r>";
    for (size_t len = 0; len < strlen(text); len++) {
        struct cw_buffer out = { 0 };
        split_under_all_windows(CW_XML, (struct cw_slice){ text, len }, LIST, NULL, &out);
        assert_null(strstr(out.data, "END"));
        if (len > 40)
            assert_non_null(strstr(out.data, "ends in the middle of <"));
        cw_buffer_fini(&out);
    }
    assert_split(CW_XML, LIST, text, "[<order a='b'><![CDATA[x]]><c/></order>][<order>é</order>]END");
}

static void wide_charsets_are_refused_with_advice(void **state)
{
    (void)state;
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "\xFF\xFE<\0r\0", 6 }, "invalid",
                       "iconv -f UTF-16 -t UTF-8");
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "\xFE\xFF\0<\0r", 6 }, "invalid", "UTF-16");
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "<\0r\0/\0>\0", 8 }, "invalid", "UTF-16");
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "\xFF\xFE\0\0<\0\0\0", 8 }, "invalid", "UTF-32");
    assert_split_fails(CW_XML, "a", (struct cw_slice){ "\0\0\0<", 4 }, "invalid", "UTF-32");
    assert_split_fails(CW_XML, "a", cw_slice("<?xml version='1.0' encoding='EBCDIC-CP-US'?><r/>"), "invalid",
                       "iconv -f EBCDIC-CP-US -t UTF-8");
}

static void assert_encoding(const char *text, const char *expected)
{
    struct cw_error err;
    struct cw_record record;
    struct cw_body *body = cw_body_borrow(cw_slice(text), &err);
    struct cw_splitter *splitter = cw_splitter_create(CW_XML, body, ".", NULL, &err);
    assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_RECORD);
    assert_string_equal(cw_splitter_encoding(splitter), expected);
    cw_splitter_free(splitter);
    cw_body_free(body);
}

static void the_encoding_is_the_declared_one(void **state)
{
    (void)state;
    assert_encoding("<a/>", "UTF-8");
    assert_encoding("<?xml version='1.0'?><a/>", "UTF-8");
    assert_encoding("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>", "ISO-8859-1");
    assert_encoding("<?xml version='1.0' encoding = 'windows-1252' standalone='yes'?><a/>", "windows-1252");
    assert_encoding("\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "UTF-8");
    /* what says UTF-16 in single bytes was converted on its way and kept its declaration */
    assert_encoding("<?xml version='1.0' encoding='utf-16'?><a/>", "UTF-8");
}

static void a_record_may_be_as_large_as_the_limit(void **state)
{
    (void)state;
    struct cw_reader_limits limits = cw_reader_defaults;
    struct cw_buffer out = { 0 };
    struct cw_slice text = cw_slice("<r>                             <a>345678901234</a><a/></r>");
    limits.record_bytes = 19;
    split_under_all_windows(CW_XML, text, "a", &limits, &out);
    assert_string_equal(out.data, "32[<a>345678901234</a>]51[<a/>]END");
    limits.record_bytes = 18;
    split_under_all_windows(CW_XML, text, "a", &limits, &out);
    assert_string_equal(out.data,
                        "limit: byte 32, line 1: what begins here is larger than the limit of 18 bytes for "
                        "one record");
    split_under_all_windows(CW_XML, cw_slice("<r><!-- 34567890123456789 --><a/></r>"), "a", &limits, &out);
    assert_non_null(strstr(out.data, "limit: byte 3,"));
    split_under_all_windows(CW_XML, cw_slice("<r><a>34567890123456789012345"), "a", &limits, &out);
    assert_non_null(strstr(out.data, "limit: byte 3,"));
    cw_buffer_fini(&out);
}

static void write_records(const char *path, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("<?xml version=\"1.0\"?><r><orders>", file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "<order><id>%zu</id><note><![CDATA[%0*d]]></note></order>\n", i, (int)(i % 700), 7);
    fputs("</orders></r>", file);
    fclose(file);
}

static void a_large_file_is_split_in_flat_memory(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_record record;
    char path[64], expected[64];
    size_t count = 0;
    enum cw_split answer;
    snprintf(path, sizeof path, "/tmp/cw-xml-split-%d.xml", (int)getpid());
    write_records(path, 40000);
    struct cw_body *body = cw_body_open_file(path, &err);
    struct cw_splitter *splitter = cw_splitter_create(CW_XML, body, LIST, NULL, &err);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        snprintf(expected, sizeof expected, "<order><id>%zu</id>", count++);
        assert_memory_equal(record.bytes.data, expected, strlen(expected));
        assert_memory_equal(record.bytes.data + record.bytes.len - 8, "</order>", 8);
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
        { "prestashop/hand-ps8-orders-full-page1.xml", LIST, 3 },
        { "prestashop/hand-ps8-orders-full-page3-empty.xml", LIST, 0 },
        { "prestashop/hand-ps8-order-103-single.xml", "order", 1 },
        { "prestashop/hand-ps8-order_states-full.xml", "order_states/order_state", 8 },
        { "prestashop/hand-control-char-not-wellformed.xml", "address", 1 },
        { "prestashop/hand-error-500-php-notice.xml", "errors/error", 2 },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct cw_buffer text = test_fixture(files[i].name), out = { 0 };
        unsigned records = 0;
        split_under_all_windows(CW_XML, cw_buffer_slice(&text), files[i].path, NULL, &out);
        for (const char *p = out.data; (p = strstr(p, "[<")) != NULL; p++)
            records += p > out.data && p[-1] >= '0' && p[-1] <= '9' && p[2] != '!';
        assert_non_null(strstr(out.data, "END"));
        if (records < files[i].records)
            fail_msg("%s: %u records", files[i].name, records);
        cw_buffer_fini(&text);
        cw_buffer_fini(&out);
    }
}

static void malformed_paths_are_wrong_use(void **state)
{
    (void)state;
    static const char *const paths[] = { "",
                                         "/",
                                         "/orders",
                                         "orders/",
                                         "a//b",
                                         "a/.",
                                         "*",
                                         "a[1]",
                                         "@id",
                                         "a b",
                                         "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q" };
    struct cw_error err;
    struct cw_body *body = cw_body_borrow(cw_slice("<a/>"), &err);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(cw_splitter_create(CW_XML, body, paths[i], NULL, &err));
        assert_int_equal(err.code, CW_USAGE);
    }
    cw_body_free(body);
    cw_splitter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_found_byte_for_byte),
        cmocka_unit_test(an_offset_is_the_place_in_the_body),
        cmocka_unit_test(what_is_not_on_the_path_is_passed_over),
        cmocka_unit_test(empty_lists_are_empty),
        cmocka_unit_test(a_document_without_the_list_is_not_an_empty_list),
        cmocka_unit_test(what_looks_like_markup_is_not_mistaken_for_it),
        cmocka_unit_test(elements_of_the_records_own_name_may_stand_in_it),
        cmocka_unit_test(prefixes_do_not_hide_names),
        cmocka_unit_test(a_damaged_record_leaves_its_neighbours_alone),
        cmocka_unit_test(a_record_without_its_end_tag_ends_with_the_list),
        cmocka_unit_test(an_end_tag_too_many_between_records_is_refused),
        cmocka_unit_test(damage_outside_of_the_records_is_refused),
        cmocka_unit_test(the_fixture_with_nested_cdata_is_one_damaged_record),
        cmocka_unit_test(document_types_are_refused_before_anything_is_read),
        cmocka_unit_test(a_document_type_that_is_only_named_is_passed_by),
        cmocka_unit_test(web_pages_and_notices_are_not_data),
        cmocka_unit_test(what_follows_the_document_is_refused),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(wide_charsets_are_refused_with_advice),
        cmocka_unit_test(the_encoding_is_the_declared_one),
        cmocka_unit_test(a_record_may_be_as_large_as_the_limit),
        cmocka_unit_test(a_large_file_is_split_in_flat_memory),
        cmocka_unit_test(every_fixture_is_split_the_same_under_all_windows),
        cmocka_unit_test(malformed_paths_are_wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
