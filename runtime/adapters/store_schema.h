/* store_schema.h - private to the store: the SQL that makes a store, and the steps from each version to the
 * next.
 *
 * What was released is frozen: a change of the schema is a new step, never an edit of an old one.
 */
#ifndef CW_ADAPTERS_STORE_SCHEMA_H
#define CW_ADAPTERS_STORE_SCHEMA_H

#include <stddef.h>

/* Brings a store from version `to` - 1 to version `to`. */
struct cw_schema_step {
    int to;
    const char *sql; /* in the engine's dialect: statements, separated by semicolons */
};

/* The steps to one version, in order; the first one makes version 1 out of nothing. */
struct cw_schema {
    const struct cw_schema_step *steps;
    size_t count;
};

extern const struct cw_schema cw_store_schema;            /* of SQLite */
extern const struct cw_schema cw_store_schema_postgresql; /* begins with version 3 */

#endif
