/* page_put.c - what is stored of one decided record: the bytes, what waits and why, documents, messages, and
 * notes of edits that the cart contests. */
#include "engine/page.h"

#include "adapters/document_json.h"
#include "engine/office.h"
#include "engine/run_notes.h"
#include "mapping/edit.h"

static bool is_held(const struct cw_mapped *mapped)
{
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next)
        if (!issue->is_hold)
            return false;
    return true;
}

static bool put_staged(struct cw_page_job *job, const struct item *item)
{
    enum { ISSUES_MAX = 100 };
    const struct cw_mapped *mapped = &item->mapped;
    struct cw_issue issues[ISSUES_MAX];
    size_t count = 0;
    for (const struct cw_found_issue *i = mapped->issues; i != NULL && count < ISSUES_MAX; i = i->next)
        issues[count++] = (struct cw_issue){ i->code, i->subject, i->field, i->path, i->message };
    cw_buffer_clear(&job->json);
    if (mapped->doc != NULL && !cw_document_json(&job->json, mapped->doc, 0, &job->err))
        return false;
    struct cw_staged staged = { .key = item->key,
                                .kind = cw_lua_plan_kind(job->page.stream->plan),
                                .state = is_held(mapped) ? CW_STAGED_HELD : CW_STAGED_PARKED,
                                .document = cw_buffer_slice(&job->json),
                                .issues = issues,
                                .issue_count = count,
                                .at = cw_now(job->pipeline.clock),
                                .run = job->page.run->id };
    return cw_txn_put_staged(job->txn, &staged);
}

static bool put_raw(struct cw_page_job *job, const struct item *item, enum cw_outcome outcome,
                    struct cw_slice reason)
{
    const struct cw_records *records = job->page.records;
    job->counts.stored++;
    struct cw_raw raw = { .key = item->key,
                          .hash = item->hash,
                          .format = cw_slice(cw_records_kept_as(records)),
                          .encoding = cw_slice(cw_records_encoding(records)),
                          .bytes = item->bytes,
                          .parts = item->parts,
                          .part_count = item->part_count,
                          .received_at = cw_now(job->pipeline.clock),
                          .run = job->page.run->id,
                          .outcome = outcome,
                          .reason = reason,
                          .script_version = cw_slice(job->pipeline.script_version) };
    return cw_txn_put_raw(job->txn, &raw);
}

static bool put_outcome(struct cw_page_job *job, const struct item *item, enum cw_outcome outcome,
                        struct cw_slice reason)
{
    if (item->same_bytes)
        return cw_txn_set_outcome(job->txn, item->key, outcome, reason,
                                  cw_slice(job->pipeline.script_version));
    return put_raw(job, item, outcome, reason);
}

/* --- documents --- */

static bool stop_at_first(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    (void)name;
    (void)before;
    (void)after;
    *(bool *)arg = true;
    return false;
}

/* Mapped again, most documents are what they were: they are not written again. */
static bool is_new_or_changed(struct cw_page_job *job, const struct outcome *outcome, bool *changed)
{
    *changed = outcome->stored == NULL || outcome->stored->doc == NULL;
    return *changed ||
           cw_document_differences(outcome->stored->doc, outcome->doc, &job->arena, stop_at_first, changed);
}

static void note(struct cw_page_job *job, const struct item *item, const struct cw_buffer *text)
{
    uint64_t before = job->page.run->counts.warnings + job->stored.warnings;
    if (!job->pipeline.dry_run) /* which is no run of the log that could have notes */
        cw_run_note(job->txn, job->page.run->id, before, &job->counts, cw_buffer_slice(text), item->key);
}

/* A record that waits, and did not before, or not with these bytes. */
static void note_waiting(struct cw_page_job *job, const struct item *item)
{
    const struct cw_found_issue *first = item->mapped.issues;
    struct cw_buffer text = { 0 };
    size_t others = 0;
    if (item->was_staged && item->same_bytes)
        return;
    for (const struct cw_found_issue *issue = first->next; issue != NULL; issue = issue->next)
        others++;
    bool ok = cw_buffer_add(&text, first->message.data, first->message.len, NULL);
    if (ok && others > 0)
        ok = cw_buffer_print(&text, NULL, " (and %zu more)", others);
    if (ok)
        note(job, item, &text);
    cw_buffer_fini(&text);
}

static void note_contest(struct cw_page_job *job, const struct item *item, const struct cw_edit *edit)
{
    struct cw_buffer text = { 0 };
    bool is_gone = edit->cart_value.data == NULL;
    if (cw_buffer_print(&text, NULL, "%.*s was edited here to \"%.*s\", and stays so; the cart now %s%.*s%s",
                        CW_SLICE_ARG(edit->field), CW_SLICE_ARG(edit->value),
                        is_gone ? "has no such value" : "says \"", CW_SLICE_ARG(edit->cart_value),
                        is_gone ? "" : "\""))
        note(job, item, &text);
    cw_buffer_fini(&text);
}

static bool put_document(struct cw_page_job *job, const struct item *item, const struct outcome *outcome)
{
    bool changed;
    for (size_t i = 0; i < outcome->news.count; i++) {
        const struct cw_edit *edit = &outcome->news.edits[i];
        if (edit->is_contested)
            note_contest(job, item, edit);
        if (!cw_txn_put_edit(job->txn, item->key.cart, outcome->doc->kind, outcome->doc->external_id, edit))
            return false;
    }
    if (!is_new_or_changed(job, outcome, &changed))
        return cw_fail(&job->err, CW_LIMIT, "no memory left to compare a document with the stored one");
    return !changed || cw_txn_put_document(job->txn, item->key.cart, outcome->doc,
                                           cw_now(job->pipeline.clock), job->page.run->id);
}

/* An item whose variants are items of their own now is sold no more itself, and has no variants by which an
 * order could find it. */
static bool retire(struct cw_page_job *job, const struct item *item)
{
    const struct cw_document *doc = item->mapped.doc;
    if (doc == NULL || item->stored == NULL || item->stored->doc == NULL ||
        cw_slice_equal(doc->external_id, item->key.external_id))
        return true;
    struct cw_document *retired = item->stored->doc;
    struct cw_value *variants = (struct cw_value *)cw_document_get(retired, "variants"),
                    *active = (struct cw_value *)cw_document_get(retired, "active");
    if (variants == NULL || active == NULL || (!variants->is_set && active->is_set && !active->boolean))
        return true;
    if (job->recounts && !cw_recount_mark(job->txn, retired)) /* as long as it has its variants */
        return false;
    variants->is_set = false;
    *active = (struct cw_value){ .is_set = true, .boolean = false };
    return cw_txn_put_document(job->txn, item->key.cart, retired, cw_now(job->pipeline.clock),
                               job->page.run->id);
}

static bool put_documents(struct cw_page_job *job, const struct item *item)
{
    if (!retire(job, item))
        return false;
    for (size_t i = 1; i < item->outcome_count; i++) /* a customer comes before the order that names it */
        if (!put_document(job, item, &item->outcomes[i]))
            return false;
    return item->outcome_count == 0 || put_document(job, item, &item->outcomes[0]);
}

/* What the cart is to be told of an order that has come; mapped again, it is told of the same version once.
 */
static bool put_message(struct cw_page_job *job, const struct item *item)
{
    const struct cw_mapped *mapped = &item->mapped;
    char event[CW_HASH_TEXT_MAX + 8];
    struct cw_hasher hasher;
    if (mapped->tell_cart.len == 0 || mapped->doc == NULL || job->pipeline.config == NULL)
        return true;
    cw_hasher_init(&hasher);
    cw_hasher_add(&hasher, (struct cw_slice){ (const char *)item->hash.bytes, sizeof item->hash.bytes });
    cw_hasher_add(&hasher, mapped->tell_cart);
    struct cw_hash hash = cw_hasher_end(&hasher);
    memcpy(event, "rule/", 5);
    cw_hash_hex(&hash, event + 5);
    return cw_office_status(job->txn, job->pipeline.config, mapped->doc, item->key.cart, mapped->tell_cart,
                            cw_slice_clip(cw_slice(event), 21), cw_now(job->pipeline.clock), &job->err);
}

static void compare(struct cw_page_job *job, const struct item *item)
{
    const struct cw_stored *stored = item->outcome_count > 0 ? item->outcomes[0].stored : item->stored;
    if (job->pipeline.compared == NULL)
        return;
    struct cw_comparison comparison = {
        .key = item->key,
        .before = stored != NULL ? stored->doc : NULL,
        .mapped = &item->mapped,
        .arena = &job->arena,
    };
    for (size_t i = 0; i < item->outcome_count; i++)
        comparison.contested += item->outcomes[i].news.count;
    job->pipeline.compared(job->pipeline.arg, &comparison);
}

bool cw_page_put(struct cw_page_job *job, const struct item *item)
{
    const struct cw_mapped *mapped = &item->mapped;
    if (mapped->doc == NULL && mapped->issues == NULL && mapped->skipped_by == NULL)
        return cw_fail(&job->err, CW_LIMIT, "no memory left to say what is wrong with a record");
    compare(job, item);
    if (mapped->skipped_by != NULL) {
        job->counts.skipped++;
        return put_outcome(job, item, CW_SKIPPED, cw_slice(mapped->skipped_by)) &&
               (!item->was_staged || cw_txn_drop_staged(job->txn, item->key));
    }
    if (mapped->issues != NULL) {
        job->counts.parked++;
        job->counts.held += is_held(mapped);
        note_waiting(job, item);
        return put_outcome(job, item, CW_PARKED, mapped->issues->code) && put_staged(job, item);
    }
    job->counts.posted++;
    return put_outcome(job, item, CW_POSTED, (struct cw_slice){ "", 0 }) && put_documents(job, item) &&
           put_message(job, item) && (!item->was_staged || cw_txn_drop_staged(job->txn, item->key));
}
