/* supervisor_http.c - what the supervisor answers: /metrics, /healthz, /readyz; and the sockets it owns. */
#include "engine/supervisor_private.h"

#include <stdlib.h>
#include <unistd.h>

enum { PAGES_MAX = 4 * CW_WORKERS_MAX, CONNECTIONS = 16, BODY_LIMIT = 1024 };
static const cw_time missing_fine = 10 * CW_SECOND;

/* --- texts --- */

static double seconds_since(const struct supervisor *supervisor, int64_t since_ns)
{
    return (double)(elapsed(supervisor) - since_ns) / 1e9;
}

/* Why nobody is ready in a slot. */
static bool print_slot(struct cw_buffer *out, const struct slot *slot)
{
    const struct supervisor *supervisor = slot->supervisor;
    if (slot->now != NULL)
        return cw_buffer_print(out, NULL, "worker %u starts since %.0f s\n", slot->number,
                               seconds_since(supervisor, slot->now->started_ns));
    if (slot->again_ns != 0)
        return cw_buffer_print(out, NULL, "worker %u %s; it is started again in %.0f s\n", slot->number,
                               slot->last_end, -seconds_since(supervisor, slot->again_ns));
    return cw_buffer_print(out, NULL, "worker %u is not started\n", slot->number);
}

static bool is_ready(const struct slot *slot)
{
    return slot->now != NULL && slot->now->is_ready;
}

static int answer_ready(struct supervisor *supervisor, struct cw_buffer *out)
{
    unsigned ready = 0;
    for (size_t i = 0; i < supervisor->slot_count; i++)
        ready += is_ready(supervisor->slots[i]);
    if (supervisor->phase == STOPPING) {
        cw_buffer_print(out, NULL, "stopping\n");
        return 503;
    }
    if (ready > 0) {
        cw_buffer_print(out, NULL, "%u of %zu workers are ready\n", ready, supervisor->slot_count);
        return 200;
    }
    cw_buffer_print(out, NULL, "no worker is ready\n");
    for (size_t i = 0; i < supervisor->slot_count; i++)
        print_slot(out, supervisor->slots[i]);
    return 503;
}

static int answer_healthy(struct supervisor *supervisor, struct cw_buffer *out)
{
    for (const struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
        if (worker->is_hung)
            cw_buffer_print(out, NULL, "worker %u hangs, and is being ended\n", worker->number);
    for (size_t i = 0; i < supervisor->slot_count; i++) {
        const struct slot *slot = supervisor->slots[i];
        if (slot->missing_since_ns != 0 &&
            elapsed(supervisor) - slot->missing_since_ns > missing_fine * 1000) {
            cw_buffer_print(out, NULL, "nobody is at work as worker %u since %.0f s: ", slot->number,
                            seconds_since(supervisor, slot->missing_since_ns));
            print_slot(out, slot);
        }
    }
    if (out->len > 0)
        return 503;
    cw_buffer_print(out, NULL, "fine\n");
    return 200;
}

static int answer_metrics(struct supervisor *supervisor, struct cw_buffer *out)
{
    struct cw_metrics_page *pages[PAGES_MAX];
    size_t count = 0;
    struct cw_metrics_process process = { .workers_wanted = (unsigned)supervisor->slot_count,
                                          .workers_died = supervisor->died,
                                          .workers_hung = supervisor->hung,
                                          .started_at = supervisor->started_at };
    for (size_t i = 0; i < supervisor->slot_count; i++)
        process.workers_ready += is_ready(supervisor->slots[i]);
    for (const struct page *page = supervisor->pages; page != NULL && count < PAGES_MAX; page = page->next)
        pages[count++] = page->pulse->metrics;
    return cw_metrics_write(pages, count, &process, out, NULL) ? 200 : 500;
}

/* --- serving --- */

static int answer(struct supervisor *supervisor, const struct cw_served_request *request)
{
    static const struct {
        const char *path;
        int (*answer)(struct supervisor *supervisor, struct cw_buffer *out);
    } known[] = { { "/metrics", answer_metrics },
                  { "/healthz", answer_healthy },
                  { "/readyz", answer_ready } };
    size_t len = strcspn(request->target, "?");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].path) != len || memcmp(known[i].path, request->target, len) != 0)
            continue;
        if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
            return known[i].answer(supervisor, &supervisor->answer);
        cw_buffer_print(&supervisor->answer, NULL, "GET is all that is served here\n");
        return 405;
    }
    cw_buffer_print(&supervisor->answer, NULL, "here are /metrics, /healthz and /readyz\n");
    return 404;
}

static bool on_request(void *arg, const struct cw_served_request *request, struct cw_served_answer *out,
                       struct cw_exchange *exchange)
{
    static const struct cw_header headers[] = {
        { "Content-Type", "text/plain; version=0.0.4; charset=utf-8" }, { "Cache-Control", "no-store" }
    };
    (void)exchange;
    struct supervisor *supervisor = arg;
    cw_buffer_clear(&supervisor->answer);
    out->status = answer(supervisor, request);
    out->headers = headers;
    out->header_count = sizeof headers / sizeof *headers;
    out->body = cw_buffer_slice(&supervisor->answer);
    return true;
}

static struct cw_http_server *open_server(struct supervisor *supervisor, const char *address,
                                          struct cw_error *err)
{
    const struct cw_http_server_config config = { .loop = supervisor->loop,
                                                  .connections = CONNECTIONS,
                                                  .body_limit = BODY_LIMIT,
                                                  .serve = on_request,
                                                  .arg = supervisor };
    int fd = supervisor_listen(address, err);
    return fd >= 0 ? cw_http_server_open_on(&config, fd, err) : NULL;
}

bool supervisor_serve(struct supervisor *supervisor, const char *address, struct cw_error *err)
{
    if (supervisor->http != NULL && strcmp(address, supervisor->settings.metrics) == 0)
        return true;
    struct cw_http_server *http = *address != '\0' ? open_server(supervisor, address, err) : NULL;
    if (*address != '\0' && http == NULL)
        return false;
    cw_http_server_close(supervisor->http);
    supervisor->http = http;
    return true;
}

bool supervisor_take_webhooks(struct supervisor *supervisor, const char *address, struct cw_error *err)
{
    if (supervisor->webhooks >= 0 && strcmp(address, supervisor->settings.webhooks) == 0)
        return true;
    int fd = *address != '\0' ? supervisor_listen(address, err) : -1;
    if (*address != '\0' && fd < 0)
        return false;
    if (supervisor->webhooks >= 0)
        close(supervisor->webhooks);
    supervisor->webhooks = fd;
    return true;
}
