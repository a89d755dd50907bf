/* sqlite_copy.c - rows as they are, for moving a store to another engine; see store_copy.h. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

bool cw_sqlite_hold(struct cw_store *store, struct cw_error *err)
{
    (void)store, (void)err; /* one transaction writes at a time */
    return true;
}

bool cw_sqlite_settle_ids(struct cw_store *store, struct cw_error *err)
{
    (void)store, (void)err; /* the next number is behind the largest by itself */
    return true;
}

bool cw_sqlite_put_row(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                       struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    return cw_sqlite_run(s, sql, binds, count, err);
}

static struct cw_bind value_of(sqlite3_stmt *row, int column)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return cw_bind_int(sqlite3_column_int64(row, column));
    case SQLITE_TEXT:
        return cw_bind_text(cw_sqlite_slice(row, column));
    case SQLITE_BLOB:
        return cw_bind_bytes(cw_sqlite_slice(row, column));
    }
    return (struct cw_bind){ .type = CW_BIND_NULL };
}

static bool hand_on(sqlite3_stmt *row, struct cw_bind *values, const char **names, size_t count,
                    cw_store_row_fn *taken, void *arg, struct cw_error *err)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = value_of(row, (int)i);
        names[i] = sqlite3_column_name(row, (int)i);
    }
    return taken(arg, names, values, count, err);
}

static bool read_all(struct cw_sqlite *s, sqlite3_stmt *row, cw_store_row_fn *taken, void *arg,
                     struct cw_error *err)
{
    size_t count = (size_t)sqlite3_column_count(row);
    struct cw_bind *values = calloc(count + 1, sizeof *values);
    const char **names = calloc(count + 1, sizeof *names);
    bool ok = (values != NULL && names != NULL) || cw_fail(err, CW_NOMEM, "out of memory for a row");
    enum cw_row found = ok ? cw_sqlite_next(s, row, err) : CW_ROW_FAILED;
    while (found == CW_ROW_FOUND) {
        if (!hand_on(row, values, names, count, taken, arg, err))
            break;
        found = cw_sqlite_next(s, row, err);
    }
    free(values);
    free(names);
    return found == CW_ROW_NONE;
}

/* A statement of its own: a store that is copied to a store needs none of these again. */
bool cw_sqlite_read_rows(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                         cw_store_row_fn *taken, void *arg, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    sqlite3_stmt *row = NULL;
    bool ok = sqlite3_prepare_v2(s->db, sql, -1, &row, NULL) == SQLITE_OK || cw_sqlite_fail(s, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_sqlite_bind(s, row, (int)i + 1, &binds[i], err);
    ok = ok && read_all(s, row, taken, arg, err);
    sqlite3_finalize(row);
    return ok;
}
