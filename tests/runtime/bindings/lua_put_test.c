/* lua_put_test.c - site.put: tables of a script become documents, exactly, or the script is told what is
 * wrong with them. */
#include "cart_bed.h"

#include <stdio.h>

#include "adapters/document_json.h"
#include "lua_bed.h"

static struct cart_bed bed;
static char put[16384]; /* what the host was given: kind, from, reason, drops; a line for each document */
static unsigned calls;
static const char *refusal; /* what the host says instead of taking it */

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *fmt, ...)
{
    size_t len = strlen(put);
    va_list args;
    va_start(args, fmt);
    vsnprintf(put + len, sizeof put - len, fmt, args);
    va_end(args);
}

static bool take(void *arg, struct cw_txn *txn, const struct cw_kind *kind, struct cw_document *const *docs,
                 size_t count, const struct cw_slice *drops, size_t drop_count, struct cw_slice from,
                 struct cw_slice reason, struct cw_error *err)
{
    assert_null(txn);
    (void)arg;
    calls++;
    if (refusal != NULL)
        return cw_fail(err, CW_CONFLICT, "%s", refusal);
    add("%s from=%.*s reason=%.*s", kind->name, CW_SLICE_ARG(from), CW_SLICE_ARG(reason));
    for (size_t i = 0; i < drop_count; i++)
        add(" -%.*s", CW_SLICE_ARG(drops[i]));
    for (size_t i = 0; i < count; i++) {
        struct cw_buffer json = { 0 };
        assert_ptr_equal(docs[i]->kind, kind);
        assert_true(cw_document_json(&json, docs[i], 0, NULL));
        add("\n%s", json.data);
        cw_buffer_fini(&json);
    }
    return true;
}

static int set_up(void **state)
{
    (void)state;
    bed = (struct cart_bed){ .site = "return { carts = { shop = { type = 'test' } } }", .put = take };
    put[0] = '\0';
    calls = 0;
    refusal = NULL;
    bool ok = cart_bed_open(&bed);
    assert_ok(ok, bed.err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

static const char *run(const char *table, bool must_fail)
{
    static char chunk[8192];
    snprintf(chunk, sizeof chunk,
             "local site, D, T = require 'cartwright.site', require 'cartwright.decimal', "
             "require 'cartwright.time' site.put %s",
             table);
    put[0] = '\0';
    return must_fail ? cart_bed_error(&bed, chunk) : cart_bed_eval(&bed, chunk);
}

static void assert_put(const char *table, const char *expected)
{
    run(table, false);
    assert_string_equal(put, expected);
}

static void levels_are_put_with_exact_quantities(void **state)
{
    (void)state;
    assert_put("{ kind = 'stock_level', { id = 'MAIN/A', sku = 'A', warehouse = 'MAIN', quantity = '12.50' },"
               "{ sku = 'B', warehouse = 'MAIN', quantity = 9007199254740993 },"
               "{ sku = 'C', warehouse = 'MAIN', quantity = D.new '-0.000001' } }",
               "stock_level from= reason=\n"
               "{\"external_id\":\"MAIN/A\",\"sku\":\"A\",\"warehouse\":\"MAIN\",\"quantity\":\"12.50\"}\n"
               "{\"sku\":\"B\",\"warehouse\":\"MAIN\",\"quantity\":\"9007199254740993\"}\n"
               "{\"sku\":\"C\",\"warehouse\":\"MAIN\",\"quantity\":\"-0.000001\"}");
}

static void lists_records_and_own_fields_go_to_any_depth(void **state)
{
    (void)state;
    assert_put(
        "{ kind = 'purchase_order', { number = 7, closed = false, lines = {"
        "{ external_id = '1', sku = 'A', quantity = 5, expected_at = '2026-12-01' },"
        "{ sku = 'B', quantity = '0.5', expected_at = T.parse '2026-12-01T10:00:00Z' } } } }",
        "purchase_order from= reason=\n{\"number\":\"7\",\"closed\":false,\"lines\":["
        "{\"external_id\":\"1\",\"sku\":\"A\",\"quantity\":\"5\",\"expected_at\":\"2026-12-01T00:00:00Z\"},"
        "{\"sku\":\"B\",\"quantity\":\"0.5\",\"expected_at\":\"2026-12-01T10:00:00Z\"}]}");
    assert_put("{ kind = 'item', { id = 5, sku = 'KIT', components = { { sku = 'A', quantity = 2 } },"
               "variants = {}, custom = { shelf = 'B4', heavy = true, rank = 3 } } }",
               "item from= reason=\n{\"external_id\":\"5\",\"sku\":\"KIT\",\"variants\":[],\"components\":"
               "[{\"sku\":\"A\",\"quantity\":\"2\"}],\"custom\":{\"heavy\":\"true\",\"rank\":\"3\",\"shelf\":"
               "\"B4\"}}");
    assert_put("{ kind = 'customer', { number = 'C-1', addresses = { { street = 'Ring 1', custom = { bell = "
               "'2' } } } } }",
               "customer from= reason=\n{\"number\":\"C-1\",\"addresses\":[{\"street\":\"Ring 1\",\"custom\":"
               "{\"bell\":\"2\"}}]}");
}

static void every_kind_of_the_back_office_can_be_put(void **state)
{
    (void)state;
    static const char *const kinds[] = { "stock_level", "purchase_order", "vendor_level", "item",
                                         "customer",    "price",          "shipment",     "invoice" };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char table[128], expected[128];
        snprintf(table, sizeof table, "{ kind = '%s', { id = 'X' } }", kinds[i]);
        snprintf(expected, sizeof expected, "%s from= reason=\n{\"external_id\":\"X\"}", kinds[i]);
        assert_put(table, expected);
    }
}

static void reason_origin_and_drops_are_handed_over(void **state)
{
    (void)state;
    assert_put("{ kind = 'item', reason = 'weekly list', from = 'shop', drop = { 'A-1', 17 } }",
               "item from=shop reason=weekly list -A-1 -17");
}

static void what_is_wrong_names_document_and_field(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "{ kind = 'stock_level', { sku = 'A' }, { id = 'MAIN/B', quantity = 1.5 } }",
          "site.put: document 2 (MAIN/B): quantity cannot be the float 1.5: floats are not exact; write it "
          "in "
          "quotes, or use cartwright.decimal" },
        { "{ kind = 'stock_level', { qauntity = 1 } }",
          "site.put: document 1: stock_level has no field \"qauntity\"; did you mean \"quantity\"?" },
        { "{ kind = 'stock_level', { colour_of_the_shelf = 1 } }", "fields of your own stand under custom" },
        { "{ kind = 'stock_level', { quantity = 'many' } }", "site.put: document 1: " },
        { "{ kind = 'stock_level', { quantity = true } }",
          "site.put: document 1: quantity is decimal and cannot be a boolean" },
        { "{ kind = 'stock_level', { sku = {} } }", "document 1: sku is text and cannot be a table" },
        { "{ kind = 'stock_level', { sku = 'A\\0B' } }", "document 1: sku cannot be" },
        { "{ kind = 'stock_level', { sku = 'A\\xff' } }", "document 1: sku cannot be" },
        { "{ kind = 'stock_level', { id = 1.5 } }",
          "document 1: id must be a text or an integer, not a float" },
        { "{ kind = 'stock_level', { 'A' } }", "document 1: fields have names; an integer is none" },
        { "{ kind = 'stock_level', 'A' }", "document 1: a document is a table of its fields, not a string" },
        { "{ kind = 'stock_level', { sku = 'A' }, nil, { sku = 'B' } }",
          "the documents are a list with holes" },
        { "{ kind = 'purchase_order', { number = 'P', lines = { { sku = 'A' }, { quantity = 0.5 } } } }",
          "document 1: lines[2].quantity cannot be the float 0.5" },
        { "{ kind = 'purchase_order', { lines = { { skew = 'A' } } } }",
          "document 1: lines[1] has no field \"skew\"; did you mean \"sku\"?" },
        { "{ kind = 'purchase_order', { lines = { sku = 'A' } } }",
          "document 1: lines is a list of tables, such as { { external_id = ... } }, and cannot be a table "
          "with "
          "names or holes" },
        { "{ kind = 'purchase_order', { lines = 'A' } }", "lines is a list of tables" },
        { "{ kind = 'purchase_order', { lines = { 'A' } } }",
          "lines[1] must be a table of its fields, not a string" },
        { "{ kind = 'purchase_order', { ordered_at = 'soon' } }", "document 1: " },
        { "{ kind = 'item', { custom = 'x' } }", "custom is a table of fields of your own, not a string" },
        { "{ kind = 'item', { custom = { 5 } } }", "custom.fields have names; an integer is none" },
        { "{ kind = 'order', { number = '1' } }",
          "site.put: kind must be one of stock_level, purchase_order, vendor_level, item, customer, price, "
          "shipment and invoice, not order" },
        { "{ { sku = 'A' } }", "site.put: kind must be one of" },
        { "{ kind = 'item' }", "site.put: no documents; put them behind the fields" },
        { "{ kind = 'item', resaon = 'x', { sku = 'A' } }",
          "site.put has no field \"resaon\"; there are kind" },
        { "{ kind = 'item', reason = 5, { sku = 'A' } }", "site.put: reason must be a text, not an integer" },
        { "{ kind = 'item', drop = 'A' }",
          "site.put: drop is a list of ids, such as { \"MAIN/A-1\" }, not a string" },
        { "{ kind = 'item', drop = { 1.5 } }", "drop[1]: it must be a text or an integer, not a float" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_contains(run(wrong[i][0], true), wrong[i][1]);
    assert_int_equal(calls, 0); /* all of it or nothing */
}

static void what_the_host_refuses_is_raised(void **state)
{
    (void)state;
    refusal = "the SKU A is that of another item";
    assert_contains(run("{ kind = 'item', { sku = 'A' } }", true), refusal);
    assert_int_equal(calls, 1);
    assert_string_equal(
        cart_bed_eval(&bed, "local ok, err = pcall(require('cartwright.site').put, { kind = 'item', { "
                            "sku = 'A' } }) return ok, err.code"),
        "false|conflict");
}

static void times_without_an_offset_are_of_the_site(void **state)
{
    (void)state;
    assert_put(
        "{ kind = 'price', { sku = 'A', amount = '1.10', valid_from = '2026-06-01 12:00:00',"
        "valid_until = '2026-06-01T12:00:00+02:00' } }",
        "price from= reason=\n{\"sku\":\"A\",\"amount\":\"1.10\",\"valid_from\":\"2026-06-01T12:00:00Z\","
        "\"valid_until\":\"2026-06-01T10:00:00Z\"}");
}

static void many_documents_are_one_call(void **state)
{
    (void)state;
    run("((function() local all = { kind = 'stock_level' } for i = 1, 5000 do all[i] = { sku = 'S' .. i } "
        "end "
        "return "
        "all end)())",
        false);
    assert_int_equal(calls, 1);
}

static void carts_cannot_put(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    bed.put = NULL;
    bool ok = cart_bed_open(&bed);
    assert_ok(ok, bed.err);
    assert_contains(cart_bed_error(&bed, "require('cartwright.site').put {}"),
                    "cartwright.site is for scripts that `cartwright exec` runs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels_are_put_with_exact_quantities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_records_and_own_fields_go_to_any_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_of_the_back_office_can_be_put, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reason_origin_and_drops_are_handed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_names_document_and_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_host_refuses_is_raised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_without_an_offset_are_of_the_site, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_documents_are_one_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(carts_cannot_put, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
