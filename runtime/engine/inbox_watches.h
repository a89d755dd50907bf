/* inbox_watches.h - wakes the streams of carts whose inboxes can tell that something came.
 *
 * One process of a site watches: what it sees stands in the store at once, and any worker takes it up. An
 * inbox that cannot be watched is said in the log; then its schedule alone looks after it.
 */
#ifndef CW_ENGINE_INBOX_WATCHES_H
#define CW_ENGINE_INBOX_WATCHES_H

#include "engine/session.h"

struct cw_inbox_watches_config {
    struct cw_loop *loop;
    struct cw_store *store;
    /* The session of a cart, until it is released: its script says where its inbox is. */
    struct cw_session *(*session)(void *arg, const char *cart, struct cw_error *err);
    void (*release)(void *arg, const char *cart);
    void *arg;
};

struct cw_inbox_watches;

/* `carts` is NULL-terminated. */
struct cw_inbox_watches *cw_inbox_watches_open(const struct cw_inbox_watches_config *config,
                                               const char *const *carts);
/* Before the store. Accepts NULL. */
void cw_inbox_watches_close(struct cw_inbox_watches *watches);

#endif
