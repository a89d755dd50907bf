/* http_server.h - a small HTTP/1.1 server: serves recordings now, webhooks and the console later.
 *
 * Strict, because it faces strangers: headers up to 16 KiB, bodies up to `body_limit`, 10 s for a request to
 * arrive, at most `connections` at once (others wait until one ends); both Content-Length and
 * Transfer-Encoding, NUL or control characters in the decoded address, folded headers, and whatever else two
 * servers might read differently (http_head.h) are answered 400 and the connection closed. Answers go out as
 * they are given: only their framing (Content-Length, Connection) is the server's, and nothing is added to
 * them.
 */
#ifndef CW_ADAPTERS_HTTP_SERVER_H
#define CW_ADAPTERS_HTTP_SERVER_H

#include "adapters/http.h"

struct cw_http_server;

struct cw_served_request {
    const char *method; /* "GET" */
    const char *target; /* path and query as received, such as "/api/orders?limit=0%2C100" */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body;
};

struct cw_served_answer {
    int status;
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body; /* copied */
};

/* Called from the loop for each request; fills *answer, whose memory must live until the function is called
 * again. It must not close the server. A status that cannot end an exchange (below 200, above 599) becomes
 * 500. */
typedef void cw_serve_fn(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer);

/* Listens on `address` ("127.0.0.1") and `port` (0 = a free one). `connections` 0 = 64, `body_limit` 0 = 1
 * MiB. */
struct cw_http_server *cw_http_server_open(struct cw_loop *loop, const char *address, unsigned port,
                                           unsigned connections, size_t body_limit, cw_serve_fn *serve,
                                           void *arg, struct cw_error *err);
unsigned cw_http_server_port(const struct cw_http_server *server);
void cw_http_server_close(struct cw_http_server *server); /* accepts NULL */

#endif
