/* lua_here.c - where a description stands in its script, for messages: cartwright.native.here(). */
#include <string.h>

#include "bindings/modules.h"

static bool is_of_the_library(const lua_Debug *ar)
{
    return strcmp(ar->what, "C") == 0 || strncmp(ar->source, "@scripts/cartwright/", 20) == 0;
}

/* here() -> "carts/x.lua:41": the innermost line that is not the library's; "" where there is none. */
static int here(lua_State *L)
{
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (is_of_the_library(&ar) || ar.currentline <= 0)
            continue;
        lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
        return 1;
    }
    lua_pushliteral(L, "");
    return 1;
}

int cw_lua_open_here(lua_State *L)
{
    lua_pushcfunction(L, here);
    return 1;
}
