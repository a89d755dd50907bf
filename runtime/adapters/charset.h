/* charset.h - texts in other charsets than UTF-8, converted exactly: what a charset does not define is
 * refused, never replaced. */
#ifndef CW_ADAPTERS_CHARSET_H
#define CW_ADAPTERS_CHARSET_H

#include "adapters/body.h"
#include "base/arena.h"

enum { CW_CHARSET_MAX = 32 };

/* Whether lines and fields of a text in it can be found by their bytes: UTF-8, US-ASCII, ISO-8859-*,
 * windows-125*, KOI8-*, cp932 (also under the names Shift_JIS, SJIS, windows-31j). */
bool cw_charset_is_known(const char *name);

/* Several bytes may make one character there, and the later ones look like letters and '|'. */
bool cw_charset_is_double(const char *name);

/* `bytes` in UTF-8: themselves where they are, else in the arena. CW_INVALID for a byte that the charset does
 * not have, counted from 1; *at is its offset. */
bool cw_charset_utf8(const char *name, struct cw_slice bytes, struct cw_arena *arena, struct cw_slice *out,
                     size_t *at, struct cw_error *err);

/* A body in UTF-16 or UTF-32 becomes one in UTF-8, without its byte-order mark; any other stays. What it is
 * in tells its byte-order mark, or a zero byte beside its first character. On failure *body stays. */
bool cw_charset_body(struct cw_body **body, struct cw_error *err);

#endif
