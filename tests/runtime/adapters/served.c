/* served.c - see served.h. */
#include "served.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool on_request(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                struct cw_exchange *exchange)
{
    struct site *site = arg;
    site->served++;
    snprintf(site->method, sizeof site->method, "%s", request->method);
    snprintf(site->target, sizeof site->target, "%s", request->target);
    snprintf(site->body, sizeof site->body, "%.*s", CW_SLICE_ARG(request->body));
    for (size_t i = 0; i < request->header_count; i++)
        if (strcmp(request->headers[i].name, "X-Test") == 0)
            snprintf(site->header, sizeof site->header, "%s", request->headers[i].value);
    *answer = site->answer;
    if (!site->is_late)
        return true;
    assert_true(site->late_count < LATE_MAX);
    site->requests[site->late_count] = request;
    site->late[site->late_count++] = exchange;
    return false;
}

static bool on_head(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer)
{
    struct site *site = arg;
    answer->status = 403;
    return site->screen != NULL && site->screen(request);
}

void open_site_with(struct site *site, struct cw_http_server_config config)
{
    struct cw_error err = { 0 };
    memset(site, 0, sizeof *site);
    site->loop = cw_loop_create(&err);
    site->answer = (struct cw_served_answer){ .status = 200, .body = cw_slice("hello") };
    config.loop = site->loop;
    config.serve = on_request;
    config.screen = on_head;
    config.arg = site;
    site->server = cw_http_server_open(&config, "127.0.0.1", 0, &err);
    assert_ok(site->server != NULL, err);
}

void open_site(struct site *site, unsigned connections, size_t body_limit)
{
    open_site_with(site,
                   (struct cw_http_server_config){ .connections = connections, .body_limit = body_limit });
}

void close_site(struct site *site)
{
    cw_http_server_close(site->server);
    cw_loop_free(site->loop);
}

static void raw_readable(void *arg, int fd, int events)
{
    (void)events;
    struct raw *raw = arg;
    ssize_t n = recv(fd, raw->got + raw->len, sizeof raw->got - 1 - raw->len, 0);
    if (n > 0 && raw->len + (size_t)n == sizeof raw->got - 1)
        cw_loop_stop(raw->site->loop); /* full: the test must empty it */
    if (n > 0) {
        raw->len += (size_t)n;
        raw->got[raw->len] = '\0';
        return;
    }
    raw->closed = true;
    cw_watch_free(raw->watch);
    raw->watch = NULL;
    cw_loop_stop(raw->site->loop);
}

void raw_open(struct raw *raw, struct site *site)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)cw_http_server_port(site->server)) };
    memset(raw, 0, sizeof *raw);
    raw->site = site;
    raw->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(raw->fd, (struct sockaddr *)&at, sizeof at), 0);
    fcntl(raw->fd, F_SETFL, O_NONBLOCK);
    raw->watch = cw_watch_create(site->loop, raw->fd, CW_READABLE, raw_readable, raw, NULL);
}

void raw_send(struct raw *raw, const char *bytes, size_t len)
{
    ssize_t n = send(raw->fd, bytes, len, MSG_NOSIGNAL);
    (void)n; /* the server may have had enough */
}

void raw_close(struct raw *raw)
{
    cw_watch_free(raw->watch);
    close(raw->fd);
}

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

void run_for(struct site *site, cw_time time)
{
    struct cw_timer *stop = cw_timer_create(site->loop, stop_loop, site->loop, NULL);
    cw_timer_set(stop, time);
    cw_loop_run(site->loop);
    cw_timer_free(stop);
}

void raw_exchange(struct raw *raw, struct site *site, const char *bytes)
{
    raw_open(raw, site);
    raw_send(raw, bytes, strlen(bytes));
    run_for(site, 300 * CW_MILLISECOND);
    raw_close(raw);
}
