/* layout.h - private to the writers: where lines break in what they write. */
#ifndef CW_ADAPTERS_LAYOUT_H
#define CW_ADAPTERS_LAYOUT_H

#include "base/buffer.h"

struct cw_layout {
    struct cw_buffer *out;
    unsigned indent, depth; /* spaces a level (0 = everything on one line); levels */
    struct cw_error *err;
};

static inline bool cw_layout_new_line(struct cw_layout *to)
{
    if (to->indent == 0)
        return true;
    size_t width = 1 + (size_t)to->indent * to->depth;
    char *place = cw_buffer_reserve(to->out, width, to->err);
    if (place == NULL)
        return false;
    memset(place, ' ', width);
    place[0] = '\n';
    to->out->len += width;
    to->out->data[to->out->len] = '\0';
    return true;
}

#endif
