/* rows_parse.c - one record of a table of text to a tree: { row = [ { heading = text } ] }. */
#include "adapters/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct cw_rows_parser {
    struct cw_rows_shape shape;
    struct cw_reader_limits limits;
    struct cw_text_row row;
    struct cw_arena names_arena; /* of all headings so far: trees point into it */
    struct cw_slice heading;     /* the line whose names those are */
    struct cw_slice *names;
    uint32_t *hashes;
    size_t columns;
    /* The record being read: */
    uint64_t line; /* of the row in hand; counted in the table, or in the record where that is not known */
    bool in_table;
    struct cw_arena *arena;
    struct cw_error *err;
};

struct cw_rows_parser *cw_rows_parser_create(struct cw_rows_shape shape,
                                             const struct cw_reader_limits *limits, struct cw_error *err)
{
    struct cw_rows_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a parser");
        return NULL;
    }
    parser->shape = shape;
    parser->limits = *limits;
    return parser;
}

void cw_rows_parser_free(struct cw_rows_parser *parser)
{
    if (parser == NULL)
        return;
    cw_arena_fini(&parser->names_arena);
    free(parser);
}

static bool fail_row(struct cw_rows_parser *in, const char *words)
{
    return cw_fail(in->err, CW_INVALID, "line %" PRIu64 "%s: this row cannot be read: %s", in->line,
                   in->in_table ? "" : " of the record, whose headings are line 1", words);
}

static bool fail_memory(struct cw_rows_parser *in)
{
    if (in->arena->limit != 0)
        return cw_fail(in->err, CW_LIMIT, "the records read at once need more than %zu bytes",
                       in->arena->limit);
    return cw_fail(in->err, CW_NOMEM, "no memory for the tree of a record");
}

static uint64_t count_lines(struct cw_slice bytes)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.data[i] == '\n' ||
                 (bytes.data[i] == '\r' && (i + 1 == bytes.len || bytes.data[i + 1] != '\n'));
    return lines;
}

/* --- headings --- */

static size_t count_before(const struct cw_rows_parser *in, size_t i, struct cw_slice name)
{
    size_t count = 0;
    for (size_t k = 0; k < i; k++)
        count += cw_slice_equal(cw_row_key(in->row.fields[k], in->shape.plain), name);
    return count;
}

/* Of two columns alike the second is "NAME 2", the third "NAME 3". */
static bool keep_name(struct cw_rows_parser *in, size_t i)
{
    struct cw_slice name = cw_row_text(in->row.fields[i], in->shape.plain, &in->names_arena);
    size_t alike =
        name.data != NULL ? count_before(in, i, cw_row_key(in->row.fields[i], in->shape.plain)) : 0;
    char *copy = name.data != NULL ? cw_arena_bytes(&in->names_arena, name.len + 24) : NULL;
    if (copy == NULL)
        return fail_memory(in);
    memcpy(copy, name.data, name.len);
    size_t len = name.len;
    if (alike > 0 && len > 0)
        len += (size_t)snprintf(copy + len, 24, " %zu", alike + 1);
    in->names[i] = (struct cw_slice){ copy, len };
    in->hashes[i] = cw_slice_hash(in->names[i]);
    return true;
}

static bool read_headings(struct cw_rows_parser *in, struct cw_slice line)
{
    if (in->columns > 0 && cw_slice_equal(line, in->heading))
        return true;
    in->columns = 0;
    in->heading = cw_arena_copy(&in->names_arena, line);
    in->names = cw_arena_alloc(&in->names_arena, in->row.count * sizeof *in->names);
    in->hashes = cw_arena_alloc(&in->names_arena, in->row.count * sizeof *in->hashes);
    if (in->heading.data == NULL || in->names == NULL || in->hashes == NULL)
        return fail_memory(in);
    for (size_t i = 0; i < in->row.count; i++)
        if (!keep_name(in, i))
            return false;
    in->columns = in->row.count;
    return true;
}

/* --- rows --- */

static struct cw_node *add_node(struct cw_rows_parser *in, struct cw_node ***link, enum cw_node_kind kind)
{
    struct cw_node *node = cw_arena_alloc(in->arena, sizeof *node);
    if (node == NULL)
        return NULL;
    *node = (struct cw_node){
        .name = { "", 0 }, .text = { "", 0 }, .name_hash = cw_slice_hash(cw_slice("")), .kind = kind
    };
    **link = node;
    *link = &node->next;
    return node;
}

static bool refuse_shortened(struct cw_rows_parser *in, size_t i, struct cw_slice text)
{
    char words[256];
    snprintf(words, sizeof words,
             "%.*s has %.*s, which a spreadsheet has made of a longer number; its digits are lost: export "
             "the table "
             "again, and do not save it from a spreadsheet",
             (int)(in->names[i].len < 60 ? in->names[i].len : 60), in->names[i].data, CW_SLICE_ARG(text));
    return fail_row(in, words);
}

/* Fields without a text are left out. */
static bool read_field(struct cw_rows_parser *in, size_t i, struct cw_node ***link)
{
    struct cw_slice text = cw_row_text(in->row.fields[i], in->shape.plain, in->arena);
    if (text.data == NULL)
        return fail_memory(in);
    if (text.len == 0 || in->names[i].len == 0)
        return true;
    if (text.len > in->limits.text_bytes)
        return fail_row(in, "a text in it is longer than the limit");
    if (memchr(text.data, '\0', text.len) != NULL)
        return fail_row(in, "a zero byte stands in it");
    if (text.len < 40 && cw_row_is_shortened(text))
        return refuse_shortened(in, i, text);
    struct cw_node *node = add_node(in, link, CW_NODE_TEXT);
    if (node == NULL)
        return fail_memory(in);
    node->name = in->names[i];
    node->name_hash = in->hashes[i];
    node->text = text;
    return true;
}

static bool read_row(struct cw_rows_parser *in, struct cw_node ***rows)
{
    if (in->row.fault != NULL)
        return fail_row(in, in->row.fault);
    if (cw_row_is_blank(&in->row, in->shape.plain))
        return true;
    struct cw_node *row = add_node(in, rows, CW_NODE_OBJECT);
    if (row == NULL)
        return fail_memory(in);
    struct cw_node **fields = &row->first;
    for (size_t i = 0; i < in->row.count && i < in->columns; i++)
        if (!read_field(in, i, &fields))
            return false;
    return true;
}

static bool check_cut(struct cw_rows_parser *in, struct cw_slice row)
{
    char last = row.data[row.len - 1];
    if (in->row.count >= in->columns || last == '\n' || last == '\r')
        return true;
    return fail_row(
        in, "it has fewer fields than there are headings, and its line does not end: was the table cut off?");
}

static bool read_rows(struct cw_rows_parser *in, struct cw_slice bytes, struct cw_node ***rows)
{
    for (unsigned count = 0; bytes.len > 0; count++) {
        cw_row_scan(bytes, true, in->shape, &in->row);
        cw_row_check(bytes, in->columns, &in->row);
        struct cw_slice row = { bytes.data, in->row.len };
        if (count == in->limits.children)
            return fail_row(in, "the record has more rows than the limit");
        if (!read_row(in, rows) || !check_cut(in, row))
            return false;
        in->line += count_lines(row);
        bytes = (struct cw_slice){ bytes.data + row.len, bytes.len - row.len };
    }
    return true;
}

static struct cw_node *make_root(struct cw_rows_parser *in, struct cw_node ***rows)
{
    struct cw_node *root = NULL, **link = &root;
    if (add_node(in, &link, CW_NODE_OBJECT) == NULL)
        return NULL;
    link = &root->first;
    struct cw_node *list = add_node(in, &link, CW_NODE_ARRAY);
    if (list == NULL)
        return NULL;
    list->name = cw_slice("row");
    list->name_hash = cw_slice_hash(list->name);
    *rows = &list->first;
    return root;
}

/* Where a byte stands that is not of the charset. */
static bool fail_charset(struct cw_rows_parser *in, struct cw_slice bytes, size_t at, size_t heading)
{
    struct cw_error why = *in->err;
    size_t from = at > heading ? heading : 0;
    in->line += count_lines((struct cw_slice){ bytes.data + from, at - from });
    return fail_row(in, why.text);
}

const struct cw_node *cw_rows_parse(struct cw_rows_parser *in, struct cw_slice bytes, const char *encoding,
                                    uint64_t line, struct cw_arena *arena, struct cw_error *err)
{
    struct cw_error ignored;
    struct cw_slice text;
    struct cw_node **rows;
    size_t at = 0;
    in->arena = arena;
    in->err = err != NULL ? err : &ignored;
    in->in_table = line > 0;
    cw_row_scan(bytes, true, in->shape, &in->row);
    in->line = line > 0 ? line : 1 + count_lines((struct cw_slice){ bytes.data, in->row.len });
    if (!cw_charset_utf8(encoding, bytes, arena, &text, &at, in->err))
        return fail_charset(in, bytes, at, in->row.len), NULL;
    cw_row_scan(text, true, in->shape, &in->row);
    struct cw_slice heading = { text.data, in->row.len };
    struct cw_node *root = make_root(in, &rows);
    if (root == NULL)
        return fail_memory(in), NULL;
    if (!read_headings(in, heading) ||
        !read_rows(in, (struct cw_slice){ text.data + heading.len, text.len - heading.len }, &rows))
        return NULL;
    return root;
}
