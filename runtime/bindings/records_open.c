/* records_open.c - where records come from: the body of an answer, a table of text, a whole body, the store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "bindings/records_private.h"

enum { QUOTE_MAX = 120, SNIFF_BYTES = 4096 };

/* --- opening --- */

/* Offset of the first byte that is no white space or byte-order mark; the size when there is none. */
static bool find_start(struct cw_body *body, uint64_t *start, char *first, struct cw_error *err)
{
    char piece[SNIFF_BYTES];
    uint64_t size = cw_body_size(body);
    for (uint64_t at = 0; at < size;) {
        size_t len = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
        if (!cw_body_read(body, at, piece, len, err))
            return false;
        size_t skip = at == 0 && len >= 3 && memcmp(piece, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        for (; skip < len && memchr(" \t\r\n", piece[skip], 4) != NULL; skip++)
            ;
        at += skip;
        if (skip < len) {
            *start = at;
            *first = piece[skip];
            return true;
        }
    }
    *start = size;
    return true;
}

void cw_records_quote(struct cw_body *body, char out[CW_RECORDS_QUOTE_MAX])
{
    char bytes[QUOTE_MAX], first;
    uint64_t start = 0;
    size_t len = 0, at = 0;
    if (find_start(body, &start, &first, NULL))
        len = cw_body_size(body) - start < sizeof bytes ? (size_t)(cw_body_size(body) - start) : sizeof bytes;
    if (!cw_body_read(body, start, bytes, len, NULL))
        len = 0;
    if (len == sizeof bytes)
        len = cw_secret_uncut((struct cw_slice){ bytes, len });
    len = cw_redact(bytes, len, sizeof bytes); /* now: written as below nothing would find a secret */
    for (size_t i = 0; i < len && bytes[i] != '\n' && bytes[i] != '\r'; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
        at += (size_t)snprintf(out + at, CW_RECORDS_QUOTE_MAX - at, plain ? "%c" : "\\x%02x", c);
    }
    out[at] = '\0';
}

static bool find_format(struct cw_body *body, enum cw_format *format, struct cw_error *err)
{
    uint64_t start = 0;
    char first = '\0', quote[CW_RECORDS_QUOTE_MAX];
    if (!find_start(body, &start, &first, err))
        return false;
    if (start == cw_body_size(body))
        return cw_fail(err, CW_INVALID, "the body is empty (%llu bytes), so it is no list of records",
                       (unsigned long long)start);
    *format = first == '<' ? CW_XML : CW_JSON;
    if (first == '<' || first == '{' || first == '[')
        return true;
    cw_records_quote(body, quote);
    return cw_fail(err, CW_INVALID, "the body is neither XML nor JSON; it begins: \"%s\"", quote);
}

static bool add_range(struct cw_records *records, const struct cw_record *record, struct cw_error *err)
{
    if (record->offset >> RANGE_OFFSET_BITS != 0 || record->bytes.len >> RANGE_LEN_BITS != 0)
        return cw_fail(err, CW_LIMIT,
                       "a record of %zu bytes at byte %llu; records up to %d MiB in files up to %d GiB "
                       "can be read",
                       record->bytes.len, (unsigned long long)record->offset, 1 << (RANGE_LEN_BITS - 20),
                       1 << (RANGE_OFFSET_BITS - 30));
    if (records->own_count == records->own_cap) {
        size_t cap = records->own_cap == 0 ? 64 : 2 * records->own_cap;
        void *ranges = cap <= UINT32_MAX ? realloc(records->ranges, cap * sizeof *records->ranges) : NULL;
        if (ranges == NULL)
            return cw_fail(err, CW_NOMEM, "no memory for %zu records", cap);
        records->ranges = ranges;
        records->own_cap = cap;
    }
    records->ranges[records->own_count++] = (struct range){ record->offset, record->bytes.len };
    return true;
}

static bool split_all(struct cw_records *records, struct cw_splitter *splitter, struct cw_error *err)
{
    struct cw_record record;
    enum cw_split split;
    while ((split = cw_splitter_next(splitter, &record, err)) == CW_SPLIT_RECORD)
        if (!add_range(records, &record, err))
            return false;
    if (split == CW_SPLIT_FAILED)
        return false;
    snprintf(records->encoding, sizeof records->encoding, "%s", cw_splitter_encoding(splitter));
    return true;
}

void cw_id_path_drop(struct id_path *id)
{
    if (id == NULL || --id->users > 0)
        return;
    cw_arena_fini(&id->arena);
    free(id);
}

static struct id_path *compile_id(const char *text, struct cw_error *err)
{
    struct id_path *id = calloc(1, sizeof *id);
    if (id == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a path");
        return NULL;
    }
    id->users = 1;
    struct cw_slice copy = cw_arena_copy(&id->arena, cw_slice(text));
    id->path = copy.data != NULL ? cw_path_compile(&id->arena, copy, err) : NULL;
    if (id->path != NULL)
        return id;
    if (copy.data == NULL)
        cw_fail(err, CW_NOMEM, "no memory for a path");
    cw_id_path_drop(id);
    return NULL;
}

static void set_format(struct cw_records *records, enum cw_format format)
{
    records->format = format;
    snprintf(records->kept_as, sizeof records->kept_as, "%s", cw_format_name(format));
}

static bool read_body(struct cw_records *records, const char *path, struct cw_error *err)
{
    enum cw_format format;
    if (!cw_charset_body(&records->body, err) || !find_format(records->body, &format, err))
        return false;
    set_format(records, format);
    struct cw_splitter *splitter = cw_splitter_create(format, records->body, path, NULL, err);
    bool ok = splitter != NULL && split_all(records, splitter, err);
    cw_splitter_free(splitter);
    return ok;
}

static bool keep_text(struct cw_slice *kept, struct cw_slice text, struct cw_error *err)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a text of %zu bytes", text.len);
    memcpy(copy, text.data, text.len);
    *kept = (struct cw_slice){ copy, text.len };
    return true;
}

static bool read_rows(struct cw_records *records, const struct cw_rows *rows, struct cw_error *err)
{
    if (!cw_charset_body(&records->body, err))
        return false;
    struct cw_splitter *splitter = cw_splitter_create_rows(rows, records->body, NULL, err);
    bool ok = splitter != NULL && split_all(records, splitter, err) &&
              keep_text(&records->heading, cw_splitter_heading(splitter), err);
    if (ok) {
        records->format = CW_ROWS;
        records->shape = cw_splitter_shape(splitter);
        cw_rows_format(records->shape, records->kept_as);
    }
    cw_splitter_free(splitter);
    return ok;
}

static bool read_whole(struct cw_records *records, struct cw_slice id, struct cw_error *err)
{
    struct cw_record record = { .bytes = { NULL, (size_t)cw_body_size(records->body) } };
    if (id.len == 0 || id.len > CW_RECORD_ID_MAX)
        return cw_fail(err, CW_USAGE, "the id of a record has 1 to %d bytes", CW_RECORD_ID_MAX);
    set_format(records, CW_BYTES);
    strcpy(records->encoding, "binary");
    return add_range(records, &record, err) && keep_text(&records->given_id, id, err);
}

/* Takes over id; NULL when it is. */
static struct cw_records *make_records(struct id_path *id, struct cw_error *err)
{
    struct cw_records *records = id != NULL ? calloc(1, sizeof *records) : NULL;
    if (records == NULL) {
        if (id != NULL)
            cw_fail(err, CW_NOMEM, "no memory for records");
        cw_id_path_drop(id);
        return NULL;
    }
    records->users = 1;
    records->id = id;
    cw_arena_init(&records->trees, CW_RECORDS_TREES_MAX);
    return records;
}

struct cw_records *cw_records_create(const char *id, struct cw_error *err)
{
    return make_records(compile_id(id, err), err);
}

struct cw_records *cw_records_open(struct cw_body *body, const char *path, const char *id,
                                   struct cw_error *err)
{
    struct cw_records *records = cw_records_create(id, err);
    if (records == NULL) {
        cw_body_free(body);
        return NULL;
    }
    records->body = body;
    if (read_body(records, path, err))
        return records;
    cw_records_free(records);
    return NULL;
}

/* Whether there are records, all of them whole, with an id. */
static bool have_ids(struct cw_records *records)
{
    struct cw_arena arena;
    struct cw_error ignored;
    size_t i = 0, count = cw_records_count(records);
    cw_arena_init(&arena, 0);
    for (bool has_id = true; has_id && i < count; i += has_id) {
        struct cw_slice bytes, id;
        struct cw_scope scope;
        has_id = cw_records_bytes(records, i, &arena, &bytes, &ignored) &&
                 cw_records_scope(records, i, &arena, bytes, &scope, &ignored) &&
                 cw_records_id(records, i, &scope, &arena, &id, &ignored);
    }
    cw_arena_fini(&arena);
    return count > 0 && i == count;
}

/* NULL where the records are not at this path; the body is left for another. */
static struct cw_records *try_path(struct cw_body **body, const char *path, const char *id)
{
    struct cw_error ignored;
    struct cw_records *records = cw_records_create(id, &ignored);
    if (records == NULL)
        return NULL;
    records->body = *body;
    if (read_body(records, path, &ignored) && have_ids(records))
        return records;
    *body = records->body; /* which may have been converted */
    records->body = NULL;
    cw_records_free(records);
    return NULL;
}

struct cw_records *cw_records_open_first(struct cw_body *body, const char *const *paths, size_t count,
                                         const char *id, struct cw_error *err)
{
    for (size_t i = 0; i + 1 < count && cw_body_size(body) <= CW_RECORDS_TRIED_MAX; i++) {
        struct cw_records *records = try_path(&body, paths[i], id);
        if (records != NULL)
            return records;
    }
    return cw_records_open(body, paths[count - 1], id, err);
}

struct cw_records *cw_records_open_rows(struct cw_body *body, const struct cw_rows *rows, const char *id,
                                        struct cw_error *err)
{
    struct cw_records *records = cw_records_create(id, err);
    if (records == NULL) {
        cw_body_free(body);
        return NULL;
    }
    records->body = body;
    if (read_rows(records, rows, err))
        return records;
    cw_records_free(records);
    return NULL;
}

struct cw_records *cw_records_open_whole(struct cw_body *body, struct cw_slice id, struct cw_error *err)
{
    struct cw_records *records = cw_records_create("id", err);
    if (records == NULL) {
        cw_body_free(body);
        return NULL;
    }
    records->body = body;
    if (read_whole(records, id, err))
        return records;
    cw_records_free(records);
    return NULL;
}

/* --- restoring --- */

static void restore_format(struct cw_records *records, struct cw_slice format)
{
    if (cw_rows_read_format(format, &records->shape)) {
        records->format = CW_ROWS;
        cw_rows_format(records->shape, records->kept_as);
        return;
    }
    bool is_json = cw_slice_is(format, cw_format_name(CW_JSON));
    set_format(records, is_json                                         ? CW_JSON
                        : cw_slice_is(format, cw_format_name(CW_BYTES)) ? CW_BYTES
                                                                        : CW_XML);
}

/* A set of the one record whose bytes were stored; it shares the id path. `key` is its id, where it is not in
 * it.
 */
static struct cw_records *open_stored(struct cw_slice format, struct cw_slice encoding, struct cw_slice bytes,
                                      struct cw_slice key, struct id_path *id, struct cw_error *err)
{
    struct cw_record record = { .bytes = bytes };
    id->users++;
    struct cw_records *records = make_records(id, err);
    if (records == NULL)
        return NULL;
    restore_format(records, format);
    snprintf(records->encoding, sizeof records->encoding, "%.*s", CW_SLICE_ARG(encoding));
    records->body = cw_body_create(bytes.len, err);
    bool has_own_id = records->format == CW_XML || records->format == CW_JSON;
    if (records->body != NULL && cw_body_write(records->body, bytes, err) &&
        add_range(records, &record, err) && (has_own_id || keep_text(&records->given_id, key, err)))
        return records;
    cw_records_free(records);
    return NULL;
}

static bool attach_stored(struct cw_records *records, const struct cw_raw_part *part, struct cw_error *err)
{
    char name[CW_ERROR_NAME_MAX];
    struct cw_records *other =
        open_stored(part->format, part->encoding, part->bytes, (struct cw_slice){ "", 0 }, records->id, err);
    snprintf(name, sizeof name, "%.*s", CW_SLICE_ARG(part->name));
    bool ok = other != NULL && cw_records_attach(records, name, other, NULL, NULL, err);
    cw_records_free(other);
    return ok;
}

bool cw_records_restore(struct cw_records *records, const struct cw_raw *raw, struct cw_error *err)
{
    struct cw_records *one =
        open_stored(raw->format, raw->encoding, raw->bytes, raw->key.external_id, records->id, err);
    bool ok = one != NULL;
    for (size_t i = 0; ok && i < raw->part_count; i++)
        ok = attach_stored(one, &raw->parts[i], err);
    if (ok && cw_records_count(records) == 0) {
        records->format = one->format;
        memcpy(records->kept_as, one->kept_as, sizeof records->kept_as);
        memcpy(records->encoding, one->encoding, sizeof records->encoding);
    }
    ok = ok && cw_records_append(records, one, err);
    cw_records_free(one);
    return ok;
}
