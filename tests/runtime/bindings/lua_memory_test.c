/* lua_memory_test.c - every flow with its n-th allocation failing, for n = 1, 2, 3 and so on until it passes:
 * no crash, no panic, nothing left behind (the sanitizer and cw_script_free see to that). */
#include "lua_bed.h"

#include <stdio.h>

static struct lua_bed bed;

static bool run_once(const char *chunk, uint64_t fail_at)
{
    bed = (struct lua_bed){ .fail_allocation = fail_at };
    if (!lua_bed_open(&bed))
        return false;
    lua_bed_answer(
        &bed, (struct shop_answer){ .status = 200,
                                    .body = "{\"orders\":[{\"id\":1,\"t\":2.50},{\"id\":2}],\"n\":null}" });
    lua_bed_answer(&bed, (struct shop_answer){ .status = 200,
                                               .body = "<s><o><id>1</id></o><o><id>2</id></o></s>",
                                               .header = { "Link", "x" } });
    lua_bed_answer(&bed, (struct shop_answer){ .code = CW_TIMEOUT });
    bool started = lua_bed_start(&bed, chunk) != NULL;
    if (started)
        lua_bed_run(&bed);
    bool passed = started && bed.ended && !bed.failed;
    if (started && !bed.ended)
        fail_msg("allocation %d: the fiber waits for nothing", (int)fail_at);
    lua_bed_close(&bed);
    return passed;
}

static void assert_survives(const char *chunk)
{
    uint64_t n = 1, passed = 0;
    if (!run_once(chunk, 0))
        fail_msg("%s", bed.err.text);
    for (; passed < 20; n++) /* the last allocations may fail unnoticed, in what the chunk no longer needs */
        passed = run_once(chunk, n) ? passed + 1 : 0;
    assert_true(n > 50);
}

static void values(void **state)
{
    (void)state;
    assert_survives("local m = ... local D = m.decimal.new local d = (D'1.5' + 2) * D'3' - 1 "
                    "local s = tostring(d) .. d:round(1) .. d:divide(3, 5) "
                    "local t = m.time.parse('2024-01-01 10:00', 'Europe/Paris'):add(5) "
                    "pcall(D, 1.5) pcall(d.divide, d, 0, 2) m.time.sleep(1) "
                    "return s, t:format('%Y', '+02:00'), m.time.now() - t, m.here(), tostring(m.secret 'x')");
}

static void json_and_xml(void **state)
{
    (void)state;
    assert_survives(
        "local m = ... local v = m.json.decode '{\"a\":[1,2.50,{\"b\":null}],\"c\":\"x\"}' "
        "v.d = m.json.array {} local text = m.json.encode(v) "
        "local root = m.xml.parse(m.xml.write({ 'a', k = 1, { 'b', text }, { 'b', 'y' } }, { indent = 1 })) "
        "local out = {} for b in root:each 'b' do out[#out + 1] = b:text() end "
        "m.json.decode '[' m.xml.parse '<a>' pcall(m.json.encode, { { 0.5 } }) "
        "return root:text '@k', table.concat(out), root:node 'b':name()");
}

static void http_and_records(void **state)
{
    (void)state;
    assert_survives(
        "local m = ... local c = m.http.client('shop', { base = 'https://shop.example/', attempts = 1, "
        "basic = { m.secret 'shop.key', 'x' }, query = { k = m.secret 'shop.key' }, headers = { A = 'b' } }) "
        "local r = c:send { path = 'orders', query = { a = 1 }, headers = { B = 'c' } } "
        "local total = r:json().orders[1].t local orders = r:records 'orders' "
        "local a, why = c:all { { path = 'x' }, { path = 'y' } } "
        "local others = a[1]:records 'o' orders:attach('o', others, 'id', 'id') "
        "local out = {} for o in orders:each() do out[#out + 1] = o:text '$o/id' end "
        "orders:append(m.file '[{\"id\":3}]':records '.') local first, last = orders:ends() "
        "pcall(r.text, r) pcall(orders.append, orders, orders) c:close() "
        "return total, #orders, table.concat(orders:collect('id')), first, last, orders:fingerprint(), "
        "why[2]");
}

static void logging_in_and_posting(void **state)
{
    (void)state;
    assert_survives(
        "local m = ... local key = m.secret 'shop.key' "
        "local c = m.http.client('shop', { base = 'https://shop.example/', attempts = 1, token = { "
        "path = 'token', form = { { 'id', 5 }, { 'secret', key } }, at = 'orders/id', lifetime = 60 } }) "
        "local a, why = c:send { method = 'POST', path = 'a', json = { { password = key }, 'x' }, reads = "
        "true } "
        "local s = m.http.client('shop', { base = 'http://shop.example/', oauth1 = { consumer_key = 'k', "
        "consumer_secret = key } }) local b = s:send { path = 'b', query = { a = 'b c' } } "
        "c:close() s:close() return a and a.status, why, b.status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(json_and_xml),
        cmocka_unit_test(http_and_records),
        cmocka_unit_test(logging_in_and_posting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
