/* path_steps.h - the compiled form of a path, for path.c, its compiler, and for plans, which look up the
 * first steps of all their paths in one pass over a record. */
#ifndef CW_MAPPING_PATH_STEPS_H
#define CW_MAPPING_PATH_STEPS_H

#include "mapping/path.h"

enum {
    CW_PATH_STEPS_MAX = 32,    /* no shop nests deeper; keeps the walk's recursion small */
    CW_PATH_PREDICATES_MAX = 4 /* of one step */
};

enum cw_path_step_kind { CW_STEP_SELF, CW_STEP_CHILD, CW_STEP_ANY, CW_STEP_ATTRIBUTE };
enum cw_predicate_kind { CW_PREDICATE_POSITION, CW_PREDICATE_CHILD, CW_PREDICATE_ATTRIBUTE };

struct cw_predicate {
    enum cw_predicate_kind kind;
    uint32_t hash; /* of name */
    struct cw_slice name, value;
    size_t position; /* from 1 */
};

struct cw_path_step {
    enum cw_path_step_kind kind;
    uint32_t hash; /* of name */
    struct cw_slice name;
    const struct cw_predicate *predicates;
    size_t predicate_count;
};

struct cw_path {
    struct cw_slice text;
    bool from_part; /* starts at the parts called part.name, which part's predicates choose from */
    bool is_plain;  /* relative, child steps only, no predicates */
    struct cw_path_step part;
    size_t step_count; /* 0: the part itself */
    struct cw_path_step steps[];
};

static inline bool cw_path_step_is_child(const struct cw_path_step *step, const struct cw_node *node)
{
    return node->name_hash == step->hash && node->kind != CW_NODE_ATTRIBUTE &&
           cw_slice_equal(node->name, step->name);
}

/* True when the first step is looked up by name among the children of the record: then the walk may begin at
 * the first child of that name, where it is known. */
static inline bool cw_path_starts_at_child(const struct cw_path *path)
{
    return !path->from_part && path->step_count > 0 && path->steps[0].kind == CW_STEP_CHILD;
}

/* Like cw_path_first and cw_path_each for such a path; `from` is the first child of the record with that
 * name. */
const struct cw_node *cw_path_first_from(const struct cw_path *path, const struct cw_node *from);
void cw_path_each_from(const struct cw_path *path, const struct cw_node *from, cw_path_match_fn *match,
                       void *arg);

#endif
