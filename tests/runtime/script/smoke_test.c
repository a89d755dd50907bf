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
    s.host.limits.memory_bytes = 256 * 1024;
    scripts_create(&s);
    assert_raises(&s, "local t = {}\nfor i = 1, 1e9 do\nt[i] = {} end", CW_LIMIT,
                  "memory limit of 256 KiB reached at carts/x.lua:3");
    assert_prints(&s, "print('on')", "on\n");
    scripts_close(&s);
}

static void a_wait_inside_a_coroutine_reaches_the_scheduler(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "local sleep = require 'sleep'\n"
              "local f = coroutine.wrap(function() coroutine.yield(1) print(sleep(3)) return 'end' end)\n"
              "print(f()) return (f())");
    assert_int_equal(s.wakes, 1);
    cw_script_run(s.script);
    assert_string_equal(s.output, "1\n");
    assert_true(cw_script_is_idle(s.script));
    wake_up(&s, 3);
    assert_int_equal(s.wakes, 2);
    cw_script_run(s.script);
    assert_string_equal(s.output, "1\n3\nended: end\n");
    scripts_close(&s);
}

static void killing_a_waiting_fiber_cancels_and_closes(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    struct cw_fiber *fiber =
        start(&s, "local sleep = require 'sleep'\n"
                  "local x <close> = setmetatable({}, {__close = function() print('outer') end})\n"
                  "coroutine.wrap(function()\n"
                  "local y <close> = setmetatable({}, {__close = function() print('inner') end})\n"
                  "sleep(1) end)()");
    cw_script_run(s.script);
    cw_fiber_kill(fiber);
    assert_int_equal(s.sleeps[1].cancelled, 1);
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
