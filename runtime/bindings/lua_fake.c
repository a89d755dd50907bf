/* lua_fake.c - see fakes.h: requests and answers between C and scripts/cartwright/fake_host.lua. */
#include "bindings/fakes.h"

#include <ctype.h>
#include <glib.h>

#include "bindings/modules.h"

static const char shop_key, host_key; /* registry: the fake.Shop; the module that leads requests through it */

void cw_lua_push_fake(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shop_key);
}

/* --- opening --- */

static void require(lua_State *L, const char *module)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
}

/* Pushes a function of the host module. */
static void push_host(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

static int open_shop(lua_State *L)
{
    const char *type = lua_touserdata(L, 1);
    require(L, "cartwright.fake_host");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
    lua_pushfstring(L, "fakes.%s", type);
    require(L, lua_tostring(L, -1)); /* type name shop */
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shop_key);
    push_host(L, "open");
    lua_insert(L, -2);
    lua_pushstring(L, type);
    lua_call(L, 2, 0);
    return 0;
}

bool cw_lua_fake_open(struct cw_script *script, const char *type, struct cw_error *err)
{
    return cw_script_call(script, open_shop, (void *)type, err);
}

/* --- requests --- */

static void set_text(lua_State *L, const char *name, struct cw_slice value)
{
    lua_pushlstring(L, value.data != NULL ? value.data : "", value.len);
    lua_setfield(L, -2, name);
}

/* Of a header that comes twice the first is seen, as cw_served_header does it. */
static void push_headers(lua_State *L, const struct cw_lua_fake_request *request)
{
    lua_createtable(L, 0, (int)request->header_count);
    for (size_t i = request->header_count; i-- > 0;) {
        luaL_Buffer name;
        luaL_buffinit(L, &name);
        for (const char *c = request->headers[i].name; *c != '\0'; c++)
            luaL_addchar(&name, (char)tolower((unsigned char)*c));
        luaL_pushresult(&name);
        lua_pushstring(L, request->headers[i].value);
        lua_rawset(L, -3);
    }
}

static void push_request(lua_State *L, const struct cw_lua_fake_request *request)
{
    lua_createtable(L, 0, 6);
    set_text(L, "method", cw_slice(request->method));
    set_text(L, "target", cw_slice(request->target));
    set_text(L, "origin", cw_slice(request->origin));
    set_text(L, "body", request->body);
    push_headers(L, request);
    lua_setfield(L, -2, "headers");
    lua_pushboolean(L, request->is_door);
    lua_setfield(L, -2, "is_door");
}

/* --- answers --- */

void cw_lua_fake_answer_fini(struct cw_lua_fake_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        g_free((char *)answer->headers[i].name);
        g_free((char *)answer->headers[i].value);
    }
    g_free(answer->headers);
    cw_buffer_fini(&answer->body);
    *answer = (struct cw_lua_fake_answer){ 0 };
}

static enum cw_fake_wire wire_of(lua_State *L)
{
    static const char *const names[] = { [CW_FAKE_REFUSES] = "refused",
                                         [CW_FAKE_LOSES] = "lost",
                                         [CW_FAKE_CUTS] = "cut",
                                         [CW_FAKE_SLOWS] = "slow",
                                         [CW_FAKE_IS_LATE] = "late" };
    enum cw_fake_wire wire = CW_FAKE_ANSWERS;
    lua_getfield(L, -1, "wire");
    const char *name = lua_tostring(L, -1);
    for (int i = CW_FAKE_REFUSES; name != NULL && i <= CW_FAKE_IS_LATE; i++)
        if (strcmp(names[i], name) == 0)
            wire = (enum cw_fake_wire)i;
    lua_pop(L, 1);
    return wire;
}

static lua_Integer integer_of(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    lua_Integer value = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

/* Name at -2, value at -1. The strings are the answer's from the moment they are copied. */
static void add_header(lua_State *L, struct cw_lua_fake_answer *answer)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_slice value;
    if (lua_type(L, -2) != LUA_TSTRING || !cw_lua_scalar(L, -1, scratch, &value))
        luaL_error(L, "the headers of an answer are texts by their names");
    answer->headers = g_renew(struct cw_header, answer->headers, answer->header_count + 1);
    answer->headers[answer->header_count++] =
        (struct cw_header){ g_strdup(lua_tostring(L, -2)), g_strndup(value.data, value.len) };
}

/* In the order of their names, since that of a table is none. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cw_header *)a)->name, ((const struct cw_header *)b)->name);
}

static void read_headers(lua_State *L, struct cw_lua_fake_answer *answer)
{
    if (lua_getfield(L, -1, "headers") == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            add_header(L, answer);
            lua_pop(L, 1);
        }
        qsort(answer->headers, answer->header_count, sizeof *answer->headers, by_name);
    }
    lua_pop(L, 1);
}

static void read_body(lua_State *L, struct cw_lua_fake_answer *answer)
{
    struct cw_slice body = { NULL, 0 };
    struct cw_error err;
    lua_getfield(L, -1, "body");
    body.data = lua_tolstring(L, -1, &body.len);
    if (!cw_buffer_add(&answer->body, body.data, body.len, &err))
        cw_lua_raise(L, &err);
    lua_pop(L, 1);
}

/* The table on top of the stack. */
static void read_answer(lua_State *L, struct cw_lua_fake_answer *answer)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    answer->wire = wire_of(L);
    answer->status = (int)integer_of(L, "status");
    answer->wait = (cw_time)integer_of(L, "wait") * CW_SECOND;
    answer->number = integer_of(L, "number");
    if (lua_getfield(L, -1, "failure") == LUA_TSTRING)
        cw_fail(&answer->failure, CW_SCRIPT, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    read_headers(L, answer);
    read_body(L, answer);
}

/* --- calls --- */

struct call {
    const struct cw_lua_fake_request *request; /* NULL: the late one of that number */
    int64_t number;
    struct cw_lua_fake_answer *answer;
};

static int run_call(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    push_host(L, call->request != NULL ? "meet" : "catch_up");
    cw_lua_push_fake(L);
    if (call->request != NULL)
        push_request(L, call->request);
    else
        lua_pushinteger(L, (lua_Integer)call->number);
    lua_call(L, 2, 1);
    read_answer(L, call->answer);
    return 0;
}

bool cw_lua_fake_meet(struct cw_script *script, const struct cw_lua_fake_request *request,
                      struct cw_lua_fake_answer *answer, struct cw_error *err)
{
    struct call call = { .request = request, .answer = answer };
    return cw_script_call(script, run_call, &call, err);
}

bool cw_lua_fake_catch_up(struct cw_script *script, int64_t number, struct cw_lua_fake_answer *answer,
                          struct cw_error *err)
{
    struct call call = { .number = number, .answer = answer };
    return cw_script_call(script, run_call, &call, err);
}
