/* sqlite_query.c - reading by SQL that others wrote: one SELECT, no secrets, and not for ever. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

/* What foreign SQL may do: read tables other than secrets, and call functions that only compute. Installed
 * before anything is prepared, because installing it later would throw away all prepared statements. */
int cw_sqlite_authorize(void *arg, int action, const char *first, const char *second, const char *database,
                        const char *trigger)
{
    const struct cw_sqlite *s = arg;
    (void)database, (void)trigger;
    if (!s->guarded)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        return strcmp(first, "users") == 0 && strcmp(second, "password_hash") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_FUNCTION:
        return strcmp(second, "load_extension") == 0 || strcmp(second, "fts3_tokenizer") == 0 ? SQLITE_DENY
                                                                                              : SQLITE_OK;
    }
    return SQLITE_DENY;
}

static bool fail_prepare(struct cw_sqlite *s, struct cw_error *err)
{
    int code = sqlite3_errcode(s->db);
    bool is_denied =
        strncmp(sqlite3_errmsg(s->db), "not authorized", 14) == 0; /* functions have no code for it */
    if (code == SQLITE_AUTH || is_denied)
        return cw_fail(err, CW_REFUSED, "%s; a query may only read, with SELECT", sqlite3_errmsg(s->db));
    if (code == SQLITE_ERROR)
        return cw_fail(err, CW_USAGE, "the query is faulty: %s", sqlite3_errmsg(s->db));
    return cw_sqlite_fail(s, err);
}

static bool is_blank(const char *text)
{
    return cw_slice_trim(cw_slice(text)).len == 0;
}

static bool check_statement(sqlite3_stmt *stmt, const char *rest, struct cw_error *err)
{
    if (stmt == NULL)
        return cw_fail(err, CW_USAGE, "the query is empty");
    if (!is_blank(rest))
        return cw_fail(err, CW_REFUSED, "a query is one statement; there is more after its semicolon");
    return sqlite3_stmt_readonly(stmt) || cw_fail(err, CW_REFUSED, "a query may only read, with SELECT");
}

static bool prepare(struct cw_sqlite *s, const char *sql, sqlite3_stmt **stmt, struct cw_error *err)
{
    const char *rest = "";
    s->guarded = true;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, stmt, &rest);
    s->guarded = false;
    return rc == SQLITE_OK ? check_statement(*stmt, rest, err) : fail_prepare(s, err);
}

/* SQLite numbers $1 and $2 in the order in which they first appear; their names say which is meant. */
static bool bind_params(struct cw_sqlite *s, sqlite3_stmt *stmt, const struct cw_slice *params, size_t count,
                        struct cw_error *err)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++) {
        const char *name = sqlite3_bind_parameter_name(stmt, i);
        long number = name != NULL && name[0] == '$' ? strtol(name + 1, NULL, 10) : 0;
        if (number < 1 || (size_t)number > count)
            return cw_fail(err, CW_USAGE,
                           "the query has a parameter %s, but %zu values were given; write $1, $2",
                           name != NULL ? name : "?", count);
        struct cw_bind bind = cw_bind_text(params[number - 1]);
        if (params[number - 1].data == NULL)
            bind.type = CW_BIND_NULL;
        if (!cw_sqlite_bind(s, stmt, i, &bind, err))
            return false;
    }
    return true;
}

/* Text as it is, bytes as they are, numbers as text. False when memory is exhausted. The names too are those
 * of this step: the first one may plan anew what it runs, for the parameters' sake, and frees the names of
 * before. */
static bool read_row(sqlite3_stmt *stmt, size_t columns, struct cw_slice *names, struct cw_slice *row)
{
    for (size_t i = 0; i < columns; i++) {
        const char *name = sqlite3_column_name(stmt, (int)i);
        if (name == NULL)
            return false;
        names[i] = cw_slice(name);
        int type = sqlite3_column_type(stmt, (int)i);
        bool is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
        if (is_number && sqlite3_column_text(stmt, (int)i) == NULL)
            return false;
        row[i] = cw_sqlite_slice(stmt, (int)i);
    }
    return true;
}

static int step_guarded(struct cw_sqlite *s, sqlite3_stmt *stmt)
{
    s->guarded = true; /* a change of the schema makes SQLite prepare it again */
    int rc = sqlite3_step(stmt);
    s->guarded = false;
    return rc;
}

static bool run(struct cw_sqlite *s, sqlite3_stmt *stmt, cw_query_row_fn *row, void *arg,
                struct cw_error *err)
{
    size_t columns = (size_t)sqlite3_column_count(stmt);
    struct cw_slice *slices = calloc(2 * columns, sizeof *slices), *names = slices + columns;
    int64_t deadline_ns = cw_elapsed_ns(s->store.clock) + CW_QUERY_TIME_MAX * 1000;
    bool ok = slices != NULL || cw_fail(err, CW_NOMEM, "out of memory for a query");
    while (ok) {
        s->deadline_ns = deadline_ns; /* for this statement only, not for what the caller does with a row */
        int rc = step_guarded(s, stmt);
        s->deadline_ns = 0;
        if (rc == SQLITE_DONE)
            break;
        ok = (rc == SQLITE_ROW || cw_sqlite_fail(s, err)) &&
             (read_row(stmt, columns, names, slices) || cw_fail(err, CW_NOMEM, "out of memory for a query"));
        if (ok && !row(arg, columns, names, slices))
            break;
    }
    free(slices);
    return ok;
}

void cw_sqlite_query(struct cw_store *store, const char *sql, const struct cw_slice *params,
                     size_t param_count, cw_query_row_fn *row, cw_store_done_fn *done, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    sqlite3_stmt *stmt = NULL;
    struct cw_error err;
    bool ok = prepare(s, sql, &stmt, &err) && bind_params(s, stmt, params, param_count, &err) &&
              run(s, stmt, row, arg, &err);
    sqlite3_finalize(stmt);
    done(arg, ok ? NULL : &err);
}
