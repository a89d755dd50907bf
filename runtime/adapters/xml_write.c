/* xml_write.c - the XML half of writer.h. */
#include "adapters/layout.h"
#include "adapters/writer.h"

#include "adapters/utf8.h"
#include "adapters/xml_name.h"

enum { WRITE_DEPTH_MAX = 1000 };

/* What stands for a character in text, or in an attribute; NULL = itself. A reader turns bare carriage
 * returns and, in attributes, tabs and line ends into something else: those are written as numbers. */
static const char *escape_of(char c, bool attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    case '"':
        return attribute ? "&quot;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    default:
        return NULL;
    }
}

/* Bytes from `p` that are written as they are; *escape is what follows them, NULL at the end or at a fault.
 */
static size_t plain(const char *p, const char *end, bool attribute, const char **escape)
{
    const char *start = p;
    *escape = NULL;
    while (p < end) {
        uint32_t point;
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0 || !cw_xml_char(point))
            break;
        *escape = width == 1 ? escape_of(*p, attribute) : NULL;
        if (*escape != NULL)
            break;
        p += width;
    }
    return (size_t)(p - start);
}

static bool fail_character(struct cw_slice text, size_t at, struct cw_error *err)
{
    unsigned byte = (unsigned char)text.data[at];
    uint32_t point;
    if (cw_utf8_read(text.data + at, text.data + text.len, &point) == 0)
        return cw_fail(err, CW_INVALID, "byte %zu of a text, 0x%02x, is not UTF-8", at, byte);
    return cw_fail(err, CW_INVALID,
                   "byte %zu of a text is the character U+%04X, which no XML document can hold", at,
                   (unsigned)point);
}

/* Back to `len` bytes: nothing half written stays. */
static bool take_back(struct cw_buffer *out, size_t len)
{
    out->len = len;
    if (out->data != NULL)
        out->data[len] = '\0';
    return false;
}

static bool write_escaped(struct cw_buffer *out, struct cw_slice text, bool attribute, struct cw_error *err)
{
    size_t before = out->len;
    for (size_t at = 0; at < text.len; at++) {
        const char *escape;
        size_t n = plain(text.data + at, text.data + text.len, attribute, &escape);
        if (!cw_buffer_add(out, text.data + at, n, err))
            goto fail;
        at += n;
        if (at == text.len)
            break;
        if (escape == NULL) {
            fail_character(text, at, err);
            goto fail;
        }
        if (!cw_buffer_add(out, escape, strlen(escape), err))
            goto fail;
    }
    return true;
fail:
    return take_back(out, before);
}

static bool put(struct cw_buffer *out, const char *text, struct cw_error *err)
{
    return cw_buffer_add(out, text, strlen(text), err);
}

static bool write_name(struct cw_buffer *out, struct cw_slice name, struct cw_error *err)
{
    if (!cw_xml_is_name(name))
        return cw_fail(err, CW_INVALID, "\"%.*s\" cannot be the name of an XML element or attribute",
                       name.len < 80 ? (int)name.len : 80, name.data);
    return cw_buffer_add(out, name.data, name.len, err);
}

bool cw_xml_write_text(struct cw_buffer *out, struct cw_slice text, struct cw_error *err)
{
    return write_escaped(out, text, false, err);
}

bool cw_xml_write_attribute(struct cw_buffer *out, struct cw_slice name, struct cw_slice value,
                            struct cw_error *err)
{
    size_t before = out->len;
    if (put(out, " ", err) && write_name(out, name, err) && put(out, "=\"", err) &&
        write_escaped(out, value, true, err) && put(out, "\"", err))
        return true;
    return take_back(out, before);
}

static bool is_repeated(const struct cw_node *first, const struct cw_node *attribute)
{
    for (; first != attribute; first = first->next)
        if (first->kind == CW_NODE_ATTRIBUTE && first->name_hash == attribute->name_hash &&
            cw_slice_equal(first->name, attribute->name))
            return true;
    return false;
}

static bool write_attributes(struct cw_layout *to, const struct cw_node *node)
{
    for (const struct cw_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != CW_NODE_ATTRIBUTE)
            continue;
        if (is_repeated(node->first, child))
            return cw_fail(to->err, CW_INVALID, "the attribute \"%.*s\" comes twice in one element",
                           child->name.len < 80 ? (int)child->name.len : 80, child->name.data);
        if (!cw_xml_write_attribute(to->out, child->name, child->text, to->err))
            return false;
    }
    return true;
}

static bool write_element(struct cw_layout *to, const struct cw_node *node);

/* Elements on lines of their own, unless there is text beside them that white space would change. */
static bool write_content(struct cw_layout *to, const struct cw_node *node)
{
    unsigned indent = to->indent;
    bool any = false;
    if (node->text.len > 0)
        to->indent = 0;
    to->depth++;
    bool ok = cw_xml_write_text(to->out, node->text, to->err);
    for (const struct cw_node *child = node->first; ok && child != NULL; child = child->next) {
        if (child->kind == CW_NODE_ATTRIBUTE)
            continue;
        any = true;
        ok = cw_layout_new_line(to) && write_element(to, child);
    }
    to->depth--;
    ok = ok && (!any || cw_layout_new_line(to));
    to->indent = indent;
    return ok;
}

static bool write_element(struct cw_layout *to, const struct cw_node *node)
{
    if (to->depth >= WRITE_DEPTH_MAX)
        return cw_fail(to->err, CW_LIMIT, "elements are nested deeper than %d", WRITE_DEPTH_MAX);
    if (!put(to->out, "<", to->err) || !write_name(to->out, node->name, to->err) ||
        !write_attributes(to, node) || !put(to->out, ">", to->err))
        return false;
    size_t opened = to->out->len;
    if (!write_content(to, node))
        return false;
    if (to->out->len == opened) { /* nothing in it: "<a>" becomes "<a/>" */
        to->out->len--;
        return put(to->out, "/>", to->err);
    }
    return put(to->out, "</", to->err) && write_name(to->out, node->name, to->err) &&
           put(to->out, ">", to->err);
}

bool cw_xml_write(struct cw_buffer *out, const struct cw_node *node, unsigned indent, struct cw_error *err)
{
    struct cw_layout to = { .out = out, .indent = indent, .err = err };
    size_t before = out->len;
    if (node->kind == CW_NODE_ATTRIBUTE)
        return cw_fail(err, CW_USAGE, "an attribute cannot be written as an element");
    if (write_element(&to, node))
        return true;
    return take_back(out, before);
}
