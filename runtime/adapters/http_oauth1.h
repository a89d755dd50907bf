/* http_oauth1.h - requests signed by RFC 5849 (OAuth 1.0a). Private to the HTTP client. */
#ifndef CW_ADAPTERS_HTTP_OAUTH1_H
#define CW_ADAPTERS_HTTP_OAUTH1_H

#include "adapters/http.h"
#include "adapters/http_url.h"

/* What must differ from request to request. */
struct cw_oauth1_stamp {
    char nonce[33];    /* 32 hex digits */
    int64_t timestamp; /* seconds since 1970 */
};

/* Appends the value of the header Authorization, by request->oauth1. `url` is what request->url was parsed
 * to.
 */
bool cw_oauth1_authorize(const struct cw_http_request *request, const struct cw_url *url,
                         const struct cw_oauth1_stamp *stamp, struct cw_buffer *out, struct cw_error *err);

/* The text that is signed, for those who look for the reason of a refusal. */
bool cw_oauth1_base(const struct cw_http_request *request, const struct cw_url *url,
                    const struct cw_oauth1_stamp *stamp, struct cw_buffer *out, struct cw_error *err);

#endif
