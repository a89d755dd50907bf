/* totals_words.c - see totals_words.h. */
#include "mapping/totals_words.h"

#include <string.h>

const char *cw_amount_text(struct cw_decimal value, unsigned digits, char *out)
{
    value = cw_decimal_trim(value, digits);
    cw_decimal_format(&value, out);
    return out;
}

void cw_sum_words_add(struct cw_sum_words *words, const char *text)
{
    size_t len = strlen(text), room = sizeof words->text - 1 - words->len;
    if (len > room) {
        words->is_cut = true;
        len = room;
    }
    memcpy(words->text + words->len, text, len);
    words->len += len;
    words->text[words->len] = '\0';
}

static void add_number(struct cw_sum_words *words, struct cw_decimal value, unsigned digits)
{
    char text[CW_DECIMAL_TEXT_MAX];
    cw_sum_words_add(words, cw_amount_text(value, digits, text));
}

static void add_positive(struct cw_sum_words *words, struct cw_decimal value)
{
    value.negative = false;
    add_number(words, value, words->digits);
}

void cw_sum_words_amount(struct cw_sum_words *words, bool is_first, const char *name, struct cw_decimal value)
{
    if (!is_first)
        cw_sum_words_add(words, value.negative ? " - " : " + ");
    if (name != NULL) {
        cw_sum_words_add(words, name);
        cw_sum_words_add(words, " ");
    }
    value.negative = value.negative && is_first;
    add_number(words, value, words->digits);
}

void cw_sum_words_line(struct cw_sum_words *words, bool is_first, const struct cw_line_words *line)
{
    bool is_discounted = !cw_decimal_is_zero(&line->discount);
    bool has_more = is_discounted || line->is_rounded;
    cw_sum_words_add(words, is_first ? "" : " + ");
    cw_sum_words_add(words, has_more ? "(" : "");
    add_number(words, line->quantity, 0);
    cw_sum_words_add(words, " x ");
    add_number(words, line->price, words->digits);
    if (is_discounted) {
        cw_sum_words_add(words, line->discount.negative ? " + " : " - ");
        add_positive(words, line->discount);
    }
    if (line->is_rounded) {
        cw_sum_words_add(words, " = ");
        add_number(words, line->total, words->digits);
    }
    cw_sum_words_add(words, has_more ? ")" : "");
}
