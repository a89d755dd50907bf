/* pg_outbox.c - messages on their way out. */
#include "adapters/pg_engine.h"

static const char supersede[] = "UPDATE messages SET state = 'superseded', changed_at = $4 WHERE cart = $1 "
                                "AND stream = $2 AND external_id = $3 AND is_level = 1 AND state = 'queued'";
static const char insert[] = "INSERT INTO messages (cart, stream, external_id, is_level, state, attempts, "
                             "created_at, changed_at, error, payload) "
                             "VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)";

bool cw_pg_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind cart = cw_bind_text(message->key.cart), stream = cw_bind_text(message->key.stream);
    const struct cw_bind id = cw_bind_text(message->key.external_id),
                         now = cw_bind_time(cw_now(txn->store->clock));
    if (message->event.len == 0 && !cw_pg_run(pg, supersede, CW_BINDS(cart, stream, id, now), err))
        return false;
    return cw_pg_run(pg, insert,
                     CW_BINDS(cart, stream, id, cw_bind_int(message->event.len == 0),
                              cw_bind_word(cw_message_state_name(message->state)),
                              cw_bind_int(message->attempts), now, cw_bind_text(message->error),
                              cw_bind_text(message->payload)),
                     err);
}
