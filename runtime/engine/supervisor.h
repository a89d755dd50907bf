/* supervisor.h - starts workers, watches that they live, replaces those that hang or die.
 *
 * It runs no script, opens no store and parses nothing that comes from a shop, so nothing from outside can
 * take it along. A worker that stays in one callback for longer than `hang` is killed (ten times as long
 * before it is ready, since a large store may be brought up to date then). One that ended is replaced at
 * once; when replacements die within 10 s as well, ever more slowly, up to every 30 s. Which cart's script it
 * was running is handed to its replacement, which keeps the books (worker.h). It also answers /metrics,
 * /healthz and /readyz, and owns the socket for webhooks, which all its workers share. Idle workers wake
 * nobody.
 *
 * What the site says of all that it asks a process of its own, started with --settings, which opens the site
 * with all its carts and prints one setting a line: "workers 2", "metrics 127.0.0.1:9464", "webhooks
 * 127.0.0.1:8080", "hang_us 30000000", "log json", and any number of "inbox ..." and "drop ...", which
 * workers are told as they are, in --inboxes=LINES; all may be absent. It ends with 0, or says on standard
 * error what is wrong. With --reload as well, others work by the site as it was, and go on when it fails.
 *
 * A worker is started with --worker=N, N from 1, and where the one before died inside a cart's script also
 * with --died=CART:HOW. It inherits descriptor 3 for cw_pulse_open, 4 for its wake-ups (its other end closes
 * when the supervisor is gone), and where there are webhooks 5, a listening socket.
 */
#ifndef CW_ENGINE_SUPERVISOR_H
#define CW_ENGINE_SUPERVISOR_H

#include "adapters/loop.h"
#include "adapters/process.h"

enum {
    CW_SUPERVISED_PULSE_FD = 3,
    CW_SUPERVISED_WAKE_FD = 4,
    CW_SUPERVISED_WEBHOOKS_FD = 5,
    CW_WORKERS_MAX = 256
};

struct cw_supervisor_config {
    struct cw_loop *loop;
    const struct cw_processes *processes; /* the seam for process control */
    char *const *argv;                    /* of a worker, NULL-terminated; what is said above is added */
    unsigned workers;                     /* 0 = as the site says, else 1 */
    const char
        *metrics; /* "127.0.0.1:9464", "[::1]:9464", "localhost:9464"; NULL = as the site says; "" = none */
    const char *webhooks; /* likewise */
    bool log_is_set;      /* how the log is written is not for the site to say */
    cw_time hang;         /* 0 = as the site says, else 30 s */
};

/* Runs until it is told to stop; 0, or 1 when it could not begin. Signals: TERM and INT stop the workers
 * behind the page in hand, within a minute (a second one at once), HUP checks the site anew and replaces the
 * workers one by one when it is sound, USR1 writes the state of each worker to the log. Tells systemd READY,
 * RELOADING, STOPPING, its state, and its watchdog, where NOTIFY_SOCKET asks for it. */
int cw_supervisor_run(const struct cw_supervisor_config *config);

#endif
