/* entry_notes.c - see entry_notes.h. */
#include "engine/entry_notes.h"

#include "base/log.h"
#include "engine/run_notes.h"

/* State of the cart: the names that were told of, a line each, the last one last. */
#define TOLD_STATE CW_STATE_OWN "inbox"

enum { TOLD_MAX = 1000 };

struct noting {
    const struct cw_pipeline *pipeline;
    const struct cw_entry_note *note;
    struct cw_buffer told;
    struct cw_run_counts counts; /* the warning that is put */
    bool was_told, ok;
    struct cw_error *err;
};

static bool fail(struct noting *noting, const struct cw_error *err)
{
    noting->ok = false;
    *noting->err = *err;
    return false;
}

/* --- what was told before --- */

static void look_for(struct noting *noting, struct cw_slice told)
{
    size_t lines = 0;
    for (struct cw_slice rest = told; rest.len > 0 && !noting->was_told; lines++) {
        const char *end = memchr(rest.data, '\n', rest.len);
        struct cw_slice line = { rest.data, end != NULL ? (size_t)(end - rest.data) : rest.len };
        size_t used = line.len + (end != NULL);
        noting->was_told = cw_slice_is(line, noting->note->entry);
        rest = (struct cw_slice){ rest.data + used, rest.len - used };
    }
    const char *second = lines >= TOLD_MAX ? memchr(told.data, '\n', told.len) : NULL;
    if (second != NULL)
        told = (struct cw_slice){ second + 1, (size_t)(cw_slice_end(told) - second - 1) };
    if (!cw_buffer_add(&noting->told, told.data, told.len, noting->err))
        noting->ok = false;
}

static void told_found(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct noting *noting = arg;
    if (err != NULL)
        fail(noting, err);
    else if (value.data != NULL)
        look_for(noting, value);
}

/* --- telling --- */

static void stored(void *arg, const struct cw_error *err)
{
    if (err != NULL)
        fail(arg, err);
}

static void put(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct noting *noting = arg;
    const struct cw_entry_note *note = noting->note;
    const struct cw_slice cart = cw_slice(note->stream->cart->name);
    const struct cw_record_key key = { cart, cw_slice(note->stream->name), { "", 0 } };
    if (err != NULL) {
        fail(noting, err);
        return;
    }
    cw_run_note(txn, note->run->id, note->run->counts.warnings, &noting->counts, cw_slice(note->words), key);
    if (note->once)
        cw_txn_put_state(txn, cart, cw_slice(TOLD_STATE), cw_buffer_slice(&noting->told));
    cw_txn_commit(txn, stored, noting);
}

static void tell(struct noting *noting)
{
    const struct cw_pipeline *pipeline = noting->pipeline;
    const struct cw_entry_note *note = noting->note;
    cw_txn_begin(pipeline->store, cw_pipeline_fence(pipeline, note->stream->cart), put, noting);
    cw_store_wait(pipeline->store);
    if (noting->ok)
        note->run->counts.warnings += noting->counts.warnings;
}

static bool note_once(struct noting *noting)
{
    const struct cw_entry_note *note = noting->note;
    if (note->once) {
        cw_store_get_state(noting->pipeline->store, cw_slice(note->stream->cart->name), cw_slice(TOLD_STATE),
                           told_found, noting);
        cw_store_wait(noting->pipeline->store);
        noting->ok = noting->ok && cw_buffer_print(&noting->told, noting->err, "%s\n", note->entry);
    }
    if (noting->ok && !noting->was_told)
        tell(noting);
    return noting->ok;
}

bool cw_entry_note(const struct cw_pipeline *pipeline, const struct cw_entry_note *note, struct cw_error *err)
{
    struct cw_error own;
    struct noting noting = {
        .pipeline = pipeline, .note = note, .ok = true, .err = err != NULL ? err : &own
    };
    if (note->run == NULL || pipeline->dry_run || pipeline->store == NULL) {
        cw_log_pairs(CW_LOG_WARNING, "inbox-entry", "cart", note->stream->cart->name, "stream",
                     note->stream->name, "note", note->words, NULL);
        return true;
    }
    bool ok = note_once(&noting);
    cw_buffer_fini(&noting.told);
    return ok;
}
