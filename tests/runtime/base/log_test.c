/* log_test.c - log lines: their form, what cannot be forged in them, what never stands in them. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

static struct test_clock hands = { .now = 1711852200 * CW_SECOND };
static struct cw_clock clock_of_test;
static char *written;
static size_t written_len;
static FILE *out;

static void start(enum cw_log_style style)
{
    clock_of_test = test_clock(&hands);
    out = open_memstream(&written, &written_len);
    cw_log_configure(
        (struct cw_log_config){ .out = out, .level = CW_LOG_DEBUG, .style = style, .clock = &clock_of_test });
}

static int use_logfmt(void **state)
{
    (void)state;
    start(CW_LOG_LOGFMT);
    return 0;
}

static int use_json(void **state)
{
    (void)state;
    start(CW_LOG_JSON);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cw_log_configure((struct cw_log_config){ 0 });
    cw_secret_forget_all();
    fclose(out);
    free(written);
    return 0;
}

static void assert_ends_with(const char *end)
{
    assert_true(written_len >= strlen(end));
    assert_memory_equal(written + written_len - strlen(end), end, strlen(end));
}

#define LOGFMT "time=2024-03-31T02:30:00Z level=info event=test"
#define JSON   "{\"time\":\"2024-03-31T02:30:00Z\",\"level\":\"info\",\"event\":\"test\""

static void a_line_in_logfmt_quotes_only_where_it_must(void **state)
{
    (void)state;
    cw_log_pairs(CW_LOG_INFO, "test", "cart", "shop", "read", "250", "path", "a/b?c", "empty", "", "blank",
                 "a b", "sign", "a=b", "quote", "a\"b", "back", "a\\b", NULL);
    assert_string_equal(written,
                        LOGFMT " cart=shop read=250 path=a/b?c empty=\"\" blank=\"a b\" sign=\"a=b\" "
                               "quote=\"a\\\"b\" back=\"a\\\\b\"\n");
}

static void a_line_in_json_is_one_object_of_strings(void **state)
{
    (void)state;
    cw_log_pairs(CW_LOG_INFO, "test", "cart", "shop", "read", "250", "quote", "a\"b\\c", "nothing",
                 (char *)NULL, NULL);
    assert_string_equal(written, JSON
                        ",\"cart\":\"shop\",\"read\":\"250\",\"quote\":\"a\\\"b\\\\c\",\"nothing\":\"\"}\n");
}

static void a_value_cannot_forge_a_line_or_drive_a_terminal(void **state)
{
    (void)state;
    cw_log_pairs(CW_LOG_INFO, "test", "a", "x\ntime=1 level=error", "b", "\r\t\x1b[2J\x7f", "c",
                 "\xC2\x9B\xE2\x80\xA8", "d",
                 "\xE2\x80\xAE"
                 "evil",
                 NULL);
    assert_string_equal(written, LOGFMT " a=\"x\\ntime=1 level=error\" b=\"\\r\\t\\u001b[2J\\u007f\" "
                                        "c=\"\\u009b\\u2028\" d=\"\\u202eevil\"\n");
}

static void a_nul_inside_a_value_is_shown(void **state)
{
    (void)state;
    struct cw_log_field fields[] = { { "a", { "x\0y", 3 } }, { "b", { NULL, 0 } }, { NULL, { NULL, 0 } } };
    cw_log(CW_LOG_INFO, "test", fields);
    assert_string_equal(written, LOGFMT " a=\"x\\u0000y\" b=\"\"\n");
}

static void letters_past_ascii_stay_and_bytes_that_are_none_do_not(void **state)
{
    (void)state;
    cw_log_pairs(CW_LOG_INFO, "test", "a", "M\xC3\xBCller \xF0\x9F\x98\x80", "b", "\xFF", "c", "\xC3", "d",
                 "\xC0\xAF", "e", "\xED\xA0\x80", "f", "\xF4\x90\x80\x80", NULL);
    assert_string_equal(written,
                        JSON ",\"a\":\"M\xC3\xBCller \xF0\x9F\x98\x80\",\"b\":\"\\ufffd\",\"c\":\"\\ufffd\","
                             "\"d\":\"\\ufffd\\ufffd\",\"e\":\"\\ufffd\\ufffd\\ufffd\","
                             "\"f\":\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n");
}

static void a_name_cannot_forge_a_field(void **state)
{
    (void)state;
    cw_log_pairs(CW_LOG_INFO, "test", "a b=c\n\"", "x", "ok_1.b-c", "y", NULL);
    assert_string_equal(written, LOGFMT " a_b_c__=x ok_1.b-c=y\n");
}

static void an_event_is_escaped_too(void **state)
{
    (void)state;
    cw_log(CW_LOG_ERROR, "a\nb", NULL);
    assert_string_equal(written, "time=2024-03-31T02:30:00Z level=error event=\"a\\nb\"\n");
}

static void a_secret_stands_in_no_line(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("can\"ary/42")));
    cw_log_pairs(CW_LOG_INFO, "test", "a", "can\"ary/42", "b", "url?k=can%22ary%2F42&x", "c",
                 "Y2FuImFyeS80Mg==", "d", "{\\\"k\\\":\\\"can\\\"ary\\/42\\\"}", "event can\"ary/42", "e",
                 NULL);
    assert_null(strstr(written, "ary"));
    assert_null(strstr(written, "Y2Fu"));
    assert_non_null(strstr(written, " a=\"***\" b=\"url?k=***&x\" c=\"***\" d="));
}

static void a_secret_across_the_cut_leaves_nothing(void **state)
{
    (void)state;
    char value[CW_LOG_LINE_MAX + 64];
    assert_true(cw_secret_remember(cw_slice("0123456789abcdef")));
    for (size_t at = CW_LOG_LINE_MAX - 150; at < CW_LOG_LINE_MAX; at++) {
        rewind(out);
        memset(value, '.', sizeof value);
        memcpy(value + at, "0123456789abcdef", 16);
        value[sizeof value - 1] = '\0';
        cw_log_pairs(CW_LOG_INFO, "test", "a", value, NULL);
        assert_null(memmem(written, written_len, "0123", 4));
    }
}

static void lines_end_at_their_limit_and_say_so(void **state)
{
    (void)state;
    char *value = malloc(100000);
    struct cw_log_field fields[] = { { "a", { value, 0 } },
                                     { "b", cw_slice("later") },
                                     { NULL, { NULL, 0 } } };
    for (size_t len = CW_LOG_LINE_MAX - 200; len < CW_LOG_LINE_MAX + 100; len++) {
        memset(value, len % 2 == 0 ? 'x' : '"', len);
        fields[0].value.len = len;
        rewind(out);
        cw_log(CW_LOG_INFO, "test", fields);
        assert_true(written_len <= CW_LOG_LINE_MAX);
        assert_int_equal(written[written_len - 1], '\n');
        assert_ptr_equal(memchr(written, '\n', written_len), written + written_len - 1);
    }
    memset(value, 'x', 100000);
    fields[0].value.len = 100000;
    rewind(out);
    cw_log(CW_LOG_INFO, "test", fields);
    assert_true(written_len > CW_LOG_LINE_MAX - 40 && written_len <= CW_LOG_LINE_MAX);
    assert_ends_with("xxxx... cut=true\n");
    free(value);
}

static void a_cut_json_line_is_still_an_object(void **state)
{
    (void)state;
    char value[CW_LOG_LINE_MAX + 100];
    for (size_t len = CW_LOG_LINE_MAX - 200; len < sizeof value - 1; len++) {
        memset(value, '\xC3', len);
        memset(value, 'x', len / 2);
        struct cw_log_field fields[] = { { "a", { value, len } },
                                         { "b", cw_slice("later") },
                                         { NULL, { NULL, 0 } } };
        rewind(out);
        cw_log(CW_LOG_INFO, "test", fields);
        assert_true(written_len <= CW_LOG_LINE_MAX);
        assert_ends_with("\",\"cut\":\"true\"}\n");
    }
}

static void a_line_of_many_fields_is_cut_between_them(void **state)
{
    (void)state;
    static char long_name[200];
    memset(long_name, 'n', sizeof long_name - 1);
    struct cw_log_field fields[200] = { { 0 } };
    for (int i = 0; i < 199; i++)
        fields[i] = (struct cw_log_field){ long_name, cw_slice("v") };
    cw_log(CW_LOG_INFO, "test", fields);
    assert_true(written_len <= CW_LOG_LINE_MAX);
    assert_ends_with("n\":\"v\",\"cut\":\"true\"}\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    cw_log_configure((struct cw_log_config){ .out = out, .level = CW_LOG_WARNING, .clock = &clock_of_test });
    cw_log(CW_LOG_DEBUG, "test", NULL);
    cw_log(CW_LOG_INFO, "test", NULL);
    fflush(out);
    assert_int_equal(written_len, 0);
    cw_log(CW_LOG_WARNING, "test", NULL);
    assert_string_equal(written, "time=2024-03-31T02:30:00Z level=warning event=test\n");
}

static void pairs_past_their_limit_are_left_out(void **state)
{
    (void)state;
#define FOUR "a", "1", "b", "2", "c", "3", "d", "4"
    cw_log_pairs(CW_LOG_INFO, "test", FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, "last", "x", NULL);
    assert_null(strstr(written, "last"));
    assert_ends_with(" a=1 b=2 c=3 d=4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_in_logfmt_quotes_only_where_it_must, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(a_line_in_json_is_one_object_of_strings, use_json, stop),
        cmocka_unit_test_setup_teardown(a_value_cannot_forge_a_line_or_drive_a_terminal, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(a_nul_inside_a_value_is_shown, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(letters_past_ascii_stay_and_bytes_that_are_none_do_not, use_json,
                                        stop),
        cmocka_unit_test_setup_teardown(a_name_cannot_forge_a_field, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(an_event_is_escaped_too, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(a_secret_stands_in_no_line, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(a_secret_across_the_cut_leaves_nothing, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(lines_end_at_their_limit_and_say_so, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(a_cut_json_line_is_still_an_object, use_json, stop),
        cmocka_unit_test_setup_teardown(a_line_of_many_fields_is_cut_between_them, use_json, stop),
        cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_written, use_logfmt, stop),
        cmocka_unit_test_setup_teardown(pairs_past_their_limit_are_left_out, use_logfmt, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
