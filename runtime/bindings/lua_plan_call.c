/* lua_plan_call.c - functions of mappings and rules, kept in the registry; those of mappings called for one
 * record. */
#include "bindings/bindings.h"
#include "bindings/plans_private.h"

static const char functions_key; /* registry: the list of all functions that plans of this state call */
static const char scope_key;     /* registry: the scope handle in use, so that it outlives an error */

/* Stores the function on top of the stack, pops it, and returns its number. */
int cw_lua_plan_keep_function(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
    }
    lua_insert(L, -2);
    int number = (int)lua_rawlen(L, -2) + 1;
    lua_rawseti(L, -2, number);
    lua_pop(L, 1);
    return number;
}

void cw_lua_plan_push_function(lua_State *L, int number)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_rawgeti(L, -1, number);
    lua_remove(L, -2);
}

void cw_lua_plan_hold_scope(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &scope_key);
}

enum { FUNCTION_INDEX = 2 }; /* on the stack of run_function */

struct call {
    int function;
    const struct cw_scope *scope;
    enum cw_type want;
    struct cw_arena *arena;
    struct cw_value *out;
    struct cw_lua_scope *ticket;
};

/* Runs inside cw_script_call. */
static int run_function(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    cw_lua_plan_push_function(L, call->function);
    lua_pushvalue(L, FUNCTION_INDEX);
    call->ticket = cw_lua_push_scope(L, call->scope, 0);
    lua_pushvalue(L, -1);
    cw_lua_plan_hold_scope(L);
    lua_call(L, 1, 1);
    cw_lua_plan_take_result(L, FUNCTION_INDEX, call->want, call->arena, call->out);
    return 0;
}

static bool call_function(void *arg, int function, const struct cw_scope *scope, enum cw_type want,
                          struct cw_arena *arena, struct cw_value *out, struct cw_error *err)
{
    struct cw_lua_plan *plan = arg;
    struct call call = { function, scope, want, arena, out, NULL };
    bool ok = cw_script_call(plan->script, run_function, &call, err);
    if (call.ticket != NULL)
        cw_lua_close_scope(call.ticket);
    return ok;
}

struct cw_plan_host cw_lua_plan_host(struct cw_lua_plan *plan)
{
    return (struct cw_plan_host){ plan, call_function };
}
