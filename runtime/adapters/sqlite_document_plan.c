/* sqlite_document_plan.c - which columns and statements the documents of a kind have; see sqlite_documents.h.
 */
#include "adapters/sqlite_documents.h"

#include <stdlib.h>

/* --- columns --- */

static size_t count_columns(const struct cw_kind *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < kind->field_count; i++) {
        enum cw_type type = kind->fields[i].type;
        count += type == CW_RECORD ? kind->fields[i].kind->field_count : type != CW_LIST;
    }
    return count;
}

static void add_record(struct cw_sqlite_rows *rows, int record)
{
    const struct cw_field *outer = &rows->kind->fields[record];
    for (size_t i = 0; i < outer->kind->field_count; i++) {
        struct cw_sqlite_column *column = &rows->columns[rows->count++];
        const struct cw_field *field = &outer->kind->fields[i];
        *column = (struct cw_sqlite_column){ .record = record, .field = (int)i, .type = field->type };
        column->is_id = strcmp(field->name, "external_id") == 0;
        cw_store_flat_column(outer, field, column->name);
    }
}

static void add_scalar(struct cw_sqlite_rows *rows, int field)
{
    struct cw_sqlite_column *column = &rows->columns[rows->count++];
    const struct cw_field *scalar = &rows->kind->fields[field];
    *column = (struct cw_sqlite_column){ .record = -1, .field = field, .type = scalar->type };
    column->is_id = strcmp(scalar->name, "external_id") == 0;
    cw_store_column(rows->kind, scalar, column->name);
}

static bool plan_columns(struct cw_sqlite_rows *rows)
{
    size_t count = count_columns(rows->kind);
    rows->columns = calloc(count, sizeof *rows->columns);
    rows->scratch = calloc(count, sizeof *rows->scratch);
    rows->insert.bound = calloc(count, sizeof *rows->insert.bound);
    rows->update.bound = calloc(count, sizeof *rows->update.bound);
    if (rows->columns == NULL || rows->scratch == NULL || rows->insert.bound == NULL ||
        rows->update.bound == NULL)
        return false;
    for (size_t i = 0; i < rows->kind->field_count; i++) {
        if (rows->kind->fields[i].type == CW_RECORD)
            add_record(rows, (int)i);
        else if (rows->kind->fields[i].type != CW_LIST)
            add_scalar(rows, (int)i);
    }
    return true;
}

/* --- statements --- */

/* ", ?6, ?7" or ", number = ?6, status = ?7" or ", number, status". */
enum form { NAMES, PARAMETERS, ASSIGNMENTS };
static bool print_columns(struct cw_buffer *sql, const struct cw_sqlite_rows *rows, enum form form, int first,
                          struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        const char *name = form == PARAMETERS ? "" : rows->columns[i].name;
        bool ok = form == NAMES ? cw_buffer_print(sql, err, ", %s", name)
                                : cw_buffer_print(sql, err, ", %s%s?%d", name,
                                                  form == ASSIGNMENTS ? " = " : "", first + (int)i);
        if (!ok)
            return false;
    }
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
    const char *table = rows->kind->plural;
    return cw_buffer_print(
               sql, err,
               "INSERT INTO %s (cart, external_id, first_run, last_run, first_stored_at, last_stored_at, "
               "custom",
               table) &&
           print_columns(sql, rows, NAMES, 0, err) &&
           cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3, ?3, ?4, ?4, ?5") &&
           print_columns(sql, rows, PARAMETERS, CW_DOC_FIELDS, err) &&
           cw_buffer_print(sql, err, ") ON CONFLICT (cart, external_id) DO NOTHING") &&
           take_text(sql, &rows->insert.sql, err) &&
           cw_buffer_print(sql, err, "UPDATE %s SET last_run = ?3, last_stored_at = ?4, custom = ?5",
                           table) &&
           print_columns(sql, rows, ASSIGNMENTS, CW_DOC_FIELDS, err) &&
           cw_buffer_print(sql, err, " WHERE cart = ?1 AND external_id = ?2") &&
           take_text(sql, &rows->update.sql, err);
}

static bool print_reads(struct cw_sqlite_rows *rows, struct cw_buffer *sql, struct cw_error *err)
{
    const char *table = rows->kind->plural;
    return cw_buffer_print(sql, err, "SELECT id FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->find, err) && cw_buffer_print(sql, err, "SELECT id, custom") &&
           print_columns(sql, rows, NAMES, 0, err) &&
           cw_buffer_print(sql, err, " FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->read, err);
}

static bool print_list(struct cw_sqlite_rows *rows, const struct cw_kind *parent, struct cw_buffer *sql,
                       struct cw_error *err)
{
    const char *name = parent->name, *list = parent->fields[rows->list].name;
    return cw_buffer_print(sql, err, "INSERT INTO %s_%s (%s_id, position, custom", name, list, name) &&
           print_columns(sql, rows, NAMES, 0, err) && cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3") &&
           print_columns(sql, rows, PARAMETERS, CW_LIST_FIELDS, err) && cw_buffer_print(sql, err, ")") &&
           take_text(sql, &rows->insert.sql, err) &&
           cw_buffer_print(sql, err, "DELETE FROM %s_%s WHERE %s_id = ?1", name, list, name) &&
           take_text(sql, &rows->clear, err) && cw_buffer_print(sql, err, "SELECT position, custom") &&
           print_columns(sql, rows, NAMES, 0, err) &&
           cw_buffer_print(sql, err, " FROM %s_%s WHERE %s_id = ?1 ORDER BY position", name, list, name) &&
           take_text(sql, &rows->read, err);
}

/* --- plans --- */

static void free_rows(struct cw_sqlite_rows *rows)
{
    free(rows->columns);
    free(rows->scratch);
    free(rows->insert.sql);
    free(rows->insert.bound);
    free(rows->update.sql);
    free(rows->update.bound);
    free(rows->read);
    free(rows->find);
    free(rows->clear);
}

static void free_document(struct cw_sqlite_document *doc)
{
    free_rows(&doc->own);
    for (size_t i = 0; i < doc->list_count; i++)
        free_rows(&doc->lists[i]);
}

void cw_sqlite_documents_free(struct cw_sqlite_documents *documents)
{
    if (documents == NULL)
        return;
    for (size_t i = 0; i < documents->count; i++)
        free_document(&documents->kinds[i]);
    cw_buffer_fini(&documents->custom);
    cw_arena_fini(&documents->arena);
    cw_parser_free(documents->parser);
    free(documents);
}

static bool plan_list(struct cw_sqlite_document *plan, int field, struct cw_buffer *sql, struct cw_error *err)
{
    struct cw_sqlite_rows *rows = &plan->lists[plan->list_count++];
    *rows = (struct cw_sqlite_rows){ .kind = plan->kind->fields[field].kind, .list = field };
    return (plan_columns(rows) || cw_fail(err, CW_NOMEM, "out of memory for the store's statements")) &&
           print_list(rows, plan->kind, sql, err);
}

static bool plan_document(struct cw_sqlite_document *plan, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_buffer sql = { 0 };
    plan->kind = kind;
    plan->currency = cw_kind_field(kind, cw_slice("currency"));
    plan->own = (struct cw_sqlite_rows){ .kind = kind, .list = -1 };
    bool ok =
        (plan_columns(&plan->own) || cw_fail(err, CW_NOMEM, "out of memory for the store's statements")) &&
        print_writes(&plan->own, &sql, err) && print_reads(&plan->own, &sql, err);
    for (size_t i = 0; ok && i < kind->field_count; i++)
        if (kind->fields[i].type == CW_LIST)
            ok = plan_list(plan, (int)i, &sql, err);
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
        if (all->kinds[i].kind == kind)
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
