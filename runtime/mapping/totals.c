/* totals.c - see totals.h. */
#include "mapping/totals.h"

#include <stdio.h>

#include "mapping/totals_words.h"

enum { ENTRIES_SHOWN_MAX = 8 }; /* of a list that adds up to something else */

/* Where the figures stand in an order and in a line; looked up once, because names cost more than the
 * arithmetic. */
struct places {
    bool known;
    int currency, tax_included, goods, discount, shipping, fee, tax, total, rounding, rounding_mode, lines,
        fees, taxes;
    int quantity, unit_price, line_discount, line_total, fee_amount, tax_amount;
};

static int order_field(const char *name)
{
    return cw_kind_field(&cw_kind_order, cw_slice(name));
}

static int line_field(const char *name)
{
    return cw_kind_field(&cw_kind_line, cw_slice(name));
}

static const struct places *places(void)
{
    static struct places at;
    if (at.known)
        return &at;
    at = (struct places){ .currency = order_field("currency"),
                          .tax_included = order_field("tax_included"),
                          .goods = order_field("goods_total"),
                          .discount = order_field("discount_total"),
                          .shipping = order_field("shipping_total"),
                          .fee = order_field("fee_total"),
                          .tax = order_field("tax_total"),
                          .total = order_field("total"),
                          .rounding = order_field("rounding"),
                          .rounding_mode = order_field("rounding_mode"),
                          .lines = order_field("lines"),
                          .fees = order_field("fees"),
                          .taxes = order_field("taxes"),
                          .quantity = line_field("quantity"),
                          .unit_price = line_field("unit_price"),
                          .line_discount = line_field("discount"),
                          .line_total = line_field("total"),
                          .fee_amount = cw_kind_field(&cw_kind_fee, cw_slice("amount")),
                          .tax_amount = cw_kind_field(&cw_kind_tax, cw_slice("amount")),
                          .known = true };
    return &at;
}

/* One check of one order. A sum that does not fit ends the check with an issue. */
struct check {
    const struct places *at;
    struct cw_mapped *mapped;
    struct cw_arena *arena;
    struct cw_slice currency;
    unsigned digits;
    enum cw_rounding rounding;
    struct cw_slice level; /* "item", "line", "total" */
    bool rounds_once;      /* nothing but the order's total */
    bool overflow;
};

static const struct cw_decimal zero = { 0 };

static const struct cw_value *get(const struct check *check, int field)
{
    return &check->mapped->doc->values[field];
}

/* Unset counts as zero. */
static const struct cw_decimal *amount(const struct check *check, int field)
{
    const struct cw_value *value = get(check, field);
    return value->is_set ? &value->decimal : &zero;
}

static void add(struct check *check, struct cw_decimal *sum, const struct cw_decimal *more)
{
    check->overflow = check->overflow || !cw_decimal_add(sum, more, sum, NULL);
}

static void round_to_unit(struct check *check, struct cw_decimal *value)
{
    check->overflow =
        check->overflow || !cw_decimal_round(value, check->digits, check->rounding, value, NULL);
}

static bool differs(const struct cw_decimal *a, const struct cw_decimal *b)
{
    return cw_decimal_compare(a, b) != 0;
}

static bool is_whole(const struct check *check, const struct cw_decimal *value)
{
    return cw_decimal_trim(*value, check->digits).scale == check->digits;
}

/* --- lines --- */

/* What a line's total is by its quantity, price and discount; false where these do not say, or make more than
 * fits, which `overflow` tells. */
static bool work_out_line(const struct check *check, const struct cw_document *line,
                          struct cw_line_words *out, bool *overflow)
{
    const struct cw_value *quantity = &line->values[check->at->quantity],
                          *price = &line->values[check->at->unit_price],
                          *discount = &line->values[check->at->line_discount];
    struct cw_decimal exact = zero;
    if (!quantity->is_set || !price->is_set)
        return false;
    *out = (struct cw_line_words){ .quantity = quantity->decimal,
                                   .price = price->decimal,
                                   .discount = discount->is_set ? discount->decimal : zero };
    bool fits = !cw_slice_is(check->level, "item") ||
                cw_decimal_round(&out->price, check->digits, check->rounding, &out->price, NULL);
    fits = fits && cw_decimal_multiply(&out->quantity, &out->price, &exact, NULL);
    out->total = exact;
    if (fits && cw_slice_is(check->level, "line"))
        fits = cw_decimal_round(&exact, check->digits, check->rounding, &out->total, NULL);
    out->is_rounded = fits && differs(&exact, &out->total);
    fits = fits && cw_decimal_subtract(&out->total, &out->discount, &out->total, NULL);
    *overflow = !fits;
    return fits;
}

/* A line that has no total and can have one gets it. */
static void explain_line(struct check *check, const struct cw_value *total, size_t position)
{
    char field[48], text[CW_DECIMAL_TEXT_MAX];
    if (check->mapped->trace == NULL || !total->is_set)
        return;
    snprintf(field, sizeof field, "lines[%zu].total", position);
    cw_amount_text(total->decimal, check->digits, text);
    cw_mapped_explain(check->mapped, check->arena, field, cw_slice(text),
                      cw_slice("quantity times unit price"),
                      (struct cw_slice){ "", 0 }); /* an explanation that finds no memory is left out */
}

static void complete_line(struct check *check, struct cw_document *line, size_t position)
{
    struct cw_value *total = &line->values[check->at->line_total];
    struct cw_line_words made;
    bool overflow = false;
    if (total->is_set)
        return;
    total->is_set = work_out_line(check, line, &made, &overflow);
    if (total->is_set)
        total->decimal = made.total;
    explain_line(check, total, position);
    check->overflow = check->overflow || overflow;
}

static struct cw_decimal sum_lines(struct check *check, const struct cw_value *lines)
{
    struct cw_decimal sum = zero;
    size_t position = 0;
    for (struct cw_document *line = lines->list.first; line != NULL && !check->overflow; line = line->next) {
        complete_line(check, line, ++position);
        if (line->values[check->at->line_total].is_set)
            add(check, &sum, &line->values[check->at->line_total].decimal);
    }
    return sum;
}

/* --- words --- */

/* A line by how its total comes about, where it does, else by its total. */
static void describe_line(const struct check *check, const struct cw_document *line, bool is_first,
                          struct cw_sum_words *words)
{
    const struct cw_decimal *total = &line->values[check->at->line_total].decimal;
    struct cw_line_words made;
    bool overflow;
    if (work_out_line(check, line, &made, &overflow) && !differs(&made.total, total))
        cw_sum_words_line(words, is_first, &made);
    else
        cw_sum_words_amount(words, is_first, NULL, *total);
}

static void describe_entries(const struct check *check, const struct cw_value *list, int amount,
                             struct cw_sum_words *words)
{
    bool is_first = true;
    for (const struct cw_document *entry = list->list.first; entry != NULL; entry = entry->next) {
        if (!entry->values[amount].is_set)
            continue;
        cw_sum_words_add(words, is_first ? " " : "");
        if (entry->kind == &cw_kind_line)
            describe_line(check, entry, is_first, words);
        else
            cw_sum_words_amount(words, is_first, NULL, entry->values[amount].decimal);
        is_first = false;
    }
}

/* "lines 2 x 15.75 + 1 x 31.86"; without the figures where they are too many to be read. */
static void describe_list(const struct check *check, const char *name, const struct cw_value *list,
                          int amount, struct cw_sum_words *words)
{
    *words = (struct cw_sum_words){ .digits = check->digits };
    cw_sum_words_add(words, name);
    if (list->list.count <= ENTRIES_SHOWN_MAX)
        describe_entries(check, list, amount, words);
    if (!words->is_cut)
        return;
    *words = (struct cw_sum_words){ .digits = check->digits };
    cw_sum_words_add(words, name);
}

/* "SUM COMPUTED EUR, but FIELD is STATED: off by ...": `sum` are the words for the side that was added up. */
static bool report(struct check *check, const char *field, const struct cw_sum_words *sum, const char *verb,
                   const struct cw_decimal *computed, const struct cw_decimal *stated)
{
    char computed_text[CW_DECIMAL_TEXT_MAX], stated_text[CW_DECIMAL_TEXT_MAX], off_text[CW_DECIMAL_TEXT_MAX];
    struct cw_decimal off;
    bool is_known = cw_decimal_subtract(computed, stated, &off, NULL);
    off.negative = false;
    struct cw_found_issue *issue = cw_mapped_add_issue(
        check->mapped, check->arena, "totals", field, "%s %s %s %.*s, but %s is %s%s%s", sum->text, verb,
        cw_amount_text(*computed, check->digits, computed_text), CW_SLICE_ARG(check->currency), field,
        cw_amount_text(*stated, check->digits, stated_text), is_known ? ": off by " : "",
        is_known ? cw_amount_text(off, check->digits, off_text) : "");
    if (issue != NULL)
        issue->is_hold = true;
    return issue != NULL;
}

/* --- the sums --- */

struct summand {
    const char *name;
    struct cw_decimal value; /* with the sign it is added with */
    bool is_set;
};

/* "goods 63.36 + shipping 7.00 - discount 5.00": what is nothing is not named. */
static void describe_total(const struct check *check, const struct summand *summands, size_t count,
                           struct cw_sum_words *words)
{
    *words = (struct cw_sum_words){ .digits = check->digits };
    for (size_t i = 0; i < count; i++)
        if (summands[i].is_set && (i == 0 || !cw_decimal_is_zero(&summands[i].value)))
            cw_sum_words_amount(words, i == 0, summands[i].name, summands[i].value);
}

static bool check_total(struct check *check, const struct cw_decimal *goods)
{
    const struct cw_value *included = get(check, check->at->tax_included);
    bool tax_on_top = included->is_set && !included->boolean;
    const struct summand summands[] = {
        { "goods", *goods, true },
        { "shipping", *amount(check, check->at->shipping), get(check, check->at->shipping)->is_set },
        { "fees", *amount(check, check->at->fee), get(check, check->at->fee)->is_set },
        { "discount", cw_decimal_negate(*amount(check, check->at->discount)),
          get(check, check->at->discount)->is_set },
        { "tax", *amount(check, check->at->tax), tax_on_top && get(check, check->at->tax)->is_set },
    };
    const size_t count = sizeof summands / sizeof *summands;
    const struct cw_decimal *total = amount(check, check->at->total);
    struct cw_decimal sum = zero;
    struct cw_sum_words words;
    for (size_t i = 0; i < count; i++)
        if (summands[i].is_set)
            add(check, &sum, &summands[i].value);
    if (check->rounds_once)
        round_to_unit(check, &sum);
    if (check->overflow || !differs(&sum, total))
        return true;
    describe_total(check, summands, count, &words);
    return report(check, "total", &words, "make", &sum, total);
}

static bool check_goods(struct check *check, const struct cw_value *lines, const struct cw_decimal *goods)
{
    const struct cw_value *stated = get(check, check->at->goods);
    struct cw_sum_words words;
    if (check->overflow || !lines->is_set || !stated->is_set || !differs(goods, &stated->decimal))
        return true;
    describe_list(check, "lines", lines, check->at->line_total, &words);
    return report(check, "goods_total", &words, "add up to", goods, &stated->decimal);
}

/* A list whose amounts are told once more as one total of the order. */
struct listed {
    const char *name, *total_name;
    int list, total, amount;
    bool only_whole; /* amounts with parts of the smallest unit were rounded in a way that is not known */
};

/* False where the list does not give all of its amounts, or none. */
static bool sum_list(struct check *check, const struct listed *listed, struct cw_decimal *sum)
{
    const struct cw_value *list = get(check, listed->list);
    *sum = zero;
    if (!list->is_set || !get(check, listed->total)->is_set)
        return false;
    for (const struct cw_document *entry = list->list.first; entry != NULL; entry = entry->next) {
        const struct cw_value *amount = &entry->values[listed->amount];
        if (!amount->is_set || (listed->only_whole && !is_whole(check, &amount->decimal)))
            return false;
        add(check, sum, &amount->decimal);
    }
    return list->list.first != NULL;
}

static bool check_list(struct check *check, const struct listed *listed)
{
    struct cw_decimal sum, stated;
    struct cw_sum_words words;
    if (!sum_list(check, listed, &sum))
        return true;
    stated = *amount(check, listed->total);
    round_to_unit(check, &sum);
    round_to_unit(check, &stated);
    if (check->overflow || !differs(&sum, &stated))
        return true;
    describe_list(check, listed->name, get(check, listed->list), listed->amount, &words);
    return report(check, listed->total_name, &words, "add up to", &sum, &stated);
}

static bool check_lists(struct check *check)
{
    const struct places *at = check->at;
    const struct listed fees = { "fees", "fee_total", at->fees, at->fee, at->fee_amount, false },
                        taxes = { "taxes", "tax_total", at->taxes, at->tax, at->tax_amount, true };
    return check_list(check, &fees) && check_list(check, &taxes);
}

static bool check_sums(struct check *check)
{
    const struct cw_value *lines = get(check, check->at->lines);
    struct cw_decimal goods = *amount(check, check->at->goods), rounded;
    if (lines->is_set)
        goods = sum_lines(check, lines);
    check->rounds_once = !get(check, check->at->goods)->is_set && cw_slice_is(check->level, "total");
    rounded = goods;
    if (lines->is_set)
        round_to_unit(check, &rounded);
    if (!check_goods(check, lines, &rounded) || !check_lists(check) ||
        (!check->overflow && !check_total(check, check->rounds_once ? &goods : &rounded)))
        return false;
    return !check->overflow ||
           cw_mapped_add_issue(check->mapped, check->arena, "overflow", "total",
                               "the amounts are too large to be added up exactly") != NULL;
}

static bool is_figure(const struct cw_kind *kind, struct cw_slice name)
{
    int field = cw_kind_field(kind, name);
    enum cw_type type = field >= 0 ? kind->fields[field].type : CW_TEXT;
    return type == CW_MONEY || type == CW_DECIMAL || type == CW_BOOLEAN;
}

/* An issue about a figure, or about how figures are added, would only be repeated in other words. */
static bool concerns_figures(struct cw_slice field)
{
    static const char *const others[] = { "currency", "rounding", "rounding_mode", "lines" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cw_slice_is(field, others[i]))
            return true;
    const char *dot = field.len > 0 ? memrchr(field.data, '.', field.len) : NULL;
    if (dot == NULL)
        return is_figure(&cw_kind_order, field);
    struct cw_slice name = { dot + 1, (size_t)(field.data + field.len - dot) - 1 };
    return memcmp(field.data, "lines[", field.len < 6 ? field.len : 6) == 0 && is_figure(&cw_kind_line, name);
}

static bool figures_are_sound(const struct cw_mapped *mapped)
{
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        if (concerns_figures(issue->field) || cw_slice_is(issue->code, "limit"))
            return false;
    return true;
}

bool cw_totals_check(struct cw_mapped *mapped, struct cw_arena *arena, struct cw_error *err)
{
    if (mapped->doc == NULL || mapped->doc->kind != &cw_kind_order)
        return true;
    struct check check = { .at = places(), .mapped = mapped, .arena = arena, .rounding = CW_ROUND_HALF_UP };
    bool ok = true;
    if (!get(&check, check.at->total)->is_set && !cw_mapped_has_issue(mapped, "total"))
        ok = cw_mapped_add_issue(mapped, arena, "missing", "total",
                                 "total is missing, so nothing says what the buyer owes") != NULL;
    const struct cw_value *mode = get(&check, check.at->rounding_mode),
                          *level = get(&check, check.at->rounding);
    check.currency = get(&check, check.at->currency)->text;
    int digits = get(&check, check.at->currency)->is_set ? cw_currency_digits(check.currency) : -1;
    check.level = level->is_set ? level->text : cw_slice("line");
    check.digits = digits < 0 ? 0 : (unsigned)digits;
    if (ok && digits >= 0 && figures_are_sound(mapped) &&
        (!mode->is_set || cw_rounding_parse(mode->text, &check.rounding)))
        ok = check_sums(&check);
    return ok || cw_fail(err, arena->limit != 0 ? CW_LIMIT : CW_NOMEM,
                         "no memory left to check the order's totals");
}
