/* store_document_read.h - private to the store: rows back into documents, edits and releases, whatever engine
 * the rows come from. The opposite of cw_store_bind_column, value by value.
 */
#ifndef CW_ADAPTERS_STORE_DOCUMENT_READ_H
#define CW_ADAPTERS_STORE_DOCUMENT_READ_H

#include "adapters/reader.h"
#include "adapters/store_document_plan.h"

/* The row in hand, as an engine has it; columns count from `first`. */
struct cw_store_row {
    const struct cw_store_row_type {
        bool (*is_null)(const struct cw_store_row *row, int column);
        struct cw_slice (*text)(const struct cw_store_row *row, int column); /* NULL as data NULL */
        int64_t (*integer)(const struct cw_store_row *row, int column);
    } * type;
    void *rows; /* the engine's */
    int number; /* of the row, where it has several */
    int first;
};

/* What reading needs again and again: one for a store. */
struct cw_store_reader {
    struct cw_parser *parser; /* of the site's own fields; made when it is first needed */
    struct cw_arena nodes;    /* of the parser */
};
void cw_store_reader_fini(struct cw_store_reader *reader);

struct cw_store_reading {
    struct cw_store_reader *reader;
    const char *place;      /* of the store, for messages */
    struct cw_arena *arena; /* where what is read goes */
    struct cw_store_row row;
    struct cw_error *err;
};

/* A document of the row: CW_READ_NUMBER is its number and CW_READ_CUSTOM what is the site's own; the columns
 * of `rows` follow. */
bool cw_store_take_document(struct cw_store_reading *in, const struct cw_store_rows *rows,
                            struct cw_slice external_id, struct cw_document **doc, int64_t *number);
/* One more member of the list of `doc` that `rows` are of; CW_READ_NUMBER is its position. */
bool cw_store_take_member(struct cw_store_reading *in, const struct cw_store_rows *rows,
                          struct cw_document *doc);

/* The columns of an edit and of a release, in the order in which they are taken. */
#define CW_EDIT_COLUMNS    "field, value, cart_value, is_contested, who, reason, edited_at"
#define CW_RELEASE_COLUMNS "code, field, message, who, reason, released_at"

/* One more of what people decided on a key. */
bool cw_store_take_edit(struct cw_store_reading *in, struct cw_stored *out);
bool cw_store_take_release(struct cw_store_reading *in, struct cw_stored *out);

#endif
