/* fiber_test.c - the scheduler: ready, waiting, paused, ended, killed. */
#include "scripts.h"

static void fibers_run_in_the_order_in_which_they_became_ready(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "local sleep = require 'sleep' print('a1') sleep(1) print('a2') return 'a'");
    start(&s, "local sleep = require 'sleep' print('b1') sleep(2) print('b2') return 'b'");
    start(&s, "return 'c ' .. ...");
    cw_script_run(s.script);
    assert_true(cw_script_is_idle(s.script));
    wake_up(&s, 2);
    wake_up(&s, 1);
    cw_script_run(s.script);
    assert_string_equal(s.output, "a1\nb1\nended: c argument\nb2\nended: b\na2\nended: a\n");
    scripts_close(&s);
}

static void wake_is_called_once_until_the_fibers_have_run(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "require 'sleep' (1)");
    start(&s, "require 'sleep' (2)");
    assert_int_equal(s.wakes, 1);
    cw_script_run(s.script);
    assert_int_equal(s.wakes, 1);
    wake_up(&s, 1);
    wake_up(&s, 2);
    assert_int_equal(s.wakes, 2);
    cw_script_run(s.script);
    assert_int_equal(s.ended, 2);
    scripts_close(&s);
}

static void an_answer_may_come_before_the_wait(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    s.done_early = true;
    start(&s, "local sleep = require 'sleep' return sleep(3) + sleep(4)");
    cw_script_run(s.script);
    assert_string_equal(s.output, "ended: 7\n");
    scripts_close(&s);
}

static void an_error_ends_its_fiber_only(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "local sleep = require 'sleep' sleep(1)\nerror('bad page')");
    start(&s, "local sleep = require 'sleep' sleep(2) return 'fine'");
    cw_script_run(s.script);
    wake_up(&s, 1);
    wake_up(&s, 2);
    cw_script_run(s.script);
    assert_string_equal(s.output, "ended: carts/x.lua:2: bad page\nended: fine\n");
    assert_int_equal(s.err.code, CW_SCRIPT);
    scripts_close(&s);
}

static void an_error_object_keeps_its_code(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "error(setmetatable({ code = 'unavailable' }, { __tostring = function() return 'shop is down' "
              "end }))");
    cw_script_run(s.script);
    assert_string_equal(s.output, "ended: shop is down\n");
    assert_int_equal(s.err.code, CW_UNAVAILABLE);
    start(&s, "error({ code = 'nonsense' })");
    cw_script_run(s.script);
    assert_int_equal(s.err.code, CW_SCRIPT);
    start(&s, "error()");
    cw_script_run(s.script);
    assert_string_equal(
        s.err.text, "the script raised a nil as its error, which says nothing; raise a text: error(\"why\")");
    scripts_close(&s);
}

/* --- limits and slices --- */

static void waiting_gives_a_fresh_budget(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    start(&s, "local sleep = require 'sleep'\n"
              "for i = 1, 10 do for j = 1, 20000 do end sleep(1) end return 'all'");
    start(&s, "for i = 1, 10 do for j = 1, 20000 do end end return 'all'");
    run_all(&s);
    assert_string_equal(s.output, "ended: instruction limit of 100000 reached at carts/x.lua:1\n");
    for (int i = 0; i < 10; i++) {
        wake_up(&s, 1);
        run_all(&s);
    }
    assert_non_null(strstr(s.output, "ended: all\n"));
    scripts_close(&s);
}

static int64_t ticking(void *arg) /* each look at the clock takes a millisecond */
{
    return ((struct test_clock *)arg)->elapsed_ns += 1000000;
}

static void open_with_ticks(struct scripts *s)
{
    scripts_init(s);
    s->clock.elapsed_ns = ticking;
    scripts_create(s);
}

static void a_fiber_that_computes_lets_others_run(void **state)
{
    (void)state;
    struct scripts s;
    open_with_ticks(&s);
    start(&s, "local n = 0 for i = 1, 100000 do n = n + i end print(n) return 'long'");
    start(&s, "return 'short'");
    cw_script_run(s.script);
    assert_string_equal(s.output, "ended: short\n");
    assert_false(cw_script_is_idle(s.script));
    assert_int_equal(s.wakes, 2);
    run_all(&s);
    assert_string_equal(s.output, "ended: short\n5000050000\nended: long\n");
    assert_true(s.wakes > 10);
    scripts_close(&s);
}

static void a_pause_goes_through_coroutines_and_comes_back(void **state)
{
    (void)state;
    struct scripts s;
    open_with_ticks(&s);
    start(&s, "local function count() local n = 0 for i = 1, 20000 do n = n + 1 end coroutine.yield(n) "
              "return 'end' end\n"
              "local outer = coroutine.wrap(function()\n"
              "  local inner = coroutine.wrap(count)\n"
              "  print(select(2, pcall(inner))) print(coroutine.isyieldable()) coroutine.yield('mid') "
              "print(inner()) end)\n"
              "print(outer()) outer() return 'done'");
    start(&s, "return 'short'");
    run_all(&s);
    assert_string_equal(s.output, "ended: short\n20000\ntrue\nmid\nend\nended: done\n");
    assert_true(s.wakes > 5);
    scripts_close(&s);
}

static void what_cannot_be_paused_goes_on(void **state)
{
    (void)state;
    struct scripts s;
    open_with_ticks(&s);
    start(&s, "local t = {} for i = 1, 1000 do t[i] = i * 7919 % 1000 end\n"
              "table.sort(t, function(a, b) for i = 1, 50 do end return a < b end)\n"
              "local spin = coroutine.wrap(function() for i = 1, 20000 do end return 'spun' end)\n"
              "print((('x'):gsub('x', function() return spin() end))) return t[1]");
    run_all(&s);
    assert_string_equal(s.output, "spun\nended: 0\n");
    scripts_close(&s);
}

static void pausing_does_not_renew_the_budget(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.clock.elapsed_ns = ticking;
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    start(&s, "coroutine.wrap(function() while true do end end)()");
    run_all(&s);
    assert_string_equal(s.output, "ended: instruction limit of 100000 reached at carts/x.lua:1\n");
    assert_true(s.wakes > 3);
    scripts_close(&s);
}

/* --- where waiting is impossible --- */

static void waiting_is_refused_where_it_is_impossible(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "waits", "require 'sleep' (1)" };
    scripts_create(&s);
    assert_raises(&s, "require 'sleep' (1)", CW_SCRIPT,
                  "carts/x.lua:1: waiting is impossible in a function that must answer at once, such as one "
                  "of a mapping");
    start(&s,
          "local sleep = require 'sleep'\n"
          "print(select(2, pcall(table.sort, { 1, 2 }, function() sleep(1) end)))\n"
          "print(select(2, pcall(require, 'waits')))\n"
          "local co = coroutine.wrap(function() sleep(1) end)\n"
          "print(select(2, pcall(string.gsub, 'x', 'x', function() co() end)))\n"
          "local c = coroutine.create(function() local x <close> = setmetatable({}, { __close = function()\n"
          "  print(select(2, pcall(sleep, 1))) end }) coroutine.yield() end)\n"
          "coroutine.resume(c) coroutine.close(c)");
    run_all(&s);
    assert_string_equal(s.output, "carts/x.lua:2: waiting is impossible inside a function that C calls, such "
                                  "as a comparison of table.sort or a "
                                  "replacement of string.gsub\n"
                                  "waits.lua:1: waiting is impossible in the main chunk of a module; move it "
                                  "into a function that is called later\n"
                                  "carts/x.lua:5: carts/x.lua:4: waiting is impossible inside a function "
                                  "that C calls, such as a comparison of "
                                  "table.sort or a replacement of string.gsub\n"
                                  "waiting is impossible while a coroutine or fiber is being closed\n"
                                  "ended: nothing\n");
    scripts_close(&s);
}

static void a_fiber_waits_inside_pcall_iterators_metamethods_and_close(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(
        &s,
        "local sleep = require 'sleep'\n"
        "print(pcall(sleep, 1))\n"
        "print(xpcall(function() sleep(1) error('late', 0) end, function(e) return 'handled ' .. e end))\n"
        "for n in function(_, n) if not n then return sleep(1) end end do print('iterated', n) end\n"
        "print(setmetatable({}, { __index = function(_, k) return sleep(1) .. k end }).key)\n"
        "do local x <close> = setmetatable({}, { __close = function() sleep(1) print('closed') end }) end\n"
        "for k, v in pairs(setmetatable({}, { __pairs = function() sleep(1) return next, {} end })) do end\n"
        "return 'end'");
    run_all(&s);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(s.ended, 0);
        wake_up(&s, 1);
        run_all(&s);
    }
    assert_string_equal(s.output, "true\t1\nfalse\thandled late\niterated\t1\n1key\nclosed\nended: end\n");
    scripts_close(&s);
}

/* --- killing --- */

static void a_fiber_can_be_killed_in_every_state(void **state)
{
    (void)state;
    struct scripts s;
    open_with_ticks(&s);
    static const char text[] =
        "local x <close> = setmetatable({}, { __close = function() print('closed') end })\n"
        "local sleep = require 'sleep' sleep(1) while true do end";
    cw_fiber_kill(start(&s, text)); /* before it began: nothing to close */
    assert_string_equal(s.output, "");
    assert_true(cw_script_is_idle(s.script));

    struct cw_fiber *fiber = start(&s, text);
    cw_script_run(s.script);
    cw_fiber_kill(fiber); /* waiting */
    assert_string_equal(s.output, "closed\n");
    assert_int_equal(s.sleeps[1].cancelled, 1);

    fiber = start(&s, text);
    cw_script_run(s.script);
    wake_up(&s, 1);
    cw_fiber_kill(fiber); /* woken, but has not run yet: there is nothing left to cancel */
    assert_string_equal(s.output, "closed\nclosed\n");
    assert_int_equal(s.sleeps[1].cancelled, 1);

    fiber = start(&s, text);
    cw_script_run(s.script);
    wake_up(&s, 1);
    cw_script_run(s.script);
    cw_fiber_kill(fiber); /* paused in the middle of the loop */
    assert_string_equal(s.output, "closed\nclosed\nclosed\n");
    assert_true(cw_script_is_idle(s.script));
    cw_fiber_kill(NULL);
    assert_int_equal(s.ended, 0);
    scripts_close(&s);
}

static void closing_a_killed_fiber_has_a_limit(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    struct cw_fiber *fiber = start(
        &s,
        "local x <close> = setmetatable({}, { __close = function() print('after') end })\n"
        "local y <close> = setmetatable({}, { __close = function() while true do pcall(error) end end })\n"
        "require 'sleep' (1)");
    cw_script_run(s.script);
    cw_fiber_kill(fiber);
    assert_int_equal(s.ended, 0);
    assert_prints(&s, "print('on')", "on\n");
    scripts_close(&s);
}

struct killer {
    struct cw_fiber *victim;
};

static int kill_victim(lua_State *L)
{
    struct killer *killer = lua_touserdata(L, lua_upvalueindex(1));
    cw_fiber_kill(killer->victim);
    return 0;
}

static int open_killer(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, kill_victim, 1);
    return 1;
}

static void a_fiber_may_kill_another_one_and_itself(void **state)
{
    (void)state;
    struct scripts s;
    struct killer killer;
    scripts_open(&s);
    assert_ok(cw_script_provide(s.script, "killer", open_killer, &killer, &s.err), s.err);
    killer.victim =
        start(&s, "local x <close> = setmetatable({}, { __close = function() print('gone') end })\n"
                  "require 'sleep' (1)");
    start(&s, "require 'killer' () return 'killed it'");
    run_all(&s);
    assert_string_equal(s.output, "gone\nended: killed it\n");

    s.output[0] = '\0';
    killer.victim =
        start(&s, "local x <close> = setmetatable({}, { __close = function() print('gone') end })\n"
                  "require 'killer' () require 'sleep' (2) print('not reached')");
    run_all(&s);
    assert_string_equal(s.output, "gone\n");
    assert_int_equal(s.sleeps[2].cancelled, 1);
    killer.victim = start(&s, "require 'killer' () return 'unheard'");
    run_all(&s);
    assert_string_equal(s.output, "gone\n");
    assert_int_equal(s.ended, 1);
    scripts_close(&s);
}

/* Starts the next one from the end of the one before. */
static void start_next(void *arg, lua_State *L, const struct cw_error *err)
{
    struct scripts *s = arg;
    note_end(s, L, err);
    if (s->ended < 3)
        assert_non_null(
            cw_fiber_start(s->script, push_text, (void *)"return 'again'", start_next, s, &s->err));
}

static void the_end_of_a_fiber_may_start_another_one(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_non_null(cw_fiber_start(s.script, push_text, (void *)"return 'first'", start_next, &s, &s.err));
    cw_script_run(s.script);
    assert_string_equal(s.output, "ended: first\n"); /* the next round is another run */
    run_all(&s);
    assert_string_equal(s.output, "ended: first\nended: again\nended: again\n");
    scripts_close(&s);
}

static void freeing_a_script_kills_its_fibers(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    start(&s, "error('not run')");
    scripts_close(&s);
    assert_string_equal(s.output, "");

    scripts_open(&s);
    start(
        &s,
        "local x <close> = setmetatable({}, { __close = function() print('gone') end }) require 'sleep' (1)");
    start(&s, "coroutine.wrap(function() require 'sleep' (2) end)()");
    run_all(&s);
    scripts_close(&s);
    assert_string_equal(s.output, "gone\n");
    assert_int_equal(s.sleeps[1].cancelled + s.sleeps[2].cancelled, 2);
    assert_int_equal(s.ended, 0);
}

static void a_fiber_that_cannot_be_pushed_does_not_start(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_null(cw_fiber_start(s.script, push_text, (void *)"syntax error", note_end, &s, &s.err));
    assert_int_equal(s.err.code, CW_SCRIPT);
    assert_string_equal(s.err.text, "carts/x.lua:1: syntax error near 'error'");
    assert_true(cw_script_is_idle(s.script));
    assert_int_equal(s.wakes, 0);
    scripts_close(&s);
}

static void ended_fibers_leave_no_memory_behind(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    for (int i = 0; i < 200; i++)
        start(&s, "return coroutine.wrap(function() return 'end' end)()");
    run_all(&s);
    assert_int_equal(s.ended, 200);
    size_t before = cw_script_memory(s.script);
    for (int i = 0; i < 2000; i++) {
        start(&s, "return coroutine.wrap(function() return 'end' end)()");
        run_all(&s);
        s.output[0] = '\0';
    }
    assert_true(cw_script_memory(s.script) < 2 * before);
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_run_in_the_order_in_which_they_became_ready),
        cmocka_unit_test(wake_is_called_once_until_the_fibers_have_run),
        cmocka_unit_test(an_answer_may_come_before_the_wait),
        cmocka_unit_test(an_error_ends_its_fiber_only),
        cmocka_unit_test(an_error_object_keeps_its_code),
        cmocka_unit_test(waiting_gives_a_fresh_budget),
        cmocka_unit_test(a_fiber_that_computes_lets_others_run),
        cmocka_unit_test(a_pause_goes_through_coroutines_and_comes_back),
        cmocka_unit_test(what_cannot_be_paused_goes_on),
        cmocka_unit_test(pausing_does_not_renew_the_budget),
        cmocka_unit_test(waiting_is_refused_where_it_is_impossible),
        cmocka_unit_test(a_fiber_waits_inside_pcall_iterators_metamethods_and_close),
        cmocka_unit_test(a_fiber_can_be_killed_in_every_state),
        cmocka_unit_test(closing_a_killed_fiber_has_a_limit),
        cmocka_unit_test(a_fiber_may_kill_another_one_and_itself),
        cmocka_unit_test(the_end_of_a_fiber_may_start_another_one),
        cmocka_unit_test(freeing_a_script_kills_its_fibers),
        cmocka_unit_test(a_fiber_that_cannot_be_pushed_does_not_start),
        cmocka_unit_test(ended_fibers_leave_no_memory_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
