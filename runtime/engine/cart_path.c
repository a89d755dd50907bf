#include "engine/cart_path.h"

#include <string.h>

static bool is_name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool cw_cart_path_parse(const char *target, const char *prefix, struct cw_cart_path *out)
{
    size_t len = 0;
    if (strncmp(target, prefix, strlen(prefix)) != 0)
        return false;
    target += strlen(prefix);
    while (is_name_letter(target[len]))
        len++;
    if (len == 0 || len >= sizeof out->cart || strchr("/?", target[len]) == NULL)
        return false;
    memcpy(out->cart, target, len);
    out->cart[len] = '\0';
    size_t rest_len = strcspn(target + len, "?");
    out->rest = (struct cw_slice){ target + len, rest_len };
    out->query = cw_slice(target + len + rest_len + (target[len + rest_len] == '?'));
    return true;
}
