/* lua_secret.c - a secret as scripts hold it: its name, never its text. Nothing here hands the text to Lua.
 */
#include "bindings/modules.h"

#define SECRET_TYPE "cartwright.Secret"

void cw_lua_push_secret(lua_State *L, const char *name)
{
    size_t size = strlen(name) + 1;
    char *object = lua_newuserdatauv(L, size, 0);
    memcpy(object, name, size);
    luaL_setmetatable(L, SECRET_TYPE);
}

const char *cw_lua_to_secret(lua_State *L, int index)
{
    return luaL_testudata(L, index, SECRET_TYPE);
}

const char *cw_lua_secret_text(lua_State *L, int index)
{
    const char *name = cw_lua_to_secret(L, index);
    const struct cw_lua_host *host = cw_lua_host_of(L);
    const char *text = host->secret != NULL ? host->secret(host->arg, name) : NULL;
    if (text == NULL)
        cw_lua_fail(L, CW_NOT_FOUND,
                    "the secret %s has no value; set it with: cartwright secret CART SETTING", name);
    return text;
}

static int to_string(lua_State *L)
{
    lua_pushfstring(L, "secret(%s)", (const char *)luaL_checkudata(L, 1, SECRET_TYPE));
    return 1;
}

static int refuse_concat(lua_State *L)
{
    const char *name = cw_lua_to_secret(L, cw_lua_to_secret(L, 1) != NULL ? 1 : 2);
    return cw_lua_fail(
        L, CW_REFUSED,
        "the secret %s has no text; hand it whole to http (basic, bearer, digest, token, oauth1, a header, a query "
        "parameter) or to a request (a header, a query parameter, a value of form or json)",
        name);
}

static int equals(lua_State *L)
{
    const char *a = cw_lua_to_secret(L, 1), *b = cw_lua_to_secret(L, 2);
    lua_pushboolean(L, a != NULL && b != NULL && strcmp(a, b) == 0); /* by name: values are not compared */
    return 1;
}

void cw_lua_types_secret(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__tostring", to_string }, { "__concat", refuse_concat }, { "__eq", equals }, { NULL, NULL }
    };
    cw_lua_new_type(L, SECRET_TYPE, meta, NULL);
}
