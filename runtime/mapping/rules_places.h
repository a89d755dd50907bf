/* rules_places.h - where the fields that rules speak of by themselves stand in a document; looked up once,
 * because rules run for every record. */
#ifndef CW_MAPPING_RULES_PLACES_H
#define CW_MAPPING_RULES_PLACES_H

#include "base/document.h"

#define CW_ORDER_PLACES(X)                                                                                   \
    X(number)                                                                                                \
    X(type)                                                                                                  \
    X(state)                                                                                                 \
    X(currency)                                                                                              \
    X(goods_total)                                                                                           \
    X(shipping_total)                                                                                        \
    X(tax_total)                                                                                             \
    X(sales_rep)                                                                                             \
    X(taxable)                                                                                               \
    X(tax_code)                                                                                              \
    X(shipping_tax_code)                                                                                     \
    X(shipping_name)                                                                                         \
    X(customer_id)                                                                                           \
    X(customer)                                                                                              \
    X(ship_to)                                                                                               \
    X(email)                                                                                                 \
    X(language)                                                                                              \
    X(billing)                                                                                               \
    X(shipping)                                                                                              \
    X(payment_term)                                                                                          \
    X(lines)                                                                                                 \
    X(discounts)                                                                                             \
    X(payments)                                                                                              \
    X(paid_total)                                                                                            \
    X(taxes)
#define CW_LINE_PLACES(X)                                                                                    \
    X(external_id)                                                                                           \
    X(type)                                                                                                  \
    X(sku)                                                                                                   \
    X(name)                                                                                                  \
    X(barcode)                                                                                               \
    X(item_id)                                                                                               \
    X(variant_id)                                                                                            \
    X(item)                                                                                                  \
    X(variant)                                                                                               \
    X(quantity)                                                                                              \
    X(unit_price)                                                                                            \
    X(total)                                                                                                 \
    X(tax)                                                                                                   \
    X(tax_rate)                                                                                              \
    X(tax_code)
#define CW_ADDRESS_PLACES(X)                                                                                 \
    X(external_id)                                                                                           \
    X(first_name)                                                                                            \
    X(last_name)                                                                                             \
    X(company)                                                                                               \
    X(vat_number)                                                                                            \
    X(street)                                                                                                \
    X(postcode)                                                                                              \
    X(city)                                                                                                  \
    X(region)                                                                                                \
    X(country)                                                                                               \
    X(phone)                                                                                                 \
    X(mobile)                                                                                                \
    X(email)                                                                                                 \
    X(name)
#define CW_CUSTOMER_PLACES(X)                                                                                \
    X(email)                                                                                                 \
    X(first_name)                                                                                            \
    X(last_name)                                                                                             \
    X(company)                                                                                               \
    X(vat_number)                                                                                            \
    X(phone)                                                                                                 \
    X(language)                                                                                              \
    X(sales_rep)                                                                                             \
    X(taxable)                                                                                               \
    X(payment_term)                                                                                          \
    X(guest)                                                                                                 \
    X(addresses)
#define CW_ITEM_PLACES(X)                                                                                    \
    X(sku)                                                                                                   \
    X(name)                                                                                                  \
    X(type)                                                                                                  \
    X(barcode)                                                                                               \
    X(active)                                                                                                \
    X(price)                                                                                                 \
    X(weight)                                                                                                \
    X(variants)
#define CW_VARIANT_PLACES(X)                                                                                 \
    X(sku)                                                                                                   \
    X(name)                                                                                                  \
    X(barcode)                                                                                               \
    X(price)                                                                                                 \
    X(weight)                                                                                                \
    X(active)
#define CW_DISCOUNT_PLACES(X)                                                                                \
    X(code)                                                                                                  \
    X(name)                                                                                                  \
    X(item)
#define CW_TAX_PLACES(X) X(amount)

#define CW_PLACE(field) int field;
struct cw_places {
    struct {
        CW_ORDER_PLACES(CW_PLACE)
    } order;
    struct {
        CW_LINE_PLACES(CW_PLACE)
    } line;
    struct {
        CW_ADDRESS_PLACES(CW_PLACE)
    } address;
    struct {
        CW_CUSTOMER_PLACES(CW_PLACE)
    } customer;
    struct {
        CW_ITEM_PLACES(CW_PLACE)
    } item;
    struct {
        CW_VARIANT_PLACES(CW_PLACE)
    } variant;
    struct {
        CW_DISCOUNT_PLACES(CW_PLACE)
    } discount;
    struct {
        CW_TAX_PLACES(CW_PLACE)
    } tax;
};
#undef CW_PLACE

const struct cw_places *cw_places(void);

/* The text of a field, empty when it is unset. */
static inline struct cw_slice cw_text_at(const struct cw_document *doc, int field)
{
    return doc->values[field].is_set ? doc->values[field].text : (struct cw_slice){ "", 0 };
}

static inline struct cw_document *cw_record_at(const struct cw_document *doc, int field)
{
    return doc->values[field].is_set ? doc->values[field].record : NULL;
}

static inline struct cw_document *cw_first_at(const struct cw_document *doc, int field)
{
    return doc->values[field].is_set ? doc->values[field].list.first : NULL;
}

static inline void cw_put_text(struct cw_document *doc, int field, struct cw_slice text)
{
    doc->values[field] = (struct cw_value){ .is_set = true, .text = text };
}

static inline void cw_append_member(struct cw_document *doc, int field, struct cw_document *member)
{
    struct cw_value *list = &doc->values[field];
    if (!list->is_set)
        *list = (struct cw_value){ .is_set = true };
    if (list->list.last != NULL)
        list->list.last->next = member;
    else
        list->list.first = member;
    list->list.last = member;
    list->list.count++;
}

#endif
