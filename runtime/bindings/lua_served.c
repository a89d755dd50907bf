/* lua_served.c - carts that are asked: starting a cart's script for one request, and what it may do meanwhile
 * with the store.
 *
 * Each of these waits for its turn to have a transaction, suspended; in it the store answers at once, so that
 * nobody who waits behind can be needed. A transaction is given back however its function ends.
 */
#include "bindings/carts_private.h"

#include <stdlib.h>
#include <string.h>

#include "bindings/modules.h"

enum { PARAMS_MAX = 80, HEADERS_MAX = 32, DOCUMENTS_MAX = 1000 };

/* --- a transaction of a fiber --- */

struct hold {
    struct cw_wait wait; /* first */
    struct cw_error err;
    struct cw_txn *txn;
    bool is_asked;   /* the store has not answered yet */
    bool is_killed;  /* its fiber is gone */
    bool is_dropped; /* nobody has it any more: the answer frees it */
};

static const char *const HOLD_TYPE = "cw.served_hold";

static void end_txn(struct hold *hold)
{
    if (hold->txn != NULL)
        cw_txn_rollback(hold->txn);
    hold->txn = NULL;
}

static int release(lua_State *L) /* __close and __gc */
{
    struct hold **place = luaL_checkudata(L, 1, HOLD_TYPE);
    struct hold *hold = *place;
    *place = NULL;
    if (hold == NULL)
        return 0;
    if (hold->is_asked) {
        hold->is_dropped = true;
        return 0;
    }
    end_txn(hold);
    free(hold);
    return 0;
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct hold *hold = arg;
    hold->is_asked = false;
    hold->txn = txn;
    if (err != NULL)
        hold->err = *err;
    if (hold->is_dropped || hold->is_killed)
        end_txn(hold);
    if (hold->is_dropped)
        free(hold);
    else if (!hold->is_killed)
        cw_wait_done(&hold->wait);
}

static void cancel(struct cw_wait *wait)
{
    ((struct hold *)wait)->is_killed = true;
}

/* Waits for a transaction, and then runs `k` with the stack as it is; its ctx is the hold, which lies on top.
 */
static int with_txn(lua_State *L, struct cw_lua_carts *carts, struct cw_fence fence, lua_KFunction k)
{
    if (carts->host.store == NULL)
        return luaL_error(L, "there is no store in this command");
    luaL_checkstack(L, 40, "too many arguments");
    cw_wait_check(L);
    struct hold **place = lua_newuserdatauv(L, sizeof *place, 0);
    *place = NULL;
    if (luaL_newmetatable(L, HOLD_TYPE)) {
        lua_pushcfunction(L, release);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, release);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    struct hold *hold = *place = calloc(1, sizeof *hold);
    if (hold == NULL)
        return luaL_error(L, "no memory");
    hold->wait.cancel = cancel;
    hold->is_asked = true;
    cw_txn_begin(carts->host.store, fence, begun, hold);
    return cw_wait_start(L, &hold->wait, k, (lua_KContext)hold);
}

static struct cw_lua_carts *carts_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* What begins every k. */
static struct hold *check_begun(lua_State *L, lua_KContext ctx)
{
    struct hold *hold = (struct hold *)ctx;
    if (hold->txn == NULL)
        cw_lua_raise(L, &hold->err);
    return hold;
}

/* --- queries --- */

struct asking {
    const struct cw_kind *kind;
    struct cw_arena *arena;
    struct cw_record_key keys[DOCUMENTS_MAX];
    struct cw_document *docs[DOCUMENTS_MAX];
    int64_t places[DOCUMENTS_MAX];
    size_t count;
    lua_Integer number; /* the answer to a count */
    struct cw_error err;
};

static void query_done(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        ((struct asking *)arg)->err = *err;
}

static struct cw_slice check_text(lua_State *L, int index)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, index, &text.len);
    return text;
}

/* The statement at `sql` with the list of texts behind it; answered when it returns. Raises. */
static void query(lua_State *L, struct cw_lua_carts *carts, int sql, cw_query_row_fn *row,
                  struct asking *asking)
{
    struct cw_slice params[PARAMS_MAX];
    size_t count = lua_rawlen(L, sql + 1);
    luaL_argcheck(L, count <= PARAMS_MAX, sql + 1, "too many parameters");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, sql + 1, (lua_Integer)i + 1);
        params[i] = check_text(L, -1);
        lua_pop(L, 1); /* the list keeps it */
    }
    cw_store_query(carts->host.store, lua_tostring(L, sql), params, count, row, query_done, asking);
    cw_store_wait(carts->host.store);
    if (asking->err.code != CW_OK)
        cw_lua_raise(L, &asking->err);
}

/* id, cart, external_id */
static bool take_key(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct asking *asking = arg;
    struct cw_record_key *key = &asking->keys[asking->count];
    (void)columns, (void)names;
    if (asking->count == DOCUMENTS_MAX)
        return false;
    key->cart = cw_arena_copy(asking->arena, row[1]);
    key->stream = cw_slice(asking->kind->plural);
    key->external_id = cw_arena_copy(asking->arena, row[2]);
    if (key->cart.data == NULL || key->external_id.data == NULL) {
        cw_fail(&asking->err, CW_LIMIT, "these documents are too large to be read at once; ask for fewer");
        return false;
    }
    asking->count++;
    return true;
}

static bool take_number(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    (void)columns, (void)names;
    ((struct asking *)arg)->number = strtoll(row[0].data, NULL, 10);
    return true;
}

static bool take_place(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct asking *asking = arg;
    (void)columns, (void)names;
    if (asking->count < DOCUMENTS_MAX)
        asking->places[asking->count++] = strtoll(row[0].data, NULL, 10);
    return true;
}

static void take_documents(void *arg, const struct cw_stored *stored, size_t count,
                           const struct cw_error *err)
{
    struct asking *asking = arg;
    if (err != NULL)
        asking->err = *err;
    for (size_t i = 0; i < count && err == NULL; i++) {
        asking->docs[i] = stored[i].doc;
        asking->places[i] = stored[i].number;
    }
}

/* --- documents as tables --- */

static void push_fields(lua_State *L, const struct cw_document *doc);

static void push_list(lua_State *L, const struct cw_document *first)
{
    lua_Integer i = 0;
    lua_newtable(L);
    for (const struct cw_document *member = first; member != NULL; member = member->next) {
        push_fields(L, member);
        lua_rawseti(L, -2, ++i);
    }
}

static void push_value(lua_State *L, enum cw_type type, const struct cw_value *value)
{
    switch (type) {
    case CW_DECIMAL:
    case CW_MONEY:
        cw_lua_push_decimal(L, &value->decimal);
        return;
    case CW_INTEGER:
        lua_pushinteger(L, value->integer);
        return;
    case CW_BOOLEAN:
        lua_pushboolean(L, value->boolean);
        return;
    case CW_TIME:
        cw_lua_push_time(L, value->time);
        return;
    case CW_RECORD:
        push_fields(L, value->record);
        return;
    case CW_LIST:
        push_list(L, value->list.first);
        return;
    default:
        lua_pushlstring(L, value->text.len > 0 ? value->text.data : "", value->text.len);
    }
}

static void push_custom(lua_State *L, const struct cw_document *doc)
{
    lua_newtable(L);
    for (const struct cw_custom *custom = doc->custom; custom != NULL; custom = custom->next) {
        if (!custom->value.is_set)
            continue;
        lua_pushlstring(L, custom->name.data, custom->name.len);
        push_value(L, custom->type, &custom->value);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "custom");
}

/* Lists are there even when they are empty; what else is unset is left out. */
static void push_fields(lua_State *L, const struct cw_document *doc)
{
    luaL_checkstack(L, 8, "a document nested too deep");
    lua_newtable(L);
    if (doc->external_id.len > 0) {
        lua_pushlstring(L, doc->external_id.data, doc->external_id.len);
        lua_setfield(L, -2, "external_id");
    }
    for (size_t i = 0; i < doc->kind->field_count; i++) {
        const struct cw_field *field = &doc->kind->fields[i];
        if (!doc->values[i].is_set && field->type != CW_LIST)
            continue;
        push_value(L, field->type, &doc->values[i]);
        lua_setfield(L, -2, field->name);
    }
    push_custom(L, doc);
}

static void push_documents(lua_State *L, const struct asking *asking)
{
    lua_Integer listed = 0;
    lua_newtable(L);
    for (size_t i = 0; i < asking->count; i++) {
        if (asking->docs[i] == NULL)
            continue;
        push_fields(L, asking->docs[i]);
        lua_pushlstring(L, asking->keys[i].cart.data, asking->keys[i].cart.len);
        lua_setfield(L, -2, "cart");
        lua_pushinteger(L, asking->places[i]);
        lua_setfield(L, -2, "place");
        lua_rawseti(L, -2, ++listed);
    }
}

static struct asking *new_asking(lua_State *L, const struct cw_kind *kind)
{
    struct asking *asking = lua_newuserdatauv(L, sizeof *asking, 0);
    memset(asking, 0, sizeof *asking);
    asking->kind = kind;
    asking->arena = &cw_lua_push_scratch(L)->arena;
    return asking;
}

static int read_documents(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    struct cw_lua_carts *carts = carts_of(L);
    struct asking *asking = new_asking(L, cw_kind_find(check_text(L, 2)));
    query(L, carts, 3, take_key, asking);
    if (asking->count > 0)
        cw_txn_get_documents(hold->txn, asking->kind, asking->keys, asking->count, asking->arena,
                             take_documents, asking);
    cw_store_wait(carts->host.store);
    end_txn(hold);
    if (asking->err.code != CW_OK)
        return cw_lua_raise(L, &asking->err);
    push_documents(L, asking);
    return 1;
}

/* served_documents(self, kind, sql, params) -> list. `sql` gives id, cart and external_id. Suspends. */
int cw_lua_served_documents(lua_State *L)
{
    const struct cw_kind *kind = cw_kind_find(check_text(L, 2));
    luaL_argcheck(L, kind != NULL && kind->is_document, 2, "a kind of documents expected");
    check_text(L, 3);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_settop(L, 4);
    return with_txn(L, carts_of(L), (struct cw_fence){ 0 }, read_documents);
}

static int read_count(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    struct asking *asking = new_asking(L, NULL);
    query(L, carts_of(L), 2, take_number, asking);
    end_txn(hold);
    lua_pushinteger(L, asking->number);
    return 1;
}

/* served_count(self, sql, params) -> integer. Suspends. */
int cw_lua_served_count(lua_State *L)
{
    check_text(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    return with_txn(L, carts_of(L), (struct cw_fence){ 0 }, read_count);
}

static int read_places(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    struct asking *asking = new_asking(L, NULL);
    query(L, carts_of(L), 2, take_place, asking);
    end_txn(hold);
    lua_createtable(L, (int)asking->count, 0);
    for (size_t i = 0; i < asking->count; i++) {
        lua_pushinteger(L, asking->places[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* served_places(self, sql, params) -> integers, at most 1000. Suspends. */
int cw_lua_served_places(lua_State *L)
{
    check_text(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    return with_txn(L, carts_of(L), (struct cw_fence){ 0 }, read_places);
}

/* --- what is put --- */

static int put(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    return cw_lua_put_in(L, carts_of(L), &hold->txn);
}

/* served_put(put, self): as site.put. Suspends. */
int cw_lua_served_put(lua_State *L)
{
    struct cw_lua_cart *cart = cw_lua_check_cart(L, carts_of(L), 2);
    lua_settop(L, 2);
    return with_txn(L, carts_of(L), cart->serving, put);
}

static int edit(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    return cw_lua_edit_in(L, carts_of(L), &hold->txn);
}

/* served_edit(change, self): as site.edit. Suspends. The order's cart is that whose transactions come one
 * after another. */
int cw_lua_served_edit(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    cw_lua_check_cart(L, carts_of(L), 2);
    lua_settop(L, 2);
    lua_getfield(L, 1, "cart");
    struct cw_fence fence = { check_text(L, 3), 0 };
    return with_txn(L, carts_of(L), fence, edit);
}

/* --- quantities --- */

static int find_quantity(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct hold *hold = check_begun(L, ctx);
    struct cw_lua_carts *carts = carts_of(L);
    struct cw_lua_cart *cart = cw_lua_check_cart(L, carts, 1);
    struct cw_decimal quantity = { 0 };
    struct cw_error err;
    bool is_known = false;
    bool ok = carts->host.quantity(carts->host.arg, hold->txn, cart->name, check_text(L, 2), &is_known,
                                   &quantity, &err);
    end_txn(hold);
    if (!ok)
        return cw_lua_raise(L, &err);
    if (is_known)
        cw_lua_push_decimal(L, &quantity);
    else
        lua_pushnil(L);
    return 1;
}

/* served_quantity(self, sku) -> Decimal | nil. Suspends. */
int cw_lua_served_quantity(lua_State *L)
{
    cw_lua_check_cart(L, carts_of(L), 1);
    check_text(L, 2);
    lua_settop(L, 2);
    if (carts_of(L)->host.quantity == NULL)
        return luaL_error(L, "there is no store in this command");
    return with_txn(L, carts_of(L), (struct cw_fence){ 0 }, find_quantity);
}

/* --- for the engine --- */

struct start {
    const struct cw_lua_cart *cart;
    const struct cw_lua_notice *request;
};

static int push_request(lua_State *L, void *arg)
{
    const struct start *start = arg;
    cw_lua_push_open(L, "serve");
    lua_rawgeti(L, LUA_REGISTRYINDEX, start->cart->ref);
    cw_lua_push_notice(L, start->request);
    return 2;
}

static struct cw_slice text_at(lua_State *L, int index)
{
    struct cw_slice text = { "", 0 };
    if (lua_type(L, index) == LUA_TSTRING)
        text.data = lua_tolstring(L, index, &text.len);
    return text;
}

/* served.answer returned status, body, seconds to wait, and names and values of headers in turn, all checked.
 * Nothing here may raise. */
static void end_request(void *arg, lua_State *L, const struct cw_error *err)
{
    const struct cw_lua_serving *serving = arg;
    struct cw_header headers[HEADERS_MAX];
    size_t count = 0;
    if (err != NULL) {
        serving->answered(serving->arg, NULL, err);
        return;
    }
    for (int i = 4; i + 1 <= lua_gettop(L) && count < HEADERS_MAX; i += 2)
        headers[count++] = (struct cw_header){ text_at(L, i).data, text_at(L, i + 1).data };
    const struct cw_lua_answer answer = { .status = (int)lua_tointeger(L, 1),
                                          .wait = lua_tointeger(L, 3) * CW_SECOND,
                                          .headers = headers,
                                          .header_count = count,
                                          .body = text_at(L, 2) };
    serving->answered(serving->arg, &answer, NULL);
}

struct cw_fiber *cw_lua_start_serve(struct cw_lua_cart *cart, const struct cw_lua_notice *request,
                                    struct cw_fence fence, struct cw_lua_serving *serving,
                                    struct cw_error *err)
{
    struct start start = { cart, request };
    cart->serving = fence;
    return cw_fiber_start(cart->script, push_request, &start, end_request, serving, err);
}
