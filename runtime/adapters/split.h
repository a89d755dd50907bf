/* split.h - the splitters behind reader.h: what reader.c shares with xml_split.c, json_split.c and
 * rows_split.c. */
#ifndef CW_ADAPTERS_SPLIT_H
#define CW_ADAPTERS_SPLIT_H

#include "adapters/charset.h"
#include "adapters/reader.h"
#include "adapters/window.h"
#include "base/buffer.h"

enum { CW_PATH_NAMES_MAX = 16, CW_PATH_TEXT_MAX = 512, CW_ENCODING_MAX = 32, CW_XML_NAME_KEPT = 256 };

/* "orders/order" in parts; count 0 = ".". */
struct cw_split_path {
    char text[CW_PATH_TEXT_MAX];
    struct cw_slice names[CW_PATH_NAMES_MAX]; /* into text */
    unsigned count;
};

/* An element's name as written, prefix and all; len 0 = too long to be kept. */
struct cw_xml_name {
    char text[CW_XML_NAME_KEPT];
    size_t len;
    uint64_t begin; /* of its start tag in the body */
};

struct cw_xml_split {
    struct cw_window window;
    const struct cw_split_path *path;
    char encoding[CW_ENCODING_MAX];
    struct cw_xml_name open[CW_PATH_NAMES_MAX]; /* the root and the elements of the path that are open */
    unsigned opened;
    bool begun, container_seen, root_ended;
    bool recovered; /* the element before ended where its tags did not say so */
    bool found;     /* a record, the first */
    bool other;     /* something else came below the root, before any record */
};

void cw_xml_split_init(struct cw_xml_split *split, const struct cw_body *body,
                       const struct cw_split_path *path, const struct cw_reader_limits *limits, size_t step);
enum cw_split cw_xml_split_next(struct cw_xml_split *split, struct cw_record *record);

struct cw_json_split {
    struct cw_window window;
    const struct cw_split_path *path;
    unsigned level; /* objects of the path that are open */
    enum { JSON_ROOT, JSON_WAY, JSON_LIST } state;
    uint64_t begin;               /* of the list or object entered last */
    char close;                   /* of the list: ']' or '}' */
    bool first;                   /* no member of the list or object came yet */
    bool found;                   /* the container was there */
    bool seen[CW_PATH_NAMES_MAX]; /* the key of the path at that level came already */
};

void cw_json_split_init(struct cw_json_split *split, const struct cw_body *body,
                        const struct cw_split_path *path, const struct cw_reader_limits *limits, size_t step);
enum cw_split cw_json_split_next(struct cw_json_split *split, struct cw_record *record);

struct cw_rows_split {
    struct cw_window window;
    const struct cw_rows *rows;
    struct cw_rows_shape shape;
    char encoding[CW_ENCODING_MAX];
    struct cw_buffer heading; /* its line, as received */
    uint64_t heading_at;
    size_t columns, group;   /* group: its column; SIZE_MAX = there is none */
    struct cw_text_row *row; /* the one that begins at the window's position, when it was looked at */
    struct cw_buffer key;    /* of the record in hand */
    uint64_t *seen;          /* hashes of the keys of all records so far */
    size_t seen_size, seen_count;
    bool begun, ended;
};

bool cw_rows_split_init(struct cw_rows_split *split, const struct cw_body *body, const struct cw_rows *rows,
                        const struct cw_reader_limits *limits, size_t step, struct cw_error *err);
void cw_rows_split_fini(struct cw_rows_split *split);
enum cw_split cw_rows_split_next(struct cw_rows_split *split, struct cw_record *record);

/* cw_splitter_create with a window of its own size, for tests that what is found does not depend on it. */
struct cw_splitter *cw_splitter_create_stepped(enum cw_format format, struct cw_body *body, const char *path,
                                               const struct cw_reader_limits *limits, size_t step,
                                               struct cw_error *err);

struct cw_splitter *cw_splitter_create_rows_stepped(const struct cw_rows *rows, struct cw_body *body,
                                                    const struct cw_reader_limits *limits, size_t step,
                                                    struct cw_error *err);

/* The parsers behind cw_parse. */
struct cw_xml_parser *cw_xml_parser_create(const struct cw_reader_limits *limits, struct cw_error *err);
void cw_xml_parser_free(struct cw_xml_parser *parser);
const struct cw_node *cw_xml_parse(struct cw_xml_parser *parser, struct cw_slice bytes, const char *encoding,
                                   struct cw_arena *arena, struct cw_error *err);
struct cw_json_parser *cw_json_parser_create(const struct cw_reader_limits *limits, struct cw_error *err);
void cw_json_parser_free(struct cw_json_parser *parser);
const struct cw_node *cw_json_parse(struct cw_json_parser *parser, struct cw_slice bytes,
                                    struct cw_arena *arena, struct cw_error *err);
struct cw_rows_parser *cw_rows_parser_create(struct cw_rows_shape shape,
                                             const struct cw_reader_limits *limits, struct cw_error *err);
void cw_rows_parser_free(struct cw_rows_parser *parser);
const struct cw_node *cw_rows_parse(struct cw_rows_parser *parser, struct cw_slice bytes,
                                    const char *encoding, uint64_t line, struct cw_arena *arena,
                                    struct cw_error *err);

#endif
