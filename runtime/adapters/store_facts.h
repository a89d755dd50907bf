/* store_facts.h - private to the store: rows of stock as facts, whatever engine the rows come from. */
#ifndef CW_ADAPTERS_STORE_FACTS_H
#define CW_ADAPTERS_STORE_FACTS_H

#include "adapters/store_words.h"

/* A row as the engines' statements give it, in this order. */
struct cw_fact_row {
    int64_t fact; /* enum cw_fact */
    struct cw_slice sku, other, quantity;
    struct cw_slice word; /* of demand its state; of what is incoming the pieces that have come; of an item
                             "0" when it is inactive */
    cw_time at;
};

/* *is_one is false for a row that says nothing: a purchase order line of which all has come. */
bool cw_store_take_fact(const struct cw_fact_row *row, const char *place, struct cw_stock_fact *out,
                        bool *is_one, struct cw_error *err);

/* A decimal of a table; CW_CORRUPT naming the store, the table and what it is of when it is none. */
bool cw_store_take_decimal(struct cw_slice text, const char *place, const char *table, struct cw_slice of,
                           struct cw_decimal *out, struct cw_error *err);

#endif
