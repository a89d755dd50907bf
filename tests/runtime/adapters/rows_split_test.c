/* rows_split_test.c - tables of text: where their records begin and end, and what is in them; each is split
 * under windows of every size. */
#include "reading.h"

static const char *const by_id[] = { "id", "Kennung" };

static void split_table(const struct cw_rows *rows, struct cw_slice document, size_t step,
                        struct cw_buffer *out)
{
    struct cw_error err = { 0 };
    struct cw_record record;
    enum cw_split answer;
    struct cw_body *body = cw_body_borrow(document, &err);
    struct cw_splitter *splitter = cw_splitter_create_rows_stepped(rows, body, NULL, step, &err);
    if (splitter == NULL)
        fail_msg("%s", err.text);
    cw_buffer_clear(out);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        assert_memory_equal(record.bytes.data, document.data + record.offset, record.bytes.len);
        cw_buffer_print(out, NULL, "[%.*s]", CW_SLICE_ARG(record.bytes));
    }
    cw_buffer_print(out, NULL, "%s", answer == CW_SPLIT_END ? "END" : err.text);
    assert_int_equal(cw_splitter_next(splitter, &record, NULL), answer);
    cw_splitter_free(splitter);
    cw_body_free(body);
}

static void assert_table_of(const struct cw_rows *rows, const char *text, const char *expected)
{
    struct cw_buffer out = { 0 };
    for (size_t step = 0; step <= strlen(text) + 1; step++) {
        split_table(rows, cw_slice(text), step, &out);
        if (strstr(out.data, expected) == NULL ||
            (strstr(expected, "END") != NULL && strcmp(out.data, expected) != 0))
            fail_msg("windows of %zu bytes: %s\nexpected: %s", step, out.data, expected);
    }
    cw_buffer_fini(&out);
}

/* Grouped by "id". */
static void assert_table(const char *text, const char *expected)
{
    const struct cw_rows rows = { .groups = by_id, .group_count = 2 };
    assert_table_of(&rows, text, expected);
}

static void rows_that_belong_together_are_one_record(void **state)
{
    (void)state;
    assert_table("id,sku\n1,a\n1,b\n2,c\n", "[1,a\n1,b\n][2,c\n]END");
    assert_table("id,sku\r\n1,a\r\n2,c", "[1,a\r\n][2,c]END");
    assert_table("id,sku\r1,a\r1,b\r2,c\r", "[1,a\r1,b\r][2,c\r]END");
    assert_table("sku;id\na;\"1\"\n\"b;\";1\n", "[a;\"1\"\n\"b;\";1\n]END");
    assert_table("\xEF\xBB\xBFid\tsku\n1\ta\n", "[1\ta\n]END");
    assert_table("sku,Kennung\na,1\nb,1\n", "[a,1\nb,1\n]END");
    assert_table("id,sku\n", "END");
    assert_table("id,sku", "END");
}

static void without_a_group_each_row_is_a_record(void **state)
{
    (void)state;
    const struct cw_rows rows = { .groups = NULL };
    assert_table_of(&rows, "id|sku\n1|a\n1|b\n", "[1|a\n][1|b\n]END");
}

static void line_ends_and_delimiters_in_quotes_belong_to_their_field(void **state)
{
    (void)state;
    assert_table("id,note\n1,\"a\nb,\"\"c\"\"\r\n\"\n2,x\n", "[1,\"a\nb,\"\"c\"\"\r\n\"\n][2,x\n]END");
}

static void blank_rows_are_passed_over(void **state)
{
    (void)state;
    assert_table("\n,,\nid,sku\n\n1,a\n,\n1,b\n\n\"\",\"\"\n2,c\n\n", "[1,a\n,\n1,b\n][2,c\n]END");
}

static void a_title_above_the_headings_is_no_heading(void **state)
{
    (void)state;
    assert_table("Orders of May\n\nid,sku\n1,a\n", "[1,a\n]END");
    const struct cw_rows third = { .groups = by_id, .group_count = 2, .heading_line = 3 };
    assert_table_of(&third, "Orders, May\n\nid,sku\n1,a\n", "[1,a\n]END");
    static const char *const names[] = { "id", "sku" };
    const struct cw_rows none = { .groups = by_id, .group_count = 2, .headings = names, .heading_count = 2 };
    assert_table_of(&none, "1;a\n1;b\n2;c\n", "[1;a\n1;b\n][2;c\n]END");
}

static void a_footer_ends_the_table(void **state)
{
    (void)state;
    const struct cw_rows rows = { .groups = by_id, .group_count = 2, .footer = "record(s) downloaded" };
    assert_table_of(&rows, "id,sku,n\n1,a,\n2,\"record(s) downloaded\"\nSeller,\"x\n", "[1,a,\n]END");
    assert_table_of(&rows, "id,sku,n\n1,a,\n\"2 record(s) downloaded\"\n", "[1,a,\n]END");
}

static void a_stray_quote_spoils_its_own_row_only(void **state)
{
    (void)state;
    const struct cw_rows rows = { .groups = NULL };
    assert_table_of(&rows, "id,sku\n1,a\n2,\"b\n3,c\n4,\"d\"\n", "[1,a\n][2,\"b\n][3,c\n][4,\"d\"\n]END");
    assert_table_of(&rows, "id,sku\n1,19\" rack\n3,c\n", "[1,19\" rack\n][3,c\n]END");
    assert_table_of(&rows, "id,sku\n1,\"b\" c\n3,c\n", "[1,\"b\" c\n][3,c\n]END");
    assert_table_of(&rows, "id,sku\n2,\"b\n3,c\n4,d\n", "[2,\"b\n][3,c\n][4,d\n]END"); /* it never ends */
    assert_table_of(&rows, "id,sku\n2,b,c\n3,c\n", "[2,b,c\n][3,c\n]END");
}

static void a_spoilt_row_stays_with_the_rows_around_it(void **state)
{
    (void)state;
    assert_table("id,sku\n1,a\n1,\"b\n1,c\n2,d\n", "[1,a\n1,\"b\n1,c\n][2,d\n]END");
    assert_table("sku,id\na,1\n\"b,1\nc,1\nd,2\n", "[a,1\n\"b,1\nc,1\n][d,2\n]END");
    assert_table("sku,id\na,1\n\"b,2\nd,3\n", "[a,1\n][\"b,2\n][d,3\n]END");
}

static void quotes_are_characters_where_the_table_has_none(void **state)
{
    (void)state;
    const struct cw_rows rows = { .shape = { .plain = true }, .groups = by_id, .group_count = 2 };
    assert_table_of(&rows, "id\tname\n1\t\"Q\" 5\" nail\n1\t\"x\n2\ty\n",
                    "[1\t\"Q\" 5\" nail\n1\t\"x\n][2\ty\n]END");
}

static void a_table_that_was_cut_off_is_refused(void **state)
{
    (void)state;
    assert_table("id,sku\n1,a\n2,\"B", "byte 11, line 3: the table ends in the middle of a field in quotes");
}

static void rows_of_one_record_in_two_places_are_refused(void **state)
{
    (void)state;
    assert_table("id,sku\n1,a\n2,b\n1,c\n",
                 "byte 15, line 4: the rows of \"1\" stand in more than one place");
    struct cw_buffer table = { 0 };
    cw_buffer_print(&table, NULL, "id,sku\n");
    for (unsigned i = 0; i < 5000; i++)
        cw_buffer_print(&table, NULL, "N%u,a\n", i);
    const struct cw_rows rows = { .groups = by_id, .group_count = 2 };
    struct cw_buffer out = { 0 };
    split_table(&rows, cw_buffer_slice(&table), 0, &out);
    assert_non_null(strstr(out.data, "[N4999,a\n]END"));
    cw_buffer_print(&table, NULL, "N0,a\n");
    split_table(&rows, cw_buffer_slice(&table), 0, &out);
    assert_non_null(strstr(out.data, "line 5002: the rows of \"N0\" stand in more than one place"));
    cw_buffer_fini(&out);
    cw_buffer_fini(&table);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    assert_table("", "the body is empty; a table was expected");
    assert_table(" \n\n", "the body is empty; a table was expected");
    assert_table("<html>\n<p>a, b</p>", "a table of text was expected, but the body begins: \"<html>");
    assert_table("nothing here\n",
                 "the table has no line of headings: none has a text in more than one field");
    assert_table("number,sku\n1,a\n", "no column is headed \"id\"");
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_body *body = cw_body_borrow(cw_slice("a,b\n"), &err);
    const struct cw_rows wide = { .charset = "EUC-KR" },
                         bar = { .shape = { '|', false }, .charset = "cp932" },
                         colon = { .shape = { ':', false } };
    assert_null(cw_splitter_create_rows(&wide, body, NULL, &err));
    assert_string_equal(err.text,
                        "rows: charset is UTF-8, windows-1250 to -1258, ISO-8859-1 to -16, KOI8-R or cp932, "
                        "not EUC-KR");
    assert_null(cw_splitter_create_rows(&bar, body, NULL, &err));
    assert_null(cw_splitter_create_rows(&colon, body, NULL, &err));
    assert_int_equal(err.code, CW_USAGE);
    cw_body_free(body);
}

/* --- trees --- */

static const struct cw_rows_shape comma = { ',', false };

static void show_table(struct cw_rows_shape shape, const char *charset, const char *text, uint64_t line,
                       struct cw_buffer *out)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create_rows(shape, NULL, &err);
    char *copy = malloc(strlen(text));
    memcpy(copy, text, strlen(text));
    cw_arena_init(&arena, 0);
    cw_parser_at_line(parser, line);
    const struct cw_node *tree =
        cw_parse(parser, (struct cw_slice){ copy, strlen(text) }, charset, &arena, &err);
    cw_buffer_clear(out);
    if (tree != NULL)
        show_node(out, tree);
    else
        cw_buffer_print(out, NULL, "%s", err.text);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
    free(copy);
}

static void assert_rows(const char *text, const char *expected)
{
    struct cw_buffer out = { 0 };
    show_table(comma, "UTF-8", text, 0, &out);
    assert_string_equal(out.data, expected);
    cw_buffer_fini(&out);
}

static void assert_bad_row(const char *text, uint64_t line, const char *needle)
{
    struct cw_buffer out = { 0 };
    show_table(comma, "UTF-8", text, line, &out);
    if (strstr(out.data, needle) == NULL)
        fail_msg("expected \"%s\", got: %s", needle, out.data);
    cw_buffer_fini(&out);
}

static void fields_have_the_names_of_their_headings(void **state)
{
    (void)state;
    assert_rows("id, Name ,\"Q\"\n1, a b ,\"x \"\"y\"\"\"\n2,,3\n",
                "{row[{id\"1\" Name\"a b\" Q\"x \"y\"\"} {id\"2\" Q\"3\"}]}");
    assert_rows("a,a,b,a\n1,2,3,4\n", "{row[{a\"1\" a 2\"2\" b\"3\" a 3\"4\"}]}");
    assert_rows("a,,b\n1,2,3,\n4\n", "{row[{a\"1\" b\"3\"} {a\"4\"}]}");
}

static void what_spreadsheets_put_around_texts_is_taken_off(void **state)
{
    (void)state;
    assert_rows("a,b,c,d\n=\"00123\",\"=\"\"0,1\"\"\",'0012,'+49 30\n",
                "{row[{a\"00123\" b\"0,1\" c\"0012\" d\"+49 30\"}]}");
    assert_rows("a,b\n's-Hertogenbosch,'90s shirt\n", "{row[{a\"'s-Hertogenbosch\" b\"'90s shirt\"}]}");
    assert_rows("a,b\n1E+10,E+12\n", "{row[{a\"1E+10\" b\"E+12\"}]}");
    assert_bad_row("id,b\n1.23457E+11,x\n", 7,
                   "line 7: this row cannot be read: id has 1.23457E+11, which a spreadsheet has "
                   "made of a longer number");
    assert_bad_row("id,b\n\"1,23E+14\",x\n", 7, "id has 1,23E+14");
}

static void a_row_that_cannot_be_read_names_its_line(void **state)
{
    (void)state;
    assert_bad_row("id,b\n1,x\n\"\n\",y\n2,\"z\n", 70,
                   "line 73: this row cannot be read: its quotes do not end");
    assert_bad_row(
        "id,b\n1,x\n1,y,z\n", 0,
        "line 3 of the record, whose headings are line 1: this row cannot be read: it has more fields");
    assert_bad_row("id,b\n1,x\n1,\xE9\n", 10, "line 11: this row cannot be read: the byte 0xe9 is not UTF-8");
    assert_bad_row("id,b,c\n1,x", 10,
                   "it has fewer fields than there are headings, and its line does not end");
}

static void charsets_are_converted(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    const struct cw_rows_shape tab = { '\t', true };
    show_table(tab, "windows-1252", "a\tb\n\xDC\x84\t\"x\n", 0, &out);
    assert_string_equal(out.data, "{row[{a\"Ü„\" b\"\"x\"}]}");
    show_table(tab, "Shift_JIS", "a\tb\n\xFB\xFC\x83\x5C\tx\n", 0,
               &out); /* 髙 is in cp932 alone; ソ has a backslash */
    assert_string_equal(out.data, "{row[{a\"髙ソ\" b\"x\"}]}");
    show_table(tab, "windows-1252", "a\tb\n1\t2\n\x81\tx\n", 5, &out);
    assert_string_equal(out.data,
                        "line 6: this row cannot be read: the byte 0x81 does not belong to the charset "
                        "windows-1252");
    cw_buffer_fini(&out);
}

static void shapes_are_kept_by_their_names(void **state)
{
    (void)state;
    static const char delimiters[] = ",;\t|";
    char name[CW_ROWS_FORMAT_MAX];
    for (int i = 0; i < 8; i++) {
        struct cw_rows_shape shape = { delimiters[i / 2], i % 2 == 1 }, back;
        cw_rows_format(shape, name);
        assert_true(cw_rows_read_format(cw_slice(name), &back));
        assert_int_equal(back.delimiter, shape.delimiter);
        assert_int_equal(back.plain, shape.plain);
    }
    struct cw_rows_shape shape;
    assert_false(cw_rows_read_format(cw_slice("xml"), &shape));
}

/* --- bodies in UTF-16 --- */

static void assert_converted(const char *bytes, size_t len, const char *expected)
{
    struct cw_error err = { 0 };
    struct cw_body *body = cw_body_borrow((struct cw_slice){ bytes, len }, &err);
    bool ok = cw_charset_body(&body, &err);
    if (ok) {
        char text[64] = "";
        assert_true(cw_body_read(body, 0, text, (size_t)cw_body_size(body), &err));
        assert_string_equal(text, expected);
    } else {
        assert_non_null(strstr(err.text, expected));
    }
    cw_body_free(body);
}

static void bodies_of_wide_characters_are_converted_as_a_whole(void **state)
{
    (void)state;
    assert_converted("\xFF\xFE"
                     "a\0\xDC\0\n\0",
                     8, "aÜ\n");
    assert_converted("\xFE\xFF\0a\0\xDC", 6, "aÜ");
    assert_converted("<\0a\0/\0>\0", 8, "<a/>");
    assert_converted("\0<\0a\0/\0>", 8, "<a/>");
    assert_converted("\xFF\xFE\0\0a\0\0\0", 8, "a");
    assert_converted("plain", 5, "plain");
    assert_converted("\xFF\xFE"
                     "a\0b",
                     5, "the body ends in the middle of a character of UTF-16LE");
    assert_converted("\xFF\xFE"
                     "a\0\0\xDC"
                     "b\0",
                     8, "byte 4: this is no character of UTF-16LE");
}

static void a_long_body_is_converted_in_pieces(void **state)
{
    (void)state;
    enum { CHARACTERS = 200001 };
    struct cw_error err;
    char *wide = malloc(2 + 2 * CHARACTERS), *text = malloc(2 * CHARACTERS);
    memcpy(wide, "\xFE\xFF", 2);
    for (size_t i = 0; i < CHARACTERS; i++) /* é: two bytes become two */
        memcpy(wide + 2 + 2 * i, "\0\xE9", 2);
    struct cw_body *body = cw_body_borrow((struct cw_slice){ wide, 2 + 2 * CHARACTERS }, &err);
    assert_true(cw_charset_body(&body, &err));
    assert_int_equal(cw_body_size(body), 2 * CHARACTERS);
    assert_true(cw_body_read(body, 0, text, 2 * CHARACTERS, &err));
    for (size_t i = 0; i < CHARACTERS; i++)
        assert_memory_equal(text + 2 * i, "é", 2);
    cw_body_free(body);
    free(wide);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_belong_together_are_one_record),
        cmocka_unit_test(without_a_group_each_row_is_a_record),
        cmocka_unit_test(line_ends_and_delimiters_in_quotes_belong_to_their_field),
        cmocka_unit_test(blank_rows_are_passed_over),
        cmocka_unit_test(a_title_above_the_headings_is_no_heading),
        cmocka_unit_test(a_footer_ends_the_table),
        cmocka_unit_test(a_stray_quote_spoils_its_own_row_only),
        cmocka_unit_test(a_spoilt_row_stays_with_the_rows_around_it),
        cmocka_unit_test(quotes_are_characters_where_the_table_has_none),
        cmocka_unit_test(a_table_that_was_cut_off_is_refused),
        cmocka_unit_test(rows_of_one_record_in_two_places_are_refused),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(fields_have_the_names_of_their_headings),
        cmocka_unit_test(what_spreadsheets_put_around_texts_is_taken_off),
        cmocka_unit_test(a_row_that_cannot_be_read_names_its_line),
        cmocka_unit_test(charsets_are_converted),
        cmocka_unit_test(shapes_are_kept_by_their_names),
        cmocka_unit_test(bodies_of_wide_characters_are_converted_as_a_whole),
        cmocka_unit_test(a_long_body_is_converted_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
