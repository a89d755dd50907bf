/* webhooks_store.c - stores what is believed, many notices in one transaction, and wakes the carts' jobs in
 * it; who sent them is answered when it is on the disk. */
#include <stdlib.h>
#include <strings.h>

#include "base/secret.h"
#include "engine/webhooks_private.h"

static const cw_time gather_time = 5 * CW_MILLISECOND; /* while more are being verified */

/* --- headers, as they are kept --- */

static bool is_secret(const char *name)
{
    static const char *const parts[] = { "auth", "cookie", "signature", "hmac", "token", "secret", "key" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(name, parts[i]) != NULL)
            return true;
    return false;
}

static bool add_headers(struct cw_buffer *out, const struct cw_served_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct cw_header *header = &request->headers[i];
        if (!is_secret(header->name) && !cw_buffer_print(out, NULL, "%s: %s\n", header->name, header->value))
            return false;
    }
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] != '\n' && (out->data[i] < ' ' || out->data[i] > '~'))
            out->data[i] = '?';
    if (out->len > 0)
        out->len = cw_redact(out->data, out->len, out->cap);
    return true;
}

/* --- the end of a batch --- */

static void finish_batch(struct cw_webhooks *webhooks, const struct cw_error *err)
{
    if (err != NULL && !webhooks->is_closed)
        cw_webhooks_tell(webhooks, webhooks->batch.first, "webhook-failed", cw_slice(err->text));
    for (struct cw_notice *notice; (notice = cw_notices_take(&webhooks->batch)) != NULL;)
        cw_notice_end(notice, err != NULL      ? CW_NOTICE_BUSY
                              : notice->is_new ? CW_NOTICE_STORED
                                               : CW_NOTICE_REPEATED);
    webhooks->is_storing = false;
    if (webhooks->is_closed)
        free(webhooks);
    else
        cw_webhooks_store_soon(webhooks);
}

void cw_webhooks_leave_batch(struct cw_webhooks *webhooks)
{
    for (struct cw_notice *notice = webhooks->batch.first; notice != NULL; notice = notice->next)
        cw_notice_leave(notice);
}

static bool wakes_the_same(const struct cw_notice *a, const struct cw_notice *b)
{
    return a->wake == b->wake && strcmp(a->cart, b->cart) == 0 && strcmp(a->job, b->job) == 0;
}

/* A job that the cart does not have must not keep its notices, or others, from being stored: once more, with
 * all of the cart's in its place, or none. `unwoken` NULL = the store does not say whose it is. */
static void store_otherwise(struct cw_webhooks *webhooks, const struct cw_notice *unwoken)
{
    struct cw_notices again = { NULL, NULL, 0 };
    const struct cw_notice wanted = unwoken != NULL ? *unwoken : (struct cw_notice){ 0 };
    if (unwoken != NULL)
        cw_webhooks_tell(webhooks, unwoken, "webhook-wakes-nothing",
                         cw_slice(unwoken->wake == CW_WAKE_NAMED && unwoken->job[0] != '\0'
                                      ? "the cart has no job of the name that its script gives"
                                      : "the cart has no jobs"));
    for (struct cw_notice *notice; (notice = cw_notices_take(&webhooks->batch)) != NULL;) {
        if (notice->wake < CW_WAKE_NONE && (unwoken == NULL || wakes_the_same(notice, &wanted)))
            notice->wake = notice->job[0] == '\0' ? CW_WAKE_NONE : notice->wake + 1;
        cw_notices_add(&again, notice);
    }
    for (struct cw_notice *notice; (notice = cw_notices_take(&webhooks->believed)) != NULL;)
        cw_notices_add(&again, notice);
    webhooks->believed = again;
    webhooks->is_storing = false;
    cw_webhooks_store_soon(webhooks);
}

/* --- a batch --- */

static bool wakes_anything(const struct cw_webhooks *webhooks)
{
    for (const struct cw_notice *notice = webhooks->batch.first; notice != NULL; notice = notice->next)
        if (notice->is_new && notice->wake != CW_WAKE_NONE)
            return true;
    return false;
}

static void committed(void *arg, const struct cw_error *err)
{
    struct cw_webhooks *webhooks = arg;
    if (err != NULL && err->code == CW_NOT_FOUND && !webhooks->is_closed && wakes_anything(webhooks))
        store_otherwise(webhooks, NULL);
    else
        finish_batch(webhooks, err);
}

/* Of several that wake the same, the last one does. */
static bool is_woken_later(const struct cw_notice *notice)
{
    for (const struct cw_notice *other = notice->next; other != NULL; other = other->next)
        if (other->is_new && wakes_the_same(notice, other))
            return true;
    return false;
}

/* The notice whose jobs could not be woken; NULL when all is well. */
static const struct cw_notice *wake_jobs(struct cw_webhooks *webhooks, struct cw_txn *txn)
{
    for (const struct cw_notice *notice = webhooks->batch.first; notice != NULL; notice = notice->next) {
        if (!notice->is_new || notice->wake == CW_WAKE_NONE || is_woken_later(notice))
            continue;
        struct cw_slice job = cw_slice(notice->wake == CW_WAKE_NAMED ? notice->job : "");
        if (!cw_txn_wake_job(txn, cw_slice(notice->cart), job, notice->wake_at))
            return notice;
    }
    return NULL;
}

static void wake_and_commit(struct cw_webhooks *webhooks)
{
    struct cw_txn *txn = webhooks->txn;
    const struct cw_notice *unwoken = NULL;
    webhooks->txn = NULL;
    bool is_well =
        !webhooks->is_closed && cw_txn_error(txn) == NULL && (unwoken = wake_jobs(webhooks, txn)) == NULL;
    if (is_well) {
        cw_txn_commit(txn, committed, webhooks);
        return;
    }
    struct cw_error err = { .code = CW_CANCELLED };
    if (cw_txn_error(txn) != NULL)
        err = *cw_txn_error(txn);
    cw_txn_rollback(txn);
    if (unwoken != NULL && err.code == CW_NOT_FOUND)
        store_otherwise(webhooks, unwoken);
    else
        finish_batch(webhooks, &err);
}

/* Called last. */
static void put_ended(struct cw_webhooks *webhooks)
{
    if (--webhooks->putting == 0)
        wake_and_commit(webhooks);
}

static void put(void *arg, bool is_new, const struct cw_error *err)
{
    struct cw_notice *notice = arg;
    notice->is_new = is_new && err == NULL;
    put_ended(notice->webhooks);
}

static void put_notice(struct cw_txn *txn, struct cw_notice *notice)
{
    struct cw_buffer headers = { 0 };
    if (!add_headers(&headers, notice->request))
        cw_buffer_clear(&headers);
    const struct cw_webhook webhook = { .cart = cw_slice(notice->cart),
                                        .delivery_id = cw_slice(notice->id),
                                        .topic = cw_slice(notice->topic),
                                        .received_at = notice->received_at,
                                        .headers = cw_buffer_slice(&headers),
                                        .bytes = notice->request->body };
    cw_txn_put_webhook(txn, &webhook, put, notice);
    cw_buffer_fini(&headers);
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct cw_webhooks *webhooks = arg;
    webhooks->batch = webhooks->believed;
    webhooks->believed = (struct cw_notices){ NULL, NULL, 0 };
    if (txn == NULL || webhooks->is_closed) {
        if (txn != NULL)
            cw_txn_rollback(txn);
        finish_batch(webhooks, err);
        return;
    }
    webhooks->txn = txn;
    webhooks->putting = webhooks->batch.count + 1; /* one more, so that it is not over before all are asked */
    for (struct cw_notice *notice = webhooks->batch.first; notice != NULL; notice = notice->next)
        put_notice(txn, notice);
    put_ended(webhooks);
}

void cw_webhooks_store_now(void *arg)
{
    struct cw_webhooks *webhooks = arg;
    webhooks->is_gathering = false;
    if (webhooks->is_storing || webhooks->believed.first == NULL)
        return;
    webhooks->is_storing = true;
    cw_txn_begin(webhooks->config.store, (struct cw_fence){ 0 }, begun, webhooks);
}

static bool more_come(const struct cw_webhooks *webhooks)
{
    for (const struct cw_hearer *hearer = webhooks->hearers; hearer != NULL; hearer = hearer->next)
        if (hearer->current != NULL || hearer->queue.first != NULL)
            return true;
    return false;
}

void cw_webhooks_store_soon(struct cw_webhooks *webhooks)
{
    bool waits = more_come(webhooks);
    if (webhooks->is_storing || webhooks->believed.first == NULL || (webhooks->is_gathering && waits))
        return;
    webhooks->is_gathering = true;
    cw_timer_set(webhooks->gather, waits ? gather_time : 0);
}

void cw_webhooks_store(struct cw_webhooks *webhooks, struct cw_notice *notice)
{
    cw_notices_add(&webhooks->believed, notice);
    cw_webhooks_store_soon(webhooks);
}
