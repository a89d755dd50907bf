/* script.c - life of a script's state, and calls into it from the host: every one protected, every one a
 * turn. */
#include "script/kernel.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_MEMORY       ((size_t)64 * 1024 * 1024)
#define DEFAULT_INSTRUCTIONS UINT64_C(50000000)
#define DEFAULT_SLICE_NS     INT64_C(5000000)

void cw_kernel_assert(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "cartwright: script kernel: %s\n", what);
    abort();
}

/* --- errors --- */

static enum cw_code code_named(const char *name)
{
    for (int code = CW_NOMEM; code <= CW_CORRUPT; code++)
        if (strcmp(name, cw_code_name((enum cw_code)code)) == 0)
            return (enum cw_code)code;
    return CW_SCRIPT;
}

static enum cw_code code_of(lua_State *L, int index)
{
    if (!lua_istable(L, index))
        return CW_SCRIPT;
    lua_getfield(L, index, "code");
    enum cw_code code = lua_type(L, -1) == LUA_TSTRING ? code_named(lua_tostring(L, -1)) : CW_SCRIPT;
    lua_pop(L, 1);
    return code;
}

/* error value, struct cw_error: protected, because __tostring and __index of the error may be the script's.
 */
static int describe(lua_State *L)
{
    struct cw_error *err = lua_touserdata(L, 2);
    size_t len;
    enum cw_code code = code_of(L, 1);
    bool has_text = lua_isstring(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL;
    lua_settop(L, 2);
    if (!has_text) {
        cw_fail(err, code,
                "the script raised a %s as its error, which says nothing; raise a text: error(\"why\")",
                luaL_typename(L, 1));
        return 0;
    }
    const char *text = cw_kernel_tostring(L, 1, &len);
    cw_fail(err, code, "%.*s", (int)(len < CW_ERROR_TEXT_MAX ? len : CW_ERROR_TEXT_MAX), text);
    return 0;
}

bool cw_kernel_fail(struct cw_script *script, lua_State *L, int status, struct cw_error *err)
{
    struct cw_error made = { .code = CW_SCRIPT };
    if (status == LUA_ERRMEM)
        cw_kernel_hit(script, script->memory.refusal);
    if (script->turn.hit == CW_HIT_NONE && lua_checkstack(script->L, 4)) {
        lua_xmove(L, script->L, L != script->L);
        lua_pushcfunction(script->L, describe);
        lua_insert(script->L, -2);
        lua_pushlightuserdata(script->L, &made);
        if (lua_pcall(script->L, 2, 0, 0) != LUA_OK) {
            lua_pop(script->L, 1);
            cw_fail(&made, CW_SCRIPT, "a script raised an error whose text cannot be made");
        }
    } else if (L == script->L) {
        lua_pop(L, 1);
    }
    if (script->turn.hit != CW_HIT_NONE)
        cw_kernel_limit_error(script, &made);
    if (err != NULL)
        *err = made;
    return false;
}

static int error_text(lua_State *L)
{
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    return 1;
}

int cw_kernel_raise(lua_State *L, enum cw_code code, const char *message)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, message);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, cw_code_name(code));
    lua_setfield(L, -2, "code");
    if (luaL_newmetatable(L, "cw.kernel.error")) {
        lua_pushcfunction(L, error_text);
        lua_setfield(L, -2, "__tostring");
        lua_pushliteral(L, "locked");
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return lua_error(L);
}

/* --- turns --- */

struct cw_turn cw_kernel_begin(struct cw_script *script, lua_State *L)
{
    struct cw_turn saved = script->turn;
    script->turn = (struct cw_turn){ .running = L };
    script->memory.refused = false; /* not every caller asks again */
    script->call_depth++;
    return saved;
}

void cw_kernel_end(struct cw_script *script, const struct cw_turn *saved)
{
    script->call_depth--;
    script->turn = *saved;
}

static bool call_protected(struct cw_script *script, lua_CFunction fn, void *arg, struct cw_error *err)
{
    lua_State *L = script->L;
    if (!lua_checkstack(L, 4))
        return cw_fail(err, CW_NOMEM, "%s: no room on the stack of its script", script->name);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK)
        return cw_kernel_fail(script, L, status, err);
    return script->turn.hit == CW_HIT_NONE || cw_kernel_limit_error(script, err);
}

bool cw_script_call(struct cw_script *script, lua_CFunction fn, void *arg, struct cw_error *err)
{
    if (script->call_depth >= CW_CALL_DEPTH_MAX)
        return cw_fail(err, CW_LIMIT,
                       "%s: calls of scripts inside calls of scripts are nested more than %d deep",
                       script->name, CW_CALL_DEPTH_MAX);
    struct cw_turn saved = cw_kernel_begin(script, script->L);
    bool ok = call_protected(script, fn, arg, err);
    cw_kernel_end(script, &saved);
    return ok;
}

/* --- life --- */

static int panic(lua_State *L)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
    fprintf(stderr, "cartwright: script %s: unprotected: %s\n", cw_script_of(L)->name, text);
    return 0;
}

/* Lua warns in pieces; a warning is an error in a finalizer, which nobody else could report. */
static void warn(void *arg, const char *piece, int to_be_continued)
{
    struct cw_script *script = arg;
    size_t room = sizeof script->warning - script->warning_len;
    int len = snprintf(script->warning + script->warning_len, room, "%s", piece);
    script->warning_len += (size_t)len < room ? (size_t)len : room - 1;
    if (to_be_continued)
        return;
    if (script->host.print != NULL)
        script->host.print(script->host.arg, (struct cw_slice){ script->warning, script->warning_len });
    script->warning_len = 0;
}

/* lua_resume makes these texts outside any protection; as long as they exist it needs no memory for them. */
static void keep_texts(lua_State *L)
{
    static const char *const texts[] = { "C stack overflow", "cannot resume dead coroutine",
                                         "cannot resume non-suspended coroutine" };
    static const char keeper;
    lua_createtable(L, 3, 0);
    for (int i = 0; i < 3; i++) {
        lua_pushstring(L, texts[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &keeper);
}

static int set_up(lua_State *L)
{
    keep_texts(L);
    cw_kernel_open_library(L);
    cw_kernel_open_require(L);
    return 0;
}

static void take_host(struct cw_script *script, const struct cw_script_host *host)
{
    struct cw_script_limits *limits = &script->host.limits;
    script->host = *host;
    snprintf(script->name, sizeof script->name, "%s", host->name != NULL ? host->name : "script");
    script->host.name = script->name;
    if (limits->memory_bytes == 0)
        limits->memory_bytes = DEFAULT_MEMORY;
    if (limits->instructions == 0)
        limits->instructions = DEFAULT_INSTRUCTIONS;
    if (limits->slice_ns == 0)
        limits->slice_ns = DEFAULT_SLICE_NS;
    if (script->host.clock == NULL)
        script->host.clock = &cw_system_clock;
    script->memory.cap = limits->memory_bytes;
    script->memory.collect_at = limits->memory_bytes / 2;
    script->memory.count = 1; /* the script itself was the first */
    cw_random_seed(&script->random, host->random_seed);
}

static void set_collector(struct cw_script *script)
{
    if (!script->host.collector_always)
        return;
    lua_gc(script->L, LUA_GCSETPAUSE, 0);
    lua_gc(script->L, LUA_GCSETSTEPMUL, 1000);
}

static bool open_state(struct cw_script *script, struct cw_error *err)
{
    script->L = lua_newstate(cw_kernel_allocate, script);
    if (script->L == NULL)
        return cw_fail(err, CW_NOMEM, "%s: no memory for the state of its script", script->name);
    *(struct cw_script **)lua_getextraspace(script->L) = script;
    cw_kernel_mark(script->L, CW_MARK_FIBER, true);
    lua_atpanic(script->L, panic);
    lua_setwarnf(script->L, warn, script);
    cw_kernel_watch(script->L, CW_HOOK_PERIOD);
    set_collector(script);
    script->turn = (struct cw_turn){ 0 }; /* what failed in lua_newstate is told by its result */
    return cw_script_call(script, set_up, NULL, err);
}

struct cw_script *cw_script_create(const struct cw_script_host *host, struct cw_error *err)
{
    struct cw_script *script = host->fail_allocation != 1 ? calloc(1, sizeof *script) : NULL;
    if (script == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for the script of %s", host->name);
        return NULL;
    }
    take_host(script, host);
    if (open_state(script, err))
        return script;
    cw_script_free(script);
    return NULL;
}

static void free_providers(struct cw_script *script)
{
    while (script->providers != NULL) {
        struct cw_provider *provider = script->providers;
        script->providers = provider->next;
        cw_kernel_release(script, provider, sizeof *provider);
    }
}

void cw_script_free(struct cw_script *script)
{
    if (script == NULL)
        return;
    cw_kernel_assert(script->call_depth == 0 && !script->is_running, "freed while it runs");
    while (script->fibers != NULL)
        cw_fiber_kill(script->fibers);
    if (script->L != NULL)
        lua_close(script->L);
    free_providers(script);
    cw_kernel_assert(script->memory.used == 0, "memory of the state is not all returned");
    free(script);
}

size_t cw_script_memory(const struct cw_script *script)
{
    return script->memory.used;
}
