/* mime_unwrap.c - texts within texts: format=flowed (RFC 3676), and files in uuencode from before MIME. */
#include "adapters/mime_private.h"

/* --- format=flowed --- */

static size_t quote_depth(struct cw_slice line)
{
    size_t depth = 0;
    while (depth < line.len && line.data[depth] == '>')
        depth++;
    return depth;
}

/* The next line without its end; false at the end of the text. */
static bool next_line(struct cw_slice *text, struct cw_slice *line)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->data, '\n', text->len);
    line->data = text->data;
    line->len = end != NULL ? (size_t)(end - text->data) : text->len;
    size_t used = line->len + (end != NULL);
    *text = (struct cw_slice){ text->data + used, text->len - used };
    return true;
}

/* A blank before what would else look like a quote is stuffing. */
static struct cw_slice unstuff(struct cw_slice line, size_t depth)
{
    if (line.len > depth && line.data[depth] == ' ' && depth == 0)
        return (struct cw_slice){ line.data + 1, line.len - 1 };
    return line;
}

static bool flows_on(struct cw_slice line, size_t depth)
{
    struct cw_slice words = { line.data + depth, line.len - depth };
    return words.len > 0 && words.data[words.len - 1] == ' ' && !cw_slice_is(words, "-- ") &&
           !cw_slice_is(words, " -- ");
}

/* What is written never overtakes what is read: joining and unstuffing only take away. */
void cw_mime_unflow(struct cw_buffer *text, bool delsp)
{
    struct cw_slice rest = cw_buffer_slice(text), line;
    char *to = text->data;
    bool joins = false;
    size_t depth_before = 0;
    while (next_line(&rest, &line)) {
        bool ended = rest.data > line.data + line.len; /* by a line end, not by the end of the text */
        size_t depth = quote_depth(line);
        line = unstuff(line, depth);
        bool goes_on = flows_on(line, depth);
        if (joins && depth != depth_before)
            *to++ = '\n';
        else if (joins)
            line = cw_slice_is(line, "-- ") ? line : (struct cw_slice){ line.data + depth, line.len - depth };
        if (joins && depth == depth_before && depth > 0 && line.len > 0 && line.data[0] == ' ')
            line = (struct cw_slice){ line.data + 1, line.len - 1 };
        size_t len = line.len - (goes_on && delsp);
        if (line.len > 0)
            memmove(to, line.data, len);
        to += line.len > 0 ? len : 0;
        joins = goes_on && rest.len > 0;
        depth_before = depth;
        if (!joins && ended)
            *to++ = '\n';
    }
    text->len = (size_t)(to - text->data);
}

/* --- uuencode --- */

/* "begin 644 NAME" */
static bool is_begin(struct cw_slice line, struct cw_slice *name)
{
    size_t at = 6, digits = 0;
    if (line.len < 11 || memcmp(line.data, "begin ", 6) != 0)
        return false;
    for (; at < line.len && line.data[at] >= '0' && line.data[at] <= '7'; at++)
        digits++;
    if (digits < 3 || digits > 4 || at + 1 >= line.len || line.data[at] != ' ')
        return false;
    *name = (struct cw_slice){ line.data + at + 1, line.len - at - 1 };
    return true;
}

/* A line of n bytes has (n + 2) / 3 * 4 characters; programs drop blanks at its end. */
static bool is_data(struct cw_slice line)
{
    if (line.len == 0)
        return false;
    size_t bytes = ((size_t)(unsigned char)line.data[0] - ' ') & 63, chars = (bytes + 2) / 3 * 4;
    return (unsigned char)line.data[0] > ' ' && (unsigned char)line.data[0] <= '`' &&
           line.len - 1 <= chars + 1;
}

/* The lines up to "end"; false when they are not all data, or there is no end. */
static bool find_end(struct cw_slice *rest, struct cw_slice *data)
{
    struct cw_slice at = *rest, line;
    *data = (struct cw_slice){ rest->data, 0 };
    while (next_line(&at, &line)) {
        if (cw_slice_is(cw_slice_trim(line), "end")) {
            data->len = (size_t)(line.data - rest->data);
            *rest = at;
            return true;
        }
        if (!is_data(line) && cw_slice_trim(line).len > 0)
            return false;
    }
    return false;
}

static bool attach_data(struct cw_mime_tree *tree, struct cw_slice name, struct cw_slice data,
                        struct cw_error *err)
{
    struct cw_mime_attachment attachment = { .charset = { "", 0 } };
    struct cw_buffer bytes = { 0 };
    int state = 0;
    guint32 save = 0;
    char *room = cw_buffer_reserve(&bytes, data.len + 16, err);
    bool ok = room != NULL;
    if (ok) {
        state |= GMIME_UUDECODE_STATE_BEGIN;
        bytes.len = g_mime_encoding_uudecode_step((const unsigned char *)data.data, data.len,
                                                  (unsigned char *)room, &state, &save);
        ok = cw_mime_keep_name(tree, name, &attachment.name, err) &&
             cw_mime_keep(tree, cw_slice("application/octet-stream"), &attachment.type, err) &&
             cw_mime_keep(tree, cw_buffer_slice(&bytes), &attachment.bytes, err) &&
             cw_mime_attach(tree, &attachment, err);
    }
    cw_buffer_fini(&bytes);
    return ok;
}

bool cw_mime_take_uuencoded(struct cw_mime_tree *tree, struct cw_buffer *text, struct cw_error *err)
{
    struct cw_slice rest = cw_buffer_slice(text), line, name, data;
    char *to = text->data;
    while (next_line(&rest, &line)) {
        struct cw_slice after = rest;
        if (is_begin(line, &name) && find_end(&after, &data)) {
            if (!attach_data(tree, name, data, err))
                return false;
            rest = after;
            continue;
        }
        size_t len = (size_t)(rest.data - line.data);
        memmove(to, line.data, len);
        to += len;
    }
    text->len = (size_t)(to - text->data);
    return true;
}
