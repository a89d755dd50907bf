/* lua_tasks.c - the fibers in which a cart's functions run: fetch, ids, read and test of carts, and scripts.
 */
#include "bindings/carts.h"

#include <stdlib.h>

#include "bindings/carts_private.h"

/* What a fiber was started for. Those of killed fibers, of whose end nobody is told, stay in the list until
 * the carts are freed. */
struct task {
    struct task *next, **place;
    struct cw_lua_carts *carts;
    const struct cw_lua_cart *cart;
    const struct cw_lua_stream *stream;
    const struct cw_lua_window *window;
    const struct cw_slice *ids;
    size_t id_count;
    cw_lua_id_fn *listed;
    struct cw_slice source;
    const char *chunk_name;
    cw_lua_done_fn *done;
    void *arg;
};

static enum cw_code code_of(const char *name)
{
    for (enum cw_code code = CW_OK; code <= CW_CORRUPT; code++)
        if (strcmp(cw_code_name(code), name) == 0)
            return code;
    return CW_INVALID;
}

static void link_task(struct task *task)
{
    task->next = task->carts->tasks;
    task->place = &task->carts->tasks;
    if (task->next != NULL)
        task->next->place = &task->next;
    task->carts->tasks = task;
}

static void unlink_task(struct task *task)
{
    *task->place = task->next;
    if (task->next != NULL)
        task->next->place = task->place;
}

void cw_lua_free_tasks(struct cw_lua_carts *carts)
{
    for (struct task *task = carts->tasks, *next; task != NULL; task = next) {
        next = task->next;
        free(task);
    }
}

/* The ids that a script listed, at index 1. */
static void hand_over(const struct task *task, lua_State *L)
{
    size_t count = lua_rawlen(L, 1);
    if (!lua_checkstack(L, 2))
        return;
    for (size_t i = 0; i < count; i++) {
        struct cw_slice id;
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        id.data = lua_tolstring(L, -1, &id.len);
        task->listed(task->arg, id);
        lua_pop(L, 1);
    }
}

/* The last two results: nothing, or a code and the text of a failure that was caught to be told apart, or
 * false and a text. */
static void end_task(void *arg, lua_State *L, const struct cw_error *err)
{
    struct task task = *(struct task *)arg;
    struct cw_error failed;
    struct cw_slice text = { "", 0 };
    int top = err == NULL ? lua_gettop(L) : 0;
    bool has_outcome = task.chunk_name == NULL && top >= 2;
    unlink_task(arg);
    free(arg);
    if (has_outcome && lua_type(L, top) == LUA_TSTRING)
        text.data = lua_tolstring(L, top, &text.len);
    if (text.len > 0 && lua_type(L, top - 1) == LUA_TSTRING) {
        cw_fail(&failed, code_of(lua_tostring(L, top - 1)), "%s", text.data);
        err = &failed;
    }
    if (err == NULL && task.listed != NULL)
        hand_over(&task, L);
    task.done(task.arg, text, err);
}

static struct cw_fiber *start(struct task task, int (*push)(lua_State *, void *), struct cw_error *err)
{
    struct task *kept = malloc(sizeof *kept);
    if (kept == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to start a script");
        return NULL;
    }
    *kept = task;
    struct cw_fiber *fiber = cw_fiber_start(task.carts->script, push, kept, end_task, kept, err);
    if (fiber == NULL)
        free(kept);
    else
        link_task(kept);
    return fiber;
}

static void set_time(lua_State *L, const char *field, cw_time time)
{
    if (time == CW_TIME_NONE)
        return;
    cw_lua_push_time(L, time);
    lua_setfield(L, -2, field);
}

static void push_window(lua_State *L, const struct cw_lua_window *window)
{
    static const char *const searches[] = { NULL, "halve", "step" };
    lua_newtable(L);
    set_time(L, "from", window->from);
    set_time(L, "to", window->to);
    lua_pushstring(L, window->by_placed ? "placed" : "changed");
    lua_setfield(L, -2, "by");
    lua_pushstring(L, searches[window->search]);
    lua_setfield(L, -2, "search");
    if (window->position.len > 0) {
        lua_pushlstring(L, window->position.data, window->position.len);
        lua_setfield(L, -2, "position");
    }
}

static void push_call(lua_State *L, const struct task *task, const char *function)
{
    cw_lua_push_open(L, function);
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->cart->ref);
    lua_pushstring(L, task->stream->name);
}

static int push_fetch(lua_State *L, void *arg)
{
    struct task *task = arg;
    push_call(L, task, "fetch");
    push_window(L, task->window);
    return 3;
}

static int push_ids(lua_State *L, void *arg)
{
    struct task *task = arg;
    push_call(L, task, "ids");
    push_window(L, task->window);
    return 3;
}

static int push_read(lua_State *L, void *arg)
{
    struct task *task = arg;
    push_call(L, task, "read");
    lua_createtable(L, (int)task->id_count, 0);
    for (size_t i = 0; i < task->id_count; i++) {
        lua_pushlstring(L, task->ids[i].data, task->ids[i].len);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 3;
}

static struct task task_of(const struct cw_lua_stream *stream, cw_lua_done_fn *done, void *arg)
{
    return (struct task){
        .carts = stream->cart->carts, .cart = stream->cart, .stream = stream, .done = done, .arg = arg
    };
}

struct cw_fiber *cw_lua_start_fetch(const struct cw_lua_stream *stream, const struct cw_lua_window *window,
                                    cw_lua_done_fn *done, void *arg, struct cw_error *err)
{
    struct task task = task_of(stream, done, arg);
    task.window = window;
    return start(task, push_fetch, err);
}

struct cw_fiber *cw_lua_start_ids(const struct cw_lua_stream *stream, const struct cw_lua_window *window,
                                  cw_lua_id_fn *listed, cw_lua_done_fn *done, void *arg, struct cw_error *err)
{
    struct task task = task_of(stream, done, arg);
    task.window = window;
    task.listed = listed;
    return start(task, push_ids, err);
}

struct cw_fiber *cw_lua_start_read(const struct cw_lua_stream *stream, const struct cw_slice *ids,
                                   size_t count, cw_lua_done_fn *done, void *arg, struct cw_error *err)
{
    struct task task = task_of(stream, done, arg);
    task.ids = ids;
    task.id_count = count;
    return start(task, push_read, err);
}

static int push_test(lua_State *L, void *arg)
{
    struct task *task = arg;
    cw_lua_push_open(L, "test");
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->cart->ref);
    return 1;
}

struct cw_fiber *cw_lua_start_test(struct cw_lua_cart *cart, cw_lua_done_fn *done, void *arg,
                                   struct cw_error *err)
{
    struct task task = { .carts = cart->carts, .cart = cart, .done = done, .arg = arg };
    return start(task, push_test, err);
}

static int push_script(lua_State *L, void *arg)
{
    struct task *task = arg;
    if (luaL_loadbufferx(L, task->source.data, task->source.len, task->chunk_name, "t") != LUA_OK)
        lua_error(L);
    return 0;
}

struct cw_fiber *cw_lua_start_script(struct cw_lua_carts *carts, struct cw_slice source,
                                     const char *chunk_name, cw_lua_done_fn *done, void *arg,
                                     struct cw_error *err)
{
    struct task task = {
        .carts = carts, .source = source, .chunk_name = chunk_name, .done = done, .arg = arg
    };
    return start(task, push_script, err);
}
