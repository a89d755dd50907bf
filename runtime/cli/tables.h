/* tables.h - rows of translation tables: what is in force, what is set in the store, and changing that. */
#ifndef CW_CLI_TABLES_H
#define CW_CLI_TABLES_H

#include "cli/cli.h"

struct cw_cli_row {
    char *cart; /* "" = set for all carts; NULL = not set in the store, but by the script or a rule */
    char *table;
    char *key;        /* NULL: the table has no rows */
    char *value;      /* NULL = translated to no value */
    char *changed_at; /* of a row of the store, as it writes times */
};

/* Arrays of struct cw_cli_row, in order of table, key and cart; free with g_ptr_array_unref. NULL and *err on
 * failure. */

/* The rows of the store that concern the cart: its own, and those of all carts. */
GPtrArray *cw_cli_stored_rows(struct cw_cli *cli, const char *cart, struct cw_error *err);
/* By cart, table and key, for cw_cli_find_row; holds pointers to the rows. Free with g_hash_table_unref. */
GHashTable *cw_cli_index_rows(const GPtrArray *rows);
struct cw_cli_row *cw_cli_find_row(GHashTable *index, const char *cart, const char *table, const char *key);
/* The rows by which the cart's records are translated now. */
GPtrArray *cw_cli_rows_in_force(struct cw_cli *cli, const char *cart, struct cw_error *err);

struct cw_cli_change {
    char *cart; /* "" = all */
    char *table, *key;
    char *value; /* NULL = no value */
    bool is_drop;
    char *where;              /* "rows.csv:7", for messages; NULL = the command line */
    char *before;             /* out: what the store had; NULL = no value, or no row */
    bool was_set, is_changed; /* out */
};
struct cw_cli_change *cw_cli_change_create(const char *cart, const char *table, const char *key,
                                           const char *value);
void cw_cli_change_free(gpointer change);

/* All of `changes` (struct cw_cli_change) or none, each written to the audit trail as `action`. The carts are
 * opened with them before anything is kept: CW_USAGE, naming the change, for a table that no cart has and for
 * a value that no field takes. Then the records that wait for these rows are mapped again. */
bool cw_cli_change_tables(struct cw_cli *cli, const GPtrArray *changes, const char *action,
                          struct cw_error *err);

#endif
