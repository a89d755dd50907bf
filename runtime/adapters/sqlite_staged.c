/* sqlite_staged.c - staged records: what waits, with its issues. */
#include "adapters/sqlite_engine.h"

static const char upsert[] =
    "INSERT INTO staged_records (cart, stream, external_id, kind, state, staged_at, run_id, document) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (cart, stream, external_id) DO UPDATE SET "
    "kind = excluded.kind, state = excluded.state, run_id = excluded.run_id, "
    "document = excluded.document";
static const char find[] =
    "SELECT id FROM staged_records WHERE cart = ?1 AND stream = ?2 AND external_id = ?3";
static const char drop[] = "DELETE FROM staged_records WHERE cart = ?1 AND stream = ?2 AND external_id = ?3";
static const char drop_issues[] = "DELETE FROM staged_issues WHERE staged_id = ?1";
static const char add_issue[] =
    "INSERT INTO staged_issues (staged_id, position, code, subject, field, path, message, cart, stream, "
    "sort_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

static bool find_id(struct cw_sqlite *s, struct cw_record_key key, int64_t *id, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, find, CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id)),
        &row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE && cw_fail(err, CW_CORRUPT, "%s: a staged record is missing", s->path);
    *id = sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return true;
}

static bool put_issues(struct cw_sqlite *s, int64_t id, const struct cw_staged *staged, struct cw_error *err)
{
    struct cw_record_key key = staged->key;
    if (!cw_sqlite_run(s, drop_issues, CW_BINDS(cw_bind_int(id)), err) ||
        !cw_store_sort_key(key.external_id, &s->sort_key, err))
        return false;
    for (size_t i = 0; i < staged->issue_count; i++) {
        const struct cw_issue *issue = &staged->issues[i];
        if (!cw_sqlite_run(s, add_issue,
                           CW_BINDS(cw_bind_int(id), cw_bind_int((int64_t)i + 1), cw_bind_text(issue->code),
                                    cw_bind_text(issue->subject), cw_bind_text(issue->field),
                                    cw_bind_text(issue->path), cw_bind_text(issue->message),
                                    cw_bind_text(key.cart), cw_bind_text(key.stream),
                                    cw_bind_text(cw_buffer_slice(&s->sort_key))),
                           err))
            return false;
    }
    return true;
}

bool cw_sqlite_put_staged(struct cw_txn *txn, const struct cw_staged *staged, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_record_key key = staged->key;
    int64_t id = 0;
    return cw_sqlite_run(s, upsert,
                         CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                  cw_bind_text(key.external_id), cw_bind_word(staged->kind->name),
                                  cw_bind_word(cw_staged_state_name(staged->state)), cw_bind_time(staged->at),
                                  cw_bind_int(staged->run), cw_bind_text(staged->document)),
                         err) &&
           find_id(s, key, &id, err) && put_issues(s, id, staged, err);
}

bool cw_sqlite_drop_staged(struct cw_txn *txn, struct cw_record_key key, struct cw_error *err)
{
    return cw_sqlite_run(
        cw_sqlite_of(txn->store), drop,
        CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id)), err);
}
