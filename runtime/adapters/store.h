/* store.h - where everything lives: one interface, one engine behind it (SQLite or PostgreSQL).
 *
 * Above this header nobody knows which engine runs: no SQL dialect, no row numbers, no blocking assumptions.
 * Calls that need an answer from the engine take a callback, which runs exactly once: before the call returns
 * (SQLite) or later from the loop (an engine behind a socket). Callers must be ready for both. cw_store_wait
 * blocks until every call made so far was answered; commands without a loop use it. Slices need to live only
 * until the call returns. A callback may make further calls, but must not close the store.
 *
 * Transactions. All writing happens in a cw_txn. `put` calls return false only when the transaction is lost
 * already (its error repeats); an engine may report a failed put as late as at commit. A transaction that
 * failed can only be rolled back. One transaction is open at a time per store; others wait their turn in
 * order of cw_txn_begin. A commit is durable when its callback says so: synchronous to the disk. Reading sees
 * what the open transaction of this store has written so far. Leases and new runs are transactions of their
 * own and wait their turn like others. A disk that fails to write ends writing until the store is opened
 * again; a full one fails that transaction only.
 *
 * Keys. A cart's records are (cart, stream, external_id); nothing from outside is ever found by a number of
 * ours. Documents of the back office, which are no cart's, have the empty cart. Texts are UTF-8 of any length
 * up to CW_STORE_TEXT_MAX; times are UTC microseconds; decimals exact.
 */
#ifndef CW_ADAPTERS_STORE_H
#define CW_ADAPTERS_STORE_H

#include "adapters/loop.h"
#include "base/buffer.h"
#include "base/document.h"
#include "base/hash.h"

enum { CW_STORE_SCHEMA = 5, CW_STORE_TEXT_MAX = 16 * 1024 * 1024 };

struct cw_store;
struct cw_txn;

typedef void cw_store_done_fn(void *arg, const struct cw_error *err); /* err NULL = done */

/* --- life --- */

struct cw_store_config {
    const char *uri; /* "store.db", a path; "postgresql://user@host/database", as libpq reads it */
    bool create;     /* make it when missing, else CW_NOT_FOUND */
    bool read_only;  /* for commands that only look */
    const char *vfs; /* tests: a named SQLite VFS; NULL = the default */
    const struct cw_clock *clock; /* NULL = the system's */
};

/* Opens, checks integrity quickly, migrates an older schema forward inside one transaction (never past this
 * program's; a newer store is CW_USAGE naming both versions). Errors name the file and what to do. */
struct cw_store *cw_store_open(const struct cw_store_config *config, struct cw_loop *loop,
                               struct cw_error *err);
/* 32 hex digits that were given to the store when it was made, and whether it was made by cw_store_open. */
const char *cw_store_id(const struct cw_store *store);
bool cw_store_is_new(const struct cw_store *store);

/* Rolls back and frees what is open; who waits for a transaction is told CW_CANCELLED. Accepts NULL. */
void cw_store_close(struct cw_store *store);
void cw_store_wait(struct cw_store *store);

/* A full check of the file. The report is one line a fault, "ok" when sound. False only when it could not be
 * made. */
bool cw_store_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err);

/* --- transactions --- */

/* The right to write for a cart. Transactions of one lease's name come one after another, also those of other
 * processes and machines; a token is checked inside the commit. */
struct cw_fence {
    struct cw_slice lease; /* the cart's name; empty = no cart's */
    int64_t token;         /* 0 = a command that needs no lease: nothing is checked */
};

typedef void cw_txn_ready_fn(void *arg, struct cw_txn *txn, const struct cw_error *err);

/* `ready` gets txn NULL and err when it cannot begin: CW_UNAVAILABLE while another process writes for too
 * long. */
void cw_txn_begin(struct cw_store *store, struct cw_fence fence, cw_txn_ready_fn *ready, void *arg);
/* Ends txn whatever the outcome. CW_CONFLICT: the lease is not ours any more, or its time is over; nothing
 * was written. Where the answer to a commit was lost, the engine finds out what became of it before it
 * answers. */
void cw_txn_commit(struct cw_txn *txn, cw_store_done_fn *done, void *arg);
void cw_txn_rollback(struct cw_txn *txn);
/* When a transaction failed last because the store could not be reached, or had no room; CW_TIME_NONE =
 * never.
 */
cw_time cw_store_failed_at(const struct cw_store *store);
/* Why the transaction is lost; NULL while it is not. Valid until it ends. */
const struct cw_error *cw_txn_error(const struct cw_txn *txn);
/* Whose it is: for reading, which sees what the transaction has written. */
struct cw_store *cw_txn_store(const struct cw_txn *txn);

/* --- raw records --- */

/* How a record that was read ended. */
enum cw_outcome { CW_POSTED, CW_PARKED, CW_SKIPPED };
const char *cw_outcome_name(enum cw_outcome outcome);

struct cw_record_key {
    struct cw_slice cart, stream, external_id;
};

struct cw_raw_part { /* a record fetched along with it: an address, a payment */
    struct cw_slice name, format, encoding, bytes;
};

struct cw_raw {
    struct cw_record_key key;
    struct cw_hash hash;              /* over the bytes and all parts */
    struct cw_slice format, encoding; /* "xml", "ISO-8859-1" */
    struct cw_slice bytes;
    const struct cw_raw_part *parts;
    size_t part_count;
    cw_time received_at;
    int64_t run; /* the run that brought it */
    enum cw_outcome outcome;
    struct cw_slice reason;         /* parked: the first issue's code; skipped: the rule's name; else empty */
    struct cw_slice script_version; /* hex hash of the cart's files that mapped it */
};

/* What is known of a key's newest version. */
struct cw_raw_known {
    bool exists;
    struct cw_hash hash;
    int64_t version; /* 1, 2, ... */
    enum cw_outcome outcome;
    char script_version[CW_HASH_TEXT_MAX];
};

/* `known` has one entry a key, in order, valid during the call. */
typedef void cw_raw_known_fn(void *arg, const struct cw_raw_known *known, size_t count,
                             const struct cw_error *err);
void cw_txn_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                     cw_raw_known_fn *found, void *arg);

/* A new version of its key (1 for the first). The caller has asked cw_txn_find_raw before. */
bool cw_txn_put_raw(struct cw_txn *txn, const struct cw_raw *raw);
/* The newest version ended otherwise, because it was mapped again. CW_NOT_FOUND when the key has none. */
bool cw_txn_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                        struct cw_slice reason, struct cw_slice script_version);

/* Reads stored raw records, newest version of each key, in order of cart, stream, external_id (numbers by
 * value). Empty slices match all. `raw` and all it points to are valid during the call, which may write;
 * return false to stop. */
struct cw_raw_filter {
    struct cw_record_key key;
    struct cw_slice after; /* go on behind this external_id; needs the key's cart and stream */
    bool only_parked;
    struct cw_slice code, subject; /* only those that wait with such an issue; a subject needs its code */
};
typedef bool cw_raw_row_fn(void *arg, const struct cw_raw *raw, int64_t version);
void cw_store_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                       cw_store_done_fn *done, void *arg);

/* --- staged records: what waits, and why --- */

struct cw_issue {
    struct cw_slice code;    /* "totals", "missing", "unknown-status": stable, for grouping */
    struct cw_slice subject; /* what it is about, when others may wait for the same: the key without a row,
                                the SKU nobody knows; else empty */
    struct cw_slice field, path, message;
};

enum cw_staged_state { CW_STAGED_PARKED, CW_STAGED_HELD };

struct cw_staged {
    struct cw_record_key key;
    const struct cw_kind *kind;
    enum cw_staged_state state;
    struct cw_slice document; /* JSON of what could be mapped; may be empty */
    const struct cw_issue *issues;
    size_t issue_count;
    cw_time at;
    int64_t run;
};

/* Replaces what is staged under the key; the time since which it waits stays. */
bool cw_txn_put_staged(struct cw_txn *txn, const struct cw_staged *staged);
bool cw_txn_drop_staged(struct cw_txn *txn, struct cw_record_key key);

/* A person let one issue of a record pass; it passes as long as code, field and message stay the same. */
struct cw_release {
    struct cw_slice code, field, message;
    struct cw_slice who, reason;
    cw_time at;
};
bool cw_txn_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release);

/* --- documents --- */

/* A value that a person or a script set here, in the place of what the cart says. Values are texts as
 * cw_value_text gives them; data NULL = none. */
struct cw_edit {
    struct cw_slice field; /* as mapping/edit.h names it: "note", "billing.street", "lines[id=7].sku" */
    struct cw_slice value;
    struct cw_slice cart_value; /* what the cart said last */
    bool is_contested;          /* the cart has said something else since the edit */
    struct cw_slice who, reason;
    cw_time at;
};

/* What the store holds under a key. The document is as it was put, edits included; all of it is in the
 * caller's arena. */
struct cw_stored {
    struct cw_document *doc; /* NULL = none */
    int64_t number;          /* of the document in this store */
    const struct cw_edit *edits;
    size_t edit_count;
    const struct cw_release *releases; /* of the key's record */
    size_t release_count;
};

/* `stored` has one entry a key, in order, valid during the call but for what is in the arena. */
typedef void cw_stored_fn(void *arg, const struct cw_stored *stored, size_t count,
                          const struct cw_error *err);
void cw_txn_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                          size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg);

/* One entry a question, in order; CW_USAGE for a field that cannot be asked for. */
typedef void cw_answers_fn(void *arg, const struct cw_answers *answers, size_t count,
                           const struct cw_error *err);
void cw_txn_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count, struct cw_arena *arena,
                cw_answers_fn *answered, void *arg);

/* Replaces the edit of that field; the document itself is put beside it. */
bool cw_txn_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                     struct cw_slice external_id, const struct cw_edit *edit);
bool cw_txn_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                      struct cw_slice external_id, struct cw_slice field);

/* Inserts or replaces the document (cart, kind, doc->external_id) with its lists; its number in the store
 * stays. */
bool cw_txn_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                         int64_t run);
/* Removes it with its lists and edits; CW_NOT_FOUND when there is none. */
bool cw_txn_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                          struct cw_slice external_id);

/* --- cursors --- */

struct cw_cursor {
    cw_time done_until;             /* windows up to here are complete; CW_TIME_NONE = none yet */
    cw_time window_from, window_to; /* the window in hand; CW_TIME_NONE = none */
    struct cw_slice position;       /* how far inside it, in the script's own words; empty = its start */
};

/* cursor NULL = the stream has none yet. */
typedef void cw_cursor_fn(void *arg, const struct cw_cursor *cursor, const struct cw_error *err);
void cw_store_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                         cw_cursor_fn *found, void *arg);
/* done_until never moves back here (CW_CONFLICT); cw_txn_reset_cursor is the one way. */
bool cw_txn_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                       const struct cw_cursor *cursor);
bool cw_txn_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream);

/* --- runs: the sync log --- */

struct cw_run_counts {
    uint64_t read, posted, unchanged, parked, skipped; /* read = the sum of the others, checked at the end */
    uint64_t stored;                                   /* new versions of raw records */
    uint64_t held;                                     /* of those parked: by a rule, for a person */
    uint64_t warnings, errors;                         /* notes of the run */
    uint64_t pages, requests, bytes_in;
    uint64_t fetch_us, store_us; /* microseconds spent waiting for the cart and for the store */
};

enum cw_run_state { CW_RUN_OPEN, CW_RUN_DONE, CW_RUN_FAILED };

struct cw_run {
    int64_t id;
    struct cw_slice cart, stream, job; /* job: "sync", "import" */
    enum cw_run_state state;
    cw_time started_at, ended_at;
    struct cw_run_counts counts;
    struct cw_slice message; /* of a failed run */
    struct cw_slice script_version;
    struct cw_slice began_by; /* "schedule", "webhook", "command" */
    struct cw_slice worker;   /* as in leases: "host/1234"; empty = a command */
};

/* A transaction of its own, under `fence`. Runs of the same stream and job that are still open then were
 * killed: they become failed, and say so. */
typedef void cw_run_started_fn(void *arg, int64_t id, const struct cw_error *err);
void cw_store_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                        cw_run_started_fn *started, void *arg);
/* Counts so far, with the page they cover, or the end. A run that is done and does not account for every
 * record it read is CW_INVALID; one that was never started CW_NOT_FOUND. */
bool cw_txn_put_run(struct cw_txn *txn, const struct cw_run *run);
/* A warning or error of a run, linked to its record where there is one. */
bool cw_txn_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                         struct cw_record_key key);

/* --- leases --- */

/* The site's own jobs run under this one, a cart's under the cart's name. */
#define CW_SITE_LEASE "(site)"
/* No lease is taken for longer; one that seems to last longer was written by a clock that was wrong, and is
 * over. */
#define CW_LEASE_TIME_MAX (10 * CW_MINUTE)

/* Takes or renews the right to work for a cart until now + `time`, by the clock of the store: this machine's,
 * or the database server's. token 0 asks for a new one: CW_CONFLICT, naming the holder, while another holds
 * it. Each taking gets a larger token, also by the same holder, who thereby shuts out its former self. A
 * token renews only while it is in force: once its time is over it must be taken anew, since whoever was
 * away for so long does not know what happened meanwhile. */
typedef void cw_lease_fn(void *arg, int64_t token, const struct cw_error *err);
void cw_store_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                         cw_time time, cw_lease_fn *taken, void *arg);
void cw_store_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                         void *arg);

/* --- jobs: what is due, and who does it --- */

struct cw_job {
    struct cw_slice cart, name; /* cart empty = the site's own; name "orders", "reconcile orders" */
    struct cw_slice schedule;   /* as site.lua has it, to see when that changes */
    cw_time due_at;             /* by the schedule; CW_TIME_NONE = only when woken */
    cw_time woken_at;           /* asked for out of turn; CW_TIME_NONE = not since it began last */
    cw_time served_at;          /* the due time that was served last */
    cw_time began_at, ended_at;
    unsigned failures;       /* in a row */
    struct cw_slice message; /* of the last failure; empty after a success */
    bool is_running;         /* under a lease that is in force; read only */
};

/* Makes the list of jobs equal to `jobs`: new ones are added with their due_at; of those whose schedule
 * changed, schedule and due_at are replaced; others stay as they are; those not named are removed. */
bool cw_txn_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count);

/* In order of cart and name; cart data NULL = all. Valid during the call, which must not write; return false
 * to stop. */
typedef bool cw_job_fn(void *arg, const struct cw_job *job);
void cw_store_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                        void *arg);

/* Begins the job that has been ready longest of those that may begin: it is not running, neither its cart nor
 * its stream is stopped, and the cart's lease is free, over, or this holder's already. Takes the cart's lease
 * (or keeps the one held), marks the job as begun, in one transaction. Workers never wait for each other
 * here: what another one is just claiming is passed by. `claim` NULL: nothing may begin now; `next_at` is
 * when to ask again, CW_TIME_NONE = when something is heard. `now` is by the caller's clock, like due times.
 * The claim is valid during the call. */
struct cw_claim {
    struct cw_job job;
    int64_t token; /* of the cart's lease */
};
typedef void cw_claim_fn(void *arg, const struct cw_claim *claim, cw_time next_at,
                         const struct cw_error *err);
void cw_store_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                        cw_claim_fn *claimed, void *arg);

/* The end of a job that was claimed: served_at, failures and message as given, next due at job->due_at; a
 * wake-up that came since it began makes it ready again at once. Belongs into a transaction with the
 * claim's fence. */
bool cw_txn_end_job(struct cw_txn *txn, const struct cw_job *job);
/* Makes jobs ready at `at`: one, or with `name` empty all of the cart. CW_NOT_FOUND when there is none. One
 * that is ready before `at` stays so, and is made ready again at `at` when it began before. */
bool cw_txn_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at);

/* Calls `heard`, from the loop, soon after any process woke a job or changed a control. One listener a store;
 * fn NULL ends it. */
bool cw_store_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err);

/* --- start and stop --- */

struct cw_control {
    struct cw_slice cart, stream; /* stream empty = the whole cart */
    bool is_stopped;
    struct cw_slice why, who;
    cw_time at;
    unsigned deaths; /* of workers, while they worked for the cart, since it was last started or ran well */
};
bool cw_txn_put_control(struct cw_txn *txn, const struct cw_control *control);
/* cart empty = all; those that were never stopped have none. Valid during the call, which must not write. */
typedef bool cw_control_fn(void *arg, const struct cw_control *control);
void cw_store_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                            cw_store_done_fn *done, void *arg);

/* --- notices from carts --- */

struct cw_webhook {
    struct cw_slice cart, delivery_id, topic;
    cw_time received_at;
    struct cw_slice headers; /* lines "name: value", secrets left out */
    struct cw_slice bytes;
};
/* Whether the delivery is a new one; a repeated one is not stored again. */
typedef void cw_webhook_fn(void *arg, bool is_new, const struct cw_error *err);
void cw_txn_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put, void *arg);

/* --- what may go --- */

/* Ended runs with their notes (but for those that left records waiting which wait still), and notices (but
 * for those that are still to be read: inbox_notices.h), that are older than the times given; messages that
 * were sent or superseded by then, but of events only payload and answer, so that they are never put again;
 * versions of raw records that were superseded before raw_until, as long as `raw_versions` newer ones stay.
 * The newest version of a record never goes, nor one that waits; one that stayed for its number is looked at
 * again with the next version of its record. CW_TIME_NONE = keep. At most `limit` rows are removed, which
 * bounds how long others wait; `removed` 0 = nothing is left to remove. */
struct cw_prune {
    cw_time runs_until, webhooks_until, raw_until;
    cw_time messages_until;
    unsigned raw_versions;
    unsigned limit;
};
typedef void cw_pruned_fn(void *arg, uint64_t removed, const struct cw_error *err);
void cw_txn_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg);

/* --- stock: what takes from it, and what is to be counted again --- */

/* What the order `key.external_id` of `key.cart` takes of stock, in the place of what it took before. The
 * SKUs of both are marked. `key.stream` is not looked at. */
struct cw_order_demand {
    struct cw_slice sku, warehouse; /* warehouse empty = any */
    enum cw_demand state;
    struct cw_decimal quantity; /* what is still to come; above 0 */
};
bool cw_txn_put_demands(struct cw_txn *txn, struct cw_record_key key, const struct cw_order_demand *demands,
                        size_t count);

/* What has left for orders of a cart: each line of each shipment that the cart or the back office (cart '')
 * knows; those of the back office once they are confirmed, those of a cart unless it says that they are not.
 * Lines without a quantity are left out. In order of the orders' ids; valid during the call, which must not
 * write; return false to stop. */
struct cw_shipped {
    struct cw_slice order_id;
    struct cw_slice shipment_cart, shipment_id;
    bool is_whole;                /* it names no lines: all of the order */
    struct cw_slice line_id, sku; /* as far as the shipment names them */
    struct cw_decimal quantity;
};
typedef bool cw_shipped_fn(void *arg, const struct cw_shipped *shipped);
void cw_txn_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders,
                         size_t count, cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg);

/* SKUs whose published figures are to be counted again in this transaction, before it commits. */
bool cw_txn_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count);
/* Takes marks away, at most `limit` of them, and gives their SKUs, in order, valid during the call; count 0 =
 * there are none. From this call to the end of the transaction no other transaction of any process gets past
 * it: figures are counted and put by one at a time, from what all committed ones before it have left. */
typedef void cw_marks_fn(void *arg, const struct cw_slice *skus, size_t count, const struct cw_error *err);
void cw_txn_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg);

/* What is known of stock, as the back office (documents of cart '') and the demand of orders have it. Levels
 * are read for the SKUs themselves, for what they are made of, for what is built of them, and once more
 * around, as far as the figures of the given SKUs depend on it (stock/stock.h); first all CW_FACT_COMPONENT,
 * each kit's together. Levels, vendor stock and lines of purchase orders without a quantity are left out; a
 * quantity that is no number is CW_CORRUPT, naming table and SKU. Valid during the call, which must not
 * write; return false to stop. */
enum cw_fact {
    CW_FACT_COMPONENT, /* sku: the kit's; other: the component's; quantity: pieces in one kit */
    CW_FACT_ITEM,      /* is_active of an item */
    CW_FACT_LEVEL,     /* other: warehouse */
    CW_FACT_DEMAND,    /* other: warehouse or empty; demand */
    CW_FACT_INCOMING,  /* other: warehouse or empty; quantity not received yet; at: when it is expected, or
                          CW_TIME_NONE */
    CW_FACT_VENDOR     /* other: vendor */
};
struct cw_stock_fact {
    enum cw_fact fact;
    struct cw_slice sku, other;
    struct cw_decimal quantity;
    enum cw_demand demand;
    bool is_active;
    cw_time at;
};
typedef bool cw_stock_fact_fn(void *arg, const struct cw_stock_fact *fact);
void cw_txn_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_stock_fact_fn *fact,
                       cw_store_done_fn *done, void *arg);

/* The SKUs that are known of, behind `after` (empty = from the first), in order, at most `limit`: those with
 * levels, demand, purchase orders, vendor stock, prices, and those of the back office's items. */
void cw_store_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                        void *arg);

/* The back office's prices of SKUs, valid during the call; return false to stop. */
struct cw_price_row {
    struct cw_slice sku, list, currency;
    struct cw_decimal amount;
    cw_time from, until; /* CW_TIME_NONE = without end */
};
typedef bool cw_price_fn(void *arg, const struct cw_price_row *price);
void cw_txn_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                        cw_store_done_fn *done, void *arg);

/* --- outbox: messages to carts --- */

enum cw_message_state {
    CW_MESSAGE_QUEUED,
    CW_MESSAGE_SENDING, /* the intent is written: the call may have begun */
    CW_MESSAGE_SENT,
    CW_MESSAGE_UNKNOWN, /* the call may have had its effect; the cart is asked, or a person, before anything
                           is sent */
    CW_MESSAGE_FAILED,  /* it had no effect, and is not tried again by itself */
    CW_MESSAGE_SUPERSEDED
};
const char *cw_message_state_name(enum cw_message_state state);

/* Unsettled messages (queued, sending, unknown, failed) of one lane of a cart are sent in the order of their
 * ids: each waits until those before it are sent or superseded. */
struct cw_message {
    int64_t id;               /* given by the store */
    struct cw_record_key key; /* stream: "stock_out"; external_id: what it is about: the SKU, the order */
    struct cw_slice lane;     /* "stock_out/SKU-1", "order/101"; empty when it is put = that of its key */
    struct cw_slice event;   /* of an event: what tells it from others of its stream, for ever: the shipment's
                                id.   Empty = a level: only the newest one of its key counts */
    struct cw_slice payload; /* JSON */
    bool is_zero;            /* a quantity of 0 */
    enum cw_message_state state;
    unsigned attempts;
    unsigned company; /* most messages it may share a call with, itself included; 0 = any number */
    int64_t call;     /* the last call it was sent in; 0 = none yet */
    cw_time created_at, changed_at;
    cw_time due_at;         /* of a queued one: not sent before; of an unknown one: not asked about before.
                               CW_TIME_NONE when it is put = now */
    struct cw_slice answer; /* what the cart said last, in short: the evidence */
    struct cw_slice error;
};

/* Queues it. An event that was put before, in whatever state it is, is not put again. A level is put only
 * when its payload differs from that of the newest one of its key, and then supersedes those that are queued
 * or failed; one that is what the cart has by the last answer, while nothing is on its way, supersedes them
 * and is not put either. */
bool cw_txn_put_message(struct cw_txn *txn, const struct cw_message *message);
/* The newest level of a key is forgotten: the next one is put whatever it says. external_id empty = all of
 * the stream. */
bool cw_txn_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                          struct cw_slice external_id);
/* What it says is no longer so: what is queued or failed becomes superseded, with `why` as its answer; what
 * is on its way, or may have had its effect, stays. With `event` that event, which may be put again then,
 * else the level of the key: one that is on its way is not queued again either, and the next one that is put
 * is news. */
bool cw_txn_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                      struct cw_slice why);
/* Wakes the job named like the stream at `at` when messages of it are queued; no such job is no error. */
bool cw_txn_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at);

/* Claims what is to be sent next: due, queued, first of its lane. Where fewer than `threshold` may be sent it
 * is one message, else up to `batch`; never more than the `company` of any of them allows. They are sending
 * from now on, with one attempt more, in a call of their own number. Those go first that were due first; they
 * are given in order of their ids. `count` 0 = nothing may be sent now;
 * `next_at` is when the next one is due that waits for nothing else, CW_TIME_NONE = there is none. Valid
 * during the call. */
struct cw_outbox_limits {
    unsigned threshold, batch; /* at least 1 */
    int64_t until;             /* none with a greater id; 0 = any */
};
typedef void cw_messages_fn(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                            const struct cw_error *err);
void cw_txn_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                           const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg);

/* What has become of a message that is sending or unknown, or of one that a person decides about (queued and
 * failed ones too). CW_CONFLICT when it is not in state `was`, so that nothing is settled twice. A level that
 * is to be queued again, or failed, while a newer one of its key waits, or after it was taken back, becomes
 * superseded instead. One that
 * failed, or was dropped by a person, is news when it is put again; after one that became unknown every other
 * payload is. */
struct cw_settlement {
    int64_t id;
    enum cw_message_state was, state;
    cw_time due_at;                /* of one that is queued again, or unknown; CW_TIME_NONE = now */
    bool takes_back;               /* the attempt is not counted */
    unsigned company;              /* from now on; 0 = as it was */
    struct cw_slice answer, error; /* answer empty = as it was */
};
bool cw_txn_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement);

/* Nothing is put off for longer; what seems to be was put by a clock that was ahead. */
#define CW_MESSAGE_DUE_MAX (2 * CW_HOUR)
/* Those of a stream that are sending become unknown, due at `due_at`: for who holds the cart's lease and
 * sends nothing itself, so that whoever sent them is gone. What is due later than CW_MESSAGE_DUE_MAX from now
 * is due now. */
bool cw_txn_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time due_at);

/* Messages in order of their ids, valid during the call, which must not write; return false to stop. */
struct cw_message_filter {
    struct cw_slice cart, stream; /* empty = all */
    int64_t after;                /* behind this id */
    int64_t id;                   /* 0 = any */
    bool by_state;
    enum cw_message_state state;
    cw_time due_until; /* only those due by then; CW_TIME_NONE = all */
};
typedef bool cw_message_fn(void *arg, const struct cw_message *message);
void cw_store_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                            cw_message_fn *message, cw_store_done_fn *done, void *arg);

/* How much a stream of levels changes in the cart: keys that it ever told it, of those queued how many are
 * changes and how many of these are zeros, and both numbers again for what was sent since `since`. Messages
 * up to the id `approved` are not counted. `newest` is the greatest id of all that are queued, 0 = none: who
 * claims only up to it claims nothing that was not counted, since what replaces a level has an id of its own
 * that is greater. */
struct cw_level_changes {
    uint64_t known, queued, queued_zeros, sent, sent_zeros;
    int64_t newest;
};
typedef void cw_level_changes_fn(void *arg, const struct cw_level_changes *changes,
                                 const struct cw_error *err);
void cw_store_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                           cw_time since, int64_t approved, cw_level_changes_fn *counted, void *arg);

/* --- links: the cart's id of what the back office has --- */

/* `kind` "customer", "item"; link empty = forgotten. */
bool cw_txn_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, struct cw_slice link);
/* `link` has data NULL when there is none. */
typedef void cw_link_fn(void *arg, struct cw_slice link, const struct cw_error *err);
void cw_txn_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, cw_link_fn *found, void *arg);

/* --- tables, key-value state, users, audit --- */

/* Translation rows set here, in order of cart, table and key; cart empty = of all carts. The entry is valid
 * during the call, which must not write; return false to stop. */
struct cw_table_entry {
    struct cw_slice cart, table, key, value; /* value empty = translated to nothing */
    cw_time changed_at;
};
typedef bool cw_table_entry_fn(void *arg, const struct cw_table_entry *entry);
void cw_store_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                          cw_store_done_fn *done, void *arg);

/* A row of a translation table; value empty and not deleted = translated to nothing. */
bool cw_txn_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_slice value);
bool cw_txn_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                           struct cw_slice key);

enum { CW_STATE_KEYS_MAX = 100 };  /* of one cart */
#define CW_STATE_OWN "cartwright." /* keys that begin so are the runtime's, and are not counted */
static inline bool cw_state_is_own(struct cw_slice key)
{
    return key.len >= sizeof CW_STATE_OWN - 1 && memcmp(key.data, CW_STATE_OWN, sizeof CW_STATE_OWN - 1) == 0;
}
/* State a cart's script keeps between runs, and the site (cart empty); CW_LIMIT past CW_STATE_KEYS_MAX keys.
 * `found` gets data NULL when the key is not there. */
typedef void cw_state_fn(void *arg, struct cw_slice value, const struct cw_error *err);
void cw_store_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key, cw_state_fn *found,
                        void *arg);
/* data NULL removes the key. The runtime's own keys may be those of cart '', the site. */
bool cw_txn_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value);

/* `password_hash` as crypto_pwhash_str makes it; groups separated by blanks. */
bool cw_txn_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                     struct cw_slice groups);
/* password_hash has data NULL when there is no such user. */
typedef void cw_user_fn(void *arg, struct cw_slice password_hash, struct cw_slice groups,
                        const struct cw_error *err);
void cw_store_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg);
/* Append-only: who did what to which thing, before and after, and why. */
bool cw_txn_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                  struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at);

/* --- reading by SQL --- */

/* One read-only SELECT in the common subset of the engines (parameters $1, $2; LIMIT; no dialect), every
 * value given as text, NULL as data NULL, bytes as they are. `names` and `row` are valid during the call;
 * return false to stop. `row` must not write. Writing statements, settings, and the users' password hashes
 * are CW_REFUSED; faulty SQL is CW_USAGE; more than CW_QUERY_TIME_MAX is CW_TIMEOUT. Sums over decimals are
 * inexact here: add them up yourself. */
#define CW_QUERY_TIME_MAX (30 * CW_SECOND)
typedef bool cw_query_row_fn(void *arg, size_t columns, const struct cw_slice *names,
                             const struct cw_slice *row);
void cw_store_query(struct cw_store *store, const char *sql, const struct cw_slice *params,
                    size_t param_count, cw_query_row_fn *row, cw_store_done_fn *done, void *arg);

#endif
