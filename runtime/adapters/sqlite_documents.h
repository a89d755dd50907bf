/* sqlite_documents.h - private to the SQLite engine: documents as rows, the columns and statements of each
 * kind.
 *
 * All is generated once from the kinds' fields, so that a field is added in base/document.h and in the
 * schema, and nowhere else.
 */
#ifndef CW_ADAPTERS_SQLITE_DOCUMENTS_H
#define CW_ADAPTERS_SQLITE_DOCUMENTS_H

#include "adapters/reader.h"
#include "adapters/sqlite_engine.h"

/* A scalar field: of the document itself, or of a record that is flattened into it. */
struct cw_sqlite_column {
    int record; /* index of the field that is the record; -1 = the document's own */
    int field;  /* index in the document, or in the record */
    enum cw_type type;
    bool is_id; /* the cart's id of a record: may stand in the field or in the record's head */
    char name[CW_COLUMN_MAX];
};

/* A statement that writes rows. What a row has unset is NULL already, unless the row before had it set: most
 * fields of most documents are never set, and binding them all costs more than the row. */
struct cw_sqlite_write {
    char *sql;
    bool *bound; /* one a column */
};

/* The rows of one kind in one table. */
struct cw_sqlite_rows {
    const struct cw_kind *kind;
    int list; /* index of the list's field in its parent; -1 = the document itself */
    struct cw_sqlite_column *columns;
    size_t count;
    struct cw_sqlite_write insert, update; /* update only of documents */
    char *read;
    char *find;                         /* only of documents */
    char *clear;                        /* only of lists */
    char (*scratch)[CW_VALUE_TEXT_MAX]; /* one a column: what numbers and times are bound to */
};

enum { CW_SQLITE_KINDS = 8, CW_SQLITE_LISTS_MAX = 8 };

struct cw_sqlite_document {
    const struct cw_kind *kind;
    int currency; /* index of its currency; -1 = it has none */
    struct cw_sqlite_rows own, lists[CW_SQLITE_LISTS_MAX];
    size_t list_count;
    bool was_known; /* the document that was put last */
};

struct cw_sqlite_documents {
    struct cw_sqlite_document kinds[CW_SQLITE_KINDS];
    size_t count;
    struct cw_buffer custom;  /* fields of the site's own, on their way into a row */
    struct cw_parser *parser; /* and out of it; made when it is first needed */
    struct cw_arena arena;    /* of the parser */
};

/* The parameters of insert and update that stand before the fields' own, and the columns of read. */
enum { CW_DOC_CART = 1, CW_DOC_ID, CW_DOC_RUN, CW_DOC_AT, CW_DOC_CUSTOM, CW_DOC_FIELDS };
enum { CW_LIST_PARENT = 1, CW_LIST_POSITION, CW_LIST_CUSTOM, CW_LIST_FIELDS };
enum { CW_READ_NUMBER, CW_READ_CUSTOM, CW_READ_FIELDS };

/* Made at the first call for a kind; NULL and *err on failure. */
struct cw_sqlite_document *cw_sqlite_document_plan(struct cw_sqlite *s, const struct cw_kind *kind,
                                                   struct cw_error *err);

/* The document under a key, all of it in `arena`; *doc is NULL when there is none. A list or record without a
 * value is unset. */
bool cw_sqlite_read_document(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_slice cart,
                             struct cw_slice external_id, struct cw_arena *arena, struct cw_document **doc,
                             int64_t *number, struct cw_error *err);

/* What people decided on a key, into the caller's arena. */
bool cw_sqlite_read_edits(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_record_key key,
                          struct cw_arena *arena, struct cw_stored *out, struct cw_error *err);
bool cw_sqlite_read_releases(struct cw_sqlite *s, struct cw_record_key key, struct cw_arena *arena,
                             struct cw_stored *out, struct cw_error *err);

#endif
