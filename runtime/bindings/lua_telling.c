/* lua_telling.c - messages told to a cart by its script: what goes in, what it said of each, and what its
 * requests may have done. */
#include "bindings/telling.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/utf8.h"
#include "base/secret.h"
#include "bindings/carts_private.h"
#include "bindings/modules.h"

enum { WORDS_MAX = 1000 }; /* bytes of what is kept as evidence of one message */

/* Of fibers that were killed, of whose end nobody is told, it stays in the list until the carts are freed. */
struct cw_telling {
    struct cw_telling *next, **place;
    const struct cw_lua_cart *cart;
    enum cw_out out;
    enum cw_lua_telling how;
    const struct cw_message *messages; /* these and the links are the caller's, until the fiber was started */
    const struct cw_slice *links;
    size_t count;
    const struct cw_fiber *fiber;
    bool has_left;   /* a write */
    uint64_t serial; /* tells its answers and messages from those of other calls */
    struct cw_lua_effects effects;
    struct cw_lua_told *told;
    struct cw_arena texts;
    int status;
    cw_lua_sent_fn *sent;
    void *arg;
};

/* --- counting --- */

struct cw_telling *cw_telling_of(lua_State *L)
{
    return cw_fiber_carried(L);
}

bool cw_telling_begin(struct cw_telling *telling, const char *what, struct cw_error *err)
{
    if (telling->how == CW_TELL_PROBE)
        return cw_fail(err, CW_REFUSED, "%s: not sent, because a probe may only read", what);
    telling->effects.writes++;
    return true;
}

bool cw_telling_may_leave(void *arg, struct cw_error *err)
{
    struct cw_telling *telling = arg;
    const struct cw_lua_carts_host *host = &telling->cart->carts->host;
    if (host->may_write != NULL && !host->may_write(host->arg, telling->cart->name, err))
        return false;
    telling->has_left = true;
    return true;
}

void cw_telling_end(struct cw_telling *telling, enum cw_effect effect)
{
    if (effect == CW_EFFECT_TAKEN)
        telling->effects.taken++;
    else
        telling->effects.refused++;
}

static const char proofs_key; /* registry: answers, and the calls that they are of */

static void push_proofs(lua_State *L)
{
    cw_lua_push_notes(L, &proofs_key);
}

/* The number of a proof: its call, and whether it was counted as taken. */
static lua_Integer proof_of(const struct cw_telling *telling, bool is_write)
{
    return (lua_Integer)(telling->serial << 1 | (is_write ? 1 : 0));
}

static void put_proof(lua_State *L, int index, lua_Integer proof)
{
    index = lua_absindex(L, index);
    push_proofs(L);
    lua_pushvalue(L, index);
    lua_pushinteger(L, proof);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* 0 = it proves nothing. */
static lua_Integer get_proof(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index))
        return 0;
    index = lua_absindex(L, index);
    push_proofs(L);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    lua_Integer proof = lua_tointeger(L, -1);
    lua_pop(L, 2);
    return proof;
}

void cw_telling_prove(lua_State *L, int index, bool is_write)
{
    const struct cw_telling *telling = cw_telling_of(L);
    luaL_checkstack(L, 6, "no room for an answer");
    if (telling != NULL)
        put_proof(L, index, proof_of(telling, is_write));
}

/* --- for scripts/cartwright/sending.lua and cart.lua --- */

/* The call that runs now, which must be the one with the serial number at 1. */
static struct cw_telling *check_telling(lua_State *L)
{
    struct cw_telling *telling = cw_telling_of(L);
    if (telling == NULL || telling->serial != (uint64_t)luaL_checkinteger(L, 1))
        luaL_error(L, "this message was of an earlier call; nothing can be said of it now");
    return telling;
}

/* Without secrets, in one line of valid UTF-8. */
static size_t clean(char *text, size_t len, size_t cap)
{
    uint32_t point;
    len = cw_redact(text, len, cap);
    for (size_t i = 0; i < len;) {
        unsigned bytes = cw_utf8_read(text + i, text + len, &point);
        if (bytes == 0 || point < 0x20 || point == 0x7F)
            text[i] = bytes == 0 ? '?' : ' ';
        i += bytes == 0 ? 1 : bytes;
    }
    return len;
}

static struct cw_slice keep_words(lua_State *L, struct cw_telling *telling, int index)
{
    char words[WORDS_MAX];
    struct cw_slice given = { "", 0 };
    if (lua_type(L, index) == LUA_TSTRING)
        given.data = lua_tolstring(L, index, &given.len);
    struct cw_slice cut = cw_slice_clip(given, sizeof words);
    size_t len = cut.len < given.len ? cw_secret_uncut(cut) : cut.len;
    memcpy(words, given.data, len);
    struct cw_slice kept = { words, clean(words, len, sizeof words) };
    kept = cw_arena_copy(&telling->texts, kept);
    if (kept.data == NULL)
        luaL_error(L, "no memory for what was said of a message");
    return kept;
}

/* told(serial, index, said, words, link) */
static int note_told(lua_State *L)
{
    static const char *const words[] = { "sent", "refused", "needless", "missing", "arrived", NULL };
    static const enum cw_lua_said said[] = { CW_SAID_SENT, CW_SAID_REFUSED, CW_SAID_NEEDLESS, CW_SAID_MISSING,
                                             CW_SAID_SENT };
    struct cw_telling *telling = check_telling(L);
    lua_Integer index = luaL_checkinteger(L, 2);
    luaL_argcheck(L, index >= 1 && (size_t)index <= telling->count, 2, "no such message");
    struct cw_slice link = { "", 0 };
    if (lua_type(L, 5) == LUA_TSTRING)
        link.data = lua_tolstring(L, 5, &link.len);
    struct cw_lua_told told = { .said = said[luaL_checkoption(L, 3, NULL, words)],
                                .words = keep_words(L, telling, 4),
                                .link = cw_arena_copy(&telling->texts, link) };
    if (told.link.data == NULL)
        return luaL_error(L, "no memory for the link of a message");
    telling->told[index - 1] = told;
    return 0;
}

/* is_answer(serial, value) -> boolean */
static int is_answer(lua_State *L)
{
    const struct cw_telling *telling = check_telling(L);
    lua_pushboolean(L, get_proof(L, 2) >> 1 == (lua_Integer)telling->serial);
    return 1;
}

/* disproved(answer): one with a status 2xx says in its body that it was refused. */
static int disprove(lua_State *L)
{
    struct cw_telling *telling = cw_telling_of(L);
    lua_settop(L, 1);
    if (telling == NULL || get_proof(L, 1) != proof_of(telling, true))
        return 0;
    put_proof(L, 1, proof_of(telling, false));
    telling->effects.taken--;
    telling->effects.refused++;
    return 0;
}

/* failed(serial, status): of the answer that the error is about; 0 = none */
static int note_failed(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 2);
    check_telling(L)->status = status >= 100 && status <= 599 ? (int)status : 0;
    return 0;
}

/* quote(answer) -> string: how its body begins; empty for what has none. */
static int push_quote(lua_State *L)
{
    char begins[CW_LUA_BEGIN_MAX];
    size_t len = cw_lua_response_begin(L, 1, begins);
    lua_pushlstring(L, begins, clean(begins, len, sizeof begins));
    return 1;
}

int cw_luaopen_telling(lua_State *L)
{
    static const luaL_Reg functions[] = { { "told", note_told },     { "is_answer", is_answer },
                                          { "disproved", disprove }, { "failed", note_failed },
                                          { "quote", push_quote },   { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}

/* --- for the engine --- */

static void free_telling(struct cw_telling *telling)
{
    free(telling->told);
    cw_arena_fini(&telling->texts);
    free(telling);
}

void cw_lua_free_tellings(struct cw_lua_carts *carts)
{
    for (struct cw_telling *telling = carts->tellings, *next; telling != NULL; telling = next) {
        next = telling->next;
        free_telling(telling);
    }
}

static void link_telling(struct cw_telling *telling)
{
    struct cw_lua_carts *carts = telling->cart->carts;
    telling->next = carts->tellings;
    telling->place = &carts->tellings;
    if (telling->next != NULL)
        telling->next->place = &telling->next;
    carts->tellings = telling;
}

static void unlink_telling(struct cw_telling *telling)
{
    *telling->place = telling->next;
    if (telling->next != NULL)
        telling->next->place = telling->place;
}

static void set_text(lua_State *L, const char *field, struct cw_slice text)
{
    if (text.data == NULL)
        return;
    lua_pushlstring(L, text.data, text.len);
    lua_setfield(L, -2, field);
}

static void push_message(lua_State *L, const struct cw_telling *telling, size_t i)
{
    const struct cw_message *message = &telling->messages[i];
    const struct cw_store *store = telling->cart->carts->host.store;
    const char *store_id = store != NULL ? cw_store_id(store) : "";
    lua_createtable(L, 0, 7);
    lua_pushinteger(L, message->id);
    lua_setfield(L, -2, "id");
    lua_pushfstring(L, "cw-%s-%I", store_id, (LUAI_UACINT)message->id);
    lua_setfield(L, -2, "key");
    lua_pushfstring(L, "cw-%s-%s-%s-%I", store_id, telling->cart->name, cw_out_name(telling->out),
                    (LUAI_UACINT)message->call);
    lua_setfield(L, -2, "call");
    set_text(L, "about", message->key.external_id);
    lua_pushinteger(L, message->attempts);
    lua_setfield(L, -2, "attempts");
    set_text(L, "link", telling->links[i]);
    cw_lua_push_payload(L, telling->out, message);
    lua_setfield(L, -2, "data");
}

static int push_telling(lua_State *L, void *arg)
{
    static const char *const functions[] = { "send", "send_batch", "probe" };
    const struct cw_telling *telling = arg;
    cw_lua_push_open(L, "tell");
    lua_rawgeti(L, LUA_REGISTRYINDEX, telling->cart->ref);
    lua_pushstring(L, cw_out_name(telling->out));
    lua_pushstring(L, functions[telling->how]);
    lua_createtable(L, (int)telling->count, 0);
    for (size_t i = 0; i < telling->count; i++) {
        push_message(L, telling, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)telling->serial);
    return 5;
}

static void end_telling(void *arg, lua_State *L, const struct cw_error *err)
{
    struct cw_telling *telling = arg;
    struct cw_lua_effects effects = telling->effects;
    (void)L;
    effects.uncertain = effects.writes - effects.taken - effects.refused;
    struct cw_lua_sent sent = { .told = telling->told,
                                .count = telling->count,
                                .effects = effects,
                                .err = err,
                                .status = telling->status };
    unlink_telling(telling);
    telling->sent(telling->arg, &sent);
    free_telling(telling);
}

static struct cw_telling *create_telling(const struct cw_lua_cart *cart, size_t count, struct cw_error *err)
{
    struct cw_telling *telling = calloc(1, sizeof *telling);
    struct cw_lua_told *told = calloc(count + 1, sizeof *told);
    if (telling == NULL || told == NULL) {
        free(telling);
        free(told);
        cw_fail(err, CW_NOMEM, "no memory to tell a cart %zu messages", count);
        return NULL;
    }
    telling->cart = cart;
    telling->told = told;
    telling->count = count;
    telling->serial = ++cart->carts->last_telling;
    cw_arena_init(&telling->texts, 0);
    return telling;
}

struct cw_fiber *cw_lua_start_telling(const struct cw_lua_cart *cart, enum cw_out out,
                                      enum cw_lua_telling how, const struct cw_message *messages,
                                      const struct cw_slice *links, size_t count, cw_lua_sent_fn *sent,
                                      void *arg, struct cw_error *err)
{
    struct cw_telling *telling = create_telling(cart, count, err);
    if (telling == NULL)
        return NULL;
    telling->out = out;
    telling->how = how;
    telling->messages = messages;
    telling->links = links;
    telling->sent = sent;
    telling->arg = arg;
    struct cw_fiber *fiber = cw_fiber_start(cart->script, push_telling, telling, end_telling, telling, err);
    if (fiber == NULL) {
        free_telling(telling);
        return NULL;
    }
    telling->messages = NULL;
    telling->links = NULL;
    link_telling(telling);
    telling->fiber = fiber;
    cw_fiber_carry(fiber, telling);
    return fiber;
}

/* The newest come first, so that a killed one whose fiber lay at the same place is not reached. */
bool cw_lua_telling_has_left(const struct cw_lua_cart *cart, const struct cw_fiber *fiber)
{
    const struct cw_telling *telling = cart->carts->tellings;
    while (telling != NULL && telling->fiber != fiber)
        telling = telling->next;
    return telling == NULL || telling->has_left;
}
