/* reader.c - see reader.h: record paths, defaults, and which of the formats answers. */
#include "adapters/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/split.h"

const struct cw_reader_limits cw_reader_defaults = {
    .record_bytes = 16 * 1024 * 1024,
    .text_bytes = 8 * 1024 * 1024,
    .depth = 100,
    .children = 100000,
};

struct cw_splitter {
    enum cw_format format;
    struct cw_split_path path;
    struct cw_error failure; /* CW_OK = none yet; what failed once fails again the same way */
    union {
        struct cw_xml_split xml;
        struct cw_json_split json;
        struct cw_rows_split rows;
    };
};

struct cw_parser {
    enum cw_format format;
    struct cw_xml_parser *xml;
    struct cw_json_parser *json;
    struct cw_rows_parser *rows;
    uint64_t line;
};

const char *cw_format_name(enum cw_format format)
{
    static const char *const names[] = {
        [CW_XML] = "xml", [CW_JSON] = "json", [CW_ROWS] = "rows", [CW_BYTES] = "bytes"
    };
    return names[format];
}

static bool xml_part_is_fit(struct cw_slice part)
{
    for (size_t i = 0; i < part.len; i++)
        if (strchr(" \t\r\n<>&[]@*'\"=", part.data[i]) != NULL)
            return false;
    return true;
}

static bool part_is_fit(enum cw_format format, struct cw_slice part, bool last)
{
    if (part.len == 0 || cw_slice_is(part, "."))
        return false;
    if (format == CW_XML)
        return xml_part_is_fit(part);
    return last || !cw_slice_is(part, "*");
}

static bool read_path(struct cw_split_path *path, enum cw_format format, const char *text,
                      struct cw_error *err)
{
    path->count = 0;
    if (strcmp(text, ".") == 0)
        return true;
    if (strlen(text) >= sizeof path->text)
        return cw_fail(err, CW_USAGE, "the record path is longer than %zu bytes", sizeof path->text - 1);
    strcpy(path->text, text);
    for (const char *p = path->text; p != NULL;) {
        const char *slash = strchr(p, '/');
        struct cw_slice part = { p, slash != NULL ? (size_t)(slash - p) : strlen(p) };
        if (path->count == CW_PATH_NAMES_MAX)
            return cw_fail(err, CW_USAGE, "the record path %s has more than %d parts", text,
                           CW_PATH_NAMES_MAX);
        if (!part_is_fit(format, part, slash == NULL))
            return cw_fail(err, CW_USAGE,
                           "\"%s\" is not a record path; write names from the root down, such as %s", text,
                           format == CW_XML ? "orders/order" : "data/orders");
        path->names[path->count++] = part;
        p = slash != NULL ? slash + 1 : NULL;
    }
    return true;
}

struct cw_splitter *cw_splitter_create_stepped(enum cw_format format, struct cw_body *body, const char *path,
                                               const struct cw_reader_limits *limits, size_t step,
                                               struct cw_error *err)
{
    struct cw_splitter *splitter = calloc(1, sizeof *splitter);
    if (splitter == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a splitter");
        return NULL;
    }
    if (!read_path(&splitter->path, format, path, err)) {
        free(splitter);
        return NULL;
    }
    splitter->format = format;
    limits = limits != NULL ? limits : &cw_reader_defaults;
    if (format == CW_XML)
        cw_xml_split_init(&splitter->xml, body, &splitter->path, limits, step);
    else
        cw_json_split_init(&splitter->json, body, &splitter->path, limits, step);
    return splitter;
}

struct cw_splitter *cw_splitter_create(enum cw_format format, struct cw_body *body, const char *path,
                                       const struct cw_reader_limits *limits, struct cw_error *err)
{
    return cw_splitter_create_stepped(format, body, path, limits, 0, err);
}

struct cw_splitter *cw_splitter_create_rows_stepped(const struct cw_rows *rows, struct cw_body *body,
                                                    const struct cw_reader_limits *limits, size_t step,
                                                    struct cw_error *err)
{
    struct cw_splitter *splitter = calloc(1, sizeof *splitter);
    if (splitter == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a splitter");
        return NULL;
    }
    splitter->format = CW_ROWS;
    limits = limits != NULL ? limits : &cw_reader_defaults;
    if (cw_rows_split_init(&splitter->rows, body, rows, limits, step, err))
        return splitter;
    cw_splitter_free(splitter);
    return NULL;
}

struct cw_splitter *cw_splitter_create_rows(const struct cw_rows *rows, struct cw_body *body,
                                            const struct cw_reader_limits *limits, struct cw_error *err)
{
    return cw_splitter_create_rows_stepped(rows, body, limits, 0, err);
}

struct cw_slice cw_splitter_heading(const struct cw_splitter *splitter)
{
    return cw_buffer_slice(&splitter->rows.heading);
}

struct cw_rows_shape cw_splitter_shape(const struct cw_splitter *splitter)
{
    return splitter->rows.shape;
}

static struct cw_window *window_of(struct cw_splitter *splitter)
{
    return splitter->format == CW_XML    ? &splitter->xml.window
           : splitter->format == CW_JSON ? &splitter->json.window
                                         : &splitter->rows.window;
}

static enum cw_split split_next(struct cw_splitter *splitter, struct cw_record *record)
{
    if (splitter->format == CW_XML)
        return cw_xml_split_next(&splitter->xml, record);
    return splitter->format == CW_JSON ? cw_json_split_next(&splitter->json, record)
                                       : cw_rows_split_next(&splitter->rows, record);
}

void cw_splitter_free(struct cw_splitter *splitter)
{
    if (splitter == NULL)
        return;
    cw_window_fini(window_of(splitter));
    if (splitter->format == CW_ROWS)
        cw_rows_split_fini(&splitter->rows);
    free(splitter);
}

enum cw_split cw_splitter_next(struct cw_splitter *splitter, struct cw_record *record, struct cw_error *err)
{
    struct cw_window *window = window_of(splitter);
    enum cw_split answer = CW_SPLIT_FAILED;
    if (!window->failed) {
        window->err = &splitter->failure;
        window->mark = CW_WINDOW_NO_MARK;
        answer = split_next(splitter, record);
    }
    if (answer == CW_SPLIT_FAILED && err != NULL)
        *err = splitter->failure;
    return answer;
}

const char *cw_splitter_encoding(const struct cw_splitter *splitter)
{
    if (splitter->format == CW_ROWS)
        return splitter->rows.encoding;
    return splitter->format == CW_XML ? splitter->xml.encoding : "UTF-8";
}

struct cw_parser *cw_parser_create(enum cw_format format, const struct cw_reader_limits *limits,
                                   struct cw_error *err)
{
    struct cw_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a parser");
        return NULL;
    }
    parser->format = format;
    limits = limits != NULL ? limits : &cw_reader_defaults;
    if (format == CW_XML)
        parser->xml = cw_xml_parser_create(limits, err);
    else if (format == CW_JSON)
        parser->json = cw_json_parser_create(limits, err);
    if (format == CW_BYTES || parser->xml != NULL || parser->json != NULL)
        return parser;
    cw_parser_free(parser);
    return NULL;
}

struct cw_parser *cw_parser_create_rows(struct cw_rows_shape shape, const struct cw_reader_limits *limits,
                                        struct cw_error *err)
{
    struct cw_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a parser");
        return NULL;
    }
    parser->format = CW_ROWS;
    parser->rows = cw_rows_parser_create(shape, limits != NULL ? limits : &cw_reader_defaults, err);
    if (parser->rows != NULL)
        return parser;
    free(parser);
    return NULL;
}

void cw_parser_at_line(struct cw_parser *parser, uint64_t line)
{
    parser->line = line;
}

void cw_parser_free(struct cw_parser *parser)
{
    if (parser == NULL)
        return;
    cw_xml_parser_free(parser->xml);
    cw_json_parser_free(parser->json);
    cw_rows_parser_free(parser->rows);
    free(parser);
}

static const struct cw_node *make_empty(struct cw_arena *arena, struct cw_error *err)
{
    struct cw_node *node = cw_arena_alloc(arena, sizeof *node);
    if (node == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a record");
        return NULL;
    }
    *node = (struct cw_node){ .name = { "", 0 }, .text = { "", 0 }, .kind = CW_NODE_OBJECT };
    return node;
}

const struct cw_node *cw_parse(struct cw_parser *parser, struct cw_slice bytes, const char *encoding,
                               struct cw_arena *arena, struct cw_error *err)
{
    if (parser->format == CW_XML)
        return cw_xml_parse(parser->xml, bytes, encoding, arena, err);
    if (parser->format == CW_ROWS)
        return cw_rows_parse(parser->rows, bytes, encoding, parser->line, arena, err);
    return parser->format == CW_BYTES ? make_empty(arena, err)
                                      : cw_json_parse(parser->json, bytes, arena, err);
}
