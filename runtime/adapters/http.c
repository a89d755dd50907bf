/* http.c - the polite, suspicious client: what is sent when, what is sent again, and what is refused. */
#include "adapters/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/http_check.h"
#include "adapters/http_proof.h"
#include "adapters/http_rate.h"
#include "adapters/http_retry.h"
#include "adapters/http_url.h"
#include "base/log.h"

enum { ATTEMPTS_DEFAULT = 5, REDIRECTS_MAX = 5, LABEL_MAX = 64 };

/* A server that says "later" for longer than this, again and again, uses up attempts: somebody must hear of
 * it. */
static const cw_time told_patience = 4 * CW_HOUR;

enum call_state { CALL_READY, CALL_SENT, CALL_WAITING, CALL_FAILED };

struct cw_http_call {
    struct cw_http *http;
    struct cw_http_call *before, *after; /* oldest first */
    enum call_state state;
    struct cw_http_request request;
    struct cw_url url;
    struct cw_buffer address; /* request.url, once it was redirected */
    struct cw_http_proof proof;
    uint64_t token; /* number of the one it was sent with */
    bool renewed;   /* a token that the shop did not take was given up for it */
    void *handle;   /* of the transport, while sent */
    int64_t sent_ns;
    unsigned attempts; /* that count */
    unsigned sent;     /* attempts, told waits and redirects included */
    unsigned redirects;
    cw_time told; /* sum of the waits the server asked for */
    struct cw_timer *timer;
    struct cw_later later;
    struct cw_error err; /* when the transport would not even start */
    cw_http_done_fn *done;
    void *arg;
};

struct cw_http {
    struct cw_http_config config;
    char label[LABEL_MAX];
    struct cw_rate rate;
    struct cw_http_keeper keeper;
    struct cw_timer *gate; /* when the next may go */
    struct cw_later pump;
    struct cw_http_call *first, *last;
    int64_t busy_since_ns; /* when the first of the calls in hand came */
    struct cw_http_stats stats;
};

static void pump(void *arg);
static void on_answer(void *arg, struct cw_http_response *response, const struct cw_error *err);

static void link_call(struct cw_http_call *call)
{
    struct cw_http *http = call->http;
    if (http->first == NULL)
        http->busy_since_ns = cw_elapsed_ns(http->rate.clock);
    call->before = http->last;
    *(http->last != NULL ? &http->last->after : &http->first) = call;
    http->last = call;
}

static uint64_t busy_us(const struct cw_http *http)
{
    return http->first == NULL ? 0 : (uint64_t)(cw_elapsed_ns(http->rate.clock) - http->busy_since_ns) / 1000;
}

static void free_call(struct cw_http_call *call)
{
    struct cw_http *http = call->http;
    if (http->first == http->last)
        http->stats.wait_us += busy_us(http);
    *(call->before != NULL ? &call->before->after : &http->first) = call->after;
    *(call->after != NULL ? &call->after->before : &http->last) = call->before;
    cw_later_cancel(http->config.loop, &call->later);
    cw_timer_free(call->timer);
    cw_buffer_fini(&call->address);
    cw_proof_fini(&call->proof);
    if (http->keeper.asking == call)
        http->keeper.asking = NULL;
    free(call);
}

static void wake(struct cw_http *http)
{
    cw_loop_later(http->config.loop, &http->pump, pump, http);
}

/* Everything a person may read goes through here. */
static void finish_error(const struct cw_http_call *call, struct cw_error *err)
{
    if (call->sent > 1) {
        size_t len = strlen(err->text);
        snprintf(err->text + len, sizeof err->text - len, " (sent %u times)", call->sent);
    }
    cw_fail_in(err, "%s", call->http->label);
    size_t len = cw_redact(err->text, strlen(err->text), sizeof err->text - 1);
    err->text[len] = '\0';
}

/* The caller's function comes last: it may free the client. */
static void finish(struct cw_http_call *call, struct cw_http_response *response, const struct cw_error *err)
{
    cw_http_done_fn *done = call->done;
    void *arg = call->arg;
    struct cw_error told = { 0 };
    if (response != NULL)
        response->attempts = call->sent;
    else {
        told = *err;
        finish_error(call, &told);
    }
    wake(call->http);
    free_call(call);
    done(arg, response, response == NULL ? &told : NULL);
}

static void finish_failed(void *arg)
{
    struct cw_http_call *call = arg;
    finish(call, NULL, &call->err);
}

static void fail_later(struct cw_http_call *call)
{
    call->state = CALL_FAILED;
    cw_loop_later(call->http->config.loop, &call->later, finish_failed, call);
}

static bool may_leave(struct cw_http_call *call)
{
    const struct cw_http_request *request = &call->request;
    return request->may_leave == NULL || request->may_leave(request->leave_arg, &call->err) ||
           cw_fail_in(&call->err, "%s %s: not sent", request->method, call->url.where);
}

/* The request as this attempt sends it. */
static bool prepare(struct cw_http_call *call, struct cw_http_request *sent)
{
    struct cw_http *http = call->http;
    const struct cw_http_request *request = &call->request;
    if (request->auth == CW_HTTP_OAUTH1)
        return cw_proof_sign(&call->proof, request, &call->url, http->rate.clock, http->config.random, sent,
                             &call->err);
    if (request->auth == CW_HTTP_TOKEN) {
        call->token = http->keeper.number;
        return cw_proof_show_token(&call->proof, request, &http->keeper, sent, &call->err);
    }
    *sent = *request;
    return true;
}

static void start_call(struct cw_http_call *call)
{
    struct cw_http *http = call->http;
    struct cw_http_request sent;
    if (!prepare(call, &sent) || !may_leave(call)) {
        fail_later(call);
        return;
    }
    cw_rate_take(&http->rate);
    call->state = CALL_SENT;
    call->sent_ns = cw_elapsed_ns(http->rate.clock);
    call->sent++;
    http->stats.requests++;
    http->stats.bytes_out += call->request.body.len;
    cw_log_pairs(CW_LOG_DEBUG, "http-send", "cart", http->label, "method", call->request.method, "address",
                 call->url.where, NULL);
    call->handle = http->config.transport->start(http->config.transport, &sent, http->config.egress,
                                                 on_answer, call, &call->err);
    if (call->handle == NULL)
        fail_later(call);
}

/* --- tokens --- */

static bool waits_for_token(const struct cw_http_call *call)
{
    return call->state == CALL_READY && call->request.auth == CW_HTTP_TOKEN &&
           !cw_keeper_has_token(&call->http->keeper, cw_elapsed_ns(call->http->rate.clock));
}

static void fail_waiting(struct cw_http *http, struct cw_error *err)
{
    cw_keeper_explain(err);
    for (struct cw_http_call *call = http->first; call != NULL; call = call->after)
        if (waits_for_token(call)) {
            call->err = *err;
            fail_later(call);
        }
}

static void on_token(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct cw_http *http = arg;
    struct cw_error why = { 0 };
    if (response == NULL) /* the errors of those that wait name the client again */
        cw_fail(&why, err->code, "%s", err->text + strlen(http->label) + strlen(": "));
    bool ok =
        response != NULL && cw_keeper_take(&http->keeper, response, cw_elapsed_ns(http->rate.clock), &why);
    cw_http_response_free(response);
    if (!ok)
        fail_waiting(http, &why);
    wake(http);
}

/* It is the newest call: the walk that needs it comes to it last. */
static void ask_token(struct cw_http *http)
{
    struct cw_http_keeper *keeper = &http->keeper;
    struct cw_error err = { 0 };
    if (keeper->asking != NULL)
        return;
    keeper->asking = cw_http_send(http, &keeper->grant->request, on_token, http, &err);
    if (keeper->asking == NULL)
        fail_waiting(http, &err);
}

/* The shop takes a token for none, whatever it said of its life: once for each request it gets another one.
 */
static bool renew_token(struct cw_http_call *call, struct cw_http_response *response)
{
    struct cw_http *http = call->http;
    if (response == NULL || response->status != 401 || call->request.auth != CW_HTTP_TOKEN || call->renewed)
        return false;
    call->renewed = true;
    if (call->token == http->keeper.number)
        cw_keeper_drop(&http->keeper);
    cw_http_response_free(response);
    call->state = CALL_READY;
    wake(http);
    return true;
}

/* --- when what is sent --- */

/* Oldest first, so that what is repeated goes before what has not been sent yet. */
static void pump(void *arg)
{
    struct cw_http *http = arg;
    for (struct cw_http_call *call = http->first; call != NULL; call = call->after) {
        if (call->state != CALL_READY)
            continue;
        if (waits_for_token(call)) {
            ask_token(http);
            continue;
        }
        cw_time wait = cw_rate_wait(&http->rate);
        if (wait > 0) {
            cw_timer_set(http->gate, wait);
            return;
        }
        start_call(call);
    }
}

static void on_wait_over(void *arg)
{
    struct cw_http_call *call = arg;
    call->state = CALL_READY;
    pump(call->http);
}

static void log_retry(const struct cw_http_call *call, const struct cw_http_response *response,
                      const struct cw_error *err, cw_time wait)
{
    char reason[CW_ERROR_TEXT_MAX], waits[32];
    if (response != NULL)
        snprintf(reason, sizeof reason, "status %d", response->status);
    else
        snprintf(reason, sizeof reason, "%s", err->text);
    snprintf(waits, sizeof waits, "%" PRId64, wait / CW_MILLISECOND);
    cw_log_pairs(CW_LOG_INFO, "http-retry", "cart", call->http->label, "method", call->request.method,
                 "address", call->url.where, "reason", reason, "wait_ms", waits, NULL);
}

/* A wait the server asked for is no failed attempt. True when the call will be sent again after `*wait`,
 * which is set for every answer that asks for patience. */
static bool plan_retry(struct cw_http_call *call, const struct cw_http_response *response,
                       const struct cw_error *err, cw_time told, cw_time *wait)
{
    struct cw_http *http = call->http;
    if (!cw_retry_is_worth(response, err))
        return false;
    call->told += told;
    if (told == 0 || call->told > told_patience)
        call->attempts++;
    *wait = told > 0 ? told : cw_retry_backoff(call->attempts, http->config.random);
    unsigned most = call->request.attempts > 0 ? call->request.attempts : ATTEMPTS_DEFAULT;
    return (cw_http_only_reads(&call->request) || call->request.repeatable) && call->attempts < most;
}

static bool refuse_redirect(const struct cw_http_call *call, const struct cw_url *to, const char *why,
                            struct cw_error *err)
{
    return cw_fail(err, CW_REFUSED, "%s %s: redirects to %s, which is not followed: %s", call->request.method,
                   call->url.where, to->where, why);
}

/* Another port is another server, except for the step from http to https. */
static bool check_redirect(const struct cw_http_call *call, const struct cw_url *to, struct cw_error *err)
{
    const struct cw_url *from = &call->url;
    if (strcmp(from->host, to->host) != 0)
        return refuse_redirect(
            call, to, "it is another host; enter that address in the settings if it is the shop's", err);
    if (from->is_https && !to->is_https)
        return refuse_redirect(call, to, "it leaves https", err);
    if (from->port != to->port && from->is_https == to->is_https)
        return refuse_redirect(call, to, "it is another port", err);
    if (call->redirects >= REDIRECTS_MAX)
        return refuse_redirect(call, to, "five redirects are the most that is followed", err);
    return cw_egress_check_host(call->http->config.egress, to->host, to->port, err);
}

static bool follow(struct cw_http_call *call, const char *location, struct cw_error *err)
{
    struct cw_url to;
    struct cw_buffer address = { 0 };
    bool ok = false;
    if (!cw_url_resolve(call->request.url, location, &address, err) ||
        !cw_url_parse(address.data, &to, err)) {
        cw_fail_in(err, "%s %s: redirects to what is no address to follow", call->request.method,
                   call->url.where);
        goto out;
    }
    if (!check_redirect(call, &to, err))
        goto out;
    cw_buffer_fini(&call->address);
    call->address = address;
    address = (struct cw_buffer){ 0 };
    call->request.url = call->address.data;
    call->url = to;
    call->redirects++;
    ok = true;
out:
    cw_buffer_fini(&address);
    return ok;
}

/* NULL when the answer is to be handed over as it is. */
static const char *redirect_of(const struct cw_http_call *call, const struct cw_http_response *response)
{
    int status = response->status;
    bool is_redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return is_redirect && cw_check_is_safe(call->request.method) ? cw_http_header(response, "Location")
                                                                 : NULL;
}

static void follow_or_fail(struct cw_http_call *call, const char *location, struct cw_http_response *response)
{
    struct cw_error err = { 0 };
    bool ok = follow(call, location, &err);
    cw_http_response_free(response);
    if (!ok) {
        finish(call, NULL, &err);
        return;
    }
    call->state = CALL_READY;
    wake(call->http);
}

static void account(struct cw_http_call *call, const struct cw_http_response *response, cw_time wait)
{
    struct cw_http *http = call->http;
    if (response == NULL)
        return;
    http->stats.bytes_in += response->body != NULL ? cw_body_size(response->body) : 0;
    if (response->status == 429) {
        http->stats.throttled++;
        cw_rate_throttle(&http->rate, call->sent_ns, wait);
        return;
    }
    if (response->status < 500)
        cw_rate_succeed(&http->rate);
    cw_rate_hold(&http->rate, cw_retry_spent(response, &http->config.quota));
}

/* How long the shop wants to be left alone. */
static cw_time told_by(const struct cw_http *http, const struct cw_http_response *response)
{
    if (response == NULL || !cw_retry_is_worth(response, NULL))
        return 0;
    cw_time told = cw_retry_told(response, cw_now(http->rate.clock));
    return told == 0 && response->status == 429 ? cw_retry_reset(response, &http->config.quota) : told;
}

static void on_answer(void *arg, struct cw_http_response *response, const struct cw_error *err)
{
    struct cw_http_call *call = arg;
    struct cw_http *http = call->http;
    cw_time wait = 0;
    cw_time told = told_by(http, response);
    call->handle = NULL;
    bool again = plan_retry(call, response, err, told, &wait);
    account(call, response, wait);
    if (again) {
        log_retry(call, response, err, wait);
        http->stats.retries++;
        cw_http_response_free(response);
        call->state = CALL_WAITING;
        cw_timer_set(call->timer, wait);
        return;
    }
    if (renew_token(call, response))
        return;
    const char *location = response != NULL ? redirect_of(call, response) : NULL;
    if (location != NULL)
        follow_or_fail(call, location, response);
    else
        finish(call, response, err);
}

static bool check_request(const struct cw_http *http, const struct cw_http_request *request,
                          struct cw_url *url, struct cw_error *err)
{
    if (!cw_check_method(request->method, err) || !cw_url_parse(request->url, url, err))
        return false;
    for (size_t i = 0; i < request->header_count; i++)
        if (!cw_check_header(&request->headers[i], err))
            return false;
    if (request->auth == CW_HTTP_BEARER && request->secret != NULL && cw_check_has_control(request->secret))
        return cw_fail(err, CW_USAGE, "the access token holds a line break; enter it again without");
    if (http->config.read_only && !cw_http_only_reads(request))
        return cw_fail(err, CW_REFUSED, "%s %s: not sent, because this is a dry run", request->method,
                       url->where);
    return cw_egress_check_host(http->config.egress, url->host, url->port, err);
}

struct cw_http_call *cw_http_send(struct cw_http *http, const struct cw_http_request *request,
                                  cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct cw_http_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a request");
        return NULL;
    }
    call->http = http;
    call->request = *request;
    call->done = done;
    call->arg = arg;
    link_call(call);
    if (check_request(http, request, &call->url, err))
        call->timer = cw_timer_create(http->config.loop, on_wait_over, call, err);
    if (call->timer == NULL) {
        cw_fail_in(err, "%s", http->label);
        free_call(call);
        return NULL;
    }
    wake(http);
    return call;
}

void cw_http_cancel(struct cw_http_call *call)
{
    struct cw_http *http = call->http;
    if (call->handle != NULL)
        http->config.transport->cancel(http->config.transport, call->handle);
    free_call(call);
}

struct cw_http *cw_http_create(const struct cw_http_config *config, struct cw_error *err)
{
    struct cw_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for an HTTP client");
        return NULL;
    }
    http->config = *config;
    snprintf(http->label, sizeof http->label, "%s", config->label != NULL ? config->label : "http");
    http->config.label = http->label;
    http->keeper.grant = config->grant;
    cw_rate_init(&http->rate, cw_loop_clock(config->loop), config->requests_per_second, config->burst);
    http->gate = cw_timer_create(config->loop, pump, http, err);
    if (http->gate != NULL)
        return http;
    cw_http_free(http);
    return NULL;
}

void cw_http_free(struct cw_http *http)
{
    if (http == NULL)
        return;
    while (http->first != NULL)
        cw_http_cancel(http->first);
    cw_later_cancel(http->config.loop, &http->pump);
    cw_timer_free(http->gate);
    cw_keeper_drop(&http->keeper);
    free(http);
}

struct cw_http_stats cw_http_stats(const struct cw_http *http)
{
    struct cw_http_stats stats = http->stats;
    stats.rate = http->rate.now;
    stats.wait_us += busy_us(http);
    stats.held_us = (uint64_t)cw_rate_pause(&http->rate);
    return stats;
}
