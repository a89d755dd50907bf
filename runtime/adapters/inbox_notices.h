/* inbox_notices.h - the stored notices of a cart as its inbox: for shops that push whole orders.
 *
 * A notice is an entry, named by its number, until it is finished; then it stays in the store as long as
 * notices are kept, so that the same delivery is known when it comes again. What was finished stands in the
 * cart's state: "cartwright.taken" is the number up to which all are, "cartwright.taken.N" each beyond. A
 * cart that has the first takes its notices: those not yet taken are never tidied away (sqlite_prune.c,
 * pg_prune.c). The first follows by an hour, since numbers may come to sight out of turn.
 */
#ifndef CW_ADAPTERS_INBOX_NOTICES_H
#define CW_ADAPTERS_INBOX_NOTICES_H

#include "adapters/inbox.h"
#include "adapters/store.h"

#define CW_TAKEN_STATE CW_STATE_OWN "taken"

/* Of a row `w` of webhooks: nobody will read it as an entry any more. */
#define CW_TAKEN_NOTICE                                                                                      \
    "(NOT EXISTS (SELECT 1 FROM state s WHERE s.cart = w.cart AND s.key = '" CW_TAKEN_STATE                  \
    "') OR w.id <= (SELECT "                                                                                 \
    "CAST(s.value AS BIGINT) FROM state s WHERE s.cart = w.cart AND s.key = '" CW_TAKEN_STATE                \
    "') OR EXISTS (SELECT "                                                                                  \
    "1 FROM state s WHERE s.cart = w.cart AND s.key = '" CW_TAKEN_STATE ".' || w.id))"

struct cw_inbox_notices {
    struct cw_loop *loop;
    struct cw_store *store;
    const char *cart;                                      /* copied */
    struct cw_fence (*fence)(void *arg, const char *cart); /* for each write; NULL = none */
    void *arg;
    bool only_look;
};

struct cw_inbox *cw_inbox_notices_open(const struct cw_inbox_notices *config, struct cw_error *err);

#endif
