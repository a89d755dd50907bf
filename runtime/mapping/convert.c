/* convert.c - see convert.h. */
#include "mapping/convert.h"

#include <strings.h>

static enum cw_conversion to_decimal(struct cw_slice text, struct cw_decimal *out)
{
    struct cw_error err;
    if (cw_decimal_parse(text, out, NULL))
        return CW_CONVERTED;
    cw_decimal_parse(text, out, &err); /* again, for the reason */
    return err.code == CW_OVERFLOW ? CW_CONVERT_OVERFLOW : CW_CONVERT_INVALID;
}

/* "3.00" is a whole number too; many carts write quantities so. */
static enum cw_conversion to_integer(struct cw_slice text, int64_t *out)
{
    struct cw_decimal decimal, whole;
    enum cw_conversion result = to_decimal(text, &decimal);
    if (result != CW_CONVERTED || cw_decimal_to_int(&decimal, out))
        return result;
    bool has_fraction = !cw_decimal_round(&decimal, 0, CW_ROUND_DOWN, &whole, NULL) ||
                        cw_decimal_compare(&decimal, &whole) != 0;
    return has_fraction ? CW_CONVERT_INVALID : CW_CONVERT_OVERFLOW;
}

static bool is_word(struct cw_slice text, const char *word)
{
    return strlen(word) == text.len && strncasecmp(text.data, word, text.len) == 0;
}

static enum cw_conversion to_boolean(struct cw_slice text, bool *out)
{
    static const char *const words[][2] = {
        { "0", "1" }, { "false", "true" }, { "no", "yes" }, { "off", "on" }
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int value = 0; value < 2; value++)
            if (is_word(text, words[i][value])) {
                *out = value != 0;
                return CW_CONVERTED;
            }
    return CW_CONVERT_INVALID;
}

static enum cw_conversion to_time(struct cw_slice text, const struct cw_zone *zone, cw_time *out)
{
    return cw_time_parse(text, zone, out, NULL) ? CW_CONVERTED : CW_CONVERT_INVALID;
}

static enum cw_conversion to_value(enum cw_type type, struct cw_slice text, const struct cw_zone *zone,
                                   struct cw_value *out)
{
    switch (type) {
    case CW_DECIMAL:
    case CW_MONEY:
        return to_decimal(text, &out->decimal);
    case CW_INTEGER:
        return to_integer(text, &out->integer);
    case CW_BOOLEAN:
        return to_boolean(text, &out->boolean);
    case CW_TIME:
        return to_time(text, zone, &out->time);
    case CW_TEXT:
    case CW_RECORD:
    case CW_LIST:
        break;
    }
    return CW_CONVERT_INVALID;
}

enum cw_conversion cw_convert(enum cw_type type, struct cw_slice text, const struct cw_zone *zone,
                              struct cw_value *out)
{
    enum cw_conversion result = CW_CONVERTED;
    if (type == CW_TEXT)
        out->text = text;
    else
        result = to_value(type, cw_convert_trim(text), zone, out);
    out->is_set = result == CW_CONVERTED;
    return result;
}

static enum cw_conversion by_format(enum cw_type type, struct cw_slice text, struct cw_slice format,
                                    const struct cw_zone *zone, struct cw_value *out)
{
    struct cw_error err;
    struct cw_decimal decimal;
    char plain[CW_DECIMAL_TEXT_MAX];
    if (type == CW_TIME)
        return cw_time_parse_as(text, format, zone, &out->time, NULL) ? CW_CONVERTED : CW_CONVERT_INVALID;
    if (!cw_decimal_parse_as(text, format, &decimal, &err))
        return err.code == CW_OVERFLOW ? CW_CONVERT_OVERFLOW : CW_CONVERT_INVALID;
    return to_value(type, (struct cw_slice){ plain, cw_decimal_format(&decimal, plain) }, zone, out);
}

enum cw_conversion cw_convert_as(enum cw_type type, struct cw_slice text, const struct cw_slice *formats,
                                 size_t count, const struct cw_zone *zone, struct cw_value *out)
{
    enum cw_conversion result = CW_CONVERT_INVALID;
    if (count == 0 || type == CW_TEXT || type == CW_BOOLEAN)
        return cw_convert(type, text, zone, out);
    for (size_t i = 0; i < count && result == CW_CONVERT_INVALID; i++)
        result = by_format(type, cw_convert_trim(text), formats[i], zone, out);
    out->is_set = result == CW_CONVERTED;
    return result;
}

const char *cw_convert_why(enum cw_type type, enum cw_conversion fault, const struct cw_zone *zone)
{
    if (fault == CW_CONVERT_OVERFLOW)
        return type == CW_INTEGER ? "is outside the whole numbers of 64 bits"
                                  : "has more digits than a number can keep (38)";
    switch (type) {
    case CW_DECIMAL:
        return "is no decimal number";
    case CW_MONEY:
        return "is no amount";
    case CW_INTEGER:
        return "is no whole number";
    case CW_BOOLEAN:
        return "is neither true nor false";
    case CW_TIME:
        return zone != NULL
                   ? "is no date and time"
                   : "is no date and time with an offset; if the cart writes local times, set its zone";
    case CW_TEXT:
    case CW_RECORD:
    case CW_LIST:
        break;
    }
    return "cannot be read";
}
