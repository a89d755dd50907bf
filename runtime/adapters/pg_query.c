/* pg_query.c - reading by SQL that others wrote: one SELECT, no secrets, and not for ever.
 *
 * Inside the store's own transaction it stands between savepoints, so that it sees what was written and its
 * errors and settings leave with it.
 */
#include <stdlib.h>

#include "adapters/pg_link.h"
#include "adapters/pg_words.h"

static const char savepoint[] = "SAVEPOINT cartwright_query";
static const char roll_back_to[] = "ROLLBACK TO SAVEPOINT cartwright_query";
static const char release[] = "RELEASE SAVEPOINT cartwright_query";
static const char restrict_it[] =
    "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', $1, true)";

/* Takes the place of the table in foreign SQL. Whoever reads the column, also by "*", gets an error; nothing
 * is computed for those who do not. */
#define HIDDEN "the users'' password hashes are not shown: "
#define USERS                                                                                                \
    "users AS NOT MATERIALIZED (SELECT name, ('" HIDDEN "' || name)::bigint::text AS password_hash, "        \
    "user_groups, changed_at FROM %s.users)"
enum { OID_BOOL = 16, OID_BYTEA = 17 };

struct querying {
    struct cw_pg *pg;
    cw_query_row_fn *row;
    cw_store_done_fn *done;
    void *arg;
    bool is_over; /* told to stop, or failed: what still comes is passed by */
    struct cw_error err;
    struct cw_slice *slices, *names; /* of `columns`, in one piece; NULL before the first row */
    unsigned char **bytes;           /* decoded, to be freed; NULL where there are none */
};

/* --- errors --- */

static bool fail_query(const struct cw_pg *pg, const PGresult *result, struct cw_error *err)
{
    const char *state = cw_pg_sqlstate(result);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message == NULL)
        message = "no message";
    if (strstr(message, "password hashes are not shown") != NULL)
        return cw_fail(err, CW_REFUSED,
                       "access to users.password_hash is prohibited; name the columns to read");
    if (strcmp(state, "25006") == 0 || strcmp(state, "42501") == 0)
        return cw_fail(err, CW_REFUSED, "%s; a query may only read, with SELECT", message);
    if (strcmp(state, "57014") == 0)
        return cw_fail(err, CW_TIMEOUT, "%s: reading took too long", pg->place);
    bool is_faulty = strncmp(state, "42", 2) == 0 || strncmp(state, "22", 2) == 0 ||
                     strncmp(state, "0A", 2) == 0 || strncmp(state, "08", 2) == 0;
    return is_faulty ? cw_fail(err, CW_USAGE, "the query is faulty: %s", message)
                     : cw_pg_fail(pg, result, err);
}

/* --- rows --- */

static void free_bytes(struct querying *q, int columns)
{
    for (int i = 0; q->bytes != NULL && i < columns; i++) {
        PQfreemem(q->bytes[i]);
        q->bytes[i] = NULL;
    }
}

static bool set_columns(struct querying *q, const PGresult *result)
{
    size_t columns = (size_t)PQnfields(result);
    q->slices = calloc(2 * columns + 1, sizeof *q->slices);
    q->bytes = calloc(columns + 1, sizeof *q->bytes);
    if (q->slices == NULL || q->bytes == NULL)
        return false;
    q->names = q->slices + columns;
    for (size_t i = 0; i < columns; i++)
        q->names[i] = cw_slice(PQfname(result, (int)i));
    return true;
}

/* As in SQLite: bytes as they are, truth as 1 and 0. */
static bool set_value(struct querying *q, const PGresult *result, int column)
{
    struct cw_slice *value = &q->slices[column];
    Oid type = PQftype(result, column);
    *value = cw_pg_slice(result, 0, column);
    if (value->data == NULL)
        return true;
    if (type == OID_BOOL)
        *value = cw_slice(value->data[0] == 't' ? "1" : "0");
    if (type != OID_BYTEA)
        return true;
    q->bytes[column] = PQunescapeBytea((const unsigned char *)value->data, &value->len);
    value->data = (const char *)q->bytes[column];
    return value->data != NULL;
}

static bool hand_out(struct querying *q, const PGresult *result)
{
    int columns = PQnfields(result);
    bool ok = q->slices != NULL || set_columns(q, result);
    for (int i = 0; ok && i < columns; i++) {
        q->names[i] = cw_slice(PQfname(result, i)); /* they live as long as the row */
        ok = set_value(q, result, i);
    }
    if (!ok)
        cw_fail(&q->err, CW_NOMEM, "out of memory for a query");
    bool goes_on = ok && q->row(q->arg, (size_t)columns, q->names, q->slices);
    free_bytes(q, columns);
    return goes_on;
}

static void finish(struct querying *q)
{
    struct querying over = *q;
    free(q->slices);
    free(q->bytes);
    free(q);
    over.done(over.arg, over.err.code != CW_OK ? &over.err : NULL);
}

static void note_row(void *arg, PGresult *result, const struct cw_error *err)
{
    struct querying *q = arg;
    if (err != NULL && q->err.code == CW_OK) {
        q->err = *err;
        if (cw_pg_sqlstate(result)[0] != '\0')
            fail_query(q->pg, result, &q->err);
    }
    if (err != NULL || PQresultStatus(result) != PGRES_SINGLE_TUPLE)
        finish(q);
    else if (!q->is_over)
        q->is_over = !hand_out(q, result);
}

/* --- sending --- */

/* The query with the table of users hidden; to be freed. */
static bool hide_users(struct cw_pg_link *link, const char *sql, const struct cw_pg_words *words,
                       struct cw_buffer *text, struct cw_error *err)
{
    size_t at = words->with_at;
    return cw_buffer_print(text, err, "%.*s%s" USERS "%s %s", (int)at, sql, at > 0 ? " " : "WITH ",
                           link->schema, at > 0 ? "," : "", sql + at);
}

static bool send_apart(struct cw_pg *pg, unsigned flags, const char *sql, struct cw_error *err)
{
    return cw_pg_send_with(pg, flags | CW_PG_ONCE | CW_PG_APART, sql, NULL, 0, NULL, NULL, err);
}

static bool send_query(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                       struct querying *q, struct cw_error *err)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%lld", (long long)(pg->link->query_time / 1000));
    const struct cw_bind time = cw_bind_word(limit);
    return cw_pg_send_with(pg, CW_PG_ONCE | CW_PG_APART | CW_PG_MORE, restrict_it, &time, 1, NULL, NULL,
                           err) &&
           cw_pg_send_with(pg, CW_PG_ONCE | CW_PG_APART | CW_PG_FOREIGN | CW_PG_ROWS, sql, binds, count,
                           note_row, q, err);
}

/* Once the query was sent its answer comes; what closes it can then only be lost with the connection. */
static bool send_inside(struct cw_pg *pg, const char *sql, const struct cw_bind *binds, size_t count,
                        struct querying *q, struct cw_error *err)
{
    struct cw_error ignored;
    if (pg->link->unsynced > 0)
        cw_pg_sync(pg->link);
    if (!send_apart(pg, CW_PG_MORE, savepoint, err))
        return false;
    bool ok = send_query(pg, sql, binds, count, q, err);
    cw_pg_sync(pg->link);
    if (!send_apart(pg, CW_PG_MORE, roll_back_to, &ignored) || !send_apart(pg, 0, release, &ignored))
        cw_txn_lose(pg->store.current, &ignored);
    return ok;
}

static bool send_params(struct cw_pg *pg, const char *sql, const struct cw_slice *params, size_t count,
                        struct querying *q, struct cw_error *err)
{
    struct cw_bind binds[CW_PG_BINDS_MAX];
    for (size_t i = 0; i < count; i++) {
        binds[i] = cw_bind_text(params[i]);
        if (params[i].data == NULL)
            binds[i].type = CW_BIND_NULL;
    }
    return cw_pg_turn_serial(pg->link) != 0 ? send_inside(pg, sql, binds, count, q, err)
                                            : send_query(pg, sql, binds, count, q, err);
}

static bool start(struct cw_pg *pg, const char *sql, const struct cw_slice *params, size_t count,
                  struct querying *q, struct cw_error *err)
{
    struct cw_pg_words words;
    struct cw_buffer text = { 0 };
    if (!cw_pg_read_words(sql, &words, err))
        return false;
    if (words.params > count || count > CW_PG_BINDS_MAX)
        return cw_fail(err, CW_USAGE,
                       "the query has a parameter $%u, but %zu values were given; write $1, $2", words.params,
                       count);
    bool ok = !words.names_users || hide_users(pg->link, sql, &words, &text, err);
    ok = ok && send_params(pg, words.names_users ? text.data : sql, params, count, q, err);
    cw_buffer_fini(&text);
    return ok;
}

void cw_pg_query(struct cw_store *store, const char *sql, const struct cw_slice *params, size_t param_count,
                 cw_query_row_fn *row, cw_store_done_fn *done, void *arg)
{
    struct querying *q = calloc(1, sizeof *q);
    struct cw_error err;
    bool ok = q != NULL || cw_fail(&err, CW_NOMEM, "out of memory for a query");
    if (ok) {
        *q = (struct querying){ .pg = cw_pg_of(store), .row = row, .done = done, .arg = arg };
        ok = start(q->pg, sql, params, param_count, q, &err);
    }
    if (ok)
        return;
    free(q);
    done(arg, &err);
}
