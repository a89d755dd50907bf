/* pg_array.h - private to the PostgreSQL engine: many values as one parameter, in PostgreSQL's text form of
 * an array: {"a","b\"c"}. Bound as text, and cast in the statement: $1::text[].
 */
#ifndef CW_ADAPTERS_PG_ARRAY_H
#define CW_ADAPTERS_PG_ARRAY_H

#include "adapters/pg_engine.h"

/* Adds one value; the first one replaces what the buffer holds when `len` of it was set to 0. */
bool cw_pg_array_add(struct cw_buffer *array, struct cw_slice text, struct cw_error *err);
bool cw_pg_array_add_int(struct cw_buffer *array, int64_t number, struct cw_error *err);
/* Ends it, also an empty one. The bind lives as long as the buffer stays as it is. */
bool cw_pg_array_end(struct cw_buffer *array, struct cw_bind *bind, struct cw_error *err);

#endif
