/* scripts.h - for the tests of the script ring: a host whose modules are texts, and shorthands to run Lua in
 * it. */
#ifndef CW_TESTS_SCRIPTS_H
#define CW_TESTS_SCRIPTS_H

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

enum { MODULES_MAX = 16, OUTPUT_MAX = 16384 };

struct module {
    const char *name, *text; /* the chunk is named by the dots of the name as slashes, plus ".lua" */
};

struct scripts {
    struct cw_script *script;
    struct cw_script_host host;
    struct test_clock time;
    struct cw_clock clock;
    struct module modules[MODULES_MAX];
    int wakes, releases, loads;
    char output[OUTPUT_MAX]; /* what was printed, a line each */
    struct cw_error err;     /* of the last call */
};

static bool load_text(void *arg, const char *name, struct cw_slice *source, char chunk_name[128],
                      struct cw_error *err)
{
    struct scripts *s = arg;
    s->loads++;
    for (struct module *module = s->modules; module->name != NULL; module++) {
        if (strcmp(module->name, name) != 0)
            continue;
        snprintf(chunk_name, 128, "%s.lua", name);
        for (char *c = chunk_name; c < chunk_name + strlen(name); c++)
            *c = *c == '.' ? '/' : *c;
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
}

static inline void scripts_open(struct scripts *s)
{
    scripts_init(s);
    scripts_create(s);
}

static inline void scripts_close(struct scripts *s)
{
    cw_script_free(s->script);
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
