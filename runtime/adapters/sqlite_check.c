/* sqlite_check.c - looking for damage: quickly at opening, wholly when asked. */
#include "adapters/sqlite_engine.h"

void cw_sqlite_set_deadline(struct cw_sqlite *s, cw_time limit)
{
    s->deadline_ns = limit > 0 ? cw_elapsed_ns(s->store.clock) + limit * 1000 : 0;
}

bool cw_sqlite_fail_damaged(struct cw_sqlite *s, struct cw_slice fault, struct cw_error *err)
{
    return cw_fail(
        err, CW_CORRUPT,
        "%s is damaged: %.*s. Stop, keep a copy of the file for rescue, and restore the last backup; what "
        "the carts still list is read again",
        s->path, CW_SLICE_ARG(fault));
}

/* The first line that says where: quick_check begins with a heading that names the database. */
static struct cw_slice first_fault(struct cw_slice report)
{
    const char *end;
    while (report.len > 0 && strncmp(report.data, "***", report.len < 3 ? report.len : 3) == 0 &&
           (end = memchr(report.data, '\n', report.len)) != NULL)
        report = (struct cw_slice){ end + 1, report.len - (size_t)(end + 1 - report.data) };
    end = report.len > 0 ? memchr(report.data, '\n', report.len) : NULL;
    return (struct cw_slice){ report.data, end != NULL ? (size_t)(end - report.data) : report.len };
}

static bool judge(struct cw_sqlite *s, sqlite3_stmt *look, struct cw_error *err)
{
    int rc = sqlite3_step(look);
    if (rc != SQLITE_ROW)
        return (rc & 0xff) == SQLITE_INTERRUPT || cw_sqlite_fail(s, err);
    struct cw_slice fault = first_fault(cw_sqlite_slice(look, 0));
    if (cw_slice_is(fault, "ok"))
        return true;
    return cw_sqlite_fail_damaged(s, fault, err);
}

bool cw_sqlite_look(struct cw_sqlite *s, cw_time limit, struct cw_error *err)
{
    sqlite3_stmt *look = NULL;
    s->checking = true;
    cw_sqlite_set_deadline(s, limit);
    bool ok = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &look, NULL) == SQLITE_OK
                  ? judge(s, look, err)
                  : cw_sqlite_fail(s, err);
    sqlite3_finalize(look);
    cw_sqlite_set_deadline(s, 0);
    s->checking = false;
    return ok;
}

/* Adds a line for each row of a check's answer; "ok" is none. */
static bool report_rows(struct cw_sqlite *s, sqlite3_stmt *check, struct cw_buffer *report,
                        struct cw_error *err)
{
    int rc;
    while ((rc = sqlite3_step(check)) == SQLITE_ROW) {
        struct cw_slice line = cw_sqlite_slice(check, 0);
        if (!cw_slice_is(line, "ok") && !cw_buffer_print(report, err, "%.*s\n", CW_SLICE_ARG(line)))
            return false;
    }
    return rc == SQLITE_DONE || cw_sqlite_fail(s, err);
}

static bool report_check(struct cw_sqlite *s, const char *sql, struct cw_buffer *report, struct cw_error *err)
{
    sqlite3_stmt *check = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &check, NULL) != SQLITE_OK)
        return cw_sqlite_fail(s, err);
    bool ok = report_rows(s, check, report, err);
    sqlite3_finalize(check);
    return ok;
}

/* The file itself; rows whose document or record is gone; newest versions that are not the newest. */
static const char *const checks[] = {
    "PRAGMA integrity_check",
    "SELECT 'row ' || rowid || ' of ' || \"table\" || ' belongs to a row of ' || parent || ' that is not "
    "there' "
    "FROM pragma_foreign_key_check",
    "SELECT 'raw_heads: ' || cart || ' ' || stream || ' ' || external_id || ' is not at its newest version' "
    "FROM raw_heads h WHERE version <> (SELECT max(version) FROM raw_records r WHERE r.cart = h.cart "
    "AND r.stream = h.stream AND r.external_id = h.external_id)",
};

bool cw_sqlite_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    struct cw_error damage;
    bool ok = true;
    cw_buffer_clear(report);
    s->checking = true;
    for (size_t i = 0; ok && i < sizeof checks / sizeof *checks; i++) {
        ok = report_check(s, checks[i], report, &damage);
        if (!ok && damage.code == CW_CORRUPT) /* so damaged that the check itself cannot go on */
            ok = cw_buffer_print(report, &damage, "%s\n", damage.text);
    }
    s->checking = false;
    if (!ok && err != NULL)
        *err = damage;
    return ok && (report->len > 0 || cw_buffer_add(report, "ok", 2, err));
}
