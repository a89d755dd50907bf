/* http_server.c - the HTTP server: whom it lets in, and for how long.
 *
 * Not on evhttp: 2.1 joins folded lines before anyone can see them, accepts two length headers, bare line
 * feeds and %00, limits neither connections nor how long a request may drip in, and a libevent filter before
 * it, which could check all that, loses answers when the connection closes after them. What is left of it is
 * less than these files. */
#include "adapters/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/http_server_private.h"

enum { CONNECTIONS_DEFAULT = 64, BODY_DEFAULT = 1024 * 1024, BODIES_DEFAULT = 16 };
static const cw_time accept_pause = 100 * CW_MILLISECOND;
static const int64_t patience_ns = 1000000000; /* with one that is slow while another has no slot */

static void on_accept(void *arg, int fd, int events);

int64_t cw_http_server_now(const struct cw_http_server *server)
{
    return cw_elapsed_ns(cw_loop_clock(server->config.loop));
}

void cw_http_server_let_in(struct cw_http_server *server)
{
    if (server->watch != NULL)
        return;
    server->watch = cw_watch_create(server->config.loop, server->fd, CW_READABLE, on_accept, server, NULL);
    if (server->watch == NULL)
        cw_timer_set(server->pause, accept_pause);
}

static void let_in(void *arg)
{
    cw_http_server_let_in(arg);
}

static void keep_out(struct cw_http_server *server)
{
    cw_watch_free(server->watch);
    server->watch = NULL;
    cw_timer_set(server->pause, accept_pause);
}

/* False when nobody has been slow enough to lose its place. */
static bool make_room(struct cw_http_server *server)
{
    struct cw_connection *slowest = NULL;
    for (struct cw_connection *at = server->connections; at != NULL; at = at->after)
        if (at->state != CW_WAITING && (slowest == NULL || at->since_ns < slowest->since_ns))
            slowest = at;
    if (slowest == NULL || cw_http_server_now(server) - slowest->since_ns < patience_ns)
        return false;
    cw_connection_drop(slowest);
    return true;
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
        cw_connection_add(server, fd, &from);
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
    if (server->config.memory_limit == 0)
        server->config.memory_limit = BODIES_DEFAULT * server->config.body_limit;
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
    for (struct cw_connection *at = server->connections, *after; at != NULL; at = after) {
        after = at->after;
        cw_connection_free(at);
    }
    cw_watch_free(server->watch);
    cw_timer_free(server->pause);
    close(server->fd);
    free(server);
}
