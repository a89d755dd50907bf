/* json_parse.c - one JSON record, strictly by RFC 8259, to a tree. Texts without escapes point into the
 * record. */
#include "adapters/split.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/json_text.h"

/* Objects up to this size are searched for a repeated key at each new one, larger ones are sorted at their
 * end. */
enum { SCAN_MAX = 64, DEPTH_MAX = 1000 }; /* the parser recurses: 1000 levels are about 200 KiB of stack */

struct cw_json_parser {
    struct cw_reader_limits limits;
    /* The record being read: */
    const char *start, *p, *end;
    unsigned depth;
    struct cw_arena *arena;
    struct cw_error *err;
};

struct cw_json_parser *cw_json_parser_create(const struct cw_reader_limits *limits, struct cw_error *err)
{
    struct cw_json_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a parser");
        return NULL;
    }
    parser->limits = *limits;
    if (parser->limits.depth > DEPTH_MAX)
        parser->limits.depth = DEPTH_MAX;
    return parser;
}

void cw_json_parser_free(struct cw_json_parser *parser)
{
    free(parser);
}

static bool fail_at(struct cw_json_parser *in, const char *where, enum cw_code code, const char *what)
{
    size_t line = 1, column = 1;
    for (const char *p = in->start; p < where; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return cw_fail(in->err, code, "line %zu, column %zu: %s", line, column, what);
}

static bool fail_memory(struct cw_json_parser *in)
{
    if (in->arena->limit != 0)
        return cw_fail(in->err, CW_LIMIT, "the records read at once need more than %zu bytes",
                       in->arena->limit);
    return cw_fail(in->err, CW_NOMEM, "no memory for the tree of a record");
}

static void skip_space(struct cw_json_parser *in)
{
    while (in->p < in->end && (*in->p == ' ' || *in->p == '\n' || *in->p == '\t' || *in->p == '\r'))
        in->p++;
}

static bool check_length(struct cw_json_parser *in, const char *start)
{
    if ((size_t)(in->p - start) <= in->limits.text_bytes)
        return true;
    return fail_at(in, start, CW_LIMIT, "a text, key or number that is longer than the limit");
}

/* --- values --- */

/* Finds the closing quote of a string that has a backslash; in->p is at the backslash. */
static bool find_quote(struct cw_json_parser *in)
{
    for (; in->p < in->end && *in->p != '"'; in->p++)
        in->p += *in->p == '\\' && in->end - in->p > 1;
    if (in->p < in->end)
        return true;
    return fail_at(in, in->end, CW_INVALID, "a string without its closing quote");
}

static bool read_escaped(struct cw_json_parser *in, const char *start, struct cw_slice *text)
{
    const char *bad = start;
    size_t len;
    if (!find_quote(in) || !check_length(in, start))
        return false;
    struct cw_slice raw = { start, (size_t)(in->p - start) };
    char *decoded = cw_arena_bytes(in->arena, raw.len);
    if (decoded == NULL)
        return fail_memory(in);
    const char *why = cw_json_decode(raw, decoded, &len, &bad);
    if (why != NULL)
        return fail_at(in, bad, CW_INVALID, why);
    *text = (struct cw_slice){ decoded, len };
    in->p++;
    return true;
}

/* in->p is at the opening quote. */
static bool read_string(struct cw_json_parser *in, struct cw_slice *text)
{
    const char *start = ++in->p, *why;
    size_t plain = cw_json_plain(start, in->end, &why);
    in->p += plain;
    if (why != NULL)
        return fail_at(in, in->p, CW_INVALID, why);
    if (*in->p == '\\')
        return read_escaped(in, start, text);
    if (!check_length(in, start))
        return false;
    *text = (struct cw_slice){ start, plain };
    in->p++;
    return true;
}

static bool read_number(struct cw_json_parser *in, struct cw_node *node)
{
    const char *start = in->p;
    size_t len = cw_json_number(start, in->end);
    if (len == 0)
        return fail_at(in, start, CW_INVALID, "not a JSON value");
    in->p += len;
    node->kind = CW_NODE_NUMBER;
    node->text = (struct cw_slice){ start, len };
    return check_length(in, start);
}

static bool read_word(struct cw_json_parser *in, struct cw_node *node, const char *word,
                      enum cw_node_kind kind)
{
    size_t len = strlen(word);
    if ((size_t)(in->end - in->p) < len || memcmp(in->p, word, len) != 0)
        return fail_at(in, in->p, CW_INVALID, "not a JSON value");
    node->kind = kind;
    if (kind == CW_NODE_BOOL)
        node->text = (struct cw_slice){ in->p, len };
    in->p += len;
    return true;
}

/* --- keys, each only once --- */

/* The keys of an object so far, as bits of their hashes: most new keys are known to be new at once. */
struct keys {
    uint64_t bits[4];
    unsigned count;
};

static bool fail_repeated(struct cw_json_parser *in, const char *where, struct cw_slice key)
{
    char text[160];
    size_t shown = key.len < 100 ? key.len : 100;
    while (shown < key.len && shown > 0 && ((unsigned char)key.data[shown] & 0xC0) == 0x80)
        shown--; /* not half a character */
    snprintf(text, sizeof text, "the key \"%.*s\" comes twice in one object", (int)shown, key.data);
    return fail_at(in, where, CW_INVALID, text);
}

static bool note_key(struct cw_json_parser *in, struct keys *keys, const struct cw_node *object,
                     const struct cw_node *member, const char *where)
{
    uint64_t bit = (uint64_t)1 << (member->name_hash & 63), *word = &keys->bits[member->name_hash >> 6 & 3];
    bool known = (*word & bit) != 0;
    *word |= bit;
    if (++keys->count > SCAN_MAX || !known)
        return true;
    for (const struct cw_node *other = object->first; other != NULL; other = other->next)
        if (other->name_hash == member->name_hash && cw_slice_equal(other->name, member->name))
            return fail_repeated(in, where, member->name);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct cw_node *x = *(const struct cw_node *const *)a, *y = *(const struct cw_node *const *)b;
    if (x->name_hash != y->name_hash)
        return x->name_hash < y->name_hash ? -1 : 1;
    if (x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    return x->name.len == 0 ? 0 : memcmp(x->name.data, y->name.data, x->name.len);
}

/* Sorting cannot be led astray by keys that were chosen to have the same hash. */
static bool check_many_keys(struct cw_json_parser *in, const struct cw_node *object, unsigned count)
{
    const struct cw_node **sorted = malloc(count * sizeof *sorted);
    unsigned n = 0;
    bool ok = true;
    if (sorted == NULL)
        return cw_fail(in->err, CW_NOMEM, "no memory for an object of %u members", count);
    for (const struct cw_node *member = object->first; member != NULL; member = member->next)
        sorted[n++] = member;
    qsort(sorted, n, sizeof *sorted, compare_keys);
    for (unsigned i = 1; ok && i < n; i++)
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0)
            ok = fail_repeated(in, in->p, sorted[i]->name);
    free(sorted);
    return ok;
}

/* --- objects and arrays --- */

static struct cw_node *add_node(struct cw_json_parser *in)
{
    struct cw_node *node = cw_arena_alloc(in->arena, sizeof *node);
    if (node == NULL)
        fail_memory(in);
    else
        *node = (struct cw_node){ .text = { "", 0 },
                                  .name = { "", 0 },
                                  .name_hash = cw_slice_hash(cw_slice("")) };
    return node;
}

static bool enter(struct cw_json_parser *in)
{
    if (++in->depth > in->limits.depth)
        return fail_at(in, in->p, CW_LIMIT, "objects and lists are nested deeper than the limit");
    in->p++;
    skip_space(in);
    return true;
}

/* After a member: true with *more before the next one, true without after the closing bracket. */
static bool read_separator(struct cw_json_parser *in, char close, bool *more)
{
    skip_space(in);
    if (in->p == in->end || (*in->p != ',' && *in->p != close))
        return fail_at(in, in->p, CW_INVALID,
                       close == '}' ? "a comma or } was expected" : "a comma or ] was expected");
    *more = *in->p++ == ',';
    skip_space(in);
    return true;
}

static bool read_key(struct cw_json_parser *in, struct cw_node *member)
{
    if (in->p == in->end || *in->p != '"')
        return fail_at(in, in->p, CW_INVALID, "a key in quotes was expected");
    if (!read_string(in, &member->name))
        return false;
    member->name_hash = cw_slice_hash(member->name);
    skip_space(in);
    if (in->p == in->end || *in->p != ':')
        return fail_at(in, in->p, CW_INVALID, "a colon was expected after the key");
    in->p++;
    skip_space(in);
    return true;
}

static bool read_value(struct cw_json_parser *in, struct cw_node *node);

static bool check_count(struct cw_json_parser *in, unsigned count)
{
    return count <= in->limits.children ||
           fail_at(in, in->p, CW_LIMIT, "an object or list with more members than the limit");
}

static bool read_members(struct cw_json_parser *in, struct cw_node *object)
{
    struct keys keys = { 0 };
    struct cw_node **link = &object->first;
    for (bool more = true; more;) {
        const char *where = in->p;
        struct cw_node *member = add_node(in);
        if (member == NULL || !read_key(in, member) || !note_key(in, &keys, object, member, where) ||
            !check_count(in, keys.count))
            return false;
        *link = member;
        link = &member->next;
        if (!read_value(in, member) || !read_separator(in, '}', &more))
            return false;
    }
    return keys.count <= SCAN_MAX || check_many_keys(in, object, keys.count);
}

static bool read_object(struct cw_json_parser *in, struct cw_node *object)
{
    object->kind = CW_NODE_OBJECT;
    if (!enter(in))
        return false;
    if (in->p < in->end && *in->p == '}')
        in->p++;
    else if (!read_members(in, object))
        return false;
    in->depth--;
    return true;
}

static bool read_array_members(struct cw_json_parser *in, struct cw_node *array)
{
    struct cw_node **link = &array->first;
    unsigned count = 0;
    for (bool more = true; more;) {
        struct cw_node *member = add_node(in);
        if (member == NULL || !check_count(in, ++count) || !read_value(in, member) ||
            !read_separator(in, ']', &more))
            return false;
        *link = member;
        link = &member->next;
    }
    return true;
}

static bool read_array(struct cw_json_parser *in, struct cw_node *array)
{
    array->kind = CW_NODE_ARRAY;
    if (!enter(in))
        return false;
    if (in->p < in->end && *in->p == ']')
        in->p++;
    else if (!read_array_members(in, array))
        return false;
    in->depth--;
    return true;
}

static bool read_value(struct cw_json_parser *in, struct cw_node *node)
{
    switch (in->p < in->end ? *in->p : '\0') {
    case '{':
        return read_object(in, node);
    case '[':
        return read_array(in, node);
    case '"':
        node->kind = CW_NODE_TEXT;
        return read_string(in, &node->text);
    case 't':
        return read_word(in, node, "true", CW_NODE_BOOL);
    case 'f':
        return read_word(in, node, "false", CW_NODE_BOOL);
    case 'n':
        return read_word(in, node, "null", CW_NODE_NULL);
    default:
        return read_number(in, node);
    }
}

const struct cw_node *cw_json_parse(struct cw_json_parser *parser, struct cw_slice bytes,
                                    struct cw_arena *arena, struct cw_error *err)
{
    if (bytes.len > parser->limits.record_bytes) {
        cw_fail(err, CW_LIMIT, "the record has %zu bytes; the limit is %zu", bytes.len,
                parser->limits.record_bytes);
        return NULL;
    }
    parser->start = parser->p = bytes.data != NULL ? bytes.data : "";
    parser->end = parser->start + bytes.len;
    parser->depth = 0;
    parser->arena = arena;
    parser->err = err;
    if (bytes.len >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0)
        parser->p += 3;
    skip_space(parser);
    struct cw_node *root = add_node(parser);
    if (root == NULL || !read_value(parser, root))
        return NULL;
    skip_space(parser);
    if (parser->p == parser->end)
        return root;
    fail_at(parser, parser->p, CW_INVALID, "something follows the end of the value");
    return NULL;
}
