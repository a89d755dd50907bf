/* telling.h - what one call of send, send_batch or probe does to the cart, counted where requests leave.
 *
 * The counting is tied to the fiber, not to anything that a script holds: whatever it calls, and whatever it
 * catches, each request that could change something is counted before it leaves, and once more when it is
 * known what became of it. What is never heard of again stays uncertain.
 */
#ifndef CW_BINDINGS_TELLING_H
#define CW_BINDINGS_TELLING_H

#include <lua.h>

#include "base/error.h"

struct cw_telling;

/* What the fiber that runs now tells a cart; NULL = nothing: then nothing is counted. It lives as long as
 * requests of the fiber can be on their way. */
struct cw_telling *cw_telling_of(lua_State *L);

/* A write is about to leave. False, with CW_REFUSED, in a probe, which may only read. `what`: "PUT
 * https://shop/x". */
bool cw_telling_begin(struct cw_telling *telling, const char *what, struct cw_error *err);

/* Asked once right before a write leaves, which counts as left then. False, with CW_REFUSED, when the right
 * to work for the cart is over: somebody else may be sending the same already. `telling` is a struct
 * cw_telling. */
bool cw_telling_may_leave(void *telling, struct cw_error *err);

/* What became of a write that was begun; once at most. Nothing is said of one that may have been carried out.
 */
enum cw_effect {
    CW_EFFECT_TAKEN,  /* the cart says that it was carried out */
    CW_EFFECT_REFUSED /* certainly not carried out */
};
void cw_telling_end(struct cw_telling *telling, enum cw_effect effect);

/* The object at `index` is an answer of the cart to this fiber, so that message:sent() may be called with it.
 * It has a field `address`, and `status` unless there is one only when it succeeded. `is_write`: it was
 * counted as taken. */
void cw_telling_prove(lua_State *L, int index, bool is_write);

#endif
