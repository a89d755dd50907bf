/* rows_split.c - finds the records of a table of text: first the line of its headings, then groups of rows.
 */
#include "adapters/split.h"

#include <stdlib.h>
#include <strings.h>

enum { HEADING_ROWS_MAX = 100 }; /* so many lines may stand above the headings */

static bool fail_options(struct cw_error *err, const char *words, const char *about)
{
    return cw_fail(err, CW_USAGE, "rows: %s%s", words, about);
}

static bool check_options(const struct cw_rows *rows, const char *charset, struct cw_error *err)
{
    char delimiter = rows->shape.delimiter;
    if (!cw_charset_is_known(charset))
        return fail_options(
            err, "charset is UTF-8, windows-1250 to -1258, ISO-8859-1 to -16, KOI8-R or cp932, not ",
            charset);
    if (delimiter != '\0' && memchr(",;\t|", delimiter, 4) == NULL)
        return fail_options(err, "delimiter is a comma, a semicolon, a tab or a bar", "");
    if (delimiter == '|' && cw_charset_is_double(charset))
        return fail_options(err, "a bar can be half a character of ", charset);
    return true;
}

/* The given headings, as the line that the table does not have. */
static bool write_headings(struct cw_rows_split *split, struct cw_error *err)
{
    const struct cw_rows *rows = split->rows;
    const char between[2] = { split->shape.delimiter, '\0' };
    bool ok = true;
    for (size_t i = 0; ok && i < rows->heading_count; i++)
        ok = cw_buffer_print(&split->heading, err, "%s%s", i > 0 ? between : "", rows->headings[i]);
    return ok && cw_buffer_print(&split->heading, err, "\n");
}

bool cw_rows_split_init(struct cw_rows_split *split, const struct cw_body *body, const struct cw_rows *rows,
                        const struct cw_reader_limits *limits, size_t step, struct cw_error *err)
{
    const char *charset = rows->charset != NULL ? rows->charset : "UTF-8";
    if (!check_options(rows, charset, err))
        return false;
    split->rows = rows;
    split->shape = rows->shape;
    strcpy(split->encoding, charset);
    split->group = SIZE_MAX;
    split->row = malloc(sizeof *split->row);
    if (split->row == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a row");
    cw_window_init(&split->window, body, step, limits->record_bytes);
    return true;
}

void cw_rows_split_fini(struct cw_rows_split *split)
{
    cw_buffer_fini(&split->heading);
    cw_buffer_fini(&split->key);
    free(split->row);
    free(split->seen);
}

/* --- rows --- */

/* What the window shows from its position on. */
static struct cw_slice visible(const struct cw_window *window)
{
    return (struct cw_slice){ window->data + window->at, window->len - window->at };
}

static bool is_whole(const struct cw_window *window)
{
    return window->base + window->len == cw_body_size(window->body);
}

/* Makes the whole row visible that begins here; false at the end of the table and after a failure. */
static bool see_row(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    if (!cw_window_has(window, 1))
        return false;
    while (!cw_row_scan(visible(window), is_whole(window), split->shape, split->row))
        if (!cw_window_more(window))
            return false;
    if (split->columns > 0)
        cw_row_check(visible(window), split->columns, split->row);
    return true;
}

/* A quote that is open at the end of a table without a last line end: who wrote it has not finished. */
static bool fail_cut(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    char last;
    uint64_t size = cw_body_size(window->body);
    if (!split->row->is_open || !cw_body_read(window->body, size - 1, &last, 1, NULL) || last == '\n' ||
        last == '\r')
        return false;
    cw_window_fail(
        window, CW_INVALID, cw_window_offset(window),
        "the table ends in the middle of a field in quotes, in the row that begins here; it was cut off "
        "on its way, or is still being written");
    return true;
}

/* --- the headings --- */

static char find_delimiter(const struct cw_rows_split *split, struct cw_slice line)
{
    static const char delimiters[] = { '\t', ';', ',', '|' };
    size_t counts[4] = { 0 }, best = 2;
    bool in_quotes = false;
    size_t kinds = cw_charset_is_double(split->encoding) ? 3 : 4;
    for (size_t i = 0; i < line.len; i++) {
        in_quotes = in_quotes != (line.data[i] == '"' && !split->shape.plain);
        for (size_t k = 0; !in_quotes && k < kinds; k++)
            counts[k] += line.data[i] == delimiters[k];
    }
    for (size_t k = 0; k < kinds; k++)
        if (counts[k] > counts[best])
            best = k;
    return delimiters[best];
}

/* Sets the shape by the line that begins here, unless it was given. */
static bool see_line(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    size_t len = 0;
    if (!cw_window_has(window, 1))
        return false;
    while ((len = cw_row_line(visible(window), is_whole(window))) == 0)
        if (!cw_window_more(window))
            return false;
    if (split->rows->shape.delimiter == '\0')
        split->shape.delimiter = find_delimiter(split, (struct cw_slice){ visible(window).data, len });
    return see_row(split);
}

static bool has_two_texts(const struct cw_rows_split *split)
{
    size_t texts = 0;
    for (size_t i = 0; i < split->row->count; i++)
        texts += cw_row_key(split->row->fields[i], split->shape.plain).len > 0;
    return split->row->fault == NULL && texts > 1;
}

/* At the line of the headings; what stands above it was passed. */
static bool find_heading(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    unsigned wanted = split->rows->heading_line, most = wanted > 0 ? wanted : HEADING_ROWS_MAX;
    for (unsigned line = 1; line <= most; line++) {
        if (!see_line(split))
            break;
        if (wanted > 0 ? line == wanted : has_two_texts(split) || split->rows->heading_count > 0)
            return true;
        window->at += wanted > 0 ? cw_row_line(visible(window), is_whole(window)) : split->row->len;
    }
    char quote[CW_QUOTE_MAX];
    cw_window_quote(window, 0, quote);
    return cw_window_fail(
        window, CW_INVALID, 0, "the table has no line of headings%s; it begins: \"%s\"",
        wanted > 0 ? " where it was said to be" : ": none has a text in more than one field", quote);
}

static bool fail_group(struct cw_rows_split *split)
{
    char quote[CW_QUOTE_MAX];
    cw_window_quote(&split->window, split->heading_at, quote);
    return cw_window_fail(
        &split->window, CW_INVALID, split->heading_at,
        "no column is headed \"%s\", so that nobody knows which rows belong together; the headings "
        "begin: \"%s\"",
        split->rows->groups[0], quote);
}

static size_t find_column(const struct cw_rows_split *split, const char *heading)
{
    for (size_t i = 0; i < split->row->count; i++)
        if (cw_slice_is(cw_row_key(split->row->fields[i], split->shape.plain), heading))
            return i;
    return SIZE_MAX;
}

/* The column of the group, from the headings in UTF-8. */
static bool find_group(struct cw_rows_split *split, struct cw_arena *arena)
{
    struct cw_slice text;
    size_t at;
    if (!cw_charset_utf8(split->encoding, cw_buffer_slice(&split->heading), arena, &text, &at,
                         split->window.err)) {
        split->window.failed = true;
        return false;
    }
    cw_row_scan(text, true, split->shape, split->row);
    split->columns = split->row->count;
    for (size_t g = 0; g < split->rows->group_count && split->group == SIZE_MAX; g++)
        split->group = find_column(split, split->rows->groups[g]);
    if (split->rows->group_count == 0)
        return true;
    return split->group != SIZE_MAX || fail_group(split);
}

static bool take_heading(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    if (split->rows->heading_count > 0)
        return write_headings(split, window->err) || (window->failed = true, false);
    split->heading_at = cw_window_offset(window);
    if (!cw_buffer_add(&split->heading, visible(window).data, split->row->len, window->err)) {
        window->failed = true;
        return false;
    }
    window->at += split->row->len;
    return true;
}

/* A table, as far as the first character tells; the position stays, since a tab in front is a field. */
static bool check_first(struct cw_window *window)
{
    window->mark = window->at;
    bool some = cw_window_skip_space(window);
    if (!some)
        return !window->failed &&
               cw_window_fail(window, CW_INVALID, 0, "the body is empty; a table was expected");
    if (window->data[window->at] == '<')
        return cw_window_fail_here(window, "a table of text was expected, but the body begins");
    window->at = window->mark;
    window->mark = CW_WINDOW_NO_MARK;
    return true;
}

static bool begin(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    struct cw_arena arena;
    if (!cw_window_begin(window))
        return false;
    if (window->at > 0)
        strcpy(split->encoding, "UTF-8");
    split->begun = true;
    if (!check_first(window))
        return false;
    cw_arena_init(&arena, 0);
    bool ok = find_heading(split) && take_heading(split) && find_group(split, &arena);
    cw_arena_fini(&arena);
    return ok;
}

/* --- records --- */

/* The row's text in the column of the group; data NULL: it cannot be read. */
static struct cw_slice key_of(const struct cw_rows_split *split)
{
    const struct cw_text_row *row = split->row;
    if (split->group >= row->count)
        return (struct cw_slice){ row->fault == NULL && split->group != SIZE_MAX ? "" : NULL, 0 };
    return cw_row_key(row->fields[split->group], split->shape.plain);
}

static bool is_footer(const struct cw_rows_split *split)
{
    const char *footer = split->rows->footer;
    for (size_t i = 0; footer != NULL && i < 2 && i < split->row->count; i++) {
        struct cw_slice text = split->row->fields[i];
        if (memmem(text.data, text.len, footer, strlen(footer)) != NULL)
            return true;
    }
    return false;
}

static bool keep_key(struct cw_rows_split *split, struct cw_slice key)
{
    cw_buffer_clear(&split->key);
    if (cw_buffer_add(&split->key, key.data, key.len, split->window.err))
        return true;
    split->window.failed = true;
    return false;
}

/* The record from the mark on, which has `len` bytes; the next row is looked for behind it. */
static enum cw_split give(struct cw_rows_split *split, size_t len, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    window->at = window->mark + len;
    if (!cw_window_check_size(window))
        return CW_SPLIT_FAILED;
    record->bytes = (struct cw_slice){ window->data + window->mark, len };
    record->offset = window->base + window->mark;
    return CW_SPLIT_RECORD;
}

/* The keys of all records so far, as hashes in a table with gaps: 0 = a gap. */
static bool add_seen(uint64_t *seen, size_t size, uint64_t hash)
{
    size_t at = hash & (size - 1);
    while (seen[at] != 0 && seen[at] != hash)
        at = (at + 1) & (size - 1);
    bool is_new = seen[at] == 0;
    seen[at] = hash;
    return is_new;
}

static bool grow_seen(struct cw_rows_split *split)
{
    size_t size = split->seen_size == 0 ? 256 : 2 * split->seen_size;
    uint64_t *seen = calloc(size, sizeof *seen);
    if (seen == NULL)
        return false;
    for (size_t i = 0; i < split->seen_size; i++)
        if (split->seen[i] != 0)
            add_seen(seen, size, split->seen[i]);
    free(split->seen);
    split->seen = seen;
    split->seen_size = size;
    return true;
}

static uint64_t hash_of(struct cw_slice key)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
    return hash != 0 ? hash : 1;
}

/* A record whose rows stand in two places would be stored twice, each time without the other half. */
static bool check_seen(struct cw_rows_split *split)
{
    struct cw_window *window = &split->window;
    struct cw_slice key = cw_buffer_slice(&split->key);
    if (2 * split->seen_count >= split->seen_size && !grow_seen(split)) {
        window->failed = true;
        return cw_fail(window->err, CW_NOMEM, "no memory for the keys of %zu records", split->seen_count);
    }
    split->seen_count++;
    return add_seen(split->seen, split->seen_size, hash_of(key)) ||
           cw_window_fail(
               window, CW_INVALID, window->base + window->mark,
               "the rows of \"%.*s\" stand in more than one place, and here again; sort the table by that "
               "column",
               CW_SLICE_ARG(cw_slice_clip(key, 60)));
}

/* Rows of one record: those that follow with the same key. A faulty row between two of them belongs to it. */
static enum cw_split give_group(struct cw_rows_split *split, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    size_t kept = window->at - window->mark;
    if (!check_seen(split))
        return CW_SPLIT_FAILED;
    while (see_row(split) && !is_footer(split)) {
        struct cw_slice key = key_of(split);
        if (split->row->is_open && fail_cut(split))
            return CW_SPLIT_FAILED;
        if (key.data != NULL && cw_slice_equal(key, cw_buffer_slice(&split->key)))
            kept = window->at + split->row->len - window->mark;
        else if (key.data != NULL && !cw_row_is_blank(split->row, split->shape.plain))
            break;
        window->at += split->row->len;
    }
    return window->failed ? CW_SPLIT_FAILED : give(split, kept, record);
}

enum cw_split cw_rows_split_next(struct cw_rows_split *split, struct cw_record *record)
{
    struct cw_window *window = &split->window;
    if (!split->begun && !begin(split))
        return CW_SPLIT_FAILED;
    while (!split->ended && see_row(split)) {
        if (split->row->is_open && fail_cut(split))
            return CW_SPLIT_FAILED;
        if (is_footer(split))
            break;
        bool blank = cw_row_is_blank(split->row, split->shape.plain);
        struct cw_slice key = key_of(split);
        if (!blank && !keep_key(split, key))
            return CW_SPLIT_FAILED;
        window->mark = blank ? CW_WINDOW_NO_MARK : window->at;
        window->at += split->row->len;
        if (!blank)
            return key.len > 0 ? give_group(split, record) : give(split, split->row->len, record);
    }
    split->ended = !window->failed;
    return window->failed ? CW_SPLIT_FAILED : CW_SPLIT_END;
}
