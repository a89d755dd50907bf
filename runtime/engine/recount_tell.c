/* recount_tell.c - what was counted becomes messages, one cart after the other: which figure, which price,
 * under which of the cart's ids. */
#include "engine/recount_private.h"

#include <stdio.h>

#include "adapters/writer.h"
#include "base/log.h"

enum { ASKED_AT_ONCE = 200, NEWS_MAX = 10000 };

static const struct cw_site_cart *cart_of(const struct recounting *r)
{
    return &r->config->carts[r->cart];
}

static bool is_told(const struct recounting *r, enum cw_out out)
{
    return cart_of(r)->out.sending[out].is_on;
}

/* --- what cannot be told --- */

/* Told once in the life of a process: the SKU is counted again with every order. */
static bool is_news(const char *what)
{
    static GHashTable *told;
    if (told == NULL)
        told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return g_hash_table_size(told) < NEWS_MAX && g_hash_table_add(told, g_strdup(what));
}

static void tell_ambiguous(const char *event, const char *cart, struct cw_slice sku, struct cw_slice first,
                           struct cw_slice second)
{
    char *what = g_strdup_printf("%s %s %.*s %.*s %.*s", event, cart, CW_SLICE_ARG(sku), CW_SLICE_ARG(first),
                                 CW_SLICE_ARG(second));
    const struct cw_log_field fields[] = { { "cart", cw_slice(cart) },
                                           { "sku", sku },
                                           { "first", first },
                                           { "second", second },
                                           { NULL, { NULL, 0 } } };
    if (is_news(what))
        cw_log(CW_LOG_WARNING, event, fields);
    g_free(what);
}

/* An item that has the SKU in another case: orders and levels go by the SKU as it is written, so that what is
 * told of the one would be sold as the other. */
static void tell_otherwise(const char *cart, struct cw_slice sku, const struct cw_answer *item)
{
    struct cw_slice written = recount_sku_of(item);
    char *what = g_strdup_printf("otherwise %s %.*s %.*s", cart, CW_SLICE_ARG(sku), CW_SLICE_ARG(written));
    const struct cw_log_field fields[] = { { "cart", cw_slice(cart) },
                                           { "sku", sku },
                                           { "of_cart", written },
                                           { "item", item->external_id },
                                           { NULL, { NULL, 0 } } };
    if (is_news(what))
        cw_log(CW_LOG_WARNING, "sku-written-otherwise", fields);
    g_free(what);
}

/* --- which price --- */

static bool holds_now(const struct recounting *r, const struct cw_price_row *price)
{
    return (price->from == CW_TIME_NONE || price->from <= r->now) &&
           (price->until == CW_TIME_NONE || price->until > r->now);
}

static void remember_change(struct recounting *r, cw_time at)
{
    if (at != CW_TIME_NONE && at > r->now &&
        (r->price_changes_at == CW_TIME_NONE || at < r->price_changes_at))
        r->price_changes_at = at;
}

static bool is_of_list(const struct cw_site_cart *cart, const struct cw_price_row *price)
{
    const char *list = cart->out.prices.list, *currency = cart->out.prices.currency;
    return cw_slice_is(price->list, list != NULL ? list : "default") &&
           (currency == NULL || cw_slice_is(price->currency, currency));
}

/* Of prices that hold at the same time, the one that began last: it was made for this time. */
static const struct cw_price_row *later(const struct cw_price_row *a, const struct cw_price_row *b)
{
    if (a == NULL || b->from != a->from)
        return a == NULL || b->from > a->from ? b : a;
    if (a->until != b->until)
        return a->until == CW_TIME_NONE || (b->until != CW_TIME_NONE && b->until < a->until) ? b : a;
    return cw_decimal_compare(&b->amount, &a->amount) < 0 ? b : a;
}

/* The first row of the SKU, in order of which they stand. */
static guint first_price(const struct recounting *r, struct cw_slice sku)
{
    guint low = 0, high = r->prices->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        struct cw_slice at = g_array_index(r->prices, struct cw_price_row, middle).sku;
        int order = memcmp(at.data, sku.data, MIN(at.len, sku.len));
        if (order < 0 || (order == 0 && at.len < sku.len))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct cw_price_row *price_of(struct recounting *r, struct cw_slice sku)
{
    const struct cw_site_cart *cart = cart_of(r);
    const struct cw_price_row *found = NULL;
    for (guint i = first_price(r, sku); i < r->prices->len; i++) {
        const struct cw_price_row *price = &g_array_index(r->prices, struct cw_price_row, i);
        if (!cw_slice_equal(price->sku, sku))
            break;
        if (!is_of_list(cart, price))
            continue;
        remember_change(r, price->from);
        remember_change(r, price->until);
        if (!holds_now(r, price))
            continue;
        if (found != NULL && !cw_slice_equal(found->currency, price->currency)) {
            tell_ambiguous("price-ambiguous", cart->name, sku, found->currency, price->currency);
            return NULL;
        }
        found = later(found, price);
    }
    return found;
}

/* --- messages --- */

static bool add_text(struct recounting *r, const char *name, struct cw_slice value)
{
    bool is_first = r->json.len > 0 && r->json.data[r->json.len - 1] == '{';
    return cw_buffer_print(&r->json, &r->err, "%s\"%s\":", is_first ? "" : ",", name) &&
           cw_json_write_text(&r->json, value, &r->err);
}

static bool add_quantity(struct recounting *r, const char *name, cw_quantity quantity)
{
    char text[CW_DECIMAL_TEXT_MAX];
    return add_text(r, name, cw_quantity_text(quantity, text));
}

static bool add_time(struct recounting *r, const char *name, cw_time time)
{
    char text[CW_TIME_TEXT_MAX];
    if (time == CW_TIME_NONE)
        return true;
    return add_text(r, name, (struct cw_slice){ text, cw_time_iso(time, text) });
}

static bool begin_payload(struct recounting *r, const struct level *level, const struct cw_answers *answers)
{
    const struct cw_answer *item = answers->count > 0 ? &answers->found[0] : NULL;
    cw_buffer_clear(&r->json);
    return cw_buffer_print(&r->json, &r->err, "{") && add_text(r, "sku", level->sku) &&
           (item == NULL || add_text(r, "item_id", item->external_id)) &&
           (item == NULL || item->variant_id.len == 0 || add_text(r, "variant_id", item->variant_id));
}

static bool add_figures(struct recounting *r, const struct level *level)
{
    struct cw_stock_sum sum = cw_stock_view_sum(r->view, level->item);
    return cw_buffer_print(&r->json, &r->err, ",\"figures\":{") && add_text(r, "sku", level->sku) &&
           add_quantity(r, "on_hand", sum.on_hand) && add_quantity(r, "on_order", sum.on_order) &&
           add_quantity(r, "vendor", sum.vendor) &&
           add_quantity(r, "pending", sum.taken[CW_DEMAND_PENDING]) &&
           add_quantity(r, "allocated", sum.taken[CW_DEMAND_ALLOCATED] + sum.taken[CW_DEMAND_SHIPPING]) &&
           add_quantity(r, "for_kits", sum.for_kits) && add_quantity(r, "free", sum.free) &&
           add_quantity(r, "buildable", sum.buildable) && add_quantity(r, "quantity", sum.published) &&
           cw_buffer_print(&r->json, &r->err, "}");
}

/* Another function may say something else of the same figures: they are told anew. */
static bool add_function(struct recounting *r, const char *function)
{
    return add_text(r, "function", cw_slice_clip(cw_slice(function), 16));
}

static bool put(struct recounting *r, const struct level *level, enum cw_out out, bool is_zero)
{
    char *lane = g_strdup_printf("%s/%.*s", cw_out_name(out), CW_SLICE_ARG(level->sku));
    struct cw_message message = { .key = { .cart = cw_slice(cart_of(r)->name),
                                           .stream = cw_slice(cw_out_name(out)),
                                           .external_id = level->sku },
                                  .lane = cw_slice(lane),
                                  .event = { "", 0 },
                                  .payload = cw_buffer_slice(&r->json),
                                  .is_zero = is_zero,
                                  .state = CW_MESSAGE_QUEUED,
                                  .created_at = r->now,
                                  .changed_at = r->now,
                                  .due_at = r->now,
                                  .answer = { "", 0 },
                                  .error = { "", 0 } };
    bool ok = cw_buffer_print(&r->json, &r->err, "}");
    message.payload = cw_buffer_slice(&r->json);
    ok = ok && cw_txn_put_message(r->txn, &message);
    g_free(lane);
    r->told[out] = true;
    return ok;
}

static bool put_stock(struct recounting *r, const struct level *level, const struct cw_answers *answers)
{
    const struct cw_out_config *out = &cart_of(r)->out;
    if (!level->stock.has_source)
        return true;
    return begin_payload(r, level, answers) && add_quantity(r, "quantity", level->stock.quantity) &&
           (out->stock.rule.vendor != CW_VENDOR_SEPARATE ||
            add_quantity(r, "vendor_quantity", level->stock.vendor)) &&
           (!out->stock.has_function || (add_figures(r, level) && add_function(r, out->stock.function))) &&
           put(r, level, CW_OUT_STOCK, level->stock.quantity == 0);
}

static bool put_price(struct recounting *r, const struct level *level, const struct cw_answers *answers)
{
    char amount[CW_DECIMAL_TEXT_MAX];
    const struct cw_price_row *price = level->price;
    if (price == NULL)
        return true;
    struct cw_decimal trimmed = cw_decimal_trim(price->amount, 2);
    struct cw_slice text = { amount, cw_decimal_format(&trimmed, amount) };
    return begin_payload(r, level, answers) && add_text(r, "list", price->list) &&
           add_text(r, "price", text) && add_text(r, "currency", price->currency) &&
           add_time(r, "valid_from", price->from) && add_time(r, "valid_until", price->until) &&
           put(r, level, CW_OUT_PRICES, false);
}

/* --- whose --- */

static void tell_more(struct recounting *r);

/* A cart without items cannot say which SKUs it sells, so that it is told of all. */
static bool may_be_told(const struct recounting *r, const struct level *level,
                        const struct cw_answers *answers)
{
    if (answers->is_loose) {
        tell_otherwise(cart_of(r)->name, level->sku, &answers->found[0]);
        return false;
    }
    if (answers->count <= 1)
        return answers->count == 1 || cart_of(r)->out.stock.unlisted || !r->has_items;
    tell_ambiguous("sku-ambiguous", cart_of(r)->name, level->sku, answers->found[0].external_id,
                   answers->found[1].external_id);
    return false;
}

void recount_put_levels(struct recounting *r)
{
    for (guint i = 0; i < r->levels->len; i++) {
        const struct level *level = &g_array_index(r->levels, struct level, i);
        if (may_be_told(r, level, &r->answers[i]) &&
            (!put_stock(r, level, &r->answers[i]) || !put_price(r, level, &r->answers[i]))) {
            recount_fail(r, NULL);
            return;
        }
    }
    recount_go(r, tell_more);
}

/* --- one cart after the other --- */

static void tell_next(struct recounting *r);

static bool take_back(struct recounting *r, enum cw_out out, struct cw_slice sku, const char *why)
{
    const struct cw_record_key key = { cw_slice(cart_of(r)->name), cw_slice(cw_out_name(out)), sku };
    return cw_txn_take_back(r->txn, &key, (struct cw_slice){ "", 0 }, cw_slice(why));
}

/* Of what was marked alone: prices of what depends on it were not read. */
static bool take_back_prices(struct recounting *r)
{
    for (size_t i = 0; is_told(r, CW_OUT_PRICES) && i < r->marked_count; i++)
        if (price_of(r, r->marked[i]) == NULL &&
            !take_back(r, CW_OUT_PRICES, r->marked[i], "it has no price any more"))
            return false;
    return true;
}

static bool add_level(struct recounting *r, struct cw_slice sku)
{
    struct level level = { .sku = sku, .item = cw_stock_find(cw_figures_stock(r->figures), sku) };
    if (r->view != NULL && !cw_figures_is_broken(r->figures, level.item))
        level.stock = cw_stock_view_get(r->view, level.item);
    if (is_told(r, CW_OUT_PRICES))
        level.price = price_of(r, sku);
    if (level.stock.has_source || level.price != NULL)
        g_array_append_val(r->levels, level);
    return level.stock.has_source || !is_told(r, CW_OUT_STOCK) ||
           take_back(r, CW_OUT_STOCK, sku, "nothing says any more how much of it there is");
}

static bool wake_senders(struct recounting *r)
{
    struct cw_slice cart = cw_slice(cart_of(r)->name);
    for (size_t out = 0; out < CW_OUT_STREAMS; out++)
        if (r->told[out] && !cw_txn_wake_sender(r->txn, cart, cw_slice(cw_out_name(out)), r->now))
            return false;
    return true;
}

static void tell_more(struct recounting *r)
{
    g_array_set_size(r->levels, 0);
    while (r->at < r->sku_count && r->levels->len < ASKED_AT_ONCE)
        if (!add_level(r, r->skus[r->at++])) {
            recount_fail(r, NULL);
            return;
        }
    if (r->levels->len > 0) {
        recount_ask_whose(r);
        return;
    }
    cw_stock_view_free(r->view);
    r->view = NULL;
    if (!wake_senders(r)) {
        recount_fail(r, NULL);
        return;
    }
    r->cart++;
    recount_go(r, tell_next);
}

static bool count_cart(struct recounting *r)
{
    if (!is_told(r, CW_OUT_STOCK))
        return true;
    r->view = cw_stock_view_create(cw_figures_stock(r->figures), &cart_of(r)->out.stock.rule, r->now);
    return r->view != NULL && cw_stock_view_count(r->view);
}

static void tell_next(struct recounting *r)
{
    while (r->cart < r->config->cart_count && !is_told(r, CW_OUT_STOCK) && !is_told(r, CW_OUT_PRICES))
        r->cart++;
    if (r->cart == r->config->cart_count) {
        recount_told(r);
        return;
    }
    r->at = 0;
    r->knows_items = r->has_items = false;
    memset(r->told, 0, sizeof r->told);
    if (count_cart(r) && take_back_prices(r))
        recount_go(r, tell_more);
    else
        recount_fail(r, NULL);
}

void recount_tell(struct recounting *r)
{
    r->cart = 0;
    tell_next(r);
}
