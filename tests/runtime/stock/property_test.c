/* property_test.c - over random stocks: counting what is affected gives the same as counting all, and kits
 * are what trying one number after the other finds. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>

enum { ITEMS = 24, WAREHOUSES = 4, RULES = 6, COMPONENTS = 4 };

/* --- a random stock --- */

struct world {
    struct dice dice;
    struct cw_stock *stock;
    uint32_t changed[64];
    size_t changed_count;
};

static void note(struct world *world, uint32_t changed)
{
    assert_true(world->changed_count < 64);
    world->changed[world->changed_count++] = changed;
}

/* Mostly whole and few, at times fractional, negative or huge. */
static cw_quantity random_quantity(struct dice *dice)
{
    switch (roll(dice, 12)) {
    case 0:
        return roll(dice, 3000000);
    case 1:
        return -(cw_quantity)roll(dice, 20) * CW_QUANTITY_ONE;
    case 2:
        return CW_QUANTITY_MAX - roll(dice, 10);
    case 3:
        return 0;
    default:
        return roll(dice, 100) * CW_QUANTITY_ONE;
    }
}

static cw_quantity random_pieces(struct dice *dice)
{
    if (roll(dice, 5) == 0)
        return 1 + roll(dice, 2500000);
    return (1 + roll(dice, 4)) * CW_QUANTITY_ONE;
}

static uint32_t random_place(struct dice *dice)
{
    return roll(dice, 5) == 0 ? CW_STOCK_NONE : roll(dice, WAREHOUSES);
}

/* What the kit was made of has changed too. A ring is refused, and changes nothing. */
static void random_kit(struct world *world, uint32_t kit_item)
{
    struct cw_stock_component components[COMPONENTS];
    size_t before;
    size_t count = roll(&world->dice, 4) == 0 ? 0 : 1 + roll(&world->dice, COMPONENTS);
    struct cw_error err;
    for (size_t i = 0; i < count; i++)
        components[i] = (struct cw_stock_component){ roll(&world->dice, cw_stock_item_count(world->stock)),
                                                     random_pieces(&world->dice) };
    uint32_t *affected = cw_stock_affected(world->stock, &kit_item, 1, &before);
    assert_non_null(affected);
    for (size_t i = 0; i < before; i++)
        note(world, affected[i]);
    free(affected);
    if (!cw_stock_set_kit(world->stock, kit_item, components, count, &err))
        assert_int_equal(err.code, CW_INVALID);
}

static void random_change(struct world *world)
{
    struct dice *dice = &world->dice;
    uint32_t of = roll(dice, cw_stock_item_count(world->stock)), place = random_place(dice);
    cw_time at = roll(dice, 6) == 0 ? CW_TIME_NONE : SHELF_NOW + (cw_time)roll(dice, 20) * CW_DAY;
    switch (roll(dice, 12)) {
    case 0:
        random_kit(world, of);
        break;
    case 1:
        assert_true(cw_stock_add_vendor(world->stock, of, random_quantity(dice)));
        break;
    case 2:
        assert_true(cw_stock_add_incoming(world->stock, of, place, at, random_quantity(dice)));
        break;
    case 3:
        cw_stock_set_active(world->stock, of, roll(dice, 2) == 0);
        break;
    case 4:
        assert_true(cw_stock_drop_level(world->stock, of, roll(dice, WAREHOUSES)));
        break;
    case 5:
    case 6:
    case 7:
        assert_true(cw_stock_add_demand(world->stock, of, place, (enum cw_demand)roll(dice, 3),
                                        random_quantity(dice)));
        break;
    default:
        assert_true(cw_stock_set_level(world->stock, of, roll(dice, WAREHOUSES), random_quantity(dice)));
    }
    note(world, of);
}

static struct world make_world(uint64_t seed)
{
    struct world world = { .dice = dice_of(seed), .stock = cw_stock_create() };
    char name[16];
    assert_non_null(world.stock);
    for (int i = 0; i < WAREHOUSES; i++) {
        snprintf(name, sizeof name, "W%d", i);
        assert_int_equal(cw_stock_warehouse(world.stock, cw_slice(name)), i);
    }
    for (int i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof name, "I%d", i);
        item(world.stock, name);
    }
    return world;
}

static void make_rules(struct cw_stock_rule rules[RULES])
{
    static char first[] = "W1", second[] = "W3", unknown[] = "nowhere";
    static char *some[] = { first, second, NULL }, *none[] = { unknown, NULL };
    rules[0] = (struct cw_stock_rule){ .figure = CW_FIGURE_ON_HAND };
    rules[1] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE, .adds_kits = true };
    rules[2] = (struct cw_stock_rule){
        .figure = CW_FIGURE_AVAILABLE_FOR_SHIPPING, .adds_kits = true, .warehouses = some, .buffer_percent = 7
    };
    rules[3] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE,
                                       .adds_kits = true,
                                       .adds_incoming = true,
                                       .incoming_within = 7 * CW_DAY,
                                       .vendor = CW_VENDOR_ADDED,
                                       .step = q("0.001") };
    rules[4] = (struct cw_stock_rule){ .adds_incoming = true,
                                       .warehouses = some,
                                       .vendor = CW_VENDOR_SEPARATE,
                                       .minimum = q("3"),
                                       .maximum = q("50"),
                                       .step = q("2") };
    rules[5] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE, .adds_kits = true, .warehouses = none };
}

/* --- incremental and full --- */

static void assert_same(const struct cw_stock_view *one, const struct cw_stock_view *other, uint32_t of)
{
    struct cw_stock_sum a = cw_stock_view_sum(one, of), b = cw_stock_view_sum(other, of);
    struct cw_stock_published c = cw_stock_view_get(one, of), d = cw_stock_view_get(other, of);
    assert_int_equal(a.has_source, b.has_source);
    assert_int_equal(a.is_active, b.is_active);
    assert_int_equal(a.is_kit, b.is_kit);
    assert_int_equal(a.for_kits, b.for_kits);
    assert_int_equal(a.free, b.free);
    assert_int_equal(a.buildable, b.buildable);
    assert_int_equal(a.supply, b.supply);
    assert_int_equal(a.published, b.published);
    assert_int_equal(c.has_source, d.has_source);
    assert_int_equal(c.quantity, d.quantity);
    assert_int_equal(c.vendor, d.vendor);
}

static void assert_all_same(const struct world *world, const struct cw_stock_rule *rule,
                            const struct cw_stock_view *view)
{
    struct cw_stock_view *full = cw_stock_view_create(world->stock, rule, SHELF_NOW);
    assert_non_null(full);
    assert_true(cw_stock_view_count(full));
    for (uint32_t i = 0; i < cw_stock_item_count(world->stock); i++)
        assert_same(view, full, i);
    cw_stock_view_free(full);
}

static void counting_what_is_affected_is_counting_all(void **state)
{
    (void)state;
    struct world world = make_world(5);
    struct cw_stock_rule rules[RULES];
    struct cw_stock_view *views[RULES];
    make_rules(rules);
    for (int i = 0; i < RULES; i++) {
        views[i] = cw_stock_view_create(world.stock, &rules[i], SHELF_NOW);
        assert_true(cw_stock_view_count(views[i]));
    }
    for (size_t step = 0, steps = steps_of(3000); step < steps; step++) {
        world.changed_count = 0;
        for (uint32_t changes = 1 + roll(&world.dice, 2); changes > 0 && world.changed_count < 20; changes--)
            random_change(&world);
        if (step % 500 == 499) { /* a new item, wherever the arrays end */
            char name[24];
            snprintf(name, sizeof name, "N%zu", step);
            note(&world, item(world.stock, name));
        }
        for (int i = 0; i < RULES; i++) {
            assert_true(cw_stock_view_recount(views[i], world.changed, world.changed_count));
            assert_all_same(&world, &rules[i], views[i]);
        }
    }
    for (int i = 0; i < RULES; i++)
        cw_stock_view_free(views[i]);
    cw_stock_free(world.stock);
}

/* --- kits, by trying --- */

enum { BINS = 12 };

/* A workshop: what lies on its shelves, and how things are made. */
struct workshop {
    cw_quantity shelf[BINS];
    cw_quantity pieces[BINS][BINS]; /* [kit][component], 0 = none; components have higher numbers */
    bool is_kit[BINS];
};

static cw_quantity divide_up(__int128 value)
{
    return (cw_quantity)((value + CW_QUANTITY_ONE - 1) / CW_QUANTITY_ONE);
}

/* Whether `number` of `kit` can be made new: walks the numbers upwards, and asks each part for its whole need
 * at once, since all kits it is needed for have lower numbers. */
static bool can_make(const struct workshop *shop, int kit_number, cw_quantity number)
{
    cw_quantity wanted[BINS] = { 0 };
    for (int part = 0; part < BINS; part++)
        wanted[part] = divide_up((__int128)number * shop->pieces[kit_number][part]);
    for (int part = kit_number + 1; part < BINS; part++) {
        cw_quantity there_is = shop->shelf[part] > 0 ? shop->shelf[part] : 0;
        cw_quantity lacking = wanted[part] > there_is ? wanted[part] - there_is : 0;
        if (lacking > 0 && !shop->is_kit[part])
            return false;
        for (int below = part + 1; below < BINS; below++)
            wanted[below] += divide_up((__int128)lacking * shop->pieces[part][below]);
    }
    return true;
}

static cw_quantity most_by_trying(const struct workshop *shop, int kit_number)
{
    cw_quantity number = 0;
    while (can_make(shop, kit_number, number + CW_QUANTITY_ONE))
        number += CW_QUANTITY_ONE;
    return number;
}

/* Of kits there are some whole ones ready. */
static struct workshop random_workshop(struct dice *dice)
{
    struct workshop shop = { 0 };
    uint32_t density = 1 + roll(dice, 3);
    for (int i = 0; i < BINS; i++) {
        shop.shelf[i] = roll(dice, 4) == 0 ? roll(dice, 40000000) : roll(dice, 40) * CW_QUANTITY_ONE;
        shop.shelf[i] -= roll(dice, 8) == 0 ? 50 * CW_QUANTITY_ONE : 0;
        for (int j = i + 1; j < BINS && i < BINS * 2 / 3; j++)
            if (roll(dice, 8) < density) {
                shop.pieces[i][j] = random_pieces(dice);
                shop.is_kit[i] = true;
            }
        if (shop.is_kit[i])
            shop.shelf[i] = roll(dice, 6) * CW_QUANTITY_ONE;
    }
    return shop;
}

/* Kits and parts get numbers that say nothing of what is made of what. */
static struct cw_stock *stock_of(const struct workshop *shop, struct dice *dice, uint32_t numbers[BINS])
{
    struct cw_stock *stock = cw_stock_create();
    uint32_t shift = roll(dice, BINS), at = cw_stock_warehouse(stock, cw_slice("W"));
    struct cw_error err;
    char name[16];
    for (uint32_t i = 0; i < BINS; i++) {
        numbers[i] = (i * 5 + shift) % BINS;
        snprintf(name, sizeof name, "I%u", (unsigned)i);
        item(stock, name);
    }
    for (int i = 0; i < BINS; i++) {
        struct cw_stock_component components[BINS];
        size_t count = 0;
        for (int j = 0; j < BINS; j++)
            if (shop->pieces[i][j] > 0)
                components[count++] = (struct cw_stock_component){ numbers[j], shop->pieces[i][j] };
        assert_true(cw_stock_set_level(stock, numbers[i], at, shop->shelf[i]));
        assert_ok(cw_stock_set_kit(stock, numbers[i], components, count, &err), err);
    }
    return stock;
}

static void kits_are_what_trying_finds(void **state)
{
    static const struct cw_stock_rule rule = { .figure = CW_FIGURE_AVAILABLE, .adds_kits = true };
    struct dice dice = dice_of(11);
    (void)state;
    for (size_t step = 0, steps = steps_of(3000); step < steps; step++) {
        uint32_t numbers[BINS];
        struct workshop shop = random_workshop(&dice);
        struct cw_stock *stock = stock_of(&shop, &dice, numbers);
        struct cw_stock_view *view = cw_stock_view_create(stock, &rule, SHELF_NOW);
        assert_true(cw_stock_view_count(view));
        for (int i = 0; i < BINS; i++) {
            cw_quantity expected = shop.is_kit[i] ? most_by_trying(&shop, i) : 0;
            if (cw_stock_view_sum(view, numbers[i]).buildable != expected)
                fail_msg("step %zu, item %d: %s built, by trying %s", step, i,
                         text_of(cw_stock_view_sum(view, numbers[i]).buildable), text_of(expected));
        }
        cw_stock_view_free(view);
        cw_stock_free(stock);
    }
}

/* Selling what is published of a kit takes exactly that from it, and nothing below zero. */
static void selling_what_can_be_built_leaves_nothing_below_zero(void **state)
{
    static const struct cw_stock_rule rule = { .figure = CW_FIGURE_AVAILABLE, .adds_kits = true };
    struct dice dice = dice_of(17);
    (void)state;
    for (size_t step = 0, steps = steps_of(2000); step < steps; step++) {
        uint32_t numbers[BINS], sold = roll(&dice, BINS / 2);
        struct workshop shop = random_workshop(&dice);
        struct cw_stock *stock = stock_of(&shop, &dice, numbers);
        struct cw_stock_view *view = cw_stock_view_create(stock, &rule, SHELF_NOW);
        assert_true(cw_stock_view_count(view));
        struct cw_stock_sum before = cw_stock_view_sum(view, numbers[sold]);
        assert_true(
            cw_stock_add_demand(stock, numbers[sold], CW_STOCK_NONE, CW_DEMAND_PENDING, before.published));
        assert_true(cw_stock_view_recount(view, &numbers[sold], 1));
        assert_int_equal(cw_stock_view_sum(view, numbers[sold]).published, 0);
        for (int i = 0; i < BINS; i++)
            assert_true(cw_stock_view_sum(view, numbers[i]).free >= 0 || shop.shelf[i] < 0);
        cw_stock_view_free(view);
        cw_stock_free(stock);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_what_is_affected_is_counting_all),
        cmocka_unit_test(kits_are_what_trying_finds),
        cmocka_unit_test(selling_what_can_be_built_leaves_nothing_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
