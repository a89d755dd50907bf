/* text.c - functions of string, table and utf8 whose work or output has to be bounded, because no count hook
 * runs inside C. */
#include "script/kernel.h"

#include <lualib.h>

enum { BYTES_PER_INSTRUCTION = 16 /* of a text that is looked through */ };

/* Calls the original, upvalue 1, with everything on the stack. */
static int call_original(lua_State *L)
{
    int nargs = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, nargs, LUA_MULTRET);
    return lua_gettop(L);
}

/* --- string --- */

/* string.rep(s, n, sep), refused before it asks for memory that the script may not have. */
static int bounded_rep(lua_State *L)
{
    size_t len, separator;
    luaL_checklstring(L, 1, &len);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator);
    size_t cap = cw_script_of(L)->memory.cap;
    if (len + separator == 0) { /* the original would loop all the same */
        lua_pushliteral(L, "");
        return 1;
    }
    if (count > 0 && (lua_Unsigned)count > cap / (len + separator))
        return luaL_error(L, "string.rep would make more than the %d KiB of memory the script may use",
                          (int)(cap / 1024));
    cw_kernel_collect(L);
    return call_original(L);
}

/* Length of a conversion such as "%-5.2f" that begins at text[at], which is '%'. */
static size_t conversion(struct cw_slice text, size_t at)
{
    size_t end = at + 1;
    while (end < text.len && strchr("-+ #0123456789.", text.data[end]) != NULL && text.data[end] != '\0')
        end++;
    return end - at + 1;
}

/* string.format: %s as tostring here shows it, %p not at all: addresses differ from run to run. */
static int plain_format(lua_State *L)
{
    struct cw_slice format;
    int arg = 1;
    format.data = luaL_checklstring(L, 1, &format.len);
    for (size_t at = 0; at < format.len; at++) {
        if (format.data[at] != '%')
            continue;
        at += conversion(format, at) - 1;
        char letter = at < format.len ? format.data[at] : '\0';
        arg += letter != '%';
        if (letter == 'p')
            return luaL_error(L, "%%p shows an address, which differs from run to run");
        if (letter == 's' && arg <= lua_gettop(L) && lua_type(L, arg) != LUA_TSTRING) {
            cw_kernel_tostring(L, arg, NULL);
            lua_replace(L, arg);
        }
    }
    return call_original(L);
}

/* --- table and utf8 --- */

/* Elements that table.insert and table.remove shift. */
static int charged_shift(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_isinteger(L, 2) && lua_gettop(L) <= 3) {
        lua_Integer len = luaL_len(L, 1), from = lua_tointeger(L, 2);
        if (from < len)
            cw_kernel_charge(L, (lua_Unsigned)len - (lua_Unsigned)from);
    }
    return call_original(L);
}

static int charged_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);
    if (to > from)
        cw_kernel_charge(L, (lua_Unsigned)to - (lua_Unsigned)from);
    return call_original(L);
}

static int charged_sort(lua_State *L)
{
    enum { COMPARISONS = 8 }; /* of each element, without a function of the script */
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer len = luaL_len(L, 1);
    if (len > 0)
        cw_kernel_charge(L, (lua_Unsigned)(len < INT32_MAX ? len : INT32_MAX) * COMPARISONS);
    return call_original(L);
}

static int collected_concat(lua_State *L)
{
    cw_kernel_collect(L);
    return call_original(L);
}

static int charged_scan(lua_State *L)
{
    cw_kernel_charge(L, lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) / BYTES_PER_INSTRUCTION : 0);
    return call_original(L);
}

/* --- putting them in place --- */

/* Replaces functions of the table on top by ones that have the original as upvalue 1. */
static void wrap(lua_State *L, const luaL_Reg *functions)
{
    for (; functions->name != NULL; functions++) {
        lua_getfield(L, -1, functions->name);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, -2, functions->name);
    }
}

void cw_kernel_open_string(lua_State *L)
{
    static const luaL_Reg functions[] = { { "rep", bounded_rep },
                                          { "format", plain_format },
                                          { NULL, NULL } };
    wrap(L, functions);
    cw_kernel_open_search(L);
}

void cw_kernel_bound_table(lua_State *L)
{
    static const luaL_Reg functions[] = { { "insert", charged_shift },    { "remove", charged_shift },
                                          { "move", charged_move },       { "sort", charged_sort },
                                          { "concat", collected_concat }, { NULL, NULL } };
    wrap(L, functions);
}

void cw_kernel_bound_utf8(lua_State *L)
{
    static const luaL_Reg functions[] = { { "len", charged_scan },
                                          { "offset", charged_scan },
                                          { NULL, NULL } };
    wrap(L, functions);
}
