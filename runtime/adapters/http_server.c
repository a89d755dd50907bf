/* http_server.c - connections of the HTTP server: how long they last, who is served, when an answer comes.
 *
 * Not on evhttp: 2.1 joins folded lines before anyone can see them, accepts two length headers, bare line
 * feeds and %00, limits neither connections nor how long a request may drip in, and a libevent filter before
 * it, which could check all that, loses answers when the connection closes after them. What is left of it is
 * less than this file. */
#include "adapters/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/http_answer.h"
#include "adapters/http_head.h"

enum { CONNECTIONS_DEFAULT = 64, BODY_DEFAULT = 1024 * 1024, READ_BYTES = 16 * 1024 };
enum { SLOWEST_READER = 16 * 1024 }; /* bytes a second; a client that takes less loses its connection */
static const cw_time request_time = 10 * CW_SECOND, answer_time = CW_MINUTE, linger_time = 2 * CW_SECOND,
                     connection_time = 5 * CW_MINUTE, accept_pause = 100 * CW_MILLISECOND;
static const int64_t patience_ns = 1000000000; /* with one that is slow while another has no slot */

enum connection_state {
    READING,  /* a request comes in */
    WAITING,  /* for its answer */
    WRITING,  /* the answer goes out */
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
    int64_t began_ns, since_ns; /* of the connection, of what it does now */
    char peer[INET6_ADDRSTRLEN];
    struct cw_buffer in;          /* received, and not yet part of the request in hand */
    struct cw_exchange *exchange; /* from its headers until its answer is on the way */
    struct cw_head_info head;
    struct cw_chunks chunks;
    struct cw_buffer out;
    size_t sent; /* of out */
    bool closes; /* after this answer */
};

struct cw_exchange {
    struct connection *connection; /* NULL = gone */
    struct cw_served_request request;
    struct cw_header *headers;
    char *head;
    struct cw_buffer body;
};

struct cw_http_server {
    struct cw_http_server_config config;
    int fd;
    struct cw_watch *watch; /* NULL = nobody is let in at present */
    struct cw_timer *pause; /* out of descriptors, or of slots */
    struct connection *connections;
    unsigned count;
    char received[READ_BYTES]; /* shared: a connection holds no more than it was sent */
};

static void on_accept(void *arg, int fd, int events);
static void on_ready(void *arg, int fd, int events);

static int64_t now_ns(const struct cw_http_server *server)
{
    return cw_elapsed_ns(cw_loop_clock(server->config.loop));
}

/* --- exchanges --- */

static void free_exchange(struct cw_exchange *exchange)
{
    if (exchange == NULL)
        return;
    free(exchange->headers);
    free(exchange->head);
    cw_buffer_fini(&exchange->body);
    free(exchange);
}

/* With a copy of the head, so that nothing in it moves while the body comes in. */
static struct cw_exchange *create_exchange(struct connection *connection)
{
    const struct cw_head_info *head = &connection->head;
    struct cw_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->head = malloc(head->len);
    exchange->headers = calloc(head->fields + 1, sizeof *exchange->headers);
    if (exchange->head == NULL || exchange->headers == NULL) {
        free_exchange(exchange);
        return NULL;
    }
    struct cw_served_request *request = &exchange->request;
    memcpy(exchange->head, connection->in.data, head->len);
    cw_http_head_split(exchange->head, head, &request->method, &request->target, exchange->headers);
    request->headers = exchange->headers;
    request->header_count = head->fields;
    request->peer = connection->peer;
    request->body = cw_slice("");
    exchange->body.limit = connection->server->config.body_limit;
    exchange->connection = connection;
    return exchange;
}

/* Whoever waits to answer keeps the exchange, and finds its client gone. */
static void leave_exchange(struct connection *connection)
{
    if (connection->exchange != NULL && connection->state == WAITING) {
        connection->exchange->connection = NULL;
        connection->exchange->request.peer = "";
    } else {
        free_exchange(connection->exchange);
    }
    connection->exchange = NULL;
}

const char *cw_served_header(const struct cw_served_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

/* --- connections --- */

static void let_in(void *arg)
{
    struct cw_http_server *server = arg;
    if (server->watch != NULL)
        return;
    server->watch = cw_watch_create(server->config.loop, server->fd, CW_READABLE, on_accept, server, NULL);
    if (server->watch == NULL)
        cw_timer_set(server->pause, accept_pause);
}

static void keep_out(struct cw_http_server *server)
{
    cw_watch_free(server->watch);
    server->watch = NULL;
    cw_timer_set(server->pause, accept_pause);
}

static void free_connection(struct connection *connection)
{
    leave_exchange(connection);
    cw_watch_free(connection->watch);
    cw_timer_free(connection->deadline);
    cw_buffer_fini(&connection->in);
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

static void enter(struct connection *connection, enum connection_state state, cw_time time)
{
    connection->state = state;
    connection->since_ns = now_ns(connection->server);
    cw_timer_set(connection->deadline, time);
}

static void unwatch(struct connection *connection)
{
    cw_watch_free(connection->watch);
    connection->watch = NULL;
}

/* False when there is no memory for it. */
static bool watch_for(struct connection *connection, int events)
{
    unwatch(connection);
    connection->watch =
        cw_watch_create(connection->server->config.loop, connection->fd, events, on_ready, connection, NULL);
    return connection->watch != NULL;
}

/* A listener for both families shows callers of the old one as ::ffff:192.0.2.1. */
static void name_peer(struct connection *connection, const struct sockaddr_storage *from)
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

/* --- answers --- */

/* What the socket takes at once goes out at once; the rest, and what comes after, when the loop says so. */
static void begin_answer(struct connection *connection, const struct cw_served_answer *answer, bool is_head)
{
    struct cw_buffer *out = &connection->out;
    int64_t age = now_ns(connection->server) - connection->began_ns;
    connection->closes = connection->closes || age > connection_time * 1000;
    if (!cw_http_answer_print(out, answer, is_head, connection->closes) ||
        !watch_for(connection, CW_WRITABLE)) {
        drop(connection);
        return;
    }
    enter(connection, WRITING, request_time + (cw_time)(out->len / SLOWEST_READER) * CW_SECOND);
    ssize_t n = send(connection->fd, out->data, out->len, MSG_NOSIGNAL);
    connection->sent = n > 0 ? (size_t)n : 0;
}

static void refuse(struct connection *connection, int status)
{
    static const struct cw_header type = { "Content-Type", "text/plain; charset=utf-8" };
    const struct cw_served_answer answer = { .status = status,
                                             .headers = &type,
                                             .header_count = 1,
                                             .body =
                                                 cw_slice("This request is not one that is served here.\n") };
    leave_exchange(connection);
    connection->closes = true;
    begin_answer(connection, &answer, false);
}

void cw_exchange_answer(struct cw_exchange *exchange, const struct cw_served_answer *answer)
{
    struct connection *connection = exchange->connection;
    if (connection != NULL) {
        connection->exchange = NULL;
        begin_answer(connection, answer, strcmp(exchange->request.method, "HEAD") == 0);
    }
    free_exchange(exchange);
}

static void on_deadline(void *arg)
{
    struct connection *connection = arg;
    if (connection->state == WAITING)
        refuse(connection, 504);
    else
        drop(connection);
}

/* --- requests --- */

/* The function may answer the exchange at once, after which nothing may be left of the connection. */
static void serve(struct connection *connection)
{
    struct cw_http_server *server = connection->server;
    struct cw_exchange *exchange = connection->exchange;
    struct cw_served_answer answer = { .status = 500 };
    exchange->request.body = cw_buffer_slice(&exchange->body);
    unwatch(connection);
    enter(connection, WAITING, answer_time);
    if (server->config.serve(server->config.arg, &exchange->request, &answer, exchange))
        cw_exchange_answer(exchange, &answer);
}

/* Status of a refusal, 0 when the head is good, -1 when more must come. */
static int read_head(struct connection *connection)
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
    if (head->body_len > connection->server->config.body_limit)
        return 413;
    connection->closes = head->closes;
    connection->chunks = (struct cw_chunks){ 0 };
    connection->exchange = create_exchange(connection);
    return connection->exchange != NULL ? 0 : 503;
}

static void consume(struct cw_buffer *in, size_t len)
{
    in->len -= len;
    memmove(in->data, in->data + len, in->len);
}

/* Clients that announce large bodies wait for leave to send them. */
static void invite_body(struct connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expected = cw_served_header(&connection->exchange->request, "Expect");
    if (expected != NULL && strcasecmp(expected, "100-continue") == 0 && connection->in.len == 0)
        (void)!send(connection->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
}

/* True when the request was answered without its body; the connection may be gone then. */
static bool screen(struct connection *connection)
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
static bool take_head(struct connection *connection)
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
static int read_chunks(struct connection *connection)
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

static int read_body(struct connection *connection)
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
static void advance(struct connection *connection)
{
    if (connection->exchange == NULL && !take_head(connection))
        return;
    int status = read_body(connection);
    if (status == 0)
        serve(connection);
    else if (status > 0)
        refuse(connection, status);
}

/* --- what a socket has to say; each called last --- */

static void linger(struct connection *connection)
{
    if (shutdown(connection->fd, SHUT_WR) != 0 || !watch_for(connection, CW_READABLE)) {
        drop(connection);
        return;
    }
    enter(connection, LINGERING, linger_time);
}

/* The next request may be here already, in part or whole. */
static void end_answer(struct connection *connection)
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
        drop(connection);
        return;
    }
    enter(connection, READING, request_time);
    if (connection->in.len > 0)
        advance(connection);
}

/* Heads are read again from their beginning, so not for every byte that drips in. */
static bool is_worth_a_look(const struct connection *connection, size_t before)
{
    const struct cw_buffer *in = &connection->in;
    return connection->exchange != NULL || in->len > CW_HTTP_HEAD_MAX ||
           memchr(in->data + before, '\n', in->len - before) != NULL;
}

static void receive(struct connection *connection)
{
    struct cw_buffer *in = &connection->in;
    size_t before = in->len;
    char *received = connection->server->received;
    ssize_t n = recv(connection->fd, received, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || !cw_buffer_add(in, received, (size_t)n, NULL)) {
        drop(connection);
        return;
    }
    if (before == 0 && connection->exchange == NULL) /* it was idle; now the request's own time begins */
        enter(connection, READING, request_time);
    if (is_worth_a_look(connection, before))
        advance(connection);
}

static void transmit(struct connection *connection)
{
    struct cw_buffer *out = &connection->out;
    ssize_t n = 0;
    if (connection->sent < out->len)
        n = send(connection->fd, out->data + connection->sent, out->len - connection->sent, MSG_NOSIGNAL);
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
    ssize_t n = recv(connection->fd, connection->server->received, READ_BYTES, 0);
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
    case WAITING: /* nothing is watched then */
        break;
    case WRITING:
        transmit(connection);
        break;
    case LINGERING:
        discard(connection);
        break;
    }
}

/* --- who is let in --- */

/* False when nobody has been slow enough to lose its place. */
static bool make_room(struct cw_http_server *server)
{
    struct connection *slowest = NULL;
    for (struct connection *at = server->connections; at != NULL; at = at->after)
        if (at->state != WAITING && (slowest == NULL || at->since_ns < slowest->since_ns))
            slowest = at;
    if (slowest == NULL || now_ns(server) - slowest->since_ns < patience_ns)
        return false;
    drop(slowest);
    return true;
}

static void add_connection(struct cw_http_server *server, int fd, const struct sockaddr_storage *from)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->server = server;
    connection->fd = fd;
    connection->began_ns = now_ns(server);
    name_peer(connection, from);
    connection->deadline = cw_timer_create(server->config.loop, on_deadline, connection, NULL);
    if (connection->deadline == NULL || !watch_for(connection, CW_READABLE)) {
        free_connection(connection);
        return;
    }
    enter(connection, READING, request_time);
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
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof from;
    if (server->count >= server->config.connections && !make_room(server)) {
        keep_out(server);
        return;
    }
    int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        add_connection(server, fd, &from);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        keep_out(server); /* or the loop would spin */
}

/* --- life --- */

struct cw_http_server *cw_http_server_open_on(const struct cw_http_server_config *config, int fd,
                                              struct cw_error *err)
{
    struct cw_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a server");
        close(fd);
        return NULL;
    }
    server->fd = fd;
    server->config = *config;
    if (server->config.connections == 0)
        server->config.connections = CONNECTIONS_DEFAULT;
    if (server->config.body_limit == 0)
        server->config.body_limit = BODY_DEFAULT;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* another process may take what we were woken for */
    server->pause = cw_timer_create(config->loop, let_in, server, err);
    if (server->pause != NULL)
        server->watch = cw_watch_create(config->loop, fd, CW_READABLE, on_accept, server, err);
    if (server->watch != NULL)
        return server;
    cw_http_server_close(server);
    return NULL;
}

struct cw_http_server *cw_http_server_open(const struct cw_http_server_config *config, const char *address,
                                           unsigned port, struct cw_error *err)
{
    int fd = cw_http_listen(address, port, err);
    return fd >= 0 ? cw_http_server_open_on(config, fd, err) : NULL;
}

unsigned cw_http_server_port(const struct cw_http_server *server)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = sizeof at;
    getsockname(server->fd, (struct sockaddr *)&at, &len);
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
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
    close(server->fd);
    free(server);
}
