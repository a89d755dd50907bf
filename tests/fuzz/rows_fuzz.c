/* rows_fuzz.c - tables of text: the first byte says how they are read. Where records begin and end does not
 * depend on the window, each has its rows in it, and parsing one ends with a tree or with words. */
#include "adapters/reader.h"
#include "adapters/split.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char *const by_id[] = { "id" };

static const struct cw_rows ways[] = {
    { .groups = by_id, .group_count = 1 },
    { .groups = NULL },
    { .shape = { '\t', true }, .groups = by_id, .group_count = 1, .charset = "cp932" },
    { .groups = by_id, .group_count = 1, .footer = "record(s) downloaded", .charset = "windows-1252" },
    { .shape = { '|', false }, .heading_line = 2 },
};

static void check_tree(const struct cw_splitter *splitter, struct cw_slice rows)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_slice heading = cw_splitter_heading(splitter);
    struct cw_parser *parser = cw_parser_create_rows(cw_splitter_shape(splitter), NULL, &err);
    char *bytes = malloc(heading.len + rows.len); /* of exactly this size, so that reading past it shows */
    memcpy(bytes, heading.data, heading.len);
    memcpy(bytes + heading.len, rows.data, rows.len);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree = cw_parse(parser, (struct cw_slice){ bytes, heading.len + rows.len },
                                          cw_splitter_encoding(splitter), &arena, &err);
    MUST(tree != NULL || (err.code == CW_INVALID && strstr(err.text, "this row cannot be read") != NULL));
    MUST(tree == NULL || (tree->first != NULL && cw_slice_is(tree->first->name, "row")));
    free(bytes);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static uint64_t split_all(const struct cw_rows *rows, struct cw_slice document, size_t step)
{
    struct cw_error err = { 0 };
    struct cw_record record;
    enum cw_split answer;
    uint64_t mixed = 0, end = 0;
    struct cw_body *body = cw_body_borrow(document, &err);
    struct cw_splitter *splitter = cw_splitter_create_rows_stepped(rows, body, NULL, step, &err);
    MUST(splitter != NULL);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        MUST(record.offset >= end && record.bytes.len > 0);
        end = record.offset + record.bytes.len;
        MUST(end <= document.len);
        MUST(memcmp(record.bytes.data, document.data + record.offset, record.bytes.len) == 0);
        mixed = mixed * 31 + record.offset * 65537 + record.bytes.len;
        if (step == 0)
            check_tree(splitter, record.bytes);
    }
    MUST(answer == CW_SPLIT_END || (err.code != CW_OK && err.text[0] != '\0'));
    if (answer == CW_SPLIT_FAILED)
        mixed = mixed * 31 + cw_slice_hash(cw_slice(err.text));
    cw_splitter_free(splitter);
    cw_body_free(body);
    return mixed * 31 + answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = { 1, 2, 7, 64 };
    if (size == 0)
        return 0;
    struct cw_slice document = { (const char *)data + 1, size - 1 };
    const struct cw_rows *rows = &ways[data[0] % (sizeof ways / sizeof *ways)];
    uint64_t whole = split_all(rows, document, 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        MUST(split_all(rows, document, steps[i]) == whole);
    return 0;
}
