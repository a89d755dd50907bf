/* fake_wire.c - the transport between a cart and its fake: requests arrive and answers come by the loop's
 * clock, and what a test asked for goes wrong with them. */
#include <glib.h>
#include <stdlib.h>

#include "engine/fake_private.h"

enum { HEADERS_MORE = 2 }; /* Host and Authorization */
static const cw_time stall_default = 30 * CW_SECOND, total_default = 300 * CW_SECOND;
static const uint64_t body_default = 64 * 1024 * 1024;

struct cw_fake_call {
    struct cw_fake_call *before, *after;
    struct cw_fake *fake;
    cw_http_done_fn *done; /* NULL = cancelled */
    void *arg;
    struct cw_timer *timer;
    /* The request, copied: it may arrive after its client has gone. */
    char *method, *origin, *target, *body;
    struct cw_header *headers;
    size_t header_count, body_len;
    cw_time patience;
    uint64_t body_limit;
    struct cw_lua_fake_answer answer;
    struct cw_error err; /* CW_OK = the answer comes */
};

static void free_call(struct cw_fake_call *call)
{
    *(call->before != NULL ? &call->before->after : &call->fake->calls) = call->after;
    if (call->after != NULL)
        call->after->before = call->before;
    cw_timer_free(call->timer);
    for (size_t i = 0; i < call->header_count; i++) {
        g_free((char *)call->headers[i].name);
        g_free((char *)call->headers[i].value);
    }
    g_free(call->headers);
    g_free(call->method);
    g_free(call->origin);
    g_free(call->target);
    g_free(call->body);
    cw_lua_fake_answer_fini(&call->answer);
    g_free(call);
}

/* --- the request --- */

static void add_header(struct cw_fake_call *call, const char *name, char *value)
{
    call->headers[call->header_count++] = (struct cw_header){ g_strdup(name), value };
}

static void add_authorization(struct cw_fake_call *call, const struct cw_http_request *request)
{
    const char *user = request->user != NULL ? request->user : "";
    const char *secret = request->secret != NULL ? request->secret : "";
    if (request->auth == CW_HTTP_BASIC) {
        char *pair = g_strdup_printf("%s:%s", user, secret);
        char *coded = g_base64_encode((const guchar *)pair, strlen(pair));
        add_header(call, "Authorization", g_strdup_printf("Basic %s", coded));
        g_free(coded);
        g_free(pair);
    } else if (request->auth == CW_HTTP_BEARER) {
        add_header(call, "Authorization", g_strdup_printf("Bearer %s", secret));
    } else if (request->auth == CW_HTTP_DIGEST) { /* nobody challenged it: it says who, and proves nothing */
        add_header(call, "Authorization", g_strdup_printf("Digest username=\"%s\"", user));
    }
}

/* "https://tea.example.com/shop/orders?page=2" */
static void take_address(struct cw_fake_call *call, const char *url)
{
    const char *scheme_end = strstr(url, "://");
    const char *host = scheme_end != NULL ? scheme_end + 3 : url;
    size_t host_len = strcspn(host, "/?#");
    const char *target = host + host_len;
    call->origin = g_strndup(url, (gsize)(target - url));
    call->target = g_strdup_printf("%s%.*s", *target == '/' ? "" : "/", (int)strcspn(target, "#"), target);
    add_header(call, "Host", g_strndup(host, host_len));
}

static void copy_request(struct cw_fake_call *call, const struct cw_http_request *request)
{
    call->method = g_strdup(request->method);
    call->body = g_memdup2(request->body.data, request->body.len);
    call->body_len = request->body.len;
    call->headers = g_new0(struct cw_header, request->header_count + HEADERS_MORE);
    take_address(call, request->url);
    add_authorization(call, request);
    for (size_t i = 0; i < request->header_count; i++)
        add_header(call, request->headers[i].name, g_strdup(request->headers[i].value));
    cw_time stall = request->stall_timeout > 0 ? request->stall_timeout : stall_default;
    cw_time total = request->total_timeout > 0 ? request->total_timeout : total_default;
    call->patience = stall < total ? stall : total;
    call->body_limit = request->body_limit > 0 ? request->body_limit : body_default;
}

/* --- the answer --- */

static struct cw_http_response *make_response(struct cw_fake_call *call)
{
    const struct cw_lua_fake_answer *answer = &call->answer;
    bool has_body = strcmp(call->method, "HEAD") != 0 && answer->status != 204 && answer->status != 304;
    struct cw_body *body = cw_body_create(call->body_limit, &call->err);
    if (body == NULL)
        return NULL;
    if (has_body && !cw_body_write(body, cw_buffer_slice(&answer->body), &call->err)) {
        cw_body_free(body);
        return NULL;
    }
    int status = answer->status < 200 || answer->status > 599 ? 500 : answer->status;
    return cw_http_response_create(status, answer->headers, answer->header_count, body, &call->err);
}

static void end(void *arg)
{
    struct cw_fake_call *call = arg;
    cw_http_done_fn *done = call->done;
    void *done_arg = call->arg;
    struct cw_http_response *response = call->err.code == CW_OK ? make_response(call) : NULL;
    struct cw_error err = call->err;
    free_call(call);
    done(done_arg, response, response == NULL ? &err : NULL);
}

static cw_time a_moment(struct cw_fake *fake)
{
    return 10 * CW_MILLISECOND + (cw_time)cw_random_below(&fake->random, 50) * CW_MILLISECOND;
}

/* Half of the answers that never come are waited for, the others end with their connection. */
static cw_time lose(struct cw_fake_call *call)
{
    if (cw_random_below(&call->fake->random, 2) == 0) {
        cw_fail(&call->err, CW_TIMEOUT, "%s has not sent a byte for %lld s", call->origin,
                (long long)(call->patience / CW_SECOND));
        return call->patience;
    }
    cw_fail(&call->err, CW_IO, "%s closed the connection before it answered", call->origin);
    return a_moment(call->fake);
}

/* How long the client waits for what the wire makes of the answer. */
static cw_time meet_wire(struct cw_fake_call *call)
{
    switch (call->answer.wire) {
    case CW_FAKE_ANSWERS:
        break;
    case CW_FAKE_REFUSES:
        cw_fail(&call->err, CW_UNAVAILABLE, "%s refuses the connection", call->origin);
        break;
    case CW_FAKE_LOSES:
        return lose(call);
    case CW_FAKE_CUTS:
        cw_fail(&call->err, CW_IO, "%s closed the connection inside the body", call->origin);
        break;
    case CW_FAKE_SLOWS:
        return call->answer.wait < call->patience ? call->answer.wait : call->patience - 1;
    case CW_FAKE_IS_LATE:
        cw_fake_delay(call->fake, &call->answer, NULL);
        cw_fail(&call->err, CW_IO, "%s closed the connection before it answered", call->origin);
        break;
    }
    return a_moment(call->fake);
}

static void arrive(void *arg)
{
    struct cw_fake_call *call = arg;
    const struct cw_lua_fake_request request = { .method = call->method,
                                                 .target = call->target,
                                                 .origin = call->origin,
                                                 .headers = call->headers,
                                                 .header_count = call->header_count,
                                                 .body = { call->body, call->body_len } };
    cw_timer_free(call->timer);
    call->timer = NULL;
    cw_fake_meet(call->fake, &request, &call->answer);
    cw_time wait = meet_wire(call);
    if (call->done == NULL) {
        free_call(call);
        return;
    }
    call->timer = cw_timer_create(call->fake->config.loop, end, call, NULL);
    if (call->timer == NULL)
        abort(); /* a fake is for tests, and this one has no memory left */
    cw_timer_set(call->timer, wait);
}

/* --- the transport --- */

static void *start(struct cw_transport *transport, const struct cw_http_request *request,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct cw_fake *fake = (struct cw_fake *)transport;
    struct cw_fake_call *call = g_new0(struct cw_fake_call, 1);
    (void)egress; /* nothing leaves this process */
    *call = (struct cw_fake_call){ .after = fake->calls, .fake = fake, .done = done, .arg = arg };
    if (fake->calls != NULL)
        fake->calls->before = call;
    fake->calls = call;
    copy_request(call, request);
    call->timer = cw_timer_create(fake->config.loop, arrive, call, err);
    if (call->timer == NULL) {
        free_call(call);
        return NULL;
    }
    cw_timer_set(call->timer, a_moment(fake));
    return call;
}

/* What has not arrived may be in the shop's socket already: the seed says so. */
static void cancel(struct cw_transport *transport, void *handle)
{
    struct cw_fake *fake = (struct cw_fake *)transport;
    struct cw_fake_call *call = handle;
    bool has_arrived = call->answer.status != 0 || call->err.code != CW_OK;
    call->done = NULL;
    if (has_arrived || cw_random_below(&fake->random, 2) == 0)
        free_call(call);
}

static void keep(struct cw_transport *transport)
{
    (void)transport; /* it goes with its fake */
}

struct cw_transport *cw_fake_transport(struct cw_fake *fake)
{
    return &fake->transport;
}

void cw_fake_wire_init(struct cw_fake *fake)
{
    fake->transport = (struct cw_transport){ .start = start, .cancel = cancel, .free = keep };
}

void cw_fake_wire_fini(struct cw_fake *fake)
{
    while (fake->calls != NULL)
        free_call(fake->calls);
}
