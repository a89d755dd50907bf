/* decimal_fuzz.c - any text is refused or read as a decimal that keeps its laws. */
#include "fuzz.h"

#include "base/decimal.h"

static bool same(const struct cw_decimal *a, const struct cw_decimal *b)
{
    return a->digits == b->digits && a->scale == b->scale && a->negative == b->negative;
}

static void check_text(const struct cw_decimal *value)
{
    char text[CW_DECIMAL_TEXT_MAX];
    struct cw_decimal back;
    size_t len = cw_decimal_format(value, text);
    MUST(len < sizeof text && strlen(text) == len);
    MUST(cw_decimal_parse((struct cw_slice){ text, len }, &back, NULL));
    MUST(same(value, &back));
}

static void check_rounding(const struct cw_decimal *value, unsigned scale, enum cw_rounding rounding)
{
    struct cw_decimal once, twice;
    if (!cw_decimal_round(value, scale, rounding, &once, NULL))
        return;
    check_text(&once);
    MUST(once.scale == scale);
    MUST(cw_decimal_round(&once, scale, rounding, &twice, NULL));
    MUST(same(&once, &twice));
    struct cw_decimal trimmed = cw_decimal_trim(*value, scale);
    MUST(cw_decimal_compare(value, &trimmed) == 0);
}

static void check_pair(const struct cw_decimal *a, const struct cw_decimal *b, unsigned scale,
                       enum cw_rounding rounding)
{
    struct cw_decimal sum, back, product, other;
    if (cw_decimal_add(a, b, &sum, NULL)) {
        check_text(&sum);
        if (cw_decimal_subtract(&sum, b, &back, NULL))
            MUST(cw_decimal_compare(&back, a) == 0);
    }
    bool fits = cw_decimal_multiply(a, b, &product, NULL);
    MUST(cw_decimal_multiply(b, a, &other, NULL) == fits);
    if (fits) {
        check_text(&product);
        MUST(same(&product, &other));
        /* An exact quotient gives the factor back in every mode. */
        if (b->digits != 0 && cw_decimal_divide(&product, b, a->scale, rounding, &back, NULL))
            MUST(cw_decimal_compare(&back, a) == 0);
    }
    MUST(cw_decimal_compare(a, b) == -cw_decimal_compare(b, a));
    if (cw_decimal_divide(a, b, scale, rounding, &back, NULL))
        check_text(&back);
}

/* Two numbers, separated by the first blank; the first byte chooses scale and rounding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct cw_slice first = { (const char *)data + 1, size - 1 }, second = { NULL, 0 };
    const char *blank = memchr(first.data, ' ', first.len);
    struct cw_decimal a, b;
    if (blank != NULL) {
        second = (struct cw_slice){ blank + 1, (size_t)(first.data + first.len - blank - 1) };
        first.len = (size_t)(blank - first.data);
    }
    struct cw_error err = { 0 };
    if (!cw_decimal_parse(first, &a, &err)) {
        MUST((err.code == CW_INVALID || err.code == CW_OVERFLOW) && err.text[0] != '\0');
        return 0;
    }
    unsigned scale = data[0] % 40;
    enum cw_rounding rounding = (enum cw_rounding)(data[0] / 40);
    int64_t whole;
    check_text(&a);
    check_rounding(&a, scale, rounding);
    if (cw_decimal_to_int(&a, &whole)) {
        struct cw_decimal back = cw_decimal_from_int(whole);
        MUST(cw_decimal_compare(&a, &back) == 0);
    }
    if (cw_decimal_parse(second, &b, NULL))
        check_pair(&a, &b, scale, rounding);
    return 0;
}
