/* new_cart.h - what the script of a type says of the settings that a new site needs. */
#ifndef CW_CLI_NEW_CART_H
#define CW_CLI_NEW_CART_H

#include "cli/cli.h"

struct cw_cli_new_cart {
    GString *lines;     /* of site.lua: the cart among the carts */
    GPtrArray *secrets; /* names of those that must be set */
    bool has_no_url, has_orders;
};

/* `from` is the type whose script is asked: `type`, or the template of one's own. Fini it in any case. */
bool cw_cli_new_cart(struct cw_cli_new_cart *out, const char *from, const char *type, const char *cart,
                     const char *url, struct cw_error *err);
void cw_cli_new_cart_fini(struct cw_cli_new_cart *cart);

#endif
