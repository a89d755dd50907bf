/* sqlite_raw.c - raw records: every version of what was received, and which is the newest. */
#include "adapters/sqlite_engine.h"

#include <stdlib.h>

/* --- what is known --- */

static const char find_head[] = "SELECT raw_id, version, hash, outcome, script_version FROM raw_heads "
                                "WHERE cart = ?1 AND stream = ?2 AND sort_key = ?3";

/* The newest version of a key; *raw_id only where it exists. */
static bool find_known(struct cw_sqlite *s, struct cw_record_key key, struct cw_raw_known *known,
                       int64_t *raw_id, struct cw_error *err)
{
    sqlite3_stmt *row;
    memset(known, 0, sizeof *known);
    if (!cw_store_sort_key(key.external_id, &s->sort_key, err))
        return false;
    enum cw_row found = cw_sqlite_find(s, find_head,
                                       CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                                cw_bind_text(cw_buffer_slice(&s->sort_key))),
                                       &row, err);
    if (found != CW_ROW_FOUND)
        return found == CW_ROW_NONE;
    struct cw_slice hash = cw_sqlite_slice(row, 2), script = cw_sqlite_slice(row, 4);
    *raw_id = sqlite3_column_int64(row, 0);
    known->exists = true;
    known->version = sqlite3_column_int64(row, 1);
    if (hash.len == CW_HASH_BYTES)
        memcpy(known->hash.bytes, hash.data, CW_HASH_BYTES);
    cw_outcome_parse(cw_sqlite_slice(row, 3), &known->outcome);
    if (script.len < sizeof known->script_version)
        memcpy(known->script_version, script.data, script.len);
    sqlite3_reset(row);
    return true;
}

void cw_sqlite_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                        cw_raw_known_fn *found, void *arg)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_raw_known *known = calloc(count + 1, sizeof *known);
    struct cw_error err;
    int64_t raw_id;
    bool ok = known != NULL || cw_fail(&err, CW_NOMEM, "out of memory for %zu records", count);
    for (size_t i = 0; ok && i < count; i++)
        ok = find_known(s, keys[i], &known[i], &raw_id, &err);
    if (!ok)
        cw_txn_lose(txn, &err);
    found(arg, ok ? known : NULL, ok ? count : 0, ok ? NULL : &err);
    free(known);
}

/* --- writing --- */

static const char insert_raw[] =
    "INSERT INTO raw_records (cart, stream, external_id, version, hash, format, encoding, received_at, "
    "run_id, "
    "outcome, reason, script_version, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
static const char insert_part[] = "INSERT INTO raw_parts (raw_id, position, name, format, encoding, bytes) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char insert_head[] = "INSERT INTO raw_heads (cart, stream, sort_key, external_id, raw_id, "
                                  "version, hash, outcome, script_version) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char update_head[] = "UPDATE raw_heads SET raw_id = ?5, version = ?6, hash = ?7, outcome = ?8, "
                                  "script_version = ?9 WHERE cart = ?1 AND stream = ?2 AND sort_key = ?3 "
                                  "AND external_id = ?4";

static const char supersede[] = "INSERT INTO raw_superseded (raw_id, superseded_at) VALUES (?1, ?2)";

static bool add_version(struct cw_sqlite *s, const struct cw_raw *raw, int64_t version, struct cw_error *err)
{
    return cw_sqlite_run(
        s, insert_raw,
        CW_BINDS(cw_bind_text(raw->key.cart), cw_bind_text(raw->key.stream),
                 cw_bind_text(raw->key.external_id), cw_bind_int(version), cw_bind_hash(&raw->hash),
                 cw_bind_text(raw->format), cw_bind_text(raw->encoding), cw_bind_time(raw->received_at),
                 cw_bind_int(raw->run), cw_bind_word(cw_outcome_name(raw->outcome)),
                 cw_bind_text(raw->reason), cw_bind_text(raw->script_version), cw_bind_bytes(raw->bytes)),
        err);
}

static bool add_parts(struct cw_sqlite *s, const struct cw_raw *raw, int64_t raw_id, struct cw_error *err)
{
    for (size_t i = 0; i < raw->part_count; i++) {
        const struct cw_raw_part *part = &raw->parts[i];
        if (!cw_sqlite_run(s, insert_part,
                           CW_BINDS(cw_bind_int(raw_id), cw_bind_int((int64_t)i + 1),
                                    cw_bind_text(part->name), cw_bind_text(part->format),
                                    cw_bind_text(part->encoding), cw_bind_bytes(part->bytes)),
                           err))
            return false;
    }
    return true;
}

/* s->sort_key still holds the key's, from find_known. */
static bool move_head(struct cw_sqlite *s, const struct cw_raw *raw, int64_t version, int64_t raw_id,
                      struct cw_error *err)
{
    return cw_sqlite_run(
        s, version == 1 ? insert_head : update_head,
        CW_BINDS(cw_bind_text(raw->key.cart), cw_bind_text(raw->key.stream),
                 cw_bind_text(cw_buffer_slice(&s->sort_key)), cw_bind_text(raw->key.external_id),
                 cw_bind_int(raw_id), cw_bind_int(version), cw_bind_hash(&raw->hash),
                 cw_bind_word(cw_outcome_name(raw->outcome)), cw_bind_text(raw->script_version)),
        err);
}

bool cw_sqlite_put_raw(struct cw_txn *txn, const struct cw_raw *raw, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_raw_known known;
    int64_t raw_id;
    if (!find_known(s, raw->key, &known, &raw_id, err))
        return false;
    if (known.exists &&
        !cw_sqlite_run(s, supersede, CW_BINDS(cw_bind_int(raw_id), cw_bind_time(raw->received_at)), err))
        return false;
    if (!add_version(s, raw, known.version + 1, err))
        return false;
    raw_id = sqlite3_last_insert_rowid(s->db);
    return add_parts(s, raw, raw_id, err) && move_head(s, raw, known.version + 1, raw_id, err);
}

static const char update_outcome[] =
    "UPDATE raw_records SET outcome = ?2, reason = ?3, script_version = ?4 WHERE id = ?1";
static const char update_head_outcome[] = "UPDATE raw_heads SET outcome = ?4, script_version = ?5 "
                                          "WHERE cart = ?1 AND stream = ?2 AND sort_key = ?3";

bool cw_sqlite_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                           struct cw_slice reason, struct cw_slice script_version, struct cw_error *err)
{
    struct cw_sqlite *s = cw_sqlite_of(txn->store);
    struct cw_bind name = cw_bind_word(cw_outcome_name(outcome)), script = cw_bind_text(script_version);
    struct cw_raw_known known;
    int64_t raw_id;
    if (!find_known(s, key, &known, &raw_id, err))
        return false;
    if (!known.exists)
        return cw_fail(err, CW_NOT_FOUND, "no raw record %.*s of %.*s %.*s is stored",
                       CW_SLICE_ARG(cw_slice_clip(key.external_id, 80)), CW_SLICE_ARG(key.cart),
                       CW_SLICE_ARG(key.stream));
    return cw_sqlite_run(s, update_outcome, CW_BINDS(cw_bind_int(raw_id), name, cw_bind_text(reason), script),
                         err) &&
           cw_sqlite_run(s, update_head_outcome,
                         CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                  cw_bind_text(cw_buffer_slice(&s->sort_key)), name, script),
                         err);
}
