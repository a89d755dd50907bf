/* stock_compare.c - `cartwright stock compare` and `take`: what the cart had when it was last read,
 * beside what is known here, and the one in the place of the other. */
#include <stdio.h>
#include <string.h>

#include "cli/rows.h"
#include "cli/stock.h"
#include "cli/who.h"
#include "engine/office.h"

enum { PAGE = 500 };

struct comparing {
    struct cw_cli *cli;
    const char *cart;
    GHashTable *theirs, *ours; /* SKU -> struct cw_decimal */
    bool all;
    GPtrArray *cells;
    size_t differing, missing, unnamed;
    char read_at[CW_TIME_TEXT_MAX]; /* when the cart's levels were so */
    struct cw_decimal their_sum, our_sum;
};

static char *plain(const struct cw_decimal *value)
{
    char scratch[CW_DECIMAL_TEXT_MAX];
    if (value == NULL)
        return NULL;
    struct cw_decimal trimmed = cw_decimal_trim(*value, 0);
    cw_decimal_format(&trimmed, scratch);
    return g_strdup(scratch);
}

static void add_to(struct cw_decimal *sum, const struct cw_decimal *value)
{
    struct cw_decimal added;
    if (value != NULL && cw_decimal_add(sum, value, &added, NULL))
        *sum = added;
}

static void add_row(struct comparing *c, const char *sku, const struct cw_decimal *theirs,
                    const struct cw_decimal *ours)
{
    struct cw_decimal difference;
    bool has_both = theirs != NULL && ours != NULL && cw_decimal_subtract(ours, theirs, &difference, NULL);
    bool is_same = has_both && cw_decimal_is_zero(&difference);
    add_to(&c->their_sum, theirs);
    add_to(&c->our_sum, ours);
    c->differing += has_both && !is_same;
    c->missing += ours == NULL;
    if (is_same && !c->all)
        return;
    g_ptr_array_add(c->cells, g_strdup(sku));
    g_ptr_array_add(c->cells, plain(theirs));
    g_ptr_array_add(c->cells, plain(ours));
    g_ptr_array_add(c->cells, has_both ? plain(&difference) : NULL);
}

/* --- what it would be told --- */

static void put_level(GHashTable *levels, const char *sku, struct cw_decimal quantity)
{
    struct cw_decimal *kept = g_new(struct cw_decimal, 1);
    *kept = quantity;
    g_hash_table_replace(levels, g_strdup(sku), kept);
}

static bool count_page(struct comparing *c, const struct cw_stock_rule *rule, struct cw_figures *figures,
                       const struct cw_slice *skus, size_t count, struct cw_error *err)
{
    if (!cw_cli_read_figures(c->cli, figures, skus, count, err))
        return false;
    const struct cw_stock *stock = cw_figures_stock(figures);
    struct cw_stock_view *view = cw_stock_view_create(stock, rule, cw_now(cw_loop_clock(c->cli->loop)));
    bool ok = view != NULL && cw_stock_view_count(view);
    for (size_t i = 0; ok && i < count; i++) {
        uint32_t item = cw_stock_find(stock, skus[i]);
        struct cw_stock_published published = cw_stock_view_get(view, item);
        if (published.has_source && !cw_figures_is_broken(figures, item))
            put_level(c->ours, skus[i].data, cw_quantity_decimal(published.quantity));
    }
    cw_stock_view_free(view);
    return ok || cw_fail(err, CW_NOMEM, "no memory to count stock");
}

static bool count_ours(struct comparing *c, const GPtrArray *skus, const struct cw_stock_rule *rule,
                       struct cw_error *err)
{
    struct cw_figures *figures = cw_figures_create();
    bool ok = true;
    for (guint at = 0; ok && at < skus->len; at += PAGE) {
        struct cw_slice page[PAGE];
        size_t count = 0;
        for (; count < PAGE && at + count < skus->len; count++)
            page[count] = cw_slice(g_ptr_array_index(skus, at + (guint)count));
        ok = count_page(c, rule, figures, page, count, err);
    }
    cw_figures_free(figures);
    return ok;
}

/* --- the report --- */

static void print_sums(const struct comparing *c, guint skus)
{
    if (c->cli->json)
        return;
    char *theirs = plain(&c->their_sum), *ours = plain(&c->our_sum);
    printf("\n%u SKUs, %zu differ, %zu have no figure here; %s has %s as of %s, here %s\n", skus,
           c->differing, c->missing, c->cart, theirs, c->read_at, ours);
    if (c->unnamed > 0)
        printf("%zu levels of %s name no SKU, nor an item whose SKU is known\n", c->unnamed, c->cart);
    g_free(theirs);
    g_free(ours);
}

static void report(struct comparing *c, const GPtrArray *skus, const char *ours)
{
    const char *const names[] = { "sku", "cart", ours, "difference" };
    for (guint i = 0; i < skus->len; i++) {
        const char *sku = g_ptr_array_index(skus, i);
        add_row(c, sku, g_hash_table_lookup(c->theirs, sku), g_hash_table_lookup(c->ours, sku));
    }
    cw_cli_print_cells(c->cli, names, 4, c->cells, "nothing differs");
    print_sums(c, skus->len);
}

static bool begin(struct comparing *c, struct cw_error *err)
{
    c->ours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    c->cells = g_ptr_array_new_with_free_func(g_free);
    c->their_sum = c->our_sum = cw_decimal_from_int(0);
    if (!cw_cli_stock_is_fresh(c->cli, c->cart, c->read_at, err))
        return false;
    c->theirs = cw_cli_cart_levels(c->cli, c->cart, &c->unnamed, err);
    return c->theirs != NULL;
}

static void end(struct comparing *c)
{
    if (c->theirs != NULL)
        g_hash_table_unref(c->theirs);
    g_hash_table_unref(c->ours);
    g_ptr_array_unref(c->cells);
}

int cw_cli_stock_compare(struct cw_cli *cli, const char *name, bool all)
{
    struct comparing c = { .cli = cli, .cart = name, .all = all };
    struct cw_error err;
    int code = 0;
    const struct cw_site_cart *cart = cw_cli_stock_cart(cli, name, true, &err);
    if (cart == NULL)
        return cw_cli_fail(cli, &err);
    bool ok = begin(&c, &err);
    if (ok) {
        GPtrArray *skus = cw_cli_sorted_skus(c.theirs);
        ok = count_ours(&c, skus, &cart->out.stock.rule, &err);
        if (ok)
            report(&c, skus, "ours");
        if (ok && cart->out.stock.has_function && !cli->json)
            puts("`quantity` of site.lua has the last word when a level is sent; it is not applied here");
        g_ptr_array_unref(skus);
    }
    if (!ok)
        code = cw_cli_fail(cli, &err);
    end(&c);
    return code;
}

/* --- take --- */

static bool take_level(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct comparing *c = arg;
    struct cw_decimal quantity;
    (void)columns, (void)names;
    char *sku = g_strndup(row[0].data, row[0].len);
    if (cw_decimal_parse(row[1], &quantity, NULL))
        put_level(c->ours, sku, quantity);
    g_free(sku);
    return true;
}

static bool read_warehouse(struct comparing *c, const char *warehouse, struct cw_error *err)
{
    struct cw_slice param = cw_slice(warehouse);
    return cw_cli_query(c->cli,
                        "SELECT sku, quantity FROM stock_levels WHERE cart = '' AND warehouse = $1 AND sku "
                        "IS NOT NULL AND quantity IS NOT NULL",
                        &param, 1, take_level, c, err);
}

static void set(struct cw_document *doc, const char *field, struct cw_value value)
{
    value.is_set = true;
    *(struct cw_value *)cw_document_get(doc, field) = value;
}

static struct cw_document *level_of(struct cw_arena *arena, const char *sku, const char *warehouse,
                                    const struct cw_decimal *quantity)
{
    struct cw_document *doc = cw_document_create(arena, &cw_kind_stock_level);
    if (doc == NULL)
        return NULL;
    doc->external_id = cw_slice("");
    set(doc, "sku", (struct cw_value){ .text = cw_slice(sku) });
    set(doc, "warehouse", (struct cw_value){ .text = cw_slice(warehouse) });
    set(doc, "quantity", (struct cw_value){ .decimal = *quantity });
    return doc;
}

/* Only those that differ: what is the same is put by nobody. */
static bool put_levels(struct comparing *c, const GPtrArray *skus, const char *warehouse, const char *reason,
                       struct cw_office_result *result, struct cw_error *err)
{
    struct cw_arena arena;
    bool ok = true;
    struct cw_document **docs = g_new0(struct cw_document *, skus->len + 1);
    cw_arena_init(&arena, 0);
    for (guint i = 0; ok && i < skus->len; i++) {
        const char *sku = g_ptr_array_index(skus, i);
        docs[i] = level_of(&arena, sku, warehouse, g_hash_table_lookup(c->theirs, sku));
        ok = docs[i] != NULL || cw_fail(err, CW_NOMEM, "no memory for the levels of %s", c->cart);
    }
    const struct cw_office_put put = { .config = &c->cli->site->config,
                                       .kind = &cw_kind_stock_level,
                                       .docs = docs,
                                       .count = skus->len,
                                       .from = cw_slice(c->cart),
                                       .who = cw_slice(cw_cli_who()),
                                       .reason = cw_slice(reason) };
    ok = ok && cw_office_put(c->cli->store, cw_loop_clock(c->cli->loop), &put, result, err);
    cw_arena_fini(&arena);
    g_free(docs);
    return ok;
}

static bool take(struct comparing *c, const GPtrArray *skus, const char *warehouse, const char *reason,
                 bool dry_run, struct cw_error *err)
{
    struct cw_office_result result = { 0 };
    if (!read_warehouse(c, warehouse, err))
        return false;
    report(c, skus, "warehouse");
    if (dry_run || skus->len == 0)
        return true;
    if (!put_levels(c, skus, warehouse, reason, &result, err))
        return false;
    if (!c->cli->json)
        printf("%llu levels of warehouse %s are what %s had at %s; %llu were so before\n",
               (unsigned long long)result.put, warehouse, c->cart, c->read_at,
               (unsigned long long)result.unchanged);
    return true;
}

int cw_cli_stock_take(struct cw_cli *cli, const char *cart, const char *warehouse, const char *reason,
                      bool dry_run)
{
    struct comparing c = { .cli = cli, .cart = cart };
    struct cw_error err;
    int code = 0;
    if (cw_cli_stock_cart(cli, cart, false, &err) == NULL)
        return cw_cli_fail(cli, &err);
    bool ok = begin(&c, &err);
    if (ok) {
        GPtrArray *skus = cw_cli_sorted_skus(c.theirs);
        ok = take(&c, skus, warehouse, reason, dry_run, &err);
        g_ptr_array_unref(skus);
    }
    if (!ok)
        code = cw_cli_fail(cli, &err);
    end(&c);
    return code;
}
