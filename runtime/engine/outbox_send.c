/* outbox_send.c - claims messages, has the script send them, stores what became of them together with the
 * next claim. */
#include <stdio.h>

#include "base/secret.h"
#include "engine/outbox_private.h"

enum { STORE_TRIES = 6 };
static const cw_time store_again = 2 * CW_SECOND, controls_again = 2 * CW_SECOND;

static void store(struct cw_outbox_run *run);

/* --- what the script said --- */

static struct cw_slice error_of(struct cw_outbox_run *run, const struct cw_lua_told *told,
                                const struct cw_evidence *evidence, enum cw_message_state state)
{
    struct cw_arena *arena = &run->call.arena;
    char text[CW_ERROR_TEXT_MAX];
    if (state == CW_MESSAGE_SENT || state == CW_MESSAGE_SUPERSEDED)
        return (struct cw_slice){ "", 0 };
    if (told->said == CW_SAID_REFUSED && state != CW_MESSAGE_UNKNOWN)
        return cw_outbox_words(arena, told->words);
    if (evidence->err != NULL)
        cw_error_format(evidence->err, text, sizeof text);
    else
        snprintf(text, sizeof text,
                 "the script says nothing of it; %u of its requests that write were taken, %u refused",
                 evidence->effects.taken, evidence->effects.refused);
    return cw_outbox_words(arena, cw_slice(text));
}

static cw_time due_of(const struct cw_verdict *verdict, unsigned attempts, cw_time now)
{
    bool is_later = verdict->state == CW_MESSAGE_QUEUED && !verdict->takes_back;
    if (verdict->state == CW_MESSAGE_UNKNOWN)
        return now + CW_OUTBOX_SETTLES;
    return is_later ? now + cw_outbox_delay(attempts) : now;
}

static void judge_one(struct cw_outbox_run *run, size_t i, const struct cw_lua_told *told,
                      struct cw_evidence *evidence)
{
    struct cw_outbox_call *call = &run->call;
    const struct cw_message *message = &call->messages[i];
    cw_time now = cw_outbox_now(run);
    evidence->said = told->said;
    evidence->attempts = message->attempts;
    const struct cw_verdict verdict = cw_outbox_judge(evidence);
    if (verdict.state == CW_MESSAGE_UNKNOWN)
        cw_outbox_note_unknown(run, now + CW_OUTBOX_SETTLES);
    call->outcomes[i] =
        (struct cw_outbox_outcome){ .settlement = { .id = message->id,
                                                    .was = CW_MESSAGE_SENDING,
                                                    .state = verdict.state,
                                                    .due_at = due_of(&verdict, message->attempts, now),
                                                    .takes_back = verdict.takes_back,
                                                    .company =
                                                        verdict.alone ? (unsigned)(call->count / 2) : 0,
                                                    .answer = cw_outbox_words(&call->arena, told->words),
                                                    .error = error_of(run, told, evidence, verdict.state) },
                                    .link = cw_arena_copy(&call->arena, told->link) };
}

/* One answer that got lost may be one record's; several in a row are not. */
static bool ends_run(struct cw_outbox_run *run, const struct cw_lua_sent *sent)
{
    if (run->stopping && sent->err != NULL && sent->err->code == CW_CANCELLED)
        return false;
    if (!cw_outbox_is_of_cart(sent->err, sent->status)) {
        run->lost_in_a_row = 0;
        return false;
    }
    return sent->effects.uncertain == 0 || sent->status == 503 || ++run->lost_in_a_row == CW_OUTBOX_LOST_MAX;
}

static void judge_all(struct cw_outbox_run *run, const struct cw_lua_sent *sent)
{
    static const struct cw_lua_told nothing = { CW_SAID_NOTHING, { "", 0 }, { "", 0 } };
    struct cw_outbox_call *call = &run->call;
    struct cw_evidence evidence = { .effects = sent->effects,
                                    .err = sent->err,
                                    .status = sent->status,
                                    .batch = call->count,
                                    .attempts_max = run->sending->attempts };
    call->outcomes = cw_arena_alloc(&call->arena, call->count * sizeof *call->outcomes);
    if (call->outcomes == NULL) { /* they stay sending; the next run asks about them */
        cw_outbox_end(run,
                      &(struct cw_error){ .code = CW_NOMEM, .text = "no memory for the outcome of a call" });
        return;
    }
    for (size_t i = 0; i < call->count; i++)
        judge_one(run, i, i < sent->count ? &sent->told[i] : &nothing, &evidence);
    run->ends = ends_run(run, sent);
    if (run->ends)
        run->end_err = *sent->err;
    run->tries = 0;
    store(run);
}

static void sent(void *arg, const struct cw_lua_sent *sent)
{
    struct cw_outbox_run *run = arg;
    run->fiber = NULL;
    run->is_sending = false;
    judge_all(run, sent);
}

void cw_outbox_put_back(void *arg)
{
    struct cw_error err;
    cw_fail(&err, CW_CANCELLED, "the run was stopped before anything of it left");
    sent(arg, &(struct cw_lua_sent){ .err = &err });
}

static void tell(void *arg)
{
    struct cw_outbox_run *run = arg;
    struct cw_outbox_call *call = &run->call;
    struct cw_error err;
    bool is_single = call->count == 1 && run->script->has_send;
    if (cw_session_may_write(run->session, run->cart->name, &err))
        run->fiber = cw_lua_start_telling(run->cart, run->out, is_single ? CW_TELL_ONE : CW_TELL_BATCH,
                                          call->messages, call->links, call->count, sent, run, &err);
    run->is_sending = run->fiber != NULL;
    if (run->fiber == NULL)
        judge_all(run, &(struct cw_lua_sent){ .err = &err }); /* nothing has left */
}

/* --- storing --- */

static void settled(struct cw_outbox_run *run)
{
    struct cw_outbox_call done = run->call;
    run->run.counts = run->counts;
    run->tries = 0;
    run->call = run->next;
    run->next = done;
    cw_outbox_call_reset(&run->next);
    if (run->ends)
        cw_outbox_end(run, &run->end_err);
    else if (run->call.count > 0)
        cw_outbox_go_on(run, tell);
    else if (run->stopping)
        cw_outbox_end(run, NULL);
    else if (!run->is_claiming && cw_outbox_held(run) > 0)
        cw_outbox_rest_held(run);
    else if (!run->is_claiming)
        cw_outbox_go_on(run, cw_outbox_brake);
    else if (run->counted_until > 0 && run->has_claimed)
        cw_outbox_go_on(run, cw_outbox_look); /* for what was queued since the brake counted */
    else
        cw_outbox_rest(run, run->next_at);
}

static void try_again(void *arg)
{
    store(arg);
}

/* What the cart said must not be lost for a moment in which the store cannot be written. */
static void not_stored(struct cw_outbox_run *run, const struct cw_error *err)
{
    cw_outbox_call_reset(&run->next);
    if (run->call.count == 0 || err->code == CW_CONFLICT || ++run->tries == STORE_TRIES)
        cw_outbox_end(run, run->ends ? &run->end_err : err);
    else
        cw_outbox_wait(run, store_again, try_again);
}

static void stored(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL)
        not_stored(run, err);
    else
        settled(run);
}

static void commit(struct cw_outbox_run *run)
{
    struct cw_run open = run->run;
    open.counts = run->counts;
    cw_txn_put_run(run->txn, &open);
    cw_outbox_commit(run, stored);
}

static void give_up(struct cw_outbox_run *run, const struct cw_error *err)
{
    struct cw_txn *txn = run->txn;
    run->txn = NULL;
    cw_txn_rollback(txn);
    not_stored(run, err);
}

/* --- claiming --- */

struct wanted_link {
    struct cw_outbox_run *run;
    size_t index;
};

static void link_found(void *arg, struct cw_slice link, const struct cw_error *err)
{
    struct wanted_link *wanted = arg;
    struct cw_outbox_run *run = wanted->run;
    if (link.data != NULL)
        run->next.links[wanted->index] = cw_arena_copy(&run->next.arena, link);
    if (err != NULL)
        run->link_err = *err;
    if (--run->links_left > 0 || cw_outbox_was_cancelled(run))
        return;
    if (run->link_err.code != CW_OK) {
        struct cw_error copy = run->link_err;
        give_up(run, &copy);
    } else {
        commit(run);
    }
}

static void read_links(struct cw_outbox_run *run, const char *kind)
{
    struct wanted_link *wanted = cw_arena_alloc(&run->next.arena, run->next.count * sizeof *wanted);
    struct cw_error err;
    if (wanted == NULL) {
        cw_fail(&err, CW_NOMEM, "no memory for %zu links", run->next.count);
        give_up(run, &err);
        return;
    }
    size_t count = run->next.count;
    struct cw_txn *txn = run->txn;
    struct cw_slice cart = run->run.cart;
    run->links_left = count;
    run->link_err.code = CW_OK;
    run->in_store = true;
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct wanted_link){ run, i };
    for (size_t i = 0; i < count; i++) /* behind the last answer the run may be gone */
        cw_txn_get_link(txn, cart, cw_slice(kind), wanted[i].run->next.messages[i].key.external_id,
                        link_found, &wanted[i]);
}

static void claimed(void *arg, const struct cw_message *messages, size_t count, cw_time next_at,
                    const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    const char *kind = cw_outbox_link_kind(run->out);
    struct cw_error copy;
    if (cw_outbox_was_cancelled(run))
        return;
    run->next_at = next_at;
    run->has_claimed = run->has_claimed || count > 0;
    if (err == NULL && count > 0 && !cw_outbox_keep(&run->next, messages, count)) {
        cw_fail(&copy, CW_NOMEM, "no memory for %zu messages", count);
        err = &copy;
    }
    if (err != NULL)
        give_up(run, err);
    else if (count > 0 && kind != NULL)
        read_links(run, kind);
    else
        commit(run);
}

static void claim(struct cw_outbox_run *run)
{
    const struct cw_lua_out *script = run->script;
    struct cw_outbox_limits limits = { run->sending->threshold, run->sending->batch, run->counted_until };
    if (script->batch > 0 && script->batch < limits.batch)
        limits.batch = script->batch;
    if (!script->has_batch)
        limits.batch = 1;
    if (!script->has_send)
        limits.threshold = 1;
    run->in_store = true;
    cw_txn_claim_messages(run->txn, run->run.cart, run->run.stream, cw_outbox_now(run), &limits, claimed,
                          run);
}

static void store_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        not_stored(run, err);
        return;
    }
    cw_outbox_put_outcomes(run, &run->call);
    if (run->is_claiming)
        claim(run);
    else
        commit(run);
}

static bool may_claim(const struct cw_outbox_run *run)
{
    return !run->ends && !run->stopping && run->tries == 0 && cw_outbox_held(run) == 0;
}

/* What is in hand is stored all the same. */
static void controls_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err == NULL && run->err.code != CW_OK)
        err = &run->err;
    if (err != NULL) {
        run->ends = true;
        run->end_err = *err;
    }
    run->is_claiming = may_claim(run);
    cw_outbox_begin_txn(run, store_ready);
}

static void store(struct cw_outbox_run *run)
{
    run->is_claiming = may_claim(run);
    if (run->is_claiming && cw_outbox_now(run) - run->controls_at >= controls_again)
        cw_outbox_read_controls(run, controls_read);
    else
        cw_outbox_begin_txn(run, store_ready);
}

void cw_outbox_send(void *arg)
{
    struct cw_outbox_run *run = arg;
    if (run->stopping && run->call.count == 0) {
        cw_outbox_end(run, NULL);
        return;
    }
    store(run);
}
