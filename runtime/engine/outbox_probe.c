/* outbox_probe.c - messages whose answer was lost: what the cart says of them, before anything is sent. */
#include <stdio.h>

#include "base/secret.h"
#include "engine/outbox_private.h"

static const cw_time first_wait = CW_MINUTE, longest_wait = CW_HOUR;

/* --- the cart is asked --- */

static bool is_singly(const struct cw_outbox_run *run)
{
    return run->probed_until < run->probe_singly;
}

static void page_stored(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    if (cw_outbox_was_cancelled(run))
        return;
    cw_outbox_call_reset(&run->call);
    if (err != NULL && err->code != CW_CONFLICT) {
        cw_outbox_end(run, err);
        return;
    }
    if (err == NULL) /* else a person has decided about one of them meanwhile */
        run->run.counts = run->counts;
    cw_outbox_go_on(run, cw_outbox_probe);
}

static void page_ready(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    run->txn = txn;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err != NULL) {
        page_stored(run, err);
        return;
    }
    cw_outbox_put_outcomes(run, &run->call);
    cw_outbox_commit(run, page_stored);
}

/* Twice as long as it was not asked about until now. */
static cw_time next_probe(const struct cw_message *message, cw_time now)
{
    cw_time waited = message->due_at != CW_TIME_NONE ? message->due_at - message->changed_at : 0;
    cw_time wait = waited < first_wait ? first_wait : 2 * waited;
    return now + (wait < longest_wait ? wait : longest_wait);
}

static cw_time due_of(const struct cw_message *message, enum cw_message_state state, cw_time now)
{
    if (state == CW_MESSAGE_UNKNOWN)
        return next_probe(message, now);
    return state == CW_MESSAGE_QUEUED ? now + cw_outbox_delay(message->attempts) : now;
}

static struct cw_slice error_of(struct cw_outbox_run *run, const struct cw_message *message,
                                const struct cw_error *err, enum cw_message_state state)
{
    char text[CW_ERROR_TEXT_MAX + 40];
    if (state == CW_MESSAGE_SENT)
        return (struct cw_slice){ "", 0 };
    if (state != CW_MESSAGE_UNKNOWN || err == NULL)
        return message->error;
    snprintf(text, sizeof text, "the probe failed: %s", err->text);
    return cw_outbox_words(&run->call.arena, cw_slice(text));
}

static void judge_one(struct cw_outbox_run *run, size_t i, const struct cw_lua_told *told,
                      const struct cw_error *err)
{
    struct cw_outbox_call *call = &run->call;
    const struct cw_message *message = &call->messages[i];
    const struct cw_verdict verdict =
        cw_outbox_judge_probe(told->said, message->attempts, run->sending->attempts);
    cw_time due = due_of(message, verdict.state, cw_outbox_now(run));
    if (verdict.state == CW_MESSAGE_UNKNOWN)
        cw_outbox_note_unknown(run, due);
    call->outcomes[i] =
        (struct cw_outbox_outcome){ .settlement = { .id = message->id,
                                                    .was = CW_MESSAGE_UNKNOWN,
                                                    .state = verdict.state,
                                                    .due_at = due,
                                                    .answer = told->words.len > 0
                                                                  ? cw_outbox_words(&call->arena, told->words)
                                                                  : message->answer,
                                                    .error = error_of(run, message, err, verdict.state) },
                                    .link = cw_arena_copy(&call->arena, told->link) };
}

static void judge_page(struct cw_outbox_run *run, const struct cw_lua_sent *sent)
{
    static const struct cw_lua_told nothing = { CW_SAID_NOTHING, { "", 0 }, { "", 0 } };
    struct cw_outbox_call *call = &run->call;
    struct cw_error err;
    call->outcomes = cw_arena_alloc(&call->arena, call->count * sizeof *call->outcomes);
    if (call->outcomes == NULL) {
        cw_fail(&err, CW_NOMEM, "no memory for the outcome of a probe");
        cw_outbox_end(run, &err);
        return;
    }
    run->probed_until = call->messages[call->count - 1].id;
    for (size_t i = 0; i < call->count; i++)
        judge_one(run, i, i < sent->count ? &sent->told[i] : &nothing, sent->err);
    cw_outbox_begin_txn(run, page_ready);
}

/* One message that breaks the probe of its page keeps no other from being asked about. */
static void ask_singly(struct cw_outbox_run *run)
{
    run->probe_singly = run->call.messages[run->call.count - 1].id;
    cw_outbox_call_reset(&run->call);
    cw_outbox_go_on(run, cw_outbox_probe);
}

static void probed(void *arg, const struct cw_lua_sent *sent)
{
    struct cw_outbox_run *run = arg;
    struct cw_error copy;
    run->fiber = NULL;
    if (cw_outbox_is_of_cart(sent->err, sent->status)) { /* they stay as they are */
        copy = *sent->err;
        cw_outbox_call_reset(&run->call);
        cw_outbox_end(run, &copy);
    } else if (sent->err != NULL && run->call.count > 1) {
        ask_singly(run);
    } else {
        judge_page(run, sent);
    }
}

/* --- pages --- */

static bool take_message(void *arg, const struct cw_message *message)
{
    struct cw_outbox_run *run = arg;
    size_t most = is_singly(run) ? 1 : CW_OUTBOX_PROBED_AT_ONCE;
    if (!cw_outbox_add(&run->call, message, most)) {
        cw_fail(&run->page_err, CW_NOMEM, "no memory for messages");
        return false;
    }
    return run->call.count < most;
}

static void page_read(void *arg, const struct cw_error *err)
{
    struct cw_outbox_run *run = arg;
    struct cw_outbox_call *call = &run->call;
    struct cw_error copy;
    if (cw_outbox_was_cancelled(run))
        return;
    if (err == NULL && run->page_err.code != CW_OK)
        err = &run->page_err;
    if (err != NULL) {
        copy = *err;
        cw_outbox_call_reset(call);
        cw_outbox_end(run, &copy);
        return;
    }
    if (call->count == 0) {
        cw_outbox_go_on(run, cw_outbox_brake);
        return;
    }
    run->fiber = cw_lua_start_telling(run->cart, run->out, CW_TELL_PROBE, call->messages, call->links,
                                      call->count, probed, run, &copy);
    if (run->fiber == NULL)
        probed(run, &(struct cw_lua_sent){ .err = &copy });
}

void cw_outbox_probe(void *arg)
{
    struct cw_outbox_run *run = arg;
    if (run->stopping) {
        cw_outbox_end(run, NULL);
        return;
    }
    if (!run->script->has_probe) {
        cw_outbox_brake(run);
        return;
    }
    const struct cw_message_filter filter = { .cart = run->run.cart,
                                              .stream = run->run.stream,
                                              .after = run->probed_until,
                                              .by_state = true,
                                              .state = CW_MESSAGE_UNKNOWN,
                                              .due_until = cw_outbox_now(run) };
    cw_outbox_call_reset(&run->call);
    run->page_err.code = CW_OK;
    run->in_store = true;
    cw_store_read_messages(cw_outbox_store(run), &filter, take_message, page_read, run);
}
