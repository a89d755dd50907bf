/* page_decide.c - a slice of records before the rules: what the store holds of them, what the rules ask, what
 * they decide. Three questions to the store at most, each for the whole slice, none when nothing is to be
 * asked. */
#include "engine/page.h"

#include <glib.h>

#include "mapping/rules.h"

static bool no_memory(struct cw_page_job *job)
{
    return cw_fail(&job->err, CW_LIMIT, "no memory left to decide about a page of records");
}

static void *page_alloc(struct cw_page_job *job, size_t size)
{
    void *made = cw_arena_alloc(&job->arena, size > 0 ? size : 1);
    if (made == NULL)
        no_memory(job);
    else
        memset(made, 0, size);
    return made;
}

/* What the store answered, kept as long as the slice. NULL when that was the end of the page. */
static void *keep_answer(struct cw_page_job *job, const void *entries, size_t size,
                         const struct cw_error *err)
{
    if (cw_page_was_cancelled(job))
        return NULL;
    void *kept = err == NULL ? page_alloc(job, size) : NULL;
    if (kept == NULL)
        cw_page_fail(job, err);
    else if (size > 0)
        memcpy(kept, entries, size);
    return kept;
}

/* A record that cannot even be read, or whose mapping needs more memory than there is, is parked with that
 * reason. */
static void park(struct cw_page_job *job, struct item *item, const struct cw_error *err)
{
    item->mapped = (struct cw_mapped){ 0 };
    cw_mapped_add_issue(&item->mapped, &job->arena, item->damaged ? "malformed" : "limit", "", "%s",
                        err->text);
}

/* Functions of the cart's scripts run between the two: never around a call to the store, which may answer
 * within it. */
static void enter_scripts(const struct cw_page_job *job)
{
    cw_pulse_enter(job->pipeline.pulse, job->page.stream->cart->name);
}

static void leave_scripts(const struct cw_page_job *job)
{
    cw_pulse_leave(job->pipeline.pulse);
}

static void map_item(struct cw_page_job *job, struct item *item, bool is_stored)
{
    const struct cw_plan_how how = { .is_stored = is_stored };
    struct cw_error err = item->err;
    if (item->damaged || !cw_judge_map(job->page.stream, &item->scope, item->key.external_id, how,
                                       &job->arena, &item->mapped, &err))
        park(job, item, &err);
}

/* --- what the store holds of them --- */

/* Orders come from their records alone; customers and items are made by rules too, and may be there before
 * their first record. */
static bool may_be_stored(const struct cw_page_job *job, const struct item *item)
{
    return !item->is_settled && (item->mapped.doc != NULL || item->mapped.skipped_by != NULL) &&
           (item->was_known || cw_lua_plan_kind(job->page.stream->plan) != &cw_kind_order);
}

static void ask_rules(struct cw_page_job *job);

/* A skip rule of the stream decides which records come in: what has a document already is kept up to date. */
static bool is_kept(const struct item *item)
{
    return item->mapped.skipped_by != NULL && cw_judge_keeps(item->stored);
}

static void map_stored(struct cw_page_job *job)
{
    enter_scripts(job);
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        if (is_kept(item))
            map_item(job, item, true);
    }
    leave_scripts(job);
}

static void got_documents(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    size_t next = 0;
    struct cw_stored *kept = keep_answer(job, stored, count * sizeof *kept, err);
    if (kept == NULL)
        return;
    for (size_t i = 0; i < job->count && next < count; i++)
        if (may_be_stored(job, &job->items[i]))
            job->items[i].stored = &kept[next++];
    map_stored(job);
    ask_rules(job);
}

void cw_page_decide(struct cw_page_job *job)
{
    struct cw_record_key keys[SLICE_RECORDS];
    size_t count = 0;
    enter_scripts(job);
    for (size_t i = 0; i < job->count; i++) {
        if (!job->items[i].is_settled)
            map_item(job, &job->items[i], false);
        if (may_be_stored(job, &job->items[i]))
            keys[count++] = job->items[i].key;
    }
    leave_scripts(job);
    if (count > 0)
        cw_txn_get_documents(job->txn, cw_lua_plan_kind(job->page.stream->plan), keys, count, &job->arena,
                             got_documents, job);
    else
        ask_rules(job);
}

/* --- what the rules ask --- */

static void decide_all(struct cw_page_job *job);

static void answered(void *arg, const struct cw_answers *answers, size_t count, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    size_t next = 0;
    struct cw_answers *kept = keep_answer(job, answers, count * sizeof *kept, err);
    if (kept == NULL)
        return;
    for (size_t i = 0; i < job->count; i++) {
        job->items[i].answers = kept + next;
        next += job->items[i].question_count;
    }
    decide_all(job);
}

static bool collect_questions(struct cw_page_job *job, size_t *total)
{
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        if (!item->is_settled && item->mapped.doc != NULL &&
            !cw_rules_ask(job->page.stream->rules, item->mapped.doc, item->key.cart, &job->arena,
                          &item->questions, &item->question_count, &job->err))
            return false;
        *total += item->question_count;
    }
    return true;
}

static void ask_rules(struct cw_page_job *job)
{
    size_t total = 0, next = 0;
    if (!collect_questions(job, &total)) {
        cw_page_fail(job, NULL);
        return;
    }
    if (total == 0) {
        decide_all(job);
        return;
    }
    struct cw_question *questions = page_alloc(job, total * sizeof *questions);
    if (questions == NULL) {
        cw_page_fail(job, NULL);
        return;
    }
    for (size_t i = 0; i < job->count; i++)
        for (size_t q = 0; q < job->items[i].question_count; q++)
            questions[next++] = job->items[i].questions[q];
    cw_txn_ask(job->txn, questions, total, &job->arena, answered, job);
}

/* --- what they decide --- */

/* Ids exactly; other values exactly, or without case where nothing fits them exactly. */
static bool holds_value(const struct cw_document *doc, const struct cw_question *question, bool exactly)
{
    bool is_id = strcmp(question->field, "external_id") == 0;
    const struct cw_value *value = cw_document_get(doc, question->field);
    struct cw_slice text = doc->external_id;
    if (!is_id && (value == NULL || !value->is_set))
        return false;
    if (!is_id)
        text = value->text;
    if (exactly)
        return cw_slice_equal(text, question->value);
    return !is_id && text.len == question->value.len &&
           g_ascii_strncasecmp(text.data, question->value.data, text.len) == 0;
}

static void drop_answer(struct cw_answers *answers, struct cw_slice external_id)
{
    for (size_t i = 0; i < answers->count; i++)
        if (cw_slice_equal(answers->found[i].external_id, external_id)) {
            answers->count--;
            memmove(&answers->found[i], &answers->found[i + 1],
                    (answers->count - i) * sizeof *answers->found);
            return;
        }
}

static void add_answer(struct cw_answers *answers, struct cw_document *doc)
{
    for (size_t i = 0; i < answers->count; i++)
        if (cw_slice_equal(answers->found[i].external_id, doc->external_id))
            return;
    if (answers->count < CW_ANSWERS_MAX)
        answers->found[answers->count++] = (struct cw_answer){ .external_id = doc->external_id, .doc = doc };
}

/* What one document of an earlier record says to a question. */
typedef void answer_fn(struct cw_answers *answers, const struct cw_question *question,
                       struct cw_document *doc);

static void forget_changed(struct cw_answers *answers, const struct cw_question *question,
                           struct cw_document *doc)
{
    if (!holds_value(doc, question, true) && !holds_value(doc, question, false))
        drop_answer(answers, doc->external_id);
}

static void take_exact(struct cw_answers *answers, const struct cw_question *question,
                       struct cw_document *doc)
{
    if (holds_value(doc, question, true))
        add_answer(answers, doc);
}

static void take_loose(struct cw_answers *answers, const struct cw_question *question,
                       struct cw_document *doc)
{
    if (holds_value(doc, question, false))
        add_answer(answers, doc);
}

static void ask_slice(struct cw_page_job *job, size_t index, const struct cw_question *question,
                      struct cw_answers *answers, answer_fn *answer)
{
    for (size_t i = 0; i < index; i++) {
        const struct cw_mapped *earlier = &job->items[i].mapped;
        if (job->items[i].is_settled || earlier->issues != NULL || earlier->doc == NULL)
            continue;
        if (earlier->doc->kind == question->kind)
            answer(answers, question, earlier->doc);
        for (struct cw_document *also = earlier->also; also != NULL; also = also->next)
            if (also->kind == question->kind)
                answer(answers, question, also);
    }
}

/* The store does not hold yet what earlier records of the same slice bring or change; where a page is cut
 * must not decide whether they are found. */
static void answer_from_slice(struct cw_page_job *job, size_t index)
{
    struct item *item = &job->items[index];
    for (size_t q = 0; q < item->question_count; q++) {
        const struct cw_question *question = &item->questions[q];
        if (!cw_slice_equal(question->cart, item->key.cart))
            continue;
        ask_slice(job, index, question, &item->answers[q], forget_changed);
        ask_slice(job, index, question, &item->answers[q], take_exact);
        if (item->answers[q].count == 0)
            ask_slice(job, index, question, &item->answers[q], take_loose);
    }
}

/* The documents that come out of an item, its own first. */
static bool collect_outcomes(struct cw_page_job *job, struct item *item)
{
    size_t count = item->mapped.doc != NULL;
    for (const struct cw_document *also = item->mapped.also; also != NULL; also = also->next)
        count++;
    item->outcomes = page_alloc(job, count * sizeof *item->outcomes);
    if (item->outcomes == NULL)
        return false;
    if (item->mapped.doc != NULL)
        item->outcomes[item->outcome_count++] = (struct outcome){ .doc = item->mapped.doc };
    for (struct cw_document *also = item->mapped.also; also != NULL; also = also->next)
        item->outcomes[item->outcome_count++] = (struct outcome){ .doc = also };
    return true;
}

/* The record's own document stands under the record's key, which was asked for; a document that a rule made
 * stands under another, or is of another kind. */
static bool is_asked_late(const struct item *item, const struct outcome *outcome)
{
    return !item->is_settled && (outcome->doc != item->mapped.doc ||
                                 !cw_slice_equal(outcome->doc->external_id, item->key.external_id));
}

static bool finish(struct cw_page_job *job, struct item *item, struct outcome *outcome)
{
    return cw_judge_finish(outcome->stored, outcome->doc, &job->arena, &item->mapped, &outcome->news,
                           &job->err);
}

/* Finished at once where that can be: only then it is known whether the item waits, and whether later items
 * of the slice may find what it brings. */
static bool decide_item(struct cw_page_job *job, size_t index)
{
    struct item *item = &job->items[index];
    struct cw_error err;
    if (item->is_settled)
        return true;
    answer_from_slice(job, index);
    if (item->mapped.doc != NULL &&
        !cw_judge_decide(job->page.stream, item->stored, item->answers, item->question_count, false,
                         &job->arena, &item->mapped, &err))
        park(job, item, &err);
    if (!collect_outcomes(job, item))
        return false;
    if (item->outcome_count == 0 || is_asked_late(item, &item->outcomes[0]))
        return true;
    item->outcomes[0].stored = item->stored;
    return finish(job, item, &item->outcomes[0]);
}

/* --- what the store holds of documents that rules made --- */

static void finish_all(struct cw_page_job *job);

static void got_late(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct cw_page_job *job = arg;
    size_t next = 0;
    struct cw_stored *kept = keep_answer(job, stored, count * sizeof *kept, err);
    if (kept == NULL)
        return;
    for (size_t i = 0; i < job->count; i++)
        for (size_t o = 0; o < job->items[i].outcome_count && next < count; o++)
            if (is_asked_late(&job->items[i], &job->items[i].outcomes[o]))
                job->items[i].outcomes[o].stored = &kept[next++];
    finish_all(job);
}

static bool ask_late(struct cw_page_job *job, size_t count)
{
    struct cw_record_key *keys = page_alloc(job, count * sizeof *keys);
    const struct cw_kind *kind = NULL;
    size_t next = 0;
    if (keys == NULL)
        return false;
    for (size_t i = 0; i < job->count; i++)
        for (size_t o = 0; o < job->items[i].outcome_count; o++)
            if (is_asked_late(&job->items[i], &job->items[i].outcomes[o])) {
                kind = job->items[i].outcomes[o].doc->kind; /* the same for all of a stream */
                keys[next] = job->items[i].key;
                keys[next++].external_id = job->items[i].outcomes[o].doc->external_id;
            }
    cw_txn_get_documents(job->txn, kind, keys, count, &job->arena, got_late, job);
    return true;
}

static bool decide_items(struct cw_page_job *job, size_t *late)
{
    bool ok = true;
    enter_scripts(job);
    for (size_t i = 0; ok && i < job->count; i++) {
        const struct item *item = &job->items[i];
        ok = decide_item(job, i);
        for (size_t o = 0; ok && o < item->outcome_count; o++)
            *late += is_asked_late(item, &item->outcomes[o]);
    }
    leave_scripts(job);
    return ok;
}

static void decide_all(struct cw_page_job *job)
{
    size_t late = 0;
    if (!decide_items(job, &late))
        cw_page_fail(job, NULL);
    else if (late == 0)
        finish_all(job);
    else if (!ask_late(job, late))
        cw_page_fail(job, NULL);
}

static void finish_all(struct cw_page_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        for (size_t o = 0; o < item->outcome_count; o++)
            if (is_asked_late(item, &item->outcomes[o]) && !finish(job, item, &item->outcomes[o])) {
                cw_page_fail(job, NULL);
                return;
            }
    }
    cw_page_put_slice(job);
}
