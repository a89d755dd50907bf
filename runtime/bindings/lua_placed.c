/* lua_placed.c - see placed.h. The names of the inner fields are those of placed.lua. */
#include "bindings/placed.h"

#include <lauxlib.h>

static int push_inner(lua_State *L, int index, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, index);
}

static struct cw_slice text_on_top(lua_State *L)
{
    struct cw_slice text = { NULL, 0 };
    if (lua_type(L, -1) == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    return text;
}

static bool is_placed(lua_State *L, int index)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    bool is = push_inner(L, index, "(shape)") == LUA_TTABLE;
    lua_pop(L, 2);
    return is;
}

void cw_lua_placed_push_values(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    if (is_placed(L, index))
        push_inner(L, index, "(values)");
    else
        lua_pushvalue(L, index);
}

struct cw_slice cw_lua_placed_where(lua_State *L, int index)
{
    struct cw_slice where = { NULL, 0 };
    index = lua_absindex(L, index);
    if (!is_placed(L, index))
        return where;
    push_inner(L, index, "(where)");
    where = text_on_top(L);
    lua_pop(L, 1);
    return where;
}

struct cw_slice cw_lua_placed_where_set(lua_State *L, int index)
{
    struct cw_slice where = { NULL, 0 };
    int top = lua_gettop(L);
    index = lua_absindex(L, index);
    if (is_placed(L, index) && push_inner(L, index, "(places)") == LUA_TTABLE) {
        lua_pushvalue(L, top);
        lua_rawget(L, -2);
        where = text_on_top(L);
    }
    lua_settop(L, top - 1);
    return where;
}

struct cw_slice cw_lua_placed_kind(lua_State *L, int index)
{
    struct cw_slice kind = { NULL, 0 };
    index = lua_absindex(L, index);
    if (!is_placed(L, index))
        return kind;
    push_inner(L, index, "(shape)");
    push_inner(L, lua_gettop(L), "kind");
    kind = text_on_top(L);
    lua_pop(L, 2);
    return kind;
}
