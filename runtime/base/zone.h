/* zone.h - time zones: what a shop's clock showed at an instant, and at which instant it showed a given time.
 *
 * Threads: one zone belongs to one thread (look-ups remember the last periods between two clock changes).
 */
#ifndef CW_BASE_ZONE_H
#define CW_BASE_ZONE_H

#include "base/error.h"

enum { CW_ZONE_NAME_MAX = 64 }; /* bytes */

struct cw_zone; /* may be shared by everything in its thread; freed with cw_zone_free */

/* IANA names ("Europe/Paris"), "UTC", and fixed offsets ("+02:00"). CW_INVALID, naming the zone, for others:
 * an unknown name is never silently UTC. */
struct cw_zone *cw_zone_open(const char *name, struct cw_error *err);
const char *cw_zone_name(const struct cw_zone *zone);
void cw_zone_free(struct cw_zone *zone); /* accepts NULL */

/* Seconds east of UTC at an instant (seconds since the epoch). */
int32_t cw_zone_offset(const struct cw_zone *zone, int64_t utc);
/* "CEST"; the zone's name for a fixed offset. Valid as long as the zone. */
const char *cw_zone_abbreviation(const struct cw_zone *zone, int64_t utc);

/* The time between two clock changes in which an instant lies; both ends may be a few hundred years away. */
struct cw_zone_period {
    int64_t start, end; /* seconds; end is exclusive */
    int32_t offset;     /* seconds east of UTC */
};
struct cw_zone_period cw_zone_period(const struct cw_zone *zone, int64_t utc);

/* The instant of a local time, both in seconds; `local` counts as if the clock ran in UTC. What happens to
 * hours that occur twice or never: see time.h. */
int64_t cw_zone_to_utc(const struct cw_zone *zone, int64_t local);

#endif
