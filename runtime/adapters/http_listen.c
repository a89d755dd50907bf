/* http_listen.c - listening sockets for the HTTP server. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "adapters/http_server.h"

enum { BACKLOG = 512 }; /* bursts of notices while the loop is busy */

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

static const char *how_to_mend(int number)
{
    switch (number) {
    case EADDRINUSE:
        return "; another program has that port: end it, or give another port";
    case EACCES:
        return "; ports below 1024 are for root: give another port";
    case EADDRNOTAVAIL:
        return "; this machine does not have that address";
    }
    return "";
}

/* SO_REUSEADDR: a server that starts again must not wait for the old connections' last packets. */
int cw_http_listen(const char *address, unsigned port, struct cw_error *err)
{
    struct sockaddr_storage at = { 0 };
    socklen_t len = 0;
    int on = 1;
    if (!parse_address(address, port, &at, &len)) {
        cw_fail(err, CW_USAGE, "cannot listen on %s, port %u: write an IP address such as 127.0.0.1", address,
                port);
        return -1;
    }
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    cw_fail(err, CW_IO, "cannot listen on %s, port %u: %s%s", address, port, strerror(errno),
            how_to_mend(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
