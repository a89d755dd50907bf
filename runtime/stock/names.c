/* names.c - see names.h. Open addressing, each look-up from a hash of 32 bits on. */
#include "stock/names.h"

#include <stdlib.h>

enum { FIRST_NAMES = 16 };

/* One below what a slot can hold. */
#define NAMES_MAX (UINT32_MAX - 2)

void cw_names_init(struct cw_names *names)
{
    *names = (struct cw_names){ 0 };
    cw_arena_init(&names->text, 0);
}

void cw_names_fini(struct cw_names *names)
{
    cw_arena_fini(&names->text);
    free(names->all);
    free(names->hashes);
    free(names->slots);
}

/* FNV leaves the low bits of similar names similar; slots are taken by the low bits. */
static uint32_t hash_of(struct cw_slice name)
{
    uint32_t hash = cw_slice_hash(name);
    hash = (hash ^ hash >> 16) * 0x7feb352du;
    return hash ^ hash >> 15;
}

/* The slot of the name, or the empty one it would have. */
static uint32_t slot_of(const struct cw_names *names, struct cw_slice name, uint32_t hash)
{
    uint32_t mask = names->slot_count - 1, slot = hash & mask;
    for (; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t number = names->slots[slot] - 1;
        if (names->hashes[number] == hash && cw_slice_equal(names->all[number], name))
            break;
    }
    return slot;
}

uint32_t cw_names_find(const struct cw_names *names, struct cw_slice name)
{
    if (names->count == 0)
        return CW_NAMES_NONE;
    uint32_t taken = names->slots[slot_of(names, name, hash_of(name))];
    return taken != 0 ? taken - 1 : CW_NAMES_NONE;
}

static bool grow_slots(struct cw_names *names, uint32_t cap)
{
    uint32_t count = names->slot_count > 0 ? names->slot_count : 1;
    while (count / 2 < cap)
        count *= 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t slot = names->hashes[i] & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = i + 1;
    }
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    return true;
}

static bool grow(struct cw_names *names)
{
    uint32_t cap = names->cap > 0 ? names->cap * 2 : FIRST_NAMES;
    if (names->count < names->cap)
        return true;
    if (names->cap > NAMES_MAX / 4)
        return false;
    struct cw_slice *all = realloc(names->all, cap * sizeof *all);
    if (all == NULL)
        return false;
    names->all = all;
    uint32_t *hashes = realloc(names->hashes, cap * sizeof *hashes);
    if (hashes == NULL)
        return false;
    names->hashes = hashes;
    if (!grow_slots(names, cap))
        return false;
    names->cap = cap;
    return true;
}

uint32_t cw_names_number(struct cw_names *names, struct cw_slice name)
{
    uint32_t known = cw_names_find(names, name);
    if (known != CW_NAMES_NONE)
        return known;
    if (!grow(names))
        return CW_NAMES_NONE;
    struct cw_slice copy = cw_arena_copy(&names->text, name);
    if (copy.data == NULL)
        return CW_NAMES_NONE;
    uint32_t number = names->count++;
    names->all[number] = copy;
    names->hashes[number] = hash_of(name);
    names->slots[slot_of(names, name, names->hashes[number])] = number + 1;
    return number;
}
