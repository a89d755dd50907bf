/* shelf.h - a stock by names, for tests: quantities as text, everything asserted. */
#ifndef CW_TEST_SHELF_H
#define CW_TEST_SHELF_H

#include "testing.h"

#include "stock/stock.h"

#define SHELF_NOW  ((cw_time)1700000000 * CW_SECOND)
#define SHELF_NONE ((const char *)NULL) /* no warehouse in particular */

cw_quantity q(const char *text);
/* As short as it can be written; valid until the fourth call after it. */
const char *text_of(cw_quantity quantity);

uint32_t item(struct cw_stock *stock, const char *sku);
void level(struct cw_stock *stock, const char *sku, const char *warehouse, const char *quantity);
void demand(struct cw_stock *stock, const char *sku, const char *warehouse, enum cw_demand kind,
            const char *quantity);
void incoming(struct cw_stock *stock, const char *sku, const char *warehouse, cw_time at,
              const char *quantity);
void vendor(struct cw_stock *stock, const char *sku, const char *quantity);
/* "2 BOLT, 0.5 GLUE"; "" = no kit. False = refused, see *err. */
bool try_kit(struct cw_stock *stock, const char *sku, const char *made_of, struct cw_error *err);
void kit(struct cw_stock *stock, const char *sku, const char *made_of);

/* All terms of an item under a rule, counted anew. */
struct cw_stock_sum count_one(const struct cw_stock *stock, const struct cw_stock_rule *rule,
                              const char *sku);
#define assert_quantity(quantity, expected) assert_string_equal(text_of(quantity), expected)
/* What is published: a quantity, or "no answer". */
void assert_published(const struct cw_stock *stock, const struct cw_stock_rule *rule, const char *sku,
                      const char *expected);

/* Numbers that depend on the seed alone; CW_SEED overrides it. */
struct dice {
    uint64_t state;
};
struct dice dice_of(uint64_t seed);
uint32_t roll(struct dice *dice, uint32_t below);
/* Steps of a random walk: those of the environment, or else so many. */
size_t steps_of(size_t usual);

#endif
