/* ids.h - a growing list of ids, such as those that a cart lists in a window. */
#ifndef CW_ENGINE_IDS_H
#define CW_ENGINE_IDS_H

#include "base/arena.h"
#include "base/error.h"

struct cw_ids {
    struct cw_arena arena;
    struct cw_slice *items;
    bool *marks; /* the caller's, one for each; false when added */
    size_t count, room;
};

void cw_ids_init(struct cw_ids *ids);
void cw_ids_fini(struct cw_ids *ids);
/* Copies the id. CW_NOMEM. */
bool cw_ids_add(struct cw_ids *ids, struct cw_slice id, struct cw_error *err);
/* Brings them into an order of theirs (numbers by value) and drops those that came twice, and all marks. */
void cw_ids_sort(struct cw_ids *ids);
/* The index in a sorted list; -1 = not in it. */
long cw_ids_find(const struct cw_ids *ids, struct cw_slice id);

#endif
