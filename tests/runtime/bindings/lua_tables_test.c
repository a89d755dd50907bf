/* lua_tables_test.c - translation tables of a cart: rows of the store over those of the script, and look-ups
 * both ways.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cart_bed.h"

static struct cart_bed bed;
static struct cw_loop *loop;
static char path[] = "/tmp/cw-tables-XXXXXX";

static const char cart[] =
    "local cart, map = require 'cartwright.cart', require 'cartwright.map' local shop = cart.new { title = "
    "'t' }\n"
    "shop.orders = { map = map.order { number = map.translate('t', 'a'), note = map.translate('mine', 'b') } "
    "}\n"
    "shop.tables = { t = { A = 'upper', b = 'bee', [7] = 'seven', gone = false }, mine = { x = 'script' },\n"
    "  status = { P = 'paid', PP = 'paid', S = 'shipped', ['*'] = 'pending' }, status_out = { paid = 'PP', "
    "failed = "
    "false },\n"
    "  star = { ['*'] = 'other' } }\n"
    "return shop";

static int set_up(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_store_config config = { .uri = path, .create = true };
    strcpy(path, "/tmp/cw-tables-XXXXXX");
    close(mkstemp(path));
    loop = cw_loop_create_virtual(0, &err);
    bed.site = "return { carts = { shop = { type = 'test' }, other = { type = 'test' } } }";
    bed.cart = cart;
    bed.store = cw_store_open(&config, loop, &err);
    assert_ok(bed.store != NULL, err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char beside[64];
    cart_bed_close(&bed);
    cw_store_close(bed.store);
    cw_loop_free(loop);
    bed.store = NULL;
    unlink(path);
    snprintf(beside, sizeof beside, "%s-wal", path);
    unlink(beside);
    snprintf(beside, sizeof beside, "%s-shm", path);
    unlink(beside);
    return 0;
}

static const char *const (*rows_to_put)[4];
static size_t row_count;

static void committed(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
}

static void put_rows(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        fail_msg("%s", err->text);
    for (size_t i = 0; i < row_count; i++) {
        const char *const *row = rows_to_put[i];
        assert_true(cw_txn_put_table_row(txn, cw_slice(row[0]), cw_slice(row[1]), cw_slice(row[2]),
                                         cw_slice(row[3])));
    }
    cw_txn_commit(txn, committed, NULL);
}

/* Rows: cart, table, key, value. Then the cart is opened. */
static void open_with(const char *const (*rows)[4], size_t count)
{
    rows_to_put = rows;
    row_count = count;
    cart_bed_close(&bed);
    cw_txn_begin(bed.store, (struct cw_fence){ 0 }, put_rows, NULL);
    cw_store_wait(bed.store);
    if (!cart_bed_open(&bed))
        fail_msg("%s", bed.err.text);
}

static void assert_maps(const char *json, const char *field, const char *expected)
{
    cart_bed_decide(&bed, "orders", json, NULL);
    assert_field(&bed, field, expected);
}

static void rows_of_the_store_take_the_place_of_those_of_the_script(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        { "shop", "t", "A", "stored" },  { "shop", "t", "7", "SEVEN" }, { "shop", "t", "B", "" },
        { "shop", "t", "gone", "back" }, { "shop", "t", "new", "N" },
    };
    open_with(rows, sizeof rows / sizeof *rows);
    assert_maps("{\"id\":1,\"a\":\"A\"}", "number", "stored");
    assert_maps("{\"id\":1,\"a\":7}", "number", "SEVEN");
    assert_maps("{\"id\":1,\"a\":\"B\"}", "number", "-");
    assert_maps("{\"id\":1,\"a\":\"b\"}", "number", "bee");
    assert_maps("{\"id\":1,\"a\":\"gone\"}", "number", "back");
    assert_maps("{\"id\":1,\"a\":\"NEW\"}", "number", "N");
    assert_maps("{\"id\":1,\"b\":\"x\"}", "note", "script");
}

static void rows_of_the_cart_go_before_those_of_all_carts(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        { "", "t", "A", "all" },        { "", "t", "z", "all" },        { "shop", "t", "z", "own" },
        { "other", "t", "b", "alien" }, { "other", "t", "o", "alien" },
    };
    open_with(rows, sizeof rows / sizeof *rows);
    assert_maps("{\"id\":1,\"a\":\"A\"}", "number", "all");
    assert_maps("{\"id\":1,\"a\":\"z\"}", "number", "own");
    assert_maps("{\"id\":1,\"a\":\"b\"}", "number", "bee");
    cart_bed_decide(&bed, "orders", "{\"id\":1,\"a\":\"o\"}", NULL);
    assert_non_null(strstr(cart_bed_issues(&bed), "unknown-t"));
}

static void rows_that_differ_in_case_only_stay_side_by_side(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "shop", "t", "K", "1" },
                                           { "shop", "t", "k", "2" },
                                           { "shop", "t", "\xC3\x84", "umlaut" } };
    open_with(rows, sizeof rows / sizeof *rows);
    assert_maps("{\"id\":1,\"a\":\"K\"}", "number", "1");
    assert_maps("{\"id\":1,\"a\":\"k\"}", "number", "2");
    assert_string_equal(cart_bed_eval(&bed, "return (...):translate('t', '\xC3\xA4')"), "umlaut");
}

static void a_table_may_stand_in_the_store_alone(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "", "carriers", "ups", "UPS" } };
    open_with(rows, 1);
    assert_string_equal(cart_bed_eval(&bed, "return (...):translate('carriers', 'UPS')"), "UPS");
    assert_string_equal(bed.versioned, "carriers|ups|UPS|");
}

/* A rule's own rows are a table like others, so that what an issue says to do can be done. */
static void rows_of_a_rule_can_be_added_to_in_the_store(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "shop", "rules.orders.class", "2", "B" } };
    bed.site = "local R = require 'cartwright.rules' return { rules = { R.orders { class = R.by('number', { "
               "upper = 'A' "
               "}) } }, carts = { shop = { type = 'test' } } }";
    open_with(rows, 1);
    assert_maps("{\"id\":1,\"a\":\"A\"}", "class", "A");
    static const char *const more[][4] = { { "shop", "t", "n", "2" } };
    open_with(more, 1);
    assert_maps("{\"id\":1,\"a\":\"n\"}", "class", "B");
}

static void what_the_store_says_counts_for_the_version_of_the_scripts(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "shop", "t", "a", "stored" },
                                           { "", "t", "b", "" },
                                           { "other", "t", "c", "alien" } };
    open_with(rows, 3);
    assert_string_equal(bed.versioned, "t|b||t|a|stored|");
}

static void a_cart_translates_as_its_mappings_do(void **state)
{
    (void)state;
    open_with(NULL, 0);
    assert_string_equal(cart_bed_eval(&bed,
                                      "local s = ... return s:translate('t', 'A'), s:translate('t', 'a'), "
                                      "s:translate('t', 'B'), s:translate('t', 7), s:translate('t', '7'), "
                                      "s:translate('t', 'gone'), s:translate('t', 'none')"),
                        "upper|upper|bee|seven|seven|nil|nil");
    assert_string_equal(
        cart_bed_eval(&bed, "local s = ... return s:translate('star', 'x'), s:translate('star', nil), "
                            "s:translate('nowhere', 'x'), s.tables.t.b"),
        "other|nil|nil|bee");
}

static void a_cart_translates_back_by_its_own_table_or_by_the_one_row(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "shop", "status", "SS", "shipped" } };
    open_with(NULL, 0);
    assert_string_equal(cart_bed_eval(&bed,
                                      "local s = ... return s:translate_back('status', 'paid'), "
                                      "s:translate_back('status', 'shipped'), s:translate_back('status', "
                                      "'failed'), s:translate_back('status', 'pending'), "
                                      "s:translate_back('t', 'seven'), s:translate_back('nowhere', 'x')"),
                        "PP|S|nil|nil|7|nil");
    open_with(rows, 1);
    assert_string_equal(
        cart_bed_error(&bed, "return (...):translate_back('status', 'shipped')"),
        "cart shop: shipped is the value of several rows of the table status: S, SS; add a row to the "
        "table status_out that says which: shipped = \"S\"");
}

static void a_cart_without_a_store_has_the_tables_of_its_script(void **state)
{
    (void)state;
    struct cw_store *store = bed.store;
    bed.store = NULL;
    if (!cart_bed_open(&bed))
        fail_msg("%s", bed.err.text);
    assert_maps("{\"id\":1,\"a\":\"A\"}", "number", "upper");
    assert_string_equal(bed.versioned, "");
    cart_bed_close(&bed);
    bed.store = store;
}

struct counted {
    size_t found, all;
    const char *table, *key, *value; /* NULL as in a row */
};

static void count_row(void *arg, const struct cw_lua_table_row *row)
{
    struct counted *counted = arg;
    counted->all++;
    counted->found += cw_slice_is(row->table, counted->table) &&
                      (row->key.data != NULL) == (counted->key != NULL) &&
                      cw_slice_equal(row->key, cw_slice(counted->key)) &&
                      (row->value.data != NULL) == (counted->value != NULL) &&
                      cw_slice_equal(row->value, cw_slice(counted->value));
}

/* Returns how many rows there are. */
static size_t assert_in_force(const char *table, const char *key, const char *value)
{
    struct counted counted = { .table = table, .key = key, .value = value };
    struct cw_error err;
    assert_ok(cw_lua_cart_read_tables(bed.shop, count_row, &counted, &err), err);
    assert_int_equal(counted.found, 1);
    return counted.all;
}

static void the_rows_in_force_can_be_read(void **state)
{
    (void)state;
    static const char *const rows[][4] = { { "shop", "t", "A", "store" }, { "", "mine", "none", "" } };
    open_with(rows, 2);
    assert_in_force("t", "A", "store");
    assert_in_force("t", "7", "seven");
    assert_in_force("t", "gone", NULL);
    assert_in_force("mine", "none", NULL);
    assert_int_equal(assert_in_force("star", "*", "other"), 4 + 2 + 4 + 2 + 1);
}

static void a_table_that_only_a_rule_asks_is_known_without_rows(void **state)
{
    (void)state;
    bed.site =
        "local rules = require 'cartwright.rules' return { carts = { shop = { type = 'test', rules = { "
        "rules.taxes {}, rules.shipping { table = 'ways' } } } } }";
    open_with(NULL, 0);
    assert_in_force("tax", NULL, NULL);
    assert_in_force("ways", NULL, NULL);
    assert_in_force("ways.carrier", NULL, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rows_of_the_store_take_the_place_of_those_of_the_script),
        TEST(rows_of_the_cart_go_before_those_of_all_carts),
        TEST(rows_that_differ_in_case_only_stay_side_by_side),
        TEST(a_table_may_stand_in_the_store_alone),
        TEST(rows_of_a_rule_can_be_added_to_in_the_store),
        TEST(what_the_store_says_counts_for_the_version_of_the_scripts),
        TEST(a_cart_translates_as_its_mappings_do),
        TEST(a_cart_translates_back_by_its_own_table_or_by_the_one_row),
        TEST(the_rows_in_force_can_be_read),
        TEST(a_table_that_only_a_rule_asks_is_known_without_rows),
        TEST(a_cart_without_a_store_has_the_tables_of_its_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
