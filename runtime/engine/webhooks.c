/* webhooks.c - see webhooks.h: who is let in, and what is answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/webhooks_private.h"

enum { CONNECTIONS = 512 };
#define BODIES_MAX ((size_t)16 * CW_WEBHOOK_BODY_MAX)

void cw_notices_add(struct cw_notices *notices, struct cw_notice *notice)
{
    notice->next = NULL;
    *(notices->last != NULL ? &notices->last->next : &notices->first) = notice;
    notices->last = notice;
    notices->count++;
}

struct cw_notice *cw_notices_take(struct cw_notices *notices)
{
    struct cw_notice *notice = notices->first;
    if (notice == NULL)
        return NULL;
    notices->first = notice->next;
    if (notices->first == NULL)
        notices->last = NULL;
    notices->count--;
    return notice;
}

/* --- answers --- */

static struct cw_served_answer answer_of(int status)
{
    static const struct cw_header headers[] = { { "Content-Type", "text/plain; charset=utf-8" },
                                                { "Retry-After", "5" } };
    static const struct cw_header allow[] = { { "Content-Type", "text/plain; charset=utf-8" },
                                              { "Allow", "POST" } };
    struct cw_served_answer answer = { .status = status, .headers = headers, .header_count = 1 };
    switch (status) {
    case 200:
        answer.body = cw_slice("Thank you.\n");
        break;
    case 401:
        answer.body = cw_slice("This notice is not believed.\n");
        break;
    case 405:
        answer.headers = allow;
        answer.header_count = 2;
        answer.body = cw_slice("Notices are posted.\n");
        break;
    case 429:
    case 503:
        answer.header_count = 2;
        answer.body = cw_slice("Too much at once; say it again later.\n");
        break;
    default:
        answer.body = cw_slice("There is nothing here.\n");
    }
    return answer;
}

static void answer(struct cw_notice *notice, enum cw_notice_end end)
{
    static const struct {
        int status;
        enum cw_webhook_end counted;
    } ends[] = { [CW_NOTICE_STORED] = { 200, CW_WEBHOOK_STORED },
                 [CW_NOTICE_REPEATED] = { 200, CW_WEBHOOK_REPEATED },
                 [CW_NOTICE_IGNORED] = { 200, CW_WEBHOOK_REPEATED },
                 [CW_NOTICE_REFUSED] = { 401, CW_WEBHOOK_REFUSED },
                 [CW_NOTICE_BUSY] = { 503, CW_WEBHOOK_BUSY } };
    if (notice->exchange == NULL)
        return;
    const struct cw_served_answer given = answer_of(ends[end].status);
    cw_exchange_answer(notice->exchange, &given);
    notice->exchange = NULL;
    notice->request = NULL;
    notice->webhooks->waiting--;
    cw_metrics_webhook(notice->webhooks->config.metrics, notice->cart, ends[end].counted);
}

void cw_notice_end(struct cw_notice *notice, enum cw_notice_end end)
{
    answer(notice, end);
    free(notice);
}

void cw_notice_leave(struct cw_notice *notice)
{
    answer(notice, CW_NOTICE_BUSY);
}

static void tell(struct cw_webhooks *webhooks, const char *event, const char *cart, const char *peer,
                 struct cw_slice reason)
{
    int64_t now = cw_elapsed_ns(cw_loop_clock(webhooks->config.loop));
    char more[32];
    if (webhooks->told_ns != 0 && now - webhooks->told_ns < CW_SECOND * 1000) {
        webhooks->untold++;
        return;
    }
    snprintf(more, sizeof more, "%" PRIu64, webhooks->untold);
    const struct cw_log_field fields[] = { { "cart", cw_slice(cart) },
                                           { "from", cw_slice(peer) },
                                           { "reason", reason },
                                           { "more_since_the_last", cw_slice(more) },
                                           { NULL, { NULL, 0 } } };
    cw_log(CW_LOG_WARNING, event, fields);
    webhooks->told_ns = now;
    webhooks->untold = 0;
}

void cw_webhooks_tell(struct cw_webhooks *webhooks, const struct cw_notice *notice, const char *event,
                      struct cw_slice reason)
{
    tell(webhooks, event, notice->cart, notice->exchange != NULL ? notice->request->peer : "", reason);
}

/* --- who is let in --- */

/* The status of a refusal, or 0. */
static int admit(struct cw_webhooks *webhooks, const struct cw_served_request *request,
                 struct cw_cart_path *place, struct cw_hearer **hearer)
{
    struct cw_error err;
    bool is_unknown = false;
    if (!cw_cart_path_parse(request->target, "/webhooks/", place))
        return 404;
    if (strcmp(request->method, "POST") != 0)
        return 405;
    if (webhooks->waiting >= CW_WEBHOOKS_WAITING_MAX)
        return 503;
    *hearer = cw_webhooks_hearer(webhooks, place->cart, &is_unknown, &err);
    if (*hearer == NULL && is_unknown)
        return 404;
    if (*hearer == NULL) {
        tell(webhooks, "webhook-busy", place->cart, request->peer, cw_slice(err.text));
        return 503;
    }
    return (*hearer)->queue.count >= CW_WEBHOOKS_CART_MAX ? 429 : 0;
}

/* Before the body: nobody sends a megabyte for nothing. */
static bool screen(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer)
{
    struct cw_webhooks *webhooks = arg;
    struct cw_cart_path place;
    struct cw_hearer *hearer;
    if (cw_serving_is_asked(webhooks->serving, request))
        return cw_serving_screen(webhooks->serving, request, answer);
    int status = admit(webhooks, request, &place, &hearer);
    if (status == 0)
        return false;
    if (status == 503 || status == 429) /* a name that a stranger made up must not become a series */
        cw_metrics_webhook(webhooks->config.metrics, status == 429 ? place.cart : "", CW_WEBHOOK_BUSY);
    *answer = answer_of(status);
    return true;
}

static struct cw_notice *create_notice(struct cw_webhooks *webhooks, const struct cw_served_request *request,
                                       const struct cw_cart_path *place, struct cw_exchange *exchange)
{
    struct cw_notice *notice = calloc(1, sizeof *notice);
    if (notice == NULL)
        return NULL;
    notice->webhooks = webhooks;
    notice->exchange = exchange;
    notice->request = request;
    notice->rest = place->rest;
    notice->query = place->query;
    notice->received_at = cw_now(cw_loop_clock(webhooks->config.loop));
    memcpy(notice->cart, place->cart, sizeof notice->cart);
    webhooks->waiting++;
    return notice;
}

static bool serve(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                  struct cw_exchange *exchange)
{
    struct cw_webhooks *webhooks = arg;
    struct cw_cart_path place;
    struct cw_hearer *hearer;
    if (cw_serving_is_asked(webhooks->serving, request))
        return cw_serving_take(webhooks->serving, request, answer, exchange);
    int status = admit(webhooks, request, &place, &hearer);
    struct cw_notice *notice = status == 0 ? create_notice(webhooks, request, &place, exchange) : NULL;
    if (notice == NULL) {
        *answer = answer_of(status != 0 ? status : 503);
        return true;
    }
    cw_hearer_add(hearer, notice);
    return false;
}

/* --- life --- */

struct cw_webhooks *cw_webhooks_open(const struct cw_webhooks_config *config, int fd, struct cw_error *err)
{
    struct cw_webhooks *webhooks = calloc(1, sizeof *webhooks);
    const struct cw_http_server_config server = { .loop = config->loop,
                                                  .connections = CONNECTIONS,
                                                  .body_limit = CW_WEBHOOK_BODY_MAX,
                                                  .memory_limit = BODIES_MAX,
                                                  .serve = serve,
                                                  .screen = screen,
                                                  .arg = webhooks };
    if (webhooks == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for webhooks");
        close(fd);
        return NULL;
    }
    webhooks->config = *config;
    const struct cw_serving_config serving = { .loop = config->loop,
                                               .store = config->store,
                                               .session = config->session,
                                               .release = config->release,
                                               .arg = config->arg,
                                               .holder = config->holder };
    if (config->holder != NULL)
        webhooks->serving = cw_serving_create(&serving, err);
    if (config->holder != NULL && webhooks->serving == NULL) {
        close(fd);
        free(webhooks);
        return NULL;
    }
    webhooks->server = cw_http_server_open_on(&server, fd, err);
    webhooks->gather = cw_timer_create(config->loop, cw_webhooks_store_now, webhooks, err);
    if (webhooks->server != NULL && webhooks->gather != NULL)
        return webhooks;
    cw_webhooks_close(webhooks);
    return NULL;
}

static void send_away(struct cw_notices *notices)
{
    for (struct cw_notice *notice; (notice = cw_notices_take(notices)) != NULL;)
        cw_notice_end(notice, CW_NOTICE_BUSY);
}

void cw_webhooks_close(struct cw_webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    webhooks->is_closed = true;
    cw_serving_close(webhooks->serving);
    while (webhooks->hearers != NULL)
        cw_hearer_free(webhooks->hearers);
    send_away(&webhooks->believed);
    cw_webhooks_leave_batch(webhooks);
    cw_http_server_close(webhooks->server);
    cw_timer_free(webhooks->gather);
    if (!webhooks->is_storing)
        free(webhooks);
}
