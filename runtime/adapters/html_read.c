/* html_read.c - see html_read.h. */
#include "adapters/html_read.h"

#include <libxml/HTMLparser.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/utf8.h"
#include "base/buffer.h"

struct reading {
    struct cw_arena *arena;
    struct cw_buffer text; /* being written */
    bool failed;
};

/* --- elements --- */

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcasecmp((const char *)node->name, name) == 0;
}

static bool is_one_of(const xmlNode *node, const char *const names[])
{
    for (; *names != NULL; names++)
        if (is_named(node, *names))
            return true;
    return false;
}

static bool is_block(const xmlNode *node)
{
    static const char *const names[] = { "p",      "div",        "tr",     "li",      "ul",      "ol",
                                         "table",  "h1",         "h2",     "h3",      "h4",      "h5",
                                         "h6",     "address",    "hr",     "dt",      "dd",      "pre",
                                         "dl",     "form",       "center", "section", "article", "header",
                                         "footer", "blockquote", NULL };
    return is_one_of(node, names);
}

/* "display : none" anywhere in a style. */
static bool says_none(const char *style)
{
    const char *at = style != NULL ? strcasestr(style, "display") : NULL;
    if (at == NULL)
        return false;
    at += strlen("display");
    at += strspn(at, " \t\r\n:");
    return strncasecmp(at, "none", 4) == 0;
}

static bool is_hidden(xmlNode *node)
{
    static const char *const never[] = { "style", "script", "head", "template", "title", NULL };
    if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE || is_one_of(node, never))
        return true;
    if (node->type != XML_ELEMENT_NODE || node->properties == NULL)
        return false;
    xmlChar *style = xmlGetProp(node, (const xmlChar *)"style");
    bool hidden = says_none((const char *)style) || xmlHasProp(node, (const xmlChar *)"hidden") != NULL;
    xmlFree(style);
    return hidden;
}

/* --- text --- */

static void add(struct reading *reading, const char *bytes, size_t len)
{
    reading->failed = reading->failed || !cw_buffer_add(&reading->text, bytes, len, NULL);
}

static bool is_fresh(const struct reading *reading)
{
    return reading->text.len == 0 || strchr(" \n", reading->text.data[reading->text.len - 1]) != NULL;
}

static void add_break(struct reading *reading)
{
    while (reading->text.len > 0 && reading->text.data[reading->text.len - 1] == ' ')
        reading->text.len--;
    if (reading->text.len > 0)
        add(reading, "\n", 1);
}

static void end_line(struct reading *reading)
{
    while (reading->text.len > 0 && reading->text.data[reading->text.len - 1] == ' ')
        reading->text.len--;
    if (reading->text.len > 0 && reading->text.data[reading->text.len - 1] != '\n')
        add(reading, "\n", 1);
}

static bool is_blank(uint32_t point)
{
    return point == ' ' || point == '\t' || point == '\n' || point == '\r' || point == '\f' ||
           point == 0xA0 || (point >= 0x2000 && point <= 0x200A) || point == 0x202F || point == 0x205F ||
           point == 0x3000;
}

/* Of no width: mails fill their first line, which is hidden, with them. */
static bool is_nothing(uint32_t point)
{
    return point == 0xAD || point == 0x34F || (point >= 0x200B && point <= 0x200D) || point == 0xFEFF;
}

static void add_words(struct reading *reading, const char *text)
{
    uint32_t point;
    for (const char *end = text + strlen(text); text < end;) {
        unsigned len = cw_utf8_read(text, end, &point);
        if (len == 0)
            add(reading, "\xEF\xBF\xBD", 3);
        else if (is_blank(point)) {
            if (!is_fresh(reading))
                add(reading, " ", 1);
        } else if (!is_nothing(point))
            add(reading, text, len);
        text += len > 0 ? len : 1;
    }
}

static void add_node(struct reading *reading, xmlNode *node, bool with_tables, int depth)
{
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
        if (node->content != NULL)
            add_words(reading, (const char *)node->content);
        return;
    }
    if (is_hidden(node) || depth > CW_HTML_DEPTH_MAX || (!with_tables && is_named(node, "table")))
        return;
    if (is_named(node, "br")) {
        add_break(reading);
        return;
    }
    bool block = is_block(node), cell = is_named(node, "td") || is_named(node, "th");
    if (block)
        end_line(reading);
    else if (cell && !is_fresh(reading))
        add(reading, " ", 1);
    for (xmlNode *child = node->children; child != NULL; child = child->next)
        add_node(reading, child, with_tables, depth + 1);
    if (block)
        end_line(reading);
}

static bool take_text(struct reading *reading, struct cw_slice *out)
{
    struct cw_slice text = cw_slice_trim(cw_buffer_slice(&reading->text));
    *out = cw_arena_copy(reading->arena, text);
    cw_buffer_clear(&reading->text);
    return !reading->failed && out->data != NULL;
}

/* --- tables --- */

static bool is_part(const xmlNode *node)
{
    static const char *const parts[] = { "thead", "tbody", "tfoot", NULL };
    return is_one_of(node, parts);
}

/* The row behind `row` in a table, through its parts; NULL: the first one. */
static xmlNode *next_row(xmlNode *table, xmlNode *row)
{
    xmlNode *at = row != NULL ? row->next : table->children;
    xmlNode *part = row != NULL && row->parent != table ? row->parent : NULL;
    for (;;) {
        for (; at != NULL; at = at->next) {
            if (is_named(at, "tr"))
                return at;
            if (part == NULL && is_part(at) && at->children != NULL) {
                part = at;
                at = at->children;
                if (is_named(at, "tr"))
                    return at;
            }
        }
        if (part == NULL)
            return NULL;
        at = part->next;
        part = NULL;
    }
}

static bool is_cell(const xmlNode *node)
{
    return is_named(node, "td") || is_named(node, "th");
}

static unsigned colspan_of(xmlNode *cell)
{
    xmlChar *text = xmlGetProp(cell, (const xmlChar *)"colspan");
    long span = text != NULL ? strtol((const char *)text, NULL, 10) : 1;
    xmlFree(text);
    return span < 1 ? 1 : span > CW_HTML_COLSPAN_MAX ? CW_HTML_COLSPAN_MAX : (unsigned)span;
}

static bool read_row(struct reading *reading, xmlNode *row, struct cw_html_row *out)
{
    size_t count = 0;
    for (const xmlNode *cell = row->children; cell != NULL; cell = cell->next)
        count += is_cell(cell);
    struct cw_html_cell *cells = cw_arena_alloc(reading->arena, (count + 1) * sizeof *cells);
    if (cells == NULL)
        return false;
    *out = (struct cw_html_row){ cells, count };
    for (xmlNode *cell = row->children; cell != NULL; cell = cell->next) {
        if (!is_cell(cell))
            continue;
        for (xmlNode *child = cell->children; child != NULL; child = child->next)
            add_node(reading, child, false, 0);
        cells->colspan = colspan_of(cell);
        if (!take_text(reading, &cells->text))
            return false;
        cells++;
    }
    return true;
}

static bool read_table(struct reading *reading, xmlNode *table, struct cw_html_table *out)
{
    size_t count = 0;
    for (xmlNode *row = next_row(table, NULL); row != NULL; row = next_row(table, row))
        count++;
    struct cw_html_row *rows = cw_arena_alloc(reading->arena, (count + 1) * sizeof *rows);
    if (rows == NULL)
        return false;
    *out = (struct cw_html_table){ rows, count };
    for (xmlNode *row = next_row(table, NULL); row != NULL; row = next_row(table, row))
        if (!read_row(reading, row, rows++))
            return false;
    return true;
}

/* False when it is full. */
static bool find_tables(struct reading *reading, xmlNode *node, struct cw_html_table *tables, size_t *count,
                        int depth)
{
    if (is_hidden(node) || depth > CW_HTML_DEPTH_MAX || *count == CW_HTML_TABLES_MAX)
        return true;
    if (is_named(node, "table") && !read_table(reading, node, &tables[(*count)++]))
        return false;
    for (xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !find_tables(reading, child, tables, count, depth + 1))
            return false;
    return true;
}

static bool read_document(struct reading *reading, xmlNode *root, struct cw_html *out)
{
    struct cw_html_table *tables = cw_arena_alloc(reading->arena, CW_HTML_TABLES_MAX * sizeof *tables);
    if (tables == NULL)
        return false;
    add_node(reading, root, true, 0);
    out->tables = tables;
    return take_text(reading, &out->text) && find_tables(reading, root, tables, &out->count, 0);
}

bool cw_html_read(struct cw_slice html, struct cw_arena *arena, struct cw_html *out, struct cw_error *err)
{
    struct reading reading = { .arena = arena };
    *out = (struct cw_html){ .text = { "", 0 } };
    if (html.len == 0)
        return true;
    if (html.len > INT_MAX)
        return cw_fail(err, CW_LIMIT, "HTML of %zu bytes is too large", html.len);
    xmlDoc *doc =
        htmlReadMemory(html.data, (int)html.len, NULL, "UTF-8",
                       HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    bool ok = root == NULL || read_document(&reading, root, out);
    if (doc != NULL)
        xmlFreeDoc(doc);
    cw_buffer_fini(&reading.text);
    return ok || cw_fail(err, CW_LIMIT, "no memory left for the tables of an HTML page");
}
