/* tree.h - record trees for tests, from a short notation:
 *
 *   {id:5 name:'Marie' paid:true note:null tags:['a' 'b'] row:{@id:'2' 'text of the element' sku:'A'}
 * row:{sku:'B'}}
 *
 * Names may repeat, as in XML; '@' makes an attribute; a bare text inside braces is the element's own text.
 */
#ifndef CW_TESTS_MAPPING_TREE_H
#define CW_TESTS_MAPPING_TREE_H

#include "testing.h"

#include "base/arena.h"
#include "base/node.h"

struct tree_reader {
    struct cw_arena *arena;
    const char *at;
};

static inline void tree_blanks(struct tree_reader *r)
{
    while (*r->at == ' ' || *r->at == '\n')
        r->at++;
}

static inline struct cw_slice tree_until(struct tree_reader *r, const char *stops)
{
    size_t len = strcspn(r->at, stops);
    struct cw_slice s = { r->at, len };
    r->at += len;
    return s;
}

static inline void tree_value(struct tree_reader *r, struct cw_node *node);

static inline void tree_member(struct tree_reader *r, struct cw_node *parent, struct cw_node ***end)
{
    struct cw_node *node = cw_arena_alloc(r->arena, sizeof *node);
    assert_non_null(node);
    *node = (struct cw_node){ .name = { "", 0 } };
    bool attribute = *r->at == '@';
    r->at += attribute;
    if (parent->kind != CW_NODE_ARRAY) {
        node->name = tree_until(r, ":");
        assert_int_equal(*r->at++, ':');
    }
    node->name_hash = cw_slice_hash(node->name);
    tree_value(r, node);
    if (attribute)
        node->kind = CW_NODE_ATTRIBUTE;
    **end = node;
    *end = &node->next;
}

static inline void tree_members(struct tree_reader *r, struct cw_node *node, char close)
{
    struct cw_node **end = &node->first;
    node->kind = close == '}' ? CW_NODE_OBJECT : CW_NODE_ARRAY;
    node->text = (struct cw_slice){ "", 0 };
    for (tree_blanks(r); *r->at != close; tree_blanks(r)) {
        assert_int_not_equal(*r->at, '\0');
        if (*r->at == '\'' && close == '}') {
            r->at++;
            node->text = tree_until(r, "'");
            r->at++;
        } else {
            tree_member(r, node, &end);
        }
    }
    r->at++;
}

static inline void tree_value(struct tree_reader *r, struct cw_node *node)
{
    char c = *r->at;
    if (c == '{' || c == '[') {
        r->at++;
        tree_members(r, node, c == '{' ? '}' : ']');
        return;
    }
    if (c == '\'') {
        r->at++;
        node->kind = CW_NODE_TEXT;
        node->text = tree_until(r, "'");
        r->at++;
        return;
    }
    node->text = tree_until(r, " \n]}");
    bool is_null = cw_slice_is(node->text, "null");
    bool is_bool = cw_slice_is(node->text, "true") || cw_slice_is(node->text, "false");
    node->kind = is_null ? CW_NODE_NULL : is_bool ? CW_NODE_BOOL : CW_NODE_NUMBER;
    if (is_null)
        node->text.len = 0;
}

/* `text` must outlive the tree. */
static inline const struct cw_node *tree(struct cw_arena *arena, const char *text)
{
    struct tree_reader r = { arena, text };
    struct cw_node *root = cw_arena_alloc(arena, sizeof *root);
    assert_non_null(root);
    *root = (struct cw_node){ .name = { "", 0 }, .name_hash = cw_slice_hash(cw_slice("")) };
    tree_blanks(&r);
    tree_value(&r, root);
    return root;
}

#endif
