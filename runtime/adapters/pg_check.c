/* pg_check.c - looking whether everything is there. The server's own files are checked by its own tools
 * (pg_amcheck); here every row is read once, and what belongs together is held against each other. */
#include "adapters/pg_link.h"

/* Each gives one line a fault. md5 makes the server read and unpack what it had put aside. */
static const char *const checks[] = {
    "SELECT 'raw_heads: ' || cart || ' ' || stream || ' ' || external_id || ' is not at its newest version' "
    "FROM raw_heads h WHERE version IS DISTINCT FROM (SELECT max(version) FROM raw_records r "
    "WHERE r.cart = h.cart AND r.stream = h.stream AND r.external_id = h.external_id)",
    "SELECT 'raw_heads: the record of ' || cart || ' ' || stream || ' ' || external_id || ' is not there' "
    "FROM raw_heads h WHERE NOT EXISTS (SELECT 1 FROM raw_records r WHERE r.id = h.raw_id)",
    "SELECT 'staged_records: ' || cart || ' ' || stream || ' ' || external_id || ' was never received' "
    "FROM staged_records s WHERE NOT EXISTS (SELECT 1 FROM raw_heads h WHERE h.cart = s.cart "
    "AND h.stream = s.stream AND h.external_id = s.external_id)",
    "SELECT 'raw_records: unreadable' WHERE (SELECT count(md5(bytes)) FROM raw_records) IS NULL",
    "SELECT 'orders: unreadable' WHERE (SELECT count(md5(o::text)) FROM orders o) IS NULL",
};

struct checking {
    struct cw_buffer *report;
    bool is_failed;
    struct cw_error err;
};

static void note_faults(void *arg, PGresult *result, const struct cw_error *err)
{
    struct checking *checking = arg;
    for (int i = 0; err == NULL && i < PQntuples(result); i++) {
        struct cw_slice line = cw_pg_slice(result, i, 0);
        if (!cw_buffer_print(checking->report, &checking->err, "%.*s\n", CW_SLICE_ARG(line)))
            checking->is_failed = true;
    }
    if (err == NULL || checking->is_failed)
        return;
    checking->err = *err;
    checking->is_failed =
        err->code != CW_CORRUPT || !cw_buffer_print(checking->report, &checking->err, "%s\n", err->text);
}

bool cw_pg_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(store);
    struct checking checking = { .report = report };
    cw_buffer_clear(report);
    for (size_t i = 0; !checking.is_failed && i < sizeof checks / sizeof *checks; i++) {
        if (!cw_pg_send_with(pg, CW_PG_APART, checks[i], NULL, 0, note_faults, &checking, err))
            return false;
        cw_pg_wait(store);
    }
    if (checking.is_failed && err != NULL)
        *err = checking.err;
    return !checking.is_failed && (report->len > 0 || cw_buffer_add(report, "ok", 2, err));
}
