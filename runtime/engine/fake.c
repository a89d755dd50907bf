/* fake.c - see fake.h: a fake's script, its state, and what it is asked. */
#include "engine/fake.h"

#include <glib.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/fake_private.h"

/* --- what the script kernel asks for --- */

static void run_script(void *arg)
{
    struct cw_fake *fake = arg;
    cw_script_run(fake->script);
}

static void wake(void *arg)
{
    struct cw_fake *fake = arg;
    cw_loop_later(fake->config.loop, &fake->wake, run_script, fake);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    const struct cw_fake *fake = arg;
    if (strcmp(module, "site") == 0 || begins_with(module, "carts.") || begins_with(module, "shipped."))
        return cw_fail(err, CW_REFUSED,
                       "a fake sees neither the site nor its carts: there is no module %s here", module);
    return cw_site_load_module(fake->config.site, module, source, chunk_name, err);
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg;
    cw_site_release_module(source);
}

static void print_line(void *arg, struct cw_slice line)
{
    struct cw_fake *fake = arg;
    if (fake->config.print != NULL) {
        fake->config.print(fake->config.arg, line);
        return;
    }
    struct cw_log_field fields[] = { { "text", line }, { NULL, { NULL, 0 } } };
    cw_log(CW_LOG_INFO, "print", fields);
}

static const char *no_secret(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

/* --- requests --- */

/* Whoever tests with it asks for the errors; whoever serves it looks at the log. */
static void count_error(struct cw_fake *fake, const struct cw_error *err)
{
    if (fake->errors++ == 0)
        fake->first_error = *err;
    struct cw_log_field fields[] = { { "fake", cw_slice(fake->type) },
                                     { "error", cw_slice(err->text) },
                                     { NULL, { NULL, 0 } } };
    cw_log(fake->server != NULL ? CW_LOG_WARNING : CW_LOG_DEBUG, "fake-failed", fields);
}

static void answer_failure(struct cw_lua_fake_answer *answer, const struct cw_error *err)
{
    cw_lua_fake_answer_fini(answer);
    answer->status = 500;
    cw_buffer_print(&answer->body, NULL, "%s", err->text);
}

void cw_fake_meet(struct cw_fake *fake, const struct cw_lua_fake_request *request,
                  struct cw_lua_fake_answer *answer)
{
    struct cw_error err;
    *answer = (struct cw_lua_fake_answer){ 0 };
    if (!request->is_door || !begins_with(request->target, "/_fake/"))
        fake->requests++;
    if (!cw_lua_fake_meet(fake->script, request, answer, &err)) {
        count_error(fake, &err);
        answer_failure(answer, &err);
    } else if (answer->failure.code != CW_OK) {
        count_error(fake, &answer->failure);
    }
}

bool cw_fake_ask(struct cw_fake *fake, const char *method, const char *path, struct cw_slice json,
                 struct cw_buffer *out, struct cw_error *err)
{
    struct cw_lua_fake_answer answer;
    const struct cw_lua_fake_request request = {
        .method = method, .target = path, .origin = "http://fake", .body = json, .is_door = true
    };
    cw_fake_meet(fake, &request, &answer);
    bool ok = answer.status < 300
                  ? cw_buffer_add(out, answer.body.data, answer.body.len, err)
                  : cw_fail(err, CW_USAGE, "%.*s", CW_SLICE_ARG(cw_buffer_slice(&answer.body)));
    cw_lua_fake_answer_fini(&answer);
    return ok;
}

/* --- what comes later --- */

static void free_delayed(struct cw_fake_delayed *delayed)
{
    *(delayed->before != NULL ? &delayed->before->after : &delayed->fake->delayed) = delayed->after;
    if (delayed->after != NULL)
        delayed->after->before = delayed->before;
    cw_timer_free(delayed->timer);
    cw_lua_fake_answer_fini(&delayed->answer);
    g_free(delayed);
}

static void catch_up(struct cw_fake *fake, int64_t number)
{
    struct cw_lua_fake_answer unheard = { 0 };
    struct cw_error err;
    if (!cw_lua_fake_catch_up(fake->script, number, &unheard, &err))
        count_error(fake, &err);
    else if (unheard.failure.code != CW_OK)
        count_error(fake, &unheard.failure);
    cw_lua_fake_answer_fini(&unheard);
}

static void on_delayed(void *arg)
{
    struct cw_fake_delayed *delayed = arg;
    struct cw_served_answer served = cw_fake_served(&delayed->answer);
    if (delayed->exchange != NULL)
        cw_exchange_answer(delayed->exchange, &served);
    else
        catch_up(delayed->fake, delayed->number);
    free_delayed(delayed);
}

void cw_fake_delay(struct cw_fake *fake, struct cw_lua_fake_answer *answer, struct cw_exchange *exchange)
{
    struct cw_fake_delayed *delayed = g_new0(struct cw_fake_delayed, 1);
    cw_time wait = answer->wait;
    *delayed = (struct cw_fake_delayed){
        .after = fake->delayed, .fake = fake, .number = answer->number, .exchange = exchange
    };
    if (exchange != NULL) {
        delayed->answer = *answer;
        *answer = (struct cw_lua_fake_answer){ 0 };
    }
    if (fake->delayed != NULL)
        fake->delayed->before = delayed;
    fake->delayed = delayed;
    delayed->timer = cw_timer_create(fake->config.loop, on_delayed, delayed, NULL);
    if (delayed->timer != NULL)
        cw_timer_set(delayed->timer, wait);
}

/* --- life --- */

static bool open_script(struct cw_fake *fake, struct cw_error *err)
{
    const struct cw_fake_config *config = &fake->config;
    struct cw_script_host host = { .arg = fake,
                                   .name = "fake",
                                   .clock = cw_loop_clock(config->loop),
                                   .random_seed = config->seed,
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print_line,
                                   .collector_always = config->collector_always };
    fake->script = cw_script_create(&host, err);
    return fake->script != NULL && cw_lua_provide_all(fake->script, &fake->lua_host, err) &&
           cw_lua_fake_open(fake->script, fake->type, err);
}

struct cw_fake *cw_fake_open(const struct cw_fake_config *config, struct cw_error *err)
{
    struct cw_fake *fake = g_new0(struct cw_fake, 1);
    fake->config = *config;
    fake->config.type = fake->type = g_strdup(config->type);
    cw_random_seed(&fake->random, config->seed);
    fake->lua_host = (struct cw_lua_host){
        .loop = config->loop, .random = &fake->random, .cart = "fake", .secret = no_secret, .arg = fake
    };
    cw_fake_wire_init(fake);
    if (open_script(fake, err))
        return fake;
    cw_fake_close(fake);
    return NULL;
}

void cw_fake_close(struct cw_fake *fake)
{
    if (fake == NULL)
        return;
    cw_later_cancel(fake->config.loop, &fake->wake);
    cw_script_free(fake->script);
    cw_fake_wire_fini(fake);
    while (fake->delayed != NULL) {
        if (fake->delayed->exchange != NULL)
            cw_exchange_drop(fake->delayed->exchange);
        free_delayed(fake->delayed);
    }
    cw_http_server_close(fake->server);
    cw_lua_fake_answer_fini(&fake->served);
    g_free(fake->type);
    g_free(fake);
}

struct cw_script *cw_fake_script(struct cw_fake *fake)
{
    return fake->script;
}

uint64_t cw_fake_requests(const struct cw_fake *fake)
{
    return fake->requests;
}

unsigned cw_fake_errors(struct cw_fake *fake, struct cw_error *first)
{
    unsigned errors = fake->errors;
    if (errors > 0 && first != NULL)
        *first = fake->first_error;
    fake->errors = 0;
    return errors;
}
