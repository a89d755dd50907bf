/* again.h - stored records of a cart, mapped again with today's scripts, tables and rules. */
#ifndef CW_CLI_AGAIN_H
#define CW_CLI_AGAIN_H

#include "cli/cli.h"
#include "engine/batch.h"

struct cw_cli_again {
    const char *job;    /* names the runs: "retry" */
    const char *stream; /* NULL = all of the cart */
    struct cw_stored_filter filter;
    bool dry_run;
    void (*compared)(void *arg, const struct cw_comparison *comparison); /* of every record; may be NULL */
    void *arg;
    const char *nothing; /* said when no record fits */
};

/* Opens the cart and maps what fits the filter, stream by stream, printing each run. The number of records
 * that could not be posted is added to *left; false when something failed, which is printed. */
bool cw_cli_map_again(struct cw_cli *cli, const char *cart, const struct cw_cli_again *again, uint64_t *left);

/* How many records wait for one row: issues "unknown-TABLE" about `key`. They are mapped again; where `cart`
 * is NULL, those of every cart. */
bool cw_cli_release_waiting(struct cw_cli *cli, const char *cart, const char *table, const char *key);

#endif
