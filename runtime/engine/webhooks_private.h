/* webhooks_private.h - what the files of the webhooks share: webhooks.c receives and answers,
 * webhooks_hear.c asks the cart's script, webhooks_store.c stores and wakes. */
#ifndef CW_ENGINE_WEBHOOKS_PRIVATE_H
#define CW_ENGINE_WEBHOOKS_PRIVATE_H

#include "engine/cart_path.h"
#include "engine/serve.h"
#include "engine/webhooks.h"

enum { CW_WEBHOOK_TEXT_MAX = 200 }; /* bytes of ids and topics */

/* Which jobs a notice wakes: the one that the script names; when there is none of that name all of the cart;
 * when it has none at all nothing. */
enum cw_wake { CW_WAKE_NAMED, CW_WAKE_ALL, CW_WAKE_NONE };

struct cw_notice {
    struct cw_notice *next; /* in its queue or batch */
    struct cw_webhooks *webhooks;
    struct cw_exchange *exchange;
    const struct cw_served_request *request; /* until the exchange is answered */
    struct cw_slice rest, query;             /* of request->target */
    cw_time received_at, wake_at;
    bool is_new;
    enum cw_wake wake;
    char cart[CW_CART_PATH_CART_MAX];
    char id[CW_WEBHOOK_TEXT_MAX + 1], topic[CW_WEBHOOK_TEXT_MAX + 1], job[CW_WEBHOOK_TEXT_MAX + 1];
};

struct cw_notices {
    struct cw_notice *first, *last;
    unsigned count;
};
void cw_notices_add(struct cw_notices *notices, struct cw_notice *notice);
struct cw_notice *cw_notices_take(struct cw_notices *notices); /* the first; NULL when there is none */

/* A cart of which notices wait to be verified, one after the other, with its session held meanwhile. */
struct cw_hearer {
    struct cw_hearer *next;
    struct cw_webhooks *webhooks;
    char cart[CW_CART_PATH_CART_MAX];
    struct cw_session *session;
    struct cw_lua_cart *lua_cart;
    struct cw_notices queue;
    struct cw_notice *current; /* in the hands of the script */
    struct cw_fiber *fiber;
    struct cw_lua_hearing hearing;
    struct cw_later go_on;
    struct cw_timer *deadline; /* of the current one */
};

struct cw_webhooks {
    struct cw_webhooks_config config;
    struct cw_http_server *server;
    struct cw_serving *serving; /* NULL = carts answer nothing */
    unsigned waiting;           /* for their answer */
    struct cw_hearer *hearers;
    struct cw_notices believed; /* to be stored */
    struct cw_notices batch;    /* in the transaction in hand */
    unsigned putting;           /* of the batch, whose answer is not yet here */
    struct cw_txn *txn;
    bool is_storing, is_closed;
    struct cw_timer *gather;
    bool is_gathering; /* the timer is set */
    int64_t told_ns;   /* of refusals */
    uint64_t untold;
};

/* --- webhooks.c --- */

enum cw_notice_end {
    CW_NOTICE_STORED,
    CW_NOTICE_REPEATED,
    CW_NOTICE_IGNORED,
    CW_NOTICE_REFUSED,
    CW_NOTICE_BUSY
};
/* Answers and frees. */
void cw_notice_end(struct cw_notice *notice, enum cw_notice_end end);
/* Answers, while the store still has it. */
void cw_notice_leave(struct cw_notice *notice);
/* Logs why a notice was refused or could not be taken: one line a second, with the count of those between. */
void cw_webhooks_tell(struct cw_webhooks *webhooks, const struct cw_notice *notice, const char *event,
                      struct cw_slice reason);

/* --- webhooks_hear.c --- */

/* The hearer of a cart, made when there is none. NULL when its notices are not taken: *is_unknown, or else
 * why. */
struct cw_hearer *cw_webhooks_hearer(struct cw_webhooks *webhooks, const char *cart, bool *is_unknown,
                                     struct cw_error *err);
void cw_hearer_add(struct cw_hearer *hearer, struct cw_notice *notice);
void cw_hearer_free(struct cw_hearer *hearer); /* what waits there is answered as busy */

/* --- webhooks_store.c --- */

void cw_webhooks_store(struct cw_webhooks *webhooks, struct cw_notice *notice); /* one that is believed */
void cw_webhooks_store_soon(struct cw_webhooks *webhooks);
void cw_webhooks_store_now(void *webhooks);
void cw_webhooks_leave_batch(struct cw_webhooks *webhooks); /* who waits for it is answered as busy */

#endif
