/* walk_test.c - a shop's life at random: receipts, sales, shipments, purchase orders, vendor stock, kits
 * built and recomposed, beside books kept so simply that they are right. At each step no more is published
 * than the books can deliver on top of what is promised already. CW_STEPS and CW_SEED override how long and
 * which. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>

enum { ITEMS = 10, KITS = 5, PLACES = 3, OPEN_MAX = 40, RULES = 4, ANYWHERE = PLACES, DAY_STEPS = 400 };

static const char *const place_names[] = { "P0", "P1", "P2" };

/* --- the books --- */

struct open_order {
    uint32_t item, place;
    enum cw_demand demand;
    cw_quantity quantity;
};

struct purchase {
    uint32_t item, place;
    cw_time at;
    cw_quantity quantity;
};

struct books {
    struct dice dice;
    cw_time now;
    cw_quantity level[ITEMS][PLACES];
    bool has_level[ITEMS][PLACES];
    cw_quantity vendor[ITEMS];
    bool has_vendor[ITEMS];
    cw_quantity pieces[ITEMS][ITEMS]; /* components have higher numbers than their kits */
    struct open_order orders[OPEN_MAX];
    struct purchase purchases[OPEN_MAX];
    size_t order_count, purchase_count;

    struct cw_stock *stock;
    struct cw_stock_rule rules[RULES];
    struct cw_stock_view *views[RULES];
    uint32_t changed[2 * ITEMS];
    size_t changed_count;
};

static void note(struct books *books, uint32_t changed)
{
    assert_true(books->changed_count < 2 * ITEMS);
    books->changed[books->changed_count++] = changed;
}

static uint32_t in_stock(uint32_t place)
{
    return place == ANYWHERE ? CW_STOCK_NONE : place;
}

static bool is_kit(const struct books *books, uint32_t item_number)
{
    for (uint32_t i = 0; i < ITEMS; i++)
        if (books->pieces[item_number][i] > 0)
            return true;
    return false;
}

/* --- what happens --- */

static void set_level(struct books *books, uint32_t of, uint32_t place, cw_quantity quantity)
{
    books->level[of][place] = quantity;
    books->has_level[of][place] = true;
    assert_true(cw_stock_set_level(books->stock, of, place, quantity));
    note(books, of);
}

static void demand_of(struct books *books, const struct open_order *order, cw_quantity quantity)
{
    assert_true(
        cw_stock_add_demand(books->stock, order->item, in_stock(order->place), order->demand, quantity));
    note(books, order->item);
}

static void sell(struct books *books, uint32_t of, uint32_t place, cw_quantity quantity)
{
    if (books->order_count == OPEN_MAX || quantity <= 0)
        return;
    struct open_order *order = &books->orders[books->order_count++];
    *order = (struct open_order){ of, place, CW_DEMAND_PENDING, quantity };
    demand_of(books, order, quantity);
}

/* The customer buys what the cart shows, all of it or less; at times another channel sells what is not there.
 */
static void sell_what_is_shown(struct books *books, uint32_t of)
{
    struct cw_stock_published shown = cw_stock_view_get(books->views[roll(&books->dice, RULES)], of);
    uint32_t pieces = (uint32_t)(shown.quantity / CW_QUANTITY_ONE);
    cw_quantity bought = roll(&books->dice, 3) == 0 ? pieces : roll(&books->dice, pieces + 1);
    if (roll(&books->dice, 12) == 0)
        bought = roll(&books->dice, 30);
    uint32_t place = roll(&books->dice, PLACES + 4);
    sell(books, of, place < PLACES ? place : ANYWHERE, bought * CW_QUANTITY_ONE);
}

static void end_order(struct books *books, size_t at)
{
    books->orders[at] = books->orders[--books->order_count];
}

static void move_order(struct books *books)
{
    if (books->order_count == 0)
        return;
    size_t at = roll(&books->dice, (uint32_t)books->order_count);
    struct open_order *order = &books->orders[at];
    demand_of(books, order, -order->quantity);
    if (roll(&books->dice, 8) == 0) { /* cancelled */
        end_order(books, at);
    } else if (order->demand != CW_DEMAND_SHIPPING) {
        order->demand = order->demand == CW_DEMAND_PENDING ? CW_DEMAND_ALLOCATED : CW_DEMAND_SHIPPING;
        demand_of(books, order, order->quantity);
    } else { /* shipped from somewhere, even if the books then say less than nothing */
        uint32_t place = order->place == ANYWHERE ? roll(&books->dice, PLACES) : order->place;
        set_level(books, order->item, place, books->level[order->item][place] - order->quantity);
        end_order(books, at);
    }
}

static void change_purchase(struct books *books, const struct purchase *purchase, cw_quantity quantity)
{
    assert_true(cw_stock_add_incoming(books->stock, purchase->item, in_stock(purchase->place), purchase->at,
                                      quantity));
    note(books, purchase->item);
}

static void order_goods(struct books *books, uint32_t of)
{
    if (books->purchase_count == OPEN_MAX)
        return;
    struct purchase *purchase = &books->purchases[books->purchase_count++];
    cw_time at = books->now + ((cw_time)roll(&books->dice, 20) - 3) * CW_DAY;
    *purchase = (struct purchase){ of, roll(&books->dice, PLACES + 1), at,
                                   (1 + roll(&books->dice, 20)) * CW_QUANTITY_ONE };
    if (roll(&books->dice, 6) == 0)
        purchase->at = CW_TIME_NONE;
    change_purchase(books, purchase, purchase->quantity);
}

static void receive_goods(struct books *books)
{
    if (books->purchase_count == 0)
        return;
    size_t at = roll(&books->dice, (uint32_t)books->purchase_count);
    struct purchase *purchase = &books->purchases[at];
    uint32_t place = purchase->place == ANYWHERE ? roll(&books->dice, PLACES) : purchase->place;
    change_purchase(books, purchase, -purchase->quantity);
    if (roll(&books->dice, 6) != 0)
        set_level(books, purchase->item, place, books->level[purchase->item][place] + purchase->quantity);
    *purchase = books->purchases[--books->purchase_count];
}

static void hear_from_vendor(struct books *books, uint32_t of)
{
    cw_quantity quantity = roll(&books->dice, 8) * CW_QUANTITY_ONE;
    assert_true(cw_stock_add_vendor(books->stock, of, quantity - books->vendor[of]));
    books->vendor[of] = quantity;
    books->has_vendor[of] = true;
    note(books, of);
}

/* Somebody puts kits together: components leave the shelf, the kit lies on it. */
static void build_kits(struct books *books, uint32_t of)
{
    uint32_t place = roll(&books->dice, PLACES), number = 1 + roll(&books->dice, 3);
    if (!is_kit(books, of))
        return;
    for (uint32_t i = 0; i < ITEMS; i++)
        if (books->pieces[of][i] > 0)
            set_level(books, i, place, books->level[i][place] - number * books->pieces[of][i]);
    set_level(books, of, place, books->level[of][place] + number * CW_QUANTITY_ONE);
}

static void recompose(struct books *books, uint32_t of)
{
    struct cw_stock_component components[ITEMS];
    struct cw_error err;
    size_t count = 0;
    if (of >= KITS)
        return;
    note(books, of);
    for (uint32_t i = of + 1; i < ITEMS; i++) {
        if (books->pieces[of][i] > 0)
            note(books, i); /* what it was made of has changed as well */
        books->pieces[of][i] = roll(&books->dice, 3) == 0 ? (1 + roll(&books->dice, 3)) * CW_QUANTITY_ONE : 0;
        if (books->pieces[of][i] > 0)
            components[count++] = (struct cw_stock_component){ i, books->pieces[of][i] };
    }
    assert_ok(cw_stock_set_kit(books->stock, of, components, count, &err), err);
}

static void something_happens(struct books *books)
{
    uint32_t of = roll(&books->dice, ITEMS), place = roll(&books->dice, PLACES),
             what = roll(&books->dice, 200);
    if (what < 60)
        sell_what_is_shown(books, of);
    else if (what < 130)
        move_order(books);
    else if (what < 150)
        set_level(books, of, place, roll(&books->dice, 40) * CW_QUANTITY_ONE);
    else if (what < 165)
        order_goods(books, of);
    else if (what < 180)
        receive_goods(books);
    else if (what < 188)
        hear_from_vendor(books, of);
    else if (what < 196)
        build_kits(books, of);
    else
        recompose(books, of);
}

/* --- what the books can deliver --- */

static bool counts(const struct cw_stock_rule *rule, uint32_t place)
{
    if (place == ANYWHERE || rule->warehouses == NULL)
        return true;
    for (char **name = rule->warehouses; *name != NULL; name++)
        if (strcmp(*name, place_names[place]) == 0)
            return true;
    return false;
}

static bool is_added(const struct books *books, const struct cw_stock_rule *rule,
                     const struct purchase *purchase)
{
    return rule->adds_incoming && purchase->at != CW_TIME_NONE &&
           purchase->at <= books->now + rule->incoming_within && counts(rule, purchase->place);
}

static bool is_promised(const struct cw_stock_rule *rule, const struct open_order *order)
{
    if (!counts(rule, order->place))
        return false;
    return order->demand == CW_DEMAND_PENDING || rule->figure == CW_FIGURE_AVAILABLE ||
           (order->demand == CW_DEMAND_SHIPPING && rule->figure == CW_FIGURE_AVAILABLE_FOR_SHIPPING);
}

/* What there is and what is promised, under a rule. */
struct balance {
    cw_quantity own[ITEMS], promised[ITEMS];
    bool has_source[ITEMS];
};

static struct balance draw_balance(const struct books *books, const struct cw_stock_rule *rule)
{
    struct balance balance = { 0 };
    for (uint32_t i = 0; i < ITEMS; i++) {
        for (uint32_t place = 0; place < PLACES; place++)
            if (counts(rule, place) && books->has_level[i][place]) {
                balance.own[i] += books->level[i][place];
                balance.has_source[i] = true;
            }
        if (rule->vendor == CW_VENDOR_ADDED && books->has_vendor[i]) {
            balance.own[i] += books->vendor[i];
            balance.has_source[i] = true;
        }
    }
    for (size_t i = 0; i < books->purchase_count; i++)
        if (is_added(books, rule, &books->purchases[i])) {
            balance.own[books->purchases[i].item] += books->purchases[i].quantity;
            balance.has_source[books->purchases[i].item] = true;
        }
    for (size_t i = 0; i < books->order_count; i++)
        if (is_promised(rule, &books->orders[i]))
            balance.promised[books->orders[i].item] += books->orders[i].quantity;
    for (uint32_t i = ITEMS; i-- > 0 && rule->adds_kits;) {
        bool all = is_kit(books, i);
        for (uint32_t j = 0; j < ITEMS; j++)
            all = all && (books->pieces[i][j] == 0 || balance.has_source[j]);
        balance.has_source[i] = balance.has_source[i] || all;
    }
    return balance;
}

/* What is lacking of plain items once all that is promised, and `more` of one item, is delivered. */
static void deliver(const struct books *books, const struct balance *balance, uint32_t item_number,
                    cw_quantity more, cw_quantity lacking[ITEMS])
{
    cw_quantity wanted[ITEMS];
    memcpy(wanted, balance->promised, sizeof wanted);
    wanted[item_number] += more;
    for (uint32_t i = 0; i < ITEMS; i++) {
        cw_quantity short_of = wanted[i] - balance->own[i];
        lacking[i] = short_of > 0 ? short_of : 0;
        if (lacking[i] == 0 || !is_kit(books, i))
            continue;
        for (uint32_t j = i + 1; j < ITEMS; j++)
            wanted[j] += lacking[i] / CW_QUANTITY_ONE * books->pieces[i][j];
        lacking[i] = 0;
    }
}

/* Whether `more` of it harms no promise. */
static bool can_deliver(const struct books *books, const struct balance *balance, uint32_t item_number,
                        cw_quantity more)
{
    cw_quantity before[ITEMS], after[ITEMS];
    deliver(books, balance, item_number, 0, before);
    deliver(books, balance, item_number, more, after);
    for (uint32_t i = 0; i < ITEMS; i++)
        if (after[i] > before[i])
            return false;
    return true;
}

static void check_item(const struct books *books, int rule, const struct balance *balance, uint32_t of)
{
    struct cw_stock_published told = cw_stock_view_get(books->views[rule], of);
    const struct cw_stock_rule *by = &books->rules[rule];
    assert_int_equal(told.has_source, balance->has_source[of]);
    if (told.quantity > 0)
        assert_true(can_deliver(books, balance, of, told.quantity));
    if (by->adds_kits && by->buffer == 0 && by->buffer_percent == 0) /* and no less than what can be */
        assert_false(can_deliver(books, balance, of, told.quantity + CW_QUANTITY_ONE));
}

/* --- the walk --- */

static void open_views(struct books *books)
{
    for (int i = 0; i < RULES; i++) {
        cw_stock_view_free(books->views[i]);
        books->views[i] = cw_stock_view_create(books->stock, &books->rules[i], books->now);
        assert_non_null(books->views[i]);
        assert_true(cw_stock_view_count(books->views[i]));
    }
}

static void make_rules(struct books *books)
{
    static char first[] = "P0", second[] = "P2", *some[] = { first, second, NULL };
    books->rules[0] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE, .adds_kits = true };
    books->rules[1] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE,
                                              .warehouses = some,
                                              .adds_kits = true,
                                              .adds_incoming = true,
                                              .incoming_within = 7 * CW_DAY,
                                              .vendor = CW_VENDOR_ADDED };
    books->rules[2] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE_FOR_SHIPPING,
                                              .adds_kits = true,
                                              .buffer_percent = 10,
                                              .maximum = 20 * CW_QUANTITY_ONE };
    books->rules[3] = (struct cw_stock_rule){ .figure = CW_FIGURE_AVAILABLE, .buffer = CW_QUANTITY_ONE };
}

static struct books *open_books(void)
{
    struct books *books = calloc(1, sizeof *books);
    char sku[16];
    assert_non_null(books);
    books->dice = dice_of(23);
    books->now = SHELF_NOW;
    books->stock = cw_stock_create();
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(cw_stock_warehouse(books->stock, cw_slice(place_names[i])), i);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(sku, sizeof sku, "I%d", i);
        item(books->stock, sku);
    }
    for (uint32_t i = 0; i < KITS; i++)
        recompose(books, i);
    books->changed_count = 0;
    make_rules(books);
    open_views(books);
    return books;
}

static void close_books(struct books *books)
{
    for (int i = 0; i < RULES; i++)
        cw_stock_view_free(books->views[i]);
    cw_stock_free(books->stock);
    free(books);
}

static void check(struct books *books)
{
    for (int i = 0; i < RULES; i++) {
        struct balance balance = draw_balance(books, &books->rules[i]);
        for (uint32_t of = 0; of < ITEMS; of++)
            check_item(books, i, &balance, of);
    }
}

static void never_more_is_published_than_can_be_delivered(void **state)
{
    (void)state;
    struct books *books = open_books();
    for (size_t step = 0, steps = steps_of(40000); step < steps; step++) {
        books->changed_count = 0;
        something_happens(books);
        for (int i = 0; i < RULES; i++)
            assert_true(cw_stock_view_recount(books->views[i], books->changed, books->changed_count));
        check(books);
        if (step % DAY_STEPS == DAY_STEPS - 1) {
            books->now += CW_DAY;
            open_views(books);
            check(books);
        }
    }
    close_books(books);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_is_published_than_can_be_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
