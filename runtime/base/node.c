/* node.c - see node.h. */
#include "base/node.h"

static const struct cw_node *find(const struct cw_node *node, struct cw_slice name, bool attribute)
{
    if (node == NULL)
        return NULL;
    uint32_t hash = cw_slice_hash(name);
    for (const struct cw_node *child = node->first; child != NULL; child = child->next)
        if (child->name_hash == hash && (child->kind == CW_NODE_ATTRIBUTE) == attribute &&
            cw_slice_equal(child->name, name))
            return child;
    return NULL;
}

const struct cw_node *cw_node_child(const struct cw_node *node, struct cw_slice name)
{
    return find(node, name, false);
}

const struct cw_node *cw_node_attribute(const struct cw_node *node, struct cw_slice name)
{
    return find(node, name, true);
}
