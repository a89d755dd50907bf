/* worker_private.h - the inside of a worker: worker.c (claims, timers), worker_place.c (carts and their
 * leases), worker_job.c (one job from claim to end), worker_doing.c (what it does).
 */
#ifndef CW_ENGINE_WORKER_PRIVATE_H
#define CW_ENGINE_WORKER_PRIVATE_H

#include <glib.h>

#include "engine/outbox.h"
#include "engine/reconcile.h"
#include "engine/recount.h"
#include "engine/run_log.h"
#include "engine/tidy.h"
#include "engine/waiting.h"
#include "engine/worker.h"

enum { SESSIONS_KEPT = 64 };

#define TAKES_LONG CW_MINUTE /* a job that runs for longer holds nobody up */

/* A cart of the site, or the site itself. */
struct place {
    struct cw_worker *worker;
    char *cart;                  /* "" = the site */
    struct cw_session *session;  /* NULL = closed */
    struct cw_lua_cart *scripts; /* in it */
    struct cw_stamps seen;       /* what had come when what waits was last mapped again */
    bool has_seen;
    char opened_with[CW_STAMP_MAX]; /* rows.stamp when the session was opened */
    int64_t token;                  /* of the lease; 0 = not held */
    int64_t renewed_ns;             /* when it was asked for that was granted last, by the monotonic clock */
    bool is_lost;                   /* the lease, as the loop will see to */
    GPtrArray *works;               /* struct work */
    unsigned held;                  /* the session must stay: how often it was asked for from outside */
    cw_time used_at;
    unsigned deaths;
};

/* A claimed job. */
struct work {
    struct place *place;
    struct cw_job job; /* its texts are this struct's */
    char *cart, *name;
    bool is_woken;        /* out of turn */
    bool is_foreign;      /* not of the site as this worker read it: another's, that read it anew */
    bool waits;           /* for another job of the cart */
    cw_time run_began_at; /* CW_TIME_NONE = not yet */
    const struct cw_lua_stream *stream;
    struct cw_sync *sync;
    struct cw_reconcile *reconcile;
    struct cw_tidy *tidy;
    struct cw_waiting *waiting;
    struct cw_outbox_run *outbox;
    struct cw_metrics_messages messages; /* that are left behind a run of a stream out */
    struct cw_recount_all *recount;
    cw_time next_at;         /* of a stream out: when its next message is due; CW_TIME_NONE = none */
    struct cw_stamps stamps; /* as they were when it began */
    bool had_run;            /* whose end told what went wrong */
    bool stopping, lost;     /* to be ended early; the lease is gone */
    bool in_store;           /* a callback of the store is to come */
    unsigned ending;         /* how often its end was tried to be stored */
    struct cw_timer *again;
    struct cw_later later;
    struct cw_error err; /* OK = it ran well */
};

struct cw_worker {
    struct cw_worker_config config;
    const struct cw_clock *clock;
    GHashTable *places; /* cart -> struct place */
    GPtrArray *asked;   /* of the store about leases: struct asked */
    unsigned working;   /* jobs in hand */
    struct cw_timer *next, *renew;
    struct cw_clock_watch *clock_watch;
    struct cw_run_log *log;
    bool claiming, claim_again, renewing, stopping, told;
    struct work *claimed; /* the answer to a claim, as the loop will see to */
    int64_t claimed_token, claim_asked_ns;
    cw_time next_at;
    struct cw_error claim_err;
    struct cw_later stopped_later, claim_later, claimed_later, lose_later;
    unsigned claim_failures;
    struct cw_error fault; /* why it stops by itself */
};

struct place *cw_place_of(struct cw_worker *worker, const char *cart);
void cw_place_free(void *place);
/* Opens the session where it is closed. */
bool cw_place_open(struct place *place, struct cw_error *err);
void cw_place_close(struct place *place);
/* Under this lease from now on, which was asked for at `asked_ns`; what ran under another one is called off.
 */
void cw_place_hold(struct place *place, int64_t token, int64_t asked_ns);
/* The lease is somebody else's: nothing of what runs can be stored. It is called off from the loop. */
void cw_place_lose(struct place *place);
/* After a job: gives the lease back when nothing more runs. */
void cw_place_rest(struct place *place);
void cw_place_rest_all(struct cw_worker *worker);
void cw_place_renew_all(struct cw_worker *worker);
/* Answers of the store that are still to come find no worker any more. */
void cw_place_forget_asked(struct cw_worker *worker);
/* Closes the sessions that lay idle longest, as far as there are too many. */
void cw_place_close_idle(struct cw_worker *worker);
/* Reads what is stopped, and ends what runs of it. */
void cw_place_read_controls(struct cw_worker *worker);
const char *cw_place_lease(const struct place *place);

struct work *cw_work_create(const struct cw_worker *worker, const struct cw_job *job);
void cw_work_free(struct work *work); /* one that has not begun; accepts NULL */
void cw_work_begin(struct place *place, struct work *work);
void cw_work_stop(struct work *work);
void cw_work_abandon(struct work *work); /* no callback of it comes any more; nothing is stored */

/* In worker_doing.c. Begins what the job is for; it ends with cw_work_finish, at once where there is nothing.
 */
void cw_work_do(struct work *work);
/* What can be begun again as well as gone on with; whether there was any. */
bool cw_work_call_off(struct work *work);
/* `err` NULL = it ran well. */
void cw_work_finish(struct work *work, const struct cw_error *err);

/* In worker.c. Of a worker that is to stop: tells when nothing is left to be done. */
void cw_worker_end_when_done(struct cw_worker *worker);
/* A job has left; claims the next one. */
void cw_worker_work_ended(struct cw_worker *worker);
void cw_worker_claim(struct cw_worker *worker);
/* Leases are held from now on. */
void cw_worker_keep_leases(struct cw_worker *worker);

#endif
