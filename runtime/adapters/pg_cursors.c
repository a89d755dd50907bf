/* pg_cursors.c - how far each stream has come. */
#include <stdlib.h>

#include "adapters/pg_engine.h"

static const char select_cursor[] =
    "SELECT done_until, window_from, window_to, position FROM cursors WHERE cart = $1 AND stream = $2";
/* R-3 of the ledger: the mark up to which all is read never goes back. None is before every time. */
static const char upsert_cursor[] =
    CW_PG_MUST("INSERT INTO cursors AS c (cart, stream, done_until, window_from, window_to, position, "
               "changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (cart, stream) DO UPDATE SET "
               "done_until = excluded.done_until, window_from = excluded.window_from, "
               "window_to = excluded.window_to, position = excluded.position, "
               "changed_at = excluded.changed_at "
               "WHERE c.done_until IS NULL OR c.done_until <= excluded.done_until RETURNING 1");
static const char delete_cursor[] = "DELETE FROM cursors WHERE cart = $1 AND stream = $2";

struct reading {
    cw_cursor_fn *found;
    void *arg;
};

static void note_cursor(void *arg, PGresult *result, const struct cw_error *err)
{
    struct reading reading = *(struct reading *)arg;
    struct cw_cursor cursor;
    free(arg);
    bool is_there = err == NULL && PQntuples(result) == 1;
    if (is_there)
        cursor = (struct cw_cursor){ .done_until = cw_pg_time(result, 0, 0),
                                     .window_from = cw_pg_time(result, 0, 1),
                                     .window_to = cw_pg_time(result, 0, 2),
                                     .position = cw_pg_slice(result, 0, 3) };
    reading.found(reading.arg, is_there ? &cursor : NULL, err);
}

void cw_pg_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                      cw_cursor_fn *found, void *arg)
{
    struct reading *reading = malloc(sizeof *reading);
    struct cw_error err;
    bool ok = reading != NULL || cw_fail(&err, CW_NOMEM, "out of memory to read a cursor");
    if (ok) {
        *reading = (struct reading){ found, arg };
        ok = cw_pg_send(cw_pg_of(store), select_cursor, CW_BINDS(cw_bind_text(cart), cw_bind_text(stream)),
                        note_cursor, reading, &err);
    }
    if (ok)
        return;
    free(reading);
    found(arg, NULL, &err);
}

bool cw_pg_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                      const struct cw_cursor *cursor, struct cw_error *err)
{
    struct cw_error back;
    cw_fail(&back, CW_CONFLICT,
            "the cursor of %.*s %.*s stands further on and does not go back; reset it to read the stream "
            "again",
            CW_SLICE_ARG(cart), CW_SLICE_ARG(stream));
    return cw_pg_send_one(cw_pg_of(txn->store), upsert_cursor,
                          CW_BINDS(cw_bind_text(cart), cw_bind_text(stream), cw_bind_time(cursor->done_until),
                                   cw_bind_time(cursor->window_from), cw_bind_time(cursor->window_to),
                                   cw_bind_text(cursor->position), cw_bind_time(cw_now(txn->store->clock))),
                          &back, err);
}

bool cw_pg_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                        struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), delete_cursor, CW_BINDS(cw_bind_text(cart), cw_bind_text(stream)),
                     err);
}
