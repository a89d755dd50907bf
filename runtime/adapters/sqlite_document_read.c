/* sqlite_document_read.c - rows of SQLite back into documents. */
#include "adapters/sqlite_documents.h"

#include <stdlib.h>

static bool is_null(const struct cw_store_row *row, int column)
{
    return sqlite3_column_type(row->rows, row->first + column) == SQLITE_NULL;
}

static struct cw_slice text_of(const struct cw_store_row *row, int column)
{
    return cw_sqlite_slice(row->rows, row->first + column);
}

static int64_t integer_of(const struct cw_store_row *row, int column)
{
    return sqlite3_column_int64(row->rows, row->first + column);
}

static const struct cw_store_row_type row_type = { is_null, text_of, integer_of };

static struct cw_store_reading reading(struct cw_sqlite *s, struct cw_arena *arena, struct cw_error *err)
{
    return (struct cw_store_reading){ &s->documents->reader, s->path, arena, { .type = &row_type }, err };
}

typedef bool take_fn(struct cw_store_reading *in, void *into);

/* All rows of what was found, one by one. */
static bool take_rows(struct cw_sqlite *s, struct cw_store_reading *in, enum cw_row found, sqlite3_stmt *row,
                      take_fn *take, void *into)
{
    in->row.rows = row;
    while (found == CW_ROW_FOUND) {
        if (!take(in, into)) {
            sqlite3_reset(row);
            return false;
        }
        found = cw_sqlite_next(s, row, in->err);
    }
    return found == CW_ROW_NONE;
}

/* --- documents --- */

struct list {
    const struct cw_store_rows *rows;
    struct cw_document *doc;
};

static bool take_member(struct cw_store_reading *in, void *into)
{
    struct list *list = into;
    return cw_store_take_member(in, list->rows, list->doc);
}

static bool read_list(struct cw_sqlite *s, struct cw_store_reading *in, const struct cw_sqlite_rows *rows,
                      int64_t number, struct cw_document *doc)
{
    sqlite3_stmt *row;
    struct list list = { rows->of, doc };
    enum cw_row found = cw_sqlite_find(s, rows->read, CW_BINDS(cw_bind_int(number)), &row, in->err);
    return take_rows(s, in, found, row, take_member, &list);
}

bool cw_sqlite_read_document(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_slice cart,
                             struct cw_slice external_id, struct cw_arena *arena, struct cw_document **doc,
                             int64_t *number, struct cw_error *err)
{
    sqlite3_stmt *row;
    const struct cw_sqlite_document *plan = cw_sqlite_document_plan(s, kind, err);
    *doc = NULL;
    *number = 0;
    if (plan == NULL)
        return false;
    struct cw_store_reading in = reading(s, arena, err);
    enum cw_row found =
        cw_sqlite_find(s, plan->own.read, CW_BINDS(cw_bind_text(cart), cw_bind_text(external_id)), &row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    in.row.rows = row;
    bool ok = cw_store_take_document(&in, plan->own.of, external_id, doc, number);
    sqlite3_reset(row);
    for (size_t i = 0; ok && i < plan->plan.list_count; i++)
        ok = read_list(s, &in, &plan->lists[i], *number, *doc);
    return ok;
}

/* --- what people decided --- */

static const char select_edits[] = "SELECT " CW_EDIT_COLUMNS " FROM document_edits "
                                   "WHERE cart = ?1 AND kind = ?2 AND external_id = ?3 ORDER BY field";
static const char select_releases[] =
    "SELECT " CW_RELEASE_COLUMNS " FROM releases WHERE cart = ?1 AND stream = ?2 AND external_id = ?3 "
    "ORDER BY code, field, message";

static bool take_edit(struct cw_store_reading *in, void *into)
{
    return cw_store_take_edit(in, into);
}

static bool take_release(struct cw_store_reading *in, void *into)
{
    return cw_store_take_release(in, into);
}

static bool read_decisions(struct cw_sqlite *s, struct cw_store_reading *in, const char *sql,
                           const struct cw_slice key[3], take_fn *take, struct cw_stored *out)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, sql, CW_BINDS(cw_bind_text(key[0]), cw_bind_text(key[1]), cw_bind_text(key[2])), &row, in->err);
    return take_rows(s, in, found, row, take, out);
}

static bool read_stored(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_record_key key,
                        struct cw_arena *arena, struct cw_stored *out, struct cw_error *err)
{
    const struct cw_slice edited[3] = { key.cart, cw_slice(kind->name), key.external_id };
    const struct cw_slice record[3] = { key.cart, key.stream, key.external_id };
    if (!cw_sqlite_read_document(s, kind, key.cart, key.external_id, arena, &out->doc, &out->number, err))
        return cw_store_fail_at(err, key.external_id);
    struct cw_store_reading in = reading(s, arena, err);
    return (read_decisions(s, &in, select_edits, edited, take_edit, out) &&
            read_decisions(s, &in, select_releases, record, take_release, out)) ||
           cw_store_fail_at(err, key.external_id);
}

void cw_sqlite_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                             size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_stored *stored = calloc(count + 1, sizeof *stored);
    struct cw_error err;
    bool ok = stored != NULL || cw_fail(&err, CW_NOMEM, "out of memory for %zu documents", count);
    for (size_t i = 0; ok && i < count; i++)
        ok = read_stored(s, kind, keys[i], arena, &stored[i], &err);
    if (!ok)
        cw_txn_lose(txn, &err);
    got(arg, ok ? stored : NULL, ok ? count : 0, ok ? NULL : &err);
    free(stored);
}
