/* rules.h - from the steps that scripts/cartwright/rules.lua makes of a site's rules to compiled ones, and
 * from rules back to functions. */
#ifndef CW_BINDINGS_RULES_H
#define CW_BINDINGS_RULES_H

#include <lua.h>

#include "mapping/rules.h"
#include "script/script.h"

/* Compiles the list on top of L's stack: { { action = "set", name = ..., where = ..., ... }, ... } with the
 * fields of cw_step, and { move = FIELD, from = ..., to = ..., where = ... }. Pops nothing. Raises only for
 * lack of memory; NULL and *err, listing every fault found, otherwise. */
struct cw_rules *cw_lua_rules_compile(lua_State *L, const struct cw_kind *kind, struct cw_error *err);

/* Runs the script's functions on documents, each within the script's limits; they cannot wait. */
struct cw_rules_host cw_lua_rules_host(struct cw_script *script);

#endif
