/* edit_name.h - names of values, read piece by piece: shared by the files of edit.h. */
#ifndef CW_MAPPING_EDIT_NAME_H
#define CW_MAPPING_EDIT_NAME_H

#include "mapping/edit.h"

/* One piece of a name: "billing", "lines[2]", "lines[id=7]", "sku", or "custom.gift", which is always last.
 */
struct cw_name_piece {
    const struct cw_field *field; /* NULL for a custom field */
    struct cw_slice custom;
    bool by_id;
    struct cw_slice id;
    size_t position; /* from 1 */
};

struct cw_name_reader {
    struct cw_slice name, rest; /* the whole, and what is not read yet */
    const struct cw_kind *kind; /* of the document that the rest stands in */
};

static inline struct cw_name_reader cw_name_begin(const struct cw_kind *kind, struct cw_slice name)
{
    return (struct cw_name_reader){ name, name, kind };
}

/* The next piece, and false when it cannot be one: CW_USAGE. After the last one rest.data is NULL. */
bool cw_name_next(struct cw_name_reader *reader, struct cw_name_piece *piece, struct cw_error *err);

/* The member that a piece names; NULL when the list has none. *position from 1. */
struct cw_document *cw_name_member(const struct cw_name_piece *piece, const struct cw_value *list,
                                   size_t *position);

/* Whether a member can be told by its external_id: it has one that the name can hold and no other has. */
bool cw_name_is_unique(const struct cw_value *list, const struct cw_document *member);

struct cw_custom *cw_custom_find(const struct cw_document *doc, struct cw_slice name);

/* Texts put together in the arena; data NULL when that is exhausted. */
struct cw_slice cw_name_print(struct cw_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool cw_edit_exhausted(const struct cw_arena *arena, struct cw_error *err);

#endif
