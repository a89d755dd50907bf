/* time_fuzz.c - any text is refused or read as an instant that its own text gives back. */
#include "fuzz.h"

#include "base/time.h"

static const struct cw_zone *zone_number(unsigned number)
{
    static const char *const names[] = {
        "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "+05:45", "UTC", NULL
    };
    enum { ZONES = sizeof names / sizeof *names };
    static struct cw_zone *zones[ZONES];
    number %= ZONES;
    if (names[number] != NULL && zones[number] == NULL) {
        zones[number] = cw_zone_open(names[number], NULL);
        MUST(zones[number] != NULL);
    }
    return zones[number];
}

static void check_instant(cw_time time, const struct cw_zone *zone)
{
    char text[CW_TIME_TEXT_MAX], local[64];
    cw_time back;
    size_t len = cw_time_iso(time, text);
    MUST(len >= 20 && len < sizeof text && strlen(text) == len);
    MUST(cw_time_parse((struct cw_slice){ text, len }, NULL, &back, NULL));
    MUST(back == time);
    len = cw_time_format(time, zone, "%Y-%m-%dT%H:%M:%S.%f", local, sizeof local, NULL);
    MUST(len >= 26);
    /* The first instant with that local time may be an earlier one, by no more than a clock change. */
    if (len == 26 && cw_time_parse((struct cw_slice){ local, len }, zone, &back, NULL))
        MUST(back <= time && time - back <= 25 * CW_HOUR);
}

static void check_format(cw_time time, const struct cw_zone *zone, struct cw_slice format)
{
    char text[64], out[48];
    if (format.len >= sizeof text)
        return;
    memcpy(text, format.data, format.len);
    text[format.len] = '\0';
    struct cw_error err = { 0 };
    size_t len = cw_time_format(time, zone, text, out, sizeof out, &err);
    MUST(len < sizeof out && strlen(out) == len);
    MUST(len != 0 || text[0] == '\0' || err.code == CW_USAGE || err.code == CW_LIMIT);
}

/* The first byte chooses the zone; then a stamp, and a format after the first '|'. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct cw_slice stamp = { (const char *)data + 1, size - 1 }, format = { "", 0 };
    const struct cw_zone *zone = zone_number(data[0]);
    const char *bar = memchr(stamp.data, '|', stamp.len);
    if (bar != NULL) {
        format = (struct cw_slice){ bar + 1, (size_t)(stamp.data + stamp.len - bar - 1) };
        stamp.len = (size_t)(bar - stamp.data);
    }
    cw_time time = 1700000000 * CW_SECOND;
    struct cw_error err = { 0 };
    if (cw_time_parse(stamp, zone, &time, &err))
        check_instant(time, zone != NULL ? zone : zone_number(5));
    else
        MUST(err.code == CW_INVALID && err.text[0] != '\0');
    check_format(time, zone, format);
    return 0;
}
