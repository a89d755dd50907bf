/* log.h - structured lines on standard error; what secret.h remembers never stands in them.
 *
 * A line in logfmt:   time=2024-03-31T02:30:00Z level=info event=page-stored cart=shop stream=orders read=250
 * or the same as one JSON object. Values are quoted where they must be; control characters are escaped, so
 * that a record cannot forge a line. At most CW_LOG_LINE_MAX bytes a line; what is cut ends in "..." and the
 * line in cut=true.
 */
#ifndef CW_BASE_LOG_H
#define CW_BASE_LOG_H

#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"

enum { CW_LOG_LINE_MAX = 4096, CW_LOG_PAIRS_MAX = 32 };
enum cw_log_level { CW_LOG_DEBUG, CW_LOG_INFO, CW_LOG_WARNING, CW_LOG_ERROR };
enum cw_log_style { CW_LOG_LOGFMT, CW_LOG_JSON };

struct cw_log_config {
    FILE *out; /* NULL = nothing is written */
    enum cw_log_level level;
    enum cw_log_style style;
    const struct cw_clock *clock;
};

/* Process-wide; set once by the program before anything logs. The default writes warnings and errors to
 * stderr. */
void cw_log_configure(struct cw_log_config config);
void cw_log_set_style(enum cw_log_style style);

struct cw_log_field {
    const char *name;
    struct cw_slice value;
};

/* `fields` ends with a NULL name. */
void cw_log(enum cw_log_level level, const char *event, const struct cw_log_field *fields);

/* The same with pairs of C strings: cw_log_pairs(CW_LOG_INFO, "run-end", "cart", name, "read", "250", NULL).
 * At most CW_LOG_PAIRS_MAX pairs; a value may be NULL and is empty then. */
void cw_log_pairs(enum cw_log_level level, const char *event, ...) __attribute__((sentinel));

#endif
