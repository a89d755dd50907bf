/* lua_site.c - cartwright.site: what scripts run by `cartwright exec` have besides carts. */
#include "bindings/carts_private.h"

#include <stdlib.h>
#include <string.h>

static struct cw_lua_carts *carts_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* site.cart(name) -> instance. Raises with everything that is wrong with its settings and mappings. */
static int get_cart(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    const char *name = luaL_checkstring(L, 1);
    struct cw_lua_cart *cart = cw_lua_carts_find(carts, name);
    if (cart == NULL)
        cart = cw_lua_open_cart(L, carts, name);
    lua_rawgeti(L, LUA_REGISTRYINDEX, cart->ref);
    return 1;
}

static bool is_named(const struct cw_lua_carts *carts, const char *path)
{
    for (int i = 0; i < carts->host.argc; i++)
        if (strcmp(carts->host.argv[i], path) == 0)
            return true;
    return false;
}

/* site.file(path) -> response. Raises for a file that the person did not name on the command line. */
static int get_file(lua_State *L)
{
    struct cw_error err;
    const char *path = luaL_checkstring(L, 1);
    if (!is_named(carts_of(L), path))
        return luaL_error(
            L, "%s: scripts read only files that were named on the command line after the script", path);
    struct cw_body *body = cw_body_open_file(path, &err);
    if (body == NULL)
        return cw_lua_raise(L, &err);
    cw_lua_push_file_response(L, body, path);
    return 1;
}

/* site.progress(done, total) */
static int progress(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    if (carts->host.progress != NULL)
        carts->host.progress(carts->host.arg, luaL_checkinteger(L, 1), luaL_optinteger(L, 2, 0));
    return 0;
}

/* --- query --- */

enum { QUERY_PARAMS_MAX = 32, QUERY_BYTES_MAX = 32 * 1024 * 1024 };

/* Rows are gathered outside Lua, because nothing may raise inside the store's callback: per value a length
 * (SIZE_MAX = NULL) and its bytes; the names first. */
struct query_op {
    struct cw_wait wait; /* first */
    struct cw_error err;
    struct cw_buffer cells;
    size_t columns, rows, next; /* next: offset of the next row */
    bool failed;
};

static const char *const QUERY_TYPE = "cw.query_op";

static int free_query(lua_State *L)
{
    struct query_op *op = luaL_checkudata(L, 1, QUERY_TYPE);
    cw_buffer_fini(&op->cells);
    return 0;
}

static bool add_cell(struct query_op *op, struct cw_slice cell)
{
    size_t len = cell.data == NULL ? SIZE_MAX : cell.len;
    return cw_buffer_add(&op->cells, &len, sizeof len, &op->err) &&
           cw_buffer_add(&op->cells, cell.data, cell.data == NULL ? 0 : cell.len, &op->err);
}

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct query_op *op = arg;
    for (size_t i = 0; op->rows == 0 && i < columns; i++)
        if (!add_cell(op, names[i]))
            op->failed = true;
    op->columns = columns;
    op->rows++;
    for (size_t i = 0; !op->failed && i < columns; i++)
        if (!add_cell(op, row[i]))
            op->failed = true;
    return !op->failed;
}

static void query_done(void *arg, const struct cw_error *err)
{
    struct query_op *op = arg;
    if (err != NULL) {
        op->failed = true;
        op->err = *err;
    }
    cw_wait_done(&op->wait);
}

/* A query cannot be called off; its rows stay in the op, which the collector frees. */
static void cancel_query(struct cw_wait *wait)
{
    (void)wait;
}

static struct cw_slice read_cell(const struct query_op *op, size_t *at)
{
    size_t len;
    memcpy(&len, op->cells.data + *at, sizeof len);
    *at += sizeof len;
    struct cw_slice cell = { len == SIZE_MAX ? NULL : op->cells.data + *at, len == SIZE_MAX ? 0 : len };
    *at += cell.len;
    return cell;
}

/* The iterator: upvalue 1 is the op. */
static int next_row(lua_State *L)
{
    struct query_op *op = lua_touserdata(L, lua_upvalueindex(1));
    size_t name_at = 0;
    if (op->rows == 0) {
        lua_pushnil(L);
        return 1;
    }
    if (op->next == 0)
        for (size_t i = 0; i < op->columns; i++)
            read_cell(op, &op->next);
    op->rows--;
    lua_createtable(L, 0, (int)op->columns);
    for (size_t i = 0; i < op->columns; i++) {
        struct cw_slice name = read_cell(op, &name_at), cell = read_cell(op, &op->next);
        if (cell.data == NULL)
            continue;
        lua_pushlstring(L, name.data, name.len);
        lua_pushlstring(L, cell.data, cell.len);
        lua_rawset(L, -3);
    }
    return 1;
}

static int finish_query(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct query_op *op = (struct query_op *)ctx;
    if (op->failed)
        return cw_lua_raise(L, &op->err);
    lua_pushcclosure(L, next_row, 1); /* the op is on top */
    return 1;
}

/* site.query(sql, ...) -> iterator of tables. Raises what the store says. */
static int query(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    struct cw_slice params[QUERY_PARAMS_MAX];
    const char *sql = luaL_checkstring(L, 1);
    int count = lua_gettop(L) - 1;
    luaL_argcheck(L, count <= QUERY_PARAMS_MAX, count + 1, "too many parameters");
    luaL_argcheck(L, carts->host.store != NULL, 1, "there is no store in this command");
    luaL_checkstack(L, count + 8, "too many parameters");
    for (int i = 0; i < count; i++)
        params[i].data = luaL_tolstring(L, i + 2, &params[i].len);
    cw_wait_check(L);
    struct query_op *op = lua_newuserdatauv(L, sizeof *op, 0);
    memset(op, 0, sizeof *op);
    op->cells.limit = QUERY_BYTES_MAX;
    op->wait.cancel = cancel_query;
    if (luaL_newmetatable(L, QUERY_TYPE)) {
        lua_pushcfunction(L, free_query);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    cw_store_query(carts->host.store, sql, params, (size_t)count, take_row, query_done, op);
    return cw_wait_start(L, &op->wait, finish_query, (lua_KContext)op);
}

static const luaL_Reg functions[] = {
    { "cart", get_cart },       { "edit", cw_lua_site_edit }, { "file", get_file }, { "progress", progress },
    { "put", cw_lua_site_put }, { "query", query },           { NULL, NULL }
};

int cw_luaopen_site(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    if (carts->host.argv == NULL) /* else a cart could use the credentials and the records of every other */
        return luaL_error(L, "cartwright.site is for scripts that `cartwright exec` runs, not for carts");
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    lua_newtable(L);
    for (int i = 0; i < carts->host.argc; i++) {
        lua_pushstring(L, carts->host.argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "args");
    lua_pushboolean(L, carts->host.dry_run);
    lua_setfield(L, -2, "dry_run");
    return 1;
}
