/* lua_tables.c - translation rows: those that are set in the store, for scripts/cartwright/overlay.lua, and
 * those in force, for the commands. */
#include "bindings/carts_private.h"
#include "bindings/modules.h"
#include "bindings/placed.h"
#include "mapping/table.h"

enum { ROW_TEXTS = 3 }; /* table, key, value */

/* Gathered outside Lua, because nothing may raise inside the store's callback: for each row whether it is the
 * cart's own, and its texts, each behind its length. */
struct gathering {
    struct cw_buffer *rows;
    struct cw_slice cart;
    struct cw_error err;
    bool failed;
};

static bool take_entry(void *arg, const struct cw_table_entry *entry)
{
    struct gathering *gathering = arg;
    const struct cw_slice texts[ROW_TEXTS] = { entry->table, entry->key, entry->value };
    bool ok = cw_slice_equal(entry->cart, gathering->cart);
    if (!ok) /* the other carts' */
        return true;
    for (size_t i = 0; ok && i < ROW_TEXTS; i++)
        ok = cw_buffer_add(gathering->rows, &texts[i].len, sizeof texts[i].len, &gathering->err) &&
             cw_buffer_add(gathering->rows, texts[i].data, texts[i].len, &gathering->err);
    gathering->failed = !ok;
    return ok;
}

static void entries_done(void *arg, const struct cw_error *err)
{
    struct gathering *gathering = arg;
    if (err == NULL)
        return;
    gathering->failed = true;
    gathering->err = *err;
}

static struct cw_slice next_text(const struct cw_buffer *rows, size_t *at)
{
    size_t len;
    memcpy(&len, rows->data + *at, sizeof len);
    struct cw_slice text = { rows->data + *at + sizeof len, len };
    *at += sizeof len + len;
    return text;
}

/* Adds what was gathered to the list on top of the stack; what maps records is told of each row. */
static void push_rows(lua_State *L, const struct cw_lua_carts_host *host, const struct cw_buffer *rows,
                      bool are_own)
{
    static const char *const names[ROW_TEXTS] = { "table", "key", "value" };
    lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
    for (size_t at = 0; at < rows->len;) {
        lua_createtable(L, 0, ROW_TEXTS + 1);
        for (size_t i = 0; i < ROW_TEXTS; i++) {
            struct cw_slice text = next_text(rows, &at);
            if (host->versioned != NULL)
                host->versioned(host->arg, text);
            lua_pushlstring(L, text.data, text.len);
            lua_setfield(L, -2, names[i]);
        }
        lua_pushboolean(L, are_own);
        lua_setfield(L, -2, "own");
        lua_rawseti(L, -2, ++count);
    }
}

/* Adds the rows of one cart ("" = those of all carts) to the list on top of the stack. */
static void read_rows(lua_State *L, const struct cw_lua_carts_host *host, const char *cart)
{
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct gathering gathering = { .rows = &scratch->buffer, .cart = cw_slice(cart) };
    cw_store_read_tables(host->store, gathering.cart, take_entry, entries_done, &gathering);
    cw_store_wait(host->store);
    if (gathering.failed)
        cw_lua_raise(L, &gathering.err);
    lua_insert(L, -2); /* scratch list */
    push_rows(L, host, &scratch->buffer, cart[0] != '\0');
    lua_remove(L, -2);
}

/* table_rows(cart) -> { { table =, key =, value =, own = }, ... }: those of all carts, then the cart's own.
 */
int cw_lua_table_rows(lua_State *L)
{
    const struct cw_lua_carts *carts = lua_touserdata(L, lua_upvalueindex(1));
    const char *cart = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_newtable(L);
    if (carts->host.store == NULL)
        return 1;
    read_rows(L, &carts->host, "");
    read_rows(L, &carts->host, cart);
    return 1;
}

/* fold(text) -> the text as tables compare it without case. */
int cw_lua_fold(lua_State *L)
{
    luaL_Buffer buffer;
    struct cw_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    char *out = luaL_buffinitsize(L, &buffer, text.len);
    cw_fold_case(text, out);
    luaL_pushresultsize(&buffer, text.len);
    return 1;
}

/* --- rows in force --- */

struct row_reading {
    const struct cw_lua_cart *cart;
    cw_lua_table_row_fn *row;
    void *arg;
};

/* The text of a key or value, which stays on the stack; no data for anything that is none. */
static struct cw_slice push_text(lua_State *L, int index)
{
    struct cw_slice text = { NULL, 0 };
    lua_pushvalue(L, index); /* tolstring on a key itself would confuse lua_next */
    if (lua_isstring(L, -1))
        text.data = lua_tolstring(L, -1, &text.len);
    return text;
}

/* The rows of the table on top of the stack, which has no behaviour. */
static void read_table(lua_State *L, const struct row_reading *reading, struct cw_slice name)
{
    struct cw_lua_table_row row = { .table = name };
    bool any = false;
    int rows = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, rows) != 0; lua_settop(L, rows + 1)) {
        row.key = push_text(L, rows + 1);
        row.value = push_text(L, rows + 2);
        reading->row(reading->arg, &row);
        any = true;
    }
    if (!any)
        reading->row(reading->arg, &row);
}

static int read_tables(lua_State *L)
{
    const struct row_reading *reading = lua_touserdata(L, 1);
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, reading->cart->ref);
    lua_getfield(L, 2, "tables");
    cw_lua_placed_push_values(L, 3);
    for (lua_pushnil(L); lua_next(L, 4) != 0; lua_settop(L, 5)) {
        struct cw_slice name = push_text(L, 5);
        if (name.data == NULL || !lua_istable(L, 6))
            continue;
        cw_lua_placed_push_values(L, 6);
        read_table(L, reading, name);
    }
    return 0;
}

bool cw_lua_cart_read_tables(const struct cw_lua_cart *cart, cw_lua_table_row_fn *row, void *arg,
                             struct cw_error *err)
{
    struct row_reading reading = { cart, row, arg };
    return cw_script_call(cart->carts->script, read_tables, &reading, err);
}
