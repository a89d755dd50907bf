/* records.c - see records.h: the records of an answer, their bytes, trees and ids. Where they come from is in
 * records_open.c, joining in records_join.c. */
#include <stdio.h>
#include <stdlib.h>

#include "bindings/records_private.h"

enum { PIECE_BYTES = 4096 };

void cw_records_free(struct cw_records *records)
{
    if (records == NULL || --records->users > 0)
        return;
    for (size_t i = 0; i < records->join_count; i++)
        cw_join_free(records->joins[i]);
    for (size_t i = 0; i < records->segment_count; i++)
        cw_records_free(records->segments[i].records);
    cw_parser_free(records->parser);
    cw_arena_fini(&records->trees);
    cw_id_path_drop(records->id);
    free((char *)records->heading.data);
    free((char *)records->given_id.data);
    free(records->cached);
    free(records->segments);
    free(records->joins);
    free(records->ranges);
    cw_body_free(records->body);
    free(records);
}

/* --- where a record is --- */

size_t cw_records_count(const struct cw_records *records)
{
    if (records->segment_count == 0)
        return records->own_count;
    const struct segment *last = &records->segments[records->segment_count - 1];
    return last->first + last->count;
}

enum cw_format cw_records_format(const struct cw_records *records)
{
    return records->format;
}

const char *cw_records_encoding(const struct cw_records *records)
{
    return records->encoding;
}

const char *cw_records_kept_as(const struct cw_records *records)
{
    return records->kept_as;
}

const struct segment *cw_records_segment(const struct cw_records *records, size_t i)
{
    size_t low = 0, high = records->segment_count;
    if (i < records->own_count)
        return NULL;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (records->segments[middle].first <= i)
            low = middle;
        else
            high = middle;
    }
    return &records->segments[low];
}

struct cw_records *cw_records_home(struct cw_records *records, size_t *i)
{
    const struct segment *segment;
    while ((segment = cw_records_segment(records, *i)) != NULL) {
        *i -= segment->first;
        records = segment->records;
    }
    return records;
}

bool cw_records_bytes(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice *bytes,
                      struct cw_error *err)
{
    struct cw_records *home = cw_records_home(records, &i);
    const struct range *range = &home->ranges[i];
    struct cw_slice memory = cw_body_memory(home->body);
    size_t above = home->heading.len;
    bytes->len = above + range->len;
    if (memory.data != NULL && above == 0) {
        bytes->data = memory.data + range->offset;
        return true;
    }
    char *copy = cw_arena_bytes(arena, bytes->len);
    if (copy == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a record of %zu bytes", bytes->len);
    bytes->data = copy;
    if (above > 0)
        memcpy(copy, home->heading.data, above);
    return cw_body_read(home->body, range->offset, copy + above, range->len, err);
}

/* --- trees --- */

/* The line of the table in which the bytes from `offset` on begin; counted on from the last time. */
static uint64_t line_at(struct cw_records *home, uint64_t offset)
{
    char piece[PIECE_BYTES];
    if (offset < home->counted)
        home->counted = home->lines = 0;
    while (home->counted < offset) {
        uint64_t left = offset - home->counted;
        size_t len = left < sizeof piece ? (size_t)left : sizeof piece;
        if (!cw_body_read(home->body, home->counted, piece, len, NULL))
            return 0;
        for (size_t i = 0; i < len; i++)
            home->lines += piece[i] == '\n' || (piece[i] == '\r' && (i + 1 == len || piece[i + 1] != '\n'));
        home->counted += len;
    }
    return home->lines + 1;
}

/* A row that cannot be read is read again, to say in which line of its table it is. */
static bool find_line(struct cw_records *home, size_t i)
{
    if (home->format != CW_ROWS || home->heading.len == 0)
        return false;
    cw_parser_at_line(home->parser, line_at(home, home->ranges[i].offset));
    return true;
}

static const struct cw_node *parse(struct cw_records *home, size_t i, struct cw_slice bytes,
                                   struct cw_arena *arena, struct cw_error *err)
{
    if (home->parser == NULL)
        home->parser = home->format == CW_ROWS ? cw_parser_create_rows(home->shape, NULL, err)
                                               : cw_parser_create(home->format, NULL, err);
    if (home->parser == NULL)
        return NULL;
    const struct cw_node *tree = cw_parse(home->parser, bytes, home->encoding, arena, err);
    if (tree != NULL || err == NULL || err->code != CW_INVALID || !find_line(home, i))
        return tree;
    tree = cw_parse(home->parser, bytes, home->encoding, arena, err);
    cw_parser_at_line(home->parser, 0);
    return tree;
}

/* A tree costs several times its bytes; what is likely to overflow the cache is not even tried. */
static bool has_room(struct cw_records *home, size_t len)
{
    enum { TREE_PER_BYTE = 4 };
    if (home->cached == NULL)
        home->cached = calloc(home->own_count, sizeof *home->cached);
    return home->cached != NULL && len < (CW_RECORDS_TREES_MAX - home->trees.used) / TREE_PER_BYTE;
}

/* The tree of record `i` of `home`, kept there while there is room, so that the mapping finds it again. */
static const struct cw_node *keep_tree(struct cw_records *home, size_t i, struct cw_error *err)
{
    struct cw_slice bytes;
    if (!has_room(home, home->ranges[i].len) || !cw_records_bytes(home, i, &home->trees, &bytes, err))
        return NULL;
    home->cached[i] = parse(home, i, bytes, &home->trees, err);
    return home->cached[i];
}

const struct cw_node *cw_records_tree(struct cw_records *records, size_t i, struct cw_arena *arena,
                                      struct cw_slice bytes, struct cw_error *err)
{
    struct cw_records *home = cw_records_home(records, &i);
    if (home->cached != NULL && home->cached[i] != NULL)
        return home->cached[i];
    if (bytes.data == NULL && !cw_records_bytes(home, i, arena, &bytes, err))
        return NULL;
    return parse(home, i, bytes, arena, err);
}

const struct cw_node *cw_records_kept_tree(struct cw_records *records, size_t i, struct cw_arena *arena,
                                           struct cw_error *err)
{
    size_t at = i;
    struct cw_records *home = cw_records_home(records, &at);
    if (home->cached != NULL && home->cached[at] != NULL)
        return home->cached[at];
    const struct cw_node *tree = keep_tree(home, at, err);
    return tree != NULL ? tree : cw_records_tree(records, i, arena, (struct cw_slice){ NULL, 0 }, err);
}

bool cw_records_scope(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice bytes,
                      struct cw_scope *scope, struct cw_error *err)
{
    *scope = (struct cw_scope){ .record = cw_records_tree(records, i, arena, bytes, err), .bytes = bytes };
    return scope->record != NULL && cw_records_add_parts(records, i, arena, scope, err);
}

bool cw_records_kept_scope(struct cw_records *records, size_t i, struct cw_arena *arena,
                           struct cw_scope *scope, struct cw_error *err)
{
    *scope = (struct cw_scope){ .record = cw_records_kept_tree(records, i, arena, err) };
    return scope->record != NULL && cw_records_add_parts(records, i, arena, scope, err);
}

/* --- ids --- */

static bool damaged_id(struct cw_slice bytes, struct cw_arena *arena, struct cw_slice *id,
                       struct cw_error *err)
{
    char hex[CW_HASH_TEXT_MAX], text[32];
    struct cw_hash hash = cw_hash_of(bytes);
    cw_hash_hex(&hash, hex);
    snprintf(text, sizeof text, "damaged:%.16s", hex);
    *id = cw_arena_copy(arena, cw_slice(text));
    return id->data != NULL || cw_fail(err, CW_NOMEM, "no memory for an id");
}

static bool lenient_id(struct cw_records *home, size_t i, struct cw_arena *arena, struct cw_slice *id,
                       struct cw_error *err)
{
    struct cw_slice bytes, found;
    if (!cw_records_bytes(home, i, arena, &bytes, err))
        return false;
    struct cw_slice path = cw_path_text(home->id->path);
    if (home->format == CW_ROWS ? !cw_lenient_find_in_rows(home->shape, bytes, path, &found)
                                : !cw_lenient_find(home->format, bytes, path, &found))
        return damaged_id(bytes, arena, id, err);
    *id = cw_arena_copy(arena, found);
    return id->data != NULL || cw_fail(err, CW_NOMEM, "no memory for an id");
}

bool cw_records_id(struct cw_records *records, size_t i, const struct cw_scope *scope, struct cw_arena *arena,
                   struct cw_slice *id, struct cw_error *err)
{
    struct cw_records *home = cw_records_home(records, &i);
    if (home->given_id.len > 0) {
        *id = cw_arena_copy(arena, home->given_id);
        return id->data != NULL || cw_fail(err, CW_NOMEM, "no memory for an id");
    }
    if (scope == NULL)
        return lenient_id(home, i, arena, id, err);
    const struct cw_node *node = cw_path_first(home->id->path, scope);
    struct cw_slice text = node != NULL ? cw_slice_trim(node->text) : (struct cw_slice){ NULL, 0 };
    struct cw_slice path = cw_path_text(home->id->path);
    if (text.len == 0)
        return cw_fail(err, CW_INVALID, "there is no id at %.*s; name the right path in the stream's id",
                       CW_SLICE_ARG(path));
    if (text.len > CW_RECORD_ID_MAX)
        return cw_fail(err, CW_INVALID,
                       "the id at %.*s has %zu bytes, and an id at most %d; name the right path in the "
                       "stream's id",
                       CW_SLICE_ARG(path), text.len, CW_RECORD_ID_MAX);
    *id = cw_arena_copy(arena, text);
    return id->data != NULL || cw_fail(err, CW_NOMEM, "no memory for an id");
}

bool cw_records_any_id(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice *id,
                       struct cw_error *err)
{
    struct cw_scope scope = { .record = cw_records_kept_tree(records, i, arena, NULL) };
    return (scope.record != NULL && cw_records_id(records, i, &scope, arena, id, NULL)) ||
           cw_records_id(records, i, NULL, arena, id, err);
}

bool cw_records_fingerprint(struct cw_records *records, struct cw_hash *out, struct cw_error *err)
{
    struct cw_hasher hasher;
    struct cw_arena arena;
    struct cw_slice id;
    bool ok = true;
    cw_arena_init(&arena, 0);
    cw_hasher_init(&hasher);
    for (size_t i = 0; ok && i < cw_records_count(records); i++) {
        ok = cw_records_any_id(records, i, &arena, &id, err);
        if (ok)
            cw_hasher_add(&hasher, id);
        cw_arena_reset(&arena);
    }
    if (ok)
        *out = cw_hasher_end(&hasher);
    cw_arena_fini(&arena);
    return ok;
}

void cw_records_tell_stored(const struct cw_records *records)
{
    if (records->body != NULL)
        cw_body_tell_stored(records->body);
    for (size_t i = 0; i < records->segment_count; i++)
        cw_records_tell_stored(records->segments[i].records);
}
