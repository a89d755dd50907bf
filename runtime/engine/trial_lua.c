/* trial_lua.c - cartwright.native.trial: what scripts/cartwright/testing.lua asks of a trial.
 *
 * These functions run the loop, and with it the fake's answers, which come back into the same Lua state as
 * calls of their own; nothing of C is held in between that an error could lose.
 */
#include <glib.h>
#include <string.h>

#include "bindings/bindings.h"
#include "bindings/fakes.h"
#include "engine/trial_private.h"

static struct cw_trial *trial_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static struct cw_slice check_slice(lua_State *L, int index)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, index, &text.len);
    return text;
}

static int raise_unless(lua_State *L, bool ok, const struct cw_error *err)
{
    return ok ? 0 : cw_lua_raise(L, err);
}

/* --- what came of a job --- */

static void set_count(lua_State *L, const char *name, uint64_t count)
{
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* A job that failed, or was killed, is told by `error` and `code`. */
static int push_job(lua_State *L, struct cw_trial *trial, bool ok, const struct cw_error *err)
{
    const struct cw_run_counts *counts = &trial->job.counts;
    lua_newtable(L);
    set_count(L, "read", counts->read);
    set_count(L, "posted", counts->posted);
    set_count(L, "unchanged", counts->unchanged);
    set_count(L, "parked", counts->parked);
    set_count(L, "skipped", counts->skipped);
    set_count(L, "requests", counts->requests);
    set_count(L, "steps", trial->steps);
    set_count(L, "missing", trial->job.missing);
    set_count(L, "gone", trial->job.gone);
    lua_pushboolean(L, trial->was_killed);
    lua_setfield(L, -2, "killed");
    if (ok)
        return 1;
    set_text(L, "error", err->text);
    set_text(L, "code", cw_code_name(err->code));
    return 1;
}

/* sync(stream, is_dry) -> table */
static int sync_stream(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    struct cw_error err;
    const char *stream = luaL_checkstring(L, 1);
    cw_trial_begin_job(trial);
    bool ok = cw_trial_sync(trial, stream, lua_toboolean(L, 2), &err);
    return push_job(L, trial, ok, &err);
}

/* run(job) -> table */
static int run_job(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    struct cw_error err;
    const char *job = luaL_checkstring(L, 1);
    cw_trial_begin_job(trial);
    bool ok = cw_trial_look_twice(trial, job, &err);
    return push_job(L, trial, ok, &err);
}

/* test_connection() -> table, with what the test had to say in `text` */
static int test_connection(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    struct cw_error err;
    cw_trial_begin_job(trial);
    bool ok = cw_trial_test_connection(trial, &err);
    push_job(L, trial, ok, &err);
    struct cw_slice text = cw_buffer_slice(&trial->job.text);
    lua_pushlstring(L, text.data, text.len);
    lua_setfield(L, -2, "text");
    return 1;
}

/* --- the process --- */

/* configure(site_lua, { "shop.key", "value", ... }): for the process that is started next. */
static int configure(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    const char *text = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    cw_trial_stop(trial);
    g_free(trial->site_text);
    trial->site_text = g_strdup(text);
    g_ptr_array_set_size(trial->secrets, 0);
    lua_Integer count = luaL_len(L, 2);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, 2, i);
        g_ptr_array_add(trial->secrets, g_strdup(lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
    g_ptr_array_add(trial->secrets, NULL);
    return 0;
}

/* start(): raises what is wrong with the cart's script and settings. */
static int start(lua_State *L)
{
    struct cw_error err;
    return raise_unless(L, cw_trial_start(trial_of(L), false, &err), &err);
}

/* kill_after(steps); 0 calls it off */
static int kill_after(lua_State *L)
{
    lua_Integer steps = luaL_checkinteger(L, 1);
    luaL_argcheck(L, steps >= 0, 1, "steps are counted from 1");
    trial_of(L)->steps_left = (uint64_t)steps;
    return 0;
}

/* lose_finishes(count): so many answers of the inbox to "it is done" get lost, after it was done */
static int lose_finishes(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_argcheck(L, count >= 0 && count < 1000, 1, "a small number");
    trial_of(L)->finishes_to_lose = (unsigned)count;
    return 0;
}

/* wait(seconds) */
static int wait_seconds(lua_State *L)
{
    struct cw_error err;
    lua_Integer seconds = luaL_checkinteger(L, 1);
    luaL_argcheck(L, seconds >= 0 && seconds <= 366 * 86400, 1, "seconds, at most those of a year");
    return raise_unless(L, cw_trial_pass_time(trial_of(L), seconds * CW_SECOND, &err), &err);
}

/* cart() -> name, type; describe(settings as JSON) -> lines of JSON */
static int cart_name(lua_State *L)
{
    lua_pushstring(L, trial_of(L)->config.cart);
    lua_pushstring(L, trial_of(L)->config.type);
    lua_pushboolean(L, trial_of(L)->config.recording != NULL);
    return 3;
}

/* The lines stay with the trial, so that nothing is lost when pushing them fails. */
static int describe(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    struct cw_error err;
    struct cw_slice settings = check_slice(L, 1);
    cw_buffer_clear(&trial->job.text);
    if (!cw_trial_describe(trial, settings, &trial->job.text, &err))
        return cw_lua_raise(L, &err);
    struct cw_slice lines = cw_buffer_slice(&trial->job.text);
    lua_pushlstring(L, lines.data, lines.len);
    return 1;
}

/* Pushes the fake; nil where there is none. */
static int shop(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    if (trial->fake != NULL)
        cw_lua_push_fake(L);
    else
        lua_pushnil(L);
    return 1;
}

/* site_tests() -> function or nil: tests/CART.lua of the site, compiled. */
static int site_tests(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    const struct cw_site *site = trial->config.site;
    char path[96], chunk[100];
    struct cw_slice source;
    struct cw_error err;
    snprintf(path, sizeof path, "tests/%.64s.lua", trial->config.cart);
    snprintf(chunk, sizeof chunk, "@%s", path);
    if (site->folder_fd < 0)
        return 0;
    if (!cw_site_read_file(site->folder_fd, path, false, &source, &err))
        return err.code == CW_NOT_FOUND ? 0 : cw_lua_raise(L, &err);
    int status = luaL_loadbufferx(L, source.data, source.len, chunk, "t");
    cw_site_release_module(source);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* --- people and the back office --- */

enum { DROPS_MAX = 100, CHANGES_MAX = 64 };

/* put(kind, json, from, { id, ... }) */
static int put(lua_State *L)
{
    struct cw_error err;
    struct cw_slice drops[DROPS_MAX];
    size_t count = 0;
    const char *kind = luaL_checkstring(L, 1);
    struct cw_slice json = check_slice(L, 2), from = check_slice(L, 3);
    luaL_checktype(L, 4, LUA_TTABLE);
    luaL_checkstack(L, DROPS_MAX + 4, "drops");
    while (count < DROPS_MAX && lua_geti(L, 4, (lua_Integer)count + 1) == LUA_TSTRING) {
        drops[count] = check_slice(L, -1);
        count++;
    }
    return raise_unless(L, cw_trial_put(trial_of(L), kind, json, from, drops, count, &err), &err);
}

/* edit(kind, id, { field, value, ... }) */
static int edit(lua_State *L)
{
    struct cw_error err;
    struct cw_change changes[CHANGES_MAX];
    size_t count = 0;
    const char *kind = luaL_checkstring(L, 1), *id = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checkstack(L, 2 * CHANGES_MAX + 4, "changes");
    while (count < CHANGES_MAX && lua_geti(L, 3, 2 * (lua_Integer)count + 1) == LUA_TSTRING) {
        const char *field = lua_tostring(L, -1);
        lua_geti(L, 3, 2 * (lua_Integer)count + 2);
        changes[count++] = (struct cw_change){ .field = field, .value = check_slice(L, -1) };
    }
    return raise_unless(L, cw_trial_edit(trial_of(L), kind, id, changes, count, &err), &err);
}

/* set_row(table, key, value) */
static int set_row(lua_State *L)
{
    struct cw_error err;
    const char *table = luaL_checkstring(L, 1), *key = luaL_checkstring(L, 2),
               *value = luaL_checkstring(L, 3);
    return raise_unless(L, cw_trial_set_row(trial_of(L), table, key, value, &err), &err);
}

/* let_go(stream) */
static int let_go(lua_State *L)
{
    struct cw_error err;
    const char *stream = luaL_checkstring(L, 1);
    return raise_unless(L, cw_trial_let_go(trial_of(L), stream, &err), &err);
}

/* document(kind, id) -> JSON, or nil */
static int document(lua_State *L)
{
    struct cw_trial *trial = trial_of(L);
    struct cw_error err;
    const char *kind = luaL_checkstring(L, 1), *id = luaL_checkstring(L, 2);
    cw_buffer_clear(&trial->job.text);
    if (!cw_trial_document(trial, kind, id, &trial->job.text, &err))
        return cw_lua_raise(L, &err);
    if (trial->job.text.len == 0)
        return 0;
    lua_pushlstring(L, trial->job.text.data, trial->job.text.len);
    return 1;
}

/* --- the module --- */

static const luaL_Reg functions[] = { { "sync", sync_stream },
                                      { "run", run_job },
                                      { "test_connection", test_connection },
                                      { "configure", configure },
                                      { "start", start },
                                      { "kill_after", kill_after },
                                      { "lose_finishes", lose_finishes },
                                      { "wait", wait_seconds },
                                      { "cart", cart_name },
                                      { "describe", describe },
                                      { "shop", shop },
                                      { "site_tests", site_tests },
                                      { "put", put },
                                      { "edit", edit },
                                      { "set_row", set_row },
                                      { "let_go", let_go },
                                      { "document", document },
                                      { "query", cw_trial_lua_query },
                                      { "hear", cw_trial_lua_hear },
                                      { "ask", cw_trial_lua_ask },
                                      { NULL, NULL } };

static int open_module(lua_State *L)
{
    lua_newtable(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    luaL_setfuncs(L, functions, 1);
    return 1;
}

bool cw_trial_provide(struct cw_trial *trial, struct cw_error *err)
{
    return cw_script_provide(trial->script, "cartwright.native.trial", open_module, trial, err);
}
