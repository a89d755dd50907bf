/* trial_office.c - what the back office and people do while a trial runs: documents, edits, rows of tables,
 * the word that a stream may go on. */
#include <stdio.h>
#include <string.h>

#include "adapters/document_json.h"
#include "adapters/reader.h"
#include "engine/edits.h"
#include "engine/office.h"
#include "engine/outbox_brake.h"
#include "engine/trial_private.h"
#include "engine/waiting.h"

enum { ARENA_LIMIT = 64 * 1024 * 1024 };

/* --- documents of the back office --- */

static const struct cw_node *read_json(struct cw_arena *arena, struct cw_slice json, struct cw_error *err)
{
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, err);
    const struct cw_node *root = parser != NULL ? cw_parse(parser, json, "UTF-8", arena, err) : NULL;
    cw_parser_free(parser);
    return root;
}

static struct cw_document **make_documents(const struct cw_kind *kind, const struct cw_node *list,
                                           struct cw_arena *arena, size_t *count, struct cw_error *err)
{
    size_t members = 0;
    for (const struct cw_node *each = list->first; each != NULL; each = each->next)
        members++;
    struct cw_document **docs = cw_arena_alloc(arena, (members + 1) * sizeof *docs);
    if (docs == NULL)
        cw_fail(err, CW_LIMIT, "no memory left for documents");
    *count = 0;
    for (const struct cw_node *each = list->first; docs != NULL && each != NULL; each = each->next) {
        docs[*count] = cw_office_from_json(kind, each, NULL, arena, err);
        if (docs[(*count)++] == NULL) {
            cw_fail_in(err, "document %zu", *count);
            return NULL;
        }
    }
    return docs;
}

bool cw_trial_put(struct cw_trial *trial, const char *kind, struct cw_slice json, struct cw_slice from,
                  const struct cw_slice *drops, size_t drop_count, struct cw_error *err)
{
    struct cw_arena arena;
    struct cw_office_result result;
    struct cw_office_put put = { .drops = drops,
                                 .drop_count = drop_count,
                                 .from = from,
                                 .who = cw_slice("test"),
                                 .reason = cw_slice("test") };
    if (!cw_trial_start(trial, false, err))
        return false;
    cw_arena_init(&arena, ARENA_LIMIT);
    put.config = &trial->site->config;
    put.kind = cw_office_kind(cw_slice(kind), err);
    const struct cw_node *list = put.kind != NULL ? read_json(&arena, json, err) : NULL;
    put.docs = list != NULL ? make_documents(put.kind, list, &arena, &put.count, err) : NULL;
    bool ok = put.docs != NULL && cw_office_put(trial->store, cw_loop_clock(trial->loop), &put, &result, err);
    cw_arena_fini(&arena);
    return ok;
}

/* --- edits --- */

bool cw_trial_edit(struct cw_trial *trial, const char *kind_name, const char *id,
                   const struct cw_change *changes, size_t count, struct cw_error *err)
{
    const struct cw_kind *kind = cw_kind_find(cw_slice(kind_name));
    if (kind == NULL || !kind->is_document)
        return cw_fail(err, CW_USAGE, "there is no kind %s of documents", kind_name);
    if (!cw_trial_start(trial, false, err))
        return false;
    const struct cw_lua_stream *stream = cw_lua_cart_stream_of(trial->cart, kind);
    struct cw_edit_request request = { .cart = cw_slice(trial->config.cart),
                                       .external_id = cw_slice(id),
                                       .kind = kind,
                                       .changes = changes,
                                       .count = count,
                                       .who = cw_slice("test"),
                                       .reason = cw_slice("test"),
                                       .rules = stream != NULL ? stream->rules : NULL,
                                       .zone = trial->cart->zone,
                                       .config = &trial->site->config };
    return cw_edit_document(trial->store, cw_loop_clock(trial->loop), &request, err);
}

/* --- rows, and what the brake holds --- */

struct writing {
    struct cw_trial *trial;
    const char *table, *key, *value; /* table NULL = a stream is let go */
    enum cw_out out;
    char held[CW_ERROR_TEXT_MAX + 24];
    bool ok;
    struct cw_error err;
};

static void written(void *arg, const struct cw_error *err)
{
    struct writing *writing = arg;
    writing->ok = err == NULL;
    if (err != NULL)
        writing->err = *err;
}

static void let_go(struct writing *writing, struct cw_txn *txn)
{
    char key[64];
    struct cw_slice cart = cw_slice(writing->trial->config.cart);
    const struct cw_control control = { .cart = cart,
                                        .stream = cw_slice(cw_out_name(writing->out)),
                                        .why = cw_slice("test"),
                                        .who = cw_slice("test"),
                                        .at = cw_now(cw_loop_clock(writing->trial->loop)) };
    cw_outbox_approved_key(writing->out, key);
    cw_txn_put_control(txn, &control);
    if (writing->held[0] != '\0')
        cw_txn_put_state(txn, cart, cw_slice(key),
                         (struct cw_slice){ writing->held, strcspn(writing->held, " ") });
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct writing *writing = arg;
    if (err != NULL) {
        written(writing, err);
        return;
    }
    if (writing->table != NULL)
        cw_txn_put_table_row(txn, cw_slice(writing->trial->config.cart), cw_slice(writing->table),
                             cw_slice(writing->key), cw_slice(writing->value));
    else
        let_go(writing, txn);
    cw_txn_commit(txn, written, writing);
}

static bool write_now(struct writing *writing, struct cw_error *err)
{
    cw_txn_begin(writing->trial->store, (struct cw_fence){ 0 }, begun, writing);
    cw_store_wait(writing->trial->store);
    if (!writing->ok)
        *err = writing->err;
    return writing->ok;
}

bool cw_trial_set_row(struct cw_trial *trial, const char *table, const char *key, const char *value,
                      struct cw_error *err)
{
    struct writing writing = { .trial = trial, .table = table, .key = key, .value = value };
    if (!cw_trial_start(trial, false, err) || !write_now(&writing, err))
        return false;
    cw_trial_stop(trial); /* rows are read when a cart is opened */
    return cw_trial_map_waiting(trial, CW_WAITING_ROWS, err);
}

static void held_read(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct writing *writing = arg;
    if (err == NULL && value.data != NULL)
        snprintf(writing->held, sizeof writing->held, "%.*s", CW_SLICE_ARG(value));
}

bool cw_trial_let_go(struct cw_trial *trial, const char *stream, struct cw_error *err)
{
    char key[64];
    struct writing writing = { .trial = trial };
    if (!cw_out_find(cw_slice(stream), &writing.out))
        return cw_fail(err, CW_USAGE, "%s is no stream out", stream);
    if (!cw_trial_start(trial, false, err))
        return false;
    cw_outbox_held_key(writing.out, key);
    cw_store_get_state(trial->store, cw_slice(trial->config.cart), cw_slice(key), held_read, &writing);
    cw_store_wait(trial->store);
    return write_now(&writing, err);
}

/* --- what is stored --- */

struct reading {
    const struct cw_kind *kind;
    struct cw_record_key key;
    struct cw_arena arena;
    struct cw_buffer *json;
    struct cw_txn *txn;
    bool ok;
    struct cw_error err;
};

static void rolled(struct reading *reading, const struct cw_error *err)
{
    reading->ok = err == NULL;
    if (err != NULL)
        reading->err = *err;
    if (reading->txn != NULL)
        cw_txn_rollback(reading->txn);
}

static void got(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct reading *reading = arg;
    struct cw_error made;
    (void)count;
    if (err == NULL && stored->doc != NULL && !cw_document_json(reading->json, stored->doc, 0, &made))
        err = &made;
    rolled(reading, err);
}

static void read_begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct reading *reading = arg;
    reading->txn = txn;
    if (err != NULL)
        rolled(reading, err);
    else
        cw_txn_get_documents(txn, reading->kind, &reading->key, 1, &reading->arena, got, reading);
}

bool cw_trial_document(struct cw_trial *trial, const char *kind, const char *id, struct cw_buffer *json,
                       struct cw_error *err)
{
    struct reading reading = { .kind = cw_kind_find(cw_slice(kind)), .json = json };
    reading.key = (struct cw_record_key){ cw_slice(trial->config.cart), cw_slice("any"), cw_slice(id) };
    if (reading.kind == NULL || !reading.kind->is_document)
        return cw_fail(err, CW_USAGE, "there is no kind %s of documents", kind);
    if (!cw_trial_start(trial, false, err))
        return false;
    cw_arena_init(&reading.arena, ARENA_LIMIT);
    cw_txn_begin(trial->store, (struct cw_fence){ 0 }, read_begun, &reading);
    cw_store_wait(trial->store);
    cw_arena_fini(&reading.arena);
    if (!reading.ok)
        *err = reading.err;
    return reading.ok;
}
