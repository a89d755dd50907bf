/* serve.h - carts that are asked: requests below /serve/CART, each answered by the cart's script (its
 * function `serve`), which works on the store alone.
 *
 * One request of a cart after another, on all workers of the site together: a worker holds the lease
 * "(serve) CART" while it answers, and what the script puts is committed under it, so that a script that
 * reads a level and puts another one is never overtaken. A request that waits longer than CW_SERVE_TIME for
 * its turn, or whose script takes longer, is answered 503; what the script raises is logged with cart and
 * line, and answered 500 without its words. 404 for a cart that is unknown or answers nothing, 413, and 429
 * and 503 (with Retry-After) where limits are met. What a script answers with a `wait`, as to a wrong
 * password, is sent later, while others are served.
 */
#ifndef CW_ENGINE_SERVE_H
#define CW_ENGINE_SERVE_H

#include "adapters/http_server.h"
#include "engine/session.h"

enum {
    CW_SERVE_BODY_MAX = 1024 * 1024,        /* bytes of a request; the server's limit */
    CW_SERVE_ANSWER_MAX = 16 * 1024 * 1024, /* bytes */
    CW_SERVE_WAITING_MAX = 64,              /* more are answered 503 */
    CW_SERVE_CART_MAX = 16,                 /* of these for one cart; more are answered 429 */
    CW_SERVE_LATE_MAX = 2 /* answers that a peer is kept waiting for; meanwhile it is answered 429 */
};
#define CW_SERVE_TIME (30 * CW_SECOND)

struct cw_serving_config {
    struct cw_loop *loop;
    struct cw_store *store;
    /* As of webhooks.h. */
    struct cw_session *(*session)(void *arg, const char *cart, struct cw_error *err);
    void (*release)(void *arg, const char *cart); /* NULL = sessions stay open anyway */
    void *arg;
    const char *holder; /* of the leases; see engine/holder.h */
};

struct cw_serving;

struct cw_serving *cw_serving_create(const struct cw_serving_config *config, struct cw_error *err);
/* Before the sessions and the store. Who waits gets 503; accepts NULL. */
void cw_serving_close(struct cw_serving *serving);

/* Whether the request is one of these; never when serving is NULL. */
bool cw_serving_is_asked(const struct cw_serving *serving, const struct cw_served_request *request);
/* For the server's functions `screen` and `serve`. */
bool cw_serving_screen(struct cw_serving *serving, const struct cw_served_request *request,
                       struct cw_served_answer *answer);
bool cw_serving_take(struct cw_serving *serving, const struct cw_served_request *request,
                     struct cw_served_answer *answer, struct cw_exchange *exchange);

#endif
