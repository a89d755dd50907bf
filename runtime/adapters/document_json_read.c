/* document_json_read.c - documents read back from the JSON that the store keeps of them. */
#include <stdlib.h>

#include "adapters/document_json.h"
#include "adapters/reader.h"

static struct cw_document *read_document(const struct cw_node *node, const struct cw_kind *kind,
                                         struct cw_arena *arena, struct cw_error *err);

static bool read_integer(struct cw_slice text, int64_t *out, struct cw_error *err)
{
    struct cw_decimal value;
    return cw_decimal_parse(text, &value, err) &&
           (cw_decimal_to_int(&value, out) || cw_fail(err, CW_INVALID, "not an integer"));
}

static bool read_list(const struct cw_node *node, const struct cw_kind *kind, struct cw_value *value,
                      struct cw_arena *arena, struct cw_error *err)
{
    value->list.first = value->list.last = NULL;
    value->list.count = 0;
    for (const struct cw_node *member = node->first; member != NULL; member = member->next) {
        struct cw_document *nested = read_document(member, kind, arena, err);
        if (nested == NULL)
            return false;
        if (value->list.last != NULL)
            value->list.last->next = nested;
        else
            value->list.first = nested;
        value->list.last = nested;
        value->list.count++;
    }
    return true;
}

static bool read_value(const struct cw_node *node, const struct cw_field *field, struct cw_value *value,
                       struct cw_arena *arena, struct cw_error *err)
{
    switch (field->type) {
    case CW_TEXT:
        value->text = cw_arena_copy(arena, node->text);
        return value->text.data != NULL || cw_fail(err, CW_NOMEM, "no memory to read a document");
    case CW_DECIMAL:
    case CW_MONEY:
        return cw_decimal_parse(node->text, &value->decimal, err);
    case CW_INTEGER:
        return read_integer(node->text, &value->integer, err);
    case CW_BOOLEAN:
        value->boolean = cw_slice_is(node->text, "true");
        return true;
    case CW_TIME:
        return cw_time_parse(node->text, NULL, &value->time, err);
    case CW_RECORD:
        value->record = read_document(node, field->kind, arena, err);
        return value->record != NULL;
    case CW_LIST:
        return read_list(node, field->kind, value, arena, err);
    }
    return false;
}

static bool read_id(const struct cw_node *node, struct cw_document *doc, struct cw_arena *arena)
{
    const struct cw_node *id = cw_node_child(node, cw_slice("external_id"));
    doc->external_id = id != NULL ? cw_arena_copy(arena, id->text) : (struct cw_slice){ "", 0 };
    return doc->external_id.data != NULL;
}

static struct cw_document *read_document(const struct cw_node *node, const struct cw_kind *kind,
                                         struct cw_arena *arena, struct cw_error *err)
{
    struct cw_document *doc = cw_document_create(arena, kind);
    if (doc == NULL || !read_id(node, doc, arena)) {
        cw_fail(err, CW_NOMEM, "no memory to read a document");
        return NULL;
    }
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct cw_node *child = cw_node_child(node, cw_slice(kind->fields[i].name));
        if (child == NULL || child->kind == CW_NODE_NULL)
            continue;
        if (!read_value(child, &kind->fields[i], &doc->values[i], arena, err)) {
            cw_fail_in(err, "%s", kind->fields[i].name);
            return NULL;
        }
        doc->values[i].is_set = true;
    }
    return doc;
}

struct cw_document *cw_document_from_json(struct cw_slice text, const struct cw_kind *kind,
                                          struct cw_arena *arena, struct cw_error *err)
{
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, err);
    const struct cw_node *node = parser != NULL ? cw_parse(parser, text, "UTF-8", arena, err) : NULL;
    struct cw_document *doc = node != NULL ? read_document(node, kind, arena, err) : NULL;
    cw_parser_free(parser);
    return doc;
}
