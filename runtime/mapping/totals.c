/* totals.c - see totals.h. */
#include "mapping/totals.h"

#include <stdio.h>

enum { FIGURE_TEXT_MAX = CW_DECIMAL_TEXT_MAX, SENTENCE_MAX = 512 };

/* Where the figures stand in an order and in a line; looked up once, because names cost more than the
 * arithmetic. */
struct places {
    bool known;
    int currency, tax_included, goods, discount, shipping, fee, tax, total, rounding, rounding_mode, lines;
    int quantity, unit_price, line_total;
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
                          .quantity = line_field("quantity"),
                          .unit_price = line_field("unit_price"),
                          .line_total = line_field("total"),
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

/* A line that has no total and can have one gets it. */
static void complete_line(struct check *check, struct cw_document *line)
{
    const struct places *at = check->at;
    struct cw_value *total = &line->values[at->line_total];
    struct cw_decimal price = line->values[at->unit_price].decimal;
    if (total->is_set || !line->values[at->quantity].is_set || !line->values[at->unit_price].is_set)
        return;
    if (cw_slice_is(check->level, "item"))
        round_to_unit(check, &price);
    if (!cw_decimal_multiply(&line->values[at->quantity].decimal, &price, &total->decimal, NULL))
        check->overflow = true;
    else if (cw_slice_is(check->level, "line"))
        round_to_unit(check, &total->decimal);
    total->is_set = !check->overflow;
}

static struct cw_decimal sum_lines(struct check *check, const struct cw_value *lines)
{
    struct cw_decimal sum = zero;
    for (struct cw_document *line = lines->list.first; line != NULL && !check->overflow; line = line->next) {
        complete_line(check, line);
        if (line->values[check->at->line_total].is_set)
            add(check, &sum, &line->values[check->at->line_total].decimal);
    }
    return sum;
}

static const char *figure(const struct check *check, struct cw_decimal value, char out[FIGURE_TEXT_MAX])
{
    value = cw_decimal_trim(value, check->digits);
    cw_decimal_format(&value, out);
    return out;
}

/* `sum` are the words for the side that was added up. */
static bool report(struct check *check, const char *field, const char *sum, const struct cw_decimal *computed,
                   const struct cw_decimal *stated)
{
    char computed_text[FIGURE_TEXT_MAX], stated_text[FIGURE_TEXT_MAX], off_text[FIGURE_TEXT_MAX];
    struct cw_decimal off;
    struct cw_found_issue *issue;
    if (!cw_decimal_subtract(computed, stated, &off, NULL))
        return cw_mapped_add_issue(check->mapped, check->arena, "totals", field, "%s %s %.*s, but %s is %s",
                                   sum, figure(check, *computed, computed_text),
                                   CW_SLICE_ARG(check->currency), field,
                                   figure(check, *stated, stated_text)) != NULL;
    off.negative = false;
    issue = cw_mapped_add_issue(check->mapped, check->arena, "totals", field,
                                "%s %s %.*s, but %s is %s: off by %s", sum,
                                figure(check, *computed, computed_text), CW_SLICE_ARG(check->currency), field,
                                figure(check, *stated, stated_text), figure(check, off, off_text));
    if (issue != NULL)
        issue->is_hold = true;
    return issue != NULL;
}

struct summand {
    const char *name;
    struct cw_decimal value; /* with the sign it is added with */
    bool is_set;
};

/* "goods 63.36 + shipping 7.00 - discount 5.00 make": what is unset is not named. */
static void describe(const struct check *check, const struct summand *summands, size_t count, char *out,
                     size_t cap)
{
    char text[FIGURE_TEXT_MAX];
    size_t len = 0;
    for (size_t i = 0; i < count && len < cap; i++) {
        struct cw_decimal value = summands[i].value;
        const char *separator = i == 0 ? "" : value.negative ? " - " : " + ";
        if (!summands[i].is_set)
            continue;
        value.negative = value.negative && i == 0;
        len += (size_t)snprintf(out + len, cap - len, "%s%s %s", separator, summands[i].name,
                                figure(check, value, text));
    }
    if (len < cap)
        snprintf(out + len, cap - len, " make");
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
    char words[SENTENCE_MAX];
    for (size_t i = 0; i < count; i++)
        if (summands[i].is_set)
            add(check, &sum, &summands[i].value);
    if (check->rounds_once)
        round_to_unit(check, &sum);
    if (check->overflow || !differs(&sum, total))
        return true;
    describe(check, summands, count, words, sizeof words);
    return report(check, "total", words, &sum, total);
}

static bool check_sums(struct check *check)
{
    const struct cw_value *lines = get(check, check->at->lines), *stated = get(check, check->at->goods);
    struct cw_decimal goods = *amount(check, check->at->goods);
    if (lines->is_set)
        goods = sum_lines(check, lines);
    check->rounds_once = !stated->is_set && cw_slice_is(check->level, "total");
    struct cw_decimal rounded = goods;
    if (lines->is_set)
        round_to_unit(check, &rounded);
    if (!check->overflow && lines->is_set && stated->is_set && differs(&rounded, &stated->decimal) &&
        !report(check, "goods_total", "lines add up to", &rounded, &stated->decimal))
        return false;
    if (!check->overflow && !check_total(check, check->rounds_once ? &goods : &rounded))
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

static bool has_issue_at(const struct cw_mapped *mapped, const char *field)
{
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        if (cw_slice_is(issue->field, field))
            return true;
    return false;
}

bool cw_totals_check(struct cw_mapped *mapped, struct cw_arena *arena, struct cw_error *err)
{
    if (mapped->doc == NULL || mapped->doc->kind != &cw_kind_order)
        return true;
    struct check check = { .at = places(), .mapped = mapped, .arena = arena, .rounding = CW_ROUND_HALF_UP };
    bool ok = true;
    if (!get(&check, check.at->total)->is_set && !has_issue_at(mapped, "total"))
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
