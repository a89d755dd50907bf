/* table_csv.h - rows of translation tables as CSV: cart,table,key,value,nothing. */
#ifndef CW_CLI_TABLE_CSV_H
#define CW_CLI_TABLE_CSV_H

#include "cli/tables.h"

/* Writes rows (struct cw_cli_row) to `path`, whole or not at all; NULL and "-" = standard output. `cart`
 * stands for that of rows that the store does not have. */
bool cw_cli_export_rows(const GPtrArray *rows, const char *cart, const char *path, struct cw_error *err);

/* Changes (struct cw_cli_change) for the rows of a file; "-" = standard input. An empty field `cart` means
 * all carts; a file without that column has rows of `cart`. NULL and *err, which names file and line. */
GPtrArray *cw_cli_import_rows(const char *cart, const char *path, struct cw_error *err);

#endif
