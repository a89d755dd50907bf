/* serve_late.h - answers that are sent later than they were made, so that who guesses passwords is slowed
 * down and nobody else. Internal to serve.c. */
#ifndef CW_ENGINE_SERVE_LATE_H
#define CW_ENGINE_SERVE_LATE_H

#include "adapters/http_server.h"
#include "adapters/loop.h"

struct cw_late_one;

struct cw_late {
    struct cw_loop *loop;
    struct cw_late_one *first;
};

/* Answers after `wait`; at once when that is 0, and when it is too long an answer, or memory too short, to be
 * kept. */
void cw_late_answer(struct cw_late *late, struct cw_exchange *exchange, const char *peer,
                    const struct cw_served_answer *answer, cw_time wait);
/* How many answers this peer is waiting for. */
unsigned cw_late_of(const struct cw_late *late, const char *peer);
/* Before the loop is closed. */
void cw_late_send_all(struct cw_late *late);

#endif
