/* secret_test.c - canaries: a remembered value must not be found in any text, however it was encoded. */
#include "testing.h"

#include <stdio.h>

#include <glib.h>

#include "base/clock.h"
#include "base/secret.h"

static int forget(void **state)
{
    (void)state;
    cw_secret_forget_all();
    return 0;
}

static void assert_redacts(const char *text, const char *expected)
{
    char copy[1024];
    size_t len = strlen(text);
    assert_true(len < sizeof copy);
    memcpy(copy, text, len + 1);
    size_t left = cw_redact(copy, len, sizeof copy);
    assert_string_equal(copy, expected);
    assert_int_equal(left, strlen(expected));
}

static void a_secret_is_hidden_wherever_it_stands(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("hunter2!")));
    assert_redacts("hunter2!", "***");
    assert_redacts("hunter2!hunter2!", "******");
    assert_redacts("key=hunter2!&x=1", "key=***&x=1");
    assert_redacts("hunthunter2!", "hunt***");
    assert_redacts("hunter2", "hunter2");
    assert_redacts("HUNTER2!", "HUNTER2!");
    assert_redacts("", "");
}

static void a_percent_encoded_secret_is_hidden_in_every_spelling(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("p\xC3\xA9 s/w+1&")));
    assert_redacts("a=p%C3%A9%20s%2Fw%2B1%26&b", "a=***&b");
    assert_redacts("a=p%c3%a9%20s%2fw%2b1%26", "a=***");
    assert_redacts("a=p%C3%A9+s%2Fw%2B1%26", "a=***");           /* a form's blank */
    assert_redacts("a=p%C3%A9%20s/w+1%26", "a=***");             /* an encoder that leaves what it may */
    assert_redacts("a=%70%C3%A9%20%73%2F%77%2B%31%26", "a=***"); /* and one that encodes everything */
    assert_redacts("a=p\xC3\xA9 s/w+1&", "a=***");
}

static void a_secret_inside_json_is_hidden(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("a\"b\\c/d\n")));
    assert_redacts("{\"k\":\"a\\\"b\\\\c/d\\n\"}", "{\"k\":\"***\"}");
    assert_redacts("{\"k\":\"a\\\"b\\\\c\\/d\\n\"}", "{\"k\":\"***\"}");
    assert_redacts("{\"k\":\"a\\u0022b\\u005Cc/d\\u000a\"}", "{\"k\":\"***\"}");
}

static void base64_hides_a_secret_alone_and_with_a_name_before_it(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("hunter2!")));
    assert_redacts("aHVudGVyMiE=", "***");
    assert_redacts("Basic dXNlcjpodW50ZXIyIQ== x", "Basic dXNlcj*** x"); /* user:hunter2! */
    assert_redacts("aHVudGVyMiE%3D", "***");
}

/* The claim of secret.h: at any position of what was encoded, in either alphabet, nothing of it is left. */
static void no_alignment_of_base64_lets_a_secret_through(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 1);
    for (int i = 0; i < 3000; i++) {
        unsigned char bytes[64];
        size_t before = (size_t)cw_random_below(&chance, 12), len = 6 + (size_t)cw_random_below(&chance, 20);
        size_t all = before + len + (size_t)cw_random_below(&chance, 12);
        for (size_t k = 0; k < all; k++)
            bytes[k] = (unsigned char)cw_random_below(&chance, 256);
        cw_secret_forget_all();
        assert_true(cw_secret_remember((struct cw_slice){ (char *)bytes + before, len }));
        char *text = g_base64_encode(bytes, all);
        size_t text_len = strlen(text);
        if (i % 2 == 0)
            for (size_t k = 0; k < text_len; k++)
                text[k] = text[k] == '+' ? '-' : text[k] == '/' ? '_' : text[k];
        size_t left = cw_redact(text, text_len, text_len + 1);
        char *mark = strstr(text, "***");
        assert_non_null(mark);
        /* What stays is what no bit of the secret went into. */
        assert_true((size_t)(mark - text) <= before * 8 / 6);
        size_t after = left - (size_t)(mark - text) - 3;
        assert_true(after <= ((all - before - len) * 8 + 5) / 6 + 2);
        g_free(text);
    }
}

static void base64_in_a_url_lets_no_secret_through(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 3);
    for (int i = 0; i < 3000; i++) {
        unsigned char bytes[40];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)(0xF8 + cw_random_below(&chance, 8)); /* mostly '+' and '/' */
        size_t before = (size_t)cw_random_below(&chance, 12);
        cw_secret_forget_all();
        assert_true(cw_secret_remember((struct cw_slice){ (char *)bytes + before, 20 }));
        char *text = g_base64_encode(bytes, before + 20);
        char *url = g_uri_escape_string(text, NULL, false);
        cw_redact(url, strlen(url), strlen(url) + 1);
        char *mark = strstr(url, "***");
        assert_non_null(mark);
        assert_string_equal(mark, "***");
        assert_true((size_t)(mark - url) <= before * 8 / 6 * 3);
        g_free(url);
        g_free(text);
    }
}

static void overlapping_secrets_leave_no_rest(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("abcdef")));
    assert_true(cw_secret_remember(cw_slice("efghij")));
    assert_true(cw_secret_remember(cw_slice("abcdefgh1")));
    assert_redacts("xabcdefghijx", "x***x");
    assert_redacts("xabcdefgh1x", "x***x");
    assert_redacts("xabcdefx", "x***x");
}

static void short_values_are_not_remembered(void **state)
{
    (void)state;
    assert_false(cw_secret_remember(cw_slice("")));
    assert_false(cw_secret_remember(cw_slice("abc")));
    assert_redacts("abcabc", "abcabc");
    assert_true(cw_secret_remember(cw_slice("abcd")));
    assert_redacts("abcabcd", "abc***");
}

static void the_list_ends_at_its_limit_and_counts_nothing_twice(void **state)
{
    (void)state;
    char value[32];
    for (int i = 0; i < CW_SECRETS_MAX; i++) {
        snprintf(value, sizeof value, "secret%05d", i);
        assert_true(cw_secret_remember(cw_slice(value)));
        assert_true(cw_secret_remember(cw_slice(value)));
    }
    assert_false(cw_secret_remember(cw_slice("one too many")));
    assert_redacts("one too many secret00000 secret00255", "one too many *** ***");
    assert_true(cw_secret_remember(cw_slice("secret00007")));
}

static void forgotten_secrets_are_shown(void **state)
{
    (void)state;
    assert_true(cw_secret_remember(cw_slice("hunter2!")));
    cw_secret_forget_all();
    assert_redacts("hunter2! aHVudGVyMiE=", "hunter2! aHVudGVyMiE=");
}

static void a_text_without_room_for_the_end_is_not_ended(void **state)
{
    (void)state;
    char text[] = { 'h', 'u', 'n', 't', 'e', 'r', '2', '!', 'Z' };
    assert_true(cw_secret_remember(cw_slice("hunter2!")));
    assert_int_equal(cw_redact(text, 8, 8), 3);
    assert_memory_equal(text, "***", 4);
    assert_int_equal(text[8], 'Z');
    char whole[] = { 'a', 'b', 'Z' };
    assert_int_equal(cw_redact(whole, 2, 2), 2);
    assert_int_equal(whole[2], 'Z');
}

static void assert_uncut(const char *text, const char *expected)
{
    struct cw_slice all = cw_slice(text);
    assert_int_equal(cw_secret_uncut(all), strlen(expected));
}

static void a_cut_text_loses_the_beginning_of_a_secret(void **state)
{
    (void)state;
    assert_uncut("key=hunter2", "key=hunter2");
    assert_true(cw_secret_remember(cw_slice("hunter2/h+")));
    assert_uncut("key=hunter2", "key=");
    assert_uncut("key=h", "key=");
    assert_uncut("key=hunter2%2", "key=");
    assert_uncut("key=hunter2%2Fh%2", "key=");
    assert_uncut("key=hunter2\\u002fh", "key=");
    assert_uncut("key=hunter2\\", "key=");
    assert_uncut("Basic aHVudGVyMi9o", "Basic ");
    assert_uncut("Basic dXNlcjpodW50ZXI", "Basic dXNlcj"); /* user:hunter */
    assert_uncut("key=hunter2/h+", "key=hunter2/h+");      /* whole, so that it is found */
    assert_uncut("key=hunter3", "key=hunter3");
    assert_uncut("", "");
}

static void an_error_that_does_not_fit_ends_before_a_secret(void **state)
{
    (void)state;
    struct cw_error err;
    assert_true(cw_secret_remember(cw_slice("hunter2hunter3")));
    for (int pad = CW_ERROR_TEXT_MAX - 30; pad < CW_ERROR_TEXT_MAX; pad++) {
        cw_fail(&err, CW_INVALID, "%*s%s", pad, "", "hunter2hunter3 and more than fits");
        cw_redact_error(&err);
        assert_null(strstr(err.text, "hu"));
    }
}

static void secrets_of_any_bytes_vanish_from_any_text(void **state)
{
    (void)state;
    struct cw_random chance;
    cw_random_seed(&chance, 2);
    for (int i = 0; i < 20000; i++) {
        char secret[12], text[96], canary[12];
        size_t len = 4 + (size_t)cw_random_below(&chance, 8);
        cw_secret_forget_all();
        for (size_t k = 0; k < len; k++)
            secret[k] = "ab%\\+4 1\"n"[cw_random_below(&chance, 10)];
        assert_true(cw_secret_remember((struct cw_slice){ secret, len }));
        memcpy(canary, secret, len);
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = "ab%\\+4 1\"n"[cw_random_below(&chance, 10)];
        memcpy(text + cw_random_below(&chance, sizeof text - len), canary, len);
        size_t left = cw_redact(text, sizeof text, sizeof text);
        assert_true(left < sizeof text);
        assert_null(memmem(text, left, canary, len));
    }
}

static void an_error_that_is_kept_hides_secrets_in_all_its_places(void **state)
{
    (void)state;
    struct cw_error err;
    assert_true(cw_secret_remember(cw_slice("canary-42")));
    cw_fail(&err, CW_AUTH, "bad key canary-42 (error 16)");
    cw_fail_at(&err, "canary-42", "a.canary-42", "x/canary-42/y");
    cw_redact_error(&err);
    assert_string_equal(err.text, "bad key *** (error 16)");
    assert_string_equal(err.record, "***");
    assert_string_equal(err.field, "a.***");
    assert_string_equal(err.path, "x/***/y");
}

static void a_secret_that_ended_is_none_any_more(void **state)
{
    (void)state;
    char text[] = "first second third";
    assert_true(cw_secret_remember(cw_slice("first")));
    assert_true(cw_secret_remember(cw_slice("second")) && cw_secret_remember(cw_slice("second")));
    assert_true(cw_secret_remember(cw_slice("third")));
    cw_secret_forget(cw_slice("first"));
    cw_secret_forget(cw_slice("second")); /* it was remembered twice */
    cw_secret_forget(cw_slice("fourth"));
    cw_redact(text, strlen(text), sizeof text);
    assert_string_equal(text, "first *** ***");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_secret_is_hidden_wherever_it_stands, forget),
        cmocka_unit_test_teardown(a_percent_encoded_secret_is_hidden_in_every_spelling, forget),
        cmocka_unit_test_teardown(a_secret_inside_json_is_hidden, forget),
        cmocka_unit_test_teardown(base64_hides_a_secret_alone_and_with_a_name_before_it, forget),
        cmocka_unit_test_teardown(no_alignment_of_base64_lets_a_secret_through, forget),
        cmocka_unit_test_teardown(base64_in_a_url_lets_no_secret_through, forget),
        cmocka_unit_test_teardown(overlapping_secrets_leave_no_rest, forget),
        cmocka_unit_test_teardown(short_values_are_not_remembered, forget),
        cmocka_unit_test_teardown(a_secret_that_ended_is_none_any_more, forget),
        cmocka_unit_test_teardown(the_list_ends_at_its_limit_and_counts_nothing_twice, forget),
        cmocka_unit_test_teardown(forgotten_secrets_are_shown, forget),
        cmocka_unit_test_teardown(a_text_without_room_for_the_end_is_not_ended, forget),
        cmocka_unit_test_teardown(a_cut_text_loses_the_beginning_of_a_secret, forget),
        cmocka_unit_test_teardown(an_error_that_does_not_fit_ends_before_a_secret, forget),
        cmocka_unit_test_teardown(secrets_of_any_bytes_vanish_from_any_text, forget),
        cmocka_unit_test_teardown(an_error_that_is_kept_hides_secrets_in_all_its_places, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
