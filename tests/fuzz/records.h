/* records.h - what the two fuzz targets of the readers have in common: split a document, parse each record,
 * write it and read that again. Whatever breaks a promise aborts. */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include <string.h>

#include "adapters/reader.h"
#include "adapters/split.h"
#include "adapters/writer.h"
#include "fuzz.h"

static bool same_tree(const struct cw_node *a, const struct cw_node *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (a->kind != b->kind || !cw_slice_equal(a->name, b->name) || !cw_slice_equal(a->text, b->text) ||
            a->name_hash != b->name_hash || !same_tree(a->first, b->first))
            return false;
    return a == b;
}

/* A tree that was read can be written, and reads the same. The only tree that cannot: two attributes whose
 * names differ in their prefix alone. */
static void check_round_trip(enum cw_format format, struct cw_parser *parser, const struct cw_node *tree,
                             unsigned indent, struct cw_arena *arena)
{
    struct cw_error err = { 0 };
    struct cw_buffer out = { 0 };
    bool ok =
        format == CW_XML ? cw_xml_write(&out, tree, indent, &err) : cw_json_write(&out, tree, indent, &err);
    if (ok) {
        const struct cw_node *again = cw_parse(parser, cw_buffer_slice(&out), "UTF-8", arena, &err);
        MUST(again != NULL || err.code == CW_LIMIT);
        MUST(again == NULL || same_tree(tree, again));
    } else {
        MUST(strstr(err.text, "comes twice") != NULL);
    }
    cw_buffer_fini(&out);
}

static void check_record(enum cw_format format, struct cw_slice bytes, const char *encoding)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(format, NULL, &err);
    cw_arena_init(&arena, 0);
    char *copy = malloc(bytes.len); /* of exactly this size, so that reading past it shows */
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    const struct cw_node *tree =
        cw_parse(parser, (struct cw_slice){ copy, bytes.len }, encoding, &arena, &err);
    MUST(tree != NULL || (err.code != CW_OK && err.text[0] != '\0'));
    if (tree != NULL) {
        check_round_trip(format, parser, tree, 0, &arena);
        check_round_trip(format, parser, tree, 3, &arena);
    }
    free(copy);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

/* The n-th answer and its range, mixed into one number: the same for every window. */
static uint64_t split_all(enum cw_format format, struct cw_slice document, const char *path, size_t step,
                          bool parse)
{
    struct cw_reader_limits limits = cw_reader_defaults;
    struct cw_error err = { 0 };
    struct cw_record record;
    enum cw_split answer;
    uint64_t mixed = 0, end = 0;
    limits.record_bytes = 512;
    struct cw_body *body = cw_body_borrow(document, &err);
    struct cw_splitter *splitter = cw_splitter_create_stepped(format, body, path, &limits, step, &err);
    MUST(splitter != NULL);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        MUST(record.offset >= end && record.bytes.len > 0);
        end = record.offset + record.bytes.len;
        MUST(end <= document.len && record.bytes.len <= limits.record_bytes);
        MUST(memcmp(record.bytes.data, document.data + record.offset, record.bytes.len) == 0);
        mixed = mixed * 31 + record.offset * 65537 + record.bytes.len;
        if (parse)
            check_record(format, record.bytes, cw_splitter_encoding(splitter));
    }
    MUST(answer == CW_SPLIT_END || (err.code != CW_OK && err.text[0] != '\0'));
    if (answer == CW_SPLIT_FAILED)
        mixed = mixed * 31 + cw_slice_hash(cw_slice(err.text));
    cw_splitter_free(splitter);
    cw_body_free(body);
    return mixed * 31 + answer;
}

static void check_document(enum cw_format format, struct cw_slice document, const char *path)
{
    uint64_t whole = split_all(format, document, path, 0, true);
    MUST(split_all(format, document, path, 1, false) == whole);
    MUST(split_all(format, document, path, 7, false) == whole);
    MUST(split_all(format, document, path, 100, false) == whole);
}

#endif
