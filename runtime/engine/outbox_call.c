/* outbox_call.c - the messages of one call of a script, kept while it runs, and what is put of its outcome.
 */
#include "engine/outbox_private.h"

#include <stdio.h>

#include "base/secret.h"

/* --- texts --- */

struct cw_slice cw_outbox_words(struct cw_arena *arena, struct cw_slice words)
{
    struct cw_slice clipped = cw_slice_clip(words, CW_OUTBOX_WORDS_MAX);
    char *text = cw_arena_bytes(arena, clipped.len + 1);
    if (text == NULL || clipped.len == 0)
        return (struct cw_slice){ "", 0 };
    memcpy(text, clipped.data, clipped.len);
    if (clipped.len < words.len)
        clipped.len = cw_secret_uncut(clipped);
    return (struct cw_slice){ text, cw_redact(text, clipped.len, clipped.len + 1) };
}

/* --- messages --- */

static bool copy_texts(struct cw_arena *arena, struct cw_message *message)
{
    struct cw_slice *texts[] = { &message->key.cart, &message->key.stream, &message->key.external_id,
                                 &message->lane,     &message->event,      &message->payload,
                                 &message->answer,   &message->error };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = cw_arena_copy(arena, *texts[i]);
        if (texts[i]->data == NULL)
            return false;
    }
    return true;
}

void cw_outbox_call_reset(struct cw_outbox_call *call)
{
    cw_arena_reset(&call->arena);
    call->messages = NULL;
    call->links = NULL;
    call->outcomes = NULL;
    call->count = 0;
}

bool cw_outbox_add(struct cw_outbox_call *call, const struct cw_message *message, size_t most)
{
    if (call->messages == NULL) {
        call->messages = cw_arena_alloc(&call->arena, most * sizeof *call->messages);
        call->links = cw_arena_alloc(&call->arena, most * sizeof *call->links);
    }
    if (call->messages == NULL || call->links == NULL || call->count == most)
        return false;
    call->messages[call->count] = *message;
    call->links[call->count] = (struct cw_slice){ NULL, 0 };
    return copy_texts(&call->arena, &call->messages[call->count++]);
}

bool cw_outbox_keep(struct cw_outbox_call *call, const struct cw_message *messages, size_t count)
{
    cw_outbox_call_reset(call);
    for (size_t i = 0; i < count; i++)
        if (!cw_outbox_add(call, &messages[i], count))
            return false;
    return true;
}

/* --- what became of them --- */

static void count_outcome(struct cw_run_counts *counts, enum cw_message_state state)
{
    counts->read++;
    if (state == CW_MESSAGE_SENT)
        counts->posted++;
    else if (state == CW_MESSAGE_SUPERSEDED)
        counts->skipped++;
    else if (state == CW_MESSAGE_QUEUED)
        counts->unchanged++;
    else
        counts->parked++;
}

const char *cw_outbox_link_kind(enum cw_out out)
{
    return out == CW_OUT_CUSTOMERS ? "customer" : out == CW_OUT_ITEMS ? "item" : NULL;
}

static void put_note(struct cw_outbox_run *run, const struct cw_message *message,
                     const struct cw_settlement *settlement)
{
    char text[CW_OUTBOX_WORDS_MAX + 200];
    bool is_new = settlement->state != settlement->was;
    if (!is_new || (settlement->state != CW_MESSAGE_FAILED && settlement->state != CW_MESSAGE_UNKNOWN))
        return;
    snprintf(text, sizeof text, "message %lld about %.*s is %s: %.*s", (long long)message->id,
             CW_SLICE_ARG(cw_slice_clip(message->key.external_id, 80)),
             cw_message_state_name(settlement->state), CW_SLICE_ARG(settlement->error));
    cw_run_note(run->txn, run->run.id, 0, &run->counts, cw_slice(text), message->key);
}

/* Shipments and statuses of one order share its lane: what waits behind may be the other stream's. */
static void wake_others(struct cw_outbox_run *run, const struct cw_outbox_call *call)
{
    static const enum cw_out of_orders[] = { CW_OUT_SHIPMENTS, CW_OUT_STATUSES };
    bool is_free = false;
    for (size_t i = 0; i < call->count; i++)
        is_free = is_free || call->outcomes[i].settlement.state == CW_MESSAGE_SENT ||
                  call->outcomes[i].settlement.state == CW_MESSAGE_SUPERSEDED;
    if (!is_free || (run->out != CW_OUT_SHIPMENTS && run->out != CW_OUT_STATUSES))
        return;
    for (size_t i = 0; i < sizeof of_orders / sizeof *of_orders; i++)
        if (of_orders[i] != run->out)
            cw_txn_wake_sender(run->txn, run->run.cart, cw_slice(cw_out_name(of_orders[i])),
                               cw_outbox_now(run));
}

void cw_outbox_put_outcomes(struct cw_outbox_run *run, struct cw_outbox_call *call)
{
    const char *kind = cw_outbox_link_kind(run->out);
    run->counts = run->run.counts;
    for (size_t i = 0; i < call->count; i++) {
        const struct cw_outbox_outcome *outcome = &call->outcomes[i];
        cw_txn_settle_message(run->txn, &outcome->settlement);
        if (kind != NULL && outcome->link.len > 0)
            cw_txn_put_link(run->txn, run->run.cart, cw_slice(kind), call->messages[i].key.external_id,
                            outcome->link);
        put_note(run, &call->messages[i], &outcome->settlement);
        count_outcome(&run->counts, outcome->settlement.state);
    }
    wake_others(run, call);
}
