/* fiber.c - the scheduler: fibers that are ready run in turn; those that wait are woken by whoever they wait
 * for. */
#include "script/kernel.h"

enum state { READY, RUNNING, WAITING, DEAD };

struct cw_fiber {
    struct cw_script *script;
    lua_State *L; /* kept alive by the registry, under the fiber's address */
    enum state state;
    bool killed; /* while it ran: it ends when it next comes out */
    bool has_begun;
    uint64_t used;        /* instructions since it last waited */
    uint64_t round;       /* of cw_script_run in which it became ready */
    struct cw_wait *wait; /* while WAITING */
    struct cw_fiber *previous, *next;
    struct cw_fiber *next_ready;
    cw_fiber_end_fn *end;
    void *end_arg;
    void *carried;
};

static void move(struct cw_fiber *fiber, enum state from, enum state to)
{
    cw_kernel_assert(fiber->state == from, "a fiber is not in the state it should be in");
    fiber->state = to;
}

/* --- the queue --- */

static void enqueue(struct cw_fiber *fiber)
{
    struct cw_script *script = fiber->script;
    bool was_idle = script->ready_first == NULL;
    fiber->round = script->round;
    fiber->next_ready = NULL;
    if (was_idle)
        script->ready_first = fiber;
    else
        script->ready_last->next_ready = fiber;
    script->ready_last = fiber;
    if (was_idle && !script->is_running && script->host.wake != NULL)
        script->host.wake(script->host.arg);
}

static struct cw_fiber *dequeue(struct cw_script *script)
{
    struct cw_fiber *fiber = script->ready_first;
    script->ready_first = fiber->next_ready;
    if (script->ready_first == NULL)
        script->ready_last = NULL;
    return fiber;
}

static void leave_queue(struct cw_fiber *fiber)
{
    struct cw_script *script = fiber->script;
    struct cw_fiber *before = NULL;
    for (struct cw_fiber *at = script->ready_first; at != fiber; at = at->next_ready)
        before = at;
    if (before == NULL)
        script->ready_first = fiber->next_ready;
    else
        before->next_ready = fiber->next_ready;
    if (script->ready_last == fiber)
        script->ready_last = before;
}

/* --- life --- */

static void destroy(struct cw_fiber *fiber)
{
    struct cw_script *script = fiber->script;
    if (fiber->previous != NULL)
        fiber->previous->next = fiber->next;
    else
        script->fibers = fiber->next;
    if (fiber->next != NULL)
        fiber->next->previous = fiber->previous;
    lua_pushnil(script->L); /* taking a key out of a table needs no memory */
    lua_rawsetp(script->L, LUA_REGISTRYINDEX, fiber);
    cw_kernel_release(script, fiber, sizeof *fiber);
}

struct start {
    struct cw_fiber *fiber;
    int (*push)(lua_State *L, void *arg);
    void *arg;
};

static int start_protected(lua_State *L)
{
    struct start *start = lua_touserdata(L, 1);
    struct cw_fiber *fiber = start->fiber;
    fiber->L = lua_newthread(L);
    cw_kernel_mark(fiber->L, CW_MARK_FIBER, true);
    lua_rawsetp(L, LUA_REGISTRYINDEX, fiber);
    lua_settop(L, 0);
    int nargs = start->push(L, start->arg);
    luaL_checkstack(fiber->L, nargs + 4, "too many arguments for a fiber");
    lua_pushcfunction(fiber->L, cw_kernel_body);
    lua_xmove(L, fiber->L, nargs + 1); /* body f args */
    return 0;
}

struct cw_fiber *cw_fiber_start(struct cw_script *script, int (*push)(lua_State *L, void *arg),
                                void *push_arg, cw_fiber_end_fn *end, void *end_arg, struct cw_error *err)
{
    struct cw_fiber *fiber = cw_kernel_alloc(script, sizeof *fiber);
    if (fiber == NULL) {
        cw_fail(err, CW_NOMEM, "%s: no memory for another fiber", script->name);
        return NULL;
    }
    fiber->script = script;
    fiber->end = end;
    fiber->end_arg = end_arg;
    fiber->next = script->fibers;
    if (fiber->next != NULL)
        fiber->next->previous = fiber;
    script->fibers = fiber;
    struct start start = { fiber, push, push_arg };
    if (!cw_script_call(script, start_protected, &start, err)) {
        destroy(fiber);
        return NULL;
    }
    enqueue(fiber);
    return fiber;
}

void cw_fiber_carry(struct cw_fiber *fiber, void *carried)
{
    fiber->carried = carried;
}

void *cw_fiber_carried(lua_State *L)
{
    const struct cw_fiber *fiber = cw_script_of(L)->turn.fiber;
    return fiber != NULL ? fiber->carried : NULL;
}

/* From the inside out, as a scope is left. */
static void close_threads(struct cw_script *script, lua_State *L)
{
    lua_State *inner = cw_kernel_passes_to(L);
    if (inner != NULL)
        close_threads(script, inner);
    cw_kernel_close_thread(script, L);
}

static void cancel_wait(struct cw_fiber *fiber)
{
    struct cw_wait *wait = fiber->wait;
    fiber->wait = NULL;
    wait->fiber = NULL;
    wait->cancel(wait);
}

void cw_fiber_kill(struct cw_fiber *fiber)
{
    if (fiber == NULL || fiber->state == DEAD)
        return;
    struct cw_script *script = fiber->script;
    if (fiber->state == RUNNING) {
        fiber->killed = true;
        if (script->turn.fiber == fiber)
            script->turn.slice_end_ns = INT64_MIN;
        return;
    }
    enum state state = fiber->state;
    if (state == READY)
        leave_queue(fiber);
    move(fiber, state, DEAD);
    if (state == WAITING)
        cancel_wait(fiber);
    struct cw_turn saved = cw_kernel_begin(script, fiber->L);
    close_threads(script, fiber->L);
    cw_kernel_end(script, &saved);
    destroy(fiber);
}

/* --- running --- */

static void finish(struct cw_fiber *fiber, int status, const struct cw_turn *saved)
{
    struct cw_script *script = fiber->script;
    struct cw_error err;
    bool ok = status == LUA_OK && script->turn.hit == CW_HIT_NONE;
    move(fiber, RUNNING, DEAD);
    if (status == LUA_YIELD) /* killed while it ran */
        close_threads(script, fiber->L);
    else if (!ok && !fiber->killed)
        cw_kernel_fail(script, fiber->L, status, &err);
    cw_kernel_end(script, saved);
    if (!fiber->killed)
        fiber->end(fiber->end_arg, fiber->L, ok ? NULL : &err);
    destroy(fiber);
}

static void pause_fiber(struct cw_fiber *fiber)
{
    struct cw_turn *turn = &fiber->script->turn;
    bool waits = turn->pass == CW_PASS_WAIT;
    cw_kernel_assert(turn->pass != CW_PASS_NONE, "a fiber yielded to nobody");
    fiber->used = waits ? 0 : turn->used;
    move(fiber, RUNNING, waits ? WAITING : READY);
    if (!waits)
        enqueue(fiber);
}

static void run_fiber(struct cw_script *script, struct cw_fiber *fiber)
{
    int results;
    int nargs = fiber->has_begun ? 0 : lua_gettop(fiber->L) - 1;
    struct cw_turn saved = cw_kernel_begin(script, fiber->L);
    script->turn.fiber = fiber;
    script->turn.used = fiber->used;
    script->turn.waitable = true;
    script->turn.slice_end_ns = cw_elapsed_ns(script->host.clock) + script->host.limits.slice_ns;
    move(fiber, READY, RUNNING);
    fiber->has_begun = true;
    int status = lua_resume(fiber->L, script->L, nargs, &results);
    if (status != LUA_YIELD || fiber->killed) {
        if (status == LUA_YIELD && fiber->wait != NULL)
            cancel_wait(fiber);
        finish(fiber, status, &saved);
        return;
    }
    pause_fiber(fiber);
    cw_kernel_end(script, &saved);
}

void cw_script_run(struct cw_script *script)
{
    cw_kernel_assert(script->call_depth == 0 && !script->is_running, "run while it runs");
    script->round++; /* what becomes ready from here on runs in the next round */
    script->is_running = true;
    while (script->ready_first != NULL && script->ready_first->round < script->round)
        run_fiber(script, dequeue(script));
    script->is_running = false;
    if (script->ready_first != NULL && script->host.wake != NULL)
        script->host.wake(script->host.arg);
}

bool cw_script_is_idle(const struct cw_script *script)
{
    return script->ready_first == NULL;
}

/* --- waiting --- */

static const char *why_not_wait(lua_State *L)
{
    const struct cw_script *script = cw_script_of(L);
    if (script->close_depth > 0)
        return "while a coroutine or fiber is being closed";
    if (script->loading != NULL)
        return "in the main chunk of a module; move it into a function that is called later";
    if (script->turn.fiber == NULL)
        return "in a function that must answer at once, such as one of a mapping";
    if (!script->turn.waitable || !lua_isyieldable(L))
        return "inside a function that C calls, such as a comparison of table.sort or a replacement of "
               "string.gsub";
    return NULL;
}

void cw_wait_check(lua_State *L)
{
    cw_kernel_pass_limit(L, LUA_OK);
    const char *why = why_not_wait(L);
    if (why != NULL)
        luaL_error(L, "waiting is impossible %s", why);
}

int cw_wait_start(lua_State *L, struct cw_wait *wait, lua_KFunction k, lua_KContext ctx)
{
    struct cw_script *script = cw_script_of(L);
    cw_kernel_assert(why_not_wait(L) == NULL, "cw_wait_start without cw_wait_check");
    cw_kernel_assert(wait->cancel != NULL && wait->fiber == NULL,
                     "a wait that cannot be cancelled, or is taken");
    if (wait->done) {
        wait->done = false;
        return k(L, LUA_YIELD, ctx);
    }
    wait->fiber = script->turn.fiber;
    wait->fiber->wait = wait;
    script->turn.pass = CW_PASS_WAIT;
    return lua_yieldk(L, 0, ctx, k);
}

void cw_wait_done(struct cw_wait *wait)
{
    struct cw_fiber *fiber = wait->fiber;
    if (fiber == NULL) {
        wait->done = true;
        return;
    }
    wait->fiber = NULL;
    fiber->wait = NULL;
    move(fiber, WAITING, READY);
    enqueue(fiber);
}
