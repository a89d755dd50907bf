/* csv_test.c - CSV is read strictly, and the same however its bytes come; what is written can be read. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/csv.h"

static struct cw_error err;

/* "1[a|b]2[c|d]": each row with its line. */
static bool note_row(void *arg, const struct cw_csv_row *row, struct cw_error *row_err)
{
    struct cw_buffer *out = arg;
    cw_buffer_print(out, row_err, "%d[", (int)row->line);
    for (size_t i = 0; i < row->count; i++)
        cw_buffer_print(out, row_err, "%s%.*s", i > 0 ? "|" : "", CW_SLICE_ARG(row->fields[i]));
    return cw_buffer_add(out, "]", 1, row_err);
}

/* Pieces of `step` bytes, the first of `first`. What came out ends with END or the error. */
static void read_cut(struct cw_slice text, char delimiter, size_t first, size_t step, struct cw_buffer *out)
{
    struct cw_csv_reader *reader = cw_csv_reader_create("f.csv", delimiter, note_row, out, &err);
    assert_ok(reader != NULL, err);
    bool ok = true;
    cw_buffer_clear(out);
    for (size_t at = 0, len = first; ok && at < text.len; at += len, len = step) {
        len = len < text.len - at ? len : text.len - at;
        char *copy = malloc(len > 0 ? len : 1); /* of exactly this size, so that reading past it shows */
        assert_non_null(copy);
        memcpy(copy, text.data + at, len);
        ok = cw_csv_reader_add(reader, (struct cw_slice){ copy, len }, &err);
        free(copy);
    }
    bool ended = cw_csv_reader_end(reader, &err);
    assert_true(ok || !ended);
    cw_buffer_print(out, &err, "%s%s", ended ? "END" : cw_code_name(err.code), ended ? "" : " ");
    if (!ended)
        cw_buffer_add(out, err.text, strlen(err.text), NULL);
    cw_csv_reader_free(reader);
}

/* The same whole, cut at each place, and byte by byte. */
static void assert_read_bytes(struct cw_slice text, char delimiter, const char *expected)
{
    struct cw_buffer out = { 0 };
    for (size_t cut = 0; cut <= text.len; cut++) {
        read_cut(text, delimiter, cut, SIZE_MAX, &out);
        assert_string_equal(out.data, expected);
    }
    read_cut(text, delimiter, 1, 1, &out);
    assert_string_equal(out.data, expected);
    cw_buffer_fini(&out);
}

static void assert_read(const char *text, const char *expected)
{
    assert_read_bytes(cw_slice(text), 0, expected);
}

static void rows_have_fields_and_lines(void **state)
{
    (void)state;
    assert_read("a,b\n1,2\n3,4\n", "1[a|b]2[1|2]3[3|4]END");
    assert_read("a,b\r\n1,2\r\n3,4", "1[a|b]2[1|2]3[3|4]END");
    assert_read("a,b\r1,2\r", "1[a|b]2[1|2]END");
    assert_read("a\r1\n2\r\n3\r\r4", "1[a]2[1]3[2]4[3]6[4]END");
    assert_read("a\n1\n", "1[a]2[1]END");
    assert_read("a,b\n,\n", "1[a|b]2[|]END");
}

static void empty_lines_are_no_rows_but_count(void **state)
{
    (void)state;
    assert_read("\r\n\na,b\n\n\r\n1,2\n\n", "3[a|b]6[1|2]END");
    assert_read("a\n\"\"\n", "1[a]2[]END");
}

static void quoted_fields_hold_anything(void **state)
{
    (void)state;
    assert_read("a,b\n\"1,\"\"x\"\"\n\r\n2\",\"\"\n3,4\n", "1[a|b]2[1,\"x\"\n\r\n2|]5[3|4]END");
    assert_read("\"a,1\",\"b\n\"\n1,2", "1[a,1|b\n]3[1|2]END");
}

static void blanks_belong_to_their_field(void **state)
{
    (void)state;
    assert_read("a,b\n 1 ,\t2\n  ,\n", "1[a|b]2[ 1 |\t2]3[  |]END");
}

static void the_delimiter_is_found_in_the_header(void **state)
{
    (void)state;
    assert_read("a;b\n1;2,5\n", "1[a|b]2[1|2,5]END");
    assert_read("a\tb\n1,0\t2;0\n", "1[a|b]2[1,0|2;0]END");
    assert_read("\"a;b;c\",d\n1,2\n", "1[a;b;c|d]2[1|2]END");
    assert_read("a;b, net;c\n1;2;3\n", "1[a|b, net|c]2[1|2|3]END");
    assert_read(
        "\na,b;c\n",
        "invalid f.csv:2: the header line has as many commas as semicolons, so it does not say which of "
        "them separates the columns; put names that hold one of them in quotes");
}

static void the_caller_may_name_the_delimiter(void **state)
{
    (void)state;
    assert_read_bytes(cw_slice("a,b;c\n1;2\n"), ';', "1[a,b|c]2[1|2]END");
    assert_read_bytes(
        cw_slice("a,b\n1\t2\n"), '\t',
        "1[a,b]invalid f.csv:2: this row has 2 fields and the header 1; a field that holds a tab "
        "or a line end stands in quotes");
    assert_null(cw_csv_reader_create("f.csv", '|', note_row, NULL, &err));
    assert_string_equal(err.text, "columns are separated by a comma, a semicolon or a tab, not by '|'");
}

static void a_byte_order_mark_is_no_text(void **state)
{
    (void)state;
    assert_read("\xEF\xBB\xBF"
                "a,b\n1,\xC3\xA9\n",
                "1[a|b]2[1|\xC3\xA9]END");
    assert_read("\xEF\xBB\xBF\"a\",b\n1,2\n", "1[a|b]2[1|2]END");
}

static void other_encodings_are_refused(void **state)
{
    (void)state;
    static const char utf16[] =
        "invalid f.csv:1: this is UTF-16; save the file as \"CSV UTF-8\", or convert it: iconv -f UTF-16 -t "
        "UTF-8";
    assert_read_bytes((struct cw_slice){ "\xFF\xFE"
                                         "a\0\n\0",
                                         6 },
                      0, utf16);
    assert_read_bytes((struct cw_slice){ "\xFE\xFF\0a\0\n", 6 }, ',', utf16);
    assert_read_bytes((struct cw_slice){ "a\0,\0b\0\n\0", 8 }, 0, utf16);
    assert_read(
        "a,b\n1,2\n\n3,caf\xE9\n",
        "1[a|b]2[1|2]invalid f.csv:4: byte 0xe9 of field 2 is not UTF-8; save the file as \"CSV UTF-8\", "
        "or convert it: iconv -f WINDOWS-1252 -t UTF-8");
}

static void a_row_of_another_length_is_refused(void **state)
{
    (void)state;
    assert_read(
        "a,b\n\"1\n\",2\n3\n",
        "1[a|b]2[1\n|2]invalid f.csv:4: this row has 1 fields and the header 2; a field that holds a comma "
        "or a line end stands in quotes");
    assert_read("a;b\n1;2;3\n",
                "1[a|b]invalid f.csv:2: this row has 3 fields and the header 2; a field that holds "
                "a semicolon or a line end stands in quotes");
}

static void a_stray_quote_is_refused(void **state)
{
    (void)state;
    static const char stray[] =
        "a quote stands in the middle of field 2; a field with quotes in it stands in "
        "quotes itself, with each of them doubled: \"a \"\"b\"\" c\"";
    static const char *const rows[] = { "1,2\"\n", "1,2\"x\"\n", "1,\"2\"x\n", "1, \"2\"\n", "1,\"2\" \n" };
    char text[64], expected[320];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "a,b\n\"\n\",\n%s", rows[i]);
        snprintf(expected, sizeof expected, "1[a|b]2[\n|]invalid f.csv:4: %s", stray);
        assert_read(text, expected);
    }
}

static void a_quote_that_never_ends_is_told_where_it_begins(void **state)
{
    (void)state;
    assert_read(
        "a,b\n1,2\n3,\"4\n5,6\n7,8",
        "1[a|b]2[1|2]invalid f.csv:3: the quotes of field 2, which begins here, do not end; is the file "
        "whole?");
    assert_read("\"a,b\n1,2\n",
                "invalid f.csv:1: the quotes of field 1, which begins here, do not end; is the file "
                "whole?");
    assert_read("a,b\n1,\"\"\"",
                "1[a|b]invalid f.csv:2: the quotes of field 2, which begins here, do not end; is "
                "the file whole?");
}

static void zero_bytes_are_refused(void **state)
{
    (void)state;
    assert_read_bytes(
        (struct cw_slice){ "a,b\n1,2\n3,\0\n", 11 }, 0,
        "1[a|b]2[1|2]invalid f.csv:3: a zero byte, which no text holds; is this a CSV file, in UTF-8?");
}

static void a_file_without_a_row_is_empty(void **state)
{
    (void)state;
    static const char empty[] = "invalid f.csv:1: the file is empty; its first line names the columns";
    assert_read("", empty);
    assert_read("\n\r\n", "invalid f.csv:1: the file is empty; its first line names the columns");
    assert_read("\xEF\xBB\xBF", empty);
}

/* `len` times x between two texts. */
static struct cw_buffer long_text(const char *before, size_t len, const char *after)
{
    struct cw_buffer text = { 0 };
    assert_ok(cw_buffer_add(&text, before, strlen(before), &err), err);
    char *place = cw_buffer_reserve(&text, len, &err);
    assert_non_null(place);
    memset(place, 'x', len);
    text.len += len;
    assert_ok(cw_buffer_add(&text, after, strlen(after), &err), err);
    return text;
}

static void assert_long(const char *before, size_t len, const char *after, const char *error)
{
    struct cw_buffer text = long_text(before, len, after), out = { 0 };
    static const size_t steps[] = { SIZE_MAX, 4096, 4097, 1000003 };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        read_cut(cw_buffer_slice(&text), 0, steps[i], steps[i], &out);
        if (error == NULL)
            assert_string_equal(out.data + out.len - 3, "END");
        else
            assert_non_null(strstr(out.data, error));
    }
    cw_buffer_fini(&text);
    cw_buffer_fini(&out);
}

static void fields_and_rows_have_limits(void **state)
{
    (void)state;
    assert_long("a,b\n1,", CW_CSV_FIELD_MAX, "\n", NULL);
    assert_long("a,b\n1,", CW_CSV_FIELD_MAX + 1, "\n", "limit f.csv:2: field 2 is longer than 1048576 bytes");
    assert_long("a,b\n1,\"", CW_CSV_ROW_MAX, "",
                "limit f.csv:2: the row that begins here is longer than 4194304");
    assert_long("a,", CW_CSV_ROW_MAX, "\n1,2\n",
                "limit f.csv:1: the row that begins here is longer than 4194304");
    assert_long("", CW_CSV_FIELD_MAX + 1, "\n1\n", "limit f.csv:1: field 1 is longer than 1048576 bytes");
}

static void a_header_has_a_largest_number_of_columns(void **state)
{
    (void)state;
    char text[2 * CW_CSV_COLUMNS_MAX + 8];
    struct cw_buffer out = { 0 };
    memset(text, ',', sizeof text);
    read_cut((struct cw_slice){ text, CW_CSV_COLUMNS_MAX - 1 }, 0, SIZE_MAX, SIZE_MAX, &out);
    assert_string_equal(out.data + out.len - 3, "END");
    read_cut((struct cw_slice){ text, CW_CSV_COLUMNS_MAX }, 0, SIZE_MAX, SIZE_MAX, &out);
    assert_string_equal(out.data, "limit f.csv:1: the header has more than 1000 columns");
    memcpy(text, "a\n", 2);
    read_cut((struct cw_slice){ text, sizeof text }, ',', SIZE_MAX, SIZE_MAX, &out);
    assert_non_null(strstr(out.data, "f.csv:2: this row has 2007 fields and the header 1"));
    cw_buffer_fini(&out);
}

static bool refuse_second(void *arg, const struct cw_csv_row *row, struct cw_error *row_err)
{
    size_t *rows = arg;
    (*rows)++;
    return row->line == 1 || cw_fail(row_err, CW_USAGE, "no row 2 please");
}

static void the_caller_may_end_the_reading(void **state)
{
    (void)state;
    size_t rows = 0;
    struct cw_csv_reader *reader = cw_csv_reader_create("f.csv", 0, refuse_second, &rows, &err);
    assert_non_null(reader);
    assert_false(cw_csv_reader_add(reader, cw_slice("a\n1\n2\n"), &err));
    assert_string_equal(err.text, "no row 2 please");
    assert_int_equal(rows, 2);
    err.text[0] = '\0';
    assert_false(cw_csv_reader_add(reader, cw_slice("3\n"), &err));
    assert_false(cw_csv_reader_end(reader, &err));
    assert_string_equal(err.text, "no row 2 please");
    assert_int_equal(rows, 2);
    cw_csv_reader_free(reader);
    cw_csv_reader_free(NULL);
}

/* --- writing --- */

static void assert_written(const struct cw_csv_style *style, size_t count, const char *const *texts,
                           const char *expected)
{
    struct cw_slice fields[8];
    struct cw_buffer out = { 0 };
    for (size_t i = 0; i < count; i++)
        fields[i] = cw_slice(texts[i]);
    assert_ok(cw_csv_write_row(&out, style, fields, count, &err), err);
    assert_string_equal(out.data, expected);
    cw_buffer_fini(&out);
}

static void quotes_stand_where_they_are_needed(void **state)
{
    (void)state;
    assert_written(NULL, 6, (const char *[]){ "a", "b c", "", "d,e", "f\"g", "h\ni" },
                   "a,b c,,\"d,e\",\"f\"\"g\",\"h\ni\"\n");
    assert_written(NULL, 5, (const char *[]){ "a;b", "c\td", " e", "f ", "\r" },
                   "\"a;b\",\"c\td\",\" e\",\"f \",\"\r\"\n");
    assert_written(NULL, 1, (const char *[]){ "" }, "\"\"\n");
    assert_written(NULL, 1, (const char *[]){ "\xEF\xBB\xBFx" }, "\"\xEF\xBB\xBFx\"\n");
}

static void rows_end_and_fields_part_as_asked(void **state)
{
    (void)state;
    struct cw_csv_style style = { .delimiter = ';', .crlf = true };
    assert_written(&style, 2, (const char *[]){ "a,b", "c" }, "\"a,b\";c\r\n");
}

static void formulas_are_guarded_only_when_asked(void **state)
{
    (void)state;
    struct cw_csv_style style = { .guard_formulas = true };
    const char *const texts[] = { "=1+1", "-1.50", "-x", "+49 30", "@a", "a=b", "'", "\tx" };
    assert_written(NULL, 8, texts, "=1+1,-1.50,-x,+49 30,@a,a=b,',\"\tx\"\n");
    assert_written(&style, 8, texts, "'=1+1,-1.50,'-x,'+49 30,'@a,a=b,',\"'\tx\"\n");
}

static void what_no_file_can_hold_is_not_written(void **state)
{
    (void)state;
    struct cw_buffer out = { 0 };
    const struct cw_slice sound = cw_slice("a");
    assert_ok(cw_csv_write_row(&out, NULL, &sound, 1, &err), err);
    struct cw_slice fields[] = { cw_slice("b"), { "\0", 1 } };
    assert_false(cw_csv_write_row(&out, NULL, fields, 2, &err));
    assert_string_equal(err.text, "byte 0x00 of field 2, which no CSV file in UTF-8 can hold");
    fields[1] = cw_slice("caf\xE9");
    assert_false(cw_csv_write_row(&out, NULL, fields, 2, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_string_equal(out.data, "a\n");
    cw_buffer_fini(&out);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = { "\xEF\xBB\xBFk", " a", "b\r\nc", "\"", "", "d;e\tf,g" };
    struct cw_slice fields[6];
    for (int crlf = 0; crlf < 2; crlf++)
        for (size_t d = 0; d < 3; d++) {
            struct cw_csv_style style = { .delimiter = ",;\t"[d], .crlf = crlf == 1 };
            struct cw_buffer out = { 0 };
            for (size_t i = 0; i < 6; i++)
                fields[i] = cw_slice(texts[i]);
            assert_ok(cw_csv_write_row(&out, &style, fields, 6, &err), err);
            assert_ok(cw_csv_write_row(&out, &style, fields, 6, &err), err);
            assert_read_bytes(
                cw_buffer_slice(&out), 0,
                "1[\xEF\xBB\xBFk| a|b\r\nc|\"||d;e\tf,g]3[\xEF\xBB\xBFk| a|b\r\nc|\"||d;e\tf,g]END");
            cw_buffer_fini(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_fields_and_lines),
        cmocka_unit_test(empty_lines_are_no_rows_but_count),
        cmocka_unit_test(quoted_fields_hold_anything),
        cmocka_unit_test(blanks_belong_to_their_field),
        cmocka_unit_test(the_delimiter_is_found_in_the_header),
        cmocka_unit_test(the_caller_may_name_the_delimiter),
        cmocka_unit_test(a_byte_order_mark_is_no_text),
        cmocka_unit_test(other_encodings_are_refused),
        cmocka_unit_test(a_row_of_another_length_is_refused),
        cmocka_unit_test(a_stray_quote_is_refused),
        cmocka_unit_test(a_quote_that_never_ends_is_told_where_it_begins),
        cmocka_unit_test(zero_bytes_are_refused),
        cmocka_unit_test(a_file_without_a_row_is_empty),
        cmocka_unit_test(fields_and_rows_have_limits),
        cmocka_unit_test(a_header_has_a_largest_number_of_columns),
        cmocka_unit_test(the_caller_may_end_the_reading),
        cmocka_unit_test(quotes_stand_where_they_are_needed),
        cmocka_unit_test(rows_end_and_fields_part_as_asked),
        cmocka_unit_test(formulas_are_guarded_only_when_asked),
        cmocka_unit_test(what_no_file_can_hold_is_not_written),
        cmocka_unit_test(what_is_written_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
