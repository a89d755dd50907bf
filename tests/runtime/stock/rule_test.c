/* rule_test.c - each formula of stock.h by numbers made by hand. */
#include "shelf.h"

static const struct cw_stock_rule on_hand = { .figure = CW_FIGURE_ON_HAND };
static const struct cw_stock_rule available = { .figure = CW_FIGURE_AVAILABLE };

static int set_up(void **state)
{
    *state = cw_stock_create();
    return *state == NULL;
}

static int tear_down(void **state)
{
    cw_stock_free(*state);
    return 0;
}

static void levels_of_all_warehouses_are_added_up(void **state)
{
    level(*state, "MUG", "north", "3");
    level(*state, "MUG", "south", "4.5");
    assert_quantity(count_one(*state, &on_hand, "MUG").on_hand, "7.5");
    assert_published(*state, &on_hand, "MUG", "7");
}

static void a_level_replaces_that_of_its_warehouse(void **state)
{
    level(*state, "MUG", "north", "3");
    level(*state, "MUG", "south", "4");
    level(*state, "MUG", "north", "1");
    assert_published(*state, &on_hand, "MUG", "5");
    assert_true(cw_stock_drop_level(*state, item(*state, "MUG"), 1));
    assert_published(*state, &on_hand, "MUG", "1");
}

static void a_rule_counts_its_warehouses_alone(void **state)
{
    char south[] = "south", east[] = "east", *names[] = { south, east, NULL };
    struct cw_stock_rule rule = { .figure = CW_FIGURE_AVAILABLE, .warehouses = names };
    level(*state, "MUG", "north", "3");
    level(*state, "MUG", "south", "4");
    demand(*state, "MUG", "north", CW_DEMAND_ALLOCATED, "2");
    assert_published(*state, &rule, "MUG", "4");
    demand(*state, "MUG", "south", CW_DEMAND_ALLOCATED, "1");
    assert_published(*state, &rule, "MUG", "3");
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_ALLOCATED, "1");
    assert_published(*state, &rule, "MUG", "2");
    level(*state, "MUG", "east", "10");
    assert_published(*state, &rule, "MUG", "12");
}

static void each_figure_takes_its_part_of_demand(void **state)
{
    struct cw_stock_rule for_shipping = { .figure = CW_FIGURE_AVAILABLE_FOR_SHIPPING };
    level(*state, "MUG", "north", "100");
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_PENDING, "1");
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_ALLOCATED, "10");
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_SHIPPING, "5");
    assert_published(*state, &on_hand, "MUG", "99");
    assert_published(*state, &for_shipping, "MUG", "94");
    assert_published(*state, &available, "MUG", "84");
    struct cw_stock_sum sum = count_one(*state, &for_shipping, "MUG");
    assert_quantity(sum.taken[CW_DEMAND_PENDING], "1");
    assert_quantity(sum.taken[CW_DEMAND_ALLOCATED], "0");
    assert_quantity(sum.taken[CW_DEMAND_SHIPPING], "5");
    assert_quantity(sum.free, "94");
}

static void a_negative_demand_takes_demand_away(void **state)
{
    level(*state, "MUG", "north", "10");
    demand(*state, "MUG", "north", CW_DEMAND_ALLOCATED, "4");
    demand(*state, "MUG", "north", CW_DEMAND_ALLOCATED, "-3");
    assert_published(*state, &available, "MUG", "9");
    demand(*state, "MUG", "north", CW_DEMAND_ALLOCATED, "-1");
    assert_published(*state, &available, "MUG", "10");
}

static void more_promised_than_there_is_shows_below_zero_and_publishes_zero(void **state)
{
    level(*state, "MUG", "north", "2");
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_ALLOCATED, "5");
    assert_quantity(count_one(*state, &available, "MUG").free, "-3");
    assert_published(*state, &available, "MUG", "0");
    level(*state, "CUP", "north", "-2");
    assert_published(*state, &available, "CUP", "0");
}

static void incoming_is_added_up_to_the_day(void **state)
{
    struct cw_stock_rule rule = { .adds_incoming = true, .incoming_within = 7 * CW_DAY };
    level(*state, "MUG", "north", "1");
    incoming(*state, "MUG", "north", SHELF_NOW + 7 * CW_DAY, "10");
    incoming(*state, "MUG", "north", SHELF_NOW + 7 * CW_DAY + 1, "100");
    incoming(*state, "MUG", SHELF_NONE, SHELF_NOW - CW_DAY, "1000");
    incoming(*state, "MUG", "north", CW_TIME_NONE, "10000");
    assert_quantity(count_one(*state, &rule, "MUG").on_order, "1010");
    assert_published(*state, &rule, "MUG", "1011");
    assert_published(*state, &on_hand, "MUG", "1");
    rule.incoming_within = INT64_MAX;
    assert_published(*state, &rule, "MUG", "1111");
}

static void incoming_to_another_warehouse_is_not_added(void **state)
{
    char south[] = "south", *names[] = { south, NULL };
    struct cw_stock_rule rule = { .warehouses = names, .adds_incoming = true };
    incoming(*state, "MUG", "north", SHELF_NOW, "10");
    assert_published(*state, &rule, "MUG", "no answer");
    incoming(*state, "MUG", SHELF_NONE, SHELF_NOW, "2");
    assert_published(*state, &rule, "MUG", "2");
    incoming(*state, "MUG", SHELF_NONE, SHELF_NOW, "-2");
    assert_published(*state, &rule, "MUG", "no answer");
}

static void vendor_stock_is_left_out_added_or_told_apart(void **state)
{
    struct cw_stock_rule added = { .vendor = CW_VENDOR_ADDED }, apart = { .vendor = CW_VENDOR_SEPARATE };
    level(*state, "MUG", "north", "1");
    vendor(*state, "MUG", "20");
    vendor(*state, "MUG", "3");
    assert_published(*state, &on_hand, "MUG", "1");
    assert_quantity(count_one(*state, &on_hand, "MUG").vendor, "0");
    assert_published(*state, &added, "MUG", "24");
    assert_published(*state, &apart, "MUG", "1");
    assert_quantity(count_one(*state, &apart, "MUG").vendor, "23");
    struct cw_stock_view *view = cw_stock_view_create(*state, &apart, SHELF_NOW);
    assert_true(cw_stock_view_count(view));
    assert_quantity(cw_stock_view_get(view, 0).vendor, "23");
    cw_stock_view_free(view);
}

static void no_answer_is_not_zero(void **state)
{
    struct cw_stock_rule added = { .vendor = CW_VENDOR_ADDED }, apart = { .vendor = CW_VENDOR_SEPARATE };
    char south[] = "south", *names[] = { south, NULL };
    struct cw_stock_rule in_south = { .warehouses = names };
    demand(*state, "MUG", SHELF_NONE, CW_DEMAND_PENDING, "1");
    assert_published(*state, &on_hand, "MUG", "no answer");
    vendor(*state, "MUG", "0");
    assert_published(*state, &on_hand, "MUG", "no answer");
    assert_published(*state, &apart, "MUG", "no answer");
    assert_published(*state, &added, "MUG", "0");
    level(*state, "MUG", "north", "0");
    assert_published(*state, &on_hand, "MUG", "0");
    assert_published(*state, &in_south, "MUG", "no answer");
    assert_true(cw_stock_drop_level(*state, 0, 0));
    assert_published(*state, &on_hand, "MUG", "no answer");
}

static void a_buffer_is_kept_back(void **state)
{
    struct cw_stock_rule rule = { .buffer = q("3") };
    level(*state, "MUG", "north", "10");
    level(*state, "CUP", "north", "2");
    assert_published(*state, &rule, "MUG", "7");
    assert_published(*state, &rule, "CUP", "0");
}

static void a_buffer_in_percent_is_rounded_up_beside_the_other(void **state)
{
    struct cw_stock_rule rule = { .buffer_percent = 15, .step = q("0.000001") };
    level(*state, "MUG", "north", "10");
    level(*state, "CUP", "north", "0.000007");
    level(*state, "JAR", "north", "-10");
    assert_published(*state, &rule, "MUG", "8.5");
    assert_published(*state, &rule, "CUP", "0.000005");
    assert_quantity(count_one(*state, &rule, "JAR").buffer, "0");
    rule.buffer = q("1");
    assert_quantity(count_one(*state, &rule, "MUG").buffer, "2.5");
    assert_published(*state, &rule, "MUG", "7.5");
}

static void fewer_than_the_minimum_are_none(void **state)
{
    struct cw_stock_rule rule = { .minimum = q("3"), .buffer = q("1") };
    level(*state, "MUG", "north", "4");
    level(*state, "CUP", "north", "3.9");
    assert_published(*state, &rule, "MUG", "3");
    assert_published(*state, &rule, "CUP", "0");
}

static void more_than_the_maximum_are_the_maximum_in_steps(void **state)
{
    struct cw_stock_rule rule = { .maximum = q("50"), .step = q("12") };
    level(*state, "MUG", "north", "1000");
    level(*state, "CUP", "north", "35");
    level(*state, "JAR", "north", "11");
    assert_published(*state, &rule, "MUG", "48");
    assert_published(*state, &rule, "CUP", "24");
    assert_published(*state, &rule, "JAR", "0");
    rule.step = q("0.25");
    level(*state, "ROPE", "north", "3.9");
    assert_published(*state, &rule, "ROPE", "3.75");
}

static void inactive_items_are_zero_but_an_answer(void **state)
{
    struct cw_stock_rule apart = { .vendor = CW_VENDOR_SEPARATE };
    level(*state, "MUG", "north", "5");
    vendor(*state, "MUG", "5");
    cw_stock_set_active(*state, item(*state, "MUG"), false);
    assert_published(*state, &on_hand, "MUG", "0");
    assert_quantity(count_one(*state, &on_hand, "MUG").supply, "5");
    struct cw_stock_view *view = cw_stock_view_create(*state, &apart, SHELF_NOW);
    assert_true(cw_stock_view_count(view));
    assert_quantity(cw_stock_view_get(view, 0).vendor, "0");
    cw_stock_view_free(view);
    cw_stock_set_active(*state, item(*state, "MUG"), true);
    assert_published(*state, &on_hand, "MUG", "5");
}

static void items_are_told_apart_by_their_exact_bytes(void **state)
{
    struct cw_stock *stock = *state;
    const struct cw_slice with_zero = { "A\0B", 3 }, shorter = { "A\0", 2 };
    assert_int_equal(item(stock, "mug"), 0);
    assert_int_equal(item(stock, "MUG"), 1);
    assert_int_equal(item(stock, "MUG "), 2);
    assert_int_equal(cw_stock_item(stock, with_zero), 3);
    assert_int_equal(cw_stock_item(stock, shorter), 4);
    assert_int_equal(item(stock, ""), 5);
    assert_int_equal(cw_stock_find(stock, with_zero), 3);
    assert_int_equal(cw_stock_find(stock, cw_slice("")), 5);
    assert_int_equal(cw_stock_find(stock, cw_slice("cup")), CW_STOCK_NONE);
    assert_int_equal(cw_stock_item_count(stock), 6);
    assert_slice(cw_stock_sku(stock, 2), "MUG ");
}

static void absurd_sums_stay_at_the_end_of_the_scale(void **state)
{
    struct cw_stock *stock = *state;
    uint32_t mug = item(stock, "MUG");
    struct cw_stock_rule rule = { .figure = CW_FIGURE_AVAILABLE, .buffer = INT64_MAX, .buffer_percent = 100 };
    for (uint32_t i = 0; i < 3; i++) {
        const char name[] = { (char)('a' + i), '\0' };
        assert_true(cw_stock_set_level(stock, mug, cw_stock_warehouse(stock, cw_slice(name)), INT64_MAX));
    }
    assert_int_equal(count_one(stock, &on_hand, "MUG").on_hand, INT64_MAX);
    assert_int_equal(count_one(stock, &rule, "MUG").published, 0);
    for (int i = 0; i < 3; i++)
        assert_true(cw_stock_add_demand(stock, mug, CW_STOCK_NONE, CW_DEMAND_PENDING, INT64_MAX));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(cw_stock_set_level(stock, mug, i, -INT64_MAX));
    assert_int_equal(count_one(stock, &on_hand, "MUG").free, -INT64_MAX);
    assert_published(stock, &on_hand, "MUG", "0");
}

static void what_was_never_made_is_refused_and_never_published(void **state)
{
    struct cw_stock *stock = *state;
    uint32_t mug = item(stock, "MUG");
    assert_false(cw_stock_set_level(stock, 1, cw_stock_warehouse(stock, cw_slice("north")), 1));
    assert_false(cw_stock_set_level(stock, mug, 1, 1));
    assert_false(cw_stock_set_level(stock, mug, CW_STOCK_NONE, 1));
    assert_false(cw_stock_add_demand(stock, CW_STOCK_NONE, CW_STOCK_NONE, CW_DEMAND_PENDING, 1));
    assert_false(cw_stock_add_incoming(stock, mug, 7, SHELF_NOW, 1));
    assert_false(cw_stock_add_vendor(stock, CW_STOCK_NONE, 1));
    struct cw_stock_view *view = cw_stock_view_create(stock, &on_hand, SHELF_NOW);
    assert_false(cw_stock_view_get(view, mug).has_source);
    assert_true(cw_stock_view_count(view));
    assert_false(cw_stock_view_get(view, CW_STOCK_NONE).has_source);
    cw_stock_view_free(view);
}

static void what_came_after_a_count_waits_for_the_next(void **state)
{
    char south[] = "south", *names[] = { south, NULL };
    struct cw_stock_rule rule = { .adds_kits = true, .adds_incoming = true, .warehouses = names };
    struct cw_error err;
    level(*state, "MUG", "south", "5");
    struct cw_stock_view *view = cw_stock_view_create(*state, &rule, SHELF_NOW);
    assert_true(cw_stock_view_count(view));
    for (int i = 0; i < 100; i++) { /* far behind the ends of what was counted */
        char name[] = { 'N', (char)('0' + i / 10), (char)('0' + i % 10), '\0' };
        level(*state, "MUG", name, "1");
        incoming(*state, "MUG", "south", SHELF_NOW - i, "1");
        struct cw_stock_component mug = { 0, CW_QUANTITY_ONE };
        assert_ok(cw_stock_set_kit(*state, item(*state, name), &mug, 1, &err), err);
    }
    assert_quantity(cw_stock_view_sum(view, 0).published, "5");
    assert_quantity(cw_stock_view_sum(view, 0).on_hand, "0");
    assert_true(cw_stock_view_recount(view, &(uint32_t){ 0 }, 1));
    assert_quantity(cw_stock_view_sum(view, 0).on_hand, "5");
    assert_quantity(cw_stock_view_sum(view, 0).published, "105");
    assert_quantity(cw_stock_view_get(view, 100).quantity, "105");
    cw_stock_view_free(view);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(levels_of_all_warehouses_are_added_up),
        TEST(a_level_replaces_that_of_its_warehouse),
        TEST(a_rule_counts_its_warehouses_alone),
        TEST(each_figure_takes_its_part_of_demand),
        TEST(a_negative_demand_takes_demand_away),
        TEST(more_promised_than_there_is_shows_below_zero_and_publishes_zero),
        TEST(incoming_is_added_up_to_the_day),
        TEST(incoming_to_another_warehouse_is_not_added),
        TEST(vendor_stock_is_left_out_added_or_told_apart),
        TEST(no_answer_is_not_zero),
        TEST(a_buffer_is_kept_back),
        TEST(a_buffer_in_percent_is_rounded_up_beside_the_other),
        TEST(fewer_than_the_minimum_are_none),
        TEST(more_than_the_maximum_are_the_maximum_in_steps),
        TEST(inactive_items_are_zero_but_an_answer),
        TEST(items_are_told_apart_by_their_exact_bytes),
        TEST(absurd_sums_stay_at_the_end_of_the_scale),
        TEST(what_came_after_a_count_waits_for_the_next),
        TEST(what_was_never_made_is_refused_and_never_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
