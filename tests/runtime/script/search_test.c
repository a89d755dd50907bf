/* search_test.c - patterns: held against those of the standard library, and the bound that it does not have.
 */
#include "scripts.h"

#include <lualib.h>

/* --- the same answers as the standard library --- */

static const char probe[] = "local kind, s, p, extra = ...\n"
                            "local function pack(...) local t = {n = select('#', ...), ...}\n"
                            "  for i = 1, t.n do t[i] = tostring(t[i]) end return table.concat(t, '|') end\n"
                            "local out\n"
                            "if kind == 'gmatch' then out = {}\n"
                            "  for a, b in string.gmatch(s, p, extra) do out[#out + 1] = pack(a, b) end out "
                            "= table.concat(out, ';')\n"
                            "else out = pack(string[kind](s, p, extra)) end\n"
                            "return out";

struct question {
    const char *kind, *subject, *pattern, *replacement;
    lua_Integer init;
    char answer[4096];
};

/* function kind subject pattern extra -> answer; both libraries are asked by the same Lua code. */
static int ask(lua_State *L)
{
    struct question *q = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, probe, sizeof probe - 1, "@probe", "t") != LUA_OK)
        lua_error(L);
    lua_pushstring(L, q->kind);
    lua_pushstring(L, q->subject);
    lua_pushstring(L, q->pattern);
    if (q->replacement != NULL)
        lua_pushstring(L, q->replacement);
    else
        lua_pushinteger(L, q->init);
    lua_call(L, 4, 1);
    snprintf(q->answer, sizeof q->answer, "%s", lua_tostring(L, -1));
    return 0;
}

static bool ask_standard(lua_State *L, struct question *q)
{
    lua_pushcfunction(L, ask);
    lua_pushlightuserdata(L, q);
    bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
    lua_settop(L, 0);
    return ok;
}

static void compare_one(struct scripts *s, lua_State *standard, struct question q)
{
    struct question expected = q;
    bool ours = cw_script_call(s->script, ask, &q, &s->err);
    bool theirs = ask_standard(standard, &expected);
    if (ours && theirs && strcmp(q.answer, expected.answer) == 0)
        return;
    if (!ours && (!theirs || strstr(s->err.text, "malformed") != NULL))
        return; /* ours refuses what is malformed even where the other would not have come to it */
    fail_msg("%s(\"%s\", \"%s\"): %s, not %s", q.kind, q.subject, q.pattern, ours ? q.answer : s->err.text,
             theirs ? expected.answer : "an error");
}

static void compare(struct scripts *s, lua_State *standard, const char *subject, const char *pattern,
                    int init)
{
    static const char *const kinds[] = { "find", "match", "gmatch" };
    for (int i = 0; i < 3; i++)
        compare_one(s, standard, (struct question){ kinds[i], subject, pattern, NULL, init, "" });
    compare_one(s, standard, (struct question){ "gsub", subject, pattern, "<%0%1>", 0, "" });
    compare_one(s, standard, (struct question){ "gsub", subject, pattern, "<%%>", 0, "" });
}

static void patterns_answer_as_in_the_manual(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "hello world", "o w" },
        { "hello world", "(l+)(o?)" },
        { "  trim  ", "^%s*(.-)%s*$" },
        { "2024-05-06T07:08:09", "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)" },
        { "THE (quick) fox", "%((%a+)%)" },
        { "f(a(b)c)d)", "%b()" },
        { "THE (quick) fox", "%f[%a]%a+" },
        { "\"x\" 'y'", "([\"'])(.-)%1" },
        { "", "" },
        { "", ".-" },
        { "abc", "" },
        { "abc", "()b()" },
        { "a.b", "%." },
        { "a]b", "[]]" },
        { "a-b", "[a-]+" },
        { "a^b", "[b^]" },
        { "key = value", "^(%w+)%s*=%s*(%w+)$" },
        { "x", "^" },
        { "x", "$" },
        { "a$", "a$$" },
        { "aaa", "a-" },
        { "aaab", "a-b" },
        { "aXb", "%u" },
        { "0x1F", "%x+" },
        { "caf\xC3\xA9", "[\x80-\xFF]+" },
        { "a\tb", "%c" },
        { "aab", "^a*$" },
        { "abab", "(ab)%1" },
        { "a*b", "*" },
        { "x=1,y=2", "(%w)=(%w)" },
        { "abc", "((a)(b))" },
        { "axxb", "a.?.?.?b" },
    };
    struct scripts s;
    scripts_open(&s);
    lua_State *standard = luaL_newstate();
    luaL_openlibs(standard);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int init = -2; init <= 12; init += 7)
            compare(&s, standard, cases[i][0], cases[i][1], init);
    lua_close(standard);
    scripts_close(&s);
}

static void random_patterns_answer_as_in_the_standard_library(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a", "b",  ".",  "%a", "%d",    "%s", "[ab]", "[^a]", "[a-c1]", "(",
                                          ")", "()", "*",  "+",  "-",     "?",  "%1",   "%bab", "%f[%w]", "^",
                                          "$", "%",  "%.", "]",  "[%a-]", "1",  " ",    "%W",   "[%]]" };
    static const char letters[] = "aabbc1 .";
    struct scripts s;
    scripts_open(&s);
    lua_State *standard = luaL_newstate();
    luaL_openlibs(standard);
    struct cw_random random;
    cw_random_seed(&random, 42);
    int rounds = test_collector_always() ? 300 : 4000;
    for (int i = 0; i < rounds; i++) {
        char pattern[80] = "", subject[16] = "";
        for (uint64_t n = cw_random_below(&random, 7); n > 0; n--)
            strcat(pattern, pieces[cw_random_below(&random, sizeof pieces / sizeof pieces[0])]);
        for (uint64_t n = cw_random_below(&random, 12); n > 0; n--)
            subject[strlen(subject)] = letters[cw_random_below(&random, 8)];
        compare(&s, standard, subject, pattern, (int)cw_random_below(&random, 5) - 2);
    }
    lua_close(standard);
    scripts_close(&s);
}

/* --- bounds --- */

static void backtracking_gives_up(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local text = ('a'):rep(1000)\n"
                  "for _, name in ipairs { 'find', 'match' } do\n"
                  "  local ok, message = pcall(string[name], text, '.-.-.-.-.-.-b$')\n"
                  "  print(ok, message:sub(1, 44)) end\n"
                  "print(pcall(string.gsub, text, '.*.*.*.*.*b', '') == false)\n"
                  "print(pcall(string.gmatch(text, 'a*a*a*a*a*b')) == false)",
                  "false\tthe pattern has too many ways to match this \n"
                  "false\tthe pattern has too many ways to match this \n"
                  "true\ntrue\n");
    scripts_close(&s);
}

static void backtracking_counts_as_instructions(void **state)
{
    (void)state;
    struct scripts s;
    scripts_init(&s);
    s.host.limits.instructions = 3000000;
    scripts_create(&s);
    assert_raises(&s,
                  "local text = ('a'):rep(1000)\nwhile true do pcall(string.find, text, '.-.-.-.-b$') end",
                  CW_LIMIT, "instruction limit of 3000000 reached at carts/x.lua:2");
    scripts_close(&s);
}

static void a_linear_search_in_a_megabyte_is_fine(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "local text = ('word '):rep(200000) .. 'end'\n"
                  "print(text:find('e%a+$'), select(2, text:gsub('%s+', '')), text:find('end', 1, true))\n"
                  "local n = 0 for _ in text:gmatch('%a+') do n = n + 1 end print(n)",
                  "1000001\t200000\t1000001\t1000003\n200001\n");
    scripts_close(&s);
}

static void malformed_patterns_are_explained(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_raises(&s, "('x'):find('[a')", CW_SCRIPT,
                  "carts/x.lua:1: malformed pattern \"[a\": ']' is missing");
    assert_raises(&s, "('x'):find('a%')", CW_SCRIPT,
                  "carts/x.lua:1: malformed pattern \"a%\": it ends with '%'");
    assert_raises(&s, "('x'):find('(a')", CW_SCRIPT,
                  "carts/x.lua:1: malformed pattern \"(a\": a '(' has no ')'");
    assert_raises(&s, "('x'):match('a)')", CW_SCRIPT,
                  "carts/x.lua:1: malformed pattern \"a)\": a ')' has no '('");
    assert_raises(&s, "('x'):find('%bx')", CW_SCRIPT,
                  "carts/x.lua:1: malformed pattern \"%bx\": '%b' needs two characters");
    assert_raises(
        &s, "('x'):find('(a%1)')", CW_SCRIPT,
        "carts/x.lua:1: malformed pattern \"(a%1)\": it refers to a capture that is not complete there");
    assert_false(run(&s, "('x'):match(('a?'):rep(200))"));
    assert_non_null(strstr(s.err.text, "it is longer than 256 bytes"));
    assert_false(run(&s, "('x'):match(('()'):rep(33))"));
    assert_non_null(strstr(s.err.text, "it has more than 32 captures"));
    scripts_close(&s);
}

static void the_longest_patterns_fit(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "print((('x'):rep(256)):match(('x'):rep(256)) == ('x'):rep(256))\n"
                  "print((('1'):rep(128)):match(('%d'):rep(128)) == ('1'):rep(128))\n"
                  "print((('1'):rep(85)):match(('[1]'):rep(85)) == ('1'):rep(85))\n"
                  "print(select('#', ('x'):match(('()'):rep(32))))",
                  "true\ntrue\ntrue\n32\n");
    scripts_close(&s);
}

static void replacements_come_from_tables_and_functions(void **state)
{
    (void)state;
    struct scripts s;
    scripts_open(&s);
    assert_prints(&s,
                  "print(('$a $b $c'):gsub('%$(%w)', { a = 1, b = 'two' }))\n"
                  "print(('a b'):gsub('%w', function(c) if c == 'a' then return c:upper() end end))\n"
                  "print(('abc'):gsub('', '-'))\n"
                  "print(('abc'):gsub('%w', '%%%0', 2))\n"
                  "print(pcall(string.gsub, 'a', 'a', function() return {} end))\n"
                  "print(pcall(string.gsub, 'a', 'a', '%2'))\n"
                  "print(pcall(string.gsub, 'a', 'a', '%'))\n"
                  "print(('x'):rep(3):gsub('x', function(c) return (c:gsub('x', 'yz')) end))",
                  "1 two $c\t3\nA b\t2\n-a-b-c-\t4\n%a%bc\t2\n"
                  "false\ta table is no replacement: give a string or a number\n"
                  "false\tthe replacement refers to capture %2, which the pattern does not have\n"
                  "false\ta '%' in the replacement is followed by neither a digit nor '%'\n"
                  "yzyzyz\t3\n");
    scripts_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_answer_as_in_the_manual),
        cmocka_unit_test(random_patterns_answer_as_in_the_standard_library),
        cmocka_unit_test(backtracking_gives_up),
        cmocka_unit_test(backtracking_counts_as_instructions),
        cmocka_unit_test(a_linear_search_in_a_megabyte_is_fine),
        cmocka_unit_test(malformed_patterns_are_explained),
        cmocka_unit_test(the_longest_patterns_fit),
        cmocka_unit_test(replacements_come_from_tables_and_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
