/* pg_engine.h - private to the PostgreSQL engine: its store, and the one way in which statements are run.
 *
 * One connection in libpq's pipeline mode. Statements are sent without waiting; their results come back in
 * the same order, from the loop or from cw_store_wait, and never inside the call that sent them. All that a
 * transaction writes is on its way to the server before the first of it is known to be right: an error is
 * told at the latest when it commits.
 *
 * A lost connection loses the transaction in hand (CW_UNAVAILABLE); what reads outside of one, and
 * transactions that have not begun, wait for the next connection, and are told when it takes too long. A
 * commit whose answer was lost is looked up (see pg_transaction.c), never repeated.
 *
 * How things look in the tables: as in SQLite, with TEXT COLLATE "C", BIGINT, BYTEA. A text of ours that is
 * no valid UTF-8, or has a NUL in it, cannot be kept by PostgreSQL: what is wrong in it becomes U+FFFD. Raw
 * records are BYTEA and keep every byte.
 */
#ifndef CW_ADAPTERS_PG_ENGINE_H
#define CW_ADAPTERS_PG_ENGINE_H

#include <libpq-fe.h>

#include "adapters/store_bind.h"
#include "adapters/store_engine.h"
#include "adapters/store_schema.h"
#include "adapters/store_words.h"

enum {
    CW_PG_SERVER_MIN = 130000, /* the first one with pg_current_xact_id and gen_random_uuid */
    CW_PG_STATEMENTS = 512,    /* slots, a power of two; at most half are used */
    CW_PG_BINDS_MAX = 128      /* of one statement: the widest document's row has about 100 columns */
};

/* Called once a statement, in the order of sending. `result` is valid during the call; with `err` it is the
 * server's error, or NULL. An
 * error of a statement of a transaction loses that transaction, after this call: who knows better than the
 * server what it means calls cw_txn_lose first. */
typedef void cw_pg_answer_fn(void *arg, PGresult *result, const struct cw_error *err);

struct cw_pg_entry;     /* a statement on its way, see pg_pipeline.h */
struct cw_pg_documents; /* the generated statements of the documents */

struct cw_pg {
    struct cw_store store; /* first */
    struct cw_pg_link *link;
    char place[160];                   /* host and database, for messages: never user, password or options */
    struct cw_pg_documents *documents; /* NULL until they are needed; freed by cw_pg_documents_free */
};

static inline struct cw_pg *cw_pg_of(struct cw_store *store)
{
    return (struct cw_pg *)store;
}

/* --- statements --- */

/* Sends one statement, written with $1, $2. It is prepared once a connection and kept by the address of its
 * text, which must stay valid and the same for the store's life. The types of its parameters are those of the
 * binds of its first use: integers are bigint, texts and times text, bytes bytea, NULL whatever the server
 * makes of it. Binds need to live only until the call returns. Inside a transaction of this store it belongs
 * to that transaction; else it is one of its own.
 *
 * answer NULL: nobody wants the answer. False, with *err set, when it could not be sent; `answer` is not
 * called then. */
bool cw_pg_send(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                cw_pg_answer_fn *answer, void *arg, struct cw_error *err);

/* The same for a statement that must change at least one row, or else loses the transaction with `otherwise`
 * (copied). Written as CW_PG_MUST("UPDATE ... RETURNING 1"): the server itself then raises an error where
 * nothing was changed, and a commit need not wait for the answer. */
#define CW_PG_MUST(changing) "WITH changed AS (" changing ") SELECT 1 / count(*) FROM changed"
bool cw_pg_send_one(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                    const struct cw_error *otherwise, struct cw_error *err);

/* A statement without an answer. */
static inline bool cw_pg_run(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                             struct cw_error *err)
{
    return cw_pg_send(pg, sql, binds, count, NULL, NULL, err);
}

/* A statement whose rows come one by one, so that memory stays flat: `answer` is called for each row
 * (PQresultStatus is PGRES_SINGLE_TUPLE), and then once more, without rows (PGRES_TUPLES_OK) or with err. It
 * may come to an err after rows. A row that is not wanted any more is to be passed by: there is no way to
 * stop early. */
bool cw_pg_send_rows(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                     cw_pg_answer_fn *answer, void *arg, struct cw_error *err);

/* Columns of a result; all results are in binary format, which these hide. Slices live as long as the
 * result; NULL is data NULL, 0 for numbers, CW_TIME_NONE for times. */
struct cw_slice cw_pg_slice(const PGresult *result, int row, int column); /* text, bytea */
int64_t cw_pg_int(const PGresult *result, int row, int column);           /* integers of any size, boolean */
cw_time cw_pg_time(const PGresult *result, int row, int column);          /* our text of a time */
bool cw_pg_is_null(const PGresult *result, int row, int column);

/* The time by the server's clock, `after` microseconds (SQL of a bigint) from now, as our text. Not the start
 * of the transaction. */
#define CW_PG_CLOCK(after)                                                                                   \
    "to_char((clock_timestamp() + " after " * interval '1 microsecond') AT TIME ZONE 'UTC', "                \
    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define CW_PG_NOW CW_PG_CLOCK("0")

/* Whether the row l of leases is in force, by the server's clock; as SQL. */
#define CW_PG_IN_FORCE                                                                                       \
    "(l.holder <> '' AND l.expires_at > " CW_PG_NOW " AND l.expires_at <= " CW_PG_CLOCK(CW_PG_LEASE_MAX) ")"
#define CW_PG_LEASE_MAX "600000000" /* CW_LEASE_TIME_MAX */

/* The error of a result as ours, saying what to do. Always false. */
bool cw_pg_fail(const struct cw_pg *pg, const PGresult *result, struct cw_error *err);

/* --- life --- */

/* cw_pg_open with a schema of the caller's own; for tests of migration. */
struct cw_store *cw_pg_open_schema(const struct cw_store_config *config, struct cw_loop *loop,
                                   const struct cw_schema *schema, struct cw_error *err);
void cw_pg_documents_free(struct cw_pg_documents *documents); /* accepts NULL */

/* --- the parts of the engine, in the order of store.h --- */

bool cw_pg_check(struct cw_store *store, struct cw_buffer *report, struct cw_error *err);

void cw_pg_begin(struct cw_txn *txn);
void cw_pg_commit(struct cw_txn *txn);
void cw_pg_rollback(struct cw_txn *txn);

void cw_pg_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                    cw_raw_known_fn *found, void *arg);
bool cw_pg_put_raw(struct cw_txn *txn, const struct cw_raw *raw, struct cw_error *err);
bool cw_pg_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                       struct cw_slice reason, struct cw_slice script_version, struct cw_error *err);
void cw_pg_read_raw(struct cw_store *store, const struct cw_raw_filter *filter, cw_raw_row_fn *row,
                    cw_store_done_fn *done, void *arg);
bool cw_pg_put_staged(struct cw_txn *txn, const struct cw_staged *staged, struct cw_error *err);
bool cw_pg_drop_staged(struct cw_txn *txn, struct cw_record_key key, struct cw_error *err);
bool cw_pg_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release,
                       struct cw_error *err);

void cw_pg_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                         size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg);
void cw_pg_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count, struct cw_arena *arena,
               cw_answers_fn *answered, void *arg);
bool cw_pg_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                    struct cw_slice external_id, const struct cw_edit *edit, struct cw_error *err);
bool cw_pg_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                     struct cw_slice external_id, struct cw_slice field, struct cw_error *err);
bool cw_pg_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                        int64_t run, struct cw_error *err);
bool cw_pg_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                         struct cw_slice external_id, struct cw_error *err);

void cw_pg_get_cursor(struct cw_store *store, struct cw_slice cart, struct cw_slice stream,
                      cw_cursor_fn *found, void *arg);
bool cw_pg_put_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                      const struct cw_cursor *cursor, struct cw_error *err);
bool cw_pg_reset_cursor(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                        struct cw_error *err);
void cw_pg_start_run(struct cw_store *store, struct cw_fence fence, const struct cw_run *run,
                     cw_run_started_fn *started, void *arg);
bool cw_pg_put_run(struct cw_txn *txn, const struct cw_run *run, struct cw_error *err);
bool cw_pg_put_run_note(struct cw_txn *txn, int64_t run, struct cw_slice level, struct cw_slice message,
                        struct cw_record_key key, struct cw_error *err);

void cw_pg_take_lease(struct cw_store *store, struct cw_slice name, struct cw_slice holder, int64_t token,
                      cw_time time, cw_lease_fn *taken, void *arg);
void cw_pg_drop_lease(struct cw_store *store, struct cw_slice name, int64_t token, cw_store_done_fn *done,
                      void *arg);

bool cw_pg_plan_jobs(struct cw_txn *txn, const struct cw_job *jobs, size_t count, struct cw_error *err);
void cw_pg_read_jobs(struct cw_store *store, struct cw_slice cart, cw_job_fn *job, cw_store_done_fn *done,
                     void *arg);
void cw_pg_claim_job(struct cw_store *store, struct cw_slice holder, cw_time now, cw_time lease_time,
                     cw_claim_fn *claimed, void *arg);
bool cw_pg_end_job(struct cw_txn *txn, const struct cw_job *job, struct cw_error *err);
bool cw_pg_wake_job(struct cw_txn *txn, struct cw_slice cart, struct cw_slice name, cw_time at,
                    struct cw_error *err);
bool cw_pg_listen(struct cw_store *store, cw_loop_fn *heard, void *arg, struct cw_error *err);

bool cw_pg_put_control(struct cw_txn *txn, const struct cw_control *control, struct cw_error *err);
void cw_pg_read_controls(struct cw_store *store, struct cw_slice cart, cw_control_fn *control,
                         cw_store_done_fn *done, void *arg);
void cw_pg_put_webhook(struct cw_txn *txn, const struct cw_webhook *webhook, cw_webhook_fn *put, void *arg);
void cw_pg_prune(struct cw_txn *txn, const struct cw_prune *prune, cw_pruned_fn *pruned, void *arg);

bool cw_pg_put_demands(struct cw_txn *txn, struct cw_record_key key, const struct cw_order_demand *demands,
                       size_t count, struct cw_error *err);
void cw_pg_read_shipped(struct cw_txn *txn, struct cw_slice cart, const struct cw_slice *orders, size_t count,
                        cw_shipped_fn *shipped, cw_store_done_fn *done, void *arg);
bool cw_pg_mark_skus(struct cw_txn *txn, const struct cw_slice *skus, size_t count, struct cw_error *err);
void cw_pg_take_marks(struct cw_txn *txn, unsigned limit, cw_marks_fn *taken, void *arg);
void cw_pg_read_stock(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_stock_fact_fn *fact,
                      cw_store_done_fn *done, void *arg);
void cw_pg_read_skus(struct cw_store *store, struct cw_slice after, unsigned limit, cw_marks_fn *read,
                     void *arg);
void cw_pg_read_prices(struct cw_txn *txn, const struct cw_slice *skus, size_t count, cw_price_fn *price,
                       cw_store_done_fn *done, void *arg);
bool cw_pg_put_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                    struct cw_slice external_id, struct cw_slice link, struct cw_error *err);
void cw_pg_get_link(struct cw_txn *txn, struct cw_slice cart, struct cw_slice kind,
                    struct cw_slice external_id, cw_link_fn *found, void *arg);

bool cw_pg_put_message(struct cw_txn *txn, const struct cw_message *message, struct cw_error *err);
bool cw_pg_forget_levels(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream,
                         struct cw_slice external_id, struct cw_error *err);
bool cw_pg_take_back(struct cw_txn *txn, const struct cw_record_key *key, struct cw_slice event,
                     struct cw_slice why, struct cw_error *err);
bool cw_pg_wake_sender(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time at,
                       struct cw_error *err);
void cw_pg_claim_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time now,
                          const struct cw_outbox_limits *limits, cw_messages_fn *claimed, void *arg);
bool cw_pg_settle_message(struct cw_txn *txn, const struct cw_settlement *settlement, struct cw_error *err);
bool cw_pg_orphan_messages(struct cw_txn *txn, struct cw_slice cart, struct cw_slice stream, cw_time due_at,
                           struct cw_error *err);
void cw_pg_read_messages(struct cw_store *store, const struct cw_message_filter *filter,
                         cw_message_fn *message, cw_store_done_fn *done, void *arg);
void cw_pg_count_levels(struct cw_store *store, struct cw_slice cart, struct cw_slice stream, cw_time since,
                        int64_t approved, cw_level_changes_fn *counted, void *arg);
void cw_pg_read_tables(struct cw_store *store, struct cw_slice cart, cw_table_entry_fn *entry,
                       cw_store_done_fn *done, void *arg);
bool cw_pg_put_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table, struct cw_slice key,
                         struct cw_slice value, struct cw_error *err);
bool cw_pg_drop_table_row(struct cw_txn *txn, struct cw_slice cart, struct cw_slice table,
                          struct cw_slice key, struct cw_error *err);
void cw_pg_get_state(struct cw_store *store, struct cw_slice cart, struct cw_slice key, cw_state_fn *found,
                     void *arg);
bool cw_pg_put_state(struct cw_txn *txn, struct cw_slice cart, struct cw_slice key, struct cw_slice value,
                     struct cw_error *err);
void cw_pg_get_user(struct cw_store *store, struct cw_slice name, cw_user_fn *found, void *arg);
bool cw_pg_put_user(struct cw_txn *txn, struct cw_slice name, struct cw_slice password_hash,
                    struct cw_slice groups, struct cw_error *err);
bool cw_pg_audit(struct cw_txn *txn, struct cw_slice who, struct cw_slice action, struct cw_slice object,
                 struct cw_slice before, struct cw_slice after, struct cw_slice reason, cw_time at,
                 struct cw_error *err);

void cw_pg_query(struct cw_store *store, const char *sql, const struct cw_slice *params, size_t param_count,
                 cw_query_row_fn *row, cw_store_done_fn *done, void *arg);

bool cw_pg_hold(struct cw_store *store, struct cw_error *err);
bool cw_pg_read_rows(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                     cw_store_row_fn *taken, void *arg, struct cw_error *err);
bool cw_pg_put_row(struct cw_store *store, const char *sql, const struct cw_bind *binds, size_t count,
                   struct cw_error *err);
bool cw_pg_settle_ids(struct cw_store *store, struct cw_error *err);

#endif
