/* pg_stock.h - private to the PostgreSQL engine: reading what belongs to many keys with one statement. */
#ifndef CW_ADAPTERS_PG_STOCK_H
#define CW_ADAPTERS_PG_STOCK_H

#include "adapters/pg_engine.h"

struct cw_pg_each;

/* Takes one row. False ends the reading: without *ok because of *err, which loses the transaction, else
 * because nothing more is wanted. */
typedef bool cw_pg_row_fn(const struct cw_pg_each *each, PGresult *result, int row, bool *ok,
                          struct cw_error *err);

struct cw_pg_each {
    struct cw_txn *txn;
    cw_pg_row_fn *take;
    union { /* the caller's, as `take` knows */
        cw_stock_fact_fn *fact;
        cw_price_fn *price;
        cw_shipped_fn *shipped;
    };
    cw_store_done_fn *done;
    void *arg; /* of the caller's two functions */
};

/* Reads the rows of a statement whose $1 are the texts, as text[], and $2 the cart where it is not empty. */
void cw_pg_read_each(const struct cw_pg_each *each, const char *sql, const struct cw_slice *texts,
                     size_t count, struct cw_slice cart);

/* A look-up in an index that has the beginnings of long texts. */
#define CW_PG_SAME(column, value)                                                                            \
    "left(" column ", 200) = left(" value ", 200) AND " column " = " value " AND " column " IS NOT NULL"
/* The texts of $1, each once. */
#define CW_PG_EACH "(SELECT DISTINCT unnest($1::text[]) COLLATE \"C\" AS text) k"

static inline const char *cw_pg_place(const struct cw_pg_each *each)
{
    return ((const struct cw_pg *)each->txn->store)->place;
}

#endif
