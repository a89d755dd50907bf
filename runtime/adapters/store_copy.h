/* store_copy.h - moves a whole store to another one, of either engine: every row of every table, numbers and
 * the site's own id included.
 *
 * All of it is one transaction of the target: a copy that was broken off, by whatever, leaves the target as
 * empty as it was, and can be made again. The source is held still meanwhile: others may read it, and who
 * writes waits or is told that it is not available. Rows are handed on one by one, so that memory stays flat.
 * Before the target commits, what arrived there is read back and compared with what was sent, table by table.
 *
 * Both stores must be open for writing and idle; the call returns when all is done. Not copied is what a
 * target has for itself: how it tells its commits apart (PostgreSQL).
 */
#ifndef CW_ADAPTERS_STORE_COPY_H
#define CW_ADAPTERS_STORE_COPY_H

#include "adapters/store.h"

enum { CW_COPY_TABLES_MAX = 64 };

struct cw_copied {
    const char *table;
    uint64_t rows;
    struct cw_hash content; /* of all rows in the order of their keys: the same in both stores */
};

struct cw_copy {
    struct cw_store *from, *to;
    /* Now and then; may be NULL. `total` are the rows of the table. */
    void (*progress)(void *arg, const char *table, uint64_t rows, uint64_t total);
    void *arg;
};

/* CW_CONFLICT when a worker holds a lease of the source (naming it), or when the target is not empty.
 * `tables` has room for CW_COPY_TABLES_MAX; in it stands what was copied. */
bool cw_store_copy(const struct cw_copy *copy, struct cw_copied *tables, size_t *count, struct cw_error *err);

#endif
