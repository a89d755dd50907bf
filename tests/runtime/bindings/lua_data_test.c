/* lua_data_test.c - JSON, XML, nodes, files and log lines as scripts use them. */
#include "lua_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

static struct lua_bed bed;

#define J "local m = ... local json, D = m.json, m.decimal.new "
#define X "local m = ... local xml, D = m.xml, m.decimal.new "

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

/* --- JSON --- */

static void json_becomes_tables(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        J
        "local v = json.decode [[{\"a\":[1,2.50,null,true],\"b\":{\"c\":\"x\\u00e9\"},\"\":false}]] "
        "return #v.a, v.a[1], math.type(v.a[1]), v.a[2], m.decimal.is(v.a[2]), v.a[3] == json.null, v.a[3], "
        "v.a[4], v.b.c, v['']",
        "4|1|integer|2.50|true|true|null|true|x\xc3\xa9|false");
    assert_eval(&bed, J "return json.decode '5', json.decode '\"x\"', json.decode '\xEF\xBB\xBF[]'[1]",
                "5|x|nil");
    assert_eval(
        &bed, J "local v = json.decode '[1e3,-0.0,9223372036854775808,1e400]' return v[1], v[2], v[3], v[4]",
        "1000|0.0|9223372036854775808|1e400");
}

static void json_that_is_none_is_told_with_its_place(void **state)
{
    (void)state;
    static const char *const texts[] = { "",      "{",       "[1,]", "{\"a\":1,\"a\":2}", "01", "NaN",
                                         "[1] x", "\"\\q\"", "'x'",  "{\"a\":undefined}" };
    char chunk[200];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(chunk, sizeof chunk, J "local v, why, code = json.decode [==[%s]==] return v, code, why",
                 texts[i]);
        assert_contains(lua_bed_eval(&bed, chunk), "nil|invalid|");
    }
    assert_contains(lua_bed_eval(&bed, J "return select(2, json.decode '{\\n \"a\": x}')"), "line 2");
    assert_contains(lua_bed_eval(&bed, J "return select(2, json.decode(('['):rep(1000)))"), "deep");
}

static void tables_become_json(void **state)
{
    (void)state;
    assert_eval(&bed,
                J "return json.encode { b = 1, a = { 'x', true, json.null, D'1.50' }, ['c\"'] = 'y\\n' }",
                "{\"a\":[\"x\",true,null,1.50],\"b\":1,\"c\\\"\":\"y\\n\"}");
    assert_eval(&bed,
                J "return json.encode {}, json.encode(json.array {}), json.encode { {}, json.array { 1 } }",
                "{}|[]|[{},[1]]");
    assert_eval(&bed, J "return json.encode(json.decode '{\"l\":[],\"o\":{},\"n\":null}')",
                "{\"l\":[],\"n\":null,\"o\":{}}");
    assert_eval(&bed,
                J "return json.encode(2.0), json.encode(m.time.now()), json.encode(-9223372036854775807 - 1)",
                "2|\"2023-11-14T22:13:20Z\"|-9223372036854775808");
}

static void what_json_cannot_say_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_lua_error(&bed, J "return json.encode { order = { lines = { { price = 19.99 } } } }",
                     "at order.lines[1].price");
    assert_lua_error(&bed, J "return json.encode { 1, 2, x = 3 }", "list with holes");
    assert_lua_error(&bed, J "return json.encode { [1] = 1, [3] = 3 }", "holes");
    assert_lua_error(&bed, J "return json.encode { f = print }", "a function");
    assert_lua_error(&bed, J "return json.encode(0/0)", "float");
    assert_lua_error(&bed, J "return json.encode(1e300)", "float");
    assert_lua_error(&bed, J "return json.encode '\\xff'", "UTF-8");
    assert_lua_error(&bed, J "local t = {} t.t = t return json.encode(t)", "circle");
    assert_lua_error(&bed, J "return json.array(setmetatable({}, {}))", "metatable");
    assert_lua_error(&bed, J "return json.encode { a = m.file('<a/>'):xml() }", "a Node");
    assert_lua_error(&bed, J "return json.encode()", "value expected");
}

/* --- XML and nodes --- */

static void nodes_are_read_by_paths(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        X
        "local order = xml.parse [[<?xml version='1.0'?><order id='5'><total> 63.010 </total>"
        "<rows><row><sku>a&amp;b</sku></row><row><sku/></row></rows><n>12</n></order>]] "
        "local names = {} for row in order:each 'rows/row' do names[#names + 1] = row:text 'sku' or '-' end "
        "return order:name(), order:text '@id', order:decimal 'total', order:integer 'n', order:text 'none', "
        "order:node 'rows/row[2]':name(), order:node 'none', table.concat(names, ','), order:node 'n':text()",
        "order|5|63.010|12|nil|row|nil|a&b,-|12");
}

static void a_value_of_the_wrong_kind_names_its_path(void **state)
{
    (void)state;
    assert_lua_error(&bed, X "return xml.parse '<o><t>12,50</t></o>':decimal 't'", "path t");
    assert_lua_error(&bed, X "return xml.parse '<o><t>1.5</t></o>':integer 't'", "no integer");
    assert_lua_error(&bed, X "return xml.parse '<o/>':text 'a['", "path \"a[\"");
    assert_lua_error(&bed, X "return xml.parse '<o/>':node()", "string expected");
    assert_lua_error(&bed, X "return xml.parse '<o/>':text(5)", "string expected");
    assert_contains(lua_bed_eval(&bed, X "return xml.parse '<o><a></o>'"), "nil|");
    assert_contains(lua_bed_eval(&bed, X "return xml.parse '<!DOCTYPE o [<!ENTITY a \"b\">]><o>&a;</o>'"),
                    "nil|");
    assert_contains(lua_bed_eval(&bed, X "return xml.parse ''"), "nil|");
    assert_contains(lua_bed_eval(&bed, X "return xml.parse 'hello'"), "nil|");
}

static void a_node_keeps_its_tree_and_paths_by_the_thousand_are_fine(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        X "local kept = {} for i = 1, 50 do kept[i] = xml.parse('<a><b>' .. i .. '</b></a>'):node 'b' end "
          "for i = 1, 3000 do kept[1]:text('x' .. i) end "
          "local sum = 0 for i = 1, 50 do sum = sum + kept[i]:integer() end return sum",
        "1275");
}

struct mapping {
    struct cw_scope scope;
    struct cw_lua_scope *ticket;
};

static int keep_node(lua_State *L)
{
    struct mapping *mapping = lua_touserdata(L, 1);
    mapping->ticket = cw_lua_push_scope(L, &mapping->scope, 0);
    lua_getfield(L, -1, "node");
    lua_pushvalue(L, -2);
    lua_pushliteral(L, "$part");
    lua_call(L, 2, 1); /* a second handle over the same scope */
    lua_setfield(L, LUA_REGISTRYINDEX, "kept");
    return 0;
}

static int use_node(lua_State *L)
{
    struct lua_bed *used = lua_touserdata(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "kept");
    lua_getfield(L, -1, "text");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    snprintf(used->result, sizeof used->result, "%s", lua_tostring(L, -1));
    return 0;
}

static void a_node_of_a_closed_scope_raises(void **state)
{
    (void)state;
    struct cw_node *record = calloc(1, sizeof *record), *part = calloc(1, sizeof *part);
    *record = (struct cw_node){ .kind = CW_NODE_OBJECT };
    *part = (struct cw_node){ .kind = CW_NODE_TEXT, .text = cw_slice("hello") };
    struct cw_part parts[] = { { cw_slice("part"), part } };
    struct mapping mapping = { .scope = { record, parts, 1 } };
    assert_ok(cw_script_call(bed.script, keep_node, &mapping, &bed.err), bed.err);
    assert_ok(cw_script_call(bed.script, use_node, &bed, &bed.err), bed.err);
    assert_string_equal(bed.result, "hello");
    cw_lua_close_scope(mapping.ticket);
    free(record);
    free(part);
    assert_false(cw_script_call(bed.script, use_node, &bed, &bed.err));
    assert_contains(bed.err.text, "gone");
}

static void tables_become_xml(void **state)
{
    (void)state;
    assert_eval(&bed, X "return xml.write { 'order', id = '5', { 'state', '4' } }",
                "<order id=\"5\"><state>4</state></order>");
    assert_eval(&bed,
                X "return xml.write { 'a', z = 1, b = D'2.50', 'x < y ', { 'i', true }, ' & ', { 'e' } }",
                "<a b=\"2.50\" z=\"1\">x &lt; y <i>true</i> &amp; <e/></a>");
    assert_eval(
        &bed, X "return xml.write({ 'a', { 'b', 1 }, { 'c', { 'd' } } }, { indent = 2, declaration = true })",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n  <b>1</b>\n  <c>\n    <d/>\n  </c>\n</a>");
    assert_eval(&bed,
                X "local t = { 'a', k = '\"<&>\\'', 'x]]>' } local n = xml.parse(xml.write(t)) "
                  "return n:text '@k', n:text()",
                "\"<&>'|x]]>");
}

static void what_xml_cannot_hold_is_refused(void **state)
{
    (void)state;
    assert_lua_error(&bed, X "return xml.write { 'a', '\\1' }", "");
    assert_lua_error(&bed, X "return xml.write { 'a b' }", "no name of an element");
    assert_lua_error(&bed, X "return xml.write { '1a' }", "no name of an element");
    assert_lua_error(&bed, X "return xml.write { 'a', ['b c'] = 1 }", "no name of an attribute");
    assert_lua_error(&bed, X "return xml.write { 'a', 1.5 }", "not exact");
    assert_lua_error(&bed, X "return xml.write { 'a', print }", "a function in <a>");
    assert_lua_error(&bed, X "return xml.write { 'a', [5] = 'x' }", "hole");
    assert_lua_error(&bed, X "return xml.write {}", "first item");
    assert_lua_error(&bed, X "local t = { 'a' } t[2] = t return xml.write(t)", "circle");
}

/* --- files and records --- */

static void a_file_is_read_like_an_answer(void **state)
{
    (void)state;
    assert_eval(&bed,
                X "local f = m.file '<s><o><id>1</id></o><o><id>2</id></o></s>' local r = f:records 'o' "
                  "local ids = {} for o in r:each() do ids[#ids + 1] = o:text 'id' end "
                  "return f.status, f.address, f:header 'x', #r, table.concat(ids, ','), r:ends()",
                "200|import.xml|nil|2|1,2|1|2");
    assert_eval(
        &bed,
        X "return m.file '{\"a\":[1,2]}':json().a[2], m.file '{\"a\":{\"b\":3}}':json_node():integer 'a/b', "
          "m.file 'x':text(), m.file(''):text()",
        "2|3|x|");
}

static void content_that_is_something_else_is_quoted(void **state)
{
    (void)state;
    assert_lua_error(&bed, X "return m.file '\\n<!DOCTYPE html><html>log in\\nhere':records 'o'",
                     "import.xml: ");
    assert_contains(bed.err.text, "<!DOCTYPE html><html>log in");
    assert_null(strstr(bed.err.text, "second"));
    assert_lua_error(&bed, X "return m.file 'Fatal error\\27[1m: x':json()",
                     "begins: \"Fatal error\\x1b[1m: x\"");
    assert_lua_error(&bed, X "return m.file '':json()", "empty");
    assert_lua_error(&bed, X "return m.file '  ':xml()", "empty");
    assert_lua_error(&bed, X "return m.file 'null':records '.'", "null");
    assert_lua_error(&bed, X "return m.file '{\"error\":\"no\"}':xml()", "error");
    assert_lua_error(&bed, X "return m.file '{\"orders\":[{\"id\":1},':records 'orders'", "end");
    assert_lua_error(&bed, X "return m.file '[]':records 'a//b'", "path");
}

static void a_body_goes_to_its_records_once(void **state)
{
    (void)state;
    assert_eval(&bed,
                X
                "local f = m.file '[{\"id\":7}]' local node = f:json_node() local r = f:records('.') f = nil "
                "local again = r:append(m.file '[{\"id\":8}]':records '.') return #r, node:name(), r:ends()",
                "2||7|8");
    assert_lua_error(&bed, X "local f = m.file '[]' f:records '.' return f:text()",
                     "handed to response:records");
    assert_lua_error(&bed, X "local f = m.file '[]' f:records '.' return f:records '.'",
                     "handed to response:records");
    assert_lua_error(&bed, X "local f = m.file 'x' pcall(f.records, f, '.') return f:json()", "handed");
}

static void records_join_and_tell_pages_apart(void **state)
{
    (void)state;
    assert_eval(&bed,
                X
                "local function R(t) return m.file(t):records '.' end "
                "local orders = R '[{\"id\":1,\"c\":7},{\"id\":2,\"c\":0},{\"id\":3,\"c\":7}]' "
                "orders:attach('customer', R '[{\"id\":7,\"name\":\"Ann\"}]', 'c', 'id') "
                "local out = {} for o in orders:each() do out[#out + 1] = o:text '$customer/name' or '-' end "
                "local ids = orders:collect('c', 'id') "
                "return table.concat(out, ','), table.concat(ids, ','), "
                "orders:fingerprint() == R '[{\"id\":1},{\"id\":2},{\"id\":3}]':fingerprint(), "
                "#orders:fingerprint(), "
                "R '[]':ends()",
                "Ann,-,Ann|7,1,2,3|true|64");
    assert_lua_error(&bed, X "local r = m.file '[]':records '.' r:append(r)", "themselves");
    assert_lua_error(&bed, X "m.file '[]':records '.':collect()", "paths");
    assert_lua_error(&bed, X "m.file '[]':records '.':attach('x', 5, 'a', 'b')", "cartwright.Records");
    assert_lua_error(&bed, X "local r = m.file '[]':records '.' r:attach('x', m.file '[]':records '.', 'a')",
                     "two paths");
    assert_eval(&bed,
                X
                "local r = m.file '[{\"id\":1}]':records '.' r:attach('x', m.file '[{\"n\":5}]':records '.') "
                "for o in r:each() do return o:integer '$x/n' end",
                "5");
}

static void a_node_of_each_is_gone_after_its_step(void **state)
{
    (void)state;
    assert_lua_error(&bed,
                     X "local first for o in m.file '[{\"id\":1},{\"id\":2}]':records '.':each() do "
                       "first = first or o end return first:text 'id'",
                     "gone");
    assert_eval(&bed,
                X "local n = 0 for o in m.file '[{\"id\":1},{\"id\":02},{\"id\":3}]':records '.':each() do "
                  "n = n + o:integer 'id' end return n",
                "4");
}

size_t
__sanitizer_get_current_allocated_bytes(void); /* of the address sanitizer, which every test runs under */

/* Sixty bodies of 2 MB through a small state: the collector must be told of what it cannot see. */
static void large_answers_do_not_pile_up(void **state)
{
    (void)state;
    size_t before = __sanitizer_get_current_allocated_bytes();
    assert_eval(&bed,
                X "local one = '\"' .. ('x'):rep(1000) .. '\"' local text = '[' .. (one .. ','):rep(2000) .. "
                  "one .. ']' "
                  "for i = 1, 60 do m.file(text):records('.', '.') end "
                  "for i = 1, 60 do m.file(text):json_node() end return 'ok'",
                "ok");
    assert_true(__sanitizer_get_current_allocated_bytes() - before < 32 * 1024 * 1024);
}

/* --- log --- */

static char *logged;
static size_t logged_len;

static FILE *log_file;

static void open_log(void)
{
    log_file = open_memstream(&logged, &logged_len);
    cw_log_configure((struct cw_log_config){ log_file, CW_LOG_INFO, CW_LOG_LOGFMT, cw_loop_clock(bed.loop) });
}

static void close_log(void)
{
    fclose(log_file);
    cw_log_configure((struct cw_log_config){ .out = NULL });
}

static void a_log_line_has_its_fields_in_order_and_no_secret(void **state)
{
    (void)state;
    cw_secret_remember(cw_slice(BED_SECRET));
    open_log();
    lua_bed_eval(
        &bed, "local m = ... m.log.info('page', { read = 250, b = m.decimal.new '1.50', at = m.time.now(), "
              "key = m.secret 'shop.key', f = 0.5, t = {}, text = 'a\\nlevel=error', ok = true, "
              "leak = '" BED_SECRET "' }) m.log.debug 'quiet' m.log.warning 'plain'");
    close_log();
    assert_contains(
        logged, "level=info event=page cart=shop at=2023-11-14T22:13:20Z b=1.50 f=0.5 key=secret(shop.key) "
                "leak=*** ok=true read=250 t=table text=\"a\\nlevel=error\"\n");
    assert_contains(logged, "level=warning event=plain cart=shop\n");
    assert_null(strstr(logged, "quiet"));
    free(logged);
    assert_lua_error(&bed, "local m = ... m.log.info('')", "short word");
    assert_lua_error(&bed, "local m = ... m.log.info(('x'):rep(65))", "short word");
    assert_lua_error(&bed, "local m = ... m.log.info('x', { 'y' })", "names");
}

static unsigned count_lines(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        count++;
    return count;
}

static void a_flood_of_lines_is_capped_and_told(void **state)
{
    (void)state;
    open_log();
    lua_bed_fiber(&bed,
                  "local m = ... for i = 1, 20000 do m.log.info('flood', { i = i }) end m.time.sleep(61) "
                  "m.log.info 'after' for i = 1, 1500 do m.log.info 'flood' end");
    lua_bed_close(&bed);
    assert_int_equal(count_lines(logged, "event=flood"), 1000 + 999);
    assert_int_equal(count_lines(logged, "event=log-lines-dropped cart=shop count=19000"), 1);
    assert_int_equal(count_lines(logged, "event=log-lines-dropped cart=shop count=501"), 1);
    assert_int_equal(count_lines(logged, "event=after"), 1);
    start(NULL);
    close_log();
    free(logged);
}

static void a_line_of_a_thousand_fields_is_cut_and_told(void **state)
{
    (void)state;
    open_log();
    lua_bed_eval(&bed, "local m = ... local t = {} for i = 1, 1000 do t['f' .. i] = ('x'):rep(i) end "
                       "m.log.info('wide', t) m.log.info('long', { f = ('y'):rep(1000000) })");
    close_log();
    assert_true(logged_len <= 2 * CW_LOG_LINE_MAX);
    assert_int_equal(count_lines(logged, "\n"), 2);
    free(logged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_becomes_tables, start, stop),
        cmocka_unit_test_setup_teardown(json_that_is_none_is_told_with_its_place, start, stop),
        cmocka_unit_test_setup_teardown(tables_become_json, start, stop),
        cmocka_unit_test_setup_teardown(what_json_cannot_say_is_refused_with_its_place, start, stop),
        cmocka_unit_test_setup_teardown(nodes_are_read_by_paths, start, stop),
        cmocka_unit_test_setup_teardown(a_value_of_the_wrong_kind_names_its_path, start, stop),
        cmocka_unit_test_setup_teardown(a_node_keeps_its_tree_and_paths_by_the_thousand_are_fine, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_node_of_a_closed_scope_raises, start, stop),
        cmocka_unit_test_setup_teardown(tables_become_xml, start, stop),
        cmocka_unit_test_setup_teardown(what_xml_cannot_hold_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(a_file_is_read_like_an_answer, start, stop),
        cmocka_unit_test_setup_teardown(content_that_is_something_else_is_quoted, start, stop),
        cmocka_unit_test_setup_teardown(a_body_goes_to_its_records_once, start, stop),
        cmocka_unit_test_setup_teardown(records_join_and_tell_pages_apart, start, stop),
        cmocka_unit_test_setup_teardown(a_node_of_each_is_gone_after_its_step, start, stop),
        cmocka_unit_test_setup_teardown(large_answers_do_not_pile_up, start, stop),
        cmocka_unit_test_setup_teardown(a_log_line_has_its_fields_in_order_and_no_secret, start, stop),
        cmocka_unit_test_setup_teardown(a_flood_of_lines_is_capped_and_told, start, stop),
        cmocka_unit_test_setup_teardown(a_line_of_a_thousand_fields_is_cut_and_told, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
