/* sqlite_engine.h - private to the SQLite engine: its store, and the few ways in which statements are run.
 *
 * Statements are prepared once, kept by the address of their text, and reset after each use, so that no read
 * outlives the call that made it. Errors are read before the next call to SQLite, and turned into ours in one
 * place.
 */
#ifndef CW_ADAPTERS_SQLITE_ENGINE_H
#define CW_ADAPTERS_SQLITE_ENGINE_H

#include <sqlite3.h>

#include "adapters/store_bind.h"
#include "adapters/store_engine.h"
#include "adapters/store_schema.h"
#include "adapters/store_words.h"

enum {
    CW_SQLITE_STATEMENTS = 512, /* slots, a power of two; about half are used */
    CW_SQLITE_BINDS_MAX = 32,   /* of the statements that are written by hand */
    CW_SQLITE_BUSY_MS = 5000,   /* another process may write for so long */
    CW_SQLITE_WAL_PAGES = 1000  /* 16 MB; then the log is carried over into the file */
};

struct cw_sqlite_documents; /* the generated statements, see sqlite_documents.h */

struct cw_sqlite {
    struct cw_store store; /* first */
    sqlite3 *db;
    char *path; /* as SQLite was given it */
    struct cw_sqlite_statement {
        const char *sql; /* by its address; NULL = the slot is free */
        sqlite3_stmt *stmt;
    } statements[CW_SQLITE_STATEMENTS];
    char times[CW_SQLITE_BINDS_MAX][CW_STORE_TIME_LEN + 1]; /* what the statement in hand is bound to */
    struct cw_buffer sort_key;
    struct cw_sqlite_documents *documents;
    bool guarded;         /* somebody else's SQL is being prepared or run */
    int64_t deadline_ns;  /* of what runs now, by the monotonic clock; 0 = none */
    bool checking;        /* looks for damage already */
    int wal_pages;        /* in the log after the last commit */
    int wal_pages_max;    /* CW_SQLITE_WAL_PAGES; fewer in tests */
    bool must_tell;       /* the transaction in hand changed what others listen for */
    struct cw_watch *ear; /* NULL = nobody listens */
    int ear_fd;
    cw_loop_fn *heard;
    void *heard_arg;
    bool broken; /* the disk failed: nothing more is written, see broken_why */
    struct cw_error broken_why;
};

static inline struct cw_sqlite *cw_sqlite_of(struct cw_store *store)
{
    return (struct cw_sqlite *)store;
}

/* --- statements --- */

/* The prepared statement of `sql`, whose address stays the same for the store's life. NULL and *err on
 * failure. */
sqlite3_stmt *cw_sqlite_prepare(struct cw_sqlite *s, const char *sql, struct cw_error *err);

bool cw_sqlite_bind(struct cw_sqlite *s, sqlite3_stmt *stmt, int at, const struct cw_bind *bind,
                    struct cw_error *err);
/* Runs what is bound to its end, and resets. */
bool cw_sqlite_step(struct cw_sqlite *s, sqlite3_stmt *stmt, struct cw_error *err);

/* A statement without an answer. */
bool cw_sqlite_run(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds, size_t count,
                   struct cw_error *err);

/* The first row of a statement, which may be the only one. On CW_ROW_FOUND *stmt stands on it, and the caller
 * resets it with sqlite3_reset when the columns were read. */
enum cw_row { CW_ROW_FAILED, CW_ROW_NONE, CW_ROW_FOUND };
enum cw_row cw_sqlite_find(struct cw_sqlite *s, const char *sql, const struct cw_bind *binds, size_t count,
                           sqlite3_stmt **stmt, struct cw_error *err);

/* The next row of what cw_sqlite_find found; after the last one the statement is reset. */
enum cw_row cw_sqlite_next(struct cw_sqlite *s, sqlite3_stmt *stmt, struct cw_error *err);

/* Text or bytes of a column, valid until the statement moves on. NULL as data NULL. */
struct cw_slice cw_sqlite_slice(sqlite3_stmt *stmt, int column);
cw_time cw_sqlite_time(sqlite3_stmt *stmt, int column);

/* Statements without values, several at once; for settings and the schema. */
bool cw_sqlite_execute(struct cw_sqlite *s, const char *sql, struct cw_error *err);
void cw_sqlite_finalize_all(struct cw_sqlite *s);

/* The last error of SQLite as ours, naming the file and what to do; an error of the disk ends writing. Always
 * false. */
bool cw_sqlite_fail(struct cw_sqlite *s, struct cw_error *err);

/* --- damage --- */

/* What runs is interrupted (CW_TIMEOUT) after `limit`; 0 = no limit. */
void cw_sqlite_set_deadline(struct cw_sqlite *s, cw_time limit);

/* Looks through the file for `limit` at most (0 = to the end): CW_CORRUPT naming the first fault. A look that
 * had to end early found nothing so far, and is true. */
bool cw_sqlite_look(struct cw_sqlite *s, cw_time limit, struct cw_error *err);
/* CW_CORRUPT: the fault as SQLite names it, and what to do. */
bool cw_sqlite_fail_damaged(struct cw_sqlite *s, struct cw_slice fault, struct cw_error *err);
bool cw_sqlite_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err);

/* --- life --- */

/* cw_sqlite_open with a schema of the caller's own; for tests of migration. */
struct cw_store *cw_sqlite_open_schema(const struct cw_store_config *config, const struct cw_schema *schema,
                                       struct cw_error *err);
/* Makes a new store, or brings an older one forward, all or nothing. */
bool cw_sqlite_migrate(struct cw_sqlite *s, const struct cw_schema *schema, struct cw_error *err);

/* --- the parts of the engine, in the order of store.h --- */

void cw_sqlite_begin(struct cw_txn *txn);
void cw_sqlite_commit(struct cw_txn *txn);
void cw_sqlite_rollback(struct cw_txn *txn);

void cw_sqlite_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                        cw_raw_known_fn *found, void *arg);
bool cw_sqlite_put_raw(struct cw_txn *txn, const struct cw_raw *raw, struct cw_error *err);
bool cw_sqlite_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                           struct cw_slice reason, struct cw_slice script_version, struct cw_error *err);
void cw_sqlite_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                        cw_store_done_fn *done, void *arg);
bool cw_sqlite_put_staged(struct cw_txn *txn, const struct cw_staged *staged, struct cw_error *err);
bool cw_sqlite_drop_staged(struct cw_txn *txn, struct cw_record_key key, struct cw_error *err);

bool cw_sqlite_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release,
                           struct cw_error *err);

void cw_sqlite_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                             size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg);
void cw_sqlite_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count,
                   struct cw_arena *arena, cw_answers_fn *answered, void *arg);
bool cw_sqlite_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                        struct cw_slice external_id, const struct cw_edit *edit, struct cw_error *err);
bool cw_sqlite_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                         struct cw_slice external_id, struct cw_slice field, struct cw_error *err);
bool cw_sqlite_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc,
                            cw_time at, int64_t run, struct cw_error *err);
bool cw_sqlite_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                             struct cw_slice external_id, struct cw_error *err);
void cw_sqlite_documents_free(struct cw_sqlite_documents *documents);

void cw_sqlite_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                          cw_cursor_fn *found, void *arg);
bool cw_sqlite_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                          const struct cw_cursor *cursor, struct cw_error *err);
bool cw_sqlite_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                            struct cw_error *err);
void cw_sqlite_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                         cw_run_started_fn *started, void *arg);
bool cw_sqlite_put_run(struct cw_txn *txn, const struct cw_run *run, struct cw_error *err);
bool cw_sqlite_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                            struct cw_record_key key, struct cw_error *err);

void cw_sqlite_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                          cw_time time, cw_lease_fn *taken, void *arg);
void cw_sqlite_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                          void *arg);
/* CW_CONFLICT when the fence's lease is not ours any more. */
bool cw_sqlite_check_fence(struct cw_sqlite *s, const struct cw_fence *fence, struct cw_error *err);

bool cw_sqlite_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count, struct cw_error *err);
void cw_sqlite_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                         void *arg);
void cw_sqlite_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                         cw_claim_fn *claimed, void *arg);
bool cw_sqlite_end_job(struct cw_txn *txn, const struct cw_job *job, struct cw_error *err);
bool cw_sqlite_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at,
                        struct cw_error *err);

/* Whoever listens on the store is told when the transaction in hand was committed. */
void cw_sqlite_tell(struct cw_sqlite *s);
bool cw_sqlite_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err);
void cw_sqlite_told(struct cw_sqlite *s); /* after a commit */
void cw_sqlite_stop_listening(struct cw_sqlite *s);

bool cw_sqlite_put_control(struct cw_txn *txn, const struct cw_control *control, struct cw_error *err);
void cw_sqlite_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                             cw_store_done_fn *done, void *arg);
void cw_sqlite_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put,
                           void *arg);
void cw_sqlite_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg);

bool cw_sqlite_put_demands(struct cw_txn *txn, struct cw_record_key key,
                           const struct cw_order_demand *demands, size_t count, struct cw_error *err);
void cw_sqlite_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders,
                            size_t count, cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg);
bool cw_sqlite_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count, struct cw_error *err);
void cw_sqlite_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg);
void cw_sqlite_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count,
                          cw_stock_fact_fn *fact, cw_store_done_fn *done, void *arg);
void cw_sqlite_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                         void *arg);
void cw_sqlite_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                           cw_store_done_fn *done, void *arg);
bool cw_sqlite_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                        struct cw_slice external_id, struct cw_slice link, struct cw_error *err);
void cw_sqlite_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                        struct cw_slice external_id, cw_link_fn *found, void *arg);

bool cw_sqlite_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err);
bool cw_sqlite_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                             struct cw_slice external_id, struct cw_error *err);
bool cw_sqlite_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                         struct cw_slice why, struct cw_error *err);
bool cw_sqlite_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at,
                           struct cw_error *err);
void cw_sqlite_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                              const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg);
bool cw_sqlite_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement,
                              struct cw_error *err);
bool cw_sqlite_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                               cw_time due_at, struct cw_error *err);
void cw_sqlite_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                             cw_message_fn *message, cw_store_done_fn *done, void *arg);
void cw_sqlite_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                            cw_time since, int64_t approved, cw_level_changes_fn *counted, void *arg);
void cw_sqlite_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                           cw_store_done_fn *done, void *arg);
bool cw_sqlite_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                             struct cw_slice key, struct cw_slice value, struct cw_error *err);
bool cw_sqlite_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                              struct cw_slice key, struct cw_error *err);
void cw_sqlite_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key,
                         cw_state_fn *found, void *arg);
bool cw_sqlite_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value,
                         struct cw_error *err);
void cw_sqlite_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg);
bool cw_sqlite_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                        struct cw_slice groups, struct cw_error *err);
bool cw_sqlite_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                     struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at,
                     struct cw_error *err);

void cw_sqlite_query(struct cw_store *store, const char *sql, const struct cw_slice *params,
                     size_t param_count, cw_query_row_fn *row, cw_store_done_fn *done, void *arg);
bool cw_sqlite_hold(struct cw_store *store, struct cw_error *err);
bool cw_sqlite_read_rows(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                         cw_store_row_fn *taken, void *arg, struct cw_error *err);
bool cw_sqlite_put_row(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                       struct cw_error *err);
bool cw_sqlite_settle_ids(struct cw_store *store, struct cw_error *err);
/* Says which actions of foreign SQL are allowed; installed for the whole connection, idle while not
 * `guarded`. */
int cw_sqlite_authorize(void *arg, int action, const char *first, const char *second, const char *database,
                        const char *trigger);

#endif
