/* lua_error.c - errors as scripts see them: cartwright.Error in scripts/types/values.lua. */
#include <stdarg.h>
#include <stdio.h>

#include "bindings/modules.h"

#define ERROR_TYPE "cartwright.Error"

int cw_lua_push_failure(lua_State *L, const struct cw_error *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, cw_code_name(err->code));
    return 3;
}

/* Lines inside the runtime's own library help nobody who writes a cart. */
static bool is_library(const char *source)
{
    return strncmp(source, "cartwright/", 11) == 0 || strncmp(source, "scripts/cartwright/", 19) == 0;
}

/* Pushes "carts/x.lua:41", the innermost line of a script; "" when there is none. */
static void push_place(lua_State *L)
{
    lua_Debug frame;
    for (int level = 0; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline <= 0 || is_library(frame.short_src))
            continue;
        lua_pushfstring(L, "%s:%d", frame.short_src, frame.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

static void set_place(lua_State *L, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

int cw_lua_raise(lua_State *L, const struct cw_error *err)
{
    struct cw_error copy = *err; /* it may live in memory that the next call collects */
    luaL_checkstack(L, 6, "no room to report an error");
    lua_createtable(L, 0, 6);
    set_place(L, "message", copy.text);
    set_place(L, "code", cw_code_name(copy.code));
    set_place(L, "record", copy.record);
    set_place(L, "field", copy.field);
    set_place(L, "path", copy.path);
    push_place(L);
    lua_setfield(L, -2, "where");
    luaL_setmetatable(L, ERROR_TYPE);
    return lua_error(L);
}

int cw_lua_fail(lua_State *L, enum cw_code code, const char *fmt, ...)
{
    struct cw_error err = { .code = code };
    va_list args;
    va_start(args, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, args);
    va_end(args);
    return cw_lua_raise(L, &err);
}

static const char *field_text(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
}

static int error_text(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *where = field_text(L, "where"), *message = field_text(L, "message");
    const char *path = field_text(L, "path");
    lua_pushfstring(L, "%s%s%s", where, where[0] != '\0' ? ": " : "", message);
    if (path[0] != '\0') {
        lua_pushfstring(L, " (path %s)", path);
        lua_concat(L, 2);
    }
    return 1;
}

void cw_lua_types_error(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__tostring", error_text }, { NULL, NULL } };
    cw_lua_new_type(L, ERROR_TYPE, meta, NULL);
}
