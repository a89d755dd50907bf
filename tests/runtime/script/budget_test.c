/* budget_test.c - no script outlives its instructions, whatever it hides its loop in; the next call is
 * served. */
#include "scripts.h"

#include <time.h>

enum { LIMIT = 200000 }; /* instructions: some milliseconds */

static void open_limited(struct scripts *s)
{
    scripts_init(s);
    s->host.limits.instructions = LIMIT;
    s->host.limits.memory_bytes = 8 * 1024 * 1024;
    scripts_create(s);
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Each is ended by the instruction limit, in reasonable time, on the line that loops. */
static void assert_ends(const char *text, int line)
{
    struct scripts s;
    char expected[100];
    open_limited(&s);
    snprintf(expected, sizeof expected, "instruction limit of %d reached at carts/x.lua:%d", LIMIT, line);
    double begin = cpu_seconds();
    assert_raises(&s, text, CW_LIMIT, expected);
    assert_true(cpu_seconds() - begin <
                20); /* a hang, not a measurement: sanitizers and collectors are slow */
    assert_prints(&s, "print('next')", "next\n");
    scripts_close(&s);
}

static void plain_loops_end(void **state)
{
    (void)state;
    assert_ends("while true do end", 1);
    assert_ends("local i = 0 ::again:: i = i + 1 goto again", 1);
    assert_ends("repeat until false", 1);
    assert_ends("for i = 1, math.huge do end", 1);
    assert_ends("local function f() return f() end f()", 1);
    assert_ends("for k in function() return 1 end do end", 1);
}

static void loops_of_protected_calls_end(void **state)
{
    (void)state;
    assert_ends("while true do pcall(function() while true do end end) end", 1);
    assert_ends("local function f() pcall(f) while true do end end f()", 1);
    assert_ends("while true do pcall(error) end", 1);
    assert_ends("while true do xpcall(error, function() end) end", 1);
    assert_ends("local function f() return pcall(pcall, pcall, f) end while true do f() end", 1);
}

static void loops_in_metamethods_end(void **state)
{
    (void)state;
    assert_ends("local function loop() while true do end end\n"
                "local t = setmetatable({}, { __index = loop }) return t.x",
                1);
    assert_ends("local function loop() while true do end end\n"
                "local t = setmetatable({}, { __lt = loop }) return t < t",
                1);
    assert_ends("local function loop() while true do end end\n"
                "tostring(setmetatable({}, { __tostring = loop }))",
                1);
    assert_ends("local function loop() while true do end end\n"
                "local t = setmetatable({}, { __len = loop, __concat = loop }) return #t",
                1);
    assert_ends(
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k + 1] end\n"
        "while true do pcall(function() return t[1] end) end",
        1);
}

static void loops_in_close_end(void **state)
{
    (void)state;
    assert_ends("do local x <close> = setmetatable({}, { __close = function() while true do end end }) end",
                1);
    assert_ends("local meta = { __close = function() while true do pcall(function() while true do end end) "
                "end end }\n"
                "local x <close> = setmetatable({}, meta)\n"
                "local y <close> = setmetatable({}, meta)\n"
                "while true do end",
                4);
    assert_ends("local co = coroutine.wrap(function()\n"
                "local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
                "while true do end end)\n"
                "co()",
                3);
    assert_ends("local co = coroutine.create(function()\n"
                "local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
                "coroutine.yield() end)\n"
                "coroutine.resume(co) coroutine.close(co)",
                2);
    assert_ends("local co = coroutine.create(function()\n"
                "local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
                "error('dies first') end)\n"
                "coroutine.resume(co) coroutine.close(co)",
                2);
}

static void loops_called_from_c_end(void **state)
{
    (void)state;
    assert_ends("table.sort({ 1, 2, 3 }, function() while true do end end)", 1);
    assert_ends("('x'):gsub('x', function() while true do end end)", 1);
    assert_ends("while true do table.sort({ 3, 2, 1 }, function(a, b) return a < b end) end", 1);
    assert_ends("local t = setmetatable({}, { __pairs = function() while true do end end }) pairs(t)", 1);
}

static void loops_in_error_handlers_end(void **state)
{
    (void)state;
    assert_ends("xpcall(error, function() while true do end end)", 1);
    assert_ends("xpcall(function()\nwhile true do end end,\nfunction() while true do end end)", 2);
    assert_ends("while true do xpcall(error, function() error('again') end) end", 1);
    assert_ends("xpcall(function() local x = nil + 1 end, function() pcall(error) while true do end end)", 1);
}

static void loops_in_coroutines_end(void **state)
{
    (void)state;
    assert_ends("coroutine.wrap(function() while true do end end)()", 1);
    assert_ends("while true do coroutine.resume(coroutine.create(function() while true do end end)) end", 1);
    assert_ends("while true do coroutine.wrap(function() end)() end", 1);
    assert_ends(
        "local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end",
        1);
    assert_ends("local function nest() coroutine.wrap(nest)() end while true do pcall(nest) end", 1);
    assert_ends(
        "local function f() while true do pcall(coroutine.wrap(function() while true do end end)) end end\n"
        "coroutine.wrap(f)()",
        1);
}

/* --- work that C does --- */

static void endless_work_inside_c_is_refused_before_it_begins(void **state)
{
    (void)state;
    assert_ends("table.move({}, 1, math.maxinteger - 1, 2)", 1);
    assert_ends("table.insert(setmetatable({}, { __len = function() return 1 << 50 end }), 1, 'x')", 1);
    assert_ends("table.remove(setmetatable({}, { __len = function() return 1 << 50 end }), 1)", 1);
    assert_ends("local s = ('x'):rep(1000000) while true do local a = utf8.len(s) end", 1);
    assert_ends("local s = ('x'):rep(1000000) while true do local a = s:find('yz', 1, true) end", 1);
    assert_ends("local s = ('x'):rep(1000000) for i = 1, 200000 do local a = s .. i end", 1);
    assert_ends("local t = {} for i = 1, 10000 do t[i] = i end while true do table.sort(t) end", 1);
    assert_ends("local t = {} for i = 1, 1000 do t['k' .. i] = i end while true do pairs(t) end", 1);
}

/* --- recursion --- */

static void endless_recursion_is_an_error_of_its_own(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.memory_bytes =
        (size_t)256 * 1024 * 1024; /* the stack of Lua takes about 70 MiB at its limit */
    scripts_create(&s);
    assert_false(run(&s, "local function f() return 1 + f() end f()"));
    assert_int_equal(s.err.code, CW_SCRIPT);
    assert_non_null(strstr(s.err.text, "stack overflow"));
    static const char *const texts[] = {
        "local function f() return (('x'):gsub('x', f)) end f()",
        "local m = {} m.__tostring = function(t) print(t) return '' end print(setmetatable({}, m))",
        "local function f() table.sort({ 1, 2 }, f) end f()",
        "local function f() coroutine.wrap(f)() end f()",
        "local function f() pcall(f) error('x') end f()",
        "local t = {} for i = 1, 1e5 do t = setmetatable({}, { __index = t }) end return t.x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(run(&s, texts[i]));
        if (s.err.code != CW_SCRIPT)
            fail_msg("%s: %s", texts[i], s.err.text);
    }
    assert_prints(&s, "print('next')", "next\n");
    scripts_close(&s);
}

static void coroutines_that_close_each_other_do_not_exhaust_the_stack(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(
        &s,
        "local last\n"
        "for i = 1, 1000 do\n"
        "  local inner = last\n"
        "  last = coroutine.create(function()\n"
        "    local x <close> = setmetatable({}, { __close = function()\n"
        "      if inner then local ok, why = coroutine.close(inner) if not ok then error(why, 0) end end\n"
        "    end }) coroutine.yield() end)\n"
        "  coroutine.resume(last)\n"
        "end\n"
        "print(coroutine.close(last))",
        "false\tcarts/x.lua:6: too many coroutines close each other\n");
    scripts_close(&s);
}

/* --- what a limit leaves --- */

static void what_fits_is_not_disturbed(void **state)
{
    (void)state;
    struct scripts s;
    open_limited(&s);
    for (int i = 0; i < 5; i++) /* each call has all of it */
        assert_prints(&s, "local n = 0 for i = 1, 30000 do n = n + i end print(n)", "450015000\n");
    scripts_close(&s);
}

struct nested {
    struct scripts *s;
    int depth;
};

static int call_again(lua_State *L)
{
    struct nested *nested = lua_touserdata(L, lua_upvalueindex(1));
    struct cw_error err;
    nested->depth++;
    bool ok = cw_script_call(nested->s->script, run_text, (void *)luaL_checkstring(L, 1), &err);
    nested->depth--;
    lua_pushstring(L, ok ? "fine" : err.text);
    return 1;
}

static int open_nested(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, call_again, 1);
    return 1;
}

static void a_limit_inside_a_nested_call_ends_that_call_only(void **state)
{
    (void)state;
    struct scripts s;
    open_limited(&s);
    struct nested nested = { &s, 0 };
    assert_ok(cw_script_provide(s.script, "nested", open_nested, &nested, &s.err), s.err);
    assert_prints(&s, "print(require 'nested' ('while true do end'))",
                  "instruction limit of 200000 reached at carts/x.lua:1\n");
    assert_prints(&s,
                  "local function wrap(n) return n == 0 and 'print(1)'\n"
                  "  or ('print((require [[nested]] (%q)))'):format(wrap(n - 1)) end\n"
                  "print((require 'nested' (wrap(2)))) print((require 'nested' (wrap(5))))",
                  "1\nfine\nfine\nfine\n"
                  "shop: calls of scripts inside calls of scripts are nested more than 4 deep\n"
                  "fine\nfine\nfine\n");
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loops_end),
        cmocka_unit_test(loops_of_protected_calls_end),
        cmocka_unit_test(loops_in_metamethods_end),
        cmocka_unit_test(loops_in_close_end),
        cmocka_unit_test(loops_called_from_c_end),
        cmocka_unit_test(loops_in_error_handlers_end),
        cmocka_unit_test(loops_in_coroutines_end),
        cmocka_unit_test(endless_work_inside_c_is_refused_before_it_begins),
        cmocka_unit_test(endless_recursion_is_an_error_of_its_own),
        cmocka_unit_test(coroutines_that_close_each_other_do_not_exhaust_the_stack),
        cmocka_unit_test(what_fits_is_not_disturbed),
        cmocka_unit_test(a_limit_inside_a_nested_call_ends_that_call_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
