/* protect.c - pcall and xpcall that catch every error but one: that of a limit goes on at once. */
#include "script/kernel.h"

/* `extra`: values below the results that are not results. */
static int finish(lua_State *L, int status, lua_KContext extra)
{
    cw_kernel_pass_limit(L, status);
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)extra;
    lua_pushboolean(L, 0);
    lua_pushvalue(L, -2);
    return 2;
}

int cw_kernel_pcall(lua_State *L)
{
    cw_kernel_pass_limit(L, LUA_OK);
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1); /* true f args */
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish);
    return finish(L, status, 0);
}

/* Calls the script's handler, upvalue 1. Not for a limit: that error may come out of the count hook, inside
 * which the hook itself sleeps, and the handler could run for ever. */
static int guarded_handler(lua_State *L)
{
    if (cw_script_of(L)->turn.hit != CW_HIT_NONE)
        return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

int cw_kernel_xpcall(lua_State *L)
{
    cw_kernel_pass_limit(L, LUA_OK);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);     /* f handler args */
    lua_pushboolean(L, 1); /* f handler args true */
    lua_pushvalue(L, 1);   /* f handler args true f */
    lua_rotate(L, 3, 2);   /* f handler true f args */
    int status = lua_pcallk(L, lua_gettop(L) - 4, LUA_MULTRET, 2, 2, finish);
    return finish(L, status, 2);
}
