/* schedule_fuzz.c - any text is refused with a reason, or read as a schedule whose due times go on and are
 * where its own fields say. */
#include "fuzz.h"

#include "base/schedule.h"

static const struct cw_zone *zone_number(unsigned number)
{
    static const char *const names[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                         "Pacific/Apia",  "+05:45",           NULL };
    enum { ZONES = sizeof names / sizeof *names };
    static struct cw_zone *zones[ZONES];
    number %= ZONES;
    if (names[number] != NULL && zones[number] == NULL) {
        zones[number] = cw_zone_open(names[number], NULL);
        MUST(zones[number] != NULL);
    }
    return zones[number];
}

static bool read_schedule(unsigned kind, struct cw_slice text, struct cw_schedule *schedule,
                          struct cw_error *err)
{
    switch (kind % 4) {
    case 0:
        return cw_schedule_parse_every(text, schedule, err);
    case 1:
        return cw_schedule_parse_daily(text, schedule, err);
    case 2:
        return cw_schedule_parse_weekly(text, schedule, err);
    default:
        return cw_schedule_parse_cron(text, schedule, err);
    }
}

/* The clock of the zone, and where it changed within the last day the one before, may show the minute. */
static bool is_allowed_minute(const struct cw_schedule *schedule, cw_time due)
{
    int64_t utc = due / CW_SECOND;
    for (int hours = 0; hours <= 25; hours++) {
        int32_t offset = schedule->zone != NULL ? cw_zone_offset(schedule->zone, utc - hours * 3600) : 0;
        int64_t minute = (utc + offset + CW_DAY / CW_SECOND) / 60 % 1440; /* a day more: from 1970 on */
        if ((schedule->minutes >> minute % 60 & 1) && (schedule->hours >> minute / 60 & 1))
            return true;
    }
    return false;
}

static void check_clock(const struct cw_schedule *schedule, cw_time from)
{
    cw_time due = from;
    for (int i = 0; i < 4; i++) {
        cw_time next = cw_schedule_next(schedule, due, due, 0);
        MUST(next > due);
        MUST(next % CW_MINUTE == 0 && is_allowed_minute(schedule, next));
        MUST(cw_schedule_next(schedule, next - 1, due, 0) == next);
        due = next;
    }
}

static void check_jitter(struct cw_schedule schedule, cw_time from, uint64_t key)
{
    cw_time plain = cw_schedule_next(&schedule, from, from, key);
    schedule.jitter = (cw_time)(key % 200) * CW_MINUTE;
    cw_time due = cw_schedule_next(&schedule, from, from, key);
    MUST(due > from && due <= plain + schedule.jitter);
    MUST(due == cw_schedule_next(&schedule, from, from, key));
}

/* Kind, zone, four bytes of time, then the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cw_schedule schedule = { 0 };
    struct cw_error err = { 0 };
    uint32_t seconds;
    if (size < 6)
        return 0;
    memcpy(&seconds, data + 2, sizeof seconds);
    cw_time from = seconds * CW_SECOND + data[1];
    schedule.zone = zone_number(data[1]);
    if (!read_schedule(data[0], (struct cw_slice){ (const char *)data + 6, size - 6 }, &schedule, &err)) {
        MUST(err.code == CW_INVALID && err.text[0] != '\0');
        return 0;
    }
    if (schedule.every > 0)
        MUST(cw_schedule_next(&schedule, from, from, 0) == from + schedule.every);
    else
        check_clock(&schedule, from);
    check_jitter(schedule, from, seconds % 1000 + data[1]);
    return 0;
}
