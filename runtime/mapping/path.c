/* path.c - following compiled paths through a record: depth first, in document order, without allocation. */
#include "mapping/path_steps.h"

struct walk {
    const struct cw_path *path;
    cw_path_match_fn *match;
    void *arg;
    bool open_arrays; /* an array at the end counts as its members */
};

/* How many nodes each predicate of a step has seen below one parent. */
struct counts {
    size_t seen[CW_PATH_PREDICATES_MAX];
};

static bool visit(const struct walk *walk, size_t at, const struct cw_node *node);

static bool deliver(const struct walk *walk, const struct cw_node *node)
{
    if (!walk->open_arrays || node->kind != CW_NODE_ARRAY)
        return walk->match(walk->arg, node);
    for (const struct cw_node *member = node->first; member != NULL; member = member->next)
        if (!deliver(walk, member))
            return false;
    return true;
}

static bool has_value(const struct cw_node *node, const struct cw_predicate *predicate)
{
    bool attribute = predicate->kind == CW_PREDICATE_ATTRIBUTE;
    for (const struct cw_node *child = node->first; child != NULL; child = child->next)
        if (child->name_hash == predicate->hash && (child->kind == CW_NODE_ATTRIBUTE) == attribute &&
            cw_slice_equal(child->name, predicate->name) &&
            cw_slice_equal(cw_slice_trim(child->text), predicate->value))
            return true;
    return false;
}

static bool passes(const struct cw_path_step *step, const struct cw_node *node, struct counts *counts)
{
    for (size_t i = 0; i < step->predicate_count; i++) {
        const struct cw_predicate *predicate = &step->predicates[i];
        bool ok = predicate->kind == CW_PREDICATE_POSITION ? ++counts->seen[i] == predicate->position
                                                           : has_value(node, predicate);
        if (!ok)
            return false;
    }
    return true;
}

/* A node that the step names; predicates choose among the members of an array, not among arrays. `next` is
 * the index of the step to go on with. */
static bool choose(const struct walk *walk, const struct cw_path_step *step, size_t next,
                   const struct cw_node *node, struct counts *counts)
{
    if (step->predicate_count == 0)
        return visit(walk, next, node);
    if (node->kind != CW_NODE_ARRAY)
        return !passes(step, node, counts) || visit(walk, next, node);
    for (const struct cw_node *member = node->first; member != NULL; member = member->next)
        if (!choose(walk, step, next, member, counts))
            return false;
    return true;
}

static bool names(const struct cw_path_step *step, const struct cw_node *node)
{
    switch (step->kind) {
    case CW_STEP_CHILD:
        return cw_path_step_is_child(step, node);
    case CW_STEP_ANY:
        return node->kind != CW_NODE_ATTRIBUTE;
    case CW_STEP_ATTRIBUTE:
        return node->kind == CW_NODE_ATTRIBUTE && node->name_hash == step->hash &&
               cw_slice_equal(node->name, step->name);
    case CW_STEP_SELF:
        break;
    }
    return false;
}

/* The siblings from `from` on, which are children of one node. */
static bool visit_siblings(const struct walk *walk, size_t at, const struct cw_node *from)
{
    const struct cw_path_step *step = &walk->path->steps[at];
    struct counts counts = { { 0 } };
    for (const struct cw_node *child = from; child != NULL; child = child->next)
        if (names(step, child) && !choose(walk, step, at + 1, child, &counts))
            return false;
    return true;
}

/* Goes on with step `at` at `node`; false = stop. */
static bool visit(const struct walk *walk, size_t at, const struct cw_node *node)
{
    if (at == walk->path->step_count)
        return deliver(walk, node);
    const struct cw_path_step *step = &walk->path->steps[at];
    if (step->kind == CW_STEP_SELF) {
        struct counts counts = { { 0 } };
        return choose(walk, step, at + 1, node, &counts);
    }
    if (node->kind != CW_NODE_ARRAY)
        return visit_siblings(walk, at, node->first);
    for (const struct cw_node *member = node->first; member != NULL; member = member->next)
        if (!visit(walk, at, member))
            return false;
    return true;
}

static void visit_parts(const struct walk *walk, const struct cw_scope *scope)
{
    const struct cw_path_step *part = &walk->path->part;
    struct counts counts = { { 0 } };
    for (size_t i = 0; i < scope->part_count; i++)
        if (scope->parts[i].root != NULL && cw_slice_equal(scope->parts[i].name, part->name) &&
            !choose(walk, part, 0, scope->parts[i].root, &counts))
            return;
}

static void walk_scope(const struct walk *walk, const struct cw_scope *scope)
{
    if (walk->path->from_part)
        visit_parts(walk, scope);
    else if (scope->record != NULL)
        visit(walk, 0, scope->record);
}

static bool take_first(void *arg, const struct cw_node *node)
{
    *(const struct cw_node **)arg = node;
    return false;
}

const struct cw_node *cw_path_first(const struct cw_path *path, const struct cw_scope *scope)
{
    const struct cw_node *found = NULL;
    struct walk walk = { .path = path, .match = take_first, .arg = &found };
    walk_scope(&walk, scope);
    return found;
}

void cw_path_each(const struct cw_path *path, const struct cw_scope *scope, cw_path_match_fn *match,
                  void *arg)
{
    struct walk walk = { .path = path, .match = match, .arg = arg, .open_arrays = true };
    walk_scope(&walk, scope);
}

/* Straight down, first child by first child: what it finds is the first match; when it finds none, a sibling
 * higher up may still lead to one. */
static const struct cw_node *straight_down(const struct cw_path *path, const struct cw_node *from)
{
    const struct cw_node *node = from;
    for (size_t at = 1; at < path->step_count && node != NULL; at++) {
        const struct cw_path_step *step = &path->steps[at];
        const struct cw_node *child = node->kind == CW_NODE_ARRAY ? NULL : node->first;
        while (child != NULL && !cw_path_step_is_child(step, child))
            child = child->next;
        node = child;
    }
    return node;
}

const struct cw_node *cw_path_first_from(const struct cw_path *path, const struct cw_node *from)
{
    const struct cw_node *found = path->is_plain ? straight_down(path, from) : NULL;
    if (found != NULL)
        return found;
    struct walk walk = { .path = path, .match = take_first, .arg = &found };
    visit_siblings(&walk, 0, from);
    return found;
}

void cw_path_each_from(const struct cw_path *path, const struct cw_node *from, cw_path_match_fn *match,
                       void *arg)
{
    struct walk walk = { .path = path, .match = match, .arg = arg, .open_arrays = true };
    visit_siblings(&walk, 0, from);
}
