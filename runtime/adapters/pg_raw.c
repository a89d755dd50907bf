/* pg_raw.c - raw records: every version of what was received, and which is the newest. See pg_engine.h. */
#include "adapters/pg_array.h"

#include <stdlib.h>

/* --- what is known --- */

/* The fence OFFSET 0 keeps the look-ups single: a plan that was made while the table was small would read all
 * of it. */
static const char find_heads[] =
    "SELECT k.n, h.version, h.hash, h.outcome, h.script_version "
    "FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY k (cart, stream, sort_key, n) "
    "CROSS JOIN LATERAL (SELECT version, hash, outcome, script_version FROM raw_heads h "
    "WHERE h.cart = k.cart AND h.stream = k.stream AND h.sort_key = k.sort_key OFFSET 0) h";

struct finding {
    cw_raw_known_fn *found;
    void *arg;
    size_t count;
    struct cw_raw_known known[];
};

static void take_known(PGresult *result, int row, struct cw_raw_known *known)
{
    struct cw_slice hash = cw_pg_slice(result, row, 2), script = cw_pg_slice(result, row, 4);
    known->exists = true;
    known->version = cw_pg_int(result, row, 1);
    if (hash.len == CW_HASH_BYTES)
        memcpy(known->hash.bytes, hash.data, CW_HASH_BYTES);
    cw_outcome_parse(cw_pg_slice(result, row, 3), &known->outcome);
    if (script.len < sizeof known->script_version)
        memcpy(known->script_version, script.data, script.len);
}

static void heads_found(void *arg, PGresult *result, const struct cw_error *err)
{
    struct finding *finding = arg;
    for (int row = 0; err == NULL && row < PQntuples(result); row++) {
        int64_t n = cw_pg_int(result, row, 0);
        if (n >= 1 && (size_t)n <= finding->count)
            take_known(result, row, &finding->known[n - 1]);
    }
    finding->found(finding->arg, err == NULL ? finding->known : NULL, err == NULL ? finding->count : 0, err);
    free(finding);
}

struct key_arrays {
    struct cw_buffer carts, streams, sort_keys, sort_key;
    struct cw_bind binds[3];
};

static bool make_arrays(struct key_arrays *arrays, const struct cw_record_key *keys, size_t count,
                        struct cw_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!cw_pg_array_add(&arrays->carts, keys[i].cart, err) ||
            !cw_pg_array_add(&arrays->streams, keys[i].stream, err) ||
            !cw_store_sort_key(keys[i].external_id, &arrays->sort_key, err) ||
            !cw_pg_array_add(&arrays->sort_keys, cw_buffer_slice(&arrays->sort_key), err))
            return false;
    return cw_pg_array_end(&arrays->carts, &arrays->binds[0], err) &&
           cw_pg_array_end(&arrays->streams, &arrays->binds[1], err) &&
           cw_pg_array_end(&arrays->sort_keys, &arrays->binds[2], err);
}

static void free_arrays(struct key_arrays *arrays)
{
    cw_buffer_fini(&arrays->carts);
    cw_buffer_fini(&arrays->streams);
    cw_buffer_fini(&arrays->sort_keys);
    cw_buffer_fini(&arrays->sort_key);
}

void cw_pg_find_raw(struct cw_txn *txn, const struct cw_record_key *keys, size_t count,
                    cw_raw_known_fn *found, void *arg)
{
    struct key_arrays arrays = { 0 };
    struct cw_error err;
    struct finding *finding = calloc(1, sizeof *finding + count * sizeof finding->known[0]);
    bool ok = finding != NULL || cw_fail(&err, CW_NOMEM, "out of memory for %zu records", count);
    if (ok) {
        *finding = (struct finding){ .found = found, .arg = arg, .count = count };
        ok = make_arrays(&arrays, keys, count, &err) &&
             cw_pg_send(cw_pg_of(txn->store), find_heads, arrays.binds, 3, heads_found, finding, &err);
    }
    free_arrays(&arrays);
    if (ok)
        return;
    free(finding);
    cw_txn_lose(txn, &err);
    found(arg, NULL, 0, &err);
}

/* --- writing --- */

/* One statement, so that nothing waits for the number of the version or of the row. */
static const char insert_raw[] =
    "WITH head AS (SELECT raw_id, version FROM raw_heads WHERE cart = $1 AND stream = $2 AND sort_key = $3), "
    "old AS (INSERT INTO raw_superseded (raw_id, superseded_at) SELECT raw_id, $8 FROM head), "
    "raw AS (INSERT INTO raw_records (cart, stream, external_id, version, hash, format, encoding, "
    "received_at, run_id, outcome, reason, script_version, bytes) "
    "VALUES ($1, $2, $4, coalesce((SELECT version FROM head), 0) + 1, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13) "
    "RETURNING id, version) "
    "INSERT INTO raw_heads AS h (cart, stream, sort_key, external_id, raw_id, version, hash, outcome, "
    "script_version) SELECT $1, $2, $3, $4, id, version, $5, $10, $12 FROM raw "
    "ON CONFLICT (cart, stream, sort_key) DO UPDATE SET raw_id = excluded.raw_id, "
    "version = excluded.version, hash = excluded.hash, outcome = excluded.outcome, "
    "script_version = excluded.script_version";
static const char insert_part[] =
    "INSERT INTO raw_parts (raw_id, position, name, format, encoding, bytes) VALUES ((SELECT raw_id "
    "FROM raw_heads WHERE cart = $1 AND stream = $2 AND sort_key = $3), $4, $5, $6, $7, $8)";

static bool add_part(struct cw_pg *pg, const struct cw_raw *raw, struct cw_slice sort_key, size_t i,
                     struct cw_error *err)
{
    const struct cw_raw_part *part = &raw->parts[i];
    return cw_pg_run(pg, insert_part,
                     CW_BINDS(cw_bind_text(raw->key.cart), cw_bind_text(raw->key.stream),
                              cw_bind_text(sort_key), cw_bind_int((int64_t)i + 1), cw_bind_text(part->name),
                              cw_bind_text(part->format), cw_bind_text(part->encoding),
                              cw_bind_bytes(part->bytes)),
                     err);
}

static bool add_version(struct cw_pg *pg, const struct cw_raw *raw, struct cw_slice sort_key,
                        struct cw_error *err)
{
    return cw_pg_run(
        pg, insert_raw,
        CW_BINDS(cw_bind_text(raw->key.cart), cw_bind_text(raw->key.stream), cw_bind_text(sort_key),
                 cw_bind_text(raw->key.external_id), cw_bind_hash(&raw->hash), cw_bind_text(raw->format),
                 cw_bind_text(raw->encoding), cw_bind_time(raw->received_at), cw_bind_int(raw->run),
                 cw_bind_word(cw_outcome_name(raw->outcome)), cw_bind_text(raw->reason),
                 cw_bind_text(raw->script_version), cw_bind_bytes(raw->bytes)),
        err);
}

bool cw_pg_put_raw(struct cw_txn *txn, const struct cw_raw *raw, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_buffer sort_key = { 0 };
    bool ok = cw_store_sort_key(raw->key.external_id, &sort_key, err) &&
              add_version(pg, raw, cw_buffer_slice(&sort_key), err);
    for (size_t i = 0; ok && i < raw->part_count; i++)
        ok = add_part(pg, raw, cw_buffer_slice(&sort_key), i, err);
    cw_buffer_fini(&sort_key);
    return ok;
}

static const char update_outcome[] =
    "WITH head AS (UPDATE raw_heads SET outcome = $4, script_version = $6 WHERE cart = $1 AND stream = $2 "
    "AND sort_key = $3 RETURNING raw_id), changed AS (UPDATE raw_records SET outcome = $4, reason = $5, "
    "script_version = $6 WHERE id = (SELECT raw_id FROM head) RETURNING 1) SELECT 1 / count(*) FROM changed";

bool cw_pg_set_outcome(struct cw_txn *txn, struct cw_record_key key, enum cw_outcome outcome,
                       struct cw_slice reason, struct cw_slice script_version, struct cw_error *err)
{
    struct cw_buffer sort_key = { 0 };
    struct cw_error none;
    cw_fail(&none, CW_NOT_FOUND, "no raw record %.*s of %.*s %.*s is stored",
            CW_SLICE_ARG(cw_slice_clip(key.external_id, 80)), CW_SLICE_ARG(key.cart),
            CW_SLICE_ARG(key.stream));
    cw_store_fail_at(&none, key.external_id);
    bool ok = cw_store_sort_key(key.external_id, &sort_key, err) &&
              cw_pg_send_one(cw_pg_of(txn->store), update_outcome,
                             CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                      cw_bind_text(cw_buffer_slice(&sort_key)),
                                      cw_bind_word(cw_outcome_name(outcome)), cw_bind_text(reason),
                                      cw_bind_text(script_version)),
                             &none, err);
    cw_buffer_fini(&sort_key);
    return ok;
}
