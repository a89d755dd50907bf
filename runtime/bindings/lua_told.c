/* lua_told.c - what the store knows of an order that a cart is about to be told something of: where it
 * stands, and what of its parcels the cart was told. */
#include "bindings/carts_private.h"
#include "bindings/modules.h"

#include <stdlib.h>

/* Outside Lua, because a question to the store cannot be called off: its answer may come when the fiber that
 * waited, or the whole state, is gone. */
struct told_op {
    struct cw_wait wait; /* first */
    struct cw_error err;
    struct cw_buffer cart, order; /* copies that outlive the state */
    struct cw_buffer texts;       /* per row the length of its text, and the text */
    bool is_asked;                /* the store still has it */
    bool is_killed;               /* nobody waits for it any more */
    bool is_dropped;              /* Lua has it no more */
};

static const char *const TOLD_TYPE = "cw.told_op";

static void free_op(struct told_op *op)
{
    cw_buffer_fini(&op->cart);
    cw_buffer_fini(&op->order);
    cw_buffer_fini(&op->texts);
    free(op);
}

/* Whoever is last frees it: the store when it has answered, or the collector. */
static int drop_op(lua_State *L)
{
    struct told_op *op = *(struct told_op **)luaL_checkudata(L, 1, TOLD_TYPE);
    if (op == NULL)
        return 0;
    op->is_dropped = true;
    if (!op->is_asked)
        free_op(op);
    return 0;
}

static void cancel(struct cw_wait *wait)
{
    ((struct told_op *)wait)->is_killed = true;
}

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct told_op *op = arg;
    (void)columns, (void)names;
    return cw_buffer_add(&op->texts, (const char *)&row[0].len, sizeof row[0].len, &op->err) &&
           cw_buffer_add(&op->texts, row[0].data, row[0].data == NULL ? 0 : row[0].len, &op->err);
}

static void answered(void *arg, const struct cw_error *err)
{
    struct told_op *op = arg;
    op->is_asked = false;
    if (op->is_dropped) {
        free_op(op);
        return;
    }
    if (err != NULL)
        op->err = *err;
    if (!op->is_killed)
        cw_wait_done(&op->wait);
}

static int push_texts(lua_State *L, int status, lua_KContext ctx)
{
    const struct told_op *op = (const struct told_op *)ctx;
    lua_Integer count = 0;
    (void)status;
    if (op->err.code != CW_OK)
        return cw_lua_raise(L, &op->err);
    lua_newtable(L);
    for (size_t at = 0, len; at < op->texts.len; at += len) {
        memcpy(&len, op->texts.data + at, sizeof len);
        at += sizeof len;
        lua_pushlstring(L, op->texts.data + at, len);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* The new op is left on the stack, in a userdata. */
static struct told_op *new_op(lua_State *L, const char *cart, struct cw_slice order)
{
    struct told_op **place = lua_newuserdatauv(L, sizeof *place, 0);
    *place = NULL;
    if (luaL_newmetatable(L, TOLD_TYPE)) {
        lua_pushcfunction(L, drop_op);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    struct told_op *op = *place = calloc(1, sizeof *op);
    if (op == NULL || !cw_buffer_add(&op->cart, cart, strlen(cart), NULL) ||
        !cw_buffer_add(&op->order, order.data, order.len, NULL))
        luaL_error(L, "no memory");
    op->wait.cancel = cancel;
    return op;
}

/* The first column of what `sql` finds of an order. Without a store nothing is known. */
static int ask(lua_State *L, const char *sql)
{
    struct cw_lua_carts *carts = lua_touserdata(L, lua_upvalueindex(1));
    const struct cw_lua_cart *cart = cw_lua_check_cart(L, carts, 1);
    struct cw_slice order;
    order.data = luaL_checklstring(L, 2, &order.len);
    if (carts->host.store == NULL) {
        lua_newtable(L);
        return 1;
    }
    luaL_checkstack(L, 8, "no room for a question to the store");
    cw_wait_check(L);
    struct told_op *op = new_op(L, cart->name, order);
    const struct cw_slice params[] = { cw_buffer_slice(&op->cart), cw_buffer_slice(&op->order) };
    op->is_asked = true;
    cw_store_query(carts->host.store, sql, params, 2, take_row, answered, op);
    return cw_wait_start(L, &op->wait, push_texts, (lua_KContext)op);
}

/* parcels(self, order_id) -> texts: what the cart took of the order's parcels, as JSON, from the first on.
 * Only with "event <> ''" do the engines look into the index of events. */
static int parcels(lua_State *L)
{
    return ask(L, "SELECT payload FROM messages WHERE cart = $1 AND stream = 'shipments_out' "
                  "AND external_id = $2 AND event <> '' AND state = 'sent' ORDER BY id");
}

/* status(self, order_id) -> texts: the order's, as the store has it; none where it does not have the order */
static int status_of(lua_State *L)
{
    return ask(L, "SELECT status FROM orders WHERE cart = $1 AND external_id = $2");
}

int cw_luaopen_told(lua_State *L)
{
    static const luaL_Reg functions[] = { { "parcels", parcels }, { "status", status_of }, { NULL, NULL } };
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
