/* sqlite_controls.c - carts and streams that were stopped, and notices that carts sent. */
#include "adapters/sqlite_engine.h"

static const char upsert_control[] =
    "INSERT INTO controls (cart, stream, state, why, who, changed_at, deaths) VALUES (?1, ?2, ?3, ?4, ?5, "
    "?6, ?7) ON CONFLICT (cart, stream) DO UPDATE SET state = excluded.state, why = excluded.why, "
    "who = excluded.who, changed_at = excluded.changed_at, deaths = excluded.deaths";
static const char select_controls[] =
    "SELECT cart, stream, state, why, who, changed_at, deaths FROM controls WHERE ?1 = '' OR cart = ?1 "
    "ORDER BY cart, stream";
static const char insert_webhook[] =
    "INSERT INTO webhooks (cart, delivery_id, topic, received_at, headers, bytes) VALUES (?1, ?2, ?3, ?4, "
    "?5, ?6) ON CONFLICT (cart, delivery_id) DO NOTHING";

bool cw_sqlite_put_control(struct cw_txn *txn, const struct cw_control *control, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    cw_sqlite_tell(s);
    return cw_sqlite_run(s, upsert_control,
                         CW_BINDS(cw_bind_text(control->cart), cw_bind_text(control->stream),
                                  cw_bind_word(control->is_stopped ? "stopped" : "running"),
                                  cw_bind_text(control->why), cw_bind_text(control->who),
                                  cw_bind_time(control->at), cw_bind_int(control->deaths)),
                         err);
}

void cw_sqlite_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                             cw_store_done_fn *done, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    struct cw_error err;
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(s, select_controls, CW_BINDS(cw_bind_text(cart)), &row, &err);
    while (found == CW_ROW_FOUND) {
        struct cw_control each = { .cart = cw_sqlite_slice(row, 0),
                                   .stream = cw_sqlite_slice(row, 1),
                                   .is_stopped = cw_slice_equal(cw_sqlite_slice(row, 2), cw_slice("stopped")),
                                   .why = cw_sqlite_slice(row, 3),
                                   .who = cw_sqlite_slice(row, 4),
                                   .at = cw_sqlite_time(row, 5),
                                   .deaths = (unsigned)sqlite3_column_int64(row, 6) };
        if (!control(arg, &each)) {
            sqlite3_reset(row);
            break;
        }
        found = cw_sqlite_next(s, row, &err);
    }
    done(arg, found == CW_ROW_FAILED ? &err : NULL);
}

void cw_sqlite_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put,
                           void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_error err;
    if (cw_sqlite_run(s, insert_webhook,
                      CW_BINDS(cw_bind_text(webhook->cart), cw_bind_text(webhook->delivery_id),
                               cw_bind_text(webhook->topic), cw_bind_time(webhook->received_at),
                               cw_bind_text(webhook->headers), cw_bind_bytes(webhook->bytes)),
                      &err)) {
        put(arg, sqlite3_changes(s->db) == 1, NULL);
        return;
    }
    cw_store_fail_at(&err, webhook->delivery_id);
    cw_txn_lose(txn, &err);
    put(arg, false, &err);
}
