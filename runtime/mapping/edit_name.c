/* edit_name.c - see edit_name.h. */
#include "mapping/edit_name.h"

#include <stdarg.h>
#include <stdio.h>

#include "mapping/running.h"

/* cw_fail with the whole name before the text. */
#define REFUSE(reader, err, fmt, ...)                                                                        \
    cw_fail(err, CW_USAGE, "\"%.*s\": " fmt, CW_SLICE_ARG((reader)->name), __VA_ARGS__)

static struct cw_slice behind(struct cw_slice s, size_t len)
{
    return (struct cw_slice){ s.data + len, s.len - len };
}

static bool unknown_field(const struct cw_name_reader *reader, struct cw_slice field, struct cw_error *err)
{
    char quoted[CW_QUOTE_MAX];
    const char *near = cw_kind_suggest(reader->kind, field), *kind = reader->kind->name;
    cw_quote(field, quoted);
    if (near != NULL)
        return REFUSE(reader, err, "unknown field \"%s\" of %s; did you mean \"%s\"?", quoted, kind, near);
    return REFUSE(reader, err, "unknown field \"%s\" of %s; fields of your own are named custom.NAME", quoted,
                  kind);
}

/* The bracket that closes is the first one that a point or the end follows, so that ids may have brackets. */
static bool find_close(struct cw_slice text, size_t *close)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == ']' && (i + 1 == text.len || text.data[i + 1] == '.')) {
            *close = i;
            return true;
        }
    return false;
}

static bool read_position(struct cw_slice text, size_t *out)
{
    size_t value = 0;
    if (text.len == 0 || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (size_t)(text.data[i] - '0');
    }
    *out = value;
    return value > 0;
}

/* "2]..." or "id=1001]...", behind the opening bracket. */
static bool read_selector(struct cw_name_reader *reader, struct cw_name_piece *piece, struct cw_error *err)
{
    size_t close;
    if (!find_close(reader->rest, &close))
        return REFUSE(reader, err, "\"[\" is not closed; a member is named %s[2] or %s[id=1001]",
                      piece->field->name, piece->field->name);
    struct cw_slice inner = { reader->rest.data, close };
    reader->rest = behind(reader->rest, close + 1);
    piece->by_id = inner.len > 3 && memcmp(inner.data, "id=", 3) == 0;
    if (piece->by_id)
        piece->id = behind(inner, 3);
    else if (!read_position(inner, &piece->position))
        return REFUSE(reader, err, "members are named by their number, from 1, or as %s[id=1001]",
                      piece->field->name);
    return true;
}

/* Only lists have members, only they and records have fields. */
static bool go_on(struct cw_name_reader *reader, const struct cw_field *field, struct cw_error *err)
{
    bool is_nested = field->type == CW_LIST || field->type == CW_RECORD;
    bool more = reader->rest.len > 0 && reader->rest.data[0] == '.';
    if (is_nested && !more)
        return REFUSE(reader, err, "this is a whole %s; name one of its fields: %.*s.%s", field->kind->name,
                      CW_SLICE_ARG(reader->name), field->kind->fields[1].name);
    if (!is_nested && reader->rest.len > 0)
        return REFUSE(reader, err, "%s holds a single value, so nothing can stand behind it", field->name);
    reader->rest = more ? behind(reader->rest, 1) : (struct cw_slice){ NULL, 0 };
    reader->kind = is_nested ? field->kind : reader->kind;
    return true;
}

static bool read_custom(struct cw_name_reader *reader, struct cw_name_piece *piece, struct cw_error *err)
{
    piece->custom = behind(reader->rest, 7);
    reader->rest = (struct cw_slice){ NULL, 0 };
    if (piece->custom.len == 0)
        return REFUSE(reader, err, "%s", "the field of your own has no name");
    if (memchr(piece->custom.data, '\0', piece->custom.len) != NULL)
        return REFUSE(reader, err, "%s", "a name has no zero bytes");
    return true;
}

/* `rest`: what stands behind the list's name: ".sku" is the field of a member that was meant. */
static bool refuse_list(const struct cw_name_reader *reader, const struct cw_field *list,
                        struct cw_slice rest, struct cw_error *err)
{
    int meant = rest.len > 1 ? cw_kind_field(list->kind, behind(rest, 1)) : -1;
    return REFUSE(reader, err, "%s is a list; name a member and its field: %s[1].%s", list->name, list->name,
                  list->kind->fields[meant < 0 ? 1 : meant].name);
}

bool cw_name_next(struct cw_name_reader *reader, struct cw_name_piece *piece, struct cw_error *err)
{
    struct cw_slice rest = reader->rest;
    size_t len = 0;
    *piece = (struct cw_name_piece){ .field = NULL };
    if (rest.len >= 7 && memcmp(rest.data, "custom.", 7) == 0)
        return read_custom(reader, piece, err);
    while (len < rest.len && rest.data[len] != '.' && rest.data[len] != '[')
        len++;
    int field = cw_kind_field(reader->kind, (struct cw_slice){ rest.data, len });
    if (field < 0)
        return unknown_field(reader, (struct cw_slice){ rest.data, len }, err);
    piece->field = &reader->kind->fields[field];
    bool selected = len < rest.len && rest.data[len] == '[', is_list = piece->field->type == CW_LIST;
    reader->rest = behind(rest, len + selected);
    if (selected && !is_list)
        return REFUSE(reader, err, "%s is no list, so it has no members", piece->field->name);
    if (!selected && is_list)
        return refuse_list(reader, piece->field, behind(rest, len), err);
    return (!selected || read_selector(reader, piece, err)) && go_on(reader, piece->field, err);
}

struct cw_document *cw_name_member(const struct cw_name_piece *piece, const struct cw_value *list,
                                   size_t *position)
{
    *position = 1;
    for (struct cw_document *doc = list->is_set ? list->list.first : NULL; doc != NULL; doc = doc->next) {
        if (piece->by_id ? cw_slice_equal(doc->external_id, piece->id) : *position == piece->position)
            return doc;
        ++*position;
    }
    return NULL;
}

bool cw_name_is_unique(const struct cw_value *list, const struct cw_document *member)
{
    size_t close;
    struct cw_slice id = member->external_id;
    if (id.len == 0 || find_close(id, &close) || memchr(id.data, '\0', id.len) != NULL)
        return false;
    for (const struct cw_document *doc = list->list.first; doc != NULL; doc = doc->next)
        if (doc != member && cw_slice_equal(doc->external_id, member->external_id))
            return false;
    return true;
}

struct cw_custom *cw_custom_find(const struct cw_document *doc, struct cw_slice name)
{
    struct cw_custom *custom = doc->custom;
    while (custom != NULL && !cw_slice_equal(custom->name, name))
        custom = custom->next;
    return custom;
}

struct cw_slice cw_name_print(struct cw_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    char *text = len >= 0 ? cw_arena_bytes(arena, (size_t)len + 1) : NULL;
    if (text != NULL)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return (struct cw_slice){ text, text != NULL ? (size_t)len : 0 };
}

bool cw_edit_exhausted(const struct cw_arena *arena, struct cw_error *err)
{
    return cw_fail(err, arena->limit != 0 ? CW_LIMIT : CW_NOMEM, "no memory left for the document");
}
