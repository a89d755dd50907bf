/* http_proof.h - the header that says who asks, where it is made anew for each attempt: a token that the shop
 * gave, or a signature. Private to the HTTP client. */
#ifndef CW_ADAPTERS_HTTP_PROOF_H
#define CW_ADAPTERS_HTTP_PROOF_H

#include "adapters/http_token.h"
#include "adapters/http_url.h"

/* Of one call; { 0 } is an empty one. */
struct cw_http_proof {
    struct cw_buffer value;
    struct cw_header *headers; /* those of the request, and room for this one */
};

/* *sent is the request as this attempt sends it; it borrows from both. */
bool cw_proof_sign(struct cw_http_proof *proof, const struct cw_http_request *request,
                   const struct cw_url *url, const struct cw_clock *clock, struct cw_random *random,
                   struct cw_http_request *sent, struct cw_error *err);
bool cw_proof_show_token(struct cw_http_proof *proof, const struct cw_http_request *request,
                         const struct cw_http_keeper *keeper, struct cw_http_request *sent,
                         struct cw_error *err);
void cw_proof_fini(struct cw_http_proof *proof);

#endif
