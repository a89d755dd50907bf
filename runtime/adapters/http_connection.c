/* http_connection.c - one connection of the HTTP server: requests come in, are served, answers go out. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/http_answer.h"
#include "adapters/http_server_private.h"

enum { HEADERS_MAX = 200 };
enum { SLOWEST_READER = 16 * 1024 }; /* bytes a second; a client that takes less loses its connection */
static const cw_time request_time = 10 * CW_SECOND, answer_time = CW_MINUTE, linger_time = 2 * CW_SECOND,
                     connection_time = 5 * CW_MINUTE;

static void on_ready(void *arg, int fd, int events);

void cw_connection_free(struct cw_connection *connection)
{
    cw_exchange_leave(connection);
    cw_watch_free(connection->watch);
    cw_timer_free(connection->deadline);
    cw_buffer_fini(&connection->in);
    cw_buffer_fini(&connection->out);
    close(connection->fd);
    free(connection);
}

void cw_connection_drop(struct cw_connection *connection)
{
    struct cw_http_server *server = connection->server;
    *(connection->before != NULL ? &connection->before->after : &server->connections) = connection->after;
    if (connection->after != NULL)
        connection->after->before = connection->before;
    server->count--;
    cw_connection_free(connection);
    cw_http_server_let_in(server);
}

static void enter(struct cw_connection *connection, enum cw_connection_state state, cw_time time)
{
    connection->state = state;
    connection->since_ns = cw_http_server_now(connection->server);
    cw_timer_set(connection->deadline, time);
}

static void unwatch(struct cw_connection *connection)
{
    cw_watch_free(connection->watch);
    connection->watch = NULL;
}

/* False when there is no memory for it. */
static bool watch_for(struct cw_connection *connection, int events)
{
    unwatch(connection);
    connection->watch =
        cw_watch_create(connection->server->config.loop, connection->fd, events, on_ready, connection, NULL);
    return connection->watch != NULL;
}

/* --- answers --- */

/* What the socket takes at once goes out at once; the rest, and what comes after, when the loop says so. The
 * last `missing` bytes do not. */
static void begin_part(struct cw_connection *connection, const struct cw_served_answer *answer, bool is_head,
                       size_t missing)
{
    struct cw_buffer *out = &connection->out;
    int64_t age = cw_http_server_now(connection->server) - connection->began_ns;
    connection->closes = connection->closes || age > connection_time * 1000;
    if (!cw_http_answer_print(out, answer, is_head, connection->closes) ||
        !watch_for(connection, CW_WRITABLE)) {
        cw_connection_drop(connection);
        return;
    }
    out->len -= missing;
    enter(connection, CW_WRITING, request_time + (cw_time)(out->len / SLOWEST_READER) * CW_SECOND);
    ssize_t n = send(connection->fd, out->data, out->len, MSG_NOSIGNAL);
    connection->sent = n > 0 ? (size_t)n : 0;
}

static void begin_answer(struct cw_connection *connection, const struct cw_served_answer *answer,
                         bool is_head)
{
    begin_part(connection, answer, is_head, 0);
}

static void refuse(struct cw_connection *connection, int status)
{
    static const struct cw_header type = { "Content-Type", "text/plain; charset=utf-8" };
    const struct cw_served_answer answer = { .status = status,
                                             .headers = &type,
                                             .header_count = 1,
                                             .body =
                                                 cw_slice("This request is not one that is served here.\n") };
    cw_exchange_leave(connection);
    connection->closes = true;
    begin_answer(connection, &answer, false);
}

void cw_exchange_answer(struct cw_exchange *exchange, const struct cw_served_answer *answer)
{
    struct cw_connection *connection = exchange->connection;
    if (connection != NULL) {
        cw_exchange_part(exchange);
        begin_answer(connection, answer, strcmp(exchange->request.method, "HEAD") == 0);
    }
    cw_exchange_free(exchange);
}

void cw_exchange_drop(struct cw_exchange *exchange)
{
    struct cw_connection *connection = exchange->connection;
    if (connection != NULL) {
        cw_exchange_part(exchange);
        cw_connection_drop(connection);
    }
    cw_exchange_free(exchange);
}

void cw_exchange_cut(struct cw_exchange *exchange, const struct cw_served_answer *answer, size_t keep)
{
    struct cw_connection *connection = exchange->connection;
    bool has_body =
        answer->status != 204 && answer->status != 304 && strcmp(exchange->request.method, "HEAD") != 0;
    if (connection != NULL && has_body && keep < answer->body.len) {
        cw_exchange_part(exchange);
        connection->closes = true;
        begin_part(connection, answer, false, answer->body.len - keep);
        cw_exchange_free(exchange);
    } else {
        cw_exchange_drop(exchange);
    }
}

static void on_deadline(void *arg)
{
    struct cw_connection *connection = arg;
    if (connection->state == CW_WAITING)
        refuse(connection, 504);
    else
        cw_connection_drop(connection);
}

/* --- requests --- */

/* The function may answer the exchange at once, after which nothing may be left of the connection. */
static void serve(struct cw_connection *connection)
{
    struct cw_http_server *server = connection->server;
    struct cw_exchange *exchange = connection->exchange;
    struct cw_served_answer answer = { .status = 500 };
    exchange->request.body = cw_buffer_slice(&exchange->body);
    unwatch(connection);
    enter(connection, CW_WAITING, answer_time);
    if (server->config.serve(server->config.arg, &exchange->request, &answer, exchange))
        cw_exchange_answer(exchange, &answer);
}

/* Status of a refusal, 0 when the head is good, -1 when more must come. */
static int read_head(struct cw_connection *connection)
{
    struct cw_head_info *head = &connection->head;
    switch (cw_http_head_read(cw_buffer_slice(&connection->in), head)) {
    case CW_HEAD_INCOMPLETE:
        return -1;
    case CW_HEAD_BAD:
        return 400;
    case CW_HEAD_TOO_LONG:
        return 431;
    case CW_HEAD_GOOD:
        break;
    }
    if (head->fields > HEADERS_MAX)
        return 431;
    if (head->body_len > connection->server->config.body_limit)
        return 413;
    connection->closes = head->closes;
    connection->chunks = (struct cw_chunks){ 0 };
    connection->exchange = cw_exchange_create(connection);
    return connection->exchange != NULL ? 0 : 503;
}

static void consume(struct cw_buffer *in, size_t len)
{
    in->len -= len;
    memmove(in->data, in->data + len, in->len);
}

/* Clients that announce large bodies wait for leave to send them. */
static void invite_body(struct cw_connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expected = cw_served_header(&connection->exchange->request, "Expect");
    if (expected != NULL && strcasecmp(expected, "100-continue") == 0 && connection->in.len == 0)
        (void)!send(connection->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
}

/* True when the request was answered without its body; the connection may be gone then. */
static bool screen(struct cw_connection *connection)
{
    const struct cw_http_server_config *config = &connection->server->config;
    struct cw_served_answer answer = { .status = 500 };
    struct cw_exchange *exchange = connection->exchange;
    if (config->screen == NULL || !config->screen(config->arg, &exchange->request, &answer))
        return false;
    connection->closes = connection->closes || connection->head.is_chunked || connection->head.body_len > 0;
    cw_exchange_answer(exchange, &answer);
    return true;
}

/* Begins a request; false when nothing more is to be read of it now. */
static bool take_head(struct cw_connection *connection)
{
    int status = read_head(connection);
    if (status > 0)
        refuse(connection, status);
    if (status != 0)
        return false;
    consume(&connection->in, connection->head.len);
    if (screen(connection))
        return false;
    if (connection->head.is_chunked || connection->head.body_len > 0)
        invite_body(connection);
    return true;
}

/* As read_head. */
static int read_chunks(struct cw_connection *connection)
{
    size_t used = 0;
    struct cw_buffer *in = &connection->in;
    switch (cw_chunks_read(&connection->chunks, cw_buffer_slice(in), &connection->exchange->body, &used)) {
    case CW_CHUNK_BAD:
        return 400;
    case CW_CHUNK_TOO_LONG:
        return 413;
    case CW_CHUNK_MORE:
        in->len = 0;
        return -1;
    case CW_CHUNK_END:
        break;
    }
    consume(in, used);
    return 0;
}

static int read_body(struct cw_connection *connection)
{
    struct cw_buffer *in = &connection->in, *body = &connection->exchange->body;
    if (connection->head.is_chunked)
        return read_chunks(connection);
    size_t left = (size_t)connection->head.body_len - body->len;
    size_t len = in->len < left ? in->len : left;
    if (!cw_buffer_add(body, in->data, len, NULL))
        return 503;
    consume(in, len);
    return len == left ? 0 : -1;
}

/* Called last: the connection may be gone afterwards. */
static void advance(struct cw_connection *connection)
{
    if (connection->exchange == NULL && !take_head(connection))
        return;
    int status = read_body(connection);
    if (!cw_exchange_count(connection->exchange))
        refuse(connection, 503);
    else if (status == 0)
        serve(connection);
    else if (status > 0)
        refuse(connection, status);
}

/* --- what a socket has to say; each called last --- */

static void linger(struct cw_connection *connection)
{
    if (shutdown(connection->fd, SHUT_WR) != 0 || !watch_for(connection, CW_READABLE)) {
        cw_connection_drop(connection);
        return;
    }
    enter(connection, CW_LINGERING, linger_time);
}

/* The next request may be here already, in part or whole. */
static void end_answer(struct cw_connection *connection)
{
    if (connection->closes) {
        linger(connection);
        return;
    }
    cw_buffer_fini(&connection->out);
    connection->sent = 0;
    if (connection->in.len == 0)
        cw_buffer_fini(&connection->in);
    if (!watch_for(connection, CW_READABLE)) {
        cw_connection_drop(connection);
        return;
    }
    enter(connection, CW_READING, request_time);
    if (connection->in.len > 0)
        advance(connection);
}

/* Heads are read again from their beginning, so not for every byte that drips in. */
static bool is_worth_a_look(const struct cw_connection *connection, size_t before)
{
    const struct cw_buffer *in = &connection->in;
    return connection->exchange != NULL || in->len > CW_HTTP_HEAD_MAX ||
           memchr(in->data + before, '\n', in->len - before) != NULL;
}

static void receive(struct cw_connection *connection)
{
    struct cw_buffer *in = &connection->in;
    size_t before = in->len;
    char *received = connection->server->received;
    ssize_t n = recv(connection->fd, received, CW_HTTP_READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || !cw_buffer_add(in, received, (size_t)n, NULL)) {
        cw_connection_drop(connection);
        return;
    }
    if (before == 0 && connection->exchange == NULL) /* it was idle; now the request's own time begins */
        enter(connection, CW_READING, request_time);
    if (is_worth_a_look(connection, before))
        advance(connection);
}

static void transmit(struct cw_connection *connection)
{
    struct cw_buffer *out = &connection->out;
    ssize_t n = 0;
    if (connection->sent < out->len)
        n = send(connection->fd, out->data + connection->sent, out->len - connection->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        cw_connection_drop(connection);
        return;
    }
    connection->sent += (size_t)n;
    if (connection->sent == out->len)
        end_answer(connection);
}

static void discard(struct cw_connection *connection)
{
    ssize_t n = recv(connection->fd, connection->server->received, CW_HTTP_READ_BYTES, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        cw_connection_drop(connection);
}

static void on_ready(void *arg, int fd, int events)
{
    (void)fd;
    (void)events;
    struct cw_connection *connection = arg;
    switch (connection->state) {
    case CW_READING:
        receive(connection);
        break;
    case CW_WAITING: /* nothing is watched then */
        break;
    case CW_WRITING:
        transmit(connection);
        break;
    case CW_LINGERING:
        discard(connection);
        break;
    }
}

/* --- the beginning --- */

/* A listener for both families shows callers of the old one as ::ffff:192.0.2.1. */
static void name_peer(struct cw_connection *connection, const struct sockaddr_storage *from)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    char *out = connection->peer;
    if (from->ss_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, out, sizeof connection->peer);
    else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out, sizeof connection->peer);
    else if (from->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &v6->sin6_addr, out, sizeof connection->peer);
}

void cw_connection_add(struct cw_http_server *server, int fd, const struct sockaddr_storage *from)
{
    struct cw_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->server = server;
    connection->fd = fd;
    connection->began_ns = cw_http_server_now(server);
    name_peer(connection, from);
    connection->deadline = cw_timer_create(server->config.loop, on_deadline, connection, NULL);
    if (connection->deadline == NULL || !watch_for(connection, CW_READABLE)) {
        cw_connection_free(connection);
        return;
    }
    enter(connection, CW_READING, request_time);
    connection->after = server->connections;
    if (connection->after != NULL)
        connection->after->before = connection;
    server->connections = connection;
    server->count++;
}
