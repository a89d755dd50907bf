/* sqlite_stock.h - private to the SQLite engine: reading what belongs to many keys with one statement. */
#ifndef CW_ADAPTERS_SQLITE_STOCK_H
#define CW_ADAPTERS_SQLITE_STOCK_H

#include "adapters/sqlite_engine.h"

/* Many texts as one value: json_each(?1) makes rows of it. Valid as long as `json`. */
bool cw_sqlite_bind_list(const struct cw_slice *texts, size_t count, struct cw_buffer *json,
                         struct cw_bind *bind, struct cw_error *err);

/* Takes one row. False ends the reading: without *ok because of *err, which loses the transaction, else
 * because nothing more is wanted. */
typedef bool cw_sqlite_row_fn(void *arg, sqlite3_stmt *row, bool *ok, struct cw_error *err);

/* Reads the rows of a statement whose ?1 are the texts, and ?2 the cart where it is not empty. */
void cw_sqlite_read_each(struct cw_txn *txn, const char *sql, const struct cw_slice *texts, size_t count,
                         struct cw_slice cart, cw_sqlite_row_fn *take, void *arg, cw_store_done_fn *done,
                         void *done_arg);

#endif
