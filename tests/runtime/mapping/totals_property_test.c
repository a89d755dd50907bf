/* totals_property_test.c - random orders that are right, and the same with one amount wrong by one smallest
 * unit. CW_PROPERTY_SEED=N runs that seed alone; a failure names seed and order.
 */
#include "testing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "mapping/totals.h"
#include "random_order.h"

enum { ORDERS_PER_SEED = 5000, AMOUNTS_MAX = LINES_MAX * 4 + ENTRIES_MAX * 3 + 6 };

static const char *const modes[] = { "up", "down", "ceiling", "floor", "half-up", "half-down", "half-even" };
static const char *const levels[] = { "item", "line", "total" };
static const char *const currencies[] = { "JPY", "EUR", "KWD" };
static const unsigned currency_digits[] = { 0, 2, 3 };

/* --- the order as a document --- */

static struct cw_arena arena;
static struct cw_mapped mapped;

static struct cw_value *value_of(struct cw_document *doc, const char *field)
{
    struct cw_value *value = &doc->values[cw_kind_field(doc->kind, cw_slice(field))];
    value->is_set = true;
    return value;
}

static void set(struct cw_document *doc, const char *field, const struct figure *figure, unsigned digits)
{
    if (!figure->is_set)
        return;
    millionths value = figure->value;
    unsigned scale = digits + 6;
    for (; scale > 0 && value % 10 == 0; scale--)
        value /= 10;
    value_of(doc, field)->decimal =
        (struct cw_decimal){ .digits = (unsigned __int128)(value < 0 ? -value : value),
                             .scale = (uint8_t)scale,
                             .negative = value < 0 };
}

static struct cw_document *append(struct cw_value *list, const struct cw_kind *kind)
{
    struct cw_document *entry = cw_document_create(&arena, kind);
    assert_non_null(entry);
    if (list->list.first == NULL)
        list->list.first = entry;
    else
        list->list.last->next = entry;
    list->list.last = entry;
    list->list.count++;
    return entry;
}

static void set_list(const char *field, const struct cw_kind *kind, const struct list *list, unsigned digits)
{
    if (!list->is_set)
        return;
    struct cw_value *entries = value_of(mapped.doc, field);
    for (size_t i = 0; i < list->count; i++)
        set(append(entries, kind), "amount", &list->amounts[i], digits);
}

static void set_lines(const struct order *order, unsigned digits)
{
    if (!order->has_lines)
        return;
    struct cw_value *lines = value_of(mapped.doc, "lines");
    for (size_t i = 0; i < order->line_count; i++) {
        struct cw_document *line = append(lines, &cw_kind_line);
        set(line, "quantity", &order->lines[i].quantity, 0);
        set(line, "unit_price", &order->lines[i].price, digits);
        set(line, "discount", &order->lines[i].discount, digits);
        set(line, "total", &order->lines[i].total, digits);
    }
}

static void check(const struct order *order)
{
    struct cw_error err;
    unsigned digits = currency_digits[order->currency];
    cw_arena_reset(&arena);
    mapped = (struct cw_mapped){ .doc = cw_document_create(&arena, &cw_kind_order) };
    assert_non_null(mapped.doc);
    value_of(mapped.doc, "currency")->text = cw_slice(currencies[order->currency]);
    if (order->says_level)
        value_of(mapped.doc, "rounding")->text = cw_slice(levels[order->level]);
    if (order->says_mode)
        value_of(mapped.doc, "rounding_mode")->text = cw_slice(modes[order->mode]);
    value_of(mapped.doc, "tax_included")->boolean = !order->tax_on_top;
    set_lines(order, digits);
    set_list("fees", &cw_kind_fee, &order->fees, digits);
    set_list("taxes", &cw_kind_tax, &order->taxes, digits);
    set_list("discounts", &cw_kind_discount, &order->discounts, digits);
    set(mapped.doc, "goods_total", &order->goods, digits);
    set(mapped.doc, "shipping_total", &order->shipping, digits);
    set(mapped.doc, "fee_total", &order->fee, digits);
    set(mapped.doc, "discount_total", &order->discount, digits);
    set(mapped.doc, "tax_total", &order->tax, digits);
    set(mapped.doc, "total", &order->total, digits);
    assert_ok(cw_totals_check(&mapped, &arena, &err), err);
}

/* --- what must be found --- */

struct place { /* of a failure */
    uint64_t seed;
    int order;
    const char *changed; /* what was changed, or "nothing" */
};

static void off_text(const struct order *order, millionths off, char out[64])
{
    long long units = (long long)((off < 0 ? -off : off) / UNIT), per_one = 1;
    unsigned digits = currency_digits[order->currency];
    for (unsigned i = 0; i < digits; i++)
        per_one *= 10;
    if (digits == 0)
        snprintf(out, 64, ": off by %lld", units);
    else
        snprintf(out, 64, ": off by %lld.%0*lld", units / per_one, (int)digits, units % per_one);
}

/* Exactly one issue of the field when it is off, which ends with the difference; none when it is right. */
static size_t check_field(const struct place *at, const struct order *order, const char *field,
                          millionths off)
{
    char ending[64];
    size_t found = 0;
    off_text(order, off, ending);
    for (const struct cw_found_issue *issue = mapped.issues; issue != NULL; issue = issue->next) {
        if (!cw_slice_is(issue->field, field))
            continue;
        struct cw_slice message = issue->message;
        size_t len = strlen(ending);
        found++;
        if (!cw_slice_is(issue->code, "totals") || !issue->is_hold || message.len <= len ||
            memcmp(cw_slice_end(message) - len, ending, len) != 0)
            fail_msg("seed %" PRIu64 ", order %d, changed %s: %s should end with \"%s\": %.*s", at->seed,
                     at->order, at->changed, field, ending, CW_SLICE_ARG(message));
    }
    if (found != (off != 0))
        fail_msg("seed %" PRIu64 ", order %d, changed %s: %zu issues of %s instead of %d", at->seed,
                 at->order, at->changed, found, field, off != 0);
    return found;
}

static size_t check_found(const struct place *at, const struct order *order)
{
    struct offs offs = offs_of(order);
    size_t expected = 0, all = 0;
    check(order);
    expected += check_field(at, order, "goods_total", offs.goods);
    expected += check_field(at, order, "fee_total", offs.fee);
    expected += check_field(at, order, "tax_total", offs.tax);
    expected += check_field(at, order, "total", offs.total);
    for (const struct cw_found_issue *issue = mapped.issues; issue != NULL; issue = issue->next)
        all++;
    if (all != expected)
        fail_msg("seed %" PRIu64 ", order %d, changed %s: %zu issues instead of %zu, first: %.*s", at->seed,
                 at->order, at->changed, all, expected, CW_SLICE_ARG(mapped.issues->message));
    return all;
}

/* An amount of an order, and whether the order is off by exactly one unit when it is. */
struct amount {
    struct figure *figure;
    const char *name;
    bool by_one;
};

static size_t add_amount(struct amount *amounts, size_t count, struct figure *figure, const char *name,
                         bool by_one)
{
    if (!figure->is_set)
        return count;
    amounts[count] = (struct amount){ figure, name, by_one };
    return count + 1;
}

/* One unit more is one unit more in a sum that is rounded as a whole only if its parts are whole. */
static bool lines_are_whole(const struct order *order)
{
    for (size_t i = 0; i < order->line_count; i++)
        if (line_total(order, &order->lines[i]) % UNIT != 0)
            return false;
    return true;
}

static bool is_whole(const struct order *order)
{
    return lines_are_whole(order) && order->shipping.value % UNIT == 0 && order->fee.value % UNIT == 0 &&
           order->discount.value % UNIT == 0;
}

static size_t line_amounts(struct order *order, bool whole, struct amount *amounts, size_t count)
{
    for (size_t i = 0; i < order->line_count; i++) {
        struct line *line = &order->lines[i];
        count = add_amount(amounts, count, &line->total, "line total", whole);
        if (line->total.is_set || !line->quantity.is_set)
            continue;
        count = add_amount(amounts, count, &line->quantity, "quantity", false);
        count = add_amount(amounts, count, &line->price, "unit price", false);
        count = add_amount(amounts, count, &line->discount, "line discount", whole);
    }
    return count;
}

static size_t list_amounts(struct list *list, const char *name, bool by_one, struct amount *amounts,
                           size_t count)
{
    for (size_t i = 0; i < list->count; i++)
        count = add_amount(amounts, count, &list->amounts[i], name, by_one);
    return count;
}

static size_t all_amounts(struct order *order, struct amount *amounts)
{
    bool whole = is_whole(order);
    size_t count = line_amounts(order, whole, amounts, 0);
    count = list_amounts(&order->fees, "fee", whole, amounts, count);
    count = list_amounts(&order->taxes, "tax", !is_fine(&order->taxes), amounts, count);
    count = list_amounts(&order->discounts, "listed discount", false, amounts, count);
    count = add_amount(amounts, count, &order->goods, "goods_total", true);
    count = add_amount(amounts, count, &order->shipping, "shipping_total", whole);
    count = add_amount(amounts, count, &order->fee, "fee_total", whole);
    count = add_amount(amounts, count, &order->discount, "discount_total", whole);
    count = add_amount(amounts, count, &order->tax, "tax_total", whole && order->tax_on_top);
    return add_amount(amounts, count, &order->total, "total", true);
}

static bool is_off_by_one(const struct order *order)
{
    struct offs offs = offs_of(order);
    const millionths all[] = { offs.goods, offs.fee, offs.tax, offs.total };
    bool any = false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] != 0 && all[i] != UNIT && all[i] != -UNIT)
            return false;
        any = any || all[i] != 0;
    }
    return any;
}

/* Each amount in turn is one unit too large or too small. Returns how often that was found. */
static size_t check_each_change(struct place *at, struct order *order, struct cw_random *random)
{
    struct amount amounts[AMOUNTS_MAX];
    size_t count = all_amounts(order, amounts), found = 0;
    for (size_t i = 0; i < count; i++) {
        millionths right = amounts[i].figure->value;
        amounts[i].figure->value += cw_random_below(random, 2) == 0 ? UNIT : -UNIT;
        at->changed = amounts[i].name;
        if (amounts[i].by_one && !is_off_by_one(order))
            fail_msg("seed %" PRIu64 ", order %d: the test itself does not find a change of %s", at->seed,
                     at->order, at->changed);
        found += check_found(at, order) > 0;
        amounts[i].figure->value = right;
    }
    return found;
}

static void check_seed(uint64_t seed)
{
    struct order order;
    struct cw_random random;
    size_t found = 0;
    cw_random_seed(&random, seed);
    for (int i = 0; i < ORDERS_PER_SEED; i++) {
        struct place at = { seed, i, "nothing" };
        random_order(&random, &order);
        if (check_found(&at, &order) != 0)
            fail_msg("seed %" PRIu64 ", order %d: the test made an order that does not add up", seed, i);
        found += check_each_change(&at, &order, &random);
    }
    assert_true(found > ORDERS_PER_SEED * 5); /* most of an order's amounts take part in a sum */
}

static void right_orders_pass_and_one_unit_more_or_less_anywhere_is_found(void **state)
{
    (void)state;
    static const uint64_t seeds[] = { 1, 20240328, 0x5eed, 4711, UINT64_MAX };
    const char *chosen = getenv("CW_PROPERTY_SEED");
    cw_arena_init(&arena, 0);
    if (chosen != NULL)
        check_seed(strtoull(chosen, NULL, 0));
    else
        for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
            check_seed(seeds[i]);
    cw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_orders_pass_and_one_unit_more_or_less_anywhere_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
