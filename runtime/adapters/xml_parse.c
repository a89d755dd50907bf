/* xml_parse.c - one XML record to a tree, by libxml2's SAX interface; the limits are counted here.
 *
 * SAX1 on purpose: it knows nothing of namespaces, and records are cut out of the document that declares
 * their prefixes. libxml2 gets UTF-8 and nothing else, sees no file and no socket, and stops at a DOCTYPE.
 */
#include "adapters/split.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/xml_name.h"
#include "base/buffer.h"

enum {
    DEPTH_MAX = 250,           /* libxml2 itself refuses 256 */
    ATTRIBUTES_MAX = 4096,     /* libxml2 compares each attribute of an element with each other */
    LONG_TAG = 4096,           /* bytes; no shorter tag holds too many attributes */
    NAMES = 512,               /* slots of the name cache, a power of two */
    DICT_MAX = 4 * 1024 * 1024 /* bytes of names that libxml2 may keep from record to record */
};

/* libxml2 interns names: the same name is the same pointer, so its local part and hash, and within one record
 * its copy in the arena, are found again without looking at the text. */
struct known_name {
    const xmlChar *key;
    struct cw_slice local; /* part of key */
    uint32_t hash;
    uint64_t record; /* that copy belongs to */
    struct cw_slice copy;
};

struct frame {
    struct cw_node *node;
    struct cw_node **link; /* where the next child goes */
    size_t cap;            /* bytes that node->text may grow to in place */
    unsigned children;
    bool has_elements;
};

struct cw_xml_parser {
    struct cw_reader_limits limits;
    xmlParserCtxt *context;
    xmlSAXHandler sax;
    struct known_name names[NAMES];
    uint64_t record; /* counts */
    iconv_t converter;
    char encoding[CW_ENCODING_MAX]; /* of converter; "" = none is open */
    struct cw_buffer text;          /* the record in UTF-8, with a NUL behind it */
    /* The record being read: */
    struct cw_arena *arena;
    struct cw_error *err;
    bool failed;
    struct cw_node *root;
    unsigned depth;
    struct frame frames[DEPTH_MAX + 1]; /* frames[0] holds the root */
};

/* --- failures --- */

static void stop(struct cw_xml_parser *parser)
{
    parser->failed = true;
    xmlStopParser(parser->context);
}

static void fail_here(struct cw_xml_parser *parser, enum cw_code code, const char *what)
{
    const xmlParserInput *input = parser->context->input;
    cw_fail(parser->err, code, "line %d, column %d: %s", input->line, input->col, what);
    stop(parser);
}

static void fail_memory(struct cw_xml_parser *parser)
{
    if (parser->arena->limit != 0)
        cw_fail(parser->err, CW_LIMIT, "the records read at once need more than %zu bytes",
                parser->arena->limit);
    else
        cw_fail(parser->err, CW_NOMEM, "no memory for the tree of a record");
    stop(parser);
}

/* libxml2 has many names for a control character that should not be there ("CData section not finished"):
 * where there is one, it is what is wrong. False when there is none. */
static bool blame_control_character(struct cw_xml_parser *parser)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < parser->text.len; i++) {
        unsigned char c = (unsigned char)parser->text.data[i];
        if (!cw_xml_char(c)) {
            cw_fail(parser->err, CW_INVALID,
                    "line %zu, column %zu: not well-formed: a control character, 0x%02x, which no XML "
                    "document can hold",
                    line, column, c);
            return true;
        }
        column = c == '\n' ? 1 : column + 1;
        line += c == '\n';
    }
    return false;
}

/* libxml2 writes the error to the context before it calls this. */
static void on_error(void *arg, const char *format, ...)
{
    (void)format;
    struct cw_xml_parser *parser = arg;
    const xmlError *error = &parser->context->lastError;
    if (parser->failed || error->level < XML_ERR_ERROR)
        return;
    const char *message = error->message != NULL ? error->message : "";
    stop(parser);
    if (error->code != XML_ERR_NO_MEMORY && blame_control_character(parser))
        return;
    if (error->code == XML_ERR_TAG_NAME_MISMATCH) /* libxml2's text has a line that SAX1 does not know */
        cw_fail(parser->err, CW_INVALID, "line %d, column %d: not well-formed: <%s> is closed by </%s>",
                error->line, error->int2, error->str1, error->str2 != NULL ? error->str2 : "");
    else
        cw_fail(parser->err, error->code == XML_ERR_NO_MEMORY ? CW_NOMEM : CW_INVALID,
                "line %d, column %d: not well-formed: %.*s", error->line, error->int2,
                (int)strcspn(message, "\n"), message);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    struct cw_xml_parser *parser = arg;
    if (!parser->failed)
        fail_here(parser, CW_INVALID,
                  "document type declarations are refused, because entities can be bombs");
}

/* --- the tree --- */

static struct cw_node *add_node(struct cw_xml_parser *parser, enum cw_node_kind kind, const xmlChar *name)
{
    struct known_name *known = &parser->names[((uintptr_t)name >> 3 ^ (uintptr_t)name >> 12) % NAMES];
    struct cw_node *node = cw_arena_alloc(parser->arena, sizeof *node);
    if (node == NULL)
        return NULL;
    if (known->key != name) {
        struct cw_slice local = cw_xml_local_name(cw_slice((const char *)name));
        *known = (struct known_name){ .key = name, .local = local, .hash = cw_slice_hash(local) };
    }
    if (known->record != parser->record) {
        known->copy = cw_arena_copy(parser->arena, known->local);
        if (known->copy.data == NULL)
            return NULL;
        known->record = parser->record;
    }
    *node =
        (struct cw_node){ .kind = kind, .name = known->copy, .name_hash = known->hash, .text = { "", 0 } };
    return node;
}

static bool add_child(struct cw_xml_parser *parser, struct frame *frame, struct cw_node *child)
{
    if (child == NULL) {
        fail_memory(parser);
        return false;
    }
    if (++frame->children > parser->limits.children) {
        fail_here(parser, CW_LIMIT, "an element with more attributes or elements in it than the limit");
        return false;
    }
    *frame->link = child;
    frame->link = &child->next;
    return true;
}

static bool add_attributes(struct cw_xml_parser *parser, struct frame *frame, const xmlChar **attributes)
{
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
        struct cw_slice name = cw_slice((const char *)attributes[0]);
        struct cw_slice value = cw_slice((const char *)attributes[1]);
        if (cw_slice_is(name, "xmlns") || strncmp(name.data, "xmlns:", 6) == 0)
            continue;
        if (value.len > parser->limits.text_bytes) {
            fail_here(parser, CW_LIMIT, "an attribute that is longer than the limit");
            return false;
        }
        struct cw_node *node = add_node(parser, CW_NODE_ATTRIBUTE, attributes[0]);
        if (!add_child(parser, frame, node))
            return false;
        node->text = cw_arena_copy(parser->arena, value);
        if (node->text.data == NULL) {
            fail_memory(parser);
            return false;
        }
    }
    return true;
}

static bool is_blank(struct cw_slice text)
{
    return cw_slice_trim(text).len == 0;
}

/* White space between elements is layout, not text. */
static void drop_layout(struct frame *frame)
{
    if (!frame->has_elements && frame->node != NULL && is_blank(frame->node->text))
        frame->node->text.len = 0;
    frame->has_elements = true;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    struct cw_xml_parser *parser = arg;
    struct frame *outer = &parser->frames[parser->depth], *frame = outer + 1;
    if (parser->failed)
        return;
    if (parser->depth == parser->limits.depth) {
        fail_here(parser, CW_LIMIT, "elements are nested deeper than the limit");
        return;
    }
    struct cw_node *node = add_node(parser, CW_NODE_OBJECT, name);
    drop_layout(outer);
    if (!add_child(parser, outer, node))
        return;
    parser->depth++;
    *frame = (struct frame){ .node = node, .link = &node->first };
    add_attributes(parser, frame, attributes);
    frame->children = 0;
}

static void on_end(void *arg, const xmlChar *name)
{
    (void)name;
    struct cw_xml_parser *parser = arg;
    if (!parser->failed && parser->depth > 0)
        parser->depth--;
}

/* Room for `len` more bytes behind the text so far; it moves rarely, because it doubles. */
static char *grow_text(struct cw_xml_parser *parser, struct frame *frame, size_t len)
{
    struct cw_slice *text = &frame->node->text;
    if (text->len + len > frame->cap) {
        size_t cap = text->len == 0 ? len : 2 * (text->len + len);
        char *data = cw_arena_bytes(parser->arena, cap);
        if (data == NULL)
            return NULL;
        memcpy(data, text->data, text->len);
        text->data = data;
        frame->cap = cap;
    }
    return (char *)text->data + text->len;
}

static void on_text(void *arg, const xmlChar *data, int len)
{
    struct cw_xml_parser *parser = arg;
    struct frame *frame = &parser->frames[parser->depth];
    struct cw_slice run = { (const char *)data, (size_t)len };
    if (parser->failed || frame->node == NULL || len == 0)
        return;
    if (frame->has_elements && frame->node->text.len == 0 && is_blank(run))
        return;
    if (frame->node->text.len + run.len > parser->limits.text_bytes) {
        fail_here(parser, CW_LIMIT, "a text that is longer than the limit");
        return;
    }
    char *place = grow_text(parser, frame, run.len);
    if (place == NULL) {
        fail_memory(parser);
        return;
    }
    memcpy(place, run.data, run.len);
    frame->node->text.len += run.len;
}

/* --- what libxml2 is given --- */

static xmlParserInput *load_nothing(const char *url, const char *id, xmlParserCtxt *context)
{
    (void)url, (void)id, (void)context;
    return NULL;
}

static bool make_context(struct cw_xml_parser *parser)
{
    xmlFreeParserCtxt(parser->context);
    memset(parser->names, 0, sizeof parser->names);
    parser->context = xmlNewParserCtxt();
    return parser->context != NULL;
}

struct cw_xml_parser *cw_xml_parser_create(const struct cw_reader_limits *limits, struct cw_error *err)
{
    struct cw_xml_parser *parser = calloc(1, sizeof *parser);
    xmlInitParser();
    xmlSetExternalEntityLoader(load_nothing); /* process-wide: nothing here ever loads one */
    if (parser == NULL || !make_context(parser)) {
        cw_fail(err, CW_NOMEM, "no memory for a parser");
        cw_xml_parser_free(parser);
        return NULL;
    }
    parser->limits = *limits;
    if (parser->limits.depth > DEPTH_MAX)
        parser->limits.depth = DEPTH_MAX;
    parser->sax = (xmlSAXHandler){ .initialized = 1, /* SAX1 */
                                   .internalSubset = on_doctype,
                                   .startElement = on_start,
                                   .endElement = on_end,
                                   .characters = on_text,
                                   .ignorableWhitespace = on_text,
                                   .cdataBlock = on_text,
                                   .error = on_error };
    return parser;
}

static void close_converter(struct cw_xml_parser *parser)
{
    if (parser->encoding[0] != '\0')
        iconv_close(parser->converter);
    parser->encoding[0] = '\0';
}

void cw_xml_parser_free(struct cw_xml_parser *parser)
{
    if (parser == NULL)
        return;
    close_converter(parser);
    xmlFreeParserCtxt(parser->context);
    cw_buffer_fini(&parser->text);
    free(parser);
}

static bool open_converter(struct cw_xml_parser *parser, const char *encoding, struct cw_error *err)
{
    if (strcmp(parser->encoding, encoding) == 0)
        return iconv(parser->converter, NULL, NULL, NULL, NULL) == 0;
    close_converter(parser);
    if (strlen(encoding) < sizeof parser->encoding)
        parser->converter = iconv_open("UTF-8", encoding);
    if (strlen(encoding) >= sizeof parser->encoding || parser->converter == (iconv_t)-1)
        return cw_fail(err, CW_INVALID, "no conversion from \"%.40s\" to UTF-8", encoding);
    strcpy(parser->encoding, encoding);
    return true;
}

static bool convert(struct cw_xml_parser *parser, struct cw_slice bytes, const char *encoding,
                    struct cw_error *err)
{
    char *in = (char *)bytes.data;
    size_t left = bytes.len, room = bytes.len * 3; /* no character of one byte needs more than three */
    char *out = open_converter(parser, encoding, err) ? cw_buffer_reserve(&parser->text, room, err) : NULL;
    if (out == NULL)
        return false;
    char *start = out;
    if (iconv(parser->converter, &in, &left, &out, &room) == (size_t)-1)
        return cw_fail(err, CW_INVALID, "byte %zu of the record, 0x%02x, is no character of %s",
                       bytes.len - left, left > 0 ? (unsigned)(unsigned char)*in : 0u, encoding);
    parser->text.len = (size_t)(out - start);
    parser->text.data[parser->text.len] = '\0';
    return true;
}

static bool is_utf8(const char *encoding)
{
    return encoding == NULL || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
}

/* The record in parser->text, in UTF-8. */
static bool take_text(struct cw_xml_parser *parser, struct cw_slice bytes, const char *encoding,
                      struct cw_error *err)
{
    cw_buffer_clear(&parser->text);
    if (bytes.len > parser->limits.record_bytes)
        return cw_fail(err, CW_LIMIT, "the record has %zu bytes; the limit is %zu", bytes.len,
                       parser->limits.record_bytes);
    if (is_utf8(encoding)) {
        if (bytes.len >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0)
            bytes = (struct cw_slice){ bytes.data + 3, bytes.len - 3 };
        return cw_buffer_add(&parser->text, bytes.data, bytes.len, err);
    }
    return convert(parser, bytes, encoding, err);
}

/* No attribute is shorter than five bytes, blank included, and no tag holds a '<'. */
static bool check_attributes(struct cw_slice text, struct cw_error *err)
{
    const char *end = text.data + text.len;
    for (const char *p = text.data; (p = memchr(p, '<', (size_t)(end - p))) != NULL;) {
        p++;
        const char *next = memchr(p, '<', (size_t)(end - p));
        const char *stop_at = next != NULL ? next : end;
        unsigned count = 0;
        if (stop_at - p < LONG_TAG || *p == '!' || *p == '?')
            continue;
        for (char quote = '\0'; p < stop_at && (quote != '\0' || *p != '>'); p++) {
            count += quote == '\0' && *p == '=';
            if (quote == '\0' ? *p == '"' || *p == '\'' : *p == quote)
                quote = quote == '\0' ? *p : '\0';
        }
        if (count > ATTRIBUTES_MAX)
            return cw_fail(err, CW_LIMIT, "an element with more than %d attributes", ATTRIBUTES_MAX);
    }
    return true;
}

static bool check_text(struct cw_slice text, struct cw_error *err)
{
    struct cw_slice trimmed = cw_slice_trim(text);
    if (trimmed.len == 0 || trimmed.data[0] != '<')
        return cw_fail(err, CW_INVALID, "line 1, column 1: XML begins with a tag");
    if (memchr(text.data, '\0', text.len) != NULL)
        return cw_fail(err, CW_INVALID, "a NUL byte, which no XML document can hold");
    return check_attributes(text, err);
}

/* An input that borrows parser->text. */
static bool push_input(struct cw_xml_parser *parser)
{
    xmlParserInput *input = xmlNewInputStream(parser->context);
    if (input == NULL)
        return false;
    input->base = input->cur = (const xmlChar *)parser->text.data;
    input->end = input->base + parser->text.len;
    input->length = (int)parser->text.len;
    if (inputPush(parser->context, input) >= 0)
        return true;
    xmlFreeInputStream(input);
    return false;
}

static bool prepare(struct cw_xml_parser *parser)
{
    xmlParserCtxt *context = parser->context;
    if (xmlDictGetUsage(context->dict) > DICT_MAX && !make_context(parser))
        return false;
    context = parser->context;
    xmlCtxtReset(context);
    /* NOENT is harmless here: without a DOCTYPE and a getEntity function there are the five entities of XML
     * itself, and without it libxml2 writes an ampersand in an attribute as "&#38;". */
    xmlCtxtUseOptions(context,
                      XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT);
    *context->sax = parser->sax;
    context->userData = parser;
    parser->record++;
    parser->failed = false;
    parser->depth = 0;
    parser->root = NULL;
    parser->frames[0] = (struct frame){ .link = &parser->root };
    return push_input(parser);
}

const struct cw_node *cw_xml_parse(struct cw_xml_parser *parser, struct cw_slice bytes, const char *encoding,
                                   struct cw_arena *arena, struct cw_error *err)
{
    struct cw_error unused;
    parser->arena = arena;
    parser->err = err != NULL ? err : &unused;
    if (!take_text(parser, bytes, encoding, parser->err) ||
        !check_text(cw_buffer_slice(&parser->text), parser->err))
        return NULL;
    if (!prepare(parser)) {
        cw_fail(parser->err, CW_NOMEM, "no memory to parse a record");
        return NULL;
    }
    int answer = xmlParseDocument(parser->context);
    if (!parser->failed && (answer != 0 || parser->root == NULL)) {
        cw_fail(parser->err, CW_INVALID, "not well-formed");
        parser->failed = true;
    }
    return parser->failed ? NULL : parser->root;
}
