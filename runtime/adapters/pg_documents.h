/* pg_documents.h - private to the PostgreSQL engine: the statements of each kind of document, and reading
 * many documents at once. */
#ifndef CW_ADAPTERS_PG_DOCUMENTS_H
#define CW_ADAPTERS_PG_DOCUMENTS_H

#include "adapters/pg_engine.h"
#include "adapters/store_document_read.h"
#include "base/arena.h"

/* Of members of a list that one statement adds: each statement costs the server more than a row does. */
enum { CW_PG_MEMBERS_MAX = 4 };

struct cw_pg_rows {
    const struct cw_store_rows *of;
    /* Of documents the first one alone: inserts or replaces the row, and removes its lists; else each adds
     * one member more than the one before it. NULL = it would have too many values. */
    char *write[CW_PG_MEMBERS_MAX];
    char *read; /* of many documents by their keys, or of many lists by their documents' numbers */
    char *drop; /* only of documents */
};

struct cw_pg_document {
    struct cw_store_document plan;
    struct cw_pg_rows own, lists[CW_STORE_LISTS_MAX]; /* of those of the plan */
};

struct cw_pg_documents {
    struct cw_pg_document kinds[CW_STORE_KINDS];
    size_t count;
    struct cw_buffer custom; /* fields of the site's own, on their way into a row */
    struct cw_arena members; /* values of members that wait for those behind them */
    struct cw_store_reader reader;
};

/* The parameters of what adds members of a list: the document's key, and then of each member these before its
 * fields. */
enum { CW_PG_LIST_CART = 1, CW_PG_LIST_ID, CW_PG_LIST_MEMBERS };
enum { CW_PG_MEMBER_POSITION, CW_PG_MEMBER_CUSTOM, CW_PG_MEMBER_FIELDS };

/* How many parameters so many members have, with the document's key. */
static inline size_t cw_pg_members_values(const struct cw_store_rows *list, size_t members)
{
    return CW_PG_LIST_MEMBERS - 1 + members * (CW_PG_MEMBER_FIELDS + list->count);
}

/* Made at the first call for a kind; NULL and *err on failure. */
struct cw_pg_document *cw_pg_document_plan(struct cw_pg *pg, const struct cw_kind *kind,
                                           struct cw_error *err);

/* Reads the documents of `kind` under many keys into out[i].doc and .number, lists included, all of them in
 * `arena`; a stream is not needed. With `decisions` the edits and releases too. `out` and `keys` must stay
 * valid until `done`. */
struct cw_pg_fetch {
    const struct cw_kind *kind;
    const struct cw_record_key *keys;
    size_t count;
    bool decisions;
    struct cw_arena *arena;
    struct cw_stored *out;
};
void cw_pg_fetch(struct cw_pg *pg, const struct cw_pg_fetch *fetch, cw_store_done_fn *done, void *arg);

#endif
