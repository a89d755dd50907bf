/* sqlite_documents.c - documents as rows. The statements are generated once from the kinds' fields, so that a
 * field is added in base/document.h and in the schema, and nowhere else. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

#include "adapters/document_json.h"
#include "base/currency.h"

/* A scalar field: of the document itself, or of a record that is flattened into it. */
struct column {
    int record; /* index of the field that is the record; -1 = the document's own */
    int field;  /* index in the document, or in the record */
    enum cw_type type;
    bool is_id; /* the cart's id of a record: may stand in the field or in the record's head */
    char name[CW_COLUMN_MAX];
};

/* The rows of one kind in one table. */
struct rows {
    const struct cw_kind *kind;
    int list; /* index of the list's field in its parent; -1 = the document itself */
    struct column *columns;
    size_t count;
    char *insert, *update, *find, *clear; /* update and find only for documents, clear only for lists */
    char (*scratch)[CW_VALUE_TEXT_MAX];   /* one a column: what numbers and times are bound to */
};

enum { DOCUMENT_KINDS = 8, LISTS_MAX = 8 };

struct document {
    const struct cw_kind *kind;
    int currency; /* index of its currency; -1 = it has none */
    struct rows own, lists[LISTS_MAX];
    size_t list_count;
};

struct cw_sqlite_documents {
    struct document kinds[DOCUMENT_KINDS];
    size_t count;
    struct cw_buffer custom;
    struct cw_arena arena; /* for own fields of flattened records */
};

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

static void add_record(struct rows *rows, int record)
{
    const struct cw_field *outer = &rows->kind->fields[record];
    for (size_t i = 0; i < outer->kind->field_count; i++) {
        struct column *column = &rows->columns[rows->count++];
        const struct cw_field *field = &outer->kind->fields[i];
        *column = (struct column){ .record = record, .field = (int)i, .type = field->type };
        column->is_id = strcmp(field->name, "external_id") == 0;
        cw_store_flat_column(outer, field, column->name);
    }
}

static void add_scalar(struct rows *rows, int field)
{
    struct column *column = &rows->columns[rows->count++];
    const struct cw_field *scalar = &rows->kind->fields[field];
    *column = (struct column){ .record = -1, .field = field, .type = scalar->type };
    column->is_id = strcmp(scalar->name, "external_id") == 0;
    cw_store_column(rows->kind, scalar, column->name);
}

static bool plan_columns(struct rows *rows)
{
    size_t count = count_columns(rows->kind);
    rows->columns = calloc(count, sizeof *rows->columns);
    rows->scratch = calloc(count, sizeof *rows->scratch);
    if (rows->columns == NULL || rows->scratch == NULL)
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

/* The parameters that stand before the fields' own. */
enum { DOC_CART = 1, DOC_ID, DOC_RUN, DOC_AT, DOC_CUSTOM, DOC_FIELDS };
enum { LIST_PARENT = 1, LIST_POSITION, LIST_CUSTOM, LIST_FIELDS };

/* ", ?6, ?7" or ", number = ?6, status = ?7" or ", number, status". */
enum form { NAMES, PARAMETERS, ASSIGNMENTS };
static bool print_columns(struct cw_buffer *sql, const struct rows *rows, enum form form, int first,
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

static bool print_document(struct rows *rows, struct cw_buffer *sql, struct cw_error *err)
{
    const char *table = rows->kind->plural;
    return cw_buffer_print(
               sql, err,
               "INSERT INTO %s (cart, external_id, first_run, last_run, first_stored_at, last_stored_at, "
               "custom",
               table) &&
           print_columns(sql, rows, NAMES, 0, err) &&
           cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3, ?3, ?4, ?4, ?5") &&
           print_columns(sql, rows, PARAMETERS, DOC_FIELDS, err) && cw_buffer_print(sql, err, ")") &&
           take_text(sql, &rows->insert, err) &&
           cw_buffer_print(sql, err, "UPDATE %s SET last_run = ?3, last_stored_at = ?4, custom = ?5",
                           table) &&
           print_columns(sql, rows, ASSIGNMENTS, DOC_FIELDS, err) &&
           cw_buffer_print(sql, err, " WHERE cart = ?1 AND external_id = ?2") &&
           take_text(sql, &rows->update, err) &&
           cw_buffer_print(sql, err, "SELECT id FROM %s WHERE cart = ?1 AND external_id = ?2", table) &&
           take_text(sql, &rows->find, err);
}

static bool print_list(struct rows *rows, const struct cw_kind *parent, struct cw_buffer *sql,
                       struct cw_error *err)
{
    const char *list = parent->fields[rows->list].name;
    return cw_buffer_print(sql, err, "INSERT INTO %s_%s (%s_id, position, custom", parent->name, list,
                           parent->name) &&
           print_columns(sql, rows, NAMES, 0, err) && cw_buffer_print(sql, err, ") VALUES (?1, ?2, ?3") &&
           print_columns(sql, rows, PARAMETERS, LIST_FIELDS, err) && cw_buffer_print(sql, err, ")") &&
           take_text(sql, &rows->insert, err) &&
           cw_buffer_print(sql, err, "DELETE FROM %s_%s WHERE %s_id = ?1", parent->name, list,
                           parent->name) &&
           take_text(sql, &rows->clear, err);
}

/* --- plans --- */

static void free_rows(struct rows *rows)
{
    free(rows->columns);
    free(rows->scratch);
    free(rows->insert);
    free(rows->update);
    free(rows->find);
    free(rows->clear);
}

static void free_document(struct document *doc)
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
    free(documents);
}

static bool plan_list(struct document *plan, int field, struct cw_buffer *sql, struct cw_error *err)
{
    struct rows *rows = &plan->lists[plan->list_count++];
    *rows = (struct rows){ .kind = plan->kind->fields[field].kind, .list = field };
    return (plan_columns(rows) || cw_fail(err, CW_NOMEM, "out of memory for the store's statements")) &&
           print_list(rows, plan->kind, sql, err);
}

static bool plan_document(struct document *plan, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_buffer sql = { 0 };
    plan->kind = kind;
    plan->currency = cw_kind_field(kind, cw_slice("currency"));
    plan->own = (struct rows){ .kind = kind, .list = -1 };
    bool ok =
        (plan_columns(&plan->own) || cw_fail(err, CW_NOMEM, "out of memory for the store's statements")) &&
        print_document(&plan->own, &sql, err);
    for (size_t i = 0; ok && i < kind->field_count; i++)
        if (kind->fields[i].type == CW_LIST)
            ok = plan_list(plan, (int)i, &sql, err);
    cw_buffer_fini(&sql);
    return ok;
}

static struct document *plan_of(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_error *err)
{
    struct cw_sqlite_documents *all = s->documents;
    if (all == NULL && (all = s->documents = calloc(1, sizeof *all)) == NULL) {
        cw_fail(err, CW_NOMEM, "out of memory for the store's statements");
        return NULL;
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->kinds[i].kind == kind)
            return &all->kinds[i];
    struct document *plan = &all->kinds[all->count];
    if (plan_document(plan, kind, err)) {
        all->count++;
        return plan;
    }
    free_document(plan);
    memset(plan, 0, sizeof *plan);
    return NULL;
}

/* --- values --- */

/* The document or record that the column is of; NULL when it has no such record. */
static const struct cw_document *owner_of(const struct cw_document *doc, const struct column *column)
{
    if (column->record < 0)
        return doc;
    const struct cw_value *record = &doc->values[column->record];
    return record->is_set ? record->record : NULL;
}

static struct cw_bind bind_value(enum cw_type type, const struct cw_value *value, int money_digits,
                                 char *scratch)
{
    switch (type) {
    case CW_INTEGER:
        return cw_bind_int(value->integer);
    case CW_BOOLEAN:
        return cw_bind_int(value->boolean);
    case CW_TIME:
        cw_store_time_text(value->time, scratch);
        return cw_bind_text((struct cw_slice){ scratch, CW_STORE_TIME_LEN });
    default:
        return cw_bind_text(cw_value_text(type, value, money_digits, scratch));
    }
}

static struct cw_bind bind_column(const struct cw_document *doc, const struct column *column,
                                  int money_digits, char *scratch)
{
    const struct cw_document *owner = owner_of(doc, column);
    if (owner != NULL && owner->values[column->field].is_set)
        return bind_value(column->type, &owner->values[column->field], money_digits, scratch);
    if (owner != NULL && column->is_id && owner->external_id.len > 0)
        return cw_bind_text(owner->external_id);
    return (struct cw_bind){ .type = CW_BIND_NULL };
}

static bool bind_fields(struct cw_sqlite *s, sqlite3_stmt *stmt, const struct rows *rows,
                        const struct cw_document *doc, int first, int money_digits, struct cw_error *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct cw_bind bind = bind_column(doc, &rows->columns[i], money_digits, rows->scratch[i]);
        if (bind.slice.len > CW_STORE_TEXT_MAX) {
            cw_fail(err, CW_LIMIT, "the text has %zu bytes; the store takes at most %d", bind.slice.len,
                    CW_STORE_TEXT_MAX);
            return cw_fail_at(err, NULL, rows->columns[i].name, NULL);
        }
        if (!cw_sqlite_bind(s, stmt, first + (int)i, &bind, err))
            return false;
    }
    return true;
}

/* Own fields of flattened records stand before the document's own, named like their columns:
 * billing_door_code. */
static bool flatten_custom(struct cw_sqlite_documents *all, const struct cw_document *doc, int field,
                           struct cw_custom ***end, struct cw_error *err)
{
    const char *prefix = doc->kind->fields[field].name;
    for (struct cw_custom *own = doc->values[field].record->custom; own != NULL; own = own->next) {
        size_t len = strlen(prefix) + 1 + own->name.len;
        struct cw_custom *flat = cw_arena_alloc(&all->arena, sizeof *flat);
        char *name = cw_arena_bytes(&all->arena, len + 1);
        if (flat == NULL || name == NULL)
            return cw_fail(err, CW_NOMEM, "out of memory for a document");
        sqlite3_snprintf((int)len + 1, name, "%s_%.*s", prefix, (int)own->name.len, own->name.data);
        *flat = *own;
        flat->name = (struct cw_slice){ name, len };
        flat->next = NULL;
        **end = flat;
        *end = &flat->next;
    }
    return true;
}

/* NULL where the document has no fields of the site's own. */
static bool bind_custom(struct cw_sqlite *s, sqlite3_stmt *stmt, int at, const struct cw_document *doc,
                        struct cw_error *err)
{
    struct cw_sqlite_documents *all = s->documents;
    struct cw_custom *first = NULL, **end = &first;
    cw_arena_reset(&all->arena);
    for (size_t i = 0; i < doc->kind->field_count; i++)
        if (doc->kind->fields[i].type == CW_RECORD && doc->values[i].is_set &&
            doc->values[i].record != NULL && !flatten_custom(all, doc, (int)i, &end, err))
            return false;
    *end = doc->custom;
    struct cw_bind bind = { .type = CW_BIND_NULL };
    if (first != NULL) {
        cw_buffer_clear(&all->custom);
        if (!cw_custom_json(&all->custom, first, err))
            return false;
        bind = cw_bind_text(cw_buffer_slice(&all->custom));
    }
    return cw_sqlite_bind(s, stmt, at, &bind, err);
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

static bool write_row(struct cw_sqlite *s, const struct rows *rows, const char *sql, const struct stored *in,
                      struct cw_error *err)
{
    sqlite3_stmt *stmt = cw_sqlite_prepare(s, sql, err);
    const struct cw_bind cart = cw_bind_text(in->cart), id = cw_bind_text(in->doc->external_id);
    const struct cw_bind run = cw_bind_int(in->run), at = cw_bind_time(in->at);
    return stmt != NULL && cw_sqlite_bind(s, stmt, DOC_CART, &cart, err) &&
           cw_sqlite_bind(s, stmt, DOC_ID, &id, err) && cw_sqlite_bind(s, stmt, DOC_RUN, &run, err) &&
           cw_sqlite_bind(s, stmt, DOC_AT, &at, err) && bind_custom(s, stmt, DOC_CUSTOM, in->doc, err) &&
           bind_fields(s, stmt, rows, in->doc, DOC_FIELDS, in->money_digits, err) &&
           cw_sqlite_step(s, stmt, err);
}

/* A new document gets a number; a known one keeps its number and loses its lists. */
static bool write_own(struct cw_sqlite *s, const struct document *plan, const struct stored *in,
                      int64_t *number, struct cw_error *err)
{
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(
        s, plan->own.find, CW_BINDS(cw_bind_text(in->cart), cw_bind_text(in->doc->external_id)), &row, err);
    if (found == CW_ROW_FAILED)
        return false;
    if (found == CW_ROW_NONE) {
        bool ok = write_row(s, &plan->own, plan->own.insert, in, err);
        *number = sqlite3_last_insert_rowid(s->db);
        return ok;
    }
    *number = sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    for (size_t i = 0; i < plan->list_count; i++)
        if (!cw_sqlite_run(s, plan->lists[i].clear, CW_BINDS(cw_bind_int(*number)), err))
            return false;
    return write_row(s, &plan->own, plan->own.update, in, err);
}

static bool write_list(struct cw_sqlite *s, const struct rows *rows, const struct stored *in, int64_t number,
                       struct cw_error *err)
{
    const struct cw_value *list = &in->doc->values[rows->list];
    int64_t position = 0;
    if (!list->is_set || list->list.first == NULL)
        return true;
    sqlite3_stmt *stmt = cw_sqlite_prepare(s, rows->insert, err);
    for (const struct cw_document *row = list->list.first; stmt != NULL && row != NULL; row = row->next) {
        const struct cw_bind parent = cw_bind_int(number), at = cw_bind_int(++position);
        if (!cw_sqlite_bind(s, stmt, LIST_PARENT, &parent, err) ||
            !cw_sqlite_bind(s, stmt, LIST_POSITION, &at, err) ||
            !bind_custom(s, stmt, LIST_CUSTOM, row, err) ||
            !bind_fields(s, stmt, rows, row, LIST_FIELDS, in->money_digits, err) ||
            !cw_sqlite_step(s, stmt, err))
            return false;
    }
    return stmt != NULL;
}

static int money_digits(const struct document *plan, const struct cw_document *doc)
{
    const struct cw_value *currency = plan->currency >= 0 ? &doc->values[plan->currency] : NULL;
    return currency != NULL && currency->is_set ? cw_currency_digits(currency->text) : -1;
}

bool cw_sqlite_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc,
                            cw_time at, int64_t run, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    const struct document *plan = plan_of(s, doc->kind, err);
    int64_t number;
    if (plan == NULL)
        return false;
    const struct stored in = { cart, doc, at, run, money_digits(plan, doc) };
    if (!write_own(s, plan, &in, &number, err))
        return false;
    for (size_t i = 0; i < plan->list_count; i++)
        if (!write_list(s, &plan->lists[i], &in, number, err))
            return false;
    return true;
}
