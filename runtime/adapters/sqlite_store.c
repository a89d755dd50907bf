/* sqlite_store.c - the life of a store in SQLite: opening, settings, what a file is that lies there, closing.
 */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the file's header, so that `file` and we can tell a store from any other database: "CWst". */
enum { APPLICATION_ID = 0x43577374 };

/* Limits on what SQL may build in memory: rows of a few of our largest texts. */
enum { ROW_BYTES_MAX = 4 * CW_STORE_TEXT_MAX };

static const struct cw_store_engine engine;

/* --- the connection --- */

/* A relative path is marked as one, so that SQLite takes no name for an address ("file:...") or for memory.
 */
static char *plain_path(const char *path)
{
    size_t cap = strlen(path) + 3;
    char *plain = malloc(cap);
    if (plain != NULL)
        sqlite3_snprintf((int)cap, plain, "%s%s", path[0] == '/' ? "" : "./", path);
    return plain;
}

static bool exists(const struct cw_store_config *config, const char *path)
{
    int there = 0;
    sqlite3_vfs *vfs = sqlite3_vfs_find(config->vfs);
    return vfs != NULL && vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there;
}

static bool connect_file(struct cw_sqlite *s, const struct cw_store_config *config, struct cw_error *err)
{
    int flags = config->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (config->create && !config->read_only)
        flags |= SQLITE_OPEN_CREATE;
    else if (!exists(config, s->path))
        return cw_fail(err, CW_NOT_FOUND,
                       "there is no store at %s; check the path, or make one with cartwright new", s->path);
    int rc =
        sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, config->vfs);
    if (s->db == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory while opening %s", s->path);
    if (rc != SQLITE_OK)
        return cw_sqlite_fail(s, err);
    if (!config->read_only && sqlite3_db_readonly(s->db, "main") == 1)
        return cw_fail(err, CW_IO,
                       "%s cannot be written; check owner, permissions, and how the disk is mounted",
                       s->path);
    return true;
}

static int remember_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct cw_sqlite *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static int past_deadline(void *arg)
{
    const struct cw_sqlite *s = arg;
    return s->deadline_ns != 0 && cw_elapsed_ns(s->store.clock) > s->deadline_ns;
}

/* Before anything of the file is read: nothing in it is trusted yet. */
static void harden(struct cw_sqlite *s)
{
    sqlite3_busy_timeout(s->db, CW_SQLITE_BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(s->db, cw_sqlite_authorize, s);
    sqlite3_progress_handler(s->db, 1000, past_deadline, s);
    sqlite3_wal_hook(s->db, remember_wal, s);
}

/* secure_delete=FAST: what is deleted is overwritten where that costs no further write. The cache holds one
 * page of records (250 orders, 2 to 3 MB) with room; memory stays flat however large the file. */
static const char settings[] =
    "PRAGMA page_size = 16384; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
    "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; "
    "PRAGMA cache_size = -6000; PRAGMA secure_delete = FAST; "
    "PRAGMA journal_size_limit = 67108864;";

/* --- what lies there --- */

static bool read_int(struct cw_sqlite *s, const char *sql, int64_t *out, struct cw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok =
        sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int64(stmt, 0);
    else
        cw_sqlite_fail(s, err);
    sqlite3_finalize(stmt);
    return ok;
}

/* A store, or an empty file that may become one; anything else is left alone. */
static bool identify(struct cw_sqlite *s, const struct cw_store_config *config, bool *is_new,
                     struct cw_error *err)
{
    int64_t id, tables;
    *is_new = false;
    if (!read_int(s, "PRAGMA application_id", &id, err))
        return false;
    if (id == APPLICATION_ID)
        return true;
    if (!read_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    if (tables > 0)
        return cw_fail(err, CW_USAGE, "%s is a database of another program, not a store; give another path",
                       s->path);
    *is_new = true;
    return (config->create && !config->read_only) ||
           cw_fail(err, CW_NOT_FOUND, "there is no store in %s yet; make one with cartwright new", s->path);
}

/* Two processes that open a new file together: the loser of the race waits here, where SQLite itself would
 * not. */
static bool use_log(struct cw_sqlite *s, struct cw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_BUSY;
    for (int waited_ms = 0; (rc & 0xff) == SQLITE_BUSY && waited_ms <= CW_SQLITE_BUSY_MS; waited_ms += 10) {
        sqlite3_finalize(stmt);
        if (sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) != SQLITE_OK)
            return cw_sqlite_fail(s, err);
        rc = sqlite3_step(stmt);
        if ((rc & 0xff) == SQLITE_BUSY)
            sqlite3_sleep(10);
    }
    bool ok = rc == SQLITE_ROW || cw_sqlite_fail(s, err);
    if (ok && !cw_slice_is(cw_sqlite_slice(stmt, 0), "wal"))
        ok = cw_fail(err, CW_IO,
                     "%s lies on a file system that cannot share memory between processes; move it to a "
                     "local disk",
                     s->path);
    sqlite3_finalize(stmt);
    return ok;
}

/* --- schema --- */

static bool read_version(struct cw_sqlite *s, int64_t *version, struct cw_error *err)
{
    int64_t tables;
    *version = 0;
    if (!read_int(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", &tables, err))
        return false;
    return tables == 0 || read_int(s, "SELECT value FROM meta WHERE name = 'schema'", version, err);
}

static bool take_step(struct cw_sqlite *s, const struct cw_schema_step *step, struct cw_error *err)
{
    char mark[128];
    sqlite3_snprintf(sizeof mark, mark, "UPDATE meta SET value = '%d' WHERE name = 'schema'", step->to);
    return (cw_sqlite_execute(s, step->sql, err) && cw_sqlite_execute(s, mark, err)) ||
           cw_fail_in(err, "step to version %d of the store's tables", step->to);
}

static bool no_orphans(struct cw_sqlite *s, struct cw_error *err)
{
    int64_t count;
    if (!read_int(s, "SELECT count(*) FROM pragma_foreign_key_check", &count, err))
        return false;
    return count == 0 ||
           cw_fail(err, CW_CORRUPT,
                   "%s: %lld rows would be left without what they belong to; the store was left as it "
                   "was. Run cartwright check on it with the version that wrote it",
                   s->path, (long long)count);
}

static bool take_steps(struct cw_sqlite *s, const struct cw_schema *schema, struct cw_error *err)
{
    char mark[128];
    int64_t version; /* read again: another process may have been first */
    sqlite3_snprintf(sizeof mark, mark, "PRAGMA defer_foreign_keys = ON; PRAGMA application_id = %d",
                     APPLICATION_ID);
    if (!read_version(s, &version, err) || !cw_sqlite_execute(s, mark, err))
        return false;
    for (size_t i = 0; i < schema->count; i++)
        if (schema->steps[i].to > version && !take_step(s, &schema->steps[i], err))
            return false;
    return no_orphans(s, err);
}

bool cw_sqlite_migrate(struct cw_sqlite *s, const struct cw_schema *schema, struct cw_error *err)
{
    if (!cw_sqlite_execute(s, "BEGIN IMMEDIATE", err))
        return false;
    bool ok = take_steps(s, schema, err) && cw_sqlite_execute(s, "COMMIT", err);
    if (!ok && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

/* The version of the tables is this program's afterwards. */
static bool settle_version(struct cw_sqlite *s, const struct cw_schema *schema, bool is_new,
                           struct cw_error *err)
{
    int64_t version;
    int ours = schema->steps[schema->count - 1].to;
    if (!read_version(s, &version, err))
        return false;
    if (version == ours)
        return true;
    if (version > ours)
        return cw_fail(
            err, CW_USAGE,
            "%s was written by a newer Cartwright: its tables are version %lld, this program knows up to "
            "%d. Install the newer program, or restore the backup from before its first start",
            s->path, (long long)version, ours);
    if (s->store.read_only)
        return cw_fail(
            err, CW_USAGE,
            "the tables of %s are version %lld, this program needs %d; any command that writes brings them "
            "forward",
            s->path, (long long)version, ours);
    return (is_new || cw_sqlite_look(s, 0, err)) && cw_sqlite_migrate(s, schema, err);
}

static bool read_id(struct cw_sqlite *s, struct cw_error *err)
{
    static const char select_id[] = "SELECT value FROM meta WHERE name = 'site'";
    sqlite3_stmt *row;
    enum cw_row found = cw_sqlite_find(s, select_id, NULL, 0, &row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    sqlite3_snprintf(sizeof s->store.id, s->store.id, "%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_reset(row);
    return true;
}

/* --- life --- */

/* SQLite tells through its log when it finds what a crash left behind, and only then: a log that lies there
 * may as well belong to a process that is running. */
static bool recovered;

static void note_recovery(void *arg, int code, const char *message)
{
    (void)arg, (void)message;
    if (code == SQLITE_NOTICE_RECOVER_WAL)
        recovered = true;
}

/* Settings of the process, possible only before its first use of SQLite. Counting every allocation costs a
 * few per cent and nobody reads it. */
static void set_up_process(void)
{
    static bool is_done;
    if (!is_done) {
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        sqlite3_config(SQLITE_CONFIG_LOG, note_recovery, NULL);
    }
    is_done = true;
    recovered = false;
}

/* After a crash: long enough for most stores, and no start waits longer. */
static const cw_time look_time = CW_SECOND;

static bool open_store(struct cw_sqlite *s, const struct cw_store_config *config,
                       const struct cw_schema *schema, struct cw_error *err)
{
    bool is_new;
    if (!connect_file(s, config, err))
        return false;
    harden(s);
    if (!cw_sqlite_execute(s, settings, err) || !identify(s, config, &is_new, err))
        return false;
    if (!s->store.read_only && !use_log(s, err))
        return false;
    if (recovered && !s->store.read_only && !cw_sqlite_look(s, look_time, err))
        return false;
    s->store.is_new = is_new;
    return settle_version(s, schema, is_new, err) && read_id(s, err);
}

static void close_store(struct cw_store *store)
{
    struct cw_sqlite *s = cw_sqlite_of(store);
    cw_sqlite_stop_listening(s);
    cw_sqlite_finalize_all(s);
    cw_sqlite_documents_free(s->documents);
    if (s->broken) /* the log is all that can be trusted: it must not be carried over and dropped */
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close_v2(s->db);
    cw_buffer_fini(&s->sort_key);
    free(s->path);
    free(s);
}

struct cw_store *cw_sqlite_open_schema(const struct cw_store_config *config, const struct cw_schema *schema,
                                       struct cw_error *err)
{
    set_up_process();
    struct cw_sqlite *s = calloc(1, sizeof *s);
    if (s == NULL || (s->path = plain_path(config->uri)) == NULL) {
        free(s);
        cw_fail(err, CW_NOMEM, "out of memory while opening %s", config->uri);
        return NULL;
    }
    s->store.engine = &engine;
    s->store.clock = config->clock != NULL ? config->clock : &cw_system_clock;
    s->store.read_only = config->read_only;
    s->wal_pages_max = CW_SQLITE_WAL_PAGES;
    mode_t mask = umask(S_IRWXO); /* customers' names and addresses are nobody else's */
    bool ok = open_store(s, config, schema, err);
    umask(mask);
    if (ok)
        return &s->store;
    close_store(&s->store);
    return NULL;
}

struct cw_store *cw_sqlite_open(const struct cw_store_config *config, struct cw_error *err)
{
    return cw_sqlite_open_schema(config, &cw_store_schema, err);
}

static void wait_for_nothing(struct cw_store *store)
{
    (void)store; /* every answer was given before its call returned */
}

static const struct cw_store_engine engine = {
    .close = close_store,
    .wait = wait_for_nothing,
    .check = cw_sqlite_check,
    .begin = cw_sqlite_begin,
    .commit = cw_sqlite_commit,
    .rollback = cw_sqlite_rollback,
    .find_raw = cw_sqlite_find_raw,
    .put_raw = cw_sqlite_put_raw,
    .set_outcome = cw_sqlite_set_outcome,
    .read_raw = cw_sqlite_read_raw,
    .put_staged = cw_sqlite_put_staged,
    .drop_staged = cw_sqlite_drop_staged,
    .put_release = cw_sqlite_put_release,
    .get_documents = cw_sqlite_get_documents,
    .ask = cw_sqlite_ask,
    .put_edit = cw_sqlite_put_edit,
    .drop_edit = cw_sqlite_drop_edit,
    .put_document = cw_sqlite_put_document,
    .drop_document = cw_sqlite_drop_document,
    .get_cursor = cw_sqlite_get_cursor,
    .put_cursor = cw_sqlite_put_cursor,
    .reset_cursor = cw_sqlite_reset_cursor,
    .start_run = cw_sqlite_start_run,
    .put_run = cw_sqlite_put_run,
    .put_run_note = cw_sqlite_put_run_note,
    .take_lease = cw_sqlite_take_lease,
    .drop_lease = cw_sqlite_drop_lease,
    .plan_jobs = cw_sqlite_plan_jobs,
    .read_jobs = cw_sqlite_read_jobs,
    .claim_job = cw_sqlite_claim_job,
    .end_job = cw_sqlite_end_job,
    .wake_job = cw_sqlite_wake_job,
    .listen = cw_sqlite_listen,
    .put_control = cw_sqlite_put_control,
    .read_controls = cw_sqlite_read_controls,
    .put_webhook = cw_sqlite_put_webhook,
    .prune = cw_sqlite_prune,
    .put_demands = cw_sqlite_put_demands,
    .read_shipped = cw_sqlite_read_shipped,
    .mark_skus = cw_sqlite_mark_skus,
    .take_marks = cw_sqlite_take_marks,
    .read_stock = cw_sqlite_read_stock,
    .read_skus = cw_sqlite_read_skus,
    .read_prices = cw_sqlite_read_prices,
    .put_link = cw_sqlite_put_link,
    .get_link = cw_sqlite_get_link,
    .put_message = cw_sqlite_put_message,
    .forget_levels = cw_sqlite_forget_levels,
    .take_back = cw_sqlite_take_back,
    .wake_sender = cw_sqlite_wake_sender,
    .claim_messages = cw_sqlite_claim_messages,
    .settle_message = cw_sqlite_settle_message,
    .orphan_messages = cw_sqlite_orphan_messages,
    .read_messages = cw_sqlite_read_messages,
    .count_levels = cw_sqlite_count_levels,
    .read_tables = cw_sqlite_read_tables,
    .put_table_row = cw_sqlite_put_table_row,
    .drop_table_row = cw_sqlite_drop_table_row,
    .get_state = cw_sqlite_get_state,
    .put_state = cw_sqlite_put_state,
    .get_user = cw_sqlite_get_user,
    .put_user = cw_sqlite_put_user,
    .audit = cw_sqlite_audit,
    .query = cw_sqlite_query,
    .hold = cw_sqlite_hold,
    .read_rows = cw_sqlite_read_rows,
    .put_row = cw_sqlite_put_row,
    .settle_ids = cw_sqlite_settle_ids,
};
