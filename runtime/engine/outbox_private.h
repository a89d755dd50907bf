/* outbox_private.h - the inside of a run of a stream out: outbox.c (its life), outbox_look.c (whether there
 * is anything to do, and may be), outbox_orphan.c (what an earlier run left), outbox_probe.c (what is
 * unknown), outbox_brake.c (would it change too much), outbox_send.c (calls and their outcome).
 */
#ifndef CW_ENGINE_OUTBOX_PRIVATE_H
#define CW_ENGINE_OUTBOX_PRIVATE_H

#include "engine/outbox.h"
#include "engine/run_notes.h"

enum {
    CW_OUTBOX_PROBED_AT_ONCE = 50,
    CW_OUTBOX_STALE_MAX = 500,
    CW_OUTBOX_WORDS_MAX = 1000,
    CW_OUTBOX_LOST_MAX = 5 /* answers in a row, after which the cart is left alone */
};

/* What is to be stored of a message. */
struct cw_outbox_outcome {
    struct cw_settlement settlement;
    struct cw_slice link;
};

/* Messages of one call of the script, and what became of them; all of it in its arena. */
struct cw_outbox_call {
    struct cw_arena arena;
    struct cw_message *messages;
    struct cw_slice *links;
    struct cw_outbox_outcome *outcomes; /* NULL = none yet */
    size_t count;
};

/* What the store has for the stream: when the first of each state is due; CW_TIME_NONE = none. */
struct cw_outbox_due {
    cw_time queued, unknown;
    bool has_sending;
};

struct cw_outbox_run {
    struct cw_session *session;
    const struct cw_lua_cart *cart;
    const struct cw_lua_out *script;
    const struct cw_out_config *config;
    const struct cw_out_sending *sending;
    enum cw_out out;
    cw_outbox_done_fn *done;
    void *arg;

    struct cw_run run;
    bool is_begun; /* the run stands in the sync log */
    bool cancelled, in_store, stopping;
    struct cw_http_stats http_before;
    struct cw_fiber *fiber; /* of the script; NULL = none runs */
    bool is_sending;        /* it sends the call in hand; else it is a probe */
    struct cw_timer *timer;
    struct cw_later later;
    cw_loop_fn *after_wait;
    cw_time next_at;
    cw_time controls_at; /* when it was read whether the stream is stopped */

    struct cw_outbox_due due;
    bool wakes_recount;
    struct cw_txn *txn;
    struct cw_outbox_call call, next; /* in hand; claimed */
    size_t links_left;                /* to be read for `next` */
    struct cw_error link_err;         /* OK = they could be read */
    struct cw_run_counts counts;      /* as they will be when the transaction in hand is committed */
    unsigned tries;                   /* at storing the outcome in hand */
    bool is_claiming;
    unsigned lost_in_a_row; /* answers */
    bool ends;              /* once the outcome in hand is stored, with this error: */
    struct cw_error end_err;
    int64_t probed_until;     /* unknown messages up to this id were asked about */
    int64_t probe_singly;     /* up to this id: a page of them broke the probe */
    struct cw_error page_err; /* OK = the page could be read */
    int64_t stale[CW_OUTBOX_STALE_MAX];
    size_t stale_count;
    int64_t approved;      /* messages up to this id may change what they like */
    int64_t counted_until; /* by the brake; no message with a greater id is claimed; 0 = any */
    bool has_claimed;      /* since the brake counted */
    int64_t let_go;        /* messages up to this id went because they are approved */
    size_t figures_len;    /* of `message`, when the brake stops the stream */
    cw_time first_unknown; /* when one that is unknown after this run is due */

    char version[CW_HASH_TEXT_MAX];
    char message[CW_ERROR_TEXT_MAX];
    struct cw_error err; /* OK = it did not fail */
};

static inline struct cw_loop *cw_outbox_loop(const struct cw_outbox_run *run)
{
    return cw_session_settings(run->session)->loop;
}
static inline struct cw_store *cw_outbox_store(const struct cw_outbox_run *run)
{
    return cw_session_settings(run->session)->store;
}
static inline cw_time cw_outbox_now(const struct cw_outbox_run *run)
{
    return cw_now(cw_loop_clock(cw_outbox_loop(run)));
}

/* Whether a run may do anything about messages that are unknown: ask the cart, or see a newer level behind.
 */
static inline bool cw_outbox_looks_at_unknown(const struct cw_outbox_run *run)
{
    return run->script->has_probe || cw_out_is_level(run->out);
}

/* By a clock that was ahead: nothing is meant to wait for so long. */
static inline bool cw_outbox_is_put_off(cw_time due, cw_time now)
{
    return due != CW_TIME_NONE && due > now + CW_MESSAGE_DUE_MAX;
}

/* The next step, from the loop. */
void cw_outbox_go_on(struct cw_outbox_run *run, cw_loop_fn *step);
void cw_outbox_wait(struct cw_outbox_run *run, cw_time time, cw_loop_fn *step);
/* For each answer of the store: whether the run was called off meanwhile; then it is gone, and `run->txn`
 * rolled back. */
bool cw_outbox_was_cancelled(struct cw_outbox_run *run);
void cw_outbox_begin_txn(struct cw_outbox_run *run, cw_txn_ready_fn *ready);
void cw_outbox_commit(struct cw_outbox_run *run, cw_store_done_fn *done);
/* One is unknown, and due then. */
void cw_outbox_note_unknown(struct cw_outbox_run *run, cw_time due);
/* err NULL = it went well. */
void cw_outbox_end(struct cw_outbox_run *run, const struct cw_error *err);

/* In this order; each begins the next. */
void cw_outbox_look(void *run);
void cw_outbox_begin(struct cw_outbox_run *run); /* puts the run into the sync log */
void cw_outbox_orphan(void *run);
void cw_outbox_probe(void *run);
void cw_outbox_brake(void *run);
void cw_outbox_send(void *run);
/* `run->err` is set when a person or the brake stopped the stream or its cart. */
void cw_outbox_read_controls(struct cw_outbox_run *run, cw_store_done_fn *read);
/* Nothing can be done now: looks again while the check time lasts, else ends. */
void cw_outbox_rest(struct cw_outbox_run *run, cw_time next_at);
/* For how long the shop wants to be left alone: more than a second, or 0. What was claimed then would only
 * wait in the client. */
cw_time cw_outbox_held(const struct cw_outbox_run *run);
void cw_outbox_rest_held(struct cw_outbox_run *run);
/* The call in hand was killed before anything left. */
void cw_outbox_put_back(void *run);

/* --- calls --- */

bool cw_outbox_keep(struct cw_outbox_call *call, const struct cw_message *messages, size_t count);
/* One more, of at most `most`. */
bool cw_outbox_add(struct cw_outbox_call *call, const struct cw_message *message, size_t most);
void cw_outbox_call_reset(struct cw_outbox_call *call);
/* Puts what became of the call's messages, and counts it in run->counts. */
void cw_outbox_put_outcomes(struct cw_outbox_run *run, struct cw_outbox_call *call);
/* Of whose documents the cart's ids are kept; NULL = none. */
const char *cw_outbox_link_kind(enum cw_out out);
/* A text for the store: short, and without secrets. In the arena. */
struct cw_slice cw_outbox_words(struct cw_arena *arena, struct cw_slice words);

#endif
