/* shelf.c - see shelf.h. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>

cw_quantity q(const char *text)
{
    struct cw_decimal decimal;
    struct cw_error err;
    cw_quantity quantity;
    assert_ok(cw_decimal_parse(cw_slice(text), &decimal, &err), err);
    assert_ok(cw_quantity_from(&decimal, &quantity, &err), err);
    return quantity;
}

const char *text_of(cw_quantity quantity)
{
    static char texts[4][CW_DECIMAL_TEXT_MAX];
    static unsigned next;
    struct cw_decimal decimal = cw_quantity_decimal(quantity);
    char *text = texts[next++ % 4];
    cw_decimal_format(&decimal, text);
    return text;
}

uint32_t item(struct cw_stock *stock, const char *sku)
{
    uint32_t number = cw_stock_item(stock, cw_slice(sku));
    assert_int_not_equal(number, CW_STOCK_NONE);
    return number;
}

static uint32_t warehouse_of(struct cw_stock *stock, const char *name)
{
    return name != NULL ? cw_stock_warehouse(stock, cw_slice(name)) : CW_STOCK_NONE;
}

void level(struct cw_stock *stock, const char *sku, const char *warehouse, const char *quantity)
{
    assert_true(cw_stock_set_level(stock, item(stock, sku), warehouse_of(stock, warehouse), q(quantity)));
}

void demand(struct cw_stock *stock, const char *sku, const char *warehouse, enum cw_demand kind,
            const char *quantity)
{
    assert_true(
        cw_stock_add_demand(stock, item(stock, sku), warehouse_of(stock, warehouse), kind, q(quantity)));
}

void incoming(struct cw_stock *stock, const char *sku, const char *warehouse, cw_time at,
              const char *quantity)
{
    assert_true(
        cw_stock_add_incoming(stock, item(stock, sku), warehouse_of(stock, warehouse), at, q(quantity)));
}

void vendor(struct cw_stock *stock, const char *sku, const char *quantity)
{
    assert_true(cw_stock_add_vendor(stock, item(stock, sku), q(quantity)));
}

bool try_kit(struct cw_stock *stock, const char *sku, const char *made_of, struct cw_error *err)
{
    struct cw_stock_component components[16];
    char pieces[32], name[64];
    size_t count = 0;
    int used = 0;
    while (sscanf(made_of, " %31s %63[^,]%n", pieces, name, &used) == 2) {
        assert_true(count < 16);
        struct cw_decimal decimal;
        assert_ok(cw_decimal_parse(cw_slice(pieces), &decimal, err), *err);
        assert_ok(cw_quantity_from(&decimal, &components[count].quantity, err), *err);
        components[count++].item = item(stock, name);
        made_of += used + (made_of[used] == ',');
    }
    return cw_stock_set_kit(stock, item(stock, sku), components, count, err);
}

void kit(struct cw_stock *stock, const char *sku, const char *made_of)
{
    struct cw_error err;
    assert_ok(try_kit(stock, sku, made_of, &err), err);
}

struct cw_stock_sum count_one(const struct cw_stock *stock, const struct cw_stock_rule *rule, const char *sku)
{
    struct cw_stock_view *view = cw_stock_view_create(stock, rule, SHELF_NOW);
    assert_non_null(view);
    assert_true(cw_stock_view_count(view));
    uint32_t number = cw_stock_find(stock, cw_slice(sku));
    struct cw_stock_sum sum = cw_stock_view_sum(view, number);
    struct cw_stock_published published = cw_stock_view_get(view, number);
    assert_int_equal(sum.published, published.quantity);
    assert_int_equal(sum.has_source, published.has_source);
    cw_stock_view_free(view);
    return sum;
}

void assert_published(const struct cw_stock *stock, const struct cw_stock_rule *rule, const char *sku,
                      const char *expected)
{
    struct cw_stock_sum sum = count_one(stock, rule, sku);
    assert_string_equal(sum.has_source ? text_of(sum.published) : "no answer", expected);
}

struct dice dice_of(uint64_t seed)
{
    const char *given = getenv("CW_SEED");
    return (struct dice){ (given != NULL ? strtoull(given, NULL, 10) : seed) * 2 + 1 };
}

/* The high half of a multiplicative generator of 64 bits, whose state is odd. */
uint32_t roll(struct dice *dice, uint32_t below)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((dice->state >> 32) * below) >> 32);
}

size_t steps_of(size_t usual)
{
    const char *given = getenv("CW_STEPS");
    return given != NULL ? strtoul(given, NULL, 10) : usual;
}
