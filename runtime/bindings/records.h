/* records.h - the records of one answer: ranges of its bytes, what is attached to them, and their trees on
 * demand.
 *
 * Plain C, used by the Lua binding (lua_records.c) and by the pipeline. A records object owns its body. Trees
 * are parsed when first asked for and kept while the whole stays below CW_RECORDS_TREES_MAX, so that
 * attaching and mapping do not parse twice; beyond, they are parsed again.
 */
#ifndef CW_BINDINGS_RECORDS_H
#define CW_BINDINGS_RECORDS_H

#include "adapters/reader.h"
#include "adapters/store.h"
#include "base/hash.h"
#include "mapping/path.h"

enum {
    CW_RECORDS_TREES_MAX = 16 * 1024 * 1024,
    CW_RECORDS_TRIED_MAX = 4 * 1024 * 1024, /* bytes; beyond, a file holds many records */
    CW_RECORDS_PARTS_MAX = 1000             /* of one record: a product has that many combinations */
};

struct cw_records;

/* Takes over body, also on failure. Splits all of it: an error leaves nothing. `path` is a record path, `id`
 * a path inside a record. The format is taken from the first byte that is no white space or byte-order mark.
 * A body in UTF-16 is converted first, as a whole.
 */
struct cw_records *cw_records_open(struct cw_body *body, const char *path, const char *id,
                                   struct cw_error *err);
/* Of several paths, one at least, the first at which there are records, each of them with an id; the last one
 * is not asked that. Only bodies up to CW_RECORDS_TRIED_MAX are tried: larger ones have their records at the
 * last. */
struct cw_records *cw_records_open_first(struct cw_body *body, const char *const *paths, size_t count,
                                         const char *id, struct cw_error *err);
/* The same as cw_records_open for a table of text. A record's bytes are the headings' line with its rows. */
struct cw_records *cw_records_open_rows(struct cw_body *body, const struct cw_rows *rows, const char *id,
                                        struct cw_error *err);
/* All of the body as one record of that id, which is neither. */
struct cw_records *cw_records_open_whole(struct cw_body *body, struct cw_slice id, struct cw_error *err);
void cw_records_free(struct cw_records *records); /* accepts NULL */

/* How a body begins: its first line from the first byte that is no white space, up to 120 bytes, escaped. */
enum { CW_RECORDS_QUOTE_MAX = 512 };
void cw_records_quote(struct cw_body *body, char out[CW_RECORDS_QUOTE_MAX]);

/* An empty set for cw_records_restore. */
struct cw_records *cw_records_create(const char *id, struct cw_error *err);
/* Adds a stored record with what was attached to it, as if it had just come. Copies everything. All records
 * of a set have one format and encoding (CW_INVALID otherwise). Rows and whole bodies keep the id of their
 * key. */
bool cw_records_restore(struct cw_records *records, const struct cw_raw *raw, struct cw_error *err);

size_t cw_records_count(const struct cw_records *records);
enum cw_format cw_records_format(const struct cw_records *records);
const char *cw_records_encoding(const struct cw_records *records);
/* The format as it is kept beside raw records: "xml", "rows semicolon". */
const char *cw_records_kept_as(const struct cw_records *records);

/* The bytes of record `i`, in `arena` unless the body is in memory. */
bool cw_records_bytes(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice *bytes,
                      struct cw_error *err);

/* Record `i` with its attached parts, ready for paths. `bytes` as above. The tree lives in `arena` or in the
 * records, at least as long as both. false: this record is damaged, err says where; others are not affected.
 */
bool cw_records_scope(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice bytes,
                      struct cw_scope *scope, struct cw_error *err);

/* What is attached to record `i`, as it is kept raw. */
bool cw_records_parts(struct cw_records *records, size_t i, struct cw_arena *arena,
                      struct cw_raw_part **parts, size_t *count, struct cw_error *err);

/* Longer texts are no ids, and no index of a store takes them. */
enum { CW_RECORD_ID_MAX = 500 }; /* bytes */

/* The id: text at the id path, copied into `arena`. CW_INVALID when there is none. Ids of damaged records are
 * looked for leniently in their bytes, so that they can be parked under their own name; else "damaged:" and
 * the beginning of their hash. */
bool cw_records_id(struct cw_records *records, size_t i, const struct cw_scope *scope, struct cw_arena *arena,
                   struct cw_slice *id, struct cw_error *err);

/* See cartwright.Records in scripts/types/cart.lua. What was attached or appended somewhere is frozen:
 * attaching to it or appending to it is CW_USAGE, so that no record changes behind the back of another.
 * Damaged records get nothing and give nothing. `here` may begin at a part attached before
 * ("$delivery/id_country" finds the address's country). Where `here` or `there` finds several texts, one that
 * is equal suffices, and each of `others` is attached at most once. `here` and `there` NULL: all of `others`
 * belong to every record. */
bool cw_records_attach(struct cw_records *records, const char *name, struct cw_records *others,
                       const char *here, const char *there,
                       struct cw_error *err); /* keeps a reference on others */
bool cw_records_append(struct cw_records *records, struct cw_records *others, struct cw_error *err);
/* Calls text(arg, t) for each distinct text at the paths, without "" and "0". */
bool cw_records_collect(struct cw_records *records, const char *const *paths, size_t path_count,
                        void (*text)(void *arg, struct cw_slice t), void *arg, struct cw_error *err);
/* The id of record `i` whether or not it can be parsed; see cw_records_id. */
bool cw_records_any_id(struct cw_records *records, size_t i, struct cw_arena *arena, struct cw_slice *id,
                       struct cw_error *err);
/* Whoever handed out the bodies (their receipts) may forget them: all of these records are stored. */
void cw_records_tell_stored(const struct cw_records *records);
bool cw_records_fingerprint(struct cw_records *records, struct cw_hash *out, struct cw_error *err);

#endif
