/* modules.h - what the files of this ring share among themselves.
 *
 * Everything here may raise unless it says otherwise. Whatever holds memory of C is a userdata with __gc
 * before it is filled, so that an error at any point loses nothing.
 */
#ifndef CW_BINDINGS_MODULES_H
#define CW_BINDINGS_MODULES_H

#include <lauxlib.h>

#include "adapters/reader.h"
#include "base/decimal.h"
#include "base/document.h"
#include "bindings/bindings.h"

/* --- state --- */

struct cw_lua_host *cw_lua_host_of(lua_State *L);

/* Makes a type: its metatable locked, its methods under __index. `methods` NULL = no index. Leaves nothing.
 */
void cw_lua_new_type(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);

/* Tells the collector that an object on the stack holds `bytes` of memory it cannot see. Without it a loop
 * over large answers would look like a loop over small handles, and nothing would be freed. */
void cw_lua_charge(lua_State *L, uint64_t bytes);

/* The types of each file, made once per state; and what `require` answers. */
void cw_lua_types_error(lua_State *L);
void cw_lua_types_scratch(lua_State *L);
void cw_lua_types_decimal(lua_State *L);
void cw_lua_types_time(lua_State *L);
void cw_lua_types_secret(lua_State *L);
void cw_lua_types_node(lua_State *L);
void cw_lua_types_json(lua_State *L);
void cw_lua_types_log(lua_State *L);
void cw_lua_types_response(lua_State *L);
void cw_lua_types_records(lua_State *L);
void cw_lua_types_http(lua_State *L);
void cw_lua_types_upload(lua_State *L);
void cw_lua_types_document(lua_State *L);
void cw_lua_types_rules(lua_State *L);
int cw_lua_open_decimal(lua_State *L);
int cw_lua_open_time(lua_State *L);
int cw_lua_open_json(lua_State *L);
int cw_lua_open_mac(lua_State *L);
int cw_lua_open_xml(lua_State *L);
int cw_lua_open_log(lua_State *L);
int cw_lua_open_here(lua_State *L);
int cw_lua_open_schedule(lua_State *L);
int cw_lua_open_out(lua_State *L);
int cw_lua_open_http(lua_State *L);
int cw_lua_open_upload(lua_State *L);
int cw_lua_open_csv(lua_State *L);
int cw_lua_open_mail(lua_State *L);

/* Pushes where the function at `index` begins, "carts/x.lua:41"; of one that the library made for a script,
 * the line that asked for it. */
void cw_lua_push_begin(lua_State *L, int index);

/* Pushes the state's table under a key of the registry, made at first: notes about values, which it does not
 * keep alive. */
void cw_lua_push_notes(lua_State *L, const void *key);

/* --- errors --- */

/* cw_lua_raise with a text made here. */
int cw_lua_fail(lua_State *L, enum cw_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --- memory of C, collected --- */

/* A buffer and an arena in one userdata, pushed. Use it up to the end of the function that pushed it, or hand
 * the userdata on as owner of what is in it. */
struct cw_lua_scratch {
    struct cw_buffer buffer;
    struct cw_arena arena;
    struct cw_parser *parser;
    struct cw_splitter *splitter;
    struct cw_body *body;
};
enum {
    CW_LUA_TREE_MAX = 64 * 1024 * 1024
}; /* bytes of a whole answer's tree, beside the script's own memory */
struct cw_lua_scratch *cw_lua_push_scratch(lua_State *L);
void cw_lua_init_scratch(struct cw_lua_scratch *scratch);  /* one inside another userdata; never raises */
void cw_lua_clear_scratch(struct cw_lua_scratch *scratch); /* frees all of it; never raises */

/* A NUL-terminated copy in the arena; raises for memory and for a NUL inside. */
const char *cw_lua_copy(lua_State *L, struct cw_arena *arena, struct cw_slice text);

/* --- values --- */

/* The text of a string, integer, boolean, Decimal or Time at `index`; false for all else. Never raises for
 * these. Valid while the value is on the stack and `scratch` lives. */
enum { CW_LUA_SCALAR_MAX = 64 };
bool cw_lua_scalar(lua_State *L, int index, char scratch[CW_LUA_SCALAR_MAX], struct cw_slice *out);

/* The __concat of Decimal and Time: joins texts, numbers, Decimals and Times, and raises for all else. */
int cw_lua_concat(lua_State *L);

const char *cw_lua_to_secret(lua_State *L, int index); /* its name; NULL for other values */
const char *cw_lua_secret_text(lua_State *L,
                               int index); /* for C only; raises when the site has no such secret */
bool cw_lua_is_node(lua_State *L, int index);

/* "a Decimal", "a table", "a secret": for messages; a constant or a string that the state keeps. */
const char *cw_lua_type_name(lua_State *L, int index);

/* The path at `arg`, compiled; raises for a malformed one. Valid until the next call. */
const struct cw_path *cw_lua_check_path(lua_State *L, int arg);

/* The caller's claim on a scope ends, but its handles stay usable: for scopes whose nodes have an owner. */
void cw_lua_release_scope(struct cw_lua_scope *ticket);

/* Pushes a handle of the document, usable until cw_lua_close_document (then every use raises). What is
 * written, where `may_change`, goes into the arena. */
struct cw_lua_document *cw_lua_push_document(lua_State *L, struct cw_document *doc, bool may_change,
                                             struct cw_arena *arena);
void cw_lua_close_document(struct cw_lua_document *ticket);

/* Pushes what json.decode gives for the tree. */
void cw_lua_push_json(lua_State *L, const struct cw_node *node);
/* Appends what json.encode gives for the value at `index`; raises like it. */
void cw_lua_write_json(lua_State *L, int index, struct cw_buffer *out);

/* Writes the value at `index` as json.encode does, and secrets as their text. On error `out` holds nothing of
 * use. */
void cw_lua_write_secret_json(lua_State *L, int index, struct cw_buffer *out);

/* The root of the one document in scratch->body, in scratch->arena; never raises. */
const struct cw_node *cw_lua_parse_xml(struct cw_lua_scratch *scratch, struct cw_error *err);
/* The same for JSON: `bytes` are borrowed by the tree. A byte-order mark is skipped. */
const struct cw_node *cw_lua_parse_json(struct cw_lua_scratch *scratch, struct cw_slice bytes,
                                        struct cw_error *err);

/* What the records of a body are: those at a path, the rows of a table, or (neither path nor rows) all of it.
 */
struct cw_lua_records {
    const char *path;
    const struct cw_rows *rows;
    const char *id;        /* where a record's id is */
    struct cw_slice whole; /* the id of all of it */
};

/* Pushes records over `body`, which it takes from *body. NULL and *err when they cannot be made; then it
 * pushed nothing. */
struct cw_records *cw_lua_push_records(lua_State *L, struct cw_body **body, const struct cw_lua_records *what,
                                       struct cw_error *err);

/* Reads cartwright.Rows at `index`; texts are copied into the arena. Raises what is wrong with it. Returns
 * its `id`, or the path of the group's column; NULL = it has neither. */
const char *cw_lua_read_rows(lua_State *L, int index, struct cw_arena *arena, struct cw_rows *rows);

/* The body of the response at `index`, which stays its own; NULL for another value, and for one that was
 * taken by its records. */
const struct cw_body *cw_lua_to_body(lua_State *L, int index);

/* The first bytes of the body of the response at `index`, without what may be half a secret at their end;
 * returns how many. 0 for another value, and for a body that was taken by its records. */
enum { CW_LUA_BEGIN_MAX = 200 };
size_t cw_lua_response_begin(lua_State *L, int index, char out[CW_LUA_BEGIN_MAX]);

/* Pushes the response object; takes *response (and sets it NULL) as its last step. `label`: "GET
 * https://shop/api". */
void cw_lua_push_response(lua_State *L, struct cw_http_response **response, const char *label);

#endif
