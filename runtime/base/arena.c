/* arena.c - see arena.h. Blocks of 64 KiB; larger pieces get a block of their own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 64 * 1024 };

/* Sums of a few sizes below this do not wrap; nothing so large can be had. */
#define SIZE_LIMIT (SIZE_MAX / 4)

struct cw_arena_block {
    struct cw_arena_block *older;
    size_t cap;
    alignas(max_align_t) char data[];
};

void cw_arena_init(struct cw_arena *arena, size_t limit)
{
    *arena = (struct cw_arena){ .limit = limit };
}

static bool add_block(struct cw_arena *arena, size_t size)
{
    size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct cw_arena_block *block = malloc(sizeof *block + cap);
    if (block == NULL)
        return false;
    block->older = arena->block;
    block->cap = cap;
    arena->block = block;
    arena->next = block->data;
    arena->end = block->data + cap;
    return true;
}

static char *take(struct cw_arena *arena, size_t size, size_t skip)
{
    if (size > SIZE_LIMIT || (arena->limit != 0 && size > arena->limit - arena->used))
        return NULL;
    if (arena->block == NULL || (size_t)(arena->end - arena->next) < size + skip) {
        if (!add_block(arena, size))
            return NULL;
        skip = 0;
    }
    char *piece = arena->next + skip;
    arena->next = piece + size;
    arena->used += size;
    return piece;
}

void *cw_arena_alloc(struct cw_arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    return take(arena, size, (align - (uintptr_t)arena->next % align) % align);
}

char *cw_arena_bytes(struct cw_arena *arena, size_t size)
{
    return take(arena, size, 0);
}

struct cw_slice cw_arena_copy(struct cw_arena *arena, struct cw_slice s)
{
    if (s.len == 0)
        return (struct cw_slice){ "", 0 };
    char *data = cw_arena_bytes(arena, s.len);
    if (data == NULL)
        return (struct cw_slice){ NULL, 0 };
    memcpy(data, s.data, s.len);
    return (struct cw_slice){ data, s.len };
}

static void free_from(struct cw_arena_block *block)
{
    while (block != NULL) {
        struct cw_arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void cw_arena_reset(struct cw_arena *arena)
{
    struct cw_arena_block *keep = arena->block;
    arena->used = 0;
    if (keep == NULL)
        return;
    free_from(keep->older);
    keep->older = NULL;
    if (keep->cap > BLOCK_BYTES) { /* one huge record must not cost its size for ever */
        free(keep);
        arena->block = NULL;
        arena->next = arena->end = NULL;
        return;
    }
    arena->next = keep->data;
    arena->end = keep->data + keep->cap;
}

void cw_arena_fini(struct cw_arena *arena)
{
    free_from(arena->block);
    *arena = (struct cw_arena){ 0 };
}
