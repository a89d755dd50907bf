/* sqlite_documents.h - private to the SQLite engine: the statements of each kind of document. */
#ifndef CW_ADAPTERS_SQLITE_DOCUMENTS_H
#define CW_ADAPTERS_SQLITE_DOCUMENTS_H

#include "adapters/sqlite_engine.h"
#include "adapters/store_document_read.h"

/* A statement that writes rows. What a row has unset is NULL already, unless the row before had it set: most
 * fields of most documents are never set, and binding them all costs more than the row. */
struct cw_sqlite_write {
    char *sql;
    bool *bound; /* one a column */
};

struct cw_sqlite_rows {
    const struct cw_store_rows *of;
    struct cw_sqlite_write insert, update; /* update only of documents */
    char *read;
    char *find, *drop; /* only of documents */
    char *clear;       /* only of lists */
};

struct cw_sqlite_document {
    struct cw_store_document plan;
    struct cw_sqlite_rows own, lists[CW_STORE_LISTS_MAX]; /* of those of the plan */
    bool was_known;                                       /* the document that was put last */
};

struct cw_sqlite_documents {
    struct cw_sqlite_document kinds[CW_STORE_KINDS];
    size_t count;
    struct cw_buffer custom; /* fields of the site's own, on their way into a row */
    struct cw_store_reader reader;
};

/* The parameters that stand before the fields' own in what inserts members of a list. */
enum { CW_LIST_PARENT = 1, CW_LIST_POSITION, CW_LIST_CUSTOM, CW_LIST_FIELDS };

/* Made at the first call for a kind; NULL and *err on failure. */
struct cw_sqlite_document *cw_sqlite_document_plan(struct cw_sqlite *s, const struct cw_kind *kind,
                                                   struct cw_error *err);

/* The document under a key, all of it in `arena`; *doc is NULL when there is none. A list or record without a
 * value is unset. */
bool cw_sqlite_read_document(struct cw_sqlite *s, const struct cw_kind *kind, struct cw_slice cart,
                             struct cw_slice external_id, struct cw_arena *arena, struct cw_document **doc,
                             int64_t *number, struct cw_error *err);

#endif
