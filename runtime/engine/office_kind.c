/* office_kind.c - the kinds of the back office's documents: their ids, and what must be right about each by
 * itself; see office_private.h. */
#include "engine/office_private.h"

#include <stdio.h>

#include "base/currency.h"
#include "stock/quantity.h"

/* --- fields --- */

struct cw_slice cw_office_text(const struct cw_document *doc, const char *field)
{
    const struct cw_value *value = cw_document_get(doc, field);
    return value != NULL && value->is_set ? value->text : (struct cw_slice){ "", 0 };
}

bool cw_office_is_true(const struct cw_document *doc, const char *field)
{
    const struct cw_value *value = cw_document_get(doc, field);
    return value != NULL && value->is_set && value->boolean;
}

const struct cw_document *cw_office_first(const struct cw_document *doc, const char *list)
{
    const struct cw_value *value = cw_document_get(doc, list);
    return value != NULL && value->is_set ? value->list.first : NULL;
}

/* "quantity" or "lines[2].quantity": `line` 0 = of the document itself. */
static void name_field(const char *field, const char *list, size_t line, char out[CW_ERROR_NAME_MAX])
{
    if (line > 0)
        snprintf(out, CW_ERROR_NAME_MAX, "%s[%zu].%s", list, line, field);
    else
        snprintf(out, CW_ERROR_NAME_MAX, "%s", field);
}

/* A document, or a member of its list. */
struct part {
    const struct cw_document *doc;
    const char *list;
    size_t line;
};

static bool fail_field(const struct part *part, const char *field, struct cw_error *err, const char *why)
{
    char name[CW_ERROR_NAME_MAX];
    name_field(field, part->list, part->line, name);
    cw_fail(err, CW_INVALID, "%s %s", name, why);
    return cw_fail_at(err, NULL, name, NULL);
}

static bool fail_value(const struct part *part, const char *field, struct cw_slice value,
                       struct cw_error *err, const char *why)
{
    char text[CW_ERROR_TEXT_MAX];
    value = cw_slice_clip(value, 80);
    snprintf(text, sizeof text, "is \"%.*s\": %s", CW_SLICE_ARG(value), why);
    return fail_field(part, field, err, text);
}

/* A key by which things are found: a blank at its end would make another thing of it. */
static bool check_key(const struct part *part, const char *field, bool is_needed, struct cw_error *err)
{
    struct cw_slice text = cw_office_text(part->doc, field);
    if (text.len == 0)
        return !is_needed || fail_field(part, field, err, "is missing");
    if (cw_slice_trim(text).len != text.len)
        return fail_value(part, field, text, err,
                          "it begins or ends with a blank, which would be another one");
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F)
            return fail_value(part, field, text, err, "it holds a control character");
    return true;
}

static bool fail_quantity(const struct part *part, const char *field, const struct cw_error *why,
                          struct cw_error *err)
{
    char name[CW_ERROR_NAME_MAX];
    name_field(field, part->list, part->line, name);
    cw_fail(err, CW_INVALID, "%s: %s", name, why->text);
    return cw_fail_at(err, NULL, name, NULL);
}

enum sign { ANY_SIGN, NOT_BELOW_ZERO, ABOVE_ZERO };

static bool check_quantity(const struct part *part, const char *field, bool is_needed, enum sign sign,
                           struct cw_error *err)
{
    const struct cw_value *value = cw_document_get(part->doc, field);
    char scratch[CW_VALUE_TEXT_MAX];
    struct cw_error why;
    cw_quantity quantity;
    if (!value->is_set)
        return !is_needed || fail_field(part, field, err, "is missing");
    struct cw_slice text = cw_value_text(CW_DECIMAL, value, -1, scratch);
    if (!cw_quantity_from(&value->decimal, &quantity, &why))
        return fail_quantity(part, field, &why, err);
    if (sign == ABOVE_ZERO && quantity <= 0)
        return fail_value(part, field, text, err, "it must be above 0");
    if (sign == NOT_BELOW_ZERO && quantity < 0)
        return fail_value(part, field, text, err, "it cannot be negative");
    return true;
}

/* --- texts --- */

/* Carts take texts as XML, as JSON, as words of a page: what none of them shows, some refuse. */
static bool is_writable(struct cw_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
            return false;
    }
    return true;
}

static bool check_text(const struct part *part, const char *field, struct cw_slice text, struct cw_error *err)
{
    return is_writable(text) ||
           fail_field(
               part, field, err,
               "holds a control character, which no cart can show; tabs and ends of lines are allowed");
}

static bool check_members(const struct cw_document *doc, const struct cw_field *field, struct cw_error *err);

/* NOLINTNEXTLINE(misc-no-recursion): documents nest as deep as their kinds do */
static bool check_part(const struct part *part, struct cw_error *err)
{
    const struct cw_document *doc = part->doc;
    if (!check_text(part, "id", doc->external_id, err))
        return false;
    for (size_t i = 0; i < doc->kind->field_count; i++) {
        const struct cw_field *field = &doc->kind->fields[i];
        if (!doc->values[i].is_set)
            continue;
        if (field->type == CW_TEXT && !check_text(part, field->name, doc->values[i].text, err))
            return false;
        if (field->type == CW_LIST && !check_members(doc, field, err))
            return false;
        if (field->type == CW_RECORD &&
            !check_part(&(struct part){ doc->values[i].record, field->name, 0 }, err))
            return false;
    }
    for (const struct cw_custom *custom = doc->custom; custom != NULL; custom = custom->next)
        if (custom->type == CW_TEXT && custom->value.is_set &&
            !check_text(part, "custom", custom->value.text, err))
            return false;
    return true;
}

static bool check_members(const struct cw_document *doc, const struct cw_field *field, struct cw_error *err)
{
    struct part part = { cw_office_first(doc, field->name), field->name, 1 };
    for (; part.doc != NULL; part.doc = part.doc->next, part.line++)
        if (!check_part(&part, err))
            return false;
    return true;
}

bool cw_office_check_texts(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    return check_part(&part, err);
}

/* --- money --- */

enum { PRICE_DIGITS = 6, ANY_DIGITS = CW_DECIMAL_SCALE_MAX };

static bool check_currency(const struct part *part, bool is_needed, struct cw_error *err)
{
    struct cw_slice code = cw_office_text(part->doc, "currency");
    if (code.len == 0)
        return !is_needed || fail_field(part, "currency", err, "is missing: an amount needs one");
    return cw_currency_digits(code) >= 0 ||
           fail_value(part, "currency", code, err, "no ISO 4217 code, such as EUR");
}

/* `digits` after the point at most; what is beyond a thousand billions nobody can have meant. */
static bool check_money(const struct part *part, const char *field, unsigned digits, bool may_be_negative,
                        struct cw_error *err)
{
    const struct cw_value *value = cw_document_get(part->doc, field);
    const struct cw_decimal most = cw_decimal_from_int(INT64_C(1000000000000));
    char scratch[CW_VALUE_TEXT_MAX];
    if (!value->is_set)
        return true;
    struct cw_slice text = cw_value_text(CW_MONEY, value, -1, scratch);
    struct cw_decimal amount = cw_decimal_trim(value->decimal, 0);
    struct cw_decimal size = amount.negative ? cw_decimal_negate(amount) : amount;
    if (cw_decimal_compare(&size, &most) > 0)
        return fail_value(part, field, text, err, "absurd: more than 10^12");
    if (amount.scale > digits)
        return fail_value(part, field, text, err, "more digits after the point than its currency has");
    return may_be_negative || !amount.negative || fail_value(part, field, text, err, "it cannot be negative");
}

/* --- kinds --- */

static bool check_level(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    return check_key(&part, "sku", true, err) && check_key(&part, "warehouse", true, err) &&
           check_quantity(&part, "quantity", true, ANY_SIGN, err);
}

static bool check_vendor_level(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    return check_key(&part, "sku", true, err) && check_key(&part, "vendor", true, err) &&
           check_quantity(&part, "quantity", true, NOT_BELOW_ZERO, err);
}

static bool check_price(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    const struct cw_value *from = cw_document_get(doc, "valid_from"),
                          *until = cw_document_get(doc, "valid_until");
    if (!check_key(&part, "sku", true, err) || !check_key(&part, "list", true, err) ||
        !check_currency(&part, true, err) || !check_money(&part, "amount", PRICE_DIGITS, false, err))
        return false;
    if (!cw_document_get(doc, "amount")->is_set)
        return fail_field(&part, "amount", err, "is missing");
    return !from->is_set || !until->is_set || from->time < until->time ||
           fail_field(&part, "valid_until", err, "does not lie behind valid_from");
}

static bool check_purchase_order(const struct cw_document *doc, struct cw_error *err)
{
    struct part part = { cw_office_first(doc, "lines"), "lines", 1 };
    for (; part.doc != NULL; part.doc = part.doc->next, part.line++)
        if (!check_key(&part, "sku", true, err) || !check_key(&part, "warehouse", false, err) ||
            !check_quantity(&part, "quantity", true, ABOVE_ZERO, err) ||
            !check_quantity(&part, "received", false, NOT_BELOW_ZERO, err))
            return false;
    return true;
}

static bool check_components(const struct cw_document *doc, struct cw_error *err)
{
    struct part part = { cw_office_first(doc, "components"), "components", 1 };
    for (; part.doc != NULL; part.doc = part.doc->next, part.line++)
        if (!check_key(&part, "sku", true, err) || !check_quantity(&part, "quantity", true, ABOVE_ZERO, err))
            return false;
    return true;
}

static bool check_variants(const struct cw_document *doc, struct cw_error *err)
{
    struct part part = { cw_office_first(doc, "variants"), "variants", 1 };
    for (; part.doc != NULL; part.doc = part.doc->next, part.line++)
        if (!check_key(&part, "sku", true, err) || !check_money(&part, "price", PRICE_DIGITS, false, err))
            return false;
    return true;
}

static bool check_item(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    bool has_price = cw_document_get(doc, "price")->is_set || cw_document_get(doc, "cost")->is_set;
    return check_key(&part, "sku", true, err) && check_currency(&part, has_price, err) &&
           check_money(&part, "price", PRICE_DIGITS, false, err) &&
           check_money(&part, "cost", PRICE_DIGITS, false, err) && check_variants(doc, err) &&
           check_components(doc, err);
}

static bool check_customer(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    return check_key(&part, "number", false, err) && check_key(&part, "email", false, err);
}

/* Lines of shipments and invoices: each says which line of the order it is of. */
static bool check_order_lines(const struct cw_document *doc, struct cw_error *err)
{
    struct part part = { cw_office_first(doc, "lines"), "lines", 1 };
    for (; part.doc != NULL; part.doc = part.doc->next, part.line++) {
        bool has_id = cw_office_text(part.doc, "line_id").len > 0;
        if (!check_key(&part, "line_id", false, err) || !check_key(&part, "sku", !has_id, err) ||
            !check_quantity(&part, "quantity", true, ABOVE_ZERO, err))
            return false;
    }
    return true;
}

static bool check_shipment(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    return check_key(&part, "order_cart", true, err) && check_key(&part, "order_id", true, err) &&
           check_order_lines(doc, err);
}

static bool check_invoice(const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    bool has_total = cw_document_get(doc, "total")->is_set;
    int digits = cw_currency_digits(cw_office_text(doc, "currency"));
    return check_key(&part, "order_cart", true, err) && check_key(&part, "order_id", true, err) &&
           check_currency(&part, has_total, err) &&
           check_money(&part, "total", digits >= 0 ? (unsigned)digits : ANY_DIGITS, true, err) &&
           check_order_lines(doc, err);
}

static const struct office_kind kinds[] = {
    { &cw_kind_stock_level, { "warehouse", "sku" }, false, true, false, check_level },
    { &cw_kind_purchase_order, { "number" }, false, false, false, check_purchase_order },
    { &cw_kind_vendor_level, { "vendor", "sku" }, false, true, false, check_vendor_level },
    { &cw_kind_item, { "sku" }, false, false, true, check_item },
    { &cw_kind_customer, { "number", "email" }, true, false, false, check_customer },
    { &cw_kind_price, { "list", "currency", "sku" }, false, false, false, check_price },
    { &cw_kind_shipment, { "number" }, false, false, true, check_shipment },
    { &cw_kind_invoice, { "number" }, false, false, true, check_invoice },
};

const struct office_kind *cw_office_kind_of(const struct cw_kind *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

const struct cw_kind *cw_office_kind(struct cw_slice name, struct cw_error *err)
{
    const struct cw_kind *kind =
        cw_slice_is(name, "levels") || cw_slice_is(name, "level") ? &cw_kind_stock_level : cw_kind_find(name);
    if (kind != NULL && cw_office_kind_of(kind) != NULL)
        return kind;
    name = cw_slice_clip(name, 60);
    cw_fail(err, CW_USAGE,
            "the back office has no \"%.*s\"; there are stock_level, purchase_order, vendor_level, item, "
            "customer, price, shipment and invoice",
            CW_SLICE_ARG(name));
    return NULL;
}

/* --- ids --- */

const char *const *cw_office_id_fields(const struct cw_kind *kind)
{
    return cw_office_kind_of(kind)->id_fields;
}

static struct cw_slice first_that_is_set(const struct office_kind *kind, const struct cw_document *doc)
{
    for (size_t i = 0; kind->id_fields[i] != NULL; i++) {
        struct cw_slice text = cw_office_text(doc, kind->id_fields[i]);
        if (text.len > 0)
            return text;
    }
    return (struct cw_slice){ "", 0 };
}

struct cw_slice cw_office_made_id(const struct cw_document *doc, struct cw_arena *arena)
{
    const struct office_kind *kind = cw_office_kind_of(doc->kind);
    size_t len = 0;
    if (kind->is_first_id)
        return first_that_is_set(kind, doc);
    for (size_t i = 0; kind->id_fields[i] != NULL; i++) {
        size_t part = cw_office_text(doc, kind->id_fields[i]).len;
        if (part == 0)
            return (struct cw_slice){ "", 0 };
        len += part + (i > 0);
    }
    char *made = cw_arena_bytes(arena, len), *end = made;
    for (size_t i = 0; made != NULL && kind->id_fields[i] != NULL; i++) {
        struct cw_slice part = cw_office_text(doc, kind->id_fields[i]);
        if (i > 0)
            *end++ = '/';
        memcpy(end, part.data, part.len);
        end += part.len;
    }
    return (struct cw_slice){ made, made != NULL ? len : 0 };
}

static bool fail_id(const struct office_kind *kind, const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    size_t i = 0;
    while (!kind->is_first_id && cw_office_text(doc, kind->id_fields[i]).len > 0)
        i++;
    return fail_field(&part, kind->id_fields[i], err,
                      kind->is_first_id ? "is missing, and e-mail and id too: one of them is needed"
                                        : "is missing, and without it the document has no id");
}

/* A slash inside a part would make the ids of two documents one: "A/B" and "C", "A" and "B/C". */
static bool is_clear(const struct office_kind *kind, const struct cw_document *doc, struct cw_error *err)
{
    const struct part part = { doc, NULL, 0 };
    if (kind->is_first_id)
        return true;
    for (size_t i = 0; kind->id_fields[i + 1] != NULL; i++) {
        struct cw_slice text = cw_office_text(doc, kind->id_fields[i]);
        if (memchr(text.data, '/', text.len) != NULL)
            return fail_value(
                &part, kind->id_fields[i], text, err,
                "it holds a slash, which parts the ids that are made here; give such documents an id");
    }
    return true;
}

bool cw_office_id(const struct cw_document *doc, struct cw_arena *arena, struct cw_slice *id,
                  struct cw_error *err)
{
    const struct office_kind *kind = cw_office_kind_of(doc->kind);
    *id = doc->external_id;
    if (id->len > 0)
        return true;
    *id = cw_office_made_id(doc, arena);
    return (id->len > 0 || fail_id(kind, doc, err)) && is_clear(kind, doc, err);
}
