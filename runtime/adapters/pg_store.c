/* pg_store.c - the life of a store in PostgreSQL: its address, opening, closing, and the table of its parts.
 */
#include <stdlib.h>

#include "adapters/pg_link.h"
#include "base/secret.h"

static const struct cw_store_engine engine;

/* --- the address --- */

static const char *option(const PQconninfoOption *options, const char *name)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, name) == 0 && options->val != NULL && options->val[0] != '\0')
            return options->val;
    return NULL;
}

static const char *or_default(const char *value, const char *otherwise)
{
    return value != NULL ? value : otherwise;
}

static void remember(const char *secret)
{
    if (secret != NULL)
        cw_secret_remember(cw_slice(secret));
}

/* What libpq says about a faulty address repeats it, and with it the password. */
static bool read_address(struct cw_pg *pg, const char *uri, struct cw_error *err)
{
    PQconninfoOption *options = PQconninfoParse(uri, NULL);
    if (options == NULL)
        return cw_fail(err, CW_USAGE,
                       "the store's address cannot be read; write postgresql://user@host:5432/database, and "
                       "%%40 for an @ within user or password");
    const char *host = or_default(option(options, "host"), option(options, "hostaddr"));
    const char *port = option(options, "port"), *user = option(options, "user");
    snprintf(pg->place, sizeof pg->place, "postgresql://%s%s%s/%s", or_default(host, "localhost"),
             port != NULL ? ":" : "", or_default(port, ""),
             or_default(option(options, "dbname"), or_default(user, "")));
    remember(option(options, "password"));
    remember(option(options, "sslpassword"));
    PQconninfoFree(options);
    return true;
}

/* --- life --- */

/* Rows of stores that are gone without a word. */
static const char tidy[] = "DELETE FROM commits WHERE committed_at < " CW_PG_CLOCK("-604800000000");
static const char say_bye[] = "DELETE FROM commits WHERE session = $1";

static void close_store(struct cw_store *store)
{
    struct cw_pg *pg = cw_pg_of(store);
    struct cw_pg_link *link = pg->link;
    struct cw_bind session = cw_bind_word(link->session);
    struct cw_error err;
    cw_pg_listen_close(link);
    if (link->state == CW_PG_UP && link->serials > 0) {
        cw_pg_send_with(pg, CW_PG_ONCE, say_bye, &session, 1, NULL, NULL, NULL);
        cw_pg_flush(link); /* whether it arrives does not matter */
    }
    cw_pg_loop_close(link);
    PQfinish(link->conn);
    link->conn = NULL;
    link->state = CW_PG_DOWN;
    cw_fail(&err, CW_CANCELLED, "the store was closed before it had answered");
    cw_pg_cancel_all(link, &err);
    cw_pg_documents_free(pg->documents);
    free(link->uri);
    free(link->password);
    free(link);
    free(pg);
}

static void name_session(char out[33])
{
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)cw_random_system_seed(),
             (unsigned long long)cw_random_system_seed());
}

/* NULL when memory is exhausted. */
static struct cw_pg *create(const struct cw_store_config *config, struct cw_loop *loop)
{
    struct cw_pg *pg = calloc(1, sizeof *pg);
    struct cw_pg_link *link = calloc(1, sizeof *link);
    char *uri = strdup(config->uri);
    if (pg == NULL || link == NULL || uri == NULL) {
        free(pg);
        free(link);
        free(uri);
        return NULL;
    }
    pg->store.engine = &engine;
    pg->store.clock = config->clock != NULL ? config->clock : &cw_system_clock;
    pg->store.loop = loop;
    pg->store.read_only = config->read_only;
    pg->link = link;
    link->pg = pg;
    link->uri = uri;
    link->pause_ns = CW_PG_RETRY_MIN_NS;
    link->watch_fd = -1;
    link->query_time = CW_QUERY_TIME_MAX;
    link->wait_ns = CW_PG_WAIT_NS;
    name_session(link->session);
    return pg;
}

/* It may come from the environment or from a file. */
static bool keep_password(struct cw_pg_link *link, struct cw_error *err)
{
    const char *password = PQpass(link->conn);
    if (password == NULL || password[0] == '\0')
        return true;
    remember(password);
    link->password = strdup(password);
    return link->password != NULL || cw_fail(err, CW_NOMEM, "out of memory for the store");
}

static bool open_store(struct cw_pg *pg, const struct cw_store_config *config, const struct cw_schema *schema,
                       struct cw_error *err)
{
    struct cw_pg_link *link = pg->link;
    if (!read_address(pg, config->uri, err) || !cw_pg_loop_open(link, err) || !cw_pg_connect(link, err))
        return false;
    if (!keep_password(link, err))
        return false;
    if (!cw_pg_settle_schema(link, config, schema, err) || !cw_pg_enter_pipeline(link, err))
        return false;
    if (!config->read_only && !cw_pg_run(pg, tidy, NULL, 0, err))
        return false;
    cw_pg_wait(&pg->store);
    if (link->state == CW_PG_UP && link->backend_pid != 0)
        return true;
    if (err != NULL)
        *err = link->why;
    return false;
}

struct cw_store *cw_pg_open_schema(const struct cw_store_config *config, struct cw_loop *loop,
                                   const struct cw_schema *schema, struct cw_error *err)
{
    struct cw_pg *pg = create(config, loop);
    if (pg == NULL) {
        cw_fail(err, CW_NOMEM, "out of memory for the store");
        return NULL;
    }
    if (open_store(pg, config, schema, err))
        return &pg->store;
    if (err != NULL)
        cw_redact_error(err);
    close_store(&pg->store);
    return NULL;
}

struct cw_store *cw_pg_open(const struct cw_store_config *config, struct cw_loop *loop, struct cw_error *err)
{
    return cw_pg_open_schema(config, loop, &cw_store_schema_postgresql, err);
}

static const struct cw_store_engine engine = {
    .close = close_store,
    .wait = cw_pg_wait,
    .check = cw_pg_check,
    .begin = cw_pg_begin,
    .commit = cw_pg_commit,
    .rollback = cw_pg_rollback,
    .find_raw = cw_pg_find_raw,
    .put_raw = cw_pg_put_raw,
    .set_outcome = cw_pg_set_outcome,
    .read_raw = cw_pg_read_raw,
    .put_staged = cw_pg_put_staged,
    .drop_staged = cw_pg_drop_staged,
    .put_release = cw_pg_put_release,
    .get_documents = cw_pg_get_documents,
    .ask = cw_pg_ask,
    .put_edit = cw_pg_put_edit,
    .drop_edit = cw_pg_drop_edit,
    .put_document = cw_pg_put_document,
    .drop_document = cw_pg_drop_document,
    .get_cursor = cw_pg_get_cursor,
    .put_cursor = cw_pg_put_cursor,
    .reset_cursor = cw_pg_reset_cursor,
    .start_run = cw_pg_start_run,
    .put_run = cw_pg_put_run,
    .put_run_note = cw_pg_put_run_note,
    .take_lease = cw_pg_take_lease,
    .drop_lease = cw_pg_drop_lease,
    .plan_jobs = cw_pg_plan_jobs,
    .read_jobs = cw_pg_read_jobs,
    .claim_job = cw_pg_claim_job,
    .end_job = cw_pg_end_job,
    .wake_job = cw_pg_wake_job,
    .listen = cw_pg_listen,
    .put_control = cw_pg_put_control,
    .read_controls = cw_pg_read_controls,
    .put_webhook = cw_pg_put_webhook,
    .prune = cw_pg_prune,
    .put_demands = cw_pg_put_demands,
    .read_shipped = cw_pg_read_shipped,
    .mark_skus = cw_pg_mark_skus,
    .take_marks = cw_pg_take_marks,
    .read_stock = cw_pg_read_stock,
    .read_skus = cw_pg_read_skus,
    .read_prices = cw_pg_read_prices,
    .put_link = cw_pg_put_link,
    .get_link = cw_pg_get_link,
    .put_message = cw_pg_put_message,
    .forget_levels = cw_pg_forget_levels,
    .take_back = cw_pg_take_back,
    .wake_sender = cw_pg_wake_sender,
    .claim_messages = cw_pg_claim_messages,
    .settle_message = cw_pg_settle_message,
    .orphan_messages = cw_pg_orphan_messages,
    .read_messages = cw_pg_read_messages,
    .count_levels = cw_pg_count_levels,
    .read_tables = cw_pg_read_tables,
    .put_table_row = cw_pg_put_table_row,
    .drop_table_row = cw_pg_drop_table_row,
    .get_state = cw_pg_get_state,
    .put_state = cw_pg_put_state,
    .get_user = cw_pg_get_user,
    .put_user = cw_pg_put_user,
    .audit = cw_pg_audit,
    .query = cw_pg_query,
    .hold = cw_pg_hold,
    .read_rows = cw_pg_read_rows,
    .put_row = cw_pg_put_row,
    .settle_ids = cw_pg_settle_ids,
};
