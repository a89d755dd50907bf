/* json_text.c - see json_text.h. */
#include "adapters/json_text.h"

#include "adapters/utf8.h"

/* True when one of eight bytes is a quote, a backslash, a control character or not ASCII. */
static bool word_is_special(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word, quote, backslash;
    memcpy(&word, p, sizeof word);
    quote = word ^ ones * '"';
    backslash = word ^ ones * '\\';
    return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0;
}

size_t cw_json_plain(const char *p, const char *end, const char **why)
{
    const char *start = p;
    *why = NULL;
    for (;;) {
        while (end - p >= 8 && !word_is_special(p))
            p += 8;
        for (; p < end && (unsigned char)*p < 0x80; p++) {
            if (*p == '"' || *p == '\\')
                return (size_t)(p - start);
            if ((unsigned char)*p < 0x20) {
                *why = "a control character in a string; it must be written as an escape";
                return (size_t)(p - start);
            }
            if (end - p > 8 && !word_is_special(p + 1))
                p += 8;
        }
        if (p == end) {
            *why = "a string without its closing quote";
            return (size_t)(p - start);
        }
        uint32_t point;
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0) {
            *why = "bytes that are not UTF-8";
            return (size_t)(p - start);
        }
        p += width;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u; -1 when they are not. */
static int32_t read_unit(const char *p, const char *end)
{
    int32_t unit = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* *p stands after "\u"; moves on past the digits, and past a second \u of a pair. */
static const char *decode_unicode(const char **p, const char *end, uint32_t *point)
{
    int32_t unit = read_unit(*p, end);
    if (unit < 0)
        return "\\u without four hexadecimal digits";
    if (unit == 0)
        return "\\u0000, which no text can hold";
    *p += 4;
    *point = (uint32_t)unit;
    if (unit < 0xD800 || unit > 0xDFFF)
        return NULL;
    int32_t low = end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? read_unit(*p + 2, end) : -1;
    if (unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return "half of a surrogate pair";
    *p += 6;
    *point = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    return NULL;
}

/* *p stands at a backslash. */
static const char *decode_escape(const char **p, const char *end, char *out, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t point;
    if (end - *p < 2)
        return "a string that ends with a backslash";
    char letter = (*p)[1];
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    *p += 2;
    if (found != NULL) {
        out[(*len)++] = values[found - letters];
        return NULL;
    }
    if (letter != 'u')
        return "an escape that JSON does not have";
    const char *why = decode_unicode(p, end, &point);
    if (why == NULL)
        *len += cw_utf8_write(point, out + *len);
    return why;
}

const char *cw_json_decode(struct cw_slice raw, char *out, size_t *len, const char **bad)
{
    const char *p = raw.data, *end = raw.data + raw.len, *why;
    *len = 0;
    while (p < end) {
        size_t plain = cw_json_plain(p, end, &why);
        memcpy(out + *len, p, plain);
        *len += plain;
        p += plain;
        *bad = p;
        if (p == end)
            break;
        if (why == NULL && *p == '"')
            why = "a quote inside a string";
        if (why == NULL)
            why = decode_escape(&p, end, out, len);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

size_t cw_json_number(const char *start, const char *end)
{
    const char *p = start, *digits;
    if (p < end && *p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return 0;
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, end);
        if (p == digits)
            return 0;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = skip_digits(p, end);
        if (p == digits)
            return 0;
    }
    return (size_t)(p - start);
}
