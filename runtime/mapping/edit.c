/* edit.c - see edit.h: places, setting, texts, names that last. */
#include "mapping/edit_name.h"
#include "mapping/field_value.h"

/* A place, and the record that would have to be made first. */
struct found {
    struct cw_place place; /* owner NULL: its record is not there */
    struct cw_value *missing;
    const struct cw_kind *kind; /* of the missing record */
};

static void find_custom(struct found *found, struct cw_document *owner, struct cw_slice name)
{
    struct cw_custom *custom = owner != NULL ? cw_custom_find(owner, name) : NULL;
    found->place = (struct cw_place){ .owner = owner,
                                      .custom = name,
                                      .type = custom != NULL ? custom->type : CW_TEXT,
                                      .value = custom != NULL ? &custom->value : NULL };
}

static bool no_member(const struct cw_name_reader *reader, const struct cw_name_piece *piece,
                      const struct cw_value *list, struct cw_error *err)
{
    return cw_fail(err, CW_NOT_FOUND, "\"%.*s\": %s has %zu members, and none of them is this one",
                   CW_SLICE_ARG(reader->name), piece->field->name, list->is_set ? list->list.count : 0);
}

/* Steps from `owner` into the record or member that the piece names. */
static bool go_into(const struct cw_name_reader *reader, const struct cw_name_piece *piece,
                    struct cw_document **owner, struct found *found, struct cw_error *err)
{
    struct cw_value *value = &(*owner)->values[piece->field - (*owner)->kind->fields];
    size_t position;
    if (piece->field->type == CW_LIST) {
        *owner = cw_name_member(piece, value, &position);
        return *owner != NULL || no_member(reader, piece, value, err);
    }
    *owner = value->is_set ? value->record : NULL;
    found->missing = value;
    found->kind = piece->field->kind;
    return true;
}

bool cw_kind_check_name(const struct cw_kind *kind, struct cw_slice name, enum cw_type *type,
                        struct cw_error *err)
{
    struct cw_name_reader reader = cw_name_begin(kind, name);
    struct cw_name_piece piece;
    do {
        if (!cw_name_next(&reader, &piece, err))
            return false;
    } while (reader.rest.data != NULL);
    *type = piece.field != NULL ? piece.field->type : CW_TEXT;
    return true;
}

/* What is wrong with the name itself comes before what this document lacks. */
static bool find(struct cw_document *doc, struct cw_slice name, struct found *found, struct cw_error *err)
{
    struct cw_name_reader reader = cw_name_begin(doc->kind, name);
    struct cw_name_piece piece;
    struct cw_document *owner = doc;
    enum cw_type type;
    *found = (struct found){ .missing = NULL };
    if (!cw_kind_check_name(doc->kind, name, &type, err))
        return false;
    while (cw_name_next(&reader, &piece, err) && reader.rest.data != NULL)
        if (!go_into(&reader, &piece, &owner, found, err))
            return false;
    if (piece.field == NULL) {
        find_custom(found, owner, piece.custom);
        return true;
    }
    found->place = (struct cw_place){ .owner = owner, .field = piece.field, .type = piece.field->type };
    if (owner != NULL)
        found->place.value = &owner->values[piece.field - owner->kind->fields];
    return true;
}

bool cw_document_place(struct cw_document *doc, struct cw_slice name, struct cw_place *out,
                       struct cw_error *err)
{
    struct found found;
    if (!find(doc, name, &found, err))
        return false;
    *out = found.place;
    return out->owner != NULL || cw_fail(err, CW_NOT_FOUND, "\"%.*s\": this %s has no such %s",
                                         CW_SLICE_ARG(name), doc->kind->name, found.kind->name);
}

static struct cw_slice stable_member(struct cw_document *doc, const struct cw_name_piece *piece,
                                     const struct cw_document *member, size_t position, struct cw_slice rest,
                                     struct cw_arena *arena)
{
    const struct cw_value *list = &doc->values[piece->field - doc->kind->fields];
    if (cw_name_is_unique(list, member))
        return cw_name_print(arena, "%s[id=%.*s].%.*s", piece->field->name, CW_SLICE_ARG(member->external_id),
                             CW_SLICE_ARG(rest));
    return cw_name_print(arena, "%s[%zu].%.*s", piece->field->name, position, CW_SLICE_ARG(rest));
}

bool cw_document_stable_name(struct cw_document *doc, struct cw_slice name, struct cw_arena *arena,
                             struct cw_slice *out, struct cw_error *err)
{
    struct found found;
    struct cw_name_reader reader = cw_name_begin(doc->kind, name);
    struct cw_name_piece piece;
    size_t position;
    if (!find(doc, name, &found, err) || !cw_name_next(&reader, &piece, err))
        return false;
    if (piece.field == NULL || piece.field->type != CW_LIST) {
        *out = cw_arena_copy(arena, name);
    } else {
        const struct cw_document *member =
            cw_name_member(&piece, &doc->values[piece.field - doc->kind->fields], &position);
        *out = stable_member(doc, &piece, member, position, reader.rest, arena);
    }
    return out->data != NULL || cw_edit_exhausted(arena, err);
}

/* --- setting --- */

static void unset(struct cw_place *place)
{
    struct cw_custom **at = &place->owner->custom;
    if (place->value != NULL)
        place->value->is_set = false;
    if (place->field != NULL)
        return;
    while (*at != NULL && !cw_slice_equal((*at)->name, place->custom))
        at = &(*at)->next;
    if (*at != NULL)
        *at = (*at)->next;
}

static struct cw_value *make_custom(struct cw_document *owner, struct cw_slice name, struct cw_arena *arena)
{
    struct cw_custom **end = &owner->custom;
    struct cw_custom *custom = cw_arena_alloc(arena, sizeof *custom);
    if (custom == NULL)
        return NULL;
    *custom = (struct cw_custom){ .name = cw_arena_copy(arena, name), .type = CW_TEXT };
    if (custom->name.data == NULL)
        return NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = custom;
    return &custom->value;
}

/* The record that the place stands in, where it is not there yet. */
static bool make_owner(struct found *found, struct cw_arena *arena)
{
    struct cw_document *record;
    if (found->place.owner != NULL)
        return true;
    record = cw_document_create(arena, found->kind);
    if (record == NULL)
        return false;
    *found->missing = (struct cw_value){ .is_set = true, .record = record };
    found->place.owner = record;
    if (found->place.field != NULL)
        found->place.value = &record->values[found->place.field - record->kind->fields];
    return true;
}

static bool put(struct found *found, const struct cw_value *value, struct cw_arena *arena)
{
    struct cw_place *place = &found->place;
    if (!make_owner(found, arena))
        return false;
    if (place->value == NULL)
        place->value = make_custom(place->owner, place->custom, arena);
    if (place->value == NULL)
        return false;
    *place->value = *value;
    if (place->field != NULL && strcmp(place->field->name, "external_id") == 0)
        place->owner->external_id = value->text;
    return true;
}

static bool unset_found(struct found *found)
{
    if (found->place.owner == NULL)
        return true;
    unset(&found->place);
    if (found->place.field != NULL && strcmp(found->place.field->name, "external_id") == 0)
        found->place.owner->external_id = (struct cw_slice){ "", 0 };
    return true;
}

static bool has_enough_custom(const struct cw_document *owner)
{
    size_t count = 0;
    for (const struct cw_custom *custom = owner->custom; custom != NULL; custom = custom->next)
        count++;
    return count >= CW_CUSTOM_MAX;
}

bool cw_document_set(struct cw_document *doc, struct cw_slice name, struct cw_slice text,
                     const struct cw_zone *zone, struct cw_arena *arena, struct cw_error *err)
{
    struct found found;
    struct cw_value value;
    char why[CW_FIT_WHY_MAX];
    if (!find(doc, name, &found, err))
        return false;
    if (text.data == NULL)
        return unset_found(&found);
    const struct cw_place *place = &found.place;
    enum cw_fit fit = cw_field_read(place->field, place->type, text, zone, &value);
    if (fit != CW_FITS)
        return cw_fail(err, CW_INVALID, "%.*s %s", CW_SLICE_ARG(name),
                       cw_field_why(place->field, place->type, fit, text, zone, why));
    if (place->type == CW_TEXT)
        value.text = cw_arena_copy(arena, text);
    if (place->value == NULL && place->field == NULL && place->owner != NULL &&
        has_enough_custom(place->owner))
        return cw_fail(err, CW_LIMIT,
                       "%.*s would be one more than the %d fields of your own that a document may have",
                       CW_SLICE_ARG(name), CW_CUSTOM_MAX);
    bool copied = place->type != CW_TEXT || value.text.data != NULL;
    return (copied && put(&found, &value, arena)) || cw_edit_exhausted(arena, err);
}

bool cw_document_text(struct cw_document *doc, struct cw_slice name, struct cw_arena *arena,
                      struct cw_slice *out, struct cw_error *err)
{
    struct found found;
    char scratch[CW_VALUE_TEXT_MAX];
    *out = (struct cw_slice){ NULL, 0 };
    if (!find(doc, name, &found, err))
        return false;
    const struct cw_value *value = found.place.value;
    if (value == NULL || !value->is_set)
        return true;
    *out = cw_arena_copy(arena, cw_field_text(doc, found.place.type, value, scratch));
    return out->data != NULL || cw_edit_exhausted(arena, err);
}
