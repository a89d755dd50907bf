/* parameters.h - what a cart's schedules are made of: its jobs, and the fields of an entry. */
#ifndef CW_CLI_PARAMETERS_H
#define CW_CLI_PARAMETERS_H

#include "cli/cli.h"

/* Prints every job that schedules of the cart may name, with its present schedule and when it is due next,
 * and every field of an entry with its form and an example. Returns the exit code. */
int cw_cli_print_parameters(struct cw_cli *cli, const char *cart);

#endif
