/* orders.h - made-up orders in the words of three shops, from the project's own fixtures: ids, quantities and
 * amounts differ from order to order and add up. */
#ifndef BENCH_ORDERS_H
#define BENCH_ORDERS_H

#include "base/buffer.h"

enum bench_shop { BENCH_PRESTASHOP, BENCH_WOOCOMMERCE, BENCH_STONE_EDGE, BENCH_SHOPS };

extern const char *const bench_shop_names[BENCH_SHOPS];

struct bench_orders;

/* `source`: the project's folder. Ends the program when a fixture is not what it should be. */
struct bench_orders *bench_orders_load(const char *source, enum bench_shop shop);

/* A whole answer with orders `first` to `first + count - 1`, behind what `page` holds. */
void bench_orders_page(const struct bench_orders *orders, long first, long count, struct cw_buffer *page);

#endif
