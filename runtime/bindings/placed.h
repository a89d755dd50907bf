/* placed.h - tables of a cart that remember where their fields were set (scripts/cartwright/placed.lua), read
 * past their behaviour. Any other table is read as it is.
 *
 * Places are "carts/x.lua:4"; they live as long as the table.
 */
#ifndef CW_BINDINGS_PLACED_H
#define CW_BINDINGS_PLACED_H

#include <lua.h>

#include "base/slice.h"

/* Pushes the table at `index` as lua_next can go through it. */
void cw_lua_placed_push_values(lua_State *L, int index);

/* Where all of the table was written; empty where that is not known. */
struct cw_slice cw_lua_placed_where(lua_State *L, int index);

/* Pops a key: where its field was set or taken away since then; empty when it was not. */
struct cw_slice cw_lua_placed_where_set(lua_State *L, int index);

/* The kind of documents of a plan; empty for anything else. */
struct cw_slice cw_lua_placed_kind(lua_State *L, int index);

#endif
