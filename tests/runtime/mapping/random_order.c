/* random_order.c - see random_order.h. */
#include "random_order.h"

/* --- the shop's arithmetic --- */

static millionths floor_unit(millionths value)
{
    millionths rest = value % UNIT;
    return value - rest - (rest < 0 ? UNIT : 0);
}

static bool rounds_up(millionths value, millionths below, int mode)
{
    millionths twice = 2 * (value - below);
    if (mode == UP || mode == DOWN)
        return (mode == UP) == (value > 0);
    if (mode == CEILING || mode == FLOOR)
        return mode == CEILING;
    if (twice != UNIT)
        return twice > UNIT;
    if (mode == HALF_EVEN)
        return below / UNIT % 2 != 0;
    return (mode == HALF_UP) == (value > 0);
}

static millionths round_unit(millionths value, int mode)
{
    millionths below = floor_unit(value);
    return below == value || !rounds_up(value, below, mode) ? below : below + UNIT;
}

/* Both are whole thousandths. */
static millionths times(millionths a, millionths b)
{
    return a / 1000 * (b / 1000);
}

millionths line_total(const struct order *order, const struct line *line)
{
    millionths price = line->price.value, product;
    if (line->total.is_set)
        return line->total.value;
    if (!line->quantity.is_set || !line->price.is_set)
        return 0;
    if (order->level == BY_ITEM)
        price = round_unit(price, order->mode);
    product = times(line->quantity.value, price);
    if (order->level == BY_LINE)
        product = round_unit(product, order->mode);
    return product - (line->discount.is_set ? line->discount.value : 0);
}

static millionths sum_lines(const struct order *order)
{
    millionths sum = 0;
    for (size_t i = 0; i < order->line_count; i++)
        sum += line_total(order, &order->lines[i]);
    return sum;
}

static millionths sum_list(const struct list *list)
{
    millionths sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += list->amounts[i].value;
    return sum;
}

bool is_fine(const struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->amounts[i].value % UNIT != 0)
            return true;
    return false;
}

static millionths owed(const struct order *order)
{
    bool once = !order->goods.is_set && order->level == BY_TOTAL;
    millionths goods = order->has_lines ? sum_lines(order) : order->goods.value;
    if (order->has_lines && !once)
        goods = round_unit(goods, order->mode);
    millionths sum = goods + order->shipping.value + order->fee.value - order->discount.value +
                     (order->tax_on_top ? order->tax.value : 0);
    return once ? round_unit(sum, order->mode) : sum;
}

struct offs offs_of(const struct order *order)
{
    struct offs offs = { .total = owed(order) - order->total.value };
    if (order->has_lines && order->goods.is_set)
        offs.goods = round_unit(sum_lines(order), order->mode) - order->goods.value;
    if (order->fee.is_set && order->fees.count > 0)
        offs.fee =
            round_unit(sum_list(&order->fees), order->mode) - round_unit(order->fee.value, order->mode);
    if (order->tax.is_set && order->taxes.count > 0 && !is_fine(&order->taxes))
        offs.tax = sum_list(&order->taxes) - round_unit(order->tax.value, order->mode);
    return offs;
}

/* --- random orders --- */

static struct cw_random *dice; /* of the order that is being made */

static bool one_in(uint64_t n)
{
    return cw_random_below(dice, n) == 0;
}

static millionths between(int64_t least, int64_t most)
{
    return least + (int64_t)cw_random_below(dice, (uint64_t)(most - least + 1));
}

/* Whole units, or thousandths of them, of which some are ties. */
static struct figure random_amount(int64_t least, int64_t most, bool fine)
{
    millionths value = between(least, most) * UNIT;
    if (fine)
        value += one_in(3) ? UNIT / 2 : between(0, 999) * (UNIT / 1000);
    return (struct figure){ true, value };
}

static struct figure random_quantity(void)
{
    millionths value = between(-3, 9) * UNIT;
    if (one_in(4))
        value += between(0, 999) * (UNIT / 1000);
    return (struct figure){ true, value };
}

static void random_line(const struct order *order, struct line *line)
{
    *line = (struct line){ .quantity.is_set = false };
    if (one_in(20)) /* a remark without figures */
        return;
    if (!one_in(5)) {
        line->quantity = random_quantity();
        line->price = random_amount(one_in(10) ? 0 : -1000, one_in(10) ? 0 : 100000, one_in(2));
    }
    if (one_in(3))
        line->discount = random_amount(0, 500, order->level == BY_TOTAL && one_in(2));
    if (!line->price.is_set || one_in(3))
        line->total = random_amount(-1000, 1000000, order->level == BY_TOTAL && one_in(2));
}

static void random_lines(struct order *order)
{
    order->has_lines = !one_in(12);
    order->line_count = order->has_lines && !one_in(15) ? (size_t)between(1, LINES_MAX) : 0;
    for (size_t i = 0; i < order->line_count; i++)
        random_line(order, &order->lines[i]);
    if (!order->has_lines)
        order->goods = random_amount(-1000, 1000000, false);
    else if (one_in(2))
        order->goods = (struct figure){ true, round_unit(sum_lines(order), order->mode) };
}

/* The entries of a list that makes `sum`: with the rest in the last one. */
static void split(struct list *list, millionths sum, bool fine)
{
    list->is_set = true;
    list->count = (size_t)between(1, ENTRIES_MAX);
    for (size_t i = 0; i + 1 < list->count; i++) {
        list->amounts[i] = random_amount(-100, 1000, fine);
        sum -= list->amounts[i].value;
    }
    list->amounts[list->count - 1] = (struct figure){ true, sum };
}

/* Two rates on parts of what was bought, each tax rounded as the order rounds. */
static void random_taxes(struct order *order)
{
    millionths base = order->has_lines ? round_unit(sum_lines(order), order->mode) : order->goods.value;
    millionths part = base / 3, rates[] = { 20, 7 };
    millionths taxes[] = { base - part, part };
    for (size_t i = 0; i < 2; i++)
        taxes[i] = round_unit(taxes[i] * rates[i] / (order->tax_on_top ? 100 : 100 + rates[i]), order->mode);
    order->tax = (struct figure){ true, taxes[0] + taxes[1] };
    order->taxes.is_set = one_in(2);
    if (!order->taxes.is_set)
        return;
    if (one_in(4)) { /* finer ones say nothing about the total */
        split(&order->taxes, order->tax.value, true);
        return;
    }
    order->taxes.count = 2;
    order->taxes.amounts[0] = (struct figure){ true, taxes[0] };
    order->taxes.amounts[1] = (struct figure){ true, taxes[1] };
}

void random_order(struct cw_random *random, struct order *order)
{
    dice = random;
    *order = (struct order){ .currency = (size_t)between(0, 2),
                             .level = (int)between(0, LEVELS - 1),
                             .mode = (int)between(0, MODES - 1),
                             .tax_on_top = one_in(2) };
    order->says_level = order->level != BY_LINE || one_in(2);
    order->says_mode = order->mode != HALF_UP || one_in(2);
    random_lines(order);
    bool fine = !order->goods.is_set && order->level == BY_TOTAL && one_in(2);
    if (!one_in(4))
        order->shipping = random_amount(0, 2000, fine);
    if (!one_in(3))
        order->fee = random_amount(-100, 500, fine);
    if (order->fee.is_set && one_in(2))
        split(&order->fees, order->fee.value, fine);
    if (!one_in(3))
        order->discount = random_amount(0, 3000, fine);
    if (one_in(3)) /* coupons, which the lines may contain already */
        split(&order->discounts, between(0, 5000) * UNIT, false);
    if (!one_in(4))
        random_taxes(order);
    order->total = (struct figure){ true, owed(order) };
}
