/* csv.h - comma-separated values, as they come in pieces, to rows and back.
 *
 * The reader is strict, and what it gives does not depend on how the bytes were cut into pieces. The first
 * row is the header; every other one has as many fields. A field may stand in quotes and then hold delimiters
 * and line ends, with quotes doubled; blanks around a field belong to it. A row ends with LF, CRLF or CR;
 * empty lines are no rows. Text is UTF-8 with or without a byte-order mark, which is no part of the first
 * field.
 */
#ifndef CW_ADAPTERS_CSV_H
#define CW_ADAPTERS_CSV_H

#include "base/buffer.h"

enum {
    CW_CSV_FIELD_MAX = 1024 * 1024,   /* bytes of one field */
    CW_CSV_ROW_MAX = 4 * 1024 * 1024, /* bytes of one row, quotes and line ends included */
    CW_CSV_COLUMNS_MAX = 1000
};

/* --- reading --- */

struct cw_csv_row {
    const struct cw_slice *fields; /* valid during the call */
    size_t count;
    uint64_t line; /* where it begins, from 1 */
};

/* Rows come in order, the header first. False, with *err set, ends the reading. */
typedef bool cw_csv_row_fn(void *arg, const struct cw_csv_row *row, struct cw_error *err);

struct cw_csv_reader;

/* `name` is what messages call the file: "rows.csv:7: ...". `delimiter` is ',' ';' or '\t'; 0 = the one that
 * the header line has most often outside of quotes, ',' where it has none. CW_USAGE for another one. */
struct cw_csv_reader *cw_csv_reader_create(const char *name, char delimiter, cw_csv_row_fn *row, void *arg,
                                           struct cw_error *err);
void cw_csv_reader_free(struct cw_csv_reader *reader); /* accepts NULL */

/* The next bytes. CW_INVALID, naming the line and what to do: a quote inside a field without quotes, anything
 * between a closing quote and the delimiter, a row with more or fewer fields than the header, a zero byte,
 * bytes that are not UTF-8 (UTF-16 is told apart), a header with two delimiters equally often. CW_LIMIT past
 * the limits above. The first error is repeated by every later call. */
bool cw_csv_reader_add(struct cw_csv_reader *reader, struct cw_slice bytes, struct cw_error *err);
/* No more bytes come. CW_INVALID also for a quoted field that does not end, and when there was no row at all.
 */
bool cw_csv_reader_end(struct cw_csv_reader *reader, struct cw_error *err);

/* --- writing --- */

struct cw_csv_style {
    char delimiter; /* 0 = ',' */
    bool crlf;      /* rows end with CRLF instead of LF */
    /* Puts ' before fields that a spreadsheet would run as a formula (those that begin with = + - @, a tab or
     * a carriage return and are no number). This changes data: not for files that programs read. */
    bool guard_formulas;
};

/* Appends one row; `style` NULL = { 0 }. Quotes stand where a reader needs them. CW_INVALID for a field that
 * is not UTF-8 or holds a zero byte; `out` is then unchanged. */
bool cw_csv_write_row(struct cw_buffer *out, const struct cw_csv_style *style, const struct cw_slice *fields,
                      size_t count, struct cw_error *err);

#endif
