/* outbox.h - one run of a stream out: claims messages, has the cart's script send them, settles what became
 * of each.
 *
 * The intent is committed before the script is called, the outcome in the same transaction that claims the
 * next ones. What becomes of a message is decided in one place, cw_outbox_judge, from what the script said
 * and from what its requests may have done. At its start a run asks the cart (probe) about messages that are
 * unknown, those among them whose sender died. There is no way from unknown to sent again but a probe's
 * "missing" or a person's word.
 *
 * A batch that was refused is sent again in halves, by the company that its messages may keep from then on,
 * until the one that is at fault stands alone. A cart that cannot be reached, refuses the credentials or
 * wants to be left alone ends the run with that error, and what was not sent stays queued without costing an
 * attempt. While the cart's client holds all requests back, because a 429 told it to, nothing is claimed: the
 * run ends without an error, and its next_at is when the shop may be asked again.
 */
#ifndef CW_ENGINE_OUTBOX_H
#define CW_ENGINE_OUTBOX_H

#include "engine/session.h"

/* What becomes of a message, by the evidence: the first line that fits.
 *
 *   said       requests of the call that write               becomes
 *   needless   whatever they did                             superseded: nobody sends it (again)
 *   sent       one was taken, or none is uncertain           sent
 *   sent       one is uncertain, none was taken              unknown: the answer was not one to the write
 *   refused    one is uncertain                              unknown: the refusal may be of another one
 *   refused    none is uncertain                             refused
 *   nothing    one is uncertain, or one was taken            unknown, also when the script failed after it
 *   nothing    none, or all refused; the cart is at fault    queued, at no cost
 *   nothing    none, or all refused; several in the call     queued, at no cost, to be sent in halves
 *   nothing    none, or all refused; it was alone            refused
 *
 * Refused: queued again for later, and from the attempt `attempts_max` on failed. In a batch "refused" is of
 * that message alone, whatever the others got. The cart is at fault when the error is about an answer with
 * the status 401, 403, 429, 502, 503 or 504, or about none: not reached, no answer, credentials, a policy of
 * ours, no memory. A status 500 may be one record's, and so may an answer that got lost: the run goes on, but
 * ends when five in a row did, else each of the others would be lost in the same silence.
 */
struct cw_verdict {
    enum cw_message_state state; /* SENT, UNKNOWN, QUEUED (again), FAILED, SUPERSEDED (needless) */
    bool takes_back;             /* it cost no attempt */
    bool alone;                  /* of a batch: to be tried in smaller company */
    bool is_of_cart;             /* it is at fault, not the message */
};
struct cw_evidence {
    enum cw_lua_said said;
    struct cw_lua_effects effects; /* of the call it was sent in */
    const struct cw_error *err;    /* what the script raised; NULL = nothing */
    int status;                    /* of the answer that the error is about; 0 = none */
    size_t batch;                  /* messages in the call */
    unsigned attempts;             /* with this one */
    unsigned attempts_max;
};
struct cw_verdict cw_outbox_judge(const struct cw_evidence *evidence);
/* What a probe said of a message that is unknown: sent, or missing: refused as above. Else it stays unknown.
 */
struct cw_verdict cw_outbox_judge_probe(enum cw_lua_said said, unsigned attempts, unsigned attempts_max);
/* Whether an error is the cart's, so that the next message would meet the same. */
bool cw_outbox_is_of_cart(const struct cw_error *err, int status);
/* After which a call whose answer was lost takes effect no more: until then the cart is not asked what became
 * of it, and nothing else of its lane is sent. A "missing" that came earlier would be believed too soon. */
#define CW_OUTBOX_SETTLES (2 * CW_MINUTE)
/* When a message that was refused `attempts` times is tried again: 1 min, 2, 4, ... at most 1 h later. */
cw_time cw_outbox_delay(unsigned attempts);

struct cw_outbox_run;

/* Counts as a run of the stream: read = messages taken, posted = sent, skipped = needless, parked = failed or
 * unknown, unchanged = put back into the queue. `next_at`: when the next message is due; CW_TIME_NONE = none
 * waits for a time. */
typedef void cw_outbox_done_fn(void *arg, const struct cw_run *run, cw_time next_at,
                               const struct cw_error *err);
struct cw_outbox_run *cw_outbox_start(struct cw_session *session, const struct cw_lua_cart *cart,
                                      enum cw_out out, cw_outbox_done_fn *done, void *arg,
                                      struct cw_error *err);
/* Ends the run behind the call in hand, or at once where nothing of that has left yet: its messages are
 * queued again, at no cost. The callback comes as ever. */
void cw_outbox_stop(struct cw_outbox_run *run);
/* No callback; a call that is on its way makes its messages unknown, when the next run finds them. */
void cw_outbox_cancel(struct cw_outbox_run *run);

/* A person's word about messages that are unknown, failed or queued: sent, to be sent again, or never.
 * Audited. CW_NOT_FOUND, CW_CONFLICT (it is being sent, or done with), naming message and state. Waits for
 * the store. */
enum cw_settle { CW_SETTLE_SENT, CW_SETTLE_AGAIN, CW_SETTLE_DROP };
bool cw_outbox_settle(struct cw_store *store, const struct cw_clock *clock, int64_t message,
                      enum cw_settle settle, struct cw_slice who, struct cw_slice reason,
                      struct cw_error *err);

#endif
