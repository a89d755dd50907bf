/* http_token.h - the token of an HTTP client: how long it is good for, and what is sent with it. Private to
 * the HTTP client, which asks for it. */
#ifndef CW_ADAPTERS_HTTP_TOKEN_H
#define CW_ADAPTERS_HTTP_TOKEN_H

#include "adapters/http.h"

struct cw_http_keeper {
    const struct cw_http_grant *grant; /* NULL = no request wants a token */
    struct cw_buffer value;            /* of the header, prefix included; empty = there is none */
    size_t prefix_len;
    int64_t renew_ns;            /* on the monotonic clock; INT64_MAX = the shop will say so */
    uint64_t number;             /* of the token, counted from 1 */
    struct cw_http_call *asking; /* a token is on its way */
};

bool cw_keeper_has_token(const struct cw_http_keeper *keeper, int64_t now_ns);

/* Takes the token out of the answer, and remembers it as a secret. */
bool cw_keeper_take(struct cw_http_keeper *keeper, const struct cw_http_response *response, int64_t now_ns,
                    struct cw_error *err);

/* What the lack of an answer means for requests that wait: nothing of them was sent. */
void cw_keeper_explain(struct cw_error *err);

/* There is none any more. */
void cw_keeper_drop(struct cw_http_keeper *keeper);

#endif
