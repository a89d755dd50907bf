/* html_test.c - character references are decoded once, and what is none stays. */
#include "testing.h"

#include <stdlib.h>

#include "mapping/html.h"

/* Exactly as large as promised, so that the sanitizer sees a byte too many. */
static void assert_decodes(const char *text, const char *expected)
{
    char *out = malloc(strlen(text) + (text[0] == '\0'));
    size_t len = cw_html_decode(cw_slice(text), out);
    assert_slice(((struct cw_slice){ out, len }), expected);
    free(out);
}

static void names_of_html_4_are_decoded(void **state)
{
    (void)state;
    assert_decodes("Tom &amp; Jerry &lt;b&gt; &quot;x&quot; &apos;", "Tom & Jerry <b> \"x\" '");
    assert_decodes("caf&eacute; &Eacute;t&eacute; &euro;5 &ndash; &hellip;", "café Été €5 – …");
    assert_decodes("&AElig;&thetasym;&zwnj;&yuml;&Yuml;&ne;", "Æϑ\xE2\x80\x8CÿŸ≠");
}

static void numbers_are_decoded_in_both_bases(void **state)
{
    (void)state;
    assert_decodes("&#228;&#xE4;&#XE4;&#x1F600;&#9;", "äää😀\t");
    assert_decodes("&#0000228;", "ä");
}

static void numbers_of_windows_1252_are_what_browsers_make_of_them(void **state)
{
    (void)state;
    assert_decodes("&#128;&#150;&#x99;", "€–™");
    assert_decodes("&#129;", "&#129;");
}

static void text_is_decoded_once_only(void **state)
{
    (void)state;
    assert_decodes("&amp;lt;", "&lt;");
    assert_decodes("&amp;amp;amp;", "&amp;amp;");
    assert_decodes("&&amp;;", "&&;");
}

static void what_is_no_reference_stays(void **state)
{
    (void)state;
    static const char *const texts[] = { "AT&T",  "R&D; more", "&unknown;",  "&AMP",
                                         "&;",    "&#;",       "&#x;",       "&#12a;",
                                         "&#xG;", "&",         "a & b",      "&#0;",
                                         "&#31;", "&#xD800;",  "&#1114112;", "&#99999999999;",
                                         "",      "&amp ;",    "&EACUTE;",   "<p>tags</p>" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_decodes(texts[i], texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_html_4_are_decoded),
        cmocka_unit_test(numbers_are_decoded_in_both_bases),
        cmocka_unit_test(numbers_of_windows_1252_are_what_browsers_make_of_them),
        cmocka_unit_test(text_is_decoded_once_only),
        cmocka_unit_test(what_is_no_reference_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
