/* carts_private.h - what lua_cart.c shares with the modules that scripts see of it. */
#ifndef CW_BINDINGS_CARTS_PRIVATE_H
#define CW_BINDINGS_CARTS_PRIVATE_H

#include "bindings/carts.h"

enum { CARTS_MAX = 64 };

struct cw_lua_carts {
    struct cw_script *script;
    struct cw_lua_carts_host host;
    struct cw_lua_cart *carts[CARTS_MAX];
    size_t count;
    struct task *tasks;          /* of the fibers that run, and of those that were killed */
    struct cw_telling *tellings; /* the same */
    uint64_t last_telling;       /* the number of the last one */
    struct cw_zone *zone;        /* the site's; NULL until it is needed */
};

struct cw_lua_cart *cw_lua_carts_find(const struct cw_lua_carts *carts, const char *name);

/* Opens a cart that is not open yet; raises with everything that is wrong. */
struct cw_lua_cart *cw_lua_open_cart(lua_State *L, struct cw_lua_carts *carts, const char *name);

/* Pushes a function of scripts/cartwright/open.lua. */
void cw_lua_push_open(lua_State *L, const char *function);

/* lua_tasks.c */
void cw_lua_free_tasks(struct cw_lua_carts *carts);

/* lua_telling.c */
void cw_lua_free_tellings(struct cw_lua_carts *carts);
int cw_luaopen_telling(lua_State *L);
int cw_luaopen_told(lua_State *L); /* lua_told.c */

/* lua_payload.c: the table that scripts get as the data of a message. */
void cw_lua_push_payload(lua_State *L, enum cw_out out, const struct cw_message *message);

int cw_luaopen_cart(lua_State *L);  /* lua_store.c: emit, recall, remember, secrets, tables */
int cw_luaopen_site(lua_State *L);  /* lua_site.c */
int cw_lua_site_edit(lua_State *L); /* lua_edit.c; upvalue 1: the carts */
int cw_lua_site_put(lua_State *L);  /* lua_put.c; upvalue 1: the carts */
/* The same with the arguments of the call alone on the stack, in a transaction that is ended in any case. */
int cw_lua_put_in(lua_State *L, struct cw_lua_carts *carts, struct cw_txn **txn);
int cw_lua_edit_in(lua_State *L, struct cw_lua_carts *carts, struct cw_txn **txn);

/* lua_served.c: for scripts/cartwright/served.lua; upvalue 1: the carts */
int cw_lua_served_documents(lua_State *L);
int cw_lua_served_count(lua_State *L);
int cw_lua_served_places(lua_State *L);
int cw_lua_served_put(lua_State *L);
int cw_lua_served_edit(lua_State *L);
int cw_lua_served_quantity(lua_State *L);

/* The cart whose instance is at `index`; raises when it is none. */
struct cw_lua_cart *cw_lua_check_cart(lua_State *L, struct cw_lua_carts *carts, int index);

/* lua_notice.c: for scripts/cartwright/notice.lua */
int cw_lua_signed(lua_State *L);
int cw_lua_secret_equals(lua_State *L);
int cw_lua_hash(lua_State *L);
int cw_lua_micros(lua_State *L);
/* Pushes the table of a request, of a notice and of one that is answered alike. */
void cw_lua_push_notice(lua_State *L, const struct cw_lua_notice *notice);

/* lua_tables.c; upvalue 1: the carts. */
int cw_lua_table_rows(lua_State *L);
int cw_lua_fold(lua_State *L);

/* Reads the `rows` of the description at `index`. Raises what is wrong with them. */
void cw_lua_read_stream_rows(lua_State *L, int index, struct cw_lua_stream *stream);

/* --- lua_split.c --- */

/* Takes the body, success or not. NULL on failure. */
struct cw_records *cw_lua_stream_split(const struct cw_lua_stream *stream, struct cw_body *body,
                                       struct cw_error *err);

#endif
