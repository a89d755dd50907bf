/* lua_values_test.c - decimals, times and secrets as scripts use them. */
#include "lua_bed.h"

#include "base/log.h"
#include "base/secret.h"

static struct lua_bed bed;

#define D "local m = ... local decimal, D = m.decimal, m.decimal.new "
#define T "local m = ... local time = m.time "

static int start(void **state)
{
    (void)state;
    bed = (struct lua_bed){ 0 };
    return lua_bed_open(&bed) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    lua_bed_close(&bed);
    return 0;
}

static void decimals_are_exact(void **state)
{
    (void)state;
    assert_eval(&bed, D "return D'0.1' + D'0.2', D'1.50', -D'2', D'1.10' * 3, 1 - D'0.01', D'9' .. ' EUR'",
                "0.3|1.50|-2|3.30|0.99|9 EUR");
    assert_eval(&bed, D "return D'1.5' == D'1.50', D'2' < 3, 3 <= D'3.0', D'1' > D'0.99', D'1' == D'2'",
                "true|true|true|true|false");
    assert_eval(&bed,
                D "return D'2.675':round(2), D'2.675':round(2, 'half-even'), D'-1':divide(3, 4, 'floor')",
                "2.68|2.68|-0.3334");
    assert_eval(&bed, D "return D'5.00':integer(), D'5.01':integer(), D'1':compare(2), D'0.00':is_zero()",
                "5|nil|-1|true");
    assert_eval(&bed, D "return decimal.is(D'1'), decimal.is(1), decimal.is('1'), D(7), D(D'8.0'), D' 3 '",
                "true|false|false|7|8.0|3");
}

static void decimals_are_read_as_a_shop_writes_them(void **state)
{
    (void)state;
    assert_eval(&bed, D "return D('1.234,56', '1.234,56'), D(' 5,00 ', '1234,56'), D(7, '1.234,56')",
                "1234.56|5.00|7");
    assert_contains(lua_bed_eval(&bed, D "return D('12.5', '1.234,56')"),
                    "nil|\"12.5\" is no number written like 1.234,56|invalid");
    assert_lua_error(&bed, D "return D('12.5', '#.##0,00')", "is no format of numbers");
}

static void ids_and_amounts_keep_every_digit(void **state)
{
    (void)state;
    static const char *const texts[] = { "9007199254740991",
                                         "9007199254740992",
                                         "9007199254740993",
                                         "9223372036854775807",
                                         "9223372036854775808",
                                         "123456789012345678901234567890",
                                         "0.00000000000000000001",
                                         "19.990",
                                         "-0.10" };
    char chunk[200];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(chunk, sizeof chunk, D "return D'%s'", texts[i]);
        assert_eval(&bed, chunk, texts[i]);
        snprintf(chunk, sizeof chunk, "local m = ... return m.json.encode(m.json.decode '[%s]')", texts[i]);
        snprintf(bed.printed, sizeof bed.printed, "[%s]", texts[i]);
        assert_eval(&bed, chunk, bed.printed);
    }
}

static void what_is_no_decimal_is_told(void **state)
{
    (void)state;
    assert_contains(lua_bed_eval(&bed, D "return D'12,50'"), "nil|");
    assert_contains(lua_bed_eval(&bed, D "return D'1e99'"), "|overflow");
    assert_lua_error(&bed, D "return D(19.99)", "write decimal.new \"19.99\"");
    assert_lua_error(&bed, D "return D'1' + 0.5", "float");
    assert_lua_error(&bed, D "return 2.0 < D'1'", "float");
    assert_lua_error(&bed, D "return D'1' + '2'", "string");
    assert_lua_error(&bed, D "return D'1' / 3", "divide(");
    assert_lua_error(&bed, D "return D'1':divide(0, 2)", "zero");
    assert_lua_error(&bed, D "return D(nil)", "nil");
    assert_lua_error(&bed, D "return D'1':round(39)", "0 to 38");
    assert_lua_error(&bed, D "return D'1':round(2, 'nearest')", "half-up");
    assert_lua_error(&bed, D "return D'1' .. nil", "nil");
    assert_lua_error(&bed, D "return D'99999999999999999999999999999999999999' + 1", "carts/test.lua:1");
}

static void an_error_has_a_code_and_a_place(void **state)
{
    (void)state;
    assert_eval(&bed,
                D "local ok, e = pcall(function()\n return D'1':divide(0, 2)\nend)\n"
                  "return ok, e.code, e.where, tostring(e) == e.where .. ': ' .. e.message, getmetatable(e)",
                "false|invalid|carts/test.lua:2|true|locked");
}

static void objects_cannot_be_taken_apart(void **state)
{
    (void)state;
    assert_eval(&bed,
                D "return getmetatable(D'1'), getmetatable(m.time.now()), getmetatable(m.secret 'shop.key')",
                "locked|locked|locked");
    assert_lua_error(&bed, D "return D'1'.round(m.time.now(), 2)", "cartwright.Decimal");
    assert_lua_error(&bed, D "return m.time.now().add(D'1', 2)", "cartwright.Time");
    assert_lua_error(&bed, D "setmetatable(D'1', {})", "table expected");
}

static void times_are_instants(void **state)
{
    (void)state;
    assert_eval(&bed,
                T "return time.now(), time.now():add(-60), time.parse('2024-03-31 02:30:00', 'Europe/Paris')",
                "2023-11-14T22:13:20Z|2023-11-14T22:12:20Z|2024-03-31T01:30:00Z");
    assert_eval(&bed,
                T "return time.parse('2024-01-31T10:00:00+02:00'):format('%d.%m.%Y %H:%M %z', 'Asia/Tokyo')",
                "31.01.2024 17:00 +0900");
    assert_eval(&bed,
                T
                "local a, b = time.parse '2024-01-01T00:00:00Z', time.parse '2024-01-01T00:00:00.250Z' "
                "return b - a, a - b, a < b, a <= a, a == time.parse '2024-01-01T01:00:00+01:00', 'at ' .. a",
                "0.25|-0.25|true|true|true|at 2024-01-01T00:00:00Z");
    assert_contains(lua_bed_eval(&bed, T "return time.parse '2024-01-01 10:00:00'"), "nil|");
    assert_eval(&bed, T "return time.parse('31.12.2026 14:05', 'Europe/Berlin', '%d.%m.%Y %H:%M')",
                "2026-12-31T13:05:00Z");
    assert_contains(lua_bed_eval(&bed, T "return time.parse('31.12.2026', 'UTC', '%Y-%m-%d')"),
                    "nil|\"31.12.2026\" is no time written like %Y-%m-%d|invalid");
    assert_lua_error(&bed, T "return time.parse('31.12.2026', 'UTC', 'dd.mm.yyyy')", "is no format of times");
    assert_contains(lua_bed_eval(&bed, T "return time.parse('2024-01-01', 'Mars/Crater')"), "Mars/Crater");
    assert_lua_error(&bed, T "return time.now() < 5", "add(seconds)");
    assert_lua_error(&bed, T "return time.now():add(1 << 62)", "9999");
    assert_lua_error(&bed, T "return time.now():add(0.5)", "integer");
    assert_lua_error(&bed, T "return time.now():format '%Q'", "%Q");
    assert_lua_error(&bed, T "return time.now():format(('x'):rep(600))", "");
    assert_lua_error(&bed, T "return time.now():format('%Y', 'Nowhere')", "Nowhere");
}

static void sleeping_takes_its_time_and_lets_others_run(void **state)
{
    (void)state;
    assert_string_equal(lua_bed_fiber(&bed, T "local a = time.now() time.sleep(90) time.sleep(0.5) "
                                              "time.sleep(m.decimal.new '1.25') return time.now() - a"),
                        "91.75");
    assert_lua_error(&bed, T "time.sleep(-1)", "0 to 86400");
    assert_lua_error(&bed, T "time.sleep(0/0)", "0 to 86400");
    assert_lua_error(&bed, T "time.sleep(1)", "wait");
}

static void a_sleeping_fiber_can_be_killed(void **state)
{
    (void)state;
    struct cw_fiber *fiber =
        lua_bed_start(&bed, T "local c <close> = setmetatable({}, { __close = function() "
                              "print 'closed' end }) time.sleep(3600) print 'woke'");
    cw_script_run(bed.script);
    cw_fiber_kill(fiber);
    lua_bed_run(&bed);
    assert_false(bed.ended);
    assert_string_equal(bed.printed, "closed\n");
    assert_int_equal(cw_now(cw_loop_clock(bed.loop)), 1700000000 * CW_SECOND);
}

static void here_names_the_line_it_stands_in(void **state)
{
    (void)state;
    assert_eval(&bed,
                "local m = ... local here = m.here\n"
                "local function describe() return (here()) end\n"
                "local a = here()\n"
                "local b = describe()\n"
                "return a, b",
                "carts/test.lua:3|carts/test.lua:2");
}

static void a_secret_has_no_text(void **state)
{
    (void)state;
    cw_secret_remember(cw_slice(BED_SECRET));
    static const char *const doors[] = {
        "return s .. ''",
        "return '' .. s",
        "return m.decimal.new '1' .. s",
        "return #s",
        "return s.text",
        "return s:text()",
        "return s + 1",
        "return -s",
        "return s()",
        "return ('x'):rep(s)",
        "return string.len(s)",
        "return string.byte(s)",
        "return s < s",
        "return table.concat { s }",
        "return utf8.char(s)",
        "return tonumber(s, 16)",
        "return m.json.encode(s)",
        "return m.json.encode { a = { s } }",
        "return m.json.encode { [s] = 1 }",
        "return m.json.decode(s)",
        "return m.xml.write { 'a', s }",
        "return m.xml.write { 'a', key = s }",
        "return m.xml.write { s }",
        "return m.xml.parse(s)",
        "return m.decimal.new(s)",
        "return m.time.parse(s)",
        "return m.time.now():format('%Y', s)",
        "for k in pairs(s) do return k end",
        "return next(s)",
        "return rawget(s, 1)",
        "return setmetatable({}, s)",
        "return m.file(''):header(s)",
        "error(s)",
        "error({ s })",
        "m.http.client('x', { base = s })",
        "m.http.client('x', { base = 'http://h/', rate = s })",
        "m.log.info(s)",
        "m.decimal.new(s)",
        "m.secret(s)",
        "require(s)",
    };
    char chunk[400];
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        snprintf(chunk, sizeof chunk, "local m = ... local s = m.secret 'shop.key' %s", doors[i]);
        bed.err.text[0] = bed.result[0] = '\0';
        if (lua_bed_call(&bed, chunk))
            fail_msg("no error for: %s gave %s", doors[i], bed.result);
        assert_null(strstr(bed.err.text, BED_SECRET));
    }
}

static void a_secret_shows_only_its_name(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        "local m = ... local s = m.secret 'shop.key' print(s) "
        "local ok, e = pcall(error, s) "
        "return tostring(s), ('%s'):format(s), tostring(e), type(s), s == m.secret 'shop.key', math.type(s)",
        "secret(shop.key)|secret(shop.key)|secret(shop.key)|userdata|true|nil");
    assert_string_equal(bed.printed, "secret(shop.key)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decimals_are_exact, start, stop),
        cmocka_unit_test_setup_teardown(decimals_are_read_as_a_shop_writes_them, start, stop),
        cmocka_unit_test_setup_teardown(ids_and_amounts_keep_every_digit, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_decimal_is_told, start, stop),
        cmocka_unit_test_setup_teardown(an_error_has_a_code_and_a_place, start, stop),
        cmocka_unit_test_setup_teardown(objects_cannot_be_taken_apart, start, stop),
        cmocka_unit_test_setup_teardown(times_are_instants, start, stop),
        cmocka_unit_test_setup_teardown(sleeping_takes_its_time_and_lets_others_run, start, stop),
        cmocka_unit_test_setup_teardown(a_sleeping_fiber_can_be_killed, start, stop),
        cmocka_unit_test_setup_teardown(here_names_the_line_it_stands_in, start, stop),
        cmocka_unit_test_setup_teardown(a_secret_has_no_text, start, stop),
        cmocka_unit_test_setup_teardown(a_secret_shows_only_its_name, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
