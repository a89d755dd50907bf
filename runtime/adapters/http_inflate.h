/* http_inflate.h - decompresses an answer as it comes in. Private to the HTTP client.
 *
 * Not left to libcurl: 7.88 takes a compressed body that ends too early for a complete one, and says nothing
 * about how many bytes came and how many they became. */
#ifndef CW_ADAPTERS_HTTP_INFLATE_H
#define CW_ADAPTERS_HTTP_INFLATE_H

#include "adapters/body.h"

enum {
    CW_INFLATE_RATIO_MAX = 100, /* bytes out for each byte in; XML lists of real shops stay below 40 */
    CW_INFLATE_FREE_BYTES = 1024 * 1024 /* the ratio counts once this much came out */
};

struct cw_inflate;

/* For the value of a Content-Encoding header; *out is NULL when there is nothing to undo. CW_INVALID for
 * anything but one layer of gzip or deflate. Borrows body. */
bool cw_inflate_create(const char *coding, struct cw_body *body, struct cw_inflate **out,
                       struct cw_error *err);

/* Writes what `piece` becomes to the body. CW_INVALID for damage, CW_LIMIT for a ratio past the limit or a
 * body past its own. */
bool cw_inflate_write(struct cw_inflate *inflate, struct cw_slice piece, struct cw_error *err);

/* CW_IO when the stream was cut. Nothing at all is a complete empty body. */
bool cw_inflate_end(const struct cw_inflate *inflate, struct cw_error *err);
void cw_inflate_free(struct cw_inflate *inflate); /* accepts NULL */

#endif
