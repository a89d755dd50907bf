/* sqlite_cursors.c - how far each stream has come. */
#include "adapters/sqlite_engine.h"

static const char select_cursor[] =
    "SELECT done_until, window_from, window_to, position FROM cursors WHERE cart = ?1 AND stream = ?2";
static const char upsert_cursor[] =
    "INSERT INTO cursors (cart, stream, done_until, window_from, window_to, position, changed_at) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (cart, stream) DO UPDATE SET done_until = "
    "excluded.done_until, "
    "window_from = excluded.window_from, window_to = excluded.window_to, position = excluded.position, "
    "changed_at = excluded.changed_at";
static const char delete_cursor[] = "DELETE FROM cursors WHERE cart = ?1 AND stream = ?2";

/* The position is copied into `position`, because the statement is reset before anybody sees it. */
static enum cw_row read_cursor(struct cw_sqlite *s, struct cw_slice cart, struct cw_slice stream,
                               struct cw_cursor *cursor, struct cw_buffer *position, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found =
        cw_sqlite_find(s, select_cursor, CW_BINDS(cw_bind_text(cart), cw_bind_text(stream)), &row, err);
    if (found != CW_ROW_FOUND)
        return found;
    struct cw_slice text = cw_sqlite_slice(row, 3);
    bool ok = cw_buffer_add(position, text.data, text.len, err);
    cursor->done_until = cw_sqlite_time(row, 0);
    cursor->window_from = cw_sqlite_time(row, 1);
    cursor->window_to = cw_sqlite_time(row, 2);
    cursor->position = cw_buffer_slice(position);
    sqlite3_reset(row);
    return ok ? CW_ROW_FOUND : CW_ROW_FAILED;
}

void cw_sqlite_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                          cw_cursor_fn *found, void *arg)
{
    struct cw_buffer position = { 0 };
    struct cw_cursor cursor;
    struct cw_error err;
    enum cw_row row = read_cursor(cw_sqlite_of(store), cart, stream, &cursor, &position, &err);
    found(arg, row == CW_ROW_FOUND ? &cursor : NULL, row == CW_ROW_FAILED ? &err : NULL);
    cw_buffer_fini(&position);
}

/* R-3 of the ledger: the mark up to which all is read never goes back. CW_TIME_NONE is before every time. */
static bool only_forward(struct cw_sqlite *s, struct cw_slice cart, struct cw_slice stream,
                         cw_time done_until, struct cw_error *err)
{
    struct cw_buffer position = { 0 };
    struct cw_cursor before;
    char from[CW_STORE_TIME_LEN + 1];
    enum cw_row row = read_cursor(s, cart, stream, &before, &position, err);
    cw_buffer_fini(&position);
    if (row != CW_ROW_FOUND || before.done_until <= done_until)
        return row != CW_ROW_FAILED;
    cw_store_time_text(before.done_until, from);
    return cw_fail(
        err, CW_CONFLICT,
        "the cursor of %.*s %.*s stands at %s and does not go back; reset it to read the stream again",
        CW_SLICE_ARG(cart), CW_SLICE_ARG(stream), from);
}

bool cw_sqlite_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                          const struct cw_cursor *cursor, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    return only_forward(s, cart, stream, cursor->done_until, err) &&
           cw_sqlite_run(s, upsert_cursor,
                         CW_BINDS(cw_bind_text(cart), cw_bind_text(stream), cw_bind_time(cursor->done_until),
                                  cw_bind_time(cursor->window_from), cw_bind_time(cursor->window_to),
                                  cw_bind_text(cursor->position), cw_bind_time(cw_now(txn->store->clock))),
                         err);
}

bool cw_sqlite_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                            struct cw_error *err)
{
    return cw_sqlite_run(cw_sqlite_of(txn->store), delete_cursor,
                         CW_BINDS(cw_bind_text(cart), cw_bind_text(stream)), err);
}
