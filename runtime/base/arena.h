/* arena.h - memory for the trees and documents of one batch: many small pieces, freed at once.
 *
 * Threads: none. Pieces are aligned for any type, not cleared, and live until cw_arena_reset or
 * cw_arena_fini.
 */
#ifndef CW_BASE_ARENA_H
#define CW_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct cw_arena_block;

struct cw_arena {
    struct cw_arena_block *block; /* newest first */
    char *next, *end;
    size_t used;  /* bytes handed out since the last reset */
    size_t limit; /* bytes; 0 = none */
};

/* `limit` bounds the bytes handed out between two resets; 0 = none. Allocates nothing yet. */
void cw_arena_init(struct cw_arena *arena, size_t limit);

/* NULL when memory or the limit is exhausted. */
void *cw_arena_alloc(struct cw_arena *arena, size_t size);

/* The same without alignment, for text. */
char *cw_arena_bytes(struct cw_arena *arena, size_t size);

/* A copy of s; data is NULL on failure (a copy of an empty slice succeeds and is not NULL). */
struct cw_slice cw_arena_copy(struct cw_arena *arena, struct cw_slice s);

/* Forgets every piece; keeps one block for the next batch. */
void cw_arena_reset(struct cw_arena *arena);
void cw_arena_fini(struct cw_arena *arena);

#endif
