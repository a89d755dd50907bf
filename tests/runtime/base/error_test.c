/* error_test.c - errors as values: what they say, where, and what happens when it is too much. */
#include "testing.h"

#include "base/error.h"

static void a_failure_has_a_code_and_a_text_and_no_place(void **state)
{
    (void)state;
    struct cw_error err = { .code = CW_OK, .record = "old", .field = "old", .path = "old" };
    assert_false(cw_fail(&err, CW_INVALID, "\"%s\" is not %d", "x", 7));
    assert_int_equal(err.code, CW_INVALID);
    assert_string_equal(err.text, "\"x\" is not 7");
    assert_string_equal(err.record, "");
    assert_string_equal(err.field, "");
    assert_string_equal(err.path, "");
}

static void nobody_has_to_be_interested(void **state)
{
    (void)state;
    assert_false(cw_fail(NULL, CW_IO, "x"));
    assert_false(cw_fail_in(NULL, "x"));
    assert_false(cw_fail_at(NULL, "1", "2", "3"));
}

static void arguments_may_be_the_error_itself(void **state)
{
    (void)state;
    struct cw_error err;
    cw_fail(&err, CW_IO, "disk full");
    cw_fail(&err, CW_CORRUPT, "cannot go on: %s", err.text);
    assert_string_equal(err.text, "cannot go on: disk full");
    cw_fail_in(&err, "store (%s)", err.text);
    assert_string_equal(err.text, "store (cannot go on: disk full): cannot go on: disk full");
}

static void who_passes_it_up_adds_what_it_knows(void **state)
{
    (void)state;
    struct cw_error err;
    cw_fail(&err, CW_INVALID, "no number");
    cw_fail_at(&err, "101", NULL, "order/total");
    cw_fail_in(&err, "cart %s", "shop");
    cw_fail_at(&err, NULL, "total", NULL);
    assert_int_equal(err.code, CW_INVALID);
    assert_string_equal(err.text, "cart shop: no number");
    assert_string_equal(err.record, "101");
    assert_string_equal(err.field, "total");
    assert_string_equal(err.path, "order/total");
}

static bool is_utf8_to_the_end(const char *text)
{
    size_t len = strlen(text);
    return len < 3 || strcmp(text + len - 3, "...") != 0 || ((unsigned char)text[len - 4] & 0xC0) != 0xC0;
}

static void a_text_too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[2000];
    for (size_t shift = 0; shift < 3; shift++) {
        struct cw_error err;
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 4);
        cw_fail(&err, CW_IO, "%s", text);
        size_t len = strlen(err.text);
        assert_in_range(len, CW_ERROR_TEXT_MAX - 4, CW_ERROR_TEXT_MAX - 1);
        assert_string_equal(err.text + len - 3, "...");
        assert_int_equal((len - 3 - shift) % 3, 0);
        assert_true(is_utf8_to_the_end(err.text));
        cw_fail_at(&err, text, text, text);
        assert_in_range(strlen(err.record), CW_ERROR_NAME_MAX - 4, CW_ERROR_NAME_MAX - 1);
        assert_int_equal((strlen(err.record) - 3 - shift) % 3, 0);
        cw_fail(&err, CW_IO, "short");
        cw_fail_in(&err, "%s", text);
        assert_true(strlen(err.text) < CW_ERROR_TEXT_MAX);
    }
}

static void the_longest_text_that_fits_is_not_cut(void **state)
{
    (void)state;
    char text[CW_ERROR_TEXT_MAX];
    struct cw_error err;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cw_fail(&err, CW_IO, "%s", text);
    assert_string_equal(err.text, text);
}

static void each_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = CW_OK; a <= CW_CORRUPT; a++) {
        assert_non_null(cw_code_name((enum cw_code)a));
        for (int b = CW_OK; b < a; b++)
            assert_string_not_equal(cw_code_name((enum cw_code)a), cw_code_name((enum cw_code)b));
    }
    assert_string_equal(cw_code_name(CW_TIMEOUT), "timeout");
    assert_string_equal(cw_code_name(CW_NOT_FOUND), "not-found");
}

static void an_error_is_shown_with_the_places_it_has(void **state)
{
    (void)state;
    struct cw_error err;
    char out[200], small[24];
    cw_fail(&err, CW_INVALID, "no number");
    cw_error_format(&err, out, sizeof out);
    assert_string_equal(out, "no number");
    cw_fail_at(&err, "101", "lines[2].quantity", "rows/row");
    cw_error_format(&err, out, sizeof out);
    assert_string_equal(out, "no number (record 101, field lines[2].quantity, path rows/row)");
    cw_fail(&err, CW_INVALID, "no number");
    cw_fail_at(&err, NULL, "total", NULL);
    cw_error_format(&err, out, sizeof out);
    assert_string_equal(out, "no number (field total)");
    cw_error_format(&err, small, sizeof small);
    assert_string_equal(small, "no number (field total)");
    for (size_t cap = 4; cap < 23; cap++) {
        memset(out, 'Z', sizeof out);
        cw_error_format(&err, out, cap);
        assert_true(strlen(out) < cap);
        assert_string_equal(out + strlen(out) - 3, "...");
        assert_int_equal(out[cap], 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_a_code_and_a_text_and_no_place),
        cmocka_unit_test(nobody_has_to_be_interested),
        cmocka_unit_test(arguments_may_be_the_error_itself),
        cmocka_unit_test(who_passes_it_up_adds_what_it_knows),
        cmocka_unit_test(a_text_too_long_is_cut_at_a_character),
        cmocka_unit_test(the_longest_text_that_fits_is_not_cut),
        cmocka_unit_test(each_code_has_a_name_of_its_own),
        cmocka_unit_test(an_error_is_shown_with_the_places_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
