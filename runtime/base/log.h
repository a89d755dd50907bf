/* log.h - structured lines on standard error, and the one place that keeps secrets out of every text.
 *
 * A line in logfmt:   time=2024-03-31T02:30:00Z level=info event=page-stored cart=shop stream=orders read=250
 * or the same as one JSON object. Values are quoted where they must be; control characters are escaped, so that
 * a record cannot forge a line. At most CW_LOG_LINE_MAX bytes a line; what is cut is marked.
 */
#ifndef CW_BASE_LOG_H
#define CW_BASE_LOG_H

#include <stdio.h>

#include "base/clock.h"

enum { CW_LOG_LINE_MAX = 4096, CW_SECRETS_MAX = 256 };
enum cw_log_level { CW_LOG_DEBUG, CW_LOG_INFO, CW_LOG_WARNING, CW_LOG_ERROR };
enum cw_log_style { CW_LOG_LOGFMT, CW_LOG_JSON };

struct cw_log_config {
    FILE *out; /* NULL = nothing is written */
    enum cw_log_level level;
    enum cw_log_style style;
    const struct cw_clock *clock;
};

/* Process-wide; set once by the program before anything logs. The default writes warnings and errors to stderr. */
void cw_log_configure(struct cw_log_config config);

struct cw_log_field {
    const char *name;
    struct cw_slice value;
};

/* `fields` ends with a NULL name. */
void cw_log(enum cw_log_level level, const char *event, const struct cw_log_field *fields);

/* The same with pairs of C strings: cw_log_pairs(CW_LOG_INFO, "run-end", "cart", name, "read", "250", NULL). */
void cw_log_pairs(enum cw_log_level level, const char *event, ...) __attribute__((sentinel));

/* Remembers a value that must never be shown: it, its URL-encoded and its base64 form are replaced by "***" in
 * every log line and by cw_redact. Values shorter than 4 bytes are not remembered (they would hide half of every
 * text) and false is returned; so it is when the list is full. */
bool cw_secret_remember(struct cw_slice value);
void cw_secret_forget_all(void);

/* Replaces remembered secrets in place; the text never grows past cap. Returns the new length. */
size_t cw_redact(char *text, size_t len, size_t cap);

#endif
