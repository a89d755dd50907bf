/* store_engine.h - private to the store: what an engine implements, and what all engines share.
 *
 * store.c checks every argument (lengths, keys, a transaction that is lost already) before it calls an
 * engine, and keeps the queue of transactions, so that an engine sees one at a time. An engine reports an
 * error where it happens; that a transaction is lost from then on is remembered above it.
 */
#ifndef CW_ADAPTERS_STORE_ENGINE_H
#define CW_ADAPTERS_STORE_ENGINE_H

#include "adapters/store.h"
#include "adapters/store_bind.h"

struct cw_txn {
    struct cw_store *store;
    struct cw_txn *next;   /* waiting behind this one */
    struct cw_fence fence; /* its name is copied behind this struct */
    cw_txn_ready_fn *ready;
    cw_store_done_fn *done;
    void *arg; /* of ready, then of done */
    bool lost; /* `error` says why; it can only be rolled back */
    struct cw_error error;
};

/* A row as it is; texts and bytes are valid during the call. False and *err stop the reading. */
typedef bool cw_store_row_fn(void *arg, const char *const *names, const struct cw_bind *values, size_t count,
                             struct cw_error *err);

struct cw_store_engine {
    void (*close)(struct cw_store *store); /* frees it; a transaction that is open is rolled back */
    void (*wait)(struct cw_store *store);
    bool (*check)(struct cw_store *store, struct cw_buffer *report, struct cw_error *err);

    /* Answered with cw_txn_began and cw_txn_ended, now or later. commit checks the fence. */
    void (*begin)(struct cw_txn *txn);
    void (*commit)(struct cw_txn *txn);
    void (*rollback)(struct cw_txn *txn); /* after it the engine knows nothing of txn */

    void (*find_raw)(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                     cw_raw_known_fn *found, void *arg);
    bool (*put_raw)(struct cw_txn *txn, const struct cw_raw *raw, struct cw_error *err);
    bool (*set_outcome)(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                        struct cw_slice reason, struct cw_slice script_version, struct cw_error *err);
    void (*read_raw)(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                     cw_store_done_fn *done, void *arg);

    bool (*put_staged)(struct cw_txn *txn, const struct cw_staged *staged, struct cw_error *err);
    bool (*drop_staged)(struct cw_txn *txn, struct cw_record_key key, struct cw_error *err);
    bool (*put_release)(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release,
                        struct cw_error *err);
    void (*get_documents)(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                          size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg);
    void (*ask)(struct cw_txn *txn, const struct cw_question *questions, size_t count, struct cw_arena *arena,
                cw_answers_fn *answered, void *arg);
    bool (*put_edit)(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                     struct cw_slice external_id, const struct cw_edit *edit, struct cw_error *err);
    bool (*drop_edit)(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                      struct cw_slice external_id, struct cw_slice field, struct cw_error *err);
    bool (*put_document)(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                         int64_t run, struct cw_error *err);
    bool (*drop_document)(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                          struct cw_slice external_id, struct cw_error *err);

    void (*get_cursor)(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                       cw_cursor_fn *found, void *arg);
    bool (*put_cursor)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                       const struct cw_cursor *cursor, struct cw_error *err);
    bool (*reset_cursor)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                         struct cw_error *err);

    void (*start_run)(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                      cw_run_started_fn *started, void *arg);
    bool (*put_run)(struct cw_txn *txn, const struct cw_run *run, struct cw_error *err);
    bool (*put_run_note)(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                         struct cw_record_key key, struct cw_error *err);

    void (*take_lease)(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                       cw_time time, cw_lease_fn *taken, void *arg);
    void (*drop_lease)(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                       void *arg);

    bool (*plan_jobs)(struct cw_txn *txn, const struct cw_job *jobs, size_t count, struct cw_error *err);
    void (*read_jobs)(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                      void *arg);
    void (*claim_job)(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                      cw_claim_fn *claimed, void *arg);
    bool (*end_job)(struct cw_txn *txn, const struct cw_job *job, struct cw_error *err);
    bool (*wake_job)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at,
                     struct cw_error *err);
    bool (*listen)(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err);

    bool (*put_control)(struct cw_txn *txn, const struct cw_control *control, struct cw_error *err);
    void (*read_controls)(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                          cw_store_done_fn *done, void *arg);
    void (*put_webhook)(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put, void *arg);
    void (*prune)(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg);

    bool (*put_demands)(struct cw_txn *txn, struct cw_record_key key, const struct cw_order_demand *demands,
                        size_t count, struct cw_error *err);
    void (*read_shipped)(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders,
                         size_t count, cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg);
    bool (*mark_skus)(struct cw_txn *txn, const struct cw_slice *skus, size_t count, struct cw_error *err);
    void (*take_marks)(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg);
    void (*read_stock)(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_stock_fact_fn *fact,
                       cw_store_done_fn *done, void *arg);
    void (*read_skus)(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                      void *arg);
    void (*read_prices)(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                        cw_store_done_fn *done, void *arg);
    bool (*put_link)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, struct cw_slice link, struct cw_error *err);
    void (*get_link)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                     struct cw_slice external_id, cw_link_fn *found, void *arg);

    bool (*put_message)(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err);
    bool (*forget_levels)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                          struct cw_slice external_id, struct cw_error *err);
    bool (*take_back)(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                      struct cw_slice why, struct cw_error *err);
    bool (*wake_sender)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at,
                        struct cw_error *err);
    void (*claim_messages)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                           const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg);
    bool (*settle_message)(struct cw_txn *txn, const struct cw_settlement *settlement, struct cw_error *err);
    bool (*orphan_messages)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time due_at,
                            struct cw_error *err);
    void (*read_messages)(struct cw_store *store, const struct cw_message_filter *filter,
                          cw_message_fn *message, cw_store_done_fn *done, void *arg);
    void (*count_levels)(struct cw_store *store, struct cw_slice cart, struct cw_slice stream, cw_time since,
                         int64_t approved, cw_level_changes_fn *counted, void *arg);
    void (*read_tables)(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                        cw_store_done_fn *done, void *arg);
    bool (*put_table_row)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_slice value, struct cw_error *err);
    bool (*drop_table_row)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                           struct cw_slice key, struct cw_error *err);
    void (*get_state)(struct cw_store *store, struct cw_slice cart, struct cw_slice key, cw_state_fn *found,
                      void *arg);
    bool (*put_state)(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value,
                      struct cw_error *err);
    void (*get_user)(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg);
    bool (*put_user)(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                     struct cw_slice groups, struct cw_error *err);
    bool (*audit)(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                  struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at,
                  struct cw_error *err);

    void (*query)(struct cw_store *store, const char *sql, const struct cw_slice *params, size_t param_count,
                  cw_query_row_fn *row, cw_store_done_fn *done, void *arg);

    /* For store_copy.c, in a transaction that is open. All but put_row return when it is done. The SQL is in
     * the common subset of the engines, with $1, $2 in this order, and stays where it is. `hold` keeps others
     * from writing until the transaction ends; after settle_ids the next number of each table is behind its
     * largest. */
    bool (*hold)(struct cw_store *store, struct cw_error *err);
    bool (*read_rows)(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                      cw_store_row_fn *row, void *arg, struct cw_error *err);
    bool (*put_row)(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                    struct cw_error *err);
    bool (*settle_ids)(struct cw_store *store, struct cw_error *err);
};

/* The first member of every engine's own store. */
struct cw_store {
    const struct cw_store_engine *engine;
    const struct cw_clock *clock;
    struct cw_loop *loop; /* NULL where nothing is to be heard later */
    char id[33];          /* hex digits */
    bool is_new;
    bool read_only;
    struct cw_txn *current;        /* begun, or beginning */
    struct cw_txn *waiting, *last; /* in order of cw_txn_begin */
    bool starting;                 /* inside the one loop that starts transactions */
    bool has_failed;               /* a transaction, for want of the store */
    cw_time failed_at;
};

struct cw_store *cw_sqlite_open(const struct cw_store_config *config, struct cw_error *err);
struct cw_store *cw_pg_open(const struct cw_store_config *config, struct cw_loop *loop, struct cw_error *err);

/* What callers give: CW_LIMIT for a text that the store does not take, CW_USAGE for a name that is empty. */
bool cw_store_fits(struct cw_slice text, const char *what, struct cw_error *err);
bool cw_store_is_name(struct cw_slice name, const char *what, struct cw_error *err);
/* Ends a put: true stays true, false loses the transaction, naming the record. */
bool cw_store_settle(struct cw_txn *txn, bool ok, struct cw_slice record, struct cw_error *err);

/* CW_NOT_FOUND: there is no such document. Always false. */
bool cw_store_fail_missing(struct cw_slice cart, const struct cw_kind *kind, struct cw_slice external_id,
                           struct cw_error *err);

/* An engine's answers. cw_txn_began with an error, and cw_txn_ended, free txn. */
void cw_txn_began(struct cw_txn *txn, const struct cw_error *err);
void cw_txn_ended(struct cw_txn *txn, const struct cw_error *err);

/* Remembers that the transaction is lost, and why; the first reason stays. Always false. */
bool cw_txn_lose(struct cw_txn *txn, const struct cw_error *err);

/* Names the record in *err, where none is named yet. Always false. */
bool cw_store_fail_at(struct cw_error *err, struct cw_slice record);

#endif
