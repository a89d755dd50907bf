/* lua_store.c - cartwright.native.cart: storing pages, remembering texts between runs, handles of secrets,
 * rows of tables. */
#include "bindings/carts_private.h"

#include <stdlib.h>
#include <string.h>

static struct cw_lua_carts *carts_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* The open cart whose instance (or the `self` of one of its runs) is at `index`. */
struct cw_lua_cart *cw_lua_check_cart(lua_State *L, struct cw_lua_carts *carts, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, "name");
    const char *name = lua_tostring(L, -1);
    struct cw_lua_cart *cart = name != NULL ? cw_lua_carts_find(carts, name) : NULL;
    luaL_argcheck(L, cart != NULL, index, "a cart expected (call it with a colon: self:emit)");
    lua_pop(L, 1);
    return cart;
}

static struct cw_lua_cart *check_cart(lua_State *L, int index)
{
    return cw_lua_check_cart(L, carts_of(L), index);
}

/* --- emit --- */

struct emit_op {
    struct cw_wait wait; /* first: &wait converts back */
    struct cw_lua_carts *carts;
    void *handle;
    struct cw_run_counts counts;
    struct cw_error err;
};

static void emit_done(void *arg, const struct cw_run_counts *counts, const struct cw_error *err)
{
    struct emit_op *op = arg;
    op->handle = NULL;
    op->err = err != NULL ? *err : (struct cw_error){ .code = CW_OK };
    if (counts != NULL)
        op->counts = *counts;
    cw_wait_done(&op->wait);
}

static void cancel_emit(struct cw_wait *wait)
{
    struct emit_op *op = (struct emit_op *)wait;
    if (op->handle != NULL)
        op->carts->host.cancel_emit(op->carts->host.arg, op->handle);
}

static int finish_emit(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct emit_op *op = (struct emit_op *)ctx;
    if (op->err.code != CW_OK)
        return cw_lua_raise(L, &op->err);
    cw_records_tell_stored(cw_lua_to_records(L, 2));
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = { { "read", op->counts.read },
                   { "posted", op->counts.posted },
                   { "unchanged", op->counts.unchanged },
                   { "parked", op->counts.parked },
                   { "skipped", op->counts.skipped } };
    lua_createtable(L, 0, 5);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    return 1;
}

static const struct cw_lua_stream *check_stream(lua_State *L, const struct cw_lua_cart *cart)
{
    const char *name = NULL;
    if (lua_istable(L, 3) && lua_getfield(L, 3, "stream") == LUA_TSTRING)
        name = lua_tostring(L, -1);
    else if (lua_getfield(L, 1, "stream") == LUA_TSTRING)
        name = lua_tostring(L, -1);
    const struct cw_lua_stream *stream = name != NULL ? cw_lua_cart_stream(cart, name) : NULL;
    if (stream == NULL)
        luaL_error(L, "cart %s: no stream %s; name one: self:emit(records, { stream = \"orders\" })",
                   cart->name, name != NULL ? name : "given");
    return stream;
}

/* emit(self, records, options) -> counts. Raises when the page could not be stored; nothing of it was then.
 */
static int emit(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    struct cw_lua_cart *cart = check_cart(L, 1);
    struct cw_records *records = cw_lua_to_records(L, 2);
    luaL_argcheck(L, records != NULL, 2, "records expected: response:records(path)");
    lua_settop(L, 3);
    const struct cw_lua_stream *stream = check_stream(L, cart);
    struct cw_slice position = { "", 0 };
    if (lua_istable(L, 3) && lua_getfield(L, 3, "position") == LUA_TSTRING)
        position.data = lua_tolstring(L, -1, &position.len);
    cw_wait_check(L);
    struct emit_op *op = lua_newuserdatauv(L, sizeof *op, 0);
    memset(op, 0, sizeof *op);
    op->wait.cancel = cancel_emit;
    op->carts = carts;
    struct cw_error err;
    op->handle = carts->host.emit(carts->host.arg, stream, records, position, emit_done, op, &err);
    if (op->handle == NULL)
        return cw_lua_raise(L, &err);
    return cw_wait_start(L, &op->wait, finish_emit, (lua_KContext)op);
}

/* --- state between runs --- */

enum { STATE_TEXT_MAX = 1024 * 1024 }; /* bytes */

/* Outside Lua, because a question to the store cannot be called off: its answer may come when the fiber that
 * waited, or the whole state, is gone. */
struct state_op {
    struct cw_wait wait; /* first */
    struct cw_error err;
    struct cw_buffer value;                     /* recall: what was found */
    struct cw_buffer cart_name, key_name, text; /* remember: copies that outlive the state */
    bool found, removes;
    bool asked;   /* the store still has it */
    bool killed;  /* nobody waits for it any more */
    bool dropped; /* Lua has it no more */
};

static const char *const STATE_TYPE = "cw.state_op";

static void free_state_op(struct state_op *op)
{
    cw_buffer_fini(&op->value);
    cw_buffer_fini(&op->cart_name);
    cw_buffer_fini(&op->key_name);
    cw_buffer_fini(&op->text);
    free(op);
}

static int drop_state_op(lua_State *L)
{
    struct state_op *op = *(struct state_op **)luaL_checkudata(L, 1, STATE_TYPE);
    if (op == NULL)
        return 0;
    op->dropped = true;
    if (!op->asked)
        free_state_op(op);
    return 0;
}

/* Whoever is last frees it: the store when it has answered, or the collector. */
static void cancel_state(struct cw_wait *wait)
{
    ((struct state_op *)wait)->killed = true;
}

static void answer_state(struct state_op *op, const struct cw_error *err)
{
    op->asked = false;
    if (op->dropped) {
        free_state_op(op);
        return;
    }
    if (err != NULL)
        op->err = *err;
    if (!op->killed)
        cw_wait_done(&op->wait);
}

/* The new op is left on the stack, in a userdata. */
static struct state_op *new_state_op(lua_State *L, const struct cw_lua_cart *cart)
{
    struct state_op **place = lua_newuserdatauv(L, sizeof(struct state_op *), 0);
    *place = NULL;
    if (luaL_newmetatable(L, STATE_TYPE)) {
        lua_pushcfunction(L, drop_state_op);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    struct state_op *op = *place = calloc(1, sizeof *op);
    size_t len;
    const char *key = luaL_checklstring(L, 2, &len);
    if (op == NULL || !cw_buffer_add(&op->cart_name, cart->name, strlen(cart->name), NULL) ||
        !cw_buffer_add(&op->key_name, key, len, NULL))
        luaL_error(L, "no memory");
    op->wait.cancel = cancel_state;
    return op;
}

static struct cw_store *check_store(lua_State *L)
{
    struct cw_store *store = carts_of(L)->host.store;
    if (store == NULL)
        luaL_error(L, "there is no store in this command");
    return store;
}

static void state_found(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct state_op *op = arg;
    struct cw_error full;
    op->found = value.data != NULL;
    if (op->found && !cw_buffer_add(&op->value, value.data, value.len, &full))
        err = &full;
    answer_state(op, err);
}

static int finish_recall(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct state_op *op = (struct state_op *)ctx;
    if (op->err.code != CW_OK)
        return cw_lua_raise(L, &op->err);
    if (op->found)
        lua_pushlstring(L, op->value.len > 0 ? op->value.data : "", op->value.len);
    else
        lua_pushnil(L);
    return 1;
}

/* recall(self, key) -> text | nil */
static int recall(lua_State *L)
{
    struct cw_lua_cart *cart = check_cart(L, 1);
    luaL_checkstring(L, 2);
    struct cw_store *store = check_store(L);
    cw_wait_check(L);
    struct state_op *op = new_state_op(L, cart);
    op->asked = true;
    cw_store_get_state(store, cw_buffer_slice(&op->cart_name), cw_buffer_slice(&op->key_name), state_found,
                       op);
    return cw_wait_start(L, &op->wait, finish_recall, (lua_KContext)op);
}

static void state_stored(void *arg, const struct cw_error *err)
{
    answer_state(arg, err);
}

static void state_txn_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct state_op *op = arg;
    if (err != NULL) {
        state_stored(op, err);
        return;
    }
    if (op->killed || op->dropped) {
        cw_txn_rollback(txn);
        answer_state(op, NULL);
        return;
    }
    struct cw_slice text = cw_buffer_slice(&op->text);
    cw_txn_put_state(txn, cw_buffer_slice(&op->cart_name), cw_buffer_slice(&op->key_name),
                     op->removes ? (struct cw_slice){ NULL, 0 }
                                 : (struct cw_slice){ text.len > 0 ? text.data : "", text.len });
    cw_txn_commit(txn, state_stored, op);
}

static int finish_remember(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct state_op *op = (struct state_op *)ctx;
    return op->err.code != CW_OK ? cw_lua_raise(L, &op->err) : 0;
}

/* remember(self, key, text | nil) */
static int remember(lua_State *L)
{
    struct cw_lua_cart *cart = check_cart(L, 1);
    struct cw_lua_carts *carts = carts_of(L);
    struct cw_slice text = { NULL, 0 };
    struct cw_slice key;
    key.data = luaL_checklstring(L, 2, &key.len);
    luaL_argcheck(L, !cw_state_is_own(key), 2,
                  "keys that begin with \"" CW_STATE_OWN "\" are the runtime's own");
    if (!lua_isnoneornil(L, 3))
        text.data = luaL_checklstring(L, 3, &text.len);
    luaL_argcheck(L, text.len <= STATE_TEXT_MAX, 3, "at most 1 MiB");
    struct cw_store *store = check_store(L);
    lua_settop(L, 3);
    cw_wait_check(L);
    if (carts->host.dry_run)
        return 0;
    struct state_op *op = new_state_op(L, cart);
    op->removes = text.data == NULL;
    if (!cw_buffer_add(&op->text, text.data, text.len, NULL))
        luaL_error(L, "no memory");
    op->asked = true;
    const struct cw_lua_carts_host *host = &carts->host;
    struct cw_fence fence = host->fence != NULL ? host->fence(host->arg, cart->name)
                                                : (struct cw_fence){ cw_slice(cart->name), 0 };
    cw_txn_begin(store, fence, state_txn_ready, op);
    return cw_wait_start(L, &op->wait, finish_remember, (lua_KContext)op);
}

/* --- secrets --- */

/* has_secret(name) -> boolean */
static int has_secret(lua_State *L)
{
    struct cw_lua_carts *carts = carts_of(L);
    lua_pushboolean(L, carts->host.has_secret(carts->host.arg, luaL_checkstring(L, 1)));
    return 1;
}

/* secret(name) -> handle */
static int secret(lua_State *L)
{
    cw_lua_push_secret(L, luaL_checkstring(L, 1));
    return 1;
}

static const luaL_Reg functions[] = { { "emit", emit },
                                      { "recall", recall },
                                      { "remember", remember },
                                      { "has_secret", has_secret },
                                      { "secret", secret },
                                      { "table_rows", cw_lua_table_rows },
                                      { "fold", cw_lua_fold },
                                      { "signed", cw_lua_signed },
                                      { "secret_equals", cw_lua_secret_equals },
                                      { "hash", cw_lua_hash },
                                      { "micros", cw_lua_micros },
                                      { "served_documents", cw_lua_served_documents },
                                      { "served_count", cw_lua_served_count },
                                      { "served_places", cw_lua_served_places },
                                      { "served_put", cw_lua_served_put },
                                      { "served_edit", cw_lua_served_edit },
                                      { "served_quantity", cw_lua_served_quantity },
                                      { NULL, NULL } };

int cw_luaopen_cart(lua_State *L)
{
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    lua_pushboolean(L, carts_of(L)->host.has_many_writers);
    lua_setfield(L, -2, "has_many_writers");
    lua_pushstring(L, carts_of(L)->host.site_zone);
    lua_setfield(L, -2, "site_zone");
    return 1;
}
