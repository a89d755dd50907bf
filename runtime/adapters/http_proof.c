/* http_proof.c - see http_proof.h. */
#include "adapters/http_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/http_oauth1.h"

static bool has_header(const struct cw_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* After the request's own headers; one that has its own proof keeps that. */
static bool add_header(struct cw_http_proof *proof, const char *name, const struct cw_http_request *request,
                       struct cw_http_request *sent, struct cw_error *err)
{
    size_t count = request->header_count;
    *sent = *request;
    sent->auth = CW_HTTP_NO_AUTH; /* transports have nothing to add */
    if (has_header(request, name))
        return true;
    if (proof->headers == NULL)
        proof->headers = calloc(count + 1, sizeof *proof->headers);
    if (proof->headers == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for the headers of a request");
    if (count > 0)
        memcpy(proof->headers, request->headers, count * sizeof *proof->headers);
    proof->headers[count] = (struct cw_header){ name, proof->value.data };
    sent->headers = proof->headers;
    sent->header_count++;
    return true;
}

bool cw_proof_sign(struct cw_http_proof *proof, const struct cw_http_request *request,
                   const struct cw_url *url, const struct cw_clock *clock, struct cw_random *random,
                   struct cw_http_request *sent, struct cw_error *err)
{
    struct cw_oauth1_stamp stamp = { .timestamp = cw_now(clock) / CW_SECOND };
    for (int i = 0; i < 2; i++)
        snprintf(stamp.nonce + 16 * i, 17, "%016" PRIx64, cw_random_next(random));
    cw_buffer_clear(&proof->value);
    return cw_oauth1_authorize(request, url, &stamp, &proof->value, err) &&
           add_header(proof, "Authorization", request, sent, err);
}

bool cw_proof_show_token(struct cw_http_proof *proof, const struct cw_http_request *request,
                         const struct cw_http_keeper *keeper, struct cw_http_request *sent,
                         struct cw_error *err)
{
    cw_buffer_clear(&proof->value);
    return cw_buffer_add(&proof->value, keeper->value.data, keeper->value.len, err) &&
           add_header(proof, keeper->grant->header, request, sent, err);
}

void cw_proof_fini(struct cw_http_proof *proof)
{
    if (proof->value.data != NULL)
        explicit_bzero(proof->value.data, proof->value.len);
    cw_buffer_fini(&proof->value);
    free(proof->headers);
    proof->headers = NULL;
}
