/* path_fuzz.c - any text is refused with its place or is a path that can be followed; the first match is the
 * first of all matches. */
#include "fuzz.h"

#include <string.h>

#include "mapping/path_steps.h"

#define NODE(called, kind_, text_, first_, next_)                                                            \
    {                                                                                                        \
        .name = { called, sizeof called - 1 }, .text = { text_, sizeof text_ - 1 }, .kind = kind_,           \
        .first = first_, .next = next_                                                                       \
    }

/* {@id:'1' a:{b:'x' b:'y' @c:'z'} a:[{b:1} [{b:2} null] {b:3 c:{b:'deep'}}] b:true} */
static struct cw_node nodes[] = {
    NODE("", CW_NODE_OBJECT, "", &nodes[1], NULL),
    NODE("id", CW_NODE_ATTRIBUTE, "1", NULL, &nodes[2]),
    NODE("a", CW_NODE_OBJECT, " own ", &nodes[5], &nodes[3]),
    NODE("a", CW_NODE_ARRAY, "", &nodes[8], &nodes[4]),
    NODE("b", CW_NODE_BOOL, "true", NULL, NULL),
    NODE("b", CW_NODE_TEXT, "x", NULL, &nodes[6]),
    NODE("b", CW_NODE_TEXT, "y", NULL, &nodes[7]),
    NODE("c", CW_NODE_ATTRIBUTE, "z", NULL, NULL),
    NODE("", CW_NODE_OBJECT, "", &nodes[11], &nodes[9]),
    NODE("", CW_NODE_ARRAY, "", &nodes[12], &nodes[10]),
    NODE("", CW_NODE_OBJECT, "", &nodes[15], NULL),
    NODE("b", CW_NODE_NUMBER, "1", NULL, NULL),
    NODE("", CW_NODE_OBJECT, "", &nodes[14], &nodes[13]),
    NODE("", CW_NODE_NULL, "", NULL, NULL),
    NODE("b", CW_NODE_NUMBER, "2", NULL, NULL),
    NODE("b", CW_NODE_NUMBER, "3", NULL, &nodes[16]),
    NODE("c", CW_NODE_OBJECT, "", &nodes[17], NULL),
    NODE("b", CW_NODE_TEXT, "deep", NULL, NULL),
};

struct matches {
    const struct cw_node *first;
    size_t count;
};

static bool count_match(void *arg, const struct cw_node *node)
{
    struct matches *matches = arg;
    if (matches->count++ == 0)
        matches->first = node;
    return matches->count < 1000;
}

/* The first match may be an array whose members are the matches, or an empty one. */
static bool agrees(const struct cw_node *first, const struct matches *all)
{
    if (first == NULL)
        return all->count == 0;
    while (first != NULL && first->kind == CW_NODE_ARRAY)
        first = first->first;
    return first == all->first;
}

static void follow(const struct cw_path *path)
{
    struct cw_part parts[] = { { { "d", 1 }, &nodes[0] }, { { "d", 1 }, &nodes[2] }, { { "e", 1 }, NULL } };
    struct cw_scope scope = { .record = &nodes[0], .parts = parts, .part_count = 3 };
    struct matches all = { 0 }, from = { 0 };
    const struct cw_node *first = cw_path_first(path, &scope);
    cw_path_each(path, &scope, count_match, &all);
    MUST(agrees(first, &all));
    if (!cw_path_starts_at_child(path))
        return;
    const struct cw_node *start = cw_node_child(scope.record, path->steps[0].name);
    if (start == NULL) {
        MUST(first == NULL);
        return;
    }
    cw_path_each_from(path, start, count_match, &from);
    MUST(cw_path_first_from(path, start) == first && from.count == all.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cw_arena arena;
    struct cw_error err = { 0 };
    struct cw_slice text = { (const char *)data, size };
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        nodes[i].name_hash = cw_slice_hash(nodes[i].name);
    cw_arena_init(&arena, 0);
    const struct cw_path *path = cw_path_compile(&arena, text, &err);
    if (path == NULL) {
        MUST(err.code == CW_USAGE && strncmp(err.text, "path \"", 6) == 0);
    } else {
        MUST(cw_slice_equal(cw_path_text(path), text));
        follow(path);
    }
    cw_arena_fini(&arena);
    return 0;
}
