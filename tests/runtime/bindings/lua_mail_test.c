/* lua_mail_test.c - mails, forms, tables and amounts as scripts use them: cartwright.mail. */
#include "lua_bed.h"

static struct lua_bed bed;

#define M "local mail = require 'cartwright.mail' "

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

static void a_mail_is_a_table(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        M "local m = mail.parse('From: \"Zoe\" <zoe@example.com>\\r\\nSubject: =?utf-8?Q?B=C3=A4?=\\r\\n"
          "Message-ID: <1@x>\\r\\nDate: Sun, 31 Mar 2024 03:15:00 +0200\\r\\nX-A: 1\\r\\nX-A: "
          "2\\r\\n\\r\\nHi\\r\\n') "
          "return m.subject, m.from.name, m.from.address, m.message_id, m.date, m.headers['x-a'], m.text, "
          "m.html, "
          "m.kind, #m.attachments, m.damaged, #m.digest",
        "B\xC3\xA4|Zoe|zoe@example.com|1@x|2024-03-31T01:15:00Z|1|Hi\n|nil|mail|0|false|64");
    assert_eval(&bed, M "return select(3, mail.parse(''))", "invalid");
    assert_eval(&bed, M "return select(3, mail.parse('a: b\\n\\n', 'klingon'))", "usage");
}

static void fields_are_those_that_the_form_names(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        M
        "local orders, rest = mail.fields('Hello\\nOrder_Number: 7\\nsku_2 = B\\nsku_1 = A\\n\\nNote: a: "
        "b\\n\\nc\\n"
        "=====\\norder number: 8\\n-- \\nsku: no', { names = { a = 'order number', b = 'sku', c = 'note' }, "
        "texts = { 'note' }, first = 'order number' }) local g = mail.groups(orders[1], { sku = 'SKU' }) "
        "return #orders, orders[1]['order number'], orders[1].note, orders[2]['order number'], "
        "orders[2].sku, rest, "
        "#g, g[1].sku, g[2].sku",
        "2|7|a: b\n\nc|8|nil|Hello|2|A|B");
    assert_eval(&bed,
                M "local o = mail.fields('item[0][sku]: A\\nitem[1][sku]: B\\nURL: "
                  "http://x:1/\\nhttp://y\\nEmpty:\\n')[1] "
                  "local g = mail.groups(o, { sku = 'item[][sku]' }) "
                  "return g[1].sku, g[2].sku, o.url, o.empty, mail.field(o, { 'empty', 'URL' })",
                "A|B|http://x:1/\nhttp://y||http://x:1/\nhttp://y");
}

static void repeated_fields_without_a_number_are_groups(void **state)
{
    (void)state;
    assert_eval(&bed,
                M "local o = mail.fields('sku: A\\nqty: 1\\nsku: B\\nqty: 2\\n')[1] "
                  "local g = mail.groups(o, { sku = 'sku', quantity = 'qty' }) "
                  "return #g, g[1].sku, g[1].quantity, g[2].sku, g[2].quantity",
                "2|A|1|B|2");
}

static void tables_are_found_by_their_headings(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        M
        "local html = '<p style=\"display:none\">hidden</p><table><tr><td><table><tr><th>Product:<th>Qty</tr>"
        "<tr><td>Tea &amp;amp; <b>Cup</b><br>big<td>1&nbsp;000</tr><tr><td colspan=2>Total<td>5</tr>"
        "</table></td></tr></table><style>x</style>' "
        "local rows = mail.tables(html, { name = { 'Item', 'Product' }, quantity = 'qty' }) "
        "return #rows, rows[1].name, rows[1].quantity, mail.sum(rows, 'total'), (mail.html(html)), "
        "#mail.tables(html), #mail.tables(html, { name = 'Nothing' })",
        "2|Tea &amp; Cup\nbig|1 000|5|Product: Qty\nTea &amp; Cup\nbig 1 000\nTotal 5|2|0");
}

static void amounts_are_never_guessed(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        M
        "return mail.amount('EUR 1.234,50 (net)', '1.234,56'), mail.amount('\xC2\xA3 1,234.5', '1,234.56'), "
        "mail.amount('1\xC2\xA0"
        "234,50 \xE2\x82\xAC', '1 234,56'), mail.amount('5,990\xE5\x86\x86', '1,234.56'), "
        "mail.amount('\xD9\xA4\xD9\xAB\xD9\xA1\xD9\xA2\xD9\xA5'), mail.amount('1,234'), mail.amount('none')",
        "1234.50|1234.5|1234.50|5990|4.125|nil|nil|\"none\" has no number in it");
}

static void subjects_match_without_case_and_blanks(void **state)
{
    (void)state;
    assert_eval(&bed,
                M "return mail.matches('NEW   order #7 (web)', 'new order #*'), mail.matches('a.b', 'a?b'), "
                  "mail.matches('\xC3\x84rger', '\xC3\xA4*'), mail.matches('x@shop.example', { 'y', "
                  "'*@shop.example' })",
                "true|false|true|true");
}

static void a_forwarded_text_loses_one_level_of_quotes(void **state)
{
    (void)state;
    assert_eval(
        &bed,
        M "return mail.unquote('Hi\\n-----Original Message-----\\nFrom: x\\n\\n> a: 1\\n>> b\\n>\\n> c')",
        "From: x\n\na: 1\n> b\n\nc");
}

static void an_attachment_is_an_answer(void **state)
{
    (void)state;
    assert_eval(&bed, M "return mail.answer('{\"a\":1}', 'x.json'):json().a, mail.answer('x').address",
                "1|mail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mail_is_a_table, start, stop),
        cmocka_unit_test_setup_teardown(fields_are_those_that_the_form_names, start, stop),
        cmocka_unit_test_setup_teardown(repeated_fields_without_a_number_are_groups, start, stop),
        cmocka_unit_test_setup_teardown(tables_are_found_by_their_headings, start, stop),
        cmocka_unit_test_setup_teardown(amounts_are_never_guessed, start, stop),
        cmocka_unit_test_setup_teardown(subjects_match_without_case_and_blanks, start, stop),
        cmocka_unit_test_setup_teardown(a_forwarded_text_loses_one_level_of_quotes, start, stop),
        cmocka_unit_test_setup_teardown(an_attachment_is_an_answer, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
