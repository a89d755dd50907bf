/* lua_http_settings.c - the settings of an HTTP client: what the `http` function of a cart script returns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "bindings/http_client.h"

#define LOGINS "basic, digest, bearer, token and oauth1"

enum { PAIRS_MAX = 200 };

void cw_client_check_keys(lua_State *L, int index, const char *what, const char *see,
                          const char *const *known)
{
    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        size_t i = 0;
        while (known[i] != NULL && (key == NULL || strcmp(known[i], key) != 0))
            i++;
        if (known[i] == NULL)
            cw_lua_fail(L, CW_USAGE, "%s has an unknown field %.60s; see %s", what,
                        key != NULL ? key : "(no text)", see);
    }
}

static double read_number(lua_State *L, int index, const char *name, double most)
{
    double value = 0;
    int type = lua_getfield(L, index, name);
    if (type != LUA_TNIL) {
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
        if (!(value >= 0 && value <= most))
            cw_lua_fail(L, CW_USAGE, "%s must be a number between 0 and %.0f", name, most);
    }
    lua_pop(L, 1);
    return value;
}

cw_time cw_client_read_seconds(lua_State *L, int index, const char *name)
{
    return (cw_time)(read_number(L, index, name, 86400) * 1e6 + 0.5);
}

uint64_t cw_client_read_count(lua_State *L, int index, const char *name)
{
    return (uint64_t)read_number(L, index, name, 1e15);
}

/* --- pairs --- */

const char *cw_client_copy_text(lua_State *L, int index, const char *what, struct cw_arena *arena)
{
    char scratch[CW_LUA_SCALAR_MAX];
    struct cw_slice text;
    if (cw_lua_to_secret(L, index) != NULL)
        return cw_lua_copy(L, arena, cw_slice(cw_lua_secret_text(L, index)));
    if (!cw_lua_scalar(L, index, scratch, &text))
        cw_lua_fail(L, CW_USAGE, "%s cannot be %s%s", what, cw_lua_type_name(L, index),
                    lua_type(L, index) == LUA_TNUMBER ? ", which is not exact" : "");
    return cw_lua_copy(L, arena, text);
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct cw_header *)a)->name, ((const struct cw_header *)b)->name);
}

static size_t count_entries(lua_State *L, int index)
{
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        count++;
    return count;
}

struct pairs cw_client_read_pairs(lua_State *L, int index, const char *what, struct cw_arena *arena)
{
    struct pairs pairs = { NULL, 0 };
    index = lua_absindex(L, index);
    if (lua_isnil(L, index))
        return pairs;
    if (!lua_istable(L, index))
        cw_lua_fail(L, CW_USAGE, "%s must be a table of names and values", what);
    size_t count = count_entries(L, index);
    if (count > PAIRS_MAX)
        cw_lua_fail(L, CW_LIMIT, "%s has %zu entries; the limit is %d", what, count, PAIRS_MAX);
    pairs.items = cw_arena_alloc(arena, (count + 1) * sizeof *pairs.items);
    if (pairs.items == NULL)
        cw_lua_fail(L, CW_NOMEM, "no memory for %s", what);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        struct cw_slice name;
        if (lua_type(L, -2) != LUA_TSTRING)
            cw_lua_fail(L, CW_USAGE, "%s must be a table of names and values", what);
        name.data = lua_tolstring(L, -2, &name.len);
        pairs.items[pairs.count].name = cw_lua_copy(L, arena, name);
        pairs.items[pairs.count].value = cw_client_copy_text(L, lua_gettop(L), what, arena);
        pairs.count++;
    }
    qsort(pairs.items, pairs.count, sizeof *pairs.items, compare_pairs);
    return pairs;
}

/* --- settings --- */

static void read_base(lua_State *L, int index, struct client *client)
{
    struct cw_error err;
    struct client_settings *settings = &client->settings;
    if (lua_getfield(L, index, "base") != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE,
                    "http: base must be the shop's address, such as \"https://shop.example.com/api/\"");
    settings->base = cw_client_copy_text(L, lua_gettop(L), "base", &client->arena);
    if (!cw_url_parse(settings->base, &settings->origin, &err)) {
        cw_fail_in(&err, "http: base");
        cw_lua_raise(L, &err);
    }
    if (strpbrk(settings->base, "?#") != NULL)
        cw_lua_fail(L, CW_USAGE,
                    "http: base must end before ? and #; parameters of every request go into query");
    lua_pop(L, 1);
}

/* basic and digest: { user, password }. */
static void read_login(lua_State *L, int index, const char *name, enum cw_http_auth auth,
                       struct client *client)
{
    struct client_settings *settings = &client->settings;
    if (lua_getfield(L, index, name) != LUA_TNIL) {
        luaL_checkstack(L, 4, "no room for settings");
        if (!lua_istable(L, -1) || settings->auth != CW_HTTP_NO_AUTH)
            cw_lua_fail(L, CW_USAGE, "http: %s = { user, password }, and only one of " LOGINS, name);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        settings->user = cw_client_copy_text(L, lua_gettop(L) - 1, name, &client->arena);
        settings->secret = cw_client_copy_text(L, lua_gettop(L), name, &client->arena);
        settings->auth = auth;
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

static void read_bearer(lua_State *L, int index, struct client *client)
{
    struct client_settings *settings = &client->settings;
    if (lua_getfield(L, index, "bearer") != LUA_TNIL) {
        if (settings->auth != CW_HTTP_NO_AUTH)
            cw_lua_fail(L, CW_USAGE, "http: only one of " LOGINS);
        settings->secret = cw_client_copy_text(L, lua_gettop(L), "bearer", &client->arena);
        settings->auth = CW_HTTP_BEARER;
    }
    lua_pop(L, 1);
}

/* A field of the table on top, copied; NULL when absent. */
static const char *copy_field(lua_State *L, const char *name, struct cw_arena *arena)
{
    const char *text = NULL;
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        text = cw_client_copy_text(L, lua_gettop(L), name, arena);
    lua_pop(L, 1);
    return text;
}

static enum cw_hmac read_method(lua_State *L, struct cw_arena *arena)
{
    const char *method = copy_field(L, "method", arena);
    if (method == NULL || strcmp(method, "HMAC-SHA256") == 0)
        return CW_HMAC_SHA256;
    if (strcmp(method, "HMAC-SHA1") != 0)
        cw_lua_fail(L, CW_USAGE, "http: method of oauth1 is \"HMAC-SHA1\" or \"HMAC-SHA256\"");
    return CW_HMAC_SHA1;
}

static void read_oauth1(lua_State *L, int index, struct client *client)
{
    static const char *const known[] = { "consumer_key", "consumer_secret", "token",
                                         "token_secret", "method",          NULL };
    struct client_settings *settings = &client->settings;
    if (lua_getfield(L, index, "oauth1") != LUA_TNIL) {
        if (!lua_istable(L, -1) || settings->auth != CW_HTTP_NO_AUTH)
            cw_lua_fail(
                L, CW_USAGE,
                "http: oauth1 = { consumer_key = ..., consumer_secret = ... }, and only one of " LOGINS);
        cw_client_check_keys(L, -1, "http: oauth1", "cartwright.Http in scripts/types/cart.lua", known);
        settings->oauth1 =
            (struct cw_oauth1){ .consumer_key = copy_field(L, "consumer_key", &client->arena),
                                .consumer_secret = copy_field(L, "consumer_secret", &client->arena),
                                .token = copy_field(L, "token", &client->arena),
                                .token_secret = copy_field(L, "token_secret", &client->arena),
                                .method = read_method(L, &client->arena) };
        if (settings->oauth1.consumer_key == NULL || settings->oauth1.consumer_secret == NULL)
            cw_lua_fail(L, CW_USAGE, "http: oauth1 needs consumer_key and consumer_secret");
        settings->auth = CW_HTTP_OAUTH1;
    }
    lua_pop(L, 1);
}

/* "10/s", "100/m", "5000/h", or a number a second. */
static double parse_rate(const char *text)
{
    char *end;
    double count = strtod(text, &end);
    double seconds = strcmp(end, "/s") == 0   ? 1
                     : strcmp(end, "/m") == 0 ? 60
                     : strcmp(end, "/h") == 0 ? 3600
                                              : 0;
    return end != text && seconds > 0 && count > 0 && count < 1e6 ? count / seconds : 0;
}

static void read_rate(lua_State *L, int index, struct client_settings *settings)
{
    int type = lua_getfield(L, index, "rate");
    if (type == LUA_TNUMBER)
        settings->rate = lua_tonumber(L, -1);
    else if (type == LUA_TSTRING)
        settings->rate = parse_rate(lua_tostring(L, -1));
    if (type != LUA_TNIL && !(settings->rate > 0 && settings->rate < 1e6))
        cw_lua_fail(L, CW_USAGE,
                    "http: rate is \"10/s\", \"100/m\", \"5000/h\" or a number of requests a second");
    lua_pop(L, 1);
}

static cw_time read_unit(lua_State *L, struct cw_arena *arena)
{
    const char *unit = copy_field(L, "unit", arena);
    if (unit == NULL || strcmp(unit, "s") == 0)
        return CW_SECOND;
    if (strcmp(unit, "ms") != 0)
        cw_lua_fail(L, CW_USAGE, "http: unit of quota is \"s\" or \"ms\"");
    return CW_SECOND / 1000;
}

static void read_quota(lua_State *L, int index, struct client *client)
{
    static const char *const known[] = { "reset", "unit", "left", "least", NULL };
    if (lua_getfield(L, index, "quota") != LUA_TNIL) {
        if (!lua_istable(L, -1))
            cw_lua_fail(L, CW_USAGE, "http: quota = { reset = \"X-Reset\", unit = \"ms\" }");
        cw_client_check_keys(L, -1, "http: quota", "cartwright.Quota in scripts/types/cart.lua", known);
        struct cw_http_quota *quota = &client->settings.quota;
        quota->reset = copy_field(L, "reset", &client->arena);
        quota->unit = read_unit(L, &client->arena);
        quota->left = copy_field(L, "left", &client->arena);
        quota->least = (unsigned)read_number(L, lua_gettop(L), "least", 1e6);
        if (quota->reset == NULL)
            cw_lua_fail(L, CW_USAGE, "http: quota needs reset, the header that says how long to wait");
    }
    lua_pop(L, 1);
}

void cw_client_read_settings(lua_State *L, int index, struct client *client)
{
    static const char *const known[] = { "base",    "basic",    "digest",     "bearer", "token",   "oauth1",
                                         "headers", "query",    "rate",       "burst",  "timeout", "stall",
                                         "connect", "attempts", "body_limit", "quota",  NULL };
    struct client_settings *settings = &client->settings;
    cw_client_check_keys(L, index, "http", "cartwright.Http in scripts/types/cart.lua", known);
    read_base(L, index, client);
    read_login(L, index, "basic", CW_HTTP_BASIC, client);
    read_login(L, index, "digest", CW_HTTP_DIGEST, client);
    read_bearer(L, index, client);
    read_oauth1(L, index, client);
    read_rate(L, index, settings);
    read_quota(L, index, client);
    settings->burst = (unsigned)read_number(L, index, "burst", 1000);
    settings->attempts = (unsigned)read_number(L, index, "attempts", 100);
    settings->timeout = cw_client_read_seconds(L, index, "timeout");
    settings->stall = cw_client_read_seconds(L, index, "stall");
    settings->connect = cw_client_read_seconds(L, index, "connect");
    settings->body_limit = cw_client_read_count(L, index, "body_limit");
    lua_getfield(L, index, "headers");
    settings->headers = cw_client_read_pairs(L, -1, "headers", &client->arena);
    lua_getfield(L, index, "query");
    settings->query = cw_client_read_pairs(L, -1, "query", &client->arena);
    lua_pop(L, 2);
    if (lua_getfield(L, index, "token") != LUA_TNIL && settings->auth != CW_HTTP_NO_AUTH)
        cw_lua_fail(L, CW_USAGE, "http: only one of " LOGINS);
    if (!lua_isnil(L, -1))
        cw_client_read_token(L, lua_gettop(L), client);
    lua_pop(L, 1);
}
