/* reader.h - from bytes to records, the same for XML, JSON, tables of text, and what is none of them.
 *
 * Two steps, on purpose. The *splitter* only looks for where records begin and end, leniently and in flat
 * memory, and gives each as a range of the received bytes: one damaged record does not hide its neighbours,
 * and what is kept raw is what came. The *parser* then reads one record strictly. Neither ever opens a file
 * or a socket.
 *
 * Record paths name the way to the records from the document's root, without predicates:
 *   XML   "orders/order": below the root element (whatever its name), every <order> directly in <orders>.
 *         "order" : every <order> directly below the root. "." : the root element itself is the one record.
 *   JSON  "orders": the members of the array under that key of the root object. "." : the members of the root
 *         when it is an array, else the root itself. "*" as the last part: every member value of the object
 *         it stands for. An object where an array was expected is one record.
 */
#ifndef CW_ADAPTERS_READER_H
#define CW_ADAPTERS_READER_H

#include "adapters/body.h"
#include "adapters/rows.h"
#include "base/arena.h"
#include "base/node.h"

/* CW_BYTES: a record that nobody takes apart here (a mail); it has no splitter, and its tree is an empty
 * object. */
enum cw_format { CW_XML, CW_JSON, CW_ROWS, CW_BYTES };

struct cw_reader_limits {
    size_t record_bytes; /* default 16 MiB */
    size_t text_bytes;   /* one text, key, name or number; default 8 MiB */
    unsigned depth;      /* default 100; more than 250 (XML) or 1000 (JSON) count as that */
    unsigned children;   /* elements in one element, or members of one object or array; default 100,000 */
};
extern const struct cw_reader_limits cw_reader_defaults;

const char *cw_format_name(enum cw_format format); /* "xml", "json", "rows", "bytes" */

struct cw_splitter;

struct cw_record {
    struct cw_slice bytes; /* valid until the next call on the splitter */
    uint64_t offset;       /* in the body */
};

/* Borrows body. `limits` NULL = defaults. CW_USAGE for a malformed path. */
struct cw_splitter *cw_splitter_create(enum cw_format format, struct cw_body *body, const char *path,
                                       const struct cw_reader_limits *limits, struct cw_error *err);
/* The same for a table of text; `rows` is borrowed too, CW_USAGE for what is wrong with it. A record is the
 * rows of one group; a faulty row is a record of its own unless it stands inside of one. CW_SPLIT_FAILED for:
 * an empty body, one that begins with '<', no line of headings, none that is the group, an end inside of
 * quotes, rows of one group in two places. */
struct cw_splitter *cw_splitter_create_rows(const struct cw_rows *rows, struct cw_body *body,
                                            const struct cw_reader_limits *limits, struct cw_error *err);
void cw_splitter_free(struct cw_splitter *splitter); /* accepts NULL */

/* Of a table: the line of its headings, which goes before the bytes of each record when it is parsed; how it
 * is read. Known after the first record or end. */
struct cw_slice cw_splitter_heading(const struct cw_splitter *splitter);
struct cw_rows_shape cw_splitter_shape(const struct cw_splitter *splitter);

enum cw_split { CW_SPLIT_RECORD, CW_SPLIT_END, CW_SPLIT_FAILED };

/* The next record. CW_SPLIT_END only when the document was seen to be complete and the container that `path`
 * names was there: an answer that holds no <orders> at all is not "no orders" (CW_INVALID, quoting how the
 * body begins). CW_SPLIT_FAILED (CW_INVALID, CW_LIMIT, CW_IO), with byte offset and line, for: text before
 * the root (a PHP notice, an HTML page), a DOCTYPE that declares something (one that only names
 * a type is passed by, and nothing is fetched), an end in the middle, a charset that is not a superset of
 * ASCII (UTF-16: say how to convert), a record over the limit, anything but white space after the end. A
 * record's own faults do not matter here as long as its end can be found. JSON: also duplicate keys on the
 * way to the records. Empty lists: XML `<orders/>`; JSON `[]`; for JSON a root of `[]` is an empty list at
 * any path (PrestaShop). */
enum cw_split cw_splitter_next(struct cw_splitter *splitter, struct cw_record *record, struct cw_error *err);

/* XML: the encoding of the document's declaration or byte-order mark ("UTF-8" when silent), which the
 * records' bytes are still in: UTF-8, US-ASCII, ISO-8859-*, windows-125*, KOI8-*. A document in single bytes
 * that says UTF-16 was converted on its way and is taken for UTF-8. JSON: "UTF-8". Known after the first
 * record or end. */
const char *cw_splitter_encoding(const struct cw_splitter *splitter);

/* A strict parser, reusable for any number of records. */
struct cw_parser;
struct cw_parser *cw_parser_create(enum cw_format format, const struct cw_reader_limits *limits,
                                   struct cw_error *err);
/* For records of a table, { row = [ { heading = text } ] }; fields without a text are left out, of two
 * headings alike the second is "NAME 2". Names live as long as the parser. CW_INVALID for a faulty row, and
 * for an id that a spreadsheet has shortened (1.23457E+11). */
struct cw_parser *cw_parser_create_rows(struct cw_rows_shape shape, const struct cw_reader_limits *limits,
                                        struct cw_error *err);
/* In which line of the table the next record's first row stands, for messages; 0 = not known. */
void cw_parser_at_line(struct cw_parser *parser, uint64_t line);
void cw_parser_free(struct cw_parser *parser); /* accepts NULL */

/* The tree of one record, in `arena`; texts may point into `bytes`. NULL and *err (CW_INVALID or CW_LIMIT
 * with line and column inside the record, CW_NOMEM) otherwise; the arena then holds only garbage. XML: white
 * space between elements is layout and no text; namespace declarations are left out, prefixes need not be
 * declared (records are cut out of their document); at most 4096 attributes an element; `encoding` as the
 * splitter gave it, converted to UTF-8 here. Refused: any DOCTYPE, undeclared entities, control characters,
 * invalid UTF-8. JSON: RFC 8259, nothing more: refused are NaN, hex, comments, trailing commas, duplicate
 * keys, invalid UTF-8, lone surrogates, \u0000, and anything after the value. `encoding` is ignored. */
const struct cw_node *cw_parse(struct cw_parser *parser, struct cw_slice bytes, const char *encoding,
                               struct cw_arena *arena, struct cw_error *err);

#endif
