/* lua_http_token.c - the token that a shop gives for credentials: how it is asked for, and what its answers
 * mean. Runs in part from the loop's callbacks, where nothing may raise. */
#include <math.h>
#include <stdio.h>

#include "bindings/http_client.h"
#include "base/secret.h"

enum { ANSWER_MAX = 1024 * 1024, WORDS_MAX = 200 };

/* --- the settings --- */

/* Adds the setting whose secret is on top: "shop.client_secret" is client_secret of the cart shop. */
static void note_setting(lua_State *L, struct client_token *token)
{
    const char *name = cw_lua_to_secret(L, -1);
    size_t len = strlen(token->asks_for);
    if (name == NULL)
        return;
    const char *dot = strrchr(name, '.');
    snprintf(token->asks_for + len, sizeof token->asks_for - len, "%s%s", len > 0 ? ", " : "",
             dot != NULL ? dot + 1 : name);
}

/* The secrets in the table on top, and in the pairs of a list. */
static void note_settings(lua_State *L, struct client_token *token, int depth)
{
    if (!lua_istable(L, -1) || depth > 3)
        return;
    luaL_checkstack(L, 4, "no room for settings");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        note_setting(L, token);
        note_settings(L, token, depth + 1);
    }
}

/* Pushes the request of the table at `index`. */
static void push_request(lua_State *L, int index, struct client_token *token)
{
    static const char *const fields[] = { "path", "form", "json" };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_getfield(L, index, fields[i]);
        note_settings(L, token, 0);
        lua_setfield(L, -2, fields[i]);
    }
    lua_pushliteral(L, "POST");
    lua_setfield(L, -2, "method");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "reads");
}

static const char *read_text(lua_State *L, int index, const char *name, const char *otherwise,
                             struct cw_arena *arena)
{
    int type = lua_getfield(L, index, name);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        cw_lua_fail(L, CW_USAGE, "http: token: %s must be a text, not %s", name, cw_lua_type_name(L, -1));
    const char *text = type == LUA_TNIL ? otherwise : cw_client_copy_text(L, lua_gettop(L), name, arena);
    lua_pop(L, 1);
    return text;
}

static const struct cw_path *compile(lua_State *L, const char *name, const char *text, struct cw_arena *arena)
{
    struct cw_error err;
    const struct cw_path *path = cw_path_compile(arena, cw_slice(text), &err);
    if (path == NULL) {
        cw_fail_in(&err, "http: token: %s", name);
        cw_lua_raise(L, &err);
    }
    return path;
}

/* The path of the seconds, or the seconds. */
static void read_lifetime(lua_State *L, int index, struct client *client)
{
    struct client_token *token = &client->token;
    if (lua_getfield(L, index, "lifetime") == LUA_TNUMBER)
        token->lifetime = cw_client_read_count(L, index, "lifetime") * CW_SECOND;
    else
        token->expires = compile(L, "lifetime", read_text(L, index, "lifetime", "expires_in", &client->arena),
                                 &client->arena);
    lua_pop(L, 1);
}

static bool take_token(void *arg, const struct cw_http_response *response, struct cw_http_token *out,
                       struct cw_error *err);

void cw_client_read_token(lua_State *L, int index, struct client *client)
{
    static const char *const known[] = { "path", "form", "json", "at", "lifetime", "header", "prefix", NULL };
    struct client_token *token = &client->token;
    if (!lua_istable(L, index))
        cw_lua_fail(L, CW_USAGE, "http: token = { path = ..., form = { ... } }");
    cw_client_check_keys(L, index, "http: token", "cartwright.Token in scripts/types/cart.lua", known);
    push_request(L, index, token);
    cw_client_prepare(L, -1, &client->settings, &token->memory, &token->grant.request, &token->label);
    lua_pop(L, 1);
    token->grant.request.body_limit = ANSWER_MAX;
    token->grant.header = read_text(L, index, "header", "Authorization", &client->arena);
    token->grant.prefix = read_text(L, index, "prefix", "Bearer ", &client->arena);
    const char *at = read_text(L, index, "at", "access_token", &client->arena);
    token->at = compile(L, "at", at, &client->arena);
    read_lifetime(L, index, client);
    token->grant.read = take_token;
    token->grant.arg = token;
    token->is_set = true;
    client->settings.auth = CW_HTTP_TOKEN;
}

/* --- the answers --- */

/* The beginning of what the shop said, in one line, without half a secret at its end. */
static void copy_words(const struct cw_http_response *response, char out[WORDS_MAX])
{
    struct cw_slice body = response->body != NULL ? cw_body_memory(response->body) : cw_slice("");
    struct cw_slice words = cw_slice_clip(cw_slice_trim(body), WORDS_MAX - 1);
    size_t len = words.len < body.len ? cw_secret_uncut(words) : words.len;
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)words.data[i] < 0x20 ? ' ' : words.data[i];
    out[len] = '\0';
}

static const char *meaning_of(int status)
{
    if (status == 404)
        return "there is nothing that gives tokens at this address; look at the shop's address";
    if (status == 403)
        return "the shop, or a firewall before it, refuses a token";
    return "the shop gives no token for these credentials";
}

static bool refuse(const struct client_token *token, const struct cw_http_response *response,
                   const char *meaning, struct cw_error *err)
{
    char words[WORDS_MAX];
    bool has_settings = token->asks_for[0] != '\0' && response->status != 404;
    copy_words(response, words);
    cw_fail(err, CW_AUTH, "%s: HTTP %d: %s%s%s%s%s", token->label, response->status, meaning,
            has_settings ? "; look at " : "", has_settings ? token->asks_for : "",
            words[0] != '\0' ? "; it said: " : "", words);
    char setting[CW_ERROR_NAME_MAX];
    snprintf(setting, sizeof setting, "%.*s", (int)strcspn(token->asks_for, ","), token->asks_for);
    return cw_fail_at(err, NULL, has_settings ? setting : "", NULL);
}

/* NULL and "" where the answer has no text at the path. */
static struct cw_slice text_at(const struct cw_path *path, const struct cw_node *root)
{
    const struct cw_scope scope = { .record = root };
    const struct cw_node *node = root != NULL ? cw_path_first(path, &scope) : NULL;
    bool is_text = node != NULL && (node->kind == CW_NODE_TEXT || node->kind == CW_NODE_NUMBER);
    return is_text ? cw_slice_trim(node->text) : cw_slice("");
}

static cw_time lifetime_of(const struct client_token *token, const struct cw_node *root)
{
    struct cw_decimal seconds;
    int64_t whole;
    if (token->expires == NULL)
        return token->lifetime;
    struct cw_slice text = text_at(token->expires, root);
    bool is_known = text.len > 0 && cw_decimal_parse(text, &seconds, NULL) &&
                    cw_decimal_to_int(&seconds, &whole) && whole > 0 && whole < INT32_MAX;
    return is_known ? whole * CW_SECOND : 0;
}

/* For cw_http_grant. */
static bool take_token(void *arg, const struct cw_http_response *response, struct cw_http_token *out,
                       struct cw_error *err)
{
    struct client_token *token = arg;
    int status = response->status;
    if (status == 429 || status >= 500)
        return cw_fail(err, CW_UNAVAILABLE, "%s: HTTP %d: the shop gives no tokens just now", token->label,
                       status);
    if (status < 200 || status > 299)
        return refuse(token, response, meaning_of(status), err);
    cw_lua_clear_scratch(&token->answer);
    const struct cw_node *root = cw_lua_parse_json(&token->answer, cw_body_memory(response->body), NULL);
    out->text = text_at(token->at, root);
    out->lifetime = lifetime_of(token, root);
    if (out->text.len == 0)
        return refuse(token, response,
                      root != NULL ? "the answer has no token where it is looked for (at)"
                                   : "something answers, but not with a token in JSON",
                      err);
    return true;
}
