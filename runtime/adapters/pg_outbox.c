/* pg_outbox.c - messages on their way out. */
#include "adapters/pg_engine.h"

static const char supersede[] = "UPDATE messages SET state = 'superseded', changed_at = $4 WHERE cart = $1 "
                                "AND stream = $2 AND external_id = $3 AND is_level = 1 AND state = 'queued'";
static const char insert[] = "INSERT INTO messages (cart, stream, external_id, is_level, state, attempts, "
                             "created_at, changed_at, error, payload) "
                             "VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)";
static const char update[] = CW_PG_MUST("UPDATE messages SET state = $2, error = $3, changed_at = $4, "
                                        "attempts = attempts + $5 WHERE id = $1 RETURNING 1");

bool cw_pg_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    const struct cw_bind cart = cw_bind_text(message->key.cart), stream = cw_bind_text(message->key.stream);
    const struct cw_bind id = cw_bind_text(message->key.external_id),
                         now = cw_bind_time(cw_now(txn->store->clock));
    if (message->is_level && !cw_pg_run(pg, supersede, CW_BINDS(cart, stream, id, now), err))
        return false;
    return cw_pg_run(pg, insert,
                     CW_BINDS(cart, stream, id, cw_bind_int(message->is_level),
                              cw_bind_word(cw_message_state_name(message->state)),
                              cw_bind_int(message->attempts), now, cw_bind_text(message->error),
                              cw_bind_text(message->payload)),
                     err);
}

bool cw_pg_set_message(struct cw_txn *txn, int64_t id, enum cw_message_state state, struct cw_slice error,
                       struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_error none;
    cw_fail(&none, CW_NOT_FOUND, "there is no message %lld in %s", (long long)id, pg->place);
    return cw_pg_send_one(pg, update,
                          CW_BINDS(cw_bind_int(id), cw_bind_word(cw_message_state_name(state)),
                                   cw_bind_text(error), cw_bind_time(cw_now(txn->store->clock)),
                                   cw_bind_int(state == CW_MESSAGE_SENDING)),
                          &none, err);
}
