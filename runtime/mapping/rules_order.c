/* rules_order.c - what rules do to the money side of an order: tax codes, freight, payments, discounts. */
#include "mapping/rules_private.h"
#include "mapping/totals.h"

#include <stdio.h>

/* --- tax --- */

struct taxing {
    struct cw_ruling *ruling;
    const struct cw_rule *rule;
    struct cw_document *order;
    struct cw_slice code, freight; /* empty = none */
};

/* Set, and not zero. */
static bool is_some(const struct cw_value *amount)
{
    return amount->is_set && !cw_decimal_is_zero(&amount->decimal);
}

/* Whether some member's amount is not zero; *known when one is set at all. */
static bool some_tax(const struct cw_document *member, int field, bool *known)
{
    for (; member != NULL; member = member->next) {
        *known = *known || member->values[field].is_set;
        if (is_some(&member->values[field]))
            return true;
    }
    return false;
}

/* An order that says nothing of its tax may bear some. */
static bool bears_no_tax(const struct cw_document *order)
{
    const struct cw_places *at = cw_places();
    const struct cw_value *total = &order->values[at->order.tax_total];
    bool known = false;
    if (total->is_set)
        return !is_some(total);
    return !some_tax(cw_first_at(order, at->order.taxes), at->tax.amount, &known) &&
           !some_tax(cw_first_at(order, at->order.lines), at->line.tax, &known) && known;
}

static bool is_refused(const struct cw_document *doc, int field)
{
    return doc != NULL && doc->values[field].is_set && !doc->values[field].boolean;
}

static bool pays_no_tax(const struct cw_ruling *ruling)
{
    const struct cw_places *at = cw_places();
    const struct cw_document *order = ruling->mapped->doc;
    return is_refused(order, at->order.taxable) || is_refused(ruling->customer, at->customer.taxable) ||
           bears_no_tax(order);
}

static const struct cw_document *tax_address(const struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    const struct cw_document *order = ruling->mapped->doc, *address = NULL;
    if (strcmp(rule->step.source, "shipping") == 0)
        address = cw_record_at(order, at->order.shipping);
    return address != NULL ? address : cw_record_at(order, at->order.billing);
}

/* "US-CA", or "US" where the address has no region; `out` is long enough for every code there is. */
enum { PLACE_MAX = 128 };
static struct cw_slice tax_place(const struct cw_document *address, char out[PLACE_MAX], size_t *country_len)
{
    const struct cw_places *at = cw_places();
    struct cw_slice country = address != NULL ? cw_text_at(address, at->address.country) : cw_slice(""),
                    region = address != NULL ? cw_text_at(address, at->address.region) : cw_slice("");
    country = cw_slice_clip(country, 16);
    region = cw_slice_clip(region, PLACE_MAX - 20);
    *country_len = country.len;
    int len = snprintf(out, PLACE_MAX, "%.*s%s%.*s", CW_SLICE_ARG(country), region.len > 0 ? "-" : "",
                       CW_SLICE_ARG(region));
    return (struct cw_slice){ out, (size_t)len };
}

/* The row for the region, else for the country, else "*". */
static const struct cw_table_row *tax_row(const struct cw_ruling *ruling, const struct cw_rule *rule,
                                          struct cw_slice place, size_t country_len)
{
    const struct cw_table_row *row = cw_rule_row(ruling, rule, place);
    if ((row == NULL || cw_slice_is(row->key, "*")) && country_len < place.len)
        row = cw_rule_row(ruling, rule, (struct cw_slice){ place.data, country_len });
    return row;
}

/* *known false: an issue says that nothing is known of this place. */
static bool find_code(struct taxing *t, bool *known)
{
    const struct cw_step *step = &t->rule->step;
    char text[PLACE_MAX];
    size_t country_len;
    struct cw_slice place = tax_place(tax_address(t->ruling, t->rule), text, &country_len);
    const struct cw_table_row *row = tax_row(t->ruling, t->rule, place, country_len);
    *known = row != NULL || step->taxable.data != NULL;
    if (row != NULL)
        t->code = row->is_nothing ? cw_slice("") : row->value;
    else
        t->code = step->taxable;
    return *known ||
           cw_rule_unknown_row(t->ruling, t->rule, "tax_code",
                               place.len > 0 ? "the address's country" : "the order's country", place);
}

static bool put_code(struct taxing *t, struct cw_document *owner, size_t position, int field,
                     struct cw_slice code)
{
    bool was_set = owner->values[field].is_set;
    owner->values[field].is_set = false;
    if (code.len > 0)
        cw_put_text(owner, field, code);
    return (code.len == 0 && !was_set) ||
           cw_rule_explain(t->ruling, t->rule, "lines", position, owner, field);
}

/* A line that is given away has no tax either, but would bear some. */
static bool line_bears_no_tax(const struct cw_document *line)
{
    const struct cw_places *at = cw_places();
    const struct cw_value *rate = &line->values[at->line.tax_rate], *tax = &line->values[at->line.tax],
                          *total = &line->values[at->line.total];
    if (rate->is_set)
        return cw_decimal_is_zero(&rate->decimal);
    return tax->is_set && cw_decimal_is_zero(&tax->decimal) && total->is_set &&
           !cw_decimal_is_zero(&total->decimal);
}

static bool put_line_codes(struct taxing *t)
{
    const struct cw_places *at = cw_places();
    size_t position = 0;
    for (struct cw_document *line = cw_first_at(t->order, at->order.lines); line != NULL; line = line->next) {
        struct cw_slice code = cw_slice_is(cw_text_at(line, at->line.type), "freight") ? t->freight : t->code;
        if (line_bears_no_tax(line))
            code = t->rule->step.not_taxable;
        if (!put_code(t, line, ++position, at->line.tax_code, code))
            return false;
    }
    return true;
}

bool cw_rule_tax(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    const struct cw_step *step = &rule->step;
    struct taxing t = { .ruling = ruling, .rule = rule, .order = ruling->mapped->doc };
    bool known = true, untaxed = pays_no_tax(ruling);
    t.code = step->not_taxable;
    if (!untaxed && !find_code(&t, &known))
        return false;
    if (!known)
        return true;
    t.freight = untaxed || step->freight.len == 0 ? t.code : step->freight;
    return put_code(&t, t.order, 0, at->order.tax_code, t.code) &&
           put_code(&t, t.order, 0, at->order.shipping_tax_code, t.freight) && put_line_codes(&t);
}

/* --- freight --- */

static bool adds_up(struct cw_ruling *ruling, bool *result)
{
    struct cw_mapped alone = { .doc = ruling->mapped->doc };
    bool ok = cw_totals_check(&alone, ruling->arena, NULL);
    *result = alone.issues == NULL;
    return ok;
}

static struct cw_document *make_line(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    const struct cw_document *order = ruling->mapped->doc;
    struct cw_document *line = cw_document_create(ruling->arena, &cw_kind_line);
    int code =
        order->values[at->order.shipping_tax_code].is_set ? at->order.shipping_tax_code : at->order.tax_code;
    if (line == NULL)
        return NULL;
    cw_put_text(line, at->line.external_id, cw_slice("freight"));
    line->external_id = cw_slice("freight"); /* so that an edit of it stays with it */
    cw_put_text(line, at->line.type, cw_slice("freight"));
    cw_put_text(line, at->line.sku, rule->step.text);
    line->values[at->line.name] = order->values[at->order.shipping_name];
    line->values[at->line.quantity] = (struct cw_value){ .is_set = true, .decimal = cw_decimal_from_int(1) };
    line->values[at->line.unit_price] = line->values[at->line.total] =
        order->values[at->order.shipping_total];
    line->values[at->line.tax_code] = order->values[code];
    return line;
}

/* What a freight line changes in the order, to be put back when the sums would not survive it. */
struct freight {
    struct cw_value goods, shipping, lines;
};

static struct freight note_freight(const struct cw_document *order)
{
    const struct cw_places *at = cw_places();
    return (struct freight){ order->values[at->order.goods_total], order->values[at->order.shipping_total],
                             order->values[at->order.lines] };
}

static void put_back(struct cw_document *order, const struct freight *was)
{
    const struct cw_places *at = cw_places();
    order->values[at->order.goods_total] = was->goods;
    order->values[at->order.shipping_total] = was->shipping;
    order->values[at->order.lines] = was->lines;
    if (was->lines.list.last != NULL)
        was->lines.list.last->next = NULL;
}

/* *fits false when the sum has too many digits. */
static void add_line(struct cw_document *order, struct cw_document *line, bool *fits)
{
    const struct cw_places *at = cw_places();
    struct cw_value *goods = &order->values[at->order.goods_total],
                    *shipping = &order->values[at->order.shipping_total];
    *fits = !goods->is_set || cw_decimal_add(&goods->decimal, &shipping->decimal, &goods->decimal, NULL);
    shipping->is_set = false;
    cw_append_member(order, at->order.lines, line);
}

static bool explain_freight(struct cw_ruling *ruling, const struct cw_rule *rule,
                            const struct cw_document *line)
{
    const struct cw_places *at = cw_places();
    const struct cw_document *order = ruling->mapped->doc;
    size_t position = order->values[at->order.lines].list.count;
    if (!ruling->of->trace)
        return true;
    for (size_t i = 0; i < line->kind->field_count; i++)
        if (line->values[i].is_set && !cw_rule_explain(ruling, rule, "lines", position, line, (int)i))
            return false;
    return cw_rule_explain(ruling, rule, NULL, 0, order, at->order.shipping_total) &&
           (!order->values[at->order.goods_total].is_set ||
            cw_rule_explain(ruling, rule, NULL, 0, order, at->order.goods_total));
}

static bool report_freight(struct cw_ruling *ruling, const struct freight *was)
{
    char text[CW_VALUE_TEXT_MAX];
    struct cw_slice stated = cw_field_text(ruling->mapped->doc, CW_MONEY, &was->shipping, text);
    return cw_rule_issue(
        ruling, CW_HELD, "freight-line", "shipping_total", stated,
        "freight of %.*s cannot become a line: the lines' totals have fractions of the smallest "
        "unit, so that with it they round to another sum",
        CW_SLICE_ARG(stated));
}

bool cw_rule_freight_line(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    struct cw_document *order = ruling->mapped->doc;
    struct freight was = note_freight(order);
    bool was_right, is_right, fits;
    if (!is_some(&was.shipping) || !was.lines.is_set)
        return true;
    struct cw_document *line = make_line(ruling, rule);
    if (line == NULL || !adds_up(ruling, &was_right))
        return false;
    add_line(order, line, &fits);
    if (!adds_up(ruling, &is_right))
        return false;
    if (fits && (is_right || !was_right))
        return explain_freight(ruling, rule, line);
    put_back(order, &was);
    return report_freight(ruling, &was);
}

/* --- payments and discounts --- */

/* Their explanations go with them. */
static void forget_payments(struct cw_mapped *mapped)
{
    for (struct cw_trace **place = &mapped->trace; *place != NULL;) {
        struct cw_slice field = (*place)->field;
        if (field.len > 9 && memcmp(field.data, "payments[", 9) == 0)
            *place = (*place)->next;
        else
            place = &(*place)->next;
    }
}

/* What is not taken in was not paid, as far as the system knows. */
static bool drop_payments(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    struct cw_document *order = ruling->mapped->doc;
    order->values[at->order.payments] = (struct cw_value){ .is_set = false };
    order->values[at->order.paid_total] = (struct cw_value){ .is_set = false };
    if (!ruling->of->trace)
        return true;
    forget_payments(ruling->mapped);
    return cw_mapped_explain(ruling->mapped, ruling->arena, "paid_total", (struct cw_slice){ "", 0 },
                             rule->name, rule->step.where);
}

bool cw_rule_payments(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    const struct cw_places *at = cw_places();
    const struct cw_step *step = &rule->step;
    struct cw_document *order = ruling->mapped->doc;
    struct cw_slice term = cw_text_at(order, at->order.payment_term);
    bool drop = step->drop;
    for (size_t i = 0; i < step->value_count && term.len > 0; i++)
        drop = drop || cw_slice_equal(step->values[i], term);
    return !drop || drop_payments(ruling, rule);
}

static bool match_discount(struct cw_ruling *ruling, const struct cw_rule *rule, struct cw_document *discount,
                           size_t position)
{
    const struct cw_places *at = cw_places();
    struct cw_slice key = cw_slice_trim(cw_text_at(discount, at->discount.code));
    char field[64];
    if (key.len == 0)
        key = cw_slice_trim(cw_text_at(discount, at->discount.name));
    const struct cw_table_row *row = key.len > 0 ? cw_rule_row(ruling, rule, key) : NULL;
    snprintf(field, sizeof field, "discounts[%zu].item", position);
    if (row == NULL && rule->step.fallback.len == 0)
        return key.len == 0 || cw_rule_unknown_row(ruling, rule, field, "discount", key);
    discount->values[at->discount.item].is_set = false;
    if (row == NULL || !row->is_nothing)
        cw_put_text(discount, at->discount.item, row != NULL ? row->value : rule->step.fallback);
    return cw_rule_explain(ruling, rule, "discounts", position, discount, at->discount.item);
}

bool cw_rule_discounts(struct cw_ruling *ruling, const struct cw_rule *rule)
{
    size_t position = 0;
    for (struct cw_document *discount = cw_first_at(ruling->mapped->doc, cw_places()->order.discounts);
         discount != NULL; discount = discount->next)
        if (!match_discount(ruling, rule, discount, ++position))
            return false;
    return true;
}
