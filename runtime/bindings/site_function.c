/* site_function.c - what a function of site.lua is: its lines, and what it closes over. So a change of it is
 * noticed, also in a list beside it, and one elsewhere in the file is none. */
#include <string.h>

#include "bindings/site_private.h"

enum { DEPTH_MAX = 4 }; /* of lists and functions in each other */

static struct cw_hash hash_of(lua_State *L, int index, struct cw_slice text, unsigned depth);

static int add_code(lua_State *L, const void *piece, size_t size, void *hasher)
{
    (void)L;
    cw_hasher_add(hasher, (struct cw_slice){ piece, size });
    return 0;
}

/* Lines `first` to `last`, from 1. */
static struct cw_slice lines_of(struct cw_slice text, int first, int last)
{
    const char *begin = text.data, *end = text.data + text.len, *at = begin;
    for (int line = 1; at < end && line <= last; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline != NULL ? newline + 1 : end;
        if (line < first)
            begin = at;
    }
    return (struct cw_slice){ begin, (size_t)(at - begin) };
}

/* Compiled code says in which line it stands, which for site.lua itself is no change. */
static void add_function(lua_State *L, int index, struct cw_slice text, unsigned depth,
                         struct cw_hasher *hasher)
{
    lua_Debug about;
    const char *name;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &about);
    lua_pushvalue(L, index);
    if (strcmp(about.short_src, "site.lua") == 0)
        cw_hasher_add(hasher, lines_of(text, about.linedefined, about.lastlinedefined));
    else if (!lua_iscfunction(L, -1))
        lua_dump(L, add_code, hasher, true);
    lua_pop(L, 1);
    for (int i = 1; (name = lua_getupvalue(L, index, i)) != NULL; i++) {
        struct cw_hash hash = hash_of(L, lua_gettop(L), text, depth + 1);
        if (strcmp(name, "_ENV") != 0)
            cw_hasher_add(hasher, (struct cw_slice){ (const char *)hash.bytes, sizeof hash.bytes });
        lua_pop(L, 1);
    }
}

/* In whatever order its members come. */
static void add_table(lua_State *L, int index, struct cw_slice text, unsigned depth, struct cw_hasher *hasher)
{
    struct cw_hash sum = { { 0 } };
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        int value = lua_gettop(L);
        struct cw_hash pair[2] = { hash_of(L, value - 1, text, depth + 1),
                                   hash_of(L, value, text, depth + 1) };
        struct cw_hash both = cw_hash_of((struct cw_slice){ (const char *)pair, sizeof pair });
        for (size_t i = 0; i < sizeof sum.bytes; i++)
            sum.bytes[i] ^= both.bytes[i];
        lua_pop(L, 1);
    }
    cw_hasher_add(hasher, (struct cw_slice){ (const char *)sum.bytes, sizeof sum.bytes });
}

static struct cw_hash hash_of(lua_State *L, int index, struct cw_slice text, unsigned depth)
{
    struct cw_hasher hasher;
    size_t len;
    int type = lua_type(L, index);
    luaL_checkstack(L, 8, "a function of site.lua");
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, cw_slice(lua_typename(L, type)));
    if (type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN) {
        const char *shown = luaL_tolstring(L, index, &len);
        cw_hasher_add(&hasher, (struct cw_slice){ shown, len });
        lua_pop(L, 1);
    } else if (type == LUA_TFUNCTION && depth < DEPTH_MAX) {
        add_function(L, index, text, depth, &hasher);
    } else if (type == LUA_TTABLE && depth < DEPTH_MAX) {
        add_table(L, index, text, depth, &hasher);
    }
    return cw_hasher_end(&hasher);
}

void cw_site_hash_function(lua_State *L, int index, struct cw_slice text, char hash[CW_HASH_TEXT_MAX])
{
    struct cw_hash made = hash_of(L, lua_absindex(L, index), text, 0);
    cw_hash_hex(&made, hash);
}
