/* report.h - how a run is told to the person or program that started it. */
#ifndef CW_CLI_REPORT_H
#define CW_CLI_REPORT_H

#include "cli/cli.h"

/* One line (a JSON object with --json) on standard output. */
void cw_cli_print_run(const struct cw_cli *cli, const struct cw_sync_report *report,
                      const struct cw_error *err, bool dry_run);

/* The same of a run that sent messages. */
void cw_cli_print_sent(const struct cw_cli *cli, const struct cw_run *run, const struct cw_error *err);

/* The error, with `context: ` before it, on standard error; with --json the run's own line has said it. */
void cw_cli_fail_in(const struct cw_cli *cli, const struct cw_error *err, const char *context);

#endif
