/* curl_transport.c - libcurl's multi interface on our loop: who runs, who waits, and when answers are handed
 * over.
 *
 * libcurl's callbacks only set watches and the timer. Answers are delivered from cw_loop_later, where
 * starting, cancelling and freeing anything is safe. */
#include "adapters/curl_transfer.h"

#include <stdlib.h>

enum {
    CONNECTIONS_DEFAULT = 8, /* to one server */
    SERVERS_FULL = 16        /* so many may be slow at a time before others wait for them */
};

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_ENDED };

struct transport;

struct job {
    struct transport *owner;
    struct job *before, *after; /* all that are not delivered, oldest first */
    enum job_state state;
    uint32_t server; /* a hash of "https://shop.example.com:443" */
    struct cw_transfer *transfer;
    CURLcode result;
    struct cw_timer *stall;
    struct cw_later deliver;
    cw_http_done_fn *done;
    void *arg;
};

struct transport {
    struct cw_transport transport; /* first: what callers hold */
    struct cw_loop *loop;
    CURLM *multi;
    struct cw_timer *timer;
    struct job *first, *last;
    unsigned connections, running;
};

static void start_queued(struct transport *own);

static void link_job(struct job *job)
{
    struct transport *own = job->owner;
    job->before = own->last;
    *(own->last != NULL ? &own->last->after : &own->first) = job;
    own->last = job;
}

static void unlink_job(struct job *job)
{
    struct transport *own = job->owner;
    *(job->before != NULL ? &job->before->after : &own->first) = job->after;
    *(job->after != NULL ? &job->after->before : &own->last) = job->before;
}

static void leave_multi(struct job *job)
{
    if (job->state != JOB_RUNNING)
        return;
    cw_timer_clear(job->stall);
    curl_multi_remove_handle(job->owner->multi, job->transfer->easy);
    job->owner->running--;
}

static void free_job(struct job *job)
{
    if (job->owner != NULL)
        cw_later_cancel(job->owner->loop, &job->deliver);
    cw_timer_free(job->stall);
    cw_transfer_free(job->transfer);
    free(job);
}

/* The caller's function comes last: it may start, cancel or free what it likes. */
static void deliver(void *arg)
{
    struct job *job = arg;
    struct cw_error err = { 0 };
    cw_http_done_fn *done = job->done;
    void *done_arg = job->arg;
    struct cw_http_response *response = cw_transfer_result(job->transfer, job->result, &err);
    unlink_job(job);
    free_job(job);
    done(done_arg, response, response == NULL ? &err : NULL);
}

static void end_job(struct job *job, CURLcode result)
{
    leave_multi(job);
    job->state = JOB_ENDED;
    job->result = result;
    cw_loop_later(job->owner->loop, &job->deliver, deliver, job);
    start_queued(job->owner);
}

static void set_stall_timer(struct job *job)
{
    cw_timer_set(job->stall, cw_transfer_stall_timeout(job->transfer) / CW_STALL_TICKS);
}

static void on_stall_tick(void *arg)
{
    struct job *job = arg;
    if (cw_transfer_look(job->transfer))
        end_job(job, CURLE_OPERATION_TIMEDOUT);
    else
        set_stall_timer(job);
}

static bool may_start(const struct job *job)
{
    const struct transport *own = job->owner;
    unsigned there = 0;
    for (const struct job *other = own->first; other != NULL; other = other->after)
        there += other->state == JOB_RUNNING && other->server == job->server;
    return there < own->connections;
}

/* Queued here rather than in libcurl, so that a request's time limits start when it does. */
static void start_queued(struct transport *own)
{
    struct job *after;
    for (struct job *job = own->first; job != NULL && own->running < own->connections * SERVERS_FULL;
         job = after) {
        after = job->after;
        if (job->state != JOB_QUEUED || !may_start(job))
            continue;
        job->state = JOB_RUNNING;
        own->running++;
        set_stall_timer(job);
        if (curl_multi_add_handle(own->multi, job->transfer->easy) != CURLM_OK)
            end_job(job, CURLE_OUT_OF_MEMORY);
    }
}

static void collect_ended(struct transport *own)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(own->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle; /* removing the handle frees the message */
        CURLcode result = message->data.result;
        for (struct job *job = own->first; job != NULL; job = job->after)
            if (job->transfer->easy == easy) {
                end_job(job, result);
                break;
            }
    }
}

static void drive(struct transport *own, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(own->multi, fd, events, &running);
    collect_ended(own);
}

static void on_ready(void *arg, int fd, int events)
{
    drive(arg, fd,
          (events & CW_READABLE ? CURL_CSELECT_IN : 0) | (events & CW_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg)
{
    drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* -1 makes libcurl fail every transfer, which is right when nobody could wake it any more. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct transport *own = arg;
    struct cw_watch *watch = NULL;
    cw_watch_free(socket_arg);
    if (what != CURL_POLL_REMOVE && what != CURL_POLL_NONE) {
        int events = (what & CURL_POLL_IN ? CW_READABLE : 0) | (what & CURL_POLL_OUT ? CW_WRITABLE : 0);
        watch = cw_watch_create(own->loop, fd, events, on_ready, own, NULL);
        if (watch == NULL) {
            curl_multi_assign(own->multi, fd, NULL);
            cw_timer_set(own->timer, 0);
            return -1;
        }
    }
    curl_multi_assign(own->multi, fd, watch);
    return 0;
}

static int want_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct transport *own = arg;
    if (timeout_ms < 0)
        cw_timer_clear(own->timer);
    else
        cw_timer_set(own->timer, timeout_ms * CW_MILLISECOND);
    return 0;
}

/* Scheme, host and port as they are written: two ways to write them count as two servers. */
static uint32_t server_of(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len = host != NULL ? (size_t)(host - url) + 3 : 0;
    return cw_slice_hash((struct cw_slice){ url, len + strcspn(url + len, "/?#") });
}

static void *start(struct cw_transport *transport, const struct cw_http_request *request,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct transport *own = (struct transport *)transport;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a request");
        return NULL;
    }
    job->done = done;
    job->arg = arg;
    job->server = server_of(request->url);
    job->transfer = cw_transfer_create(request, egress, err);
    job->stall = job->transfer != NULL ? cw_timer_create(own->loop, on_stall_tick, job, err) : NULL;
    if (job->stall == NULL) {
        free_job(job);
        return NULL;
    }
    job->owner = own;
    link_job(job);
    start_queued(own);
    return job;
}

static void cancel(struct cw_transport *transport, void *handle)
{
    struct job *job = handle;
    leave_multi(job);
    unlink_job(job);
    free_job(job);
    start_queued((struct transport *)transport);
}

static void free_transport(struct cw_transport *transport)
{
    struct transport *own = (struct transport *)transport;
    if (own->multi != NULL)
        curl_multi_cleanup(own->multi); /* still calls want_socket for kept connections */
    cw_timer_free(own->timer);
    free(own);
}

static bool set_up_multi(struct transport *own)
{
    long connections = own->connections, in_all = connections * SERVERS_FULL;
    return curl_multi_setopt(own->multi, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_SOCKETDATA, own) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_TIMERDATA, own) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, in_all) == CURLM_OK &&
           curl_multi_setopt(own->multi, CURLMOPT_MAXCONNECTS, in_all) == CURLM_OK;
}

struct cw_transport *cw_curl_create(struct cw_loop *loop, unsigned connections, struct cw_error *err)
{
    struct transport *own = calloc(1, sizeof *own);
    if (own == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(own);
        cw_fail(err, CW_NOMEM, "libcurl cannot be started");
        return NULL;
    }
    own->transport = (struct cw_transport){ start, cancel, free_transport };
    own->loop = loop;
    own->connections = connections > 0 ? connections : CONNECTIONS_DEFAULT;
    own->timer = cw_timer_create(loop, on_timer, own, err);
    own->multi = own->timer != NULL ? curl_multi_init() : NULL;
    if (own->multi != NULL && set_up_multi(own))
        return &own->transport;
    if (own->timer != NULL)
        cw_fail(err, CW_NOMEM, "libcurl cannot be started");
    free_transport(&own->transport);
    return NULL;
}
