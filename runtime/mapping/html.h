/* html.h - character references ("&amp;", "&#228;", "&#xE4;") in text from shops, decoded once.
 *
 * Known are the names of HTML 4 and &apos;; a reference ends with a semicolon. What is none, or stands for a
 * character that no text may hold, stays as it was written. Tags are text like any other.
 */
#ifndef CW_MAPPING_HTML_H
#define CW_MAPPING_HTML_H

#include "base/slice.h"

/* `out` has room for text.len bytes, which is always enough; returns how many were written. */
size_t cw_html_decode(struct cw_slice text, char *out);

#endif
