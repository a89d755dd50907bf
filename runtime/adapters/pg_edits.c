/* pg_edits.c - what people decided beside the documents: values they set, issues they let pass. See
 * pg_engine.h. */
#include "adapters/pg_engine.h"

static struct cw_bind bind_value(struct cw_slice value)
{
    return value.data != NULL ? cw_bind_text(value) : (struct cw_bind){ .type = CW_BIND_NULL };
}

static const char upsert_edit[] =
    "INSERT INTO document_edits (cart, kind, external_id, field, value, cart_value, is_contested, who, "
    "reason, edited_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
    "ON CONFLICT (cart, kind, external_id, field) DO UPDATE SET value = excluded.value, "
    "cart_value = excluded.cart_value, is_contested = excluded.is_contested, who = excluded.who, "
    "reason = excluded.reason, edited_at = excluded.edited_at";
static const char delete_edit[] =
    "DELETE FROM document_edits WHERE cart = $1 AND kind = $2 AND external_id = $3 AND field = $4";

bool cw_pg_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                    struct cw_slice external_id, const struct cw_edit *edit, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), upsert_edit,
                     CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id),
                              cw_bind_text(edit->field), bind_value(edit->value),
                              bind_value(edit->cart_value), cw_bind_int(edit->is_contested),
                              cw_bind_text(edit->who), cw_bind_text(edit->reason), cw_bind_time(edit->at)),
                     err);
}

bool cw_pg_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                     struct cw_slice external_id, struct cw_slice field, struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), delete_edit,
                     CW_BINDS(cw_bind_text(cart), cw_bind_word(kind->name), cw_bind_text(external_id),
                              cw_bind_text(field)),
                     err);
}

static const char upsert_release[] =
    "INSERT INTO releases (cart, stream, external_id, code, field, message, who, reason, released_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
    "ON CONFLICT (cart, stream, external_id, code, field, md5(message)) DO UPDATE SET who = excluded.who, "
    "reason = excluded.reason, released_at = excluded.released_at";

bool cw_pg_put_release(struct cw_txn *txn, struct cw_record_key key, const struct cw_release *release,
                       struct cw_error *err)
{
    return cw_pg_run(cw_pg_of(txn->store), upsert_release,
                     CW_BINDS(cw_bind_text(key.cart), cw_bind_text(key.stream), cw_bind_text(key.external_id),
                              cw_bind_text(release->code), cw_bind_text(release->field),
                              cw_bind_text(release->message), cw_bind_text(release->who),
                              cw_bind_text(release->reason), cw_bind_time(release->at)),
                     err);
}
