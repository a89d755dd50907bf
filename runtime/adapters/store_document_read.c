/* store_document_read.c - see store_document_read.h. */
#include "adapters/store_document_read.h"

static bool no_memory(struct cw_store_reading *in)
{
    return cw_fail(in->err, CW_NOMEM, "out of memory for a stored document");
}

/* Only somebody else's hand can have written that. */
static bool fail_value(struct cw_store_reading *in, const char *column)
{
    cw_fail(in->err, CW_CORRUPT,
            "%s: what stands in the column %s cannot be read; whoever changed it by hand must mend it",
            in->place, column);
    return cw_fail_at(in->err, NULL, column, NULL);
}

static bool copy(struct cw_store_reading *in, struct cw_slice text, struct cw_slice *out)
{
    *out = cw_arena_copy(in->arena, text);
    return out->data != NULL || no_memory(in);
}

/* --- values --- */

static bool take_value(struct cw_store_reading *in, const struct cw_store_column *column, int at,
                       struct cw_value *out)
{
    struct cw_slice text = in->row.type->text(&in->row, at);
    out->is_set = true;
    switch (column->type) {
    case CW_INTEGER:
        out->integer = in->row.type->integer(&in->row, at);
        return true;
    case CW_BOOLEAN:
        out->boolean = in->row.type->integer(&in->row, at) != 0;
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
static struct cw_document *record_of(struct cw_store_reading *in, struct cw_document *doc, int field)
{
    struct cw_value *value = &doc->values[field];
    if (!value->is_set) {
        value->record = cw_document_create(in->arena, doc->kind->fields[field].kind);
        value->is_set = value->record != NULL;
    }
    return value->is_set ? value->record : NULL;
}

static bool take_columns(struct cw_store_reading *in, const struct cw_store_rows *rows,
                         struct cw_document *doc)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct cw_store_column *column = &rows->columns[i];
        int at = CW_READ_FIELDS + (int)i;
        if (in->row.type->is_null(&in->row, at))
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

static bool take_number(struct cw_store_reading *in, struct cw_slice text, struct cw_custom *out)
{
    struct cw_decimal number;
    out->type = CW_INTEGER;
    if (cw_decimal_parse(text, &number, NULL) && cw_decimal_to_int(&number, &out->value.integer))
        return true;
    out->type = CW_TEXT;
    return copy(in, text, &out->value.text);
}

static bool take_custom_value(struct cw_store_reading *in, const struct cw_node *node, struct cw_custom *out)
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

static bool add_custom(struct cw_store_reading *in, const struct cw_node *node, struct cw_custom ***end)
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

static bool take_members(struct cw_store_reading *in, const struct cw_node *object, struct cw_document *doc);

static bool take_record(struct cw_store_reading *in, const struct cw_node *object, struct cw_document *doc)
{
    int field = cw_kind_field(doc->kind, object->name);
    if (field < 0 || doc->kind->fields[field].type != CW_RECORD)
        return fail_value(in, "custom");
    struct cw_document *record = record_of(in, doc, field);
    return record != NULL ? take_members(in, object, record) : no_memory(in);
}

static bool take_members(struct cw_store_reading *in, const struct cw_node *object, struct cw_document *doc)
{
    struct cw_custom **end = &doc->custom;
    for (const struct cw_node *member = object->first; member != NULL; member = member->next) {
        bool is_record = member->kind == CW_NODE_OBJECT;
        if (!(is_record ? take_record(in, member, doc) : add_custom(in, member, &end)))
            return false;
    }
    return true;
}

static struct cw_parser *parser_of(struct cw_store_reading *in)
{
    struct cw_reader_limits limits = cw_reader_defaults;
    limits.record_bytes = limits.text_bytes =
        SIZE_MAX / 2; /* what a row may hold was judged when it was stored */
    if (in->reader->parser == NULL)
        in->reader->parser = cw_parser_create(CW_JSON, &limits, in->err);
    return in->reader->parser;
}

static bool take_custom(struct cw_store_reading *in, struct cw_document *doc)
{
    struct cw_slice json = in->row.type->text(&in->row, CW_READ_CUSTOM);
    struct cw_arena *nodes = &in->reader->nodes;
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

bool cw_store_take_document(struct cw_store_reading *in, const struct cw_store_rows *rows,
                            struct cw_slice external_id, struct cw_document **doc, int64_t *number)
{
    struct cw_document *made = cw_document_create(in->arena, rows->kind);
    if (made == NULL)
        return no_memory(in);
    *doc = made;
    *number = in->row.type->integer(&in->row, CW_READ_NUMBER);
    return copy(in, external_id, &made->external_id) && take_columns(in, rows, made) && take_custom(in, made);
}

bool cw_store_take_member(struct cw_store_reading *in, const struct cw_store_rows *rows,
                          struct cw_document *doc)
{
    struct cw_value *list = &doc->values[rows->list];
    struct cw_document *member = cw_document_create(in->arena, rows->kind);
    if (member == NULL)
        return no_memory(in);
    if (!list->is_set)
        list->list.first = member;
    else
        list->list.last->next = member;
    list->list.last = member;
    list->list.count++;
    list->is_set = true;
    return take_columns(in, rows, member) && take_custom(in, member);
}

/* --- what people decided --- */

/* Room for one more of `count` pieces, which move when `count` has become a power of two. NULL when memory is
 * exhausted. */
static void *grown(struct cw_arena *arena, const void *old, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0;
    if (!is_full)
        return (void *)old;
    void *made = cw_arena_alloc(arena, (count == 0 ? 1 : 2 * count) * size);
    if (made != NULL && count > 0)
        memcpy(made, old, count * size);
    return made;
}

/* A text of the row, in the arena. NULL stays NULL; *ok turns false when memory is exhausted. */
static struct cw_slice copied(struct cw_store_reading *in, int column, bool *ok)
{
    struct cw_slice text = in->row.type->text(&in->row, column);
    if (text.data == NULL)
        return text;
    text = cw_arena_copy(in->arena, text);
    *ok = *ok && text.data != NULL;
    return text;
}

static cw_time time_of(const struct cw_store_reading *in, int column)
{
    return cw_store_time_parse(in->row.type->text(&in->row, column));
}

bool cw_store_take_edit(struct cw_store_reading *in, struct cw_stored *out)
{
    struct cw_edit *edits = grown(in->arena, out->edits, out->edit_count, sizeof *edits);
    bool ok = edits != NULL;
    if (!ok)
        return no_memory(in);
    edits[out->edit_count++] = (struct cw_edit){ .field = copied(in, 0, &ok),
                                                 .value = copied(in, 1, &ok),
                                                 .cart_value = copied(in, 2, &ok),
                                                 .is_contested = in->row.type->integer(&in->row, 3) != 0,
                                                 .who = copied(in, 4, &ok),
                                                 .reason = copied(in, 5, &ok),
                                                 .at = time_of(in, 6) };
    out->edits = edits;
    return ok || no_memory(in);
}

bool cw_store_take_release(struct cw_store_reading *in, struct cw_stored *out)
{
    struct cw_release *releases = grown(in->arena, out->releases, out->release_count, sizeof *releases);
    bool ok = releases != NULL;
    if (!ok)
        return no_memory(in);
    releases[out->release_count++] = (struct cw_release){ .code = copied(in, 0, &ok),
                                                          .field = copied(in, 1, &ok),
                                                          .message = copied(in, 2, &ok),
                                                          .who = copied(in, 3, &ok),
                                                          .reason = copied(in, 4, &ok),
                                                          .at = time_of(in, 5) };
    out->releases = releases;
    return ok || no_memory(in);
}

void cw_store_reader_fini(struct cw_store_reader *reader)
{
    cw_arena_fini(&reader->nodes);
    cw_parser_free(reader->parser);
}
