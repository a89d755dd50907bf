/* json_write.c - the JSON half of writer.h. */
#include "adapters/layout.h"
#include "adapters/writer.h"

#include "adapters/json_text.h"
#include "adapters/utf8.h"

enum { WRITE_DEPTH_MAX = 1000 };

/* Back to `len` bytes: nothing half written stays. */
static bool take_back(struct cw_buffer *out, size_t len)
{
    out->len = len;
    if (out->data != NULL)
        out->data[len] = '\0';
    return false;
}

static bool put(struct cw_buffer *out, const char *text, struct cw_error *err)
{
    return cw_buffer_add(out, text, strlen(text), err);
}

static bool write_escape(struct cw_buffer *out, char c, struct cw_error *err)
{
    static const char values[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c != '\0' ? strchr(values, c) : NULL;
    if (found != NULL)
        return cw_buffer_print(out, err, "\\%c", letters[found - values]);
    return cw_buffer_print(out, err, "\\u%04x", (unsigned)(unsigned char)c);
}

static bool write_inside(struct cw_buffer *out, struct cw_slice text, struct cw_error *err)
{
    const char *p = text.data, *end = text.data + text.len;
    while (p < end) {
        const char *why;
        size_t plain = cw_json_plain(p, end, &why);
        if (!cw_buffer_add(out, p, plain, err))
            return false;
        p += plain;
        if (p == end)
            break;
        if ((unsigned char)*p >= 0x80)
            return cw_fail(err, CW_INVALID, "byte %zu of a text, 0x%02x, is not UTF-8",
                           (size_t)(p - text.data), (unsigned)(unsigned char)*p);
        if (!write_escape(out, *p++, err))
            return false;
    }
    return true;
}

bool cw_json_write_text(struct cw_buffer *out, struct cw_slice text, struct cw_error *err)
{
    size_t before = out->len;
    if (put(out, "\"", err) && write_inside(out, text, err) && put(out, "\"", err))
        return true;
    return take_back(out, before);
}

static bool write_value(struct cw_layout *to, const struct cw_node *node);

static bool write_key(struct cw_layout *to, struct cw_slice key)
{
    return cw_json_write_text(to->out, key, to->err) && put(to->out, to->indent > 0 ? ": " : ":", to->err);
}

/* The own text of an XML element that has attributes or elements beside it. */
static bool write_own_text(struct cw_layout *to, const struct cw_node *node)
{
    return cw_layout_new_line(to) && write_key(to, cw_slice("#text")) &&
           cw_json_write_text(to->out, node->text, to->err);
}

static bool write_members(struct cw_layout *to, const struct cw_node *node)
{
    bool object = node->kind == CW_NODE_OBJECT;
    for (const struct cw_node *child = node->first; child != NULL; child = child->next)
        if ((child != node->first && !put(to->out, ",", to->err)) || !cw_layout_new_line(to) ||
            (object && !write_key(to, child->name)) || !write_value(to, child))
            return false;
    return node->text.len == 0 || (put(to->out, ",", to->err) && write_own_text(to, node));
}

static bool write_container(struct cw_layout *to, const struct cw_node *node)
{
    bool object = node->kind == CW_NODE_OBJECT;
    if (node->first == NULL)
        return put(to->out, object ? "{}" : "[]", to->err);
    if (to->depth >= WRITE_DEPTH_MAX)
        return cw_fail(to->err, CW_LIMIT, "objects and lists are nested deeper than %d", WRITE_DEPTH_MAX);
    to->depth++;
    bool ok = put(to->out, object ? "{" : "[", to->err) && write_members(to, node);
    to->depth--;
    return ok && cw_layout_new_line(to) && put(to->out, object ? "}" : "]", to->err);
}

static bool write_number(struct cw_layout *to, struct cw_slice text)
{
    if (text.len == 0 || cw_json_number(text.data, text.data + text.len) != text.len)
        return cw_fail(to->err, CW_INVALID, "\"%.*s\" is not a JSON number",
                       text.len < 80 ? (int)text.len : 80, text.data);
    return cw_buffer_add(to->out, text.data, text.len, to->err);
}

static bool write_value(struct cw_layout *to, const struct cw_node *node)
{
    switch (node->kind) {
    case CW_NODE_OBJECT:
        if (node->first == NULL && node->text.len > 0) /* an XML element with nothing but text */
            return cw_json_write_text(to->out, node->text, to->err);
        return write_container(to, node);
    case CW_NODE_ARRAY:
        return write_container(to, node);
    case CW_NODE_NUMBER:
        return write_number(to, node->text);
    case CW_NODE_BOOL:
        return put(to->out, cw_slice_is(node->text, "true") ? "true" : "false", to->err);
    case CW_NODE_NULL:
        return put(to->out, "null", to->err);
    case CW_NODE_TEXT:
    case CW_NODE_ATTRIBUTE:
        break;
    }
    return cw_json_write_text(to->out, node->text, to->err);
}

bool cw_json_write(struct cw_buffer *out, const struct cw_node *node, unsigned indent, struct cw_error *err)
{
    struct cw_layout to = { .out = out, .indent = indent, .err = err };
    size_t before = out->len;
    if (write_value(&to, node))
        return true;
    return take_back(out, before);
}
