/* bindings.c - see bindings.h: puts every module of this ring into a script, and what all of them use. */
#include "bindings/bindings.h"

#include <inttypes.h>
#include <stdio.h>

#include "bindings/modules.h"

static const char host_key; /* registry: the host, as light userdata */

struct cw_lua_host *cw_lua_host_of(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key);
    struct cw_lua_host *host = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return host;
}

void cw_lua_new_type(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0); /* meta */
    if (methods != NULL) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index"); /* meta */
    }
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable"); /* meta */
    lua_pop(L, 1);
}

void cw_lua_charge(lua_State *L, uint64_t bytes)
{
    int kibibytes = bytes > (uint64_t)INT32_MAX ? INT32_MAX / 1024 : (int)(bytes / 1024);
    if (kibibytes > 0)
        lua_gc(L, LUA_GCSTEP, kibibytes);
}

static bool integer_text(lua_State *L, int index, char *scratch, struct cw_slice *out)
{
    if (!lua_isinteger(L, index))
        return false;
    int len = snprintf(scratch, CW_LUA_SCALAR_MAX, "%" PRId64, (int64_t)lua_tointeger(L, index));
    *out = (struct cw_slice){ scratch, (size_t)len };
    return true;
}

static bool object_text(lua_State *L, int index, char *scratch, struct cw_slice *out)
{
    cw_time time;
    const struct cw_decimal *decimal = cw_lua_to_decimal(L, index);
    if (decimal != NULL)
        *out = (struct cw_slice){ scratch, cw_decimal_format(decimal, scratch) };
    else if (cw_lua_to_time(L, index, &time))
        *out = (struct cw_slice){ scratch, cw_time_iso(time, scratch) };
    else
        return false;
    return true;
}

bool cw_lua_scalar(lua_State *L, int index, char scratch[CW_LUA_SCALAR_MAX], struct cw_slice *out)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        out->data = lua_tolstring(L, index, &out->len);
        return true;
    case LUA_TBOOLEAN:
        *out = cw_slice(lua_toboolean(L, index) ? "true" : "false");
        return true;
    case LUA_TNUMBER:
        return integer_text(L, index, scratch, out);
    case LUA_TUSERDATA:
        return object_text(L, index, scratch, out);
    default:
        return false;
    }
}

int cw_lua_concat(lua_State *L)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_slice text;
    for (int i = 1; i <= 2; i++) {
        if (lua_isboolean(L, i) || (!cw_lua_scalar(L, i, scratch, &text) && lua_type(L, i) != LUA_TNUMBER))
            return cw_lua_fail(L, CW_USAGE, "attempt to concatenate %s", cw_lua_type_name(L, i));
        luaL_tolstring(L, i, NULL);
    }
    lua_concat(L, 2);
    return 1;
}

const char *cw_lua_type_name(lua_State *L, int index)
{
    cw_time time;
    if (cw_lua_to_decimal(L, index) != NULL)
        return "a Decimal";
    if (cw_lua_to_time(L, index, &time))
        return "a Time";
    if (cw_lua_to_secret(L, index) != NULL)
        return "a secret";
    if (cw_lua_is_node(L, index))
        return "a Node";
    if (lua_type(L, index) == LUA_TNUMBER)
        return lua_isinteger(L, index) ? "an integer" : "a float";
    return lua_pushfstring(L, "a %s",
                           luaL_typename(L, index)); /* stays on the stack; an error follows anyway */
}

const char *cw_lua_copy(lua_State *L, struct cw_arena *arena, struct cw_slice text)
{
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        cw_lua_fail(L, CW_USAGE, "a text with a zero byte cannot be sent here");
    char *copy = cw_arena_bytes(arena, text.len + 1);
    if (copy == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for a text of %zu bytes", text.len);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static int set_up(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
    cw_lua_types_error(L);
    cw_lua_types_scratch(L);
    cw_lua_types_decimal(L);
    cw_lua_types_time(L);
    cw_lua_types_secret(L);
    cw_lua_types_node(L);
    cw_lua_types_json(L);
    cw_lua_types_log(L);
    cw_lua_types_response(L);
    cw_lua_types_records(L);
    cw_lua_types_http(L);
    cw_lua_types_upload(L);
    cw_lua_types_document(L);
    cw_lua_types_rules(L);
    return 0;
}

bool cw_lua_provide_all(struct cw_script *script, struct cw_lua_host *host, struct cw_error *err)
{
    static const struct {
        const char *name;
        lua_CFunction open;
    } modules[] = {
        { "cartwright.decimal", cw_lua_open_decimal },
        { "cartwright.time", cw_lua_open_time },
        { "cartwright.json", cw_lua_open_json },
        { "cartwright.xml", cw_lua_open_xml },
        { "cartwright.csv", cw_lua_open_csv },
        { "cartwright.log", cw_lua_open_log },
        { "cartwright.native.http", cw_lua_open_http },
        { "cartwright.native.mail", cw_lua_open_mail },
        { "cartwright.native.upload", cw_lua_open_upload },
        { "cartwright.native.here", cw_lua_open_here },
        { "cartwright.native.schedule", cw_lua_open_schedule },
        { "cartwright.native.out", cw_lua_open_out },
        { "cartwright.native.mac", cw_lua_open_mac },
    };
    if (!cw_script_call(script, set_up, host, err))
        return false;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (!cw_script_provide(script, modules[i].name, modules[i].open, host, err))
            return false;
    return true;
}
