/* supervisor_private.h - what the files of the supervisor share; nobody else includes it.
 *
 * A slot is a worker's place and number; a worker is a process in it. During a reload a slot has two: the one
 * that works, and the one that comes. A worker that was told to stop has no slot any more.
 */
#ifndef CW_ENGINE_SUPERVISOR_PRIVATE_H
#define CW_ENGINE_SUPERVISOR_PRIVATE_H

#include "adapters/http_server.h"
#include "engine/metrics.h"
#include "engine/supervisor.h"

enum { ADDRESS_MAX = 128, HOW_MAX = 128, INBOXES_MAX = 32 * 1024 /* bytes of settings */ };

struct settings {
    unsigned workers;
    char metrics[ADDRESS_MAX], webhooks[ADDRESS_MAX]; /* empty = none */
    cw_time hang;
    bool json;                 /* how the log is written */
    char inboxes[INBOXES_MAX]; /* lines that workers are told as they came */
};

/* Shared memory that outlives workers, and what was counted in it. */
struct page {
    struct page *next;
    struct cw_pulse *pulse;
    int fd;
    bool is_taken;
};

/* A cart in whose script a worker ended, until a worker that was told so is ready. */
struct blame {
    char cart[CW_PULSE_CART_MAX]; /* empty = none */
    char how[HOW_MAX];
};

struct worker {
    struct supervisor *supervisor;
    struct worker *next;
    struct slot *slot; /* NULL = told to stop */
    unsigned number;
    pid_t pid;
    struct page *page;
    int pipe;
    struct cw_watch *wake;  /* NULL = its end of the pipe is closed */
    struct cw_timer *limit; /* of stopping */
    cw_time started_at;
    int64_t started_ns;
    bool is_watched, is_ready, is_hung;
    struct blame blame; /* it was told of */
};

struct slot {
    struct supervisor *supervisor;
    unsigned number; /* from 1 */
    struct worker *now, *coming;
    struct cw_timer *again; /* set while a replacement is put off */
    int64_t again_ns;       /* until then; 0 = it is not */
    unsigned failures;      /* workers in a row that died young */
    unsigned restarts;
    int64_t missing_since_ns; /* nobody is ready here since then; 0 = not missed */
    char last_end[HOW_MAX];   /* "was killed by signal 9 (Killed)" */
    struct blame blame;       /* not yet told */
};

/* The process that is asked for settings. */
struct question {
    pid_t pid; /* 0 = nobody is asked */
    int pipe;
    struct cw_watch *watch; /* NULL = it has said everything */
    struct cw_timer *limit;
    struct cw_buffer text;
    bool is_late, is_too_long;
};

enum phase { BEGINNING, RUNNING, STOPPING };
enum reload { NO_RELOAD, CHECKING, ROLLING };

struct supervisor {
    const struct cw_supervisor_config *config;
    struct cw_loop *loop;
    const struct cw_clock *clock;
    const struct cw_processes *processes;
    void *events;
    int result;
    enum phase phase;
    cw_time started_at;

    struct settings settings;
    struct question question;

    struct slot *slots[CW_WORKERS_MAX];
    size_t slot_count;
    struct worker *workers;
    struct page *pages;
    uint64_t died, hung;

    enum reload reload;
    size_t roll_at;                  /* the slot that is being replaced */
    const struct worker *roll_waits; /* for the end of this one */
    bool reload_again;               /* another HUP came meanwhile */

    struct cw_timer *look; /* at workers that are at work */
    int64_t look_due_ns;
    int64_t awake_since_ns; /* before, this process itself stood still */
    struct cw_timer *watchdog;
    bool is_ready_told;

    int webhooks; /* listening socket; -1 = none */
    struct cw_http_server *http;
    struct cw_buffer answer;
};

static inline int64_t elapsed(const struct supervisor *supervisor)
{
    return cw_elapsed_ns(supervisor->clock);
}

/* --- supervisor_settings.c --- */

/* Asks; supervisor_settings_told comes later. False and *err when there is nobody to ask. */
bool supervisor_settings_ask(struct supervisor *supervisor, struct cw_error *err);
void supervisor_settings_cancel(struct supervisor *supervisor); /* ends whoever is asked */
void supervisor_settings_free(struct supervisor *supervisor);
/* False when it is not the process that was asked. */
bool supervisor_settings_ended(struct supervisor *supervisor, const struct cw_ended *ended);
/* "host:port" to a listening socket; -1 and *err. */
int supervisor_listen(const char *address, struct cw_error *err);

/* --- supervisor.c --- */

/* NULL: the site is not sound, which was said. */
void supervisor_settings_told(struct supervisor *supervisor, const struct settings *settings);
void supervisor_worker_ready(struct worker *worker);
void supervisor_tell_state(struct supervisor *supervisor);

/* --- supervisor_worker.c --- */

/* In that slot; NULL and *err when it cannot be started. */
struct worker *worker_start(struct slot *slot, const struct blame *blame, struct cw_error *err);
void worker_stop(struct worker *worker); /* behind the page in hand, within a minute */
void worker_kill(struct worker *worker);
void worker_free(struct worker *worker); /* it has ended */
/* For how long it has been in one callback; 0 = at rest. */
int64_t worker_busy_ns(const struct worker *worker);
/* Looks after all that are at work, and sets the timer for the next look. */
void workers_look(struct supervisor *supervisor);
void pages_free(struct supervisor *supervisor);

/* --- supervisor_slot.c --- */

struct slot *slot_create(struct supervisor *supervisor, unsigned number, struct cw_error *err);
void slot_free(struct slot *slot); /* its worker, if there is one, has no slot afterwards */
/* Into an empty slot, at once; put off when that fails. */
void slot_fill(struct slot *slot, const char *why);
/* Beside the one that works. False and *err when it cannot be started. */
bool slot_fill_beside(struct slot *slot, const char *why, struct cw_error *err);
/* Its worker has ended, and is freed next. True: slot_fill_again comes then, so that its page is free. */
bool slot_worker_ended(struct slot *slot, const struct worker *worker, const char *how);
void slot_fill_again(struct slot *slot);
void slot_worker_ready(struct slot *slot, struct worker *worker);

/* --- supervisor_reload.c --- */

void reload_begin(struct supervisor *supervisor);
/* The site is sound (NULL = it is not). */
void reload_checked(struct supervisor *supervisor, const struct settings *settings);
/* One that came is ready; `before` worked in its slot until now, or NULL. */
void reload_worker_ready(struct supervisor *supervisor, struct worker *before);
/* The worker that roll_waits stood for has ended. */
void reload_go_on(struct supervisor *supervisor);
void reload_failed(struct supervisor *supervisor, const char *why);

/* --- supervisor_http.c --- */

/* Both put the new one in the place of the old one only when it could be opened. */
bool supervisor_serve(struct supervisor *supervisor, const char *address, struct cw_error *err);
bool supervisor_take_webhooks(struct supervisor *supervisor, const char *address, struct cw_error *err);

#endif
