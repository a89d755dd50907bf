/* lua_edit.c - site.edit: a stored document changed by a script, as `cartwright edit` does it. */
#include "bindings/carts_private.h"
#include "bindings/modules.h"

enum { CHANGES_MAX = 256 };

/* What the script asks for. Its texts stay on the stack, or in `scratch`, until the store has answered. */
struct asked {
    struct cw_change changes[CHANGES_MAX];
    char scratch[CHANGES_MAX][CW_LUA_SCALAR_MAX];
    size_t count;
};

static const char *text_field(lua_State *L, const char *field)
{
    if (lua_getfield(L, 1, field) != LUA_TSTRING)
        luaL_error(
            L,
            "site.edit needs %s, a text: { cart = \"shop\", kind = \"order\", id = \"101\", set = { note "
            "= \"...\" }, reason = \"...\" }",
            field);
    return lua_tostring(L, -1);
}

static struct cw_change *add_change(lua_State *L, struct asked *asked)
{
    if (asked->count == CHANGES_MAX)
        luaL_error(L, "site.edit changes at most %d fields at once", CHANGES_MAX);
    luaL_checkstack(L, 4, "too many changes");
    asked->changes[asked->count] = (struct cw_change){ .field = NULL };
    return &asked->changes[asked->count++];
}

/* set = { field = value }: the values stay on the stack. */
static void read_set(lua_State *L, struct asked *asked)
{
    if (lua_getfield(L, 1, "set") != LUA_TTABLE)
        return;
    int set = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, set) != 0;) {
        struct cw_change *change = add_change(L, asked);
        char *scratch = asked->scratch[asked->count - 1];
        if (lua_type(L, -2) != LUA_TSTRING || !cw_lua_scalar(L, -1, scratch, &change->value))
            luaL_error(
                L,
                "site.edit: set holds fields by their names, each with a text, number, boolean, Decimal or "
                "Time");
        change->field = lua_tostring(L, -2);
        lua_pushvalue(L, -2); /* the value stays below, the key goes on */
    }
}

/* clear = { "note" } and undo = { "email" } */
static void read_names(lua_State *L, const char *list, bool is_undo, struct asked *asked)
{
    if (lua_getfield(L, 1, list) != LUA_TTABLE)
        return;
    int names = lua_gettop(L);
    for (lua_Integer i = 1; lua_geti(L, names, i) != LUA_TNIL; i++) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "site.edit: %s is a list of fields", list);
        *add_change(L, asked) = (struct cw_change){ .field = lua_tostring(L, -1), .is_undo = is_undo };
    }
}

/* *txn, where there is one, is the host's from the moment that it is asked. */
int cw_lua_edit_in(lua_State *L, struct cw_lua_carts *carts, struct cw_txn **txn)
{
    struct cw_error err;
    luaL_checktype(L, 1, LUA_TTABLE);
    struct asked *asked = lua_newuserdatauv(L, sizeof *asked, 0);
    asked->count = 0;
    const char *name = text_field(L, "cart"), *id = text_field(L, "id"), *reason = text_field(L, "reason");
    const struct cw_kind *kind = cw_kind_find(cw_slice(text_field(L, "kind")));
    if (kind == NULL || !kind->is_document)
        return luaL_error(L,
                          "site.edit: there is no kind %s; there are order, customer, item, stock_level and "
                          "shipment",
                          lua_tostring(L, -1));
    read_set(L, asked);
    read_names(L, "clear", false, asked);
    read_names(L, "undo", true, asked);
    if (asked->count == 0)
        return luaL_error(L, "site.edit: nothing to change; name fields in set, clear or undo");
    struct cw_lua_cart *cart = cw_lua_carts_find(carts, name);
    if (cart == NULL)
        cart = cw_lua_open_cart(L, carts, name);
    if (carts->host.edit == NULL)
        return luaL_error(L, "site.edit: there is no store in this command");
    struct cw_txn *given = txn != NULL ? *txn : NULL;
    if (txn != NULL)
        *txn = NULL;
    if (!carts->host.edit(carts->host.arg, given, cart, kind, cw_slice(id), asked->changes, asked->count,
                          cw_slice(reason), &err))
        return cw_lua_raise(L, &err);
    return 0;
}

/* site.edit { cart, kind, id, set, clear, undo, reason }. Raises what is wrong with it; then nothing changed.
 */
int cw_lua_site_edit(lua_State *L)
{
    return cw_lua_edit_in(L, lua_touserdata(L, lua_upvalueindex(1)), NULL);
}
