/* path.h - paths over a record, one syntax for XML and JSON.
 *
 *   firstname                        the child element or key
 *   associations/order_rows/order_row    a way down; a step over an array goes through all its members
 *   line_items                       ends on an array: as a source of lines its members, as a value not
 * allowed name/language[@id=2]             predicate: an attribute, a child ("meta_data[key=_vat]/value"), or
 * a number
 *                                    ("lines[1]", counted from 1 among the matches of that step
 *                                    below one parent); several apply from left to right
 *   @href                            an attribute; .  the node itself;  *  any child element or key
 *   $delivery/city                   a record attached under the name "delivery"
 * Predicate values end at ']' and may be quoted with ' when they hold one, and so may names ('Price/Unit').
 * Names are compared exactly, values without blanks around the record's text.
 */
#ifndef CW_MAPPING_PATH_H
#define CW_MAPPING_PATH_H

#include "base/arena.h"
#include "base/error.h"
#include "base/node.h"

struct cw_path;

/* A record attached to another one: several may share a name. */
struct cw_part {
    struct cw_slice name;
    const struct cw_node *root;
};

/* What paths are evaluated over. `record` is the node where relative paths start: the record, or one of its
 * lines. */
struct cw_scope {
    const struct cw_node *record;
    const struct cw_part *parts;
    size_t part_count;
    struct cw_slice bytes; /* of the whole record, as it came; data NULL where nobody has them */
};

/* Compiled into the arena. CW_USAGE, pointing at the place, for a malformed path. */
const struct cw_path *cw_path_compile(struct cw_arena *arena, struct cw_slice text, struct cw_error *err);
struct cw_slice cw_path_text(const struct cw_path *path);

/* The first match in document order, or NULL. */
const struct cw_node *cw_path_first(const struct cw_path *path, const struct cw_scope *scope);

/* Every match in document order (an array at the end counts as its members); return false to stop. */
typedef bool cw_path_match_fn(void *arg, const struct cw_node *node);
void cw_path_each(const struct cw_path *path, const struct cw_scope *scope, cw_path_match_fn *match,
                  void *arg);

#endif
