/* written.h - numbers and times as a shop writes them where that is not the usual way: "1.234,56",
 * "31.12.2026". */
#ifndef CW_BASE_WRITTEN_H
#define CW_BASE_WRITTEN_H

#include "base/decimal.h"
#include "base/time.h"

/* The format of a number is 1234.56 as the shop would write it: "1.234,56", "1,234.56", "1 234,56",
 * "1'234.56" or "1234,56". CW_USAGE for anything else. */
bool cw_number_format_check(struct cw_slice format, struct cw_error *err);

/* Groups may be left out, but where one is separated all have three digits: "1.5" is no number in "1.234,56".
 * A blank that groups may be a no-break space, too. CW_INVALID and CW_OVERFLOW as cw_decimal_parse. `format`
 * has been checked. */
bool cw_decimal_parse_as(struct cw_slice text, struct cw_slice format, struct cw_decimal *out,
                         struct cw_error *err);

/* The format of a time has %Y %m %d %H %M %S, %y (2000 to 2099), %I and %p (AM, PM), %b (Jan), %f (a fraction
 * of up to six digits), %z (+02:00, +0200, Z), %s and %Q (seconds and milliseconds since the epoch), %%, and
 * between them the characters that stand there; a blank stands for any number of them. It names a date or an
 * instant. CW_USAGE otherwise. */
bool cw_time_format_check(struct cw_slice format, struct cw_error *err);

/* Leading zeros may be missing. `zone` as with cw_time_parse; without %z, %s and %Q it applies. `format` has
 * been checked. */
bool cw_time_parse_as(struct cw_slice text, struct cw_slice format, const struct cw_zone *zone, cw_time *out,
                      struct cw_error *err);

#endif
