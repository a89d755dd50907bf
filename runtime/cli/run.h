/* run.h - the three roles in which `cartwright run` is started: the supervisor, which starts the other two;
 * the one that reads the site for it and plans its jobs; and the workers. */
#ifndef CW_CLI_RUN_H
#define CW_CLI_RUN_H

#include <glib.h>

#include "bindings/carts.h"
#include "cli/cli.h"

struct cw_cli_run {
    int workers;              /* 0 = as the site says */
    char *metrics, *webhooks; /* addresses; NULL = as the site says */
    char *log_format, *log_level;
    gboolean settings; /* this process reads the site */
    gboolean reload;   /* and is asked because the site may have changed */
    int worker;        /* the number of this worker; 0 = none */
    char *died;        /* "CART:HOW": of what the worker before died */
    char *inboxes;     /* of a worker: as the process that read the site printed them, see run_inboxes.c */
};

/* Each returns the exit code of its process. */
int cw_cli_run_settings(struct cw_cli *cli, const struct cw_cli_run *run);
int cw_cli_run_worker(struct cw_cli *cli, const struct cw_cli_run *run);

/* From here on, and in this process, only what a worker needs: see adapters/confine.h. `drops` are the
 * folders that carts take files from, NULL-terminated. */
bool cw_cli_confine(const struct cw_cli *cli, const char *const *drops, struct cw_error *err);

/* --- run_inboxes.c --- */

/* Appends what a worker must know of the cart's inbox to `lines`; folders of this machine are made where they
 * are not there. */
void cw_cli_inbox_lines(const struct cw_lua_cart *cart, GString *lines);
/* The values of all lines that begin with `word` ("inbox", "drop"); free the strings and the array. */
GPtrArray *cw_cli_inbox_values(const char *lines, const char *word);

#endif
