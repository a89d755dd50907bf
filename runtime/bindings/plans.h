/* plans.h - from the tables that scripts/cartwright/map.lua makes to compiled plans, and from plans back to
 * functions.
 *
 * A cw_lua_plan owns the outermost plan, its nested plans, their zones, and references to the script's
 * functions, which die with the script.
 */
#ifndef CW_BINDINGS_PLANS_H
#define CW_BINDINGS_PLANS_H

#include <lua.h>

#include "mapping/plan.h"
#include "script/script.h"

struct cw_lua_plan;

/* Empty; `zone` (borrowed) is for times without an offset, `context` ("carts/x.lua orders") for messages. */
struct cw_lua_plan *cw_lua_plan_create(struct cw_script *script, const struct cw_zone *zone,
                                       const char *context, struct cw_error *err);

/* Compiles the stream table on top of L's stack (its `map` and `skip`) and the cart's `tables` below it. Runs
 * inside a protected call: raises only for lack of memory; false and *err, listing every fault found,
 * otherwise. */
bool cw_lua_plan_fill(lua_State *L, struct cw_lua_plan *plan, struct cw_error *err);

/* For advice in messages; borrowed. After cw_lua_plan_fill. */
void cw_lua_plan_name_cart(struct cw_lua_plan *plan, const char *cart);

void cw_lua_plan_free(struct cw_lua_plan *plan); /* accepts NULL */

const struct cw_plan *cw_lua_plan_get(const struct cw_lua_plan *plan);
const struct cw_kind *cw_lua_plan_kind(const struct cw_lua_plan *plan);

/* Adds to the scope the parts that the stream's `derive` makes of the record, unless they are there: what
 * came by that name goes before. With a path only the part at which it begins. What they return lives in the
 * arena. False with the script's line in *err. */
bool cw_lua_plan_derive(struct cw_lua_plan *plan, struct cw_slice path, struct cw_scope *scope,
                        struct cw_arena *arena, struct cw_error *err);
/* Whether a path begins at such a part. */
bool cw_lua_plan_derives(const struct cw_lua_plan *plan, struct cw_slice path);

/* Runs the script's functions, each within the script's limits; they cannot wait. */
struct cw_plan_host cw_lua_plan_host(struct cw_lua_plan *plan);

#endif
