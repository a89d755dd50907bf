/* pairs.c - pairs in an order that depends on the keys alone, so that the same input gives the same output.
 *
 * Numbers come first in their order, then texts byte by byte, then false and true; keys that are objects come
 * last, in the order of the table, which is not fixed. The keys are those of the moment when pairs was
 * called; what has been removed since is left out.
 */
#include "script/kernel.h"

#include <stdlib.h>

enum { RANK_INTEGER, RANK_FLOAT, RANK_TEXT, RANK_BOOLEAN, RANK_OBJECT };
enum {
    FEW = 64,    /* keys; an upvalue of a function each, of which Lua allows 255 */
    KEY_COST = 2 /* instructions for each key that is gathered and sorted */
};

struct key {
    int rank;
    uint32_t place; /* in the table of keys; also makes the sort stable */
    union {
        lua_Integer integer;
        lua_Number number;
        struct cw_slice text;
    } as;
};

static struct key key_at(lua_State *L, int index, size_t place)
{
    struct key key = { .rank = RANK_OBJECT, .place = (uint32_t)place };
    int type = lua_type(L, index);
    if (lua_isinteger(L, index)) {
        key.rank = RANK_INTEGER;
        key.as.integer = lua_tointeger(L, index);
    } else if (type == LUA_TNUMBER) {
        key.rank = RANK_FLOAT;
        key.as.number = lua_tonumber(L, index);
    } else if (type == LUA_TSTRING) {
        key.rank = RANK_TEXT;
        key.as.text.data = lua_tolstring(L, index, &key.as.text.len);
    } else if (type == LUA_TBOOLEAN) {
        key.rank = RANK_BOOLEAN;
        key.as.integer = lua_toboolean(L, index);
    }
    return key;
}

static int compare_texts(struct cw_slice a, struct cw_slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    int order = (a->rank > b->rank) - (a->rank < b->rank);
    if (order == 0 && a->rank == RANK_FLOAT)
        order = (a->as.number > b->as.number) - (a->as.number < b->as.number);
    else if (order == 0 && a->rank == RANK_TEXT)
        order = compare_texts(a->as.text, b->as.text);
    else if (order == 0 && a->rank != RANK_OBJECT)
        order = (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* --- iterating --- */

/* A table whose keys are 1 to n: nothing to gather. Upvalues: n, the last index. */
static int step_sequence(lua_State *L)
{
    lua_Integer count = lua_tointeger(L, lua_upvalueindex(1));
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
    luaL_checktype(L, 1, LUA_TTABLE);
    while (++i <= count) {
        lua_settop(L, 1);
        if (lua_rawgeti(L, 1, i) == LUA_TNIL)
            continue; /* removed by the loop */
        lua_pushinteger(L, i);
        lua_copy(L, -1, lua_upvalueindex(2));
        lua_insert(L, 2);
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

struct order {
    size_t count, next;
    struct key keys[];
};

/* Upvalues: the order, the keys by place. */
static int step_order(lua_State *L)
{
    struct order *order = lua_touserdata(L, lua_upvalueindex(1));
    luaL_checktype(L, 1, LUA_TTABLE);
    while (order->next < order->count) {
        lua_settop(L, 1);
        lua_rawgeti(L, lua_upvalueindex(2), order->keys[order->next++].place);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) != LUA_TNIL)
            return 2;
    }
    lua_pushnil(L);
    return 1;
}

/* A small table, whose keys fit into the iterator itself. Upvalues: the last index, the keys in order. */
static int step_few(lua_State *L)
{
    int i = (int)lua_tointeger(L, lua_upvalueindex(1));
    luaL_checktype(L, 1, LUA_TTABLE);
    while (!lua_isnone(L, lua_upvalueindex(++i + 1))) {
        lua_settop(L, 1);
        lua_pushvalue(L, lua_upvalueindex(i + 1));
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) == LUA_TNIL)
            continue;
        lua_pushinteger(L, i);
        lua_replace(L, lua_upvalueindex(1));
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

/* How many keys the table has, and whether they are 1 to n. */
static size_t count_keys(lua_State *L, int table, bool *is_sequence)
{
    lua_Unsigned border = lua_rawlen(L, table);
    size_t count = 0, inside = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        count++;
        if (lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < border)
            inside++;
    }
    *is_sequence = inside == count && count == border;
    return count;
}

static void push_few(lua_State *L, int table, int count)
{
    struct key keys[FEW];
    int base = lua_gettop(L), n = 0;
    luaL_checkstack(L, 2 * FEW + 8, "too many keys");
    for (lua_pushnil(L); lua_next(L, table); n++) {
        lua_pop(L, 1);
        keys[n] = key_at(L, -1, (size_t)n + 1);
        lua_pushvalue(L, -1); /* stays; the other one is for lua_next */
    }
    qsort(keys, (size_t)count, sizeof keys[0], compare);
    lua_pushinteger(L, 0);
    for (int i = 0; i < count; i++)
        lua_pushvalue(L, base + (int)keys[i].place);
    lua_pushcclosure(L, step_few, count + 1);
}

/* Pushes the iterator for any number of keys. */
static void push_many(lua_State *L, int table, size_t count)
{
    struct order *order = lua_newuserdatauv(L, sizeof *order + count * sizeof(struct key), 0);
    size_t place = 0;
    order->count = count;
    order->next = 0;
    lua_createtable(L, (int)count, 0);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        order->keys[place] = key_at(L, -2, place + 1);
        place++;
        lua_pushvalue(L, -2);
        lua_rawseti(L, -4, (lua_Integer)place);
    }
    qsort(order->keys, count, sizeof(struct key), compare);
    lua_pushcclosure(L, step_order, 2);
}

/* Pushes iterator, table, nil. */
static int push_iterator(lua_State *L, int table)
{
    bool is_sequence;
    size_t count = count_keys(L, table, &is_sequence);
    cw_kernel_charge(L, count * KEY_COST);
    luaL_argcheck(L, count <= INT32_MAX, 1, "too many keys");
    if (is_sequence) {
        lua_pushinteger(L, (lua_Integer)count);
        lua_pushinteger(L, 0);
        lua_pushcclosure(L, step_sequence, 2);
    } else if (count <= FEW) {
        push_few(L, table, (int)count);
    } else {
        push_many(L, table, count);
    }
    lua_pushvalue(L, table);
    lua_pushnil(L);
    return 3;
}

static int finish_metamethod(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 3;
}

int cw_kernel_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, finish_metamethod);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    return push_iterator(L, 1);
}

int cw_kernel_pairs_of_upvalue(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    return push_iterator(L, 1);
}

/* --- next --- */

/* Replaces the key and value at 2 and 3 by each pair of the table that comes before them. */
static void find_first(lua_State *L)
{
    size_t place = 1;
    uint64_t seen = 0;
    struct key first = key_at(L, 2, place);
    lua_pushvalue(L, 2);
    while (lua_next(L, 1)) { /* table key value k v */
        struct key key = key_at(L, 4, ++place);
        if (compare(&key, &first) < 0) {
            first = key;
            lua_copy(L, 4, 2);
            lua_copy(L, 5, 3);
        }
        lua_pop(L, 1);
        seen++;
    }
    cw_kernel_charge(L, seen);
}

/* next(t) -> the pair that pairs would visit first; nil when the table is empty. */
int cw_kernel_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2))
        return luaL_error(L, "next with a key has no fixed order: use pairs(t), which has one");
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        lua_call(L, 2, 2);
        return 2;
    }
    lua_pushnil(L);
    if (!lua_next(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    find_first(L);
    lua_settop(L, 3);
    return 2;
}
