/* document.c - the kinds and their fields; see document.h. */
#include "base/document.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const order_statuses[] = { "draft",      "pending",   "on_hold", "paid",
                                              "processing", "backorder", "shipped", "completed",
                                              "cancelled",  "refunded",  "failed",  NULL };
static const char *const payment_statuses[] = { "unpaid",   "authorised",      "partly_paid", "paid",
                                                "refunded", "partly_refunded", "failed",      NULL };
static const char *const fulfilment_statuses[] = {
    "open", "partial", "shipped", "delivered", "returned", NULL
};
static const char *const rounding_levels[] = { "item", "line", "total", NULL };
static const char *const rounding_modes[] = { "up",      "down",      "ceiling",   "floor",
                                              "half-up", "half-down", "half-even", NULL };
static const char *const item_types[] = { "simple", "variants", "kit", "virtual", NULL };
static const char *const order_types[] = { "sales_order",       "cash_sale", "invoice",
                                           "shipping_document", "lead",      NULL };
static const char *const order_states[] = { "pending", "released", NULL };
static const char *const line_types[] = { "goods", "freight", "fee", "discount", NULL };

static const struct cw_field address_fields[] = {
    { "external_id", CW_TEXT, NULL, NULL, "the cart's id of the address" },
    { "name", CW_TEXT, NULL, NULL, "whole name, where the cart does not split it" },
    { "first_name", CW_TEXT, NULL, NULL, "given name" },
    { "last_name", CW_TEXT, NULL, NULL, "family name" },
    { "company", CW_TEXT, NULL, NULL, "company" },
    { "vat_number", CW_TEXT, NULL, NULL, "VAT number" },
    { "street", CW_TEXT, NULL, NULL, "first address line" },
    { "street2", CW_TEXT, NULL, NULL, "second address line" },
    { "postcode", CW_TEXT, NULL, NULL, "post code" },
    { "city", CW_TEXT, NULL, NULL, "city" },
    { "region", CW_TEXT, NULL, NULL, "state, province or county; a code where the cart has one" },
    { "country", CW_TEXT, NULL, NULL, "ISO 3166 code of two letters" },
    { "phone", CW_TEXT, NULL, NULL, "telephone" },
    { "mobile", CW_TEXT, NULL, NULL, "mobile telephone" },
    { "email", CW_TEXT, NULL, NULL, "e-mail" },
    { "note", CW_TEXT, NULL, NULL, "remark on the address" },
};

static const struct cw_field line_fields[] = {
    { "external_id", CW_TEXT, NULL, NULL, "the cart's id of the line" },
    { "parent_id", CW_TEXT, NULL, NULL, "external_id of the bundle's line this one belongs to" },
    { "type", CW_TEXT, NULL, line_types, "what the line is for; goods where unset" },
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "name", CW_TEXT, NULL, NULL, "what the buyer read" },
    { "options", CW_TEXT, NULL, NULL, "options chosen, as the buyer read them" },
    { "barcode", CW_TEXT, NULL, NULL, "EAN, UPC or ISBN" },
    { "item_id", CW_TEXT, NULL, NULL, "the cart's id of the item" },
    { "variant_id", CW_TEXT, NULL, NULL, "the cart's id of the variant" },
    { "item", CW_TEXT, NULL, NULL, "the item in the store it was matched to: CART:ID" },
    { "variant", CW_TEXT, NULL, NULL, "external_id of the variant of that item" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces ordered" },
    { "cancelled", CW_DECIMAL, NULL, NULL,
      "pieces of it that will not be sent: taken out, or given back before they left; totals count them" },
    { "unit_price", CW_MONEY, NULL, NULL, "price of one, with or without tax as the order says" },
    { "discount", CW_MONEY, NULL, NULL, "positive: taken off the line, which its total contains already" },
    { "total", CW_MONEY, NULL, NULL,
      "of the whole line; quantity times unit price, rounded, less discount, where not mapped" },
    { "tax", CW_MONEY, NULL, NULL, "tax of the whole line" },
    { "tax_rate", CW_DECIMAL, NULL, NULL, "per cent" },
    { "tax_code", CW_TEXT, NULL, NULL, "the system's tax, by rule" },
};

static const struct cw_field discount_fields[] = {
    { "code", CW_TEXT, NULL, NULL, "coupon code" },
    { "name", CW_TEXT, NULL, NULL, "what the buyer read" },
    { "amount", CW_MONEY, NULL, NULL, "positive: what the buyer saved" },
    { "tax", CW_MONEY, NULL, NULL, "tax in the amount" },
    { "item", CW_TEXT, NULL, NULL, "the system's discount, by rule" },
};

static const struct cw_field payment_fields[] = {
    { "external_id", CW_TEXT, NULL, NULL, "the cart's id of the payment" },
    { "method", CW_TEXT, NULL, NULL, "method, as the cart's technical name where there is one" },
    { "amount", CW_MONEY, NULL, NULL, "amount" },
    { "reference", CW_TEXT, NULL, NULL, "the payment provider's transaction id" },
    { "paid_at", CW_TIME, NULL, NULL, "when it was booked" },
};

static const struct cw_field fee_fields[] = {
    { "name", CW_TEXT, NULL, NULL, "what the buyer read" },
    { "amount", CW_MONEY, NULL, NULL, "negative for a reduction" },
    { "tax", CW_MONEY, NULL, NULL, "tax of the fee" },
};

static const struct cw_field tax_fields[] = {
    { "name", CW_TEXT, NULL, NULL, "name or code of the rate" },
    { "rate", CW_DECIMAL, NULL, NULL, "per cent" },
    { "amount", CW_MONEY, NULL, NULL, "amount" },
};

static const struct cw_field order_fields[] = {
    { "number", CW_TEXT, NULL, NULL, "the number the buyer knows; may repeat" },
    { "type", CW_TEXT, NULL, order_types, "what it is here; decided when it first comes" },
    { "state", CW_TEXT, NULL, order_states,
      "pending holds no stock until somebody releases it; decided when it first comes" },
    { "status", CW_TEXT, NULL, order_statuses, "where the order stands" },
    { "payment_status", CW_TEXT, NULL, payment_statuses, "where its payment stands" },
    { "fulfilment_status", CW_TEXT, NULL, fulfilment_statuses, "where its delivery stands" },
    { "cart_status", CW_TEXT, NULL, NULL, "the cart's own status, untranslated" },
    { "second_status", CW_TEXT, NULL, NULL, "another status of the cart, untranslated" },
    { "cart_type", CW_TEXT, NULL, NULL, "the cart's own type of order: web, telephone, wholesale" },
    { "archived", CW_BOOLEAN, NULL, NULL, "put away in the cart; such orders are never taken in" },
    { "reference", CW_TEXT, NULL, NULL, "the buyer's own reference, such as a purchase order" },
    { "placed_at", CW_TIME, NULL, NULL, "when the buyer ordered" },
    { "changed_at", CW_TIME, NULL, NULL, "when the cart last changed it, by the cart's own stamp" },
    { "paid_at", CW_TIME, NULL, NULL, "when it was paid" },
    { "channel", CW_TEXT, NULL, NULL, "sales channel or shop of a multi-shop" },
    { "location", CW_TEXT, NULL, NULL, "where it is delivered from, by rule" },
    { "class", CW_TEXT, NULL, NULL, "class in the books, by rule" },
    { "sales_rep", CW_TEXT, NULL, NULL, "who looks after the buyer" },
    { "language", CW_TEXT, NULL, NULL, "the buyer's language" },
    { "currency", CW_TEXT, NULL, NULL, "ISO 4217 code of all amounts" },
    { "tax_included", CW_BOOLEAN, NULL, NULL,
      "whether line, shipping, fee and discount amounts contain tax" },
    { "goods_total", CW_MONEY, NULL, NULL, "sum of the lines" },
    { "discount_total", CW_MONEY, NULL, NULL, "positive; only what the line totals do not already contain" },
    { "shipping_total", CW_MONEY, NULL, NULL, "freight" },
    { "fee_total", CW_MONEY, NULL, NULL, "wrapping, payment and other fees" },
    { "tax_total", CW_MONEY, NULL, NULL, "all taxes" },
    { "total", CW_MONEY, NULL, NULL, "what the buyer owes, tax included" },
    { "paid_total", CW_MONEY, NULL, NULL, "what was paid so far" },
    { "rounding", CW_TEXT, NULL, rounding_levels, "what the cart rounds: each item, line, or the total" },
    { "rounding_mode", CW_TEXT, NULL, rounding_modes, "how the cart rounds" },
    { "taxable", CW_BOOLEAN, NULL, NULL, "whether the buyer pays tax" },
    { "tax_code", CW_TEXT, NULL, NULL, "the system's tax, by rule" },
    { "shipping_tax_code", CW_TEXT, NULL, NULL, "the system's tax of the freight, by rule" },
    { "customer_id", CW_TEXT, NULL, NULL, "the cart's id of the customer; absent for guests" },
    { "customer", CW_TEXT, NULL, NULL, "the customer in the store it was matched to: CART:ID" },
    { "ship_to", CW_TEXT, NULL, NULL, "external_id of that customer's address it goes to" },
    { "email", CW_TEXT, NULL, NULL, "the buyer's e-mail" },
    { "billing", CW_RECORD, &cw_kind_address, NULL, "billing address" },
    { "shipping", CW_RECORD, &cw_kind_address, NULL, "delivery address" },
    { "payment_method", CW_TEXT, NULL, NULL, "technical name of the payment method" },
    { "payment_name", CW_TEXT, NULL, NULL, "payment method as the buyer read it" },
    { "payment_term", CW_TEXT, NULL, NULL, "when it is to be paid: NET30" },
    { "shipping_method", CW_TEXT, NULL, NULL, "technical name or id of the shipping method" },
    { "shipping_name", CW_TEXT, NULL, NULL, "shipping method as the buyer read it" },
    { "carrier", CW_TEXT, NULL, NULL, "who carries it" },
    { "tracking_number", CW_TEXT, NULL, NULL, "tracking number of the first parcel" },
    { "note", CW_TEXT, NULL, NULL, "remark of the buyer or the shop" },
    { "gift_message", CW_TEXT, NULL, NULL, "text for the gift card" },
    { "lines", CW_LIST, &cw_kind_line, NULL, "what was ordered" },
    { "discounts", CW_LIST, &cw_kind_discount, NULL, "coupons and rules" },
    { "payments", CW_LIST, &cw_kind_payment, NULL, "payments" },
    { "fees", CW_LIST, &cw_kind_fee, NULL, "fees" },
    { "taxes", CW_LIST, &cw_kind_tax, NULL, "taxes by rate" },
};

static const struct cw_field customer_fields[] = {
    { "number", CW_TEXT, NULL, NULL, "customer number" },
    { "email", CW_TEXT, NULL, NULL, "e-mail" },
    { "first_name", CW_TEXT, NULL, NULL, "given name" },
    { "last_name", CW_TEXT, NULL, NULL, "family name" },
    { "company", CW_TEXT, NULL, NULL, "company" },
    { "vat_number", CW_TEXT, NULL, NULL, "VAT number" },
    { "phone", CW_TEXT, NULL, NULL, "telephone" },
    { "language", CW_TEXT, NULL, NULL, "language" },
    { "type", CW_TEXT, NULL, NULL, "what kind of customer: retail, wholesale" },
    { "group", CW_TEXT, NULL, NULL, "customer group or class" },
    { "sales_rep", CW_TEXT, NULL, NULL, "who looks after the customer" },
    { "taxable", CW_BOOLEAN, NULL, NULL, "whether the customer pays tax" },
    { "payment_term", CW_TEXT, NULL, NULL, "when the customer pays: NET30" },
    { "guest", CW_BOOLEAN, NULL, NULL, "ordered without an account" },
    { "active", CW_BOOLEAN, NULL, NULL, "whether the account is open" },
    { "note", CW_TEXT, NULL, NULL, "remark" },
    { "created_at", CW_TIME, NULL, NULL, "when the account was made" },
    { "changed_at", CW_TIME, NULL, NULL, "when the cart last changed it" },
    { "addresses", CW_LIST, &cw_kind_address, NULL, "addresses" },
};

static const struct cw_field variant_fields[] = {
    { "external_id", CW_TEXT, NULL, NULL, "the cart's id of the variant" },
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "name", CW_TEXT, NULL, NULL, "what tells it from its siblings" },
    { "barcode", CW_TEXT, NULL, NULL, "EAN, UPC or ISBN" },
    { "price", CW_MONEY, NULL, NULL, "sales price" },
    { "weight", CW_DECIMAL, NULL, NULL, "in the cart's unit" },
    { "active", CW_BOOLEAN, NULL, NULL, "whether it is sold" },
};

static const struct cw_field component_fields[] = {
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "item_id", CW_TEXT, NULL, NULL, "the cart's id of the item" },
    { "variant_id", CW_TEXT, NULL, NULL, "the cart's id of the variant" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces in one kit" },
};

static const struct cw_field item_fields[] = {
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "name", CW_TEXT, NULL, NULL, "name in the shop's first language" },
    { "description", CW_TEXT, NULL, NULL, "description; may be HTML" },
    { "type", CW_TEXT, NULL, item_types, "what kind of item" },
    { "group", CW_TEXT, NULL, NULL, "group of items" },
    { "barcode", CW_TEXT, NULL, NULL, "EAN, UPC or ISBN" },
    { "vendor_sku", CW_TEXT, NULL, NULL, "the supplier's number" },
    { "active", CW_BOOLEAN, NULL, NULL, "whether it is sold" },
    { "currency", CW_TEXT, NULL, NULL, "ISO 4217 code of the prices" },
    { "price", CW_MONEY, NULL, NULL, "sales price" },
    { "cost", CW_MONEY, NULL, NULL, "purchase price" },
    { "weight", CW_DECIMAL, NULL, NULL, "in the cart's unit" },
    { "tax_class", CW_TEXT, NULL, NULL, "tax class or rule" },
    { "created_at", CW_TIME, NULL, NULL, "when the cart made it" },
    { "changed_at", CW_TIME, NULL, NULL, "when the cart last changed it" },
    { "variants", CW_LIST, &cw_kind_variant, NULL, "variants" },
    { "components", CW_LIST, &cw_kind_component, NULL, "what a kit is made of" },
};

static const struct cw_field stock_level_fields[] = {
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit, where the cart tells it" },
    { "item_id", CW_TEXT, NULL, NULL, "the cart's id of the item" },
    { "variant_id", CW_TEXT, NULL, NULL, "the cart's id of the variant" },
    { "warehouse", CW_TEXT, NULL, NULL, "warehouse, location or shop" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces the cart believes to have; may be negative" },
    { "changed_at", CW_TIME, NULL, NULL, "when the cart last changed it" },
};

static const struct cw_field shipment_line_fields[] = {
    { "line_id", CW_TEXT, NULL, NULL, "external_id of the order's line" },
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces in the parcel" },
};

static const struct cw_field shipment_fields[] = {
    { "number", CW_TEXT, NULL, NULL, "number of the shipment" },
    { "order_id", CW_TEXT, NULL, NULL, "the cart's id of the order" },
    { "shipped_at", CW_TIME, NULL, NULL, "when it left" },
    { "carrier", CW_TEXT, NULL, NULL, "who carries it" },
    { "method", CW_TEXT, NULL, NULL, "shipping method" },
    { "tracking_number", CW_TEXT, NULL, NULL, "tracking number" },
    { "tracking_url", CW_TEXT, NULL, NULL, "where it can be followed" },
    { "warehouse", CW_TEXT, NULL, NULL, "where it left from" },
    { "note", CW_TEXT, NULL, NULL, "remark" },
    { "changed_at", CW_TIME, NULL, NULL, "when the cart last changed it" },
    { "lines", CW_LIST, &cw_kind_shipment_line, NULL, "what is in it; nothing = the whole order" },
    { "order_cart", CW_TEXT, NULL, NULL, "of a shipment of the back office: the cart whose order it is" },
    { "vendor", CW_TEXT, NULL, NULL, "the vendor who ships it in our place (drop shipping)" },
    { "confirmed", CW_BOOLEAN, NULL, NULL, "it has left; until then the cart is not told" },
};

static const struct cw_field purchase_order_line_fields[] = {
    { "external_id", CW_TEXT, NULL, NULL, "the line's id" },
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces ordered" },
    { "received", CW_DECIMAL, NULL, NULL, "pieces that have come; they are in the levels" },
    { "warehouse", CW_TEXT, NULL, NULL, "where they go to" },
    { "expected_at", CW_TIME, NULL, NULL, "when the rest is expected" },
};

static const struct cw_field purchase_order_fields[] = {
    { "number", CW_TEXT, NULL, NULL, "number of the purchase order" },
    { "vendor", CW_TEXT, NULL, NULL, "from whom" },
    { "closed", CW_BOOLEAN, NULL, NULL, "nothing more comes" },
    { "ordered_at", CW_TIME, NULL, NULL, "when it was ordered" },
    { "changed_at", CW_TIME, NULL, NULL, "when the back office last changed it" },
    { "lines", CW_LIST, &cw_kind_purchase_order_line, NULL, "what was ordered" },
};

static const struct cw_field invoice_line_fields[] = {
    { "line_id", CW_TEXT, NULL, NULL, "external_id of the order's line" },
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces invoiced" },
};

static const struct cw_field invoice_fields[] = {
    { "number", CW_TEXT, NULL, NULL, "number of the invoice" },
    { "order_cart", CW_TEXT, NULL, NULL, "the cart whose order it is for" },
    { "order_id", CW_TEXT, NULL, NULL, "the cart's id of the order" },
    { "released", CW_BOOLEAN, NULL, NULL, "it is final" },
    { "invoiced_at", CW_TIME, NULL, NULL, "its date" },
    { "currency", CW_TEXT, NULL, NULL, "ISO 4217 code of its amounts" },
    { "total", CW_MONEY, NULL, NULL, "what is owed, tax included" },
    { "note", CW_TEXT, NULL, NULL, "remark" },
    { "changed_at", CW_TIME, NULL, NULL, "when the back office last changed it" },
    { "lines", CW_LIST, &cw_kind_invoice_line, NULL, "what is invoiced; nothing = the whole order" },
};

static const struct cw_field price_fields[] = {
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "list", CW_TEXT, NULL, NULL, "which price: default, sale, or a name of your own" },
    { "currency", CW_TEXT, NULL, NULL, "ISO 4217 code" },
    { "amount", CW_MONEY, NULL, NULL, "the price" },
    { "valid_from", CW_TIME, NULL, NULL, "from when it holds" },
    { "valid_until", CW_TIME, NULL, NULL, "until when it holds" },
    { "changed_at", CW_TIME, NULL, NULL, "when the back office last changed it" },
};

static const struct cw_field vendor_level_fields[] = {
    { "sku", CW_TEXT, NULL, NULL, "stock keeping unit" },
    { "vendor", CW_TEXT, NULL, NULL, "who has it" },
    { "quantity", CW_DECIMAL, NULL, NULL, "pieces the vendor has" },
    { "changed_at", CW_TIME, NULL, NULL, "when the vendor last told it" },
};

#define KIND(id, plural, document)                                                                           \
    {                                                                                                        \
#id, plural, document, id##_fields, COUNT(id##_fields)                                               \
    }
const struct cw_kind cw_kind_address = KIND(address, "addresses", false);
const struct cw_kind cw_kind_line = KIND(line, "lines", false);
const struct cw_kind cw_kind_discount = KIND(discount, "discounts", false);
const struct cw_kind cw_kind_payment = KIND(payment, "payments", false);
const struct cw_kind cw_kind_fee = KIND(fee, "fees", false);
const struct cw_kind cw_kind_tax = KIND(tax, "taxes", false);
const struct cw_kind cw_kind_order = KIND(order, "orders", true);
const struct cw_kind cw_kind_customer = KIND(customer, "customers", true);
const struct cw_kind cw_kind_variant = KIND(variant, "variants", false);
const struct cw_kind cw_kind_component = KIND(component, "components", false);
const struct cw_kind cw_kind_item = KIND(item, "items", true);
const struct cw_kind cw_kind_stock_level = KIND(stock_level, "stock_levels", true);

const struct cw_kind cw_kind_shipment_line = KIND(shipment_line, "shipment_lines", false);
const struct cw_kind cw_kind_shipment = KIND(shipment, "shipments", true);
const struct cw_kind cw_kind_purchase_order_line = KIND(purchase_order_line, "purchase_order_lines", false);
const struct cw_kind cw_kind_purchase_order = KIND(purchase_order, "purchase_orders", true);
const struct cw_kind cw_kind_invoice_line = KIND(invoice_line, "invoice_lines", false);
const struct cw_kind cw_kind_invoice = KIND(invoice, "invoices", true);
const struct cw_kind cw_kind_price = KIND(price, "prices", true);
const struct cw_kind cw_kind_vendor_level = KIND(vendor_level, "vendor_levels", true);

const struct cw_kind *const cw_kinds[] = { &cw_kind_order,
                                           &cw_kind_customer,
                                           &cw_kind_item,
                                           &cw_kind_stock_level,
                                           &cw_kind_shipment,
                                           &cw_kind_purchase_order,
                                           &cw_kind_invoice,
                                           &cw_kind_price,
                                           &cw_kind_vendor_level,
                                           &cw_kind_line,
                                           &cw_kind_address,
                                           &cw_kind_discount,
                                           &cw_kind_payment,
                                           &cw_kind_fee,
                                           &cw_kind_tax,
                                           &cw_kind_variant,
                                           &cw_kind_component,
                                           &cw_kind_shipment_line,
                                           &cw_kind_purchase_order_line,
                                           &cw_kind_invoice_line,
                                           NULL };

const struct cw_kind *cw_kind_find(struct cw_slice name)
{
    for (size_t i = 0; cw_kinds[i] != NULL; i++)
        if (cw_slice_is(name, cw_kinds[i]->name) || cw_slice_is(name, cw_kinds[i]->plural))
            return cw_kinds[i];
    return NULL;
}

int cw_kind_field(const struct cw_kind *kind, struct cw_slice name)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (cw_slice_is(name, kind->fields[i].name))
            return (int)i;
    return -1;
}

enum { NAME_MAX_BYTES = 32 };

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out, changed or swapped with their neighbour to make one of two
 * short names the other. */
static unsigned distance(struct cw_slice a, struct cw_slice b)
{
    unsigned rows[3][NAME_MAX_BYTES + 1]; /* for i - 2, i - 1 and i letters of a, in turn */
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            bool swapped = i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1];
            row[j] =
                smaller(last[j - 1] + (a.data[i - 1] != b.data[j - 1]), smaller(last[j], row[j - 1]) + 1);
            if (swapped)
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *cw_kind_suggest(const struct cw_kind *kind, struct cw_slice name)
{
    const char *best = NULL;
    unsigned least = (unsigned)(name.len / 3) + 2; /* "qty" is nearer to nothing than to "tax" */
    if (name.len > NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < kind->field_count; i++) {
        unsigned d = distance(name, cw_slice(kind->fields[i].name));
        if (d < least) {
            least = d;
            best = kind->fields[i].name;
        }
    }
    return best;
}

const char *cw_type_name(enum cw_type type)
{
    static const char *const names[] = { "text",    "decimal", "money",  "integer",
                                         "boolean", "time",    "record", "list" };
    return names[type];
}

struct cw_document *cw_document_create(struct cw_arena *arena, const struct cw_kind *kind)
{
    size_t size = sizeof(struct cw_document) + kind->field_count * sizeof(struct cw_value);
    struct cw_document *doc = cw_arena_alloc(arena, size);
    if (doc == NULL)
        return NULL;
    memset(doc, 0, size);
    doc->kind = kind;
    return doc;
}

const struct cw_value *cw_document_get(const struct cw_document *doc, const char *field)
{
    int i = cw_kind_field(doc->kind, cw_slice(field));
    return i < 0 ? NULL : &doc->values[i];
}

static struct cw_slice decimal_text(struct cw_decimal value, int digits, char *scratch)
{
    if (digits >= 0)
        value = cw_decimal_trim(value, (unsigned)digits);
    return (struct cw_slice){ scratch, cw_decimal_format(&value, scratch) };
}

struct cw_slice cw_value_text(enum cw_type type, const struct cw_value *value, int money_digits,
                              char scratch[CW_VALUE_TEXT_MAX])
{
    if (!value->is_set)
        return (struct cw_slice){ "", 0 };
    switch (type) {
    case CW_TEXT:
        return value->text;
    case CW_DECIMAL:
        return decimal_text(value->decimal, -1, scratch);
    case CW_MONEY:
        return decimal_text(value->decimal, money_digits, scratch);
    case CW_INTEGER:
        return (struct cw_slice){ scratch, (size_t)snprintf(scratch, CW_VALUE_TEXT_MAX, "%lld",
                                                            (long long)value->integer) };
    case CW_BOOLEAN:
        return cw_slice(value->boolean ? "true" : "false");
    case CW_TIME:
        return (struct cw_slice){ scratch, cw_time_iso(value->time, scratch) };
    case CW_RECORD:
    case CW_LIST:
        break;
    }
    return (struct cw_slice){ "", 0 };
}
