/* random_order.h - a shop that makes random orders which add up.
 *
 * It works with integers in millionths of the smallest unit and shares no arithmetic with the code under
 * test.
 */
#ifndef TEST_RANDOM_ORDER_H
#define TEST_RANDOM_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

typedef __int128 millionths; /* of the currency's smallest unit */

enum { LINES_MAX = 10, ENTRIES_MAX = 3 };
#define UNIT ((millionths)1000000)

enum { UP, DOWN, CEILING, FLOOR, HALF_UP, HALF_DOWN, HALF_EVEN, MODES };
enum { BY_ITEM, BY_LINE, BY_TOTAL, LEVELS };
/* A figure as the order states it; quantities count in millionths of one. */
struct figure {
    bool is_set;
    millionths value;
};

struct line {
    struct figure quantity, price, discount, total;
};

struct list {
    bool is_set;
    size_t count;
    struct figure amounts[ENTRIES_MAX];
};

struct order {
    size_t currency;
    int level, mode;
    bool says_level, says_mode, tax_on_top;
    bool has_lines;
    size_t line_count;
    struct line lines[LINES_MAX];
    struct list fees, taxes, discounts;
    struct figure goods, shipping, fee, discount, tax, total;
};

/* By how much each stated sum is off; 0 where it is right or not compared. */
struct offs {
    millionths goods, fee, tax, total;
};

void random_order(struct cw_random *random, struct order *order);
struct offs offs_of(const struct order *order);
millionths line_total(const struct order *order, const struct line *line);
/* An amount in it is no whole number of smallest units. */
bool is_fine(const struct list *list);

#endif
