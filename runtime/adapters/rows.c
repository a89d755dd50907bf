/* rows.c - see rows.h: one row of a table of text. */
#include "adapters/rows.h"

#include <stdio.h>

static const struct {
    char delimiter;
    const char *name;
} shapes[] = { { ',', "comma" }, { ';', "semicolon" }, { '\t', "tab" }, { '|', "bar" } };

void cw_rows_format(struct cw_rows_shape shape, char out[CW_ROWS_FORMAT_MAX])
{
    const char *name = "comma";
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (shapes[i].delimiter == shape.delimiter)
            name = shapes[i].name;
    snprintf(out, CW_ROWS_FORMAT_MAX, "rows %s%s", name, shape.plain ? " plain" : "");
}

bool cw_rows_read_format(struct cw_slice text, struct cw_rows_shape *shape)
{
    char name[CW_ROWS_FORMAT_MAX];
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        *shape = (struct cw_rows_shape){ shapes[i / 2].delimiter, i % 2 == 1 };
        cw_rows_format(*shape, name);
        if (cw_slice_is(text, name))
            return true;
    }
    return false;
}

/* --- finding fields --- */

struct scan {
    const char *begin, *p, *end;
    bool whole;
    struct cw_rows_shape shape;
    struct cw_text_row *row;
};

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Behind the line end at p; NULL = a line feed may follow. */
static const char *pass_line_end(const char *p, const char *end, bool whole)
{
    if (*p == '\n')
        return p + 1;
    if (p + 1 == end)
        return whole ? p + 1 : NULL;
    return p[1] == '\n' ? p + 2 : p + 1;
}

size_t cw_row_line(struct cw_slice bytes, bool whole)
{
    const char *end = cw_slice_end(bytes);
    for (const char *p = bytes.data; p < end; p++)
        if (is_line_end(*p)) {
            const char *next = pass_line_end(p, end, whole);
            return next != NULL ? (size_t)(next - bytes.data) : 0;
        }
    return whole ? bytes.len : 0;
}

/* The row ends with its first line; what was found of it there stays. False: that line does not end yet. */
static bool fall_back(struct cw_slice bytes, bool whole, const char *fault, struct cw_text_row *row)
{
    row->fault = fault;
    row->len = cw_row_line(bytes, whole);
    if (row->len == 0 && bytes.len > 0)
        return false;
    while (row->count > 0 && cw_slice_end(row->fields[row->count - 1]) > bytes.data + row->len)
        row->count--;
    return true;
}

static bool is_quoted(const struct scan *scan)
{
    if (scan->shape.plain || scan->p == scan->end)
        return false;
    return *scan->p == '"' || (*scan->p == '=' && scan->p + 1 < scan->end && scan->p[1] == '"');
}

/* From the opening quote to behind the closing one; NULL: it is not among what is visible. */
static const char *pass_quotes(const char *p, const char *end, bool whole)
{
    for (p++;;) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL || (quote + 1 == end && !whole))
            return NULL;
        if (quote + 1 == end || quote[1] != '"')
            return quote + 1;
        p = quote + 2;
    }
}

static const char *find_field_end(const struct scan *scan, const char *p)
{
    while (p < scan->end && *p != scan->shape.delimiter && !is_line_end(*p))
        p++;
    return p;
}

enum found { FOUND_FIELD, FOUND_LAST, FOUND_FAULT, FOUND_NO_END };

static enum found fault(struct scan *scan, const char *words)
{
    scan->row->fault = words;
    return FOUND_FAULT;
}

static enum found find_field(struct scan *scan)
{
    const char *begin = scan->p, *p = begin;
    bool quoted = is_quoted(scan);
    if (quoted && (p = pass_quotes(begin + (*begin == '='), scan->end, scan->whole)) == NULL)
        return FOUND_NO_END;
    const char *end = find_field_end(scan, p);
    if (quoted && end != p)
        return fault(scan,
                     "something stands between a closing quote and the end of its field: a quote is stray");
    if (!quoted && !scan->shape.plain && memchr(begin, '"', (size_t)(end - begin)) != NULL)
        return fault(scan, "a quote stands inside a field that is not in quotes");
    if (scan->row->count == CW_ROWS_COLUMNS_MAX)
        return fault(scan, "it has more than 1000 fields");
    if (end == scan->end && !scan->whole)
        return FOUND_NO_END;
    scan->row->fields[scan->row->count++] = (struct cw_slice){ begin, (size_t)(end - begin) };
    scan->p = end;
    return end == scan->end || is_line_end(*end) ? FOUND_LAST : FOUND_FIELD;
}

bool cw_row_scan(struct cw_slice bytes, bool whole, struct cw_rows_shape shape, struct cw_text_row *row)
{
    struct scan scan = { bytes.data, bytes.data, cw_slice_end(bytes), whole, shape, row };
    enum found found;
    row->count = row->len = 0;
    row->fault = NULL;
    row->is_open = false;
    while ((found = find_field(&scan)) == FOUND_FIELD)
        scan.p++;
    if (found == FOUND_FAULT)
        return fall_back(bytes, whole, row->fault, row);
    if (found == FOUND_NO_END) {
        if (!whole && bytes.len <= CW_ROW_MAX)
            return false;
        row->is_open = whole;
        return fall_back(bytes, whole, "its quotes do not end", row);
    }
    const char *next = scan.p < scan.end ? pass_line_end(scan.p, scan.end, whole) : scan.end;
    row->len = next != NULL ? (size_t)(next - bytes.data) : 0;
    return next != NULL;
}

void cw_row_check(struct cw_slice bytes, size_t columns, struct cw_text_row *row)
{
    bool more = false;
    for (size_t i = columns; i < row->count; i++)
        more = more || cw_row_key(row->fields[i], false).len > 0;
    if (row->fault == NULL && more)
        fall_back((struct cw_slice){ bytes.data, row->len }, true,
                  "it has more fields than there are headings", row);
}

bool cw_row_is_blank(const struct cw_text_row *row, bool plain)
{
    for (size_t i = 0; i < row->count; i++)
        if (cw_row_key(row->fields[i], plain).len > 0)
            return false;
    return row->fault == NULL;
}

/* --- their texts --- */

/* Without the quotes around it, and the equals sign before them. */
static struct cw_slice unwrap(struct cw_slice text)
{
    size_t skip = text.len > 1 && text.data[0] == '=' && text.data[1] == '"' ? 1 : 0;
    if (text.len < skip + 2 || text.data[skip] != '"' || text.data[text.len - 1] != '"')
        return text;
    return (struct cw_slice){ text.data + skip + 1, text.len - skip - 2 };
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* '00123, '+49 30 1, '=7: not 's-Hertogenbosch, nor the '90s. */
static struct cw_slice drop_apostrophe(struct cw_slice text)
{
    if (text.len < 2 || text.data[0] != '\'' ||
        (!is_digit(text.data[1]) && memchr("=+-@", text.data[1], 4) == NULL))
        return text;
    if (text.len >= 4 && is_digit(text.data[1]) && is_digit(text.data[2]) && text.data[3] == 's')
        return text;
    return (struct cw_slice){ text.data + 1, text.len - 1 };
}

struct cw_slice cw_row_key(struct cw_slice field, bool plain)
{
    struct cw_slice text = cw_slice_trim(field);
    return plain ? text : drop_apostrophe(cw_slice_trim(unwrap(text)));
}

static struct cw_slice undouble(struct cw_slice text, struct cw_arena *arena)
{
    if (memchr(text.data, '"', text.len) == NULL)
        return text;
    char *out = cw_arena_bytes(arena, text.len + 1);
    if (out == NULL)
        return (struct cw_slice){ NULL, 0 };
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        out[len++] = text.data[i];
        i += text.data[i] == '"' && i + 1 < text.len && text.data[i + 1] == '"';
    }
    return (struct cw_slice){ out, len };
}

struct cw_slice cw_row_text(struct cw_slice field, bool plain, struct cw_arena *arena)
{
    struct cw_slice text = cw_slice_trim(field);
    if (plain || text.len == 0)
        return text;
    struct cw_slice inner = unwrap(text);
    if (inner.len == text.len)
        return drop_apostrophe(text);
    text = undouble(inner, arena);
    if (text.data != NULL && text.len > 3 && text.data[0] == '=' && text.data[1] == '"')
        text = unwrap(text);
    return text.data != NULL ? drop_apostrophe(cw_slice_trim(text)) : text;
}

bool cw_row_is_shortened(struct cw_slice text)
{
    enum { LEAST_EXPONENT = 11 }; /* shorter numbers a spreadsheet shows in full */
    size_t i = 0, mantissa = 0, exponent = 0;
    while (i < text.len &&
           (is_digit(text.data[i]) || ((text.data[i] == '.' || text.data[i] == ',') && i == 1)))
        mantissa = ++i;
    if (mantissa == 0 || i + 2 >= text.len || (text.data[i] != 'E' && text.data[i] != 'e') ||
        text.data[i + 1] != '+')
        return false;
    for (i += 2; i < text.len && is_digit(text.data[i]) && exponent < 1000; i++)
        exponent = 10 * exponent + (size_t)(text.data[i] - '0');
    return i == text.len && exponent >= LEAST_EXPONENT;
}
