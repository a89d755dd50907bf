/* lua_json.c - JSON for scripts, without losing a digit: cartwright.json in scripts/types/data.lua.
 *
 * Decoding goes through the strict parser of the records; encoding is our own, because lua-cjson writes
 * numbers through doubles of 14 digits.
 */
#include <stdlib.h>

#include "adapters/writer.h"
#include "bindings/modules.h"

#define ARRAY_TYPE "cartwright.JsonArray"
#define NULL_TYPE  "cartwright.JsonNull"

enum { DEPTH_MAX = 100 }; /* as the parser */

static const char null_key; /* registry: json.null */

static void push_null(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
}

/* --- decoding --- */

/* An integer of 64 bits, a Decimal, or, for what no Decimal holds, the text as written. */
static void push_number(lua_State *L, struct cw_slice text)
{
    int64_t integer;
    struct cw_decimal value;
    bool is_decimal = cw_decimal_parse(text, &value, NULL);
    bool is_whole = memchr(text.data, '.', text.len) == NULL && memchr(text.data, 'e', text.len) == NULL &&
                    memchr(text.data, 'E', text.len) == NULL;
    if (is_decimal && is_whole && cw_decimal_to_int(&value, &integer))
        lua_pushinteger(L, integer);
    else if (is_decimal)
        cw_lua_push_decimal(L, &value);
    else
        lua_pushlstring(L, text.data, text.len);
}

static int count_children(const struct cw_node *node)
{
    int count = 0;
    for (const struct cw_node *child = node->first; child != NULL; child = child->next)
        count++;
    return count;
}

static void push_array(lua_State *L, const struct cw_node *node)
{
    lua_Integer i = 0;
    lua_createtable(L, count_children(node), 0);
    for (const struct cw_node *child = node->first; child != NULL; child = child->next) {
        cw_lua_push_json(L, child);
        lua_rawseti(L, -2, ++i);
    }
    luaL_setmetatable(L, ARRAY_TYPE);
}

static void push_object(lua_State *L, const struct cw_node *node)
{
    lua_createtable(L, 0, count_children(node));
    for (const struct cw_node *child = node->first; child != NULL; child = child->next) {
        lua_pushlstring(L, child->name.len > 0 ? child->name.data : "", child->name.len);
        cw_lua_push_json(L, child);
        lua_rawset(L, -3);
    }
}

void cw_lua_push_json(lua_State *L, const struct cw_node *node)
{
    luaL_checkstack(L, 6, "JSON nested too deep");
    switch (node->kind) {
    case CW_NODE_OBJECT:
        push_object(L, node);
        return;
    case CW_NODE_ARRAY:
        push_array(L, node);
        return;
    case CW_NODE_NUMBER:
        push_number(L, node->text);
        return;
    case CW_NODE_BOOL:
        lua_pushboolean(L, cw_slice_is(node->text, "true"));
        return;
    case CW_NODE_NULL:
        push_null(L);
        return;
    default:
        lua_pushlstring(L, node->text.len > 0 ? node->text.data : "", node->text.len);
    }
}

/* json.decode(text) -> value | nil, message, code */
static int decode(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    const struct cw_node *root = cw_lua_parse_json(scratch, text, &err);
    if (root == NULL) {
        cw_lua_clear_scratch(scratch);
        return cw_lua_push_failure(L, &err);
    }
    cw_lua_push_json(L, root);
    cw_lua_clear_scratch(scratch); /* now: a tree is many times the text */
    return 1;
}

/* --- encoding --- */

/* Where in the value the writer is, for messages: each level knows the one above. */
struct place {
    const struct place *above;
    struct cw_slice key;
    lua_Integer index; /* used when key.data is NULL */
    int depth;
};

struct writer {
    lua_State *L;
    struct cw_buffer *out;
    bool takes_secrets; /* what is written never becomes a value of Lua */
};

static void write_value(struct writer *w, int index, const struct place *place);

static void print_place(struct cw_buffer *out, const struct place *place)
{
    if (place == NULL)
        return;
    print_place(out, place->above);
    if (place->key.data != NULL)
        cw_buffer_print(out, NULL, "%s%.*s", place->above != NULL && place->above->depth > 0 ? "." : "",
                        (int)(place->key.len < 40 ? place->key.len : 40), place->key.data);
    else if (place->depth > 0)
        cw_buffer_print(out, NULL, "[%lld]", (long long)place->index);
}

/* Raises: `what` at its place. The output is given up and holds the place meanwhile. */
static void refuse(struct writer *w, const struct place *place, const char *what)
{
    cw_buffer_clear(w->out);
    if (place->depth < DEPTH_MAX)
        print_place(w->out, place);
    struct cw_slice at = cw_buffer_slice(w->out);
    cw_lua_fail(w->L, CW_USAGE, "json.encode: %s%s%.*s", what, at.len > 0 ? " at " : "",
                (int)(at.len < 300 ? at.len : 300), at.data);
}

static void add(struct writer *w, struct cw_slice text)
{
    struct cw_error err;
    if (!cw_buffer_add(w->out, text.data, text.len, &err))
        cw_lua_raise(w->L, &err);
}

static void add_char(struct writer *w, char c)
{
    add(w, (struct cw_slice){ &c, 1 });
}

static void add_text(struct writer *w, struct cw_slice text, const struct place *place)
{
    struct cw_error err;
    if (cw_json_write_text(w->out, text, &err))
        return;
    if (err.code == CW_INVALID)
        refuse(w, place, err.text);
    cw_lua_raise(w->L, &err);
}

static int compare_keys(const void *a, const void *b)
{
    const struct cw_slice *x = a, *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, shorter);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Pushes a userdata with the sorted keys; the strings live as keys of the table. */
static struct cw_slice *push_sorted_keys(struct writer *w, int table, size_t count, const struct place *place)
{
    lua_State *L = w->L;
    struct cw_slice *keys = lua_newuserdatauv(L, count * sizeof *keys + 1, 0);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            refuse(w, place, "a table with texts and other keys, or a list with holes,");
        keys[n].data = lua_tolstring(L, -2, &keys[n].len);
        n++;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    return keys;
}

static void write_object(struct writer *w, int table, size_t count, const struct place *place)
{
    lua_State *L = w->L;
    struct cw_slice *keys = push_sorted_keys(w, table, count, place);
    add_char(w, '{');
    for (size_t i = 0; i < count; i++) {
        const struct place here = { place, keys[i], 0, place->depth + 1 };
        if (i > 0)
            add_char(w, ',');
        add_text(w, keys[i], &here);
        add_char(w, ':');
        lua_pushlstring(L, keys[i].data, keys[i].len);
        lua_rawget(L, table);
        write_value(w, lua_gettop(L), &here);
        lua_pop(L, 1);
    }
    add_char(w, '}');
    lua_pop(L, 1);
}

static void write_array(struct writer *w, int table, size_t count, const struct place *place)
{
    lua_State *L = w->L;
    add_char(w, '[');
    for (size_t i = 0; i < count; i++) {
        const struct place here = { place, { NULL, 0 }, (lua_Integer)i + 1, place->depth + 1 };
        if (i > 0)
            add_char(w, ',');
        if (lua_rawgeti(L, table, (lua_Integer)i + 1) == LUA_TNIL)
            refuse(w, &here, "a list with a hole");
        write_value(w, lua_gettop(L), &here);
        lua_pop(L, 1);
    }
    add_char(w, ']');
}

/* How many entries; *all_listed when their keys are 1..n. */
static size_t count_entries(lua_State *L, int table, bool *all_listed)
{
    size_t count = 0, length = lua_rawlen(L, table), listed = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        count++;
        lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
        listed += key >= 1 && (lua_Unsigned)key <= length;
    }
    *all_listed = listed == count && count == length;
    return count;
}

static bool is_marked_array(lua_State *L, int table)
{
    if (!lua_getmetatable(L, table))
        return false;
    luaL_getmetatable(L, ARRAY_TYPE);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

static void write_table(struct writer *w, int table, const struct place *place)
{
    bool all_listed;
    if (place->depth >= DEPTH_MAX)
        refuse(w, place, "nested deeper than 100, or in a circle");
    luaL_checkstack(w->L, 8, "JSON nested too deep");
    size_t count = count_entries(w->L, table, &all_listed);
    bool marked = is_marked_array(w->L, table);
    if (marked && !all_listed)
        refuse(w, place, "a list with holes or other keys");
    if (marked || (all_listed && count > 0))
        write_array(w, table, count, place);
    else
        write_object(w, table, count, place);
}

static void write_number(struct writer *w, int index, const struct place *place)
{
    char text[CW_LUA_SCALAR_MAX];
    struct cw_slice slice;
    int is_exact;
    lua_Integer integer = lua_tointegerx(w->L, index, &is_exact);
    if (!is_exact)
        refuse(w, place, "a float is not exact: use cartwright.decimal; it stands");
    lua_pushinteger(w->L, integer);
    cw_lua_scalar(w->L, -1, text, &slice);
    add(w, slice);
    lua_pop(w->L, 1);
}

static void write_object_value(struct writer *w, int index, const struct place *place)
{
    char text[CW_LUA_SCALAR_MAX];
    struct cw_slice slice;
    if (luaL_testudata(w->L, index, NULL_TYPE) != NULL) {
        add(w, cw_slice("null"));
        return;
    }
    if (w->takes_secrets && cw_lua_to_secret(w->L, index) != NULL) {
        add_text(w, cw_slice(cw_lua_secret_text(w->L, index)), place);
        return;
    }
    if (!cw_lua_scalar(w->L, index, text, &slice))
        refuse(w, place,
               lua_pushfstring(w->L, "%s cannot be written; it stands", cw_lua_type_name(w->L, index)));
    if (cw_lua_to_decimal(w->L, index) != NULL)
        add(w, slice);
    else
        add_text(w, slice, place);
}

static void write_value(struct writer *w, int index, const struct place *place)
{
    struct cw_slice text;
    switch (lua_type(w->L, index)) {
    case LUA_TSTRING:
        text.data = lua_tolstring(w->L, index, &text.len);
        add_text(w, text, place);
        return;
    case LUA_TBOOLEAN:
        add(w, cw_slice(lua_toboolean(w->L, index) ? "true" : "false"));
        return;
    case LUA_TNUMBER:
        write_number(w, index, place);
        return;
    case LUA_TTABLE:
        write_table(w, index, place);
        return;
    default:
        write_object_value(w, index, place);
    }
}

static void write_any(lua_State *L, int index, struct cw_buffer *out, bool takes_secrets)
{
    struct writer writer = { L, out, takes_secrets };
    const struct place root = { 0 };
    write_value(&writer, lua_absindex(L, index), &root);
}

void cw_lua_write_json(lua_State *L, int index, struct cw_buffer *out)
{
    write_any(L, index, out, false);
}

void cw_lua_write_secret_json(lua_State *L, int index, struct cw_buffer *out)
{
    write_any(L, index, out, true);
}

/* json.encode(value) -> string. Raises for what JSON cannot say exactly. */
static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    cw_lua_write_json(L, 1, &scratch->buffer);
    struct cw_slice text = cw_buffer_slice(&scratch->buffer);
    lua_pushlstring(L, text.data, text.len);
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* json.array(list) -> list */
static int mark_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1) && !is_marked_array(L, 1))
        return luaL_argerror(L, 1, "this table has a metatable of its own");
    lua_settop(L, 1);
    luaL_setmetatable(L, ARRAY_TYPE);
    return 1;
}

static int null_text(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

void cw_lua_types_json(lua_State *L)
{
    static const luaL_Reg array_meta[] = { { NULL, NULL } };
    static const luaL_Reg null_meta[] = { { "__tostring", null_text }, { NULL, NULL } };
    cw_lua_new_type(L, ARRAY_TYPE, array_meta, NULL);
    cw_lua_new_type(L, NULL_TYPE, null_meta, NULL);
    lua_newuserdatauv(L, 1, 0);
    luaL_setmetatable(L, NULL_TYPE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
}

int cw_lua_open_json(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "decode", decode }, { "encode", encode }, { "array", mark_array }, { NULL, NULL }
    };
    luaL_newlib(L, functions);
    push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
