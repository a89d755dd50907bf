/* session.h - one script state at work: its loop, its carts, their HTTP, the store, and the runs they feed.
 *
 * Commands and (later) workers alike use sessions: one per cart, or one for a script with all the carts it
 * names.
 */
#ifndef CW_ENGINE_SESSION_H
#define CW_ENGINE_SESSION_H

#include "engine/emit.h"
#include "engine/pulse.h"
#include "engine/site.h"

struct cw_session_config {
    const struct cw_site *site;
    struct cw_loop *loop;
    struct cw_transport *transport; /* NULL = no network */
    struct cw_store *store;         /* NULL for what needs none */
    const char *cart;               /* whose scripts these are, in log lines; NULL = the site's */
    uint64_t seed;
    bool dry_run;           /* nothing is stored, requests that write are refused */
    const char *who;        /* for the audit trail, when scripts edit documents; NULL = "script" */
    struct cw_pulse *pulse; /* told whose script runs; may be NULL */
    const char *job;        /* runs that scripts start by emitting pages are named so; NULL = they may not */
    const char *began_by;   /* what began the runs: "schedule", "webhook"; NULL = "command" */
    const char *worker;     /* which one does them, as in leases; NULL = a command */
    struct cw_run_log *log; /* where runs are told; NULL = nowhere: a command prints them itself */
    int argc;               /* arguments of a script */
    char **argv;            /* NULL: its scripts are carts alone, and do without cartwright.site */
    void (*print)(void *arg, struct cw_slice line); /* NULL = the log */
    void (*progress)(void *arg, int64_t done, int64_t total);
    void *arg;
    /* Tests: an inbox in the place of the one that a cart's script names; as in bindings/carts.h. */
    struct cw_inbox *(*inbox)(void *arg, const char *cart, struct cw_error *err);
    struct cw_script_limits limits;
    bool collector_always;    /* tests */
    uint64_t fail_allocation; /* tests: the script's n-th allocation fails; 0 = none */
};

struct cw_session;

struct cw_session *cw_session_open(const struct cw_session_config *config, struct cw_error *err);
void cw_session_close(struct cw_session *session); /* kills what runs; accepts NULL */

struct cw_lua_carts *cw_session_carts(struct cw_session *session);
/* The cart of that name, opened when it is not yet. */
struct cw_lua_cart *cw_session_cart(struct cw_session *session, const char *name, struct cw_error *err);
const struct cw_session_config *cw_session_settings(const struct cw_session *session);

/* Hash over the texts of all scripts loaded so far, the library's included: hex. */
const char *cw_session_script_version(struct cw_session *session);

/* What begins the runs from now on; borrowed. */
void cw_session_set_began_by(struct cw_session *session, const char *began_by);
/* What the session's scripts and runs write from now on is checked against the cart's lease with this token;
 * 0, as at first: not checked. For sessions of one cart. */
void cw_session_set_token(struct cw_session *session, int64_t token);
/* The lease was asked for at `asked_ns` of the loop's monotonic clock, and granted for `time`; 0, as at
 * first: no time limits it. When nearly all of it has passed without another one, no request that tells the
 * cart something leaves any more: what has stood still for so long, or was cut off from the store, may not
 * know that another process does its work by now. */
void cw_session_set_lease(struct cw_session *session, int64_t asked_ns, cw_time time);
/* False with CW_REFUSED when it may not write to the cart any more. */
bool cw_session_may_write(const struct cw_session *session, const char *cart, struct cw_error *err);
struct cw_fence cw_session_fence(const struct cw_session *session, const char *cart);

/* A pipeline with the session's store and rules. */
struct cw_pipeline cw_session_pipeline(struct cw_session *session);

/* Where pages emitted by the session's scripts go. */
struct cw_emitter *cw_session_emitter(struct cw_session *session);

#endif
