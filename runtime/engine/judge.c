/* judge.c - see judge.h. */
#include "engine/judge.h"

#include <stdio.h>

#include "mapping/edit.h"
#include "mapping/totals.h"

bool cw_judge_map(const struct cw_lua_stream *stream, const struct cw_scope *scope, struct cw_slice id,
                  struct cw_plan_how how, struct cw_arena *arena, struct cw_mapped *mapped,
                  struct cw_error *err)
{
    struct cw_plan_host host = cw_lua_plan_host(stream->plan);
    struct cw_scope whole = *scope;
    *mapped = (struct cw_mapped){ 0 };
    if (!cw_lua_plan_derive(stream->plan, (struct cw_slice){ NULL, 0 }, &whole, arena, err))
        return err->code != CW_NOMEM &&
               cw_mapped_add_issue(mapped, arena, "script", "", "%s", err->text) != NULL;
    return cw_plan_run(cw_lua_plan_get(stream->plan), &whole, id, &host, how, arena, mapped, err) &&
           cw_totals_check(mapped, arena, err);
}

bool cw_judge_keeps(const struct cw_stored *stored)
{
    return stored != NULL && stored->doc != NULL && stored->doc->kind != &cw_kind_stock_level;
}

static bool exhausted(struct cw_error *err)
{
    return cw_fail(err, CW_LIMIT, "no memory left for what the rules make of the record");
}

struct cw_document *cw_judge_said(const struct cw_stored *stored, struct cw_arena *arena)
{
    struct cw_error gone; /* a line that is not there any more had its edit with it */
    if (stored == NULL || stored->doc == NULL || stored->edit_count == 0)
        return stored != NULL ? stored->doc : NULL;
    struct cw_document *said = cw_document_copy(arena, stored->doc);
    for (size_t i = 0; said != NULL && i < stored->edit_count; i++)
        cw_document_set(said, stored->edits[i].field, stored->edits[i].cart_value, NULL, arena, &gone);
    return said;
}

static void forget_sums(struct cw_mapped *mapped)
{
    struct cw_found_issue **place = &mapped->issues;
    while (*place != NULL) {
        if (cw_slice_is((*place)->code, "totals"))
            *place = (*place)->next;
        else
            place = &(*place)->next;
    }
}

/* The sums are done again when rules or edits may have changed an amount. */
static bool add_up_again(struct cw_mapped *mapped, struct cw_arena *arena, struct cw_error *err)
{
    forget_sums(mapped);
    return cw_totals_check(mapped, arena, err);
}

bool cw_judge_decide(const struct cw_lua_stream *stream, const struct cw_stored *stored,
                     const struct cw_answers *answers, size_t answer_count, bool trace,
                     struct cw_arena *arena, struct cw_mapped *mapped, struct cw_error *err)
{
    struct cw_rules_host host = cw_lua_rules_host(stream->cart->script);
    struct cw_case of = { .cart = cw_slice(stream->cart->name),
                          .plan = cw_lua_plan_get(stream->plan),
                          .before = cw_judge_said(stored, arena),
                          .answers = answers,
                          .answer_count = answer_count,
                          .host = &host,
                          .customers = stream->customer_rules,
                          .trace = trace };
    if (of.before == NULL && stored != NULL && stored->doc != NULL)
        return exhausted(err);
    return cw_rules_run(stream->rules, &of, arena, mapped, err) &&
           (!cw_rules_change_amounts(stream->rules) || add_up_again(mapped, arena, err));
}

/* --- edits --- */

static bool explain_edit(struct cw_mapped *mapped, struct cw_arena *arena, const struct cw_edit *edit)
{
    char by[256], where[CW_TIME_TEXT_MAX], field[CW_ERROR_NAME_MAX];
    snprintf(field, sizeof field, "%.*s", CW_SLICE_ARG(edit->field));
    snprintf(by, sizeof by, "edit of %.*s%s%.*s", CW_SLICE_ARG(edit->who), edit->reason.len > 0 ? ": " : "",
             CW_SLICE_ARG(edit->reason));
    cw_time_iso(edit->at, where);
    return cw_mapped_explain(mapped, arena, field, edit->value, cw_slice(by), cw_slice(where));
}

static bool same_text(struct cw_slice a, struct cw_slice b)
{
    return (a.data == NULL) == (b.data == NULL) && cw_slice_equal(a, b);
}

/* One edit over the document; *news gets it when the cart says something else than it did. */
static bool lay_over(struct cw_document *doc, const struct cw_edit *edit, struct cw_arena *arena,
                     struct cw_mapped *mapped, struct cw_news *news, struct cw_error *err)
{
    struct cw_slice said = { NULL, 0 };
    struct cw_error gone;
    bool leads = cw_document_text(doc, edit->field, arena, &said, &gone);
    if (!leads && gone.code == CW_LIMIT)
        return exhausted(err);
    if (!same_text(said, edit->cart_value)) {
        struct cw_edit *changed = &news->edits[news->count++];
        *changed = *edit;
        changed->cart_value = said;
        changed->is_contested = !leads || !same_text(said, edit->value);
    }
    if (leads && !cw_document_set(doc, edit->field, edit->value, NULL, arena, &gone) && gone.code == CW_LIMIT)
        return exhausted(err);
    return !leads || explain_edit(mapped, arena, edit) || exhausted(err);
}

/* Who looks at such an order must know that not all of it is the cart's. */
static bool tell_of_edits(struct cw_mapped *mapped, struct cw_arena *arena)
{
    static const char words[] = "with what was edited here, ";
    for (struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        char *text = cw_arena_bytes(arena, sizeof words + issue->message.len);
        if (text == NULL)
            return false;
        if (!cw_slice_is(issue->code, "totals"))
            continue;
        memcpy(text, words, sizeof words - 1);
        memcpy(text + sizeof words - 1, issue->message.data, issue->message.len);
        issue->message = (struct cw_slice){ text, sizeof words - 1 + issue->message.len };
    }
    return true;
}

static bool lay_all_over(const struct cw_stored *stored, struct cw_document *doc, struct cw_arena *arena,
                         struct cw_mapped *mapped, struct cw_news *news, struct cw_error *err)
{
    news->edits = cw_arena_alloc(arena, stored->edit_count * sizeof *news->edits);
    if (news->edits == NULL)
        return exhausted(err);
    for (size_t i = 0; i < stored->edit_count; i++)
        if (!lay_over(doc, &stored->edits[i], arena, mapped, news, err))
            return false;
    if (doc != mapped->doc)
        return true;
    return add_up_again(mapped, arena, err) && (tell_of_edits(mapped, arena) || exhausted(err));
}

static bool let_pass(const struct cw_stored *stored, struct cw_arena *arena, struct cw_mapped *mapped,
                     struct cw_error *err)
{
    struct cw_pass *passes = cw_arena_alloc(arena, stored->release_count * sizeof *passes);
    if (passes == NULL)
        return exhausted(err);
    for (size_t i = 0; i < stored->release_count; i++)
        passes[i] = (struct cw_pass){ stored->releases[i].code, stored->releases[i].field,
                                      stored->releases[i].message };
    cw_mapped_pass(mapped, passes, stored->release_count);
    return true;
}

bool cw_judge_finish(const struct cw_stored *stored, struct cw_document *doc, struct cw_arena *arena,
                     struct cw_mapped *mapped, struct cw_news *news, struct cw_error *err)
{
    *news = (struct cw_news){ NULL, 0 };
    if (stored == NULL)
        return true;
    if (doc != NULL && stored->edit_count > 0 && !lay_all_over(stored, doc, arena, mapped, news, err))
        return false;
    return doc != mapped->doc || stored->release_count == 0 || mapped->issues == NULL ||
           let_pass(stored, arena, mapped, err);
}

/* --- one record alone --- */

struct alone {
    const struct cw_lua_stream *stream;
    struct cw_record_key key;
    struct cw_arena *arena;
    struct cw_mapped *mapped;
    const struct cw_scope *scope;
    struct cw_stored stored;
    struct cw_txn *txn;
    bool ok;
    struct cw_error *err;
};

static void finish_alone(struct alone *alone, const struct cw_answers *answers, size_t count)
{
    struct cw_news news;
    alone->ok =
        cw_judge_decide(alone->stream, &alone->stored, answers, count, true, alone->arena, alone->mapped,
                        alone->err) &&
        cw_judge_finish(&alone->stored, alone->mapped->doc, alone->arena, alone->mapped, &news, alone->err);
    if (alone->txn != NULL)
        cw_txn_rollback(alone->txn);
}

static void fail_alone(struct alone *alone, const struct cw_error *err)
{
    *alone->err = *err;
    if (alone->txn != NULL)
        cw_txn_rollback(alone->txn);
}

static void answered_alone(void *arg, const struct cw_answers *answers, size_t count,
                           const struct cw_error *err)
{
    if (err != NULL)
        fail_alone(arg, err);
    else
        finish_alone(arg, answers, count);
}

static void answer_nothing(struct alone *alone, size_t count)
{
    struct cw_answers *none = cw_arena_alloc(alone->arena, (count + 1) * sizeof *none);
    if (none == NULL) {
        exhausted(alone->err);
        return;
    }
    memset(none, 0, (count + 1) * sizeof *none);
    finish_alone(alone, none, count);
}

static void ask_alone(struct alone *alone)
{
    struct cw_question *questions = NULL;
    size_t count = 0;
    struct cw_error err;
    if (alone->mapped->doc != NULL && !cw_rules_ask(alone->stream->rules, alone->mapped->doc, alone->key.cart,
                                                    alone->arena, &questions, &count, &err))
        fail_alone(alone, &err);
    else if (count > 0 && alone->txn != NULL)
        cw_txn_ask(alone->txn, questions, count, alone->arena, answered_alone, alone);
    else
        answer_nothing(alone, count);
}

static bool map_stored(struct alone *alone)
{
    const struct cw_plan_how how = { .is_stored = true, .trace = true };
    return alone->mapped->skipped_by == NULL || !cw_judge_keeps(&alone->stored) ||
           cw_judge_map(alone->stream, alone->scope, alone->key.external_id, how, alone->arena, alone->mapped,
                        alone->err);
}

static void got_alone(void *arg, const struct cw_stored *stored, size_t count, const struct cw_error *err)
{
    struct alone *alone = arg;
    if (err != NULL) {
        fail_alone(alone, err);
        return;
    }
    if (count > 0)
        alone->stored = stored[0];
    if (map_stored(alone))
        ask_alone(alone);
    else
        cw_txn_rollback(alone->txn);
}

static void begun_alone(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct alone *alone = arg;
    alone->txn = txn;
    if (err != NULL)
        *alone->err = *err;
    else
        cw_txn_get_documents(txn, cw_lua_plan_kind(alone->stream->plan), &alone->key, 1, alone->arena,
                             got_alone, alone);
}

bool cw_judge_alone(const struct cw_lua_stream *stream, struct cw_store *store, const struct cw_scope *scope,
                    struct cw_slice id, struct cw_arena *arena, struct cw_mapped *mapped,
                    const struct cw_document **stored, struct cw_error *err)
{
    struct alone alone = { .stream = stream,
                           .key = { cw_slice(stream->cart->name), cw_slice(stream->name), id },
                           .scope = scope,
                           .arena = arena,
                           .mapped = mapped,
                           .err = err };
    *stored = NULL;
    if (!cw_judge_map(stream, scope, id, (struct cw_plan_how){ .trace = true }, arena, mapped, err))
        return false;
    if (store == NULL) {
        ask_alone(&alone);
        return alone.ok;
    }
    cw_txn_begin(store, (struct cw_fence){ 0 }, begun_alone, &alone);
    cw_store_wait(store);
    *stored = alone.stored.doc;
    return alone.ok;
}
