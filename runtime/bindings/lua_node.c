/* lua_node.c - nodes of records and answers for scripts: cartwright.Node in scripts/types/data.lua.
 *
 * A handle is two pointers: the node, and the scope it was reached through, which is shared and counted.
 * Closing the scope makes every handle over it fail with a message, because then the memory of its nodes may
 * be gone.
 */
#include <stdlib.h>

#include "bindings/modules.h"

#define NODE_TYPE    "cartwright.Node"
#define MATCHES_TYPE "cartwright.native.Matches"
#define PATHS_TYPE   "cartwright.native.Paths"

struct cw_lua_scope {
    unsigned users; /* handles, and the ticket */
    bool closed;
    struct cw_scope scope;
    struct cw_part parts[];
};

struct handle {
    struct cw_lua_scope *scope; /* NULL only while the handle is being made */
    const struct cw_node *node;
};

static void drop_scope(struct cw_lua_scope *scope)
{
    if (scope != NULL && --scope->users == 0)
        free(scope);
}

void cw_lua_release_scope(struct cw_lua_scope *ticket)
{
    drop_scope(ticket);
}

void cw_lua_close_scope(struct cw_lua_scope *ticket)
{
    ticket->closed = true;
    drop_scope(ticket);
}

static struct cw_lua_scope *make_scope(const struct cw_scope *from)
{
    size_t parts_bytes = from->part_count * sizeof *from->parts;
    struct cw_lua_scope *scope = malloc(sizeof *scope + parts_bytes);
    if (scope == NULL)
        return NULL;
    scope->users = 0;
    scope->closed = false;
    scope->scope = *from;
    scope->scope.parts = scope->parts;
    if (parts_bytes > 0)
        memcpy(scope->parts, from->parts, parts_bytes);
    return scope;
}

/* Pushes an empty handle that keeps the value at `owner` alive (0 = none). */
static struct handle *push_handle(lua_State *L, int owner)
{
    owner = owner != 0 ? lua_absindex(L, owner) : 0;
    struct handle *handle = lua_newuserdatauv(L, sizeof *handle, owner != 0 ? 1 : 0);
    *handle = (struct handle){ 0 };
    luaL_setmetatable(L, NODE_TYPE);
    if (owner != 0) {
        lua_pushvalue(L, owner);
        lua_setiuservalue(L, -2, 1);
    }
    return handle;
}

struct cw_lua_scope *cw_lua_push_scope(lua_State *L, const struct cw_scope *scope, int owner_index)
{
    struct handle *handle = push_handle(L, owner_index);
    handle->scope = make_scope(scope);
    if (handle->scope == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for a node");
    handle->scope->users = 2;
    handle->node = scope->record;
    return handle->scope;
}

/* Pushes a handle of the same scope and owner as that at `from`, or nil for no node. */
static void push_node(lua_State *L, int from, const struct cw_node *node)
{
    struct handle *source = lua_touserdata(L, from);
    if (node == NULL) {
        lua_pushnil(L);
        return;
    }
    bool has_owner = lua_getiuservalue(L, from, 1) > LUA_TNIL; /* LUA_TNONE: no such slot */
    struct handle *handle = push_handle(L, has_owner ? -1 : 0);
    handle->scope = source->scope;
    handle->scope->users++;
    handle->node = node;
    lua_remove(L, -2);
}

static int collect_handle(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, NODE_TYPE);
    drop_scope(handle->scope);
    handle->scope = NULL;
    return 0;
}

bool cw_lua_is_node(lua_State *L, int index)
{
    return luaL_testudata(L, index, NODE_TYPE) != NULL;
}

static struct handle *check_usable(lua_State *L, struct handle *handle)
{
    if (handle->scope == NULL || handle->scope->closed)
        cw_lua_fail(L, CW_USAGE,
                    "this node is gone: it could be used only in the function or loop step that it was "
                    "given to; keep its texts instead");
    return handle;
}

static struct handle *check_self(lua_State *L)
{
    return check_usable(L, luaL_checkudata(L, 1, NODE_TYPE));
}

/* --- paths --- */

/* Compiled paths of the state, by text: scripts use the same few again and again. */
struct paths {
    struct cw_arena arena;
    size_t count;
};
enum { PATHS_MAX = 1000, PATHS_BYTES_MAX = 1024 * 1024 };

static const char
    paths_key; /* registry: the paths; their user value is the table from text to light userdata */

static int collect_paths(lua_State *L)
{
    struct paths *paths = luaL_checkudata(L, 1, PATHS_TYPE);
    cw_arena_fini(&paths->arena);
    return 0;
}

static void make_paths(lua_State *L)
{
    struct paths *paths = lua_newuserdatauv(L, sizeof *paths, 1);
    *paths = (struct paths){ 0 };
    cw_arena_init(&paths->arena, PATHS_BYTES_MAX);
    luaL_setmetatable(L, PATHS_TYPE);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &paths_key);
}

/* Starts again when a script makes paths by the thousand. The table goes first: it points into the arena. */
static void forget_paths(lua_State *L, struct paths *paths, int userdata)
{
    lua_newtable(L);
    lua_setiuservalue(L, userdata, 1);
    cw_arena_reset(&paths->arena);
    paths->count = 0;
}

static const struct cw_path *compile(lua_State *L, struct paths *paths, int arg)
{
    struct cw_error err = { .code = CW_NOMEM, .text = "no memory for a path" };
    struct cw_slice text;
    text.data = lua_tolstring(L, arg, &text.len);
    text = cw_arena_copy(&paths->arena, text);
    const struct cw_path *path = text.data != NULL ? cw_path_compile(&paths->arena, text, &err) : NULL;
    if (path == NULL)
        cw_lua_raise(L, &err);
    return path;
}

const struct cw_path *cw_lua_check_path(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TSTRING); /* no number: tolstring would change the argument */
    lua_rawgetp(L, LUA_REGISTRYINDEX, &paths_key);
    int userdata = lua_gettop(L);
    struct paths *paths = lua_touserdata(L, userdata);
    lua_getiuservalue(L, userdata, 1);
    lua_pushvalue(L, arg);
    lua_rawget(L, -2); /* paths table path? */
    const struct cw_path *path = lua_touserdata(L, -1);
    if (path == NULL) {
        if (paths->count >= PATHS_MAX || paths->arena.used > PATHS_BYTES_MAX / 2)
            forget_paths(L, paths, userdata);
        path = compile(L, paths, arg);
        lua_getiuservalue(L, userdata, 1);
        lua_pushvalue(L, arg);
        lua_pushlightuserdata(L, (void *)path);
        lua_rawset(L, -3);
        paths->count++;
    }
    lua_settop(L, userdata - 1);
    return path;
}

/* --- methods --- */

static struct cw_scope scope_at(const struct handle *handle)
{
    struct cw_scope scope = handle->scope->scope;
    scope.record = handle->node;
    return scope;
}

/* The node itself without a path, else the first match. */
static const struct cw_node *find(lua_State *L, const struct handle *handle)
{
    if (lua_isnoneornil(L, 2))
        return handle->node;
    const struct cw_path *path = cw_lua_check_path(L, 2);
    struct cw_scope scope = scope_at(handle);
    return cw_path_first(path, &scope);
}

/* The trimmed text; false when absent or empty. */
static bool find_text(lua_State *L, struct cw_slice *text)
{
    const struct cw_node *node = find(L, check_self(L));
    if (node == NULL)
        return false;
    *text = cw_slice_trim(node->text);
    return text->len > 0;
}

/* node:text(path) -> string | nil */
static int get_text(lua_State *L)
{
    struct cw_slice text;
    if (find_text(L, &text))
        lua_pushlstring(L, text.data, text.len);
    else
        lua_pushnil(L);
    return 1;
}

static int raise_at(lua_State *L, struct cw_error *err)
{
    cw_fail_at(err, NULL, NULL, lua_isnoneornil(L, 2) ? "." : lua_tostring(L, 2));
    return cw_lua_raise(L, err);
}

/* node:bytes() -> string: the whole record, as it came. Raises for a node that is of no record. */
static int get_bytes(lua_State *L)
{
    struct cw_slice bytes = check_self(L)->scope->scope.bytes;
    if (bytes.data == NULL)
        return cw_lua_fail(L, CW_USAGE, "only records have bytes; an answer has response:text()");
    lua_pushlstring(L, bytes.data, bytes.len);
    return 1;
}

/* node:decimal(path) -> Decimal | nil when absent. Raises when the text is no decimal. */
static int get_decimal(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text;
    struct cw_decimal value;
    if (!find_text(L, &text)) {
        lua_pushnil(L);
        return 1;
    }
    if (!cw_decimal_parse(text, &value, &err))
        return raise_at(L, &err);
    cw_lua_push_decimal(L, &value);
    return 1;
}

/* node:integer(path) -> integer | nil when absent. Raises when the text is no integer of 64 bits. */
static int get_integer(lua_State *L)
{
    struct cw_error err;
    struct cw_slice text;
    struct cw_decimal value;
    int64_t integer;
    if (!find_text(L, &text)) {
        lua_pushnil(L);
        return 1;
    }
    if (!cw_decimal_parse(text, &value, &err))
        return raise_at(L, &err);
    if (!cw_decimal_to_int(&value, &integer)) {
        cw_fail(&err, CW_INVALID, "\"%.*s\" is no integer of 64 bits", (int)(text.len < 80 ? text.len : 80),
                text.data);
        return raise_at(L, &err);
    }
    lua_pushinteger(L, integer);
    return 1;
}

/* node:node(path) -> Node | nil */
static int get_node(lua_State *L)
{
    struct handle *handle = check_self(L);
    luaL_checktype(L, 2, LUA_TSTRING);
    push_node(L, 1, find(L, handle));
    return 1;
}

/* node:name() -> string */
static int get_name(lua_State *L)
{
    const struct cw_slice name = check_self(L)->node->name;
    lua_pushlstring(L, name.data != NULL ? name.data : "", name.len);
    return 1;
}

/* --- all matches --- */

struct matches {
    const struct cw_node **nodes;
    size_t count, cap, next;
    bool out_of_memory;
};

static int collect_matches(lua_State *L)
{
    struct matches *matches = luaL_checkudata(L, 1, MATCHES_TYPE);
    free(matches->nodes);
    *matches = (struct matches){ 0 };
    return 0;
}

static bool add_match(void *arg, const struct cw_node *node)
{
    struct matches *matches = arg;
    if (matches->count == matches->cap) {
        size_t cap = matches->cap == 0 ? 16 : 2 * matches->cap;
        void *nodes = realloc(matches->nodes, cap * sizeof(struct cw_node *));
        if (nodes == NULL) {
            matches->out_of_memory = true;
            return false;
        }
        matches->nodes = nodes;
        matches->cap = cap;
    }
    matches->nodes[matches->count++] = node;
    return true;
}

/* Upvalues: the matches, and the handle they were found from. */
static int next_match(lua_State *L)
{
    struct matches *matches = lua_touserdata(L, lua_upvalueindex(1));
    check_usable(L, lua_touserdata(L, lua_upvalueindex(2)));
    if (matches->next == matches->count) {
        lua_pushnil(L);
        return 1;
    }
    push_node(L, lua_upvalueindex(2), matches->nodes[matches->next++]);
    return 1;
}

/* node:each(path) -> iterator over all matches, in document order */
static int each(lua_State *L)
{
    struct handle *handle = check_self(L);
    const struct cw_path *path = cw_lua_check_path(L, 2);
    struct cw_scope scope = scope_at(handle);
    struct matches *matches = lua_newuserdatauv(L, sizeof *matches, 0);
    *matches = (struct matches){ 0 };
    luaL_setmetatable(L, MATCHES_TYPE);
    cw_path_each(path, &scope, add_match, matches);
    if (matches->out_of_memory)
        return cw_lua_fail(L, CW_NOMEM, "no memory for %zu nodes", matches->count);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, next_match, 2);
    return 1;
}

void cw_lua_types_node(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_handle }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "text", get_text }, { "decimal", get_decimal }, { "integer", get_integer }, { "node", get_node },
        { "each", each },     { "name", get_name },       { "bytes", get_bytes },     { NULL, NULL },
    };
    static const luaL_Reg matches_meta[] = { { "__gc", collect_matches }, { NULL, NULL } };
    static const luaL_Reg paths_meta[] = { { "__gc", collect_paths }, { NULL, NULL } };
    cw_lua_new_type(L, NODE_TYPE, meta, methods);
    cw_lua_new_type(L, MATCHES_TYPE, matches_meta, NULL);
    cw_lua_new_type(L, PATHS_TYPE, paths_meta, NULL);
    make_paths(L);
}
