/* shop.c - the shop of the benchmark, a process of its own so that its work is not counted.
 *
 *   pipeline_shop SOURCE             prints "port N" and serves GET /SHOP/TOTAL?offset=N&count=N on 127.0.0.1
 * until it is ended; for each first request of a connection prints "request NANOSECONDS" pipeline_shop SOURCE
 * SHOP TOTAL  writes one answer with all orders to standard output */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "orders.h"

enum { REQUEST_MAX = 16384, WRITTEN_AT_ONCE = 500 };

static struct bench_orders *orders[BENCH_SHOPS];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static bool send_all(int fd, struct cw_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return true;
}

/* False when the other side is done. */
static bool read_request(int fd, char request[REQUEST_MAX])
{
    size_t len = 0;
    do {
        ssize_t n = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        request[len] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL && len < REQUEST_MAX - 1);
    return true;
}

static long number_after(const char *request, const char *name)
{
    const char *at = strstr(request, name);
    return at != NULL ? atol(at + strlen(name)) : 0;
}

static void make_page(const char *request, struct cw_buffer *page)
{
    char name[32];
    long total = 0;
    for (size_t i = 0; i < BENCH_SHOPS; i++)
        if (sscanf(request, "GET /%31[a-z_]/%ld", name, &total) == 2 &&
            strcmp(name, bench_shop_names[i]) == 0) {
            long offset = number_after(request, "offset="), count = number_after(request, "count=");
            bench_orders_page(orders[i], offset,
                              offset >= total          ? 0
                              : count < total - offset ? count
                                                       : total - offset,
                              page);
        }
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    static __thread char request[REQUEST_MAX];
    struct cw_buffer page = { 0 };
    struct timespec now;
    char head[256];
    for (bool first = true; read_request(fd, request); first = false) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (first)
            printf("request %lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
        cw_buffer_clear(&page);
        make_page(request, &page);
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                 page.len > 0 ? "200 OK" : "404 Not Found",
                 page.len > 0 && page.data[0] == '<' ? "text/xml; charset=utf-8" : "application/json",
                 page.len);
        if (!send_all(fd, cw_slice(head)) || !send_all(fd, cw_buffer_slice(&page)))
            break;
    }
    cw_buffer_fini(&page);
    close(fd);
    return NULL;
}

static _Noreturn void serve_all(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        fail("listen");
    printf("port %d\n", ntohs(address.sin_port));
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0)
            fail("accept");
        pthread_detach(thread);
    }
}

/* In parts, because a file of 100,000 orders need not be in memory at once: a whole page is cut open between
 * two orders. */
static int write_all(enum bench_shop shop, long total)
{
    struct cw_buffer empty = { 0 }, page = { 0 };
    bench_orders_page(orders[shop], 0, 0, &empty);
    const char *end = strstr(empty.data, "</SETIOrders>");
    if (end == NULL)
        fail("this shop sends no files");
    size_t head = (size_t)(end - empty.data), tail = empty.len - head;
    fwrite(empty.data, 1, head, stdout);
    for (long first = 0; first < total; first += WRITTEN_AT_ONCE) {
        cw_buffer_clear(&page);
        bench_orders_page(orders[shop], first,
                          total - first < WRITTEN_AT_ONCE ? total - first : WRITTEN_AT_ONCE, &page);
        fwrite(page.data + head, 1, page.len - head - tail, stdout);
    }
    fwrite(end, 1, tail, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4)
        return 2;
    setvbuf(stdout, NULL, argc == 2 ? _IOLBF : _IOFBF, 1 << 16);
    for (int i = 0; i < BENCH_SHOPS; i++)
        orders[i] = bench_orders_load(argv[1], (enum bench_shop)i);
    for (int i = 0; i < BENCH_SHOPS && argc == 4; i++)
        if (strcmp(argv[2], bench_shop_names[i]) == 0)
            return write_all((enum bench_shop)i, atol(argv[3]));
    serve_all();
}
