/* pg_words.h - private to the PostgreSQL engine: what foreign SQL names, looked at word by word before the
 * server sees it.
 *
 * A query runs in a transaction that cannot write. What reading alone can do wrong is refused here: reading
 * the server's files and tables, SQL inside of texts, the users' password hashes, a second statement.
 */
#ifndef CW_ADAPTERS_PG_WORDS_H
#define CW_ADAPTERS_PG_WORDS_H

#include "base/error.h"

struct cw_pg_words {
    bool names_users; /* the table of users */
    size_t with_at;   /* where a table expression can be added in front of others, else 0 */
    unsigned params;  /* the largest number of $1, $2 */
};

/* CW_REFUSED or CW_USAGE where the query is not to be run at all. */
bool cw_pg_read_words(const char *sql, struct cw_pg_words *words, struct cw_error *err);

#endif
