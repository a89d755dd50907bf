/* require_test.c - which modules a script gets, from where, and what it is told when it gets none. */
#include "scripts.h"

static void a_module_runs_once_and_gets_its_name(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "carts.a", "print('runs', ...) return { n = 1 }" };
    s.modules[1] = (struct module){ "silent", "local x = 1" };
    s.modules[2] = (struct module){ "no", "return false" };
    scripts_create(&s);
    assert_prints(&s,
                  "local a = require 'carts.a' a.n = 2 print(require 'carts.a'.n)\n"
                  "print(require 'silent', require 'no', require 'no')",
                  "runs\tcarts.a\n2\ntrue\tfalse\tfalse\n");
    scripts_close(&s);
}

static void names_that_are_no_names_never_reach_the_host(void **state)
{
    (void)state;
    static const char *const names[] = { "../x", "/etc/passwd", "a/b",  "a..b",     ".a",   "a.",  "",
                                         "A",    "a b",         "a\\0", "~",        "a\\b", "a\n", "..",
                                         "con:", "a.lua.",      "%2e",  "\xC3\xA4", "a;b",  "a?" };
    struct scripts s;
    scripts_open(&s);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char lua[60];
        snprintf(lua, sizeof lua, "require [==[%s]==]", names[i]);
        assert_false(run(&s, lua));
        assert_non_null(strstr(s.err.text, "is no name of a module"));
    }
    assert_false(run(&s, "require 'a\\0b'"));
    assert_false(run(&s, "require(('a'):rep(101))"));
    assert_string_equal(s.err.text,
                        "carts/x.lua:1: \"(long text)\" is no name of a module: use a-z, 0-9, _ and - in "
                        "parts joined by dots, 100 bytes at most");
    assert_false(run(&s, "require(1)"));
    assert_false(run(&s, "require(nil)"));
    assert_int_equal(s.loads, 0);
    assert_false(run(&s, "require(('a'):rep(100))"));
    assert_int_equal(s.err.code, CW_NOT_FOUND);
    scripts_close(&s);
}

static void a_missing_module_says_where_it_was_looked_for(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "local x\nrequire 'carts.none'", CW_NOT_FOUND,
                  "carts/x.lua:2: module \"carts.none\" not found in the test");
    assert_prints(&s, "local ok, e = pcall(require, 'carts.none') print(ok, e.code, e)",
                  "false\tnot-found\tmodule \"carts.none\" not found in the test\n");
    s.host.load = NULL;
    cw_script_free(s.script);
    scripts_create(&s);
    assert_raises(&s, "require 'a'", CW_NOT_FOUND,
                  "carts/x.lua:1: module \"a\" not found: there are no files here");
    scripts_close(&s);
}

static void a_circle_names_its_chain(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "a", "return require 'b'" };
    s.modules[1] = (struct module){ "b", "return require 'c'" };
    s.modules[2] = (struct module){ "c", "return require 'b'" };
    s.modules[3] = (struct module){ "self", "return require 'self'" };
    s.modules[4] = (struct module){ "shy", "print(pcall(require, 'shy')) return 'shy'" };
    scripts_create(&s);
    assert_raises(&s, "require 'a'", CW_SCRIPT,
                  "c.lua:1: module \"b\" requires itself: b.lua:1 requires c, c.lua:1 requires b; take one "
                  "of these lines out");
    assert_raises(
        &s, "require 'self'", CW_SCRIPT,
        "self.lua:1: module \"self\" requires itself: self.lua:1 requires self; take one of these lines out");
    assert_prints(
        &s, "print(require 'shy')",
        "false\tmodule \"shy\" requires itself: shy.lua:1 requires shy; take one of these lines out\nshy\n");
    scripts_close(&s);
}

static void a_module_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "bad", "error('no settings')" };
    s.modules[1] = (struct module){ "broken", "local x = = 1" };
    s.modules[2] = (struct module){ "loops", "while true do pcall(error) end" };
    s.host.limits.instructions = 100000;
    scripts_create(&s);
    assert_raises(&s, "require 'bad'", CW_SCRIPT, "bad.lua:1: no settings");
    assert_raises(&s, "require 'bad'", CW_SCRIPT, "bad.lua:1: no settings");
    assert_int_equal(s.loads, 2);
    assert_int_equal(s.releases, 2);
    assert_raises(&s, "require 'broken'", CW_SCRIPT, "broken.lua:1: unexpected symbol near '='");
    assert_raises(&s, "pcall(require, 'loops') print('on')", CW_LIMIT,
                  "instruction limit of 100000 reached at loops.lua:1");
    assert_raises(&s, "require 'loops'", CW_LIMIT, "instruction limit of 100000 reached at loops.lua:1");
    assert_int_equal(s.loads, s.releases);
    scripts_close(&s);
}

/* --- modules of the host --- */

static int opened;

static int open_counter(lua_State *L)
{
    opened++;
    lua_pushinteger(L, *(int *)lua_touserdata(L, lua_upvalueindex(1)));
    return 1;
}

static void a_provided_module_is_opened_at_the_first_require(void **state)
{
    (void)state;
    struct scripts s;
    int context = 42;
    scripts_init(&s);
    s.modules[0] = (struct module){ "cartwright.thing", "return 'from text'" };
    scripts_create(&s);
    opened = 0;
    assert_ok(cw_script_provide(s.script, "cartwright.thing", open_counter, &context, &s.err), s.err);
    assert_int_equal(opened, 0);
    assert_prints(&s, "print(require 'cartwright.thing', require 'cartwright.thing')", "42\t42\n");
    assert_int_equal(opened, 1);
    assert_false(cw_script_provide(s.script, "cartwright.thing", open_counter, &context, &s.err));
    assert_string_equal(s.err.text, "module \"cartwright.thing\" is provided twice");
    assert_false(cw_script_provide(s.script, "../x", open_counter, &context, &s.err));
    assert_int_equal(s.err.code, CW_USAGE);
    scripts_close(&s);
}

static bool load_as_library(void *arg, const char *name, struct cw_slice *source, char chunk_name[128],
                            struct cw_error *err)
{
    if (!load_text(arg, name, source, chunk_name, err))
        return false;
    if (strncmp(name, "cartwright.", 11) == 0)
        snprintf(chunk_name, 128, "scripts/cartwright/%s.lua", name + 11);
    return true;
}

static void native_modules_are_for_the_library_only(void **state)
{
    (void)state;
    struct scripts s;
    int context = 1;
    scripts_init(&s);
    s.host.load = load_as_library;
    s.modules[0] =
        (struct module){ "cartwright.http", "local n = require 'cartwright.native.http' return n + 1" };
    s.modules[1] = (struct module){ "cartwright.tail", "return require 'cartwright.native.http'" };
    s.modules[2] = (struct module){ "cartwright.later",
                                    "return function() return require 'cartwright.native.http' end" };
    s.modules[3] = (struct module){ "carts.sly", "return require 'cartwright.native.http'" };
    scripts_create(&s);
    assert_ok(cw_script_provide(s.script, "cartwright.native.http", open_counter, &context, &s.err), s.err);
    static const char refusal[] =
        "module \"cartwright.native.http\" is for the runtime's own library only: require what "
        "it offers, such as \"cartwright.http\"";
    char expected[300];
    snprintf(expected, sizeof expected, "carts/x.lua:1: %s", refusal);
    assert_raises(&s, "require 'cartwright.native.http'", CW_SCRIPT, expected);
    snprintf(expected, sizeof expected, "carts/sly.lua:1: %s", refusal);
    assert_raises(&s, "require 'carts.sly'", CW_SCRIPT, expected);
    assert_prints(
        &s, "print(require 'cartwright.http', require 'cartwright.tail', require 'cartwright.later' ())",
        "2\t1\t1\n");
    assert_false(
        run(&s, "require 'cartwright.native.http'")); /* loaded by now, and still not for everybody */
    assert_false(run(&s, "pcall(require, 'cartwright.native.http') local ok, why = pcall(require, "
                         "'cartwright.native.http') error(why, 0)"));
    assert_string_equal(s.err.text, refusal);
    assert_false(run(&s, "coroutine.wrap(require)('cartwright.native.http')"));
    assert_false(run(
        &s,
        "setmetatable({}, { __index = function(_, k) return require(k) end })['cartwright.native.http']()"));
    assert_false(run(&s, "table.sort({ 'cartwright.native.http', 'cartwright.native.http' }, require)"));
    scripts_close(&s);
}

static void a_long_chunk_name_is_cut(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.modules[0] = (struct module){ "carts.a-name-of-a-module-that-is-so-long-that-lua-shows-its-end-only",
                                    "error('here')" };
    scripts_create(&s);
    assert_false(run(&s, "require 'carts.a-name-of-a-module-that-is-so-long-that-lua-shows-its-end-only'"));
    assert_non_null(strstr(s.err.text, "end-only.lua:1: here"));
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_runs_once_and_gets_its_name),
        cmocka_unit_test(names_that_are_no_names_never_reach_the_host),
        cmocka_unit_test(a_missing_module_says_where_it_was_looked_for),
        cmocka_unit_test(a_circle_names_its_chain),
        cmocka_unit_test(a_module_that_fails_is_tried_again),
        cmocka_unit_test(a_provided_module_is_opened_at_the_first_require),
        cmocka_unit_test(native_modules_are_for_the_library_only),
        cmocka_unit_test(a_long_chunk_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
