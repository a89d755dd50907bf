/* trial_private.h - what the files of a trial share: trial.c opens and closes it, trial_process.c is the
 * process that a test may kill, trial_jobs.c what it does, trial_office.c what people and the back office do,
 * trial_shop.c who answers it, trial_inbox.c where a shop without HTTP puts things, trial_lua.c and
 * trial_lua_ask.c what tests call.
 */
#ifndef CW_ENGINE_TRIAL_PRIVATE_H
#define CW_ENGINE_TRIAL_PRIVATE_H

#include "adapters/inbox.h"
#include "bindings/carts.h"
#include "bindings/fakes.h"
#include "engine/trial.h"

struct _GPtrArray;

enum { CW_TRIAL_FOLDER_MAX = 64 }; /* bytes of a path */

/* What the process is at; one thing at a time. */
struct cw_trial_job {
    void *handle; /* what `cancel` takes; NULL = it has ended, or never began */
    void (*cancel)(void *handle);
    bool ended, failed;
    struct cw_error err; /* of one that failed */
    struct cw_run_counts counts;
    uint64_t missing, gone; /* of a reconcile */
    struct cw_buffer text;  /* of a connection test */
};

struct cw_trial {
    struct cw_trial_config config;
    char folder[CW_TRIAL_FOLDER_MAX]; /* of the store; "" = none was made */
    struct cw_loop *loop;
    struct cw_fake *fake;             /* NULL with a recording */
    struct cw_script *script;         /* the tests', and the fake's */
    struct cw_script *own_script;     /* the same, where there is no fake to own it */
    struct cw_transport *transport;   /* of whoever answers */
    struct cw_trial_replay *replay;   /* NULL with a fake */
    struct cw_trial_modules *modules; /* of own_script */
    unsigned finishes_to_lose;        /* answers of the inbox that are lost; see native.lose_finishes */
    struct cw_timer *patience, *pause;
    bool has_paused, fake_loops;
    /* what the process is to be given; see native.configure */
    char *site_text;
    struct _GPtrArray *secrets;
    /* the process */
    struct cw_site *site; /* NULL = it does not run */
    struct cw_store *store;
    struct cw_session *session;
    struct cw_lua_cart *cart;
    bool is_dry;
    uint64_t steps;      /* of the job in hand */
    uint64_t steps_left; /* until it is killed; 0 = it is not */
    bool was_killed;     /* since the last job began */
    struct cw_trial_job job;
};

/* --- trial_process.c --- */

/* As a process starts. Does nothing where it runs already, with the same `is_dry`. */
bool cw_trial_start(struct cw_trial *trial, bool is_dry, struct cw_error *err);
/* As it is killed: what was not committed is lost. */
void cw_trial_stop(struct cw_trial *trial);
/* Runs the loop until the job has ended, or the process was killed. False with *err when it failed, or never
 * ends. */
bool cw_trial_wait_job(struct cw_trial *trial, struct cw_error *err);
void cw_trial_begin_job(struct cw_trial *trial);
void cw_trial_end_job(struct cw_trial *trial, const struct cw_error *err);
bool cw_trial_pass_time(struct cw_trial *trial, cw_time time, struct cw_error *err);
void cw_trial_turn_ended(void *trial); /* behind every callback of the loop */

/* --- trial_jobs.c: each starts the process, and is over when it returns --- */

/* "orders", "stock_out" */
bool cw_trial_sync(struct cw_trial *trial, const char *stream, bool is_dry, struct cw_error *err);
/* "reconcile orders", "refresh orders" */
bool cw_trial_look_twice(struct cw_trial *trial, const char *job, struct cw_error *err);
bool cw_trial_test_connection(struct cw_trial *trial, struct cw_error *err);
bool cw_trial_map_waiting(struct cw_trial *trial, int what, struct cw_error *err);

/* --- trial_office.c --- */

/* `json`: a list of documents. */
bool cw_trial_put(struct cw_trial *trial, const char *kind, struct cw_slice json, struct cw_slice from,
                  const struct cw_slice *drops, size_t drop_count, struct cw_error *err);
bool cw_trial_edit(struct cw_trial *trial, const char *kind, const char *id, const struct cw_change *changes,
                   size_t count, struct cw_error *err);
bool cw_trial_set_row(struct cw_trial *trial, const char *table, const char *key, const char *value,
                      struct cw_error *err);
bool cw_trial_let_go(struct cw_trial *trial, const char *stream, struct cw_error *err);
/* The document as JSON; nothing is appended where there is none. */
bool cw_trial_document(struct cw_trial *trial, const char *kind, const char *id, struct cw_buffer *json,
                       struct cw_error *err);

/* --- trial_shop.c --- */

bool cw_trial_open_shop(struct cw_trial *trial, struct cw_error *err);
void cw_trial_close_shop(struct cw_trial *trial);
/* What the script of the cart declares, a line of JSON each: scripts/cartwright/declared.lua. `settings`:
 * JSON. */
bool cw_trial_describe(struct cw_trial *trial, struct cw_slice settings, struct cw_buffer *lines,
                       struct cw_error *err);

/* --- trial_inbox.c --- */

/* What the fake delivers, for the session. */
struct cw_inbox *cw_trial_inbox(void *trial, const char *cart, struct cw_error *err);

/* --- trial_lua.c --- */

/* Makes cartwright.native.trial. */
bool cw_trial_provide(struct cw_trial *trial, struct cw_error *err);
/* In trial_lua_ask.c. */
int cw_trial_lua_query(lua_State *L);
int cw_trial_lua_hear(lua_State *L);
int cw_trial_lua_ask(lua_State *L);

#endif
