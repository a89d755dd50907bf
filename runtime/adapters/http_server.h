/* http_server.h - a small HTTP/1.1 server: serves recordings, webhooks, and what the supervisor tells.
 *
 * Strict, because it faces strangers: at most 200 headers in 16 KiB, bodies up to `body_limit`, 10 s for a
 * request to arrive, 5 min for a connection; both Content-Length and Transfer-Encoding, NUL or control
 * characters in the decoded address, folded headers, and whatever else two servers might read differently
 * (http_head.h) are answered 400 and the connection closed. Answers go out as they are given: only their
 * framing (Content-Length, Connection) is the server's, and nothing is added to them.
 *
 * Slots: at most `connections` at once. When all are taken and one more comes, the one that has gone on
 * longest with reading its request, or with being read to, makes room, once that has been a second; requests
 * that wait for their answer are never given up for that.
 */
#ifndef CW_ADAPTERS_HTTP_SERVER_H
#define CW_ADAPTERS_HTTP_SERVER_H

#include "adapters/http.h"

struct cw_http_server;

struct cw_served_request {
    const char *method; /* "GET" */
    const char *target; /* path and query as received, such as "/api/orders?limit=0%2C100" */
    const char *peer;   /* "203.0.113.7", "2001:db8::7" */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body;
};
/* Header by name without case; the first one; NULL when absent. */
const char *cw_served_header(const struct cw_served_request *request, const char *name);

struct cw_served_answer {
    int status; /* one that cannot end an exchange (below 200, above 599) becomes 500 */
    const struct cw_header *headers;
    size_t header_count;
    struct cw_slice body; /* copied */
};

/* One request and its answer. */
struct cw_exchange;

/* Called from the loop for each request. True: *answer is filled, with memory that lives until the function
 * is called again. False: whoever has `exchange` answers by cw_exchange_answer, now or later; until then
 * *request and all it points to stay. Neither function may close the server. */
typedef bool cw_serve_fn(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                         struct cw_exchange *exchange);

/* Called as soon as a request's headers are here, when its body is not yet: true = it is answered with
 * *answer, and its body is not waited for. */
typedef bool cw_screen_fn(void *arg, const struct cw_served_request *request,
                          struct cw_served_answer *answer);

/* Exactly once for each exchange that was kept, also after its server is closed. A client that has gone, or
 * that the server answered 504 since a minute had passed, gets nothing. */
void cw_exchange_answer(struct cw_exchange *exchange, const struct cw_served_answer *answer);

/* Ends an exchange that was kept as a server would that breaks: by closing its connection, unanswered, or
 * within the first `keep` bytes of the body that *answer announces. */
void cw_exchange_drop(struct cw_exchange *exchange);
void cw_exchange_cut(struct cw_exchange *exchange, const struct cw_served_answer *answer, size_t keep);

struct cw_http_server_config {
    struct cw_loop *loop;
    unsigned connections; /* 0 = 64 */
    size_t body_limit;    /* bytes; 0 = 1 MiB */
    size_t memory_limit;  /* bytes of all bodies together, beyond which 503; 0 = 16 times the body_limit */
    cw_serve_fn *serve;
    cw_screen_fn *screen; /* NULL = all requests are read whole */
    void *arg;
};

/* A listening socket on `address` ("127.0.0.1") and `port` (0 = a free one); -1 and *err. */
int cw_http_listen(const char *address, unsigned port, struct cw_error *err);

/* Listens itself. */
struct cw_http_server *cw_http_server_open(const struct cw_http_server_config *config, const char *address,
                                           unsigned port, struct cw_error *err);
/* On a listening socket, which other processes may share; owns `fd` from the call, success or not. */
struct cw_http_server *cw_http_server_open_on(const struct cw_http_server_config *config, int fd,
                                              struct cw_error *err);
unsigned cw_http_server_port(const struct cw_http_server *server);
void cw_http_server_close(struct cw_http_server *server); /* accepts NULL */

#endif
