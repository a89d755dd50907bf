/* http.h - the HTTP client: a polite, suspicious caller of other people's shops.
 *
 * Layers: cw_http (this header: retries, rate, redirects, egress rule, limits) over a transport, which sends
 * one request and knows nothing else. The transport is libcurl's multi interface (cw_curl_create) or a test's
 * own.
 *
 * What may be repeated: GET and HEAD, what `reads`, and whatever the caller marks `repeatable`; only after
 * CW_UNAVAILABLE, CW_TIMEOUT or CW_IO, 429, 502, 503, 504 and 500. A write that is not marked is sent exactly
 * once, and its answer or its loss is the caller's to judge. Waits: exponential from 1 s, times 2, at most 60
 * s, each with full jitter; a Retry-After (seconds or date) is obeyed up to 1 h and does not count as an
 * attempt, unless one request was put off for 4 h already, and so is a header of the shop's own at 429
 * (cw_http_quota), which also stops the client before the quota is used up. Rate: a token bucket per client;
 * a 429 halves its rate (never below one request in 10 s) and stops all requests of the client until the wait
 * is over; each 20 successes raise it by a tenth up to what was set. Redirects: at most 5, GET and HEAD only,
 * same host and port (or the step from http to https) and never from https to http; others are CW_REFUSED,
 * naming both addresses. A redirect that answers any other method is an answer like every other: the request
 * may have been carried out. Credentials never go to another host. Tokens: requests that want one wait until
 * the shop gave it, and are sent once more, writes too, when the shop answers 401. Compression: gzip and
 * deflate, at most 100 times the bytes received once past 1 MiB, else CW_LIMIT. Errors and logs name method
 * and address without its query; remembered secrets are redacted everywhere.
 */
#ifndef CW_ADAPTERS_HTTP_H
#define CW_ADAPTERS_HTTP_H

#include "adapters/body.h"
#include "adapters/loop.h"
#include "base/buffer.h"
#include "base/egress.h"
#include "base/hmac.h"

struct cw_header {
    const char *name, *value;
};

/* TOKEN: the one that the client's `grant` gives. OAUTH1: signed by `oauth1`, anew for each attempt. */
enum cw_http_auth {
    CW_HTTP_NO_AUTH,
    CW_HTTP_BASIC,
    CW_HTTP_BEARER,
    CW_HTTP_DIGEST,
    CW_HTTP_TOKEN,
    CW_HTTP_OAUTH1
};

/* RFC 5849. Parameters of the query are signed, and those of a body that says it is a form. */
struct cw_oauth1 {
    const char *consumer_key, *consumer_secret;
    const char *token, *token_secret; /* NULL where the shop knows no tokens */
    enum cw_hmac method;              /* SHA1 or SHA256 */
};

/* Everything pointed to is borrowed until the request's callback has run. */
struct cw_http_request {
    const char *method;
    const char *url; /* absolute, http or https */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body; /* len 0 = none */
    enum cw_http_auth auth;
    const char *user, *secret; /* BASIC, DIGEST: user and password; BEARER: secret is the token */
    const struct cw_oauth1 *oauth1;
    cw_time connect_timeout; /* 0 = 10 s */
    cw_time stall_timeout;   /* 0 = 30 s with less than 16 bytes a second on average */
    cw_time total_timeout;   /* 0 = 300 s, for one attempt */
    uint64_t body_limit;     /* decompressed bytes; 0 = 64 MiB */
    unsigned attempts;       /* 0 = 5 */
    bool reads;              /* changes nothing, whatever its method: repeated, and sent in a dry run */
    bool repeatable;         /* a write that does no harm when it arrives twice */
    /* Asked each time right before it goes to the transport, however long it waited until then. False with
     * CW_REFUSED: it is not sent, and ends with that error. NULL = nobody is asked. */
    bool (*may_leave)(void *arg, struct cw_error *err);
    void *leave_arg;
};

/* GET, HEAD, and what `reads`. */
bool cw_http_only_reads(const struct cw_http_request *request);

struct cw_http_response {
    int status;                /* 100 to 599 */
    struct cw_header *headers; /* in order of arrival; names as sent */
    size_t header_count;
    struct cw_body *body; /* complete: a body shorter than announced is an error, never a response */
    unsigned attempts;    /* how often it was sent */
};

/* Header by name without case; the first one; NULL when absent. */
const char *cw_http_header(const struct cw_http_response *response, const char *name);
/* For transports. Copies the headers; owns `body` from the call, success or not. */
struct cw_http_response *cw_http_response_create(int status, const struct cw_header *headers,
                                                 size_t header_count, struct cw_body *body,
                                                 struct cw_error *err);
void cw_http_response_free(struct cw_http_response *response); /* accepts NULL */

/* Exactly once, from the loop, unless cancelled. Exactly one of response and err is NULL; the callback owns
 * the response. Any status is a response; err means that there was none: CW_TIMEOUT, CW_IO, CW_UNAVAILABLE
 * (no name, no connection), CW_LIMIT, CW_REFUSED (egress, redirect, may_leave), CW_AUTH (TLS certificate),
 * CW_INVALID (an encoding that was not offered, damaged compression). Its text tells DNS, TCP and TLS apart.
 * After CW_UNAVAILABLE, CW_REFUSED and CW_AUTH the last attempt sent nothing; after every other code it may
 * have been carried out. */
typedef void cw_http_done_fn(void *arg, struct cw_http_response *response, const struct cw_error *err);

struct cw_http_call;

/* --- transport: one request, one answer, no policy --- */

struct cw_transport {
    /* NULL and *err when it cannot be started. Each address is checked against `egress` before connecting.
     * `done` comes from the loop, never from inside start. */
    void *(*start)(struct cw_transport *transport, const struct cw_http_request *request,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err);
    void (*cancel)(struct cw_transport *transport, void *handle); /* done must not be called any more */
    void (*free)(struct cw_transport *transport);                 /* no request is running */
};

/* libcurl: keep-alive, HTTP/2 where the server offers it, no proxy from the environment, no redirects of its
 * own, no cookies, http and https only. At most `connections` at once to one server (0 = 8), and 16 times as
 * many in all: servers that stall hold up no other. */
struct cw_transport *cw_curl_create(struct cw_loop *loop, unsigned connections, struct cw_error *err);

/* --- client: one per cart --- */

struct cw_http;

/* A token out of the shop's answer. */
struct cw_http_token {
    struct cw_slice text; /* borrowed until the next call of `read` */
    cw_time lifetime;     /* 0 = the shop does not say */
};

/* How tokens are had: `request` is sent when there is none, when the last tenth of its life, or the last
 * minute, has begun, and when the shop answers 401; one at a time. The token is a remembered secret while it
 * is in use. */
struct cw_http_grant {
    struct cw_http_request request; /* one that reads */
    const char *header, *prefix;    /* "Authorization", "Bearer " */
    /* Of any answer: false and *err, CW_AUTH or CW_UNAVAILABLE, when there is no token in it. err->field
     * names the setting to look at. */
    bool (*read)(void *arg, const struct cw_http_response *response, struct cw_http_token *out,
                 struct cw_error *err);
    void *arg;
};

/* How a shop tells its quota, beside Retry-After. */
struct cw_http_quota {
    const char *reset; /* header: for how long from now on to wait, in `unit`; NULL = there is none */
    cw_time unit;
    const char *left; /* header: requests that are left until then; NULL = there is none */
    unsigned least;   /* with fewer left, nothing goes until then */
};

struct cw_http_config {
    struct cw_loop *loop;
    struct cw_transport *transport;    /* borrowed */
    const struct cw_egress *egress;    /* borrowed */
    struct cw_random *random;          /* borrowed; jitter */
    double requests_per_second;        /* 0 = no limit of our own */
    unsigned burst;                    /* requests at once before the rate counts; 0 = 1 */
    bool read_only;                    /* a dry run: anything but GET, HEAD and what reads is CW_REFUSED */
    const struct cw_http_grant *grant; /* borrowed; NULL = no request wants a token */
    struct cw_http_quota quota;        /* its texts are borrowed */
    const char *label;                 /* the cart's name, for logs and errors; copied */
};

struct cw_http *cw_http_create(const struct cw_http_config *config, struct cw_error *err);
void cw_http_free(struct cw_http *http); /* cancels what runs, without callbacks; accepts NULL */

/* NULL and *err when refused at once (egress, read only, malformed address). */
struct cw_http_call *cw_http_send(struct cw_http *http, const struct cw_http_request *request,
                                  cw_http_done_fn *done, void *arg, struct cw_error *err);
void cw_http_cancel(struct cw_http_call *call); /* its callback never comes */

struct cw_http_stats {
    uint64_t requests, retries, bytes_in, bytes_out;
    double rate;        /* requests a second now allowed; 0 = no limit */
    uint64_t throttled; /* answers that told us to slow down */
    uint64_t wait_us;   /* microseconds in which at least one request was on its way or in the queue */
    uint64_t held_us; /* for how long from now on no request leaves, because of a 429 or the quota; 0 = not at
                         all */
};
struct cw_http_stats cw_http_stats(const struct cw_http *http);

/* "a=1&b%5B%5D=x": appends one query parameter, percent-encoded (blank as %20), with '?' or '&' as needed. */
bool cw_url_add_query(struct cw_buffer *url, struct cw_slice name, struct cw_slice value,
                      struct cw_error *err);
/* "a=1&b%5B%5D=x+y": appends one field of a form as browsers write it (blank as +), with '&' as needed. */
bool cw_form_add(struct cw_buffer *form, struct cw_slice name, struct cw_slice value, struct cw_error *err);

#endif
