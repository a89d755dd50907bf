/* edit.h - values of a document by name: set from a text, compared, told apart.
 *
 * A name is a field ("note"), a field of a record ("billing.street"), one of a member of a list
 * ("lines[2].sku", counted from 1, or "lines[id=1001].sku" by the member's external_id), or a field of the
 * site's own ("custom.gift", "lines[2].custom.colour"). Names of issues and traces are of the same form.
 */
#ifndef CW_MAPPING_EDIT_H
#define CW_MAPPING_EDIT_H

#include "base/document.h"
#include "base/error.h"

/* Where a name leads. `value` is NULL only for a custom field that the document does not have. */
struct cw_place {
    struct cw_document *owner;    /* the document, record or member that holds the value */
    const struct cw_field *field; /* NULL for a custom field */
    struct cw_slice custom;       /* name of the custom field */
    enum cw_type type;
    struct cw_value *value;
};

/* CW_USAGE with a suggestion for a name that no document of the kind has; CW_NOT_FOUND for a record or member
 * that this one has not. Lists and records themselves have no place. */
bool cw_document_place(struct cw_document *doc, struct cw_slice name, struct cw_place *out,
                       struct cw_error *err);

/* Whether the kind has such a name at all, whatever its members: for what is said before there are documents.
 */
bool cw_kind_check_name(const struct cw_kind *kind, struct cw_slice name, enum cw_type *type,
                        struct cw_error *err);

/* The same name with members told by external_id where they have one: what an edit is kept under, because
 * members move. In the arena. */
bool cw_document_stable_name(struct cw_document *doc, struct cw_slice name, struct cw_arena *arena,
                             struct cw_slice *out, struct cw_error *err);

/* Reads `text` as the field's type and sets it; data NULL unsets it. A record (billing) that the document has
 * not yet is made. CW_INVALID, naming field and type or choices, leaves the document as it was. A custom
 * field that is new becomes a text. `zone` (may be NULL) for times without an offset. */
bool cw_document_set(struct cw_document *doc, struct cw_slice name, struct cw_slice text,
                     const struct cw_zone *zone, struct cw_arena *arena, struct cw_error *err);

/* Fields of the site's own in one document, as far as rules and edits make them. */
enum { CW_CUSTOM_MAX = 200 };

/* One of the changes that a person wants. */
struct cw_change {
    const char *field;
    struct cw_slice value; /* data NULL = none */
    bool is_undo;          /* back to what the cart says */
};

/* The value's text as it is stored and compared: money without needless zeros. data NULL = unset. In the
 * arena or in the document. */
bool cw_document_text(struct cw_document *doc, struct cw_slice name, struct cw_arena *arena,
                      struct cw_slice *out, struct cw_error *err);

/* A copy in another arena, nothing shared. NULL when that is exhausted. */
struct cw_document *cw_document_copy(struct cw_arena *arena, const struct cw_document *doc);

/* Calls `differ` for each value that is not the same, in the order of the fields; data NULL = unset. Money
 * and decimals are compared by value, members of lists by external_id where both have one, else by position;
 * a member that is new or gone is one difference, named "lines[2]" or "lines[id=7]", with its text. Return
 * false to stop. The texts are valid during the call. False when the arena is exhausted. */
typedef bool cw_difference_fn(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after);
bool cw_document_differences(const struct cw_document *before, const struct cw_document *after,
                             struct cw_arena *arena, cw_difference_fn *differ, void *arg);

#endif
