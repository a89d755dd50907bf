/* stock_read.c - see stock.h: what the verbs of `cartwright stock` read. */
#include "cli/stock.h"

#include <string.h>

#include "base/time.h"
#include "cli/rows.h"

/* --- the cart --- */

const struct cw_site_cart *cw_cli_stock_cart(const struct cw_cli *cli, const char *name, bool is_told,
                                             struct cw_error *err)
{
    const struct cw_site_config *config = &cli->site->config;
    for (size_t i = 0; i < config->cart_count; i++) {
        const struct cw_site_cart *cart = &config->carts[i];
        if (strcmp(cart->name, name) != 0)
            continue;
        if (!is_told || cart->out.sending[CW_OUT_STOCK].is_on)
            return cart;
        cw_fail(err, CW_USAGE,
                "site.lua does not tell cart %s of stock; where it is to be told, add out = { stock = {} }",
                name);
        return NULL;
    }
    cw_fail(err, CW_USAGE, "site.lua has no cart %s", name);
    return NULL;
}

/* --- figures --- */

struct reading {
    struct cw_figures *figures;
    const struct cw_slice *skus;
    size_t count;
    struct cw_txn *txn;
    struct cw_error err;
};

static void figures_read(void *arg, const struct cw_error *err)
{
    struct reading *reading = arg;
    if (err != NULL)
        reading->err = *err;
    cw_txn_rollback(reading->txn);
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct reading *reading = arg;
    reading->txn = txn;
    if (err != NULL)
        reading->err = *err;
    else
        cw_figures_read(reading->figures, txn, reading->skus, reading->count, figures_read, reading);
}

bool cw_cli_read_figures(struct cw_cli *cli, struct cw_figures *figures, const struct cw_slice *skus,
                         size_t count, struct cw_error *err)
{
    struct reading reading = { .figures = figures, .skus = skus, .count = count };
    cw_txn_begin(cli->store, (struct cw_fence){ { "", 0 }, 0 }, begun, &reading);
    cw_store_wait(cli->store);
    *err = reading.err;
    return err->code == CW_OK;
}

/* --- queries --- */

struct querying {
    cw_query_row_fn *row;
    void *arg;
    struct cw_error err;
};

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    const struct querying *querying = arg;
    return querying->row(querying->arg, columns, names, row);
}

static void queried(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        ((struct querying *)arg)->err = *err;
}

bool cw_cli_query(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                  cw_query_row_fn *row, void *arg, struct cw_error *err)
{
    struct querying querying = { .row = row, .arg = arg };
    cw_store_query(cli->store, sql, params, count, take_row, queried, &querying);
    cw_store_wait(cli->store);
    *err = querying.err;
    return err->code == CW_OK;
}

/* --- what the cart has --- */

struct levels {
    GHashTable *skus;   /* "item\nvariant" -> SKU */
    GHashTable *levels; /* SKU -> struct cw_decimal */
    size_t unnamed;
};

static char *key_of(struct cw_slice item, struct cw_slice variant)
{
    return g_strdup_printf("%.*s\n%.*s", CW_SLICE_ARG(item), CW_SLICE_ARG(variant));
}

static bool take_sku(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct levels *levels = arg;
    (void)columns, (void)names;
    g_hash_table_replace(levels->skus, key_of(row[0], row[1]), g_strndup(row[2].data, row[2].len));
    return true;
}

/* The level's own SKU, else that of the item or variant it names; NULL = nobody knows. To be freed. */
static char *sku_of(const struct levels *levels, const struct cw_slice *row)
{
    if (row[0].len > 0)
        return g_strndup(row[0].data, row[0].len);
    char *key = key_of(row[1], row[2]);
    char *sku = g_strdup(g_hash_table_lookup(levels->skus, key));
    g_free(key);
    return sku;
}

static bool take_level(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct levels *levels = arg;
    struct cw_decimal quantity, sum;
    (void)columns, (void)names;
    char *sku = sku_of(levels, row);
    if (sku == NULL || !cw_decimal_parse(row[3], &quantity, NULL)) {
        levels->unnamed++;
        g_free(sku);
        return true;
    }
    const struct cw_decimal *known = g_hash_table_lookup(levels->levels, sku);
    if (known != NULL && cw_decimal_add(known, &quantity, &sum, NULL))
        quantity = sum;
    struct cw_decimal *kept = g_new(struct cw_decimal, 1);
    *kept = quantity;
    g_hash_table_replace(levels->levels, sku, kept);
    return true;
}

GHashTable *cw_cli_cart_levels(struct cw_cli *cli, const char *cart, size_t *unnamed, struct cw_error *err)
{
    struct levels levels = { g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                             g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free), 0 };
    struct cw_slice param = cw_slice(cart);
    bool ok =
        cw_cli_query(cli,
                     "SELECT external_id, '', sku FROM items WHERE cart = $1 AND sku <> '' UNION ALL SELECT "
                     "i.external_id, v.external_id, v.sku FROM items i JOIN item_variants v ON v.item_id = "
                     "i.id WHERE i.cart = $1 AND v.sku <> ''",
                     &param, 1, take_sku, &levels, err) &&
        cw_cli_query(cli,
                     "SELECT sku, coalesce(item_id, ''), coalesce(variant_id, ''), quantity FROM "
                     "stock_levels WHERE cart = $1 AND quantity IS NOT NULL",
                     &param, 1, take_level, &levels, err);
    g_hash_table_unref(levels.skus);
    *unnamed = levels.unnamed;
    if (ok)
        return levels.levels;
    g_hash_table_unref(levels.levels);
    return NULL;
}

/* --- how old that is --- */

static void time_shown(const struct cw_cli *cli, const char *stored, char shown[CW_TIME_TEXT_MAX])
{
    cw_time time;
    struct cw_zone *zone = cw_zone_open(cli->site->config.zone, NULL);
    if (zone == NULL || !cw_time_parse(cw_slice(stored), NULL, &time, NULL) ||
        cw_time_format(time, zone, "%Y-%m-%d %H:%M:%S", shown, CW_TIME_TEXT_MAX, NULL) == 0)
        g_strlcpy(shown, stored, CW_TIME_TEXT_MAX);
    cw_zone_free(zone);
}

/* What the cart was told while it was being read may be in the copy or not: it counts as later. */
static bool count_told(const struct cw_cli *cli, const char *cart, const char *read_at, char told[24],
                       struct cw_error *err)
{
    const struct cw_slice params[] = { cw_slice(cart), cw_slice(cw_out_name(CW_OUT_STOCK)),
                                       cw_slice(read_at) };
    return cw_cli_ask(cli,
                      "SELECT (SELECT count(*) FROM message_levels WHERE cart = $1 AND stream = $2 AND "
                      "sent_at >= $3) + (SELECT count(*) FROM messages WHERE cart = $1 AND stream = $2 AND "
                      "state IN ('sending', 'unknown') AND changed_at >= $3)",
                      params, 3, told, 24, err);
}

bool cw_cli_stock_is_fresh(const struct cw_cli *cli, const char *cart, char shown[CW_TIME_TEXT_MAX],
                           struct cw_error *err)
{
    char read_at[CW_TIME_TEXT_MAX], told[24];
    const struct cw_slice param = cw_slice(cart);
    if (!cw_cli_ask(cli,
                    "SELECT MAX(started_at) FROM runs WHERE cart = $1 AND stream = 'stock' AND job IN "
                    "('sync', 'import') AND state = 'done'",
                    &param, 1, read_at, sizeof read_at, err) ||
        !count_told(cli, cart, read_at, told, err))
        return false;
    if (read_at[0] == '\0')
        return cw_fail(err, CW_REFUSED,
                       "the stock of %s was never read, or too long ago to be known; read it with: "
                       "cartwright sync %s stock",
                       cart, cart);
    time_shown(cli, read_at, shown);
    return strcmp(told, "0") == 0 ||
           cw_fail(
               err, CW_REFUSED,
               "the stock of %s was read at %s, and %s was told %s quantities since; read it again first: "
               "cartwright sync %s stock",
               cart, shown, cart, told, cart);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *cw_cli_sorted_skus(GHashTable *levels)
{
    GPtrArray *skus = g_ptr_array_new();
    GHashTableIter each;
    void *sku;
    g_hash_table_iter_init(&each, levels);
    while (g_hash_table_iter_next(&each, &sku, NULL))
        g_ptr_array_add(skus, sku);
    g_ptr_array_sort(skus, by_text);
    return skus;
}
