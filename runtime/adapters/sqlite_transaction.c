/* sqlite_transaction.c - begin, commit with its fence, rollback, and carrying the log over into the file. */
#include "adapters/sqlite_engine.h"

#include "base/log.h"

static bool may_write(struct cw_sqlite *s, struct cw_error *err)
{
    if (s->store.read_only)
        return cw_fail(err, CW_REFUSED, "%s was opened for reading only", s->path);
    if (!s->broken)
        return true;
    *err = s->broken_why; /* a sync that failed once may pretend to work the next time: never tried again */
    return false;
}

void cw_sqlite_begin(struct cw_txn *txn)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_error err;
    bool ok = may_write(s, &err) && cw_sqlite_run(s, "BEGIN IMMEDIATE", NULL, 0, &err);
    cw_txn_began(txn, ok ? NULL : &err);
}

/* Some errors end the transaction by themselves; a second ROLLBACK would be an error of its own. */
static void roll_back(struct cw_sqlite *s)
{
    if (!sqlite3_get_autocommit(s->db))
        cw_sqlite_run(s, "ROLLBACK", NULL, 0, NULL);
    if (!sqlite3_get_autocommit(s->db)) /* not even the memory to prepare it */
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

void cw_sqlite_rollback(struct cw_txn *txn)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    s->must_tell = false;
    roll_back(s);
}

/* What was committed is safe in the log, so a failure here is not one of the transaction. SQLite's own way of
 * doing this forgets the error, and a later sync that seems to work would then drop the log. */
static void carry_over(struct cw_sqlite *s)
{
    struct cw_error err;
    if (s->wal_pages < s->wal_pages_max)
        return;
    int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return;
    cw_sqlite_fail(s, &err);
    cw_log_pairs(CW_LOG_ERROR, "store-checkpoint-failed", "error", err.text, NULL);
}

void cw_sqlite_commit(struct cw_txn *txn)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_error err;
    bool ok = cw_sqlite_check_fence(s, &txn->fence, &err) && cw_sqlite_run(s, "COMMIT", NULL, 0, &err);
    if (ok)
        cw_sqlite_told(s);
    s->must_tell = false;
    if (ok)
        carry_over(s);
    else
        roll_back(s);
    cw_txn_ended(txn, ok ? NULL : &err);
}
