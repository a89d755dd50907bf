/* pg_result.c - columns of results, and the errors of server and connection as ours. */
#include "adapters/pg_link.h"

#include <stdlib.h>

/* --- columns --- */

bool cw_pg_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) == 1;
}

struct cw_slice cw_pg_slice(const PGresult *result, int row, int column)
{
    if (cw_pg_is_null(result, row, column))
        return (struct cw_slice){ NULL, 0 };
    return (struct cw_slice){ PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column) };
}

/* Big-endian, of 1, 2, 4 or 8 bytes. */
int64_t cw_pg_int(const PGresult *result, int row, int column)
{
    struct cw_slice bytes = cw_pg_slice(result, row, column);
    if (bytes.len == 0)
        return 0;
    uint64_t value = (signed char)bytes.data[0] < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.data[i];
    return (int64_t)value;
}

cw_time cw_pg_time(const PGresult *result, int row, int column)
{
    return cw_store_time_parse(cw_pg_slice(result, row, column));
}

/* --- errors --- */

const char *cw_pg_sqlstate(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE); /* NULL for no result */
    return state != NULL ? state : "";
}

static bool is_class(const char *sqlstate, const char *class)
{
    return strncmp(sqlstate, class, strlen(class)) == 0;
}

/* What is fatal ends the session: the server stops or crashed, somebody ended it, it was idle for too long.
 */
bool cw_pg_is_link_error(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* What the server says, in one line. */
static void message_of(const PGresult *result, char *out, size_t cap)
{
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    if (primary == NULL)
        primary = PQresultErrorMessage(result);
    snprintf(out, cap, "%s%s%s", primary, detail != NULL ? "; " : "", detail != NULL ? detail : "");
    out[strcspn(out, "\n")] = '\0';
}

static bool fail_resources(const char *place, const char *state, const char *message, struct cw_error *err)
{
    if (strcmp(state, "53100") == 0)
        return cw_fail(
            err, CW_UNAVAILABLE,
            "the disk of %s is full: nothing of this transaction was stored; it can be repeated as soon "
            "as there is room",
            place);
    return cw_fail(err, CW_UNAVAILABLE,
                   "%s has too little memory or too few connections: %s; try again later", place, message);
}

static bool fail_contention(const char *place, const char *state, const char *message, struct cw_error *err)
{
    if (strcmp(state, "55P03") == 0)
        return cw_fail(err, CW_UNAVAILABLE,
                       "another process has been writing to %s for too long; try again when it is done",
                       place);
    return cw_fail(err, CW_CONFLICT, "%s: %s; nothing of this transaction was stored, it can be repeated",
                   place, message);
}

bool cw_pg_fail(const struct cw_pg *pg, const PGresult *result, struct cw_error *err)
{
    char message[400];
    const char *state = cw_pg_sqlstate(result), *place = pg->place;
    message_of(result, message, sizeof message);
    if (state[0] == '\0') /* libpq's own: what came could not be kept */
        return cw_fail(err, CW_NOMEM, "%s: %s", place, message);
    if (is_class(state, "23"))
        return cw_fail(err, CW_CONFLICT, "%s refuses it: %s", place, message);
    if (is_class(state, "40") || strcmp(state, "55P03") == 0)
        return fail_contention(place, state, message, err);
    if (strcmp(state, "57014") == 0)
        return cw_fail(err, CW_TIMEOUT, "%s: it took too long: %s", place, message);
    if (cw_pg_is_link_error(result))
        return cw_fail(err, CW_UNAVAILABLE, "%s ended the connection: %s; try again when the server is back",
                       place, message);
    if (is_class(state, "53"))
        return fail_resources(place, state, message, err);
    if (is_class(state, "54"))
        return cw_fail(err, CW_LIMIT, "a row or a text is larger than %s takes: %s", place, message);
    if (strcmp(state, "42501") == 0)
        return cw_fail(err, CW_PERMISSION,
                       "%s: %s; the store's user must be allowed to make tables there, and own them", place,
                       message);
    if (strcmp(state, "25006") == 0)
        return cw_fail(err, CW_REFUSED, "%s: %s", place, message);
    if (is_class(state, "XX001") || is_class(state, "XX002"))
        return cw_fail(err, CW_CORRUPT, "%s is damaged: %s; restore the database from its last backup", place,
                       message);
    if (is_class(state, "58"))
        return cw_fail(err, CW_IO, "%s: the server's disk failed: %s; look at the server's log", place,
                       message);
    return cw_fail(err, CW_USAGE, "%s: %s", place, message);
}

/* libpq has no codes for these; the words are those of an English server, others are just not there. */
bool cw_pg_fail_link(struct cw_pg_link *link, struct cw_error *err)
{
    char message[300];
    const char *place = link->pg->place;
    const char *said = link->conn != NULL ? PQerrorMessage(link->conn) : "out of memory";
    const char *last = said; /* of several addresses that were tried; what is indented only guesses */
    for (const char *line = said; (line = strchr(line, '\n')) != NULL && line[1] != '\0'; line++)
        last = line[1] != '\t' ? line + 1 : last;
    snprintf(message, sizeof message, "%.*s", (int)strcspn(last, "\n"), last);
    if (strstr(said, "authentication failed") != NULL || strstr(said, "no password supplied") != NULL)
        return cw_fail(err, CW_AUTH,
                       "%s does not accept user and password; put the right ones into the store's address, "
                       "or the password into PGPASSWORD or ~/.pgpass: %s",
                       place, message);
    if (strstr(said, "database \"") != NULL && strstr(said, "does not exist") != NULL)
        return cw_fail(err, CW_NOT_FOUND, "%s is not there: %s; make it with createdb", place, message);
    if (strstr(said, "pg_hba.conf") != NULL)
        return cw_fail(err, CW_PERMISSION, "%s does not let this machine or user in: %s", place, message);
    return cw_fail(err, CW_UNAVAILABLE,
                   "%s cannot be reached: %s; is the server running, and is the address right?", place,
                   message);
}
