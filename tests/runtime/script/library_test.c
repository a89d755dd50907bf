/* library_test.c - what scripts can reach, and that the same input gives the same output. */
#include "scripts.h"

/* Every name a script can reach without require. A new one is a decision: think about it, then write it here.
 */
static const char reachable[] =
    "_G _VERSION assert coroutine.close coroutine.create coroutine.isyieldable coroutine.resume "
    "coroutine.running "
    "coroutine.status coroutine.wrap coroutine.yield error getmetatable ipairs math.abs math.acos math.asin "
    "math.atan math.ceil math.cos math.deg math.exp math.floor math.fmod math.huge math.log math.max "
    "math.maxinteger math.min math.mininteger math.modf math.pi math.rad math.random math.sin math.sqrt "
    "math.tan "
    "math.tointeger math.type math.ult next pairs pcall print rawequal rawget rawlen rawset require select "
    "setmetatable string.byte string.char string.find string.format string.gmatch string.gsub string.len "
    "string.lower string.match string.pack string.packsize string.rep string.reverse string.sub "
    "string.unpack "
    "string.upper table.concat table.insert table.move table.pack table.remove table.sort table.unpack "
    "tonumber "
    "tostring type utf8.char utf8.charpattern utf8.codepoint utf8.codes utf8.len utf8.offset xpcall ";

static void the_reachable_names_are_those_of_the_list(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_runs(&s, "local names = {}\n"
                    "for name, value in pairs(_ENV) do\n"
                    "  if type(value) == 'table' and value ~= _ENV then\n"
                    "    for inner in pairs(value) do names[#names + 1] = name .. '.' .. inner end\n"
                    "  else names[#names + 1] = name end\n"
                    "end\n"
                    "table.sort(names)\n"
                    "for _, name in ipairs(names) do print(name) end");
    for (char *c = s.output; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    assert_string_equal(s.output, reachable);
    scripts_close(&s);
}

static void doors_of_published_escapes_are_not_there(void **state)
{
    (void)state;
    static const char *const names[] = { "load",    "loadstring", "loadfile", "dofile",  "collectgarbage",
                                         "io",      "os",         "debug",    "package", "module",
                                         "setfenv", "getfenv",    "newproxy", "warn" };
    struct scripts s;
    scripts_open(&s);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char lua[80], expected[120];
        snprintf(lua, sizeof lua, "return %s", names[i]);
        snprintf(expected, sizeof expected,
                 "carts/x.lua:1: unknown global \"%s\": declare it local, or require its module", names[i]);
        assert_raises(&s, lua, CW_SCRIPT, expected);
    }
    assert_prints(&s, "print(string.dump, math.randomseed, rawget(_ENV, 'load'), rawget(_G, 'os'))",
                  "nil\tnil\tnil\tnil\n");
    scripts_close(&s);
}

static void byte_code_is_refused(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "bytes", "\x1bLua\x54" };
    scripts_create(&s);
    assert_false(run(&s, "require 'bytes'"));
    assert_non_null(strstr(s.err.text, "attempt to load a binary chunk (mode is 't')"));
    scripts_close(&s);
}

static void nothing_can_be_left_behind_in_shared_tables(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "print = nil", CW_SCRIPT,
                  "carts/x.lua:1: assignment to global \"print\": declare it local");
    assert_raises(&s, "_G.x = 1", CW_SCRIPT, "carts/x.lua:1: assignment to global \"x\": declare it local");
    assert_raises(&s, "string.upper = print", CW_SCRIPT,
                  "carts/x.lua:1: assignment to \"upper\" in a table of the runtime: it is read-only");
    assert_raises(&s, "rawset(string, 'upper', print)", CW_SCRIPT,
                  "carts/x.lua:1: bad argument #1 to 'rawset' (the table is protected)");
    assert_raises(&s, "rawset(_ENV, 'x', 1)", CW_SCRIPT,
                  "carts/x.lua:1: bad argument #1 to 'rawset' (the table is protected)");
    assert_raises(&s, "setmetatable(_G, {})", CW_SCRIPT,
                  "carts/x.lua:1: cannot change a protected metatable");
    assert_raises(&s, "setmetatable(math, nil)", CW_SCRIPT,
                  "carts/x.lua:1: cannot change a protected metatable");
    assert_raises(&s, "table.insert(table, print)", CW_SCRIPT,
                  "assignment to \"number\" in a table of the runtime: it is read-only");
    assert_prints(&s, "print(getmetatable(''), getmetatable(_G), getmetatable(string), ('x'):upper())",
                  "locked\tlocked\tlocked\tX\n");
    scripts_close(&s);
}

static void a_chunk_may_have_an_environment_of_its_own(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s, "local print = print local _ENV = { x = 1 } y = 2 print(x, y)", "1\t2\n");
    assert_raises(&s, "return x", CW_SCRIPT,
                  "carts/x.lua:1: unknown global \"x\": declare it local, or require its module");
    scripts_close(&s);
}

static void finalizers_are_not_for_scripts(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "setmetatable({}, { __gc = function() end })", CW_SCRIPT,
                  "carts/x.lua:1: __gc is not for scripts: use a <close> variable");
    assert_prints(&s, /* set later it has no effect, and hidden behind __index it is not found */
                  "local meta = setmetatable({}, { __index = function() return print end })\n"
                  "do local t = setmetatable({}, meta) end\n"
                  "meta.__gc = function() print('finalizer') end\n"
                  "local t = {} for i = 1, 20000 do t = { t } if i % 100 == 0 then t = {} end end\n"
                  "print(pcall(setmetatable, {}, meta))",
                  "false\t__gc is not for scripts: use a <close> variable\n");
    scripts_close(&s);
}

/* --- no addresses, no chance --- */

static void texts_of_objects_show_no_address(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(
        &s,
        "local named = setmetatable({}, { __name = 'cart' })\n"
        "print({}, print, function() end, coroutine.create(print), named)\n"
        "print(tostring({}), ('%s %10s|%-6s|'):format({}, named, print))\n"
        "print(setmetatable({}, { __tostring = function() return 'own' end }), ('%s'):format(nil))\n"
        "print(pcall(error, {}))",
        "table\tfunction\tfunction\tthread\tcart\ntable\ttable       cart|function|\nown\tnil\n"
        "false\ttable\n");
    assert_raises(&s, "('%d %5p'):format(1, {})", CW_SCRIPT,
                  "carts/x.lua:1: %p shows an address, which differs from run to run");
    assert_raises(&s, "print(setmetatable({}, { __tostring = function() return {} end }))", CW_SCRIPT,
                  "carts/x.lua:1: '__tostring' must return a string");
    scripts_close(&s);
}

static void the_same_seed_gives_the_same_output(void **state)
{
    (void)state;
    static const char text[] = "local t = {}\n"
                               "for i = 1, 200 do t['key' .. math.random(1000)] = math.random() end\n"
                               "for k, v in pairs(t) do print(k, v) end\n"
                               "print(math.random(0), math.random(5, 5), math.random(-3, 3))\n"
                               "print(math.random(math.mininteger, math.maxinteger))";
    struct scripts first, second;
    scripts_open(&first);
    scripts_open(&second);
    assert_runs(&first, text);
    assert_runs(&second, text);
    assert_true(strlen(first.output) > 3000);
    assert_string_equal(first.output, second.output);
    scripts_close(&second);
    scripts_init(&second);
    second.host.random_seed = 8;
    scripts_create(&second);
    assert_runs(&second, text);
    assert_string_not_equal(first.output, second.output);
    scripts_close(&first);
    scripts_close(&second);
}

static void random_numbers_stay_in_their_interval(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local seen = {}\n"
                  "for i = 1, 500 do local n = math.random(3) seen[n] = true\n"
                  "  local f = math.random() assert(f >= 0 and f < 1) end\n"
                  "for k in pairs(seen) do print(k) end\n"
                  "print(pcall(math.random, 2, 1))\nprint(pcall(math.random, 1, 2, 3))",
                  "1\n2\n3\nfalse\tbad argument #2 to 'math.random' (interval is empty)\n"
                  "false\tbad argument #3 to 'math.random' (too many arguments)\n");
    scripts_close(&s);
}

/* --- order --- */

static void pairs_sorts_keys_by_type_and_text(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(
        &s,
        "local t = { b = 1, a = 2, [true] = 3, [2.5] = 4, [-1] = 5, 'one', 'two', [10] = 6, aa = 7,\n"
        "  [false] = 8, [1e300] = 9, [math.mininteger] = 10, [''] = 11 }\n"
        "local out = {}\n"
        "for k in pairs(t) do out[#out + 1] = tostring(k) end print(table.concat(out, ' '))",
        "-9223372036854775808 -1 1 2 10 2.5 1e+300  a aa b false true\n");
    scripts_close(&s);
}

static void pairs_of_any_size_visits_every_key_once_in_order(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "for _, n in ipairs { 0, 1, 2, 63, 64, 65, 300 } do\n"
                  "  local t, count, last = {}, 0, ''\n"
                  "  for i = 1, n do t['k' .. (i * 7919 % 1000)] = i end\n"
                  "  for k, v in pairs(t) do assert(k > last and t[k] == v) last = k count = count + 1 end\n"
                  "  local list = {} for i = 1, n do list[i] = i end\n"
                  "  local at = 0 for i, v in pairs(list) do at = at + 1 assert(i == at and v == at) end\n"
                  "  assert(count == n and at == n)\n"
                  "end print('fine')",
                  "fine\n");
    scripts_close(&s);
}

static void a_loop_may_remove_and_change_what_it_visits(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "for _, n in ipairs { 3, 100 } do\n"
                  "  local t, list = {}, {} for i = 1, n do t['k' .. i] = i list[i] = i end\n"
                  "  local seen = 0\n"
                  "  for k in pairs(t) do seen = seen + 1 t[k] = nil t.k2 = nil end\n"
                  "  local visited = 0\n"
                  "  for i in pairs(list) do visited = visited + 1 list[i] = nil list[2] = nil end\n"
                  "  print(seen, next(t), visited, next(list)) end",
                  "2\tnil\t2\tnil\n99\tnil\t99\tnil\n");
    scripts_close(&s);
}

static void pairs_asks_the_metamethod(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local t = setmetatable({ 1 }, { __pairs = function(t) return function(_, k)\n"
                  "  if not k then return 'only', t[1] end end, t, nil end })\n"
                  "for k, v in pairs(t) do print(k, v) end",
                  "only\t1\n");
    assert_raises(&s, "pairs(nil)", CW_SCRIPT,
                  "carts/x.lua:1: bad argument #1 to 'pairs' (table expected, got nil)");
    scripts_close(&s);
}

static void next_answers_the_first_key_only(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(
        &s,
        "local t = setmetatable({ inner = 1 }, { __pairs = function() return pairs { b = 2, a = 3 } end "
        "}) print(next(t)) print(next(setmetatable({ 1 }, { __pairs = function() return pairs {} end "
        "})))",
        "a\t3\nnil\tnil\n");
    assert_prints(&s, "print(next({}), next({ z = 1, b = 2, a = 3 }))\nprint(next({ 'x', a = 1 }))",
                  "nil\ta\t3\n1\tx\n");
    assert_raises(&s, "next({ 1 }, 1)", CW_SCRIPT,
                  "carts/x.lua:1: next with a key has no fixed order: use pairs(t), which has one");
    scripts_close(&s);
}

/* --- print --- */

static void a_long_line_is_cut_and_says_so(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_runs(&s, "print(('\\u{20AC}'):rep(4000), 'lost')");
    assert_int_equal(strlen(s.output), 8191); /* whole characters, the note and the line feed */
    assert_string_equal(s.output + 8181, "... (cut)\n");
    assert_runs(&s, "print(('x'):rep(8192))");
    assert_string_equal(s.output + 8191 + 8183, "xxxxxxxxx\n");
    scripts_close(&s);
}

static void a_flood_of_lines_ends_at_the_limit(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    assert_false(run(&s, "while true do print('x') end"));
    assert_int_equal(s.err.code, CW_LIMIT);
    assert_in_range(strlen(s.output), 300, 400); /* 200 lines */
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reachable_names_are_those_of_the_list),
        cmocka_unit_test(doors_of_published_escapes_are_not_there),
        cmocka_unit_test(byte_code_is_refused),
        cmocka_unit_test(nothing_can_be_left_behind_in_shared_tables),
        cmocka_unit_test(a_chunk_may_have_an_environment_of_its_own),
        cmocka_unit_test(finalizers_are_not_for_scripts),
        cmocka_unit_test(texts_of_objects_show_no_address),
        cmocka_unit_test(the_same_seed_gives_the_same_output),
        cmocka_unit_test(random_numbers_stay_in_their_interval),
        cmocka_unit_test(pairs_sorts_keys_by_type_and_text),
        cmocka_unit_test(pairs_of_any_size_visits_every_key_once_in_order),
        cmocka_unit_test(a_loop_may_remove_and_change_what_it_visits),
        cmocka_unit_test(pairs_asks_the_metamethod),
        cmocka_unit_test(next_answers_the_first_key_only),
        cmocka_unit_test(a_long_line_is_cut_and_says_so),
        cmocka_unit_test(a_flood_of_lines_ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
