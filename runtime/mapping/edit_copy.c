/* edit_copy.c - a document in another arena; see edit.h. */
#include "mapping/edit.h"

/* Empty stays empty, and what had no data keeps none. */
static bool copy_text(struct cw_arena *arena, struct cw_slice from, struct cw_slice *to)
{
    *to = from.len == 0 ? (struct cw_slice){ from.data != NULL ? "" : NULL, 0 } : cw_arena_copy(arena, from);
    return from.len == 0 || to->data != NULL;
}

static bool copy_list(struct cw_arena *arena, const struct cw_value *from, struct cw_value *to)
{
    *to = (struct cw_value){ .is_set = true };
    for (const struct cw_document *doc = from->list.first; doc != NULL; doc = doc->next) {
        struct cw_document *copy = cw_document_copy(arena, doc);
        if (copy == NULL)
            return false;
        if (to->list.last != NULL)
            to->list.last->next = copy;
        else
            to->list.first = copy;
        to->list.last = copy;
        to->list.count++;
    }
    return true;
}

static bool copy_value(struct cw_arena *arena, enum cw_type type, const struct cw_value *from,
                       struct cw_value *to)
{
    *to = *from;
    if (!from->is_set)
        return true;
    if (type == CW_LIST)
        return copy_list(arena, from, to);
    if (type == CW_RECORD)
        return (to->record = cw_document_copy(arena, from->record)) != NULL;
    return type != CW_TEXT || copy_text(arena, from->text, &to->text);
}

static bool copy_custom(struct cw_arena *arena, const struct cw_document *from, struct cw_document *to)
{
    struct cw_custom **end = &to->custom;
    for (const struct cw_custom *custom = from->custom; custom != NULL; custom = custom->next) {
        struct cw_custom *copy = cw_arena_alloc(arena, sizeof *copy);
        if (copy == NULL)
            return false;
        *copy = (struct cw_custom){ .type = custom->type };
        if (!copy_text(arena, custom->name, &copy->name) ||
            !copy_value(arena, custom->type, &custom->value, &copy->value))
            return false;
        *end = copy;
        end = &copy->next;
    }
    return true;
}

struct cw_document *cw_document_copy(struct cw_arena *arena, const struct cw_document *doc)
{
    struct cw_document *copy = cw_document_create(arena, doc->kind);
    if (copy == NULL || !copy_text(arena, doc->external_id, &copy->external_id))
        return NULL;
    for (size_t i = 0; i < doc->kind->field_count; i++)
        if (!copy_value(arena, doc->kind->fields[i].type, &doc->values[i], &copy->values[i]))
            return NULL;
    return copy_custom(arena, doc, copy) ? copy : NULL;
}
