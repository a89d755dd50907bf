/* cart_path.h - the address that outsiders call a cart by: "/webhooks/CART/rest?query",
 * "/serve/CART/rest?query". */
#ifndef CW_ENGINE_CART_PATH_H
#define CW_ENGINE_CART_PATH_H

#include "base/slice.h"

enum { CW_CART_PATH_CART_MAX = 64 }; /* bytes of a name, with its end */

struct cw_cart_path {
    char cart[CW_CART_PATH_CART_MAX];
    struct cw_slice rest, query; /* in the target; "/rest" begins with its slash, and each may be empty */
};

/* The target behind its `prefix`, as "/serve/". false: it is another address, or no cart can have that name.
 */
bool cw_cart_path_parse(const char *target, const char *prefix, struct cw_cart_path *out);

#endif
