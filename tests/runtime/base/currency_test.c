/* currency_test.c - the digits of currencies. */
#include "testing.h"

#include "base/currency.h"

static int digits(const char *code)
{
    return cw_currency_digits(cw_slice(code));
}

static void currencies_have_the_digits_of_their_smallest_unit(void **state)
{
    (void)state;
    static const struct {
        const char *codes;
        int digits;
    } groups[] = {
        { "AED ALL AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR MRU MXN NOK NZD PLN RON RUB "
          "SEK SGD "
          "SLE THB TRY TWD UAH USD VED ZAR ZMW",
          2 },
        { "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0 },
        { "BHD IQD JOD KWD LYD OMR TND", 3 },
        { "CLF UYW", 4 },
    };
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (const char *code = groups[g].codes;; code += 4) {
            assert_int_equal(cw_currency_digits((struct cw_slice){ code, 3 }), groups[g].digits);
            if (code[3] == '\0')
                break;
        }
    }
}

/* Binary search finds every one only when the table is in order. */
static void every_code_that_exists_is_found_and_about_as_many_as_iso_lists(void **state)
{
    (void)state;
    int found = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        char code[] = { (char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26), '\0' };
        found += digits(code) >= 0;
    }
    assert_in_range(found, 165, 175);
}

static void what_is_no_currency_has_no_digits(void **state)
{
    (void)state;
    static const char *const codes[] = { "",    "E",   "EU",  "EURO", "eur", "XXX",
                                         "XAU", "XTS", "DEM", "HRK",  "   ", "ZZZ" };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_int_equal(digits(codes[i]), -1);
    assert_int_equal(cw_currency_digits((struct cw_slice){ NULL, 0 }), -1);
    assert_int_equal(cw_currency_digits((struct cw_slice){ "\0\0\0", 3 }), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_the_digits_of_their_smallest_unit),
        cmocka_unit_test(every_code_that_exists_is_found_and_about_as_many_as_iso_lists),
        cmocka_unit_test(what_is_no_currency_has_no_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
