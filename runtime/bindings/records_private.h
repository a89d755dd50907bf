/* records_private.h - the inside of a records object, for records.c and its siblings.
 *
 * Records are their own ranges of one body, followed by segments: whole other records objects, appended. What
 * was appended or attached somewhere does not change any more (`frozen`), which also keeps circles out.
 */
#ifndef CW_BINDINGS_RECORDS_PRIVATE_H
#define CW_BINDINGS_RECORDS_PRIVATE_H

#include "adapters/charset.h"
#include "base/node.h"
#include "bindings/records.h"

enum { RANGE_OFFSET_BITS = 38, RANGE_LEN_BITS = 26 }; /* bodies of 256 GiB, records of 64 MiB */

/* 8 bytes a record are all that stands in memory of a body in a file. */
struct range {
    uint64_t offset : RANGE_OFFSET_BITS;
    uint64_t len : RANGE_LEN_BITS;
};

struct segment {
    struct cw_records *records; /* one reference */
    size_t first, count;        /* of the whole */
};

/* Which of `others` belong to each record: items[start[i]] up to items[start[i + 1]], for i below `count`. */
struct join {
    struct cw_slice name;
    struct cw_records *others; /* one reference */
    size_t count;
    uint32_t *start;
    uint32_t *items;
};

/* Where the id stands; shared by all records of a restored set. */
struct id_path {
    unsigned users;
    struct cw_arena arena;
    const struct cw_path *path;
};

struct cw_records {
    unsigned users;
    bool frozen;
    struct cw_body *body;
    enum cw_format format;
    char encoding[64];
    char kept_as[CW_ROWS_FORMAT_MAX]; /* the format's name beside raw records */
    struct cw_rows_shape shape;       /* of rows */
    struct cw_slice heading;          /* the line that belongs to each record; allocated */
    uint64_t counted, lines;          /* lines in the first so many bytes of the body */
    struct cw_slice given_id;         /* of a record that has none in it; allocated */
    struct id_path *id;
    struct range *ranges;
    size_t own_count, own_cap;
    struct segment *segments;
    size_t segment_count;
    struct join **joins;
    size_t join_count;
    struct cw_parser *parser;      /* made when first needed */
    struct cw_arena trees;         /* kept trees, and their bytes unless the body is in memory */
    const struct cw_node **cached; /* by own index; NULL until a tree is kept */
};

void cw_id_path_drop(struct id_path *id); /* one user less; accepts NULL */

/* The appended records that hold record `i`; NULL when it is one of its own. */
const struct segment *cw_records_segment(const struct cw_records *records, size_t i);
/* The records object that record *i really belongs to; *i becomes its index there. */
struct cw_records *cw_records_home(struct cw_records *records, size_t *i);

/* The tree of one record: a kept one, else parsed into `arena` from `bytes` (data NULL: read them). */
const struct cw_node *cw_records_tree(struct cw_records *records, size_t i, struct cw_arena *arena,
                                      struct cw_slice bytes, struct cw_error *err);
/* The same, and it is kept for the next who asks while there is room. */
const struct cw_node *cw_records_kept_tree(struct cw_records *records, size_t i, struct cw_arena *arena,
                                           struct cw_error *err);
bool cw_records_kept_scope(struct cw_records *records, size_t i, struct cw_arena *arena,
                           struct cw_scope *scope, struct cw_error *err);

/* Sets the scope's parts: what is attached to record `i`. */
bool cw_records_add_parts(struct cw_records *records, size_t i, struct cw_arena *arena,
                          struct cw_scope *scope, struct cw_error *err);
void cw_join_free(struct join *join); /* accepts NULL */

/* Looks for the value of a name directly below the record's root in bytes that cannot be parsed. `path` is
 * the id path; only a single name or @name is looked for. */
bool cw_lenient_find(enum cw_format format, struct cw_slice bytes, struct cw_slice path,
                     struct cw_slice *found);
/* The same in a table's record, of which a row cannot be read: the text of its first row under the heading of
 * "row/'HEADING'". */
bool cw_lenient_find_in_rows(struct cw_rows_shape shape, struct cw_slice bytes, struct cw_slice path,
                             struct cw_slice *found);

#endif
