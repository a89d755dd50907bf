/* error.h - errors as values: what happened, where in the data, and what to do about it.
 *
 * Functions that can fail return bool or a pointer and take `struct cw_error *` last; NULL means that the
 * caller is not interested. Whoever fails fills it; whoever passes it up may add what it knows; only the
 * outermost caller prints. Texts are whole sentences for the person who operates the site, and end with how
 * to mend it where that is known. No secret may stand in them.
 */
#ifndef CW_BASE_ERROR_H
#define CW_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum cw_code {
    CW_OK,
    CW_NOMEM,       /* out of memory */
    CW_USAGE,       /* the caller, or a script or site file, is wrong */
    CW_IO,          /* disk, descriptor, socket */
    CW_TIMEOUT,     /* a time limit ended it */
    CW_CANCELLED,   /* somebody stopped it */
    CW_LIMIT,       /* size, depth, count, memory or instruction limit */
    CW_INVALID,     /* input that is not what it claims to be */
    CW_NOT_FOUND,   /* no such thing */
    CW_REFUSED,     /* a policy forbids it (egress rule, sandbox, permission) */
    CW_AUTH,        /* the far side does not accept the credentials */
    CW_PERMISSION,  /* it accepts them, but they may not do this */
    CW_UNEXPECTED,  /* something answers, but not what was expected there */
    CW_UNAVAILABLE, /* the far side is down, or says "later"; worth repeating */
    CW_CONFLICT,    /* somebody else changed or holds it (lease, unique key) */
    CW_OVERFLOW,    /* an exact result does not fit */
    CW_SCRIPT,      /* a script raised an error */
    CW_CORRUPT      /* the store is damaged */
};

enum { CW_ERROR_TEXT_MAX = 640, CW_ERROR_NAME_MAX = 96 }; /* bytes, terminator included */

struct cw_error {
    enum cw_code code;
    char text[CW_ERROR_TEXT_MAX];
    char record[CW_ERROR_NAME_MAX]; /* external id of the record, or "" */
    char field[CW_ERROR_NAME_MAX];  /* field of the document, such as lines[2].quantity, or "" */
    char path[CW_ERROR_NAME_MAX];   /* path in the record, or "" */
};

/* Sets code and text and clears the places. Always false, so that `return cw_fail(err, ...)` reads well.
 * Text that is too long is cut at a character boundary and ends in "...". */
bool cw_fail(struct cw_error *err, enum cw_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text, for callers that know more than the one who failed. Always false. */
bool cw_fail_in(struct cw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Names the place in the data; NULL leaves what is there. Always false. */
bool cw_fail_at(struct cw_error *err, const char *record, const char *field, const char *path);

/* A short word for a code, such as "timeout"; for logs and --json. */
const char *cw_code_name(enum cw_code code);

/* "text (record 101, field lines[2].quantity, path order_rows/order_row)" into out, cut when it does not fit.
 */
void cw_error_format(const struct cw_error *err, char *out, size_t cap);

#endif
