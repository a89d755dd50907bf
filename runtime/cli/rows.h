/* rows.h - printing what a query gives: a table for people, one JSON object a line for programs. People see
 * times in the zone of the site, and yes and no. A column "seconds" has two times, and shows how long it is
 * from one to the other. */
#ifndef CW_CLI_ROWS_H
#define CW_CLI_ROWS_H

#include "cli/cli.h"

/* The first cell that a SELECT gives, as text cut to `cap`; "" when it gives none. */
bool cw_cli_ask(const struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                char *out, size_t cap, struct cw_error *err);

/* Runs a SELECT and prints its rows. `empty` is said, on a terminal's behalf, when there are none. Returns
 * the exit code. */
int cw_cli_print_rows(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                      const char *empty);

/* The same with rows that no query gives: `cells` are texts, row by row, NULL = none; `names` those of the
 * columns. */
int cw_cli_print_cells(struct cw_cli *cli, const char *const *names, size_t columns, const GPtrArray *cells,
                       const char *empty);

/* The same under a title; nothing where there are no rows. */
int cw_cli_print_section(struct cw_cli *cli, const char *title, const char *sql,
                         const struct cw_slice *params, size_t count);

/* The same, one "name: value" a line, for a single row; `found` tells whether there was one. */
int cw_cli_print_record(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                        bool *found);

#endif
