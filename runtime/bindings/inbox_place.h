/* inbox_place.h - from what a script says of its inbox (cartwright.InboxPlace in scripts/types/inbox.lua) to
 * the adapter that it means. */
#ifndef CW_BINDINGS_INBOX_PLACE_H
#define CW_BINDINGS_INBOX_PLACE_H

#include "adapters/inbox.h"
#include "base/egress.h"
#include "bindings/carts_private.h"

/* The place is the table at `place`; `folders` is the cart's cartwright.native.Folders, whose egress rules
 * are borrowed as long as the inbox lives. Raises for what is wrong with the table. */
struct cw_inbox *cw_lua_open_place(lua_State *L, int place, int folders, const struct cw_lua_cart *cart);

/* inbox_mailbox.c: the same for a place of `kind` imap or pop3. NULL and *err where it cannot be. */
struct cw_inbox *cw_lua_open_mailbox(lua_State *L, int place, const char *kind,
                                     const struct cw_egress *egress, const struct cw_lua_cart *cart,
                                     struct cw_error *err);

/* Of one that can tell when something came; NULL for all others. Raises as above. */
struct cw_inbox_watch *cw_lua_watch_place(lua_State *L, int place, int folders,
                                          const struct cw_lua_cart *cart, cw_inbox_came_fn *came, void *arg);

/* lua_upload.c */
const struct cw_egress *cw_lua_to_egress(lua_State *L, int index); /* raises for another value */

int cw_luaopen_inbox(lua_State *L); /* lua_inbox.c; upvalue 1: the carts */

#endif
