/* secret.h - the one place that keeps secrets out of every text.
 *
 * A remembered value is found as it stands, percent-encoded, with JSON's backslashes, and inside base64
 * (either alphabet, at any position of what was encoded: "user:password" of a header hides it as well).
 * Threads: process-wide and unlocked; remember before anything else starts threads.
 */
#ifndef CW_BASE_SECRET_H
#define CW_BASE_SECRET_H

#include "base/error.h"
#include "base/slice.h"

enum { CW_SECRETS_MAX = 256, CW_SECRET_BYTES_MIN = 4 };
#define CW_SECRET_MARK "***"

/* Values shorter than CW_SECRET_BYTES_MIN are not remembered (they would hide half of every text) and false
 * is returned; so it is when the list or memory is full. Remembering twice counts once. */
bool cw_secret_remember(struct cw_slice value);
/* For secrets that end, such as tokens: once for each time that it was remembered. */
void cw_secret_forget(struct cw_slice value);
void cw_secret_forget_all(void);

/* Bytes of `text` from `at` that must not be shown, overlapping secrets taken together; 0 when none begins
 * there. */
size_t cw_secret_match(struct cw_slice text, size_t at);

/* Bytes of a text that was cut, without those at its end that may begin a secret: nothing would find it any
 * more.
 */
size_t cw_secret_uncut(struct cw_slice text);

/* Replaces remembered secrets by CW_SECRET_MARK in place; the text never grows, and ends in NUL where it is
 * shorter than cap. Returns the new length. */
size_t cw_redact(char *text, size_t len, size_t cap);
/* The same for an error that is kept or shown: a shop may repeat in its answer what it was sent. */
void cw_redact_error(struct cw_error *err);

#endif
