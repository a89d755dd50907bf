/* pg_staged.c - staged records: what waits, with its issues. See pg_engine.h. */
#include "adapters/pg_engine.h"

static const char upsert[] =
    "WITH staged AS (INSERT INTO staged_records (cart, stream, external_id, kind, state, staged_at, run_id, "
    "document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (cart, stream, external_id) DO UPDATE SET "
    "kind = excluded.kind, state = excluded.state, run_id = excluded.run_id, document = excluded.document "
    "RETURNING id) DELETE FROM staged_issues WHERE staged_id = (SELECT id FROM staged)";
static const char drop[] = "DELETE FROM staged_records WHERE cart = $1 AND stream = $2 AND external_id = $3";
static const char add_issue[] =
    "INSERT INTO staged_issues (staged_id, position, code, subject, field, path, message, cart, stream, "
    "sort_key) VALUES ((SELECT id FROM staged_records WHERE cart = $1 AND stream = $2 AND external_id = $3), "
    "$4, $5, $6, $7, $8, $9, $1, $2, $10)";

static bool put_issue(struct cw_pg *pg, struct cw_record_key key, struct cw_slice sort_key, int64_t position,
                      const struct cw_issue *issue, struct cw_error *err)
{
    return cw_pg_run(pg, add_issue,
                     CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id),
                              cw_bind_int(position), cw_bind_text(issue->code), cw_bind_text(issue->subject),
                              cw_bind_text(issue->field), cw_bind_text(issue->path),
                              cw_bind_text(issue->message), cw_bind_text(sort_key)),
                     err);
}

bool cw_pg_put_staged(struct cw_txn *txn, const struct cw_staged *staged, struct cw_error *err)
{
    struct cw_pg *pg = cw_pg_of(txn->store);
    struct cw_record_key key = staged->key;
    struct cw_buffer sort_key = { 0 };
    bool ok = cw_store_sort_key(key.external_id, &sort_key, err) &&
              cw_pg_run(pg, upsert,
                        CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream),
                                 cw_bind_text(key.external_id), cw_bind_word(staged->kind->name),
                                 cw_bind_word(cw_staged_state_name(staged->state)), cw_bind_time(staged->at),
                                 cw_bind_int(staged->run), cw_bind_text(staged->document)),
                        err);
    for (size_t i = 0; ok && i < staged->issue_count; i++)
        ok = put_issue(pg, key, cw_buffer_slice(&sort_key), (int64_t)i + 1, &staged->issues[i], err);
    cw_buffer_fini(&sort_key);
    return ok;
}

bool cw_pg_drop_staged(struct cw_txn *txn, struct cw_record_key key, struct cw_error *err)
{
    return cw_pg_run(
        cw_pg_of(txn->store), drop,
        CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id)), err);
}
