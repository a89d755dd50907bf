/* script.h - one Lua state for one cart: its memory limit, its sandbox, its fibers, its budget.
 *
 * The kernel knows lua.h and the clock and nothing else. It asks for modules through `load`, tells its owner
 * that fibers are ready through `wake`, and never learns what they wait for. This module holds the only
 * lua_resume and the only lua_yield of the runtime.
 *
 * What a script has: base functions without load, dofile, loadfile, collectgarbage, rawset on protected
 * tables; table, string (patterns of at most 256 bytes that give up after 5 million steps, rep with bounded
 * output, no dump), math (random from the runtime's seed), utf8, coroutine (see below), require for the
 * modules that `load` knows. No io, os, debug, package. setmetatable refuses __gc; metatables of strings and
 * of the runtime's objects are locked. pairs visits integer keys in order, then the others sorted by type and
 * text, so that the same input gives the same output.
 *
 * Limits. Memory: the allocator refuses past the cap. Instructions: `instructions` for one call or, in a
 * fiber, since it last waited. A limit that was hit is sticky: pcall, xpcall, coroutine functions and error
 * handlers re-raise it at once, so that no script survives it. A fiber that has run `slice_ns` without
 * waiting is paused so that others run, and goes on later.
 *
 * Coroutines of the script's own may wait too: a wait inside one passes through every coroutine.resume up to
 * the fiber and comes back the same way.
 */
#ifndef CW_SCRIPT_SCRIPT_H
#define CW_SCRIPT_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "base/error.h"

struct cw_script;
struct cw_fiber;

struct cw_script_limits {
    size_t memory_bytes;   /* 0 = 64 MiB */
    uint64_t instructions; /* 0 = 50 million */
    int64_t slice_ns;      /* 0 = 5 ms */
};

struct cw_script_host {
    void *arg;
    const char *name; /* the cart, for messages; copied */
    const struct cw_clock *clock;
    uint64_t random_seed;
    /* Some fiber became ready: call cw_script_run soon, from the loop, not from here. */
    void (*wake)(void *arg);
    /* Source text of a module such as "cartwright.map" or "carts.prestashop". *source belongs to the caller
     * until the call returns to `release`; *chunk_name is what errors show ("carts/prestashop.lua"), at most
     * 128 bytes. CW_NOT_FOUND lists where it was looked for. Names are already checked: [a-z0-9_-] in parts
     * joined by dots. */
    bool (*load)(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err);
    void (*release)(void *arg, struct cw_slice source);
    /* print and log lines of the script. */
    void (*print)(void *arg, struct cw_slice line);
    struct cw_script_limits limits;
    bool collector_always;    /* tests: setpause 0, setstepmul 1000 */
    uint64_t fail_allocation; /* tests: the n-th allocation fails; 0 = none */
};

/* NULL and *err on failure. `host` is copied; what it points to must outlive the script. */
struct cw_script *cw_script_create(const struct cw_script_host *host, struct cw_error *err);

/* Kills all fibers, closes the state. Accepts NULL. After it every byte is returned (asserted). */
void cw_script_free(struct cw_script *script);

size_t cw_script_memory(const struct cw_script *script); /* bytes in use */
struct cw_script *cw_script_of(lua_State *L);            /* the script a state or coroutine belongs to */

/* Makes `open` answer require(name): called once, at the first require, with `context` as light userdata
 * upvalue 1; must push one value. `name` must be a string constant. */
bool cw_script_provide(struct cw_script *script, const char *name, lua_CFunction open, void *context,
                       struct cw_error *err);

/* Runs fn(L) with `arg` as its only argument (light userdata), protected and within the limits; it cannot
 * wait. What fn leaves in the registry stays; results are dropped. CW_SCRIPT (message with file:line),
 * CW_LIMIT (which limit, and the script line), CW_NOMEM. */
bool cw_script_call(struct cw_script *script, lua_CFunction fn, void *arg, struct cw_error *err);

/* --- fibers --- */

/* Runs once, when the fiber ended: err NULL = it returned. L holds its results (from 1 to lua_gettop) during
 * the call and must be left as it is; called from cw_script_run. Not called for a killed fiber. */
typedef void cw_fiber_end_fn(void *arg, lua_State *L, const struct cw_error *err);

/* Starts a fiber: calls push(L, arg) protected, which leaves a function and its arguments on L's stack and
 * returns the number of arguments. It runs from the next cw_script_run. */
struct cw_fiber *cw_fiber_start(struct cw_script *script, int (*push)(lua_State *L, void *arg),
                                void *push_arg, cw_fiber_end_fn *end, void *end_arg, struct cw_error *err);

/* What a fiber carries for its owner, such as where its requests are counted; borrowed, NULL at first.
 * Whatever the script does, cw_fiber_carried gives that of the fiber that runs now, NULL in a host call. */
void cw_fiber_carry(struct cw_fiber *fiber, void *carried);
void *cw_fiber_carried(lua_State *L);

/* Cancels what it waits for, closes its <close> variables (within a budget), frees it. Its end is not called.
 */
void cw_fiber_kill(struct cw_fiber *fiber);

/* Runs every ready fiber until it waits, ends, or its slice is over. Calls wake again when some are still
 * ready. */
void cw_script_run(struct cw_script *script);
bool cw_script_is_idle(const struct cw_script *script); /* no fiber is ready */

/* --- waiting, for bindings --- */

/* One pending operation of a fiber; embedded in the operation's own memory, which must live until it is done
 * or cancelled (keep it in a userdata on the waiting stack). */
struct cw_wait {
    struct cw_fiber *fiber;               /* NULL = nobody waits */
    bool done;                            /* cw_wait_done came before cw_wait_start; begins as false */
    void (*cancel)(struct cw_wait *wait); /* the fiber is being killed: cw_wait_done must not come any more */
};

/* Raises when waiting is impossible here (a mapping function, a metamethod, the main chunk). Call it before
 * starting the operation. */
void cw_wait_check(lua_State *L);

/* Suspends: `return cw_wait_start(L, &op->wait, k, ctx);` The stack is kept; k runs with it when cw_wait_done
 * was called. If cw_wait_done was called before this, k runs at once. wait->cancel must be set. */
int cw_wait_start(lua_State *L, struct cw_wait *wait, lua_KFunction k, lua_KContext ctx);

/* The operation is over: makes the fiber ready. Touches no Lua, so it may be called from any callback. */
void cw_wait_done(struct cw_wait *wait);

#endif
