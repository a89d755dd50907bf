/* memory.c - where a script's memory comes from: one account with a cap, and for tests an allocation that
 * fails. */
#include "script/kernel.h"

#include <stdlib.h>

enum {
    LARGE = 4096,              /* bytes; filling a block of this size and more costs noticeable time */
    BYTES_PER_INSTRUCTION = 32 /* measured: filling 30 MB takes as long as a million instructions */
};

/* Concatenation of large strings would otherwise do hours of work in a few million instructions. */
static bool is_over_budget(struct cw_script *script, size_t growth)
{
    if (growth >= LARGE)
        script->turn.used += growth / BYTES_PER_INSTRUCTION;
    return growth >= LARGE && script->turn.used > script->host.limits.instructions;
}

static enum cw_hit refusal(struct cw_script *script, size_t growth, bool again)
{
    struct cw_memory *memory = &script->memory;
    if (!again)
        memory->count++;
    /* In a finalizer (Lua 5.4.4 then answers -1): refused there, Lua gives it up and what it would free in C
     * is lost. */
    if (script->L != NULL && lua_gc(script->L, LUA_GCISRUNNING) == -1)
        return CW_HIT_NONE;
    if (memory->count == script->host.fail_allocation)
        return CW_HIT_NOMEM;
    if (growth > memory->cap - memory->used)
        return CW_HIT_MEMORY;
    return is_over_budget(script, growth) ? CW_HIT_INSTRUCTIONS : CW_HIT_NONE;
}

static void *refuse(struct cw_script *script, const void *block, size_t size, bool again, enum cw_hit why)
{
    struct cw_memory *memory = &script->memory;
    memory->refused = !again;
    memory->refused_block = block;
    memory->refused_size = size;
    memory->refusal = why;
    if (again)
        cw_kernel_hit(script, why);
    else
        cw_kernel_locate(script, memory->refused_where, sizeof memory->refused_where);
    return NULL;
}

static void *grow(struct cw_script *script, void *block, size_t old_size, size_t new_size)
{
    struct cw_memory *memory = &script->memory;
    bool again = memory->refused && memory->refused_block == block && memory->refused_size == new_size;
    enum cw_hit why = refusal(script, new_size - old_size, again);
    void *grown = why == CW_HIT_NONE ? realloc(block, new_size) : NULL;
    if (grown == NULL)
        return refuse(script, block, new_size, again, why == CW_HIT_NONE ? CW_HIT_NOMEM : why);
    memory->refused = false;
    memory->used += new_size - old_size;
    return grown;
}

void *cw_kernel_allocate(void *arg, void *block, size_t old_size, size_t new_size)
{
    struct cw_script *script = arg;
    if (block == NULL)
        old_size = 0; /* Lua passes the type of the new object there */
    if (new_size > old_size)
        return grow(script, block, old_size, new_size);
    script->memory.used -= old_size - new_size;
    if (new_size > 0) {
        void *shrunk = realloc(block, new_size);
        return shrunk != NULL ? shrunk : block; /* Lua relies on shrinking */
    }
    free(block);
    return NULL;
}

void *cw_kernel_alloc(struct cw_script *script, size_t size)
{
    void *block = cw_kernel_allocate(script, NULL, 0, size);
    script->memory.refused = false; /* nobody will ask again */
    return block != NULL ? memset(block, 0, size) : NULL;
}

void cw_kernel_release(struct cw_script *script, void *block, size_t size)
{
    if (block != NULL)
        cw_kernel_allocate(script, block, size, 0);
}
