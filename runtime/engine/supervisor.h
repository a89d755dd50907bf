/* supervisor.h - starts workers, watches that they live, replaces those that hang or die.
 *
 * It runs no script, opens no store and parses nothing that comes from a shop, so nothing from outside can
 * take it along. A worker that stays in one callback for longer than `hang` is killed; one that ended is
 * replaced at once, the first time, and ever more slowly when replacements die as well. Which cart's script
 * it was running is handed to its replacement, which keeps the books (worker.h). It also answers /metrics,
 * /healthz and /readyz, and owns the sockets for webhooks, which all its workers share.
 */
#ifndef CW_ENGINE_SUPERVISOR_H
#define CW_ENGINE_SUPERVISOR_H

#include "adapters/loop.h"
#include "adapters/process.h"

struct cw_supervisor_config {
    struct cw_loop *loop;
    const struct cw_processes *processes; /* the seam for process control */
    char *const *argv; /* of a worker; "--worker=N" and what it inherits are added. Also asked for settings */
    unsigned workers;  /* 0 = as the site says */
    const char *metrics;  /* "127.0.0.1:9464"; NULL = as the site says; "" = none */
    const char *webhooks; /* likewise */
    cw_time hang;         /* 0 = as the site says, else 30 s */
};

/* Runs until it is told to stop; 0, or 1 when it could not begin. Signals: TERM and INT stop the workers
 * behind the page in hand (a second one at once), HUP checks the site anew and replaces the workers one by
 * one when it is sound, USR1 writes the state of each worker to the log. Tells systemd READY, RELOADING,
 * STOPPING and its watchdog, where NOTIFY_SOCKET asks for it. */
int cw_supervisor_run(const struct cw_supervisor_config *config);

#endif
