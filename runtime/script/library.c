/* library.c - the globals of scripts: a fixed list, frozen, so that no record can leave anything behind for
 * the next.
 *
 * The table that scripts see is empty and locked; its __index leads to the real one. The tables of the
 * libraries likewise.
 */
#include "script/kernel.h"

#include <lualib.h>

enum {
    LINE_MAX_BYTES = 8192,
    PRINT_COST = 500 /* instructions; a flood of lines ends at the budget */
};

/* --- text of values --- */

const char *cw_kernel_tostring(lua_State *L, int index, size_t *len)
{
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
    } else if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING) {
        luaL_tolstring(L, index, NULL);
    } else if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) {
        if (type != LUA_TNONE)
            lua_pushstring(L, lua_typename(L, type));
    }
    return lua_tolstring(L, -1, len);
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    cw_kernel_tostring(L, 1, NULL);
    return 1;
}

struct line {
    size_t len, cut; /* bytes */
    char data[LINE_MAX_BYTES];
};

static void add(struct line *line, const char *data, size_t len)
{
    size_t room = sizeof line->data - line->len;
    struct cw_slice kept = cw_slice_clip((struct cw_slice){ data, len }, room);
    if (line->cut > 0)
        kept.len = 0;
    memcpy(line->data + line->len, kept.data, kept.len);
    line->len += kept.len;
    line->cut += len - kept.len;
}

static void note_cut(struct line *line)
{
    static const char note[] = "... (cut)";
    size_t end = sizeof line->data - (sizeof note - 1);
    if (line->cut == 0)
        return;
    if (line->len > end)
        line->len = cw_slice_clip((struct cw_slice){ line->data, line->len }, end).len;
    memcpy(line->data + line->len, note, sizeof note - 1);
    line->len += sizeof note - 1;
}

/* Texts on the whole stack. Not part of print, which __tostring may call again and again: a frame of this
 * size on each level would exhaust the stack of C. */
static __attribute__((noinline)) void print_texts(lua_State *L, const struct cw_script *script)
{
    struct line line;
    line.len = line.cut = 0;
    int count = lua_gettop(L);
    for (int i = 1; i <= count; i++) {
        size_t len;
        const char *text = lua_tolstring(L, i, &len);
        if (i > 1)
            add(&line, "\t", 1);
        add(&line, text, len);
    }
    note_cut(&line);
    script->host.print(script->host.arg, (struct cw_slice){ line.data, line.len });
}

/* print(...): one line of at most 8 KiB for the host. */
static int base_print(lua_State *L)
{
    struct cw_script *script = cw_script_of(L);
    int count = lua_gettop(L);
    cw_kernel_charge(L, PRINT_COST);
    for (int i = 1; i <= count; i++) {
        cw_kernel_tostring(L, i, NULL);
        lua_replace(L, i);
    }
    if (script->host.print != NULL)
        print_texts(L, script);
    return 0;
}

/* --- metatables --- */

static bool is_locked(lua_State *L, int index)
{
    if (luaL_getmetafield(L, index, "__metatable") == LUA_TNIL)
        return false;
    lua_pop(L, 1);
    return true;
}

/* setmetatable(t, meta), without finalizers: nothing could stop one that loops. */
static int base_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (is_locked(L, 1))
        return luaL_error(L, "cannot change a protected metatable");
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "__gc is not for scripts: use a <close> variable");
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    luaL_argcheck(L, !is_locked(L, 1), 1, "the table is protected");
    lua_rawset(L, 1);
    return 1;
}

static const char *key_text(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : lua_typename(L, lua_type(L, index));
}

static int refuse_global(lua_State *L)
{
    return luaL_error(L, "assignment to global \"%s\": declare it local", key_text(L, 2));
}

static int unknown_global(lua_State *L)
{
    return luaL_error(L, "unknown global \"%s\": declare it local, or require its module", key_text(L, 2));
}

static int refuse_field(lua_State *L)
{
    return luaL_error(L, "assignment to \"%s\" in a table of the runtime: it is read-only", key_text(L, 2));
}

/* table -> an empty table that reads from it and refuses to be changed. */
static void freeze(lua_State *L, lua_CFunction refuse)
{
    lua_newtable(L);          /* table proxy */
    lua_createtable(L, 0, 5); /* table proxy meta */
    lua_pushvalue(L, -3);     /* table proxy meta table */
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, cw_kernel_pairs_of_upvalue, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2); /* table proxy */
    lua_remove(L, -2);
}

/* --- math --- */

static lua_Integer random_between(struct cw_random *random, lua_Integer low, lua_Integer high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low + 1; /* 0 = all of them */
    uint64_t offset = span == 0 ? cw_random_next(random) : cw_random_below(random, span);
    return (lua_Integer)((uint64_t)low + offset);
}

/* math.random as in the manual, from the seed that the host gave. */
static int math_random(lua_State *L)
{
    struct cw_random *random = &cw_script_of(L)->random;
    int count = lua_gettop(L);
    if (count == 0) {
        lua_pushnumber(L, (lua_Number)(cw_random_next(random) >> 11) * 0x1p-53);
        return 1;
    }
    lua_Integer low = count == 1 ? 1 : luaL_checkinteger(L, 1);
    lua_Integer high = luaL_checkinteger(L, count == 1 ? 1 : 2);
    luaL_argcheck(L, count <= 2, 3, "too many arguments");
    if (count == 1 && high == 0) {
        lua_pushinteger(L, (lua_Integer)cw_random_next(random));
        return 1;
    }
    luaL_argcheck(L, low <= high, count, "interval is empty");
    lua_pushinteger(L, random_between(random, low, high));
    return 1;
}

/* --- the list --- */

static const char *const base_names[] = { "assert", "error",  "getmetatable", "ipairs", "rawequal", "rawget",
                                          "rawlen", "select", "tonumber",     "type",   "_VERSION", NULL };
static const char *const string_names[] = { "byte",    "char",  "find",   "format", "gmatch",   "gsub",
                                            "len",     "lower", "match",  "pack",   "packsize", "rep",
                                            "reverse", "sub",   "unpack", "upper",  NULL };
static const char *const table_names[] = { "concat", "insert", "move",   "pack",
                                           "remove", "sort",   "unpack", NULL };
static const char *const math_names[] = { "abs", "acos",       "asin", "atan", "ceil", "cos", "deg",
                                          "exp", "floor",      "fmod", "huge", "log",  "max", "maxinteger",
                                          "min", "mininteger", "modf", "pi",   "rad",  "sin", "sqrt",
                                          "tan", "tointeger",  "type", "ult",  NULL };
static const char *const utf8_names[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL
};

static const luaL_Reg base_functions[] = { { "next", cw_kernel_next },
                                           { "pairs", cw_kernel_pairs },
                                           { "pcall", cw_kernel_pcall },
                                           { "print", base_print },
                                           { "rawset", base_rawset },
                                           { "require", cw_kernel_require },
                                           { "setmetatable", base_setmetatable },
                                           { "tostring", base_tostring },
                                           { "xpcall", cw_kernel_xpcall },
                                           { NULL, NULL } };

/* all -> a table with the named fields of it */
static void pick(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (; *names != NULL; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_remove(L, -2);
}

static void open_standard(lua_State *L, lua_CFunction open, const char *const *names)
{
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    pick(L, names);
}

/* Where luaL_argerror looks for the name of a function that was called without one, as by pcall. */
static void keep_for_messages(lua_State *L, const char *name)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* globals -> globals; takes the library from above it. */
static void set_frozen(lua_State *L, const char *name)
{
    keep_for_messages(L, name);
    freeze(L, refuse_field);
    lua_setfield(L, -2, name);
}

/* Methods of strings read the real table, which is faster; scripts cannot reach it. */
static void set_methods(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1); /* string "" meta */
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

static void add_libraries(lua_State *L) /* globals -> globals */
{
    open_standard(L, luaopen_string, string_names);
    cw_kernel_open_string(L);
    set_methods(L);
    set_frozen(L, "string");
    open_standard(L, luaopen_table, table_names);
    cw_kernel_bound_table(L);
    set_frozen(L, "table");
    open_standard(L, luaopen_utf8, utf8_names);
    cw_kernel_bound_utf8(L);
    set_frozen(L, "utf8");
    open_standard(L, luaopen_math, math_names);
    lua_pushcfunction(L, math_random);
    lua_setfield(L, -2, "random");
    set_frozen(L, "math");
    cw_kernel_open_coroutine(L);
    set_frozen(L, "coroutine");
}

void cw_kernel_open_library(lua_State *L)
{
    open_standard(L, luaopen_base, base_names); /* globals */
    luaL_setfuncs(L, base_functions, 0);
    keep_for_messages(L, LUA_GNAME);
    add_libraries(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, unknown_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    freeze(L, refuse_global); /* globals proxy */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pop(L, 1);
}
