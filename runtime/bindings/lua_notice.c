/* lua_notice.c - notices of shops: asking a cart's script whether it believes one, and what it checks them
 * with. The text of a secret stays on this side. */
#include "bindings/carts_private.h"

#include <stdlib.h>

#include "base/hmac.h"
#include "bindings/modules.h"

/* --- for the script --- */

static struct cw_slice check_text(lua_State *L, int arg)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, arg, &text.len);
    return text;
}

/* signed(secret, algorithm, encoding, text, signature) -> boolean */
int cw_lua_signed(lua_State *L)
{
    enum cw_hmac algorithm;
    struct cw_slice text = check_text(L, 4), signature = check_text(L, 5);
    luaL_argcheck(L, cw_hmac_named(check_text(L, 2), &algorithm), 2, "an algorithm expected");
    enum cw_mac_text encoding = strcmp(luaL_checkstring(L, 3), "hex") == 0 ? CW_MAC_HEX : CW_MAC_BASE64;
    struct cw_slice key = cw_slice(cw_lua_secret_text(L, 1));
    lua_pushboolean(L, cw_hmac_matches(algorithm, key, text, encoding, signature));
    return 1;
}

/* secret_equals(secret, text) -> boolean */
int cw_lua_secret_equals(lua_State *L)
{
    struct cw_slice given = check_text(L, 2);
    lua_pushboolean(L, cw_equal_in_constant_time(cw_slice(cw_lua_secret_text(L, 1)), given));
    return 1;
}

/* hash(text) -> hex */
int cw_lua_hash(lua_State *L)
{
    char hex[CW_HASH_TEXT_MAX];
    struct cw_hash hash = cw_hash_of(check_text(L, 1));
    cw_hash_hex(&hash, hex);
    lua_pushstring(L, hex);
    return 1;
}

/* micros(time) -> integer */
int cw_lua_micros(lua_State *L)
{
    cw_time time;
    luaL_argcheck(L, cw_lua_to_time(L, 1, &time), 1, "a Time expected");
    lua_pushinteger(L, time);
    return 1;
}

/* --- for the engine --- */

struct start {
    const struct cw_lua_cart *cart;
    const struct cw_lua_notice *notice;
};

static void set_text(lua_State *L, const char *field, struct cw_slice text)
{
    lua_pushlstring(L, text.len > 0 ? text.data : "", text.len);
    lua_setfield(L, -2, field);
}

/* By names in lower case; of several the first one, as cw_served_header has it. */
static void push_headers(lua_State *L, const struct cw_lua_notice *notice)
{
    lua_createtable(L, 0, (int)notice->header_count);
    for (size_t i = notice->header_count; i-- > 0;) {
        luaL_Buffer name;
        luaL_buffinit(L, &name);
        for (const char *c = notice->headers[i].name; *c != '\0'; c++)
            luaL_addchar(&name, *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c);
        luaL_pushresult(&name);
        lua_pushstring(L, notice->headers[i].value);
        lua_rawset(L, -3);
    }
}

void cw_lua_push_notice(lua_State *L, const struct cw_lua_notice *notice)
{
    lua_createtable(L, 0, 7);
    set_text(L, "method", cw_slice(notice->method));
    set_text(L, "path", notice->rest);
    set_text(L, "query", notice->query);
    set_text(L, "body", notice->body);
    cw_lua_push_time(L, notice->received_at);
    lua_setfield(L, -2, "received_at");
    push_headers(L, notice);
    lua_setfield(L, -2, "headers");
    if (notice->peer != NULL)
        set_text(L, "peer", cw_slice(notice->peer));
}

static int push_start(lua_State *L, void *arg)
{
    const struct start *start = arg;
    cw_lua_push_open(L, "hear");
    lua_rawgeti(L, LUA_REGISTRYINDEX, start->cart->ref);
    cw_lua_push_notice(L, start->notice);
    return 2;
}

static struct cw_slice text_at(lua_State *L, int index)
{
    struct cw_slice text = { "", 0 };
    if (lua_type(L, index) == LUA_TSTRING)
        text.data = lua_tolstring(L, index, &text.len);
    return text;
}

/* notice.hear returned verdict, reason or id, topic, job, at. Nothing here may raise. */
static void end_notice(void *arg, lua_State *L, const struct cw_error *err)
{
    const struct cw_lua_hearing *hearing = arg;
    if (err != NULL) {
        hearing->heard(hearing->arg, NULL, err);
        return;
    }
    struct cw_slice word = text_at(L, 1);
    struct cw_lua_verdict verdict = { .is_believed = cw_slice_is(word, "believed"),
                                      .is_ignored = cw_slice_is(word, "ignored"),
                                      .topic = text_at(L, 3),
                                      .job = text_at(L, 4) };
    *(verdict.is_believed ? &verdict.id : &verdict.reason) = text_at(L, 2);
    verdict.at = lua_isinteger(L, 5) ? lua_tointeger(L, 5) : CW_TIME_NONE;
    hearing->heard(hearing->arg, &verdict, NULL);
}

struct cw_fiber *cw_lua_start_notice(const struct cw_lua_cart *cart, const struct cw_lua_notice *notice,
                                     struct cw_lua_hearing *hearing, struct cw_error *err)
{
    struct start start = { cart, notice };
    return cw_fiber_start(cart->script, push_start, &start, end_notice, hearing, err);
}
