/* curl_transfer.h - one request in libcurl's hands: its options, and what libcurl's callbacks record of the
 * answer. Private to the transport. Nothing here starts, stops or delivers anything. */
#ifndef CW_ADAPTERS_CURL_TRANSFER_H
#define CW_ADAPTERS_CURL_TRANSFER_H

#include <curl/curl.h>

#include "adapters/http.h"
#include "adapters/http_inflate.h"
#include "adapters/http_url.h"

enum {
    CW_HEADER_BYTES_MAX = 256 * 1024, /* of one answer, interim answers and trailers included */
    CW_HEADER_COUNT_MAX = 1000,
    CW_STALL_TICKS = 4,            /* looks at the progress per stall time-out */
    CW_STALL_BYTES_PER_SECOND = 16 /* below this on average an answer counts as stalled */
};

struct cw_transfer {
    struct cw_http_request request; /* what it points to is the caller's */
    const struct cw_egress *egress;
    struct cw_url url;
    CURL *easy;
    struct curl_slist *headers_out;
    char message[CURL_ERROR_SIZE];

    struct cw_error err; /* why a callback stopped the transfer; code CW_OK = none did */
    unsigned sent;       /* answers that are to come, counted like `answered`; 0 = nothing was sent yet */
    unsigned answered;   /* status lines seen, interim ones included */
    bool in_tls;         /* TCP is connected and the handshake begun */

    struct cw_buffer headers; /* name NUL value NUL, of the newest status line */
    size_t header_count;
    size_t header_bytes;  /* all that came */
    bool has_all_headers; /* of the newest status line; what comes now are trailers */
    struct cw_body *body;
    struct cw_inflate *inflate; /* NULL = the body comes as it is */
    uint64_t body_bytes;        /* as received */

    uint64_t moved[CW_STALL_TICKS]; /* bytes so far at the last looks, newest last */
    unsigned looks;
};

struct cw_transfer *cw_transfer_create(const struct cw_http_request *request, const struct cw_egress *egress,
                                       struct cw_error *err);
void cw_transfer_free(struct cw_transfer *transfer); /* accepts NULL; must be out of the multi handle */

/* To be called CW_STALL_TICKS times in a stall time-out; true, with transfer->err set, when too little moved.
 */
bool cw_transfer_look(struct cw_transfer *transfer);
cw_time cw_transfer_stall_timeout(const struct cw_transfer *transfer);

/* The answer, or NULL and *err. Once. */
struct cw_http_response *cw_transfer_result(struct cw_transfer *transfer, CURLcode result,
                                            struct cw_error *err);

#endif
