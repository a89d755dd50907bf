/* sqlite_document_read.c - rows back into documents: the opposite of sqlite_document_write.c, value by value.
 */
#include "adapters/sqlite_documents.h"

#include <stdlib.h>

/* The row in hand, and where its values go. */
struct reading {
    struct cw_sqlite *s;
    struct cw_arena *arena;
    sqlite3_stmt *row;
    struct cw_error *err;
};

static bool no_memory(struct reading *in)
{
    return cw_fail(in->err, CW_NOMEM, "out of memory for a stored document");
}

/* Only somebody else's hand can have written that. */
static bool fail_value(struct reading *in, const char *column)
{
    cw_fail(in->err, CW_CORRUPT,
            "%s: what stands in the column %s cannot be read; whoever changed it by hand must mend it",
            in->s->path, column);
    return cw_fail_at(in->err, NULL, column, NULL);
}

static bool copy(struct reading *in, struct cw_slice text, struct cw_slice *out)
{
    *out = cw_arena_copy(in->arena, text);
    return out->data != NULL || no_memory(in);
}

/* --- values --- */

static bool take_value(struct reading *in, const struct cw_sqlite_column *column, int at,
                       struct cw_value *out)
{
    struct cw_slice text = cw_sqlite_slice(in->row, at);
    out->is_set = true;
    switch (column->type) {
    case CW_INTEGER:
        out->integer = sqlite3_column_int64(in->row, at);
        return true;
    case CW_BOOLEAN:
        out->boolean = sqlite3_column_int64(in->row, at) != 0;
        return true;
    case CW_DECIMAL:
    case CW_MONEY:
        return cw_decimal_parse(text, &out->decimal, NULL) || fail_value(in, column->name);
    case CW_TIME:
        out->time = cw_store_time_parse(text);
        return out->time != CW_TIME_NONE || fail_value(in, column->name);
    default:
        return copy(in, text, &out->text);
    }
}

/* The record of a field; made when the document has none yet. NULL when memory is exhausted. */
static struct cw_document *record_of(struct reading *in, struct cw_document *doc, int field)
{
    struct cw_value *value = &doc->values[field];
    if (!value->is_set) {
        value->record = cw_document_create(in->arena, doc->kind->fields[field].kind);
        value->is_set = value->record != NULL;
    }
    return value->is_set ? value->record : NULL;
}

static bool take_columns(struct reading *in, const struct cw_sqlite_rows *rows, struct cw_document *doc)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct cw_sqlite_column *column = &rows->columns[i];
        int at = CW_READ_FIELDS + (int)i;
        if (sqlite3_column_type(in->row, at) == SQLITE_NULL)
            continue;
        struct cw_document *owner = column->record < 0 ? doc : record_of(in, doc, column->record);
        if (owner == NULL)
            return no_memory(in);
        struct cw_value *value = &owner->values[column->field];
        if (!take_value(in, column, at, value))
            return false;
        if (column->is_id)
            owner->external_id = value->text;
    }
    return true;
}

/* --- fields of the site's own --- */

static bool take_number(struct reading *in, struct cw_slice text, struct cw_custom *out)
{
    struct cw_decimal number;
    out->type = CW_INTEGER;
    if (cw_decimal_parse(text, &number, NULL) && cw_decimal_to_int(&number, &out->value.integer))
        return true;
    out->type = CW_TEXT;
    return copy(in, text, &out->value.text);
}

static bool take_custom_value(struct reading *in, const struct cw_node *node, struct cw_custom *out)
{
    out->value.is_set = true;
    if (node->kind == CW_NODE_NUMBER)
        return take_number(in, node->text, out);
    out->type = node->kind == CW_NODE_BOOL ? CW_BOOLEAN : CW_TEXT;
    if (node->kind == CW_NODE_BOOL) {
        out->value.boolean = cw_slice_is(node->text, "true");
        return true;
    }
    return node->kind == CW_NODE_TEXT ? copy(in, node->text, &out->value.text) : fail_value(in, "custom");
}

static bool add_custom(struct reading *in, const struct cw_node *node, struct cw_custom ***end)
{
    struct cw_custom *own = cw_arena_alloc(in->arena, sizeof *own);
    if (own == NULL)
        return no_memory(in);
    *own = (struct cw_custom){ .next = NULL };
    if (!copy(in, node->name, &own->name) || !take_custom_value(in, node, own))
        return false;
    **end = own;
    *end = &own->next;
    return true;
}

static bool take_members(struct reading *in, const struct cw_node *object, struct cw_document *doc);

static bool take_record(struct reading *in, const struct cw_node *object, struct cw_document *doc)
{
    int field = cw_kind_field(doc->kind, object->name);
    if (field < 0 || doc->kind->fields[field].type != CW_RECORD)
        return fail_value(in, "custom");
    struct cw_document *record = record_of(in, doc, field);
    return record != NULL ? take_members(in, object, record) : no_memory(in);
}

static bool take_members(struct reading *in, const struct cw_node *object, struct cw_document *doc)
{
    struct cw_custom **end = &doc->custom;
    for (const struct cw_node *member = object->first; member != NULL; member = member->next) {
        bool is_record = member->kind == CW_NODE_OBJECT;
        if (!(is_record ? take_record(in, member, doc) : add_custom(in, member, &end)))
            return false;
    }
    return true;
}

static struct cw_parser *parser_of(struct reading *in)
{
    struct cw_sqlite_documents *all = in->s->documents;
    struct cw_reader_limits limits = cw_reader_defaults;
    limits.record_bytes = limits.text_bytes =
        SIZE_MAX / 2; /* what a row may hold was judged when it was stored */
    if (all->parser == NULL)
        all->parser = cw_parser_create(CW_JSON, &limits, in->err);
    return all->parser;
}

static bool take_custom(struct reading *in, struct cw_document *doc)
{
    struct cw_slice json = cw_sqlite_slice(in->row, CW_READ_CUSTOM);
    struct cw_arena *nodes = &in->s->documents->arena;
    if (json.data == NULL)
        return true;
    struct cw_parser *parser = parser_of(in);
    if (parser == NULL)
        return false;
    cw_arena_reset(nodes);
    const struct cw_node *object = cw_parse(parser, json, "UTF-8", nodes, in->err);
    if (object == NULL)
        return in->err->code == CW_NOMEM ? false : fail_value(in, "custom");
    return object->kind == CW_NODE_OBJECT ? take_members(in, object, doc) : fail_value(in, "custom");
}

/* --- documents --- */

static bool add_member(struct reading *in, const struct cw_sqlite_rows *rows, struct cw_value *list)
{
    struct cw_document *member = cw_document_create(in->arena, rows->kind);
    if (member == NULL)
        return no_memory(in);
    if (list->list.first == NULL)
        list->list.first = member;
    else
        list->list.last->next = member;
    list->list.last = member;
    list->list.count++;
    list->is_set = true;
    return take_columns(in, rows, member) && take_custom(in, member);
}

static bool read_list(struct reading *in, const struct cw_sqlite_rows *rows, int64_t number,
                      struct cw_document *doc)
{
    enum cw_row found = cw_sqlite_find(in->s, rows->read, CW_BINDS(cw_bind_int(number)), &in->row, in->err);
    while (found == CW_ROW_FOUND) {
        if (!add_member(in, rows, &doc->values[rows->list])) {
            sqlite3_reset(in->row);
            return false;
        }
        found = cw_sqlite_next(in->s, in->row, in->err);
    }
    return found == CW_ROW_NONE;
}

static bool take_document(struct reading *in, const struct cw_sqlite_document *plan,
                          struct cw_slice external_id, struct cw_document **doc, int64_t *number)
{
    struct cw_document *made = cw_document_create(in->arena, plan->kind);
    if (made == NULL)
        return no_memory(in);
    *doc = made;
    *number = sqlite3_column_int64(in->row, CW_READ_NUMBER);
    return copy(in, external_id, &made->external_id) && take_columns(in, &plan->own, made) &&
           take_custom(in, made);
}

bool cw_sqlite_read_document(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_slice cart,
                             struct cw_slice external_id, struct cw_arena *arena, struct cw_document **doc,
                             int64_t *number, struct cw_error *err)
{
    struct reading in = { .s = s, .arena = arena, .err = err };
    const struct cw_sqlite_document *plan = cw_sqlite_document_plan(s, kind, err);
    *doc = NULL;
    *number = 0;
    if (plan == NULL)
        return false;
    enum cw_row found = cw_sqlite_find(s, plan->own.read,
                                       CW_BINDS(cw_bind_text(cart), cw_bind_text(external_id)), &in.row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    bool ok = take_document(&in, plan, external_id, doc, number);
    sqlite3_reset(in.row);
    for (size_t i = 0; ok && i < plan->list_count; i++)
        ok = read_list(&in, &plan->lists[i], *number, *doc);
    return ok;
}

static bool read_stored(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_record_key key,
                        struct cw_arena *arena, struct cw_stored *out, struct cw_error *err)
{
    if (cw_sqlite_read_document(s, kind, key.cart, key.external_id, arena, &out->doc, &out->number, err) &&
        cw_sqlite_read_edits(s, kind, key, arena, out, err) &&
        cw_sqlite_read_releases(s, key, arena, out, err))
        return true;
    return cw_store_fail_at(err, key.external_id);
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
