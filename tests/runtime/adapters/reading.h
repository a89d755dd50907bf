/* reading.h - for the tests of splitters and parsers: a document under windows of every size, a record as a
 * line of text that shows its whole tree. */
#ifndef TEST_READING_H
#define TEST_READING_H

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/reader.h"
#include "adapters/split.h"

/* What splitting gave, as text: each record in [brackets] behind its offset, then END or the error's text. */
static inline void split_to_text(enum cw_format format, struct cw_slice document, const char *path,
                                 const struct cw_reader_limits *limits, size_t step, struct cw_buffer *out)
{
    struct cw_error err = { 0 };
    struct cw_record record;
    enum cw_split answer;
    struct cw_body *body = cw_body_borrow(document, &err);
    struct cw_splitter *splitter = cw_splitter_create_stepped(format, body, path, limits, step, &err);
    if (splitter == NULL)
        fail_msg("%s", err.text);
    cw_buffer_clear(out);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD) {
        assert_true(record.offset + record.bytes.len <= document.len);
        assert_memory_equal(record.bytes.data, document.data + record.offset, record.bytes.len);
        cw_buffer_print(out, NULL, "%u[", (unsigned)record.offset);
        cw_buffer_add(out, record.bytes.data, record.bytes.len, NULL);
        cw_buffer_add(out, "]", 1, NULL);
    }
    if (answer == CW_SPLIT_END)
        cw_buffer_print(out, NULL, "END");
    else
        cw_buffer_print(out, NULL, "%s: %s", cw_code_name(err.code), err.text);
    assert_int_equal(cw_splitter_next(splitter, &record, NULL), answer); /* the last answer stays */
    cw_splitter_free(splitter);
    cw_body_free(body);
}

/* The same under every window, which must not matter; `out` has the answer. */
static inline void split_under_all_windows(enum cw_format format, struct cw_slice document, const char *path,
                                           const struct cw_reader_limits *limits, struct cw_buffer *out)
{
    struct cw_buffer other = { 0 };
    size_t last = document.len < 300 ? document.len + 1 : 300;
    split_to_text(format, document, path, limits, 0, out);
    for (size_t step = 1; step <= last; step++) {
        split_to_text(format, document, path, limits, step, &other);
        if (!cw_slice_equal(cw_buffer_slice(out), cw_buffer_slice(&other)))
            fail_msg("windows of %zu bytes: %s\nwhole: %s", step, other.data, out->data);
    }
    cw_buffer_fini(&other);
}

/* Splits `text` and compares the records, in brackets: "[<a/>][<b/>]END". */
static inline void assert_split(enum cw_format format, const char *path, const char *text,
                                const char *expected)
{
    struct cw_error err = { 0 };
    struct cw_record record;
    struct cw_buffer out = { 0 };
    enum cw_split answer;
    split_under_all_windows(format, cw_slice(text), path, NULL, &out);
    cw_buffer_clear(&out);
    struct cw_body *body = cw_body_borrow(cw_slice(text), &err);
    struct cw_splitter *splitter = cw_splitter_create(format, body, path, NULL, &err);
    while ((answer = cw_splitter_next(splitter, &record, &err)) == CW_SPLIT_RECORD)
        cw_buffer_print(&out, NULL, "[%.*s]", CW_SLICE_ARG(record.bytes));
    cw_buffer_print(&out, NULL, "%s", answer == CW_SPLIT_END ? "END" : err.text);
    assert_string_equal(out.data, expected);
    cw_splitter_free(splitter);
    cw_body_free(body);
    cw_buffer_fini(&out);
}

/* Splitting fails, the same under all windows, and says `needle`. */
static inline void assert_split_fails(enum cw_format format, const char *path, struct cw_slice document,
                                      const char *code, const char *needle)
{
    struct cw_buffer out = { 0 };
    split_under_all_windows(format, document, path, NULL, &out);
    if (strstr(out.data, needle) == NULL || strstr(out.data, code) == NULL)
        fail_msg("expected %s, %s, got: %s", code, needle, out.data);
    cw_buffer_fini(&out);
}

/* --- trees --- */

/* name, kind and text, children in parentheses: order{id="1" line{}}. Kinds: {} object, [] array, "" text,
 * #number, true, null, @attribute. */
static inline void show_node(struct cw_buffer *out, const struct cw_node *node)
{
    static const char *const open[] = { "{", "[", "\"", "#", "!", "~", "\"" };
    static const char *const close[] = { "}", "]", "\"", "", "", "", "\"" };
    assert_int_equal(node->name_hash, cw_slice_hash(node->name));
    assert_non_null(node->text.data);
    cw_buffer_print(out, NULL, "%s%.*s%s%.*s", node->kind == CW_NODE_ATTRIBUTE ? "@" : "",
                    CW_SLICE_ARG(node->name), open[node->kind], CW_SLICE_ARG(node->text));
    for (const struct cw_node *child = node->first; child != NULL; child = child->next) {
        cw_buffer_print(out, NULL, child == node->first && node->text.len == 0 ? "" : " ");
        show_node(out, child);
    }
    cw_buffer_print(out, NULL, "%s", close[node->kind]);
}

static inline void assert_tree(enum cw_format format, const char *encoding, const char *text,
                               const char *expected)
{
    struct cw_error err;
    struct cw_arena arena;
    struct cw_buffer out = { 0 };
    struct cw_parser *parser = cw_parser_create(format, NULL, &err);
    cw_arena_init(&arena, 0);
    /* a copy without a terminator: reading past the end shows under the sanitizer */
    char *bytes = malloc(strlen(text));
    memcpy(bytes, text, strlen(text));
    const struct cw_node *tree =
        cw_parse(parser, (struct cw_slice){ bytes, strlen(text) }, encoding, &arena, &err);
    if (tree == NULL)
        fail_msg("%s: %s", text, err.text);
    show_node(&out, tree);
    assert_string_equal(out.data, expected);
    free(bytes);
    cw_buffer_fini(&out);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

/* The parser refuses `bytes` and says `needle`. */
static inline void assert_refused(enum cw_format format, const struct cw_reader_limits *limits,
                                  const char *encoding, struct cw_slice bytes, enum cw_code code,
                                  const char *needle)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(format, limits, &err);
    cw_arena_init(&arena, 0);
    char *copy = malloc(bytes.len + 1);
    memcpy(copy, bytes.data, bytes.len);
    const struct cw_node *tree =
        cw_parse(parser, (struct cw_slice){ copy, bytes.len }, encoding, &arena, &err);
    if (tree != NULL)
        fail_msg("accepted: %.*s", bytes.len < 80 ? (int)bytes.len : 80, bytes.data);
    if (strstr(err.text, needle) == NULL)
        fail_msg("expected \"%s\", got: %s", needle, err.text);
    assert_string_equal(cw_code_name(err.code), cw_code_name(code));
    free(copy);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

/* "piece" `times` times between two others. */
static inline struct cw_buffer repeated(const char *before, const char *piece, size_t times,
                                        const char *after)
{
    struct cw_buffer out = { 0 };
    cw_buffer_print(&out, NULL, "%s", before);
    for (size_t i = 0; i < times; i++)
        cw_buffer_add(&out, piece, strlen(piece), NULL);
    cw_buffer_print(&out, NULL, "%s", after);
    return out;
}

#endif
