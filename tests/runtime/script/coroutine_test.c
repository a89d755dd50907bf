/* coroutine_test.c - coroutines of the script's own behave as in the manual, also when waits go through them.
 */
#include "scripts.h"

static void coroutines_behave_as_in_the_manual(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local co = coroutine.create(function(a, b)\n"
                  "  print('first', a, b) local c = coroutine.yield(a + b) print('second', c)\n"
                  "  local d, e = coroutine.yield(a - b) print('third', d, e) return b, 'end' end)\n"
                  "print(coroutine.status(co), coroutine.resume(co, 1, 10))\n"
                  "print(coroutine.status(co), coroutine.resume(co, 'r'))\n"
                  "print(coroutine.resume(co, 'x', 'y'))\n"
                  "print(coroutine.status(co), coroutine.resume(co))\n",
                  "first\t1\t10\nsuspended\ttrue\t11\nsecond\tr\nsuspended\ttrue\t-9\nthird\tx\ty\n"
                  "true\t10\tend\ndead\tfalse\tcannot resume dead coroutine\n");
    assert_prints(
        &s,
        "local co co = coroutine.create(function()\n"
        "  print(coroutine.status(co), coroutine.running() == co, select(2, coroutine.running()))\n"
        "  print(coroutine.resume(co))\n"
        "  coroutine.wrap(function() print(coroutine.status(co), coroutine.resume(co)) end)() end)\n"
        "coroutine.resume(co) print(coroutine.status(co), select(2, coroutine.running()))",
        "running\ttrue\tfalse\nfalse\tcannot resume non-suspended coroutine\n"
        "normal\tfalse\tcannot resume non-suspended coroutine\ndead\ttrue\n");
    scripts_close(&s);
}

static void errors_end_a_coroutine_and_close_its_variables(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local meta = { __close = function(_, e) print('closed', e) end }\n"
                  "local co = coroutine.create(function() local x <close> = setmetatable({}, meta) "
                  "error('oh', 0) end)\n"
                  "print(coroutine.resume(co)) print(coroutine.status(co), coroutine.close(co))\n"
                  "local w = coroutine.wrap(function() error({ code = 7 }) end)\n"
                  "local ok, e = pcall(w) print(ok, e.code)\n"
                  "print(pcall(w))",
                  "closed\toh\nfalse\toh\ndead\tfalse\toh\nfalse\t7\nfalse\tcannot resume dead coroutine\n");
    scripts_close(&s);
}

static void closing_runs_close_variables_once(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(
        &s,
        "local meta = { __close = function() print('closed') end }\n"
        "local function body() local x <close> = setmetatable({}, meta) coroutine.yield() end\n"
        "local co = coroutine.create(body) coroutine.resume(co)\n"
        "print(coroutine.close(co), coroutine.close(co), coroutine.status(co))\n"
        "print(coroutine.close(coroutine.create(body)))\n"
        "co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function()\n"
        "  error('in close', 0) end }) coroutine.yield() end)\n"
        "coroutine.resume(co) print(coroutine.close(co))\n"
        "co = coroutine.create(function() print(pcall(coroutine.close, co)) end) coroutine.resume(co)",
        "closed\ntrue\ttrue\tdead\ntrue\nfalse\tin close\nfalse\tcannot close a running coroutine\n");
    scripts_close(&s);
}

static void yields_outside_coroutines_are_refused(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "coroutine.yield(1)", CW_SCRIPT,
                  "carts/x.lua:1: attempt to yield from outside a coroutine");
    assert_prints(&s, "print(coroutine.isyieldable(), coroutine.wrap(coroutine.isyieldable)())",
                  "false\ttrue\n");
    start(&s, "print(coroutine.isyieldable(), pcall(coroutine.yield, 1))\n"
              "print(coroutine.wrap(function() return pcall(table.sort, { 1, 2 }, coroutine.yield) end)())");
    s.output[0] = '\0';
    run_all(&s);
    assert_string_equal(s.output, "false\tfalse\tattempt to yield from outside a coroutine\n"
                                  "false\tattempt to yield across a C-call boundary\nended: nothing\n");
    scripts_close(&s);
}

static void many_values_pass(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local t = {} for i = 1, 5000 do t[i] = i end\n"
                  "local co = coroutine.wrap(function(...) local n = select('#', ...)\n"
                  "  while true do n = n + select('#', coroutine.yield(n, ...)) end end)\n"
                  "print(select('#', co(table.unpack(t))), (co(table.unpack(t))), (co()))",
                  "5001\t10000\t10000\n");
    scripts_close(&s);
}

/* --- waits --- */

static void a_wait_passes_through_any_depth(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "local sleep = require 'sleep'\n"
              "local function nest(n) if n == 0 then return sleep(1) + sleep(2) end\n"
              "  if n % 2 == 0 then return coroutine.wrap(nest)(n - 1) + 1 end\n"
              "  return select(2, coroutine.resume(coroutine.create(function() return select(2, pcall(nest, "
              "n - 1)) end))) end\n"
              "return nest(20)");
    run_all(&s);
    wake_up(&s, 1);
    run_all(&s);
    assert_int_equal(s.ended, 0);
    wake_up(&s, 2);
    run_all(&s);
    assert_string_equal(s.output, "ended: 13\n");
    scripts_close(&s);
}

static void own_yields_and_waits_mix(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "local sleep = require 'sleep'\n"
              "local pages = coroutine.wrap(function() for i = 1, 3 do coroutine.yield('page ' .. sleep(i)) "
              "end end)\n"
              "for page in pages do print(page) sleep(4) end return 'end'");
    for (int page = 1; page <= 3; page++) {
        run_all(&s);
        wake_up(&s, page);
        run_all(&s);
        wake_up(&s, 4);
    }
    run_all(&s);
    assert_string_equal(s.output, "page 1\npage 2\npage 3\nended: end\n");
    scripts_close(&s);
}

static void nobody_else_resumes_a_coroutine_that_waits(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "shared", "return {}" };
    scripts_create(&s);
    start(&s, "local shared, sleep = require 'shared', require 'sleep'\n"
              "shared.fiber = coroutine.running()\n"
              "shared.co = coroutine.create(function() return sleep(1) end)\n"
              "return tostring(select(2, coroutine.resume(shared.co)))");
    start(&s, "local shared = require 'shared'\n"
              "for _, co in ipairs { shared.co, shared.fiber } do\n"
              "print(coroutine.status(co), coroutine.resume(co)) print(pcall(coroutine.close, co)) end");
    run_all(&s);
    assert_string_equal(s.output, "normal\tfalse\tcannot resume non-suspended coroutine\n"
                                  "false\tcannot close a normal coroutine\n"
                                  "normal\tfalse\tcannot resume non-suspended coroutine\n"
                                  "false\tcannot close a normal coroutine\nended: nothing\n");
    wake_up(&s, 1);
    run_all(&s);
    assert_non_null(strstr(s.output, "ended: 1\n"));
    scripts_close(&s);
}

static void the_first_coroutine_of_the_state_is_nobodys(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "shared", "return {}" };
    scripts_create(&s);
    assert_runs(&s, "require 'shared'.main = coroutine.running()");
    start(&s, "local main = require 'shared'.main\n"
              "print(coroutine.status(main), coroutine.resume(main)) print(pcall(coroutine.close, main))\n"
              "print(coroutine.isyieldable(main))");
    run_all(&s);
    assert_string_equal(s.output, "normal\tfalse\tcannot resume non-suspended coroutine\n"
                                  "false\tcannot close a normal coroutine\nfalse\nended: nothing\n");
    scripts_close(&s);
}

static void a_coroutine_may_move_between_fibers(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "shared", "return {}" };
    scripts_create(&s);
    start(&s, "local shared, sleep = require 'shared', require 'sleep'\n"
              "shared.co = coroutine.wrap(function() coroutine.yield(sleep(1)) return sleep(2) end)\n"
              "return 'got ' .. shared.co()");
    run_all(&s);
    wake_up(&s, 1);
    run_all(&s);
    start(&s, "return 'got ' .. require 'shared'.co()");
    run_all(&s);
    wake_up(&s, 2);
    run_all(&s);
    assert_string_equal(s.output, "ended: got 1\nended: got 2\n");
    scripts_close(&s);
}

static void waiting_coroutines_survive_the_collector(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    for (int i = 0; i < 5; i++)
        start(&s, "local sleep = require 'sleep'\n"
                  "local id = math.random(1000)\n"
                  "coroutine.wrap(function() local t = { id } coroutine.wrap(function()\n"
                  "  for i = 1, 200 do t[#t + 1] = { tostring(i) } end end)()\n"
                  "  assert(t[1] == id and #t == 201) end)() return 'fine'");
    run_all(&s);
    assert_string_equal(s.output, "ended: fine\nended: fine\nended: fine\nended: fine\nended: fine\n");
    start(&s, "local sleep = require 'sleep' local function hold(n) local keep = ('x'):rep(n)\n"
              "  return coroutine.wrap(function() sleep(1) return keep end)() end return #hold(100)");
    run_all(&s);
    assert_runs(&s, "for i = 1, 2000 do local t = { {}, ('y'):rep(i) } end");
    wake_up(&s, 1);
    run_all(&s);
    assert_non_null(strstr(s.output, "ended: 100\n"));
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coroutines_behave_as_in_the_manual),
        cmocka_unit_test(errors_end_a_coroutine_and_close_its_variables),
        cmocka_unit_test(closing_runs_close_variables_once),
        cmocka_unit_test(yields_outside_coroutines_are_refused),
        cmocka_unit_test(many_values_pass),
        cmocka_unit_test(a_wait_passes_through_any_depth),
        cmocka_unit_test(own_yields_and_waits_mix),
        cmocka_unit_test(nobody_else_resumes_a_coroutine_that_waits),
        cmocka_unit_test(the_first_coroutine_of_the_state_is_nobodys),
        cmocka_unit_test(a_coroutine_may_move_between_fibers),
        cmocka_unit_test(waiting_coroutines_survive_the_collector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
