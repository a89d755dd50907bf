/* pg_schema.c - what a database is that lies there, and bringing its tables to this program's version. All of
 * it waits for the server: it happens before the store is open. */
#include <stdlib.h>

#include "adapters/pg_link.h"

/* Two machines that open a new store together: the second one waits for the first ("CWst"). */
#define LOCK "SELECT pg_advisory_xact_lock(1129804660)"

enum { VALUE_MAX = 132 };

static bool execute(struct cw_pg_link *link, const char *sql, struct cw_error *err)
{
    PGresult *result = PQexec(link->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || cw_pg_fail(link->pg, result, err);
    PQclear(result);
    return ok;
}

/* The first value of the first row; empty where there is none. */
static bool ask(struct cw_pg_link *link, const char *sql, char value[VALUE_MAX], struct cw_error *err)
{
    PGresult *result = PQexec(link->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || cw_pg_fail(link->pg, result, err);
    if (ok)
        snprintf(value, VALUE_MAX, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return ok;
}

/* --- what lies there --- */

/* Texts of all languages, and a place for tables of one's own. */
static bool check_database(struct cw_pg_link *link, struct cw_error *err)
{
    char encoding[VALUE_MAX], schema[VALUE_MAX];
    if (!ask(link, "SHOW server_encoding", encoding, err) ||
        !ask(link, "SELECT current_schema()", schema, err))
        return false;
    if (strcmp(encoding, "UTF8") != 0)
        return cw_fail(err, CW_USAGE,
                       "%s keeps texts as %s, the store needs UTF8; make one with createdb -E "
                       "UTF8 -T template0",
                       link->pg->place, encoding);
    return schema[0] != '\0' ||
           cw_fail(err, CW_USAGE, "%s: no schema of the search_path is there; make one", link->pg->place);
}

/* 0 = no tables of ours. */
static bool read_version(struct cw_pg_link *link, int *version, struct cw_error *err)
{
    char value[VALUE_MAX];
    *version = 0;
    if (!ask(link, "SELECT to_regclass(quote_ident(current_schema()) || '.meta')", value, err))
        return false;
    if (value[0] == '\0')
        return true;
    if (!ask(link, "SELECT value FROM meta WHERE name = 'schema'", value, err))
        return false;
    *version = atoi(value);
    return true;
}

static bool is_empty(struct cw_pg_link *link, struct cw_error *err)
{
    char count[VALUE_MAX];
    if (!ask(link,
             "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind "
             "IN ('r', 'p', 'v')",
             count, err))
        return false;
    return strcmp(count, "0") == 0 ||
           cw_fail(err, CW_USAGE, "%s holds tables of another program; give the store a database of its own",
                   link->pg->place);
}

static bool may_create(struct cw_pg_link *link, const struct cw_store_config *config, struct cw_error *err)
{
    return is_empty(link, err) &&
           ((config->create && !config->read_only) ||
            cw_fail(err, CW_NOT_FOUND, "there is no store in %s yet; make one with cartwright new",
                    link->pg->place));
}

/* --- bringing it forward --- */

static bool take_step(struct cw_pg_link *link, const struct cw_schema_step *step, struct cw_error *err)
{
    char mark[128];
    snprintf(mark, sizeof mark, "UPDATE meta SET value = '%d' WHERE name = 'schema'", step->to);
    return (execute(link, step->sql, err) && execute(link, mark, err)) ||
           cw_fail_in(err, "step to version %d of the store's tables", step->to);
}

static bool take_steps(struct cw_pg_link *link, const struct cw_schema *schema, struct cw_error *err)
{
    int version; /* read again: another process may have been first */
    if (!execute(link, LOCK, err) || !read_version(link, &version, err))
        return false;
    for (size_t i = 0; i < schema->count; i++)
        if (schema->steps[i].to > version && !take_step(link, &schema->steps[i], err))
            return false;
    link->pg->store.is_new = version == 0;
    return true;
}

static bool migrate(struct cw_pg_link *link, const struct cw_schema *schema, struct cw_error *err)
{
    if (!execute(link, "BEGIN; SET LOCAL lock_timeout = '30s'", err))
        return false;
    bool ok = take_steps(link, schema, err) && execute(link, "COMMIT", err);
    if (!ok)
        execute(link, "ROLLBACK", NULL);
    return ok;
}

static bool fail_version(struct cw_pg_link *link, int version, int ours, struct cw_error *err)
{
    if (version > ours)
        return cw_fail(
            err, CW_USAGE,
            "%s was written by a newer Cartwright: its tables are version %d, this program knows up to %d. "
            "Install the newer program, or restore the backup from before its first start",
            link->pg->place, version, ours);
    return cw_fail(
        err, CW_USAGE,
        "the tables of %s are version %d, this program needs %d; any command that writes brings them forward",
        link->pg->place, version, ours);
}

/* The version of the tables is this program's afterwards. */
static bool settle_version(struct cw_pg_link *link, const struct cw_store_config *config,
                           const struct cw_schema *schema, struct cw_error *err)
{
    int version, ours = schema->steps[schema->count - 1].to;
    if (!read_version(link, &version, err))
        return false;
    if (version == 0 && !may_create(link, config, err))
        return false;
    if (version > ours || (version < ours && config->read_only))
        return fail_version(link, version, ours, err);
    return version == ours || migrate(link, schema, err);
}

bool cw_pg_settle_schema(struct cw_pg_link *link, const struct cw_store_config *config,
                         const struct cw_schema *schema, struct cw_error *err)
{
    char id[VALUE_MAX];
    if (!check_database(link, err) || !settle_version(link, config, schema, err) ||
        !ask(link, "SELECT value FROM meta WHERE name = 'site'", id, err) ||
        !ask(link, "SELECT quote_ident(current_schema())", link->schema, err))
        return false;
    snprintf(link->pg->store.id, sizeof link->pg->store.id, "%.32s", id);
    return true;
}
