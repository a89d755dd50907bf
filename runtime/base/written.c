/* written.c - see written.h. Both readers bring the text into the usual form, and have the usual reader judge
 * it. */
#include "base/written.h"

#include <stdio.h>
#include <strings.h>

/* ---- numbers ---- */

struct marks {
    char group, point; /* group: 0 = none */
};

static bool read_marks(struct cw_slice format, struct marks *out)
{
    bool grouped = format.len == 8;
    if ((!grouped && format.len != 7) || format.data[0] != '1')
        return false;
    const char *rest = format.data + (grouped ? 2 : 1);
    out->group = grouped ? format.data[1] : '\0';
    out->point = rest[3];
    if (memcmp(rest, "234", 3) != 0 || memcmp(rest + 4, "56", 2) != 0 || out->group == out->point)
        return false;
    return (out->point == ',' || out->point == '.') && (!grouped || strchr(".,' ", out->group) != NULL) &&
           (!grouped || out->group != '\0');
}

bool cw_number_format_check(struct cw_slice format, struct cw_error *err)
{
    struct marks marks;
    if (read_marks(format, &marks))
        return true;
    return cw_fail(
        err, CW_USAGE,
        "\"%.*s\" is no format of numbers; it is 1234.56 as the shop would write it: \"1.234,56\", "
        "\"1,234.56\", \"1 234,56\", \"1'234.56\" or \"1234,56\"",
        CW_SLICE_ARG(cw_slice_clip(format, 40)));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of the separator of groups at `at`; 0 when there is none. */
static size_t group_at(const char *at, const char *end, char group)
{
    static const char *const blanks[] = { "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89" };
    if (group != '\0' && *at == group)
        return 1;
    for (size_t i = 0; group == ' ' && i < sizeof blanks / sizeof *blanks; i++)
        if ((size_t)(end - at) >= strlen(blanks[i]) && memcmp(at, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    return 0;
}

enum { PLAIN_MAX = 128 }; /* more is past every decimal */

struct plain {
    char text[PLAIN_MAX];
    size_t len;
};

static void put(struct plain *plain, char c)
{
    if (plain->len < PLAIN_MAX)
        plain->text[plain->len] = c;
    plain->len++;
}

/* The digits before the point, without what groups them; NULL when a group is none. */
static const char *whole_part(const char *at, const char *end, const struct marks *marks, struct plain *plain)
{
    size_t digits = 0, separator;
    bool grouped = false;
    for (;; at += separator) {
        for (digits = 0; at < end && is_digit(*at); at++, digits++)
            put(plain, *at);
        if (grouped ? digits != 3 : digits == 0)
            return NULL;
        separator = at < end ? group_at(at, end, marks->group) : 0;
        if (separator == 0)
            return at;
        if (digits > 3)
            return NULL;
        grouped = true;
    }
}

static bool to_plain(struct cw_slice text, const struct marks *marks, struct plain *plain)
{
    const char *at = text.data, *end = cw_slice_end(text);
    if (at < end && (*at == '-' || *at == '+'))
        put(plain, *at++);
    at = whole_part(at, end, marks, plain);
    if (at == NULL)
        return false;
    if (at == end)
        return true;
    if (*at++ != marks->point)
        return false;
    put(plain, '.');
    const char *fraction = at;
    for (; at < end && is_digit(*at); at++)
        put(plain, *at);
    return at == end && at > fraction;
}

bool cw_decimal_parse_as(struct cw_slice text, struct cw_slice format, struct cw_decimal *out,
                         struct cw_error *err)
{
    struct marks marks = { 0 };
    struct plain plain = { .len = 0 };
    read_marks(format, &marks);
    if (!to_plain(text, &marks, &plain))
        return cw_fail(err, CW_INVALID, "\"%.*s\" is no number written like %.*s",
                       CW_SLICE_ARG(cw_slice_clip(text, 60)), CW_SLICE_ARG(format));
    if (plain.len > PLAIN_MAX)
        return cw_fail(err, CW_OVERFLOW, "a number of %zu characters is too long", plain.len);
    return cw_decimal_parse((struct cw_slice){ plain.text, plain.len }, out, err);
}

/* ---- times ---- */

static const char letters[] = "YmdHMSyIpbfzsQ%";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool cw_time_format_check(struct cw_slice format, struct cw_error *err)
{
    bool has[128] = { false };
    for (size_t i = 0; i < format.len; i++) {
        if (format.data[i] != '%')
            continue;
        char letter = ++i < format.len ? format.data[i] : '\0';
        if (letter == '\0' || strchr(letters, letter) == NULL)
            return cw_fail(
                err, CW_USAGE,
                "%%%c is no part of a format of times; %%Y %%m %%d %%H %%M %%S %%y %%I %%p %%b %%f "
                "%%z %%s %%Q and %%%% are",
                letter != '\0' ? letter : ' ');
        has[(unsigned char)letter] = true;
    }
    if (has['s'] || has['Q'] || ((has['Y'] || has['y']) && (has['m'] || has['b']) && has['d']))
        return true;
    return cw_fail(
        err, CW_USAGE,
        "\"%.*s\" is no format of times; it names year, month and day (\"%%d.%%m.%%Y %%H:%%M\"), or "
        "seconds (%%s) or milliseconds (%%Q) since 1970",
        CW_SLICE_ARG(cw_slice_clip(format, 40)));
}

#define FIRST (-62135596800 * CW_SECOND)     /* 0001-01-01T00:00:00Z */
#define LAST  (253402300800 * CW_SECOND - 1) /* the end of 9999 */

struct written {
    const char *at, *end;
    unsigned year, month, day, hour, minute, second, micros;
    bool afternoon, has_half, has_instant;
    char offset[8];
    cw_time instant;
};

/* Up to `most` digits, at least one. */
static bool number(struct written *w, unsigned most, unsigned *out)
{
    unsigned count = 0;
    for (*out = 0; count < most && w->at < w->end && is_digit(*w->at); count++)
        *out = *out * 10 + (unsigned)(*w->at++ - '0');
    return count > 0;
}

static bool fraction(struct written *w)
{
    const char *from = w->at;
    if (!number(w, 6, &w->micros))
        return false;
    for (size_t digits = (size_t)(w->at - from); digits < 6; digits++)
        w->micros *= 10;
    return true;
}

static bool month_name(struct written *w)
{
    for (unsigned i = 0; w->end - w->at >= 3 && i < 12; i++)
        if (strncasecmp(w->at, month_names + (size_t)i * 3, 3) == 0) {
            w->month = i + 1;
            w->at += 3;
            return true;
        }
    return false;
}

static bool half_of_day(struct written *w)
{
    if (w->end - w->at < 2 || (w->at[1] != 'M' && w->at[1] != 'm'))
        return false;
    w->has_half = true;
    w->afternoon = *w->at == 'P' || *w->at == 'p';
    bool known = w->afternoon || *w->at == 'A' || *w->at == 'a';
    w->at += 2;
    return known;
}

static bool offset(struct written *w)
{
    size_t len = 0;
    while (w->at < w->end && len + 1 < sizeof w->offset && *w->at != '\0' &&
           strchr("+-:Zz0123456789", *w->at) != NULL)
        w->offset[len++] = *w->at++;
    w->offset[len] = '\0';
    return len > 0;
}

/* Seconds or milliseconds since the epoch, whole or with a fraction. */
static bool instant(struct written *w, int64_t unit)
{
    struct cw_decimal value, micros, unit_decimal = cw_decimal_from_int(unit), whole;
    const char *from = w->at;
    while (w->at < w->end && (is_digit(*w->at) || *w->at == '.' || (*w->at == '-' && w->at == from)))
        w->at++;
    w->has_instant = true;
    struct cw_slice text = { from, (size_t)(w->at - from) };
    return cw_decimal_parse(text, &value, NULL) &&
           cw_decimal_multiply(&value, &unit_decimal, &micros, NULL) &&
           cw_decimal_round(&micros, 0, CW_ROUND_FLOOR, &whole, NULL) &&
           cw_decimal_to_int(&whole, &w->instant);
}

static bool conversion(struct written *w, char letter)
{
    switch (letter) {
    case 'Y':
        return number(w, 4, &w->year);
    case 'y':
        return number(w, 2, &w->year) && (w->year += 2000) > 0;
    case 'm':
        return number(w, 2, &w->month);
    case 'b':
        return month_name(w);
    case 'd':
        return number(w, 2, &w->day);
    case 'H':
        return number(w, 2, &w->hour);
    case 'I':
        return number(w, 2, &w->hour) && w->hour >= 1 && w->hour <= 12;
    case 'p':
        return half_of_day(w);
    case 'M':
        return number(w, 2, &w->minute);
    case 'S':
        return number(w, 2, &w->second);
    case 'f':
        return fraction(w);
    case 'z':
        return offset(w);
    case 's':
        return instant(w, CW_SECOND);
    case 'Q':
        return instant(w, CW_MILLISECOND);
    default:
        return w->at < w->end && *w->at++ == '%';
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool match(struct written *w, struct cw_slice format)
{
    for (size_t i = 0; i < format.len; i++) {
        char c = format.data[i];
        if (c == '%') {
            if (!conversion(w, format.data[++i]))
                return false;
        } else if (is_blank(c)) {
            while (w->at < w->end && is_blank(*w->at))
                w->at++;
        } else if (w->at == w->end || *w->at++ != c) {
            return false;
        }
    }
    return w->at == w->end;
}

bool cw_time_parse_as(struct cw_slice text, struct cw_slice format, const struct cw_zone *zone, cw_time *out,
                      struct cw_error *err)
{
    char iso[64];
    struct written w = { .at = text.data, .end = cw_slice_end(text) };
    if (!match(&w, format))
        return cw_fail(err, CW_INVALID, "\"%.*s\" is no time written like %.*s",
                       CW_SLICE_ARG(cw_slice_clip(text, 60)), CW_SLICE_ARG(format));
    if (w.has_instant && (w.instant < FIRST || w.instant > LAST))
        return cw_fail(err, CW_INVALID, "\"%.*s\" is outside the years 1 to 9999",
                       CW_SLICE_ARG(cw_slice_clip(text, 60)));
    if (w.has_instant) {
        *out = w.instant;
        return true;
    }
    if (w.has_half)
        w.hour = w.hour % 12 + (w.afternoon ? 12 : 0);
    int len = snprintf(iso, sizeof iso, "%04u-%02u-%02uT%02u:%02u:%02u.%06u%s", w.year, w.month, w.day,
                       w.hour, w.minute, w.second, w.micros, w.offset);
    return cw_time_parse((struct cw_slice){ iso, (size_t)len }, zone, out, err);
}
