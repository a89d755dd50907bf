/* wire.c - see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http_head.h"
#include "adapters/http_server.h"

struct wire {
    struct cw_loop *loop;
    wire_serve_fn *serve;
    void *arg;
    int listeners[WIRE_HOSTS];
    struct cw_watch *doors[WIRE_HOSTS]; /* NULL = shut */
    unsigned port, connections;
};

struct connection {
    struct wire *wire;
    int fd;
    struct cw_watch *readable, *writable;
    struct cw_timer *timer;
    char in[CW_HTTP_HEAD_MAX + 1];
    size_t in_len;
    struct cw_buffer out;
    size_t sent;
    bool is_answering, is_paused;
    struct wire_answer answer;
};

static void drop(struct connection *conn, bool is_reset)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (is_reset)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    cw_watch_free(conn->readable);
    cw_watch_free(conn->writable);
    cw_timer_free(conn->timer);
    close(conn->fd);
    cw_buffer_fini(&conn->out);
    free(conn);
}

/* --- answers --- */

static void answer_next(struct connection *conn);
static void go_on(struct connection *conn);

static void may_write(void *arg, int fd, int events)
{
    struct connection *conn = arg;
    (void)fd, (void)events;
    cw_watch_free(conn->writable);
    conn->writable = NULL;
    go_on(conn);
}

static void wait_to_write(struct connection *conn)
{
    struct cw_error err;
    conn->writable = cw_watch_create(conn->wire->loop, conn->fd, CW_WRITABLE, may_write, conn, &err);
    if (conn->writable == NULL)
        drop(conn, true);
}

static void finish(struct connection *conn)
{
    if (conn->answer.end == WIRE_RESET) {
        drop(conn, true);
    } else if (conn->answer.end == WIRE_KEEP) {
        conn->is_answering = false;
        answer_next(conn);
    } /* else it waits until the client has enough */
}

/* How far it may write now. */
static size_t limit_of(const struct connection *conn)
{
    size_t limit = conn->answer.cut < conn->out.len ? conn->answer.cut : conn->out.len;
    bool pauses = conn->answer.pause_at > conn->sent && conn->answer.pause_at < limit;
    return pauses ? conn->answer.pause_at : limit;
}

static void go_on(struct connection *conn)
{
    size_t limit = limit_of(conn);
    while (conn->sent < limit) {
        ssize_t n = send(conn->fd, conn->out.data + conn->sent, limit - conn->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            wait_to_write(conn);
            return;
        }
        if (n <= 0) {
            drop(conn, false);
            return;
        }
        conn->sent += (size_t)n;
    }
    if (conn->sent == conn->answer.pause_at && conn->sent < limit_of(conn))
        cw_timer_set(conn->timer, conn->answer.pause);
    else
        finish(conn);
}

static void time_came(void *arg)
{
    go_on(arg);
}

/* --- requests --- */

static const char *authorization_of(const struct cw_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, "authorization") == 0)
            return headers[i].value;
    return NULL;
}

static void serve(struct connection *conn, const struct cw_head_info *info)
{
    char head[CW_HTTP_HEAD_MAX + 1];
    const char *method;
    struct wire_request request;
    struct cw_header headers[64];
    memcpy(head, conn->in, info->len);
    if (info->fields > sizeof headers / sizeof *headers || info->body_len > 0) {
        drop(conn, true);
        return;
    }
    cw_http_head_split(head, info, &method, &request.target, headers);
    request.authorization = authorization_of(headers, info->fields);
    conn->in_len -= info->len;
    memmove(conn->in, conn->in + info->len, conn->in_len);
    conn->is_answering = true;
    conn->sent = 0;
    cw_buffer_clear(&conn->out);
    conn->answer = (struct wire_answer){ .bytes = &conn->out, .cut = SIZE_MAX };
    conn->wire->serve(conn->wire->arg, &request, &conn->answer);
    cw_timer_set(conn->timer, conn->answer.delay);
}

static void answer_next(struct connection *conn)
{
    struct cw_head_info info;
    enum cw_head head = cw_http_head_read((struct cw_slice){ conn->in, conn->in_len }, &info);
    if (head == CW_HEAD_GOOD)
        serve(conn, &info);
    else if (head != CW_HEAD_INCOMPLETE)
        drop(conn, true);
}

static void may_read(void *arg, int fd, int events)
{
    struct connection *conn = arg;
    (void)events;
    ssize_t n = recv(fd, conn->in + conn->in_len, sizeof conn->in - 1 - conn->in_len, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(conn, false);
        return;
    }
    conn->in_len += (size_t)n;
    if (!conn->is_answering)
        answer_next(conn);
}

/* --- the door --- */

static void connected(struct wire *wire, int fd)
{
    struct cw_error err;
    struct connection *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        abort();
    wire->connections++;
    conn->wire = wire;
    conn->fd = fd;
    conn->timer = cw_timer_create(wire->loop, time_came, conn, &err);
    conn->readable = cw_watch_create(wire->loop, fd, CW_READABLE, may_read, conn, &err);
    if (conn->timer == NULL || conn->readable == NULL)
        drop(conn, true);
}

static void knocked(void *arg, int listener, int events)
{
    struct wire *wire = arg;
    int fd;
    (void)events;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        connected(wire, fd);
}

static void shut_door(struct wire *wire, int host)
{
    if (wire->doors[host] == NULL)
        return;
    cw_watch_free(wire->doors[host]);
    close(wire->listeners[host]);
    wire->doors[host] = NULL;
}

static bool open_door(struct wire *wire, int host)
{
    struct cw_error err;
    char address[32];
    if (wire->doors[host] != NULL)
        return true;
    snprintf(address, sizeof address, "127.0.0.%d", host + 1);
    wire->listeners[host] = cw_http_listen(address, wire->port, &err);
    if (wire->listeners[host] < 0)
        return false;
    wire->doors[host] = cw_watch_create(wire->loop, wire->listeners[host], CW_READABLE, knocked, wire, &err);
    if (wire->doors[host] == NULL)
        abort();
    return true;
}

/* Somebody's connection may have got the number meanwhile, but not for long. */
void wire_shut(struct wire *wire, bool is_shut)
{
    for (int i = 0; i < WIRE_HOSTS; i++)
        if (is_shut)
            shut_door(wire, i);
        else
            while (!open_door(wire, i))
                usleep(10000);
}

static unsigned port_of(int listener)
{
    struct sockaddr_in at = { .sin_port = 0 };
    socklen_t len = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &len);
    return ntohs(at.sin_port);
}

struct wire *wire_open(struct cw_loop *loop, wire_serve_fn *serve_one, void *arg)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        abort();
    *wire = (struct wire){ .loop = loop, .serve = serve_one, .arg = arg };
    if (!open_door(wire, 0)) {
        fprintf(stderr, "soak_shop: no socket to listen on\n");
        exit(1);
    }
    wire->port = port_of(wire->listeners[0]);
    wire_shut(wire, false); /* the others, with the same port */
    return wire;
}

unsigned wire_port(const struct wire *wire)
{
    return wire->port;
}

unsigned wire_connections(const struct wire *wire)
{
    return wire->connections;
}
