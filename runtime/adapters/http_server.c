/* http_server.c - connections of the HTTP server: how long they last, who is served, what is sent.
 *
 * Not on evhttp: 2.1 joins folded lines before anyone can see them, accepts two length headers, bare line
 * feeds and %00, limits neither connections nor how long a request may drip in, and a libevent filter before
 * it, which could check all that, loses answers when the connection closes after them. What is left of it is
 * less than this file. */
#include "adapters/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/http_head.h"

enum { CONNECTIONS_DEFAULT = 64, BODY_DEFAULT = 1024 * 1024, BACKLOG = 128, READ_BYTES = 16 * 1024 };
enum { SLOWEST_READER = 16 * 1024 }; /* bytes a second; a client that takes less loses its connection */
static const cw_time request_time = 10 * CW_SECOND, linger_time = 2 * CW_SECOND,
                     accept_pause = 100 * CW_MILLISECOND;

enum connection_state {
    READING,  /* a request comes in */
    WRITING,  /* its answer goes out */
    LINGERING /* closed on our side; what still comes is thrown away, so that the answer is not lost to a
                 reset */
};

struct connection {
    struct cw_http_server *server;
    struct connection *before, *after;
    enum connection_state state;
    int fd;
    struct cw_watch *watch;
    struct cw_timer *deadline;
    struct cw_buffer in; /* this request, and perhaps the beginning of the next */
    bool has_head;
    struct cw_head_info head;
    struct cw_chunks chunks;
    struct cw_buffer body; /* of a chunked request */
    size_t used;           /* bytes of `in` that are read into `body` */
    struct cw_buffer out;
    size_t sent; /* of out */
    bool closes; /* after this answer */
};

struct cw_http_server {
    struct cw_loop *loop;
    int fd;
    struct cw_watch *watch; /* NULL = nobody is let in at present */
    struct cw_timer *pause; /* after an accept that failed: out of descriptors */
    struct connection *connections;
    unsigned count, count_max, port;
    size_t body_limit;
    cw_serve_fn *serve;
    void *arg;
};

static void on_accept(void *arg, int fd, int events);
static void on_ready(void *arg, int fd, int events);

static void let_in(void *arg)
{
    struct cw_http_server *server = arg;
    if (server->watch != NULL || server->count >= server->count_max)
        return;
    server->watch = cw_watch_create(server->loop, server->fd, CW_READABLE, on_accept, server, NULL);
    if (server->watch == NULL)
        cw_timer_set(server->pause, accept_pause);
}

static void keep_out(struct cw_http_server *server)
{
    cw_watch_free(server->watch);
    server->watch = NULL;
}

static void free_connection(struct connection *connection)
{
    cw_watch_free(connection->watch);
    cw_timer_free(connection->deadline);
    cw_buffer_fini(&connection->in);
    cw_buffer_fini(&connection->body);
    cw_buffer_fini(&connection->out);
    close(connection->fd);
    free(connection);
}

static void drop(struct connection *connection)
{
    struct cw_http_server *server = connection->server;
    *(connection->before != NULL ? &connection->before->after : &server->connections) = connection->after;
    if (connection->after != NULL)
        connection->after->before = connection->before;
    server->count--;
    free_connection(connection);
    let_in(server);
}

static void on_deadline(void *arg)
{
    drop(arg);
}

/* False when there is no memory for it. */
static bool watch_for(struct connection *connection, int events)
{
    cw_watch_free(connection->watch);
    connection->watch =
        cw_watch_create(connection->server->loop, connection->fd, events, on_ready, connection, NULL);
    return connection->watch != NULL;
}

static void add_connection(struct cw_http_server *server, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->server = server;
    connection->fd = fd;
    connection->body.limit = server->body_limit;
    connection->deadline = cw_timer_create(server->loop, on_deadline, connection, NULL);
    if (connection->deadline == NULL || !watch_for(connection, CW_READABLE)) {
        free_connection(connection);
        return;
    }
    cw_timer_set(connection->deadline, request_time);
    connection->after = server->connections;
    if (connection->after != NULL)
        connection->after->before = connection;
    server->connections = connection;
    server->count++;
}

static void on_accept(void *arg, int listener, int events)
{
    (void)events;
    struct cw_http_server *server = arg;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        add_connection(server, fd);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        keep_out(server); /* or the loop would spin */
        cw_timer_set(server->pause, accept_pause);
    }
    if (server->count >= server->count_max)
        keep_out(server);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = { { 200, "OK" },
                  { 201, "Created" },
                  { 202, "Accepted" },
                  { 204, "No Content" },
                  { 301, "Moved Permanently" },
                  { 302, "Found" },
                  { 303, "See Other" },
                  { 304, "Not Modified" },
                  { 307, "Temporary Redirect" },
                  { 308, "Permanent Redirect" },
                  { 400, "Bad Request" },
                  { 401, "Unauthorized" },
                  { 403, "Forbidden" },
                  { 404, "Not Found" },
                  { 405, "Method Not Allowed" },
                  { 409, "Conflict" },
                  { 413, "Content Too Large" },
                  { 422, "Unprocessable Content" },
                  { 429, "Too Many Requests" },
                  { 431, "Request Header Fields Too Large" },
                  { 500, "Internal Server Error" },
                  { 502, "Bad Gateway" },
                  { 503, "Service Unavailable" },
                  { 504, "Gateway Timeout" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].text;
    return "";
}

/* How an answer is framed is decided here, whatever was recorded; and a line break would begin another
 * header. */
static bool is_passed_on(const struct cw_header *header)
{
    static const char *const framing[] = { "Content-Length", "Transfer-Encoding", "Connection",
                                           "Keep-Alive" };
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (strcasecmp(header->name, framing[i]) == 0)
            return false;
    return strpbrk(header->name, "\r\n: ") == NULL && strpbrk(header->value, "\r\n") == NULL;
}

/* To HEAD: what a recording announces, or what GET would have got. */
static bool print_length(struct cw_buffer *out, const struct cw_served_answer *answer, bool is_head)
{
    if (answer->status == 204 || answer->status == 304)
        return true;
    for (size_t i = 0; is_head && i < answer->header_count; i++)
        if (strcasecmp(answer->headers[i].name, "Content-Length") == 0 &&
            strspn(answer->headers[i].value, "0123456789") == strlen(answer->headers[i].value))
            return cw_buffer_print(out, NULL, "Content-Length: %s\r\n", answer->headers[i].value);
    return cw_buffer_print(out, NULL, "Content-Length: %zu\r\n", answer->body.len);
}

static bool print_answer(struct connection *connection, const struct cw_served_answer *answer, bool is_head)
{
    struct cw_buffer *out = &connection->out;
    bool ok = cw_buffer_print(out, NULL, "HTTP/1.1 %03d %s\r\n", answer->status, reason(answer->status));
    for (size_t i = 0; ok && i < answer->header_count; i++)
        if (is_passed_on(&answer->headers[i]))
            ok = cw_buffer_print(out, NULL, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    ok = ok && print_length(out, answer, is_head) &&
         cw_buffer_print(out, NULL, "%s\r\n", connection->closes ? "Connection: close\r\n" : "");
    bool has_body = !is_head && answer->status != 204 && answer->status != 304;
    return ok && (!has_body || cw_buffer_add(out, answer->body.data, answer->body.len, NULL));
}

/* False when the connection is gone. */
static bool begin_answer(struct connection *connection, const struct cw_served_answer *answer, bool is_head)
{
    if (!print_answer(connection, answer, is_head) || !watch_for(connection, CW_WRITABLE)) {
        drop(connection);
        return false;
    }
    connection->state = WRITING;
    cw_timer_set(connection->deadline,
                 request_time + (cw_time)(connection->out.len / SLOWEST_READER) * CW_SECOND);
    return true;
}

static bool refuse(struct connection *connection, int status)
{
    static const struct cw_header type = { "Content-Type", "text/plain; charset=utf-8" };
    const struct cw_served_answer answer = { .status = status,
                                             .headers = &type,
                                             .header_count = 1,
                                             .body =
                                                 cw_slice("This request is not one that is served here.\n") };
    connection->closes = true;
    return begin_answer(connection, &answer, false);
}

static bool serve(struct connection *connection)
{
    struct cw_http_server *server = connection->server;
    struct cw_head_info *head = &connection->head;
    struct cw_header *headers = calloc(head->fields + 1, sizeof *headers);
    if (headers == NULL)
        return refuse(connection, 503);
    struct cw_served_request request = { .headers = headers, .header_count = head->fields };
    request.body = head->is_chunked
                       ? cw_buffer_slice(&connection->body)
                       : (struct cw_slice){ connection->in.data + head->len, (size_t)head->body_len };
    cw_http_head_split(connection->in.data, head, &request.method, &request.target, headers);
    struct cw_served_answer answer = { .status = 500 };
    server->serve(server->arg, &request, &answer);
    if (answer.status < 200 || answer.status > 599)
        answer.status = 500;
    connection->closes = head->closes;
    bool ok = begin_answer(connection, &answer, strcmp(request.method, "HEAD") == 0);
    free(headers);
    return ok;
}

/* Status of a refusal, 0 when the head is good, -1 when more must come. */
static int read_head(struct connection *connection)
{
    switch (cw_http_head_read(cw_buffer_slice(&connection->in), &connection->head)) {
    case CW_HEAD_INCOMPLETE:
        return -1;
    case CW_HEAD_BAD:
        return 400;
    case CW_HEAD_TOO_LONG:
        return 431;
    case CW_HEAD_GOOD:
        break;
    }
    connection->has_head = true;
    connection->used = connection->head.len;
    connection->chunks = (struct cw_chunks){ 0 };
    cw_buffer_clear(&connection->body);
    return connection->head.body_len > connection->server->body_limit ? 413 : 0;
}

static int read_chunks(struct connection *connection)
{
    size_t used = 0;
    struct cw_slice rest = { connection->in.data + connection->used, connection->in.len - connection->used };
    switch (cw_chunks_read(&connection->chunks, rest, &connection->body, &used)) {
    case CW_CHUNK_BAD:
        return 400;
    case CW_CHUNK_TOO_LONG:
        return 413;
    case CW_CHUNK_MORE:
        connection->in.len = connection->used; /* decoded: not needed again */
        return -1;
    case CW_CHUNK_END:
        break;
    }
    connection->used += used;
    return 0;
}

static int read_body(struct connection *connection)
{
    if (connection->head.is_chunked)
        return read_chunks(connection);
    if (connection->in.len - connection->head.len < connection->head.body_len)
        return -1;
    connection->used = connection->head.len + (size_t)connection->head.body_len;
    return 0;
}

/* False when the connection is gone. */
static bool advance(struct connection *connection)
{
    int status = connection->has_head ? 0 : read_head(connection);
    if (status == 0)
        status = read_body(connection);
    if (status < 0)
        return true;
    return status > 0 ? refuse(connection, status) : serve(connection);
}

static bool linger(struct connection *connection)
{
    if (shutdown(connection->fd, SHUT_WR) != 0 || !watch_for(connection, CW_READABLE)) {
        drop(connection);
        return false;
    }
    connection->state = LINGERING;
    cw_timer_set(connection->deadline, linger_time);
    return true;
}

/* The next request may be here already, in part or whole. */
static bool end_answer(struct connection *connection)
{
    if (connection->closes)
        return linger(connection);
    struct cw_buffer *in = &connection->in;
    in->len -= connection->used;
    memmove(in->data, in->data + connection->used, in->len);
    cw_buffer_fini(&connection->out);
    connection->sent = 0;
    connection->has_head = false;
    connection->state = READING;
    if (!watch_for(connection, CW_READABLE)) {
        drop(connection);
        return false;
    }
    cw_timer_set(connection->deadline, request_time);
    return advance(connection);
}

static bool is_worth_a_look(const struct connection *connection, size_t before)
{
    const struct cw_buffer *in = &connection->in;
    return connection->has_head || in->len > CW_HTTP_HEAD_MAX ||
           memchr(in->data + before, '\n', in->len - before) != NULL;
}

static void receive(struct connection *connection)
{
    struct cw_buffer *in = &connection->in;
    size_t before = in->len;
    char *place = cw_buffer_reserve(in, READ_BYTES, NULL);
    ssize_t n = place != NULL ? recv(connection->fd, place, READ_BYTES, 0) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(connection);
        return;
    }
    if (before == 0) /* a kept connection was idle; now the request's own time begins */
        cw_timer_set(connection->deadline, request_time);
    in->len += (size_t)n;
    if (is_worth_a_look(connection, before))
        advance(connection);
}

static void transmit(struct connection *connection)
{
    struct cw_buffer *out = &connection->out;
    ssize_t n = send(connection->fd, out->data + connection->sent, out->len - connection->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        drop(connection);
        return;
    }
    connection->sent += (size_t)n;
    if (connection->sent == out->len)
        end_answer(connection);
}

static void discard(struct connection *connection)
{
    char sink[READ_BYTES];
    ssize_t n = recv(connection->fd, sink, sizeof sink, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop(connection);
}

static void on_ready(void *arg, int fd, int events)
{
    (void)fd;
    (void)events;
    struct connection *connection = arg;
    switch (connection->state) {
    case READING:
        receive(connection);
        break;
    case WRITING:
        transmit(connection);
        break;
    case LINGERING:
        discard(connection);
        break;
    }
}

static bool parse_address(const char *address, unsigned port, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *len = sizeof *v4;
        return port <= UINT16_MAX;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *len = sizeof *v6;
    return port <= UINT16_MAX;
}

static unsigned bound_port(int fd)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &len);
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

/* SO_REUSEADDR: a server that starts again must not wait for the old connections' last packets. */
static bool listen_on(struct cw_http_server *server, const char *address, unsigned port, struct cw_error *err)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = 0;
    int on = 1;
    if (!parse_address(address, port, &at, &len))
        return cw_fail(err, CW_USAGE, "cannot listen on %s, port %u: write an IP address such as 127.0.0.1",
                       address, port);
    server->fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->fd < 0 || setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->fd, (struct sockaddr *)&at, len) != 0 || listen(server->fd, BACKLOG) != 0)
        return cw_fail(err, CW_IO, "cannot listen on %s, port %u: %s", address, port, strerror(errno));
    server->port = bound_port(server->fd);
    server->watch = cw_watch_create(server->loop, server->fd, CW_READABLE, on_accept, server, err);
    return server->watch != NULL;
}

struct cw_http_server *cw_http_server_open(struct cw_loop *loop, const char *address, unsigned port,
                                           unsigned connections, size_t body_limit, cw_serve_fn *serve_fn,
                                           void *arg, struct cw_error *err)
{
    struct cw_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a server");
        return NULL;
    }
    server->loop = loop;
    server->fd = -1;
    server->count_max = connections > 0 ? connections : CONNECTIONS_DEFAULT;
    server->body_limit = body_limit > 0 ? body_limit : BODY_DEFAULT;
    server->serve = serve_fn;
    server->arg = arg;
    server->pause = cw_timer_create(loop, let_in, server, err);
    if (server->pause != NULL && listen_on(server, address, port, err))
        return server;
    cw_http_server_close(server);
    return NULL;
}

unsigned cw_http_server_port(const struct cw_http_server *server)
{
    return server->port;
}

void cw_http_server_close(struct cw_http_server *server)
{
    if (server == NULL)
        return;
    for (struct connection *at = server->connections, *after; at != NULL; at = after) {
        after = at->after;
        free_connection(at);
    }
    cw_watch_free(server->watch);
    cw_timer_free(server->pause);
    if (server->fd >= 0)
        close(server->fd);
    free(server);
}
