/* office_change.c - what a document that was given changes of the stored one, and its line of the audit
 * trail; see office_private.h. */
#include "engine/office_private.h"

#include "adapters/document_json.h"
#include "adapters/writer.h"
#include "engine/recount.h"
#include "mapping/edit.h"

/* A line of the audit trail tells this many values; a purchase order may have thousands. */
enum { AUDIT_FIELDS_MAX = 50 };

/* --- merging --- */

static bool put_custom(struct cw_document *doc, const struct cw_custom *given, struct cw_arena *arena)
{
    struct cw_custom **at = &doc->custom;
    while (*at != NULL && !cw_slice_equal((*at)->name, given->name))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = cw_arena_alloc(arena, sizeof **at);
        if (*at == NULL)
            return false;
        **at = (struct cw_custom){ .name = given->name };
    }
    (*at)->type = given->type;
    (*at)->value = given->value;
    return true;
}

/* What is given replaces what is stored, field by field; the texts stay the given document's. */
static struct cw_document *merge(const struct cw_document *before, const struct cw_document *given,
                                 struct cw_arena *arena)
{
    struct cw_document *doc = cw_document_copy(arena, before != NULL ? before : given);
    if (doc == NULL || before == NULL)
        return doc;
    for (size_t i = 0; i < given->kind->field_count; i++)
        if (given->values[i].is_set)
            doc->values[i] = given->values[i];
    for (const struct cw_custom *custom = given->custom; custom != NULL; custom = custom->next)
        if (!put_custom(doc, custom, arena))
            return NULL;
    return doc;
}

/* The stamps of another system alone are no change: with them two shops would tell each other for ever. */
static bool is_stamp(struct cw_slice name)
{
    return cw_slice_is(name, "changed_at") || cw_slice_is(name, "created_at");
}

static bool stop_at_change(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    (void)before;
    (void)after;
    *(bool *)arg = !is_stamp(name);
    return is_stamp(name);
}

bool cw_office_merge(struct office_job *job, struct office_doc *doc)
{
    doc->doc = merge(doc->before, doc->given, &job->arena);
    doc->is_changed = doc->before == NULL;
    if (doc->doc == NULL)
        return cw_fail(job->err, CW_LIMIT, "no memory left for %s %.*s", job->put->kind->name,
                       CW_SLICE_ARG(doc->id));
    doc->doc->external_id = doc->id;
    return doc->is_changed ||
           cw_document_differences(doc->before, doc->doc, &job->arena, stop_at_change, &doc->is_changed) ||
           cw_fail(job->err, CW_LIMIT, "no memory left to compare %s %.*s with the stored one",
                   job->put->kind->name, CW_SLICE_ARG(doc->id));
}

/* --- the audit trail --- */

struct told {
    struct cw_buffer before, after; /* {"quantity":"5" */
    size_t count;
    struct cw_error *err;
    bool failed;
};

static bool add(struct told *told, struct cw_buffer *out, struct cw_slice name, struct cw_slice value)
{
    if (value.data == NULL)
        return true;
    return cw_buffer_add(out, out->len == 0 ? "{" : ",", 1, told->err) &&
           cw_json_write_text(out, name, told->err) && cw_buffer_add(out, ":", 1, told->err) &&
           cw_json_write_text(out, value, told->err);
}

static bool take_difference(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    struct told *told = arg;
    if (told->count++ == AUDIT_FIELDS_MAX) {
        told->failed = !add(told, &told->after, cw_slice("..."), cw_slice("and more"));
        return false;
    }
    told->failed = !add(told, &told->before, name, before) || !add(told, &told->after, name, after);
    return !told->failed;
}

static bool close_object(struct told *told, struct cw_buffer *out)
{
    return out->len == 0 || cw_buffer_add(out, "}", 1, told->err);
}

static bool tell_changes(struct office_job *job, const struct office_doc *doc, struct told *told)
{
    if (doc->doc == NULL)
        return cw_document_json(&told->before, doc->before, 0, job->err);
    return (cw_document_differences(doc->before, doc->doc, &job->arena, take_difference, told) ||
            cw_fail(job->err, CW_LIMIT, "no memory left for the audit trail")) &&
           !told->failed && close_object(told, &told->before) && close_object(told, &told->after);
}

static bool audit(struct office_job *job, const struct office_doc *doc)
{
    const struct cw_office_put *put = job->put;
    struct told told = { .err = job->err };
    cw_buffer_clear(&job->text);
    bool ok =
        cw_buffer_print(&job->text, job->err, "office %s %.*s", put->kind->name, CW_SLICE_ARG(doc->id)) &&
        tell_changes(job, doc, &told);
    ok = ok && (cw_txn_audit(job->txn, put->who, cw_slice(doc->doc != NULL ? "put" : "drop"),
                             cw_buffer_slice(&job->text), cw_buffer_slice(&told.before),
                             cw_buffer_slice(&told.after), put->reason, cw_now(job->clock)) ||
                cw_office_lost(job));
    cw_buffer_fini(&told.before);
    cw_buffer_fini(&told.after);
    return ok;
}

/* --- writing --- */

static bool write_one(struct office_job *job, const struct office_doc *doc)
{
    struct cw_slice office = { "", 0 };
    bool ok = doc->doc != NULL ? cw_txn_put_document(job->txn, office, doc->doc, cw_now(job->clock), 0)
                               : cw_txn_drop_document(job->txn, office, job->put->kind, doc->id);
    return (ok || cw_office_lost(job)) && audit(job, doc);
}

bool cw_office_write(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->docs[i].is_changed && !job->docs[i].is_faulty && !write_one(job, &job->docs[i]))
            return false;
    return true;
}

bool cw_office_mark(struct office_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct office_doc *doc = &job->docs[i];
        if (!doc->is_changed || doc->is_faulty)
            continue;
        if ((doc->before != NULL && !cw_recount_mark(job->txn, doc->before)) ||
            (doc->doc != NULL && !cw_recount_mark(job->txn, doc->doc)))
            return cw_office_lost(job);
    }
    return true;
}
