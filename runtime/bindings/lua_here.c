/* lua_here.c - where a description stands in its script, for messages: cartwright.native.here(level). */
#include "bindings/modules.h"

/* here(level) -> "carts/x.lua:41". Level 1 is the function that called here, 2 its caller; "" where no line
 * is known. */
static int here(lua_State *L)
{
    lua_Integer level = luaL_optinteger(L, 1, 1);
    luaL_argcheck(L, level >= 1 && level <= 100, 1, "level: 1 to 100");
    luaL_where(L, (int)level);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (len > 2)
        lua_pushlstring(L, text, len - 2); /* without ": " */
    return 1;
}

int cw_lua_open_here(lua_State *L)
{
    lua_pushcfunction(L, here);
    return 1;
}
