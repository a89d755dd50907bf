/* stock.c - items, warehouses, and the figures that are known of them; see stock.h. Kits: kits.c. */
#include <stdlib.h>

#include "stock/stock_private.h"

enum { FIRST_ITEMS = 16 };

/* --- life --- */

struct cw_stock *cw_stock_create(void)
{
    struct cw_stock *stock = calloc(1, sizeof *stock);
    if (stock == NULL)
        return NULL;
    cw_names_init(&stock->skus);
    cw_names_init(&stock->warehouses);
    cw_names_init(&stock->arrivals);
    return stock;
}

void cw_stock_free(struct cw_stock *stock)
{
    if (stock == NULL)
        return;
    cw_names_fini(&stock->skus);
    cw_names_fini(&stock->warehouses);
    cw_names_fini(&stock->arrivals);
    cw_cells_fini(&stock->levels);
    for (int i = 0; i < CW_DEMANDS; i++)
        cw_cells_fini(&stock->demand[i]);
    cw_cells_fini(&stock->incoming);
    cw_cells_fini(&stock->made_of);
    cw_cells_fini(&stock->part_of);
    cw_walk_fini(&stock->walk);
    free(stock->arrival);
    free(stock->vendor);
    free(stock->bits);
    free(stock->heights);
    free(stock);
}

/* --- items and warehouses --- */

static bool grow_bytes(uint8_t **bytes, size_t old, size_t cap)
{
    uint8_t *grown = realloc(*bytes, cap);
    if (grown == NULL)
        return false;
    memset(grown + old, 0, cap - old);
    *bytes = grown;
    return true;
}

static bool grow_items(struct cw_stock *stock)
{
    size_t old = stock->item_cap, cap = old > 0 ? old * 2 : FIRST_ITEMS;
    if (stock->skus.count < stock->item_cap)
        return true;
    cw_quantity *vendor = realloc(stock->vendor, cap * sizeof *vendor);
    if (vendor == NULL)
        return false;
    memset(vendor + old, 0, (cap - old) * sizeof *vendor);
    stock->vendor = vendor;
    if (!grow_bytes(&stock->bits, old, cap) || !grow_bytes(&stock->heights, old, cap))
        return false;
    stock->item_cap = (uint32_t)cap;
    return true;
}

uint32_t cw_stock_item(struct cw_stock *stock, struct cw_slice sku)
{
    if (!grow_items(stock))
        return CW_STOCK_NONE;
    return cw_names_number(&stock->skus, sku);
}

uint32_t cw_stock_warehouse(struct cw_stock *stock, struct cw_slice name)
{
    return cw_names_number(&stock->warehouses, name);
}

uint32_t cw_stock_find(const struct cw_stock *stock, struct cw_slice sku)
{
    return cw_names_find(&stock->skus, sku);
}

struct cw_slice cw_stock_sku(const struct cw_stock *stock, uint32_t item)
{
    return cw_stock_has(stock, item) ? stock->skus.all[item] : (struct cw_slice){ NULL, 0 };
}

uint32_t cw_stock_item_count(const struct cw_stock *stock)
{
    return stock->skus.count;
}

/* --- figures --- */

/* As a key of levels and of demand; CW_STOCK_NONE becomes 0. */
static uint32_t place_of(uint32_t warehouse)
{
    return warehouse + 1;
}

static bool is_place(const struct cw_stock *stock, uint32_t warehouse)
{
    return warehouse == CW_STOCK_NONE || warehouse < stock->warehouses.count;
}

bool cw_stock_set_level(struct cw_stock *stock, uint32_t item, uint32_t warehouse, cw_quantity on_hand)
{
    return cw_stock_has(stock, item) && warehouse < stock->warehouses.count &&
           cw_cells_put(&stock->levels, item, place_of(warehouse), on_hand);
}

bool cw_stock_drop_level(struct cw_stock *stock, uint32_t item, uint32_t warehouse)
{
    if (!cw_stock_has(stock, item) || warehouse >= stock->warehouses.count)
        return false;
    cw_cells_drop(&stock->levels, item, place_of(warehouse));
    return true;
}

bool cw_stock_add_demand(struct cw_stock *stock, uint32_t item, uint32_t warehouse, enum cw_demand demand,
                         cw_quantity quantity)
{
    if (!cw_stock_has(stock, item) || !is_place(stock, warehouse))
        return false;
    stock->bits[item] |= CW_ITEM_HAD_DEMAND;
    return cw_cells_add(&stock->demand[demand], item, place_of(warehouse), quantity);
}

/* Room for one arrival more, before it gets its number. */
static bool grow_arrivals(struct cw_stock *stock)
{
    uint32_t cap = stock->arrival_cap > 0 ? stock->arrival_cap * 2 : FIRST_ITEMS;
    if (stock->arrivals.count < stock->arrival_cap)
        return true;
    struct cw_arrival *arrival = realloc(stock->arrival, cap * sizeof *arrival);
    if (arrival == NULL)
        return false;
    stock->arrival = arrival;
    stock->arrival_cap = cap;
    return true;
}

static uint32_t arrival_number(struct cw_stock *stock, struct cw_arrival arrival)
{
    char bytes[sizeof arrival.expected_at + sizeof arrival.place];
    memcpy(bytes, &arrival.expected_at, sizeof arrival.expected_at);
    memcpy(bytes + sizeof arrival.expected_at, &arrival.place, sizeof arrival.place);
    if (!grow_arrivals(stock))
        return CW_NAMES_NONE;
    uint32_t number = cw_names_number(&stock->arrivals, (struct cw_slice){ bytes, sizeof bytes });
    if (number != CW_NAMES_NONE)
        stock->arrival[number] = arrival;
    return number;
}

bool cw_stock_add_incoming(struct cw_stock *stock, uint32_t item, uint32_t warehouse, cw_time expected_at,
                           cw_quantity quantity)
{
    if (!cw_stock_has(stock, item) || !is_place(stock, warehouse))
        return false;
    stock->bits[item] |= CW_ITEM_HAD_INCOMING;
    uint32_t number = arrival_number(stock, (struct cw_arrival){ expected_at, place_of(warehouse) });
    return number != CW_NAMES_NONE && cw_cells_add(&stock->incoming, item, number, quantity);
}

bool cw_stock_add_vendor(struct cw_stock *stock, uint32_t item, cw_quantity quantity)
{
    if (!cw_stock_has(stock, item))
        return false;
    stock->vendor[item] = cw_exact_add(stock->vendor[item], quantity);
    stock->bits[item] |= CW_ITEM_HAS_VENDOR;
    return true;
}

void cw_stock_set_active(struct cw_stock *stock, uint32_t item, bool is_active)
{
    if (!cw_stock_has(stock, item))
        return;
    if (is_active)
        stock->bits[item] &= (uint8_t)~CW_ITEM_INACTIVE;
    else
        stock->bits[item] |= CW_ITEM_INACTIVE;
}
