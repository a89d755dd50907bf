/* xml_tag.h - the next piece of markup in a window, found leniently. Internal to the XML splitter. */
#ifndef CW_ADAPTERS_XML_TAG_H
#define CW_ADAPTERS_XML_TAG_H

#include "adapters/window.h"

enum cw_tag_kind {
    CW_TAG_START,
    CW_TAG_EMPTY,
    CW_TAG_END,
    CW_TAG_MISC, /* comment or processing instruction */
    CW_TAG_CDATA,
    CW_TAG_DOCTYPE, /* "<!" and something else; only its first two bytes */
    CW_TAG_STRAY    /* a '<' that begins nothing: text */
};

struct cw_tag {
    enum cw_tag_kind kind;
    size_t len;            /* bytes, from '<' on */
    size_t name, name_len; /* from '<' on, prefix included; for start, empty and end tags */
};

/* What the '<' at window->at begins; it is visible until the window moves. False when the body ends inside
 * it, and after a failure. */
bool cw_tag_read(struct cw_window *window, struct cw_tag *tag);

/* Moves to the next '<'; false when there is none, and after a failure. */
bool cw_tag_find(struct cw_window *window);

#endif
