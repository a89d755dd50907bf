/* site_config.c - see site_config.h. */
#include "bindings/site_config.h"

#include <stdlib.h>

#include "bindings/site_private.h"

struct reading {
    struct cw_site_config *config;
    struct cw_slice text;
};

/* Memory that must not be lost when Lua raises goes into the config at once. */
char *cw_site_copy(lua_State *L, const char *text)
{
    char *made = strdup(text);
    if (made == NULL)
        luaL_error(L, "no memory");
    return made;
}

static bool is_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len <= 64 && text[len] == '\0';
}

static char *text_field(lua_State *L, int index, const char *field, const char *fallback)
{
    int type = lua_getfield(L, index, field);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "site.lua: %s must be a text, not a %s", field, lua_typename(L, type));
    char *made = cw_site_copy(L, type == LUA_TNIL ? fallback : lua_tostring(L, -1));
    lua_pop(L, 1);
    return made;
}

static void read_allow(lua_State *L, struct cw_site_config *config, int index)
{
    int type = lua_getfield(L, index, "allow");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "site.lua: allow must be a list of hosts, such as { \"127.0.0.1:8080\" }");
    size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    config->allow = calloc(count + 1, sizeof *config->allow);
    if (config->allow == NULL)
        luaL_error(L, "no memory");
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "site.lua: allow[%d] must be a text", (int)i + 1);
        config->allow[i] = cw_site_copy(L, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* One cart: its name is second from the top of the stack, its table on top. */
static void read_cart(lua_State *L, struct cw_site_config *config)
{
    if (lua_type(L, -2) != LUA_TSTRING || !is_name(lua_tostring(L, -2)))
        luaL_error(L, "site.lua: cart names are made of a-z, 0-9, _ and -, at most 64");
    const char *name = lua_tostring(L, -2);
    if (!lua_istable(L, -1) || lua_getfield(L, -1, "type") != LUA_TSTRING || !is_name(lua_tostring(L, -1)))
        luaL_error(
            L, "site.lua: cart %s needs a type: the name of a file in carts/, such as type = \"prestashop\"",
            name);
    struct cw_site_cart *cart = &config->carts[config->cart_count++];
    cart->name = cw_site_copy(L, name);
    cart->type = cw_site_copy(L, lua_tostring(L, -1));
    lua_pop(L, 1);
}

static int compare_carts(const void *a, const void *b)
{
    return strcmp(((const struct cw_site_cart *)a)->name, ((const struct cw_site_cart *)b)->name);
}

static void read_carts(lua_State *L, struct cw_site_config *config, int index)
{
    size_t count = 0;
    if (lua_getfield(L, index, "carts") != LUA_TTABLE)
        luaL_error(
            L, "site.lua: carts must be a table: carts = { NAME = { type = \"prestashop\", url = ... } }");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        count++;
    config->carts = calloc(count + 1, sizeof *config->carts);
    if (config->carts == NULL)
        luaL_error(L, "no memory");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        read_cart(L, config);
    qsort(config->carts, config->cart_count, sizeof *config->carts, compare_carts);
    lua_pop(L, 1);
}

/* A misspelt key would otherwise be a setting that does nothing. */
static void check_keys(lua_State *L, int index)
{
    static const char known[] = " zone store allow carts rules schedules stock keep run ";
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[number]";
        const char *found = is_name(key) ? strstr(known, key) : NULL;
        if (found == NULL || found[-1] != ' ' || found[strlen(key)] != ' ')
            luaL_error(L,
                       "site.lua has no setting %s; there are zone, store, allow, carts, rules, schedules, "
                       "stock, keep and run",
                       key);
    }
}

static int read_site(lua_State *L)
{
    struct reading *reading = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "site");
    lua_call(L, 1, 1);
    int site = lua_gettop(L);
    if (!lua_istable(L, site))
        return luaL_error(L, "site.lua must return a table: return { carts = { ... } }");
    check_keys(L, site);
    reading->config->zone = text_field(L, site, "zone", "UTC");
    reading->config->store = text_field(L, site, "store", "store.db");
    read_allow(L, reading->config, site);
    read_carts(L, reading->config, site);
    cw_site_read_running(L, reading->config, site, reading->text);
    return 0;
}

bool cw_site_config_read(struct cw_script *script, struct cw_slice text, struct cw_site_config *config,
                         struct cw_error *err)
{
    *config = (struct cw_site_config){ 0 };
    struct reading reading = { config, text };
    if (cw_script_call(script, read_site, &reading, err))
        return true;
    if (err != NULL && err->code == CW_SCRIPT)
        err->code = CW_USAGE;
    return false;
}

void cw_site_config_fini(struct cw_site_config *config)
{
    free(config->zone);
    free(config->store);
    for (size_t i = 0; config->allow != NULL && config->allow[i] != NULL; i++)
        free(config->allow[i]);
    free(config->allow);
    for (size_t i = 0; i < config->cart_count; i++) {
        free(config->carts[i].name);
        free(config->carts[i].type);
        cw_site_free_out(&config->carts[i].out);
    }
    free(config->carts);
    cw_site_free_stock(&config->stock);
    cw_site_free_running(config);
    *config = (struct cw_site_config){ 0 };
}
