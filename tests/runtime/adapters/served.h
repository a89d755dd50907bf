/* served.h - an HTTP server on a loopback port, and clients that send it bytes. */
#ifndef CW_TESTS_SERVED_H
#define CW_TESTS_SERVED_H

#include "adapters/http_server.h"
#include "testing.h"

enum { LATE_MAX = 16 };

struct site {
    struct cw_loop *loop;
    struct cw_http_server *server;
    struct cw_served_answer answer; /* to every request */
    unsigned served;
    bool is_late; /* exchanges are kept, to be answered by the test */
    struct cw_exchange *late[LATE_MAX];
    const struct cw_served_request *requests[LATE_MAX];
    unsigned late_count;
    bool (*screen)(const struct cw_served_request *request); /* true: refused with 403 */
    char method[16], target[256], header[64], body[256];
};

bool on_request(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                struct cw_exchange *exchange);
void open_site(struct site *site, unsigned connections, size_t body_limit);
/* With what `config` says; its loop, functions and address are filled in. */
void open_site_with(struct site *site, struct cw_http_server_config config);
void close_site(struct site *site);

struct raw {
    struct site *site;
    int fd;
    struct cw_watch *watch;
    char got[64 * 1024];
    size_t len;
    bool closed;
};

void raw_open(struct raw *raw, struct site *site);
void raw_send(struct raw *raw, const char *bytes, size_t len);
void raw_close(struct raw *raw);

/* Until a connection is closed by the server, or the time is over. */
void run_for(struct site *site, cw_time time);
/* Sends and waits for the server to close, or 300 ms. */
void raw_exchange(struct raw *raw, struct site *site, const char *bytes);

#define CLOSING "Host: a\r\nConnection: close\r\n\r\n"

#endif
