/* http_url.h - addresses, taken apart by the same parser that later connects, so that no check can be talked
 * past by a spelling that two parsers read differently. Private to the HTTP client and to uploads. */
#ifndef CW_ADAPTERS_HTTP_URL_H
#define CW_ADAPTERS_HTTP_URL_H

#include "base/buffer.h"

enum { CW_URL_HOST_MAX = 256, CW_URL_WHERE_MAX = 384 }; /* bytes, terminator included */

struct cw_url {
    bool is_https;
    unsigned port;
    char host[CW_URL_HOST_MAX];   /* lower case, without brackets */
    char where[CW_URL_WHERE_MAX]; /* "https://host:port/path" for messages: no query, no credentials; may be
                                     cut */
};

/* The host as it is compared and shown; false, and *why, when it is none that two parsers read alike. */
bool cw_url_copy_host(const char *host, char out[CW_URL_HOST_MAX], const char **why);

/* CW_USAGE for anything but http and https, for user names in the address, for bytes outside ASCII in the
 * host. Never quotes the address: what cannot be taken apart may hold a secret anywhere. */
bool cw_url_parse(const char *text, struct cw_url *out, struct cw_error *err);

/* Replaces *out by `location` as seen from `base`, without fragment. CW_INVALID when it is no address. */
bool cw_url_resolve(const char *base, const char *location, struct cw_buffer *out, struct cw_error *err);

/* Appends the text percent-encoded: all but letters, digits and "-._~". */
bool cw_url_encode(struct cw_buffer *out, struct cw_slice text, struct cw_error *err);

#endif
