/* bindings.h - the modules of the runtime as scripts see them: one lua_X.c each, no more Lua than needed.
 *
 * Public modules are described for script authors in scripts/types/. Those named "cartwright.native.*" are
 * for the Lua library in scripts/cartwright/ only; the sandbox lets no other module require them.
 */
#ifndef CW_BINDINGS_BINDINGS_H
#define CW_BINDINGS_BINDINGS_H

#include <lua.h>

#include "adapters/http.h"
#include "base/decimal.h"
#include "base/node.h"
#include "base/time.h"
#include "mapping/path.h"
#include "script/script.h"

struct cw_records;

/* What all bindings of one script state share. Owned by the engine; outlives the state. */
struct cw_lua_host {
    struct cw_loop *loop;
    struct cw_transport *transport;
    struct cw_random *random;
    const char *const *allowed; /* the site's egress rules, NULL-terminated */
    bool read_only;             /* a dry run */
    const char *cart;           /* name, for logs */
    /* Text of a secret by name; NULL when unknown. Valid until the state is closed. */
    const char *(*secret)(void *arg, const char *name);
    void *arg;
};

/* Provides cartwright.decimal, .time, .json, .xml, .csv, .log and cartwright.native.http, .native.upload,
 * .native.here, .native.schedule, .native.out, .native.mac. */
bool cw_lua_provide_all(struct cw_script *script, struct cw_lua_host *host, struct cw_error *err);

/* Values between C and Lua. The push functions may raise (memory). `to` functions return NULL or false when
 * the value at `index` is something else. */
void cw_lua_push_decimal(lua_State *L, const struct cw_decimal *value);
const struct cw_decimal *cw_lua_to_decimal(lua_State *L, int index); /* a Decimal object only */
void cw_lua_push_time(lua_State *L, cw_time time);
bool cw_lua_to_time(lua_State *L, int index, cw_time *out);
void cw_lua_push_secret(lua_State *L, const char *name); /* the handle of a secret */

/* A node handle over `scope`, usable until cw_lua_close_scope (then every use raises). `owner_index`: a value
 * to keep alive along with it, or 0. The scope is copied; nodes are borrowed. Pushes the handle, and returns
 * a ticket. */
struct cw_lua_scope;
struct cw_lua_scope *cw_lua_push_scope(lua_State *L, const struct cw_scope *scope, int owner_index);
void cw_lua_close_scope(struct cw_lua_scope *ticket);

/* Records objects (records.h). */
struct cw_records *cw_lua_to_records(lua_State *L, int index);
/* The same, the caller's from now on. */
struct cw_records *cw_lua_take_records(lua_State *L, int index);
/* The response object over a body and no HTTP (site.file). Takes over body. */
void cw_lua_push_file_response(lua_State *L, struct cw_body *body, const char *name);

/* Pushes nil, message, code: the answer of functions that report failures of the world. */
int cw_lua_push_failure(lua_State *L, const struct cw_error *err);
/* Raises an error object with code and text; tostring gives the text. pcall hands it to scripts. */
int cw_lua_raise(lua_State *L, const struct cw_error *err);

#endif
