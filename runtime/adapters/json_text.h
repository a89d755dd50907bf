/* json_text.h - strings and numbers of JSON, shared by its splitter, parser and writer. */
#ifndef CW_ADAPTERS_JSON_TEXT_H
#define CW_ADAPTERS_JSON_TEXT_H

#include "base/slice.h"

/* Decodes what stands between the quotes of a string into `out`, which has room for raw.len bytes. NULL when
 * it is fine, else what is wrong with it; *bad is where. */
const char *cw_json_decode(struct cw_slice raw, char *out, size_t *len, const char **bad);

/* Bytes from `p` to the string's closing quote or its first backslash, whichever comes first, when all of
 * them are fit for a string; else *why is set, and the answer leads to what is not. */
size_t cw_json_plain(const char *p, const char *end, const char **why);

/* Bytes of the number at `p`; 0 when there is none. What follows is not looked at. */
size_t cw_json_number(const char *p, const char *end);

#endif
