/* rows.h - tables of text (CSV, TSV) as records: how they are read, and one row of them.
 *
 * A record is the line of the headings with rows that follow each other, byte for byte. A row ends with LF,
 * CRLF or CR. A field may stand in quotes, with quotes doubled, and then hold delimiters and line ends;
 * spreadsheets write ="00123" and '00123 to keep zeros. A quote anywhere else, or one that does not end, is a
 * fault of its row: that row then ends with its first line, and the next line is a row again.
 */
#ifndef CW_ADAPTERS_ROWS_H
#define CW_ADAPTERS_ROWS_H

#include "base/arena.h"
#include "base/error.h"

enum { CW_ROWS_COLUMNS_MAX = 1000, CW_ROW_MAX = 1024 * 1024, CW_ROWS_FORMAT_MAX = 32 };

/* How the fields of a row are told apart. */
struct cw_rows_shape {
    char delimiter; /* , ; tab | */
    bool plain;     /* quotes are characters like any other */
};

struct cw_rows {
    struct cw_rows_shape shape; /* delimiter '\0' = the one that the headings' line has most of */
    const char *charset;        /* of a table without a byte-order mark; NULL = UTF-8 */
    const char *const *groups;  /* rows that follow each other with the same text under it are one record: the
                                   first  heading of these that is there */
    size_t group_count;         /* 0 = each row is a record */
    const char *const *headings;
    size_t heading_count;  /* 0: the table has them in one of its lines */
    unsigned heading_line; /* in this one, from 1; 0 = the first with a text in more than one field */
    const char *footer;    /* a row with this text in its first or second field ends the table */
};

/* "rows comma", "rows tab plain": how the shape is stored beside a raw record. */
void cw_rows_format(struct cw_rows_shape shape, char out[CW_ROWS_FORMAT_MAX]);
bool cw_rows_read_format(struct cw_slice text, struct cw_rows_shape *shape);

struct cw_text_row {
    struct cw_slice
        fields[CW_ROWS_COLUMNS_MAX]; /* as written, quotes and all; of a faulty row those before the fault */
    size_t count, len;               /* len: bytes up to and with its line end */
    const char *fault;               /* NULL = it can be read */
    bool is_open;                    /* the fault is a quote without its end, up to the end of the table */
};

/* The row that `bytes` begin with. False: it does not end in them, and more follow (`whole` false). */
bool cw_row_scan(struct cw_slice bytes, bool whole, struct cw_rows_shape shape, struct cw_text_row *row);

/* A row with more texts than there are columns is faulty. */
void cw_row_check(struct cw_slice bytes, size_t columns, struct cw_text_row *row);

/* The text of a field without quotes, blanks around it, and what spreadsheets put around it. data NULL: the
 * arena is exhausted. */
struct cw_slice cw_row_text(struct cw_slice field, bool plain, struct cw_arena *arena);

/* The same without an arena, for comparing: doubled quotes stay doubled. */
struct cw_slice cw_row_key(struct cw_slice field, bool plain);

/* Whether a spreadsheet has made a number with an exponent of a long id: its digits are lost. */
bool cw_row_is_shortened(struct cw_slice text);

bool cw_row_is_blank(const struct cw_text_row *row, bool plain);

/* Bytes up to the end of the first line; 0 = there is none in them. */
size_t cw_row_line(struct cw_slice bytes, bool whole);

#endif
