/* store_documents.c - the part of the store's front that is about documents, see store.h. The empty cart is
 * the back office. */
#include "adapters/store_engine.h"

/* --- what callers give --- */

/* Releases are found by the stream; the back office has none. */
static bool is_document_key(struct cw_record_key key, struct cw_error *err)
{
    return cw_store_fits(key.cart, "the cart's name", err) &&
           (key.cart.len == 0 || cw_store_is_name(key.stream, "the stream's name", err)) &&
           cw_store_is_name(key.external_id, "the document's id", err);
}

static bool is_own_kind(const struct cw_kind *kind, struct cw_error *err)
{
    return kind->is_document ||
           cw_fail(err, CW_USAGE, "a record of kind %s is stored only inside a document", kind->name);
}

static bool is_document(struct cw_slice cart, const struct cw_document *doc, struct cw_error *err)
{
    return is_own_kind(doc->kind, err) && cw_store_fits(cart, "the cart's name", err) &&
           cw_store_is_name(doc->external_id, "the document's id", err);
}

static bool is_edited(struct cw_slice cart, const struct cw_kind *kind, struct cw_slice external_id,
                      struct cw_slice field, struct cw_error *err)
{
    return is_own_kind(kind, err) && cw_store_fits(cart, "the cart's name", err) &&
           cw_store_is_name(external_id, "the document's id", err) &&
           cw_store_is_name(field, "the field's name", err);
}

static bool is_edit(const struct cw_edit *edit, struct cw_error *err)
{
    return cw_store_fits(edit->value, "the value", err) &&
           cw_store_fits(edit->cart_value, "the cart's value", err) &&
           cw_store_fits(edit->who, "the name of who edits", err) &&
           cw_store_fits(edit->reason, "the reason", err);
}

static bool is_question(const struct cw_question *question, struct cw_error *err)
{
    return is_own_kind(question->kind, err) && cw_store_fits(question->cart, "the cart's name", err) &&
           cw_store_fits(question->value, "the value", err);
}

/* --- calls --- */

void cw_txn_get_documents(struct cw_txn *txn, const struct cw_kind *kind, const struct cw_record_key *keys,
                          size_t count, struct cw_arena *arena, cw_stored_fn *got, void *arg)
{
    struct cw_error err;
    bool ok = !txn->lost && cw_store_settle(txn, is_own_kind(kind, &err), (struct cw_slice){ 0 }, &err);
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_store_settle(txn, is_document_key(keys[i], &err), keys[i].external_id, &err);
    if (txn->lost)
        got(arg, NULL, 0, &txn->error);
    else
        txn->store->engine->get_documents(txn, kind, keys, count, arena, got, arg);
}

void cw_txn_ask(struct cw_txn *txn, const struct cw_question *questions, size_t count, struct cw_arena *arena,
                cw_answers_fn *answered, void *arg)
{
    struct cw_error err;
    bool ok = !txn->lost;
    for (size_t i = 0; ok && i < count; i++)
        ok = cw_store_settle(txn, is_question(&questions[i], &err), (struct cw_slice){ 0 }, &err);
    if (txn->lost)
        answered(arg, NULL, 0, &txn->error);
    else
        txn->store->engine->ask(txn, questions, count, arena, answered, arg);
}

bool cw_txn_put_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                     struct cw_slice external_id, const struct cw_edit *edit)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_edited(cart, kind, external_id, edit->field, &err) && is_edit(edit, &err) &&
              txn->store->engine->put_edit(txn, cart, kind, external_id, edit, &err);
    return cw_store_settle(txn, ok, external_id, &err);
}

bool cw_txn_drop_edit(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                      struct cw_slice external_id, struct cw_slice field)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_edited(cart, kind, external_id, field, &err) &&
              txn->store->engine->drop_edit(txn, cart, kind, external_id, field, &err);
    return cw_store_settle(txn, ok, external_id, &err);
}

bool cw_txn_put_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_document *doc, cw_time at,
                         int64_t run)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_document(cart, doc, &err) && txn->store->engine->put_document(txn, cart, doc, at, run, &err);
    return cw_store_settle(txn, ok, doc->external_id, &err);
}

bool cw_txn_drop_document(struct cw_txn *txn, struct cw_slice cart, const struct cw_kind *kind,
                          struct cw_slice external_id)
{
    struct cw_error err;
    if (txn->lost)
        return false;
    bool ok = is_own_kind(kind, &err) && cw_store_fits(cart, "the cart's name", &err) &&
              cw_store_is_name(external_id, "the document's id", &err) &&
              txn->store->engine->drop_document(txn, cart, kind, external_id, &err);
    return cw_store_settle(txn, ok, external_id, &err);
}

bool cw_store_fail_missing(struct cw_slice cart, const struct cw_kind *kind, struct cw_slice external_id,
                           struct cw_error *err)
{
    struct cw_slice id = cw_slice_clip(external_id, 80);
    if (cart.len == 0)
        return cw_fail(err, CW_NOT_FOUND, "the back office has no %s %.*s", kind->name, CW_SLICE_ARG(id));
    return cw_fail(err, CW_NOT_FOUND, "the store has no %s %.*s of %.*s", kind->name, CW_SLICE_ARG(id),
                   CW_SLICE_ARG(cart));
}
