/* records_lenient.c - finds the id of a record that is damaged somewhere behind it, so that the record can be
 * parked under its own name. Gives up rather than guess: only what stands directly below the root counts. */
#include <stdlib.h>

#include "bindings/records_private.h"

enum { ID_MAX = 200 }; /* bytes */

static bool is_simple(struct cw_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-';
        if (!fine)
            return false;
    }
    return name.len > 0;
}

static bool accept(struct cw_slice text, struct cw_slice *found)
{
    text = cw_slice_trim(text);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20 || strchr("<>&\"\\", text.data[i]) != NULL)
            return false;
    *found = text;
    return text.len > 0 && text.len <= ID_MAX;
}

static size_t skip_blanks(struct cw_slice bytes, size_t at)
{
    while (at < bytes.len && memchr(" \t\r\n", bytes.data[at], 4) != NULL)
        at++;
    return at;
}

/* --- JSON --- */

/* From the quote at `at` to behind the closing one; bytes.len when there is none. */
static size_t skip_string(struct cw_slice bytes, size_t at)
{
    for (at++; at < bytes.len && bytes.data[at] != '"'; at++)
        if (bytes.data[at] == '\\')
            at++;
    return at < bytes.len ? at + 1 : bytes.len;
}

static bool take_json_value(struct cw_slice bytes, size_t at, struct cw_slice *found)
{
    at = skip_blanks(bytes, at);
    size_t start = at;
    if (at < bytes.len && bytes.data[at] == '"') {
        size_t end = skip_string(bytes, at);
        return end < bytes.len && accept((struct cw_slice){ bytes.data + at + 1, end - at - 2 }, found);
    }
    while (at < bytes.len && memchr("-+.0123456789eE", bytes.data[at], 15) != NULL)
        at++;
    return at < bytes.len && accept((struct cw_slice){ bytes.data + start, at - start }, found);
}

/* Whether the string from `at` to `end` is the key `name`; *value is then where its value begins. */
static bool is_key(struct cw_slice bytes, size_t at, size_t end, struct cw_slice name, size_t *value)
{
    struct cw_slice key = { bytes.data + at + 1, end > at + 1 ? end - at - 2 : 0 };
    *value = skip_blanks(bytes, end);
    if (!cw_slice_equal(key, name) || *value >= bytes.len || bytes.data[*value] != ':')
        return false;
    (*value)++;
    return true;
}

static bool find_in_json(struct cw_slice bytes, struct cw_slice name, struct cw_slice *found)
{
    int depth = 0;
    for (size_t at = 0, value; at < bytes.len;) {
        char c = bytes.data[at];
        if (c == '"') {
            size_t end = skip_string(bytes, at);
            if (depth == 1 && is_key(bytes, at, end, name, &value))
                return take_json_value(bytes, value, found);
            at = end;
            continue;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        at++;
    }
    return false;
}

/* --- XML --- */

static const char *find_text(struct cw_slice bytes, size_t from, const char *text)
{
    return from < bytes.len ? memmem(bytes.data + from, bytes.len - from, text, strlen(text)) : NULL;
}

/* Behind a comment, CDATA section or instruction that begins at `at`; `at` itself when there is none. */
static size_t skip_special(struct cw_slice bytes, size_t at)
{
    static const char *const pairs[][2] = { { "<!--", "-->" }, { "<![CDATA[", "]]>" }, { "<?", "?>" } };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t len = strlen(pairs[i][0]);
        if (bytes.len - at < len || memcmp(bytes.data + at, pairs[i][0], len) != 0)
            continue;
        const char *end = find_text(bytes, at + len, pairs[i][1]);
        return end != NULL ? (size_t)(end - bytes.data) + strlen(pairs[i][1]) : bytes.len;
    }
    return at;
}

/* Behind the '>' of the tag at `at`, quotes respected; bytes.len when there is none. */
static size_t skip_tag(struct cw_slice bytes, size_t at)
{
    char quote = '\0';
    for (; at < bytes.len; at++) {
        char c = bytes.data[at];
        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return at + 1;
    }
    return bytes.len;
}

/* The name in the tag at `at`, without prefix. */
static struct cw_slice tag_name(struct cw_slice bytes, size_t at)
{
    size_t start = at + 1, end = start;
    for (; end < bytes.len && memchr(" \t\r\n/>", bytes.data[end], 6) == NULL; end++)
        if (bytes.data[end] == ':')
            start = end + 1;
    return (struct cw_slice){ bytes.data + start, end - start };
}

static bool take_element(struct cw_slice bytes, size_t at, struct cw_slice *found)
{
    static const char opens[] = "<![CDATA[";
    at = skip_blanks(bytes, at);
    bool cdata = bytes.len - at >= sizeof opens - 1 && memcmp(bytes.data + at, opens, sizeof opens - 1) == 0;
    size_t start = cdata ? at + sizeof opens - 1 : at;
    const char *end = find_text(bytes, start, cdata ? "]]>" : "<");
    return end != NULL &&
           accept((struct cw_slice){ bytes.data + start, (size_t)(end - bytes.data) - start }, found);
}

static bool find_element(struct cw_slice bytes, struct cw_slice name, struct cw_slice *found)
{
    int depth = 0;
    for (size_t at = 0; at < bytes.len;) {
        const char *tag = memchr(bytes.data + at, '<', bytes.len - at);
        if (tag == NULL)
            return false;
        at = (size_t)(tag - bytes.data);
        size_t behind = skip_special(bytes, at);
        if (behind > at) {
            at = behind;
            continue;
        }
        size_t end = skip_tag(bytes, at);
        bool closes = at + 1 < bytes.len && bytes.data[at + 1] == '/';
        bool is_empty = end >= 2 && bytes.data[end - 2] == '/';
        if (!closes && !is_empty && depth == 1 && cw_slice_equal(tag_name(bytes, at), name))
            return take_element(bytes, end, found);
        depth += closes ? -1 : is_empty ? 0 : 1;
        at = end;
    }
    return false;
}

static bool find_attribute(struct cw_slice bytes, struct cw_slice name, struct cw_slice *found)
{
    size_t end = bytes.len > 0 && bytes.data[0] == '<' ? skip_tag(bytes, 0) : 0;
    for (size_t at = 1; at + name.len + 2 < end; at++) {
        char quote = bytes.data[at + name.len + 1];
        if (memchr(" \t\r\n", bytes.data[at - 1], 4) == NULL ||
            memcmp(bytes.data + at, name.data, name.len) != 0 || bytes.data[at + name.len] != '=' ||
            (quote != '"' && quote != '\''))
            continue;
        const char *value = bytes.data + at + name.len + 2;
        const char *closing = memchr(value, quote, (size_t)(bytes.data + end - value));
        return closing != NULL && accept((struct cw_slice){ value, (size_t)(closing - value) }, found);
    }
    return false;
}

bool cw_lenient_find(enum cw_format format, struct cw_slice bytes, struct cw_slice path,
                     struct cw_slice *found)
{
    bool attribute = path.len > 0 && path.data[0] == '@';
    struct cw_slice name = { path.data + attribute, path.len - attribute };
    if (!is_simple(name) || (format != CW_XML && format != CW_JSON))
        return false;
    if (format == CW_JSON)
        return !attribute && find_in_json(bytes, name, found);
    return attribute ? find_attribute(bytes, name, found) : find_element(bytes, name, found);
}

/* --- rows --- */

/* HEADING of "row/HEADING" or "row/'HEADING'". */
static struct cw_slice heading_of(struct cw_slice path)
{
    static const char begin[] = "row/";
    if (path.len <= sizeof begin - 1 || memcmp(path.data, begin, sizeof begin - 1) != 0)
        return (struct cw_slice){ NULL, 0 };
    struct cw_slice name = { path.data + sizeof begin - 1, path.len - (sizeof begin - 1) };
    if (name.len > 2 && name.data[0] == '\'' && name.data[name.len - 1] == '\'')
        return (struct cw_slice){ name.data + 1, name.len - 2 };
    return name;
}

static bool is_ascii(struct cw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return false;
    return true;
}

bool cw_lenient_find_in_rows(struct cw_rows_shape shape, struct cw_slice bytes, struct cw_slice path,
                             struct cw_slice *found)
{
    struct cw_slice heading = heading_of(path);
    struct cw_text_row *row = heading.len > 0 ? malloc(sizeof *row) : NULL;
    size_t column = 0;
    if (row == NULL)
        return false;
    cw_row_scan(bytes, true, shape, row);
    while (column < row->count && !cw_slice_equal(cw_row_key(row->fields[column], shape.plain), heading))
        column++;
    size_t columns = row->count;
    cw_row_scan((struct cw_slice){ bytes.data + row->len, bytes.len - row->len }, true, shape, row);
    bool ok = column < columns && column < row->count;
    if (ok)
        *found = cw_row_key(row->fields[column], shape.plain);
    free(row);
    return ok && found->len > 0 && found->len <= CW_RECORD_ID_MAX && is_ascii(*found);
}
