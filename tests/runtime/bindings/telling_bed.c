/* telling_bed.c - see telling_bed.h. */
#include "telling_bed.h"

#include <stdio.h>

struct telling_bed tells;

bool telling_bed_try_open(const char *script, const char *cart)
{
    static char site[4096], text[16384];
    cart_bed_close(&tells.cart);
    snprintf(site, sizeof site, "return { carts = { shop = { type = 'test', %s } } }", cart);
    snprintf(text, sizeof text,
             "local cart = require 'cartwright.cart' local J = require 'cartwright.json' "
             "local D = require 'cartwright.decimal' local T = require 'cartwright.time' "
             "local shop = cart.new { title = 't', http = function() return { base = 'http://h/' } end }\n"
             "%s\nreturn shop\n",
             script);
    tells = (struct telling_bed){ .cart = { .site = site,
                                            .cart = text,
                                            .store = tells.cart.store,
                                            .allowed = tells.cart.allowed,
                                            .secret = tells.cart.secret,
                                            .may_write = tells.cart.may_write,
                                            .transport = &tells.shop.transport,
                                            .fail_allocation = tells.fail_allocation } };
    bool ok = cart_bed_open(&tells.cart);
    shop_open(&tells.shop, tells.cart.loop);
    return ok;
}

void telling_bed_open(const char *script, const char *cart)
{
    bool ok = telling_bed_try_open(script, cart);
    assert_ok(ok, tells.cart.err);
}

int telling_bed_close(void **state)
{
    (void)state;
    cart_bed_close(&tells.cart);
    return 0;
}

static void note_sent(void *arg, const struct cw_lua_sent *sent)
{
    struct telling_bed *bed = arg;
    assert_true(sent->count <= TOLD_MAX);
    bed->ended = true;
    bed->count = sent->count;
    bed->effects = sent->effects;
    bed->status = sent->status;
    bed->failed = sent->err != NULL;
    bed->err = sent->err != NULL ? *sent->err : (struct cw_error){ .code = CW_OK };
    for (size_t i = 0; i < sent->count; i++) {
        const struct cw_lua_told *told = &sent->told[i];
        bed->said[i] = told->said;
        snprintf(bed->words[i], sizeof bed->words[i], "%.*s", CW_SLICE_ARG(told->words));
        snprintf(bed->links[i], sizeof bed->links[i], "%.*s", CW_SLICE_ARG(told->link));
    }
}

struct cw_fiber *telling_bed_start(enum cw_out out, enum cw_lua_telling how, const char *const *payloads,
                                   const char *const *links, size_t count)
{
    struct cw_message messages[TOLD_MAX] = { 0 };
    struct cw_slice link[TOLD_MAX];
    for (size_t i = 0; i < count; i++) {
        messages[i] = (struct cw_message){ .id = 11 + (int64_t)i,
                                           .key = { .external_id = cw_slice("A-1") },
                                           .payload = cw_slice(payloads[i]),
                                           .attempts = 2 };
        link[i] = cw_slice(links != NULL ? links[i] : NULL);
    }
    tells.ended = false;
    return cw_lua_start_telling(tells.cart.shop, out, how, messages, link, count, note_sent, &tells,
                                &tells.cart.err);
}

void telling_bed_run(void)
{
    for (int i = 0; i < 100 && !tells.ended; i++) {
        cw_script_run(tells.cart.script);
        cw_loop_run(tells.cart.loop);
    }
    assert_true(tells.ended);
}

void telling_bed_tell(enum cw_out out, enum cw_lua_telling how, const char *const *payloads, size_t count)
{
    bool ok = telling_bed_start(out, how, payloads, NULL, count) != NULL;
    assert_ok(ok, tells.cart.err);
    telling_bed_run();
}

void telling_bed_say(enum cw_lua_telling how)
{
    static const char *const payloads[] = { "{\"order_id\":\"101\",\"status\":\"paid\"}",
                                            "{\"order_id\":\"102\",\"status\":\"shipped\"}" };
    telling_bed_tell(CW_OUT_STATUSES, how, payloads, how == CW_TELL_ONE ? 1 : 2);
}

void telling_bed_answer(int status, const char *body)
{
    shop_answer(&tells.shop, (struct shop_answer){ .status = status, .body = body });
}

void telling_bed_break(enum cw_code code)
{
    shop_answer(&tells.shop, (struct shop_answer){ .code = code });
}
