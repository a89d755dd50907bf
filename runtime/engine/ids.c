/* ids.c - see ids.h. */
#include "engine/ids.h"

#include <stdlib.h>
#include <string.h>

void cw_ids_init(struct cw_ids *ids)
{
    *ids = (struct cw_ids){ 0 };
    cw_arena_init(&ids->arena, 0);
}

void cw_ids_fini(struct cw_ids *ids)
{
    cw_arena_fini(&ids->arena);
    free(ids->items);
    free(ids->marks);
}

static bool grow(struct cw_ids *ids)
{
    size_t room = ids->room > 0 ? ids->room * 2 : 64;
    struct cw_slice *items = realloc(ids->items, room * sizeof *items);
    if (items != NULL)
        ids->items = items;
    bool *marks = realloc(ids->marks, room * sizeof *marks);
    if (marks != NULL)
        ids->marks = marks;
    if (items == NULL || marks == NULL)
        return false;
    ids->room = room;
    return true;
}

bool cw_ids_add(struct cw_ids *ids, struct cw_slice id, struct cw_error *err)
{
    struct cw_slice copy = cw_arena_copy(&ids->arena, id);
    if (copy.data == NULL || (ids->count == ids->room && !grow(ids)))
        return cw_fail(err, CW_NOMEM, "no memory for a list of %zu ids", ids->count + 1);
    ids->marks[ids->count] = false;
    ids->items[ids->count++] = copy;
    return true;
}

/* By length first: then numbers without leading zeros stand by their value. */
static int compare(const void *a, const void *b)
{
    const struct cw_slice *left = a, *right = b;
    if (left->len != right->len)
        return left->len < right->len ? -1 : 1;
    return memcmp(left->data, right->data, left->len);
}

void cw_ids_sort(struct cw_ids *ids)
{
    size_t kept = 0;
    if (ids->count > 0)
        qsort(ids->items, ids->count, sizeof *ids->items, compare);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || compare(&ids->items[kept - 1], &ids->items[i]) != 0)
            ids->items[kept++] = ids->items[i];
    ids->count = kept;
    for (size_t i = 0; i < kept; i++)
        ids->marks[i] = false;
}

long cw_ids_find(const struct cw_ids *ids, struct cw_slice id)
{
    if (ids->count == 0)
        return -1;
    const struct cw_slice *found = bsearch(&id, ids->items, ids->count, sizeof *ids->items, compare);
    return found != NULL ? (long)(found - ids->items) : -1;
}
