/* xml_split.c - finds where the records of an XML document begin and end, byte for byte, without judging what
 * is in them: a record that is not well-formed ends where an end tag of its own or of its container's name
 * says so. */
#include "adapters/split.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "adapters/xml_tag.h"

void cw_xml_split_init(struct cw_xml_split *split, const struct cw_body *body,
                       const struct cw_split_path *path, const struct cw_reader_limits *limits, size_t step)
{
    split->path = path;
    strcpy(split->encoding, "UTF-8");
    cw_window_init(&split->window, body, step, limits->record_bytes);
}

static void keep_name(struct cw_xml_name *kept, const struct cw_window *window, const struct cw_tag *tag)
{
    kept->len = tag->name_len <= sizeof kept->text ? tag->name_len : 0;
    kept->begin = cw_window_offset(window);
    memcpy(kept->text, window->data + window->at + tag->name, kept->len);
}

static bool has_name(const struct cw_window *window, const struct cw_tag *tag, const struct cw_xml_name *name)
{
    return name->len != 0 && tag->name_len == name->len &&
           memcmp(window->data + window->at + tag->name, name->text, name->len) == 0;
}

/* A part of the path without a prefix fits any prefix. */
static bool fits_part(const struct cw_window *window, const struct cw_tag *tag, struct cw_slice part)
{
    struct cw_slice name = { window->data + window->at + tag->name, tag->name_len };
    const char *colon = memrchr(name.data, ':', name.len);
    if (cw_slice_equal(name, part))
        return true;
    if (colon == NULL)
        return false;
    return cw_slice_equal((struct cw_slice){ colon + 1, (size_t)(name.data + name.len - colon - 1) }, part);
}

static bool fail_cut(struct cw_xml_split *split, const struct cw_xml_name *name)
{
    if (split->window.failed)
        return false;
    return cw_window_fail(&split->window, CW_INVALID, cw_body_size(split->window.body),
                          "the document ends in the middle of <%.*s>, which begins at byte %" PRIu64
                          "; it was cut off on its way",
                          (int)name->len, name->text, name->begin);
}

/* --- before and after the root element --- */

/* The names of charsets that the records can be converted from, all supersets of ASCII. */
static bool encoding_is_known(const char *name)
{
    static const char *const known[] = { "UTF-8",       "UTF8",     "US-ASCII",  "ASCII",
                                         "ISO-8859-",   "ISO8859-", "ISO_8859-", "LATIN",
                                         "WINDOWS-125", "CP125",    "KOI8-",     NULL };
    for (size_t i = 0; known[i] != NULL; i++)
        if (strncasecmp(name, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

static bool encoding_is_wide(const char *name)
{
    return strncasecmp(name, "UTF-16", 6) == 0 || strncasecmp(name, "UTF-32", 6) == 0 ||
           strncasecmp(name, "UCS-", 4) == 0 || strncasecmp(name, "ISO-10646-UCS-", 14) == 0;
}

/* The value of encoding="..." in an XML declaration, or "". */
static void find_encoding(struct cw_slice declaration, char out[CW_ENCODING_MAX])
{
    static const char word[] = "encoding";
    const char *end = declaration.data + declaration.len;
    const char *p = memmem(declaration.data, declaration.len, word, sizeof word - 1);
    out[0] = '\0';
    if (p == NULL)
        return;
    for (p += sizeof word - 1; p < end && (isspace((unsigned char)*p) || *p == '=');)
        p++;
    if (p == end || (*p != '"' && *p != '\''))
        return;
    const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
    if (close != NULL && close - p - 1 < CW_ENCODING_MAX) {
        memcpy(out, p + 1, (size_t)(close - p - 1));
        out[close - p - 1] = '\0';
    }
}

/* A document that says UTF-16 in single bytes was converted on its way: it is UTF-8 now, or its records will
 * say. */
static bool read_declaration(struct cw_xml_split *split, size_t len, bool bom)
{
    struct cw_window *window = &split->window;
    char name[CW_ENCODING_MAX];
    if (len < 7 || memcmp(window->data + window->at, "<?xml", 5) != 0 ||
        !isspace((unsigned char)window->data[window->at + 5]))
        return true;
    find_encoding((struct cw_slice){ window->data + window->at, len }, name);
    if (name[0] == '\0' || bom || encoding_is_wide(name))
        return true;
    if (encoding_is_known(name)) {
        strcpy(split->encoding, name);
        return true;
    }
    return cw_window_fail(window, CW_INVALID, cw_window_offset(window),
                          "the document is in \"%s\", which cannot be read here (UTF-8, ISO-8859-1 to -16, "
                          "windows-1250 to -1258, KOI8 can); convert it first: iconv -f %s -t UTF-8",
                          name, name);
}

static bool tag_is_html(const struct cw_window *window, const struct cw_tag *tag)
{
    return tag->name_len == 4 && strncasecmp(window->data + window->at + tag->name, "html", 4) == 0;
}

/* Whether it only names a document type, as cXML does: what it names is never fetched. *len is its length. */
static bool declares_nothing(struct cw_window *window, size_t *len)
{
    enum { DOCTYPE_MAX = 1024 };
    char quote = '\0';
    for (*len = sizeof "<!DOCTYPE" - 1; *len < DOCTYPE_MAX && cw_window_has(window, *len + 1); ++*len) {
        char c = window->data[window->at + *len];
        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '[' || c == '>')
            return c == '>' && ++*len > 0;
    }
    return false;
}

static bool pass_doctype(struct cw_xml_split *split)
{
    struct cw_window *window = &split->window;
    size_t len;
    if (cw_window_has(window, 14) && strncasecmp(window->data + window->at, "<!doctype html", 14) == 0)
        return cw_window_fail_here(window, "an HTML page where XML data was expected");
    if (!cw_window_has(window, 9) || memcmp(window->data + window->at, "<!DOCTYPE", 9) != 0 ||
        !declares_nothing(window, &len))
        return cw_window_fail_here(window,
                                   "document type declarations are refused, because entities can be bombs");
    window->at += len;
    return true;
}

/* Up to the root element's tag, which is read into *tag and not yet passed. */
static bool find_root(struct cw_xml_split *split, struct cw_tag *tag)
{
    struct cw_window *window = &split->window;
    if (!cw_window_begin(window))
        return false;
    bool bom = window->at != 0, first = true;
    for (;; first = false) {
        if (!cw_window_skip_space(window))
            return !window->failed &&
                   cw_window_fail(window, CW_INVALID, 0, "the body is empty; XML was expected");
        if (window->data[window->at] != '<')
            return cw_window_fail_here(&split->window, "text before the root element");
        if (!cw_tag_read(window, tag))
            return cw_window_fail_here(window, "the document ends in the middle of its first tag");
        if (tag->kind == CW_TAG_DOCTYPE) {
            if (!pass_doctype(split))
                return false;
            continue;
        }
        if (tag->kind == CW_TAG_START || tag->kind == CW_TAG_EMPTY)
            break;
        if (tag->kind != CW_TAG_MISC)
            return cw_window_fail_here(&split->window, "text before the root element");
        if (first && !read_declaration(split, tag->len, bom))
            return false;
        window->at += tag->len;
    }
    return !tag_is_html(window, tag) ||
           cw_window_fail_here(&split->window, "an HTML page where XML data was expected");
}

static bool fail_no_container(struct cw_xml_split *split)
{
    char quote[CW_QUOTE_MAX];
    struct cw_slice last = split->path->names[split->path->count - 2];
    int len = (int)(last.data + last.len - split->path->text);
    cw_window_quote(&split->window, 0, quote);
    return cw_window_fail(&split->window, CW_INVALID, 0,
                          "the document holds no <%.*s> below its root (whose own name is no part of the "
                          "path), so it is no list of "
                          "records; it begins: \"%s\"",
                          len, split->path->text, quote);
}

/* A path of one name says nothing of the root, so an error message in XML would be a list without records. */
static bool fail_no_list(struct cw_xml_split *split)
{
    char quote[CW_QUOTE_MAX];
    cw_window_quote(&split->window, 0, quote);
    return cw_window_fail(
        &split->window, CW_INVALID, 0,
        "below the root of the document stands no <%s> but something else, so it is no list of "
        "records; it begins: \"%s\"",
        split->path->text, quote);
}

/* After the root: nothing but white space, comments and processing instructions. */
static enum cw_split finish(struct cw_xml_split *split)
{
    struct cw_window *window = &split->window;
    struct cw_tag tag;
    while (cw_window_skip_space(window)) {
        bool markup = window->data[window->at] == '<' && cw_tag_read(window, &tag);
        if (!window->failed && (!markup || tag.kind != CW_TAG_MISC))
            cw_window_fail_here(&split->window, "something follows the end of the document");
        if (window->failed)
            return CW_SPLIT_FAILED;
        window->at += tag.len;
    }
    if (!window->failed && !split->container_seen)
        fail_no_container(split);
    if (!window->failed && !split->found && split->other)
        fail_no_list(split);
    return window->failed ? CW_SPLIT_FAILED : CW_SPLIT_END;
}

/* --- one element, from its start tag to its end --- */

struct element {
    const struct cw_xml_name *name, *outer;
    unsigned depth;          /* open elements, itself included */
    unsigned same, as_outer; /* open elements inside it that have its name, its container's name */
};

enum ends { INSIDE, ENDS_WITH, ENDS_BEFORE };

static enum ends close_tag(struct cw_xml_split *split, struct element *element, const struct cw_tag *tag)
{
    bool same = has_name(&split->window, tag, element->name);
    bool outer = element->outer != NULL && has_name(&split->window, tag, element->outer);
    if (same && (element->same == 0 || element->depth == 1)) {
        split->recovered = element->depth != 1;
        return ENDS_WITH;
    }
    if (outer && !same && element->as_outer == 0) {
        split->recovered = true;
        return ENDS_BEFORE;
    }
    element->same -= same;
    element->as_outer -= outer && element->as_outer > 0;
    if (element->depth > 1)
        element->depth--;
    else if (element->name->len == 0) /* too long a name to compare: count alone decides */
        return ENDS_WITH;
    return INSIDE;
}

static void open_tag(struct cw_xml_split *split, struct element *element, const struct cw_tag *tag)
{
    element->depth++;
    element->same += has_name(&split->window, tag, element->name);
    element->as_outer += element->outer != NULL && has_name(&split->window, tag, element->outer);
}

/* Moves past the element whose start tag is `tag`. */
static bool pass_element(struct cw_xml_split *split, struct cw_tag tag)
{
    struct cw_window *window = &split->window;
    struct cw_xml_name name;
    keep_name(&name, window, &tag);
    split->recovered = false;
    struct element element = { .name = &name,
                               .outer = split->opened > 0 ? &split->open[split->opened - 1] : NULL,
                               .depth = 1 };
    enum ends ends = tag.kind == CW_TAG_EMPTY ? ENDS_WITH : INSIDE;
    while (ends == INSIDE) {
        window->at += tag.len;
        if (!cw_tag_find(window) || !cw_tag_read(window, &tag))
            return fail_cut(split, &name);
        if (tag.kind == CW_TAG_START)
            open_tag(split, &element, &tag);
        else if (tag.kind == CW_TAG_END)
            ends = close_tag(split, &element, &tag);
    }
    if (ends == ENDS_WITH)
        window->at += tag.len;
    return true;
}

/* Damage outside of the records cannot be parked with one, and may have swallowed some. */
static bool pass_other(struct cw_xml_split *split, const struct cw_tag *tag)
{
    uint64_t begin = cw_window_offset(&split->window);
    if (!pass_element(split, *tag))
        return false;
    return !split->recovered ||
           cw_window_fail(&split->window, CW_INVALID, begin,
                          "the element that begins here is none of the records, and the tags in it do not "
                          "match; it may hide some");
}

static bool take_record(struct cw_xml_split *split, const struct cw_tag *tag, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    window->mark = window->at;
    if (!pass_element(split, *tag) || !cw_window_check_size(window))
        return false;
    record->bytes = (struct cw_slice){ window->data + window->mark, window->at - window->mark };
    record->offset = window->base + window->mark;
    return true;
}

/* --- the way to the records --- */

/* Enters an element of the path; `tag` is passed. */
static void enter(struct cw_xml_split *split, const struct cw_tag *tag)
{
    unsigned level = split->opened + 1;
    if (level == split->path->count)
        split->container_seen = true;
    if (tag->kind == CW_TAG_START)
        keep_name(&split->open[split->opened++], &split->window, tag);
    else if (split->opened == 0)
        split->root_ended = true;
    split->window.at += tag->len;
}

static bool leave(struct cw_xml_split *split, const struct cw_tag *tag)
{
    const struct cw_xml_name *innermost = &split->open[split->opened - 1];
    if (innermost->len == 0 || has_name(&split->window, tag, innermost)) {
        split->opened--;
        split->root_ended = split->opened == 0;
    } else if (!split->recovered) { /* after a damaged record an end tag may be left over */
        return cw_window_fail_here(&split->window, "an end tag that belongs to nothing");
    }
    split->recovered = false;
    split->window.at += tag->len;
    return true;
}

/* Deals with the tag at hand; true in *found when it was a record's. */
static bool step(struct cw_xml_split *split, const struct cw_tag *tag, struct cw_record *record, bool *found)
{
    bool element = tag->kind == CW_TAG_START || tag->kind == CW_TAG_EMPTY;
    if (tag->kind == CW_TAG_END)
        return leave(split, tag);
    if (!element) {
        split->other = split->other || (tag->kind == CW_TAG_CDATA && split->path->count == 1);
        split->window.at += tag->len;
        return true;
    }
    if (!fits_part(&split->window, tag, split->path->names[split->opened - 1])) {
        split->other = split->other || split->path->count == 1;
        return pass_other(split, tag);
    }
    if (split->opened < split->path->count) {
        enter(split, tag);
        return true;
    }
    *found = split->found = true;
    return take_record(split, tag, record);
}

/* Text, as in <error>no access</error>. */
static void note_text(struct cw_xml_split *split)
{
    if (split->path->count == 1 && !split->found && cw_window_skip_space(&split->window) &&
        split->window.data[split->window.at] != '<')
        split->other = true;
}

static bool begin(struct cw_xml_split *split, struct cw_record *record, bool *found)
{
    struct cw_tag tag;
    split->begun = true;
    if (!find_root(split, &tag))
        return false;
    if (split->path->count > 0) {
        enter(split, &tag);
        return true;
    }
    *found = split->container_seen = split->root_ended = true;
    return take_record(split, &tag, record);
}

enum cw_split cw_xml_split_next(struct cw_xml_split *split, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    struct cw_tag tag;
    bool found = false;
    if (!split->begun && !begin(split, record, &found))
        return CW_SPLIT_FAILED;
    while (!found && !split->root_ended) {
        note_text(split);
        if (!cw_tag_find(window) || !cw_tag_read(window, &tag)) {
            fail_cut(split, &split->open[split->opened - 1]);
            return CW_SPLIT_FAILED;
        }
        if (!step(split, &tag, record, &found))
            return CW_SPLIT_FAILED;
    }
    return found ? CW_SPLIT_RECORD : finish(split);
}
