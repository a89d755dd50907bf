/* table.h - one translation table: from the cart's words to the system's. */
#ifndef CW_MAPPING_TABLE_H
#define CW_MAPPING_TABLE_H

#include "base/arena.h"

struct cw_table_row {
    struct cw_slice key, folded; /* folded: key without case; data NULL when it is too long to be folded */
    struct cw_slice value;
    bool is_nothing; /* the key is known and means "no value" */
    struct cw_slice where;
};

struct cw_table {
    struct cw_table *next;
    struct cw_slice name;
    struct cw_table_row *rows; /* in the order of their first mention */
    size_t count, cap;
    uint32_t *exact, *folded;            /* open addressing; row index + 1, 0 = empty */
    size_t slots;                        /* of each; a power of two, 0 = none yet */
    const struct cw_table_row *fallback; /* the row "*" */
};

/* Copies the row into the arena; a row with the same key is replaced. false when the arena is exhausted: the
 * table is as before then. */
bool cw_table_add(struct cw_table *table, struct cw_arena *arena, const struct cw_table_row *row);

/* By exact key, then without case, then the row "*"; NULL when there is none. */
const struct cw_table_row *cw_table_find(const struct cw_table *table, struct cw_slice key);

/* Lower case of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; other bytes stay. `out` has text.len
 * bytes, and as many are written. */
void cw_fold_case(struct cw_slice text, char *out);

#endif
