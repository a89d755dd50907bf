/* webhooks_hear.c - asks the scripts of carts whether they believe what was sent, one notice of a cart after
 * the other. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/webhooks_private.h"

static const cw_time hear_time = 10 * CW_SECOND, replay_window = 5 * CW_MINUTE,
                     stamp_slack = CW_SECOND; /* a shop stamps whole seconds */

static void go_on(void *arg);

/* --- what the script says --- */

static bool is_plain(struct cw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return text.len <= CW_WEBHOOK_TEXT_MAX;
}

/* Ids that are long or hold odd bytes are kept as their hash: what is equal stays equal. */
static void take_id(struct cw_notice *notice, struct cw_slice id)
{
    struct cw_hash hash = cw_hash_of(id);
    if (is_plain(id))
        snprintf(notice->id, sizeof notice->id, "%.*s", CW_SLICE_ARG(id));
    else
        cw_hash_hex(&hash, notice->id);
}

static void take_text(char out[CW_WEBHOOK_TEXT_MAX + 1], struct cw_slice text)
{
    size_t len = text.len < CW_WEBHOOK_TEXT_MAX ? text.len : CW_WEBHOOK_TEXT_MAX;
    for (size_t i = 0; i < len; i++)
        out[i] = text.data[i] < ' ' || text.data[i] > '~' ? '?' : text.data[i];
    out[len] = '\0';
}

/* How long after a change the windows of a job reach it; of all jobs, when it is none of a stream. */
static cw_time settle_of(const struct cw_lua_cart *cart, const char *job)
{
    const struct cw_lua_stream *stream = cw_lua_cart_stream(cart, job);
    cw_time longest = stream != NULL ? stream->settle : 0;
    for (size_t i = 0; stream == NULL && i < cart->stream_count; i++)
        if (cart->streams[i].settle > longest)
            longest = cart->streams[i].settle;
    return longest;
}

static void believe(struct cw_hearer *hearer, struct cw_notice *notice, const struct cw_lua_verdict *verdict)
{
    take_id(notice, verdict->id);
    take_text(notice->topic, verdict->topic);
    take_text(notice->job, verdict->job);
    notice->wake_at = notice->received_at + settle_of(hearer->lua_cart, notice->job) + stamp_slack;
    cw_webhooks_store(hearer->webhooks, notice);
}

/* A reason may quote what a stranger sent: not much of it. */
static void refuse(struct cw_notice *notice, const char *event, struct cw_slice reason,
                   enum cw_notice_end end)
{
    cw_webhooks_tell(notice->webhooks, notice, event, cw_slice_clip(reason, CW_WEBHOOK_TEXT_MAX));
    cw_notice_end(notice, end);
}

static bool is_stale(const struct cw_notice *notice, cw_time at)
{
    return at != CW_TIME_NONE &&
           (at > notice->received_at + replay_window || at < notice->received_at - replay_window);
}

/* Called while the script runs: nothing of it may be let go here. */
static void heard(void *arg, const struct cw_lua_verdict *verdict, const struct cw_error *err)
{
    struct cw_hearer *hearer = arg;
    struct cw_notice *notice = hearer->current;
    hearer->current = NULL;
    hearer->fiber = NULL;
    cw_timer_clear(hearer->deadline);
    cw_loop_later(hearer->webhooks->config.loop, &hearer->go_on, go_on, hearer);
    if (err != NULL && (err->code == CW_LIMIT || err->code == CW_NOMEM))
        refuse(notice, "webhook-failed", cw_slice(err->text), CW_NOTICE_BUSY);
    else if (err != NULL)
        refuse(notice, "webhook-refused", cw_slice(err->text), CW_NOTICE_REFUSED);
    else if (verdict->is_ignored)
        cw_notice_end(notice, CW_NOTICE_IGNORED);
    else if (!verdict->is_believed)
        refuse(notice, "webhook-refused", verdict->reason, CW_NOTICE_REFUSED);
    else if (is_stale(notice, verdict->at))
        refuse(notice, "webhook-refused",
               cw_slice("its own time is more than 5 minutes from ours: sent again, or a clock is wrong"),
               CW_NOTICE_REFUSED);
    else
        believe(hearer, notice, verdict);
}

/* --- one after the other --- */

static bool ask(struct cw_hearer *hearer, struct cw_notice *notice, struct cw_error *err)
{
    const struct cw_lua_notice given = { .method = notice->request->method,
                                         .rest = notice->rest,
                                         .query = notice->query,
                                         .headers = notice->request->headers,
                                         .header_count = notice->request->header_count,
                                         .body = notice->request->body,
                                         .received_at = notice->received_at };
    hearer->fiber = cw_lua_start_notice(hearer->lua_cart, &given, &hearer->hearing, err);
    return hearer->fiber != NULL;
}

static void go_on(void *arg)
{
    struct cw_hearer *hearer = arg;
    struct cw_error err;
    if (hearer->current != NULL)
        return;
    struct cw_notice *notice = cw_notices_take(&hearer->queue);
    if (notice == NULL) {
        cw_hearer_free(hearer);
        return;
    }
    if (ask(hearer, notice, &err)) {
        hearer->current = notice;
        cw_timer_set(hearer->deadline, hear_time);
        return;
    }
    cw_loop_later(hearer->webhooks->config.loop, &hearer->go_on, go_on, hearer);
    refuse(notice, "webhook-failed", cw_slice(err.text), CW_NOTICE_BUSY);
}

static void give_up(void *arg)
{
    struct cw_hearer *hearer = arg;
    struct cw_notice *notice = hearer->current;
    cw_fiber_kill(hearer->fiber);
    hearer->fiber = NULL;
    hearer->current = NULL;
    cw_loop_later(hearer->webhooks->config.loop, &hearer->go_on, go_on, hearer);
    refuse(notice, "webhook-failed", cw_slice("the cart's script took more than 10 s for it"),
           CW_NOTICE_BUSY);
}

void cw_hearer_add(struct cw_hearer *hearer, struct cw_notice *notice)
{
    cw_notices_add(&hearer->queue, notice);
    cw_loop_later(hearer->webhooks->config.loop, &hearer->go_on, go_on, hearer);
}

/* --- life --- */

static bool open_cart(struct cw_hearer *hearer, bool *is_unknown, struct cw_error *err)
{
    const struct cw_webhooks_config *config = &hearer->webhooks->config;
    hearer->session = config->session(config->arg, hearer->cart, err);
    if (hearer->session == NULL) {
        *is_unknown = err->code == CW_NOT_FOUND;
        return false;
    }
    hearer->lua_cart = cw_session_cart(hearer->session, hearer->cart, err);
    *is_unknown = hearer->lua_cart != NULL && !hearer->lua_cart->takes_notices;
    return hearer->lua_cart != NULL && hearer->lua_cart->takes_notices;
}

struct cw_hearer *cw_webhooks_hearer(struct cw_webhooks *webhooks, const char *cart, bool *is_unknown,
                                     struct cw_error *err)
{
    for (struct cw_hearer *hearer = webhooks->hearers; hearer != NULL; hearer = hearer->next)
        if (strcmp(hearer->cart, cart) == 0)
            return hearer;
    struct cw_hearer *hearer = calloc(1, sizeof *hearer);
    if (hearer == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for notices of %s", cart);
        return NULL;
    }
    hearer->webhooks = webhooks;
    hearer->hearing = (struct cw_lua_hearing){ heard, hearer };
    snprintf(hearer->cart, sizeof hearer->cart, "%s", cart);
    hearer->next = webhooks->hearers;
    webhooks->hearers = hearer;
    hearer->deadline = cw_timer_create(webhooks->config.loop, give_up, hearer, err);
    if (hearer->deadline == NULL || !open_cart(hearer, is_unknown, err)) {
        cw_hearer_free(hearer);
        return NULL;
    }
    cw_loop_later(webhooks->config.loop, &hearer->go_on, go_on, hearer); /* which ends it if nothing comes */
    return hearer;
}

void cw_hearer_free(struct cw_hearer *hearer)
{
    struct cw_webhooks *webhooks = hearer->webhooks;
    struct cw_hearer **place = &webhooks->hearers;
    while (*place != hearer)
        place = &(*place)->next;
    *place = hearer->next;
    if (hearer->fiber != NULL)
        cw_fiber_kill(hearer->fiber);
    if (hearer->current != NULL)
        cw_notice_end(hearer->current, CW_NOTICE_BUSY);
    for (struct cw_notice *notice; (notice = cw_notices_take(&hearer->queue)) != NULL;)
        cw_notice_end(notice, CW_NOTICE_BUSY);
    cw_later_cancel(webhooks->config.loop, &hearer->go_on);
    cw_timer_free(hearer->deadline);
    if (hearer->session != NULL && webhooks->config.release != NULL)
        webhooks->config.release(webhooks->config.arg, hearer->cart);
    free(hearer);
}
