/* lua_here.c - where a description or a function stands in its script, for messages: cartwright.native.here.
 */
#include <limits.h>
#include <string.h>

#include "bindings/modules.h"

static bool is_of_the_library(const lua_Debug *ar)
{
    return strcmp(ar->what, "C") == 0 || strncmp(ar->source, "@scripts/cartwright/", 20) == 0;
}

/* here(fn) -> where the function begins. */
static int begin_of(lua_State *L)
{
    lua_Debug ar;
    lua_settop(L, 1);
    lua_getinfo(L, ">S", &ar);
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
    return 1;
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
