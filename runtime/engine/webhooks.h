/* webhooks.h - notices from shops: verified by the cart's script, stored as received, answered; then the
 * cart's jobs are woken, which read the state from the shop.
 *
 * POST /webhooks/CART, and below it. 200 only after the notice is on the disk; 401 for a signature that is
 * not right or a notice outside the replay window, 404 for a cart that is unknown or takes none, 405, 413,
 * 429 and 503 (with Retry-After) where limits are met or the store fails. Notices that wait while one
 * transaction is on its way are stored together by the next. What comes again is answered 200 and does
 * nothing more. Nothing in a notice ever reaches a document.
 *
 * Below /serve/CART requests are answered by the cart's script itself: see serve.h.
 *
 * A job is woken for when its stream's windows will reach the notice: `settle` later. So many notices at once
 * cost one read, or two where some came after the first one's.
 */
#ifndef CW_ENGINE_WEBHOOKS_H
#define CW_ENGINE_WEBHOOKS_H

#include "adapters/http_server.h"
#include "engine/metrics.h"
#include "engine/session.h"

enum {
    CW_WEBHOOK_BODY_MAX = 1024 * 1024, /* bytes */
    CW_WEBHOOKS_WAITING_MAX = 256,     /* more are answered 503 */
    CW_WEBHOOKS_CART_MAX = 128         /* of these for one cart; more are answered 429 */
};

struct cw_webhooks_config {
    struct cw_loop *loop;
    struct cw_store *store;
    /* The session of a cart, for its script; NULL and *err when there is none: CW_NOT_FOUND where the site
     * has no such cart. It stays open until it is released. */
    struct cw_session *(*session)(void *arg, const char *cart, struct cw_error *err);
    void (*release)(void *arg, const char *cart); /* NULL = sessions stay open anyway */
    void *arg;
    const char *holder;              /* of leases, for requests that carts answer; NULL = they answer none */
    struct cw_metrics_page *metrics; /* may be NULL */
};

struct cw_webhooks;

/* Serves on `fd`, a listening socket that other processes may share; owns it, success or not. */
struct cw_webhooks *cw_webhooks_open(const struct cw_webhooks_config *config, int fd, struct cw_error *err);
/* Before the sessions and the store. Who waits gets 503; accepts NULL. */
void cw_webhooks_close(struct cw_webhooks *webhooks);

#endif
