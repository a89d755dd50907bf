/* run.h - the three roles in which `cartwright run` is started: the supervisor, which starts the other two;
 * the one that reads the site for it and plans its jobs; and the workers. */
#ifndef CW_CLI_RUN_H
#define CW_CLI_RUN_H

#include "cli/cli.h"

struct cw_cli_run {
    int workers;              /* 0 = as the site says */
    char *metrics, *webhooks; /* addresses; NULL = as the site says */
    char *log_format, *log_level;
    gboolean settings; /* this process reads the site */
    gboolean reload;   /* and is asked because the site may have changed */
    int worker;        /* the number of this worker; 0 = none */
    char *died;        /* "CART:HOW": of what the worker before died */
};

/* Each returns the exit code of its process. */
int cw_cli_run_settings(struct cw_cli *cli, const struct cw_cli_run *run);
int cw_cli_run_worker(struct cw_cli *cli, const struct cw_cli_run *run);

/* From here on, and in this process, only what a worker needs: see adapters/confine.h. */
bool cw_cli_confine(const struct cw_cli *cli, struct cw_error *err);

#endif
