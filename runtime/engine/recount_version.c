/* recount_version.c - by which rules of site.lua demands were put and figures counted. */
#include <stdio.h>
#include <string.h>

#include "engine/recount.h"

static void add_list(struct cw_hasher *hasher, char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        cw_hasher_add(hasher, cw_slice(*list));
    cw_hasher_add(hasher, cw_slice(""));
}

static void add_number(struct cw_hasher *hasher, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)number);
    cw_hasher_add(hasher, cw_slice(text));
}

static void add_text(struct cw_hasher *hasher, const char *text)
{
    cw_hasher_add(hasher, cw_slice(text != NULL ? text : "-"));
}

static void add_rule(struct cw_hasher *hasher, const struct cw_stock_rule *rule)
{
    add_list(hasher, rule->warehouses);
    add_number(hasher, rule->warehouses != NULL);
    add_number(hasher, rule->figure);
    add_number(hasher, rule->adds_kits);
    add_number(hasher, rule->adds_incoming);
    add_number(hasher, rule->incoming_within);
    add_number(hasher, rule->vendor);
    add_number(hasher, rule->buffer);
    add_number(hasher, rule->buffer_percent);
    add_number(hasher, rule->minimum);
    add_number(hasher, rule->maximum);
    add_number(hasher, rule->step);
}

static void add_cart(struct cw_hasher *hasher, const struct cw_site_cart *cart)
{
    cw_hasher_add(hasher, cw_slice(cart->name));
    add_number(hasher, cart->out.sending[CW_OUT_STOCK].is_on);
    add_number(hasher, cart->out.sending[CW_OUT_PRICES].is_on);
    add_rule(hasher, &cart->out.stock.rule);
    add_number(hasher, cart->out.stock.unlisted);
    add_number(hasher, cart->out.stock.has_function);
    cw_hasher_add(hasher, cw_slice(cart->out.stock.function));
    add_text(hasher, cart->out.prices.list);
    add_text(hasher, cart->out.prices.currency);
}

bool cw_recount_is_of(struct cw_slice state, const char *version)
{
    static const char counting[] = CW_RECOUNT_COUNTING;
    size_t len = sizeof counting - 1;
    if (state.data == NULL)
        return false;
    if (state.len > len && memcmp(state.data, counting, len) == 0)
        state = (struct cw_slice){ state.data + len, state.len - len };
    return cw_slice_is(state, version);
}

void cw_recount_version(const struct cw_site_config *config, char version[CW_HASH_TEXT_MAX])
{
    struct cw_hasher hasher;
    cw_hasher_init(&hasher);
    add_text(&hasher, "1"); /* of the reckoning itself */
    add_list(&hasher, config->stock.closed);
    add_list(&hasher, config->stock.shipping);
    for (size_t i = 0; i < config->stock.branch_count; i++) {
        add_text(&hasher, config->stock.branches[i].name);
        add_list(&hasher, config->stock.branches[i].warehouses);
    }
    for (size_t i = 0; i < config->cart_count; i++)
        add_cart(&hasher, &config->carts[i]);
    struct cw_hash hash = cw_hasher_end(&hasher);
    cw_hash_hex(&hash, version);
}
