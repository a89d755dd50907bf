/* store_words.h - private to the store: how values and names look in the tables, the same in every engine. */
#ifndef CW_ADAPTERS_STORE_WORDS_H
#define CW_ADAPTERS_STORE_WORDS_H

#include "adapters/store.h"

const char *cw_run_state_name(enum cw_run_state state);
const char *cw_staged_state_name(enum cw_staged_state state);
const char *cw_store_demand_name(enum cw_demand demand);
bool cw_store_demand_parse(struct cw_slice name, enum cw_demand *out);
bool cw_outcome_parse(struct cw_slice name, enum cw_outcome *out);
bool cw_message_state_parse(struct cw_slice name, enum cw_message_state *out);

/* "2024-03-31T02:30:00.000000Z": always this long, so that the texts sort as the times do. Empty for a time
 * outside the years 1 to 9999. */
enum { CW_STORE_TIME_LEN = 27 };
void cw_store_time_text(cw_time time, char out[CW_STORE_TIME_LEN + 1]);
/* CW_TIME_NONE for an empty text and for one that is no time. */
cw_time cw_store_time_parse(struct cw_slice text);

/* An external_id in a form that sorts numbers by value and before all other texts; different for different
 * ids. Replaces what `out` holds. */
enum { CW_SORT_DIGITS_MAX = 99 };
bool cw_store_sort_key(struct cw_slice external_id, struct cw_buffer *out, struct cw_error *err);

/* The column of a kind's field in its own table, and of a field of the record `record` that is flattened into
 * it. The one place for names that SQL has taken. */
enum { CW_COLUMN_MAX = 64 };
void cw_store_column(const struct cw_kind *kind, const struct cw_field *field, char out[CW_COLUMN_MAX]);
void cw_store_flat_column(const struct cw_field *record, const struct cw_field *field,
                          char out[CW_COLUMN_MAX]);

#endif
