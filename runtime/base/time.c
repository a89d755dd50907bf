/* time.c - see time.h. Reading a shop's stamp is on the way of every order: no allocation, no library call.
 */
#include "base/time.h"

#include <stdio.h>

#include "base/calendar.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "SunMonTueWedThuFriSat";

/* ---- the calendar ---- */

struct civil {
    struct cw_date date;
    unsigned hour, minute, second; /* second 60 and 24:00:00 are carried into the next day */
    unsigned micros;
};

/* Seconds since the epoch, as if the clock ran in UTC. */
static int64_t civil_seconds(const struct civil *civil)
{
    int64_t days = cw_days_from_date(civil->date);
    return days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static struct civil civil_from_time(cw_time local)
{
    struct civil civil;
    int64_t seconds = cw_floor_divide(local, CW_SECOND);
    int64_t days = cw_floor_divide(seconds, 86400);
    unsigned in_day = (unsigned)(seconds - days * 86400);
    civil.date = cw_date_from_days(days);
    civil.hour = in_day / 3600;
    civil.minute = in_day / 60 % 60;
    civil.second = in_day % 60;
    civil.micros = (unsigned)(local - seconds * CW_SECOND);
    return civil;
}

static bool in_range(int64_t seconds)
{
    return seconds >= CW_FIRST_SECOND && seconds <= CW_LAST_SECOND;
}

/* ---- reading ---- */

struct scan {
    const char *at, *end;
};

struct stamp {
    struct civil civil;
    bool has_offset;
    int64_t offset; /* seconds */
};

static bool skip(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0')
        scan->at++;
}

/* Exactly `count` digits. */
static bool number(struct scan *scan, int count, unsigned *out)
{
    unsigned value = 0;
    if (scan->end - scan->at < count)
        return false;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned char)scan->at[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    scan->at += count;
    *out = value;
    return true;
}

/* Digits past the sixth are dropped, not rounded: rounding could move a stamp into the next second. */
static bool fraction(struct scan *scan, unsigned *micros)
{
    unsigned digit, unit = 100000;
    if (!number(scan, 1, &digit))
        return false;
    do {
        *micros += digit * unit;
        unit /= 10;
    } while (number(scan, 1, &digit));
    return true;
}

/* "HH:MM", with seconds and fraction where they are. */
static bool clock_time(struct scan *scan, struct civil *civil)
{
    if (!number(scan, 2, &civil->hour) || !skip(scan, ':') || !number(scan, 2, &civil->minute))
        return false;
    if (!skip(scan, ':'))
        return true;
    if (!number(scan, 2, &civil->second))
        return false;
    if (skip(scan, '.') || skip(scan, ','))
        return fraction(scan, &civil->micros);
    return true;
}

/* "Z", "+02:00", "+0200", "+02". */
static bool offset(struct scan *scan, struct stamp *stamp)
{
    unsigned hours, minutes = 0;
    stamp->has_offset = true;
    if (skip(scan, 'Z') || skip(scan, 'z'))
        return true;
    bool west = skip(scan, '-');
    if ((!west && !skip(scan, '+')) || !number(scan, 2, &hours))
        return false;
    if ((skip(scan, ':') || scan->at < scan->end) && !number(scan, 2, &minutes))
        return false;
    stamp->offset = (int64_t)hours * 3600 + minutes * 60;
    if (west)
        stamp->offset = -stamp->offset;
    return hours < 24 && minutes < 60;
}

/* The offset of a date in a mail may be followed by its name in brackets, and nothing else. */
static bool mail_end(struct scan *scan)
{
    skip_blanks(scan);
    if (scan->at == scan->end)
        return true;
    return skip(scan, '(') && memchr(scan->at, ')', (size_t)(scan->end - scan->at)) == scan->end - 1;
}

static bool iso(struct scan scan, struct stamp *out)
{
    unsigned year;
    if (!number(&scan, 4, &year) || !skip(&scan, '-') || !number(&scan, 2, &out->civil.date.month) ||
        !skip(&scan, '-') || !number(&scan, 2, &out->civil.date.day))
        return false;
    out->civil.date.year = year;
    if (scan.at == scan.end)
        return true;
    if (!skip(&scan, ' ') && !skip(&scan, 'T') && !skip(&scan, 't'))
        return false;
    if (!clock_time(&scan, &out->civil))
        return false;
    skip_blanks(&scan);
    return scan.at == scan.end || (offset(&scan, out) && scan.at == scan.end);
}

/* Index of a name of three letters in a row of such names; -1 when it is none. */
static int name_index(struct scan *scan, const char *names)
{
    if (scan->end - scan->at < 3)
        return -1;
    for (int i = 0; names[i * 3] != '\0'; i++) {
        if (memcmp(scan->at, names + (ptrdiff_t)i * 3, 3) == 0) {
            scan->at += 3;
            return i;
        }
    }
    return -1;
}

/* RFC 2822 names a few zones; the military letters it calls unreliable are none. */
static bool named_offset(struct scan *scan, struct stamp *stamp)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = { { "GMT", 0 },  { "UTC", 0 },  { "UT", 0 },   { "Z", 0 },    { "EST", -5 }, { "EDT", -4 },
                  { "CST", -6 }, { "CDT", -5 }, { "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 } };
    const char *end = scan->at;
    while (end < scan->end && *end >= 'A' && *end <= 'Z')
        end++;
    struct cw_slice name = { scan->at, (size_t)(end - scan->at) };
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (cw_slice_is(name, zones[i].name)) {
            scan->at = end;
            stamp->has_offset = true;
            stamp->offset = zones[i].hours * 3600;
            return true;
        }
    }
    return false;
}

/* "31 Mar 2024"; years of two digits as RFC 2822 reads them. */
static bool mail_date(struct scan *scan, struct civil *civil)
{
    unsigned year;
    if (!number(scan, 2, &civil->date.day) && !number(scan, 1, &civil->date.day))
        return false;
    skip_blanks(scan);
    int month = name_index(scan, month_names);
    if (month < 0)
        return false;
    civil->date.month = (unsigned)month + 1;
    skip_blanks(scan);
    if (number(scan, 4, &year))
        civil->date.year = year;
    else if (number(scan, 2, &year))
        civil->date.year = year + (year < 50 ? 2000 : 1900);
    else
        return false;
    return true;
}

static bool mail(struct scan scan, struct stamp *out)
{
    if (name_index(&scan, day_names) >= 0 && !skip(&scan, ','))
        return false;
    skip_blanks(&scan);
    if (!mail_date(&scan, &out->civil))
        return false;
    skip_blanks(&scan);
    if (!clock_time(&scan, &out->civil))
        return false;
    skip_blanks(&scan);
    if (scan.at == scan.end)
        return true;
    if (!named_offset(&scan, out)) {
        struct scan digits = { scan.at, scan.end - scan.at > 5 ? scan.at + 5 : scan.end };
        if (!offset(&digits, out) || digits.at != digits.end)
            return false;
        scan.at = digits.at;
    }
    return mail_end(&scan);
}

static bool is_possible(const struct civil *civil)
{
    bool end_of_day = civil->hour == 24 && civil->minute == 0 && civil->second == 0 && civil->micros == 0;
    bool leap_second = civil->second == 60 && civil->minute == 59;
    return civil->date.year >= 1 && civil->date.month >= 1 && civil->date.month <= 12 &&
           civil->date.day >= 1 && civil->date.day <= cw_days_in_month(civil->date.year, civil->date.month) &&
           (civil->hour < 24 || end_of_day) && civil->minute < 60 && (civil->second < 60 || leap_second);
}

static bool refuse(struct cw_slice text, struct cw_error *err)
{
    struct cw_slice shown = cw_slice_clip(text, 60);
    if (text.len >= 10 && memcmp(text.data, "0000-00-00", 10) == 0)
        return cw_fail(err, CW_INVALID, "\"%.*s\" stands for \"no date\"; map it to nothing",
                       CW_SLICE_ARG(shown));
    return cw_fail(err, CW_INVALID, "\"%.*s\" is not a date and time; expected such as 2024-03-31 14:30:00",
                   CW_SLICE_ARG(shown));
}

bool cw_time_parse(struct cw_slice text, const struct cw_zone *zone, cw_time *out, struct cw_error *err)
{
    text = cw_slice_trim(text);
    struct scan scan = { text.data, cw_slice_end(text) };
    struct stamp stamp = { 0 };
    bool read = iso(scan, &stamp);
    if (!read) {
        stamp = (struct stamp){ 0 };
        read = mail(scan, &stamp);
    }
    if (!read || !is_possible(&stamp.civil))
        return refuse(text, err);
    struct cw_slice shown = cw_slice_clip(text, 60);
    if (!stamp.has_offset && zone == NULL)
        return cw_fail(err, CW_INVALID,
                       "\"%.*s\" says no zone; set the zone that the shop writes its times in",
                       CW_SLICE_ARG(shown));
    int64_t seconds = civil_seconds(&stamp.civil);
    seconds = stamp.has_offset ? seconds - stamp.offset : cw_zone_to_utc(zone, seconds);
    if (!in_range(seconds))
        return cw_fail(err, CW_INVALID, "\"%.*s\" is outside the years 1 to 9999", CW_SLICE_ARG(shown));
    *out = seconds * CW_SECOND + stamp.civil.micros;
    return true;
}

/* ---- writing ---- */

static char *put(char *p, unsigned value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

size_t cw_time_iso(cw_time time, char *out)
{
    char *p = out;
    *p = '\0';
    if (!in_range(cw_floor_divide(time, CW_SECOND)))
        return 0;
    struct civil civil = civil_from_time(time);
    p = put(p, (unsigned)civil.date.year, 4);
    *p++ = '-';
    p = put(p, civil.date.month, 2);
    *p++ = '-';
    p = put(p, civil.date.day, 2);
    *p++ = 'T';
    p = put(p, civil.hour, 2);
    *p++ = ':';
    p = put(p, civil.minute, 2);
    *p++ = ':';
    p = put(p, civil.second, 2);
    if (civil.micros != 0) {
        *p++ = '.';
        p = put(p, civil.micros, 6);
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

struct moment {
    cw_time time;
    const struct cw_zone *zone; /* NULL = UTC */
    int32_t offset;
    struct civil civil; /* local */
};

static int put_offset(int32_t seconds, char *out, size_t cap)
{
    int32_t minutes = (seconds < 0 ? -seconds : seconds) / 60;
    return snprintf(out, cap, "%c%02d%02d", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static int put_names(const struct moment *m, char conversion, char *out, size_t cap)
{
    if (conversion == 'a')
        return snprintf(out, cap, "%.3s",
                        day_names + (ptrdiff_t)cw_weekday(cw_days_from_date(m->civil.date)) * 3);
    if (conversion == 'b')
        return snprintf(out, cap, "%.3s", month_names + (ptrdiff_t)(m->civil.date.month - 1) * 3);
    if (m->zone == NULL)
        return snprintf(out, cap, "UTC");
    return snprintf(out, cap, "%s", cw_zone_abbreviation(m->zone, cw_floor_divide(m->time, CW_SECOND)));
}

/* One conversion; what snprintf returns, -1 for an unknown one. */
static int put_conversion(const struct moment *m, char conversion, char *out, size_t cap)
{
    const struct civil *c = &m->civil;
    switch (conversion) {
    case 'Y':
        return snprintf(out, cap, "%04lld", (long long)c->date.year);
    case 'm':
        return snprintf(out, cap, "%02u", c->date.month);
    case 'd':
        return snprintf(out, cap, "%02u", c->date.day);
    case 'H':
        return snprintf(out, cap, "%02u", c->hour);
    case 'M':
        return snprintf(out, cap, "%02u", c->minute);
    case 'S':
        return snprintf(out, cap, "%02u", c->second);
    case 'f':
        return snprintf(out, cap, "%06u", c->micros);
    case 's':
        return snprintf(out, cap, "%lld", (long long)cw_floor_divide(m->time, CW_SECOND));
    case 'j': {
        int64_t first = cw_days_from_date((struct cw_date){ c->date.year, 1, 1 });
        return snprintf(out, cap, "%03d", (int)(cw_days_from_date(c->date) - first) + 1);
    }
    case 'z':
        return put_offset(m->offset, out, cap);
    case 'a':
    case 'b':
    case 'Z':
        return put_names(m, conversion, out, cap);
    case '%':
        return snprintf(out, cap, "%%");
    default:
        return -1;
    }
}

static size_t fail_conversion(const char *at, struct cw_error *err)
{
    struct cw_slice shown = cw_slice_clip(cw_slice(at), at[1] != '\0' ? 5 : 1);
    if (at[1] != '\0' && (unsigned char)at[1] < 0x80)
        shown.len = 2;
    cw_fail(err, CW_USAGE,
            "\"%.*s\" is no part of a time format; %%Y %%m %%d %%H %%M %%S %%f %%a %%b %%j %%z %%Z "
            "%%s and %%%% are",
            CW_SLICE_ARG(shown));
    return 0;
}

static size_t fill(const struct moment *m, const char *format, char *out, size_t cap, struct cw_error *err)
{
    size_t len = 0;
    for (const char *at = format; *at != '\0'; at++) {
        int added = 1;
        if (*at != '%') {
            if (len < cap)
                out[len] = *at;
        } else {
            added = put_conversion(m, at[1], out + len, cap - len);
            if (added < 0)
                return fail_conversion(at, err);
            at++;
        }
        len += (size_t)added;
        if (len >= cap) {
            cw_fail(err, CW_LIMIT, "the time does not fit %zu bytes; use a shorter format", cap);
            return 0;
        }
    }
    out[len] = '\0';
    return len;
}

size_t cw_time_format(cw_time time, const struct cw_zone *zone, const char *format, char *out, size_t cap,
                      struct cw_error *err)
{
    int64_t seconds = cw_floor_divide(time, CW_SECOND);
    struct moment m = { .time = time, .zone = zone };
    if (cap > 0)
        out[0] = '\0';
    if (!in_range(seconds)) {
        cw_fail(err, CW_INVALID, "a time outside the years 1 to 9999 cannot be written");
        return 0;
    }
    if (zone != NULL)
        m.offset = cw_zone_offset(zone, seconds);
    m.civil = civil_from_time(time + m.offset * CW_SECOND);
    size_t len = fill(&m, format, out, cap, err);
    if (len == 0 && cap > 0)
        out[0] = '\0';
    return len;
}
