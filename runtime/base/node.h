/* node.h - one record as a tree, the same for XML and JSON; made by the readers in adapters/, read by
 * mapping/.
 *
 * A tree is flat memory in an arena: nodes never move and are never freed one by one; text is decoded
 * (entities, CDATA, \u escapes) and either points into the arena or into the record's bytes, so both must
 * outlive the tree.
 *
 *   XML   element   -> CW_NODE_OBJECT; text = its own text and CDATA, joined; children = attributes first,
 * then elements, in document order. Names lose their namespace prefix ("xlink:href" -> "href"). attribute ->
 * CW_NODE_ATTRIBUTE; name without '@'. JSON  object    -> CW_NODE_OBJECT; children carry their key as name.
 *         array     -> CW_NODE_ARRAY; members have an empty name.
 *         number    -> CW_NODE_NUMBER; text exactly as written, of any length.
 *         string, true/false, null -> CW_NODE_TEXT, CW_NODE_BOOL ("true"/"false"), CW_NODE_NULL (empty text).
 */
#ifndef CW_BASE_NODE_H
#define CW_BASE_NODE_H

#include "base/slice.h"

enum cw_node_kind {
    CW_NODE_OBJECT,
    CW_NODE_ARRAY,
    CW_NODE_TEXT,
    CW_NODE_NUMBER,
    CW_NODE_BOOL,
    CW_NODE_NULL,
    CW_NODE_ATTRIBUTE
};

struct cw_node {
    struct cw_slice name;
    struct cw_slice text;
    uint32_t name_hash; /* cw_slice_hash(name) */
    enum cw_node_kind kind;
    struct cw_node *first; /* first child, or NULL */
    struct cw_node *next;  /* next sibling, or NULL */
};

/* First child element or key of that name; attributes are found with cw_node_attribute. NULL when there is
 * none, also when node is NULL. */
const struct cw_node *cw_node_child(const struct cw_node *node, struct cw_slice name);
const struct cw_node *cw_node_attribute(const struct cw_node *node, struct cw_slice name);

#endif
