/* lua_changes.c - what a cart changed of the one that it extends, from scripts/cartwright/changes.lua. */
#include "bindings/carts_private.h"

struct telling {
    const struct cw_lua_cart *cart;
    cw_lua_change_fn *each;
    void *arg;
};

/* A field of the table at `index`, which keeps the text alive; empty when it has none. */
static struct cw_slice text_of(lua_State *L, int index, const char *field)
{
    struct cw_slice text = { NULL, 0 };
    if (lua_getfield(L, index, field) == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    lua_pop(L, 1);
    return text;
}

static int tell(lua_State *L)
{
    struct telling *telling = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cartwright.changes");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "of");
    lua_pushstring(L, telling->cart->type);
    lua_rawgeti(L, LUA_REGISTRYINDEX, telling->cart->ref);
    lua_getfield(L, -1, "asked_tables");
    lua_remove(L, -2);
    lua_call(L, 2, 1);
    int list = lua_gettop(L), item = list + 1;
    for (lua_Integer i = 1; lua_geti(L, list, i) == LUA_TTABLE; i++, lua_settop(L, list)) {
        struct cw_lua_change change = { text_of(L, item, "name"),  text_of(L, item, "change"),
                                        text_of(L, item, "value"), text_of(L, item, "was"),
                                        text_of(L, item, "note"),  text_of(L, item, "where") };
        telling->each(telling->arg, &change);
    }
    return 0;
}

bool cw_lua_cart_changes(const struct cw_lua_cart *cart, cw_lua_change_fn *each, void *arg,
                         struct cw_error *err)
{
    struct telling telling = { cart, each, arg };
    return cw_script_call(cart->carts->script, tell, &telling, err);
}
