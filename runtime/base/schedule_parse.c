/* schedule_parse.c - the texts of schedules: intervals, times of day and week, cron expressions. */
#include "base/calendar.h"
#include "base/schedule.h"

#define EVERY_DAY      0xFFFFFFFEu /* 1 to 31 */
#define EVERY_MONTH    0x1FFEu     /* 1 to 12 */
#define EVERY_WEEKDAY  0x7Fu
#define FIELD_TEXT_MAX 40 /* bytes of it in messages */

static struct cw_slice take(struct cw_slice *text, size_t len)
{
    struct cw_slice taken = { text->data, len };
    if (len > 0) /* an empty text may be NULL */
        text->data += len;
    text->len -= len;
    return taken;
}

/* What stands before the separator, which is taken too; all of it where there is none. */
static struct cw_slice take_until(struct cw_slice *text, char separator)
{
    const char *at = text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
    struct cw_slice part = take(text, at != NULL ? (size_t)(at - text->data) : text->len);
    if (at != NULL)
        take(text, 1);
    return part;
}

/* A whole number of digits alone; false for others, and for those of more than six digits. */
static bool read_number(struct cw_slice text, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return text.len > 0 && text.len <= 6;
}

static bool fail_text(struct cw_error *err, struct cw_slice text, const char *what)
{
    struct cw_slice shown = cw_slice_clip(text, FIELD_TEXT_MAX);
    return cw_fail(err, CW_INVALID, "\"%.*s\" %s", CW_SLICE_ARG(shown), what);
}

/* --- intervals --- */

static cw_time unit_of(char letter)
{
    static const struct {
        char letter;
        cw_time time;
    } units[] = { { 's', CW_SECOND }, { 'm', CW_MINUTE }, { 'h', CW_HOUR }, { 'd', CW_DAY } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].letter == letter)
            return units[i].time;
    return 0;
}

bool cw_schedule_parse_time(struct cw_slice text, cw_time *out, struct cw_error *err)
{
    unsigned count;
    text = cw_slice_trim(text);
    cw_time unit = text.len > 0 ? unit_of(text.data[text.len - 1]) : 0;
    if (unit == 0 || !read_number((struct cw_slice){ text.data, text.len - 1 }, &count) ||
        count > 3660 * CW_DAY / unit)
        return fail_text(err, text,
                         "is no length of time: a whole number and s, m, h or d, such as \"5m\"; up to "
                         "\"3660d\"");
    *out = count * unit;
    return true;
}

bool cw_schedule_parse_every(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err)
{
    cw_time every;
    if (!cw_schedule_parse_time(text, &every, err))
        return false;
    if (every < CW_SCHEDULE_EVERY_LEAST || every > CW_SCHEDULE_EVERY_MOST)
        return fail_text(err, text, "is no interval: from \"1s\" to \"366d\"");
    schedule->every = every;
    return true;
}

/* --- times of day and week --- */

/* "03:30" or "3:30". */
static bool read_clock(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err)
{
    unsigned hour, minute;
    struct cw_slice rest = text, hours = take_until(&rest, ':');
    if (hours.len > 2 || rest.len != 2 || !read_number(hours, &hour) || !read_number(rest, &minute))
        return fail_text(err, text, "is no time of day: hours and minutes, such as \"03:30\"");
    if (hour > 23)
        return cw_fail(err, CW_INVALID, "hour %u is out of range: 0 to 23", hour);
    if (minute > 59)
        return cw_fail(err, CW_INVALID, "minute %u is out of range: 0 to 59", minute);
    schedule->every = 0;
    schedule->minutes = (uint64_t)1 << minute;
    schedule->hours = 1u << hour;
    schedule->days = EVERY_DAY;
    schedule->months = EVERY_MONTH;
    schedule->weekdays = EVERY_WEEKDAY;
    schedule->any_hour = schedule->days_or_weekdays = false;
    return true;
}

bool cw_schedule_parse_daily(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err)
{
    return read_clock(cw_slice_trim(text), schedule, err);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The number of a name of three letters in a row of such names; -1 when it is none. */
static int find_name(struct cw_slice text, const char *names)
{
    for (int i = 0; text.len == 3 && names[i] != '\0'; i += 3)
        if (lower(text.data[0]) == names[i] && lower(text.data[1]) == names[i + 1] &&
            lower(text.data[2]) == names[i + 2])
            return i / 3;
    return -1;
}

static const char day_names[] = "sunmontuewedthufrisat";
static const char month_names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

bool cw_schedule_parse_weekly(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err)
{
    struct cw_slice rest = cw_slice_trim(text), name = take_until(&rest, ' ');
    int day = find_name(name, day_names);
    if (rest.len == 0)
        return fail_text(err, text, "is no time of the week: a day and a time, such as \"sun 03:30\"");
    if (day < 0)
        return fail_text(err, name, "is no day of the week: sun, mon, tue, wed, thu, fri, sat");
    if (!read_clock(cw_slice_trim(rest), schedule, err))
        return false;
    schedule->weekdays = (uint8_t)(1u << day);
    return true;
}

/* --- cron --- */

struct field {
    const char *name;
    unsigned least, most;
    const char *names; /* of its values, from `first` on; NULL = numbers alone */
    unsigned first;
    const char *words; /* for messages */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct field fields[FIELDS] = {
    { "minute", 0, 59, NULL, 0, "0 to 59" },
    { "hour", 0, 23, NULL, 0, "0 to 23" },
    { "day", 1, 31, NULL, 0, "1 to 31" },
    { "month", 1, 12, month_names, 1, "1 to 12, or jan to dec" },
    { "weekday", 0, 7, day_names, 0, "0 to 7 (0 and 7 are Sunday), or sun to sat" },
};

static bool fail_field(struct cw_error *err, const struct field *field, struct cw_slice text,
                       const char *what)
{
    struct cw_slice shown = cw_slice_clip(text, FIELD_TEXT_MAX);
    return cw_fail(err, CW_INVALID, "%s %.*s %s: %s", field->name, CW_SLICE_ARG(shown), what, field->words);
}

static bool read_value(const struct field *field, struct cw_slice text, unsigned *out, struct cw_error *err)
{
    int name = field->names != NULL ? find_name(text, field->names) : -1;
    if (name >= 0) {
        *out = field->first + (unsigned)name;
        return true;
    }
    if (text.len == 0)
        return cw_fail(err, CW_INVALID, "a value is missing in the field %s: %s", field->name, field->words);
    if (!read_number(text, out))
        return fail_field(err, field, text, "is no number or name");
    if (*out < field->least || *out > field->most)
        return fail_field(err, field, text, "is out of range");
    return true;
}

static bool read_step(const struct field *field, struct cw_slice text, unsigned *out, struct cw_error *err)
{
    struct cw_slice shown = cw_slice_clip(text, FIELD_TEXT_MAX);
    if (read_number(text, out) && *out >= 1 && *out <= field->most)
        return true;
    return cw_fail(err, CW_INVALID, "step /%.*s of %s is out of range: /1 to /%u", CW_SLICE_ARG(shown),
                   field->name, field->most);
}

/* "*", "5", "1-5", each with a step behind it or without. */
static bool read_item(const struct field *field, struct cw_slice item, uint64_t *bits, struct cw_error *err)
{
    unsigned from = field->least, to = field->most, step = 1;
    struct cw_slice steps = item, range = take_until(&steps, '/');
    bool has_step = range.len < item.len;
    if (has_step && !read_step(field, steps, &step, err))
        return false;
    if (!cw_slice_is(range, "*")) {
        struct cw_slice last = range, first = take_until(&last, '-');
        bool is_range = first.len < range.len;
        if (!read_value(field, first, &from, err) || (is_range && !read_value(field, last, &to, err)))
            return false;
        if (!is_range && !has_step) /* "5/10" goes on to the end, as in cron */
            to = from;
        if (to < from)
            return fail_field(err, field, range, "is a range that ends before it begins; possible are");
    }
    for (unsigned value = from; value <= to; value += step)
        *bits |= (uint64_t)1 << value;
    return true;
}

static bool read_field(const struct field *field, struct cw_slice text, uint64_t *bits, struct cw_error *err)
{
    *bits = 0;
    do {
        bool is_last = memchr(text.data, ',', text.len) == NULL;
        if (!read_item(field, take_until(&text, ','), bits, err))
            return false;
        if (is_last)
            return true;
    } while (text.len > 0);
    return cw_fail(err, CW_INVALID, "a value is missing in the field %s: %s", field->name, field->words);
}

/* "30 2" is February; the weekday has no say when both must be met, for it comes on that date some year. */
static bool day_ever_comes(const struct cw_schedule *schedule)
{
    if (schedule->days_or_weekdays)
        return true;
    for (unsigned month = 1; month <= 12; month++)
        for (unsigned day = 1; day <= cw_days_in_month(2000, month); day++)
            if ((schedule->months >> month & 1) && (schedule->days >> day & 1))
                return true;
    return false;
}

/* "@daily" and the like as five fields; other texts as they are. */
static struct cw_slice spell_out(struct cw_slice text)
{
    static const char *const words[][2] = { { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },
                                            { "@midnight", "0 0 * * *" }, { "@weekly", "0 0 * * 0" },
                                            { "@monthly", "0 0 1 * *" },  { "@yearly", "0 0 1 1 *" },
                                            { "@annually", "0 0 1 1 *" } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (cw_slice_is(text, words[i][0]))
            return cw_slice(words[i][1]);
    return text;
}

/* Splits at blanks; the number of fields, which may be more than there is room for. */
static size_t split(struct cw_slice text, struct cw_slice parts[FIELDS])
{
    size_t count = 0;
    for (text = cw_slice_trim(text); text.len > 0; text = cw_slice_trim(text), count++) {
        size_t len = 0;
        while (len < text.len && strchr(" \t\r\n", text.data[len]) == NULL)
            len++;
        struct cw_slice part = take(&text, len > 0 ? len : 1);
        if (count < FIELDS)
            parts[count] = part;
    }
    return count;
}

static bool begins_with_star(struct cw_slice text)
{
    return text.data[0] == '*';
}

bool cw_schedule_parse_cron(struct cw_slice text, struct cw_schedule *schedule, struct cw_error *err)
{
    struct cw_slice parts[FIELDS];
    uint64_t bits[FIELDS];
    struct cw_slice spelt = spell_out(cw_slice_trim(text));
    if (spelt.len > 0 && spelt.data[0] == '@')
        return fail_text(err, spelt, "is unknown; there are @hourly, @daily, @weekly, @monthly, @yearly");
    size_t count = split(spelt, parts);
    if (count != FIELDS)
        return cw_fail(err, CW_INVALID,
                       "a cron expression has five fields: minute, hour, day, month, weekday, such as "
                       "\"30 3 * * *\"; this one has %zu",
                       count);
    for (size_t i = 0; i < FIELDS; i++)
        if (!read_field(&fields[i], parts[i], &bits[i], err))
            return false;
    schedule->every = 0;
    schedule->minutes = bits[MINUTE];
    schedule->hours = (uint32_t)bits[HOUR];
    schedule->days = (uint32_t)bits[DAY];
    schedule->months = (uint32_t)bits[MONTH];
    schedule->weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & EVERY_WEEKDAY);
    schedule->any_hour =
        begins_with_star(parts[HOUR]) || memchr(parts[HOUR].data, '/', parts[HOUR].len) != NULL;
    schedule->days_or_weekdays = !begins_with_star(parts[DAY]) && !begins_with_star(parts[WEEKDAY]);
    if (!day_ever_comes(schedule))
        return fail_text(err, parts[DAY], "is a day that none of these months has; this would never be due");
    return true;
}
