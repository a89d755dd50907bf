/* lua_http.c - the HTTP client of a cart for scripts: cartwright.native.http.
 *
 * One wait covers a batch of requests, and a single request is a batch of one. The loop's callbacks only note
 * the answers; they become Lua values when the fiber goes on. Everything a request points to lives in the
 * batch, and the batch on the stack that waits.
 */
#include "bindings/http_client.h"
#include "bindings/telling.h"

#define CLIENT_TYPE "cartwright.native.HttpClient"
#define BATCH_TYPE  "cartwright.native.HttpBatch"

enum { BATCH_MAX = 1000, BATCH_INDEX = 3 }; /* stack: client, request or requests, batch */

struct call {
    struct batch *batch;
    struct cw_http_request request;
    const char *label;
    struct cw_http_call *running; /* NULL when it is over, or was never sent */
    struct cw_telling *telling;   /* that counts it as a write; NULL = none does */
    struct cw_http_response *response;
    const struct cw_error *err; /* in the batch's arena */
};

struct batch {
    struct cw_wait wait;        /* first: &wait converts back */
    struct batch *next, **link; /* in the client's list; link NULL = in none */
    struct cw_lua_scratch memory;
    size_t pending;
    size_t count;
    struct call calls[];
};

/* --- batches --- */

static void unlink_batch(struct batch *batch)
{
    if (batch->link == NULL)
        return;
    *batch->link = batch->next;
    if (batch->next != NULL)
        batch->next->link = batch->link;
    batch->link = NULL;
}

static void link_batch(struct client *client, struct batch *batch)
{
    batch->next = client->batches;
    batch->link = &client->batches;
    if (batch->next != NULL)
        batch->next->link = &batch->next;
    client->batches = batch;
}

static void cancel_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->calls[i].running != NULL)
            cw_http_cancel(batch->calls[i].running);
        batch->calls[i].running = NULL;
    }
    batch->pending = 0;
    unlink_batch(batch);
}

static void cancel_wait(struct cw_wait *wait)
{
    cancel_batch((struct batch *)wait);
}

static int collect_batch(lua_State *L)
{
    struct batch *batch = luaL_checkudata(L, 1, BATCH_TYPE);
    cancel_batch(batch);
    for (size_t i = 0; i < batch->count; i++) {
        cw_http_response_free(batch->calls[i].response);
        batch->calls[i].response = NULL;
    }
    cw_lua_clear_scratch(&batch->memory);
    return 0;
}

static struct batch *push_batch(lua_State *L, size_t count)
{
    size_t size = sizeof(struct batch) + count * sizeof(struct call);
    struct batch *batch = lua_newuserdatauv(L, size, 0);
    memset(batch, 0, size);
    batch->wait.cancel = cancel_wait;
    batch->count = count;
    for (size_t i = 0; i < count; i++)
        batch->calls[i].batch = batch;
    cw_lua_init_scratch(&batch->memory);
    luaL_setmetatable(L, BATCH_TYPE);
    return batch;
}

static void note_error(struct call *call, const struct cw_error *err)
{
    static const struct cw_error no_memory = { .code = CW_NOMEM, .text = "no memory for an error" };
    struct cw_error *copy = cw_arena_alloc(&call->batch->memory.arena, sizeof *copy);
    if (copy != NULL)
        *copy = *err;
    call->err = copy != NULL ? copy : &no_memory;
}

/* Nothing is said of a write that may have been carried out without an answer that says so. */
static void count_answer(const struct call *call, enum cw_code code)
{
    int status = call->response != NULL ? call->response->status : 0;
    bool never_left = code == CW_UNAVAILABLE || code == CW_REFUSED || code == CW_AUTH;
    bool is_closed = status == 503 && cw_http_header(call->response, "Retry-After") != NULL;
    bool is_refused = (status >= 400 && status < 500 && status != 408) || is_closed;
    if (call->telling == NULL)
        return;
    if (status >= 200 && status < 300)
        cw_telling_end(call->telling, CW_EFFECT_TAKEN);
    else if (is_refused || never_left)
        cw_telling_end(call->telling, CW_EFFECT_REFUSED);
}

static void on_answer(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct call *call = arg; /* alive: the suspended stack holds the batch */
    struct batch *batch = call->batch;
    call->running = NULL;
    call->response = response;
    count_answer(call, err != NULL ? err->code : CW_OK);
    if (response == NULL)
        note_error(call, err);
    if (--batch->pending > 0)
        return;
    unlink_batch(batch);
    cw_wait_done(&batch->wait);
}

/* While a cart is told something no write is sent twice, whatever its script says of it. */
static bool begin_write(struct call *call, struct cw_telling *telling, struct cw_error *err)
{
    if (telling == NULL || cw_http_only_reads(&call->request))
        return true;
    if (!cw_telling_begin(telling, call->label, err))
        return false;
    call->telling = telling;
    call->request.repeatable = false;
    call->request.may_leave = cw_telling_may_leave;
    call->request.leave_arg = telling;
    return true;
}

static bool start_call(struct client *client, struct call *call, struct cw_telling *telling,
                       struct cw_error *err)
{
    if (!begin_write(call, telling, err))
        return false;
    call->running = cw_http_send(client->http, &call->request, on_answer, call, err);
    if (call->running == NULL)
        count_answer(call, CW_REFUSED);
    return call->running != NULL;
}

/* What is refused at once is an answer like others. */
static void start_batch(struct client *client, struct batch *batch, struct cw_telling *telling)
{
    struct cw_error err;
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        if (start_call(client, call, telling, &err))
            batch->pending++;
        else
            note_error(call, &err);
    }
    if (batch->pending > 0)
        link_batch(client, batch);
}

/* --- requests --- */

static struct client *check_open(lua_State *L)
{
    struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
    if (client->http == NULL)
        cw_lua_fail(L, CW_USAGE, "this HTTP client is closed");
    return client;
}

static void push_response(lua_State *L, struct call *call)
{
    bool is_taken = call->telling != NULL && call->response->status >= 200 && call->response->status < 300;
    cw_lua_push_response(L, &call->response, call->label);
    cw_telling_prove(L, -1, is_taken);
}

static int push_answer(lua_State *L, struct call *call)
{
    if (call->response == NULL) {
        int count = cw_lua_push_failure(L, call->err);
        if (call->err->field[0] == '\0')
            return count;
        lua_pushstring(L, call->err->field);
        return count + 1;
    }
    push_response(L, call);
    return 1;
}

static int finish_send(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct batch *batch = luaL_checkudata(L, BATCH_INDEX, BATCH_TYPE);
    int results = push_answer(L, &batch->calls[0]);
    cw_lua_clear_scratch(&batch->memory);
    return results;
}

/* client:send(request) -> Response | nil, message, code, setting to look at or nil. Suspends. Raises for a
 * malformed request, and where waiting is impossible. */
static int send_one(lua_State *L)
{
    struct client *client = check_open(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    cw_wait_check(L);
    struct batch *batch = push_batch(L, 1);
    cw_client_prepare(L, 2, &client->settings, &batch->memory, &batch->calls[0].request,
                      &batch->calls[0].label);
    start_batch(client, batch, cw_telling_of(L));
    if (batch->pending == 0)
        return finish_send(L, LUA_OK, 0);
    return cw_wait_start(L, &batch->wait, finish_send, 0);
}

static int finish_all(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    struct batch *batch = luaL_checkudata(L, BATCH_INDEX, BATCH_TYPE);
    lua_settop(L, BATCH_INDEX);
    lua_createtable(L, (int)batch->count, 0);
    lua_newtable(L); /* client requests batch responses messages */
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        bool answered = call->response != NULL;
        if (answered)
            push_response(L, call);
        else
            lua_pushstring(L, call->err->text);
        lua_rawseti(L, answered ? BATCH_INDEX + 1 : BATCH_INDEX + 2, (lua_Integer)i + 1);
    }
    cw_lua_clear_scratch(&batch->memory);
    return 2;
}

/* client:all(requests) -> responses, messages, both by the number of the request. Suspends. */
static int send_all(lua_State *L)
{
    struct client *client = check_open(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    size_t count = lua_rawlen(L, 2);
    luaL_argcheck(L, count <= BATCH_MAX, 2, "at most 1000 requests at once");
    cw_wait_check(L);
    struct batch *batch = push_batch(L, count);
    for (size_t i = 0; i < count; i++) {
        struct call *call = &batch->calls[i];
        if (lua_rawgeti(L, 2, (lua_Integer)i + 1) != LUA_TTABLE)
            return luaL_argerror(L, 2, "a list of requests is needed");
        cw_client_prepare(L, -1, &client->settings, &batch->memory, &call->request, &call->label);
        lua_pop(L, 1);
    }
    start_batch(client, batch, cw_telling_of(L));
    if (batch->pending == 0)
        return finish_all(L, LUA_OK, 0);
    return cw_wait_start(L, &batch->wait, finish_all, 0);
}

static void set_count(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* client:stats() -> table */
static int get_stats(lua_State *L)
{
    struct cw_http_stats stats = cw_http_stats(check_open(L)->http);
    lua_createtable(L, 0, 8);
    set_count(L, "requests", stats.requests);
    set_count(L, "retries", stats.retries);
    set_count(L, "bytes_in", stats.bytes_in);
    set_count(L, "bytes_out", stats.bytes_out);
    set_count(L, "throttled", stats.throttled);
    set_count(L, "wait_us", stats.wait_us);
    set_count(L, "held_us", stats.held_us);
    lua_pushnumber(L, stats.rate);
    lua_setfield(L, -2, "rate");
    return 1;
}

/* --- clients --- */

/* Whoever waits is told; cw_http_free called nobody. */
static void end_batches(struct client *client)
{
    struct cw_error err;
    cw_fail(&err, CW_CANCELLED, "the HTTP client was closed");
    while (client->batches != NULL) {
        struct batch *batch = client->batches;
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->calls[i].running != NULL)
                note_error(&batch->calls[i], &err);
            batch->calls[i].running = NULL;
        }
        batch->pending = 0;
        unlink_batch(batch);
        cw_wait_done(&batch->wait);
    }
}

static int close_client(lua_State *L) /* :close(), __close and __gc: safe to call twice */
{
    struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
    cw_http_free(client->http);
    client->http = NULL;
    end_batches(client);
    cw_egress_free(client->egress);
    client->egress = NULL;
    cw_lua_clear_scratch(&client->token.memory);
    cw_lua_clear_scratch(&client->token.answer);
    cw_arena_fini(&client->arena);
    return 0;
}

static bool allow_hosts(struct client *client, const struct cw_lua_host *host, struct cw_error *err)
{
    client->egress = cw_egress_create();
    if (client->egress == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for an HTTP client");
    for (size_t i = 0; host->allowed != NULL && host->allowed[i] != NULL; i++)
        if (!cw_egress_allow(client->egress, host->allowed[i], err))
            return false;
    return cw_egress_allow_url(client->egress, client->settings.base, err);
}

static bool open_client(struct client *client, const struct cw_lua_host *host, const char *name,
                        struct cw_error *err)
{
    if (!allow_hosts(client, host, err))
        return false;
    struct cw_http_config config = {
        .loop = host->loop,
        .transport = host->transport,
        .egress = client->egress,
        .random = host->random,
        .requests_per_second = client->settings.rate,
        .burst = client->settings.burst,
        .grant = client->token.is_set ? &client->token.grant : NULL,
        .quota = client->settings.quota,
        .read_only = host->read_only,
        .label = name,
    };
    client->http = cw_http_create(&config, err);
    return client->http != NULL;
}

/* http.client(name, config) -> Client. Raises when config is wrong. */
static int new_client(lua_State *L)
{
    struct cw_error err;
    struct cw_lua_host *host = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct client *client = lua_newuserdatauv(L, sizeof *client, 0);
    *client = (struct client){ 0 };
    cw_lua_init_scratch(&client->token.memory);
    cw_lua_init_scratch(&client->token.answer);
    luaL_setmetatable(L, CLIENT_TYPE);
    cw_client_read_settings(L, 2, client);
    if (!open_client(client, host, name, &err))
        return cw_lua_raise(L, &err);
    return 1;
}

void cw_lua_types_http(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", close_client }, { "__close", close_client }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "send", send_one },      { "all", send_all }, { "stats", get_stats },
        { "close", close_client }, { NULL, NULL },
    };
    static const luaL_Reg batch_meta[] = { { "__gc", collect_batch }, { NULL, NULL } };
    cw_lua_new_type(L, CLIENT_TYPE, meta, methods);
    cw_lua_new_type(L, BATCH_TYPE, batch_meta, NULL);
}

/* Upvalue 1: the host. */
int cw_lua_open_http(lua_State *L)
{
    static const luaL_Reg functions[] = { { "client", new_client }, { NULL, NULL } };
    luaL_newlibtable(L, functions);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
