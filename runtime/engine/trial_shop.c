/* trial_shop.c - who answers the cart of a trial: the fake, or what was recorded of a shop. And what the
 * cart's script declares, before anybody is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/recording.h"
#include "engine/session.h"
#include "engine/trial_private.h"

/* --- recorded answers --- */

struct cw_trial_replay {
    struct cw_transport transport; /* first */
    struct cw_loop *loop;
    struct cw_recording *recording;
};

struct asked {
    struct cw_trial_replay *replay;
    struct cw_later later;
    cw_http_done_fn *done;
    void *arg;
    struct cw_http_response *response;
    struct cw_error err;
};

static struct cw_http_response *respond(const struct cw_served_answer *answer, struct cw_error *err)
{
    struct cw_body *body = cw_body_create(UINT64_MAX, err);
    if (body == NULL || !cw_body_write(body, answer->body, err)) {
        cw_body_free(body);
        return NULL;
    }
    return cw_http_response_create(answer->status, answer->headers, answer->header_count, body, err);
}

/* "https://shop.example.com/api?a=1" -> "/api?a=1" */
static const char *target_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *slash = host != NULL ? strchr(host + 3, '/') : NULL;
    return slash != NULL ? slash : "/";
}

static void find(struct asked *asked, const struct cw_http_request *request)
{
    struct cw_buffer why = { 0 };
    const struct cw_served_answer *answer =
        cw_recording_find(asked->replay->recording, request->method, target_of(request->url), &why);
    if (answer != NULL)
        asked->response = respond(answer, &asked->err);
    else
        cw_fail(&asked->err, CW_NOT_FOUND, "the recording has no answer: %.*s", (int)why.len,
                why.data != NULL ? why.data : "");
    cw_buffer_fini(&why);
}

static void answer_later(void *arg)
{
    struct asked asked = *(struct asked *)arg;
    free(arg);
    asked.done(asked.arg, asked.response, asked.response != NULL ? NULL : &asked.err);
}

static void *ask(struct cw_transport *transport, const struct cw_http_request *request,
                 const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct cw_trial_replay *replay = (struct cw_trial_replay *)transport;
    struct asked *asked = calloc(1, sizeof *asked);
    (void)egress;
    if (asked == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a request");
        return NULL;
    }
    *asked = (struct asked){ .replay = replay, .done = done, .arg = arg };
    find(asked, request);
    cw_loop_later(replay->loop, &asked->later, answer_later, asked);
    return asked;
}

static void call_off(struct cw_transport *transport, void *handle)
{
    struct asked *asked = handle;
    cw_later_cancel(((struct cw_trial_replay *)transport)->loop, &asked->later);
    cw_http_response_free(asked->response);
    free(asked);
}

static bool open_recording(struct cw_trial *trial, struct cw_error *err)
{
    struct cw_trial_replay *replay = trial->replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a recording");
    replay->transport = (struct cw_transport){ .start = ask, .cancel = call_off };
    replay->loop = trial->loop;
    replay->recording = cw_recording_load(trial->config.recording, err);
    trial->transport = &replay->transport;
    return replay->recording != NULL;
}

/* --- the tests' state --- */

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    return cw_site_load_module(arg, module, source, chunk_name, err);
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg;
    cw_site_release_module(source);
}

static void drop_line(void *arg, struct cw_slice line)
{
    (void)arg;
    (void)line;
}

static void wake_nobody(void *arg)
{
    (void)arg;
}

struct cw_trial_modules { /* of a state without a fake */
    struct cw_random random;
    struct cw_lua_host host;
};

static bool open_own_script(struct cw_trial *trial, struct cw_error *err)
{
    const struct cw_script_host host = { .arg = (void *)trial->config.site,
                                         .name = "test",
                                         .clock = cw_loop_clock(trial->loop),
                                         .random_seed = trial->config.seed,
                                         .wake = wake_nobody,
                                         .load = load,
                                         .release = release,
                                         .print = drop_line };
    trial->own_script = trial->script = cw_script_create(&host, err);
    trial->modules = calloc(1, sizeof *trial->modules);
    if (trial->script == NULL || trial->modules == NULL)
        return trial->script != NULL ? cw_fail(err, CW_NOMEM, "no memory for a test") : false;
    cw_random_seed(&trial->modules->random, trial->config.seed);
    trial->modules->host =
        (struct cw_lua_host){ .loop = trial->loop, .random = &trial->modules->random, .cart = "test" };
    return cw_lua_provide_all(trial->script, &trial->modules->host, err);
}

static void print_line(void *arg, struct cw_slice line)
{
    const struct cw_trial *trial = arg;
    if (trial->config.print != NULL)
        trial->config.print(trial->config.arg, line);
}

static bool open_fake(struct cw_trial *trial, struct cw_error *err)
{
    const struct cw_fake_config config = { .site = trial->config.site,
                                           .loop = trial->loop,
                                           .type = trial->config.type,
                                           .seed = trial->config.seed,
                                           .print = print_line,
                                           .arg = trial };
    trial->fake = cw_fake_open(&config, err);
    if (trial->fake == NULL)
        return false;
    trial->script = cw_fake_script(trial->fake);
    trial->transport = cw_fake_transport(trial->fake);
    return true;
}

bool cw_trial_open_shop(struct cw_trial *trial, struct cw_error *err)
{
    if (trial->config.recording == NULL)
        return open_fake(trial, err);
    return open_recording(trial, err) && open_own_script(trial, err);
}

void cw_trial_close_shop(struct cw_trial *trial)
{
    cw_fake_close(trial->fake);
    cw_script_free(trial->own_script);
    free(trial->modules);
    if (trial->replay != NULL)
        cw_recording_free(trial->replay->recording);
    free(trial->replay);
}

/* --- what the cart's script declares --- */

struct describing {
    struct cw_loop *loop;
    struct cw_buffer *lines;
    bool ended, failed;
    struct cw_error err;
};

static void take_line(void *arg, struct cw_slice line)
{
    struct describing *describing = arg;
    cw_buffer_print(describing->lines, NULL, "%.*s\n", CW_SLICE_ARG(line));
}

static void described(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct describing *describing = arg;
    (void)text;
    describing->ended = true;
    describing->failed = err != NULL;
    if (err != NULL)
        describing->err = *err;
    cw_loop_stop(describing->loop);
}

/* JSON as a text of Lua: any byte may stand as its number. */
static bool add_quoted(struct cw_buffer *source, struct cw_slice json, struct cw_error *err)
{
    bool ok = cw_buffer_print(source, err, "\"");
    for (size_t i = 0; ok && i < json.len; i++)
        ok = cw_buffer_print(source, err, "\\%03u", (unsigned char)json.data[i]);
    return ok && cw_buffer_print(source, err, "\"");
}

static bool run_script(struct cw_session *session, const char *type, struct cw_slice settings,
                       struct describing *describing, struct cw_error *err)
{
    struct cw_buffer source = { 0 };
    struct cw_fiber *fiber = NULL;
    if (cw_buffer_print(&source, err, "require(\"cartwright.declared\").tell(\"%.64s\", ", type) &&
        add_quoted(&source, settings, err) && cw_buffer_print(&source, err, ")"))
        fiber = cw_lua_start_script(cw_session_carts(session), cw_buffer_slice(&source),
                                    "scripts/cartwright/trial.lua", described, describing, err);
    cw_buffer_fini(&source);
    if (fiber == NULL)
        return false;
    while (!describing->ended)
        cw_loop_run(describing->loop);
    if (describing->failed)
        *err = describing->err;
    return !describing->failed;
}

bool cw_trial_describe(struct cw_trial *trial, struct cw_slice settings, struct cw_buffer *lines,
                       struct cw_error *err)
{
    static char *no_arguments[] = { NULL };
    const struct cw_site *from = trial->config.site;
    struct describing describing = { .loop = trial->loop, .lines = lines };
    struct cw_site *site = cw_site_bare(from->folder, from->home, NULL, cw_loop_clock(trial->loop), err);
    struct cw_session_config config = { .site = site,
                                        .loop = trial->loop,
                                        .cart = trial->config.cart,
                                        .argv = no_arguments,
                                        .print = take_line,
                                        .arg = &describing };
    struct cw_session *session = site != NULL ? cw_session_open(&config, err) : NULL;
    bool ok = session != NULL && run_script(session, trial->config.type, settings, &describing, err);
    cw_session_close(session);
    cw_site_free(site);
    return ok;
}
