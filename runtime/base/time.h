/* time.h - instants in UTC, and the zones that shops write their local times in.
 *
 * An instant is microseconds since 1970-01-01T00:00:00Z. Years 1 to 9999. A local time that occurs twice
 * (clocks go back) is read as the earlier instant; one that does not exist (clocks go forward) as the instant
 * that the clock would have shown had it not been changed, so that no order of local times is ever reversed
 * by more than the change itself. Windows must overlap by the change; see the stream settings.
 */
#ifndef CW_BASE_TIME_H
#define CW_BASE_TIME_H

#include "base/zone.h"

typedef int64_t cw_time; /* microseconds since the epoch, UTC */

#define CW_TIME_NONE   INT64_MIN
#define CW_MICROS      ((cw_time)1)
#define CW_MILLISECOND ((cw_time)1000)
#define CW_SECOND      ((cw_time)1000000)
#define CW_MINUTE      (60 * CW_SECOND)
#define CW_HOUR        (60 * CW_MINUTE)
#define CW_DAY         (24 * CW_HOUR)

enum { CW_TIME_TEXT_MAX = 40 }; /* bytes, terminator included */

/* Reads ISO 8601 ("2024-03-31T02:30:00", blank or T between, optional seconds and fraction, optional "Z" or
 * offset), a date alone (midnight), and RFC 2822 dates ("Sun, 31 Mar 2024 02:30:00 +0200"). An offset in the
 * text wins; without one `zone` applies; without both (zone NULL) it is CW_INVALID. "0000-00-00 ..." is
 * CW_INVALID. */
bool cw_time_parse(struct cw_slice text, const struct cw_zone *zone, cw_time *out, struct cw_error *err);

/* strftime's %Y %m %d %H %M %S %a %b %z %Z %j, plus %f (six digits of microseconds), %s (seconds since the
 * epoch) and %%. CW_USAGE for any other. zone NULL = UTC. Returns the length, 0 on failure. */
size_t cw_time_format(cw_time time, const struct cw_zone *zone, const char *format, char *out, size_t cap,
                      struct cw_error *err);

/* "2024-03-31T02:30:00Z", with ".123456" only where the fraction is not 0. `out` has CW_TIME_TEXT_MAX bytes.
 */
size_t cw_time_iso(cw_time time, char *out);

#endif
