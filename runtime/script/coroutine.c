/* coroutine.c - coroutines of the script's own, through which a wait or a pause reaches the scheduler.
 *
 * Such a yield leaves a mark in the turn. Whoever resumed the coroutine sees the mark, yields further out,
 * and when it is resumed itself resumes the coroutine again.
 */
#include "script/kernel.h"

enum {
    SWITCH_COST =
        50 /* instructions; what a coroutine does before its first look at the budget must not be free */
};

enum { AS_RESUME, AS_WRAP };

void cw_kernel_mark(lua_State *L, uintptr_t mark, bool on)
{
    uintptr_t *space = lua_getextraspace(L);
    *space = on ? *space | mark : *space & ~mark;
}

bool cw_kernel_is_marked(lua_State *L, uintptr_t mark)
{
    return (*(uintptr_t *)lua_getextraspace(L) & mark) != 0;
}

struct cw_script *cw_script_of(lua_State *L)
{
    return (struct cw_script *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)CW_MARKS);
}

static int finish_body(lua_State *L, int status, lua_KContext context)
{
    (void)context;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L);
}

int cw_kernel_body(lua_State *L)
{
    return finish_body(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, finish_body), 0);
}

static lua_State *check_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co != NULL, 1, "coroutine");
    return co;
}

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug frame;
    if (L == co)
        return "running";
    if (cw_kernel_is_marked(co, CW_MARKS))
        return "normal"; /* what it waits for will resume it, nobody else may */
    if (lua_status(co) == LUA_YIELD)
        return "suspended";
    if (lua_status(co) != LUA_OK)
        return "dead";
    if (lua_getstack(co, 0, &frame))
        return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

/* --- resuming --- */

static int pass_outwards(lua_State *L, lua_State *co, lua_KContext as);

/* LUA_YIELD with the turn's mark set = a yield to the scheduler. */
static int switch_to(lua_State *L, lua_State *co, int nargs, int *results)
{
    struct cw_script *script = cw_script_of(L);
    bool waitable = script->turn.waitable;
    script->turn.waitable = waitable && lua_isyieldable(L);
    script->turn.running = co;
    int status = lua_resume(co, L, nargs, results);
    script->turn.running = L;
    script->turn.waitable = waitable;
    return status;
}

/* The error value is on top. */
static int fail_as(lua_State *L, lua_KContext as)
{
    if (as == AS_RESUME) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    if (lua_type(L, -1) == LUA_TSTRING) { /* say where it was called, as the standard library does */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int deliver(lua_State *L, lua_State *co, int results, lua_KContext as)
{
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return fail_as(L, as);
    }
    if (as == AS_RESUME)
        lua_pushboolean(L, 1);
    lua_xmove(co, L, results);
    return results + (as == AS_RESUME);
}

/* The coroutine is at index 1; its arguments are on its own stack. */
static int advance(lua_State *L, lua_State *co, int nargs, lua_KContext as)
{
    int results;
    int status = switch_to(L, co, nargs, &results);
    if (status == LUA_YIELD && cw_script_of(L)->turn.pass != CW_PASS_NONE)
        return pass_outwards(L, co, as);
    cw_kernel_pass_limit(L, status);
    if (status == LUA_OK || status == LUA_YIELD)
        return deliver(L, co, results, as);
    lua_xmove(co, L, 1);
    return fail_as(L, as);
}

static int continue_resume(lua_State *L, int status, lua_KContext as)
{
    (void)status;
    lua_State *co = lua_tothread(L, 1);
    cw_kernel_mark(co, CW_MARK_PASSING, false);
    return advance(L, co, 0, as);
}

static int pass_outwards(lua_State *L, lua_State *co, lua_KContext as)
{
    cw_kernel_mark(co, CW_MARK_PASSING, true);
    return lua_yieldk(L, 0, as, continue_resume);
}

/* co args: moves the arguments and goes on with co. */
static int resume(lua_State *L, lua_KContext as)
{
    lua_State *co = check_coroutine(L);
    int nargs = lua_gettop(L) - 1;
    cw_kernel_charge(L, SWITCH_COST);
    const char *status = status_of(L, co);
    if (strcmp(status, "suspended") != 0) {
        lua_pushfstring(L, "cannot resume %s coroutine",
                        strcmp(status, "dead") == 0 ? "dead" : "non-suspended");
        return fail_as(L, as);
    }
    if (!lua_checkstack(co, nargs + 1)) {
        lua_pushliteral(L, "too many arguments to resume");
        return fail_as(L, as);
    }
    bool first = lua_status(co) == LUA_OK;
    lua_xmove(L, co, nargs);
    return advance(L, co, first ? nargs + 1 : nargs, as);
}

static int co_resume(lua_State *L)
{
    return resume(L, AS_RESUME);
}

static int co_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    return resume(L, AS_WRAP);
}

lua_State *cw_kernel_passes_to(lua_State *L)
{
    lua_Debug frame;
    if (lua_status(L) != LUA_YIELD || !lua_getstack(L, 0, &frame))
        return NULL;
    lua_getinfo(L, "f", &frame);
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    return function == co_resume || function == co_wrapped ? lua_tothread(L, 1) : NULL;
}

/* --- the rest of the library --- */

static int co_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    cw_kernel_mark(co, CW_MARKS, false); /* those of the state's first thread are inherited */
    cw_kernel_watch(co, CW_HOOK_PERIOD_INNER);
    lua_pushcfunction(co, cw_kernel_body);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1); /* body f */
    return 1;
}

static int co_wrap(lua_State *L)
{
    co_create(L);
    lua_pushcclosure(L, co_wrapped, 1);
    return 1;
}

static bool is_own(lua_State *L) /* a coroutine that a script made */
{
    return !cw_kernel_is_marked(L, CW_MARK_FIBER);
}

static int co_yield (lua_State *L)
{
    if (!is_own(L))
        return luaL_error(L, "attempt to yield from outside a coroutine");
    cw_kernel_charge(L, SWITCH_COST);
    return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L)
{
    lua_pushstring(L, status_of(L, check_coroutine(L)));
    return 1;
}

static int co_running(lua_State *L)
{
    lua_pushthread(L);
    lua_pushboolean(L, !is_own(L));
    return 2;
}

static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isnone(L, 1) ? L : check_coroutine(L);
    lua_pushboolean(L, is_own(co) && lua_isyieldable(co));
    return 1;
}

int cw_kernel_close_thread(struct cw_script *script, lua_State *L)
{
    lua_State *running = script->turn.running;
    bool waitable = script->turn.waitable;
    script->turn.running = L;
    script->turn.waitable = false;
    script->close_depth++;
    int status = lua_resetthread(L);
    script->close_depth--;
    script->turn.waitable = waitable;
    script->turn.running = running;
    return status;
}

static int co_close(lua_State *L)
{
    lua_State *co = check_coroutine(L);
    struct cw_script *script = cw_script_of(L);
    const char *status = status_of(L, co);
    if (strcmp(status, "suspended") != 0 && strcmp(status, "dead") != 0)
        return luaL_error(L, "cannot close a %s coroutine", status);
    if (script->close_depth >= CW_CLOSE_DEPTH_MAX)
        return luaL_error(L, "too many coroutines close each other");
    cw_kernel_charge(L, SWITCH_COST);
    int closed = cw_kernel_close_thread(script, co);
    cw_kernel_pass_limit(L, closed);
    lua_pushboolean(L, closed == LUA_OK);
    if (closed == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

void cw_kernel_open_coroutine(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "close", co_close },   { "create", co_create },   { "isyieldable", co_isyieldable },
        { "resume", co_resume }, { "running", co_running }, { "status", co_status },
        { "wrap", co_wrap },     { "yield", co_yield },     { NULL, NULL }
    };
    luaL_newlib(L, functions);
}
