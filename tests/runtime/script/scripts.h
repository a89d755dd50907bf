/* scripts.h - for the tests of the script ring: a host whose modules are texts, and shorthands to run Lua in
 * it. */
#ifndef CW_TESTS_SCRIPTS_H
#define CW_TESTS_SCRIPTS_H

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

enum { MODULES_MAX = 16, OUTPUT_MAX = 32768, SLEEPS_MAX = 8 };

struct module {
    const char *name, *text; /* the chunk is named by the dots of the name as slashes, plus ".lua" */
};

/* What the module "sleep" waits for: sleep(n) suspends until the test calls wake_up(s, n). */
struct sleep {
    struct cw_wait wait; /* first */
    int cancelled;
};

struct scripts {
    struct cw_script *script;
    struct cw_script_host host;
    struct test_clock time;
    struct cw_clock clock;
    struct module modules[MODULES_MAX];
    struct sleep sleeps[SLEEPS_MAX];
    bool done_early; /* sleep() has its answer before it waits */
    int wakes, releases, loads, ended;
    char output[OUTPUT_MAX]; /* what was printed, a line each */
    struct cw_error err;     /* of the last call */
};

static bool load_text(void *arg, const char *name, struct cw_slice *source, char chunk_name[128],
                      struct cw_error *err)
{
    struct scripts *s = arg;
    for (struct module *module = s->modules; module->name != NULL; module++) {
        if (strcmp(module->name, name) != 0)
            continue;
        snprintf(chunk_name, 128, "%s.lua", name);
        for (char *c = chunk_name; c < chunk_name + strlen(name); c++)
            *c = *c == '.' ? '/' : *c;
        s->loads++;
        char *copy = malloc(strlen(module->text) + 1); /* so that a use after release is seen */
        *source = (struct cw_slice){ strcpy(copy, module->text), strlen(module->text) };
        return true;
    }
    return cw_fail(err, CW_NOT_FOUND, "module \"%s\" not found in the test", name);
}

static void release_text(void *arg, struct cw_slice source)
{
    ((struct scripts *)arg)->releases++;
    free((char *)source.data);
}

static void print_line(void *arg, struct cw_slice line)
{
    struct scripts *s = arg;
    size_t len = strlen(s->output);
    snprintf(s->output + len, sizeof s->output - len, "%.*s\n", CW_SLICE_ARG(line));
}

static void cancel_sleep(struct cw_wait *wait)
{
    ((struct sleep *)wait)->cancelled++;
}

static int finish_sleep(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_pushinteger(L, (lua_Integer)ctx);
    return 1;
}

/* sleep(n) -> n */
static int start_sleep(lua_State *L)
{
    struct scripts *s = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer n = luaL_checkinteger(L, 1);
    struct sleep *sleep = &s->sleeps[n % SLEEPS_MAX];
    cw_wait_check(L);
    sleep->wait.cancel = cancel_sleep;
    if (s->done_early)
        cw_wait_done(&sleep->wait);
    return cw_wait_start(L, &sleep->wait, finish_sleep, (lua_KContext)n);
}

static int open_sleep(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, start_sleep, 1);
    return 1;
}

static inline void wake_up(struct scripts *s, int n)
{
    cw_wait_done(&s->sleeps[n].wait);
}

static void count_wake(void *arg)
{
    ((struct scripts *)arg)->wakes++;
}

/* The host, not yet the script, so that a test can set limits and modules first. */
static inline void scripts_init(struct scripts *s)
{
    memset(s, 0, sizeof *s);
    s->clock = test_clock(&s->time);
    s->host = (struct cw_script_host){ .arg = s,
                                       .name = "shop",
                                       .clock = &s->clock,
                                       .random_seed = 7,
                                       .wake = count_wake,
                                       .load = load_text,
                                       .release = release_text,
                                       .print = print_line,
                                       .collector_always = test_collector_always() };
}

static inline void scripts_create(struct scripts *s)
{
    s->script = cw_script_create(&s->host, &s->err);
    assert_ok(s->script != NULL, s->err);
    assert_ok(cw_script_provide(s->script, "sleep", open_sleep, s, &s->err), s->err);
}

static inline void scripts_open(struct scripts *s)
{
    scripts_init(s);
    scripts_create(s);
}

static inline void scripts_close(struct scripts *s)
{
    cw_script_free(s->script);
    assert_true(s->releases <= s->loads);
    s->script = NULL;
}

static inline int run_text(lua_State *L)
{
    const char *text = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, text, strlen(text), "@carts/x.lua", "t") != LUA_OK)
        lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

/* Runs the text as a chunk of carts/x.lua; s->err says what went wrong. */
static inline bool run(struct scripts *s, const char *text)
{
    return cw_script_call(s->script, run_text, (void *)text, &s->err);
}

/* --- fibers --- */

static inline int push_text(lua_State *L, void *text)
{
    if (luaL_loadbufferx(L, text, strlen(text), "@carts/x.lua", "t") != LUA_OK)
        lua_error(L);
    lua_pushliteral(L, "argument");
    return 1;
}

/* Prints how the fiber ended: its first result as text, or the error. */
static inline void note_end(void *arg, lua_State *L, const struct cw_error *err)
{
    struct scripts *s = arg;
    size_t len = strlen(s->output);
    s->ended++;
    if (err != NULL)
        s->err = *err;
    snprintf(s->output + len, sizeof s->output - len, "ended: %s\n",
             err != NULL          ? err->text
             : lua_isstring(L, 1) ? lua_tostring(L, 1)
                                  : "nothing");
}

static inline struct cw_fiber *start(struct scripts *s, const char *text)
{
    struct cw_fiber *fiber = cw_fiber_start(s->script, push_text, (void *)text, note_end, s, &s->err);
    assert_ok(fiber != NULL, s->err);
    return fiber;
}

/* Until nobody is ready. */
static inline void run_all(struct scripts *s)
{
    for (int rounds = 0; !cw_script_is_idle(s->script); rounds++) {
        assert_true(rounds < 100000);
        cw_script_run(s->script);
    }
}

#define assert_runs(s, lua) assert_ok(run(s, lua), (s)->err)
#define assert_prints(s, lua, expected)                                                                      \
    do {                                                                                                     \
        (s)->output[0] = '\0';                                                                               \
        assert_runs(s, lua);                                                                                 \
        assert_string_equal((s)->output, expected);                                                          \
    } while (0)
#define assert_raises(s, lua, expected_code, expected_text)                                                  \
    do {                                                                                                     \
        assert_false(run(s, lua));                                                                           \
        assert_string_equal((s)->err.text, expected_text);                                                   \
        assert_int_equal((s)->err.code, expected_code);                                                      \
    } while (0)

#endif
