/* pg_controls.c - carts and streams that were stopped, and notices that carts sent. */
#include <stdlib.h>

#include "adapters/pg_engine.h"

static const char upsert_control[] =
    "INSERT INTO controls (cart, stream, state, why, who, changed_at, deaths) VALUES ($1, $2, $3, $4, $5, "
    "$6, $7) ON CONFLICT (cart, stream) DO UPDATE SET state = excluded.state, why = excluded.why, "
    "who = excluded.who, changed_at = excluded.changed_at, deaths = excluded.deaths";
static const char notify[] = "SELECT pg_notify('cartwright', '')";
static const char select_controls[] =
    "SELECT cart, stream, state, why, who, changed_at, deaths FROM controls WHERE $1 = '' OR cart = $1 "
    "ORDER BY cart, stream";
static const char insert_webhook[] =
    "INSERT INTO webhooks (cart, delivery_id, topic, received_at, headers, bytes) VALUES ($1, $2, $3, $4, "
    "$5, $6) ON CONFLICT (cart, delivery_id) DO NOTHING RETURNING 1";

bool cw_pg_put_control(struct cw_txn *txn, const struct cw_control *control, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    return cw_pg_run(pg, upsert_control,
                     CW_BINDS(cw_bind_text(control->cart), cw_bind_text(control->stream),
                              cw_bind_word(control->is_stopped ? "stopped" : "running"),
                              cw_bind_text(control->why), cw_bind_text(control->who),
                              cw_bind_time(control->at), cw_bind_int(control->deaths)),
                     err) &&
           cw_pg_run(pg, notify, NULL, 0, err);
}

/* --- reading --- */

struct reading {
    cw_control_fn *control;
    cw_store_done_fn *done;
    void *arg;
};

static void hand_out(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    free(arg);
    for (int i = 0; err == NULL && i < PQntuples(result); i++) {
        struct cw_control each = { .cart = cw_pg_slice(result, i, 0),
                                   .stream = cw_pg_slice(result, i, 1),
                                   .is_stopped = cw_slice_is(cw_pg_slice(result, i, 2), "stopped"),
                                   .why = cw_pg_slice(result, i, 3),
                                   .who = cw_pg_slice(result, i, 4),
                                   .at = cw_pg_time(result, i, 5),
                                   .deaths = (unsigned)cw_pg_int(result, i, 6) };
        if (!reading.control(reading.arg, &each))
            break;
    }
    reading.done(reading.arg, err);
}

void cw_pg_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                         cw_store_done_fn *done, void *arg)
{
    struct reading *reading = malloc(sizeof *reading);
    const struct cw_bind of = cw_bind_text(cart);
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read what is stopped");
    if (ok) {
        *reading = (struct reading){ control, done, arg };
        ok = cw_pg_send(cw_pg_of(store), select_controls, &of, 1, hand_out, reading, &err);
    }
    if (ok)
        return;
    free(reading);
    done(arg, &err);
}

/* --- notices --- */

struct putting {
    cw_webhook_fn *put;
    void *arg;
};

static void note_put(void *arg, PGresult *result, const struct cw_error *err)
{
    struct putting putting = *(struct putting *)arg;
    free(arg);
    putting.put(putting.arg, err == NULL && PQntuples(result) == 1, err);
}

void cw_pg_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put, void *arg)
{
    struct putting *putting = malloc(sizeof *putting);
    struct cw_error err;
    bool ok = putting != NULL || cw_fail(&err, CW_NOMEM, "out of memory for a notice");
    if (ok) {
        *putting = (struct putting){ put, arg };
        ok = cw_pg_send(cw_pg_of(txn->store), insert_webhook,
                        CW_BINDS(cw_bind_text(webhook->cart), cw_bind_text(webhook->delivery_id),
                                 cw_bind_text(webhook->topic), cw_bind_time(webhook->received_at),
                                 cw_bind_text(webhook->headers), cw_bind_bytes(webhook->bytes)),
                        note_put, putting, &err);
    }
    if (ok)
        return;
    free(putting);
    cw_store_fail_at(&err, webhook->delivery_id);
    cw_txn_lose(txn, &err);
    put(arg, false, &err);
}
