/* wire.h - HTTP/1.1 on the loopback for a shop that misbehaves: GET only, answers byte by byte as told. */
#ifndef CW_TESTS_SOAK_WIRE_H
#define CW_TESTS_SOAK_WIRE_H

#include "adapters/http.h"

enum { WIRE_HOSTS = 8 }; /* 127.0.0.1 to 127.0.0.8, on one port */

struct wire;

struct wire_request {
    const char *target;        /* path and query as received */
    const char *authorization; /* NULL = none */
};

enum wire_end {
    WIRE_KEEP,
    WIRE_RESET,
    WIRE_SILENT /* stays open, nothing comes any more */
};

struct wire_answer {
    struct cw_buffer *bytes; /* head and body */
    size_t cut;              /* only so many of them; SIZE_MAX = all */
    cw_time delay;           /* before the first */
    size_t pause_at;         /* behind so many bytes a pause is made; 0 = none */
    cw_time pause;
    enum wire_end end; /* behind what was sent */
};

/* Fills *answer; its buffer is empty and the wire's. */
typedef void wire_serve_fn(void *arg, const struct wire_request *request, struct wire_answer *answer);

/* Ends the program when it cannot. */
struct wire *wire_open(struct cw_loop *loop, wire_serve_fn *serve, void *arg);
unsigned wire_port(const struct wire *wire);
/* Nobody can connect, until it is opened again. */
void wire_shut(struct wire *wire, bool is_shut);
unsigned wire_connections(const struct wire *wire); /* so far */

#endif
