/* require.c - modules: those of the host's C code, and source text that the host finds. */
#include "script/kernel.h"

#include <stdio.h>

#define NATIVE_PREFIX "cartwright.native."
#define CARTS_PREFIX  "carts." /* the site's carts, and the shipped ones that it has no file for */

static const char loaded_key; /* in the registry: the table from names to what require answers */

/* --- names and rights --- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_module_name(struct cw_slice name)
{
    bool part = false; /* the part that ends here has bytes */
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.data[i]) && (name.data[i] != '.' || !part))
            return false;
        part = name.data[i] != '.';
    }
    return part && name.len <= CW_MODULE_NAME_MAX;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether the function that calls require stands in the runtime's own library. */
static bool is_library_call(lua_State *L)
{
    lua_Debug frame;
    if (!lua_getstack(L, 1, &frame) || !lua_getinfo(L, "S", &frame))
        return false;
    return begins_with(frame.source, "@scripts/cartwright/") || begins_with(frame.source, "@cartwright/");
}

static const char *check_name(lua_State *L)
{
    struct cw_slice name;
    name.data = luaL_checklstring(L, 1, &name.len);
    if (!is_module_name(name))
        luaL_error(
            L,
            "\"%s\" is no name of a module: use a-z, 0-9, _ and - in parts joined by dots, %d bytes at most",
            name.len <= CW_MODULE_NAME_MAX ? name.data : "(long text)", CW_MODULE_NAME_MAX);
    if (begins_with(name.data, NATIVE_PREFIX) && !is_library_call(L))
        luaL_error(L,
                   "module \"%s\" is for the runtime's own library only: require what it offers, such as "
                   "\"cartwright.http\"",
                   name.data);
    return name.data;
}

/* --- loading --- */

static const struct cw_provider *provider_of(const struct cw_script *script, const char *name)
{
    const struct cw_provider *provider = script->providers;
    while (provider != NULL && strcmp(provider->name, name) != 0)
        provider = provider->next;
    return provider;
}

/* Pushes the main chunk. Between `load` and `release` nothing may raise; lua_load does not. */
static void push_chunk(lua_State *L, struct cw_script *script, const char *name)
{
    struct cw_slice source = { 0 };
    struct cw_error err = { .code = CW_OK };
    char chunk_name[1 + CW_CHUNK_NAME_MAX] = "@";
    if (script->host.load == NULL)
        cw_fail(&err, CW_NOT_FOUND, "module \"%s\" not found: there are no files here", name);
    if (err.code != CW_OK || !script->host.load(script->host.arg, name, &source, chunk_name + 1, &err)) {
        luaL_where(L, 2); /* who called require */
        lua_pushstring(L, err.text);
        lua_concat(L, 2);
        cw_kernel_raise(L, err.code, lua_tostring(L, -1));
    }
    chunk_name[sizeof chunk_name - 1] = '\0';
    int status = luaL_loadbufferx(L, source.data, source.len, chunk_name, "t");
    if (script->host.release != NULL)
        script->host.release(script->host.arg, source);
    if (status != LUA_OK)
        lua_error(L);
}

/* Upvalue-free so that it can run protected: name -> value. */
static int load_module(lua_State *L)
{
    struct cw_script *script = cw_script_of(L);
    const char *name = lua_tostring(L, 1);
    const struct cw_provider *provider = provider_of(script, name);
    if (provider != NULL) {
        lua_pushlightuserdata(L, provider->context);
        lua_pushcclosure(L, provider->open, 1);
    } else {
        push_chunk(L, script, name);
    }
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* Pushes "carts/x.lua:2", the line that calls require; "a script" where there is none. */
static const char *push_caller(lua_State *L)
{
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0)
            return lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    return lua_pushliteral(L, "a script");
}

static int raise_circle(lua_State *L, const char *name, const char *chain)
{
    if (begins_with(name, CARTS_PREFIX))
        return luaL_error(L,
                          "module \"%s\" requires itself: %s; the cart of that name that came with "
                          "Cartwright is \"shipped.%s\", otherwise take one of these lines out",
                          name, chain, name + strlen(CARTS_PREFIX));
    return luaL_error(L, "module \"%s\" requires itself: %s; take one of these lines out", name, chain);
}

/* Raises, naming each line of the ring, when the module is being loaded further out. */
static void refuse_circle(lua_State *L, const struct cw_loading *loading, const char *name)
{
    const struct cw_loading *at = loading;
    while (at != NULL && strcmp(at->name, name) != 0)
        at = at->outer;
    if (at == NULL)
        return;
    luaL_checkstack(L, 8, "too many modules");
    lua_pushfstring(L, "%s requires %s", push_caller(L), name); /* the chain, made from its end */
    for (const struct cw_loading *link = loading; link != at; link = link->outer) {
        lua_pushfstring(L, "%s requires %s, %s", link->where, link->name, lua_tostring(L, -1));
        lua_remove(L, -2);
    }
    raise_circle(L, name, lua_tostring(L, -1));
}

/* name loaded -> name loaded place value. The inner lua_pcall sees to it that the chain is right whatever
 * happens. */
static void load_in_chain(lua_State *L, struct cw_script *script, const char *name)
{
    refuse_circle(L, script->loading, name);
    struct cw_loading link = { script->loading, name, push_caller(L) }; /* it stays as long as the link */
    lua_pushcfunction(L, load_module);
    lua_pushvalue(L, 1);
    script->loading = &link;
    int status = lua_pcall(L, 1, 1, 0);
    script->loading = link.outer;
    cw_kernel_pass_limit(L, status);
    if (status != LUA_OK)
        lua_error(L);
}

/* require(name): the value of the module, loaded at most once. Raises when there is none. */
int cw_kernel_require(lua_State *L)
{
    const char *name = check_name(L);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key); /* name loaded */
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    load_in_chain(L, cw_script_of(L), name);
    lua_remove(L, 3); /* name loaded value */
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

void cw_kernel_open_require(lua_State *L)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
}

bool cw_script_provide(struct cw_script *script, const char *name, lua_CFunction open, void *context,
                       struct cw_error *err)
{
    if (!is_module_name(cw_slice(name)))
        return cw_fail(err, CW_USAGE, "\"%s\" is no name of a module", name);
    if (provider_of(script, name) != NULL)
        return cw_fail(err, CW_USAGE, "module \"%s\" is provided twice", name);
    struct cw_provider *provider = cw_kernel_alloc(script, sizeof *provider);
    if (provider == NULL)
        return cw_fail(err, CW_NOMEM, "%s: no memory to provide %s", script->name, name);
    *provider = (struct cw_provider){ script->providers, name, open, context };
    script->providers = provider;
    return true;
}
