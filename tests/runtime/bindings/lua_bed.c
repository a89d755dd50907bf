/* lua_bed.c - see lua_bed.h. */
#include "lua_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

/* --- the shop --- */

struct asking {
    struct shop *shop;
    struct cw_timer *timer;
    struct shop_answer answer;
    cw_http_done_fn *done;
    void *arg;
};

static void append(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *fmt, ...)
{
    va_list args;
    size_t len = strlen(text);
    va_start(args, fmt);
    vsnprintf(text + len, BED_TEXT_MAX - len, fmt, args);
    va_end(args);
}

static void log_request(struct shop *shop, const struct cw_http_request *request)
{
    append(shop->log, "%s %s", request->method, request->url);
    for (size_t i = 0; i < request->header_count; i++)
        append(shop->log, " %s: %s", request->headers[i].name, request->headers[i].value);
    if (request->auth != CW_HTTP_NO_AUTH)
        append(shop->log, " auth%d=%s:%s", (int)request->auth, request->user != NULL ? request->user : "",
               request->secret);
    if (request->body.len > 0)
        append(shop->log, " body=%.*s", CW_SLICE_ARG(request->body));
    append(shop->log, "\n");
}

static void free_asking(struct asking *asking)
{
    asking->shop->running--;
    cw_timer_free(asking->timer);
    free(asking);
}

static struct cw_http_response *make_response(const struct shop_answer *answer)
{
    struct cw_body *body = cw_body_create(1 << 28, NULL);
    cw_body_write(body, cw_slice(answer->body), NULL);
    return cw_http_response_create(answer->status, &answer->header, answer->header.name != NULL, body, NULL);
}

static void give(void *arg)
{
    struct asking *asking = arg;
    struct shop_answer answer = asking->answer;
    cw_http_done_fn *done = asking->done;
    void *done_arg = asking->arg;
    struct cw_error err;
    free_asking(asking);
    if (answer.status != 0) {
        done(done_arg, make_response(&answer), NULL);
        return;
    }
    cw_fail(&err, answer.code, "the shop is broken");
    done(done_arg, NULL, &err);
}

static void *start(struct cw_transport *transport, const struct cw_http_request *request,
                   const struct cw_egress *egress, cw_http_done_fn *done, void *arg, struct cw_error *err)
{
    struct shop *shop = (struct shop *)transport;
    struct asking *asking = calloc(1, sizeof *asking);
    (void)egress;
    *asking = (struct asking){ .shop = shop, .done = done, .arg = arg };
    asking->answer = shop->answers[shop->asked < shop->answer_count ? shop->asked : shop->answer_count - 1];
    shop->asked++;
    shop->running++;
    log_request(shop, request);
    asking->timer = cw_timer_create(shop->loop, give, asking, err);
    if (!asking->answer.hangs)
        cw_timer_set(asking->timer, asking->answer.takes);
    return asking;
}

static void cancel(struct cw_transport *transport, void *handle)
{
    (void)transport;
    free_asking(handle);
}

void shop_open(struct shop *shop, struct cw_loop *loop)
{
    *shop = (struct shop){ .transport = { .start = start, .cancel = cancel }, .loop = loop };
}

void shop_answer(struct shop *shop, struct shop_answer answer)
{
    assert_true(shop->answer_count < BED_ANSWERS_MAX);
    shop->answers[shop->answer_count++] = answer;
}

/* --- the script --- */

static const char *find_secret(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "shop.key") == 0 ? BED_SECRET : NULL;
}

static void run_ready(void *arg)
{
    cw_script_run(((struct lua_bed *)arg)->script);
}

static void wake(void *arg)
{
    struct lua_bed *bed = arg;
    cw_loop_later(bed->loop, &bed->later, run_ready, bed);
}

/* Only the library may ask for natives: this is a file of it. */
static const char library[] =
    "local native = 'cartwright.native.' return { http = require(native .. 'http'), "
    "here = require(native .. 'here'), decimal = require 'cartwright.decimal', "
    "time = require 'cartwright.time', json = require 'cartwright.json', "
    "xml = require 'cartwright.xml', log = require 'cartwright.log' }";

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *err)
{
    (void)arg;
    static char mail[32768]; /* the one file of the real library that needs nothing else of it */
    if (strcmp(module, "cartwright.mail") == 0) {
        FILE *in = fopen("scripts/cartwright/mail.lua", "r");
        *source = (struct cw_slice){ mail, in != NULL ? fread(mail, 1, sizeof mail, in) : 0 };
        snprintf(chunk_name, 128, "cartwright/mail.lua");
        return in != NULL && fclose(in) == 0;
    }
    if (strcmp(module, "cartwright.bed") != 0)
        return cw_fail(err, CW_NOT_FOUND, "there is no module %s", module);
    *source = cw_slice(library);
    snprintf(chunk_name, 128, "cartwright/bed.lua");
    return true;
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg, (void)source;
}

static void print(void *arg, struct cw_slice line)
{
    struct lua_bed *bed = arg;
    append(bed->printed, "%.*s\n", CW_SLICE_ARG(line));
}

static void open_shop(struct lua_bed *bed)
{
    shop_open(&bed->shop, bed->loop);
    bed->allowed[0] = "other.example";
    cw_random_seed(&bed->random, 1);
    bed->host = (struct cw_lua_host){ .loop = bed->loop,
                                      .transport = &bed->shop.transport,
                                      .random = &bed->random,
                                      .allowed = bed->allowed,
                                      .cart = "shop",
                                      .secret = find_secret };
}

bool lua_bed_open(struct lua_bed *bed)
{
    struct cw_script_host host = { .arg = bed,
                                   .name = "shop",
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print,
                                   .limits = { .memory_bytes = bed->memory_bytes },
                                   .collector_always = test_collector_always(),
                                   .fail_allocation = bed->fail_allocation };
    *bed = (struct lua_bed){ .fail_allocation = bed->fail_allocation, .memory_bytes = bed->memory_bytes };
    bed->loop = cw_loop_create_virtual(1700000000 * CW_SECOND, &bed->err);
    assert_ok(bed->loop != NULL, bed->err);
    host.clock = cw_loop_clock(bed->loop);
    open_shop(bed);
    bed->script = cw_script_create(&host, &bed->err);
    if (bed->script != NULL && cw_lua_provide_all(bed->script, &bed->host, &bed->err))
        return true;
    lua_bed_close(bed);
    return false;
}

void lua_bed_close(struct lua_bed *bed)
{
    cw_script_free(bed->script);
    bed->script = NULL;
    cw_later_cancel(bed->loop, &bed->later);
    assert_int_equal(bed->shop.running, 0);
    cw_loop_free(bed->loop);
}

void lua_bed_answer(struct lua_bed *bed, struct shop_answer answer)
{
    shop_answer(&bed->shop, answer);
}

/* --- chunks --- */

static int push_secret(lua_State *L)
{
    cw_lua_push_secret(L, luaL_checkstring(L, 1));
    return 1;
}

static int push_file(lua_State *L)
{
    struct cw_slice text;
    struct cw_body *body = cw_body_create(1 << 28, NULL);
    text.data = lua_tolstring(L, 1, &text.len);
    cw_body_write(body, text, NULL);
    cw_lua_push_file_response(L, body, "import.xml");
    return 1;
}

struct task {
    struct lua_bed *bed;
    const char *chunk;
};

/* Notes its arguments as the result of the chunk; inside it, because it may raise. */
static int show(lua_State *L)
{
    struct lua_bed *bed = lua_touserdata(L, lua_upvalueindex(1));
    int count = lua_gettop(L);
    bed->result[0] = '\0';
    for (int i = 1; i <= count; i++) {
        append(bed->result, "%s%s", i > 1 ? "|" : "", luaL_tolstring(L, i, NULL));
        lua_settop(L, count);
    }
    return 0;
}

/* Leaves the chunk and its argument. Lines keep their numbers. */
static int push_chunk(lua_State *L, void *arg)
{
    struct task *task = arg;
    lua_pushfstring(L, "local function run(...) %s\nend local m = ... m.show(run(m))", task->chunk);
    if (luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), "@carts/test.lua", "t") != LUA_OK)
        lua_error(L);
    lua_remove(L, -2);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cartwright.bed");
    lua_call(L, 1, 1);
    lua_pushlightuserdata(L, task->bed);
    lua_pushcclosure(L, show, 1);
    lua_setfield(L, -2, "show");
    lua_pushcfunction(L, push_secret);
    lua_setfield(L, -2, "secret");
    lua_pushcfunction(L, push_file);
    lua_setfield(L, -2, "file");
    return 1;
}

static int call_chunk(lua_State *L)
{
    struct task *task = lua_touserdata(L, 1);
    push_chunk(L, task);
    lua_remove(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

bool lua_bed_call(struct lua_bed *bed, const char *chunk)
{
    struct task task = { bed, chunk };
    return cw_script_call(bed->script, call_chunk, &task, &bed->err);
}

static void end_fiber(void *arg, lua_State *L, const struct cw_error *err)
{
    struct lua_bed *bed = arg;
    (void)L;
    bed->ended = true;
    bed->failed = err != NULL;
    if (err != NULL)
        bed->err = *err;
}

struct cw_fiber *lua_bed_start(struct lua_bed *bed, const char *chunk)
{
    struct task task = { bed, chunk };
    bed->ended = bed->failed = false;
    return cw_fiber_start(bed->script, push_chunk, &task, end_fiber, bed, &bed->err);
}

void lua_bed_run(struct lua_bed *bed)
{
    cw_loop_run(bed->loop);
}

const char *lua_bed_fiber(struct lua_bed *bed, const char *chunk)
{
    if (lua_bed_start(bed, chunk) == NULL)
        fail_msg("%s", bed->err.text);
    lua_bed_run(bed);
    if (!bed->ended || bed->failed)
        fail_msg("%s", bed->ended ? bed->err.text : "the fiber did not end");
    return bed->result;
}

const char *lua_bed_eval(struct lua_bed *bed, const char *chunk)
{
    if (!lua_bed_call(bed, chunk))
        fail_msg("%s", bed->err.text);
    return bed->result;
}

const char *lua_bed_error(struct lua_bed *bed, const char *chunk)
{
    if (lua_bed_call(bed, chunk))
        fail_msg("no error, but %s", bed->result);
    return bed->err.text;
}
