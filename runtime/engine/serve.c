/* serve.c - see serve.h. */
#include "engine/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/cart_path.h"
#include "engine/serve_late.h"

enum { LEASE_NAME_MAX = CW_CART_PATH_CART_MAX + 16 };
static const cw_time lease_time = 2 * CW_MINUTE, lease_renewed = CW_MINUTE, ask_again = 50 * CW_MILLISECOND;

static const char prefix[] = "/serve/";

/* One request that waits, or is in the hands of the script. */
struct asked {
    struct asked *next;
    struct cw_exchange *exchange;
    const struct cw_served_request *request;
    struct cw_slice rest, query; /* of request->target */
    cw_time received_at;
    int64_t until_ns; /* by the loop's monotonic clock */
};

/* A cart that is asked, with its session held meanwhile. */
struct server {
    struct server *next;
    struct cw_serving *serving;
    char cart[CW_CART_PATH_CART_MAX], lease[LEASE_NAME_MAX];
    struct cw_session *session;
    struct cw_lua_cart *lua_cart;
    struct asked *first, *last;
    unsigned count;
    struct asked *current; /* in the hands of the script */
    struct cw_fiber *fiber;
    struct cw_lua_serving answering;
    struct cw_later go_on;
    struct cw_timer *timer; /* the end of the current one; when to ask for the lease again */
    int64_t token;          /* of the lease; 0 = not held */
    int64_t taken_ns;
    bool is_taking; /* the store has not answered */
    bool is_gone;   /* the answer frees it */
};

struct cw_serving {
    struct cw_serving_config config;
    struct server *servers;
    struct cw_late late;
    unsigned waiting;
};

static void go_on(void *arg);

/* --- answers --- */

static struct cw_served_answer answer_of(int status)
{
    static const struct cw_header headers[] = { { "Content-Type", "text/plain; charset=utf-8" },
                                                { "Retry-After", "5" } };
    struct cw_served_answer answer = { .status = status, .headers = headers, .header_count = 1 };
    if (status == 429 || status == 503) {
        answer.header_count = 2;
        answer.body = cw_slice("Too much at once; ask again later.\n");
    } else if (status == 500) {
        answer.body = cw_slice("This request could not be answered; the log of the program says why.\n");
    } else {
        answer.body = cw_slice("There is nothing here.\n");
    }
    return answer;
}

static void end_asked(struct cw_serving *serving, struct asked *asked, const struct cw_served_answer *answer)
{
    cw_exchange_answer(asked->exchange, answer);
    serving->waiting--;
    free(asked);
}

static void end_with(struct cw_serving *serving, struct asked *asked, int status)
{
    const struct cw_served_answer answer = answer_of(status);
    end_asked(serving, asked, &answer);
}

static void tell(const struct server *server, const char *peer, const char *why)
{
    cw_log_pairs(CW_LOG_ERROR, "serve-failed", "cart", server->cart, "from", peer, "error", why, NULL);
}

/* --- the queue of a cart --- */

static struct asked *take_first(struct server *server)
{
    struct asked *asked = server->first;
    if (asked == NULL)
        return NULL;
    server->first = asked->next;
    if (server->first == NULL)
        server->last = NULL;
    server->count--;
    return asked;
}

static void add(struct server *server, struct asked *asked)
{
    *(server->last != NULL ? &server->last->next : &server->first) = asked;
    server->last = asked;
    server->count++;
    server->serving->waiting++;
}

static int64_t now_ns(const struct server *server)
{
    return cw_elapsed_ns(cw_loop_clock(server->serving->config.loop));
}

static void go_on_later(struct server *server)
{
    cw_loop_later(server->serving->config.loop, &server->go_on, go_on, server);
}

/* --- life --- */

static void dropped(void *arg, const struct cw_error *err)
{
    (void)arg, (void)err; /* a lease that cannot be given back runs out */
}

static void free_server(struct server *server)
{
    struct cw_serving *serving = server->serving;
    struct server **place = &serving->servers;
    while (*place != server)
        place = &(*place)->next;
    *place = server->next;
    cw_fiber_kill(server->fiber);
    if (server->current != NULL)
        end_with(serving, server->current, 503);
    for (struct asked *asked; (asked = take_first(server)) != NULL;)
        end_with(serving, asked, 503);
    cw_later_cancel(serving->config.loop, &server->go_on);
    cw_timer_free(server->timer);
    if (server->token != 0)
        cw_store_drop_lease(serving->config.store, cw_slice(server->lease), server->token, dropped, NULL);
    if (server->session != NULL && serving->config.release != NULL)
        serving->config.release(serving->config.arg, server->cart);
    server->is_gone = true;
    if (!server->is_taking)
        free(server);
}

static bool open_cart(struct server *server, bool *is_unknown, struct cw_error *err)
{
    const struct cw_serving_config *config = &server->serving->config;
    server->session = config->session(config->arg, server->cart, err);
    if (server->session == NULL) {
        *is_unknown = err->code == CW_NOT_FOUND;
        return false;
    }
    server->lua_cart = cw_session_cart(server->session, server->cart, err);
    *is_unknown = server->lua_cart != NULL && !server->lua_cart->serves;
    return server->lua_cart != NULL && server->lua_cart->serves;
}

/* --- the script --- */

/* Called while the script runs: nothing of it may be let go here. */
static void answered(void *arg, const struct cw_lua_answer *given, const struct cw_error *err)
{
    struct server *server = arg;
    struct asked *asked = server->current;
    server->current = NULL;
    server->fiber = NULL;
    cw_timer_clear(server->timer);
    go_on_later(server);
    if (err != NULL || given->body.len > CW_SERVE_ANSWER_MAX) {
        tell(server, asked->request->peer,
             err != NULL ? err->text : "the answer is larger than 16 MiB; give it in parts");
        end_with(server->serving, asked, 500);
        return;
    }
    const struct cw_served_answer answer = { .status = given->status,
                                             .headers = given->headers,
                                             .header_count = given->header_count,
                                             .body = given->body };
    server->serving->waiting--;
    cw_late_answer(&server->serving->late, asked->exchange, asked->request->peer, &answer, given->wait);
    free(asked);
}

/* The script took too long. */
static void give_up(struct server *server)
{
    struct asked *asked = server->current;
    cw_fiber_kill(server->fiber);
    server->fiber = NULL;
    server->current = NULL;
    go_on_later(server);
    tell(server, asked->request->peer, "the cart's script took more than 30 s for it");
    end_with(server->serving, asked, 503);
}

static void ask(struct server *server, struct asked *asked)
{
    struct cw_error err;
    const struct cw_lua_notice given = { .method = asked->request->method,
                                         .rest = asked->rest,
                                         .query = asked->query,
                                         .headers = asked->request->headers,
                                         .header_count = asked->request->header_count,
                                         .body = asked->request->body,
                                         .received_at = asked->received_at,
                                         .peer = asked->request->peer };
    const struct cw_fence fence = { cw_slice(server->lease), server->token };
    server->fiber = cw_lua_start_serve(server->lua_cart, &given, fence, &server->answering, &err);
    if (server->fiber != NULL) {
        server->current = asked;
        cw_timer_set(server->timer, CW_SERVE_TIME);
        return;
    }
    tell(server, asked->request->peer, err.text);
    end_with(server->serving, asked, 500);
    go_on_later(server);
}

/* --- the lease --- */

static void taken(void *arg, int64_t token, const struct cw_error *err)
{
    struct server *server = arg;
    server->is_taking = false;
    if (server->is_gone) {
        free(server);
        return;
    }
    server->token = err == NULL ? token : 0;
    server->taken_ns = now_ns(server);
    if (err == NULL) {
        go_on_later(server);
        return;
    }
    if (err->code != CW_CONFLICT)
        tell(server, "", err->text);
    cw_timer_set(server->timer, ask_again);
}

/* Whether the lease holds long enough for one more request; asks for it otherwise. */
static bool holds_lease(struct server *server)
{
    const struct cw_serving_config *config = &server->serving->config;
    if (server->token != 0 && now_ns(server) - server->taken_ns < lease_renewed * 1000)
        return true;
    server->is_taking = true;
    cw_store_take_lease(config->store, cw_slice(server->lease), cw_slice(config->holder), server->token,
                        lease_time, taken, server);
    return false;
}

static void drop_late(struct server *server)
{
    while (server->first != NULL && now_ns(server) > server->first->until_ns)
        end_with(server->serving, take_first(server), 503);
}

static void go_on(void *arg)
{
    struct server *server = arg;
    if (server->current != NULL || server->is_taking)
        return;
    drop_late(server);
    if (server->first == NULL)
        free_server(server);
    else if (holds_lease(server))
        ask(server, take_first(server));
}

static void time_is_over(void *arg)
{
    struct server *server = arg;
    if (server->current != NULL)
        give_up(server);
    else
        go_on(server);
}

/* --- who is let in --- */

/* The cart's server, made when there is none. NULL: *is_unknown, or else why. */
static struct server *server_of(struct cw_serving *serving, const char *cart, bool *is_unknown,
                                struct cw_error *err)
{
    for (struct server *server = serving->servers; server != NULL; server = server->next)
        if (strcmp(server->cart, cart) == 0)
            return server;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for requests to %s", cart);
        return NULL;
    }
    server->serving = serving;
    server->answering = (struct cw_lua_serving){ answered, server };
    snprintf(server->cart, sizeof server->cart, "%s", cart);
    snprintf(server->lease, sizeof server->lease, "(serve) %s", cart);
    server->next = serving->servers;
    serving->servers = server;
    server->timer = cw_timer_create(serving->config.loop, time_is_over, server, err);
    if (server->timer == NULL || !open_cart(server, is_unknown, err)) {
        free_server(server);
        return NULL;
    }
    go_on_later(server); /* which ends it if nothing comes */
    return server;
}

/* The status of a refusal, or 0. */
static int admit(struct cw_serving *serving, const struct cw_served_request *request,
                 struct cw_cart_path *place, struct server **server)
{
    struct cw_error err;
    bool is_unknown = false;
    if (!cw_cart_path_parse(request->target, prefix, place))
        return 404;
    if (serving->waiting >= CW_SERVE_WAITING_MAX)
        return 503;
    *server = server_of(serving, place->cart, &is_unknown, &err);
    if (*server == NULL && is_unknown)
        return 404;
    if (*server == NULL) {
        cw_log_pairs(CW_LOG_ERROR, "serve-failed", "cart", place->cart, "from", request->peer, "error",
                     err.text, NULL);
        return 503;
    }
    if (cw_late_of(&serving->late, request->peer) >= CW_SERVE_LATE_MAX)
        return 429;
    return (*server)->count >= CW_SERVE_CART_MAX ? 429 : 0;
}

bool cw_serving_is_asked(const struct cw_serving *serving, const struct cw_served_request *request)
{
    return serving != NULL && strncmp(request->target, prefix, sizeof prefix - 1) == 0;
}

bool cw_serving_screen(struct cw_serving *serving, const struct cw_served_request *request,
                       struct cw_served_answer *answer)
{
    struct cw_cart_path place;
    struct server *server;
    int status = admit(serving, request, &place, &server);
    if (status != 0)
        *answer = answer_of(status);
    return status != 0;
}

bool cw_serving_take(struct cw_serving *serving, const struct cw_served_request *request,
                     struct cw_served_answer *answer, struct cw_exchange *exchange)
{
    struct cw_cart_path place;
    struct server *server;
    int status = admit(serving, request, &place, &server);
    struct asked *asked = status == 0 ? calloc(1, sizeof *asked) : NULL;
    if (asked == NULL) {
        *answer = answer_of(status != 0 ? status : 503);
        return true;
    }
    asked->exchange = exchange;
    asked->request = request;
    asked->rest = place.rest;
    asked->query = place.query;
    asked->received_at = cw_now(cw_loop_clock(serving->config.loop));
    asked->until_ns = now_ns(server) + CW_SERVE_TIME * 1000;
    add(server, asked);
    go_on_later(server);
    return false;
}

struct cw_serving *cw_serving_create(const struct cw_serving_config *config, struct cw_error *err)
{
    struct cw_serving *serving = calloc(1, sizeof *serving);
    if (serving == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for carts that are asked");
        return NULL;
    }
    serving->config = *config;
    serving->late.loop = config->loop;
    return serving;
}

void cw_serving_close(struct cw_serving *serving)
{
    if (serving == NULL)
        return;
    while (serving->servers != NULL)
        free_server(serving->servers);
    cw_late_send_all(&serving->late);
    free(serving);
}
