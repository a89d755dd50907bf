/* http_server_private.h - what the files of the HTTP server share: http_server.c lets connections in,
 * http_connection.c leads each through its requests, http_exchange.c keeps a request until it is answered. */
#ifndef CW_ADAPTERS_HTTP_SERVER_PRIVATE_H
#define CW_ADAPTERS_HTTP_SERVER_PRIVATE_H

#include <arpa/inet.h>

#include "adapters/http_head.h"
#include "adapters/http_server.h"

enum { CW_HTTP_READ_BYTES = 16 * 1024 };

enum cw_connection_state {
    CW_READING,  /* a request comes in */
    CW_WAITING,  /* for its answer */
    CW_WRITING,  /* the answer goes out */
    CW_LINGERING /* closed on our side; what still comes is thrown away, so that the answer is not lost to a
                 reset */
};

struct cw_connection {
    struct cw_http_server *server;
    struct cw_connection *before, *after;
    enum cw_connection_state state;
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
    struct cw_connection *connection; /* NULL = gone */
    struct cw_served_request request;
    struct cw_header *headers;
    char *head;
    struct cw_buffer body;
    size_t counted; /* of the body, in what the server holds */
};

struct cw_http_server {
    struct cw_http_server_config config;
    int fd;
    struct cw_watch *watch; /* NULL = nobody is let in at present */
    struct cw_timer *pause; /* out of descriptors, or of slots */
    struct cw_connection *connections;
    unsigned count;
    size_t held;                       /* bytes of bodies that have come or are coming in */
    char received[CW_HTTP_READ_BYTES]; /* shared: a connection holds no more than it was sent */
};

/* --- http_server.c --- */

int64_t cw_http_server_now(const struct cw_http_server *server); /* nanoseconds, of no particular beginning */
void cw_http_server_let_in(struct cw_http_server *server);       /* a slot became free */

/* --- http_connection.c --- */

/* Owns `fd`, success or not. */
void cw_connection_add(struct cw_http_server *server, int fd, const struct sockaddr_storage *from);
void cw_connection_drop(struct cw_connection *connection);
void cw_connection_free(struct cw_connection *connection); /* the same, when its server goes as well */

/* --- http_exchange.c --- */

/* Of the head that connection->in begins with; NULL when there is no memory. */
struct cw_exchange *cw_exchange_create(struct cw_connection *connection);
void cw_exchange_free(struct cw_exchange *exchange); /* accepts NULL */
/* Counts what the body has grown by; false when all bodies together are more than the server may hold. */
bool cw_exchange_count(struct cw_exchange *exchange);
/* Its connection goes, or is done with it. Whoever waits to answer keeps it, and finds its client gone. */
void cw_exchange_part(struct cw_exchange *exchange);
void cw_exchange_leave(struct cw_connection *connection);

#endif
