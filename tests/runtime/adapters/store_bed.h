/* store_bed.h - a store of its own for each test, and calls that wait for their answers.
 *
 * In SQLite, in a folder; with CW_TEST_STORE=postgresql in the environment a schema of PostgreSQL.
 */
#ifndef CW_TESTS_STORE_BED_H
#define CW_TESTS_STORE_BED_H

#include "adapters/store.h"
#include "store_calls.h"
#include "testing.h"

struct store_bed {
    char folder[64];
    char path[256]; /* or the address of the database */
    char schema[32]; /* empty = SQLite */
    const char *vfs;   /* NULL = the default; set before store_bed_open */
    struct test_clock time;
    struct cw_clock clock;
    struct cw_store *store;
};

/* An empty folder, a clock at 2024-03-31T02:30:00Z, no store yet. */
void store_bed_init(struct store_bed *bed);
void store_bed_open(struct store_bed *bed); /* creates the store, or opens it again */
struct cw_store *store_bed_try(struct store_bed *bed, struct cw_error *err);
void store_bed_close(struct store_bed *bed);
void store_bed_fini(struct store_bed *bed); /* closes, and removes the folder */

/* cmocka's set-up and tear-down of a test with an open store; the state is the bed. */
int store_bed_setup(void **state);
int store_bed_teardown(void **state);

/* The answers of one call. */
struct answer {
    int calls;
    bool failed;
    struct cw_error err;
    int64_t number; /* run id, token */
    struct cw_txn *txn;
};
void answer_done(void *arg, const struct cw_error *err);
void answer_ready(void *arg, struct cw_txn *txn, const struct cw_error *err);
void answer_number(void *arg, int64_t number, const struct cw_error *err);

/* Fails the test when no transaction begins. */
struct cw_txn *begin(struct store_bed *bed);
struct cw_txn *begin_fenced(struct store_bed *bed, const char *lease, int64_t token);
void commit(struct cw_txn *txn); /* fails the test when it fails */
bool try_commit(struct cw_txn *txn, struct cw_error *err);
int64_t take_lease(struct store_bed *bed, const char *name, const char *holder, int64_t token, cw_time time,
                   struct cw_error *err); /* 0 and *err when refused */
int64_t start_run(struct store_bed *bed);

/* The rows of a query, columns joined by '|', rows by '\n', NULL as "NULL"; valid until the next call. */
const char *ask(struct store_bed *bed, const char *sql);
const char *ask_with(struct store_bed *bed, const char *sql, const char *first, const char *second);
/* The code of a query that must fail. */
enum cw_code ask_refused(struct store_bed *bed, const char *sql, struct cw_error *err);

/* What cw_txn_get_documents gave. */
struct got_documents {
    struct cw_stored stored[4];
    size_t count;
    struct cw_error err;
    bool failed;
};
struct got_documents read_keys(struct store_bed *bed, const struct cw_kind *kind,
                               const struct cw_record_key *keys, size_t count, struct cw_arena *arena);
/* Fails the test when reading fails. */
struct cw_stored read_one(struct store_bed *bed, const struct cw_kind *kind, const char *id,
                          struct cw_arena *arena);
void take_stored(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err);

/* Statements with another hand than the store's, such as a person's. */
void store_bed_execute(struct store_bed *bed, const char *sql);

/* Skips the test on PostgreSQL: what it measures, SQLite alone can tell. */
void store_bed_needs_sqlite(void);

/* Steps of SQLite's machine that the store's own statements took since the last call: what a look-up costs,
 * whatever else the machine does. */
int store_bed_steps(struct store_bed *bed);

struct cw_record_key key_of(const char *id); /* cart "shop", stream "orders in" */
struct cw_raw raw_of(const char *id, const char *bytes);

struct cw_decimal money(const char *text);
/* An order of `line_count` lines; lines "SKU-1" to "SKU-n". */
struct cw_document *order_of(struct cw_arena *arena, const char *id, int line_count);
struct cw_value *set(struct cw_document *doc, const char *field);
void set_text(struct cw_document *doc, const char *field, const char *text);
void set_money(struct cw_document *doc, const char *field, const char *text);
struct cw_document *add_to(struct cw_arena *arena, struct cw_document *doc, const char *list);

#endif
