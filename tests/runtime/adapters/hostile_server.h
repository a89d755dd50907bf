/* hostile_server.h - a server for tests that misbehaves exactly as told: plain sockets and threads, a free
 * loopback port, nothing of the code under test. */
#ifndef CW_TESTS_HOSTILE_SERVER_H
#define CW_TESTS_HOSTILE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum hostile_end {
    HOSTILE_KEEP,  /* the connection waits for the next request */
    HOSTILE_CLOSE, /* orderly end */
    HOSTILE_RESET,
    HOSTILE_STALL, /* stays open, sends nothing more */
    HOSTILE_REPEAT /* `again` for ever, or until the client goes away */
};

/* What happens to one request; requests are counted over all connections. */
struct hostile_step {
    const char *bytes; /* the answer, raw */
    size_t len;        /* 0 = strlen(bytes) */
    size_t cut;        /* only so many bytes of it; 0 = all */
    bool cut_all;      /* none of it */
    int pause_ms;      /* after each byte */
    int delay_ms;      /* before the first */
    int read_most;     /* bytes of the request that are read; 0 = all of it, -1 = none */
    enum hostile_end end;
    const char *again;
    size_t again_len; /* 0 = strlen(again) */
};

enum { HOSTILE_SEEN_MAX = 64, HOSTILE_TEXT_MAX = 2048 };

struct hostile {
    unsigned port;
    const struct hostile_step *steps; /* the last one repeats */
    size_t step_count;
    /* Written under a lock; read them when nothing is under way. */
    unsigned connections, open, open_most, requests;
    unsigned long long sent;                       /* bytes */
    char seen[HOSTILE_SEEN_MAX][HOSTILE_TEXT_MAX]; /* requests as they came, cut */
    struct hostile_private *own;
};

/* `steps` is borrowed. */
struct hostile *hostile_start(const struct hostile_step *steps, size_t count);
void hostile_stop(struct hostile *server);

/* A port on which connecting never ends: its queue is full. Close with hostile_stop_full. */
struct hostile_full {
    unsigned port;
    int fds[8];
};
struct hostile_full hostile_start_full(void);
void hostile_stop_full(struct hostile_full *full);

/* A port that nobody listens on. */
unsigned hostile_closed_port(void);

#endif
