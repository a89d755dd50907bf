/* fake_serve.c - a fake on a port of this machine. */
#include <glib.h>

#include "engine/fake_private.h"

enum { BODY_MAX = 64 * 1024 * 1024 }; /* bytes of a request */

struct cw_served_answer cw_fake_served(const struct cw_lua_fake_answer *answer)
{
    return (struct cw_served_answer){ .status = answer->status,
                                      .headers = answer->headers,
                                      .header_count = answer->header_count,
                                      .body = cw_buffer_slice(&answer->body) };
}

/* As the client calls it, so that links in answers lead back here. */
static char *origin_of(const struct cw_fake *fake, const struct cw_served_request *request)
{
    const char *host = cw_served_header(request, "Host");
    return host != NULL ? g_strdup_printf("http://%s", host)
                        : g_strdup_printf("http://127.0.0.1:%u", cw_fake_port(fake));
}

/* True: *answer is filled. */
static bool meet_wire(struct cw_fake *fake, struct cw_served_answer *answer, struct cw_exchange *exchange)
{
    *answer = cw_fake_served(&fake->served);
    switch (fake->served.wire) {
    case CW_FAKE_ANSWERS:
        return true;
    case CW_FAKE_REFUSES:
    case CW_FAKE_LOSES:
        cw_exchange_drop(exchange);
        return false;
    case CW_FAKE_CUTS:
        cw_exchange_cut(exchange, answer, answer->body.len / 2);
        return false;
    case CW_FAKE_SLOWS:
        cw_fake_delay(fake, &fake->served, exchange);
        return false;
    case CW_FAKE_IS_LATE:
        cw_fake_delay(fake, &fake->served, NULL);
        cw_exchange_drop(exchange);
        return false;
    }
    return true;
}

static bool serve(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                  struct cw_exchange *exchange)
{
    struct cw_fake *fake = arg;
    char *origin = origin_of(fake, request);
    const struct cw_lua_fake_request asked = { .method = request->method,
                                               .target = request->target,
                                               .origin = origin,
                                               .headers = request->headers,
                                               .header_count = request->header_count,
                                               .body = request->body,
                                               .is_door = fake->config.has_door };
    cw_lua_fake_answer_fini(&fake->served);
    cw_fake_meet(fake, &asked, &fake->served);
    g_free(origin);
    return meet_wire(fake, answer, exchange);
}

bool cw_fake_serve(struct cw_fake *fake, const char *address, unsigned port, struct cw_error *err)
{
    const struct cw_http_server_config config = {
        .loop = fake->config.loop, .body_limit = BODY_MAX, .serve = serve, .arg = fake
    };
    fake->server = cw_http_server_open(&config, address, port, err);
    return fake->server != NULL;
}

unsigned cw_fake_port(const struct cw_fake *fake)
{
    return cw_http_server_port(fake->server);
}
