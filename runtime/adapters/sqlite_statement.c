/* sqlite_statement.c - preparing, binding and running statements, and the errors of SQLite as ours. */
#include "adapters/sqlite_engine.h"

#include <assert.h>
#include <errno.h>

/* --- errors --- */

/* Names the damaged page, which SQLite's own message does not. */
static bool fail_damaged(struct cw_sqlite *s, const char *message, struct cw_error *err)
{
    struct cw_error found;
    if (!s->checking && !cw_sqlite_look(s, 5 * CW_SECOND, &found)) {
        if (err != NULL)
            *err = found;
        return false;
    }
    return cw_sqlite_fail_damaged(s, cw_slice(message), err);
}

static bool fail_disk(struct cw_sqlite *s, const char *message, int system, struct cw_error *err)
{
    struct cw_error why;
    cw_fail(&why, CW_IO,
            "the disk failed under %s: %s%s%s. Nothing of this transaction was stored, and nothing more is "
            "written "
            "until the program is started again; look at the disk first",
            s->path, message, system != 0 ? ", " : "", system != 0 ? strerror(system) : "");
    if (!s->broken)
        s->broken_why = why;
    s->broken = true;
    if (err != NULL)
        *err = why;
    return false;
}

/* Making room for the shared index of the log fails before anything is written: as harmless as a full disk.
 */
static bool is_full(int code)
{
    return code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE;
}

static bool fail_usual(struct cw_sqlite *s, int code, const char *message, int system, struct cw_error *err)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return cw_fail(err, CW_NOMEM, "out of memory in the store %s", s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return cw_fail(
            err, CW_UNAVAILABLE,
            "another process has been writing to %s for more than %d seconds; try again when it is done",
            s->path, CW_SQLITE_BUSY_MS / 1000);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return cw_fail(err, CW_IO,
                       "%s cannot be written: %s; check owner, permissions, and how the disk is mounted",
                       s->path, message);
    case SQLITE_CANTOPEN:
        return cw_fail(err, CW_IO, "%s cannot be opened: %s; file and folder must be readable and writable",
                       s->path, system != 0 ? strerror(system) : message);
    case SQLITE_CONSTRAINT:
        return cw_fail(err, CW_CONFLICT, "%s refuses it: %s", s->path, message);
    case SQLITE_TOOBIG:
        return cw_fail(err, CW_LIMIT, "a row is larger than %s takes", s->path);
    case SQLITE_INTERRUPT:
        return cw_fail(err, CW_TIMEOUT, "%s: reading took too long", s->path);
    case SQLITE_AUTH:
        return cw_fail(err, CW_REFUSED, "%s: %s", s->path, message);
    }
    return cw_fail(err, CW_USAGE, "%s: %s", s->path, message);
}

bool cw_sqlite_fail(struct cw_sqlite *s, struct cw_error *err)
{
    char message[256];
    int code = sqlite3_extended_errcode(s->db), system = sqlite3_system_errno(s->db);
    sqlite3_snprintf(sizeof message, message, "%s", sqlite3_errmsg(s->db));
    if (is_full(code))
        return cw_fail(
            err, CW_UNAVAILABLE,
            "the disk of %s is full: nothing of this transaction was stored; it can be repeated as soon "
            "as there is room",
            s->path);
    if ((code & 0xff) == SQLITE_NOTADB)
        return cw_fail(err, CW_CORRUPT, "%s is not a store: %s; give the path of a store, or of no file yet",
                       s->path, message);
    if ((code & 0xff) == SQLITE_CORRUPT)
        return fail_damaged(s, message, err);
    if ((code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_NOMEM)
        return fail_disk(s, message, system, err);
    return fail_usual(s, code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : code, message, system, err);
}

/* --- statements --- */

static struct cw_sqlite_statement *slot_of(struct cw_sqlite *s, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 4) * 0x9E3779B97F4A7C15u >> 32;
    for (;; i++) {
        struct cw_sqlite_statement *slot = &s->statements[i % CW_SQLITE_STATEMENTS];
        if (slot->sql == sql || slot->sql == NULL)
            return slot;
    }
}

sqlite3_stmt *cw_sqlite_prepare(struct cw_sqlite *s, const char *sql, struct cw_error *err)
{
    struct cw_sqlite_statement *slot = slot_of(s, sql);
    if (slot->sql != NULL)
        return slot->stmt;
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL) != SQLITE_OK) {
        cw_sqlite_fail(s, err);
        return NULL;
    }
    slot->sql = sql;
    return slot->stmt;
}

void cw_sqlite_finalize_all(struct cw_sqlite *s)
{
    for (size_t i = 0; i < CW_SQLITE_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i].stmt);
    memset(s->statements, 0, sizeof s->statements);
}

/* SQLite takes data NULL for the value NULL, also when it is only empty. */
static const char *data_of(struct cw_slice slice)
{
    return slice.data != NULL ? slice.data : "";
}

static int bind_time(struct cw_sqlite *s, sqlite3_stmt *stmt, int at, cw_time time)
{
    char *text = s->times[at - 1];
    assert(at <= CW_SQLITE_BINDS_MAX);
    cw_store_time_text(time, text);
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

bool cw_sqlite_bind(struct cw_sqlite *s, sqlite3_stmt *stmt, int at, const struct cw_bind *bind,
                    struct cw_error *err)
{
    int rc = SQLITE_OK;
    switch (bind->type) {
    case CW_BIND_NULL:
        rc = sqlite3_bind_null(stmt, at);
        break;
    case CW_BIND_INTEGER:
        rc = sqlite3_bind_int64(stmt, at, bind->integer);
        break;
    case CW_BIND_TEXT:
        rc = sqlite3_bind_text64(stmt, at, data_of(bind->slice), bind->slice.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case CW_BIND_BYTES:
        rc = sqlite3_bind_blob64(stmt, at, data_of(bind->slice), bind->slice.len, SQLITE_STATIC);
        break;
    case CW_BIND_TIME:
        rc = bind_time(s, stmt, at, bind->integer);
        break;
    }
    return rc == SQLITE_OK || cw_sqlite_fail(s, err);
}

static sqlite3_stmt *prepare_bound(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds,
                                   size_t count, struct cw_error *err)
{
    sqlite3_stmt *stmt = cw_sqlite_prepare(s, sql, err);
    for (size_t i = 0; stmt != NULL && i < count; i++)
        if (!cw_sqlite_bind(s, stmt, (int)i + 1, &binds[i], err))
            return NULL;
    return stmt;
}

bool cw_sqlite_step(struct cw_sqlite *s, sqlite3_stmt *stmt, struct cw_error *err)
{
    int rc = sqlite3_step(stmt);
    bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW || cw_sqlite_fail(s, err);
    sqlite3_reset(stmt);
    return ok;
}

bool cw_sqlite_run(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds, size_t count,
                   struct cw_error *err)
{
    sqlite3_stmt *stmt = prepare_bound(s, sql, binds, count, err);
    return stmt != NULL && cw_sqlite_step(s, stmt, err);
}

enum cw_row cw_sqlite_next(struct cw_sqlite *s, sqlite3_stmt *stmt, struct cw_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return CW_ROW_FOUND;
    if (rc != SQLITE_DONE)
        cw_sqlite_fail(s, err);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? CW_ROW_NONE : CW_ROW_FAILED;
}

enum cw_row cw_sqlite_find(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds, size_t count,
                           sqlite3_stmt **found, struct cw_error *err)
{
    sqlite3_stmt *stmt = prepare_bound(s, sql, binds, count, err);
    *found = stmt;
    return stmt != NULL ? cw_sqlite_next(s, stmt, err) : CW_ROW_FAILED;
}

/* Not sqlite3_column_text, which copies to append a terminator and so may run out of memory. */
struct cw_slice cw_sqlite_slice(sqlite3_stmt *stmt, int column)
{
    const char *data = sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    if (data == NULL && sqlite3_column_type(stmt, column) != SQLITE_NULL)
        data = "";
    return (struct cw_slice){ data, len };
}

cw_time cw_sqlite_time(sqlite3_stmt *stmt, int column)
{
    return cw_store_time_parse(cw_sqlite_slice(stmt, column));
}

bool cw_sqlite_execute(struct cw_sqlite *s, const char *sql, struct cw_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || cw_sqlite_fail(s, err);
}
