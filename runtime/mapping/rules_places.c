/* rules_places.c - see rules_places.h. */
#include "mapping/rules_places.h"

#define FIND(kind, list)                                                                                     \
    static void find_##kind(struct cw_places *at)                                                            \
    {                                                                                                        \
        list(FIND_IN_##kind)                                                                                 \
    }
#define FIND_IN(kind, field)    at->kind.field = cw_kind_field(&cw_kind_##kind, cw_slice(#field));
#define FIND_IN_order(field)    FIND_IN(order, field)
#define FIND_IN_line(field)     FIND_IN(line, field)
#define FIND_IN_address(field)  FIND_IN(address, field)
#define FIND_IN_customer(field) FIND_IN(customer, field)
#define FIND_IN_item(field)     FIND_IN(item, field)
#define FIND_IN_variant(field)  FIND_IN(variant, field)
#define FIND_IN_discount(field) FIND_IN(discount, field)
#define FIND_IN_tax(field)      FIND_IN(tax, field)

FIND(order, CW_ORDER_PLACES)
FIND(line, CW_LINE_PLACES)
FIND(address, CW_ADDRESS_PLACES)
FIND(customer, CW_CUSTOMER_PLACES)
FIND(item, CW_ITEM_PLACES)
FIND(variant, CW_VARIANT_PLACES)
FIND(discount, CW_DISCOUNT_PLACES)
FIND(tax, CW_TAX_PLACES)

const struct cw_places *cw_places(void)
{
    static struct cw_places places;
    static bool known;
    if (known)
        return &places;
    find_order(&places);
    find_line(&places);
    find_address(&places);
    find_customer(&places);
    find_item(&places);
    find_variant(&places);
    find_discount(&places);
    find_tax(&places);
    known = true;
    return &places;
}
