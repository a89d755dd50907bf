/* http_client.h - the inside of cartwright.native.http: a client's settings, and requests made ready to be
 * sent.
 *
 * Everything a request points to lives in the arena of its batch, everything of the settings in that of the
 * client; both die with their userdata, so that building them may raise at any point.
 */
#ifndef CW_BINDINGS_HTTP_CLIENT_H
#define CW_BINDINGS_HTTP_CLIENT_H

#include "adapters/http_url.h"
#include "bindings/modules.h"

struct batch;

/* Names and values in the order of the names. */
struct pairs {
    struct cw_header *items;
    size_t count;
};

struct client_settings {
    const char *base;
    struct cw_url origin; /* of base: only there go credentials, headers and query of the settings */
    enum cw_http_auth auth;
    const char *user, *secret;
    struct cw_oauth1 oauth1;
    struct pairs headers, query;
    struct cw_http_quota quota;
    double rate; /* requests a second; 0 = no limit */
    unsigned burst, attempts;
    cw_time timeout, stall, connect;
    uint64_t body_limit;
};

/* The token that requests carry, where the shop gives one for credentials: `token` of the settings. */
struct client_token {
    bool is_set;
    struct cw_http_grant grant;
    struct cw_lua_scratch memory;  /* of the request that asks for it */
    struct cw_lua_scratch answer;  /* the last one, taken apart */
    const struct cw_path *at;      /* NULL = the whole answer is the token */
    const struct cw_path *expires; /* NULL = `lifetime` is set */
    cw_time lifetime;
    const char *label;
    char asks_for[CW_ERROR_NAME_MAX]; /* the settings that it is asked for with: "client_id, secret" */
};

struct client {
    struct cw_http *http; /* NULL = closed */
    struct cw_egress *egress;
    struct cw_arena arena;
    struct client_settings settings;
    struct client_token token;
    struct batch *batches; /* that wait for answers */
};

/* Reads the table at `index` into client->settings; raises for what is wrong with it. */
void cw_client_read_settings(lua_State *L, int index, struct client *client);

/* The values of the table at `index`, strings, integers, booleans, Decimals, Times or secrets, in the arena.
 * `what` names it in messages. */
struct pairs cw_client_read_pairs(lua_State *L, int index, const char *what, struct cw_arena *arena);

/* Raises when the table at `index` has other keys than `known` (NULL-terminated); `see` says where they are
 * described. */
void cw_client_check_keys(lua_State *L, int index, const char *what, const char *see,
                          const char *const *known);

/* A number of the table as microseconds, or as it is; 0 when absent. */
cw_time cw_client_read_seconds(lua_State *L, int index, const char *name);
uint64_t cw_client_read_count(lua_State *L, int index, const char *name);

/* The text of a string or secret at `index`, copied; `what` names it in messages. */
const char *cw_client_copy_text(lua_State *L, int index, const char *what, struct cw_arena *arena);

/* The field `token` of the settings at `index`, once they are read otherwise. */
void cw_client_read_token(lua_State *L, int index, struct client *client);

/* The body of the request at `index`: its body, form or json, of which it may have one. *type is what it says
 * of itself, or NULL. Uses memory->buffer. */
struct cw_slice cw_client_read_body(lua_State *L, int index, struct cw_lua_scratch *memory,
                                    const char **type);

/* Makes the request of the table at `index`. *label: "GET https://shop/api/orders". */
void cw_client_prepare(lua_State *L, int index, const struct client_settings *settings,
                       struct cw_lua_scratch *memory, struct cw_http_request *out, const char **label);

#endif
