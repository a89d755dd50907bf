/* hostile_server.c - see hostile_server.h. */
#include "hostile_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 512 };

struct connection {
    struct hostile *server;
    pthread_t thread;
    int fd;
};

struct hostile_private {
    int listener;
    int wake[2]; /* closed for writing when all must end */
    pthread_t acceptor;
    pthread_mutex_t lock;
    struct connection connections[CONNECTIONS_MAX];
    size_t count;
};

static int bind_loopback(int backlog, unsigned *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || (backlog >= 0 && listen(fd, backlog) != 0) ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        abort();
    *port = ntohs(at.sin_port);
    return fd;
}

/* False when the server ends, or after `ms`. */
static bool wait_for(struct hostile *server, int fd, short events, int ms)
{
    struct pollfd polls[] = { { .fd = server->own->wake[0], .events = POLLIN },
                              { .fd = fd, .events = events } };
    return poll(polls, fd >= 0 ? 2 : 1, ms) > 0 && polls[0].revents == 0;
}

static size_t wanted_size(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    if (end == NULL)
        return SIZE_MAX;
    const char *at = strcasestr(text, "\r\nContent-Length:");
    size_t body = at != NULL && at < end ? strtoul(at + 17, NULL, 10) : 0;
    return (size_t)(end + 4 - text) + body;
}

/* One whole request, or as much as the step wants to see. False when the client or the server went away. */
static bool read_request(struct hostile *server, int fd, char *text, int most)
{
    size_t len = 0, wanted = most > 0 ? (size_t)most : SIZE_MAX;
    text[0] = '\0';
    while (len < wanted) {
        char sink[4096];
        if (!wait_for(server, fd, POLLIN, -1))
            return false;
        ssize_t n = recv(fd, sink, most > 0 && wanted - len < sizeof sink ? wanted - len : sizeof sink, 0);
        if (n <= 0)
            return false;
        if (len < HOSTILE_TEXT_MAX - 1) {
            size_t room = HOSTILE_TEXT_MAX - 1 - len, part = (size_t)n < room ? (size_t)n : room;
            memcpy(text + len, sink, part);
            text[len + part] = '\0';
        }
        len += (size_t)n;
        if (most == 0)
            wanted = wanted_size(text, strlen(text));
    }
    return true;
}

static bool send_all(struct hostile *server, int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        if (!wait_for(server, fd, POLLOUT, -1))
            return false;
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            return false;
        __atomic_add_fetch(&server->sent, (unsigned long long)n, __ATOMIC_RELAXED);
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_answer(struct hostile *server, int fd, const struct hostile_step *step)
{
    size_t len = step->bytes == NULL ? 0 : step->len > 0 ? step->len : strlen(step->bytes);
    if (step->cut_all)
        len = 0;
    else if (step->cut > 0 && step->cut < len)
        len = step->cut;
    if (step->delay_ms > 0)
        wait_for(server, -1, 0, step->delay_ms);
    if (step->pause_ms == 0)
        return send_all(server, fd, step->bytes, len);
    for (size_t i = 0; i < len; i++) {
        if (!send_all(server, fd, step->bytes + i, 1))
            return false;
        wait_for(server, -1, 0, step->pause_ms);
    }
    return true;
}

/* Many at once: the client, not this server, is what is to be kept busy. */
static void repeat(struct hostile *server, int fd, const char *again, size_t len)
{
    char block[16 * 1024];
    size_t filled = 0;
    while (filled == 0 || filled + len <= sizeof block) {
        if (len > sizeof block)
            break;
        memcpy(block + filled, again, len);
        filled += len;
    }
    while (send_all(server, fd, filled > 0 ? block : again, filled > 0 ? filled : len))
        ;
}

/* True when the connection goes on. */
static bool end_step(struct hostile *server, int fd, const struct hostile_step *step)
{
    struct linger at_once = { .l_onoff = 1 };
    char sink[64];
    switch (step->end) {
    case HOSTILE_KEEP:
        return true;
    case HOSTILE_RESET:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        break;
    case HOSTILE_STALL:
        while (wait_for(server, fd, POLLIN, -1) && recv(fd, sink, sizeof sink, 0) > 0)
            ;
        break;
    case HOSTILE_REPEAT:
        repeat(server, fd, step->again, step->again_len > 0 ? step->again_len : strlen(step->again));
        break;
    case HOSTILE_CLOSE:
        break;
    }
    return false;
}

static const struct hostile_step *step_for(struct hostile *server)
{
    size_t at = server->requests < server->step_count ? server->requests : server->step_count - 1;
    return &server->steps[at];
}

static const struct hostile_step *note_request(struct hostile *server, const char *text)
{
    pthread_mutex_lock(&server->own->lock);
    const struct hostile_step *step = step_for(server);
    if (server->requests < HOSTILE_SEEN_MAX)
        strcpy(server->seen[server->requests], text);
    server->requests++;
    pthread_mutex_unlock(&server->own->lock);
    return step;
}

static void serve(struct hostile *server, int fd)
{
    char text[HOSTILE_TEXT_MAX];
    for (;;) {
        pthread_mutex_lock(&server->own->lock);
        int most = step_for(server)->read_most;
        pthread_mutex_unlock(&server->own->lock);
        text[0] = '\0';
        if (most >= 0 && !read_request(server, fd, text, most))
            return;
        if (most <
            0) /* what is reset before the client knows that it is connected was never a connection to it */
            wait_for(server, fd, POLLIN, 1000);
        const struct hostile_step *step = note_request(server, text);
        if (!send_answer(server, fd, step) || !end_step(server, fd, step))
            return;
    }
}

static void *run_connection(void *arg)
{
    struct connection *connection = arg;
    struct hostile *server = connection->server;
    serve(server, connection->fd);
    pthread_mutex_lock(&server->own->lock);
    server->open--;
    pthread_mutex_unlock(&server->own->lock);
    close(connection->fd);
    return NULL;
}

static void *run_acceptor(void *arg)
{
    struct hostile *server = arg;
    struct hostile_private *own = server->own;
    while (wait_for(server, own->listener, POLLIN, -1) && own->count < CONNECTIONS_MAX) {
        struct connection *connection = &own->connections[own->count];
        connection->server = server;
        connection->fd = accept4(own->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection->fd < 0)
            continue;
        pthread_mutex_lock(&own->lock);
        own->count++;
        server->connections++;
        if (++server->open > server->open_most)
            server->open_most = server->open;
        pthread_mutex_unlock(&own->lock);
        if (pthread_create(&connection->thread, NULL, run_connection, connection) != 0)
            abort();
    }
    return NULL;
}

struct hostile *hostile_start(const struct hostile_step *steps, size_t count)
{
    struct hostile *server = calloc(1, sizeof *server);
    struct hostile_private *own = calloc(1, sizeof *own);
    if (server == NULL || own == NULL || pipe2(own->wake, O_CLOEXEC) != 0)
        abort();
    server->own = own;
    server->steps = steps;
    server->step_count = count;
    own->listener = bind_loopback(128, &server->port);
    pthread_mutex_init(&own->lock, NULL);
    if (pthread_create(&own->acceptor, NULL, run_acceptor, server) != 0)
        abort();
    return server;
}

void hostile_stop(struct hostile *server)
{
    struct hostile_private *own = server->own;
    close(own->wake[1]);
    pthread_join(own->acceptor, NULL);
    for (size_t i = 0; i < own->count; i++)
        pthread_join(own->connections[i].thread, NULL);
    close(own->wake[0]);
    close(own->listener);
    pthread_mutex_destroy(&own->lock);
    free(own);
    free(server);
}

struct hostile_full hostile_start_full(void)
{
    struct hostile_full full = { 0 };
    full.fds[0] = bind_loopback(0, &full.port);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((unsigned short)full.port) };
    for (size_t i = 1; i < sizeof full.fds / sizeof *full.fds; i++) {
        full.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(full.fds[i], (struct sockaddr *)&at, sizeof at);
    }
    return full;
}

void hostile_stop_full(struct hostile_full *full)
{
    for (size_t i = 0; i < sizeof full->fds / sizeof *full->fds; i++)
        close(full->fds[i]);
}

unsigned hostile_closed_port(void)
{
    unsigned port;
    close(bind_loopback(-1, &port));
    return port;
}
