/* zone.c - see zone.h. GLib knows the rules; look-ups in it are slow, so the last periods are kept here. */
#include "base/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

enum {
    SPANS_MAX = 64,         /* summers and winters of 32 years */
    FARTHEST = 26 * 60 * 60 /* seconds: more than any clock was ever away from UTC */
};

/* A period without a clock change. Instants in seconds; end is exclusive. */
struct span {
    int64_t start, end;
    int32_t offset;
    int interval; /* GLib's number for it */
};

struct cw_zone {
    GTimeZone *rules; /* NULL for a fixed offset, which is one span without an end */
    unsigned span_count;
    struct span spans[SPANS_MAX]; /* those that were asked for, in order */
    char name[];
};

/* ---- open ---- */

static bool is_plain_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > CW_ZONE_NAME_MAX || !isalpha((unsigned char)name[0]) || strstr(name, "..") != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("/_+-.", name[i]) == NULL)
            return false;
    return true;
}

/* GLib would take "EST5" for a rule and complain aloud about a file that is none, so the file is looked at
 * first. */
static bool has_zone_file(const char *name)
{
    const char *folder = getenv("TZDIR");
    char path[512], magic[4];
    int len = snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", name);
    if (len < 0 || (size_t)len >= sizeof path)
        return false;
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    bool found =
        fread(magic, 1, sizeof magic, in) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    fclose(in);
    return found;
}

/* "+02:00", "-0330", "+2". */
static bool parse_offset(const char *name, int32_t *seconds)
{
    unsigned hours = 0, minutes = 0;
    int used = 0;
    if (name[0] != '+' && name[0] != '-')
        return false;
    size_t digits = strspn(name + 1, "0123456789");
    if (digits == 4)
        sscanf(name + 1, "%2u%2u%n", &hours, &minutes, &used);
    else if (digits >= 1 && digits <= 2 && name[1 + digits] == ':' &&
             strspn(name + digits + 2, "0123456789") == 2)
        sscanf(name + 1, "%2u:%2u%n", &hours, &minutes, &used);
    else if (digits >= 1 && digits <= 2)
        sscanf(name + 1, "%2u%n", &hours, &used);
    if (used == 0 || name[1 + used] != '\0' || hours > 23 || minutes > 59)
        return false;
    *seconds = (int32_t)(hours * 3600 + minutes * 60);
    if (name[0] == '-')
        *seconds = -*seconds;
    return true;
}

struct cw_zone *cw_zone_open(const char *name, struct cw_error *err)
{
    int32_t offset = 0;
    GTimeZone *rules = NULL;
    bool fixed = strcmp(name, "UTC") == 0 || parse_offset(name, &offset);
    if (!fixed && is_plain_name(name) && has_zone_file(name))
        rules = g_time_zone_new_identifier(name);
    if (!fixed && rules == NULL) {
        cw_fail(err, CW_INVALID,
                "\"%.64s\" is no time zone; use a name such as Europe/Paris, UTC, or an offset such "
                "as +02:00",
                name);
        return NULL;
    }
    size_t size = strlen(name) + 1;
    struct cw_zone *zone = calloc(1, sizeof *zone + size);
    if (zone == NULL) {
        if (rules != NULL)
            g_time_zone_unref(rules);
        cw_fail(err, CW_NOMEM, "no memory for a time zone");
        return NULL;
    }
    memcpy(zone->name, name, size);
    zone->rules = rules;
    if (fixed)
        zone->spans[zone->span_count++] = (struct span){ INT64_MIN, INT64_MAX, offset, 0 };
    return zone;
}

const char *cw_zone_name(const struct cw_zone *zone)
{
    return zone->name;
}

void cw_zone_free(struct cw_zone *zone)
{
    if (zone != NULL && zone->rules != NULL)
        g_time_zone_unref(zone->rules);
    free(zone);
}

/* ---- look-ups ---- */

static int interval_at(const struct cw_zone *zone, int64_t utc)
{
    return g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, utc);
}

/* The last instant of the same interval, going in steps of `step` = 1 or -1 from an instant inside it: first
 * in doubled strides, then by halves. An interval without an end is taken to end a few hundred years away. */
static int64_t edge(const struct cw_zone *zone, int64_t utc, int interval, int64_t step)
{
    int64_t inside = 0, outside = step * 1048576; /* twelve days */
    int64_t limit = step * 8589934592;
    while (outside != limit && interval_at(zone, utc + outside) == interval) {
        inside = outside;
        outside *= 2;
    }
    while (outside - inside != step) {
        int64_t middle = inside + (outside - inside) / 2;
        if (interval_at(zone, utc + middle) == interval)
            inside = middle;
        else
            outside = middle;
    }
    return utc + inside;
}

static struct span find_span(const struct cw_zone *zone, int64_t utc)
{
    int interval = interval_at(zone, utc);
    return (struct span){ .start = edge(zone, utc, interval, -1),
                          .end = edge(zone, utc, interval, 1) + 1,
                          .offset = g_time_zone_get_offset(zone->rules, interval),
                          .interval = interval };
}

/* How many of the spans begin at or before an instant. */
static unsigned spans_before(const struct cw_zone *zone, int64_t utc)
{
    unsigned low = 0, high = zone->span_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (zone->spans[middle].start <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct span remember(struct cw_zone *zone, unsigned at, struct span span)
{
    if (zone->span_count == SPANS_MAX) /* rare: begin again */
        zone->span_count = at = 0;
    memmove(&zone->spans[at + 1], &zone->spans[at], (zone->span_count - at) * sizeof *zone->spans);
    zone->spans[at] = span;
    zone->span_count++;
    return span;
}

static struct span span_at(const struct cw_zone *zone, int64_t utc)
{
    unsigned at = spans_before(zone, utc);
    if (at > 0 && utc < zone->spans[at - 1].end)
        return zone->spans[at - 1];
    /* Every zone comes from calloc, and what it answers stays the same: casting const away is harmless. */
    return remember((struct cw_zone *)zone, at, find_span(zone, utc));
}

int32_t cw_zone_offset(const struct cw_zone *zone, int64_t utc)
{
    return span_at(zone, utc).offset;
}

struct cw_zone_period cw_zone_period(const struct cw_zone *zone, int64_t utc)
{
    struct span span = span_at(zone, utc);
    return (struct cw_zone_period){ span.start, span.end, span.offset };
}

const char *cw_zone_abbreviation(const struct cw_zone *zone, int64_t utc)
{
    if (zone->rules == NULL)
        return zone->name;
    return g_time_zone_get_abbreviation(zone->rules, span_at(zone, utc).interval);
}

int64_t cw_zone_to_utc(const struct cw_zone *zone, int64_t local)
{
    /* Forward from a period that certainly began before the local time: the first that holds it is the
     * earlier. */
    struct span before = span_at(zone, local - FARTHEST);
    while (local - before.offset >= before.end) {
        struct span after = span_at(zone, before.end);
        if (local - after.offset < after.start)
            break; /* no clock ever showed it */
        before = after;
    }
    return local - before.offset;
}
