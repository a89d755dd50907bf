/* smoke_test.c - the first things one does with a script. */
#include "scripts.h"

static void a_script_prints(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s, "print('total', 3, nil, true, {})", "total\t3\tnil\ttrue\ttable\n");
    scripts_close(&s);
}

static void an_error_names_file_and_line(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "local a\nerror('no stock')", CW_SCRIPT, "carts/x.lua:2: no stock");
    assert_raises(&s, "local a\n\nfoo = 1", CW_SCRIPT,
                  "carts/x.lua:3: assignment to global \"foo\": declare it local");
    assert_prints(&s, "print('on')", "on\n");
    scripts_close(&s);
}

static void an_endless_loop_ends_at_the_limit(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    assert_raises(&s, "while true do pcall(function() while true do end end) end", CW_LIMIT,
                  "instruction limit of 100000 reached at carts/x.lua:1");
    assert_prints(&s, "print('on')", "on\n");
    scripts_close(&s);
}

static void memory_ends_at_the_cap(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.memory_bytes = 2 * 1024 * 1024;
    scripts_create(&s);
    assert_raises(&s, "local t = {}\nfor i = 1, 1e9 do\nt[i] = {} end", CW_LIMIT,
                  "memory limit of 2 MiB reached at carts/x.lua:3");
    assert_prints(&s, "print('on')", "on\n");
    scripts_close(&s);
}

struct sleeper {
    struct cw_wait wait;
    bool cancelled;
};
static struct sleeper sleeper;

static void cancel_sleep(struct cw_wait *wait)
{
    ((struct sleeper *)wait)->cancelled = true;
}

static int finish_sleep(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lua_pushliteral(L, "slept");
    return 1;
}

static int start_sleep(lua_State *L)
{
    cw_wait_check(L);
    return cw_wait_start(L, &sleeper.wait, finish_sleep, 0);
}

static int push_text(lua_State *L, void *text)
{
    if (luaL_loadbufferx(L, text, strlen(text), "@carts/x.lua", "t") != LUA_OK)
        lua_error(L);
    lua_pushcfunction(L, start_sleep);
    return 1;
}

static void note_end(void *arg, lua_State *L, const struct cw_error *err)
{
    struct scripts *s = arg;
    snprintf(s->output + strlen(s->output), CW_ERROR_TEXT_MAX + 1, "%s\n",
             err != NULL ? err->text : lua_tostring(L, -1));
}

static void a_wait_inside_a_coroutine_reaches_the_scheduler(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    sleeper = (struct sleeper){ .wait = { .cancel = cancel_sleep } };
    const char *text =
        "local sleep = ...\n"
        "local f = coroutine.wrap(function() coroutine.yield(1) print(sleep()) return 'end' end)\n"
        "print(f()) return (f())";
    assert_non_null(cw_fiber_start(s.script, push_text, (void *)text, note_end, &s, &s.err));
    assert_int_equal(s.wakes, 1);
    cw_script_run(s.script);
    assert_string_equal(s.output, "1\n");
    assert_true(cw_script_is_idle(s.script));
    cw_wait_done(&sleeper.wait);
    assert_int_equal(s.wakes, 2);
    cw_script_run(s.script);
    assert_string_equal(s.output, "1\nslept\nend\n");
    scripts_close(&s);
}

static void killing_a_waiting_fiber_cancels_and_closes(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    sleeper = (struct sleeper){ .wait = { .cancel = cancel_sleep } };
    const char *text = "local sleep = ...\n"
                       "local x <close> = setmetatable({}, {__close = function() print('outer') end})\n"
                       "coroutine.wrap(function()\n"
                       "local y <close> = setmetatable({}, {__close = function() print('inner') end})\n"
                       "sleep() end)()";
    struct cw_fiber *fiber = cw_fiber_start(s.script, push_text, (void *)text, note_end, &s, &s.err);
    cw_script_run(s.script);
    cw_fiber_kill(fiber);
    assert_true(sleeper.cancelled);
    assert_string_equal(s.output, "inner\nouter\n");
    scripts_close(&s);
}

static void modules_are_found_and_kept(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "carts.a", "local b = require 'carts.b' return { n = b.n + 1 }" };
    s.modules[1] = (struct module){ "carts.b", "return { n = 1 }" };
    scripts_create(&s);
    assert_prints(&s, "print(require('carts.a').n, require 'carts.a' == require 'carts.a')", "2\ttrue\n");
    assert_int_equal(s.loads, 2);
    assert_int_equal(s.releases, 2);
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_prints),
        cmocka_unit_test(an_error_names_file_and_line),
        cmocka_unit_test(an_endless_loop_ends_at_the_limit),
        cmocka_unit_test(memory_ends_at_the_cap),
        cmocka_unit_test(a_wait_inside_a_coroutine_reaches_the_scheduler),
        cmocka_unit_test(killing_a_waiting_fiber_cancels_and_closes),
        cmocka_unit_test(modules_are_found_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
