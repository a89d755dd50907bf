/* csv.c - reading CSV with libcsv, which finds fields and rows; lines, limits and encodings are watched here.
 */
#include "adapters/csv.h"

#include <csv.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/utf8.h"

enum {
    PIECE_MAX = 4096,              /* bytes given to libcsv at once */
    FIELD_STEP = 4096,             /* bytes by which its buffer grows */
    HEAD_MAX = CW_CSV_ROW_MAX + 16 /* bytes before the end of the header line */
};

static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF";

struct cw_csv_reader {
    struct csv_parser parser;
    char *name;
    char delimiter; /* 0 = not known yet */
    cw_csv_row_fn *row;
    void *arg;
    bool failed;
    struct cw_error err;

    struct cw_buffer head; /* everything up to the end of the header line */
    bool begun;            /* the header line was seen; the head is not used any more */
    bool head_has_text, head_in_quotes;

    uint64_t line, row_line, field_line; /* of the next byte; where the row and the field begin */
    bool after_cr;                       /* a line feed would belong to the line before */
    bool in_row;
    size_t row_bytes;
    struct cw_buffer texts; /* of the row's fields, one behind the other */
    size_t ends[CW_CSV_COLUMNS_MAX];
    struct cw_slice fields[CW_CSV_COLUMNS_MAX];
    size_t count, columns; /* of this row; of the header, 0 = it is still to come */
};

/* The first error is the one that is kept. */
static bool fail(struct cw_csv_reader *reader, enum cw_code code, uint64_t line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static bool fail(struct cw_csv_reader *reader, enum cw_code code, uint64_t line, const char *fmt, ...)
{
    char text[CW_ERROR_TEXT_MAX];
    va_list args;
    if (reader->failed)
        return false;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    reader->failed = true;
    return cw_fail(&reader->err, code, "%s:%" PRIu64 ": %s", reader->name, line, text);
}

/* --- fields and rows, as libcsv finds them --- */

static bool check_text(struct cw_csv_reader *reader, struct cw_slice text)
{
    const char *p = text.data, *end = cw_slice_end(text);
    while (p < end) {
        uint32_t point;
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0)
            return fail(reader, CW_INVALID, reader->field_line,
                        "byte 0x%02x of field %zu is not UTF-8; save the file as \"CSV UTF-8\", or convert "
                        "it: iconv -f WINDOWS-1252 -t UTF-8",
                        (unsigned char)*p, reader->count + 1);
        p += width;
    }
    return true;
}

static void take_field(void *data, size_t len, void *arg)
{
    struct cw_csv_reader *reader = arg;
    struct cw_slice text = { data, len };
    if (reader->failed)
        return;
    if (len > CW_CSV_FIELD_MAX)
        fail(reader, CW_LIMIT, reader->field_line, "field %zu is longer than %d bytes", reader->count + 1,
             CW_CSV_FIELD_MAX);
    else if (reader->columns == 0 && reader->count == CW_CSV_COLUMNS_MAX)
        fail(reader, CW_LIMIT, reader->row_line, "the header has more than %d columns", CW_CSV_COLUMNS_MAX);
    else if (check_text(reader, text) && reader->count < CW_CSV_COLUMNS_MAX) {
        if (!cw_buffer_add(&reader->texts, text.data, text.len, &reader->err))
            reader->failed = true;
        reader->ends[reader->count] = reader->texts.len;
    }
    reader->count++;
    reader->field_line = reader->line;
}

static const char *delimiter_name(char delimiter)
{
    return delimiter == ',' ? "comma" : delimiter == ';' ? "semicolon" : "tab";
}

static void give_row(struct cw_csv_reader *reader)
{
    const char *text = reader->texts.data != NULL ? reader->texts.data : "";
    for (size_t i = 0, begin = 0; i < reader->count; begin = reader->ends[i++])
        reader->fields[i] = (struct cw_slice){ text + begin, reader->ends[i] - begin };
    struct cw_csv_row row = { reader->fields, reader->count, reader->row_line };
    reader->failed = !reader->row(reader->arg, &row, &reader->err);
}

static void take_row(int end, void *arg)
{
    struct cw_csv_reader *reader = arg;
    (void)end;
    if (reader->columns == 0)
        reader->columns = reader->count;
    if (!reader->failed && reader->count != reader->columns)
        fail(reader, CW_INVALID, reader->row_line,
             "this row has %zu fields and the header %zu; a field that holds a %s or a line end stands in "
             "quotes",
             reader->count, reader->columns, delimiter_name(reader->delimiter));
    if (!reader->failed)
        give_row(reader);
    cw_buffer_clear(&reader->texts);
    reader->count = 0;
    reader->in_row = false;
}

/* --- bytes --- */

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Up to and with the next line end, so that what libcsv tells meanwhile is on this line; a zero byte stands
 * alone, so that faults before it are told before it. */
static size_t piece_length(struct cw_slice bytes, size_t most)
{
    size_t len = 0;
    while (len < bytes.len && len < most && bytes.data[len] != '\0')
        if (is_line_end(bytes.data[len++]))
            break;
    return len > 0 ? len : 1;
}

static void count_line(struct cw_csv_reader *reader, struct cw_slice piece)
{
    char last = piece.data[piece.len - 1];
    bool ends_crlf = last == '\n' && piece.len == 1 && reader->after_cr;
    if (is_line_end(last) && !ends_crlf)
        reader->line++;
    reader->after_cr = last == '\r';
}

static void begin_row(struct cw_csv_reader *reader)
{
    reader->in_row = true;
    reader->row_bytes = 0;
    reader->row_line = reader->field_line = reader->line;
}

static bool fail_parse(struct cw_csv_reader *reader)
{
    if (csv_error(&reader->parser) != CSV_EPARSE)
        return fail(reader, CW_NOMEM, reader->line, "no memory left for field %zu", reader->count + 1);
    return fail(reader, CW_INVALID, reader->line,
                "a quote stands in the middle of field %zu; a field with quotes in it stands in quotes "
                "itself, with each of them doubled: \"a \"\"b\"\" c\"",
                reader->count + 1);
}

static bool feed_piece(struct cw_csv_reader *reader, struct cw_slice piece)
{
    if (piece.data[0] == '\0')
        return fail(reader, CW_INVALID, reader->line,
                    "a zero byte, which no text holds; is this a CSV file, in UTF-8?");
    size_t done = csv_parse(&reader->parser, piece.data, piece.len, take_field, take_row, reader);
    if (done != piece.len)
        return fail_parse(reader);
    reader->row_bytes += piece.len;
    count_line(reader, piece);
    return !reader->failed;
}

static bool feed(struct cw_csv_reader *reader, struct cw_slice bytes)
{
    while (bytes.len > 0) {
        if (!reader->in_row && !is_line_end(bytes.data[0]))
            begin_row(reader);
        size_t room = reader->in_row ? CW_CSV_ROW_MAX - reader->row_bytes : PIECE_MAX;
        if (room == 0)
            return fail(reader, CW_LIMIT, reader->row_line,
                        "the row that begins here is longer than %d bytes; does a quote that was opened here "
                        "never end?",
                        CW_CSV_ROW_MAX);
        size_t len = piece_length(bytes, room < PIECE_MAX ? room : PIECE_MAX);
        if (!feed_piece(reader, (struct cw_slice){ bytes.data, len }))
            return false;
        bytes.data += len;
        bytes.len -= len;
    }
    return true;
}

/* --- the header line --- */

/* Bytes up to where the header line ends; all of them when it does not. Quotes are counted as they come:
 * whether they stand where they may is seen later. */
static size_t scan_head(struct cw_csv_reader *reader, struct cw_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];
        if (is_line_end(c) && !reader->head_in_quotes && reader->head_has_text)
            return i;
        reader->head_has_text = reader->head_has_text || !is_line_end(c);
        reader->head_in_quotes = reader->head_in_quotes != (c == '"');
    }
    return bytes.len;
}

static bool check_encoding(struct cw_csv_reader *reader, struct cw_slice head)
{
    if (head.len < 2)
        return true;
    const unsigned char first = (unsigned char)head.data[0], second = (unsigned char)head.data[1];
    if ((first == 0xFF && second == 0xFE) || (first == 0xFE && second == 0xFF) ||
        (first == 0) != (second == 0))
        return fail(
            reader, CW_INVALID, 1,
            "this is UTF-16; save the file as \"CSV UTF-8\", or convert it: iconv -f UTF-16 -t UTF-8");
    return true;
}

static void count_delimiters(struct cw_slice line, size_t counts[3])
{
    bool in_quotes = false;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];
        in_quotes = in_quotes != (c == '"');
        if (!in_quotes)
            for (size_t k = 0; k < 3; k++)
                counts[k] += c == ",;\t"[k];
    }
}

static bool find_delimiter(struct cw_csv_reader *reader, struct cw_slice line)
{
    size_t counts[3] = { 0 }, most = 0;
    count_delimiters(line, counts);
    for (size_t k = 1; k < 3; k++)
        if (counts[k] > counts[most])
            most = k;
    for (size_t k = most + 1; k < 3; k++)
        if (counts[k] == counts[most] && counts[k] > 0)
            return fail(reader, CW_INVALID, reader->line,
                        "the header line has as many %ss as %ss, so it does not say which of them separates "
                        "the columns; put names that hold one of them in quotes",
                        delimiter_name(",;\t"[most]), delimiter_name(",;\t"[k]));
    reader->delimiter = ",;\t"[most];
    return true;
}

/* Everything that was kept so far is given to libcsv, once it is known how to read it. */
static bool begin(struct cw_csv_reader *reader)
{
    struct cw_slice head = cw_buffer_slice(&reader->head);
    size_t mark = sizeof BYTE_ORDER_MARK - 1, empty = 0;
    reader->begun = true;
    if (!check_encoding(reader, head))
        return false;
    if (head.len >= mark && memcmp(head.data, BYTE_ORDER_MARK, mark) == 0)
        head = (struct cw_slice){ head.data + mark, head.len - mark };
    while (empty < head.len && is_line_end(head.data[empty]))
        empty++;
    feed(reader, (struct cw_slice){ head.data, empty });
    head = (struct cw_slice){ head.data + empty, head.len - empty };
    if (reader->delimiter == 0 && !find_delimiter(reader, head))
        return false;
    csv_set_delim(&reader->parser, (unsigned char)reader->delimiter);
    bool ok = feed(reader, head);
    cw_buffer_fini(&reader->head);
    return ok;
}

/* The header line and nothing behind it; one that is too long is found so when it is fed. */
static bool add_to_head(struct cw_csv_reader *reader, struct cw_slice bytes)
{
    size_t room = HEAD_MAX - reader->head.len;
    size_t len = scan_head(reader, (struct cw_slice){ bytes.data, bytes.len < room ? bytes.len : room });
    if (!cw_buffer_add(&reader->head, bytes.data, len, &reader->err)) {
        reader->failed = true;
        return false;
    }
    if (len == bytes.len && len < room)
        return true;
    return begin(reader) && feed(reader, (struct cw_slice){ bytes.data + len, bytes.len - len });
}

/* --- life --- */

static int is_no_space(unsigned char c)
{
    (void)c;
    return 0;
}

struct cw_csv_reader *cw_csv_reader_create(const char *name, char delimiter, cw_csv_row_fn *row, void *arg,
                                           struct cw_error *err)
{
    if (delimiter != 0 && memchr(",;\t", delimiter, 3) == NULL) {
        cw_fail(err, CW_USAGE, "columns are separated by a comma, a semicolon or a tab, not by '%c'",
                delimiter);
        return NULL;
    }
    struct cw_csv_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL || (reader->name = strdup(name)) == NULL ||
        csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        cw_fail(err, CW_NOMEM, "no memory to read %s", name);
        cw_csv_reader_free(reader);
        return NULL;
    }
    csv_set_space_func(&reader->parser, is_no_space);
    csv_set_blk_size(&reader->parser, FIELD_STEP);
    reader->delimiter = delimiter;
    reader->row = row;
    reader->arg = arg;
    reader->line = 1;
    return reader;
}

void cw_csv_reader_free(struct cw_csv_reader *reader)
{
    if (reader == NULL)
        return;
    csv_free(&reader->parser);
    cw_buffer_fini(&reader->head);
    cw_buffer_fini(&reader->texts);
    free(reader->name);
    free(reader);
}

static bool answer(const struct cw_csv_reader *reader, struct cw_error *err)
{
    if (reader->failed && err != NULL)
        *err = reader->err;
    return !reader->failed;
}

bool cw_csv_reader_add(struct cw_csv_reader *reader, struct cw_slice bytes, struct cw_error *err)
{
    if (!reader->failed && bytes.len > 0) {
        if (reader->begun)
            feed(reader, bytes);
        else
            add_to_head(reader, bytes);
    }
    return answer(reader, err);
}

static bool finish(struct cw_csv_reader *reader)
{
    if (!reader->begun && !begin(reader))
        return false;
    if (csv_fini(&reader->parser, take_field, take_row, reader) != 0)
        return fail(reader, CW_INVALID, reader->field_line,
                    "the quotes of field %zu, which begins here, do not end; is the file whole?",
                    reader->count + 1);
    if (reader->columns == 0)
        return fail(reader, CW_INVALID, 1, "the file is empty; its first line names the columns");
    return true;
}

bool cw_csv_reader_end(struct cw_csv_reader *reader, struct cw_error *err)
{
    if (!reader->failed)
        finish(reader);
    return answer(reader, err);
}
