/* stock.h - what the verbs of `cartwright stock` share. */
#ifndef CW_CLI_STOCK_H
#define CW_CLI_STOCK_H

#include "base/time.h"
#include "cli/cli.h"
#include "engine/figures.h"

/* The cart of site.lua; CW_USAGE where it is none, or is not told of stock and `is_told`. NULL then. */
const struct cw_site_cart *cw_cli_stock_cart(const struct cw_cli *cli, const char *name, bool is_told,
                                             struct cw_error *err);

/* As cw_figures_read, and waits; nothing is changed. */
bool cw_cli_read_figures(struct cw_cli *cli, struct cw_figures *figures, const struct cw_slice *skus,
                         size_t count, struct cw_error *err);

/* Calls `row` for each row of a SELECT, and waits. */
bool cw_cli_query(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                  cw_query_row_fn *row, void *arg, struct cw_error *err);

/* The cart's own levels by SKU, those of its warehouses added up: char * -> struct cw_decimal *, to be freed
 * with g_hash_table_unref. `unnamed` counts those of which no SKU is known. NULL and *err on failure. */
GHashTable *cw_cli_cart_levels(struct cw_cli *cli, const char *cart, size_t *unnamed, struct cw_error *err);
/* Whether that is what the cart had when its stock was last read whole, since when it was told nothing else:
 * CW_REFUSED, with what to do, where it is older. `shown` is that time in the zone of the site. */
bool cw_cli_stock_is_fresh(const struct cw_cli *cli, const char *cart, char shown[CW_TIME_TEXT_MAX],
                           struct cw_error *err);
/* Its keys in order; the texts are the table's. */
GPtrArray *cw_cli_sorted_skus(GHashTable *levels);

/* Each returns the exit code. */
int cw_cli_stock_explain(struct cw_cli *cli, const char *cart, const char *sku);
int cw_cli_stock_compare(struct cw_cli *cli, const char *cart, bool all);
int cw_cli_stock_take(struct cw_cli *cli, const char *cart, const char *warehouse, const char *reason,
                      bool dry_run);
int cw_cli_stock_recount(struct cw_cli *cli, bool dry_run);
/* Where it was never counted by the rules in force: until then no cart is told of stock. */
int cw_cli_stock_count_once(struct cw_cli *cli);
int cw_cli_stock_send(struct cw_cli *cli, const char *cart, char *const *skus, size_t count,
                      const char *reason);

#endif
