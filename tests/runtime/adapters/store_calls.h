/* store_calls.h - calls of the store that wait for their answers.
 *
 * An engine may answer later than the call returns, and may report a failed put as late as at commit. The
 * tests of what the store does, not of when, call through these: every call returns with its answer given,
 * and a put with whether the transaction still stands. For SQLite nothing is waited for. A server is told
 * first what time it is by the clock of the test.
 */
#ifndef CW_TESTS_STORE_CALLS_H
#define CW_TESTS_STORE_CALLS_H

#include "adapters/store_engine.h"
#include "pg_server.h"

static inline bool store_settled(struct cw_txn *txn, bool ok)
{
    cw_store_wait(txn->store);
    return ok && cw_txn_error(txn) == NULL;
}

/* The transaction may be gone afterwards. */
static inline struct cw_store *store_of_txn(const struct cw_txn *txn)
{
    return txn->store;
}

static inline struct cw_store *store_in_time(struct cw_store *store)
{
    if (pg_server_is_wanted())
        pg_server_set_clock(cw_now(store->clock));
    return store;
}

#define WAITING_(store, call)                                                                                \
    do {                                                                                                     \
        struct cw_store *waiting_ = store_in_time(store);                                                    \
        call;                                                                                                \
        cw_store_wait(waiting_);                                                                             \
    } while (0)
#define OF_STORE_(name, store, ...) WAITING_(store, (name)(waiting_, __VA_ARGS__))
#define OF_TXN_(name, txn, ...)                                                                              \
    do {                                                                                                     \
        struct cw_txn *asking_ = (txn);                                                                      \
        WAITING_(store_of_txn(asking_), (name)(asking_, __VA_ARGS__));                                       \
    } while (0)
#define PUT_(name, txn, ...)                                                                                 \
    __extension__({                                                                                          \
        struct cw_txn *putting_ = (txn);                                                                     \
        store_in_time(store_of_txn(putting_));                                                               \
        store_settled(putting_, (name)(putting_, __VA_ARGS__));                                              \
    })

#define cw_txn_begin(store, ...) OF_STORE_(cw_txn_begin, store, __VA_ARGS__)
#define cw_txn_commit(txn, ...)  OF_TXN_(cw_txn_commit, txn, __VA_ARGS__)
#define cw_txn_rollback(txn)                                                                                 \
    do {                                                                                                     \
        struct cw_txn *ending_ = (txn);                                                                      \
        WAITING_(store_of_txn(ending_), (cw_txn_rollback)(ending_));                                         \
    } while (0)

#define cw_txn_find_raw(txn, ...)       OF_TXN_(cw_txn_find_raw, txn, __VA_ARGS__)
#define cw_txn_get_documents(txn, ...)  OF_TXN_(cw_txn_get_documents, txn, __VA_ARGS__)
#define cw_txn_ask(txn, ...)            OF_TXN_(cw_txn_ask, txn, __VA_ARGS__)
#define cw_txn_put_webhook(txn, ...)    OF_TXN_(cw_txn_put_webhook, txn, __VA_ARGS__)
#define cw_txn_prune(txn, ...)          OF_TXN_(cw_txn_prune, txn, __VA_ARGS__)
#define cw_txn_read_shipped(txn, ...)   OF_TXN_(cw_txn_read_shipped, txn, __VA_ARGS__)
#define cw_txn_take_marks(txn, ...)     OF_TXN_(cw_txn_take_marks, txn, __VA_ARGS__)
#define cw_txn_read_stock(txn, ...)     OF_TXN_(cw_txn_read_stock, txn, __VA_ARGS__)
#define cw_txn_read_prices(txn, ...)    OF_TXN_(cw_txn_read_prices, txn, __VA_ARGS__)
#define cw_txn_get_link(txn, ...)       OF_TXN_(cw_txn_get_link, txn, __VA_ARGS__)
#define cw_txn_claim_messages(txn, ...) OF_TXN_(cw_txn_claim_messages, txn, __VA_ARGS__)

#define cw_store_read_skus(store, ...)     OF_STORE_(cw_store_read_skus, store, __VA_ARGS__)
#define cw_store_read_raw(store, ...)      OF_STORE_(cw_store_read_raw, store, __VA_ARGS__)
#define cw_store_get_cursor(store, ...)    OF_STORE_(cw_store_get_cursor, store, __VA_ARGS__)
#define cw_store_start_run(store, ...)     OF_STORE_(cw_store_start_run, store, __VA_ARGS__)
#define cw_store_take_lease(store, ...)    OF_STORE_(cw_store_take_lease, store, __VA_ARGS__)
#define cw_store_drop_lease(store, ...)    OF_STORE_(cw_store_drop_lease, store, __VA_ARGS__)
#define cw_store_read_jobs(store, ...)     OF_STORE_(cw_store_read_jobs, store, __VA_ARGS__)
#define cw_store_claim_job(store, ...)     OF_STORE_(cw_store_claim_job, store, __VA_ARGS__)
#define cw_store_read_messages(store, ...) OF_STORE_(cw_store_read_messages, store, __VA_ARGS__)
#define cw_store_count_levels(store, ...)  OF_STORE_(cw_store_count_levels, store, __VA_ARGS__)
#define cw_store_read_controls(store, ...) OF_STORE_(cw_store_read_controls, store, __VA_ARGS__)
#define cw_store_read_tables(store, ...)   OF_STORE_(cw_store_read_tables, store, __VA_ARGS__)
#define cw_store_get_state(store, ...)     OF_STORE_(cw_store_get_state, store, __VA_ARGS__)
#define cw_store_get_user(store, ...)      OF_STORE_(cw_store_get_user, store, __VA_ARGS__)
#define cw_store_query(store, ...)         OF_STORE_(cw_store_query, store, __VA_ARGS__)

#define cw_txn_put_raw(txn, ...)         PUT_(cw_txn_put_raw, txn, __VA_ARGS__)
#define cw_txn_set_outcome(txn, ...)     PUT_(cw_txn_set_outcome, txn, __VA_ARGS__)
#define cw_txn_put_staged(txn, ...)      PUT_(cw_txn_put_staged, txn, __VA_ARGS__)
#define cw_txn_drop_staged(txn, ...)     PUT_(cw_txn_drop_staged, txn, __VA_ARGS__)
#define cw_txn_put_release(txn, ...)     PUT_(cw_txn_put_release, txn, __VA_ARGS__)
#define cw_txn_put_edit(txn, ...)        PUT_(cw_txn_put_edit, txn, __VA_ARGS__)
#define cw_txn_drop_edit(txn, ...)       PUT_(cw_txn_drop_edit, txn, __VA_ARGS__)
#define cw_txn_put_document(txn, ...)    PUT_(cw_txn_put_document, txn, __VA_ARGS__)
#define cw_txn_drop_document(txn, ...)   PUT_(cw_txn_drop_document, txn, __VA_ARGS__)
#define cw_txn_put_demands(txn, ...)     PUT_(cw_txn_put_demands, txn, __VA_ARGS__)
#define cw_txn_mark_skus(txn, ...)       PUT_(cw_txn_mark_skus, txn, __VA_ARGS__)
#define cw_txn_put_link(txn, ...)        PUT_(cw_txn_put_link, txn, __VA_ARGS__)
#define cw_txn_put_cursor(txn, ...)      PUT_(cw_txn_put_cursor, txn, __VA_ARGS__)
#define cw_txn_reset_cursor(txn, ...)    PUT_(cw_txn_reset_cursor, txn, __VA_ARGS__)
#define cw_txn_put_run(txn, ...)         PUT_(cw_txn_put_run, txn, __VA_ARGS__)
#define cw_txn_put_run_note(txn, ...)    PUT_(cw_txn_put_run_note, txn, __VA_ARGS__)
#define cw_txn_plan_jobs(txn, ...)       PUT_(cw_txn_plan_jobs, txn, __VA_ARGS__)
#define cw_txn_end_job(txn, ...)         PUT_(cw_txn_end_job, txn, __VA_ARGS__)
#define cw_txn_wake_job(txn, ...)        PUT_(cw_txn_wake_job, txn, __VA_ARGS__)
#define cw_txn_put_control(txn, ...)     PUT_(cw_txn_put_control, txn, __VA_ARGS__)
#define cw_txn_put_message(txn, ...)     PUT_(cw_txn_put_message, txn, __VA_ARGS__)
#define cw_txn_forget_levels(txn, ...)   PUT_(cw_txn_forget_levels, txn, __VA_ARGS__)
#define cw_txn_take_back(txn, ...)       PUT_(cw_txn_take_back, txn, __VA_ARGS__)
#define cw_txn_wake_sender(txn, ...)     PUT_(cw_txn_wake_sender, txn, __VA_ARGS__)
#define cw_txn_settle_message(txn, ...)  PUT_(cw_txn_settle_message, txn, __VA_ARGS__)
#define cw_txn_orphan_messages(txn, ...) PUT_(cw_txn_orphan_messages, txn, __VA_ARGS__)
#define cw_txn_put_table_row(txn, ...)   PUT_(cw_txn_put_table_row, txn, __VA_ARGS__)
#define cw_txn_drop_table_row(txn, ...)  PUT_(cw_txn_drop_table_row, txn, __VA_ARGS__)
#define cw_txn_put_state(txn, ...)       PUT_(cw_txn_put_state, txn, __VA_ARGS__)
#define cw_txn_put_user(txn, ...)        PUT_(cw_txn_put_user, txn, __VA_ARGS__)
#define cw_txn_audit(txn, ...)           PUT_(cw_txn_audit, txn, __VA_ARGS__)

#endif
