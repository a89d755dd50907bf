/* kit_test.c - kits by numbers made by hand: what they need, what can be built, what is refused. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cw_stock_rule with_kits = { .figure = CW_FIGURE_AVAILABLE, .adds_kits = true };
static const struct cw_stock_rule without_kits = { .figure = CW_FIGURE_AVAILABLE };

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

static void as_many_kits_as_the_scarcest_component_allows(void **state)
{
    kit(*state, "SET", "2 MUG, 1 BOX");
    level(*state, "MUG", "north", "7");
    level(*state, "BOX", "north", "5");
    assert_published(*state, &with_kits, "SET", "3");
    assert_published(*state, &without_kits, "SET", "no answer");
    level(*state, "SET", "north", "10");
    assert_published(*state, &with_kits, "SET", "13");
    assert_published(*state, &without_kits, "SET", "10");
}

static void a_kit_has_an_answer_when_all_its_components_have(void **state)
{
    kit(*state, "SET", "2 MUG, 1 BOX");
    level(*state, "MUG", "north", "7");
    assert_published(*state, &with_kits, "SET", "no answer");
    level(*state, "BOX", "north", "0");
    assert_published(*state, &with_kits, "SET", "0");
    kit(*state, "CRATE", "6 SET");
    assert_published(*state, &with_kits, "CRATE", "0");
    kit(*state, "SET", "2 MUG, 1 BOX, 1 BOW");
    assert_published(*state, &with_kits, "CRATE", "no answer");
}

static void what_is_promised_of_a_kit_is_needed_of_its_components(void **state)
{
    kit(*state, "CRATE", "6 SET");
    kit(*state, "SET", "2 MUG, 1 BOX");
    level(*state, "MUG", "north", "100");
    level(*state, "BOX", "north", "100");
    level(*state, "SET", "north", "5");
    demand(*state, "CRATE", SHELF_NONE, CW_DEMAND_ALLOCATED, "2");
    struct cw_stock_sum set = count_one(*state, &with_kits, "SET"); /* 12 needed, 5 there, 7 to build */
    assert_quantity(set.for_kits, "12");
    assert_quantity(set.free, "0");
    assert_quantity(set.buildable, "43");
    struct cw_stock_sum mug = count_one(*state, &without_kits, "MUG");
    assert_quantity(mug.for_kits, "14");
    assert_quantity(mug.free, "86");
    assert_published(*state, &with_kits, "BOX", "93");
    assert_quantity(count_one(*state, &with_kits, "CRATE").free, "0");
    assert_published(*state, &with_kits, "CRATE", "7");
}

static void several_kits_draw_on_one_component(void **state)
{
    kit(*state, "PAIR", "2 MUG");
    kit(*state, "TRIO", "3 MUG");
    level(*state, "MUG", "north", "12");
    assert_published(*state, &with_kits, "PAIR", "6");
    assert_published(*state, &with_kits, "TRIO", "4");
    demand(*state, "PAIR", SHELF_NONE, CW_DEMAND_PENDING, "2");
    assert_published(*state, &with_kits, "PAIR", "4");
    assert_published(*state, &with_kits, "TRIO", "2");
    assert_published(*state, &with_kits, "MUG", "8");
}

static void ready_made_kits_are_taken_before_more_are_built(void **state)
{
    kit(*state, "CRATE", "2 SET, 1 MUG");
    kit(*state, "SET", "3 MUG");
    level(*state, "MUG", "north", "10");
    level(*state, "SET", "north", "3");
    assert_published(*state, &with_kits, "CRATE", "2"); /* a third takes 3 MUG, and 9 for 3 SET */
    level(*state, "MUG", "north", "12");
    assert_published(*state, &with_kits, "CRATE", "3");
}

static void shared_components_count_once(void **state)
{
    kit(*state, "GIFT", "1 SET, 2 MUG");
    kit(*state, "SET", "1 MUG, 1 BOX");
    level(*state, "BOX", "north", "100");
    level(*state, "MUG", "north", "10");
    assert_published(*state, &with_kits, "SET", "10");
    assert_published(*state, &with_kits, "GIFT", "3");
    level(*state, "SET", "north", "4");
    assert_published(*state, &with_kits, "GIFT", "4"); /* 4 ready, 8 MUG; a fifth takes 11 */
    level(*state, "MUG", "north", "11");
    assert_published(*state, &with_kits, "GIFT", "5");
}

static void components_become_shared_and_cease_to_be(void **state)
{
    kit(*state, "CRATE", "1 GIFT");
    kit(*state, "GIFT", "1 SET, 1 MUG");
    kit(*state, "SET", "1 BOX");
    level(*state, "BOX", "north", "10");
    level(*state, "MUG", "north", "10");
    assert_published(*state, &with_kits, "CRATE", "10");
    kit(*state, "SET", "1 BOX, 1 MUG");
    assert_published(*state, &with_kits, "CRATE", "5");
    assert_published(*state, &with_kits, "GIFT", "5");
    kit(*state, "SET", "");
    level(*state, "SET", "north", "7");
    assert_published(*state, &with_kits, "CRATE", "7");
}

static void a_component_named_twice_is_added_up(void **state)
{
    kit(*state, "SET", "1 MUG, 1 BOX, 2 MUG");
    level(*state, "MUG", "north", "9");
    level(*state, "BOX", "north", "9");
    assert_published(*state, &with_kits, "SET", "3");
}

static void fractions_of_pieces_round_against_the_promise(void **state)
{
    struct cw_stock_rule fine = with_kits;
    fine.step = 1;
    kit(*state, "PAINT", "0.333333 PIGMENT");
    level(*state, "PIGMENT", "north", "1");
    assert_published(*state, &with_kits, "PAINT", "3");
    level(*state, "PIGMENT", "north", "0.999998");
    assert_published(*state, &with_kits, "PAINT", "2");
    demand(*state, "PAINT", SHELF_NONE, CW_DEMAND_ALLOCATED, "0.000001");
    assert_quantity(count_one(*state, &with_kits, "PIGMENT").for_kits, "0.000001");
    assert_published(*state, &fine, "PIGMENT", "0.999997");
}

static void a_kit_may_need_a_fraction_of_a_kit(void **state)
{
    kit(*state, "HALF", "0.5 SET");
    kit(*state, "SET", "1 MUG");
    level(*state, "MUG", "north", "1");
    assert_published(*state, &with_kits, "HALF", "2");
    demand(*state, "HALF", SHELF_NONE, CW_DEMAND_ALLOCATED, "1");
    assert_quantity(count_one(*state, &with_kits, "MUG").free, "0.5");
    assert_published(*state, &with_kits, "HALF", "1");
    assert_published(*state, &with_kits, "SET", "0");
}

static void components_that_are_lacking_build_nothing_but_what_is_ready_made_stays(void **state)
{
    kit(*state, "CRATE", "1 SET");
    kit(*state, "SET", "1 MUG");
    level(*state, "MUG", "north", "-5");
    level(*state, "SET", "north", "3");
    assert_published(*state, &with_kits, "CRATE", "3");
    level(*state, "SET", "north", "-2"); /* two must be built, of what is lacking already */
    assert_quantity(count_one(*state, &with_kits, "MUG").free, "-7");
    assert_published(*state, &with_kits, "CRATE", "0");
}

static void a_kit_that_is_none_any_more_needs_nothing(void **state)
{
    kit(*state, "SET", "2 MUG");
    level(*state, "MUG", "north", "10");
    demand(*state, "SET", SHELF_NONE, CW_DEMAND_PENDING, "1");
    assert_published(*state, &with_kits, "MUG", "8");
    kit(*state, "SET", "");
    assert_published(*state, &with_kits, "MUG", "10");
    assert_false(count_one(*state, &with_kits, "SET").is_kit);
    assert_quantity(count_one(*state, &with_kits, "SET").free, "-1");
}

/* --- what is refused --- */

static void assert_refused(struct cw_stock *stock, const char *sku, const char *made_of, const char *why)
{
    struct cw_error err;
    assert_false(try_kit(stock, sku, made_of, &err));
    assert_int_equal(err.code, CW_INVALID);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void a_kit_of_itself_is_refused(void **state)
{
    assert_refused(*state, "A", "1 B, 1 A", "A is made of A;");
    kit(*state, "A", "1 B");
}

static void a_ring_of_two_is_named(void **state)
{
    kit(*state, "KIT-B", "1 KIT-A");
    assert_refused(*state, "KIT-A", "1 MUG, 1 KIT-B", "KIT-A is made of KIT-B, which is made of KIT-A;");
    level(*state, "MUG", "north", "1");
    level(*state, "KIT-A", "north", "4");
    assert_published(*state, &with_kits, "KIT-B", "4"); /* all stayed what it was */
    assert_false(count_one(*state, &with_kits, "KIT-A").is_kit);
}

static void a_ring_of_five_is_named(void **state)
{
    kit(*state, "E", "1 X, 1 A");
    kit(*state, "D", "1 E, 1 X");
    kit(*state, "C", "1 Y, 1 D");
    kit(*state, "B", "1 X, 1 C");
    assert_refused(
        *state, "A", "2 X, 1 Y, 1 B",
        "A is made of B, which is made of C, which is made of D, which is made of E, which is made "
        "of A;");
}

static void a_refused_change_leaves_the_kit_what_it_was(void **state)
{
    kit(*state, "A", "2 MUG");
    kit(*state, "B", "1 A");
    level(*state, "MUG", "north", "8");
    assert_refused(*state, "A", "1 B", "A is made of B, which is made of A");
    assert_refused(*state, "A", "0 MUG", "A is made of 0 pieces of MUG");
    assert_refused(*state, "A", "3 MUG, -0.5 BOX", "-0.5 pieces of BOX; the quantity");
    assert_published(*state, &with_kits, "B", "4");
    struct cw_stock_component absurd = { item(*state, "MUG"), CW_QUANTITY_MAX + 1 };
    struct cw_error err;
    assert_false(cw_stock_set_kit(*state, item(*state, "A"), &absurd, 1, &err));
    assert_non_null(strstr(err.text, "absurd"));
    absurd = (struct cw_stock_component){ CW_STOCK_NONE, CW_QUANTITY_ONE };
    assert_false(cw_stock_set_kit(*state, item(*state, "A"), &absurd, 1, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_published(*state, &with_kits, "B", "4");
}

/* K<from> is made of K<from + 1> and so on, up to K<to>. */
static void chain(struct cw_stock *stock, int from, int to)
{
    char sku[16], made_of[24];
    for (int i = from; i < to; i++) {
        snprintf(sku, sizeof sku, "K%d", i);
        snprintf(made_of, sizeof made_of, "1 K%d", i + 1);
        kit(stock, sku, made_of);
    }
}

static void kits_as_deep_as_the_limit_are_counted(void **state)
{
    chain(*state, 0, CW_KIT_DEPTH_MAX);
    level(*state, "K64", "north", "5");
    assert_published(*state, &with_kits, "K0", "5");
    demand(*state, "K0", SHELF_NONE, CW_DEMAND_PENDING, "3");
    assert_published(*state, &with_kits, "K64", "2");
    assert_published(*state, &with_kits, "K0", "2");
}

static void deeper_kits_are_refused_wherever_they_are_put_together(void **state)
{
    chain(*state, 0, CW_KIT_DEPTH_MAX);
    assert_refused(*state, "TOP", "1 K0", "65 deep; 64 is the most");
    assert_refused(*state, "K64", "1 MUG", "65 deep; 64 is the most");
    kit(*state, "K30", "1 K32");
    kit(*state, "TOP", "1 K0");
    assert_refused(*state, "K64", "1 MUG", "65 deep");
    level(*state, "K64", "north", "5");
    assert_published(*state, &with_kits, "TOP", "5");
    chain(*state, 100, 140);
    chain(*state, 200, 224);
    assert_refused(*state, "K140", "1 K200", "65 deep");
    kit(*state, "K140", "1 K201");
}

static void a_kit_has_a_limit_of_components(void **state)
{
    static struct cw_stock_component components[CW_KIT_COMPONENTS_MAX + 1];
    struct cw_error err;
    char sku[16];
    for (uint32_t i = 0; i <= CW_KIT_COMPONENTS_MAX; i++) {
        snprintf(sku, sizeof sku, "P%u", (unsigned)i);
        components[i] = (struct cw_stock_component){ item(*state, sku), CW_QUANTITY_ONE };
        level(*state, sku, "north", "6");
    }
    uint32_t big = item(*state, "BIG");
    assert_false(cw_stock_set_kit(*state, big, components, CW_KIT_COMPONENTS_MAX + 1, &err));
    assert_string_equal(err.text, "BIG has 10001 components; a kit may have 10000");
    assert_ok(cw_stock_set_kit(*state, big, components, CW_KIT_COMPONENTS_MAX, &err), err);
    assert_published(*state, &with_kits, "BIG", "6");
}

static void absurd_needs_stay_at_the_end_of_the_scale(void **state)
{
    kit(*state, "A", "1000000000 B, 1 M");
    kit(*state, "B", "1000000000 M");
    level(*state, "M", "north", "1000000000");
    demand(*state, "A", SHELF_NONE, CW_DEMAND_PENDING, "1000000000");
    assert_true(count_one(*state, &with_kits, "M").for_kits == INT64_MAX);
    assert_published(*state, &with_kits, "A", "0");
    assert_published(*state, &with_kits, "B", "0");
}

/* --- what depends on what --- */

static void assert_affected(struct cw_stock *stock, const char *sku, const char *expected)
{
    char text[256] = "";
    size_t count, len = 0;
    uint32_t changed[] = { item(stock, sku), item(stock, sku) };
    uint32_t *affected = cw_stock_affected(stock, changed, 2, &count);
    assert_non_null(affected);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i > 0 ? " " : "",
                                CW_SLICE_ARG(cw_stock_sku(stock, affected[i])));
    assert_string_equal(text, expected);
    free(affected);
}

static void a_change_reaches_what_is_built_and_what_shares_components(void **state)
{
    static const char *const skus[] = { "BOX", "MUG", "TEA", "SET", "CRATE", "OTHER", "LONE" };
    for (size_t i = 0; i < sizeof skus / sizeof *skus; i++)
        item(*state, skus[i]);
    kit(*state, "SET", "1 MUG, 1 BOX");
    kit(*state, "CRATE", "6 SET");
    kit(*state, "OTHER", "1 BOX, 1 TEA");
    assert_affected(*state, "LONE", "LONE");
    assert_affected(*state, "TEA", "TEA OTHER");
    assert_affected(*state, "MUG", "MUG SET CRATE");
    assert_affected(*state, "SET", "BOX MUG SET CRATE OTHER");
    assert_affected(*state, "CRATE", "BOX MUG SET CRATE OTHER");
    assert_affected(*state, "OTHER", "BOX TEA SET CRATE OTHER");
}

static void nothing_changed_affects_nothing(void **state)
{
    size_t count = 7;
    uint32_t unknown = 12;
    uint32_t *affected = cw_stock_affected(*state, NULL, 0, &count);
    assert_non_null(affected);
    assert_int_equal(count, 0);
    free(affected);
    affected = cw_stock_affected(*state, &unknown, 1, &count);
    assert_non_null(affected);
    assert_int_equal(count, 0);
    free(affected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(as_many_kits_as_the_scarcest_component_allows),
        TEST(a_kit_has_an_answer_when_all_its_components_have),
        TEST(what_is_promised_of_a_kit_is_needed_of_its_components),
        TEST(several_kits_draw_on_one_component),
        TEST(ready_made_kits_are_taken_before_more_are_built),
        TEST(shared_components_count_once),
        TEST(components_become_shared_and_cease_to_be),
        TEST(a_component_named_twice_is_added_up),
        TEST(fractions_of_pieces_round_against_the_promise),
        TEST(a_kit_may_need_a_fraction_of_a_kit),
        TEST(components_that_are_lacking_build_nothing_but_what_is_ready_made_stays),
        TEST(a_kit_that_is_none_any_more_needs_nothing),
        TEST(a_kit_of_itself_is_refused),
        TEST(a_ring_of_two_is_named),
        TEST(a_ring_of_five_is_named),
        TEST(a_refused_change_leaves_the_kit_what_it_was),
        TEST(kits_as_deep_as_the_limit_are_counted),
        TEST(deeper_kits_are_refused_wherever_they_are_put_together),
        TEST(a_kit_has_a_limit_of_components),
        TEST(absurd_needs_stay_at_the_end_of_the_scale),
        TEST(a_change_reaches_what_is_built_and_what_shares_components),
        TEST(nothing_changed_affects_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
