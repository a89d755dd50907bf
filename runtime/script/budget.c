/* budget.c - the count hook: how many instructions a turn may use, and how long before it lets others run.
 *
 * A limit that was hit is a mark in the turn. What is raised for it carries no text, because there may be no
 * memory for one; whoever ends the turn makes the message from the mark.
 */
#include "script/kernel.h"

#include <stdio.h>

void cw_kernel_locate(const struct cw_script *script, char *out, size_t cap)
{
    enum { LEVELS = 60 }; /* of C functions without a line between them */
    lua_State *L = script->turn.running;
    lua_Debug frame;
    out[0] = '\0';
    for (int level = 0; L != NULL && level < LEVELS && lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0) {
            snprintf(out, cap, "%s:%d", frame.short_src, frame.currentline);
            return;
        }
    }
}

void cw_kernel_hit(struct cw_script *script, enum cw_hit hit)
{
    struct cw_turn *turn = &script->turn;
    if (turn->hit != CW_HIT_NONE)
        return;
    turn->hit = hit;
    cw_kernel_locate(script, turn->where, sizeof turn->where);
    if (turn->where[0] == '\0' && hit != CW_HIT_INSTRUCTIONS) /* already unwound */
        memcpy(turn->where, script->memory.refused_where, sizeof turn->where);
}

static int raise_limit(lua_State *L)
{
    lua_pushlightuserdata(L, cw_script_of(L)); /* needs no memory; its text is never shown */
    return lua_error(L);
}

static bool is_over_budget(struct cw_script *script)
{
    if (script->turn.used > script->host.limits.instructions)
        cw_kernel_hit(script, CW_HIT_INSTRUCTIONS);
    return script->turn.hit != CW_HIT_NONE;
}

static bool is_slice_over(const struct cw_script *script, lua_State *L)
{
    const struct cw_turn *turn = &script->turn;
    return turn->fiber != NULL && turn->waitable && lua_isyieldable(L) &&
           cw_elapsed_ns(script->host.clock) >= turn->slice_end_ns;
}

/* Buffers of the auxiliary library do not collect garbage when memory is refused; so it must not come to that
 * while there is garbage. Half of the free room may fill with it. */
void cw_kernel_collect(lua_State *L)
{
    struct cw_memory *memory = &cw_script_of(L)->memory;
    if (memory->used < memory->collect_at)
        return;
    lua_gc(L, LUA_GCCOLLECT);
    size_t room = memory->cap > memory->used ? memory->cap - memory->used : 0;
    memory->collect_at = memory->used + room / 2;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct cw_script *script = cw_script_of(L);
    script->turn.used += (uint64_t)lua_gethookcount(L);
    if (is_over_budget(script))
        raise_limit(L);
    cw_kernel_collect(L);
    if (is_slice_over(script, L)) {
        script->turn.pass = CW_PASS_SLICE;
        lua_yield(L, 0);
    }
}

void cw_kernel_watch(lua_State *L, int period)
{
    lua_sethook(L, on_count, LUA_MASKCOUNT, period);
}

void cw_kernel_charge(lua_State *L, uint64_t instructions)
{
    struct cw_script *script = cw_script_of(L);
    uint64_t room = UINT64_MAX - script->turn.used;
    script->turn.used += instructions < room ? instructions : room;
    if (is_over_budget(script))
        raise_limit(L);
}

void cw_kernel_pass_limit(lua_State *L, int status)
{
    struct cw_script *script = cw_script_of(L);
    if (status == LUA_ERRMEM)
        cw_kernel_hit(script, script->memory.refusal);
    if (script->turn.hit == CW_HIT_NONE)
        return;
    lua_settop(L, 0); /* the results of a call may have left no room */
    raise_limit(L);
}

static void format_bytes(size_t bytes, char out[32])
{
    if (bytes % (1024 * 1024) == 0)
        snprintf(out, 32, "%zu MiB", bytes / (1024 * 1024));
    else if (bytes % 1024 == 0)
        snprintf(out, 32, "%zu KiB", bytes / 1024);
    else
        snprintf(out, 32, "%zu bytes", bytes);
}

bool cw_kernel_limit_error(const struct cw_script *script, struct cw_error *err)
{
    const struct cw_turn *turn = &script->turn;
    const char *at = turn->where[0] != '\0' ? " at " : "";
    char bytes[32];
    format_bytes(script->memory.cap, bytes);
    if (turn->hit == CW_HIT_INSTRUCTIONS)
        return cw_fail(err, CW_LIMIT, "instruction limit of %llu reached%s%s",
                       (unsigned long long)script->host.limits.instructions, at, turn->where);
    if (turn->hit == CW_HIT_MEMORY)
        return cw_fail(err, CW_LIMIT, "memory limit of %s reached%s%s", bytes, at, turn->where);
    return cw_fail(err, CW_NOMEM, "the system has no memory left for %s%s%s", script->name, at, turn->where);
}
