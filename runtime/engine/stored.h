/* stored.h - stored raw records, as if they had just come: a page at a time, whatever their number. */
#ifndef CW_ENGINE_STORED_H
#define CW_ENGINE_STORED_H

#include "bindings/carts.h"

struct cw_stored_filter {
    const char *id; /* NULL = all records of the stream */
    bool only_parked;
    const char *code, *subject; /* only those that wait with such an issue; NULL = any */
    cw_time since, until;       /* received in this time; CW_TIME_NONE = without end */
};

struct cw_stored_pages;

/* The newest version of each record of the stream. Nothing is read yet. Everything is copied but store and
 * stream. */
struct cw_stored_pages *cw_stored_open(struct cw_store *store, const struct cw_lua_stream *stream,
                                       const struct cw_stored_filter *filter, struct cw_error *err);
void cw_stored_free(struct cw_stored_pages *pages); /* accepts NULL */

/* The next page, which the caller frees; NULL with err->code CW_OK when there is none. Waits for the store.
 */
struct cw_records *cw_stored_next(struct cw_stored_pages *pages, struct cw_error *err);

#endif
