/* office_json.c - documents of the back office from JSON; see office.h. */
#include "engine/office.h"

#include "mapping/edit.h"

struct making {
    const struct cw_zone *zone;
    struct cw_arena *arena;
};

static bool is_object(const struct cw_node *node)
{
    return node->kind == CW_NODE_OBJECT;
}

static bool set_text(const struct making *making, struct cw_document *doc, struct cw_slice name,
                     const struct cw_node *node, struct cw_error *err)
{
    struct cw_slice text = node->kind == CW_NODE_NULL ? (struct cw_slice){ NULL, 0 } : node->text;
    if (node->kind == CW_NODE_OBJECT || node->kind == CW_NODE_ARRAY)
        return cw_fail(err, CW_INVALID, "%.*s is one value, and no object or list", CW_SLICE_ARG(name));
    if (text.data == NULL && node->kind != CW_NODE_NULL)
        text.data = "";
    return cw_document_set(doc, name, text, making->zone, making->arena, err);
}

static bool set_custom(const struct making *making, struct cw_document *doc, const struct cw_node *node,
                       struct cw_error *err)
{
    if (!is_object(node))
        return cw_fail(err, CW_INVALID, "custom is an object with fields of your own");
    for (const struct cw_node *each = node->first; each != NULL; each = each->next) {
        struct cw_slice name;
        char *made = cw_arena_bytes(making->arena, each->name.len + 7);
        if (made == NULL)
            return cw_fail(err, CW_LIMIT, "no memory left for a document");
        memcpy(made, "custom.", 7);
        memcpy(made + 7, each->name.data, each->name.len);
        name = (struct cw_slice){ made, each->name.len + 7 };
        if (!set_text(making, doc, name, each, err))
            return false;
    }
    return true;
}

static bool fill(const struct making *making, struct cw_document *doc, const struct cw_node *node,
                 struct cw_error *err);

static bool set_list(const struct making *making, struct cw_value *value, const struct cw_field *field,
                     const struct cw_node *node, struct cw_error *err)
{
    size_t number = 1;
    *value = (struct cw_value){ .is_set = true };
    if (node->kind != CW_NODE_ARRAY)
        return cw_fail(err, CW_INVALID, "%s is a list of objects", field->name);
    for (const struct cw_node *each = node->first; each != NULL; each = each->next, number++) {
        struct cw_document *member = cw_document_create(making->arena, field->kind);
        if (member == NULL)
            return cw_fail(err, CW_LIMIT, "no memory left for a document");
        if (!fill(making, member, each, err))
            return cw_fail_in(err, "%s[%zu]", field->name, number);
        if (value->list.last != NULL)
            value->list.last->next = member;
        else
            value->list.first = member;
        value->list.last = member;
        value->list.count++;
    }
    return true;
}

static bool set_id(struct cw_document *doc, const struct cw_node *node, struct cw_error *err)
{
    if (node->kind != CW_NODE_TEXT && node->kind != CW_NODE_NUMBER)
        return cw_fail(err, CW_INVALID, "id is a text");
    doc->external_id = node->text;
    return true;
}

static bool set_member(const struct making *making, struct cw_document *doc, const struct cw_node *node,
                       struct cw_error *err)
{
    int at = cw_kind_field(doc->kind, node->name);
    bool is_id = cw_slice_is(node->name, "id") || cw_slice_is(node->name, "external_id");
    if (at >= 0 && doc->kind->fields[at].type == CW_LIST)
        return node->kind == CW_NODE_NULL ||
               set_list(making, &doc->values[at], &doc->kind->fields[at], node, err);
    if (at < 0 && is_id && doc->kind->is_document)
        return node->kind == CW_NODE_NULL || set_id(doc, node, err);
    if (at < 0 && is_id && cw_kind_field(doc->kind, cw_slice("external_id")) >= 0)
        return set_text(making, doc, cw_slice("external_id"), node, err);
    if (at < 0 && cw_slice_is(node->name, "custom"))
        return set_custom(making, doc, node, err);
    return set_text(making, doc, node->name, node, err);
}

static bool fill(const struct making *making, struct cw_document *doc, const struct cw_node *node,
                 struct cw_error *err)
{
    if (!is_object(node))
        return cw_fail(err, CW_INVALID, "it is no object with fields");
    for (const struct cw_node *each = node->first; each != NULL; each = each->next)
        if (!set_member(making, doc, each, err))
            return false;
    return true;
}

struct cw_document *cw_office_from_json(const struct cw_kind *kind, const struct cw_node *node,
                                        const struct cw_zone *zone, struct cw_arena *arena,
                                        struct cw_error *err)
{
    const struct making making = { zone, arena };
    struct cw_document *doc = cw_document_create(arena, kind);
    if (doc == NULL)
        cw_fail(err, CW_LIMIT, "no memory left for a document");
    return doc != NULL && fill(&making, doc, node, err) ? doc : NULL;
}
