/* sqlite_document_plan.c - the statements of each kind of document. */
#include "adapters/sqlite_documents.h"

#include <stdlib.h>

/* --- statements --- */

/* ", ?6, ?7" or ", number = ?6, status = ?7". */
static bool print_values(struct cw_buffer *sql, const struct cw_store_rows *rows, bool assigned, int first,
                         struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!cw_buffer_print(sql, err, ", %s%s?%d", assigned ? rows->columns[i].name : "",
                             assigned ? " = " : "", first + (int)i))
            return false;
    return true;
}

/* Takes the text out of `sql` for good. */
static bool take_text(struct cw_buffer *sql, char **out, struct cw_error *err)
{
    *out = strdup(sql->data);
    cw_buffer_clear(sql);
    return *out != NULL || cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
}

static bool print_writes(struct cw_sqlite_rows *rows, struct cw_buffer *sql, struct cw_error *err)
{
    const char *table = rows->of->table;
    return cw_buffer_print(
               sql, err,
               "INSERT INTO %s (cart, external_id, first_run, last_run, first_stored_at, last_stored_at, "
               "custom",
               table) &&
           cw_store_print_names(sql, rows->of, err) &&
           cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3, ?3, ?4, ?4, ?5") &&
           print_values(sql, rows->of, false, CW_DOC_FIELDS, err) &&
           cw_buffer_print(sql, err, ") ON CONFLICT (cart, external_id) DO NOTHING") &&
           take_text(sql, &rows->insert.sql, err) &&
           cw_buffer_print(sql, err, "UPDATE %s SET last_run = ?3, last_stored_at = ?4, custom = ?5",
                           table) &&
           print_values(sql, rows->of, true, CW_DOC_FIELDS, err) &&
           cw_buffer_print(sql, err, " WHERE cart = ?1 AND external_id = ?2") &&
           take_text(sql, &rows->update.sql, err);
}

static bool print_reads(struct cw_sqlite_rows *rows, struct cw_buffer *sql, struct cw_error *err)
{
    const char *table = rows->of->table;
    return cw_buffer_print(sql, err, "SELECT id FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->find, err) &&
           cw_buffer_print(sql, err, "DELETE FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->drop, err) && cw_buffer_print(sql, err, "SELECT id, custom") &&
           cw_store_print_names(sql, rows->of, err) &&
           cw_buffer_print(sql, err, " FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->read, err);
}

static bool print_list(struct cw_sqlite_rows *rows, struct cw_buffer *sql, struct cw_error *err)
{
    const char *table = rows->of->table, *parent = rows->of->parent;
    return cw_buffer_print(sql, err, "INSERT INTO %s (%s, position, custom", table, parent) &&
           cw_store_print_names(sql, rows->of, err) && cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3") &&
           print_values(sql, rows->of, false, CW_LIST_FIELDS, err) && cw_buffer_print(sql, err, ")") &&
           take_text(sql, &rows->insert.sql, err) &&
           cw_buffer_print(sql, err, "DELETE FROM %s WHERE %s = ?1", table, parent) &&
           take_text(sql, &rows->clear, err) && cw_buffer_print(sql, err, "SELECT position, custom") &&
           cw_store_print_names(sql, rows->of, err) &&
           cw_buffer_print(sql, err, " FROM %s WHERE %s = ?1 ORDER BY position", table, parent) &&
           take_text(sql, &rows->read, err);
}

/* --- plans --- */

static void free_rows(struct cw_sqlite_rows *rows)
{
    free(rows->insert.sql);
    free(rows->insert.bound);
    free(rows->update.sql);
    free(rows->update.bound);
    free(rows->read);
    free(rows->find);
    free(rows->drop);
    free(rows->clear);
}

static void free_document(struct cw_sqlite_document *doc)
{
    free_rows(&doc->own);
    for (size_t i = 0; i < doc->plan.list_count; i++)
        free_rows(&doc->lists[i]);
    cw_store_document_fini(&doc->plan);
}

void cw_sqlite_documents_free(struct cw_sqlite_documents *documents)
{
    if (documents == NULL)
        return;
    for (size_t i = 0; i < documents->count; i++)
        free_document(&documents->kinds[i]);
    cw_buffer_fini(&documents->custom);
    cw_store_reader_fini(&documents->reader);
    free(documents);
}

static bool plan_rows(struct cw_sqlite_rows *rows, const struct cw_store_rows *of, struct cw_error *err)
{
    rows->of = of;
    rows->insert.bound = calloc(of->count, sizeof *rows->insert.bound);
    rows->update.bound = calloc(of->count, sizeof *rows->update.bound);
    return (rows->insert.bound != NULL && rows->update.bound != NULL) ||
           cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
}

static bool plan_document(struct cw_sqlite_document *doc, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_buffer sql = { 0 };
    bool ok = cw_store_document_init(&doc->plan, kind, err) && plan_rows(&doc->own, &doc->plan.own, err) &&
              print_writes(&doc->own, &sql, err) && print_reads(&doc->own, &sql, err);
    for (size_t i = 0; ok && i < doc->plan.list_count; i++)
        ok = plan_rows(&doc->lists[i], &doc->plan.lists[i], err) && print_list(&doc->lists[i], &sql, err);
    cw_buffer_fini(&sql);
    return ok;
}

struct cw_sqlite_document *cw_sqlite_document_plan(struct cw_sqlite *s, const struct cw_kind *kind,
                                                   struct cw_error *err)
{
    struct cw_sqlite_documents *all = s->documents;
    if (all == NULL && (all = s->documents = calloc(1, sizeof *all)) == NULL) {
        cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
        return NULL;
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->kinds[i].plan.kind == kind)
            return &all->kinds[i];
    struct cw_sqlite_document *plan = &all->kinds[all->count];
    if (plan_document(plan, kind, err)) {
        all->count++;
        return plan;
    }
    free_document(plan);
    memset(plan, 0, sizeof *plan);
    return NULL;
}
