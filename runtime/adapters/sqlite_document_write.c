/* sqlite_document_write.c - documents into rows. */
#include "adapters/sqlite_documents.h"

/* A statement on its way to its row. */
struct binding {
    struct cw_sqlite *s;
    const struct cw_store_rows *rows;
    sqlite3_stmt *stmt;
    bool *bound; /* of the statement */
    int first;   /* parameter of the first column */
    int money_digits;
    struct cw_error *err;
};

static bool bind_fields(const struct binding *to, const struct cw_document *doc)
{
    struct cw_bind bind;
    for (size_t i = 0; i < to->rows->count; i++) {
        if (!cw_store_bind_column(to->rows, i, doc, to->money_digits, &bind, to->err))
            return false;
        if (bind.type == CW_BIND_NULL && !to->bound[i])
            continue;
        if (!cw_sqlite_bind(to->s, to->stmt, to->first + (int)i, &bind, to->err))
            return false;
        to->bound[i] = bind.type != CW_BIND_NULL;
    }
    return true;
}

static bool bind_custom(struct cw_sqlite *s, sqlite3_stmt *stmt, int at, const struct cw_document *doc,
                        struct cw_error *err)
{
    struct cw_bind bind;
    return cw_store_bind_custom(doc, &s->documents->custom, &bind, err) &&
           cw_sqlite_bind(s, stmt, at, &bind, err);
}

/* --- writing --- */

/* What the row's document says of its own storing. */
struct stored {
    struct cw_slice cart;
    const struct cw_document *doc;
    cw_time at;
    int64_t run;
    int money_digits;
};

static bool write_row(struct cw_sqlite *s, const struct cw_sqlite_rows *rows,
                      const struct cw_sqlite_write *write, const struct stored *in, struct cw_error *err)
{
    sqlite3_stmt *stmt = cw_sqlite_prepare(s, write->sql, err);
    const struct cw_bind cart = cw_bind_text(in->cart), id = cw_bind_text(in->doc->external_id);
    const struct cw_bind run = cw_bind_int(in->run), at = cw_bind_time(in->at);
    const struct binding to = { s, rows->of, stmt, write->bound, CW_DOC_FIELDS, in->money_digits, err };
    return stmt != NULL && cw_sqlite_bind(s, stmt, CW_DOC_CART, &cart, err) &&
           cw_sqlite_bind(s, stmt, CW_DOC_ID, &id, err) && cw_sqlite_bind(s, stmt, CW_DOC_RUN, &run, err) &&
           cw_sqlite_bind(s, stmt, CW_DOC_AT, &at, err) &&
           bind_custom(s, stmt, CW_DOC_CUSTOM, in->doc, err) && bind_fields(&to, in->doc) &&
           cw_sqlite_step(s, stmt, err);
}

/* *number stays 0 when the key is taken. */
static bool insert_new(struct cw_sqlite *s, const struct cw_sqlite_document *plan, const struct stored *in,
                       int64_t *number, struct cw_error *err)
{
    *number = 0;
    if (!write_row(s, &plan->own, &plan->own.insert, in, err))
        return false;
    if (sqlite3_changes(s->db) > 0)
        *number = sqlite3_last_insert_rowid(s->db);
    return true;
}

static bool find_number(struct cw_sqlite *s, const struct cw_sqlite_document *plan, const struct stored *in,
                        int64_t *number, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, plan->own.find, CW_BINDS(cw_bind_text(in->cart), cw_bind_text(in->doc->external_id)), &row, err);
    *number = 0;
    if (found == CW_ROW_FOUND) {
        *number = sqlite3_column_int64(row, 0);
        sqlite3_reset(row);
    }
    return found != CW_ROW_FAILED;
}

static bool replace(struct cw_sqlite *s, const struct cw_sqlite_document *plan, const struct stored *in,
                    int64_t number, struct cw_error *err)
{
    for (size_t i = 0; i < plan->plan.list_count; i++)
        if (!cw_sqlite_run(s, plan->lists[i].clear, CW_BINDS(cw_bind_int(number)), err))
            return false;
    return write_row(s, &plan->own, &plan->own.update, in, err);
}

/* A new document gets a number; a known one keeps its number and loses its lists. Where documents were new so
 * far, the next one is not looked for first: inserting it finds out. */
static bool write_own(struct cw_sqlite *s, struct cw_sqlite_document *plan, const struct stored *in,
                      int64_t *number, struct cw_error *err)
{
    if (!plan->was_known && (!insert_new(s, plan, in, number, err) || *number != 0))
        return *number != 0;
    if (!find_number(s, plan, in, number, err))
        return false;
    plan->was_known = *number != 0;
    return plan->was_known ? replace(s, plan, in, *number, err) : insert_new(s, plan, in, number, err);
}

static bool write_list(struct cw_sqlite *s, const struct cw_sqlite_rows *rows, const struct stored *in,
                       int64_t number, struct cw_error *err)
{
    const struct cw_value *list = &in->doc->values[rows->of->list];
    int64_t position = 0;
    if (!list->is_set || list->list.first == NULL)
        return true;
    sqlite3_stmt *stmt = cw_sqlite_prepare(s, rows->insert.sql, err);
    const struct binding to = {
        s, rows->of, stmt, rows->insert.bound, CW_LIST_FIELDS, in->money_digits, err
    };
    for (const struct cw_document *row = list->list.first; stmt != NULL && row != NULL; row = row->next) {
        const struct cw_bind parent = cw_bind_int(number), at = cw_bind_int(++position);
        if (!cw_sqlite_bind(s, stmt, CW_LIST_PARENT, &parent, err) ||
            !cw_sqlite_bind(s, stmt, CW_LIST_POSITION, &at, err) ||
            !bind_custom(s, stmt, CW_LIST_CUSTOM, row, err) || !bind_fields(&to, row) ||
            !cw_sqlite_step(s, stmt, err))
            return false;
    }
    return stmt != NULL;
}

bool cw_sqlite_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc,
                            cw_time at, int64_t run, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_sqlite_document *plan = cw_sqlite_document_plan(s, doc->kind, err);
    int64_t number;
    if (plan == NULL)
        return false;
    const struct stored in = { cart, doc, at, run, cw_store_money_digits(&plan->plan, doc) };
    if (!write_own(s, plan, &in, &number, err))
        return false;
    for (size_t i = 0; i < plan->plan.list_count; i++)
        if (!write_list(s, &plan->lists[i], &in, number, err))
            return false;
    return true;
}

static const char delete_edits[] =
    "DELETE FROM document_edits WHERE cart = ?1 AND kind = ?2 AND external_id = ?3";

bool cw_sqlite_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                             struct cw_slice external_id, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_sqlite_document *plan = cw_sqlite_document_plan(s, kind, err);
    if (plan == NULL ||
        !cw_sqlite_run(s, plan->own.drop, CW_BINDS(cw_bind_text(cart), cw_bind_text(external_id)), err))
        return false;
    if (sqlite3_changes(s->db) == 0)
        return cw_store_fail_missing(cart, kind, external_id, err);
    return cw_sqlite_run(s, delete_edits,
                         CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id)),
                         err);
}
