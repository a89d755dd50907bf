/* out_config.h - what site.lua says about the way out: which streams a cart is told, how they are sent, and
 * by which rule quantities and prices are chosen. Read by scripts/cartwright/out.lua.
 */
#ifndef CW_BINDINGS_OUT_CONFIG_H
#define CW_BINDINGS_OUT_CONFIG_H

#include "base/hash.h"
#include "stock/stock.h"

enum cw_out {
    CW_OUT_STOCK,
    CW_OUT_PRICES,
    CW_OUT_SHIPMENTS,
    CW_OUT_STATUSES,
    CW_OUT_CUSTOMERS,
    CW_OUT_ITEMS,
    CW_OUT_STREAMS /* how many there are */
};
const char *cw_out_name(enum cw_out out); /* "stock_out": stream, switch and job */
/* False for a name that is none. */
bool cw_out_find(struct cw_slice name, enum cw_out *out);
/* Whether messages are levels: the newest one of a key counts. */
bool cw_out_is_level(enum cw_out out);

struct cw_out_sending {
    bool is_on; /* named in `out`, and not switched off */
    unsigned threshold, batch, attempts;
    cw_time check, sleep; /* 0 = none */
};

struct cw_out_brake {
    bool is_on;
    unsigned share_percent, least, zeros;
};

/* Lists are NULL-terminated; NULL = all. */
struct cw_out_config {
    struct cw_out_sending sending[CW_OUT_STREAMS];
    struct {
        struct cw_stock_rule rule; /* branches are resolved to their warehouses */
        struct cw_out_brake brake;
        bool unlisted;
        bool has_function;               /* `quantity`, which the cart's own session runs */
        char function[CW_HASH_TEXT_MAX]; /* another text for another function */
    } stock;
    struct {
        char *list, *currency; /* currency NULL = the only one */
        struct cw_out_brake brake;
    } prices;
    struct {
        bool by_invoice;
    } shipments;
    struct {
        char **groups, **fields;
    } customers, items;
};

struct cw_stock_branch {
    char *name;
    char **warehouses;
};

/* What holds for all carts; NULL-terminated. */
struct cw_stock_config {
    struct cw_stock_branch *branches;
    size_t branch_count;
    char **closed;   /* statuses in which an order takes nothing */
    char **shipping; /* statuses of released orders that may be shipped now */
};

#endif
