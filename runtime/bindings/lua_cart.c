/* lua_cart.c - carts of a script state: opening, and their streams. */
#include "bindings/carts.h"

#include <stdio.h>
#include <stdlib.h>

#include "bindings/carts_private.h"
#include "bindings/inbox_place.h"

static const char open_key; /* registry: the module cartwright.open */

struct cw_lua_carts *cw_lua_carts_create(struct cw_script *script, const struct cw_lua_carts_host *host,
                                         struct cw_error *err)
{
    struct cw_lua_carts *carts = calloc(1, sizeof *carts);
    if (carts == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for the carts of a script");
        return NULL;
    }
    carts->script = script;
    carts->host = *host;
    if (!cw_script_provide(script, "cartwright.native.cart", cw_luaopen_cart, carts, err) ||
        !cw_script_provide(script, "cartwright.native.telling", cw_luaopen_telling, carts, err) ||
        !cw_script_provide(script, "cartwright.native.told", cw_luaopen_told, carts, err) ||
        !cw_script_provide(script, "cartwright.native.inbox", cw_luaopen_inbox, carts, err) ||
        !cw_script_provide(script, "cartwright.site", cw_luaopen_site, carts, err)) {
        free(carts);
        return NULL;
    }
    return carts;
}

static void free_cart(struct cw_lua_cart *cart)
{
    for (size_t i = 0; i < cart->stream_count; i++) {
        struct cw_lua_stream *stream = &cart->streams[i];
        cw_rules_free(stream->rules);
        cw_rules_free(stream->customer_rules);
        cw_lua_plan_free(stream->plan);
        free(stream->name);
        free(stream->id);
        for (size_t k = 0; k < stream->path_count; k++)
            free(stream->paths[k]);
        free(stream->paths);
        free(stream->rows);
        if (stream->rows_texts != NULL)
            cw_arena_fini(stream->rows_texts);
        free(stream->rows_texts);
        for (size_t k = 0; k < stream->final_count; k++)
            free(stream->final[k]);
        free(stream->final);
    }
    for (size_t i = 0; i < cart->drop_count; i++)
        free(cart->drops[i]);
    free(cart->drops);
    free(cart->streams);
    free(cart->name);
    free(cart->type);
    cw_zone_free(cart->zone);
    free(cart);
}

void cw_lua_carts_free(struct cw_lua_carts *carts)
{
    if (carts == NULL)
        return;
    for (size_t i = 0; i < carts->count; i++)
        free_cart(carts->carts[i]);
    cw_lua_free_tasks(carts);
    cw_lua_free_tellings(carts);
    cw_zone_free(carts->zone);
    free(carts);
}

struct cw_lua_cart *cw_lua_carts_find(const struct cw_lua_carts *carts, const char *name)
{
    for (size_t i = 0; i < carts->count; i++)
        if (strcmp(carts->carts[i]->name, name) == 0)
            return carts->carts[i];
    return NULL;
}

const struct cw_lua_stream *cw_lua_cart_stream(const struct cw_lua_cart *cart, const char *name)
{
    for (size_t i = 0; i < cart->stream_count; i++)
        if (strcmp(cart->streams[i].name, name) == 0)
            return &cart->streams[i];
    return NULL;
}

const struct cw_lua_stream *cw_lua_cart_stream_of(const struct cw_lua_cart *cart, const struct cw_kind *kind)
{
    for (size_t i = 0; i < cart->stream_count; i++)
        if (cw_lua_plan_kind(cart->streams[i].plan) == kind)
            return &cart->streams[i];
    return NULL;
}

const struct cw_lua_stream *cw_lua_cart_need_stream(const struct cw_lua_cart *cart, const char *name,
                                                    struct cw_error *err)
{
    const struct cw_lua_stream *stream = cw_lua_cart_stream(cart, name);
    if (stream == NULL)
        cw_fail(err, CW_USAGE, "cart %s has no stream %s", cart->name, name);
    return stream;
}

/* --- opening --- */

static char *copy_field(lua_State *L, int index, const char *field)
{
    char *copy = NULL;
    if (lua_getfield(L, index, field) == LUA_TSTRING) {
        copy = strdup(lua_tostring(L, -1));
        if (copy == NULL)
            luaL_error(L, "no memory");
    }
    lua_pop(L, 1);
    return copy;
}

static cw_time seconds_field(lua_State *L, int index, const char *field)
{
    lua_getfield(L, index, field);
    cw_time seconds = (cw_time)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return seconds * CW_SECOND;
}

static bool flag_field(lua_State *L, int index, const char *field)
{
    lua_getfield(L, index, field);
    bool is_set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_set;
}

/* A list of texts; none where the field is absent. */
static void texts_field(lua_State *L, int index, const char *field, char ***texts, size_t *text_count)
{
    if (lua_getfield(L, index, field) == LUA_TTABLE) {
        size_t count = lua_rawlen(L, -1);
        *texts = calloc(count + 1, sizeof **texts);
        if (*texts == NULL)
            luaL_error(L, "no memory");
        for (size_t i = 0; i < count; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1);
            (*texts)[i] = strdup(luaL_checkstring(L, -1));
            if ((*texts)[i] == NULL)
                luaL_error(L, "no memory");
            ++*text_count;
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static void read_rules(lua_State *L, int index, const char *field, const struct cw_kind *kind,
                       const struct cw_lua_stream *stream, struct cw_rules **out)
{
    struct cw_error err;
    lua_getfield(L, index, field);
    *out = cw_lua_rules_compile(L, kind, &err);
    if (*out == NULL || !cw_rules_check_rows(*out, cw_lua_plan_get(stream->plan), &err))
        cw_lua_raise(L, &err);
}

/* One description that open.lua made, at `index`; the cart's tables are at `tables`. */
static void read_stream(lua_State *L, struct cw_lua_cart *cart, int index, int tables)
{
    struct cw_error err;
    char context[256];
    struct cw_lua_stream *stream = &cart->streams[cart->stream_count++];
    stream->cart = cart;
    stream->name = copy_field(L, index, "name");
    stream->id = copy_field(L, index, "id");
    texts_field(L, index, "records", &stream->paths, &stream->path_count);
    cw_lua_read_stream_rows(L, index, stream);
    stream->overlap = seconds_field(L, index, "overlap");
    stream->settle = seconds_field(L, index, "settle");
    stream->reconcile = seconds_field(L, index, "reconcile");
    stream->refresh = seconds_field(L, index, "refresh");
    stream->has_split = flag_field(L, index, "has_split");
    stream->full = flag_field(L, index, "full");
    stream->has_fetch = flag_field(L, index, "has_fetch");
    stream->has_ids = flag_field(L, index, "has_ids");
    stream->has_read = flag_field(L, index, "has_read");
    stream->is_off = flag_field(L, index, "is_off");
    texts_field(L, index, "final", &stream->final, &stream->final_count);
    snprintf(context, sizeof context, "carts/%s.lua %s", cart->type, stream->name);
    stream->plan = cw_lua_plan_create(cart->carts->script, cart->zone, context, &err);
    if (stream->plan == NULL)
        cw_lua_raise(L, &err);
    lua_pushvalue(L, tables);
    lua_getfield(L, index, "stream");
    if (!cw_lua_plan_fill(L, stream->plan, &err))
        cw_lua_raise(L, &err);
    cw_lua_plan_name_cart(stream->plan, cart->name);
    read_rules(L, index, "rules", cw_lua_plan_kind(stream->plan), stream, &stream->rules);
    if (lua_getfield(L, index, "customer_rules") == LUA_TTABLE)
        read_rules(L, index, "customer_rules", &cw_kind_customer, stream, &stream->customer_rules);
    lua_settop(L, index);
}

static void read_streams(lua_State *L, struct cw_lua_cart *cart, int streams, int tables)
{
    size_t count = lua_rawlen(L, streams);
    cart->streams = calloc(count + 1, sizeof *cart->streams);
    if (cart->streams == NULL)
        luaL_error(L, "no memory");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, streams, (lua_Integer)i + 1);
        read_stream(L, cart, lua_gettop(L), tables);
        lua_pop(L, 1);
    }
}

/* What its script can tell the cart; the descriptions are at `index`. */
static void read_outs(lua_State *L, struct cw_lua_cart *cart, int index)
{
    for (size_t i = 0; i < CW_OUT_STREAMS; i++) {
        struct cw_lua_out *out = &cart->outs[i];
        out->is_there = lua_getfield(L, index, cw_out_name((enum cw_out)i)) == LUA_TTABLE;
        if (out->is_there) {
            int table = lua_gettop(L);
            out->has_send = flag_field(L, table, "has_send");
            out->has_batch = flag_field(L, table, "has_batch");
            out->has_probe = flag_field(L, table, "has_probe");
            lua_getfield(L, table, "batch");
            out->batch = (unsigned)lua_tointeger(L, -1);
        }
        lua_settop(L, index);
    }
}

/* The instance at `index`: its zone, and the settings that the runtime itself obeys. */
static void read_instance(lua_State *L, struct cw_lua_cart *cart, int index)
{
    struct cw_error err;
    lua_getfield(L, index, "zone");
    cart->zone = cw_zone_open(luaL_checkstring(L, -1), &err);
    if (cart->zone == NULL)
        cw_lua_raise(L, &err);
    lua_getfield(L, index, "settings");
    lua_getfield(L, -1, "orders_from");
    if (!cw_lua_to_time(L, -1, &cart->orders_from))
        cart->orders_from = CW_TIME_NONE;
    lua_getfield(L, index, "takes_notices");
    cart->takes_notices = lua_toboolean(L, -1);
    lua_getfield(L, index, "serve");
    cart->serves = lua_isfunction(L, -1);
    lua_pop(L, 5);
    texts_field(L, index, "drops", &cart->drops, &cart->drop_count);
    cart->has_inbox = flag_field(L, index, "has_inbox");
}

void cw_lua_push_open(lua_State *L, const char *function)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &open_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_getglobal(L, "require");
        lua_pushliteral(L, "cartwright.open");
        lua_call(L, 1, 1);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
    }
    lua_getfield(L, -1, function);
    lua_remove(L, -2);
}

static int finish_open(lua_State *L)
{
    struct cw_lua_cart *cart = lua_touserdata(L, 1);
    lua_settop(L, 0);
    cw_lua_push_open(L, "cart");
    lua_pushstring(L, cart->name);
    lua_call(L, 1, 4); /* instance streams tables outs */
    cart->type = copy_field(L, 1, "type");
    read_instance(L, cart, 1);
    read_streams(L, cart, 2, 3);
    read_outs(L, cart, 4);
    lua_pushvalue(L, 1);
    cart->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void refuse_more(lua_State *L)
{
    luaL_error(L, "at most %d carts in one script", CARTS_MAX);
}

struct cw_lua_cart *cw_lua_open_cart(lua_State *L, struct cw_lua_carts *carts, const char *name)
{
    if (carts->count == CARTS_MAX)
        refuse_more(L);
    struct cw_lua_cart *cart = calloc(1, sizeof *cart);
    char *own_name = strdup(name);
    if (cart == NULL || own_name == NULL) {
        free(own_name);
        free(cart);
        luaL_error(L, "no memory");
    }
    *cart =
        (struct cw_lua_cart){ .carts = carts, .script = carts->script, .name = own_name, .ref = LUA_NOREF };
    lua_pushcfunction(L, finish_open);
    lua_pushlightuserdata(L, cart);
    bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!ok || carts->count == CARTS_MAX) { /* its script may have opened others */
        luaL_unref(L, LUA_REGISTRYINDEX, cart->ref);
        free_cart(cart);
        if (ok)
            refuse_more(L);
        lua_error(L);
    }
    carts->carts[carts->count++] = cart; /* only now: it is not found before it is whole */
    return cart;
}

struct opening {
    struct cw_lua_carts *carts;
    const char *name;
    struct cw_lua_cart *cart;
};

static int open_protected(lua_State *L)
{
    struct opening *opening = lua_touserdata(L, 1);
    opening->cart = cw_lua_open_cart(L, opening->carts, opening->name);
    return 0;
}

struct cw_lua_cart *cw_lua_cart_open(struct cw_lua_carts *carts, const char *name, struct cw_error *err)
{
    struct opening opening = { carts, name, cw_lua_carts_find(carts, name) };
    if (opening.cart != NULL)
        return opening.cart;
    if (cw_script_call(carts->script, open_protected, &opening, err))
        return opening.cart;
    if (err != NULL && err->code == CW_SCRIPT)
        err->code = CW_USAGE;
    return NULL;
}

/* --- figures --- */

struct counting {
    const struct cw_lua_cart *cart;
    struct cw_http_stats stats;
};

static uint64_t count_field(lua_State *L, const char *field)
{
    lua_getfield(L, -1, field);
    uint64_t value = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

static int read_stats(lua_State *L)
{
    struct counting *counting = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, counting->cart->ref);
    lua_getfield(L, -1, "client");
    if (lua_isnil(L, -1)) /* a cart without HTTP: files, mail */
        return 0;
    lua_getfield(L, -1, "stats");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    counting->stats = (struct cw_http_stats){ .requests = count_field(L, "requests"),
                                              .retries = count_field(L, "retries"),
                                              .bytes_in = count_field(L, "bytes_in"),
                                              .bytes_out = count_field(L, "bytes_out"),
                                              .throttled = count_field(L, "throttled"),
                                              .wait_us = count_field(L, "wait_us"),
                                              .held_us = count_field(L, "held_us") };
    return 0;
}

struct cw_http_stats cw_lua_cart_stats(const struct cw_lua_cart *cart)
{
    struct counting counting = { .cart = cart };
    cw_script_call(cart->carts->script, read_stats, &counting, NULL);
    return counting.stats;
}
