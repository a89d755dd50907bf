/* lua_here.c - where a description or a function stands in its script, for messages: cartwright.native.here.
 */
#include <limits.h>
#include <string.h>

#include "bindings/modules.h"

static bool is_of_the_library(const lua_Debug *ar)
{
    return strcmp(ar->what, "C") == 0 || strncmp(ar->source, "@scripts/cartwright/", 20) == 0;
}

static const char places_key; /* registry: from functions of the library to the lines that asked for them */

void cw_lua_push_notes(lua_State *L, const void *key)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void cw_lua_push_begin(lua_State *L, int index)
{
    lua_Debug ar;
    index = lua_absindex(L, index);
    cw_lua_push_notes(L, &places_key);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushvalue(L, index);
        lua_getinfo(L, ">S", &ar);
        if (ar.linedefined < 0)
            lua_pushstring(L, ar.short_src); /* "[C]" */
        else
            lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
        lua_remove(L, -2);
    }
    lua_remove(L, -2);
}

/* here(fn) -> where the function begins; here(fn, place) says so of a function of the library. */
static int begin_of(lua_State *L)
{
    if (lua_isnoneornil(L, 2)) {
        cw_lua_push_begin(L, 1);
        return 1;
    }
    lua_settop(L, 2);
    cw_lua_push_notes(L, &places_key);
    lua_insert(L, 1);
    lua_rawset(L, 1);
    return 0;
}

static bool push_line(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "Sl", ar);
    if (is_of_the_library(ar) || ar->currentline <= 0)
        return false;
    lua_pushfstring(L, "%s:%d", ar->short_src, ar->currentline);
    return true;
}

/* here() -> "carts/x.lua:41": the innermost line that is not the library's; "" where there is none.
 * here(level) -> the line of that caller of here, "" where it is the library's. */
static int here(lua_State *L)
{
    lua_Debug ar;
    if (lua_isfunction(L, 1))
        return begin_of(L);
    int level = (int)luaL_optinteger(L, 1, 1), last = lua_isnoneornil(L, 1) ? INT_MAX : level;
    for (; level <= last && lua_getstack(L, level, &ar); level++)
        if (push_line(L, &ar))
            return 1;
    lua_pushliteral(L, "");
    return 1;
}

int cw_lua_open_here(lua_State *L)
{
    lua_pushcfunction(L, here);
    return 1;
}
