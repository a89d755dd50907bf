/* totals_words.h - private to totals.c: sums in words, such as "goods 63.36 - discount 5.00". */
#ifndef CW_MAPPING_TOTALS_WORDS_H
#define CW_MAPPING_TOTALS_WORDS_H

#include "base/decimal.h"

enum { CW_SUM_WORDS_MAX = 640 }; /* bytes; the sentence around them fits an issue's message */

struct cw_sum_words {
    char text[CW_SUM_WORDS_MAX]; /* ends in NUL; { 0 } says nothing yet */
    size_t len;
    unsigned digits; /* of the currency: amounts are shown with as many at least */
    bool is_cut;     /* something did not fit */
};

/* An amount as it is shown. `out` has CW_DECIMAL_TEXT_MAX bytes and is returned. */
const char *cw_amount_text(struct cw_decimal value, unsigned digits, char *out);

void cw_sum_words_add(struct cw_sum_words *words, const char *text);

/* " + NAME AMOUNT", or " - " for a negative one; the first has its own sign. `name` NULL = the amount alone.
 */
void cw_sum_words_amount(struct cw_sum_words *words, bool is_first, const char *name,
                         struct cw_decimal value);

/* How a line came to its total: quantity times price, less discount. */
struct cw_line_words {
    struct cw_decimal quantity, price, discount, total;
    bool is_rounded; /* the total is not what the other three make exactly */
};

/* " + 2 x 15.75", " + (2 x 15.75 - 1.00)", " + (3 x 0.335 = 1.01)". */
void cw_sum_words_line(struct cw_sum_words *words, bool is_first, const struct cw_line_words *line);

#endif
