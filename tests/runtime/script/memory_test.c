/* memory_test.c - the cap, and every single allocation failing once: no crash, no leak, and the next call is
 * served. */
#include "scripts.h"

static void open_small(struct scripts *s)
{
    scripts_init(s);
    s->host.limits.memory_bytes = 2 * 1024 * 1024;
    scripts_create(s);
}

/* --- the cap --- */

static void assert_full(const char *text, int line)
{
    struct scripts s;
    char expected[100];
    open_small(&s);
    snprintf(expected, sizeof expected, "memory limit of 2 MiB reached at carts/x.lua:%d", line);
    assert_raises(&s, text, CW_LIMIT, expected);
    assert_true(cw_script_memory(s.script) <= 2 * 1024 * 1024);
    assert_prints(&s, "print('next')", "next\n");
    scripts_close(&s);
}

static void greedy_scripts_end_at_the_cap(void **state)
{
    (void)state;
    assert_full("local t = {} for i = 1, math.huge do t[i] = i end", 1);
    assert_full("local t = {} for i = 1, math.huge do t[i] = {} end", 1);
    assert_full("local s = 'x' while true do s = s .. s end", 1);
    assert_full("local t = {} for i = 1, math.huge do t[i] = tostring(i) end", 1);
    assert_full("local t\nfor i = 1, math.huge do local u = t t = function() return u end end", 2);
    assert_full("local t = {} for i = 1, math.huge do t[i] = coroutine.create(print) end", 1);
    assert_full("local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000000) .. i end", 1);
}

static void the_cap_cannot_be_caught(void **state)
{
    (void)state;
    static const char hog[] =
        "local function hog() local t = {} while true do t[#t + 1] = ('x'):rep(100) end end\n";
    static const char *const ways[] = {
        "while true do pcall(hog) end",
        "while true do xpcall(hog, print) end",
        "while true do pcall(coroutine.wrap(hog)) end",
        "while true do coroutine.resume(coroutine.create(hog)) end",
        "local x <close> = setmetatable({}, { __close = function() error('other') end }) pcall(hog) "
        "print('on')",
        "pcall(function() local x <close> = setmetatable({}, { __close = function() error('other') end }) "
        "hog() end)\n"
        "print('on') while true do end",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct scripts s;
        char text[600];
        open_small(&s);
        snprintf(text, sizeof text, "%s%s", hog, ways[i]);
        assert_raises(&s, text, CW_LIMIT, "memory limit of 2 MiB reached at carts/x.lua:1");
        assert_string_equal(s.output, "");
        scripts_close(&s);
    }
}

static void repetition_is_refused_before_it_asks_for_memory(void **state)
{
    (void)state;
    struct scripts s;
    open_small(&s);
    assert_prints(&s,
                  "print(pcall(string.rep, 'x', 1e10))\nprint(pcall(string.rep, 'ab', 1 << 62, 'c'))\n"
                  "print(#('x'):rep(100000), ('ab'):rep(3, '-'), ('x'):rep(-1), (''):rep(1e15))",
                  "false\tstring.rep would make more than the 2048 KiB of memory the script may use\n"
                  "false\tstring.rep would make more than the 2048 KiB of memory the script may use\n"
                  "100000\tab-ab-ab\t\t\n");
    scripts_close(&s);
}

static void garbage_does_not_count(void **state)
{
    (void)state;
    struct scripts s;
    open_small(&s);
    assert_prints(
        &s, /* a buffer of nearly half of all, again and again, which asks only once */
        "local keep = ('k'):rep(700000) local part = ('x'):rep(1000) local t = {}\n"
        "for i = 1, 400 do t[i] = part end\n"
        "for i = 1, 200 do local s = ('x'):rep(400000) .. i local u = table.concat(t) end print('fine')",
        "fine\n");
    assert_prints(&s, "for i = 1, 30000 do local t = { i, ('x'):rep(200) .. i } end print('fine')", "fine\n");
    scripts_close(&s);
}

static void an_error_that_needs_too_much_memory_is_told_anyway(void **state)
{
    (void)state;
    struct scripts s;
    open_small(&s);
    assert_raises(&s,
                  "error(setmetatable({}, { __tostring = function() return ('x'):rep(1900000) .. 'y' end }))",
                  CW_LIMIT, "memory limit of 2 MiB reached at carts/x.lua:1");
    assert_raises(&s, "error(setmetatable({}, { __tostring = error }))", CW_SCRIPT,
                  "a script raised an error whose text cannot be made");
    scripts_close(&s);
}

/* --- the n-th allocation fails --- */

/* Goes as far as it can; true when nothing failed. */
typedef bool scenario_fn(struct scripts *s);

/* Runs the scenario with the first, second, third ... allocation failing, until none does. Returns how many
 * there were. Leaks and bytes not returned are found by the sanitizer and by cw_script_free. */
static uint64_t fail_each(struct scripts *s, scenario_fn *scenario)
{
    for (uint64_t n = 1;; n++) {
        assert_true(n < 20000);
        struct module modules[MODULES_MAX];
        memcpy(modules, s->modules, sizeof modules);
        scripts_init(s);
        memcpy(s->modules, modules, sizeof modules);
        s->host.fail_allocation = n;
        s->err.code = CW_OK;
        s->script = cw_script_create(&s->host, &s->err);
        bool ok = s->script != NULL && scenario(s);
        if (!ok)
            assert_int_equal(s->err.code, CW_NOMEM);
        cw_script_free(s->script);
        assert_int_equal(s->loads, s->releases);
        if (ok)
            return n;
    }
}

static bool nothing(struct scripts *s)
{
    (void)s;
    return true;
}

static void creating_a_script_survives_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    assert_in_range(fail_each(&s, nothing), 100, 2000);
}

static bool serves(struct scripts *s)
{
    s->output[0] = '\0';
    return cw_script_call(s->script, run_text, (void *)"print('on')", NULL) && strcmp(s->output, "on\n") == 0;
}

/* Whatever failed, the script still serves: at once, or the next time when this was the allocation that
 * fails. */
static bool still_serves(struct scripts *s)
{
    return serves(s) || serves(s);
}

static bool call_script(struct scripts *s)
{
    static const char text[] =
        "local t = {} for i = 1, 50 do t['k' .. i] = { i } end\n"
        "for k, v in pairs(t) do t[k] = ('%s %d'):format(k, v[1]):gsub('%d', '<%0>'):upper() end\n"
        "for w in ('a b c'):gmatch('%a') do t[#t + 1] = w end\n"
        "local co = coroutine.wrap(function(...) local x <close> = setmetatable({}, { __close = print })\n"
        "  for i = 1, 3 do coroutine.yield(i, ...) end error({ code = 'io' }) end)\n"
        "for i = 1, 3 do co(i) end print(pcall(co), t, 1.5)\n"
        "print(xpcall(error, function(e) return { e } end, 'x'), select('#', table.unpack(t)))";
    bool ok = run(s, text);
    assert_true(still_serves(s));
    return ok;
}

static void a_call_survives_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    fail_each(&s, call_script);
}

static bool describe_error(struct scripts *s)
{
    struct cw_error err;
    bool failed = !cw_script_call(s->script, run_text,
                                  (void *)"error(setmetatable({ code = 'io' }, { __tostring = function(e) "
                                          "return 'disk ' .. e.code end }))",
                                  &err);
    assert_true(failed);
    assert_true(still_serves(s));
    s->err = err;
    return err.code == CW_IO && strcmp(err.text, "disk io") == 0;
}

static void describing_an_error_survives_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    fail_each(&s, describe_error);
}

static bool require_modules(struct scripts *s)
{
    if (!cw_script_provide(s->script, "sleep", open_sleep, s, &s->err))
        return false;
    bool ok = run(s, "require 'a' require 'sleep' local f, why = pcall(require, 'missing') assert(not f)\n"
                     "assert(tostring(why):find('not found', 1, true), why)");
    assert_true(still_serves(s));
    if (!ok) /* what failed is not remembered as loaded */
        assert_true(cw_script_call(s->script, run_text, (void *)"assert(require('a').n == 2)", NULL));
    return ok;
}

static void require_survives_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    s.modules[0] = (struct module){ "a", "return { n = require('b').n + 1 }" };
    s.modules[1] = (struct module){ "b", "local t = {} for i = 1, 20 do t[i] = { i } end return { n = 1 }" };
    fail_each(&s, require_modules);
}

static const char sleeper[] =
    "local sleep = require 'sleep'\n"
    "local x <close> = setmetatable({}, { __close = function() print('closed') end })\n"
    "local co = coroutine.wrap(function() local y <close> = setmetatable({}, { __close = print })\n"
    "  local t = {} for i = 1, 20 do t[i] = { sleep(1) } end return t end)\n"
    "return tostring(#co())";

static bool run_fibers(struct scripts *s)
{
    struct cw_fiber *fiber;
    if (!cw_script_provide(s->script, "sleep", open_sleep, s, &s->err))
        return false;
    fiber = cw_fiber_start(s->script, push_text, (void *)sleeper, note_end, s, &s->err);
    if (fiber == NULL)
        return false;
    run_all(s);
    for (int i = 0; i < 20 && s->ended == 0; i++) {
        wake_up(s, 1);
        run_all(s);
    }
    assert_int_equal(s->ended, 1);
    bool ok = strstr(s->output, "ended: 20") != NULL;
    assert_true(still_serves(s));
    return ok;
}

static void fibers_survive_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    fail_each(&s, run_fibers);
}

/* A failure inside the kill itself cannot be told to anybody; then the fiber is gone all the same. */
static bool kill_fiber(struct scripts *s)
{
    struct cw_fiber *fiber = NULL;
    bool ok = cw_script_provide(s->script, "sleep", open_sleep, s, &s->err) &&
              (fiber = cw_fiber_start(s->script, push_text, (void *)sleeper, note_end, s, &s->err)) != NULL;
    if (!ok)
        return false;
    run_all(s);
    if (s->ended > 0)
        return false;
    cw_fiber_kill(fiber);
    assert_int_equal(s->sleeps[1].cancelled, 1);
    assert_int_equal(s->ended, 0);
    ok = strstr(s->output, "closed") != NULL;
    if (!ok)
        s->err.code = CW_NOMEM;
    assert_true(still_serves(s));
    return ok;
}

static void killing_survives_every_failure(void **state)
{
    (void)state;
    struct scripts s;
    memset(&s, 0, sizeof s);
    fail_each(&s, kill_fiber);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_scripts_end_at_the_cap),
        cmocka_unit_test(the_cap_cannot_be_caught),
        cmocka_unit_test(repetition_is_refused_before_it_asks_for_memory),
        cmocka_unit_test(garbage_does_not_count),
        cmocka_unit_test(an_error_that_needs_too_much_memory_is_told_anyway),
        cmocka_unit_test(creating_a_script_survives_every_failure),
        cmocka_unit_test(a_call_survives_every_failure),
        cmocka_unit_test(describing_an_error_survives_every_failure),
        cmocka_unit_test(require_survives_every_failure),
        cmocka_unit_test(fibers_survive_every_failure),
        cmocka_unit_test(killing_survives_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
